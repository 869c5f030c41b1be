"""Reward function for verl: `reward.custom_reward_function.path=.../execverify/rewards/verl.py`, `name=compute_score`.

(`path=pkg://execverify.rewards.verl` says the same on every machine.) verl itself is not imported. It loads this file by its
path, so imports are absolute. Nothing here needs the main thread.
"""

import json
from dataclasses import replace
from typing import Any, TypeVar

from execverify.errors import RowError, SandboxError
from execverify.execution.outcome import Limits
from execverify.questions.rows import from_row
from execverify.questions.task import CODE_GENERATION
from execverify.rewards.code_score import TEST_LIMITS, UnitTestRule, unit_test_score
from execverify.rewards.parts import Score, Verdict
from execverify.rewards.records.training import SOURCES, by_source
from execverify.rewards.score import PAPER, RewardRule, score
from execverify.rewards.unit_tests import UnitTests, read_tests

DATA_SOURCES = ("execverify/white_box", "execverify/input_prediction", "execverify/code_generation")
"""Our own data sources; those of verl, PRIME and DeepCoder for code (`SOURCES`) are judged as code generation."""

_PARTS = ("output", "input", "next_statement", "variable_state", "format", "unit_test")


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
        extra_info: not needed.
        settings: from verl's `reward_kwargs`: fields of `RewardRule` (alpha, kinds, gated, scale, float_tolerance); for code
            generation those of `UnitTestRule` (binary, format_bonus, strict, float_tolerance, stop_early, imports) and of
            `Limits` (timeout, memory, output), and allow_weak.

    Returns:
        "score", 0 to the rule's scale, and for each part (output, input, next_statement, variable_state, format, unit_test) how
        many were asked and how many were right, and its reward where it is to be one of its own: the share that is right, gated
        like the whole, and 0 where none was asked. Always the same keys, as verl's collation needs. Unsupported tests are not
        asked.

    Raises:
        RowError: an unknown data source, a ground truth that cannot be read, or tests of which none can be judged by.
        SandboxError: we failed to judge; verl has no way to skip a sample, and a silent 0 would be a lie.
    """
    if data_source not in DATA_SOURCES and str(data_source).lower() not in SOURCES:
        listed = ", ".join((*DATA_SOURCES, *sorted(SOURCES)))
        raise RowError(f"the data source {data_source!r} is not judged here: it must be one of {listed}")
    kind = data_source.partition("/")[2] or CODE_GENERATION
    if kind == CODE_GENERATION:
        tests = by_source(read_tests(ground_truth), data_source)
        judged, gated = _code_score(tests, solution_str, settings), False
    else:
        rule = _of(RewardRule, settings, PAPER)
        task = from_row({**_row(ground_truth), "kind": kind})
        judged = score(task, solution_str, rule=rule)
        gated = rule.gated and judged.share("output") == 0
    if judged.reward is None:
        failed = next((part.why for part in judged.parts if part.verdict == Verdict.FAILED), None)
        if failed is None:
            raise RowError(f"no completion can be judged by these tests: {judged.parts[-1].why}")
        raise SandboxError(f"the completion could not be judged: {failed}")
    counts: dict[str, float] = {"score": judged.reward}
    for part_kind in _PARTS:
        parts = [part for part in judged.parts if part.kind == part_kind and part.verdict != Verdict.UNSUPPORTED]
        counts[f"{part_kind}_asked"] = float(len(parts))
        counts[f"{part_kind}_right"] = float(sum(part.right for part in parts))
        counts[f"{part_kind}_reward"] = 0.0 if gated else judged.share(part_kind) or 0.0
    return counts


def constant_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: dict[str, Any] | None = None, **settings: Any
) -> dict[str, float]:
    """A reward that looks at nothing: 0.5 or 1.5, by the completion's length. To time the engine without rewards."""
    return {"score": 0.5 + len(solution_str) % 2}


def _code_score(truth: UnitTests, completion: str, settings: dict[str, Any]) -> Score:
    rule = _of(UnitTestRule, settings, UnitTestRule())
    limits = _of(Limits, settings, TEST_LIMITS)
    return unit_test_score(truth, completion, rule=rule, limits=limits, allow_weak=bool(settings.get("allow_weak")))


_Record = TypeVar("_Record", RewardRule, UnitTestRule, Limits)


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
