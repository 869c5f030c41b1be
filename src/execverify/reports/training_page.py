"""The page of a training: the scores of each model, the curves of each stage, and links to the evaluations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.evaluation.run_dir import strict_scores
from execverify.reports.curves import CURVE_TITLES, SFT_TITLES, Curves, curve_baselines, curves_of
from execverify.reports.links import evaluation_rows, flat_settings, view_of
from execverify.reports.render import render
from execverify.reports.run_summary import guess_rate

Evaluations = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""The results of each model (by name, in order) on each measure."""

Stages = Mapping[str, Mapping[str, Any]]
"""What each finished stage wrote down: "kept" rows, "steps" and "seconds"."""


@dataclass(frozen=True)
class Training:
    """What the reports of a training show.

    Attributes:
        out: folder of the training.
        title: of the reports.
        evaluations: results by model and measure.
        stages: by name.
        logs: by stage, the lines of its log.
        settings: of the preset.
    """

    out: Path
    title: str
    evaluations: Evaluations
    stages: Stages
    logs: Mapping[str, Sequence[Mapping[str, Any]]]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """The scores of every model on one measure.

    Attributes:
        name: for readers.
        tasks: the columns.
        scores: by model, the score of each task.
        guessed: by model, percent of right outputs with a chain that is not true; empty where no chain is graded.
        baselines: of each task, what the best constant answer scores, in percent.
        divergences: by model, first divergences of chains by kind of statement.
    """

    name: str
    tasks: tuple[str, ...]
    scores: Mapping[str, tuple[Mapping[str, Any], ...]]
    guessed: Mapping[str, float | None]
    baselines: tuple[float, ...]
    divergences: Mapping[str, Mapping[str, int]]


def training_page(training: Training) -> str:
    """The page as HTML.

    Raises:
        ExecVerifyError: Jinja2 is not installed.
    """
    measures = sorted({measure for own in training.evaluations.values() for measure in own})
    return render(
        "training.html.j2",
        title=training.title[:1].upper() + training.title[1:],
        measures=[_measured(name, training.evaluations) for name in measures],
        curves=list(_curves(training, measures)),
        stages=list(training.stages.items()),
        measure_names=measures,
        evaluations=evaluation_rows(training.out, [(model, f"evaluations/{model}") for model in training.evaluations], measures),
        view=view_of(training.out),
        settings=flat_settings(training.settings),
    )


def _measured(measure: str, evaluations: Evaluations) -> Measured:
    results = {model: own[measure] for model, own in evaluations.items() if measure in own}
    tasks, _, baselines = zip(*strict_scores(next(iter(results.values()))), strict=True)
    graded = {model: one for model, one in results.items() if "faithfulness" in one}
    return Measured(
        measure.replace("-", " "),
        tasks,
        {model: tuple(_strict(one)[task] for task in tasks) for model, one in results.items()},
        {model: guess_rate(one) for model, one in graded.items()},
        baselines,
        {model: one["faithfulness"]["first_divergences"] for model, one in graded.items()},
    )


def _strict(results: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = results["strict"].get("by_task") or {"all": results["strict"]}
    return found


def _curves(training: Training, measures: Sequence[str]) -> Iterator[tuple[str, Curves]]:
    """The curves of each stage that has a log."""
    firsts = {name: next(own[name] for own in training.evaluations.values() if name in own) for name in measures}
    constants = {name: {task: best for task, _, best in strict_scores(results)} for name, results in firsts.items()}
    for stage, log in training.logs.items():
        sft = stage == "sft"
        found = curves_of({stage: [log]}, SFT_TITLES if sft else CURVE_TITLES, {} if sft else curve_baselines(constants))
        if found is not None:
            yield stage, found
