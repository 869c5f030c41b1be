"""The few formulas behind the figures, in plain Python.

>>> round(pass_at_k(10, 3, 1), 4), round(pass_at_k(10, 3, 5), 4)
(0.3, 0.9167)
>>> [round(edge, 4) for edge in wilson(8, 10)]
[0.4902, 0.9433]
>>> mcnemar(1, 9)
0.021484375
"""

import functools
import math
import random
from collections.abc import Sequence

RESAMPLES = 2_000
"""Of a bootstrap."""

Z = 1.959963984540054
"""Standard errors of a 95% interval, to each side."""

Interval = tuple[float, float]


def pass_at_k(n: int, right: int, k: int) -> float:
    """The unbiased estimate of the chance that one of k samples is right, from n samples (Chen et al. 2021, section 2.1)."""
    if not right:
        return 0.0
    if n - right < k:
        return 1.0
    missed = 1.0
    for i in range(n - right + 1, n + 1):
        missed *= 1 - k / i
    return 1 - missed


def wilson(right: float, n: int) -> Interval:
    """Wilson's 95% interval of a share."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = right / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(clusters: Sequence[Sequence[float]], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """A 95% interval of the mean of all values, by drawing whole clusters again (percentiles)."""
    if not clusters:
        return 0.0, 1.0
    means = resampled_means(tuple(map(tuple, clusters)), seed, resamples)
    return percentile(means, 0.025), percentile(means, 0.975)


@functools.lru_cache(maxsize=8)
def resampled_means(clusters: tuple[tuple[float, ...], ...], seed: int, resamples: int) -> list[float]:
    """Means of all values, each over as many clusters drawn with replacement; sorted."""
    draw, count = random.Random(seed), len(clusters)
    if all(len(cluster) == 1 for cluster in clusters):
        values = [cluster[0] for cluster in clusters]
        return sorted(math.fsum(draw.choices(values, k=count)) / count for _ in range(resamples))
    sums = [(math.fsum(cluster), len(cluster)) for cluster in clusters]
    means = []
    for _ in range(resamples):
        drawn = draw.choices(sums, k=count)
        means.append(math.fsum(total for total, _ in drawn) / max(1, sum(size for _, size in drawn)))
    return sorted(means)


def percentile(ordered: Sequence[float], share: float) -> float:
    """A percentile of sorted numbers, between the two nearest."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def normal(values: Sequence[float]) -> Interval:
    """A 95% interval of the mean of numbers from 0 to 1, by their standard error; Wilson's where they do not vary."""
    n = len(values)
    mean = math.fsum(values) / n if n else 0.0
    spread = math.fsum((value - mean) ** 2 for value in values)
    if n < 2 or spread == 0:
        return wilson(mean * n, n)
    half = Z * math.sqrt(spread / (n - 1) / n)
    return max(0.0, mean - half), min(1.0, mean + half)


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact test: the two-sided chance of so uneven a split of the pairs that differ, were both equally good."""
    n, few = only_first + only_second, min(only_first, only_second)
    if n == 0:
        return 1.0
    tail = ways = 1
    for i in range(1, few + 1):  # each binomial coefficient from the one before: `math.comb` takes minutes for 60,000 pairs
        ways = ways * (n - i + 1) // i
        tail += ways
    return min(1.0, float(2 * tail / 2**n))


def student(t: float, freedom: int) -> float:
    """The two-sided chance of a value of Student's t at least so far from zero (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = math.atan(abs(t) / math.sqrt(freedom))
    odd = freedom % 2
    inner, term = 0.0, math.cos(angle) if odd else 1.0
    for k in range(2 + odd, freedom + 1, 2):
        inner += term
        term *= (k - 1) / k * math.cos(angle) ** 2
    inside = 2 / math.pi * (angle + math.sin(angle) * inner) if odd else math.sin(angle) * inner
    return max(0.0, 1 - inside)


def student_quantile(freedom: int, chance: float = 0.05) -> float:
    """The value of Student's t whose two-sided chance is so small: standard errors of an interval, to each side."""
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if student(middle, freedom) > chance else (low, middle)
    return low


def holm(chances: Sequence[float]) -> list[float]:
    """Chances corrected for being several, by Holm's method; in the order given."""
    order = sorted(range(len(chances)), key=lambda index: chances[index])
    corrected, worst = [0.0] * len(chances), 0.0
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, (len(chances) - rank) * chances[index]))
        corrected[index] = worst
    return corrected
