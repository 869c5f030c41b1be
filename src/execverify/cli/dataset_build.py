"""The verb that makes a dataset: `build`."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from execverify.cli.asking import asking_options, max_tokens_option, note_usage, open_asker, print_funnel, usage_text
from execverify.cli.common import Finite, given_command, limit_options, seed_option
from execverify.cli.engine import engine_options, open_workers
from execverify.cli.progress import Progress
from execverify.cli.terminal import Text, note, stdout
from execverify.cli.trace import split_kinds
from execverify.datasets.build_dir import check_folder
from execverify.datasets.build_run import BuildResult, build
from execverify.datasets.config import DatasetConfig, check_size, levels_of
from execverify.datasets.splits import Splits
from execverify.datasets.workers import Workers
from execverify.generation.build import DEFAULT_ASKED_PER_ROW, build_with_model, requests_folder
from execverify.generation.programs import CHAT, FULL, RUN, TYPED, SynthesisConfig, check_recipe
from execverify.questions.prompts import DEFAULT, template_names
from execverify.questions.question import KINDS
from execverify.questions.task import ALL_KINDS, TASK_KINDS
from execverify.reports.dataset import write_report
from execverify.utils.messages import count_phrase

_SHOWN = 6
GRAMMAR = "grammar"


@click.command("build")
@click.option("-o", "--output", "out", required=True, metavar="OUT", help="Folder of the dataset.")
@click.option("--size", required=True, type=int, help="How many rows.")
@seed_option("Another one gives other programs.")
@click.option("--levels", help="Levels of 1 to 6, such as 1-6 or 1,3; all by default.")
@click.option(
    "--task-kinds",
    "kinds",
    default=",".join(TASK_KINDS),
    show_default=True,
    help=f"Kinds of rows, with commas, of {', '.join(ALL_KINDS)}.",
)
@click.option("--builtins", "methods", default="", help="Built-ins under test, such as str.split,len; all by default.")
@click.option(
    "--value-types", "types", default="", help="Types of the values that programs write, such as bool,int,list; all by default."
)
@click.option(
    "--max-integer",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Leave out programs with a number above N in their text, arguments or values; 0 means any number.",
)
@click.option(
    "--programs", "from_file", metavar="FILE", help="Take the programs of a file, with other arguments round after round."
)
@click.option(
    "--decontaminate",
    "exclude",
    multiple=True,
    metavar="FILE",
    help="A benchmark's file whose programs must not come in; may be repeated.",
)
@engine_options
@click.option(
    "--inputs-per-program", "inputs", default=1, show_default=True, help="Most rows of one program, each on arguments of its own."
)
@click.option("--max-questions", "limit", default=10, show_default=True, help="Most questions a row.")
@click.option(
    "--question-kinds", default=",".join(KINDS), show_default=True, help="Kinds of questions to ask, with commas between them."
)
@click.option(
    "--prompt-template",
    "template",
    default=DEFAULT,
    show_default=True,
    help=f"Prompt template: {', '.join(template_names())}, or a folder.",
)
@click.option("--splits", default=str(Splits()), show_default=True, help="Splits and their shares of the programs' shapes.")
@limit_options
@click.option(
    "--synthesizer", default=GRAMMAR, show_default=True, type=click.Choice([GRAMMAR, CHAT]), help="What writes the programs."
)
@click.option(
    "--max-asked",
    type=click.IntRange(1),
    metavar="N",
    help=f"chat: programs to ask for at most; there may then be fewer rows.  [default: {DEFAULT_ASKED_PER_ROW} for each row]",
)
@click.option("--temperature", default=0.8, show_default=True, type=Finite(0), help="chat: of the requests for programs.")
@click.option(
    "--top-p", default=0.9, show_default=True, type=Finite(0, 1, min_open=True), help="chat: share of probability drawn from."
)
@click.option("--repair", is_flag=True, help="chat: ask once more where a program cannot be read or breaks its constraint.")
@click.option(
    "--inputs",
    "inputs_from",
    default=TYPED,
    show_default=True,
    type=click.Choice([TYPED, CHAT]),
    help="chat: where further arguments come from: mutation by type, or the model (temperature 0.4).",
)
@click.option(
    "--checks",
    default=FULL,
    show_default=True,
    type=click.Choice([FULL, RUN]),
    help="chat: full: as for the grammar's programs; run: a program runs, deterministically, and there is something to ask.",
)
@click.option(
    "--examples",
    default=0,
    show_default=True,
    type=click.IntRange(0, 8),
    help="chat: programs of the grammar that the prompt shows, of the same level with other methods; for weak models.",
)
@max_tokens_option(1024)
@asking_options
def dataset_build_command(
    out: str,
    size: int,
    seed: int,
    levels: str | None,
    kinds: str,
    methods: str,
    types: str,
    max_integer: int,
    from_file: str | None,
    exclude: tuple[str, ...],
    workers: int | None,
    engine: str,
    inputs: int,
    limit: int,
    question_kinds: str,
    template: str,
    splits: str,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
    synthesizer: str,
    max_asked: int | None,
    temperature: float,
    top_p: float,
    repair: bool,
    inputs_from: str,
    checks: str,
    examples: int,
    max_tokens: int,
    **asking: Any,
) -> None:
    """Make a dataset of synthesized programs in the folder OUT: Parquet shards, a manifest, a report.

    The same options give the same rows. A build that was stopped, however, goes on when the same command is given again. With
    --synthesizer chat, a model writes the programs, and every answer is kept in OUT/requests.
    """
    recipe = DatasetConfig(
        seed=seed,
        kinds=tuple(split_kinds(kinds)),
        levels=() if levels is None else levels_of(levels),
        builtins=tuple(split_kinds(methods)),
        value_types=tuple(split_kinds(types)),
        max_integer=max_integer,
        inputs_per_program=inputs,
        max_questions=limit,
        question_kinds=tuple(split_kinds(question_kinds)),
        prompt_template=template,
        splits=Splits.parse(splits),
        timeout=timeout,
        steps=steps,
        programs_file=from_file,
        decontaminate=exclude,
        imports=imports,
    )
    if synthesizer == CHAT:
        config = SynthesisConfig(temperature, top_p, max_tokens, repair, inputs_from, checks=checks, examples=examples)
        with open_workers(engine, workers) as at_work:
            _build_with_model(out, size, recipe, config, max_asked, at_work, asking)
        return
    if asking["spec"]:
        raise click.UsageError("--model goes with --synthesizer chat")
    with open_workers(engine, workers) as at_work, Progress("rows", max(size, 0)) as bar:
        built = build(
            out,
            size,
            recipe,
            workers=at_work,
            progress=lambda done, ready: bar.update(done, ready=ready),
            write_report=partial(write_report, workers=at_work),
            command=given_command(),
        )
    _print(Path(out), built)


def _build_with_model(
    out: str,
    size: int,
    recipe: DatasetConfig,
    config: SynthesisConfig,
    max_asked: int | None,
    workers: Workers,
    asking: Mapping[str, Any],
) -> None:
    check_size(size)
    check_recipe(recipe)
    check_folder(Path(out))
    with open_asker(asking, requests_folder(out)) as asker, Progress("rows", max(size, 0), usage_text(asker)) as bar:
        try:
            built = build_with_model(
                out,
                size,
                recipe,
                config,
                asker,
                max_asked=max_asked,
                workers=workers,
                progress=lambda done, ready: bar.update(done, ready=ready),
                write_report=partial(write_report, workers=workers),
                command=given_command(),
            )
        finally:
            note_usage(asker)
    _print(Path(out), built)
    print_funnel(built.manifest["funnel"], [f"{name}: {count}" for name, count in built.manifest["repairs"].items()])


def _print(out: Path, built: BuildResult) -> None:
    manifest = built.manifest
    rows = count_phrase(manifest["rows"], "row")
    if built.was_complete:
        note(f"{out} is complete: {rows}, made of these settings before; nothing was changed")
    else:
        before = f", {built.ready} of them made before," if built.ready else ""
        rate = (manifest["rows"] - built.ready) / built.seconds
        note(f"{rows}{before} in {built.seconds:.1f} s ({rate:,.0f} a second) -> {out}")
        if built.clock.seconds["synthesis"]:  # a model's programs are made elsewhere
            note("time: " + ", ".join(f"{name} {share:.0%}" for name, share in built.clock.shares.items()))
    table = Table(show_header=False, box=None, pad_edge=False)
    for name in ("splits", "kinds", "levels"):
        table.add_row(name, Text(_as_text(manifest[name])))
    table.add_row("skipped items", Text(_as_text(manifest["skipped_items"]) or "none"))
    table.add_row("rejected attempts", Text(_as_text(manifest["rejected_attempts"]) or "none"))
    if manifest["decontaminated"]:
        table.add_row("decontaminated", Text(_as_text(manifest["decontaminated"])))
    table.add_row("content hash", manifest["content_hash"])
    stdout.print(table)


def _as_text(counts: dict[str, Any]) -> str:
    shown = [f"{count} {name}" if not name.isdecimal() else f"{name}: {count}" for name, count in counts.items()]
    rest = f", and {count_phrase(len(shown) - _SHOWN, 'more reason')}" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + rest
