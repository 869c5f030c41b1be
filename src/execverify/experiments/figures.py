"""From the runs of all arms and seeds to figures: means with intervals over seeds, and tests that pair items and seeds."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from execverify.evaluation.comparing import shares_of
from execverify.evaluation.folder import read_results
from execverify.evaluation.run import RESULTS
from execverify.evaluation.statistics import bootstrap, holm, mcnemar
from execverify.experiments.arms import ARMS, BASELINE, CONTROL, SFT
from execverify.training.measure import scores_of

# Student's t for a two-sided 95% interval, by degrees of freedom from 1 on; the last stands for all that are more.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101,
      2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)  # fmt: skip
_ALL = "mean of tasks"
AGAINST = (SFT, CONTROL, BASELINE)
"""The arms that others are compared with."""


def mean_and_interval(values: Sequence[float]) -> dict[str, Any]:
    """The mean over seeds with Student's 95% interval; no interval for one seed."""
    n, mean = len(values), math.fsum(values) / len(values)
    if n < 2:
        return {"mean": round(mean, 2), "interval": None, "seeds": [round(value, 2) for value in values]}
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = _T[min(n - 1, len(_T)) - 1] * spread / math.sqrt(n)
    return {
        "mean": round(mean, 2),
        "interval": [round(mean - half, 2), round(mean + half, 2)],
        "seeds": [round(value, 2) for value in values],
    }


def summary(out: Path, arms: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Scores, floors, scores by level, and comparisons of everything that was measured.

    Args:
        out: folder of the experiment.
        arms: names, in their order.
        seeds: those that count.

    Returns:
        "scores": measure -> task -> arm -> mean, interval and the seeds' own; "floors": measure -> task -> the best constant
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
            by_task = [{task: score for task, score, _ in scores_of(results)} for results in found]
            floors.setdefault(measure, {task: floor for task, _, floor in scores_of(found[0])})
            for task in by_task[0]:
                scores.setdefault(measure, {}).setdefault(task, {})[arm] = mean_and_interval([one[task] for one in by_task])
            if len(by_task[0]) > 1:
                means = [math.fsum(one.values()) / len(one) for one in by_task]
                scores[measure].setdefault(_ALL, {})[arm] = mean_and_interval(means)
            for level, values in _by_level(found).items():
                levels.setdefault(measure, {}).setdefault(level, {})[arm] = round(math.fsum(values) / len(values), 2)
    return {"scores": scores, "floors": floors, "levels": levels, "comparisons": comparisons(runs, arms, seeds)}


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
    """Every arm against those of `AGAINST` that it does not begin before, for each measure and task, item by item and seed by seed.

    An item's difference is its mean over the seeds; the interval draws items anew, the test is McNemar's on the items that are
    better and worse, corrected by Holm within a measure. `by_seed` tells whether the sign is that of every seed.
    """
    found = []
    for measure in sorted({measure for measure, _, _ in runs}):
        rows = [
            row
            for first in AGAINST
            for arm in _later(arms, first)
            for row in _compared([(runs.get((measure, first, seed)), runs.get((measure, arm, seed))) for seed in seeds])
            if row.update(measure=measure, arm=arm, against=first) is None
        ]
        for row, chance in zip(rows, holm([row["p"] for row in rows]), strict=True):
            row["p_holm"] = float(f"{chance:.3g}")
        found += rows
    return found


def _later(arms: Sequence[str], first: str) -> list[str]:
    """The arms that are worth comparing with one: those that were trained at least as long."""
    if first not in arms:
        return []
    skipped = {first, "base", SFT} | ({CONTROL} if first == BASELINE else set())
    return [arm.name for arm in ARMS if arm.name in arms and arm.name not in skipped]


def _compared(pairs: Sequence[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]]) -> list[dict[str, Any]]:
    differences: dict[str, dict[str, list[float]]] = {}
    for ours, theirs in pairs:
        if ours is None or theirs is None:
            continue
        others = {row["id"]: row for row in theirs["rows"]}
        for row in ours["rows"]:
            if row["id"] not in others:
                continue
            a, b = shares_of(row, "strict"), shares_of(others[row["id"]], "strict")
            for task in a.keys() & b.keys():
                differences.setdefault(task, {}).setdefault(row["id"], []).append(b[task] - a[task])
    rows = []
    for task, items in sorted(differences.items()):
        means = [math.fsum(each) / len(each) for each in items.values()]
        low, high = bootstrap([(mean,) for mean in means])
        worse, better = sum(mean < 0 for mean in means), sum(mean > 0 for mean in means)
        by_seed = [math.fsum(each[at] for each in items.values() if at < len(each)) for at in range(len(pairs))]
        rows.append(
            {
                "task": task,
                "items": len(means),
                "difference": round(100 * math.fsum(means) / len(means), 2),
                "interval": [round(100 * low, 2), round(100 * high, 2)],
                "better": better,
                "worse": worse,
                "p": float(f"{mcnemar(worse, better):.3g}"),
                "by_seed": [round(100 * total / len(means), 2) for total in by_seed],
            }
        )
    return rows
