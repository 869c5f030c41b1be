"""A preset's settings as verl has them: the overrides of its trainer's configuration, by their dotted names.

    settings = verl_settings(preset, "rl_whitebox", exported, "Qwen/Qwen2.5-Coder-7B-Instruct", Path("run"))
    overrides(settings)                  # ["data.train_files=run/data/train.parquet", ...], for verl.trainer.main_ppo

The names are those of verl 0.9. What a preset asks for and verl has not is a TrainingError, never left out in silence.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.rewards.parts import answer_parts
from execverify.rewards.registry import REWARDS
from execverify.rewards.steps.credit import CreditReward
from execverify.training.config import Preset, RlSettings
from execverify.training.with_verl.credits import BY_CURRICULUM, CURRICULUM_SETTINGS, ESTIMATOR, PLUGIN, STEPS_BY_CURRICULUM
from execverify.training.with_verl.rows import TRAIN, VALIDATION, Exported
from execverify.utils.messages import count_phrase

LOSSES = {"grpo": "seq-mean-token-mean", "dapo": "token-mean", "bnpo": "token-mean", "dr_grpo": "seq-mean-token-sum-norm"}
"""How token losses are put together: TRL's names and verl's."""

CHECKPOINTS, ROLLOUTS, LOG, TENSORBOARD = "checkpoints", "rollouts", "log.jsonl", "tensorboard"
"""What verl writes into a run's folder."""

TRACKERS = ("tensorboard", "trackio", "wandb", "mlflow", "swanlab", "clearml")
REWARD = "pkg://execverify.rewards.verl"

_ENVIRONMENT = "+ray_kwargs.ray_init.runtime_env.env_vars"  # of the processes on all machines

Settings = dict[str, Any]


def verl_settings(preset: Preset, stage: str, data: Exported, model: str, out: Path) -> Settings:
    """All settings of one stage of reinforcement learning that differ from verl's own, by their dotted names.

    A name that verl's configuration has no place for is added, and begins with `+`. The preset's own table `verl` comes last
    and wins.

    Args:
        preset: of which the stage's settings, `model` and `verl` count.
        stage: "rl_whitebox" or "rl_unit_tests".
        data: the rows, as `export` wrote them.
        model: hub name or folder that training starts from.
        out: folder of checkpoints and logs; every machine must see it under this name.

    Raises:
        TrainingError: too few rows for one step, or a setting that verl does not have.
    """
    check_for_verl(preset, stage)
    rl = preset.stage(stage)
    root = out.absolute()
    settings = {
        **_data(preset, rl, data),
        **_actor(preset, rl, model),
        **_rollout(preset, rl),
        **_reward(preset, rl),
        **_algorithm(rl),
        **_curriculum(rl),
        **_trainer(preset, stage, data, root),
    }
    for name, value in _flat(preset.verl):
        bare = name.lstrip("+")
        settings = {key: old for key, old in settings.items() if key.lstrip("+") != bare}
        settings[name] = value
    return settings


def reward_keys() -> tuple[str, ...]:
    """Names of the rewards of the parts of an answer, as `compute_score` returns them."""
    return tuple(f"{kind}_reward" for kind in answer_parts())


def check_for_verl(preset: Preset, stage: str) -> None:
    """Raises TrainingError where a preset asks for what verl has not; the message names the setting."""
    if stage not in ("rl_whitebox", "rl_unit_tests"):
        raise TrainingError(
            f"verl trains rl_whitebox and rl_unit_tests here, not {stage!r}: run `execverify train sft`, and give its folder as model"
        )
    rl = preset.stage(stage)
    refused = {
        "loss_type": (rl.loss_type not in LOSSES, f"one of {', '.join(LOSSES)}"),
        "scale_rewards": (rl.scale_rewards not in ("group", "none"), "group or none"),
        "lr_scheduler_type": (rl.lr_scheduler_type not in ("constant", "cosine"), "constant or cosine"),
        "mask_truncated_completions": (rl.mask_truncated_completions, "false"),
        "adam_epsilon": (rl.adam_epsilon != 1e-8, "1e-8"),
        "dynamic_sampling": (rl.dynamic_sampling > 0, "0"),
        "min_verified": (rl.min_verified > 0, "0"),
        "difficulty_filter_samples": (
            rl.reward == "per_component" and rl.difficulty_filter_samples > 0,
            "0 where the reward is per_component",
        ),
        "curriculum": (rl.curriculum and rl.reward == "per_component", "false where the reward is per_component"),
    }
    for name, (wrong, fix) in refused.items():
        if wrong:
            raise TrainingError(f"verl has no {stage}.{name} = {_text(getattr(rl, name))}: give {fix}, or train by TRL")
    if rl.curriculum and rl.difficulty_filter_samples:
        raise TrainingError(
            f"{stage}.curriculum needs the outcomes of all groups, and verl drops those without variance where "
            f"{stage}.difficulty_filter_samples is set: set one of them only"
        )
    for tracker in preset.report_to:
        if tracker not in TRACKERS:
            raise TrainingError(f"verl has no tracker {tracker!r} for report_to: give some of {', '.join(TRACKERS)}")


