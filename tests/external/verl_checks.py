"""What verl itself says of our settings, files and rewards. Run by pytest in verl's own environment, on CPU (`make verl`)."""

import asyncio
import inspect
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from tensordict import TensorDict
from verl import DataProto
from verl.experimental.reward_loop.reward_loop import RewardLoopManager, RewardLoopWorker
from verl.trainer.ppo.core_algos import (
    agg_loss,
    compute_gdpo_outcome_advantage,
    compute_grpo_outcome_advantage,
    compute_policy_loss_vanilla,
    get_adv_estimator_fn,
)
from verl.trainer.ppo.ray_trainer import compute_advantage
from verl.trainer.ppo.reward import get_custom_reward_fn, load_reward_manager, resolve_reward_manager_cls
from verl.trainer.ppo.utils import need_critic, need_reference_policy
from verl.trainer.ppo.v1 import get_trainer_cls
from verl.utils import hf_tokenizer
from verl.utils.config import omega_conf_to_dataclass, validate_config
from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn
from verl.utils.tracking import Tracking

from execverify.errors import SandboxError, TrainingError
from execverify.questions.rows import to_row
from execverify.rewards import REWARDS, CreditReward
from execverify.rewards.verl import compute_score
from execverify.training.config import Preset
from execverify.training.presets import load_preset, preset_names
from execverify.training.token_credits import TokenCredits
from execverify.training.with_verl.config import TRACKERS, Settings, overrides, reward_keys, verl_settings
from execverify.training.with_verl.credits import BY_CURRICULUM, ESTIMATOR, STEPS_BY_CURRICULUM
from execverify.training.with_verl.launch import prepare, prompt_length
from execverify.training.with_verl.plugin import BatchSteps, steps_of_batch
from execverify.training.with_verl.rows import Exported, export
from tests.external.rows import completions, rows
from tests.helpers import step_group
from tests.helpers.small_models import random_model

