"""The report beside a dataset: one page that needs nothing else, made of the rows and the manifest alone.

Nothing in it comes from a clock or a path, so that equal datasets have equal reports.
"""

import importlib.resources
from pathlib import Path
from string import Template
from typing import Any

from execverify.datasets.build_dir import IN_PROGRESS, MANIFEST, read_manifest, write_error
from execverify.datasets.page import sections
from execverify.datasets.page.charts import figure
from execverify.datasets.page.markup import Markup, joined, tag
from execverify.datasets.page.rows import row_article
from execverify.datasets.page.sampling import Sample, look_at, rows_at, spread
from execverify.datasets.rows_io import shards_of
from execverify.datasets.stats import stats_of
from execverify.errors import DatasetError
from execverify.questions.rows import from_row
from execverify.sandbox.result import Limits
from execverify.tracing.trace import trace_many
from execverify.utils.atomic import atomic_text

REPORT = "report.html"
"""Name of the page in a dataset's folder."""

READ = 1_000
"""How many rows are read for what is measured on questions and programs; evenly over the dataset."""

_LIMITS = Limits(timeout=5.0)


def write_report(out: Path, manifest: dict[str, Any] | None = None, *, workers: int = 1) -> Path:
    """Writes OUT/report.html, whole or not at all, and returns its path.

    Args:
        out: the folder of a dataset whose shards are in place.
        manifest: what its manifest says, where that is not written yet.
        workers: how many processes read rows.

    Raises:
        DatasetError: the folder has no manifest, or the page cannot be written.
        RowError: a shard that cannot be read.
    """
    manifest = read_manifest(out) if manifest is None else manifest
    if manifest is None:
        hint = (
            "give its `execverify dataset build` command again"
            if (out / IN_PROGRESS).is_dir()
            else "name a folder that `execverify dataset build` made"
        )
        raise DatasetError(f"{out} has no {MANIFEST}, so no report can be made of it: {hint}")
    page = report_page(manifest, shards_of(out, manifest), workers=workers)
    beside = out / IN_PROGRESS if (out / IN_PROGRESS).is_dir() else out
    try:
        atomic_text(out / REPORT, page, errors="replace", beside=beside)
        return out / REPORT
    except OSError as error:
        raise DatasetError(write_error(out / REPORT, error)) from None


def report_page(manifest: dict[str, Any], shards: list[Path], *, workers: int = 1) -> str:
    """The page as HTML."""
    sample = look_at(shards)
    stats = stats_of(spread(shards, sample.rows, READ), quick=True, workers=workers)
    named = {
        "made": sections.made(manifest, sample),
        "spread": sections.spread(sample, stats),
        "limits": sections.limits(sample, stats),
        "rows": _rows(sample, shards),
        "origin": sections.origin(manifest),
    }
    texts = importlib.resources.files("execverify.datasets.page")
    return Template(texts.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        named,
        style=texts.joinpath("page.css").read_text(encoding="utf-8"),
        title=f"A dataset of {figure(sample.rows)} rows",
        summary=sections.summary(manifest, sample, stats),
    )


def _rows(sample: Sample, shards: list[Path]) -> Markup:
    """The rows that are shown, by level."""
    numbers = sorted(number for shown in sample.shown.values() for number in shown)
    tasks = {number: from_row(row) for number, row in zip(numbers, rows_at(shards, numbers), strict=True)}
    traces = dict(zip(numbers, trace_many([tasks[number].program for number in numbers], limits=_LIMITS), strict=True))
    ordered = [number for shown in sample.shown.values() for number in shown]
    articles = [row_article(at, tasks[number], traces[number]) for at, number in enumerate(ordered, start=1)]
    intro = tag("p", "Picked by chance; a run of at most 60 steps before a longer one. Each is the row, with the trace of its run, "
                "which the questions are made of.")  # fmt: skip
    return sections.section("rows", f"{len(articles)} of the rows" if articles else "No rows", intro, joined(*articles))
