"""Runs programs without a trace: `run` and `run_many`.

>>> from execverify.programs import Program
>>> result = run(Program("def f(n):\\n    return [n] * 2", arguments="3"))
>>> result.outcome, result.value.text
(<Outcome.RETURNED: 'returned'>, '[3, 3]')
"""

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import tee
from typing import Any

from execverify.errors import ProgramError
from execverify.programs.literals import MAX_SOURCE, parse_literal
from execverify.programs.program import BYTE_ORDER_MARK, NodeNames, Program, parse_source, vocabulary_of
from execverify.programs.values import Value
from execverify.sandbox.job import Job, Runner, register_runner
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.sandbox import Sandbox, sandbox_of
from execverify.utils.validation import expect, list_of

RUN_CALL = register_runner("execverify.sandbox.runners", "run_call")
"""Calls a program once, without a trace."""

_RUN_CALLS = register_runner("execverify.sandbox.runners", "run_calls")
_EVALUATE_ARGUMENTS = register_runner("execverify.sandbox.runners", "evaluate_arguments")
_DEFAULT = Limits()
_HARMLESS_DUNDERS = frozenset({"__init__", "__name__", "__main__", "__doc__"})
_OUTCOMES = tuple(map(str, Outcome))
_IMPORTS = frozenset({ast.Import, ast.ImportFrom})
_ESCAPING_NAMES = frozenset(
    {"exec", "eval", "compile", "open", "globals", "locals", "vars", "getattr", "setattr", "delattr", "breakpoint"}
)
_FRAME_PREFIXES = ("gi_", "cr_", "ag_", "tb_", "f_", "co_")  # of the attributes of generators, frames, tracebacks and code


def sandbox(hash_seed: int = 0, imports: Collection[str] = ()) -> Sandbox:
    """This process's sandbox for a hash seed and what programs may import; started when first used, closed at exit."""
    return sandbox_of(hash_seed, imports)


def run(program: Program, *, limits: Limits = _DEFAULT, imports: Collection[str] = ()) -> Result:
    """Runs a program in a confined process, and returns how it ended.

    Args:
        program: what to run.
        limits: what it may use.
        imports: modules besides the standard library that it may import, in addition to those of the limits.

    Raises:
        SandboxError: the confined process could not be started, or a module of `imports` is not installed.
    """
    return next(run_many([program], limits=limits.allowing(imports)))


def run_many(programs: Iterable[Program], *, limits: Limits = _DEFAULT, workers: int = 1) -> Iterator[Result]:
    """Runs programs, and yields their results in order."""
    programs = list_of(programs, "Programs", ProgramError)
    jobs = (job_for(program, RUN_CALL, limits) for program in programs)
    return (result_of(reply) for reply in sandbox(0, limits.imports).run_many(jobs, workers))


def call_many(
    items: Iterable[tuple[Program, Sequence[str]]], *, limits: Limits = _DEFAULT, workers: int = 1, hash_seed: int = 0
) -> Iterator[tuple[Result, ...]]:
    """Calls each program with many inputs (argument texts), and yields the results of its calls, in order.

    All calls of a program are one message to a worker, which compiles it once: this is many times as fast as `run_many`. Where
    they do not all return or raise within the timeout of one, each runs as a job of its own, with the whole timeout. So do all calls
    of a program that needs a dedicated worker (it imports modules, say); those run under hash seed 0.

    Args:
        items: each program with the texts of its inputs.
        limits: what each program may use.
        workers: how many processes are at work at once.
        hash_seed: of the processes' strings.

    Raises:
        ProgramError: an input is no list of literals.

    >>> one = Program("def f(n): return n + 1", arguments="0")
    >>> [result.value.text for result in next(call_many([(one, ["1", "2"])]))]
    ['2', '3']
    """
    kept, sent = tee(items)
    jobs = (job_for(program, _RUN_CALLS, limits, inputs=list(inputs)) for program, inputs in sent if not _runs_alone(program))
    replies = sandbox(hash_seed, limits.imports).run_many(jobs, workers)
    for program, inputs in kept:
        found = None if _runs_alone(program) else _results_in(next(replies), len(inputs))
        if found is None:
            found = tuple(run_many([replace(program, arguments=text) for text in inputs], limits=limits, workers=workers))
        yield found


def _runs_alone(program: Program) -> bool:
    return needs_dedicated_worker(program.vocabulary)


