"""What the verbs that write rows share."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from execverify.cli.terminal import note
from execverify.datasets.rows_io import Columns, write_rows
from execverify.programs.program import truncate
from execverify.questions.rows import Row

_SHOWN = 10


def write_unless_empty(out: str, rows: Iterable[Row], columns: Columns | None = None) -> bool:
    """Writes rows, and nothing where there is none: an empty file would hide the mistake. Returns whether there was one."""
    rows = iter(rows)
    first = next(rows, None)
    if first is not None:
        write_rows(out, itertools.chain([first], rows), columns)
    return first is not None


def note_skipped(skipped: Sequence[Any], where: Callable[[Any], str]) -> None:
    """Reports what gave no row: how many for each reason, and the first ones.

    Args:
        skipped: each with `reason` and `detail`.
        where: names one.
    """
    if not skipped:
        return
    reasons = Counter(one.reason for one in skipped)
    note(f"skipped: {', '.join(f'{count} {reason}' for reason, count in reasons.most_common())}")
    for one in skipped[:_SHOWN]:
        note(f"  {where(one)}: {one.reason}: {truncate(one.detail, 160)}")
    if len(skipped) > _SHOWN:
        note(f"  ... and {len(skipped) - _SHOWN} more")
