"""Reward functions for TRL (GRPOTrainer and its kin). TRL itself is not imported.

    from execverify.rewards.trl import white_box_reward
    GRPOTrainer(model, reward_funcs=white_box_reward, train_dataset=rows, ...)

The dataset's columns are a row's own (`kind`, `program`, `questions`), which TRL hands on as lists with one entry a
completion. A reward is None, which TRL skips, for rows of another kind and where we failed to judge. For an ablation, make
another function of another rule; it is as picklable as the rule::

    output_only = WhiteBoxReward(RewardRule(alpha=0.0), name="output_only")

With several reward functions (TRL normalises them apart with `multi_objective_aggregation="normalize_then_sum"`), `PartReward`
gives one part of the score each.
"""

from collections.abc import Callable, Sequence
from typing import Any

from execverify.questions.rows import from_row
from execverify.rewards.answers import completion_text
from execverify.rewards.parts import Score, Verdict
from execverify.rewards.score import PAPER, RewardRule, score_many

LogMetric = Callable[[str, float], None]
LogExtra = Callable[[str, list[Any]], None]
PART_KINDS = ("output", "input", "next_statement", "variable_state")


class WhiteBoxReward:
    """A TRL reward function for white-box and input-prediction rows under one rule.

    Args:
        rule: how parts become a reward.
        name: what TRL logs it as.
        workers: processes that run programs at once (input prediction alone runs any).
    """

    def __init__(self, rule: RewardRule = PAPER, *, name: str = "white_box_reward", workers: int = 2) -> None:
        self.rule = rule
        self.workers = workers
        self.__name__ = name

    def __call__(
        self,
        prompts: Sequence[Any] | None = None,
        completions: Sequence[Any] = (),
        *,
        log_metric: LogMetric | None = None,
        log_extra: LogExtra | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One reward a completion: 0 to `rule.scale`, or None where the row is of another kind or we failed.

        Args:
            prompts: not needed; TRL gives them.
            completions: texts, or chat messages of which the last one counts.
            log_metric: called with the mean of each part's rewards over the batch.
            log_extra: called with one line a completion that says what was right and wrong.
            columns: the rows' columns, each a list as long as the completions.
        """
        scores = self.scores(completions, columns)
        if log_metric is not None:
            for kind in PART_KINDS:
                shares = [share for score in scores if score and (share := score.share(kind)) is not None]
                if shares:
                    log_metric(f"execverify/{kind}", sum(shares) / len(shares))
            failures = [score is not None and score.reward is None for score in scores]
            log_metric("execverify/our_failures", sum(failures) / max(1, len(failures)))
        if log_extra is not None:
            log_extra("graded", [graded(score) for score in scores])
        return [self.reward(score) for score in scores]

    def reward(self, score: Score | None) -> float | None:
        """The number for one completion's score."""
        return None if score is None else score.reward

    def scores(self, completions: Sequence[Any], columns: dict[str, Any]) -> list[Score | None]:
        """The score of each completion; None for rows of a kind that is not judged here."""
        for name in ("kind", "program"):
            if name not in columns:
                raise ValueError(f"the dataset has no column {name!r}: keep the rows' own columns (remove_unused_columns=False)")
        if "white_box" in columns["kind"] and columns.get("questions") is None:
            raise ValueError("the dataset has no column 'questions': without it every answer would be judged by its output alone")
        questions = columns.get("questions") or [None] * len(completions)
        scores: list[Score | None] = [None] * len(completions)
        judged, pairs = [], []
        entries = zip(completions, columns["kind"], columns["program"], questions, strict=True)
        for index, (completion, kind, program, asked) in enumerate(entries):
            if kind in ("white_box", "input_prediction"):
                task = from_row({"kind": kind, "program": program, "questions": asked})
                judged.append(index)
                pairs.append((task, completion_text(completion) or ""))
        for index, score in zip(judged, score_many(pairs, rule=self.rule, workers=self.workers), strict=True):
            scores[index] = score
        return scores


class PartReward(WhiteBoxReward):
    """One part of the score as a reward function of its own: its share of right answers, 0 to 1.

    Gated like the whole: with a wrong output assertion the questions earn nothing. None where a row has no such part.
    """

    def __init__(self, part: str, rule: RewardRule = PAPER, *, name: str | None = None, workers: int = 2) -> None:
        if part not in PART_KINDS:
            raise ValueError(f"there is no part {part!r}: it must be one of {', '.join(PART_KINDS)}")
        super().__init__(rule, name=name or f"{part}_reward", workers=workers)
        self.part = part

    def reward(self, score: Score | None) -> float | None:
        share = None if score is None else score.share(self.part)
        if share and self.rule.gated and score is not None and score.share("output") == 0:
            return 0.0
        return share


white_box_reward = WhiteBoxReward()
"""The paper's white-box reward, 0 to 2."""


def graded(score: Score | None) -> str:
    """One line that says what became of each part."""
    if score is None:
        return ""
    marks = [f"{part.kind} {'✓' if part.right else '✗'}{f' ({part.why})' if part.why else ''}" for part in score.parts]
    if any(part.verdict == Verdict.FAILED for part in score.parts):
        marks.insert(0, "OUR FAILURE")
    return "; ".join(marks)
