"""The page beside a dataset: complete in itself, the same for the same rows, and safe whatever the rows hold."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from execverify.datasets import DatasetConfig, build
from execverify.datasets.build_dir import read_manifest
from execverify.datasets.rows_io import write_rows
from execverify.errors import DatasetError
from execverify.programs.program import Program
from execverify.questions import to_row
from execverify.questions.task import ALL_KINDS, task
from execverify.reports.dataset import dataset_page, write_report
from execverify.reports.dataset_rows import describe_constraint
from execverify.reports.dataset_sample import evenly_spaced, rows_at, sample_rows
from execverify.reports.markdown import format_count
from execverify.tracing.trace import trace
from tests.helpers.command import run
from tests.helpers.html_pages import Page
from tests.reports.test_render import HOSTILE

SIZE = 120
KNOWN_TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "article", "nav", "h1", "h2", "h3", "p", "a", "div",
    "span", "strong", "b", "code", "pre", "ul", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td",
    "details", "summary",
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    build(out, SIZE, DatasetConfig(seed=5, kinds=ALL_KINDS), workers=2, write_report=write_report)
    return out


def manifest_of(out: Path) -> dict[str, Any]:
    manifest = read_manifest(out)
    assert manifest is not None
    return manifest


def shards_of(out: Path) -> list[Path]:
    return [out / shard["file"] for shard in manifest_of(out)["shards"]]


def test_the_page_shows_what_the_manifest_says(made: Path) -> None:
    page, manifest = Page((made / "report.html").read_text(encoding="utf-8")), manifest_of(made)
    assert f"A dataset of {SIZE} rows" in page.text and manifest["content_hash"] in page.text
    for reason, count in {**manifest["skipped_items"], **manifest["rejected_attempts"]}.items():
        assert reason in page.text and format_count(count) in page.text
    for shard in manifest["shards"]:
        assert shard["file"] in page.text and shard["sha256"][:16] in page.text
    for words in (
        "white-box",
        "input prediction",
        "code generation",
        "Unit tests",
        "Accuracy of shortcuts",
        "CRUXEval",
        "Trace: ",
    ):
        assert words in page.text, words
    tests = sum(len(row["questions"]) for row in rows_at(shards_of(made), range(SIZE)) if row["kind"] == "code_generation")
    assert tests and f"{format_count(tests)}unit tests of code-generation rows" in page.text
    assert page.text.count("A chain of thought, rendered from the trace") >= 6 and page.text.count("The prompt") >= 6
    assert page.tags["article"] == len([name for name in page.ids if name.startswith("row-") and name.count("-") == 1]) >= 12


def test_the_page_needs_nothing_and_can_be_used_by_keyboard(made: Path) -> None:
    page = Page((made / "report.html").read_text(encoding="utf-8"))
    assert page.links and all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert len(set(page.ids)) == len(page.ids) and page.scripts == []
    assert not [name for name in page.attributes if name.startswith("on")]
    assert page.attributes["tabindex"] >= page.tags["pre"] > 0, "what scrolls can be reached"
    assert page.tags["table"] == page.tags["caption"] and page.tags["main"] == page.tags["nav"] == 1
    assert "default-src 'none'" in page.source and "prefers-color-scheme: dark" in page.source


def test_equal_datasets_have_equal_pages(made: Path, tmp_path: Path) -> None:
    """Wherever they lie, and by any number of processes."""
    again = Path(shutil.copytree(made, tmp_path / "again"))
    (again / "report.html").unlink()
    assert write_report(again, workers=1).read_bytes() == (made / "report.html").read_bytes()


def test_a_sample_of_the_rows(made: Path) -> None:
    shards = shards_of(made)
    sample = sample_rows(shards)
    assert sample.rows == sum(sample.kinds.values()) == sum(sample.levels.values()) == SIZE
    assert list(sample.shown) == [1, 2, 3, 4, 5, 6] and {len(numbers) for numbers in sample.shown.values()} == {2}
    rows = list(rows_at(shards, range(SIZE)))
    for level, numbers in sample.shown.items():
        assert [rows[number]["level"] for number in numbers] == [level, level]
        assert rows[numbers[0]]["kind"] == "white_box"
    assert [row["id"] for row in evenly_spaced(shards, SIZE, 4)] == [rows[at]["id"] for at in (0, 30, 60, 90)]
    assert len(list(evenly_spaced(shards, SIZE, 10 * SIZE))) == SIZE


def test_the_command_writes_it_anew(made: Path) -> None:
    page = (made / "report.html").read_text(encoding="utf-8")
    (made / "report.html").write_text("old")
    done = run("dataset", "report", str(made))
    assert done.returncode == 0 and str(made / "report.html") in done.stderr, done.stderr
    assert (made / "report.html").read_text(encoding="utf-8") == page


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"has no manifest.json, .*: name a folder that `execverify dataset build` made"):
        write_report(tmp_path)
    (tmp_path / ".unfinished").mkdir()
    with pytest.raises(DatasetError, match="give its `execverify dataset build` command again"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("constraint", "sentence"),
    [
        ("level 1 with str.upper", "One function that calls `str.upper` on its own result; no other call, no control flow."),
        ("level 1 with len", "One function that calls `len` at least twice; no other call, no control flow."),
        ("level 2 with len", "One function with `len` and at least one other built-in; no control flow."),
        ("level 3 with len", "One function with `len` and at least one other built-in; control flow nested exactly one deep."),
        ("<b>", "Constraint: <b>."),
    ],
)
def test_a_constraint_is_a_sentence(constraint: str, sentence: str) -> None:
    assert describe_constraint(constraint) == sentence


# ------------------------------------------------------------------------------------------------------- hostile rows


def hostile_rows() -> list[dict[str, Any]]:
    """Rows of every kind whose texts try to become markup."""
    text = HOSTILE.replace("\ud800", "")  # which Parquet cannot hold
    program = Program(
        f"def f(x):\n    y = {text!r} + x\n    y = y[:9]  # {text.translate(dict.fromkeys((0, 27)))}\n    return y",
        "f",
        repr(text),
    )
    row = dict(to_row(task(trace(program))))
    row["prompt"] = [{"role": "user", "content": text}]
    for question in row["questions"]:
        question["text"] += f" {text} `{text}`"
        question["answers"] = [*question["answers"], text if question["variable"] is None else f"{text!r}; str"]
    rows = [{**row, "id": text, "split": text, "constraint": text, "level": 3}]
    rows.append({**rows[0], "id": f"2{text}", "kind": "input_prediction", "questions": []})
    test = {"kind": "unit_test", "line": 0, "visit": 0, "variable": None, "text": repr(text), "answers": [repr(text)]}
    return [*rows, {**rows[0], "id": f"3{text}", "kind": "code_generation", "questions": [test, test]}]


def test_what_rows_hold_does_not_become_markup(tmp_path: Path) -> None:
    rows = hostile_rows()
    (tmp_path / "data").mkdir()
    write_rows(str(tmp_path / "data" / "all.parquet"), rows)
    evil = HOSTILE.replace("\ud800", "")
    manifest = {
        "rows": len(rows), "content_hash": evil, "items": 9, "settings": {evil: evil, "list": [evil], "named": {"name": evil}},
        "skipped_items": {evil: 3}, "rejected_attempts": {evil: 4}, "made_with": {evil: evil}, "decontaminated": {evil: 1},
        "benchmarks": [{"name": evil, "programs": 3, "sha256": "", "unreadable": 1}],
        "shards": [{"file": evil, "rows": 3, "bytes": 10, "sha256": evil, "split": evil}],
    }  # fmt: skip
    page = Page(dataset_page(manifest, [tmp_path / "data" / "all.parquet"]))
    harmless = Page(dataset_page({"shards": []}, [tmp_path / "data" / "all.parquet"]))
    assert page.tags.keys() <= KNOWN_TAGS and harmless.tags.keys() <= KNOWN_TAGS
    assert page.scripts == [] and not page.tags["img"] and all(link.startswith("#") for link in page.links)
    assert not [name for name in page.attributes if name.startswith("on")]
    assert not any(char in page.source for char in "\u202e\x00\x1b")
    assert page.text.count("alert(1)") > 30 and "{{ 7 * 7 }}" in page.text and "49" not in page.text.split("{{ 7 * 7 }}")[1][:50]
    assert page.tags["article"] == 3, "one of each kind"
    json.dumps(page.text.encode("utf-8").decode())  # no half surrogate pairs
