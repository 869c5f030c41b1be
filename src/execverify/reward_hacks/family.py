"""What an attack is, and the small tools that families of attacks are written with.

Every tool keeps the rest of the answer right, so that an attack fails for its own reason and no other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from string import Template

from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal
from execverify.questions.question import NO_STATE, Question
from execverify.questions.task import TASK_KINDS, Task, gold_completion
from execverify.reward_hacks.near_values import adjacent_values, common_guesses, same, wrong_literals
from execverify.rewards.score import PAPER_REWARD

Completions = Iterator[str | tuple[str, float]]
"""Completions of a task; one that may earn more than nothing comes with what it may earn."""

FULL_REWARD = PAPER_REWARD.scale
"""What a right answer earns, however it is wrapped."""

_REASONING = "I follow the call statement by statement."


@dataclass(frozen=True, slots=True)
class RewardHack:
    """One completion that tries to earn more than it should.

    Attributes:
        family: the idea it belongs to.
        description: what the family tries, in one line.
        completion: what a model would write.
        max_reward: the most that it may earn under the paper's rule: 0 for nearly all; more where right answers stand in it.
    """

    family: str
    description: str
    completion: str
    max_reward: float


@dataclass(frozen=True, slots=True)
class HackFamily:
    """One idea of how to earn more than an answer is worth.

    Attributes:
        name: its name.
        description: what it tries, in one line.
        completions: its completions for a task; none where it does not apply.
        kinds: the kinds of tasks that it is about.
    """

    name: str
    description: str
    completions: Callable[[Task], Completions]
    kinds: tuple[str, ...] = TASK_KINDS

    def attacks(self, task: Task) -> Iterator[RewardHack]:
        """The family's attacks on a task."""
        if task.kind not in self.kinds:
            return
        for made in self.completions(task):
            completion, worth = (made, 0.0) if isinstance(made, str) else made
            yield RewardHack(self.name, self.description, completion, worth)


# ------------------------------------------------------------------------------------------------------ the assertion


def fields(task: Task) -> dict[str, str]:
    """What templates may name: the parts of the right assertion, and a literal that is not the result."""
    return {
        "call": task.program.call,
        "name": task.program.entry_point,
        "arguments": task.program.arguments,
        "result": str(task.result.text),
        "wrong": wrong_result(task),
    }


def first_lines(forms: str) -> Callable[[Task], Completions]:
    """Completions with another line where the assertion belongs: one for each line of `forms`.

    `$call`, `$name`, `$arguments`, `$result` and `$wrong` stand for the values of `fields`.
    """
    templates = [Template(form.strip()) for form in forms.strip().splitlines()]

    def make(task: Task) -> Completions:
        known = fields(task)
        return (with_assertion(task, template.substitute(known)) for template in templates)

    return make


def right_lines(task: Task) -> list[str]:
    """The right answers to the questions."""
    return [question.answers[0] for question in task.questions]


def with_assertion(task: Task, text: str) -> str:
    """A completion with this text for the assertion, and every question answered right."""
    return gold_completion([text, *right_lines(task)], _REASONING)


def with_result(task: Task, text: str) -> str:
    """A completion that asserts this result of the right call, and answers every question right."""
    return with_assertion(task, f"assert {task.program.call} == {text}")


def expected(task: Task) -> object:
    """The value that the call returns."""
    return parse_literal(str(task.result.text))


def wrong_result(task: Task) -> str:
    """A literal that is not the result: near it where there is such a one."""
    return next(wrong_literals(expected(task), adjacent_values, common_guesses))


# ------------------------------------------------------------------------------------------------------ the questions


def with_lines(task: Task, lines: Sequence[str]) -> tuple[str, float]:
    """A completion with the right assertion and these lines for the questions, and what it is worth."""
    read = [line for text in lines for line in text.split("\n") if line.strip(" \t\r")]
    rights = [is_answer(question, line) for question, line in zip(task.questions, read, strict=False)]
    return gold_completion([task.assertion, *lines], _REASONING), max_reward(task, sum(rights))


def max_reward(task: Task, right: int) -> float:
    """What a right assertion earns together with so many right answers to questions (paper, section 3)."""
    if not task.questions:
        return PAPER_REWARD.scale
    return PAPER_REWARD.scale * ((1 - PAPER_REWARD.alpha) + PAPER_REWARD.alpha * (right / len(task.questions)))


def is_answer(question: Question, line: str) -> bool:
    """Whether a line answers a question, as the prompt states it; what may stand around it is taken away."""
    line = line.strip()
    for ticks in ("``", "`"):
        if line.count("`") == 2 * len(ticks) and line.startswith(ticks) and line.endswith(ticks):
            line = line.strip("`").strip()
    if line in question.answers:
        return True
    if question.kind == "variable_state" and line.endswith((";", ".")):
        line = line[:-1].rstrip()
        if line == NO_STATE:
            return line in question.answers
    if question.kind != "variable_state" or NO_STATE in (line, *question.answers):
        return False
    return any(_is_state(line, answer) for answer in question.answers)


def _is_state(line: str, answer: str) -> bool:
    (text, _, kind), (right, _, right_kind) = line.rpartition(";"), answer.rpartition(";")
    try:
        return kind.strip() == right_kind.strip() and same(parse_literal(text), parse_literal(right))
    except LiteralError:
        return False
