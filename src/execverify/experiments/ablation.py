"""`experiment ablation`: every arm for every seed, one after another; what is done is not done again.

OUT/settings.json         preset, versions, hardware
OUT/shared                rows, chains of thought and held-out rows, the same for all arms and seeds
OUT/seed-N/base           initial weights of a model from scratch, drawn by the seed
OUT/seed-N/ARM            the arm's stage, see `training/checkpoints.py`
OUT/seed-N/evaluations    what was measured of each arm
OUT/results.json, table.md, curves.svg, levels.svg
"""

import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from execverify import __version__
from execverify.errors import TrainingError
from execverify.experiments.arms import ARMS, EXTENDED_SFT, Condition, chosen_arms
from execverify.experiments.figures import summary
from execverify.reports.ablation import write_pages
from execverify.training.base_model import base_model, base_model_path
from execverify.training.checkpoints import MODEL, STAGE, Logger, finished, has_started, read_log
from execverify.training.config import MOST_SEED, STAGES, Preset
from execverify.training.distributed import world_size
from execverify.training.files import read_json, write_json
from execverify.training.pipeline import TrainingPipeline
from execverify.training.preflight import check_hardware, check_trainer_config
from execverify.training.run_dir import CHAINS, EXTRA_SFT_ROWS, SETTINGS, lock_config
from execverify.training.stage_evaluation import HELD_OUT, StageEvaluation, measure
from execverify.training.with_trl.common import check_model, engine_or_error, silence_libraries

RESULTS = "results.json"
_SAMPLES = 4
_PACKAGES = ("torch", "transformers", "trl", "datasets", "accelerate")


