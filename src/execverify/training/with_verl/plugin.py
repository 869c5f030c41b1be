"""What verl imports to train with one advantage a token (an estimator, and the trainer that it needs), or by a curriculum.

    VERL_USE_EXTERNAL_MODULES=execverify.training.with_verl.plugin python -m verl.trainer.main_ppo ... \\
        algorithm.adv_estimator=execverify_steps trainer.v1.trainer_mode=execverify_steps \\
        reward.custom_reward_function.path=pkg://execverify.rewards.verl reward.custom_reward_function.name=compute_step_score \\
        +reward.custom_reward_function.reward_kwargs.reward=step

verl's reward workers judge each completion alone; `compute_step_score` returns its graded steps as text beside the score, and verl keeps
that text with the completion. verl calls an estimator with rewards and masks only. The trainer is verl's synchronous one; before
verl computes advantages, it reads the texts and the tokens of the batch for the estimator. Rewards, filters of groups, figures and the
update stay verl's own.

The trainers `execverify_curriculum` and `execverify_steps_curriculum` are the synchronous one and ours with another sampler, which draws
rows near a chosen pass rate (`data.curriculum`); before advantages are computed, the outcomes of the batch update its estimates.

verl is needed to import this module (0.9.1). It is no entry point of `verl.plugins`: that would import verl's trainer, which takes
seconds, in each process of every run.
"""

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
import transfer_queue as tq
from torchdata.stateful_dataloader import StatefulDataLoader
from verl.trainer.ppo.core_algos import register_adv_est
from verl.trainer.ppo.v1 import PPOTrainerSync, register_trainer

from execverify.errors import TrainingError
from execverify.rewards.steps.credit import CreditReward
from execverify.rewards.verl import credit_reward
from execverify.training.curriculum import passed_counts, update_groups
from execverify.training.token_credits import TokenCredits
from execverify.training.with_verl.credits import BY_CURRICULUM, ESTIMATOR, STEPS_BY_CURRICULUM, batch_advantages
from execverify.training.with_verl.curriculum import CurriculumSampler, curriculum_of


@dataclass(frozen=True)
class BatchSteps:
    """What the estimator must know of a batch, in the order of its rows.

    Attributes:
        rule: the reward that gives credits.
        tokens: maps characters to tokens.
        ids: the tokens of each completion.
        units: what `compute_step_score` returned as "units"; "" for rows that are padding.
    """

    rule: CreditReward
    tokens: TokenCredits
    ids: Sequence[Sequence[int]]
    units: Sequence[str]


_current: ContextVar[BatchSteps] = ContextVar("steps of the batch")


@contextlib.contextmanager
def steps_of_batch(steps: BatchSteps) -> Iterator[None]:
    """Inside it the estimator computes advantages from these steps."""
    token = _current.set(steps)
    try:
        yield
    finally:
        _current.reset(token)


@register_adv_est(ESTIMATOR)
def step_advantages(
    token_level_rewards: torch.Tensor, response_mask: torch.Tensor, index: Any, config: Any = None, **_: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """verl's advantage estimator: the credits of each group's steps, on the tokens of the steps.

    Args:
        token_level_rewards: (batch, tokens), of which only the shape counts.
        response_mask: the same shape, 1 for the tokens of completions.
        index: of each row what names its prompt.
        config: not needed; verl gives it.

    Returns:
        Advantages and returns, which are the same.

    Raises:
        TrainingError: no steps of the batch are known, because another trainer runs.
    """
    steps = _current.get(None)
    if steps is None:
        raise TrainingError(
            f"the advantage estimator {ESTIMATOR} needs our trainer: set trainer.use_v1=true and trainer.v1.trainer_mode={ESTIMATOR}"
        )
    advantages = torch.zeros_like(token_level_rewards)
    rows = batch_advantages(steps.rule, steps.tokens, steps.ids, steps.units, list(index))
    for row, values in zip(advantages, rows, strict=True):
        row[: len(values)] = torch.tensor(values)
    advantages = advantages * response_mask
    return advantages, advantages


@register_trainer(ESTIMATOR)
class StepCreditTrainer(PPOTrainerSync):
    """verl's synchronous trainer, with the steps of each batch for the estimator.

    Raises:
        TrainingError: settings that contradict it.
        RowError: a reward without credits.
    """

    def __init__(self, config: Any) -> None:
        if config.algorithm.adv_estimator != ESTIMATOR:
            raise TrainingError(f"trainer.v1.trainer_mode={ESTIMATOR} needs algorithm.adv_estimator={ESTIMATOR}")
        if config.algorithm.use_kl_in_reward:
            raise TrainingError(
                f"{ESTIMATOR} takes no KL term in rewards: set algorithm.use_kl_in_reward=false, or use actor.use_kl_loss"
            )
        self._rule = credit_reward(config.reward.custom_reward_function.get("reward_kwargs") or {})
        config.trainer.v1.trainer_mode = "sync"  # verl asks for this name where it treats the synchronous trainer differently
        super().__init__(config)

    @functools.cached_property
    def _tokens(self) -> TokenCredits:
        return TokenCredits(self.tokenizer, self.tokenizer.all_special_ids, clean_up=None)

    def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
        found = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=["responses", "extra_fields"])
        ids = [row.tolist() for row in found["responses"].unbind()]
        parts = [fields.get("reward_extra_info") or {} for fields in found.pop("extra_fields").tolist()]
        real = [not tag.get("is_padding", False) for tag in batch.tags]
        if not all("units" in each for each in parts):
            raise TrainingError(f"{ESTIMATOR} needs graded steps: set reward.custom_reward_function.name=compute_step_score")
        units = [str(each["units"]) if counts else "" for each, counts in zip(parts, real, strict=True)]
        metrics.update(_figures([each for each, counts in zip(parts, real, strict=True) if counts]))
        with steps_of_batch(BatchSteps(self._rule, self._tokens, ids, units)):
            return super()._compute_advantage(batch, metrics)