SMALL = [
    "rl_whitebox.prompts_per_rollout=4",
    "rl_whitebox.mini_batch_size=2",
    "rl_whitebox.per_device_batch_size=2",
    "rl_whitebox.num_generations=2",
    "rl_whitebox.num_train_epochs=2",
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights with a tokenizer of bytes."""
    return random_model("llama", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(rows(), tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True, scope="module")
def verls_configuration() -> Iterator[None]:
    with initialize_config_module("verl.trainer.config", version_base=None):
        yield


def composed(settings: Settings) -> DictConfig:
    return compose("ppo_trainer", overrides=overrides(settings))


def changed(preset: Preset, stage: str, **changes: Any) -> Preset:
    return preset.with_settings(stage, **changes)


# ---------------------------------------------------------------------------------------------------- configuration

VARIANTS: list[dict[str, Any]] = [
    {},
    {"reward": "output_only"},
    {"reward": "control_flow"},
    {"reward": "data_flow", "alpha": 0.25},
    {"reward": "per_component"},
    {"reward": "constant"},
    {"reward": "verified"},
    {"reward": "progress"},
    {"reward": "step"},
    {"reward": "bilevel", "loss_type": "dapo", "difficulty_filter_samples": 4},
    {"reward": "first_divergence", "beta": 0.01},
    {"loss_type": "dapo", "epsilon_high": 0.28, "difficulty_filter_samples": 4},
    {"loss_type": "dr_grpo", "scale_rewards": "none"},
    {"beta": 0.01, "lr_scheduler_type": "cosine", "warmup_ratio": 0.1},
    {"max_steps": 3, "num_train_epochs": 0.5},
]


def trained_by_verl(name: str, stage: str) -> Preset:
    """A preset without what only TRL has."""
    preset = load_preset(name)
    rl = preset.stage(stage)
    scale = rl.scale_rewards if rl.scale_rewards != "batch" else "group"
    scheduler = rl.lr_scheduler_type if rl.lr_scheduler_type in ("constant", "cosine") else "constant"
    return changed(preset, stage, mask_truncated_completions=False, scale_rewards=scale, lr_scheduler_type=scheduler)


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("stage", ["rl_whitebox", "rl_unit_tests"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: ",".join(map(str, variant.values())) or "as it is")
def test_verl_takes_every_setting_as_it_is_meant(
    name: str, stage: str, variant: dict[str, Any], model: Path, exported: Exported
) -> None:
    if stage == "rl_unit_tests" and "reward" in variant:
        pytest.skip("ablations are of stage I")
    preset = changed(trained_by_verl(name, stage), stage, **variant)
    account = Exported(exported.folder)
    account.rows.update(train=200_000, validation=100)
    settings = verl_settings(preset, stage, account, str(model), Path("run"))
    config = composed(settings)
    for dotted, value in settings.items():
        found = OmegaConf.select(config, dotted.lstrip("+"))
        plain = OmegaConf.to_container(found) if OmegaConf.is_config(found) else found
        assert (type(plain), plain) == (type(value), value), dotted
    validate_config(config, need_reference_policy(config), need_critic(config))
    assert not need_critic(config)
    assert need_reference_policy(config) == (preset.stage(stage).beta > 0)
    for part in ("actor_rollout_ref.actor", "actor_rollout_ref.rollout", "algorithm"):
        assert omega_conf_to_dataclass(OmegaConf.select(config, part)) is not None
    assert get_custom_reward_fn(config) is not None
    assert resolve_reward_manager_cls(config) is not None
    assert get_trainer_cls(config.trainer.v1.trainer_mode) is not None
    assert config.algorithm.adv_estimator == "grpo" or get_adv_estimator_fn(config.algorithm.adv_estimator) is not None


@pytest.mark.parametrize(
    "wrong", ["data.train_batchsize=8", "actor_rollout_ref.actor.cliprange=0.2", "trainer.total_epoch=1", "reward.fn.path=x"]
)
def test_a_misspelt_setting_is_refused(wrong: str, exported: Exported) -> None:
    """Otherwise the test above would show nothing."""
    name, _, value = wrong.partition("=")
    preset = load_preset("paper-7b", SMALL).replace(verl={name: value})
    with pytest.raises(HydraException, match=r"Could not override|Key .* is not in struct"):
        composed(verl_settings(preset, "rl_whitebox", exported, "m", Path("run")))


@pytest.mark.parametrize(
    "text",
    ["a b", "a=b", "x,y", "it's", 'say "hi"', "back\\slash", "end\\", 'q\\"z', "1e-6", "007", "-1", "true", "None", "null", "[a]",
     "{b}", "é", "~/x", "a:b", "", "$HOME", "%", "(x)", " lead", "trail ", "#x", "!t", 'a\\\\"b', "\\\\", "/a/b.parquet"],
)  # fmt: skip
def test_hydra_reads_every_text_back(text: str) -> None:
    config = compose("ppo_trainer", overrides=overrides({"trainer.experiment_name": text}))
    assert config.trainer.experiment_name == text


def test_trackers_and_reward_managers_are_those_that_verl_has() -> None:
    assert {*TRACKERS, "console", "file"} <= set(Tracking.supported_backend)


def test_the_written_command_composes_in_verls_own_program(model: Path, tmp_path: Path) -> None:
    folder = prepare(load_preset("paper-7b", SMALL), "rl_whitebox", rows(), str(model), tmp_path / "a run")
    done = subprocess.run(
        ["bash", str(folder / "run.sh"), "--cfg", "job"],
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    config = OmegaConf.create(done.stdout)
    told = json.loads((folder / "settings.json").read_text())["settings"]
    for dotted, value in told.items():
        found = OmegaConf.select(config, dotted.lstrip("+"))
        assert (OmegaConf.to_container(found) if OmegaConf.is_config(found) else found) == value, dotted


def test_the_example_composes_in_verls_own_program(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    script = Path(__file__).parents[2] / "examples" / "verl" / "run.sh"
    environment = {"PYTHON": sys.executable, "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    environment |= {"ROWS": str(tmp_path), "OUT": str(tmp_path)}
    command = ["bash", str(script), "--cfg", "job"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    config = OmegaConf.create(done.stdout)
    assert config.reward.custom_reward_function.name == "compute_score" and config.actor_rollout_ref.rollout.n == 8


# --------------------------------------------------------------------------------------------------------- the data


def dataset_of(file: Path, model: Path, **changes: Any) -> RLHFDataset:
    config = compose("ppo_trainer", overrides=["data.max_prompt_length=4096", "data.filter_overlong_prompts=true"]).data
    OmegaConf.set_struct(config, False)
    config = OmegaConf.merge(config, changes)
    return RLHFDataset(str(file), hf_tokenizer(str(model)), config)


def test_verls_dataset_reads_our_files(model: Path, exported: Exported) -> None:
    made = [row for row in rows() if row["split"] == "train"]
    dataset = dataset_of(exported.file("train"), model)
    assert len(dataset) == exported.rows["train"] == len(made)
    batch = collate_fn([dataset[index] for index in range(len(dataset))])
    assert list(batch["index"]) == list(range(len(made)))
    assert [list(prompt) for prompt in batch["raw_prompt"]] == [row["prompt"] for row in made]
    assert [entry["id"] for entry in batch["extra_info"]] == [row["id"] for row in made]
    assert len(dataset_of(exported.file("validation"), model)) == exported.rows["validation"]


def test_we_measure_prompts_as_verl_does(model: Path, tmp_path: Path) -> None:
    length = prompt_length(str(model))
    assert length is not None
    sizes = sorted(length(row["prompt"]) for row in rows())
    for longest in (sizes[0], sizes[3], sizes[-1] - 1):
        try:
            account = export(rows(), tmp_path, length=length, longest=longest)
        except Exception:  # none is left of the split "train"
            continue
        export(rows(), tmp_path / "all")
        kept = len(dataset_of(tmp_path / "all" / "train.parquet", model, max_prompt_length=longest))
        assert account.rows["train"] == kept < 9
        assert len(dataset_of(tmp_path / "train.parquet", model, max_prompt_length=longest)) == kept


# ------------------------------------------------------------------------------------------------------ the rewards


def get_node_id() -> str:
    """Of the machine, as Ray counts them, on which this runs."""
    import ray

    return str(ray.get_runtime_context().get_node_id())


def generated(tokenizer: Any, texts: list[str]) -> TensorDict:
    """The tensors of completions as verl's rollouts give them."""
    answers = [tokenizer(text + tokenizer.eos_token, add_special_tokens=False)["input_ids"] for text in texts]
    width = max(map(len, answers))
    responses = torch.tensor([ids + [tokenizer.pad_token_id] * (width - len(ids)) for ids in answers])
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in answers])
    prompts = torch.ones((len(texts), 3), dtype=torch.int64)
    return TensorDict(
        {"prompts": prompts, "responses": responses, "response_mask": mask, "attention_mask": torch.cat([prompts, mask], dim=1)},
        batch_size=len(texts),
    )


