"""`execverify ablate`: train and evaluate every condition for every seed. What is done is not done again.

OUT/settings.json         preset, versions, hardware
OUT/shared                rows, chains of thought and held-out rows, the same for all conditions and seeds
OUT/seed-N/base           initial weights of a model from scratch, drawn by the seed
OUT/seed-N/CONDITION      the condition's stage, see `training/checkpoints.py`
OUT/seed-N/evaluations    the evaluations of each condition
OUT/results.json, table.md, report.html, curves.svg, levels.svg
"""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from execverify import __version__
from execverify.errors import TrainingError
from execverify.reports.ablation import write_pages
from execverify.training.ablation.conditions import (
    AS_LONG_AS_RL,
    CONDITIONS,
    EXTENDED_SFT,
    WHITE_BOX,
    Condition,
    select_conditions,
)
from execverify.training.ablation.rollouts import rollout_comparisons
from execverify.training.ablation.summary import summary
from execverify.training.base_model import base_model, base_model_path
from execverify.training.checkpoints import MODEL, STAGE, Logger, finished, has_started, read_log
from execverify.training.config import MAX_SEED, STAGES, Preset
from execverify.training.distributed import world_size
from execverify.training.pipeline import TrainingPipeline
from execverify.training.preflight import check_hardware, check_trainer_config
from execverify.training.run_dir import CHAINS, EXTRA_SFT_ROWS, SETTINGS, lock_config, read_json, write_json
from execverify.training.stage_evaluation import HELD_OUT, StageEvaluation, measure
from execverify.training.with_trl.common import check_model, engine_or_error, silence_libraries
from execverify.utils.messages import count_phrase

RESULTS = "results.json"
_SAMPLES = 4
_PACKAGES = ("torch", "transformers", "trl", "datasets", "accelerate")


