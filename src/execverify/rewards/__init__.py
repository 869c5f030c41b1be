"""How an answer is judged: one parser, one comparison, the scores; adapters for the training engines."""

from execverify.programs.equality import same_value
from execverify.rewards.code.check_tests import TestCheck, UnitTestValidity, check_tests
from execverify.rewards.code.grade import (
    PAPER_UNIT_TESTS,
    UnitTestConfig,
    unit_test_score,
    unit_test_scores,
    unit_test_scores_async,
)
from execverify.rewards.code.unit_tests import UnitTest, UnitTests, parse_tests
from execverify.rewards.compare import same_json, same_output
from execverify.rewards.parts import GradedPart, Score, Verdict
from execverify.rewards.registry import REWARDS
from execverify.rewards.score import PAPER_REWARD, ChainReward, RewardConfig, score, score_many
from execverify.rewards.steps.chain import GradedChain, GradedStep, StepVerdict
from execverify.rewards.steps.credit import CreditReward
from execverify.rewards.steps.free_text import GradedText
from execverify.rewards.steps.grade import grade_chains, grade_steps, grade_texts

__all__ = [
    "PAPER_REWARD",
    "PAPER_UNIT_TESTS",
    "REWARDS",
    "ChainReward",
    "CreditReward",
    "GradedChain",
    "GradedPart",
    "GradedStep",
    "GradedText",
    "RewardConfig",
    "Score",
    "StepVerdict",
    "TestCheck",
    "UnitTest",
    "UnitTestConfig",
    "UnitTestValidity",
    "UnitTests",
    "Verdict",
    "check_tests",
    "grade_chains",
    "grade_steps",
    "grade_texts",
    "parse_tests",
    "same_json",
    "same_output",
    "same_value",
    "score",
    "score_many",
    "unit_test_score",
    "unit_test_scores",
    "unit_test_scores_async",
]  # fmt: skip
