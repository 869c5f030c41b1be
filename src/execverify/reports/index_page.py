"""A page that links the pages of a folder, with a line on what each shows, and curves where there are some."""

from collections.abc import Sequence
from dataclasses import dataclass

from execverify.reports.curves import Curves
from execverify.reports.render import render


@dataclass(frozen=True)
class Entry:
    """A page or a file of the folder.

    Attributes:
        path: relative to the folder of the index.
        text: its name for readers.
        shows: one line on what it shows.
    """

    path: str
    text: str
    shows: str


def index_page(
    title: str, about: str, sections: Sequence[tuple[str, Sequence[Entry]]], curves: Curves | None = None, note: str = ""
) -> str:
    """The page as HTML.

    Args:
        title, about: what the folder is.
        sections: names, with the entries of each.
        curves: plots below the links.
        note: what they are; text between backticks is code.

    Raises:
        ExecVerifyError: Jinja2 is not installed.
    """
    return render("index.html.j2", title=title, about=about, groups=list(sections), curves=curves, note=note)
