"""What RL would have to work with, measured before it is paid for: completions of a model, and the gradients of a batch by each reward.

Some batches of prompts are drawn, each with its completions, and graded once. For each reward the trainer itself (`trainer.py`) turns
every batch into a gradient: its advantages, its credits of tokens, its loss. No weight changes. `gradient_signal.py` has the figures.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from execverify.datasets.cot_rows import CotReport, cot_rows
from execverify.errors import TrainingError
from execverify.evaluation.intervals import pass_at_k
from execverify.rewards.parse import completion_text
from execverify.rewards.parts import Score
from execverify.rewards.registry import REWARDS
from execverify.rewards.score import RewardConfig, rescored
from execverify.rewards.steps.credit import Credit, CreditReward
from execverify.rewards.steps.faithfulness import faithfulness
from execverify.rewards.trl import WhiteBoxReward, credits_of_groups
from execverify.training.checkpoints import ZERO_VARIANCE, Logger
from execverify.training.config import Preset, RlSettings
from execverify.training.distributed import world_size
from execverify.training.gradient_signal import MIN_BATCHES, GradientSignal, advice, gradient_cosine, gradient_signal
from execverify.training.length_filter import LengthFilterReport, chat_text, check_template, filter_by_length, rows_that_fit
from execverify.training.with_trl.common import loaded, translate_config_errors, translate_errors
from execverify.training.with_trl.grpo import COLUMNS, arguments_of, check_kinds
from execverify.training.with_trl.trainer import ExecVerifyGRPOTrainer, check_credits
from execverify.utils.messages import count_phrase, suggestion

STAGE = "rl_whitebox"
SUPERVISED = "supervised"
"""The name of the gradient of SFT on true chains among those of rewards."""
PROBE_REWARDS = ("output_only", "white_box", "verified", "step", "bilevel")
"""What is measured where no rewards are named."""

_GIB = 1 << 30
_PASS_K = 8


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """What is measured, and how much of it.

    Attributes:
        rewards: names of `REWARDS`.
        prompts: of a batch; 0 takes the preset's, those of an update.
        group: completions a prompt; 0 takes the preset's.
        batches: how many are drawn.
        seed: of the prompts, the completions and the projection.
        memory: GiB for all gradients together. Where they need more, each is projected to fewer dimensions.
        workers: processes that run programs.
    """

    rewards: tuple[str, ...] = PROBE_REWARDS
    prompts: int = 0
    group: int = 0
    batches: int = 8
    seed: int = 0
    memory: float = 2.0
    workers: int = 1


@dataclass(frozen=True, slots=True)
class RewardSignal:
    """What one reward gives to learn from.

    Attributes:
        name: of the reward, or "supervised".
        mean: of the rewards of all completions; None for "supervised".
        groups_with_variance: their share; None for "supervised".
        signal: signal to noise of a batch's gradient.
        updates: updates of this size until their sum has as much signal as noise; None where no signal is seen.
        updates_range: two standard errors to each side; None where there is no such number.
        cosine, cosine_error: of the true gradient with that of SFT on true chains, with its standard error. None where one of them shows
            no signal.
        advice: one line.
    """

    name: str
    mean: float | None
    groups_with_variance: float | None
    signal: GradientSignal
    updates: int | None
    updates_range: tuple[int | None, int | None]
    cosine: float | None
    cosine_error: float | None
    advice: str


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """The figures of a probe; shares are 0 to 1.

    Attributes:
        model: its name or folder.
        batches, prompts, group: how much was drawn: so many prompts a batch, each with so many completions.
        pass_k: the k of the figures that are of k completions.
        output_at_1, output_at_k: the output is right in one of 1 or of k completions; of input prediction, the input.
        chain_at_1, chain_at_k: the whole chain of thought is true in one of them.
        guessed: share of right outputs whose chain is not true; None without right outputs.
        progress: mean share of the run that is described rightly before the first divergence.
        divergences: first divergences by kind of statement, as shares of the chains that are not true.
        cut_off: share of completions that reached the limit of tokens.
        max_completion_length: that limit.
        chains, chains_too_long: rows for which a true chain was rendered, and how many of these chains are longer than the limit.
        planned_updates: how many updates of this size the preset makes on its rows.
        weights: that are trained.
        dimensions: of a gradient as it was held; fewer than `weights` where it was projected.
        rewards: one entry a reward, then that of SFT on true chains where chains could be rendered.
        seconds: by what it took them for.
    """

    model: str
    batches: int
    prompts: int
    group: int
    pass_k: int
    output_at_1: float
    output_at_k: float
    chain_at_1: float
    chain_at_k: float
    guessed: float | None
    progress: float
    divergences: dict[str, float]
    cut_off: float
    max_completion_length: int
    chains: int
    chains_too_long: int
    planned_updates: float
    weights: int
    dimensions: int
    rewards: tuple[RewardSignal, ...]
    seconds: dict[str, float]


# ------------------------------------------------------------------------------------------------------------- rewards


class Grader:
    """Grades the completions of a batch once for all rewards.

    Args:
        workers: processes that run programs.

    Attributes:
        last: the scores of the last batch.
        seconds: that grading took so far.
    """

    def __init__(self, workers: int) -> None:
        self._grade = WhiteBoxReward(workers=workers, raise_errors=True, chains=True).scores
        self._graded: tuple[list[str], Any] = ([], None)  # completions and programs of the last batch
        self.last: list[Score | None] = []
        self.seconds = 0.0

    def scores(self, completions: Sequence[Any], columns: dict[str, Any]) -> list[Score | None]:
        """The graded parts and chains of completions; those of the last call are kept."""
        texts = [completion_text(one) or "" for one in completions]
        if (texts, columns["program"]) != self._graded:
            begun = time.perf_counter()
            self._graded, self.last = (texts, columns["program"]), self._grade(texts, columns)
            self.seconds += time.perf_counter() - begun
        return self.last


class GradedReward:
    """A reward function of TRL's kind that takes its grades from a `Grader`; it credits tokens where its rule does.

    Args:
        name: of the reward.
        rule: what it pays.
        grader: has the grades.
    """

    def __init__(self, name: str, rule: RewardConfig, grader: Grader) -> None:
        self.__name__, self._rule, self._grader = name, rule, grader
        if isinstance(rule, CreditReward):
            self.credits = self._credits

    def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        return [None if score is None else score.reward for score in self._scores(completions, columns)]

    def _credits(self, completions: Sequence[str], columns: dict[str, Any], group: int) -> list[list[Credit]]:
        assert isinstance(self._rule, CreditReward)
        return credits_of_groups(self._rule, completions, self._scores(completions, columns), group)

    def _scores(self, completions: Sequence[Any], columns: dict[str, Any]) -> list[Score | None]:
        return [score and rescored(score, self._rule) for score in self._grader.scores(completions, columns)]


# ----------------------------------------------------------------------------------------------------------- gradients


class ProbeTrainer(ExecVerifyGRPOTrainer):
    """The trainer that draws the completions of a batch once, and gives its gradients.

    Attributes:
        recorded: the tokens of the completions of the present batch, in the order of its rows.
    """

    recorded: list[list[int]] = []

    def draw(self, rows: list[dict[str, Any]], number: int) -> None:
        """Draws the completions of a batch by the trainer's own sampler.

        Args:
            rows: of a batch, one a completion.
            number: of the batch, which the seeds of its completions come from.
        """
        self.state.global_step = number
        prompts = self._tokenize_prompts([row["prompt"] for row in rows])[0]
        self.recorded = super()._generate_single_turn(prompts, None, None, self.num_generations)[0]

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        return self.recorded, None

    def take_gradient(self, rows: list[dict[str, Any]], reward: Any) -> dict[str, float]:
        """Leaves the gradient of one update in the weights; returns the update's figures.

        Args:
            rows: of a batch, one a completion.
            reward: the reward function.
        """
        check_credits(self.args, [reward])
        self.reward_funcs, self.reward_func_names = [reward], [reward.__name__]
        self.current_gradient_accumulation_steps = self.args.gradient_accumulation_steps
        self._step, self._buffered_inputs = 0, None
        self.model.zero_grad(set_to_none=True)
        torch.manual_seed(self.args.seed)  # TRL shuffles rows among micro-batches
        for _ in range(self.args.gradient_accumulation_steps):
            self.training_step(self.model_wrapped, rows, None)
        figures = {name: float(fmean(values)) for name, values in self._metrics["train"].items() if values}
        self._metrics["train"].clear()
        return figures


class Projection:
    """Gradients as vectors of bounded length: whole where they fit, else by a seeded random projection.

    The projection keeps dot products on average. The vector is cut into blocks, whose entries get random signs; the blocks are added up.

    Args:
        model: whose weights are trained.
        most: entries of a vector at most.
        seed: of the signs.
    """

    def __init__(self, model: Any, most: int, seed: int) -> None:
        self._weights = [weight for weight in model.parameters() if weight.requires_grad]
        self._seed = seed
        self.size = sum(weight.numel() for weight in self._weights)
        self.dimensions = max(1, min(most, self.size))

    def gradient(self) -> Any:
        """The present gradient of the weights as a vector, in float32 on the processor."""
        if self.dimensions == self.size:
            return torch.cat([self._flat(weight) for weight in self._weights])
        found, at = torch.zeros(self.dimensions), 0
        generator = torch.Generator().manual_seed(self._seed)
        for weight in self._weights:
            flat = self._flat(weight)
            flat *= torch.randint(0, 2, flat.shape, generator=generator, dtype=torch.int8) * 2 - 1
            for part in (flat[: self.dimensions - at], *flat[self.dimensions - at :].split(self.dimensions)):
                found[at : at + len(part)] += part
                at = (at + len(part)) % self.dimensions
        return found

    def _flat(self, weight: Any) -> Any:
        return torch.zeros(weight.numel()) if weight.grad is None else weight.grad.detach().reshape(-1).float().cpu().clone()


def supervised_gradient(trainer: Any, cases: Sequence[tuple[list[int], list[int]]]) -> None:
    """Leaves the gradient of SFT in the weights: of the mean loss of the tokens of completions, at temperature 1.

    Args:
        trainer: has the model.
        cases: token ids of prompts and of their completions.
    """
    from torch.nn.functional import cross_entropy

    model, size = trainer.model_wrapped, trainer.args.per_device_train_batch_size
    model.zero_grad(set_to_none=True)
    count = sum(len(completion) for _, completion in cases)
    ordered = sorted(cases, key=lambda case: len(case[0]) + len(case[1]))
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        longest = max(len(prompt) + len(completion) for prompt, completion in part)
        ids = torch.zeros(len(part), longest, dtype=torch.long)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for i, (prompt, completion) in enumerate(part):
            end = len(prompt) + len(completion)
            ids[i, :end], mask[i, :end] = torch.tensor(prompt + completion), 1
            labels[i, len(prompt) : end] = torch.tensor(completion)
        ids, mask, labels = (each.to(model.device) for each in (ids, mask, labels))
        with trainer.compute_loss_context_manager():
            logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
            loss = cross_entropy(logits.flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=-100, reduction="sum")
        trainer.accelerator.backward(loss / count)


# --------------------------------------------------------------------------------------------------------------- probe


@dataclass(slots=True)
class _Drawn:
    """What is kept of the batches."""

    scores: list[list[Score | None]] = field(default_factory=list)  # one list a prompt
    cut_off: int = 0
    gradients: dict[str, list[Any]] = field(default_factory=dict)
    figures: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("draws", "grading", "gradients"), 0.0))


def probe(
    preset: Preset, model: str, rows: Iterable[dict[str, Any]], settings: ProbeSettings, say: Logger = print
) -> ProbeReport:
    """Measures what white-box RL would have to work with.

    Args:
        preset: of which `rl_whitebox`, `trl` and `model` count, and `sft` for the style of true chains.
        model: hub name or folder.
        rows: of kinds that the stage rewards; prompts are drawn of them.
        settings: how much is drawn.
        say: gets lines about the progress.

    Raises:
        ModelError: the model cannot be had.
        RowError: a row that cannot be used.
        TrainingError: no such reward, too few rows or batches, settings that TRL refuses, or too little memory.
    """
    stage = preset.stage(STAGE)
    preset, settings = _fitted(preset, settings)
    loaded_model, tokenizer = loaded(preset, model)
    check_template(tokenizer, model)
    with tempfile.TemporaryDirectory() as folder, translate_errors(Path(folder)):
        trainer, batches, count = _trainer(preset, loaded_model, tokenizer, rows, settings, Path(folder))
        cases, chains, too_long = _true_chains(preset, trainer, batches, settings.workers, say)
        names = [*settings.rewards, *([SUPERVISED] if chains else [])]
        most = int(settings.memory * _GIB / 4 / settings.batches / len(names))
        projection = Projection(trainer.model, most, settings.seed)
        drawn = _measured(preset, trainer, batches, cases, projection, settings, say)
    planned = _planned_completions(stage, count) / (settings.prompts * settings.group)
    return ProbeReport(
        model=model,
        batches=settings.batches,
        prompts=settings.prompts,
        group=settings.group,
        **_completion_figures(drawn, settings),
        max_completion_length=preset.stage(STAGE).max_completion_length,
        chains=chains,
        chains_too_long=too_long,
        planned_updates=round(planned, 1),
        weights=projection.size,
        dimensions=projection.dimensions,
        rewards=tuple(_signals(names, drawn, planned)),
        seconds={name: round(value, 1) for name, value in drawn.seconds.items()},
    )


def _fitted(preset: Preset, settings: ProbeSettings) -> tuple[Preset, ProbeSettings]:
    """The preset with one update a rollout and nothing that the probe does not need, and the settings without zeros."""
    for name in settings.rewards:
        if name not in REWARDS:
            raise TrainingError(f"there is no reward {name!r} to probe: {suggestion(name, REWARDS)}")
        if getattr(REWARDS.get(name), "reads_otherwise", False):
            raise TrainingError(f"the reward {name!r} cannot be probed beside others: it reads answers in a way of its own")
    if not settings.rewards or settings.batches < MIN_BATCHES:
        raise TrainingError(f"a probe takes one reward or more, and {MIN_BATCHES} batches or more")
    rl = preset.stage(STAGE)
    prompts, group = settings.prompts or rl.mini_batch_size, settings.group or rl.num_generations
    if world_size() > 1:
        raise TrainingError("the probe is one process: start it without accelerate launch")
    if group < 2:
        raise TrainingError("a group needs 2 completions or more to compare: give a larger --group")
    fitted = preset.with_settings(
        STAGE,
        reward="white_box",
        prompts_per_rollout=prompts,
        mini_batch_size=prompts,
        num_generations=group,
        per_device_batch_size=max(n for n in range(1, rl.per_device_batch_size + 1) if prompts * group % n == 0),
        beta=0.0,  # the KL term has no gradient where training starts
        dynamic_sampling=0,
        max_steps=1,
    )
    engine = {name: value for name, value in preset.trl.items() if not name.startswith(("vllm", "use_vllm", "use_transformers"))}
    plan = fitted.replace(seed=settings.seed, report_to=(), trl=engine)
    return plan, replace(settings, prompts=prompts, group=group)


def _trainer(
    preset: Preset, model: Any, tokenizer: Any, rows: Iterable[dict[str, Any]], settings: ProbeSettings, folder: Path
) -> tuple[Any, list[list[dict[str, Any]]], int]:
    """The trainer, the prompts of each batch, and how many there are to draw from."""
    import datasets

    rl = preset.stage(STAGE)
    chosen, count = _chosen_rows(preset, tokenizer, rows, settings)
    prompts: list[dict[str, Any]] = datasets.Dataset.from_list(chosen).to_list()
    arguments = arguments_of(preset, STAGE, folder)
    with translate_config_errors(STAGE):
        trainer = ProbeTrainer(
            model=model,
            args=arguments,
            reward_funcs=[GradedReward("none", REWARDS.get("white_box"), Grader(1))],
            train_dataset=datasets.Dataset.from_list(chosen),
            processing_class=tokenizer,
            rollouts=rl.rollouts,
        )
    trainer.model_wrapped = trainer.accelerator.prepare_model(trainer.model)
    trainer.model.train()
    return trainer, [prompts[i : i + settings.prompts] for i in range(0, len(prompts), settings.prompts)], count


def _chosen_rows(
    preset: Preset, tokenizer: Any, rows: Iterable[dict[str, Any]], settings: ProbeSettings
) -> tuple[list[dict[str, Any]], int]:
    """The rows that are drawn, and from how many. Those that the training would leave out for their length are left out here, too."""
    rl, account = preset.stage(STAGE), LengthFilterReport()
    kept = [{name: row[name] for name in COLUMNS} for row in filter_by_length(rows, tokenizer, rl.max_prompt_length, account)]
    check_kinds(kept, STAGE, rl)
    wanted, count = settings.batches * settings.prompts, len(kept)
    random.Random(settings.seed).shuffle(kept)
    chosen: list[dict[str, Any]] = []
    for start in range(0, count, wanted):  # a chain has to be rendered for each row that is looked at
        some = kept[start : start + wanted]
        if rl.skip_long_chains:
            some, too_long = rows_that_fit(some, preset, tokenizer, settings.workers)
            account.own_chain_too_long += too_long
        chosen += some
        if len(chosen) >= wanted:
            looked_at = min(count, start + wanted)
            return chosen[:wanted], round(count * (looked_at - account.own_chain_too_long) / looked_at)
    raise TrainingError(
        f"the probe draws {settings.batches} batches of {count_phrase(settings.prompts, 'prompt')}, and there are "
        f"{count_phrase(len(chosen), 'row')} ({account.too_long} more are longer than {STAGE}.max_prompt_length, and the true chains of "
        f"{account.own_chain_too_long} than {STAGE}.max_completion_length): give fewer --prompts or --batches, or more rows"
    )


def _true_chains(
    preset: Preset, trainer: Any, batches: list[list[dict[str, Any]]], workers: int, say: Logger
) -> tuple[list[list[tuple[list[int], list[int]]]], int, int]:
    """For each batch the tokens of prompts with their true chains; how many chains there are, and how many exceed the limit of RL."""
    sft, account = preset.sft, CotReport()
    rows = [row for batch in batches for row in batch]
    made = cot_rows(
        rows,
        style=sft.cot_style,
        detail_level=sft.cot_detail,
        max_tokens=sft.cot_max_tokens or sft.max_length,
        seed=preset.data.seed,
        workers=workers,
        account=account,
    )
    tokenizer, ends = trainer.processing_class, set(trainer.eos_token_ids)
    tokens: dict[str, tuple[list[int], list[int]]] = {}
    for row in made:
        prompt, whole = (tokenizer(chat_text(part, tokenizer), add_special_tokens=False)["input_ids"] for part in _parts(row))
        completion = whole[len(prompt) :]
        end = next((i for i, token in enumerate(completion) if token in ends), len(completion) - 1)
        tokens[row["id"]] = (prompt, completion[: end + 1])
    if not tokens:
        say("no true chain could be rendered: there is no gradient of SFT to compare with")
    cases = [[tokens[row["id"]] for row in batch if row["id"] in tokens] for batch in batches]
    limit = preset.stage(STAGE).max_completion_length
    too_long = sum(len(completion) > limit for _, completion in tokens.values())
    context = preset.model.context
    return [[case for case in batch if sum(map(len, case)) <= context] for batch in cases], len(tokens), too_long


def _parts(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"prompt": row["prompt"]}
    yield row


def _measured(
    preset: Preset,
    trainer: Any,
    batches: list[list[dict[str, Any]]],
    cases: list[list[tuple[list[int], list[int]]]],
    projection: Projection,
    settings: ProbeSettings,
    say: Logger,
) -> _Drawn:
    """Draws and grades each batch, and takes its gradients."""
    grader, drawn, rl = Grader(settings.workers), _Drawn(), preset.stage(STAGE)
    rewards = [GradedReward(name, rl.replace(reward=name).reward_config(), grader) for name in settings.rewards]
    for number, (prompts, true) in enumerate(zip(batches, cases, strict=True), 1):
        rows = [row for row in prompts for _ in range(settings.group)]
        begun, graded_before = time.perf_counter(), grader.seconds
        trainer.draw(rows, number)
        drawn.seconds["draws"] += time.perf_counter() - begun
        begun = time.perf_counter()
        for reward in rewards:
            figures = trainer.take_gradient(rows, reward)
            drawn.figures.setdefault(reward.__name__, []).append(figures)
            drawn.gradients.setdefault(reward.__name__, []).append(projection.gradient())
        if any(cases):
            supervised_gradient(trainer, true)
            drawn.gradients.setdefault(SUPERVISED, []).append(projection.gradient())
        grading = grader.seconds - graded_before
        drawn.seconds["grading"] += grading
        drawn.seconds["gradients"] += time.perf_counter() - begun - grading
        _keep_grades(drawn, trainer, grader, settings.group)
        say(f"batch {number} of {len(batches)}: {sum(drawn.seconds.values()):.0f} s")
    return drawn


def _keep_grades(drawn: _Drawn, trainer: Any, grader: Grader, group: int) -> None:
    scores = grader.last
    drawn.scores += [scores[i : i + group] for i in range(0, len(scores), group)]
    drawn.cut_off += sum(ids[-1] not in trainer.eos_token_ids for ids in trainer.recorded)


def _planned_completions(stage: RlSettings, rows: int) -> float:
    """How many completions a training of the stage draws from so many rows."""
    prompts = stage.num_train_epochs * (min(rows, stage.rows) // stage.prompts_per_rollout * stage.prompts_per_rollout)
    prompts = min(prompts, stage.max_steps * stage.mini_batch_size) if stage.max_steps else prompts
    return prompts * stage.num_generations


def _completion_figures(drawn: _Drawn, settings: ProbeSettings) -> dict[str, Any]:
    """The figures of the completions, without those of gradients."""
    k = min(_PASS_K, settings.group)
    graded = [[score for score in group if score is not None and score.chain is not None] for group in drawn.scores]
    graded = [group for group in graded if len(group) >= k]
    if not graded:
        raise TrainingError("no completion could be graded: `execverify doctor` checks the sandbox")
    found = faithfulness(score for group in graded for score in group)

    def at(k: int, right: Callable[[Score], bool]) -> float:
        return fmean(pass_at_k(len(group), sum(map(right, group)), k) for group in graded)

    def output(score: Score) -> bool:
        return score.parts[0].right

    def chain(score: Score) -> bool:
        return score.chain is not None and score.chain.is_true

    wrong = found.divergences.total()
    return {
        "pass_k": k,
        "output_at_1": at(1, output),
        "output_at_k": at(k, output),
        "chain_at_1": at(1, chain),
        "chain_at_k": at(k, chain),
        "guessed": found.guessed,
        "progress": found.progress,
        "divergences": {name: count / wrong for name, count in found.divergences.most_common()},
        "cut_off": drawn.cut_off / sum(map(len, drawn.scores)),
    }


def _signals(names: Sequence[str], drawn: _Drawn, planned: float) -> Iterator[RewardSignal]:
    """One entry a reward; the cosine only where both gradients show a signal."""
    stacked = {name: torch.stack(drawn.gradients.pop(name)) for name in names}
    grams = {name: (each @ each.T).tolist() for name, each in stacked.items()}
    signals = {name: gradient_signal(gram) for name, gram in grams.items()}
    for name in names:
        signal, figures = signals[name], drawn.figures.get(name)
        cosine: tuple[float | None, float | None] = (None, None)
        if name != SUPERVISED and SUPERVISED in names and signal.is_seen and signals[SUPERVISED].is_seen:
            between = (stacked[name] @ stacked[SUPERVISED].T).tolist()
            cosine = gradient_cosine(grams[name], grams[SUPERVISED], between)
        yield RewardSignal(
            name,
            fmean(each["reward"] for each in figures) if figures else None,
            1 - fmean(each[ZERO_VARIANCE] for each in figures) if figures else None,
            signal,
            signal.updates,
            signal.updates_range,
            *cosine,
            advice(signal, planned if figures else None),
        )
