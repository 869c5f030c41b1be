"""The ablation: its conditions, its statistics against values computed otherwise, and one run of it on a model of some thousand weights."""

import json
import math
import random
import re
import statistics
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import TrainingError
from execverify.evaluation.run import evaluate
from execverify.reports.ablation import ablation_markdown
from execverify.reports.curves import CURVE_TITLES
from execverify.reports.evaluation import write_run
from execverify.training.ablation.conditions import CONDITIONS, select_conditions
from execverify.training.ablation.rollouts import rollout_comparisons
from execverify.training.ablation.summary import comparisons, mean_and_interval, p_over_seeds, summary
from execverify.training.checkpoints import ZERO_VARIANCE
from tests.helpers.tiny_training import preset


def test_every_condition_starts_from_one_before_it() -> None:
    names = [condition.name for condition in CONDITIONS]
    assert len(set(names)) == len(names)
    for at, condition in enumerate(CONDITIONS):
        assert condition.description and (condition.starts_from is None or condition.starts_from in names[:at])


def test_conditions_bring_what_they_need() -> None:
    assert [arm.name for arm in select_conditions(["white-box"], rl_unit_tests=True)] == ["base", "sft", "white-box"]
    assert [arm.name for arm in select_conditions(["extended-sft"], rl_unit_tests=True)] == [
        "base",
        "sft",
        "white-box",
        "extended-sft",
    ]
    assert {arm.stage for arm in select_conditions([], rl_unit_tests=False)} == {None, "sft", "rl_whitebox"}
    assert select_conditions([], rl_unit_tests=True) == list(CONDITIONS)
    with pytest.raises(TrainingError, match="there is no condition 'whitebox'"):
        select_conditions(["whitebox"], rl_unit_tests=True)


