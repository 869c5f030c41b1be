"""The table and the page of a training: the scores of the model before, between and after the stages, beside the best constant answer."""

from collections.abc import Mapping
from typing import Any

from execverify.errors import TrainingError
from execverify.evaluation.run_dir import strict_scores
from execverify.reports.markdown import format_percent, markdown_table
from execverify.reports.run_summary import divergence_table, guess_rate
from execverify.reports.training_page import Evaluations, Stages, Training, training_page
from execverify.utils.atomic import atomic_text

REPORT, PAGE = "report.md", "report.html"


def write_report(training: Training) -> None:
    """Writes OUT/report.md and OUT/report.html, each whole or not at all.

    Raises:
        TrainingError: a file cannot be written.
        ExecVerifyError: Jinja2 is not installed.
    """
    texts = {
        REPORT: training_markdown(training.title, training.evaluations, training.stages),
        PAGE: training_page(training),
    }
    for name, text in texts.items():
        try:
            atomic_text(training.out / name, text, errors="backslashreplace")
        except OSError as error:
            raise TrainingError(f"{training.out / name} could not be written: {error.strerror}") from None


def training_markdown(title: str, evaluations: Evaluations, stages: Stages) -> str:
    """A table for each measure, and one of the stages."""
    parts = [
        f"# {title}",
        "Strict pass@1 in percent, greedy, with 95% intervals; `baseline` is the best constant answer on the same items.",
    ]
    for measure in sorted({measure for measures in evaluations.values() for measure in measures}):
        results = {model: measures[measure] for model, measures in evaluations.items() if measure in measures}
        parts += [f"## {measure.replace('-', ' ')}", _scores(results), *divergence_table(_divergences(results), "model")]
    rows = [(name, str(stage["kept"]), str(stage["steps"]), f"{stage['seconds']:.0f}") for name, stage in stages.items()]
    parts += ["## Stages", markdown_table(("stage", "rows", "steps", "seconds"), rows, numbers=(1, 2, 3))]
    return "\n\n".join(parts) + "\n"


def _scores(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each model and one for the baselines, a column for each task, and one for the guess rate where chains are graded."""
    baselines = {task: baseline for task, _, baseline in strict_scores(next(iter(results.values())))}
    more = ["guessed"] if any("faithfulness" in result for result in results.values()) else []
    rows = [
        [model, *(_score(result["strict"], task) for task in baselines), *(format_percent(guess_rate(result), 1) for _ in more)]
        for model, result in results.items()
    ]
    rows.append(["baseline", *(format_percent(baseline, 1) for baseline in baselines.values()), *("" for _ in more)])
    return markdown_table(("model", *baselines, *more), rows, numbers=range(1, len(baselines) + len(more) + 1))


def _divergences(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, int]]:
    return {model: result["faithfulness"]["first_divergences"] for model, result in results.items() if "faithfulness" in result}


def _score(strict: Mapping[str, Any], task: str) -> str:
    score = (strict.get("by_task") or {"all": strict})[task]
    low, high = score["interval"]
    return f"{score['pass_at_1']:.1f} [{low:.1f}, {high:.1f}]"
