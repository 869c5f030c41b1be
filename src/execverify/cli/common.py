"""What several verbs share: options, and programs read from a file or a pipe."""

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

from execverify.cli.app import complain
from execverify.cli.terminal import echo_json
from execverify.datasets.card import shell_command
from execverify.datasets.from_programs import program_of
from execverify.errors import ProgramError, RowError
from execverify.programs.program import Program
from execverify.programs.records import ProgramRecord, read_programs
from execverify.programs.usual_imports import USUAL_IMPORTS
from execverify.sandbox.result import Limits
from execverify.tracing.trace import Trace, trace_many

Command = TypeVar("Command", bound=Callable[..., Any])

_STEPS: Any = click.option("--steps", default=10_000, show_default=True, type=click.IntRange(1), help="Most steps of a run.")


class Finite(click.FloatRange):
    """A number within bounds, which is neither infinite nor no number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


class Seed(click.types.IntParamType):
    """A seed. Its bounds are no figures that anybody has to read: help and messages write them as powers of two.

    Args:
        low, high: the least and the greatest.
        bounds: both, as text.
    """

    def __init__(self, low: int, high: int, bounds: str) -> None:
        self.low, self.high, self.bounds = low, high, bounds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number: int = super().convert(value, param, ctx)
        if not self.low <= number <= self.high:
            self.fail(f"{number} is no seed: give an integer {self.bounds}", param, ctx)
        return number


SEED = Seed(-(2**63), 2**63 - 1, "from -2^63 to 2^63-1")
"""What a row can hold."""

TRAINER_SEED = Seed(0, 2**32 - 1, "from 0 to 2^32-1")
"""What the trainers' random number generators take."""


def seed_option(about: str, seed: Seed = SEED, name: str = "--seed") -> Callable[[Command], Command]:
    """Adds a seed, 0 by default.

    Args:
        about: a sentence on what it is for; its bounds follow.
        seed: its type.
        name: of the option.
    """
    option: Any = click.option(name, default=0, show_default=True, type=seed, help=f"{about} An integer {seed.bounds}.")
    adding: Callable[[Command], Command] = option
    return adding


SAMPLES = click.IntRange(1, 10_000)
"""How many completions of one prompt may be asked for."""

_SECONDS = Finite(0, 3_600, min_open=True)
_TIMEOUT: Any = click.option("--timeout", default=1.0, show_default=True, type=_SECONDS, help="Seconds that a run may take.")


def _names(_context: object, _option: object, given: tuple[str, ...]) -> tuple[str, ...]:
    """Names of modules, given one by one or with commas between them."""
    return tuple(dict.fromkeys(name.strip() for text in given for name in text.split(",") if name.strip()))


_IMPORTS: Any = click.option(
    "--allow-imports",
    "imports",
    multiple=True,
    metavar="NAMES",
    callback=_names,
    help="Installed modules that programs may import beside Python's own, such as numpy; commas between names.",
)


def allow_imports(command: Command) -> Command:
    """Adds the option for what programs may import."""
    allowing: Command = _IMPORTS(command)
    return allowing


def limit_options(command: Command) -> Command:
    """Adds the limits of a run: timeout, steps, imports."""
    limited: Command = _TIMEOUT(_STEPS(allow_imports(command)))
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


def limits_from_options(timeout: float, steps: int, imports: tuple[str, ...]) -> Limits:
    """The options as limits."""
    return Limits(timeout=timeout, steps=steps, imports=imports)


def read_program_records(file: str, call: str | None, usual_imports: bool = True) -> Iterator[ProgramRecord]:
    """Programs of a file, or of standard input as JSONL where the name is `-`."""
    if file == "-" and call is not None:
        raise RowError("--call goes with a Python file, not with standard input")
    return read_programs(file, call, prelude=USUAL_IMPORTS if usual_imports else "")


def trace_programs(
    file: str, call: str | None, limits: Limits, failed: Callable[[str, str], None], usual_imports: bool = True
) -> Iterator[tuple[str, Trace]]:
    """Names and traces of a file's programs; `failed` is called with the name of one that cannot be used, and why."""
    return trace_records(read_program_records(file, call, usual_imports), limits, failed)


def trace_records(
    records: Iterable[ProgramRecord], limits: Limits, failed: Callable[[str, str], None]
) -> Iterator[tuple[str, Trace]]:
    """Names and traces of programs; `failed` is called with the name of one that cannot be used, and why."""
    named: list[tuple[str, Program]] = []
    for record in records:
        try:
            named.append((record.id, program_of(record, limits)))
        except ProgramError as error:
            failed(record.id, f"{record.location}: {error}")
    traces = trace_many([program for _, program in named], limits=limits)
    for (name, _), trace in zip(named, traces, strict=True):
        yield name, trace


class FailureReporter:
    """What went wrong with single programs of a file: reported at once, in one line each; the command goes on, then exits with 2."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.count = 0

    def __call__(self, name: str, why: str) -> None:
        self.count += 1
        if self.as_json:
            echo_json({"id": name, "error": why})
        complain(why)

    def exit(self) -> None:
        """Ends the command where anything failed."""
        if self.count:
            sys.exit(2)


def given_command() -> str:
    """The command that runs now, as a dataset's card names it."""
    return shell_command(click.get_current_context().find_root().obj or ())


def model_options(pairs: tuple[str, ...]) -> dict[str, Any]:
    """NAME=VALUE; a value that is JSON is read as such."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise click.UsageError(f"--model-arg {pair}: write NAME=VALUE, such as backend=vllm")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def default_workers() -> int:
    """How many processes can work at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
