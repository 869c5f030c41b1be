"""Verbs that look at a dataset as a whole: `stats` prints its figures, `report` writes them into a page."""

from pathlib import Path

import click
from rich.table import Table

from execverify.cli.engine import engine_options, open_workers
from execverify.cli.progress import Progress
from execverify.cli.rows import note_bad_lines
from execverify.cli.terminal import Text, echo_json, note, stdout
from execverify.datasets.program_stats import entropy
from execverify.datasets.rows_io import count_rows, read_rows
from execverify.datasets.stats import Stats, max_accuracy, stats_of
from execverify.datasets.thresholds import AT_LEAST, QualityCheck, coverage, cruxeval_figures, quartiles
from execverify.errors import RowError
from execverify.programs.program import truncate
from execverify.utils.read_files import BadLines, name_of

_QUARTILES = ("least", "25%", "median", "75%", "95%", "most", "mean")


@click.command("stats")
@click.argument("rows")
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
@click.option("--static-only", "quick", is_flag=True, help="Leave out what needs runs of the programs.")
@engine_options
def dataset_stats_command(rows: str, as_json: bool, quick: bool, workers: int | None, engine: str) -> None:
    """What rows and their programs are like, and how far constant answers and shortcuts get.

    ROWS is a file of rows, the folder of a dataset, or - for JSONL from standard input. CRUXEval's figures stand beside.
    """
    bad = BadLines()
    with open_workers(engine, workers) as at_work, Progress("rows", count_rows(rows)) as bar:
        stats = stats_of(read_rows(rows, bad.add), quick=quick, workers=at_work, progress=bar.advance)
    note_bad_lines(bad)
    if not stats.rows.total():
        raise RowError(f"{name_of(rows)} holds no rows to describe")
    if as_json:
        echo_json({**stats.as_json(), "cruxeval": cruxeval_figures()})
    else:
        _print_stats(stats)


@click.command("report")
@click.argument("out")
@engine_options
def dataset_report_command(out: str, workers: int | None, engine: str) -> None:
    """Write the page that describes a dataset, OUT/report.html, anew."""
    from execverify.reports.dataset import write_report

    with open_workers(engine, workers) as at_work:
        note(str(write_report(Path(out), workers=at_work)))


def _print_stats(stats: Stats) -> None:
    programs = stats.programs
    stdout.print("rows: " + ", ".join(f"{count} {kind}" for kind, count in stats.rows.items()))
    each = f"{stats.rows.total() / programs.count:.2f} rows each, " if programs.count else ""
    stdout.print(
        f"programs: {programs.count} ({each}duplicates counted below), and CRUXEval's {cruxeval_figures()['programs']} beside them"
    )
    stdout.print(_spread(stats))
    stdout.print(_types(stats))
    results = ", ".join(f"{name} {count}" for name, count in stats.results.most_common(10))
    stdout.print(f"results: {results}")
    known, kinds = cruxeval_figures(), programs.nodes
    stdout.print(
        f"nodes of all syntax trees: {len(kinds)} kinds, {entropy(kinds):.2f} bits; "
        f"CRUXEval {known['node kinds']} kinds, {known['node entropy']:.2f} bits"
    )
    if programs.constrained:
        stdout.print(_coverage(stats))
    stdout.print(_bars(stats))
    if programs.matters:
        stdout.print(
            f"without the method under test: another value in {programs.matters - programs.fails} of {programs.ablated}, "
            f"a failure in {programs.fails}"
        )
    for name, count in programs.broken.most_common(5):
        stdout.print(Text(f"  constraint not kept: {count}: {name}"))
    for id, why in programs.examples:
        stdout.print(Text(f"  for example {id}: {truncate(why, 100)}"))
    if programs.unsurveyed:
        stdout.print(Text(f"programs that did not run on their own arguments: {programs.unsurveyed}", style="red"))
    stdout.print(_habits(stats))


def _spread(stats: Stats) -> Table:
    table = Table("a program's", "", *_QUARTILES, title="spread", title_justify="left")
    for name, numbers in stats.spread.items():
        for whose, figures in (("", quartiles(numbers)), ("CRUXEval", cruxeval_figures()["spread"][name])):
            cells = (f"{figures.get(key, 0):g}" for key in _QUARTILES)
            table.add_row("" if whose else name, whose, *cells, style="dim" if whose else None)
    return table


def _types(stats: Stats) -> Table:
    table = Table("type", "share", "CRUXEval", title="values: results, and states that are asked about", title_justify="left")
    counts, known = stats.programs.types, cruxeval_figures()["value types"]
    for name in [*(name for name, _ in counts.most_common()), *(name for name in known if name not in counts)]:
        table.add_row(Text(name), f"{counts[name] / max(1, counts.total()):.1%}", f"{known.get(name, 0):.1%}")
    table.add_row("kinds, as list[int]", str(len(stats.programs.kinds)), str(cruxeval_figures()["values"]), style="dim")
    return table


def _coverage(stats: Stats) -> Table:
    table = Table("level", "used", "under test", "of", "missing", title="entries of the catalogue", title_justify="left")
    for level, found in coverage(stats.programs).items():
        missing = ", ".join(found["missing"][:8]) + (", ..." if len(found["missing"]) > 8 else "")
        table.add_row(level, str(found["used"]), str(found["under_test"]), str(found["of"]), Text(missing))
    return table


def _bars(stats: Stats) -> Table:
    table = Table("programs", "", "limit", "CRUXEval", "", title="what programs have to reach", title_justify="left")
    for bar in stats.bars:
        cruxeval = "" if bar.cruxeval is None else _figure(bar, bar.cruxeval)
        limit = f"{'>=' if bar.direction == AT_LEAST else '<='} {_figure(bar, bar.limit)}"
        table.add_row(Text(bar.name), _figure(bar, bar.value), limit, cruxeval, _kept(bar.passed, "kept", "MISSED"))
    return table


def _figure(bar: QualityCheck, value: float) -> str:
    """A share with as many digits as its limit needs; a share that is not whole is never rounded to 100%."""
    if not bar.is_share:
        return f"{value:g}"
    text = f"{value:.1%}"
    return f"{value:.3%}" if text in ("100.0%", "0.0%") and value not in (0.0, 1.0) else text


def _habits(stats: Stats) -> Table:
    table = Table("questions", "asked", "shortcut", "right", "limit", "", title="how far shortcuts get", title_justify="left")
    for shortcut in stats.shortcuts:
        name = shortcut.name if shortcut.answer is None else f"{shortcut.name}: {truncate(shortcut.answer, 30)}"
        limit = f"{max_accuracy(shortcut.name):.0%}"
        kept = _kept(shortcut.passed, "kept", "OVER")
        table.add_row(shortcut.kind, str(shortcut.questions), Text(name), f"{shortcut.share:.1%}", limit, kept)
    return table


def _kept(kept: bool, yes: str, no: str) -> Text:
    return Text(yes, style="green") if kept else Text(no, style="red")