def _data(preset: Preset, rl: RlSettings, data: Exported) -> Settings:
    validated = data.rows[VALIDATION] > 0
    return {
        "data.train_files": str(data.file(TRAIN).absolute()),
        "data.val_files": str(data.file(VALIDATION if validated else TRAIN).absolute()),  # verl opens one in any case
        "data.val_max_samples": max(1, preset.evaluation.rows),
        "data.train_batch_size": rl.prompts_per_rollout,
        "data.max_prompt_length": rl.max_prompt_length,
        "data.max_response_length": rl.max_completion_length,
        "data.filter_overlong_prompts": True,
        "data.truncation": "error",
        "data.shuffle": True,
        "data.seed": preset.seed,
    }


def _actor(preset: Preset, rl: RlSettings, model: str) -> Settings:
    actor = "actor_rollout_ref.actor"
    settings = {
        "actor_rollout_ref.model.path": model,
        "actor_rollout_ref.model.enable_gradient_checkpointing": preset.model.gradient_checkpointing,
        f"{actor}.optim.lr": rl.learning_rate,
        f"{actor}.optim.lr_scheduler_type": rl.lr_scheduler_type,
        f"{actor}.optim.lr_warmup_steps_ratio": rl.warmup_ratio,
        f"{actor}.optim.weight_decay": rl.weight_decay,
        f"{actor}.optim.betas": [rl.adam_beta1, rl.adam_beta2],
        f"{actor}.ppo_mini_batch_size": rl.mini_batch_size,
        f"{actor}.ppo_micro_batch_size_per_gpu": rl.per_device_batch_size,
        f"{actor}.ppo_epochs": 1,
        f"{actor}.clip_ratio": rl.epsilon,
        f"{actor}.clip_ratio_low": rl.epsilon,
        f"{actor}.clip_ratio_high": rl.epsilon_high or rl.epsilon,
        f"{actor}.loss_agg_mode": LOSSES[rl.loss_type],
        f"{actor}.entropy_coeff": 0.0,
        f"{actor}.use_kl_loss": rl.beta > 0,
        f"{actor}.data_loader_seed": preset.seed,
        f"{actor}.checkpoint.save_contents": ["model", "optimizer", "extra", "hf_model"],  # the last for whoever uses the model
        f"{actor}.checkpoint.load_contents": ["model", "optimizer", "extra"],
        f"{actor}.fsdp_config.dtype": preset.model.dtype,
        f"{actor}.fsdp_config.seed": preset.seed,
        "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu": rl.per_device_batch_size,
    }
    if rl.beta > 0:
        settings |= {f"{actor}.kl_loss_coef": rl.beta, f"{actor}.kl_loss_type": "low_var_kl"}
    if rl.loss_type == "dr_grpo":
        settings[f"{actor}.loss_scale_factor"] = rl.max_completion_length
    return settings


def _rollout(preset: Preset, rl: RlSettings) -> Settings:
    rollout = "actor_rollout_ref.rollout"
    return {
        f"{rollout}.name": "vllm",
        f"{rollout}.n": rl.num_generations,
        f"{rollout}.temperature": rl.temperature,
        f"{rollout}.top_p": rl.top_p,
        f"{rollout}.dtype": preset.model.dtype,
        f"{rollout}.seed": preset.seed,
        f"{rollout}.tensor_model_parallel_size": 1,
        f"{rollout}.log_prob_micro_batch_size_per_gpu": rl.per_device_batch_size,
    }


def _reward(preset: Preset, rl: RlSettings) -> Settings:
    """The reward function, and which reward it gives."""
    custom = "reward.custom_reward_function"
    settings: Settings = {f"{custom}.path": REWARD, f"{custom}.name": "compute_score"}
    if rl.reward == "constant":
        settings[f"{custom}.name"] = "constant_score"
    elif rl.reward != "unit_tests":
        rule = rl.reward_config()
        settings[f"+{custom}.reward_kwargs.reward"] = rl.reward if rl.reward in REWARDS else "white_box"
        settings[f"+{custom}.reward_kwargs.alpha"] = rule.alpha
        if preset.sft.cot_style == "compact":
            settings[f"+{custom}.reward_kwargs.chains"] = True
        if isinstance(rule, CreditReward):
            settings[f"{custom}.name"] = "compute_step_score"
    return settings


