"""`execverify dataset add-cot`: rows with chains of thought, for supervised fine-tuning."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import click

from execverify.cli.asking import asking_options, note_usage, open_asker, print_funnel, usage_text
from execverify.cli.common import SAMPLES, Finite, given_command, limit_options, limits_from_options, seed_option
from execverify.cli.engine import engine_options, open_workers
from execverify.cli.progress import Progress
from execverify.cli.rows import note_bad_lines, note_skipped, write_unless_empty
from execverify.cli.terminal import note
from execverify.cot import MIXED, NAMED_LEVELS, STYLES, estimate_tokens
from execverify.cot.generate import DEFAULT_MAX_TOKENS
from execverify.datasets.cot_rows import CotReport, cot_rows, parquet_columns
from execverify.datasets.rows_io import check_out, count_rows, read_rows
from execverify.datasets.tokens import TokenCounter
from execverify.datasets.workers import Workers, open_pool
from execverify.errors import RowError
from execverify.generation.funnel import Funnel
from execverify.generation.rows import Record, RowOutput, beside, check_row_output, input_funnel, rows_to_ask, run_stages
from execverify.generation.teach import (
    TEACHING_STAGES,
    TeachingConfig,
    judge_completions,
    shares_by_level,
    taught_row,
    teach_rows,
)
from execverify.questions.rows import Row
from execverify.sandbox.result import Limits
from execverify.utils.messages import count_phrase
from execverify.utils.read_files import BadLines

_ABOUT = (
    "Tasks of code execution with chains of thought for supervised fine-tuning. Each chain was rendered from the trace of its program, "
    "and its answers were graded right."
)
_ABOUT_TAUGHT = (
    "Tasks of code execution with chains of thought for supervised fine-tuning. A model wrote each chain, which was kept because its "
    "answers were graded right."
)


@click.command("add-cot")
@click.argument("rows")
@click.option("-o", "--output", "out", required=True, help="File to write: .parquet, .jsonl, or - for standard output.")
@click.option("--style", default="compact", show_default=True, help=f"How they read: {', '.join(STYLES)}, or {MIXED}.")
@click.option(
    "--detail-level", "detail", default="full", show_default=True, help=f"How much is rendered: {', '.join(NAMED_LEVELS)}."
)
@click.option(
    "--max-tokens",
    "budget",
    default=DEFAULT_MAX_TOKENS,
    show_default=True,
    type=click.IntRange(0),
    help="Most tokens of a completion; detail is given up until it fits. 0: any length.",
)
@click.option("--tokenizer", metavar="FOLDER", help="Count with this model's tokenizer.json; else tokens are estimated.")
@seed_option("Chooses styles and phrases.")
@engine_options
@click.option("--limit", type=click.IntRange(1), help="Only the first rows.")
@click.option("--tries", default=4, show_default=True, type=SAMPLES, help="Model: most completions of a row.")
@click.option("--temperature", default=0.6, show_default=True, type=Finite(0), help="Model: of its completions.")
@click.option(
    "--top-p", default=0.95, show_default=True, type=Finite(0, 1, min_open=True), help="Model: share of probability drawn from."
)
@asking_options
@limit_options
def dataset_add_cot_command(
    rows: str,
    out: str,
    style: str,
    detail: str,
    budget: int,
    tokenizer: str | None,
    seed: int,
    workers: int | None,
    engine: str,
    limit: int | None,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
    tries: int,
    temperature: float,
    top_p: float,
    **asking: Any,
) -> None:
    """Add chains of thought: rendered from the traces of the rows' programs, or, with --model, written by a model.

    ROWS is a file of rows, or the folder of a dataset. OUT has the columns prompt and completion, as TRL's SFTTrainer takes them. Of a
    model's completions, the first one that earns the full reward is kept.
    """
    if asking["spec"]:
        config = TeachingConfig(tries, temperature, top_p, budget or 4096, seed)
        with open_workers(engine, workers) as at_work:
            _teach(rows, out, config, limits_from_options(timeout, steps, imports), at_work, limit, asking)
        return
    account, bad = CotReport(), BadLines()
    total = count_rows(rows)
    check_out(out, [rows])
    most = total if limit is None or total is None else min(limit, total)
    with open_workers(engine, workers) as at_work, Progress("rows", most) as bar:
        made = cot_rows(
            itertools.islice(read_rows(rows, bad.add), limit),
            style=style,
            detail_level=detail,
            max_tokens=budget or None,
            seed=seed,
            count_tokens=TokenCounter(tokenizer) if tokenizer is not None else estimate_tokens,
            workers=at_work,
            limits=limits_from_options(timeout, steps, imports),
            account=account,
            progress=bar.advance,
        )
        written = write_unless_empty(out, made, _ABOUT, parquet_columns)
    note_bad_lines(bad)
    _print_account(account, out)
    if not written:
        raise RowError(f"no row of {rows} got a chain, and nothing was written")


def _teach(
    rows: str,
    out: str,
    config: TeachingConfig,
    limits: Limits,
    workers: Workers,
    limit: int | None,
    asking: Mapping[str, Any],
) -> None:
    """Chains by a model."""
    levels: dict[Any, Counter[bool]] = {}
    total = count_rows(rows)
    check_row_output(out, rows)
    source = rows_to_ask(rows, limit)
    output = RowOutput(
        out,
        Funnel("rows", TEACHING_STAGES),
        input_funnel(rows),
        about=_ABOUT_TAUGHT,
        command=given_command(),
        row_of=taught_row,
        columns=parquet_columns,
    )
    with (
        open_asker(asking, beside(out, ".requests")) as asker,
        open_pool(workers) as pool,
        Progress("rows", total if limit is None or total is None else min(limit, total), usage_text(asker)) as bar,
    ):

        def judge(pairs: Sequence[tuple[Row, str]]) -> list[bool]:
            return pool.submit(partial(judge_completions, limits=limits), pairs).result()

        def count(record: Record) -> Record:
            levels.setdefault(_level(record), Counter())[not record["stage"]] += 1
            bar.advance(1)
            return record

        work = partial(teach_rows, asker=asker, config=config, judge=judge)
        try:
            kept = output.write(map(count, run_stages(source, work, concurrency=asker.concurrency)))
        finally:
            note_usage(asker)
    note_bad_lines(output.bad)
    print_funnel(output.entries)
    for level, right, asked in shares_by_level(levels):
        note(f"{level}: {right} of {asked} kept ({right / asked:.0%})")
    note(f"{count_phrase(kept, 'chain')}" + (f" -> {out}" if kept else ""))
    output.require_rows(f"no row of {rows} got a chain, so {out} was not written")


def _level(record: Record) -> int | None:
    level = record["row"].get("level")
    return level if isinstance(level, int) else None


def _print_account(account: CotReport, out: str) -> None:
    count = account.chains.total()
    kinds = ", ".join(f"{number} {kind}" for kind, number in account.chains.items()) or "none"
    note(f"{count_phrase(account.rows, 'row')}; chains: {kinds}" + (f" -> {out}" if count else ""))
    if count:
        levels = ", ".join(f"{number} at level {level}" for level, number in sorted(account.detail_levels.items()))
        styles = ", ".join(f"{number} {name}" for name, number in sorted(account.styles.items()))
        note(f"{account.tokens / count:.0f} tokens a chain; detail, 0 the fullest: {levels}; styles: {styles}")
    note_skipped(account.skipped, lambda one: one.id)
