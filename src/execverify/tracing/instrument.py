"""Rewrites a program so that it reports its own steps.

Why this and not CPython's trace function or `sys.monitoring`: line events differ between Python versions (inlined
comprehensions repeat them since 3.12, leaving a `with` block emits one, a bare `try:` emits one), and no event says when
a statement has *finished*, which is when its state is true. The rewritten program runs the same statements in the same
order under every version, and calls the recorder where, by the definition of a step (docs/steps.md), a step begins and ends.

What each statement becomes (`B` begins a step, `E` ends it with the local variables, `V` ends it and passes a value on;
`·f` is the recorder's handle of the frame)::

    x = g(1)            B(·f, 3); x = g(1); E(·f, locals())
    return x + 1        return V(·f, B(·f, 4), x + 1, locals())
    if x > 1:           if V(·f, B(·f, 5), x > 1, locals()):
    for a in items:     for a in advances(·f, 6, B(·f, 6), items): E(·f, locals()); ...      else: E(·f, locals()); ...
    with a() as b:      B(·f, 7); with a() as b: E(·f, locals()); ...
    except KeyError:    except V(·f, B(·f, 8), KeyError, locals()): E(·f, locals()); ...

The handles have a middle dot in their names, which no program can write.
"""

import ast
from collections.abc import Iterator

FRAME, BEGIN, END, VALUE, ENTER, ADVANCES, ASYNC_ADVANCES, CAUGHT, LOCALS = (
    "·f", "·B", "·E", "·V", "·enter", "·advances", "·async_advances", "·caught", "·locals",
)  # fmt: skip

_LOAD, _STORE = ast.Load(), ast.Store()
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def instrument(tree: ast.Module) -> ast.Module:
    """Rewrites a module's tree in place and returns it; compile it with the recorder's names in its globals.

    Code at module level is left as it is (it runs before the call), but for the bodies of functions.
    """
    _Instrumenter().outside(tree.body)
    return tree


def first_line(node: ast.stmt) -> int:
    """The line that names a statement: its first physical line, decorators included."""
    if isinstance(node, _DEFINITIONS) and node.decorator_list:
        return min(node.lineno, *(decorator.lineno for decorator in node.decorator_list))
    return node.lineno


def header_end(node: ast.stmt) -> int:
    """The last physical line of a compound statement's header; of a simple statement, its last line."""
    match node:
        case ast.If(test=part) | ast.While(test=part) | ast.For(iter=part) | ast.AsyncFor(iter=part) | ast.Match(subject=part):
            return part.end_lineno or node.lineno
        case ast.With(items=items) | ast.AsyncWith(items=items):
            last = items[-1].optional_vars or items[-1].context_expr
            return last.end_lineno or node.lineno
    return node.end_lineno or node.lineno


def makes_step(node: ast.stmt) -> bool:
    """Whether a statement is a step when it runs. Declarations and bare annotations do nothing; `try:` has no header."""
    if isinstance(node, ast.Global | ast.Nonlocal | ast.Try | ast.TryStar):
        return False
    return not (isinstance(node, ast.AnnAssign) and node.value is None)


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is a bare text constant, which is no step where it is a body's first statement."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


class _Scope:
    """The function or class body that is being rewritten: the name of its frame handle, and its declared globals."""

    def __init__(self, handle: str, globals_: frozenset[str] = frozenset()) -> None:
        self.handle = handle
        self.globals = globals_


