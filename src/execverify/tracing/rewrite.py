"""Rewrites a program so that it reports its own steps.

Why this and not CPython's trace function or `sys.monitoring`: line events differ between Python versions (inlined
comprehensions repeat them since 3.12, leaving a `with` block emits one, a bare `try:` emits one), and no event shows when
a statement has *finished*, which is when its state is true. The rewritten program runs the same statements in the same
order under every version, and calls the recorder where, by the definition of a step (docs/trace-semantics.md), a step begins and ends.

What each statement becomes. `·B` begins a step, `·E` ends the step that the frame is at, `·N` ends it and begins the next,
`·V` ends it and passes a value on; `·f` is the recorder's handle of the frame. (A test's truth value is recorded before its step ends.)::

    x = g(1)            ·B(·f, 3); x = g(1)
    y = x               ·N(·f, 4); y = x                     (·N where the statement before it ended just now)
    return y            return ·V(·f, ·N(·f, 5), y)
    if y > 1:           if ·V(·f, ·B(·f, 6), True if y > 1 else False): ...
    for a in items:     for a in ·advances(·f, 7, ·B(·f, 7), items): ·N(·f, 8); ...      else: ·E(·f); ...
    with a() as b:      ·B(·f, 9); with a() as b: ·N(·f, 10); ...
    match y:            match ·P(·B(·f, 11), y): case 1: ·N(·f, 13); ...      case _: ·E(·f)
    except KeyError:    except ·X(·f, ·B(·f, 14), KeyError): ·caught(·f); ·N(·f, 15); ...
    a is b              ·same(a, b)                         (in any expression; not beside None, True, False, ...)

The names have a middle dot, which no program can write.
"""

import ast
import contextlib
import re
from collections.abc import Iterator, Sequence

from execverify.programs.program import split_lines

FRAME, BEGIN, NEXT, END, VALUE, HOOK_PASS, HANDLES, ENTER, CLASS, HOOK_AGAIN, ADVANCES, ASYNC_ADVANCES, HOOK_CAUGHT, HOOK_REOPEN = (
    "·f", "·B", "·N", "·E", "·V", "·P", "·X", "·enter", "·class", "·again", "·advances", "·async_advances", "·caught", "·reopen",
)  # fmt: skip
SAME = "·same"

_IS = re.compile(r"\bis\b")
_LOAD, _STORE = ast.Load(), ast.Store()
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def instrument(tree: ast.Module, source: str) -> ast.Module:
    """Rewrites a module's tree in place and returns it; compile it with the recorder's names in its globals.

    Code at module level is left as it is (it runs before the call), but for the bodies of functions.
    """
    if _IS.search(source) is not None:
        _IdentityWatch().visit(tree)
    _Instrumenter(split_lines(source)).outside(tree.body)
    return tree


def is_singleton(node: ast.expr) -> bool:
    """Whether an expression is a value that there is only one of: None, True, False, ..., NotImplemented."""
    if isinstance(node, ast.Constant):
        return node.value is None or node.value is ... or isinstance(node.value, bool)
    return isinstance(node, ast.Name) and node.id == "NotImplemented"


class _IdentityWatch(ast.NodeTransformer):
    """Hands the operands of `is` to the recorder. (Chains of it are refused before, see `interpreter_access.py`.)"""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) > 1 or not isinstance(node.ops[0], ast.Is | ast.IsNot):
            return node
        left, right = node.left, node.comparators[0]
        if is_singleton(left) or is_singleton(right):
            return node
        same = _call(SAME, node.lineno, left, right)
        if isinstance(node.ops[0], ast.Is):
            return same
        return ast.UnaryOp(ast.Not(), same, lineno=node.lineno, col_offset=0)


def first_line(node: ast.stmt) -> int:
    """The line that names a statement: its first physical line, decorators included."""
    if isinstance(node, _DEFINITIONS) and node.decorator_list:
        return min(node.lineno, *(decorator.lineno for decorator in node.decorator_list))
    return node.lineno