def rollouts(model: Path, exported: Exported) -> tuple[DataProto, list[float], list[str]]:
    """A batch as verl's rollouts give it: completions whose rewards are known, with the entries of the dataset."""
    tokenizer = hf_tokenizer(str(model))
    dataset = dataset_of(exported.file("train"), model)
    made = [row for row in rows() if row["split"] == "train"]
    pairs = [(index, reward, text) for index, row in enumerate(made) for reward, text in completions(row).items()]
    batch = generated(tokenizer, [text for _, _, text in pairs])
    entries = collate_fn([dataset[index] for index, _, _ in pairs])
    non_tensor = {name: entries[name] for name in ("data_source", "reward_model", "extra_info", "raw_prompt")}
    non_tensor["uid"] = np.array([str(index) for index, _, _ in pairs], dtype=object)
    return DataProto(batch=batch, non_tensor_batch=non_tensor), [reward for _, reward, _ in pairs], [text for _, _, text in pairs]


def run_config(model: Path, exported: Exported, manager: str = "naive", **changes: Any) -> DictConfig:
    preset = changed(load_preset("paper-7b", SMALL), "rl_whitebox", **changes)
    settings = verl_settings(preset, "rl_whitebox", exported, str(model), Path("run"))
    settings |= {"reward.reward_manager.name": manager, "reward.num_workers": 2}
    return composed(settings)


@pytest.mark.parametrize("manager", ["naive", "dapo", "gdpo", "rate_limited"])
def test_verls_reward_managers_give_our_rewards(manager: str, model: Path, exported: Exported) -> None:
    batch, expected, texts = rollouts(model, exported)
    judge = load_reward_manager(run_config(model, exported, manager), hf_tokenizer(str(model)))

    async def all_of_them() -> Any:
        judge.loop = asyncio.get_running_loop()
        return await asyncio.gather(*(judge.run_single(batch[index : index + 1]) for index in range(len(batch))))

    found = asyncio.run(all_of_them())
    assert [entry["reward_score"] for entry in found] == expected
    for index, entry in enumerate(found):
        truth, source = (
            batch.non_tensor_batch["reward_model"][index]["ground_truth"],
            batch.non_tensor_batch["data_source"][index],
        )
        assert entry["reward_extra_info"] == compute_score(source, texts[index], truth)


