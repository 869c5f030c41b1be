"""Code problems in PRIME's published shape become rows that both reward adapters judge; what is malformed is counted."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from execverify.datasets.code_problems import ImportReport, problem_rows
from execverify.datasets.published import programs_in
from execverify.datasets.rows_io import read_rows, write_rows
from execverify.errors import RowError
from execverify.questions.rows import from_row
from execverify.rewards.code.grade import unit_test_score
from execverify.rewards.code.record_formats.training_sets import by_source
from execverify.rewards.code.unit_tests import UnitTest, UnitTestFormat, UnitTests, parse_tests, questions_of, task_from_row
from execverify.rewards.code.unit_tests import tests_of_row as read_row
from execverify.rewards.trl import UnitTestReward
from execverify.rewards.verl import compute_score
from tests.helpers.command import run

SYSTEM = "\nYou have access to the following actions.\n\n[ASSESS]\n\n[OUTPUT]\n"
REQUEST = "\n\nWrite Python code to solve the problem. Present the code in \n```python\nYour code\n```\nat the end."


def record(problem: str, truth: Any, ability: str = "code", index: int = 0, **changes: Any) -> dict[str, Any]:
    """A record as the dataset's card shows it."""
    return {
        "data_source": "taco",
        "prompt": [{"content": SYSTEM, "role": "system"}, {"content": problem + REQUEST, "role": "user"}],
        "ability": ability,
        "reward_model": {"ground_truth": truth if isinstance(truth, str) else json.dumps(truth), "style": "rule"},
        "extra_info": {"index": index, "split": "train"},
        **changes,
    }


ADD = record("Read two numbers a line and print their sum.", {"inputs": ["1 2\n", "-3 3\n"], "outputs": ["3\n", "0\n"]}, index=1)
MAGIC = record(
    "Is n a power of 5 without 5^0?",
    {"fn_name": "isMagic", "inputs": [[5], [6], [25]], "outputs": [[1], [0], [1]]},
    index=2,
)
PAIR = record("Swap them.", {"fn_name": "swap", "inputs": [[1, "a"], [[2], None]], "outputs": [["a", 1], [None, [2]]]}, index=3)

ADD_ANSWER = "<answer>\n```python\na, b = map(int, input().split())\nprint(a + b)\n```\n</answer>"
HALF_ANSWER = "<answer>\n```python\nprint(3)\n```\n</answer>"
MAGIC_ANSWER = "<answer>\n```python\ndef isMagic(n):\n    return int(n in (5, 25, 125))\n```\n</answer>"
SWAP_ANSWER = "<answer>\n```python\ndef swap(a, b):\n    return b, a\n```\n</answer>"


def jsonl(path: Path, *records: Any) -> str:
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in records), encoding="utf-8")
    return str(path)


def made(source: str, **settings: Any) -> tuple[list[dict[str, Any]], ImportReport]:
    account = ImportReport()
    return list(problem_rows(source, account, **settings)), account


# ------------------------------------------------------------------------------------------------------------- what is made


def test_a_program_and_a_function_become_rows(tmp_path: Path) -> None:
    rows, account = made(jsonl(tmp_path / "eurus.jsonl", ADD, MAGIC, PAIR))
    assert [row["kind"] for row in rows] == ["code_generation"] * 3
    assert account.rows == {"stdin": 1, "call": 2} and account.tests == 7 and not account.drops
    prompt = rows[0]["prompt"][0]["content"]
    assert prompt.startswith("Read two numbers a line and print their sum.\n") and "Your code" not in prompt
    assert "<answer>" in prompt and "standard input" in prompt and [message["role"] for message in rows[0]["prompt"]] == ["user"]
    assert "`isMagic`" in rows[1]["prompt"][0]["content"]
    assert {row["generator"] for row in rows} == {"published/taco"} and len({row["id"] for row in rows}) == 3


