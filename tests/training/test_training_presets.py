"""Presets: every file is read and checked, the paper's figures stand in its own, and what is wrong is told in one line."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from execverify.errors import TrainingError
from execverify.evaluation.benchmarks.heldout import BENCHMARK as OWN
from execverify.questions.question import KINDS
from execverify.training.config import SCHEDULERS, Preset
from execverify.training.presets import FOLDER, load_preset, preset_names
from execverify.training.run_dir import changed_settings as names_of

PAPER = {  # section 4.1 of the paper
    "model.base": "Qwen/Qwen2.5-Coder-7B-Instruct",
    "sft.rows": 30_000, "sft.learning_rate": 1e-5, "sft.lr_scheduler_type": "cosine", "sft.warmup_ratio": 0.1,
    "sft.num_train_epochs": 2.0, "sft.batch_size": 16,
    "sft.max_length": 4096,
    "rl_whitebox.rows": 32_000, "rl_whitebox.learning_rate": 1e-6, "rl_whitebox.prompts_per_rollout": 128,
    "rl_whitebox.num_generations": 8, "rl_whitebox.mini_batch_size": 64,
    "rl_whitebox.max_prompt_length": 2048, "rl_whitebox.max_completion_length": 4096, "rl_whitebox.beta": 0.0,
    "rl_whitebox.num_train_epochs": 4.0, "rl_whitebox.alpha": 0.5,
    "rl_unit_tests.learning_rate": 1e-6, "rl_unit_tests.prompts_per_rollout": 128, "rl_unit_tests.num_generations": 8,
    "rl_unit_tests.mini_batch_size": 64, "rl_unit_tests.num_train_epochs": 5.0,
}  # fmt: skip

WRONG = {
    "rl_whitebox.learning_rat=1e-5": "did you mean rl_whitebox.learning_rate",
    "stage3.epochs=1": "there is no setting 'stage3'",
    "rl_whitebox=3": "rl_whitebox is a table of settings",
    "rl_whitebox.num_train_epochs=many": "rl_whitebox.num_train_epochs is 'many': give a number",
    "sft.rows=1.5": "sft.rows is 1.5: give a whole number",
    'sft.rows="3"': "sft.rows is '3': give a whole number",
    "sft.rows=true": "sft.rows is True: give a whole number",
    'rl_whitebox.alpha="0.5"': "rl_whitebox.alpha is '0.5': give a number",
    "sft.packing=1": "sft.packing is 1: give true or false",
    "model.base.name=x": "did you mean model.base",
    "seed.name=x": "seed holds no others",
    "trl=3": "trl is 3: give a table",
    "sft.cot_style=5": "there is no sft.cot_style '5'",
    "rl_whitebox.kinds=[1]": "give a list of texts",
    "rl_whitebox.reward=whitebox": "did you mean white_box?",
    "rl_whitebox.kinds=white": "did you mean white_box?",
    "rl_whitebox.kinds=code_generation": "does not judge rows of rl_whitebox.kinds code_generation",
    "rl_whitebox.num_generations=1": "a group needs 2 completions",
    "rl_whitebox.prompts_per_rollout=65": "must be a multiple of rl_whitebox.mini_batch_size",
    "rl_whitebox.per_device_batch_size=7": "must be a multiple of rl_whitebox.per_device_batch_size",
    "rl_whitebox.temperature=0": "temperature must be above 0",
    "sft.per_device_batch_size=5": "sft.batch_size must be a multiple",
    "model.dtype=float8": "did you mean float32 or bfloat16?",
    "model.heads=5": "model.hidden must be a multiple of model.heads",
    "data.levels=7": "there is no level 7",
    "data.splits=train=1": "it needs both train and test",
    "evaluation.batch_size=0": "evaluation.batch_size is 0: give 1 or more",
    "save_steps=0": "save_steps is 0",
    "epochs": "'epochs' sets nothing: write it like",
    "sft.lr_scheduler_type=cosin": "did you mean cosine",
    "rl_whitebox.lr_scheduler_type=foo": "there is no rl_whitebox.lr_scheduler_type 'foo': it must be one of constant,",
    "rl_whitebox.loss_type=grop": "did you mean grpo?",
    "rl_unit_tests.scale_rewards=grup": "did you mean group?",
    "rl_whitebox.kinds=": "rl_whitebox.kinds is empty: name some of white_box",
    "data.kinds=code_generation": "rl_unit_tests.rows and sft.tasks make rows of code generation",
    "data.kinds=white": "did you mean white_box?",
    "data.kinds=": "a dataset needs a kind of rows",
    "seed=4294967296": "seed is 4294967296: give 4294967295 or less",
    "data.inputs_per_program=0": "inputs_per_program must be 1 or more",
    "data.max_steps=0": "steps must be 1 or more",
    "data.builtins=str.uper": "did you mean",
    "data.value_types=integer": "there is no type 'integer'",
    "data.prompt_template=defalt": "did you mean default",
    "sft.cot_style=compct": "did you mean compact?",
    "sft.cot_detail=ful": "did you mean full?",
    "sft.warmup_ratio=7": "sft.warmup_ratio is 7, and it is a share: give 0 or more, and less than 1",
    "rl_whitebox.warmup_ratio=1.0": "rl_whitebox.warmup_ratio is 1, and it is a share",
    "seed=-1": "seed is -1: give 0 or more",
    "sft.rows=-1": "sft.rows is -1: give 0 or more",
    "rl_unit_tests.rows=-5": "rl_unit_tests.rows is -5: give 0 or more",
    "evaluation.tasks=-1": "evaluation.tasks is -1: give 0 or more",
    "rl_whitebox.learning_rate=-1e-5": "rl_whitebox.learning_rate is -1e-05: give 0 or more",
    "rl_whitebox.learning_rate=nan": "rl_whitebox.learning_rate is nan: give 0 or more",
    "sft.num_train_epochs=-1": "sft.num_train_epochs is -1: give more than 0",
    "rl_whitebox.num_train_epochs=0": "rl_whitebox.num_train_epochs is 0: give more than 0",
    "rl_whitebox.epsilon=-0.2": "rl_whitebox.epsilon is -0.2: give 0 or more",
    "rl_unit_tests.epsilon_high=-1": "rl_unit_tests.epsilon_high is -1: give 0 or more",
    "rl_whitebox.difficulty_filter_samples=1": "one sample differs from none",
    "hardware.memory=-1": "hardware.memory is -1: give 0 or more",
    "evaluation.cruxeval=nowhere.jsonl": "evaluation.cruxeval is 'nowhere.jsonl': no such file",
    "evaluation.unseen_methods=max": "training sees all methods",
    "evaluation.unseen_methods=maxx": "did you mean",
    "data.from_folder=2024-01-01": "data.from_folder is '2024-01-01': no such folder",
    "rl_unit_tests.source=nowhere.parquet": "rl_unit_tests.source is 'nowhere.parquet': no such file",
}


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_whole(name: str) -> None:
    preset = load_preset(name)
    assert preset.description
    assert OWN.answer_format(preset.data.prompt_template) == "execverify"  # what trains with a prompt is measured with it
    assert (FOLDER / f"{name}.toml").read_text(encoding="utf-8").startswith("# ")  # a person is told what it is for
    assert Preset(**dict(preset)) == preset


def test_the_papers_own_figures() -> None:
    preset = load_preset("paper-7b")
    for dotted, value in PAPER.items():
        table, _, name = dotted.partition(".")
        assert getattr(getattr(preset, table), name) == value, dotted
    assert preset.rl_whitebox.rows == 20_000 + 12_000
    assert preset.data.max_questions == 2 * 5 and len(KINDS) == 2


@pytest.mark.parametrize(("change", "told"), WRONG.items())
def test_what_is_wrong_is_told_in_one_line(change: str, told: str) -> None:
    with pytest.raises(TrainingError) as caught:
        load_preset("paper-7b", [change])
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["data.builtins=abs, max", "evaluation.unseen_methods=max, min"], "take max out of one of them"),
        (["data.kinds=white_box", "rl_whitebox.kinds=input_prediction"], "and data.kinds only white_box"),
    ],
)
def test_settings_that_do_not_go_together(changes: list[str], told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        load_preset("paper-7b", changes)


def test_a_text_is_a_text_whatever_it_looks_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("2024-01-01", "1e3", "true", "5"):
        Path(folder).mkdir()
        assert load_preset("tiny", [f"data.from_folder={folder}"]).data.from_folder == folder
    assert load_preset("tiny", ['data.from_folder="2024-01-01"', "data.levels=3"]).data.from_folder == "2024-01-01"
    assert load_preset("tiny", ["evaluation.unseen_methods=str.upper"]).evaluation.unseen_methods == ("str.upper",)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_engine_has_every_schedule(name: str) -> None:
    optimization = pytest.importorskip("transformers", reason="needs the extra [train]").optimization
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    assert (
        optimization.get_scheduler(name, optimizer, num_warmup_steps=1, num_training_steps=4).get_last_lr() == [0.0]
        or name == "constant"
    )


def test_changed_settings() -> None:
    preset = load_preset("tiny")
    changed = preset.replace(seed=3).with_settings("rl_whitebox", reward="output_only")
    assert (changed.seed, changed.rl_whitebox.reward, changed.rl_whitebox.rows) == (3, "output_only", preset.rl_whitebox.rows)
    assert (preset.seed, preset.rl_whitebox.reward) == (0, "white_box")
    with pytest.raises(TypeError, match="no such settings: sed"):
        preset.replace(sed=3)
    with pytest.raises(ValidationError, match="frozen"):
        preset.seed = 3
    assert (
        Preset().rl_unit_tests.kinds
        == Preset.from_values({"rl_unit_tests": {"rows": 1}}).rl_unit_tests.kinds
        == ("code_generation",)
    )
    assert Preset.from_values(preset.as_json()) == preset


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
        str(mine), ["rl_whitebox.learning_rate=1", "rl_whitebox.reward=output_only", "verl.trainer.nnodes=2", "trl.use_vllm=true"]
    )
    assert (changed.rl_whitebox.learning_rate, changed.rl_whitebox.reward) == (1.0, "output_only")
    assert dict(changed.verl) == {"trainer.nnodes": 2} and changed.trl["use_vllm"] is True
    names = set(names_of(load_preset("tiny").as_json(), changed.as_json()))
    assert names == {"rl_whitebox.learning_rate", "rl_whitebox.reward", "verl.trainer.nnodes", "trl.use_vllm"}
