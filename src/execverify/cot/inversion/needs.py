"""What is needed of names: whole values, or some items of a sequence whose rest is free."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from execverify.programs.equality import same_value

FREE = object()
"""An item that may be anything."""


@dataclass(frozen=True)
class Items:
    """A sequence of which some items are needed.

    Attributes:
        items: the needed items by index; negative indices count from the end.
        length: the least length.
    """

    items: Mapping[int, Any]
    length: int = 0

    def joined(self, other: "Items") -> "Items | None":
        """Both at once; None where they contradict each other."""
        if any(not same_value(self.items[at], other.items[at]) for at in self.items.keys() & other.items.keys()):
            return None
        return Items({**self.items, **other.items}, max(self.length, other.length))

    def fits(self, value: Any) -> bool:
        """Whether a value has the items."""
        if not isinstance(value, list | tuple | str) or len(value) < self.length:
            return False
        size = len(value)
        return all(-size <= at < size and same_value(value[at], item) for at, item in self.items.items())

    def complete(self) -> list[Any] | None:
        """The items as a list, where none is free."""
        size = max([self.length, *(at + 1 for at in self.items)])
        return [self.items[at] for at in range(size)] if size and self.items.keys() >= set(range(size)) else None

    def filled(self, filler: Any) -> list[Any]:
        """The shortest list with the items, free ones being `filler`."""
        size = max([self.length, *(at + 1 if at >= 0 else -at for at in self.items)])
        if any(at >= 0 for at in self.items) and any(at < 0 for at in self.items):
            size = max(size, sum((max(at + 1 for at in self.items), -min(self.items))))
        found = [filler] * size
        for at, item in self.items.items():
            found[at] = item
        return found


Needs = dict[str, Any]
"""By name, a value or `Items`."""


def merged(*parts: Needs) -> Needs | None:
    """All needs at once; None where they contradict each other."""
    found: Needs = {}
    for part in parts:
        for name, value in part.items():
            known = found.get(name, FREE)
            if known is FREE:
                found[name] = value
            elif isinstance(known, Items) and isinstance(value, Items):
                joined = known.joined(value)
                if joined is None:
                    return None
                found[name] = joined
            elif isinstance(known, Items) or isinstance(value, Items):
                items, whole = (known, value) if isinstance(known, Items) else (value, known)
                if not items.fits(whole):
                    return None
                found[name] = whole
            elif not same_value(known, value):
                return None
    return found


def is_text(items: Iterable[Any]) -> bool:
    """Whether items could be the characters of a string."""
    return all(isinstance(item, str) and len(item) == 1 for item in items)
