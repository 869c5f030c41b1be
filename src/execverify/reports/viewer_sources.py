"""What the viewer can show: programs, rows with or without completions, an evaluation's folder, a training's samples."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from execverify.datasets.rows_io import pyarrow_or_error
from execverify.errors import EvaluationError, ExecVerifyError, QuestionError, RowError
from execverify.evaluation.answers import PLAIN
from execverify.evaluation.run_dir import GENERATIONS, RESULTS, check_one_run, read_results
from execverify.programs.program import Program, parse_call
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN, Question
from execverify.questions.rows import Row, from_row
from execverify.questions.select import ask
from execverify.questions.task import CODE_GENERATION, Task, task
from execverify.reports.run_items import read_run_items
from execverify.reports.viewer_items import Asked, Part, Sample, ViewItem, asked_of, item_of, sample_of
from execverify.rewards.code.unit_tests import UnitTestTask, task_from_row
from execverify.rewards.parts import Score, Verdict
from execverify.rewards.score import score_many
from execverify.rewards.steps.grade import described_program
from execverify.tracing.trace import Trace

SAMPLES = "samples.jsonl"
"""The file of a training's stage with some of its completions."""

_SAMPLE_FIELDS = frozenset({"step", "id", "prompt", "completion", "graded"})


def items_of_programs(traces: Iterable[tuple[str, Trace]], limit: int | None, seed: int) -> Iterator[ViewItem]:
    """Traced programs with the questions that can be asked about them.

    Args:
        traces: names and traces.
        limit: most questions of a program; None for every one.
        seed: chooses among them.
    """
    for name, trace in traces:
        program = trace.program
        try:
            one = task(trace, limit=limit, seed=seed, id=name)
        except QuestionError:  # it did not return, or its result has no literal
            asked = tuple(_asked(question) for question in _questions(trace, limit, seed))
            yield ViewItem(id=name, kind="program", program=program, asked=asked)
            continue
        yield replace(item_of(one), kind="program", facts={}, prompt=())


def _questions(trace: Trace, limit: int | None, seed: int) -> Sequence[Question]:
    try:
        return ask(trace, limit=limit, seed=seed)
    except QuestionError:
        return ()


def _asked(question: Question) -> Asked:
    return Asked(question.kind, question.text, question.answers, question.line, question.visit, question.variable)


def items_of_pairs(pairs: Sequence[tuple[Row, Sequence[str]]], workers: int = 1, **how: Any) -> list[ViewItem]:
    """Rows with their completions, which are graded here.

    Args:
        pairs: each row with its completions.
        workers: processes that run programs.
        how: as `score_many` takes it.
    """
    tasks = [task_from_row(row) for row, _ in pairs]
    texts = [(one, text) for one, (_, completions) in zip(tasks, pairs, strict=True) for text in completions]
    scores = iter(score_many(texts, workers=workers, chains=True, **how))
    found = []
    for one, (row, completions) in zip(tasks, pairs, strict=True):
        samples = [graded_sample(one, text, next(scores)) for text in completions]
        found.append(_item_of_row(one, row, samples))
    return found


def _item_of_row(one: Task | UnitTestTask, row: Row, samples: Sequence[Sample]) -> ViewItem:
    if isinstance(one, Task):
        return item_of(one, samples)
    asked = tuple(Asked("unit_test", f"test {number}", ()) for number in range(1, len(one.tests.tests) + 1))
    prompt = row.get("prompt") or ()
    return ViewItem(one.id, CODE_GENERATION, prompt=prompt, asked=asked, samples=tuple(samples), level=row.get("level"))


def graded_sample(one: Task | UnitTestTask, text: str, score: Score, **notes: str) -> Sample:
    """A completion with its score, and the program that its chain of thought describes."""
    other = None
    if isinstance(one, Task) and one.kind == "input_prediction" and score.chain is not None and score.chain.steps:
        other = described_program(one, text)
    return sample_of(text, score, other, **notes)


# --------------------------------------------------------------------------------------------------------- evaluations


