"""Inside a confined worker: runs one program after another, each in a fresh context.

A job names a *runner*, a function that the fork server has loaded (see `job.Runner`), and carries plain data. The worker gives the
runner a fresh module with its own builtins to run the program in. Afterwards it restores what a program can reach: loaded
modules, the standard streams, the recursion limit. No such list is ever complete, so a program that imports modules or inspects the
interpreter gets a dedicated worker (`Job.dedicated_worker`).
"""

import builtins
import contextlib
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

RunnerFunction = Callable[[dict[str, Any], "ExecutionContext"], dict[str, Any]]
_MAX_REPLY_OUTPUT = 10_000  # characters of a program's output in a reply
_FINALIZERS = re.compile("yield|async|class|type|__")  # without these, no code of a program runs in a garbage collection
RECURSION_LIMIT = 1_000
"""Python's default. A worker adds the number of its own frames below the program."""


class OutputLimitReached(BaseException):
    """The program wrote more than it may. Not an Exception, so that `except Exception` does not catch it."""


class OutputCapture(io.TextIOBase):
    """The stdout and stderr of a program: keeps what is written up to a limit of characters, then refuses."""

    def __init__(self, limit: int) -> None:
        self.parts: list[str] = []
        self.left = limit
        self.full = False

    def writable(self) -> bool:
        """True, always."""
        return True

    def write(self, text: str, /) -> int:
        """Keeps the text; raises OutputLimitReached beyond the limit."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.left -= len(text)
        if self.left < 0:
            self.full = True
            raise OutputLimitReached
        self.parts.append(text)
        return len(text)


class ExecutionContext:
    """The fresh context of one program: a module to run in, captured output, and its own builtins.

    Args:
        output: most characters that the program may write.
        source: its text.
        last: whether no further call of the same program follows at once.
    """

    def __init__(self, output: int, source: str, last: bool = True) -> None:
        self.output = output
        self.last = last
        self.capture = OutputCapture(output)
        self.needs_gc = _FINALIZERS.search(source) is not None or not source.isascii()
        self.version_dependent: str | None = None  # why the run may differ between Python versions, once known
        # A copy that the program may patch: this package's code keeps the original.
        self.builtins = types.ModuleType("builtins")
        self.builtins.__dict__.update(_BUILTINS)
        self.builtins.__dict__["sum"] = self._watched_sum()
        self._create_module()

    def _create_module(self) -> None:
        self.module = types.ModuleType("program")
        self.namespace = self.module.__dict__
        self.namespace["__builtins__"] = self.builtins.__dict__

    def clear(self) -> None:
        """Resets the context for another call of the same program, which must not need a dedicated worker."""
        with contextlib.suppress(OutputLimitReached):
            self.namespace.clear()
            if self.needs_gc:
                _monitor.collect()
        self.capture = OutputCapture(self.output)
        self.version_dependent = None
        self._create_module()
        self.__enter__()

    def override_reply(self, reply: dict[str, Any]) -> dict[str, Any]:
        """The reply of a runner; another one where the program wrote too much, or depends on the Python version."""
        if self.capture.full:
            return {"outcome": "too_much_output", "detail": f"it wrote more than {self.output} characters"}
        if self.version_dependent is not None and reply["outcome"] in ("returned", "raised"):
            return {**reply, "outcome": "nondeterministic", "detail": self.version_dependent}
        return reply

    def _watched_sum(self) -> Any:
        """`sum`, which records where its result differs between versions: 3.12 began to add floats with compensation."""

        def sum(iterable: Any, /, start: Any = 0) -> Any:
            total = _CompensatedSum(start)

            def watched() -> Any:
                for item in iterable:
                    total.add(item)
                    yield item

            result = _BUILTINS["sum"](watched(), start)
            if total.rounds:
                self.version_dependent = "it sums floats, which Python 3.12 and later round differently"
            return result

        sum.__qualname__ = "sum"
        return sum

    def __enter__(self) -> "ExecutionContext":
        sys.modules["program"] = self.module
        sys.modules["builtins"] = self.builtins
        sys.stdout = sys.stderr = self.capture
        sys.setrecursionlimit(RECURSION_LIMIT + depth())
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        sys.setprofile(None)
        # Finalizers of the program's objects run here, while its output is captured: a generator's `finally`, a `__del__`.
        with contextlib.suppress(OutputLimitReached):
            self.namespace.clear()
            if self.needs_gc or (self.last and _monitor.has_grown()):  # the collector costs as much as the run of a small program
                _monitor.collect()
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
    """Finds out by the address space in use whether programs have left memory to the garbage collector."""

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


_monitor = _GarbageMonitor()
_BUILTINS: dict[str, Any] = {}
_MODULES: dict[str, types.ModuleType] = {}
_SYS: dict[str, Any] = {}


def prepare() -> None:
    """Once, before the first fork: records the state that every program must find, and exempts it from garbage collection."""
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
    """Records the builtins, modules and `sys` attributes that every program must find."""
    _BUILTINS.update(builtins.__dict__)
    _MODULES.update(sys.modules)
    _SYS.update((key, value) for key, value in sys.__dict__.items() if key != "modules")


def serve(sock: socket.socket, meter: rlimits.AddressSpace) -> None:
    """Reads jobs and replies to each, until the caller closes the socket. `meter` measures this process's memory."""
    _monitor.meter = meter
    base = meter.now()
    reader = FrameReader()
    memory = file_size = -1
    while True:
        try:
            job = receive(sock, reader)
        except (EOFError, OSError):
            return
        if (job["memory"], job["file_size"]) != (memory, file_size):
            memory, file_size = job["memory"], job["file_size"]
            rlimits.limit_memory(memory, base)
            rlimits.limit_file_size(file_size)
        sock.sendall(_reply(job))


