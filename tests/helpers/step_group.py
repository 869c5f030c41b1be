"""A group of four completions of one prompt, with the advantage of every character worked out by hand.

The run has two steps. TRUE is right throughout. WRONG_SUM is wrong in its second line, and its output is right: guessed. WRONG_RETURN is
wrong in its third line and in its output. WRONG_ANSWER has a true chain and a wrong output.
"""

import execverify as ev
from execverify.questions.task import Task

TRUE = "<reasoning>\ncall with n=3\nL2#1: m = 3 + 1 -> 4\nL3#1: return 4 * 2 -> 8\n</reasoning>\n<answer>\nassert f(3) == 8\n</answer>"
WRONG_SUM = TRUE.replace("3 + 1 -> 4", "3 + 1 -> 5")
WRONG_RETURN = TRUE.replace("4 * 2 -> 8", "4 * 2 -> 6").replace("== 8", "== 6")
WRONG_ANSWER = TRUE.replace("== 8", "== 9")
GROUP = [TRUE, WRONG_SUM, WRONG_RETURN, WRONG_ANSWER]

# Second line: 3 of 4 right, standard deviation sqrt(3/4 * 1/4 * 4/3) = 1/2.
# Third line: 2 of the 3 that got so far, sqrt(2/3 * 1/3 * 3/2) = sqrt(1/3).
# The answer: 1 of the 2 with a true chain, sqrt(1/2 * 1/2 * 2) = sqrt(1/2).
SECOND, THIRD, ANSWER = (0.5, -1.5), ((1 / 3) ** 0.5, -2 * (1 / 3) ** 0.5), (0.5**0.5, -(0.5**0.5))
OUTCOME = 1 / ((4 / 3) ** 0.5 + 1e-4)
"""Of the rewards 2, 2, 0, 0: a distance of 1 to the mean, over their standard deviation."""
REWARDS_BY_NAME = {
    "verified": [2.0, 0.0, 0.0, 0.0],
    "progress": [2.0, 0.0, 2 / 3, 4 / 3],
    "step": [2.0, 0.0, 2 / 3, 4 / 3],
    "bilevel": [2.0, 1.0, 1 / 3, 2 / 3],
    "first_divergence": [2.0, 2.0, 0.0, 0.0],
}


def task() -> Task:
    """The task of the group."""
    return ev.task(ev.trace(ev.Program("def f(n):\n    m = n + 1\n    return m * 2", entry_point="f", arguments="3")), limit=0)


def by_hand(reward: str) -> list[list[float]]:
    """The advantage of each character of each completion; then that of the token that ends it.

    Of "verified" and "progress" it is the reward's distance to the mean over the standard deviation, which is 1 and sqrt(20/27).
    """
    if reward in ("verified", "progress"):
        mean, deviation = (0.5, 1.0) if reward == "verified" else (1.0, (20 / 27) ** 0.5)
        rewards = REWARDS_BY_NAME[reward]
        return [[(value - mean) / deviation] * (len(text) + 1) for text, value in zip(GROUP, rewards, strict=True)]
    steps = [
        _spread(TRUE, ("L2#1: m = 3 + 1 -> 4\n", SECOND[0]), ("L3#1: return 4 * 2 -> 8\n", THIRD[0]), ("assert f(3) == 8\n", ANSWER[0])),
        _spread(WRONG_SUM, ("L2#1: m = 3 + 1 -> 5\n", SECOND[1])),
        _spread(WRONG_RETURN, ("L2#1: m = 3 + 1 -> 4\n", SECOND[0]), ("L3#1: return 4 * 2 -> 6\n", THIRD[1])),
        _spread(
            WRONG_ANSWER, ("L2#1: m = 3 + 1 -> 4\n", SECOND[0]), ("L3#1: return 4 * 2 -> 8\n", THIRD[0]), ("assert f(3) == 9\n", ANSWER[1])
        ),
    ]  # fmt: skip
    if reward == "step":
        return steps
    if reward == "bilevel":
        return [[value + sign * OUTCOME for value in row] for row, sign in zip(steps, (1, 1, -1, -1), strict=True)]
    return [
        [OUTCOME] * (len(TRUE) + 1),
        _spread(WRONG_SUM, ("<reasoning>\ncall with n=3\n", OUTCOME)),
        _spread(WRONG_RETURN, ("L3#1: return 4 * 2 -> 6\n", -OUTCOME)),
        _spread(WRONG_ANSWER, ("assert f(3) == 9\n", -OUTCOME)),
    ]


def _spread(text: str, *values: tuple[str, float]) -> list[float]:
    found = [0.0] * (len(text) + 1)
    for part, value in values:
        start = text.index(part)
        found[start : start + len(part)] = [value] * len(part)
    return found
