"""Markdown tables, and numbers as text. Nothing here imports anything but the standard library."""

from collections.abc import Collection, Iterable, Sequence


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """A Markdown table (the GitHub flavour), with columns padded so that it also reads as plain text.

    Args:
        head: names of the columns.
        rows: their cells; `|` is escaped, and a line end becomes a space.
        numbers: columns that are aligned right, counted from 0.

    Raises:
        ValueError: a row with another number of cells than `head`.
    """
    cells = [[_cell(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        padded = (
            f"{cell:{'>' if at in numbers else '<'}{width}}" for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = ("-" * (width + 1) + (":" if at in numbers else "-") for at, width in enumerate(widths))
    return "\n".join([line(cells[0]), f"|{'|'.join(rule)}|", *map(line, cells[1:])])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").splitlines())


def format_count(number: int) -> str:
    """12345 -> "12,345"."""
    return f"{number:,}"


def format_share(share: float) -> str:
    """A share from 0 to 1 in percent. Only 1 gives "100%", and only 0 gives "0%"."""
    if share in (0, 1):
        return f"{share:.0%}"
    text = f"{share:.1%}"
    return f"{share:.2%}" if text in ("0.0%", "100.0%") else text


def format_percent(percent: float | None, digits: int = 2) -> str:
    """A number that is in percent already; "-" where there is none."""
    return "-" if percent is None else f"{percent:.{digits}f}"


def format_interval(edges: Sequence[float] | None, signed: bool = False) -> str:
    """An interval, in percent, or of a difference, in points; "-" where there is none. Tables, pages and messages all show it so.

    Args:
        edges: the lower and the upper.
        signed: show their signs, as those of a difference.
    """
    sign = "+" if signed else ""
    return "-" if edges is None else f"{edges[0]:{sign}.1f} to {edges[1]:{sign}.1f}"


def format_score(percent: float | None, edges: Sequence[float] | None) -> str:
    """A score with its interval behind it, where it has one: "23.5 (13.7 to 33.3)"."""
    return format_percent(percent, 1) + ("" if edges is None else f" ({format_interval(edges)})")


def format_p_value(value: float | None) -> str:
    """A p-value in two digits; "-" where there is none."""
    return "-" if value is None else f"{value:.2g}"
