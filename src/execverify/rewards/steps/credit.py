"""Rewards of chains of thought: what a completion earns as a whole, and what each part of its text earns.

A `ChainReward` gives one number from the score of the answer and the graded chain. A `CreditReward` also gives *credits* to a group of
completions: advantages of spans of the text, which a trainer puts on the tokens there.

| reward | of one completion | credits |
|---|---|---|
| `verified` | the white-box reward where the chain is true, else 0 | none |
| `progress` | `scale * (k + o t) / (n + 1)` | none |
| `step` | as `progress` | each unit, among the completions that got so far |
| `bilevel` | the mean of `progress` and the white-box reward | `step`, plus the outcome's advantage everywhere |
| `first_divergence` | the white-box reward | the outcome's advantage: on the diverging unit where it is negative, up to it where positive |

`n` is the number of steps of the run, `k` how many of them are described rightly before the first divergence, `t` is 1 where the whole
chain is true, `o` is 1 where the output is right. A unit is a line of the chain, the end of the reasoning, a line of the answer, or the
end of the completion.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from execverify.errors import RowError
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN
from execverify.rewards.parse import is_fence, tidy
from execverify.rewards.parts import Score
from execverify.rewards.score import ChainReward
from execverify.rewards.steps.grade import REASONING_CLOSE, split_lines

Credit = tuple[int, int, float]
"""Start and end in the completion, in characters, and the advantage; start and end are the text's length for its end-of-sequence token."""

_EPSILON = 1e-4  # as TRL adds to a group's standard deviation


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a completion that is right or wrong by itself.

    Attributes:
        place: what it is about; units of other completions at the same place are about the same.
        span: start and end in the completion, in characters.
        right: whether it is right.
    """

    place: tuple[str, int, int]
    span: tuple[int, int]
    right: bool


def units_of(completion: str, score: Score) -> list[Unit]:
    """The units of a completion up to its first divergence from the run; after a true chain, those of its answer too.

    Args:
        completion: the text.
        score: its score, with the graded chain.
    """
    if score.chain is None:
        return []
    found: list[Unit] = []
    counts: Counter[int] = Counter()
    answer = _answer_span(completion)
    for step in score.chain.steps:
        span = _with_newline(completion, step.span)
        if answer is not None and step.span[0] >= answer[1]:  # nothing may follow the answer
            return [*found, *_answer_units(completion, score, answer, counts)[:-1], Unit(("end", 0, 0), span, False)]
        found.append(Unit(_next_place(counts, step.place), span, step.right))
        if not step.right:
            return _where_it_is_missing(completion, found)
    return found + _answer_units(completion, score, answer, counts)


def _next_place(counts: Counter[int], place: int) -> tuple[str, int, int]:
    """A place in the chain: how many steps were described before, and how many units have stood there. What comes next at the same place,
    a line, the end of the reasoning or the answer, is compared."""
    counts[place] += 1
    return ("run", place, counts[place] - 1)


def _where_it_is_missing(completion: str, units: list[Unit]) -> list[Unit]:
    """A chain that ends too early diverges in what comes instead: the answer's tag, or the end of the text."""
    start, end = units[-1].span
    if start == end and completion.startswith(ANSWER_OPEN, start):
        units[-1] = replace(units[-1], span=(start, start + len(ANSWER_OPEN)))
    return units


def _answer_span(completion: str) -> tuple[int, int] | None:
    """Where the answer begins and ends, with its tags; None where it is not whole."""
    end = completion.rfind(ANSWER_CLOSE)
    start = completion.rfind(ANSWER_OPEN, 0, end) if end >= 0 else -1
    return (start, end + len(ANSWER_CLOSE)) if start >= 0 else None


def _answer_units(completion: str, score: Score, answer: tuple[int, int] | None, counts: Counter[int]) -> list[Unit]:
    """The units after a true chain."""
    length = len(completion)
    if answer is None or score.chain is None:
        return [Unit(("end", 0, 0), (length, length), False)]
    start, end = answer[0], answer[1] - len(ANSWER_CLOSE)
    units = []
    total = score.chain.total
    described = max((step.span[1] for step in score.chain.steps if step.span[1] <= start), default=0)
    close = completion.find(REASONING_CLOSE, described, start)  # a line may hold the tag in a text
    if close >= 0:
        span = _with_newline(completion, (close, close + len(REASONING_CLOSE)))
        units.append(Unit(_next_place(counts, total), span, True))
    inside = start + len(ANSWER_OPEN)
    units.append(Unit(_next_place(counts, total), _with_newline(completion, (start, inside)), True))
    lines = [
        (at, at + len(text))
        for text, at in split_lines(completion[inside:end], inside)
        if tidy(text) and not is_fence(tidy(text))
    ]
    for index, span in enumerate(lines[: len(score.parts)]):
        units.append(Unit(("answer", index, 0), _with_newline(completion, span), score.parts[index].right))
    surplus = lines[len(score.parts) :]
    if surplus:
        units.append(Unit(("answer_end", 0, 0), (surplus[0][0], end + len(ANSWER_CLOSE)), False))
    else:
        complete = len(lines) == len(score.parts)
        units.append(Unit(("answer_end", 0, 0), (end, end + len(ANSWER_CLOSE)), complete))
    units.append(Unit(("end", 0, 0), (length, length), True))
    return units


