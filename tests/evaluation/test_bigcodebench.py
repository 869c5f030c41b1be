"""BigCodeBench: unittest classes in the sandbox, what cannot be judged here is counted, and forgeries are not strictly right."""

import json
from pathlib import Path
from typing import Any

import pytest

from execverify.evaluation import benchmark, evaluate
from execverify.evaluation.answers import Answer
from execverify.evaluation.data import Source
from tests.helpers.benchmarks import BIGCODEBENCH, benchmark_rows

TEST = """\
import unittest
from unittest.mock import patch
class TestCases(unittest.TestCase):
    def test_words(self):
        self.assertEqual(task_func("a b"), 2)
    @patch("random.random", return_value=0.0)
    def test_patched(self, _):
        self.assertEqual(task_func(""), 0)
"""


def row(name: str, **changes: Any) -> dict[str, Any]:
    stub = "import random\ndef task_func(text):\n"
    made = {"task_id": name, "entry_point": "task_func", "test": TEST, "canonical_solution": "    return len(text.split())"}
    made |= {"prompt": f'{stub}    """Count words."""\n', "prompt_wo_doc": stub}
    return {**made, **changes}


ROWS = [
    row("good"),
    row("lacking", canonical_solution="    import no_such_library_anywhere\n    return 1"),
    row("refused", canonical_solution="    import subprocess\n    return int(subprocess.run(['true']).returncode)"),
]


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


def test_gold_scores_100_nothing_0_and_what_cannot_be_judged_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "heldout.jsonl", *ROWS)
    gold = evaluate("bigcodebench", "mock:gold", data=file).results
    assert [gold["official"]["pass_at_1"], gold["strict"]["pass_at_1"]] == [100.0, 100.0]
    assert gold["failures"]["not_judged"] == 2
    assert gold["extra_metrics"] == {
        "judged_here": 1,
        "cannot_be_judged_here": {
            "not installed: no_such_library_anywhere": 1,
            "the reference does not pass its tests in the sandbox: PermissionError": 1,
        },
    }
    nothing = evaluate("bigcodebench", "mock:empty", data=file).results
    assert [nothing["official"]["pass_at_1"], nothing["strict"]["pass_at_1"]] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("program", "official", "strict"),
    [
        ("def task_func(text):\n    return len(text.split())", True, True),
        ("def task_func(text):\n    return 2", False, False),
        ("import os\nos._exit(0)", False, False),
        (
            "import unittest\nunittest.TestCase.run = lambda self, result: result.startTest(self)\ndef task_func(text): pass",
            True,
            False,
        ),
        ("def task_func(", False, False),
        ("class Any:\n    def __eq__(self, other): return True\ndef task_func(text): return Any()", True, False),
        (
            "class Any: pass\nsetattr(Any, '__e' + 'q__', lambda self, other: True)\ndef task_func(text): return Any()",
            True,
            False,
        ),
        ("def task_func(text):\n    return len(os.fsdecode(text).split())", True, True),  # the authors give `os`
    ],
)
def test_the_rule(tmp_path: Path, program: str, official: bool, strict: bool) -> None:
    bench = benchmark("bigcodebench")
    (item,) = bench.items(Source(write(tmp_path / "heldout.jsonl", ROWS[0])))
    ((mark,),) = bench.judge([(item, Answer(program, program))], 1)
    assert (mark.official, mark.strict) == (official, strict), mark.why


@pytest.mark.slow
def test_references_of_the_standard_library(tmp_path: Path) -> None:
    """Of 40 items without other libraries, what the sandbox lets run scores 100."""
    bench = benchmark("bigcodebench")
    standard = {item.id for item in bench.items(Source(BIGCODEBENCH)) if not item.reference.libraries}
    some = [each for each in benchmark_rows(BIGCODEBENCH) if each["task_id"] in standard][:40]
    found = evaluate("bigcodebench", "mock:gold", data=write(tmp_path / "some.jsonl", *some), workers=2).results
    assert found["official"]["pass_at_1"] == found["strict"]["pass_at_1"] == 100.0
    assert found["extra_metrics"]["judged_here"] >= len(some) / 2
