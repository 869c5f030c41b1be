"""Supervised fine-tuning on chains of thought, by TRL's SFTTrainer (paper, section 3.2)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.checkpoints import Logger, base_name, check_base, finished
from execverify.training.config import Preset
from execverify.training.length_filter import LengthFilterReport, filter_by_length, kept_phrase
from execverify.training.run_dir import exclusive_stage
from execverify.training.with_trl.common import gradient_accumulation_steps, shared_arguments, translate_config_errors
from execverify.training.with_trl.stage import load_for_stage, train_stage
from execverify.training.with_trl.step_logs import JsonlLogCallback


def train_sft(preset: Preset, base: str, rows: Iterable[dict[str, Any]], out: Path, say: Logger = print) -> dict[str, Any]:
    """Trains on prompts with completions; goes on from the last checkpoint where it was stopped.

    Args:
        preset: of which `sft` and `model` count.
        base: the model's hub name or folder.
        rows: each with `prompt` and `completion`, chat messages both.
        out: the stage's folder.
        say: gets lines about the progress.

    Returns:
        What `stage.json` holds: `steps` (updates), rows, tokens, seconds, and what was left out.

    Raises:
        TrainingError: no rows, no chat template, a full disk, too little
            memory, a stage that was begun on another model, or one that
            another process trains.
    """
    check_base(out, base)
    if (done := finished(out)) is not None:
        return done
    with exclusive_stage(out):
        return _train_sft(preset, base, rows, out, say)


def _train_sft(preset: Preset, base: str, rows: Iterable[dict[str, Any]], out: Path, say: Logger) -> dict[str, Any]:
    import datasets
    from trl import SFTTrainer

    arguments = arguments_of(preset, out)
    model, tokenizer = load_for_stage(preset, base, out)
    account, most = LengthFilterReport(), min(preset.sft.max_length, preset.model.context)
    kept = [{name: row[name] for name in ("prompt", "completion")} for row in filter_by_length(rows, tokenizer, most, account)]
    if not kept:
        raise TrainingError(f"no row is left for SFT ({account.too_long} are longer than {most} tokens, see sft.max_length)")
    say(f"sft: {kept_phrase(account, 'row', most)}; trains on {account.kept}, {account.tokens} tokens")
    with translate_config_errors("sft"):
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=datasets.Dataset.from_list(kept),
            processing_class=tokenizer,
        )
    log = JsonlLogCallback(out, [], lambda: 0.0)
    return train_stage(trainer, log, tokenizer, out, {"stage": "sft", "base": base_name(base, out), **vars(account)}, say)


def arguments_of(preset: Preset, out: Path) -> Any:
    """The settings of SFT as TRL has them.

    Raises:
        TrainingError: the number of processes does not divide a batch, or TRL refuses a setting.
    """
    from trl import SFTConfig

    settings = preset.sft
    shared = shared_arguments(preset, out, settings)
    with translate_config_errors("sft"):
        return SFTConfig(
            **{**shared, "save_steps": settings.save_steps or preset.save_steps},
            per_device_train_batch_size=settings.per_device_batch_size,
            gradient_accumulation_steps=gradient_accumulation_steps(
                "sft.batch_size", settings.batch_size, settings.per_device_batch_size
            ),
            num_train_epochs=settings.num_train_epochs,
            max_steps=settings.max_steps or -1,
            max_length=settings.max_length,
            packing=settings.packing,
            completion_only_loss=not settings.train_on_prompt,
            train_sampling_strategy="random" if settings.packing else "group_by_length",
            loss_type="nll",
        )