def _with_newline(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """A span with the newline that ends its line: a line that is too short is wrong in where it ends."""
    start, end = span
    return (start, end + 1) if start < end and text[end : end + 1] == "\n" else span


@dataclass(frozen=True, slots=True)
class GradedText:
    """What the credits of one completion of a group are computed from.

    Engines judge completions in other processes than those that see a whole group: as JSON it goes from one to the other.

    Attributes:
        units: of the completion, in order.
        outcome: the reward of the answer alone.
        length: of the completion, in characters.
    """

    units: tuple[Unit, ...]
    outcome: float
    length: int

    @property
    def divergence(self) -> Unit | None:
        """The first wrong unit; None where there is none."""
        return next((unit for unit in self.units if not unit.right), None)

    def to_json(self) -> str:
        """The same as a line of JSON."""
        units = [[*unit.place, *unit.span, unit.right] for unit in self.units]
        return json.dumps([self.outcome, self.length, units], separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "GradedText":
        """What `to_json` wrote.

        Raises:
            RowError: it is something else.
        """
        try:
            outcome, length, units = json.loads(text)
            return cls(tuple(Unit((kind, a, b), (start, end), right) for kind, a, b, start, end, right in units), outcome, length)
        except (ValueError, TypeError):
            raise RowError(f"no units of a completion: {text[:60]!r}; use the text that compute_step_score gives") from None


@dataclass(frozen=True, slots=True)
class CreditReward(ChainReward):
    """A reward that also gives advantages to spans of the text. A subclass gives `group_credits`."""

    def graded(self, completion: str, score: Score) -> GradedText:
        """What the credits of a completion are computed from.

        Args:
            completion: the text.
            score: of it, with its chain.
        """
        return GradedText(tuple(units_of(completion, score)), self.outcome(score), len(completion))

    def credits(self, completions: Sequence[str], scores: Sequence[Score]) -> list[list[Credit]]:
        """The advantages of spans of each completion of a group.

        Args:
            completions: of one prompt.
            scores: of each, with its chain.

        Returns:
            For each completion its credits. Where they overlap, the last one counts; text in none of them has the advantage 0.
        """
        return self.group_credits([self.graded(text, score) for text, score in zip(completions, scores, strict=True)])

    def group_credits(self, group: Sequence[GradedText]) -> list[list[Credit]]:
        """The same from the graded completions of a group."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class VerifiedReward(ChainReward):
    """The white-box reward where the whole chain is true, else 0: no answer that was guessed is paid."""

    def chain_reward(self, score: Score) -> float:
        return self.outcome(score) if score.chain is not None and score.chain.is_true else 0.0


@dataclass(frozen=True, slots=True)
class ProgressReward(ChainReward):
    """How far the run is described before the first divergence."""

    def chain_reward(self, score: Score) -> float:
        return self.scale * self.progress(score)


@dataclass(frozen=True, slots=True)
class StepReward(CreditReward):
    """Credit to each unit of the text, right or wrong, normalised among the completions that got so far rightly."""

    def chain_reward(self, score: Score) -> float:
        return self.scale * self.progress(score)

    def group_credits(self, group: Sequence[GradedText]) -> list[list[Credit]]:
        at: dict[tuple[str, int, int], list[bool]] = {}
        for text in group:
            for unit in text.units:
                at.setdefault(unit.place, []).append(unit.right)
        values = {place: _step_advantages(rights) for place, rights in at.items()}
        return [[(*unit.span, values[unit.place][unit.right]) for unit in text.units] for text in group]


def _step_advantages(rights: list[bool]) -> tuple[float, float]:
    """The advantage of a wrong and of a right unit among units at one place; 0 where all are alike."""
    count, share = len(rights), sum(rights) / len(rights)
    if share in (0.0, 1.0):
        return 0.0, 0.0
    deviation = (share * (1 - share) * count / (count - 1)) ** 0.5
    return -share / deviation, (1 - share) / deviation


def group_advantages(rewards: Sequence[float]) -> list[float]:
    """Rewards of a group, less their mean, over their standard deviation, as GRPO has them; 0 where all are alike."""
    if len(set(rewards)) < 2:  # a mean that is rounded may differ from them all
        return [0.0] * len(rewards)
    mean = fmean(rewards)
    deviation = (sum((reward - mean) ** 2 for reward in rewards) / (len(rewards) - 1)) ** 0.5
    return [(reward - mean) / (deviation + _EPSILON) for reward in rewards]


@dataclass(frozen=True, slots=True)
class BilevelReward(StepReward):
    """Credit by step plus the outcome's advantage on every token, after StepCodeReasoner (arXiv 2605.11922)."""

    def chain_reward(self, score: Score) -> float:
        return (self.scale * self.progress(score) + self.outcome(score)) / 2

    def group_credits(self, group: Sequence[GradedText]) -> list[list[Credit]]:
        by_step = super(BilevelReward, self).group_credits(group)
        outcomes = group_advantages([text.outcome for text in group])
        return [
            [
                (0, text.length, outcome),
                (text.length, text.length, outcome),
                *((start, end, value + outcome) for start, end, value in spans),
            ]
            for spans, text, outcome in zip(by_step, group, outcomes, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class FirstDivergenceReward(CreditReward):
    """The outcome's advantage, on the diverging unit alone where it is negative, after EGCA (arXiv 2603.16158).

    A completion that never diverges gets it everywhere. Where a completion is better than its group although its chain diverges, what
    stands before the divergence gets it: nothing after it is learned from.
    """

    def chain_reward(self, score: Score) -> float:
        return self.outcome(score)

    def group_credits(self, group: Sequence[GradedText]) -> list[list[Credit]]:
        outcomes = group_advantages([text.outcome for text in group])
        found: list[list[Credit]] = []
        for text, outcome in zip(group, outcomes, strict=True):
            wrong = text.divergence
            if wrong is None:
                found.append([(0, text.length, outcome), (text.length, text.length, outcome)])
            elif outcome < 0:
                found.append([(*wrong.span, outcome)])
            else:
                found.append([(0, wrong.span[0], outcome), (*wrong.span, 0.0)])  # a token that begins before it may choose it
        return found
