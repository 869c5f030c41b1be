"""How a chain can read: the words for its claims."""

from collections.abc import Callable, Iterable
from random import Random

from execverify.cot.claims import Claim
from execverify.cot.styles import compact, conversational, plain
from execverify.cot.styles.grouping import Sheet, sheet_of

VOICES: dict[str, Callable[[Iterable[Claim], Sheet, Random], str]] = {
    "terse": compact.worded,
    "plain": plain.worded,
    "talk": conversational.worded,
}
"""Each voice by its name: claims, what the program's text tells, and chance, to text."""

__all__ = ["VOICES", "Sheet", "sheet_of"]
