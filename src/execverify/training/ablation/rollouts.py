"""Comparisons of conditions by the rollouts of their own training, on prompts that no update has seen yet.

Conditions of one seed draw the same prompts in the same order, each once in an epoch, so the rollouts of update k are those of two
models on the same new prompts. Hundreds of updates of hundreds of completions show smaller differences than an evaluation does. The
second half of the updates counts: in the first the models are nearly alike.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from execverify.evaluation.intervals import mean_with_interval
from execverify.training.ablation.conditions import CONDITIONS

_Log = Sequence[Mapping[str, Any]]

METRICS = {
    "execverify/output": "output",
    "execverify/chain_true": "chain true",
    "execverify/guessed": "right outputs by a wrong chain",
    "execverify/chain_progress": "described before the first divergence",
    "execverify/variable_state": "states",
    "execverify/next_statement": "next statements",
}
"""What of the training log is compared, with its title in tables."""


def rollout_comparisons(logs: Mapping[str, Sequence[_Log]], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Each condition compared with those that its definition names, where both were trained by RL.

    Args:
        logs: by name of the condition, the lines of the training log of each seed; empty for a seed without.
        seeds: the seeds, in the order of the logs.

    Returns:
        For each metric of `METRICS` and pair of conditions: "metric", "condition", "against", "updates" (how many are compared in all
        seeds), the means "score" and "score_against" in percent, their "difference" in points with its 95% "interval" over updates
        (Student's), and the difference "by_seed". The interval is about these trained models, not about other seeds.
    """
    return [
        row
        for condition in CONDITIONS
        for against in condition.compared_with
        if condition.name in logs and against in logs
        for metric in METRICS
        if (row := _compared(metric, condition.name, against, logs, seeds)) is not None
    ]


def _compared(
    metric: str, condition: str, against: str, logs: Mapping[str, Sequence[_Log]], seeds: Sequence[int]
) -> dict[str, Any] | None:
    found: dict[int, list[tuple[float, float]]] = {}
    for seed, own, other in zip(seeds, logs[condition], logs[against], strict=True):
        if pairs := _second_half(metric, own, other):
            found[seed] = pairs
    pairs = [pair for ones in found.values() for pair in ones]
    if len(pairs) < 2:
        return None
    mean, interval = mean_with_interval([100 * (one - two) for one, two in pairs])
    return {
        "metric": metric.removeprefix("execverify/"),
        "condition": condition,
        "against": against,
        "updates": len(pairs),
        "score": round(100 * fmean(one for one, _ in pairs), 2),
        "score_against": round(100 * fmean(two for _, two in pairs), 2),
        "difference": round(mean, 2),
        "interval": None if interval is None else [round(edge, 2) for edge in interval],
        "by_seed": {seed: round(100 * fmean(one - two for one, two in ones), 2) for seed, ones in found.items()},
    }


def _second_half(metric: str, own: _Log, other: _Log) -> list[tuple[float, float]]:
    """The values of a metric in the updates that both logs have, without the first half of them."""
    ours, theirs = ({line["step"]: line for line in log if "step" in line} for log in (own, other))
    steps = sorted(ours.keys() & theirs.keys())
    lines = [(ours[step], theirs[step]) for step in steps[len(steps) // 2 :]]
    return [(one[metric], two[metric]) for one, two in lines if one.get(metric) is not None and two.get(metric) is not None]
