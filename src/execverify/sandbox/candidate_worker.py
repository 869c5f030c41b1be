"""Inside the confined process of one candidate: load what a model wrote, run its tests, say how each ended.

The candidate shares this process, so nothing here is believed: what it sends is plain text that the caller reads as *its* answer,
never as ours, and `cases.MAY_SAY` has all that it may say. One thing can be relied upon: the first message goes out before any of
its code runs. What the process does besides (fresh arguments for each test, output in files of its own) is for honest candidates,
and for fair verdicts.

    caller -> case            {"role": "call" | "stdin" | "answer" | "test", "source": ..., "tests": [...], limits}
    caller <- ready           the layers are on, the case is read
    caller <- loaded          (not for "stdin") the module code has run
    caller <- result, ...     for each test, in order: the fields of a `Result`

The role "answer" serves the calls of a test process, see `bridge.py`.
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
from execverify.sandbox.candidate_io import MAX_MESSAGE_CHARS, Channel, Fields, FileConsole, StdStreams
from execverify.sandbox.isolation import rlimits
from execverify.sandbox.object_store import ObjectStore, object_traits_kind, traits
from execverify.sandbox.runners import describe_exception
from execverify.sandbox.value_codec import room_for
from execverify.sandbox.worker import RECURSION_LIMIT, OutputLimitReached, depth

_REFUSED = (errno.EPERM, errno.EACCES)


class ImportGuard(importlib.abc.MetaPathFinder):
    """Refuses modules that candidates may not import although they are installed."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed

    def find_spec(self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None) -> ModuleSpec | None:
        """None, so that others look for the module; raises ModuleNotFoundError where it is not allowed."""
        if path is None and name.partition(".")[0] not in self.allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


class IsolationFailed(Exception):
    """A layer of the sandbox could not be put on in this process."""


def prepare(imports: Sequence[str]) -> None:
    """Once, in the parent of the forks: what candidates must not find registered, and what they may import.

    Where `imports` are installed, others are too: a guard tells them apart, by what has been loaded by now.
    """
    atexit._clear()
    if imports:
        loaded = {name.partition(".")[0] for name in sys.modules}
        sys.meta_path.insert(0, ImportGuard(frozenset({*sys.stdlib_module_names, *imports, *loaded})))
    _READY.append(_builtins())


_READY: list[types.ModuleType] = []
"""Builtins for the first module of a process, made before the fork: to copy them touches the memory of each."""


def _builtins() -> types.ModuleType:
    made = types.ModuleType("builtins")
    made.__dict__.update(vars(builtins))
    made.__dict__.setdefault("exit", _exit_handler)
    made.__dict__.setdefault("quit", _exit_handler)
    return made


def _exit_handler(code: object = None) -> NoReturn:
    raise SystemExit(code)


def serve(fd: int, base: int, confine: Callable[[], None], *, alone: bool = False) -> None:
    """Serves one case, and returns when there is nothing more to do.

    Args:
        fd: descriptor of the socket to the caller.
        base: bytes of address space in use.
        confine: puts on the layers of an untrusted process; raises `Unconfined`.
        alone: whether the kernel counts this process's threads by themselves.
    """
    channel = Channel(fd)
    case = channel.hear()
    room = max([case["output"], case["file_size"]])
    if case["role"] == "stdin":
        console: StdStreams = FileConsole(case["output"])
        room = max(room, *(len(test.encode("utf-8", "surrogatepass")) for test in case["tests"]), 0)
    else:
        console = StdStreams(case["output"])
    try:
        rlimits.set_hard_limits(base + case["memory"] if base else 0, room + 1, case["seconds"], alone=alone)
        confine()
    except IsolationFailed as error:
        channel.say("refused", str(error))
        return
    channel.say("ready")
    _MODES[case["role"]](case, channel, console)


