"""Static facts about a program: its statement lines, their kinds, and its literals."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from execverify.errors import LiteralError
from execverify.programs.literals import literal_of
from execverify.programs.program import Program, cached_per_program, without_comment
from execverify.programs.values import to_fields
from execverify.tracing.rewrite import first_line, header_end, is_docstring, last_of_header, makes_step, starts_line

_BRANCHES = (ast.If, ast.While, ast.For, ast.AsyncFor, ast.Match)
_COMPOUND = (
    ast.If, ast.For, ast.While, ast.With, ast.Try, ast.FunctionDef, ast.ClassDef, ast.Match, ast.TryStar, ast.AsyncFor,
    ast.AsyncWith, ast.AsyncFunctionDef,
)  # fmt: skip
_LITERAL_NODES = frozenset({ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.Call})
_LOOPS = (ast.While, ast.For, ast.AsyncFor)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement line inside a function.

    Attributes:
        line: the physical line that names it.
        node: its syntax tree; for an `except` header, the handler.
        accepted_texts: the line's source text without the blanks around it, as accepted in answers: as written, and without
            its trailing comment.
        yields: whether it may be left at a `yield` and go on later.
        is_unambiguous: False where the line holds more than one statement, is decorated, or begins within another line.
        targets: names that it binds directly.
        literal: canonical text of the literal that it assigns, e.g. of `x = []`; None where it assigns no literal.
    """

    line: int
    node: ast.stmt | ast.ExceptHandler
    accepted_texts: tuple[str, ...]
    is_unambiguous: bool
    targets: frozenset[str]
    literal: str | None
    yields: bool

    @property
    def is_branch(self) -> bool:
        """Whether it decides what runs next."""
        return isinstance(self.node, _BRANCHES)

    @property
    def is_loop(self) -> bool:
        """Whether it is the header of a loop."""
        return isinstance(self.node, _LOOPS)


@dataclass(frozen=True, slots=True)
class StatementTable:
    """The statements of a program's functions.

    Attributes:
        statements: by line, in the order of lines.
        next_line: for each statement's line, the statement line that follows it in the text; None for the last.
        literals: canonical texts of all literals in the source and in the call's arguments.
        argument_parts: canonical texts of all values inside the call's arguments: elements, keys.
        branches: how many statements decide what runs next (if, elif, while, for, match).
        depth: how deeply such statements are nested.
    """

    statements: dict[int, Statement]
    next_line: dict[int, int | None]
    literals: frozenset[str]
    argument_parts: frozenset[str]
    branches: int
    depth: int


@cached_per_program
def layout_of(program: Program) -> StatementTable:
    """The layout of a program."""
    found: dict[int, Statement] = {}
    deepest = 0
    may_yield = not program.vocabulary.kinds.isdisjoint({ast.Yield, ast.YieldFrom})
    for node, owner, depth in _in_functions(program.tree.body, program.lines):
        line = node.lineno if isinstance(node, ast.ExceptHandler) else first_line(node)
        for shared in {line, owner} & found.keys():  # a second statement on the (logical) line
            found[shared] = replace(found[shared], is_unambiguous=False)
        if line not in found and (isinstance(node, ast.ExceptHandler) or makes_step(node)):
            found[line] = _statement(node, line, owner > 0, program.lines, may_yield)
        deepest = max(deepest, depth)
    ordered = dict(sorted(found.items()))
    lines = list(ordered)
    below: dict[int, int | None] = dict(zip(lines, [*lines[1:], None], strict=False))
    branches = sum(statement.is_branch for statement in ordered.values())
    return StatementTable(ordered, below, _literals(program), _argument_parts(program), branches, deepest)


def _statement(
    node: ast.stmt | ast.ExceptHandler, line: int, multiple_on_line: bool, lines: tuple[str, ...], may_yield: bool
) -> Statement:
    text = lines[line - 1].strip()
    askable = not multiple_on_line and not getattr(node, "decorator_list", None)
    askable = askable and (isinstance(node, ast.ExceptHandler) or starts_line(node, lines))
    targets, literal = _assigned(node)
    return Statement(
        line, node, tuple(dict.fromkeys((text, without_comment(text)))), askable, targets, literal, may_yield and _yields(node)
    )


