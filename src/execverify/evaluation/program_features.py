"""By what properties of a program a score is cut: loops, nesting, recursion, length, steps, and the type of its result."""

import ast
from collections.abc import Iterable, Mapping, Sequence

from execverify.errors import ProgramError, SandboxError
from execverify.programs.program import Program, parse_source
from execverify.sandbox.result import Limits
from execverify.sandbox.run import job_for, sandbox
from execverify.tracing.runners import RECORD

_LIMITS = Limits(timeout=2.0, steps=5_000)
_LOOPS = (ast.For, ast.While, ast.AsyncFor)
_BRANCHES = (*_LOOPS, ast.If, ast.Match)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_STEPS = (4, 8, 16, 32, 64)
_LINES = (3, 5, 8, 12, 20)

FEATURE_ORDER = ("level", "loops", "nesting", "recursion", "comprehension", "lines", "steps", "result")
"""The properties, in the order in which they are shown; a benchmark may add others."""


def program_features(source: str, result: object = None, *, has_result: bool = False) -> dict[str, str]:
    """Features of a program's text.

    Args:
        source: the program.
        result: what its call returns.
        has_result: whether that is known.
    """
    found = {"result": type(result).__name__} if has_result else {}
    try:
        tree = parse_source(source)
    except ProgramError:
        return found
    nodes = list(ast.walk(tree))
    loops = sum(isinstance(node, _LOOPS) for node in nodes)
    depth = _depth(tree.body)
    lines = sum(1 for line in source.split("\n") if line.strip())
    return {
        "loops": "2 or more" if loops > 1 else str(loops),
        "nesting": "3 or more" if depth > 2 else str(depth),
        "recursion": _told(_recurses(tree)),
        "comprehension": _told(any(isinstance(node, _COMPREHENSIONS) for node in nodes)),
        "lines": bucket(lines, _LINES),
        **found,
    }


def steps_of(programs: Sequence[Program | None], workers: int = 1, imports: Sequence[str] = ()) -> list[int | None]:
    """How many steps each program's call takes; None where it does not end well, or could not be run.

    `imports` are the installed modules that programs may import.
    """
    known = [program for program in programs if program is not None]
    jobs = (job_for(program, RECORD, _LIMITS) for program in known)
    try:
        replies = list(sandbox(0, imports).run_many(jobs, workers))
    except SandboxError:
        return [None] * len(programs)
    counts = iter(len(reply["lines"]) if reply["outcome"] == "returned" else None for reply in replies)
    return [None if program is None else next(counts) for program in programs]


def add_steps(facts: Mapping[str, str], steps: int | None) -> dict[str, str]:
    """Properties with the steps of the run among them, where they are known."""
    return dict(facts) if steps is None else {**facts, "steps": bucket(steps, _STEPS)}


def bucket(number: int, edges: Iterable[int]) -> str:
    """Where a number falls: `5 to 8`, or `over 20`."""
    least = 0
    for edge in edges:
        if number <= edge:
            return f"up to {edge}" if least == 0 else f"{least + 1} to {edge}"
        least = edge
    return f"over {least}"


def order_of(value: str) -> tuple[int, str]:
    """Sorts the values of a property as a reader expects."""
    digits = "".join(char if char.isdecimal() else " " for char in value).split()
    at = int(digits[0]) if digits else 0
    return (at - value.startswith("up to") * at, value) if digits else (1_000_000, value)


def _told(yes: bool) -> str:
    return "yes" if yes else "no"


def _depth(body: Sequence[ast.AST], depth: int = 0) -> int:
    """How deeply statements that decide what runs next are nested; an `elif` is as deep as its `if`."""
    deepest = depth
    for node in body:
        here = depth + isinstance(node, _BRANCHES)
        deepest = max(deepest, here)
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, name, None)
            if not isinstance(inner, list):
                continue
            is_elif = isinstance(node, ast.If) and name == "orelse" and len(inner) == 1 and isinstance(inner[0], ast.If)
            below = 0 if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else depth if is_elif else here
            deepest = max(deepest, _depth(inner, below))
    return deepest


def _own_name(called: ast.expr) -> str | None:
    """The name of a function, or of a method of the same object."""
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "self":
        return called.attr
    return called.id if isinstance(called, ast.Name) else None


def _recurses(tree: ast.Module) -> bool:
    """Whether a function may call itself, by way of others too."""
    calls: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named = (call.func for call in ast.walk(node) if isinstance(call, ast.Call))
            calls.setdefault(node.name, set()).update(filter(None, map(_own_name, named)))
    for _ in calls:
        for name, called in calls.items():
            calls[name] = called.union(*(calls[other] for other in called if other in calls))
    return any(name in called for name, called in calls.items())
