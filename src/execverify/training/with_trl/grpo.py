"""Reinforcement learning by TRL's GRPOTrainer, with the rewards of this package (paper, sections 3.3 and 3.4)."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.questions.task import CODE_GENERATION
from execverify.rewards.parts import answer_parts
from execverify.rewards.trl import ComponentReward, UnitTestReward, reward_function
from execverify.training.checkpoints import Logger, base_name, check_base, finished, read_log
from execverify.training.config import Preset, RlSettings
from execverify.training.curriculum import Curriculum
from execverify.training.difficulty_filter import filter_by_reward_variance
from execverify.training.length_filter import LengthFilterReport, filter_by_length, kept_phrase, rows_that_fit
from execverify.training.run_dir import exclusive_stage
from execverify.training.verified_share import check_verified
from execverify.training.with_trl.common import gradient_accumulation_steps, shared_arguments, translate_config_errors
from execverify.training.with_trl.stage import load_for_stage, train_stage
from execverify.training.with_trl.step_logs import JsonlLogCallback, LoggedReward
from execverify.training.with_trl.trainer import ExecVerifyGRPOTrainer, check_credits
from execverify.utils.messages import count_phrase

COLUMNS = ("id", "kind", "prompt", "program", "questions")
"""What a training row keeps."""


class ConstantReward:
    """A reward of nothing, to time the engine without rewards."""

    __name__ = "constant_reward"

    def __call__(self, completions: Iterable[Any] = (), **_: Any) -> list[float | None]:
        """0.5 and 1.5 by turns: groups must have variance, or the engine would have nothing to learn."""
        return [0.5 + index % 2 for index, _ in enumerate(completions)]


def reward_functions(settings: RlSettings, workers: int = 2, chains: bool = False) -> list[Any]:
    """The reward functions of a stage; several where each part is normalised apart.

    Args:
        settings: of the stage.
        workers: processes that run programs at once.
        chains: log the faithfulness of chains of thought.
    """
    if settings.reward == "constant":
        return [ConstantReward()]
    if settings.reward == "unit_tests":
        return [UnitTestReward(workers=workers)]
    rule = settings.reward_config()
    if settings.reward == "per_component":
        return [ComponentReward(part, rule, workers=workers) for part in answer_parts()]
    return [reward_function(rule, name=f"{settings.reward}_reward", workers=workers, chains=chains)]


def arguments_of(preset: Preset, stage: str, out: Path) -> Any:
    """The stage's settings as TRL has them.

    Raises:
        TrainingError: the number of processes does not divide a batch, or TRL refuses a setting.
    """
    from trl import GRPOConfig

    settings = preset.stage(stage)
    accumulated = gradient_accumulation_steps(
        f"{stage}: mini_batch_size x num_generations",
        settings.mini_batch_size * settings.num_generations,
        settings.per_device_batch_size,
    )
    parts = settings.reward == "per_component"
    updates = (
        settings.prompts_per_rollout // settings.mini_batch_size
    )  # of a rollout: one that goes on amid it would draw its prompts again
    with translate_config_errors(stage):
        return GRPOConfig(
            **{
                **shared_arguments(preset, out, settings),
                "save_steps": math.ceil(preset.save_steps / updates) * updates,
            },
            num_train_epochs=settings.num_train_epochs,
            max_steps=settings.max_steps or -1,
            per_device_train_batch_size=settings.per_device_batch_size,
            gradient_accumulation_steps=accumulated,
            generation_batch_size=settings.prompts_per_rollout * settings.num_generations,
            num_generations=settings.num_generations,
            max_completion_length=settings.max_completion_length,
            temperature=settings.temperature,
            top_p=settings.top_p,
            beta=settings.beta,
            epsilon=settings.epsilon,
            epsilon_high=settings.epsilon_high or None,
            loss_type=settings.loss_type,
            scale_rewards=settings.scale_rewards,
            mask_truncated_completions=settings.mask_truncated_completions,
            multi_objective_aggregation="normalize_then_sum" if parts else "sum_then_normalize",
            **preset.trl,
        )


def check_kinds(rows: list[dict[str, Any]], stage: str, settings: RlSettings) -> None:
    """Raises TrainingError where rows are of kinds that the stage does not reward."""
    found = {row.get("kind") for row in rows}
    wrong = sorted(str(kind) for kind in found - set(settings.kinds))
    if wrong:
        fix = (
            "rl_unit_tests takes code_generation rows"
            if CODE_GENERATION in found
            else "rl_whitebox takes white_box and input_prediction rows"
        )
        raise TrainingError(f"{stage} rewards rows of {', '.join(settings.kinds)}, and these are {', '.join(wrong)}: {fix}")


def check_enough(rows: int, account: LengthFilterReport, stage: str, settings: RlSettings) -> None:
    """Raises TrainingError where there are too few rows for one rollout."""
    if rows < settings.prompts_per_rollout:
        raise TrainingError(
            f"{stage} has {count_phrase(rows, 'row')}, and a rollout takes {settings.prompts_per_rollout} prompts "
            f"({account.too_long} more are longer than {stage}.max_prompt_length = {settings.max_prompt_length} tokens, and the true "
            f"chains of {account.own_chain_too_long} more are longer than {stage}.max_completion_length = "
            f"{settings.max_completion_length}): give more rows, or set less"
        )


def train_rl(
    preset: Preset, stage: str, base: str, rows: Iterable[dict[str, Any]], out: Path, *, workers: int = 2, say: Logger = print
) -> dict[str, Any]:
    """One stage of GRPO; goes on from the last checkpoint where it was stopped.

    Args:
        preset: of which the stage's settings, `model` and `trl` count.
        stage: "rl_whitebox" or "rl_unit_tests".
        base: the model's hub name or folder.
        rows: of the kinds that the stage rewards.
        out: the stage's folder.
        workers: processes that run programs for rewards.
        say: gets lines about the progress.

    Returns:
        What `stage.json` holds: `steps` (updates), rows, seconds, and what was left out.

    Raises:
        TrainingError: no rows or wrong ones, no chat template, settings that TRL refuses, fewer true chains than `min_verified`, a
            full disk, too little memory, a stage that was begun on another model, or one that another process trains.
    """
    check_base(out, base)
    if (done := finished(out)) is not None:
        return done
    with exclusive_stage(out):
        return _train_rl(preset, stage, base, rows, out, workers, say)


def _train_rl(
    preset: Preset, stage: str, base: str, rows: Iterable[dict[str, Any]], out: Path, workers: int, say: Logger
) -> dict[str, Any]:
    import datasets

    settings = preset.stage(stage)
    arguments = arguments_of(preset, stage, out)
    functions = reward_functions(settings, workers, chains=preset.sft.cot_style == "compact")
    check_credits(arguments, functions)
    model, tokenizer = load_for_stage(preset, base, out)
    kept, recorded = _prompts(preset, stage, base, rows, tokenizer, functions, out, workers, say)
    watched = [LoggedReward(function) for function in functions]
    with translate_config_errors(stage):
        trainer = ExecVerifyGRPOTrainer(
            model=model,
            args=arguments,
            reward_funcs=watched,
            train_dataset=datasets.Dataset.from_list([{name: row[name] for name in COLUMNS} for row in kept]),
            processing_class=tokenizer,
            rollouts=settings.rollouts,
            dynamic_sampling=settings.dynamic_sampling,
            curriculum=Curriculum.of_rows(kept, settings.curriculum_config(), preset.seed) if settings.curriculum else None,
        )
    log = JsonlLogCallback(out, watched, lambda: trainer.rollout_seconds)
    about = {"stage": stage, "base": base_name(base, out), **recorded}
    return train_stage(trainer, log, tokenizer, out, about, say, lambda: _seconds(out))


def _prompts(
    preset: Preset,
    stage: str,
    base: str,
    rows: Iterable[dict[str, Any]],
    tokenizer: Any,
    functions: list[Any],
    out: Path,
    workers: int,
    say: Logger,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows that a stage trains on, and what `stage.json` says of those that were left out."""
    settings, account = preset.stage(stage), LengthFilterReport()
    kept = [
        {**{name: row[name] for name in COLUMNS}, "difficulty": row.get("difficulty")}
        for row in filter_by_length(rows, tokenizer, settings.max_prompt_length, account)
    ]
    check_kinds(kept, stage, settings)
    if stage == "rl_whitebox" and settings.skip_long_chains:
        kept, too_long = rows_that_fit(kept, preset, tokenizer, workers)
        account.own_chain_too_long = too_long
    phrase = kept_phrase(account, "prompt", settings.max_prompt_length)
    if account.own_chain_too_long:
        phrase += f", {account.own_chain_too_long} whose true chain has {settings.max_completion_length} tokens or more"
    say(f"{stage}: {phrase}; trains on {len(kept)}")
    recorded: dict[str, Any] = dict(vars(account))
    batch = preset.evaluation.batch_size
    if settings.min_verified and kept:
        recorded |= check_verified(kept, base, stage, settings, out, seed=preset.seed, batch=batch, workers=workers, say=say)
    if settings.difficulty_filter_samples:
        kept, recorded["screening_seconds"] = filter_by_reward_variance(
            kept, base, settings, functions, out, seed=preset.seed, batch=batch, say=say
        )
    check_enough(len(kept), account, stage, settings)
    return kept, {**recorded, "prompts": len(kept)}


def _seconds(out: Path) -> dict[str, float]:
    """What rollouts and rewards took, in all starts."""
    lines = read_log(out)
    return {f"{name}_seconds": round(sum(line.get(f"time/{name}", 0.0) for line in lines), 3) for name in ("rollout", "reward")}
