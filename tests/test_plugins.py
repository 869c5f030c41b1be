"""One file outside the package adds one of each: a kind, a style, a reward, a benchmark, a record format, a trainer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import execverify as ev
from execverify.cot import STYLES, CotCompletion, generate_cot
from execverify.datasets import read_rows
from execverify.errors import ExecVerifyError
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.rewards import REWARDS
from execverify.utils.registry import PLUGINS
from tests.helpers.command import run
from tests.oracles.cot.checker import check_chain

ROOT = Path(__file__).parents[1]
SOURCE = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total"

USE = """
import json, execverify as ev
from execverify.cot import generate_cot
from execverify.evaluation import evaluate
from tests.oracles.cot.checker import check_chain
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.rewards import REWARDS, parse_tests
trace = ev.trace(ev.Program({source!r}, arguments="3"))
task = ev.task(trace, kinds=("visit_count", "next_statement"), limit=6, seed=0)
wrong = task.gold.replace(task.questions[0].answers[0], "77")
again = ev.from_row(json.loads(json.dumps(ev.to_row(task))))
print(json.dumps(dict(
    questions=[[one.kind, one.text, one.answers[0]] for one in task.questions],
    gold=ev.score(again, task.gold).reward,
    half=ev.score(task, task.gold, rule=REWARDS.get("half")).reward,
    parts=[str(part.verdict) for part in ev.score(task, wrong).parts],
    kinds=QUESTION_KINDS.names(),
    chains={{style: check_chain(generate_cot(task, trace, style=style).text, task, trace, style=style) for style in ("compact", "plain")}},
    shouted=generate_cot(task, trace, style="shouting").text.split("\\n")[1][:20],
    echo=evaluate("doubles", "echo:2").results["official"]["pass_at_1"],
    toys=any("toy += 1" in task.program.source for task in ev.generate_tasks(400, levels="4", kinds=("white_box",))),
    doubles=evaluate("doubles", "mock:gold").results["official"]["pass_at_1"],
    quiz=parse_tests({{"quiz": "double it", "quiz_call": "f(2)", "quiz_answer": "4"}}).entry_point,
)))
"""


def with_plugin(*words: str, code: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "execverify", *words]
    environment = {**os.environ, PLUGINS: "tests.helpers.toy_plugin", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300, check=False)


def test_one_file_adds_one_of_each() -> None:
    done = with_plugin(code=USE.format(source=SOURCE))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert ["visit_count", "How many times does line 4 run during the call? Answer with a whole number.", "3"] in found[
        "questions"
    ]
    assert found["gold"] == 2.0 and found["half"] == 1.0
    assert found["parts"][:2] == ["right", "wrong_answer"]
    assert found["kinds"] == ["next_statement", "variable_state", "visit_count"]
    assert found["chains"] == {"compact": [], "plain": []}
    assert found["shouted"].isupper()
    assert found["doubles"] == 100.0
    assert round(found["echo"], 1) == 33.3
    assert found["toys"] is True
    assert found["quiz"] == "f"


def test_the_command_line_and_its_workers_know_a_plugin(tmp_path: Path) -> None:
    program = tmp_path / "p.py"
    program.write_text(SOURCE + "\n")
    asked = with_plugin("ask", str(program), "--call", "f(3)", "--question-kinds", "visit_count", "--all")
    assert asked.returncode == 0, asked.stderr
    assert "How many times does line 4 run" in asked.stdout
    listed = with_plugin("evaluate", "--list")
    assert "doubles" in listed.stdout
    trained = with_plugin("train", "sft", "--preset", "tiny", "--trainer", "toy", "-o", str(tmp_path / "run"))
    assert "toy trainer: sft" in trained.stderr


def test_rows_of_a_plugins_kind_are_made_scored_and_validated(tmp_path: Path) -> None:
    (tmp_path / "programs.jsonl").write_text(json.dumps({"code": SOURCE, "input": "3", "id": "one"}) + "\n")
    rows, built = str(tmp_path / "rows.jsonl"), str(tmp_path / "built")
    kinds = ("--question-kinds", "visit_count", "--task-kinds", "white_box")
    made = with_plugin("dataset", "from-programs", str(tmp_path / "programs.jsonl"), "-o", rows, *kinds)
    assert made.returncode == 0, made.stderr
    row = json.loads(Path(rows).read_text())
    assert {question["kind"] for question in row["questions"]} == {"visit_count"}
    wrong = "<answer>assert f(3) == 3" + "\n77" * len(row["questions"]) + "</answer>"
    (tmp_path / "completions.jsonl").write_text(json.dumps({"id": row["id"], "completion": wrong}) + "\n")
    scored = with_plugin("score", rows, str(tmp_path / "completions.jsonl"), "--json")
    assert json.loads(scored.stdout)["reward"] == 1.0, scored.stderr
    validated = with_plugin("dataset", "validate", rows)
    assert validated.returncode == 0, validated.stdout + validated.stderr
    build = with_plugin("dataset", "build", "-o", built, "--size", "12", "--workers", "1", *kinds)
    assert build.returncode == 0, build.stderr
    found = [one for one in read_rows(built) if one["questions"]]
    assert len(found) == 12 and {question["kind"] for one in found for question in one["questions"]} == {"visit_count"}
    unknown = run("score", rows, str(tmp_path / "completions.jsonl"))
    assert unknown.returncode == 2 and "there is no question kind 'visit_count'" in unknown.stderr


def test_a_plugin_that_cannot_be_imported_is_one_line() -> None:
    environment = {**os.environ, PLUGINS: "no_such_module"}
    done = subprocess.run(
        [sys.executable, "-m", "execverify", "evaluate", "--list"], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip().count("\n") == 0 and "EXECVERIFY_PLUGINS names no_such_module" in done.stderr


def test_without_the_plugin_nothing_of_it_is_there() -> None:
    assert "visit_count" not in QUESTION_KINDS and "shouting" not in STYLES and "half" not in REWARDS
    with pytest.raises(ExecVerifyError, match="did you mean white_box"):
        REWARDS.get("white_bax")
    trace = ev.trace(ev.Program(SOURCE, arguments="3"))
    task = ev.task(trace, seed=1)
    chain = generate_cot(task, trace)
    assert isinstance(chain, CotCompletion) and check_chain(chain.text, task, trace) == []
