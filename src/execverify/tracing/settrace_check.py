"""The same call, seen by other means: the program as it is written, under CPython's own trace function.

Nothing of the program is rewritten here, so whatever it sees of itself is its own: its code objects, its frames' variables, the
depth of its stack. What the recorder (`recorder.py`) reports of a run must have been there in this one too: every value that a step
gave a variable, and every line that ran. Line events do not show when a statement has finished, and differ between versions, so
this is no trace; it holds sets.
"""

import ast
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from execverify.programs.program import Program, cached_per_program
from execverify.sandbox.runners import StepLimitReached, compile_and_call
from execverify.sandbox.worker import ExecutionContext
from execverify.tracing.environments import altered_environment
from execverify.tracing.outside import environment_error
from execverify.tracing.recorder import MAX_DEPTH, Frame, Names, Recorder
from execverify.tracing.rewrite import first_line, header_end, makes_step, starts_line

_EVENTS = 20  # line events for each step that a run may take

_BASES = (object, int, str, list, dict, set, tuple, Exception, BaseException)


def record(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Harness: the plain reply of a run, and per function the values and lines that were seen."""
    declared = {name for node in ast.walk(ast.parse(job["source"])) if isinstance(node, ast.Global) for name in node.names}
    recorder = _SettraceRecorder(job["steps"], stage, declared, _comprehension_targets(job["source"]))
    more = [type("More", (base,), {}) for base in _BASES]  # whoever counts what there is counts another number here
    with altered_environment(job, stage):
        reply = compile_and_call(
            lambda: compile(job["source"], "<program>", "exec", dont_inherit=True), job, stage, recorder.around
        )
    del more
    return {**reply, **recorder.seen()}


def _comprehension_targets(source: str) -> set[str]:
    """Names that comprehensions bind."""
    comprehensions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.comprehension))
    return {node.id for one in comprehensions for node in ast.walk(one.target) if isinstance(node, ast.Name)}


def _deeper(call: Callable[[], Any], frames: int = 3) -> Any:
    """A call on a stack that is deeper than the recorder's, for whoever counts frames."""
    return _deeper(call, frames - 1) if frames else call()


class _SettraceRecorder:
    def __init__(self, limit: int, stage: ExecutionContext, declared: set[str], targets: set[str]) -> None:
        self.stage = stage
        self.declared = declared
        self.targets = targets
        self.unread: set[str] = set()
        self.left = _EVENTS * limit
        self.values = Recorder(limit, stage)
        self.frames: dict[
            int, tuple[CodeType, Frame]
        ] = {}  # by address, and no frame is held: one that comes again there does no harm
        self.had: dict[tuple[str, str], set[int]] = {}
        self.lines: set[tuple[str, int]] = set()

    def around(self, call: Callable[[], Any]) -> Any:
        sys.setrecursionlimit(8 * MAX_DEPTH)
        sys.settrace(self.entered)
        try:
            return _deeper(call)
        finally:
            sys.settrace(None)

    def entered(self, frame: FrameType, _event: str, _given: Any) -> Any:
        """A call event: only the program's own frames are followed."""
        return self.moved if frame.f_code.co_filename == "<program>" else None

    def moved(self, frame: FrameType, event: str, given: Any) -> Any:
        """A line is about to run, or a frame is left: its variables are what the statements before have made of them."""
        self.left -= 1
        if self.left < 0:
            raise StepLimitReached
        if event == "exception":
            self.passing(given[1])
        code = frame.f_code
        if event == "line":
            self.lines.add((code.co_name, frame.f_lineno))
        if sys.version_info >= (3, 13) and not self.targets.isdisjoint(code.co_cellvars):
            # CPython 3.13.0 dies where `f_locals` is read in a comprehension that binds a variable of an inner function, too.
            self.unread.add(code.co_name)
            return self.moved
        known = self.frames.get(id(frame))
        if known is None or known[0] is not code:
            known = self.frames[id(frame)] = (code, Frame(code.co_name, ()))
        for name, index in self.values.difference(known[1], self.variables(frame, code)).items():
            if index >= 0:
                self.had.setdefault((code.co_name, name), set()).add(index)
        if event == "return" and not code.co_flags & 0x2A0:  # no generator or coroutine, which come again
            del self.frames[id(frame)]
        return self.moved

    def passing(self, error: Any) -> None:
        """An exception passes through the program, which may swallow it in ways that no handler shows (`finally: return`)."""
        if isinstance(error, MemoryError):
            self.stage.version_dependent = "it catches a MemoryError"  # where it escapes, the run has ended without memory anyway
        while isinstance(error, BaseException) and self.stage.version_dependent is None:
            self.stage.version_dependent = environment_error(error)
            error = error.__cause__ or error.__context__

    def variables(self, frame: FrameType, code: CodeType) -> Names:
        """A frame's variables, and whatever it may have declared global or nonlocal."""
        found: Names = dict(frame.f_locals.items())
        for name in self.declared.union(code.co_names):
            if name not in found and name in self.stage.namespace:
                found[name] = self.stage.namespace[name]
        for name in code.co_freevars:
            around = frame.f_back
            while name not in found and around is not None:
                if around.f_code.co_filename == "<program>" and name in around.f_locals:
                    found[name] = around.f_locals[name]
                around = around.f_back
        return found

    def seen(self) -> dict[str, Any]:
        """As plain data."""
        had = [[function, name, sorted(indexes)] for (function, name), indexes in self.had.items()]
        return {"had": had, "values": self.values.values, "seen_lines": sorted(self.lines), "unread": sorted(self.unread)}


# ---------------------------------------------------------------------------------------- outside of it


@cached_per_program
def _certain(program: Program) -> tuple[frozenset[int], frozenset[int], frozenset[str]]:
    """Lines of which CPython has an event for sure; lines that hold several statements; names that end with their handler.

    Between the statements of one line there is no event, and none before the end of a handler, which unbinds its name.
    """
    steps = [node for node in program.nodes if isinstance(node, ast.stmt) and makes_step(node)]
    alone = {node.lineno for node in steps if header_end(node) == first_line(node) == node.lineno}
    behind = {node.lineno for node in program.nodes if isinstance(node, ast.stmt) and not starts_line(node, program.lines)}
    crowded = {first_line(node) for node in steps if not behind.isdisjoint(range(first_line(node), header_end(node) + 1))}
    caught = {node.name for node in program.nodes if isinstance(node, ast.ExceptHandler) and node.name is not None}
    return frozenset(alone), frozenset(crowded), frozenset(caught)


def agrees(program: Program, reply: dict[str, Any], seen: dict[str, Any]) -> bool:
    """Whether what a recorder reports of a run was seen under the trace function too: the values that steps gave, and the lines."""
    alone, crowded, caught = _certain(program)
    try:
        values = [tuple(value) for value in seen["values"]]
        had = {(function, name): {values[index] for index in indexes} for function, name, indexes in seen["had"]}
        lines = {(function, line) for function, line in seen["seen_lines"]}
        unread = frozenset(seen["unread"])
        for line, frame, changes in zip(reply["lines"], reply["frames"], reply["changes"], strict=True):
            function = reply["calls"][frame][0]
            if line in alone and (function, line) not in lines:
                return False
            if line in crowded or function in unread:
                continue
            for name, index in (changes or {}).items():
                value = tuple(reply["values"][index]) if index >= 0 else (None, None)
                if value[1] is not None and name not in caught and value not in had.get((function, name), ()):
                    return False
    except (KeyError, TypeError, ValueError, IndexError):
        return False
    return True
