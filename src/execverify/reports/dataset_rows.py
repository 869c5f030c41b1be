"""One row of a dataset as the page shows it: the code, the call and its result, the questions, and the trace as a table.

Here values become short texts; `templates/rows.html.j2` writes them as HTML.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from execverify.cot import CotCompletion, generate_cot
from execverify.errors import ProgramError
from execverify.programs.catalog import get_builtin, is_self_composable
from execverify.programs.constraints import DEPTHS, Constraint
from execverify.programs.program import split_lines
from execverify.programs.values import Value
from execverify.questions.task import CODE_GENERATION, Task
from execverify.reports.render import cut, highlight
from execverify.tracing.expressions import NO_VALUES, ExpressionValues
from execverify.tracing.trace import Step, Trace

if TYPE_CHECKING:
    from markupsafe import Markup

KINDS = {
    "white_box": "white-box",
    "input_prediction": "input prediction",
    "code_generation": "code generation",
    "next_statement": "next statement",
    "variable_state": "variable state",
    "output": "output",
    "unit_test": "unit test",
}
"""Names of the kinds of rows and questions for readers."""

_OPEN_STEPS, _MAX_STEPS = 24, 120  # steps that are shown at once, and those that can be unfolded
_MAX_LINES, _MAX_WIDTH = 150, 200  # of a source
_MAX_CHAIN = 8_000
_MAX_VALUE, _MAX_NAMES, _MAX_ANSWER = 120, 8, 300
_NUMBERS = {1: "one", 2: "two", 3: "three"}


@dataclass(frozen=True)
class StepView:
    """A step: where it was, and what it changed.

    Attributes:
        function: the one whose frame the step is in.
        arguments: names and values that the frame began with, where the step is the first of its frame.
        changes: names and their new values; None where the name is gone.
        more_changes: how many changes are left out.
        raised: whether the step ended in an exception.
        returns: what the call returned, at the last step.
    """

    number: int
    line: int
    visit: int
    function: str
    statement: str
    arguments: tuple[tuple[str, str], ...] | None
    changes: tuple[tuple[str, str | None], ...]
    more_changes: int
    raised: bool
    returns: str | None


@dataclass(frozen=True)
class QuestionView:
    """A question, or the call of a unit test, and the accepted answers."""

    text: str
    answers: tuple[str, ...]
    is_code: bool = False


@dataclass(frozen=True)
class RowView:
    """A row and its trace; the template reads the rest from the task and the trace themselves.

    Attributes:
        number: its place on the page, from 1.
        kind: for readers.
        builtin: the built-in under test; empty where there is none.
        constraint: as a sentence, with code between backticks; empty where there is none.
        source: highlighted lines; `more_lines` are left out.
        steps: the first steps of the trace; empty where the run did not return.
        chain: a chain of thought rendered from the trace; empty where none can be rendered, and for code generation.
        open_steps: how many of them are shown at once.
    """

    number: int
    task: Task
    trace: Trace
    kind: str
    builtin: str
    constraint: str
    source: Sequence["Markup"]
    more_lines: int
    questions: tuple[QuestionView, ...]
    steps: tuple[StepView, ...]
    chain: str = ""
    open_steps: int = _OPEN_STEPS


def row_view(number: int, task: Task, trace: Trace, values: ExpressionValues = NO_VALUES) -> RowView:
    """A row with the trace of its run, ready to be shown.

    Args:
        number: its place on the page, from 1.
        task: the row.
        trace: of its program's run.
        values: of the run's expressions.
    """
    lines, constraint = split_lines(task.program.source), task.constraint or ""
    return RowView(
        number=number,
        task=task,
        trace=trace,
        kind=KINDS.get(task.kind, task.kind),
        builtin=constraint.partition(" with ")[2],
        constraint=describe_constraint(constraint) if constraint else "",
        source=highlight("\n".join(cut(line, _MAX_WIDTH) for line in lines[:_MAX_LINES]).rstrip("\n")),
        more_lines=max(0, len(lines) - _MAX_LINES),
        questions=tuple(_questions(task)),
        steps=tuple(_step_views(trace)) if trace.result.outcome == "returned" else (),
        chain=_chain(task, trace, values),
    )


def _chain(task: Task, trace: Trace, values: ExpressionValues) -> str:
    """The completion that `dataset add-cot` would give the row."""
    if task.kind == CODE_GENERATION or trace.result.outcome != "returned":
        return ""
    made = generate_cot(task, trace, values)
    return cut(made.text, _MAX_CHAIN) if isinstance(made, CotCompletion) else ""


def describe_constraint(text: str) -> str:
    """A constraint as a sentence, with code between backticks."""
    try:
        constraint = Constraint.parse(text)
    except ProgramError:
        return f"Constraint: {text}."
    if constraint.level == 1:
        how = "on its own result" if is_self_composable(get_builtin(constraint.method)) else "at least twice"
        return f"One function that calls `{constraint.method}` {how}; no other call, no control flow."
    least, most = DEPTHS[constraint.level]
    if most == 0:
        flow = "no control flow"
    elif least == most:
        flow = f"control flow nested exactly {_NUMBERS[least]} deep"
    else:
        flow = f"control flow nested {_NUMBERS[least]} to {_NUMBERS[most]} deep"
    functions = "Two functions, one of which calls the other, with" if constraint.level == 6 else "One function with"
    return f"{functions} `{constraint.method}` and at least one other built-in; {flow}."


def _questions(task: Task) -> Iterator[QuestionView]:
    if task.kind == CODE_GENERATION:
        for test in task.questions:
            call = cut(f"{task.program.entry_point}({test.text})", _MAX_ANSWER)
            yield QuestionView(call, (cut(test.answers[0], _MAX_ANSWER),), is_code=True)
    elif task.kind != "input_prediction":
        yield QuestionView("What does the call return?", (cut(task.result.text or "", _MAX_ANSWER),))
        for question in task.questions:
            yield QuestionView(question.text, tuple(cut(answer, _MAX_ANSWER) for answer in question.answers))


def _step_views(trace: Trace) -> Iterator[StepView]:
    entered: set[int] = set()
    for step in trace.steps[:_MAX_STEPS]:
        frame = trace.frames[step.frame]
        is_first = step.frame not in entered
        entered.add(step.frame)
        changed = sorted(step.changed) if step.finished is not None else []
        yield StepView(
            number=step.index + 1,
            line=step.line,
            visit=step.visit,
            function=frame.function,
            statement=cut(trace.program.lines[step.line - 1].strip(), _MAX_WIDTH),
            arguments=tuple(map(_binding, frame.state, frame.state.values()))[:_MAX_NAMES] if is_first else None,
            changes=tuple(_change(step, name) for name in changed[:_MAX_NAMES]),
            more_changes=max(0, len(changed) - _MAX_NAMES),
            raised=step.finished is None,
            returns=_returned(trace, step),
        )


def _change(step: Step, name: str) -> tuple[str, str | None]:
    return _binding(name, step.state[name]) if name in step.state else (name, None)


def _binding(name: str, value: Value) -> tuple[str, str]:
    text = value.text if value.text is not None else f"<{value.type}: {value.opaque_reason}>"
    return cut(name, 60), cut(text, _MAX_VALUE)


def _returned(trace: Trace, step: Step) -> str | None:
    value = trace.result.value
    if value is None or step.finished is None or step.index != len(trace.steps) - 1:
        return None
    return cut(value.text or value.type, _MAX_VALUE)