def _reply(job: dict[str, Any]) -> bytes:
    try:
        return pack(_execute(job))
    except MemoryError:
        return pack({"outcome": "out_of_memory"})
    except Exception as error:
        return pack({"outcome": "sandbox_error", "detail": f"{type(error).__name__}: {error}"[:500]})


_RUNNERS: dict[str, RunnerFunction] = {}


def load_runners(runners: list[tuple[str, str]]) -> None:
    """Once, before the first fork: imports the functions that jobs may name, each given by module and name."""
    for module, function in runners:
        _RUNNERS[f"{module}:{function}"] = getattr(importlib.import_module(module), function)


def _execute(job: dict[str, Any]) -> dict[str, Any]:
    runner = _RUNNERS.get(job["runner"])
    if runner is None:
        reason = f"the sandbox has no runner {job['runner']!r}: register it before the sandbox is created"
        return {"outcome": "sandbox_error", "detail": reason}
    return run_in_context(runner, job)


def run_in_context(runner: RunnerFunction, job: dict[str, Any], last: bool = True) -> dict[str, Any]:
    """Executes a job in a fresh context; see `ExecutionContext.override_reply` for what replaces the runner's reply.

    Args:
        runner: the function that executes it.
        job: its message.
        last: whether no further call of the same program follows at once; the memory that it leaves is looked at only then.
    """
    with ExecutionContext(job["output"], job["source"], last) as context:
        reply = runner(job, context)
    return {**context.override_reply(reply), "stdout": "".join(context.capture.parts)[:_MAX_REPLY_OUTPUT]}


def depth() -> int:
    """How many frames are active here."""
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    return depth


class _CompensatedSum:
    """Repeats a sum, and finds out whether Python versions would round it differently.

    Up to 3.11 floats are added one by one. From 3.12 on they are added with compensation, except for integers among them, which a
    later version may compensate too. Integers are added exactly until the first float.
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
        except OverflowError:  # an integer beyond floats: the sum itself raises
            return

    @property
    def rounds(self) -> bool:
        return any(len({plain, a + b, c + d}) > 1 and plain == plain for plain, a, b, c, d in self.sums or ())


def _with_error(total: float, error: float, term: float) -> tuple[float, float]:
    """One step of Neumaier's summation: the new sum, and the sum of all rounding errors so far."""
    new = total + term
    return new, error + ((total - new) + term if abs(total) >= abs(term) else (term - new) + total)
