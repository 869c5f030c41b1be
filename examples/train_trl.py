"""White-box RL of a small model: TRL's GRPOTrainer with execverify's reward, and nothing else.

pip install -e '.[cli,train]'                                   # in a clone; execverify[cli,train] once a release is on PyPI
python examples/train_trl.py --model tiny                       # about two minutes on two quiet cores, without a hub
python examples/train_trl.py                                    # Qwen2.5-0.5B-Instruct from the hub, on one GPU
python examples/train_trl.py --data rows.parquet                # your own rows, of `execverify dataset from-programs`

`--model tiny` makes a model of two thirds of a million weights from nothing. It first learns right answers for a minute (SFT), because a
model of random weights would get the reward 0 for everything. Then it is trained by its rewards (RL), with smaller settings than those
that --help shows. It only guesses: expect mean rewards of 0 to 0.15. The command shows that everything is installed and that rewards
arrive; it teaches nothing useful. Add it to `--data` too, where no hub can be reached: give rows of short prompts then
(`execverify dataset from-programs ... --prompt-template minimal`). Few rows are seen 20 times at most in SFT.
"""

import argparse
import math
from pathlib import Path
from typing import Any

import execverify as ev
from execverify.questions import from_row
from execverify.rewards.trl import white_box_reward
from execverify.training.presets import load_preset

TINY = {"rows": 500, "prompt_template": "minimal", "steps": 8, "prompts": 8, "max_completion": 64, "learning_rate": 1e-4}
"""The settings of `--model tiny`, where others are not given."""

LONG, MOST_EPOCHS = 1_000, 20
"""For a tiny model: characters of a prompt that is long, and passes over its rows in SFT."""


def tiny_model(rows: list[dict[str, Any]], folder: Path, steps: int) -> str:
    """Makes a tiny model with its tokenizer in a folder, and trains it on the right answers of `rows`; returns the folder."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from execverify.training.base_model import base_model
    from execverify.training.with_trl.progress import show_progress

    answered = [{"prompt": row["prompt"], "completion": [{"role": "assistant", "content": from_row(row).gold}]} for row in rows]
    texts = (message["content"] for row in answered for message in (*row["prompt"], *row["completion"]))
    base = base_model(load_preset("tiny", ["model.context=4096"]).model, texts, seed=0, out=folder / "base")
    print("a tiny model learns right answers (SFT)", flush=True)
    if max(sum(len(message["content"]) for message in row["prompt"]) for row in rows) > LONG:
        print("prompts are long for it: make rows with `--prompt-template minimal`, which takes a third of the time", flush=True)
    settings = SFTConfig(
        output_dir=str(folder / "sft"),
        max_steps=min(steps, MOST_EPOCHS * math.ceil(len(rows) / 8)),
        per_device_train_batch_size=8,
        learning_rate=3e-3,
        max_length=512,
        completion_only_loss=False,  # of a prompt it learns to copy names
        logging_steps=50,
        save_strategy="no",
        report_to="none",
        bf16=False,
        dataloader_pin_memory=False,
    )
    trainer = SFTTrainer(model=base, args=settings, train_dataset=Dataset.from_list(answered))
    show_progress(trainer)
    trainer.train()
    trainer.save_model()
    return str(folder / "sft")


def settings_given() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", default="Qwen/Qwen2.5-0.5B-Instruct", help="hub name, folder, or tiny: a small model made here"
    )
    parser.add_argument("--output", default="runs/train_trl", help="folder of the checkpoints and the model")
    parser.add_argument("--data", help="a Parquet file of rows, in place of synthesized ones")
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--levels", default="1-2", help="levels of difficulty, of 1 to 6")
    parser.add_argument("--prompt-template", default="short")
    parser.add_argument("--steps", type=int, default=200, help="updates")
    parser.add_argument("--sft-steps", type=int, default=400, help="updates of SFT before, with --model tiny")
    parser.add_argument("--prompts", type=int, default=16, help="prompts an update")
    parser.add_argument("--generations", type=int, default=8, help="completions a prompt")
    parser.add_argument("--max-completion", type=int, default=512, help="most tokens of a completion")
    parser.add_argument("--learning-rate", type=float, default=1e-6)
    if parser.parse_args().model == "tiny":
        parser.set_defaults(**TINY)
    return parser.parse_args()


def main() -> None:
    """Train, and save the model."""
    given = settings_given()

    import torch  # these take seconds, and `--help` needs none of them
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    from execverify.training.with_trl.common import silence_engine_warnings
    from execverify.training.with_trl.progress import show_progress

    silence_engine_warnings()  # those that TRL and transformers give each other

    if given.data:
        rows = Dataset.from_parquet(given.data)  # the columns `prompt`, `kind`, `program`, `questions`, ...
    else:
        small: dict[str, Any] = {}
        if given.model == "tiny":  # what it can read and write
            data = load_preset("tiny").data
            small = {"kinds": data.kinds, "builtins": data.builtins, "value_types": data.value_types}
            small |= {"max_questions": 1, "inputs_per_program": 2}
        tasks = list(
            ev.generate_tasks(size=given.rows, seed=0, levels=given.levels, prompt_template=given.prompt_template, **small)
        )
        rows = Dataset.from_list([ev.to_row(task) for task in tasks])
    row = rows[0]
    right = white_box_reward(
        completions=[from_row(row).gold], kind=[row["kind"]], program=[row["program"]], questions=[row["questions"]]
    )
    print("reward of a right answer:", *right, flush=True)
    if given.model == "tiny":
        torch.set_num_threads(1)  # enough for it; on a busy machine, threads wait for each other
        given.model = tiny_model(rows.to_list(), Path(given.output), given.sft_steps)
    elif not Path(given.model).is_dir():
        print(f"loading {given.model} from the hub; where none can be reached, give --model a folder, or tiny", flush=True)
    tokenizer = AutoTokenizer.from_pretrained(given.model, padding_side="left")
    per_device = min(given.prompts * given.generations, 16)
    settings = GRPOConfig(
        output_dir=given.output,
        max_steps=given.steps,
        per_device_train_batch_size=per_device,
        gradient_accumulation_steps=given.prompts * given.generations // per_device,
        num_generations=given.generations,
        max_completion_length=given.max_completion,
        learning_rate=given.learning_rate,
        loss_type="grpo",
        beta=0.0,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        bf16=torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,  # the reward reads them
    )
    trainer = GRPOTrainer(
        given.model,
        reward_funcs=white_box_reward,
        args=settings,
        train_dataset=rows,
        processing_class=tokenizer,
    )
    show_progress(trainer)  # a short line an update; without it, TRL prints all its figures
    trainer.train()
    trainer.save_model(given.output)
    means = (line.get("rewards/white_box_reward/mean") for line in trainer.state.log_history)
    print("mean reward of each update:", *(f"{mean:.3f}" for mean in means if mean is not None))
    template = "" if given.data else f" --prompt-template {given.prompt_template}"  # rows of a file have prompts already
    print(f"saved {given.output}: execverify evaluate heldout --model {given.output}{template}")


if __name__ == "__main__":  # the reward starts processes
    main()
