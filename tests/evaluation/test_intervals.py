"""The formulas, against values from elsewhere and against brute force."""

import itertools
import math
import random
import statistics
import sys
import time

import pytest

from execverify.errors import EvaluationError
from execverify.evaluation import intervals as stats


@pytest.mark.parametrize(("n", "right", "k"), [(10, 0, 1), (10, 3, 1), (10, 3, 5), (10, 7, 5), (6, 6, 2), (5, 1, 5), (7, 2, 3)])
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(n: int, right: int, k: int) -> None:
    samples = [1] * right + [0] * (n - right)
    draws = list(itertools.combinations(samples, k))
    assert stats.pass_at_k(n, right, k) == pytest.approx(sum(any(draw) for draw in draws) / len(draws))


def test_pass_at_k_of_fewer_samples_than_k() -> None:
    assert stats.pass_at_k(3, 1, 5) == 1.0  # upstream's rule, where samples were left out
    assert stats.pass_at_k(3, 0, 5) == 0.0


def test_the_difference_of_halves() -> None:
    difference, interval = stats.halves_difference([1.0, 2.0, 3.0, 4.0, 6.0, 8.0])
    assert difference == 4.0 and interval == pytest.approx((-0.1552, 8.1552), abs=1e-3)  # 2.94 degrees of freedom
    assert stats.halves_difference([1.0, 2.0, 3.0]) == (1.5, None)
    assert stats.halves_difference([1.0, 1.0, 1.0, 1.0]) == (0.0, None)


def test_wilson() -> None:
    assert stats.wilson(15, 100) == pytest.approx((0.0931, 0.2328), abs=1e-4)
    assert stats.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert stats.wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert stats.wilson(0, 0) == (0.0, 1.0)


def test_wilson_covers_what_it_should() -> None:
    draw = random.Random(1)
    hits = 0
    for _ in range(2_000):
        right = sum(draw.random() < 0.3 for _ in range(60))
        low, high = stats.wilson(right, 60)
        hits += low <= 0.3 <= high
    assert 0.93 < hits / 2_000 < 0.97


def test_the_bootstrap_is_as_wide_as_its_clusters_are_few() -> None:
    single = [[float(i % 2)] for i in range(400)]
    same_in_fours = [[float(i % 2)] * 4 for i in range(100)]
    low, high = stats.bootstrap(single)
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.01)
    wide_low, wide_high = stats.bootstrap(same_in_fours)
    assert 1.8 < (wide_high - wide_low) / (high - low) < 2.2
    assert stats.bootstrap(single) == (low, high), "the same again"


def test_the_sign_test() -> None:
    assert stats.sign_test(0, 0) == 1.0
    assert stats.sign_test(5, 5) == 1.0
    assert stats.sign_test(0, 5) == pytest.approx(2 / 2**5)
    assert stats.sign_test(10, 2) == pytest.approx(2 * (1 + 12 + 66) / 2**12)
    assert stats.sign_test(2, 10) == stats.sign_test(10, 2)
    assert 0 < stats.sign_test(100, 900) < 1e-100


def test_mcnemar_of_many_pairs_is_near_the_normal_and_quick() -> None:
    began = time.process_time()
    chance = stats.sign_test(30_000, 30_500)
    z = (500 - 1) / math.sqrt(60_500)
    assert chance == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)
    assert time.process_time() - began < 5


def test_holm() -> None:
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([0.9, 0.8]) == [1.0, 1.0]
    assert stats.holm([]) == []


@pytest.mark.parametrize(
    ("freedom", "t", "chance"),  # of a printed table
    [
        (1, 12.706, 0.05),
        (2, 4.303, 0.05),
        (3, 3.182, 0.05),
        (4, 4.604, 0.01),
        (5, 2.015, 0.1),
        (10, 2.228, 0.05),
        (29, 2.756, 0.01),
    ],
)
def test_student(freedom: int, t: float, chance: float) -> None:
    spread = [at - freedom / 2 for at in range(freedom + 1)]  # around zero
    error = statistics.stdev(spread) / math.sqrt(freedom + 1)
    values = [value + t * error for value in spread]
    assert stats.paired_t_test(values) == pytest.approx(chance, rel=2e-3)
    assert stats.paired_t_test([-value for value in values]) == pytest.approx(chance, rel=2e-3)
    assert stats.paired_t_test(spread) == pytest.approx(1.0)
    assert stats.paired_t_test([value + 1e9 for value in spread]) == pytest.approx(0.0, abs=1e-8)
    mean, interval = stats.mean_with_interval(values)
    assert interval is not None and sum(interval) / 2 == pytest.approx(mean) == pytest.approx(t * error)
    if chance == 0.05:
        assert interval == pytest.approx((0.0, 2 * mean), abs=1e-3 * error)


def test_equal_values_have_no_spread() -> None:
    third = 1 / 3
    assert stats.mean_with_interval([3.0]) == (3.0, None)
    assert stats.mean_with_interval([third] * 7)[1] is None
    assert (stats.paired_t_test([1.0]), stats.paired_t_test([0.5] * 3), stats.paired_t_test([0.0, 0.0])) == (None, None, 1.0)
    assert stats.normal_interval([third] * 7) == pytest.approx(stats.wilson(7 * third, 7))


def test_without_scipy_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(EvaluationError, match=r"need SciPy: pip install 'execverify\[cli\]'"):
        stats.sign_test(1, 2)
