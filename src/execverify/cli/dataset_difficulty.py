"""`execverify dataset difficulty`: how many samples of a model are right, by row."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import click
from rich.table import Table

from execverify.cli.asking import asking_options, max_tokens_option, note_usage, open_asker, print_funnel, usage_text
from execverify.cli.common import SAMPLES, Finite, given_command, limit_options, limits_from_options, seed_option
from execverify.cli.engine import engine_options, open_workers
from execverify.cli.progress import Progress
from execverify.cli.rows import note_bad_lines
from execverify.cli.terminal import Text, note, stdout
from execverify.datasets.rows_io import count_rows
from execverify.datasets.workers import open_pool
from execverify.errors import RowError
from execverify.generation.difficulty import (
    DIFFICULTY_STAGES,
    PREDICTORS,
    DifficultyConfig,
    compare_predictors,
    count_passes,
    parse_keep,
    pass_histogram,
)
from execverify.generation.funnel import Funnel
from execverify.generation.rows import (
    Record,
    RowOutput,
    ask_samples,
    beside,
    check_row_output,
    input_funnel,
    rows_to_ask,
    run_stages,
)
from execverify.utils.messages import count_phrase

_ABOUT = "Tasks of code execution, each with how many of a model's samples were right."
_HARD_SHARE = 0.3  # of the samples: the paper's 3 of 10


@click.command("difficulty")
@click.argument("rows")
@click.option("-o", "--output", "out", help="File to write the kept rows to: .parquet or .jsonl; none by default.")
@click.option("--samples", default=10, show_default=True, type=SAMPLES, help="Completions of each row.")
@click.option("--keep", "kept", metavar="RANGE", help="Keep rows with so many right samples, such as 0-3; all by default.")
@click.option("--temperature", default=1.0, show_default=True, type=Finite(0), help="Of the samples.")
@click.option(
    "--top-p", default=0.9, show_default=True, type=Finite(0, 1, min_open=True), help="Share of probability drawn from."
)
@seed_option("Of the samples.")
@click.option("--limit", type=click.IntRange(1), help="Only the first rows.")
@engine_options
@max_tokens_option(4096)
@asking_options
@limit_options
def dataset_difficulty_command(
    rows: str,
    out: str | None,
    samples: int,
    kept: str | None,
    temperature: float,
    top_p: float,
    seed: int,
    limit: int | None,
    workers: int | None,
    engine: str,
    max_tokens: int,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
    **asking: Any,
) -> None:
    """Sample a model on each row, judge the samples, and write the pass count into the row.

    ROWS is a file of rows, or the folder of a dataset. A sample is right where its output, its arguments or all unit tests are. Requests
    and answers are kept in FOLDER.requests beside OUT, so that the same command resumes.
    """
    keep = None if kept is None else parse_keep(kept)
    config = DifficultyConfig(samples, keep, temperature, top_p, max_tokens, seed)
    if out is not None:
        check_row_output(out, rows)
    elif keep is not None:
        raise click.UsageError("--keep chooses the rows of --output: name a file with -o")
    elif not asking["store"]:
        raise click.UsageError("without -o there is no place for the store of requests: name a folder with --store")
    limits = limits_from_options(timeout, steps, imports)
    output = RowOutput(out, Funnel("rows", DIFFICULTY_STAGES), input_funnel(rows), about=_ABOUT, command=given_command())
    total = count_rows(rows)
    facts: list[Record] = []
    source = rows_to_ask(rows, limit)
    with (
        open_asker(asking, beside(out or rows, ".requests")) as asker,
        open_workers(engine, workers) as at_work,
        open_pool(at_work) as pool,
        Progress("rows", total if limit is None or total is None else min(limit, total), usage_text(asker)) as bar,
    ):

        def work(records: list[Record]) -> list[Record]:
            asked = ask_samples(records, asker, config.sampling, config.samples)
            return pool.submit(partial(count_passes, config=config, limits=limits), asked).result()

        def count(record: Record) -> Record:
            bar.advance(1)
            if "predictors" in record:
                facts.append({"row": {"difficulty": record["row"].get("difficulty")}, "predictors": record["predictors"]})
            return record

        try:
            made = run_stages(source, work, concurrency=asker.concurrency)
            written = output.write(map(count, made))
        finally:
            note_usage(asker)
    if output.taken == output.bad.count:
        raise RowError(output.bad.first)
    note_bad_lines(output.bad)
    _print(facts, config)
    print_funnel(output.entries)
    if out is not None:
        note(f"{count_phrase(written, 'row')}" + (f" -> {out}" if written else ""))
        output.require_rows(f"no row of {rows} is kept, so {out} was not written")


def _print(facts: Sequence[Record], config: DifficultyConfig) -> None:
    counts = Table("right samples", "rows", box=None, pad_edge=False)
    for passed, number in pass_histogram(facts).items():
        counts.add_row(f"{passed} of {config.samples}", str(number))
    stdout.print(counts)
    hard = config.keep[1] if config.keep is not None else int(_HARD_SHARE * config.samples)
    table = Table("predictor", "what", "rows", "Spearman", f"AUC (at most {hard} right)", box=None, pad_edge=False)
    for one in compare_predictors(facts, hard):
        table.add_row(one.name, Text(PREDICTORS[one.name]), str(one.rows), _number(one.spearman), _number(one.auc))
    stdout.print(table)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
