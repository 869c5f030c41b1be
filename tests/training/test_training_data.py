"""Which rows a training gets, from where."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from execverify.datasets import DatasetConfig, build
from execverify.errors import TrainingError
from execverify.evaluation import evaluate
from execverify.evaluation.benchmarks.heldout import BENCHMARK
from execverify.evaluation.data import Source
from execverify.questions.question import ANSWER_OPEN
from execverify.questions.rows import VERSION
from execverify.training import data
from execverify.training.data import Rows, TaskRows, counts, prepared_rows, prepared_tasks
from execverify.training.pipeline import TrainingPipeline
from execverify.training.stage_evaluation import measures_of
from tests.helpers.tiny_training import preset


def _quiet(line: str) -> None:
    pass


def test_given_rows_are_taken_by_kind_and_what_they_lack_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def build(folder: Path, size: int, recipe: Any, workers: int, **_: Any) -> None:
        built.append(folder.name)
        (folder.parent / folder.name).mkdir(parents=True)

    monkeypatch.setattr(data, "build", build)
    given = {"white_box": ["train"] * 40 + ["test"] * 12, "code_generation": ["train"] * 12 + ["test"] * 2}
    for kinds, expected in ((("white_box", "code_generation"), []), (("white_box",), ["tasks"])):
        rows = [
            {"id": f"{kind}-{at}", "kind": kind, "split": split, "version": VERSION, "program": {"source": f"{at}"}}
            for kind in kinds
            for at, split in enumerate(given[kind])
        ]
        path = tmp_path / f"{len(kinds)}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        settings = preset(f"data.from_folder={path}", "sft.rows=16", "rl_whitebox.rows=24")
        prepared = prepared_rows(settings, tmp_path / "out", 1)
        tasks = prepared_tasks(settings, tmp_path / f"out-{len(kinds)}", 1, _quiet)
        assert built == expected
        sft, rl_whitebox = list(prepared.of_sft()), list(prepared.of_stage1(["white_box"]))
        assert [row["id"] for row in (*sft, *rl_whitebox)] == [f"white_box-{at}" for at in range(40)]
        assert len(list(prepared.of_evaluation())) == 12
        if not expected:
            assert [row["id"] for row in (*tasks.of_sft(), *tasks.of_stage2())] == [f"code_generation-{at}" for at in range(12)]
            assert len(list(tasks.of_evaluation())) == 2


def test_progress_tells_rows_that_are_there_from_rows_to_build(tmp_path: Path) -> None:
    settings, lines = preset("sft.rows=8", "rl_whitebox.rows=8", "evaluation.rows=2"), list[str]()
    for _ in range(2):
        prepared_rows(settings, tmp_path / "out", 1, lines.append)
    first, second = lines
    assert re.fullmatch(rf"rows: \d+ rows are being built in {tmp_path}/out/rows", first)
    assert second == first.replace("being built in", "in")
    given = preset(f"data.from_folder={tmp_path / 'out' / 'rows'}", "sft.rows=8", "rl_whitebox.rows=8", "evaluation.rows=2")
    prepared_rows(given, tmp_path / "new", 1, lines.append)
    assert lines[2:] == [f"rows: from {tmp_path}/out/rows"]


def test_given_rows_with_other_prompts_are_refused(tmp_path: Path) -> None:
    build(tmp_path / "given", 6, DatasetConfig(seed=3, prompt_template="short"))
    with pytest.raises(TrainingError, match=r"prompts by the template 'short', .* 'minimal': set data.prompt_template=short"):
        prepared_rows(preset(f"data.from_folder={tmp_path / 'given'}"), tmp_path / "out", 1)


def test_a_source_without_code_tasks_is_told_before_any_stage(tmp_path: Path) -> None:
    source = tmp_path / "prime.jsonl"
    source.write_text("{}\n")
    training = TrainingPipeline(preset(f"rl_unit_tests.source={source}"), tmp_path / "out", evaluated=False)
    with pytest.raises(TrainingError, match="holds no rows of code generation"):
        training.run(["sft", "rl_whitebox", "rl_unit_tests"])
    assert not (tmp_path / "out").exists()


def test_cruxeval_is_asked_as_the_model_was_trained(tmp_path: Path) -> None:
    programs = tmp_path / "programs.jsonl"
    programs.write_text(
        "".join(f'{{"code": "def f(a):\\n    return a + {n}", "input": "1", "output": "{n + 1}"}}\n' for n in range(5))
    )
    changed = preset(f"evaluation.cruxeval={programs}", "evaluation.limit=3", "evaluation.tasks=0")
    held = Rows(tmp_path, 0, 0, 0)  # rows that are given: nothing has made the folder yet
    measures = {
        one.name: one for one in measures_of(changed, held, TaskRows(None, 0, 0, 0, "", ""), tmp_path / "new" / "shared", 1)
    }
    for name, asked in (("cruxeval-o", "assert f(1) == ??"), ("cruxeval-i", "assert f(??) == 1")):
        one = measures[name]
        results = evaluate(one.benchmark, "mock:gold", data=one.data, style=one.style, limit=one.limit).results
        assert (results["items"], results["strict"]["pass_at_1"]) == (3, 100.0)
        (message,) = BENCHMARK.messages(BENCHMARK.items(Source(one.data))[0], one.style)
        assert message["content"].splitlines()[-1] == asked and ANSWER_OPEN not in message["content"]  # the prompts of `compact`


def test_malformed_records_of_prime_are_counted_and_told(tmp_path: Path) -> None:
    truth = {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "4\n"]}
    record = {
        "data_source": "taco",
        "ability": "code",
        "prompt": [{"role": "user", "content": "Read a number and print twice of it."}],
        "reward_model": {"style": "rule", "ground_truth": json.dumps(truth)},
        "extra_info": {"split": "train", "index": 0},
    }
    broken = {**record, "reward_model": {"style": "rule", "ground_truth": "not JSON"}}
    path = tmp_path / "prime.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in (record, broken, broken)), encoding="utf-8")
    said: list[str] = []
    settings = preset(f"rl_unit_tests.source={path}", "sft.tasks=0", "evaluation.tasks=0")
    assert len(list(prepared_tasks(settings, tmp_path, 1, said.append).of_stage2())) == 1
    assert len(said) == 1 and said[0].startswith(f"rl_unit_tests: 1 row of 3 records of {path}; 2 dropped: ")


def test_long_work_says_how_far_it_is_now_and_then() -> None:
    lines: list[str] = []
    report = counts(lines.append, "base: held out", pause=0)
    report("asking", 3, 10)
    rare = counts(lines.append, "rows", pause=1_000)
    rare("built", 5, 10)
    assert lines == ["base: held out: asking: 3 of 10"]
