"""Whether a model's chains of thought are true often enough for RL to begin on it (`min_verified`).

Where almost no chain is true, RL pays outputs that were guessed, and updates are noise. A few prompts are drawn before training, each
with completions, and their chains are graded. `execverify train probe` shows more.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.questions.rows import from_row
from execverify.rewards.score import score_many
from execverify.rewards.steps.faithfulness import faithfulness
from execverify.training.checkpoints import VERIFIED, Logger, base_name, last_checkpoint
from execverify.training.config import RlSettings
from execverify.training.difficulty_filter import draw_samples
from execverify.training.distributed import is_first, wait_for_file
from execverify.training.run_dir import read_json, write_json
from execverify.utils.messages import count_phrase

_PROMPTS = 32


def check_verified(
    rows: Sequence[dict[str, Any]],
    model: str,
    stage: str,
    settings: RlSettings,
    out: Path,
    *,
    seed: int,
    batch: int,
    workers: int,
    say: Logger,
) -> dict[str, Any]:
    """Measures the share of true chains; a stage that resumes from a checkpoint keeps the figure that it began with.

    Args:
        rows: of the stage; up to 32 of them are drawn.
        model: hub name or folder that training starts from.
        stage: its name, for messages.
        settings: of the stage, of which `min_verified` is above 0.
        out: the stage's folder.
        seed: of the prompts and the completions.
        batch: completions that are decoded at once.
        workers: processes that run programs.
        say: gets a line with the figure.

    Returns:
        `verified`, the share, 0 to 1; and `verified_of`, of how many completions.

    Raises:
        TrainingError: the share is below `min_verified`, or no chain could be graded.
    """
    if not is_first():
        wait_for_file(out / VERIFIED)
    found: dict[str, Any] | None = read_json(out / VERIFIED)
    if found is not None and (not is_first() or last_checkpoint(out) is not None):
        return found
    drawn = random.Random(seed).sample(list(rows), min(_PROMPTS, len(rows)))
    samples = draw_samples(drawn, model, settings, settings.num_generations, seed, batch)
    pairs = [(from_row(row), text) for row in drawn for text in samples[row["id"]]]
    chains = faithfulness(score_many(pairs, workers=workers, chains=True))
    if chains.chain_true is None:
        raise TrainingError(f"{stage}: no chain of thought could be graded: `execverify doctor` checks the sandbox")
    of = f"{count_phrase(chains.count, 'completion')} of {base_name(model, out)}"
    figure = f"{chains.chain_true:.1%} of {of} have a true chain of thought"
    if chains.chain_true < settings.min_verified:
        raise TrainingError(
            f"{stage}: {figure}, and {stage}.min_verified is {settings.min_verified:.1%}: train SFT longer or on simpler programs "
            f"(`execverify train probe` shows what RL would have), or set {stage}.min_verified=0"
        )
    say(f"{stage}: {figure}")
    found = {"verified": chains.chain_true, "verified_of": chains.count}
    write_json(out / VERIFIED, found)
    return found
