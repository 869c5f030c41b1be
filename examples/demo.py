"""The main job, from end to end: a dataset of 5,000 synthesized rows with its report; then fifty programs of our own as rows,
validated, answered, scored, described.

    python examples/demo.py OUT [SIZE]

Four made-up models answer the rows: one that is always right, one that knows the output alone, one that answers by a shortcut,
and one that cheats. Then the mock models (gold, and constant answers) are evaluated on held-out programs, and at last a real
one is trained from nothing: a warm-up, white-box RL, unit-test RL, measured before, between and after.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from execverify.datasets import read_rows
from execverify.questions import Task, from_row
from execverify.questions.task import gold_completion

FIFTY = Path(__file__).with_name("fifty.py")


def perfect(task: Task) -> str:
    """Every answer right."""
    return task.gold


def output_only(task: Task) -> str:
    """The assertion, and no other line."""
    return gold_completion([task.assertion])


def shortcut(task: Task) -> str:
    """The right output, then `-1` and `Nil` for every question."""
    constants = {"next_statement": "-1", "variable_state": "Nil"}
    return gold_completion([task.assertion, *(constants[question.kind] for question in task.questions)])


def cheat(task: Task) -> str:
    """A tautology that an executed assertion would accept."""
    return gold_completion([f"assert {task.program.call} == {task.program.call}"])


MODELS: dict[str, Callable[[Task], str]] = {"perfect": perfect, "output-only": output_only, "shortcut": shortcut, "cheat": cheat}

MOCKS = {
    "gold": "mock:gold",
    "minus-one": "mock:constant:-1",
    "nil": "mock:constant:Nil",
    "true": "mock:constant:True",
    "nothing": "mock:empty",
}
"""Models that know the benchmark, or need no thought."""


def execverify(*words: str) -> None:
    """Runs one command of the command line, as a person would."""
    print(f"\n$ execverify {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "execverify", *words], check=True)


def main(out: Path, size: int) -> None:
    """Makes everything in the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    dataset = out / "dataset"
    execverify("dataset", "build", "-o", str(dataset), "--size", str(size), "--seed", "0")
    execverify("dataset", "stats", str(dataset))
    rows = out / "rows.parquet"
    execverify("dataset", "from-programs", str(FIFTY), "-o", str(rows))
    execverify("dataset", "validate", str(rows))
    tasks = [from_row(row) for row in read_rows(str(rows))]
    for name, model in MODELS.items():
        completions = out / f"completions-{name}.jsonl"
        lines = [json.dumps({"id": task.id, "completion": model(task)}) for task in tasks]
        completions.write_text("\n".join(lines) + "\n", encoding="utf-8")
        execverify("score", str(rows), str(completions))
    runs = [str(out / f"heldout-{name}") for name in MOCKS]
    for scripted, run in zip(MOCKS.values(), runs, strict=True):
        execverify("evaluate", "heldout", "--model", scripted, "--output", run)
    execverify("compare", *runs)
    execverify("train", "all", "--preset", "tiny", "--output", str(out / "training"))
    print(f"\n{size} synthesized rows are in {dataset}/data/; {dataset}/report.html shows them.")
    print(f"{runs[0]}/report.html is the page of an evaluation: scores with intervals and baselines, slices, every item.")
    print(f"{out}/training/report.md is what the trained model can do; rl_whitebox/log.jsonl has its rewards step by step.")
    print(f"{len(tasks)} rows of {len(tasks) // 2} programs, and four models' answers, are in {out}/")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=Path("demo-out"))
    parser.add_argument("size", nargs="?", type=int, default=5000)
    options = parser.parse_args()
    main(options.out, options.size)
