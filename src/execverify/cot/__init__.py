"""Chains of thought for the warm-up: runs told as reasoning, by a teacher that knows because it has seen the run."""

from execverify.cot.checker import check_chain, check_chains
from execverify.cot.detail import DETAILS
from execverify.cot.generate import MIXED, Chain, Unfit, estimate_tokens, narrate
from execverify.cot.styles import VOICES
from execverify.cot.teacher import Lesson, Narrator, Teacher, accepted, accepted_many

__all__ = [
    "DETAILS", "MIXED", "VOICES", "Chain", "Lesson", "Narrator", "Teacher", "Unfit", "accepted",
    "accepted_many", "check_chain", "check_chains", "estimate_tokens", "narrate",
]  # fmt: skip
