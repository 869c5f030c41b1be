"""What a training shows while it runs: a short line an update in place of the engine's dictionary of all figures."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from execverify.training.checkpoints import ZERO_VARIANCE, Logger

_log = logging.getLogger(__name__)

SHOWN = {"loss": "loss", "reward": "reward"}
"""By metric of the log: its word in the line, as a number."""

SHARES = {
    "execverify/chain_true": "chains true", "execverify/output": "outputs right", ZERO_VARIANCE: "groups without variance",
}  # fmt: skip
"""The same, in percent."""

EVERY = 10.0
"""Seconds between two lines; the first and the last update always have one. Small models make many updates a second."""


def show_progress(trainer: Any, say: Logger = print) -> None:
    """Makes a trainer of transformers or TRL show a short line an update, and not all its figures in a dictionary.

    Args:
        trainer: the trainer. Its other callbacks stay.
        say: gets the lines.
    """
    hide_figures(trainer)
    trainer.add_callback(ProgressLines(say))


def hide_figures(trainer: Any) -> None:
    """Takes the engine's own progress out: it prints every figure, and a bar for each file that it writes."""
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)


class ProgressLines(TrainerCallback):
    """Says how far a training is: the update, the loss, the reward, the share of true chains, and the time that is left.

    All figures of an update are logged at the level DEBUG, which `--verbose` shows.

    Args:
        say: gets the lines.
        every: seconds between two lines.
    """

    def __init__(self, say: Logger, every: float = EVERY) -> None:
        self._say, self._every = say, every
        self._begun, self._first, self._told = time.monotonic(), 0, 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The time that is left is worked out from the updates of this start alone."""
        self._begun, self._first, self._told = time.monotonic(), state.global_step, 0.0

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """One line, where the last one is long enough ago."""
        if not logs or not state.is_world_process_zero or "train_runtime" in logs:
            return
        now = time.monotonic()
        _log.debug("update %d: %s", state.global_step, logs)
        if self._told and now - self._told < self._every and state.global_step < state.max_steps:
            return
        self._told = now
        done, left = state.global_step - self._first, state.max_steps - state.global_step
        seconds = (now - self._begun) / done * left if done > 0 else None
        self._say(progress_line(state.global_step, state.max_steps, logs, seconds))


def progress_line(update: int, updates: int, figures: Mapping[str, Any], seconds_left: float | None) -> str:
    """The line of an update.

    >>> progress_line(3, 20, {"loss": 0.25, "reward": 1.5, "execverify/chain_true": 0.125}, 90)
    'update 3 of 20: loss 0.250, reward 1.500, chains true 12.5%; 2 min left'
    """
    parts = [f"{word} {figures[name]:.3f}" for name, word in SHOWN.items() if isinstance(figures.get(name), float)]
    parts += [f"{word} {100 * figures[name]:.1f}%" for name, word in SHARES.items() if isinstance(figures.get(name), float)]
    left = f"; {_duration(seconds_left)} left" if seconds_left and update < updates else ""
    return f"update {update} of {updates}: {', '.join(parts)}{left}"


def _duration(seconds: float) -> str:
    """Seconds to 90, then minutes to 90, then hours."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
