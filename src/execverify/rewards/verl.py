"""Reward function for verl: `reward.custom_reward_function.path=.../execverify/rewards/verl.py`, `name=compute_score`.

verl itself is not imported. It loads this file by its path, so imports are absolute. Nothing here needs the main thread.
"""

import json
from typing import Any

from execverify.errors import RowError, SandboxError
from execverify.questions.rows import from_row
from execverify.rewards.score import PAPER, RewardRule, score

DATA_SOURCES = ("execverify/white_box", "execverify/input_prediction")
_PARTS = ("output", "input", "next_statement", "variable_state")


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str | dict[str, Any],
    extra_info: dict[str, Any] | None = None,
    **settings: Any,
) -> dict[str, float]:
    """Judges one completion.

    Args:
        data_source: of `DATA_SOURCES`; says the row's kind.
        solution_str: the completion's text.
        ground_truth: the row itself (`program` and `questions` are needed), as JSON or as a dict.
        extra_info: not needed.
        settings: fields of `RewardRule`, from verl's `reward_kwargs` (alpha, kinds, gated, scale, float_tolerance).

    Returns:
        "score", 0 to the rule's scale, and for each part (output, input, next_statement, variable_state) how many were
        asked and how many were right: always the same keys, as verl's collation needs.

    Raises:
        RowError: an unknown data source, or a ground truth that is no row.
        SandboxError: we failed to judge; verl has no way to skip a sample, and a silent 0 would be a lie.
    """
    if data_source not in DATA_SOURCES:
        raise RowError(f"the data source {data_source!r} is not judged here: it must be one of {', '.join(DATA_SOURCES)}")
    row = _row(ground_truth)
    task = from_row({**row, "kind": data_source.partition("/")[2]})
    known = {name: settings[name] for name in RewardRule.__dataclass_fields__ if name in settings}
    judged = score(task, solution_str, rule=RewardRule(**_plain(known)) if known else PAPER)
    if judged.reward is None:
        raise SandboxError(f"the completion could not be judged: {judged.parts[0].why}")
    counts: dict[str, float] = {"score": judged.reward}
    for kind in _PARTS:
        parts = [part for part in judged.parts if part.kind == kind]
        counts[f"{kind}_asked"] = float(len(parts))
        counts[f"{kind}_right"] = float(sum(part.right for part in parts))
    return counts


def _row(ground_truth: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(ground_truth, str):
        try:
            ground_truth = json.loads(ground_truth)
        except ValueError as error:
            raise RowError(f"the ground truth is not JSON: {error}") from None
    if not isinstance(ground_truth, dict):
        raise RowError("the ground truth is not a row: it must be a JSON object with program and questions")
    return ground_truth


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """A configuration's list of kinds as the tuple that the rule holds."""
    return {name: tuple(value) if name == "kinds" else value for name, value in settings.items()}
