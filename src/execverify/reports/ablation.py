"""What an ablation leaves for readers: a table in Markdown, plots, and a page with both and links to the evaluations."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.reports.ablation_page import ablation_page, comparisons_outcome
from execverify.reports.curves import Logs, curve_baselines, draw_curves, draw_levels
from execverify.reports.legend import legend_markdown, shown
from execverify.reports.markdown import format_interval, format_p_value, format_percent, format_score, markdown_table
from execverify.reports.run_summary import divergence_table
from execverify.utils.atomic import atomic_text

TABLE, PAGE, CURVES, LEVELS = "table.md", "report.html", "curves.svg", "levels.svg"


def write_pages(out: Path, results: Mapping[str, Any], conditions: Mapping[str, str], logs: Logs) -> None:
    """Writes the table, the plots and the page into the folder of an ablation.

    Args:
        out: the folder.
        results: what its `results.json` holds.
        conditions: names and descriptions, in their order.
        logs: of the conditions that were trained with rewards.

    Raises:
        TrainingError: the files cannot be written.
        ExecVerifyError: Jinja2 is not installed.
    """
    try:
        atomic_text(out / TABLE, ablation_markdown(results, conditions))
        draw_curves(out / CURVES, logs, baselines=curve_baselines(results["baselines"]))
        draw_levels(out / LEVELS, results["levels"])
        atomic_text(out / PAGE, ablation_page(out, results, conditions, logs), errors="backslashreplace")
    except OSError as error:
        raise TrainingError(f"{out} could not be written: {error.strerror or error}") from None


def ablation_markdown(results: Mapping[str, Any], conditions: Mapping[str, str]) -> str:
    """All scores, then the comparisons, then the time that each stage took. Arguments as in `write_pages`."""
    settings, seeds, explained = results["settings"], results["seeds"], set[str]()
    parts = [
        f"# Ablation: {settings['preset']['description']}",
        _seeds(seeds),
        "\n".join(f"- **{name}**: {description}" for name, description in conditions.items()),
    ]
    for measure, tasks in results["scores"].items():
        parts += [f"## {measure.replace('-', ' ')}", _scores(tasks, results["baselines"][measure], conditions, len(seeds))]
        parts += legend_markdown([measure, *tasks], explained)
        parts += divergence_table(results.get("divergences", {}).get(measure, {}), "condition")
    parts += [
        *_comparisons(results["comparisons"], len(seeds)),
        *_rollouts(results.get("rollouts", ())),
        *_times(results["stages"]),
    ]
    parts.append("\n".join(f"Made with: {json.dumps(environment)}" for environment in settings["with"]))
    return "\n\n".join(parts) + "\n"


def _seeds(seeds: Sequence[int]) -> str:
    scores = "Percent of answers that are right (strict pass@1)"
    if len(seeds) == 1:
        return f"{scores}, seed {seeds[0]}. One seed has no interval over seeds."
    return f"{scores}: the mean over the seeds {', '.join(map(str, seeds))} (95% interval over seeds)."


def _scores(
    tasks: Mapping[str, Mapping[str, Any]], baselines: Mapping[str, float], conditions: Mapping[str, str], seeds: int
) -> str:
    measured = [name for name in conditions if any(name in scores for scores in tasks.values())]
    rows = [(name, *(_score(scores.get(name), seeds) for scores in tasks.values())) for name in measured]
    rows.append(("best constant answer", *(format_percent(baselines[task], 1) if task in baselines else "" for task in tasks)))
    return markdown_table(("condition", *map(shown, tasks)), rows, numbers=range(1, len(tasks) + 1))


def _score(score: Mapping[str, Any] | None, seeds: int) -> str:
    if score is None:
        return ""
    n = len(score["seeds"])
    return format_score(score["mean"], score["interval"]) + (f", {n} of {seeds} seeds" if n < seeds else "")


def _comparisons(comparisons: Sequence[Mapping[str, Any]], seeds: int) -> list[str]:
    """The comparisons; what one seed cannot have is left out."""
    head = ["measure", "task", "condition", "against", "points", "95% over items", "p"]
    rows = [
        [
            row["measure"].replace("-", " "), shown(row["task"]), row["condition"], row["against"], f"{row['difference']:+.2f}",
            format_interval(row["interval"], signed=True), format_p_value(row["p_items_holm"]),
        ]
        for row in comparisons
    ]  # fmt: skip
    about = "In points. Over items: each item's difference is its mean over the seeds; items are resampled; the test is the sign test.\n"
    if seeds > 1:
        head += ["by seed", "95% over seeds", "p"]
        for cells, row in zip(rows, comparisons, strict=True):
            differences = ", ".join(f"{value:+.1f}" for value in row["by_seed"].values())
            cells += [differences, format_interval(row["seeds_interval"], signed=True), format_p_value(row.get("p_holm"))]
        about += "Over seeds: the mean difference of each seed, Student's paired t. "
    about += "Holm's method corrects p-values within a measure."
    outcome = comparisons_outcome(comparisons, seeds)
    return ["## Comparisons", outcome, about, markdown_table(head, rows, numbers=[at for at in (4, 6, 9) if at < len(head)])]


def _rollouts(rollouts: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rollouts:
        return []
    rows = [
        (
            row["metric"].replace("_", " "), row["condition"], row["against"], f"{row['score']:.1f}", f"{row['score_against']:.1f}",
            f"{row['difference']:+.2f}", format_interval(row["interval"], signed=True),
            ", ".join(f"{value:+.1f}" for value in row["by_seed"].values()), str(row["updates"]),
        )
        for row in rollouts
    ]  # fmt: skip
    head = ("metric", "condition", "against", "percent", "against", "points", "95% over updates", "by seed", "updates")
    return [
        "## Rollouts of training",
        "In the second half of the updates: completions of both models on the same prompts, which no update has seen. In percent,\n"
        "paired by update. The interval is about these trained models, not about other seeds.",
        markdown_table(head, rows, numbers=(3, 4, 5, 8)),
    ]


def _times(stages: Mapping[str, Sequence[Mapping[str, Any] | None]]) -> list[str]:
    rows = []
    for name, seeds in stages.items():
        done = [stage for stage in seeds if stage]
        if done:
            steps, seconds = (sum(stage[key] for stage in done) / len(done) for key in ("steps", "seconds"))
            rows.append((name, f"{steps:.0f}", f"{seconds:.0f}"))
    return ["## Time", "Means over seeds.", markdown_table(("condition", "updates", "seconds"), rows, numbers=(1, 2))]
