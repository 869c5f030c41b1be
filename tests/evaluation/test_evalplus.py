"""HumanEval+ and MBPP+: references score 100, broken programs what EvalPlus's package says, and its rule by hand-made cases."""

import functools
import gzip
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import EvaluationError
from execverify.evaluation import benchmark, evaluate
from execverify.evaluation.answers import Answer
from execverify.evaluation.code_tests.compare import all_close, same_officially, same_strictly
from execverify.evaluation.code_tests.evalplus import EvalPlus, evalplus_release
from execverify.evaluation.code_tests.problem import Problem, Rules
from execverify.evaluation.code_tests.run import grade
from execverify.evaluation.data import Release, Source
from tests.helpers.benchmarks import HUMANEVAL_PLUS, MBPP_PLUS, benchmark_rows
from tests.oracles.source_mutants import mutant

FILES = {"humaneval+": HUMANEVAL_PLUS, "mbpp+": MBPP_PLUS}
EVALPLUS = os.environ.get("EVALPLUS_PYTHON") or (sys.executable if importlib.util.find_spec("evalplus") else None)
HARD = {"Mbpp/88", "Mbpp/164", "Mbpp/295", "Mbpp/558", "Mbpp/581", "Mbpp/2", "Mbpp/7", "Mbpp/737", "Mbpp/787", "Mbpp/794", "Mbpp/115",
        "Mbpp/124", "Mbpp/252", "Mbpp/722", "HumanEval/32", "HumanEval/2", "HumanEval/4"}  # fmt: skip


def row(**changes: Any) -> dict[str, Any]:
    """A problem of our own in EvalPlus's form."""
    made = {"task_id": "Own/1", "prompt": "def half(x):\n    \"\"\"Half of a number.\"\"\"\n", "entry_point": "half",
            "canonical_solution": "    return x / 2\n", "base_input": [[1], [3]], "plus_input": [[5.0], [10**30]], "atol": 0}  # fmt: skip
    return {**made, **changes}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


def verdict(path: Path, program: str, name: str = "humaneval+") -> tuple[bool | None, bool | None, str]:
    bench = benchmark(name)
    (item,) = bench.items(Source(path))
    ((mark,),) = bench.judge([(item, Answer(program, program))], 1)
    return mark.official, mark.strict, mark.why


@pytest.mark.parametrize("style", ["execverify", "direct", "cot", "bare"])
def test_gold_scores_100_nothing_0_and_constants_their_floor(tmp_path: Path, style: str) -> None:
    file = write(tmp_path / "heldout.jsonl", row(), row(task_id="Own/2", canonical_solution="    return None\n"))
    gold = evaluate("humaneval+", "mock:gold", data=file, style=style).results
    assert [gold["official"]["pass_at_1"], gold["strict"]["pass_at_1"]] == [100.0, 100.0]
    assert gold["extra_metrics"] == {"base": {"official": {"pass_at_1": 100.0}, "strict": {"pass_at_1": 100.0}}}
    assert gold["baselines"]["answers"]["None"]["official"]["all"] == 50.0
    nothing = evaluate("humaneval+", "mock:empty", data=file, style=style).results
    assert style == "bare" or [nothing["official"]["pass_at_1"], nothing["strict"]["pass_at_1"]] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("body", "official", "strict"),
    [
        ("return x / 2", True, True),
        ("return x * 0.5", True, True),
        ("return x / 2 + 1e-7", True, False),
        ("return x / 2 + 1e-3", False, False),
        ("return x // 2", False, False),
        ("return 0.5 if x == 1 else 1.5 if x == 3 else 0", False, False),
        ("import os; os._exit(0)", False, False),
        ("while True: pass", False, False),
        ("return type('E', (), {'__eq__': lambda *_: True})()", False, False),
        ("return float.__new__(type('F', (float,), {}), x / 2)", True, False),
        ("return (", False, False),
    ],
)
def test_the_rule(tmp_path: Path, body: str, official: bool, strict: bool) -> None:
    given = verdict(write(tmp_path / "heldout.jsonl", row()), f"def half(x):\n    {body}\n")
    assert given[:2] == (official, strict), given


def test_the_plus_counts_and_the_base_stands_under_more(tmp_path: Path) -> None:
    file = write(tmp_path / "heldout.jsonl", row())
    found = evaluate("humaneval+", lambda asked: ["```python\ndef half(x):\n    return {1: 0.5, 3: 1.5}[x]\n```"] * len(asked), data=file,
                     style="direct").results  # fmt: skip
    assert found["official"]["pass_at_1"] == 0.0
    assert found["extra_metrics"]["base"]["official"]["pass_at_1"] == 100.0