class Solution:
    """A candidate's module, with builtins of its own, which it may patch."""

    def __init__(self, case: dict[str, Any], name: str) -> None:
        self.imports = case["imports"]
        self.module = types.ModuleType(name)
        sys.modules["builtins"] = own = _READY.pop() if _READY else _builtins()
        self.module.__dict__["__builtins__"] = own.__dict__
        sys.modules[name] = self.module
        self.context = case.get("context") or ""
        self.source = case["source"]
        self.prelude = case.get("prelude") or ""
        _give_own_recursion_limit(depth())
        _bound_thread_stacks()

    def load(self) -> None:
        """Runs the prelude, whose names become built-in ones and so none of the module's own; what the problem gives to begin with;
        then the module's code."""
        made: dict[str, Any] = {}
        for line in self.prelude.split("\n"):
            try:
                exec(line, made)
            except ImportError:
                continue  # the name stays undefined
        own = self.module.__dict__["__builtins__"]
        for name, value in made.items():
            own.setdefault(name, value)
        if self.context:
            exec(compile(self.context, "<problem>", "exec", dont_inherit=True), self.module.__dict__)
        exec(compile(self.source, "<program>", "exec", dont_inherit=True), self.module.__dict__)

    def lookup(self, path: str) -> Any:
        """A function of the module; "Solution.method" is the method of an instance made without arguments."""
        first, *rest = path.split(".")
        if first not in self.module.__dict__:
            raise NameError(f"name {first!r} is not defined")
        found = self.module.__dict__[first]
        for name in rest:
            found = getattr(found() if isinstance(found, type) else found, name)
        return found

    def describe_end(self, error: BaseException, console: StdStreams) -> Fields:
        """How an exception that escaped is told."""
        if console.full or isinstance(error, OutputLimitReached):
            return _too_much(console)
        if isinstance(error, MemoryError):
            return ("out of memory", None, None, None, "it asked for more memory than it may have", None, console.taken())
        told = describe_exception(error)
        outcome, detail = told["outcome"], told["detail"]
        if isinstance(error, OSError) and error.errno in _REFUSED:
            outcome = "forbidden"
        if isinstance(error, ModuleNotFoundError) and isinstance(error.name, str):
            top = error.name.partition(".")[0]
            if top not in sys.stdlib_module_names and top not in self.imports:
                outcome, detail = (
                    "forbidden",
                    f"it imports {top[:100]}, which is neither in the standard library nor allowed here",
                )
        return (outcome, None, None, None, detail, told["error"], console.taken())


def _give_own_recursion_limit(ours: int) -> None:
    """The limit as the program sees and sets it counts its own frames, not the `ours` below them."""
    get, put, most = sys.getrecursionlimit, sys.setrecursionlimit, 2**31 - 1

    def set_limit(limit: int, /) -> None:
        put(min(limit + ours, most) if type(limit) is int and 0 < limit <= most else limit)  # what is refused, Python refuses

    sys.getrecursionlimit = lambda: get() - ours
    sys.setrecursionlimit = set_limit
    put(RECURSION_LIMIT + ours)


_MOST_STACK = 64 * 1024 * 1024


def _bound_thread_stacks() -> None:
    """A thread's stack is address space, of which a program has little: what asks for more than 64 MiB gets those.

    Programs for contests ask for up to 1 GiB, for deep recursion; since Python 3.11 calls need none of it.
    """
    plain = threading.stack_size
    asked = 0

    def stack_size(size: int = -1, /) -> int:
        nonlocal asked
        before = asked
        if size != -1:
            plain(min(size, _MOST_STACK))
            asked = size
        return before

    threading.stack_size = _thread.stack_size = stack_size


def _too_much(console: StdStreams) -> Fields:
    return (
        "too much output",
        None,
        None,
        None,
        f"it wrote more than {console.output} characters",
        None,
        console.taken()[:10_000],
    )


def _returned(value: object, console: StdStreams) -> Fields:
    if console.full:
        return _too_much(console)
    described = to_value(value, MAX_MESSAGE_CHARS)
    return ("returned", described.type, described.text, described.opaque_reason, "", None, console.taken())


# -------------------------------------------------------------------------------------------------------------- the roles


