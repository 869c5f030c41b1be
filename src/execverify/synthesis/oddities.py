"""What nobody writes in an expression: an operation that changes nothing, undoes another, or could be one with another.

The grammar tries again where a program has one; `bench/readability.py` counts them. A name that is given its value once stands for
that value, so `a = s.lower()` and `b = a.lower()` are found as `s.lower().lower()` is.

>>> import ast
>>> texts = "s.lower().lower()", "(x + 2) + 3", "sorted(sorted(a))", "(s.lower() + t).lower()"
>>> [oddities_of(list(ast.walk(ast.parse(text)))) for text in texts]
[['lower after lower'], ['+ after +'], ['sorted after sorted'], []]
>>> oddities_of(list(ast.walk(ast.parse("def f(d):\\n    d.clear()\\n    d.clear()"))))
['clear repeated']
"""

import ast
import itertools
from collections.abc import Sequence
from typing import NamedTuple

_CASES = frozenset(("lower", "upper", "title", "capitalize", "casefold", "swapcase"))
_STRIPS = {"strip": ("strip", "lstrip", "rstrip"), "lstrip": ("lstrip", "strip"), "rstrip": ("rstrip", "strip")}
_UNORDERED = ("sorted", "set", "frozenset", "len", "sum", "min", "max", "any", "all")
_ORDERS = ("sorted", "reversed", "[::-1]")
_COPIES = ("list", "tuple", "copy", "[:]")
_REPEATED = {
    "sorted": ("sorted", "reversed", "[::-1]", *_COPIES),
    "abs": ("abs", "neg", "len", "count", "bit_count", "bit_length", "ord"),
    "round": ("round", "int"),
    "int": ("int", "round", "bool"),
    "str": ("str", "repr", "ascii", "f-string"),
    "list": ("list", "sorted", "split"),
    "set": ("set", *_ORDERS, *_COPIES, "frozenset"),
    "frozenset": ("frozenset", "set", *_ORDERS, *_COPIES),
    "tuple": ("tuple",),
    "dict": ("dict", "copy"),
    "copy": ("copy", "dict", "list"),
    "bool": ("bool", "not"),
    "not": ("not",),
    "neg": ("neg",),
    "~": ("~",),
    "[::-1]": ("[::-1]",),
    "reversed": ("reversed", "[::-1]"),
    "splitlines": ("splitlines",),
    "expandtabs": ("expandtabs",),
    "conjugate": ("conjugate",),
    "len": (*_ORDERS, *_COPIES, *_CASES),
    "sum": (*_ORDERS, *_COPIES),
    "min": (*_ORDERS, *_COPIES, "set"),
    "max": (*_ORDERS, *_COPIES, "set"),
    "removeprefix": ("removeprefix",),
}
"""By operation: those that nobody writes directly inside it, whatever their other operands."""

_SAME_ARGUMENTS = frozenset(
    ("center", "ljust", "rjust", "zfill", "replace", "translate", "strip", "lstrip", "rstrip", "removesuffix", "union",
     "intersection", "difference", "min", "max", "format", "str", "%", "|", "&", "get", "expandtabs")
)  # fmt: skip
"""Operations that do nothing a second time with the same other operands."""

_OF_TWO = frozenset(
    ("union", "intersection", "difference", "symmetric_difference", "issubset", "issuperset", "isdisjoint", "extend", "==", "!=")
)  # fmt: skip
_WHOLE = frozenset(("set", "frozenset", "sorted", "list", "copy", "[:]", "tuple"))
_WIDTHS = frozenset(("center", "ljust", "rjust", "zfill"))
_FOLDED = {
    "+": ("+", "-"), "-": ("+", "-"), "*": ("*",), "//": ("//", "*"), "/": ("/", "*"), "%": ("%",), "**": ("**",),
    "<<": ("<<",), ">>": (">>",), "&": ("&",), "|": ("|",), "^": ("^",), "slice": ("slice",),
    "<": ("+", "-"), "<=": ("+", "-"), ">": ("+", "-"), ">=": ("+", "-"), "==": ("+", "-"), "!=": ("+", "-"),
}  # fmt: skip
"""By operator: those inside it that would be one with it where the right operands of both are constants."""

_NEUTRAL = frozenset(
    (("+", "0"), ("-", "0"), ("*", "1"), ("//", "1"), ("/", "1"), ("**", "1"), ("+", "''"), ("+", "[]"), ("%", "1"))
)
_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.LShift: "<<",
    ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Eq: "==", ast.NotEq: "!=", ast.USub: "neg", ast.Invert: "~", ast.Not: "not",
}  # fmt: skip


_ONE_CASE = {"upper": str.islower, "lower": str.isupper, "casefold": str.isupper}
_LOOKS = frozenset(
    ("startswith", "endswith", "count", "find", "rfind", "index", "rindex", "replace", "split", "==", "!=", "<", ">", "<=", ">=")
)
"""Operations that look for a text, which is not there where all letters are in the other case."""


def _has_other_case(others: str, case: str) -> bool:
    first = others.partition(", ")[0]
    return first[:1] in "'\"" and any(map(_ONE_CASE[case], first))


