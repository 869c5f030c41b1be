"""`execverify trace --pytest` and `--unittest`: a test of a repository as the call."""

import json
from pathlib import Path

import pytest

from tests.helpers.command import run

TESTS = Path(__file__).parents[1] / "data/repository/tests"


@pytest.mark.parametrize(
    "words",
    [
        ("--pytest", f"{TESTS}/test_basket.py::TestBasket::test_total"),
        (f"{TESTS}/test_basket.py", "--unittest", "TestBasket.test_total"),
    ],
)
def test_a_method_is_traced_with_the_modules_that_it_calls(words: tuple[str, ...]) -> None:
    done = run("trace", *words, "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["id"], row["outcome"]) == ("test_basket.py::TestBasket::test_total", "returned")
    assert [frame["function"] for frame in row["frames"]] == ["run_test_total", "test_total", "add", "total", "total"]


def test_each_set_of_parameters_is_traced() -> None:
    done = run("trace", "--pytest", f"{TESTS}/test_prices.py::test_total", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["id"], row["outcome"]) for row in rows] == [
        ("test_prices.py::test_total[names0-4]", "returned"),
        ("test_prices.py::test_total[names1-6]", "returned"),
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give FILE"),
        (("a.py", "--pytest", "a.py::test_x"), "give FILE"),
        (("--pytest", "a.py::test_x", "--call", "f()"), "give FILE"),
        (("--unittest", "TestX.test_x"), "give FILE"),
        (("--pytest", "lost.py::test_x"), "lost.py: no such file"),
    ],
)
def test_mistakes_are_named(words: tuple[str, ...], message: str) -> None:
    done = run("trace", *words)
    assert done.returncode == 2
    assert message in done.stderr
