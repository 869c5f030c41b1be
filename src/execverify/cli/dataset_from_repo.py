"""`execverify dataset from-repo`: rows of the functions that a repository's tests call."""

from collections import Counter
from pathlib import Path

import click

from execverify.cli.common import Finite, default_workers, limit_options, limits_from_options
from execverify.cli.dataset_from_programs import print_account, row_options
from execverify.cli.progress import Progress
from execverify.cli.rows import write_unless_empty
from execverify.cli.terminal import note
from execverify.cli.trace import split_kinds
from execverify.datasets.from_programs import RowConfig
from execverify.datasets.from_repo import RepositoryConfig, RepositoryReport, rows_of_repository
from execverify.datasets.rows_io import check_out
from execverify.errors import RowError
from execverify.programs.repository import UNKNOWN_LICENCE, Repository, read_repository
from execverify.utils.messages import count_phrase

_ABOUT = (
    "Tasks of code execution about the functions of {name} (licence: {licence}): predict what a call returns and answer questions about "
    "single steps of its run, or predict arguments. The calls are those of the repository's tests; each function was made one program "
    "with what it needs, run confined, and its result compared with the real function's."
)


@click.command("from-repo")
@click.argument("path")
@click.option("-o", "--output", "out", required=True, help="File to write: .jsonl, .parquet, or - for standard output.")
@click.option("--calls", default=3, show_default=True, type=click.IntRange(1, 20), help="Most calls of a function.")
@click.option("--max-lines", default=150, show_default=True, type=click.IntRange(1), help="Most lines of a program.")
@click.option(
    "--test-timeout",
    default=10.0,
    show_default=True,
    type=Finite(0, 3_600, min_open=True),
    help="Seconds that one test may take.",
)
@click.option("--allow-weak-isolation", is_flag=True, help="Run the tests where this system cannot confine untrusted code.")
@row_options
@limit_options
def dataset_from_repo_command(
    path: str,
    out: str,
    calls: int,
    max_lines: int,
    test_timeout: float,
    allow_weak_isolation: bool,
    kinds: str,
    seed: int,
    limit: int,
    question_kinds: str,
    template: str,
    split: str,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Make rows of the functions that a repository's tests call.

    PATH is a folder with Python packages and their tests, for pytest or unittest. Its code runs confined alone, and no file of it is
    changed.
    """
    repository = read_repository(Path(path))
    workers = default_workers()
    settings = RowConfig(
        kinds=split_kinds(kinds),
        max_questions=limit,
        question_kinds=split_kinds(question_kinds),
        seed=seed,
        prompt_template=template,
        split=split,
        limits=limits_from_options(timeout, steps, imports),
        workers=workers,
        generator=f"repo:{repository.name} ({repository.licence})",
    )
    config = RepositoryConfig(calls, max_lines, test_timeout, imports, allow_weak_isolation, workers)
    report = RepositoryReport()
    check_out(out)
    about = _ABOUT.format(name=repository.name, licence=repository.licence)
    licence = "" if repository.licence == UNKNOWN_LICENCE else repository.licence
    with Progress("tests", sum(1 for _ in repository.tests())) as bar:
        written = write_unless_empty(
            out, rows_of_repository(repository, config, settings, report, bar.update), about, licence=licence
        )
    _print_report(repository, report)
    print_account(report.conversion, out)
    if not written:
        raise RowError(f"no function of {path} gave a row, and nothing was written")


def _print_report(repository: Repository, report: RepositoryReport) -> None:
    note(
        f"{repository.name}, licence {repository.licence}; {count_phrase(sum(report.tests.values()), 'test')}: {_counts(report.tests)}"
    )
    note(
        f"{count_phrase(len(report.functions), 'function')}: {report.kept} gave rows"
        + (f"; without: {_counts(report.reasons)}" if report.reasons else "")
    )
    for name, detail in list(report.test_details.items())[:5]:
        note(f"  {name}: {detail[:160]}")


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common()) or "none"
