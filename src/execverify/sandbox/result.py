"""How a run ended, as data; failures of the program and of the sandbox are distinct."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from execverify.programs.values import Value


class Outcome(StrEnum):
    """How a run ended. The program is responsible for all but the last three.

    `CRASHED`: its process ended before the run did, or sent an invalid reply. `FORBIDDEN`: it did what the sandbox refuses, or imported a
    module that is not allowed. `NONDETERMINISTIC`: a second run of it differs, or would differ on another Python version.
    `UNSUPPORTED`: a test needs more than plain data to pass between two processes (a class, a callable, a generator), so nothing was
    decided. `NOT_RUN`: an earlier test of the same candidate failed and the caller had asked to stop there, or the candidate's
    budget was spent. `SANDBOX_ERROR`: the sandbox failed; this never counts against the program.
    """

    RETURNED = "returned"
    RAISED = "raised"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    TOO_MANY_STEPS = "too_many_steps"
    TOO_MUCH_OUTPUT = "too_much_output"
    CRASHED = "crashed"
    FORBIDDEN = "forbidden"
    NONDETERMINISTIC = "nondeterministic"
    UNSUPPORTED = "unsupported"
    NOT_RUN = "not_run"
    SANDBOX_ERROR = "sandbox_error"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use.

    Attributes:
        timeout: seconds. For trusted programs, wall-clock time of a run. For candidates, processor time of each test, which may take
            five times as long by the wall clock. The caller's process enforces both.
        memory: bytes of address space above what the process had before it read the program.
        steps: most steps of a traced run (plain runs do not count steps).
        output: most characters written to stdout and stderr together.
        file_size: most bytes of one file.
        budget: seconds that one candidate may spend on tests that it does not pass, after which the others are not run; None for
            10 times the timeout.
        imports: modules besides the standard library that a trusted program may import. (For candidates, see
            `run_candidates(..., imports=...)`.)

    Raises:
        ValueError: a limit has an invalid type or value.
    """

    timeout: float = 1.0
    memory: int = 512 * 1024 * 1024
    steps: int = 10_000
    output: int = 1_000_000
    file_size: int = 1024 * 1024
    budget: float | None = None
    imports: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("timeout", "memory", "steps", "output"):
            if not isinstance(getattr(self, name), int | float) or not getattr(self, name) > 0:
                raise ValueError(f"the limit {name} must be a number above 0, not {getattr(self, name)!r}")
        if self.budget is not None and not self.budget > 0:
            raise ValueError(f"the limit budget must be above 0 or None, not {self.budget!r}")
        if self.file_size < 0:
            raise ValueError(f"the limit file_size must be 0 or more, not {self.file_size!r}")
        if not isinstance(self.imports, tuple) or not all(isinstance(name, str) for name in self.imports):
            raise ValueError(f"imports must be a tuple of names of modules, such as ('numpy',), not {self.imports!r}")

    def allowing(self, imports: Collection[str]) -> "Limits":
        """These limits, with more modules that a program may import; raises ValueError for a string in place of a collection."""
        if isinstance(imports, str):
            raise ValueError(f"imports must be names of modules, such as ['numpy'], not the text {imports!r}")
        return replace(self, imports=(*self.imports, *imports)) if imports else self


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run.

    Attributes:
        outcome: how it ended.
        value: what the call returned; None unless it returned.
        detail: one line for people: the exception with its line, the signal, what differed between runs.
        error: name of the exception's type where one escaped.
        stdout: what the program printed, up to a limit of characters.
    """

    outcome: Outcome
    value: Value | None = None
    detail: str = ""
    error: str | None = None
    stdout: str = ""
