"""What must not change unawares: rows, chains and evaluations of fixed seeds, by a short hash each.

`python -m tests.test_golden` writes the file again; do so only where a change of what users get is meant, and say why in the commit.
"""

import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from execverify.cot import STYLES
from execverify.datasets import generate_tasks
from execverify.datasets.build_run import build
from execverify.datasets.config import DatasetConfig
from execverify.datasets.cot_rows import cot_rows
from execverify.evaluation.run import evaluate
from execverify.questions import to_row
from execverify.questions.task import ALL_KINDS

pytestmark = pytest.mark.usefixtures("fixed_items")
GOLDEN = Path(__file__).parent / "data" / "golden.json"
ROWS, QUICK, CHAINS = 600, 200, 100
BENCHMARKS = ("heldout", "library-io")
MODELS = ("mock:gold", "mock:empty", "mock:constant:Nil")


def short_hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@functools.cache
def rows(size: int) -> list[dict[str, Any]]:
    return [dict(to_row(task)) for task in generate_tasks(size=size, seed=0, kinds=ALL_KINDS)]


def row_hashes(size: int) -> list[str]:
    return [short_hash(row) for row in rows(size)]


def chain_hashes(style: str) -> list[str]:
    given = rows(QUICK)[:CHAINS]
    return [short_hash(chain) for chain in cot_rows(given, style=style, seed=0)]


def manifest_hash(folder: Path) -> str:
    return str(build(folder, 200, DatasetConfig(seed=0, kinds=ALL_KINDS), workers=2).manifest["content_hash"])


def result_hash(benchmark: str, model: str) -> str:
    """All figures and verdicts, without what names the machine or the versions."""
    run = evaluate(benchmark, model)
    return short_hash(
        [
            run.results.get(name)
            for name in ("official", "strict", "baselines", "slices", "extra_metrics", "disagreements", "item_grades")
        ]
    )


def _all(folder: Path) -> Iterator[tuple[str, Any]]:
    yield "rows", row_hashes(ROWS)
    for style in sorted(STYLES):
        yield f"chains/{style}", chain_hashes(style)
    yield "manifest", manifest_hash(folder)
    for benchmark in BENCHMARKS:
        for model in MODELS:
            yield f"{benchmark}/{model}", result_hash(benchmark, model)


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("size", [QUICK, pytest.param(ROWS, marks=pytest.mark.slow)])
def test_rows_are_those_of_before(size: int, golden: dict[str, Any]) -> None:
    assert row_hashes(size) == golden["rows"][:size]


@pytest.mark.parametrize("style", sorted(STYLES))
def test_chains_are_those_of_before(style: str, golden: dict[str, Any]) -> None:
    assert chain_hashes(style) == golden[f"chains/{style}"]


def test_a_build_has_the_content_of_before(tmp_path: Path, golden: dict[str, Any]) -> None:
    assert manifest_hash(tmp_path / "set") == golden["manifest"]


@pytest.mark.parametrize("benchmark", BENCHMARKS)
@pytest.mark.parametrize("model", MODELS)
def test_evaluations_are_those_of_before(benchmark: str, model: str, golden: dict[str, Any]) -> None:
    assert result_hash(benchmark, model) == golden[f"{benchmark}/{model}"]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        found = dict(_all(Path(temporary) / "set"))
    GOLDEN.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
