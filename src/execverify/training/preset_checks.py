"""What no preset may say: looked at when it is read, so that nothing is built, claimed or trained for a slip of the pen."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from execverify.cot import MIXED, NAMED_LEVELS, STYLES
from execverify.datasets.config import DatasetConfig, levels_of
from execverify.datasets.splits import Splits
from execverify.errors import ExecVerifyError, TrainingError
from execverify.questions.prompts import template_texts
from execverify.questions.task import CODE_GENERATION, TASK_KINDS
from execverify.rewards.registry import REWARDS
from execverify.training.config import MOST_SEED, SYNTHESIZED, DataSettings, Preset, RlSettings

_OTHER_REWARDS = ("parts", "unit_tests", "constant")
"""Rewards that are no rule of graded parts: each part by itself, unit tests, and none at all."""
LOSSES = ("grpo", "dapo", "bnpo", "dr_grpo", "cispo", "sapo", "luspo", "vespo")
SCHEDULERS = (
    "constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial", "inverse_sqrt",
)  # fmt: skip
"""Of the engine's schedulers those that need no settings of their own."""

_STAGES = ("rl_whitebox", "rl_unit_tests")
_ONE_OR_MORE = {
    "": ("save_steps",),
    "model": ("hidden", "layers", "heads", "kv_heads", "intermediate", "context"),
    "sft": ("batch_size", "per_device_batch_size", "max_length"),
    "stage": ("prompts_per_rollout", "mini_batch_size", "per_device_batch_size", "max_prompt_length", "max_completion_length"),
    "evaluation": ("max_tokens", "batch_size"),
}
_NOT_NEGATIVE = {
    "": ("seed",),
    "sft": ("rows", "tasks", "max_steps", "save_steps", "learning_rate", "warmup_ratio", "weight_decay", "cot_max_tokens"),
    "stage": (
        "rows",
        "max_steps",
        "learning_rate",
        "warmup_ratio",
        "beta",
        "epsilon",
        "epsilon_high",
        "difficulty_filter_samples",
    ),
    "evaluation": ("rows", "tasks", "limit"),
    "hardware": ("gpus", "gpu_memory", "memory", "disk"),
}
_ONE_OF = {
    "model.dtype": ("float32", "bfloat16"),
    "sft.cot_detail": tuple(NAMED_LEVELS),
    "sft.lr_scheduler_type": SCHEDULERS,
    "stage.lr_scheduler_type": SCHEDULERS,
    "stage.loss_type": LOSSES,
    "stage.scale_rewards": ("group", "batch", "none"),
}


def meant(name: str, known: Iterable[str]) -> str:
    """What a name that is not known was meant to be, as the end of a message."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 3)
    return f"did you mean {' or '.join(near)}?" if near else f"it must be one of {', '.join(names)}"


def check_preset(preset: Preset) -> None:
    """Raises TrainingError for values that cannot be trained with; the message names the setting."""
    _check_values(preset)
    if preset.seed > MOST_SEED:
        raise TrainingError(f"seed is {preset.seed}: give {MOST_SEED} or less")
    if preset.model.hidden % preset.model.heads or preset.model.heads % preset.model.kv_heads:
        raise TrainingError("model.hidden must be a multiple of model.heads, and model.heads of model.kv_heads")
    if preset.sft.batch_size % preset.sft.per_device_batch_size:
        raise TrainingError("sft.batch_size must be a multiple of sft.per_device_batch_size")
    for name in _STAGES:
        _check_rl(name, preset.stage(name))
    try:
        _check_rows(preset)
    except TrainingError:
        raise
    except ExecVerifyError as error:
        raise TrainingError(f"data: {error}") from None
    _check_methods(preset)
    _check_files(preset)


def _settings(preset: Preset, table: str, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Settings of a table by their dotted names; "stage" stands for both stages of RL, "" for no table."""
    for one in _STAGES if table == "stage" else (table,):
        holder = getattr(preset, one) if one else preset
        yield from ((f"{one}.{name}".lstrip("."), getattr(holder, name)) for name in names)


def _check_values(preset: Preset) -> None:
    """What can be said of each setting alone."""
    for least, table_names in ((1, _ONE_OR_MORE), (0, _NOT_NEGATIVE)):
        for table, names in table_names.items():
            for dotted, value in _settings(preset, table, names):
                if not value >= least:  # so that nan is refused too
                    raise TrainingError(f"{dotted} is {value}: give {least} or more")
    for pattern, known in {**_ONE_OF, "sft.cot_style": (*STYLES, MIXED), "stage.reward": (*REWARDS, *_OTHER_REWARDS)}.items():
        table, _, name = pattern.partition(".")
        for dotted, value in _settings(preset, table, (name,)):
            if value not in known:
                raise TrainingError(f"there is no {dotted} {value!r}: {meant(value, known)}")
    for table in ("sft", "stage"):
        for dotted, value in _settings(preset, table, ("warmup_ratio",)):
            if not value < 1:
                raise TrainingError(f"{dotted} is {value:g}, and it is a share of the steps: give 0 or more, and less than 1")
        for dotted, value in _settings(preset, table, ("num_train_epochs",)):
            if not value > 0:
                raise TrainingError(f"{dotted} is {value:g}: give more than 0")


