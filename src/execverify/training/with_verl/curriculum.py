"""The curriculum's sampler for verl. The trainers that use it are in `plugin.py`.

verl 0.9.1 has no setting for a sampler (versions before it had `data.sampler`), so that a trainer of ours puts it in.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch.utils.data import Sampler

from execverify.training.curriculum import Curriculum, CurriculumConfig


class CurriculumSampler(Sampler[int]):
    """Rows of a curriculum, for verl's data loader, which draws a batch when the trainer asks for it.

    Its state is saved and restored with the loader's.

    Args:
        curriculum: draws the rows.
        batch: rows of a draw: the batch size of the loader.
    """

    def __init__(self, curriculum: Curriculum, batch: int) -> None:
        self.curriculum = curriculum
        self._batch = batch
        self._batches = len(curriculum.groups) // batch

    def __iter__(self) -> Iterator[int]:
        """The rows of the rest of an epoch, which has as many batches as a permutation would have."""
        while True:
            number = len(self.curriculum.draws)
            yield from self.curriculum.draw(number, self._batch)
            if (number + 1) % self._batches == 0:
                return

    def __len__(self) -> int:
        return self._batches * self._batch

    def state_dict(self) -> dict[str, Any]:
        """The state for a checkpoint."""
        return self.curriculum.state()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state.

        Raises:
            TrainingError: it is of other rows.
        """
        self.curriculum.restore(state)


def curriculum_of(entries: Sequence[Mapping[str, Any]], settings: Mapping[str, Any], seed: int) -> Curriculum:
    """The curriculum of rows as verl has them.

    Args:
        entries: `extra_info` of each row, with its `kind`, `steps`, `pass_count` and `samples`.
        settings: fields of `CurriculumConfig`.
        seed: of the draws.
    """
    rows = [{"kind": entry.get("kind"), "difficulty": entry} for entry in entries]
    return Curriculum.of_rows(rows, CurriculumConfig(**settings), seed)
