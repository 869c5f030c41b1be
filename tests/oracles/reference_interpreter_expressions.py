"""What tests/oracles/reference_interpreter.py evaluates expressions with: names and scopes, generators, expressions, patterns.

Nothing here knows of steps: expressions have none of their own. What they call may have.
"""

from __future__ import annotations

import ast
import builtins
import functools
import operator
import queue
import sys
import threading
import types
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, NoReturn, cast

MODULE = "program"  # the program's __name__: one under which `if __name__ == "__main__"` does not run


class Unsupported(Exception):
    """The program does something of which this account would have to guess the steps."""


# ---- names and scopes ----------------------------------------------------------------------------------------------

FunctionNode = ast.FunctionDef | ast.Lambda
ComprehensionNode = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Names:
    """How one scope uses names: those it owns, declares global, or takes from around it; `walrus` leak out of it."""

    owns: frozenset[str]
    globals: frozenset[str]
    free: frozenset[str]
    nonlocals: frozenset[str]
    walrus: frozenset[str]
    yields: bool


def names_of(node: ast.AST) -> Names:
    """The names of the scope that `node` opens, by the rules of the language reference, "Naming and binding"."""
    seen = Collector(isinstance(node, ComprehensionNode))
    if isinstance(node, FunctionNode):
        seen.bound.update(argument.arg for argument in parameters(node.args))
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
        for child in node.body:
            seen.visit(child)
    elif isinstance(node, ast.Lambda):
        seen.visit(node.body)
    elif isinstance(node, ComprehensionNode):
        for number, clause in enumerate(node.generators):
            for part in [clause.target, *([clause.iter] if number else []), *clause.ifs]:
                seen.visit(part)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            seen.visit(part)
    owns = seen.bound - seen.globals - seen.nonlocals
    inner = seen.inner if isinstance(node, ast.ClassDef) else seen.inner - owns
    free = (seen.used - owns) | inner | seen.nonlocals
    declared, lent, leaked = map(frozenset, (seen.globals, seen.nonlocals, seen.walrus))
    return Names(frozenset(owns), declared, frozenset(free - declared), lent, leaked, seen.yields)


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters, in the order in which CPython evaluates their annotations."""
    rest = [arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return [*arguments.posonlyargs, *arguments.args, *(one for one in rest if one is not None)]


class Collector(ast.NodeVisitor):
    """Collects the names that one scope binds and uses, without descending into the scopes inside of it."""

    def __init__(self, comprehension: bool) -> None:
        self.comprehension = comprehension
        self.bound: set[str] = set()
        self.used: set[str] = set()
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.inner: set[str] = set()  # what scopes inside take from here or from further out
        self.walrus: set[str] = set()
        self.yields = False

    def visit_Name(self, node: ast.Name) -> None:
        (self.used if isinstance(node.ctx, ast.Load) else self.bound).add(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        (self.walrus if self.comprehension else self.bound).add(node.target.id)
        self.used.add(node.target.id)
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.bound.add(node.name)
        self._scope(node, [*node.decorator_list, *_defaults(node.args)])

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._scope(node, _defaults(node.args))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.bound.add(node.name)
        self._scope(node, [*node.decorator_list, *node.bases, *node.keywords])

    def _visit_comprehension(self, node: ComprehensionNode) -> None:
        leaked = names_of(node).walrus
        (self.walrus if self.comprehension else self.bound).update(leaked)
        self._scope(node, [node.generators[0].iter])

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def _scope(self, node: ast.AST, evaluated_here: Iterable[ast.AST]) -> None:
        self.inner |= names_of(node).free
        for part in evaluated_here:
            self.visit(part)

    def visit_Global(self, node: ast.Global) -> None:
        self.globals.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.nonlocals.update(node.names)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._bind_and_go_on(node, node.name)

    def visit_alias(self, node: ast.alias) -> None:
        self._bind_and_go_on(node, node.asname or node.name.split(".")[0])

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self._bind_and_go_on(node, node.name)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._bind_and_go_on(node, node.rest)

    def _bind_and_go_on(self, node: ast.AST, name: str | None) -> None:
        if name is not None:
            self.bound.add(name)
        self.generic_visit(node)

    def visit_Yield(self, node: ast.Yield | ast.YieldFrom) -> None:
        self.yields = True
        self.generic_visit(node)

    visit_YieldFrom = visit_Yield


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]


class Mangler(ast.NodeTransformer):
    """Renames `__private` names as the compiler does inside a class, so that nothing after it has to know."""

    fields = ("id", "attr", "arg", "rest", "asname", "name")

    def __init__(self) -> None:
        self.owner = ""

    def mangled(self, name: str) -> str:
        private = self.owner and name.startswith("__") and not name.endswith("__") and "." not in name
        return f"_{self.owner}{name}" if private else name

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.title = node.name  # type: ignore[union-attr]
        if isinstance(node, ast.alias) and node.asname is None and self.mangled(node.name) != node.name:
            node.asname = node.name
        for field in self.fields if not isinstance(node, ast.alias) else ("asname",):
            if isinstance(name := getattr(node, field, None), str):
                setattr(node, field, self.mangled(name))
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self.mangled(name) for name in node.names]
        if isinstance(node, ast.MatchClass):
            node.kwd_attrs = [self.mangled(name) for name in node.kwd_attrs]
        return super().generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outside, inside = self.owner, node.name.lstrip("_")
        body, node.body = node.body, []
        self.generic_visit(node)
        self.owner = inside
        node.body = [self.visit(child) for child in body]
        self.owner = outside
        return node


class Scope:
    """One namespace at run time. A closure reads its parent's `vars` themselves, as it would the parent's cells."""

    def __init__(
        self, kind: str, variables: MutableMapping[str, Any], names: Names, parent: Scope | None, title: str = ""
    ) -> None:
        self.kind, self.vars, self.names, self.parent, self.title = kind, variables, names, parent, title
        self.cell: types.CellType = types.CellType()  # of a class: `__class__` for its methods
        self.first: str | None = None  # of a function: its first positional parameter, for super()
        self.channel: Channel | None = None  # of a generator function

    def home(self, name: str) -> Scope | None:
        """The function (or comprehension) scope whose variable `name` means here; None if it is a global."""
        if name in self.names.globals or self.kind == "module":
            return None
        if name in self.names.owns:
            return None if self.kind == "class" else self
        outer = self.parent
        while outer is not None and outer.kind != "module":
            if outer.kind != "class":
                if name in outer.names.globals:
                    return None
                if name in outer.names.owns:
                    return outer
            outer = outer.parent
        return None

    def enclosing_class(self) -> Scope | None:
        """The class whose body this scope is inside of: the one that `__class__` and super() mean."""
        outer = self.parent
        while outer is not None and outer.kind != "class":
            outer = outer.parent
        return outer

    def visible(self, module: MutableMapping[str, Any]) -> dict[str, Any]:
        """The variables that a step of this scope can see and set: its own, its closure's, its declared globals."""
        if self.kind == "class":
            implicit = ("__module__", "__qualname__", "__doc__", "__annotations__", "__classcell__")
            found = {name: value for name, value in self.vars.items() if name not in implicit}
        else:
            found = dict(self.vars)
        for name in sorted(self.names.nonlocals if self.kind == "class" else self.names.free):
            owner = self.home(name)
            if owner is not None and name in owner.vars:
                found[name] = owner.vars[name]
        found.update((name, module[name]) for name in sorted(self.names.globals) if name in module)
        return found


