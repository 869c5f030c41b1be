"""How each style is read: text to claims. The readers share nothing with the styles but the kinds of claims."""

from collections.abc import Callable, Iterator

from execverify.rewards.steps import compact
from execverify.rewards.steps.claims import Claim
from execverify.rewards.steps.scan import Unreadable
from tests.oracles.cot.reading import plain

READERS: dict[str, Callable[[str], Iterator[Claim]]] = {"compact": compact.read, "plain": plain.read}
"""The reader of each style; it raises Unreadable where the text is not in the style's words."""

__all__ = ["READERS", "Unreadable"]
