"""Records the steps of one call, inside the confined process.

The runner `record` rewrites the program (`rewrite.py`), runs it, and replies with plain data:

    lines[i], frames[i]   line and frame number of step i, in the order in which steps begin
    ends[i]               how many steps had begun when step i finished; -1 where it never did
    changes[i]            {name: index into values} of what differs from the frame's last recorded state; -1: unbound
    values                [type, text, opaque] of each distinct value
    calls                 [function, caller step or -1, {name: index}] of each frame: its name and its state on entry

A step's state is the frame's variables when the step *finishes*, so values are written down at that moment and never
later: a list that changes afterwards was another list then.
"""

import ast
import contextlib
import marshal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from types import CodeType
from typing import Any

from execverify.programs.values import to_fields
from execverify.sandbox.runners import StepLimitReached, compile_and_call
from execverify.sandbox.worker import ExecutionContext
from execverify.tracing import rewrite as names
from execverify.tracing.environments import altered_environment
from execverify.tracing.interpreter_access import SHARED
from execverify.tracing.outside import environment_error

Names = dict[str, object]
Arguments = tuple[Sequence[Any], dict[str, Any]]
Lent = tuple[str, Callable[[], object]]
"""A variable of a function around, and what looks it up."""
_getframe = sys._getframe
_FIXED = frozenset(map(id, (int, bool, str, float, type(None), complex, bytes, type(Ellipsis), range)))  # ids: see literals.py
_COLLECTIONS = frozenset(map(id, (list, dict, set, tuple, frozenset)))
_SHARED = frozenset((int, str, float, complex, bytes, tuple, frozenset))
MAX_DEPTH = 900
"""Deepest nesting of calls. CPython's own limit is reached at other depths by other versions, and can be swallowed."""

_MAX_LENGTH, _MAX_SNAPSHOT = 1_000, 40_000  # of a collection, and of its bytes: what is larger is written anew at every step
_MAX_RECORDED = 50_000_000  # characters of values in one trace


def record(job: dict[str, Any], stage: ExecutionContext, given: Arguments | None = None) -> dict[str, Any]:
    """Harness: the plain reply of a run, and the trace of its call; with values that are `given`, or else the job's arguments."""
    recorder = Recorder(job["steps"], stage)
    watched = {"locals": _locals, "vars": _vars, "dir": _dir, "id": recorder.identity}
    stage.builtins.__dict__.update(recorder.names(), **watched)  # its globals stay its own

    def rewritten() -> CodeType:
        tree = names.instrument(ast.parse(job["source"], "<program>"), job["source"])
        return compile(tree, "<program>", "exec", dont_inherit=True)

    with altered_environment(job, stage):
        reply = compile_and_call(rewritten, job, stage, recorder.around, given)
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


def _are_equal(left: object, right: object) -> bool:
    """Whether two values of one type are equal, found without code of the program: one that holds an instance is no constant."""
    if type(left) not in _SHARED:
        return False
    if type(left) not in (tuple, frozenset):
        return left == right
    with contextlib.suppress(ValueError, MemoryError):
        return marshal.dumps(left, 2) == marshal.dumps(right, 2)  # type: ignore[arg-type]
    return False


def _borrowed(lent: tuple[Lent, ...]) -> Names:
    """The variables that are bound now."""
    found: Names = {}
    for name, look in lent:
        with contextlib.suppress(NameError):
            found[name] = look()
    return found


def _flat(kind: Any) -> tuple[Any, ...]:
    """The members of a tuple of types; a type by itself is the only one."""
    return kind if type(kind) is tuple else (kind,)


class Frame:
    """One activation of a function or class body."""

    __slots__ = ("declared", "function", "known", "last", "lent", "number", "step")

    def __init__(self, function: str, declared: tuple[str, ...], lent: tuple[Lent, ...] = ()) -> None:
        self.function = function
        self.declared = declared  # names that it declares global
        self.lent = lent  # names that a class body declares nonlocal, which are none of its own variables
        self.clear()

    def clear(self) -> None:
        self.number = -1  # until it is recorded: a generator may have begun before the call
        self.step = -1  # the step it is at
        # Objects as last recorded, where identity means no change; of others only that there was one: to hold them would
        # put off their end.
        self.last: Names = {}
        self.known: dict[str, int] = {}  # index of each name's last recorded value


