"""How a chain can read: the words for its claims."""

from collections.abc import Callable, Iterable
from random import Random

from execverify.cot.claims import Claim
from execverify.cot.styles import compact, plain
from execverify.cot.styles.grouping import SourceInfo, source_info

STYLES: dict[str, Callable[[Iterable[Claim], SourceInfo, Random], str]] = {
    "compact": compact.render,
    "plain": plain.render,
}
"""Each voice by its name: claims, what the program's text tells, and chance, to text."""

__all__ = ["STYLES", "SourceInfo", "source_info"]
