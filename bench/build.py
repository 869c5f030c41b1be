"""What a dataset costs by size: rows a second, processor time, where the time goes, and the memory of all processes together.

    python bench/build.py [--sizes 1000,30000] [--workers 2] [--seed 0] [--json] [--samples FILE]

Every size is a build of white-box rows from nothing, as `execverify dataset build` makes them, report and manifest included. The
baseline of the same run is what a check of one program by a fresh interpreter costs, as the paper's release does it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

PROGRAM = "def f(n):\n    return n + 1\nassert f(3) == 4"


@dataclass(frozen=True)
class Cost:
    """What one build cost.

    Attributes:
        rows: how many rows.
        seconds: wall-clock seconds, from the command's start to its end.
        rate: rows a second.
        ratio: that rate over programs a second by fresh interpreters, on as many cores.
        processor: milliseconds of processor time a row, of all processes together. It depends less on what else the machine does.
        shares: of the processes' time by stage.
        memory: greatest proportional set size of all processes together, MiB; the median over the second half of the run
            is `usual`.
        parent: usual size of the build's own process, MiB: it keeps a hash of every program.
        rejected: rejected attempts at a program, for each row.
    """

    rows: int
    seconds: float
    rate: float
    ratio: float
    processor: float
    shares: dict[str, float]
    memory: float
    usual: float
    parent: float
    rejected: float


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,30000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--samples", metavar="FILE", help="add rows asked for, second, MiB of the parent and of all processes")
    options = parser.parse_args()
    interpreters = fresh_interpreters(options.workers)
    costs = [
        cost_of(int(size), options.workers, options.seed, interpreters, options.samples) for size in options.sizes.split(",")
    ]
    if options.json:
        print(json.dumps({"fresh_interpreters": interpreters, "costs": [asdict(cost) for cost in costs]}))
        return
    print(f"{options.workers} workers; fresh interpreters on as many cores: {interpreters:.0f} programs a second\n")
    print(
        "| rows | seconds | rows a second | ratio to fresh interpreters | processor ms a row | rejected attempts a row | "
        "MiB: most | usual | parent |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for c in costs:
        print(
            f"| {c.rows:,} | {c.seconds:.0f} | {c.rate:.0f} | {c.ratio:.1f} | {c.processor:.1f} | {c.rejected:.2f} | "
            f"{c.memory:.0f} | {c.usual:.0f} | {c.parent:.0f} |"
        )
    print(f"\n| {' | '.join(costs[-1].shares)} |\n|{'---:|' * len(costs[-1].shares)}")
    print(f"| {' | '.join(f'{share:.0%}' for share in costs[-1].shares.values())} |")


def fresh_interpreters(workers: int, count: int = 40) -> float:
    """Programs a second where each is run by an interpreter of its own, `workers` at a time."""
    start = time.perf_counter()
    for _ in range(count // workers):
        running = [subprocess.Popen([sys.executable, "-c", PROGRAM]) for _ in range(workers)]
        for process in running:
            process.wait()
    return count / (time.perf_counter() - start)


def cost_of(size: int, workers: int, seed: int, interpreters: float, kept: str | None = None) -> Cost:
    """Builds once, in a process of its own, and watches; the samples of its memory are added to a file."""
    with tempfile.TemporaryDirectory() as folder:
        code = (
            "import json, sys; from execverify.datasets import DatasetConfig, build\n"
            f"built = build({folder + '/out'!r}, {size}, DatasetConfig(seed={seed}, kinds=('white_box',)), workers={workers})\n"
            "print(json.dumps({'shares': dict(built.clock.shares), 'rejected': built.manifest['rejected_attempts']}))"
        )
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        samples: list[tuple[float, float, float]] = []
        processor: dict[int, float] = {}
        watch = threading.Thread(target=_watched, args=(process, samples, processor), daemon=True)
        watch.start()
        out, _ = process.communicate()
        seconds = time.perf_counter() - start
        watch.join()
        if process.returncode:
            raise SystemExit(f"the build of {size} rows failed")
        result = json.loads(out)
    if kept:
        with Path(kept).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps([size, *(round(number) for number in sample)]) + "\n" for sample in samples)
    _, parent, all_of_them = zip(*samples or [(0.0, 0.0, 0.0)], strict=True)
    usual, own = (statistics.median(some[len(samples) // 2 :]) for some in (all_of_them, parent))
    rate, rejected = size / seconds, sum(result["rejected"].values()) / size
    each = 1_000 * sum(processor.values()) / size
    return Cost(size, seconds, rate, rate / interpreters, each, result["shares"], max(all_of_them), usual, own, rejected)


def _watched(process: "subprocess.Popen[str]", samples: list[tuple[float, float, float]], processor: dict[int, float]) -> None:
    """Takes now and then the second, the MiB of the process, and those of it with all below it; and the processor time of each."""
    begun = time.perf_counter()
    while process.poll() is None:
        tree = _tree(process.pid)
        processor.update((pid, seconds) for pid in tree if (seconds := _processor_seconds(pid)))
        sizes = [_proportional(pid) / 1024 for pid in tree]
        samples.append((time.perf_counter() - begun, sizes[0] if sizes else 0.0, sum(sizes)))
        time.sleep(0.5)


def _tree(pid: int) -> list[int]:
    """A process and all below it (Linux)."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(below for child in children for below in _tree(child))]


def _processor_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _proportional(pid: int) -> int:
    """Proportional set size in KiB: memory that processes share counts once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
