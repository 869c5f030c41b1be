"""What a score is made of: parts, each with a verdict that says whose doing it was."""

from dataclasses import dataclass
from enum import StrEnum

from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.rewards.steps.chain import GradedChain
from execverify.utils.messages import encodable
from execverify.utils.notebook import notebook_repr


def answer_parts() -> tuple[str, ...]:
    """The kinds of parts of an answer about a run: its assertion, then every question kind."""
    return ("output", "input", *QUESTION_KINDS)


def all_parts() -> tuple[str, ...]:
    """Every kind of part. (A row that cannot be used has one of kind "row" instead, see `guard.bad_row`.)"""
    return (*answer_parts(), "format", "unit_test")


class Verdict(StrEnum):
    """The grade of one part of an answer.

    From `RAISED` to `CRASHED`, the model's code ended without returning: each is as wrong as `WRONG`. So is `UNREADABLE`, an answer on
    which the grader raised an unexpected exception. `UNSUPPORTED` (the test), `BAD_ROW` (the row) and `GRADER_ERROR` (this package or
    the machine) do not count against the model.
    """

    RIGHT = "right"
    WRONG = "wrong_answer"
    MISSING = "no_answer"
    GRADER_ERROR = "grader_error"
    RAISED = "raised"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    TOO_MUCH_OUTPUT = "too_much_output"
    FORBIDDEN = "forbidden"
    CRASHED = "crashed"
    NOT_RUN = "not_run"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"
    BAD_ROW = "bad_row"


UNJUDGED = frozenset({Verdict.GRADER_ERROR, Verdict.BAD_ROW})
"""Verdicts that say nothing of the answer."""


@dataclass(frozen=True, slots=True)
class GradedPart:
    """One judged part of an answer.

    Attributes:
        kind: "output", "input", a question's kind, "unit_test", "format" (whether a code answer is well-formed), or "row" (that
            the row cannot be used).
        expected: every accepted answer.
        given: what the model wrote there, or its code gave; None where there is nothing.
        verdict: right, wrong, no answer, grader error; for code also how it ended.
        why: one line that says why it is not right; empty where it is.

    All texts can be encoded: a lone surrogate, which no file, table or log takes, stands in them as `\\udc80`.
    """

    kind: str
    expected: tuple[str, ...]
    given: str | None
    verdict: Verdict
    why: str = ""

    def __post_init__(self) -> None:
        for name in ("given", "why"):
            text = getattr(self, name)
            if text is not None and not text.isascii():
                object.__setattr__(self, name, encodable(text))
        if not all(map(str.isascii, self.expected)):
            object.__setattr__(self, "expected", tuple(map(encodable, self.expected)))

    @property
    def right(self) -> bool:
        """Whether it earns its share."""
        return self.verdict == Verdict.RIGHT


@dataclass(frozen=True, slots=True)
class Score:
    """A reward and what it is made of.

    Attributes:
        reward: the number to train on; None where we failed to judge (never a silent 0).
        parts: the assertion first, then one part a question, in order; of a code answer its form, then its tests.
        chain: the graded chain of thought, where the reward looks at it; else None.
    """

    reward: float | None
    parts: tuple[GradedPart, ...]
    chain: GradedChain | None = None

    def share(self, kind: str) -> float | None:
        """Share of a kind's parts that are right, unsupported ones left out; None where there are none, or we failed."""
        of_kind = [part for part in self.parts if part.kind == kind and part.verdict != Verdict.UNSUPPORTED]
        if not of_kind or any(part.verdict in UNJUDGED for part in of_kind):
            return None
        return sum(part.right for part in of_kind) / len(of_kind)

    def _repr_html_(self) -> str:
        """The value in a notebook."""
        return notebook_repr(self)