_DONE_ONCE = frozenset(("clear", "sort", "reverse", "discard", "add", "update", "difference_update", "intersection_update"))
"""Methods that nobody calls twice in a row with the same arguments."""

_WITH_BODY = (ast.FunctionDef, ast.For, ast.While, ast.If)
_OPERATIONS = (ast.Call, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript)


class _Operation(NamedTuple):
    """An operation: its name, what it is applied to, and the text of its other operands; None where they are no constants."""

    name: str
    operand: ast.expr
    others: str
    constant: bool


def oddities_of(nodes: Sequence[ast.AST]) -> list[str]:
    """What nobody writes among the nodes of a program, each in a few words; no more than one an operation."""
    values = _values(nodes)
    found = (_oddity(node, values) for node in nodes if isinstance(node, _OPERATIONS))
    return [why for why in found if why is not None] + [why for node in nodes for why in _repeated_statements(node)]


def _repeated_statements(node: ast.AST) -> list[str]:
    """Methods that are called once more, the same way, by the next statement, where that does nothing or undoes the first."""
    body = [one for one in getattr(node, "body", ()) if isinstance(one, ast.stmt)] if isinstance(node, _WITH_BODY) else []
    return [
        f"{first.value.func.attr} repeated"
        for first, second in itertools.pairwise(body)
        if isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Call)
        and isinstance(first.value.func, ast.Attribute)
        and first.value.func.attr in _DONE_ONCE
        and ast.dump(first) == ast.dump(second)
    ]


def _oddity(node: ast.Call | ast.BinOp | ast.UnaryOp | ast.Compare | ast.Subscript, values: dict[str, ast.expr]) -> str | None:
    outer = _operation(node)
    if outer is None:
        return None
    if (outer.name, outer.others) in _NEUTRAL:
        return f"{outer.name} {outer.others}"
    if outer.name == "replace" and len(set(outer.others.split(", "))) == 1:
        return "replace by the same"
    if isinstance(node, ast.Compare | ast.BinOp) and _text(outer.operand) == outer.others and outer.name not in ("+", "*"):
        return f"{outer.name} with itself"
    operand = outer.operand
    if isinstance(operand, ast.Name) and operand.id in values:
        operand = values[operand.id]
    inner = _operation(operand)
    if inner is None:
        return None
    if outer.name in _OF_TWO and inner.name in _WHOLE and _text(inner.operand) == outer.others:
        return f"{outer.name} with what it is made of"
    after = f"{outer.name} after {inner.name}"
    if outer.name in _CASES and inner.name in _CASES:
        return after
    if inner.name in _REPEATED.get(outer.name, ()) and not outer.others:
        return after
    if outer.name in _STRIPS and inner.name in _STRIPS[outer.name] and outer.others == inner.others:
        return after
    if outer.name in _WIDTHS and inner.name in _WIDTHS:
        return after
    if outer.name in _SAME_ARGUMENTS and inner.name == outer.name and inner.others == outer.others:
        return after
    if inner.name in _ONE_CASE and outer.name in _LOOKS and _has_other_case(outer.others, inner.name):
        return after
    if outer.constant and inner.constant and inner.name in _FOLDED.get(outer.name, ()):
        return after
    return None


def _operation(node: ast.expr) -> _Operation | None:
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return _Operation(node.func.attr, node.func.value, _texts(node.args), all(map(_is_constant, node.args)))
        if isinstance(node.func, ast.Name) and node.args:
            rest = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
            return _Operation(node.func.id, node.args[0], _texts(rest), all(map(_is_constant, rest)))
    elif isinstance(node, ast.BinOp):
        left, right = node.left, node.right
        if _is_constant(left) and isinstance(node.op, ast.Add | ast.Mult):
            left, right = right, left
        return _Operation(_SIGNS.get(type(node.op), ""), left, _text(right), _is_constant(right))
    elif isinstance(node, ast.UnaryOp):
        return _Operation(_SIGNS.get(type(node.op), ""), node.operand, "", False)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        right = node.comparators[0]
        return _Operation(_SIGNS.get(type(node.ops[0]), ""), node.left, _text(right), _is_constant(right))
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        text = f"[{ast.unparse(node.slice)}]"
        return _Operation(text if text in ("[::-1]", "[:]") else "slice", node.value, "" if "[:" in text[:2] and "-1]" in text else text,
                          ":" in text)  # fmt: skip
    return None


def _values(nodes: Sequence[ast.AST]) -> dict[str, ast.expr]:
    """What names are given that are bound once, by a plain assignment."""
    bound: dict[str, int] = {}
    given: dict[str, ast.expr] = {}
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound[node.id] = bound.get(node.id, 0) + 1
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            given[node.targets[0].id] = node.value
        elif isinstance(node, ast.arg):
            bound[node.arg] = 2
    return {name: value for name, value in given.items() if bound.get(name) == 1}


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


def _text(node: ast.expr) -> str:
    return ast.unparse(node) if not isinstance(node, ast.Name) else node.id


def _texts(nodes: list[ast.expr]) -> str:
    return ", ".join(map(_text, nodes))
