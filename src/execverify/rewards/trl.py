"""Reward functions for TRL (GRPOTrainer and its kin). TRL itself is not imported.

    from execverify.rewards.trl import white_box_reward
    GRPOTrainer(model, reward_funcs=white_box_reward, train_dataset=rows, ...)

The dataset's columns are a row's own (`kind`, `program`, `questions`), which TRL hands on as lists with one entry a
completion. A reward is None, which TRL skips, for rows of another kind, for rows that cannot be used (the log names them), and
where we failed to judge. For an ablation, make another function of another rule; it is as picklable as the rule::

    output_only = WhiteBoxReward(RewardRule(alpha=0.0), name="output_only")

For code (stage II) there is `unit_test_reward`, and `unit_test_reward_async` for its like in an event loop. Its tests are in the
column `tests` or `ground_truth` (JSON or a dict, see `read_tests`), in rows of kind `code_generation`, or in the columns of a published
set (`reward_model`, `verification_info`, `test_list`, ...; see `execverify.rewards.code.record_formats`)::

    from execverify.rewards.trl import UnitTestReward, unit_test_reward
    strict = UnitTestReward(UnitTestRule(binary=True), name="all_tests", limits=Limits(timeout=10.0))
    GRPOTrainer(model, reward_funcs=strict.awaited, train_dataset=rows, ...)    # the same, awaited

With several reward functions (TRL normalises them apart with `multi_objective_aggregation="normalize_then_sum"`), `PartReward`
gives one part of the score each.
"""

import functools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from execverify.questions.rows import from_row
from execverify.questions.task import CODE_GENERATION
from execverify.rewards.code.grade import PAPER_UNIT_TESTS, TEST_LIMITS, UnitTestConfig, unit_test_scores
from execverify.rewards.code.record_formats import OtherAbility, format_of
from execverify.rewards.code.record_formats.training_sets import by_source
from execverify.rewards.code.unit_tests import GroundTruth, UnitTests, parse_tests, tests_of_row
from execverify.rewards.guard import bad_row
from execverify.rewards.parse import completion_text
from execverify.rewards.parts import Score, Verdict, answer_parts
from execverify.rewards.score import PAPER_REWARD, RewardConfig, score_many
from execverify.rewards.steps.credit import Credit, CreditReward
from execverify.rewards.steps.faithfulness import faithfulness
from execverify.sandbox.candidates import stoppable
from execverify.sandbox.result import Limits
from execverify.utils.messages import suggestion

LogMetric = Callable[[str, float], None]
LogExtra = Callable[[str, list[Any]], None]
_CODE_KINDS = ("format", "unit_test")


class WhiteBoxReward:
    """A TRL reward function for white-box and input-prediction rows under one rule.

    Args:
        rule: how parts become a reward.
        name: what TRL logs it as.
        workers: processes that run programs at once (input prediction, and rules that look at chains, run any).
        raise_errors: raise RowError for a row that cannot be used; else its reward is None, the log names it, and it is counted.
        chains: grade chains of thought, whatever the rule, and log their faithfulness.

    Attributes:
        last_scores: the scores of the last call, one a completion.
    """

    def __init__(
        self,
        rule: RewardConfig = PAPER_REWARD,
        *,
        name: str = "white_box_reward",
        workers: int = 2,
        raise_errors: bool = False,
        chains: bool = False,
    ) -> None:
        self.rule = rule
        self.chains = chains
        self.workers = workers
        self.raise_errors = raise_errors
        self.last_scores: list[Score | None] = []
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
        scores = self.last_scores = self.scores(completions, columns)
        _log(scores, answer_parts(), log_metric, log_extra)
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
            if kind not in ("white_box", "input_prediction"):
                continue
            row = {"kind": kind, "program": program, "questions": asked}
            task = _read_row(functools.partial(from_row, row), columns, index, self.raise_errors)
            if isinstance(task, Score):
                scores[index] = task
            else:
                judged.append(index)
                pairs.append((task, completion_text(completion) or ""))
        for index, score in zip(judged, score_many(pairs, rule=self.rule, workers=self.workers, chains=self.chains), strict=True):
            scores[index] = score
        return scores


