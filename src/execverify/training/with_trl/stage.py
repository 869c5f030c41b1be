"""What both kinds of training have in common once the engine's trainer is made: from the last checkpoint to a finished stage."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.checkpoints import (
    MODEL,
    STAGE,
    Logger,
    drop_checkpoints,
    last_checkpoint,
    mark_started,
    resumed_at,
    seconds_before,
    steps_done,
)
from execverify.training.config import Preset
from execverify.training.distributed import is_first
from execverify.training.length_filter import check_template
from execverify.training.run_dir import atomic_dir, write_json
from execverify.training.with_trl.common import loaded, translate_errors
from execverify.training.with_trl.progress import show_progress


def load_for_stage(preset: Preset, base: str, out: Path) -> tuple[Any, Any]:
    """The model that a stage starts from, and its tokenizer; the stage's folder says so from now on.

    Raises:
        ModelError: the model cannot be had.
        TrainingError: no chat template, or the stage was begun on another model.
    """
    model, tokenizer = loaded(preset, base)
    check_template(tokenizer, base)
    if is_first():
        mark_started(out, base)
    return model, tokenizer


def train_stage(
    trainer: Any,
    log: Any,
    tokenizer: Any,
    out: Path,
    recorded: Mapping[str, Any],
    say: Logger,
    more: Callable[[], Mapping[str, Any]] = dict,
) -> dict[str, Any]:
    """Trains to the end, from the last whole checkpoint where there is one; keeps the model and the tokenizer.

    Args:
        trainer: TRL's.
        log: called with each update, before the trackers, which then get its figures too.
        tokenizer: saved beside the weights.
        out: the stage's folder.
        recorded: what `stage.json` says beside updates (`steps`) and seconds.
        say: gets a line about an update now and then.
        more: further figures, asked for at the end.

    Returns:
        What `stage.json` holds; its seconds are those of all starts, but for what was done again.

    Raises:
        TrainingError: a full disk or too little memory.
    """
    begun, resumed = time.perf_counter(), resumed_at(out) if is_first() else steps_done(out)
    begun -= seconds_before(out) if is_first() else 0.0
    show_progress(trainer, lambda line: say(f"{out.name}: {line}"))
    trainer.add_callback(log)
    trainer.callback_handler.callbacks.insert(0, trainer.callback_handler.callbacks.pop())
    with translate_errors(out):
        trainer.train(resume_from_checkpoint=str(path) if (path := last_checkpoint(out)) else None)
        _save_model(trainer, tokenizer, out / MODEL)
    seconds = round(time.perf_counter() - begun, 3)
    found = {**recorded, "steps": trainer.state.global_step, "resumed_at": resumed, "seconds": seconds, **more()}
    if is_first():
        write_json(out / STAGE, found)
        drop_checkpoints(out)
    return found


def _save_model(trainer: Any, tokenizer: Any, out: Path) -> None:
    """Model and tokenizer at the end. Every process has a part of the weights to hand in, and the first one writes."""
    if not is_first():
        trainer.save_model(str(out))
        return
    with atomic_dir(out) as folder:
        trainer.save_model(str(folder))
        tokenizer.save_pretrained(folder)
        if not any(folder.glob("*.safetensors")):
            raise TrainingError(
                f"the engine wrote no weights of {out}: with FSDP, give accelerate --fsdp_state_dict_type FULL_STATE_DICT; the "
                "checkpoint is kept"
            )