def test_the_tests_are_those_of_the_ground_truth(tmp_path: Path) -> None:
    rows, _ = made(jsonl(tmp_path / "eurus.jsonl", ADD, MAGIC, PAIR))
    for row, its in zip(rows, (ADD, MAGIC, PAIR), strict=True):
        judged = by_source(parse_tests(its["reward_model"]["ground_truth"]), "taco")
        assert read_row(row) == judged == parse_tests(row) == parse_tests(its)


@pytest.mark.parametrize("name", ["rows.parquet", "rows.jsonl"])
def test_both_adapters_judge_them(tmp_path: Path, name: str) -> None:
    made_rows, _ = made(jsonl(tmp_path / "eurus.jsonl", ADD, ADD | {"prompt": MAGIC["prompt"]}, MAGIC, PAIR))
    write_rows(str(tmp_path / name), made_rows)
    rows = list(read_rows(str(tmp_path / name)))
    answers, worth = [ADD_ANSWER, HALF_ANSWER, MAGIC_ANSWER, SWAP_ANSWER], [1.05, 0.55, 1.05, 1.05]
    columns: dict[str, Any] = {key: [row[key] for row in rows] for key in rows[0]}
    assert UnitTestReward()(completions=answers, **columns) == worth
    for row, completion, reward in zip(rows, answers, worth, strict=True):
        assert compute_score("execverify/code_generation", completion, json.dumps(row))["score"] == reward
        assert unit_test_score(row, completion).reward == reward


def test_prompts_can_be_kept(tmp_path: Path) -> None:
    rows, _ = made(jsonl(tmp_path / "eurus.jsonl", ADD), keep_prompts=True)
    assert rows[0]["prompt"] == [{"role": m["role"], "content": m["content"]} for m in ADD["prompt"]]


def test_parquet_and_folders_are_read(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (tmp_path / "data").mkdir()
    math = record("1 + 1?", "2", ability="math", index=9)
    pq.write_table(pa.Table.from_pylist([ADD, math]), tmp_path / "data" / "train-00000-of-00002.parquet")
    pq.write_table(pa.Table.from_pylist([MAGIC]), tmp_path / "data" / "train-00001-of-00002.parquet")
    pq.write_table(pa.Table.from_pylist([PAIR]), tmp_path / "data" / "validation-00000-of-00001.parquet")
    rows, account = made(str(tmp_path))
    assert account.rows == {"stdin": 1, "call": 1} and account.not_code == {"math": 1} and account.records == 3
    held_out, _ = made(str(tmp_path), split="validation")
    assert [row["split"] for row in (*rows, *held_out)] == ["train", "train", "validation"]
    assert made(str(tmp_path / "data" / "validation-00000-of-00001.parquet"))[0][0]["id"] == held_out[0]["id"]


def test_they_open_with_datasets_beside_other_kinds(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    import execverify as ev

    rows, _ = made(jsonl(tmp_path / "eurus.jsonl", ADD, MAGIC))
    write_rows(str(tmp_path / "code.parquet"), rows)
    write_rows(str(tmp_path / "white.parquet"), [ev.to_row(task) for task in ev.generate_tasks(3)])
    files = [str(tmp_path / "code.parquet"), str(tmp_path / "white.parquet")]
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))["train"]
    assert Counter(loaded["kind"])["code_generation"] == 2
    columns = {name: loaded[name] for name in loaded.column_names}
    first = [row["kind"] == "code_generation" for row in loaded].index(True)
    rewards = UnitTestReward()(completions=[ADD_ANSWER] * len(loaded), **columns)
    assert rewards[first] == 1.05 and rewards.count(None) == 3


# ----------------------------------------------------------------------------------------------------------- what is malformed


def altered(change: Callable[[dict[str, Any]], Any]) -> Any:
    copy = json.loads(json.dumps(MAGIC))
    return change(copy) or copy


