"""What kind of value a parameter takes, by how the program uses it: a small value of that kind, where any value will do."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from execverify.cot.inversion.methods import CASE, PADDING, PARTS, PREDICATES, SEARCHES, SETS

_TEXT = CASE | PARTS | SEARCHES | PREDICATES | PADDING | frozenset(["splitlines", "encode", "join", "translate", "format"])
_TAKES_TEXT = PARTS | SEARCHES
_LIST = frozenset(["append", "extend", "insert", "sort", "reverse", "remove"])
_DICT = frozenset(["items", "keys", "values", "get", "setdefault", "update", "popitem", "fromkeys"])
_SET = SETS | {"add", "discard", "intersection_update"}
_SEQUENCE_OF_NUMBERS = frozenset(("sum", "max", "min"))
_SEQUENCES = frozenset(("len", "sorted", "reversed", "enumerate", "zip", "list", "tuple", "set", "any", "all"))
_MAX_DEPTH = 3


def sample(function: ast.FunctionDef, name: str, functions: Mapping[str, ast.FunctionDef], depth: int = 0) -> Any:
    """A small value of the kind that a name of a function has: 1, "a", [..], {..}."""
    votes = dict(_votes(function, name, functions, depth))
    for kind in ("dict", "set", "text", "list", "number", "numbers", "items"):
        if kind in votes:
            return votes[kind]
    return 1


def _votes(
    function: ast.FunctionDef, name: str, functions: Mapping[str, ast.FunctionDef], depth: int
) -> Iterator[tuple[str, Any]]:
    """Kinds that the uses of a name speak for, each with a value."""
    if depth > _MAX_DEPTH:
        return

    def is_it(node: ast.AST | None) -> bool:
        return isinstance(node, ast.Name) and node.id == name

    for node in ast.walk(function):
        match node:
            case ast.Attribute(value=owner, attr=attr) if is_it(owner):
                yield from _of_method(attr)
            case ast.For(target=target, iter=inner) | ast.comprehension(target=target, iter=inner) if is_it(inner):
                element = sample(function, target.id, functions, depth + 1) if isinstance(target, ast.Name) else (1, 1)
                yield "items", [element]
            case ast.Subscript(value=owner, slice=ast.Constant(value=str(key))) if is_it(owner):
                yield "dict", {key: 1}
            case ast.Subscript(value=owner) if is_it(owner):
                yield "items", [1]
            case ast.BinOp(left=left, right=right) if is_it(left) or is_it(right):
                yield from _like(right if is_it(left) else left)
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]) if is_it(right):
                yield "items", [1]
            case ast.Compare(left=left, comparators=[right]) if is_it(left) or is_it(right):
                yield from _like(right if is_it(left) else left)
            case ast.AugAssign(target=target, value=value) if is_it(target) or is_it(value):
                yield from _like(value if is_it(target) else target)
            case ast.Call(func=ast.Attribute(attr=attr), args=args) if attr in _TAKES_TEXT and any(map(is_it, args)):
                yield "text", "a"
            case ast.Call(func=ast.Attribute(attr="join"), args=[inner]) if is_it(inner):
                yield "list", ["a"]
            case ast.Call(func=ast.Name(id=called), args=args) if any(map(is_it, args)):
                at = next(number for number, one in enumerate(args) if is_it(one))
                yield from _of_call(called, at, functions, depth)


def _of_method(attr: str) -> Iterator[tuple[str, Any]]:
    for names, kind, value in ((_TEXT, "text", "a"), (_LIST, "list", [1]), (_DICT, "dict", {"a": 1}), (_SET, "set", {1})):
        if attr in names:
            yield kind, value


def _of_call(called: str, at: int, functions: Mapping[str, ast.FunctionDef], depth: int) -> Iterator[tuple[str, Any]]:
    if called in functions and at < len(parameters := functions[called].args.args):
        yield from _votes(functions[called], parameters[at].arg, functions, depth + 1)
    elif called in ("range", "abs", "chr", "bin", "hex", "oct", "divmod"):
        yield "number", 1
    elif called in ("int", "ord"):
        yield "text", "1"
    elif called in _SEQUENCE_OF_NUMBERS:
        yield "numbers", [1]
    elif called in _SEQUENCES:
        yield "items", [1]


def _like(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """The kind of what a name is combined with."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "number", 1
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield "text", "a"
    elif isinstance(node, ast.Set | ast.SetComp):
        yield "set", {1}
    elif isinstance(node, ast.List | ast.ListComp):
        yield "list", [1]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("len", "sum", "int", "abs"):
        yield "number", 1
