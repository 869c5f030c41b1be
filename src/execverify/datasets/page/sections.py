"""The sections of the page that describe the dataset as a whole."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from execverify.datasets.page.charts import bars, facts, figure, folded, meter, percent, table, verdict
from execverify.datasets.page.markup import Markup, Part, joined, tag
from execverify.datasets.page.sampling import Sample
from execverify.datasets.stats import Stats, max_accuracy
from execverify.datasets.thresholds import AT_LEAST, QualityCheck
from execverify.programs.catalog import CATALOG
from execverify.programs.program import truncate

KINDS = {
    "white_box": "white-box",
    "input_prediction": "input prediction",
    "code_generation": "code generation",
    "next_statement": "next statement",
    "variable_state": "variable state",
    "output": "output",
    "unit_test": "unit test",
}
"""Kinds of rows and questions for readers."""

_WHOLE = ("twins", "catalogue")  # bars that a sample of the rows cannot tell


def section(id: str, title: str, *inside: Part) -> Markup:
    """A section with its heading."""
    return tag("section", tag("h2", title, id=f"{id}-title"), joined(*inside), id=id, aria_labelledby=f"{id}-title")


def summary(manifest: dict[str, Any], sample: Sample, stats: Stats) -> Markup:
    """The figures that a reader wants first."""
    levels = [level for level in sample.levels if level is not None]
    shortcuts, kept = stats.shortcuts, sum(shortcut.passed for shortcut in stats.shortcuts)
    tiles = [
        (figure(sample.rows), f"rows: {_told({KINDS.get(k, k): n for k, n in sorted(sample.kinds.items(), reverse=True)})}"),
        (figure(sample.questions.total()), "questions about single steps, each with its answer"),
    ]
    if levels:
        tiles.append((figure(len(levels)), f"level{'s' * (len(levels) > 1)} of difficulty: {_range(levels)}"))
    if sample.methods:
        tiles.append((figure(len(sample.methods)), f"built-ins under test, of {len(CATALOG)} in the catalogue"))
    if shortcuts:
        tiles.append((f"{kept} of {len(shortcuts)}", "shortcuts keep their limits"))
    boxes = (tag("div", tag("strong", value), tag("span", what)) for value, what in tiles)
    content = tag("p", "Content ", tag("code", str(manifest.get("content_hash", ""))), class_="dim hash")
    return joined(tag("div", boxes, class_="tiles"), content)


def made(manifest: dict[str, Any], sample: Sample) -> Markup:
    """What was made, and what was dropped and why."""
    dropped, refused = _counts(manifest, "skipped_items"), _counts(manifest, "rejected_attempts")
    items = manifest.get("items", 0)
    given = items - sum(dropped.values())
    lines = [
        tag("p", f"{figure(items)} items were tried, one after the other; {figure(given)} of them gave the {figure(sample.rows)} rows, "
            f"dropped: {figure(sum(dropped.values()))}. Before that, {figure(sum(refused.values()))} attempts at an item came to "
            "nothing, and the next attempt was taken."),
    ]  # fmt: skip
    charts = [
        bars("Items that were dropped", dropped, unit="items") if dropped else tag("p", "No item was dropped."),
        bars("Attempts that were refused", refused, unit="attempts") if refused else "",
    ]
    return section(
        "made", "What was made, and what was dropped", lines, tag("div", charts, class_="charts wide"), _excluded(manifest)
    )


def _excluded(manifest: dict[str, Any]) -> Markup:
    files = manifest.get("benchmarks") or []
    if not files:
        return tag("p", "No benchmark was named to be kept out.", class_="dim")
    excluded = _counts(manifest, "decontaminated")
    rows = [
        (file["name"], figure(file["programs"]), figure(file.get("unreadable", 0)), figure(excluded.get(file["name"], 0)))
        for file in files
    ]
    head = ("file", "programs", "not Python", "attempts refused")
    return table("Benchmarks whose programs must not come in", head, rows, numbers=(1, 2, 3))


def spread(sample: Sample, stats: Stats) -> Markup:
    """How rows and questions are spread."""
    levels = {f"level {level}": sample.levels[level] for level in sorted(level for level in sample.levels if level is not None)}
    if None in sample.levels:
        levels["no level"] = sample.levels[None]
    note = "" if stats.rows.total() == sample.rows else f" (of {figure(stats.rows.total())} rows)"
    charts = [
        bars("Level", levels),
        bars("Steps of the run", _binned(sample.steps)),
        bars("Kind of row", _named(sample.kinds)),
        bars("Kind of question", _named(sample.questions), unit="questions") if sample.questions else "",
        bars("Split", dict(sample.splits.most_common())),
        bars(f"Type of the result{note}", dict(stats.results.most_common(12))),
        bars(f"Type of a value that is asked about or returned{note}", dict(stats.programs.types.most_common(12)), unit="values"),
        bars("Whose method, operator or function is under test", _owners(sample.methods)) if sample.methods else "",
    ]
    methods = sorted(sample.methods.items(), key=lambda pair: (-pair[1], pair[0]))
    names = tag("ul", (tag("li", tag("code", name), f" {figure(count)}") for name, count in methods), class_="names")
    every = folded(f"All {len(methods)} entries of the catalogue that are under test", names) if methods else Markup("")
    return section("spread", "How it is spread", tag("div", charts, class_="charts"), every)


def limits(sample: Sample, stats: Stats) -> Markup:
    """How far habits get, and what programs have to reach."""
    read = stats.rows.total()
    whole = read == sample.rows
    intro = tag("p", "A habit answers without following the run. What it gets right must stay below its limit.",
                "" if whole else f" Measured on {figure(read)} of the {figure(sample.rows)} rows, evenly over the dataset; ",
                "" if whole else joined(tag("code", "execverify dataset stats"), " reads all of them."))  # fmt: skip
    habits = []
    for shortcut in stats.shortcuts:
        answer = "" if shortcut.answer is None else joined(": ", tag("code", truncate(shortcut.answer, 40)))
        limit = max_accuracy(shortcut.habit)
        habits.append((
            KINDS.get(shortcut.kind, shortcut.kind), joined(shortcut.habit, answer), figure(shortcut.questions),
            percent(shortcut.share), meter(shortcut.share, limit), percent(limit), verdict(shortcut.passed),
        ))  # fmt: skip
    head = ("question", "habit", "asked", "right", "", "limit", "")
    habit_table = table("How far habits get", head, habits, numbers=(2, 3, 5)) if habits else ""
    reached = [bar for bar in stats.bars if whole or not bar.name.startswith(_WHOLE)]
    rows = [_bar(bar) for bar in reached]
    bar_head = ("programs", "", "limit", "CRUXEval", "")
    bar_table = table("What programs have to reach, as far as it shows without a run", bar_head, rows, numbers=(1, 2, 3))
    return section("limits", "Limits", intro, habit_table, bar_table)


def _bar(bar: QualityCheck) -> tuple[Part, ...]:
    def told(value: float) -> str:
        return percent(value) if bar.is_share else f"{value:g}"

    sense = "≥" if bar.direction == AT_LEAST else "≤"
    cruxeval = "" if bar.cruxeval is None else told(bar.cruxeval)
    return bar.name, told(bar.value), f"{sense} {told(bar.limit)}", cruxeval, verdict(bar.passed)


def origin(manifest: dict[str, Any]) -> Markup:
    """Settings, versions and files."""
    settings = [(name.replace("_", " "), tag("code", _plain(value))) for name, value in manifest.get("settings", {}).items()]
    versions = [(name, tag("code", str(value))) for name, value in manifest.get("made_with", {}).items()]
    shards = [
        (tag("code", shard["file"]), figure(shard["rows"]), f"{shard['bytes'] / 1e6:.2f} MB", tag("code", shard["sha256"][:16]))
        for shard in manifest["shards"]
    ]
    files = table("Files", ("file", "rows", "size", "SHA-256 begins"), shards, numbers=(1, 2))
    return section("origin", "How it was made", facts(settings), tag("h3", "Versions"), facts(versions), files)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "all"
    if isinstance(value, dict) and "name" in value:
        return str(value["name"])
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _counts(manifest: dict[str, Any], name: str) -> dict[str, int]:
    return {str(reason): int(count) for reason, count in (manifest.get(name) or {}).items()}


def _named(counts: Counter[str]) -> dict[str, int]:
    return {KINDS.get(name, name): count for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))}


def _owners(methods: Mapping[str, int]) -> dict[str, int]:
    owners: Counter[str] = Counter()
    for name, count in methods.items():
        entry = CATALOG.get(name)
        owners["another's" if entry is None else "a function" if entry.owner == "builtins" else entry.owner] += count
    return dict(sorted(owners.items(), key=lambda pair: (-pair[1], pair[0])))


def _binned(steps: Counter[int]) -> dict[str, int]:
    """Counts by powers of two: 1, 2 to 3, 4 to 7 ..."""
    bins: Counter[int] = Counter()
    for number, count in steps.items():
        bins[number.bit_length()] += count
    first, last = min(bins, default=1), max(bins, default=1)
    return {_range_of(size): bins[size] for size in range(first, last + 1)}


def _range_of(size: int) -> str:
    return str(size) if size < 2 else f"{1 << (size - 1)} to {(1 << size) - 1}"


def _range(levels: Iterable[int]) -> str:
    ordered = sorted(levels)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]} to {ordered[-1]}"
    return ", ".join(map(str, ordered))


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{figure(count)} {name}" for name, count in counts.items())
