"""The files of a run for readers: the page, its items as data, and the tables."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import EvaluationError
from execverify.evaluation import evaluate
from execverify.evaluation.answers import Answer
from execverify.evaluation.benchmark import Grade, Item, ItemResult
from execverify.evaluation.compare import changed_items, compare
from execverify.evaluation.run import Evaluation
from execverify.evaluation.run_dir import read_results, strict_scores
from execverify.reports import comparison_page as comparison_page_module
from execverify.reports.benchmarks import write_summary
from execverify.reports.comparison_page import comparison_page
from execverify.reports.evaluation import RUN_FILES, comparison_markdown, results_markdown, write_run
from execverify.reports.evaluation_items import items_as_data
from execverify.reports.evaluation_page import evaluation_page
from execverify.reports.run_summary import pass_cells, pass_columns
from execverify.reports.training import training_markdown
from execverify.reports.training_page import Training
from tests.helpers import reval_data
from tests.helpers.command import run as command
from tests.helpers.html_pages import Page
from tests.reports.test_render import HOSTILE

pytestmark = pytest.mark.usefixtures("fixed_items")


def record(id: str, completions: Sequence[str], right: str = "right") -> ItemResult:
    item = Item(id, ("output",), ("6",), "def f(x):\n    return x", "f(6)", {})
    answers = tuple(Answer(text, text) for text in completions)
    marks = tuple((Grade(text == right, text == right, "" if text == right else "wrong"),) for text in completions)
    return ItemResult(item, tuple(completions), answers, marks)


@pytest.fixture(scope="module")
def run() -> Evaluation:
    return evaluate("heldout", "mock:constant:Nil", limit=30)


@pytest.fixture(scope="module")
def gold() -> Evaluation:
    return evaluate("heldout", "mock:gold", limit=30)


def test_the_page_holds_every_line_once() -> None:
    long = "the same long line of a prompt " * 20
    prompts = [({"role": "user", "content": f"{long}\nitem {number}"},) for number in range(50)]
    records = [record(str(number), ["right", "a", "a", "b", "c", "d", "right"]) for number in range(50)]
    found = items_as_data(records, prompts)
    assert json.dumps(found).count(long) == 1
    samples = found["items"][0]["samples"]
    assert [sample["count"] for sample in samples] == [2, 2, 1, 1, 1]
    assert sum(sample["count"] for sample in samples) == 7
    assert ["text" in sample for sample in samples] == [True, True, True, False, False], "right ones, and two that are wrong"


def test_each_table_of_scores_names_the_number_of_programs(tmp_path: Path) -> None:
    """The page, table.md and the terminal; results of earlier versions have none."""
    data = reval_data.write(tmp_path)
    found = evaluate("reval", "mock:gold", data=data)
    programs = str(found.results["strict"]["programs"])
    lines = results_markdown(found.results).splitlines()
    head, first = ([cell.strip() for cell in line.split("|")] for line in (lines[2], lines[4]))
    assert first[head.index("programs")] == programs
    page = evaluation_page(found)
    assert ">programs</th>" in page and f'<td class="n">{programs}</td>' in page
    done = command("evaluate", "reval", "--model", "mock:gold", "--data", str(data))
    assert "programs" in done.stdout, done.stderr
    old = json.loads(json.dumps(found.results).replace('"programs"', '"other"'))
    assert results_markdown(old).splitlines()[4].split("|")[head.index("programs")].strip() == "-"


def test_a_program_that_ends_its_last_line_has_no_empty_one_after_it() -> None:
    one = record("1", ["right"])
    found = items_as_data([replace(one, item=replace(one.item, program="def f(x):\n    return x\n"))], [()])
    assert found["items"][0]["program"] == items_as_data([one], [()])["items"][0]["program"]


def test_the_page_shows_the_scores(run: Evaluation) -> None:
    page, results = Page(evaluation_page(run)), run.results
    assert f"{results['official']['pass_at_1']:.2f}" in page.text and "official and strict: variable state" in page.text
    assert "strict: variable state" not in page.text.replace("official and strict: variable state", ""), "both are one rule"
    assert "variable_state" not in page.source.partition('<script type="application/json"')[0], "tasks have names for readers"
    assert f"baseline: the constant answer {results['baselines']['best']['official']['all']['answer']}" in page.text
    two = Page(evaluation_page(replace(run, results={**results, "one_rule": False}))).text
    assert "baseline by the authors' rule: the constant answer" in two and "baseline strictly: the constant answer" in two
    assert "Not complete" not in page.text
    assert all(answer in page.text for answer in results["baselines"]["answers"])


def test_the_page_needs_nothing_and_runs_its_own_script_alone(run: Evaluation) -> None:
    page = Page(evaluation_page(run))
    assert page.links and all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    (data, text), (attributes, script) = page.scripts
    assert (data["type"], attributes) == ("application/json", {})
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page.source
    found = json.loads(text)
    assert len(found["items"]) == 30 and found == {**items_as_data(run.records, run.prompts), "one_rule": True}
    assert page.tags["table"] == page.tags["caption"] and len(set(page.ids)) == len(page.ids)
    for name in re.findall(r'getElementById\("(\w+)"\)', script):
        assert name in page.ids, name
    for name in re.findall(r"form\.elements\.(\w+)", script):
        assert f'name="{name}"' in page.source, name


def hostile(run: Evaluation) -> Evaluation:
    """A run whose model, settings, items and answers try to become markup."""
    evil = f"</title><!-- {HOSTILE}"
    results: dict[str, Any] = json.loads(json.dumps(run.results))
    results.update(benchmark=evil, style=evil, model={"name": evil, "settings": {evil: evil}}, sampling={"n": 1, evil: evil})
    results.update(extra_metrics={evil: {evil: {evil: evil}}, "flat": evil}, data={"file": evil, "sha256": evil})
    results["failures"] = {"not_generated": 1, "not_judged": 0}
    results["rule"] = {"official": evil, "strict": evil}
    results["baselines"]["answers"][evil] = results["baselines"]["answers"]["Nil"]
    results["baselines"]["best"]["official"]["all"]["answer"] = evil
    results["slices"] = [{**row, "property": evil, "value": evil} for row in results["slices"]]
    records = [
        replace(one, completions=(evil,), item=replace(one.item, id=evil, call=evil, program=evil), error=evil)
        for one in run.records
    ]
    return Evaluation(results, tuple(records), tuple(({"role": evil, "content": evil},) for _ in run.prompts))


def test_what_a_model_writes_does_not_become_markup(run: Evaluation, tmp_path: Path) -> None:
    evil = hostile(run)
    write_run(tmp_path, evil)
    page, harmless = Page((tmp_path / "report.html").read_text(encoding="utf-8")), Page(evaluation_page(run))
    assert set(page.tags) == set(harmless.tags) and page.attributes.keys() <= harmless.attributes.keys()
    assert len(page.scripts) == 2 and page.scripts[1] == harmless.scripts[1]
    assert not any(char in page.source for char in "\u202e\x00\x1b") and page.text.count("alert(1)") > 20
    assert f"</title><!-- {HOSTILE}".split("\n")[0] in json.loads(page.scripts[0][1])["lines"], "and yet it is all there"
    assert "Not complete: 1 item or sample failed on our side" in page.text
    table = (tmp_path / "table.md").read_text(encoding="utf-8")
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1 and "NOT COMPLETE" in table


def test_the_files_of_a_run(run: Evaluation, tmp_path: Path) -> None:
    write_run(tmp_path / "run", run)
    assert {path.name for path in (tmp_path / "run").iterdir()} == set(RUN_FILES) - {"generations.jsonl"}
    assert read_results(tmp_path / "run") == run.results
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match="could not be written"):
        write_run(tmp_path / "file", run)


def test_tables(run: Evaluation, gold: Evaluation) -> None:
    lines = results_markdown(run.results).splitlines()
    assert lines[0] == "**heldout**, mock:constant:Nil" and lines[2].startswith("| verdict ")
    assert len([line for line in lines if line.startswith("| official and strict")]) == 1 + len(list(strict_scores(run.results)))
    text = comparison_markdown(compare([("a|b", run.results), ("gold", gold.results)]))
    assert "| a\\|b | mock:constant:Nil |" in text and "p (Holm)" in text and "Against a|b" in text


def test_the_table_of_a_training(run: Evaluation, gold: Evaluation) -> None:
    evaluations = {"base": {"held-out": run.results}, "sft": {"held-out": gold.results, "other-one": gold.results}}
    stages = {"sft": {"kept": 12, "too_long": 2, "steps": 3, "seconds": 4.6}}
    text = training_markdown(Training(Path(), "A title", evaluations, stages, {}, {}))
    lines = text.splitlines()
    assert lines[0] == "# A title" and "## held out" in lines and "## other one" in lines
    assert [line.split()[1] for line in lines if line.startswith("| ")] == [
        "model", "base", "sft", "baseline", "model", "sft", "baseline", "stage", "sft",
    ]  # fmt: skip
    assert lines[-3].split() == ["|", "sft", "|", "14", "|", "2", "|", "12", "|", "3", "|", "5", "|"]
    tasks = list(strict_scores(run.results))
    base, baseline = (next(line for line in lines if line.startswith(f"| {name} ")) for name in ("base", "baseline"))
    for task, score, best in tasks:
        assert task.replace("_", " ") in text and f" {score:.1f} (" in base and f" {best:.1f} " in baseline


def test_a_comparison_is_a_page(run: Evaluation, gold: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [("constant <b>", run.results), ("gold", gold.results)]
    found = compare(runs)
    page = Page(comparison_page(found, runs))
    whole = [row for row in found["comparisons"] if row["task"] == "all"]
    assert [row["verdict"] for row in whole] == ["official", "strict"]
    gain = gold.results["official"]["pass_at_1"] - run.results["official"]["pass_at_1"]
    assert whole[0]["difference"] == pytest.approx(gain, abs=0.01), "the plain mean over tasks"
    assert whole[0]["interval"][0] < whole[0]["difference"] < whole[0]["interval"][1]
    assert f"{whole[0]['difference']:+.2f}" in page.text and "constant <b>" in page.text and "b" not in page.tags
    changed = changed_items(run.results, gold.results, "official")
    assert (
        f"{len(changed)} items are better" in page.text and "items are worse" not in page.text and "are listed" not in page.text
    )
    monkeypatch.setattr(comparison_page_module, "MOST_ITEMS", 2)
    page = Page(comparison_page(found, runs))
    assert f"{len(changed)} items are better" in page.text and "The first 2 are listed." in page.text
    verdicts = [line.split("|")[2].strip() for line in comparison_markdown(found).splitlines() if line.startswith("| gold")]
    assert set(verdicts[1:]) == {"official and strict"}, "both verdicts are one rule"


def test_several_benchmarks_have_one_table_and_page(tmp_path: Path, run: Evaluation) -> None:
    other = {**run.results, "benchmark": "other & one", "one_rule": False}
    write_summary(tmp_path, [run.results, other])
    table, page = (tmp_path / "summary.md").read_text(), Page((tmp_path / "summary.html").read_text())
    tasks = 1 + len(list(strict_scores(run.results)))
    assert sum(line.startswith("| heldout") for line in table.splitlines()) == tasks
    assert sum(line.startswith("| other") for line in table.splitlines()) == 2 * tasks
    whole = run.results["official"]
    assert f"| {whole['programs']} " in table and str(whole["programs"]) in page.text
    note = f"alike. Methods: heldout (all), other & one (all): {whole['interval_method']}; "
    assert note in table and note in page.text
    assert page.source.count('class="mark"') == page.source.count('class="meter"') == 3 * tasks, "the best constant answer"
    assert [link for link in page.links if not link.startswith("#")] == [
        "./heldout/report.html",
        "./other%20%26%20one/report.html",
    ]


def test_a_benchmark_s_own_scores_stand_beside_the_others(tmp_path: Path) -> None:
    found = evaluate("reval", "mock:constant:Nil", data=reval_data.write(tmp_path))
    own = {verdict: found.results[verdict]["own_scores"]["consistency"] for verdict in ("official", "strict")}
    assert own["official"]["percent"] > 0 == own["strict"]["percent"]
    numbers = f"{own['official']['percent']:.2f}", f"{own['official']['interval'][0]:.1f} to {own['official']['interval'][1]:.1f}"
    write_run(tmp_path / "run", found)
    write_summary(tmp_path, [found.results])
    for table in (tmp_path / "run" / "table.md", tmp_path / "summary.md"):
        rows = [line for line in table.read_text().splitlines() if "| consistency" in line]
        assert len(rows) == 2 and all(number in rows[0] for number in numbers), table
    page = Page((tmp_path / "run" / "report.html").read_text())
    assert "official: consistency" in page.text and all(number in page.text for number in numbers)
    assert "consistency: bootstrap over programs (2000 resamples)" in page.text
    assert all(number in Page((tmp_path / "summary.html").read_text()).text for number in numbers)


def test_reasons_of_failures_are_shown(tmp_path: Path, gold: Evaluation) -> None:
    reason = "the server returned <403>"
    failed = {
        **gold.results,
        "failures": {"not_generated": 2, "not_judged": 0},
        "failure_reasons": [{"reason": reason, "count": 2}],
    }
    write_run(tmp_path / "run", replace(gold, results=failed))
    write_summary(tmp_path, [failed])
    shown = f'2 items or samples failed on our side, and left out; first reason: "{reason}"'
    assert shown in (tmp_path / "run" / "table.md").read_text() and shown in (tmp_path / "summary.md").read_text()
    assert shown in Page((tmp_path / "summary.html").read_text()).text
    page = Page((tmp_path / "run" / "report.html").read_text()).text
    assert "Not complete: 2 items or samples failed on our side, and left out." in page and page.count(reason) == 1


def test_counts_stand_apart_from_percentages(tmp_path: Path) -> None:
    lacking = {**reval_data.DATA[0], "code": "import no_such_module\n" + reval_data.COUNT}
    data = reval_data.write(tmp_path, [lacking, *reval_data.DATA[1:]])
    page = Page(evaluation_page(evaluate("reval", "mock:gold", data=data)))
    percents, counts = page.text.split("More figures, in percent")[1].split("Counts")
    assert "official score of right answers" in percents and "left out" not in percents
    assert "14 questions" in counts and "it needs no_such_module: install it" in counts
    texts = evaluate(
        "library-io", lambda conversations: ["The list has 3 items. <answer>3</answer>"] * len(conversations), limit=3
    )
    units = texts.results.get("extra_metric_units", {})
    assert set(units) <= {"claims_found"}, "all else of it is in percent"
    done = command("evaluate", "reval", "--model", "mock:gold", "--data", str(tmp_path))
    told = " ".join(done.stdout.split())
    assert (
        "official score of right answers, in percent: coverage: 100.00" in told
        and "left out: 14 questions: the run: it needs" in told
    )


def test_the_verb_takes_several_benchmarks(tmp_path: Path) -> None:
    words = ("evaluate", "heldout", "library-io", "--model", "mock:constant:0", "--limit", "6")
    done = command(*words, "-o", str(tmp_path / "out"))
    assert done.returncode == 0 and done.stdout.count("library-io") == 3, done.stderr
    assert "programs" in done.stdout and "Intervals are over programs" in done.stdout
    assert (tmp_path / "out" / "summary.html").is_file() and (tmp_path / "out" / "heldout" / "items.jsonl").is_file()
    done = command(*words, "--data", "x")
    assert done.returncode == 2 and "NAME=FILE" in done.stderr and done.stderr.count("\n") == 1
    done = command("compare", str(tmp_path / "out"), str(tmp_path / "out"))
    assert done.returncode == 2 and "holds 2 evaluations: name one of them, " in done.stderr and "/out/heldout or " in done.stderr
    done = command("view", str(tmp_path / "out"), "-o", str(tmp_path / "view.html"))
    assert done.returncode == 2 and "holds 2 evaluations: name one of them, " in done.stderr, done.stderr
    partly = ("evaluate", "heldout", "cruxeval-o", "--model", "mock:gold", "--limit", "3", "--data", "cruxeval-o=/nowhere.jsonl")
    done = command(*partly, "-o", str(tmp_path / "some"))
    assert done.returncode == 2 and "not evaluated: 1 of 2 benchmarks" in done.stderr, "what can be evaluated is"
    assert "| heldout" in (tmp_path / "some" / "summary.md").read_text()
    done = command("evaluate", "heldout", "heldout", "--model", "mock:gold")
    assert done.returncode == 2 and "named twice" in done.stderr
    runs = [str(tmp_path / "out" / "heldout")] * 2
    done = command("compare", *runs, "-o", str(tmp_path / "page.html"))
    assert done.returncode == 0 and (tmp_path / "page.html").is_file(), done.stderr
    assert command("compare", *runs, "-o", str(tmp_path / "page.txt")).returncode == 2


def test_the_interval_stands_behind_pass_at_1_which_it_is_of() -> None:
    score = {"pass_at_1": 34.21, "pass_at_5": 40.29, "pass_at_10": 41.88, "interval": [31.2, 37.4]}
    columns = pass_columns({"official": score})
    assert columns == ["pass@1", "95% interval", "pass@5", "pass@10"]
    assert pass_cells(score, columns) == ["34.21", "31.2 to 37.4", "40.29", "41.88"]
