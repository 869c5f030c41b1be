"""The curriculum's sampler for TRL, and the files of its state in checkpoints."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trl.trainer.utils import RepeatSampler

from execverify.errors import TrainingError
from execverify.training.curriculum import Curriculum
from execverify.utils.atomic import atomic_text

ROW = "curriculum_row"
"""The column with a row's number in the curriculum."""
STATE = "curriculum.json"
"""The curriculum's state in a checkpoint."""


class CurriculumSampler(RepeatSampler):
    """TRL's sampler with rows of a curriculum in place of a permutation; repeats and length are TRL's.

    Args:
        curriculum: draws the rows of each rollout when they are asked for.
        args, kwargs: of TRL's sampler.
    """

    def __init__(self, curriculum: Curriculum, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._curriculum = curriculum
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch. An epoch takes as many rows as there are, whichever they are."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rollouts = self.num_samples // self.batch_size
        for number in range(self._epoch * rollouts, (self._epoch + 1) * rollouts):
            drawn = self._curriculum.draw(number, self.batch_size)
            for _ in range(self.repeat_count):
                for row in drawn:
                    yield from [row] * self.mini_repeat_count


def save_state(curriculum: Curriculum, folder: Path) -> None:
    """Writes the state into the folder of a checkpoint, before the engine writes the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    atomic_text(folder / STATE, json.dumps(curriculum.state()))


def load_state(curriculum: Curriculum, folder: Path) -> None:
    """Restores the state from a checkpoint.

    Raises:
        TrainingError: there is none, or it is of other rows.
    """
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{folder / STATE} cannot be read ({error}): the checkpoint is of a training without curriculum"
        ) from None
    curriculum.restore(state)
