"""The files that a run of a benchmark leaves for readers, and its scores as Markdown."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError
from execverify.evaluation.run import Evaluation
from execverify.evaluation.run_dir import GENERATIONS, RESULTS
from execverify.reports.evaluation_page import evaluation_page
from execverify.reports.legend import shown
from execverify.reports.markdown import format_interval, format_percent, markdown_table
from execverify.reports.run_items import ITEMS, run_items_text
from execverify.reports.run_summary import (
    BOTH,
    best_baseline,
    faithfulness_summary,
    pass_cells,
    pass_columns,
    program_count,
    run_summary,
    tasks_of,
    verdicts_of,
)
from execverify.utils.atomic import atomic_text

TABLE, REPORT = "table.md", "report.html"
RUN_FILES = (GENERATIONS, RESULTS, ITEMS, TABLE, REPORT)
"""The files of a run's folder."""


def write_run(folder: Path, evaluation: Evaluation) -> None:
    """Writes results, table and page of a run into a folder, each file whole or not at all.

    Args:
        folder: made where it does not exist.
        evaluation: the run.

    Raises:
        EvaluationError: the folder cannot be written.
        ExecVerifyError: Jinja2 is not installed.
    """
    texts = {
        RESULTS: json.dumps(evaluation.results, indent=1) + "\n",
        ITEMS: run_items_text(evaluation),
        TABLE: results_markdown(evaluation.results),
        REPORT: evaluation_page(evaluation),
    }
    for name, text in texts.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            atomic_text(folder / name, text, errors="backslashreplace")
        except OSError as error:
            raise EvaluationError(f"{folder / name} could not be written: {error.strerror or error}") from None


def results_markdown(results: Mapping[str, Any]) -> str:
    """The scores of a run as a Markdown table, and a line with what they depend on."""
    columns = pass_columns(results)
    task_column = ["task"] if "by_task" in results["official"] else []
    head = ["verdict", *task_column, *columns, "baseline", "programs", "parts"]
    rows = [
        [
            label,
            *([shown(task)] if task_column else []),
            *pass_cells(score, columns),
            best_baseline(results, verdict, task),
            program_count(score),
            str(score["parts"]),
        ]
        for verdict, label in verdicts_of(results)
        for task, score in tasks_of(results[verdict])
    ]
    title = f"**{results['benchmark']}**, {results['model']['name']}"
    texts = [title, markdown_table(head, rows), faithfulness_summary(results), run_summary(results)]
    return "\n\n".join(filter(None, texts)) + "\n"


def shown_comparisons(comparison: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of a comparison that a table shows: of one verdict where both are the same by definition."""
    return [each for each in comparison["comparisons"] if each["verdict"] == "official" or not comparison["one_rule"]]


def comparison_markdown(comparison: Mapping[str, Any]) -> str:
    """What `evaluation.compare.compare` found, as Markdown."""
    runs = [
        [
            run["run"],
            run["model"],
            run["style"],
            str(run["sampling"].get("n")),
            str(run["items"]),
            *map(format_percent, (run["official"], run["strict"])),
        ]
        for run in comparison["runs"]
    ]
    rows = [
        [
            each["run"], BOTH if comparison["one_rule"] else each["verdict"], shown(each["task"]),
            format_percent(each["first_score"]), format_percent(each["score"]), f"{each['difference']:+.2f}",
            format_interval(each["interval"], signed=True), f"{each['better']} / {each['worse']}",
            each["test"], f"{each['p']:g}", f"{each['p_holm']:g}",
            str(each["items"]), str(each["programs"]),
        ]
        for each in shown_comparisons(comparison)
    ]  # fmt: skip
    head = (
        "run", "verdict", "task", "first", "score", "points", "95% interval", "better / worse", "test", "p", "p (Holm)", "items",
        "programs",
    )  # fmt: skip
    parts = [
        f"**{comparison['benchmark']}**: runs, each with the scores of all its items",
        markdown_table(("run", "model", "style", "n", "items", "official", "strict"), runs),
        f"Against {comparison['against']}, the first, on the items of both (better / worse: programs):",
        markdown_table(head, rows),
    ]
    return "\n\n".join(parts) + "\n"
