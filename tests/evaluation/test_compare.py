"""Comparisons of runs, against a bootstrap in NumPy that shares no code with the package."""

import random
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from execverify.evaluation.answers import Answer
from execverify.evaluation.benchmark import Grade, Item, ItemResult
from execverify.evaluation.compare import compare
from execverify.evaluation.intervals import bootstrap_of_tasks, mean_of_tasks
from execverify.evaluation.metrics import score
from execverify.reports.comparison_page import comparison_page
from execverify.reports.evaluation import comparison_markdown

Row = Mapping[str, Any]
DRAWS = 6_000


def results(rows: Sequence[Row]) -> dict[str, Any]:
    """Results that hold what a comparison reads."""
    score = {"pass_at_1": 0.0}
    return {
        "benchmark": "b", "data": {"sha256": "d"}, "seed": 0, "model": {"name": "m"}, "style": "s", "sampling": {"n": 1},
        "items": len(rows), "official": score, "strict": score, "one_rule": True, "item_grades": list(rows),
        **({"item_programs": [row["program"] for row in rows]} if all("program" in row for row in rows) else {}),
    }  # fmt: skip


def row(id: str, program: str, **grades: str) -> Row:
    """An item whose tasks have the given letters, one a sample; a task of several parts has them with commas."""
    tasks = [(task, letters) for task, each in grades.items() for letters in each.split(",")]
    letters = [each for _, each in tasks]
    return {"id": id, "program": program, "tasks": [task for task, _ in tasks], "official": letters, "strict": letters}


