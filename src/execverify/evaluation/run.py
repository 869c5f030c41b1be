"""`evaluate`: a benchmark asked of a model, judged twice, with all that the figures depend on written down.

    evaluation = evaluate("heldout", "mock:gold")
    evaluation.results["strict"]["pass_at_1"]          # 100.0

The model may be a name (a hub name or folder, a URL, `replay:FILE`, `mock:gold`), a `Model`, or a function that answers a list
of conversations, as inside a training run.
"""

import hashlib
import json
import logging
import platform
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify import __version__
from execverify.errors import EvaluationError
from execverify.evaluation import metrics as figures
from execverify.evaluation.answers import EXECVERIFY, PLAIN, Answer
from execverify.evaluation.benchmark import Benchmark, Grade, Item, ItemResult
from execverify.evaluation.chain_figures import chain_figures
from execverify.evaluation.data import Progress, Source, digest, no_progress
from execverify.evaluation.model_adapters import GenerateFn, SharedModel, recorded_file, replay_settings, resolve_model
from execverify.evaluation.prompts import PROMPT_STYLES
from execverify.evaluation.registry import benchmark as benchmark_of
from execverify.evaluation.run_dir import FORMAT, GENERATIONS, check_items, check_output
from execverify.generation.budget import Budget
from execverify.generation.store import RequestStore
from execverify.generation.stored_model import StoredModel
from execverify.models import Generation, Model, Request, Sampling
from execverify.models.cache import generate_cached
from execverify.models.model import SKIPPED_REQUEST
from execverify.models.registry import check_spec
from execverify.programs.program import truncate
from execverify.utils.messages import count_phrase

_log = logging.getLogger(__name__)

_LONGEST_REASON = 200  # characters
_FEW_PROGRAMS = 10  # of fewer, an interval over programs says little
_STOP = {"direct": ("[/ANSWER]",), "cot": ("[/ANSWER]",)}


@dataclass(frozen=True)
class Evaluation:
    """A run and what came of it.

    Attributes:
        results: all figures and settings, as plain values.
        records: what became of each item.
        prompts: the messages of each item, in order.
    """

    results: dict[str, Any]
    records: tuple[ItemResult, ...]
    prompts: tuple[tuple[Mapping[str, str], ...], ...]


def evaluate(
    benchmark: str | Benchmark,
    model: Model | SharedModel | GenerateFn | str,
    *,
    data: str | Path | None = None,
    style: str | None = None,
    sampling: Sampling | None = None,
    limit: int | None = None,
    out: str | Path | None = None,
    store: str | Path | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    workers: int = 1,
    imports: Collection[str] = (),
    options: Mapping[str, Any] | None = None,
    progress: Progress = no_progress,
) -> Evaluation:
    """Runs a benchmark on a model.

    Args:
        benchmark: its name, or the benchmark itself.
        model: who is asked.
        data: the benchmark's file; None for the hub, or where none is needed.
        style: how it is asked, see `prompts.py`; by default "execverify", and "bare" for CRUXEval's files of generations.
        sampling: how completions are drawn; by default one, greedily (recorded answers: as many as there are).
        limit: only the first so many items.
        out: a folder in which generations are kept as they arrive, and from which an interrupted run goes on.
        store: a folder in which answers are kept by content, for all runs that name it: what it has is not asked again.
        budget: what the answers in the store may use, those of earlier runs included; it needs a store.
        seed: for benchmarks that draw their items.
        workers: how many processes run programs at once.
        imports: installed modules that the benchmark's programs may import beside the standard library.
        options: what the model's kind takes, see `models.load`.
        progress: called with what is done, and how much of it.

    Raises:
        EvaluationError: no such benchmark, style or data.
        ModelError: no such model, or a folder of another run.
        RunStopped: the budget is spent. The same call with a larger one resumes.
        InsufficientIsolationError: an answer must be run, and this system cannot confine it.
    """
    bench = benchmark_of(benchmark) if isinstance(benchmark, str) else benchmark
    if isinstance(model, str) and "backend" not in (options or {}):
        check_spec(model)
    path = None if data is None else Path(data)
    chosen, drawn, described = _sampling_and_style(model, style, sampling)
    reading = bench.answer_format(chosen)
    if out is not None:
        check_output(Path(out), [bench.about.name])
    _check(bench, imports, limit, store, budget)
    source = bench.located(Source(path, seed, workers, _names(imports), limit, progress))
    path = source.path
    items = _items(bench, source)
    if limit is not None:
        _report_limit(bench.about.name, limit, items)
    prompts = tuple(bench.messages(item, chosen) for item in items)
    requests = [Request(item.id, messages) for item, messages in zip(items, prompts, strict=True)]
    _log.info("%s: %d items from %s, prompt style %s", bench.about.name, len(items), path or bench.about.source_url, chosen)
    asked = resolve_model(model, bench, items, reading, options or {})
    generations, answered = _answers(
        asked, requests, drawn, out, store, budget, progress, benchmark=bench.about.name, close=isinstance(model, str)
    )
    records = grade_records(bench, items, generations, reading, workers, progress)
    asked_for = {
        **_source(path, limit, seed, imports),
        "model": answered,
        **_prompting(chosen, prompts),
        "sampling": described or drawn.plain(),
    }
    found = {**_about(bench), **asked_for, **metrics_of(bench, records, workers, drawn.n, progress)}
    return Evaluation(found, tuple(records), prompts)


