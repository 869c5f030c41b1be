"""TRL's GRPOTrainer with rollouts that share the reading of a prompt, updates without the groups that teach nothing, and advantages of
single tokens. The loss is TRL's own.

    trainer = trainer_class()(model=model, args=arguments, reward_funcs=[reward], train_dataset=rows, processing_class=tokenizer)

A reward function with a method `credits` (see `token_credits`) replaces TRL's advantages by its own, one for each token. Its rewards
are only logged.
"""

import time
from collections.abc import Sequence
from typing import Any

from execverify.errors import TrainingError
from execverify.training.checkpoints import ZERO_VARIANCE
from execverify.training.with_trl.token_credits import TokenCredits

_SEQUENCE_LOSSES = ("vespo", "luspo")
"""Losses of TRL with one probability ratio a completion, which takes one advantage."""


def check_credits(arguments: Any, functions: Sequence[Any]) -> None:
    """Raises TrainingError where a reward function credits tokens, and the settings allow one advantage a completion only."""
    crediting = [function.__name__ for function in functions if hasattr(function, "credits")]
    if not crediting:
        return
    if len(functions) > 1:
        raise TrainingError(f"{crediting[0]} credits tokens, which cannot be added to other rewards: give one reward function")
    if arguments.loss_type in _SEQUENCE_LOSSES:
        raise TrainingError(
            f"{crediting[0]} credits tokens, and loss_type {arguments.loss_type!r} takes one advantage a completion: "
            "set loss_type to grpo, dapo, bnpo, dr_grpo, cispo or sapo"
        )
    if arguments.importance_sampling_level != "token":
        raise TrainingError(f"{crediting[0]} credits tokens: set importance_sampling_level to token")


def groups_alike(rewards: Any, group: int) -> Any:
    """Whether all completions of a group have the same reward, by each reward function.

    Args:
        rewards: a tensor of completions by functions, NaN where a function gave none.
        group: completions of one prompt, which follow one another.

    Returns:
        A tensor of booleans, one a group.
    """
    grouped = rewards.nan_to_num(nan=float("inf")).view(-1, group, rewards.shape[1])
    return (grouped == grouped[:, :1]).all(2).all(1)


def trainer_class() -> Any:
    """The subclass of TRL's trainer; a function, so that this module is imported without TRL."""
    import torch
    from accelerate.utils import gather_object
    from trl import GRPOTrainer

    class ExecVerifyGRPOTrainer(GRPOTrainer):
        """The trainer.

        Attributes:
            rollout_seconds: how long rollouts took so far, without the rewards.
        """

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            check_credits(self.args, self.reward_funcs)
            self.rollout_seconds = 0.0
            self._token_credits = TokenCredits(self._tokenizer, self.eos_token_ids)
            self._rewards: Any = None
            self._credited: list[list[float]] = []

        @property
        def _credits_tokens(self) -> bool:
            return hasattr(self.reward_funcs[0], "credits")

        @property
        def _group(self) -> int:
            return int(self.num_generations if self.model.training else self.num_generations_eval)

        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            try:
                return super()._generate(*args, **kwargs)
            finally:
                self.rollout_seconds += time.perf_counter() - begun

        def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> Any:
            """TRL's rewards, of all processes; keeps them, and the advantages of tokens of this process."""
            self._rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
            if self._credits_tokens:
                self._credited = self._advantages_of_tokens(inputs, completion_ids_list)
            return self._rewards

        def _advantages_of_tokens(self, inputs: list[dict[str, Any]], ids: list[list[int]]) -> list[list[float]]:
            """One list a completion of this process. Processes share their completions where a group is on several of them."""
            reward, group, first, count = self.reward_funcs[0], self._group, 0, len(ids)
            texts = [self._token_credits.text(each) for each in ids]
            columns = {name: [row[name] for row in inputs] for name in inputs[0]}
            if count % group:
                first = self.accelerator.process_index * count
                texts = gather_object(texts)
                columns = {name: gather_object(columns[name]) for name in sorted(columns)}
            spans = reward.credits(texts, columns, group)
            if len(spans) != len(texts):
                raise TrainingError(
                    f"{reward.__name__} credits {len(spans)} completions of {len(texts)}: give one list a completion"
                )
            mine = zip(ids, spans[first : first + count], strict=True)
            return [self._token_credits.advantages(each, given, reward.__name__) for each, given in mine]

        def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
            """TRL's rollout. Groups without variance have advantages of exactly 0."""
            output: dict[str, Any] = super()._generate_and_score_completions(inputs)
            advantages, group = output["advantages"], self._group
            if self._credits_tokens:
                advantages = advantages.new_zeros(output["completion_ids"].shape)
                for row, values in zip(advantages, self._credited, strict=True):
                    row[: len(values)] = torch.tensor(values)
                useless = self.accelerator.gather((advantages == 0).all(1)).view(-1, group).all(1)
            else:
                useless = groups_alike(self._rewards, group)
                first = self.accelerator.process_index * len(inputs)
                mine = useless.repeat_interleave(group)[first : first + len(inputs)]
                advantages = advantages.masked_fill(mine, 0.0)
            self._metrics["train" if self.model.training else "eval"][ZERO_VARIANCE].append(useless.float().mean().item())
            output["advantages"] = advantages
            return output

    return ExecVerifyGRPOTrainer