class ForIterator:
    """The iterator of a `for` header. Like the header itself, it holds no item, and lets go of what failed or is exhausted."""

    __slots__ = ("advance", "begun", "frame", "line", "recorder")

    def __init__(self, recorder: "Recorder", frame: Frame, line: int, iterator: Any) -> None:
        self.recorder = recorder
        self.frame = frame
        self.line = line
        self.advance: Any = iterator
        self.begun = True  # the first advance's step began before the iterable was computed

    def __iter__(self) -> "ForIterator":
        return self

    def __next__(self) -> Any:
        if self.begun:
            self.begun = False
        else:
            self.recorder.begin(self.frame, self.line)
        try:
            return next(self.advance)
        except BaseException:
            self.advance = None
            raise


class Recorder:
    """The other end of the rewritten program's reports. Each is called from the very frame that it reports on."""

    def __init__(self, limit: int, stage: ExecutionContext) -> None:
        self.limit = limit
        self.stage = stage
        self.on = False
        self.lines: list[int] = []
        self.frames: list[int] = []
        self.ends: list[int] = []
        self.changes: list[dict[str, int] | None] = []
        self.calls: list[list[Any]] = []
        self.depths: list[int] = []  # of each frame
        self.too_deep = False
        self.values: list[tuple[str, str | None, str | None]] = []
        self.index: dict[tuple[str, str | None, str | None], int] = {}
        self.simple: dict[tuple[type, object], int] = {}
        self.images: dict[tuple[type, bytes], int] | None = {}
        self.recorded = 0
        self.none = self._intern_value(None)

    def names(self) -> dict[str, Any]:
        """What the rewritten program finds in its globals."""
        return {
            names.BEGIN: self.begin,
            names.NEXT: self.next,
            names.END: self.end,
            names.VALUE: self.value,
            names.HOOK_PASS: self.passes,
            names.HANDLES: self.handles_error,
            names.ENTER: self.enter,
            names.CLASS: self.class_body,
            names.HOOK_AGAIN: self.again,
            names.HOOK_REOPEN: self.reopen,
            names.ADVANCES: self.advances,
            names.ASYNC_ADVANCES: self.async_advances,
            names.HOOK_CAUGHT: self.caught,
            names.SAME: self.same,
        }

    def around(self, call: Callable[[], Any]) -> Any:
        """Records while the call runs, and at no other time."""
        sys.setrecursionlimit(8 * MAX_DEPTH)  # ours comes first
        self.on = True
        try:
            return call()
        finally:
            self.on = False

    # -------------------------------------------------------------------------------------------- reports

    def enter(self, function: str, *declared: str) -> Frame:
        """A function begins. Not a step."""
        frame = Frame(function, declared)
        if self.on:
            self.register(frame, _variables())
        return frame

    def class_body(self, *names: str | Lent) -> Frame:
        """The handle of a class body that will run, made in the function around it: what it borrows, its name, its globals."""
        lent = tuple(name for name in names if isinstance(name, tuple))
        function, *declared = (name for name in names if isinstance(name, str))
        return Frame(function, tuple(declared), lent)

    def again(self, frame: Frame) -> None:
        """A class body begins; if it did before, it is another frame now."""
        frame.clear()
        if self.on:
            self.register(frame, {})

    def register(self, frame: Frame, state: Names) -> None:
        """Numbers a frame. Its caller is the step under way: the last one begun that has not finished."""
        frame.number = len(self.calls)
        caller = len(self.lines) - 1
        while caller >= 0 and self.ends[caller] >= 0:
            caller -= 1
        depth = self.depths[self.frames[caller]] + 1 if caller >= 0 else 0
        if depth > MAX_DEPTH:
            self.too_deep = True  # from here on no step begins, whatever the program does about it
            raise StepLimitReached(f"its calls are nested more than {MAX_DEPTH} deep")
        self.depths.append(depth)
        self.calls.append([frame.function, caller, self.difference(frame, state)])

    def begin(self, frame: Frame, line: int) -> None:
        """A step begins."""
        if self.on:
            step = len(self.lines)
            if step >= self.limit or self.recorded > _MAX_RECORDED or self.too_deep:
                raise StepLimitReached(f"its calls are nested more than {MAX_DEPTH} deep" if self.too_deep else "")
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

    def passes(self, _begun: None, value: Any) -> Any:
        """A step has begun, and its value goes on; it ends later."""
        return value

    def handles_error(self, frame: Frame, _begun: None, kind: Any) -> Any:
        """The type in an `except` header is known. Where it is one, the header ends here, unless it matches and binds."""
        if self.on and all(isinstance(one, type) and issubclass(one, BaseException) for one in _flat(kind)):
            self.finish(frame, _variables())
        return kind

    def reopen(self, frame: Frame) -> None:
        """The frame's step goes on, though it was at its end."""
        if self.on and frame.step >= 0:
            self.ends[frame.step] = -1

    def finish(self, frame: Frame, state: Names) -> None:
        """Writes a step's state down. May come again for one step while its frame does nothing else (a bound `except`)."""
        step = frame.step
        if step >= 0:
            self.ends[step] = len(self.lines)
            changed = self.difference(frame, state)
            before = self.changes[step]
            self.changes[step] = {**before, **changed} if before else changed

    def advances(self, frame: Frame, line: int, _begun: None, iterable: Any) -> "ForIterator":
        """A `for` header: each advance after the first begins a step of its own, before the next item is asked for."""
        return ForIterator(self, frame, line, iter(iterable))

    async def async_advances(self, frame: Frame, line: int, _begun: None, iterable: Any) -> AsyncIterator[Any]:
        """An `async for` header."""
        async for item in iterable:
            yield item
            self.begin(frame, line)

    def caught(self, frame: Frame) -> None:
        """A handler was entered: its header goes on. What it caught may be a limit that differs between machines."""
        self.reopen(frame)
        error = sys.exc_info()[1]
        if isinstance(error, MemoryError):
            self.stage.version_dependent = "it catches a MemoryError"
        elif isinstance(error, RecursionError):
            self.stage.version_dependent = "it catches a RecursionError, whose depth differs between Python versions"
        elif (why := environment_error(error)) is not None:
            self.stage.version_dependent = why

    def same(self, left: object, right: object) -> bool:
        """`left is right`. Of two equal values that Python may keep as one object, the answer is one of this run."""
        if left is right or (type(left) is type(right) and _are_equal(left, right)):
            self.shares(left)
        return left is right

    def identity(self, of: object, /) -> int:
        """`id`."""
        self.shares(of)
        return id(of)

    def shares(self, value: object) -> None:
        """Notes that the program asks for the identity of a value; of one that nobody could change, it is Python's choice."""
        if type(value) in _SHARED:
            self.stage.version_dependent = f"{SHARED}: {type(value).__name__}"

    # -------------------------------------------------------------------------------------------- values

    def difference(self, frame: Frame, state: Names) -> dict[str, int]:
        """What differs from the frame's last recorded state, which becomes this one."""
        last, known = frame.last, frame.known
        if frame.declared:
            outside = self.stage.namespace
            state = {**state, **{name: outside[name] for name in frame.declared if name in outside}}
        if frame.lent:
            state = {**state, **_borrowed(frame.lent)}
        changed: dict[str, int] = {}
        for name, obj in state.items():
            if name in last and last[name] is obj and (obj is not None or known.get(name) == self.none):
                continue
            if name[0] == "·" or (name[:2] == "__" and name[-2:] == "__"):
                continue  # ours, or Python's own (`__class__`, a class body's `__qualname__`), which differ by version
            index = self._intern_value(obj)
            last[name] = obj if id(type(obj)) in _FIXED else None
            if known.get(name) != index:
                known[name] = changed[name] = index
        if len(last) > len(state) or not last.keys() <= state.keys():
            for name in [name for name in last if name not in state]:
                del last[name], known[name]
                changed[name] = -1
        return changed

    def _intern_value(self, obj: object) -> int:
        """Index of an object's value. Texts, integers, and collections of plain values are known again without being written."""
        kind = type(obj)
        if kind is str or kind is int:
            index = self.simple.get((kind, obj))
            if index is None:
                index = self.simple[kind, obj] = self.written(obj)
            return index
        if id(kind) in _COLLECTIONS and self.images is not None and len(obj) < _MAX_LENGTH:  # type: ignore[arg-type]
            return self._snapshot(kind, obj)
        return self.written(obj)

    def _snapshot(self, kind: type, obj: object) -> int:
        """Index of a collection's value, by its bytes as `marshal` has them: most are at one step what they were before.

        It writes every type apart, but for the bytes-like ones: where there is a `b'`, no image is kept.
        """
        try:
            image = marshal.dumps(obj, 2)  # type: ignore[arg-type]  # 2: no references, which depend on who else holds a part
        except ValueError:  # it holds what has no image: a function, itself
            return self.written(obj)
        except MemoryError:
            image = b""
        if self.images is None or not 0 < len(image) < _MAX_SNAPSHOT:
            self.images = None
            return self.written(obj)
        index = self.images.get((kind, image))
        if index is None:
            index = self.written(obj)
            text = self.values[index][1]
            if text is not None and "b'" not in text and 'b"' not in text:
                self.images[kind, image] = index
        return index

    def written(self, obj: object) -> int:
        key = to_fields(obj)
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
