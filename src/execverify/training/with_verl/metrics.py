"""The share of each part that is right, step by step, counted from the completions that verl keeps in a run's folder.

verl's own figures (`log.jsonl`) have the reward alone. Here each completion is judged again by the reward that trained.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from execverify.errors import RowError, SandboxError, TrainingError
from execverify.questions.task import CODE_GENERATION
from execverify.rewards.parts import all_parts
from execverify.rewards.verl import compute_score
from execverify.training.run_dir import read_json
from execverify.training.with_verl.config import ROLLOUTS
from execverify.training.with_verl.launch import SETTINGS

_RULE = "reward.custom_reward_function.reward_kwargs."


def figures(folder: Path, *, workers: int = 2) -> Iterator[dict[str, float]]:
    """The figures of each step of a run, in order.

    Args:
        folder: of the run, as `prepare` made it.
        workers: completions that are judged at once.

    Returns:
        For each step: "step", "completions", "reward" (their mean, as verl kept it), the share of each part's answers that are
        right, where chains are graded "chain_true" (share of completions) and "guessed" (share of right outputs whose chain is
        not true), "groups without variance" (their share), and "our failures" (completions that could not be judged again).

    Raises:
        TrainingError: there are no completions, or a file of them cannot be read.
    """
    recorded = read_json(folder / SETTINGS) or {}
    settings = {name.lstrip("+"): value for name, value in recorded.get("settings", {}).items()}
    rule = {name.removeprefix(_RULE): value for name, value in settings.items() if name.startswith(_RULE)}
    files = sorted((folder / ROLLOUTS).glob("*.jsonl"), key=lambda path: (len(path.stem), path.stem))
    if not files:
        raise TrainingError(f"{folder / ROLLOUTS} holds no completions: verl writes them while it trains")
    with ThreadPoolExecutor(workers) as pool:
        for file in files:
            entries = _read(file)
            judged = list(pool.map(_judged, entries, itertools.repeat(rule)))
            yield {"step": int(file.stem), **_summed(entries, judged)}


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise TrainingError(f"{file} cannot be read: {error}") from None


def _judged(entry: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, float] | None:
    """The score and parts of one completion; None where we fail to judge it, or its row cannot be used."""
    truth = json.loads(entry["gts"])
    source = f"execverify/{truth.get('kind', CODE_GENERATION)}"
    try:
        return compute_score(source, entry["output"], truth, **{**rule, "raise_errors": True})
    except (SandboxError, RowError):
        return None


def _summed(entries: list[dict[str, Any]], judged: list[dict[str, float] | None]) -> dict[str, float]:
    known = [scores for scores in judged if scores is not None]
    found: dict[str, float] = {
        "completions": len(entries),
        "reward": sum(entry["score"] for entry in entries) / max(1, len(entries)),
    }
    for part in all_parts():
        asked = sum(scores[f"{part}_asked"] for scores in known)
        if asked:
            found[part] = sum(scores[f"{part}_right"] for scores in known) / asked
    if graded := [scores for scores in known if scores["chain_graded"]]:
        found["chain_true"] = sum(scores["chain_true"] for scores in graded) / len(graded)
        guessed = sum(scores["guessed"] for scores in graded)
        if right := guessed + sum(scores["verified"] for scores in graded):
            found["guessed"] = guessed / right
    groups: dict[str, set[float]] = {}
    for entry in entries:
        groups.setdefault(str(entry.get("uid", "")).rsplit("_", 2)[0], set()).add(entry["score"])
    found["groups without variance"] = sum(len(rewards) == 1 for rewards in groups.values()) / max(1, len(groups))
    found["our failures"] = len(entries) - len(known)
    return found
