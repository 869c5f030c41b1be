"""The rows of a training. They are built once and divided, so that no stage trains on another's rows and evaluation uses none of them.

DIR/rows            the dataset, as `execverify dataset build` makes it
SFT                 the first `sft.rows` rows of the split "train", with chains of thought
white-box RL        the next `rl_whitebox.rows` rows of it, of the kinds `rl_whitebox.kinds`
evaluation          the first `evaluation.rows` rows of the split "test", whose programs have other structures
DIR/unseen, longer  out-of-distribution rows: of built-ins, and of levels, that training does not have
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from execverify.datasets.build_dir import read_manifest
from execverify.datasets.build_run import build
from execverify.datasets.code_problems import ImportReport, problem_rows
from execverify.datasets.config import DatasetConfig, levels_of
from execverify.datasets.rows_io import read_rows
from execverify.datasets.splits import Splits
from execverify.errors import RowError, TrainingError
from execverify.questions.rows import ROW_KINDS, Row
from execverify.questions.task import CODE_GENERATION
from execverify.reports.dataset import write_report
from execverify.training.checkpoints import Logger
from execverify.training.config import SYNTHESIZED, DataSettings, Preset
from execverify.utils.messages import count_phrase

TRAIN, TEST = "train", "test"
_HELD_OUT = "train=0.05,test=0.95"
_MORE = 1.02
"""More rows are built than needed: the shares of splits and kinds are random."""


@dataclass(frozen=True)
class Rows:
    """Where the rows of a training are.

    Attributes:
        folder: the dataset.
        sft: how many rows of its split "train" SFT takes.
        rl_whitebox: how many of the next ones white-box RL takes.
        held_out: how many of its split "test" are for evaluation.
    """

    folder: Path
    sft: int
    rl_whitebox: int
    held_out: int

    def of_sft(self) -> Iterator[Row]:
        """The rows of SFT."""
        return islice(_split(self.folder, TRAIN), self.sft)

    def of_stage1(self, kinds: Sequence[str]) -> Iterator[Row]:
        """The rows of white-box RL."""
        rows = islice(_split(self.folder, TRAIN), self.sft, None)
        return islice((row for row in rows if row["kind"] in kinds), self.rl_whitebox)

    def of_evaluation(self) -> Iterator[Row]:
        """The rows for evaluation, one of each program: several would count as more evidence than they are."""
        return islice(_one_of_each_program(_split(self.folder, TEST)), self.held_out)


def _split(folder: Path, name: str, coding: bool = False) -> Iterator[Row]:
    """The rows of a split that are about code generation, or all others."""
    for row in read_rows(str(folder)):
        if not isinstance(row["program"], dict) or row["kind"] not in ROW_KINDS:
            raise RowError(f"{folder}: the row {row.get('id')!r} has no kind that is known, or no program: make the rows again")
        if row.get("split", TRAIN) == name and (row["kind"] == CODE_GENERATION) == coding:
            yield row


def _one_of_each_program(rows: Iterator[Row]) -> Iterator[Row]:
    seen: set[tuple[str, str]] = set()
    for row in rows:
        key = (row["kind"], row["program"].get("source"))
        if key not in seen:
            seen.add(key)
            yield row


def _given(data: DataSettings, coding: bool = False) -> Path | None:
    """The folder of `data.from_folder`, where it has rows of code generation (`coding`), or of other kinds."""
    if not data.from_folder:
        return None
    manifest = read_manifest(Path(data.from_folder)) if Path(data.from_folder).is_dir() else None
    asked, recorded = (
        Path(data.prompt_template).name,
        ((manifest or {}).get("settings", {}).get("prompt_template") or {}).get("name"),
    )
    if recorded is not None and recorded != asked:
        raise TrainingError(
            f"{data.from_folder} has prompts by the template {recorded!r}, and what else is made here would have {asked!r}: set "
            f"data.prompt_template={recorded}"
        )
    found = any((row["kind"] == CODE_GENERATION) == coding for row in read_rows(data.from_folder))
    return Path(data.from_folder) if found else None


def prepared_rows(preset: Preset, out: Path, workers: int, say: Logger = print) -> Rows:
    """The rows of a preset, from the folder that it names; built where that has none, and are not there yet.

    `say` gets a line about which of these it is.

    Raises:
        DatasetError: they cannot be built or read.
        TrainingError: a given dataset has too few rows or rows of other kinds.
    """
    data, wanted = preset.data, preset.sft.rows + _wanted(preset)
    folder = _given(data)
    if folder is None:
        folder = make_folder(out) / "rows"
        shares = dict(Splits.parse(data.splits).shares)
        # evaluation takes one row of each program
        size = max(wanted / shares[TRAIN], preset.evaluation.rows * data.inputs_per_program / shares[TEST]) * _MORE + 64
        _build(folder, int(size), data.dataset_config(), workers, say)
    else:
        say(f"rows: from {folder}")
    rows = Rows(folder, preset.sft.rows, preset.rl_whitebox.rows, preset.evaluation.rows)
    _check(rows, preset)
    return rows


def counts(say: Logger, work: str, pause: float = 30.0) -> Callable[[str, int, int], None]:
    """A function that is called with what is counted, how many are done, and of how many; it says so at most once in `pause` seconds."""
    last = time.monotonic()

    def report(what: str, done: int, total: int) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= pause:
            last = now
            say(f"{work}: {what}: {done} of {total}")

    return report


def _build(folder: Path, size: int, recipe: DatasetConfig, workers: int, say: Logger) -> None:
    """Builds a dataset with its report, where it is not there yet."""
    is_there = read_manifest(folder) is not None
    say(f"{folder.name}: {count_phrase(size, 'row')} {'are in' if is_there else 'are being built in'} {folder}")
    report = counts(say, folder.name)
    build(
        folder,
        size,
        recipe,
        workers=workers,
        write_report=partial(write_report, workers=workers),
        progress=lambda rows, ready: report("built", rows, size),
    )


def check_given(preset: Preset) -> None:
    """Raises RowError or DatasetError where the rows that a training is given cannot be read, or are none."""
    folder = preset.data.from_folder
    if folder and next(read_rows(folder), None) is None:
        raise TrainingError(f"{folder} holds no rows to train on")


def make_folder(folder: Path) -> Path:
    """A folder, made where it is not there yet.

    Raises:
        TrainingError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{folder} cannot be made: {error.strerror}") from None
    return folder


