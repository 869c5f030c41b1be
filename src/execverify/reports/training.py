"""The table and the page of a training: the scores of the model before, between and after the stages, beside the best constant answer."""

from collections.abc import Mapping
from typing import Any

from execverify.errors import TrainingError
from execverify.evaluation.run_dir import strict_scores
from execverify.reports.legend import legend_markdown, shown
from execverify.reports.markdown import format_percent, format_score, markdown_table
from execverify.reports.run_summary import divergence_table, guess_rate
from execverify.reports.training_page import LEFT_OUT, STAGE_COLUMNS, Training, changes_of, stage_rows, training_page
from execverify.utils.atomic import atomic_text

REPORT, PAGE = "report.md", "report.html"


def write_report(training: Training) -> None:
    """Writes OUT/report.md and OUT/report.html, each whole or not at all.

    Raises:
        TrainingError: a file cannot be written.
        ExecVerifyError: Jinja2 or SciPy is not installed.
    """
    texts = {
        REPORT: training_markdown(training),
        PAGE: training_page(training),
    }
    for name, text in texts.items():
        try:
            atomic_text(training.out / name, text, errors="backslashreplace")
        except OSError as error:
            raise TrainingError(f"{training.out / name} could not be written: {error.strerror}") from None


def training_markdown(training: Training) -> str:
    """A table for each measure with its words, what RL changed, and a table of the stages.

    Raises:
        EvaluationError: SciPy is not installed.
    """
    evaluations, explained = training.evaluations, set[str]()
    parts = [
        f"# {training.title}",
        "Percent of answers that are right at the first try (strict pass@1, greedy), with 95% intervals; `baseline` is the best "
        "constant answer to the same items.",
    ]
    for measure in sorted({measure for measures in evaluations.values() for measure in measures}):
        results = {model: measures[measure] for model, measures in evaluations.items() if measure in measures}
        tasks = [task for task, _, _ in strict_scores(next(iter(results.values())))]
        parts += [
            f"## {measure.replace('-', ' ')}",
            _scores(results),
            *legend_markdown([measure, *tasks, *_guessed(results)], explained),
        ]
        parts += divergence_table(_divergences(results), "model")
    if changes := changes_of(training):
        parts += ["## What RL changed", *changes]
    rows = [(row[0], *map(str, row[1:])) for row in stage_rows(training.stages)]
    parts += ["## Stages", markdown_table(STAGE_COLUMNS, rows, numbers=range(1, 6)), LEFT_OUT]
    return "\n\n".join(parts) + "\n"


def _scores(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each model and one for the baselines, a column for each task, and one for the guess rate where chains are graded."""
    baselines = {task: baseline for task, _, baseline in strict_scores(next(iter(results.values())))}
    more = _guessed(results)
    rows = [
        [model, *(_score(result["strict"], task) for task in baselines), *(format_percent(guess_rate(result), 1) for _ in more)]
        for model, result in results.items()
    ]
    rows.append(["baseline", *(format_percent(baseline, 1) for baseline in baselines.values()), *("" for _ in more)])
    return markdown_table(("model", *map(shown, baselines), *more), rows, numbers=range(1, len(baselines) + len(more) + 1))


def _guessed(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The name of the column of guess rates, where chains are graded."""
    return ["guessed"] if any("faithfulness" in result for result in results.values()) else []


def _divergences(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, int]]:
    return {model: result["faithfulness"]["first_divergences"] for model, result in results.items() if "faithfulness" in result}


def _score(strict: Mapping[str, Any], task: str) -> str:
    score = (strict.get("by_task") or {"all": strict})[task]
    return format_score(score["pass_at_1"], score["interval"])
