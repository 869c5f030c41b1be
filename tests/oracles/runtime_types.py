"""What the built-ins of a program really work on: an instrumented copy runs in this process and notes the types.

Written without a look at `execverify.programs.type_inference`, to hold that against. For harmless programs alone: nothing confines them.
"""

import ast
import builtins
import contextlib
import copy
import io
from collections.abc import Iterator

from execverify.programs.program import Program

SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.BitAnd: "&",
    ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<",
    ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in", ast.NotIn: "not in", ast.USub: "neg", ast.Invert: "~",
}  # fmt: skip
NUMBERS = ("int", "float", "bool")
VIEWS = ("frozenset", "dict_keys", "dict_items")


def observe(program: Program) -> dict[int, set[str]]:
    """What the nodes of a program were in its call, named as entries are, by the id of the node in `program.tree`.

    What is no entry is named too (`bytes.endswith`), so that a claim of another can be seen to be wrong. Nodes that the call did
    not reach are left out, and so are comparisons with several signs.
    """
    tree = ast.parse(program.source)
    noted: dict[int, set[str]] = {}

    def note(place: int, what: str, value: object) -> object:
        noted.setdefault(place, set()).add(what)
        return value

    def method(place: int, name: str, receiver: object) -> object:
        return note(place, f"{owner_of(receiver)}.{name}", receiver)

    def item(place: int, sign: str, holder: object) -> object:
        return note(place, f"{owner_of(holder)} {sign}", holder)

    def first(place: int, sign: str, left: object) -> object:
        held.append(left)
        return left

    def second(place: int, sign: str, right: object) -> object:
        left = held.pop()
        note(place, f"{binary_owner(left, sign, right)} {sign}", right)
        return right

    held: list[object] = []
    noting = _Noting({id(node): place for place, node in enumerate(ast.walk(tree))})
    changed = ast.fix_missing_locations(noting.visit(tree))
    space: dict[str, object] = {"_method": method, "_item": item, "_first": first, "_second": second, "__builtins__": builtins}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
        exec(compile(changed, "observed", "exec"), space)
        positional, named = copy.deepcopy(program.call_arguments)  # they are shared, and the call may change them
        space[program.entry_point](*positional, **named)  # type: ignore[operator]
    return {id(node): noted[place] for place, node in enumerate(ast.walk(program.tree)) if place in noted}


def owner_of(value: object) -> str:
    """The type that the catalogue files a value's methods under; a type's methods are its own."""
    name = value.__name__ if isinstance(value, type) else type(value).__name__
    return {"bool": "int", "frozenset": "set"}.get(name, name)


def binary_owner(left: object, sign: str, right: object) -> str:
    """The type that the catalogue files an operator's use under."""
    one, two = type(left).__name__, type(right).__name__
    if sign in ("in", "not in"):
        return "set" if two in VIEWS else two
    if one in NUMBERS and two in NUMBERS:
        if one == two == "bool" and sign in ("&", "|", "^", "==", "!="):
            return "bool"
        return "float" if "float" in (one, two) else "int"
    if one in VIEWS or (one not in ("str", "list", "tuple", "dict", "set") and two in VIEWS):
        return "set"
    if sign == "*" and one in ("int", "bool"):
        return two
    if left is None:
        return two
    return one


class _Noting(ast.NodeTransformer):
    """Puts a call that notes around what is worked on."""

    def __init__(self, places: dict[int, int]) -> None:
        self.places = places

    def _call(self, noter: str, node: ast.AST, what: str, value: ast.expr) -> ast.Call:
        given: list[ast.expr] = [ast.Constant(self.places[id(node)]), ast.Constant(what), value]
        return ast.Call(ast.Name(noter, ast.Load()), given, [])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute):
            node.func.value = self._call("_method", node, node.func.attr, node.func.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        sign = "[:]" if isinstance(node.slice, ast.Slice) else "[]"
        sign = {ast.Load: sign, ast.Store: f"{sign}=", ast.Del: "del"}[type(node.ctx)]
        node.value = self._call("_item", node, sign, node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        sign = SIGNS[type(node.op)]
        node.left, node.right = self._call("_first", node, sign, node.left), self._call("_second", node, sign, node.right)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) == 1 and type(node.ops[0]) in SIGNS:  # of a chain, not all may be reached
            sign = SIGNS[type(node.ops[0])]
            node.left = self._call("_first", node, sign, node.left)
            node.comparators[0] = self._call("_second", node, sign, node.comparators[0])
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name):
            sign = SIGNS[type(node.op)]
            left = self._call("_first", node, sign, ast.Name(node.target.id, ast.Load()))
            both = ast.Tuple([left, self._call("_second", node, sign, node.value)], ast.Load())
            node.value = ast.Subscript(both, ast.Constant(1), ast.Load())
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        number = isinstance(node.operand, ast.Constant)  # `-1` is a number, no operation
        self.generic_visit(node)
        if type(node.op) in SIGNS and not number:
            node.operand = self._call("_item", node, SIGNS[type(node.op)], node.operand)
        return node


def operators_and_methods(program: Program) -> Iterator[ast.AST]:
    """Nodes that `observe` looks at."""
    for node in program.nodes:
        if (
            isinstance(node, ast.Subscript | ast.BinOp | ast.AugAssign | ast.UnaryOp)
            or (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
            or (isinstance(node, ast.Compare) and len(node.ops) == 1)
        ):
            yield node
