"""Programs that no training row has: synthesized ones whose shape belongs to the split "test".

A program's split is decided by its shape, which leaves names and constants out (`datasets/splits.py`). So whoever trains on rows
of the splits "train" and "validation", of whatever seed, size, levels or methods, has never seen a program of this set, nor its
duplicate with other names and constants. On top of that, the fixed set is made from a seed of its own.

    python -m execverify.evaluation.heldout_set > src/execverify/evaluation/benchmarks/heldout.jsonl

makes the fixed set anew (minutes: one shape in fifty is held out).
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

from execverify.datasets.config import DatasetConfig
from execverify.datasets.generate import ItemGenerator
from execverify.datasets.sources import NO_PROGRAM, Candidate, SynthesizerSource
from execverify.datasets.splits import Splits
from execverify.programs.constraints import LEVELS
from execverify.programs.fingerprint import structure_hash
from execverify.questions.task import Task
from execverify.synthesis import VERSION, synthesize

SPLIT = "test"
SEED = 5_2026
"""Seed of the fixed set."""

ITEMS_PER_LEVEL = 50

_TRIES = 600  # programs of one attempt: of 50 that it makes, one is held out
_BATCH = 8


def is_held_out(shape: int) -> bool:
    """Whether programs of a shape are in no training row of the default splits."""
    return Splits().of(str(shape)) == SPLIT


class _HeldOutSource(SynthesizerSource):
    """Programs of the synthesizer whose shape is held out."""

    def __init__(self, recipe: DatasetConfig) -> None:
        super().__init__(recipe)
        self._recipe = recipe

    def candidate(self, index: int, attempt: int) -> Candidate | str:
        levels = self._recipe.levels or LEVELS
        for turn in range(_TRIES):
            sketch = synthesize(self._recipe.seed, index, attempt * _TRIES + turn, levels=levels)
            if sketch is not None and is_held_out(structure_hash(sketch.program)):
                return Candidate(sketch.program, sketch.constraint, f"grammar/{VERSION}")
        return NO_PROGRAM


@dataclass(frozen=True, slots=True)
class HeldOutProgram:
    """A program of the set, and what kind of task it is for."""

    id: str
    kind: str
    level: int
    constraint: str
    source: str
    entry_point: str
    arguments: str

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


def held_out(level: int, seed: int = SEED) -> Iterator[HeldOutProgram]:
    """Held-out programs of a level, without end, no two of one shape; the same ones for the same seed."""
    recipe = DatasetConfig(seed=seed, levels=(level,))
    maker = ItemGenerator(recipe)
    maker.source = _HeldOutSource(recipe)
    seen: set[int] = set()
    for start in count(0, _BATCH):
        for item in maker.items(range(start, start + _BATCH)):
            for task in item.tasks:
                shape = structure_hash(task.program)
                if shape not in seen:
                    seen.add(shape)
                    yield _record(task, level)


def _record(task: Task, level: int) -> HeldOutProgram:
    assert task.split == SPLIT, "the split is decided by the shape, which was looked at"
    program = task.program
    return HeldOutProgram(
        f"heldout-{level}-{task.id}",
        task.kind,
        level,
        task.constraint or "",
        program.source,
        program.entry_point,
        program.arguments,
    )


def main() -> None:
    """Writes the fixed set to standard output; levels take turns, so that the first so many are of all levels."""
    for group in islice(zip(*map(held_out, LEVELS), strict=True), ITEMS_PER_LEVEL):
        sys.stdout.writelines(record.line() + "\n" for record in group)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
