"""A problem of EvalPlus's: its reference, its inputs, and what is right for it by its data set's own rules."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from execverify.errors import EvaluationError
from execverify.programs.values import to_value

LONGEST = 1_000_000
"""Characters of arguments and results as text."""

Oracle = Callable[[tuple[Any, ...], Any, Any, float], bool]
"""From arguments, result, expected result and tolerance to whether the result is right, independent of `==`."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a data set does its own way.

    Attributes:
        inputs: makes the arguments of its JSON what the problems ask for.
        also: by entry point, results that are right although `==` is False.
        instead: by entry point, what decides alone.
        as_sets: entry points whose results are compared as sets.
        not_none: entry points of which only counts whether they return something.
    """

    inputs: Callable[[str, list[list[Any]]], list[Any]] = lambda _, inputs: inputs
    also: Mapping[str, Oracle] = field(default_factory=dict)
    instead: Mapping[str, Oracle] = field(default_factory=dict)
    as_sets: frozenset[str] = frozenset()
    not_none: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Problem:
    """One problem. Each is itself alone, so that what is worked out for it can be kept with it."""

    id: str
    prompt: str
    entry_point: str
    reference: str
    base: tuple[tuple[Any, ...], ...]
    plus: tuple[tuple[Any, ...], ...]
    atol: float
    rules: Rules

    @functools.cached_property
    def texts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The arguments of each call as text: of the base, of the plus."""
        return self._texts(self.base), self._texts(self.plus)

    def _texts(self, inputs: Sequence[Sequence[Any]]) -> tuple[str, ...]:
        texts = []
        for arguments in inputs:
            each = [to_value(argument, LONGEST).text for argument in arguments]
            if None in each:
                raise EvaluationError(f"{self.id} has an argument that is no plain data")
            texts.append(", ".join(text for text in each if text is not None))
        return tuple(texts)


def to_tuples(value: Any, depth: int | None = None) -> Any:
    """A value whose lists are tuples, from the outside in, so many levels deep; None: all."""
    if not isinstance(value, list) or depth == 0:
        return value
    return tuple(to_tuples(part, None if depth is None else depth - 1) for part in value)
