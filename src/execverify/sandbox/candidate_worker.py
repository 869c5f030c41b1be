"""Inside the confined process of one candidate: loads its code, runs its tests, and reports how each ended.

The candidate's code shares this process, so the caller trusts no message from it: it takes each as the candidate's own claim, and
accepts only the messages in `sessions.ALLOWED_MESSAGES`. One thing is reliable: the first message is sent before any code of the
candidate runs. Everything else that the process does (fresh arguments for each test, files of its own for output) serves honest
candidates and fair verdicts.

    caller -> setup           {"role": "call" | "stdin" | "answer" | "test", "source": ..., "tests": [...], limits}
    caller <- ready           the layers of isolation are on, the setup is read
    caller <- loaded          (not for "stdin") the module code has run
    caller <- result, ...     for each test, in order: the fields of a `Result`

The role "answer" executes the calls of a test process, see `remote.py`.
"""

import _thread
import atexit
import builtins
import errno
import functools
import importlib.abc
import marshal
import os
import sys
import threading
import types
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from typing import Any, NoReturn

from execverify.programs.literals import parse_untrusted
from execverify.programs.program import call_values
from execverify.programs.values import to_value
from execverify.sandbox.candidate_io import MAX_MESSAGE_CHARS, Channel, Fields, FileStreams, StdStreams
from execverify.sandbox.isolation import rlimits
from execverify.sandbox.object_store import ObjectStore, describe_name, exception_fields
from execverify.sandbox.runners import describe_exception
from execverify.sandbox.value_codec import max_reply_chars
from execverify.sandbox.worker import RECURSION_LIMIT, OutputLimitReached, depth

_REFUSED = (errno.EPERM, errno.EACCES)


