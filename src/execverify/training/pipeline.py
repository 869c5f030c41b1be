"""`train`: rows, chains, a base model, the stages one after another, and what each came to; any of it goes on where it stopped.

OUT/settings.json            all settings, as they were when it began
OUT/rows, held-out.parquet   the rows, divided as `data.py` says
OUT/chains.parquet           chains of thought for the warm-up
OUT/base                     the model that training starts from, where it had to be made
OUT/sft, rl_whitebox, rl_unit_tests      the stages, see `checkpoints.py`; the model of each is in its folder `model`
OUT/evaluations              what was measured of each, see `measure.py`
OUT/report.md                the table
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify import __version__
from execverify.datasets.cot_rows import CotReport, cot_rows
from execverify.errors import TrainingError
from execverify.questions.rows import Row, from_row
from execverify.reports.training import write_report
from execverify.training.base_model import base_model, base_model_path
from execverify.training.checkpoints import MODEL, Logger, check_base, finished, has_started, resumed_at
from execverify.training.config import STAGES, SYNTHESIZED, Preset
from execverify.training.data import Rows, TaskRows, check_given, check_source, prepared_rows, prepared_tasks
from execverify.training.distributed import is_first, wait_for_main
from execverify.training.files import read_parquet, write_parquet
from execverify.training.preflight import check_hardware, check_trainer_config
from execverify.training.run_dir import CHAINS, EXTRA_SFT_ROWS, lock_config
from execverify.training.stage_evaluation import StageEvaluation, measure, measures_of, read_evaluations
from execverify.training.with_trl.common import check_model, engine_or_error, silence_libraries
from execverify.training.with_verl.launch import trained_model
from execverify.utils.messages import count_phrase

_TOKENIZER_ROWS = 4_000
_SFT_COLUMNS = ("id", "kind", "prompt", "completion")


@dataclass
class TrainingPipeline:
    """One training in one folder.

    Args:
        preset: its settings.
        out: its folder.
        workers: processes that make rows and run programs.
        say: told what is being done.
        evaluated: whether models are measured before, between and after the stages.
    """

    preset: Preset
    out: Path
    workers: int = 1
    logger: Logger = print
    evaluated: bool = True
    rows: Rows | None = field(default=None, init=False)
    _tasks: TaskRows | None = field(default=None, init=False)

    def run(self, stages: Sequence[str], base: str | None = None) -> dict[str, Any]:
        """Runs stages in their order, each on the model of the one before.

        Args:
            stages: of `STAGES`.
            base: the model to start from; by default that of the last stage in the folder before them, or the preset's.

        Returns:
            What was measured of each model, by its name and the measure's.

        Raises:
            TrainingError: a folder of another training, a stage whose model before is not there or that was begun on another one,
                settings that the engine refuses or that need what is not installed, or a machine too small.
            ModelError: a model that cannot be had.
        """
        engine_or_error()
        silence_libraries()
        if not is_first():
            return self._run_worker_rank(stages, base)
        self._check(stages, base)
        self._claim()
        model = base or self._starting_model(stages[0])
        found: dict[str, Any] = {}
        if self.evaluated:
            found[self._name_before(stages[0])] = self._measured(self._name_before(stages[0]), model)
        for stage in stages:
            self._prepare(stage)
            wait_for_main(self.out, stage)
            model = self._trained(stage, model)
            if self.evaluated:
                found[stage] = self._measured(stage, model)
        if self.evaluated:
            self._write_report()
        return found

    def _write_report(self) -> None:
        """Writes OUT/report.md from what the folder has, whenever it was made."""
        evaluations = {name: read_evaluations(self.out / "evaluations" / name) for name in ("base", *STAGES)}
        stages = {stage: done for stage in STAGES if (done := finished(self.out / stage))}
        write_report(self.out, self.preset.description or "Training", evaluations, stages)

    def _run_worker_rank(self, stages: Sequence[str], base: str | None) -> dict[str, Any]:
        """What the other processes of several do: they train with the first one, once it has prepared a stage, and no more."""
        self.logger = lambda line: None
        check_trainer_config(
            self.preset, stages, self.out
        )  # the engine's settings bring all processes together: each must make them
        for stage in stages:
            wait_for_main(self.out, stage)
            base = self._trained(stage, base or self._starting_model(stage))
        return {}

    def _prepare(self, stage: str) -> None:
        """Makes what a stage trains on, so that other processes find it there."""
        next(iter(self.chains() if stage == "sft" else self.prompts(stage)), None)
        resumed_at(self.out / stage)

    def prepare_external(self, stage: str, base: str | None = None) -> str:
        """Claims the folder for a stage that another engine trains; returns the model that it starts from, by the same rule.

        Raises:
            TrainingError: a folder of another training, or a stage whose model before is not there.
        """
        self._starting_model_path(stage, base)
        self._claim()
        return base or self._starting_model(stage)

    def _check(self, stages: Sequence[str], base: str | None) -> None:
        """What can be found wrong before any work, and before the folder is claimed."""
        check_given(self.preset)
        check_hardware(self.preset, self.out)
        check_trainer_config(self.preset, stages, self.out)
        model = self._starting_model_path(stages[0], base)
        if model != str(self.out / "base"):  # which is made here
            check_model(model)
        for stage in stages:
            check_base(self.out / stage, model)
            model = str(self.out / stage / MODEL)
        if "rl_unit_tests" in stages and self.preset.rl_unit_tests.source != SYNTHESIZED:
            check_source(self.preset)

    def _claim(self) -> None:
        """Writes the settings down; refuses a folder that was begun with others."""
        made = [stage for stage in STAGES if has_started(self.out / stage)]
        made += [name for name in (CHAINS, EXTRA_SFT_ROWS) if (self.out / name).exists()]
        lock_config(self.out, {"execverify": __version__, "preset": self.preset.as_json()}, made)

    def _name_before(self, stage: str) -> str:
        at = STAGES.index(stage)
        done = [name for name in STAGES[:at] if finished(self.out / name)]
        return done[-1] if done else "base"

    def _starting_model_path(self, stage: str, base: str | None) -> str:
        """Where the model is, or will be, that a stage starts from."""
        if base:
            return base
        name = self._name_before(stage)
        if stage == "rl_unit_tests" and name != "rl_whitebox" and (self.out / "verl-rl_whitebox").is_dir():
            return str(trained_model(self.out / "verl-rl_whitebox"))
        if name != "base":
            return str(self.out / name / MODEL)
        if self.preset.model.base == "scratch" and stage != "sft":
            raise TrainingError(
                f"{stage} needs a model that was warmed up, and {self.out} has none: train sft first, or give --model"
            )
        return base_model_path(self.preset.model, self.out / "base")

    def _starting_model(self, stage: str) -> str:
        """The model that a stage starts from; made where it is not there yet."""
        start = self._starting_model_path(stage, None)
        if start != str(self.out / "base"):
            return start
        return base_model(self.preset.model, self.texts(), self.preset.seed, self.out / "base")

    def prepared(self) -> Rows:
        """The rows; built where they are not there yet."""
        if self.rows is None:
            self.logger("rows: building")
            self.rows = prepared_rows(self.preset, self.out, self.workers)
        return self.rows

    def tasks(self) -> TaskRows:
        """The code-generation rows; built where they are not there yet."""
        if self._tasks is None:
            self._tasks = prepared_tasks(self.preset, self.out, self.workers, self.logger)
        return self._tasks

    def measures(self) -> list[StageEvaluation]:
        """What is measured of every model."""
        return measures_of(self.preset, self.prepared(), self.tasks(), self.out, self.workers)

    def texts(self) -> Iterator[str]:
        """What a tokenizer learns from: prompts and chains."""
        for row, _ in zip(self.chains(), range(_TOKENIZER_ROWS), strict=False):
            for message in (*row["prompt"], *row["completion"]):
                yield message["content"]

    def chains(self) -> Iterator[dict[str, Any]]:
        """The rows of the warm-up, chains and solutions in a shuffled order; made where they are not there yet."""
        path = self.out / CHAINS
        if not path.exists():
            rows = [*self._with_cot(self.prepared().of_sft()), *map(_solution, self.tasks().of_sft())]
            random.Random(self.preset.data.seed).shuffle(rows)
            write_parquet(path, rows)
        return read_parquet(path)

    def extra_sft_rows(self) -> Iterator[dict[str, Any]]:
        """The rows of the warm-up once more, and chains for the prompts of stage I: what more supervised training can learn from."""
        path = self.out / EXTRA_SFT_ROWS
        if not path.exists():
            rows = [*self.chains(), *self._with_cot(self.prepared().of_stage1(self.preset.rl_whitebox.kinds))]
            random.Random(self.preset.data.seed + 1).shuffle(rows)
            write_parquet(path, rows)
        return read_parquet(path)

    def _with_cot(self, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
        """Rows with chains of thought."""
        sft, account = self.preset.sft, CotReport()
        self.logger("chains: telling the runs")
        yield from (
            {name: row[name] for name in _SFT_COLUMNS}
            for row in cot_rows(
                rows,
                style=sft.cot_style,
                detail_level=sft.cot_detail,
                max_tokens=sft.cot_max_tokens or sft.max_length,
                seed=self.preset.data.seed,
                workers=self.workers,
                account=account,
            )
        )
        self.logger(f"chains: {sum(account.chains.values())} made, {count_phrase(len(account.skipped), 'row')} without one")

    def _trained(self, stage: str, model: str) -> str:
        from execverify.training.with_trl.grpo import train_rl
        from execverify.training.with_trl.sft import train_sft

        out = self.out / stage
        if finished(out) is None:
            self.logger(f"{stage}: training {model}")
        if stage == "sft":
            train_sft(self.preset, model, self.chains(), out, self.logger)
        else:
            train_rl(self.preset, stage, model, self.prompts(stage), out, workers=self.workers, say=self.logger)
        return str(out / MODEL)

    def prompts(self, stage: str) -> Iterable[dict[str, Any]]:
        """The rows of a stage of RL."""
        if stage == "rl_whitebox":
            return self.prepared().of_stage1(self.preset.rl_whitebox.kinds)
        return self.tasks().of_stage2()

    def rows_for(self, stage: str) -> Iterator[Row]:
        """The rows of a stage of RL, then held-out ones as those of the split "validation": what another engine is given."""
        yield from self.prompts(stage)
        held = self.prepared().of_evaluation() if stage == "rl_whitebox" else self.tasks().of_evaluation()
        kinds = self.preset.stage(stage).kinds
        yield from ({**row, "split": "validation"} for row in held if row["kind"] in kinds)

    def _measured(self, name: str, model: str) -> Mapping[str, Mapping[str, Any]]:
        return measure(
            model, self.measures(), self.preset, self.out / "evaluations" / name, workers=self.workers, say=self.logger
        )


def _solution(row: Row) -> dict[str, Any]:
    """A code-generation row with its own program as the completion."""
    task = from_row(row)
    return {
        "id": task.id,
        "kind": task.kind,
        "prompt": [dict(message) for message in task.prompt],
        "completion": [{"role": "assistant", "content": task.gold}],
    }
