"""Data flow: what are the value and type of a variable just after visit n of line L?

The state is that of the step's own frame when the step has finished; of a line left at a `yield`, only what it binds when it
goes on is asked about. Asked are names that the step gave a new value (also
through an alias); never opaque values, comprehension variables, or steps that ended in an exception. `Nil` is the answer
for visits that do not happen.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from execverify.errors import LiteralError
from execverify.programs.equality import is_value
from execverify.programs.literals import parse_literal
from execverify.programs.values import Value
from execverify.questions.kinds.base import NEVER_RUNS, QuestionCandidate, QuestionKind, Shortcut, register_kind
from execverify.questions.question import BLANKS, NO_STATE, Question, ordinal
from execverify.questions.statements import Statement, StatementTable
from execverify.tracing.trace import Step, Trace

MAX_ANSWER = 300
"""Longest value that is asked for, in characters."""

COPIED_LITERAL = "copied_literal"
"""The shortcut of answering with a literal that stands in the source or the call."""

COPIED_ARGUMENT = "copied_argument"
"""The shortcut of answering with an element of the call's arguments."""

_CONTAINERS = frozenset({"list", "dict", "set", "tuple", "str", "bytearray", "frozenset", "bytes"})


@dataclass(frozen=True)
class VariableState(QuestionKind):
    """What are a variable's value and type after a line's visit? (Paper, section 3: data flow.)"""

    name = "variable_state"
    title = "variable state"
    never_runs = NO_STATE
    shortcuts = {
        NEVER_RUNS: Shortcut(0.11, "the line never runs"),
        COPIED_LITERAL: Shortcut(0.07, "copying a literal"),
        COPIED_ARGUMENT: Shortcut(0.09, "copying an element of an argument"),
    }
    guesses = ("0; int", "1; int", "-1; int", "None; NoneType", "[]; list", "''; str", "True; bool", "False; bool")

    def text(self, line: int, visit: int, variable: str | None) -> str:
        return f"What are the value and type of `{variable}` just after line {line} has run for the {ordinal(visit)} time?"

    def candidates(self, trace: Trace, table: StatementTable) -> Iterator[QuestionCandidate]:
        """Every question of a run, and for each assigning line one about a visit that does not happen."""
        for step in trace.steps:
            statement = table.statements.get(step.line)
            if statement is None or not statement.is_unambiguous or step.finished is None:
                continue
            for name in sorted(step.changed):
                value = step.state.get(name)
                if name not in trace.program.source:  # `_C__x`, which the source calls `__x`
                    continue
                if statement.yields and name not in statement.targets:  # it may have changed while the line was left
                    continue
                if value is not None and value.text is not None and len(value.text) <= MAX_ANSWER:
                    yield _changed(step, statement, name, value, table)
        for statement in table.statements.values():
            visits = trace.visits.get(statement.line, ())
            if statement.is_unambiguous:
                weight = 2.0 if visits else 1.0
                for name in sorted(_names_set_at(statement, visits)):
                    yield QuestionCandidate(statement.line, len(visits) + 1, name, (NO_STATE,), weight, NEVER_RUNS)

    def answers(self, trace: Trace, question: Question) -> tuple[str, ...]:
        step = trace.step(question.line, question.visit)
        if step is None:
            return (NO_STATE,)
        value = step.state.get(question.variable or "")
        return (str(value),) if value is not None and value.text is not None else ()

    def reject(self, question: Question, answer: str, float_tolerance: float = 0.0) -> str:
        if answer[-1:] in (";", "."):  # behind the type, or `Nil`
            answer = answer[:-1].rstrip(BLANKS)
        if answer == NO_STATE:
            return "" if NO_STATE in question.answers else "the line does run that many times"
        if question.answers == (NO_STATE,):
            return "the line does not run that many times"
        text, semicolon, type_name = answer.rpartition(";")
        if not semicolon:
            return "it is not `value; type`"
        try:
            value = parse_literal(text)
        except LiteralError as error:
            return f"the value {error}"
        types = [accepted.rpartition("; ")[2] for accepted in question.answers]
        for accepted, expected_type in zip(question.answers, types, strict=True):
            if type_name.strip() == expected_type and is_value(value, accepted.rpartition("; ")[0], float_tolerance):
                return ""
        return "it is another value" if type_name.strip() == types[0] else "it is another type"

    def is_well_formed(self, answer: str) -> bool:
        return _is_state(answer)

    def is_shortcut(self, question: Question, table: StatementTable) -> bool:
        # The value stands in the source or the call: the most that copying could ever get.
        return question.answers[0].rpartition("; ")[0] in table.literals


register_kind(VariableState())


@functools.lru_cache(maxsize=65536)
def _is_state(answer: str) -> bool:
    text, _, kind = answer.rpartition("; ")
    try:
        return answer == NO_STATE or type(parse_literal(text)).__name__ == kind
    except LiteralError:
        return False


def _names_set_at(statement: Statement, visits: tuple[Step, ...]) -> set[str]:
    """Names whose value a reader would look for at this line: those it assigned when it ran, or would assign."""
    return {name for step in visits for name in step.changed if name in step.state} or set(statement.targets)


def _changed(step: Step, statement: Statement, name: str, value: Value, layout: StatementTable) -> QuestionCandidate:
    shortcut = None
    if value.text in layout.literals:
        shortcut = COPIED_LITERAL
    elif value.text in layout.argument_parts:
        shortcut = COPIED_ARGUMENT
    weight = 0.2 if value.text == statement.literal else 1.0
    if value.type in _CONTAINERS and value.text not in ("''", "[]", "{}", "()", "set()"):
        weight += 1.5
    if name not in statement.targets:
        weight += 1.0  # changed in place, or through another name
    if statement.is_loop:
        weight += 0.3
    weight += min(step.visit - 1, 4) * 0.5
    return QuestionCandidate(step.line, step.visit, name, (str(value),), weight, shortcut)
