"""The hostile battery: nothing escapes, nothing is paid, the next candidate notices nothing.

It runs with all layers, without namespaces, and as a user without rights (`make slow`; with all layers also in `make test`).
"""

import contextlib
import os
import platform
import socket
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from execverify.sandbox.candidates import Candidate, run_candidates
from execverify.sandbox.isolation import IsolationConfig, children
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.sandbox import Sandbox
from tests import soak as endurance
from tests.data.hostile_programs import ALL, Snippet

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="untrusted code runs on Linux alone"),
    pytest.mark.xdist_group("hostile"),
]

SECRET = "the-secret-of-the-canary"
ANSWER = "1042"  # what an honest candidate would return; no snippet is told
LIMITS = Limits(timeout=0.7, memory=80_000_000, output=100_000)
PROBE = Candidate("import sys, os\ndef f(n):\n    print(n)\n    return [n, dict(os.environ), len('ab'), 99]", ("5",), "f")
NOBODY = 65534
_STDLIB = """
    asyncio atexit builtins cmath colorsys concurrent.futures concurrent.futures.process ctypes encodings.idna
    fcntl gc http.client json marshal mmap multiprocessing multiprocessing.connection multiprocessing.popen_fork
    os random resource signal socket sqlite3 subprocess tempfile threading time urllib.request weakref
"""
MODES = {
    "all layers": (IsolationConfig(), ()),
    "without namespaces": (IsolationConfig(without=("namespaces",)), ()),
    "as nobody": (IsolationConfig(user=NOBODY), tuple(_STDLIB.split())),  # who may not be able to read root's library any more
}


@dataclass(frozen=True)
class Report:
    """What the battery left: each snippet's result, the probe's after it, and what was found afterwards."""

    results: dict[str, Result]
    probes: dict[str, Result]
    found: dict[str, object]


def battery(mode: str, folder: Path) -> Report:
    """Runs every snippet and a probe after each, in one batch."""
    canary = folder / "canary"
    canary.write_text(SECRET)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        candidates = []
        for snippet in ALL:
            candidates += [made(snippet, canary, listening.getsockname()[1]), PROBE]
        before = descriptors()
        choice, imports = MODES[mode]
        with Sandbox(0, imports, choice, untrusted=True) as box:
            results = list(run_candidates(candidates, limits=LIMITS, workers=3, sandbox=box))
            forkserver = box._forkserver
            assert forkserver is not None
            left = in_time(lambda: len(children(forkserver.process.pid) - {forkserver.init}), 1)  # the spare one
            orphans = in_time(lambda: len(children(forkserver.init)) if forkserver.init else 0, 0)
            files = sorted(path.name for path in Path(forkserver.root).iterdir())
        with contextlib.suppress(BlockingIOError):
            listening.accept()
            files.append("a connection")
    found = {
        "processes": left,
        "orphans": orphans,
        "files": files,
        "descriptors": descriptors() - before,
        "canary": canary.read_text() if canary.exists() else None,
        "mode": canary.stat().st_mode & 0o777 if canary.exists() else None,
        "beside the canary": sorted(path.name for path in folder.iterdir()),
        "leaks": [path for path in ("/tmp/leak-of-a-candidate", "/dev/shm/leak") if Path(path).exists()],
    }
    names = [snippet.id for snippet in ALL]
    own = dict(zip(names, (result for (result,) in results[::2]), strict=True))
    return Report(own, dict(zip(names, (result for (result,) in results[1::2]), strict=True)), found)


def made(snippet: Snippet, canary: Path, port: int) -> Candidate:
    paths = [sysconfig.get_path("purelib"), str(Path(pytest.__file__).parents[1])]
    source = snippet.source
    for name, value in {"{canary!r}": canary, "{tests!r}": Path(__file__)}.items():
        source = source.replace(name, repr(str(value)))
    source = source.replace("{port}", str(port)).replace("{paths!r}", repr(paths))
    return Candidate(source, ("3\n",) if snippet.program else ("3",), None if snippet.program else "f")


def descriptors() -> set[str]:
    return {link.name for link in Path("/proc/self/fd").iterdir() if link.exists()}


def in_time(count: object, wanted: int, seconds: float = 5) -> int:
    """What a count comes to, as soon as it is what is wanted."""
    assert callable(count)
    limit = time.monotonic() + seconds
    while (found := int(count())) != wanted and time.monotonic() < limit:
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module", params=["all layers", *(pytest.param(mode, marks=pytest.mark.slow) for mode in list(MODES)[1:])])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    if request.param == "as nobody" and os.geteuid() != 0:
        pytest.skip("only root can become nobody, and who is not root has no rights anyway")
    os.environ["EXECVERIFY_CANARY"] = SECRET
    try:
        yield battery(request.param, tmp_path_factory.mktemp("canary"))
    finally:
        del os.environ["EXECVERIFY_CANARY"]


@pytest.mark.parametrize("snippet", ALL, ids=lambda snippet: snippet.id)
def test_a_hostile_candidate(snippet: Snippet, report: Report) -> None:
    if snippet.x86 and platform.machine() != "x86_64":
        pytest.skip("speaks of x86-64")
    result = report.results[snippet.id]
    assert result.outcome in snippet.outcomes, (snippet.tries, result)
    assert result.outcome not in (Outcome.SANDBOX_ERROR, Outcome.UNSUPPORTED, Outcome.NOT_RUN)
    assert result.value is None or result.value.text != ANSWER, "it is paid"
    said = " ".join([result.detail, result.stdout, str(result.value and result.value.text), str(result.error)])
    assert SECRET not in said, "it has read the canary, or the environment"
    assert len(result.stdout) <= LIMITS.output and len(result.detail) <= 1000
    probe = report.probes[snippet.id]
    assert (probe.outcome, probe.stdout, probe.value and probe.value.text) == (Outcome.RETURNED, "5\n", "[5, {}, 2, 99]")


def test_nothing_is_left(report: Report) -> None:
    assert report.found == {
        "processes": 1,
        "orphans": 0,
        "files": [],
        "descriptors": set(),
        "canary": SECRET,
        "mode": 0o644,
        "beside the canary": ["canary"],
        "leaks": [],
    }


def test_the_battery_is_large() -> None:
    assert len(ALL) >= 120 and len({snippet.id for snippet in ALL}) == len(ALL)


def test_a_short_endurance_run(tmp_path: Path) -> None:
    """Two hundred candidates, a tenth hostile but for those that take their whole time; `tests/soak.py` runs twenty thousand."""
    figures = endurance.run(200, 3, 1, [snippet for snippet in ALL if "timed_out" not in snippet.outcomes])
    assert figures.wrong == []


@pytest.mark.slow
def test_endurance() -> None:
    figures = endurance.run(3_000, 3, 2, list(ALL))
    assert figures.wrong == []
