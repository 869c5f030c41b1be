"""What the sandbox costs, against one fresh interpreter for each check, in the same run.

    python bench/sandbox.py [--json]

Rates are wall time; ratios compare like with like: one process at a time with one, two with two. Machines are noisy: the
baseline is measured before and after each figure, and the best of several rounds counts for both.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from execverify.programs import Program
from execverify.sandbox.candidates import Candidate, CandidateWithAsserts, run_asserts, run_candidates
from execverify.sandbox.isolation import IsolationConfig
from execverify.sandbox.result import Limits
from execverify.sandbox.run import call_many
from execverify.sandbox.sandbox import Sandbox

SOURCE = "def f(items, k=0):\n    total = []\n    for item in items:\n        total.append(item + k)\n    return total\n"
TESTS = ("[1, 2], k=3", "[]", "[5]")
ASSERTS = ("assert f([1, 2], k=3) == [4, 5]", "assert f([]) == []", "assert f([5]) == [5]")
CANDIDATE = Candidate(SOURCE, TESTS, "f")
ROUNDS = 5
LAYERS = ("namespaces", "capabilities", "landlock", "system call filter")


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        what: what was done.
        value: how much of it, in `unit`.
        ratio: to the baseline of the same run; None where there is none.
        wanted: the least ratio that the project promises; None where it promises none.
    """

    what: str
    value: float
    unit: str
    ratio: float | None = None
    wanted: float | None = None


def seconds(work: Callable[[], object]) -> float:
    """Wall time of some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interpreter(_: object = None) -> None:
    """The paper's way: one interpreter for a check."""
    text = SOURCE + "\n".join(ASSERTS)
    subprocess.run([sys.executable, "-c", text], check=True, capture_output=True)


def baseline(count: int, workers: int) -> float:
    """Seconds for one check by a fresh interpreter, so many at once."""
    with ThreadPoolExecutor(workers) as pool:
        return seconds(lambda: list(pool.map(interpreter, range(count)))) / count


def candidates(count: int, workers: int, box: Sandbox, allow_weak_isolation: bool = False) -> float:
    """Seconds for one candidate with its tests."""
    work = run_candidates([CANDIDATE] * count, workers=workers, sandbox=box, allow_weak_isolation=allow_weak_isolation)
    return seconds(lambda: list(work)) / count


def asserted(count: int, workers: int, box: Sandbox) -> float:
    """Seconds for one candidate with its assertions, in two processes."""
    candidate = CandidateWithAsserts(SOURCE, "", ASSERTS, "f")
    return seconds(lambda: list(run_asserts([candidate] * count, workers=workers, sandbox=box))) / count


def calls(count: int) -> float:
    """Seconds for one call of a trusted program in a warm worker, fifty of a program at a time, as input prediction makes them."""
    items = [(Program(SOURCE, "f", TESTS[0]), [f"[{n}, 2], k={n}" for n in range(50)])] * (count // 50)
    return seconds(lambda: list(call_many(items))) / count


def together(*measures: Callable[[], float]) -> list[float]:
    """The best of several rounds of each, taken in turn, so that all see the same machine."""
    rounds = [[measure() for measure in measures] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds, strict=True)]


def speeds() -> list[Figure]:
    """Candidates, assertions and calls against the baseline, one and two at a time."""
    figures = []
    with Sandbox(untrusted=True) as box:
        candidates(20, 2, box)
        calls(200)
        one, ours, pair, call = together(
            lambda: baseline(15, 1), lambda: candidates(100, 1, box), lambda: asserted(60, 1, box), lambda: calls(2_000)
        )
        figures += [
            Figure("check by one fresh interpreter, one at a time", 1 / one, "a second"),
            Figure("untrusted candidate, 3 tests, all layers, one at a time", 1 / ours, "a second", one / ours, 8),
            Figure("candidate and 3 assertions in two processes, one at a time", 1 / pair, "a second", one / pair),
            Figure("call in a worker, 50 of a program at a time (input prediction)", 1 / call, "a second", one / call, 150),
        ]
        two, ours_too = together(lambda: baseline(30, 2), lambda: candidates(200, 2, box))
        figures += [
            Figure("check by one fresh interpreter, two at a time", 1 / two, "a second"),
            Figure("untrusted candidate, two at a time", 1 / ours_too, "a second", two / ours_too),
            Figure("two workers against one", ours / ours_too, "times"),
        ]
    return figures


def layer_costs() -> list[Figure]:
    """What each layer adds to one candidate, in microseconds: with all layers, less without that one."""
    choices = {name: IsolationConfig(without=(name,)) for name in LAYERS}
    boxes = {"all": Sandbox(untrusted=True), "none": Sandbox(0, (), IsolationConfig(without=LAYERS), untrusted=True)}
    boxes |= {name: Sandbox(0, (), choice, untrusted=True) for name, choice in choices.items()}
    try:
        for box in boxes.values():
            candidates(10, 1, box, allow_weak_isolation=True)
        names = list(boxes)
        best = together(*[lambda box=boxes[name]: candidates(60, 1, box, allow_weak_isolation=True) for name in names])
        cost = dict(zip(names, best, strict=True))
    finally:
        for box in boxes.values():
            box.close()
    figures = [Figure(f"layer: {name}", (cost["all"] - cost[name]) * 1e6, "µs a candidate") for name in LAYERS]
    return [*figures, Figure("all four together", (cost["all"] - cost["none"]) * 1e6, "µs a candidate")]


def latencies() -> list[Figure]:
    """How long results take in a batch of 256 of which one in twenty hangs; a batch at a time, eight at work."""
    hang = Candidate("def f():\n    while True: pass", ("",), "f")
    batch = [hang if index % 20 == 10 else CANDIDATE for index in range(256)]
    limits = Limits(timeout=1.0)
    with Sandbox(untrusted=True) as box:
        candidates(10, 2, box)
        times: dict[int, float] = {}
        start = time.perf_counter()

        def source() -> object:
            for index, candidate in enumerate(batch):
                times[index] = time.perf_counter()
                yield candidate

        took = [
            time.perf_counter() - times[index]
            for index, _ in enumerate(run_candidates(source(), workers=8, limits=limits, sandbox=box))  # type: ignore[arg-type]
        ]
        whole = time.perf_counter() - start
    return [
        Figure("batch of 256, 5% hang for 1 s, 8 workers: whole", whole, "s"),
        Figure("p50 of a candidate, from handed in to handed out in order", 1e3 * statistics.median(took), "ms"),
        Figure("p99 of a candidate, likewise", 1e3 * statistics.quantiles(took, n=100)[98], "ms"),
    ]


def table(figures: Sequence[Figure]) -> None:
    """Prints the figures for people."""
    print(f"Python {platform.python_version()}, {platform.machine()}\n")
    print("| what | figure | | ratio | wanted | |\n|---|---:|---|---:|---|---|")
    for f in figures:
        ratio = f"{f.ratio:.1f}" if f.ratio is not None else ""
        wanted = f">= {f.wanted:g}" if f.wanted is not None else ""
        kept = "" if f.wanted is None or f.ratio is None else "kept" if f.ratio >= f.wanted else "**missed**"
        print(f"| {f.what} | {f.value:,.1f} | {f.unit} | {ratio} | {wanted} | {kept} |")


def main() -> None:
    """Measures everything and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = [*speeds(), *layer_costs(), *latencies()]
    if options.json:
        print(json.dumps([asdict(figure) for figure in figures]))
    else:
        table(figures)


if __name__ == "__main__":
    main()
