"""Advantages of the tokens of a batch from the graded steps of its completions. Needs neither verl nor torch.

tokens = TokenCredits(tokenizer, tokenizer.all_special_ids, clean_up=None)
batch_advantages(rule, tokens, ids, units, groups)    # one list a completion, one number a token
"""

from collections.abc import Sequence

from execverify.rewards.steps.credit import CreditReward, GradedText
from execverify.training.token_credits import TokenCredits

ESTIMATOR = "execverify_steps"
"""What verl knows our advantage estimator by, and the trainer that the estimator needs."""
PLUGIN = "execverify.training.with_verl.plugin"
"""The module that registers both in verl's processes, and the trainers below."""
BY_CURRICULUM, STEPS_BY_CURRICULUM = "execverify_curriculum", "execverify_steps_curriculum"
"""What verl knows our trainers by that draw prompts by a curriculum, without and with advantages of steps."""
CURRICULUM_SETTINGS = "+data.curriculum"
"""Where verl's configuration has the fields of `CurriculumConfig`."""


def batch_advantages(
    rule: CreditReward,
    tokens: TokenCredits,
    ids: Sequence[Sequence[int]],
    units: Sequence[str],
    groups: Sequence[object],
) -> list[list[float]]:
    """The advantage of each token of each completion.

    Args:
        rule: the reward that gives credits.
        tokens: maps characters to tokens, for the tokenizer by which the completions were read.
        ids: the tokens of each completion, with the one that ended it.
        units: of each completion what `compute_step_score` returns as "units". One with "" belongs to no group, and its advantages
            are 0.
        groups: of each completion what names its prompt; those of a group need not follow one another.

    Raises:
        RowError: units that cannot be read.
        TrainingError: units of another text than that of the tokens.
    """
    found = [[0.0] * len(each) for each in ids]
    members: dict[object, list[int]] = {}
    for row, (text, group) in enumerate(zip(units, groups, strict=True)):
        if text:
            members.setdefault(group, []).append(row)
    for rows in members.values():
        credits = rule.group_credits([GradedText.from_json(units[row]) for row in rows])
        for row, spans in zip(rows, credits, strict=True):
            found[row] = tokens.advantages(ids[row], spans, ESTIMATOR)
    return found
