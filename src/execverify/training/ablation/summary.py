"""From the evaluations of all conditions and seeds to one summary: means with intervals over seeds, and paired tests of items and seeds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from execverify.evaluation.compare import item_accuracies
from execverify.evaluation.intervals import Interval, bootstrap, holm, mean_with_interval, paired_t_test, sign_test, wilson
from execverify.evaluation.run_dir import RESULTS, read_results, strict_scores
from execverify.reports.run_summary import guess_rate
from execverify.training.ablation.conditions import CONDITIONS

_ALL = "mean of tasks"
_Runs = dict[tuple[str, str, int], Mapping[str, Any]]
"""Results by evaluation, condition and seed."""


def summary(out: Path, conditions: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Scores, baselines, scores by level, and comparisons of everything that was evaluated.

    Args:
        out: folder of the ablation.
        conditions: names, in their order.
        seeds: those to include.

    Returns:
        "scores": evaluation -> task -> condition -> mean, interval and the seeds' own, in percent, with the guess rate of chains as
        the task "guessed"; "divergences": evaluation -> condition -> first divergences of chains by kind of statement; "baselines":
        evaluation -> task -> the best constant answer's score; "levels": evaluation -> level -> condition -> mean over tasks and seeds;
        "comparisons": see `comparisons`.
    """
    runs = _read_runs(out, conditions, seeds)
    scores: dict[str, dict[str, dict[str, Any]]] = {}
    baselines: dict[str, dict[str, float]] = {}
    levels: dict[str, dict[str, dict[str, float]]] = {}
    divergences: dict[str, dict[str, dict[str, int]]] = {}
    for evaluation in sorted({evaluation for evaluation, _, _ in runs}):
        for condition in conditions:
            found = [runs[evaluation, condition, seed] for seed in seeds if (evaluation, condition, seed) in runs]
            if not found:
                continue
            by_task = _with_mean([{task: score for task, score, _ in strict_scores(results)} for results in found])
            (constant,) = _with_mean([{task: baseline for task, _, baseline in strict_scores(found[0])}])
            baselines.setdefault(evaluation, constant)
            for task in by_task[0]:
                own = scores.setdefault(evaluation, {}).setdefault(task, {})
                own[condition] = mean_and_interval([one[task] for one in by_task])
            if guesses := [rate for results in found if (rate := guess_rate(results)) is not None]:
                scores[evaluation].setdefault("guessed", {})[condition] = mean_and_interval(guesses)
            if counts := sum(
                (Counter(one["faithfulness"]["first_divergences"]) for one in found if "faithfulness" in one), Counter()
            ):
                divergences.setdefault(evaluation, {})[condition] = dict(counts.most_common())
            for level, values in _by_level(found).items():
                levels.setdefault(evaluation, {}).setdefault(level, {})[condition] = round(fmean(values), 2)
    levels = {evaluation: dict(sorted(own.items())) for evaluation, own in levels.items()}
    compared = comparisons(runs, conditions, seeds)
    return {"scores": scores, "baselines": baselines, "levels": levels, "divergences": divergences, "comparisons": compared}


def mean_and_interval(values: Sequence[float]) -> dict[str, Any]:
    """The mean over seeds with Student's 95% interval; None as the interval of one seed, or where all are equal."""
    mean, interval = mean_with_interval(values)
    return {"mean": round(mean, 2), "interval": _rounded(interval), "seeds": [round(value, 2) for value in values]}


def _rounded(interval: Interval | None, scale: float = 1) -> list[float] | None:
    return None if interval is None else [round(scale * edge, 2) for edge in interval]


def _with_mean(scores: list[dict[str, float]]) -> list[dict[str, float]]:
    """Scores by task with their mean over tasks, where there are several."""
    return [{**one, _ALL: fmean(one.values())} if len(one) > 1 else one for one in scores]


def _read_runs(out: Path, conditions: Sequence[str], seeds: Sequence[int]) -> _Runs:
    found: _Runs = {}
    for seed in seeds:
        for condition in conditions:
            for path in sorted((out / f"seed-{seed}" / "evaluations" / condition).glob(f"*/{RESULTS}")):
                found[path.parent.name, condition, seed] = read_results(path.parent)
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
            levels.setdefault(level, []).append(fmean(values))
    return levels


