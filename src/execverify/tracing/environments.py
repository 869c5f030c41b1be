"""Other surroundings for a run, inside the confined process, so that what depends on them shows when two runs are compared.

Run 0 is as a program finds things. In run k the clock is later, the time zone another, the module has another name, the
environment holds more, and every class an attribute more, which `dir` shows too: as in another year, on another machine, under
another version of Python. `datetime` reads the clock in C, where nobody can move it, so that run k has the one that is written in
Python. In every run, a second thread or process is refused where it would start, and what reaches outside is noted (`outside.py`).
"""

import contextlib
import functools
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from execverify.sandbox.worker import ExecutionContext
from execverify.tracing import outside

LATER_CLOCK = 397 * 86_400 + 26_023
"""Seconds by which run k is later, k times: another year, month, weekday, hour and minute."""

SECOND_THREAD = "it starts a second thread, whose lines may run at any time"
SECOND_PROCESS = "it starts a second process"
HIDDEN_IMPORT = "a text that it runs imports a module"
MARK = "__more__"
"""The attribute that classes have more."""

_STARTING = {
    "_thread": ("start_new_thread", "start_new", "start_joinable_thread"),
    "threading": ("_start_new_thread", "_start_joinable_thread"),
}
_FORKING = {"os": ("fork", "forkpty", "posix_spawn", "posix_spawnp"), "_posixsubprocess": ("fork_exec",)}

_RUNNING_TEXT = re.compile("exec|eval|compile")
_REACHING = re.compile(r"\b(?:import|open)\b|__")
NO_INPUT = "it reads standard input, which is empty here"

Undo = list[tuple[Any, str, Any]]


@contextlib.contextmanager
def altered_environment(job: dict[str, Any], stage: ExecutionContext) -> Iterator[None]:
    """Sets the scene for one run; puts back what a worker needs for the next."""
    undo: Undo = []
    if "import" in job["source"]:  # what imports nothing reaches none of it
        _refuse(_STARTING, SECOND_THREAD, stage, undo)
        _refuse(_FORKING, SECOND_PROCESS, stage, undo)
    if _REACHING.search(job["source"]):
        outside.watch(stage)
    if "input" in job["source"]:
        _watch_input(stage)
    if _RUNNING_TEXT.search(job["source"]):
        _watch_imports(stage)
    number = job.get("run", 0)
    if number:
        stage.module.__name__ = f"program{number}"
        sys.modules[stage.module.__name__] = stage.module
        _mark_classes(stage)
        if "import" in job["source"]:
            _move_clock(number * LATER_CLOCK, undo)
            os.environ["MORE"] = str(number)
            os.environ["TZ"] = f"XYZ{-number}:{number}5"
            time.tzset()
            sys.modules.pop("datetime", None)
            sys.modules["_datetime"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        outside.watch(None)
        for module, name, real in reversed(undo):
            setattr(module, name, real)
        if number and "import" in job["source"]:
            sys.modules.pop("_datetime", None)
            for name in ("MORE", "TZ"):
                os.environ.pop(name, None)
            time.tzset()


def _watch_input(stage: ExecutionContext) -> None:
    """A line that is asked for, and is not there."""
    real = stage.builtins.__dict__["input"]

    def input(prompt: object = "", /) -> Any:
        try:
            return real(prompt)
        except EOFError:
            stage.version_dependent = NO_INPUT
            raise

    stage.builtins.__dict__["input"] = input


def _watch_imports(stage: ExecutionContext) -> None:
    """An import in a text that is run: nobody could see by name what it brings in."""
    real = stage.builtins.__dict__["__import__"]

    def imported(*given: Any, **named: Any) -> Any:
        if sys._getframe(1).f_code.co_filename != "<program>":
            stage.version_dependent = HIDDEN_IMPORT
        return real(*given, **named)

    stage.builtins.__dict__["__import__"] = imported


def _replace(module: Any, name: str, new: Any, undo: Undo) -> None:
    real = getattr(module, name, None)
    if real is not None:
        undo.append((module, name, real))
        setattr(module, name, new(real))


def _refuse(table: dict[str, tuple[str, ...]], why: str, stage: ExecutionContext, undo: Undo) -> None:
    """Whoever starts a second flow of control is refused, and however it goes on, the run has no labels."""

    def refusing(_real: Any) -> Callable[..., Any]:
        def refused(*_given: object, **_named: object) -> Any:
            stage.version_dependent = why
            raise RuntimeError("can't start new thread")

        return refused

    for module, names in table.items():
        for name in names:
            _replace(_module(module), name, refusing, undo)


@functools.cache
def _module(name: str) -> ModuleType | None:
    """A module that is there without being imported for it: one that is imported later takes what it finds in these."""
    return __import__(name) if name in sys.builtin_module_names else sys.modules.get(name)


def _move_clock(seconds: int, undo: Undo) -> None:
    """Makes the functions of `time` that read the calendar's clock return a later time. Others count from an unknown start anyway."""
    now = time.time

    def later(real: Callable[..., Any], scale: int = 1) -> Callable[..., Any]:
        return lambda *given: real(*given) + scale * seconds

    def formatted(real: Callable[..., Any], place: int = 0, of: Callable[[float], Any] = float) -> Callable[..., Any]:
        def moved(*given: Any) -> Any:
            if len(given) == place or (len(given) == place + 1 and given[place] is None):
                return real(*given[:place], of(now() + seconds))
            return real(*given)

        return moved

    local = time.localtime
    _replace(time, "time", later, undo)
    _replace(time, "time_ns", lambda real: later(real, 10**9), undo)
    _replace(time, "clock_gettime", later, undo)
    _replace(time, "clock_gettime_ns", lambda real: later(real, 10**9), undo)
    for name in ("gmtime", "localtime", "ctime"):
        _replace(time, name, formatted, undo)
    _replace(time, "asctime", lambda real: formatted(real, 0, local), undo)
    _replace(time, "strftime", lambda real: formatted(real, 1, local), undo)


def _mark_classes(stage: ExecutionContext) -> None:
    """Gives every class of the program, and every list of names that `dir` makes, one name more."""
    build, listed = stage.builtins.__dict__["__build_class__"], stage.builtins.__dict__["dir"]

    def built(*given: Any, **named: Any) -> Any:
        made = build(*given, **named)
        if isinstance(made, type) and not getattr(made, "_is_protocol", False):
            type.__setattr__(made, MARK, None)
        return made

    def names(*of: Any) -> list[str]:
        found: list[str] = listed(*of)
        return sorted([*found, MARK]) if of else found

    stage.builtins.__dict__.update(__build_class__=built, dir=names)
