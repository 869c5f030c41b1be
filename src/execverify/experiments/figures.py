"""From the runs of all arms and seeds to figures: means with intervals over seeds, and tests that pair items and seeds."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from execverify.evaluation.compare import Weighted, average, difference_interval, item_accuracies
from execverify.evaluation.intervals import holm, mcnemar, student, student_quantile
from execverify.evaluation.run import RESULTS
from execverify.evaluation.run_dir import read_results, strict_scores
from execverify.experiments.arms import ARMS

_ALL = "mean of tasks"


def mean_and_interval(values: Sequence[float]) -> dict[str, Any]:
    """The mean over seeds with Student's 95% interval; no interval for one seed, or where all are equal."""
    mean, half = mean_with_interval(values)
    return {
        "mean": round(mean, 2),
        "interval": None if half is None else [round(mean - half, 2), round(mean + half, 2)],
        "seeds": [round(value, 2) for value in values],
    }


def mean_with_interval(values: Sequence[float]) -> tuple[float, float | None]:
    n, mean = len(values), math.fsum(values) / len(values)
    alike = n < 2 or _error(values) < 1e-12  # nothing tells their spread
    return mean, None if alike else student_quantile(n - 1) * _error(values)


def _error(values: Sequence[float]) -> float:
    """The standard error of a mean."""
    n, mean = len(values), math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)


