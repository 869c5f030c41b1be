"""Which questions to ask: seeded, informative, and not to be answered by a shortcut.

A shortcut is a way to be right without following the run: always the line below, always `-1` or `Nil`, a literal copied from
the source. The questions that it answers are kept to a small share of a row's (`Shortcut.share`): over many rows, a model
that has only the shortcut scores no more than that. Among what is left, the weights of the question kinds decide, by seeded chance.
"""

import random
from collections import Counter
from collections.abc import Sequence

from execverify.errors import QuestionError
from execverify.questions.kinds.base import NEVER_RUNS, QUESTION_KINDS, QuestionCandidate, QuestionKind
from execverify.questions.question import KINDS, Question, fits_on_answer_line
from execverify.questions.statements import layout_of
from execverify.tracing.trace import Trace
from execverify.utils.messages import suggestion
from execverify.utils.validation import expect, names, whole_number


def ask(trace: Trace, kinds: Sequence[str] = KINDS, limit: int | None = 10, seed: int | str = 0) -> tuple[Question, ...]:
    """Questions about a run, with every accepted answer.

    Args:
        trace: a run that returned or raised.
        kinds: which kinds to ask, of `QUESTION_KINDS`.
        limit: how many at most, shared between the kinds (the paper asks up to 5 of each); None for every one there is.
        seed: chooses among them; the same trace, kinds, limit and seed give the same questions everywhere.

    Returns:
        Questions in the order of kinds, and within a kind in the order of lines and visits. May be none, and are none where the
        call ran no statement of the program (`f = abs`, a docstring alone, a generator that nobody iterates).

    Raises:
        QuestionError: an unknown kind, a negative limit, or a run that did not end by itself (it timed out, ...).
    """
    expect(trace, Trace, QuestionError, "make one with trace(program)")
    kinds = names(kinds, "names of kinds", QuestionError)
    check_kinds(kinds)
    if limit is not None and whole_number(limit, "the limit", QuestionError) < 0:
        raise QuestionError(f"the limit must be 0 or more, or None for every question; it is {limit}")
    if trace.result.outcome not in ("returned", "raised") or trace.result.error == "RecursionError":
        raise QuestionError(f"there is nothing to ask about this run: {trace.result.outcome} ({trace.result.detail})")
    if not trace.steps:  # the call ran no statement of the program: what it does was done elsewhere, or not at all
        return ()
    layout = layout_of(trace.program)
    offers = {
        kind: [candidate for candidate in kind.candidates(trace, layout) if fits_on_answer_line(candidate.answers[0])]
        for kind in map(QUESTION_KINDS.get, dict.fromkeys(kinds))
    }
    if limit is None:
        return tuple(kind.question(candidate) for kind in offers for candidate in offers[kind])
    rng = random.Random(f"{seed}:{trace.program.source}:{trace.program.arguments}")
    chosen: list[Question] = []
    for kind, room in zip(offers, _split_evenly(limit, len(offers)), strict=True):
        chosen += _chosen(kind, offers[kind], room, rng)
    if not chosen and limit:  # a straight-line program that shortcuts answer whole: one question is still better than none
        chosen = _best_fallback([(kind, candidate) for kind in offers for candidate in offers[kind]], rng)
    return tuple(chosen)


def check_kinds(kinds: Sequence[str], known: Sequence[str] | None = None) -> None:
    """Raises QuestionError for a kind that does not exist, with the close names, or all.

    Args:
        kinds: names, or one name.
        known: the names that there are; by default those of `QUESTION_KINDS`.
    """
    known = QUESTION_KINDS.names() if known is None else known
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind not in known:
            raise QuestionError(f"there is no kind {kind!r}: {suggestion(kind, known)}")


def _split_evenly(limit: int, kinds: int) -> list[int]:
    """The limit divided between kinds, the first ones getting what is left over."""
    return [limit // kinds + (i < limit % kinds) for i in range(kinds)]


def _chosen(kind: QuestionKind, offers: list[QuestionCandidate], room: int, rng: random.Random) -> list[Question]:
    ranked = sorted(offers, key=lambda candidate: rng.random() ** (1 / candidate.weight), reverse=True)
    free = [candidate for candidate in ranked if candidate.shortcut is None]
    taken = _diversify(free, room, kind.max_repeats)
    # Each shortcut's share of what will be asked, given the questions that no shortcut answers; chance settles a fraction.
    present = {candidate.shortcut for candidate in ranked}
    shares = {name: shortcut.share for name, shortcut in kind.shortcuts.items() if name in present}
    total = min(room, len(taken) / (1 - sum(shares.values())))
    extra: list[QuestionCandidate] = []
    for name, share in shares.items():
        quota = int(share * total + rng.random())
        extra += [candidate for candidate in ranked if candidate.shortcut == name][:quota]
    kept = _without_repeats([*extra, *taken], kind.max_repeats)[:room]
    kept.sort(key=lambda candidate: (candidate.line, candidate.visit, candidate.variable or ""))
    return [kind.question(candidate) for candidate in kept]


def _best_fallback(offers: list[tuple[QuestionKind, QuestionCandidate]], rng: random.Random) -> list[Question]:
    happening = [(kind, candidate) for kind, candidate in offers if candidate.shortcut != NEVER_RUNS]
    if not happening:
        return []
    kind, candidate = rng.choice(happening)
    return [kind.question(candidate)]


def _diversify(ranked: list[QuestionCandidate], room: int, repeats: int | None) -> list[QuestionCandidate]:
    """The first candidates in rank, but a repeated answer only after all new ones, and no more than `repeats` with one answer."""
    seen: Counter[str] = Counter()
    rounds: list[tuple[int, int, QuestionCandidate]] = []
    for rank, candidate in enumerate(ranked):
        answer = candidate.answers[0]
        if repeats is None or seen[answer] < repeats:
            rounds.append((seen[answer], rank, candidate))
        seen[answer] += 1
    rounds.sort(key=lambda entry: entry[:2])
    return [candidate for _, _, candidate in rounds[:room]]


def _without_repeats(candidates: list[QuestionCandidate], repeats: int | None) -> list[QuestionCandidate]:
    """The candidates in their order, of each answer no more than `repeats`."""
    seen: Counter[str] = Counter()
    kept = []
    for candidate in candidates:
        seen[candidate.answers[0]] += 1
        if repeats is None or seen[candidate.answers[0]] <= repeats:
            kept.append(candidate)
    return kept
