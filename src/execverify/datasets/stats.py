"""What rows are like, how far shortcuts get (constant answers, the next line down, copying a literal), and what programs are like."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from execverify.datasets.dedup import HashSet, stable_hash
from execverify.datasets.program_stats import ProgramStats, add_values, as_json, programs_of
from execverify.datasets.thresholds import QualityCheck, bars_of, coverage, quartiles
from execverify.datasets.workers import Workers, batched, parallel_map
from execverify.questions.code_generation import trivial_solutions
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.question import UNIT_TEST, Question
from execverify.questions.rows import Row, from_row
from execverify.questions.statements import layout_of
from execverify.questions.task import CODE_GENERATION
from execverify.sandbox.result import Limits

_OWN_CONSTANT, _GIVEN_BACK = "the best constant of its row", "the best argument given back"
MAX_SHORTCUT_ACCURACY = {
    "the next line down": 0.25,
    "a constant answer": 0.15,
    "copying a literal": 0.15,
    _OWN_CONSTANT: 0.4,
    _GIVEN_BACK: 0.15,
}
"""Largest share of a kind's questions that each shortcut may get right; others may get `_MAX_OTHER`."""
_MAX_OTHER = 0.25


def max_accuracy(shortcut: str) -> float:
    """Largest share of a kind's questions that a shortcut may get right, 0 to 1."""
    return MAX_SHORTCUT_ACCURACY.get(shortcut, _MAX_OTHER)


_CHUNK = 64
_LIMITS = Limits(timeout=5.0)  # of all runs of a program together; what is too slow for that is no example of anything
_ANSWERS = 50_000  # different answers that are counted at a time


@dataclass(frozen=True, slots=True)
class ShortcutResult:
    """What one shortcut gets right.

    Attributes:
        kind: the questions' kind.
        name: of `MAX_SHORTCUT_ACCURACY`.
        answer: the constant answer, where the shortcut is one.
        right: how many questions it answers.
        questions: how many there are of the kind.
    """

    kind: str
    name: str
    answer: str | None
    right: int
    questions: int

    @property
    def share(self) -> float:
        """Share of the questions, 0 to 1."""
        return self.right / self.questions

    @property
    def passed(self) -> bool:
        """Whether it keeps the limit."""
        return self.share <= max_accuracy(self.name)