def malformed() -> Iterator[tuple[str, Any]]:
    truth = json.loads(MAGIC["reward_model"]["ground_truth"])

    def with_truth(value: Any) -> Any:
        text = value if isinstance(value, str) else json.dumps(value)
        return altered(lambda r: r["reward_model"].update(ground_truth=text))

    yield "it is no record", "not json {"
    yield "it is no record", [1, 2]
    yield "it names no ability", altered(lambda r: r.update(ability=""))
    yield "its prompt is no list of chat messages", altered(lambda r: r.update(prompt="Is n magic?"))
    yield "its prompt is no list of chat messages", altered(lambda r: r.update(prompt=[]))
    yield "its prompt is no list of chat messages", altered(lambda r: r["prompt"][1].update(content=None))
    yield "its prompt has no problem", altered(lambda r: r["prompt"].pop() and None)
    yield "its prompt has no problem", altered(lambda r: r["prompt"][1].update(content=REQUEST))
    yield "its text cannot be stored", altered(lambda r: r["prompt"][1].update(content="half \ud800"))
    yield "its tests cannot be read", altered(lambda r: r.pop("reward_model") and None)
    yield "it has no ground truth", altered(lambda r: r["reward_model"].update(ground_truth=None))
    yield "its tests cannot be read", with_truth("{'inputs': []}")
    yield "its tests cannot be read", with_truth("[1]")
    yield "its tests cannot be read", with_truth({"inputs": "1\n", "outputs": ["1"]})
    yield "its tests cannot be read", with_truth({"inputs": ["1\n"]})
    yield "its tests cannot be read", with_truth(truth | {"outputs": [[1]]})
    yield "its tests cannot be read", with_truth({"inputs": [], "outputs": []})
    yield "its tests cannot be read", with_truth({"inputs": [{"a": 1}], "outputs": ["1"]})
    yield "its tests cannot be read", with_truth({"inputs": [None], "outputs": ["1"]})
    yield "its tests cannot be read", with_truth(truth | {"fn_name": "not a name"})
    yield "its tests cannot be read", with_truth(truth | {"inputs": [5, 6, 25]})
    yield "none of its tests can be judged by", with_truth({"fn_name": "f", "inputs": [[1]], "outputs": [["x" * 200_000]]})
    yield "its tests contradict each other", with_truth({"inputs": ["1\n", "1\n"], "outputs": ["1", "2"]})
    yield "its text cannot be stored", with_truth('{"inputs": ["\\ud800"], "outputs": ["1"]}')


@pytest.mark.parametrize(("reason", "bad"), list(malformed()))
def test_what_is_malformed_is_counted_with_its_reason(tmp_path: Path, reason: str, bad: Any) -> None:
    rows, account = made(jsonl(tmp_path / "eurus.jsonl", ADD, bad, PAIR))
    assert [drop.reason for drop in account.drops] == [reason]
    assert len(rows) == 2 and account.records == 3
    assert account.drops[0].location.endswith("eurus.jsonl:2") and account.drops[0].detail


def test_a_problem_comes_once(tmp_path: Path) -> None:
    other_tests = record("Is n a power of 5 without 5^0?", {"fn_name": "isMagic", "inputs": [[125]], "outputs": [[1]]})
    rows, account = made(jsonl(tmp_path / "eurus.jsonl", MAGIC, MAGIC | {"data_source": "apps"}, other_tests))
    assert len(rows) == 2 and [drop.reason for drop in account.drops] == ["it is a duplicate of an earlier record"]


def test_tests_that_cannot_be_judged_are_left_out_and_counted(tmp_path: Path) -> None:
    truth = {"fn_name": "f", "inputs": [[1], [2]], "outputs": ["x" * 200_000, "y"]}
    rows, account = made(jsonl(tmp_path / "eurus.jsonl", record("Say y.", truth)))
    assert [question["text"] for question in rows[0]["questions"]] == ["2"]
    assert sum(account.left_out.values()) == 1 and account.tests == 1


# ------------------------------------------------------------------------------------------------------------ rows and verbs


