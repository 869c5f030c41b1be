"""Traces in the format of CWM, the Code World Model of Meta (arXiv 2510.02387; PROMPTING_GUIDE.md of its repository).

A trace is a prompt, the source with its entry point marked, and one frame for each event of CPython's trace function:

    call       the variables on entry, and the `def` line
    line       the variables before the line runs, and the line
    return     the line, and the value that it returns
    exception  the line, and the exception that leaves it or is raised in it

Variables are one JSON object of texts. A value that is the same as in the event before is written "..". After a call, a return or an
exception that leads into another function's frame, all values are written, so that CWM's own debugger finds every value.

>>> from execverify.programs import Program
>>> (trace,) = cwm_traces([Program("def f(n):\\n    n += 1\\n    return n", arguments="3")])
>>> trace.prompt.split("\\n")[3:]
['', 'def main():  # << START_OF_TRACE', '    return f(3)', '<|frame_sep|>']
>>> trace.completion.split("<|frame_sep|>")[3]
'<|line_sep|>{"n": ".."}<|action_sep|>    n += 1\\n'

Events are those of the Python that runs the program: from 3.12 on, an inlined comprehension repeats the event of its line. Frames of
comprehensions, generator expressions and lambdas are left out on every version.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

from execverify.programs.program import Program
from execverify.programs.values import to_value
from execverify.sandbox.job import Job
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import INVALID_REPLY, job_for, result_of, sandbox
from execverify.sandbox.runners import StepLimitReached, compile_and_call
from execverify.sandbox.worker import ExecutionContext
from execverify.tracing.runners import RECORD_CWM
from execverify.tracing.trace import trace_many

MARK = "  # << START_OF_TRACE"
CALL, LINE, RETURN, EXCEPTION = "call", "line", "return", "exception"
SAME = ".."

_BEGIN, _CONTEXT, _END = "<|begin_of_text|>", "<|trace_context_start|>", "<|end_of_text|>"
_FRAME, _ACTION, _ARGUMENT = "<|frame_sep|>", "<|action_sep|>", "<|arg_sep|>"
_EVENTS = 4  # events for each step that a run may take
_SLOWER = 5  # times the time limit of a run
_DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class CwmFrame:
    """One event of a run.

    Attributes:
        event: "call", "line", "return" or "exception".
        source: the line, with its indentation, without its end.
        variables: for a call or a line, the text of each variable, or ".." where it is unchanged; else empty.
        value: for a return or an exception, its text; else None.
    """

    event: str
    source: str
    variables: dict[str, str]
    value: str | None = None

    def __str__(self) -> str:
        """The frame as CWM reads it."""
        if self.event in (CALL, LINE):
            return f"<|{self.event}_sep|>{json.dumps(self.variables)}{_ACTION}{self.source}\n{_FRAME}"
        return f"<|{self.event}_sep|>{_ACTION}{self.source}\n{_ARGUMENT}{json.dumps(self.value)}{_FRAME}"


@dataclass(frozen=True, slots=True)
class CwmTrace:
    """A run in CWM's format.

    Attributes:
        program: what ran.
        result: how it ended.
        context: the source with the function that makes the call, marked as the entry point.
        frames: in order; empty where the program did not end by itself, varies between runs, or holds CWM's tokens.
    """

    program: Program
    result: Result
    context: str
    frames: tuple[CwmFrame, ...] = ()

    @property
    def why_empty(self) -> str:
        """Why there are no frames, in one line; empty where there are some."""
        if self.frames:
            return ""
        ended = self.result.outcome in (Outcome.RETURNED, Outcome.RAISED)
        return "it holds <|, which begins CWM's tokens" if ended else f"{self.result.outcome}: {self.result.detail}"

    @property
    def prompt(self) -> str:
        """What CWM is given."""
        return f"{_BEGIN}{_CONTEXT}{self.context}{_FRAME}"

    @property
    def completion(self) -> str:
        """What CWM is to predict."""
        return "".join(map(str, self.frames)) + _END


def cwm_traces(programs: Iterable[Program], *, limits: Limits = _DEFAULT, workers: int = 1) -> Iterator[CwmTrace]:
    """Run programs confined, and yield their traces in order. A program whose runs differ has no frames.

    Args:
        programs: what to run.
        limits: what a program may use; its time limit is that of a run without a trace.
        workers: how many run at once.

    Raises:
        SandboxError: the confined process could not be started.
    """
    listed = list(programs)
    contexts = [_context(program) for program in listed]
    outcomes = [trace.result for trace in trace_many(listed, limits=limits, workers=workers)]
    usable = [result.outcome in (Outcome.RETURNED, Outcome.RAISED) for result in outcomes]
    jobs = [_job(*pair, limits) for pair, good in zip(contexts, usable, strict=True) if good]
    replies = sandbox(0, limits.imports).run_many(jobs, workers)
    for program, (context, _), result, good in zip(listed, contexts, outcomes, usable, strict=True):
        yield _trace(program, context, next(replies)) if good else CwmTrace(program, result, context)


def _context(program: Program) -> tuple[str, str]:
    """The program with a function that makes its call, and that function's name."""
    name = "main"
    while name in program.source or name == program.entry_point:
        name += "_"
    return f"{program.source.rstrip()}\n\ndef {name}():{MARK}\n    return {program.call}\n", name


