"""The proof on two benchmarks: their reference solutions are paid in full, and broken ones exactly as plain CPython says.

HumanEval's 164 problems are judged by their own `check` functions and MBPP+'s 378 by their asserts, each assert for itself;
both, and HumanEval+'s solutions, also by calls of the function with the benchmarks' inputs. What is right comes from
`tests/oracles/cpython_unit_tests.py`, an unconfined interpreter for each program (the solutions are the benchmarks' own and harmless).

The whole of it: `pytest -m slow tests/rewards/test_reference_solutions.py`.
"""

import ast
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from execverify.rewards.code.grade import unit_test_scores
from execverify.rewards.code.unit_tests import UnitTest, UnitTestFormat, UnitTests, parse_tests
from execverify.rewards.parts import Score, Verdict
from execverify.sandbox.result import Limits
from tests.helpers.benchmarks import HUMANEVAL, HUMANEVAL_PLUS, MBPP_PLUS, benchmark_rows
from tests.oracles.source_mutants import mutant

PLAIN = Path(__file__).parents[1] / "oracles" / "cpython_unit_tests.py"
SECONDS, NEAR = 2.0, "near the limit"  # what plain Python needs 0.7 to 5 seconds for is not compared
CALLS = 12  # inputs of each problem
NO_CALLS = {"Mbpp/596"}  # asks for the bytes that its arguments take, which differ with how a list came to be


@dataclass(frozen=True)
class Problem:
    """A problem of a benchmark: its solution, a whole module; its tests; helpers that the tests may need; inputs."""

    id: str
    source: str
    entry_point: str
    tests: UnitTests
    helpers: str
    whole: str
    inputs: tuple[str, ...] = ()


@cache
def humaneval() -> list[Problem]:
    found = []
    for row in benchmark_rows(HUMANEVAL):
        name = row["entry_point"]
        module = ast.parse(row["prompt"])
        helpers = [node for node in module.body if not (isinstance(node, ast.FunctionDef) and node.name == name)]
        text = ast.unparse(ast.Module(helpers, []))
        truth = {"test": row["test"], "entry_point": name, "setup": text}
        whole = f"{row['test']}\ncheck({name})"
        source = row["prompt"] + row["canonical_solution"]
        found.append(Problem(row["task_id"], source, name, parse_tests(json.dumps(truth)), text, whole))
    return found


@cache
def mbpp() -> list[Problem]:
    found = []
    for row in benchmark_rows(MBPP_PLUS):
        inputs = () if row["task_id"] in NO_CALLS else inputs_of(row)
        truth = {"asserts": row["assertion"], "entry_point": row["entry_point"]}
        tests = parse_tests(json.dumps(truth))
        source = row["canonical_solution"]
        found.append(Problem(row["task_id"], source, row["entry_point"], tests, "", row["assertion"], inputs))
    return found


@cache
def humaneval_plus() -> list[Problem]:
    return [
        Problem(
            row["task_id"],
            row["prompt"] + row["canonical_solution"],
            row["entry_point"],
            calls_as_tests("f", [], []),
            "",
            "",
            inputs_of(row),
        )
        for row in benchmark_rows(HUMANEVAL_PLUS)
    ]


def inputs_of(row: dict[str, Any]) -> tuple[str, ...]:
    """Arguments of calls as text; the benchmarks' JSON has lists where their own loaders make tuples, which both sides get."""
    given = [*row["base_input"], *(row["plus_input"] or [])]
    texts = [", ".join(map(repr, arguments)) for arguments in given]
    return tuple(text for text in texts if len(text) < 5_000)[:CALLS]


def calls_as_tests(name: str, inputs: Sequence[str], results: Sequence[str]) -> UnitTests:
    return UnitTests(UnitTestFormat.CALL, tuple(map(lambda given, result: UnitTest(given, (result,)), inputs, results)), name)


def plain(source: str, problem: Problem, tests: Sequence[str] = (), calls: Sequence[str] = ()) -> list[str]:
    """What CPython says of a source: of each test, then of each call."""
    job = {
        "source": source, "setup": f"{problem.helpers}\n{problem.tests.setup}", "tests": list(tests), "calls": list(calls),
        "entry_point": problem.entry_point, "seconds": 2.5 * SECONDS, "near": 0.35 * SECONDS,
    }  # fmt: skip
    try:
        run = [sys.executable, "-I", str(PLAIN)]
        done = subprocess.run(
            run, input=json.dumps(job), capture_output=True, text=True, timeout=2.5 * SECONDS * (len(tests) + len(calls) + 2)
        )
        said = json.loads(done.stdout) if done.returncode == 0 else []
    except subprocess.TimeoutExpired:
        said = []
    return list(said) if said else ["raised OutOfTime"] * (len(tests) + len(calls))


def answer(source: str) -> str:
    return f"<answer>\n~~~~python\n{source}\n~~~~\n</answer>"


def judged(problems: Sequence[tuple[UnitTests, str]]) -> list[Score]:
    pairs = [(tests, answer(source)) for tests, source in problems]
    return unit_test_scores(pairs, workers=2, limits=Limits(timeout=SECONDS, memory=1 << 30))


