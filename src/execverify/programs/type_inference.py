"""Which entries of the catalogue a program uses, by light static typing.

Types flow from the call's literals through assignments, loops, comprehensions and calls of the program's own functions; no
order of statements is kept (a name has one type in a function, `any` where it has several). What is not known is `any`.

>>> from execverify.programs.program import Program
>>> program = Program("def f(s):\\n    return [w.upper() for w in s.split('-')]", arguments="'a-b'")
>>> [use.entry for use in uses(program)]
['str.upper', 'str.split']
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from execverify.programs.catalog import CATALOG
from execverify.programs.program import Program, cached_per_program
from execverify.programs.type_expr import ANY, arguments, type_head
from execverify.programs.type_join import (
    element_of,
    function_result,
    join_types,
    merge_all,
    merge_types,
    method_result,
    type_of_value,
    variadic_result,
)

_BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.BitAnd: "&",
    ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
_COMPARE = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_OWNERS = ("str", "list", "tuple", "dict", "set", "int", "float", "bool")
_FUNCTIONS = frozenset(name for name, entry in CATALOG.items() if entry.kind == "function")
_METHODS = frozenset(name.partition(".")[2] for name, entry in CATALOG.items() if entry.kind == "method")


@dataclass(frozen=True, slots=True)
class BuiltinUse:
    """One use of an entry.

    Attributes:
        entry: its name in the catalogue.
        node: the node of the tree that it is.
        certain: whether the types are known; else it may be another entry of the same name or sign.
    """

    entry: str
    node: ast.AST
    certain: bool


@cached_per_program
def builtin_uses(program: Program) -> tuple[BuiltinUse, ...]:
    """The uses of entries in a program, in the order of the source; one that is not certain is there once for each entry it may be."""
    return _TypeInferer(program).uses()


def inferred_types(program: Program) -> dict[int, set[str]]:
    """The types that each expression was found to have, by the `id` of its node; `any` and "mixed" are among them.

    Only what could matter to the use of an entry is looked at: the name of a function that is called or handed over is not there.
    """
    typer = _RecordingInferer(program)
    typer.uses()
    return typer.seen


class _Scope:
    def __init__(self, node: ast.FunctionDef, kinds: list[str]) -> None:
        self.node = node
        self.names: dict[str, str] = {}
        self.result = ANY
        for parameter, kind in zip(node.args.args, kinds, strict=False):
            self.names[parameter.arg] = kind


class _TypeInferer:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.functions = {node.name: node for node in program.tree.body if isinstance(node, ast.FunctionDef)}
        self.scopes: dict[str, _Scope] = {}
        self.found: list[tuple[_Place, BuiltinUse]] | None = None
        self.inside: _Place | None = None  # of the f-string around: Python 3.11 does not know the places in it
        positional, named = program.call_arguments
        entry = self.functions.get(program.entry_point)
        if entry is not None:
            kinds = [type_of_value(value) for value in positional]
            scope = _Scope(entry, kinds)
            scope.names.update({name: type_of_value(value) for name, value in named.items()})
            self.scopes[entry.name] = scope

    def uses(self) -> tuple[BuiltinUse, ...]:
        for name in self.functions:
            self.scopes.setdefault(name, _Scope(self.functions[name], []))
        rounds = 2 if len(self.functions) == 1 else 3
        self.round()
        for _ in range(rounds):  # the last round, after which nothing is new, or there have been enough, is the one that counts
            before = [(dict(scope.names), scope.result) for scope in self.scopes.values()]
            self.found = []
            self.round()
            if before == [(scope.names, scope.result) for scope in self.scopes.values()]:
                break
        once: dict[tuple[int, str], tuple[_Place, BuiltinUse]] = {}  # a node may be looked at twice
        for where, use in self.found or ():
            once.setdefault((id(use.node), use.entry), (where, use))
        return tuple(use for _, use in sorted(once.values(), key=_first))

    def round(self) -> None:
        """Looks at every statement once, with what is known so far."""
        for scope in self.scopes.values():
            self.scope = scope
            self.body(scope.node.body)

    def use(self, entry: str, node: ast.AST, certain: bool) -> None:
        if self.found is not None and entry in CATALOG:
            self.found.append((self.inside or _place(node), BuiltinUse(entry, node, certain)))

    # ------------------------------------------------------------------------------------------------ statements

    def body(self, statements: list[ast.stmt]) -> None:
        for node in statements:
            self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            kind = self.kind(node.value)
            for target in node.targets:
                self.assign(target, kind)
        elif isinstance(node, ast.AugAssign):
            kind = self.binary(node, node.op, self.kind(node.target), self.kind(node.value))
            self.assign(node.target, kind, stores=False)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.assign(node.target, self.kind(node.value))
        elif isinstance(node, ast.For):
            self.assign(node.target, element_of(self.kind(node.iter)))
            self.body(node.body)
            self.body(node.orelse)
        elif isinstance(node, ast.If | ast.While):
            self.kind(node.test)
            self.body(node.body)
            self.body(node.orelse)
        elif isinstance(node, ast.Return):
            if node.value is not None:
                self.scope.result = merge_types(self.scope.result, self.kind(node.value))
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Subscript):
                    self.owned(self.kind(target.value), "del", target, ("list", "dict"))
                    self.kind(target.slice)
        else:
            self.others(node)

    def others(self, node: ast.AST) -> None:
        """Statements that bring no types: their parts are looked at."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.kind(child)
            elif isinstance(child, ast.stmt):
                self.statement(child)
            else:
                self.others(child)

    def assign(self, target: ast.expr, kind: str, stores: bool = True) -> None:
        if isinstance(target, ast.Name):
            known = self.scope.names.get(target.id)
            self.scope.names[target.id] = kind if known is None else merge_types(known, kind)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = arguments(kind) if type_head(kind) == "tuple" and "..." not in kind else ()
            for index, part in enumerate(target.elts):
                inner = parts[index] if len(parts) == len(target.elts) else element_of(kind)
                self.assign(part, inner)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, f"list[{ANY}]")
        elif isinstance(target, ast.Subscript) and stores:
            of = self.kind(target.value)
            if isinstance(target.slice, ast.Slice):
                self.owned(of, "[:]=", target, ("list",))
                self.kind(target.slice)
            else:
                self.owned(of, "[]=", target, ("list", "dict"))
                key = self.kind(target.slice)
                self.widen(
                    target.value,
                    f"dict[{key}, {kind}]" if type_head(of) == "dict" else f"list[{kind}]" if type_head(of) == "list" else of,
                )

    def widen(self, node: ast.expr, kind: str) -> None:
        """Infer a collection's element type from what is put into it."""
        if isinstance(node, ast.Name) and node.id in self.scope.names:
            self.scope.names[node.id] = merge_types(self.scope.names[node.id], kind)

    # ------------------------------------------------------------------------------------------------ expressions

    def kind(self, node: ast.expr) -> str:
        how = _HOW.get(node.__class__)
        if how is not None:
            return how(self, node)
        self.others(node)
        return ANY

    def constant(self, node: ast.Constant) -> str:
        return type_of_value(node.value)

    def name(self, node: ast.Name) -> str:
        return self.scope.names.get(node.id, ANY)

    def display(self, node: ast.List | ast.Set) -> str:
        kinds = [self.kind(item) for item in node.elts]
        return f"{'list' if isinstance(node, ast.List) else 'set'}[{join_types(kinds)}]"

    def tuple_display(self, node: ast.Tuple) -> str:
        kinds = [self.kind(item) for item in node.elts]
        if any(isinstance(item, ast.Starred) for item in node.elts):
            return f"tuple[{kinds[0]}, ...]" if len(set(kinds)) == 1 else "tuple"
        return f"tuple[{', '.join(kinds)}]" if kinds else "tuple"

    def dict_display(self, node: ast.Dict) -> str:
        kind = f"dict[{ANY}, {ANY}]"
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                kind = merge_types(kind, f"dict[{self.kind(key)}, {self.kind(value)}]")
            elif type_head(spread := self.kind(value)) == "dict":
                kind = merge_types(kind, spread)
        return kind

    def starred(self, node: ast.Starred) -> str:
        return element_of(self.kind(node.value))

    def ternary(self, node: ast.IfExp) -> str:
        self.kind(node.test)
        return merge_types(self.kind(node.body), self.kind(node.orelse))

    def named(self, node: ast.NamedExpr) -> str:
        kind = self.kind(node.value)
        self.assign(node.target, kind)
        return kind

    def boolean(self, node: ast.BoolOp) -> str:
        kinds = [self.kind(value) for value in node.values]
        self.use("bool and" if isinstance(node.op, ast.And) else "bool or", node, True)
        return merge_all(kinds)

    def unary(self, node: ast.UnaryOp) -> str:
        kind = self.kind(node.operand)
        if isinstance(node.op, ast.Not):
            self.use("bool not", node, True)
            return "bool"
        if isinstance(node.op, ast.USub):
            if not isinstance(node.operand, ast.Constant):
                self.owned("int" if kind == "bool" else kind, "neg", node, ("int", "float"))
        elif isinstance(node.op, ast.Invert):
            self.owned("int" if kind == "bool" else kind, "~", node, ("int",))
        return "int" if kind == "bool" else kind

    def operation(self, node: ast.BinOp) -> str:
        return self.binary(node, node.op, self.kind(node.left), self.kind(node.right))

    def binary(self, node: ast.AST, op: ast.operator, left: str, right: str) -> str:
        sign = _BINARY.get(type(op))
        if sign is None:
            return ANY
        numbers = ("int", "float", "bool")
        if left in numbers and right in numbers:
            if left == right == "bool" and sign in "&|^":
                self.use(f"bool {sign}", node, True)
                return "bool"
            kind = "float" if "float" in (left, right) else "int"
            self.use(f"{kind} {sign}", node, True)
            return "float" if sign == "/" else kind
        if sign == "*" and type_head(right) in ("str", "list", "tuple") and left in ("int", "bool"):
            left, right = right, left
        if sign == "%" and left == "str":
            right = ANY
        owners = tuple(owner for owner in _OWNERS if f"{owner} {sign}" in CATALOG)
        known = left if type_head(left) in owners else right if left == ANY and sign != "*" and sign != "%" else left
        views = {"keys": "set", "items": "set", "frozenset": "set"}
        if type_head(known) in views and sign in "&|-^":
            known = f"set[{(arguments(known) or (ANY,))[0]}]"
        self.owned(known, sign, node, owners)
        if type_head(known) == "tuple":
            if sign == "+" and arguments(left) and arguments(right) and "..." not in left + right:
                return f"tuple[{', '.join((*arguments(left), *arguments(right)))}]"
            inner = {part for part in arguments(left) if part != "..."}
            return f"tuple[{inner.pop()}, ...]" if len(inner) == 1 else "tuple"
        if known == "int" and sign == "/":
            return "float"
        return merge_types(left, right) if type_head(left) == type_head(right) else known

    def owned(self, kind: str, sign: str, node: ast.AST, owners: tuple[str, ...]) -> None:
        """Notes the use of an operator by the type it works on; one that is not known may be any of the owners'."""
        if type_head(kind) in owners:
            self.use(f"{type_head(kind)} {sign}", node, True)
        elif kind == "frozenset" or type_head(kind) == "frozenset":
            if "set" in owners:
                self.use(f"set {sign}", node, True)
        elif kind in (ANY, "mixed"):
            for owner in owners:
                self.use(f"{owner} {sign}", node, False)

    def comparison(self, node: ast.Compare) -> str:
        kinds = [self.kind(node.left), *(self.kind(part) for part in node.comparators)]
        for op, left, right in zip(node.ops, kinds, kinds[1:], strict=False):
            sign = _COMPARE.get(type(op))
            if sign is None:
                continue
            known = right if sign in ("in", "not in") else left if left != ANY else right
            if sign not in ("in", "not in") and {left, right} == {"int", "float"}:
                known = "float"
            if known == "bool" and f"bool {sign}" not in CATALOG:
                known = "int"
            self.owned(known, sign, node, tuple(owner for owner in _OWNERS if f"{owner} {sign}" in CATALOG))
        return "bool"

    def subscript(self, node: ast.Subscript) -> str:
        of = self.kind(node.value)
        if isinstance(node.slice, ast.Slice):
            self.kind(node.slice)
            self.owned(of, "[:]", node, ("str", "list", "tuple"))
            if type_head(of) == "tuple":
                inner = set(arguments(of)) - {"..."}
                return f"tuple[{inner.pop()}, ...]" if len(inner) == 1 else "tuple"
            return of
        self.kind(node.slice)
        self.owned(of, "[]", node, ("str", "list", "tuple", "dict"))
        parts = arguments(of)
        if type_head(of) == "dict":
            return parts[1] if len(parts) == 2 else ANY
        if type_head(of) == "tuple":
            return self._item(node.slice, parts)
        return element_of(of) if type_head(of) in ("str", "list") else ANY

    def _item(self, index: ast.expr, parts: tuple[str, ...]) -> str:
        if "..." in parts:
            return parts[0]
        try:
            place = ast.literal_eval(index)
            return str(parts[place])
        except (ValueError, IndexError, TypeError):
            return parts[0] if len(set(parts)) == 1 else ANY

    def text(self, node: ast.JoinedStr) -> str:
        outer, self.inside = self.inside, self.inside or _place(node)
        self.use("str f", node, True)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.kind(part.value)
                if part.format_spec is not None:
                    self.others(part.format_spec)
        self.inside = outer
        return "str"

    # ------------------------------------------------------------------------------------------------ scopes inside

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> str:
        outer = dict(self.scope.names)
        inner_names: set[str] = set()
        for generator in node.generators:
            source = element_of(self.kind(generator.iter))
            for part in ast.walk(generator.target):
                if isinstance(part, ast.Name):
                    self.scope.names.pop(part.id, None)
                    inner_names.add(part.id)
            self.assign(generator.target, source)
            for condition in generator.ifs:
                self.kind(condition)
        if isinstance(node, ast.DictComp):
            kind = f"dict[{self.kind(node.key)}, {self.kind(node.value)}]"
        else:
            name = {"ListComp": "list", "SetComp": "set"}.get(type(node).__name__, "iterator")
            kind = f"{name}[{self.kind(node.elt)}]"
        self._restore(outer, inner_names)
        return kind

    def _restore(self, outer: dict[str, str], inner: set[str]) -> None:
        for name in inner:
            if name in outer:
                self.scope.names[name] = outer[name]
            else:
                self.scope.names.pop(name, None)

    def applied(self, node: ast.expr, kinds: list[str]) -> str:
        """What a function that is handed over gives for arguments of these types."""
        if isinstance(node, ast.Lambda):
            outer, names = dict(self.scope.names), [parameter.arg for parameter in node.args.args]
            for name, kind in zip(names, kinds, strict=False):
                self.scope.names[name] = kind
            result = self.kind(node.body)
            self._restore(outer, set(names))
            return result
        if isinstance(node, ast.Name):
            if node.id in self.functions:
                return self.own_call(node.id, kinds)
            if node.id in _FUNCTIONS and node.id not in self.scope.names:
                self.use(node.id, node, True)
                return function_result(node.id, kinds)
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner in _OWNERS and owner not in self.scope.names:
                self.use(f"{owner}.{node.attr}", node, True)
                return method_result(kinds[0] if kinds else owner, node.attr, kinds[1:])
            of = self.kind(node.value)
            self._method_use(of, node.attr, node)
            return method_result(of, node.attr, kinds)
        self.kind(node)
        return ANY

    # ------------------------------------------------------------------------------------------------ calls

    def call(self, node: ast.Call) -> str:
        function = node.func
        if isinstance(function, ast.Attribute):
            return self.method_call(node, function)
        if isinstance(function, ast.Name) and function.id in self.functions:
            return self.own_call(function.id, *self._given(node))
        if isinstance(function, ast.Name) and function.id in _FUNCTIONS and function.id not in self.scope.names:
            return self.builtin_call(node, function.id)
        self.others(node)
        return ANY

    def _given(self, node: ast.Call) -> tuple[list[str], dict[str, str]]:
        """The types of a call's arguments: those given by place, as far as their places are known, and those by name."""
        kinds = [self.kind(argument) for argument in node.args]
        starred = next((place for place, argument in enumerate(node.args) if isinstance(argument, ast.Starred)), len(kinds))
        named = [(keyword.arg, self.kind(keyword.value)) for keyword in node.keywords]
        return kinds[:starred], {name: kind for name, kind in named if name is not None}

    def own_call(self, name: str, kinds: list[str], named: Mapping[str, str] = MappingProxyType({})) -> str:
        scope = self.scopes.setdefault(name, _Scope(self.functions[name], []))
        parameters = [parameter.arg for parameter in self.functions[name].args.args]
        for parameter, kind in (*zip(parameters, kinds, strict=False), *named.items()):
            known = scope.names.get(parameter)
            scope.names[parameter] = kind if known is None else merge_types(known, kind)
        return scope.result

    def builtin_call(self, node: ast.Call, name: str) -> str:
        self.use(name, node, True)
        if name in ("map", "filter") and len(node.args) >= 2:
            sources = [element_of(self.kind(argument)) for argument in node.args[1:]]
            result = self.applied(node.args[0], sources)
            return f"iterator[{result if name == 'map' else sources[0]}]"
        kinds = [self.kind(argument) for argument in node.args]
        if len(kinds) == 1 and isinstance(node.args[0], ast.Starred):
            return variadic_result(name, kinds[0])
        if name == "dict" and node.keywords and not kinds:
            return f"dict[str, {merge_all([self.kind(keyword.value) for keyword in node.keywords])}]"
        for keyword in node.keywords:
            if keyword.arg == "key" and kinds:
                several = len(kinds) > 1 and name in ("min", "max")
                self.applied(keyword.value, [kinds[0] if several else element_of(kinds[0])])
            else:
                self.kind(keyword.value)
        return function_result(name, kinds)

    def method_call(self, node: ast.Call, function: ast.Attribute) -> str:
        if isinstance(function.value, ast.Name) and function.value.id in _OWNERS and function.value.id not in self.scope.names:
            kinds = [self.kind(argument) for argument in node.args]
            name = f"{function.value.id}.{function.attr}"
            self.use(name, node, True)
            if name == "dict.fromkeys":
                return f"dict[{element_of(kinds[0])}, {kinds[1] if len(kinds) > 1 else ANY}]" if kinds else ANY
            if name == "str.maketrans":
                return "dict[int, any]" if len(node.args) == 1 else "dict[int, int]"
            return method_result(kinds[0] if kinds else function.value.id, function.attr, kinds[1:])
        of = self.kind(function.value)
        kinds = [self.kind(argument) for argument in node.args]
        for keyword in node.keywords:
            if keyword.arg == "key":
                self.applied(keyword.value, [element_of(of)])
            else:
                self.kind(keyword.value)
        if type_head(of) == "bool":
            of = "int"
        self._method_use(of, function.attr, node)
        self._told(function, of, kinds)
        return method_result(of, function.attr, kinds)

    def _method_use(self, of: str, name: str, node: ast.AST) -> None:
        """Notes the use of a method by its receiver's type; that of one that is not known may be any of the owners'."""
        owner = {"frozenset": "set", "bool": "int"}.get(type_head(of), type_head(of))
        if f"{owner}.{name}" in CATALOG:
            self.use(f"{owner}.{name}", node, True)
        elif of in (ANY, "mixed") and name in _METHODS:
            options = [option for option in _OWNERS if f"{option}.{name}" in CATALOG]
            for option in options:
                self.use(f"{option}.{name}", node, False)

    def _told(self, function: ast.Attribute, of: str, kinds: list[str]) -> None:
        """Infer a collection's element type from what a method puts into it."""
        if not kinds:
            return
        if function.attr in ("append", "add", "insert") and type_head(of) in ("list", "set"):
            self.widen(function.value, f"{type_head(of)}[{kinds[-1]}]")
        elif function.attr in ("extend", "update") and type_head(of) in ("list", "set"):
            self.widen(function.value, f"{type_head(of)}[{element_of(kinds[0])}]")
        elif function.attr == "update" and type_head(of) == type_head(kinds[0]) == "dict":
            self.widen(function.value, kinds[0])
        elif function.attr == "setdefault" and type_head(of) == "dict" and len(kinds) == 2:
            self.widen(function.value, f"dict[{kinds[0]}, {kinds[1]}]")
        if function.attr in ("append", "extend") and isinstance(function.value, ast.Call | ast.Subscript):
            self._told_inside(function.value, kinds[0] if function.attr == "append" else element_of(kinds[0]))

    def _told_inside(self, node: ast.Call | ast.Subscript, kind: str) -> None:
        """`groups.setdefault(k, []).append(x)` and `groups[k].append(x)`."""
        holder = (
            node.value if isinstance(node, ast.Subscript) else node.func.value if isinstance(node.func, ast.Attribute) else None
        )
        if holder is not None and type_head(self.scope.names.get(getattr(holder, "id", ""), "")) == "dict":
            self.widen(holder, f"dict[{ANY}, list[{kind}]]")


