"""A question about a run, and the set of answers that are right."""

from dataclasses import dataclass

KINDS = ("next_statement", "variable_state")
"""The paper's kinds of white-box questions, which are asked by default; `QUESTION_KINDS` has every kind. (What a program
returns, or which input gives a result, is a task's own question.)"""

UNIT_TEST = "unit_test"
"""The kind of a code-generation task's questions: what does the function return for these arguments?"""

JSON_TEST, STDIN_TEST, ASSERT_TEST = "json_test", "stdin_test", "assert_test"
"""Kinds of questions of rows that come from elsewhere: a unit test whose result was given as JSON, which has no tuples; a
program's input with the output that it must print, as they are; and test code, which has no answers."""

SETTING = "test_setting"
"""The kind of an entry among such questions that is none: what the tests have in common (setup, how outputs are compared), as JSON."""

TEST_KINDS = (UNIT_TEST, JSON_TEST, STDIN_TEST, ASSERT_TEST)
"""The kinds of tests that a row's questions can be; those of one row are all of one kind."""

NO_NEXT_STATEMENT = "-1"
"""Answer to a next-statement question when nothing runs next."""

NO_STATE = "Nil"
"""Answer to a variable-state question about a visit that does not happen."""

ANSWER_OPEN, ANSWER_CLOSE = "<answer>", "</answer>"
"""The tags around an answer."""

BLANKS = (
    " \t\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
    "\u200b\u200c\u200d\u2060\ufeff"
)
"""What may stand around a line: blanks of every width, none included."""

_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True, slots=True)
class Question:
    """One question about a program's run.

    Attributes:
        kind: "next_statement", "variable_state", or "unit_test".
        line: physical line of the program, from 1; 0 for unit tests.
        visit: which execution of the line, from 1; 0 for unit tests.
        variable: the variable asked about; None for next-statement questions.
        text: the question as the prompt asks it. It names lines by number, so that no question quotes another's answer.
            For unit tests, the arguments of the call as literal text.
        answers: every accepted answer, the preferred one first, as a perfect model would write it. For unit tests, the
            result as a literal.
    """

    kind: str
    line: int
    visit: int
    variable: str | None
    text: str
    answers: tuple[str, ...]


def fits_on_answer_line(text: str) -> bool:
    """Whether a text can stand as a line of an answer: on one line, and without the tags that end answers."""
    return "\n" not in text and "\r" not in text and ANSWER_OPEN not in text and ANSWER_CLOSE not in text


def ordinal(number: int) -> str:
    """1 -> "1st", 12 -> "12th"."""
    suffix = "th" if number % 100 in (11, 12, 13) else _ORDINALS.get(number % 10, "th")
    return f"{number}{suffix}"
