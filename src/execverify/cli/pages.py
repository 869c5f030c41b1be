"""What the verbs that write a page share."""

from pathlib import Path

import click

from execverify.errors import RowError
from execverify.utils.atomic import atomic_text


def check_page(out: str) -> None:
    """Raises UsageError where a page cannot have that name; call it before long work begins."""
    target = Path(out)
    if target.suffix not in (".html", ".htm"):
        raise click.UsageError(f"--output {out}: end the name in .html")
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise click.UsageError(f"--output {out}: name a file in a folder that exists")


def write_page(out: str, page: str) -> None:
    """Writes a page, whole or not at all.

    Raises:
        RowError: it cannot be written.
    """
    try:
        atomic_text(out, page, errors="backslashreplace")
    except OSError as error:
        raise RowError(f"{out} could not be written: {error.strerror or error}") from None
