"""Which split a row belongs to: decided by its program's shape alone.

Programs that differ in names and constants only have one shape, and so one split: no split sees another's duplicate, also
across datasets of other seeds and sizes, as long as the shares are the same.

>>> splits = Splits.parse("train=0.9,test=0.1")
>>> str(splits), splits.of("some shape")
('train=0.9,test=0.1', 'train')
"""

import re
from dataclasses import dataclass

from execverify.datasets.dedup import stable_hash
from execverify.errors import DatasetError

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


@dataclass(frozen=True)
class Splits:
    """Names of splits with their shares of the shapes, which add up to 1.

    Raises:
        DatasetError: a name twice or not a plain word, a share that is not above 0, or another sum.
    """

    shares: tuple[tuple[str, float], ...] = (("train", 0.96), ("validation", 0.02), ("test", 0.02))

    def __post_init__(self) -> None:
        for name, share in self.shares:
            if not _NAME.fullmatch(name):
                raise DatasetError(f"a split cannot be called {name!r}: use letters, digits and _")
            if not share > 0:
                raise DatasetError(f"the split {name!r} has the share {share:g}: give it more than 0, or leave it out")
        if len(dict(self.shares)) < len(self.shares):
            raise DatasetError(f"a split is named twice in {self}: name each one once")
        total = sum(share for _, share in self.shares)
        if abs(total - 1) > 1e-6:
            raise DatasetError(f"the shares of the splits {self} add up to {total:g}: make it 1")

    def __str__(self) -> str:
        return ",".join(f"{name}={share:g}" for name, share in self.shares)

    @classmethod
    def parse(cls, text: str) -> "Splits":
        """Reads `train=0.96,validation=0.02,test=0.02`."""
        shares = []
        for part in text.split(","):
            name, _, share = part.partition("=")
            try:
                shares.append((name.strip(), float(share)))
            except ValueError:
                raise DatasetError(
                    f"{part.strip()!r} is no split: write them like train=0.96,validation=0.02,test=0.02"
                ) from None
        return cls(tuple(shares))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the splits, in their order."""
        return tuple(name for name, _ in self.shares)

    def of(self, shape: str) -> str:
        """The split of a shape."""
        place, reached = stable_hash("split", shape) / 2**64, 0.0
        for name, share in self.shares:
            reached += share
            if place < reached:
                return name
        return self.shares[-1][0]