def _algorithm(rl: RlSettings) -> Settings:
    settings: Settings = {
        "algorithm.adv_estimator": "grpo",
        "algorithm.norm_adv_by_std_in_grpo": rl.scale_rewards == "group",
        "algorithm.use_kl_in_reward": False,
        "critic.enable": False,
    }
    if rl.difficulty_filter_samples:  # groups without variance are drawn again during training, which needs no screening before
        settings |= {"algorithm.filter_groups.enable": True, "algorithm.filter_groups.metric": "reward"}
    if rl.reward == "per_component":
        settings |= {
            "algorithm.adv_estimator": "gdpo",
            "+algorithm.gdpo_reward_keys": list(reward_keys()),
            "reward.reward_manager.name": "gdpo",
            "trainer.use_v1": False,  # the new trainer gives its estimator no rewards but the sum
        }
    if isinstance(rl.reward_config(), CreditReward):
        settings |= {
            "algorithm.adv_estimator": ESTIMATOR,
            "trainer.v1.trainer_mode": ESTIMATOR,
            f"{_ENVIRONMENT}.VERL_USE_EXTERNAL_MODULES": PLUGIN,
        }
    return settings


def _curriculum(rl: RlSettings) -> Settings:
    """The curriculum's settings, and the trainer that draws by it."""
    if not rl.curriculum:
        return {}
    steps = isinstance(rl.reward_config(), CreditReward)
    return {
        **{f"{CURRICULUM_SETTINGS}.{name}": value for name, value in asdict(rl.curriculum_config()).items()},
        "data.dataloader_num_workers": 0,  # which would draw ahead of the outcomes
        "trainer.v1.trainer_mode": STEPS_BY_CURRICULUM if steps else BY_CURRICULUM,
        f"{_ENVIRONMENT}.VERL_USE_EXTERNAL_MODULES": PLUGIN,
    }


def _trainer(preset: Preset, stage: str, data: Exported, out: Path) -> Settings:
    rl = preset.stage(stage)
    validated = data.rows[VALIDATION] > 0
    every = max(1, round(preset.save_steps * rl.mini_batch_size / rl.prompts_per_rollout))
    return {
        "trainer.total_epochs": math.ceil(rl.num_train_epochs),
        "trainer.total_training_steps": steps_of(stage, rl, data.rows[TRAIN]),
        "trainer.save_freq": every,
        "trainer.test_freq": every if validated else -1,
        "trainer.val_before_train": validated,
        "trainer.max_actor_ckpt_to_keep": 2,
        "trainer.resume_mode": "auto",
        "trainer.default_local_dir": str(out / CHECKPOINTS),
        "trainer.rollout_data_dir": str(out / ROLLOUTS),
        "trainer.project_name": "execverify",
        "trainer.experiment_name": stage,
        "trainer.logger": ["console", "file", *preset.report_to],
        f"{_ENVIRONMENT}.VERL_FILE_LOGGER_PATH": str(out / LOG),
        f"{_ENVIRONMENT}.TENSORBOARD_DIR": str(out / TENSORBOARD),
        "trainer.nnodes": 1,
        "trainer.n_gpus_per_node": max(1, preset.hardware.gpus),
    }


def steps_of(stage: str, rl: RlSettings, rows: int) -> int:
    """Steps of verl's trainer, each of which is one rollout of `prompts` prompts and its updates.

    The preset's `max_steps` are updates, of which a rollout has `prompts_per_rollout / mini_batch_size`.

    Raises:
        TrainingError: there are fewer rows than one step takes.
    """
    if rows < rl.prompts_per_rollout:
        raise TrainingError(
            f"{stage} has {count_phrase(rows, 'row')} to train on, and one step takes {rl.prompts_per_rollout}: set {stage}.prompts to less"
        )
    steps = max(1, int(rl.num_train_epochs * (rows // rl.prompts_per_rollout)))
    if rl.max_steps:
        steps = min(steps, math.ceil(rl.max_steps * rl.mini_batch_size / rl.prompts_per_rollout))
    return steps


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """A table of settings by their dotted names; it may be nested, as in a section [verl.trainer]."""
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        dotted = f"{prefix}{name}"
        found += _flat(value, f"{dotted}.") if isinstance(value, Mapping) else [(dotted, value)]
    return found


def overrides(settings: Mapping[str, Any]) -> list[str]:
    """Settings as command-line arguments of verl's trainers."""
    return [f"{name}={_text(value)}" for name, value in settings.items()]


_BARE = re.compile(r"(?!(true|false|null|nan|inf)$)[A-Za-z_/.][A-Za-z0-9_./:@-]*", re.IGNORECASE)


def _text(value: Any) -> str:
    """A value in the grammar of Hydra's command line."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, str) and not _BARE.fullmatch(value):
        doubled = re.sub(r'(\\+)("|$)', r"\1\1\2", value)  # there, a backslash means itself, but before a quote
        return '"' + doubled.replace('"', '\\"') + '"'
    return str(value)
