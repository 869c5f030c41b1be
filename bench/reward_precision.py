"""Do rewards pay for reasoning? Of the completions that a reward pays in full, what share has a chain of thought that is the run's?

    python bench/reward_precision.py ROWS MODEL... [--limit N] [--samples N] [--temperature T] [--max-tokens N] [--json]

ROWS are rows with prompts (a folder or file). Each MODEL is a hub name or folder; it is asked in the rows' own prompts, and its chains are
read in the `compact` style. Prints for each model and reward: the mean reward, the share of completions paid in full, the share of these
whose chain is true, and the share of true chains by quarters of the reward. Whether a chain is true is decided by the checker of the
tests, which was written apart from the rewards and computes values anew.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import execverify as ev
from execverify.datasets.rows_io import read_rows
from execverify.models import Request, Sampling
from execverify.models.transformers_backend import Transformers
from execverify.questions.rows import from_row
from execverify.questions.task import TASK_KINDS, Task
from execverify.rewards import REWARDS, Score, score_many
from execverify.rewards.score import rescored

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.oracles.cot.checker import check_chains

NAMES = ("output_only", "white_box", "verified", "progress", "bilevel")
_FULL = 1 - 1e-9


def main() -> None:
    """Asks each model, and prints one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--max-tokens", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = (row for row in read_rows(options.rows) if row["kind"] in TASK_KINDS)
    tasks = [from_row(row) for row in islice(rows, options.limit)]
    sampling = Sampling(options.temperature, max_tokens=options.max_tokens, n=options.samples)
    for model in options.models:
        pairs = completions(tasks, model, sampling, options.batch_size)
        scores = score_many(pairs, chains=True, workers=2)
        true = independent_verdicts(pairs)
        found = {name: figures([rescored(score, REWARDS.get(name)) for score in scores], true) for name in NAMES}
        if options.json:
            print(
                json.dumps(
                    {"model": model, "completions": len(scores), "rewards": {name: asdict(one) for name, one in found.items()}}
                )
            )
            continue
        right = sum(score.parts[0].right for score in scores) / len(scores)
        print(
            f"{model}: {len(scores)} completions, {_percent(right)} right outputs, {_percent(sum(true) / len(true))} true chains"
        )
        for name, figure in found.items():
            quarters = "  ".join(map(_percent, figure.true_by_quarter))
            print(
                f"  {name:12} mean {figure.mean:.3f}  in full {_percent(figure.full)}  of these true {_percent(figure.true_of_full)}"
                f"  by quarters {quarters}"
            )


def _percent(share: float | None) -> str:
    return "     -" if share is None else f"{100 * share:5.1f}%"


def completions(tasks: Sequence[Task], model: str, sampling: Sampling, batch_size: int) -> list[tuple[Task, str]]:
    """Each task with its completions."""
    backend = Transformers(model, batch_size=batch_size)
    try:
        requests = [Request(task.id, tuple(task.prompt)) for task in tasks]
        texts = {answer.id: answer.completions for answer in backend.generate(requests, sampling)}
    finally:
        backend.close()
    return [(task, text) for task in tasks for text in texts[task.id]]


def independent_verdicts(pairs: Sequence[tuple[Task, str]]) -> list[bool]:
    """Whether each chain is true and whole by the checker of the tests, which knows nothing of the rewards and computes values anew.

    Wrong answers after a true chain do not count here: the task's own stand in their place.
    """
    programs = list(dict.fromkeys(task.program for task, _ in pairs))
    traces = dict(zip(programs, ev.trace_many(programs, workers=2), strict=True))
    chains = []
    for task, text in pairs:
        answer = task.gold.split("<answer>")[1].strip()
        chains.append((f"{text.split('<answer>')[0]}<answer>\n{answer}", task, traces[task.program]))
    return [not faults for faults in check_chains(chains, workers=2)]


@dataclass(frozen=True)
class Figures:
    """The figures of one reward, as shares; see `main`."""

    mean: float
    full: float
    true_of_full: float | None
    true_by_quarter: list[float | None]


def figures(scores: Sequence[Score], true: Sequence[bool]) -> Figures:
    """The figures of one reward; `true` says of each completion whether its chain is."""
    pairs = [(score.reward / 2, truth) for score, truth in zip(scores, true, strict=True) if score.reward is not None]
    full = [truth for reward, truth in pairs if reward > _FULL]
    quarters = [[truth for reward, truth in pairs if at <= min(3, int(4 * reward)) < at + 1] for at in range(4)]
    return Figures(
        sum(reward for reward, _ in pairs) / max(1, len(pairs)),
        len(full) / max(1, len(pairs)),
        sum(full) / len(full) if full else None,
        [sum(part) / len(part) if part else None for part in quarters],
    )


if __name__ == "__main__":
    main()
