"""The paper's six levels: what a program must keep, and whether it does.

    1  the method under test, called on what it gave itself (or twice, where it cannot take that); no other call
    2  the method and at least one other built-in; no control flow
    3, 4, 5  as 2, with control statements nested exactly one, two, three deep
    6  as 2, with exactly two functions, one of which calls the other, and control flow up to three deep

All levels: functions only, no comments, docstrings, defaults or decorators; every function has a parameter; control flow is
`if`, `for` and `while` alone. `check` decides by the syntax tree, for any program, whoever made it.

>>> from execverify.programs.program import Program
>>> check(Program("def f(s):\\n    return s.upper().upper()", arguments="'a'"), Constraint(1, "str.upper"))
>>> check(Program("def f(s):\\n    return s.upper()", arguments="'a'"), Constraint(1, "str.upper"))
'level 1 calls str.upper on what it gave, and no use of it is inside another'
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from execverify.errors import ProgramError
from execverify.programs.catalog import CATALOG, get_builtin, is_self_composable
from execverify.programs.program import Program, walk
from execverify.programs.type_inference import BuiltinUse, builtin_uses

LEVELS = (1, 2, 3, 4, 5, 6)
DEPTHS = {1: (0, 0), 2: (0, 0), 3: (1, 1), 4: (2, 2), 5: (3, 3), 6: (1, 3)}
"""The least and greatest depth of control statements, by level."""

_CONTROL = (ast.If, ast.For, ast.While)
_ALLOWED = (
    ast.Assign, ast.AugAssign, ast.Return, ast.Expr, ast.Delete, ast.Break, ast.Continue, ast.Pass, *_CONTROL,
)  # fmt: skip

_SUSPENDING = (ast.Yield, ast.YieldFrom, ast.Await)


@dataclass(frozen=True, slots=True, order=True)
class Constraint:
    """What a program must keep.

    Attributes:
        level: 1 to 6.
        method: the method under test, a name in the catalogue.

    Raises:
        ProgramError: another level, or a name that is not in the catalogue.
    """

    level: int
    method: str

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ProgramError(f"level {self.level!r} is unknown: the levels are 1 to 6")
        get_builtin(self.method)

    def __str__(self) -> str:
        return f"level {self.level} with {self.method}"

    @classmethod
    def parse(cls, text: str) -> "Constraint":
        """The constraint that `str` gave."""
        found = re.fullmatch(r"level (\d) with (.+)", text)
        if found is None:
            raise ProgramError(f"{text!r} is no constraint: it reads like 'level 3 with str.split'")
        return cls(int(found[1]), found[2])


def check(program: Program, constraint: Constraint) -> str | None:
    """None where a program keeps a constraint; else why it does not, in one line."""
    why = violation_of_common_rules(program) or _functions(program, constraint.level) or _depth(program, constraint.level)
    if why is not None:
        return why
    found = builtin_uses(program)
    under_test = [use for use in found if use.entry == constraint.method]
    if not under_test:
        return f"it does not use {constraint.method}"
    mine = {id(use.node) for use in under_test}
    if constraint.level > 1:
        others = any(_is_call(use) and use.certain and id(use.node) not in mine for use in found)
        return None if others else f"level {constraint.level} needs another built-in beside {constraint.method}"
    for call in program.nodes:
        if isinstance(call, ast.Call) and id(call) not in mine:
            known = next((f"uses {use.entry}" for use in found if use.node is call and use.certain), None)
            why = known or f"calls {ast.unparse(call.func)}"
            return f"level 1 has no call but {constraint.method}: line {call.lineno} {why}"
    if len(mine) < 2 and not _uses_chain(under_test):
        if is_self_composable(CATALOG[constraint.method]):
            return f"level 1 calls {constraint.method} on what it gave, and no use of it is inside another"
        return f"level 1 uses {constraint.method} at least twice"
    if is_self_composable(CATALOG[constraint.method]) and not _nested(program, under_test):
        return f"level 1 calls {constraint.method} on what it gave, and no use of it is inside another"
    return None


def violation_of_common_rules(program: Program) -> str | None:
    """Why a program breaks the contract of all levels; None where it keeps it."""
    names: set[str] = set()
    for node in program.tree.body:
        if not isinstance(node, ast.FunctionDef):
            return f"line {node.lineno} is no plain function ({type(node).__name__}): there is nothing beside functions"
        if node.name in names:
            return f"line {node.lineno} defines {node.name} a second time"
        names.add(node.name)
        if not _is_plain(node.args):
            return f"line {node.lineno}: parameters are plain, without defaults or stars"
        if not node.args.args:
            return f"line {node.lineno}: {node.name} has no parameter"
        if node.decorator_list:
            return f"line {node.lineno}: {node.name} is decorated"
        if (why := _statements(node.body)) is not None:
            return why
    for part in program.nodes:
        if isinstance(part, ast.Lambda) and not _is_plain(part.args):
            return f"line {part.lineno}: parameters of a lambda are plain, without defaults or stars"
    if not program.vocabulary.kinds.isdisjoint(_SUSPENDING):
        found = next(node for node in program.nodes if isinstance(node, _SUSPENDING))
        return f"line {_line(found)} uses {type(found).__name__}, which no level has"
    return _comment(program)


def _is_plain(spec: ast.arguments) -> bool:
    return not (spec.defaults or spec.kw_defaults or spec.vararg or spec.kwarg or spec.kwonlyargs or spec.posonlyargs)


def _comment(program: Program) -> str | None:
    if "#" not in program.source:
        return None
    for token in tokenize.generate_tokens(io.StringIO(program.source).readline):
        if token.type == tokenize.COMMENT:
            return f"line {token.start[0]} has a comment"
    return None


def _statements(body: Sequence[ast.stmt]) -> str | None:
    for node in body:
        if not isinstance(node, _ALLOWED):
            return f"line {node.lineno} uses {type(node).__name__}, which no level has"
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return f"line {node.lineno} is a text or number that does nothing"
        for suite in (getattr(node, "body", ()), getattr(node, "orelse", ())):
            if (why := _statements(suite)) is not None:
                return why
    return None


def depth_of(function: ast.FunctionDef) -> int:
    """How deeply control statements nest in a function, 0 for none; `elif` is one with its `if`."""
    return _deepest(function.body)


def _deepest(body: Sequence[ast.stmt]) -> int:
    deepest = 0
    for node in body:
        if isinstance(node, _CONTROL):
            deepest = max(deepest, 1 + max(_deepest(node.body), _else_depth(node)))
    return deepest


def _else_depth(node: ast.If | ast.For | ast.While) -> int:
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        inner = node.orelse[0]
        if inner.col_offset == node.col_offset:  # an `elif`; an `if` alone under `else:` stands further in, and nests
            return max(_deepest(inner.body), _else_depth(inner))
    return _deepest(node.orelse)


def _functions(program: Program, level: int) -> str | None:
    names = [node.name for node in program.tree.body if isinstance(node, ast.FunctionDef)]
    if level < 6:
        return None if len(names) == 1 else f"level {level} has one function, not {len(names)}"
    if len(names) != 2:
        return f"level 6 has exactly two functions, not {len(names)}"
    calls = {node.name: _called_in(node) for node in program.tree.body if isinstance(node, ast.FunctionDef)}
    (helper,) = [name for name in names if name != program.entry_point] or [""]
    if helper not in calls[program.entry_point]:
        return f"{program.entry_point} does not call {helper}"
    if program.entry_point in calls[program.entry_point] | calls[helper]:
        return f"{program.entry_point} is called again from inside: there is one call"
    return None


def _called_in(function: ast.FunctionDef) -> set[str]:
    """Names that a function calls, or hands over to be called (`map(g, xs)`), and does not bind itself."""
    found: set[str] = set()
    own = {argument.arg for argument in function.args.args}
    for node in walk(function):
        if isinstance(node, ast.Call):
            handed = [*node.args, *(keyword.value for keyword in node.keywords)]
            found.update(part.id for part in (node.func, *handed) if isinstance(part, ast.Name))
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            own.add(node.id)
    return found - own


def _depth(program: Program, level: int) -> str | None:
    depth = max(depth_of(node) for node in program.tree.body if isinstance(node, ast.FunctionDef))
    least, most = DEPTHS[level]
    if least <= depth <= most:
        return None
    wanted = f"{least}" if least == most else f"{least} to {most}"
    return f"level {level} nests control flow {wanted} deep, and this nests it {depth} deep"


def _is_call(use: BuiltinUse) -> bool:
    return CATALOG[use.entry].kind != "operator"


def _uses_chain(under_test: list[BuiltinUse]) -> bool:
    return any(_operands(use.node) > 2 for use in under_test)


def _operands(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values)
    return len(node.comparators) + 1 if isinstance(node, ast.Compare) else 0


def _nested(program: Program, under_test: list[BuiltinUse]) -> bool:
    """Whether a use stands in another, directly or by way of a name that was given its value."""
    if _uses_chain(under_test):
        return True
    mine = {id(use.node) for use in under_test}
    carried: set[str] = set()  # names whose value a use has made

    def carries(node: ast.AST) -> bool:
        return any(id(part) in mine or (isinstance(part, ast.Name) and part.id in carried) for part in walk(node))

    for statement in _simple_statements(program.tree.body):
        named = [node for node in walk(statement) if isinstance(node, ast.NamedExpr) and carries(node.value)]
        carried.update(node.target.id for node in named)
        for outer in (node for node in walk(statement) if id(node) in mine):
            if any(carries(part) for part in ast.iter_child_nodes(outer) if isinstance(part, ast.expr | ast.keyword)):
                return True
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                _assigned(target, statement.value, carries, carried)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            if id(statement) in mine and statement.target.id in carried:
                return True
            if id(statement) in mine or carries(statement.value):
                carried.add(statement.target.id)
    return False


def _assigned(target: ast.expr, value: ast.expr, carries: Callable[[ast.AST], bool], carried: set[str]) -> None:
    """Notes which names carry on what a use has made, and which no longer do."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        made = [carries(part) for part in value.elts]
        for part, carrying in zip(target.elts, made, strict=True):
            _aliases(part, carrying, carried)
    else:
        _aliases(target, carries(value), carried)


def _aliases(target: ast.expr, carrying: bool, carried: set[str]) -> None:
    names = {node.id for node in walk(target) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    if carrying:
        carried |= names
    else:
        carried -= names


def _simple_statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.While):
            yield from _simple_statements(node.body)
        else:
            yield node


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)