def test_the_rule_of_an_ablation_reaches_the_reward(model: Path, exported: Exported) -> None:
    batch, expected, _ = rollouts(model, exported)
    judge = load_reward_manager(run_config(model, exported, reward="output_only"), hf_tokenizer(str(model)))

    async def all_of_them() -> Any:
        judge.loop = asyncio.get_running_loop()
        return await asyncio.gather(*(judge.run_single(batch[index : index + 1]) for index in range(len(batch))))

    assert [entry["reward_score"] for entry in asyncio.run(all_of_them())] == [2.0 if r == 1.0 else r for r in expected]


def test_our_own_failure_reaches_verl_as_an_error(model: Path, exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    batch, _, _ = rollouts(model, exported)
    judge = load_reward_manager(run_config(model, exported), hf_tokenizer(str(model)))

    def broken(*_: object, **__: object) -> Any:
        raise SandboxError("no process today")

    monkeypatch.setattr("execverify.rewards.verl.score", broken)

    async def one() -> Any:
        judge.loop = asyncio.get_running_loop()
        return await judge.run_single(batch[:1])

    with pytest.raises(SandboxError, match="no process today"):
        asyncio.run(one())


def test_a_reward_loop_worker_as_a_ray_actor(model: Path, exported: Exported, ray: Any) -> None:
    batch, expected, _ = rollouts(model, exported)
    config = run_config(model, exported)
    worker = ray.remote(RewardLoopWorker).remote(config, None)
    found = ray.get(worker.compute_score_batch.remote(batch))
    assert [entry["reward_score"] for entry in found] == expected


def test_workers_on_two_machines_share_a_batch(model: Path, exported: Exported, ray: Any) -> None:
    batch, expected, _ = rollouts(model, exported)
    manager = RewardLoopManager(run_config(model, exported))
    where = [worker.__ray_call__.remote(lambda _: get_node_id()) for worker in manager.reward_loop_workers]
    assert len(set(ray.get(where))) == 2
    scored = manager.compute_rm_score(batch)
    assert scored.batch["rm_scores"].sum(dim=1).tolist() == pytest.approx(expected)
    last = batch.batch["response_mask"].sum(dim=1) - 1
    assert torch.equal(scored.batch["rm_scores"].argmax(dim=1)[torch.tensor(expected) > 0], last[torch.tensor(expected) > 0])
    assert set(reward_keys()) <= set(scored.non_tensor_batch)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray with two machines, as it makes them for tests: each with its own scheduler and store."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    cluster.add_node(num_cpus=2)
    paths = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}
    ray.init(address=cluster.address, configure_logging=False, runtime_env=paths)
    yield ray
    ray.shutdown()
    cluster.shutdown()


# ------------------------------------------------------------------------------------------------------ what it learns


def test_advantages_of_our_rewards(model: Path, exported: Exported) -> None:
    """GRPO by verl's function, beside the same by hand; and each part normalised apart (GDPO) from our keys."""
    batch, expected, texts = rollouts(model, exported)
    mask = batch.batch["response_mask"]
    last = mask.sum(dim=1) - 1
    rewards = torch.zeros(mask.shape)
    rewards[torch.arange(len(expected)), last] = torch.tensor(expected)
    index = batch.non_tensor_batch["uid"]
    advantages, _ = compute_grpo_outcome_advantage(rewards, mask, index)
    for group in set(index):
        members = [i for i, uid in enumerate(index) if uid == group]
        own = torch.tensor([expected[i] for i in members])
        by_hand = (own - own.mean()) / (own.std() + 1e-6)
        assert torch.allclose(advantages[members, 0], by_hand, atol=1e-5)
    sources, truths = batch.non_tensor_batch["data_source"], batch.non_tensor_batch["reward_model"]
    judged = [compute_score(sources[i], text, truths[i]["ground_truth"]) for i, text in enumerate(texts)]
    parts = {name: np.array([entry[name] for entry in judged]) for name in judged[0]}
    config = run_config(model, exported, "gdpo", reward="per_component").algorithm
    apart, _ = compute_gdpo_outcome_advantage(
        rewards, mask, index, config=config, non_tensor_batch={**batch.non_tensor_batch, **parts}, batch=batch.batch
    )
    assert torch.isfinite(apart).all()
    for group in set(index):
        members = [i for i, uid in enumerate(index) if uid == group and sources[i].endswith("white_box")]
        by_reward = sorted(members, key=lambda i: expected[i])
        assert all(apart[a, 0] < apart[b, 0] for a, b in itertools.pairwise(by_reward))


