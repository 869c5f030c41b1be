"""Rows in the form of the paper's authors: read, written, and compared with what their own code makes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.datasets.authors import AuthorsReport, authors_questions, authors_record, authors_rows, is_authors_file
from execverify.errors import RowError
from execverify.questions import from_row, to_row
from execverify.questions.prompts import prompt_text
from execverify.questions.rows import Row
from execverify.rewards import REWARDS
from tests.helpers.authors_release import authors_records, needs_release
from tests.helpers.benchmarks import CRUXEVAL, benchmark_rows
from tests.helpers.command import run

SOURCE = "def f(xs):\n    total = 'n:'\n    for x in xs:\n        total += str(x)\n    return total"


def rows_of(path: Path, **options: Any) -> tuple[list[Row], AuthorsReport]:
    account = AuthorsReport()
    return list(authors_rows(str(path), account, **options)), account


def record() -> dict[str, Any]:
    return authors_record(to_row(ev.task(ev.trace(ev.Program(SOURCE, arguments="[1, 2]")), limit=8)))


def written(path: Path, *records: Any) -> Path:
    path.write_text(json.dumps(list(records)), encoding="utf-8")
    return path


def test_written_rows_are_read_back(tmp_path: Path) -> None:
    rows = [to_row(task) for task in ev.generate_tasks(size=60, seed=3)]
    path = written(tmp_path / "rl_dataset.json", *map(authors_record, rows))
    assert is_authors_file(str(path))
    found, account = rows_of(path)
    assert len(found) == len(rows) and not account.drops and not account.relabelled and not account.left_out
    for row, back in zip(rows, found, strict=True):
        task = from_row(row)
        expected = replace(task, questions=authors_questions(task))
        assert (back["program"], back["kind"]) == (
            {**row["program"], "source": row["program"]["source"].strip("\n")},
            row["kind"],
        )
        assert from_row(back).questions == expected.questions
        assert ev.score(from_row(back), expected.gold).reward == 2.0


def test_prompts_are_kept_or_made_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.json", {**record(), "prompt_str": "as it was"})
    (kept,), _ = rows_of(path, keep_prompts=True)
    (made,), _ = rows_of(path, template="short")
    assert kept["prompt"] == [{"role": "user", "content": "as it was"}]
    task = from_row(made)
    assert made["prompt"][0]["content"] == prompt_text("white_box", task.program, "", task.questions, "short")


def test_a_wrong_label_gives_way_to_the_run(tmp_path: Path) -> None:
    wrong = record()
    wrong["question_answers"]["path_answers"][0] = ["nothing of it"]
    wrong["question_answers"]["state_as"][0] = [["object", "None"]]
    path = written(tmp_path / "rows.json", wrong)
    (row,), account = rows_of(path)
    assert (
        account.relabelled == 2
        and from_row(row).questions == from_row(rows_of(written(tmp_path / "b.json", record()))[0][0]).questions
    )
    rows, account = rows_of(path, keep_prompts=True)
    assert rows == [] and account.drops[0].reason == "an answer of it is no value of its type"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"result": "'n:99'"}, "its result is not what the run gives"),
        ({"result": "<object>"}, "its result is no literal"),
        ({"func_args": "3"}, "its program does not return a plain value"),
        ({"func_args": "g()"}, "it is no record of the authors' form"),
        ({"questions": {"path_questions": ["what?"], "state_questions": []}}, "its questions and answers are not as many"),
        ({"questions": {"path_questions": ["what?"] * 3, "state_questions": []}}, "a question of it cannot be read"),
        ({"func_str": None}, "it is no record of the authors' form"),
    ],
)
def test_records_that_give_no_row_are_counted(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    one = record()
    assert len(one["questions"]["path_questions"]) == 3
    rows, account = rows_of(written(tmp_path / "rows.json", {**one, **change}))
    assert rows == [] and [drop.reason for drop in account.drops] == [reason]


def test_code_has_no_such_form() -> None:
    row = to_row(next(ev.generate_tasks(size=1, seed=1, kinds=("code_generation",))))
    with pytest.raises(RowError, match="rows of kind code_generation have no such form"):
        authors_record(row)


def test_by_command(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(to_row(task)) + "\n" for task in ev.generate_tasks(size=12, seed=3)), encoding="utf-8")
    done = run(*map(str, ("dataset", "export", rows, "-o", tmp_path / "theirs", "--format", "authors")))
    assert done.returncode == 0 and "12 rows" in done.stderr, done.stderr
    done = run(
        *map(
            str,
            (
                "dataset",
                "import",
                tmp_path / "theirs" / "rl_dataset.json",
                "-o",
                tmp_path / "ours.jsonl",
                "--prompt-template",
                "authors",
            ),
        )
    )
    assert done.returncode == 0 and "12 records; rows: " in done.stderr, done.stderr
    made = [json.loads(line) for line in (tmp_path / "ours.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(made) == 12 and all("????" in row["prompt"][0]["content"] for row in made)


@needs_release
@pytest.mark.external
@pytest.mark.parametrize("count", [150, pytest.param(800, marks=pytest.mark.slow)])
def test_records_that_the_authors_code_makes(tmp_path: Path, count: int) -> None:
    """Nearly every record gives rows; many labels are not what runs, and full marks can be had by the run's answers alone."""
    programs = [
        {"func_str": row["code"], "func_name": "f", "func_args": row["input"], "result": row["output"]}
        for row in benchmark_rows(CRUXEVAL)[:count]
    ]
    path = written(tmp_path / "rl_dataset.json", *authors_records(programs))
    rows, account = rows_of(path)
    print(
        account.records,
        account.rows,
        account.questions,
        account.relabelled,
        account.left_out,
        [one.reason for one in account.drops],
    )
    assert len(rows) > 0.95 * account.records
    assert 0.03 * account.questions < account.relabelled + account.left_out < 0.3 * account.questions
    tasks = list(map(from_row, rows))
    assert {score.reward for score in ev.score_many([(task, task.gold) for task in tasks])} == {2.0}
    kept, other = rows_of(path, keep_prompts=True)
    print(len(kept), other.relabelled, {one.reason for one in other.drops})
    whites = [from_row(row) for row in kept if row["kind"] == "white_box"]
    assert {score.reward for score in ev.score_many([(task, task.gold) for task in whites])} == {2.0}
    paid = [score.reward for score in ev.score_many([(task, task.gold) for task in whites], rule=REWARDS.get("authors"))]
    print(sum(one == 2.0 for one in paid), len(paid))
    assert sum(one == 2.0 for one in paid) > 0.9 * len(paid)
