"""The folder of a training or an ablation: its files, and the settings that it was begun with.

What is in the folder fixes the settings that made it. The other settings may change when the command is given again.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.distributed import is_first
from execverify.utils import atomic

SETTINGS, CHAINS, EXTRA_SFT_ROWS, LOCK = "settings.json", "chains.parquet", "more-chains.parquet", "lock"
_OF_CHAINS = ("sft.rows", "sft.tasks", "sft.cot_style", "sft.cot_detail", "sft.cot_max_tokens", "sft.max_length")
_ALWAYS = ("seed", "model.", "data.", "evaluation.")
_SETTINGS_FIXED_BY = {
    "sft": ("sft.",),
    "rl_whitebox": ("rl_whitebox.", "trl.", "sft.rows"),  # its prompts are the rows after those of SFT
    "rl_unit_tests": ("rl_unit_tests.", "trl.", "sft.tasks"),
    CHAINS: _OF_CHAINS,
    EXTRA_SFT_ROWS: (*_OF_CHAINS, "rl_whitebox.rows", "rl_whitebox.kinds"),
}
_NEVER = (
    "sft.save_steps",
    "sft.per_device_batch_size",
    "rl_whitebox.per_device_batch_size",
    "rl_unit_tests.per_device_batch_size",
    "evaluation.batch_size",
)
"""These split the work, and change results only by the rounding of sums. (A run of verl keeps its own settings, `verl.` among them.)"""


@contextmanager
def atomic_dir(out: Path) -> Iterator[Path]:
    """A folder to write into, put in the place of `out` when the block ends without an error.

    Raises:
        TrainingError: it cannot be written, as on a full disk.
    """
    try:
        with atomic.atomic_dir(out) as unfinished:
            yield unfinished
    except OSError as error:
        raise TrainingError(f"{out} could not be written: {error.strerror or error}") from None


@contextmanager
def exclusive_stage(out: Path) -> Iterator[None]:
    """A block in which one training alone is at work in a stage's folder: that of this process, or the one that it is part of.

    Raises:
        TrainingError: another process trains there, or the folder cannot be written.
    """
    if not is_first():
        yield
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = atomic.take_lock(out / LOCK)
    except BlockingIOError:
        raise TrainingError(f"another training is at work in {out}: wait for it, or name another folder with --output") from None
    except OSError as error:
        raise TrainingError(f"{out} could not be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        os.close(lock)


def write_json(path: Path, value: Any) -> None:
    """Writes plain values as JSON, whole or not at all; makes the folder.

    Raises:
        TrainingError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.atomic_json(path, value)
    except OSError as error:
        raise TrainingError(f"{path} could not be written: {error.strerror or error}") from None


def read_json(path: Path) -> Any:
    """The plain values of a JSON file; None where there is no such file.

    Raises:
        TrainingError: the file cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise TrainingError(f"{path} cannot be read: {error}; delete it to make it again") from None


def lock_config(out: Path, config: Mapping[str, Any], made: Collection[str]) -> None:
    """Writes the settings of a training or an ablation into its folder.

    Args:
        out: the folder.
        config: what `settings.json` holds; the settings are its "preset".
        made: what is begun or made there: stages, and files of chains.

    Raises:
        TrainingError: the folder is a file or holds something else, or it was begun with other settings that what is there
            depends on. The message names them.
    """
    if out.exists() and not out.is_dir():
        raise TrainingError(f"{out} is a file: name a folder with --output")
    before = read_json(out / SETTINGS)
    if before is None:
        if out.exists() and any(out.iterdir()):
            raise TrainingError(f"{out} holds something else: name a new folder with --output")
    elif not isinstance(before, dict) or not isinstance(before.get("preset"), dict):
        raise TrainingError(f"{out / SETTINGS} is not of a training or an ablation: name a new folder with --output")
    elif names := conflicting_settings(before["preset"], config["preset"], made):
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise TrainingError(
            f"{out} was begun with other settings ({', '.join(names[:5])}{more}): give the same ones, or another --output"
        )
    write_json(out / SETTINGS, config)


def conflicting_settings(before: Mapping[str, Any], now: Mapping[str, Any], made: Collection[str]) -> list[str]:
    """Names of the settings that differ, and that something made there depends on."""
    bound = (*_ALWAYS, *(prefix for name in made for prefix in _SETTINGS_FIXED_BY[name]))
    return [name for name in sorted(changed_settings(before, now)) if name.startswith(bound) and name not in _NEVER]


def changed_settings(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """Names of the settings that differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in before.keys() | now.keys():
            yield from changed_settings(before.get(name), now.get(name), f"{where}.{name}".lstrip("."))
    elif before != now:
        yield where
