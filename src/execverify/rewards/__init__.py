"""How an answer is judged: one parser, one comparison, the scores; adapters for the training engines."""

from execverify.rewards.compare import same_value
from execverify.rewards.parts import Part, Score, Verdict
from execverify.rewards.score import PAPER, RewardRule, score, score_many

__all__ = ["PAPER", "Part", "RewardRule", "Score", "Verdict", "same_value", "score", "score_many"]
