"""Pieces of sentences that the styles in words share."""

import re
from collections.abc import Sequence

from execverify.questions.question import ordinal
from execverify.rewards.steps.claims import Bindings

_TICKS = re.compile("`+")


def code(text: str) -> str:
    """A text as a code span: between backticks, one more than its longest run of them."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence}{text}{fence}"


def named(pairs: Bindings, sign: str = "=") -> str:
    """`a` = `1`, `b` = `2` and `c` = `3`."""
    return listed([f"{code(name)} {sign} {code(value)}" for name, value in pairs])


def listed(parts: Sequence[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def line_of(line: int, visit: int) -> str:
    """`line 3`, or `line 3 (2nd time)`."""
    return f"line {line}" if visit == 1 else f"line {line} ({ordinal(visit)} time)"


def capital(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def how_often(count: int) -> str:
    """`never runs`, `runs once`, `runs 3 times`."""
    return "never runs" if count == 0 else "runs once" if count == 1 else f"runs {count} times"
