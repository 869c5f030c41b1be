"""The verb `train`: the two-stage training by a preset."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.markdown import Markdown

from execverify.cli.common import default_workers
from execverify.cli.completion import with_completion
from execverify.cli.terminal import Text, note, stdout
from execverify.cli.verbosity import with_verbosity

_STAGES = {"sft": "sft", "white-box": "rl_whitebox", "unit-tests": "rl_unit_tests"}
"""The stages as the command line names them, and as presets do, in their order."""


class _TrainCommand(click.Command):
    """`execverify train STAGE`, and `execverify train probe` with options of its own."""

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> Any:
        if args and args[0] == "probe":
            from execverify.cli.train_probe import train_probe_command

            return with_completion(with_verbosity(train_probe_command)).make_context(
                f"{info_name} probe", args[1:], parent, **extra
            )
        return super().make_context(info_name, args, parent, **extra)


@click.command("train", cls=_TrainCommand)
@click.argument("stage", type=click.Choice([*_STAGES, "all", "probe"]), required=False)
@click.option("--preset", metavar="NAME", help="A preset's name, or a .toml file like those that --list shows.")
@click.option("--list", "listed", is_flag=True, help="List the presets, and where their files are.")
@click.option(
    "--model", metavar="M", help="Start from this model (hub name or folder) instead of the preset's or the stage before."
)
@click.option("--data", metavar="DIR", help="Rows to train on (`execverify dataset build`); kinds that it lacks are built.")
@click.option(
    "-o", "--output", "out", metavar="DIR", help="The folder of the training; a stopped one goes on.  [default: runs/PRESET]"
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="A setting, such as rl_whitebox.learning_rate=1e-5.")
@click.option("--trainer", "engine", default="trl", show_default=True, help="Which trainer runs it: trl or verl.")
@click.option("--no-evaluation", is_flag=True, help="Only train; measure nothing.")
@click.option(
    "--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes that run programs."
)
def train_command(
    stage: str | None,
    preset: str | None,
    listed: bool,
    model: str | None,
    data: str | None,
    out: str | None,
    changes: tuple[str, ...],
    engine: str,
    no_evaluation: bool,
    workers: int,
) -> None:
    """Train a model: SFT, white-box RL, unit-test RL, or all of them one after another.

    Models are measured before, between and after. A training that was stopped goes on when the command is given again.

    `execverify train probe` measures what white-box RL would have to work with (`execverify train probe --help`).
    """
    from execverify.reports.training import PAGE, REPORT
    from execverify.training.distributed import is_first
    from execverify.training.pipeline import TrainingPipeline
    from execverify.training.presets import FOLDER, load_preset, preset_names
    from execverify.training.trainers import TRAINERS

    if listed:
        for name in preset_names():
            known = load_preset(name)
            stdout.print(Text(name, style="bold"), Text(", ".join(filter(None, (known.description, known.duration)))), sep="  ")
            stdout.print(Text(f"  {FOLDER / name}.toml"), soft_wrap=True)
        return
    if stage is None or preset is None:
        raise click.UsageError(f"name a stage ({', '.join(_STAGES)}, all) and --preset ({', '.join(preset_names())})")
    if data is not None:
        changes = (*changes, f"data.from_folder={data}")
    if stage == "probe":
        raise click.UsageError("put the word probe first: execverify train probe --preset NAME ...")
    settings = load_preset(preset, changes)
    folder = Path(out or f"runs/{Path(preset).stem}")
    note(f"{Path(preset).stem}: " + ", ".join(filter(None, (settings.description, settings.duration))))
    training = TrainingPipeline(settings, folder, workers, logger=note, evaluated=not no_evaluation)
    status = TRAINERS.get(engine)(training, list(_STAGES.values()) if stage == "all" else [_STAGES[stage]], model)
    if status or engine != "trl":
        sys.exit(status)
    if not is_first():
        return  # the first process measures and prints the result
    if not no_evaluation:
        stdout.print(Markdown((folder / REPORT).read_text(encoding="utf-8")))
    note(f"{folder}: done" if no_evaluation else f"{folder / PAGE}: scores and curves, to open in a browser")
