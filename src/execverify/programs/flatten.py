"""Flattens a function or class of a repository, with what it needs from the repository's modules, into one program.

The program holds the definitions, constants and imports that are needed, in an order in which they run, under their own names.
Docstrings are left out: examples in them would give answers away. `module.function` becomes `function`.

>>> modules = {
...     "shop": Module("shop", "from .prices import TAX\\n\\ndef total(n):\\n    return n + TAX\\n", True, "shop/__init__.py"),
...     "shop.prices": Module("shop.prices", "import os\\nTAX = 2\\nLIMIT = 9\\n", False, "shop/prices.py"),
... }
>>> print(flatten(modules, "shop", ["total"]))
TAX = 2
<BLANKLINE>
<BLANKLINE>
def total(n):
    return n + TAX
<BLANKLINE>

What cannot be flattened raises `FlattenError`, whose `reason` many programs share.
"""

import ast
import builtins
import sys
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from execverify.errors import ProgramError
from execverify.programs.program import BYTE_ORDER_MARK
from execverify.programs.repository import Module
from execverify.programs.scopes import Scope, nodes_with_scopes, scopes_of

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_INNER = (*_DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BUILTINS = frozenset(dir(builtins))
_MAX_STATEMENTS = 400
_RAISES = "unittest.TestCase().assertRaises"


class FlattenError(ProgramError):
    """Something cannot be flattened into one program.

    Attributes:
        reason: why, in a few words that many programs share.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True)
class _Definition:
    """A name that a module of the repository defines itself."""

    module: str
    name: str


@dataclass(frozen=True)
class _External:
    """A name that an import of another package binds: `from module import name`, or `import module` where there is no name.

    Attributes:
        module: the module; for `import a.b` without `as`, the whole dotted name.
        name: what is imported from it; None for the module.
        renamed: whether `as` names the module.
    """

    module: str
    name: str | None
    renamed: bool = False

    def line(self, bound: str) -> str:
        """The import statement that binds a name to it."""
        if self.name is not None:
            return f"from {self.module} import {self.name}" + (f" as {bound}" if bound != self.name else "")
        return f"import {self.module}" + (f" as {bound}" if self.renamed else "")


@dataclass(frozen=True)
class _OwnModule:
    """A module of the repository as a value."""

    module: str


_Target = _Definition | _External | _OwnModule


class _Source:
    """A module with what flattening asks about it.

    Args:
        module: the module.
        modules: the repository's, by dotted name.
    """

    def __init__(self, module: Module, modules: Collection[str]) -> None:
        self.module = module
        self.name = module.name
        self.body = list(_statements(module, modules))
        self.data = module.source.lstrip(BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n").encode()
        self.starts = [0]
        for line in self.data.split(b"\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.bound: dict[str, list[int]] = {}
        for index, node in enumerate(self.body):
            for name in dict.fromkeys(_bound_by(node)):
                self.bound.setdefault(name, []).append(index)
        futures = (node for node in self.body if isinstance(node, ast.ImportFrom) and node.module == "__future__")
        self.postponed = any(alias.name == "annotations" for node in futures for alias in node.names)

    @cached_property
    def reads(self) -> dict[int, list[tuple[ast.Name, Scope]]]:
        """For each statement, the global names in it, with the scope in which each stands."""
        skipped = set(_annotation_nodes(self.module.tree)) if self.postponed else set()
        owner = {id(node): index for index, statement in enumerate(self.body) for node in ast.walk(statement)}
        found: dict[int, list[tuple[ast.Name, Scope]]] = {}
        for node, scope in nodes_with_scopes(self.module.tree, scopes_of(self.module.tree)):
            if isinstance(node, ast.Name) and id(node) in owner and id(node) not in skipped:
                where = scope.resolve(node.id)
                if where is None or where[0].parent is None:
                    found.setdefault(owner[id(node)], []).append((node, scope))
        return found

    @cached_property
    def parent(self) -> dict[int, ast.AST]:
        """The node around each node."""
        return {id(inner): node for node in ast.walk(self.module.tree) for inner in ast.iter_child_nodes(node)}

    def offset(self, line: int, column: int) -> int:
        """The place of a line and column, in bytes."""
        return self.starts[line - 1] + column

    def span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        """Where a node's text begins and ends, with the decorators before it."""
        first = min(
            [(node.lineno, node.col_offset), *((d.lineno, d.col_offset - 1) for d in getattr(node, "decorator_list", []))]
        )
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self.starts[first[0] - 1] if first != (node.lineno, node.col_offset) else self.offset(*first)
        return start, self.offset(node.end_lineno, node.end_col_offset)


@dataclass
class _Parts:
    """What the program will hold; filled while names are followed.

    Attributes:
        statements: indexes of statements, by module.
        edits: replacements in a module's text: start, end, new text.
        claims: what each global name of the program means.
        imports: import lines.
        aliases: by module, lines that give a definition another name.
    """

    statements: dict[str, set[int]] = field(default_factory=dict)
    edits: dict[str, dict[tuple[int, int], str]] = field(default_factory=dict)
    claims: dict[str, object] = field(default_factory=dict)
    imports: dict[str, None] = field(default_factory=dict)
    aliases: dict[str, dict[str, None]] = field(default_factory=dict)

    def claim(self, name: str, meaning: object) -> None:
        """Notes what a name means; raises FlattenError where it means something else in another module."""
        if self.claims.setdefault(name, meaning) != meaning:
            raise FlattenError("names collide", f"two modules use the name {name!r} for different things")


class Flattener:
    """Flattens names of one set of modules. Keeps what it has read of them.

    Args:
        modules: the repository's, by dotted name.
        imports: installed packages that programs may import beside the standard library.
    """

    def __init__(self, modules: Mapping[str, Module], imports: Collection[str] = ()) -> None:
        self.modules = modules
        self.allowed = frozenset(imports)
        self._sources: dict[str, _Source] = {}

    def flatten(self, module: str, names: Iterable[str]) -> str:
        """The program's text.

        Args:
            module: dotted name of the module that the names are read in.
            names: functions, classes or constants that the program has to define.

        Raises:
            FlattenError: it needs something that cannot be flattened.
            ProgramError: a module that it needs is not Python.
        """
        parts = _Parts()
        for name in names:
            target = self._target(module, name)
            if target is None:
                raise FlattenError("not defined", f"{module} does not define {name!r} in a way that can be followed")
            self._use(parts, module, name, target)
        self._add_changes(parts)
        return self._text(parts, module)

    # ---- what a name means

    def _source(self, module: str) -> _Source:
        if module not in self._sources:
            self._sources[module] = _Source(self.modules[module], self.modules)
        return self._sources[module]

    def _target(self, module: str, name: str, seen: frozenset[tuple[str, str]] = frozenset()) -> _Target | None:
        """What a global name of a module means; None for a built-in or unknown name."""
        if (module, name) in seen:
            return None
        seen |= {(module, name)}
        source = self._source(module)
        indexes = source.bound.get(name, [])
        imports = [node for node in (source.body[i] for i in indexes) if isinstance(node, ast.Import | ast.ImportFrom)]
        if indexes and len(imports) < len(indexes):
            return _Definition(module, name)
        if imports:
            return self._imported(source, imports[-1], name, seen)
        if f"{module}.{name}" in self.modules and self.modules[module].is_package:
            return _OwnModule(f"{module}.{name}")
        for node in source.body:
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                base = source.module.absolute(node)
                found = self._target(base, name, seen) if base in self.modules and self._is_public(base, name) else None
                if found is not None:
                    return found
        return None

    def _is_public(self, module: str, name: str) -> bool:
        """Whether `from module import *` binds a name: by `__all__` where it is a plain list, else by the underscore."""
        for node in self._source(module).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                try:
                    return name in ast.literal_eval(node.value)
                except ValueError:
                    return True
        return not name.startswith("_")

    def _imported(
        self, source: _Source, node: ast.Import | ast.ImportFrom, name: str, seen: frozenset[tuple[str, str]]
    ) -> _Target | None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                if (alias.asname or alias.name.partition(".")[0]) != name:
                    continue
                root = alias.name.partition(".")[0]
                if root in self.modules:
                    return _OwnModule(alias.name if alias.asname else root)
                return _External(alias.name, None, alias.asname is not None)
            if (alias.asname or alias.name) == name:
                base = source.module.absolute(node)
                if base in self.modules:
                    return self._target(base, alias.name, seen)
                if f"{base}.{alias.name}".lstrip(".") in self.modules:
                    return _OwnModule(f"{base}.{alias.name}".lstrip("."))
                return _External(base, alias.name)
        return None

    # ---- what is needed

    def _use(self, parts: _Parts, module: str, name: str, target: _Target) -> None:
        """Adds what a name of a module means to the program, under that name."""
        if isinstance(target, _OwnModule):
            raise FlattenError("a module as a value", f"{module} uses the module {target.module} in another way than module.name")
        if isinstance(target, _External):
            self._check_external(target)
            parts.claim(name, target if target.name or target.renamed else _External(target.module.partition(".")[0], None))
            if target.module != "__future__":
                parts.imports[target.line(name)] = None
            return
        self._define(parts, target)
        if name != target.name:
            parts.claim(name, target)
            parts.aliases.setdefault(module, {})[f"{name} = {target.name}"] = None

    def _check_external(self, target: _External) -> None:
        root = target.module.partition(".")[0]
        if root not in sys.stdlib_module_names and root not in self.allowed:
            if not root or f"{root}" in {name.partition(".")[0] for name in self.modules}:
                raise FlattenError(
                    "a module that is not there", f"{target.module} (a compiled extension, or made when it is built)"
                )
            raise FlattenError("third-party import", f"it imports {root}, which --allow-imports {root} would permit")

    def _define(self, parts: _Parts, target: _Definition) -> None:
        for index in self._source(target.module).bound[target.name]:
            self._add(parts, target.module, index)

    def _add(self, parts: _Parts, module: str, index: int) -> None:
        """Adds a statement of a module, and what it needs."""
        chosen = parts.statements.setdefault(module, set())
        if index in chosen:
            return
        chosen.add(index)
        if sum(map(len, parts.statements.values())) > _MAX_STATEMENTS:
            raise FlattenError("too long", f"it needs more than {_MAX_STATEMENTS} statements of modules")
        source = self._source(module)
        statement = source.body[index]
        self._check_imports(source, statement)
        for name in _bound_by(statement):
            parts.claim(name, _Definition(module, name))
        edits = parts.edits.setdefault(module, {})
        edits.update(_without_docstrings(source, statement))
        handled = self._without_pytest(parts, source, statement)
        for node, scope in source.reads.get(index, ()):
            if id(node) not in handled:
                self._read(parts, source, node, scope)

    def _check_imports(self, source: _Source, statement: ast.stmt) -> None:
        """Refuses imports of the repository's own modules anywhere but at the top, where no name can be followed."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                bases = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                bases = [source.module.absolute(node)]
            else:
                continue
            if isinstance(node, ast.ImportFrom) and node.level and bases[0] not in self.modules and node.module is None:
                raise FlattenError("conditional import", f"line {node.lineno} of {source.module.location}")
            for base in bases:
                if base.partition(".")[0] in self.modules or (isinstance(node, ast.ImportFrom) and node.level):
                    raise FlattenError("conditional import", f"line {node.lineno} of {source.module.location} imports {base}")
                self._check_external(_External(base, None))

    def _read(self, parts: _Parts, source: _Source, node: ast.Name, scope: Scope) -> None:
        target = self._target(source.name, node.id)
        if target is None:
            if node.id in _BUILTINS:
                parts.claim(node.id, "built-in")
        elif isinstance(target, _OwnModule):
            self._read_attribute(parts, source, node, target, scope)
        else:
            self._use(parts, source.name, node.id, target)

    def _read_attribute(self, parts: _Parts, source: _Source, node: ast.Name, target: _Target, scope: Scope) -> None:
        """`module.name` of a module of the repository: the program has the name alone."""
        outer: ast.expr = node
        while isinstance(target, _OwnModule):
            around = source.parent[id(outer)]
            if not isinstance(around, ast.Attribute):
                raise FlattenError("a module as a value", f"line {node.lineno} of {source.module.location}: {target.module}")
            found = self._target(target.module, around.attr)
            if found is None or not isinstance(around.ctx, ast.Load):
                raise FlattenError("module state", f"line {node.lineno} of {source.module.location}: {ast.unparse(around)}")
            target, outer, name = found, around, around.attr
        where = scope.resolve(name)
        if where is not None and where[0].parent is not None:
            raise FlattenError("names collide", f"{name!r} is a local name at line {node.lineno} of {source.module.location}")
        self._use(parts, source.name, name, target)
        parts.edits[source.name][source.span(outer)] = name

    def _without_pytest(self, parts: _Parts, source: _Source, statement: ast.stmt) -> set[int]:
        """Takes `pytest.mark` away, and writes `pytest.raises` as unittest does; returns the names that need no import then."""
        handled: set[int] = set()
        for node in ast.walk(statement):
            for mark in getattr(node, "decorator_list", []):
                if ast.unparse(mark).startswith("pytest.mark."):
                    _, end = source.span(mark)
                    parts.edits[source.name][(source.starts[mark.lineno - 1], end + 1)] = ""
                    handled |= {id(inner) for inner in ast.walk(mark)}
            if isinstance(node, ast.With):
                for item in node.items:
                    call = item.context_expr
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.raises" and item.optional_vars is None:
                        if len(call.args) != 1 or call.keywords:
                            raise FlattenError(
                                "a feature of pytest", f"pytest.raises with more than a type, at line {node.lineno}"
                            )
                        parts.edits[source.name][source.span(call.func)] = _RAISES
                        parts.claim("unittest", _External("unittest", None))
                        parts.imports["import unittest"] = None
                        handled |= {id(inner) for inner in ast.walk(call.func)}
        return handled

    def _add_changes(self, parts: _Parts) -> None:
        """Adds the statements that change what the program defines: `TABLE["a"] = 1`, `TABLE.update(...)`."""
        again = True
        while again:
            before = {module: len(chosen) for module, chosen in parts.statements.items()}
            for module in list(parts.statements):
                source, chosen = self._source(module), parts.statements[module]
                defined = {name for index in chosen for name in _bound_by(source.body[index])}
                for index, node in enumerate(source.body):
                    if index not in chosen and not isinstance(node, (*_DEFINITIONS, ast.Import, ast.ImportFrom)):
                        changed = set() if _is_main(node) else _changed_by(node)
                        if changed & defined:
                            self._add(parts, module, index)
            again = before != {module: len(chosen) for module, chosen in parts.statements.items()}

    # ---- the text

    def _text(self, parts: _Parts, module: str) -> str:
        used = {*parts.statements, *parts.aliases}
        blocks: list[tuple[bool, str]] = []
        for name in self._order(module):
            if name not in used:
                continue
            source = self._source(name)
            edits = parts.edits.get(name, {})
            chosen = sorted(parts.statements.get(name, ()))
            aliases = [(False, line) for line in parts.aliases.get(name, {})]
            blocks += aliases
            blocks += [(isinstance(source.body[i], _DEFINITIONS), _edited(source, source.body[i], edits)) for i in chosen]
        head = ["from __future__ import annotations"] if any(self._source(name).postponed for name in parts.statements) else []
        head += sorted(parts.imports, key=lambda line: (line.startswith("from"), line))
        text = "\n".join(head)
        was_definition = bool(head)
        for is_definition, block in blocks:
            gap = "\n\n\n" if is_definition or was_definition else "\n"
            text += (gap if text else "") + block
            was_definition = is_definition
        return text + "\n"

    def _order(self, module: str) -> list[str]:
        """The modules in the order in which Python would finish to import them, the given one last."""
        done: dict[str, None] = {}
        left: list[tuple[str, Iterator[str]]] = [(module, iter(self._imports_of(module)))]
        seen = {module}
        while left:
            name, rest = left[-1]
            following = next((each for each in rest if each not in seen), None)
            if following is None:
                done[name] = None
                left.pop()
            else:
                seen.add(following)
                left.append((following, iter(self._imports_of(following))))
        return list(done)

    def _imports_of(self, module: str) -> list[str]:
        source = self._source(module)
        found: list[str] = []
        for node in source.body:
            if isinstance(node, ast.ImportFrom):
                base = source.module.absolute(node)
                found += [*(f"{base}.{alias.name}" for alias in node.names), base]
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    names = alias.name.split(".")
                    found += [".".join(names[:end]) for end in range(len(names), 0, -1)]
        return [name for name in found if name in self.modules]


def flatten(modules: Mapping[str, Module], module: str, names: Sequence[str], imports: Collection[str] = ()) -> str:
    """One program with some names of a module and what they need; see `Flattener.flatten`."""
    return Flattener(modules, imports).flatten(module, names)


def _edited(source: _Source, node: ast.stmt, edits: Mapping[tuple[int, int], str]) -> str:
    """A statement's text with the replacements that lie in it."""
    start, end = source.span(node)
    data = source.data[start:end]
    inside = [(a, b, text) for (a, b), text in edits.items() if start <= a and b <= end + 1]
    for a, b, text in sorted(inside, reverse=True):
        data = data[: a - start] + text.encode() + data[b - start :]
    text = data.decode().strip("\n")
    return textwrap.dedent(" " * node.col_offset + text) if node.col_offset and start != source.starts[node.lineno - 1] else text


def _without_docstrings(source: _Source, statement: ast.stmt) -> Iterator[tuple[tuple[int, int], str]]:
    """Replacements that take the docstrings of functions and classes away."""
    for node in ast.walk(statement):
        if not isinstance(node, _DEFINITIONS) or ast.get_docstring(node, clean=False) is None:
            continue
        text = node.body[0]
        start, end = source.span(text)
        line = source.starts[text.lineno - 1]
        if len(node.body) == 1:
            yield (start, end), "pass"
        elif not source.data[line:start].strip() and node.body[1].lineno > (text.end_lineno or 0):
            stop = source.starts[text.end_lineno or 0]
            while source.data[stop : stop + 1] == b"\n":
                stop += 1
            yield (line, stop), ""


def _statements(module: Module, modules: Collection[str]) -> Iterator[ast.stmt]:
    """A module's statements; of `try: from .own import x` with `except ImportError`, the statements that run."""
    for node in module.tree.body:
        if isinstance(node, ast.Try) and not node.finalbody and all(_catches_import_error(each) for each in node.handlers):
            first = node.body[0]
            if isinstance(first, ast.ImportFrom) and module.absolute(first) in modules:
                yield from (*node.body, *node.orelse)
                continue
        if not _is_type_checking(node):
            yield node


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    return handler.type is not None and ast.unparse(handler.type) in ("ImportError", "ModuleNotFoundError")


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING" and not node.orelse


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _bound_by(statement: ast.stmt) -> Iterator[str]:
    """The global names that a statement of a module binds when it runs."""
    left: list[ast.AST] = [statement]
    while left:
        node = left.pop()
        if isinstance(node, _DEFINITIONS):
            yield node.name
        elif isinstance(node, ast.alias):
            if node.name != "*":
                yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if not isinstance(node, _INNER):
            left += ast.iter_child_nodes(node)


def _changed_by(statement: ast.stmt) -> set[str]:
    """The names whose objects a statement changes without binding them."""
    found: set[str] = set()
    for node in ast.walk(statement):
        base: ast.AST | None = None
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            base = node.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
            base = node.value.func.value
        if isinstance(base, ast.Name):
            found.add(base.id)
    return found


def _annotation_nodes(tree: ast.Module) -> Iterator[int]:
    """The `id` of each node in an annotation."""
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            part = getattr(node, name, None)
            if isinstance(part, ast.AST):
                yield from (id(inner) for inner in ast.walk(part))
