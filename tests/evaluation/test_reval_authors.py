"""REval on the authors' own files, against the authors' own code: an account that owes nothing to ours.

Their repository has no licence, so nothing of it is here: EXECVERIFY_REVAL names a folder that holds it (https://github.com/r-eval/REval).
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from execverify.evaluation import Item, benchmark, evaluate
from execverify.evaluation.data import Source
from execverify.evaluation.reval.ground_truth import YES
from execverify.programs.program import split_lines
from execverify.questions.question import NO_NEXT_STATEMENT

REPOSITORY = os.environ.get("EXECVERIFY_REVAL", "")
FLOORS = {("YES", "coverage"): 53.74, ("-1", "path"): 58.66, ("Nil", "state"): 50.16}
"""Of the authors' code on all 3,152 probes, with the libraries of their time, on CPython 3.11."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path(REPOSITORY, "dynamics.py").is_file(), reason="EXECVERIFY_REVAL does not name a folder with r-eval/REval's files"
    ),
    pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="numpy is not installed: five of the programs need it"),
]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """By probe: covered, lines that follow, values."""
    out = tmp_path_factory.mktemp("authors") / "truth.json"
    script = Path(__file__).parents[1] / "external" / "reval_authors.py"
    subprocess.run([sys.executable, str(script), REPOSITORY, str(out)], check=True, timeout=600, capture_output=True)
    return {name: told for name, *told in json.loads(out.read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return benchmark("reval").items(Source(Path(REPOSITORY, "data"), workers=2, imports=("numpy",)))


def of_task(items: list[Item], task: str) -> list[Item]:
    return [item for item in items if item.reference.task == task]


def test_every_probe_is_asked_that_can_be(theirs: dict[str, list[Any]], items: list[Item]) -> None:
    assert len(theirs) == 3152
    here = {name for name, told in theirs.items() if told != [None]}
    asked = {item.reference.group for item in of_task(items, "coverage")}
    assert asked == here and len(here) >= 3_000
    left = of_task(items, "output")[0].reference.run.left.counts
    assert sum(count for why, count in left.items() if not why.startswith("the run: ")) <= 40  # values without a literal
    assert len(of_task(items, "output")) >= 670  # of 690


def test_the_official_truth_is_the_authors(theirs: dict[str, list[Any]], items: list[Item]) -> None:
    for item in items:
        probe = item.reference
        if probe.task == "output":
            continue
        covered, following, values = theirs[probe.group]
        lines = split_lines(probe.run.code)
        if probe.task == "coverage":
            assert (probe.official[0] == YES) is covered, item.id
        elif probe.task == "path":
            assert set(probe.official) == {lines[line - 1].strip() if line else NO_NEXT_STATEMENT for line in following}, item.id
        else:
            assert len(probe.official_values) == len(values or ()), item.id
            for ours, (kind, text) in zip(probe.official_values, values or (), strict=True):
                assert ours.type == kind and (ours.text is None or kind in ("set", "frozenset") or ours.text == text), item.id


def test_our_truth_differs_where_the_docs_say(theirs: dict[str, list[Any]], items: list[Item]) -> None:
    differing: dict[str, list[str]] = {"coverage": [], "path": [], "state": []}
    for item in items:
        probe = item.reference
        if probe.task == "output":
            continue
        covered, following, values = theirs[probe.group]
        lines = split_lines(probe.run.code)
        if probe.task == "coverage":
            same = (probe.texts[0] == YES) is covered
        elif probe.task == "path":
            known = {line.strip() for line in lines} | {NO_NEXT_STATEMENT}
            same = known.intersection(probe.texts) == {
                lines[line - 1].strip() if line else NO_NEXT_STATEMENT for line in following
            }
        else:
            same = {(value.type, value.text) for value in probe.values} == {(kind, text) for kind, text in values or ()}
        if not same:
            differing[probe.task].append(item.id)
    assert differing["coverage"] == []
    assert len(differing["path"]) <= 0.025 * len(theirs)
    assert len(differing["state"]) <= 0.07 * len(theirs)


def test_the_floors_are_the_authors(items: list[Item]) -> None:
    found = evaluate("reval", "mock:gold", data=Path(REPOSITORY, "data"), workers=2, imports=["numpy"]).results
    for (constant, task), floor in FLOORS.items():
        assert abs(found["baselines"]["answers"][constant]["official"][task] - floor) < 0.5
    assert found["strict"]["pass_at_1"] == 100.0
    assert found["failures"] == {"not_generated": 0, "not_judged": 0}
    right = {task: score["pass_at_1"] for task, score in found["official"]["by_task"].items() if task != "output"}
    assert right == found["extra_metrics"]["official_score_of_right_answers"]
    assert right["coverage"] == 100.0 and right["path"] > 98.0 and right["state"] > 93.0