def _check_rl(name: str, stage: RlSettings) -> None:
    known = (*TASK_KINDS, CODE_GENERATION)
    if not stage.kinds:
        raise TrainingError(f"{name}.kinds is empty: name some of {', '.join(known)}")
    for kind in stage.kinds:
        if kind not in known:
            raise TrainingError(f"there is no kind {kind!r} of rows in {name}.kinds: {meant(kind, known)}")
    if (CODE_GENERATION in stage.kinds) != (stage.reward == "unit_tests") and stage.reward != "constant":
        raise TrainingError(f"{name}.reward {stage.reward!r} does not judge rows of {name}.kinds {', '.join(stage.kinds)}")
    if stage.num_generations < 2:
        raise TrainingError(f"{name}.num_generations is {stage.num_generations}: a group needs 2 completions or more to compare")
    if stage.difficulty_filter_samples == 1:
        raise TrainingError(
            f"{name}.difficulty_filter_samples is 1: one sample differs from none; give 2 or more, or 0 to train on all"
        )
    if stage.prompts_per_rollout % stage.mini_batch_size:
        raise TrainingError(f"{name}.prompts_per_rollout must be a multiple of {name}.mini_batch_size")
    if (stage.mini_batch_size * stage.num_generations) % stage.per_device_batch_size:
        raise TrainingError(f"{name}.mini_batch_size x num_generations must be a multiple of {name}.per_device_batch_size")
    if not stage.temperature > 0 or not 0 < stage.top_p <= 1 or not 0 <= stage.alpha <= 1:
        raise TrainingError(f"{name}: temperature must be above 0, top_p above 0 and up to 1, alpha 0 to 1")


def recipe_of(data: DataSettings) -> DatasetConfig:
    """The recipe of a preset's rows; making it is the check of what it is made of."""
    return DatasetConfig(
        seed=data.seed,
        levels=levels_of(data.levels),
        kinds=data.kinds,
        builtins=data.builtins,
        value_types=data.value_types,
        inputs_per_program=data.inputs_per_program,
        max_questions=data.max_questions,
        prompt_template=data.prompt_template,
        steps=data.max_steps,
        splits=Splits.parse(data.splits),
    )


def _check_rows(preset: Preset) -> None:
    """What the rows are made by, in the words of those who make them."""
    data, evaluation, rl_unit_tests = preset.data, preset.evaluation, preset.rl_unit_tests
    for kind in data.kinds:
        if kind not in TASK_KINDS:
            raise TrainingError(
                f"data.kinds has {kind!r}: {meant(kind, TASK_KINDS)}"
                + (" (rl_unit_tests.rows and sft.tasks make rows of code generation)" if kind == CODE_GENERATION else "")
            )
    recipe = recipe_of(data)
    if {"train", "test"} - set(Splits.parse(data.splits).names):
        raise TrainingError(f"data.splits is {data.splits!r}: it needs both train and test")
    if preset.sft.tasks or evaluation.tasks or (rl_unit_tests.rows and rl_unit_tests.source == SYNTHESIZED):
        replace(recipe, kinds=(CODE_GENERATION,))
    if rl_unit_tests.rows and rl_unit_tests.source != SYNTHESIZED:
        template_texts(data.prompt_template, ("code_problem",))
    if evaluation.longer_levels:
        levels_of(evaluation.longer_levels)
    if preset.rl_whitebox.rows and not data.from_folder and not set(preset.rl_whitebox.kinds) & set(data.kinds):
        raise TrainingError(
            f"rl_whitebox.kinds are {', '.join(preset.rl_whitebox.kinds)}, and data.kinds only {', '.join(data.kinds)}"
        )
    replace(recipe, builtins=evaluation.unseen_methods)


def _check_methods(preset: Preset) -> None:
    """Methods that training never sees must be such."""
    unseen, seen = preset.evaluation.unseen_methods, preset.data.builtins
    if not unseen or preset.data.from_folder:
        return
    if not seen:
        raise TrainingError("evaluation.unseen_methods: training sees all methods; name in data.builtins those that it may see")
    if both := sorted(set(unseen) & set(seen)):
        raise TrainingError(
            f"evaluation.unseen_methods has what data.builtins has too: take {', '.join(both)} out of one of them"
        )


def _check_files(preset: Preset) -> None:
    """Files that settings name."""
    if preset.evaluation.cruxeval and not Path(preset.evaluation.cruxeval).is_file():
        raise TrainingError(f"evaluation.cruxeval is {preset.evaluation.cruxeval!r}: no such file")
    if preset.data.from_folder and not Path(preset.data.from_folder).exists():
        raise TrainingError(f"data.from_folder is {preset.data.from_folder!r}: no such folder")
    source = preset.rl_unit_tests.source
    if preset.rl_unit_tests.rows and source.endswith((".parquet", ".jsonl")) and not Path(source).is_file():
        raise TrainingError(f"rl_unit_tests.source is {source!r}: no such file")