def summary(out: Path, arms: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Scores, floors, scores by level, and comparisons of everything that was measured.

    Args:
        out: folder of the experiment.
        arms: names, in their order.
        seeds: those that count.

    Returns:
        "scores": measure -> task -> arm -> mean, interval and the seeds' own; "baselines": measure -> task -> the best constant
        answer's score; "levels": measure -> level -> arm -> mean over tasks and seeds; "comparisons": see `comparisons`.
    """
    runs = _runs(out, arms, seeds)
    scores: dict[str, dict[str, dict[str, Any]]] = {}
    floors: dict[str, dict[str, float]] = {}
    levels: dict[str, dict[str, dict[str, float]]] = {}
    for measure in sorted({measure for measure, _, _ in runs}):
        for arm in arms:
            found = [runs[measure, arm, seed] for seed in seeds if (measure, arm, seed) in runs]
            if not found:
                continue
            by_task = [{task: score for task, score, _ in strict_scores(results)} for results in found]
            floors.setdefault(measure, {task: floor for task, _, floor in strict_scores(found[0])})
            for task in by_task[0]:
                scores.setdefault(measure, {}).setdefault(task, {})[arm] = mean_and_interval([one[task] for one in by_task])
            if len(by_task[0]) > 1:
                floors[measure].setdefault(_ALL, math.fsum(floors[measure].values()) / len(floors[measure]))
                means = [math.fsum(one.values()) / len(one) for one in by_task]
                scores[measure].setdefault(_ALL, {})[arm] = mean_and_interval(means)
            for level, values in _by_level(found).items():
                levels.setdefault(measure, {}).setdefault(level, {})[arm] = round(math.fsum(values) / len(values), 2)
    levels = {measure: dict(sorted(own.items())) for measure, own in levels.items()}
    return {"scores": scores, "baselines": floors, "levels": levels, "comparisons": comparisons(runs, arms, seeds)}


_Runs = dict[tuple[str, str, int], Mapping[str, Any]]


def _runs(out: Path, arms: Sequence[str], seeds: Sequence[int]) -> _Runs:
    found: _Runs = {}
    for seed in seeds:
        for arm in arms:
            for path in sorted((out / f"seed-{seed}" / "evaluations" / arm).glob(f"*/{RESULTS}")):
                found[path.parent.name, arm, seed] = read_results(path.parent)
    return found


def _by_level(found: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Scores by level: of each seed the mean over tasks."""
    levels: dict[str, list[float]] = {}
    for results in found:
        own: dict[str, list[float]] = {}
        for row in results["slices"]:
            if row["property"] == "level" and "strict" in row:
                own.setdefault(row["value"], []).append(row["strict"]["pass_at_1"])
        for level, values in own.items():
            levels.setdefault(level, []).append(math.fsum(values) / len(values))
    return levels


def comparisons(runs: _Runs, arms: Sequence[str], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Every arm against those that its definition names, for each measure and task.

    Two things are uncertain, and each has its own interval and test: which seed it was (`seeds_interval`, `p`: Student's paired t
    over the seeds' mean differences; None for one seed or equal ones), and which items were asked (`interval`: items drawn anew,
    each item's difference the mean over seeds; `p_items`: McNemar's on the items that are better and worse). Both are corrected by
    Holm within a measure. A gain should hold by both. In means an item counts as often as it has parts, as it does in scores.
    """
    found = []
    for measure in sorted({measure for measure, _, _ in runs}):
        rows = [
            {"measure": measure, "arm": arm.name, "against": first, **row}
            for arm in ARMS
            for first in arm.against
            if arm.name in arms and first in arms
            for row in _compared(
                {seed: (runs.get((measure, first, seed)), runs.get((measure, arm.name, seed))) for seed in seeds}
            )
        ]
        for name in ("p", "p_items"):
            told = [row for row in rows if row[name] is not None]
            for row, chance in zip(told, holm([row[name] for row in told]), strict=True):
                row[f"{name}_holm"] = float(f"{chance:.3g}")
        found += rows
    return found


_Pair = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]


def _compared(pairs: Mapping[int, _Pair]) -> list[dict[str, Any]]:
    """One row a task: the second of each seed's pair of runs against the first."""
    differences: dict[str, dict[int, dict[str, Weighted]]] = {}
    for seed, (ours, theirs) in pairs.items():
        if ours is None or theirs is None:
            continue
        others = {row["id"]: row for row in theirs["item_grades"]}
        for row in ours["item_grades"]:
            if row["id"] not in others:
                continue
            a, b = item_accuracies(row, "strict"), item_accuracies(others[row["id"]], "strict")
            for task in a.keys() & b.keys():
                differences.setdefault(task, {}).setdefault(seed, {})[row["id"]] = b[task] - a[task], row["tasks"].count(task)
    return [_row(task, by_seed) for task, by_seed in sorted(differences.items())]


def _row(task: str, differences: Mapping[int, Mapping[str, Weighted]]) -> dict[str, Any]:
    """What the differences of a task's items come to, over seeds and over items."""
    by_seed = {seed: average(items.values()) for seed, items in differences.items()}
    items: dict[str, list[float]] = {}
    weights: dict[str, int] = {}
    for own in differences.values():
        for name, (difference, weight) in own.items():
            items.setdefault(name, []).append(difference)
            weights[name] = weight
    means = [math.fsum(each) / len(each) for each in items.values()]
    low, high = difference_interval(list(zip(means, weights.values(), strict=True)))
    worse, better = sum(mean < 0 for mean in means), sum(mean > 0 for mean in means)
    mean, half = mean_with_interval(list(by_seed.values()))
    chance = chance_over_seeds(list(by_seed.values()))
    return {
        "task": task,
        "items": len(means),
        "difference": round(100 * mean, 2),
        "by_seed": {str(seed): round(100 * value, 2) for seed, value in by_seed.items()},
        "seeds_interval": None
        if half is None or chance is None
        else [round(100 * (mean - half), 2), round(100 * (mean + half), 2)],
        "p": chance,
        "interval": [round(100 * low, 2), round(100 * high, 2)],
        "better": better,
        "worse": worse,
        "p_items": float(f"{mcnemar(worse, better):.3g}"),
    }


def chance_over_seeds(values: Sequence[float]) -> float | None:
    """Student's paired test of the seeds' differences; None for one seed, and where all are equal: then nothing tells their spread."""
    if len(values) < 2:
        return None
    mean, error = math.fsum(values) / len(values), _error(values)
    if error < 1e-12:
        return None if abs(mean) > 1e-12 else 1.0
    return float(f"{student(mean / error, len(values) - 1):.3g}")
