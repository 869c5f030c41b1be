"""Whether a program can show the order of a set, or an address, judged by the types of its expressions.

A program of plain functions whose every expression has a known type shows the order of a set only where it takes the elements
one by one, and an address only where it makes a text of an object. Both are looked for here. Sets of numbers have the same
order under every hash seed; `sorted`, `len` and their like give the same whatever the order.
"""

import ast
import re
from collections.abc import Collection, Iterable

from execverify.programs.constraints import violation_of_common_rules
from execverify.programs.program import Program
from execverify.programs.type_expr import ANY, arguments, element, type_head
from execverify.programs.type_inference import inferred_types

_SETS = frozenset(("set", "frozenset"))
_VIEWS = frozenset(("keys", "items", "values"))
_SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
_NUMBERS = frozenset(("int", "bool", "float"))
_ORDERED = _NUMBERS | {"str"}
_PLAIN = _ORDERED | {"list", "tuple", "dict"}
_ASKING = frozenset(("len", "any", "all", "set", "frozenset", "bool"))
"""Functions whose result does not depend on the order of what they are given."""
_ORDERING = frozenset(("sorted", "min", "max"))
_HANDED = frozenset(("len", "int", "float", "abs", "bool", "ord", "chr", "sorted", "min", "max"))
_SHOWING = frozenset(("str", "repr", "ascii", "format", "print"))
_KEEPING = frozenset(("append", "insert", "count", "index", "remove", "get", "setdefault", "pop"))
"""Methods of others than sets that take a set as one value."""
_MAYBE_NONE = frozenset(("get", "setdefault", "pop"))
_WORDS = re.compile(r"\w+")


def exposes_set_order(program: Program) -> bool:
    """Whether it may; False only where every expression is understood."""
    return violation_of_common_rules(program) is not None or _OrderAnalysis(program).finds()


