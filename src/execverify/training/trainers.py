"""The trainers by name: what runs the stages of a training.

A trainer is a function of a pipeline, the stages to run (of `STAGES`) and the model to start from, or None. It returns the exit
status of the command. A new one is registered by `TRAINERS.register(name, function)`.
"""

import importlib.util
from collections.abc import Callable, Sequence

from execverify.errors import TrainingError
from execverify.training.pipeline import TrainingPipeline
from execverify.utils.registry import Registry

Trainer = Callable[[TrainingPipeline, Sequence[str], str | None], int]


def train_with_trl(training: TrainingPipeline, stages: Sequence[str], model: str | None) -> int:
    """Runs the stages in this process, by TRL's trainers."""
    training.run(stages, model)
    return 0


def train_with_verl(training: TrainingPipeline, stages: Sequence[str], model: str | None) -> int:
    """Writes the run of one stage of RL for verl, and starts it where verl is installed.

    Raises:
        TrainingError: verl does not run this stage, or has not what the preset asks for.
    """
    from execverify.training.with_verl import launch
    from execverify.training.with_verl.config import check_for_verl

    if len(stages) != 1 or stages[0] == "sft":
        raise TrainingError(
            "verl runs white-box and unit-tests, one at a time; SFT runs on TRL: `execverify train sft`, then give its model by --model"
        )
    (stage,) = stages
    check_for_verl(training.preset, stage)
    model = training.prepare_external(stage, model)
    folder = launch.prepare(training.preset, stage, training.rows_for(stage), model, training.out / f"verl-{stage}")
    training.logger(f"{folder}: the run, its rows and settings are written")
    if importlib.util.find_spec("verl") is None:
        run = folder / launch.RUN
        training.logger(f"verl is not installed here: in an environment of its own, `{launch.INSTALL}`, then `bash {run}`")
        return 0
    return launch.launch(folder)


def _load() -> None:
    TRAINERS.register("trl", train_with_trl)
    TRAINERS.register("verl", train_with_verl)


TRAINERS: Registry[Trainer] = Registry("trainer", TrainingError, _load)
"""Every trainer by name."""
