"""What rows are like, and how far habits get: constant answers, the next line down, copying a literal."""

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from execverify.questions.layout import Layout, layout_of
from execverify.questions.question import Question
from execverify.questions.rows import Row, from_row
from execverify.questions.task import Task

LIMITS = {"the next line down": 0.25, "a constant answer": 0.15, "copying a literal": 0.15}
"""Largest share of a kind's questions that each habit may get right."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """What one habit gets right.

    Attributes:
        kind: the questions' kind.
        habit: of `LIMITS`.
        answer: the constant answer, where the habit is one.
        right: how many questions it answers.
        questions: how many there are of the kind.
    """

    kind: str
    habit: str
    answer: str | None
    right: int
    questions: int

    @property
    def share(self) -> float:
        """Share of the questions, 0 to 1."""
        return self.right / self.questions

    @property
    def kept(self) -> bool:
        """Whether it keeps the limit."""
        return self.share <= LIMITS[self.habit]


@dataclass
class Stats:
    """Figures of a set of rows.

    Attributes:
        rows: how many, by kind.
        questions: how many, by kind.
        spread: for lines, steps, branches and depth: the values, one a row.
        results: how many rows have a result of each type.
        shortcuts: what each habit gets right.
    """

    rows: Counter[str] = field(default_factory=Counter)
    questions: Counter[str] = field(default_factory=Counter)
    spread: dict[str, list[int]] = field(default_factory=dict)
    results: Counter[str] = field(default_factory=Counter)
    shortcuts: list[Shortcut] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """All figures as plain values; spreads as quartiles."""
        return {
            "rows": dict(self.rows),
            "questions": dict(self.questions),
            "spread": {name: quartiles(values) for name, values in self.spread.items()},
            "results": dict(self.results.most_common()),
            "shortcuts": [
                {
                    "kind": shortcut.kind,
                    "habit": shortcut.habit,
                    "answer": shortcut.answer,
                    "right": shortcut.right,
                    "questions": shortcut.questions,
                    "share": round(shortcut.share, 4),
                    "limit": LIMITS[shortcut.habit],
                    "kept": shortcut.kept,
                }
                for shortcut in self.shortcuts
            ],
        }


def stats_of(rows: Iterable[Row]) -> Stats:
    """Figures of rows. Habits are tried on every white-box question."""
    stats = Stats()
    constants: dict[str, Counter[str]] = {"output": Counter(), "next_statement": Counter(), "variable_state": Counter()}
    right: Counter[str] = Counter()
    for row in rows:
        task = from_row(row)
        layout = layout_of(task.program)
        stats.rows[task.kind] += 1
        stats.results[task.result.type] += 1
        _add_spread(stats, task)
        if task.kind == "white_box":
            constants["output"][task.result.text or ""] += 1
        for question in task.questions:
            stats.questions[question.kind] += 1
            constants[question.kind].update(question.answers)
            right[question.kind] += _is_below(question, layout) if question.variable is None else _is_copied(question, layout)
    for kind, answers in constants.items():
        if answers:
            answer, count = answers.most_common(1)[0]
            total = stats.questions[kind] if kind in stats.questions else stats.rows["white_box"]
            stats.shortcuts.append(Shortcut(kind, "a constant answer", answer, count, total))
    for kind, habit in (("next_statement", "the next line down"), ("variable_state", "copying a literal")):
        if stats.questions[kind]:
            stats.shortcuts.append(Shortcut(kind, habit, None, right[kind], stats.questions[kind]))
    return stats


def quartiles(values: Sequence[int]) -> dict[str, float]:
    """Least, quartiles, 95th percentile, most and mean."""
    if len(values) < 2:
        return {"mean": float(sum(values))}
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    named = {"least": min(values), "25%": cuts[4], "median": cuts[9], "75%": cuts[14], "95%": cuts[18], "most": max(values)}
    return {name: round(float(value), 2) for name, value in {**named, "mean": statistics.fmean(values)}.items()}


def _add_spread(stats: Stats, task: Task) -> None:
    lines = sum(1 for line in task.program.lines if re.search(r"\S", line))
    figures = {
        "lines": lines,
        "steps": task.difficulty.steps,
        "branches": task.difficulty.branches,
        "depth": task.difficulty.depth,
    }
    for name, value in figures.items():
        stats.spread.setdefault(name, []).append(value)


def _is_below(question: Question, layout: Layout) -> bool:
    below = layout.below.get(question.line)
    return below is not None and layout.statements[below].texts[0] in question.answers


def _is_copied(question: Question, layout: Layout) -> bool:
    """Whether the value stands as a literal in the source or the call: the most that copying could ever get."""
    return question.answers[0].rpartition("; ")[0] in layout.literals
