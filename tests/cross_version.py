"""The same labels, byte for byte, on every supported Python that is installed, and under any hash seed of the caller.

    python tests/cross_version.py

Every interpreter traces and asks about the same programs (the cases, the examples, CRUXEval where it is there, and generated
ones), and makes rows of them, with the sources of this checkout and nothing but its standard library. What it gives is
hashed, program by program; the first program and field that differ are shown, and the exit status is then 1.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
SUPPORTED = ((3, 11), (3, 14))
GENERATED = 500
CALLER_SEEDS = (1, 20_000)  # PYTHONHASHSEED of the process that asks; the programs' own seeds are the sandbox's matter

Named = tuple[str, Any]


# ---- in each interpreter -------------------------------------------------------------------------------------------


def programs(generated: int) -> Iterator[Named]:
    """Names and programs, the same everywhere. (Imported here: the parent only starts and compares.)"""
    import execverify as ev
    from execverify.datasets.from_programs import program_of
    from tests.data.interpreter_access_programs import STEADY, WORDS
    from tests.helpers.benchmarks import CRUXEVAL
    from tests.helpers.trace_cases import load_cases
    from tests.oracles.random_programs import generate

    for case in load_cases():
        entry_point, _, arguments = case.call.partition("(")
        yield f"cases/{case.name}", ev.Program(case.source, entry_point, arguments.rstrip()[:-1])
    for path in (ROOT / "examples" / "fifty.py", CRUXEVAL):
        for record in ev.read_programs(path):
            try:
                yield record.id, program_of(record, ev.Limits())
            except ev.ExecVerifyError:  # its arguments hold a function
                continue
    for name, source in STEADY.items():
        yield f"steady/{name}", ev.Program(source, "f", WORDS)
    for seed in range(generated):
        source, arguments = generate(seed)
        yield f"generate({seed})", ev.Program(source, "f", arguments)


def records(named: Iterable[Named]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All that comes of each program, as plain data."""
    import execverify as ev

    pairs = list(named)
    for (name, _), trace in zip(pairs, ev.trace_many(program for _, program in pairs), strict=True):
        yield name, record_of(trace)


def record_of(trace: Any) -> dict[str, Any]:
    """Result, steps, questions and rows of one program; not its messages and output, which are Python's own words."""
    import execverify as ev

    result = trace.result
    record: dict[str, Any] = {
        "source": trace.program.source,
        "result": [str(result.outcome), str(result.value), result.error],
        "steps": [[s.line, s.visit, s.frame, s.finished, sorted(s.changed), shown(s.state)] for s in trace.steps],
        "frames": [[frame.function, frame.caller, shown(frame.state)] for frame in trace.frames],
    }
    try:
        record["every question"] = [[q.text, *q.answers] for q in ev.ask(trace, limit=None)]
        record["questions"] = [[q.text, *q.answers] for q in ev.ask(trace)]
        record["rows"] = [ev.to_row(ev.task(trace, kind=kind)) for kind in ("white_box", "input_prediction")]
    except ev.ExecVerifyError as error:
        record["refused"] = type(error).__name__
    return record


def shown(state: Any) -> dict[str, str]:
    return {name: str(value) for name, value in sorted(state.items())}


def canonical(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, ensure_ascii=True)


def child(generated: int, only: str | None) -> None:
    """Prints a hash and a name a line; with `only`, one program's whole record."""
    for name, record in records(pair for pair in programs(generated) if only in (None, pair[0])):
        text = canonical(record)
        print(text if only is not None else f"{hashlib.sha256(text.encode()).hexdigest()} {name}")


# ---- around them ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interpreter:
    """A Python to compare, under one hash seed of the caller."""

    python: str
    version: str
    hash_seed: int

    def run(self, *options: str) -> str:
        """What the script prints there; raises RuntimeError with the end of what it complained of."""
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "PYTHONHASHSEED": str(self.hash_seed)}
        environment.pop("VIRTUAL_ENV", None)
        command = [self.python, "-m", "tests.cross_version", "--child", *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"Python {self.version} fails:\n" + "\n".join(done.stderr.splitlines()[-8:]))
        return done.stdout


