"""From grades to scores: pass@k with intervals, baselines, slices, and the items on which the two verdicts differ.

A *part* of an item gets one grade: the one answer of most benchmarks, an assertion or a question of a white-box row. A task is a kind
of part. A task's pass@k is the mean over its parts of the unbiased estimate from n samples; a benchmark's is the mean over its tasks.
Scores are in percent.

Intervals are at 95%. Where each program is one part with one sample, they are Wilson's. Else they are a bootstrap over programs, 2,000
times, so that items, samples and questions about one program stay together: their answers are alike. The mean over tasks has a normal
interval, from what each program with all its parts contributes. Slices have Wilson's, or the normal interval of the programs' means.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from execverify.evaluation.benchmark import Item, ItemResult
from execverify.evaluation.intervals import RESAMPLES, Z, bootstrap, normal_interval, pass_at_k, wilson
from execverify.evaluation.program_features import FEATURE_ORDER, order_of

PASS_AT_K = (1, 5, 10)
"""The k of pass@k that are reported, as far as there are samples."""

WILSON, UNVARIED = "Wilson", "Wilson over programs, as no value differs"
BOOTSTRAP, NORMAL = f"bootstrap over programs ({RESAMPLES} resamples)", "normal, of the programs' means"
DELTA, NONE = "normal, over programs (delta method)", "nothing could be graded"
_MIN_ITEMS = 5  # items of a slice


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an item: its task, and how many of its samples were right. Items about one program share the program's number."""

    item: int
    program: int
    task: str
    n: int
    right: int

    def estimate(self, k: int) -> float:
        """Its pass@k."""
        return pass_at_k(self.n, self.right, k)


def parts_of(records: Sequence[ItemResult], strict: bool) -> list[Part]:
    """All parts that could be graded."""
    numbers = program_numbers(records)
    return [part for number, record in enumerate(records) for part in _parts(number, numbers[number], record, strict)]


def _parts(number: int, program: int, record: ItemResult, strict: bool) -> Iterator[Part]:
    if record.error is not None:  # some of its samples may be there, but too few for pass@k
        return
    for place, task in enumerate(record.item.tasks):
        verdicts = record.verdicts(place, strict)
        if True not in verdicts and any(_judged(sample[place], strict) for sample in record.marks):
            yield Part(number, program, task, len(record.marks), 0)  # as CRUXEval's: without a right one, all samples count
        elif verdicts:
            yield Part(number, program, task, len(verdicts), sum(verdicts))


def _judged(mark: Any, strict: bool) -> bool:
    return (mark.strict if strict else mark.official) is not None


def score(records: Sequence[ItemResult], strict: bool, ks: Sequence[int]) -> dict[str, Any]:
    """pass@k of a run, with the interval of pass@1, and the same for each task where there are several."""
    parts = parts_of(records, strict)
    tasks = list(dict.fromkeys(part.task for part in parts))
    by_task = {task: _task_score([part for part in parts if part.task == task], ks) for task in tasks}
    if not by_task:
        return {**{f"pass_at_{k}": None for k in ks}, "interval": None, "interval_method": NONE, "parts": 0, "programs": 0}
    if len(by_task) == 1:
        return next(iter(by_task.values()))
    whole: dict[str, Any] = {f"pass_at_{k}": _rounded(fmean(each[f"pass_at_{k}"] for each in by_task.values())) for k in ks}
    edges, method = _mean_of_tasks(parts, tasks)
    mean: dict[str, Any] = {"interval": edges, "interval_method": method, "programs": _programs(parts), "mean_over": tasks}
    return {**whole, **mean, "by_task": by_task}