def header_end(node: ast.stmt) -> int:
    """The last physical line of a compound statement's header; of a simple statement, its last line."""
    if isinstance(node, ast.If | ast.While):
        last: ast.AST = node.test
    elif isinstance(node, ast.For | ast.AsyncFor):
        last = node.iter
    elif isinstance(node, ast.With | ast.AsyncWith):
        last = node.items[-1].optional_vars or node.items[-1].context_expr
    elif isinstance(node, ast.Match):
        last = node.subject
    else:
        last = node
    return last.end_lineno or node.lineno  # type: ignore[attr-defined]


def last_of_header(node: ast.stmt | ast.ExceptHandler, suite: list[ast.stmt], lines: Sequence[str]) -> int:
    """The last line that belongs to a header: the suite's own first line where it stands on it (`if x: y = 1`)."""
    if suite and not starts_line(suite[0], lines):
        return suite[0].lineno
    if isinstance(node, ast.ExceptHandler):
        return (node.type.end_lineno if node.type else None) or node.lineno
    return header_end(node)


def starts_line(node: ast.stmt, lines: Sequence[str]) -> bool:
    """Whether nothing but blanks stands before a statement on its line. (Columns count bytes.)"""
    return not lines[first_line(node) - 1].encode()[: node.col_offset].strip()


def makes_step(node: ast.stmt) -> bool:
    """Whether a statement is a step when it runs. Declarations and bare annotations do nothing; `try:` has no header."""
    if isinstance(node, ast.Global | ast.Nonlocal | ast.Try | ast.TryStar):
        return False
    return not (isinstance(node, ast.AnnAssign) and node.value is None)


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is a bare text constant, which is no step where it is a body's first statement."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


class _Scope:
    """The function or class body that is being rewritten.

    The nodes of its reports are made once and stand in many places of the tree, all under one line number: making nodes
    is most of the cost of rewriting, and a report's own line matters to nobody.

    Attributes:
        frame: the name of the recorder's handle of the frame.
        end: the statement that ends a step.
        outer: inside a class body, what must run before the outermost class statement; else None.
    """

    def __init__(self, handle: str, line: int, outer: list[ast.stmt] | None = None) -> None:
        self.frame = _name(handle, line)
        self.outer = outer
        self.end = _statement(_call(END, line, self.frame))
        self.reopen = _statement(_call(HOOK_REOPEN, line, self.frame))
        self._begin, self._next = _name(BEGIN, line), _name(NEXT, line)

    def begin(self, line: int, ending: bool = False) -> ast.expr:
        """The call that begins a step, and with `ending` ends the one before it."""
        name = self._next if ending else self._begin
        return ast.Call(name, [self.frame, _constant(line, line)], [], lineno=line, col_offset=0)

    def passed(self, value: ast.expr, begun: ast.expr, how: str = VALUE) -> ast.expr:
        """The value, with the step begun before it is computed and ended after."""
        return _call(how, value.lineno, self.frame, begun, value)


