"""Where a program runs: confined processes, limits, and how a run ended."""

from execverify.sandbox.candidates import Candidate, CandidateWithAsserts, run_asserts, run_candidates
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import resolve_arguments, run, run_many

__all__ = [
    "Candidate",
    "CandidateWithAsserts",
    "Limits",
    "Outcome",
    "Result",
    "resolve_arguments",
    "run",
    "run_asserts",
    "run_candidates",
    "run_many",
]  # fmt: skip