class ImportGuard(importlib.abc.MetaPathFinder):
    """Refuses installed modules that candidates may not import."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed

    def find_spec(self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None) -> ModuleSpec | None:
        """Returns None, so that the other finders look for the module; raises ModuleNotFoundError where it is not allowed."""
        if path is None and name.partition(".")[0] not in self.allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


class IsolationFailed(Exception):
    """A layer of isolation could not be applied to this process."""


def prepare(imports: Sequence[str]) -> None:
    """Once, in the fork server: removes registered exit functions, and restricts imports.

    Where the allowed `imports` are installed, other modules are too. A guard then allows only these and what is loaded by now.
    """
    atexit._clear()
    if imports:
        loaded = {name.partition(".")[0] for name in sys.modules}
        sys.meta_path.insert(0, ImportGuard(frozenset({*sys.stdlib_module_names, *imports, *loaded})))
    _PREPARED_BUILTINS.append(_copy_builtins())


_PREPARED_BUILTINS: list[types.ModuleType] = []
"""Builtins for the first module of a process, copied before the fork: a copy in the process would touch its memory."""


def _copy_builtins() -> types.ModuleType:
    copy = types.ModuleType("builtins")
    copy.__dict__.update(vars(builtins))
    copy.__dict__.setdefault("exit", _exit_handler)
    copy.__dict__.setdefault("quit", _exit_handler)
    return copy


def _exit_handler(code: object = None) -> NoReturn:
    raise SystemExit(code)


def serve(fd: int, base: int, confine: Callable[[], None], *, alone: bool = False) -> None:
    """Receives one setup, and executes it.

    Args:
        fd: descriptor of the socket to the caller.
        base: bytes of address space in use.
        confine: applies the layers of isolation for an untrusted process; raises `IsolationFailed`.
        alone: whether the kernel counts this process's threads separately from those of other processes.
    """
    channel = Channel(fd)
    setup = channel.receive()
    max_file_size = max([setup["output"], setup["file_size"]])
    if setup["role"] == "stdin":
        streams: StdStreams = FileStreams(setup["output"])
        max_file_size = max(max_file_size, *(len(test.encode("utf-8", "surrogatepass")) for test in setup["tests"]), 0)
    else:
        streams = StdStreams(setup["output"])
    try:
        rlimits.set_hard_limits(base + setup["memory"] if base else 0, max_file_size + 1, setup["seconds"], alone=alone)
        confine()
    except IsolationFailed as error:
        channel.send("refused", str(error))
        return
    channel.send("ready")
    _MODES[setup["role"]](setup, channel, streams)


class Solution:
    """A candidate's module, with its own builtins, which it may patch."""

    def __init__(self, setup: dict[str, Any], name: str) -> None:
        self.imports = setup["imports"]
        self.module = types.ModuleType(name)
        sys.modules["builtins"] = own = _PREPARED_BUILTINS.pop() if _PREPARED_BUILTINS else _copy_builtins()
        self.module.__dict__["__builtins__"] = own.__dict__
        sys.modules[name] = self.module
        self.context = setup.get("context") or ""
        self.source = setup["source"]
        self.prelude = setup.get("prelude") or ""
        _hide_own_frames(depth())
        _bound_thread_stacks()

    def load(self) -> None:
        """Runs the prelude, whose names become built-in names and no definitions of the module; then the problem's own code; then the
        candidate's code."""
        imported: dict[str, Any] = {}
        for line in self.prelude.split("\n"):
            try:
                exec(line, imported)
            except ImportError:
                continue  # the name stays undefined
        own = self.module.__dict__["__builtins__"]
        for name, value in imported.items():
            own.setdefault(name, value)
        if self.context:
            exec(compile(self.context, "<problem>", "exec", dont_inherit=True), self.module.__dict__)
        exec(compile(self.source, "<program>", "exec", dont_inherit=True), self.module.__dict__)

    def lookup(self, path: str) -> Any:
        """A function of the module; "Solution.method" is the method of an instance that is created without arguments."""
        first, *rest = path.split(".")
        if first not in self.module.__dict__:
            raise NameError(f"name {first!r} is not defined")
        found = self.module.__dict__[first]
        for name in rest:
            found = getattr(found() if isinstance(found, type) else found, name)
        return found

    def describe_end(self, error: BaseException, streams: StdStreams) -> Fields:
        """The fields of a result for an exception that escaped."""
        if streams.full or isinstance(error, OutputLimitReached):
            return _too_much_output(streams)
        if isinstance(error, MemoryError):
            return ("out_of_memory", None, None, None, "it asked for more memory than it may have", None, streams.output_text())
        described = describe_exception(error)
        outcome, detail = described["outcome"], described["detail"]
        if isinstance(error, OSError) and error.errno in _REFUSED:
            outcome = "forbidden"
        if isinstance(error, ModuleNotFoundError) and isinstance(error.name, str):
            top = error.name.partition(".")[0]
            if top not in sys.stdlib_module_names and top not in self.imports:
                outcome, detail = (
                    "forbidden",
                    f"it imports {top[:100]}, which is neither in the standard library nor allowed here",
                )
        return (outcome, None, None, None, detail, described["error"], streams.output_text())


def _hide_own_frames(own: int) -> None:
    """Makes the recursion limit that the program reads and sets count its frames only, not the `own` ones below them."""
    get, put, maximum = sys.getrecursionlimit, sys.setrecursionlimit, 2**31 - 1

    def set_limit(limit: int, /) -> None:
        put(min(limit + own, maximum) if type(limit) is int and 0 < limit <= maximum else limit)  # Python refuses an invalid one

    sys.getrecursionlimit = lambda: get() - own
    sys.setrecursionlimit = set_limit
    put(RECURSION_LIMIT + own)


_MAX_STACK = 64 * 1024 * 1024


def _bound_thread_stacks() -> None:
    """Gives a thread whose program requests a stack of more than 64 MiB no more than that, because address space is limited.

    Contest programs request up to 1 GiB for deep recursion. Since Python 3.11 calls of Python functions use none of it.
    """
    original = threading.stack_size
    requested = 0

    def stack_size(size: int = -1, /) -> int:
        nonlocal requested
        before = requested
        if size != -1:
            original(min(size, _MAX_STACK))
            requested = size
        return before

    threading.stack_size = _thread.stack_size = stack_size


def _too_much_output(streams: StdStreams) -> Fields:
    return (
        "too_much_output",
        None,
        None,
        None,
        f"it wrote more than {streams.output} characters",
        None,
        streams.output_text()[:10_000],
    )


def _returned(value: object, streams: StdStreams) -> Fields:
    if streams.full:
        return _too_much_output(streams)
    described = to_value(value, MAX_MESSAGE_CHARS)
    return ("returned", described.type, described.text, described.opaque_reason, "", None, streams.output_text())


