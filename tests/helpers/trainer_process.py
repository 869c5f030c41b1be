"""One of several processes that train one update as `tests/training/test_trainer.py` does; the first one saves what changed.

python -m torch.distributed.run --nproc_per_node 2 -m tests.helpers.trainer_process CASE MODEL OUT
"""

import os
import sys
from pathlib import Path

import torch
from transformers import AutoTokenizer

from tests.training.test_trainer import CREDITS, GROUP, ROWS, TWO, ByText, Crediting, config, encoded, update


def main(case: str, folder: Path, out: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if case == "credits":  # two of a group's four completions on each process
        first = int(os.environ["RANK"]) * 2
        ids = {"x = 1": encoded(tokenizer, GROUP, cut=[2])[first : first + 2]}
        reward = Crediting(dict(zip(GROUP, CREDITS, strict=True)))
        found, trainer = update(folder, config(out, per_device_train_batch_size=2), reward, ids)
    else:  # a group on each process, one of which has variance; the other one is replaced
        ids = {name: encoded(tokenizer, texts, cut=[2]) for name, texts in TWO.items()}
        draws = 20 if case == "dynamic" else 0
        arguments = config(out, per_device_train_batch_size=2, gradient_accumulation_steps=2, loss_type="dapo")
        found, trainer = update(folder, arguments, ByText([]), ids, rows=ROWS, dynamic_sampling=draws)
    if trainer.is_world_process_zero():
        torch.save({"changes": found, "logged": trainer.state.log_history[0]}, out / "found.pt")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
