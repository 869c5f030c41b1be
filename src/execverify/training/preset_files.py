"""A preset: all settings of the two-stage training, as a commented file that a person can read, copy and change.

preset = load_preset("tiny", ["rl_whitebox.max_steps=20"])    # a name, or the path of a file like those in `presets/`
preset.rl_whitebox.learning_rate
"""

import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.config import Preset
from execverify.training.preset_checks import check_preset, meant

FOLDER = Path(__file__).with_name("presets")


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_preset(name: str, changes: Iterable[str] = ()) -> Preset:
    """A preset by name or path, with single settings changed.

    Args:
        name: of `preset_names()`, or the path of a .toml file.
        changes: settings as "rl_whitebox.learning_rate=1e-5", values as TOML has them (a bare word is text).

    Raises:
        TrainingError: there is no such preset or setting, with the nearest names, or a value is not of its type or range.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if path.parent != FOLDER:
            raise TrainingError(f"{name}: no such file") from None
        raise TrainingError(f"there is no preset {name!r}: {meant(name, preset_names())}, or give a .toml file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"{name} cannot be read as a preset: {error}") from None
    for change in changes:
        _change(plain, change)
    preset: Preset = _record(Preset, plain, "")
    check_preset(preset)
    return preset


def _change(plain: dict[str, Any], change: str) -> None:
    """Puts one setting, given as text, into the plain values."""
    dotted, equals, text = change.partition("=")
    if not equals or not dotted.strip():
        raise TrainingError(f"{change!r} sets nothing: write it like rl_whitebox.learning_rate=1e-5")
    *tables, last = dotted.strip().split(".", 1)  # the engines' own settings have dots in their names
    kind: Any = Preset
    for table in tables:
        inner = plain.setdefault(table, {})
        if not isinstance(inner, dict):
            raise TrainingError(f"there is no setting {dotted!r}: {table} holds no others")
        plain, kind = inner, _kind_of(kind, table)
    plain[last] = _value(text.strip(), _kind_of(kind, last))


def _kind_of(record: Any, name: str) -> Any:
    """The type of a record's field; None where there is none of that name."""
    return typing.get_type_hints(record).get(name) if is_dataclass(record) else None


def _value(text: str, kind: Any) -> Any:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return text if kind is str and not isinstance(value, str) else value  # a folder may be called 2024-01-01


def _record(kind: Any, plain: Mapping[str, Any], where: str) -> Any:
    """A record from plain values; each must be of the field's type."""
    known = {entry.name: entry for entry in fields(kind)}
    types_of = typing.get_type_hints(kind)
    default = kind() if where == "" else None
    given: dict[str, Any] = {}
    for name, value in plain.items():
        dotted = f"{where}{name}"
        if name not in known:
            raise TrainingError(f"there is no setting {dotted!r}: {meant(dotted, [f'{where}{other}' for other in known])}")
        given[name] = _fitting(types_of[name], value, dotted)
    if default is None:
        return given
    for name, value in given.items():
        inner = getattr(default, name)
        if is_dataclass(inner) and not isinstance(inner, type):
            given[name] = replace(inner, **value)
    return replace(default, **given)


def _fitting(kind: Any, value: Any, dotted: str) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise TrainingError(f"{dotted} is a table of settings: write [{dotted}], or {dotted}.NAME=VALUE")
        return _record(kind, value, f"{dotted}.")
    origin = typing.get_origin(kind) or kind
    if origin is tuple:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return tuple(value)
        raise TrainingError(f'{dotted} is {value!r}: give a list of texts, such as ["a", "b"]')
    if origin is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if origin is str and type(value) is int:
        return str(value)  # as in data.levels=3
    wanted = dict if isinstance(origin, type) and issubclass(origin, Mapping) else origin
    if isinstance(wanted, types.UnionType) or type(value) is not wanted:
        told = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", dict: "a table"}
        raise TrainingError(f"{dotted} is {value!r}: give {told.get(wanted, wanted)}")
    return value
