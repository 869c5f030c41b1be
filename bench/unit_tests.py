"""Speed of unit-test rewards, against one fresh, unconfined interpreter for each candidate in the same run.

    python bench/unit_tests.py [--candidates 300]

The candidates are HumanEval's reference solutions under their own tests, taken from `../shared/benchmarks` (or `--data FILE`): as
asserts, as they come, and as calls, where a test is `f(arguments) == literal`. The fresh interpreter runs a solution and all
of its tests at once, which is the least that any such check does.
"""

import argparse
import ast
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from execverify.rewards import UnitTests, parse_tests, unit_test_scores
from execverify.rewards.code.unit_tests import UnitTest, UnitTestFormat

HUMANEVAL = Path(__file__).parents[2] / "shared" / "benchmarks" / "humaneval" / "HumanEval.jsonl.gz"


def problems(path: Path) -> list[tuple[str, dict[str, Any], str]]:
    """Solutions, their truths, and the script that a fresh interpreter runs."""
    found = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            name, source = row["entry_point"], row["prompt"] + row["canonical_solution"]
            helpers = [
                node for node in ast.parse(row["prompt"]).body if not (isinstance(node, ast.FunctionDef) and node.name == name)
            ]
            truth = {"test": row["test"], "entry_point": name, "setup": ast.unparse(ast.Module(helpers, []))}
            found.append((source, truth, f"{source}\n{row['test']}\ncheck({name})"))
    return found


def as_calls(truth: dict[str, Any]) -> UnitTests | None:
    """The asserts of a check that compare a call with a literal, as calls; None where there are none."""
    tests = []
    for node in ast.walk(ast.parse(truth["test"])):
        compared = node.test if isinstance(node, ast.Assert) else None
        if isinstance(compared, ast.Compare) and isinstance(compared.left, ast.Call) and isinstance(compared.ops[0], ast.Eq):
            try:
                given = [ast.literal_eval(argument) for argument in compared.left.args]
                tests.append(UnitTest(", ".join(map(repr, given)), (repr(ast.literal_eval(compared.comparators[0])),)))
            except ValueError:
                continue
    return UnitTests(UnitTestFormat.CALL, tuple(tests), truth["entry_point"]) if tests else None


PROGRAM = "n = int(input())\nprint(sum(map(int, input().split())) * n)"
PROGRAM_TESTS = {"inputs": [f"{n}\n1 2 3\n" for n in range(10)], "outputs": [f"{6 * n}\n" for n in range(10)]}
"""A program and ten tests for it."""


def rate(work: Callable[[], object], count: int) -> float:
    """How many a second, the best of two."""
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return count / best


def fresh(scripts: Sequence[str]) -> None:
    """One interpreter after another."""
    for script in scripts:
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=300)
    parser.add_argument("--data", type=Path, default=HUMANEVAL)
    options = parser.parse_args()
    rows = problems(options.data)
    calls = [(tests, source) for source, truth, _ in rows if (tests := as_calls(truth)) is not None]
    programs = [(parse_tests(PROGRAM_TESTS), PROGRAM)]
    forms = {
        "runs of a program (a process each)": programs,
        "calls": calls,
        "asserts": [(parse_tests(truth), source) for source, truth, _ in rows],
    }
    scripts = [script for *_, script in islice(cycle(rows), 80)]
    interpreter = rate(lambda: fresh(scripts), len(scripts))
    print("| what | candidates a second | ratio | tests each |\n|---|---:|---:|---:|")
    print(f"| a fresh interpreter a candidate, one core | {interpreter:,.0f} | | |")
    for workers in sorted({1, min(2, os.cpu_count() or 1)}):
        for name, form in forms.items():
            pairs = [(tests, f"<answer>\n```python\n{source}\n```\n</answer>") for tests, source in form]
            pairs = list(islice(cycle(pairs), options.candidates))
            unit_test_scores(pairs[:10], workers=workers)
            ours = rate(lambda pairs=pairs, workers=workers: unit_test_scores(pairs, workers=workers), len(pairs))  # type: ignore[misc]
            each = sum(len(tests.tests) for tests, _ in pairs) / len(pairs)
            print(f"| unit-test score by {name}, {workers} at once | {ours:,.0f} | {ours / interpreter:.1f} | {each:.1f} |")


if __name__ == "__main__":
    main()
