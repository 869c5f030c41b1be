"""Reward function for verl: `reward.custom_reward_function.path=.../execverify/rewards/verl.py`, `name=compute_score`.

(`path=pkg://execverify.rewards.verl` says the same on every machine.) verl itself is not imported. It loads this file by its
path, so imports are absolute. Nothing here needs the main thread.
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
from execverify.rewards.score import PAPER_REWARD, RewardConfig, score
from execverify.sandbox.result import Limits

_log = logging.getLogger(__name__)

DATA_SOURCES = ("execverify/white_box", "execverify/input_prediction", "execverify/code_generation")
"""Our own data sources; those of verl, PRIME and DeepCoder for code (`SOURCES`) are judged as code generation."""


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
            unit tests in any form of `read_tests`.
        extra_info: its `index`, if any, names the row in messages.
        settings: from verl's `reward_kwargs`: fields of `RewardRule` (alpha, kinds, gated, scale, float_tolerance); for code
            generation those of `UnitTestRule` (binary, format_bonus, strict, float_tolerance, stop_early, imports, prelude) and of
            `Limits` (timeout, memory, output), and allow_weak_isolation; and raise_errors (true unless set).

    Returns:
        "score", 0 to the rule's scale, and for each part (output, input, next_statement, variable_state, format, unit_test) how
        many were asked and how many were right, and its reward where it is to be one of its own: the share that is right, gated
        like the whole, and 0 where none was asked. Always the same keys, as verl's collation needs. Unsupported tests are not
        asked. Then, 1 or 0: "grader_error" (we failed to judge), "bad_row" (the ground truth cannot be read, or holds no test that
        can be judged by), "unreadable" (a part of the answer could not be read, and earned nothing).

    Raises:
        RowError: an unknown data source; a bad row.
        SandboxError: we failed to judge. An exception is how verl's trainer is told to leave a completion out. In an engine that it
            would end, set raise_errors to False: then the score of both is 0, and the keys and the log say so.
        InsufficientIsolationError: hostile code cannot be confined here, whatever raise_errors says.
    """
    if data_source not in DATA_SOURCES and str(data_source).lower() not in SOURCES:
        listed = ", ".join((*DATA_SOURCES, *sorted(SOURCES)))
        raise RowError(f"the data source {data_source!r} is not judged here: it must be one of {listed}")
    raise_errors = bool(settings.get("raise_errors", True))
    judge = _judge(data_source, settings)
    gated = False
    try:
        judged, gated = judge(ground_truth, solution_str)
    except InsufficientIsolationError:
        raise
    except Exception as error:
        if raise_errors:
            raise
        judged = bad_row(error, _name(extra_info))
    if judged.reward is None:
        judged = _unjudged(judged, raise_errors, _name(extra_info))
    return _counts(judged, gated)


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


def _judge(data_source: str, settings: dict[str, Any]) -> Callable[[str | dict[str, Any], str], tuple[Score, bool]]:
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
    rule = _of(RewardConfig, settings, PAPER_REWARD)

    def judge(truth: str | dict[str, Any], text: str) -> tuple[Score, bool]:
        judged = score(from_row({**_row(truth), "kind": kind}), text, rule=rule)
        return judged, rule.require_correct_output and judged.share("output") == 0

    return judge


_Record = TypeVar("_Record", RewardConfig, UnitTestConfig, Limits)


def _of(record: type[_Record], settings: dict[str, Any], default: _Record) -> _Record:
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