@dataclass
class Stats:
    """Figures of a set of rows.

    Attributes:
        rows: how many, by kind.
        levels, splits: how many, by level ("none" where they have none) and by split.
        questions: how many, by kind.
        results: how many rows have a result of each type.
        answers: how often each answer is right, by kind of question; "output" for results.
        shortcuts: how many questions the shortcuts get right that look at the program, by kind; for unit tests, by shortcut.
        programs: figures of distinct programs.
        quick: whether nothing was run, and so what needs runs is not known.
    """

    rows: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    questions: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in ("output", *QUESTION_KINDS, UNIT_TEST)}
    )
    shortcut_accuracy: Counter[str] = field(default_factory=Counter)
    programs: ProgramStats = field(default_factory=ProgramStats)
    quick: bool = False

    @property
    def shortcuts(self) -> list[ShortcutResult]:
        """What each shortcut gets right."""
        found = []
        for kind, answers in self.answers.items():
            if answers:
                answer, count = answers.most_common(1)[0]
                total = self.rows["white_box"] if kind == "output" else self.questions[kind]
                found.append(ShortcutResult(kind, "a constant answer", answer, count, total))
        for of in QUESTION_KINDS.values():
            shortcut, asked = of.static_shortcut, self.questions[of.name]
            if shortcut is not None and asked:
                right = self.shortcut_accuracy[of.name]
                found.append(ShortcutResult(of.name, shortcut.description, None, right, asked))
        if self.questions[UNIT_TEST]:
            for label in (_OWN_CONSTANT, _GIVEN_BACK):
                found.append(ShortcutResult(UNIT_TEST, label, None, self.shortcut_accuracy[label], self.questions[UNIT_TEST]))
        return found

    @property
    def spread(self) -> dict[str, Counter[int]]:
        """Lines, steps, branches, depth and node kinds: how many programs have each number."""
        return self.programs.spread

    @property
    def bars(self) -> list[QualityCheck]:
        """What the dataset has to reach, as far as it is known."""
        return bars_of(self.programs)

    def add(self, other: "Stats") -> None:
        """Adds the figures of other rows, which come after these."""
        for name in ("rows", "levels", "splits", "questions", "results", "shortcut_accuracy"):
            getattr(self, name).update(getattr(other, name))
        for kind, answers in other.answers.items():
            mine = self.answers[kind]
            mine.update(answers)
            if len(mine) > _ANSWERS:  # what is rare among so many is not the most common
                self.answers[kind] = Counter(dict(mine.most_common(_ANSWERS // 5)))
        self.programs.add(other.programs)

    def as_json(self) -> dict[str, Any]:
        """All figures as plain values; spreads as quartiles."""
        return {
            "rows": dict(self.rows),
            "levels": dict(sorted(self.levels.items())),
            "splits": dict(self.splits),
            "questions": dict(self.questions),
            "spread": {name: quartiles(numbers) for name, numbers in self.spread.items()},
            "results": dict(self.results.most_common()),
            "shortcuts": [_shortcut_as_json(shortcut) for shortcut in self.shortcuts],
            **as_json(self.programs, self.quick),
            "catalogue": coverage(self.programs),
            "bars": [_bar_as_json(bar) for bar in self.bars],
        }


def stats_of(
    rows: Iterable[Row], *, quick: bool = True, workers: Workers = 1, progress: Callable[[int], None] = lambda rows: None
) -> Stats:
    """Figures of rows. Habits are tried on every white-box question.

    Args:
        rows: what to look at; read as they are needed.
        quick: leave out what needs runs of the programs.
        workers: how many processes share the work, or a pool; the figures are the same for any number.
        progress: called with how many more rows are done, now and then.

    Raises:
        RowError: a row that cannot be used.
        SandboxError: programs cannot be run here (our failure).
    """
    stats = Stats(quick=quick)
    renamed, shapes = HashSet(), HashSet()
    for part in parallel_map(partial(_part, quick=quick), batched(_first_of_program(rows), _CHUNK), workers):
        stats.add(part)
        stats.programs.finalize(renamed, shapes)
        progress(part.rows.total())
    return stats


def _first_of_program(rows: Iterable[Row]) -> Iterator[tuple[Row, bool]]:
    """Rows without their prompts, which nobody looks at here, and whether each is the first of its program."""
    seen = HashSet()
    for row in rows:
        program = row["program"] if isinstance(row["program"], dict) else {}
        is_first = seen.add(stable_hash(str(program.get("source")), str(program.get("entry_point"))))
        yield {**row, "prompt": ()}, is_first


def _part(chunk: Sequence[tuple[Row, bool]], quick: bool) -> Stats:
    """Figures of some rows."""
    stats = Stats(quick=quick)
    tasks = [(from_row(row), is_first) for row, is_first in chunk]
    for task, _ in tasks:
        stats.rows[task.kind] += 1
        stats.levels["none" if task.level is None else str(task.level)] += 1
        stats.splits[task.split] += 1
        stats.results[task.result.type] += 1
        if task.kind == "white_box":
            stats.answers["output"][task.result.text or ""] += 1
        if task.kind == CODE_GENERATION:
            _add_tests(stats, task.questions)
            continue
        layout = layout_of(task.program) if task.questions else None
        for question in task.questions:
            stats.questions[question.kind] += 1
            stats.answers[question.kind].update(question.answers)
            if layout is not None:
                stats.shortcut_accuracy[question.kind] += QUESTION_KINDS.get(question.kind).is_shortcut(question, layout)
    stats.programs = programs_of([task for task, is_first in tasks if is_first], quick=quick, limits=_LIMITS)
    for task, is_first in tasks:
        add_values(stats.programs, task, with_result=is_first)
    return stats


def _add_tests(stats: Stats, tests: Sequence[Question]) -> None:
    """Counts unit tests, and how many of a row's one and the same answer without work passes."""
    stats.questions[UNIT_TEST] += len(tests)
    stats.answers[UNIT_TEST].update(test.answers[0] for test in tests)
    easy = trivial_solutions([(test.text, test.answers[0]) for test in tests])
    for name, label in (("constant", _OWN_CONSTANT), ("argument", _GIVEN_BACK)):
        stats.shortcut_accuracy[label] += max((passed for answer, passed in easy.items() if answer[0] == name), default=0)


def _shortcut_as_json(shortcut: ShortcutResult) -> dict[str, Any]:
    return {
        "kind": shortcut.kind,
        "shortcut": shortcut.name,
        "answer": shortcut.answer,
        "right": shortcut.right,
        "questions": shortcut.questions,
        "share": round(shortcut.share, 4),
        "limit": max_accuracy(shortcut.name),
        "kept": shortcut.passed,
    }


def _bar_as_json(bar: QualityCheck) -> dict[str, Any]:
    return {
        "name": bar.name,
        "sense": bar.direction,
        "limit": bar.limit,
        "value": round(bar.value, 4),
        "cruxeval": bar.cruxeval,
        "count": bar.count,
        "of": bar.whole,
        "kept": bar.passed,
    }
