"""A training of seconds for tests: a model of some thousand weights on sixty rows."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from execverify.training.config import Preset
from execverify.training.presets import load_preset

CHANGES = (
    "model.hidden=32", "model.layers=1", "model.heads=2", "model.kv_heads=2", "model.intermediate=48", "model.vocabulary=400",
    "model.context=900", "save_steps=2", "sft.save_steps=0", "data.levels=3", "data.max_steps=14",
    "sft.rows=48", "sft.tasks=4", "sft.batch_size=8", "sft.per_device_batch_size=8", "sft.max_steps=4", "sft.cot_max_tokens=0",
    "sft.max_length=900",
    "rl_whitebox.rows=24", "rl_whitebox.prompts_per_rollout=4", "rl_whitebox.mini_batch_size=4",
    "rl_whitebox.num_generations=2", "rl_whitebox.per_device_batch_size=8", "rl_whitebox.max_steps=4",
    "rl_whitebox.max_prompt_length=800", "rl_whitebox.max_completion_length=12",
    "rl_whitebox.skip_long_chains=false",
    "rl_unit_tests.rows=8", "rl_unit_tests.prompts_per_rollout=4", "rl_unit_tests.mini_batch_size=4",
    "rl_unit_tests.num_generations=2", "rl_unit_tests.per_device_batch_size=8", "rl_unit_tests.max_steps=2",
    "rl_unit_tests.max_prompt_length=800", "rl_unit_tests.max_completion_length=12",
    "evaluation.rows=12", "evaluation.tasks=2", "evaluation.max_tokens=12", "evaluation.unseen_methods=",
    "evaluation.longer_levels=",
)  # fmt: skip


def preset(*changes: str) -> Preset:
    """The preset `tiny`, made tinier."""
    return load_preset("tiny", [*CHANGES, *changes])


def arguments(*changes: str) -> list[str]:
    """The same on the command line."""
    return [part for change in (*CHANGES, *changes) for part in ("--set", change)]


def words(stage: str, out: Path, *more: str) -> list[str]:
    """Arguments of `execverify` that train a stage, by its name in presets, or "all"."""
    stage = {"rl_whitebox": "white-box", "rl_unit_tests": "unit-tests"}.get(stage, stage)
    return ["train", stage, "--preset", "tiny", "--output", str(out), *arguments(), *more]


def command(stage: str, out: Path, *more: str) -> list[str]:
    """The same as a command for a process of its own."""
    return [sys.executable, "-m", "execverify", *words(stage, out, *more)]


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Train in this process as in one with OMP_NUM_THREADS=1: one thread adds in one order, and so gives the same weights."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
