"""Which rows of the items are the dataset's: taken in the items' order, twins left out, until there are enough."""

from collections import Counter

from execverify.datasets.chunks import Fate
from execverify.datasets.config import Recipe
from execverify.datasets.dedup import Seen
from execverify.errors import DatasetError
from execverify.utils.messages import counted

PATIENCE = 2_000
"""Items in a row that may give nothing before the dataset is held to have no more rows."""

SAME = ("it is an earlier program with other names", "it is an earlier program with other names and constants")
SAME_FROM_FILE = ("it is an earlier program with the same arguments",)


class Exhausted(DatasetError):
    """There are not as many rows as were asked for."""


class Harvest:
    """Takes items in their order, and accounts for all of them.

    Attributes:
        rows: how many were taken.
        items: how many items were looked at, those without rows included.
        refused: attempts that came to nothing, by reason.
        excluded: how many of these were too near to a benchmark, by its file's name.
        dropped: items that gave no row, by reason.
    """

    def __init__(self, recipe: Recipe, size: int | None = None, patience: int = PATIENCE) -> None:
        self.recipe = recipe
        self.size = size
        self.patience = patience
        self.rows = 0
        self.items = 0
        self.refused: Counter[str] = Counter()
        self.excluded: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._same = SAME if recipe.from_file is None else SAME_FROM_FILE
        self._seen = [Seen() for _ in self._same]
        self._barren: Counter[str] = Counter()  # why the items since the last row gave none

    @property
    def full(self) -> bool:
        """Whether there are enough rows."""
        return self.size is not None and self.rows >= self.size

    def take(self, fate: Fate) -> int:
        """How many of an item's rows, from the first, are the dataset's.

        Raises:
            Exhausted: there have been no new rows for so long that there are no more.
        """
        self.items += 1
        self.refused.update(fate.refused)
        self.excluded.update(fate.excluded)
        why = fate.dropped or self._twin(fate)
        if why is None:
            self._barren.clear()
            taken = fate.rows if self.size is None else min(fate.rows, self.size - self.rows)
            self.rows += taken
            return taken
        self.dropped[why] += 1
        self._barren[why] += 1
        if self._barren.total() >= self.patience:
            raise Exhausted(self._exhausted())
        return 0

    def _twin(self, fate: Fate) -> str | None:
        for seen, key, why in zip(self._seen, fate.keys, self._same, strict=True):
            if key in seen:
                return why
        for seen, key in zip(self._seen, fate.keys, strict=True):
            seen.add(key)
        return None

    def _exhausted(self) -> str:
        (why, _), *_ = self._barren.most_common(1)
        wanted = self._wanted()
        barren = f"the last {counted(self._barren.total(), 'item')} gave none, most of them because {why}"
        if self.rows == 0:
            ((reason, _),) = (self.refused or self.dropped).most_common(1)
            return f"no program keeps {wanted} ({reason}): ask for other levels, methods, types or kinds"
        return f"no more than {counted(self.rows, 'row')} can be made with {wanted}: {barren}; ask for --size {self.rows} or less"

    def _wanted(self) -> str:
        if self.recipe.from_file is not None:
            return f"what was asked of {self.recipe.from_file}"
        levels, methods = self.recipe.levels, self.recipe.methods
        level = f"level{'s' * (len(levels) > 1)} {', '.join(map(str, levels))}" if levels else "any level"
        wanted = f"{level} with {', '.join(methods)}" if methods else level
        return f"{wanted} and the types {', '.join(self.recipe.types)} alone" if self.recipe.types else wanted