@dataclass
class Ablation:
    """One ablation in one folder.

    Args:
        preset: its settings; the seed is replaced by each of `seeds`.
        seeds: of initial weights, order of rows, and rollouts. The rows themselves are the same for all.
        arms: names; none means all.
        out: its folder.
        workers: processes that make rows and run programs.
        say: told what is being done.
    """

    preset: Preset
    seeds: Sequence[int]
    arms: Sequence[str]
    out: Path
    workers: int = 1
    say: Logger = print

    def run(self) -> dict[str, Any]:
        """Runs what is not done yet; returns what `results.json` holds.

        Raises:
            TrainingError: no seeds, an unknown arm, a folder of another experiment, several processes, or a machine too small.
        """
        engine_or_error()
        silence_libraries()
        if world_size() > 1:
            raise TrainingError("an experiment is one process: give the command without accelerate or torchrun")
        if not self.seeds:
            raise TrainingError("no seed is named: give --seeds 1 or more")
        if not 0 <= min(self.seeds) <= max(self.seeds) <= MOST_SEED:
            raise TrainingError(f"seeds are {min(self.seeds)} to {max(self.seeds)}: they must lie between 0 and {MOST_SEED}")
        arms = chosen_arms(self.arms, self.preset.rl_unit_tests.rows > 0)
        check_hardware(self.preset, self.out)
        check_trainer_config(self.preset, [stage for stage in STAGES if any(arm.stage == stage for arm in arms)], self.out)
        if (base := base_model_path(self.preset.model, self.out)) != str(self.out):
            check_model(base)
        self._claim()
        shared = TrainingPipeline(self.preset, self.out / "shared", self.workers, self.say)
        for seed in self.seeds:
            self._seed(replace(self.preset, seed=seed), arms, self.out / f"seed-{seed}", shared)
        return self._written()

    def _claim(self) -> None:
        """Writes the settings down; refuses a folder that was begun with others. Seeds and arms may be added."""
        told = {**self.preset.as_json(), "seed": None}
        made = {arm.stage for arm in ARMS for folder in self.out.glob(f"seed-*/{arm.name}") if arm.stage and has_started(folder)}
        made |= {name for name in (CHAINS, EXTRA_SFT_ROWS) if (self.out / "shared" / name).exists()}
        before, where = read_json(self.out / SETTINGS), _surroundings()
        others = before.get("with", []) if isinstance(before, dict) else []  # the experiment may have been begun elsewhere
        lock_config(self.out, {"preset": told, "with": others if where in others else [*others, where]}, made)

    def _seed(self, preset: Preset, arms: Sequence[Condition], folder: Path, shared: TrainingPipeline) -> None:
        models: dict[str, str] = {}
        for arm in arms:
            self.say(f"seed {preset.seed}: {arm.name}")
            if arm.after is None:
                models[arm.name] = base_model(preset.model, shared.texts(), preset.seed, folder / "base")
            else:
                self._trained(arm, preset, models[arm.after], folder, shared)
                models[arm.name] = str(folder / arm.name / MODEL)
            measures = [one for greedy in shared.measures() for one in (greedy, *_sampled(greedy))]
            measure(models[arm.name], measures, preset, folder / "evaluations" / arm.name, workers=self.workers, say=self.say)

    def _trained(self, arm: Condition, preset: Preset, model: str, folder: Path, shared: TrainingPipeline) -> None:
        from execverify.training.with_trl.grpo import train_rl
        from execverify.training.with_trl.sft import train_sft

        if arm.stage == "sft":
            settings, chains = preset.sft, shared.chains()
            if arm.name == EXTENDED_SFT:
                settings = replace(settings, max_steps=_steps_for(folder, "white-box"))
                chains = shared.extra_sft_rows()
            train_sft(replace(preset, sft=settings), model, chains, folder / arm.name, self.say)
            return
        assert arm.stage is not None
        changed = preset if arm.reward is None else preset.rewarded(arm.stage, arm.reward)
        train_rl(changed, arm.stage, model, shared.prompts(arm.stage), folder / arm.name, workers=self.workers, say=self.say)

    def _written(self) -> dict[str, Any]:
        """Results, table and plots of all arms and seeds that the folder has, whoever ran them."""
        seeds = sorted(int(path.name.removeprefix("seed-")) for path in self.out.glob("seed-*") if path.is_dir())
        arms = [arm for arm in ARMS if any((self.out / f"seed-{seed}" / "evaluations" / arm.name).is_dir() for seed in seeds)]
        results = {
            "settings": read_json(self.out / SETTINGS),
            "seeds": seeds,
            "stages": {
                arm.name: [read_json(self.out / f"seed-{seed}" / arm.name / STAGE) for seed in seeds] for arm in arms if arm.stage
            },
            **summary(self.out, [arm.name for arm in arms], seeds),
        }
        write_json(self.out / RESULTS, results)
        logs = {
            arm.name: [read_log(self.out / f"seed-{seed}" / arm.name) for seed in seeds]
            for arm in arms
            if arm.stage in ("rl_whitebox", "rl_unit_tests")
        }
        write_pages(self.out, results, {arm.name: arm.what for arm in arms}, logs)
        return results


def _sampled(greedy: StageEvaluation) -> list[StageEvaluation]:
    """Held-out rows are answered greedily and by drawn completions; all else greedily only."""
    return [greedy.sampled(_SAMPLES)] if greedy.name == HELD_OUT else []


def _steps_for(folder: Path, arm: str) -> int:
    """Optimizer steps that SFT makes in the time that an arm took."""
    ours, other = finished(folder / "sft"), finished(folder / arm)
    if ours is None or other is None:
        raise TrainingError(f"{folder} has no finished sft and {arm}: run them first")
    seconds = other["seconds"] + other.get("screening_seconds", 0.0)
    return max(1, int(seconds / ours["seconds"] * ours["steps"]))


def _surroundings() -> dict[str, Any]:
    """Versions and hardware."""
    import torch

    found: dict[str, Any] = {"execverify": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    found["devices"] = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] or [
        f"{torch.get_num_threads()} threads of the processor"
    ]
    return found
