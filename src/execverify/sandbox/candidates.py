"""Runs candidates (programs that a model wrote), each in a process of its own with all of its tests.

>>> candidate = Candidate("def f(a, k=0):\\n    return [x + k for x in a]", tests=("[1, 2], k=3", "None"), entry_point="f")
>>> for result in next(run_candidates([candidate])):
...     print(result.outcome, result.value.text if result.value else result.detail)
returned [4, 5]
raised TypeError at line 2: 'NoneType' object is not iterable

A result is the candidate's own claim: plain data, which the caller compares with the expected value. That value never enters the
process. A program that reads standard input runs as `__main__`:

>>> program = Candidate("print(sum(map(int, input().split())))", tests=("1 2", "3 4"))
>>> [result.stdout for result in next(run_candidates([program]))]
['3\\n', '7\\n']

Each test may use the timeout of the limits in processor time, and five times as much by the wall clock. Failed tests may use
`Limits.budget` seconds in all. Function calls share one module, as the tests of a real suite would; after a call that ends the
process (it hangs, exits, crashes), a fresh one runs the remaining calls. Every run of a program has a process of its own.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from execverify.sandbox.name_analysis import calls_name, candidate_names, defined_classes, used_classes, without_function_bodies
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.sandbox import Sandbox, sandbox_for
from execverify.sandbox.scheduler import Scheduler, Session
from execverify.sandbox.sessions import AssertSession, CallSession, Judge, ResolvedSession, Results, session_setup

_DEFAULT = Limits()
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program that a model wrote, and its tests.

    Attributes:
        source: a whole module.
        tests: for a function, the arguments of each call as literal text (`"[1, 2], k=3"`); for a program, its standard input.
        entry_point: the function to call ("Solution.method" is the method of an instance that is created without arguments);
            None for a program, which runs as `__main__`.
        judge: takes each result as it arrives, and returns whether the test passed. Results are then kept without values and
            output, so that a batch needs little memory. Where `stop_early` is set, it decides which test is the last.
        output: characters that the program may write, where that is more than the limits allow.
        prelude: imports, one a line, whose names the source may use like built-in ones. They do not count as its own definitions.
        context: trusted code of the problem, with which the candidate's module begins.
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
        asserts: trusted code, each with its own result: `"assert f(3) == 4"`, `"check(f)"`.
        entry_point: the function under test, which is always the candidate's. Other names that neither setup nor assertions define
            are the candidate's too. ("Solution.method" has the name `method` in the tests.)
        prelude: as for `Candidate`.
        context: trusted code of the problem, with which the candidate's module begins. Classes that it and the setup both define are
            known to both processes.
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
    allow_weak_isolation: bool = False,
    stop_early: bool = False,
    sandbox: Sandbox | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Results]:
    """Runs candidates, and yields for each the results of its tests, in order.

    Args:
        candidates: read as they are needed.
        limits: what each may use; the timeout is each test's.
        workers: how many candidates are at work at once.
        imports: modules that they may import besides the standard library.
        allow_weak_isolation: whether to run them where a layer of isolation is off that untrusted code needs.
        stop_early: whether to run no test of a candidate after the first that did not return; their outcome is "not_run".
        sandbox: a sandbox for candidates, whose imports then count; None for this process's own.
        stop: ends every process, and the results, soon after another thread sets it.

    Raises:
        InsufficientIsolationError: this system cannot confine untrusted code, and `allow_weak_isolation` is not set.
        SandboxError: no confined process could be started.
    """

    box = sandbox or sandbox_for(imports)

    def session(candidate: Candidate) -> Session[Results]:
        role = "stdin" if candidate.entry_point is None else "call"
        used = replace(limits, output=max(limits.output, candidate.output))
        setup = session_setup(
            role,
            candidate.source,
            candidate.tests,
            used,
            entry_point=candidate.entry_point,
            imports=sorted(box.imports),
            prelude=candidate.prelude,
            context=candidate.context,
        )
        return CallSession(setup, used, stop_early, candidate.judge)

    return _run(map(session, candidates), workers, box, allow_weak_isolation, stop)


def run_asserts(
    candidates: Iterable[CandidateWithAsserts],
    *,
    limits: Limits = _DEFAULT,
    workers: int = 1,
    imports: Collection[str] = (),
    allow_weak_isolation: bool = False,
    stop_early: bool = False,
    sandbox: Sandbox | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Results]:
    """Runs a dataset's assertions against candidates, and yields for each the results of its assertions, in order.

    The tests and the candidate run in two confined processes that exchange plain data. An assertion that held has the outcome
    "returned"; one that failed has raised an AssertionError. Where a test needs more than plain data to cross (a callable as argument,
    a comparison with an object of the candidate's), the outcome is "unsupported": nothing was decided.

    Arguments and errors are those of `run_candidates`.

    >>> candidate = CandidateWithAsserts("def f(x):\\n    x.sort()", "a = [2, 1]", ("assert f(a) is None and a == [1, 2]", "assert f([1])"))
    >>> [str(result.error or result.outcome) for result in next(run_asserts([candidate]))]
    ['returned', 'AssertionError']
    """
    box = sandbox or sandbox_for(imports)
    sessions = (_assert_session(each, limits, box.imports, stop_early) for each in candidates)
    return _run(sessions, workers, box, allow_weak_isolation, stop)


async def as_async(results: Iterator[_Item]) -> AsyncIterator[_Item]:
    """Yields results to `async for`. The iterator runs in a thread, so that it never blocks the event loop.

    >>> async def main():
    ...     candidates = [Candidate("def f(n):\\n    return n + 1", ("1",), "f")]
    ...     return [results[0].value.text async for results in as_async(run_candidates(candidates))]
    >>> asyncio.run(main())
    ['2']
    """
    done = object()
    thread = ThreadPoolExecutor(1, "execverify-results")  # an event loop would wait for its own executor when it ends
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
            thread.submit(close)  # after the current call, where this was cancelled
        thread.shutdown(wait=at_work is None or at_work.done())


async def stoppable(work: Callable[[threading.Event], _Item]) -> _Item:
    """Runs `work` in a thread, and returns its result. When cancelled, sets the event that `work` was given, and returns at once.

    Args:
        work: ends soon after the event is set.
    """
    stop = threading.Event()
    thread = ThreadPoolExecutor(1, "execverify-unit-tests")  # an event loop would wait for its own executor when it ends
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, work, stop)
    finally:
        stop.set()
        thread.shutdown(wait=False)


def _assert_session(
    candidate: CandidateWithAsserts, limits: Limits, imports: Collection[str], stop_early: bool
) -> Session[Results]:
    setup, entry_point = candidate.setup, candidate.entry_point
    try:
        needs = [candidate_names((setup, text), entry_point) for text in candidate.asserts]
        setup_needs = candidate_names((without_function_bodies(setup),), None)
        shared = {
            "classes": sorted(
                used_classes((setup, *candidate.asserts), {name.rpartition(".")[2] for need in needs for name in need})
            ),
            "shared": sorted(defined_classes(candidate.context) & defined_classes(setup)) if candidate.context else [],
        }
    except (SyntaxError, ValueError) as error:
        return ResolvedSession(Result(Outcome.SANDBOX_ERROR, detail=f"the tests cannot be read: {error}"), len(candidate.asserts))
    names = sorted(frozenset().union(*needs))
    shared |= {"imports": sorted(imports)}
    code = {"prelude": candidate.prelude, "context": candidate.context}
    candidate_setup = session_setup("answer", candidate.source, candidate.asserts, limits, names=names, **code, **shared)
    candidate_setup["tests"] = []  # which the candidate must not see
    calls = entry_point is not None and calls_name((setup, *candidate.asserts), entry_point.rpartition(".")[2])
    test_setup = session_setup("test", "", candidate.asserts, limits, setup=setup, entry_point=entry_point, calls=calls, **shared)
    return AssertSession(candidate_setup, test_setup, needs, setup_needs, limits, stop_early)


def _run(
    sessions: Iterator[Session[Results]], workers: int, sandbox: Sandbox, allow_weak_isolation: bool, stop: threading.Event | None
) -> Iterator[Results]:
    sandbox.require_isolation(allow_weak_isolation)
    yield from Scheduler(sessions, workers, sandbox, stop).results()