def everywhere(work: Any, items: Sequence[Any]) -> list[Any]:
    """Interpreters of their own, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, items))


def few(problems: Sequence[Problem], count: int) -> list[Problem]:
    """At most that many problems, evenly spread."""
    return list(problems[:: -(-len(problems) // count)])


# ----------------------------------------------------------------------------------------------------------------- asserts


def check_full_marks(problems: Sequence[Problem]) -> Counter[str]:
    """Every solution scores all that there is; counts tests and what is unsupported."""
    counts: Counter[str] = Counter()
    for problem, score in zip(problems, judged([(problem.tests, problem.source) for problem in problems]), strict=True):
        bad = [part for part in score.parts if not part.right and part.verdict != Verdict.UNSUPPORTED]
        assert score.reward == 1.05, (problem.id, bad)
        counts["problems"] += 1
        counts["paid in full"] += score.reward == 1.05
        for part in score.parts[1:]:
            counts["tests"] += 1
            if part.verdict == Verdict.UNSUPPORTED:
                counts[f"unsupported: {part.why}"] += 1
    return counts


def check_mutants(problems: Sequence[Problem], seed: int) -> Counter[str]:
    """A solution broken in one place passes a test where plain CPython says that it does, and nowhere else."""
    broken = [(p, source) for p in problems if (source := mutant(p.source, p.entry_point, seed)) is not None]
    scores = judged([(problem.tests, source) for problem, source in broken])

    def truth(one: tuple[Problem, str]) -> list[str]:
        problem, source = one
        return plain(source, problem, [*(test.given for test in problem.tests.tests), problem.whole])

    counts: Counter[str] = Counter()
    for (problem, source), score, (*said, whole) in zip(broken, scores, everywhere(truth, broken), strict=True):
        parts = score.parts[1:]
        assert NEAR in said or (whole == "holds") == all(one == "holds" for one in said), (problem.id, whole, said)
        for part, one in zip(parts, said, strict=True):
            if part.verdict == Verdict.UNSUPPORTED or one == NEAR:
                counts["unsupported" if one != NEAR else NEAR] += 1
                continue
            assert part.right == (one == "holds"), (problem.id, source, part, one)
            counts[str(part.verdict)] += 1
        counts["problems"] += 1
        counts["found out"] += whole != "holds"
    return counts


@pytest.mark.parametrize("benchmark", [humaneval, mbpp])
def test_some_solutions_and_mutants(benchmark: Any) -> None:
    some = few(benchmark(), 35)
    counts = check_full_marks(some)
    assert counts["paid in full"] == counts["problems"] == len(some)
    found = check_mutants(some[1::2], seed=1)  # none of these runs for ever: the slow test below has such ones
    assert found["found out"] > found["problems"] / 2


@pytest.mark.slow
@pytest.mark.parametrize(("benchmark", "file"), [(humaneval, HUMANEVAL), (mbpp, MBPP_PLUS)])
def test_every_reference_solution_is_paid_in_full(benchmark: Any, file: Path) -> None:
    counts = check_full_marks(benchmark())
    print(dict(counts))
    assert counts["paid in full"] == counts["problems"] == len(benchmark_rows(file))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("benchmark", [humaneval, mbpp])
def test_every_broken_solution_falls_where_cpython_says(benchmark: Any, seed: int) -> None:
    counts = check_mutants(benchmark(), seed)
    print(dict(counts))
    assert counts["found out"] >= counts["problems"] * 0.8


# ------------------------------------------------------------------------------------------------------------------ calls


def check_calls(problems: Sequence[Problem], seed: int) -> Counter[str]:
    """By calls of the function: the solution is paid in full, and a broken one where it gives what the solution gives."""
    counts: Counter[str] = Counter()
    wanted: list[tuple[Problem, UnitTests, list[str]]] = []
    for problem, truth in zip(problems, everywhere(lambda p: plain(p.source, p, calls=p.inputs), problems), strict=True):
        results = [one.partition("\0") for one in truth]
        known = [(given, shown, text) for given, (shown, _, text) in zip(problem.inputs, results, strict=True) if text]
        counts["inputs without a literal result"] += len(truth) - len(known)
        if known:
            tests = calls_as_tests(problem.entry_point, [given for given, _, _ in known], [text for _, _, text in known])
            wanted.append((problem, tests, [shown for _, shown, _ in known]))
    for (problem, tests, _), score in zip(wanted, judged([(tests, p.source) for p, tests, _ in wanted]), strict=True):
        assert score.reward == 1.05, (problem.id, [part for part in score.parts if not part.right])
        counts["paid in full"] += 1
        counts["tests"] += len(tests.tests)
    broken = [(p, t, truth, source) for p, t, truth in wanted if (source := mutant(p.source, p.entry_point, seed)) is not None]
    said = everywhere(lambda one: plain(one[3], one[0], calls=[test.given for test in one[1].tests]), broken)
    for (problem, _, truth, source), score, now in zip(broken, judged([(t, s) for _, t, _, s in broken]), said, strict=True):
        for part, before, after in zip(score.parts[1:], truth, now, strict=True):
            if after == NEAR:
                counts[NEAR] += 1
                continue
            assert part.right == (before == after.partition("\0")[0]), (problem.id, source, part, before, after)
            counts[str(part.verdict)] += 1
    return counts


def test_some_solutions_and_mutants_by_calls() -> None:
    some = [*few(humaneval_plus(), 9), *few(mbpp(), 13)]
    counts = check_calls(some, seed=1)
    assert counts["paid in full"] >= 0.8 * len(some)
    assert counts["wrong_answer"] > len(some)


@pytest.mark.slow
@pytest.mark.parametrize("benchmark", [humaneval_plus, mbpp])
def test_every_solution_and_mutant_by_calls(benchmark: Any) -> None:
    counts = check_calls(benchmark(), seed=1)
    print(dict(counts))
    assert counts["paid in full"] >= 0.9 * len(benchmark())
