"""HumanEval+ (Liu et al. 2023, arXiv 2305.01210): HumanEval's problems with EvalPlus's inputs."""

import math
from typing import Any

from execverify.evaluation.benchmark import BenchmarkInfo
from execverify.evaluation.code_tests.evalplus import RULE, STRICT, EvalPlus, evalplus_release
from execverify.evaluation.code_tests.problem import Rules

ORIGIN = "https://github.com/evalplus/humanevalplus_release (HumanEvalPlus.jsonl.gz)"


def _is_root(arguments: tuple[Any, ...], given: Any, _: Any, atol: float) -> bool:
    """Whether a number is a root of the polynomial of the coefficients, lowest first."""
    (coefficients,) = arguments
    return bool(abs(sum(factor * math.pow(given, power) for power, factor in enumerate(coefficients))) <= atol)


class HumanEvalPlus(EvalPlus):
    """164 functions to be written from a docstring."""

    about = BenchmarkInfo(
        "humaneval+",
        "a function written from its docstring",
        "164",
        "Apache-2.0 (EvalPlus), MIT (HumanEval)",
        ORIGIN,
        RULE,
        STRICT,
    )
    release = evalplus_release("HumanEvalPlus", "v0.1.10", "HUMANEVAL_OVERRIDE_PATH")
    rules = Rules(instead={"find_zero": _is_root})


BENCHMARK = HumanEvalPlus()
