"""What a stage of RL changed: its rollouts, first half of the updates against the last, and held-out items, before against after.

Most small trainings are too short to show anything. A sentence says so, with the figures.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from execverify.evaluation.compare import ALL, compare
from execverify.evaluation.intervals import Interval, halves_difference
from execverify.reports.markdown import format_interval
from execverify.utils.messages import count_phrase

Results = Mapping[str, Mapping[str, Any]]
"""Results of a model, by the folder of the evaluation."""

_FIGURES = {
    "rl_whitebox": (
        ("right outputs", "execverify/output", "output"),
        ("right inputs", "execverify/input", "input"),
        ("true chains of thought", "execverify/chain_true", "chain"),
    ),
    "rl_unit_tests": (("passed unit tests", "execverify/unit_test", "code"),),
}
"""By stage, what it should change: for readers, as a metric of the log, and as a task of the evaluation in `_MEASURES`."""

_MEASURES = {"rl_whitebox": "held-out", "rl_unit_tests": "held-out-tasks"}


@dataclass(frozen=True)
class _Change:
    """Two scores, in percent, and their difference in points with its 95% interval; None where too few values give none.

    `text` has places for both scores; the interval is over `units`.
    """

    text: str
    units: str
    before: float
    after: float
    difference: float
    interval: Interval | None

    @property
    def is_shown(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    def __str__(self) -> str:
        if self.difference == 0 and self.interval in (None, (0, 0)):
            return f"{self.text.format(f'{self.before:.1f}%', f'{self.after:.1f}%')} (no change)"
        edges = (
            "no interval"
            if self.interval is None
            else f"95% interval over {self.units} {format_interval(self.interval, signed=True)}"
        )
        scores = self.text.format(f"{self.before:.1f}%", f"{self.after:.1f}%")
        return f"{scores} ({self.difference:+.1f} points, {edges})"


@dataclass(frozen=True)
class RlStage:
    """A finished stage of RL.

    Attributes:
        name: of the stage.
        done: what `stage.json` holds.
        log: the lines of its log.
        before, after: results of the models before and after it.
        curriculum: whether it chose its prompts by their pass rate. The rollouts of updates are then not comparable.
    """

    name: str
    done: Mapping[str, Any]
    log: Sequence[Mapping[str, Any]]
    before: Results
    after: Results
    curriculum: bool = False


def rl_changes(stage: RlStage) -> list[str]:
    """A sentence on each figure that a stage should change, and whether it did beyond noise; none where nothing was measured.

    Raises:
        EvaluationError: SciPy is not installed.
    """
    size = f"{count_phrase(stage.done['steps'], 'update')} on {count_phrase(trained_on(stage.done), 'prompt')}"
    found = []
    for what, metric, task in _FIGURES[stage.name]:
        changes = [*_over_updates(stage, metric), *_over_items(stage, task)]
        if changes:
            too_few = f"{'is' if stage.done['steps'] == 1 else 'are'} too few to show a change in"
            verbs = {"raised" if change.difference > 0 else "lowered" for change in changes if change.is_shown}
            verb = too_few if not verbs else verbs.pop() if len(verbs) == 1 else "changed"
            found.append(f"{stage.name}: {size} {verb} {what}: {'; '.join(map(str, changes))}.")
    return found


def trained_on(done: Mapping[str, Any]) -> int:
    """The rows that a stage trained on, by its `stage.json`: prompts of RL, examples of SFT."""
    count: int = done.get("prompts", done["kept"])
    return count


def _over_updates(stage: RlStage, metric: str) -> Iterator[_Change]:
    values = [100 * line[metric] for line in stage.log if line.get(metric) is not None]
    if len(values) < 2 or stage.curriculum:
        return
    text, half = "{} in the rollouts of the first half of the updates, {} in those of the last half", len(values) // 2
    yield _Change(text, "updates", fmean(values[:half]), fmean(values[half:]), *halves_difference(values))


def _over_items(stage: RlStage, task: str) -> Iterator[_Change]:
    before, after = (results.get(_MEASURES[stage.name]) for results in (stage.before, stage.after))
    if before is None or after is None or any(before[name] != after[name] for name in ("benchmark", "data", "seed")):
        return
    tasks = {each for run in (before, after) for row in run["item_grades"] for each in row.get("tasks", ())}
    name = ALL if tasks == {task} else task
    for row in compare([("before", before), ("after", after)])["comparisons"]:
        if row["verdict"] == "strict" and row["task"] == name:
            low, high = row["interval"]
            old, new = ((run["strict"].get("by_task") or {task: run["strict"]})[task]["pass_at_1"] for run in (before, after))
            text = f"{{}} of {count_phrase(row['items'], 'held-out item')} before, {{}} after"
            yield _Change(text, "items", old, new, row["difference"], (low, high))
