"""The difficulty filter: keeps the prompts whose sampled completions do not all earn the same reward (paper, section 3.1).

A group of rollouts without variance has no advantages, and its time is lost. So before training a few samples of each prompt are
drawn from the model that training starts from, and judged by the stage's own rewards.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.models import Request, Sampling
from execverify.models.transformers_backend import Transformers
from execverify.training.checkpoints import FILTERED, Logger
from execverify.training.config import RlSettings
from execverify.training.distributed import is_first, wait_for_file
from execverify.training.run_dir import read_json, write_json
from execverify.utils.messages import count_phrase


def filter_by_reward_variance(
    rows: Sequence[dict[str, Any]],
    model: str,
    settings: RlSettings,
    functions: Sequence[Any],
    out: Path,
    *,
    seed: int,
    batch: int,
    say: Logger,
) -> tuple[list[dict[str, Any]], float]:
    """The rows whose samples get different rewards from at least one function, and the seconds that it took to find them.

    What was found stays in `screened.json`.

    Args:
        rows: with `id`, `prompt`, and what the rewards need.
        model: hub name or folder that samples are drawn from.
        settings: of the stage: how samples are drawn, and how many.
        functions: the stage's reward functions.
        out: the stage's folder.
        seed: of the samples.
        batch: completions that are decoded at once.
        say: gets a line about how many rows are left.

    Raises:
        TrainingError: no row is left, or a row could not be answered.
    """
    if not is_first():
        wait_for_file(out / FILTERED)
    found: dict[str, Any] | None = read_json(out / FILTERED)
    if found is None:
        begun = time.perf_counter()
        count = settings.difficulty_filter_samples
        rewards = _rewards(rows, draw_samples(rows, model, settings, count, seed, batch), functions)
        found = {"seconds": round(time.perf_counter() - begun, 3), "rewards": rewards}
        write_json(out / FILTERED, found)
    kept = [row for row in rows if any(_has_variance(own) for own in found["rewards"][row["id"]])]
    say(
        f"screening by {settings.difficulty_filter_samples} samples: {len(kept)} of {count_phrase(len(rows), 'prompt')} can teach something"
    )
    if not kept:
        raise TrainingError("no prompt has samples of different rewards: run SFT longer, or take other rows")
    return kept, found["seconds"]


def draw_samples(
    rows: Sequence[dict[str, Any]], model: str, settings: RlSettings, count: int, seed: int, batch: int
) -> dict[str, tuple[str, ...]]:
    """Completions of each row, by its id, drawn as the stage draws them.

    Args:
        rows: with `id` and `prompt`.
        model: hub name or folder.
        settings: of the stage.
        count: completions a row.
        seed: of the samples.
        batch: completions that are decoded at once.

    Raises:
        TrainingError: a row that could not be answered.
    """
    drawn = Sampling(settings.temperature, settings.top_p, settings.max_completion_length, count, seed)
    asked = Transformers(model, batch_size=batch)
    found: dict[str, tuple[str, ...]] = {}
    try:
        for generation in asked.generate([Request(row["id"], tuple(row["prompt"])) for row in rows], drawn):
            if generation.error:
                raise TrainingError(f"no samples could be drawn for the row {generation.id}: {generation.error}")
            found[generation.id] = generation.completions
    finally:
        asked.close()
    return found


def _rewards(
    rows: Sequence[dict[str, Any]], samples: dict[str, tuple[str, ...]], functions: Sequence[Any]
) -> dict[str, list[list[float | None]]]:
    """For each row, the rewards of its samples by each function."""
    every = [(row, text) for row in rows for text in samples[row["id"]]]
    columns = {name: [row[name] for row, _ in every] for name in (rows[0] if rows else ())}
    prompts = columns.pop("prompt", [])
    completions = [[{"role": "assistant", "content": text}] for _, text in every]
    found: dict[str, list[list[float | None]]] = {row["id"]: [] for row in rows}
    for function in functions:
        rewards = function(prompts=prompts, completions=completions, **columns)
        own: dict[str, list[float | None]] = {}
        for (row, _), reward in zip(every, rewards, strict=True):
            own.setdefault(row["id"], []).append(reward)
        for name, values in own.items():
            found[name].append(values)
    plain: dict[str, list[list[float | None]]] = json.loads(json.dumps(found))
    return plain


def _has_variance(rewards: Sequence[float | None]) -> bool:
    return len({reward for reward in rewards if reward is not None}) > 1
