"""Reward functions for verl: `reward.custom_reward_function.path=pkg://execverify.rewards.verl`, `name=compute_score`.

The path of this file works too. verl itself is not imported. It loads this file by its path, so imports are absolute. Nothing here
needs the main thread.

`compute_step_score` also returns what the credits of steps are computed from; `execverify.training.with_verl.plugin` uses it.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from execverify.errors import InsufficientIsolationError, RowError, SandboxError
from execverify.questions.rows import from_row
from execverify.questions.task import CODE_GENERATION
from execverify.rewards.code.grade import TEST_LIMITS, UnitTestConfig, unit_test_score
from execverify.rewards.code.record_formats.training_sets import SOURCES, by_source
from execverify.rewards.code.unit_tests import parse_tests
from execverify.rewards.guard import bad_row
from execverify.rewards.parts import Score, Verdict, all_parts
from execverify.rewards.registry import REWARDS
from execverify.rewards.score import RewardConfig, score
from execverify.rewards.steps.credit import CreditReward
from execverify.sandbox.result import Limits
from execverify.utils.messages import suggestion

_log = logging.getLogger(__name__)

DATA_SOURCES = ("execverify/white_box", "execverify/input_prediction", "execverify/code_generation")
"""Our own data sources. Those of verl, PRIME and DeepCoder for code (`SOURCES`) are judged as code generation."""


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str | dict[str, Any],
    extra_info: dict[str, Any] | None = None,
    **settings: Any,
) -> dict[str, float]:
    """Judges one completion.

    Args:
        data_source: of `DATA_SOURCES`, which says the row's kind; or of `SOURCES`, which are code.
        solution_str: the completion's text.
        ground_truth: the row itself (`program` and `questions` are needed), as JSON or as a dict; for code generation also
            unit tests in any form of `parse_tests`.
        extra_info: its `index`, if any, names the row in messages.
        settings: from verl's `reward_kwargs`. `reward`: a name of `REWARDS`, "white_box" where it is left out. Fields of
            `RewardConfig` that change it: alpha (which "output_only" ignores), kinds, require_correct_output, scale,
            float_tolerance. `chains`: grade the chain of thought whatever the reward. For code generation fields of
            `UnitTestConfig` (binary, format_bonus, strict, float_tolerance, stop_early, imports, prelude) and of `Limits`
            (timeout, memory, output), and allow_weak_isolation. And raise_errors (true where it is left out).

    Returns:
        "score", 0 to the reward's scale. For each part (output, input, next_statement, variable_state, format, unit_test) how many
        were asked, how many were right, and its reward as a reward of its own: the share that is right, gated like the whole, and 0
        where none was asked. Unsupported tests are not asked. Of the chain, each 1 or 0: "chain_graded", "chain_true" (the whole
        of it), "verified" (and the output is right), "guessed" (the output is right, and the chain is not true). Then, 1 or 0:
        "grader_error" (we failed to judge), "bad_row" (the ground truth cannot be read, or holds no test that can be judged by),
        "unreadable" (a part of the answer could not be read, and earned nothing). Always the same keys, as verl's collation needs.

    Raises:
        RowError: an unknown data source or reward; a bad row.
        SandboxError: we failed to judge. verl's trainer leaves out a completion whose reward raises an exception. In an engine that
            an exception would end, set raise_errors to False: then the score of both is 0, and the keys and the log say so.
        InsufficientIsolationError: hostile code cannot be confined here, whatever raise_errors says.
    """
    return _counts(*_judged(data_source, solution_str, ground_truth, extra_info, settings))


def compute_step_score(
    data_source: str,
    solution_str: str,
    ground_truth: str | dict[str, Any],
    extra_info: dict[str, Any] | None = None,
    **settings: Any,
) -> dict[str, float | str]:
    """Judges one completion by a reward that gives credits to spans of the text ("step", "bilevel", "first_divergence").

    Arguments and errors as for `compute_score`.

    Returns:
        What `compute_score` returns, and "units": the JSON text of a `GradedText`, from which the credits of its group are computed;
        "" for code and where we failed to judge.

    Raises:
        RowError: also for a reward without credits.
    """
    rule = credit_reward(settings)
    judged, gated = _judged(data_source, solution_str, ground_truth, extra_info, settings)
    known = judged.reward is not None and judged.chain is not None
    return {**_counts(judged, gated), "units": rule.graded(solution_str, judged).to_json() if known else ""}


def reward_config(settings: Mapping[str, Any]) -> RewardConfig:
    """The reward for answers about runs that verl's `reward_kwargs` name.

    Args:
        settings: as for `compute_score`.

    Raises:
        RowError: there is no such reward.
        ValueError: a setting that the reward does not allow.
    """
    rule = REWARDS.get(settings.get("reward") or "white_box")
    return _of(RewardConfig, {name: value for name, value in settings.items() if name != "alpha" or rule.alpha}, rule)


def credit_reward(settings: Mapping[str, Any]) -> CreditReward:
    """The same where it gives credits to spans of the text.

    Raises:
        RowError: it gives none.
    """
    rule = reward_config(settings)
    if not isinstance(rule, CreditReward):
        known = ", ".join(name for name in REWARDS if isinstance(REWARDS.get(name), CreditReward))
        raise RowError(f"the reward {settings.get('reward', 'white_box')!r} gives no credits to steps: it must be one of {known}")
    return rule


def _judged(
    data_source: str, text: str, truth: str | dict[str, Any], extra_info: Mapping[str, Any] | None, settings: Mapping[str, Any]
) -> tuple[Score, bool]:
    """The score of a completion, and whether its parts earn nothing."""
    if data_source not in DATA_SOURCES and str(data_source).lower() not in SOURCES:
        meant = suggestion(str(data_source), (*DATA_SOURCES, *sorted(SOURCES)))
        raise RowError(f"the data source {data_source!r} is not judged here: {meant}")
    raise_errors = bool(settings.get("raise_errors", True))
    judge = _judge(data_source, settings)
    gated = False
    try:
        judged, gated = judge(truth, text)
    except InsufficientIsolationError:
        raise
    except Exception as error:
        if raise_errors:
            raise
        judged = bad_row(error, _name(extra_info))
    if judged.reward is None:
        judged = _unjudged(judged, raise_errors, _name(extra_info))
    return judged, gated


def _name(extra_info: Mapping[str, Any] | None) -> str:
    """Which row it is, as far as verl says so."""
    index = extra_info.get("index") if isinstance(extra_info, Mapping) else None
    return "" if index is None else f"row {index}"


def _unjudged(judged: Score, raise_errors: bool, name: str) -> Score:
    """The score of what has none, with a part that says whose fault it is; raises that where it is to be raised."""
    failed = next((part.why for part in judged.parts if part.verdict == Verdict.GRADER_ERROR), None)
    if failed is not None:
        if raise_errors:
            raise SandboxError(f"the completion could not be judged: {failed}")
        _log.warning("a completion could not be judged, and counts as 0: %s", failed)
        return judged
    if not any(part.verdict == Verdict.BAD_ROW for part in judged.parts):
        judged = bad_row(RowError(f"no completion can be judged by these tests: {judged.parts[-1].why}"), name)
    if raise_errors:
        raise RowError(judged.parts[-1].why)
    return judged


def _counts(judged: Score, gated: bool) -> dict[str, float]:
    counts: dict[str, float] = {"score": judged.reward or 0.0}
    for part_kind in all_parts():
        parts = [part for part in judged.parts if part.kind == part_kind and part.verdict != Verdict.UNSUPPORTED]
        counts[f"{part_kind}_asked"] = float(len(parts))
        counts[f"{part_kind}_right"] = float(sum(part.right for part in parts))
        counts[f"{part_kind}_reward"] = 0.0 if gated else judged.share(part_kind) or 0.0
    graded = judged.chain is not None
    true, right = judged.chain is not None and judged.chain.is_true, judged.parts[0].right
    flags = {"chain_graded": graded, "chain_true": true, "verified": true and right, "guessed": graded and right and not true}
    counts |= {name: float(flag) for name, flag in flags.items()}
    found = {part.verdict for part in judged.parts}
    for name, verdict in (
        ("grader_error", Verdict.GRADER_ERROR),
        ("bad_row", Verdict.BAD_ROW),
        ("unreadable", Verdict.UNREADABLE),
    ):
        counts[name] = float(verdict in found)
    return counts


def constant_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: dict[str, Any] | None = None, **settings: Any
) -> dict[str, float]:
    """A reward that looks at nothing: 0.5 or 1.5, by the completion's length. To time the engine without rewards."""
    return {"score": 0.5 + len(solution_str) % 2}