def compared(first: Sequence[Row], second: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """The rows of the official verdict, by task; of one task, its row has both names here."""
    found = compare([("one", results(first)), ("two", results(second))])["comparisons"]
    tasks = {task for row in (*first, *second) for task in row["tasks"]}
    if len(tasks) == 1:
        assert {each["task"] for each in found} == {"all"}
        return {task: each for task in ("all", *tasks) for each in found if each["verdict"] == "official"}
    return {each["task"]: each for each in found if each["verdict"] == "official"}


def numpy_account(first: Sequence[Row], second: Sequence[Row], tasks: Sequence[str]) -> tuple[float, tuple[float, float]]:
    """The difference of the mean of the per-task means in points, and its interval over drawn programs. One sample a part."""
    programs = sorted({each["program"] for each in first})
    right, parts = (np.zeros((len(programs), len(tasks))) for _ in range(2))
    for ours, theirs in zip(first, second, strict=True):
        for place, task in enumerate(ours["tasks"]):
            if task in tasks:
                at = programs.index(ours["program"]), tasks.index(task)
                right[at] += int(theirs["official"][place]) - int(ours["official"][place])
                parts[at] += 1
    drawn = np.random.default_rng(7).integers(len(programs), size=(DRAWS, len(programs)))
    with np.errstate(invalid="ignore"):
        means = np.nanmean(right[drawn].sum(1) / parts[drawn].sum(1), axis=1)
    low, high = np.percentile(100 * means, [2.5, 97.5])
    return 100 * float((right.sum(0) / parts.sum(0)).mean()), (float(low), float(high))


def two_runs(seed: int, programs: int, rare: int) -> tuple[list[Row], list[Row]]:
    """Items of programs, some of them with several; the task `rare` is asked in the first few programs alone."""
    draw = random.Random(seed)
    runs: tuple[list[Row], list[Row]] = ([], [])
    for program in range(programs):
        better = draw.choice((0.3, 0.5, 0.9))
        for item in range(draw.randint(1, 4)):
            asked = {"output": 1, "state": draw.randint(1, 5), **({"rare": 2} if program < rare else {})}
            for rows, share in zip(runs, (0.4, better), strict=True):
                grades = {task: ",".join(str(int(draw.random() < share)) for _ in range(count)) for task, count in asked.items()}
                rows.append(row(f"{program}/{item}", f"p{program}", **grades))
    return runs


@pytest.mark.parametrize(("seed", "programs", "rare"), [(1, 40, 40), (2, 60, 12), (3, 25, 5)])
def test_the_interval_is_that_of_a_bootstrap_over_programs(seed: int, programs: int, rare: int) -> None:
    first, second = two_runs(seed, programs, rare)
    found = compared(first, second)
    for task, tasks in (("all", ["output", "state", "rare"]), ("state", ["state"]), ("output", ["output"])):
        difference, (low, high) = numpy_account(first, second, tasks)
        assert found[task]["difference"] == pytest.approx(difference, abs=1e-3)
        width = high - low
        assert found[task]["interval"] == pytest.approx([low, high], abs=0.08 * width), task
    assert found["all"]["programs"] == programs and found["all"]["items"] == len(first)
    assert found["rare"]["programs"] == rare


def test_items_of_one_program_are_drawn_together() -> None:
    first = [row(f"{program}/{item}", f"p{program}", output="0") for program in range(20) for item in range(10)]
    second = [
        row(each["id"], each["program"], output=str(int(each["program"] in ("p0", "p1", "p2", "p3", "p4")))) for each in first
    ]
    together = compared(first, second)["output"]
    alone = compared([{**each, "program": each["id"]} for each in first], [{**each, "program": each["id"]} for each in second])[
        "output"
    ]
    assert together["difference"] == alone["difference"] == 25.0
    widths = [edges[1] - edges[0] for edges in (together["interval"], alone["interval"])]
    assert 2.5 < widths[0] / widths[1] < 3.8, "ten equal items a program: as wide as the root of ten"
    assert (together["better"], together["worse"], together["p"]) == (5, 0, 0.0625), "five programs are better, not fifty items"
    old = [{key: value for key, value in each.items() if key != "program"} for each in first]
    later = [{key: value for key, value in each.items() if key != "program"} for each in second]
    assert compared(old, later)["output"]["interval"] == alone["interval"], "results without programs: an item is one"
    assert compared(old, second)["output"]["interval"] == compared(first, later)["output"]["interval"] == together["interval"]


def test_identical_runs_differ_from_0_to_0() -> None:
    first, _ = two_runs(4, 30, 3)
    for task in compared(first, first).values():
        assert (task["difference"], task["interval"], task["better"], task["worse"], task["p"]) == (0.0, [0.0, 0.0], 0, 0, 1.0)


def test_the_test_that_was_used_is_named() -> None:
    one = [row(name, name, output=str(at % 2)) for at, name in enumerate("abcd")]
    ten = [row(name, name, output="1101000110") for name in "abcd"]
    assert [compared(*runs)["all"]["test"] for runs in ((one, one), (one, ten), (ten, one), (ten, ten))] == ["McNemar"] + 3 * [
        "sign"
    ]
    parts = [row("a", "p", output="0,1"), row("b", "q", output="1")]
    shared = [row("a", "p", output="0"), row("b", "p", output="1")]
    tasks = [row("a", "p", output="0", rare="1"), row("b", "q", output="1")]
    assert (compared(parts, parts)["all"]["test"], compared(shared, shared)["all"]["test"]) == ("sign", "sign")
    assert {task: each["test"] for task, each in compared(tasks, tasks).items()} == {
        "all": "sign",
        "output": "McNemar",
        "rare": "McNemar",
    }
    head, *lines = [
        line for line in comparison_markdown(compare([("1", results(one)), ("10", results(ten))])).splitlines() if "|" in line
    ][4:]
    assert "McNemar" not in head and " p " in head and all("| sign " in line for line in lines[1:])


def test_runs_with_other_items_are_compared_on_those_of_both_and_that_is_told() -> None:
    first = [row(f"i{number}", f"i{number}", output=str(int(number < 4))) for number in range(40)]
    second = [row(f"i{number}", f"i{number}", output=str(int(number < 6))) for number in range(8)]
    found = compare([("one", results(first)), ("two", results(second))])
    assert found["warnings"] == ["one has 40 graded items and two 8: the comparison is on the 8 of both"]
    each = found["comparisons"][0]
    assert (each["first_score"], each["score"], each["difference"], each["items"]) == (50.0, 75.0, 25.0, 8)
    text = comparison_markdown(found)
    assert "items" in text.splitlines()[2] and "| 40" in text and "| 50.00 | 75.00 | +25.00 |" in text
    assert compare([("one", results(first)), ("again", results(first))])["warnings"] == []
    page = comparison_page(found, [("one", results(first)), ("two", results(second))])
    assert found["warnings"][0] in page and ">75.00<" in page


@pytest.mark.parametrize(("seed", "programs", "rare"), [(1, 40, 40), (3, 25, 5)])
def test_the_scores_of_a_row_add_up(seed: int, programs: int, rare: int) -> None:
    for each in compared(*two_runs(seed, programs, rare)).values():
        assert each["score"] - each["first_score"] == pytest.approx(each["difference"], abs=2e-4)


def test_a_task_of_one_program() -> None:
    first = [row("a", "p", output="0", rare="0"), row("b", "q", output="0"), row("c", "r", output="1")]
    second = [row("a", "p", output="0", rare="1"), row("b", "q", output="1"), row("c", "r", output="1")]
    found = compared(first, second)
    assert (found["rare"]["difference"], found["rare"]["interval"], found["rare"]["programs"]) == (100.0, [100.0, 100.0], 1)
    assert found["all"]["difference"] == pytest.approx(100 * (1 / 3 + 1) / 2, abs=1e-3)
    # Without p, the task is in no draw: the mean is that of the other task. All 27 draws: the least is r, r, r, the largest p, q, q.
    draws = [(x, y, z) for x in "pqr" for y in "pqr" for z in "pqr"]
    means = sorted(100 * fmean([sum(each == "q" for each in draw) / 3, *([1.0] if "p" in draw else [])]) for draw in draws)
    assert found["all"]["interval"] == pytest.approx([means[0], means[-1]], abs=0.01)


def test_runs_that_differ_everywhere_are_not_clipped() -> None:
    """Weights of items that were fixed let one program move the mean by more than there is."""
    first = [row("a", "p", output="0", rare="0"), *(row(f"b{n}", f"q{n}", output="0") for n in range(9))]
    second = [row("a", "p", output="1", rare="1"), *(row(f"b{n}", f"q{n}", output="1") for n in range(9))]
    found = compared(first, second)
    assert found["all"]["difference"] == 100.0 and found["all"]["interval"] == [100.0, 100.0]
    assert compared(second, first)["all"]["interval"] == [-100.0, -100.0]


def test_weighted_means_of_tasks() -> None:
    clusters = [{"a": (1.0, 2.0), "b": (0.0, 1.0)}, {"a": (1.0, 1.0)}]
    assert mean_of_tasks(clusters) == pytest.approx((2 / 3 + 0) / 2)
    assert bootstrap_of_tasks(clusters) == bootstrap_of_tasks(clusters), "the same again"
    assert bootstrap_of_tasks(clusters[:1]) == (0.25, 0.25)


def test_rounding_is_no_difference() -> None:
    """0.1 + 0.2 - 0.3 is not 0 for a computer."""
    first = [row("a", "p", output="1000000000"), row("b", "p", output="1100000000"), row("c", "p", output="1110000000")]
    second = [row("a", "p", output="1110000000"), row("b", "p", output="1100000000"), row("c", "p", output="1000000000")]
    found = compared(first, second)["output"]
    assert (found["better"], found["worse"], found["difference"], found["p"]) == (0, 0, 0.0, 1.0)


def asked(program: str, number: int, task: str, right: bool) -> ItemResult:
    """An item about a program, with one answer."""
    item = Item(f"{program}/{number}", (task,), ("1",), program, "f()", {})
    return ItemResult(item, ("",), (Answer("", ""),), ((Grade(right, right),),))


def test_intervals_of_a_run_draw_programs() -> None:
    draw = random.Random(5)
    easy = {f"p{place}": draw.random() < 0.5 for place in range(40)}  # all answers about a program are alike
    records = [asked(program, number, "state", right) for program, right in easy.items() for number in range(25)]
    low, high = score(records, True, (1,))["interval"]
    share = np.array(list(easy.values()), dtype=float)
    error = 100 * share.std(ddof=1) / np.sqrt(len(share))
    assert low == pytest.approx(100 * share.mean() - 1.96 * error, abs=2.5)
    assert high == pytest.approx(100 * share.mean() + 1.96 * error, abs=2.5)
    alone = [
        asked(f"{record.item.program}{number}", 0, "state", record.marks[0][0].strict is True)
        for number, record in enumerate(records)
    ]
    found = score(alone, True, (1,))
    assert found["interval_method"] == "Wilson" and found["interval"][1] - found["interval"][0] < (high - low) / 3
    both = score([*records, *(asked(program, 99, "output", right) for program, right in easy.items())], True, (1,))
    assert both["interval"][0] == pytest.approx(low, abs=2.5) and both["interval"][1] == pytest.approx(high, abs=2.5)


def test_a_task_that_never_varies_is_not_certain() -> None:
    varied = [asked(f"p{number}", 0, "state", number % 2 == 0) for number in range(400)]
    none = [asked(f"q{number}", 0, "path", False) for number in range(3)]
    low, high = score([*varied, *none], True, (1,))["interval"]
    assert high - low > 25, "Wilson's interval of 0 of 3 is 56 wide, and counts by half"
