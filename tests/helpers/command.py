"""Runs the command line as a person does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def run(*words: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """One command, as a person would run it."""
    environment = {**os.environ, "COLUMNS": "200"}
    command = [sys.executable, "-m", "execverify", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120)


def jsonl(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)
