"""The verb `experiment`: recipes against each other, over seeds."""

from pathlib import Path

import click
from rich.markdown import Markdown

from execverify.cli.common import default_workers
from execverify.cli.terminal import note, stdout
from execverify.training.config import MOST_SEED


@click.command("ablate")
@click.option("--preset", required=True, metavar="NAME", help="A preset's name, or a .toml file.")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1), help="How many seeds.")
@click.option(
    "--first-seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, MOST_SEED),
    help="The first seed; tune on others than those that are reported.",
)
@click.option(
    "--conditions", "arms", default="", metavar="A,B", help="Only these arms, with those that they begin on.  [default: all]"
)
@click.option(
    "-o",
    "--output",
    "out",
    metavar="DIR",
    help="The experiment's folder; a stopped one goes on.  [default: runs/ablation-PRESET]",
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="A setting of the preset.")
@click.option(
    "--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes that run programs."
)
def ablate_command(
    preset: str, seeds: int, first_seed: int, arms: str, out: str | None, changes: tuple[str, ...], workers: int
) -> None:
    """Train and measure every arm of the ablation: SFT, more SFT, output-only RL, white-box RL and its parts, unit-test RL.

    Arms begin where others ended and are done one after another; give the command again to go on, with more seeds or arms too.
    """
    from execverify.experiments.ablation import Ablation
    from execverify.reports.ablation import TABLE
    from execverify.training.preset_files import load_preset

    folder = Path(out or f"runs/ablation-{Path(preset).stem}")
    wanted = [arm.strip() for arm in arms.split(",") if arm.strip()]
    experiment = Ablation(
        load_preset(preset, changes),
        range(first_seed, first_seed + seeds),
        wanted,
        folder,
        workers,
        say=note,
    )
    experiment.run()
    stdout.print(Markdown((folder / TABLE).read_text(encoding="utf-8")))
    note(f"{folder}: done")
