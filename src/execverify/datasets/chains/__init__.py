"""Chains of thought for the warm-up: runs told as reasoning, by a teacher that knows because it has seen the run."""

from execverify.datasets.chains.checking import check_chain, check_chains
from execverify.datasets.chains.narrate import Chain, Unfit, estimate_tokens, narrate
from execverify.datasets.chains.rows import ChainAccount, Left, chain_rows

__all__ = ["Chain", "ChainAccount", "Left", "Unfit", "chain_rows", "check_chain", "check_chains", "estimate_tokens", "narrate"]
