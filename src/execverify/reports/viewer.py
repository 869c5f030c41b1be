"""The viewer: traces, questions and graded answers in one HTML file that loads nothing.

    page = viewer_page("f.py", items, limits=Limits())

Runs are made before; the page's script only shows them. Items and runs lie in the page in blocks of JSON, which the script reads when
an item of the block is shown, so that a page of thousands of items opens at once.
"""

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from execverify.programs.program import Program
from execverify.questions.task import CODE_GENERATION, Task
from execverify.reports.render import render
from execverify.reports.viewer_items import Sample, ViewItem, item_as_data, item_in_list, item_of, part_of
from execverify.reports.viewer_trace import run_as_data, runs_as_data
from execverify.rewards.parts import Score
from execverify.rewards.steps.reference import trace_with_expressions_once
from execverify.sandbox.result import Limits, Outcome
from execverify.tracing.expressions import NO_VALUES, expressions_many
from execverify.tracing.trace import Trace

BLOCK = 32
"""How many items, or runs, are in one block of the page."""

_LIMITS = Limits(timeout=2.0)
_TOGETHER = 128  # programs that run between two reports of progress
_HEIGHT = 620  # of a page inside a notebook, in pixels


def _silent(done: int, total: int) -> None:
    """Ignore progress."""


def viewer_page(
    title: str,
    items: Sequence[ViewItem],
    *,
    note: str = "",
    limits: Limits = _LIMITS,
    workers: int = 1,
    progress: Callable[[int, int], None] = _silent,
) -> str:
    """The page as HTML. Runs the items' programs in the sandbox.

    Args:
        title: its heading.
        items: what it shows.
        note: a line below the heading.
        limits: what a program may use.
        workers: how many processes run programs at once.
        progress: called with how many programs have run, and how many there are.

    Raises:
        ExecVerifyError: Jinja2 is not installed.
        SandboxError: programs cannot be run on this machine.
    """
    own = list(dict.fromkeys(item.program for item in items if item.program is not None))
    others = {sample.program: None for item in items for sample in item.samples if sample.program is not None}
    chosen = [program for program in others if program not in set(own)]  # with arguments that a model chose: run once
    runs: list[dict[str, Any]] = []
    for start in range(0, len(own), _TOGETHER):
        runs += runs_as_data(own[start : start + _TOGETHER], limits, workers)
        progress(len(runs), len(own))
    runs += [run_as_data(trace, values, {}) for trace, values in trace_with_expressions_once(chosen, limits, workers)]
    return _page(title, items, note, dict(zip((*own, *chosen), runs, strict=True)))


def _page(title: str, items: Sequence[ViewItem], note: str, runs: Mapping[Program, dict[str, Any]]) -> str:
    numbers = {program: number for number, program in enumerate(runs)}
    steps = {program: run["total"] for program, run in runs.items()}
    listed = [item_in_list(item, None if item.program is None else steps[item.program]) for item in items]
    return render(
        "viewer.html.j2",
        script="viewer.js",
        style="viewer.css",
        title=title,
        note=note,
        index={"title": title, "block": BLOCK, "items": listed},
        item_blocks=list(_blocks([item_as_data(item, numbers) for item in items])),
        run_blocks=list(_blocks(list(runs.values()))),
    )


def _blocks(entries: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(entries), BLOCK):
        yield entries[start : start + BLOCK]


def notebook_html(value: Trace | Task | Score) -> str:
    """A trace, a task or a score for a notebook: the viewer's page in a frame of its own.

    Raises:
        ExecVerifyError: Jinja2 is not installed, or a program cannot be run.
    """
    page = _value_page(value)
    escaped = html.escape(page, quote=True)
    style = f"width:100%;height:{_HEIGHT}px;border:1px solid #8884;border-radius:8px"
    return f'<iframe title="execverify" sandbox="allow-scripts" style="{style}" srcdoc="{escaped}"></iframe>'


def _value_page(value: Trace | Task | Score) -> str:
    if isinstance(value, Task):
        return viewer_page(f"{value.program.entry_point}: {value.kind.replace('_', ' ')}", [item_of(value)])
    if isinstance(value, Score):
        text = "\n".join(step.text for step in value.chain.steps) if value.chain is not None else ""
        sample = Sample(text, value.reward, tuple(map(part_of, value.parts)))
        kind = CODE_GENERATION if any(part.kind == "format" for part in value.parts) else "answer"
        return _page("Score", [ViewItem("score", kind, samples=(sample,))], "", {})
    ended = value.result.outcome == Outcome.RETURNED
    values = next(expressions_many([value]), NO_VALUES) if ended else NO_VALUES
    item = ViewItem("trace", "program", value.program)
    return _page(value.program.one_line_call, [item], "", {value.program: run_as_data(value, values, {})})
