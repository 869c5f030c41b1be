"""White-box RL of a small model: TRL's GRPOTrainer with execverify's reward, and nothing else.

pip install 'execverify[train]'
python examples/train_trl.py                                    # one GPU
python examples/train_trl.py --data rows.parquet                # your own rows, of `execverify dataset from-programs`
python examples/train_trl.py --steps 2 --rows 8 --prompts 2 --generations 2 --max-completion 32     # is everything installed?

The last command only shows that all runs: 32 tokens hold no answer, so that reward and loss are 0. The reward of a right answer is
printed first.
Where no hub can be reached, `--model` takes a folder. `execverify train sft --preset tiny --output runs/tiny` makes a tiny model in
runs/tiny/sft/model. It reads short prompts only: give `--prompt-template minimal`, here or to `execverify dataset from-programs`.
"""

import argparse

import execverify as ev
from execverify.rewards.trl import white_box_reward


def main() -> None:
    """Train, and save the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="Qwen/Qwen2.5-0.5B-Instruct", help="hub name or folder")
    parser.add_argument("--output", default="runs/train_trl", help="folder of the checkpoints and the model")
    parser.add_argument("--data", help="a Parquet file of rows, in place of synthesized ones")
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--levels", default="1-2", help="levels of difficulty, of 1 to 6")
    parser.add_argument("--prompt-template", default="short")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=16, help="prompts a step")
    parser.add_argument("--generations", type=int, default=8, help="completions a prompt")
    parser.add_argument("--max-completion", type=int, default=512, help="most tokens of a completion")
    parser.add_argument("--learning-rate", type=float, default=1e-6)
    given = parser.parse_args()

    import torch  # these take seconds, and `--help` needs none of them
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    print(f"loading the tokenizer of {given.model}; where no hub can be reached, give --model a folder", flush=True)
    tokenizer = AutoTokenizer.from_pretrained(given.model, padding_side="left")
    if given.data:
        rows = Dataset.from_parquet(given.data)  # the columns `prompt`, `kind`, `program`, `questions`, ...
    else:
        tasks = list(ev.generate_tasks(size=given.rows, seed=0, levels=given.levels, prompt_template=given.prompt_template))
        found = [ev.to_row(task) for task in tasks]
        row = found[0]
        right = white_box_reward(
            completions=[tasks[0].gold], kind=[row["kind"]], program=[row["program"]], questions=[row["questions"]]
        )
        print("reward of a right answer:", *right, flush=True)
        rows = Dataset.from_list(found)
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
        remove_unused_columns=False,  # the reward reads them
    )
    trainer = GRPOTrainer(
        given.model, reward_funcs=white_box_reward, args=settings, train_dataset=rows, processing_class=tokenizer
    )
    trainer.train()
    trainer.save_model(given.output)
    template = "" if given.data else f" --prompt-template {given.prompt_template}"  # rows of a file have prompts already
    print(f"saved {given.output}: execverify evaluate heldout --model {given.output}{template}")


if __name__ == "__main__":  # the reward starts processes
    main()
