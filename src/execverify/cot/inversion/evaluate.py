"""Evaluates small expressions over plain values, without running the program's code: a program may be hostile.

Only operators, built-in functions and methods of the tables below are applied, to values below a size.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from execverify.cot.inversion.methods import CASE, PARTS, PREDICATES, SEARCHES, SETS
from execverify.cot.inversion.needs import Items

MAX_NUMBER, MAX_ITEMS = 10**15, 400

OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.BitXor: operator.xor, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip
_UNARY: dict[type[ast.AST], Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert, ast.Not: operator.not_
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len, "str": str, "int": int, "bool": bool, "abs": abs, "min": min, "max": max, "sum": sum, "sorted": sorted, "list": list,
    "tuple": tuple, "set": set, "dict": dict, "range": range, "any": any, "all": all, "ord": ord, "chr": chr, "round": round,
    "float": float, "enumerate": lambda *a: list(enumerate(*a)), "zip": lambda *a: list(zip(*a, strict=False)),
    "reversed": lambda a: list(reversed(a)), "repr": repr, "divmod": divmod, "hex": hex, "oct": oct, "bin": bin,
}  # fmt: skip
_OTHERS_OF_TEXT = [
    "splitlines",
    "join",
    "isdecimal",
    "isidentifier",
    "count",
    "index",
    "rindex",
    "isascii",
    "isprintable",
    "expandtabs",
]
_METHODS = {
    str: CASE | PARTS | SEARCHES | PREDICATES | frozenset(_OTHERS_OF_TEXT),
    int: frozenset(["bit_length", "is_integer"]),
    float: frozenset(["is_integer"]),
    list: frozenset(["count", "index", "copy"]),
    tuple: frozenset(["count", "index"]),
    dict: frozenset(["get", "keys", "values", "items", "copy"]),
    set: SETS | {"copy"},
}


class Unknown(ValueError):
    """The value of an expression is not known: it has an unknown name, or is of no kind that is evaluated here."""


def evaluate(node: ast.AST, known: Mapping[str, Any]) -> Any:
    """The value of an expression.

    Args:
        node: the expression.
        known: values of names; other names are unknown.

    Raises:
        Unknown: it cannot be told.
    """
    try:
        return _small(_evaluate(node, known))
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Unknown(str(error)) from None


def _small(value: Any) -> Any:
    if isinstance(value, int | float) and abs(value) > MAX_NUMBER:
        raise Unknown("a large number")
    if isinstance(value, str | list | tuple | dict | set | range) and len(value) > MAX_ITEMS:
        raise Unknown("a large value")
    return value


def _evaluate(node: ast.AST, known: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in known and not isinstance(known[name], Items):
            return known[name]
        case ast.Subscript(value=ast.Name(id=name), slice=index) if isinstance(known.get(name), Items):
            return known[name].items[evaluate(index, known)]
        case ast.BinOp(left=left, op=op, right=right):
            return binary(op, evaluate(left, known), evaluate(right, known))
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](evaluate(operand, known))
        case ast.BoolOp(op=op, values=values):
            value = None
            for one in values:
                value = evaluate(one, known)
                if bool(value) == isinstance(op, ast.Or):
                    break
            return value
        case ast.Compare(left=left, ops=ops, comparators=others):
            values = [evaluate(one, known) for one in (left, *others)]
            return all(OPERATORS[type(op)](a, b) for op, a, b in zip(ops, values, values[1:], strict=False))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return evaluate(body if evaluate(test, known) else orelse, known)
        case ast.Subscript(value=value, slice=index):
            return evaluate(value, known)[_index(index, known)]
        case ast.List(elts=items):
            return [evaluate(one, known) for one in items]
        case ast.Tuple(elts=items):
            return tuple(evaluate(one, known) for one in items)
        case ast.Set(elts=items):
            return {evaluate(one, known) for one in items}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {evaluate(key, known): evaluate(one, known) for key, one in zip(keys, values, strict=True) if key is not None}
        case ast.Call(func=func, args=args, keywords=[]) | ast.Call(func=func, args=args, keywords=[ast.keyword(arg="reverse")]):
            return _called(node, func, [evaluate(one, known) for one in args], known)
        case ast.ListComp(elt=elt, generators=[one]) | ast.GeneratorExp(elt=elt, generators=[one]):
            return [evaluate(elt, inner) for inner in _rounds(one, known)]
        case ast.SetComp(elt=elt, generators=[one]):
            return {evaluate(elt, inner) for inner in _rounds(one, known)}
        case ast.DictComp(key=key, value=value, generators=[one]):
            return {evaluate(key, inner): evaluate(value, inner) for inner in _rounds(one, known)}
        case ast.JoinedStr(values=values):
            return "".join(_formatted(one, known) for one in values)
    raise Unknown(ast.dump(node)[:40])


def binary(op: ast.operator, left: Any, right: Any) -> Any:
    """An operator applied to two values, where the outcome is small for sure."""
    if isinstance(op, ast.Mult) and not (isinstance(left, int | float) and isinstance(right, int | float)):
        times, items = (left, right) if isinstance(left, int) else (right, left)
        if not isinstance(times, int) or times * len(items) > MAX_ITEMS:
            raise Unknown("a large value")
    if isinstance(op, ast.LShift) and not (isinstance(right, int) and right < 64):
        raise Unknown("a large value")
    if isinstance(op, ast.Mod) and isinstance(left, str):
        raise Unknown("a format")
    if isinstance(op, ast.Pow) and isinstance(left, int) and isinstance(right, int) and abs(left) < 1000 and 0 <= right < 6:
        return left**right
    return OPERATORS[type(op)](left, right)


def _index(node: ast.expr, known: Mapping[str, Any]) -> Any:
    if not isinstance(node, ast.Slice):
        return evaluate(node, known)
    return slice(*(None if part is None else evaluate(part, known) for part in (node.lower, node.upper, node.step)))


def _called(node: ast.Call, func: ast.expr, args: list[Any], known: Mapping[str, Any]) -> Any:
    named = {one.arg or "": evaluate(one.value, known) for one in node.keywords}
    if isinstance(func, ast.Name) and func.id in _FUNCTIONS and func.id not in known:
        for one in args if func.id not in ("len", "sum", "sorted", "set", "min", "max", "any", "all", "bool") else ():
            if isinstance(one, set):
                ordered(one)  # raises where the order would show
        if func.id == "range" and len(found := range(*args)) <= MAX_ITEMS:
            return found
        return _FUNCTIONS[func.id](*args, **named)
    if isinstance(func, ast.Attribute):
        owner = evaluate(func.value, known)
        if func.attr in _METHODS.get(type(owner), ()) and not (func.attr == "replace" and args[0] == ""):
            found = getattr(owner, func.attr)(*args, **named)
            return list(found) if func.attr in ("keys", "values", "items") else found
    raise Unknown("a call")


def _rounds(one: ast.comprehension, known: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in ordered(evaluate(one.iter, known)):
        inner = {**known, **bound(one.target, item)}
        if all(evaluate(test, inner) for test in one.ifs):
            yield inner


def ordered(value: Any) -> list[Any]:
    """The items of an iterable.

    Raises:
        Unknown: it is a set, whose order differs from process to process.
    """
    if isinstance(value, set | frozenset) and len(value) > 1:
        raise Unknown("the order of a set")
    return list(value)


def bound(target: ast.expr, value: Any) -> dict[str, Any]:
    """The names that a target binds to a value.

    Raises:
        Unknown: the target is something else than names.
    """
    if isinstance(target, ast.Name):
        return {target.id: value}
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, tuple | list | str) and len(value) == len(target.elts):
        return {name: item for one, part in zip(target.elts, value, strict=True) for name, item in bound(one, part).items()}
    raise Unknown("a target")


def _formatted(node: ast.expr, known: Mapping[str, Any]) -> str:
    if isinstance(node, ast.FormattedValue) and node.format_spec is None and node.conversion == -1:
        return str(evaluate(node.value, known))
    if isinstance(node, ast.Constant):
        return str(node.value)
    raise Unknown("a format")
