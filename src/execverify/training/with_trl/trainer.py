"""TRL's GRPOTrainer with rollouts that share the reading of a prompt, updates without the groups that teach nothing, and advantages of
single tokens. The loss is TRL's own.

    trainer = ExecVerifyGRPOTrainer(
        rollouts="grouped", dynamic_sampling=2,
        model=model, args=arguments, reward_funcs=[reward], train_dataset=rows, processing_class=tokenizer,
    )

- Rollouts: `BatchSampler` reads a prompt once for all its completions, and complete ones leave the batch. The seed of each completion
  comes from the run's seed, the step and its place, so that a training that goes on draws the same.
- Updates: rows whose advantages are all 0 are left out, and so is padding. The rows of an update are sorted by prompt and length.
  The model reads a prompt once for all its completions in a micro-batch.
- Dynamic sampling: groups without variance are replaced by groups of other prompts.
- Curriculum: prompts are drawn by their estimated pass rates, which each rollout updates (see `execverify.training.curriculum`).

A reward function with a method `credits` (see `execverify.training.token_credits`) replaces TRL's advantages by its own, one for each
token. Its rewards are only logged.
"""

import functools
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer
from trl import GRPOTrainer
from trl.models import unwrap_model_for_generation

from execverify.errors import TrainingError
from execverify.models.checkpoint import sample_seed
from execverify.models.transformers_sampling import BatchSampler, SampleState, cache_name
from execverify.training.checkpoints import ZERO_VARIANCE
from execverify.training.curriculum import Curriculum, passed, update_groups
from execverify.training.token_credits import TokenCredits
from execverify.training.with_trl.curriculum import ROW, CurriculumSampler, load_state, save_state
from execverify.training.with_trl.rollout_rows import (
    arranged,
    loss_mask,
    loss_share,
    replaced,
    selected,
    unique_prompts,
    useful_rows,
)

EXTRA_PROMPTS = "execverify/extra_prompts"
"""Prompts that were drawn in place of those whose groups had no variance."""
LEFT_OUT = "execverify/groups_left_out"
"""Share of groups without variance after all draws."""
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


def _plain_sampling(trainer: Any) -> bool:
    """Whether BatchSampler draws what TRL would: text alone, and temperature and top-p alone."""
    other = trainer.use_vllm or trainer.use_transformers_continuous_batching or trainer.tools or trainer._is_vlm
    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled  # whose processes must take equally many steps
    options = trainer.top_k or trainer.min_p or trainer.repetition_penalty != 1.0 or trainer.args.generation_kwargs
    return not (other or sharded or options)


def _zero_rows_are_silent(trainer: Any) -> bool:
    """Whether a row without advantages adds nothing to the loss, and its absence changes no other row."""
    terms = trainer.beta or trainer._entropy_bonus_enabled or trainer.aux_loss_enabled
    return not (terms or trainer.top_entropy_quantile < 1.0 or trainer._is_vlm)


