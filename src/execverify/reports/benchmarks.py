"""Several benchmarks of one model: one table and one page, beside the folders of the single evaluations.

OUT/NAME/         the folder of each benchmark's evaluation
OUT/summary.md, OUT/summary.html
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError
from execverify.reports.evaluation import REPORT
from execverify.reports.legend import shown
from execverify.reports.markdown import format_count, format_interval, format_percent, markdown_table
from execverify.reports.render import render
from execverify.reports.run_summary import best_baseline, program_count, rules_of, run_summary, tasks_of, verdicts_of
from execverify.utils.atomic import atomic_text
from execverify.utils.messages import count_phrase

TABLE, PAGE = "summary.md", "summary.html"
HEAD = ("benchmark", "task", "verdict", "pass@1", "95% interval", "best constant answer", "programs", "parts")


def write_summary(folder: Path, runs: Sequence[Mapping[str, Any]]) -> None:
    """Writes the table and the page, each whole or not at all.

    Args:
        folder: holds the folder of each evaluation under its benchmark's name.
        runs: the results of each.

    Raises:
        EvaluationError: the folder cannot be written.
        ExecVerifyError: Jinja2 is not installed.
    """
    for name, text in {TABLE: summary_markdown(runs), PAGE: summary_page(runs)}.items():
        try:
            atomic_text(folder / name, text, errors="backslashreplace")
        except OSError as error:
            raise EvaluationError(f"{folder / name} could not be written: {error.strerror or error}") from None


def summary_rows(runs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str, str, Mapping[str, Any]]]:
    """Each score of the table: the run's results, the task, the label of the verdict, the score.

    A score has besides: "baseline", the best constant answer as text; "mark", its score in percent or None; "programs", as text.
    """
    for results in runs:
        for verdict, label in verdicts_of(results):
            for task, score in tasks_of(results[verdict]):
                best = results["baselines"]["best"].get(verdict, {}).get(task)
                more = {"baseline": best_baseline(results, verdict, task), "mark": best and best["pass_at_1"]}
                yield results, task, label, {**score, **more, "programs": program_count(score)}


def summary_cells(runs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The rows of the table under `HEAD`."""
    return [
        [
            results["benchmark"],
            shown(task),
            label,
            format_percent(score.get("pass_at_1")),
            format_interval(score.get("interval")),
            score["baseline"],
            score["programs"],
            format_count(score["parts"]),
        ]
        for results, task, label, score in summary_rows(runs)
    ]


def interval_note(runs: Sequence[Mapping[str, Any]]) -> str:
    """One line below the table: how its intervals are made, each method with the scores that have it."""
    methods: dict[str, dict[str, list[str]]] = {}
    tasks: dict[str, set[str]] = {}
    for results, task, _, score in summary_rows(runs):
        own = methods.setdefault(str(score.get("interval_method", "")), {}).setdefault(results["benchmark"], [])
        own.append(shown(task))
        tasks.setdefault(results["benchmark"], set()).add(shown(task))
    texts = []
    for method, benchmarks in methods.items():
        names = (
            name if set(own) == tasks[name] else f"{name} ({', '.join(dict.fromkeys(own))})" for name, own in benchmarks.items()
        )
        texts.append(f"{', '.join(names)}: {method}")
    return f"Intervals are over programs, because answers about one program are alike. Methods: {'; '.join(texts)}."


def summary_markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """The scores of several benchmarks as one Markdown table."""
    notes = [
        "\n".join(
            [f"{results['benchmark']}: {run_summary(results)}", *(f"- {label}: {rule}" for label, rule in rules_of(results))]
        )
        for results in runs
    ]
    parts = [f"**{runs[0]['model']['name']}**", markdown_table(HEAD, summary_cells(runs)), interval_note(runs), *notes]
    return "\n\n".join(parts) + "\n"


def summary_page(runs: Sequence[Mapping[str, Any]]) -> str:
    """The page as HTML."""
    return render(
        "benchmarks.html.j2",
        title=f"{runs[0]['model']['name']}: {count_phrase(len(runs), 'benchmark')}",
        rows=list(summary_rows(runs)),
        note=interval_note(runs),
        runs=[
            (results["benchmark"], f"{results['benchmark']}/{REPORT}", run_summary(results), rules_of(results))
            for results in runs
        ],
    )
