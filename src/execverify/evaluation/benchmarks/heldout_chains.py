"""Held-out programs, with the chain of thought graded beside the answer: does a model compute its answers, or guess them?

The items and answers are those of `heldout`, in the template that the model was trained with. A completion has two further grades:
`chain`, whether its chain of thought in the `compact` style describes the whole run and all of it is right, and `verified`, whether its
first answer is right after such a chain. Right answers that are not verified were guessed.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from execverify.cot import CotCompletion, generate_cot
from execverify.cot.search import known_arguments
from execverify.evaluation.answers import PLAIN, Answer
from execverify.evaluation.benchmark import BenchmarkInfo, Grade, Item, ItemResult
from execverify.evaluation.benchmarks.heldout import Heldout, grades_of
from execverify.evaluation.data import Source
from execverify.questions.task import Task, gold_completion
from execverify.rewards.parts import UNJUDGED, Score
from execverify.rewards.score import score_many
from execverify.rewards.steps.faithfulness import faithfulness
from execverify.rewards.steps.reference import references_of

_CHAIN_TASKS = ("chain", "verified")


class HeldoutChains(Heldout):
    """White-box and input-prediction rows whose chains of thought are graded too."""

    about = BenchmarkInfo(
        "heldout-chains",
        "held-out synthesized programs: answers, and whether the chain of thought behind them is the run's",
        "300 rows (171 white-box with 1,202 questions, 129 input prediction)",
        "Apache-2.0",
        "this package (fixed set: seed 52026, shapes of the split test, which no training row has)",
        "the rewards' own verdict on each part, and on every line of the chain of thought",
        "the same: the rewards are strict",
        needs_data=False,
    )

    def items(self, source: Source) -> list[Item]:
        """The items of `heldout`, with two more tasks each."""
        return [
            replace(
                item, tasks=(*item.tasks, *_CHAIN_TASKS), expected=(*item.expected, "a true chain", "a true chain and answer")
            )
            for item in super().items(source)
        ]

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The answer, and for the strict verdict the whole completion."""
        answer = super().extract(item, completion, style)
        whole = gold_completion(completion.split("\n")) if style == PLAIN else completion
        return Answer(answer.official, whole, answer.why)

    def gold(self, item: Item) -> str:
        """A true chain with its answers; the answers alone where none can be rendered."""
        of: Task = item.reference
        reference = references_of([of.program])[of.program]
        if reference is None:
            return super().complete(item, super().gold(item), "")
        search = known_arguments(reference.trace, reference.values) if of.kind == "input_prediction" else None
        made = generate_cot(of, reference.trace, reference.values, search=search)
        return made.text if isinstance(made, CotCompletion) else super().complete(item, super().gold(item), "")

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The answer in its tags, where it is no whole completion already."""
        return answer if style == PLAIN or answer.startswith("<reasoning>") else super().complete(item, answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """The grades of `heldout`, then of the chain, then of both."""
        scores = self._scores([(item, answer.strict or "") for item, answer in answers], workers)
        return [(*grades_of(score), *_chain_grades(score)) for score in scores]

    def _scores(self, pairs: Sequence[tuple[Item, str]], workers: int) -> list[Score]:
        return score_many([(item.reference, text) for item, text in pairs], workers=workers, chains=True)

    def extra_metrics(self, records: Sequence[ItemResult]) -> dict[str, Any]:
        """Those of `heldout`, and the figures of `faithfulness` in percent: chains, guesses, first divergences by statement."""
        plain = [replace(record, marks=tuple(marks[: -len(_CHAIN_TASKS)] for marks in record.marks)) for record in records]
        found = faithfulness(self._scores([(record.item, text) for record in records for text in record.completions], 1))
        if not found.count:
            return super().extra_metrics(plain)
        return {
            **super().extra_metrics(plain),
            "chain_true": _percent(found.chain_true),
            "guessed": _percent(found.guessed),
            "chain_progress": _percent(found.progress),
            "first_divergences": dict(found.divergences.most_common()),
        }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 4)


def _chain_grades(score: Score) -> tuple[Grade, Grade]:
    chain, first = score.chain, score.parts[0]
    if chain is None or first.verdict in UNJUDGED:
        return Grade(None, None, "the chain could not be graded"), Grade(None, None, "the chain could not be graded")
    wrong = chain.first_divergence
    why = "" if wrong is None else f"{wrong.text or 'at its end'}: {wrong.why}"
    verified = chain.is_true and first.right
    return Grade(chain.is_true, chain.is_true, why), Grade(verified, verified, why or first.why)


BENCHMARK = HeldoutChains()
"""What `execverify evaluate heldout-chains` runs."""