def _wanted(preset: Preset) -> int:
    """Rows to build so that enough are of the kinds of white-box RL."""
    shares = {"white_box": 5 / 8, "input_prediction": 3 / 8}  # see `DatasetConfig`
    built = [shares[kind] for kind in preset.data.kinds]
    wanted = [shares[kind] for kind in preset.data.kinds if kind in preset.rl_whitebox.kinds]
    return int(preset.rl_whitebox.rows * sum(built) / sum(wanted)) if wanted else preset.rl_whitebox.rows


def _check(rows: Rows, preset: Preset) -> None:
    found = sum(1 for _ in rows.of_stage1(preset.rl_whitebox.kinds))
    sft = sum(1 for _ in rows.of_sft())
    held = sum(1 for _ in rows.of_evaluation())
    for name, have, want in (
        ("sft.rows", sft, rows.sft),
        ("rl_whitebox.rows", found, rows.rl_whitebox),
        ("evaluation.rows", held, rows.held_out),
    ):
        if want and have < min(want, 8):
            kinds = ", ".join(preset.rl_whitebox.kinds)
            raise TrainingError(
                f"{rows.folder} has {count_phrase(have, 'row')} for {name}, of {want} wanted (kinds: {kinds}): build more, or set less"
            )


@dataclass(frozen=True)
class TaskRows:
    """Where the code-generation rows of a training are.

    Attributes:
        folder: the synthesized dataset; None where none are wanted.
        sft: how many of its split "train" SFT takes.
        rl_unit_tests: how many of the next ones RL by unit tests takes.
        held_out: how many of its split "test" are for evaluation.
        source: a file or hub name to take the rows of RL by unit tests from instead.
        template: of the prompts of such rows.
        say: gets a line about that source's records.
    """

    folder: Path | None
    sft: int
    rl_unit_tests: int
    held_out: int
    source: str
    template: str
    say: Logger = print

    def of_sft(self) -> Iterator[Row]:
        """The rows that SFT learns with their solutions."""
        return islice(self._own(TRAIN), self.sft)

    def of_stage2(self) -> Iterator[Row]:
        """The rows of RL by unit tests."""
        if self.source == SYNTHESIZED:
            return islice(self._own(TRAIN), self.sft, self.sft + self.rl_unit_tests)
        if self.source.endswith((".parquet", ".jsonl")) and _are_rows(self.source):
            return islice(read_rows(self.source), self.rl_unit_tests)
        return self._of_problems()

    def of_evaluation(self) -> Iterator[Row]:
        """The rows for evaluation."""
        return islice(self._own(TEST), self.held_out)

    def _own(self, split: str) -> Iterator[Row]:
        return _split(self.folder, split, coding=True) if self.folder else iter(())

    def _of_problems(self) -> Iterator[Row]:
        account = ImportReport()
        yield from islice(problem_rows(self.source, account, template=self.template), self.rl_unit_tests)
        dropped = Counter(drop.reason for drop in account.drops)
        why = "".join(f"; {count} dropped: {reason}" for reason, count in dropped.most_common())
        self.say(
            f"rl_unit_tests: {count_phrase(account.rows.total(), 'row')} of {count_phrase(account.records, 'record')} of {self.source}{why}"
        )