def _job(context: str, name: str, limits: Limits) -> Job:
    patient = replace(limits, timeout=_SLOWER * limits.timeout)
    return job_for(Program(context, name, ""), RECORD_CWM, patient)


def _trace(program: Program, context: str, reply: dict[str, Any]) -> CwmTrace:
    result = result_of(reply)
    if result.outcome not in (Outcome.RETURNED, Outcome.RAISED) or "<|" in context:
        return CwmTrace(program, result, context)
    lines = context.replace(MARK, "").splitlines()
    try:
        frames = tuple(
            CwmFrame(str(event), lines[line - 1], dict(variables), value) for event, line, variables, value in reply["frames"]
        )
    except (KeyError, TypeError, ValueError, IndexError):
        return CwmTrace(program, INVALID_REPLY, context)
    return CwmTrace(program, result, context, frames)


# ---------------------------------------------------------------------------------------- inside the confined process


def record(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Runner: the plain reply of a run, and its events as [event, line, variables, value]."""
    recorder = _Recorder(_EVENTS * job["steps"])
    reply = compile_and_call(lambda: compile(job["source"], "<program>", "exec", dont_inherit=True), job, stage, recorder.around)
    return {**reply, "frames": recorder.frames}


class _Recorder:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.frames: list[list[Any]] = []
        self.last: FrameType | None = None  # the frame of the last event
        self.before: dict[str, str] = {}  # the variables that were written last in it
        self.leaving: set[FrameType] = set()  # frames in which an exception was raised, and no line ran since

    def around(self, call: Callable[[], Any]) -> Any:
        sys.settrace(self.entered)
        try:
            return call()
        finally:
            sys.settrace(None)
            self.last = None

    def entered(self, frame: FrameType, _event: str, _given: Any) -> Any:
        """What `sys.settrace` is given."""
        code = frame.f_code
        if code.co_filename != "<program>" or code.co_name.startswith("<"):
            return None
        self.add(frame, CALL, self.variables(frame))
        return self.moved

    def moved(self, frame: FrameType, event: str, given: Any) -> Any:
        """An event in a frame that is followed."""
        if event == LINE:
            self.leaving.discard(frame)
            self.add(frame, LINE, self.variables(frame))
        elif event == EXCEPTION:
            self.leaving.add(frame)
            self.add(frame, EXCEPTION, {}, _exception(given[1]))
        elif event == RETURN and frame in self.leaving:
            self.leaving.discard(frame)  # left by the exception
        elif event == RETURN:
            self.add(frame, RETURN, {}, _text(given))
        return self.moved

    def add(self, frame: FrameType, event: str, variables: dict[str, str], value: str | None = None) -> None:
        if len(self.frames) >= self.limit:
            raise StepLimitReached
        self.frames.append([event, frame.f_lineno, variables, value])
        self.last = frame

    def variables(self, frame: FrameType) -> dict[str, str]:
        """The frame's variables, each ".." where it was written before and the frame was not left since."""
        before = self.before if frame is self.last else {}
        now = {name: _text(value) for name, value in frame.f_locals.items() if not name.startswith(".")}
        self.before = now
        return {name: SAME if before.get(name) == text else text for name, text in now.items()}


def _text(value: Any) -> str:
    found = to_value(value)
    return found.text if found.text is not None else f"<{found.type}>"


def _exception(error: BaseException) -> str:
    arguments = ", ".join(_text(one) for one in BaseException.__dict__["args"].__get__(error))
    return f"{type.__dict__['__name__'].__get__(type(error))}({arguments})"
