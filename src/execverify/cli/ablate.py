"""The verb `ablate`: train and evaluate the conditions of the ablation."""

from pathlib import Path

import click
from rich.markdown import Markdown

from execverify.cli.common import TRAINER_SEED, default_workers, seed_option
from execverify.cli.terminal import note, stdout


@click.command("ablate")
@click.option("--preset", required=True, metavar="NAME", help="A preset's name, or a .toml file.")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1), help="How many seeds.")
@seed_option("The first seed; tune on others than those that are reported.", TRAINER_SEED, "--first-seed")
@click.option(
    "--conditions", default="", metavar="A,B", help="Only these conditions, with those that they start from.  [default: all]"
)
@click.option(
    "-o",
    "--output",
    "out",
    metavar="DIR",
    help="The folder of the ablation; give the command again to resume it.  [default: runs/ablation-PRESET]",
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="A setting of the preset.")
@click.option(
    "--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes that run programs."
)
def ablate_command(
    preset: str, seeds: int, first_seed: int, conditions: str, out: str | None, changes: tuple[str, ...], workers: int
) -> None:
    """Train and evaluate every condition of the ablation: SFT, extended SFT, output-only RL, white-box RL and its components, unit-test RL.

    A condition starts from the model of another one. Give the command again to resume, also with more seeds or conditions.
    """
    from execverify.reports.ablation import TABLE
    from execverify.training.ablation.run import Ablation
    from execverify.training.presets import load_preset

    folder = Path(out or f"runs/ablation-{Path(preset).stem}")
    names = [name.strip() for name in conditions.split(",") if name.strip()]
    Ablation(load_preset(preset, changes), range(first_seed, first_seed + seeds), names, folder, workers, logger=note).run()
    stdout.print(Markdown((folder / TABLE).read_text(encoding="utf-8")))
    note(f"{folder}: done")
