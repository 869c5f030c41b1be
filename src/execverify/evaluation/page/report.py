"""The page of a run as HTML that needs nothing else: no network, no other file."""

import base64
import hashlib
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from string import Template
from typing import Any

from execverify.datasets.page.charts import facts, figure, folded, table
from execverify.datasets.page.markup import Markup, Part, joined, tag
from execverify.evaluation.page.items import items_as_data
from execverify.evaluation.run import Evaluation
from execverify.evaluation.table import format_interval, format_percent, run_summary, tasks_of
from execverify.utils.messages import count_phrase

_PACKAGE = "execverify.evaluation.page"
_VERDICTS = {"official": "by the authors' rule", "strict": "strictly"}


def report_page(evaluation: Evaluation) -> str:
    """The page."""
    results = evaluation.results
    data = json.dumps(items_as_data(evaluation.records, evaluation.prompts), separators=(",", ":"), ensure_ascii=True)
    script = _text("page.js")
    return Template(_text("page.html")).substitute(
        title=_title(results),
        style=importlib.resources.files("execverify.datasets.page").joinpath("page.css").read_text(encoding="utf-8")
        + _text("page.css"),
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        summary=_summary(results),
        scores=_scores(results),
        slices=_slices(results),
        origin=_origin(results),
        data=data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
        script=script,
    )


def _text(name: str) -> str:
    return importlib.resources.files(_PACKAGE).joinpath(name).read_text(encoding="utf-8")


def _title(results: Mapping[str, Any]) -> Markup:
    return joined(f"{results['benchmark']}: {results['model']['name']}")


def _summary(results: Mapping[str, Any]) -> Markup:
    tiles: list[tuple[str, str]] = []
    for name, what in _VERDICTS.items():
        score = results[name]
        tiles.append(
            (
                f"{format_percent(score.get('pass_at_1'))}%",
                f"pass@1 {what}; 95% interval {format_interval(score.get('interval'))}",
            )
        )
    best = results["baselines"]["best"].get("official", {}).get("all")
    if best is not None:
        tiles.append((f"{format_percent(best['pass_at_1'])}%", f"the floor: always answering {best['answer'] or 'nothing'}"))
    tiles.append(
        (
            figure(results["items"]),
            f"{count_phrase(results['items'], 'item').split()[1]}, {count_phrase(results['completions'], 'completion')}",
        )
    )
    tiles.append((figure(results["disagreements"]["count"]), "items on which the two verdicts differ"))
    boxes = (tag("div", tag("strong", value), tag("span", what)) for value, what in tiles)
    failed = sum(results["failures"].values())
    lost = (
        tag(
            "p",
            f"Not complete: {count_phrase(failed, 'item or sample', 'items or samples')} failed on our side, and left out.",
            class_="no",
        )
        if failed
        else ""
    )
    return joined(tag("div", boxes, class_="tiles"), lost, tag("p", run_summary(results), class_="dim"))


def _scores(results: Mapping[str, Any]) -> Markup:
    ks = [key for key in results["official"] if key.startswith("pass_at_")]
    rows = []
    for name in _VERDICTS:
        for task, score in tasks_of(results[name]):
            best = results["baselines"]["best"].get(name, {}).get(task)
            floor = "" if best is None else joined(format_percent(best["pass_at_1"]), " ", tag("code", best["answer"] or " "))
            bar = _bar(score.get("pass_at_1"), score.get("interval"), None if best is None else best["pass_at_1"])
            cells = [format_percent(score.get(key)) for key in ks]
            rows.append(
                (f"{name}: {task}", *cells, format_interval(score.get("interval")), bar, floor, str(score.get("parts", "")))
            )
    head = ("verdict", *(key.replace("_at_", "@") for key in ks), "95% interval", "", "floor", "parts")
    numbers = range(1, len(ks) + 2)
    made = table(
        "In percent; the line across a bar is the interval, the mark the floor", head, rows, numbers=(*numbers, len(head) - 1)
    )
    rules = facts([(name, results["rule"][name]) for name in _VERDICTS])
    return _section("scores", "Scores", rules, made, _floors(results), _more(results))