def test_a_reference_that_fails_is_our_failure(tmp_path: Path) -> None:
    official, strict, why = verdict(
        write(tmp_path / "heldout.jsonl", row(canonical_solution="    return 1 / 0\n")), "def half(x): return 1"
    )
    assert (official, strict) == (None, None) and "reference" in why


def test_a_file_that_is_none_of_these(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="has no"):
        benchmark("mbpp+").items(Source(write(tmp_path / "heldout.jsonl", {"task_id": "x"})))
    with pytest.raises(EvaluationError, match="give --data FILE"):
        benchmark("mbpp+").items(Source())


def test_the_tolerance_stays_once_a_float_has_come() -> None:
    problem = Problem("x", "", "f", "", (), (), 0.0, Rules())
    assert same_officially(problem, (), 10**9 + 1, 10**9, 0.0) == (False, 0.0)
    assert same_officially(problem, (), 1.0, 1.0, 0.0) == (True, 1e-6)
    assert same_officially(problem, (), 10**9 + 1, 10**9, 1e-6) == (True, 1e-6)
    assert same_officially(problem, (), 10.0**9, 10**9, 0.0) == (True, 0.0)
    assert not same_strictly(problem, (), 10.0**9, 10**9)
    assert same_officially(problem, (), (1.0, 2.0), [1.0, 2.0], 1e-6) == (False, 1e-6)
    assert same_officially(problem, (), [1.0, 2.0, 3.0], [1.0, 2.0], 1e-6) == (False, 1e-6)


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="numpy is not installed")
def test_all_close_is_numpys() -> None:
    import numpy

    values: list[Any] = [
        0, 1, True, 1.0, 1.00000005, 1.0001, float("nan"), float("inf"), -float("inf"), 2j, 10**9, 10**9 + 1, 10**30, "a", None, {}, [],
        [1], [1.0, 1.0], [[1.0], [1.0]], [[1, 1], [1, 1]], [[1], [1, 2]], (1, 1), ["a"], [None], [1, [2]],
    ]  # fmt: skip

    def told(test: Any, *given: Any) -> bool:
        try:
            return bool(test(*given))
        except (TypeError, ValueError):
            return False

    for one in values:
        for other in values:
            if type(one) is not type(other) or (isinstance(one, list | tuple) and len(one) != len(other)):
                continue  # the rule asks for that before
            numpys = told(lambda a, b: numpy.allclose(a, b, rtol=1e-7, atol=1e-6), one, other)
            assert told(all_close, one, other, 1e-6) == numpys, (one, other)


