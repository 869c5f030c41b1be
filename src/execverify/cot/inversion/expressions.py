"""From the value of an expression back to the values of its names: one operation at a time."""

import ast
import builtins
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from execverify.cot.inversion.evaluate import MAX_NUMBER, OPERATORS, Unknown, evaluate
from execverify.cot.inversion.methods import PADDING, PARTS
from execverify.cot.inversion.needs import FREE, Items, Needs, is_text, merged
from execverify.errors import LiteralError
from execverify.programs.equality import same_value
from execverify.programs.literals import parse_literal

MAX_WAYS = 4
"""Most ways in which an expression is made to have a value."""

MAX_WORK = 3_000
"""Most expressions that are solved for one program."""

Known = Mapping[str, Any]
CallSolver = Callable[[str, Any, int], Iterator[list[Any]]]
"""From a function of the program, what a call of it must return, and the number of its arguments, to arguments."""


class Solver:
    """Solves `expression == value` for the names in the expression.

    Every answer is a proposal: what is found is run before it is believed. So a way may leave out a condition that it cannot decide.

    Args:
        calls: solves calls of the program's own functions.
    """

    def __init__(self, calls: CallSolver) -> None:
        self.calls = calls
        self.work = 0

    def solve(self, node: ast.expr, value: Any, known: Known) -> Iterator[Needs]:
        """Ways to give an expression a value, the most natural first."""
        return islice(self._solve(node, value, known), MAX_WAYS)

    def _solve(self, node: ast.expr, value: Any, known: Known) -> Iterator[Needs]:
        self.work += 1
        if self.work > MAX_WORK:
            return
        if isinstance(node, ast.Name) and (node.id not in known or isinstance(known[node.id], Items)):
            yield {node.id: value}
            return
        if isinstance(value, Items):
            value = value.filled(0)
        with suppress(Unknown):
            found = evaluate(node, known)
            if same_value(list(found) if isinstance(found, range) else found, value):
                yield {}
            return
        inverse = _INVERSES.get(type(node))
        if _is_settled(node, known):
            yield {}  # only the run can tell
        elif inverse is not None:
            with suppress(ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
                yield from inverse(self, node, value, known)

    def all(self, pairs: list[tuple[ast.expr, Any]], known: Known) -> Iterator[Needs]:
        """Ways to give several expressions their values at once."""
        if not pairs:
            yield {}
            return
        (node, value), *rest = pairs
        for first in self.solve(node, value, known):
            for others in self.all(rest, {**known, **first}):
                both = merged(first, others)
                if both is not None:
                    yield both

    # ------------------------------------------------------------------------------------------------------- tests

    def truth(self, node: ast.expr, holds: bool, known: Known) -> Iterator[Needs]:
        """Ways to make a test hold or fail; the empty one where nothing can be told."""
        self.work += 1
        try:
            if bool(evaluate(node, known)) == holds:
                yield {}
            return
        except Unknown:
            pass
        count = 0
        with suppress(ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
            for found in islice(self._truth(node, holds, known), MAX_WAYS):
                count += 1
                yield found
        if not count:
            yield {}

    def _truth(self, node: ast.expr, holds: bool, known: Known) -> Iterator[Needs]:
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield from self.truth(operand, not holds, known)
            case ast.BoolOp(op=op, values=values):
                if isinstance(op, ast.And) == holds:
                    yield from self._truths(values, holds, known)
                else:
                    for one in values:
                        yield from self.truth(one, holds, known)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                yield from self._comparison(left, op, right, holds, known)
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args):
                for value in _for_predicate(name, [evaluate(one, known) for one in args], holds):
                    yield from self.solve(owner, value, known)
            case ast.Name(id=name):
                yield from ({name: value} for value in ((True, 1, "a", [0]) if holds else (False, 0, "", [])))

    def _truths(self, nodes: list[ast.expr], holds: bool, known: Known) -> Iterator[Needs]:
        if not nodes:
            yield {}
            return
        for first in self.truth(nodes[0], holds, known):
            for rest in self._truths(nodes[1:], holds, {**known, **first}):
                both = merged(first, rest)
                if both is not None:
                    yield both

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr, holds: bool, known: Known) -> Iterator[Needs]:
        for unknown, other, swapped in ((left, right, False), (right, left, True)):
            with suppress(Unknown):
                fixed = evaluate(other, known)
                for value in _near(fixed):
                    pair = (fixed, value) if swapped else (value, fixed)
                    with suppress(TypeError):
                        if bool(OPERATORS[type(op)](*pair)) == holds:
                            yield from self.solve(unknown, value, known)

    # -------------------------------------------------------------------------------------------------- operations

    def binary(self, node: ast.BinOp, value: Any, known: Known) -> Iterator[Needs]:
        """`left op right`, of which one side is known; else one side is made neutral."""
        for unknown, other, is_right in ((node.left, node.right, False), (node.right, node.left, True)):
            with suppress(Unknown):
                fixed = evaluate(other, known)
                for operand in _operands(node.op, fixed, value, is_right):
                    yield from self.solve(unknown, operand, known)
                return
        for left, right in _pairs(node, value):
            yield from self.all([(node.left, left), (node.right, right)], known)

    def unary(self, node: ast.UnaryOp, value: Any, known: Known) -> Iterator[Needs]:
        if isinstance(node.op, ast.Not):
            yield from self.truth(node.operand, not value, known) if isinstance(value, bool) else ()
        else:
            yield from self.solve(node.operand, ~value if isinstance(node.op, ast.Invert) else -value, known)

    def boolean(self, node: ast.Compare | ast.BoolOp, value: Any, known: Known) -> Iterator[Needs]:
        if isinstance(value, bool):
            yield from self.truth(node, value, known)
        elif isinstance(node, ast.BoolOp) and bool(value) == isinstance(node.op, ast.Or):
            yield from self.solve(node.values[0], value, known)

    def choice(self, node: ast.IfExp, value: Any, known: Known) -> Iterator[Needs]:
        for branch, holds in ((node.body, True), (node.orelse, False)):
            for first in self.solve(branch, value, known):
                for test in self.truth(node.test, holds, {**known, **first}):
                    both = merged(first, test)
                    if both is not None:
                        yield both

    def item(self, node: ast.Subscript, value: Any, known: Known) -> Iterator[Needs]:
        if isinstance(node.slice, ast.Slice):
            if node.slice.step is None and (free := self._free_bounds(node.slice, value, known)) is not None:
                yield from self.all([(node.value, value), *free], known)
                return
            parts = [
                None if one is None else evaluate(one, known) for one in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            for found in _unsliced(value, parts):
                yield from self.solve(node.value, found, known)
            return
        try:
            index = evaluate(node.slice, known)
        except Unknown:
            try:
                owner = evaluate(node.value, known)
            except Unknown:
                owner = [value]
                if isinstance(node.value, ast.Name):
                    for first in self.solve(node.slice, 0, known):
                        yield {**first, node.value.id: Items({0: value}, 1)}
                    return
            for key in owner if isinstance(owner, dict) else range(len(owner)):
                if same_value(owner[key], value):
                    yield from self.solve(node.slice, key, known)
            return
        if isinstance(index, int) and isinstance(node.value, ast.Name):
            yield {node.value.id: Items({index: value}, index + 1 if index >= 0 else -index)}
        elif not isinstance(index, int):
            yield from self.solve(node.value, {index: value}, known)
        else:
            yield from self.solve(node.value, Items({index: value}).filled(value), known)

    @staticmethod
    def _free_bounds(node: ast.Slice, value: Any, known: Known) -> list[tuple[ast.expr, Any]] | None:
        """Bounds of a slice that takes all, where one of them is unknown; None where both are known."""
        unknown = []
        for one, bound_value in ((node.lower, 0), (node.upper, len(value))):
            try:
                if one is not None and evaluate(one, known) != bound_value:
                    return None
            except Unknown:
                assert one is not None
                unknown.append((one, bound_value))
        return unknown or None

    def display(self, node: ast.List | ast.Tuple, value: Any, known: Known) -> Iterator[Needs]:
        kind = list if isinstance(node, ast.List) else tuple
        if type(value) is kind and len(value) == len(node.elts):
            pairs = list(zip(node.elts, value, strict=True))
            yield from self.all(sorted(pairs, key=lambda pair: not isinstance(pair[0], ast.Name)), known)

    def mapping(self, node: ast.Dict, value: Any, known: Known) -> Iterator[Needs]:
        if isinstance(value, dict) and len(value) == len(node.keys):
            pairs = [(key, given) for key, given in zip(node.keys, value, strict=True) if key is not None]
            yield from self.all([*pairs, *zip(node.values, value.values(), strict=True)], known)

    def text(self, node: ast.JoinedStr, value: Any, known: Known) -> Iterator[Needs]:
        """An f-string: the constant parts are found in the text from the left."""
        pairs: list[tuple[ast.expr, Any]] = []
        rest, parts = str(value), list(node.values)
        while parts:
            part = parts.pop(0)
            if isinstance(part, ast.FormattedValue):
                mark = parts[0].value if parts and isinstance(parts[0], ast.Constant) else None
                end = len(rest) if mark is None else rest.index(str(mark))
                pairs.append((part.value, rest[:end]))
                rest = rest[end:]
            elif isinstance(part, ast.Constant) and rest.startswith(str(part.value)):
                rest = rest[len(str(part.value)) :]
            else:
                return
        if not rest:
            for options in ([_read(text) for _, text in pairs], [text for _, text in pairs]):
                yield from self.all([(one, given) for (one, _), given in zip(pairs, options, strict=True)], known)

    # ------------------------------------------------------------------------------------------- calls and comprehensions

    def call(self, node: ast.Call, value: Any, known: Known) -> Iterator[Needs]:
        match node:
            case ast.Call(func=ast.Name(id="sum" | "any" | "all" as name), args=[ast.GeneratorExp() | ast.ListComp() as inner]):
                yield from self.comprehension(inner, [value] if name != "sum" or value else [], known)
            case ast.Call(func=ast.Name(id="map"), args=[ast.Name(id=inner), items]):
                one = ast.Name("execverify_item")
                made = [
                    next(self.solve(ast.Call(ast.Name(inner), [one], []), part, known), {}).get(one.id, FREE) for part in value
                ]
                if FREE not in made:
                    yield from self._sequences(items, made, known)
            case ast.Call(func=ast.Name(id="zip"), args=args) if value:
                columns = [list(column) for column in zip(*value, strict=True)]
                yield from self.all(list(zip(args, columns, strict=True)), known)
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, _]):
                return
            case ast.Call(func=ast.Name(id="min" | "max"), args=args) if len(args) > 1:
                for each in args:
                    yield from self.solve(each, value, known)
            case ast.Call(func=ast.Name(id=name), args=[inner, *rest]) if name in _FUNCTIONS:
                others = [evaluate(one, known) for one in rest]
                for found in _FUNCTIONS[name](value, *others):
                    yield from self._sequences(inner, found, known)
            case ast.Call(func=ast.Name(id=name), args=args):
                for found in self.calls(name, value, len(args)):
                    pairs = [(one, part) for one, part in zip(args, found, strict=True) if part is not FREE]
                    yield from self.all(pairs, known)
            case ast.Call(func=ast.Attribute(value=owner, attr="join"), args=[items]):
                mark = evaluate(owner, known)
                parts = (value.split(mark) if mark else list(value)) if value else []
                yield from self._sequences(items, parts, known)
                yield from self.solve(items, [value], known)
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args):
                yield from self._method(owner, name, args, value, known)

    def _method(self, owner: ast.expr, name: str, args: list[ast.expr], value: Any, known: Known) -> Iterator[Needs]:
        try:
            given = [evaluate(one, known) for one in args]
        except Unknown:
            try:
                whose = evaluate(owner, known)
            except Unknown:  # neither is known: arguments that change nothing are left to the run
                if name in _NEUTRAL and not isinstance(value, bool):
                    for found in _owners(name)(value):
                        yield from self._sequences(owner, found, known)
                return
            if name == "get" and isinstance(whose, dict):
                for key in whose:
                    if same_value(whose[key], value):
                        yield from self.solve(args[0], key, known)
            return
        if isinstance(value, bool):
            for found in _for_predicate(name, given, value):
                yield from self.solve(owner, found, known)
        for found in _owners(name)(value, *given):
            yield from self._sequences(owner, found, known)

    def _sequences(self, node: ast.expr, value: Any, known: Known) -> Iterator[Needs]:
        """As `solve`; a list may be wanted of what gives the same items."""
        if isinstance(node, ast.GeneratorExp) and isinstance(value, str):
            value = list(value)
        yield from self.solve(node, value, known)
        if isinstance(value, list) and isinstance(node, ast.Name) and value and is_text(value):
            yield from self.solve(node, "".join(value), known)

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, value: Any, known: Known) -> Iterator[Needs]:
        """Each item gives what its round must bind; all of these are what is gone through."""
        (one,) = node.generators
        items = []
        for part in sorted(value, key=repr) if isinstance(value, set) else value:
            found = next(self._round(one, [(node.elt, part)], known), None)
            if found is None:
                return
            items.append(found)
        yield from self.iterated(one.iter, items, known)

    def dict_comprehension(self, node: ast.DictComp, value: Any, known: Known) -> Iterator[Needs]:
        (one,) = node.generators
        items = []
        for key, part in value.items():
            found = next(self._round(one, [(node.key, key), (node.value, part)], known), None)
            if found is None:
                return
            items.append(found)
        yield from self.iterated(one.iter, items, known)

    def _round(self, one: ast.comprehension, pairs: list[tuple[ast.expr, Any]], known: Known) -> Iterator[Any]:
        names = {inner.id for inner in ast.walk(one.target) if isinstance(inner, ast.Name)}
        outer = {name: value for name, value in known.items() if name not in names}
        for first in self.all(pairs, outer):
            for test in self._truths(one.ifs, True, {**outer, **first}):
                both = merged(first, test)
                if both is not None and both.keys() <= names:
                    yield item_of(one.target, both)

    def iterated(self, node: ast.expr, items: list[Any], known: Known) -> Iterator[Needs]:
        """Ways to have an iteration give the items; free ones are filled in."""
        match node:
            case ast.Call(func=ast.Name(id="range"), args=[stop]):
                yield from self.solve(stop, len(items), known)
            case ast.Call(func=ast.Name(id="range")):
                return
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]):
                yield from self.iterated(inner, [part[1] if isinstance(part, tuple) else part for part in items], known)
            case ast.Call(func=ast.Name(id="zip"), args=args):
                columns = [[part[at] if isinstance(part, tuple) else FREE for part in items] for at in range(len(args))]
                yield from self._columns(list(zip(args, columns, strict=True)), known)
            case ast.Call(func=ast.Name(id="reversed"), args=[inner]):
                yield from self.iterated(inner, items[::-1], known)
            case ast.Call(func=ast.Attribute(value=owner, attr="items"), args=[]):
                pairs = [tuple(_filled(part)) for part in items]
                if len({pair[0] for pair in pairs}) == len(pairs):
                    yield from self.solve(owner, dict(pairs), known)
            case ast.Call(func=ast.Attribute(value=owner, attr="keys"), args=[]):
                yield from self.solve(owner, dict.fromkeys(_filled(items), 0), known)
            case ast.Call(func=ast.Attribute(value=owner, attr="values"), args=[]):
                yield from self.solve(owner, dict(zip("abcdefghijklmnopqrstuvwxyz", _filled(items), strict=False)), known)
            case _:
                yield from self._sequences(node, _filled(items), known)

    def _columns(self, pairs: list[tuple[ast.expr, list[Any]]], known: Known) -> Iterator[Needs]:
        if not pairs:
            yield {}
            return
        for first in self.iterated(pairs[0][0], pairs[0][1], known):
            for rest in self._columns(pairs[1:], known):
                both = merged(first, rest)
                if both is not None:
                    yield both


