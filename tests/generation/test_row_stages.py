"""Difficulty, teaching and questions from failures, by command, against a server that knows the right answers."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.datasets import DatasetConfig, build, read_rows
from execverify.generation.difficulty import DifficultyConfig, compare_predictors, parse_keep
from execverify.generation.funnel import Funnel, funnel_lines, read_funnel
from execverify.models import openai_compatible
from execverify.questions.rows import from_row
from tests.helpers.code_rows import RIGHT, double_row
from tests.helpers.command import Done, jsonl, run
from tests.helpers.faulty_openai_server import Handler, Misbehaving, misbehaving
from tests.helpers.writing_server import asked, say

ROWS = 24


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_compatible, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(openai_compatible, "MAX_WAIT", 0.05)
    monkeypatch.delenv("EXECVERIFY_API_KEY", raising=False)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rows") / "data"
    build(out, ROWS, DatasetConfig(seed=5, max_questions=3))
    return out


@pytest.fixture(scope="module")
def golds(rows: Path) -> dict[str, tuple[int, str]]:
    """By prompt: the place of the row, and a perfect completion."""
    return {row["prompt"][0]["content"]: (at, from_row(row).gold) for at, row in enumerate(read_rows(str(rows)))}


def knowing(golds: dict[str, tuple[int, str]], slow: float = 0.0) -> Any:
    """A model that is right in sample n of row i where n < i modulo 6."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(slow)
        at, gold = golds[body["messages"][0]["content"]]
        say(gold if body["seed"] < at % 6 else "I do not know.")(handler, body)

    return behave


def words(server: Misbehaving) -> tuple[str, ...]:
    return ("--model", server.url, "--model-arg", "model=m", "--concurrency", "8")


def test_pass_counts_are_written_and_rows_kept_by_them(rows: Path, golds: dict[str, tuple[int, str]], tmp_path: Path) -> None:
    out = tmp_path / "hard.parquet"
    with misbehaving(otherwise=knowing(golds)) as server:
        for _ in range(2):  # the second time from the store
            done = run("dataset", "difficulty", str(rows), "-o", str(out), "--samples", "4", "--keep", "0-2", *words(server))
            assert done.returncode == 0, done.stderr
        assert len(server.calls) == 4 * ROWS
        assert set(asked(server).values()) == {1}
        assert all((body["temperature"], body["top_p"]) == (1.0, 0.9) for _, body, _ in server.calls)
    kept = list(read_rows(str(out)))
    dropped = [json.loads(line) for line in (tmp_path / "hard.rejected.jsonl").read_text().splitlines()]
    assert len(kept) + len(dropped) == ROWS
    for row in [*kept, *dropped]:
        at, _ = golds[row["prompt"][0]["content"]]
        assert row["difficulty"]["pass_count"] == min(4, at % 6)
        assert row["difficulty"]["samples"] == 4
        assert ("stage" in row) == (min(4, at % 6) > 2)
    assert {(row["stage"], row["reason"]) for row in dropped} == {
        ("hard enough", "3 of 4 samples are right"),
        ("hard enough", "4 of 4 samples are right"),
    }
    funnel = json.loads((tmp_path / "hard.funnel.json").read_text())["funnel"]
    assert [(one["stage"], one["count"]) for one in funnel] == [
        ("asked", ROWS), ("answered", ROWS), ("judged", ROWS), ("hard enough", len(kept)),
    ]  # fmt: skip
    assert "Spearman" in done.stdout
    assert "string_share" in done.stdout


def test_difficulty_killed_and_resumed(rows: Path, golds: dict[str, tuple[int, str]], tmp_path: Path) -> None:
    def command(server: Misbehaving, name: str) -> list[str]:
        return [
            sys.executable, "-m", "execverify", "dataset", "difficulty", str(rows), "-o", str(tmp_path / f"{name}.jsonl"), "--samples",
            "4", "--keep", "0-2", *words(server),
        ]  # fmt: skip

    with misbehaving(otherwise=knowing(golds, 0.03)) as server:
        for calls in (5, 30):
            before = len(server.calls)
            with subprocess.Popen(command(server, "killed"), stderr=subprocess.DEVNULL, start_new_session=True) as running:
                while running.poll() is None and len(server.calls) < before + calls:
                    time.sleep(0.005)
                os.killpg(running.pid, signal.SIGKILL)
            assert not (tmp_path / "killed.jsonl").exists()
        assert subprocess.run(command(server, "killed"), capture_output=True).returncode == 0
        assert len(server.calls) <= 4 * ROWS + 2 * 8  # what was under way at a kill was never answered
        assert subprocess.run(command(server, "whole"), capture_output=True).returncode == 0
    for ending in (".jsonl", ".rejected.jsonl", ".funnel.json"):
        assert (tmp_path / f"killed{ending}").read_bytes() == (tmp_path / f"whole{ending}").read_bytes()


