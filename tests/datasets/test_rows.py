"""Rows: a task written down and read back, what is refused in which words, and rows in files, JSONL and Parquet alike."""

import errno
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.datasets.rows_io import read_rows, write_rows
from execverify.errors import ExecVerifyError, RowError
from execverify.questions.question import KINDS
from execverify.questions.rows import VERSION, Row

COLUMNS = [
    "version",
    "id",
    "kind",
    "prompt",
    "program",
    "questions",
    "level",
    "constraint",
    "difficulty",
    "split",
    "seed",
    "generator",
]
PROGRAM_COLUMNS = ["source", "entry_point", "arguments", "result"]
QUESTION_COLUMNS = ["kind", "line", "visit", "variable", "text", "answers"]
DIFFICULTY_COLUMNS = ["steps", "branches", "depth", "pass_count", "samples"]
WHILE = """
def f(n, é="😀"):
    out = []
    while n > 4:
        n -= 3
        out.append(n / 2)
    return {"é\\n": out, "set": {n}}
"""


def tasks() -> list[ev.Task]:
    """A task of each kind, with and without what may be missing."""
    trace = ev.trace(ev.Program(WHILE, "f", "13"))
    everything: dict[str, Any] = {"level": 3, "constraint": "while", "split": "test", "seed": 7, "generator": "file:é.py"}
    return [
        ev.task(trace, limit=None, id="all/é", **everything),
        ev.task(trace, limit=0),
        ev.task(trace, kind="input_prediction", seed=2**62),
        ev.task(ev.trace(ev.Program("def f(x): return x", "f", "-0.0")), limit=3),
    ]


TASKS = tasks()


def base() -> Row:
    return ev.to_row(TASKS[0])


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(RowError) as caught:
        action()
    message = str(caught.value)
    assert message and len(message.splitlines()) == 1
    assert isinstance(caught.value, ExecVerifyError)
    return message


# ------------------------------------------------------------------------------------------------------ a row and a task


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.kind}, {len(task.questions)} questions")
def test_a_task_survives_being_written_down(task: ev.Task) -> None:
    row = ev.to_row(task)
    back = ev.from_row(row)
    assert back == task and ev.to_row(back) == row
    assert (back.gold, back.assertion) == (task.gold, task.assertion)
    assert ev.from_row(json.loads(json.dumps(row))) == task


def test_the_tasks_of_these_tests_are_of_all_sorts() -> None:
    assert {task.kind for task in TASKS} == {"white_box", "input_prediction"}
    assert {question.kind for question in TASKS[0].questions} == set(KINDS)
    assert {len(task.questions) for task in TASKS} >= {0}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_the_columns_are_exactly_these(task: ev.Task) -> None:
    row = ev.to_row(task)
    assert list(row) == COLUMNS
    assert list(row["program"]) == PROGRAM_COLUMNS and list(row["difficulty"]) == DIFFICULTY_COLUMNS
    assert all(list(question) == QUESTION_COLUMNS for question in row["questions"])
    assert all(list(message) == ["role", "content"] for message in row["prompt"])
    assert row["version"] == VERSION == 2


def plain(value: object) -> bool:
    """Whether a value is made of what JSON and Parquet both know, exactly."""
    if type(value) is dict:
        return all(type(key) is str and plain(part) for key, part in value.items())
    if type(value) is list:
        return all(map(plain, value))
    return value is None or type(value) in (str, int)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_a_row_is_made_of_plain_values(task: ev.Task) -> None:
    row = ev.to_row(task)
    assert plain(row)
    assert json.loads(json.dumps(row)) == row


def test_a_row_shares_nothing_with_its_task() -> None:
    row = base()
    row["prompt"][0]["content"] = "other"
    row["questions"].clear()
    assert base() != row and TASKS[0].questions


def test_the_columns_that_judging_does_not_need_may_be_missing() -> None:
    row = base()
    least = {"kind": row["kind"], "program": row["program"], "questions": row["questions"]}
    task = ev.from_row(least)
    assert (task.program, task.result, task.questions) == (TASKS[0].program, TASKS[0].result, TASKS[0].questions)
    assert ev.score(task, TASKS[0].gold) == ev.score(TASKS[0], TASKS[0].gold)
    nulls = dict.fromkeys(("prompt", "level", "constraint", "difficulty"))
    assert ev.from_row({**row, **nulls}).questions == TASKS[0].questions
    assert ev.from_row({**row, "questions": []}).questions == ()


def test_a_white_box_row_without_its_questions_is_refused() -> None:
    """Judged by its output alone, every answer to it would earn too much."""
    for row in (without(base(), "questions"), {**base(), "questions": None}):
        with pytest.raises(RowError, match="needs its questions"):
            ev.from_row(row)