def _check(
    bench: Benchmark, imports: Collection[str], limit: int | None, store: str | Path | None, budget: Budget | None
) -> None:
    """Refuses arguments that do not fit together, before programs run."""
    if imports and not bench.takes_imports:
        raise EvaluationError(f"{bench.about.name} knows by itself what its programs import: leave out imports (--allow-imports)")
    if limit is not None and limit < 1:
        raise EvaluationError(f"limit is {limit}: give 1 or more, or leave it out")
    if budget is not None and budget.is_limited and store is None:
        raise EvaluationError("a budget needs a store, in which what was used is counted: give a folder as store (--store)")
    if store is not None:
        RequestStore(store).close()


def _answers(
    asked: Model,
    requests: list[Request],
    drawn: Sampling,
    out: str | Path | None,
    store: str | Path | None,
    budget: Budget | None,
    progress: Progress,
    *,
    benchmark: str,
    close: bool,
) -> tuple[dict[str, Generation], dict[str, Any]]:
    """The generations of a model, and what it is, as results record it; a model that was made here is closed."""
    try:
        if store is None:
            generations = _generated(asked, requests, drawn, out, progress, benchmark)
        else:
            with closing(RequestStore(store)) as kept:
                generations = _generated(StoredModel(asked, kept, budget), requests, drawn, out, progress, benchmark)
        return generations, {"name": asked.name, "settings": json.loads(json.dumps(dict(asked.settings), default=str))}
    finally:
        if close:
            asked.close()


def _source(path: Path | None, limit: int | None, seed: int, imports: Collection[str]) -> dict[str, Any]:
    """Which items were asked, as results record it."""
    data = {"file": None if path is None else path.name, "sha256": None if path is None else digest(path)}
    return {"data": data, "seed": seed, "limit": limit, "imports": sorted(imports)}


def _prompting(style: str, prompts: Sequence[Sequence[Mapping[str, str]]]) -> dict[str, Any]:
    """How the items were asked, as results record it."""
    texts = json.dumps([list(map(dict, messages)) for messages in prompts])
    name = style if style in PROMPT_STYLES else Path(style).name
    return {"style": name, "prompts": hashlib.sha256(texts.encode()).hexdigest()[:16]}


def _names(imports: Collection[str]) -> tuple[str, ...]:
    if isinstance(imports, str):
        raise EvaluationError(f"imports must be names of modules, such as ['numpy'], not the text {imports!r}")
    return tuple(sorted(set(imports)))


def _items(bench: Benchmark, source: Source) -> list[Item]:
    """The items that are asked, each under an id of its own."""
    items = bench.items(source)[: source.limit]
    twice = [id for id, count in Counter(item.id for item in items).items() if count > 1]
    if twice:
        where = source.path or bench.about.name
        raise EvaluationError(f"{where} has {len(twice)} ids more than once, such as {twice[0]}: give each item its own")
    return items


