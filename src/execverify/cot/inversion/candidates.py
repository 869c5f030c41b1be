"""Arguments to try, in a fixed order, from what a reader of the prompt knows.

That is the program, the wanted result, and how earlier tries ended.
"""

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from execverify.cot.inversion.backward import Derivation, Inverter
from execverify.cot.inversion.evaluate import MAX_NUMBER
from execverify.cot.inversion.hints import sample
from execverify.cot.inversion.needs import Items, is_text
from execverify.errors import LiteralError, ProgramError
from execverify.programs.program import Program, arguments_text

_DERIVED = 2
_MAX_DERIVED = 4

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Candidate:
    """Arguments to try.

    Attributes:
        values: one for each parameter.
        arguments: their text.
        derivation: how they were derived; None for a guess.
    """

    values: Values
    arguments: str
    derivation: Derivation | None = None


class Candidates:
    """Proposes arguments for a program.

    Args:
        program: its own arguments are not looked at.
        wanted: what the call must return.
    """

    def __init__(self, program: Program, wanted: Any) -> None:
        inverter = Inverter(program)
        self.function = inverter.functions.get(program.entry_point)
        self.wanted = wanted
        self.seen: set[str] = set()
        self.derived: list[Candidate] = []
        self.tried: list[tuple[Candidate, Any]] = []
        if self.function is None or not _is_plain(self.function):
            return
        self.names = [one.arg for one in self.function.args.args]
        self.samples = [sample(self.function, name, inverter.functions) for name in self.names]
        with suppress(
            ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError
        ):  # values of any types meet
            for derivation in islice(inverter.derivations(program.entry_point, wanted), _MAX_DERIVED):
                self._add(derivation)

    def next(self) -> Candidate | None:
        """The next arguments to try; None where there are none."""
        if self.function is None or not _is_plain(self.function) or not self.names:
            return None
        for found in self._proposals():
            if found.arguments not in self.seen:
                self.seen.add(found.arguments)
                return found
        return None

    def failed(self, candidate: Candidate, result: Any) -> None:
        """Notes what a try returned; `None` where it raised."""
        self.tried.append((candidate, result))

    def _add(self, derivation: Derivation) -> None:
        values = tuple(
            _whole(derivation.needs[name], like) if name in derivation.needs else like
            for name, like in zip(self.names, self.samples, strict=True)
        )
        made = _candidate(values, derivation)
        if made is not None and all(one.arguments != made.arguments for one in self.derived):
            self.derived.append(made)

    def _proposals(self) -> Iterator[Candidate]:
        yield from self.derived[:_DERIVED]
        guesses = [*self._adjusted(), *self._alike(), *self._varied()]
        yield from (made for values in guesses if (made := _candidate(values)) is not None)
        yield from self.derived[_DERIVED:]

    def _adjusted(self) -> Iterator[Values]:
        """One number moved by how far the last tries were off, as a straight line through two of them says."""
        numbers = [(one.values, result) for one, result in self.tried if type(result) is type(self.wanted) is int]
        if not numbers:
            return
        values, result = numbers[-1]
        for at, value in enumerate(values):
            inner = value[0] if isinstance(value, list) and len(value) == 1 else value
            if type(inner) is not int:
                continue
            new = inner + self.wanted - result
            for other, before in numbers[:-1]:
                old = other[at][0] if isinstance(other[at], list) and len(other[at]) == 1 else other[at]
                if type(old) is int and old != inner and result != before:
                    new = inner + (self.wanted - result) * (inner - old) // (result - before)
            if abs(new) < MAX_NUMBER:
                yield (*values[:at], [new] if isinstance(value, list) else new, *values[at + 1 :])

    def _alike(self) -> Iterator[Values]:
        """The wanted result itself, in place of a parameter of its kind."""
        for at, like in enumerate(self.samples):
            if type(like) is type(self.wanted) or (isinstance(like, list) and isinstance(self.wanted, tuple | set)):
                items = sorted(self.wanted, key=repr) if isinstance(self.wanted, set) else self.wanted
                given = list(items) if isinstance(like, list) else self.wanted
                yield (*self.samples[:at], given, *self.samples[at + 1 :])

    def _varied(self) -> Iterator[Values]:
        """Small values of each parameter's kind: as they are, empty, and larger ones."""
        yield tuple(self.samples)
        yield tuple(type(one)() for one in self.samples)
        for at, like in enumerate(self.samples):
            for other in _others(like):
                yield (*self.samples[:at], other, *self.samples[at + 1 :])


def _is_plain(function: ast.FunctionDef) -> bool:
    given = function.args
    return not (given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs)


def _whole(value: Any, like: Any) -> Any:
    """A need as a value, of the kind that the parameter has."""
    if isinstance(value, Items):
        filler = like[0] if isinstance(like, list) and like else next(iter(value.items.values()), 1)
        value = value.filled(filler)
        if isinstance(like, str) and is_text(value):
            return "".join(value)
    if isinstance(value, list) and isinstance(like, str) and value and is_text(value):
        return "".join(value)
    if isinstance(value, list) and isinstance(like, set):
        try:
            return set(value)
        except TypeError:
            return value
    return value


def _others(like: Any) -> Sequence[Any]:
    if isinstance(like, int) and not isinstance(like, bool):
        return (0, 2, 10)
    if isinstance(like, str):
        return ("", "b", "ab")
    if isinstance(like, list):
        return ([], [*like, *like], [2])
    return (type(like)(),)


def _candidate(values: Values, derivation: Derivation | None = None) -> Candidate | None:
    try:
        return Candidate(values, arguments_text((values, {})), derivation)
    except (ProgramError, LiteralError):  # part of a value is unknown
        return None
