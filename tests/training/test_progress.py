"""What a training shows while it runs: short lines, and all figures with --verbose alone."""

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("transformers", reason="training needs the extra [train]")

from transformers.trainer_callback import CallbackHandler, PrinterCallback, ProgressCallback

from execverify.training.with_trl import common
from execverify.training.with_trl.common import silence_engine_warnings
from execverify.training.with_trl.progress import ProgressLines, progress_line, show_progress

pytestmark = pytest.mark.training

LOGS = {"loss": 0.25, "reward": 1.5, "execverify/chain_true": 0.125, "kl": 0.1, "completions/mean_length": 31.0}


def _state(update: int, updates: int = 20) -> Any:
    return SimpleNamespace(global_step=update, max_steps=updates, is_world_process_zero=True)


def _said(lines: ProgressLines, *updates: int) -> None:
    for update in updates:
        lines.on_log(None, _state(update), None, dict(LOGS))


def test_a_line_names_what_a_reader_wants() -> None:
    assert progress_line(3, 20, LOGS, 150) == "update 3 of 20: loss 0.250, reward 1.500, chains true 12.5%; 2 min left"
    assert progress_line(20, 20, {"loss": 1.0}, 0.0) == "update 20 of 20: loss 1.000"
    assert progress_line(1, 20, {"loss": None, "reward": 0.0}, None) == "update 1 of 20: reward 0.000"


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (89, "89 s"), (91, "2 min"), (5_000, "83 min"), (9_000, "2.5 h")])
def test_time_left(seconds: float, text: str) -> None:
    assert progress_line(1, 2, {"loss": 1.0}, seconds).endswith(f"; {text} left")


def test_each_update_has_a_line_where_they_are_slow() -> None:
    said: list[str] = []
    _said(ProgressLines(said.append, every=0), 1, 2, 3)
    assert [line.split(":")[0] for line in said] == [f"update {number} of 20" for number in (1, 2, 3)]


def test_fast_updates_have_the_first_line_and_the_last() -> None:
    said: list[str] = []
    _said(ProgressLines(said.append, every=1_000), *range(1, 21))
    assert [line.split(":")[0] for line in said] == ["update 1 of 20", "update 20 of 20"]


def test_the_time_left_counts_the_updates_of_this_start() -> None:
    said: list[str] = []
    lines = ProgressLines(said.append, every=0)
    lines.on_train_begin(None, _state(10), None)
    lines._begun -= 100  # 100 seconds ago
    _said(lines, 11)
    assert said[0].endswith("; 15 min left")  # nine more, 100 seconds each


def test_all_figures_are_logged_for_verbose_alone(caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []
    with caplog.at_level("DEBUG", "execverify"):
        _said(ProgressLines(said.append, every=1_000), 1, 2)
    assert len(said) == 1 and "kl" not in said[0]
    assert [one.levelname for one in caplog.records] == ["DEBUG", "DEBUG"]
    assert all("'completions/mean_length': 31.0" in one.getMessage() for one in caplog.records)


def test_other_processes_and_the_summary_at_the_end_say_nothing() -> None:
    said: list[str] = []
    lines = ProgressLines(said.append, every=0)
    lines.on_log(None, SimpleNamespace(global_step=1, max_steps=2, is_world_process_zero=False), None, dict(LOGS))
    lines.on_log(None, _state(20), None, {"train_runtime": 3.0, "train_loss": 0.1})
    assert not said


@pytest.mark.parametrize(
    ("message", "category", "module", "is_shown"),
    [
        ("`gradient_checkpointing` is deprecated and will be removed in v6.", FutureWarning, "transformers.training_args", False),
        ("`is_gradient_checkpointing` is deprecated and will be removed", FutureWarning, "transformers.modeling_utils", False),
        ("`use_liger_kernel=True` is deprecated", FutureWarning, "transformers.training_args", True),  # a user's setting
        ("any", FutureWarning, "torch.utils.data", False),
        ("any", UserWarning, "torch.utils.data", True),
        ("any", FutureWarning, "trl.trainer.grpo_config", True),
        ("`gradient_checkpointing` is deprecated", FutureWarning, "execverify.training.with_trl.grpo", True),
    ],
)
def test_only_what_engines_warn_each_other_of_is_hidden(
    message: str, category: type[Warning], module: str, is_shown: bool
) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.resetwarnings()
        silence_engine_warnings()
        warnings.warn_explicit(message, category, "file.py", 1, module=module)
    assert bool(shown) == is_shown


def test_warnings_of_engines_are_hidden_in_one_place() -> None:
    folder = Path(common.__file__).parent
    users = {path.name for path in folder.rglob("*.py") if "filterwarnings" in path.read_text(encoding="utf-8")}
    assert users == {"common.py"}


@pytest.mark.parametrize("own", [PrinterCallback, ProgressCallback])
def test_the_engines_own_progress_is_replaced(own: Any) -> None:
    handler = CallbackHandler([own()], None, None, None, None)
    trainer = SimpleNamespace(remove_callback=handler.remove_callback, add_callback=handler.add_callback)
    show_progress(trainer)
    assert [type(one) for one in handler.callbacks] == [ProgressLines]
