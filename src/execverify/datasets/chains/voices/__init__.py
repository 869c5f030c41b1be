"""How a chain can read: the words for its claims."""

from collections.abc import Callable, Iterable
from random import Random

from execverify.datasets.chains.claims import Claim
from execverify.datasets.chains.voices import plain, talk, terse
from execverify.datasets.chains.voices.clauses import Sheet, sheet_of

VOICES: dict[str, Callable[[Iterable[Claim], Sheet, Random], str]] = {
    "terse": terse.worded,
    "plain": plain.worded,
    "talk": talk.worded,
}
"""Each voice by its name: claims, what the program's text tells, and chance, to text."""

__all__ = ["VOICES", "Sheet", "sheet_of"]