# ------------------------------------------------------------------------------------------------------ the release


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server of one packed release, and its folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "Own.jsonl.gz").write_bytes(gzip.compress((json.dumps(row()) + "\n").encode()))
    (folder / "broken.jsonl.gz").write_bytes(b"no gzip")
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", folder
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("name", FILES)
def test_a_release_is_downloaded_once_into_the_cache(
    name: str, served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = served
    bench = benchmark(name)
    assert isinstance(bench, EvalPlus)
    monkeypatch.delenv(bench.release.override, raising=False)
    cache = tmp_path / "cache" / "evalplus" / "Own.jsonl"
    monkeypatch.setattr(type(bench), "release", replace(bench.release, url=f"{url}/Own.jsonl.gz", cache=cache))
    assert [item.id for item in bench.items(bench.located(Source()))] == ["Own/1"]
    (folder / "Own.jsonl.gz").unlink()
    found = evaluate(name, "mock:gold").results
    assert found["official"]["pass_at_1"] == 100.0 and found["data"]["file"] == "Own.jsonl" and len(found["data"]["sha256"]) == 64
    monkeypatch.setenv(bench.release.override, str(write(tmp_path / "given.jsonl", row(task_id="Given/1"))))
    assert [item.id for item in bench.items(bench.located(Source()))] == ["Given/1"]


@pytest.mark.parametrize("file", ["broken.jsonl.gz", "absent.jsonl.gz"])
def test_a_release_that_cannot_be_had_is_one_line(
    file: str, served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Release(f"{served[0]}/{file}", tmp_path / "cache" / "file.jsonl", "NO_SUCH_VARIABLE")
    with pytest.raises(
        EvaluationError, match=r"could not be fetched from .* give --data FILE, or name the file in NO_SUCH_VARIABLE"
    ):
        release.path("humaneval+")
    assert not release.cache.exists()


def test_addresses_and_cache_are_evalplus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    release = evalplus_release("HumanEvalPlus", "v0.1.10", "HUMANEVAL_OVERRIDE_PATH")
    assert release.url == "https://github.com/evalplus/humanevalplus_release/releases/download/v0.1.10/HumanEvalPlus.jsonl.gz"
    assert release.cache == tmp_path / "evalplus" / "HumanEvalPlus-v0.1.10.jsonl"
    if EVALPLUS is not None:
        code = (
            "from evalplus.data import humaneval as h, mbpp as m; from evalplus.data.utils import get_dataset_metadata as f;"
            "print(f('HumanEvalPlus', h.HUMANEVAL_PLUS_VERSION, False)); print(f('MbppPlus', m.MBPP_PLUS_VERSION, False))"
        )
        done = subprocess.run(
            [EVALPLUS, "-c", code], capture_output=True, text=True, env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
        )
        mbpp = evalplus_release("MbppPlus", "v0.2.0", "MBPP_OVERRIDE_PATH")
        assert done.stdout.splitlines() == [str((one.url, str(one.cache))) for one in (release, mbpp)], done.stderr


def test_samples_in_evalplus_form_are_scored(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", row())
    samples = write(
        tmp_path / "samples.jsonl",
        {"task_id": "Own/1", "solution": "def half(x):\n    return x / 2\n"},
        {"task_id": "Own/1", "solution": "def half(x):\n    return x\n"},
        {"task_id": "Own/1", "completion": "    return x / 2\n"},
    )
    found = evaluate("humaneval+", f"replay:{samples}", data=data).results
    assert found["completions"] == 3 and found["official"]["pass_at_1"] == pytest.approx(200 / 3, abs=1e-3)


# ------------------------------------------------------------------------------------------------------ the real files


def some(name: str, count: int, folder: Path) -> Path:
    """The first problems of a file, and those with rules of their own."""
    rows = benchmark_rows(FILES[name])
    chosen = [each for number, each in enumerate(rows) if number < count or each["task_id"] in HARD]
    return write(folder / f"{name.rstrip('+')}.jsonl", *chosen)


@pytest.mark.parametrize("name", FILES)
def test_some_references_score_100(name: str, tmp_path: Path) -> None:
    bench = benchmark(name)
    assert isinstance(bench, EvalPlus)
    items = bench.items(Source(some(name, 2, tmp_path)))
    marks = bench.judge([(item, Answer(bench.gold(item), bench.gold(item))) for item in items], 2)
    assert [(item.id, mark.why) for item, (mark,) in zip(items, marks, strict=True) if not (mark.official and mark.strict)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_reference_scores_100(name: str) -> None:
    found = evaluate(name, "mock:gold", data=FILES[name], workers=2).results
    for which in (found["official"], found["strict"], found["extra_metrics"]["base"]["official"]):
        assert which["pass_at_1"] == 100.0, [each for each in found["item_grades"] if not all(map(bool, each.values()))]


@pytest.mark.slow
@pytest.mark.external
@pytest.mark.skipif(EVALPLUS is None, reason="evalplus is not installed (EVALPLUS_PYTHON may name an interpreter that has it)")
@pytest.mark.parametrize("name", FILES)
def test_verdicts_are_those_of_evalplus(name: str, tmp_path: Path) -> None:
    """Item by item: the references, three mutants of each, and constants."""
    count, seeds = int(os.environ.get("EVALPLUS_PROBLEMS", "40")), (0, 1, 2)
    file = some(name, count, tmp_path)
    items = benchmark(name).items(Source(file))
    programs: list[tuple[Problem, str]] = []
    for item in items:
        problem: Problem = item.reference
        broken = (mutant(problem.reference, problem.entry_point, seed) for seed in seeds)
        constants = (f"def {problem.entry_point}(*args):\n    return {text}\n" for text in ("True", "0", "None"))
        programs += [(problem, text) for text in (problem.reference, *filter(None, broken), *constants)]
    ours = grade(programs, 2)
    environment = {
        **os.environ,
        "HUMANEVAL_OVERRIDE_PATH": str(file),
        "MBPP_OVERRIDE_PATH": str(file),
        "XDG_CACHE_HOME": str(tmp_path),
    }
    asked = {"dataset": name.rstrip("+"), "programs": [(problem.id, text) for problem, text in programs]}
    run = [str(EVALPLUS), str(Path(__file__).parents[1] / "external" / "evalplus_verdicts.py")]
    done = subprocess.run(run, input=json.dumps(asked), capture_output=True, text=True, env=environment, timeout=3_000)
    assert done.returncode == 0, done.stderr[-2_000:]
    differing = []
    for (problem, text), told, theirs in zip(programs, ours, json.loads(done.stdout), strict=True):
        assert told is not None
        if problem.entry_point == "find_zero":  # evalplus 0.3.1 forgets to count its right results, and so fails every program
            assert theirs == ["fail", "fail"], "evalplus counts them now: compare them too"
        elif [each.official for each in told] != [each == "pass" for each in theirs]:
            differing.append((problem.id, told, theirs, text))
    right = sum(all(each.official for each in told) for told in ours if told is not None)
    print(f"{name}: {len(items)} problems, {len(programs)} programs, {right} right")
    assert differing == []