def _yields(node: ast.AST) -> bool:
    """Whether a statement itself, not a suite in it, may be left at a `yield`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case | ast.Lambda) and _yields(child):
            return True
    return False


Entry = tuple[ast.stmt | ast.ExceptHandler, int, int]


def _in_functions(
    body: list[ast.stmt], lines: tuple[str, ...], inside: bool = False, taken: int = 0, owner: int = 0, depth: int = 0
) -> Iterator[Entry]:
    """Statements that can be steps; with each, the line of the statement on whose logical line it stands (0: its own), and
    how many branches and loops it is in, itself included. An `elif` is as deep as its `if`. What is no step comes only
    where it shares a line. (`taken`: the last physical line of what comes before; `owner`: the line that names that.)
    """
    for node in body:
        crowded = first_line(node) <= taken
        here = depth + isinstance(node, _BRANCHES)
        if inside and (crowded or makes_step(node)):
            yield node, owner if crowded else 0, here
        if makes_step(node):
            taken, owner = max(taken, header_end(node)), first_line(node)
        if not isinstance(node, _COMPOUND):
            continue
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for suite, handler in _suites(node):
            if handler is not None and inside:
                yield handler, 0, here
            start = _taken(node, suite, handler, lines)
            is_elif = isinstance(node, ast.If) and suite is node.orelse and len(suite) == 1 and isinstance(suite[0], ast.If)
            has_docstring = (is_function or isinstance(node, ast.ClassDef)) and is_docstring(suite[0])
            statements = suite[1:] if has_docstring else suite
            below = 0 if is_function else depth if is_elif else here
            of = handler.lineno if handler is not None else first_line(node)
            yield from _in_functions(statements, lines, inside or is_function, start, of, below)


def _taken(node: ast.stmt, suite: list[ast.stmt], handler: ast.ExceptHandler | None, lines: tuple[str, ...]) -> int:
    """The last line that already belongs to a statement where a suite begins."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.lineno if starts_line(suite[0], lines) else suite[0].lineno
    if handler is not None:
        return last_of_header(handler, suite, lines)
    if isinstance(node, ast.Try | ast.TryStar):
        return 0
    is_body = not isinstance(node, ast.Match) and suite is node.body  # type: ignore[attr-defined]
    return last_of_header(node, suite, lines) if is_body else header_end(node)


def _suites(node: ast.stmt) -> Iterator[tuple[list[ast.stmt], ast.ExceptHandler | None]]:
    for field in ("body", "orelse", "finalbody"):
        suite = getattr(node, field, None)
        if suite:
            yield suite, None
    for handler in getattr(node, "handlers", ()):
        yield handler.body, handler
    for case in getattr(node, "cases", ()):
        yield case.body, None


def _assigned(node: ast.stmt | ast.ExceptHandler) -> tuple[frozenset[str], str | None]:
    match node:
        case ast.Assign(targets=targets, value=value):
            pass
        case ast.AnnAssign(target=target, value=value) | ast.AugAssign(target=target, value=value):
            targets = [target]
        case ast.For(target=target) | ast.AsyncFor(target=target):
            targets, value = [target], None
        case _:
            return frozenset(), None
    names = frozenset(name for target in targets for name in _target_names(target))
    return names, None if value is None or isinstance(node, ast.AugAssign) else _literal_text(value)


def _target_names(target: ast.expr) -> Iterator[str]:
    """Names that a target binds, or whose value it changes: `xs` of `xs[i] = 1`, and not `i`."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
        yield from _target_names(target.value)
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _target_names(part)


def _literal_text(node: ast.expr) -> str | None:
    if node.__class__ is ast.Constant:  # by far the most, and sure to be one
        return to_fields(node.value)[1]
    if node.__class__ not in _LITERAL_NODES:
        return None
    try:
        return to_fields(literal_of(node))[1]
    except (LiteralError, RecursionError):
        return None


def _literals(program: Program) -> frozenset[str]:
    texts = {_literal_text(node) for node in program.nodes if isinstance(node, ast.expr)}
    positional, named = program.call_arguments
    texts |= {to_fields(value)[1] for value in (*positional, *named.values())}
    return frozenset(text for text in texts if text is not None)


def _argument_parts(program: Program) -> frozenset[str]:
    positional, named = program.call_arguments
    texts = {to_fields(part)[1] for value in (*positional, *named.values()) for part in _parts(value)}
    return frozenset(text for text in texts if text is not None)


def _parts(value: object) -> Iterator[object]:
    """All values inside a container."""
    if isinstance(value, dict):
        inside: list[object] = [*value, *value.values()]
    else:
        inside = list(value) if isinstance(value, list | tuple | set | frozenset) else []
    for part in inside:
        yield part
        yield from _parts(part)
