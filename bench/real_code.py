"""What becomes of the functions of real packages: how many give rows, and why the others do not.

    pip download --no-binary :all: --no-deps more-itertools toolz boltons     # and unpack the archives
    python bench/real_code.py FOLDER... [--workers 2] [--timeout 3] [--json]

Each row's result is checked once more, without this package: a plain interpreter imports the package from its folder, calls the
function, and compares the result. That interpreter is not confined: run this on packages that you trust.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.datasets.from_programs import RowConfig
from execverify.datasets.from_repo import RepositoryConfig, RepositoryReport, rows_of_repository
from execverify.programs.repository import Repository, read_repository
from execverify.sandbox.result import Limits

_CHECK = """
import importlib, json, sys
sys.path[:0] = json.loads(sys.argv[1])
for line in sys.stdin:
    name, arguments, is_listed, result = json.loads(line)
    module, _, function = name.rpartition(".")
    scope = {"function": getattr(importlib.import_module(module), function), "range": range}
    try:
        found = eval(f"function({arguments})", scope)
        found = list(found) if is_listed else found
        expected = eval(result)
        print(json.dumps(type(found) is type(expected) and (found == expected or repr(found) == repr(expected))))
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"))
"""


@dataclass(frozen=True)
class Measured:
    """One package.

    Attributes:
        name: package and version.
        licence: identifier of the hub.
        functions: how many functions it defines.
        kept: how many gave rows.
        reasons: how many gave none for which reason.
        tests: how many tests ended how.
        rows: how many rows.
        confirmed: how many rows' results the plain interpreter confirmed.
        disputed: the ids of the others, with what it found.
        steps: median number of steps of a row's run.
        lines: median number of lines of a row's program.
    """

    name: str
    licence: str
    functions: int
    kept: int
    reasons: Counter[str]
    tests: Counter[str]
    rows: int
    confirmed: int
    disputed: list[str]
    steps: int
    lines: int


def measure(folder: Path, workers: int, timeout: float) -> Measured:
    """Makes the rows of a package's folder, and checks their results."""
    repository = read_repository(folder)
    report = RepositoryReport()
    settings = RowConfig(kinds=("white_box",), workers=workers, limits=Limits(timeout=timeout))
    rows = list(rows_of_repository(repository, RepositoryConfig(workers=workers), settings, report))
    answers = checked(repository, rows)
    disputed = [f"{row['id']}: {answer}" for row, answer in zip(rows, answers, strict=True) if answer is not True]
    return Measured(
        repository.name, repository.licence, len(report.functions), report.kept, report.reasons, report.tests, len(rows),
        len(rows) - len(disputed), disputed,
        _median([row["difficulty"]["steps"] for row in rows]), _median([row["program"]["source"].count("\n") for row in rows]),
    )  # fmt: skip


def _median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2] if values else 0


def checked(repository: Repository, rows: list[dict[str, Any]]) -> list[bool | str]:
    """What a plain interpreter finds for each row: whether the real function's result is the row's, or the exception."""
    lines = []
    for row in rows:
        name = row["id"].rsplit("/", 2)[0]
        program = row["program"]
        is_listed = program["entry_point"] != name.rpartition(".")[2]
        lines.append(json.dumps([name, program["arguments"], is_listed, program["result"]]))
    paths = json.dumps([str(repository.root.resolve() / each) for each in ("src", ".")])
    done = subprocess.run(
        [sys.executable, "-I", "-c", _CHECK, paths],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> None:
    """Measures folders, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=3.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = []
    for folder in given.folders:
        found.append(measure(folder, given.workers, given.timeout))
        if given.json:
            print(json.dumps(found[-1].__dict__), flush=True)
    if not given.json:
        print(table(found))


def table(found: list[Measured]) -> str:
    """The figures as a Markdown table, a column a package."""
    reasons = sum((each.reasons for each in found), Counter[str]())
    lines = [
        ["", *(f"{each.name} ({each.licence})" for each in found)],
        ["---", *("---:" for _ in found)],
        ["tests passed, of", *(f"{each.tests['passed']} of {sum(each.tests.values())}" for each in found)],
        ["functions", *(str(each.functions) for each in found)],
        ["**gave rows**", *(f"**{each.kept}**" for each in found)],
        *([why, *(str(each.reasons[why]) for each in found)] for why, _ in reasons.most_common()),
        ["rows", *(str(each.rows) for each in found)],
        ["results confirmed by a plain interpreter", *(str(each.confirmed) for each in found)],
        ["lines of a program (median)", *(str(each.lines) for each in found)],
        ["steps of a run (median)", *(str(each.steps) for each in found)],
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "".join(
        f"\ndisputed: {d}" for each in found for d in each.disputed
    )


if __name__ == "__main__":
    main()
