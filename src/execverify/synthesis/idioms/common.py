"""What several idioms have in common."""

from collections.abc import Callable

from execverify.synthesis.describe import as_noun, parenthetical
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import Var
from execverify.synthesis.templates import Expr

SCALAR_TYPES = ("int", "str")
ALL_TYPES = ("int", "str", "float", "bool", "list", "tuple", "dict")


def variable_result(var: Var) -> Callable[[], Expr]:
    return lambda: var.expr


def as_object(value: Expr) -> str:
    """The description of a value as the object of a verb."""
    return parenthetical(as_noun(value.description, value.kind))


def alternating(gen: ExpressionGenerator, *texts: str) -> Callable[[], str]:
    """The first text, and in later branches the others."""
    left = list(texts)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def name_if_long(gen: ExpressionGenerator, value: Expr, most: int, *name: str) -> Expr:
    """A value that is used twice: where its text is longer than that, under a name."""
    named = len(value.text) > most or (
        value.kind == "bool" and not value.text.isidentifier()
    )  # a condition is no object of a verb
    return gen.assign(value, *name).expr if named else value
