"""`execverify score`: grades completions of rows."""

from collections import Counter
from functools import partial
from itertools import chain

import click
from rich.table import Table

from execverify.cli.common import Finite, limit_options, limits_from_options
from execverify.cli.engine import engine_options, open_workers
from execverify.cli.progress import Progress
from execverify.cli.rows import note_bad_lines
from execverify.cli.terminal import echo_json, stdout
from execverify.cli.trace import split_kinds
from execverify.datasets.completions import read_completions, tasks_of_rows
from execverify.datasets.rows_io import read_row_lines
from execverify.datasets.workers import batched
from execverify.errors import RowError
from execverify.rewards.code.grade import UnitTestConfig
from execverify.rewards.parts import UNJUDGED, Score, Verdict
from execverify.rewards.score import RewardConfig, score_many
from execverify.utils.read_files import BadLines, name_of

_ROWS = click.argument("rows")
_JSON = click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")

_BATCH = 32  # completions of one call on a cluster

_NOT_RUN_TO_ITS_END = (
    Verdict.RAISED,
    Verdict.TIMED_OUT,
    Verdict.OUT_OF_MEMORY,
    Verdict.TOO_MUCH_OUTPUT,
    Verdict.FORBIDDEN,
    Verdict.CRASHED,
    Verdict.NOT_RUN,
)


@click.command("score")
@_ROWS
@click.argument("completions")
@_JSON
@click.option("--alpha", default=0.5, show_default=True, type=Finite(0, 1), help="Weight of the questions.")
@click.option(
    "--question-kinds", "kinds", default="", help="Kinds of questions that count, with commas between them; all by default."
)
@click.option("--no-output-gate", "ungated", is_flag=True, help="Let questions count where the output assertion is wrong.")
@click.option("--float-tolerance", default=0.0, show_default=True, type=Finite(0), help="How far floats may be off.")
@click.option("--binary", is_flag=True, help="Unit tests: 1 where all pass, else 0, instead of the share that passes.")
@click.option(
    "--allow-weak-isolation",
    "allow_weak_isolation",
    is_flag=True,
    help="Unit tests: run code where hostile code cannot be confined.",
)
@engine_options
@limit_options
def score_command(
    rows: str,
    completions: str,
    as_json: bool,
    alpha: float,
    kinds: str,
    ungated: bool,
    float_tolerance: float,
    binary: bool,
    allow_weak_isolation: bool,
    workers: int | None,
    engine: str,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Judge completions: JSONL of {id, completion}, or of texts in the order of the rows; - for standard input."""
    rule = RewardConfig(alpha, tuple(split_kinds(kinds)) or None, not ungated, float_tolerance=float_tolerance)
    if rows == completions == "-":
        raise RowError("rows and completions cannot both come from standard input: name a file for one of them")
    bad = BadLines()
    tasks = tasks_of_rows(read_row_lines(rows), bad.add)
    if bad.count == len(tasks):
        raise RowError(bad.first or f"{name_of(rows)} holds no rows to judge")
    pairs = read_completions(completions, tasks, bad.add)
    note_bad_lines(bad)
    tests = UnitTestConfig(binary=binary, float_tolerance=float_tolerance, imports=imports)
    limits = limits_from_options(timeout, steps, imports)
    judge = partial(score_many, rule=rule, tests=tests, limits=limits, allow_weak_isolation=allow_weak_isolation)
    with open_workers(engine, workers) as at_work, Progress("completions judged", len(pairs)):
        if isinstance(at_work, int):
            scores = judge(pairs, workers=at_work)
        else:
            scores = list(chain.from_iterable(at_work.map(judge, batched(pairs, _BATCH))))
    if as_json:
        for (task, _), score in zip(pairs, scores, strict=True):
            echo_json({"id": task.id, "kind": task.kind, **score_as_json(score)})
        return
    _print_scores([task.kind for task, _ in pairs], scores)


def score_as_json(score: Score) -> dict[str, object]:
    """A score as plain values."""
    parts = [
        {"kind": p.kind, "expected": list(p.expected), "given": p.given, "verdict": str(p.verdict), "why": p.why}
        for p in score.parts
    ]
    return {"reward": score.reward, "parts": parts}


def _print_scores(kinds: list[str], scores: list[Score]) -> None:
    table = Table("kind", "scored", "reward", "part", "asked", "right", "wrong", "ended", "none", "failed")
    for kind in dict.fromkeys(kinds):
        of_kind = [score for score, its in zip(scores, kinds, strict=True) if its == kind]
        rewards = [score.reward for score in of_kind if score.reward is not None]
        head = [kind, str(len(of_kind)), f"{sum(rewards) / len(rewards):.4f}" if rewards else "-"]
        verdicts: dict[str, Counter[str]] = {}
        for score in of_kind:
            for part in score.parts:
                verdicts.setdefault(part.kind, Counter())[str(part.verdict)] += 1
        for part_kind, seen in verdicts.items():
            asked = sum(seen.values()) - seen[Verdict.UNSUPPORTED]
            ended = sum(seen[name] for name in _NOT_RUN_TO_ITS_END)
            wrong, failed = (seen[Verdict.WRONG] + seen[Verdict.UNREADABLE], sum(seen[verdict] for verdict in UNJUDGED))
            counts = map(str, (wrong, ended, seen[Verdict.MISSING], failed))
            table.add_row(*head, part_kind, str(asked), f"{seen['right']} ({seen['right'] / max(1, asked):.1%})", *counts)
            head = ["", "", ""]
    stdout.print(table)