def _report_limit(name: str, limit: int, items: Sequence[Item]) -> None:
    """Logs how many programs a limit kept where items share programs; a warning where they are too few for an interval over programs."""
    programs = figures.count_programs(items)
    if programs == len(items):
        return
    few = programs < _FEW_PROGRAMS
    _log.log(
        logging.WARNING if few else logging.INFO,
        "%s: limit %d keeps %s about %s%s",
        name,
        limit,
        count_phrase(len(items), "item"),
        count_phrase(programs, "program"),
        "; intervals are over programs and mean little for so few: raise the limit" if few else "",
    )


def _about(bench: Benchmark) -> dict[str, Any]:
    """What the results are of, and by which rules."""
    return {
        "format": FORMAT,
        "execverify": __version__,
        "python": platform.python_version(),
        "benchmark": bench.about.name,
        "rule": {"official": bench.about.official, "strict": bench.about.strict},
        "one_rule": bench.about.one_rule,
    }


def _sampling_and_style(
    model: object, style: str | None, sampling: Sampling | None
) -> tuple[str, Sampling, dict[str, Any] | None]:
    """Style and sampling, and what is to be written down of the sampling where answers are recorded."""
    path = recorded_file(model)
    if path is None:
        chosen = style or EXECVERIFY
        drawn = sampling or Sampling()
        stop = drawn.stop or _STOP.get(chosen, ())
        return chosen, Sampling(drawn.temperature, drawn.top_p, drawn.max_tokens, drawn.n, drawn.seed, stop), None
    known, samples, taken_out = replay_settings(path)
    chosen = style or (PLAIN if taken_out else EXECVERIFY)
    drawn = sampling or Sampling(n=samples)
    return chosen, drawn, {**known, "n": drawn.n} if known else {"recorded": True, "n": drawn.n}


def _generated(
    model: Model, requests: Sequence[Request], sampling: Sampling, out: str | Path | None, progress: Progress, benchmark: str
) -> dict[str, Generation]:
    found: dict[str, Generation] = {}
    arriving: Iterator[Generation]
    if out is None:
        arriving = iter(model.generate(requests, sampling))
    else:
        folder = Path(out)
        check_items(folder, model.name, {request.id for request in requests})
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EvaluationError(f"{folder} cannot be made: {error.strerror}") from None
        arriving = generate_cached(folder / GENERATIONS, model, requests, sampling, benchmark=benchmark)
    progress("asking", 0, len(requests))
    for generation in arriving:
        found[generation.id] = generation
        progress("asking", len(found), len(requests))
    return found


def grade_records(
    bench: Benchmark,
    items: Sequence[Item],
    generations: Mapping[str, Generation],
    style: str,
    workers: int,
    progress: Progress = no_progress,
) -> list[ItemResult]:
    """The records of items from what was generated."""
    answers: list[tuple[Item, Answer]] = []
    for item in items:
        generation = generations.get(item.id)
        answers += [(item, bench.extract(item, text, style)) for text in (generation.completions if generation else ())]
    marks = iter(_marks(bench, answers, workers, progress, "judging"))
    taken = iter(answers)
    records = []
    for item in items:
        generation = generations.get(item.id) or Generation(item.id, (), "nothing came back for this item")
        count = len(generation.completions)
        its = tuple(next(taken)[1] for _ in range(count))
        cut = tuple(reason == "length" for reason in generation.finish_reasons)
        records.append(
            ItemResult(item, generation.completions, its, tuple(next(marks) for _ in range(count)), generation.error, cut)
        )
    return records


def _marks(
    bench: Benchmark, answers: Sequence[tuple[Item, Answer]], workers: int, progress: Progress, what: str
) -> list[tuple[Grade, ...]]:
    """The marks of answers, judged in batches of the benchmark's size."""
    size = bench.together or max(1, len(answers))
    found: list[tuple[Grade, ...]] = []
    for at in range(0, len(answers), size):
        progress(what, at, len(answers))
        found += bench.judge(answers[at : at + size], workers)
    progress(what, len(answers), len(answers))
    return found


