"""Tables in Markdown, and numbers as text."""

import pytest

from execverify.reports.markdown import (
    format_count,
    format_interval,
    format_p_value,
    format_percent,
    format_score,
    format_share,
    markdown_table,
)


def test_a_table_is_padded_and_numbers_are_right() -> None:
    assert markdown_table(("name", "n"), [("a", "1"), ("long name", "12")], numbers=(1,)).splitlines() == [
        "| name      |  n |",
        "|-----------|---:|",
        "| a         |  1 |",
        "| long name | 12 |",
    ]


def test_a_cell_cannot_leave_its_table() -> None:
    table = markdown_table(("a", "b"), [("x|y", "one\ntwo\r\nthree\u2028four"), ("", "`|`")])
    assert len(table.splitlines()) == 4
    assert all(line.replace("\\|", "").count("|") == 3 for line in table.splitlines())
    assert "one two three four" in table and "x\\|y" in table


def test_a_table_without_rows() -> None:
    assert markdown_table(("a", "b"), []).splitlines() == ["| a | b |", "|---|---|"]


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError):
        markdown_table(("a", "b"), [("1",)])


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (1, "100%"), (0.5, "50.0%"), (0.9999, "99.99%"), (0.0001, "0.01%"), (1 / 3, "33.3%"), (0.0004, "0.04%")],
)
def test_only_all_is_100_percent(share: float, text: str) -> None:
    assert format_share(share) == text


def test_numbers() -> None:
    assert format_count(1234567) == "1,234,567"
    assert (format_percent(None), format_percent(12.345), format_percent(2, 1)) == ("-", "12.35", "2.0")
    assert (format_interval(None), format_interval((1, 22.25))) == ("-", "1.0 to 22.2")
    assert format_interval((-1, 22.25), signed=True) == "-1.0 to +22.2"
    assert (format_score(23.46, (1, 30)), format_score(5, None), format_score(None, None)) == ("23.5 (1.0 to 30.0)", "5.0", "-")
    assert (format_p_value(None), format_p_value(0.0123), format_p_value(1)) == ("-", "0.012", "1")