@dataclass
class Ablation:
    """One ablation in one folder.

    Args:
        preset: its settings; the seed is replaced by each of `seeds`.
        seeds: of initial weights, order of rows, and rollouts. The rows themselves are the same for all.
        conditions: names; empty means all.
        out: its folder.
        workers: processes that make rows and run programs.
        logger: gets a line about each update.
    """

    preset: Preset
    seeds: Sequence[int]
    conditions: Sequence[str]
    out: Path
    workers: int = 1
    logger: Logger = print

    def run(self) -> dict[str, Any]:
        """Trains and evaluates what is not done yet; returns what `results.json` holds.

        Raises:
            TrainingError: no seeds, an unknown condition, a folder of another ablation, several processes, or a machine too small.
        """
        engine_or_error()
        silence_libraries()
        if world_size() > 1:
            raise TrainingError("an ablation is one process: give the command without accelerate or torchrun")
        if not self.seeds:
            raise TrainingError("no seed is named: give --seeds 1 or more")
        if not 0 <= min(self.seeds) <= max(self.seeds) <= MAX_SEED:
            raise TrainingError(f"seeds are {min(self.seeds)} to {max(self.seeds)}: they must lie between 0 and {MAX_SEED}")
        conditions = select_conditions(self.conditions, self.preset.rl_unit_tests.rows > 0)
        check_hardware(self.preset, self.out)
        check_trainer_config(self.preset, [stage for stage in STAGES if any(one.stage == stage for one in conditions)], self.out)
        if (base := base_model_path(self.preset.model, self.out)) != str(self.out):
            check_model(base)
        self._lock_config()
        shared = TrainingPipeline(self.preset, self.out / "shared", self.workers, self.logger)
        for seed in self.seeds:
            self._run_seed(self.preset.replace(seed=seed), conditions, self.out / f"seed-{seed}", shared)
        return self._write_results()

    def _lock_config(self) -> None:
        """Writes the settings; refuses a folder that was begun with others. Seeds and conditions may be added."""
        preset = {**self.preset.as_json(), "seed": None}
        made = {
            one.stage for one in CONDITIONS for folder in self.out.glob(f"seed-*/{one.name}") if one.stage and has_started(folder)
        }
        made |= {name for name in (CHAINS, EXTRA_SFT_ROWS) if (self.out / "shared" / name).exists()}
        before, here = read_json(self.out / SETTINGS), environment_info()
        others = before.get("with", []) if isinstance(before, dict) else []  # the ablation may have been begun elsewhere
        lock_config(self.out, {"preset": preset, "with": others if here in others else [*others, here]}, made)

    def _run_seed(self, preset: Preset, conditions: Sequence[Condition], folder: Path, shared: TrainingPipeline) -> None:
        models: dict[str, str] = {}
        for condition in conditions:
            name = condition.name
            self.logger(f"seed {preset.seed}: {name}")
            if condition.starts_from is None:
                models[name] = base_model(preset.model, shared.texts(), preset.seed, folder / "base")
            else:
                self._train(condition, preset, models[condition.starts_from], folder, shared)
                models[name] = str(folder / name / MODEL)
            measures = [one for greedy in shared.measures() for one in (greedy, *_sampled(greedy))]
            measure(models[name], measures, preset, folder / "evaluations" / name, workers=self.workers, say=self.logger)

    def _train(self, condition: Condition, preset: Preset, model: str, folder: Path, shared: TrainingPipeline) -> None:
        from execverify.training.with_trl.grpo import train_rl
        from execverify.training.with_trl.sft import train_sft

        out, stage = folder / condition.name, condition.stage
        if condition.name in AS_LONG_AS_RL:
            preset = preset.with_settings("sft", max_steps=_steps_in_time_of(folder, WHITE_BOX))
            rows = shared.extra_sft_rows() if condition.name == EXTENDED_SFT else shared.chains()
            train_sft(preset, model, rows, out, self.logger)
        elif stage == "sft":
            train_sft(preset, model, shared.chains(), out, self.logger)
        elif stage is not None:
            if condition.reward is not None:
                preset = preset.with_settings(stage, reward=condition.reward, curriculum=condition.curriculum)
            train_rl(preset, stage, model, shared.prompts(stage), out, workers=self.workers, say=self.logger)

    def _write_results(self) -> dict[str, Any]:
        """Writes results, table, page and plots of all conditions and seeds that the folder has, whichever command ran them."""
        seeds = sorted(int(path.name.removeprefix("seed-")) for path in self.out.glob("seed-*") if path.is_dir())
        conditions = [
            one for one in CONDITIONS if any((self.out / f"seed-{seed}" / "evaluations" / one.name).is_dir() for seed in seeds)
        ]
        logs = {
            one.name: [read_log(self.out / f"seed-{seed}" / one.name) for seed in seeds]
            for one in conditions
            if one.stage in ("rl_whitebox", "rl_unit_tests")
        }
        results = {
            "settings": read_json(self.out / SETTINGS),
            "seeds": seeds,
            "stages": {
                one.name: [read_json(self.out / f"seed-{seed}" / one.name / STAGE) for seed in seeds]
                for one in conditions
                if one.stage
            },
            **summary(self.out, [one.name for one in conditions], seeds),
        }
        results["rollouts"] = rollout_comparisons(logs, seeds)
        write_json(self.out / RESULTS, results)
        write_pages(self.out, results, {one.name: one.description for one in conditions}, logs)
        return results


def _sampled(greedy: StageEvaluation) -> list[StageEvaluation]:
    """The evaluations of held-out rows by sampled completions; all others are greedy only."""
    return [greedy.sampled(_SAMPLES)] if greedy.name == HELD_OUT else []


def _steps_in_time_of(folder: Path, condition: str) -> int:
    """Optimizer steps that SFT makes in the time that a condition took."""
    ours, other = finished(folder / "sft"), finished(folder / condition)
    if ours is None or other is None:
        raise TrainingError(f"{folder} has no finished sft and {condition}: run them first")
    seconds = other["seconds"] + other.get("screening_seconds", 0.0)
    return max(1, int(seconds / ours["seconds"] * ours["steps"]))


def environment_info() -> dict[str, Any]:
    """Versions of the libraries, and the hardware."""
    import torch

    found: dict[str, Any] = {"execverify": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    found["devices"] = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] or [
        f"{count_phrase(torch.get_num_threads(), 'thread')} of the processor"
    ]
    return found
