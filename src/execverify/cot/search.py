"""Input prediction: finds arguments as a reader of the prompt could, without a look at those of the row.

First the program is inverted from the result (`inversion`). Where that gives nothing, or what it gives returns something else, values are
proposed in a fixed order. Each proposal runs. A search that needs more than `MAX_TRIES` of them fails, and the task gets no chain.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from execverify.cot.inversion.candidates import Candidate, Candidates
from execverify.cot.inversion.needs import Items
from execverify.errors import LiteralError, ProgramError
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, arguments_text
from execverify.programs.values import to_value
from execverify.questions.question import fits_on_answer_line
from execverify.questions.task import Task
from execverify.rewards.steps.claims import Bindings, Requirement, TriedCall
from execverify.rewards.steps.reference import SHORT, RunReference, traced_with_expressions
from execverify.sandbox.result import Limits, Outcome
from execverify.tracing.expressions import ExpressionValues
from execverify.tracing.trace import Trace

MAX_TRIES = 4
"""Most arguments that a chain tries, the right ones included."""

_MAX_MOMENTS = 4
_LIMITS = Limits()

NO_SEARCH = "no arguments can be derived, or found in a few tries"
"""The reason why a task gets no chain."""


@dataclass(frozen=True)
class Search:
    """How arguments were found.

    Attributes:
        program: the program with the arguments.
        trace: its run.
        details: the values of the parts of its statements.
        failed: the tries before, as claims.
        needs: what steps must start from, from the last one back, as claims that hold in the run.
    """

    program: Program
    trace: Trace
    details: ExpressionValues
    failed: tuple[TriedCall, ...]
    needs: tuple[Requirement, ...]

    @property
    def kind(self) -> str:
        """ "inverted" where the first arguments are right and were derived; else "searched"."""
        return "inverted" if self.needs and not self.failed else "searched"


@dataclass
class _Attempt:
    """A task while arguments for it are sought."""

    task: Task
    candidates: Candidates
    failed: list[TriedCall]
    found: Search | None = None
    ended: bool = False


def known_arguments(trace: Trace, details: ExpressionValues) -> Search:
    """No search: the arguments of a run that is given. For completions that must be true, and not for teaching."""
    return Search(trace.program, trace, details, (), ())


def find_arguments(tasks: Sequence[Task], *, limits: Limits = _LIMITS, workers: int = 1) -> list[Search | None]:
    """Searches arguments for input predictions, in order; None where the search fails.

    Args:
        tasks: of kind "input_prediction".
        limits: what a program may use.
        workers: processes that run programs at once.

    Raises:
        SandboxError: programs cannot be run here (our failure).
    """
    attempts = [_Attempt(task, Candidates(task.program, parse_literal(task.result.text or "")), []) for task in tasks]
    for _ in range(MAX_TRIES):
        _try_next([one for one in attempts if one.found is None and not one.ended], limits, workers)
    return [one.found for one in attempts]


def _try_next(attempts: Sequence[_Attempt], limits: Limits, workers: int) -> None:
    """Runs the next candidate of each task."""
    tried: list[tuple[_Attempt, Candidate, Program]] = []
    for one in attempts:
        candidate = one.candidates.next()
        program = _program(one.task, candidate) if candidate is not None else None
        one.ended = program is None
        if candidate is not None and program is not None:
            tried.append((one, candidate, program))
    runs = traced_with_expressions([program for *_, program in tried], limits, workers)
    for (one, candidate, _), (run, details) in zip(tried, runs, strict=True):
        _judge(one, candidate, run, details)


def _program(task: Task, candidate: Candidate) -> Program | None:
    """The program with other arguments; None where it cannot be called so, or the call cannot stand in an answer."""
    try:
        program = replace(task.program, arguments=candidate.arguments)
    except ProgramError:
        return None
    return program if fits_on_answer_line(program.one_line_call) else None


def _judge(one: _Attempt, candidate: Candidate, run: Trace, details: ExpressionValues) -> None:
    """Notes how a try ended. One that does not end by itself, or ends in what has no literal, ends the search: no chain could show it."""
    text = run.result.value.text if run.result.value is not None else None
    if run.result.outcome == Outcome.RETURNED and text is not None and run.steps:
        if text == one.task.result.text:
            steps = candidate.derivation.steps if candidate.derivation is not None else ()
            one.found = Search(run.program, run, details, tuple(one.failed), tuple(_needs(steps, RunReference(run, details))))
            return
        one.candidates.failed(candidate, parse_literal(text))
    elif run.result.outcome == Outcome.RAISED:
        one.candidates.failed(candidate, None)
    else:
        one.ended = True
    arguments = tuple(
        (name, arguments_text(((value,), {}))) for name, value in zip(one.candidates.names, candidate.values, strict=True)
    )
    moments = tuple(_moments(run))[-_MAX_MOMENTS:] if run.result.outcome == Outcome.RETURNED else ()
    one.failed.append(TriedCall(arguments, moments, text))


def _moments(run: Trace) -> Iterator[tuple[int, int, Bindings]]:
    """What the last visit of each line of the entry function set, in the order of the run."""
    own = {step.line: step for step in run.steps if step.frame == 0 and step.finished is not None and step.changed}
    for step in sorted(own.values(), key=lambda step: step.index):
        pairs = [(name, step.state[name].text) for name in sorted(step.changed) if name in step.state]
        named = tuple((name, text) for name, text in pairs if text is not None and len(text) <= SHORT)
        if named:
            yield step.line, step.visit, named


def _needs(steps: Iterable[tuple[int, int, dict[str, object]]], run: RunReference) -> Iterator[Requirement]:
    """The derived needs that the run bears out; each moment once, each line at most twice."""
    shown: dict[int, set[int]] = {}
    for line, visit, needs in steps:
        step = run.trace.step(line, visit)
        if step is None or visit in shown.get(line, ()) or len(shown.get(line, ())) > 1:
            continue
        before = run.before(step)
        named = tuple((name, text) for name, value in needs.items() if (text := _text(value)) is not None)
        if named and all(name in before and before[name].text == text for name, text in named):
            shown.setdefault(line, set()).add(visit)
            yield Requirement(line, visit, named)


def _text(value: object) -> str | None:
    if isinstance(value, Items):
        return None
    try:
        return to_value(value).text
    except (LiteralError, RecursionError):
        return None
