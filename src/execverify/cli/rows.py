"""Verbs on rows: `rows` makes them, `score` and `validate` read them."""

import itertools
import sys
from collections import Counter

import click
from rich.table import Table

from execverify.cli.common import (
    SEED,
    Finite,
    default_workers,
    limit_options,
    limits_from_options,
    read_program_records,
    usual_imports_option,
)
from execverify.cli.programs import split_kinds
from execverify.cli.progress import Progress
from execverify.cli.terminal import Text, echo_json, note, stdout
from execverify.datasets.completions import read_completions
from execverify.datasets.from_programs import ConversionReport, RowConfig, make_rows
from execverify.datasets.rows_io import check_out, count_rows, read_rows, write_rows
from execverify.datasets.validate import Validation, validate
from execverify.errors import RowError
from execverify.programs.program import truncate
from execverify.questions.prompts import DEFAULT, template_names
from execverify.questions.task import TASK_KINDS
from execverify.rewards.code.grade import UnitTestConfig
from execverify.rewards.code.unit_tests import task_from_row
from execverify.rewards.parts import UNJUDGED, Score, Verdict
from execverify.rewards.score import RewardConfig, score_many
from execverify.utils.messages import count_phrase
from execverify.utils.read_files import name_of

_ROWS = click.argument("rows")
_JSON = click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
_SHOWN_DROPS = 10
_NOT_RUN_TO_ITS_END = ("raised", "timed out", "out of memory", "too much output", "forbidden", "died", "not run")