# ---- generators ----------------------------------------------------------------------------------------------------


class Channel:
    """Hands control to and fro between a generator and the thread that interprets its body: only one ever runs."""

    def __init__(self, body: Callable[[Channel], object]) -> None:
        self.down: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.up: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.ended = False
        self.thread = threading.Thread(target=self._work, args=(body,), daemon=True)
        self.thread.start()

    def _work(self, body: Callable[[Channel], object]) -> None:
        self.down.get()
        try:
            reply = ("return", body(self))
        except BaseException as error:
            reply = ("raise", error)
        self.up.put(reply)

    def resume(self, order: str, value: object) -> tuple[str, Any]:
        """Called by the generator: let the body go on, and wait until it yields or ends."""
        if self.ended or sys.is_finalizing():  # its thread is gone
            return ("return", None)
        self.down.put((order, value))
        return self.up.get()

    def end(self) -> None:
        """Ends a suspended body, lest its thread outlive the account. Its generator will find itself exhausted."""
        kind, _ = self.resume("throw", GeneratorExit())
        self.ended = True
        if kind in ("return", "raise"):
            self.thread.join()

    def hand_out(self, kind: str, value: object) -> Any:
        """Called by the body: give `value` out, and wait for what comes in."""
        self.up.put((kind, value))
        order, answer = self.down.get()
        if order == "throw":
            raise answer
        return answer


