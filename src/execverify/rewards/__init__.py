"""How an answer is judged: one parser, one comparison, the scores; adapters for the training engines."""

from execverify.rewards.code.check_tests import Standing, TestCheck, check_tests
from execverify.rewards.code.grade import PAPER_TESTS, UnitTestRule, unit_test_score, unit_test_scores, unit_test_scores_async
from execverify.rewards.code.unit_tests import UnitTest, UnitTests, read_tests
from execverify.rewards.compare import same_json, same_output, same_value
from execverify.rewards.parts import Part, Score, Verdict
from execverify.rewards.score import PAPER, RewardRule, score, score_many

__all__ = [
    "PAPER", "PAPER_TESTS", "Part", "RewardRule", "Score", "Standing", "TestCheck", "UnitTest", "UnitTestRule", "UnitTests",
    "Verdict", "check_tests", "read_tests",
    "same_json", "same_output", "same_value", "score", "score_many", "unit_test_score", "unit_test_scores",
    "unit_test_scores_async",
]  # fmt: skip
