"""Static facts about each line of a program, computed once: chain generation meets a line many times."""

import ast
from dataclasses import dataclass

from execverify.programs.program import Program, cached_per_program
from execverify.questions.statements import Statement, layout_of

_FIELDS = ("value", "test", "iter", "subject")


@dataclass(frozen=True, slots=True)
class Line:
    """A statement line.

    Attributes:
        statement: the statement.
        whole: the expression whose value it sets, tests, returns or goes through; None where there is none.
        consumes_value: whether that value is, as a whole, what it sets, tests or returns.
        is_silent: a part that is not rendered, because the statement itself is: the call that is all of it.
        multiple_statements: whether other statements stand on the line too.
        names: names that it binds, in the order of its text.
    """

    statement: Statement
    whole: ast.expr | None
    consumes_value: bool
    is_silent: ast.expr | None
    multiple_statements: bool
    names: tuple[str, ...]


@cached_per_program
def lines_of(program: Program) -> dict[int, Line]:
    """The statement lines of a program's functions, by number."""
    return {number: _line(statement) for number, statement in layout_of(program).statements.items()}


def _line(statement: Statement) -> Line:
    node = statement.node
    whole = next((found for name in _FIELDS if isinstance(found := getattr(node, name, None), ast.expr)), None)
    if isinstance(whole, ast.NamedExpr):
        whole = whole.value
    silent = whole if isinstance(node, ast.Expr) and isinstance(whole, ast.Call) else None
    crowded = not statement.is_unambiguous and not getattr(node, "decorator_list", None)
    return Line(statement, whole, _takes_up(node), silent, crowded, _bound(node, statement))


def _takes_up(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    return isinstance(node, ast.AnnAssign | ast.If | ast.While | ast.Return)


def _bound(node: ast.AST, statement: Statement) -> tuple[str, ...]:
    if isinstance(node, ast.With | ast.AsyncWith):
        return tuple(dict.fromkeys(name for item in node.items if item.optional_vars for name in _names(item.optional_vars)))
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    names = [name for target in targets if target is not None for name in _names(target)]
    return tuple(name for name in dict.fromkeys(names) if name in statement.targets)


def _names(target: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(target) if isinstance(one, ast.Name)]
