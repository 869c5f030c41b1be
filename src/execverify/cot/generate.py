"""A chain of thought for a task: the run rendered in a style, as fully as a budget lets it, and then the answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from random import Random

from execverify.cot.detail import DETAIL_LEVELS, NAMED_LEVELS, DetailLevel
from execverify.cot.events import TraceView, answer_claims, run_claims, trace_view
from execverify.cot.search import NO_SEARCH, Search, find_arguments
from execverify.cot.styles import STYLES, source_info
from execverify.errors import DatasetError
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.task import TASK_KINDS, Task, gold_completion
from execverify.rewards.steps import claims as claim_types
from execverify.rewards.steps.claims import Claim
from execverify.sandbox.result import Limits
from execverify.sandbox.retry import extended_limits
from execverify.tracing.expressions import ExpressionValues, expressions_many
from execverify.tracing.trace import Trace
from execverify.utils.messages import count_phrase

_TOKEN = re.compile(r"[^\W\d_]{1,5}|\d|\n|[^\w\s]{1,2}|_")

DEFAULT_MAX_TOKENS = 2_000
"""Most tokens of a chain where rows are made: detail is given up until a chain fits."""

MIXED = "mixed"
"""In place of a style: each row gets one of them, by chance."""

_NEED_WIDTH = 120  # longest value that is rendered of what a line needs, in characters

_LIMITS = extended_limits(Limits())  # the run has ended once: a busy machine must not make a chain another

CountTokens = Callable[[str], int]


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has for a tokenizer of today that keeps digits apart."""
    return len(_TOKEN.findall(text))


@dataclass(frozen=True, slots=True)
class CotCompletion:
    """A chain of thought with its answers.

    Attributes:
        text: the completion: `<reasoning>...</reasoning>` and `<answer>...</answer>`.
        style: how it reads.
        detail_level: which of the levels of detail it has, from 0, the fullest.
        tokens: how many tokens its text has.
    """

    text: str
    style: str
    detail_level: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why there is no chain.

    Attributes:
        reason: in a few words that many rows share.
        detail: what exactly.
    """

    reason: str
    detail: str = ""


def generate_cot(
    task: Task,
    trace: Trace,
    details: ExpressionValues | None = None,
    *,
    search: Search | None = None,
    style: str = "compact",
    detail_level: str = "full",
    max_tokens: int | None = None,
    seed: int | str = 0,
    count_tokens: CountTokens = estimate_tokens,
) -> CotCompletion | Rejected:
    """A chain of thought for a task, every claim of which comes from a run.

    For input prediction that is the run of arguments that a search finds; the row's own are not looked at.

    Args:
        task: of kind "white_box" or "input_prediction".
        trace: the run of its program.
        details: the values of the parts of its statements; by default the program runs once more for them.
        search: how arguments were found for an input prediction; by default they are searched here.
        style: of `STYLES`, or "mixed".
        detail_level: of `NAMED_LEVELS`: the level to try first; a lower level follows where the budget is exceeded.
        max_tokens: most tokens of the completion; detail is given up step by step until it fits. None for any length.
        seed: chooses among phrases; with the task's id, so that a row's chain depends on nothing else.
        count_tokens: how many tokens a text has.

    Raises:
        DatasetError: an unknown style or level of detail.
        SandboxError: the program could not be run for its details (our failure).
    """
    check_options(style, detail_level)
    if style == MIXED:
        style = Random(f"{seed}:{task.id}:voice").choice(sorted(STYLES))
    wrong = mismatch(task, trace)
    if wrong is not None:
        return wrong
    if task.kind == "input_prediction":
        search = search or find_arguments([task], limits=_LIMITS)[0]
        if search is None:
            return Rejected(NO_SEARCH)
        trace, details = search.trace, search.details
    if details is None:
        (details,) = expressions_many([trace], limits=_LIMITS)
    view = trace_view(trace, details)

    def render(index: int) -> CotCompletion:
        text = _completion(task, view, DETAIL_LEVELS[index], style, seed, search)
        return CotCompletion(text, style, index, count_tokens(text))

    return _most_detailed_within(render, NAMED_LEVELS[detail_level], max_tokens)


def _most_detailed_within(rendered: Callable[[int], CotCompletion], first: int, budget: int | None) -> CotCompletion | Rejected:
    """The chain of the fullest level of detail, from `first` on, that fits; levels are halved, for each takes its time."""
    found = rendered(first)
    if budget is None or found.tokens <= budget:
        return found
    low, high = first, len(DETAIL_LEVELS) - 1
    found = rendered(high)
    if found.tokens > budget:
        return Rejected(
            "does not fit the budget", f"{count_phrase(found.tokens, 'token')} at the least detail; the budget is {budget}"
        )
    while high - low > 1:
        middle = (low + high) // 2
        tried = rendered(middle)
        if tried.tokens <= budget:
            high, found = middle, tried
        else:
            low = middle
    return found


def check_options(style: str, detail: str) -> None:
    """Raises DatasetError for a style or a level of detail that does not exist."""
    if style not in STYLES and style != MIXED:
        raise DatasetError(f"there is no style {style!r}: choose {', '.join(STYLES)} or {MIXED}")
    if detail not in NAMED_LEVELS:
        raise DatasetError(f"there is no level of detail {detail!r}: choose {' or '.join(NAMED_LEVELS)}")


def mismatch(task: Task, trace: Trace) -> Rejected | None:
    """Why a trace cannot teach a task: it ended otherwise, or its questions have other answers there."""
    if task.kind not in TASK_KINDS:
        return Rejected(f"rows of kind {task.kind} have no trace to render")
    result = trace.result
    if result.outcome != "returned" or result.value is None:
        return Rejected("the program does not run as it did", f"{result.outcome}: {result.detail}")
    if result.value.text != task.result.text:
        return Rejected("the run gives another result", f"the row says {task.result.text}, the run {result.value.text}")
    for question in task.questions:
        known = QUESTION_KINDS.get(question.kind).answers(trace, question)
        if question.answers[0] not in known:
            detail = f"{question.text} The row says {question.answers}, the run {known or 'nothing that can be asked'}"
            return Rejected("the run gives another answer", detail)
    return None


def _completion(task: Task, view: TraceView, detail: DetailLevel, style: str, seed: int | str, search: Search | None) -> str:
    trace = view.trace
    run = run_claims(view, detail, task.questions)
    claims: list[Claim]
    assertion = task.assertion
    if search is not None:
        wanted = task.result.text or ""
        width = min(detail.width, _NEED_WIDTH)
        needs = [one for one in search.needs if all(len(text) <= width for _, text in one.names)][: detail.needs]
        begin: list[Claim] = [claim_types.WantedResult(wanted), *search.failed, *needs]
        claims = list(chain(begin, run, [claim_types.ResultConfirmed(wanted)]))
        assertion = f"assert {trace.program.one_line_call} == {wanted}"
    else:
        claims = list(chain(run, answer_claims(trace, task.questions) if detail.answers else ()))
    text = STYLES.get(style)(claims, source_info(trace.program), Random(f"{seed}:{task.id}:{style}"))
    return gold_completion([assertion, *(question.answers[0] for question in task.questions)], text)
