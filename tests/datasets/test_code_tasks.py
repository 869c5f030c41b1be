"""Code-generation rows: their English and their tests say what the function is, and nothing else passes."""

import ast
import functools
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import execverify as ev
from execverify.datasets import DatasetConfig, build, read_rows
from execverify.datasets.code_tasks import (
    LEAST_EXAMPLES,
    LEAST_TESTS,
    MAX_TESTS,
    MAX_TRIVIAL_PASS_RATE,
    MOST_EXAMPLES,
    MOST_WORDS,
)
from execverify.datasets.validate import validate
from execverify.errors import DatasetError, QuestionError
from execverify.programs.code_mutation import MUTATION_OPERATORS, mutants
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, read_arguments
from execverify.programs.values import equality_key
from execverify.questions.code_generation import code_task
from execverify.questions.prompts import FunctionSpec, template_names
from execverify.reports.dataset import write_report
from execverify.rewards.code import unit_tests
from execverify.rewards.code.grade import unit_test_score
from execverify.synthesis.describe import Line
from execverify.synthesis.task_statement import imperative_sentences

COUNT = 60
SEVERAL_CHUNKS = 66


@functools.cache
def tasks() -> tuple[ev.Task, ...]:
    return tuple(ev.generate_tasks(COUNT, 17, kinds=("code_generation",)))


def answer(source: str) -> str:
    return f"<reasoning>\nI write it.\n</reasoning>\n<answer>\n```python\n{source}\n```\n</answer>"


def called(task: ev.Task, source: str) -> list[object]:
    """What a source gives on a task's tests, by this Python: a second account, without the sandbox and the scorer."""
    given: list[object] = []
    for test in task.questions:
        names: dict[str, object] = {}
        try:
            exec(source, names)
            positional, named = read_arguments(test.text)
            given.append(equality_key(names[task.program.entry_point](*positional, **named)))  # type: ignore[operator]
        except Exception as error:
            given.append(type(error).__name__)
    return given


def expected(task: ev.Task) -> list[object]:
    return [equality_key(parse_literal(test.answers[0])) for test in task.questions]


# ------------------------------------------------------------------------------------------------------------ the rows


def test_gold_passes_every_test_by_two_accounts() -> None:
    for task in tasks():
        assert ev.score(task, task.gold).reward == 1.05, task.program.source
        assert called(task, task.program.source) == expected(task), task.program.source


def test_tests_are_several_distinct_and_not_shown() -> None:
    for task in tasks():
        assert LEAST_TESTS <= len(task.questions) <= MAX_TESTS
        prompt = task.prompt[0]["content"]
        shown = re.findall(rf"^{task.program.entry_point}\((.*)\) == ", prompt, re.MULTILINE)
        assert LEAST_EXAMPLES <= len(shown) <= MOST_EXAMPLES
        calls = [*shown, *(test.text for test in task.questions)]
        assert len({str(equality_key(list(read_arguments(call)[0]))) for call in calls}) == len(calls)
        assert task.program.arguments == task.questions[0].text and task.result.text == task.questions[0].answers[0]


def test_most_mutants_fail_a_test() -> None:
    killed = tried = 0
    for task in tasks():
        for mutant in mutants(task.program, 12):
            if "while" in mutant.source:  # may never end here
                continue
            tried += 1
            killed += called(task, mutant.source) != expected(task)
    assert killed > 0.75 * tried > 200


def test_no_answer_without_work_passes_more_than_its_share() -> None:
    for task in tasks():
        name, results = task.program.entry_point, expected(task)
        constants = {test.answers[0] for test in task.questions} | {"None", "0", "''", "[]", "True", "{}"}
        sources = [f"def {name}(*args):\n    return {literal}" for literal in constants]
        sources += [f"def {name}(*args):\n    return args[{place}]" for place in range(len(task.program.call_arguments[0]))]
        for source in sources:
            passed = sum(one == other for one, other in zip(called(task, source), results, strict=True))
            assert passed <= MAX_TRIVIAL_PASS_RATE * len(results), (source, task.program.source)


