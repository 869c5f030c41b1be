"""What a worker is asked to do, as plain data."""

from dataclasses import dataclass, field
from typing import Any

from execverify.sandbox.protocol import pack
from execverify.sandbox.result import Limits

Reply = dict[str, Any]
"""What a harness answered, or what became of the process: always with "outcome"."""


@dataclass(frozen=True, slots=True)
class Job:
    """One program for one harness.

    Attributes:
        harness: `"module:function"`, a harness that the zygote has loaded.
        source, entry_point, arguments: the program, as text.
        limits: what it may use.
        isolated: whether it must have a worker to itself, before and after.
        extra: plain data for the harness.
    """

    runner: str
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
                "harness": self.runner,
                "source": self.source,
                "entry_point": self.entry_point,
                "arguments": self.arguments,
                "memory": limits.memory,
                "steps": limits.steps,
                "output": limits.output,
                "file_size": limits.file_size,
                **self.extra,
            }
        )