def test_a_row_without_a_solution_is_a_problem_and_no_task(tmp_path: Path) -> None:
    (row,), _ = made(jsonl(tmp_path / "eurus.jsonl", MAGIC))
    problem = task_from_row(row)
    assert problem.id == row["id"] and problem.kind == "code_generation"
    with pytest.raises(RowError, match="no solution of its own"):
        from_row(row)
    with pytest.raises(RowError, match="version 9"):
        task_from_row(row | {"version": 9})
    for questions in ([], [{"kind": "riddle", "text": "1", "answers": ["1"]}]):
        with pytest.raises(RowError, match="unit tests"):
            task_from_row({**row, "questions": questions})
    for question in ({"text": "f(", "answers": ["1"]}, {"text": "1", "answers": []}, {"text": "1", "answers": ["x + 1"]}):
        with pytest.raises(RowError, match="unit test"):
            read_row(row | {"questions": [{"kind": "json_test", **question}]})


def test_tests_survive_a_row_in_every_form() -> None:
    forms = [
        UnitTests(UnitTestFormat.STDIN, (UnitTest("1\n", ("2\n",)),)),
        UnitTests(UnitTestFormat.CALL, (UnitTest("[1], 'a'", ("[1]", "1")),), "f", from_json=True),
        UnitTests(UnitTestFormat.CALL, (UnitTest("(1, 2)", ("{1: 2}",)),), "Solution.f"),
        UnitTests(UnitTestFormat.CALL, (UnitTest("1", ("2",)),), None, from_json=True),
        UnitTests(
            UnitTestFormat.STDIN,
            (UnitTest("1", ("2",)),),
            compare="tokens",
            time_limit=2.5,
            memory_limit=300_000_000,
            checker="print(1)",
        ),
        UnitTests(
            UnitTestFormat.ASSERT, (UnitTest("assert f(1)"),), "f", "import math", names=("g",), context="class Node:\n    pass"
        ),
        UnitTests(UnitTestFormat.ASSERT, (UnitTest("import numpy\nassert f(1)", needs=("numpy",)),), "f"),
    ]
    for tests in forms:
        row = {"kind": "code_generation", "program": {"entry_point": tests.entry_point}, "questions": questions_of(tests)}
        assert read_row(row) == tests


def test_the_verb_writes_rows_and_tells_what_became_of_the_records(tmp_path: Path) -> None:
    math = record("1 + 1?", "2", ability="math")
    source = jsonl(tmp_path / "eurus.jsonl", ADD, math, "{", MAGIC, PAIR)
    done = run("dataset", "import", source, "-o", str(tmp_path / "out.parquet"))
    assert done.returncode == 0, done.stderr
    for told in ("5 records", "1 tested by stdin, 2 tested by calls", "unit tests: 7, 2.3 a row", "1 math", "1 it is no record"):
        assert told in done.stderr, done.stderr
    assert len(list(read_rows(str(tmp_path / "out.parquet")))) == 3
    run(
        "dataset",
        "import",
        source,
        "-o",
        str(tmp_path / "one.jsonl"),
        "--limit",
        "1",
        "--split",
        "test",
        "--prompt-template",
        "short",
    )
    (row,) = read_rows(str(tmp_path / "one.jsonl"))
    assert row["split"] == "test" and "Think step by step" not in row["prompt"][0]["content"]
    completions = jsonl(tmp_path / "completions.jsonl", {"completion": HALF_ANSWER})
    scored = run("score", str(tmp_path / "one.jsonl"), completions, "--json")
    assert json.loads(scored.stdout)["reward"] == 0.55, scored.stderr
    refused = run("dataset", "validate", str(tmp_path / "one.jsonl"))
    assert refused.returncode == 2 and "no solution of its own" in refused.stderr


def test_mistakes_of_the_caller_are_one_line(tmp_path: Path) -> None:
    empty = jsonl(tmp_path / "math.jsonl", record("1 + 1?", "2", ability="math"))
    (tmp_path / "folder").mkdir()
    for words, told in (
        ((str(tmp_path / "nothing.jsonl"),), "no such file"),
        ((str(tmp_path / "folder"),), "no Parquet file whose name begins with train"),
        (("nothing",), "no such file; give a .jsonl or .parquet file, or a name on the hub"),
        ((empty,), "gave a row, and nothing was written"),
        ((empty, "--prompt-template", "brif"), "it must be one of authors, default, "),
    ):
        done = run("dataset", "import", *words, "-o", str(tmp_path / "out.parquet"))
        assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not (tmp_path / "out.parquet").exists()
    bad = run("dataset", "import", empty, "-o", str(tmp_path / "out.csv"))
    assert bad.returncode == 2


