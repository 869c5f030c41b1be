"""How much signal the gradients of a training have, from the dot products of the gradients of independent batches.

A batch's gradient is the true gradient plus noise. The noise of two batches is independent, so that the mean dot product of two batches
is the squared length of the true gradient, and the mean squared length of one batch is that plus the noise's. With `K` the matrix of
dot products, `o` the mean outside its diagonal and `d` the mean of its diagonal:

    signal / noise of one batch        o / (d - o)
    updates until signal = noise       (d - o) / o

The sum of n gradients has n times the ratio of one. Standard errors are by the jackknife over batches; they come out too large, by about
a half where there is no signal. Whether there is one is asked of another: without signal the dot products of two batches are
uncorrelated numbers around 0, so that their mean square gives the standard error of their mean.

>>> signal = gradient_signal([[5.0 if i == j else 1.0 for j in range(4)] for i in range(4)])
>>> signal.ratio, signal.error, round(signal.noise_error, 3), signal.updates
(0.25, 0.0, 0.102, 4)
>>> gradient_signal([[0.0] * 4] * 4)
GradientSignal(ratio=None, error=None, noise_error=None)
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

MIN_BATCHES = 4
"""Batches that are needed at least: with fewer no signal could be more than two standard errors of noise above 0."""

Matrix = Sequence[Sequence[float]]
"""Dot products: one row a batch, one column a batch."""

_ERRORS = 2.0  # standard errors to each side of an estimate


@dataclass(frozen=True, slots=True)
class GradientSignal:
    """Signal to noise of the gradient of one batch.

    Attributes:
        ratio: squared length of the true gradient by that of a batch's noise. It may come out below 0, as an estimate. None where
            there is no noise, which is where all gradients are 0.
        error: its standard error; None with the ratio.
        noise_error: the standard error that it has where there is no signal; None with the ratio.
    """

    ratio: float | None
    error: float | None
    noise_error: float | None

    @property
    def is_seen(self) -> bool:
        """Whether the ratio is more than two standard errors of noise above 0, which one reward in forty without signal is."""
        return self.ratio is not None and self.noise_error is not None and self.ratio > _ERRORS * self.noise_error

    @property
    def updates(self) -> int | None:
        """Updates until their sum has as much signal as noise; None where no signal is seen."""
        return _updates(self.ratio) if self.is_seen else None

    @property
    def updates_range(self) -> tuple[int | None, int | None]:
        """The same two standard errors to each side; None where there is no such number, as the ratio is not above 0 there."""
        if self.ratio is None or self.error is None:
            return None, None
        return _updates(self.ratio + _ERRORS * self.error), _updates(self.ratio - _ERRORS * self.error)


def _updates(ratio: float | None) -> int | None:
    return math.ceil(1 / ratio) if ratio is not None and ratio > 0 else None


def gradient_signal(gram: Matrix) -> GradientSignal:
    """Signal to noise of one batch.

    Args:
        gram: dot products of the gradients of `MIN_BATCHES` batches or more.
    """
    count = len(gram)
    ratio, error = _jackknife(count, lambda kept: _ratio(gram, kept))
    if ratio is None:
        return GradientSignal(None, None, None)
    squares = [[product * product for product in row] for row in gram]
    spread = math.sqrt(_mean_of_pairs(squares, range(count)) * 2 / (count * (count - 1)))
    return GradientSignal(ratio, error, spread / _noise(gram, range(count)))


def gradient_cosine(first: Matrix, second: Matrix, between: Matrix) -> tuple[float | None, float | None]:
    """The cosine of two true gradients, and its standard error; None where the signal of one of them comes out at 0 or below.

    Both errors of the lengths count, so that an estimate may exceed 1.

    Args:
        first, second: dot products of the gradients of each.
        between: of one with the other: a row for each batch of the first, a column for each of the second.
    """

    def cosine(kept: Sequence[int]) -> float | None:
        lengths = _mean_of_pairs(first, kept), _mean_of_pairs(second, kept)
        return _mean_of_pairs(between, kept) / math.sqrt(math.prod(lengths)) if min(lengths) > 0 else None

    return _jackknife(len(first), cosine)


def _jackknife(count: int, estimate: Callable[[Sequence[int]], float | None]) -> tuple[float | None, float | None]:
    """An estimate of all batches, and its standard error; no error where a part of the batches gives no estimate."""
    found = estimate(range(count))
    parts = [part for out in range(count) if (part := estimate([i for i in range(count) if i != out])) is not None]
    if found is None or len(parts) < count:
        return found, None
    middle = fmean(parts)
    return found, math.sqrt((count - 1) / count * math.fsum((part - middle) ** 2 for part in parts))


def _ratio(gram: Matrix, kept: Sequence[int]) -> float | None:
    noise = _noise(gram, kept)
    return _mean_of_pairs(gram, kept) / noise if noise > 0 else None


def _noise(gram: Matrix, kept: Sequence[int]) -> float:
    """The mean squared length of the noise of a batch."""
    return fmean(gram[i][i] for i in kept) - _mean_of_pairs(gram, kept)


def _mean_of_pairs(products: Matrix, kept: Sequence[int]) -> float:
    """The mean outside the diagonal."""
    return fmean(products[i][j] for i in kept for j in kept if i != j)


def advice(signal: GradientSignal, planned: float | None = None) -> str:
    """One line about what a reward's gradient allows.

    Args:
        signal: of the reward.
        planned: updates of this size that the training makes; None where it is not known.
    """
    if signal.ratio is None:
        return "no gradient: no group has variance"
    if signal.updates is None:
        return "no signal at this batch size"
    if planned is not None and signal.updates > planned:
        return f"more updates than the {planned:.0f} of this size that are planned"
    return "signal"
