"""Several processes that train together on one machine, as `accelerate launch` or `torchrun` starts them.

The first one prepares, measures and writes; the others wait for it by files, for a measurement takes longer than engines let each
other wait.
"""

import os
import time
from pathlib import Path

_PAUSE = 0.2


def world_size() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the one that prepares, measures and writes."""
    return int(os.environ.get("RANK", "0")) == 0


def wait_for_main(out: Path, stage: str) -> None:
    """The first process marks a stage as prepared; the others wait for that mark.

    Args:
        out: folder of the training.
        stage: that begins. The launcher's process is part of the sign, so that a mark of an earlier start has no effect.
    """
    if world_size() == 1:
        return
    sign = out / f".{stage}-begins-{os.getppid()}"
    if is_first():
        for old in out.glob(f".{stage}-begins-*"):
            old.unlink(missing_ok=True)
        sign.touch()
    else:
        wait_for_file(sign)


def wait_for_file(path: Path) -> None:
    """Waits until a file is there. A launcher ends all processes when one fails, so that nobody waits for ever."""
    while not path.exists():
        time.sleep(_PAUSE)
