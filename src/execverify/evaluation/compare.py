"""Two or more runs of one benchmark, item by item: is the second better than the first beyond chance?

Every run is compared with the first. For each verdict and task, over the items that both runs graded:

- where there are several tasks, a row "all": the difference of their plain mean. Its interval and its test are over items, each with how
  far it moves that mean;
- the difference of pass@1 in points, each item weighted by its number of parts, with a 95% bootstrap interval over items (2,000 times);
- McNemar's exact test on the items whose share of right answers differs. With one sample and one part an item, these are the pairs of
  which one run is right and the other wrong; else it is the sign test. Where there are several runs or tasks, the p-values are
  corrected by Holm's method, for each verdict.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from execverify.errors import EvaluationError
from execverify.evaluation.intervals import bootstrap, holm, mcnemar, wilson

Results = Mapping[str, Any]
_VERDICTS = ("official", "strict")
ALL = "all"
"""The plain mean over tasks, where there are several."""


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
    comparisons = [each for name, run in others for each in _compared(first, name, run)]
    for verdict in _VERDICTS:
        for is_mean in (True, False):  # the mean over tasks is a question of its own
            family = [each for each in comparisons if each["verdict"] == verdict and (each["task"] == ALL) == is_mean]
            for each, p_value in zip(family, holm([each["p"] for each in family]), strict=True):
                each["p_holm"] = _rounded(p_value)
    return {**found, "comparisons": comparisons}


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
    rows = []
    for verdict in _VERDICTS:
        by_task: dict[str, list[tuple[float, float, int]]] = {}
        differences: dict[str, dict[str, float]] = {}
        for id in common:
            a, b = item_accuracies(ours[id], verdict), item_accuracies(theirs[id], verdict)
            for task in (task for task in a if task in b):
                weight = ours[id]["tasks"].count(task)
                by_task.setdefault(task, []).append((a[task], b[task], weight))
                differences.setdefault(id, {})[task] = weight * (b[task] - a[task])
        if len(by_task) > 1:
            rows.append({"run": name, "verdict": verdict, "task": ALL, **_figures(_over_tasks(by_task, differences))})
        rows += [{"run": name, "verdict": verdict, "task": task, **_figures(pairs)} for task, pairs in by_task.items()]
    left = len(ours) + len(theirs) - 2 * len(common)
    return [{**row, "items_left_out": left} for row in rows]


def _graded(run: Results) -> dict[str, Mapping[str, Any]]:
    return {row["id"]: row for row in run["item_grades"] if "error" not in row}


def _over_tasks(
    by_task: Mapping[str, Sequence[tuple[float, float, int]]], differences: Mapping[str, Mapping[str, float]]
) -> list[tuple[float, float, int]]:
    """For each item, how far it moves the plain mean over tasks, times the number of items; as pairs with zero."""
    parts = {task: sum(weight for *_, weight in pairs) for task, pairs in by_task.items()}
    moved = [
        sum(value / parts[task] for task, value in of.items()) * len(differences) / len(parts) for of in differences.values()
    ]
    return [(0.0, each, 1) for each in moved]


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


Weighted = tuple[float, int]
"""An item's number and its weight: how many parts the item has."""


def _figures(pairs: Sequence[tuple[float, float, int]]) -> dict[str, Any]:
    differences = [(b - a, weight) for a, b, weight in pairs]
    worse, better = sum(b < a for a, b, _ in pairs), sum(b > a for a, b, _ in pairs)
    low, high = difference_interval(differences)
    mean = average(differences)
    return {
        "items": len(pairs),
        "difference": round(100 * mean, 4),
        "interval": [round(100 * low, 2), round(100 * high, 2)],
        "better": better,
        "worse": worse,
        "p": _rounded(mcnemar(worse, better)),
    }


def average(values: Iterable[Weighted]) -> float:
    """The weighted mean of items' numbers; at least one."""
    numbers, weights = zip(*values, strict=True)
    return fmean(numbers, weights)


def difference_interval(differences: Sequence[Weighted]) -> tuple[float, float]:
    """The bootstrap's 95% interval over items. Where all items differ alike, it is as wide as Wilson's interval of zero exceptions."""
    values = {value for value, _ in differences}
    if len(values) > 1:
        low, high = bootstrap([(value,) * weight for value, weight in differences])
        return max(-1.0, low), min(1.0, high)
    (same,), (_, edge) = values, wilson(0, len(differences))
    return max(-1.0, same - edge), min(1.0, same + edge)


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
