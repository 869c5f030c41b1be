"""The page of a training: the scores of each model, the curves of each stage, and links to the evaluations."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.evaluation.run_dir import strict_scores
from execverify.reports.curves import CURVE_TITLES, SFT_TITLES, Curves, curve_baselines, curves_of, sft_window
from execverify.reports.legend import legend
from execverify.reports.links import evaluation_rows, flat_settings, view_of
from execverify.reports.render import render
from execverify.reports.rl_change import RlStage, rl_changes, trained_on
from execverify.reports.run_summary import guess_rate

Evaluations = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""The results of each model (by name, in order) on each measure."""

Stages = Mapping[str, Mapping[str, Any]]
"""What each finished stage wrote down: "kept" and "too_long" rows, "prompts" of RL, "steps" and "seconds"."""


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
        words: what the names of the tasks mean.
        divergences: by model, first divergences of chains by kind of statement.
    """

    name: str
    tasks: tuple[str, ...]
    scores: Mapping[str, tuple[Mapping[str, Any], ...]]
    guessed: Mapping[str, float | None]
    baselines: tuple[float, ...]
    divergences: Mapping[str, Mapping[str, int]]
    words: list[tuple[str, str]]


def training_page(training: Training) -> str:
    """The page as HTML.

    Raises:
        ExecVerifyError: Jinja2 or SciPy is not installed.
    """
    measures, explained = sorted({measure for own in training.evaluations.values() for measure in own}), set[str]()
    return render(
        "training.html.j2",
        title=training.title[:1].upper() + training.title[1:],
        measures=[_measured(name, training.evaluations, explained) for name in measures],
        curves=list(_curves(training, measures)),
        models=legend([name for name, own in training.evaluations.items() if own], explained),
        changes=changes_of(training),
        stages=stage_rows(training.stages),
        measure_names=measures,
        evaluations=evaluation_rows(training.out, [(model, f"evaluations/{model}") for model in training.evaluations], measures),
        view=view_of(training.out),
        stage_columns=STAGE_COLUMNS,
        left_out=LEFT_OUT,
        settings=flat_settings(training.settings),
    )


def changes_of(training: Training) -> list[str]:
    """What each stage of RL changed, a sentence a figure; see `rl_changes`.

    Raises:
        EvaluationError: SciPy is not installed.
    """
    found: list[str] = []
    measured = [name for name, own in training.evaluations.items() if own]
    for before, after in itertools.pairwise(measured):
        if after != "sft" and after in training.stages:
            models = training.evaluations[before], training.evaluations[after]
            curriculum = training.settings.get(after, {}).get("curriculum", False)
            found += rl_changes(RlStage(after, training.stages[after], training.logs.get(after, ()), *models, curriculum))
    return found


def stage_rows(stages: Stages) -> list[tuple[str, int, int, int, int, int]]:
    """For each stage: its name, the rows that it was given, those that it left out, those that it trained on, updates, seconds."""
    found = []
    for name, stage in stages.items():
        given, used = stage["kept"] + stage.get("too_long", 0), trained_on(stage)
        found.append((name, given, given - used, used, stage["steps"], round(stage["seconds"])))
    return found


STAGE_COLUMNS = ("stage", "rows", "left out", "trained on", "updates", "seconds")
LEFT_OUT = (
    "Left out are rows with a prompt, or with a true chain of thought, that is longer than the settings allow; and rows that the "
    "difficulty filter takes out, where it is on."
)


def _measured(measure: str, evaluations: Evaluations, explained: set[str]) -> Measured:
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
        legend([measure, *tasks, *(["guessed"] if graded else [])], explained),
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
        if sft:
            found = curves_of({stage: [log]}, SFT_TITLES, window=sft_window(log))
        else:
            found = curves_of({stage: [log]}, CURVE_TITLES, curve_baselines(constants))
        if found is not None:
            yield stage, found
