"""Where a program runs: confined processes, limits, and how a run ended.

Names are loaded when first used: the confined processes need few of these modules, and every page of memory that they have is
copied at a fork.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from execverify.execution.candidates import AssertedCandidate, Candidate, run_asserted, run_candidates
    from execverify.execution.outcome import Limits, Outcome, Result
    from execverify.execution.run import resolve_arguments, run, run_many

_HOMES = {
    "candidates": ("AssertedCandidate", "Candidate", "run_asserted", "run_candidates"),
    "outcome": ("Limits", "Outcome", "Result"),
    "run": ("resolve_arguments", "run", "run_many"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AssertedCandidate", "Candidate", "Limits", "Outcome", "Result", "resolve_arguments", "run", "run_asserted",
    "run_candidates", "run_many",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'execverify.execution' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"execverify.execution.{module}"), name)
    globals()[name] = found  # also where a module of that name would be found
    return found
