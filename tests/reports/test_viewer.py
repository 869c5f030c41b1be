"""The viewer's page as a file: what its data hold, what programs and models cannot do to it, and the values of notebooks."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.cot import CotCompletion, generate_cot
from execverify.datasets.rows_io import write_rows
from execverify.evaluation import evaluate
from execverify.reports.evaluation import write_run
from execverify.reports.viewer import notebook_html, viewer_page
from execverify.reports.viewer_items import ViewItem, item_in_list, item_of, sample_of, verdict_of
from execverify.reports.viewer_sources import items_of_pairs, items_of_run, items_of_training
from execverify.reports.viewer_trace import MAX_STEPS, MAX_VALUE, runs_as_data
from execverify.rewards.steps.reference import references_of
from tests.helpers.command import jsonl, run

LOOP = "def helper(n):\n    return n * 2\n\n\ndef f(xs):\n    total = 0\n    for x in xs:\n        total += helper(x)\n    return total"
BANK = """class Account:
    def __init__(self, owner):
        self.owner = owner
        self.balance = 0

    def add(self, amount):
        self.balance += amount


def f(amounts):
    account = Account('Ada')
    for amount in amounts:
        account.add(amount)
    return account.balance"""
HOSTILE = "</script><script>window.hacked = 1</script><!-- <img src=x onerror=alert(1)> \u2028\u2029 \u202e ]]> {{ 7 * 7 }}"
LIMITS = ev.Limits(timeout=5.0)


def task_of(source: str = LOOP, arguments: str = "[1, 5]", **how: Any) -> ev.Task:
    return ev.task(ev.trace(ev.Program(source, arguments=arguments), limits=LIMITS), **how)


def chain_of(task: ev.Task) -> str:
    reference = references_of([task.program])[task.program]
    assert reference is not None
    made = generate_cot(task, reference.trace, reference.values)
    assert isinstance(made, CotCompletion)
    return made.text


def data_of(page: str) -> dict[str, Any]:
    """The JSON of a page, by the id of its script tag."""
    found = re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', page, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


# ---------------------------------------------------------------------------------------------------------------- runs


def test_a_run_in_columns_has_every_step_change_and_call() -> None:
    (found,) = runs_as_data([ev.Program(LOOP, arguments="[1, 5]")], LIMITS)
    trace = ev.trace(ev.Program(LOOP, arguments="[1, 5]"), limits=LIMITS)
    assert found["lines"] == [step.line for step in trace.steps]
    assert found["of"] == [step.frame for step in trace.steps]
    assert found["ends"] == [step.finished for step in trace.steps]
    assert found["loops"] == [[7, 8, 8]]
    named = [
        {found["texts"][name]: found["values"][value][1] for name, value in zip(c[::2], c[1::2], strict=True)}
        for c in found["changes"]
    ]
    assert named == [{name: step.state[name].text for name in step.changed} for step in trace.steps]
    assert [(frame["name"], frame["caller"], frame.get("returned")) for frame in found["frames"]] == [
        ("f", -1, "12"), ("helper", 2, "2"), ("helper", 5, "10"),
    ]  # fmt: skip
    parts = {found["texts"][text] for notes in found["notes"] for text in notes[::3]}
    assert {"n * 2", "helper(x)"} <= parts


def test_a_run_has_the_attributes_of_its_own_objects() -> None:
    (found,) = runs_as_data([ev.Program(BANK, arguments="[1, 5]")], LIMITS)
    seen = [
        (step, found["texts"][name], found["values"][value][1])
        for step, changes in enumerate(found["changes"])
        for name, value in zip(changes[::2], changes[1::2], strict=True)
        if "." in found["texts"][name]
    ]
    assert (0, "account.owner", "'Ada'") in seen and (1, "self.owner", "'Ada'") in seen
    assert [value for _, name, value in seen if name == "account.balance"] == ["0", "1", "6"]


def test_long_runs_and_values_are_cut() -> None:
    source = "def f(n):\n    text = 'x' * n\n    for i in range(n):\n        i += 1\n    return n"
    (found,) = runs_as_data([ev.Program(source, arguments="3000")], LIMITS)
    assert len(found["lines"]) == MAX_STEPS and found["total"] > MAX_STEPS
    assert all(len(value[1] or "") <= MAX_VALUE for value in found["values"])
    assert [value[3] for value in found["values"] if len(value) > 3] == [3002]


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("def f(n):\n    x = n\n    return x / 0", "raised"),
        ("def f(n):\n    while True:\n        n += 1", "too_many_steps"),
        ("def f(n):\n    import socket\n    return socket.socket()", "nondeterministic"),
    ],
)
def test_runs_that_do_not_return_are_shown(source: str, outcome: str) -> None:
    program = ev.Program(source, arguments="1")
    data = data_of(viewer_page("t", [ViewItem("x", "program", program)], limits=LIMITS))
    assert data["runs-0"][0]["outcome"] == outcome


# --------------------------------------------------------------------------------------------------------------- items


def test_the_verdict_of_several_completions() -> None:
    task = task_of(limit=4)
    wrong = "<answer>\nassert f([1, 5]) == 99\n" + "\n".join("-1; int" for _ in task.questions) + "\n</answer>"
    (item,) = items_of_pairs([(ev.to_row(task), ["nothing", wrong])])
    assert verdict_of(item) == "wrong", "none is right"
    (item,) = items_of_pairs([(ev.to_row(task), ["nothing", task.gold])])
    assert verdict_of(item) == "mixed"


def test_items_hold_questions_answers_and_the_graded_chain() -> None:
    task = task_of(limit=4)
    text = chain_of(task)
    wrong = text.replace("total = 0", "total = 1", 1)
    (item,) = items_of_pairs([(ev.to_row(task), [text, wrong, "nothing"])])
    assert item.asked[0].kind == "output" and len(item.asked) == 1 + len(task.questions) >= 4
    right, other, none = item.samples
    assert right.chain is not None and right.chain.is_true and right.reward == 2.0
    assert other.chain is not None and other.chain.first_divergence is not None
    assert verdict_of(item) == "mixed" and none.reward == 0
    data = data_of(viewer_page("t", [item]))
    shown = data["items-0"][0]["samples"]
    assert "".join(piece[0] for piece in shown[0]["text"]) == text
    assert next(piece[1] for piece in shown[1]["text"] if len(piece) > 1 and piece[1] != "right") == "wrong"
    assert data["index"]["items"][0]["has"] == ["calls its own functions", "for", "several functions"]


def test_input_prediction_shows_the_run_of_the_models_arguments() -> None:
    task = task_of("def f(n):\n    return n // 2", "4", kind="input_prediction")
    (item,) = items_of_pairs([(ev.to_row(task), [task.gold.replace("f(4)", "f(5)")])])
    data = data_of(viewer_page("t", [item]))
    assert [run["call"] for run in data["runs-0"]] == ["f(4)", "f(5)"]
    assert data["items-0"][0]["run"] == 0 and data["items-0"][0]["samples"][0]["run"] == 1


def test_code_generation_shows_its_tests() -> None:
    task = next(one for one in ev.generate_tasks(size=60, seed=0, kinds=("code_generation",)) if one.kind == "code_generation")
    wrong = f"```python\ndef {task.program.entry_point}(*a):\n    return 'no'\n```"
    (item,) = items_of_pairs([(ev.to_row(task), [task.gold, wrong])])
    assert len(item.asked) == len(task.questions)
    sample = data_of(viewer_page("t", [item]))["items-0"][0]["samples"][0]
    assert len(sample["parts"]) == len(item.asked) and sample["form"][0] == "format"
    assert all(part[1] == "right" for part in sample["parts"])


def test_a_list_entry_says_where_the_rules_disagree() -> None:
    task = task_of(limit=0)
    item = item_of(task, [sample_of(task.gold, ev.score(task, task.gold))])
    assert "differs" not in item_in_list(item, 6) and item_in_list(item, 6)["steps"] == 6


# ------------------------------------------------------------------------------------------------------------- hostile


def hostile_item() -> ViewItem:
    source = f"def f(x):\n    y = {HOSTILE!r}\n    z = '''{HOSTILE}'''\n    return [x, y]"
    task = task_of(source, repr(HOSTILE), id=HOSTILE)
    completion = HOSTILE + task.gold + HOSTILE
    return item_of(task, [sample_of(completion, ev.score(task, completion, chains=True), None, note=HOSTILE)], {HOSTILE: HOSTILE})


def test_texts_cannot_leave_their_script_tag() -> None:
    page = viewer_page(HOSTILE, [hostile_item(), hostile_item()], note=HOSTILE)
    assert "<img" not in page and "<!--" not in page and "window.hacked" in page
    assert page.count("<script") == page.count("</script>") == 4, "index, items, runs, and the page's own"
    assert not re.search("[\u2028\u2029\u202e]", page)
    assert data_of(page)["items-0"][0]["id"] == HOSTILE


def test_half_surrogate_pairs_are_written() -> None:
    task = task_of("def f(x):\n    return x", "'\\ud800'", limit=0)
    page = viewer_page("\ud800", [item_of(task, [sample_of("\ud800", ev.score(task, "\ud800"))])])
    page.encode("utf-8")


# -------------------------------------------------------------------------------------------------- sources and the verb


@pytest.mark.usefixtures("fixed_items")
def test_an_evaluation_is_shown_without_its_data(tmp_path: Path) -> None:
    found = evaluate("heldout", "mock:constant:Nil", limit=8, out=tmp_path)
    write_run(tmp_path, found)
    results, items = items_of_run(tmp_path, None)
    assert results["benchmark"] == "heldout" and [item.id for item in items] == [record.item.id for record in found.records]
    for item, record in zip(items, found.records, strict=True):
        assert [part.official for part in item.samples[0].parts] == [mark.official for mark in record.marks[0]]
        assert item.program is not None and item.prompt
    assert len(items_of_run(tmp_path, 3)[1]) == 3
    (tmp_path / "items.jsonl").unlink()
    done = run("view", str(tmp_path), "-o", str(tmp_path / "page.html"))
    assert done.returncode == 2 and "items.jsonl: no such file" in done.stderr and done.stderr.count("\n") == 1


def test_samples_of_a_training_are_graded_where_their_rows_are_found(tmp_path: Path) -> None:
    task = task_of(limit=2, id="a")
    (tmp_path / "rl").mkdir()
    ev_rows = tmp_path / "rows.parquet"
    write_rows(str(ev_rows), [ev.to_row(task)])
    entries = [
        {"step": 1, "id": "a", "prompt": "p", "completion": task.gold, "white_box_reward": 2.0, "graded": "output ✓"},
        {"step": 1, "id": "a", "prompt": "p", "completion": "no", "white_box_reward": 0.0, "graded": ""},
        {"step": 2, "id": "gone", "prompt": "q", "completion": "no", "white_box_reward": 0.5, "graded": "output ✗"},
    ]
    jsonl(tmp_path / "rl" / "samples.jsonl", *entries)
    group, lost = items_of_training(tmp_path, None)
    assert group.program == task.program and [sample.reward for sample in group.samples] == [2.0, 0.0]
    assert len(group.samples[0].parts) == 3 and group.id == "a, update 1"
    assert lost.program is None and lost.samples[0].reward == 0.5 and lost.samples[0].notes["graded"] == "output ✗"
    done = run("view", str(tmp_path / "rl"), "-o", str(tmp_path / "page.html"))
    assert done.returncode == 0 and "2 items" in done.stderr, done.stderr


def test_a_sample_is_named_by_its_stage_where_two_stages_have_its_name(tmp_path: Path) -> None:
    for stage, ids in (("rl_whitebox", ("a", "b")), ("rl_unit_tests", ("a", "c"))):
        (tmp_path / stage).mkdir()
        jsonl(tmp_path / stage / "samples.jsonl", *({"step": 3, "id": id, "completion": "no"} for id in ids))
    names = [item.id for item in items_of_training(tmp_path, None)]
    assert sorted(names) == ["a, update 3 of rl_unit_tests", "a, update 3 of rl_whitebox", "b, update 3", "c, update 3"]


def test_a_training_without_samples_has_nothing_to_show(tmp_path: Path) -> None:
    write_rows(str(tmp_path / "rows.parquet"), [ev.to_row(task_of())])
    (tmp_path / "rl").mkdir()
    (tmp_path / "rl" / "samples.jsonl").touch()
    assert items_of_training(tmp_path, None) == []


def test_the_verb_takes_programs_rows_and_completions(tmp_path: Path) -> None:
    program, rows, page = tmp_path / "p.py", tmp_path / "rows.jsonl", tmp_path / "page.html"
    program.write_text(LOOP)
    done = run("view", str(program), "--call", "f([1, 2])", "-o", str(page))
    assert done.returncode == 0 and "1 item" in done.stderr, done.stderr
    assert data_of(page.read_text())["index"]["title"] == "p.py: f([1, 2])"
    task = task_of()
    jsonl(rows, ev.to_row(task))
    texts = jsonl(tmp_path / "c.jsonl", {"id": task.id, "completion": task.gold}, {"id": task.id, "completion": "x"})
    done = run("view", str(rows), "--completions", texts, "-o", str(page))
    assert done.returncode == 0, done.stderr
    assert len(data_of(page.read_text())["items-0"][0]["samples"]) == 2
    records = jsonl(tmp_path / "programs.jsonl", {"code": LOOP, "entry_point": "f", "input": "[3]"})
    assert run("view", records, "-o", str(page)).returncode == 0


def test_mistakes_have_one_clear_line(tmp_path: Path) -> None:
    program, empty, page = tmp_path / "p.py", tmp_path / "empty.jsonl", str(tmp_path / "page.html")
    program.write_text(LOOP)
    empty.write_text("")
    for words, said in [
        (("view", "none.py", "-o", page), "no such file"),
        (("view", str(program), "--call", "f([1])", "-o", "page.txt"), "end the name in .html"),
        (("view", str(program), "--call", "f([1])", "-o", "no/such/page.html"), "a folder that exists"),
        (("view", str(program), "--call", "f([1])", "--completions", "x", "-o", page), "goes with rows"),
        (("view", str(program), "--call", "f(", "-o", page), "the call"),
        (("view", str(empty), "-o", page), "is empty"),
        (("view", str(tmp_path), "-o", page), "name a file of rows"),
        (("view", str(program)), "--output"),
    ]:
        done = run(*words)
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, (words, done.stderr)
        assert not Path(page).exists()


# ----------------------------------------------------------------------------------------------------------- notebooks


def test_values_show_themselves_in_notebooks() -> None:
    trace = ev.trace(ev.Program(LOOP, arguments="[1]"), limits=LIMITS)
    task = ev.task(trace)
    score = ev.score(task, chain_of(task), chains=True)
    for value, kind in ((trace, "program"), (task, "white_box"), (score, "answer")):
        shown = value._repr_html_()
        assert shown.startswith("<iframe") and 'sandbox="allow-scripts"' in shown and shown == notebook_html(value)
        page = html.unescape(shown.partition('srcdoc="')[2].rpartition('"')[0])
        assert data_of(page)["index"]["items"][0]["kind"] == kind


def test_without_jinja2_values_are_escaped_text() -> None:
    code = (
        "import sys\n"
        "for name in ('jinja2', 'markupsafe'): sys.modules[name] = None\n"
        "import execverify as ev\n"
        "trace = ev.trace(ev.Program('def f(n):\\n    return \"<b>\"', arguments='1'), timeout=5.0)\n"
        "print(trace._repr_html_()[:5], '<b>' in trace._repr_html_(), '&lt;b&gt;' in trace._repr_html_())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["<pre>", "False", "True"]
