"""The plain harness: run a program's module code, call its entry point, and describe what came of it.

Runs inside the confined process. `enact` is shared with the tracer, so that a traced and an untraced run end alike.
"""

import traceback
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from execverify.programs.program import read_arguments
from execverify.programs.values import to_value
from execverify.sandbox.worker import ExecutionContext, OutputLimitReached, run_in_context


class StepLimitReached(BaseException):
    """The program took more steps than it may; raised by a tracer, and again at every further step."""


def run_call(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Compiles and calls; the reply holds outcome, value, detail and error as `Result` has them."""
    return compile_and_call(lambda: compile(job["source"], "<program>", "exec", dont_inherit=True), job, stage)


def run_calls(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """One program, compiled once and called with each of the job's inputs, each call on a stage of its own.

    The value of the reply is "results": for each input, what `run` would have replied.
    """
    try:
        code = compile(job["source"], "<program>", "exec", dont_inherit=True)
    except BaseException as error:
        return {"outcome": "returned", "results": [describe_exception(error)] * len(job["inputs"])}

    def one(call: dict[str, Any], own: ExecutionContext) -> dict[str, Any]:
        return compile_and_call(lambda: code, call, own)

    results = [run_in_context(one, {**job, "arguments": text}, last=False) for text in job["inputs"]]
    return {"outcome": "returned", "results": results}


def evaluate_arguments(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Evaluates the call's arguments where the program's names are known; the value of the reply is `(positional, named)`."""
    code = compile(job["source"], "<program>", "exec", dont_inherit=True)
    capture = f"(lambda *positional, **named: (list(positional), named))({job['arguments']}\n)"
    try:
        exec(code, stage.namespace)
        positional, named = eval(compile(capture, "<arguments>", "eval", dont_inherit=True), stage.namespace)
    except BaseException as error:
        return describe_exception(error)
    values = [to_value(value) for value in (*positional, *named.values())]
    names = [None] * len(positional) + list(named)
    return {"outcome": "returned", "values": [[value.type, value.text, value.opaque_reason] for value in values], "names": names}


def compile_and_call(
    compiled: Callable[[], CodeType],
    job: dict[str, Any],
    stage: ExecutionContext,
    around: Callable[[Callable[[], Any]], Any] | None = None,
    given: tuple[Sequence[Any], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Compiles, runs the module code, and makes the call, with the values `given` or else with the job's arguments.

    `around`, where given, performs the call (a tracer switches itself on there). What parses may still not compile
    (`nonlocal` of nothing): then the program has raised a SyntaxError.
    """
    positional, named = read_arguments(job["arguments"]) if given is None else given
    try:
        exec(compiled(), stage.namespace)
        function = stage.namespace[job["entry_point"]]
        if around is None:
            result = function(*positional, **named)
        else:
            result = around(lambda: function(*positional, **named))
    except OutputLimitReached:
        return {"outcome": "too much output"}
    except StepLimitReached as limit:
        return {"outcome": "too many steps", "detail": str(limit) or f"it took more than {job['steps']} steps"}
    except MemoryError:
        return {"outcome": "out of memory", "detail": "it asked for more memory than it may have"}
    except BaseException as error:
        return describe_exception(error)
    value = to_value(result)
    return {"outcome": "returned", "value": [value.type, value.text, value.opaque_reason]}


def describe_exception(error: BaseException) -> dict[str, Any]:
    """How an exception is told that escaped from a program: its type, and one line with where and why."""
    name = " ".join(type.__dict__["__name__"].__get__(type(error)).split())
    try:
        message = " ".join(str(error).split())
    except BaseException:  # a program's own __str__ may do anything
        message = "(its message could not be read)"
    walked = traceback.walk_tb(error.__traceback__)  # extract_tb would look for the source files
    lines = [line for frame, line in walked if frame.f_code.co_filename == "<program>"]
    where = f" at line {lines[-1]}" if lines else ""
    return {"outcome": "raised", "error": name, "detail": f"{name}{where}: {message}"[:300].rstrip(": ")}
