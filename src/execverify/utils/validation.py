"""Check arguments of public functions; one line names the mistake and what to give."""

from collections.abc import Iterable
from typing import Any, TypeVar

from execverify.errors import ExecVerifyError

Kind = TypeVar("Kind")


def expect(value: Any, kind: type[Kind], error: type[ExecVerifyError], hint: str) -> Kind:
    """The value, which is of that class.

    Raises:
        ExecVerifyError: `error`, which names what was given and what to give.
    """
    if isinstance(value, kind):
        return value
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    raise error(f"this takes {article} {kind.__name__}, not {_kind(value)}: {hint}")


def list_of(values: Any, what: str, error: type[ExecVerifyError]) -> Iterable[Any]:
    """The values, which are several: no text, whose characters nobody means, and no single thing.

    Raises:
        ExecVerifyError: `error`, which names what was given.
    """
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        return values
    raise error(f"this takes {what}, not {_kind(values)}: give a list")


def names(values: Any, what: str, error: type[ExecVerifyError]) -> tuple[Any, ...]:
    """Names as people give them: a list, or one text with commas between them.

    Raises:
        ExecVerifyError: `error`, for what is neither.
    """
    if isinstance(values, str):
        return tuple(name.strip() for name in values.split(",") if name.strip())
    return tuple(list_of(values, what, error))


def whole_number(value: Any, name: str, error: type[ExecVerifyError]) -> int:
    """The value, which is an int and no bool.

    Raises:
        ExecVerifyError: `error`, which names what was given.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise error(f"{name} must be a whole number, not {_kind(value)}")


def _kind(value: Any) -> str:
    return "None" if value is None else f"text ({value[:40]!r})" if isinstance(value, str) else type(value).__name__
