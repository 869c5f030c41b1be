"""Where the time of a build goes: seconds by stage, summed over processes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = ("synthesis", "check", "run", "trace", "ask", "write")
"""The stages: making a program's text; checking its constraint, names, duplicates and benchmarks; running it on several inputs;
tracing it; asking, prompts included; and writing, the merge of what all processes made included."""


class StageTimer:
    """Seconds by stage. A span of programs is timed at once, so that the clock costs nothing.

    Attributes:
        seconds: by stage, of `STAGES`; of all processes together.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time that passes inside to a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - begun

    def add(self, seconds: dict[str, float]) -> None:
        """Adds another clock's seconds."""
        for name, more in seconds.items():
            self.seconds[name] += more

    @property
    def shares(self) -> dict[str, float]:
        """Each stage's share of the whole, 0 to 1."""
        whole = sum(self.seconds.values()) or 1.0
        return {name: seconds / whole for name, seconds in self.seconds.items()}