class _Instrumenter:
    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.classes = 0
        self.owner = ""  # the innermost class around, which names such as `__x` are spelt with

    # ------------------------------------------------------------------------------------------------ whole bodies

    def outside(self, body: list[ast.stmt]) -> None:
        """Code that runs before the call: only the functions in it are rewritten."""
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.function(node)
            elif isinstance(node, ast.ClassDef):
                with self.owned_by(node):
                    self.outside(node.body)
            else:
                for suite in suites(node):
                    self.outside(suite)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        names = [_constant(name, node.lineno) for name in (node.name, *self.declared(node.body, ast.Global))]
        enter = _assign(FRAME, _call(ENTER, node.lineno, *names))
        docstring = node.body[:1] if is_docstring(node.body[0]) else []
        scope = _Scope(FRAME, node.lineno)
        node.body = [*docstring, enter, *self.suite(node.body[len(docstring) :], scope, 0)]

    def class_body(self, node: ast.ClassDef, before: list[ast.stmt]) -> ast.stmt:
        """A class statement inside a function: its body has a frame, whose handle lives in the function around it.

        (A name in the class body itself would end up in the class.)
        """
        self.classes += 1
        handle = f"·c{self.classes}"
        scope = _Scope(handle, node.lineno, before)
        docstring = node.body[:1] if is_docstring(node.body[0]) else []
        with self.owned_by(node):
            names = [_constant(name, node.lineno) for name in (node.name, *self.declared(node.body, ast.Global))]
            lent = [_pair(name, node.lineno) for name in self.declared(node.body, ast.Nonlocal)]
            before.append(_assign(handle, _call(CLASS, node.lineno, *lent, *names)))
            node.body = [*docstring, *self.suite(node.body[len(docstring) :], scope, 0)] or node.body
        return _statement(
            _call(HOOK_AGAIN, node.lineno, scope.frame)
        )  # the body may run again: each time it is a frame of its own

    @contextlib.contextmanager
    def owned_by(self, node: ast.ClassDef) -> Iterator[None]:
        """Inside a class's body, functions in it included."""
        self.owner, before = node.name, self.owner
        yield
        self.owner = before

    def declared(self, body: list[ast.stmt], kind: type[ast.Global] | type[ast.Nonlocal]) -> list[str]:
        """Names that `global` or `nonlocal` lends a body, as the compiler spells them."""
        names = [name for inner in _own_statements(body) if isinstance(inner, kind) for name in inner.names]
        return [_spelt(name, self.owner) for name in dict.fromkeys(names)]

    def suite(self, body: list[ast.stmt], scope: _Scope, taken: int, ending: bool = False) -> list[ast.stmt]:
        """Rewrites statements that follow each other.

        Args:
            body: the statements.
            scope: the body that they stand in.
            taken: the last line that already belongs to a step: what begins there joins that step.
            ending: whether a step is at its end when the first statement is reached.
        """
        out: list[ast.stmt] = []
        for node in body:
            joined = first_line(node) <= taken
            if makes_step(node):
                taken = max(taken, header_end(node))
            if joined and not ending and makes_step(node):
                out.append(scope.reopen)  # its header was at its end; with this statement its step goes on
            ending = self.statement(node, scope, joined, ending, out)
        if ending:
            out.append(scope.end)
        return out

    # ------------------------------------------------------------------------------------------------ statements

    def statement(self, node: ast.stmt, scope: _Scope, joined: bool, ending: bool, out: list[ast.stmt]) -> bool:
        """Adds one rewritten statement to `out`. Returns whether its step is at its end, but not ended, after it."""
        if not makes_step(node):
            if isinstance(node, ast.Try | ast.TryStar):
                if ending:
                    out.append(scope.end)
                    ending = False
                self.attempt(node, scope)
            out.append(node)
            return ending
        if isinstance(node, ast.While) and ending:  # its test runs again and again, and must not end a step each time
            out.append(scope.end)
            ending = False
        line = first_line(node)
        begun = _constant(None, line) if joined else scope.begin(line, ending)
        if isinstance(node, ast.If | ast.While):
            taken = last_of_header(node, node.body, self.lines)
            node.test = scope.passed(_truth(node.test), begun)
            node.body = self.suite(node.body, scope, taken)
            node.orelse = self.suite(node.orelse, scope, header_end(node))
        elif isinstance(node, ast.For | ast.AsyncFor):
            self.loop(node, scope, begun)
        elif isinstance(node, ast.Match):
            self.choice(node, scope, begun)
        elif isinstance(node, ast.Return) and node.value is not None:
            node.value = scope.passed(node.value, begun)
        else:
            return self.plain(node, scope, None if joined else begun, out)
        out.append(node)
        return False

    def plain(self, node: ast.stmt, scope: _Scope, begun: ast.expr | None, out: list[ast.stmt]) -> bool:
        """Statements before which the report can simply stand."""
        again = None
        if isinstance(node, ast.ClassDef):
            again = self.class_body(node, out if scope.outer is None else scope.outer)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self.function(node)
        elif isinstance(node, ast.With | ast.AsyncWith):
            node.body = self.suite(node.body, scope, last_of_header(node, node.body, self.lines), ending=True)
        if begun is not None:
            out.append(_statement(begun))
        if again is not None:
            out.append(again)
        if isinstance(node, ast.Return | ast.Break | ast.Continue):
            out.append(scope.end)
        out.append(node)
        return not isinstance(node, ast.Return | ast.Break | ast.Continue | ast.Raise | ast.With | ast.AsyncWith)

    def loop(self, node: ast.For | ast.AsyncFor, scope: _Scope, begun: ast.expr) -> None:
        name = ADVANCES if isinstance(node, ast.For) else ASYNC_ADVANCES
        taken = last_of_header(node, node.body, self.lines)
        node.iter = _call(name, node.lineno, scope.frame, _constant(node.lineno, node.lineno), begun, node.iter)
        node.body = self.suite(node.body, scope, taken, ending=True)
        node.orelse = self.suite(node.orelse, scope, header_end(node), ending=True)

    def choice(self, node: ast.Match, scope: _Scope, begun: ast.expr) -> None:
        taken = header_end(node)
        node.subject = _call(HOOK_PASS, node.lineno, begun, node.subject)
        for case in node.cases:
            case.body = self.suite(case.body, scope, taken, ending=True)
        last = node.cases[-1]
        if last.guard is not None or not _irrefutable(last.pattern):
            anything = ast.MatchAs(lineno=node.lineno, col_offset=0, end_lineno=node.lineno, end_col_offset=0)
            node.cases.append(ast.match_case(pattern=anything, body=[scope.end]))

    def attempt(self, node: ast.Try | ast.TryStar, scope: _Scope) -> None:
        node.body = self.suite(node.body, scope, 0)
        for handler in node.handlers:
            taken = last_of_header(handler, handler.body, self.lines)
            caught = [_statement(_call(HOOK_CAUGHT, handler.lineno, scope.frame))]
            if handler.type is None:
                caught.insert(0, _statement(scope.begin(handler.lineno)))
            else:
                handler.type = scope.passed(handler.type, scope.begin(handler.lineno), HANDLES)
            handler.body = [*caught, *self.suite(handler.body, scope, taken, ending=True)]
        node.orelse = self.suite(node.orelse, scope, 0)
        node.finalbody = self.suite(node.finalbody, scope, 0)


