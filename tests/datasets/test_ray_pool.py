"""`--engine ray`: the same rows and figures as on one machine, where workers are killed and where the head is lost."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from execverify.datasets import DatasetConfig
from execverify.datasets.build_dir import read_manifest
from execverify.datasets.build_run import build
from execverify.datasets.ray_pool import ADDRESS, RayPool
from execverify.datasets.workers import WorkerCrashed
from execverify.errors import RowError, SandboxError
from execverify.generation.asker import Asker
from execverify.generation.build import build_with_model
from execverify.generation.programs import SynthesisConfig
from execverify.generation.store import RequestStore
from execverify.models import load
from tests.datasets.test_workers import die, die_once, refuse
from tests.helpers.command import run, run_process
from tests.helpers.faulty_openai_server import misbehaving
from tests.helpers.writing_server import asked, write_programs

SIZE = 60
RECIPE = DatasetConfig(seed=11)
STARTS = 4  # Ray gives up a start after 30 seconds, which a busy machine may take
ROOT = Path(__file__).parents[2]

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'execverify[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # Ray's own warnings


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *descendants(child)]
    return found


class Head:
    """A Ray cluster of one node in processes of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        token = folder / "token"  # of this cluster alone: `ray start` would take one that the user has
        token.write_text(secrets.token_hex(32))
        self.settings = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        self.process = self.start()

    @property
    def address(self) -> str:
        from ray.util import get_node_ip_address

        return f"{get_node_ip_address()}:{self.port}"

    def start(self) -> "subprocess.Popen[bytes]":
        words = ["start", "--head", "--block", "--num-cpus=2", f"--port={self.port}"]
        words += ["--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={self.folder}"]
        environment = {**os.environ, **self.settings, "PYTHONPATH": str(ROOT)}  # the workers import the functions of tests
        for _ in range(STARTS):
            log = self.folder / "head.log"
            with log.open("wb") as file:
                process = subprocess.Popen(
                    [sys.executable, "-m", "ray.scripts.scripts", *words], stdout=file, stderr=file, env=environment
                )
            while process.poll() is None:
                if b"Ray runtime started" in log.read_bytes():
                    return process
                time.sleep(0.2)
        raise AssertionError(log.read_text())

    def kill(self) -> None:
        """Kills the head with all that it started."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    """In processes of its own: Ray leaves processes unattended in the one that starts it."""
    started = Head(tmp_path_factory.mktemp("r"))
    yield started
    started.kill()


@pytest.fixture(scope="module")
def pool(head: Head) -> Iterator[RayPool]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in head.settings.items():  # Ray reads them when it is first imported, which `address` does
            patch.setenv(name, value)
        patch.setenv(ADDRESS, head.address)
        with RayPool() as opened:
            yield opened


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return build(tmp_path_factory.mktemp("local") / "out", SIZE, RECIPE, workers=2).manifest


def facts(manifest: dict[str, Any]) -> dict[str, Any]:
    """What has to be the same whichever engine made a dataset: its rows, shards and funnel."""
    return {name: manifest.get(name) for name in ("content_hash", "shards", "items", "skipped_items", "funnel", "repairs")}


def ray_workers(head: Head) -> list[int]:
    """Processes of a cluster that are at work for us."""
    named = [(pid, Path(f"/proc/{pid}/cmdline")) for pid in descendants(head.process.pid)]
    return [pid for pid, path in named if path.exists() and path.read_bytes().startswith(b"ray::run_here")]


@needs_ray
def test_results_and_errors_come_back_in_order(pool: RayPool, tmp_path: Path) -> None:
    assert list(pool.map(len, ["a" * number for number in range(9)])) == list(range(9))
    with pytest.raises(RowError, match="row 3 is none"):
        pool.submit(refuse, 3).result()
    assert list(pool.map(partial(die_once, str(tmp_path / "died")), range(4))) == [0, 10, 20, 30]
    with pytest.raises(WorkerCrashed, match="died 3 times at one item, last with status 7"):
        pool.submit(die, 7).result()


@needs_ray
def test_the_grammars_rows_where_a_worker_is_killed(pool: RayPool, head: Head, local: dict[str, Any], tmp_path: Path) -> None:
    killed: list[int] = []

    def kill_one() -> None:
        while not killed:
            for pid in ray_workers(head)[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            time.sleep(0.05)

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    made = build(tmp_path / "out", SIZE, RECIPE, workers=pool).manifest
    killer.join(10)
    assert killed
    assert facts(made) == facts(local)


@needs_ray
def test_a_models_programs_have_the_same_rows_and_funnel(pool: RayPool, tmp_path: Path) -> None:
    made: list[dict[str, Any]] = []
    with misbehaving(otherwise=write_programs) as server:
        for workers in (2, pool):
            model = load(server.url, model="m", concurrency=16, retries=0, timeout=60.0)
            with Asker(model, RequestStore(tmp_path / "requests"), None, 16) as asker:
                out = tmp_path / f"out{len(made)}"
                made.append(build_with_model(out, 12, RECIPE, SynthesisConfig(), asker, workers=workers, max_asked=64).manifest)
    assert facts(made[0]) == facts(made[1])
    assert set(asked(server).values()) == {1}


@needs_ray
def test_verbs_say_the_same(pool: RayPool, tmp_path: Path, local: dict[str, Any]) -> None:
    """The open pool is the process's own Ray: the verbs use it, and leave it open."""
    rows = str(tmp_path / "rows")
    build(rows, SIZE, RECIPE, workers=2)
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(json.dumps("<answer>nothing</answer>") + "\n" for _ in range(SIZE)))
    for words in (
        ("dataset", "validate", rows, "--json"),
        ("dataset", "stats", rows, "--json"),
        ("dataset", "add-cot", rows, "-o", "-"),
        ("score", rows, str(gold), "--json"),
    ):
        here, there = run(*words, "--workers", "2"), run(*words, "--engine", "ray")
        assert here.returncode == there.returncode == 0, there.stderr
        assert here.stdout == there.stdout


