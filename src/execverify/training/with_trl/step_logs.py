"""What a training keeps of itself: all figures of each update, and some completions of each rollout with every answer graded."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from execverify.rewards.parse import completion_text
from execverify.training.checkpoints import LOG, SAMPLES, seconds_before
from execverify.utils.messages import encodable

_SAMPLES = 4
_GROUP = 8  # completions of one prompt that are logged at most


class LoggedReward:
    """A reward function that is timed, and whose last completions can be looked at.

    Args:
        reward: the function of TRL's kind that it stands for. Where it credits tokens, this one does too.

    Attributes:
        seconds: that it took so far.
        last: some of the last completions.
    """

    def __init__(self, reward: Any) -> None:
        self.reward = reward
        self.seconds = 0.0
        self.last: list[dict[str, Any]] = []
        self.__name__ = reward.__name__
        if hasattr(reward, "credits"):
            self.credits = self._timed_credits

    @property
    def last_scores(self) -> Any:
        """The function's own, where it keeps them."""
        return getattr(self.reward, "last_scores", None)

    def _timed_credits(self, *args: Any) -> Any:
        begun = time.perf_counter()
        try:
            return self.reward.credits(*args)
        finally:
            self.seconds += time.perf_counter() - begun

    def __call__(self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        """The function's own rewards."""
        begun = time.perf_counter()
        graded: list[Any] = []
        heard = columns.pop("log_extra", None)
        columns["log_extra"] = lambda name, values: graded.extend(values)
        rewards: list[float | None] = self.reward(prompts=prompts, completions=completions, **columns)
        self.seconds += time.perf_counter() - begun
        if heard is not None and graded:
            heard("graded", graded)
        ids = columns.get("id") or [None] * len(completions)
        self.last = [
            {
                "id": ids[i],
                "prompt": completion_text(prompts[i]),
                "completion": completion_text(completions[i]),
                self.__name__: rewards[i],
                "graded": graded[i] if graded else "",
            }
            for i in _logged(ids, prompts)
        ]
        return rewards


def _logged(ids: Sequence[Any], prompts: Sequence[Any]) -> list[int]:
    """Which completions of a rollout are logged: some, evenly over it, and with the first the others of its prompt."""
    every = max(1, len(ids) // _SAMPLES)
    spread = list(range(0, len(ids), every))[:_SAMPLES]
    group = [i for i in range(len(ids)) if (ids[i], prompts[i]) == (ids[0], prompts[0])][:_GROUP]
    return sorted({*spread, *group})


class JsonlLogCallback(TrainerCallback):
    """Writes the engine's figures, update by update, with the seconds that rollouts, rewards and updates took; these are added to the
    figures themselves, for the trackers that come after it.

    Args:
        folder: of the stage.
        rewards: the reward functions; none in SFT.
        rollout_seconds: how long rollouts took so far, without the rewards.
    """

    def __init__(self, folder: Path, rewards: Sequence[LoggedReward], rollout_seconds: Callable[[], float]) -> None:
        self._folder, self._rewards, self._rollout = folder, rewards, rollout_seconds
        self._seen = [0.0, 0.0]
        self._begun = time.perf_counter()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A training that goes on counts the seconds of its earlier starts."""
        if state.is_world_process_zero:
            self._begun = time.perf_counter() - seconds_before(self._folder)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """One line of the log."""
        if not logs or not state.is_world_process_zero or "train_runtime" in logs:
            return
        now = time.perf_counter()
        reward, rollout = sum(entry.seconds for entry in self._rewards), self._rollout()
        logs["seconds"] = round(now - self._begun, 3)
        if self._rewards:
            logs["time/reward"] = round(reward - self._seen[0], 4)
            logs["time/rollout"] = round(rollout - self._seen[1], 4)
            logs["time/update"] = round(
                max(0.0, logs.get("step_time", 0.0) - rollout + self._seen[1] - reward + self._seen[0]), 4
            )
        self._seen = [reward, rollout]
        line = {"step": state.global_step, **logs}
        self._append(LOG, line)
        for entry in self._rewards:
            for sample in entry.last:
                self._append(SAMPLES, {"step": state.global_step, **sample})
            entry.last = []

    def _append(self, name: str, line: dict[str, Any]) -> None:
        with (self._folder / name).open("a", encoding="utf-8") as file:
            file.write(encodable(json.dumps(line, ensure_ascii=False)) + "\n")
