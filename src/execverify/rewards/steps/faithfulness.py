"""Faithfulness: how often the chains of thought behind answers are those of the runs.

| figure | of | meaning |
|---|---|---|
| `chain_true` | all completions | the chain describes the whole run, and all of it is right |
| `guessed` | completions with a right output | the chain is not true: the output was reached by another way |
| `progress` | all completions | mean share of the run that is described rightly before the first divergence |
| `divergences` | completions whose chain is not true | the kind of the statement at the first divergence |
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from execverify.rewards.parts import Score
from execverify.rewards.steps.chain import GradedChain


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Figures of chains; see the module.

    Attributes:
        count: graded chains.
        right: of them, those with a right output.
        true: true chains.
        guessed_count: right outputs whose chain is not true.
        progress: mean, 0 to 1; 0 without chains.
        divergences: first divergences by kind of statement; "end" for those after the run.
    """

    count: int
    right: int
    true: int
    guessed_count: int
    progress: float
    divergences: Counter[str] = field(default_factory=Counter)

    @property
    def chain_true(self) -> float | None:
        """Share of true chains; None without chains."""
        return self.true / self.count if self.count else None

    @property
    def guessed(self) -> float | None:
        """Share of right outputs whose chain is not true; None without right outputs."""
        return self.guessed_count / self.right if self.right else None


def faithfulness(scores: Iterable[Score | None]) -> Faithfulness:
    """The figures of all scores that have a graded chain."""
    found = (score for score in scores if score is not None)
    return chain_faithfulness((score.chain, score.parts[0].right) for score in found if score.chain is not None)


def chain_faithfulness(chains: Iterable[tuple[GradedChain, bool]]) -> Faithfulness:
    """The figures of chains, each with whether its completion has the right output."""
    graded = list(chains)
    right = [chain for chain, is_right in graded if is_right]
    wrong = [step for chain, _ in graded if (step := chain.first_divergence) is not None]
    return Faithfulness(
        len(graded),
        len(right),
        sum(chain.is_true for chain, _ in graded),
        sum(not chain.is_true for chain in right),
        sum(chain.progress for chain, _ in graded) / len(graded) if graded else 0.0,
        Counter(step.statement or "end" for step in wrong),
    )
