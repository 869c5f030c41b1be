"""Speeds, each as a ratio to a baseline measured in the same run, because machines are noisy.

    python bench/run.py [--programs FILE] [--json]

Programs are CRUXEval's where `../shared/benchmarks` is there (or FILE says where), else `examples/fifty.py`, repeated.
"a core" means per second of processor time, of this process and of all confined ones together.
"""

import argparse
import ast
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from execverify.cot import CotCompletion, generate_cot
from execverify.datasets.from_programs import program_of
from execverify.errors import ProgramError
from execverify.programs import Program, read_programs
from execverify.questions import Task, ask, task
from execverify.rewards import score
from execverify.rewards.steps.grade import grade_chains
from execverify.sandbox.isolation import children
from execverify.sandbox.result import Limits
from execverify.sandbox.run import run_many, sandbox
from execverify.tracing import trace_many
from execverify.tracing.expressions import trace_with_expressions

ROOT = Path(__file__).parents[1]
CRUXEVAL = ROOT.parent / "shared" / "benchmarks" / "cruxeval" / "cruxeval.jsonl"
FIFTY = ROOT / "examples" / "fifty.py"


@dataclass(frozen=True)
class Measure:
    """One figure.

    Attributes:
        what: what was done.
        rate: how often in a second.
        ratio: this rate over the baseline's; None for a baseline.
        baseline: what it is compared with.
        wanted: the least ratio or rate that the project promises, as text; empty where none.
        kept: whether the promise is kept.
    """

    what: str
    rate: float
    ratio: float | None = None
    baseline: str = ""
    wanted: str = ""
    kept: bool = True


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process for some work, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Measures everything and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=Path, default=CRUXEVAL if CRUXEVAL.exists() else FIFTY)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    programs = load(options.programs)
    measures = [*scoring(programs), *grading(programs), *tracing(programs), *running(programs)]
    if options.json:
        print(json.dumps([asdict(measure) for measure in measures]))
        return
    print(f"{len(programs)} programs of {options.programs.name}, Python {platform.python_version()}\n")
    print("| what | a second | ratio | to | wanted | |\n|---|---:|---:|---|---|---|")
    for m in measures:
        ratio = f"{m.ratio:.2f}" if m.ratio is not None else ""
        verdict = ("kept" if m.kept else "**missed**") if m.wanted else ""
        print(f"| {m.what} | {m.rate:,.0f} | {ratio} | {m.baseline} | {m.wanted} | {verdict} |")


