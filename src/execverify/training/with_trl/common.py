"""What both stages need of the engine: the model in memory, the arguments they share, and its failures in one line."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from execverify.errors import ModelError, TrainingError
from execverify.training.config import Preset, RlSettings, SftSettings
from execverify.training.distributed import world_size
from execverify.training.length_filter import check_template
from execverify.utils.hub import hub_access


def engine_or_error() -> None:
    """Raises TrainingError where TRL is not installed."""
    try:
        import trl  # noqa: F401
    except ImportError as error:
        raise TrainingError(f"training needs {error.name}: pip install 'execverify[train]'") from None


_ENGINE_WARNINGS: tuple[tuple[str, type[Warning], str], ...] = (
    (r"`(is_)?gradient_checkpointing\w*` is deprecated", FutureWarning, r"transformers\."),  # TRL uses the old names
    ("", FutureWarning, r"(torch|accelerate)\."),  # one part calls another in a way that will change
)
"""Warnings of the engines' own code that no setting of a user changes: how the message begins, the category, the module."""


def silence_engine_warnings() -> None:
    """Hides the warnings that the engines give each other; all others are shown. The one place where warnings of theirs are hidden."""
    for message, category, module in _ENGINE_WARNINGS:
        warnings.filterwarnings("ignore", message=message, category=category, module=module)


def silence_libraries() -> None:
    """No bars for files, no messages below errors, and none of the warnings that engines give each other."""
    import datasets
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    datasets.disable_progress_bars()
    silence_engine_warnings()


def has_gpu() -> bool:
    """Whether there is a CUDA device."""
    import torch

    return bool(torch.cuda.is_available())


def check_model(name: str) -> None:
    """Raises ModelError or TrainingError where a model cannot be had, or its tokenizer has no chat template; reads no weights."""
    from transformers import AutoConfig, AutoTokenizer

    silence_libraries()
    if name.startswith((".", "/", "~")) and not Path(name).is_dir():
        raise ModelError(f"{name}: no such folder; give a model's folder or its name on the hub")
    with hub_access(name) as unreachable:
        try:
            AutoConfig.from_pretrained(name)
            tokenizer = AutoTokenizer.from_pretrained(name)
        except (OSError, ValueError, ImportError) as error:
            raise ModelError(_load_problem(name, unreachable, error)) from None
    check_template(tokenizer, name)


def loaded(preset: Preset, name: str) -> tuple[Any, Any]:
    """The model and its tokenizer. Weights are float32 whatever the preset computes in: changes of 1e-6 are lost in bfloat16.

    Raises:
        ModelError: it cannot be had.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    silence_libraries()
    with hub_access(name) as unreachable:
        try:
            tokenizer = AutoTokenizer.from_pretrained(name)
            model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelError(_load_problem(name, unreachable, error)) from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def _load_problem(name: str, unreachable: str, error: Exception) -> str:
    why = f"{unreachable}; give a model's folder" if unreachable else " ".join(str(error).split())[:300]
    return f"{name} could not be loaded: {why}"


def shared_arguments(preset: Preset, out: Path, settings: SftSettings | RlSettings) -> dict[str, Any]:
    """The arguments of TRL that both kinds of stages have.

    Args:
        preset: of which seed, checkpoints, trackers and model count.
        out: the stage's folder.
        settings: of the stage, of which the optimizer's count.
    """
    silence_libraries()
    gpu = has_gpu()
    scheduler = settings.lr_scheduler_type
    return {
        "output_dir": str(out),
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "constant_with_warmup" if scheduler == "constant" and settings.warmup_ratio else scheduler,
        "warmup_steps": settings.warmup_ratio,
        "weight_decay": settings.weight_decay,
        "adam_beta1": settings.adam_beta1,
        "adam_beta2": settings.adam_beta2,
        "adam_epsilon": settings.adam_epsilon,
        "seed": preset.seed,
        "save_steps": preset.save_steps,
        "save_total_limit": 2,
        "logging_steps": 1,
        "report_to": list(preset.report_to) or "none",
        "bf16": gpu and preset.model.dtype == "bfloat16",  # computed in, by autocast; processors are slow in it
        "use_cpu": not gpu,
        "gradient_checkpointing": preset.model.gradient_checkpointing,
        "disable_tqdm": True,
        "log_level": "error",
        "dataloader_pin_memory": gpu,
    }


def gradient_accumulation_steps(setting: str, sequences: int, per_device_batch_size: int) -> int:
    """How many batches of a device make one update of so many sequences.

    Args:
        setting: the setting that gives the number, for the message.
        sequences: of an update, on all devices together.
        per_device_batch_size: sequences at once on one device.

    Raises:
        TrainingError: the devices cannot share them evenly.
    """
    at_once = per_device_batch_size * world_size()
    if sequences % at_once:
        raise TrainingError(
            f"{setting} = {sequences} is not a multiple of per_device_batch_size x processes = {at_once}: set another per_device_batch_size"
        )
    return sequences // at_once


@contextmanager
def translate_config_errors(stage: str) -> Iterator[None]:
    """What the engine says against a stage's settings becomes a TrainingError of one line."""
    try:
        yield
    except (TypeError, ValueError, ImportError, AttributeError, NotImplementedError) as error:
        raise TrainingError(f"{stage}: TRL refuses the settings: {' '.join(str(error).split())[:300]}") from None


_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.I)


@contextmanager
def translate_errors(out: Path) -> Iterator[None]:
    """Failures of the machine become one line; what was saved stays, and the same command goes on from it.

    Raises:
        TrainingError: a full disk, or too little memory.
    """
    again = "what was saved stays: fix it and give the same command again"
    try:
        yield
    except OSError as error:
        raise TrainingError(f"{out} could not be written ({error.strerror or error}); {again}") from None
    except (RuntimeError, MemoryError) as error:
        text = " ".join(str(error).split())
        if isinstance(error, MemoryError) or _MEMORY.search(text):
            less = "set a smaller per_device_batch_size, max_completion_length or max_length"
            raise TrainingError(f"memory did not suffice ({text[:120]}): {less}; {again}") from None
        if "PytorchStreamWriter" in text or "No space left" in text:
            raise TrainingError(f"{out} could not be written (is the disk full?); {again}") from None
        raise
