"""What a stage leaves in its folder, and from where it goes on when it was stopped.

DIR/checkpoint-N/     of the engine; the last whole one is where training goes on
DIR/model/            the weights and the tokenizer at the end
DIR/log.jsonl         one line a step
DIR/samples.jsonl     some completions of each rollout, with every answer graded
DIR/stage.json        what was trained on what; written last, so that it says: done
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from execverify.training.files import read_json

Say = Callable[[str], None]
"""Is told a line for a person, now and then."""

MODEL, LOG, SAMPLES, STAGE = "model", "log.jsonl", "samples.jsonl", "stage.json"
ALIKE = "execverify/groups_alike"
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
    """Where a stage goes on: the steps of its last whole checkpoint; its logs are cut back to there."""
    step = steps_done(folder)
    for name in (LOG, SAMPLES):
        trim(folder / name, step)
    return step


def trim(path: Path, step: int) -> None:
    """Takes the lines after a step out of a log: they are going to be written again."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue  # the line that a kill cut off
        if told.get("step", 0) <= step:
            kept.append(line + "\n")
    path.write_text("".join(kept), encoding="utf-8")


def seconds_before(folder: Path) -> float:
    """Seconds that the steps so far took, those of earlier starts too; the log must be cut back to them, see `resumed_at`."""
    lines = logged(folder)
    return float(lines[-1]["seconds"]) if lines else 0.0


def logged(folder: Path) -> list[dict[str, Any]]:
    """The lines of a stage's log."""
    path = folder / LOG
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def finished(folder: Path) -> dict[str, Any] | None:
    """What a stage that is done says of itself; None where it is not done."""
    told: dict[str, Any] | None = read_json(folder / STAGE)
    return told


def drop_checkpoints(folder: Path) -> None:
    """Removes what only an unfinished training needs: optimizer states are twice as large as the model."""
    for path in folder.glob("checkpoint-*"):
        shutil.rmtree(path, ignore_errors=True)
