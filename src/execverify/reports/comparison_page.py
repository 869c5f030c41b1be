"""The page of a comparison: runs, differences with their intervals, and the items that changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from execverify.evaluation.compare import changed_items
from execverify.reports.evaluation import shown_comparisons
from execverify.reports.render import render
from execverify.reports.run_summary import VERDICTS
from execverify.utils.messages import count_phrase

MOST_ITEMS = 500
"""How many changed items of a run are listed, of each kind."""


@dataclass(frozen=True)
class ChangedItems:
    """Items whose share of right answers is another than in the first run.

    Attributes:
        run: the name of the run.
        verdict: "official" or "strict".
        better, worse: how many there are, and the first of them: ids with both shares, in percent.
    """

    run: str
    verdict: str
    better: tuple[int, Sequence[tuple[str, float, float]]]
    worse: tuple[int, Sequence[tuple[str, float, float]]]


def comparison_page(comparison: Mapping[str, Any], runs: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """The page as HTML.

    Args:
        comparison: what `evaluation.compare.compare` found.
        runs: names and results, as it took them.

    Raises:
        ExecVerifyError: Jinja2 is not installed.
    """
    rows = shown_comparisons(comparison)
    widest = max((abs(edge) for row in rows for edge in (*row["interval"], row["difference"])), default=1.0)
    verdicts = ("official",) if comparison["one_rule"] else VERDICTS
    return render(
        "comparison.html.j2",
        title=f"{comparison['benchmark']}: {count_phrase(len(runs), 'run')} compared",
        comparison=comparison,
        rows=rows,
        scale=max(1.0, widest),
        changed=[_changed(name, verdict, runs[0][1], run) for name, run in runs[1:] for verdict in verdicts],
        one_rule=comparison["one_rule"],
    )


def _changed(name: str, verdict: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> ChangedItems:
    found = [(id, 100 * a, 100 * b) for id, a, b in changed_items(first, second, verdict)]
    better, worse = ([each for each in found if (each[2] > each[1]) == up] for up in (True, False))
    return ChangedItems(name, verdict, (len(better), better[:MOST_ITEMS]), (len(worse), worse[:MOST_ITEMS]))
