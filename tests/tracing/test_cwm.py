"""Traces in CWM's format: by hand, against CPython's results, and as CWM's own debugger reads them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.tracing.cwm import MARK, SAME, CwmTrace, cwm_traces
from tests.helpers.benchmarks import cruxeval_programs
from tests.helpers.command import jsonl, run

CHECKOUT = os.environ.get("EXECVERIFY_CWM", "")  # a checkout of facebookresearch/cwm
_FRAME = re.compile(
    r"<\|(call|line)_sep\|>(\{.*?\})<\|action_sep\|>(.*?)\n|<\|(return|exception)_sep\|><\|action_sep\|>(.*?)\n<\|arg_sep\|>(.*)"
)

CALLS = """
def double(n):
    return n * 2

def f(n):
    total = [n]
    try:
        total[n]
    except IndexError:
        total.append(double(n))
    return total
"""


def read(completion: str) -> list[tuple[str, Any, str]]:
    """The frames of a completion, by the grammar of CWM's guide: event, variables or value, line."""
    *frames, end = completion.split("<|frame_sep|>")
    assert end == "<|end_of_text|>"
    found = []
    for frame in frames:
        match = _FRAME.fullmatch(frame)
        assert match, frame
        event, variables, line, ending, last, value = match.groups()
        found.append((event, json.loads(variables), line) if event else (ending, json.loads(value), last))
    return found


def trace(source: str, entry_point: str, arguments: str) -> CwmTrace:
    (found,) = cwm_traces([ev.Program(source.strip(), entry_point, arguments)])
    return found


def test_the_frames_of_a_run() -> None:
    found = trace(CALLS, "f", "3")
    assert found.prompt.startswith("<|begin_of_text|><|trace_context_start|>def double(n):\n")
    assert found.prompt.endswith(f"\n\ndef main():{MARK}\n    return f(3)\n<|frame_sep|>")
    assert read(found.completion) == [
        ("call", {}, "def main():"),
        ("line", {}, "    return f(3)"),
        ("call", {"n": "3"}, "def f(n):"),
        ("line", {"n": SAME}, "    total = [n]"),
        ("line", {"n": SAME, "total": "[3]"}, "    try:"),
        ("line", {"n": SAME, "total": SAME}, "        total[n]"),
        ("exception", "IndexError('list index out of range')", "        total[n]"),
        ("line", {"n": SAME, "total": SAME}, "    except IndexError:"),
        ("line", {"n": SAME, "total": SAME}, "        total.append(double(n))"),
        ("call", {"n": "3"}, "def double(n):"),
        ("line", {"n": SAME}, "    return n * 2"),
        ("return", "6", "    return n * 2"),
        ("line", {"n": "3", "total": "[3, 6]"}, "    return total"),
        ("return", "[3, 6]", "    return total"),
        ("return", "[3, 6]", "    return f(3)"),
    ]


def test_an_exception_that_leaves_the_program_ends_the_trace() -> None:
    found = read(trace("def f(n):\n    return 1 // n", "f", "0").completion)
    assert [frame[0] for frame in found] == ["call", "line", "call", "line", "exception", "exception"]
    assert found[-1][1] == "ZeroDivisionError('integer division or modulo by zero')"


@pytest.mark.parametrize(
    ("source", "entry_point", "why"),
    [
        ("def f():\n    while True:\n        pass", "f", "too_many_steps"),
        ("def f():\n    return id(object())", "f", "nondeterministic"),
        ("def f():\n    return '<|frame_sep|>'", "f", "it holds <|"),
    ],
)
def test_what_has_no_trace_says_why(source: str, entry_point: str, why: str) -> None:
    found = trace(source, entry_point, "")
    assert found.frames == () and why in found.why_empty


def test_the_name_of_the_entry_point_is_free_and_objects_have_no_addresses() -> None:
    source = "class Box:\n    pass\n\ndef main(n):\n    box = Box()\n    return n"
    found = trace(source, "main", "2")
    assert f"def main_():{MARK}\n    return main(2)\n" in found.context
    assert {"box": "<Box>", "n": "2"}.items() <= {**read(found.completion)[4][1], "n": "2"}.items()


def test_lines_and_results_are_those_of_the_trace() -> None:
    """Each line event is a step, but for `try:`, the end of a `with`, and what an inlined comprehension repeats from 3.12 on."""
    programs = cruxeval_programs()[:60]
    same = 0
    for program, found in zip(programs, cwm_traces(programs, workers=2), strict=True):
        frames = read(found.completion)
        reference = ev.trace(program)
        assert reference.result.value is not None and frames[-1][:2] == ("return", reference.result.value.text)
        lines = [line.strip() for event, _, line in frames if event == "line"][1:]
        same += lines == [program.lines[step.line - 1].strip() for step in reference.steps]
    assert same >= (0.95 if sys.version_info < (3, 12) else 0.85) * len(programs)


@pytest.mark.external
@pytest.mark.skipif(not CHECKOUT, reason="EXECVERIFY_CWM names no checkout of facebookresearch/cwm")
def test_cwms_own_debugger_reads_the_frames(tmp_path: Path) -> None:
    programs = [*cruxeval_programs()[:50], ev.Program(CALLS.strip(), "f", "3")]
    found = [one for one in cwm_traces(programs) if one.frames]
    file = jsonl(tmp_path / "traces.jsonl", *({"prompt": one.prompt, "completion": one.completion} for one in found))
    reader = Path(__file__).parents[1] / "external" / "cwm_debugger.py"
    with Path(file).open() as traces:
        done = subprocess.run([sys.executable, str(reader), CHECKOUT], stdin=traces, capture_output=True, text=True, timeout=300)
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(seen) == len(found), done.stderr
    for one, frames in zip(found, seen, strict=True):
        assert [(event, line, arg) for event, line, _, arg in frames] == [(f.event, f.source + "\n", f.value) for f in one.frames]
        assert not any(SAME in variables.values() for _, _, variables, _ in frames)  # it finds every value


def test_the_commands(tmp_path: Path) -> None:
    jsonl(tmp_path / "p.jsonl", {"code": CALLS.strip(), "input": "3", "id": "mine", "entry_point": "f"})
    shown = run("trace", "p.jsonl", "--format", "cwm", cwd=tmp_path)
    assert shown.returncode == 0 and shown.stdout.startswith("<|begin_of_text|><|trace_context_start|>def double(n):")
    line = json.loads(run("trace", "p.jsonl", "--format", "cwm", "--json", cwd=tmp_path).stdout)
    assert line["id"] == "mine" and read(line["completion"])[-1] == ("return", "[3, 6]", "    return f(3)")
    assert run("dataset", "from-programs", "p.jsonl", "-o", "rows.jsonl", cwd=tmp_path).returncode == 0
    done = run("dataset", "export", "rows.jsonl", "--format", "cwm", "-o", "cwm.jsonl", cwd=tmp_path)
    assert done.returncode == 0 and "left out: 1 of a program that is there already" in done.stderr
    (row,) = [json.loads(text) for text in (tmp_path / "cwm.jsonl").read_text().splitlines()]
    assert row["prompt"] == line["prompt"] and row["completion"] == line["completion"]
    refused = run("dataset", "export", "rows.jsonl", "--format", "cwm", "-o", "folder", cwd=tmp_path)
    assert refused.returncode == 2 and "end the name in .jsonl or .parquet" in refused.stderr
