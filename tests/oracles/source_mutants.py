"""Programs broken in one place: a seeded change of one node of the syntax tree."""

import ast
import copy
import random
import warnings
from collections.abc import Callable, Iterator

Change = Callable[[ast.AST], ast.AST | None]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd, ast.Pow: ast.Mult,
}  # fmt: skip


def _comparison(node: ast.AST) -> ast.AST | None:
    """Another comparison: `<` for `<=`, `!=` for `==`."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        node.ops[0] = _COMPARISONS[type(node.ops[0])]()
        return node
    return None


def _constant(node: ast.AST) -> ast.AST | None:
    """A number one larger, the opposite truth value, a text that is longer."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        value = node.value
        node.value = not value if isinstance(value, bool) else value + "x" if isinstance(value, str) else value + 1
        return node
    return None


def _operator(node: ast.AST) -> ast.AST | None:
    """Another operator: `-` for `+`."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _OPERATORS:
        node.op = _OPERATORS[type(node.op)]()
        return node
    return None


def _condition(node: ast.AST) -> ast.AST | None:
    """`or` for `and`, and back."""
    if isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return node
    return None


def _result(node: ast.AST) -> ast.AST | None:
    """`return None`."""
    if isinstance(node, ast.Return) and node.value is not None:
        node.value = ast.Constant(None)
        return node
    return None


_CHANGES: tuple[Change, ...] = (_comparison, _constant, _operator, _condition, _result)


def mutant(source: str, entry_point: str, seed: int) -> str | None:
    """The source with one change in a function of it; None where nothing in it can be changed. The same for the same seed."""
    with warnings.catch_warnings(action="ignore"):  # of escapes such as "\\w"
        tree = ast.parse(source)
    places = [(node, change) for node in _changeable(tree) for change in _CHANGES if change(copy.deepcopy(node)) is not None]
    if not places:
        return None
    node, change = random.Random(f"{seed}:{entry_point}").choice(places)
    change(node)
    return ast.unparse(tree)


def _changeable(tree: ast.Module) -> Iterator[ast.AST]:
    """Nodes of the functions' bodies, but for docstrings."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                    yield from (node for node in ast.walk(statement) if not isinstance(node, ast.FormattedValue | ast.JoinedStr))