_INVERSES: dict[type[ast.AST], Callable[..., Iterator[Needs]]] = {
    ast.BinOp: Solver.binary, ast.UnaryOp: Solver.unary, ast.Compare: Solver.boolean, ast.BoolOp: Solver.boolean,
    ast.IfExp: Solver.choice, ast.Subscript: Solver.item, ast.List: Solver.display, ast.Tuple: Solver.display,
    ast.Dict: Solver.mapping, ast.JoinedStr: Solver.text, ast.Call: Solver.call, ast.ListComp: Solver.comprehension,
    ast.GeneratorExp: Solver.comprehension, ast.SetComp: Solver.comprehension, ast.DictComp: Solver.dict_comprehension,
}  # fmt: skip


@functools.lru_cache(maxsize=4096)
def _names(node: ast.expr) -> frozenset[str]:
    """Names that an expression reads; not those of functions that it calls."""
    called = {one.func for one in ast.walk(node) if isinstance(one, ast.Call)}
    return frozenset(one.id for one in ast.walk(node) if isinstance(one, ast.Name) and one not in called)


def _is_settled(node: ast.expr, known: Known) -> bool:
    """Whether every name of an expression has a value, though the expression cannot be evaluated here."""
    names = _names(node)
    return any(name in known for name in names) and all(
        (name in known and not isinstance(known[name], Items)) or hasattr(builtins, name) for name in names
    )