@needs_ray
def test_the_command_goes_on_after_the_head_was_killed(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    out, plain = tmp_path / "out", tmp_path / "plain"
    head = Head(tmp_path_factory.mktemp("r"))
    environment = {**os.environ, **head.settings, ADDRESS: head.address}
    options = ["--size", "30", "--seed", "11", "--synthesizer", "chat", "--max-asked", "200", "--concurrency", "16"]

    def command(folder: Path, *words: str) -> list[str]:
        return [sys.executable, "-m", "execverify", "dataset", "build", "-o", str(folder), *options, *words]

    try:
        with misbehaving(otherwise=write_programs) as server:
            served = ["--model", server.url]
            first = subprocess.Popen(command(out, *served, "--engine", "ray"), env=environment, stderr=subprocess.PIPE)
            deadline = time.monotonic() + 240
            while not list((out / ".unfinished").glob("batch-*")):
                assert first.poll() is None and time.monotonic() < deadline
                time.sleep(0.1)
            head.kill()
            first.communicate(timeout=240)
            assert first.returncode != 0
            assert read_manifest(out) is None
            head.process = head.start()
            again = subprocess.run(command(out, *served, "--engine", "ray"), env=environment, capture_output=True, timeout=400)
            assert again.returncode == 0, again.stderr
            assert set(asked(server).values()) == {1}
            subprocess.run(command(plain, *served, "--workers", "2"), capture_output=True, timeout=400, check=True)
    finally:
        head.kill()
    made, expected = read_manifest(out), read_manifest(plain)
    assert made is not None and expected is not None
    assert facts(made) == facts(expected)


@needs_ray
def test_without_a_cluster_ray_is_started_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    rows = str(tmp_path / "rows")
    build(rows, 8, RECIPE)
    for _ in range(STARTS):
        there = run_process("dataset", "stats", rows, "--json", "--engine", "ray", "--workers", "2")
        if "timed out during startup" not in there.stderr:
            break
    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout) == json.loads(run("dataset", "stats", rows, "--json").stdout)


@needs_ray
def test_a_cluster_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, "127.0.0.1:9")
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(SandboxError, match=r"no Ray at 127\.0\.0\.1:9 .*start it with `ray start --head`"):
        RayPool()


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_ray_that_is_not_installed_is_named() -> None:
    done = run("dataset", "stats", str(ROOT / "README.md"), "--engine", "ray")
    assert done.returncode == 2
    assert done.stderr.strip() == "execverify: --engine ray needs Ray: pip install 'execverify[ray]', or use --engine local"
