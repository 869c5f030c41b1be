"""The rewards for answers about a run, by name: each a rule that turns the graded parts of a completion into a number.

A new one is a `RewardConfig`, or a subclass with a `white_box` of its own, registered by `REWARDS.register(name, rule)`.
"""

from execverify.errors import RowError
from execverify.rewards.authors import AuthorsReward
from execverify.rewards.score import PAPER_REWARD, RewardConfig
from execverify.rewards.steps.credit import BilevelReward, FirstDivergenceReward, ProgressReward, StepReward, VerifiedReward
from execverify.utils.registry import Registry


def _load() -> None:
    REWARDS.register("white_box", PAPER_REWARD)
    REWARDS.register("output_only", RewardConfig(alpha=0.0))
    REWARDS.register("control_flow", RewardConfig(kinds=("next_statement",)))
    REWARDS.register("data_flow", RewardConfig(kinds=("variable_state",)))
    REWARDS.register("authors", AuthorsReward())
    REWARDS.register("verified", VerifiedReward())
    REWARDS.register("progress", ProgressReward())
    REWARDS.register("step", StepReward())
    REWARDS.register("bilevel", BilevelReward())
    REWARDS.register("first_divergence", FirstDivergenceReward())


REWARDS: Registry[RewardConfig] = Registry("reward", RowError, _load)
"""Every reward by name: the paper's formula, its ablations (paper, section 4.4), the authors' code (`authors.py`), and those of the chain
of thought (`steps/credit.py`)."""
