"""The reward rule that a stage's settings ask for, whichever trainer runs."""

from dataclasses import replace

from execverify.rewards.registry import REWARDS
from execverify.rewards.score import PAPER_REWARD, RewardConfig
from execverify.training.config import RlSettings


def rule_of(settings: RlSettings) -> RewardConfig:
    """The rule of a stage's reward: that of `REWARDS` with the stage's alpha, where questions count in it at all."""
    rule = REWARDS.get(settings.reward) if settings.reward in REWARDS else PAPER_REWARD
    return replace(rule, alpha=settings.alpha) if rule.alpha else rule
