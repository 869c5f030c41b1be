"""How each voice is read: text to claims. The readers share nothing with the voices but the kinds of claims."""

from collections.abc import Callable, Iterator

from execverify.cot.claims import Claim
from execverify.cot.reading import compact, plain
from execverify.cot.reading.text import Unreadable

READERS: dict[str, Callable[[str], Iterator[Claim]]] = {"compact": compact.read, "plain": plain.read}
"""The reader of each voice; it raises Unreadable where the text is not in the voice's words."""

__all__ = ["READERS", "Unreadable"]
