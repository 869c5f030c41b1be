"""What a question kind is: one file that defines what can be asked, its text, and the accepted answers.

A new kind is a subclass of `QuestionKind` whose instance is registered with `register_kind`; see docs/architecture.md.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from execverify.errors import QuestionError
from execverify.questions.question import Question
from execverify.questions.statements import StatementTable
from execverify.tracing.trace import Trace
from execverify.utils.registry import Registry

NEVER_RUNS = "never_runs"
"""The shortcut of answering that the visit does not happen, which each kind has."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A way to be right without following the run.

    Attributes:
        share: largest share of a kind's questions that it may answer, 0 to 1; the selection keeps to it over many rows.
        description: what it does, for tables: "the next line down".
    """

    share: float
    description: str


@dataclass(frozen=True, slots=True)
class QuestionCandidate:
    """A question that could be asked; most never are, so its text is made when it is chosen.

    Attributes:
        line, visit: the moment asked about.
        variable: the variable asked about; None where the kind asks about none.
        answers: every accepted answer, the preferred one first.
        weight: how well it tests following the run; the selection prefers larger weights.
        shortcut: which of the kind's shortcuts would answer it, or None.
    """

    line: int
    visit: int
    variable: str | None
    answers: tuple[str, ...]
    weight: float
    shortcut: str | None = None


@dataclass(frozen=True)
class QuestionKind(ABC):
    """A kind of white-box questions.

    A subclass sets the class attributes and gives the methods below; the other methods have defaults that fit answers which
    are right where they equal an accepted answer, character by character.

    Attributes:
        name: as rows and options have it: letters and underscores.
        title: for pages and tables.
        never_runs: the answer to a question about a visit that does not happen; None where none is asked.
        shortcuts: by name, the ways to be right without following the run.
        max_repeats: most questions of one row with the same answer; None for any number.
        rule: how to answer, for the prompt, where the prompt's own rules do not cover it; it stands before the questions.
        guesses: answers that a model may guess without looking; reward hacks try them.
        shows_next_step: whether a chain of thought must show the step after the one asked about too.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    never_runs: ClassVar[str | None] = None
    shortcuts: ClassVar[Mapping[str, Shortcut]] = {}
    max_repeats: ClassVar[int | None] = None
    rule: ClassVar[str] = ""
    guesses: ClassVar[tuple[str, ...]] = ()
    shows_next_step: ClassVar[bool] = False

    @abstractmethod
    def candidates(self, trace: Trace, table: StatementTable) -> Iterator[QuestionCandidate]:
        """Every question that can be asked about a run."""

    @abstractmethod
    def text(self, line: int, visit: int, variable: str | None) -> str:
        """The question as the prompt asks it, on one line. It includes how to answer where the prompt's rules do not."""

    @abstractmethod
    def answers(self, trace: Trace, question: Question) -> tuple[str, ...]:
        """The accepted answers as a run has them, the preferred one first; none where the run cannot be asked this."""

    def reject(self, question: Question, answer: str, float_tolerance: float = 0.0) -> str:
        """Why an answer is wrong, in one line; empty where it is right. The answer is text of a model: it is parsed, never run.

        Args:
            question: with its accepted answers.
            answer: one line, without blanks around it; it equals no accepted answer.
            float_tolerance: how far finite floats may be off.
        """
        return "it is another answer"

    def is_well_formed(self, answer: str) -> bool:
        """Whether a text can be an accepted answer of this kind, as a row writes it down."""
        return bool(answer.strip())

    def is_shortcut(self, question: Question, table: StatementTable) -> bool:
        """Whether the kind's best shortcut that reads the program alone gets a question right; for the figures of a dataset."""
        return False

    @property
    def static_shortcut(self) -> Shortcut | None:
        """The shortcut that `is_shortcut` measures: the first one besides "never_runs"."""
        return next((shortcut for name, shortcut in self.shortcuts.items() if name != NEVER_RUNS), None)

    def wrong_answers(self, question: Question) -> Iterator[str]:
        """Wrong answers that look like right ones, the most alike first; at least one."""
        yield from (
            guess for guess in (self.never_runs, *self.guesses, "0") if guess is not None and guess not in question.answers
        )

    def question(self, candidate: QuestionCandidate) -> Question:
        """A candidate as the question that is asked."""
        text = self.text(candidate.line, candidate.visit, candidate.variable)
        return Question(self.name, candidate.line, candidate.visit, candidate.variable, text, candidate.answers)


def _load() -> None:
    from execverify.questions import kinds

    kinds.load()


QUESTION_KINDS: Registry[QuestionKind] = Registry("kind", QuestionError, _load)
"""Every question kind by name."""


def register_kind(kind: QuestionKind) -> QuestionKind:
    """Adds a question kind to `QUESTION_KINDS`.

    Raises:
        QuestionError: it has no name or title.
    """
    if not getattr(kind, "name", "") or not getattr(kind, "title", ""):
        raise QuestionError(f"a question kind needs a name and a title: {type(kind).__name__} lacks one")
    return QUESTION_KINDS.register(kind.name, kind)