def test_a_result_is_kept_in_its_canonical_form() -> None:
    row = ev.from_row(changed(program={**base()["program"], "result": " {3,1, 2} "}))
    assert row.result == ev.Value("set", "{1, 2, 3}")


# ------------------------------------------------------------------------------------------------------- what is no row


def changed(**columns: Any) -> Row:
    return {**base(), **columns}


def with_program(**fields: Any) -> Row:
    return changed(program={**base()["program"], **fields})


def with_question(**fields: Any) -> Row:
    return changed(questions=[{**base()["questions"][0], **fields}])


def without(row: Row, *path: str) -> Row:
    """The row without one of its fields."""
    *above, name = path
    inner = row
    for step in above:
        inner = inner[step][0] if step == "questions" else inner[step]
    del inner[name]
    return row


USELESS = "the row cannot be used: "
NO_ANSWERS = USELESS + "a question needs a list of answers, all text"
NO_QUESTION = USELESS + "a question needs a line and a visit that are numbers"
REFUSED: dict[str, tuple[Row, str]] = {
    "another version": (changed(version=1), "the row is of version 1, and this execverify reads version 2: make the rows again"),
    "no version": (changed(version=None), "the row is of version None, and this execverify reads version 2"),
    "a version in text": (changed(version="2"), "the row is of version 2, and this execverify reads version 2"),
    "another kind": (changed(kind="poem"), "the row's kind is 'poem': it must be white_box or input_prediction"),
    "no kind": (without(base(), "kind"), "the row's kind is None: it must be white_box or input_prediction"),
    "nothing": ({}, "the row's kind is None"),
    "no program": (without(base(), "program"), "the row is not whole: KeyError 'program'"),
    "no source": (without(base(), "program", "source"), "the row is not whole: KeyError 'source'"),
    "no arguments": (without(base(), "program", "arguments"), "the row is not whole: KeyError 'arguments'"),
    "no result": (without(base(), "program", "result"), "the row is not whole: KeyError 'result'"),
    "a null program": (changed(program=None), "the row is not whole: TypeError"),
    "a program in text": (changed(program="def f(): pass"), "the row is not whole: TypeError"),
    "a null result": (with_program(result=None), "NoneType"),
    "a result that is no literal": (with_program(result="f(3)"), USELESS + "is not a literal: it holds a call"),
    "a result that cannot be compared": (with_program(result="{float('nan')}"), USELESS + "its result is opaque (nan)"),
    "a result that is too long": (with_program(result="0x" + "f" * 9_000), USELESS + "its result is opaque (too long)"),
    "a source that is no Python": (
        with_program(source="def f(:"),
        USELESS + "the source is not Python at line 1: invalid syntax",
    ),
    "another entry point": (with_program(entry_point="g"), USELESS + "the source does not define 'g'; it defines f"),
    "arguments that do not fit": (
        with_program(arguments="1, 2, 3"),
        USELESS + "f() takes 2 positional arguments, but 3 are given",
    ),
    "a null source": (with_program(source=None), USELESS + "source must be text, not NoneType"),
    "a source in a list": (with_program(source=["def f(): pass"]), "the row is not whole: TypeError"),
    "questions that are no list": (changed(questions=3), "the row is not whole: TypeError"),
    "questions in text": (changed(questions=["what?"]), "the row is not whole: TypeError"),
    "a question of another kind": (with_question(kind="riddle"), USELESS + "there is no question kind 'riddle'"),
    "a question without answers": (with_question(answers=[]), NO_ANSWERS),
    "a question whose answers are null": (with_question(answers=None), NO_ANSWERS),
    "answers in one text": (with_question(answers="return n"), NO_ANSWERS),
    "a line in text": (with_question(line="3"), NO_QUESTION),
    "a null line": (with_question(line=None), NO_QUESTION),
    "a question whose answers are numbers": (with_question(answers=[1]), NO_ANSWERS),
    "a question without a line": (without(base(), "questions", "line"), "the row is not whole: KeyError 'line'"),
    "a question without a visit": (without(base(), "questions", "visit"), "the row is not whole: KeyError 'visit'"),
    "a prompt in text": (changed(prompt="What is f(3)?"), "the row is not whole: TypeError"),
    "a prompt that is a number": (changed(prompt=3), "the row is not whole: TypeError"),
    "half a difficulty": (changed(difficulty={"steps": 1}), "the row is not whole: TypeError"),
    "more than a difficulty": (changed(difficulty={"steps": 1, "fun": 2}), "the row is not whole: TypeError"),
    "a difficulty in text": (changed(difficulty="hard"), "the row is not whole: TypeError"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_row_is_refused(name: str) -> None:
    row, words = REFUSED[name]
    assert words in refusal(lambda: ev.from_row(row))


# -------------------------------------------------------------------------------------------------------- rows in files

ENDINGS = ("jsonl", "parquet")


def rows(count: int = 0) -> list[Row]:
    """Rows of the tasks, or as many as one likes."""
    written = [ev.to_row(task) for task in TASKS]
    return [{**written[n % len(written)], "id": f"row {n}"} for n in range(count)] if count else written


@pytest.fixture(params=ENDINGS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of each format, that is not there yet."""
    return tmp_path / f"rows.{request.param}"


def files_of(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_gives_back_the_rows_that_were_written(path: Path) -> None:
    assert write_rows(str(path), iter(rows())) == len(TASKS)
    assert list(read_rows(str(path))) == rows()
    assert [ev.from_row(row) for row in read_rows(str(path))] == TASKS
    assert [list(row) for row in read_rows(str(path))] == [COLUMNS] * len(TASKS)
    assert files_of(path.parent) == [path.name]


def test_more_rows_than_one_batch_keep_their_order(path: Path) -> None:
    many = rows(2_501)
    assert write_rows(str(path), iter(many)) == 2_501
    assert list(read_rows(str(path))) == many


def test_both_formats_hold_equal_rows(tmp_path: Path) -> None:
    for ending in ENDINGS:
        write_rows(str(tmp_path / f"rows.{ending}"), rows(20))
    first, second = (list(read_rows(str(tmp_path / f"rows.{ending}"))) for ending in ENDINGS)
    assert first == second


def test_no_rows_make_an_empty_file(path: Path) -> None:
    assert write_rows(str(path), []) == 0
    assert path.is_file() and list(read_rows(str(path))) == []


def test_jsonl_is_one_line_of_ascii_a_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(str(path), rows())
    lines = path.read_bytes().decode("ascii").splitlines()
    assert [json.loads(line) for line in lines] == rows()


def test_blank_lines_of_jsonl_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n" + "\n\n".join(json.dumps(row) for row in rows()) + "\n\n")
    assert list(read_rows(str(path))) == rows()


def test_rows_go_through_pipes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert write_rows("-", rows()) == len(TASKS)
    monkeypatch.setattr("sys.stdin", io.StringIO(capsys.readouterr().out))
    assert list(read_rows("-")) == rows()


LOAD = """
import json, sys
from datasets import load_dataset
loaded = load_dataset("parquet", data_files=sys.argv[1], split="train")
print(json.dumps([loaded.column_names, list(loaded)]))
"""


def test_the_datasets_library_opens_the_parquet_file(tmp_path: Path) -> None:
    if importlib.util.find_spec("datasets") is None:
        pytest.skip("the package `datasets` is not installed")
    path = tmp_path / "rows.parquet"
    write_rows(str(path), rows())
    home = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, **home},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    columns, loaded = json.loads(done.stdout)
    assert columns == COLUMNS and loaded == rows()
    assert [ev.from_row(row) for row in loaded] == TASKS


# -------------------------------------------------------------------------------------------------- whole files or none


def broken(error: BaseException) -> Iterator[Row]:
    yield from rows(1_500)
    raise error


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3), RowError("mine")], ids=repr)
def test_an_interruption_leaves_the_old_file_and_nothing_else(path: Path, error: BaseException) -> None:
    write_rows(str(path), rows())
    before = path.read_bytes()
    with pytest.raises(type(error)):
        write_rows(str(path), broken(error))
    assert path.read_bytes() == before and files_of(path.parent) == [path.name]


def test_an_interruption_leaves_no_file_where_none_was(path: Path) -> None:
    with pytest.raises(ValueError, match="mine"):
        write_rows(str(path), broken(ValueError("mine")))
    assert files_of(path.parent) == []


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(path: Path) -> None:
    write_rows(str(path), rows(3))

    def looking() -> Iterator[Row]:
        for row in rows(1_200):
            yield row
            if row["id"] == "row 1100":
                assert list(read_rows(str(path))) == rows(3)

    assert write_rows(str(path), looking()) == 1_200
    assert list(read_rows(str(path))) == rows(1_200)


def test_a_leftover_of_a_killed_run_does_no_harm(path: Path) -> None:
    (path.parent / f".{path.name}.{2**22 + 1}-0.part").write_bytes(b"half")  # a number that no process has
    write_rows(str(path), rows())
    assert list(read_rows(str(path))) == rows() and files_of(path.parent) == [path.name]


def test_a_full_disk_is_reported_and_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(str(path), rows(2))
    monkeypatch.setattr(os, "fsync", full)
    message = refusal(lambda: write_rows(str(path), rows(3_000)))
    assert message == f"{path} could not be written: No space left on device"
    assert list(read_rows(str(path))) == rows(2) and files_of(path.parent) == [path.name]


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("name", ["rows.csv", "rows", "rows.json", "rows.parquet.gz", ".jsonl"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    message = refusal(lambda: write_rows(str(tmp_path / name), rows()))
    assert message == f"{tmp_path / name}: end the name in .jsonl or .parquet to say which format to write"
    assert files_of(tmp_path) == []


def test_a_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no" / "rows.jsonl"
    assert refusal(lambda: write_rows(str(path), rows())) == f"{path.parent}: no such folder; make it first"
    assert files_of(tmp_path) == []


def test_a_folder_in_the_files_place_is_refused(path: Path) -> None:
    path.mkdir()
    assert f"{path} is a folder: name a file" == refusal(lambda: write_rows(str(path), rows()))
    assert str(path) in refusal(lambda: list(read_rows(str(path))))
    assert files_of(path.parent) == [path.name] and files_of(path) == []


NOT_WRITABLE = {
    "a number of more than 64 bits": changed(seed=2**70),
    "half a character": changed(id="\ud800"),
    "a text for a number": changed(level="three"),
    "a text for a list": changed(prompt="What is f(3)?"),
}


@pytest.mark.parametrize("name", NOT_WRITABLE)
def test_a_row_that_parquet_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "rows.parquet"
    message = refusal(lambda: write_rows(str(path), [NOT_WRITABLE[name]]))
    assert str(path) in message


@pytest.mark.parametrize("name", NOT_WRITABLE)
def test_a_row_that_parquet_cannot_hold_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(Exception):  # noqa: B017  (which one is the business of the test above)
        write_rows(str(tmp_path / "rows.parquet"), [NOT_WRITABLE[name]])
    assert files_of(tmp_path) == []


# ------------------------------------------------------------------------------------------------- files that hold no rows


def unreadable(path: Path) -> str:
    message = refusal(lambda: list(read_rows(str(path))))
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    assert unreadable(path) == ": no such file"


GOOD = json.dumps(rows()[0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("not json", ":1 is not JSON ("),
        (GOOD + "\n{", ":2 is not JSON ("),
        (GOOD + GOOD, ":1 is not JSON (Extra data"),
        ("3", ":1 is not a row: it is no JSON object"),
        (f"\n\n[{GOOD}, 3]", ":2 is not a row: it is no JSON object"),
        (f"[{GOOD},\n\n}}", ":3 is not JSON ("),
        ("{}", ":1 is not a row: it has no kind and program; make rows with `execverify dataset from-programs FILE -o OUT`"),
        ('{"code": "def f(): pass", "input": ""}', ":1 is not a row: it has no kind and program"),
        (
            GOOD + '\n{"kind": "white_box", "program": {}, "version": 1}',
            ":2 is of version 1, and this execverify reads version 2: make",
        ),
        (b"\xff\xfe", " is not UTF-8 text: name a file of rows"),
        (b"PAR1\x15\x04\xe9\x00", " is a Parquet file: its name must end in .parquet"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_file_that_is_no_jsonl_of_rows_is_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert unreadable(path).startswith(words)


def test_a_line_of_brackets_is_not_json(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("[" * 100_000)
    assert unreadable(path).startswith(":1 is not JSON")


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    unreadable(tmp_path / "a" / "rows.jsonl")


def parquet_bytes(folder: Path) -> bytes:
    write_rows(str(folder / "good.parquet"), rows(50))
    return (folder / "good.parquet").read_bytes()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"x" * 1000,
        lambda data: b"PAR1" + b"x" * 100 + b"PAR1",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data[:100] + b"\xff" * 400 + data[500:],
        lambda data: data[4:],
        lambda data: GOOD.encode(),
    ],
    ids=["empty", "letters", "marks alone", "half", "all but the end", "a hole", "all but the beginning", "JSONL"],
)
def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(spoil(parquet_bytes(tmp_path)))
    assert unreadable(path).startswith(" is not a Parquet file that can be read: ")


def write_table(path: Path, table: list[dict[str, Any]]) -> None:
    """A Parquet file of other columns than ours."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.Table.from_pylist(table), path)


def test_a_parquet_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_table(path, [{"a": 1}])
    assert unreadable(path).startswith(", row 1 is not a row: it has no kind and program")


def test_a_parquet_file_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_rows(str(path), [*rows(2), changed(version=9)])
    read = read_rows(str(path))
    assert [next(read), next(read)] == rows(2)
    assert "row 3 is of version 9, and this execverify reads version 2: make the rows again" in refusal(lambda: next(read))


def test_parquet_without_pyarrow_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    if path.suffix == ".jsonl":
        assert write_rows(str(path), rows()) == len(TASKS)
        return
    words = "Parquet needs pyarrow: pip install 'execverify[cli]', or use a name that ends in .jsonl"
    assert refusal(lambda: write_rows(str(path), rows())) == words
    assert refusal(lambda: list(read_rows(str(path)))) == words
    assert files_of(path.parent) == []
