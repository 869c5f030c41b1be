"""The page of an ablation: scores, curves, accuracy by level, comparisons, and links to the evaluations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.reports.curves import Logs, curve_baselines, curves_of
from execverify.reports.legend import legend
from execverify.reports.links import evaluation_rows, flat_settings, view_of
from execverify.reports.render import render
from execverify.utils.messages import count_phrase

Results = Mapping[str, Any]
_MEAN = "mean of tasks"
_CHANCE = 0.05


@dataclass(frozen=True)
class Measure:
    """The scores of one evaluation.

    Attributes:
        name: for readers.
        tasks: the columns; the last one is the mean of tasks where there are several.
        scores: by condition, the score of each task; None where it was not measured.
        baselines: of each task; None where there is none.
        divergences: by condition, first divergences of chains by kind of statement.
        levels: by the name of a level, condition -> percent.
        words: what the names of the tasks mean.
    """

    name: str
    tasks: tuple[str, ...]
    scores: Mapping[str, tuple[Mapping[str, Any] | None, ...]]
    baselines: tuple[float | None, ...]
    divergences: Mapping[str, Mapping[str, int]]
    levels: Mapping[str, Mapping[str, float]]
    words: list[tuple[str, str]]


def ablation_page(out: Path, results: Results, conditions: Mapping[str, str], logs: Logs) -> str:
    """The page as HTML. Arguments as in `reports.ablation.write_pages`.

    Raises:
        ExecVerifyError: Jinja2 is not installed.
    """
    settings, seeds = results["settings"], results["seeds"]
    folders = [
        (name if len(seeds) == 1 else f"{name}, seed {seed}", f"seed-{seed}/evaluations/{name}")
        for name in conditions
        for seed in seeds
    ]
    return render(
        "ablation.html.j2",
        title=f"Ablation: {settings['preset']['description']}",
        seeds=seeds,
        conditions=list(conditions.items()),
        measures=list(_measures(results, conditions)),
        curves=curves_of(logs, baselines=curve_baselines(results["baselines"])),
        comparisons=_by_measure(results["comparisons"]),
        outcome=comparisons_outcome(results["comparisons"], len(seeds)),
        measure_names=list(results["scores"]),
        evaluations=evaluation_rows(out, folders, results["scores"]),
        view=view_of(out),
        times=list(_times(results["stages"])),
        settings=flat_settings(settings["preset"]),
        made_with=[flat_settings(environment) for environment in settings["with"]],
    )


def comparisons_outcome(comparisons: Sequence[Mapping[str, Any]], seeds: int) -> str:
    """A sentence on how many comparisons are beyond chance."""
    beyond = [row for row in comparisons if row["p_items_holm"] < _CHANCE]
    if not beyond:
        return (
            f"None of {count_phrase(len(comparisons), 'comparison')} has a corrected p below {_CHANCE} over items: "
            f"{count_phrase(seeds, 'seed')} with so many items cannot show differences as small as these."
        )
    verb = "has" if len(beyond) == 1 else "have"
    return f"{len(beyond)} of {count_phrase(len(comparisons), 'comparison')} {verb} a corrected p below {_CHANCE} over items."


def _measures(results: Results, conditions: Mapping[str, str]) -> Iterator[Measure]:
    explained: set[str] = set()
    for name, tasks in results["scores"].items():
        known = [condition for condition in conditions if any(condition in scores for scores in tasks.values())]
        baselines = results["baselines"].get(name, {})
        columns = tuple(sorted(tasks, key=lambda task: task == _MEAN))  # the mean is the last column
        yield Measure(
            name.replace("-", " "),
            columns,
            {condition: tuple(tasks[task].get(condition) for task in columns) for condition in known},
            tuple(baselines.get(task) for task in columns),
            results.get("divergences", {}).get(name, {}),
            {f"level {level}": scores for level, scores in results["levels"].get(name, {}).items()},
            legend([name, *columns], explained),
        )


@dataclass(frozen=True)
class Compared:
    """The comparisons of one evaluation.

    Attributes:
        name: for readers.
        rows: as in `results.json`.
        seeds: whether there are differences over seeds.
        scale: the widest difference or edge of an interval, in points.
    """

    name: str
    rows: Sequence[Mapping[str, Any]]
    seeds: bool
    scale: float


def _by_measure(comparisons: Sequence[Mapping[str, Any]]) -> list[Compared]:
    found = []
    for name in dict.fromkeys(row["measure"] for row in comparisons):
        rows = [row for row in comparisons if row["measure"] == name]
        edges = [abs(edge) for row in rows for edge in (*(row["interval"] or ()), row["difference"])]
        several = any(len(row["by_seed"]) > 1 for row in rows)
        found.append(Compared(name.replace("-", " "), rows, several, max(1.0, *edges)))
    return found


def _times(stages: Mapping[str, Sequence[Mapping[str, Any] | None]]) -> Iterator[tuple[str, float, float]]:
    for name, seeds in stages.items():
        done = [stage for stage in seeds if stage]
        if done:
            steps, seconds = (sum(stage[key] for stage in done) / len(done) for key in ("steps", "seconds"))
            yield name, steps, seconds