class _ByCurriculum:
    """What turns a synchronous trainer of verl's into one that draws by a curriculum."""

    def __init__(self, config: Any) -> None:
        self._drawn: dict[str, int] = {}
        config.trainer.v1.trainer_mode = "sync"  # as above
        super().__init__(config)  # type: ignore[call-arg]

    def _init_dataloader(self) -> None:
        """verl's loaders, of which that of training rows gets the sampler; its state is saved with the loader's."""
        super()._init_dataloader()  # type: ignore[misc]
        loader, data = self.train_dataloader, self.config.data  # type: ignore[has-type, attr-defined]
        entries = list(self.train_dataset.dataframe["extra_info"])  # type: ignore[attr-defined]
        self._places = {int(entry["index"]): place for place, entry in enumerate(entries)}
        self._sampler = CurriculumSampler(
            curriculum_of(entries, data.get("curriculum") or {}, data.get("seed") or 0), loader.batch_size
        )
        self.train_dataloader = StatefulDataLoader(
            dataset=loader.dataset,
            batch_size=loader.batch_size,
            num_workers=0,  # workers would draw ahead of the outcomes
            drop_last=True,
            collate_fn=loader.collate_fn,
            sampler=self._sampler,
        )

    def _fetch_one_gen_batch(self) -> Any:
        """verl's batch of prompts; keeps which row each prompt is."""
        batch = super()._fetch_one_gen_batch()  # type: ignore[misc]
        rows = (self._places[int(index)] for index in batch["index"])
        self._drawn.update(zip(map(str, batch["uid"]), rows, strict=True))
        return batch

    def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
        """verl's advantages; the outcomes of the batch update the curriculum."""
        found = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=["extra_fields"])
        parts = [fields.get("reward_extra_info") or {} for fields in found.pop("extra_fields").tolist()]
        real = [place for place, tag in enumerate(batch.tags) if not tag.get("is_padding", False)]
        rows = [self._drawn[batch.keys[place].split("_", 1)[0]] for place in real]
        metrics.update(update_groups(self._sampler.curriculum, rows, [passed_counts(parts[place]) for place in real]))
        self._drawn.clear()
        return super()._compute_advantage(batch, metrics)  # type: ignore[misc]


@register_trainer(BY_CURRICULUM)
class CurriculumTrainer(_ByCurriculum, PPOTrainerSync):
    """verl's synchronous trainer, with prompts drawn by a curriculum."""


@register_trainer(STEPS_BY_CURRICULUM)
class StepCurriculumTrainer(_ByCurriculum, StepCreditTrainer):
    """The trainer with advantages of steps, with prompts drawn by a curriculum."""


def _figures(parts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Faithfulness of the chains of a batch, for verl's figures."""
    graded = [each for each in parts if each["chain_graded"]]
    right = sum(each["verified"] + each["guessed"] for each in graded)
    found = {"execverify/chain_true": sum(each["chain_true"] for each in graded) / max(1, len(graded))}
    return found | ({"execverify/guessed": sum(each["guessed"] for each in graded) / right} if right else {})
