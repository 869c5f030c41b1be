"""Runs programs in confined processes under limits, and reports how each run ended."""

from execverify.sandbox.candidates import Candidate, CandidateWithAsserts, run_asserts, run_candidates
from execverify.sandbox.job import Job, Runner, register_runner
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import resolve_arguments, run, run_many
from execverify.sandbox.sandbox import Sandbox

__all__ = [
    "Candidate",
    "CandidateWithAsserts",
    "Job",
    "Limits",
    "Outcome",
    "Result",
    "Runner",
    "Sandbox",
    "register_runner",
    "resolve_arguments",
    "run",
    "run_asserts",
    "run_candidates",
    "run_many",
]  # fmt: skip