class _RecordingInferer(_TypeInferer):
    """A typer that keeps what it finds in its last round."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.seen: dict[int, set[str]] = {}

    def round(self) -> None:
        self.seen.clear()
        super().round()

    def kind(self, node: ast.expr) -> str:
        found = super().kind(node)
        if self.found is not None:
            self.seen.setdefault(id(node), set()).add(found)
        return found


_Place = tuple[int, int]


def _place(node: Any) -> tuple[Any, Any]:
    """Where a use stands: at its name or sign, so that what it works on comes before it."""
    kind = node.__class__
    if kind is ast.Call:
        node = node.func
        return (node.end_lineno, node.end_col_offset) if node.__class__ is ast.Attribute else (node.lineno, node.col_offset)
    before = _BEFORE.get(kind)
    if before is None:
        return node.lineno, node.col_offset
    part = getattr(node, before)
    part = part[0] if part.__class__ is list else part
    return part.end_lineno, part.end_col_offset


def _first(pair: tuple[_Place, BuiltinUse]) -> _Place:
    return pair[0]


_BEFORE: dict[type[ast.AST], str] = {
    ast.BinOp: "left", ast.AugAssign: "target", ast.Compare: "left", ast.BoolOp: "values", ast.Subscript: "value",
    ast.Attribute: "value",
}  # fmt: skip
_HOW: dict[type[ast.AST], Callable[[_TypeInferer, Any], str]] = {  # the method that infers the type of each kind of expression
    ast.Constant: _TypeInferer.constant, ast.Name: _TypeInferer.name, ast.List: _TypeInferer.display, ast.Set: _TypeInferer.display,
    ast.Tuple: _TypeInferer.tuple_display, ast.Dict: _TypeInferer.dict_display, ast.IfExp: _TypeInferer.ternary,
    ast.NamedExpr: _TypeInferer.named,
    ast.BoolOp: _TypeInferer.boolean, ast.UnaryOp: _TypeInferer.unary, ast.BinOp: _TypeInferer.operation,
    ast.Compare: _TypeInferer.comparison,
    ast.Subscript: _TypeInferer.subscript, ast.JoinedStr: _TypeInferer.text, ast.ListComp: _TypeInferer.comprehension,
    ast.SetComp: _TypeInferer.comprehension, ast.GeneratorExp: _TypeInferer.comprehension, ast.DictComp: _TypeInferer.comprehension,
    ast.Call: _TypeInferer.call, ast.Starred: _TypeInferer.starred,
}  # fmt: skip
