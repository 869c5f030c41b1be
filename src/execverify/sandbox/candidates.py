"""Running what a model wrote: candidates, each in a process of its own with all of its tests.

>>> candidate = Candidate("def f(a, k=0):\\n    return [x + k for x in a]", tests=("[1, 2], k=3", "None"), entry_point="f")
>>> for result in next(run_candidates([candidate])):
...     print(result.outcome, result.value.text if result.value else result.detail)
returned [4, 5]
raised TypeError at line 2: 'NoneType' object is not iterable

What comes back is what the candidate *says*: plain data, to be compared by whoever knows the answer, which never enters
the process. A program that reads standard input runs as `__main__`:

>>> program = Candidate("print(sum(map(int, input().split())))", tests=("1 2", "3 4"))
>>> [result.stdout for result in next(run_candidates([program]))]
['3\\n', '7\\n']

Each test has the time of the limits to itself, in seconds of the processor (five times as long by the clock), and for tests
that are missed there are `Limits.budget` seconds in all. Function calls share one module, as the tests of a real suite would;
after a call that ends the process (it hangs, exits, crashes), a fresh one runs the calls that are left. Every run of a program
has a process of its own.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from execverify.sandbox.name_analysis import calls_name, candidate_names, classes_in, classes_made, run_at_once
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.sandbox import Sandbox, sandbox_for
from execverify.sandbox.scheduler import Scheduler, Session
from execverify.sandbox.sessions import AssertSession, CallSession, Judge, ResolvedSession, session_setup

_DEFAULT = Limits()
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program that a model wrote, and what to try it with.

    Attributes:
        source: a whole module.
        tests: for a function, the arguments of each call as literal text (`"[1, 2], k=3"`); for a program, what is fed to
            its standard input.
        entry_point: the function to call ("Solution.method" is the method of an instance that is made without arguments);
            None for a program, which runs as `__main__`.
        judge: looks at each result as it arrives, and says whether the test passed; results are then kept without values and
            output, so that a batch needs little memory. Where `stop_early` is set, it decides which test is the last.
        output: characters that the program may write, where that is more than the limits allow.
        prelude: imports, one a line, whose names the source may use like built-in ones. They never are a definition of its own.
        context: trusted code that the problem gives, with which the candidate's module begins.
    """

    source: str
    tests: tuple[str, ...]
    entry_point: str | None = None
    context: str = ""
    prelude: str = ""
    judge: Judge | None = field(default=None, compare=False)
    output: int = 0


@dataclass(frozen=True, slots=True)
class CandidateWithAsserts:
    """A program that a model wrote, and a dataset's assertions about it.

    Attributes:
        source: a whole module.
        setup: trusted code that runs before the assertions: helpers, `def check(candidate): ...`.
        asserts: trusted code, each with a result of its own: `"assert f(3) == 4"`, `"check(f)"`.
        entry_point: the function that they are about, which is always the candidate's; other names that neither setup nor assertions
            make are the candidate's too. ("Solution.method" is known to the tests as `method`.)
        prelude: as for `Candidate`.
        context: trusted code that the problem gives, with which the candidate's module begins; classes that the setup makes too are
            known to both sides.
    """

    source: str
    setup: str
    asserts: tuple[str, ...]
    entry_point: str | None = None
    context: str = ""
    prelude: str = ""


def run_candidates(
    candidates: Iterable[Candidate],
    *,
    limits: Limits = _DEFAULT,
    workers: int = 1,
    imports: Collection[str] = (),
    allow_weak: bool = False,
    stop_early: bool = False,
    sandbox: Sandbox | None = None,
    stop: threading.Event | None = None,
) -> Iterator[tuple[Result, ...]]:
    """Runs candidates, and yields for each the results of its tests, in order.

    Args:
        candidates: read as they are needed.
        limits: what each may use; the timeout is each test's.
        workers: how many candidates are at work at once.
        imports: modules that they may import besides the standard library.
        allow_weak: run them also where the system lacks a layer that the sandbox needs.
        stop_early: leave out a candidate's tests after the first that did not return; their outcome is "not run".
        sandbox: one of the caller's own, whose imports then count; else this process's.
        stop: ends every process, and the results, soon after it is set (by another thread).

    Raises:
        WeakSandboxError: this system cannot confine untrusted code, and `allow_weak` is not given.
        SandboxError: no confined process could be started.
    """

    box = sandbox or sandbox_for(imports)

    def case(candidate: Candidate) -> Session:
        role = "stdin" if candidate.entry_point is None else "call"
        used = replace(limits, output=max(limits.output, candidate.output))
        told = session_setup(
            role,
            candidate.source,
            candidate.tests,
            used,
            entry_point=candidate.entry_point,
            imports=sorted(box.imports),
            prelude=candidate.prelude,
            context=candidate.context,
        )
        return CallSession(told, used, stop_early, candidate.judge)

    return _run(map(case, candidates), workers, box, allow_weak, stop)


