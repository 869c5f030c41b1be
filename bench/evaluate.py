"""What scoring costs: a whole `evaluate` of CRUXEval's published generations, and its parts, beside running every answer.

    python bench/evaluate.py [DATA GENERATIONS]

Without files it looks for `../shared/benchmarks/cruxeval`. Seconds are wall time on however busy a machine; CPU seconds of this process
stand beside them, and the ratio is to running each distinct answer in the sandbox, as the rule is written.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from execverify.evaluation.cruxeval_rule import Assertion, run_scripts, verdicts
from execverify.evaluation.run import evaluate
from execverify.reports.evaluation_page import evaluation_page

HOME = Path(__file__).parents[2] / "shared" / "benchmarks" / "cruxeval"
DATA, GENERATIONS = HOME / "cruxeval.jsonl", HOME / "samples" / "codellama-7b_temp0.2_output.generations.json"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
SAMPLE = 200


def timed(what: str, work: Callable[[], Any]) -> tuple[float, Any]:
    """Prints what a piece of work took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:<66} {wall:6.2f} s, CPU {cpu:5.2f} s")
    return wall, result


def main() -> None:
    """Times everything once."""
    data, texts = (Path(word) for word in sys.argv[1:3]) if len(sys.argv) > 2 else (DATA, GENERATIONS)
    if not data.exists() or not texts.exists():
        sys.exit("give CRUXEval's data and a file of generations: python bench/evaluate.py cruxeval.jsonl X.generations.json")
    rows = {row["id"]: row for row in map(json.loads, data.read_text(encoding="utf-8").splitlines())}
    generations = json.loads(texts.read_text(encoding="utf-8"))
    claims = [Assertion(rows[id]["code"], rows[id]["output"], text) for id, of in generations.items() for text in of]
    print(f"{len(claims)} answers, {len(set(claims))} of them distinct, {CORES} processes")
    _, found = timed("evaluate: data, steps, both verdicts, floors, intervals, slices", lambda: evaluate(
        "cruxeval-o", f"replay:{texts}", data=data, workers=CORES))  # fmt: skip
    print(f"    pass@1 {found.results['official']['pass_at_1']}, pass@5 {found.results['official'].get('pass_at_5')}")
    timed("the page", lambda: evaluation_page(found))
    wall, _ = timed("official verdicts alone", lambda: verdicts(claims, workers=CORES))
    distinct = list(dict.fromkeys(claims))[:SAMPLE]
    each, _ = timed(f"{len(distinct)} distinct answers, each run", lambda: run_scripts([c.text for c in distinct], workers=CORES))
    whole = each / len(distinct) * len(claims)
    rate, times = len(claims) / wall, whole / wall
    print(f"official verdicts: {rate:,.0f} a second; all {len(claims)} run one by one: {whole:.0f} s, {times:.0f} times as long")


if __name__ == "__main__":
    main()
