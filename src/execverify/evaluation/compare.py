"""Two or more runs of one benchmark, item by item: is the second better than the first beyond chance?

Every run is compared with the first. For each verdict and task, over the items that both runs graded:

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
    }
    comparisons = [each for name, run in others for each in _compared(first, name, run)]
    for verdict in _VERDICTS:
        family = [each for each in comparisons if each["verdict"] == verdict]
        for each, p_value in zip(family, holm([each["p"] for each in family]), strict=True):
            each["p_holm"] = _rounded(p_value)
    return {**found, "comparisons": comparisons}


def _described(name: str, run: Results) -> dict[str, Any]:
    return {
        "run": name, "model": run["model"]["name"], "style": run["style"], "sampling": run["sampling"], "items": run["items"],
        "official": run["official"].get("pass_at_1"), "strict": run["strict"].get("pass_at_1"),
    }  # fmt: skip


def _compared(first: Results, name: str, second: Results) -> list[dict[str, Any]]:
    ours, theirs = ({row["id"]: row for row in run["item_grades"] if "error" not in row} for run in (first, second))
    common = [id for id in ours if id in theirs]
    if not common:
        raise EvaluationError(f"{name} has no item in common with the first run")
    rows = []
    for verdict in _VERDICTS:
        shares = [{id: item_accuracies(run[id], verdict) for id in common} for run in (ours, theirs)]
        tasks = list(dict.fromkeys(task for id in common for task in ours[id]["tasks"]))
        for task in tasks:
            pairs = [
                (a[task], b[task], ours[id]["tasks"].count(task))
                for id, a, b in ((id, shares[0][id], shares[1][id]) for id in common)
                if task in a and task in b
            ]
            if pairs:
                rows.append({"run": name, "verdict": verdict, "task": task, **_figures(pairs)})
    left = len(ours) + len(theirs) - 2 * len(common)
    return [{**row, "items_left_out": left} for row in rows]


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
        return bootstrap([(value,) * weight for value, weight in differences])
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
