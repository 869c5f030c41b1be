"""The verb `view`: traces, questions and graded answers as one page for a browser."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import click

from execverify.cli.common import (
    FailureReporter,
    default_workers,
    limit_options,
    limits_from_options,
    seed_option,
    trace_programs,
)
from execverify.cli.pages import check_page, write_page
from execverify.cli.progress import Progress
from execverify.cli.rows import note_bad_lines
from execverify.cli.terminal import note
from execverify.datasets.completions import read_completions, tasks_of_rows
from execverify.datasets.rows_io import read_row_lines, read_rows
from execverify.errors import RowError
from execverify.questions.rows import Row
from execverify.reports.run_summary import verdicts_of
from execverify.reports.viewer import viewer_page
from execverify.reports.viewer_items import ViewItem
from execverify.reports.viewer_sources import (
    is_run,
    is_training,
    items_of_pairs,
    items_of_programs,
    items_of_run,
    items_of_training,
)
from execverify.sandbox.result import Limits
from execverify.utils.messages import count_phrase
from execverify.utils.read_files import STDIN, BadLine, BadLines, first_record, name_of

MOST_ITEMS = 5_000
"""How many items a page has where no limit is given."""


@click.command("view")
@click.argument("what", metavar="FILE|ROWS|RUN")
@click.option("--call", help="For a Python file: the call to make, e.g. 'f(3)', instead of the calls in it.")
@click.option(
    "--completions", metavar="FILE", help="For rows: JSONL of {id, completion}; they are graded, several of a row side by side."
)
@click.option("--max-questions", default=10, show_default=True, type=click.IntRange(0), help="Most questions of a program.")
@seed_option("Chooses among a program's questions.")
@click.option("--limit", type=click.IntRange(1), help=f"Only the first so many items.  [default: {MOST_ITEMS:,}]")
@click.option("-o", "--output", "out", metavar="PAGE.html", required=True, help="The page.")
@click.option(
    "--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes that run programs."
)
@limit_options
def view_command(
    what: str,
    call: str | None,
    completions: str | None,
    max_questions: int,
    seed: int,
    limit: int | None,
    out: str,
    workers: int,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Show runs step by step, with questions and graded answers, in one HTML file.

    FILE is a Python file, or JSONL with code and input. ROWS is a file or folder of rows. RUN is a folder of `execverify evaluate`, or of
    `execverify train`, whose samples are shown.
    """
    limits = limits_from_options(timeout, steps, imports)
    check_page(out)
    kind = kind_of(what, call)
    if completions is not None and kind != "rows":
        raise click.UsageError(f"--completions goes with rows, and {what} holds none")
    failures, most = FailureReporter(as_json=False), limit or MOST_ITEMS
    title, about = f"{Path(what).name or what}{f': {call}' if call else ''}", ""
    items: Sequence[ViewItem]
    with Progress("items read and graded") as bar:
        if kind == "program":
            traces = trace_programs(what, call, limits, failures)
            items = list(islice(items_of_programs(traces, max_questions, seed), most))
        elif kind == "run":
            results, items = items_of_run(Path(what) if Path(what).is_dir() else Path(what).parent, most, workers)
            title = f"{results['benchmark']}: {results['model']['name']}"
            about = "; ".join(f"{label}: {results['rule'][verdict]}" for verdict, label in verdicts_of(results))
        elif kind == "training":
            items = items_of_training(Path(what), most, workers)
        else:
            items = _items_of_rows(what, completions, most, workers, limits)
        if not items:
            failures.exit()
            raise RowError(f"{name_of(what)} holds nothing to show")
        page = viewer_page(
            title,
            items,
            note=about,
            limits=limits,
            workers=workers,
            progress=lambda done, total: bar.update(done, what="programs run", total=total),
        )
    write_page(out, page)
    if limit is None and len(items) == MOST_ITEMS:
        note(f"the first {MOST_ITEMS:,} items are shown; --limit takes more", style="yellow")
    note(f"{out}: {count_phrase(len(items), 'item')}, {len(page.encode(errors='replace')) / 1e6:.1f} MB; open it in a browser")
    failures.exit()


def kind_of(what: str, call: str | None) -> str:
    """What there is to be shown: "program", "rows", "run" or "training".

    Raises:
        RowError: there is no such file or folder, or it is empty.
    """
    path = Path(what)
    if what != STDIN and not path.exists():
        raise RowError(
            f"{what}: no such file or folder; name a Python file, rows, or a folder of `execverify evaluate` or `execverify train`"
        )
    if is_run(path):
        return "run"
    if path.is_dir():
        return "training" if is_training(path) else "rows"
    if call is not None or path.suffix == ".py" or path.with_suffix("").suffix == ".py":
        return "program"
    if what == STDIN or path.suffix == ".parquet":
        return "rows"
    first = first_record(path, "programs or rows")
    if first is None:
        raise RowError(f"{what} is empty: name a file with programs or rows")
    return "program" if isinstance(first, dict) and "code" in first and "program" not in first else "rows"


def _items_of_rows(what: str, completions: str | None, most: int, workers: int, limits: Limits) -> list[ViewItem]:
    bad = BadLines()
    if completions is None:
        shown: list[tuple[Row, list[str]]] = [(row, []) for row in islice(read_rows(what, bad.add), most)]
        note_bad_lines(bad)
        return items_of_pairs(shown, workers, limits=limits)
    rows = list(read_row_lines(what))
    tasks = tasks_of_rows(rows, bad.add)
    texts: dict[int, list[str]] = {}
    for task, text in read_completions(completions, tasks, bad.add):
        texts.setdefault(id(task), []).append(text)
    note_bad_lines(bad)
    pairs = [(row, texts.get(id(task), [])) for row, task in zip(rows, tasks, strict=True) if not isinstance(row, BadLine)]
    return items_of_pairs(pairs[:most], workers, limits=limits)
