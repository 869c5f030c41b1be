"""`execverify train`: rows, chains of thought, a base model, the stages one after another, and their evaluations. All of it resumes.

OUT/settings.json            all settings
OUT/rows, held-out.parquet   the rows, divided by `data.py`
OUT/chains.parquet           the rows of SFT: chains of thought, and solutions of code tasks
OUT/base                     the model that training starts from, where it had to be made
OUT/sft, rl_whitebox, rl_unit_tests      the stages, see `checkpoints.py`; the model of each is in its folder `model`
OUT/evaluations              the evaluations of each model, see `stage_evaluation.py`
OUT/report.md, report.html   the table, and a page with curves and links to the evaluations
"""

import logging
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify import __version__
from execverify.datasets.cot_rows import CotReport, cot_rows, parquet_columns
from execverify.datasets.rows_io import read_parquet, write_rows
from execverify.errors import TrainingError
from execverify.questions.rows import Row, from_row
from execverify.reports.training import write_report
from execverify.reports.training_page import Training
from execverify.training.base_model import base_model, base_model_path
from execverify.training.checkpoints import MODEL, Logger, check_base, finished, has_started, read_log, resumed_at
from execverify.training.config import STAGES, SYNTHESIZED, Preset
from execverify.training.data import Rows, TaskRows, check_given, check_source, prepared_rows, prepared_tasks
from execverify.training.distributed import is_first, wait_for_main
from execverify.training.preflight import check_hardware, check_trainer_config
from execverify.training.run_dir import CHAINS, EXTRA_SFT_ROWS, lock_config
from execverify.training.stage_evaluation import StageEvaluation, measure, measures_of, read_evaluations
from execverify.training.with_trl.common import check_model, engine_or_error, silence_libraries
from execverify.training.with_verl.launch import trained_model
from execverify.utils.messages import count_phrase

_log = logging.getLogger(__name__)

_TOKENIZER_ROWS = 4_000
_SFT_COLUMNS = ("id", "kind", "prompt", "completion")


