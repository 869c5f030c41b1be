"""Rows of a repository: its tests run confined, functions are flattened, and each function ends in the report."""

import json
from pathlib import Path

import pytest

from execverify.datasets.from_programs import RowConfig
from execverify.datasets.from_repo import NOT_CALLED, RepositoryConfig, RepositoryReport, rows_of_repository
from execverify.programs.repository import read_repository
from execverify.questions.rows import Row
from tests.helpers.command import run

REPOSITORY = Path(__file__).parents[1] / "data/repository"
_ROWS = RowConfig(kinds=("white_box",), generator="repo:shop")


def _made(root: Path, config: RepositoryConfig = RepositoryConfig(test_timeout=5.0)) -> tuple[list[Row], RepositoryReport]:  # noqa: B008
    report = RepositoryReport()
    return list(rows_of_repository(read_repository(root), config, _ROWS, report)), report


@pytest.fixture(scope="module")
def made() -> tuple[list[Row], RepositoryReport]:
    return _made(REPOSITORY)


def test_each_function_has_rows_or_a_reason(made: tuple[list[Row], RepositoryReport]) -> None:
    _, report = made
    assert {name: why for (_, name), why in report.functions.items()} == {
        "total": "", "discounted": "", "most_common": "", "pairs": "", "rate_of": "",
        "cheapest": "non-literal arguments", "picked": "nondeterministic", "announce": "input or output", "unused": NOT_CALLED,
    }  # fmt: skip
    assert report.kept == 5
    assert sum(report.reasons.values()) == 4
    assert report.tests == {"passed": 7, "unsupported": 1}
    assert report.test_details == {"tests.test_prices.test_announce": "unsupported: the fixture tmp_path"}


def test_rows_hold_one_program_each_with_the_real_result(made: tuple[list[Row], RepositoryReport]) -> None:
    rows, report = made
    programs = {row["id"].removesuffix("/white_box"): row["program"] for row in rows}
    assert len(programs) == len(rows) == report.conversion.outputs_confirmed
    assert programs["shop.prices.discounted/0"]["arguments"] == "50, 'staff'"
    assert programs["shop.prices.discounted/1"]["arguments"] == "50"
    assert programs["shop.prices.pairs/0"]["source"].endswith("\n\n\ndef list_pairs(names):\n    return list(pairs(names))\n")
    assert programs["shop.prices.pairs/0"]["result"] == "[('a', 'b'), ('b', 'c')]"
    assert '"""' not in "".join(program["source"] for program in programs.values())
    assert {row["generator"] for row in rows} == {"repo:shop"}


def test_calls_and_lines_are_limited() -> None:
    rows, report = _made(REPOSITORY, RepositoryConfig(calls=1, max_lines=8, test_timeout=5.0))
    names = [row["id"].split("/")[0] for row in rows]
    assert len(names) == len(set(names))
    assert report.functions["shop.prices", "total"] == "too long"


HOSTILE = """
import os, signal, subprocess, sys, threading

def write(path):
    with open(path, "w") as file:
        file.write("x")

def fork():
    while True:
        os.fork()

def f(n):
    return n + 1
"""
HOSTILE_TESTS = """
import os, signal, socket, subprocess, sys
from evil import f, fork, write

def test_write():
    f(1)
    write({path!r})

def test_unlink():
    os.unlink({kept!r})

def test_read():
    open({kept!r}).read()

def test_kill():
    os.kill(os.getppid(), signal.SIGKILL)

def test_command():
    subprocess.run(["touch", {path!r}])

def test_connect():
    socket.create_connection(("127.0.0.1", {port}), 1)

def test_hang():
    f(2)
    while True:
        pass

def test_exit():
    os._exit(0)

def test_forged_reply():
    sys.modules["execverify.sandbox.repository_calls"].to_value = lambda *given: 1 / 0

def test_memory():
    [0] * 10**12

def test_last():
    f(3)
"""


def test_hostile_tests_do_no_harm(tmp_path: Path) -> None:
    repository, outside, kept = tmp_path / "repository", tmp_path / "outside.txt", tmp_path / "kept.txt"
    (repository / "evil").mkdir(parents=True)
    kept.write_text("kept")
    (repository / "evil/__init__.py").write_text(HOSTILE)
    (repository / "test_evil.py").write_text(
        HOSTILE_TESTS.replace("{path!r}", repr(str(outside))).replace("{kept!r}", repr(str(kept))).replace("{port}", "9")
    )
    rows, report = _made(repository, RepositoryConfig(test_timeout=1.0))
    assert not outside.exists()
    assert kept.read_text() == "kept"
    ended = {name.rpartition("_")[2]: detail for name, detail in report.test_details.items()}
    assert set(ended) >= {"write", "unlink", "read", "command", "connect", "hang", "exit", "memory"}
    assert report.functions["evil", "f"] == ""
    assert "3" in {row["program"]["arguments"] for row in rows}


def test_the_command_writes_rows_with_the_licence(tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    done = run("dataset", "from-repo", str(REPOSITORY), "-o", str(out), "--task-kinds", "white_box")
    assert done.returncode == 0, done.stderr
    assert "9 functions: 5 gave rows; without: " in done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert {row["generator"] for row in rows} == {"repo:shop 1.2 (mit)"}
    assert '\nlicense: "mit"\n' in (tmp_path / "rows.card.md").read_text()


@pytest.mark.parametrize(("files", "message"), [({}, "has no Python file"), ({"a.py": "x = 1\n"}, "no function of")])
def test_mistakes_are_named(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = run("dataset", "from-repo", str(tmp_path), "-o", str(tmp_path / "rows.jsonl"))
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "rows.jsonl").exists()
