"""How a chain of thought reads: the words for its claims. One file a style."""

from collections.abc import Callable, Iterable
from random import Random

from execverify.cot.styles.grouping import SourceInfo, source_info
from execverify.errors import DatasetError
from execverify.rewards.steps.claims import Claim
from execverify.utils.registry import Registry

Style = Callable[[Iterable[Claim], SourceInfo, Random], str]
"""What a style is: claims, facts of the program's text, and chance, to text of one or more lines."""


def _load() -> None:
    from execverify.cot.styles import compact, plain

    STYLES.register("compact", compact.render)
    STYLES.register("plain", plain.render)


STYLES: Registry[Style] = Registry("style", DatasetError, _load)
"""Every style by name; a file of the user's own adds one by `STYLES.register(name, render)`."""

__all__ = ["STYLES", "SourceInfo", "Style", "source_info"]