def test_without_a_network_the_hub_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")

    def refuse(*_: Any, **__: Any) -> Any:
        raise ConnectionError("no\nroute")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(RowError, match=r"could not be fetched from the hub \(ConnectionError: no route\): give its file"):
        made("PRIME-RL/Eurus-2-RL-Data")


def test_the_hub_gives_what_a_file_gives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split, streaming: iter([ADD, MAGIC]))
    assert made("PRIME-RL/Eurus-2-RL-Data")[0] == made(jsonl(tmp_path / "eurus.jsonl", ADD, MAGIC))[0]


# ------------------------------------------------------------------------------------------------- other formats, and checks

MBPP = {
    "task_id": 7,
    "text": "Add one.",
    "code": "def f(n):\n    return n + 1",
    "test_list": ["assert f(1) == 2", "assert f(3) == 4"],
}
IDLE = MBPP | {"task_id": 8, "text": "Add 1.", "test_list": ["assert f(1) == 2", "assert (f(1) == 3, 'message')"]}
WRONG = MBPP | {"task_id": 9, "text": "Add two.", "test_list": ["assert f(1) == 3"]}


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.jsonl.gz", "rows.json.gz"])
def test_lines_arrays_and_gzip_are_read(tmp_path: Path, name: str) -> None:
    text = json.dumps([MBPP, ADD]) if ".json." in f"{name}." else "".join(json.dumps(one) + "\n" for one in (MBPP, ADD))
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    rows, account = made(str(tmp_path / name))
    assert account.rows == {"assert": 1, "stdin": 1} and [row["generator"] for row in rows] == [
        "published/mbpp",
        "published/taco",
    ]
    assert unit_test_score(rows[0], "<answer>\n```python\ndef f(n):\n    return n + 1\n```\n</answer>").reward == 1.05


def test_a_small_file_that_unpacks_to_gigabytes_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bomb.jsonl.gz").write_bytes(gzip.compress(b" " * 200_000_000))
    with pytest.raises(RowError) as caught:
        made(str(tmp_path / "bomb.jsonl.gz"))
    assert "\n" not in str(caught.value)


def test_tests_are_checked_against_references(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "mbpp.jsonl", MBPP, IDLE, WRONG, ADD)
    rows, account = made(source, check=True)
    assert [len([q for q in row["questions"] if q["kind"] != "test_setting"]) for row in rows] == [2, 1, 2]
    assert {str(name): count for name, count in account.standings.items()} == {
        "solved by the reference": 2, "passed by nothing": 1, "no reference": 1,
    }  # fmt: skip
    assert [drop.reason for drop in account.drops] == ["a test of it is passed by nothing"]
    done = run("dataset", "import", source, "-o", str(tmp_path / "out.jsonl"), "--check")
    assert "checked: 2 solved by the reference" in done.stderr and "passed by anything" in done.stderr, done.stderr


def test_reference_solutions_become_programs(tmp_path: Path) -> None:
    tests = {
        "question": "x",
        "solution": "def g(a, b=0):\n    return [a, b]",
        "test": "def test_g():\n    assert g(1, b=2) == [1, 2]\n",
    }
    source = jsonl(tmp_path / "mixed.jsonl", MBPP, ADD, tests, "not JSON")
    found = [(one.entry_point, one.arguments, one.id) for one in programs_in(source)]
    assert found == [("f", "1", "7"), ("g", "1, b=2", "mixed:3")]
    with pytest.raises(RowError, match="no record of add has a function as its reference solution"):
        list(programs_in(jsonl(tmp_path / "add.jsonl", ADD)))
    plain = jsonl(tmp_path / "plain.jsonl", {"code": "def f(n):\n    return n", "input": "3", "id": "a"})
    assert [one.id for one in programs_in(plain)] == ["a"]
