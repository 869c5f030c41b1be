"""Plots of trainings: each metric of the log by update, and accuracy by level; as an SVG file, and as parts of a page.

Matplotlib is imported when something is drawn (the extra [train]).
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from execverify.utils.atomic import atomic_write

if TYPE_CHECKING:
    from markupsafe import Markup

CURVE_TITLES = {
    "reward": "reward",
    "execverify/output": "outputs right",
    "execverify/next_statement": "next statements right",
    "execverify/variable_state": "states right",
    "execverify/input": "inputs right",
    "execverify/unit_test": "unit tests passed",
    "execverify/chain_true": "chains of thought true",
    "execverify/guessed": "right outputs by a wrong chain",
    "execverify/groups_alike": "groups without variance",
}
"""The metrics of RL in a training's log that have a plot, with their titles."""

SFT_TITLES = {"loss": "loss", "mean_token_accuracy": "tokens predicted right"}
"""The same of SFT."""

BASELINE = "best constant answer"

_NO_SHARES = ("reward", "loss")
"""The metrics that are not shown in percent."""

Logs = Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]
"""By name of the condition: the lines of the training log of each seed."""

_COLORS = ("#1f77b4", "#d95f02", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#a6a61d", "#17a2b8")
_DASHES = ("-", "--", ":", "-.")
_LEAST_WINDOW, _MOST_POINTS, _FEW_POINTS = 5, 400, 100


@dataclass(frozen=True)
class Panel:
    """One plot of a page.

    Attributes:
        title: what it shows.
        svg: the drawing; its colours are those of the page.
    """

    title: str
    svg: "Markup"


@dataclass(frozen=True)
class Curves:
    """Plots of a page with one legend.

    Attributes:
        panels: a plot a metric.
        legend: for each line, its label, the number of its colour (-1: the baseline), and whether it is dashed.
        window: lines of the log in the running mean.
        seeds: most seeds of a line; bands are drawn where there are two or more.
        points: whether the single lines of the log are drawn as light points.
    """

    panels: tuple[Panel, ...]
    legend: tuple[tuple[str, int, bool], ...]
    window: int
    seeds: int
    points: bool


@dataclass(frozen=True)
class Curve:
    """The mean of a metric over seeds, by update, with the lowest and the highest seed."""

    steps: tuple[int, ...]
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]


