"""`execverify dataset from-failures`: questions about a model's own failed programs."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import click

from execverify.cli.asking import asking_options, max_tokens_option, note_usage, open_asker, print_funnel, usage_text
from execverify.cli.common import SAMPLES, Finite, given_command, limit_options, limits_from_options, seed_option
from execverify.cli.engine import engine_options, open_workers
from execverify.cli.progress import Progress
from execverify.cli.rows import note_bad_lines
from execverify.cli.terminal import note
from execverify.cli.trace import split_kinds
from execverify.datasets.completions import read_completions, tasks_of_rows
from execverify.datasets.workers import open_pool
from execverify.generation.asker import Asker
from execverify.generation.failures import FAILURE_STAGES, FailureConfig, ask_about_failures, failure_records, reject_repeated
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
from execverify.models.model import Sampling
from execverify.questions.prompts import DEFAULT, template_names
from execverify.questions.question import KINDS
from execverify.questions.rows import Row
from execverify.utils.messages import count_phrase
from execverify.utils.read_files import BadLine


@click.command("from-failures")
@click.argument("rows")
@click.argument("completions", required=False)
@click.option("-o", "--output", "out", required=True, help="File to write: .parquet or .jsonl.")
@click.option("--samples", default=4, show_default=True, type=SAMPLES, help="With --model: completions of each row.")
@click.option("--temperature", default=1.0, show_default=True, type=Finite(0), help="With --model: of the samples.")
@click.option("--top-p", default=0.9, show_default=True, type=Finite(0, 1, min_open=True), help="With --model: share drawn from.")
@seed_option("Chooses samples and questions.")
@click.option("--max-questions", default=10, show_default=True, type=click.IntRange(0), help="Most questions a row.")
@click.option(
    "--question-kinds", default=",".join(KINDS), show_default=True, help="Kinds of questions, with commas between them."
)
@click.option(
    "--prompt-template", "template", default=DEFAULT, show_default=True, help=f"{', '.join(template_names())}, or a folder."
)
@engine_options
@max_tokens_option(4096)
@asking_options
@limit_options
def dataset_from_failures_command(
    rows: str,
    completions: str | None,
    out: str,
    samples: int,
    temperature: float,
    top_p: float,
    seed: int,
    max_questions: int,
    question_kinds: str,
    template: str,
    workers: int | None,
    engine: str,
    max_tokens: int,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
    **asking: Any,
) -> None:
    """Make white-box rows of completions that fail their unit tests.

    ROWS are code-generation rows. COMPLETIONS is JSONL of {id, completion}, as `execverify score` takes it; without it, --model is
    sampled. A failed program is run, confined, on the arguments of a test, and a row asks about that run.
    """
    if (completions is None) == (not asking["spec"]):
        raise click.UsageError("give a file of COMPLETIONS, or sample a model with --model: one of the two")
    check_row_output(out, rows, completions)
    limits = limits_from_options(timeout, steps, imports)
    config = FailureConfig(max_questions, tuple(split_kinds(question_kinds)), template, seed, limits)
    output = RowOutput(out, Funnel("completions", FAILURE_STAGES), input_funnel(rows), about=_ABOUT, command=given_command())
    seen: set[str] = set()
    source = rows_to_ask(rows)
    opened = open_asker(asking, beside(out, ".requests")) if completions is None else nullcontext()
    if completions is not None:
        source = _with_completions(list(source), completions)
    with (
        opened as asker,
        open_workers(engine, workers) as at_work,
        open_pool(at_work) as pool,
        Progress("completions", None, None if asker is None else usage_text(asker)) as bar,
    ):
        sampling = Sampling(temperature, top_p, max_tokens, seed=seed)

        def work(records: list[Record]) -> list[Record]:
            asked = _completed(records) if asker is None else ask_samples(records, asker, sampling, samples)
            return pool.submit(partial(ask_about_failures, config=config), failure_records(asked)).result()

        def count(record: Record) -> Record:
            bar.advance(1)
            return reject_repeated(record, seen)

        try:
            written = output.write(map(count, run_stages(source, work, concurrency=1 if asker is None else asker.concurrency)))
        finally:
            if isinstance(asker, Asker):
                note_usage(asker)
    note_bad_lines(output.bad)
    print_funnel(output.entries)
    note(f"{count_phrase(written, 'row')}" + (f" -> {out}" if written else ""))
    output.require_rows(f"no completion gave a row, so {out} was not written")


def _with_completions(rows: list[Row | BadLine], path: str) -> Iterator[Row | BadLine]:
    """The rows, each with a column of its completions, which `_completed` takes out again; lines of both files that cannot be used."""
    tasks = tasks_of_rows(rows, lambda why: None)  # `new_record` rejects those
    wrong: list[str] = []
    texts: dict[int, list[str]] = {}
    for task, text in read_completions(path, tasks, wrong.append):
        texts.setdefault(id(task), []).append(text)
    for row, judged in zip(rows, tasks, strict=True):
        yield row if isinstance(row, BadLine) else {**row, _COLUMN: texts.get(id(judged), [])}
    yield from (BadLine(why) for why in wrong)


def _completed(records: Iterable[Record]) -> list[Record]:
    made = []
    for record in records:
        row = {name: value for name, value in record["row"].items() if name != _COLUMN}
        made.append({**record, "row": row, "completions": record["row"].get(_COLUMN, [])})
    return made


_ABOUT = "Tasks about runs of programs that a model wrote and whose unit tests failed."
_COLUMN = "completions given"
