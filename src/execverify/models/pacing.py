"""When to ask a server next: the pace that all threads share, pauses between tries, and when to stop trying."""

import email.utils
import random
import threading
import time

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0


class Pace:
    """Turns for all threads: at most so many calls a minute, and none while the server asked for quiet.

    Args:
        per_minute: calls a minute, evenly spaced; None for no limit.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._quiet_until = 0.0
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        """Waits for this thread's turn, or until `stop`."""
        with self._lock:
            turn = max(time.monotonic(), self._next, self._quiet_until)
            self._next = turn + self._gap
        while not stop.is_set() and (left := max(turn, self._quiet_until) - time.monotonic()) > 0:
            stop.wait(left)

    def hold(self, seconds: float) -> None:
        """No new call by anyone for so long."""
        with self._lock:
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)


class Health:
    """Whether a server still answers anyone.

    Where it has failed so many requests in a row, each after all its tries, the rest need not wait for it one by one.

    Args:
        most: requests given up in a row that mean the server is gone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_a_row = 0
        self._lock = threading.Lock()
        self.gone = threading.Event()

    def well(self) -> None:
        """The server answered."""
        with self._lock:
            self._in_a_row = 0

    def given_up(self) -> None:
        """A request was given up, and not because of what it asked."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self._most:
                self.gone.set()


def pause(tries: int, chance: random.Random) -> float:
    """Seconds before the next try: doubled each time, and a random half of it, so that threads do not come back together."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries)) * chance.uniform(0.5, 1.0)


def retry_after(value: str | None) -> float | None:
    """The header's seconds from now; it gives them as a number or a date. None where it is missing or neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return max(0.0, seconds) if seconds == seconds else None
