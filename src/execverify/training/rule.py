"""The reward rule that a stage's settings ask for, whichever engine trains."""

from execverify.rewards.score import PAPER_REWARD, RewardConfig
from execverify.training.config import RlSettings


def rule_of(settings: RlSettings) -> RewardConfig:
    """The rule of a stage's reward; the ablations are configurations of the paper's (paper, section 4.4)."""
    kinds = {"control_flow": ("next_statement",), "data_flow": ("variable_state",)}.get(settings.reward)
    alpha = 0.0 if settings.reward == "output_only" else settings.alpha
    return RewardConfig(alpha=alpha, kinds=kinds, scale=PAPER_REWARD.scale)