def comparisons(runs: _Runs, conditions: Sequence[str], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Every condition compared with those that its definition names, for each evaluation and task.

    Two things are uncertain, and each has its own interval and test. The seed: `seeds_interval` and `p` are of Student's paired t test
    over the seeds' mean differences; None for one seed or equal ones. The items: `interval` is the bootstrap's over items, each item's
    difference the mean over seeds; `p_items` is of the sign test on the items that are better and worse. The p-values are corrected by
    Holm's method within an evaluation. A gain should hold by both. In means an item is weighted by its number of parts, as in scores.
    """
    found = []
    for evaluation in sorted({evaluation for evaluation, _, _ in runs}):
        rows = [
            {"measure": evaluation, "condition": condition.name, "against": first, **row}
            for condition in CONDITIONS
            for first in condition.compared_with
            if condition.name in conditions and first in conditions
            for row in _compared(
                {seed: (runs.get((evaluation, first, seed)), runs.get((evaluation, condition.name, seed))) for seed in seeds}
            )
        ]
        for name in ("p", "p_items"):
            tested = [row for row in rows if row[name] is not None]
            for row, p_value in zip(tested, holm([row[name] for row in tested]), strict=True):
                row[f"{name}_holm"] = float(f"{p_value:.3g}")
        found += rows
    return found


_Weighted = tuple[float, int]
"""An item's number and its weight: how many parts the item has."""
_Pair = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]


def _compared(pairs: Mapping[int, _Pair]) -> list[dict[str, Any]]:
    """One row a task: the second of each seed's pair of runs against the first."""
    differences: dict[str, dict[int, dict[str, _Weighted]]] = {}
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


def _row(task: str, differences: Mapping[int, Mapping[str, _Weighted]]) -> dict[str, Any]:
    """The differences of a task's items, summed up over seeds and over items."""
    by_seed = {seed: _average(items.values()) for seed, items in differences.items()}
    items: dict[str, list[float]] = {}
    weights: dict[str, int] = {}
    for own in differences.values():
        for name, (difference, weight) in own.items():
            items.setdefault(name, []).append(difference)
            weights[name] = weight
    means = [fmean(each) for each in items.values()]
    worse, better = sum(mean < 0 for mean in means), sum(mean > 0 for mean in means)
    mean, seeds_interval = mean_with_interval(list(by_seed.values()))
    return {
        "task": task,
        "items": len(means),
        "difference": round(100 * mean, 2),
        "by_seed": {str(seed): round(100 * value, 2) for seed, value in by_seed.items()},
        "seeds_interval": _rounded(seeds_interval, 100),
        "p": p_over_seeds(list(by_seed.values())),
        "interval": _rounded(_difference_interval(list(zip(means, weights.values(), strict=True))), 100),
        "better": better,
        "worse": worse,
        "p_items": float(f"{sign_test(worse, better):.3g}"),
    }


def _average(values: Iterable[_Weighted]) -> float:
    """The weighted mean of items' numbers; at least one."""
    numbers, weights = zip(*values, strict=True)
    return fmean(numbers, weights)


def _difference_interval(differences: Sequence[_Weighted]) -> tuple[float, float]:
    """The bootstrap's 95% interval over items. Where all items differ alike, it is as wide as Wilson's interval of zero exceptions."""
    values = {value for value, _ in differences}
    if len(values) > 1:
        low, high = bootstrap([(value,) * weight for value, weight in differences])
        return max(-1.0, low), min(1.0, high)
    (same,), (_, edge) = values, wilson(0, len(differences))
    return max(-1.0, same - edge), min(1.0, same + edge)


def p_over_seeds(differences: Sequence[float]) -> float | None:
    """Student's paired test of the seeds' differences, to three digits; None for one seed, and where all are equal but not zero."""
    p_value = paired_t_test(differences)
    return None if p_value is None else float(f"{p_value:.3g}")
