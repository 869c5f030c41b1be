"""Records the curves of an ablation's RL as a small file, which `examples/demo.py` draws.

    python examples/record_curve.py RUN [--conditions white-box,step] [--window 10] [-o examples/data/curve.json]

RUN is the folder of `execverify ablate`. Each point is the mean over so many updates, and over the seeds that have all of them.
"""

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

FIGURES = ("execverify/output", "execverify/chain_true", "execverify/guessed")
"""The metrics of the training log that are kept."""

OUT = Path(__file__).with_name("data") / "curve.json"


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a training log that have figures of chains, a line an update."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if FIGURES[1] in line]


def averaged(logs: list[list[dict[str, Any]]], window: int) -> list[dict[str, float]]:
    """Means over windows of updates and over seeds; an update without right outputs has no guess rate."""
    updates = min(map(len, logs))
    points = []
    for start in range(0, updates - window + 1, window):
        lines = [line for log in logs for line in log[start : start + window]]
        values = {name: [line[name] for line in lines if name in line] for name in FIGURES}
        points.append({"step": start + window, **{name: round(fmean(each), 4) for name, each in values.items() if each}})
    return points


def record(run: Path, conditions: list[str], window: int, preset: str) -> dict[str, Any]:
    """The curves of a run as plain values.

    Raises:
        SystemExit: a condition has no log, or fewer updates than a window.
    """
    logs = {name: [read_log(path) for path in sorted(run.glob(f"seed-*/{name}/log.jsonl"))] for name in conditions}
    for name, seeds in logs.items():
        if not seeds or min(map(len, seeds)) < window:
            raise SystemExit(f"{run}: {name} has no log of {window} updates; name other --conditions, or a smaller --window")
    count = max(len(own) for own in logs.values())
    return {
        "command": f"execverify ablate --preset {preset} --seeds {count} --conditions {','.join(conditions)}",
        "preset": preset,
        "seeds": count,
        "window": window,
        "updates": {name: min(len(log) for log in own) for name, own in logs.items()},
        "conditions": {name: averaged(own, window) for name, own in logs.items()},
    }


def main() -> None:
    """Reads the arguments and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--conditions", default="white-box,step")
    parser.add_argument("--window", type=int, default=10)
    parser.add_argument("--preset", default="tiny-steps")
    parser.add_argument("-o", "--output", type=Path, default=OUT)
    options = parser.parse_args()
    found = record(options.run, options.conditions.split(","), options.window, options.preset)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{options.output}: {', '.join(f'{name}, {updates} updates' for name, updates in found['updates'].items())}")


if __name__ == "__main__":
    main()