def _floors(results: Mapping[str, Any]) -> Markup:
    answers = results["baselines"]["answers"]
    tasks = list(dict.fromkeys(task for both in answers.values() for task in both["official"]))
    rows = [
        (tag("code", text or " "), *(format_percent(both[name].get(task)) for task in tasks for name in _VERDICTS))
        for text, both in answers.items()
    ]
    head = ("always", *(f"{task}, {name}" for task in tasks for name in _VERDICTS))
    made = table("What constant answers score on the same items, in percent", head, rows, numbers=range(1, len(head)))
    return folded(f"Floors of {len(answers)} constant answers", made)


def _more(results: Mapping[str, Any]) -> Markup:
    found = results.get("extra_metrics", {})
    if not found:
        return Markup("")
    tables = [_nested(name, value) for name, value in found.items() if _is_nested(value)]
    rows = [(name.replace("_", " "), _flat(value)) for name, value in found.items() if not _is_nested(value)]
    return joined(tag("h3", "More figures, in percent"), facts(rows), *tables)


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(inner, Mapping) for inner in value.values())


def _nested(name: str, value: Mapping[str, Mapping[str, Any]]) -> Markup:
    columns = list(dict.fromkeys(key for inner in value.values() for key in inner))
    rows = [(row, *(_flat(inner.get(column, "")) for column in columns)) for row, inner in value.items()]
    return table(name.replace("_", " "), ("", *columns), rows, numbers=range(1, len(columns) + 1))


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_flat(inner)}" for key, inner in value.items()) or "none"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _slices(results: Mapping[str, Any]) -> Markup:
    by_property: dict[str, list[Mapping[str, Any]]] = {}
    for row in results["slices"]:
        by_property.setdefault(row["property"], []).append(row)
    several = len({row["task"] for row in results["slices"]}) > 1
    parts = [_slice_table(name, rows, several) for name, rows in by_property.items()]
    words = "pass@1 by what the programs are like, where there are five parts or more. Properties go together, so a slice is no cause."
    intro = tag("p", words)
    return _section("slices", "Slices", intro, tag("div", parts, class_="charts wide")) if parts else Markup("")


def _slice_table(name: str, rows: Sequence[Mapping[str, Any]], several: bool) -> Markup:
    cells = []
    for row in rows:
        score = row["official"]
        label = f"{row['value']} ({row['task']})" if several else row["value"]
        strict = row.get("strict", score)["pass_at_1"]
        bar = _bar(score["pass_at_1"], score["interval"], None)
        cells.append((label, format_percent(score["pass_at_1"]), format_percent(strict), bar, str(row["parts"])))
    return table(name, ("", "official", "strict", "", "parts"), cells, numbers=(1, 2, 4))


def _bar(value: float | None, edges: Sequence[float] | None, floor: float | None) -> Markup:
    if value is None:
        return Markup("")
    marks = [tag("span", class_="fill", style=f"width:{value:.2f}%")]
    if edges is not None:
        marks.append(tag("span", class_="whisker", style=f"left:{edges[0]:.2f}%;width:{max(0.3, edges[1] - edges[0]):.2f}%"))
    if floor is not None:
        marks.append(tag("span", class_="floor", style=f"left:{floor:.2f}%"))
    return tag("span", marks, class_="track")


def _origin(results: Mapping[str, Any]) -> Markup:
    data, model = results["data"], results["model"]
    told: list[tuple[str, Part]] = [
        ("model", model["name"]),
        ("style", results["style"]),
        ("prompts", tag("code", results["prompts"])),
        ("data", joined(data["file"], " ", tag("code", data["sha256"] or "")) if data["file"] else "the benchmark's own"),
        ("seed", str(results["seed"])),
        ("items", "all" if results["limit"] is None else f"the first {results['limit']}"),
        ("execverify", results["execverify"]),
        ("Python", results["python"]),
    ]
    told += [(name, tag("code", json.dumps(value))) for name, value in {**results["sampling"], **model["settings"]}.items()]
    return _section("origin", "How it was made", facts(told))


def _section(id: str, title: str, *inside: Part) -> Markup:
    return tag("section", tag("h2", title, id=f"{id}-title"), joined(*inside), id=id, aria_labelledby=f"{id}-title")
