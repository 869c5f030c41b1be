"""What an experiment leaves for readers: a table in Markdown, reward curves, and accuracy by level."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.training.ablation.conditions import Condition
from execverify.training.checkpoints import ZERO_VARIANCE, read_log
from execverify.utils.atomic import atomic_text, atomic_write

TABLE, CURVES, LEVELS = "table.md", "curves.svg", "levels.svg"
_PARTS = {
    "reward": "reward",
    "execverify/output": "output right",
    "execverify/next_statement": "next statements right",
    "execverify/variable_state": "states right",
    "execverify/input": "inputs right",
    "execverify/unit_test": "tests passed",
    ZERO_VARIANCE: "groups without variance",
}
_SMOOTH = 5


def write_pages(out: Path, results: Mapping[str, Any], arms: Sequence[Condition]) -> None:
    """Writes table and plots into the experiment's folder.

    Raises:
        TrainingError: they cannot be written.
    """
    try:
        atomic_text(out / TABLE, table_markdown(results, arms))
        draw_curves(out, results["seeds"], [arm.name for arm in arms if arm.stage in ("rl_whitebox", "rl_unit_tests")])
        draw_levels(out, results)
    except OSError as error:
        raise TrainingError(f"{out} could not be written: {error.strerror or error}") from None


def table_markdown(results: Mapping[str, Any], arms: Sequence[Condition]) -> str:
    """All scores, then the comparisons, then what each stage took."""
    told = results["settings"]
    seeds = ", ".join(str(seed) for seed in results["seeds"])
    lines = [
        f"# Ablation: {told['preset']['description']}",
        "",
        f"Seeds {seeds}; strict pass@1 in percent, mean [95% interval over seeds].",
        "",
    ]
    lines += [f"- **{arm.name}**: {arm.description}" for arm in arms] + [""]
    for measure, tasks in results["scores"].items():
        lines += [f"## {measure.replace('-', ' ')}", "", f"| arm | {' | '.join(tasks)} |", f"|---|{'---:|' * len(tasks)}"]
        for arm in arms:
            if any(arm.name in cells for cells in tasks.values()):
                cells_of = (_cell(cells.get(arm.name), len(results["seeds"])) for cells in tasks.values())
                lines.append(f"| {arm.name} | {' | '.join(cells_of)} |")
        floors = results["baselines"][measure]
        lines += [f"| best constant answer | {' | '.join(_number(floors.get(task)) for task in tasks)} |", ""]
    lines += [*_comparisons(results["comparisons"]), "", *_times(results["stages"]), ""]
    lines += [f"Made with: {json.dumps(with_)}" for with_ in told["with"]]
    return "\n".join([*lines, ""])


def _comparisons(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "## Comparisons",
        "",
        "Points. Over seeds: the mean difference of each seed, Student's paired t. Over items: each item's difference is its mean over",
        "the seeds; items drawn anew, McNemar's test. Both corrected by Holm within a measure.",
        "",
        "| measure | task | arm | against | points | by seed | 95% over seeds | p | 95% over items | p |",
        "|---|---|---|---|---:|---|---|---:|---|---:|",
    ]
    for row in rows:
        by_seed = ", ".join(f"{value:+.1f}" for value in row["by_seed"].values())
        lines.append(
            f"| {row['measure']} | {row['task']} | {row['condition']} | {row['against']} | {row['difference']:+.2f} | {by_seed} "
            f"| {_range(row['seeds_interval'])} | {_chance(row.get('p_holm'))} "
            f"| {_range(row['interval'])} | {_chance(row['p_items_holm'])} |"
        )
    return lines


def _times(stages: Mapping[str, Sequence[Mapping[str, Any] | None]]) -> list[str]:
    lines = ["## Time", "", "Means over seeds.", "", "| arm | steps | seconds |", "|---|---:|---:|"]
    for name, every in stages.items():
        done = [stage for stage in every if stage]
        if done:
            steps, seconds = (sum(stage[figure] for stage in done) / len(done) for figure in ("steps", "seconds"))
            lines.append(f"| {name} | {steps:.0f} | {seconds:.0f} |")
    return lines


def _range(edges: Sequence[float] | None) -> str:
    return "" if edges is None else f"{edges[0]:+.1f} to {edges[1]:+.1f}"


def _chance(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _cell(told: Mapping[str, Any] | None, seeds: int) -> str:
    if told is None:
        return ""
    interval, n = told["interval"], len(told["seeds"])
    spread = f" [{interval[0]:.1f}, {interval[1]:.1f}]" if interval else ""
    return f"{told['mean']:.1f}{spread}" + (f" ({n} of {seeds} seeds)" if n < seeds else "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def draw_curves(out: Path, seeds: Sequence[int], arms: Sequence[str]) -> None:
    """Each part's reward by step, one line an arm, the mean over seeds of a running mean."""
    curves = {arm: list(_lines(out, seeds, arm)) for arm in arms}
    shown = [name for name in _PARTS if any(name in line for lines in curves.values() for _, line in lines)]
    if not shown:
        return
    figure, axes = _figure(len(shown))
    for axis, name in zip(axes, shown, strict=True):
        for color, (arm, lines) in enumerate(curves.items()):
            steps: dict[int, list[float]] = {}
            for step, line in lines:
                if line.get(name) is not None:
                    steps.setdefault(step, []).append(line[name])
            if steps:
                order = sorted(steps)
                axis.plot(order, _smoothed([sum(steps[step]) / len(steps[step]) for step in order]), f"C{color}", label=arm)
        axis.set_title(_PARTS[name], fontsize=10)
        axis.set_xlabel("step")
    axes[0].legend(fontsize=8)
    _save(figure, out / CURVES)


def _lines(out: Path, seeds: Sequence[int], arm: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for seed in seeds:
        for line in read_log(out / f"seed-{seed}" / arm):
            yield line["step"], line


def _smoothed(values: Sequence[float]) -> list[float]:
    return [
        sum(values[max(0, i - _SMOOTH + 1) : i + 1]) / len(values[max(0, i - _SMOOTH + 1) : i + 1]) for i in range(len(values))
    ]


def draw_levels(out: Path, results: Mapping[str, Any]) -> None:
    """Accuracy by level, a group of bars for each level, for each measure that has levels."""
    measures = {name: levels for name, levels in results["levels"].items() if levels}
    if not measures:
        return
    figure, axes = _figure(len(measures))
    for axis, (measure, levels) in zip(axes, measures.items(), strict=True):
        names = list(next(iter(levels.values())))
        for at, arm in enumerate(names):
            places = [place + at / (len(names) + 1) for place in range(len(levels))]
            axis.bar(places, [told.get(arm, 0.0) for told in levels.values()], width=1 / (len(names) + 1), label=arm)
        axis.set_xticks([place + 0.4 for place in range(len(levels))], [f"level {level}" for level in levels])
        axis.set_title(measure.replace("-", " "), fontsize=10)
        axis.set_ylabel("right, %")
    axes[0].legend(fontsize=7)
    _save(figure, out / LEVELS)


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