def test_dr_grpo_divides_by_the_longest_completion(model: Path, exported: Exported) -> None:
    config = run_config(model, exported, loss_type="dr_grpo", max_completion_length=50).actor_rollout_ref.actor
    losses, mask = torch.ones(2, 10), torch.tensor([[1] * 10, [1] * 4 + [0] * 6])
    found = agg_loss(losses, mask, config.loss_agg_mode, loss_scale_factor=config.loss_scale_factor)
    assert float(found) == pytest.approx((10 + 4) / (2 * 50))


@pytest.mark.parametrize("reward", ["step", "bilevel", "first_divergence"])
def test_advantages_of_steps_by_hand(reward: str, model: Path, exported: Exported, ray: Any) -> None:
    """From verl's reward workers through its `compute_advantage`: two groups whose rows alternate, and a row of padding."""
    tokenizer, rule = hf_tokenizer(str(model)), REWARDS.get(reward)
    texts = [text for text in step_group.GROUP for _ in range(2)]
    batch = generated(tokenizer, texts)
    count = len(texts)
    truth = json.dumps(to_row(step_group.task()))
    whole = DataProto(batch=batch, non_tensor_batch={
        "data_source": np.array(["execverify/white_box"] * count, dtype=object),
        "reward_model": np.array([{"style": "rule", "ground_truth": truth}] * count, dtype=object),
        "extra_info": np.array([{"index": 0}] * count, dtype=object),
        "uid": np.array(["a", "b"] * (count // 2), dtype=object),
    })  # fmt: skip
    config = run_config(model, exported, reward=reward)
    judged = RewardLoopManager(config).compute_rm_score(whole)
    rewards = [value for value in step_group.REWARDS_BY_NAME[reward] for _ in range(2)]
    assert judged.batch["rm_scores"].sum(dim=1).tolist() == pytest.approx(rewards)
    ids = [row[: int(mask.sum())].tolist() for row, mask in zip(batch["responses"], batch["response_mask"], strict=True)]
    units = [str(text) for text in judged.non_tensor_batch["units"]]
    units[-1] = ""  # as if this row were padding: the completion with the wrong answer is missing in the second group
    whole.batch["token_level_rewards"] = judged.batch["rm_scores"]
    with pytest.raises(TrainingError, match="trainer_mode=execverify_steps"):
        compute_advantage(whole, ESTIMATOR, config=config.algorithm)
    tokens = TokenCredits(tokenizer, tokenizer.all_special_ids, clean_up=None)
    assert isinstance(rule, CreditReward)
    with steps_of_batch(BatchSteps(rule, tokens, ids, units)):
        found = compute_advantage(whole, ESTIMATOR, config=config.algorithm).batch
    assert torch.equal(found["advantages"], found["returns"]) and not found["advantages"][batch["response_mask"] == 0].any()
    expected = step_group.by_hand(reward)
    for row, values in enumerate(expected):  # a token is a character, and the last one ends the completion
        assert found["advantages"][2 * row, : len(values)].tolist() == pytest.approx(values, abs=1e-6)
    assert not found["advantages"][-1].any()
    assert not torch.allclose(found["advantages"][1], found["advantages"][0])  # the second group has three members


def test_verls_loss_takes_an_advantage_for_each_token(model: Path, exported: Exported) -> None:
    config = omega_conf_to_dataclass(run_config(model, exported, reward="step").actor_rollout_ref.actor)
    values = step_group.by_hand("step")[0]
    advantages = torch.tensor([values])
    logps = torch.zeros_like(advantages, requires_grad=True)
    mask = torch.ones_like(advantages)
    loss, _ = compute_policy_loss_vanilla(logps.detach(), logps, advantages, mask, config.loss_agg_mode, config)
    loss.backward()
    assert logps.grad is not None
    assert logps.grad[0].tolist() == pytest.approx([-value / len(values) for value in values], abs=1e-7)


@pytest.mark.parametrize("name", [BY_CURRICULUM, STEPS_BY_CURRICULUM])
def test_trainers_by_curriculum_override_what_verl_has(name: str) -> None:
    ours, theirs = get_trainer_cls(name), get_trainer_cls("sync")
    assert issubclass(ours, theirs)
    for method in ("_init_dataloader", "_fetch_one_gen_batch", "_compute_advantage"):
        mine, original = (inspect.signature(getattr(each, method)).parameters for each in (ours, theirs))
        assert list(mine) == list(original)
