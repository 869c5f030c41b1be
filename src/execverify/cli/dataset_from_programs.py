"""`execverify dataset from-programs`: rows of programs that exist."""

from typing import Any

import click

from execverify.cli.common import (
    Command,
    default_workers,
    limit_options,
    limits_from_options,
    read_program_records,
    seed_option,
    usual_imports_option,
)
from execverify.cli.progress import Progress
from execverify.cli.rows import note_skipped, write_unless_empty
from execverify.cli.terminal import note
from execverify.cli.trace import split_kinds
from execverify.datasets.from_programs import ConversionReport, RowConfig, make_rows
from execverify.datasets.rows_io import check_out
from execverify.errors import RowError
from execverify.questions.prompts import DEFAULT, template_names
from execverify.questions.question import KINDS
from execverify.questions.task import TASK_KINDS
from execverify.utils.messages import count_phrase

_ABOUT = (
    "Tasks of code execution about given programs: predict what a call returns and answer questions about single steps of its run, "
    "or predict arguments. Every program was run confined, and its trace gave the answers."
)

_ROW_OPTIONS: tuple[Any, ...] = (
    click.option(
        "--task-kinds", "kinds", default=",".join(TASK_KINDS), show_default=True, help="Kinds of rows, with commas between them."
    ),
    seed_option("Chooses among the questions."),
    click.option("--max-questions", "limit", default=10, show_default=True, type=click.IntRange(0), help="Most questions a row."),
    click.option(
        "--question-kinds",
        default=",".join(KINDS),
        show_default=True,
        help="Kinds of questions to ask, with commas between them.",
    ),
    click.option(
        "--prompt-template",
        "template",
        default=DEFAULT,
        show_default=True,
        help=f"Prompt template: {', '.join(template_names())}, or a folder.",
    ),
    click.option("--split", default="train", show_default=True, help="Written into the rows."),
)


def row_options(command: Command) -> Command:
    """Adds the options of how rows are made of programs."""
    for option in reversed(_ROW_OPTIONS):
        command = option(command)
    return command


@click.command("from-programs")
@click.argument("file")
@click.option("-o", "--output", "out", required=True, help="File to write: .jsonl, .parquet, or - for standard output.")
@row_options
@click.option("--call", help="The call to make, e.g. 'f(3)'; for a Python file, instead of the calls in it.")
@usual_imports_option
@limit_options
def dataset_from_programs_command(
    file: str,
    out: str,
    kinds: str,
    seed: int,
    limit: int,
    question_kinds: str,
    template: str,
    split: str,
    call: str | None,
    usual_imports: bool,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Make rows of programs that exist.

    FILE is JSONL with {code, input[, output, id, entry_point]}, a Python file with calls, or - for JSONL from standard input.
    """
    settings = RowConfig(
        kinds=split_kinds(kinds),
        max_questions=limit,
        question_kinds=split_kinds(question_kinds),
        seed=seed,
        prompt_template=template,
        split=split,
        limits=limits_from_options(timeout, steps, imports),
        workers=default_workers(),
    )
    account = ConversionReport()
    check_out(out, [file])
    records = list(read_program_records(file, call, usual_imports))
    with Progress("programs", len(records)) as bar:
        made = make_rows(records, settings, account, bar.update)
        written = write_unless_empty(out, made, _ABOUT)
    print_account(account, out)
    if not written:
        raise RowError(f"no program of {file} gave a row, and nothing was written")


def print_account(account: ConversionReport, out: str) -> None:
    """Reports how many rows were made, and what gave none."""
    made = ", ".join(f"{count} {kind}" for kind, count in account.rows.items()) or "none"
    note(f"{count_phrase(account.programs, 'program')}; rows: {made}" + (f" -> {out}" if account.rows else ""))
    if account.outputs_confirmed:
        note(f"given outputs that the run confirmed: {account.outputs_confirmed}")
    if account.completed:
        note(f"usual imports put before: {len(account.completed)} ({', '.join(account.completed[:4])} ...)")
    if account.arguments_evaluated:
        note(
            f"arguments rewritten as literals: {len(account.arguments_evaluated)} ({', '.join(account.arguments_evaluated[:4])} ...)"
        )
    note_skipped(account.drops, lambda one: f"{one.id} ({one.location})")
