"""A line that cannot be used ends no command: it is counted, the first one is named with its number, and the others go on."""

import json
from pathlib import Path

import pytest

from execverify.datasets import DatasetConfig, build, read_rows
from execverify.questions.rows import Row, from_row
from tests.helpers.code_rows import double_row
from tests.helpers.command import jsonl, run
from tests.helpers.faulty_openai_server import misbehaving
from tests.helpers.writing_server import say

NOT_UTF8 = b'{"id": "caf\xe9", "completion": "x"}'
NOT_JSON, NO_ROW, NO_TASK = '{"id": "cut', "[3]", json.dumps({"kind": "white_box", "program": {}, "version": 2})


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    out = tmp_path_factory.mktemp("rows") / "data"
    build(out, 3, DatasetConfig(seed=5, levels=(1, 2), max_questions=2))
    return list(read_rows(str(out)))


@pytest.fixture(params=["not JSON (", "not UTF-8 text: "])
def spoiled(rows: list[Row], tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, str]:
    """A file of three rows, with two lines between them that are not rows, and what is wrong with its line 2.

    The file with a line that is not UTF-8 has a byte-order mark, and lines that end as on Windows.
    """
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps(row).encode() for row in rows]
    bad, mark, end = (NOT_JSON.encode(), b"", b"\n") if "JSON" in request.param else (NOT_UTF8, b"\xef\xbb\xbf", b"\r\n")
    path.write_bytes(mark + b"".join(line + end for line in (lines[0], bad, lines[1], NO_ROW.encode(), lines[2])))
    return str(path), f"{path}:2 is {request.param}"


def funnel(path: Path) -> dict[str, int]:
    """What was rejected before it was asked about, by reason."""
    first = json.loads(path.read_text())["funnel"][0]
    assert first["stage"] == "asked"
    dropped: dict[str, int] = first["dropped"]
    return dropped


@pytest.mark.parametrize("words", [("difficulty", "--samples", "1"), ("add-cot", "--tries", "1")], ids=lambda words: words[0])
def test_stages_that_ask_a_model(words: tuple[str, ...], rows: list[Row], spoiled: tuple[str, str], tmp_path: Path) -> None:
    source, wrong = spoiled
    golds = {row["prompt"][0]["content"]: from_row(row).gold for row in rows}
    out = tmp_path / "out.jsonl"
    with misbehaving(otherwise=lambda handler, body: say(golds[body["messages"][0]["content"]])(handler, body)) as server:
        done = run("dataset", words[0], source, "-o", str(out), *words[1:], "--model", server.url, "--model-arg", "model=m")
    assert done.returncode == 0, done.stderr
    assert f"2 lines of the input cannot be used; the first: {wrong}" in done.stderr
    assert len(out.read_text().splitlines()) == 3
    assert funnel(tmp_path / "out.funnel.json") == {"the line cannot be used": 2}
    dropped = [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").read_text().splitlines()]
    assert [one["detail"].partition(" is ")[0] for one in dropped] == [f"{source}:2", f"{source}:4"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("stats", "--static-only"), 0),
        (("validate", "--workers", "1"), 1),  # it checks the rows, and such a line is a fault
        (("add-cot", "-o", "out.jsonl"), 0),
        (("export", "-o", "out"), 0),
        (("export", "-o", "out.jsonl", "--format", "cwm"), 0),
        (("export", "-o", "out", "--format", "authors"), 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_stages_without_a_model(words: tuple[str, ...], status: int, spoiled: tuple[str, str], tmp_path: Path) -> None:
    source, wrong = spoiled
    done = run("dataset", words[0], source, *words[1:], cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert wrong in done.stdout + done.stderr
    assert "2 lines of the input" in done.stderr or "2 faults" in done.stdout


@pytest.mark.parametrize("command", ["difficulty", "stats", "validate", "add-cot", "export", "score"])
def test_a_file_without_any_row_ends_the_command(command: str, tmp_path: Path) -> None:
    bad = tmp_path / "rows.jsonl"
    bad.write_text(f"{NOT_JSON}\n{NO_ROW}\n")
    asking = ("--model", "mock:empty", "--store", "kept")
    further = {"difficulty": asking, "add-cot": ("-o", "out.jsonl"), "export": ("-o", "out"), "score": (str(bad),)}
    done = run(*(() if command == "score" else ("dataset",)), command, str(bad), *further.get(command, ()), cwd=tmp_path)
    assert done.returncode == 2
    assert f"{bad}:1 is not JSON (" in done.stderr


def completions(rows: list[Row], *, named: bool, spoilt: int) -> list[str]:
    """Right completions as lines, one of which is cut off."""
    texts = [from_row(row).gold for row in rows]
    lines = [json.dumps({"id": row["id"], "completion": text} if named else text) for row, text in zip(rows, texts, strict=True)]
    lines[spoilt] = lines[spoilt][:-3]
    return lines


@pytest.mark.parametrize("named", [True, False], ids=["ids", "order"])
def test_completions(named: bool, rows: list[Row], tmp_path: Path) -> None:
    given = tmp_path / "completions.jsonl"
    given.write_text("\n".join(completions(rows, named=named, spoilt=1)) + "\n")
    done = run("score", jsonl(tmp_path / "rows.jsonl", *rows), str(given), "--json")
    assert done.returncode == 0, done.stderr
    assert f"1 line of the input cannot be used; the first: {given}:2 is not JSON (" in done.stderr
    scores = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["id"], one["reward"]) for one in scores] == [(row["id"], 2.0) for row in (rows[0], rows[2])]


def test_completions_keep_to_their_rows_where_a_row_cannot_be_used(rows: list[Row], tmp_path: Path) -> None:
    path, given = tmp_path / "rows.jsonl", tmp_path / "completions.jsonl"
    path.write_text("\n".join([json.dumps(rows[0]), NO_TASK, json.dumps(rows[2])]) + "\n")
    given.write_text("\n".join(completions(rows, named=False, spoilt=0)) + "\n")
    done = run("score", str(path), str(given), "--json")
    assert done.returncode == 0, done.stderr
    assert "2 lines of the input cannot be used" in done.stderr
    (score,) = map(json.loads, done.stdout.splitlines())
    assert (score["id"], score["reward"]) == (rows[2]["id"], 2.0)


def test_completions_of_failed_programs(tmp_path: Path) -> None:
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps(double_row({"4": "8"})) + f"\n{NOT_JSON}\n")
    given = tmp_path / "completions.jsonl"
    failing = "```python\ndef double(n):\n    m = n + 3\n    return m\n```"
    given.write_text(
        "\n".join([NOT_JSON, json.dumps({"id": "p", "completion": failing}), '{"id": "q", "completion": "x"}']) + "\n"
    )
    out = tmp_path / "out.jsonl"
    done = run("dataset", "from-failures", str(problems), str(given), "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert f"3 lines of the input cannot be used; the first: {problems}:2 is not JSON (" in done.stderr
    assert len(list(read_rows(str(out)))) == 1
    assert funnel(tmp_path / "out.funnel.json") == {"the line cannot be used": 3}
    given.write_text(f"{NOT_JSON}\n")
    done = run("dataset", "from-failures", str(problems), str(given), "-o", str(out))
    assert (done.returncode, f"{given}:1 is not JSON (" in done.stderr) == (2, True)
