"""How hard rows are for a model: how many of its samples are right, by our verifier; and which facts about a program predict that.

A sample is right where the output or the arguments are right, whatever the answers to the questions (the paper's filter), and for
code where all unit tests pass.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from execverify.errors import DatasetError
from execverify.generation.funnel import ANSWERED, ASKED, HARD
from execverify.generation.rows import Record, rejected
from execverify.models.model import Sampling
from execverify.questions.task import CODE_GENERATION, Task
from execverify.rewards.code.unit_tests import task_from_row
from execverify.rewards.parts import Score
from execverify.rewards.score import score_many
from execverify.sandbox.result import Limits
from execverify.tracing.trace import Trace, trace_many
from execverify.utils.messages import count_phrase

JUDGED = "judged"
DIFFICULTY_STAGES = (ASKED, ANSWERED, JUDGED, HARD)
"""Stages of a row whose difficulty is measured."""

PREDICTORS = {
    "steps": "steps of the run",
    "branches": "statements that decide what runs next",
    "depth": "how deeply these are nested",
    "value_size": "characters of the longest value in the run",
    "result_size": "characters of the result",
    "string_share": "share of the values in the run that are texts",
}
"""Facts about a program and its run that need no model."""


@dataclass(frozen=True)
class DifficultyConfig:
    """How difficulty is measured. The defaults are the paper's.

    Attributes:
        samples: completions of each row.
        keep: least and greatest number of right samples of a row that is kept; None keeps every row.
        temperature, top_p, max_tokens: how completions are drawn.
        seed: of the samples.

    Raises:
        DatasetError: a number out of range.
    """

    samples: int = 10
    keep: tuple[int, int] | None = None
    temperature: float = 1.0
    top_p: float = 0.9
    max_tokens: int = 4096
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise DatasetError(f"--samples is {self.samples}: give 1 or more")
        if self.keep is not None and not 0 <= self.keep[0] <= self.keep[1] <= self.samples:
            raise DatasetError(
                f"--keep is {self.keep[0]}-{self.keep[1]}: give two numbers from 0 to {self.samples}, the least first"
            )

    @property
    def sampling(self) -> Sampling:
        """How one completion is drawn."""
        return Sampling(self.temperature, self.top_p, self.max_tokens, seed=self.seed)


def parse_keep(text: str) -> tuple[int, int]:
    """A range of pass counts as people write it: `0-3`, or `2`."""
    found = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", text)
    if found is None:
        raise DatasetError(f"--keep {text!r} is no range: write it like 0-3")
    return int(found[1]), int(found[2] or found[1])


def count_passes(records: Sequence[Record], config: DifficultyConfig, limits: Limits) -> list[Record]:
    """Judges the completions of each record: its row gets the pass count; rows out of range are rejected. Adds `predictors`.

    Raises:
        SandboxError: programs cannot be run here (our failure).
    """
    alive = [record for record in records if not record["stage"]]
    tasks = [task_from_row(record["row"]) for record in alive]
    pairs = [(task, text) for task, record in zip(tasks, alive, strict=True) for text in record["completions"]]
    scores = iter(score_many(pairs, limits=limits))
    facts = iter(predictors_of([task for task in tasks if isinstance(task, Task)], limits))
    judged = []
    for task, record in zip(tasks, alive, strict=True):
        own = [next(scores) for _ in record["completions"]]
        judged.append({**_judged(record, own, config), "predictors": next(facts) if isinstance(task, Task) else {}})
    made = iter(judged)
    return [record if record["stage"] else next(made) for record in records]


def _judged(record: Record, scores: Sequence[Score], config: DifficultyConfig) -> Record:
    row = record["row"]
    if any(score.reward is None for score in scores):
        return rejected(record, JUDGED, "a sample could not be judged", next(s.parts[0].why for s in scores if s.reward is None))
    passed = sum(is_right(row["kind"], score) for score in scores)
    difficulty = {"steps": 0, "branches": 0, "depth": 0, **(row.get("difficulty") or {})}
    row = {**row, "difficulty": {**difficulty, "pass_count": passed, "samples": len(scores)}}
    record = {**record, "row": row, "completions": []}
    if config.keep is None or config.keep[0] <= passed <= config.keep[1]:
        return record
    return rejected(record, HARD, f"{passed} of {count_phrase(len(scores), 'sample is', 'samples are')} right")


def is_right(kind: str, score: Score) -> bool:
    """Whether a completion solves a row: its output or arguments are right, or all unit tests pass."""
    if kind != CODE_GENERATION:
        return bool(score.parts) and score.parts[0].right
    tests = [part for part in score.parts if part.kind == "unit_test"]
    return bool(tests) and all(part.right for part in tests)


def predictors_of(tasks: Sequence[Task], limits: Limits) -> list[dict[str, float]]:
    """The facts of `PREDICTORS` about each task."""
    traces = trace_many([task.program for task in tasks], limits=limits)
    return [_facts(task, trace) for task, trace in zip(tasks, traces, strict=True)]


def _facts(task: Task, trace: Trace) -> dict[str, float]:
    states = [*(frame.state for frame in trace.frames), *(step.state for step in trace.steps)]
    values = [value for state in states for value in state.values()]
    sizes = [len(value.text) for value in values if value.text is not None]
    return {
        "steps": task.difficulty.steps,
        "branches": task.difficulty.branches,
        "depth": task.difficulty.depth,
        "value_size": max(sizes, default=0),
        "result_size": len(task.result.text or ""),
        "string_share": sum(value.type == "str" for value in values) / max(1, len(values)),
    }


@dataclass(frozen=True, slots=True)
class Prediction:
    """How well a fact predicts the pass count.

    Attributes:
        name: of `PREDICTORS`.
        rows: how many rows were compared.
        spearman: rank correlation with the pass count, -1 to 1; None where one of the two is constant.
        auc: chance that a hard row has the greater value than another row (ties count half); None where all are hard, or none.
    """

    name: str
    rows: int
    spearman: float | None
    auc: float | None


def compare_predictors(records: Iterable[Record], most_passes: int) -> list[Prediction]:
    """How well each fact predicts the pass count, the best first.

    Args:
        records: of `count_passes`; those without a pass count are left out.
        most_passes: right samples up to which a row counts as hard.
    """
    pairs = [
        (record["predictors"], record["row"]["difficulty"]["pass_count"])
        for record in records
        if record.get("predictors") and (record["row"].get("difficulty") or {}).get("pass_count") is not None
    ]
    found = [
        _prediction(name, [facts[name] for facts, _ in pairs], [count for _, count in pairs], most_passes) for name in PREDICTORS
    ]
    return sorted(found, key=lambda one: -abs(one.spearman or 0.0))


def _prediction(name: str, values: list[float], passes: list[int], most_passes: int) -> Prediction:
    from scipy import stats

    spearman = None
    if len(set(values)) > 1 and len(set(passes)) > 1:
        spearman = float(stats.spearmanr(values, passes).statistic)
    hard = [value for value, count in zip(values, passes, strict=True) if count <= most_passes]
    easy = [value for value, count in zip(values, passes, strict=True) if count > most_passes]
    auc = None
    if hard and easy:
        auc = float(stats.mannwhitneyu(hard, easy).statistic) / (len(hard) * len(easy))
    return Prediction(name, len(values), spearman, auc)


def pass_histogram(records: Iterable[Record]) -> dict[int, int]:
    """How many rows have each pass count."""
    found: dict[int, int] = {}
    for record in records:
        count: Any = (record["row"].get("difficulty") or {}).get("pass_count")
        if count is not None:
            found[count] = found.get(count, 0) + 1
    return dict(sorted(found.items()))
