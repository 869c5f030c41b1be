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
from execverify.rewards.steps.compact import is_compact
from execverify.rewards.steps.faithfulness import text_faithfulness
from execverify.rewards.steps.grade import grade_texts
from execverify.rewards.steps.reference import references_of

_CHAIN_TASKS = ("chain", "verified")
_CHAIN_QUESTIONS = (
    "Does the chain describe the whole run, and is all of it right?",
    "Is the first answer right after such a chain?",
)


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
        one_rule=True,
    )
    counts = {"claims_found": "claim"}

    def items(self, source: Source) -> list[Item]:
        """The items of `heldout`, with two more tasks each."""
        return [
            replace(
                item,
                tasks=(*item.tasks, *_CHAIN_TASKS),
                expected=(*item.expected, "a true chain", "a true chain and answer"),
                questions=(*item.questions, *_CHAIN_QUESTIONS),
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
        pairs = [(item.reference, answer.strict or "") for item, answer in answers]
        scores = score_many(pairs, workers=workers, chains=True)
        return [(*grades_of(score), *_chain_grades(score)) for score in scores]

    def extra_metrics(self, records: Sequence[ItemResult]) -> dict[str, Any]:
        """Those of `heldout`; of completions without a line of the `compact` style, the figures of their reasoning as free text.

        Chains count for the figures of faithfulness alone.
        """
        count = len(_CHAIN_TASKS)
        plain = [replace(record, marks=tuple(marks[:-count] for marks in record.marks)) for record in records]
        free = [
            (record.item.reference, text, bool(marks[0].strict))
            for record in records
            for text, marks in zip(record.completions, record.marks, strict=True)
            if not is_compact(text)
        ]
        texts = grade_texts([(task, text) for task, text, _ in free])
        in_words = text_faithfulness((text, right) for text, (_, _, right) in zip(texts, free, strict=True))
        return {**super().extra_metrics(plain), **in_words.as_metrics()}


def _chain_grades(score: Score) -> tuple[Grade, Grade]:
    chain, first = score.chain, score.parts[0]
    if chain is None or first.verdict in UNJUDGED:
        return Grade(None, None, "the chain could not be graded"), Grade(None, None, "the chain could not be graded")
    wrong = chain.first_divergence
    why = "" if wrong is None else f"{wrong.text or 'at its end'}: {wrong.why}"
    verified = chain.is_true and first.right
    return Grade(chain.is_true, chain.is_true, why, chain=chain), Grade(verified, verified, why or first.why)


BENCHMARK = HeldoutChains()
"""What `execverify evaluate heldout-chains` runs."""
