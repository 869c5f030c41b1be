"""A folder belongs to one training or experiment: what is in it binds the settings that made it, and the others may change."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.files import read_json, write_json

SETTINGS, CHAINS, EXTRA_SFT_ROWS = "settings.json", "chains.parquet", "more-chains.parquet"
_OF_CHAINS = ("sft.rows", "sft.tasks", "sft.cot_style", "sft.cot_detail", "sft.cot_max_tokens", "sft.max_length")
_ALWAYS = ("seed", "model.", "data.", "evaluation.")
_SETTINGS_FIXED_BY = {
    "sft": ("sft.",),
    "rl_whitebox": ("rl_whitebox.", "trl.", "sft.rows"),  # its prompts are the rows after those of the warm-up
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
"""These split work, and change no result but for the rounding of sums. (A run of verl keeps its own settings, `verl.` among them.)"""


def lock_config(out: Path, told: Mapping[str, Any], made: Collection[str]) -> None:
    """Writes the settings of a training or an experiment into its folder.

    Args:
        out: the folder.
        told: what `settings.json` holds; the settings are its "preset".
        made: what is begun or made there: stages, and files of chains.

    Raises:
        TrainingError: the folder is none, is a stranger's, or was begun with other settings that count; it names them.
    """
    if out.exists() and not out.is_dir():
        raise TrainingError(f"{out} is a file: name a folder with --output")
    before = read_json(out / SETTINGS)
    if before is None:
        if out.exists() and any(out.iterdir()):
            raise TrainingError(f"{out} holds something else: name a new folder with --output")
    elif not isinstance(before, dict) or not isinstance(before.get("preset"), dict):
        raise TrainingError(f"{out / SETTINGS} is not of a training or experiment: name a new folder with --output")
    elif names := conflicting_settings(before["preset"], told["preset"], made):
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise TrainingError(
            f"{out} was begun with other settings ({', '.join(names[:5])}{more}): give the same ones, or another --output"
        )
    write_json(out / SETTINGS, told)


def conflicting_settings(before: Mapping[str, Any], now: Mapping[str, Any], made: Collection[str]) -> list[str]:
    """Names of the settings that differ, and that what was made there depends on."""
    bound = (*_ALWAYS, *(prefix for name in made for prefix in _SETTINGS_FIXED_BY[name]))
    return [name for name in sorted(changed_settings(before, now)) if name.startswith(bound) and name not in _NEVER]


def changed_settings(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """Names of the settings that differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in before.keys() | now.keys():
            yield from changed_settings(before.get(name), now.get(name), f"{where}.{name}".lstrip("."))
    elif before != now:
        yield where
