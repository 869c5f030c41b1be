"""A training of seconds for tests: a model of some thousand weights on sixty rows."""

import sys
from pathlib import Path

from execverify.training.config import Preset
from execverify.training.preset_files import load_preset

CHANGES = (
    "model.hidden=32", "model.layers=1", "model.heads=2", "model.kv_heads=2", "model.intermediate=48", "model.vocabulary=400",
    "model.context=900", "save_steps=2", "sft.save_steps=0", "data.levels=3", "data.max_steps=14",
    "sft.rows=48", "sft.tasks=4", "sft.batch=8", "sft.device_batch=8", "sft.max_steps=4", "sft.budget=0", "sft.max_tokens=900",
    "stage1.rows=24", "stage1.prompts=4", "stage1.mini_batch=4", "stage1.rollouts=2", "stage1.device_batch=8", "stage1.max_steps=4",
    "stage1.max_prompt=800", "stage1.max_completion=12",
    "stage2.rows=8", "stage2.prompts=4", "stage2.mini_batch=4", "stage2.rollouts=2", "stage2.device_batch=8", "stage2.max_steps=2",
    "stage2.max_prompt=800", "stage2.max_completion=12",
    "evaluation.rows=12", "evaluation.tasks=2", "evaluation.max_tokens=12", "evaluation.unseen_methods=", "evaluation.longer_levels=",
)  # fmt: skip


def preset(*changes: str) -> Preset:
    """The preset `tiny`, made tinier."""
    return load_preset("tiny", [*CHANGES, *changes])


def arguments(*changes: str) -> list[str]:
    """The same on the command line."""
    return [part for change in (*CHANGES, *changes) for part in ("--set", change)]


def command(verb: str, out: Path, *more: str) -> list[str]:
    """A call of `execverify train`."""
    return [sys.executable, "-m", "execverify", "train", verb, "--preset", "tiny", "--out", str(out), *arguments(), *more]
