"""Tests that are code, taken apart into single tests. Read, never run.

Test code is what HumanEval (`def check(candidate)`), MBPP (asserts), LeetCode sets and pytest or unittest files hold. Each statement of a
`check` that asserts becomes a test of its own, with the statements before it that assert nothing; so does each assert at the top level,
each test function, and each method of a test class.
"""

import ast
import builtins
import functools
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from execverify.errors import RowError
from execverify.programs.literals import parse_without_warnings
from execverify.sandbox.name_analysis import candidate_names, names_of_module, used_classes
from execverify.sandbox.pytest_substitute import RUN

SOLUTION = frozenset({"solution", "candidate", "your_module", "your_code", "main", "submission"})
"""Modules under whose name test files import what they test."""

_PROVIDED = frozenset({"pytest"})
_METHOD = re.compile(r"(\w+)\(\)\.(\w+)")
_FALSE = (False, 0, None, "")


@dataclass(frozen=True, slots=True)
class TestCode:
    """Test code, taken apart.

    Attributes:
        setup: what stands before and between the tests.
        tests: each test's code, and the code to look at where it is not the same (a test function, of which the code is a call).
        names: of the candidate's, as far as the code says so: what it imports from the solution.
        entry_point: what is tested, where the code says so: `check(f)`.
        parameter: by which `check` knows it.
    """

    __test__ = False  # no test of pytest's

    setup: str
    tests: tuple[tuple[str, str], ...]
    names: tuple[str, ...] = ()
    entry_point: str | None = None
    parameter: str | None = None


def parse_test_code(source: str, what: str) -> ast.Module:
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


def entry_point_of(name: str) -> str:
    """An entry point in our spelling: LeetCode sets write `Solution().f`."""
    found = _METHOD.fullmatch(name.strip())
    return f"{found[1]}.{found[2]}" if found else name


def split_tests(source: str, what: str, *, may_lack: bool = False) -> TestCode:
    """Test code in any of its forms, taken apart.

    Args:
        source: the code.
        what: what it is of, for messages.
        may_lack: whether it may test nothing.

    Raises:
        RowError: the code does not parse, or tests nothing.
    """
    tree = parse_test_code(source, what)
    names = _from_the_solution(tree)
    checks = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check" and len(node.args.args) == 1
    ]
    if len(checks) == 1:
        return _checked(tree, checks[0], names)
    setup: list[ast.stmt] = []
    tests: list[tuple[str, str]] = []
    script, others = _script(tree.body)
    if script:
        tests += [(text, text) for text in map(_text, _bodies(script, _asserting_functions(others)))]
    for node in others:
        found = list(_tests_in(node))
        tests += [(given, _text([node])) for given in found]
        if not isinstance(node, ast.Assert | ast.With | ast.Try) or not found:
            setup += [] if _runs_tests(node) else [node]
    if not tests and not may_lack:
        raise RowError(f"{what} has no test: no assert at its top level, no test function, no function check(candidate)")
    return TestCode(_text(setup), tuple(tests), tuple(names))