def test_a_model_teaches_by_rejection_sampling(rows: Path, golds: dict[str, tuple[int, str]], tmp_path: Path) -> None:
    out = tmp_path / "taught.jsonl"

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        at, gold = golds[body["messages"][0]["content"]]
        right = body["seed"] >= at % 4  # in the first try, the second, the third, or never
        say(gold if right else gold.replace("assert", "assert 1 +"))(handler, body)

    with misbehaving(otherwise=behave) as server:
        done = run("dataset", "add-cot", str(rows), "-o", str(out), "--tries", "3", *words(server))
        assert done.returncode == 0, done.stderr
        assert all(body["temperature"] == 0.6 for _, body, _ in server.calls)
        assert len(server.calls) == ROWS // 4 * (1 + 2 + 3 + 3)
    made = [json.loads(line) for line in out.read_text().splitlines()]
    by_id = {row["id"]: row for row in read_rows(str(rows))}
    assert len(made) == ROWS * 3 // 4
    for row in made:
        task = from_row(by_id[row["id"]])
        assert ev.score(task, row["completion"][0]["content"]).reward == 2.0
        assert row["style"] == "model"
        assert row["prompt"] == by_id[row["id"]]["prompt"]
    dropped = [json.loads(line) for line in (tmp_path / "taught.rejected.jsonl").read_text().splitlines()]
    assert {(row["stage"], row["reason"]) for row in dropped} == {("taught", "none of 3 tries is right")}
    assert "level 1:" in done.stderr


FAILING = "def double(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total"
RAISES = "def double(n):\n    return n['a']"


@pytest.fixture
def problems(tmp_path: Path) -> str:
    return jsonl(tmp_path / "problems.jsonl", double_row({"0": "0", "4": "8", "5": "10"}))


def answer(code: str) -> str:
    return f"<reasoning>x</reasoning>\n<answer>\n```python\n{code}\n```\n</answer>"


def test_failed_programs_are_asked_about(problems: str, tmp_path: Path) -> None:
    texts = [
        answer(FAILING),
        answer(RIGHT),
        answer(RAISES),
        "no",
        answer(FAILING),
        answer("import random\n" + FAILING.replace("i\n", "random.random()\n")),
    ]
    completions = jsonl(tmp_path / "c.jsonl", *({"id": "p", "completion": text} for text in texts))
    out = tmp_path / "failures.jsonl"
    done = run("dataset", "from-failures", problems, completions, "-o", str(out))
    assert done.returncode == 0, done.stderr
    (row,) = read_rows(str(out))
    task = from_row(row)
    assert (task.kind, task.program.source.strip(), task.program.arguments) == ("white_box", FAILING, "4")
    assert {question.kind for question in task.questions} == {"next_statement", "variable_state"}
    assert task.result.text == "6"  # what the failed program gives, and not what the test expects
    assert ev.score(task, task.gold).reward == 2.0
    dropped = [json.loads(line) for line in (tmp_path / "failures.rejected.jsonl").read_text().splitlines()]
    assert [(one["stage"], one["reason"]) for one in dropped] == [
        ("failed a test", "it passes every test"),
        ("ran", "its run: raised"),
        ("parsed", "the answer has no code"),
        ("new", "an earlier candidate is the same"),
        ("deterministic", "its run: nondeterministic"),
    ]


