"""Progress on standard error: a bar in a terminal, a line every 30 seconds elsewhere, nothing with --quiet.

The rate counts what this command does, from its beginning, the wait for the first result included; what was there before (a build or
a run that goes on) is given as `ready`, and is no work of this command.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TypeVar

from rich.progress import BarColumn, ProgressColumn, TextColumn
from rich.progress import Progress as Live
from rich.progress import Task as LiveTask
from rich.text import Text  # of the bar, which holds nothing that others wrote

from execverify.cli.terminal import note, stderr
from execverify.cli.verbosity import is_quiet

Item = TypeVar("Item")

EVERY = 30.0
"""Seconds between two lines where there is no terminal."""

_WINDOW = 60.0  # seconds that the rate is taken over
_EARLY = 3.0  # seconds before which there is no rate


class Progress:
    """How far long work is. A context manager: it is shown from the beginning to the end of the block.

    Args:
        what: what is counted, in the plural.
        total: how many there will be; None where nobody knows.
        more: what else to show, such as tokens and cost; it is called whenever progress is shown.
    """

    def __init__(self, what: str, total: int | None = None, more: Callable[[], str] | None = None) -> None:
        self._what, self._total, self._more = what, total, more
        self._done = self._ready = 0
        self._begun = time.monotonic()
        self._points: deque[tuple[float, int]] = deque([(self._begun, 0)])
        self._stop = threading.Event()
        self._live: Live | None = None

    def __enter__(self) -> "Progress":
        if is_quiet():
            return self
        if stderr.is_terminal:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), _Note(self))
            self._live = Live(*columns, console=stderr, transient=True)
            self._shown = self._live.add_task(self._what, total=self._total)
            self._live.start()
        else:
            threading.Thread(target=self._tell, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._stop.set()
        if self._live is not None:
            self._live.stop()

    def update(self, done: int, *, ready: int = 0, what: str | None = None, total: int | None = None) -> None:
        """Set how many are done, how many of these were there before, and, where that changes, what is counted."""
        now = time.monotonic()
        if what is not None and what != self._what:
            self._what, self._begun, self._points = what, now, deque([(now, done)])
        self._total = self._total if total is None else total
        self._done, self._ready = done, ready
        self._points.append((now, done - ready))
        while len(self._points) > 2 and self._points[1][0] < now - _WINDOW:
            self._points.popleft()
        if self._live is not None:
            self._live.update(self._shown, description=self._what, completed=done, total=self._total)

    def advance(self, more: int) -> None:
        """Add to the number that is done."""
        self.update(self._done + more)

    def track(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, each counted when the next one is asked for."""
        for item in items:
            yield item
            self.advance(1)

    @property
    def rate(self) -> float | None:
        """How many are done a second; None where it is too early to estimate."""
        now = time.monotonic()
        begun, before = self._points[0]
        more = self._done - self._ready - before
        return more / (now - begun) if now - self._begun >= _EARLY and now > begun and more > 0 else None

    def line(self) -> str:
        """How far it is, as a line."""
        more = "" if self._more is None else self._more()
        return f"{self._line()}, {more}" if more else self._line()

    def _line(self) -> str:
        of = f" of {self._total} ({self._done / self._total:.0%})" if self._total else ""
        rate = self.rate
        if rate is None:
            return f"{self._done}{of}, after {_time(time.monotonic() - self._begun)}"
        left = f", about {_time((self._total - self._done) / rate)} left" if self._total and self._total > self._done else ""
        return f"{self._done}{of}, {_rate(rate)}{left}"

    def _tell(self) -> None:
        while not self._stop.wait(EVERY):
            note(f"{self._what}: {self.line()}")


class _Note(ProgressColumn):
    """The line beside the bar."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def render(self, task: LiveTask) -> Text:
        return Text(self._progress.line())


def _rate(rate: float) -> str:
    if rate >= 9.95:
        return f"{rate:.0f} a second"
    return f"{rate:.1f} a second" if rate >= 1 else f"{rate * 60:.1f} a minute"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3_600:.1f} h"
