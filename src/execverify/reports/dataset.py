"""The page beside a dataset: one file, made from the rows and the manifest alone.

Nothing in it depends on a clock or a path, so equal datasets have equal pages.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.datasets.build_dir import IN_PROGRESS, MANIFEST, REPORT, read_manifest, write_error
from execverify.datasets.rows_io import shards_of
from execverify.datasets.stats import MAX_SHORTCUT_ACCURACY, Stats, stats_of
from execverify.datasets.thresholds import AT_LEAST, QualityCheck
from execverify.datasets.workers import Workers
from execverify.errors import DatasetError
from execverify.generation.funnel import read_funnel
from execverify.programs.catalog import CATALOG
from execverify.programs.program import truncate
from execverify.questions.question import TEST_KINDS
from execverify.questions.rows import from_row
from execverify.reports.dataset_rows import KINDS, RowView, row_view
from execverify.reports.dataset_sample import READABLE_STEPS, Sample, evenly_spaced, rows_at, sample_rows
from execverify.reports.markdown import format_count, format_share
from execverify.reports.render import render
from execverify.rewards.steps.reference import traced_with_expressions
from execverify.sandbox.result import Limits
from execverify.utils.atomic import atomic_text

MEASURED_ROWS = 1_000
"""How many rows are read for the figures about questions and programs, evenly over the dataset."""

_LIMITS = Limits(timeout=5.0)
_NEEDS_ALL_ROWS = ("duplicates", "catalogue")  # checks that part of the rows cannot decide


def write_report(out: Path, manifest: dict[str, Any] | None = None, *, workers: Workers = 1) -> Path:
    """Writes OUT/report.html, whole or not at all, and returns its path.

    Args:
        out: folder of a dataset whose shards are in place.
        manifest: its manifest, where that is not written yet.
        workers: how many processes read rows, or a pool.

    Raises:
        DatasetError: the folder has no manifest, or the page cannot be written.
        ExecVerifyError: Jinja2 is not installed.
        RowError: a shard cannot be read.
    """
    manifest = read_manifest(out) if manifest is None else manifest
    if manifest is None:
        unfinished = (out / IN_PROGRESS).is_dir()
        hint = (
            "give its `execverify dataset build` command again"
            if unfinished
            else "name a folder that `execverify dataset build` made"
        )
        raise DatasetError(f"{out} has no {MANIFEST}, so no report can be made of it: {hint}")
    page = dataset_page(manifest, shards_of(out, manifest), workers=workers)
    beside = out / IN_PROGRESS if (out / IN_PROGRESS).is_dir() else out
    try:
        atomic_text(out / REPORT, page, errors="replace", beside=beside)
    except OSError as error:
        raise DatasetError(write_error(out / REPORT, error)) from None
    return out / REPORT


def dataset_page(manifest: Mapping[str, Any], shards: Sequence[Path], *, workers: Workers = 1) -> str:
    """The page as HTML. Arguments and errors as in `write_report`."""
    sample = sample_rows(shards)
    stats = stats_of(evenly_spaced(shards, sample.rows, MEASURED_ROWS), quick=True, workers=workers)
    return render(
        "dataset.html.j2",
        title=f"A dataset of {format_count(sample.rows)} {'row' if sample.rows == 1 else 'rows'}",
        manifest={"content_hash": "", **manifest},
        sample=sample,
        tiles=_tiles(sample, stats),
        items=manifest.get("items", 0),
        skipped=manifest.get("skipped_items") or {},
        rejected={reason.replace("_", " "): count for reason, count in (manifest.get("rejected_attempts") or {}).items()},
        benchmarks=manifest.get("benchmarks") or [],
        excluded=manifest.get("decontaminated") or {},
        funnel=_funnel(manifest),
        distributions=list(_distributions(sample, stats)),
        methods=_by_count(sample.methods),
        measured=stats.rows.total(),
        shortcuts=list(_shortcuts(stats)),
        checks=list(_checks(sample, stats)),
        views=_row_views(sample, shards),
        readable_steps=READABLE_STEPS,
        settings=[(name.replace("_", " "), _setting(value)) for name, value in manifest.get("settings", {}).items()],
        versions=list(manifest.get("made_with", {}).items()),
    )


def _tiles(sample: Sample, stats: Stats) -> list[tuple[str, str]]:
    """The figures that a reader wants first."""
    kinds = ", ".join(
        f"{format_count(count)} {KINDS.get(kind, kind)}" for kind, count in sorted(sample.kinds.items(), reverse=True)
    )
    levels = sorted(level for level in sample.levels if level is not None)
    tests = sum(sample.questions[kind] for kind in TEST_KINDS)
    steps = sample.questions.total() - tests
    tiles = [(format_count(sample.rows), f"{_noun(sample.rows, 'row')}: {kinds}")]
    if steps:
        tiles.append((format_count(steps), f"{_noun(steps, 'question')} about single steps, each with its answer"))
    if tests:
        tiles.append((format_count(tests), f"{_noun(tests, 'unit test')} of code-generation rows"))
    if levels:
        tiles.append((str(len(levels)), f"level{'s' * (len(levels) > 1)} of difficulty: {_ranges(levels)}"))
    if sample.methods:
        tiles.append((format_count(len(sample.methods)), f"built-ins under test, of {len(CATALOG)} in the catalog"))
    if stats.shortcuts:
        passed = sum(shortcut.passed for shortcut in stats.shortcuts)
        tiles.append((f"{passed} of {len(stats.shortcuts)}", "shortcuts stay below their limits"))
    return tiles


def _noun(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"


@dataclass(frozen=True)
class FunnelRow:
    """A stage of the funnel: how many passed it, their share of all, and why others did not."""

    stage: str
    unit: str
    count: int
    share: float
    dropped: Mapping[str, int]


def _funnel(manifest: Mapping[str, Any]) -> list[FunnelRow]:
    entries = read_funnel(manifest.get("funnel"))
    most: dict[str, int] = {}
    for one in entries:
        most[one["unit"]] = max(most.get(one["unit"], 1), one["count"])
    return [
        FunnelRow(one["stage"], one["unit"], one["count"], one["count"] / most[one["unit"]], one["dropped"]) for one in entries
    ]


@dataclass(frozen=True)
class BarChart:
    """Counts by name, and what is counted."""

    caption: str
    counts: Mapping[str, int]
    unit: str = "rows"


def _distributions(sample: Sample, stats: Stats) -> Iterator[BarChart]:
    levels = {f"level {level}": sample.levels[level] for level in sorted(level for level in sample.levels if level is not None)}
    if None in sample.levels:
        levels["no level"] = sample.levels[None]
    note = "" if stats.rows.total() == sample.rows else f" (of {format_count(stats.rows.total())} rows)"
    yield BarChart("Level", levels)
    yield BarChart("Steps of the run", _binned(sample.steps))
    yield BarChart("Kind of row", _named(sample.kinds))
    if sample.questions:
        tests = sum(sample.questions[kind] for kind in TEST_KINDS)
        caption = "Questions" if not tests else "Unit tests" if tests == sample.questions.total() else "Questions and unit tests"
        yield BarChart(caption, _named(sample.questions), "questions")
    yield BarChart("Split", dict(sample.splits.most_common()))
    yield BarChart(f"Type of the result{note}", dict(stats.results.most_common(12)))
    types = dict(stats.programs.types.most_common(12))
    yield BarChart(f"Type of a value that a question is about, or that is returned{note}", types, "values")
    if sample.methods:
        yield BarChart("Owner of the built-in under test", _owners(sample.methods))


@dataclass(frozen=True)
class ShortcutRow:
    """A shortcut beside its limit; `scale` is the share at the end of its bar."""

    kind: str
    name: str
    answer: str | None
    questions: int
    share: float
    limit: float
    scale: float
    passed: bool


def _shortcuts(stats: Stats) -> Iterator[ShortcutRow]:
    for found in stats.shortcuts:
        limit = MAX_SHORTCUT_ACCURACY[found.name]
        answer = None if found.answer is None else truncate(found.answer, 40)
        scale = max(2 * limit, 1.05 * found.share)
        kind = KINDS.get(found.kind, found.kind)
        yield ShortcutRow(kind, found.name, answer, found.questions, found.share, limit, scale, found.passed)


@dataclass(frozen=True)
class CheckRow:
    """A quality check with its numbers as text."""

    name: str
    value: str
    limit: str
    cruxeval: str
    passed: bool


def _checks(sample: Sample, stats: Stats) -> Iterator[CheckRow]:
    for check in stats.bars:
        if stats.rows.total() == sample.rows or not check.name.startswith(_NEEDS_ALL_ROWS):
            cruxeval = "" if check.cruxeval is None else _figure(check, check.cruxeval)
            limit = f"{'≥' if check.direction == AT_LEAST else '≤'} {_figure(check, check.limit)}"
            yield CheckRow(check.name, _figure(check, check.value), limit, cruxeval, check.passed)


def _figure(check: QualityCheck, value: float) -> str:
    return format_share(value) if check.is_share else f"{value:g}"


def _row_views(sample: Sample, shards: Sequence[Path]) -> list[RowView]:
    """The rows that are shown, by level, with the traces of their runs."""
    order = [number for shown in sample.shown.values() for number in shown]
    numbers = sorted(order)
    tasks = {number: from_row(row) for number, row in zip(numbers, rows_at(shards, numbers), strict=True)}
    runs = traced_with_expressions([tasks[number].program for number in numbers], _LIMITS)
    found = dict(zip(numbers, runs, strict=True))
    return [row_view(at, tasks[number], *found[number]) for at, number in enumerate(order, start=1)]


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_setting, value)) or "all"
    if isinstance(value, dict) and "name" in value:
        return str(value["name"])
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _by_count(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    return {KINDS.get(name, name): count for name, count in _by_count(counts).items()}


def _owners(methods: Mapping[str, int]) -> dict[str, int]:
    owners: Counter[str] = Counter()
    for name, count in methods.items():
        entry = CATALOG.get(name)
        owners["other" if entry is None else "functions" if entry.owner == "builtins" else entry.owner] += count
    return _by_count(owners)


def _binned(steps: Mapping[int, int]) -> dict[str, int]:
    """Counts by powers of two: 1, 2 to 3, 4 to 7 ..."""
    bins: Counter[int] = Counter()
    for number, count in steps.items():
        bins[number.bit_length()] += count
    sizes = range(min(bins, default=1), max(bins, default=1) + 1)
    return {str(size) if size < 2 else f"{1 << (size - 1)} to {(1 << size) - 1}": bins[size] for size in sizes}


def _ranges(levels: Sequence[int]) -> str:
    if len(levels) > 2 and levels[-1] - levels[0] == len(levels) - 1:
        return f"{levels[0]} to {levels[-1]}"
    return ", ".join(map(str, levels))
