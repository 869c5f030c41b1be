"""The records of a graded chain of thought."""

from dataclasses import dataclass
from enum import StrEnum


class StepVerdict(StrEnum):
    """The grade of one line of a chain.

    `MISSING`: the line, or the place, lacks what must be stated there. `OUT_OF_ORDER`: the line describes a step of the run that is not
    the next one. `UNREAD`: in free text, a sentence in which no claim was found, or a claim that cannot be placed or decided.
    """

    RIGHT = "right"
    WRONG = "wrong"
    UNREADABLE = "unreadable"
    OUT_OF_ORDER = "out_of_order"
    MISSING = "missing"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class GradedStep:
    """One line of a chain, or a place where lines are missing.

    Attributes:
        text: the line without the blanks around it; empty where lines are missing.
        span: start and end in the completion, in characters.
        verdict: its grade.
        why: one line that says why it is not right; empty where it is.
        place: how many steps of the run the lines before it have covered.
        statement: kind of the statement that it is about, or that runs next where it is about none: "assignment", "if", "return"; empty
            after the run.
    """

    text: str
    span: tuple[int, int]
    verdict: StepVerdict
    why: str = ""
    place: int = 0
    statement: str = ""

    @property
    def right(self) -> bool:
        """Whether the line is right."""
        return self.verdict == StepVerdict.RIGHT


@dataclass(frozen=True, slots=True)
class GradedChain:
    """The graded chain of a completion.

    Attributes:
        steps: every line before and after the answer, in order.
        total: how many steps the run has.
        covered: how many steps the lines before the first divergence have covered.
    """

    steps: tuple[GradedStep, ...]
    total: int
    covered: int

    @property
    def first_divergence(self) -> GradedStep | None:
        """The first line that is not right; None where the whole chain is right."""
        return next((step for step in self.steps if not step.right), None)

    @property
    def is_true(self) -> bool:
        """Whether the chain describes the whole run, and all of it is right."""
        return bool(self.steps) and self.first_divergence is None

    @property
    def progress(self) -> float:
        """Share of the run's steps that are described rightly before the first divergence, 0 to 1."""
        return self.covered / self.total if self.total else 0.0