# ---------------------------------------------------------------------------------------------------- pieces of tree


def _truth(test: ast.expr) -> ast.expr:
    """A test as True or False, evaluated once, as `if` does; one that gives a truth value anyway stays as it is."""
    if isinstance(test, ast.Constant) or (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
        return test
    line = test.lineno
    return ast.IfExp(test, _constant(True, line), _constant(False, line), lineno=line, col_offset=0)


def _name(name: str, line: int) -> ast.expr:
    return ast.Name(name, _LOAD, lineno=line, col_offset=0)


def _constant(value: str | int | bool | None, line: int) -> ast.expr:
    return ast.Constant(value, lineno=line, col_offset=0)


def _call(function: str, line: int, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_name(function, line), list(arguments), [], lineno=line, col_offset=0)


def _statement(value: ast.expr) -> ast.stmt:
    return ast.Expr(value, lineno=value.lineno, col_offset=0)


def _assign(name: str, value: ast.expr) -> ast.stmt:
    target = ast.Name(name, _STORE, lineno=value.lineno, col_offset=0)
    return ast.Assign([target], value, lineno=value.lineno, col_offset=0)


def suites(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statement lists directly inside a compound statement."""
    for field in ("body", "orelse", "finalbody"):
        suite = getattr(node, field, None)
        if isinstance(suite, list):
            yield suite
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _spelt(name: str, owner: str) -> str:
    """A name as the compiler spells it in a class: `__x` is `_A__x`."""
    owner = owner.lstrip("_")
    return f"_{owner}{name}" if owner and name.startswith("__") and not name.endswith("__") else name


def _pair(name: str, line: int) -> ast.expr:
    """A variable's name, and a function that looks it up here."""
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    reads = ast.Lambda(nothing, _name(name, line), lineno=line, col_offset=0)
    return ast.Tuple([_constant(name, line), reads], _LOAD, lineno=line, col_offset=0)


def _own_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of one scope, nested suites included, other scopes not."""
    for node in body:
        yield node
        if not isinstance(node, _DEFINITIONS):
            for suite in suites(node):
                yield from _own_statements(suite)


def _irrefutable(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchAs):
        return pattern.pattern is None or _irrefutable(pattern.pattern)
    return isinstance(pattern, ast.MatchOr) and any(map(_irrefutable, pattern.patterns))