def generator(
    body: Callable[[Channel], object], title: str, abandoned: Callable[[Channel, str], None]
) -> Generator[Any, Any, Any]:
    """A generator whose body is interpreted in a thread.

    `abandoned` is told when it is closed because nobody refers to it any more, which its dead weak reference shows.
    """
    itself: list[weakref.ref[Generator[Any, Any, Any]]] = []
    made: Generator[Any, Any, Any] = named(_generate(body, itself, abandoned), title)
    itself.append(weakref.ref(made))
    return made


def named(made: Any, title: str) -> Any:
    """Gives a generator the name it would have."""
    made.__name__, made.__qualname__ = title.rpartition(".")[2], title
    return made


def _generate(
    body: Callable[[Channel], object],
    itself: list[weakref.ref[Generator[Any, Any, Any]]],
    abandoned: Callable[[Channel, str], None],
) -> Generator[Any, Any, Any]:
    """Passes on what the body yields. Delegation is left to CPython's own `yield from`."""
    channel = Channel(body)
    kind, value = channel.resume("send", None)
    while kind in ("yield", "delegate"):
        try:
            order, answer = "send", ((yield value) if kind == "yield" else (yield from value))
        except BaseException as error:
            order, answer = "throw", error
            if isinstance(error, GeneratorExit) and itself[0]() is None:
                abandoned(channel, kind)
        kind, value = channel.resume(order, answer)
        del answer
    if kind == "raise":
        raise value
    return value


# ---- expressions ---------------------------------------------------------------------------------------------------