class _Instrumenter:
    def __init__(self) -> None:
        self.classes = 0

    # ------------------------------------------------------------------------------------------------ whole bodies

    def outside(self, body: list[ast.stmt]) -> None:
        """Code that runs before the call: only the functions in it are rewritten."""
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.function(node)
            elif isinstance(node, ast.ClassDef):
                self.outside(node.body)
            else:
                for suite in _suites(node):
                    self.outside(suite)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        declared = frozenset(name for inner in _own_statements(node.body) if isinstance(inner, ast.Global) for name in inner.names)
        scope = _Scope(FRAME, declared)
        docstring = node.body[:1] if is_docstring(node.body[0]) else []
        body = self.suite(node.body[len(docstring) :], scope, 0)
        at = node.body[0]
        enter = _assign(FRAME, _call(at, ENTER, ast.Constant(node.name, lineno=at.lineno, **_where(at)), _locals(at, scope)), at)
        # `global` may follow the entry's code, but a name it declares must not be used before it.
        node.body = [*docstring, *_leading_declarations(body), enter, *body[len(_leading_declarations(body)) :]] or [enter]

    def class_body(self, node: ast.ClassDef, before: list[ast.stmt]) -> None:
        """A class statement inside a function: its body has a frame, whose handle lives in the function around it.

        (A name in the class body itself would end up in the class.)
        """
        self.classes += 1
        scope = _Scope(f"·c{self.classes}")
        before.append(_assign(scope.handle, _call(node, ENTER, _text(node.name, node), _none(node)), node))
        docstring = node.body[:1] if is_docstring(node.body[0]) else []
        node.body = [*docstring, *self.suite(node.body[len(docstring) :], scope, 0, before)] or node.body

    def suite(self, body: list[ast.stmt], scope: _Scope, taken: int, before: list[ast.stmt] | None = None) -> list[ast.stmt]:
        """Rewrites statements that follow each other. `taken`: the last line that already belongs to a step.

        `before`, inside a class body, collects what must run before the outermost class statement.
        """
        out: list[ast.stmt] = []
        for node in body:
            joined = first_line(node) <= taken  # shares its logical line with what is before it: the same step
            if makes_step(node):
                taken = max(taken, header_end(node))
            self.statement(node, scope, joined, out, before)
        return out

    # ------------------------------------------------------------------------------------------------ statements

    def statement(self, node: ast.stmt, scope: _Scope, joined: bool, out: list[ast.stmt], before: list[ast.stmt] | None) -> None:
        match node:
            case ast.Global() | ast.Nonlocal() | ast.AnnAssign(value=None):
                out.append(node)
            case ast.Try() | ast.TryStar():
                self.attempt(node, scope, before)
                out.append(node)
            case ast.Return(value=value) if value is not None:
                node.value = self.passed(value, node, scope, joined)
                out.append(node)
            case ast.If() | ast.While():
                taken = header_end(node)
                node.test = self.passed(node.test, node, scope, joined)
                node.body = self.suite(node.body, scope, taken, before)
                node.orelse = self.suite(node.orelse, scope, taken, before)
                out.append(node)
            case ast.For() | ast.AsyncFor():
                self.loop(node, scope, joined, before)
                out.append(node)
            case ast.Match():
                self.choice(node, scope, joined, before)
                out.append(node)
            case _:
                self.plain(node, scope, joined, out, before)

    def plain(self, node: ast.stmt, scope: _Scope, joined: bool, out: list[ast.stmt], before: list[ast.stmt] | None) -> None:
        """Statements around which the two reports can simply stand."""
        if isinstance(node, ast.ClassDef):
            self.class_body(node, out if before is None else before)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self.function(node)
        if not joined:
            out.append(_statement(self.begin(node, scope)))
        end = _statement(_call(node, END, _name(scope.handle, node), _locals(node, scope)))
        if isinstance(node, ast.With | ast.AsyncWith):
            node.body = [end, *self.suite(node.body, scope, header_end(node), before)]
            out.append(node)
        elif isinstance(node, ast.Raise):
            out.append(node)
        elif isinstance(node, ast.Return | ast.Break | ast.Continue | ast.Pass):
            out += [end, node]
        else:
            out += [node, end]

    def loop(self, node: ast.For | ast.AsyncFor, scope: _Scope, joined: bool, before: list[ast.stmt] | None) -> None:
        name = ADVANCES if isinstance(node, ast.For) else ASYNC_ADVANCES
        taken = header_end(node)
        line = ast.Constant(first_line(node), lineno=node.lineno, **_where(node))
        first = _none(node) if joined else self.begin(node, scope)
        node.iter = _call(node, name, _name(scope.handle, node), line, first, node.iter)
        node.body = [self.end(node, scope), *self.suite(node.body, scope, taken, before)]
        node.orelse = [self.end(node, scope), *self.suite(node.orelse, scope, taken, before)]

    def choice(self, node: ast.Match, scope: _Scope, joined: bool, before: list[ast.stmt] | None) -> None:
        node.subject = self.passed(node.subject, node, scope, joined)
        for case in node.cases:
            case.body = [self.end(node, scope), *self.suite(case.body, scope, header_end(node), before)]
        last = node.cases[-1]
        if last.guard is not None or not _irrefutable(last.pattern):
            node.cases.append(ast.match_case(pattern=ast.MatchAs(lineno=node.lineno, **_where(node)), body=[self.end(node, scope)]))

    def attempt(self, node: ast.Try | ast.TryStar, scope: _Scope, before: list[ast.stmt] | None) -> None:
        node.body = self.suite(node.body, scope, 0, before)
        for handler in node.handlers:
            caught = _statement(_call(handler, CAUGHT))
            if handler.type is None:
                taken = handler.lineno
                start = [_statement(self.begin(handler, scope))]
            else:
                taken = handler.type.end_lineno or handler.lineno
                handler.type = self.passed(handler.type, handler, scope, False)
                start = []
            start += [caught, self.end(handler, scope)]
            handler.body = [*start, *self.suite(handler.body, scope, taken, before)]
        node.orelse = self.suite(node.orelse, scope, 0, before)
        node.finalbody = self.suite(node.finalbody, scope, 0, before)

    # ------------------------------------------------------------------------------------------------ reports

    def begin(self, node: ast.stmt | ast.ExceptHandler, scope: _Scope) -> ast.Call:
        line = first_line(node) if isinstance(node, ast.stmt) else node.lineno
        return _call(node, BEGIN, _name(scope.handle, node), ast.Constant(line, lineno=node.lineno, **_where(node)))

    def end(self, node: ast.stmt | ast.ExceptHandler, scope: _Scope) -> ast.stmt:
        return _statement(_call(node, END, _name(scope.handle, node), _locals(node, scope)))

    def passed(self, value: ast.expr, node: ast.stmt | ast.ExceptHandler, scope: _Scope, joined: bool) -> ast.expr:
        """The value, with the step begun before it is computed and ended after."""
        first = _none(value) if joined else self.begin(node, scope)
        return _call(value, VALUE, _name(scope.handle, node), first, value, _locals(node, scope))