def item_of(target: ast.expr, needs: Needs) -> Any:
    """What an iteration must give so that its target's names have what is needed; FREE where nothing is."""
    if isinstance(target, ast.Name):
        value = needs.get(target.id, FREE)
        return value.filled(0) if isinstance(value, Items) else value
    if isinstance(target, ast.Tuple):
        parts = tuple(item_of(one, needs) for one in target.elts)
        return FREE if all(part is FREE for part in parts) else parts
    return FREE


def _filled(items: Any) -> list[Any]:
    """Items without free ones: these are like another item, or 1."""
    if isinstance(items, tuple) or not any(part is FREE for part in items):
        return (
            [1 if part is FREE else part for part in items] if isinstance(items, tuple) else [_whole_item(one) for one in items]
        )
    like = next((part for part in items if part is not FREE), 1)
    return [_whole_item(like if part is FREE else part) for part in items]


def _whole_item(item: Any) -> Any:
    return tuple(1 if part is FREE else part for part in item) if isinstance(item, tuple) else item


# ------------------------------------------------------------------------------------------------------------- the tables


def _operands(op: ast.operator, fixed: Any, value: Any, is_right: bool) -> Iterator[Any]:
    """Operands that give a value with the other one fixed."""
    numbers = isinstance(value, int | float) and isinstance(fixed, int | float)
    match op:
        case ast.Add() if numbers:
            yield value - fixed
        case ast.Add() if is_right and value[: len(fixed)] == fixed:
            yield value[len(fixed) :]
        case ast.Add() if not is_right and (not fixed or value[-len(fixed) :] == fixed):
            yield value[: len(value) - len(fixed)]
        case ast.Sub() if numbers:
            yield fixed - value if is_right else value + fixed
        case ast.Mult() if numbers and fixed:
            yield value // fixed if isinstance(value, int) and isinstance(fixed, int) and value % fixed == 0 else value / fixed
        case ast.Mult() if isinstance(value, str | list | tuple) and isinstance(fixed, int) and fixed > 0:
            yield value[: len(value) // fixed]
        case ast.Mult() if isinstance(value, str | list | tuple) and fixed:
            yield len(value) // len(fixed)
        case ast.Mult() if value == 0:
            yield 0
        case ast.FloorDiv() if numbers and not is_right:
            yield value * fixed
        case ast.Div() if numbers and not is_right:
            yield int(value * fixed) if float(value * fixed).is_integer() else value * fixed
        case ast.Mod() if numbers and not is_right:
            yield value
            yield value + fixed
        case ast.Pow() if numbers and not is_right and isinstance(fixed, int) and fixed > 0 and 0 <= value < MAX_NUMBER:
            yield round(value ** (1 / fixed))
        case ast.LShift() if not is_right:
            yield value >> fixed
        case ast.RShift() if not is_right:
            yield value << fixed
        case ast.BitXor():
            yield value ^ fixed
        case ast.BitAnd() | ast.BitOr():
            yield value
        case ast.Sub() if not is_right:
            yield value


def _pairs(node: ast.BinOp, value: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of operands that give a value, where neither is known."""
    neutral = 0 if isinstance(value, int | float) else type(value)()
    if ast.dump(node.left) == ast.dump(node.right):
        half = value // 2 if isinstance(value, int) else value / 2 if isinstance(value, float) else value[: len(value) // 2]
        root = round(abs(value) ** 0.5) if isinstance(value, int) else 0
        yield (half, half) if isinstance(node.op, ast.Add) else (root, root)
        return
    match node.op:
        case ast.Add() if isinstance(value, str | list | tuple) and len(value) <= 24:
            middle = len(value) // 2
            for at in sorted(range(len(value) + 1), key=lambda at: (abs(at - middle), at)):
                yield value[:at], value[at:]
        case ast.Add() | ast.BitXor() | ast.BitOr():
            yield from ((value, neutral), (neutral, value))
        case ast.Sub():
            yield value, neutral
        case ast.Mult() | ast.FloorDiv():
            yield from ((value, 1), (1, value))
        case ast.BitAnd():
            yield value, value
        case ast.Mod() if isinstance(value, int):
            yield value, value + 1


def _near(fixed: Any) -> Iterator[Any]:
    """Values to compare with a fixed one: the same, just above, just below, and what holds it or is in it."""
    yield fixed
    if isinstance(fixed, bool):
        yield not fixed
    elif isinstance(fixed, int | float):
        yield from (fixed + 1, fixed - 1)
    elif isinstance(fixed, str):
        yield from (fixed + "a", fixed[:-1], fixed[:1], "a", "", [fixed], {fixed: 0}, [])
    elif isinstance(fixed, list | tuple | set):
        yield from (sorted(fixed, key=repr) if isinstance(fixed, set) else list(fixed))[:2]
        yield from ("zzz", -1, type(fixed)())
    elif isinstance(fixed, dict):
        yield from list(fixed)[:2]
        yield "zzz"
    yield from ([fixed], [])


def _unsliced(value: Any, parts: list[Any]) -> Iterator[Any]:
    """Sequences of which a slice is the value; what the slice leaves out is filled in."""
    if isinstance(value, list | tuple | str):
        start, stop, step = parts
        pad: Any = value[:1] if len(value) else "a" if isinstance(value, str) else type(value)([0])
        if step == -1:
            value, start, stop = value[::-1], None if stop is None else stop + 1, start
        elif step not in (None, 1):
            yield (
                "".join(2 * one for one in value)
                if isinstance(value, str)
                else type(value)(item for one in value for item in (one, one))
            )
            return
        front = (start or 0) if (start or 0) >= 0 else 0
        back = -stop if stop is not None and stop < 0 else 0
        yield pad * front + value + pad * back


_PREDICATES = {
    "isdigit": ("1", "a"), "isnumeric": ("1", "a"), "isdecimal": ("1", "a"), "isalpha": ("a", "1"), "isalnum": ("a", "!"),
    "isupper": ("A", "a"), "islower": ("a", "A"), "isspace": (" ", "a"), "istitle": ("A", "a"), "isidentifier": ("a", "1"),
    "isascii": ("a", "é"), "isprintable": ("a", "\n"),
}  # fmt: skip


def _for_predicate(name: str, args: list[Any], holds: bool) -> Iterator[Any]:
    """Owners of which a method is true or false."""
    if name in _PREDICATES:
        yield _PREDICATES[name][0 if holds else 1]
    elif name in ("startswith", "endswith") and args:
        mark = args[0] if isinstance(args[0], str) else args[0][0]
        yield mark if holds else "#"
    elif name in ("issubset", "issuperset") and args:
        yield set(args[0]) if holds else {"#"}
    elif name == "isdisjoint" and args:
        yield set() if holds else set(args[0])


_NEUTRAL = (PARTS | PADDING) - {"rpartition"}  # which puts text without the mark last
"""Methods that some argument leaves without effect."""


def _owners(name: str) -> Callable[..., Iterator[Any]]:
    """From what a method gives, and its arguments, to what it may have been called on."""
    return _METHODS.get(name, _same)


def _reversed_text(value: Any, old: str = "", new: str = "", *rest: Any) -> Iterator[Any]:
    if new and new in value and old not in value:
        yield value.replace(new, old)
    yield value


def _at(mark: Any, index: int) -> Iterator[Any]:
    if isinstance(mark, str):
        yield ("" if index < 0 else ("#" if mark != "#" else "a") * index + mark)
    yield [] if index < 0 else [None] * index + [mark]


def _same(value: Any, *args: Any) -> Iterator[Any]:
    yield value


def _read(text: str) -> Any:
    try:
        return parse_literal(text)
    except LiteralError:
        return text


_FUNCTIONS: dict[str, Callable[..., Iterator[Any]]] = {
    "len": lambda value: iter(("a" * value, [0] * value, set(range(value)), dict.fromkeys(range(value), 0))),
    "sum": lambda value, start=0: iter(([value - start],)),
    "sorted": lambda value, **_: iter((list(value), tuple(value))),
    "list": lambda value: iter((list(value), tuple(value))),
    "reversed": lambda value: iter((list(value)[::-1],)),
    "tuple": lambda value: iter((list(value), value)),
    "set": lambda value: iter((sorted(value, key=repr), value)),
    "dict": lambda value: iter((value, list(value.items()))),
    "str": lambda value: iter((value, _read(value))),
    "int": lambda value: iter((value, str(value))),
    "float": lambda value: iter((value, str(value))),
    "bool": lambda value: iter((value, int(value))),
    **dict.fromkeys(("hex", "oct", "bin"), lambda value: iter((int(value, 0),))),
    "abs": lambda value: iter((value,)),
    "round": lambda value, digits=None: iter((value,)),
    "min": lambda value: iter(([value],)),
    "max": lambda value: iter(([value],)),
    "any": lambda value: iter(([value],)),
    "all": lambda value: iter(([value],)),
    "ord": lambda value: iter((chr(value),)),
    "chr": lambda value: iter((ord(value),)),
    "enumerate": lambda value, start=0: iter(([item for _, item in value],)),
}
_METHODS: dict[str, Callable[..., Iterator[Any]]] = {
    **dict.fromkeys(("upper", "casefold", "lower"), _same),
    **dict.fromkeys(["title", "capitalize", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "copy", "union"], _same),
    **dict.fromkeys(["zfill", "ljust", "rjust", "center", "expandtabs", "format", "difference", "intersection"], _same),
    "swapcase": lambda value: iter((value.swapcase(),)),
    "replace": _reversed_text,
    "split": lambda value, mark=" ", *rest: iter((mark.join(value),)),
    "rsplit": lambda value, mark=" ", *rest: iter((mark.join(value),)),
    "splitlines": lambda value, *rest: iter(("\n".join(value),)),
    "partition": lambda value, *rest: iter(("".join(value),)),
    "rpartition": lambda value, mark: iter(("".join(value),)),
    "count": lambda value, mark: iter((mark * value, [mark] * value) if isinstance(mark, str) else ([mark] * value,)),
    **dict.fromkeys(("find", "index", "rfind", "rindex"), lambda value, mark, *rest: _at(mark, value)),
    "get": lambda value, key, default=None: iter(({}, {key: value}) if same_value(value, default) else ({key: value},)),
    "pop": lambda value, index=-1, *rest: iter(([value],) if index in (0, -1) else ([value] * (index + 1),)),
    "setdefault": lambda value, key, *rest: iter(({key: value},)),
    "keys": lambda value: iter((dict.fromkeys(value, 0),)),
    "items": lambda value: iter((dict(value),)),
    "values": lambda value: iter((dict(zip("abcdefghijklmnopqrstuvwxyz", value, strict=False)),)),
    "encode": lambda value, *rest: iter((value.decode(),)),
}
