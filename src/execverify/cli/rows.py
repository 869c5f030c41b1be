"""What the verbs that write rows share."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from execverify.cli.common import given_command
from execverify.cli.terminal import note
from execverify.datasets.card import write_with_card
from execverify.datasets.rows_io import Columns
from execverify.programs.program import truncate
from execverify.questions.rows import Row
from execverify.utils.messages import count_phrase
from execverify.utils.read_files import BadLines

_SHOWN = 10


def write_unless_empty(out: str, rows: Iterable[Row], about: str, columns: Columns | None = None, licence: str = "") -> bool:
    """Write rows and their card, and nothing where there is no row: an empty file would hide the mistake.

    Args:
        out: the file, or `-` for standard output, which has no card.
        rows: what to write.
        about: what a row is, for the card.
        columns: those of a Parquet file; by default, those of a task's row.
        licence: for the card, where it is known.

    Returns:
        Whether there was a row.
    """
    return write_with_card(out, rows, about, given_command(), columns, licence)


def note_bad_lines(bad: BadLines) -> None:
    """Reports lines of the input that could not be used: how many, and the first one with its number."""
    if bad.count:
        note(f"{count_phrase(bad.count, 'line')} of the input cannot be used; the first: {bad.first}")


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