def interpreters() -> list[Interpreter]:
    """This Python under two hash seeds, and one of each other supported version that is found."""
    here = [Interpreter(sys.executable, _version_of(sys.executable) or "", seed) for seed in CALLER_SEEDS]
    names = [f"python3.{minor}" for minor in range(SUPPORTED[0][1], SUPPORTED[1][1] + 1)]
    found = [shutil.which(name, path=folder) for name in names for folder in os.get_exec_path()]
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("*/bin/python"))
    others: dict[str, Interpreter] = {}
    for python in dict.fromkeys([*filter(None, found), *map(str, pyenv)]):
        version = _version_of(python)
        if version is not None and version != here[0].version:
            others.setdefault(version, Interpreter(python, version, CALLER_SEEDS[0]))
    return [*here, *others.values()]


def _version_of(python: str) -> str | None:
    """The interpreter's full version; None where it does not start or is not a supported one."""
    code = "import sys; print(*sys.version_info[:3], sys.version.split()[0], sys.implementation.name)"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=20)
        major, minor, _, version, name = done.stdout.split()
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return version if SUPPORTED[0] <= (int(major), int(minor)) <= SUPPORTED[1] and name == "cpython" else None


def compare(generated: int) -> int:
    """Prints versions and hashes, and what differs first. Returns the exit status."""
    everywhere = interpreters()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        outputs = list(pool.map(lambda one: one.run("--generated", str(generated)), everywhere))
    print(f"{len(outputs[0].splitlines())} programs")
    for one, output in zip(everywhere, outputs, strict=True):
        print(f"{one.version:<8} caller's hash seed {one.hash_seed:<6} sha256 {hashlib.sha256(output.encode()).hexdigest()}")
    if len({one.version for one in everywhere}) == 1:
        print("no other interpreter was found: only the hash seeds were compared")
    status = 0
    for one, output in zip(everywhere, outputs, strict=True):
        if output != outputs[0]:
            status = 1
            print(difference(everywhere[0], outputs[0].splitlines(), one, output.splitlines(), generated))
    return status


def difference(first: Interpreter, ours: list[str], other: Interpreter, theirs: list[str], generated: int) -> str:
    """How many programs differ, and the first field of the first one."""
    unlike = [line.partition(" ")[2] for line in ours if line not in set(theirs)]
    if not unlike:
        return f"Python {other.version} has {len(theirs)} programs, and {first.version} {len(ours)}"
    options = ("--generated", str(generated), "--only", unlike[0])
    one, two = (json.loads(interpreter.run(*options)) for interpreter in (first, other))
    where = next(differing(one, two, unlike[0]), f"{unlike[0]}: alone it is the same, so it differs from run to run")
    return f"Python {other.version} differs in {len(unlike)} programs from {first.version}, first in\n  {where}"


def differing(one: Any, two: Any, path: str) -> Iterator[str]:
    """The fields in which two records differ, with both values."""
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        for key in one:
            yield from differing(one[key], two[key], f"{path} / {key}")
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for number, (left, right) in enumerate(zip(one, two, strict=True)):
            yield from differing(left, right, f"{path} / {number}")
    elif one != two:
        yield f"{path}:\n    {str(one)[:500]}\n    {str(two)[:500]}"


def main(arguments: list[str] | None = None) -> int:
    """Runs the comparison, or with `--child` this interpreter's part of it."""
    parser = argparse.ArgumentParser(description="Compares labels between the Pythons that are installed.")
    parser.add_argument("--generated", type=int, default=GENERATED, help="how many generated programs")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.child:
        child(chosen.generated, chosen.only)
        return 0
    try:
        return compare(chosen.generated)
    except RuntimeError as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
