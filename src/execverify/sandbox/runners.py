"""The runners of this room, which execute inside a worker: they run a program's module code, call its entry point, and describe the result.

Runners of other rooms share `compile_and_call`, so that a traced and an untraced run end alike.
"""

import traceback
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from execverify.programs.program import read_arguments
from execverify.programs.values import to_value
from execverify.sandbox.worker import ExecutionContext, OutputLimitReached, run_in_context


class StepLimitReached(BaseException):
    """The program took more steps than it may. A tracer raises it, and again at every further step."""


def run_call(job: dict[str, Any], context: ExecutionContext) -> dict[str, Any]:
    """Compiles and calls; the reply holds outcome, value, detail and error as `Result` has them."""
    return compile_and_call(lambda: compile(job["source"], "<program>", "exec", dont_inherit=True), job, context)


def run_calls(job: dict[str, Any], context: ExecutionContext) -> dict[str, Any]:
    """Compiles a program once, and calls it with each of the job's inputs, each time in a fresh context.

    The reply holds "results": for each input, the reply of `run_call`.
    """
    try:
        code = compile(job["source"], "<program>", "exec", dont_inherit=True)
    except BaseException as error:
        return {"outcome": "returned", "results": [describe_exception(error)] * len(job["inputs"])}

    def one(call: dict[str, Any], own: ExecutionContext) -> dict[str, Any]:
        return compile_and_call(lambda: code, call, own)

    results = [run_in_context(one, {**job, "arguments": text}, last=False) for text in job["inputs"]]
    return {"outcome": "returned", "results": results}


def evaluate_arguments(job: dict[str, Any], context: ExecutionContext) -> dict[str, Any]:
    """Evaluates the call's arguments in the program's namespace. The reply holds their "values", and the "names" of the keyword ones."""
    code = compile(job["source"], "<program>", "exec", dont_inherit=True)
    capture = f"(lambda *positional, **named: (list(positional), named))({job['arguments']}\n)"
    try:
        exec(code, context.namespace)
        positional, named = eval(compile(capture, "<arguments>", "eval", dont_inherit=True), context.namespace)
    except BaseException as error:
        return describe_exception(error)
    values = [to_value(value) for value in (*positional, *named.values())]
    names = [None] * len(positional) + list(named)
    return {"outcome": "returned", "values": [[value.type, value.text, value.opaque_reason] for value in values], "names": names}


def compile_and_call(
    compiled: Callable[[], CodeType],
    job: dict[str, Any],
    context: ExecutionContext,
    around: Callable[[Callable[[], Any]], Any] | None = None,
    given: tuple[Sequence[Any], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Compiles a program, runs its module code, and calls its entry point.

    Code that parses may still not compile (`nonlocal` without a binding): then the program has raised a SyntaxError.

    Args:
        compiled: compiles the program.
        job: the message of the job.
        context: the fresh context to run in.
        around: performs the call that it is given; a tracer switches itself on there.
        given: positional and keyword arguments; None for those of the job.
    """
    positional, named = read_arguments(job["arguments"]) if given is None else given
    try:
        exec(compiled(), context.namespace)
        function = context.namespace[job["entry_point"]]
        if around is None:
            result = function(*positional, **named)
        else:
            result = around(lambda: function(*positional, **named))
    except OutputLimitReached:
        return {"outcome": "too_much_output"}
    except StepLimitReached as limit:
        return {"outcome": "too_many_steps", "detail": str(limit) or f"it took more than {job['steps']} steps"}
    except MemoryError:
        return {"outcome": "out_of_memory", "detail": "it asked for more memory than it may have"}
    except BaseException as error:
        return describe_exception(error)
    value = to_value(result)
    return {"outcome": "returned", "value": [value.type, value.text, value.opaque_reason]}


def describe_exception(error: BaseException) -> dict[str, Any]:
    """The reply for an exception that escaped from a program: its type, and one line with its place and message."""
    name = " ".join(type.__dict__["__name__"].__get__(type(error)).split())
    try:
        message = " ".join(str(error).split())
    except BaseException:  # a program's __str__ may do anything
        message = "(its message could not be read)"
    walked = traceback.walk_tb(error.__traceback__)  # extract_tb would look for source files
    lines = [line for frame, line in walked if frame.f_code.co_filename == "<program>"]
    where = f" at line {lines[-1]}" if lines else ""
    return {"outcome": "raised", "error": name, "detail": f"{name}{where}: {message}"[:300].rstrip(": ")}
