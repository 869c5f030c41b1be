"""The verb `train probe`: what RL would have to work with."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from execverify.cli.common import TRAINER_SEED, Finite, default_workers, seed_option
from execverify.cli.terminal import Text, echo_json, note, stdout
from execverify.utils.messages import count_phrase

if TYPE_CHECKING:
    from execverify.training.with_trl.probe import ProbeReport, RewardSignal


@click.command("probe")
@click.option("--preset", required=True, metavar="NAME", help="A preset's name, or a .toml file.")
@click.option(
    "-o", "--output", "out", metavar="DIR", help="The folder of a training: its model before white-box RL, and its rows."
)
@click.option("--model", metavar="M", help="This model (hub name or folder) instead of the training's.")
@click.option("--rows", metavar="FILE", help="These rows instead of the training's; a file, or a dataset's folder.")
@click.option("--rewards", metavar="A,B", help="Rewards by name.  [default: output_only,white_box,verified,step,bilevel]")
@click.option("--prompts", type=click.IntRange(1), help="Prompts a batch.  [default: those of an update]")
@click.option("--group", type=click.IntRange(2), help="Completions a prompt.  [default: the preset's]")
@click.option("--batches", default=8, show_default=True, type=click.IntRange(4), help="Batches to draw.")
@seed_option("Of prompts and completions.", TRAINER_SEED)
@click.option(
    "--memory",
    default=2.0,
    show_default=True,
    type=Finite(0, min_open=True),
    help="GiB for gradients; larger ones are projected.",
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="A setting of the preset.")
@click.option(
    "--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes that run programs."
)
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
def train_probe_command(
    preset: str,
    out: str | None,
    model: str | None,
    rows: str | None,
    rewards: str | None,
    prompts: int | None,
    group: int | None,
    batches: int,
    seed: int,
    memory: float,
    changes: tuple[str, ...],
    workers: int,
    as_json: bool,
) -> None:
    """Measure what white-box RL would have to work with: completions, variance, and signal to noise of each reward's gradient.

    Nothing is trained. Without --model and --rows it takes those of a training's folder after SFT.
    """
    from execverify.training.presets import load_preset
    from execverify.training.probe import check_sources, model_and_rows
    from execverify.training.with_trl.common import engine_or_error

    settings, folder = load_preset(preset, changes), Path(out) if out else None
    check_sources(settings, folder, model, rows)  # before the engine, whose import takes seconds
    engine_or_error()
    from execverify.training.with_trl.probe import PROBE_REWARDS, ProbeSettings, probe

    names = tuple(dict.fromkeys(name.strip() for name in rewards.split(",") if name.strip())) if rewards else PROBE_REWARDS
    wanted = ProbeSettings(names, prompts or 0, group or 0, batches, seed, memory, workers)
    found, from_rows = model_and_rows(settings, folder, model, rows, workers, note)
    report = probe(settings, found, from_rows, wanted, note)
    if as_json:
        echo_json(dataclasses.asdict(report))
    else:
        _print(report)


def _print(report: "ProbeReport") -> None:
    completions = report.batches * report.prompts * report.group
    stdout.print(
        Text(
            f"{report.model}: {count_phrase(report.batches, 'batch', 'batches')} of "
            f"{count_phrase(report.prompts, 'prompt')} x {report.group}, "
            f"{count_phrase(completions, 'completion')}"
        )
    )
    for line in _facts(report):
        stdout.print(Text(line))
    right = {"justify": "right", "no_wrap": True}
    table = Table("reward")
    for name in ("mean", "groups with variance", "signal / noise", "updates", "cosine"):
        table.add_column(name, **right)  # type: ignore[arg-type]
    table.add_column("")
    for reward in report.rewards:
        table.add_row(Text(reward.name), *_cells(reward), Text(reward.advice))
    stdout.print(table)
    stdout.print(
        Text(
            "signal / noise: of the gradient of one batch, with its standard error. updates: of this size, until their sum has as much "
            "signal as noise (two standard errors to each side; without a signal, the lower end). cosine: of the true gradient with that "
            "of SFT on true chains.",
            style="dim",
        )
    )


def _facts(report: "ProbeReport") -> list[str]:
    """The lines above the table."""
    k = report.pass_k
    kinds = ", ".join(f"{name} {share:.0%}" for name, share in [*report.divergences.items()][:6])
    guessed = "" if report.guessed is None else f"; right outputs by a wrong chain: {report.guessed:.1%}"
    held = "" if report.dimensions == report.weights else f", projected to {report.dimensions:,} dimensions"
    return [
        f"output right:      pass@1 {report.output_at_1:.1%}, pass@{k} {report.output_at_k:.1%}",
        f"whole chain true:  pass@1 {report.chain_at_1:.1%}, pass@{k} {report.chain_at_k:.1%}{guessed}",
        f"run described before the first divergence: {report.progress:.1%}; first divergences: {kinds or 'none'}",
        f"cut off at {report.max_completion_length} tokens: {report.cut_off:.1%} of completions; true chains that are longer: "
        f"{report.chains_too_long} of {report.chains}",
        f"gradients of {report.weights:,} weights{held}; updates of this size in the preset: {report.planned_updates:g}",
    ]


def _cells(reward: "RewardSignal") -> list[str]:
    signal = reward.signal
    low, high = reward.updates_range
    if reward.updates is None:
        updates = "-" if low is None else f"> {low}"
    else:
        updates = f"{reward.updates} ({low} to {'any' if high is None else high})"
    return [
        "" if reward.mean is None else f"{reward.mean:.3f}",
        "" if reward.groups_with_variance is None else f"{reward.groups_with_variance:.0%}",
        _with_error(signal.ratio, signal.error, 4),
        updates,
        _with_error(reward.cosine, reward.cosine_error, 2),
    ]


def _with_error(value: float | None, error: float | None, digits: int) -> str:
    if value is None:
        return "-"
    return f"{value:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")
