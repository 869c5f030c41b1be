"""`train`: rows, chains, a base model, the stages one after another, and what each came to; any of it goes on where it stopped.

OUT/settings.json            all settings, as they were when it began
OUT/rows, held-out.parquet   the rows, divided as `data.py` says
OUT/chains.parquet           chains of thought for the warm-up
OUT/base                     the model that training starts from, where it had to be made
OUT/sft, stage1, stage2      the stages, see `checkpoints.py`; the model of each is in its folder `model`
OUT/evaluations              what was measured of each, see `measure.py`
OUT/report.md                the table
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify import __version__
from execverify.datasets.chains import ChainAccount, chain_rows
from execverify.errors import TrainingError
from execverify.questions.rows import Row
from execverify.training.base import base_model
from execverify.training.checkpoints import MODEL, Say, finished
from execverify.training.checks import check_machine
from execverify.training.data import Rows, prepared_rows
from execverify.training.engine import engine_or_error
from execverify.training.files import read_json, read_parquet, write_json, write_parquet
from execverify.training.measure import measure, measures_of
from execverify.training.preset import STAGES, Preset
from execverify.training.report import write_report

SETTINGS, CHAINS, MORE_CHAINS = "settings.json", "chains.parquet", "more-chains.parquet"
_TOKENIZER_ROWS = 4_000


@dataclass
class Training:
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
    say: Say = print
    evaluated: bool = True
    rows: Rows | None = field(default=None, init=False)

    def run(self, stages: Sequence[str], base: str | None = None) -> dict[str, Any]:
        """Runs stages in their order, each on the model of the one before.

        Args:
            stages: of `STAGES`.
            base: the model to start from; by default that of the last stage in the folder before them, or the preset's.

        Returns:
            What was measured of each model, by its name and the measure's.

        Raises:
            TrainingError: a folder of another training, a stage whose model before is not there, or a machine too small.
        """
        engine_or_error()
        check_machine(self.preset, self.out)
        self._claim()
        model = base or self._before(stages[0])
        found: dict[str, Any] = {}
        if self.evaluated:
            found[self._name_before(stages[0])] = self._measured(self._name_before(stages[0]), model)
        for stage in stages:
            model = self._trained(stage, model)
            if self.evaluated:
                found[stage] = self._measured(stage, model)
        if self.evaluated:
            write_report(self.out, self.preset)
        return found

    def _claim(self) -> None:
        """Writes the settings down; refuses a folder that was begun with others."""
        told = {"execverify": __version__, "preset": self.preset.as_json()}
        before = read_json(self.out / SETTINGS)
        if before is None:
            if self.out.exists() and any(self.out.iterdir()):
                raise TrainingError(f"{self.out} holds something else: name a new folder with --out")
            write_json(self.out / SETTINGS, told)
            return
        begun = [stage for stage in STAGES if (self.out / stage).exists()]
        free = tuple(f"{stage}." for stage in STAGES if stage not in begun)  # nothing was done by these yet
        changed = [name for name in sorted(_changed(before["preset"], told["preset"], "")) if not name.startswith(free)]
        if changed:
            names = ", ".join(changed[:5])
            raise TrainingError(f"{self.out} was begun with other settings ({names}): give the same ones, or another --out")
        write_json(self.out / SETTINGS, told)

    def _name_before(self, stage: str) -> str:
        at = STAGES.index(stage)
        done = [name for name in STAGES[:at] if finished(self.out / name)]
        return done[-1] if done else "base"

    def _before(self, stage: str) -> str:
        """The model that a stage starts from."""
        name = self._name_before(stage)
        if name != "base":
            return str(self.out / name / MODEL)
        if self.preset.model.base == "scratch" and stage != "sft":
            raise TrainingError(
                f"{stage} needs a model that was warmed up, and {self.out} has none: train sft first, or give --model"
            )
        return base_model(self.preset.model, self.texts(), self.preset.seed, self.out / "base")

    def prepared(self) -> Rows:
        if self.rows is None:
            self.say("rows: building")
            self.rows = prepared_rows(self.preset, self.out, self.workers)
        return self.rows

    def texts(self) -> Iterator[str]:
        """What a tokenizer learns from: prompts and chains."""
        for row, _ in zip(self.chains(), range(_TOKENIZER_ROWS), strict=False):
            for message in (*row["prompt"], *row["completion"]):
                yield message["content"]

    def chains(self) -> Iterator[dict[str, Any]]:
        """The rows of the warm-up; made where they are not there yet."""
        return self._told(CHAINS, self.prepared().of_sft() if not (self.out / CHAINS).exists() else ())

    def more_chains(self) -> Iterator[dict[str, Any]]:
        """Chains for the prompts of stage I: what more supervised training can learn from."""
        rows = () if (self.out / MORE_CHAINS).exists() else self.prepared().of_stage1(self.preset.stage1.kinds)
        return self._told(MORE_CHAINS, rows)

    def _told(self, name: str, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
        path, sft, account = self.out / name, self.preset.sft, ChainAccount()
        if not path.exists():
            self.say("chains: telling the runs")
            made = chain_rows(
                rows,
                voice=sft.voice,
                detail=sft.detail,
                budget=sft.budget or sft.max_tokens,
                seed=self.preset.data.seed,
                workers=self.workers,
                account=account,
            )
            write_parquet(path, made)
            self.say(f"chains: {sum(account.chains.values())} made, {len(account.left)} rows without one")
        return read_parquet(path)

    def _trained(self, stage: str, model: str) -> str:
        from execverify.training.grpo import train_rl
        from execverify.training.sft import train_sft

        out = self.out / stage
        if finished(out) is None:
            self.say(f"{stage}: training {model}")
        if stage == "sft":
            train_sft(self.preset, model, self.chains(), out, self.say)
        else:
            train_rl(self.preset, stage, model, self.prompts(stage), out, workers=self.workers, say=self.say)
        return str(out / MODEL)

    def prompts(self, stage: str) -> Iterable[dict[str, Any]]:
        if stage == "stage1":
            return self.prepared().of_stage1(self.preset.stage1.kinds)
        raise TrainingError("stage2 is not there yet")

    def _measured(self, name: str, model: str) -> Mapping[str, Mapping[str, Any]]:
        measures = measures_of(self.preset, self.prepared(), self.out, self.workers)
        return measure(model, measures, self.preset, self.out / "evaluations" / name, workers=self.workers, say=self.say)


def _changed(before: Any, now: Any, where: str) -> Iterator[str]:
    """Names of the settings that differ, but for those that change no result."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in before.keys() | now.keys():
            if where or name not in ("about", "needs", "report_to", "save_steps"):
                yield from _changed(before.get(name), now.get(name), f"{where}.{name}".lstrip("."))
    elif before != now:
        yield where
