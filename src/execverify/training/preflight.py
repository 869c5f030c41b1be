"""Whether this machine can run what a preset asks. It is checked before any work, so that none is lost."""

import importlib.util
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from execverify.errors import TrainingError
from execverify.training.config import Preset
from execverify.training.distributed import world_size
from execverify.utils.messages import count_phrase, suggestion

_GIB = 1 << 30


def check_hardware(preset: Preset, out: Path) -> None:
    """Raises TrainingError where a GPU, memory or disk that the preset needs is not there; the message names the setting."""
    import torch

    required = preset.hardware
    gpus = torch.cuda.device_count()
    if required.gpus > gpus:
        raise TrainingError(
            f"the preset needs {count_phrase(required.gpus, 'GPU')}, and there {'is' if gpus == 1 else 'are'} {gpus or 'none'} here: "
            "use the preset tiny, or set hardware.gpus=0 for a short run on the processor"
        )
    if gpus > 1 and world_size() == 1:
        raise TrainingError(
            f"there are {gpus} GPUs and one process: start it by `accelerate launch --num_processes {gpus} -m execverify ...` "
            "(docs/training.md), or set CUDA_VISIBLE_DEVICES=0 to take one"
        )
    for index in range(required.gpus):
        has = torch.cuda.get_device_properties(index).total_memory / _GIB
        if has < required.gpu_memory:
            raise TrainingError(
                f"the preset needs GPUs of {required.gpu_memory:g} GiB, and GPU {index} has {has:.0f}: lower per_device_batch_size, "
                "max_completion_length and max_length, and set hardware.gpu_memory to what there is"
            )
    memory = _available_memory()
    if memory is not None and memory < required.memory:
        raise TrainingError(
            f"the preset needs {required.memory:g} GiB of memory, and {memory:.1f} are free: close something, or lower "
            "per_device_batch_size and evaluation.batch_size, and set hardware.memory"
        )
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir():
        raise TrainingError(f"{there} is a file: name a folder with --output")
    free = shutil.disk_usage(there).free / _GIB
    if free < required.disk:
        raise TrainingError(
            f"the preset needs {required.disk:g} GiB of disk for {out}, and {free:.1f} are free: make room, name another --output, or set "
            "hardware.disk"
        )
    if not os.access(there, os.W_OK):
        raise TrainingError(f"{out} cannot be written: name another --output")


_TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "trackio": ("trackio",), "wandb": ("wandb",), "mlflow": ("mlflow",)}


def check_trainer_config(preset: Preset, stages: Iterable[str], out: Path) -> None:
    """Raises TrainingError where TRL refuses what the stages are set to, or something that they ask for is not installed here."""
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    from execverify.training.with_trl import grpo, sft

    asked = list(stages)
    for tracker in preset.report_to:
        if tracker not in INTEGRATION_TO_CALLBACK:
            raise TrainingError(f"report_to names {tracker!r}: {suggestion(tracker, INTEGRATION_TO_CALLBACK)}")
        if (needed := _TRACKERS.get(tracker)) and not any(map(importlib.util.find_spec, needed)):
            raise TrainingError(f"report_to names {tracker}, and it is not installed: pip install {needed[0]}, or set report_to=")
    if preset.trl.get("use_vllm") and set(asked) - {"sft"} and importlib.util.find_spec("vllm") is None:
        raise TrainingError("trl.use_vllm is true, and vllm is not installed: pip install vllm, or set trl.use_vllm=false")
    for stage in asked:
        if stage == "sft":
            sft.arguments_of(preset, out)
        else:
            grpo.arguments_of(preset, stage, out)


def _available_memory() -> float | None:
    """GiB of main memory that can be had; None where the system does not report it."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) / (1 << 20)
    except (OSError, StopIteration, ValueError):
        return None
