"""The register of deeds: what is done with one value after the other, and what comes of it in the end."""

from collections.abc import Callable
from dataclasses import dataclass

from execverify.programs.type_expr import type_head
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.templates import Expr

Body = Callable[[Expr], None]


@dataclass
class IdiomInstance:
    """A deed set up: what to do with each value, and what the function then has."""

    act: Body
    result: Callable[[], Expr]


Idiom = Callable[[ExpressionGenerator, str, Expr], IdiomInstance]
_DEEDS: dict[str, tuple[Idiom, int, tuple[str, ...], str]] = {}


def idiom(depth: int, gives: str, *kinds: str) -> Callable[[Idiom], Idiom]:
    """Registers a deed: the control statements that it nests, the head of its result's type, the heads of its values' types."""

    def register(function: Idiom) -> Idiom:
        _DEEDS[function.__name__] = (function, depth, kinds, gives)
        return function

    return register


def idioms_for(kind: str, most: int, gives: str = "") -> list[str]:
    """Names of the deeds with values of a type, within a depth."""
    return [
        name
        for name, (_, depth, kinds, given) in _DEEDS.items()
        if depth <= most and type_head(kind) in kinds and (not gives or given == gives)
    ]


def idiom_names() -> tuple[str, ...]:
    return tuple(_DEEDS)


def idiom_depth(name: str) -> int:
    return _DEEDS[name][1]


def instantiate(name: str, w: ExpressionGenerator, kind: str, element: Expr) -> IdiomInstance:
    """Sets a deed up for values of a type that come from an element."""
    return _DEEDS[name][0](w, kind, element)