def test_failures_of_a_model(problems: str, tmp_path: Path) -> None:
    out = tmp_path / "failures.parquet"

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        say(answer(FAILING if body["seed"] == 2 else RIGHT))(handler, body)

    with misbehaving(otherwise=behave) as server:
        done = run("dataset", "from-failures", problems, "-o", str(out), "--samples", "4", *words(server))
        assert done.returncode == 0, done.stderr
        assert len(server.calls) == 4
    (row,) = read_rows(str(out))
    assert row["id"] == "p/failure-2"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("difficulty", "ROWS", "--keep", "0-3", "--model", "mock:empty"), "name a file with -o"),
        (("difficulty", "ROWS", "-o", "x.jsonl", "--keep", "3-0", "--model", "mock:empty"), "the least first"),
        (("difficulty", "ROWS", "-o", "x.jsonl", "--keep", "few", "--model", "mock:empty"), "write it like 0-3"),
        (("difficulty", "ROWS", "-o", "x.jsonl"), "--model is missing"),
        (
            ("difficulty", "ROWS", "-o", "x.jsonl", "--samples", "1000000000", "--model", "mock:empty"),
            "not in the range 1<=x<=10000",
        ),
        (("add-cot", "ROWS", "-o", "x.jsonl", "--tries", "1000000000", "--model", "mock:empty"), "not in the range 1<=x<=10000"),
        (
            ("from-failures", "ROWS", "-o", "x.jsonl", "--samples", "10001", "--model", "mock:empty"),
            "not in the range 1<=x<=10000",
        ),
        (("difficulty", "ROWS", "--model", "mock:empty"), "name a folder with --store"),
        (("difficulty", "ROWS", "-o", "-", "--model", "mock:empty"), "name a folder with --store"),
        (("add-cot", "ROWS", "-o", "-", "--model", "mock:empty"), "name a folder with --store"),
        (("from-failures", "ROWS", "-o", "x.jsonl"), "one of the two"),
        (("from-failures", "ROWS", "c.jsonl", "-o", "x.jsonl", "--model", "mock:empty"), "one of the two"),
    ],
)
def test_wrong_options(given: tuple[str, ...], message: str, rows: Path, tmp_path: Path) -> None:
    done = run("dataset", *(str(rows) if word == "ROWS" else word for word in given), cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_predictors() -> None:
    names = ("steps", "branches", "depth", "value_size", "result_size", "string_share")
    records = [
        {"row": {"difficulty": {"pass_count": 10 - n}}, "predictors": {**dict.fromkeys(names, 1.0), "steps": n}}
        for n in range(10)
    ]
    best, *others = compare_predictors(records, 3)
    assert (best.name, best.auc) == ("steps", 1.0)
    assert best.spearman == pytest.approx(-1.0)
    assert {(one.spearman, one.auc) for one in others} == {(None, 0.5)}


def test_ranges() -> None:
    assert parse_keep("0-3") == (0, 3)
    assert parse_keep("2") == (2, 2)
    assert DifficultyConfig().samples == 10


def test_a_funnel_counts() -> None:
    funnel = Funnel("rows", ("asked", "answered", "taught"))
    for stage, reason in (("", ""), ("answered", "late"), ("taught", "wrong"), ("taught", "wrong")):
        funnel.add(stage, reason)
    assert funnel.counts() == [("asked", 4), ("answered", 3), ("taught", 1)]
    entries = read_funnel(json.loads(json.dumps(funnel.plain())))
    assert entries == funnel.plain()
    assert funnel_lines(entries)[2] == ("taught", "1 row (33%)", "2 wrong")
    assert read_funnel("nonsense") == read_funnel([1, {"stage": "x"}]) == []
    with pytest.raises(ValueError, match="no stage"):
        funnel.add("elsewhere")


# ------------------------------------------------------------------------------------------------------- mistaken input

VERBS: dict[str, tuple[str, ...]] = {
    "difficulty": ("--samples", "1"), "add-cot": ("--tries", "1"), "from-failures": ("--samples", "1"),
}  # fmt: skip


def one_verb(verb: str, rows: Path, out: Path) -> Done:
    return run("dataset", verb, str(rows), "-o", str(out), *VERBS[verb], "--model", "mock:empty")


def one_line_of(done: Done) -> str:
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("execverify: ")]
    return line


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", ["rows.jsonl", "sub/../rows.jsonl", "link.jsonl"])
def test_the_input_is_never_the_output(verb: str, name: str, rows: Path, tmp_path: Path) -> None:
    given = Path(jsonl(tmp_path / "rows.jsonl", *read_rows(str(rows))))
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.jsonl").symlink_to(given)
    before, names = given.read_bytes(), sorted(tmp_path.rglob("*"))
    assert "is read and would be written" in one_line_of(one_verb(verb, given, tmp_path / name))
    assert (given.read_bytes(), sorted(tmp_path.rglob("*"))) == (before, names)


@pytest.mark.parametrize("verb", VERBS)
def test_rejected_rows_are_no_input_beside_themselves(verb: str, rows: Path, tmp_path: Path) -> None:
    given = Path(jsonl(tmp_path / "hard.rejected.jsonl", *read_rows(str(rows))))
    before = given.read_bytes()
    assert "hard.rejected.jsonl is read and would be written" in one_line_of(one_verb(verb, given, tmp_path / "hard.jsonl"))
    assert (given.read_bytes(), list(tmp_path.iterdir())) == (before, [given])


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("text", ["", "\n\n"])
def test_no_rows_are_one_line_and_no_file(verb: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(text)
    assert f"{tmp_path / 'rows.jsonl'} holds no rows" in one_line_of(
        one_verb(verb, tmp_path / "rows.jsonl", tmp_path / "out.jsonl")
    )
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize("verb", VERBS)
def test_rows_of_another_version_are_named(verb: str, rows: Path, tmp_path: Path) -> None:
    given = jsonl(tmp_path / "rows.jsonl", *({**row, "version": 99} for row in read_rows(str(rows))))
    assert "rows.jsonl:1 is of version 99" in one_line_of(one_verb(verb, Path(given), tmp_path / "out.jsonl"))
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_the_rows_of_one_verb_go_into_the_next(
    ending: str, rows: Path, golds: dict[str, tuple[int, str]], tmp_path: Path
) -> None:
    hard = tmp_path / f"hard{ending}"
    with misbehaving(otherwise=knowing(golds)) as server:
        assert run("dataset", "difficulty", str(rows), "-o", str(hard), "--samples", "2", *words(server)).returncode == 0
        done = run("dataset", "add-cot", str(hard), "-o", str(tmp_path / "taught.jsonl"), "--tries", "6", *words(server))
    assert done.returncode == 0, done.stderr
    funnel = json.loads((tmp_path / "taught.funnel.json").read_text())["funnel"]
    assert [one["stage"] for one in funnel] == ["asked", "answered", "judged", "hard enough", "asked", "answered", "taught"]
    (tmp_path / "hard.funnel.json").write_text("{")
    done = run("dataset", "add-cot", str(hard), "-o", str(tmp_path / "taught.jsonl"), "--model", "mock:empty")
    assert "hard.funnel.json, the funnel of" in one_line_of(done)
