"""Tables, and tables that are charts: each row has its number as text and as a bar."""

from collections.abc import Iterable, Mapping, Sequence

from execverify.datasets.page.markup import Markup, Part, joined, tag


def figure(number: int) -> str:
    """12345 -> "12,345"."""
    return f"{number:,}"


def percent(share: float) -> str:
    """A share for readers; what is not all is never rounded to all, nor what is not nothing to nothing."""
    told = f"{share:.1%}"
    if (told == "100.0%" and share < 1) or (told == "0.0%" and share > 0):
        told = f"{share:.2%}"
    return "100%" if share == 1 else "0%" if share == 0 else told


def table(
    caption: Part, head: Sequence[Part], rows: Iterable[Sequence[Part]], numbers: Sequence[int] = (), **more: str
) -> Markup:
    """A table; the first cell of each row names it. It scrolls sideways by itself where it is too wide.

    Args:
        caption: what it shows.
        head: names of the columns.
        rows: their cells.
        numbers: columns that hold numbers, counted from 0.
        more: attributes.
    """

    def kind(column: int) -> str | None:
        return "n" if column in numbers else None

    names = [tag("th", name, scope="col", class_=kind(at)) for at, name in enumerate(head)]
    body = []
    for first, *rest in rows:
        cells = [tag("td", cell, class_=kind(at)) for at, cell in enumerate(rest, start=1)]
        body.append(tag("tr", tag("th", first, scope="row", class_=kind(0)), cells))
    made = tag("table", tag("caption", caption), tag("thead", tag("tr", names)), tag("tbody", body), **more)
    return tag("div", made, class_="scroll", tabindex="0")


def bars(caption: Part, counts: Mapping[str, int], *, unit: str = "rows") -> Markup:
    """Counts with their shares, each as a bar beside the largest one."""
    whole, most = sum(counts.values()) or 1, max(counts.values(), default=1) or 1
    rows = []
    for name, count in counts.items():
        bar = tag("span", class_="bar", style=f"width:{count / most:.1%}")
        cells = (tag("td", figure(count), class_="n"), tag("td", percent(count / whole), class_="n dim"), tag("td", bar))
        rows.append(tag("tr", tag("th", name, scope="row"), cells))
    columns = (tag("th", column, scope="col") for column in ("", unit, "share", ""))
    head = tag("thead", tag("tr", columns), class_="hidden")
    return tag("div", tag("table", tag("caption", caption), head, tag("tbody", rows), class_="bars"))


def meter(value: float, limit: float) -> Markup:
    """A share as a bar, with a mark at its limit."""
    scale = max(2 * limit, 1.05 * value) or 1
    style = f"--value:{value / scale:.1%};--limit:{limit / scale:.1%}"
    return tag("span", class_="meter" if value <= limit else "meter over", style=style)


def verdict(kept: bool, yes: str = "kept", no: str = "missed") -> Markup:
    """Whether a limit is kept."""
    return tag("span", yes if kept else no, class_="yes" if kept else "no")


def facts(pairs: Iterable[tuple[Part, Part]]) -> Markup:
    """Names and what they are."""
    return tag("dl", (tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")


def folded(summary: Part, *inside: Part) -> Markup:
    """What a reader opens."""
    return tag("details", tag("summary", summary), joined(*inside))
