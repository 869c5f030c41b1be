"""How REval's authors read answers and count them, to the letter where no answer has to be run to be read.

coverage     what does not begin with YES is NO, and so is an answer that is missing
path         the first line of the answer, which must be the text of a line of the code, or -1
state        `value; type`, with some leniency for how types are written; the value must have that type. Read as a literal: the
             authors `eval` it, so that they take an expression too
output       lines that are missing before the answer are those of the question; as many assertions as there, and none of what
             always holds
consistency  a probe counts where coverage, state, path and output are right up to one of them and wrong after it: 1, 1/2, 1/4,
             1/8; any other pattern counts nothing
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal
from execverify.programs.values import Value
from execverify.questions.question import NO_STATE

TOLERANCE = 1e-6
"""How far a float may be off; absolute, and for a value that is a float itself, not for floats in a list."""

WEIGHTS: Mapping[tuple[bool, ...], float] = {
    (True, True, True, True): 1.0,
    (True, True, True, False): 0.5,
    (True, True, False, False): 0.25,
    (True, False, False, False): 0.125,
}
"""By which of coverage, state, path and output are right."""

_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
_KINDS = {"string": "str", "integer": "int"}
_ALWAYS_HOLDS = ("assertTrue(True)", "assertFalse(False)", "assert True", "assert False")


def is_yes(given: str | None) -> bool:
    """Whether an answer on coverage is taken for YES."""
    return given is not None and given.strip().upper().startswith("YES")


def next_line(given: str) -> str:
    """The line that an answer on the path names."""
    return given.strip().partition("\n")[0].strip()


def state_of(given: str) -> tuple[Any, str] | None:
    """The value and the name of its type in an answer on a state; None where it is read as Nil.

    Raises:
        LiteralError: it is neither.
    """
    text = given.translate(_QUOTES).strip()
    value, semicolon, kind = text.rpartition(";")
    value, kind = value.strip(), kind.strip().lower()
    if NO_STATE in (text.capitalize(), value.capitalize()) or text == f"[{NO_STATE}]":
        return None
    if not semicolon:
        raise LiteralError("is not `value; type`")
    named = re.match(r"<class '(.*)'>", kind)
    kind = named[1] if named else kind
    generic = re.match(r"(.*)\[.*\]", kind)
    kind = generic[1] if generic else kind
    kind = "tuple" if "," in kind or "tuple" in kind else _KINDS.get(kind, kind)
    if value == "None":
        return None, "NoneType"
    try:
        return parse_literal(value), kind
    except LiteralError:
        if kind != "str":
            raise
        return value, kind  # a text may stand without its quotes


def is_state(given: tuple[Any, str], values: Sequence[Value]) -> bool:
    """Whether an answer is the value at any visit."""
    value, kind = given
    if type(value).__name__ != kind or all(one.type != kind for one in values):
        return False
    return any(_equal(value, parse_literal(one.text)) for one in values if one.text is not None)


def _equal(value: Any, other: Any) -> bool:
    try:
        return bool(abs(value - other) < TOLERANCE if isinstance(value, float) else value == other)
    except (TypeError, ArithmeticError, RecursionError):
        return False


def filled(given: str, assertion: str) -> str | None:
    """The text that is run for an answer on an output; None where the authors take it for wrong as it stands.

    Args:
        given: the answer.
        assertion: what was to be completed.
    """
    asked, answered = (textwrap.dedent(text).strip().split("\n") for text in (assertion, given))
    text = "\n".join([*asked[: max(0, len(asked) - len(answered))], *answered])
    too_few = text.count("assert") < assertion.count("assert")
    return None if too_few or any(phrase in text for phrase in _ALWAYS_HOLDS) else text


def with_selves(text: str) -> str:
    """A test's body as the authors complete it: `self.` before each `assert` that the text holds, wherever it stands."""
    return text.replace("assert", "self.assert")


def indented(text: str) -> str:
    """A test's body as the authors put it under a `def`: a tab before each line that is in no block of quotes."""
    lines, in_quotes = [], False
    for line in text.split("\n"):
        lines.append(line if in_quotes else f"\t{line}")
        in_quotes ^= '"""' in line or "'''" in line
    return "\n".join(lines)
