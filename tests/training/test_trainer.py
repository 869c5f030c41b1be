"""The subclass of TRL's trainer: its updates beside the same ones worked by hand in plain torch. (They need TRL.)"""

import os
import random
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs the extra [train]")

import datasets
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

from execverify.errors import TrainingError
from execverify.questions.rows import to_row
from execverify.rewards import REWARDS
from execverify.rewards.trl import reward_function
from execverify.training.checkpoints import ZERO_VARIANCE
from execverify.training.token_credits import TokenCredits
from execverify.training.with_trl.rollout_rows import useful_rows
from execverify.training.with_trl.trainer import EXTRA_PROMPTS, LEFT_OUT, ExecVerifyGRPOTrainer, check_credits
from tests.helpers import step_group
from tests.helpers.small_models import random_model

pytestmark = pytest.mark.filterwarnings("ignore")  # the engines' own

PROMPT = [{"role": "user", "content": "x = 1"}]
GROUP = ("x = 1\ny = é", "x = 1\ny = 3\n", "x = 2", "")
"""Four completions of one prompt; the last one ends at once, the third is cut off."""
CREDITS = (
    [(0, 6, 0.5), (6, 11, -1.5), (11, 11, 0.25)],
    [(0, 6, 0.5), (6, 12, 1.5), (12, 12, 1.0)],
    [(4, 5, -2.0)],
    [(0, 0, -0.75)],
)
LOSSES = ("grpo", "dapo", "bnpo", "dr_grpo", "cispo", "sapo")


class Fixed:
    """A reward function with given rewards, one a completion, which repeat."""

    __name__ = "fixed"

    def __init__(self, rewards: Sequence[float | None]) -> None:
        self.rewards = list(rewards)

    def __call__(self, completions: Sequence[Any], **_: Any) -> list[float | None]:
        return [self.rewards[index % len(self.rewards)] for index in range(len(completions))]


class Crediting(Fixed):
    """A reward function with given credits for each text."""

    def __init__(self, credits: dict[str, Any]) -> None:
        super().__init__([0.0, 1.0])
        self._credits = credits
        self.asked: list[tuple[list[str], dict[str, list[Any]], int]] = []

    def credits(self, completions: list[str], columns: dict[str, list[Any]], group: int) -> list[Any]:
        self.asked.append((completions, columns, group))
        return [self._credits[text] for text in completions]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model("llama", tmp_path_factory.mktemp("llama"))


def config(out: Path, **settings: Any) -> GRPOConfig:
    """One update of plain gradient descent with rate 1, so that weights change by the gradient."""
    usual = {
        "output_dir": str(out), "use_cpu": True, "report_to": "none", "save_strategy": "no", "disable_tqdm": True, "logging_steps": 1,
        "optim": "sgd", "learning_rate": 1.0, "lr_scheduler_type": "constant", "max_grad_norm": 0.0, "max_steps": 1,
        "num_generations": 4, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 1, "max_completion_length": 16,
        "temperature": 0.7, "beta": 0.0, "epsilon_high": 5.0, "seed": 3, "bf16": False, "gradient_checkpointing": False,
        "disable_dropout": True,
    }  # fmt: skip
    return GRPOConfig(**{**usual, **settings})


def encoded(tokenizer: Any, texts: Sequence[str], cut: Sequence[int] = ()) -> list[list[int]]:
    """The tokens of completions, each ended but for those whose numbers are in `cut`."""
    ids = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return [each if i in cut else [*each, tokenizer.eos_token_id] for i, each in enumerate(ids)]


