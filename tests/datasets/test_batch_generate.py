"""Items made inside the sandbox are those that are made outside, whatever becomes of the process that makes them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from execverify.datasets.batch_generate import BatchGenerator, _sandbox
from execverify.datasets.chunks import lines_of
from execverify.datasets.config import DatasetConfig
from execverify.datasets.generate import ItemGenerator
from execverify.programs.input_mutation import iter_mutated_inputs, mutate_inputs
from execverify.programs.program import Program
from execverify.sandbox.run import sandbox
from execverify.tracing.coverage_runs import arguments_from_text, arguments_from_values

TEMPLATE = "$listing\n$questions\n"


def outside(recipe: DatasetConfig, indexes: range) -> list[bytes]:
    return [line for item in ItemGenerator(recipe).items(indexes) for line in lines_of(item)]


@pytest.mark.parametrize(
    "settings",
    [{}, {"inputs_per_program": 3}, {"kinds": ("input_prediction",), "levels": (5, 6)}, {"builtins": ("set.union", "sorted")}],
)
def test_what_is_made_inside_is_what_is_made_outside(settings: dict[str, Any]) -> None:
    recipe = DatasetConfig(seed=3, **settings)
    assert BatchGenerator(ItemGenerator(recipe)).lines(range(40, 88)) == outside(recipe, range(40, 88))


def test_a_template_of_ones_own_is_known_inside(tmp_path: Path) -> None:
    for kind in ("white_box", "input_prediction"):
        (tmp_path / f"{kind}.txt").write_text(f"mine: {kind}\n{TEMPLATE}")
    recipe = DatasetConfig(prompt_template=str(tmp_path))
    lines = BatchGenerator(ItemGenerator(recipe)).lines(range(4))
    assert lines == outside(recipe, range(4)) and any(b"mine: white_box" in line for line in lines)


def test_programs_of_a_benchmark_are_kept_out_as_they_are_outside(tmp_path: Path) -> None:
    (first,) = ItemGenerator(DatasetConfig()).items([2])
    file = tmp_path / "benchmark.py"
    file.write_text(first.tasks[0].program.source)
    recipe = DatasetConfig(decontaminate=(str(file),))
    lines = BatchGenerator(ItemGenerator(recipe)).lines(range(6))
    assert lines == outside(recipe, range(6)) and any(b'"excluded":{"benchmark.py":1}' in line for line in lines)


@pytest.mark.parametrize(
    "reply",
    [
        {"outcome": "timed_out", "detail": ""},
        {"outcome": "crashed", "detail": ""},
        {"outcome": "sandbox_error", "detail": ""},
        {"outcome": "returned", "made": [None, None], "seconds": {}, "checked": []},
    ],
)
def test_what_is_left_open_is_made_outside(reply: dict[str, Any]) -> None:
    recipe = DatasetConfig(seed=5)
    assert list(BatchGenerator(ItemGenerator(recipe))._lines_in([7, 8], reply)) == outside(recipe, range(7, 9))


@pytest.mark.parametrize("seed", range(3))
def test_an_error_inside_is_no_reason_to_be_slow(seed: int) -> None:
    """What fails inside is made outside, item by item: right, and many times slower. Nothing of the grammar's own may need that."""
    inside = BatchGenerator(ItemGenerator(DatasetConfig(seed=seed)))
    (reply,) = _sandbox().run_many([inside._job(list(range(96)))])
    assert (reply["outcome"], reply.get("detail")) == ("returned", None)
    assert reply["made"].count(None) == 0


def test_processes_outside_are_ended_when_nothing_is_left_open_any_more() -> None:
    inside = BatchGenerator(ItemGenerator(DatasetConfig(seed=5)))
    inside.lines(range(2))
    list(inside._lines_in([2], {"outcome": "crashed", "detail": ""}))
    assert sandbox()._forkserver is not None
    for start in range(3, 7):
        inside.lines(range(start, start + 1))
    assert sandbox()._forkserver is None
    assert list(inside._lines_in([2], {"outcome": "crashed", "detail": ""})) == inside.lines([2])


LEFT_OPEN = """
import json, sys
from execverify.datasets import batch_generate as inside
from execverify.datasets.generate import ItemGenerator
from execverify.datasets.config import DatasetConfig
from execverify.sandbox import worker
worker.snapshot_globals()
generator = inside.BatchGenerator(ItemGenerator(DatasetConfig(seed=5)))
job = {"setup": generator._setup, "indexes": [7, 8], "source": "", "output": 1_000}
told = [worker.run_in_context(inside.make, job)["made"]]
inside.may_be_nondeterministic = lambda program: True
told.append(worker.run_in_context(inside.make, job)["made"])
sys.__stdout__.write(json.dumps(told))
"""


def test_a_run_that_says_nothing_inside_leaves_its_item_open() -> None:
    """Whether a program varies cannot be told by one process alone. (Run apart: what runs programs puts modules back.)"""
    done = subprocess.run([sys.executable, "-c", LEFT_OPEN], capture_output=True, text=True, check=True)
    told, left_open = json.loads(done.stdout)
    assert [line.encode() for lines in told for line in lines] == outside(DatasetConfig(seed=5), range(7, 9))
    assert left_open == [None, None]


def test_arguments_by_value_are_those_by_text() -> None:
    source = "def f(xs, d, t, x):\n    return xs, d, t, x"
    program = Program(source, arguments="[[1, 2], [1, 2], []], {'a': [1.5, -0.0], 'b': [True, None]}, (1, 'é\\n'), -3")
    made = list(iter_mutated_inputs(program, 8))
    for text, values in zip(mutate_inputs(program, 8), made, strict=True):
        copies = arguments_from_values(*values)
        assert copies is not None
        first, second = copies(), copies()
        assert repr(first) == repr(arguments_from_text(text)())
        assert first[0] is not second[0]


def test_what_stands_twice_in_the_arguments_is_two_things() -> None:
    row = [1]
    copies = arguments_from_values([[row, row]], {})
    assert copies is not None
    ((one, other),) = copies()[0]
    assert one == other and one is not other


def test_sets_are_made_of_their_text() -> None:
    """A copy of a set may have another order than a set that was written down."""
    assert (
        arguments_from_values([{1, 2}], {}) is None
        and arguments_from_values([[{"a"}]], {}) is None
        and arguments_from_values([], {"x": frozenset()}) is None
    )