class StepCreditReward(WhiteBoxReward):
    """A TRL reward function under a rule that also gives advantages to spans of the text (`execverify.rewards.steps.credit`).

    Our trainer (`execverify train`) asks for them; with TRL's own, the reward is the rule's one number a completion.
    """

    rule: CreditReward

    def __init__(self, rule: CreditReward, *, name: str = "step_reward", workers: int = 2, raise_errors: bool = False) -> None:
        super().__init__(rule, name=name, workers=workers, raise_errors=raise_errors)
        self._judged: tuple[list[str], list[Score | None]] = ([], [])

    def scores(self, completions: Sequence[Any], columns: dict[str, Any]) -> list[Score | None]:
        """As for `WhiteBoxReward`; the last ones are kept for `credits`."""
        found = super().scores(completions, columns)
        self._judged = ([completion_text(one) or "" for one in completions], found)
        return found

    def credits(self, completions: Sequence[Any], columns: dict[str, Any], group: int) -> list[list[Credit]]:
        """The advantages of spans of each completion.

        Args:
            completions: texts, or chat messages; those of one prompt follow one another.
            columns: the rows' columns, each a list as long as the completions.
            group: completions of one prompt.

        Returns:
            For each completion (start, end, advantage) of spans of its text, in characters; none where it was not judged.
        """
        texts = [completion_text(one) or "" for one in completions]
        scores = self._judged[1] if self._judged[0] == texts else self.scores(completions, columns)
        return credits_of_groups(self.rule, texts, scores, group)


def credits_of_groups(rule: CreditReward, texts: Sequence[str], scores: Sequence[Score | None], group: int) -> list[list[Credit]]:
    """The advantages of spans of each completion; none where it was not judged.

    Args:
        rule: gives them to a group.
        texts: of the completions; those of one prompt follow one another.
        scores: of the completions, with their chains.
        group: completions of one prompt.
    """
    found: list[list[Credit]] = [[] for _ in texts]
    for start in range(0, len(texts), group):
        judged = [
            (index, score)
            for index, score in enumerate(scores[start : start + group], start)
            if score is not None and score.reward is not None
        ]
        given = rule.credits([texts[index] for index, _ in judged], [score for _, score in judged])
        for (index, _), spans in zip(judged, given, strict=True):
            found[index] = spans
    return found


def reward_function(
    rule: RewardConfig, *, name: str = "white_box_reward", workers: int = 2, chains: bool = False
) -> WhiteBoxReward:
    """The TRL reward function of a rule, with credits where the rule gives them. Arguments as for `WhiteBoxReward`."""
    if isinstance(rule, CreditReward):
        return StepCreditReward(rule, name=name, workers=workers)
    return WhiteBoxReward(rule, name=name, workers=workers, chains=chains)


class ComponentReward(WhiteBoxReward):
    """One part of the score as a reward function of its own: its share of right answers, 0 to 1.

    Gated like the whole: with a wrong output assertion the questions earn nothing. None where a row has no such part.
    """

    def __init__(
        self,
        part: str,
        rule: RewardConfig = PAPER_REWARD,
        *,
        name: str | None = None,
        workers: int = 2,
        raise_errors: bool = False,
    ) -> None:
        if part not in answer_parts():
            raise ValueError(f"there is no part {part!r}: {suggestion(part, answer_parts())}")
        super().__init__(rule, name=name or f"{part}_reward", workers=workers, raise_errors=raise_errors)
        self.part = part

    def reward(self, score: Score | None) -> float | None:
        share = None if score is None else score.share(self.part)
        if share and self.rule.require_correct_output and score is not None and score.share("output") == 0:
            return 0.0
        return share


white_box_reward = WhiteBoxReward()
"""The paper's white-box reward, 0 to 2."""