def test_a_table_of_the_shown_examples_passes_nothing() -> None:
    for task in tasks()[:20]:
        shown = re.findall(rf"^{task.program.entry_point}\((.*)\) == (.*)$", task.prompt[0]["content"], re.MULTILINE)
        table = "{" + ", ".join(f"{call!r}: {result}" for call, result in shown) + "}"
        source = f"def {task.program.entry_point}(*args):\n    return {table}[', '.join(map(repr, args))]"
        assert ev.score(task, answer(source)).reward == 0.05


def test_the_statement_is_english_of_a_bearable_length() -> None:
    for task in tasks():
        statement = task.prompt[0]["content"].split("\n\n", 1)[1].split("The function begins:")[0]
        assert len(statement.split()) <= MOST_WORDS
        plain = re.sub(r"`[^`]*`|'[^']*'", "X", statement)
        assert statement.startswith(f"Write a function `{task.program.entry_point}(")
        assert not re.search(r"  |\.\.|[;,]\.|: ;| returns |\bstarts\b|\badds\b|\x01|^[a-z]|\. [a-z]", plain, re.MULTILINE), (
            statement
        )


def test_the_signature_is_python_and_says_the_types_that_come() -> None:
    for task in tasks():
        prompt = task.prompt[0]["content"]
        line = next(line for line in prompt.splitlines() if line.startswith(f"def {task.program.entry_point}("))
        (definition,) = ast.parse(f"{line}\n    ...").body
        assert isinstance(definition, ast.FunctionDef) and definition.returns is not None
        own = next(n for n in task.program.tree.body if isinstance(n, ast.FunctionDef) and n.name == task.program.entry_point)
        assert [arg.arg for arg in definition.args.args] == [arg.arg for arg in own.args.args]
        for test in task.questions:
            for arg, value in zip(definition.args.args, read_arguments(test.text)[0], strict=True):
                assert arg.annotation is not None and type(value).__name__ in ast.unparse(arg.annotation)
            assert type(parse_literal(test.answers[0])).__name__.replace("NoneType", "None") in ast.unparse(definition.returns)


def test_they_are_built_validated_and_described(tmp_path: Path) -> None:
    built = build(tmp_path / "out", 24, DatasetConfig(seed=17, kinds=("code_generation", "white_box")), workers=2)
    rows = list(read_rows(str(tmp_path / "out")))
    assert set(built.manifest["kinds"]) == {"code_generation", "white_box"}
    found = validate(rows)
    assert not found.faults
    assert any(name.startswith("code_") for name in found.tried) and found.rows["code_generation"] > 5
    for row in rows:
        assert ev.to_row(ev.from_row(row)) == row
    assert "Unit tests" in write_report(tmp_path / "out").read_text(encoding="utf-8")


def test_they_open_with_datasets_beside_other_kinds(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    build(tmp_path / "code", 3, DatasetConfig(seed=1, kinds=("code_generation",)))
    build(tmp_path / "white", 3, DatasetConfig(seed=1, kinds=("white_box",)))
    files = [str(path) for name in ("code", "white") for path in (tmp_path / name / "data").glob("*.parquet")]
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))["train"]
    assert set(loaded["kind"]) == {"code_generation", "white_box"}


def test_kinds_are_drawn_in_their_shares_and_old_ones_stay() -> None:
    both = list(ev.generate_tasks(20, 5))
    assert {task.kind for task in both} == {"white_box", "input_prediction"}
    every = list(ev.generate_tasks(20, 5, kinds=("white_box", "input_prediction", "code_generation")))
    assert {task.kind for task in every} == {"white_box", "input_prediction", "code_generation"}


def test_a_program_that_is_to_be_written_gives_one_row() -> None:
    every = list(ev.generate_tasks(30, 5, kinds=("white_box", "code_generation"), inputs_per_program=3))
    of_code = [task.id for task in every if task.kind == "code_generation"]
    assert of_code and not any(task.id.startswith(f"{id}/") for task in every for id in of_code)
    assert any("/" in task.id for task in every)


def test_programs_of_a_file_have_no_english() -> None:
    with pytest.raises(DatasetError, match="code_generation go with synthesized programs"):
        DatasetConfig(kinds=("code_generation",), programs_file="programs.jsonl")


