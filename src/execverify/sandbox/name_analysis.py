"""Classifies the names in a dataset's assertions: defined by the tests, built in, or the candidate's. The code is parsed, never run.

A name that the tests define (by assignment, `def`, `import`, also `from collections import *`) is never the candidate's. The entry
point always is. Any other name that they use is the candidate's too, or undefined.
"""

import ast
import builtins
import functools
import importlib
import symtable
from collections.abc import Collection, Iterable, Iterator

from execverify.programs.literals import parse_without_warnings

_STAR_MODULES = (
    "abc array bisect calendar cmath collections collections.abc contextlib copy dataclasses datetime decimal enum fractions functools "
    "hashlib heapq itertools json math numbers operator os.path pathlib queue random re secrets statistics string struct sys textwrap "
    "threading time types typing unicodedata uuid zlib"
)
STAR_MODULES = frozenset(_STAR_MODULES.split())
"""Modules of the standard library that tests may import with `from M import *`. They are imported here to list their names."""

_BUILTINS = frozenset(vars(builtins)) | {"__name__", "__file__", "__run_test__"}
_PLAIN_ATTRIBUTES = frozenset().union(
    *map(dir, (None, 0, 0.0, 0j, "", b"", bytearray(), range(0), [], (), {}, set(), frozenset()))
)


def candidate_names(texts: Iterable[str], entry_point: str | None = None) -> frozenset[str]:
    """The names that trusted code uses, and that are neither defined there nor built in. The entry point, in full, is always one.

    Args:
        texts: a setup and assertions.
        entry_point: the function under test, `f` or `Solution.f`. Its last part is the candidate's even where it is a builtin's name.

    Raises:
        SyntaxError: a text is no valid code.
        ValueError: it imports all names of a module that is not one of `STAR_MODULES`.
    """
    parts = [_defined_and_used(text) for text in texts]
    defined, used = (frozenset().union(*some) for some in zip(*parts, strict=True)) if parts else (frozenset(), frozenset())
    if entry_point is None:
        return used - defined - _BUILTINS
    last = entry_point.rpartition(".")[2]
    return (used - defined - _BUILTINS - {last}) | {entry_point}


@functools.lru_cache(maxsize=4_096)
def _defined_and_used(code: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names that code defines at module level, and those that it looks up there."""
    defined: set[str] = set()
    used: set[str] = set()
    tables = [symtable.symtable(code, "<tests>", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        at_module_level = table.get_type() == "module"
        for symbol in table.get_symbols():
            defines = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if defines and (at_module_level or symbol.is_global()):
                defined.add(symbol.get_name())
            elif symbol.is_referenced() and (at_module_level or symbol.is_global()):
                used.add(symbol.get_name())
    if "*" in code and "import" in code:
        for module in _star_imports(code):
            defined |= names_of_module(module)
    return frozenset(defined), frozenset(used)


def _star_imports(code: str) -> Iterator[str]:
    for node in ast.walk(parse_without_warnings(code, "exec")):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield node.module or ""


@functools.cache
def names_of_module(module: str) -> frozenset[str]:
    """The names that `from module import *` defines.

    Raises:
        ValueError: the module is not one of `STAR_MODULES`.
    """
    if module not in STAR_MODULES:
        raise ValueError(
            f"it imports all names of {module or 'a package'}, and which these are is not known: import them by name"
        )
    found = importlib.import_module(module)
    exported = getattr(found, "__all__", None)
    return frozenset(exported if exported is not None else (name for name in vars(found) if not name.startswith("_")))


def used_classes(texts: Iterable[str], names: Collection[str]) -> frozenset[str]:
    """The candidate's names that trusted code uses as classes, or whose results it uses as objects.

    Such a name begins with a capital and is called, stands after `except` or in `isinstance`, or has subclasses; or the code reads an
    attribute of its result that no plain value has: `Stack()`, `f(1).x`, `s = Stack(); s.push(1)`.

    Args:
        texts: trusted code.
        names: the candidate's names.
    """
    known = frozenset(names)
    return frozenset[str]().union(*(_used_classes(text, known) for text in texts))


@functools.lru_cache(maxsize=4_096)
def _used_classes(text: str, names: frozenset[str]) -> frozenset[str]:
    if not any(name in text for name in names):
        return frozenset()
    tree = parse_without_warnings(text, "exec")
    aliases = _parameters_of_checks(tree, names)
    every = names | aliases.keys()
    results = _variables_of_results(tree, every)
    return frozenset(aliases.get(name, name) for node in ast.walk(tree) for name in _used_as_class(node, every, results))


def _parameters_of_checks(tree: ast.AST, names: Collection[str]) -> dict[str, str]:
    """Maps the parameter of a function such as `check(candidate)` to the name that the function is called with."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) == 1]
    given = {
        node.func.id: node.args[0].id
        for node in calls
        if isinstance(node.func, ast.Name) and isinstance(node.args[0], ast.Name) and node.args[0].id in names
    }
    return {
        node.args.args[0].arg: given[node.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and len(node.args.args) == 1 and node.name in given
    }


def _variables_of_results(tree: ast.AST, names: Collection[str]) -> dict[str, str]:
    """Maps variables that hold the result of calling one of the names to that name."""
    return {
        target.id: call
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and (call := _called(node.value, names)) is not None
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _used_as_class(node: ast.AST, names: Collection[str], results: dict[str, str]) -> Iterator[str]:
    in_class_places = {part.id for part in _class_places(node) if isinstance(part, ast.Name)}
    yield from in_class_places & set(names)
    if (call := _called(node, names)) is not None and call[0].isupper():
        yield call
    if isinstance(node, ast.Attribute) and node.attr not in _PLAIN_ATTRIBUTES:
        owner = node.value
        if (call := _called(owner, names)) is not None:
            yield call
        elif isinstance(owner, ast.Name) and owner.id in results:
            yield results[owner.id]


def _class_places(node: ast.AST) -> Iterator[ast.AST]:
    """The expressions in places where only a class can stand."""
    if isinstance(node, ast.ExceptHandler) and node.type is not None:
        yield from ast.walk(node.type)
    elif isinstance(node, ast.ClassDef):
        yield from node.bases
    elif isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in ("isinstance", "issubclass", "assertIsInstance", "assertNotIsInstance"):
            yield from (part for argument in node.args[1:] for part in ast.walk(argument))
        elif name in ("raises", "assertRaises", "assertRaisesRegex"):
            yield from (part for argument in node.args[:1] for part in ast.walk(argument))
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id[:1].isupper():
        yield node.value  # Stack.LIMIT


def _called(node: ast.AST, names: Collection[str]) -> str | None:
    """The one of the names that a call calls; None where it calls none."""
    name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
    return name if name in names else None


def defined_classes(code: str) -> frozenset[str]:
    """The classes that code defines at module level."""
    tree = parse_without_warnings(code, "exec")
    return frozenset(node.name for node in getattr(tree, "body", ()) if isinstance(node, ast.ClassDef))


def without_function_bodies(code: str) -> str:
    """The part of code that runs when it is loaded: the code without the bodies of its functions and methods."""
    tree = parse_without_warnings(code, "exec")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return ast.unparse(tree)


def calls_name(texts: Iterable[str], name: str) -> bool:
    """Whether code calls a name, or passes it as an argument."""
    for text in texts:
        nodes = list(ast.walk(parse_without_warnings(text, "exec")))
        for node in nodes:
            parts = [node.func, *node.args] if isinstance(node, ast.Call) else []
            if any(isinstance(part, ast.Name) and part.id == name for part in parts):
                return True
    return False
