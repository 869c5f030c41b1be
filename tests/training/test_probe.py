"""The probe: its figures beside known ones, its gradients beside ones worked by hand, and the verb. (Most need TRL.)"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from execverify.rewards.registry import REWARDS
from execverify.rewards.score import PAPER_REWARD, rescored, score_many
from execverify.training.gradient_signal import GradientSignal, advice, gradient_cosine, gradient_signal

pytest.importorskip("trl", reason="training needs the extra [train]")

import datasets
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import execverify as ev
from execverify.cli.app import _status
from execverify.datasets import read_rows
from execverify.training.length_filter import rows_that_fit
from execverify.training.with_trl.probe import ProbeSettings, ProbeTrainer, Projection, probe, supervised_gradient
from tests.helpers.small_models import random_model
from tests.helpers.tiny_training import arguments, command, preset
from tests.training.test_trainer import CREDITS, GROUP, PROMPT, Crediting, Fixed, by_hand, config, encoded, gradient, weights_of

pytestmark = pytest.mark.filterwarnings("ignore")  # the engines' own


# ------------------------------------------------------------------------------------------------------------- figures


def _gradients(seed: int, batches: int, true: torch.Tensor, noise: float) -> torch.Tensor:
    return true + noise * torch.randn(batches, len(true), generator=torch.Generator().manual_seed(seed))


def test_signal_to_noise_of_known_gradients() -> None:
    true = torch.zeros(400)
    true[:4] = 1.0
    wanted = 4 / (400 * 0.25)
    found = [gradient_signal((each @ each.T).tolist()) for seed in range(200) for each in [_gradients(seed, 6, true, 0.5)]]
    ratios = torch.tensor([signal.ratio for signal in found])
    errors = torch.tensor([signal.error for signal in found])
    assert float(ratios.mean()) == pytest.approx(wanted, rel=0.1)
    assert 0.8 < float(errors.mean() / ratios.std()) < 1.6  # the jackknife is careful rather than bold
    assert float(((ratios - wanted).abs() < 2 * errors).float().mean()) > 0.9


@pytest.mark.parametrize(("signal", "seen"), [(0.0, (0, 10)), (0.02, (60, 140)), (0.1, (195, 200))])
def test_how_often_a_signal_is_seen(signal: float, seen: tuple[int, int]) -> None:
    true = torch.zeros(400)
    true[:4] = math.sqrt(signal * 100)
    found = [gradient_signal((each @ each.T).tolist()) for seed in range(200) for each in [_gradients(seed, 8, true, 1.0)]]
    assert seen[0] <= sum(each.is_seen for each in found) <= seen[1]


def test_cosine_of_known_gradients() -> None:
    first, second = torch.zeros(100), torch.zeros(100)
    first[0], second[0], second[1] = 3.0, 3.0, 3.0
    one, other = _gradients(1, 12, first, 0.3), _gradients(2, 12, second, 0.3)
    cosine, error = gradient_cosine(*((a @ b.T).tolist() for a, b in ((one, one), (other, other), (one, other))))
    assert cosine == pytest.approx(math.sqrt(0.5), abs=0.1) and error is not None and 0 < error < 0.1
    assert gradient_cosine([[1.0, -1.0, -1.0]] * 3, [[1.0] * 3] * 3, [[1.0] * 3] * 3) == (None, None)


@pytest.mark.parametrize(
    ("signal", "planned", "said"),
    [
        (GradientSignal(None, None, None), None, "no gradient: no group has variance"),
        (GradientSignal(0.01, 0.02, 0.02), None, "no signal at this batch size"),
        (GradientSignal(-0.05, 0.02, 0.02), None, "no signal at this batch size"),
        (GradientSignal(0.01, 0.001, 0.002), 64, "more updates than the 64 of this size that are planned"),
        (GradientSignal(0.02, 0.001, 0.002), 64, "signal"),
    ],
)
def test_advice_comes_from_the_figures(signal: GradientSignal, planned: float | None, said: str) -> None:
    assert advice(signal, planned) == said


def test_a_score_under_another_rule_is_that_rules_score() -> None:
    trace = ev.trace(ev.Program("def f(n):\n    n += 1\n    n *= 2\n    return n", arguments="3"))
    tasks = [ev.task(trace, seed=0), ev.task(trace, kind="input_prediction")]
    texts = ["", "<answer>assert f(3) == 8</answer>", "<answer>assert f(3) == 9</answer>"]
    pairs = [
        (task, text) for task in tasks for text in (*texts, task.gold, task.gold.replace("n = 3 + 1 -> 4", "n = 3 + 1 -> 5"))
    ]
    graded = score_many(pairs, chains=True)
    for name in REWARDS:
        rule = REWARDS.get(name)
        if rule.reads_otherwise:
            with pytest.raises(ValueError, match="reads answers in a way of its own"):
                rescored(graded[0], rule)
            continue
        assert [rescored(score, rule).reward for score in graded] == [score.reward for score in score_many(pairs, rule=rule)], (
            name
        )
    assert {rescored(score, PAPER_REWARD).reward for score in graded} >= {0.0, 2.0}


# ----------------------------------------------------------------------------------------------------------- gradients


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model("llama", tmp_path_factory.mktemp("llama"))


def _trainer(folder: Path, out: Path, **settings: Any) -> Any:
    rows = [{"prompt": PROMPT, "id": "row"}]
    trainer = ProbeTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
        args=config(out, **settings),
        reward_funcs=[Fixed([0.0])],
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )
    trainer.model.train()
    return trainer, rows * 4


def _close(trainer: Any, wanted: dict[str, Any]) -> None:
    for name, weight in trainer.model.named_parameters():
        torch.testing.assert_close(weight.grad, wanted[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("batch", [4, 2])
def test_gradients_of_rewards_by_hand(folder: Path, batch: int, tmp_path: Path) -> None:
    trainer, rows = _trainer(
        folder, tmp_path, per_device_train_batch_size=batch, gradient_accumulation_steps=4 // batch, loss_type="dapo"
    )
    tokens, credited = by_hand(AutoTokenizer.from_pretrained(folder))
    before = [weight.detach().clone() for weight in trainer.model.parameters()]
    trainer.recorded = tokens
    weight = weights_of("dapo", [len(ids) for ids in tokens])
    for _ in range(2):  # a gradient leaves nothing behind for the next one
        trainer.take_gradient(rows, Crediting(dict(zip(GROUP, CREDITS, strict=True))))
        _close(trainer, gradient(folder, [("x = 1", ids, of) for ids, of in zip(tokens, credited, strict=True)], weight))
        rewards = [2.0, 0.0, 0.0, 1.0]
        figures = trainer.take_gradient(rows, Fixed(rewards))
        assert figures["reward"] == pytest.approx(0.75) and figures["execverify/groups_alike"] == 0.0
        spread = torch.tensor(rewards).std() + 1e-4
        outcome = [[(reward - 0.75) / float(spread)] * len(ids) for reward, ids in zip(rewards, tokens, strict=True)]
        _close(trainer, gradient(folder, [("x = 1", ids, of) for ids, of in zip(tokens, outcome, strict=True)], weight))
    trainer.take_gradient(rows, Fixed([1.0]))
    assert not any(weight.grad.any() for weight in trainer.model.parameters())
    assert all(map(torch.equal, before, (weight.detach() for weight in trainer.model.parameters())))


def test_the_gradient_of_true_chains_by_hand(folder: Path, tmp_path: Path) -> None:
    trainer, _ = _trainer(folder, tmp_path, per_device_train_batch_size=2, gradient_accumulation_steps=2)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    completions = encoded(tokenizer, GROUP)
    prompt = tokenizer.apply_chat_template(PROMPT, add_generation_prompt=True, tokenize=True, return_dict=False)
    supervised_gradient(trainer, [(prompt, completion) for completion in completions])
    count = sum(map(len, completions))
    cases = [("x = 1", ids, [1.0] * len(ids)) for ids in completions]
    _close(trainer, gradient(folder, cases, [1 / count] * len(cases), temperature=1.0))


def test_a_projection_keeps_dot_products() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(90, 70), torch.nn.Linear(70, 13, bias=False))
    generator = torch.Generator().manual_seed(0)
    vectors: dict[int, list[torch.Tensor]] = {}
    projections = [Projection(model, most, seed=seed) for most, seed in ((10**6, 0), (1500, 0), (1500, 1))]
    common = {name: torch.randn(weight.shape, generator=generator) for name, weight in model.named_parameters()}
    for _ in range(6):
        for name, weight in model.named_parameters():
            weight.grad = common[name] + torch.randn(weight.shape, generator=generator)
        for index, projection in enumerate(projections):
            vectors.setdefault(index, []).append(projection.gradient())
    assert [projection.dimensions for projection in projections] == [7280, 1500, 1500]
    whole, *others = (torch.stack(each) for each in vectors.values())
    torch.testing.assert_close(whole[-1], torch.cat([weight.grad.flatten() for weight in model.parameters()]))
    for other in others:
        torch.testing.assert_close(other @ other.T, whole @ whole.T, rtol=0.15, atol=300)
    assert not torch.equal(*others)
    assert torch.equal(projections[1].gradient(), vectors[1][-1])


# ------------------------------------------------------------------------------------------------------------ the verb


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training after SFT."""
    out = tmp_path_factory.mktemp("training") / "run"
    done = subprocess.run([*command("sft", out, "--no-evaluation")], capture_output=True, text=True, env=_environment())
    assert done.returncode == 0, done.stderr
    return out


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"}


