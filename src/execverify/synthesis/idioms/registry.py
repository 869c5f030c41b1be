"""The register of deeds: what is done with one value after the other, and what comes of it in the end."""

from collections.abc import Callable
from dataclasses import dataclass

from execverify.programs.type_expr import head
from execverify.synthesis.expressions import Writer
from execverify.synthesis.templates import Expr

Act = Callable[[Expr], None]


@dataclass
class Done:
    """A deed set up: what to do with each value, and what the function then has."""

    act: Act
    result: Callable[[], Expr]


Deed = Callable[[Writer, str, Expr], Done]
_DEEDS: dict[str, tuple[Deed, int, tuple[str, ...], str]] = {}


def deed(depth: int, gives: str, *kinds: str) -> Callable[[Deed], Deed]:
    """Registers a deed: the control statements that it nests, the head of its result's type, the heads of its values' types."""

    def register(function: Deed) -> Deed:
        _DEEDS[function.__name__] = (function, depth, kinds, gives)
        return function

    return register


def deeds_for(kind: str, most: int, gives: str = "") -> list[str]:
    """Names of the deeds with values of a type, within a depth."""
    return [
        name
        for name, (_, depth, kinds, given) in _DEEDS.items()
        if depth <= most and head(kind) in kinds and (not gives or given == gives)
    ]


def deed_names() -> tuple[str, ...]:
    return tuple(_DEEDS)


def deed_depth(name: str) -> int:
    return _DEEDS[name][1]


def set_up(name: str, w: Writer, kind: str, element: Expr) -> Done:
    """Sets a deed up for values of a type that come from an element."""
    return _DEEDS[name][0](w, kind, element)