def check_source(preset: Preset) -> None:
    """Raises TrainingError where the source of RL by unit tests gives no row; checked before the other stages run."""
    rl_unit_tests = preset.rl_unit_tests
    tasks = TaskRows(None, 0, 1, 0, rl_unit_tests.source, preset.data.prompt_template, say=lambda line: None)
    if next(iter(tasks.of_stage2()), None) is None:
        raise TrainingError(f"rl_unit_tests.source is {rl_unit_tests.source!r}, and it holds no rows of code generation")


def _are_rows(path: str) -> bool:
    """Whether a file holds rows of ours; else it is one of PRIME's."""
    try:
        next(read_rows(path), None)
    except RowError:
        return False
    return True


def prepared_tasks(preset: Preset, out: Path, workers: int, say: Logger = print) -> TaskRows:
    """The code-generation rows of a preset, from the folder that it names; built where that has none, and are not there yet.

    Raises:
        DatasetError: they cannot be built or read.
    """
    rl_unit_tests, data = preset.rl_unit_tests, preset.data
    synthesized = rl_unit_tests.rows if rl_unit_tests.source == SYNTHESIZED else 0
    train, test = preset.sft.tasks + synthesized, preset.evaluation.tasks
    folder = _given(data, coding=True) if train or test else None
    if folder is None and (train or test):
        folder = make_folder(out) / "tasks"
        shares = dict(Splits.parse(data.splits).shares)
        size = int(max(train / shares[TRAIN], test / shares[TEST]) * _MORE + 64)
        _build(folder, size, replace(data.dataset_config(), kinds=(CODE_GENERATION,), seed=data.seed + 2), workers, say)
    return TaskRows(folder, preset.sft.tasks, rl_unit_tests.rows, test, rl_unit_tests.source, data.prompt_template, say)


def out_of_distribution_rows(preset: Preset, out: Path, workers: int, say: Logger = print) -> dict[str, Path]:
    """Out-of-distribution rows: "unseen" (built-ins that training does not have) and "longer" (levels beyond), each a dataset's folder."""
    evaluation, data = preset.evaluation, preset.data
    size = int(evaluation.rows / 0.9) + 16
    found: dict[str, Path] = {}
    common: dict[str, Any] = {
        "seed": data.seed + 1,
        "kinds": data.kinds,
        "value_types": data.value_types,
        "max_integer": data.max_integer,
        "max_questions": data.max_questions,
        "prompt_template": data.prompt_template,
        "splits": Splits.parse(_HELD_OUT),
    }
    if evaluation.unseen_methods:
        recipe = DatasetConfig(levels=levels_of(data.levels), builtins=evaluation.unseen_methods, steps=data.max_steps, **common)
        found["unseen"] = out / "unseen"
        _build(found["unseen"], size, recipe, workers, say)
    if evaluation.longer_levels:
        recipe = DatasetConfig(levels=levels_of(evaluation.longer_levels), builtins=data.builtins, **common)
        found["longer"] = out / "longer"
        _build(found["longer"], size, recipe, workers, say)
    return found
