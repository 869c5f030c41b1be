"""Inside the confined process: run one program after another, each as if it were the first.

A job names a *harness*, a function of ours that was loaded before the fork (the plain call in `call.py`, the tracer in a
later room), and carries plain data. The worker gives the harness a fresh module and builtins of its own to run the program in, and
afterwards puts back what a program can reach: loaded modules, the standard streams, the recursion limit. A program that
imports or reaches under the hood gets a worker of its own anyway (`isolated` jobs, see `sandbox.py`), because no list of
things to put back is ever complete.
"""

import builtins
import contextlib
import functools
import gc
import importlib
import io
import os
import re
import signal
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

from execverify.sandbox.isolation import rlimits
from execverify.sandbox.protocol import FrameReader, pack, receive

Runner = Callable[[dict[str, Any], "ExecutionContext"], dict[str, Any]]
_KEPT_OUTPUT = 10_000  # characters of a program's output that a reply carries
_LEAVES = re.compile("yield|async|class|type|__")  # without these, nothing of a program runs when the collector comes
RECURSION_LIMIT = 1_000
"""Python's default; a worker adds the depth at which it calls the program."""


class OutputLimitReached(BaseException):
    """The program wrote more than it may; not an Exception, so that `except Exception` does not swallow it."""


class OutputCapture(io.TextIOBase):
    """stdout and stderr of a program: keeps what is written up to a limit, then refuses."""

    def __init__(self, limit: int) -> None:
        self.parts: list[str] = []
        self.left = limit
        self.full = False

    def writable(self) -> bool:
        """True, always."""
        return True

    def write(self, text: str, /) -> int:
        """Keeps the text; raises OutputLimitReached once the limit is passed."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.left -= len(text)
        if self.left < 0:
            self.full = True
            raise OutputLimitReached
        self.parts.append(text)
        return len(text)


class ExecutionContext:
    """The fresh surroundings of one program: a module to run in, a screen, and builtins of its own."""

    def __init__(self, output: int, source: str, last: bool = True) -> None:
        self.output = output
        self.last = last
        self.screen = OutputCapture(output)
        self.needs_gc = _LEAVES.search(source) is not None or not source.isascii()
        self.unportable: str | None = None  # why the run may differ between Python versions, once known
        # A copy that the program may patch as it likes: our own code keeps the real one.
        self.builtins = types.ModuleType("builtins")
        self.builtins.__dict__.update(_BUILTINS)
        self.builtins.__dict__["sum"] = self._watched_sum()
        self._create_module()

    def _create_module(self) -> None:
        self.module = types.ModuleType("program")
        self.namespace = self.module.__dict__
        self.namespace["__builtins__"] = self.builtins.__dict__

    def clear(self) -> None:
        """Once more as at the start, for another call of the same program, if that cannot reach what is behind the stage."""
        with contextlib.suppress(OutputLimitReached):
            self.namespace.clear()
            if self.needs_gc:
                _space.collect()
        self.screen = OutputCapture(self.output)
        self.unportable = None
        self._create_module()
        self.__enter__()

    def override_reply(self, reply: dict[str, Any]) -> dict[str, Any]:
        """The reply of a harness, unless the program did what no reply excuses."""
        if self.screen.full:
            return {"outcome": "too much output", "detail": f"it wrote more than {self.output} characters"}
        if self.unportable is not None and reply["outcome"] in ("returned", "raised"):
            return {**reply, "outcome": "not deterministic", "detail": self.unportable}
        return reply

    def _watched_sum(self) -> Any:
        """`sum`, with a note where its result differs between versions: 3.12 began to add floats with compensation."""

        def sum(iterable: Any, /, start: Any = 0) -> Any:
            total = _CompensatedSum(start)

            def watched() -> Any:
                for item in iterable:
                    total.add(item)
                    yield item

            result = _BUILTINS["sum"](watched(), start)
            if total.rounds:
                self.unportable = "it sums floats, which Python 3.12 and later round differently"
            return result

        sum.__qualname__ = "sum"
        return sum

    def __enter__(self) -> "ExecutionContext":
        sys.modules["program"] = self.module
        sys.modules["builtins"] = self.builtins
        sys.stdout = sys.stderr = self.screen
        sys.setrecursionlimit(RECURSION_LIMIT + depth())
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        sys.setprofile(None)
        # What the program leaves behind ends here, while its screen is still up: a generator's `finally`, a `__del__`.
        with contextlib.suppress(OutputLimitReached):
            self.namespace.clear()
            if self.needs_gc or (self.last and _space.has_grown()):  # the collector costs as much as the run of a small program
                _space.collect()
        self.builtins.__dict__.clear()
        sys.modules.pop("program", None)
        sys.modules["builtins"] = builtins
        if sys.modules.keys() != _MODULES.keys():
            for name in set(sys.modules) - set(_MODULES):
                del sys.modules[name]
            sys.modules.update(_MODULES)
        sys.__dict__.update(_SYS)
        sys.setrecursionlimit(10_000)


class _GarbageMonitor:
    """Whether programs have left memory to the collector, told by the address space in use."""

    usual = 0
    slack = 1 << 24
    meter: rlimits.AddressSpace | None = None

    def has_grown(self) -> bool:
        return self.in_use() > self.usual + self.slack

    def in_use(self) -> int:
        return self.meter.now() if self.meter is not None else 0

    def collect(self) -> None:
        gc.collect()
        self.usual = self.in_use()


_space = _GarbageMonitor()
_BUILTINS: dict[str, Any] = {}
_MODULES: dict[str, types.ModuleType] = {}
_SYS: dict[str, Any] = {}


def prepare() -> None:
    """Once, before the first fork: remembers what every program must find, and keeps it out of the collector's way."""
    devnull = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(devnull, fd)
    os.close(devnull)
    sys.stdin = io.StringIO()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    snapshot_globals()
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 100)  # syntax trees are many small objects, and nearly all die young