class _OrderAnalysis:
    def __init__(self, program: Program) -> None:
        self.nodes = program.nodes
        self.kinds = inferred_types(program)
        self.functions = {node.name for node in program.tree.body if isinstance(node, ast.FunctionDef)}
        used = program.vocabulary
        constants = (node.value for node in self.nodes if isinstance(node, ast.Constant))
        # What has no value is hashed by its address before Python 3.12.
        self.may_hold_none = bool(used.attributes & _MAYBE_NONE) or None in constants or "None" in program.arguments
        self.has_sets = any(_words(kind) & _SETS for kinds in self.kinds.values() for kind in kinds)

    def finds(self) -> bool:
        """Whether anything shows an order or an address, or is not understood."""
        aside = {id(node) for node in self.nodes if isinstance(node, ast.Slice | ast.Constant)}  # no values; None, of no type
        aside.update(id(node.value) for node in self.nodes if isinstance(node, ast.Expr))  # whose value is dropped
        aside.update(id(node.test) for node in self.nodes if isinstance(node, ast.If | ast.While | ast.IfExp))
        # What is not known is taken for what else is known of a name, so there must be nothing of the sort.
        if any(ANY in kinds and node_id not in aside for node_id, kinds in self.kinds.items()):
            return True
        return any(map(self.shows, self.nodes))

    def of(self, node: ast.expr) -> Collection[str]:
        return self.kinds.get(id(node)) or (ANY,)

    def shows(self, node: ast.AST) -> bool:
        """Whether a node does."""
        match node:
            case ast.For() | ast.comprehension():
                return self.drawn(node.iter) or (not isinstance(node.target, ast.Name) and self.unpacked(node.iter))
            case ast.Starred(ctx=ast.Load()):
                return self.drawn(node.value)
            case ast.Assign():
                return any(map(_takes_apart, node.targets)) and self.drawn(node.value)
            case ast.AugAssign() | ast.BinOp():
                return self.operates(node)
            case ast.FormattedValue():
                return self.shown(node.value)
            case ast.Call():
                return self.calls(node)
        return False

    def drawn(self, node: ast.expr) -> bool:
        """Whether the order in which the elements of an expression come may vary."""
        return any(map(self.is_unordered, self.of(node)))

    def unpacked(self, node: ast.expr) -> bool:
        """Whether the elements of an expression's elements come in an order that may vary."""
        return any(self.is_unordered(element(kind) or (*arguments(kind), ANY)[0]) for kind in self.of(node))

    def is_unordered(self, kind: str) -> bool:
        """Whether values of a type have an order that may vary from run to run."""
        if type_head(kind) not in _SETS:
            return kind == ANY or kind == "mixed"
        parts = arguments(kind)
        return self.may_hold_none or not parts or not _words(*parts) <= _NUMBERS | {"tuple"}

    def shown(self, node: ast.expr) -> bool:
        """Whether the text of a value may vary."""
        return any(not _words(kind) <= _PLAIN for kind in self.of(node))

    def operates(self, node: ast.AugAssign | ast.BinOp) -> bool:
        left, right = (node.target, node.value) if isinstance(node, ast.AugAssign) else (node.left, node.right)
        if isinstance(node.op, _SET_OPERATORS) and any(
            type_head(kind) in _VIEWS for part in (left, right) for kind in self.of(part)
        ):
            return True  # a set of keys has the type of its operands here
        if isinstance(node.op, ast.Mod):
            return not set(self.of(left)) <= _NUMBERS and self.shown(right)
        return isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and self.drawn(right)

    def calls(self, node: ast.Call) -> bool:
        if any(keyword.arg is None for keyword in node.keywords):
            return True
        given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg != "key")]
        handed = [keyword.value for keyword in node.keywords if keyword.arg == "key"]
        if isinstance(node.func, ast.Attribute):
            return self.passes_to(handed) or self.asks_method(node.func, given)
        if not isinstance(node.func, ast.Name):
            return True
        name = node.func.id
        if name in self.functions:
            return False  # its parameters have the types that it is called with
        if name in ("map", "filter") and given:
            handed.append(given.pop(0))
        if self.passes_to(handed):
            return True
        if name in _SHOWING:
            return any(map(self.shown, given))
        if name in _ASKING:
            return False
        if name in _ORDERING and not handed:
            return any(map(self.partly_ordered, given))
        return any(map(self.drawn, given))

    def partly_ordered(self, node: ast.expr) -> bool:
        """Whether elements come in an order that may vary, and are of a type whose order does not distinguish all of them."""
        parts = [_words(*arguments(kind)) for kind in self.of(node)]
        return self.drawn(node) and not all(words and words <= _ORDERED | {"tuple"} for words in parts)

    def passes_to(self, functions: Iterable[ast.expr]) -> bool:
        """Whether functions are handed over of which it is not known what they do with what they are given."""
        for node in functions:
            if isinstance(node, ast.Lambda) or (isinstance(node, ast.Constant) and node.value is None):
                continue
            known = isinstance(node, ast.Name) and (node.id in self.functions or node.id in _HANDED)
            if not known and (self.has_sets or not isinstance(node, ast.Name | ast.Attribute)):
                return True
            if isinstance(node, ast.Name) and node.id in _SHOWING and not self.only_plain():
                return True
        return False

    def only_plain(self) -> bool:
        """Whether no value in the program holds one with an address in its text."""
        kinds = {kind.removeprefix("iterator[") for kinds in self.kinds.values() for kind in kinds}
        return all(_words(kind) <= _PLAIN | _VIEWS | {"range", "None"} for kind in kinds)

    def asks_method(self, function: ast.Attribute, given: list[ast.expr]) -> bool:
        """Whether a method shows the order of what it is called on, or of what it is given."""
        if isinstance(function.value, ast.Name) and id(function.value) not in self.kinds:  # `str.join`, `dict.fromkeys`
            return function.attr in ("format", "format_map") or any(map(self.drawn, given))
        heads = {type_head(kind) for kind in self.of(function.value)}
        if not heads.isdisjoint(("set", "frozenset")):
            return function.attr == "pop" or len(heads) > 1
        if "mixed" in heads:
            return True
        if function.attr in ("format", "format_map"):
            return any(map(self.shown, given))
        return function.attr not in _KEEPING and any(map(self.drawn, given))


def _takes_apart(target: ast.expr) -> bool:
    """Whether what is assigned to a target is iterated."""
    return not isinstance(target, ast.Name) and not (
        isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice)
    )


def _words(*kinds: str) -> set[str]:
    return {word for kind in kinds for word in _WORDS.findall(kind)}
