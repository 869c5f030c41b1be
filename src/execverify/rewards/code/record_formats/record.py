"""What a published record holds, and what a format is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from execverify.errors import RowError
from execverify.rewards.code.test_formats import UnitTests

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """A code problem as somebody published it.

    Attributes:
        tests: its unit tests.
        problem: its statement; "" where it has none.
        messages: the chat messages that ask it, where it has these.
        solutions: programs that solve it, as the record says.
        name: what the record calls itself.
        source: where its publishers have it from.
    """

    tests: UnitTests
    problem: str = ""
    messages: tuple[dict[str, str], ...] = ()
    solutions: tuple[str, ...] = ()
    name: str = ""
    source: str = ""

    def with_fields(self, **more: Any) -> "Record":
        """The same with other fields."""
        return replace(self, **more)


class OtherAbility(RowError):
    """A record is not about code; the argument says what about."""


@dataclass(frozen=True, slots=True)
class RecordFormat:
    """A format of records.

    Attributes:
        name: of the format.
        description: the published sets that have it.
        matches: whether a record is in it, by its fields that are not None.
        read: reads one; raises RowError where it is not whole.
    """

    name: str
    description: str
    matches: Callable[[Fields], bool]
    read: Callable[[Fields], Record]


def has(*names: str) -> Callable[[Fields], bool]:
    """A record fits that has all these fields."""
    return lambda fields: all(name in fields for name in names)


def text_of(fields: Fields, *names: str) -> str:
    """The first of these fields that is a text; "" where there is none."""
    return next((fields[name] for name in names if isinstance(fields.get(name), str)), "")


def texts_of(value: Any) -> tuple[str, ...]:
    """A text, or the texts of a list."""
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    return tuple(one for one in value if isinstance(one, str) and one.strip()) if isinstance(value, list | tuple) else ()


def refuse_others(fields: Fields, known: frozenset[str]) -> None:
    """Raises RowError for fields that nobody knows: a slip in a name must not go by unseen."""
    others = sorted(str(name) for name in fields if name not in known)
    if others:
        raise RowError(f"the tests have unknown fields: {', '.join(others)}; known are {', '.join(sorted(known))}")