SMALL = ("--prompts", "3", "--group", "4", "--batches", "4", "--workers", "1")


def _probe(*words: str) -> int:
    return _status(["train", "probe", "--preset", "tiny", *arguments(), *words])


def test_the_table(trained: Path) -> None:
    files = sorted(trained.rglob("*"))
    words = [sys.executable, "-m", "execverify", "train", "probe", "--preset", "tiny", *arguments(), "-o", str(trained), *SMALL]
    done = subprocess.run(words, capture_output=True, text=True, env=_environment())
    assert done.returncode == 0, done.stderr
    for text in ("4 batches of 3 prompts x 4, 48 completions", "pass@1", "pass@4", "whole chain true", "cut off at 12 tokens: "):
        assert text in done.stdout
    for name in ("output_only", "white_box", "verified", "step", "bilevel", "supervised"):
        assert f"│ {name}" in done.stdout
    assert "no gradient: no group has variance" in done.stdout
    assert sorted(trained.rglob("*")) == files


def test_figures_of_a_seed(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "--model",
        str(trained / "sft" / "model"),
        "--rows",
        str(trained / "rows"),
        *SMALL,
        "--rewards",
        "step,verified",
        "--json",
    )
    found = []
    for seed in ("5", "5", "6"):
        assert _probe(*words, "--seed", seed) == 0
        found.append(json.loads(capsys.readouterr().out))
        assert found[-1].pop("seconds").keys() == {"draws", "grading", "gradients"}
    assert found[0] == found[1] != found[2]
    report = found[0]
    assert [reward["name"] for reward in report["rewards"]] == ["step", "verified", "supervised"]
    assert report["chains"] == report["chains_too_long"] == 12 and report["cut_off"] > 0.8
    assert report["weights"] == report["dimensions"]
    assert report["rewards"][2]["signal"]["ratio"] > 0  # few weights, far from learned
    assert report["rewards"][2]["mean"] is None and report["rewards"][1]["signal"] == {
        "ratio": None,
        "error": None,
        "noise_error": None,
    }


