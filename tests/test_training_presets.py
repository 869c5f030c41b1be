"""Presets: every file is read and checked, the paper's figures stand in its own, and what is wrong is told in one line."""

import dataclasses
from pathlib import Path

import pytest

from execverify.errors import TrainingError
from execverify.questions.question import KINDS
from execverify.training.preset import FOLDER, Preset, load_preset, preset_names
from execverify.training.run import _changed

PAPER = {  # section 4.1 of the paper
    "model.base": "Qwen/Qwen2.5-Coder-7B-Instruct",
    "sft.rows": 30_000, "sft.learning_rate": 1e-5, "sft.scheduler": "cosine", "sft.warmup": 0.1, "sft.epochs": 2.0, "sft.batch": 16,
    "sft.max_tokens": 4096,
    "stage1.rows": 32_000, "stage1.learning_rate": 1e-6, "stage1.prompts": 128, "stage1.rollouts": 8, "stage1.mini_batch": 64,
    "stage1.max_prompt": 2048, "stage1.max_completion": 4096, "stage1.beta": 0.0, "stage1.epochs": 4.0, "stage1.alpha": 0.5,
    "stage2.learning_rate": 1e-6, "stage2.prompts": 128, "stage2.rollouts": 8, "stage2.mini_batch": 64, "stage2.epochs": 5.0,
}  # fmt: skip

WRONG = {
    "stage1.learning_rat=1e-5": "did you mean stage1.learning_rate",
    "stage3.epochs=1": "there is no setting 'stage3'",
    "stage1=3": "stage1 is a table of settings",
    "stage1.epochs=many": "stage1.epochs is 'many': give a number",
    "sft.rows=1.5": "sft.rows is 1.5: give a whole number",
    "sft.packing=1": "sft.packing is 1: give true or false",
    "stage1.kinds=[1]": "give a list of texts",
    "stage1.reward=whitebox": "did you mean white_box?",
    "stage1.kinds=white": "did you mean white_box?",
    "stage1.kinds=code_generation": "does not judge rows of stage1.kinds code_generation",
    "stage1.rollouts=1": "a group needs 2 completions",
    "stage1.prompts=65": "must be a multiple of stage1.mini_batch",
    "stage1.device_batch=7": "must be a multiple of stage1.device_batch",
    "stage1.temperature=0": "temperature must be above 0",
    "sft.device_batch=5": "sft.batch must be a multiple",
    "model.dtype=float8": "give float32 or bfloat16",
    "model.heads=5": "model.hidden must be a multiple of model.heads",
    "data.levels=7": "there is no level 7",
    "data.splits=train=1": "it needs both train and test",
    "evaluation.batch=0": "evaluation.batch is 0: give 1 or more",
    "save_steps=0": "save_steps is 0",
    "epochs": "'epochs' sets nothing: write it like",
}


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_whole(name: str) -> None:
    preset = load_preset(name)
    assert preset.about
    assert (FOLDER / f"{name}.toml").read_text(encoding="utf-8").startswith("# ")  # a person is told what it is for
    assert Preset(**{field.name: getattr(preset, field.name) for field in dataclasses.fields(preset)}) == preset


def test_the_papers_own_figures() -> None:
    preset = load_preset("paper-7b")
    for dotted, value in PAPER.items():
        table, _, name = dotted.partition(".")
        assert getattr(getattr(preset, table), name) == value, dotted
    assert preset.stage1.rows == 20_000 + 12_000
    assert preset.data.limit == 2 * 5 and len(KINDS) == 2


@pytest.mark.parametrize(("change", "told"), WRONG.items())
def test_what_is_wrong_is_told_in_one_line(change: str, told: str) -> None:
    with pytest.raises(TrainingError) as caught:
        load_preset("paper-7b", [change])
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_presets_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="did you mean tiny"):
        load_preset("tinny")
    with pytest.raises(TrainingError, match="no such file"):
        load_preset(str(tmp_path / "mine.toml"))
    (tmp_path / "broken.toml").write_text("[model\n", encoding="utf-8")
    with pytest.raises(TrainingError, match="cannot be read as a preset"):
        load_preset(str(tmp_path / "broken.toml"))


def test_a_copied_preset_and_its_changes(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text((FOLDER / "tiny.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert load_preset(str(mine)) == load_preset("tiny")
    changed = load_preset(
        str(mine), ["stage1.learning_rate=1", "stage1.reward=output_only", "verl.trainer.nnodes=2", "trl.use_vllm=true"]
    )
    assert (changed.stage1.learning_rate, changed.stage1.reward) == (1.0, "output_only")
    assert dict(changed.verl) == {"trainer.nnodes": 2} and changed.trl["use_vllm"] is True
    names = set(_changed(load_preset("tiny").as_json(), changed.as_json(), ""))
    assert names == {"stage1.learning_rate", "stage1.reward", "verl.trainer.nnodes", "trl.use_vllm"}
