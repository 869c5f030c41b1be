"""Teachers write the chains of thought of rows.

A teacher takes lessons and gives a completion for each, or the reason why there is none. A completion is kept only if it earns the
full reward. For a model as teacher, that is rejection sampling. `TraceTeacher` always passes: a chain of it that fails is a bug.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from execverify.cot.generate import CotCompletion, CountTokens, Rejected, check_options, estimate_tokens, generate_cot, mismatch
from execverify.cot.search import NO_SEARCH, find_arguments
from execverify.errors import DatasetError, SandboxError
from execverify.questions.task import Task
from execverify.rewards.score import PAPER_REWARD, score_many
from execverify.sandbox.result import Limits
from execverify.sandbox.retry import extended_limits
from execverify.tracing.expressions import ExpressionValues
from execverify.tracing.trace import Trace

_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class TeacherInput:
    """What a teacher is given.

    Attributes:
        task: the task to solve.
        trace: the run of its program, which the prompt does not show.
        details: the values of the parts of the program's statements in that run.
    """

    task: Task
    trace: Trace
    details: ExpressionValues


class Teacher(Protocol):
    """Gives completions with chains of thought."""

    def generate(self, lessons: Sequence[TeacherInput]) -> Iterator[CotCompletion | Rejected]:
        """For each lesson, in order, a completion or the reason why there is none."""
        ...


@dataclass(frozen=True)
class TraceTeacher:
    """The built-in teacher: it renders the trace of each run.

    Attributes:
        style: of `STYLES`, or "mixed".
        detail_level, max_tokens, seed, count_tokens: see `generate_cot`.

    Raises:
        DatasetError: an unknown style or level of detail, or a budget below 1.
    """

    style: str = "compact"
    detail_level: str = "full"
    max_tokens: int | None = None
    seed: int | str = 0
    count_tokens: CountTokens = estimate_tokens

    def __post_init__(self) -> None:
        check_options(self.style, self.detail_level)
        if self.max_tokens is not None and self.max_tokens < 1:
            raise DatasetError(f"the budget must be 1 token or more, not {self.max_tokens}")

    def generate(self, lessons: Sequence[TeacherInput]) -> Iterator[CotCompletion | Rejected]:
        """Chains in the order of the lessons."""
        wrong = [mismatch(lesson.task, lesson.trace) for lesson in lessons]
        sought = [one.task.kind == "input_prediction" and why is None for one, why in zip(lessons, wrong, strict=True)]
        searches = iter(find_arguments([one.task for one, is_sought in zip(lessons, sought, strict=True) if is_sought]))
        for lesson, why, is_sought in zip(lessons, wrong, sought, strict=True):
            search = next(searches) if is_sought else None
            if why is not None or (is_sought and search is None):
                yield why or Rejected(NO_SEARCH)
                continue
            yield generate_cot(
                lesson.task,
                lesson.trace,
                lesson.details,
                search=search,
                style=self.style,
                detail_level=self.detail_level,
                max_tokens=self.max_tokens,
                seed=self.seed,
                count_tokens=self.count_tokens,
            )


def earns_full_reward(task: Task, completion: str) -> bool:
    """Whether a completion may teach: the verifier pays it in full.

    Raises:
        SandboxError: the program could not be run (our failure); nothing is known of the completion then.
    """
    return accepted_many([(task, completion)])[0]


def accepted_many(pairs: Iterable[tuple[Task, str]], *, limits: Limits = _LIMITS, workers: int = 1) -> list[bool]:
    """The same for many completions, in order. Arguments that a busy machine may have failed get ten times the time.

    Args:
        pairs: tasks, each with a completion.
        limits: what a program may use.
        workers: how many programs run at once.

    Raises:
        SandboxError: a program could not be run (our failure).
    """
    pairs = list(pairs)
    scores = score_many(pairs, limits=limits, workers=workers)
    unpaid = [
        at for at, score in enumerate(scores) if score.reward != PAPER_REWARD.scale and pairs[at][0].kind == "input_prediction"
    ]
    again = score_many([pairs[at] for at in unpaid], limits=extended_limits(limits), workers=workers)
    for at, score in zip(unpaid, again, strict=True):
        if score.reward is None:
            raise SandboxError(f"programs cannot be run here: {score.parts[0].why}")
        scores[at] = score
    return [score.reward == PAPER_REWARD.scale for score in scores]
