"""The verb `import`: rows of what others have published, code problems or rows in the form of the paper's authors."""

import itertools
from pathlib import Path

import click

from execverify.cli.progress import Progress
from execverify.cli.rows import note_skipped, write_unless_empty
from execverify.cli.terminal import note
from execverify.datasets.authors import AuthorsReport, authors_rows, is_authors_file
from execverify.datasets.code_problems import HUB, ImportReport, problem_rows
from execverify.datasets.rows_io import check_out
from execverify.errors import RowError
from execverify.questions.prompts import DEFAULT, template_names
from execverify.utils.messages import count_phrase

_ABOUT = "Published code problems: a program is to be written, and unit tests judge it. The tests are those of the source."
_ABOUT_AUTHORS = "Tasks of code execution in the form of the paper's authors, read from a file of theirs."


@click.command("import")
@click.argument("source")
@click.option("-o", "--output", "out", required=True, help="File to write: .jsonl, .parquet, or - for standard output.")
@click.option("--limit", type=click.IntRange(1), help="Most rows; all by default.")
@click.option("--split", default="train", show_default=True, help="Which split of a folder or of the hub's data.")
@click.option(
    "--prompt-template",
    "template",
    default=DEFAULT,
    show_default=True,
    help=f"Prompt template: {', '.join(template_names())}, or a folder.",
)
@click.option("--keep-prompts", is_flag=True, help="Leave the prompts as they are; they do not ask for our answer tags.")
@click.option("--check", is_flag=True, help="Run the tests against the records' own solutions, and against answers without work.")
def dataset_import_command(
    source: str, out: str, limit: int | None, split: str, template: str, keep_prompts: bool, check: bool
) -> None:
    """Make rows of published data: code problems with their unit tests, or rows in the form of the paper's authors.

    SOURCE is a file of JSON lines or one JSON array (also gzipped), a .parquet file, a folder of Parquet files, or a name on the hub:
    PRIME-RL/Eurus-2-RL-Data. The formats that are read: docs/code-tasks.md. What is not about code is left out; records that are malformed
    are counted with their reasons. With --check, tests that any answer passes are left out, and so are records whose own solution fails.

    A file of the authors' form (`rl_dataset.json`: docs/data-format.md) gives white-box and input-prediction rows. Each program runs anew,
    and questions get the answers of that run. With --keep-prompts, prompts and answers stay as the file has them.
    """
    if is_authors_file(source):
        _import_authors(source, out, limit, split=split, template=template, keep_prompts=keep_prompts)
        return
    account = ImportReport()
    rows = problem_rows(source, account, split=split, template=template, keep_prompts=keep_prompts, check=check)
    check_out(out, [source])
    with Progress("problems", limit) as bar:
        made = bar.track(itertools.islice(rows, limit))
        written = write_unless_empty(out, made, f"{_ABOUT} Source: {Path(source).name if Path(source).exists() else source}.")
    _print_account(account, out)
    if not written:
        raise RowError(
            f"no record of {source} gave a row, and nothing was written; docs/code-tasks.md lists the formats, such as {HUB}'s"
        )


def _import_authors(source: str, out: str, limit: int | None, *, split: str, template: str, keep_prompts: bool) -> None:
    account = AuthorsReport()
    rows = authors_rows(source, account, split=split, template=template, keep_prompts=keep_prompts)
    check_out(out, [source])
    with Progress("records", limit) as bar:
        written = write_unless_empty(out, bar.track(itertools.islice(rows, limit)), _ABOUT_AUTHORS)
    made = ", ".join(f"{count} {kind}" for kind, count in account.rows.items()) or "none"
    note(f"{count_phrase(account.records, 'record')}; rows: {made}" + (f" -> {out}" if account.rows else ""))
    note(
        f"questions: {account.questions}; the file's answer is not that of the run in {account.relabelled}"
        + (f"; left out because the run cannot be asked: {account.left_out}" if account.left_out else "")
    )
    note_skipped(account.drops, lambda one: one.location)
    if not written:
        raise RowError(f"no record of {source} gave a row, and nothing was written")


def _print_account(account: ImportReport, out: str) -> None:
    made = ", ".join(f"{count} tested by {'calls' if form == 'call' else form}" for form, count in account.rows.items()) or "none"
    note(f"{count_phrase(account.records, 'record')}; rows: {made}" + (f" -> {out}" if account.rows else ""))
    if account.rows:
        note(f"unit tests: {account.tests}, {account.tests / account.rows.total():.1f} a row")
    if account.not_code:
        note(f"not about code: {', '.join(f'{count} {name}' for name, count in account.not_code.most_common())}")
    if account.standings:
        note(f"checked: {', '.join(f'{count} {name}' for name, count in account.standings.most_common())}")
    if account.left_out:
        note(f"tests left out: {', '.join(f'{count}: {why}' for why, count in account.left_out.most_common())}")
    note_skipped(account.drops, lambda one: one.location)
