"""The warm-up: supervised fine-tuning on chains of thought, by TRL's SFTTrainer (paper, section 3.2)."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.checkpoints import (
    LOG,
    MODEL,
    STAGE,
    Say,
    drop_checkpoints,
    finished,
    last_checkpoint,
    steps_done,
    trim,
)
from execverify.training.engine import common, guarded, loaded, quiet, world_size
from execverify.training.files import whole_folder, write_json
from execverify.training.lengths import Kept, check_template, fitting
from execverify.training.logs import StepLog
from execverify.training.preset import Preset


def train_sft(preset: Preset, base: str, rows: Iterable[dict[str, Any]], out: Path, say: Say = print) -> dict[str, Any]:
    """Trains on prompts with completions; goes on from the last checkpoint where it was stopped.

    Args:
        preset: of which `sft` and `model` count.
        base: the model's hub name or folder.
        rows: each with `prompt` and `completion`, chat messages both.
        out: the stage's folder.
        say: told a line now and then.

    Returns:
        What `stage.json` holds: steps, rows, tokens, seconds, and what was left out.

    Raises:
        TrainingError: no rows, no chat template, a full disk or too little memory.
    """
    if (done := finished(out)) is not None:
        return done
    import datasets
    from trl import SFTConfig, SFTTrainer

    settings = preset.sft
    model, tokenizer = loaded(preset, base)
    check_template(tokenizer, base)
    account = Kept()
    data = datasets.Dataset.from_list(
        [
            {"prompt": row["prompt"], "completion": row["completion"]}
            for row in fitting(rows, tokenizer, min(settings.max_tokens, preset.model.context), account)
        ]
    )
    if not len(data):
        raise TrainingError(
            f"no row is left for the warm-up ({account.too_long} are longer than sft.max_tokens = {settings.max_tokens} tokens)"
        )
    say(f"warm-up on {account.kept} rows, {account.tokens} tokens; {account.too_long} were too long")
    arguments = SFTConfig(
        **common(preset, out, settings.learning_rate, settings.scheduler, settings.warmup),
        per_device_train_batch_size=settings.device_batch,
        gradient_accumulation_steps=max(1, settings.batch // (settings.device_batch * world_size())),
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        weight_decay=settings.weight_decay,
        max_length=settings.max_tokens,
        packing=settings.packing,
        train_sampling_strategy="random" if settings.packing else "group_by_length",
        loss_type="nll",
    )
    begun, resumed = time.perf_counter(), steps_done(out)
    trim(out / LOG, resumed)
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=data,
        processing_class=tokenizer,
        callbacks=[StepLog(out, [], lambda: 0.0, say)],
    )
    quiet(trainer)
    with guarded(out):
        trainer.train(resume_from_checkpoint=str(path) if (path := last_checkpoint(out)) else None)
        with whole_folder(out / MODEL) as folder:
            trainer.save_model(str(folder))
            tokenizer.save_pretrained(folder)
    told = {
        "stage": "sft",
        "base": base,
        "steps": trainer.state.global_step,
        "resumed_at": resumed,
        "seconds": round(time.perf_counter() - begun, 1),
        **vars(account),
    }
    write_json(out / STAGE, told)
    drop_checkpoints(out)
    return told
