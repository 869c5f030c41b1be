"""Where a program runs: confined processes, limits, and how a run ended."""

from execverify.execution.outcome import Limits, Outcome, Result
from execverify.execution.run import resolve_arguments, run, run_many

__all__ = ["Limits", "Outcome", "Result", "resolve_arguments", "run", "run_many"]
