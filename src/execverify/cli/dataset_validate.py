"""`execverify dataset validate`: checks labels against new runs, gold answers and true chains, and that no reward hack is overpaid."""

import sys

import click

from execverify.cli.common import limit_options, limits_from_options
from execverify.cli.engine import engine_options, open_workers
from execverify.cli.progress import Progress
from execverify.cli.terminal import Text, echo_json, stdout
from execverify.datasets.rows_io import count_rows, read_rows
from execverify.datasets.validate import Fault, Validation, validate
from execverify.errors import RowError
from execverify.utils.messages import count_phrase
from execverify.utils.read_files import name_of

_ROWS = click.argument("rows")
_JSON = click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")


@click.command("validate")
@_ROWS
@_JSON
@click.option("--all-hacks", "thorough", is_flag=True, help="Every completion of every attack family on every row (slow).")
@engine_options
@limit_options
def dataset_validate_command(
    rows: str,
    as_json: bool,
    thorough: bool,
    workers: int | None,
    engine: str,
    timeout: float,
    steps: int,
    imports: tuple[str, ...],
) -> None:
    """Check rows: labels against a new run, gold and true chains of thought score full, and no attack earns more than it is worth.

    Exits with 1 where any of this fails. Each row is tried with one completion of every attack family on answers, and of some on chains.
    """
    wrong: list[Fault] = []
    with open_workers(engine, workers) as at_work, Progress("rows", count_rows(rows)) as bar:
        found = validate(
            read_rows(rows, lambda why: wrong.append(Fault(name_of(rows), "line", why))),
            thorough=thorough,
            limits=limits_from_options(timeout, steps, imports),
            workers=at_work,
            progress=bar.advance,
        )
    found.faults[:0] = wrong
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
        "chains": found.chains,
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
    stdout.print(f"true chains of thought, graded line by line: {found.chains}")
    if not found.faults:
        stdout.print(
            Text("every label agrees with its run, gold and true chains score full, no attack is overpaid", style="green")
        )
        return
    stdout.print(Text(f"{count_phrase(len(found.faults), 'fault')}:", style="red"))
    for fault in found.faults[:20]:
        stdout.print(Text(f"  {fault.id}: {fault.what}: {fault.detail}"))
