"""Links from a page to the pages below its folder, by relative paths: only to those that are there."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

REPORT, VIEW = "report.html", "view.html"
"""The page of an evaluation, and the name that `execverify view FOLDER -o FOLDER/view.html` should give to its page to be linked."""


@dataclass(frozen=True)
class Link:
    """A link to a page.

    Attributes:
        path: relative to the folder of the page that links.
        text: what the reader sees.
    """

    path: str
    text: str


def links_to(out: Path, folder: str, text: str) -> list[Link]:
    """Links to the pages of an evaluation: its report, and its view where one was made."""
    names = ((REPORT, text), (VIEW, "step by step"))
    return [Link(f"{folder}/{name}", shown) for name, shown in names if (out / folder / name).is_file()]


def view_of(out: Path) -> Link | None:
    """The link to the view of a training's samples, where one was made."""
    return Link(VIEW, "samples of the training, step by step") if (out / VIEW).is_file() else None


def evaluation_rows(out: Path, folders: Iterable[tuple[str, str]], measures: Iterable[str]) -> list[tuple[str, list[list[Link]]]]:
    """A row for each model, with the links of each measure.

    Args:
        out: the folder of the page.
        folders: for each model, its name and the folder of its evaluations, relative to `out`.
        measures: names of folders in it.
    """
    names = list(measures)
    rows = [(name, [links_to(out, f"{folder}/{measure}", "report") for measure in names]) for name, folder in folders]
    return [(name, cells) for name, cells in rows if any(cells)]


def flat_settings(settings: object, name: str = "") -> list[tuple[str, str]]:
    """Nested settings as pairs of a dotted name and a value."""
    if isinstance(settings, dict) and settings:
        return [pair for key, value in settings.items() for pair in flat_settings(value, f"{name}.{key}".lstrip("."))]
    if isinstance(settings, (list, tuple)):
        return [(name, ", ".join(map(str, settings)) or "none")]
    return [(name, str(settings))]
