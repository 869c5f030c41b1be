"""The files in a stage's folder, and where an interrupted stage resumes.

DIR/checkpoint-N/     the trainer's; training resumes from the last whole one
DIR/model/            the weights and the tokenizer at the end
DIR/log.jsonl         one line an update
DIR/samples.jsonl     some completions of each rollout, with every answer graded
DIR/begun.json        the model that it started from, until it is done
DIR/verified.json     its share of true chains of thought before, where the stage asks for one
DIR/stage.json        model, updates (`steps`) and seconds; written last: the stage is done
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.run_dir import read_json, write_json
from execverify.utils.atomic import atomic_text

Logger = Callable[[str], None]
"""Gets lines of text about the progress."""

MODEL, LOG, SAMPLES, STAGE = "model", "log.jsonl", "samples.jsonl", "stage.json"
STARTED, FILTERED, VERIFIED = "begun.json", "screened.json", "verified.json"
ZERO_VARIANCE = "execverify/groups_alike"
"""In the log: the share of this process's groups whose completions all got the same of every reward function. (The engine's own
figure, `frac_reward_zero_std`, is of the whole batch where rewards are normalised apart.)"""

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def last_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that was written whole; those that were cut off are removed."""
    found = sorted((int(match[1]), path) for path in folder.glob("checkpoint-*") if (match := _CHECKPOINT.fullmatch(path.name)))
    while found:
        _, path = found.pop()
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))  # the engine writes it last
            return path
        except (OSError, ValueError):
            shutil.rmtree(path, ignore_errors=True)
    return None


def steps_done(folder: Path) -> int:
    """Optimizer steps of the last whole checkpoint; 0 where there is none."""
    path = last_checkpoint(folder)
    return 0 if path is None else int(path.name.rpartition("-")[2])


def resumed_at(folder: Path) -> int:
    """The update from which a stage resumes: that of its last whole checkpoint. Its logs are truncated to it.

    A finished stage has no checkpoint any more: it resumes nowhere, and its logs stay whole.
    """
    if (done := finished(folder)) is not None:
        return int(done["steps"])
    step = steps_done(folder)
    for name in (LOG, SAMPLES):
        truncate_log(folder / name, step)
    return step


def truncate_log(path: Path, step: int) -> None:
    """Takes the lines after an update out of a log: they are going to be written again."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            recorded = json.loads(line)
        except ValueError:
            continue  # the line that a kill cut off
        if recorded.get("step", 0) <= step:
            kept.append(line + "\n")
    atomic_text(path, "".join(kept))


def seconds_before(folder: Path) -> float:
    """Seconds that the updates so far took, those of earlier starts too; the log must be cut back to them, see `resumed_at`."""
    lines = read_log(folder)
    return float(lines[-1]["seconds"]) if lines else 0.0


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a stage's log."""
    path = folder / LOG
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def finished(folder: Path) -> dict[str, Any] | None:
    """The contents of `stage.json`; None where the stage is not done."""
    recorded: dict[str, Any] | None = read_json(folder / STAGE)
    return recorded


def has_started(folder: Path) -> bool:
    """Whether a stage has something to resume from. Until then its settings may change."""
    return finished(folder) is not None or (folder / FILTERED).exists() or last_checkpoint(folder) is not None


def base_name(base: str, folder: Path) -> str:
    """The name of a model in a stage's files: relative to the parent of the stage's folder, so that all may move together."""
    path, home = Path(base).absolute(), folder.absolute().parent
    if path.is_relative_to(home):
        return str(path.relative_to(home))
    return str(path) if path.exists() else base


def check_base(folder: Path, base: str) -> None:
    """Raises TrainingError where a stage was begun on another model than this."""
    if not has_started(folder):
        return
    recorded = finished(folder) or read_json(folder / STARTED) or {}
    before, now = recorded.get("base"), base_name(base, folder)
    if isinstance(before, str) and base_name(before, folder) != now and before != now:
        raise TrainingError(
            f"{folder} was trained from {before}, and this would start from {now}: give the same --model, another --output, "
            f"or remove {folder} to train it again"
        )


def mark_started(folder: Path, base: str) -> None:
    """Writes which model a stage starts from.

    Raises:
        TrainingError: it was begun on another one.
    """
    check_base(folder, base)
    write_json(folder / STARTED, {"base": base_name(base, folder)})


def drop_checkpoints(folder: Path) -> None:
    """Removes what only an unfinished training needs: optimizer states are twice as large as the model."""
    for path in folder.glob("checkpoint-*"):
        shutil.rmtree(path, ignore_errors=True)
    (folder / STARTED).unlink(missing_ok=True)