@pytest.mark.parametrize(
    ("values", "t"), [([1.0, 4.0], 12.706), ([20.0, 22.5, 30.0], 4.303), ([5.0, 6.0, 7.0, 8.0, 11.0], 2.776)]
)
def test_intervals_over_seeds_are_students(values: list[float], t: float) -> None:
    told = mean_and_interval(values)
    half = t * statistics.stdev(values) / math.sqrt(len(values))  # t from a printed table
    mean = statistics.fmean(values)
    assert told["mean"] == pytest.approx(mean, abs=0.01)
    assert told["interval"] == pytest.approx([mean - half, mean + half], abs=0.01)
    assert mean_and_interval([3.0])["interval"] is None
    assert mean_and_interval([2.0, 2.0, 2.0])["interval"] is None  # nothing tells how seeds spread


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of four conditions, answered by scripted models: what comes out is known."""
    out = tmp_path_factory.mktemp("runs")
    answers = {
        "base": "mock:empty",
        "sft": "mock:empty",
        "output-only": "mock:constant:Nil",
        "white-box": "mock:gold",
    }
    for arm, model in answers.items():
        run = evaluate("heldout", model, limit=24)
        for seed in (0, 1):
            write_run(out / f"seed-{seed}" / "evaluations" / arm / "held-out", run)
    return out


def test_the_figures_of_known_answers(runs: Path) -> None:
    found = summary(runs, ["base", "sft", "output-only", "white-box"], [0, 1])
    scores = found["scores"]["held-out"]
    tasks = ("output", "next_statement", "variable_state", "input", "mean of tasks")
    assert {task: (cells["base"]["mean"], cells["white-box"]["mean"]) for task, cells in scores.items()} == dict.fromkeys(
        tasks, (0.0, 100.0)
    )
    assert scores["variable_state"]["output-only"]["mean"] > 0 == scores["output"]["output-only"]["mean"]
    assert scores["output"]["white-box"]["seeds"] == [100.0, 100.0]
    assert found["baselines"]["held-out"]["variable_state"] == pytest.approx(
        scores["variable_state"]["output-only"]["mean"], abs=0.01
    )
    assert all(told["white-box"] == 100.0 for told in found["levels"]["held-out"].values())


def test_comparisons_pair_the_items(runs: Path) -> None:
    rows = summary(runs, ["base", "sft", "output-only", "white-box"], [0, 1])["comparisons"]
    by_name = {(row["task"], row["condition"], row["against"]): row for row in rows}
    best = by_name["output", "white-box", "sft"]
    assert (best["difference"], best["worse"], best["better"]) == (100.0, 0, best["items"])
    assert best["p_items"] == pytest.approx(2 * 0.5 ** best["items"], rel=0.01)  # all items on one side
    assert best["by_seed"] == {"0": 100.0, "1": 100.0} and best["p_items_holm"] >= best["p_items"]
    assert best["seeds_interval"] is None and best["p"] is None  # equal seeds tell nothing of how seeds spread
    assert ("output", "output-only", "white-box") not in by_name and ("output", "white-box", "output-only") in by_name
    none = by_name["input", "output-only", "sft"]
    assert (none["difference"], none["p"], none["p_items"]) == (0.0, 1.0, 1.0)


def test_every_claim_has_its_comparison() -> None:
    known = {arm.name: arm.compared_with for arm in CONDITIONS}
    assert all(set(against) < set(known) for against in known.values())
    for arm, against in (
        ("white-box", "output-only"), ("output-only", "sft"), ("white-box", "extended-sft"), ("white-box+unit-tests", "unit-tests"),
        ("per-component", "white-box"), ("control-flow", "white-box"), ("data-flow", "white-box"),
    ):  # fmt: skip
        assert against in known[arm]


def _results(shares: list[int]) -> dict[str, Any]:
    return {"item_grades": [{"id": str(at), "tasks": ["output"], "strict": [str(share)]} for at, share in enumerate(shares)]}


def test_the_chance_is_that_of_the_seeds() -> None:
    """Three seeds that differ by 10, 20 and 60 points: by Student's test that is no gain yet, however many items agree."""
    runs: dict[tuple[str, str, int], Any] = {}
    for seed, gained in ((4, 10), (5, 20), (9, 60)):
        runs["held-out", "sft", seed] = _results([0] * 100)
        runs["held-out", "white-box", seed] = _results([1] * gained + [0] * (100 - gained))
    (row,) = comparisons(runs, ["sft", "white-box"], [4, 5, 7, 9])
    values = [10.0, 20.0, 60.0]
    half = 4.303 * statistics.stdev(values) / math.sqrt(3)
    assert row["by_seed"] == {"4": 10.0, "5": 20.0, "9": 60.0} and row["difference"] == 30.0
    assert row["seeds_interval"] == pytest.approx([30 - half, 30 + half], abs=0.05)
    assert 0.1 < row["p"] < 0.2 and row["p_items"] < 1e-6 and (row["better"], row["worse"]) == (60, 0)
    (alone,) = comparisons(runs, ["sft", "white-box"], [4])
    assert alone["p"] is None and alone["seeds_interval"] is None and "p_holm" not in alone


def test_a_comparison_is_the_difference_of_the_scores() -> None:
    """An item of four parts counts four times, as it does in the score: 4 of 5 parts right, not 1 of 2 items."""

    def told(first: str, second: str) -> dict[str, Any]:
        rows = [("a", ["state"] * 4, first), ("b", ["state"], second)]
        return {"item_grades": [{"id": name, "tasks": tasks, "strict": list(answers)} for name, tasks, answers in rows]}

    runs: dict[tuple[str, str, int], Any] = {
        ("held-out", "sft", 1): told("0000", "0"),
        ("held-out", "white-box", 1): told("1111", "0"),
    }
    (row,) = comparisons(runs, ["sft", "white-box"], [1])
    assert (row["difference"], row["by_seed"], row["items"], row["better"]) == (80.0, {"1": 80.0}, 2, 1)


def test_items_that_all_differ_alike_have_an_interval() -> None:
    runs: dict[tuple[str, str, int], Any] = {
        ("held-out", "sft", 1): _results([0] * 20),
        ("held-out", "white-box", 1): _results([1] * 20),
    }
    (row,) = comparisons(runs, ["sft", "white-box"], [1])
    low, high = row["interval"]
    assert row["difference"] == high == 100.0 and 70 < low < 90


def test_models_that_are_equally_good_are_seldom_told_apart() -> None:
    """Conditions whose skill varies by 4 points from seed to seed, on 190 items: 5% of the trials find a difference, not more."""
    draw, found = random.Random(0), 0

    def score() -> float:
        skill = draw.gauss(0.3, 0.04)
        return sum(draw.random() < skill for _ in range(190)) / 190

    for _ in range(600):
        chance = p_over_seeds([score() - score() for _ in range(3)])
        found += chance is not None and chance < 0.05
    assert 0.02 < found / 600 < 0.08


