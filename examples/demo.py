"""The main job, from end to end: a dataset of 5,000 synthesized rows with its report; then fifty programs of our own as rows,
validated, answered, scored, described.

    python examples/demo.py OUT [SIZE]

Four made-up models answer the rows: one that is always right, one that knows the output alone, one that answers by a shortcut,
and one that cheats. Then the mock models (gold, and constant answers) are evaluated on held-out programs, and at last a real
one is trained from nothing: a warm-up, white-box RL, unit-test RL, measured before, between and after. What this RL does to true
chains and guesses is printed; ten minutes are too few to show what the step reward does, so the curve of a longer run is drawn.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from execverify.datasets import read_rows
from execverify.evaluation.intervals import halves_difference
from execverify.questions import Task, from_row
from execverify.questions.task import gold_completion
from execverify.reports.curves import curves_of, draw_curves
from execverify.reports.index_page import Entry, index_page
from execverify.reports.markdown import markdown_table
from execverify.utils.messages import count_phrase

FIFTY = Path(__file__).with_name("fifty.py")
CURVE = Path(__file__).with_name("data") / "curve.json"
"""What `examples/record_curve.py` recorded of a longer run."""

FIGURES = {
    "execverify/output": "outputs right",
    "execverify/chain_true": "whole chains true",
    "execverify/guessed": "right outputs by a wrong chain",
}


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

SAYS = {
    "gold": "gives every right answer",
    "minus-one": "always answers -1",
    "nil": "always answers Nil",
    "true": "always answers True",
    "nothing": "answers nothing",
}
"""What each of them does."""


def execverify(*words: str) -> None:
    """Runs one command of the command line, as a person would."""
    print(f"\n$ execverify {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "execverify", *words], check=True)


def own_figures(log: Path) -> str:
    """What the RL of this demo did, from its log: each figure in its first and its last half, and whether that is beyond noise."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    found = []
    for name, title in FIGURES.items():
        values = [line[name] for line in lines if name in line]
        if len(values) < 4:
            continue
        before, after = fmean(values[: len(values) // 2]), fmean(values[len(values) // 2 :])
        change, interval = halves_difference(values)
        if interval is None:
            found.append(f"{title} {before:.1%}, unchanged")
            continue
        noise = "within noise" if interval[0] <= 0 <= interval[1] else "beyond noise"
        found.append(f"{title} {before:.1%} -> {after:.1%} ({change:+.1%}, {interval[0]:+.1%} to {interval[1]:+.1%}, {noise})")
    return f"white-box RL of this demo, {len(lines)} updates, first half -> last half: " + "; ".join(found)


def recorded_curve(out: Path) -> str:
    """Draws the recorded curve of a longer run and writes it as a page; returns what it shows."""
    found: dict[str, Any] = json.loads(CURVE.read_text(encoding="utf-8"))
    conditions: dict[str, list[dict[str, float]]] = found["conditions"]
    draw_curves(out / "step-rewards.svg", {name: [points] for name, points in conditions.items()}, window=1)
    rows = []
    for name, points in conditions.items():
        third = max(1, len(points) // 3)
        for part, some in (("first third", points[:third]), ("last third", points[-third:])):
            means = (fmean(point[figure] for point in some if figure in point) for figure in FIGURES)
            rows.append([name, part, *(f"{mean:.1%}" for mean in means)])
    text = (
        f"Ten minutes are too few to show the step reward at work. Recorded from a longer run ({updates_of(found)}; rollouts of training, "
        f"preset {found['preset']}; docs/ablation.md has the held-out figures and says what they do not show):\n\n"
        f"{markdown_table(('reward', 'updates', *FIGURES.values()), rows, numbers=(2, 3, 4))}\n\nMade by: {found['command']}\n"
    )
    (out / "step-rewards.md").write_text(
        f"# Rewards of the chain of thought\n\n{text}\n![curves](step-rewards.svg)\n", encoding="utf-8"
    )
    return text


def write_index(out: Path) -> None:
    """Writes OUT/index.html: a link to each page that is there, with what it shows, and the recorded curves of a longer run."""
    runs = [
        Entry(
            f"heldout-{name}/report.html",
            f"A mock model that {SAYS[name]}",
            f"{mock} on held-out programs: scores with intervals and baselines, slices, every item.",
        )
        for name, mock in MOCKS.items()
    ]
    sections = (
        (
            "Rows",
            (
                Entry(
                    "dataset/report.html",
                    "The synthesized dataset",
                    "Counts, distributions, what was rejected and why, sample rows.",
                ),
                Entry(
                    "rows.html", "Rows of fifty programs, step by step", "Runs, questions, and four made-up models side by side."
                ),
            ),
        ),
        (
            "Evaluations",
            (
                *runs,
                Entry("comparison.html", "These mock models compared", "Differences item by item, with intervals and tests."),
                Entry(
                    "heldout-minus-one/view.html",
                    "The items of one evaluation, step by step",
                    "The answer -1, graded at each step of the runs.",
                ),
            ),
        ),
        (
            "Training",
            (
                Entry(
                    "training/report.html",
                    "A tiny model, trained from nothing",
                    "Scores before, between and after; what RL changed; curves; settings.",
                ),
                Entry(
                    "training/view.html",
                    "What the model wrote in training",
                    "Groups of completions with their rewards and advantages.",
                ),
            ),
        ),
    )
    there = [(name, [entry for entry in entries if (out / entry.path).is_file()]) for name, entries in sections]
    found = json.loads(CURVE.read_text(encoding="utf-8"))
    curves = curves_of({name: [points] for name, points in found["conditions"].items()}, window=1)
    note = (
        "Ten minutes are too few to show what RL does. These are rollouts of a longer run, which `examples/record_curve.py` recorded: "
        f"preset `{found['preset']}`, {updates_of(found)}. The reward `white-box` grades the answers; `step` grades each line of the "
        f"chain of thought too. A point is the mean of {found['window']} updates."
    )
    about = "What examples/demo.py made: rows, graded answers, evaluations, and a training."
    page = index_page("The demo", about, [group for group in there if group[1]], curves, note)
    (out / "index.html").write_text(page, encoding="utf-8")


def updates_of(found: dict[str, Any]) -> str:
    """How long the recorded run was, and on how many seeds."""
    updates = " and ".join(f"{count_phrase(count, 'update')} of {name}" for name, count in found["updates"].items())
    seeds = "one seed: no interval over seeds" if found["seeds"] == 1 else count_phrase(found["seeds"], "seed")
    return f"{updates}, {seeds}"


def score_rows(rows: Path, out: Path) -> int:
    """Scores the answers of the made-up models, and shows them side by side in OUT/rows.html; returns how many rows there are."""
    tasks = [from_row(row) for row in read_rows(str(rows))]
    together: list[str] = []
    for name, model in MODELS.items():
        lines = [json.dumps({"id": task.id, "completion": model(task)}) + "\n" for task in tasks]
        together += lines
        completions = out / f"completions-{name}.jsonl"
        completions.write_text("".join(lines), encoding="utf-8")
        execverify("score", str(rows), str(completions))
    every = out / "completions.jsonl"
    every.write_text("".join(together), encoding="utf-8")
    execverify("view", str(rows), "--completions", str(every), "--limit", "20", "--output", str(out / "rows.html"))
    return len(tasks)


def evaluate_mocks(out: Path) -> list[str]:
    """Evaluates and compares the mock models; returns the folders."""
    runs = [str(out / f"heldout-{name}") for name in MOCKS]
    for mock, run in zip(MOCKS.values(), runs, strict=True):
        execverify("evaluate", "heldout", "--model", mock, "--output", run)
    execverify("compare", *runs, "--output", str(out / "comparison.html"))
    execverify("view", runs[1], "--limit", "50", "--output", f"{runs[1]}/view.html")
    return runs


def main(out: Path, size: int) -> None:
    """Makes everything in the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    dataset = out / "dataset"
    execverify("dataset", "build", "-o", str(dataset), "--size", str(size), "--seed", "0")
    execverify("dataset", "stats", str(dataset))
    rows = out / "rows.parquet"
    execverify("dataset", "from-programs", str(FIFTY), "-o", str(rows))
    execverify("dataset", "validate", str(rows))
    count = score_rows(rows, out)
    runs = evaluate_mocks(out)
    training = out / "training"
    execverify("train", "all", "--preset", "tiny", "--output", str(training))
    execverify("view", str(training), "--limit", "100", "--output", str(training / "view.html"))
    print(f"\n{size} synthesized rows are in {dataset}/data/; {dataset}/report.html shows them.")
    print(f"{runs[0]}/report.html is the page of an evaluation: scores with intervals and baselines, slices, every item.")
    print(f"{training}/report.html is what the trained model can do, with its curves; report.md has the table.")
    print(f"\n{own_figures(training / 'rl_whitebox' / 'log.jsonl')}")
    print(f"\n{recorded_curve(out)}")
    print(f"{out}/step-rewards.md and .svg show the curves.")
    print(f"{count} rows of {count // 2} programs, and four models' answers, are in {out}/")
    write_index(out)
    print(f"\n{out}/index.html links every page: open it in a browser.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=Path("demo-out"))
    parser.add_argument("size", nargs="?", type=int, default=5000)
    options = parser.parse_args()
    main(options.out, options.size)