def snapshot_globals() -> None:
    """What a program finds, as it is now."""
    _BUILTINS.update(builtins.__dict__)
    _MODULES.update(sys.modules)
    _SYS.update((key, value) for key, value in sys.__dict__.items() if key != "modules")


def serve(sock: socket.socket, meter: rlimits.AddressSpace) -> None:
    """Reads jobs and answers each, until the caller closes the socket. `meter` tells this process's memory."""
    _space.meter = meter
    base = meter.now()
    inbox = FrameReader()
    memory = file_size = -1
    while True:
        try:
            job = receive(sock, inbox)
        except (EOFError, OSError):
            return
        if (job["memory"], job["file_size"]) != (memory, file_size):
            memory, file_size = job["memory"], job["file_size"]
            rlimits.limit_memory(memory, base)
            rlimits.limit_file_size(file_size)
        sock.sendall(_answer(job))


def _answer(job: dict[str, Any]) -> bytes:
    try:
        return pack(_perform(job))
    except MemoryError:
        return pack({"outcome": "out of memory"})
    except Exception as error:
        return pack({"outcome": "our failure", "detail": f"{type(error).__name__}: {error}"[:500]})


def _perform(job: dict[str, Any]) -> dict[str, Any]:
    return run_in_context(_harness(job["harness"]), job)


def run_in_context(harness: Runner, job: dict[str, Any], last: bool = True) -> dict[str, Any]:
    """One program on a stage of its own: the harness's reply, unless the program did what no reply excuses.

    Whoever calls one program again and again looks at the memory that it leaves after the `last` call only.
    """
    with ExecutionContext(job["output"], job["source"], last) as stage:
        reply = harness(job, stage)
    return {**stage.override_reply(reply), "stdout": "".join(stage.screen.parts)[:_KEPT_OUTPUT]}


@functools.cache
def _harness(name: str) -> Runner:
    module, _, function = name.partition(":")
    harness: Runner = getattr(importlib.import_module(module), function)
    return harness


def depth() -> int:
    """How many frames are active here."""
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    return depth


class _CompensatedSum:
    """Follows a sum, and knows whether Python versions would round it differently.

    Up to 3.11 floats are added one by one; from 3.12 on with compensation, but for integers among them, which a later
    version may compensate too. Integers are added exactly until the first float comes.
    """

    def __init__(self, start: Any) -> None:
        self.whole = start if type(start) is int else 0
        self.sums: list[list[float]] | None = None  # of real and imaginary part: plain; sum and error twice
        if type(start) in (float, complex):
            self.add(start)

    def add(self, item: Any) -> None:
        kind = type(item)
        if kind is int and self.sums is None:
            self.whole += item
            return
        if kind is not float and kind is not complex and kind is not int:
            return
        try:
            if self.sums is None:
                self.sums = [[float(self.whole)] + [float(self.whole), 0.0] * 2, [0.0] * 5]
            for sums, term in zip(self.sums, (float(item.real), float(item.imag)), strict=True):
                sums[0] += term
                sums[1], sums[2] = _with_error(sums[1], sums[2], term)
                sums[3], sums[4] = (sums[3] + term, sums[4]) if kind is int else _with_error(sums[3], sums[4], term)
        except OverflowError:  # an integer beyond floats: the sum itself says so
            return

    @property
    def rounds(self) -> bool:
        return any(len({plain, a + b, c + d}) > 1 and plain == plain for plain, a, b, c, d in self.sums or ())


def _with_error(total: float, error: float, term: float) -> tuple[float, float]:
    """Neumaier's step: the new sum, and what all roundings so far have lost."""
    new = total + term
    return new, error + ((total - new) + term if abs(total) >= abs(term) else (term - new) + total)
