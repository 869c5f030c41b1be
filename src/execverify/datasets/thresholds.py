"""What a dataset of synthesized programs has to reach, and CRUXEval's own figures beside it.

CRUXEval's figures come with the package. `python bench/cruxeval_figures.py FILE` makes them again from its 800 programs.
"""

import functools
import importlib.resources
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from execverify.datasets.program_stats import ABSTRACTED, CONSTANT, RENAMED, UNCOVERED_BRANCH, UNUSED, ProgramStats, entropy
from execverify.programs.catalog import CATALOG

AT_LEAST, AT_MOST = "at least", "at most"

THRESHOLDS = {
    "keeps its constraint": (AT_LEAST, 1.0),
    "catalogue entries that appear at every level": (AT_LEAST, 1.0),
    "depends on its arguments": (AT_LEAST, 0.95),
    "the method under test changes the result": (AT_LEAST, 0.90),
    UNUSED: (AT_MOST, 0.02),
    UNCOVERED_BRANCH: (AT_MOST, 0.02),
    CONSTANT: (AT_MOST, 0.02),
    "any of these three": (AT_MOST, 0.02),
    f"duplicates {RENAMED}": (AT_MOST, 0.001),
    f"duplicates {ABSTRACTED}": (AT_MOST, 0.02),
}
"""Each share of the programs (of entries and levels, for the second), and how it is limited."""

MIN_PROGRAMS = 4
"""Programs for each entry and level from which the absence of an entry is significant."""

_WIDE = ("lines", "steps", "node kinds")
DIVERSITY_METRICS = (*(f"{name}: 5% to 95%" for name in _WIDE), "value types: entropy")
"""How widely programs are spread: the limit of each is CRUXEval's own. (From the 5th to the 95th percentile of a program's
number; entropy in bits over all values.)"""


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """A figure with its limit.

    Attributes:
        name: of `BARS` or `BREADTHS`.
        direction: "at least" or "at most".
        limit: a share, or CRUXEval's breadth.
        value: what it is.
        cruxeval: what it is for CRUXEval's programs; None where they have no such thing.
        count, whole: what the share is of; 0 for a breadth.
    """

    name: str
    direction: str
    limit: float
    value: float
    cruxeval: float | None = None
    count: int = 0
    whole: int = 0

    @property
    def passed(self) -> bool:
        """Whether it keeps its limit."""
        return self.value >= self.limit if self.direction == AT_LEAST else self.value <= self.limit

    @property
    def is_share(self) -> bool:
        """Whether it is a share, 0 to 1, and no breadth."""
        return self.name in THRESHOLDS


@functools.cache
def cruxeval_figures() -> dict[str, Any]:
    """CRUXEval's figures: those of `summary`, of its rows."""
    text = importlib.resources.files("execverify.datasets").joinpath("cruxeval_figures.json").read_text(encoding="utf-8")
    figures: dict[str, Any] = json.loads(text)
    return figures


def summary(programs: ProgramStats) -> dict[str, Any]:
    """What is compared between datasets, as plain values: shares, breadths, and the spread of each number."""
    return {
        "programs": programs.count,
        "shares": {name: round(count / whole, 4) for name, (count, whole) in _shares(programs).items() if whole},
        "breadths": breadths(programs),
        "spread": {name: quartiles(numbers) for name, numbers in programs.spread.items()},
        "node kinds": len(programs.nodes),
        "node entropy": round(entropy(programs.nodes), 3),
        "value types": _percent(programs.types),
        "values": len(programs.kinds),
    }


def bars_of(programs: ProgramStats) -> list[QualityCheck]:
    """The bars that can be computed of a dataset; those of constraints need rows that have one, those of runs need runs."""
    known = cruxeval_figures()
    found = []
    for name, (count, whole) in _shares(programs).items():
        if whole:
            sense, limit = THRESHOLDS[name]
            found.append(QualityCheck(name, sense, limit, count / whole, known["shares"].get(name), count, whole))
    for name, value in breadths(programs).items() if programs.count else ():
        limit = known["breadths"][name]
        found.append(QualityCheck(name, AT_LEAST, limit, value, limit))
    return found


def breadths(programs: ProgramStats) -> dict[str, float]:
    """How widely programs are spread."""
    wide = [quantile(programs.spread[name], 0.95) - quantile(programs.spread[name], 0.05) for name in _WIDE]
    found = (*wide, entropy(programs.types))
    return {name: round(value, 3) for name, value in zip(DIVERSITY_METRICS, found, strict=True)}


def coverage(programs: ProgramStats) -> dict[str, dict[str, Any]]:
    """For each level, and "none" for rows without one: which entries of the catalogue its programs use and do not."""
    found: dict[str, dict[str, Any]] = {}
    for level in sorted({level for level, _ in programs.used}, key=lambda level: level or 0):
        used = {entry for at, entry in programs.used if at == level}
        tested = {entry for at, entry in programs.under_test if at == level}
        missing = [entry for entry in CATALOG if entry not in used]
        name = "none" if level is None else str(level)
        found[name] = {"used": len(used), "of": len(CATALOG), "under_test": len(tested), "missing": missing}
    return found


def quantile(numbers: Counter[int], share: float) -> float:
    """The number below which a share of all lies, between two numbers in proportion (as `statistics` has it, inclusive)."""
    place, reached = share * (numbers.total() - 1), 0
    ordered = sorted(number for number, count in numbers.items() if count)
    for below, above in zip(ordered, [*ordered[1:], ordered[-1]] if ordered else (), strict=True):
        reached += numbers[below]
        if place <= reached - 1:
            return float(below)
        if place < reached:
            return below + (above - below) * (place - (reached - 1))
    return 0.0


def quartiles(numbers: Counter[int]) -> dict[str, float]:
    """Least, quartiles, 95th percentile, most and mean."""
    if not numbers.total():
        return {}
    named = {"least": 0.0, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95, "most": 1.0}
    found = {name: quantile(numbers, share) for name, share in named.items()}
    found["mean"] = sum(number * count for number, count in numbers.items()) / numbers.total()
    return {name: round(value, 2) for name, value in found.items()}


def _shares(programs: ProgramStats) -> dict[str, tuple[int, int]]:
    """How many of how many, for each of `BARS`; of none where it was not asked."""
    constrained = programs.constrained.total()
    levels = {level for level, _ in programs.used if level is not None} if constrained else set()
    used = sum(1 for level, _ in programs.used if level in levels)
    pairs_of_all = len(CATALOG) * len(levels)
    ran = programs.surveyed
    flaws = programs.flaws
    pairs = (
        (constrained - programs.broken.total(), constrained),
        (used, pairs_of_all if constrained >= MIN_PROGRAMS * pairs_of_all else 0),
        (programs.dependent, ran),
        (programs.matters, programs.ablated),
        (flaws[UNUSED], programs.count),
        (flaws[UNCOVERED_BRANCH], ran),
        (flaws[CONSTANT], ran),
        (programs.flawed, ran),
        (programs.duplicates[RENAMED], programs.count),
        (programs.duplicates[ABSTRACTED], programs.count),
    )
    return dict(zip(THRESHOLDS, pairs, strict=True))


def _percent(counts: Counter[str]) -> dict[str, float]:
    return {name: round(count / counts.total(), 4) for name, count in counts.most_common()}