class UnitTestReward:
    """A TRL reward function for code, by unit tests (paper, section 3: stage II).

    Args:
        rule: how the outcomes of tests become a reward.
        name: what TRL logs it as.
        limits: what a candidate may use for each test.
        workers: candidates that run at once; None for one a core. One that hangs holds up none of the others.
        allow_weak_isolation: run candidates even where the kernel lacks what confines hostile code.
        raise_errors: raise RowError for a row that cannot be used; else its reward is None, the log names it, and it is counted.

    Attributes:
        last_scores: the scores of the last call, one a completion.
    """

    def __init__(
        self,
        rule: UnitTestConfig = PAPER_UNIT_TESTS,
        *,
        name: str = "unit_test_reward",
        limits: Limits = TEST_LIMITS,
        workers: int | None = None,
        allow_weak_isolation: bool = False,
        raise_errors: bool = False,
    ) -> None:
        self.rule = rule
        self.limits = limits
        self.workers = workers
        self.allow_weak_isolation = allow_weak_isolation
        self.raise_errors = raise_errors
        self.last_scores: list[Score | None] = []
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
        """One reward a completion: 0 to 1.05, or None where the row has no tests, none can be judged by, or we failed.

        Args:
            prompts: not needed; TRL gives them.
            completions: texts, or chat messages of which the last one counts.
            log_metric: called with the mean of each part's rewards over the batch, and the share of each outcome of tests.
            log_extra: called with one line a completion that says what was right and wrong.
            columns: the rows' columns, each a list as long as the completions: `tests` or `ground_truth`, or a row's own.

        Raises:
            RowError: tests that cannot be read, with `raise_errors`.
            InsufficientIsolationError: hostile code cannot be confined here.
        """
        scores = self.last_scores = self.scores(completions, columns)
        _log(scores, _CODE_KINDS, log_metric, log_extra)
        return [None if score is None else score.reward for score in scores]

    async def acall(
        self,
        prompts: Sequence[Any] | None = None,
        completions: Sequence[Any] = (),
        *,
        log_metric: LogMetric | None = None,
        log_extra: LogExtra | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """The same as a coroutine function: other reward functions and rollouts go on while candidates run.

        Cancelled, it returns at once, and the candidates are ended.
        """
        scores = await stoppable(lambda stop: self.scores(completions, columns, stop))
        _log(scores, _CODE_KINDS, log_metric, log_extra)
        return [None if score is None else score.reward for score in scores]

    def scores(
        self, completions: Sequence[Any], columns: dict[str, Any], stop: threading.Event | None = None
    ) -> list[Score | None]:
        """The score of each completion; None for rows without tests. Once `stop` is set, what is left is our failure."""
        scores: list[Score | None] = [None] * len(completions)
        judged, pairs = [], []
        found = _tests_in(columns, len(completions), self.raise_errors)
        for index, (completion, tests) in enumerate(zip(completions, found, strict=True)):
            if isinstance(tests, UnitTests):
                judged.append(index)
                pairs.append((tests, completion_text(completion) or ""))
            else:
                scores[index] = tests
        workers = self.workers or _default_workers()
        settings: dict[str, Any] = {"rule": self.rule, "limits": self.limits, "allow_weak_isolation": self.allow_weak_isolation}
        given = unit_test_scores(pairs, workers=workers, stop=stop, **settings)
        for index, score in zip(judged, given, strict=True):
            scores[index] = score
        return scores


def _default_workers() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_Read = TypeVar("_Read")


def _read_row(read: Callable[[], _Read], columns: dict[str, Any], index: int, raise_errors: bool) -> _Read | Score:
    """What a row says, or the score of all its completions where it cannot be read; the row goes by its `id`, or its place."""
    try:
        return read()
    except Exception as error:
        if raise_errors:
            raise
        ids = columns.get("id") or ()
        return bad_row(error, f"row {ids[index]!r}" if index < len(ids) else f"row {index} of the batch")


def _tests_in(columns: dict[str, Any], count: int, raise_errors: bool = False) -> list[UnitTests | Score | None]:
    """The tests of each row: of its own columns where it is of kind `code_generation`, else of `tests` or `ground_truth`.

    Where a dataset has none of these, its rows are the records of a published format. A Score where a row cannot be read; None where
    it has no tests.
    """
    nothing = [None] * count
    kinds = columns.get("kind") or nothing
    programs, questions = (columns.get(name) or nothing for name in ("program", "questions"))
    sources = columns.get("data_source") or nothing
    named = [columns[name] for name in ("tests", "ground_truth") if columns.get(name) is not None]
    if not named and "kind" not in columns:
        return _published(columns, count, raise_errors)
    found: list[UnitTests | Score | None] = []
    rows = zip(zip(*named, strict=True) if named else [()] * count, kinds, programs, questions, sources, strict=True)
    for index, (truths, kind, program, asked, source) in enumerate(rows):
        truth: GroundTruth | None = next((entry for entry in truths if entry is not None and entry != ""), None)
        if kind not in (None, CODE_GENERATION):
            found.append(None)
        elif truth is not None:
            read = functools.partial(_by_source, truth, source or "")
            found.append(_read_row(read, columns, index, raise_errors))
        elif kind is not None:
            row = {"kind": kind, "program": program, "questions": asked}
            found.append(_read_row(functools.partial(tests_of_row, row), columns, index, raise_errors))
        else:
            found.append(None)
    return found


def _by_source(truth: GroundTruth, source: str) -> UnitTests:
    return by_source(parse_tests(truth), source)


def _published(columns: dict[str, Any], count: int, raise_errors: bool) -> list[UnitTests | Score | None]:
    """The tests of rows in a published format; None for what is not about code."""
    whole = {name: column for name, column in columns.items() if isinstance(column, list | tuple) and len(column) == count}
    rows = [{name: column[place] for name, column in whole.items() if column[place] is not None} for place in range(count)]
    if count and not any(map(format_of, rows)):
        raise ValueError(
            "the dataset has no column 'tests' or 'ground_truth', and its columns are no published format "
            "(remove_unused_columns=False keeps them)"
        )
    read = [functools.partial(_published_tests, row) for row in rows]
    return [_read_row(one, columns, index, raise_errors) for index, one in enumerate(read)]


def _published_tests(row: dict[str, Any]) -> UnitTests | None:
    try:
        return parse_tests(row) if format_of(row) is not None else None
    except OtherAbility:
        return None


unit_test_reward = UnitTestReward()
"""The paper's unit-test reward: the share of tests that pass, plus 0.05 for a well-formed answer."""


async def unit_test_reward_async(
    prompts: Sequence[Any] | None = None, completions: Sequence[Any] = (), **columns: Any
) -> list[float | None]:
    """`unit_test_reward` as a coroutine function. (For other settings: the method `awaited` of a `UnitTestReward`.)"""
    return await unit_test_reward.acall(prompts, completions, **columns)


def _log(scores: Sequence[Score | None], kinds: Iterable[str], log_metric: LogMetric | None, log_extra: LogExtra | None) -> None:
    if log_metric is not None:
        for kind in kinds:
            shares = [share for score in scores if score and (share := score.share(kind)) is not None]
            if shares:
                log_metric(f"execverify/{kind}", sum(shares) / len(shares))
        verdicts = Counter(part.verdict for score in scores if score for part in score.parts if part.kind == "unit_test")
        for verdict in Verdict if verdicts else ():
            log_metric(f"execverify/unit_test/{verdict.replace(' ', '_')}", verdicts[verdict] / verdicts.total())
        found_chains = faithfulness(scores)
        for name, value in (("chain_true", found_chains.chain_true), ("guessed", found_chains.guessed)):
            if value is not None:
                log_metric(f"execverify/{name}", value)
        if found_chains.count:
            log_metric("execverify/chain_progress", found_chains.progress)
        for kind, count in found_chains.divergences.items():
            log_metric(f"execverify/diverges/{kind}", count / found_chains.count)
        for name, verdict in (
            ("grader_errors", Verdict.GRADER_ERROR),
            ("bad_rows", Verdict.BAD_ROW),
            ("unreadable", Verdict.UNREADABLE),
        ):
            found = [score is not None and any(part.verdict == verdict for part in score.parts) for score in scores]
            log_metric(f"execverify/{name}", sum(found) / max(1, len(found)))
    if log_extra is not None:
        log_extra("graded", [format_score(score) for score in scores])


def format_score(score: Score | None) -> str:
    """One line that says what became of each part."""
    if score is None:
        return ""
    marks = [f"{part.kind} {'✓' if part.right else '✗'}{f' ({part.why})' if part.why else ''}" for part in score.parts]
    if score.chain is not None:
        wrong = score.chain.first_divergence
        marks.append("chain ✓" if wrong is None else f"chain ✗ ({wrong.text or 'at its end'}: {wrong.why})")
    if any(part.verdict == Verdict.GRADER_ERROR for part in score.parts):
        marks.insert(0, "OUR FAILURE")
    return "; ".join(marks)
