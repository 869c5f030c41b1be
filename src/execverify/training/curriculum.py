"""A curriculum: prompts are drawn with a preference for rows whose pass rate is near a target, which moves as the model learns.

    curriculum = Curriculum.of_rows(rows, CurriculumConfig(target=0.5), seed=0)
    drawn = curriculum.draw(0, count=16)             # the rows of the first rollout
    curriculum.update(drawn[0], right=3, total=8)    # three of eight completions were right

The estimate of a row's pass rate is the mean of a Beta distribution. Its prior is the pass rate of similar rows (same kind, and steps of
the run in the same eighth). Its evidence is the row's own completions, and the model's samples where the row has
`difficulty.pass_count`. Evidence loses half of its weight after `half_life` rollouts, so that the estimate of a row that was not drawn for
long returns to that of similar rows.

All draws depend on the seed and on the outcomes alone, and the state is plain JSON: a training that is resumed draws the same rows.
"""

import bisect
import heapq
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from numbers import Integral, Real
from typing import Any, Self

from execverify.errors import TrainingError
from execverify.rewards.parts import Score

PASS_RATE = "execverify/curriculum_pass_rate"
"""In the log: the mean pass rate that was estimated of the rollout's rows before it."""
ROWS_SEEN = "execverify/curriculum_rows_seen"
"""In the log: how many different rows were answered so far."""
_PRIOR = 2.0
"""Weight of a prior, in completions."""
_MAX_COMPLETIONS = 1e9
"""Most completions of one outcome: sums of them stay finite."""
_EIGHTHS = 8
_DECIDING = ("output", "input", "unit_test")
"""The parts that decide whether a completion passes."""


@dataclass(frozen=True)
class CurriculumConfig:
    """Which rows a curriculum prefers.

    Attributes:
        target: the preferred pass rate, 0 to 1.
        width: distance from the target at which the weight of a row is 0.61 of the highest (a normal curve's deviation).
        exploration: share of the weight that is spread evenly over all rows, 0 to 1.
        half_life: rollouts after which evidence counts half.

    Raises:
        TrainingError: a number out of range.
    """

    target: float = 0.5
    width: float = 0.15
    exploration: float = 0.1
    half_life: float = 30.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            share = name in ("target", "exploration")
            if not (isinstance(value, int | float) and (0 <= value <= 1 if share else 0 < value < math.inf)):
                raise TrainingError(
                    f"the curriculum's {name} is {value!r}: give a number {'from 0 to 1' if share else 'above 0'}"
                )


def _is_outcome(right: Any, total: Any) -> bool:
    """Whether so many of so many completions can be right. One NaN among the outcomes would make all weights NaN."""
    numbers = isinstance(right, Real) and isinstance(total, Real)  # those of arrays, too
    return numbers and 0 <= float(right) <= float(total) <= _MAX_COMPLETIONS


@dataclass
class _Evidence:
    """Completions that were right, and all completions, as they counted when `at` rollouts had been drawn."""

    right: float = 0.0
    total: float = 0.0
    at: int = 0

    def add(self, right: float, total: float, now: int, half_life: float) -> None:
        kept = math.pow(0.5, (now - self.at) / half_life)
        self.right, self.total, self.at = self.right * kept + right, self.total * kept + total, now

    def mean(self, prior: float, now: int, half_life: float) -> float:
        kept = math.pow(0.5, (now - self.at) / half_life)
        return (prior * _PRIOR + self.right * kept) / (_PRIOR + self.total * kept)


