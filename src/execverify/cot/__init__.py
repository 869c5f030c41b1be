"""Chains of thought for the SFT: runs described as reasoning, by a teacher that knows because it has seen the run."""

from execverify.cot.detail import NAMED_LEVELS
from execverify.cot.generate import MIXED, CotCompletion, Rejected, estimate_tokens, generate_cot
from execverify.cot.styles import STYLES
from execverify.cot.teacher import Teacher, TeacherInput, TraceTeacher, accepted_many, earns_full_reward

__all__ = [
    "MIXED",
    "NAMED_LEVELS",
    "STYLES",
    "CotCompletion",
    "Rejected",
    "Teacher",
    "TeacherInput",
    "TraceTeacher",
    "accepted_many",
    "earns_full_reward",
    "estimate_tokens",
    "generate_cot",
]  # fmt: skip
