"""What a question kind offers to the selection."""

from dataclasses import dataclass

from execverify.questions.question import Question, next_statement_question, variable_state_question


@dataclass(frozen=True, slots=True)
class QuestionCandidate:
    """A question that could be asked; most never are, so its text is made when it is chosen.

    Attributes:
        line, visit: the moment asked about.
        variable: the variable asked about; None for next-statement questions.
        answers: every accepted answer, the preferred one first.
        weight: how much it tells about following the run; the selection prefers the larger.
        shortcut: the habit that would answer it without following the run, or None: "below" (the next line down),
            "copied" (a literal that stands in the source or the call), "absent" (the answer to all that does not happen).
    """

    line: int
    visit: int
    variable: str | None
    answers: tuple[str, ...]
    weight: float
    shortcut: str | None = None

    @property
    def question(self) -> Question:
        """The question as it is asked."""
        if self.variable is None:
            return next_statement_question(self.line, self.visit, self.answers)
        return variable_state_question(self.line, self.visit, self.variable, self.answers[0])
