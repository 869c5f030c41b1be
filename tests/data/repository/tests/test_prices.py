import pytest

import shop
from shop.prices import announce, cheapest, most_common, pairs, picked


@pytest.mark.parametrize(("names", "expected"), [(["tea"], 4), (["tea", "milk"], 6)])
def test_total(names, expected):
    assert shop.total(names) == expected


@pytest.mark.skipif(len("a") == 2, reason="never")
def test_discounted():
    assert shop.discounted(50, "staff") == 40
    assert shop.discounted(50) == 50
    with pytest.raises(KeyError):
        shop.discounted(1, "x")


def test_the_rest():
    assert cheapest(["tea", "milk"], key=len) == "tea"
    assert most_common(["a", "b", "a"]) == [("a", 2), ("b", 1)]
    assert list(pairs(["a", "b", "c"])) == [("a", "b"), ("b", "c")]
    assert picked(["a", "b", "c", "d", "e", "f"]) in "abcdef"


def test_announce(tmp_path):
    assert announce("tea") == "tea"


def test_announce_here():
    assert announce("tea") == "tea"