def _task_score(parts: Sequence[Part], ks: Sequence[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for k in ks:
        found[f"pass_at_{k}"] = percent(math.fsum(part.estimate(k) for part in parts), len(parts))
    edges, method = interval(parts)
    return {**found, "interval": edges, "interval_method": method, "parts": len(parts), "programs": _programs(parts)}


def _programs(parts: Sequence[Part]) -> int:
    return len({part.program for part in parts})


def interval(parts: Sequence[Part]) -> tuple[list[float], str]:
    """The interval of pass@1 in percent, and its method."""
    if all(part.n == 1 for part in parts) and _programs(parts) == len(parts):
        return _edges(wilson(sum(part.right for part in parts), len(parts))), WILSON
    return _cluster_interval(_clusters(parts))


def share_score(clusters: Sequence[Sequence[float]]) -> dict[str, Any]:
    """A mean of values from 0 to 1: "percent", "interval", "interval_method", of how many values ("count") and "programs".

    Args:
        clusters: for each program its values; none of them empty.
    """
    values = [value for cluster in clusters for value in cluster]
    if not values:
        return {"percent": None, "interval": None, "interval_method": NONE, "count": 0, "programs": 0}
    if len(values) == len(clusters) and set(values) <= {0.0, 1.0}:
        edges, method = _edges(wilson(sum(values), len(values))), WILSON
    else:
        edges, method = _cluster_interval(clusters)
    total = percent(math.fsum(values), len(values))
    return {"percent": total, "interval": edges, "interval_method": method, "count": len(values), "programs": len(clusters)}


def own_scores(scores: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, dict[str, Any]]:
    """The scores of `Benchmark.own_scores` with their intervals, by name."""
    return {name: share_score(clusters) for name, clusters in scores.items()}


def _cluster_interval(clusters: Sequence[Sequence[float]]) -> tuple[list[float], str]:
    if len({value for cluster in clusters for value in cluster}) == 1:  # every resample would be the same
        return _edges(wilson(clusters[0][0] * len(clusters), len(clusters))), UNVARIED
    return _edges(bootstrap(clusters)), BOOTSTRAP


def _clusters(parts: Sequence[Part]) -> list[list[float]]:
    clusters: dict[int, list[float]] = {}
    for part in parts:
        clusters.setdefault(part.program, []).append(part.estimate(1))
    return list(clusters.values())


def _mean_of_tasks(parts: Sequence[Part], tasks: Sequence[str]) -> tuple[list[float], str]:
    """The interval of the mean over tasks, from what each program with all of its parts contributes to it.

    A task whose parts are all right or all wrong shows no spread, and is not certain for that: it adds the spread of its Wilson interval.
    """
    means = {task: fmean([part.estimate(1) for part in parts if part.task == task]) for task in tasks}
    counts = Counter(part.task for part in parts)
    moves: dict[int, float] = {}
    for part in parts:
        move = (part.estimate(1) - means[part.task]) / counts[part.task] / len(tasks)
        moves[part.program] = moves.get(part.program, 0.0) + move
    middle, spread = fmean(means.values()), math.fsum(move * move for move in moves.values())
    if spread == 0:
        return _edges(wilson(middle * len(moves), len(moves))), UNVARIED
    for task in tasks:
        if means[task] in (0.0, 1.0):
            low, high = wilson(means[task] * (count := len({part.program for part in parts if part.task == task})), count)
            spread += ((high - low) / 2 / Z / len(tasks)) ** 2
    half = Z * math.sqrt(spread)
    return _edges((max(0.0, middle - half), min(1.0, middle + half))), DELTA


def slices(records: Sequence[ItemResult]) -> list[dict[str, Any]]:
    """pass@1 of both verdicts for each value of each property, for each task."""
    verdicts = {name: parts_of(records, name == "strict") for name in ("official", "strict")}
    found: dict[tuple[str, str, str], dict[str, list[Part]]] = {}
    for name, parts in verdicts.items():
        for part in parts:
            for prop, value in records[part.item].item.slices.items():
                found.setdefault((prop, value, part.task), {}).setdefault(name, []).append(part)
    rows = []
    for (prop, value, task), scores in sorted(found.items(), key=lambda pair: _place(*pair[0])):
        row: dict[str, Any] = {"property": prop, "value": value, "task": task, "parts": len(scores.get("official", []))}
        for name, parts in scores.items():
            row[name] = {
                "pass_at_1": percent(math.fsum(part.estimate(1) for part in parts), len(parts)),
                **_slice_interval(parts),
            }
        rows.append(row)
    return [row for row in rows if row["parts"] >= _MIN_ITEMS]


def _place(prop: str, value: str, task: str) -> tuple[int, str, str, tuple[int, str]]:
    return FEATURE_ORDER.index(prop) if prop in FEATURE_ORDER else len(FEATURE_ORDER), prop, task, order_of(value)


def _slice_interval(parts: Sequence[Part]) -> dict[str, Any]:
    if all(part.n == 1 for part in parts) and _programs(parts) == len(parts):
        return {"interval": _edges(wilson(sum(part.right for part in parts), len(parts))), "interval_method": WILSON}
    means = [fmean(cluster) for cluster in _clusters(parts)]
    return {"interval": _edges(normal_interval(means)), "interval_method": NORMAL}


def disagreements(records: Sequence[ItemResult]) -> list[str]:
    """Ids of the items of which some sample is right by one verdict and wrong by the other."""
    return [record.item.id for record in records if any(differs(mark) for sample in record.marks for mark in sample)]


def differs(mark: Any) -> bool:
    """Whether the two verdicts of a grade differ."""
    return mark.official is not None and mark.strict is not None and mark.official != mark.strict


def pass_at_1(records: Sequence[ItemResult], strict: bool) -> dict[str, float]:
    """pass@1 of a run, of all and of each task where there are several; without intervals."""
    parts = parts_of(records, strict)
    tasks = list(dict.fromkeys(part.task for part in parts))
    found = {}
    for task in tasks:
        of_task = [part.estimate(1) for part in parts if part.task == task]
        found[task] = percent(math.fsum(of_task), len(of_task))
    whole = _rounded(math.fsum(found.values()) / max(1, len(found)))
    return {"all": whole, **found} if len(found) > 1 else {"all": whole}


def constant_baselines(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """The scores of constant answers, and the best one for each task and verdict.

    Args:
        scores: for each constant, {"official": ..., "strict": ...}, as `pass_at_1` gives them.
    """
    table = {text: {name: dict(of) for name, of in both.items()} for text, both in scores.items()}
    best: dict[str, Any] = {}
    for name in ("official", "strict"):
        for task in dict.fromkeys(task for both in table.values() for task in both[name]):
            text = max(table, key=lambda text: (table[text][name].get(task, -1.0), -list(table).index(text)))
            best.setdefault(name, {})[task] = {"answer": text, "pass_at_1": table[text][name][task]}
    return {"answers": table, "best": best}


def rows_of(records: Sequence[ItemResult]) -> list[dict[str, Any]]:
    """Each item's verdicts: a string with a letter for each sample and part (1 right, 0 wrong, x not counted, ? not graded)."""
    letters: dict[tuple[bool | None, bool], str] = {(True, True): "1", (False, True): "0"}

    def verdict_letters(record: ItemResult, verdict: Callable[[Any], tuple[bool | None, bool]]) -> list[str]:
        return [
            "".join("?" if verdict(m)[0] is None else letters.get(verdict(m), "x") for m in (s[part] for s in record.marks))
            for part in range(len(record.item.tasks))
        ]

    rows = []
    for record in records:
        row: dict[str, Any] = {"id": record.item.id, "tasks": list(record.item.tasks)}
        row["official"] = verdict_letters(record, lambda mark: (mark.official, mark.included))
        row["strict"] = verdict_letters(record, lambda mark: (mark.strict, True))
        if record.error is not None:
            row["error"] = record.error
        rows.append(row)
    return rows


def program_numbers(records: Sequence[ItemResult]) -> list[int]:
    """For each item the number of its program, from 0 on."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(_program(record), len(numbers)) for record in records]


def count_programs(items: Iterable[Item]) -> int:
    """How many programs items are about."""
    return len({item.program or item.id for item in items})


def _program(record: ItemResult) -> str:
    return record.item.program or record.item.id


def programs_of(records: Sequence[ItemResult]) -> list[str]:
    """For each item a hash that items about the same program share, and no others; an item without a program has its own."""
    texts = map(_program, records)
    return [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16] for text in texts]


def percent(total: float, count: int) -> float:
    """A mean in percent, with four decimals."""
    return _rounded(100 * total / count) if count else 0.0


def _rounded(number: float) -> float:
    return round(number, 4)


def _edges(edges: tuple[float, float]) -> list[float]:
    return [round(100 * edge, 2) for edge in edges]