@click.command("rows")
@click.argument("file")
@click.option("-o", "--out", required=True, help="File to write: .jsonl, .parquet, or - for standard output.")
@click.option("--kinds", default=",".join(TASK_KINDS), show_default=True, help="Kinds of rows, with commas between them.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="Chooses among the questions.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(0), help="Most questions a row.")
@click.option(
    "--template", default=DEFAULT, show_default=True, help=f"Prompt template: {', '.join(template_names())}, or a folder."
)
@click.option("--split", default="train", show_default=True, help="Written into the rows.")
@click.option("--call", help="The call to make, e.g. 'f(3)'; for a Python file, instead of the calls in it.")
@usual_imports_option
@limit_options
def rows_command(
    file: str,
    out: str,
    kinds: str,
    seed: int,
    limit: int,
    template: str,
    split: str,
    call: str | None,
    usual_imports: bool,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Make rows of programs that exist.

    FILE is JSONL with {code, input[, output, id, entry_point]}, a Python file with calls, or - for JSONL from standard input.
    """
    settings = RowConfig(
        split_kinds(kinds), limit, seed, template, split, limits_from_options(timeout, steps, imports), default_workers()
    )
    account = ConversionReport()
    check_out(out)
    records = list(read_program_records(file, call, usual_imports))
    with Progress("programs", len(records)) as bar:
        made = make_rows(records, settings, account, bar.update)
        # Nothing is written where there is nothing to write: an empty file would hide the mistake.
        first = next(made, None)
        if first is not None:
            write_rows(out, itertools.chain([first], made))
    _print_account(account, out)
    if first is None:
        raise RowError(f"no program of {file} gave a row, and nothing was written")


def _print_account(account: ConversionReport, out: str) -> None:
    made = ", ".join(f"{count} {kind}" for kind, count in account.rows.items()) or "none"
    note(f"{count_phrase(account.programs, 'program')}; rows: {made}" + (f" -> {out}" if account.rows else ""))
    if account.outputs_confirmed:
        note(f"given outputs that the run confirmed: {account.outputs_confirmed}")
    if account.completed:
        note(f"usual imports put before: {len(account.completed)} ({', '.join(account.completed[:4])} ...)")
    if account.arguments_evaluated:
        note(
            f"arguments rewritten as literals: {len(account.arguments_evaluated)} ({', '.join(account.arguments_evaluated[:4])} ...)"
        )
    if account.drops:
        reasons = Counter(drop.reason for drop in account.drops)
        note(f"dropped: {', '.join(f'{count} {reason}' for reason, count in reasons.most_common())}")
        for drop in account.drops[:_SHOWN_DROPS]:
            note(f"  {drop.id} ({drop.location}): {drop.reason}: {truncate(drop.detail, 160)}")
        if len(account.drops) > _SHOWN_DROPS:
            note(f"  ... and {len(account.drops) - _SHOWN_DROPS} more")


@click.command("score")
@_ROWS
@click.argument("completions")
@_JSON
@click.option("--alpha", default=0.5, show_default=True, type=Finite(0, 1), help="Weight of the questions.")
@click.option(
    "--count", "kinds", default="next_statement,variable_state", show_default=True, help="Kinds of questions that count."
)
@click.option("--ungated", is_flag=True, help="Let questions count where the output assertion is wrong.")
@click.option("--float-tolerance", default=0.0, show_default=True, type=Finite(0), help="How far floats may be off.")
@click.option("--binary", is_flag=True, help="Unit tests: 1 where all pass, else 0, instead of the share that passes.")
@click.option("--import", "more_imports", multiple=True, hidden=True, help="The older name of --allow-imports.")
@click.option(
    "--allow-weak-sandbox", "allow_weak", is_flag=True, help="Unit tests: run code where hostile code cannot be confined."
)
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
    more_imports: tuple[str, ...],
    allow_weak: bool,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Judge completions: JSONL of {id, completion}, or of texts in the order of the rows; - for standard input."""
    rule = RewardConfig(alpha, tuple(split_kinds(kinds)), not ungated, float_tolerance=float_tolerance)
    if rows == completions == "-":
        raise RowError("rows and completions cannot both come from standard input: name a file for one of them")
    tasks = [task_from_row(row) for row in read_rows(rows)]
    if not tasks:
        raise RowError(f"{name_of(rows)} holds no rows to judge")
    pairs = read_completions(completions, tasks)
    imports = (*imports, *more_imports)
    tests = UnitTestConfig(binary=binary, float_tolerance=float_tolerance, imports=imports)
    limits = limits_from_options(timeout, steps, imports)
    with Progress("completions judged", len(pairs)):
        scores = score_many(pairs, rule=rule, tests=tests, limits=limits, workers=default_workers(), allow_weak=allow_weak)
    if as_json:
        for (task, _), score in zip(pairs, scores, strict=True):
            echo_json({"id": task.id, "kind": task.kind, **score_as_json(score)})
        return
    _print_scores([task.kind for task, _ in pairs], scores)


def score_as_json(score: Score) -> dict[str, object]:
    """A score as plain values."""
    parts = [
        {"kind": p.kind, "expected": list(p.expected), "given": p.answer, "verdict": str(p.verdict), "why": p.reason}
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
            counts = map(str, (wrong, ended, seen["no answer"], failed))
            table.add_row(*head, part_kind, str(asked), f"{seen['right']} ({seen['right'] / max(1, asked):.1%})", *counts)
            head = ["", "", ""]
    stdout.print(table)


@click.command("validate")
@_ROWS
@_JSON
@click.option("--thorough", is_flag=True, help="Every completion of every attack family on every row (slow).")
@click.option("--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes at work.")
@limit_options
def validate_command(
    rows: str, as_json: bool, thorough: bool, workers: int, timeout: float, steps: int, imports: tuple[str, ...]
) -> None:
    """Check rows: labels against a new run, gold scores full, and no attack earns more than it is worth.

    Exits with 1 where any of this fails. Each row is tried with one completion of every attack family, in turn.
    """
    with Progress("rows", count_rows(rows)) as bar:
        found = validate(
            read_rows(rows),
            thorough=thorough,
            limits=limits_from_options(timeout, steps, imports),
            workers=workers,
            progress=bar.advance,
        )
    if not found.rows:
        raise RowError(f"{name_of(rows)} holds no rows to validate")
    if as_json:
        echo_json(_validation_as_json(found))
    else:
        _print_validation(found)
    if found.faults:
        sys.exit(1)


def _validation_as_json(found: Validation) -> dict[str, object]:
    return {
        "rows": dict(found.rows),
        "questions": found.questions,
        "families": len(found.tried),
        "attacks": dict(found.tried),
        "faults": [{"id": fault.id, "what": fault.what, "detail": fault.detail} for fault in found.faults],
    }


def _print_validation(found: Validation) -> None:
    made = ", ".join(f"{count} {kind}" for kind, count in found.rows.items())
    stdout.print(f"rows: {made or 'none'}; questions whose answers were made anew: {found.questions}")
    stdout.print(
        f"attacks: {count_phrase(sum(found.tried.values()), 'completion')} of {count_phrase(len(found.tried), 'family', 'families')}"
    )
    if not found.faults:
        stdout.print(Text("every label agrees with its run, gold scores full, no attack is overpaid", style="green"))
        return
    stdout.print(Text(f"{count_phrase(len(found.faults), 'fault')}:", style="red"))
    for fault in found.faults[:20]:
        stdout.print(Text(f"  {fault.id}: {fault.what}: {fault.detail}"))