def _script(body: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """The statements of a file that is a script, whose asserts depend on what is done between them; and all others.

    No file is one whose first assert comes after everything else that is done, and of whose asserts none leaves something for another.
    """
    defining = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    done = [node for node in body if not isinstance(node, defining) and not _runs_tests(node)]
    helpers = _asserting_functions(body)
    asserting = [index for index, node in enumerate(done) if _asserts(node, helpers)]
    if not asserting:
        return [], body
    plain = all(isinstance(done[index], ast.Assert | ast.With | ast.Try) for index in asserting)
    if plain and asserting == [*range(asserting[0], len(done))] and not _is_asserting(done, asserting):
        return [], body
    return done, [node for node in body if node not in done]


def _checked(tree: ast.Module, check: ast.FunctionDef, names: list[str]) -> TestCode:
    calls = [node for node in tree.body if _is_call_of(node, "check")]
    named = None
    if calls and len(calls[0].value.args) == 1:  # type: ignore[attr-defined]
        named = entry_point_of(ast.unparse(calls[0].value.args[0]))  # type: ignore[attr-defined]
        named = named if all(part.isidentifier() for part in named.split(".")) else None
    setup = [node for node in tree.body if node is not check and not _runs_tests(node) and node not in calls]
    bodies = _bodies(check.body, _asserting_functions(tree.body))
    tests = tuple((text, text) for text in (_text([_with_body(check, body)]) for body in bodies))
    return TestCode(_text(setup), tests, tuple(names), named, check.args.args[0].arg)


def _tests_in(node: ast.stmt) -> Iterator[str]:
    """The code of the tests that a statement at the top level is or holds."""
    if isinstance(node, ast.Assert | ast.With | ast.Try):
        if any(isinstance(part, ast.Assert | ast.With) for part in ast.walk(node)):
            yield _text([node])
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        plain = isinstance(node, ast.FunctionDef) and not node.args.args and not node.decorator_list
        yield f"{node.name}()" if plain else f"{RUN}({node.name})"
    elif isinstance(node, ast.ClassDef) and (node.name.startswith("Test") or _is_test_case(node)):
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name.startswith("test"):
                yield f"{RUN}({node.name}, {part.name!r})"


def _is_test_case(node: ast.ClassDef) -> bool:
    return any("TestCase" in ast.unparse(base) for base in node.bases)


def _runs_tests(node: ast.stmt) -> bool:
    """Whether a statement runs tests that are run one by one instead: `test_f()`, `unittest.main()`, `if __name__ == ...`."""
    if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
        return True
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    called = ast.unparse(node.value.func)
    return called.startswith("test") or called in ("unittest.main", "pytest.main", "main", "sys.exit", "exit")


def _from_the_solution(tree: ast.Module) -> list[str]:
    """Takes the imports of the solution out of a tree; returns the names that they make known."""
    names: dict[str, None] = {}
    modules: set[str] = set()

    class Takes(ast.NodeTransformer):
        def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | list[ast.stmt] | None:
            if node.level == 0 and (node.module or "").split(".")[0] not in SOLUTION:
                return node
            listed = [alias for alias in node.names if alias.name != "*"]
            names.update(dict.fromkeys(alias.name for alias in listed))
            renamed = [alias for alias in listed if alias.asname not in (None, alias.name)]
            return [ast.parse(f"{alias.asname} = {alias.name}").body[0] for alias in renamed] or ast.Pass()

        def visit_Import(self, node: ast.Import) -> ast.AST:
            ours = [alias for alias in node.names if alias.name in SOLUTION]
            modules.update(alias.asname or alias.name for alias in ours)
            node.names = [alias for alias in node.names if alias not in ours]
            return node if node.names else ast.Pass()

        def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
            self.generic_visit(node)
            if isinstance(node.value, ast.Name) and node.value.id in modules:
                names[node.attr] = None
                return ast.copy_location(ast.Name(node.attr, node.ctx), node)
            return node

    Takes().visit(tree)
    ast.fix_missing_locations(tree)
    return list(names)


# ------------------------------------------------------------------------------------------------ what cannot be judged by

_SHARED = {
    "os.environ": "the environment", "os.getenv": "the environment", "os.putenv": "the environment", "os.chdir": "the working folder",
    "sys.stdin": "standard input", "sys.argv": "the command line", "sys.modules": "imported modules", "random.seed": "random numbers",
    "numpy.random.seed": "random numbers", "np.random.seed": "random numbers", "unittest.mock": "objects that are replaced",
    "mock.patch": "objects that are replaced", "monkeypatch": "objects that are replaced", "mocker": "objects that are replaced",
    "open": "files", "tempfile": "files", "tmp_path": "files", "tmpdir": "files", "os.remove": "files", "os.makedirs": "files",
    "threading": "threads", "multiprocessing": "processes", "concurrent.futures": "threads", "subprocess": "processes",
    "inspect": "its source", "logging": "logging", "caplog": "logging", "warnings": "warnings", "pytest.warns": "warnings",
    "importlib": "imported modules", "builtins": "builtins", "tracemalloc": "memory", "gc": "memory", "weakref": "memory",
    "id": "identities",
    "globals": "its names",
}  # fmt: skip
"""What a test shares with the candidate in one process, and cannot share with one in another."""

_CALLED = frozenset({"open", "id", "globals"})
_FIXTURES = frozenset({"monkeypatch", "mocker", "tmp_path", "tmpdir", "caplog"})
_SHARED_METHODS = {"assertLogs": "logging", "assertNoLogs": "logging", "assertWarns": "warnings", "write_text": "files"}
_OF_FUNCTIONS = frozenset(
    {"__doc__", "__annotations__", "__code__", "__defaults__", "__kwdefaults__", "__wrapped__", "__closure__"}
)
_SINGLETONS = frozenset({"True", "False", "None", "Ellipsis", "NotImplemented"})


def unsupported_reason(test: str, setup: str, names: frozenset[str]) -> str:
    """Why no candidate can be judged by a test; empty where candidates can, as far as reading it tells.

    Args:
        test, setup: code that parses.
        names: what stands for the candidate.
    """
    tree = _parsed(test)
    asserts = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    if asserts and all(_holds_always(node.test) for node in asserts):
        return "it asserts constants alone"
    if not (_used(test) | _used(setup)) & names:
        return f"it does not use {' or '.join(sorted(names))}"
    shared = next(_shared(tree, names), None) or _shared_by(setup, names)
    return f"it looks at {shared}, which the candidate's process does not share" if shared else ""


@functools.lru_cache(maxsize=256)
def _used(code: str) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(_parsed(code)) if isinstance(node, ast.Name))


