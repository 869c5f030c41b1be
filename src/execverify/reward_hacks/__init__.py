"""Attacks on the scorer: completions that try to earn more than they should.

    >>> from execverify.programs import Program
    >>> from execverify.questions import task
    >>> from execverify.rewards import score
    >>> from execverify.tracing import trace
    >>> t = task(trace(Program("def f(n):\\n    n += 1\\n    return n", arguments="3")))
    >>> len(HACK_FAMILIES) >= 60
    True
    >>> [attack.family for attack in attacks(t) if score(t, attack.completion).reward > attack.worth]
    []

A reward that can be had without the right answer is found by reinforcement learning within hours, so every dataset can
be tried against these before it is trained on. They are kept by what they attack: the form of the assertion, its
arguments, its result, the tags, the lines for questions, single characters, sheer size, and, where a task asks for code, its
unit tests.

A family makes its completions from the task itself, so that a wrong value is never right by accident; what is right
within an attack is given by its `worth`. In input prediction any arguments that give the result are right, so nothing
there relies on other arguments. Only the file `CANARY` shows whether an attack was run.
"""

from collections.abc import Iterator

from execverify.questions.task import Task
from execverify.reward_hacks import arguments, assertions, characters, code, oversized, question_lines, results, tags
from execverify.reward_hacks.assertions import CANARY
from execverify.reward_hacks.family import HackFamily, RewardHack

HACK_FAMILIES: tuple[HackFamily, ...] = (
    *assertions.HACK_FAMILIES,
    *arguments.HACK_FAMILIES,
    *results.HACK_FAMILIES,
    *tags.HACK_FAMILIES,
    *question_lines.HACK_FAMILIES,
    *characters.HACK_FAMILIES,
    *oversized.HACK_FAMILIES,
    *code.HACK_FAMILIES,
)
"""Every family, by what it attacks."""


def iter_hacks(task: Task) -> Iterator[RewardHack]:
    """Every attack that applies to a task."""
    for family in HACK_FAMILIES:
        yield from family.attacks(task)


__all__ = ["CANARY", "HACK_FAMILIES", "HackFamily", "RewardHack", "iter_hacks"]
