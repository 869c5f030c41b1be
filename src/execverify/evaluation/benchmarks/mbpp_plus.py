"""MBPP+ (Liu et al. 2023, arXiv 2305.01210): problems of MBPP with EvalPlus's inputs.

The file is JSON, which has no tuples, sets or complex numbers; the tables below list the problems that need them, and where.
"""

import math
from typing import Any

from execverify.evaluation.benchmark import BenchmarkInfo
from execverify.evaluation.code_tests.evalplus import RULE, STRICT, EvalPlus, evalplus_release
from execverify.evaluation.code_tests.problem import Rules, to_tuples

ORIGIN = "https://github.com/evalplus/mbppplus_release (MbppPlus.jsonl.gz)"

_EVERY = {2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809}
_INSIDE = {63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780}
_INSIDE_FIRST = {75, 413, 444, 753}
_FIRST = {250, 405, 446, 617, 720, 763, 808, 307}
_SECOND = {106, 750}
_EVERY_AND_INSIDE = {259, 401, 445}
_ALL_THE_WAY = {580, 615, 791}


def typed_inputs(task_id: str, inputs: list[list[Any]]) -> list[Any]:
    """The arguments of a problem with the types that it asks for."""
    return [_typed(int(task_id.rpartition("/")[2]), arguments) for arguments in inputs]


def _typed(task: int, arguments: list[Any]) -> Any:
    first: Any = arguments[0] if arguments else None
    rest = arguments[1:]
    if task in _EVERY:
        return [tuple(each) for each in arguments]
    if task in _INSIDE:
        return [[tuple(part) for part in each] for each in arguments]
    if task in _INSIDE_FIRST:
        return [[tuple(part) for part in first], rest[0]]
    if task in _FIRST:
        return [tuple(first), *rest]
    if task in _SECOND:
        return [first, tuple(rest[0])]
    if task in _EVERY_AND_INSIDE:
        return [tuple(tuple(part) for part in each) for each in arguments]
    if task in _ALL_THE_WAY:
        return to_tuples(arguments)
    if task == 115:  # an empty one stays a dict
        return [[set(part) if isinstance(part, list) and part else {} for part in first]]
    if task == 124:
        return [float(first), complex(rest[0])]
    if task == 252:
        return [complex(first)]
    if task == 278:
        return [tuple(to_tuples(part, 1) for part in first)]
    if task == 722:
        return [{key: tuple(value) for key, value in first.items()}, *rest]
    return arguments


def _surface(arguments: tuple[Any, ...], given: Any, _: Any, atol: float) -> bool:
    """The surface of a square pyramid whose second argument is its height, not that of its sides."""
    edge, height = arguments
    sides = 2 * edge * math.hypot(edge / 2, height)
    return bool(abs(given - round(edge**2 + sides)) <= atol)


def _digits_apart(arguments: tuple[Any, ...], given: Any, _known: Any, _atol: float) -> bool:
    """The sum of the differences of two numbers' digits, the shorter one filled up with zeros."""
    one, other = map(str, arguments)
    width = max(len(one), len(other))
    pairs = zip(one.zfill(width), other.zfill(width), strict=True)
    return bool(given == sum(abs(int(a) - int(b)) for a, b in pairs))


class MbppPlus(EvalPlus):
    """378 functions to be written from a sentence and a test."""

    about = BenchmarkInfo(
        "mbpp+",
        "a function written from a sentence and a test",
        "378",
        "Apache-2.0 (EvalPlus), CC-BY-4.0 (MBPP)",
        ORIGIN,
        RULE,
        STRICT,
    )
    release = evalplus_release("MbppPlus", "v0.2.0", "MBPP_OVERRIDE_PATH")
    rules = Rules(
        inputs=typed_inputs,
        also={
            "are_equivalent": lambda *_: True,
            "sum_div": lambda _arguments, given, *_: bool(given == 0),
            "surface_Area": _surface,
            "digit_distance_nums": _digits_apart,
        },
        as_sets=frozenset(
            [
                "similar_elements",
                "find_char_long",
                "common_in_nested_lists",
                "extract_singly",
                "larg_nnum",
                "intersection_array",
                "find_dissimilar",
                "Diff",
            ]
        ),
        not_none=frozenset({"check_str", "text_match_three", "text_starta_endb"}),
    )


BENCHMARK = MbppPlus()
