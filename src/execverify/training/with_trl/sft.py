"""The warm-up: supervised fine-tuning on chains of thought, by TRL's SFTTrainer (paper, section 3.2)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.checkpoints import Say, base_name, check_base, finished
from execverify.training.config import Preset
from execverify.training.length_filter import Kept, fitting
from execverify.training.with_trl.common import accumulation, common, taking_settings
from execverify.training.with_trl.stage import carried_out, opened
from execverify.training.with_trl.step_logs import StepLog
from execverify.utils.messages import counted


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
        TrainingError: no rows, no chat template, a full disk, too little
            memory, or a stage that was begun on another model.
    """
    check_base(out, base)
    if (done := finished(out)) is not None:
        return done
    import datasets
    from trl import SFTTrainer

    arguments = arguments_of(preset, out)
    model, tokenizer = opened(preset, base, out)
    account, most = Kept(), min(preset.sft.max_tokens, preset.model.context)
    kept = [{name: row[name] for name in ("prompt", "completion")} for row in fitting(rows, tokenizer, most, account)]
    if not kept:
        raise TrainingError(
            f"no row is left for the warm-up ({account.too_long} are longer than {most} tokens, see sft.max_tokens)"
        )
    say(f"warm-up on {counted(account.kept, 'row')}, {account.tokens} tokens; too long: {account.too_long}")
    with taking_settings("sft"):
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=datasets.Dataset.from_list(kept),
            processing_class=tokenizer,
        )
    log = StepLog(out, [], lambda: 0.0, say)
    return carried_out(trainer, log, tokenizer, out, {"stage": "sft", "base": base_name(base, out), **vars(account)})


def arguments_of(preset: Preset, out: Path) -> Any:
    """The warm-up's settings as TRL has them.

    Raises:
        TrainingError: the number of processes does not divide a batch, or TRL refuses a setting.
    """
    from trl import SFTConfig

    settings = preset.sft
    shared = common(preset, out, settings.learning_rate, settings.scheduler, settings.warmup)
    with taking_settings("sft"):
        return SFTConfig(
            **{**shared, "save_steps": settings.save_steps or preset.save_steps},
            per_device_train_batch_size=settings.device_batch,
            gradient_accumulation_steps=accumulation("sft.batch", settings.batch, settings.device_batch),
            num_train_epochs=settings.epochs,
            max_steps=settings.max_steps or -1,
            weight_decay=settings.weight_decay,
            max_length=settings.max_tokens,
            packing=settings.packing,
            completion_only_loss=not settings.learn_prompts,
            train_sampling_strategy="random" if settings.packing else "group_by_length",
            loss_type="nll",
        )