@dataclass
class TrainingPipeline:
    """One training in one folder.

    Args:
        preset: its settings.
        out: its folder.
        workers: processes that make rows and run programs.
        logger: gets a line about each update.
        evaluated: whether models are evaluated before, between and after the stages.
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
            The results of each model, by its name and the evaluation's.

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
        self._lock_config()
        _log.info("%s: stages %s, settings %s", self.out, ", ".join(stages), self.preset)
        model = base or self.starting_model(stages[0])
        found: dict[str, Any] = {}
        if self.evaluated:
            found[self._name_before(stages[0])] = self._measured(self._name_before(stages[0]), model)
        for stage in stages:
            self._prepare(stage)
            wait_for_main(self.out, stage)
            model = self._trained(stage, model)
            if self.evaluated:
                found[stage] = self._measured(stage, model)
                self._write_report()  # after each stage: the next one may take hours
        return found

    def _write_report(self) -> None:
        """Writes the table and the page from what the folder has, whenever it was made."""
        done = {stage: recorded for stage in STAGES if (recorded := finished(self.out / stage))}
        write_report(
            Training(
                self.out,
                self.preset.description[:1].upper() + self.preset.description[1:] or "Training",
                {name: read_evaluations(self.out / "evaluations" / name) for name in ("base", *STAGES)},
                done,
                {stage: read_log(self.out / stage) for stage in done},
                self.preset.as_json(),
            )
        )

    def _run_worker_rank(self, stages: Sequence[str], base: str | None) -> dict[str, Any]:
        """What processes other than the first do: they train with it, once it has prepared a stage."""
        self.logger = lambda line: None
        check_trainer_config(
            self.preset, stages, self.out
        )  # the engine's settings bring all processes together: each must make them
        for stage in stages:
            wait_for_main(self.out, stage)
            base = self._trained(stage, base or self.starting_model(stage))
        return {}

    def _prepare(self, stage: str) -> None:
        """Makes what a stage trains on, so that other processes find it there."""
        next(iter(self.chains() if stage == "sft" else self.prompts(stage)), None)
        resumed_at(self.out / stage)

    def prepare_external(self, stage: str, base: str | None = None) -> str:
        """Locks the folder's settings for a stage that another trainer runs; returns the model that it starts from, by the same rule.

        Raises:
            TrainingError: a folder of another training, or a stage whose model before is not there.
        """
        self._starting_model_path(stage, base)
        self._lock_config()
        return base or self.starting_model(stage)

    def _check(self, stages: Sequence[str], base: str | None) -> None:
        """Finds mistakes before any work, and before anything is written."""
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

    def _lock_config(self) -> None:
        """Writes the settings; refuses a folder that was begun with others."""
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
            raise TrainingError(f"{stage} needs a model after SFT, and {self.out} has none: train sft first, or give --model")
        return base_model_path(self.preset.model, self.out / "base")

    def starting_model(self, stage: str) -> str:
        """The model that a stage starts from; made where it is not there yet.

        Raises:
            TrainingError: the model of the stage before is not there.
        """
        start = self._starting_model_path(stage, None)
        if start != str(self.out / "base"):
            return start
        return base_model(self.preset.model, self.texts(), self.preset.seed, self.out / "base")

    def prepared(self) -> Rows:
        """The rows; built where they are not there yet."""
        if self.rows is None:
            self.rows = prepared_rows(self.preset, self.out, self.workers, self.logger)
        return self.rows

    def tasks(self) -> TaskRows:
        """The code-generation rows; built where they are not there yet."""
        if self._tasks is None:
            self._tasks = prepared_tasks(self.preset, self.out, self.workers, self.logger)
        return self._tasks

    def measures(self) -> list[StageEvaluation]:
        """The evaluations of every model."""
        return measures_of(self.preset, self.prepared(), self.tasks(), self.out, self.workers, self.logger)

    def texts(self) -> Iterator[str]:
        """What a tokenizer learns from: prompts and chains."""
        for row, _ in zip(self.chains(), range(_TOKENIZER_ROWS), strict=False):
            for message in (*row["prompt"], *row["completion"]):
                yield message["content"]

    def chains(self) -> Iterator[dict[str, Any]]:
        """The rows of SFT, chains of thought and solutions in a shuffled order; made where they are not there yet."""
        path = self.out / CHAINS
        if not path.exists():
            rows = [*self._with_cot(self.prepared().of_sft()), *map(_solution, self.tasks().of_sft())]
            _write_sft_rows(path, rows, self.preset.data.seed)
        return _read_sft_rows(path)

    def extra_sft_rows(self) -> Iterator[dict[str, Any]]:
        """The rows of SFT again, and chains of thought for the prompts of white-box RL: the rows of extended SFT."""
        path = self.out / EXTRA_SFT_ROWS
        if not path.exists():
            rows = [*self.chains(), *self._with_cot(self.prepared().of_stage1(self.preset.rl_whitebox.kinds))]
            _write_sft_rows(path, rows, self.preset.data.seed + 1)
        return _read_sft_rows(path)

    def _with_cot(self, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
        """Rows with chains of thought."""
        sft, account = self.preset.sft, CotReport()
        self.logger("chains of thought: rendering the traces")
        yield from cot_rows(
            rows,
            style=sft.cot_style,
            detail_level=sft.cot_detail,
            max_tokens=sft.cot_max_tokens or sft.max_length,
            seed=self.preset.data.seed,
            workers=self.workers,
            account=account,
        )
        self.logger(
            f"chains of thought: {sum(account.chains.values())} made, {count_phrase(len(account.skipped), 'row')} without one"
        )

    def _trained(self, stage: str, model: str) -> str:
        from execverify.training.with_trl.grpo import train_rl
        from execverify.training.with_trl.sft import train_sft

        out = self.out / stage
        done = finished(out)
        self.logger(
            f"{stage}: training {model}" if done is None else f"{stage}: done before, {count_phrase(done['steps'], 'update')}"
        )
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
        """The rows of a stage of RL, then held-out ones as the split "validation": what another trainer gets."""
        yield from self.prompts(stage)
        held = self.prepared().of_evaluation() if stage == "rl_whitebox" else self.tasks().of_evaluation()
        kinds = self.preset.stage(stage).kinds
        yield from ({**row, "split": "validation"} for row in held if row["kind"] in kinds)

    def _measured(self, name: str, model: str) -> Mapping[str, Mapping[str, Any]]:
        return measure(
            model, self.measures(), self.preset, self.out / "evaluations" / name, workers=self.workers, say=self.logger
        )


def _write_sft_rows(path: Path, rows: list[dict[str, Any]], seed: int) -> None:
    """Writes the rows of SFT as Parquet in a shuffled order, with the columns that it reads.

    Raises:
        TrainingError: there are no rows.
        RowError: the file cannot be written.
    """
    if not rows:
        raise TrainingError(f"{path.name}: there are no rows to write")
    random.Random(seed).shuffle(rows)
    path.parent.mkdir(parents=True, exist_ok=True)  # rows of another folder leave none here
    write_rows(str(path), rows, lambda pa: pa.schema([parquet_columns(pa).field(name) for name in _SFT_COLUMNS]))


def _read_sft_rows(path: Path) -> Iterator[dict[str, Any]]:
    return (row for _, row in read_parquet(str(path)))


def _solution(row: Row) -> dict[str, Any]:
    """A code-generation row with its own program as the completion."""
    task = from_row(row)
    return {
        "id": task.id,
        "kind": task.kind,
        "prompt": [dict(message) for message in task.prompt],
        "completion": [{"role": "assistant", "content": task.gold}],
    }
