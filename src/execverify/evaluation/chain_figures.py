"""How often the chains of thought in a run's completions are true, with intervals over programs.

The figures are those of `execverify.rewards.steps.faithfulness`, in percent.
Items and samples about one program stay together in the intervals.
"""

from collections.abc import Callable, Sequence
from typing import Any

from execverify.evaluation.benchmark import ItemResult
from execverify.evaluation.metrics import program_numbers, share_score
from execverify.rewards.steps.chain import GradedChain
from execverify.rewards.steps.faithfulness import chain_faithfulness

_Value = Callable[[GradedChain, bool], float | None]

FIGURES: dict[str, tuple[str, _Value]] = {
    "output": ("right output", lambda chain, right: right),
    "chain_true": ("whole chain true", lambda chain, right: chain.is_true),
    "verified": ("right output by a true chain", lambda chain, right: right and chain.is_true),
    "guessed_outputs": ("right output by a wrong chain", lambda chain, right: right and not chain.is_true),
    "guessed": ("guess rate: wrong chains among right outputs", lambda chain, right: not chain.is_true if right else None),
    "progress": ("share of the run described before the first divergence", lambda chain, right: chain.progress),
}
"""Figures by name: what each means, and its value for a chain with or without the right output; None where it does not count."""


def chain_figures(records: Sequence[ItemResult]) -> dict[str, Any] | None:
    """The figures of the graded chains of a run; None where no chain was graded.

    Returns:
        "chains": how many were graded; "figures": by name of `FIGURES` the "percent", its "interval" and of how many ("count");
        "first_divergences": how many chains first diverge at a statement of each kind; "end" is after the run.
    """
    graded = [record.chains() for record in records]
    found = chain_faithfulness(pair for pairs in graded for pair in pairs)
    if not found.count:
        return None
    programs = program_numbers(records)
    figures = {name: _figure(graded, programs, value) for name, (_, value) in FIGURES.items()}
    return {"chains": found.count, "figures": figures, "first_divergences": dict(found.divergences.most_common())}


def _figure(graded: Sequence[Sequence[tuple[GradedChain, bool]]], programs: Sequence[int], value: _Value) -> dict[str, Any]:
    clusters: dict[int, list[float]] = {}
    for pairs, program in zip(graded, programs, strict=True):
        if numbers := [float(number) for pair in pairs if (number := value(*pair)) is not None]:
            clusters.setdefault(program, []).extend(numbers)
    return share_score(list(clusters.values()))
