"""Verbs on programs: `trace` and `ask`."""

from dataclasses import asdict
from typing import Any

import click
from rich.table import Table

from execverify.cli.common import (
    FailureReporter,
    limit_options,
    limits_from_options,
    seed_option,
    trace_programs,
    trace_records,
    usual_imports_option,
)
from execverify.cli.terminal import Text, echo_json, echo_text, stdout
from execverify.errors import QuestionError
from execverify.programs.program import truncate
from execverify.programs.repository_tests import programs_of_test
from execverify.programs.values import Value
from execverify.questions.question import KINDS, Question
from execverify.questions.select import ask, check_kinds
from execverify.sandbox.result import Limits
from execverify.tracing.cwm import cwm_traces
from execverify.tracing.trace import Step, Trace

_FILE = click.argument("file")
_CALL = click.option("--call", help="The call to make, e.g. 'f(3)'; for a Python file, instead of the calls in it.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a program, for other programs.")


@click.command("trace")
@click.argument("file", required=False)
@_CALL
@click.option(
    "--pytest", "test", metavar="FILE::TEST", help="Trace a test of a repository: what it calls is made one program with it."
)
@click.option("--unittest", "method", metavar="CLASS.TEST", help="Trace a test method of a class in FILE, in the same way.")
@_JSON
@click.option(
    "--format",
    "form",
    type=click.Choice(["steps", "cwm"]),
    default="steps",
    show_default=True,
    help="A table of steps, or the prompt and completion of CWM, Meta's Code World Model.",
)
@usual_imports_option
@limit_options
def trace_command(
    file: str | None,
    call: str | None,
    test: str | None,
    method: str | None,
    as_json: bool,
    form: str,
    usual_imports: bool,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Run programs and show each step: its line, and what changed.

    FILE is a Python file, JSONL with code and input, or - for JSONL from standard input.
    """
    failures = FailureReporter(as_json)
    limits = limits_from_options(timeout, steps, imports)
    if method is not None and file is not None and test is None:
        test, file = f"{file}::{method}", None
    if (file is None) == (test is None) or (test is not None and call is not None) or (method is not None and file is not None):
        raise click.UsageError("give FILE, FILE with --unittest CLASS.TEST, or --pytest FILE::TEST; --call goes with FILE alone")
    if test is not None:
        traces = trace_records(programs_of_test(test, imports), limits, failures)
    else:
        traces = trace_programs(str(file), call, limits, failures, usual_imports)
    for name, trace in traces:
        if form == "cwm":
            _print_cwm(name, trace, limits, as_json, failures)
        elif as_json:
            echo_json(trace_as_json(name, trace))
        else:
            _print_trace(name, trace)
    failures.exit()


@click.command("ask")
@_FILE
@_CALL
@_JSON
@usual_imports_option
@limit_options
@click.option(
    "--question-kinds", "kinds", default=",".join(KINDS), show_default=True, help="Kinds of questions, with commas between them."
)
@click.option("--max-questions", "limit", default=10, show_default=True, type=click.IntRange(0), help="Most questions a program.")
@click.option("--all", "every", is_flag=True, help="Every question there is, in place of a choice.")
@seed_option("Chooses among the questions.")
def ask_command(
    file: str,
    call: str | None,
    as_json: bool,
    usual_imports: bool,
    kinds: str,
    limit: int,
    every: bool,
    seed: int,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Ask questions about programs' runs, with every accepted answer."""
    wanted = split_kinds(kinds)
    check_kinds(wanted)
    failures = FailureReporter(as_json)
    for name, trace in trace_programs(file, call, limits_from_options(timeout, steps, imports), failures, usual_imports):
        try:
            questions = ask(trace, wanted, None if every else limit, seed)
        except QuestionError as error:
            failures(name, f"{name}: {error}")
            continue
        if as_json:
            echo_json({**_program_as_json(name, trace), "questions": list(map(_question_as_json, questions))})
        else:
            _print_questions(name, trace, questions)
    failures.exit()


def _question_as_json(question: Question) -> dict[str, Any]:
    return {**asdict(question), "answers": list(question.answers)}


def _print_questions(name: str, trace: Trace, questions: tuple[Question, ...]) -> None:
    table = Table(title=f"{name}: {truncate(trace.program.call)}", title_justify="left", show_lines=False)
    table.add_column("question")
    table.add_column("accepted answers")
    for question in questions:
        table.add_row(Text(question.text), Text("  or  ".join(question.answers)))
    stdout.print(table)


def split_kinds(text: str) -> list[str]:
    """Names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def trace_as_json(name: str, trace: Trace) -> dict[str, Any]:
    """A trace as plain values; `code` and `input` make it a program row that other verbs read."""
    result = trace.result
    return {
        **_program_as_json(name, trace),
        "outcome": str(result.outcome),
        "detail": result.detail,
        "result": _value_as_json(result.value) if result.value else None,
        "stdout": result.stdout,
        "steps": [_step_as_json(step) for step in trace.steps],
        "frames": [
            {"function": frame.function, "caller": frame.caller, "state": {k: _value_as_json(v) for k, v in frame.state.items()}}
            for frame in trace.frames
        ],
    }


def _program_as_json(name: str, trace: Trace) -> dict[str, Any]:
    program = trace.program
    return {"id": name, "code": program.source, "entry_point": program.entry_point, "input": program.arguments}


def _value_as_json(value: Value) -> dict[str, Any]:
    return {"type": value.type, "text": value.text, "opaque": value.opaque_reason}


def _step_as_json(step: Step) -> dict[str, Any]:
    changed = {name: _value_as_json(step.state[name]) if name in step.state else None for name in sorted(step.changed)}
    return {"line": step.line, "visit": step.visit, "frame": step.frame, "finished": step.finished, "changed": changed}


def _print_trace(name: str, trace: Trace) -> None:
    result = trace.result
    stdout.print(Text(f"{name}: {truncate(trace.program.call)}", style="bold"))
    depth = _depths(trace)
    table = Table(show_edge=False, pad_edge=False)
    for heading in ("step", "line", "visit"):
        table.add_column(heading, justify="right")
    table.add_column("statement")
    table.add_column("what changed")
    for step in trace.steps:
        code = trace.program.lines[step.line - 1].strip()
        indent = "    " * depth[step.frame]
        table.add_row(str(step.index + 1), str(step.line), str(step.visit), Text(indent + code), Text(_changes(step)))
    if trace.steps:
        stdout.print(table)
    if result.value is not None:
        stdout.print(Text(f"returns {result.value}", style="green"))
    else:
        stdout.print(Text(f"{result.outcome}: {result.detail}", style="red"))
    if result.stdout:
        stdout.print(Text(f"printed: {truncate(result.stdout, 200)}"))


def _changes(step: Step) -> str:
    if step.finished is None:
        return "(did not finish)"
    parts = [f"{name} = {step.state[name]}" if name in step.state else f"{name} is gone" for name in sorted(step.changed)]
    return ", ".join(truncate(part, 80) for part in parts)


def _print_cwm(name: str, trace: Trace, limits: Limits, as_json: bool, failures: FailureReporter) -> None:
    (found,) = cwm_traces([trace.program], limits=limits)
    if not found.frames:
        failures(name, f"{name}: {found.why_empty}")
    elif as_json:
        echo_json({"id": name, "prompt": found.prompt, "completion": found.completion})
    else:
        echo_text(found.prompt + found.completion)


def _depths(trace: Trace) -> list[int]:
    """How many calls deep each frame is."""
    depths: list[int] = []
    for frame in trace.frames:
        depths.append(0 if frame.caller is None else depths[trace.steps[frame.caller].frame] + 1)
    return depths
