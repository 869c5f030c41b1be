"""The scripts for GPUs that nobody lends here: every command is one of ours, and every setting one of the engines'."""

import importlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from execverify.cli.train import train_command
from execverify.training.presets import load_preset
from execverify.training.with_verl.config import overrides, verl_settings
from tests.training.test_training_verl import exported

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = ("sft.cot_style=compact", "rl_whitebox.reward=step")


def commands(engine: str) -> list[list[str]]:
    words = [word for setting in STEPS for word in ("--set", setting)]
    done = subprocess.run(
        ["sh", str(EXAMPLES / "paper_7b.sh"), engine, "runs/paper", *words],
        env={**os.environ, "DRY_RUN": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [shlex.split(line) for line in done.stdout.splitlines()]


def test_the_papers_script_gives_commands_that_we_have() -> None:
    """Of TRL one for all stages, of verl one for each; each names the preset and passes on what is added."""
    assert [[word for word in line if word in ("all", "sft", "white-box", "unit-tests")] for line in commands("trl")] == [["all"]]
    stages = [line[line.index("train") + 1] for line in commands("verl")]
    assert stages == ["sft", "white-box", "unit-tests"]
    for line in (*commands("trl"), *commands("verl")):
        words = line[line.index("train") + 1 :]
        given = train_command.make_context("train", words).params
        assert given["preset"] == "paper-7b" and given["changes"] == STEPS and given["out"] == "runs/paper"
    assert [line[line.index("--trainer") + 1] for line in commands("verl")[1:]] == ["verl", "verl"]


def test_the_launcher_has_every_flag() -> None:
    launch = pytest.importorskip("accelerate.commands.launch", reason="needs the extra [train]")
    (words,) = commands("trl")
    assert words[:2] == ["accelerate", "launch"]
    found = launch.launch_command_parser().parse_args(words[2:])
    assert found.num_processes == 8 and found.use_fsdp and found.training_script == "execverify"
    assert found.fsdp_state_dict_type == "FULL_STATE_DICT"


@pytest.mark.parametrize("changes", [(), STEPS], ids=["white_box", "step"])
def test_trl_takes_the_papers_settings_for_eight_processes(changes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trl", reason="needs the extra [train]")
    from execverify.training.with_trl import common
    from execverify.training.with_trl.grpo import arguments_of

    monkeypatch.setattr(common, "world_size", lambda: 8)
    preset = load_preset("paper-7b", changes)
    for stage, updates in (("rl_whitebox", 2), ("rl_unit_tests", 2)):
        found = arguments_of(preset, stage, tmp_path)
        settings = preset.stage(stage)
        assert found.per_device_train_batch_size * found.gradient_accumulation_steps * 8 == settings.mini_batch_size * 8
        assert found.generation_batch_size == 128 * 8 and settings.prompts_per_rollout // settings.mini_batch_size == updates
        assert (found.use_vllm, found.vllm_mode, found.max_completion_length) == (True, "colocate", 4096)
    assert not preset.sft.batch_size % (preset.sft.per_device_batch_size * 8)


@pytest.mark.parametrize("changes", [(), STEPS], ids=["white_box", "step"])
def test_verl_takes_the_papers_settings_for_one_node(changes: Any) -> None:
    preset = load_preset("paper-7b", changes)
    for stage in ("rl_whitebox", "rl_unit_tests"):
        settings = verl_settings(preset, stage, exported(32_000), "m", Path("run"))
        assert (settings["trainer.n_gpus_per_node"], settings["trainer.nnodes"]) == (8, 1)
        assert len(overrides(settings)) > 40


def test_an_unknown_trainer_is_one_line() -> None:
    done = subprocess.run(["sh", str(EXAMPLES / "paper_7b.sh"), "trlx", "out"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr == "there is no trainer trlx: name trl or verl\n"


def test_the_settings_of_the_gpu_script_are_the_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    gpu_steps: Any = importlib.import_module("gpu_steps")
    for size in (gpu_steps.GPU, gpu_steps.TINY):
        preset = load_preset(size.preset, size.settings)
        assert preset.sft.cot_style == "compact" and preset.rl_whitebox.kinds == ("white_box",)
    assert gpu_steps.GPU.prompts * gpu_steps.GPU.group * gpu_steps.GPU.batches == 8192
    limits = gpu_steps.GPU.check + gpu_steps.GPU.sft + gpu_steps.GPU.probe
    assert limits < 10 * 60, "RL has what is left of 14 minutes"
    signal = [("white_box", 0.2), ("step", 0.1), ("verified", 0.3), ("supervised", 9.0), ("bilevel", None)]
    report = {"rewards": [{"name": name, "signal": {"ratio": ratio}} for name, ratio in signal]}
    assert gpu_steps.best_two(report) == ["verified", "white_box"] and gpu_steps.best_two({}) == ["step", "white_box"]


def test_the_recorded_curve_is_what_a_log_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    demo: Any = importlib.import_module("demo")
    for condition, share in (("white-box", 0.5), ("step", 0.25)):
        log = tmp_path / "run" / "seed-0" / condition / "log.jsonl"
        log.parent.mkdir(parents=True)
        lines = [
            {"step": step, "execverify/output": 0.5, "execverify/chain_true": share + step / 100, "execverify/guessed": 0.5}
            for step in range(25)
        ]
        log.write_text("\n".join(map(json.dumps, lines)) + "\n")
    out = tmp_path / "curve.json"
    subprocess.run([sys.executable, str(EXAMPLES / "record_curve.py"), str(tmp_path / "run"), "-o", str(out)], check=True)
    found = json.loads(out.read_text())
    assert found["updates"] == {"white-box": 25, "step": 25} and found["command"].endswith("--conditions white-box,step")
    assert [point["step"] for point in found["conditions"]["step"]] == [10, 20]
    assert found["conditions"]["step"][0]["execverify/chain_true"] == pytest.approx(0.25 + 0.045)
    monkeypatch.setattr(demo, "CURVE", out)
    text = demo.recorded_curve(tmp_path)
    assert "execverify ablate --preset tiny-steps" in text and "Ten minutes are too few" in text
    assert (tmp_path / "step-rewards.svg").read_text().startswith("<?xml") and text in (tmp_path / "step-rewards.md").read_text()
    own = demo.own_figures(tmp_path / "run" / "seed-0" / "step" / "log.jsonl")
    assert (
        "outputs right 50.0%, unchanged" in own
        and "whole chains true 30.5% -> 43.0% (+12.5%, +9.4% to +15.6%, beyond noise)" in own
    )