def items_of_run(folder: Path, limit: int | None, workers: int = 1) -> tuple[Mapping[str, Any], list[ViewItem]]:
    """The results of an evaluation and its items.

    Args:
        folder: that `execverify evaluate --output` made.
        limit: only the first so many items.
        workers: processes that run programs.

    Raises:
        EvaluationError: it is no folder of an evaluation, or of another version.
    """
    results = read_results(folder)
    texts = _completions(folder)
    lines = list(islice(read_run_items(folder), limit))
    style = str(results["style"])
    tasks = [from_row(line["row"]) if "row" in line else None for line in lines]
    asked = [
        (line, one, [_in_tags(text, style, one) for text in texts.get(line["id"], ())])
        for line, one in zip(lines, tasks, strict=True)
    ]
    to_grade = [
        (one, text) for _, one, completions in asked if one is not None and one.kind != CODE_GENERATION for text in completions
    ]
    scores = iter(score_many(to_grade, workers=workers, chains=True))
    found = []
    for line, one, completions in asked:
        is_graded_here = one is not None and one.kind != CODE_GENERATION
        graded = [next(scores) if is_graded_here else None for _ in completions]
        samples = [
            _run_sample(line, one, text, score, marks)
            for text, score, marks in zip(completions, graded, line["samples"], strict=False)
        ]
        found.append(_run_item(line, one, samples))
    return results, found


def _in_tags(text: str, style: str, one: Task | None) -> str:
    return f"{ANSWER_OPEN}\n{text}\n{ANSWER_CLOSE}" if style == PLAIN and one is not None else text


def _completions(folder: Path) -> dict[str, list[str]]:
    """The completions of each item, by its name."""
    file = folder / GENERATIONS
    found: dict[str, list[str]] = {}
    try:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                if "id" in entry:
                    found[str(entry["id"])] = [str(text) for text in entry.get("completions") or ()]
    except FileNotFoundError:
        raise EvaluationError(f"{file}: no such file; the folder {folder} is not whole: evaluate again") from None
    except (OSError, ValueError, RecursionError, AttributeError, TypeError) as error:
        raise EvaluationError(f"{file} cannot be read: {error}") from None
    return found


def _run_sample(line: Mapping[str, Any], one: Task | None, text: str, score: Score | None, marks: Mapping[str, Any]) -> Sample:
    notes = {"cut off": "at the most tokens"} if marks.get("truncated") else {}
    columns = list(zip(line["tasks"], line["expected"], marks["official"], marks["strict"], marks["why"], strict=True))
    if one is None or score is None:
        return Sample(text, None, tuple(_stored_part(column, marks["extracted"]) for column in columns), notes=notes)
    graded = graded_sample(one, text, score, **notes)
    more = tuple(_stored_part(column, None) for column in columns[len(graded.parts) :])
    return replace(graded, parts=graded.parts + more)


def _stored_part(column: tuple[str, str, bool | None, bool | None, str], given: str | None) -> Part:
    kind, expected, official, strict, why = column
    if official is None and strict is None:
        verdict = Verdict.GRADER_ERROR
    elif official and strict:
        verdict = Verdict.RIGHT
    elif given is None and kind not in ("chain", "verified"):
        verdict = Verdict.MISSING
    else:
        verdict = Verdict.WRONG
    return Part(kind, str(verdict), given, (expected,), why, official, strict)


def _run_item(line: Mapping[str, Any], one: Task | None, samples: Sequence[Sample]) -> ViewItem:
    facts = {name: str(value) for name, value in line["slices"].items() if name not in ("level", "steps")}
    if line.get("error"):
        facts["failed on our side"] = str(line["error"])
    tasks = line["tasks"]
    known = tuple(asked_of(one)) if one is not None and one.kind != CODE_GENERATION else ()
    columns = list(zip(tasks, line["questions"], line["expected"], strict=True))
    asked = known + tuple(Asked(kind, text, (answer,), *_place(text)) for kind, text, answer in columns[len(known) :])
    kind = one.kind if one is not None else tasks[0] if len(set(tasks)) == 1 else "several"
    program = one.program if one is not None else _program(line)
    level = one.level if one is not None else None
    return ViewItem(
        line["id"], kind, program, line.get("program", ""), line["call"], line["prompt"], asked, tuple(samples), level, facts
    )


def _place(question: str) -> tuple[int, int]:
    """The line that a question of a benchmark names, and every visit of it."""
    words = question.rstrip("?.").split()
    at = words.index("line") + 1 if "line" in words else len(words)
    return (int(words[at]), 0) if at < len(words) and words[at].isdecimal() else (0, 0)


def _program(line: Mapping[str, Any]) -> Program | None:
    """The program of an item, with the call that it shows or expects; None where there is no such call."""
    for call in (line["call"], line["expected"][0]):
        try:
            name, arguments = parse_call(call)
            return Program(line["program"], name, arguments)
        except ExecVerifyError:
            continue
    return None


# ----------------------------------------------------------------------------------------------------------- trainings


def is_training(folder: Path) -> bool:
    """Whether a folder holds the samples of a training, or of one of its stages."""
    return bool(_sample_files(folder))