def update(
    folder: Path,
    arguments: GRPOConfig,
    reward: Any,
    completions: dict[str, list[list[int]]] | None,
    engine: Any = None,
    **settings: Any,
) -> tuple[dict[str, Any], Any]:
    """Trains one step; returns the change of each weight, and the trainer, with the rows of each reading for an update in `read`.

    Args:
        completions: the tokens to take for each prompt's text instead of drawing them; None draws.
        engine: the class of the trainer; None takes ours.
    """
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = settings.pop("rows", [{"prompt": PROMPT, "id": "row"}])

    class Given(engine or ExecVerifyGRPOTrainer):  # type: ignore[misc]
        def _get_per_token_logps_and_entropies(self, model: Any, input_ids: Any, *more: Any, **named: Any) -> Any:
            self.read = [*getattr(self, "read", []), tuple(input_ids.shape)]
            return super()._get_per_token_logps_and_entropies(model, input_ids, *more, **named)

        def _generate_single_turn(self, prompt_ids: Any, *more: Any, **named: Any) -> Any:
            if completions is None:
                return super()._generate_single_turn(prompt_ids, *more, **named)
            seen: dict[str, int] = {}
            found = []
            for ids in prompt_ids:
                text = tokenizer.decode(ids)
                group = next(group for name, group in completions.items() if name in text)
                found.append(list(group[seen.get(text, 0)]))
                seen[text] = seen.get(text, 0) + 1
            return found, None

    trainer = Given(
        model=model,
        args=arguments,
        reward_funcs=reward,
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
        **settings,
    )
    trainer.train()
    return {name: before[name] - weight.detach() for name, weight in model.named_parameters()}, trainer


def gradient(
    folder: Path, cases: Sequence[tuple[str, list[int], list[float]]], weight: Sequence[float], temperature: float = 0.7
) -> dict[str, Any]:
    """The gradient of minus the sum of weight x advantage x log-probability, one completion at a time, without padding.

    Args:
        cases: for each completion its prompt's content, its tokens and their advantages.
        weight: of the tokens of each completion.
    """
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for (content, ids, advantages), scale in zip(cases, weight, strict=True):
        messages = [{"role": "user", "content": content}]
        prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
        logits = model(torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1] / temperature
        logps = logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None])[:, 0]
        (-(logps * torch.tensor(advantages)).sum() * scale).backward()
    return {name: each.grad for name, each in model.named_parameters()}


def weights_of(loss: str, lengths: Sequence[int], most: int = 16) -> list[float]:
    """What the loss multiplies each token of a completion by, where all completions are one micro-batch."""
    rows, tokens = len(lengths), sum(lengths)
    return {
        "grpo": [1 / rows / length for length in lengths],
        "sapo": [1 / rows / length for length in lengths],
        "dr_grpo": [1 / rows / most] * rows,
    }.get(loss, [1 / tokens] * rows)