# -------------------------------------------------------------------------------------------------------------- the modes


def _call(setup: dict[str, Any], channel: Channel, streams: StdStreams) -> None:
    """Calls a function once for each test, in one and the same module."""
    solution = Solution(setup, "solution")
    if not _loaded(solution, channel, streams):
        return
    for test in setup["tests"]:
        streams.begin("")
        positional, named = _arguments(test)  # fresh ones for every test
        try:
            value = solution.lookup(setup["entry_point"])(*positional, **named)
            streams.flush()
        except BaseException as error:
            fields = solution.describe_end(error, streams)
        else:
            fields = _returned(value, streams)
        channel.send("result", *fields)


def _arguments(test: bytes | str) -> tuple[list[Any], dict[str, Any]]:
    """A test's arguments: marshalled by the caller, or as text where marshal cannot encode them."""
    if isinstance(test, bytes):
        positional, named = marshal.loads(test)
        return positional, named
    tree: Any = parse_untrusted(f"_({test}\n)", "eval", len(test) + 10)
    read = call_values(tree.body)
    return list(read[0]), read[1]


def _loaded(solution: Solution, channel: Channel, streams: StdStreams) -> bool:
    """Runs the module's code, and reports that it has run or how it ended."""
    try:
        solution.load()
    except BaseException as error:
        channel.send("unloaded", *solution.describe_end(error, streams))
        return False
    channel.send("loaded")
    return True


def _stdin(setup: dict[str, Any], channel: Channel, streams: StdStreams) -> None:
    """Runs the program on one test, as the main module. (Each test has a process of its own.)"""
    (text,) = setup["tests"]
    streams.begin(text)
    solution = Solution(setup, "__main__")
    os._exit = functools.partial(_exit_at_once, channel, streams, os._exit)
    try:
        try:
            solution.load()
        except SystemExit as leaving:
            if leaving.code not in (None, 0, False):
                raise
        _shut_down()
        streams.flush()
    except BaseException as error:
        fields = solution.describe_end(error, streams)
    else:
        fields = _returned(None, streams)
    channel.send("result", *fields)


def _exit_at_once(channel: Channel, streams: StdStreams, original: Callable[[int], NoReturn], status: int = 0) -> NoReturn:
    """Replaces `os._exit`: the output that was written counts, as it does where a program runs alone."""
    if status == 0:
        channel.send("result", *_returned(None, streams))
    original(status)


def _shut_down() -> None:
    """Does what the interpreter does at its end: waits for threads, runs registered functions."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()


def _answer(setup: dict[str, Any], channel: Channel, streams: StdStreams) -> None:
    """Executes the calls of a test process, and replies to each with its result and the new state of its arguments."""
    solution = Solution(setup, "solution")
    if not _loaded(solution, channel, streams):
        return
    store = ObjectStore(solution.lookup, setup["classes"], setup["shared"])
    for name in setup["names"]:
        channel.send("name", *describe_name(store, name))
    while True:
        request = channel.receive()
        streams.begin("")
        error: Fields = (None, None)
        encoded, state, limit = None, None, max_reply_chars(request["arguments"])
        given: Any = None
        try:
            given = positional, named = store.arguments(request["arguments"])
            value = store.resolve(store.function(request["name"])(*positional, **named))
            streams.flush()
        except BaseException as caught:
            fields = solution.describe_end(caught, streams)
            error = exception_fields(caught)
        else:
            fields = _returned(value, streams)
            if fields[0] == "returned" and fields[2] is None:
                encoded = store.encode(value, limit)
        if given is None:
            state = request["arguments"]  # the arguments could not be read, and so did not change
        elif not request["name"].startswith("."):
            state = store.encode(list(given), limit)
        channel.send("answer", *fields, *error, "" if state == request["arguments"] else state, encoded)


def _test(setup: dict[str, Any], channel: Channel, streams: StdStreams) -> None:
    from execverify.sandbox.remote import run_tests

    run_tests(setup, channel, streams)


_MODES: dict[str, Callable[[dict[str, Any], Channel, StdStreams], None]] = {
    "call": _call, "stdin": _stdin, "answer": _answer, "test": _test,
}  # fmt: skip
