"""Runs that the machine may have cut short, when it is busy or short of memory: each is made once more, with time.

What a dataset holds follows from its programs alone, and not from what else the machine had to do.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from execverify.errors import SandboxError
from execverify.sandbox.result import Limits, Outcome, Result

_Found = TypeVar("_Found")

INCONCLUSIVE_OUTCOMES = frozenset({Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.NOT_DETERMINISTIC, Outcome.SANDBOX_ERROR})
"""Outcomes that may be the machine's doing: such a run is tried once more, with time."""

TIMEOUT_FACTOR = 10
"""How many times the time of a run is how much, then."""


def extended_limits(limits: Limits) -> Limits:
    """Limits that a program breaks by its own doing alone, however busy the machine is."""
    return replace(limits, timeout=TIMEOUT_FACTOR * limits.timeout)


def retry_inconclusive(
    found: Iterable[_Found],
    again: Callable[[int], Iterable[_Found]],
    result_of: Callable[[_Found], Result],
    is_open: Callable[[_Found], bool] = lambda one: False,
) -> list[_Found]:
    """What runs gave, each that the machine may have cut short made once more.

    Args:
        found: what they gave.
        again: gives what the run at a place gives once more, with `patient` limits: one thing.
        result_of: how a run ended.
        is_open: whether it is to be made once more although it ended well.

    Raises:
        SandboxError: a run cannot be made here (our failure); a dataset must not depend on that.
    """
    made = list(found)
    for place, one in enumerate(made):
        if result_of(one).outcome in INCONCLUSIVE_OUTCOMES or is_open(one):
            (made[place],) = again(place)
            result = result_of(made[place])
            if result.outcome == Outcome.SANDBOX_ERROR:
                raise SandboxError(f"programs cannot be run here: {result.detail}")
    return made