def _sample_files(folder: Path) -> list[Path]:
    own = folder / SAMPLES
    return [own] if own.is_file() else sorted(folder.glob(f"*/{SAMPLES}"))


def items_of_training(folder: Path, limit: int | None, workers: int = 1) -> list[ViewItem]:
    """The samples of a training's stages, those of one prompt and update together.

    The rows are looked for in the training's folder; where a row is there, its completions are graded anew, with their chains.

    Raises:
        RowError: a file of samples has another form.
    """
    groups: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for file in _sample_files(folder):
        for number, entry in enumerate(_sample_lines(file), start=1):
            name = str(entry.get("id") or f"line {number}")
            groups.setdefault((file.parent.name, int(entry.get("step") or 0), name), []).append(entry)
    kept = list(groups.items())[:limit]
    rows = _rows_by_id(folder.parent if (folder / SAMPLES).is_file() else folder, {name for (_, _, name), _ in kept})
    pairs, places = [], []
    for place, ((_, _, name), entries) in enumerate(kept):
        if (row := rows.get(name)) is not None and _is_usable(row):
            pairs.append((row, [str(entry["completion"]) for entry in entries]))
            places.append(place)
    graded = dict(zip(places, items_of_pairs(pairs, workers), strict=True))
    stages = Counter(
        (update, name) for _, update, name in groups
    )  # most names stand in one stage alone, and short ones fit the list
    return [_training_item(key, entries, graded.get(place), stages[key[1:]] > 1) for place, (key, entries) in enumerate(kept)]


def _is_usable(row: Row) -> bool:
    try:
        task_from_row(row)
    except ExecVerifyError:
        return False
    return True


def _sample_lines(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                entry = json.loads(line)
                if not isinstance(entry, dict) or not isinstance(entry.get("completion"), str):
                    raise RowError(f"{file}:{number} is no sample of a training: it has no completion")
                yield entry
    except (OSError, ValueError, RecursionError) as error:
        raise RowError(f"{file} cannot be read: {error}") from None


def _training_item(
    key: tuple[str, int, str], entries: Sequence[dict[str, Any]], graded: ViewItem | None, several: bool
) -> ViewItem:
    stage, step, name = key
    shown = f"{name}, update {step}{f' of {stage}' if several else ''}"
    prompt = [{"role": "user", "content": str(entries[0].get("prompt") or "")}]
    rewards = [_logged_rewards(entry) for entry in entries]
    if graded is None:
        samples = [
            Sample(
                str(entry["completion"]),
                next(iter(its.values()), None),
                notes={**_as_text(its), "graded": str(entry.get("graded") or "")},
            )
            for entry, its in zip(entries, rewards, strict=True)
        ]
        return ViewItem(shown, "completion", prompt=prompt, samples=tuple(samples), facts={"stage": stage, "update": str(step)})
    samples = [
        replace(sample, reward=next(iter(its.values()), sample.reward), notes={**sample.notes, **_as_text(its)})
        for sample, its in zip(graded.samples, rewards, strict=True)
    ]
    return replace(
        graded,
        id=shown,
        prompt=prompt,
        samples=tuple(samples),
        facts={**graded.facts, "stage": stage, "update": str(step)},
    )


def _logged_rewards(entry: Mapping[str, Any]) -> dict[str, float]:
    """The rewards that the training gave, by the name of the function."""
    return {name: value for name, value in entry.items() if name not in _SAMPLE_FIELDS and isinstance(value, int | float)}


def _as_text(rewards: Mapping[str, float]) -> dict[str, str]:
    return {name.replace("_", " "): f"{value:g}" for name, value in rewards.items()}


def _rows_by_id(folder: Path, wanted: set[str]) -> dict[str, Row]:
    """Rows of a training's folder, by their names."""
    _, pq = pyarrow_or_error()
    found: dict[str, Row] = {}
    if not wanted:  # pyarrow has no filter of an empty list
        return found
    for shard in sorted({*folder.glob("*/data/*.parquet"), *folder.glob("*.parquet")}):
        try:
            if {"id", "kind", "program"} <= set(pq.read_schema(shard).names):
                for row in pq.read_table(shard, filters=[("id", "in", sorted(wanted))]).to_pylist():
                    found.setdefault(row["id"], row)
        except (OSError, ValueError):
            continue
    return found


def is_run(path: Path) -> bool:
    """Whether a path is the folder of an evaluation, or a file of it.

    Raises:
        EvaluationError: it is the folder of several evaluations.
    """
    if (path / RESULTS).is_file() or path.name == RESULTS:
        return True
    check_one_run(path)
    return False
