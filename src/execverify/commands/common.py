"""What several verbs share: options, consoles, and programs read from a file or a pipe."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from execverify.datasets.make import program_of
from execverify.errors import ProgramError, RowError
from execverify.execution.outcome import Limits
from execverify.programs.files import ProgramRecord, read_programs
from execverify.programs.prelude import USUAL_IMPORTS
from execverify.programs.program import Program
from execverify.tracing.trace import Trace, trace_many

Command = TypeVar("Command", bound=Callable[..., Any])

_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120  # a file or a pipe has no width of its own

SCREEN = Console(highlight=False, width=_WIDTH)
NOTES = Console(stderr=True, highlight=False, soft_wrap=True)


_STEPS: Any = click.option("--steps", default=10_000, show_default=True, type=click.IntRange(1), help="Most steps of a run.")
_SECONDS = click.FloatRange(0, min_open=True)
_TIMEOUT: Any = click.option("--timeout", default=1.0, show_default=True, type=_SECONDS, help="Seconds that a run may take.")


def limit_options(command: Command) -> Command:
    """Adds the limits of a run."""
    limited: Command = _TIMEOUT(_STEPS(command))
    return limited


def usual_imports_option(command: Command) -> Command:
    """Adds whether programs get the imports that they lack."""
    option: Any = click.option(
        "--usual-imports/--no-usual-imports",
        default=True,
        show_default=True,
        help="Import List, math, Counter ... before a program that uses and does not import them.",
    )
    with_option: Command = option(command)
    return with_option


def limits_of(timeout: float, steps: int) -> Limits:
    """The options as limits."""
    return Limits(timeout=timeout, steps=steps)


def records_from(file: str, call: str | None, usual_imports: bool = True) -> Iterator[ProgramRecord]:
    """Programs of a file, or of standard input as JSONL where the name is `-`."""
    prelude = USUAL_IMPORTS if usual_imports else ""
    if file != "-":
        return read_programs(file, call, prelude=prelude)
    if call is not None:
        raise RowError("--call goes with a Python file, not with standard input")
    text = sys.stdin.read()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stdin.jsonl"
        path.write_text(text, encoding="utf-8")
        return iter(list(read_programs(path, prelude=prelude)))


def traces_from(
    file: str, call: str | None, limits: Limits, failed: Callable[[str, str], None], usual_imports: bool = True
) -> Iterator[tuple[str, Trace]]:
    """Names and traces of a file's programs; `failed` is told the name of one that cannot be used, and why."""
    named: list[tuple[str, Program]] = []
    for record in records_from(file, call, usual_imports):
        try:
            named.append((record.id, program_of(record, limits)))
        except ProgramError as error:
            failed(record.id, f"{record.where}: {error}")
    traces = trace_many([program for _, program in named], limits=limits)
    for (name, _), trace in zip(named, traces, strict=True):
        yield name, trace


class Failures:
    """What went wrong with single programs of a file: told at once, in one line each; the command goes on, then exits with 2."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.count = 0

    def __call__(self, name: str, why: str) -> None:
        self.count += 1
        if self.as_json:
            click.echo(json.dumps({"id": name, "error": why}))
        click.echo(f"execverify: {why}", err=True)

    def exit(self) -> None:
        """Ends the command where anything failed."""
        if self.count:
            sys.exit(2)


def progress() -> Progress:
    """A progress bar on standard error; silent where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=NOTES, transient=True, disable=not NOTES.is_terminal)


def cores() -> int:
    """How many processes can work at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
