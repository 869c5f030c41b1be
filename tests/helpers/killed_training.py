"""A training that the system kills: `python -m tests.helpers.killed_training STAGE UPDATE WORDS...`, as `execverify WORDS...`.

The process sends itself SIGKILL as soon as this update of this stage is in the log, so that no clock decides where it ends.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.helpers.tiny_training import words


def kill(stage: str, update: int, out: Path, given: str, *more: str) -> None:
    """Runs a training until it is killed.

    Args:
        stage: the stage that is killed.
        update: after which of its updates.
        out: the training's folder.
        given: the stage, or "all", that the command names.
        more: options of the command.
    """
    program = [sys.executable, "-m", "tests.helpers.killed_training", stage, str(update), *words(given, out, *more)]
    ended = subprocess.run(program, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert ended.returncode == -signal.SIGKILL, ended.stderr


if __name__ == "__main__":
    from execverify.cli import main
    from execverify.training.with_trl.step_logs import JsonlLogCallback

    stage, update, sys.argv[1:] = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    log = JsonlLogCallback.on_log

    def on_log(self: JsonlLogCallback, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
        log(self, args, state, control, logs, **more)
        if Path(args.output_dir).name == stage and state.global_step == update:
            os.kill(os.getpid(), signal.SIGKILL)

    JsonlLogCallback.on_log = on_log  # type: ignore[method-assign]
    main()