def _results_in(reply: dict[str, Any], count: int) -> tuple[Result, ...] | None:
    """The results of all calls; None where the reply does not hold them all."""
    found = reply.get("results")
    if reply.get("outcome") != Outcome.RETURNED or not isinstance(found, list) or len(found) != count:
        return None
    if not all(isinstance(each, dict) for each in found):
        return None
    results = tuple(map(result_of, found))
    return results if all(result.outcome in (Outcome.RETURNED, Outcome.RAISED) for result in results) else None


def resolve_arguments(source: str, entry_point: str, arguments: str, *, limits: Limits = _DEFAULT) -> Program:
    """Replaces arguments that are written as expressions (`'ab'.upper(), xs[:]`) by the literals of their values.

    The expressions are evaluated in a confined process, in the namespace of the source.

    Raises:
        ProgramError: the expressions fail, or a value has no literal (a function, say).
    """
    source = source.lstrip(BYTE_ORDER_MARK)
    tree = parse_source(source)
    job = Job(
        _EVALUATE_ARGUMENTS,
        source,
        entry_point,
        arguments,
        limits,
        needs_dedicated_worker(vocabulary_of(ast.walk(tree))),
    )
    reply = sandbox(0, limits.imports).run(job)
    if reply["outcome"] != Outcome.RETURNED:
        raise ProgramError(f"the arguments cannot be evaluated: {reply['outcome']}: {reply.get('detail', '')}")
    if not all(map(is_value, reply["values"])):
        raise ProgramError("the arguments cannot be evaluated: the process sent an invalid reply")
    parts = []
    for name, (kind, text, opaque) in zip(reply["names"], reply["values"], strict=True):
        if text is None:
            raise ProgramError(f"an argument has no literal: it is a {kind} ({opaque})")
        parts.append(text if name is None else f"{name}={text}")
    return Program(source, entry_point, ", ".join(parts))


def job_for(program: Program, runner: Runner, limits: Limits, **extra: Any) -> Job:
    """A program as a job for a runner, with further data for it; raises ProgramError where it is no `Program`."""
    expect(program, Program, ProgramError, "make one with Program(source, entry_point='f', arguments='3')")
    dedicated = needs_dedicated_worker(program.vocabulary)
    return Job(runner, program.source, program.entry_point, program.arguments, limits, dedicated, extra)


def result_of(reply: dict[str, Any]) -> Result:
    """A runner's reply as a `Result`. An invalid reply was forged by the program, which counts as crashed."""
    detail, error, stdout, value = (reply.get(field) for field in ("detail", "error", "stdout", "value"))
    texts = all(isinstance(text, str | None) for text in (detail, error, stdout))
    if reply.get("outcome") not in _OUTCOMES or not texts or not (value is None or is_value(value)):
        return INVALID_REPLY
    outcome = Outcome(reply["outcome"])
    if outcome == Outcome.RETURNED and value is None:
        return INVALID_REPLY
    return Result(outcome, Value(*value) if value is not None else None, detail or "", error, stdout or "")


def is_value(fields: Any, limit: int = MAX_SOURCE) -> bool:
    """Whether JSON data are the fields of a `Value`: a type's name, and a literal of that type or the reason why it has none."""
    if not isinstance(fields, list) or len(fields) != 3 or not isinstance(fields[0], str):
        return False
    kind, text, opaque = fields
    if text is None:
        return isinstance(opaque, str)
    try:
        return opaque is None and isinstance(text, str) and type(parse_literal(text, limit)).__name__ == kind
    except Exception:  # untrusted text: whatever it raises, it is no value
        return False


INVALID_REPLY = Result(Outcome.CRASHED, detail="the process sent an invalid reply")


_QUICK_PATTERN = re.compile("|".join(["import", "__", *sorted(_ESCAPING_NAMES), *_FRAME_PREFIXES]))


def might_need_dedicated_worker(source: str) -> bool:
    """Whether the ASCII text of a program contains anything for which `needs_dedicated_worker` could return True."""
    return _QUICK_PATTERN.search(source) is not None


def needs_dedicated_worker(used: NodeNames) -> bool:
    """Whether a program could affect the next one in the same process: it imports modules, or inspects the interpreter."""
    if used.kinds & _IMPORTS or used.names & _ESCAPING_NAMES or any(name.startswith(_FRAME_PREFIXES) for name in used.attributes):
        return True
    return any(
        name[:2] == "__" and name[-2:] == "__" and name not in _HARMLESS_DUNDERS for name in (*used.names, *used.attributes)
    )