def test_every_template_asks_for_a_block_of_code() -> None:
    program = Program("def f(n):\n    return n * 2", arguments="4")
    for name in template_names():
        task = code_task(
            ev.trace(program), FunctionSpec("Double `n`.", "def f(n: int) -> int:", (("1", "2"),)), (("4", "8"),), template=name
        )
        prompt = task.prompt[0]["content"]
        assert "Double `n`." in prompt and "f(1) == 2" in prompt and "f(4)" not in prompt and "$" not in prompt
        assert ("```python" in prompt and "<answer>" in prompt) or name == "minimal"  # which states no rules
    with pytest.raises(QuestionError, match="unit tests"):
        code_task(ev.trace(program), FunctionSpec("", "", ()), (("5", "10"),))


# ------------------------------------------------------------------------------------------------- mutants and statements


def test_mutants_are_python_of_every_kind_and_differ_in_one_line() -> None:
    seen = set()
    for task in tasks():
        found = mutants(task.program, 12)
        assert found == mutants(task.program, 12) and len({mutant.source for mutant in found}) == len(found)
        for mutant in found:
            seen.add(mutant.kind)
            ast.parse(mutant.source)
            lines = mutant.source.split("\n")
            if len(lines) == len(task.program.lines):  # a block that is left out has several
                pairs = zip(lines, task.program.lines, strict=True)
                assert [at for at, (one, other) in enumerate(pairs, start=1) if one != other] == [mutant.line]
    assert seen == set(MUTATION_OPERATORS)


def test_a_text_with_letters_of_several_bytes_is_broken_in_the_right_place() -> None:
    program = Program("def f(s):\n    return 'é' + s.upper() + 'ü'", arguments="'a'")
    sources = {mutant.source.split("\n")[1].strip() for mutant in mutants(program, 20)}
    assert {"return 'é' - s.upper() + 'ü'", "return 'é' + s.lower() + 'ü'", "return 'éx' + s.upper() + 'ü'"} <= sources


def test_a_name_that_is_used_once_gives_way_to_its_value_in_a_straight_line_alone() -> None:
    let = Line("a = xs.pop()", 1, "lets `a` be the last element of `xs`, taken out")
    assert (
        imperative_sentences([let, Line("return a", 1, "returns `a`")])
        == "Let `a` be the last element of `xs`, taken out. Return `a`."
    )
    let = Line("a = len(xs)", 1, "lets `a` be the length of `xs`")
    assert imperative_sentences([let, Line("return a + 1", 1, "returns `a` plus 1")]) == "Return (the length of `xs`) plus 1."
    change = Line("xs += ys", 1, "adds the elements of `ys` to the end of `xs`")
    said = "Let `a` be the length of `xs`, then add the elements of `ys` to the end of `xs`. Return `a`."
    assert imperative_sentences([let, change, Line("return a", 1, "returns `a`")]) == said
    twice = Line("return a + a", 1, "returns `a` plus `a`")
    assert imperative_sentences([let, twice]) == "Let `a` be the length of `xs`. Return `a` plus `a`."


def test_a_wrong_function_is_told_by_its_tests() -> None:
    task = tasks()[0]
    score = unit_test_score(unit_tests.tests_of(task), answer(f"def {task.program.entry_point}(*args):\n    raise ValueError"))
    assert score.reward == 0.05 and {str(part.verdict) for part in score.parts[1:]} == {"raised"}


def test_a_killed_build_by_others_gives_the_same_rows(tmp_path: Path) -> None:
    build(tmp_path / "one", SEVERAL_CHUNKS, DatasetConfig(seed=17, kinds=("code_generation",)), workers=2)
    size = ["--size", str(SEVERAL_CHUNKS), "--seed", "17", "--task-kinds", "code_generation", "--workers", "1"]
    words = ["dataset", "build", "-o", str(tmp_path / "two"), *size]
    env = {**os.environ, "PYTHONHASHSEED": "77"}
    with subprocess.Popen([sys.executable, "-m", "execverify", *words], env=env, stderr=subprocess.DEVNULL) as building:
        while building.poll() is None and not list(tmp_path.glob("two/.unfinished/chunk-*.gz")):
            time.sleep(0.01)
        building.kill()
    assert not (tmp_path / "two" / "manifest.json").exists()
    subprocess.run([sys.executable, "-m", "execverify", *words], env=env, check=True, capture_output=True)
    one, two = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("one", "two"))
    assert (one["content_hash"], one["rejected_attempts"]) == (two["content_hash"], two["rejected_attempts"])
