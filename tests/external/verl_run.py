"""verl's own trainer on what `prepare` writes: stopped, gone on with, validated, its model read back. On the processor.

Run by pytest in verl's own environment (`make verl`). Completions come from a list (`verl_cpu_backend.py`); the rest is verl's.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from execverify.questions.rows import to_row
from execverify.training.config import Preset
from execverify.training.presets import load_preset
from execverify.training.with_verl.credits import PLUGIN
from execverify.training.with_verl.launch import prepare, trained_model
from execverify.training.with_verl.metrics import figures
from tests.external.rows import completions, rows
from tests.helpers import step_group
from tests.helpers.small_models import random_model

ROOT = Path(__file__).parents[2]
SMALL = [
    "rl_whitebox.prompts_per_rollout=2", "rl_whitebox.mini_batch_size=1", "rl_whitebox.per_device_batch_size=1",
    "rl_whitebox.num_generations=3", "rl_whitebox.num_train_epochs=1", "save_steps=2",
    "rl_whitebox.max_prompt_length=4000", "rl_whitebox.max_completion_length=600", "rl_whitebox.learning_rate=0.01",
    "model.dtype=float32", "hardware.gpus=1",
    "report_to=[]", "seed=5",
]  # fmt: skip
ON_CPU_MODULES = "tests.external.verl_cpu_platform,tests.external.verl_cpu_backend"
ON_CPU = {
    "actor_rollout_ref.rollout.name": "listed",
    "actor_rollout_ref.rollout.tensor_model_parallel_size": 1,
    "actor_rollout_ref.rollout.agent.num_workers": 1,
    "actor_rollout_ref.model.use_remove_padding": False,
    "+actor_rollout_ref.model.override_config.attn_implementation": "sdpa",
    "actor_rollout_ref.actor.strategy": "fsdp2",
    "actor_rollout_ref.actor.use_torch_compile": False,
    "actor_rollout_ref.actor.fsdp_config.use_torch_compile": False,
    "data.dataloader_num_workers": 0,
    "reward.num_workers": 1,
    "trainer.device": "cpu",
    "trainer.n_gpus_per_node": 1,
    "transfer_queue.backend.SimpleStorage.num_data_storage_units": 1,
    "ray_kwargs.ray_init.num_cpus": 8,
    "+ray_kwargs.ray_init.resources.NPU": 1,
    "+ray_kwargs.ray_init.include_dashboard": False,
}


@pytest.fixture(scope="module")
def made() -> list[dict[str, Any]]:
    """Rows of stage I: six to train on, two for validation."""
    return [row for row in rows() if row["kind"] != "code_generation"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model("llama", tmp_path_factory.mktemp("model"))


def listed(model: Path, made: list[dict[str, Any]], path: Path) -> Path:
    """The completions of each prompt, worst first, as token ids."""
    tokenizer = AutoTokenizer.from_pretrained(model)

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    known = {}
    for row in made:
        prompt = ids(tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True))
        found = completions(row)
        known[" ".join(map(str, prompt))] = [ids(found[reward] + tokenizer.eos_token) for reward in sorted(found)]
    path.write_text(json.dumps(known))
    return path


def run(folder: Path, rollouts: Path, *words: str) -> str:
    """The run's own command, here and now; returns what it printed."""
    source = Path(sys.modules["execverify"].__file__ or "").parents[1]
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(map(str, (source, ROOT))),
        "VERL_PLATFORM": "processor",
        "VERL_ENGINE_DEVICE": "cuda",  # the engine that is registered for it
        "VERL_USE_EXTERNAL_MODULES": ON_CPU_MODULES,
        "EXECVERIFY_ROLLOUTS": str(rollouts),
    }
    done = subprocess.run(
        ["bash", str(folder / "run.sh"), *words], env=environment, capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def logged(folder: Path) -> dict[int, dict[str, float]]:
    """verl's figures by step, of all starts."""
    found: dict[int, dict[str, float]] = {}
    for file in sorted(folder.glob("log*.jsonl")):
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            found.setdefault(entry["step"], {}).update(entry["data"])
    return found


def weights(folder: Path) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_a_run_is_stopped_and_goes_on(model: Path, made: list[dict[str, Any]], tmp_path: Path) -> None:
    preset: Preset = load_preset("paper-7b", SMALL).replace(verl=ON_CPU)
    folder = prepare(preset, "rl_whitebox", made, str(model), tmp_path / "run")
    rollouts = listed(model, made, tmp_path / "listed.json")
    run(folder, rollouts, "trainer.total_training_steps=1")  # as if it had been stopped after a step of the three
    first = weights(trained_model(folder))
    assert (folder / "checkpoints" / "latest_checkpointed_iteration.txt").read_text() == "1"
    assert prepare(preset, "rl_whitebox", made, str(model), folder) == folder
    run(folder, rollouts)
    steps = logged(folder)
    assert (folder / "checkpoints" / "latest_checkpointed_iteration.txt").read_text() == "3"
    assert {1, 2, 3} <= steps.keys() and (folder / "log.1.jsonl").exists()
    # The model learned from the rewards: its weights moved in both runs, and can be read by anybody.
    before, last = weights(model), weights(trained_model(folder))
    assert not torch.equal(before, first) and not torch.equal(first, last) and torch.isfinite(last).all()
    assert all(steps[step]["actor/grad_norm"] > 0 for step in (1, 2, 3))
    # Each row was a prompt once, whatever stopped the run: the same order goes on.
    kept = [json.loads(line) for file in (folder / "rollouts").glob("*.jsonl") for line in file.read_text().splitlines()]
    assert len(kept) == 3 * 2 * 3
    trained = {entry["gts"] for entry in kept}
    assert len(trained) == 6
    # Rewards are those of the rule, in verl's figures and in ours.
    known = {text: reward for row in made for reward, text in completions(row).items()}
    assert all(entry["score"] == known[entry["output"]] for entry in kept)
    for told in figures(folder):
        step = int(told["step"])
        assert told["reward"] == pytest.approx(steps[step]["critic/rewards/mean"], abs=1e-5)
        assert told["completions"] == 6 and told["our failures"] == 0
    # Validation told the parts, by kind of row.
    for step in (1, 3):
        assert steps[step]["val-aux/execverify/white_box/output_asked/mean@1"] == 1.0
        assert "val-core/execverify/input_prediction/reward/mean@1" in steps[step]


def test_each_part_is_normalised_apart(model: Path, made: list[dict[str, Any]], tmp_path: Path) -> None:
    """GDPO, by verl's older trainer: a part that one group lacks does no harm there."""
    preset = load_preset("paper-7b", [*SMALL, "rl_whitebox.reward=per_component"]).replace(verl=ON_CPU)
    folder = prepare(preset, "rl_whitebox", made, str(model), tmp_path / "run")
    run(folder, listed(model, made, tmp_path / "listed.json"), "trainer.total_training_steps=2")
    told = {int(step["step"]): step for step in figures(folder)}
    for step, found in logged(folder).items():
        if step:
            shares = [found[f"gdpo/{part}_reward/mean"] for part in ("output", "input", "next_statement", "variable_state")]
            assert all(0 <= share <= 1 for share in shares) and any(shares)
            assert found["actor/grad_norm"] > 0 and abs(found["critic/advantages/mean"]) < 1e-3
            assert told[step]["our failures"] == 0


def test_groups_without_variance_are_drawn_again(model: Path, made: list[dict[str, Any]], tmp_path: Path) -> None:
    changes = [*SMALL, "rl_whitebox.difficulty_filter_samples=4", "rl_whitebox.max_steps=2"]
    preset = load_preset("paper-7b", changes).replace(verl=ON_CPU)
    folder = prepare(preset, "rl_whitebox", made, str(model), tmp_path / "run")
    known = json.loads(listed(model, made, tmp_path / "listed.json").read_text())
    trained = [prompt for prompt, row in zip(known, made, strict=True) if row["split"] == "train"]
    for prompt in trained[:4]:  # of six: all completions are wrong, and teach nothing
        known[prompt] = known[prompt][:1]
    (tmp_path / "listed.json").write_text(json.dumps(known))
    run(folder, tmp_path / "listed.json")
    assert [step["groups without variance"] for step in figures(folder)] == [0.0]
    assert logged(folder)[1]["training/filter_groups/evicted_samples"] >= 1


def test_a_curriculum_draws_the_same_after_a_stop(model: Path, made: list[dict[str, Any]], tmp_path: Path) -> None:
    plugins = f"{ON_CPU_MODULES},{PLUGIN}"
    table = {**ON_CPU, "+ray_kwargs.ray_init.runtime_env.env_vars.VERL_USE_EXTERNAL_MODULES": plugins}
    changes = [*SMALL, "rl_whitebox.curriculum=true", "rl_whitebox.curriculum_half_life=1.0"]
    preset = load_preset("paper-7b", changes).replace(verl=table)
    found = []
    for name, stops in (("stopped", ["trainer.total_training_steps=2"]), ("whole", [])):
        folder = prepare(preset, "rl_whitebox", made, str(model), tmp_path / name)
        rollouts = listed(model, made, tmp_path / "listed.json")
        for stop in stops:
            run(folder, rollouts, stop)
        run(folder, rollouts)
        steps = logged(folder)
        assert steps[1]["execverify/curriculum_pass_rate"] == 0.5 and steps[1]["execverify/curriculum_rows_seen"] == 2.0
        kept = [(file.stem, json.loads(line)["gts"]) for file in (folder / "rollouts").glob("*.jsonl") for line in file.open()]
        found.append((sorted(set(kept)), [steps[step]["execverify/curriculum_pass_rate"] for step in (1, 2, 3)]))
    assert found[0] == found[1] and len(found[0][0]) == 3 * 2


@pytest.mark.parametrize("reward", step_group.REWARDS_BY_NAME)
def test_each_reward_of_chains_by_hand(reward: str, model: Path, tmp_path: Path) -> None:
    """The group that is worked out by hand is a whole batch: verl's own figures of it, and what the model learns."""
    row = to_row(step_group.task())
    changes = [
        "prompts_per_rollout=1", "num_generations=4", "num_train_epochs=1", f"reward={reward}", "loss_type=dapo",
        "max_completion_length=300",
    ]  # fmt: skip
    plugins = f"{ON_CPU_MODULES},{PLUGIN}"
    table = {**ON_CPU, "+ray_kwargs.ray_init.runtime_env.env_vars.VERL_USE_EXTERNAL_MODULES": plugins}
    preset = load_preset("paper-7b", [*SMALL, *(f"rl_whitebox.{change}" for change in changes)]).replace(verl=table)
    folder = prepare(preset, "rl_whitebox", [row], str(model), tmp_path / "run")
    tokenizer = AutoTokenizer.from_pretrained(model)
    prompt, *texts = (
        tokenizer(text, add_special_tokens=False)["input_ids"]
        for text in (
            tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True),
            *(text + tokenizer.eos_token for text in step_group.GROUP),
        )
    )
    (tmp_path / "listed.json").write_text(json.dumps({" ".join(map(str, prompt)): texts}))
    run(folder, tmp_path / "listed.json")
    found = logged(folder)[1]
    values = [value for row in step_group.by_hand(reward) for value in row]
    assert found["critic/advantages/max"] == pytest.approx(max(values), abs=1e-5)
    assert found["critic/advantages/min"] == pytest.approx(min(values), abs=1e-5)
    assert found["critic/advantages/mean"] == pytest.approx(sum(values) / len(values), abs=1e-5)
    assert found["critic/rewards/mean"] == pytest.approx(sum(step_group.REWARDS_BY_NAME[reward]) / 4, abs=1e-5)
    if reward not in ("verified", "progress"):  # verl's own estimator and trainer take these
        assert found["execverify/chain_true"] == 0.5 and found["execverify/guessed"] == 0.5
    # The probability ratio is 1, and the loss is the mean over all tokens.
    assert found["actor/pg_loss"] == pytest.approx(-sum(values) / len(values), abs=1e-5)
    assert found["actor/grad_norm"] > 0 and not torch.equal(weights(model), weights(trained_model(folder)))
    (told,) = figures(folder)
    assert told["chain_true"] == 0.5 and told["guessed"] == 0.5 and told["our failures"] == 0