def load(path: Path) -> list[Program]:
    """Programs that can be used, at least 500 by repetition."""
    programs = []
    for record in read_programs(path):
        try:
            programs.append(program_of(record, Limits()))
        except ProgramError:
            continue
    return programs * (1 + 500 // len(programs)) if len(programs) < 500 else programs


def fresh(programs: Sequence[Program]) -> list[Program]:
    """The same programs without what was worked out about them before."""
    return [Program(p.source, p.entry_point, p.arguments) for p in programs]


# ------------------------------------------------------------------------------------------------------------ scoring


def scoring(programs: Sequence[Program]) -> list[Measure]:
    """Scores of gold completions, against one interpreter a check and against bare parsing of the same answers."""
    tasks = [task(trace) for trace in trace_many(programs) if trace.result.value and trace.result.value.text is not None]
    interpreter = one_interpreter_a_check(tasks[:40])
    bare = len(tasks) / cpu_seconds(lambda: list(map(bare_parse, tasks)))
    golds = [(t, t.gold) for t in tasks]
    ours = len(tasks) / cpu_seconds(lambda: [score(t, gold) for t, gold in golds])
    return [
        Measure("check by one fresh interpreter each (the paper's way), wall", interpreter),
        Measure("`ast.parse` and literal evaluation of the same answers, a core", bare),
        Measure("score, a core", ours, ours / interpreter, "fresh interpreter", ">= 200", ours / interpreter >= 200),
        Measure("score, a core", ours, ours / bare, "bare parsing", ">= 0.2", ours / bare >= 0.2),
    ]


def grading(programs: Sequence[Program]) -> list[Measure]:
    """True chains of thought, graded line by line, against the white-box score of the same completions; the runs are cached for both."""
    pairs = []
    for trace, values in trace_with_expressions(programs[:400]):
        if trace.result.value and trace.result.value.text is not None:
            one = task(trace)
            if isinstance(found := generate_cot(one, trace, values, style="compact"), CotCompletion):
                pairs.append((one, found.text))
    measures = []
    for length, some in (
        ("up to 20 lines", [pair for pair in pairs if pair[1].count("\n") <= 20]),
        ("more lines", [pair for pair in pairs if pair[1].count("\n") > 20]),
    ):
        grade_chains([(one, one.gold) for one, _ in some])  # caches the runs, and not the lines
        start = time.process_time()
        grade_chains(some)
        first = len(some) / (time.process_time() - start)
        again = len(some) / cpu_seconds(lambda some=some: grade_chains(some))  # type: ignore[misc]
        base = len(some) / cpu_seconds(lambda some=some: [score(one, text) for one, text in some])  # type: ignore[misc]
        lines = sum(text.count("\n") for _, text in some) / len(some)
        name = f"chain of {length} (mean {lines:.0f})"
        measures += [
            Measure(f"score of a completion with a {name}, a core", base),
            Measure(f"grade of a {name}, lines seen first, a core", first, first / base, "that score"),
            Measure(
                f"grade of a {name}, lines seen before, a core",
                again,
                again / base,
                "that score",
                ">= 0.33",
                again / base >= 0.33,
            ),
        ]
    return measures


def one_interpreter_a_check(tasks: Sequence[Task]) -> float:
    """Checks a second where each runs the program and its assertion in an interpreter of its own."""
    start = time.perf_counter()
    for t in tasks:
        subprocess.run([sys.executable, "-c", f"{t.program.source}\n{t.assertion}"], check=True, capture_output=True)
    return len(tasks) / (time.perf_counter() - start)


def bare_parse(t: Task) -> None:
    """What any scorer must at least do: parse the assertion, evaluate its literal and those of the states."""
    tree = ast.parse(t.assertion)
    assert isinstance(tree.body[0], ast.Assert) and isinstance(tree.body[0].test, ast.Compare)
    evaluate(tree.body[0].test.comparators[0])
    for question in t.questions:
        if question.kind == "variable_state" and question.answers[0] != "Nil":
            evaluate(question.answers[0].rpartition(";")[0])


def evaluate(literal: str | ast.expr) -> object:
    """`ast.literal_eval`, which knows fewer literals than we do."""
    try:
        return ast.literal_eval(literal)
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------------------------ tracing


def tracing(programs: Sequence[Program]) -> list[Measure]:
    """Trace and questions, confined, everything counted: both sides' processor time."""
    for seed in range(6):
        sandbox(seed).close()  # workers are replaced after some thousand jobs: all rounds must fit into one life
    both_seconds(programs)  # now every interpreter is started, every worker warm
    ours, theirs = min((both_seconds(fresh(programs)) for _ in range(4)), key=sum)
    count = len(programs)
    both = count / (ours + theirs)
    compiled = len(programs) / cpu_seconds(lambda: [compile(ast.parse(p.source), "p", "exec") for p in programs])
    return [
        Measure("`ast.parse` and `compile` of the same programs, a core", compiled),
        Measure(
            "trace and questions, confined, a core", both, both / compiled, "parse and compile", ">= 1,500 a second", both >= 1500
        ),
        Measure("of it in this process (parse, decode, ask)", count / ours, (count / ours) / compiled, "parse and compile"),
        Measure(
            "of it in the confined process (rewrite, compile, run, record)",
            count / theirs,
            (count / theirs) / compiled,
            "parse and compile",
        ),
    ]


def both_seconds(programs: Sequence[Program]) -> tuple[float, float]:
    """Processor time of this process and of the confined ones for trace and questions of all programs."""
    before, start = confined_seconds(), time.process_time()
    for trace in trace_many(programs):
        if trace.steps:
            ask(trace)
    return time.process_time() - start, confined_seconds() - before


def confined_seconds() -> float:
    """Processor time so far of the warm workers under all hash seeds (Linux: a process's clock is made of its pid)."""
    forkservers = [forkserver for seed in range(6) if (forkserver := sandbox(seed)._forkserver) is not None]
    pids = [pid for forkserver in forkservers for pid in children(forkserver.process.pid)]
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def running(programs: Sequence[Program]) -> list[Measure]:
    """Calls without a trace, as input prediction makes them."""
    interpreter = one_interpreter_a_check(
        [task(trace) for trace in trace_many(programs[:20]) if trace.result.outcome == "returned"]
    )
    list(run_many(programs[:10]))
    start = time.perf_counter()
    list(run_many(programs))
    warm = len(programs) / (time.perf_counter() - start)
    return [Measure("run of a program in a warm worker, wall", warm, warm / interpreter, "fresh interpreter")]


if __name__ == "__main__":
    main()
