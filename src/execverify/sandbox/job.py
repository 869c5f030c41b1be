"""Jobs, and the runners that execute them inside a worker.

A *runner* is a function that a room of this package, or a user, registers by module and name. A job names one registered
runner. The fork server loads the runners before it forks, and a worker refuses a job that names any other function.
"""

from dataclasses import dataclass, field
from typing import Any

from execverify.sandbox.protocol import pack
from execverify.sandbox.result import Limits

Reply = dict[str, Any]
"""What a runner returned, or how its process ended. It always has the key "outcome"."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A function that executes jobs inside a worker.

    The function takes the job's message (a dict) and a `worker.ExecutionContext`, and returns a `Reply` of JSON data. Its module
    is imported before the sandbox confines itself, so the module must import at load time everything that the function needs.

    Attributes:
        module: dotted name of an importable module.
        function: name of a function at the top level of that module.

    Raises:
        ValueError: the names are no identifiers, or the module is `__main__`, which another process cannot import.
    """

    module: str
    function: str

    def __post_init__(self) -> None:
        if not all(map(str.isidentifier, [*self.module.split("."), self.function])) or self.module == "__main__":
            raise ValueError(
                f"a runner is a function of an importable module, such as Runner('package.module', 'function'), not {self.name}"
            )

    @property
    def name(self) -> str:
        """The name by which a job's message refers to the runner."""
        return f"{self.module}:{self.function}"


_registered: dict[Runner, None] = {}


def register_runner(module: str, function: str) -> Runner:
    """Makes a runner available to every sandbox for trusted programs that is created from now on.

    Args:
        module: dotted name of an importable module.
        function: name of a function at the top level of that module.

    Raises:
        ValueError: the names are no identifiers, or the module is `__main__`.
    """
    runner = Runner(module, function)
    _registered[runner] = None
    return runner


def registered_runners() -> tuple[Runner, ...]:
    """The registered runners, in the order in which they were registered."""
    return tuple(_registered)


@dataclass(frozen=True, slots=True)
class Job:
    """One program for one runner.

    Attributes:
        runner: a runner that the sandbox has loaded.
        source: text of the program.
        entry_point: name of the function to call.
        arguments: text of the call's arguments.
        limits: what the program may use.
        dedicated_worker: whether the job needs a fresh worker, which ends after it.
        extra: further JSON data for the runner; it cannot replace the fields above.
    """

    runner: Runner
    source: str
    entry_point: str
    arguments: str
    limits: Limits = field(default_factory=Limits)
    dedicated_worker: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def message(self) -> bytes:
        """The job as bytes for the worker."""
        limits = self.limits
        return pack(
            {
                **self.extra,
                "runner": self.runner.name,
                "source": self.source,
                "entry_point": self.entry_point,
                "arguments": self.arguments,
                "memory": limits.memory,
                "steps": limits.steps,
                "output": limits.output,
                "file_size": limits.file_size,
            }
        )
