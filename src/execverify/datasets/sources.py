"""Where programs come from: the synthesizer, or a file; item i of a source is always the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from execverify.datasets.config import DatasetConfig
from execverify.datasets.dedup import stable_hash
from execverify.datasets.from_programs import program_of, rejection_of
from execverify.datasets.published import programs_in
from execverify.errors import DatasetError, ProgramError
from execverify.programs.constraints import LEVELS, Constraint, check
from execverify.programs.fingerprint import alpha_hash
from execverify.programs.program import Program, arguments_text
from execverify.programs.type_inference import builtin_uses
from execverify.synthesis import VERSION, synthesize
from execverify.synthesis.task_statement import Function
from execverify.tracing.trace import Trace

ATTEMPTS = 8
"""How often an item is tried, each time with another program under the same constraint."""

NO_PROGRAM = "the synthesizer found no program"
CONSTRAINT_BROKEN = "it does not keep its constraint"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program that may become an item.

    Attributes:
        program: with its own arguments.
        constraint: what it keeps; None where nobody asked.
        generator: where it came from, for the row's column.
        functions: what each of its functions does, line by line; none where that is unknown.
        round: which of its inputs the item is to have: 0 for its own arguments, others for further ones that show something new.
        inputs: other arguments that somebody proposed, as texts; they come before mutations of its own.
    """

    program: Program
    constraint: Constraint | None
    generator: str
    functions: tuple[Function, ...] = ()
    round: int = 0
    inputs: tuple[str, ...] = ()


class Source(Protocol):
    """Gives the programs of items.

    Attributes:
        attempts: how often an item is tried, each time with another program.
        is_trusted: whether its programs are taken as they are; else they have to show that they are worth a row.
        patience: consecutive items without a new row after which there are taken to be no more rows; None for the default.
    """

    @property
    def attempts(self) -> int: ...

    @property
    def is_trusted(self) -> bool: ...

    @property
    def patience(self) -> int | None: ...

    def candidate(self, index: int, attempt: int) -> Candidate | str:
        """The program of an item's attempt, or why there is none."""
        ...

    def rejection_of(self, candidate: Candidate) -> str | None:
        """Why a program is none of those that were asked for; None where it is."""
        ...

    def trace_mismatch(self, index: int, trace: Trace) -> str | None:
        """Why a run differs from a given result; None where it does not."""
        ...

    def keys(self, program: Program, shape: int) -> tuple[int, ...]:
        """What no two items may share."""
        ...


class SynthesizerSource:
    """Programs of the grammar synthesizer, which have to show that they are worth a row."""

    attempts = ATTEMPTS
    is_trusted = False
    patience: int | None = None

    def __init__(self, recipe: DatasetConfig) -> None:
        self._seed = recipe.seed
        self._levels = recipe.levels or LEVELS
        self._methods = recipe.builtins

    def candidate(self, index: int, attempt: int) -> Candidate | str:
        """The program of an item's attempt, or why there is none."""
        sketch = synthesize(self._seed, index, attempt, levels=self._levels, methods=self._methods)
        if sketch is None:
            return NO_PROGRAM
        return Candidate(sketch.program, sketch.constraint, f"grammar/{VERSION}", sketch.functions)

    def rejection_of(self, candidate: Candidate) -> str | None:
        """Why a program does not keep its constraint; None where it does."""
        assert candidate.constraint is not None
        return CONSTRAINT_BROKEN if check(candidate.program, candidate.constraint) is not None else None

    def trace_mismatch(self, index: int, trace: Trace) -> str | None:
        """Why a run differs from a given result; these programs come without one."""
        return None

    def keys(self, program: Program, shape: int) -> tuple[int, ...]:
        """What no two items may share: the program but for names; the program but for names and constants."""
        return alpha_hash(program), shape


class FileSource:
    """Programs of a file, taken as they are: first each with its own arguments, then round after round with others.

    Raises:
        RowError, ProgramError: the file is no file of programs.
        DatasetError: it holds none.
    """

    attempts = 1
    is_trusted = True

    def __init__(self, recipe: DatasetConfig) -> None:
        assert recipe.programs_file is not None
        self._recipe = recipe
        self._records = list(programs_in(recipe.programs_file))
        if not self._records:
            raise DatasetError(f"{recipe.programs_file} holds no programs")
        self.patience: int | None = max(256, len(self._records))  # a round, or some rounds of a small file
        self._generator = f"file:{Path(recipe.programs_file).name}"

    def candidate(self, index: int, attempt: int) -> Candidate | str:
        """The program of an item: a record's, for its own arguments or, after the first round, for others."""
        turn, place = divmod(index, len(self._records))
        try:
            program = program_of(self._records[place], self._recipe.limits)
        except ProgramError:
            return "not a usable program"
        constraint = next(self._kept(program), None) if self._recipe.levels or self._recipe.builtins else None
        return Candidate(program, constraint, self._generator, round=turn)

    def rejection_of(self, candidate: Candidate) -> str | None:
        """Why a program is none of those that were asked for; None where it is."""
        asked = self._recipe.levels or self._recipe.builtins
        return "it keeps none of the constraints" if asked and candidate.constraint is None else None

    def _kept(self, program: Program) -> Iterator[Constraint]:
        methods = sorted({use.entry for use in builtin_uses(program)} & set(self._recipe.builtins or _all(program)))
        for level in self._recipe.levels or LEVELS:
            for method in methods:
                if check(program, constraint := Constraint(level, method)) is None:
                    yield constraint

    def trace_mismatch(self, index: int, trace: Trace) -> str | None:
        """Why the run with a program's own arguments differs from the file's result."""
        if index >= len(self._records):
            return None
        drop = rejection_of(self._records[index], trace)
        return None if drop is None else drop.reason

    def keys(self, program: Program, shape: int) -> tuple[int, ...]:
        """What no two items may share: the program but for names, with its arguments."""
        return (stable_hash(str(alpha_hash(program)), arguments_text(program.call_arguments)),)


def _all(program: Program) -> set[str]:
    return {use.entry for use in builtin_uses(program)}


def source_of(recipe: DatasetConfig) -> Source:
    """The source that a recipe asks for."""
    return SynthesizerSource(recipe) if recipe.programs_file is None else FileSource(recipe)
