"""The verb `export`: rows in the form that another engine reads."""

import itertools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from execverify.cli.common import default_workers
from execverify.cli.progress import Progress
from execverify.cli.rows import note_bad_lines
from execverify.cli.terminal import echo_json, note
from execverify.cli.trace import split_kinds
from execverify.datasets.rows_io import check_out, count_rows, read_rows, write_rows
from execverify.errors import RowError
from execverify.questions.task import TASK_KINDS
from execverify.utils.atomic import atomic_write
from execverify.utils.messages import count_phrase
from execverify.utils.read_files import BadLines

if TYPE_CHECKING:
    from execverify.training.with_verl.rows import Exported


@click.command("export")
@click.argument("rows")
@click.option("-o", "--output", "out", required=True, help="Folder to write into; for cwm a file, .jsonl or .parquet.")
@click.option(
    "--format",
    "engine",
    type=click.Choice(["verl", "cwm", "authors"]),
    default="verl",
    show_default=True,
    help="Which form: verl's Parquet files, CWM's traces, or the authors' rl_dataset.json.",
)
@click.option("--task-kinds", "kinds", default="", help="Kinds of rows, with commas between them; all by default.")
@click.option("--limit", type=click.IntRange(1), help="Most rows to train on; all by default.")
@click.option(
    "--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes that run programs."
)
@click.option("--model", help="Hub name or folder; with --max-prompt, its tokenizer measures the prompts.")
@click.option("--max-prompt-length", "max_prompt", type=click.IntRange(1), help="Leave out rows whose prompt has more tokens.")
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
def dataset_export_command(
    rows: str,
    out: str,
    engine: str,
    kinds: str,
    limit: int | None,
    workers: int,
    model: str | None,
    max_prompt: int | None,
    as_json: bool,
) -> None:
    """Write ROWS as others read them. ROWS is a file of rows, or the folder of a dataset. (TRL reads rows as they are.)

    verl: OUT/train.parquet and OUT/validation.parquet, by the rows' own splits. cwm: a prompt and a completion for each program, in the
    format of CWM, Meta's Code World Model. authors: OUT/rl_dataset.json with the white-box and input-prediction rows in the form of the
    paper's authors, with prompts in their form.
    """
    if engine != "verl" and (model is not None or max_prompt is not None):
        raise click.UsageError("--model and --max-prompt-length are for --format verl: leave them out")
    if engine == "cwm":
        _export_cwm(rows, out, split_kinds(kinds) or list(TASK_KINDS), limit, workers, as_json)
        return
    if engine == "authors":
        _export_authors(rows, Path(out), split_kinds(kinds), limit, as_json)
        return
    from execverify.training.with_verl.launch import prompt_length
    from execverify.training.with_verl.rows import export

    if (model is None) != (max_prompt is None):
        raise click.UsageError("--model and --max-prompt-length go together: the one measures what the other limits")
    length = None
    if model is not None:
        length = prompt_length(model)
        if length is None:
            raise click.UsageError(
                f"--max-prompt-length needs the tokenizer of {model}, which cannot be loaded: is the name "
                f"right, and is transformers installed "
                "(pip install 'execverify[train]')?"
            )
    bad = BadLines()
    with Progress("rows", count_rows(rows)) as bar:
        found = export(
            bar.track(read_rows(rows, bad.add)),
            Path(out),
            kinds=split_kinds(kinds),
            limit=limit,
            length=length,
            longest=max_prompt,
        )
    note_bad_lines(bad)
    if as_json:
        echo_json({"rows": found.rows, "kinds": found.kinds, "left_out": found.left_out, "examples": found.examples})
    else:
        _print(found)


def _export_cwm(rows: str, out: str, kinds: list[str], limit: int | None, workers: int, as_json: bool) -> None:
    """Write one trace for each program of the rows that makes a call."""
    from execverify.datasets.cwm_rows import cwm_columns, cwm_rows

    check_out(out, [rows])
    left_out: Counter[str] = Counter()
    bad = BadLines()
    with Progress("rows", count_rows(rows)) as bar:
        made = itertools.islice(cwm_rows(bar.track(read_rows(rows, bad.add)), left_out, kinds=kinds, workers=workers), limit)
        first = next(made, None)
        if first is None:
            raise RowError(f"no program of {rows} has a trace, and nothing was written")
        count = write_rows(out, itertools.chain([first], made), cwm_columns)
    note_bad_lines(bad)
    if as_json:
        echo_json({"rows": count, "left_out": left_out})
    else:
        note(f"{count_phrase(count, 'trace')} -> {out}")
        for reason, number in left_out.most_common():
            note(f"left out: {number} {reason}")


def _export_authors(rows: str, out: Path, kinds: list[str], limit: int | None, as_json: bool) -> None:
    from execverify.datasets.authors import write_authors_records

    bad = BadLines()
    given = read_rows(rows, bad.add)
    chosen = (row for row in given if row.get("kind") in TASK_KINDS and (not kinds or row.get("kind") in kinds))
    taken = list(itertools.islice(chosen, limit))
    note_bad_lines(bad)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "rl_dataset.json"
    with atomic_write(path) as file:
        file.write(write_authors_records(taken).encode())
    if as_json:
        echo_json({"rows": len(taken), "file": str(path)})
    else:
        note(f"{count_phrase(len(taken), 'row')} -> {path}")


def _print(found: "Exported") -> None:
    for split, count in found.rows.items():
        note(f"{count_phrase(count, 'row')} -> {found.file(split)}")
    note(", ".join(f"{count} {kind}" for kind, count in found.kinds.items()))
    for reason, count in found.left_out.most_common():
        example = f" ({found.examples[reason]})" if reason in found.examples else ""
        note(f"left out: {count} {reason}{example}")