@functools.lru_cache(maxsize=256)
def _shared_by(setup: str, names: frozenset[str]) -> str | None:
    """What a setup looks at, outside of its functions and classes."""
    return next(_shared(_outside(setup), names), None)


def _holds_always(node: ast.expr) -> bool:
    """Whether an assertion is made of constants, and is not one that fails (`assert False` says that a line is never reached)."""
    if isinstance(node, ast.Constant):
        return node.value not in _FALSE
    return not any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node))


def _outside(setup: str) -> ast.Module:
    """What a setup does outside of its functions and classes."""
    kept = [node for node in _parsed(setup).body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    return ast.Module(kept, [])


def _shared(tree: ast.AST, names: frozenset[str]) -> Iterator[str]:
    """What of a process a test looks at that a candidate in another process cannot see or change."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            path = ast.unparse(node)
            if path in _SHARED and path not in _CALLED and isinstance(node.ctx, ast.Load):
                yield _SHARED[path]
            if isinstance(node, ast.Attribute) and node.attr in _SHARED_METHODS:
                yield _SHARED_METHODS[node.attr]
            if isinstance(node, ast.Attribute) and node.attr in _OF_FUNCTIONS and ast.unparse(node.value) in names:
                yield f"{node.attr} of a function"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLED - names:
            yield _SHARED[node.func.id]
        elif isinstance(node, ast.arg):
            if node.arg in _FIXTURES:
                yield _SHARED[node.arg]
        elif isinstance(node, ast.ImportFrom):
            paths = {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
            yield from (what for known, what in _SHARED.items() if known in paths)
        elif isinstance(node, ast.Compare) and _compares_identities(node) and not used_classes([ast.unparse(tree)], names):
            yield "identities"


def _compares_identities(node: ast.Compare) -> bool:
    operands = [node.left, *node.comparators]
    pairs = zip(operands, node.ops, operands[1:], strict=False)
    return any(isinstance(how, ast.Is | ast.IsNot) and not (_is_single(a) or _is_single(b)) for a, how, b in pairs)


def _is_single(node: ast.expr) -> bool:
    """Whether there is one object of it alone, in whatever process: `None`, a type."""
    text = ast.unparse(node)
    is_type = isinstance(node, ast.Call) and ast.unparse(node.func) == "type"
    return isinstance(node, ast.Constant) or text in _SINGLETONS or is_type or text.split(".")[-1] in vars(builtins)


def modules_needed(*texts: str) -> tuple[str, ...]:
    """Modules beyond the standard library that test code imports."""
    return tuple(sorted(frozenset[str]().union(*map(_imported, texts)) - sys.stdlib_module_names - _PROVIDED))


@functools.lru_cache(maxsize=256)
def _imported(code: str) -> frozenset[str]:
    found = set()
    for node in ast.walk(_parsed(code)) if "import" in code else ():
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return frozenset(found)


# -------------------------------------------------------------------------------------------------------------- names


def foreign_names(setup: str, tests: Sequence[str], entry_point: str | None = None) -> frozenset[str]:
    """Names that test code uses and nobody makes: neither it, nor Python, nor the solution as the entry point.

    Raises:
        RowError: it imports all names of a module, and these are not known.
    """
    try:
        found = candidate_names((setup, *tests), entry_point)
    except (SyntaxError, ValueError) as error:
        raise RowError(f"the tests cannot be read: {error}") from None
    if entry_point is None:
        return found
    classes = used_classes((setup, *tests), found)  # what tests use as a class is asked for by its use
    return found - {entry_point, entry_point.partition(".")[0], "Solution"} - classes


def with_imports(setup: str, tests: Sequence[str], made: Collection[str]) -> str:
    """A setup that also imports what the tests use of the standard library and nobody imports.

    Benchmarks' tests rely on what their reference solutions happen to import (`assert math.isclose(f(3), 4)`, `List[int]`).

    Args:
        setup, tests: code.
        made: names that the candidate makes.
    """
    try:
        missing = candidate_names((setup, *tests)) - set(made)
    except (SyntaxError, ValueError):
        return setup
    imports = [f"import {name}" for name in sorted(missing & sys.stdlib_module_names)]
    for module in ("typing", "collections"):
        imports += [f"from {module} import {name}" for name in sorted(missing & names_of_module(module))]
    return "\n".join([*imports, *([setup] if setup else [])])


# ------------------------------------------------------------------------------------------------------- single asserts


def _bodies(body: list[ast.stmt], helpers: frozenset[str] = frozenset()) -> list[list[ast.stmt]]:
    """For each statement that asserts, the statements before it that do not, and itself; the last one with what follows it.

    All in one where a statement that asserts leaves something for later ones.

    Args:
        body: of a `check`, or of a script.
        helpers: functions that assert; to call one is to assert.
    """
    helpers |= _asserting_functions(body)
    asserting = [index for index, node in enumerate(body) if _asserts(node, helpers)]
    if not asserting or _is_asserting(body, asserting):
        return [body]
    known = set(asserting)
    bodies = [[node for number, node in enumerate(body[:index]) if number not in known] + [body[index]] for index in asserting]
    bodies[-1] += body[asserting[-1] + 1 :]
    return bodies


def _asserting_functions(body: Sequence[ast.stmt]) -> frozenset[str]:
    """The functions among these statements that assert."""
    functions = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(node.name for node in functions if any(isinstance(part, ast.Assert) for part in ast.walk(node)))


def _asserts(node: ast.stmt, helpers: frozenset[str]) -> bool:
    """Whether a statement asserts when it is run, itself or by a function."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    parts = list(ast.walk(node))
    called = {part.func.id for part in parts if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)}
    return any(isinstance(part, ast.Assert) for part in parts) or bool(called & helpers)


