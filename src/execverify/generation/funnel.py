"""The funnel: how many records pass each stage, and why the others do not.

A rejected record keeps its stage and its reason, and travels on to the end, where it is written beside the rows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from execverify.utils.messages import count_phrase

ASKED, ANSWERED, PARSED, CONSTRAINT = "asked", "answered", "parsed", "kept its constraint"
RAN, DETERMINISTIC, USEFUL, NEW = "ran", "deterministic", "worth asking about", "new"
HARD, TAUGHT = "hard enough", "taught"

PROGRAM_STAGES = (ASKED, ANSWERED, PARSED, CONSTRAINT, RAN, DETERMINISTIC, USEFUL, NEW)
"""Stages of the making of a program."""

MAX_DETAIL, MAX_COMPLETION = 400, 4_000
"""Most characters of a rejected record's detail, and of its completion."""


@dataclass
class Funnel:
    """Counts of records by stage.

    Attributes:
        unit: what is counted, in the plural.
        stages: names, in order; every record passes the first one.
        entered: how many records there were.
        dropped: by stage, how many records were rejected there, by reason.
        notes: other counts, such as of repairs.
    """

    unit: str
    stages: tuple[str, ...]
    entered: int = 0
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, stage: str = "", reason: str = "") -> None:
        """Counts a record; `stage` is where it was rejected, "" where it passed all."""
        self.entered += 1
        if stage:
            if stage not in self.stages:
                raise ValueError(f"there is no stage {stage!r} in {', '.join(self.stages)}")
            self.dropped.setdefault(stage, Counter())[reason] += 1

    def counts(self) -> list[tuple[str, int]]:
        """Each stage with the number of records that passed it."""
        left, found = self.entered, []
        for stage in self.stages:
            left -= self.dropped.get(stage, Counter()).total()
            found.append((stage, left))
        return found

    def plain(self) -> list[dict[str, Any]]:
        """The stages as a manifest holds them."""
        return [
            {
                "stage": stage,
                "unit": self.unit,
                "count": count,
                "dropped": dict(sorted(self.dropped.get(stage, {}).items(), key=lambda pair: (-pair[1], pair[0]))),
            }
            for stage, count in self.counts()
        ]


def read_funnel(entries: Any) -> list[dict[str, Any]]:
    """The stages of a manifest; those that are malformed are left out."""
    if not isinstance(entries, list):
        return []
    found = []
    for one in entries:
        if not isinstance(one, Mapping) or "stage" not in one or not isinstance(one.get("count"), int):
            continue
        dropped = one.get("dropped")
        reasons = dict(dropped) if isinstance(dropped, Mapping) else {}
        found.append(
            {"stage": str(one["stage"]), "unit": str(one.get("unit", "records")), "count": one["count"], "dropped": reasons}
        )
    return found


def funnel_lines(entries: Iterable[Mapping[str, Any]], reasons: int = 4) -> list[tuple[str, str, str]]:
    """The stages as text: the stage, the count with its share of the stage before, and the main reasons of what was dropped."""
    lines, before, unit = [], None, ""
    for one in entries:
        count = one["count"]
        if one["unit"] != unit:  # such as rows, after programs
            before, unit = None, one["unit"]
        share = f" ({count / before:.0%})" if before else ""
        dropped = sorted(one["dropped"].items(), key=lambda pair: (-pair[1], pair[0]))
        text = ", ".join(f"{number} {reason}" for reason, number in dropped[:reasons])
        counted = count_phrase(count, unit.removesuffix("s"), unit)
        rest = sum(number for _, number in dropped[reasons:])
        lines.append((one["stage"], f"{counted}{share}", text + (f", {rest} for other reasons" if rest else "")))
        before = count
    return lines
