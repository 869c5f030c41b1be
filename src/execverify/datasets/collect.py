"""Collect rows: take items in order, leave out duplicates, and stop when there are enough."""

from collections import Counter

from execverify.datasets.chunks import ItemResult
from execverify.datasets.config import DatasetConfig
from execverify.datasets.dedup import HashSet
from execverify.errors import DatasetError
from execverify.utils.messages import count_phrase

MAX_CONSECUTIVE_MISSES = 2_000
"""Consecutive items without a new row after which there are taken to be no more rows."""

DUPLICATE_REASONS = ("it is an earlier program with other names", "it is an earlier program with other names and constants")
SAME_FROM_FILE = ("it is an earlier program with the same arguments",)


class NoMoreRows(DatasetError):
    """There are fewer rows than were asked for."""


class RowCollector:
    """Takes items in order and counts what each gave.

    Attributes:
        rows: how many were taken.
        items: how many items were looked at, those without rows included.
        refused: rejected attempts, by reason.
        excluded: how many of these were too near to a benchmark, by its file's name.
        dropped: items that gave no row, by reason.
        last_drop: why the last item gave no row; None where it gave one.
    """

    def __init__(self, recipe: DatasetConfig, size: int | None = None, patience: int = MAX_CONSECUTIVE_MISSES) -> None:
        self.recipe = recipe
        self.size = size
        self.patience = patience
        self.rows = 0
        self.items = 0
        self.refused: Counter[str] = Counter()
        self.excluded: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.last_drop: str | None = None
        self._same = DUPLICATE_REASONS if recipe.programs_file is None else SAME_FROM_FILE
        self._seen = [HashSet() for _ in self._same]
        self._consecutive_misses: Counter[str] = Counter()  # why the items since the last row gave none

    @property
    def full(self) -> bool:
        """Whether there are enough rows."""
        return self.size is not None and self.rows >= self.size

    def add(self, item: ItemResult) -> int:
        """Returns how many of an item's rows, from the first, belong to the dataset.

        Raises:
            NoMoreRows: so many items gave no new row that there are no more.
        """
        self.items += 1
        self.refused.update(item.refused)
        self.excluded.update(item.excluded)
        why = self.last_drop = item.dropped or self._duplicate_reason(item)
        if why is None:
            self._consecutive_misses.clear()
            taken = item.rows if self.size is None else min(item.rows, self.size - self.rows)
            self.rows += taken
            return taken
        self.dropped[why] += 1
        self._consecutive_misses[why] += 1
        if self._consecutive_misses.total() >= self.patience:
            raise NoMoreRows(self._message())
        return 0

    def _duplicate_reason(self, item: ItemResult) -> str | None:
        for seen, key, why in zip(self._seen, item.keys, self._same, strict=True):
            if key in seen:
                return why
        for seen, key in zip(self._seen, item.keys, strict=True):
            seen.add(key)
        return None

    def _message(self) -> str:
        (why, _), *_ = self._consecutive_misses.most_common(1)
        wanted = self._wanted()
        last = f"the last {count_phrase(self._consecutive_misses.total(), 'item')} gave none, most of them because {why}"
        if self.rows == 0:
            ((reason, _),) = (self.refused or self.dropped).most_common(1)
            return f"no program keeps {wanted} ({reason}): ask for other levels, methods, types or kinds"
        return (
            f"no more than {count_phrase(self.rows, 'row')} can be made with {wanted}: {last}; ask for --size {self.rows} or less"
        )

    def _wanted(self) -> str:
        if self.recipe.programs_file is not None:
            return f"what was asked of {self.recipe.programs_file}"
        levels, methods = self.recipe.levels, self.recipe.builtins
        level = f"level{'s' * (len(levels) > 1)} {', '.join(map(str, levels))}" if levels else "any level"
        wanted = f"{level} with {', '.join(methods)}" if methods else level
        if self.recipe.value_types:
            wanted = f"{wanted} and the types {', '.join(self.recipe.value_types)} alone"
        return f"{wanted} and numbers up to {self.recipe.max_integer}" if self.recipe.max_integer else wanted
