"""Chains of thought for the warm-up: runs told as reasoning, by a teacher that knows because it has seen the run."""

from execverify.datasets.chains.checking import check_chain, check_chains
from execverify.datasets.chains.narrate import MIXED, Chain, Unfit, estimate_tokens, narrate
from execverify.datasets.chains.plan import DETAILS
from execverify.datasets.chains.rows import ChainAccount, ChainRow, Left, chain_rows
from execverify.datasets.chains.teacher import Lesson, Narrator, Teacher, accepted, accepted_many
from execverify.datasets.chains.voices import VOICES

__all__ = [
    "DETAILS", "MIXED", "VOICES", "Chain", "ChainAccount", "ChainRow", "Left", "Lesson", "Narrator", "Teacher", "Unfit", "accepted",
    "accepted_many", "chain_rows", "check_chain", "check_chains", "estimate_tokens", "narrate",
]  # fmt: skip
