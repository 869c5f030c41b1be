"""Three ways to see a program's steps, in one process, without confinement: what each costs, and how often it is wrong.

    PYTHONPATH=src python3.12 bench/mechanisms.py [--programs FILE]

"wrong" counts programs whose sequence of lines is not the definition's (docs/trace-semantics.md), as the rewritten program reports it.
Both event mechanisms are given their best: comprehension frames are left out, and so are events of lines that never are a
step (`try:`, `else:`, `finally:`, `case`), as far as the source text tells.
"""

import argparse
import ast
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from run import CRUXEVAL, FIFTY, load

from execverify.programs import Program
from execverify.programs.program import read_arguments
from execverify.questions.statements import layout_of
from execverify.sandbox import worker
from execverify.tracing.recorder import Recorder
from execverify.tracing.rewrite import instrument

_INNER = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<lambda>"})


def with_trace_function(program: Program) -> list[int]:
    """`sys.settrace`: line events, each with a copy of the frame's variables."""
    lines: list[int] = []
    states: list[dict[str, str]] = []

    def tracer(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != "<program>" or frame.f_code.co_name in _INNER:
            return None
        if event == "line":
            lines.append(frame.f_lineno)
            states.append({name: repr(value) for name, value in frame.f_locals.items()})
        return tracer

    positional, named = read_arguments(program.arguments)
    function = defined(compile(program.source, "<program>", "exec"), program)
    sys.settrace(tracer)
    try:
        function(*positional, **named)
    finally:
        sys.settrace(None)
    return lines


def with_monitoring(program: Program) -> list[int]:
    """`sys.monitoring` (3.12 and later): line events of the program's own code, each with a copy of the variables."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
    lines: list[int] = []
    states: list[dict[str, str]] = []

    def line(code: CodeType, number: int) -> Any:
        if code.co_filename != "<program>" or code.co_name in _INNER:
            return monitoring.DISABLE
        lines.append(number)
        states.append({name: repr(value) for name, value in sys._getframe(1).f_locals.items()})
        return None

    positional, named = read_arguments(program.arguments)
    function = defined(compile(program.source, "<program>", "exec"), program)
    monitoring.use_tool_id(3, "execverify-bench")
    monitoring.register_callback(3, monitoring.events.LINE, line)
    monitoring.set_events(3, monitoring.events.LINE)
    try:
        function(*positional, **named)
    finally:
        monitoring.set_events(3, 0)
        monitoring.free_tool_id(3)
    return lines


def rewritten(program: Program) -> list[int]:
    """The rewritten program and its recorder, as the confined process runs them."""
    stage = worker.ExecutionContext(1_000_000, program.source)
    recorder = Recorder(100_000, stage)
    code = compile(instrument(ast.parse(program.source), program.source), "<program>", "exec")
    positional, named = read_arguments(program.arguments)
    stage.namespace.update(recorder.names())
    exec(code, stage.namespace)
    recorder.around(lambda: stage.namespace[program.entry_point](*positional, **named))
    return recorder.lines


def defined(code: CodeType, program: Program) -> Callable[..., Any]:
    """The program's entry point."""
    namespace: dict[str, Any] = {"__name__": "program"}
    exec(code, namespace)
    function: Callable[..., Any] = namespace[program.entry_point]
    return function


def main() -> None:
    """Prints a table for this interpreter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=Path, default=CRUXEVAL if CRUXEVAL.exists() else FIFTY)
    programs = load(parser.parse_args().programs)
    worker.snapshot_globals()
    mechanisms = {"trace function": with_trace_function, "rewritten program": rewritten}
    if hasattr(sys, "monitoring"):
        mechanisms["sys.monitoring"] = with_monitoring
    truth = [rewritten(program) for program in programs]
    steps = [set(layout_of(program).statements) for program in programs]
    print(
        f"Python {platform.python_version()}, {len(programs)} programs\n\n| mechanism | µs a program | wrong |\n|---|---:|---:|"
    )
    for name, mechanism in mechanisms.items():
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            seen = [mechanism(program) for program in programs]
            best = min(best, time.process_time() - start)
        cleaned = [[line for line in lines if line in allowed] for lines, allowed in zip(seen, steps, strict=True)]
        wrong = sum(lines != right for lines, right in zip(cleaned, truth, strict=True))
        print(f"| {name} | {best / len(programs) * 1e6:.0f} | {wrong} |")


if __name__ == "__main__":
    main()