BINARY: dict[type[ast.AST], tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    ast.Add: (operator.add, operator.iadd),
    ast.Sub: (operator.sub, operator.isub),
    ast.Mult: (operator.mul, operator.imul),
    ast.Div: (operator.truediv, operator.itruediv),
    ast.FloorDiv: (operator.floordiv, operator.ifloordiv),
    ast.Mod: (operator.mod, operator.imod),
    ast.Pow: (operator.pow, operator.ipow),
    ast.LShift: (operator.lshift, operator.ilshift),
    ast.RShift: (operator.rshift, operator.irshift),
    ast.BitOr: (operator.or_, operator.ior),
    ast.BitXor: (operator.xor, operator.ixor),
    ast.BitAnd: (operator.and_, operator.iand),
    ast.MatMult: (operator.matmul, operator.imatmul),
}
_UNARY: dict[type[ast.AST], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_COMPARE: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
# What looks at, or runs in, the frame that calls it would find the interpreter's frame. The first are done here, when
# called by their name and without arguments; the second, met anywhere else, are refused.
_FRAME_READING = ("super", "locals", "globals", "vars", "dir")
_FRAME_BOUND = ("eval", "exec", "locals", "globals", "breakpoint", "input")


@functools.cache
def unpacker(count: int, star: int | None) -> Callable[[Any], list[Any]]:
    """A function which unpacks a value into `count` targets, one of them starred, with CPython's own checks."""
    names = [f"{'*' if number == star else ''}v{number}" for number in range(count)]
    space: dict[str, Any] = {}
    exec(f"def unpack(value):\n [{', '.join(names)}] = value\n return [{', '.join(names).replace('*', '')}]", space)
    return cast(Callable[[Any], list[Any]], space["unpack"])


class Expressions:
    """Evaluates expressions, each kind of node by the method of its name, in the order CPython does."""

    def __init__(self) -> None:
        self.globals: dict[str, Any] = {"__name__": MODULE, "__builtins__": builtins, "__doc__": None}
        self.fault: Unsupported | None = None
        self._names: dict[ast.AST, Names] = {}

    def refuse(self, reason: str) -> NoReturn:
        """Ends the account. The fault is kept too, in case that code in between swallows the exception."""
        self.fault = self.fault or Unsupported(reason)
        raise self.fault

    def value(self, node: ast.expr, scope: Scope) -> Any:
        method = getattr(self, f"e_{type(node).__name__}", None)
        if method is None:
            self.refuse(type(node).__name__)
        return method(node, scope)

    def names(self, node: ast.AST) -> Names:
        if node not in self._names:
            self._names[node] = names_of(node)
        return self._names[node]

    def function(self, node: FunctionNode, scope: Scope) -> types.FunctionType:
        raise NotImplementedError  # by the interpreter of statements

    # -- variables and targets

    def load(self, name: str, scope: Scope) -> Any:
        if scope.kind == "class" and name in scope.names.owns | scope.names.free and name in scope.vars:
            return scope.vars[name]
        owner = scope.home(name)
        if owner is not None:
            if name in owner.vars:
                return owner.vars[name]
            unset = f"'{name}' where it is not associated with a value"
            if owner is scope:
                raise UnboundLocalError(f"cannot access local variable {unset}")
            raise NameError(f"cannot access free variable {unset} in enclosing scope")
        if name == "__class__" and scope.kind != "module" and (around := scope.enclosing_class()) is not None:
            return around.cell.cell_contents
        if name in self.globals:
            return self.globals[name]
        if not hasattr(builtins, name):
            raise NameError(f"name '{name}' is not defined", name=name)
        return getattr(builtins, name)

    def place(self, name: str, scope: Scope) -> MutableMapping[str, Any]:
        """The mapping in which an assignment to `name` in `scope` puts it."""
        if scope.kind == "module" or name in scope.names.globals:
            return self.globals
        if name in scope.names.owns:
            return scope.vars
        owner = scope.home(name)
        assert owner is not None, name  # a nonlocal: the compiler has made sure of it
        return owner.vars

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            self.place(target.id, scope)[target.id] = value
        elif isinstance(target, ast.Attribute):
            setattr(self.value(target.value, scope), target.attr, value)
        elif isinstance(target, ast.Subscript):
            container = self.value(target.value, scope)
            container[self.value(target.slice, scope)] = value
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, scope)
        elif isinstance(target, ast.Tuple | ast.List):
            stars = [number for number, one in enumerate(target.elts) if isinstance(one, ast.Starred)]
            parts = unpacker(len(target.elts), stars[0] if stars else None)(value)
            for one, part in zip(target.elts, parts, strict=True):
                self.assign(one, part, scope)
        else:
            self.refuse(f"target {type(target).__name__}")

    def e_Name(self, node: ast.Name, scope: Scope) -> Any:
        found = self.load(node.id, scope)
        if node.id in _FRAME_BOUND and found is getattr(builtins, node.id):
            self.refuse(f"{node.id}, which depends on the calling frame")
        return found

    def e_NamedExpr(self, node: ast.NamedExpr, scope: Scope) -> Any:
        value = self.value(node.value, scope)
        while scope.kind == "comprehension":
            scope = cast(Scope, scope.parent)
        self.assign(node.target, value, scope)
        return value

    # -- displays and operators

    def e_Constant(self, node: ast.Constant, scope: Scope) -> Any:
        return node.value

    def elements(self, nodes: Iterable[ast.expr], scope: Scope) -> list[Any]:
        """The values of a display or of positional arguments, with starred ones spread."""
        values: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                values = [*values, *self.value(node.value, scope)]
            else:
                values.append(self.value(node, scope))
        return values

    def e_List(self, node: ast.List, scope: Scope) -> Any:
        return self.elements(node.elts, scope)

    def e_Tuple(self, node: ast.Tuple, scope: Scope) -> Any:
        return tuple(self.elements(node.elts, scope))

    def e_Set(self, node: ast.Set, scope: Scope) -> Any:
        return set(self.elements(node.elts, scope))

    def e_Dict(self, node: ast.Dict, scope: Scope) -> Any:
        result: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                result = {**result, **self.value(value, scope)}
            else:
                name = self.value(key, scope)
                result[name] = self.value(value, scope)
        return result

    def e_BinOp(self, node: ast.BinOp, scope: Scope) -> Any:
        left = self.value(node.left, scope)
        return BINARY[type(node.op)][0](left, self.value(node.right, scope))

    def e_UnaryOp(self, node: ast.UnaryOp, scope: Scope) -> Any:
        return _UNARY[type(node.op)](self.value(node.operand, scope))

    def e_BoolOp(self, node: ast.BoolOp, scope: Scope) -> Any:
        decided_by = isinstance(node.op, ast.Or)
        for operand in node.values[:-1]:
            value = self.value(operand, scope)
            if bool(value) is decided_by:
                return value
        return self.value(node.values[-1], scope)

    def e_Compare(self, node: ast.Compare, scope: Scope) -> Any:
        left = self.value(node.left, scope)
        for number, (kind, operand) in enumerate(zip(node.ops, node.comparators, strict=True), 1):
            right = self.value(operand, scope)
            result = _COMPARE[type(kind)](left, right)
            if number == len(node.ops) or not result:
                return result
            left = right
        raise AssertionError("a comparison without operators")

    def e_IfExp(self, node: ast.IfExp, scope: Scope) -> Any:
        return self.value(node.body if self.value(node.test, scope) else node.orelse, scope)

    def e_Attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        return getattr(self.value(node.value, scope), node.attr)

    def e_Subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        container = self.value(node.value, scope)
        return container[self.value(node.slice, scope)]

    def e_Slice(self, node: ast.Slice, scope: Scope) -> Any:
        bounds = (node.lower, node.upper, node.step)
        return slice(*[None if bound is None else self.value(bound, scope) for bound in bounds])

    def e_JoinedStr(self, node: ast.JoinedStr, scope: Scope) -> Any:
        return "".join([self.value(part, scope) for part in node.values])

    def e_FormattedValue(self, node: ast.FormattedValue, scope: Scope) -> Any:
        value = self.value(node.value, scope)
        conversions: dict[int, Callable[[Any], Any]] = {115: str, 114: repr, 97: ascii}
        if node.conversion in conversions:
            value = conversions[node.conversion](value)
        return format(value, "" if node.format_spec is None else self.value(node.format_spec, scope))

    # -- calls

    def e_Call(self, node: ast.Call, scope: Scope) -> Any:
        if isinstance(node.func, ast.Name) and not node.args and not node.keywords:
            name = node.func.id
            if name in _FRAME_READING and self.load(name, scope) is getattr(builtins, name):
                return self.frame_bound(name, scope)
        function, positional, named = self.call_parts(node, scope)
        return function(*positional, **named)

    def call_parts(self, node: ast.Call, scope: Scope) -> tuple[Any, Any, dict[str, Any]]:
        function = self.value(node.func, scope)
        if len(node.args) == 1 and isinstance(node.args[0], ast.Starred):  # which CPython spreads in the call itself
            positional = self.value(node.args[0].value, scope)
        else:
            positional = self.elements(node.args, scope)
        return function, positional, self.named_arguments(function, node.keywords, scope)

    def named_arguments(self, function: Any, keywords: list[ast.keyword], scope: Scope) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for keyword in keywords:
            value = self.value(keyword.value, scope)
            if keyword.arg is not None:
                result[keyword.arg] = value
                continue
            if not hasattr(value, "keys"):
                raise TypeError(f"{_title(function)} argument after ** must be a mapping, not {type(value).__name__}")
            for name in value.keys():  # noqa: SIM118
                if name in result:
                    raise TypeError(f"{_title(function)} got multiple values for keyword argument '{name}'")
                result[name] = value[name]
        return result

    def frame_bound(self, name: str, scope: Scope) -> Any:
        """The builtins that look at the frame which calls them, called without arguments."""
        if name == "globals":
            return self.globals
        if scope.kind == "comprehension":
            self.refuse(f"{name}() inside a comprehension, where Python versions differ")
        if name != "super":
            found = scope.vars if scope.kind in ("class", "module") else scope.visible({})
            return sorted(found) if name == "dir" else found
        around = scope.enclosing_class()
        if around is None:
            raise RuntimeError("super(): __class__ cell not found")
        if scope.first is None:
            raise RuntimeError("super(): no arguments")
        if scope.first not in scope.vars:
            raise RuntimeError("super(): arg[0] deleted")
        return super(around.cell.cell_contents, scope.vars[scope.first])

    def e_Lambda(self, node: ast.Lambda, scope: Scope) -> Any:
        return self.function(node, scope)

    def e_Yield(self, node: ast.Yield, scope: Scope) -> Any:
        value = None if node.value is None else self.value(node.value, scope)
        return cast(Channel, scope.channel).hand_out("yield", value)

    def e_YieldFrom(self, node: ast.YieldFrom, scope: Scope) -> Any:
        return cast(Channel, scope.channel).hand_out("delegate", self.value(node.value, scope))

    # -- comprehensions

    def opened(self, node: ComprehensionNode, scope: Scope) -> tuple[Iterator[Any], Scope]:
        """The first iterable, which is evaluated outside of the comprehension, and the comprehension's scope."""
        first = iter(self.value(node.generators[0].iter, scope))
        return first, Scope("comprehension", {}, self.names(node), scope, scope.title)

    def each(self, clauses: list[ast.comprehension], source: Iterable[Any], scope: Scope, emit: Callable[[], None]) -> None:
        """Calls `emit` for each round. No generator: StopIteration from inside a list comprehension stays itself."""
        for item in source:
            self.assign(clauses[0].target, item, scope)
            if not self.passes(clauses[0].ifs, scope):
                continue
            if len(clauses) == 1:
                emit()
            else:
                self.each(clauses[1:], self.value(clauses[1].iter, scope), scope, emit)

    def passes(self, tests: list[ast.expr], scope: Scope) -> bool:
        for test in tests:  # noqa: SIM110 (a generator would make a RuntimeError of a StopIteration)
            if not self.value(test, scope):
                return False
        return True

    def e_ListComp(self, node: ast.ListComp, scope: Scope) -> Any:
        result: list[Any] = []
        first, inner = self.opened(node, scope)
        self.each(node.generators, first, inner, lambda: result.append(self.value(node.elt, inner)))
        return result

    def e_SetComp(self, node: ast.SetComp, scope: Scope) -> Any:
        result: set[Any] = set()
        first, inner = self.opened(node, scope)
        self.each(node.generators, first, inner, lambda: result.add(self.value(node.elt, inner)))
        return result

    def e_DictComp(self, node: ast.DictComp, scope: Scope) -> Any:
        result: dict[Any, Any] = {}
        first, inner = self.opened(node, scope)

        def emit() -> None:
            key = self.value(node.key, inner)
            result[key] = self.value(node.value, inner)

        self.each(node.generators, first, inner, emit)
        return result

    def e_GeneratorExp(self, node: ast.GeneratorExp, scope: Scope) -> Any:
        first, inner = self.opened(node, scope)
        return named(self.lazily(node.generators, first, inner, node.elt), qualified(scope, "<genexpr>"))

    def lazily(
        self, clauses: list[ast.comprehension], source: Iterable[Any], scope: Scope, element: ast.expr
    ) -> Generator[Any, None, None]:
        for item in source:
            self.assign(clauses[0].target, item, scope)
            if not self.passes(clauses[0].ifs, scope):
                continue
            if len(clauses) == 1:
                yield self.value(element, scope)
            else:
                yield from self.lazily(clauses[1:], self.value(clauses[1].iter, scope), scope, element)


