"""What a program has and does not need: names that nothing reads, statements that nothing reaches, tests of constants.

>>> from execverify.programs.program import Program
>>> unused(Program("def f(a, b):\\n    c = a\\n    return a", arguments="1, 2"))
["the parameter 'b' of f is never read", "the variable 'c' of f is never read"]
"""

import ast
from collections.abc import Iterator, Sequence

from execverify.programs.program import Program

_ENDS = (ast.Return, ast.Break, ast.Continue, ast.Raise)


def unused(program: Program) -> list[str]:
    """What nobody needs, each in one line; names that begin with an underscore are meant to be unread."""
    found: list[str] = []
    for node in program.tree.body:
        if isinstance(node, ast.FunctionDef):
            found.extend(_names(node))
            found.extend(_statements(node.body))
    return found


def _names(function: ast.FunctionDef) -> Iterator[str]:
    read: set[str] = set()
    bound: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                read.add(node.id)
            else:
                bound.setdefault(node.id, "variable")
        elif isinstance(node, ast.arg):
            bound.setdefault(node.arg, "parameter")
    for name, what in sorted(bound.items(), key=lambda item: item[1]):
        if name not in read and not name.startswith("_"):
            yield f"the {what} {name!r} of {function.name} is never read"


def _statements(body: Sequence[ast.stmt]) -> Iterator[str]:
    for index, node in enumerate(body):
        if isinstance(node, _ENDS) and index + 1 < len(body):
            yield f"line {body[index + 1].lineno} is never reached"
        if isinstance(node, ast.If | ast.While) and isinstance(node.test, ast.Constant):
            yield f"line {node.lineno} tests a constant"
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            own = node.value.id
            if own in [target.id for target in node.targets if isinstance(target, ast.Name)]:
                yield f"line {node.lineno} assigns a name to itself"
        for suite in ("body", "orelse"):
            yield from _statements(getattr(node, suite, ()))
