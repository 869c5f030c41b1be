"""Control flow: which statement runs next after visit n of line L?

The answer is the text of the statement whose step *begins* next in time, wherever it is; `-1` where none does, and for
visits that do not happen. Steps after which two readings remain are left out: a line that called a function, resumes, and
enters another function before it finishes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from execverify.questions.kinds.base import NEVER_RUNS, QuestionCandidate, QuestionKind, Shortcut, register_kind
from execverify.questions.question import NO_NEXT_STATEMENT, Question, ordinal
from execverify.questions.statements import Statement, StatementTable, layout_of
from execverify.tracing.trace import Step, Trace

NEXT_LINE = "next_line"
"""The shortcut of answering with the line below."""


@dataclass(frozen=True)
class NextStatement(QuestionKind):
    """Which statement runs next after a line's visit? (Paper, section 3: control flow.)"""

    name = "next_statement"
    title = "next statement"
    never_runs = NO_NEXT_STATEMENT
    shortcuts = {NEVER_RUNS: Shortcut(0.11, "the line never runs"), NEXT_LINE: Shortcut(0.15, "the next line down")}
    max_repeats = 2
    guesses = ("return None", "return 0", "pass")
    shows_next_step = True

    def text(self, line: int, visit: int, variable: str | None) -> str:
        return f"Which statement runs next after line {line} has run for the {ordinal(visit)} time?"

    def candidates(self, trace: Trace, table: StatementTable) -> Iterator[QuestionCandidate]:
        """Every question of a run, and for each line one about a visit that does not happen."""
        first_steps = _first_steps(trace)
        for step, following in zip(trace.steps, [*trace.steps[1:], None], strict=False):
            statement = table.statements.get(step.line)
            if statement is not None and statement.is_unambiguous:
                candidate = _after(step, following, statement, table, first_steps)
                if candidate is not None:
                    yield candidate
        for statement in table.statements.values():
            if statement.is_unambiguous:
                visits = len(trace.visits.get(statement.line, ()))
                weight = 2.0 if visits else 1.0
                yield QuestionCandidate(statement.line, visits + 1, None, (NO_NEXT_STATEMENT,), weight, NEVER_RUNS)

    def answers(self, trace: Trace, question: Question) -> tuple[str, ...]:
        step = trace.step(question.line, question.visit)
        if step is None or step.index + 1 == len(trace.steps):
            return (NO_NEXT_STATEMENT,)
        target = layout_of(trace.program).statements.get(trace.steps[step.index + 1].line)
        return target.accepted_texts if target is not None else ()

    def reject(self, question: Question, answer: str, float_tolerance: float = 0.0) -> str:
        return "it is not the statement that runs next"

    def is_shortcut(self, question: Question, table: StatementTable) -> bool:
        below = table.next_line.get(question.line)
        return below is not None and table.statements[below].accepted_texts[0] in question.answers


register_kind(NextStatement())


def _first_steps(trace: Trace) -> dict[int, int]:
    """By frame, the index of its first step."""
    found: dict[int, int] = {}
    for step in trace.steps:
        found.setdefault(step.frame, step.index)
    return found


def _after(
    step: Step, following: Step | None, statement: Statement, layout: StatementTable, first_steps: dict[int, int]
) -> QuestionCandidate | None:
    if following is None:
        return QuestionCandidate(step.line, step.visit, None, (NO_NEXT_STATEMENT,), 1.0, NEVER_RUNS)
    target = layout.statements.get(following.line)
    if target is None or not target.is_unambiguous or not _has_one_reading(step, following, first_steps):
        return None
    enters = first_steps[following.frame] == following.index
    if statement.yields and (following.frame == step.frame or enters):
        return None  # between the two, the line that asked for the next value went on
    shortcut = NEXT_LINE if layout.next_line[step.line] == following.line else None
    weight = _weight(step, following, statement, layout)
    return QuestionCandidate(step.line, step.visit, None, target.accepted_texts, weight, shortcut)


def _has_one_reading(step: Step, following: Step, first_steps: dict[int, int]) -> bool:
    """Whether "what runs next" can only be read one way.

    Entering a new frame has one reading where the step itself is still under way: it made the call. If it had finished,
    or ended in an exception, some other line resumed in between and made the call.
    """
    enters = following.frame != step.frame and first_steps[following.frame] == following.index
    return not enters or (step.finished is not None and step.finished > following.index)


def _weight(step: Step, following: Step, statement: Statement, layout: StatementTable) -> float:
    weight = 1.0
    if following.frame != step.frame:
        weight += 3.0  # a call or a return
    elif following.line <= step.line:
        weight += 1.5  # a loop goes round
    elif layout.next_line[step.line] != following.line:
        weight += 2.0  # a branch not taken, a loop that ends, a jump
    if statement.is_branch:
        weight += 1.5
    if step.finished is None:
        weight += 2.0  # an exception
    return weight + min(step.visit - 1, 4) * 0.5