def _title(function: Any) -> str:
    """How CPython names a function in complaints about its arguments."""
    title = getattr(function, "__qualname__", None)
    module = getattr(function, "__module__", None)
    if title is None:
        return str(function)
    return f"{title}()" if module in (None, "builtins") else f"{module}.{title}()"


def qualified(scope: Scope, name: str) -> str:
    """The `__qualname__` of what is called `name` and defined in `scope`."""
    if scope.kind == "module" or name in scope.names.globals:
        return name
    return f"{scope.title}.{name}" if scope.kind == "class" else f"{scope.title}.<locals>.{name}"


# ---- patterns ------------------------------------------------------------------------------------------------------

_SEQUENCE, _MAPPING, _SELF = 1 << 5, 1 << 6, 1 << 22  # Py_TPFLAGS_SEQUENCE, _MAPPING, _Py_TPFLAGS_MATCH_SELF


class Patterns(Expressions):
    """Decides whether a pattern matches; captures go to `bound`, since CPython binds them once all has matched."""

    def matches(self, pattern: ast.pattern, subject: Any, scope: Scope, bound: dict[str, Any]) -> bool:
        if isinstance(pattern, ast.MatchValue):
            return bool(subject == self.value(pattern.value, scope))
        if isinstance(pattern, ast.MatchSingleton):
            return subject is pattern.value
        if isinstance(pattern, ast.MatchOr):
            for one in pattern.patterns:
                captures: dict[str, Any] = {}
                if self.matches(one, subject, scope, captures):
                    bound.update(captures)
                    return True
            return False
        if isinstance(pattern, ast.MatchAs):
            if pattern.pattern is not None and not self.matches(pattern.pattern, subject, scope, bound):
                return False
            if pattern.name is not None:
                bound[pattern.name] = subject
            return True
        if isinstance(pattern, ast.MatchClass):
            return self.matches_class(pattern, subject, scope, bound)
        if not type(subject).__flags__ & (_MAPPING if isinstance(pattern, ast.MatchMapping) else _SEQUENCE):
            return False
        if type(subject).__module__ == MODULE:
            self.refuse("a pattern that takes apart a container class of the program's own")
        if isinstance(pattern, ast.MatchMapping):
            return self.matches_mapping(pattern, subject, scope, bound)
        return self.matches_sequence(cast(ast.MatchSequence, pattern).patterns, subject, scope, bound)

    def matches_sequence(self, patterns: list[ast.pattern], subject: Any, scope: Scope, bound: dict[str, Any]) -> bool:
        stars = [number for number, one in enumerate(patterns) if isinstance(one, ast.MatchStar)]
        if len(subject) < len(patterns) - 1 if stars else len(subject) != len(patterns):
            return False
        items = unpacker(len(patterns), stars[0] if stars else None)(subject)
        for one, item in zip(patterns, items, strict=True):
            if isinstance(one, ast.MatchStar):
                if one.name is not None:
                    bound[one.name] = item
            elif not self.matches(one, item, scope, bound):
                return False
        return True

    def matches_mapping(self, pattern: ast.MatchMapping, subject: Any, scope: Scope, bound: dict[str, Any]) -> bool:
        if len(subject) < len(pattern.keys):
            return False
        missing = object()
        keys = [self.value(key, scope) for key in pattern.keys]
        found = [subject.get(key, missing) for key in keys]
        if any(item is missing for item in found):
            return False
        for one, item in zip(pattern.patterns, found, strict=True):
            if not self.matches(one, item, scope, bound):
                return False
        if pattern.rest is not None:
            bound[pattern.rest] = {key: item for key, item in dict(subject).items() if key not in keys}
        return True

    def matches_class(self, pattern: ast.MatchClass, subject: Any, scope: Scope, bound: dict[str, Any]) -> bool:
        kind = self.value(pattern.cls, scope)
        if not isinstance(kind, type):
            raise TypeError("called match pattern must be a class")
        if not isinstance(subject, kind):
            return False
        given, attributes, items = len(pattern.patterns), list(pattern.kwd_attrs), []
        if given:
            itself = not hasattr(kind, "__match_args__") and bool(kind.__flags__ & _SELF)
            names = () if itself else getattr(kind, "__match_args__", ())
            if given > (allowed := 1 if itself else len(names)):
                plural = "" if allowed == 1 else "s"
                raise TypeError(f"{kind.__name__}() accepts {allowed} positional sub-pattern{plural} ({given} given)")
            items, attributes = ([subject] if itself else []), [*names[:given], *attributes]
        missing = object()
        for name in attributes:
            items.append(getattr(subject, name, missing))
            if items[-1] is missing:
                return False
        patterns = [*pattern.patterns, *pattern.kwd_patterns]
        for one, item in zip(patterns, items, strict=True):  # noqa: SIM110 (as above)
            if not self.matches(one, item, scope, bound):
                return False
        return True