@dataclass
class Curriculum:
    """The estimates of all rows, and the draws so far.

    Args:
        groups: of each row, the number of its group of similar rows, from 0.
        config: which rows are preferred.
        seed: of the draws.
        measured: completions of a row that were right, and all of them, known before training; by the row's number.

    Attributes:
        draws: the rows of each rollout so far.
    """

    groups: Sequence[int]
    config: CurriculumConfig = CurriculumConfig()
    seed: int = 0
    measured: Mapping[int, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draws: list[list[int]] = []
        self._seen: set[int] = set()
        self._rows = [_Evidence() for _ in self.groups]
        self._similar = [_Evidence() for _ in range(max(self.groups, default=-1) + 1)]
        for row, (right, total) in self.measured.items():
            self._add(row, right, total)

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]], config: CurriculumConfig, seed: int) -> Self:
        """The curriculum of rows.

        Args:
            rows: of their columns `kind` and `difficulty` (steps, pass_count, samples), where they have them. A pass count that is
                not between 0 and the samples, such as NaN, is not used.
            config, seed: see the class.
        """
        known = [row.get("difficulty") or {} for row in rows]
        measured = {
            place: (float(each["pass_count"]), float(each["samples"]))
            for place, each in enumerate(known)
            if each.get("samples") and _is_outcome(each.get("pass_count"), each["samples"])
        }
        return cls(
            _groups([(str(row.get("kind")), each.get("steps") or 0) for row, each in zip(rows, known, strict=True)]),
            config,
            seed,
            measured,
        )

    @property
    def rows_seen(self) -> int:
        """How many different rows have outcomes of this training."""
        return len(self._seen)

    def pass_rate(self, row: int) -> float:
        """The estimated pass rate of a row, 0 to 1."""
        now, half_life = len(self.draws), self.config.half_life
        similar = self._similar[self.groups[row]].mean(0.5, now, half_life)
        return self._rows[row].mean(similar, now, half_life)

    def update(self, row: int, right: float, total: float) -> None:
        """Adds the outcome of a group: how many of its completions were right (a share of one may count), and how many there were.

        Raises:
            TrainingError: there is no such row, or so many of so many cannot be right. Nothing is changed.
        """
        self._add(row, right, total)
        self._seen.add(int(row))

    def check(self, row: int, right: float, total: float) -> None:
        """Raises TrainingError for an outcome that `update` does not take."""
        if not isinstance(row, Integral) or not 0 <= row < len(self._rows):
            raise TrainingError(f"there is no row {row!r}: give a number from 0 to {len(self._rows) - 1}")
        if not _is_outcome(right, total):
            raise TrainingError(
                f"row {row} cannot have {right!r} right of {total!r}: give counts with 0 <= right <= total <= 1e9"
            )

    def _add(self, row: int, right: float, total: float) -> None:
        self.check(row, right, total)
        for evidence in (self._rows[row], self._similar[self.groups[row]]):
            evidence.add(float(right), float(total), len(self.draws), self.config.half_life)

    def draw(self, number: int, count: int) -> list[int]:
        """The rows of a rollout, all different; a rollout that was drawn before keeps its rows.

        Args:
            number: of the rollout, from 0.
            count: rows of a rollout; at most all.
        """
        while len(self.draws) <= number:
            self.draws.append(self.sample(count, f"rollout/{len(self.draws)}"))
        return self.draws[number]

    def sample(self, count: int, place: str) -> list[int]:
        """Different rows by the present weights, which is not recorded as a draw.

        Args:
            count: rows to draw; at most all.
            place: names the draw: the same one has the same random numbers.
        """
        source = random.Random(f"{self.seed}/{place}")
        keys = [
            math.log(1.0 - source.random()) / weight for weight in self.weights()
        ]  # the largest keys: weighted, without replacement
        return heapq.nlargest(count, range(len(keys)), key=keys.__getitem__)

    def weights(self) -> list[float]:
        """The weights of all rows in a draw; their sum is 1."""
        config = self.config
        near = [math.exp(-(((self.pass_rate(row) - config.target) / config.width) ** 2) / 2) for row in range(len(self.groups))]
        total, even = sum(near) or 1.0, config.exploration / max(1, len(near))
        return [max((1 - config.exploration) * weight / total + even, 1e-300) for weight in near]

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as plain values for JSON."""
        plain = [[each.right, each.total, each.at] for each in self._similar]
        rows = {str(row): [each.right, each.total, each.at] for row in sorted(self._seen) for each in (self._rows[row],)}
        return {"rows": rows, "groups": plain, "draws": [list(each) for each in self.draws]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state of the same rows.

        Raises:
            TrainingError: the state is of other rows, or holds what no outcomes give.
        """
        counted = [*state["groups"], *state["rows"].values()]
        if not all(_is_outcome(right, total) and at in range(len(state["draws"]) + 1) for right, total, at in counted):
            raise TrainingError("the curriculum of the checkpoint cannot be used: it has counts that no training gives")
        rows = {int(row): _Evidence(*values) for row, values in state["rows"].items()}
        if len(state["groups"]) != len(self._similar) or max(rows, default=0) >= len(self._rows):
            raise TrainingError("the curriculum of the checkpoint is of other rows: train again in another folder")
        self._similar = [_Evidence(*values) for values in state["groups"]]
        for row, evidence in rows.items():
            self._rows[row] = evidence
        self._seen, self.draws = set(rows), [list(each) for each in state["draws"]]


def _groups(rows: Sequence[tuple[str, int]]) -> list[int]:
    """The number of each row's group: rows of one kind whose steps are in the same eighth."""
    by_kind: dict[str, list[int]] = {}
    for kind, steps in rows:
        by_kind.setdefault(kind, []).append(steps)
    for found in by_kind.values():
        found.sort()
    names = [(kind, bisect.bisect_left(by_kind[kind], steps) * _EIGHTHS // len(by_kind[kind])) for kind, steps in rows]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return [numbers[name] for name in names]


def passed(score: Score | None) -> float | None:
    """1 where a completion's output, input or all unit tests are right, else 0; None where it was not judged."""
    if score is None or score.reward is None:
        return None
    shares = [share for part in _DECIDING if (share := score.share(part)) is not None]
    return float(bool(shares) and min(shares) == 1)


def passed_counts(counts: Mapping[str, Any]) -> float:
    """The same of the counts that `execverify.rewards.verl.compute_score` returns."""
    asked, right = (sum(float(counts.get(f"{part}_{what}", 0.0)) for part in _DECIDING) for what in ("asked", "right"))
    return float(asked == right > 0)


def update_groups(curriculum: Curriculum, rows: Sequence[int], outcomes: Iterable[float | None]) -> dict[str, float]:
    """Adds the outcomes of a rollout; returns the figures to log.

    Args:
        curriculum: is updated.
        rows: of each completion, the number of its row.
        outcomes: of each completion, 0 to 1; None where it was not judged.
    """
    figures = {PASS_RATE: sum(map(curriculum.pass_rate, rows)) / max(1, len(rows))}
    groups: dict[int, list[float]] = {}
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome is not None:
            groups.setdefault(row, []).append(outcome)
    for row, own in groups.items():
        curriculum.check(row, sum(own), len(own))
    for row, own in groups.items():
        curriculum.update(row, sum(own), len(own))
    return {**figures, ROWS_SEEN: float(curriculum.rows_seen)}
