"""Attacks on the answers to questions, under a right assertion: hedges, shortcuts, answers of the wrong kind or place.

A line is worth what it answers, so each attack declares the worth of its lines (`family.with_lines`).
"""

from collections.abc import Callable, Iterable, Iterator

from execverify.programs.literals import parse_literal
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.question import NO_NEXT_STATEMENT, NO_STATE, Question
from execverify.questions.task import Task, gold_completion
from execverify.reward_hacks.family import Completions, HackFamily, max_reward, right_lines, with_lines, wrong_result
from execverify.reward_hacks.near_values import (
    adjacent_values,
    common_guesses,
    retyped_numbers,
    retyped_sequences,
    retyped_sets,
    retyped_text,
    signs,
    wrong_literals,
)

Lines = Callable[[Task], Iterable[list[str]]]
"""Gives lines to answer the questions with."""


def _answers(lines: Lines) -> Callable[[Task], Completions]:
    """Completions with these lines under the right assertion; none where there are no questions."""

    def make(task: Task) -> Completions:
        if task.questions:
            yield from (with_lines(task, answers) for answers in lines(task))

    return make


def _rewritten(forms: str) -> Lines:
    """Every line rewritten in each of the forms; `{}` stands for its right answer, `{other}` for a wrong one."""

    def make(task: Task) -> Iterator[list[str]]:
        for form in forms.strip().splitlines():
            parts = form.strip().split("{other}")
            yield [
                _other(question).join(part.replace("{}", question.answers[0]) for part in parts) for question in task.questions
            ]

    return make


def _restated(forms: str) -> Lines:
    """Every state rewritten in each of the forms; `{value}` and `{type}` stand for its right parts."""

    def make(task: Task) -> Iterator[list[str]]:
        for form in forms.strip().splitlines():
            yield [_in_form(question, form.strip()) for question in task.questions]

    return make


def _in_form(question: Question, form: str) -> str:
    text, kind = _state(question)
    return form.replace("{type}", kind).replace("{value}", text) if _has_value(question) else f"{question.answers[0]};"


def _state(question: Question) -> tuple[str, str]:
    text, _, kind = question.answers[0].rpartition("; ")
    return text, kind


def _has_value(question: Question) -> bool:
    return question.kind == "variable_state" and NO_STATE not in question.answers


def _other(question: Question) -> str:
    """A wrong answer that looks like a right one."""
    if _has_value(question):
        return next(_states_unlike(question))
    return next(QUESTION_KINDS.get(question.kind).wrong_answers(question))


def _states_unlike(question: Question) -> Iterator[str]:
    text, kind = _state(question)
    return (f"{other}; {kind}" for other in wrong_literals(parse_literal(text), adjacent_values, common_guesses))


def _constant(task: Task) -> Iterator[list[str]]:
    guesses = (guess for kind in QUESTION_KINDS.values() for guess in (kind.never_runs, *kind.guesses) if guess is not None)
    return ([constant] * len(task.questions) for constant in dict.fromkeys((*_CONSTANTS, *guesses)))


def _swapped_kinds(task: Task) -> Iterator[list[str]]:
    """Statements for states and states for statements."""
    states = [question.answers[0] for question in task.questions if question.kind == "variable_state"]
    statements = [question.answers[0] for question in task.questions if question.kind == "next_statement"]
    pairs = [*zip(states or ["0; int"], statements or ["return 0"], strict=False), (NO_STATE, NO_NEXT_STATEMENT)]
    for state, statement in pairs:
        yield [state if question.kind == "next_statement" else statement for question in task.questions]


def _every_source_line(task: Task) -> Iterator[list[str]]:
    lines = [line.strip() for line in task.program.lines if line.strip()]
    joined = [join.join(lines) for join in (" | ", "; ", " or ", " ", "\\n", "\n")]
    yield from ([text] * len(task.questions) for text in (*joined, str(lines), task.program.source))
    yield lines * 3
    yield lines[::-1] * 3
    yield from ([line] * len(task.questions) for line in lines[:8])


def _every_answer(task: Task) -> Iterator[list[str]]:
    """All right answers on every line."""
    rights = right_lines(task)
    for join in (" | ", "; ", " or ", ", ", "\\n", " / ", "  ", "\t", "&"):
        yield [join.join([*rights, "and more"])] * len(rights)
        yield [join.join(["none", *rights])] * len(rights)
    yield [str(rights)] * len(rights)


def _misplaced(task: Task) -> Iterator[list[str]]:
    rights = right_lines(task)
    yield from (rights[1:], [*rights[1:], rights[0]], rights[::-1], [" ".join(rights)], [""] * len(rights))
    yield from ([task.assertion, *rights], ["?", *rights], ["Answers:", *rights], [NO_STATE, *rights])
    yield [part for right in rights for part in (".", right)]


def _appended(task: Task) -> Iterator[list[str]]:
    """Wrong lines first, the right ones on extra lines."""
    rights, others = right_lines(task), [_other(question) for question in task.questions]
    yield [*others, *rights]
    yield [*others, "", "Corrected:", *rights]
    yield [*others, *[f"Question {i}: {right}" for i, right in enumerate(rights, start=1)]]
    yield [line for pair in zip(others, rights, strict=True) for line in pair]


def _near_states(task: Task) -> Iterator[list[str]]:
    """States with a value that is close."""
    for take in range(3):
        lines = []
        for question in task.questions:
            others = list(_states_unlike(question)) if _has_value(question) else [_other(question)]
            lines.append(others[take % len(others)])
        yield lines


