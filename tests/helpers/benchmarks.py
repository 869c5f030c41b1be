"""Files of published benchmarks: whole where they lie beside the checkout, else the samples of `tests/data/benchmarks`."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

from execverify.errors import ProgramError
from execverify.programs.program import Program

_ROOT = Path(__file__).parents[2]
_WHOLE = Path(os.environ.get("EXECVERIFY_TEST_BENCHMARKS") or _ROOT.parent / "shared" / "benchmarks")

BENCHMARKS = _WHOLE if _WHOLE.is_dir() else _ROOT / "tests" / "data" / "benchmarks"
CRUXEVAL = BENCHMARKS / "cruxeval" / "cruxeval.jsonl"
CRUXEVAL_GENERATIONS = BENCHMARKS / "cruxeval" / "samples" / "codellama-7b_temp0.2_output.generations.json"
CRUXEVAL_SCORED = CRUXEVAL_GENERATIONS.with_name("codellama-7b_temp0.2_output.scored.json")
HUMANEVAL = BENCHMARKS / "humaneval" / "HumanEval.jsonl.gz"
HUMANEVAL_PLUS = BENCHMARKS / "humanevalplus" / "HumanEvalPlus.jsonl.gz"
MBPP_PLUS = BENCHMARKS / "mbppplus" / "MbppPlus.jsonl.gz"
BIGCODEBENCH = BENCHMARKS / "bigcodebench" / "BigCodeBench.jsonl.gz"


def benchmark_rows(path: Path) -> list[dict[str, Any]]:
    """Read all rows of one of these files."""
    data = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()]


def is_whole(path: Path) -> bool:
    """Tell whether a file is the whole benchmark: its published figures hold for that alone."""
    return len(benchmark_rows(path)) == {
        CRUXEVAL: 800, HUMANEVAL: 164, HUMANEVAL_PLUS: 164, MBPP_PLUS: 378, BIGCODEBENCH: 1140
    }[path]  # fmt: skip


def cruxeval_programs() -> list[Program]:
    """Read CRUXEval's programs, without those whose arguments are no literals."""
    programs = []
    for row in benchmark_rows(CRUXEVAL):
        try:
            programs.append(Program(row["code"], "f", row["input"]))
        except ProgramError:
            continue
    return programs
