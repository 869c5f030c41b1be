"""Rollouts and updates of stage I beside TRL's own, in one run on one thread.

    execverify train sft --preset tiny -o runs/tiny
    python bench/rl_engine.py runs/tiny [STEPS] [name=value ...]

TRL's own path is its GRPOTrainer with `generate`, whose cache is static. Both have the same rows, loss, rewards and batches. The
learning rate is zero, so that all runs draw from the same model; a first step of each run is left out. Seconds are processor time of
the process, so that other work on the machine does not count. Tokens are those of completions up to their end, without padding. An
update covers all tokens of its rollout, also where it leaves out groups without variance.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from execverify.training.checkpoints import MODEL, read_log
from execverify.training.config import Preset
from execverify.training.pipeline import TrainingPipeline
from execverify.training.presets import load_preset
from execverify.training.with_trl import grpo
from execverify.training.with_trl.trainer import ExecVerifyGRPOTrainer

ARMS = ("trl", "ours", "ours", "trl")  # what drifts with time hits both alike
TIMED = {"_generate": "rollout", "_calculate_rewards": "reward", "training_step": "all"}


def timed(arm: str, told: Counter[str]) -> Any:
    """The trainer of an arm, which adds the seconds of its methods to a counter."""
    from trl import GRPOTrainer

    def method(name: str, base: Any) -> Any:
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            begun = time.process_time()
            found = getattr(base, name)(self, *args, **kwargs)
            if self.state.global_step:
                told[TIMED[name]] += time.process_time() - begun  # type: ignore[assignment]
            return found

        return run

    def init(self: Any, *args: Any, rollouts: str, dynamic_sampling: int, **kwargs: Any) -> None:
        GRPOTrainer.__init__(self, *args, **kwargs)

    base = ExecVerifyGRPOTrainer if arm == "ours" else GRPOTrainer
    own = {} if arm == "ours" else {"__init__": init, "rollout_seconds": 0.0}
    return type("Timed", (base,), {**own, **{name: method(name, base) for name in TIMED}})


def changed(preset: Preset, arm: str, steps: int) -> Preset:
    """The preset with so many steps that learn nothing."""
    preset = preset.with_settings("rl_whitebox", max_steps=steps, learning_rate=0.0, num_train_epochs=100.0)
    return preset.replace(save_steps=10_000, trl={**preset.trl, **({"cache_implementation": "static"} if arm == "trl" else {})})


def measured(preset: Preset, told: Counter[str], folder: Path) -> dict[str, float]:
    """Seconds and tokens of the steps after the first one, which warms up."""
    lines, rl = read_log(folder)[1:], preset.rl_whitebox
    tokens = sum(line["completions/mean_length"] for line in lines) * rl.prompts_per_rollout * rl.num_generations
    alike = sum(line["frac_reward_zero_std"] for line in lines)
    update = told["all"] - told["rollout"] - told["reward"]
    return {**told, "update": update, "tokens": tokens, "steps": len(lines), "alike": alike}


def main() -> None:
    """Trains four times and prints what each took."""
    import torch

    if len(sys.argv) < 2:
        sys.exit("give the folder of a warmed-up model: python bench/rl_engine.py runs/tiny [STEPS] [name=value ...]")
    torch.set_num_threads(1)
    trained, steps = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 4
    preset = load_preset("tiny", sys.argv[3:])
    base, rows = str(trained / "sft" / MODEL), list(TrainingPipeline(preset, trained, 1, lambda _: None).prompts("rl_whitebox"))
    found: dict[str, dict[str, float]] = {}
    for arm in ARMS:
        folder, told = Path(tempfile.mkdtemp(prefix="bench-rl-")) / arm, Counter[str]()
        setattr(grpo, "ExecVerifyGRPOTrainer", timed(arm, told))  # noqa: B010
        try:
            grpo.train_rl(changed(preset, arm, steps), "rl_whitebox", base, rows, folder, say=lambda _: None)
            run = measured(preset, told, folder)
        finally:
            shutil.rmtree(folder.parent)
        print(arm, {name: round(value, 2) for name, value in run.items()}, flush=True)
        found[arm] = {name: value + found.get(arm, {}).get(name, 0.0) for name, value in run.items()}
    for name in ("rollout", "update", "all"):
        speeds = {arm: run["tokens"] / run[name] for arm, run in found.items()}
        print(
            f"{name}: {speeds['ours']:,.0f} tokens/s, TRL's own {speeds['trl']:,.0f}: {speeds['ours'] / speeds['trl']:.2f} times"
        )
    for arm, run in found.items():
        print(
            f"{arm}: {run['all'] / run['steps']:.2f} s a step, reward {run['reward'] / run['all']:.2%} of it, "
            f"groups without variance {run['alike'] / run['steps']:.0%}"
        )


if __name__ == "__main__":
    main()
