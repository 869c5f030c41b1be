"""Faithfulness: how often the chains of thought behind answers are those of the runs.

| figure | of | meaning |
|---|---|---|
| `chain_true` | all completions | the chain describes the whole run, and all of it is right |
| `guessed` | completions with a right output | the chain is not true: the output was reached by another way |
| `progress` | all completions | mean share of the run that is described rightly before the first divergence |
| `divergences` | completions whose chain is not true | the kind of the statement at the first divergence |

Of reasoning in free words, where not all is read:

| figure | of | meaning |
|---|---|---|
| `claims_right` | claims that are right or wrong | share of right ones |
| `unread` | sentences, lines and table rows | nothing in them is right or wrong |
| `contradicted` | completions with a right output | a claim of the reasoning is wrong |
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from execverify.rewards.parts import Score
from execverify.rewards.steps.chain import GradedChain
from execverify.rewards.steps.free_text import GradedText


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


@dataclass(frozen=True, slots=True)
class TextFaithfulness:
    """Figures of reasoning in free words; see the module.

    Attributes:
        texts: graded texts with a sentence at least.
        right_claims, wrong_claims: claims with these verdicts.
        sentences: sentences, lines and table rows.
        read: of them, those with a claim that is right or wrong.
        right: texts with a right output.
        contradicted_count: of them, those with a wrong claim.
    """

    texts: int
    right_claims: int
    wrong_claims: int
    sentences: int
    read: int
    right: int
    contradicted_count: int

    @property
    def claims_right(self) -> float | None:
        """Share of right claims; None without claims."""
        claims = self.right_claims + self.wrong_claims
        return self.right_claims / claims if claims else None

    @property
    def unread(self) -> float | None:
        """Share of unread sentences; None without sentences."""
        return 1 - self.read / self.sentences if self.sentences else None

    @property
    def contradicted(self) -> float | None:
        """Share of right outputs whose reasoning has a wrong claim; None without right outputs."""
        return self.contradicted_count / self.right if self.right else None

    def as_metrics(self) -> dict[str, int | float | None]:
        """The figures of an evaluation, shares in percent; empty where no claim was found."""
        if self.claims_right is None:
            return {}
        return {
            "claims_found": self.right_claims + self.wrong_claims,
            "claims_right": _percent(self.claims_right),
            "sentences_unread": _percent(self.unread),
            "right_output_with_wrong_claim": _percent(self.contradicted),
        }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 4)


def text_faithfulness(graded: Iterable[tuple[GradedText | None, bool]]) -> TextFaithfulness:
    """The figures of graded texts, each with whether its output is right; texts that are None or empty are left out."""
    found = [(text, right) for text, right in graded if text is not None and text.sentences]
    return TextFaithfulness(
        len(found),
        sum(text.right for text, _ in found),
        sum(text.wrong for text, _ in found),
        sum(text.sentences for text, _ in found),
        sum(text.read for text, _ in found),
        sum(right for _, right in found),
        sum(right and text.wrong > 0 for text, right in found),
    )
