"""What rewards cost a step of stage I: the same rollouts with the white-box reward and with a constant one.

    execverify train sft --preset tiny -o runs/tiny
    python bench/training.py runs/tiny [STEPS] [name=value ...]

The learning rate is zero, so that all runs draw the same completions and only the reward differs; a first step of each run is
left out. The bare engine is TRL's trainer with the constant reward.
"""

import resource
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from execverify.training.checkpoints import MODEL, read_log
from execverify.training.config import Preset
from execverify.training.pipeline import TrainingPipeline
from execverify.training.presets import load_preset
from execverify.training.with_trl.grpo import train_rl

REWARDS = ("constant", "white_box", "white_box", "constant")  # what drifts with time hits both alike


def changed(preset: Preset, reward: str, steps: int) -> Preset:
    """The preset with so many steps of stage I, which learn nothing, for one reward."""
    changed = preset.with_settings("rl_whitebox", reward=reward, max_steps=steps, learning_rate=0.0, num_train_epochs=100.0)
    return changed.replace(save_steps=10_000)


def measured(folder: Path) -> dict[str, float]:
    """Seconds and tokens of the steps after the first one, which warms up."""
    first, *lines = read_log(folder)
    told = {name: total(lines, f"time/{name}") for name in ("rollout", "reward", "update")}
    return {**told, "all": total(lines, "step_time"), "tokens": lines[-1]["num_tokens"] - first["num_tokens"]}


def total(lines: Iterable[dict[str, Any]], name: str) -> float:
    """The sum of a figure; steps without a rollout lack some."""
    return float(sum(line.get(name, 0.0) for line in lines))


def main() -> None:
    """Trains four times and prints what each took."""
    if len(sys.argv) < 2:
        sys.exit("give the folder of a warmed-up model: python bench/training.py runs/tiny [STEPS] [name=value ...]")
    trained = Path(sys.argv[1])
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    preset = load_preset("tiny", sys.argv[3:])
    base, rows = str(trained / "sft" / MODEL), list(TrainingPipeline(preset, trained, 1, lambda _: None).prompts("rl_whitebox"))
    found: dict[str, list[dict[str, float]]] = {}
    for at, reward in enumerate(REWARDS):
        folder = Path(tempfile.mkdtemp(prefix="bench-training-")) / str(at)
        try:
            train_rl(changed(preset, reward, steps), "rl_whitebox", base, rows, folder, say=lambda _: None)
            told = measured(folder)
        finally:
            shutil.rmtree(folder.parent)
        found.setdefault(reward, []).append(told)
        print(reward, {name: round(value, 2) for name, value in told.items()}, flush=True)
    bare, ours = ({name: sum(run[name] for run in found[one]) for name in found[one][0]} for one in ("constant", "white_box"))
    print(f"reward: {100 * ours['reward'] / ours['all']:.2f}% of a step of stage I")
    for name in ("rollout", "update"):
        print(f"{name}: {ours['tokens'] / ours[name]:,.0f} tokens/s, {bare[name] / ours[name]:.3f} of the bare engine's")
    own, others = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"memory: {own:.0f} MiB at most, the largest sandbox process {others:.0f} MiB")


if __name__ == "__main__":
    main()
