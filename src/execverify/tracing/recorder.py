"""Records the steps of one call, inside the confined process.

The harness `record` rewrites the program (`instrument.py`), runs it, and replies with plain data:

    lines[i], frames[i]   line and frame number of step i, in the order in which steps begin
    ends[i]               how many steps had begun when step i finished; -1 where it never did
    changes[i]            {name: index into values} of what differs from the frame's last recorded state; -1: unbound
    values                [type, text, opaque] of each distinct value
    calls                 [function, caller step or -1, {name: index}] of each frame: its name and its state on entry

A step's state is the frame's variables when the step *finishes*, so values are written down at that moment and never
later: a list that changes afterwards was another list then.
"""

import ast
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from execverify.execution.call import StepLimitReached, enact
from execverify.execution.worker import Stage
from execverify.programs.literals import describe
from execverify.tracing import instrument as names

Names = dict[str, object]
_getframe = sys._getframe
_FIXED = frozenset(map(id, (int, bool, str, float, type(None), complex, bytes, type(Ellipsis), range)))  # ids: see literals.py
_MAX_RECORDED = 50_000_000  # characters of values in one trace


def record(job: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """Harness: the plain reply of a run, and the trace of its call."""
    tree = names.instrument(ast.parse(job["source"], "<program>"))
    recorder = Recorder(job["steps"], stage)
    stage.namespace.update(recorder.handles())
    stage.builtins.__dict__.update(locals=_locals, vars=_vars, dir=_dir)
    code = compile(tree, "<program>", "exec", dont_inherit=True)
    reply = enact(code, job, stage, recorder.around)
    return {**reply, **recorder.reply()}


def _variables() -> Names:
    """The variables of the frame that called the recorder."""
    found = _getframe(2).f_locals
    return found if type(found) is dict else dict(found.items())  # since 3.13 it is a view of the frame


# The program's own look at its variables must not show the recorder's handles. As in Python 3.13, each call is a snapshot.


def _locals() -> Names:
    return {name: obj for name, obj in _variables().items() if name[0] != "·"}


def _vars(*of: Any) -> Any:
    return vars(*of) if of else {name: obj for name, obj in _variables().items() if name[0] != "·"}


def _dir(*of: Any) -> list[str]:
    return dir(*of) if of else sorted(name for name in _variables() if name[0] != "·")


class Frame:
    """One activation of a function or class body."""

    __slots__ = ("declared", "function", "known", "last", "number", "step")

    def __init__(self, function: str, declared: tuple[str, ...]) -> None:
        self.function = function
        self.declared = declared  # names that the function declares global
        self.number = -1  # until it is recorded: a generator may have begun before the call
        self.step = -1  # the step it is at
        self.last: Names = {}  # objects as last recorded; for immutable ones identity means no change
        self.known: dict[str, int] = {}  # index of each name's last recorded value


class Recorder:
    """The other end of the rewritten program's reports. Each is called from the very frame that it reports on."""

    def __init__(self, limit: int, stage: Stage) -> None:
        self.limit = limit
        self.stage = stage
        self.on = False
        self.lines: list[int] = []
        self.frames: list[int] = []
        self.ends: list[int] = []
        self.changes: list[dict[str, int] | None] = []
        self.calls: list[list[Any]] = []
        self.values: list[tuple[str, str | None, str | None]] = []
        self.index: dict[tuple[str, str | None, str | None], int] = {}
        self.simple: dict[tuple[type, object], int] = {}
        self.recorded = 0

    def handles(self) -> dict[str, Any]:
        """What the rewritten program finds in its globals."""
        return {
            names.BEGIN: self.begin,
            names.NEXT: self.next,
            names.END: self.end,
            names.VALUE: self.value,
            names.ENTER: self.enter,
            names.ADVANCES: self.advances,
            names.ASYNC_ADVANCES: self.async_advances,
            names.CAUGHT: self.caught,
        }

    def around(self, call: Callable[[], Any]) -> Any:
        """Records while the call runs, and at no other time."""
        self.on = True
        try:
            return call()
        finally:
            self.on = False

    # -------------------------------------------------------------------------------------------- reports

    def enter(self, function: str, *declared: str) -> Frame:
        """A function or class body begins. Not a step."""
        frame = Frame(function, declared)
        if self.on:
            is_class_body = _getframe(1).f_code.co_name != function  # whose handle is made in the function around it
            self.register(frame, {} if is_class_body else _variables())
        return frame

    def register(self, frame: Frame, state: Names) -> None:
        """Numbers a frame. Its caller is the step under way: the last one begun that has not finished."""
        frame.number = len(self.calls)
        caller = len(self.lines) - 1
        while caller >= 0 and self.ends[caller] >= 0:
            caller -= 1
        self.calls.append([frame.function, caller, self.difference(frame, state)])

    def begin(self, frame: Frame, line: int) -> None:
        """A step begins."""
        if self.on:
            step = len(self.lines)
            if step >= self.limit or self.recorded > _MAX_RECORDED:
                raise StepLimitReached
            if frame.number < 0:
                self.register(frame, {})
            self.lines.append(line)
            self.frames.append(frame.number)
            self.ends.append(-1)
            self.changes.append(None)
            frame.step = step

    def next(self, frame: Frame, line: int) -> None:
        """The step that the frame is at has finished, and another begins."""
        if self.on:
            self.finish(frame, _variables())
            self.begin(frame, line)

    def end(self, frame: Frame) -> None:
        """The step that the frame is at has finished."""
        if self.on:
            self.finish(frame, _variables())

    def value(self, frame: Frame, _begun: None, value: Any) -> Any:
        """The step that the frame is at has finished, and its value goes on."""
        if self.on:
            self.finish(frame, _variables())
        return value

    def finish(self, frame: Frame, state: Names) -> None:
        """Writes a step's state down. May come again for one step while its frame does nothing else (a bound `except`)."""
        step = frame.step
        if step >= 0:
            self.ends[step] = len(self.lines)
            changed = self.difference(frame, state)
            before = self.changes[step]
            self.changes[step] = {**before, **changed} if before else changed

    def advances(self, frame: Frame, line: int, _begun: None, iterable: Any) -> Iterator[Any]:
        """A `for` header: each advance after the first begins a step of its own, before the next item is asked for."""
        for item in iterable:
            yield item
            self.begin(frame, line)

    async def async_advances(self, frame: Frame, line: int, _begun: None, iterable: Any) -> AsyncIterator[Any]:
        """An `async for` header."""
        async for item in iterable:
            yield item
            self.begin(frame, line)

    def caught(self) -> None:
        """A handler was entered. What it caught may be our own limit, or a limit that differs between machines."""
        error = sys.exc_info()[1]
        if isinstance(error, MemoryError):
            self.stage.unportable = "it catches a MemoryError"
        elif isinstance(error, RecursionError):
            self.stage.unportable = "it catches a RecursionError, whose depth differs between Python versions"

    # -------------------------------------------------------------------------------------------- values

    def difference(self, frame: Frame, state: Names) -> dict[str, int]:
        """What differs from the frame's last recorded state, which becomes this one."""
        last, known = frame.last, frame.known
        if frame.declared:
            outside = self.stage.namespace
            state = {**state, **{name: outside[name] for name in frame.declared if name in outside}}
        changed: dict[str, int] = {}
        for name, obj in state.items():
            if name in last and last[name] is obj and id(type(obj)) in _FIXED:
                continue
            if name[0] == "·" or (name[:2] == "__" and name[-2:] == "__"):
                continue  # ours, or Python's own (`__class__`, a class body's `__qualname__`), which differ by version
            index = self.intern(obj)
            last[name] = obj
            if known.get(name) != index:
                known[name] = changed[name] = index
        if len(last) > len(state) or not last.keys() <= state.keys():
            for name in [name for name in last if name not in state]:
                del last[name], known[name]
                changed[name] = -1
        return changed

    def intern(self, obj: object) -> int:
        """Index of an object's value. Texts and integers are known again without being written."""
        kind = type(obj)
        if kind is str or kind is int:
            index = self.simple.get((kind, obj))
            if index is None:
                index = self.simple[kind, obj] = self.written(obj)
            return index
        return self.written(obj)

    def written(self, obj: object) -> int:
        key = describe(obj)
        index = self.index.get(key)
        if index is None:
            index = self.index[key] = len(self.values)
            self.values.append(key)
            self.recorded += len(key[1] or "")
        return index

    def reply(self) -> dict[str, Any]:
        """All that was recorded."""
        return {
            "lines": self.lines,
            "frames": self.frames,
            "ends": self.ends,
            "changes": self.changes,
            "values": self.values,
            "calls": self.calls,
        }