def _is_asserting(body: list[ast.stmt], asserting: list[int]) -> bool:
    """Whether a statement that asserts leaves something for a later one: a name that it binds, or a value that it may change.

    What is handed to a call, or has a method called, may be changed. Two assertions that both call a function on one plain variable are
    distinguished all the same: there each asks something of its own.
    """
    loaded: set[str] = set()
    for index in range(len(body) - 1, -1, -1):
        if index in asserting and _names(body[index], ast.Store) & loaded:
            return True
        loaded |= _names(body[index], ast.Load)
    bound = set().union(*(_names(node, ast.Store) for node in body))
    changed: set[str] = set()
    of_methods: set[str] = set()
    for index in asserting:
        node = body[index]
        receivers, handed = _receivers(node) & bound, _passed_on(node) & bound
        again = _names(node, ast.Load) & (changed | of_methods)
        if again and (not _calls_by_name(node) or again & (receivers | of_methods)):
            return True
        changed |= handed
        of_methods |= receivers
    return False


def _receivers(node: ast.AST) -> set[str]:
    """Variables of which methods are called."""
    called = [part.func.value for part in ast.walk(node) if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)]
    return {value.id for value in called if isinstance(value, ast.Name)}


def _passed_on(node: ast.AST) -> set[str]:
    """Variables that are handed to functions other than Python's own."""
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call) and not _is_builtin(part.func)]
    arguments = [each for call in calls for each in (*call.args, *(keyword.value for keyword in call.keywords))]
    return {part.id for each in arguments for part in ast.walk(each) if isinstance(part, ast.Name)}


def _calls_by_name(node: ast.AST) -> bool:
    """Whether a function is called that is not one of Python's own."""
    calls = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    return any(isinstance(func, ast.Name) and not _is_builtin(func) for func in calls)


def _is_builtin(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in vars(builtins)


def _names(node: ast.stmt, context: type[ast.expr_context]) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, context)}


def _with_body(check: ast.FunctionDef, body: list[ast.stmt]) -> ast.FunctionDef:
    fields = {**dict(ast.iter_fields(check)), "body": body}
    return ast.copy_location(ast.FunctionDef(**fields), check)


def _is_call_of(node: ast.stmt, name: str) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == name


def _text(body: Sequence[ast.stmt]) -> str:
    return ast.unparse(ast.Module([node for node in body if not isinstance(node, ast.Pass)], []))