def curve_of(name: str, seeds: Sequence[Sequence[Mapping[str, Any]]], window: int) -> Curve:
    """A metric of the logs of several seeds, each smoothed by a running mean over `window` lines, at no more than 400 updates."""
    by_step: dict[int, list[float]] = {}
    for log in seeds:
        lines = [line for line in log if line.get(name) is not None]
        smooth = _running_mean([line[name] for line in lines], window)
        full = window - 1 if len(lines) > 2 * window else 0  # of a long log, means of few lines are noise
        for line, value in zip(lines[full:], smooth[full:], strict=True):
            by_step.setdefault(line["step"], []).append(value)
    order = sorted(by_step)
    stride = -(-len(order) // _MOST_POINTS) or 1
    shown = order[::-1][::stride][::-1]  # the last update is always there
    values = [by_step[step] for step in shown]
    return Curve(tuple(shown), tuple(map(_mean, values)), tuple(map(min, values)), tuple(map(max, values)))


def draw_curves(path: Path, logs: Logs, window: int | None = None, baselines: Mapping[str, float] | None = None) -> None:
    """Draws each metric by update into one SVG file: a line a condition, a band from the lowest to the highest seed, one legend.

    Args:
        path: the file; nothing is written where no metric was logged.
        logs: of the conditions.
        window: lines of the log in the running mean; by default 4% of the longest log, and 5 at least.
        baselines: by metric, where a horizontal line is drawn.
    """
    shown, window = _metrics(logs, CURVE_TITLES), window or _window(logs)
    if not shown:
        return
    figure, axes = _figure(len(shown))
    for axis, name in zip(axes, shown, strict=True):
        _draw_metric(axis, name, logs, window, (baselines or {}).get(name))
        axis.set_title(CURVE_TITLES[name], fontsize=10)
    _one_legend(figure, axes)
    _save(figure, path)


def curves_of(
    logs: Logs,
    titles: Mapping[str, str] = CURVE_TITLES,
    baselines: Mapping[str, float] | None = None,
    window: int | None = None,
) -> Curves | None:
    """The same for a page: a plot a metric, and what its legend says. None where no metric was logged."""
    shown, window, baselines = _metrics(logs, titles), window or _window(logs), baselines or {}
    if not shown:
        return None
    panels = []
    for name in shown:
        figure, (axis,) = _figure(1, for_page=True)
        _draw_metric(axis, name, logs, window, baselines.get(name))
        panels.append(Panel(titles[name], _inline(figure, _description(titles[name], name, logs, window))))
    lines = [(name, number % len(_COLORS), number >= len(_COLORS)) for number, name in enumerate(logs)]
    lines += [(BASELINE, -1, True)] if any(name in baselines for name in shown) else []
    seeds = max(sum(map(bool, seeds)) for seeds in logs.values())
    return Curves(tuple(panels), tuple(lines), window, seeds, _shows_points(logs, window))


def sft_window(log: Sequence[Mapping[str, Any]]) -> int:
    """Lines in the running mean of SFT: whole periods of the order in which batches come.

    The engine sorts every 50 batches by length (fewer where an epoch has under 200), the longest first, so that the loss falls and
    jumps back with this period.
    """
    epochs = log[-1].get("epoch", 0) if log else 0
    period = min(50, int(len(log) / epochs / 4)) if epochs else 0
    return max(_LEAST_WINDOW, _window({"": [log]}) if period < 1 else period * -(-_window({"": [log]}) // period))


def curve_baselines(baselines: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """By metric of the log: what the best constant answer scores on held-out rows, as a share.

    Args:
        baselines: by evaluation and task, in percent; the rows of the first evaluation that has the task count.
    """
    found: dict[str, float] = {}
    for tasks in baselines.values():
        for task, percent in tasks.items():
            if f"execverify/{task}" in CURVE_TITLES:
                found.setdefault(f"execverify/{task}", percent / 100)
    return found


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
            heights = [scores.get(name, 0.0) for scores in levels.values()]
            axis.bar(places, heights, width=width, color=_COLORS[at % len(_COLORS)], label=name)
        axis.set_xticks([place + 0.4 for place in range(len(levels))], [f"level {level}" for level in levels])
        axis.set_title(measure.replace("-", " "), fontsize=10)
        axis.set_ylabel("right, %")
    _one_legend(figure, axes)
    _save(figure, path)


# ------------------------------------------------------------------------------------------------------------- drawing


def _metrics(logs: Logs, titles: Mapping[str, str]) -> list[str]:
    known = {name for seeds in logs.values() for log in seeds for line in log for name in line if line[name] is not None}
    return [name for name in titles if name in known]


def _window(logs: Logs) -> int:
    longest = max((len(log) for seeds in logs.values() for log in seeds), default=0)
    return max(_LEAST_WINDOW, longest // 25)


def _shows_points(logs: Logs, window: int) -> bool:
    """Whether the single lines of the log are drawn: those of several logs would hide each other."""
    return window > 1 and sum(bool(log) for seeds in logs.values() for log in seeds) == 1


def _running_mean(values: Sequence[float], window: int) -> list[float]:
    return [_mean(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _draw_metric(axis: Any, name: str, logs: Logs, window: int, baseline: float | None) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    for number, (condition, seeds) in enumerate(logs.items()):
        curve = curve_of(name, seeds, window)
        if not curve.steps:
            continue
        color, dash = _COLORS[number % len(_COLORS)], _DASHES[number // len(_COLORS) % len(_DASHES)]
        if _shows_points(logs, window):
            raw = curve_of(name, seeds, 1)
            size = 4 if len(raw.steps) > _FEW_POINTS else 8
            axis.plot(raw.steps, raw.means, ".", color=color, alpha=0.4, markersize=size, markeredgewidth=0)
        single = "." if len(curve.steps) == 1 else ""
        axis.plot(curve.steps, curve.means, dash, color=color, label=condition, marker=single, linewidth=1.4)
        if curve.lows != curve.highs:
            axis.fill_between(curve.steps, curve.lows, curve.highs, color=color, alpha=0.18, linewidth=0)
    if name not in _NO_SHARES:
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
    if axis.dataLim.height == 0 and 0 <= axis.dataLim.y0 <= 1:
        axis.set_ylim(-0.02, 1.02)  # a share that never changed
    if baseline is not None:
        axis.axhline(baseline, linestyle="--", color="black", linewidth=0.9, label=BASELINE)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axis.set_xlabel("update")


def _figure(count: int, for_page: bool = False) -> tuple[Any, list[Any]]:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "execverify"  # the same figures give the same file
    matplotlib.rcParams["svg.fonttype"] = "none" if for_page else "path"
    from matplotlib import pyplot

    columns = min(3, count)
    rows = -(-count // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(4.2 * columns, (2.5 if for_page else 3.1) * rows), squeeze=False, layout="constrained"
    )
    every = [axis for row in axes for axis in row]
    for axis in every:
        axis.spines[["top", "right"]].set_visible(False)
    for axis in every[count:]:
        axis.set_visible(False)
    return figure, every[:count]


def _one_legend(figure: Any, axes: Sequence[Any]) -> None:
    """One legend for all plots, below them."""
    lines: dict[str, Any] = {}
    for axis in axes:
        for line, label in zip(*axis.get_legend_handles_labels(), strict=True):
            lines.setdefault(label, line)
    columns = max(1, min(len(lines), 2 * len(axes), 6))
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=columns, fontsize=8, frameon=False)


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    with atomic_write(path) as file:
        figure.savefig(file, format=path.suffix.removeprefix("."), metadata={"Date": None})
    pyplot.close(figure)


def _description(title: str, name: str, logs: Logs, window: int) -> str:
    """What a screen reader says of a plot: the first and the last value of each line."""
    ends = []
    for condition, seeds in logs.items():
        curve = curve_of(name, seeds, window)
        if curve.steps:
            ends.append(f"{condition} from {curve.means[0]:.3g} to {curve.means[-1]:.3g} at update {curve.steps[-1]}")
    return f"{title}: {'; '.join(ends)}"


def _inline(figure: Any, label: str) -> "Markup":
    """A figure as SVG within HTML: no names and styles that others of the page would meet, and colours that the page sets."""
    from markupsafe import Markup, escape
    from matplotlib import pyplot

    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    pyplot.close(figure)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[\w.]+_\d+"', "", svg)
    view = re.search(r'viewBox="[^"]*"', svg)
    start = Markup('<svg role="img" aria-label="{}" {}>').format(escape(label), Markup(view[0] if view else ""))
    svg = svg[svg.index(">") + 1 :].replace("#000000", "currentColor")
    for number, color in enumerate(_COLORS):
        svg = svg.replace(color, f"var(--c{number})")
    return start + Markup(re.sub(r"\n\s*", "\n", svg))
