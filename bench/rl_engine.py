"""Rollouts and updates of stage I beside TRL's own, in one run on one thread.

    execverify train sft --preset tiny -o runs/tiny
    python bench/rl_engine.py runs/tiny [STEPS] [name=value ...]

TRL's own path is its GRPOTrainer with `generate`, whose cache is static. Both have the same rows, loss, rewards and batches. The
learning rate is zero, so that all runs draw from the same model; a first step of each run is left out. Tokens are those of completions
up to their end, without padding. An update covers all tokens of its rollout, also where it leaves out groups without variance.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from training import total

from execverify.training.checkpoints import MODEL, ZERO_VARIANCE, read_log
from execverify.training.config import Preset
from execverify.training.pipeline import TrainingPipeline
from execverify.training.presets import load_preset
from execverify.training.with_trl import grpo, trainer

ARMS = ("trl", "ours", "ours", "trl")  # what drifts with time hits both alike
OURS = trainer.trainer_class


def trls_own() -> Any:
    """TRL's trainer, which also knows how long its rollouts took."""
    from trl import GRPOTrainer

    class Timed(GRPOTrainer):  # type: ignore[misc]
        rollout_seconds = 0.0

        def __init__(self, *args: Any, rollouts: str, dynamic_sampling: int, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            found = super()._generate(*args, **kwargs)
            self.rollout_seconds += time.perf_counter() - begun
            return found

    return Timed


def changed(preset: Preset, arm: str, steps: int) -> Preset:
    """The preset with so many steps that learn nothing."""
    preset = preset.with_settings("rl_whitebox", max_steps=steps, learning_rate=0.0, num_train_epochs=100.0)
    return preset.replace(save_steps=10_000, trl={**preset.trl, **({"cache_implementation": "static"} if arm == "trl" else {})})


def measured(preset: Preset, folder: Path) -> dict[str, float]:
    """Seconds and tokens of the steps after the first one, which warms up."""
    lines = read_log(folder)[1:]
    told = {name: total(lines, f"time/{name}") for name in ("rollout", "reward", "update")}
    count = preset.rl_whitebox.prompts_per_rollout * preset.rl_whitebox.num_generations
    told["tokens"] = sum(line["completions/mean_length"] * count for line in lines)
    alike = [line.get(ZERO_VARIANCE, line["frac_reward_zero_std"]) for line in lines]
    return {**told, "all": total(lines, "step_time"), "steps": len(lines), "alike": sum(alike) / len(alike)}


def main() -> None:
    """Trains four times and prints what each took."""
    import torch

    if len(sys.argv) < 2:
        sys.exit("give the folder of a warmed-up model: python bench/rl_engine.py runs/tiny [STEPS] [name=value ...]")
    torch.set_num_threads(1)
    trained, steps = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    preset = load_preset("tiny", sys.argv[3:])
    base, rows = str(trained / "sft" / MODEL), list(TrainingPipeline(preset, trained, 1, lambda _: None).prompts("rl_whitebox"))
    found: dict[str, dict[str, float]] = {}
    for arm in ARMS:
        folder = Path(tempfile.mkdtemp(prefix="bench-rl-")) / arm
        setattr(grpo, "trainer_class", trls_own if arm == "trl" else OURS)  # noqa: B010
        try:
            grpo.train_rl(changed(preset, arm, steps), "rl_whitebox", base, rows, folder, say=lambda _: None)
            told = measured(preset, folder)
        finally:
            shutil.rmtree(folder.parent)
        print(arm, {name: round(value, 2) for name, value in told.items()}, flush=True)
        found[arm] = {name: value + found.get(arm, {}).get(name, 0.0) for name, value in told.items()}
    for name in ("rollout", "update", "all"):
        speeds = {arm: run["tokens"] / run[name] for arm, run in found.items()}
        print(
            f"{name}: {speeds['ours']:,.0f} tokens/s, TRL's own {speeds['trl']:,.0f}: {speeds['ours'] / speeds['trl']:.2f} times"
        )
    for arm, run in found.items():
        print(f"{arm}: reward {run['reward'] / run['all']:.2%} of a step, groups without variance {run['alike'] / 2:.0%}")


if __name__ == "__main__":
    main()
