"""Which model and rows `execverify train probe` measures: those of a training's folder, or others.

`with_trl/probe.py` measures.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from execverify.datasets.rows_io import read_rows
from execverify.errors import TrainingError
from execverify.training.checkpoints import Logger
from execverify.training.config import Preset
from execverify.training.pipeline import TrainingPipeline
from execverify.training.run_dir import CHAINS, SETTINGS, conflicting_settings, read_json

_STAGE = "rl_whitebox"


def model_and_rows(
    preset: Preset, out: Path | None, model: str | None, rows: str | None, workers: int, logger: Logger
) -> tuple[str, Iterable[dict[str, Any]]]:
    """The model that white-box RL would start from, and the rows that it would train on.

    Args:
        preset: of the training.
        out: the folder of a training; None where model and rows are given.
        model: hub name or folder instead of the model in `out` before white-box RL.
        rows: a file or folder of rows instead of those of `out` that white-box RL trains on.
        workers: processes that make rows, where `out` has none yet.
        logger: gets a line about each update.

    Raises:
        TrainingError: no folder of a training, one of other settings, or one without a model before white-box RL.
        DatasetError: rows that cannot be read.
    """
    check_sources(preset, out, model, rows)
    training = TrainingPipeline(preset, out or Path(), workers, logger)
    found = training.starting_model(_STAGE) if model is None else model
    return found, training.prompts(_STAGE) if rows is None else read_rows(rows)


def check_sources(preset: Preset, out: Path | None, model: str | None, rows: str | None) -> None:
    """Raises TrainingError where there is nothing to probe; arguments as for `model_and_rows`. Loads no engine."""
    if out is None and (model is None or rows is None):
        raise TrainingError("name what to probe: -o OUT of a training, or both --model and --rows")
    if out is not None:
        _check_folder(preset, out)
    if rows not in (None, "-") and not Path(str(rows)).exists():
        raise TrainingError(f"{rows} does not exist: give a file of rows, or a dataset's folder")


def _check_folder(preset: Preset, out: Path) -> None:
    """Raises TrainingError where a folder is of no training, or its rows were made with other settings."""
    recorded = read_json(out / SETTINGS)
    if not isinstance(recorded, dict) or not isinstance(recorded.get("preset"), dict):
        raise TrainingError(f"{out} is not the folder of a training: train sft into it first, or give --model and --rows")
    if names := conflicting_settings(recorded["preset"], preset.as_json(), [CHAINS]):
        raise TrainingError(f"{out} was begun with other settings ({', '.join(names[:5])}): give the same preset and --set")
