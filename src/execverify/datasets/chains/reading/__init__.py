"""How each voice is read: text to claims. The readers share nothing with the voices but the kinds of claims."""

from collections.abc import Callable, Iterator

from execverify.datasets.chains.claims import Claim
from execverify.datasets.chains.reading import plain, talk, terse
from execverify.datasets.chains.reading.prose import Unreadable

READERS: dict[str, Callable[[str], Iterator[Claim]]] = {"terse": terse.read, "plain": plain.read, "talk": talk.read}
"""The reader of each voice; it raises Unreadable where the text is not in the voice's words."""

__all__ = ["READERS", "Unreadable"]
