"""The page of a run of a benchmark: scores, slices, and a browser of the items."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from execverify.evaluation.program_features import order_of
from execverify.evaluation.run import Evaluation
from execverify.reports.evaluation_chains import chain_groups, faithfulness_figures
from execverify.reports.evaluation_items import items_as_data
from execverify.reports.legend import shown
from execverify.reports.markdown import format_count, format_interval, format_percent
from execverify.reports.render import render
from execverify.reports.run_summary import (
    BOTH,
    count_figures,
    figure_text,
    incomplete,
    pass_cells,
    pass_columns,
    percent_figures,
    program_count,
    rules_of,
    run_summary,
    tasks_of,
    verdicts_of,
)
from execverify.utils.messages import count_phrase, noun_for

Results = Mapping[str, Any]
_RULES = {"official": "by the authors' rule", "strict": "strictly"}


def evaluation_page(evaluation: Evaluation) -> str:
    """The page as HTML.

    Raises:
        ExecVerifyError: Jinja2 is not installed.
    """
    results = evaluation.results
    metrics, counts = percent_figures(results), count_figures(results)
    return render(
        "evaluation.html.j2",
        script="items.js",
        title=f"{results['benchmark']}: {results['model']['name']}",
        tiles=list(_tiles(results)),
        incomplete=incomplete(results),
        summary=run_summary(results),
        rules=rules_of(results),
        numbers=pass_columns(results),
        scores=list(_scores(results)),
        verdicts=verdicts_of(results),
        baselines=results["baselines"]["answers"],
        tasks=list(dict.fromkeys(task for scores in results["baselines"]["answers"].values() for task in scores["official"])),
        metrics=[(name.replace("_", " "), figure_text(value)) for name, value in metrics.items() if not _is_nested(value)],
        counts=[(name.replace("_", " "), value) for name, value in counts.items()],
        metric_tables=[_metric_table(name, value) for name, value in metrics.items() if _is_nested(value)],
        slices=_slices(results),
        faithfulness=list(faithfulness_figures(results)) if "faithfulness" in results else [],
        divergences=results.get("faithfulness", {}).get("first_divergences", {}),
        chain_groups=chain_groups(evaluation.records),
        origin=_origin(results),
        data={**items_as_data(evaluation.records, evaluation.prompts), "one_rule": bool(results.get("one_rule"))},
    )


def _tiles(results: Results) -> Iterator[tuple[str, str]]:
    """The figures that a reader wants first."""
    for verdict, label in verdicts_of(results):
        score = results[verdict]
        interval = format_interval(score.get("interval"))
        how = "" if label == BOTH else f" {_RULES[verdict]}"
        yield f"{format_percent(score.get('pass_at_1'))}%", f"pass@1{how}; 95% interval {interval}"
    for verdict, label in verdicts_of(results):
        best = results["baselines"]["best"].get(verdict, {}).get("all")
        how = "" if label == BOTH else f" {_RULES[verdict]}"
        if best is not None:
            yield f"{format_percent(best['pass_at_1'])}%", f"baseline{how}: the constant answer {best['answer'] or '(empty)'}"
    if "faithfulness" in results:
        figures = results["faithfulness"]["figures"]
        yield f"{format_percent(figures['chain_true']['percent'])}%", "whole chain of thought true"
        yield f"{format_percent(figures['guessed']['percent'])}%", "of right outputs follow a chain that is not true (guess rate)"
    yield (
        format_count(results["items"]),
        f"{noun_for(results['items'], 'item')}, {count_phrase(results['completions'], 'completion')}",
    )
    if not results.get("one_rule"):
        differing = results["disagreements"]["count"]
        yield format_count(differing), f"{noun_for(differing, 'item')} on which the two verdicts differ"


@dataclass(frozen=True)
class ScoreRow:
    """A score by one verdict on one task: its numbers as text (`pass_columns`), and what its bar shows, in percent."""

    label: str
    cells: list[str]
    value: float | None
    interval: Sequence[float] | None
    baseline: Mapping[str, Any] | None
    programs: str
    parts: str


def _scores(results: Results) -> Iterator[ScoreRow]:
    columns = pass_columns(results)
    for verdict, label in verdicts_of(results):
        for task, score in tasks_of(results[verdict]):
            yield ScoreRow(
                f"{label}: {shown(task)}",
                pass_cells(score, columns),
                score.get("pass_at_1"),
                score.get("interval"),
                results["baselines"]["best"].get(verdict, {}).get(task),
                program_count(score),
                str(score["parts"]),
            )


@dataclass(frozen=True)
class MetricTable:
    """Figures of a benchmark that have rows and columns."""

    caption: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]


def _metric_table(name: str, value: Mapping[str, Mapping[str, Any]]) -> MetricTable:
    columns = tuple(dict.fromkeys(key for inner in value.values() for key in inner))
    rows = {
        row.replace("_", " "): tuple(figure_text(inner.get(column, "")) for column in columns) for row, inner in value.items()
    }
    return MetricTable(name.replace("_", " "), columns, rows)


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(inner, Mapping) for inner in value.values())


@dataclass(frozen=True)
class SliceTable:
    """The scores by one property: a row a value, a column a task.

    Attributes:
        property: its name.
        tasks: the columns.
        rows: by value, the slice of each task; None where it has fewer than five parts.
    """

    property: str
    tasks: tuple[str, ...]
    rows: Mapping[str, tuple[Mapping[str, Any] | None, ...]]


def _slices(results: Results) -> list[SliceTable]:
    """A table a property; properties with one value say nothing, and are left out."""
    tables = []
    for name in dict.fromkeys(row["property"] for row in results["slices"]):
        its = [row for row in results["slices"] if row["property"] == name]
        tasks, values = (tuple(dict.fromkeys(row[of] for row in its)) for of in ("task", "value"))
        known = {(row["value"], row["task"]): {**row, "strict": row.get("strict", row["official"])} for row in its}
        if len(values) > 1:
            ordered = sorted(values, key=order_of)
            tables.append(
                SliceTable(name, tasks, {value: tuple(known.get((value, task)) for task in tasks) for value in ordered})
            )
    return tables


def _origin(results: Results) -> list[tuple[str, str]]:
    data, model = results["data"], results["model"]
    settings = {**results["sampling"], **model["settings"]}
    return [
        ("model", model["name"]),
        ("style", results["style"]),
        ("prompts", results["prompts"]),
        ("data", f"{data['file']} {data['sha256'] or ''}" if data["file"] else "the benchmark's own"),
        ("seed", str(results["seed"])),
        ("items", "all" if results["limit"] is None else f"the first {results['limit']}"),
        ("execverify", results["execverify"]),
        ("Python", results["python"]),
        *((name, json.dumps(value)) for name, value in settings.items()),
    ]
