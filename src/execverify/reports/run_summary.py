"""The parts of a run's results that its table, its page and the command line show alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from execverify.reports.markdown import format_count, format_interval, format_percent, format_score, markdown_table
from execverify.utils.messages import count_phrase, noun_for

INTERVAL = "95% interval"
VERDICTS = ("official", "strict")
_END = "; end is after the run"
BOTH = "official and strict"
"""The label of a score whose two verdicts are the same by definition."""


def verdicts_of(results: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The verdicts that a table shows, each with its label: one where both are the same by definition."""
    return (("official", BOTH),) if results.get("one_rule") else tuple((name, name) for name in VERDICTS)


def rules_of(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The rule of each verdict that a table shows, by its label."""
    return [(label, results["rule"][verdict]) for verdict, label in verdicts_of(results)]


def tasks_of(score: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """A score as "all", then the score of each task where there are several, then the benchmark's own scores."""
    own = {
        name: {**each, "pass_at_1": each["percent"], "parts": each["count"]} for name, each in score.get("own_scores", {}).items()
    }
    by_task = score.get("by_task", {})
    whole = {**score, "parts": score["parts"] if "parts" in score else sum(each["parts"] for each in by_task.values())}
    return [("all", whole), *by_task.items(), *own.items()]


def pass_columns(results: Mapping[str, Any]) -> list[str]:
    """The headings of a score's numbers: each pass@k that a run has; the interval, which is that of pass@1, stands behind it."""
    first, *others = [key.replace("_at_", "@") for key in results["official"] if key.startswith("pass_at_")]
    return [first, INTERVAL, *others]


def pass_cells(score: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """A score's numbers, in the order of `pass_columns`."""
    return [
        format_interval(score.get("interval")) if column == INTERVAL else format_percent(score.get(column.replace("@", "_at_")))
        for column in columns
    ]


def program_count(score: Mapping[str, Any]) -> str:
    """How many programs a score is over; "-" in results of earlier versions, which do not say."""
    number = score.get("programs")
    return "-" if number is None else format_count(number)


def percent_figures(results: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that the benchmark alone has and that no table of scores shows, in percent, by name."""
    known = {*results.get("extra_metric_units", {}), *results["official"].get("own_scores", {})}
    return {name: value for name, value in results.get("extra_metrics", {}).items() if name not in known}


def count_figures(results: Mapping[str, Any]) -> dict[str, Any]:
    """The counts that the benchmark alone has, as text with their unit: one text, or one for each reason."""
    units = results.get("extra_metric_units", {})
    found = {name: (value, units[name]) for name, value in results.get("extra_metrics", {}).items() if name in units}
    return {
        name: {reason: _counted(count, unit) for reason, count in value.items()}
        if isinstance(value, Mapping)
        else _counted(value, unit)
        for name, (value, unit) in found.items()
    }


def _counted(count: int, unit: str) -> str:
    return f"{format_count(count)} {noun_for(count, unit)}"


def figure_text(value: object) -> str:
    """A figure, or figures by name, as one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{str(key).replace('_', ' ')}: {figure_text(inner)}" for key, inner in value.items()) or "none"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def best_baseline(results: Mapping[str, Any], verdict: str, task: str) -> str:
    """The best constant answer to a task: its score in percent, and the answer. Empty where there is none."""
    best = results["baselines"]["best"].get(verdict, {}).get(task)
    return "" if best is None else f"{format_percent(best['pass_at_1'])} (`{best['answer'] or ' '}`)"


def incomplete(results: Mapping[str, Any]) -> str:
    """How many items or samples failed because of us; empty where none did."""
    failed = sum(results["failures"].values())
    if not failed:
        return ""
    return f"{count_phrase(failed, 'item or sample', 'items or samples')} failed on our side, and left out"


def failure_reasons(results: Mapping[str, Any]) -> str:
    """The first reason of the failures of a run; where there are several kinds, how often the two most frequent came."""
    kinds = results.get("failure_reasons") or []
    if not kinds:
        return ""
    first = f'first reason: "{kinds[0]["reason"]}"'
    if len(kinds) == 1:
        return first
    most = sorted(kinds, key=lambda kind: -kind["count"])[:2]
    counts = ", ".join(f'"{kind["reason"]}" ({count_phrase(kind["count"], "time")})' for kind in most)
    return f"{first}; {'most frequent of ' if len(kinds) > 2 else ''}{len(kinds)} kinds: {counts}"


def faithfulness_summary(results: Mapping[str, Any]) -> str:
    """One line about the chains of thought of a run: true ones, guesses, first divergences; empty where none was graded."""
    found = results.get("faithfulness")
    if found is None:
        return ""
    figures = (found["figures"][name] for name in ("chain_true", "guessed", "guessed_outputs"))
    true, guessed, outputs = (format_score(figure["percent"], figure["interval"]) for figure in figures)
    kinds = ", ".join(f"{kind} {count}" for kind, count in found["first_divergences"].items())
    return (
        f"chains of thought, in percent: {true} true; {outputs} right output by a wrong chain, "
        f"{guessed} of the right outputs; first divergences by statement: {kinds or 'none'}"
    )


def guess_rate(results: Mapping[str, Any]) -> float | None:
    """The share of right outputs whose chain is not true, in percent; None where no chain was graded, or no output is right."""
    found = results.get("faithfulness")
    return None if found is None else found["figures"]["guessed"]["percent"]


def divergence_table(counts: Mapping[str, Mapping[str, int]], name: str) -> list[str]:
    """Where chains of thought first diverge from the run, as Markdown: a sentence and a table; empty where none diverges.

    Args:
        counts: for each row, first divergences by kind of statement.
        name: what the rows are.
    """
    kinds = list(dict.fromkeys(kind for own in counts.values() for kind in own))
    if not kinds:
        return []
    rows = [(row, *(str(own.get(kind, 0)) for kind in kinds)) for row, own in counts.items()]
    return [
        f"First divergences of chains (where they first disagree with the run), by kind of statement{_END * ('end' in kinds)}:",
        markdown_table((name, *kinds), rows, numbers=range(1, len(kinds) + 1)),
    ]


def run_summary(results: Mapping[str, Any]) -> str:
    """One line with what the figures depend on: items, data, style, sampling, versions."""
    sampling, data = results["sampling"], results["data"]
    names = ("temperature", "top_p", "seed", "max_tokens")
    drawn = "".join(f", {name.replace('_', '-')}={sampling[name]}" for name in names if name in sampling)
    if results["truncated"]:
        drawn += f", {results['truncated']} of {count_phrase(results['completions'], 'completion')} cut off"
    limit = f", the first {results['limit']}" if results["limit"] else ""
    source = f", {data['file']} {data['sha256'][:12]}" if data["file"] else ""
    missing = "; ".join(filter(None, (incomplete(results), failure_reasons(results))))
    programs = len(set(results.get("item_programs", ())))
    about = f" about {count_phrase(programs, 'program')}" if 0 < programs < results["items"] else ""
    return (
        f"{count_phrase(results['items'], 'item')}{about}{limit}{source}; style {results['style']}, n={sampling.get('n')}{drawn}; "
        f"intervals: {_interval_methods(results['official'])}; "
        f"baseline: the best constant answer on the same items; execverify {results['execverify']}, Python {results['python']}"
        + (f"; NOT COMPLETE: {missing}" if missing else "")
    )


def _interval_methods(score: Mapping[str, Any]) -> str:
    """How the intervals of a verdict were made."""
    own = (f"{name}: {each['interval_method']}" for name, each in score.get("own_scores", {}).items())
    return "; ".join([str(score.get("interval_method", "")), *own])
