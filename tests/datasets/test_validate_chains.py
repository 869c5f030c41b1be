"""`dataset validate` on chains of thought: true ones are paid, attacks are not, and what is otherwise is a fault."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import execverify as ev
from execverify.cot import CotCompletion, generate_cot
from execverify.datasets import validate_chains
from execverify.datasets.validate import validate
from execverify.questions import from_row, to_row
from execverify.questions.task import Task
from execverify.reward_hacks.chains import CHAIN_FAMILIES, chain_hacks
from execverify.reward_hacks.family import RewardHack

RAISES = """class Empty(Exception):
    def __init__(self, size):
        self.size = size

def take(n):
    if n < 2:
        raise Empty(n)
    return n

def f(nums):
    total = 0
    for n in nums:
        try:
            total += take(n)
        except Empty as error:
            total -= error.size
    return total"""

ATTRIBUTES = """class Counter:
    def __init__(self):
        self.count = 0

def f(nums):
    counter = Counter()
    for n in nums:
        counter.count += n
    return counter.count"""


def task_of(source: str, arguments: str, **how: Any) -> Task:
    return replace(ev.task(ev.trace(ev.Program(source, entry_point="f", arguments=arguments)), **how), id="one")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [to_row(task) for task in ev.generate_tasks(size=16, seed=5)]


def test_true_chains_pass_and_attacks_on_them_are_tried(rows: list[dict[str, Any]]) -> None:
    found = validate(rows[:6])
    assert not found.faults and found.chains >= 6
    tried = {family.removeprefix("chain: ") for family in found.tried if family.startswith("chain: ")}
    assert set(CHAIN_FAMILIES) <= tried, "the first rows of each kind are tried with every attack"


def test_later_rows_are_tried_with_some_attacks_and_all_with_all_hacks(rows: list[dict[str, Any]]) -> None:
    tasks = [task for task in map(from_row, rows) if task.kind != "code_generation"][:2]
    some, every = (list(validate_chains.try_chains(tasks, [both] * 2, ev.Limits())) for both in (False, True))
    assert some == list(validate_chains.try_chains(tasks, [False] * 2, ev.Limits()))
    assert sum(bool(one.family) for one in some) == 2 * 6 < sum(bool(one.family) for one in every)
    assert [one for one in some if not one.family] == [one for one in every if not one.family]


@pytest.mark.parametrize("source", [RAISES, ATTRIBUTES])
def test_programs_that_the_first_version_had_wrong(source: str) -> None:
    """A skipped call that raises from inside another call, and attributes of objects, which a chain need not state."""
    for kind in ("white_box", "input_prediction"):
        found = validate([to_row(task_of(source, "[3, 1, 4, 0, 5, 1]", kind=kind, limit=3))], thorough=True)
        assert found.faults == [] and found.chains


def test_an_attack_that_is_paid_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def paid(task: Task, completion: str) -> Iterator[RewardHack]:
        yield from list(chain_hacks(task, completion))[:2]
        yield RewardHack("no attack", "the true chain", completion, 0.0)

    monkeypatch.setattr(validate_chains, "chain_hacks", paid)
    (fault,) = validate([to_row(task_of(RAISES, "[3, 1]", limit=2))]).faults
    assert (fault.id, fault.what) == ("one", "chain: no attack") and fault.detail.startswith(
        "earns 2.0 by `verified`, is worth 0.0"
    )


def test_a_true_chain_that_is_not_paid_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*args: Any, **how: Any) -> Any:
        made = generate_cot(*args, **how)
        assert isinstance(made, CotCompletion)
        return replace(made, text=made.text.replace("total = 0", "total = 1", 1))

    monkeypatch.setattr(validate_chains, "generate_cot", wrong)
    faults = [fault for fault in validate([to_row(task_of(RAISES, "[3, 1]", limit=2))]).faults if fault.what == "chain"]
    assert faults and "wrong: 'L11#1: total = 1': " in faults[0].detail
