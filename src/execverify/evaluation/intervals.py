"""Estimates, intervals and tests of scores.

SciPy is loaded by the tests alone. Wilson's interval is computed here: SciPy's takes whole counts, and the mean of items that are
partly right makes fractional ones.

>>> round(pass_at_k(10, 3, 1), 4), round(pass_at_k(10, 3, 5), 4)
(0.3, 0.9167)
>>> [round(edge, 4) for edge in wilson(8, 10)]
[0.4902, 0.9433]
>>> round(sign_test(1, 9), 6)
0.021484
"""

import functools
import math
import random
import warnings
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, quantiles, stdev
from typing import Any

from execverify.errors import EvaluationError

RESAMPLES = 2_000
"""Of a bootstrap."""

Z = 1.959963984540054
"""Standard errors of a 95% interval, to each side."""

Interval = tuple[float, float]


def _scipy_stats() -> Any:
    """SciPy's statistics; raises EvaluationError where it is not installed."""
    try:
        from scipy import stats
    except ImportError:
        raise EvaluationError("statistical tests need SciPy: pip install 'execverify[cli]'") from None
    return stats


def pass_at_k(n: int, right: int, k: int) -> float:
    """The unbiased estimate of the probability that one of k samples is right, from n samples (Chen et al. 2021, section 2.1)."""
    if not right:
        return 0.0
    if n - right < k:
        return 1.0
    return 1 - math.prod(1 - k / i for i in range(n - right + 1, n + 1))


def wilson(right: float, n: int) -> Interval:
    """Wilson's 95% interval of a proportion; `right` may be fractional."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = right / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def normal_interval(values: Sequence[float]) -> Interval:
    """A 95% interval of the mean of numbers from 0 to 1, by their standard error; Wilson's where they do not vary."""
    n = len(values)
    mean = fmean(values) if n else 0.0
    if n < 2 or not (spread := stdev(values)):
        return wilson(mean * n, n)
    half = Z * spread / math.sqrt(n)
    return max(0.0, mean - half), min(1.0, mean + half)


def bootstrap(clusters: Sequence[Sequence[float]], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """A 95% interval of the mean of all values: percentiles of the means over clusters drawn with replacement."""
    if not clusters:
        return 0.0, 1.0
    cuts = quantiles(_resampled_means(tuple(map(tuple, clusters)), seed, resamples), n=40, method="inclusive")
    return cuts[0], cuts[-1]


TaskSums = Mapping[str, tuple[float, float]]
"""Of what is drawn as one (the items of a program): for each task, the weighted sum of the items' numbers, and their weight."""


def mean_of_tasks(clusters: Iterable[TaskSums]) -> float:
    """The plain mean over tasks of the weighted means of their items; at least one item."""
    totals: dict[str, tuple[float, float]] = {}
    for cluster in clusters:
        for task, (value, weight) in cluster.items():
            before = totals.get(task, (0.0, 0.0))
            totals[task] = before[0] + value, before[1] + weight
    return fmean(value / weight for value, weight in totals.values())


def bootstrap_of_tasks(clusters: Sequence[TaskSums], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """A 95% interval of `mean_of_tasks`: percentiles of that mean over clusters drawn with replacement.

    A task that none of the drawn clusters has is left out of the mean of that draw.

    Args:
        clusters: one or more.
        seed: of the draws.
        resamples: how many draws.
    """
    tasks = list(dict.fromkeys(task for cluster in clusters for task in cluster))
    columns = [[[cluster.get(task, (0.0, 0.0))[place] for cluster in clusters] for place in (0, 1)] for task in tasks]
    draw, places, means = random.Random(seed), range(len(clusters)), []
    for _ in range(resamples):
        drawn = draw.choices(places, k=len(places))
        sums = [[math.fsum(map(column.__getitem__, drawn)) for column in pair] for pair in columns]
        means.append(fmean(value / weight for value, weight in sums if weight))
    cuts = quantiles(means, n=40, method="inclusive")
    return cuts[0], cuts[-1]


@functools.lru_cache(maxsize=8)
def _resampled_means(clusters: tuple[tuple[float, ...], ...], seed: int, resamples: int) -> list[float]:
    """Means of all values, each over as many clusters drawn with replacement."""
    draw, count = random.Random(seed), len(clusters)
    if all(len(cluster) == 1 for cluster in clusters):
        values = [cluster[0] for cluster in clusters]
        return [fmean(draw.choices(values, k=count)) for _ in range(resamples)]
    sums = [(math.fsum(cluster), len(cluster)) for cluster in clusters]
    means = []
    for _ in range(resamples):
        drawn = draw.choices(sums, k=count)
        means.append(math.fsum(total for total, _ in drawn) / max(1, sum(size for _, size in drawn)))
    return means


def mean_with_interval(values: Sequence[float]) -> tuple[float, Interval | None]:
    """The mean with Student's 95% interval; no interval for one value, or where all are equal.

    Raises:
        EvaluationError: SciPy is not installed.
    """
    mean = fmean(values)
    if not _varies(values):
        return mean, None
    stats = _scipy_stats()
    low, high = stats.t.interval(0.95, len(values) - 1, mean, stats.sem(values))
    return mean, (float(low), float(high))


def halves_difference(values: Sequence[float]) -> tuple[float, Interval | None]:
    """The mean of the last half of a series less that of its first half, with Welch's 95% interval.

    Args:
        values: two or more; the one in the middle of an odd number is in the last half.

    Returns:
        The difference; and its interval, None where a half has one value, or no half varies.

    Raises:
        EvaluationError: SciPy is not installed.
    """
    before, after = values[: len(values) // 2], values[len(values) // 2 :]
    difference = fmean(after) - fmean(before)
    if len(before) < 2 or not (_varies(before) or _varies(after)):
        return difference, None
    stats = _scipy_stats()
    with warnings.catch_warnings():  # SciPy doubts a half without spread; the other half has some
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.ttest_ind(after, before, equal_var=False).confidence_interval(0.95)
    return difference, (float(found.low), float(found.high))


def paired_t_test(differences: Sequence[float]) -> float | None:
    """The two-sided p-value of Student's paired test.

    Args:
        differences: one for each pair.

    Returns:
        1.0 where all differences are zero; None for one difference, or where all are the same other number, as their spread is
        then unknown.

    Raises:
        EvaluationError: SciPy is not installed.
    """
    if not _varies(differences):
        return 1.0 if len(differences) > 1 and abs(fmean(differences)) <= 1e-12 else None
    return float(_scipy_stats().ttest_1samp(differences, 0.0).pvalue)


def _varies(values: Sequence[float]) -> bool:
    """Whether values differ by more than the rounding of sums."""
    return len(values) > 1 and stdev(values) >= 1e-12 * math.sqrt(len(values))


def sign_test(worse: int, better: int) -> float:
    """The two-sided p-value of the exact sign test. On pairs of single answers, right or wrong, this is McNemar's exact test.

    Args:
        worse: pairs of which the first is better.
        better: pairs of which the second is better.

    Raises:
        EvaluationError: SciPy is not installed.
    """
    n = worse + better
    return float(_scipy_stats().binomtest(min(worse, better), n).pvalue) if n else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for multiple tests by Holm's method, in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
