"""Data flow: what are the value and type of a variable just after visit n of line L?

The state is that of the step's own frame when the step has finished; of a line left at a `yield`, only what it binds when it
goes on is asked about. Asked are names that the step gave a new value (also
through an alias); never opaque values, comprehension variables, or steps that ended in an exception. `Nil` is the answer
for visits that do not happen.
"""

from collections.abc import Iterator

from execverify.programs.values import Value
from execverify.questions.kinds.base import QuestionCandidate
from execverify.questions.question import NO_STATE
from execverify.questions.statements import Statement, StatementTable
from execverify.tracing.trace import Step, Trace

MAX_ANSWER = 300
"""Longest value that is asked for, in characters."""

_CONTAINERS = frozenset({"list", "dict", "set", "tuple", "str", "bytearray", "frozenset", "bytes"})


def variable_states(trace: Trace, layout: StatementTable) -> Iterator[QuestionCandidate]:
    """Every variable-state question of a run, and for each assigning line one about a visit that does not happen."""
    for step in trace.steps:
        statement = layout.statements.get(step.line)
        if statement is None or not statement.is_unambiguous or step.finished is None:
            continue
        for name in sorted(step.changed):
            value = step.state.get(name)
            if name not in trace.program.source:  # `_C__x`, which the source calls `__x`
                continue
            if statement.yields and name not in statement.targets:  # it may have changed while the line was left
                continue
            if value is not None and value.text is not None and len(value.text) <= MAX_ANSWER:
                yield _changed(step, statement, name, value, layout)
    for statement in layout.statements.values():
        visits = trace.visits.get(statement.line, ())
        if statement.is_unambiguous:
            for name in sorted(_names_set_at(statement, visits)):
                yield QuestionCandidate(statement.line, len(visits) + 1, name, (NO_STATE,), 2.0 if visits else 1.0, "absent")


def _names_set_at(statement: Statement, visits: tuple[Step, ...]) -> set[str]:
    """Names whose value a reader would look for at this line: those it assigned when it ran, or would assign."""
    return {name for step in visits for name in step.changed if name in step.state} or set(statement.targets)


def _changed(step: Step, statement: Statement, name: str, value: Value, layout: StatementTable) -> QuestionCandidate:
    shortcut = "copied" if value.text in layout.literals else None
    weight = 0.2 if value.text == statement.literal else 1.0
    if value.type in _CONTAINERS and value.text not in ("''", "[]", "{}", "()", "set()"):
        weight += 1.5
    if name not in statement.targets:
        weight += 1.0  # changed in place, or through another name
    if statement.is_loop:
        weight += 0.3
    weight += min(step.visit - 1, 4) * 0.5
    return QuestionCandidate(step.line, step.visit, name, (str(value),), weight, shortcut)