def test_every_metric_that_is_plotted_has_its_title() -> None:
    assert ZERO_VARIANCE in CURVE_TITLES


def test_a_seed_that_is_missing_does_not_count(runs: Path) -> None:
    found = summary(runs, ["base", "white-box"], [0, 1, 7])
    assert found["scores"]["held-out"]["output"]["base"]["seeds"] == [0.0, 0.0]


@pytest.mark.filterwarnings("ignore")  # the engines' own
def test_one_ablation_from_nothing_to_its_pages(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="training needs the extra [train]")
    from execverify.training.ablation.run import Ablation

    said: list[str] = []
    small = preset(
        "rl_unit_tests.rows=0", "sft.tasks=0", "evaluation.tasks=0", "rl_whitebox.max_steps=2", "rl_whitebox.mini_batch_size=4"
    )
    out = tmp_path / "ablation"
    results = Ablation(small, [3], ["extended-sft"], out, 1, said.append).run()
    arms = ["base", "sft", "white-box", "extended-sft"]
    assert json.loads((out / "results.json").read_text(encoding="utf-8")) == results
    assert list(results["scores"]["held-out"]["output"]) == arms
    assert list(results["scores"]["held-out-sampled"]["output"]) == arms
    sampled = json.loads(
        (out / "seed-3" / "evaluations" / "sft" / "held-out-sampled" / "results.json").read_text(encoding="utf-8")
    )
    assert (sampled["sampling"]["n"], sampled["sampling"]["temperature"], sampled["sampling"]["seed"]) == (4, 1.0, 3)
    assert (
        results["stages"]["extended-sft"][0]["base"] == results["stages"]["white-box"][0]["base"]
    )  # both start from SFT's model
    table = (out / "table.md").read_text(encoding="utf-8")
    assert table == ablation_markdown(
        results, {one.name: one.description for one in select_conditions(["extended-sft"], rl_unit_tests=False)}
    )
    assert results["seeds"] == [3] and len(results["settings"]["with"]) == 1
    assert all(re.search(rf"^\| {arm} +\|", table, re.MULTILINE) for arm in arms) and "best constant answer" in table
    for name in ("curves.svg", "levels.svg"):
        assert (out / name).read_text(encoding="utf-8").startswith("<?xml")
    made = {path: path.stat().st_mtime_ns for path in out.rglob("model.safetensors")}
    said.clear()
    Ablation(small, [3], ["extended-sft"], out, 1, said.append).run()
    assert {path: path.stat().st_mtime_ns for path in out.rglob("model.safetensors")} == made
    assert not [line for line in said if "training" in line or "trains on" in line]
    more = Ablation(small, [3], ["output-only"], out, 1, said.append).run()  # a condition may be added: the others stay
    assert list(more["scores"]["held-out"]["output"]) == ["base", "sft", "output-only", "white-box", "extended-sft"]
    with pytest.raises(TrainingError, match="begun with other settings"):
        Ablation(preset("model.hidden=64"), [3], [], out, 1, said.append).run()
    assert any((out / "seed-3" / "evaluations").iterdir())


def test_rollouts_are_compared_by_update_in_the_second_half() -> None:
    def log(*values: float) -> list[dict[str, float]]:
        return [{"step": step, "execverify/output": value} for step, value in enumerate(values, 1)]

    logs = {"white-box": [log(0.9, 0.9, 0.25, 0.5), []], "output-only": [log(0.1, 0.1, 0.25, 0.25), log(1.0)]}
    (row,) = rollout_comparisons(logs, [0, 1])
    assert (row["metric"], row["condition"], row["against"], row["updates"]) == ("output", "white-box", "output-only", 2)
    assert (row["score"], row["score_against"], row["difference"], row["by_seed"]) == (37.5, 25.0, 12.5, {0: 12.5})
    assert row["interval"][0] < 0 < 25 < row["interval"][1]  # two updates: the interval is wide
    assert rollout_comparisons({"white-box": [log(0.5)], "output-only": [log(0.5)]}, [0]) == []
