"""The folder of a run: what is in it, whether a run may go on there, and what readers of results need.

RUN/generations.jsonl    completions as they arrived
RUN/results.json         figures, settings and versions
RUN/table.md, report.html    written by `execverify.reports.evaluation.write_run`
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError, ModelError
from execverify.models.cache import is_header
from execverify.utils.messages import count_phrase

GENERATIONS, RESULTS = "generations.jsonl", "results.json"
FORMAT = 2
"""Version of the results' form."""

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
    """Raises EvaluationError where a path is a folder of several evaluations, or of one that has no results yet; it says which."""
    if holds_run(path):
        raise EvaluationError(f"{path} holds an evaluation that is not finished: give its command again to go on")
    inside = runs_inside(path)
    finished = [str(each) for each in inside if (each / RESULTS).is_file()]
    waiting = [str(each) for each in inside if not (each / RESULTS).is_file()]
    if not inside:
        return
    advice = f"name one of them, {' or '.join(finished)}" if finished else "give their command again to go on"
    unfinished = f" (not finished: {', '.join(waiting)})" if waiting else ""
    raise EvaluationError(f"{path} holds {count_phrase(len(inside), 'evaluation')}: {advice}{unfinished}")


def runs_inside(folder: Path) -> list[Path]:
    """The folders of runs in a folder, finished or not, by name."""
    return sorted({each.parent for name in (GENERATIONS, RESULTS) for each in folder.glob(f"*/{name}")})


def check_output(folder: Path, benchmarks: Sequence[str]) -> None:
    """Refuses a folder that holds runs which a command for these benchmarks would mix with its own.

    Args:
        folder: where the command writes; one benchmark's run into it, several into a folder each.
        benchmarks: their names.

    Raises:
        ModelError: it holds a run of another benchmark, several runs where one is to be written, or the other way round.
    """
    is_run = holds_run(folder)
    if len(benchmarks) == 1:
        if not is_run and (inside := runs_inside(folder)):
            raise ModelError(f"{folder} holds other runs ({_names(inside)}): give another --output folder")
        there = _benchmark_in(folder)
        if there not in (None, benchmarks[0]):
            raise ModelError(
                f"{folder} holds another run (benchmark is {there} there, {benchmarks[0]} now): give another --output folder"
            )
        return
    if is_run:
        raise ModelError(
            f"{folder} holds another run (of {_benchmark_in(folder) or 'one benchmark'}): give another --output folder"
        )
    others = [each for each in runs_inside(folder) if each.name not in benchmarks]
    if others:  # the table of all runs would leave them out
        can_be_named = all(_benchmark_in(each) == each.name for each in others)
        too = "name them, too, or " if can_be_named else ""
        raise ModelError(f"{folder} holds other runs ({_names(others)}): {too}give another --output folder")
    for name in benchmarks:
        check_output(folder / name, [name])


def check_items(folder: Path, model: str, ids: Collection[str]) -> None:
    """Refuses a folder whose run has items that are not asked now: its results would be replaced by those of fewer.

    Args:
        folder: of the run; it need not exist.
        model: who is asked now.
        ids: of the items that are asked now.

    Raises:
        ModelError: it holds further items, or, without generations, the results of another model.
    """
    if (folder / GENERATIONS).is_file():
        held = {entry["id"] for entry in _entries(folder / GENERATIONS) if isinstance(entry.get("id"), str)}
    else:
        results = _results_in(folder)
        held = {row["id"] for row in results.get("item_grades", ())}
        there = results.get("model", {}).get("name", model)
        if there != model:
            raise ModelError(f"{folder} holds another run (model is {there} there, {model} now): give another --output folder")
    if left_out := len(held.difference(ids)):
        asked = len(held) - left_out or "none"
        raise ModelError(
            f"{folder} holds {count_phrase(len(held), 'item')}, of which this command asks {asked}: give another --output folder, "
            "or a limit that is not smaller"
        )


def holds_run(folder: Path) -> bool:
    """Whether a folder is that of one run, finished or not."""
    return any((folder / name).is_file() for name in (GENERATIONS, RESULTS))


def _names(folders: Sequence[Path]) -> str:
    return ", ".join(each.name for each in folders)


def _benchmark_in(folder: Path) -> str | None:
    """The benchmark of the run in a folder; None where there is none, or it is not known."""
    header = next(_entries(folder / GENERATIONS), {})
    there = header.get("benchmark") if is_header(header) else None
    there = there or _results_in(folder).get("benchmark")
    return there if isinstance(there, str) else None


def _entries(file: Path) -> Iterator[Mapping[str, Any]]:
    """The objects of a JSONL file; other lines are left to whoever writes the file."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(entry, dict):
                    yield entry
    except OSError:
        return


def _results_in(folder: Path) -> Mapping[str, Any]:
    """The results in a folder; empty where there are none."""
    if not (folder / RESULTS).is_file():
        return {}
    try:
        return read_results(folder)
    except EvaluationError:
        if (folder / GENERATIONS).is_file():  # of an older version: they are judged anew
            return {}
        raise ModelError(f"{folder / RESULTS} is no file of an evaluation: give another --output folder") from None


def strict_scores(results: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Each task of a benchmark with its strict score and that of the best constant answer, in percent."""
    answers = results["baselines"]["answers"]
    strict = results["strict"]
    tasks: Mapping[str, Any] = strict.get("by_task") or {"all": strict}
    for task, score in tasks.items():
        baseline = max((scores["strict"].get(task, scores["strict"]["all"]) for scores in answers.values()), default=0.0)
        yield task, score["pass_at_1"], baseline