def _call(case: dict[str, Any], channel: Channel, console: StdStreams) -> None:
    """Calls a function once for each test, in one and the same module."""
    solution = Solution(case, "solution")
    if not _loaded(solution, channel, console):
        return
    for test in case["tests"]:
        console.begin("")
        positional, named = _values(test)  # of its own for every test
        try:
            value = solution.lookup(case["entry_point"])(*positional, **named)
            console.flush()
        except BaseException as error:
            fields = solution.describe_end(error, console)
        else:
            fields = _returned(value, console)
        channel.say("result", *fields)


def _values(test: bytes | str) -> tuple[list[Any], dict[str, Any]]:
    """A test's arguments: as the caller has read them, or as text where marshal has no form for them."""
    if isinstance(test, bytes):
        positional, named = marshal.loads(test)
        return positional, named
    tree: Any = parse_untrusted(f"_({test}\n)", "eval", len(test) + 10)
    read = call_values(tree.body)
    return list(read[0]), read[1]


def _loaded(solution: Solution, channel: Channel, console: StdStreams) -> bool:
    """Runs the module's code and says so, or says how it ended."""
    try:
        solution.load()
    except BaseException as error:
        channel.say("unloaded", *solution.describe_end(error, console))
        return False
    channel.say("loaded")
    return True


def _stdin(case: dict[str, Any], channel: Channel, console: StdStreams) -> None:
    """Runs the program on one test, as a fresh main module. (Each test has a process of its own.)"""
    (text,) = case["tests"]
    console.begin(text)
    solution = Solution(case, "__main__")
    os._exit = functools.partial(_exit_at_once, channel, console, os._exit)
    try:
        try:
            solution.load()
        except SystemExit as leaving:
            if leaving.code not in (None, 0, False):
                raise
        _finish()
        console.flush()
    except BaseException as error:
        fields = solution.describe_end(error, console)
    else:
        fields = _returned(None, console)
    channel.say("result", *fields)


def _exit_at_once(channel: Channel, console: StdStreams, leave: Callable[[int], NoReturn], status: int = 0) -> NoReturn:
    """`os._exit` for a program: what has reached its output counts, as it does for a program of its own."""
    if status == 0:
        channel.say("result", *_returned(None, console))
    leave(status)


def _finish() -> None:
    """What the interpreter does at its end: waits for threads, runs what was registered."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()


def _answer(case: dict[str, Any], channel: Channel, console: StdStreams) -> None:
    """Answers the calls of a test process: for each, what it gave and what became of its arguments."""
    solution = Solution(case, "solution")
    if not _loaded(solution, channel, console):
        return
    shelf = ObjectStore(solution.lookup, case["classes"], case["shared"])
    for name in case["names"]:
        channel.say("name", *object_traits_kind(shelf, name))
    while True:
        asked = channel.hear()
        console.begin("")
        error: Fields = (None, None)
        crossing, state, room = None, None, room_for(asked["arguments"])
        given: Any = None
        try:
            given = positional, named = shelf.arguments(asked["arguments"])
            value = shelf.settled(shelf.function(asked["name"])(*positional, **named))
            console.flush()
        except BaseException as caught:
            fields = solution.describe_end(caught, console)
            error = traits(caught)
        else:
            fields = _returned(value, console)
            if fields[0] == "returned" and fields[2] is None:
                crossing = shelf.text(value, room)
        if given is None:
            state = asked["arguments"]  # it could not even be called
        elif not asked["name"].startswith("."):
            state = shelf.text(list(given), room)
        channel.say("answer", *fields, *error, "" if state == asked["arguments"] else state, crossing)


def _test(case: dict[str, Any], channel: Channel, console: StdStreams) -> None:
    from execverify.sandbox.remote import run_tests

    run_tests(case, channel, console)


_MODES: dict[str, Callable[[dict[str, Any], Channel, StdStreams], None]] = {
    "call": _call, "stdin": _stdin, "answer": _answer, "test": _test,
}  # fmt: skip