def _judge(data_source: str, settings: Mapping[str, Any]) -> Callable[[str | dict[str, Any], str], tuple[Score, bool]]:
    """What judges a completion of a row, and whether its parts earn nothing; raises ValueError for a wrong setting."""
    kind = data_source.partition("/")[2] or CODE_GENERATION
    if kind == CODE_GENERATION:
        tests = _of(UnitTestConfig, settings, UnitTestConfig())
        limits = _of(Limits, settings, TEST_LIMITS)
        allow_weak_isolation = bool(settings.get("allow_weak_isolation"))

        def judge_code(truth: str | dict[str, Any], text: str) -> tuple[Score, bool]:
            read = by_source(parse_tests(truth), data_source)
            return unit_test_score(read, text, rule=tests, limits=limits, allow_weak_isolation=allow_weak_isolation), False

        return judge_code
    rule, chains = reward_config(settings), bool(settings.get("chains"))

    def judge(truth: str | dict[str, Any], text: str) -> tuple[Score, bool]:
        judged = score(from_row({**_row(truth), "kind": kind}), text, rule=rule, chains=chains)
        return judged, rule.require_correct_output and judged.share("output") == 0

    return judge


_Record = TypeVar("_Record", RewardConfig, UnitTestConfig, Limits)


def _of(record: type[_Record], settings: Mapping[str, Any], default: _Record) -> _Record:
    """A record with the settings that are its own; a configuration's lists become the tuples that it holds."""
    known = {name: settings[name] for name in record.__dataclass_fields__ if name in settings}
    changes: dict[str, Any] = {name: tuple(value) if name in ("kinds", "imports") else value for name, value in known.items()}
    return replace(default, **changes) if changes else default


def _row(ground_truth: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(ground_truth, str):
        try:
            ground_truth = json.loads(ground_truth)
        except ValueError as error:
            raise RowError(f"the ground truth is not JSON: {error}") from None
    if not isinstance(ground_truth, dict):
        raise RowError("the ground truth is not a row: it must be a JSON object with program and questions")
    return ground_truth