def close(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() == wanted.keys()
    for name, change in found.items():
        scale = max(1.0, float(wanted[name].abs().max()))
        assert torch.allclose(change, wanted[name], atol=1e-5 * scale, rtol=1e-4), name


def by_hand(tokenizer: Any) -> tuple[list[list[int]], list[list[float]]]:
    """The tokens of GROUP and their advantages; each character is a token, but for é, which is two."""
    ids = encoded(tokenizer, GROUP, cut=[2])
    return ids, [[0.5] * 6 + [-1.5] * 6 + [0.25], [0.5] * 6 + [1.5] * 6 + [1.0], [0.0, 0.0, 0.0, 0.0, -2.0], [-0.75]]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch", [4, 2])
def test_advantages_of_tokens_by_hand(folder: Path, loss: str, batch: int, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids, advantages = by_hand(tokenizer)
    reward = Crediting(dict(zip(GROUP, CREDITS, strict=True)))
    arguments = config(tmp_path, loss_type=loss, per_device_train_batch_size=batch, gradient_accumulation_steps=4 // batch)
    if loss == "bnpo" and batch == 2:
        pytest.skip("bnpo counts the tokens of a micro-batch, which is drawn")
    found, trainer = update(folder, arguments, reward, {"x = 1": ids})
    cases = [("x = 1", each, values) for each, values in zip(ids, advantages, strict=True)]
    close(found, gradient(folder, cases, weights_of(loss, [len(each) for each in ids])))
    assert reward.asked == [(list(GROUP), {"prompt": [PROMPT] * 4, "id": ["row"] * 4}, 4)]
    logged = trainer.state.log_history[0]
    assert logged["reward"] == 0.5 and logged["rewards/fixed/mean"] == 0.5 and logged[ZERO_VARIANCE] == 0.0


@pytest.mark.parametrize("name", ["white_box", *step_group.REWARDS_BY_NAME])
def test_each_reward_of_chains_by_hand(folder: Path, name: str, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    task = step_group.task()
    row = {"prompt": PROMPT, **{key: value for key, value in to_row(task).items() if key in ("kind", "program", "questions")}}
    ids = encoded(tokenizer, step_group.GROUP)
    assert [len(each) for each in ids] == [len(text) + 1 for text in step_group.GROUP]  # each character is a token
    if name == "white_box":
        rewards, advantages = (
            [2.0, 2.0, 0.0, 0.0],
            [[sign * step_group.OUTCOME] * len(each) for each, sign in zip(ids, (1, 1, -1, -1), strict=True)],
        )
    else:
        rewards, advantages = step_group.REWARDS_BY_NAME[name], step_group.by_hand(name)
    if name in ("verified", "progress"):  # TRL adds 1e-4 to the deviation
        deviation = statistics.stdev(rewards)
        advantages = [[value * deviation / (deviation + 1e-4) for value in each] for each in advantages]
    arguments = config(tmp_path, loss_type="dapo", max_completion_length=128, learning_rate=0.1)
    found, trainer = update(folder, arguments, reward_function(REWARDS.get(name)), {"x = 1": ids}, rows=[row])
    cases = [("x = 1", each, values) for each, values in zip(ids, advantages, strict=True)]
    wanted = gradient(folder, cases, weights_of("dapo", [len(each) for each in ids]))
    close({key: change / 0.1 for key, change in found.items()}, wanted)
    assert trainer.state.log_history[0]["reward"] == pytest.approx(sum(rewards) / 4)


@pytest.mark.parametrize("loss", LOSSES)
def test_equal_credits_are_trls_own_path(folder: Path, loss: str, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = encoded(tokenizer, GROUP, cut=[2])
    plain, _trainer = update(folder, config(tmp_path, loss_type=loss), Fixed([1.0, 0.5, 0.0, 0.0]), {"x = 1": ids})
    rewards = torch.tensor([1.0, 0.5, 0.0, 0.0])
    shares = ((rewards - rewards.mean()) / (rewards.std() + 1e-4)).tolist()
    credits = {
        text: [(0, len(text), one)] * bool(text) + [(len(text),) * 2 + (one,)] for text, one in zip(GROUP, shares, strict=True)
    }
    close(update(folder, config(tmp_path, loss_type=loss), Crediting(credits), {"x = 1": ids})[0], plain)
    cases = [("x = 1", each, [one] * len(each)) for each, one in zip(ids, shares, strict=True)]
    close(plain, gradient(folder, cases, weights_of(loss, [len(each) for each in ids])))


TWO = {"x = 1": GROUP, "twenty = 20 + x": ("a longer completion\n", "b", "c c", "")}
"""Completions of two prompts of different lengths."""
ROWS = [{"prompt": [{"role": "user", "content": name}], "id": name} for name in TWO]


class ByText(Fixed):
    """A reward function with a reward for each text, and 0 for others."""

    def __call__(self, completions: Sequence[Any], **_: Any) -> list[float | None]:
        rewards = {"x = 1\ny = é": 1.0, "x = 2": 0.25}
        return [rewards.get(completion[0]["content"], 0.0) for completion in completions]


@pytest.mark.parametrize("loss", [*LOSSES, "luspo"])
@pytest.mark.parametrize("truncated", [False, True])
def test_updates_without_groups_of_no_variance_are_trls(folder: Path, loss: str, truncated: bool, tmp_path: Path) -> None:
    """One of two groups has variance; the micro-batches, the masks and both updates of a rollout are TRL's."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = {name: encoded(tokenizer, texts, cut=[2]) for name, texts in TWO.items()}
    settings = {
        "loss_type": loss, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "generation_batch_size": 8,
        "max_steps": 2, "learning_rate": 0.05, "mask_truncated_completions": truncated,
    }  # fmt: skip
    wanted, _ = update(folder, config(tmp_path, **settings), ByText([]), ids, GRPOTrainer, rows=ROWS)
    found, trainer = update(folder, config(tmp_path, **settings), ByText([]), ids, rows=ROWS)
    close(found, wanted)
    assert trainer.state.log_history[0][ZERO_VARIANCE] == 0.5
    rows = [shape[0] for shape in trainer.read[1:]]  # the first reading is of the log-probabilities before the updates
    assert trainer.read[0][0] == 8 and len(rows) == 4 and sum(rows) <= 6
    assert (
        truncated or loss == "bnpo" or max(width for _, width in trainer.read[1:]) < trainer.read[0][1]
    )  # without the padding of others


def test_a_rollout_without_any_variance(folder: Path, tmp_path: Path) -> None:
    ids = {"x = 1": encoded(AutoTokenizer.from_pretrained(folder), GROUP)}
    found, trainer = update(folder, config(tmp_path), Fixed([1.0]), ids)
    assert all(not change.any() for change in found.values()) and trainer.read[0][0] == 1
    assert trainer.state.log_history[0][ZERO_VARIANCE] == 1.0


@pytest.mark.parametrize("setting", [{"beta": 0.1}, {"entropy_coef": 0.1}, {"top_entropy_quantile": 0.5}])
def test_terms_that_need_all_rows(folder: Path, setting: dict[str, float], tmp_path: Path) -> None:
    ids = {name: encoded(AutoTokenizer.from_pretrained(folder), texts) for name, texts in TWO.items()}
    settings = {"per_device_train_batch_size": 8, **setting}
    wanted, _ = update(folder, config(tmp_path, **settings), ByText([]), ids, GRPOTrainer, rows=ROWS)
    found, trainer = update(folder, config(tmp_path, **settings), ByText([]), ids, rows=ROWS)
    close(found, wanted)
    assert {shape[0] for shape in trainer.read} == {8}


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gpt2", "gemma3_text"])
def test_a_prompt_is_read_once_for_its_completions(architecture: str, tmp_path: Path) -> None:
    folder = random_model(architecture, tmp_path / "model")
    ids = {name: encoded(AutoTokenizer.from_pretrained(folder), texts, cut=[2]) for name, texts in TWO.items()}
    settings = {"per_device_train_batch_size": 8, "loss_type": "dapo"}
    wanted, _ = update(folder, config(tmp_path, **settings), Fixed([0.0, 1.0]), ids, GRPOTrainer, rows=ROWS)
    found, trainer = update(folder, config(tmp_path, **settings), Fixed([0.0, 1.0]), ids, rows=ROWS)
    close(found, wanted)
    read: list[tuple[int, ...]] = []
    trainer.model.base_model.register_forward_pre_hook(
        lambda module, args, kwargs: read.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    trainer._compute_loss(trainer.model, trainer._buffered_inputs[0])
    assert [rows for rows, _ in read] == ([8] if architecture == "gemma3_text" else [2, 8])  # its window counts padding


def test_rollouts_depend_on_seed_step_and_place(folder: Path, tmp_path: Path) -> None:
    def drawn(step: int = 0, count: int = 8, **settings: Any) -> list[list[int]]:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        trainer = ExecVerifyGRPOTrainer(
            model=model,
            args=config(tmp_path, **settings),
            reward_funcs=[Fixed([1.0])],
            train_dataset=datasets.Dataset.from_list(ROWS),
            processing_class=tokenizer,
            rollouts="generate" if settings.get("top_p") == 0.99 else "grouped",
        )
        trainer.state.global_step = step
        prompts = [tokenizer(name)["input_ids"] for name in TWO for _ in range(4)]
        found: list[list[int]]
        found, logps = trainer._generate_single_turn(prompts[:count], None, {}, 4)
        assert logps is None
        return found

    first = drawn()
    assert drawn() == first and drawn(count=5) == first[:5]
    assert drawn(step=1) != first and drawn(seed=4) != first and len({tuple(ids) for ids in first}) > 4
    assert all(len(ids) <= 16 and (len(ids) == 16 or ids[-1] == 2) and 2 not in ids[:-1] for ids in first)
    cold = drawn(temperature=1e-4)
    assert cold == drawn(temperature=1e-4, top_p=0.99)  # by `generate` of transformers
    assert drawn(top_k=1) == drawn(top_k=1, seed=9)  # which has settings that are not ours


def test_other_prompts_for_groups_without_variance(folder: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    names = ("x = 1", "x = 2222", "x = 33", "x = 444")
    texts = {names[0]: ("a", "b", "c", ""), names[1]: ("d", "e", "ff", ""), names[2]: GROUP, names[3]: GROUP[::-1]}
    ids = {name: encoded(tokenizer, group) for name, group in texts.items()}
    rows = [{"prompt": [{"role": "user", "content": name}], "id": name} for name in names]
    arguments = config(tmp_path, per_device_train_batch_size=8, loss_type="dapo")
    found, trainer = update(folder, arguments, ByText([]), ids, rows=rows, dynamic_sampling=20)
    logged = trainer.state.log_history[0]
    alike = logged[ZERO_VARIANCE]
    assert logged[LEFT_OUT] == 0.0 and (logged[EXTRA_PROMPTS] >= 2 * alike > 0 or alike == 0)
    batch = trainer._buffered_inputs[0]
    assert useful_rows(batch).sum() >= 4 and batch["num_items_in_batch"] == batch["completion_mask"].sum()
    cases = []
    for prompt, completion, mask, advantage in zip(
        batch["prompt_ids"], batch["completion_ids"], batch["completion_mask"], batch["advantages"], strict=True
    ):
        content = next(name for name in names if name in tokenizer.decode(prompt))
        tokens = completion[mask.bool()].tolist()
        cases.append((content, tokens, [float(advantage)] * len(tokens)))
    assert {content for content, _, _ in cases} <= set(names[2:])
    close(found, gradient(folder, cases, weights_of("dapo", [len(each) for _, each, _ in cases])))
    with pytest.raises(TrainingError, match="whole groups on each process"):
        halves = config(tmp_path, per_device_train_batch_size=2, num_generations=4, generation_batch_size=4)
        halves.steps_per_generation = 1
        update(folder, halves, ByText([]), ids, rows=rows, dynamic_sampling=1)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["credits", "left out", "dynamic"])
def test_two_processes_make_the_update_of_one(case: str, folder: Path, tmp_path: Path) -> None:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words = ["-m", "tests.helpers.trainer_process", case, str(folder), str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run([*launcher, *words], capture_output=True, text=True, env=environment, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = torch.load(tmp_path / "found.pt", weights_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if case == "credits":
        ids, advantages = by_hand(tokenizer)
        cases = [("x = 1", each, values) for each, values in zip(ids, advantages, strict=True)]
        wanted = gradient(folder, cases, weights_of("dapo", [len(each) for each in ids]))
    elif case == "left out":
        given = {name: encoded(tokenizer, texts, cut=[2]) for name, texts in TWO.items()}
        arguments = config(tmp_path, per_device_train_batch_size=8, loss_type="dapo")
        wanted, _ = update(folder, arguments, ByText([]), given, GRPOTrainer, rows=ROWS)
    else:  # both processes have the group with variance
        given = {"x = 1": encoded(tokenizer, GROUP, cut=[2])}
        wanted, _ = update(folder, config(tmp_path, loss_type="dapo"), ByText([]), given, GRPOTrainer)
        assert found["logged"][EXTRA_PROMPTS] >= 2 and found["logged"][LEFT_OUT] == 0.0
    assert found["logged"][ZERO_VARIANCE] == (0.0 if case == "credits" else 0.5)
    close(found["changes"], wanted)


def test_settings_that_take_no_credits() -> None:
    crediting, plain = Crediting({}), Fixed([1.0])

    def arguments(loss: str = "dapo", level: str = "token") -> Any:
        return SimpleNamespace(loss_type=loss, importance_sampling_level=level)

    check_credits(arguments(), [crediting])
    check_credits(arguments("vespo", "sequence"), [plain, plain])
    for loss in ("vespo", "luspo"):
        with pytest.raises(TrainingError, match=f"fixed credits tokens, and loss_type '{loss}' takes one advantage"):
            check_credits(arguments(loss), [crediting])
    with pytest.raises(TrainingError, match="set importance_sampling_level to token"):
        check_credits(arguments(level="sequence"), [crediting])
    with pytest.raises(TrainingError, match="give one reward function"):
        check_credits(arguments(), [crediting, plain])


def metaspace() -> Any:
    """A tokenizer in the manner of SentencePiece: `▁` for a space, bytes for unknown characters, no space at the begin of a text."""
    from tokenizers import Tokenizer, decoders, models

    words = ["<s>", "</s>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁x", "▁=", "▁10", "\n", "=", "x", "é"]
    merges: list[tuple[str, str]] = []
    plain = Tokenizer(
        models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=merges, byte_fallback=True, unk_token="<unk>")
    )
    plain.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=plain, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def _ids(tokenizer: Any, *pieces: str) -> list[int]:
    found: list[int] = tokenizer.convert_tokens_to_ids(list(pieces))
    return found


def test_characters_of_sentencepiece_tokens() -> None:
    tokenizer = metaspace()
    credits = TokenCredits(tokenizer, [1])
    ids = _ids(tokenizer, "▁x", "▁=", "▁10", "\n", "<s>", "▁x", "=", "é", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "x", "</s>")
    assert credits.text(ids) == "x = 10\n x=é😀x"
    assert credits.starts(ids) == [0, 1, 3, 6, None, 7, 9, 10, 11, 11, 11, 11, 12, None]
    spans = [(0, 3, 1.0), (3, 7, 2.0), (8, 11, 3.0), (11, 12, 4.0), (13, 13, 5.0)]
    assert credits.advantages(ids, spans) == [1.0, 1.0, 2.0, 2.0, 0.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0, 4.0, 0.0, 5.0]
    assert credits.starts(_ids(tokenizer, "x", "=")) == [0, 1]
    cut = _ids(tokenizer, "x", "<0xF0>", "<0x9F>")  # a character that is not whole
    assert credits.text(cut)[0] == "x" and credits.starts(cut)[:2] == [0, 1]


def test_characters_of_bytes(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    credits = TokenCredits(tokenizer, [tokenizer.eos_token_id])
    ids = encoded(tokenizer, [" aé😀\n b"])[0]
    assert credits.starts(ids) == [0, 1, 2, 2, 3, 3, 3, 3, 4, 5, 6, None]
    ids.insert(2, tokenizer.bos_token_id)
    assert credits.starts(ids)[:5] == [0, 1, None, 2, 2]
    wrong = [ids[0], *ids[8:9], ids[1]]  # a byte that is the middle of a character
    assert credits.text(wrong) == " \N{REPLACEMENT CHARACTER}a" and credits.starts(wrong) == [0, 1, 2]


def test_the_last_span_that_a_token_touches_counts() -> None:
    """A tokenizer may join the newline of a line with the begin of the next, by which a model chooses that line."""
    tokenizer = metaspace()
    credits = TokenCredits(tokenizer, [1])
    ids = _ids(tokenizer, "x", "▁x", "▁=", "▁10", "</s>")
    assert credits.text(ids) == "x x = 10"
    assert credits.advantages(ids, [(0, 2, 1.0), (2, 4, -1.0)]) == [1.0, -1.0, -1.0, 0.0, 0.0]
    assert credits.advantages(ids, [(2, 4, -1.0), (0, 2, 1.0)]) == [1.0, 1.0, -1.0, 0.0, 0.0]
    assert credits.advantages(ids, [(0, 8, 0.5), (8, 8, 0.5), (0, 2, 1.0), (8, 8, 2.0)]) == [1.0, 1.0, 0.5, 0.5, 2.0]


def test_tokens_that_change_where_they_meet() -> None:
    """A decoder that joins the parts of words, as WordPiece does, and has a rule of its own for full stops."""
    from tokenizers import Tokenizer, decoders, models

    words = {"[UNK]": 0, "one": 1, "##s": 2, ".": 3, "two": 4, "[SEP]": 5}
    plain = Tokenizer(models.WordPiece(vocab=words, unk_token="[UNK]"))
    plain.decoder = decoders.WordPiece(cleanup=True)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="[SEP]", unk_token="[UNK]")
    credits = TokenCredits(tokenizer, [5])
    assert credits.text([1, 2, 3, 4, 5]) == "ones. two"
    assert credits.starts([1, 2, 3, 4, 5]) == [0, 3, 4, 5, None]
    assert credits.starts([2, 1]) == [0, len(credits.text([2]))]


class JoiningTokenizer:
    """Its decoder writes `c` for `ab`, and a hyphen before one that follows `d`."""

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        return {"input_ids": [0]}

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        return "".join("ab-d"[id_] for id_ in ids).replace("ab", "c").replace("d-", "-d-")


@pytest.mark.parametrize("case", ["bytes", "joined"])
def test_time_grows_with_the_length_where_tokens_are_no_characters(case: str) -> None:
    """Tokens that make one character together, or change where they meet, are decoded as often in a long text as in a short one."""
    if case == "bytes":
        tokenizer = metaspace()
        pieces = [_ids(tokenizer, "<0xF0>", "<0x9F>", "<0x98>", "<0x80>"), _ids(tokenizer, "<0xC3>", "<0xA9>")]
    else:
        tokenizer, pieces = JoiningTokenizer(), [[0, 1], [0], [2], [3]]
    rng = random.Random(0)
    ids = [id_ for _ in range(600) for id_ in rng.choice(pieces)]
    credits = TokenCredits(tokenizer, [])
    text, decode, decoded = credits.text(ids), credits.text, 0

    def counted(part: Sequence[int]) -> str:
        nonlocal decoded
        decoded += len(part)
        return decode(part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credits, "text", counted)
        starts = credits.starts(ids)
    assert decoded < 60 * len(ids)
    if case == "bytes":
        assert starts == [at for at, character in enumerate(text) for _ in character.encode()]
    else:
        beginnings = [decode(ids[:count]) for count in range(len(ids))]
        assert starts == [sum(map(str.__eq__, beginning, text)) for beginning in beginnings]


@pytest.mark.parametrize("spans", [[(0, 9, 1.0)], [(2, 1, 1.0)], [(-1, 2, 1.0)]])
def test_spans_that_cannot_be(folder: Path, spans: list[tuple[int, int, float]]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with pytest.raises(TrainingError, match=r"mine credits characters .* of a completion of 3: give spans with"):
        TokenCredits(tokenizer, [2]).advantages(encoded(tokenizer, ["abc"])[0], spans, "mine")
