"""How each style is read: text to claims. The readers share nothing with the styles but the kinds of claims."""

from collections.abc import Callable, Iterator

from execverify.cot.claims import Claim
from execverify.cot.reading import compact, plain
from execverify.cot.reading.text import Unreadable

READERS: dict[str, Callable[[str], Iterator[Claim]]] = {"compact": compact.read, "plain": plain.read}
"""The reader of each style; it raises Unreadable where the text is not in the style's words."""

__all__ = ["READERS", "Unreadable"]
