"""The results of a run as a file, and what readers of them need.

RUN/generations.jsonl    completions as they arrived
RUN/results.json         figures, settings and versions
RUN/table.md, report.html    written by `execverify.reports.evaluation.write_run`
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError
from execverify.evaluation.run import FORMAT, RESULTS

_NEEDED = frozenset({"benchmark", "data", "seed", "model", "style", "sampling", "items", "official", "strict", "item_grades"})
"""The fields of results that a comparison reads."""


def read_results(path: Path) -> Mapping[str, Any]:
    """The results of a run.

    Args:
        path: the run's folder, or its `results.json`.

    Raises:
        EvaluationError: there are no results, they have another form, or the folder is that of several evaluations.
    """
    file = path / RESULTS if path.is_dir() else path
    if not file.exists():
        check_one_run(path)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvaluationError(f"{file}: no such file; name a folder that `execverify evaluate --output` made") from None
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationError(f"{file} is no file of results: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not found.keys() >= _NEEDED:
        raise EvaluationError(f"{file} is no file of results of this version: evaluate again")
    return found


def check_one_run(path: Path) -> None:
    """Raises EvaluationError where a path is the folder of several evaluations, which names them."""
    runs = sorted(each.parent for each in path.glob(f"*/{RESULTS}")) if (path / "summary.md").is_file() else []
    if runs:
        raise EvaluationError(f"{path} holds {len(runs)} evaluations: name one of them, {' or '.join(map(str, runs))}")


def strict_scores(results: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Each task of a benchmark with its strict score and that of the best constant answer, in percent."""
    answers = results["baselines"]["answers"]
    strict = results["strict"]
    tasks: Mapping[str, Any] = strict.get("by_task") or {"all": strict}
    for task, score in tasks.items():
        baseline = max((scores["strict"].get(task, scores["strict"]["all"]) for scores in answers.values()), default=0.0)
        yield task, score["pass_at_1"], baseline
