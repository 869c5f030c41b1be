"""The verb `chains`: rows with chains of thought, for supervised fine-tuning."""

import itertools

import click

from execverify.cli.common import SEED, default_workers, limit_options, limits_from_options
from execverify.cli.progress import Progress
from execverify.cli.rows import note_skipped, write_unless_empty
from execverify.cli.terminal import note
from execverify.cot import MIXED, NAMED_LEVELS, STYLES, estimate_tokens
from execverify.cot.generate import DEFAULT_MAX_TOKENS
from execverify.datasets.cot_rows import CotReport, cot_rows, parquet_columns
from execverify.datasets.rows_io import check_out, count_rows, read_rows
from execverify.datasets.tokens import TokenCounter
from execverify.errors import RowError
from execverify.utils.messages import count_phrase


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
@click.option("--seed", default=0, show_default=True, type=SEED, help="Chooses styles and phrases.")
@click.option("--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes at work.")
@click.option("--limit", type=click.IntRange(1), help="Only the first rows.")
@limit_options
def dataset_add_cot_command(
    rows: str,
    out: str,
    style: str,
    detail: str,
    budget: int,
    tokenizer: str | None,
    seed: int,
    workers: int,
    limit: int | None,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Add chains of thought rendered from the traces of the rows' programs.

    ROWS is a file of rows, or the folder of a dataset. OUT has the columns prompt and completion, as TRL's SFTTrainer takes them.
    """
    account = CotReport()
    total = count_rows(rows)
    check_out(out)
    with Progress("rows", total if limit is None or total is None else min(limit, total)) as bar:
        made = cot_rows(
            itertools.islice(read_rows(rows), limit),
            style=style,
            detail_level=detail,
            max_tokens=budget or None,
            seed=seed,
            count_tokens=TokenCounter(tokenizer) if tokenizer is not None else estimate_tokens,
            workers=workers,
            limits=limits_from_options(timeout, steps, imports),
            account=account,
            progress=bar.advance,
        )
        written = write_unless_empty(out, made, parquet_columns)
    _print_account(account, out)
    if not written:
        raise RowError(f"no row of {rows} got a chain, and nothing was written")


def _print_account(account: CotReport, out: str) -> None:
    count = account.chains.total()
    kinds = ", ".join(f"{number} {kind}" for kind, number in account.chains.items()) or "none"
    note(f"{count_phrase(account.rows, 'row')}; chains: {kinds}" + (f" -> {out}" if count else ""))
    if count:
        levels = ", ".join(f"{number} at level {level}" for level, number in sorted(account.detail_levels.items()))
        styles = ", ".join(f"{number} {name}" for name, number in sorted(account.styles.items()))
        note(f"{account.tokens / count:.0f} tokens a chain; detail, 0 the fullest: {levels}; styles: {styles}")
    note_skipped(account.skipped, lambda one: one.id)
