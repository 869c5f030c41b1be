"""Tests that are code, HumanEval's and MBPP's way, taken apart into single asserts. Read, never run.

A test of HumanEval's form is a function `check(candidate)`. Each statement of it that asserts becomes a test of its own,
with the statements before it that assert nothing, so that a reward can say which assert holds.
"""

import ast
import builtins
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence

from execverify.errors import RowError
from execverify.programs.literals import parse_without_warnings
from execverify.programs.program import module_names

_BUILTINS = frozenset(vars(builtins))
_PLAIN = frozenset().union(
    *map(dir, (None, 0, 0.0, 0j, "", b"", bytearray(), range(0), [], (), {}, set(), frozenset()))
)  # attributes of plain values


def parse_tests(source: str, what: str) -> ast.Module:
    """Syntax tree of test code; raises RowError that names what it is of."""
    try:
        return _parsed(source)
    except SyntaxError as error:
        raise RowError(f"{what} cannot be read: it is not Python at line {error.lineno}: {error.msg}") from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise RowError(f"{what} cannot be read: {str(error) or 'it is nested too deeply'}") from None


def _parsed(source: str) -> ast.Module:
    tree = parse_without_warnings(source, "exec")
    assert isinstance(tree, ast.Module)
    return tree


def split_module(source: str, what: str) -> tuple[str, list[str]]:
    """Test code with asserts at its top level: what stands before and between them, and the asserts.

    Raises:
        RowError: the code does not parse, or asserts nothing.
    """
    tree = parse_tests(source, what)
    asserts = [node for node in tree.body if isinstance(node, ast.Assert)]
    if not asserts:
        raise RowError(f"{what} has no assert at its top level")
    rest = [node for node in tree.body if not isinstance(node, ast.Assert)]
    return _text(rest), [ast.unparse(node) for node in asserts]


def split_check(source: str) -> tuple[str, str, list[str]]:
    """Test code with a function `check(candidate)`: its setup, its parameter, and a `check` for each statement that asserts.

    Raises:
        RowError: the code does not parse, or has no such function.
    """
    tree = parse_tests(source, "the test")
    checks = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    if len(checks) != 1 or len(checks[0].args.args) != 1:
        raise RowError("the test has no function check(candidate): give asserts, or a test like HumanEval's")
    check = checks[0]
    setup = [node for node in tree.body if node is not check and not _is_call_of(node, "check")]
    return _text(setup), check.args.args[0].arg, [_text([_with_body(check, body)]) for body in _bodies(check.body)]


def why_unsupported(test: str, names: Iterable[str]) -> str:
    """Why no candidate can be judged by test code; empty where candidates can.

    Nothing in it depends on a candidate (`assert True` would pay every one), or it uses the candidate's objects as objects
    (`Stack().push(1)`), which do not cross from process to process.

    Args:
        test: test code that parses.
        names: what stands for the candidate.
    """
    tree = _parsed(test)
    asserts = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    if asserts and not any(isinstance(part, ast.Name) for node in asserts for part in ast.walk(node.test)):
        return "it asserts constants alone"
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names = set(names)
    if not used & names:
        return f"it does not call {' or '.join(sorted(names))}"
    foreign = next(_foreign_attributes(tree, names), None)
    return f"it uses .{foreign} of what it is given, which is then no plain data" if foreign else ""


def _foreign_attributes(tree: ast.AST, names: Collection[str]) -> Iterator[str]:
    """Attributes that a test reads of what the candidate gives and that no plain value has."""
    made = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_call(node.value, names)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        of = node.value if isinstance(node, ast.Attribute) and node.attr not in _PLAIN else None
        if of is not None and (_is_call(of, names) or (isinstance(of, ast.Name) and of.id in made)):
            yield node.attr  # type: ignore[attr-defined]


def _is_call(node: ast.AST, names: Collection[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def called_function(setup: str, asserts: Sequence[str]) -> str:
    """The one function that asserts call and nothing in their setup or Python itself defines.

    Raises:
        RowError: there is none, or more than one.
    """
    known = _BUILTINS | module_names(parse_tests(setup, "the setup"))
    found: dict[str, None] = {}
    for number, text in enumerate(asserts):
        nodes = list(ast.walk(parse_tests(text, f"asserts[{number}]")))
        bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        called = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        found.update(dict.fromkeys(name for name in called if name not in known and name not in bound))
    if len(found) != 1:
        what = f"call {', '.join(found)}" if found else "call no function that is not defined"
        raise RowError(f"the asserts {what}: say which function is asked for, as entry_point")
    return next(iter(found))


def with_imports(setup: str, tests: Sequence[str], entry_point: str) -> str:
    """A setup that also imports the standard modules which the tests use and nobody imports.

    Benchmarks' tests rely on what their reference solutions happen to import (`assert math.isclose(f(3), 4)`).
    """
    nodes = [node for text in (setup, *tests) for node in ast.walk(_parsed(text))]
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)} | module_names(_parsed(setup)) | {entry_point}
    for text in tests:
        bound |= module_names(_parsed(text))
    used = {node.value.id for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    missing = sorted((used & sys.stdlib_module_names) - bound)
    return "\n".join([*(f"import {name}" for name in missing), *([setup] if setup else [])])


def _bodies(body: list[ast.stmt]) -> list[list[ast.stmt]]:
    """For each statement that asserts, the statements before it that do not, and itself.

    All in one where a statement that asserts binds names for later ones.
    """
    asserting = [index for index, node in enumerate(body) if any(isinstance(part, ast.Assert) for part in ast.walk(node))]
    if any(_names(body[index : index + 1], ast.Store) & _names(body[index + 1 :], ast.Load) for index in asserting):
        return [body]
    if not asserting:
        return [body]
    return [[node for number, node in enumerate(body[:index]) if number not in asserting] + [body[index]] for index in asserting]


def _names(nodes: Sequence[ast.stmt], context: type[ast.expr_context]) -> set[str]:
    return {part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, context)}


def _with_body(check: ast.FunctionDef, body: list[ast.stmt]) -> ast.FunctionDef:
    fields = {**dict(ast.iter_fields(check)), "body": body}
    return ast.copy_location(ast.FunctionDef(**fields), check)


def _is_call_of(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Expr) and _is_call(node.value, {name})


def _text(body: list[ast.stmt]) -> str:
    return ast.unparse(ast.Module(body, []))
