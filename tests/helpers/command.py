"""Runs the command line: in this process, which is quick, or in one of its own, as a person does."""

import contextlib
import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import patch

from execverify.cli import terminal
from execverify.cli.app import run_command_line

Done = subprocess.CompletedProcess[str]
_WIDTH = 200  # columns


def run(*words: str, stdin: str = "", cwd: Path | None = None) -> Done:
    """Run one command in this process.

    All that a command does is done but for the start of an interpreter: `run_process` is for what depends on that.
    """
    out, err, given = (io.TextIOWrapper(io.BytesIO(data), encoding="utf-8") for data in (b"", b"", stdin.encode()))
    with (
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        patch.object(sys, "stdin", given),
        patch.object(warnings, "showwarning", warnings.showwarning),
        patch.object(terminal.stdout, "_width", _WIDTH),
    ):
        try:
            run_command_line([*words])
        except SystemExit as ended:
            status = ended.code
    assert isinstance(status, int)
    return subprocess.CompletedProcess(words, status, *(_text(stream) for stream in (out, err)))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    data = stream.buffer
    assert isinstance(data, io.BytesIO)
    return data.getvalue().decode()


def run_process(*words: str, stdin: str = "", cwd: Path | None = None, hash_seed: str | None = None) -> Done:
    """Run one command in an interpreter of its own."""
    environment = {**os.environ, "COLUMNS": str(_WIDTH)} | ({} if hash_seed is None else {"PYTHONHASHSEED": hash_seed})
    command = [sys.executable, "-m", "execverify", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300)


def jsonl(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)
