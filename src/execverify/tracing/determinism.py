"""Which programs could behave differently on another run, and under which hash seeds to try them.

What no two runs of one interpreter would show (its version, the machine, its own frames) is refused by name (`interpreter_access.py`).
What varies between two runs of the same interpreter is: the order of sets of text (hash seed), addresses (`id`, `hash`,
the text of objects that print their address), time, chance, and the outside world. A program that uses none of the accesses
to these cannot vary and runs once. The accesses are a closed list, and the judgement errs on the side of more runs: any
import, any name under the hood, anything that makes a set.

Runs under two seeds would miss half of the programs that depend on the order of a two-element set, so there are more.
"""

import ast

from execverify.programs.program import NodeNames, Program
from execverify.sandbox.run import needs_dedicated_worker
from execverify.tracing.order import exposes_set_order

EXTRA_HASH_SEEDS = (1, 2, 3, 4, 5)
"""Hash seeds tried beside 0. A dependence on the order of two elements escapes all of them in 1 case of 32."""

_MAKING_SETS = frozenset({"set", "frozenset"})
_REFLECTION_NAMES = frozenset({"hash", "id", "object", "dir", "locals", "input", "memoryview"})
_VIEWS = frozenset({"keys", "items"})
_SET_OPERATORS = frozenset({ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub})
_SHOWING = frozenset({"str", "repr", "ascii", "format", "print"})
_SHOWN = frozenset(
    {"map", "filter", "zip", "enumerate", "reversed", "iter", "type", "super", "property", "slice", "staticmethod"}
)
_OBJECTS = frozenset({ast.Lambda, ast.GeneratorExp, ast.Yield, ast.YieldFrom, ast.ClassDef, ast.AsyncFunctionDef})
_SETS = frozenset({ast.Set, ast.SetComp})


def may_be_nondeterministic(program: Program) -> bool:
    """Whether another run could give another trace, judged by the source, the arguments and the types of expressions."""
    used = program.vocabulary
    if used.names & _REFLECTION_NAMES or needs_dedicated_worker(used):
        return True
    return _worth_checking(program) and exposes_set_order(program)


def expressions_may_vary(program: Program) -> bool:
    """Whether another run could give other values to parts of its statements, be the trace the same: `sorted(list(words))`."""
    used = program.vocabulary
    return bool(used.names & _REFLECTION_NAMES) or needs_dedicated_worker(used) or _worth_checking(program)


def _worth_checking(program: Program) -> bool:
    """Whether it has anything to do with sets, or makes texts and has objects: most programs do not, at a glance."""
    used = program.vocabulary
    if used.kinds & _SETS or used.names & _MAKING_SETS:
        return True
    if used.attributes & _VIEWS and used.kinds & _SET_OPERATORS and any(map(_may_make_a_set, program.nodes)):
        return True
    return _holds_set(program.call_arguments) or (_shows(used) and _has_address(program))


def _may_make_a_set(node: ast.AST) -> bool:
    """Whether an operator could be a set's, as on the views of a dict; a number on either side rules it out."""
    if isinstance(node, ast.BinOp):
        return type(node.op) in _SET_OPERATORS and not (_is_number(node.left) or _is_number(node.right))
    return isinstance(node, ast.AugAssign) and type(node.op) in _SET_OPERATORS and not _is_number(node.value)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"
    )


def _shows(used: NodeNames) -> bool:
    """Whether the program can turn any object into text."""
    return bool(used.kinds & {ast.JoinedStr, ast.Mod} or used.names & _SHOWING or used.attributes & {"format", "format_map"})


def _has_address(program: Program) -> bool:
    """Whether the program holds objects whose text is their address: inner functions, iterators, bound methods, instances.

    (A top-level function that is only called is not held; one that is passed on or kept is a name that is no call's. The
    text of a built-in function or type is its name.)
    """
    if program.vocabulary.kinds & _OBJECTS or program.vocabulary.names & _SHOWN:
        return True
    top = program.tree.body
    functions = {node.name for node in top if isinstance(node, ast.FunctionDef)}
    called = {id(node.func) for node in program.nodes if isinstance(node, ast.Call)}
    for node in program.nodes:
        if isinstance(node, ast.Name) and node.id in functions and id(node) not in called:
            return True
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in called:
            return True
        if isinstance(node, ast.FunctionDef) and node not in top:
            return True
    return False


def _holds_set(value: object) -> bool:
    if isinstance(value, set | frozenset):
        return True
    if isinstance(value, dict):
        return any(map(_holds_set, [*value.keys(), *value.values()]))
    return isinstance(value, list | tuple) and any(map(_holds_set, value))