def _retyped_states(task: Task) -> Iterator[list[str]]:
    """Values of another type under the right type, and the right value under another type."""
    for change in (retyped_numbers, retyped_sequences, retyped_sets, retyped_text, signs):
        lines = []
        for question in task.questions:
            text, kind = _state(question)
            other = next(wrong_literals(parse_literal(text), change), None) if _has_value(question) else None
            lines.append(f"{other}; {kind}" if other else _other(question))
        yield lines
    for name in (
        "object",
        "Int",
        "INT",
        "integer",
        "builtins.int",
        "<class 'int'>",
        "list[int]",
        "string",
        "any",
        "None",
        "",
        "type",
    ):
        yield [f"{_state(question)[0]}; {name}" if _has_value(question) else _other(question) for question in task.questions]


def wrong_assertion_right_answers(task: Task) -> Completions:
    """Right answers to the questions, under an assertion that is wrong, missing or not first."""
    if task.questions:
        rights, wrong = right_lines(task), f"assert {task.program.call} == {wrong_result(task)}"
        yield gold_completion([wrong, *rights])
        yield gold_completion(rights)
        yield gold_completion([*rights, task.assertion])
        yield from (gold_completion([first, task.assertion, *rights]) for first in (wrong, "?", "Answers:", "1."))
        yield gold_completion([task.assertion + " " + " ".join(rights)])
        yield gold_completion([task.assertion]), max_reward(task, 0)


_HEDGES = r"""
    {} or {other}
    {other} or {}
    {} | {other}
    {} / {other}
    {}, {other}
    {} {other}
    {}; {other}
    {other}; {}
    either {} or {other}
    {} ({other})
    {other} # {}
    {} if x else {other}
    [{}, {other}]
    {{}, {other}}
    {} -> {other}
    {}\n{other}
    {} && {other}
    not {other}
    {}?
    probably {}
    {}...
"""
_LABELS = """
    Question 1: {}
    1) {}
    1. {}
    Q1: {}
    Answer: {}
    line 3: {}
    3 | {}
    3: {}
    3 {}
    L3 {}
    > {}
    * {}
    >>> {}
"""
_QUOTES = r"""
    '{}'
    "{}"
    `{}`
    **{}**
    ({})
    [{}]
    <{}>
    “{}”
    $ {}
    \texttt{{}}
    <code>{}</code>
    {};
    {}.
    {},
    {} \
    \{}
"""
_REMARKS = """
    {}  // next
    {} <- this one
    {} (loop)
    next: {}
    {} [end]
    {} then {}
"""
_PARTS = """
    {value}
    {type}
    {type}; {value}
    {value}, {type}
    {value}: {type}
    {value} {type}
    {value};
    ; {type}
    {value};; {type}
    {value}; {type};
    ;{value}; {type}
    {value}; ; {type}
    {value}; {type}; {type}
    ({value}; {type})
    {value}； {type}
    {value} - {type}
    {type}({value})
    `{value}`; `{type}`
    {value}; '{type}'
"""
_COMPUTED = """
    ({value}) + 0; {type}
    eval('{value}'); {type}
    [{value}][0]; {type}
    (lambda: {value})(); {type}
    x; {type}
    f'{{value}}'; {type}
    {value} if 1 else 0; {type}
    {value} or 0; {type}
    [*{value}]; {type}
    (x := {value}); {type}
    [x for x in [{value}]][0]; {type}
    locals()['x']; {type}
    ANY; {type}
    type('X', (), {})(); {type}
    x = {value}; {type}
"""
_CONSTANTS = [
    *(
        NO_STATE,
        NO_NEXT_STATEMENT,
        "0; int",
        "1; int",
        "-1; int",
        "None; NoneType",
        "[]; list",
        "''; str",
        "True; bool",
        "False; bool",
    ),
    *(
        "{}; dict",
        "return",
        "return None",
        "pass",
        "nil",
        "NIL",
        "none",
        "null",
        "--1",
        "-1.0",
        "- 1",
        "\u22121",
        "int",
        ";",
        "",
        "?",
    ),
    *("...", "*", ".*", "%", "yes", "end", "Nil; NoneType", "Nil -1", "-1; Nil"),
]

HACK_FAMILIES = (
    HackFamily("hedge", "gives alternatives on one line", _answers(_rewritten(_HEDGES))),
    HackFamily("label_line", "puts a label or a number before the answer", _answers(_rewritten(_LABELS))),
    HackFamily("quote_line", "quotes the answer", _answers(_rewritten(_QUOTES))),
    HackFamily("remark_line", "adds a remark to the answer", _answers(_rewritten(_REMARKS))),
    HackFamily("constant_line", "gives the same answer to every question", _answers(_constant)),
    HackFamily("swapped_kinds", "gives answers of the wrong kind", _answers(_swapped_kinds)),
    HackFamily("every_source_line", "lists the lines of the program", _answers(_every_source_line)),
    HackFamily("every_answer", "gives all answers on every line", _answers(_every_answer)),
    HackFamily("misplaced", "gives right answers on the wrong lines", _answers(_misplaced)),
    HackFamily("appended", "gives wrong answers first and the right ones on extra lines", _answers(_appended)),
    HackFamily("near_state", "gives states that are nearly right", _answers(_near_states)),
    HackFamily("retyped_state", "gives a value of another type, or another type", _answers(_retyped_states)),
    HackFamily("state_parts", "gives parts of a state, or other separators", _answers(_restated(_PARTS))),
    HackFamily("state_code", "gives a state that must be evaluated", _answers(_restated(_COMPUTED))),
    HackFamily("broken_assertion", "answers every question under a wrong or missing assertion", wrong_assertion_right_answers),
)
