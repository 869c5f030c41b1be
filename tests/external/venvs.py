"""Runs checks in the environment of a training engine, which is never this one: their dependencies exclude each other."""

import os
import subprocess
from pathlib import Path

import pytest

import execverify

CHECKS = Path(__file__).parent
ROOT = CHECKS.parents[1]
ENVIRONMENTS = ROOT / "environments"


def run_checks(checks: str, variable: str, folder: Path, target: str) -> None:
    """Runs a file of checks by pytest, under the Python that an environment variable names.

    Args:
        checks: name of the file.
        variable: of the environment; where it is not set, the test is skipped.
        folder: for caches.
        target: of the Makefile that makes such an environment.
    """
    python = os.environ.get(variable)
    if not python:
        pytest.skip(f"{variable} does not name a Python of that engine (`make {target}` makes one)")
    paths = [Path(execverify.__file__).parents[1], ROOT, *ENVIRONMENTS.glob("*/")]
    settings = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "HF_HOME": str(folder), "HF_HUB_OFFLINE": "1"}
    quiet = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", "-o", "filterwarnings="]
    command = [
        str(Path(python).absolute()),
        "-m",
        "pytest",
        *quiet,
        str(CHECKS / checks),
    ]  # its name as it is: a link leads astray
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=3600, env={**os.environ, **settings}, cwd=CHECKS, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
