"""The registry of idioms: what a loop does with one value after the other, and what the function has in the end."""

from collections.abc import Callable
from dataclasses import dataclass

from execverify.programs.type_expr import type_head
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.templates import Expr
from execverify.utils.registry import load_plugins

Body = Callable[[Expr], None]


@dataclass
class IdiomInstance:
    """An idiom in one function: writes the lines for one value, and gives the result."""

    act: Body
    result: Callable[[], Expr]


MakeIdiom = Callable[[ExpressionGenerator, str, Expr], IdiomInstance]
"""Writes the lines before the loop, for values of a type that are made from an element."""


@dataclass(frozen=True)
class Idiom:
    """A registered idiom.

    Attributes:
        name: its function's name.
        make: writes what stands before the loop.
        depth: how many control statements it nests.
        gives: head of its result's type.
        kinds: heads of the types of the values that it takes.
        scalar_element: whether the loop's element must be an int or a str.
        continues: whether other code can go on with its result.
        in_branches: whether it can be used in both branches of one `if`.
    """

    name: str
    make: MakeIdiom
    depth: int
    gives: str
    kinds: tuple[str, ...]
    scalar_element: bool = False
    continues: bool = True
    in_branches: bool = True


_IDIOMS: dict[str, Idiom] = {}


def idiom(
    depth: int, gives: str, *kinds: str, scalar_element: bool = False, continues: bool = True, in_branches: bool = True
) -> Callable[[MakeIdiom], MakeIdiom]:
    """Registers a function as an idiom; see `Idiom` for the arguments."""

    def register(make: MakeIdiom) -> MakeIdiom:
        name = make.__name__
        _IDIOMS[name] = Idiom(name, make, depth, gives, kinds, scalar_element, continues, in_branches)
        return make

    return register


def idioms_for(kind: str, most: int, gives: str = "") -> list[Idiom]:
    """The idioms for values of a type, within a depth, and with a result of a type where one is wanted."""
    load_plugins()
    head = type_head(kind)
    return [
        idiom for idiom in _IDIOMS.values() if idiom.depth <= most and head in idiom.kinds and (not gives or idiom.gives == gives)
    ]


def idiom_names() -> tuple[str, ...]:
    """The names of all idioms."""
    load_plugins()
    return tuple(_IDIOMS)
