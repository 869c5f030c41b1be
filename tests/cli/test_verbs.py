"""The command line: what each verb prints, that they pipe, and one clear line for each thing that can be wrong."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import jsonl, run

FIFTY = Path(__file__).parents[2] / "examples" / "fifty.py"
GOOD = {"code": "def f(n):\n    while n > 4:\n        n -= 3\n    return [n]", "input": "9", "output": "[3]", "id": "good"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    out = folder / "rows.jsonl"
    done = run("dataset", "from-programs", jsonl(folder / "programs.jsonl", GOOD), "-o", str(out))
    assert done.returncode == 0, done.stderr
    return out


# ------------------------------------------------------------------------------------------------------- what works


def test_trace_prints_the_run_as_a_person_would_follow_it(tmp_path: Path) -> None:
    program = tmp_path / "p.py"
    program.write_text("def g(k):\n    return k * 2\n\n\ndef f(n):\n    x = [g(n)]\n    return x\n")
    done = run("trace", str(program), "--call", "f(3)")
    assert done.returncode == 0, done.stderr
    lines = [line.split("│") for line in done.stdout.splitlines() if "│" in line]
    assert [[cell.strip() for cell in line] for line in lines] == [
        ["1", "6", "1", "x = [g(n)]", "x = [6]; list"],
        ["2", "2", "1", "return k * 2", ""],
        ["3", "7", "1", "return x", ""],
    ]
    assert lines[1][3].startswith("     "), "a called function stands further in"
    assert "returns [6]; list" in done.stdout


def test_verbs_pipe_as_json_lines() -> None:
    traced = run("trace", str(FIFTY), "--json")
    assert traced.returncode == 0, traced.stderr
    assert len(traced.stdout.splitlines()) == 50
    asked = run("ask", "-", "--json", stdin=traced.stdout)
    assert asked.returncode == 0, asked.stderr
    assert all(json.loads(line)["questions"] for line in asked.stdout.splitlines())
    made = run("dataset", "from-programs", "-", "-o", "-", stdin=traced.stdout)
    assert made.returncode == 0, made.stderr
    assert len(made.stdout.splitlines()) == 100
    stats = run("dataset", "stats", "-", "--json", stdin=made.stdout)
    assert json.loads(stats.stdout)["rows"] == {"white_box": 50, "input_prediction": 50}


def test_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m execverify trace {FIFTY} --json | head -1", shell=True, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["outcome"] == "returned"


def test_score_reads_completions_by_id_and_by_order(rows: Path, tmp_path: Path) -> None:
    entries = [json.loads(line) for line in rows.read_text().splitlines()]
    golds = {entry["id"]: f"<answer>assert f(9) == [3]{answers(entry)}</answer>" for entry in entries}
    by_id = [{"id": name, "completion": golds[name]} for name in reversed(golds)]
    by_order = list(golds.values())
    messages = [{"completion": [{"role": "assistant", "content": text}]} for text in by_order]
    forms: list[list[Any]] = [by_id, by_order, messages]
    for number, completions in enumerate(forms):
        done = run("score", str(rows), jsonl(tmp_path / f"{number}.jsonl", *completions), "--json")
        assert done.returncode == 0, done.stderr
        assert [json.loads(line)["reward"] for line in done.stdout.splitlines()] == [2.0, 2.0]
    table = run("score", str(rows), str(tmp_path / "1.jsonl"))
    assert "white_box" in table.stdout and "100.0%" in table.stdout


def answers(entry: dict[str, Any]) -> str:
    return "".join("\n" + question["answers"][0] for question in entry["questions"])


def test_several_completions_a_row(rows: Path, tmp_path: Path) -> None:
    names = [json.loads(line)["id"] for line in rows.read_text().splitlines()]
    given = [{"id": name, "completion": "nothing"} for name in names for _ in range(3)]
    done = run("score", str(rows), jsonl(tmp_path / "c.jsonl", *given), "--json")
    assert len(done.stdout.splitlines()) == 6


def test_validate_passes_good_rows_and_fails_wrong_ones(rows: Path, tmp_path: Path) -> None:
    assert run("dataset", "validate", str(rows)).returncode == 0
    entries = [json.loads(line) for line in rows.read_text().splitlines()]
    entries[0]["questions"][0]["answers"] = ["something else"]
    entries[1]["program"]["result"] = "[4]"
    wrong = jsonl(tmp_path / "wrong.jsonl", *entries)
    done = run("dataset", "validate", wrong, "--json")
    assert done.returncode == 1
    assert [fault["what"] for fault in json.loads(done.stdout)["faults"]][:2] == ["label", "label"]
    assert "2 faults" in run("dataset", "validate", wrong).stdout


def test_rows_are_the_same_each_time_and_another_seed_gives_others(tmp_path: Path) -> None:
    made = [run("dataset", "from-programs", str(FIFTY), "-o", "-", "--seed", seed).stdout for seed in ("1", "1", "2")]
    assert made[0] == made[1] != made[2]


def test_rows_confirms_given_outputs_and_reports_those_that_disagree(tmp_path: Path) -> None:
    programs = jsonl(
        tmp_path / "p.jsonl", GOOD, {**GOOD, "id": "claimed", "output": "[4]"}, {**GOOD, "id": "noise", "output": "f("}
    )
    done = run("dataset", "from-programs", programs, "-o", str(tmp_path / "out.jsonl"))
    assert done.returncode == 0
    assert "given outputs that the run confirmed: 1" in done.stderr
    assert "claimed" in done.stderr and "given [4], run [3]; list" in done.stderr
    assert "1 the given output is not a literal" in done.stderr
    assert {json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()} == {
        "good/white_box",
        "good/input_prediction",
    }


# -------------------------------------------------------------------------------------------------- what is wrong


def refused(*words: str, stdin: str = "", cwd: Path | None = None) -> str:
    """The one line that a wrong command says; it must end with status 2 and without a traceback."""
    done = run(*words, stdin=stdin, cwd=cwd)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    said = done.stderr.strip().splitlines()
    assert said[-1].startswith("execverify: ")
    assert "Traceback" not in done.stderr
    return said[-1]


@pytest.mark.parametrize("verb", ["trace", "ask", "dataset stats", "dataset validate"])
def test_no_such_file(verb: str, tmp_path: Path) -> None:
    assert refused(*verb.split(), "nowhere.jsonl", cwd=tmp_path) == "execverify: nowhere.jsonl: no such file"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "is a folder: name a file" in refused("trace", str(tmp_path))
    assert "is a folder: name a file" in refused("dataset", "stats", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(): pass\n", "is not JSON"),
        ("[1]\n", "is not a JSON object with code and input"),
        ('{"input": "3"}\n', "has no 'code'"),
        ('{"code": "def f(n): return n"}\n', "has no 'input'"),
        ('{"code": "def f(n): return n", "input": 3}\n', "has no 'input'"),
        ("\n", "holds no programs"),
    ],
)
def test_not_programs(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(text)
    said = refused("dataset", "from-programs", str(path), "-o", str(tmp_path / "o.jsonl"))
    assert message in said and "p.jsonl" in said
    assert not (tmp_path / "o.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code": "def f(n:\n  return n"}, "the source is not Python at line 1"),
        ({"code": "def g(n):\n  return n", "entry_point": "f"}, "does not define 'f'; it defines g"),
        ({"code": "x = 1"}, "defines no function"),
        ({"input": "1, 2"}, "f() takes 1 positional arguments, but 2 are given"),
        ({"input": ""}, "f() is not given its argument 'n'"),
        ({"input": "m=1"}, "takes no argument named 'm'"),
        ({"input": "lambda: 0"}, "an argument has no literal: it is a function"),
        ({"input": "unknown"}, "NameError"),
    ],
)
@pytest.mark.parametrize("verb", ["trace", "ask"])
def test_programs_that_cannot_be_used(verb: str, change: dict[str, str], message: str, tmp_path: Path) -> None:
    said = refused(verb, jsonl(tmp_path / "p.jsonl", {**GOOD, **change}))
    assert message in said and "p.jsonl:1" in said


BAD_CALLS = {
    "raises": ("def f(n):\n    return 1 // (n - n)", "raised", "ZeroDivisionError at line 2"),
    "hangs": ("def f(n):\n    while True: pass", "too_many_steps", "more than 10000 steps"),
    "hangs-in-c": ("def f(n):\n    return sum(range(10**12))", "timed_out", "longer than 3 s"),
    "eats-memory": ("def f(n):\n    return 'x' * 10**11", "out_of_memory", "more memory than it may have"),
    "prints-a-gigabyte": (
        "def f(n):\n    for _ in range(9000):\n        print('x' * 120_000)",
        "too_much_output",
        "1000000 characters",
    ),
    "exits": ("import os\ndef f(n):\n    os._exit(7)", "crashed", "exited with status 7"),
    "sys-exits": ("import sys\ndef f(n):\n    sys.exit(7)", "raised", "SystemExit"),
    "not-deterministic": ("def f(n):\n    return hash('x')", "nondeterministic", "two runs of it differ"),
    "opaque": ("def f(n):\n    return lambda: n", "the result has no literal", "object"),
}


def test_calls_that_give_no_row(tmp_path: Path) -> None:
    """Each costs its own program only; the summary says why."""
    bad = [{"code": code, "input": "9", "id": name} for name, (code, _, _) in BAD_CALLS.items()]
    programs = jsonl(tmp_path / "p.jsonl", *[entry for row in bad for entry in (row, {**GOOD, "id": f"after-{row['id']}"})])
    done = run("dataset", "from-programs", programs, "-o", str(tmp_path / "o.parquet"), "--timeout", "3")
    assert done.returncode == 0, done.stderr
    assert f"rows: {len(bad)} white_box, {len(bad)} input_prediction" in done.stderr
    told = [" ".join(line.split()) for line in done.stderr.splitlines()]
    for name, (_, outcome, detail) in BAD_CALLS.items():
        (line,) = [line for line in told if line.startswith(f"{name} (")]
        assert outcome in line and detail in line, line


@pytest.mark.parametrize("verb", ["trace", "ask"])
def test_one_bad_program_costs_itself_only(verb: str, tmp_path: Path) -> None:
    """The others are shown, the bad ones are named, and the exit status tells."""
    broken = {"code": "def f(n:", "input": "1", "id": "broken"}
    hanging = {"code": BAD_CALLS["hangs-in-c"][0], "input": "9", "id": "hanging"}
    programs = jsonl(tmp_path / "p.jsonl", GOOD, broken, {**GOOD, "id": "second"}, hanging, {**GOOD, "id": "third"})
    done = run(verb, programs, "--json", "--timeout", "0.5")
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2
    assert {entry["id"] for entry in entries if "error" not in entry} >= {"good", "second", "third"}
    assert "not Python" in next(entry["error"] for entry in entries if entry["id"] == "broken")
    assert "p.jsonl:2: the source is not Python" in done.stderr


def test_a_repeated_id_is_dropped_and_named(rows: Path, tmp_path: Path) -> None:
    programs = jsonl(tmp_path / "p.jsonl", GOOD, GOOD)
    done = run("dataset", "from-programs", programs, "-o", str(tmp_path / "o.jsonl"))
    assert "1 its id is taken" in done.stderr and "p.jsonl:2" in done.stderr
    twice = tmp_path / "twice.jsonl"
    twice.write_text(rows.read_text() * 2)
    assert "two rows have the same id" in refused(
        "score", str(twice), jsonl(tmp_path / "c.jsonl", {"id": "x", "completion": "x"})
    )


@pytest.mark.parametrize("name", ["raises", "hangs-in-c", "not-deterministic"])
def test_ask_says_why_there_is_nothing_to_ask(name: str, tmp_path: Path) -> None:
    code, outcome, detail = BAD_CALLS[name]
    done = run("ask", jsonl(tmp_path / "p.jsonl", {"code": code, "input": "9"}), "--timeout", "3")
    if name == "raises":
        assert done.returncode == 0, "a run that raised has steps to ask about"
        return
    assert done.returncode == 2
    assert outcome in done.stderr and detail in done.stderr


def test_nothing_is_written_where_no_program_gives_a_row(tmp_path: Path) -> None:
    programs = jsonl(tmp_path / "p.jsonl", {"code": "def f():\n    raise ValueError", "input": ""})
    said = refused("dataset", "from-programs", programs, "-o", str(tmp_path / "o.jsonl"))
    assert "gave a row, and nothing was written" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.jsonl"]


def test_unknown_names_come_with_the_nearest(rows: Path, tmp_path: Path) -> None:
    programs = jsonl(tmp_path / "p.jsonl", GOOD)
    assert "did you mean next_statement" in refused("ask", programs, "--question-kinds", "next_statment")
    assert "did you mean white_box" in refused("dataset", "from-programs", programs, "-o", "-", "--task-kinds", "whitebox")
    assert "it must be one of authors, default, minimal, no_reasoning, short, or a folder" in refused(
        "dataset", "from-programs", programs, "-o", "-", "--prompt-template", "execverfy"
    )
    assert "did you mean variable_state" in refused("score", str(rows), "-", "--question-kinds", "variables")


@pytest.mark.parametrize("out", ["rows.csv", "rows"])
def test_unknown_formats(out: str, tmp_path: Path) -> None:
    assert "end the name in .jsonl or .parquet" in refused(
        "dataset", "from-programs", jsonl(tmp_path / "p.jsonl", GOOD), "-o", out, cwd=tmp_path
    )


def test_a_python_file_without_calls(tmp_path: Path) -> None:
    path = tmp_path / "p.py"
    path.write_text("def f(n):\n    return n\n")
    assert "makes no call: add a line such as `assert f(3) == 6`, or say --call 'f(3)'" in refused("trace", str(path))
    assert "is not a call of a function by its name" in refused("trace", str(path), "--call", "f")
    assert "does not define 'g'; it defines f" in refused("trace", str(path), "--call", "g(1)")
    assert "--call goes with a Python file" in refused("trace", jsonl(tmp_path / "p.jsonl", GOOD), "--call", "f(1)")


def test_rows_of_another_version(rows: Path, tmp_path: Path) -> None:
    entries = [{**json.loads(line), "version": 99} for line in rows.read_text().splitlines()]
    other = jsonl(tmp_path / "rows.jsonl", *entries)
    for words in (("dataset", "stats", other), ("dataset", "validate", other), ("score", other, "-")):
        said = refused(*words)
        assert "rows.jsonl:1 is of version 99, and this execverify reads version 2: make the rows again" in said


def test_programs_given_where_rows_are_wanted(tmp_path: Path) -> None:
    assert "is not a row" in refused("dataset", "stats", jsonl(tmp_path / "p.jsonl", GOOD))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["only one"], "has 1 completion for 2 rows"),
        (["one", "two", "three"], "has 3 completions for 2 rows"),
        ([{"id": "good/white_box", "completion": "x"}], "no completion for 1 of 2 rows, such as 'good/input_prediction'"),
        ([{"id": "other", "completion": "x"}], "no row has the id 'other'"),
        ([3, 4], "has no completion"),
    ],
)
def test_completions_that_do_not_match(rows: Path, tmp_path: Path, given: list[Any], message: str) -> None:
    assert message in refused("score", str(rows), jsonl(tmp_path / "c.jsonl", *given))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"id": "good/white_box", "completion": "x"}, "y"], "c.jsonl:2 has no id, but other lines have"),
        ([{"answer": "x"}, "y"], "c.jsonl:1 has no completion"),
    ],
)
def test_a_completion_that_cannot_be_used_is_left_out(rows: Path, tmp_path: Path, given: list[Any], message: str) -> None:
    done = run("score", str(rows), jsonl(tmp_path / "c.jsonl", *given), "--json")
    assert done.returncode == 0
    assert "1 line of the input cannot be used" in done.stderr
    assert message in done.stderr
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("option", [("--timeout", "0"), ("--steps", "0"), ("--max-questions", "-1"), ("--seed", "x")])
def test_settings_out_of_range(option: tuple[str, str], tmp_path: Path) -> None:
    said = refused("ask", jsonl(tmp_path / "p.jsonl", GOOD), *option)
    assert option[0] in said


def test_without_its_libraries_the_command_says_what_to_install() -> None:
    code = "import sys; sys.modules['click'] = None; from execverify.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == "execverify: the command line needs click: pip install 'execverify[cli]'"


# What no verb may load before it needs it: it may not be installed, and takes seconds where it is.
ENGINES = ("torch", "transformers", "trl", "accelerate", "datasets", "vllm", "verl", "verifiers", "matplotlib", "numpy")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], ""),
        (["trace", str(FIFTY.with_name("collatz.py")), "--call", "f(2)"], ""),
        (["train", "--list"], ""),
        (["train", "all", "--preset", "tiny", "--output", "never"], "training needs t"),
        (["ablate", "--preset", "tiny", "--output", "never"], "training needs t"),
    ],
)
def test_the_command_line_needs_no_engine(words: list[str], said: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({ENGINES})); from execverify.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode != 0, "Traceback" in done.stderr) == (bool(said), False), done.stderr
    assert said in done.stderr and not any(tmp_path.iterdir())


def test_score_judges_rows_of_code(tmp_path: Path) -> None:
    row: dict[str, Any] = {
        "id": "add",
        "kind": "code_generation",
        "program": {"source": "def f(a, b=0):\n    return a + b\n", "entry_point": "f"},
        "questions": [
            {"kind": "unit_test", "text": "1, b=2", "answers": ["3"]},
            {"kind": "unit_test", "text": "-1", "answers": ["-1"]},
        ],
    }
    half = "<answer>\n```python\ndef f(a, b=0):\n    return abs(a) + b\n```\n</answer>"
    rows = jsonl(tmp_path / "rows.jsonl", row)
    completions = jsonl(tmp_path / "completions.jsonl", {"id": "add", "completion": half})
    done = run("score", rows, completions, "--json")
    assert done.returncode == 0, done.stderr
    score = json.loads(done.stdout)
    assert (score["kind"], score["reward"]) == ("code_generation", 0.55)
    assert [part["verdict"] for part in score["parts"]] == ["right", "right", "wrong_answer"]
    assert json.loads(run("score", rows, completions, "--json", "--binary").stdout)["reward"] == 0.05
    table = run("score", rows, completions)
    assert "unit_test" in table.stdout and "0.5500" in table.stdout
    assert run("dataset", "validate", rows).returncode == 0
    row["questions"][1]["answers"] = ["-2"]
    wrong = run("dataset", "validate", jsonl(tmp_path / "wrong.jsonl", row))
    assert (
        wrong.returncode == 1 and "gold earns 0.55" in wrong.stdout and "f(-1) gives -1, not -2" in " ".join(wrong.stdout.split())
    )
