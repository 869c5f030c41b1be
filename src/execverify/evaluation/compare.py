"""Two or more runs of one benchmark, item by item: is the second better than the first beyond chance?

Every run is compared with the first. For each verdict and task, over the items that both runs graded:

- pass@1 of both and the difference in points, each item weighted by its number of parts. The row "all" is the plain mean over the tasks,
  as in a run's own scores; where a benchmark has one task, it is the only row;
- its 95% interval by a bootstrap over programs: 2,000 times, programs are drawn with replacement, each with all its items, and the
  same difference is computed from what was drawn;
- an exact test on the programs that move the difference up or down. With one sample and one part a program, these are the pairs
  of which one run is right and the other wrong, and the test is McNemar's; else it is the sign test. A row names its test.
  Where there are several runs or tasks, the p-values are corrected by Holm's method, for each verdict.

Items of one program are drawn together, and count once in the test, because answers about one program are alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from execverify.errors import EvaluationError
from execverify.evaluation.intervals import TaskSums, bootstrap_of_tasks, holm, mean_of_tasks, sign_test
from execverify.utils.messages import count_phrase

Results = Mapping[str, Any]
_VERDICTS = ("official", "strict")
_ROUNDING = 1e-12  # what sums of equal shares may differ by
ALL = "all"
"""The plain mean over tasks; the only task's name where there is one, as in a run's own scores."""

MCNEMAR, SIGN = "McNemar", "sign"
"""Names of tests: of pairs of single answers, and of differences of other kinds."""


def compare(runs: Sequence[tuple[str, Results]]) -> dict[str, Any]:
    """Compares runs with the first.

    Args:
        runs: names and results.

    Raises:
        EvaluationError: fewer than two, other benchmarks or data, or no item in common.
    """
    if len(runs) < 2:
        raise EvaluationError("a comparison takes two runs or more")
    (first_name, first), *others = runs
    for name, run in others:
        for what in ("benchmark", "data", "seed"):
            ours, theirs = first[what], run[what]
            if what == "data":
                ours, theirs = ours["sha256"], theirs["sha256"]
            if ours != theirs:
                raise EvaluationError(f"{name} cannot be compared with {first_name}: its {what} is {theirs}, and not {ours}")
    found: dict[str, Any] = {
        "benchmark": first["benchmark"],
        "runs": [_described(name, run) for name, run in runs],
        "against": first_name,
        "one_rule": bool(first.get("one_rule")),
    }
    warnings = [line for name, run in others if (line := _items_warning(first_name, first, name, run))]
    comparisons = [each for name, run in others for each in _compared(first, name, run)]
    for verdict in _VERDICTS:
        for is_mean in (True, False):  # the mean over tasks is a question of its own
            family = [each for each in comparisons if each["verdict"] == verdict and (each["task"] == ALL) == is_mean]
            for each, p_value in zip(family, holm([each["p"] for each in family]), strict=True):
                each["p_holm"] = _rounded(p_value)
    return {**found, "warnings": warnings, "comparisons": comparisons}


def _items_warning(first_name: str, first: Results, name: str, second: Results) -> str:
    """That two runs graded other items, with the counts; empty where they are the same."""
    ours, theirs = _graded(first).keys(), _graded(second).keys()
    if ours == theirs:
        return ""
    return (
        f"{first_name} has {count_phrase(len(ours), 'graded item')} and {name} {len(theirs)}: "
        f"the comparison is on the {len(ours & theirs)} of both"
    )


def _described(name: str, run: Results) -> dict[str, Any]:
    return {
        "run": name, "model": run["model"]["name"], "style": run["style"], "sampling": run["sampling"], "items": run["items"],
        "official": run["official"].get("pass_at_1"), "strict": run["strict"].get("pass_at_1"),
    }  # fmt: skip


def _compared(first: Results, name: str, second: Results) -> list[dict[str, Any]]:
    ours, theirs = _graded(first), _graded(second)
    common = [id for id in ours if id in theirs]
    if not common:
        raise EvaluationError(f"{name} has no item in common with the first run")
    known = {**_programs(second), **_programs(first)}
    programs = {id: known.get(id, id) for id in common}
    left = len(ours) + len(theirs) - 2 * len(common)
    tasks = dict.fromkeys(task for row in (*ours.values(), *theirs.values()) for task in row["tasks"])
    rows = []
    for verdict in _VERDICTS:
        found = _differences(ours, theirs, programs, verdict)
        mean = [ALL] if len(found.items) > 1 or len(tasks) == 1 else []
        for task in mean + (list(found.items) if len(tasks) > 1 else []):
            rows.append({"run": name, "verdict": verdict, "task": task, **found.figures(task), "items_left_out": left})
    return rows


@dataclass
class _Differences:
    """What two runs differ in by one verdict.

    Attributes:
        programs: for each program and task, the sum of the differences of its items, and their weight (the number of parts).
        items: for each task, the scores of both runs on its items, and the weight of each.
        with_samples: the tasks of which a run has several samples of a part.
    """

    programs: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    items: dict[str, dict[str, tuple[float, float, int]]] = field(default_factory=dict)
    with_samples: set[str] = field(default_factory=set)

    def add(self, id: str, program: str, task: str, scores: tuple[float, float], weight: int) -> None:
        """Adds an item's scores on a task, those of the first run and of the second."""
        value, before = self.programs.setdefault(program, {}).get(task, (0.0, 0.0))
        self.programs[program][task] = value + weight * (scores[1] - scores[0]), before + weight
        self.items.setdefault(task, {})[id] = (*scores, weight)

    def figures(self, task: str) -> dict[str, Any]:
        """The difference on a task, or on all, with its interval and its test."""
        tasks = list(self.items) if task == ALL else [task]
        chosen = [{each: of[each] for each in tasks if each in of} for of in self.programs.values()]
        clusters: list[TaskSums] = [of for of in chosen if of]
        low, high = bootstrap_of_tasks(clusters)
        totals = {each: sum(of[each][1] for of in clusters if each in of) for each in tasks}
        moves = [sum(value / totals[each] for each, (value, _) in of.items()) for of in clusters]
        worse, better = sum(move < -_ROUNDING for move in moves), sum(move > _ROUNDING for move in moves)
        return {
            "items": len(set().union(*(self.items[each] for each in tasks))),
            "programs": len(clusters),
            "first_score": self._score(tasks, 0),
            "score": self._score(tasks, 1),
            "difference": round(100 * mean_of_tasks(clusters), 4),
            "interval": [round(100 * low, 2), round(100 * high, 2)],
            "better": better,
            "worse": worse,
            "p": _rounded(sign_test(worse, better)),
            "test": MCNEMAR if self._is_paired(tasks, clusters) else SIGN,
        }

    def _score(self, tasks: Sequence[str], run: int) -> float:
        """pass@1 of a run in percent: the mean over tasks of the weighted means of their items."""
        each = [self.items[task].values() for task in tasks]
        return round(100 * fmean(fmean([item[run] for item in items], [item[2] for item in items]) for items in each), 4)

    def _is_paired(self, tasks: Sequence[str], clusters: Sequence[TaskSums]) -> bool:
        """Whether each program has one part with one sample in both runs: what McNemar's test is of."""
        return self.with_samples.isdisjoint(tasks) and all(sum(weight for _, weight in of.values()) == 1 for of in clusters)


