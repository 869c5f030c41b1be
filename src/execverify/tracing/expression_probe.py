"""What expressions give in states that are known: computed in a confined process, from a state's literals alone.

This is an account of a statement's parts that owes nothing to how a run is recorded: the variables are made anew from the
texts of their values, the program's functions are there, and each expression is computed in them, one after another.

>>> from execverify.programs import Program
>>> double = Program("def double(n):\\n    return n * 2", "double", "1")
>>> (found,) = evaluate_many([(double, [Probe({"xs": "[1, 4]"}, ("xs.pop()", "double(4)", "xs[1]"))])])
>>> [[value.text if value else None for value in values] for values in found]
[['4', '8', None]]
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from execverify.programs.literals import parse_literal
from execverify.programs.program import Program
from execverify.programs.values import Value, to_fields
from execverify.sandbox.result import Limits, Outcome
from execverify.sandbox.run import is_value, job_for, sandbox
from execverify.sandbox.runners import describe_exception
from execverify.sandbox.worker import ExecutionContext
from execverify.tracing.runners import EVALUATE_EXPRESSIONS

_DEFAULT = Limits()

Expression = str | tuple[str, Mapping[str, str]]
"""An expression; where further names are given with it, they have those values from there on."""


@dataclass(frozen=True, slots=True)
class ExpressionProbe:
    """Expressions to compute one after another in one state, which they may change.

    Attributes:
        state: literal texts of the variables.
        expressions: what to compute.
    """

    state: Mapping[str, str]
    expressions: Sequence[Expression]


def evaluate_many(
    items: Iterable[tuple[Program, Sequence[ExpressionProbe]]], *, limits: Limits = _DEFAULT, workers: int = 1
) -> Iterator[list[list[Value | None]]]:
    """For each program and probe, the values of its expressions; None for one that raises, or for all where the program does.

    Raises:
        SandboxError: the confined process could not be started.
    """
    listed = list(items)
    jobs = [
        job_for(program, EVALUATE_EXPRESSIONS, limits, probes=[_plain(probe) for probe in probes]) for program, probes in listed
    ]
    for (_, probes), reply in zip(listed, sandbox(0, limits.imports).run_many(jobs, workers), strict=True):
        yield _found(probes, reply)


def _plain(probe: ExpressionProbe) -> list[Any]:
    pairs = [one if isinstance(one, tuple) else (one, {}) for one in probe.expressions]
    return [dict(probe.state), [[text, dict(names)] for text, names in pairs]]


def _found(probes: Sequence[ExpressionProbe], reply: dict[str, Any]) -> list[list[Value | None]]:
    nothing: list[list[Value | None]] = [[None] * len(probe.expressions) for probe in probes]
    given = reply.get("probed")
    if reply["outcome"] != Outcome.RETURNED or not isinstance(given, list) or len(given) != len(probes):
        return nothing
    if any(not isinstance(of, list) or len(of) != len(probe.expressions) for of, probe in zip(given, probes, strict=True)):
        return nothing
    return [[Value(*value) if value is not None and is_value(value) else None for value in of] for of in given]


# ---------------------------------------------------------------------------------------- inside the confined process


def evaluate(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Harness: the values of the expressions of all probes."""
    try:
        exec(compile(job["source"], "<program>", "exec", dont_inherit=True), stage.namespace)
    except BaseException as error:
        return describe_exception(error)
    return {"outcome": "returned", "probed": [_one(state, expressions, stage) for state, expressions in job["probes"]]}


def _one(state: dict[str, str], expressions: list[Any], stage: ExecutionContext) -> list[Any]:
    names = {**stage.namespace, **{name: parse_literal(text) for name, text in state.items()}}
    values: list[Any] = []
    for text, more in expressions:
        names.update((name, parse_literal(literal)) for name, literal in more.items())
        try:
            code = compile(ast.Expression(ast.parse(text, "<probe>", "eval").body), "<probe>", "eval", dont_inherit=True)
            values.append(list(to_fields(eval(code, names))))
        except Exception:
            values.append(None)
    return values
