"""The table of a training: what was measured before, between and after the stages, beside the best constant answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from execverify.errors import TrainingError
from execverify.evaluation.run import RESULTS
from execverify.evaluation.run_dir import read_results
from execverify.training.checkpoints import finished
from execverify.training.config import STAGES, Preset
from execverify.training.stage_evaluation import strict_scores
from execverify.utils.atomic import atomic_text

REPORT = "report.md"


def write_report(out: Path, preset: Preset) -> None:
    """Writes OUT/report.md from what is in the folder.

    Raises:
        TrainingError: it cannot be written.
    """
    text = report_markdown(out, preset)
    try:
        atomic_text(out / REPORT, text, errors="backslashreplace")
    except OSError as error:
        raise TrainingError(f"{out / REPORT} could not be written: {error.strerror}") from None


def report_markdown(out: Path, preset: Preset) -> str:
    """A table for each thing that was measured, and one of the stages."""
    lines = [f"# {preset.description or 'Training'}", ""]
    lines += ["Strict pass@1 in percent, greedy, with 95% intervals; `floor` is the best constant answer on the same items.", ""]
    models = [name for name in ("base", *STAGES) if (out / "evaluations" / name).is_dir()]
    measures = sorted({path.parent.name for name in models for path in (out / "evaluations" / name).glob(f"*/{RESULTS}")})
    for one in measures:
        found = {name: read_results(out / "evaluations" / name / one) for name in models if _is_there(out, name, one)}
        lines += [f"## {one.replace('-', ' ')}", "", *table_of(found), ""]
    lines += ["## Stages", "", "| stage | rows | steps | seconds |", "|---|---:|---:|---:|"]
    for stage in STAGES:
        told = finished(out / stage)
        if told:
            lines.append(f"| {stage} | {told['kept']} | {told['steps']} | {told['seconds']:.0f} |")
    return "\n".join(lines) + "\n"


def _is_there(out: Path, name: str, one: str) -> bool:
    return (out / "evaluations" / name / one / RESULTS).exists()


def table_of(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A Markdown table: a row for each model, a column for each task, and the floors."""
    first = next(iter(found.values()))
    tasks = [task for task, _, _ in strict_scores(first)]
    lines = [f"| model | {' | '.join(tasks)} |", f"|---|{'---:|' * len(tasks)}"]
    for name, results in found.items():
        strict = results["strict"]
        cells = []
        for task in tasks:
            score = (strict.get("by_task") or {"all": strict})[task]
            low, high = score["interval"]
            cells.append(f"{score['pass_at_1']:.1f} [{low:.1f}, {high:.1f}]")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    floors = " | ".join(f"{floor:.1f}" for _, _, floor in strict_scores(first))
    return [*lines, f"| floor | {floors} |"]
