"""Presets: all settings of a training in one commented TOML file, which a person can read, copy and change.

preset = load_preset("tiny", ["rl_whitebox.max_steps=20"])    # a name, or the path of a file like those in this folder
preset.rl_whitebox.learning_rate
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.config import Preset, check_files, settings_of
from execverify.utils.messages import suggestion

FOLDER = Path(__file__).parent


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_preset(name: str, changes: Iterable[str] = ()) -> Preset:
    """A preset by name or path, with single settings changed.

    Args:
        name: of `preset_names()`, or the path of a .toml file.
        changes: settings as "rl_whitebox.learning_rate=1e-5", with values as TOML writes them. A bare word is a text.

    Raises:
        TrainingError: no such preset or setting, with the nearest names; or a value of the wrong type or out of range.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if path.parent != FOLDER:
            raise TrainingError(f"{name}: no such file") from None
        raise TrainingError(
            f"there is no preset {name!r} (give a preset's name or a .toml file): {suggestion(name, preset_names())}"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"{name} cannot be read as a preset: {error}") from None
    for change in changes:
        _change(values, change)
    preset = Preset.from_values(values)
    check_files(preset)
    return preset


def _change(values: dict[str, Any], change: str) -> None:
    """Puts one setting, given as text, into plain values."""
    dotted, equals, text = change.partition("=")
    if not equals or not dotted.strip():
        raise TrainingError(f"{change!r} sets nothing: write it like rl_whitebox.learning_rate=1e-5")
    *tables, name = dotted.strip().split(".", 1)  # settings of TRL and verl have dots in their names
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            raise TrainingError(f"there is no setting {dotted!r}: {table} holds no others")
    values[name] = _value(text.strip(), is_text=settings_of(tables).get(name) is str)


def _value(text: str, *, is_text: bool) -> Any:
    """The value of a text in TOML; a text setting takes what is no quoted text as it is, such as a folder called 2024-01-01."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return text if is_text and not isinstance(value, str) else value