def run_asserts(
    candidates: Iterable[CandidateWithAsserts],
    *,
    limits: Limits = _DEFAULT,
    workers: int = 1,
    imports: Collection[str] = (),
    allow_weak: bool = False,
    stop_early: bool = False,
    sandbox: Sandbox | None = None,
    stop: threading.Event | None = None,
) -> Iterator[tuple[Result, ...]]:
    """Runs a dataset's assertions against candidates, and yields for each the results of its assertions, in order.

    The tests and the candidate run in two confined processes that speak plain data. An assertion that held has returned; one
    that did not has raised an AssertionError. Where a test needs what cannot cross (a callable as argument, a comparison with an object
    of the candidate's), the outcome is "unsupported": nothing was decided.

    The arguments are those of `run_candidates`; the errors too.

    >>> candidate = CandidateWithAsserts("def f(x):\\n    x.sort()", "a = [2, 1]", ("assert f(a) is None and a == [1, 2]", "assert f([1])"))
    >>> [str(result.error or result.outcome) for result in next(run_asserts([candidate]))]
    ['returned', 'AssertionError']
    """
    box = sandbox or sandbox_for(imports)
    cases = (_asserted(each, limits, box.imports, stop_early) for each in candidates)
    return _run(cases, workers, box, allow_weak, stop)


async def as_async(results: Iterator[_Item]) -> AsyncIterator[_Item]:
    """Results as they come, for `async for`: what yields them runs in a thread, so that the event loop is never held up.

    >>> async def main():
    ...     candidates = [Candidate("def f(n):\\n    return n + 1", ("1",), "f")]
    ...     return [results[0].value.text async for results in arun(run_candidates(candidates))]
    >>> asyncio.run(main())
    ['2']
    """
    done = object()
    thread = ThreadPoolExecutor(1, "execverify-results")  # the loop's own would be waited for when the loop ends
    at_work: Future[object] | None = None
    try:
        while True:
            at_work = thread.submit(next, results, done)
            item = await asyncio.wrap_future(at_work)
            if item is done:
                return
            yield cast(_Item, item)
    finally:
        close = getattr(results, "close", None)
        if close is not None:
            thread.submit(close)  # after what is at work, where this was cancelled
        thread.shutdown(wait=at_work is None or at_work.done())


async def stoppable(work: Callable[[threading.Event], _Item]) -> _Item:
    """What `work` gives, which runs in a thread of its own and ends soon after the event that it is handed is set.

    Cancelled, it sets the event, and returns at once.
    """
    stop = threading.Event()
    thread = ThreadPoolExecutor(1, "execverify-unit-tests")  # the loop's own would be waited for when the loop ends
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, work, stop)
    finally:
        stop.set()
        thread.shutdown(wait=False)


def _asserted(candidate: CandidateWithAsserts, limits: Limits, imports: Collection[str], stop_early: bool) -> Session:
    setup, entry_point = candidate.setup, candidate.entry_point
    try:
        needs = [candidate_names((setup, text), entry_point) for text in candidate.asserts]
        setup_needs = candidate_names((run_at_once(setup),), None)
        shared = {
            "classes": sorted(
                classes_in((setup, *candidate.asserts), {name.rpartition(".")[2] for need in needs for name in need})
            ),
            "shared": sorted(classes_made(candidate.context) & classes_made(setup)) if candidate.context else [],
        }
    except (SyntaxError, ValueError) as error:
        return ResolvedSession(Result(Outcome.SANDBOX_ERROR, detail=f"the tests cannot be read: {error}"), len(candidate.asserts))
    names = sorted(frozenset().union(*needs))
    shared |= {"imports": sorted(imports)}
    code = {"prelude": candidate.prelude, "context": candidate.context}
    answering = session_setup("answer", candidate.source, candidate.asserts, limits, names=names, **code, **shared)
    answering["tests"] = []  # which are none of its business
    calls = entry_point is not None and calls_name((setup, *candidate.asserts), entry_point.rpartition(".")[2])
    testing = session_setup("test", "", candidate.asserts, limits, setup=setup, entry_point=entry_point, calls=calls, **shared)
    return AssertSession(answering, testing, needs, setup_needs, limits, stop_early)


def _run(
    cases: Iterator[Session], workers: int, sandbox: Sandbox, allow_weak: bool, stop: threading.Event | None
) -> Iterator[tuple[Result, ...]]:
    sandbox.require_isolation(allow_weak)
    docket = Scheduler(cases, max(1, workers), sandbox, stop)
    try:
        yield from docket.results()
    finally:
        docket.close()
