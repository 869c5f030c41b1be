"""What an ablation leaves for readers: a table in Markdown, reward curves, and accuracy by level."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.reports.markdown import format_percent, markdown_table
from execverify.reports.run_summary import divergence_table
from execverify.utils.atomic import atomic_text, atomic_write

TABLE, CURVES, LEVELS = "table.md", "curves.svg", "levels.svg"
CURVE_TITLES = {
    "reward": "reward",
    "execverify/output": "output right",
    "execverify/next_statement": "next statements right",
    "execverify/variable_state": "states right",
    "execverify/input": "inputs right",
    "execverify/unit_test": "tests passed",
    "execverify/chain_true": "chain of thought true",
    "execverify/guessed": "right outputs by a wrong chain",
    "execverify/groups_alike": "groups without variance",
}
"""The metrics of a training's log that have a plot, with their titles."""

_WINDOW = 5  # steps of the running mean

Logs = Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]
"""By name of the condition: the lines of the training log of each seed."""


def write_pages(out: Path, results: Mapping[str, Any], conditions: Mapping[str, str], logs: Logs) -> None:
    """Writes the table and the plots into the folder of an ablation.

    Args:
        out: the folder.
        results: what its `results.json` holds.
        conditions: names and descriptions, in their order.
        logs: of the conditions that were trained with rewards.

    Raises:
        TrainingError: the files cannot be written.
    """
    try:
        atomic_text(out / TABLE, ablation_markdown(results, conditions))
        draw_curves(out / CURVES, logs)
        draw_levels(out / LEVELS, results["levels"])
    except OSError as error:
        raise TrainingError(f"{out} could not be written: {error.strerror or error}") from None


def ablation_markdown(results: Mapping[str, Any], conditions: Mapping[str, str]) -> str:
    """All scores, then the comparisons, then the time that each stage took. Arguments as in `write_pages`."""
    settings, seeds = results["settings"], results["seeds"]
    parts = [
        f"# Ablation: {settings['preset']['description']}",
        f"Seeds {', '.join(map(str, seeds))}; strict pass@1 in percent, mean [95% interval over seeds].",
        "\n".join(f"- **{name}**: {description}" for name, description in conditions.items()),
    ]
    for measure, tasks in results["scores"].items():
        parts += [f"## {measure.replace('-', ' ')}", _scores(tasks, results["baselines"][measure], conditions, len(seeds))]
        parts += divergence_table(results.get("divergences", {}).get(measure, {}), "condition")
    parts += [*_comparisons(results["comparisons"]), *_rollouts(results.get("rollouts", ())), *_times(results["stages"])]
    parts.append("\n".join(f"Made with: {json.dumps(environment)}" for environment in settings["with"]))
    return "\n\n".join(parts) + "\n"


def _scores(
    tasks: Mapping[str, Mapping[str, Any]], baselines: Mapping[str, float], conditions: Mapping[str, str], seeds: int
) -> str:
    measured = [name for name in conditions if any(name in scores for scores in tasks.values())]
    rows = [(name, *(_score(scores.get(name), seeds) for scores in tasks.values())) for name in measured]
    rows.append(("best constant answer", *(format_percent(baselines[task], 1) if task in baselines else "" for task in tasks)))
    return markdown_table(("condition", *tasks), rows, numbers=range(1, len(tasks) + 1))


def _score(score: Mapping[str, Any] | None, seeds: int) -> str:
    if score is None:
        return ""
    interval, n = score["interval"], len(score["seeds"])
    spread = f" [{interval[0]:.1f}, {interval[1]:.1f}]" if interval else ""
    return f"{score['mean']:.1f}{spread}" + (f" ({n} of {seeds} seeds)" if n < seeds else "")


