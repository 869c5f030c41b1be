"""What a question kind offers to the selection."""

from dataclasses import dataclass

from execverify.questions.question import Question


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that could be asked.

    Attributes:
        question: the question with its answers.
        weight: how much it tells about following the run; the selection prefers the larger.
        shortcut: the habit that would answer it without following the run, or None: "below" (the next line down),
            "copied" (a literal that stands in the source or the call), "absent" (the answer to all that does not happen).
    """

    question: Question
    weight: float
    shortcut: str | None = None
