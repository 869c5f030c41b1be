"""Retries runs that a busy machine, or one short of memory, may have cut short, with a longer timeout.

The contents of a dataset must follow from its programs alone, not from the load of the machine.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from execverify.errors import SandboxError
from execverify.sandbox.result import Limits, Outcome, Result

_Found = TypeVar("_Found")

INCONCLUSIVE_OUTCOMES = frozenset({Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.NONDETERMINISTIC, Outcome.SANDBOX_ERROR})
"""Outcomes that the machine may have caused: such a run is retried once."""

TIMEOUT_FACTOR = 10
"""By how much the timeout of a retried run is multiplied."""


def extended_limits(limits: Limits) -> Limits:
    """Limits with a timeout that a program exceeds only by itself, however busy the machine is."""
    return replace(limits, timeout=TIMEOUT_FACTOR * limits.timeout)


def retry_inconclusive(
    found: Iterable[_Found],
    again: Callable[[int], Iterable[_Found]],
    result_of: Callable[[_Found], Result],
    is_open: Callable[[_Found], bool] = lambda one: False,
) -> list[_Found]:
    """The given runs, with each inconclusive one replaced by a retry.

    Args:
        found: the runs.
        again: repeats the run at a position, with `extended_limits`, and yields exactly one item.
        result_of: how a run ended.
        is_open: whether a run needs a retry although its outcome is conclusive.

    Raises:
        SandboxError: the sandbox failed on the retry too; a dataset must not depend on that.
    """
    made = list(found)
    for place, one in enumerate(made):
        if result_of(one).outcome in INCONCLUSIVE_OUTCOMES or is_open(one):
            (made[place],) = again(place)
            result = result_of(made[place])
            if result.outcome == Outcome.SANDBOX_ERROR:
                raise SandboxError(f"programs cannot be run here: {result.detail}")
    return made
