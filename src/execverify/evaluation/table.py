"""The Markdown table of a run: a score with its interval and its floor, ready to be pasted."""

from collections.abc import Mapping, Sequence
from typing import Any

from execverify.utils.messages import count_phrase

Results = Mapping[str, Any]


def markdown(results: Results) -> str:
    """The scores of a run as a Markdown table, with a line on how they were made."""
    ks = [key for key in results["official"] if key.startswith("pass_at_")]
    several = "by_task" in results["official"]
    head = [
        "verdict",
        *(["task"] if several else []),
        *(key.replace("_at_", "@") for key in ks),
        "95% interval",
        "floor",
        "parts",
    ]
    rows = []
    for name in ("official", "strict"):
        for task, score in tasks_of(results[name]):
            cells = [name, *([task] if several else [])]
            cells += [format_percent(score.get(key)) for key in ks]
            cells += [format_interval(score.get("interval")), best_baseline(results, name, task), str(score.get("parts", ""))]
            rows.append(cells)
    title = f"**{results['benchmark']}**, {results['model']['name']}"
    return "\n\n".join([title, table(head, rows), run_summary(results)]) + "\n"


def tasks_of(score: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """A score, and the score of each task where there are several."""
    return [("all", score), *score.get("by_task", {}).items()]


def best_baseline(results: Results, verdict: str, task: str) -> str:
    """The best constant answer: its score, and what it says."""
    best = results["baselines"]["best"].get(verdict, {}).get(task)
    return "" if best is None else f"{format_percent(best['pass_at_1'])} (`{best['answer'] or ' '}`)"


def run_summary(results: Results) -> str:
    """One line with what the figures depend on."""
    sampling = results["sampling"]
    drawn = f"n={sampling.get('n')}"
    drawn += "".join(
        f", {name.replace('_', '-')}={sampling[name]}"
        for name in ("temperature", "top_p", "seed", "max_tokens")
        if name in sampling
    )
    if results["truncated"]:
        drawn += f", {results['cut_off']} of {count_phrase(results['completions'], 'completion')} cut off"
    data = results["data"]
    told = f", {data['file']} {data['sha256'][:12]}" if data["file"] else ""
    limit = f", the first {results['limit']}" if results["limit"] else ""
    failed = results["failures"]["not_generated"] + results["failures"]["not_judged"]
    lost = (
        f"; NOT COMPLETE: {count_phrase(failed, 'item or sample', 'items or samples')} failed on our side, and left out"
        if failed
        else ""
    )
    method = results["official"].get("interval_method", "")
    return (
        f"{count_phrase(results['items'], 'item')}{limit}{told}; style {results['style']}, {drawn}; intervals: {method}; "
        f"floor: the best constant answer on the same items; execverify {results['execverify']}, Python {results['python']}{lost}"
    )


def format_percent(number: float | None) -> str:
    """A share in percent."""
    return "-" if number is None else f"{number:.2f}"


def format_interval(edges: Sequence[float] | None) -> str:
    """An interval."""
    return "-" if edges is None else f"{edges[0]:.1f} to {edges[1]:.1f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are set right where they hold numbers."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