def metrics_of(
    bench: Benchmark, records: Sequence[ItemResult], workers: int, n: int, progress: Progress = no_progress
) -> dict[str, Any]:
    """All figures of a run."""
    ks = [k for k in figures.PASS_AT_K if k <= n]
    unjudged = sum(1 for record in records for sample in record.marks if any(_is_ungraded(mark) for mark in sample))
    found: dict[str, Any] = {
        "items": len(records),
        "completions": sum(len(record.completions) for record in records),
        "truncated": sum(sum(record.truncated) for record in records),
        "failures": {"not_generated": sum(record.error is not None for record in records), "not_judged": unjudged},
        "failure_reasons": _failure_reasons(records),
        **{verdict: _scores(bench, records, verdict == "strict", ks) for verdict in ("official", "strict")},
        "baselines": figures.constant_baselines(_baseline_scores(bench, [record.item for record in records], workers, progress)),
        "slices": figures.slices(records),
    }
    more = bench.extra_metrics(records)
    if more:
        found["extra_metrics"] = more
        found["extra_metric_units"] = {name: unit for name, unit in bench.counts.items() if name in more}
    chains = chain_figures(records)
    if chains is not None:
        found["faithfulness"] = chains
    differing = figures.disagreements(records)
    found["disagreements"] = {"count": len(differing), "ids": differing}
    found["item_grades"] = figures.rows_of(records)
    found["item_programs"] = figures.programs_of(records)
    return found


def _scores(bench: Benchmark, records: Sequence[ItemResult], strict: bool, ks: Sequence[int]) -> dict[str, Any]:
    """pass@k by one verdict, and the benchmark's own scores."""
    found = figures.score(records, strict, ks)
    own = figures.own_scores(bench.own_scores(records, strict))
    return {**found, "own_scores": own} if own else found


def _failure_reasons(records: Sequence[ItemResult]) -> list[dict[str, Any]]:
    """Why completions or verdicts are missing: the first text of each kind and how often it came, in the order of the items.

    Texts that differ in numbers alone, or in what stands between quotation marks, are of one kind. Requests that were not sent, because
    others had failed, come last.
    """
    texts = [record.error for record in records if record.error is not None]
    for sample in (sample for record in records for sample in record.marks):
        texts += [mark.why for mark in sample if _is_ungraded(mark)][:1]
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        line = truncate(text, _LONGEST_REASON) or "no reason is known"
        kind = re.sub(r"\d+|'[^']*'", "_", line)
        found.setdefault(kind, {"reason": line, "count": 0})["count"] += 1
    return sorted(found.values(), key=lambda kind: kind["reason"].startswith(SKIPPED_REQUEST))


def _is_ungraded(mark: Grade) -> bool:
    return mark.official is None or mark.strict is None


_Scores = dict[str, dict[str, Any]]
_known_floors: dict[tuple[type, str], _Scores] = {}  # a training run asks for the same ones again and again


def _baseline_scores(bench: Benchmark, items: Sequence[Item], workers: int, progress: Progress) -> _Scores:
    """The scores of each constant answer on the same items; worked out once for the same items."""
    described = [[item.id, item.program, item.call, list(item.expected)] for item in items]
    key = type(bench), hashlib.sha256(json.dumps([bench.constants, described]).encode()).hexdigest()
    if key not in _known_floors:
        _known_floors[key] = _scored_constants(bench, items, workers, progress)
    return _known_floors[key]


def _scored_constants(bench: Benchmark, items: Sequence[Item], workers: int, progress: Progress) -> _Scores:
    texts = list(bench.constants)

    def answer(item: Item, text: str) -> Answer:
        return bench.extract(item, bench.complete(item, bench.constant(item, text), PLAIN), PLAIN)

    described = [[answer(item, text) for item in items] for text in texts]
    pairs = [(item, answer) for answers in described for item, answer in zip(items, answers, strict=True)]
    marks = _marks(bench, pairs, workers, progress, "judging constant answers")
    scores = {}
    for at, (text, answers) in enumerate(zip(texts, described, strict=True)):
        its = marks[at * len(items) : (at + 1) * len(items)]
        records = [ItemResult(i, ("",), (a,), (m,)) for i, a, m in zip(items, answers, its, strict=True)]
        scores[text] = {verdict: _constant_scores(bench, records, verdict == "strict") for verdict in ("official", "strict")}
    return scores


def _constant_scores(bench: Benchmark, records: Sequence[ItemResult], strict: bool) -> dict[str, float]:
    """The scores of one constant answer, of all, of each task, and the benchmark's own."""
    own = {
        name: figures.percent(sum(map(sum, clusters)), sum(map(len, clusters)))
        for name, clusters in bench.own_scores(records, strict).items()
        if clusters
    }
    return {**figures.pass_at_1(records, strict), **own}
