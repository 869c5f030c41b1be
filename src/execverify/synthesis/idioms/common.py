"""What several deeds say and set up alike."""

from collections.abc import Callable

from execverify.synthesis.describe import aside, whether
from execverify.synthesis.expressions import Writer
from execverify.synthesis.function_builder import Var
from execverify.synthesis.templates import Expr

PLAIN = ("int", "str")
ALL = ("int", "str", "float", "bool", "list", "tuple", "dict")


def given(var: Var) -> Callable[[], Expr]:
    return lambda: var.expr


def told_as(value: Expr) -> str:
    """What a value is, as an object of a verb."""
    return aside(whether(value.say, value.kind))


def again(w: Writer, *texts: str) -> Callable[[], str]:
    """The first text, and in later branches the others."""
    left = list(texts)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def brief(w: Writer, value: Expr, most: int, *name: str) -> Expr:
    """A value that is used twice: where its text is longer than that, under a name."""
    return w.let(value, *name).expr if len(value.text) > most else value