def _differences(
    ours: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Mapping[str, Any]], programs: Mapping[str, str], verdict: str
) -> _Differences:
    """The differences of the items that both runs graded, each with its program."""
    found = _Differences()
    for id, program in programs.items():
        row = ours[id]
        a, b = item_accuracies(row, verdict), item_accuracies(theirs[id], verdict)
        for task in (task for task in a if task in b):
            found.add(id, program, task, (a[task], b[task]), row["tasks"].count(task))
        for graded in (row, theirs[id]):
            found.with_samples |= {
                task for task, letters in zip(graded["tasks"], graded[verdict], strict=True) if len(letters) > 1
            }
    return found


def _programs(run: Results) -> dict[str, str]:
    """The program of each item; empty where results of an older version have none, and an item counts as its own program."""
    return dict(zip((row["id"] for row in run["item_grades"]), run.get("item_programs", ()), strict=False))


def _graded(run: Results) -> dict[str, Mapping[str, Any]]:
    return {row["id"]: row for row in run["item_grades"] if "error" not in row}


def changed_items(first: Results, second: Results, verdict: str) -> list[tuple[str, float, float]]:
    """The items of both runs whose share of right answers differs: the id, the first run's share, the second run's.

    Args:
        first, second: results.
        verdict: "official" or "strict".
    """
    ours, theirs = _graded(first), _graded(second)
    found = []
    for id in (id for id in ours if id in theirs):
        shares = [item_accuracies(run[id], verdict) for run in (ours, theirs)]
        tasks = [task for task in shares[0] if task in shares[1]]
        if tasks:
            weights = [ours[id]["tasks"].count(task) for task in tasks]
            a, b = (fmean([share[task] for task in tasks], weights) for share in shares)
            if a != b:
                found.append((id, a, b))
    return found


def item_accuracies(row: Mapping[str, Any], verdict: str) -> dict[str, float]:
    """For each task of an item, the share of right answers over its parts; samples that are not graded or not counted are skipped."""
    found: dict[str, list[float]] = {}
    for task, letters in zip(row["tasks"], row[verdict], strict=True):
        graded = letters.replace("?", "")
        counted = graded.replace("x", "")
        if graded:
            found.setdefault(task, []).append(counted.count("1") / len(counted) if "1" in counted else 0.0)
    return {task: fmean(each) for task, each in found.items()}


def _rounded(p_value: float) -> float:
    return float(f"{p_value:.3g}")
