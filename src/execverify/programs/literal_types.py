"""Which types of values a program's text speaks of: what small models can be kept to."""

import ast
from collections.abc import Iterator

from execverify.programs.program import Program, walk

TYPES = ("bool", "int", "float", "complex", "str", "bytes", "NoneType", "list", "tuple", "dict", "set", "frozenset")
"""Types that have literals or displays, and `frozenset`."""

_DISPLAYS: dict[type[ast.AST], str] = {
    ast.List: "list",
    ast.ListComp: "list",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.JoinedStr: "str",
    ast.Div: "float",
}


def literal_types(program: Program) -> frozenset[str]:
    """Types that a program and its arguments write values of, as literals, displays or comprehensions, or call by name.

    A tuple or list that takes values apart (on the left of an assignment, as what a loop binds) is none. What comes out of calls and
    operations is not followed, but for `/`, which gives floats.
    """
    arguments = ast.parse(f"_({program.arguments})", mode="eval")
    return frozenset(name for tree in (program.tree, arguments) for node in walk(tree) for name in _types(node))


def _types(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield type(node.value).__name__
    elif isinstance(node, ast.Tuple):
        if isinstance(node.ctx, ast.Load):
            yield "tuple"
    elif isinstance(node, ast.Name):
        if node.id in TYPES:
            yield node.id
    elif (name := _DISPLAYS.get(type(node))) is not None and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        yield name
