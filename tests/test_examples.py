"""The examples are run: the notebook's cells, the script for TRL on a model of some thousand weights, the command for verl, the image."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from execverify.cli.app import VERBS
from execverify.training.presets import load_preset
from execverify.training.with_verl.config import verl_settings
from tests.training.test_training_verl import exported

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_from_top_to_bottom(path: Path) -> None:
    """Cells share one namespace, as in a kernel. A last expression is shown, which calls its `_repr_html_` there."""
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    pytest.importorskip("pandas")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) >= 5 and all(not cell.outputs and cell.execution_count is None for cell in cells)
    for number, cell in enumerate(cells):
        exec(compile(cell.source, f"{path.name}, cell {number}", "exec"), namespace)


@pytest.mark.training
@pytest.mark.filterwarnings("ignore")
def test_the_script_for_trl_makes_a_tiny_model_and_trains_it(tmp_path: Path) -> None:
    """The command that the README gives first, shortened; without a hub."""
    pytest.importorskip("trl", reason="training needs the extra [train]")
    words = ["--model", "tiny", "--output", str(tmp_path / "out"), "--rows", "24", "--levels", "1"]
    words += ["--sft-steps", "4", "--steps", "1", "--prompts", "2", "--generations", "2", "--max-completion", "8"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(EXAMPLES / "train_trl.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "reward of a right answer: 2.0" in done.stdout and "learns right answers" in done.stdout
    assert (
        "saved " in done.stdout
        and "update 1 of 1: loss " in done.stdout
        and "{" not in done.stdout
        and "Warning" not in done.stderr
        and (tmp_path / "out" / "model.safetensors").is_file()
    )


def verl_arguments(tmp_path: Path) -> list[str]:
    """What the script hands to verl, as its own text; its rows are there already."""
    (tmp_path / "out" / "data").mkdir(parents=True)
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\n')
    python.chmod(0o755)
    environment = os.environ | {"ROWS": str(tmp_path), "OUT": str(tmp_path / "out"), "PYTHON": str(python)}
    command = ["bash", str(EXAMPLES / "verl" / "run.sh"), "trainer.n_gpus_per_node=4"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return done.stdout.splitlines()


def test_the_command_for_verl_sets_what_presets_set(tmp_path: Path) -> None:
    """verl itself composes it in tests/external/verl_checks.py; every name here is one that presets compose there too."""
    dash_m, module, *settings = verl_arguments(tmp_path)
    assert (dash_m, module, settings[-1]) == ("-m", "verl.trainer.main_ppo", "trainer.n_gpus_per_node=4")
    ours = verl_settings(load_preset("paper-7b"), "rl_whitebox", exported(), "model", tmp_path)
    assert {one.partition("=")[0].lstrip("+") for one in settings} <= {name.lstrip("+") for name in ours}
    assert "reward.custom_reward_function.path=pkg://execverify.rewards.verl" in settings


def test_the_image_installs_what_the_project_has() -> None:
    text = (ROOT / "Dockerfile").read_text()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (named,) = re.findall(r"^ARG EXTRAS=(\S+)$", text, re.MULTILINE)
    assert set(named.split(",")) <= extras.keys()
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in shlex.split(line))
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept == {name for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for name in shlex.split(line)}
    assert re.search(r"^FROM python:3\.1[1-4]-slim$", text, re.MULTILINE)
    assert json.loads(re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[0]) == ["execverify"]
    verbs = re.findall(r"^# +docker run .* execverify (\w+)", text, re.MULTILINE)
    assert verbs and set(verbs) <= VERBS.keys()