class ExecVerifyGRPOTrainer(GRPOTrainer):
    """The trainer.

    Args:
        rollouts: "grouped" or "generate".
        dynamic_sampling: how often at most a rollout draws other prompts for groups without variance.
        curriculum: draws the prompts; its rows are those of `train_dataset`, in order. None draws by a permutation, as TRL does.
        args, kwargs: of TRL's trainer.

    Attributes:
        rollout_seconds: how long rollouts took so far, without the rewards.

    Raises:
        TrainingError: settings that allow no credits of tokens, or a group on several processes with `dynamic_sampling`.
    """

    def __init__(
        self,
        *args: Any,
        rollouts: str = "grouped",
        dynamic_sampling: int = 0,
        curriculum: Curriculum | None = None,
        **kwargs: Any,
    ) -> None:
        self._curriculum = curriculum
        if curriculum is not None:
            rows = kwargs["train_dataset"]
            kwargs["train_dataset"] = rows.add_column(ROW, list(range(len(rows))))
        super().__init__(*args, **kwargs)
        check_credits(self.args, self.reward_funcs)
        if dynamic_sampling and self.args.per_device_train_batch_size * self.args.steps_per_generation % self.num_generations:
            raise TrainingError("dynamic_sampling needs whole groups on each process: change prompts_per_rollout or processes")
        self.rollout_seconds = 0.0
        self._grouped = rollouts == "grouped" and _plain_sampling(self)
        self._leaves_out = _zero_rows_are_silent(self)
        self._rotary = bool(getattr(self.model.config.get_text_config(), "rope_parameters", None)) and not self.pad_to_multiple_of
        self._dynamic_sampling = dynamic_sampling
        self._draw = 0
        self._buffered_inputs: Any = self._buffered_inputs
        self._token_credits = TokenCredits(self._tokenizer, self.eos_token_ids)
        self._rewards: Any = None
        self._credited: list[list[float]] = []

    @property
    def _credits_tokens(self) -> bool:
        return hasattr(self.reward_funcs[0], "credits")

    @property
    def _mode(self) -> str:
        return "train" if self.model.training else "eval"

    @property
    def _group(self) -> int:
        return int(self.num_generations if self.model.training else self.num_generations_eval)

    # ------------------------------------------------------------------------------------------------- rollouts

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        try:
            return super()._generate(*args, **kwargs)
        finally:
            self.rollout_seconds += time.perf_counter() - begun

    def _generate_single_turn(
        self, prompt_ids: Any, images: Any, multimodal_fields: Any, num_generations: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """TRL's hook: the tokens of each completion, with the one that ended it, and no log-probabilities."""
        if not self._grouped or images or multimodal_fields:
            return super()._generate_single_turn(prompt_ids, images, multimodal_fields, num_generations, *args, **kwargs)
        place, first = f"{self._mode}/{self.state.global_step}/{self._draw}", self.accelerator.process_index * len(prompt_ids)
        rows = [
            SampleState(tuple(ids), sample_seed(self.args.seed, place, first + index), self.max_completion_length)
            for index, ids in enumerate(prompt_ids)
        ]
        how = {"gradient_checkpointing_kwargs": self.args.gradient_checkpointing_kwargs}
        with unwrap_model_for_generation(self.model_wrapped, self.accelerator, **how) as model:
            sampler = BatchSampler(model, frozenset(self.eos_token_ids), self.temperature, self.top_p)
            for _ in sampler.run(rows):
                pass
        return [[*row.tokens, row.end] if row.finish == "stop" else row.tokens for row in rows], None

    # -------------------------------------------------------------------------------------- rewards and advantages

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
            raise TrainingError(f"{reward.__name__} credits {len(spans)} completions of {len(texts)}: give one list a completion")
        mine = zip(ids, spans[first : first + count], strict=True)
        return [self._token_credits.advantages(each, given, reward.__name__) for each, given in mine]

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """TRL's rollout. Groups without variance have advantages of exactly 0, or are replaced."""
        output, alike = self._scored(inputs)
        self._metrics[self._mode][ZERO_VARIANCE].append(alike.float().mean().item())
        if self._dynamic_sampling and self.model.training:
            output = self._without_alike(output, self._local(alike), inputs)
        return output

    def _scored(self, inputs: list[dict[str, Any]]) -> tuple[dict[str, Any], Any]:
        """One rollout, and for each group of all processes whether it is without variance."""
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        advantages, group = output["advantages"], self._group
        if self._credits_tokens:
            advantages = advantages.new_zeros(output["completion_ids"].shape)
            for row, values in zip(advantages, self._credited, strict=True):
                row[: len(values)] = torch.tensor(values)
            alike = self.accelerator.gather((advantages == 0).all(1)).view(-1, group).all(1)
        else:
            alike = groups_alike(self._rewards, group)
            first = self.accelerator.process_index * len(inputs)
            advantages = advantages.masked_fill(alike.repeat_interleave(group)[first : first + len(inputs)], 0.0)
        output["advantages"] = advantages
        if self._curriculum is not None and self.model.training:
            self._update_curriculum(self._curriculum, [row[ROW] for row in inputs])
        return output, alike

    # -------------------------------------------------------------------------------------------------- curriculum

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        """TRL's sampler, or the curriculum's with TRL's repeats."""
        if self._curriculum is None:
            return super()._get_train_sampler(dataset)
        return CurriculumSampler(
            self._curriculum,
            self.train_dataset if dataset is None else dataset,
            mini_repeat_count=self.num_generations,
            batch_size=self.args.generation_batch_size // self.num_generations,
            repeat_count=self.num_iterations * self.args.steps_per_generation,
        )

    def _update_curriculum(self, curriculum: Curriculum, rows: list[int]) -> None:
        """Adds the outcomes of a rollout, of all processes: each one has the same curriculum."""
        scores = getattr(self.reward_funcs[0], "last_scores", None)
        if scores:
            outcomes: list[float | None] = [passed(score) for score in scores]
        else:  # a reward of another kind: its share of 1
            first = self.accelerator.process_index * len(rows)
            outcomes = self._rewards[first : first + len(rows)].nanmean(1).nan_to_num().clamp(0, 1).tolist()
        found = update_groups(curriculum, gather_object(rows), gather_object(outcomes))
        for name, value in found.items():
            self._metrics["train"][name].append(value)

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """The engine's checkpoint, with the state of the curriculum; the engine's own state is written last."""
        if self._curriculum is not None and self.is_world_process_zero():
            save_state(self._curriculum, Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")
        super()._save_checkpoint(*args, **kwargs)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """The engine's weights, and the state of the curriculum."""
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self._curriculum is not None:
            load_state(self._curriculum, Path(resume_from_checkpoint))

    # -------------------------------------------------------------------------------------------- dynamic sampling

    def _local(self, alike: Any) -> Any:
        """The groups of this process."""
        return alike.chunk(self.accelerator.num_processes)[self.accelerator.process_index]

    def _without_alike(self, output: dict[str, Any], alike: Any, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """Replaces groups without variance. The logged rewards stay those of the rollout's own prompts."""
        metrics = {name: list(values) for name, values in self._metrics["train"].items()}
        drawn, group = 0, self._group
        for draw in range(1, self._dynamic_sampling + 1):
            wanted = int(self.accelerator.gather(alike.sum()).max())  # as many on each process, as TRL wants it
            if not wanted:
                break
            self._draw, drawn = draw, drawn + wanted * self.accelerator.num_processes
            others, other_alike = self._scored(self._other_prompts(wanted, inputs))
            places, fresh = alike.nonzero()[:, 0], (~self._local(other_alike)).nonzero()[:, 0]
            count = min(len(places), len(fresh))
            rows = torch.arange(group, device=places.device)
            at, taken = ((each[:count, None] * group + rows).reshape(-1) for each in (places, fresh))
            output = replaced(output, at, others, taken, self._tokenizer.pad_token_id)
            alike = alike.clone()
            alike[places[:count]] = False
        self._draw = 0
        output["num_items_in_batch"] = self.accelerator.gather(loss_mask(output).sum()).sum()
        self._metrics["train"].clear()
        self._metrics["train"].update(metrics)
        self._metrics["train"]["num_tokens"] = [self.state.num_input_tokens_seen]
        self._metrics["train"][EXTRA_PROMPTS].append(float(drawn))
        left = self.accelerator.gather(alike.float())
        self._metrics["train"][LEFT_OUT].append(left.mean().item())
        return output

    def _other_prompts(self, count: int, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of the dataset for so many groups, others than those of this rollout where there are enough."""
        place = f"{self.args.seed}/{self.state.global_step}/{self._draw}/{self.accelerator.process_index}"
        most = min(len(self.train_dataset), count + len(inputs))
        if self._curriculum is None:
            order = random.Random(place).sample(range(len(self.train_dataset)), most)
        else:
            order = self._curriculum.sample(most, f"other/{place}")
        rows = [self.train_dataset[index] for index in order]
        fresh = [row for row in rows if row not in inputs] or rows
        return [fresh[index % len(fresh)] for index in range(count) for _ in range(self._group)]

    # --------------------------------------------------------------------------------------------------- updates

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        """TRL's micro-batch; the rows of each update of a new rollout are arranged first."""
        before, step, window = self._buffered_inputs, self._step, self.args.gradient_accumulation_steps
        inputs = super()._prepare_inputs(generation_batch)
        batches = self._buffered_inputs
        if (
            not self.model.training
            or batches is before
            or not self._leaves_out
            or self.loss_type == "bnpo"
            or len(batches) % window
        ):
            return inputs
        self._buffered_inputs = []
        for at in range(0, len(batches), window):
            part = batches[at : at + window]
            self._buffered_inputs += arranged(part, [useful_rows(batch) for batch in part])
        return self._buffered_inputs[step % self.args.steps_per_generation]

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        """TRL's loss, computed from the rows that have any."""
        if not self.model.training or not self._leaves_out:
            return super()._compute_loss(model, inputs)
        useful = useful_rows(inputs)
        count = max(1, int(self.accelerator.gather(useful.sum()).max()))  # TRL gathers figures of rows: as many on each process
        index = torch.argsort((~useful).int(), stable=True)[:count]
        kept = selected(inputs, index, cut_prompts=self._rotary)
        return super()._compute_loss(model, kept) * loss_share(self.loss_type, inputs, kept)

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Any,
        attention_mask: Any,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **images: Any,
    ) -> Any:
        """TRL's log-probabilities and entropies; the model reads a prompt once for the completions that have it in common."""
        plain = functools.partial(super()._get_per_token_logps_and_entropies, compute_entropy=compute_entropy)
        if compute_aux_loss or any(value is not None for value in images.values()) or not self._may_share(model):
            return plain(
                model, input_ids, attention_mask, logits_to_keep, batch_size, compute_aux_loss=compute_aux_loss, **images
            )
        size, parts = batch_size or len(input_ids), []
        for ids, mask in zip(input_ids.split(size), attention_mask.split(size), strict=True):
            prompts = unique_prompts(ids, mask, logits_to_keep)
            if prompts is None:
                parts.append(plain(model, ids, mask, logits_to_keep)[:2])
            else:
                parts.append(self._shared_logps(model, ids, mask, logits_to_keep, compute_entropy, prompts))
        logps, entropies = zip(*parts, strict=True)
        return torch.cat(logps), torch.cat(entropies) if compute_entropy else None, None

    def _may_share(self, model: Any) -> bool:
        """Whether keys and values of a prompt can be used for several rows: not behind the wrappers of several processes."""
        return (
            self._leaves_out
            and self.accelerator.num_processes == 1
            and isinstance(model, PreTrainedModel)
            and model.config.get_text_config()._attn_implementation in ("sdpa", "eager")
            and not self.args.gradient_checkpointing
            and not self.args.torch_compile
            and all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers)
        )

    def _shared_logps(self, model: Any, ids: Any, mask: Any, keep: int, entropy: bool, prompts: tuple[Any, Any, Any]) -> Any:
        """Log-probabilities and entropies of completions after prompts that are read once each, without their last token."""
        (first_ids, first_mask, where), name = prompts, cache_name(model)
        cache, rest = DynamicCache(config=model.config), ids[:, -keep - 1 :]
        labels = rest.masked_fill(mask[:, -keep - 1 :] == 0, -100)
        with self.accelerator.autocast():
            model.base_model(input_ids=first_ids, attention_mask=first_mask, use_cache=True, **{name: cache})
            for layer in cache.layers:
                layer.keys, layer.values = layer.keys[where], layer.values[where]
            found = model(input_ids=rest, attention_mask=mask, labels=labels, fused_lm_head=True, **{name: cache})
        return found.log_probs[:, -keep:], found.entropy[:, -keep:] if entropy else None