# ---------------------------------------------------------------------------------------------------- pieces of tree


def _where(node: ast.AST) -> dict[str, int]:
    return {"col_offset": node.col_offset, "end_lineno": node.end_lineno, "end_col_offset": node.end_col_offset}  # type: ignore[attr-defined]


def _name(name: str, at: ast.AST) -> ast.Name:
    return ast.Name(name, _LOAD, lineno=at.lineno, **_where(at))  # type: ignore[attr-defined]


def _text(value: str, at: ast.AST) -> ast.Constant:
    return ast.Constant(value, lineno=at.lineno, **_where(at))  # type: ignore[attr-defined]


def _none(at: ast.AST) -> ast.Constant:
    return ast.Constant(None, lineno=at.lineno, **_where(at))  # type: ignore[attr-defined]


def _call(at: ast.AST, function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_name(function, at), list(arguments), [], lineno=at.lineno, **_where(at))  # type: ignore[attr-defined]


def _statement(value: ast.expr) -> ast.stmt:
    return ast.Expr(value, lineno=value.lineno, **_where(value))


def _assign(name: str, value: ast.expr, at: ast.AST) -> ast.stmt:
    target = ast.Name(name, _STORE, lineno=at.lineno, **_where(at))  # type: ignore[attr-defined]
    return ast.Assign([target], value, lineno=at.lineno, **_where(at))  # type: ignore[attr-defined]


def _locals(at: ast.AST, scope: _Scope) -> ast.expr:
    """`locals()`, and beside it the values of the names that the function declares global."""
    here = _call(at, LOCALS)
    if not scope.globals:
        return here
    names = [ast.Constant(name, lineno=at.lineno, **_where(at)) for name in sorted(scope.globals)]  # type: ignore[attr-defined]
    return _call(at, "·with_globals", here, *names)


def _suites(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statement lists directly inside a compound statement."""
    for field in ("body", "orelse", "finalbody"):
        suite = getattr(node, field, None)
        if isinstance(suite, list):
            yield suite
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _own_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of one scope, nested suites included, other scopes not."""
    for node in body:
        yield node
        if not isinstance(node, _DEFINITIONS):
            for suite in _suites(node):
                yield from _own_statements(suite)


def _leading_declarations(body: list[ast.stmt]) -> list[ast.stmt]:
    count = 0
    while count < len(body) and isinstance(body[count], ast.Global | ast.Nonlocal):
        count += 1
    return body[:count]


def _irrefutable(pattern: ast.pattern) -> bool:
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchAs(pattern=inner) if inner is not None:
            return _irrefutable(inner)
        case ast.MatchOr(patterns=patterns):
            return any(_irrefutable(inner) for inner in patterns)
    return False