def _comparisons(comparisons: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        (
            row["measure"], row["task"], row["condition"], row["against"], f"{row['difference']:+.2f}",
            ", ".join(f"{value:+.1f}" for value in row["by_seed"].values()),
            _range(row["seeds_interval"]), _p_value(row.get("p_holm")), _range(row["interval"]), _p_value(row["p_items_holm"]),
        )
        for row in comparisons
    ]  # fmt: skip
    head = ("measure", "task", "condition", "against", "points", "by seed", "95% over seeds", "p", "95% over items", "p")
    return [
        "## Comparisons",
        "In points. Over seeds: the mean difference of each seed, Student's paired t. Over items: each item's difference is its mean\n"
        "over the seeds; items are resampled, and the test is McNemar's. Both are corrected by Holm within a measure.",
        markdown_table(head, rows, numbers=(4, 7, 9)),
    ]


def _rollouts(rollouts: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rollouts:
        return []
    rows = [
        (
            row["metric"].replace("_", " "), row["condition"], row["against"], f"{row['score']:.1f}", f"{row['score_against']:.1f}",
            f"{row['difference']:+.2f}", _range(row["interval"]), ", ".join(f"{value:+.1f}" for value in row["by_seed"].values()),
            str(row["updates"]),
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
    return ["## Time", "Means over seeds.", markdown_table(("condition", "steps", "seconds"), rows, numbers=(1, 2))]


def _range(edges: Sequence[float] | None) -> str:
    return "" if edges is None else f"{edges[0]:+.1f} to {edges[1]:+.1f}"


def _p_value(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def draw_curves(path: Path, logs: Logs, window: int = _WINDOW) -> None:
    """Draws each metric by step: a line for each condition, the mean over seeds of a running mean over `window` lines of the log."""
    shown = [name for name in CURVE_TITLES if any(name in line for seeds in logs.values() for log in seeds for line in log)]
    if not shown:
        return
    figure, axes = _figure(len(shown))
    for axis, name in zip(axes, shown, strict=True):
        for color, (condition, seeds) in enumerate(logs.items()):
            steps: dict[int, list[float]] = {}
            for line in (line for log in seeds for line in log if line.get(name) is not None):
                steps.setdefault(line["step"], []).append(line[name])
            if steps:
                order = sorted(steps)
                axis.plot(order, _running_mean([_mean(steps[step]) for step in order], window), f"C{color}", label=condition)
        axis.set_title(CURVE_TITLES[name], fontsize=10)
        axis.set_xlabel("step")
    axes[0].legend(fontsize=8)
    _save(figure, path)


def _running_mean(values: Sequence[float], window: int) -> list[float]:
    return [_mean(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def draw_levels(path: Path, levels_of: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """Draws accuracy by level, a group of bars for each level, for each measure that has levels."""
    measures = {measure: levels for measure, levels in levels_of.items() if levels}
    if not measures:
        return
    figure, axes = _figure(len(measures))
    for axis, (measure, levels) in zip(axes, measures.items(), strict=True):
        names = list(next(iter(levels.values())))
        width = 1 / (len(names) + 1)
        for at, name in enumerate(names):
            places = [place + at * width for place in range(len(levels))]
            axis.bar(places, [scores.get(name, 0.0) for scores in levels.values()], width=width, label=name)
        axis.set_xticks([place + 0.4 for place in range(len(levels))], [f"level {level}" for level in levels])
        axis.set_title(measure.replace("-", " "), fontsize=10)
        axis.set_ylabel("right, %")
    axes[0].legend(fontsize=7)
    _save(figure, path)


def _figure(count: int) -> tuple[Any, list[Any]]:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "execverify"  # the same figures give the same file
    from matplotlib import pyplot

    columns = min(3, count)
    rows = -(-count // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(4.2 * columns, 3.1 * rows), squeeze=False)
    every = [axis for row in axes for axis in row]
    for axis in every[count:]:
        axis.set_visible(False)
    return figure, every[:count]


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    figure.tight_layout()
    with atomic_write(path) as file:
        figure.savefig(file, format=path.suffix.removeprefix("."), metadata={"Date": None})
    pyplot.close(figure)