def test_rows_that_the_training_leaves_out_are_not_drawn(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the true chain is longer than a completion, every completion is cut off: the probe would measure what RL never sees."""
    rows = [row for row in read_rows(str(trained / "rows")) if row["split"] == "train"]
    model, skip = str(trained / "sft" / "model"), "rl_whitebox.skip_long_chains=true"
    tokenizer = AutoTokenizer.from_pretrained(model)
    longer = (preset(skip, f"rl_whitebox.max_completion_length={most}") for most in range(30, 400, 10))
    fitting = next(each for each in longer if len(rows_that_fit(rows, each, tokenizer, 1)[0]) >= 8)
    assert len(rows_that_fit(rows, fitting, tokenizer, 1)[0]) < len(rows)
    report = probe(fitting, model, rows, ProbeSettings(("step",), 2, 2, 4), lambda _: None)
    assert (report.chains, report.chains_too_long) == (8, 0)
    assert _probe("-o", str(trained), *SMALL, "--set", skip) == 2
    told = capsys.readouterr().err
    assert "there are 0 rows (0 more are longer than rl_whitebox.max_prompt_length, and the true chains of 24 than" in told


def test_large_gradients_are_projected(trained: Path) -> None:
    rows = [row for row in read_rows(str(trained / "rows")) if row["split"] == "train"]
    said: list[str] = []
    settings = ProbeSettings(("step",), 3, 4, 4, memory=1e-4)
    report = probe(preset(), str(trained / "sft" / "model"), rows, settings, said.append)
    assert report.dimensions == int(1e-4 * 2**30 / 4 / 4 / 2) < report.weights
    assert said[-1].startswith("batch 4 of 4")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name what to probe: -o OUT of a training, or both --model and --rows"),
        (("-o", "nowhere"), "nowhere is not the folder of a training"),
        (("--model", "OUT/sft/model"), "name what to probe"),
        (("-o", "OUT", "--rewards", "stepp"), "there is no reward 'stepp' to probe: did you mean step"),
        (("-o", "OUT", "--set", "sft.rows=20"), "was begun with other settings (sft.rows)"),
        (("-o", "OUT", "--prompts", "30"), "the probe draws 8 batches of 30 prompts, and there are 24 rows"),
        (("-o", "OUT", "--batches", "2"), "2 is not in the range x>=4"),
        (("-o", "OUT", "--model", "/nowhere"), "/nowhere could not be loaded"),
        (("-o", "OUT", "--rows", "/nowhere.jsonl"), "/nowhere.jsonl"),
    ],
)
def test_mistakes_are_one_line(trained: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _probe(*(word.replace("OUT", str(trained)) for word in words)) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "Loading weights" not in line]
    assert said in lines[-1] and lines[-1].startswith("execverify: ")


def test_a_training_without_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"preset": preset().as_json()}), encoding="utf-8")
    assert _probe("-o", str(tmp_path)) == 2
    assert "rl_whitebox needs a model after SFT" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_options_before_the_word_probe(capsys: pytest.CaptureFixture[str]) -> None:
    assert _status(["train", "--preset", "tiny", "probe"]) == 2
    assert "execverify train probe --preset" in capsys.readouterr().err
