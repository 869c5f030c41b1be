"""The verb `evaluate`: benchmarks on a model."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from execverify.cli.asking import budget_of, budget_options, note_store
from execverify.cli.common import SAMPLES, Finite, allow_imports, default_workers, model_options, seed_option
from execverify.cli.progress import Progress
from execverify.cli.terminal import Text, echo_json, note, stdout
from execverify.errors import EvaluationError, ExecVerifyError, ModelError
from execverify.evaluation.model_adapters import SharedModel
from execverify.evaluation.prompts import PROMPT_STYLES
from execverify.evaluation.registry import all_benchmarks
from execverify.evaluation.run import Evaluation, evaluate
from execverify.evaluation.run_dir import check_output, holds_run
from execverify.models import Sampling
from execverify.reports.benchmarks import HEAD, interval_note, summary_cells, write_summary
from execverify.reports.benchmarks import PAGE as SUMMARY_PAGE
from execverify.reports.benchmarks import TABLE as SUMMARY_TABLE
from execverify.reports.evaluation import RUN_FILES, write_run
from execverify.reports.legend import shown
from execverify.reports.run_summary import (
    best_baseline,
    count_figures,
    failure_reasons,
    faithfulness_summary,
    figure_text,
    pass_cells,
    pass_columns,
    percent_figures,
    program_count,
    run_summary,
    tasks_of,
    verdicts_of,
)
from execverify.utils.messages import count_phrase


@click.command("evaluate")
@click.argument("benchmarks", nargs=-1, metavar="BENCHMARK ...")
@click.option("--list", "listed", is_flag=True, help="List the benchmarks: size, licence, source, rule.")
@click.option("--model", metavar="M", help="A hub name or folder, an http(s) URL, replay:FILE, mock:gold, mock:constant:TEXT.")
@click.option(
    "--data",
    multiple=True,
    metavar="FILE|FOLDER",
    help="The benchmark's data: a file, for reval a folder (of several benchmarks: NAME=FILE or NAME=FOLDER).  "
    "[default: fetched by its public name, where it has one]",
)
@click.option(
    "--prompt-template", "style", help=f"How it is asked: {', '.join(PROMPT_STYLES)}, or a template file.  [default: execverify]"
)
@click.option("-n", "--num-samples", "n", type=SAMPLES, help="Completions for each item.  [default: 1; recorded answers: all]")
@click.option("--temperature", type=Finite(0), help="0 takes the likeliest token.  [default: 0]")
@click.option("--top-p", type=Finite(0, 1, min_open=True), help="Share of probability drawn from.  [default: 1]")
@click.option("--max-tokens", type=click.IntRange(1), help="Most tokens of a completion.  [default: 1024]")
@seed_option("For sampling, and for what a benchmark draws.")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many items.")
@click.option(
    "-o",
    "--output",
    "out",
    metavar="RUN",
    help="Folder for generations, results, table and page (of several: one each); a stopped run goes on from it.",
)
@click.option(
    "--store",
    metavar="FOLDER",
    help="Keep requests and answers here by content, for all runs that name it; what it has is not asked again.",
)
@budget_options
@click.option(
    "--model-arg", "options", multiple=True, metavar="NAME=VALUE", help="For the model, such as backend=vllm or model=NAME."
)
@click.option(
    "--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes that run programs."
)
@allow_imports
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
def evaluate_command(
    benchmarks: tuple[str, ...],
    listed: bool,
    model: str | None,
    data: tuple[str, ...],
    style: str | None,
    n: int | None,
    temperature: float | None,
    top_p: float | None,
    max_tokens: int | None,
    seed: int,
    limit: int | None,
    out: str | None,
    store: str | None,
    options: tuple[str, ...],
    workers: int,
    imports: tuple[str, ...],
    as_json: bool,
    **limits: Any,
) -> None:
    """Run benchmarks on a model, and score them by their authors' rules and strictly, beside the baselines of constant answers.

    Exits with 3 where something failed on our side, and the figures are of fewer items: give the command again to go on. Exits with 3,
    too, where the budget of --max-tokens-total or --max-cost is spent: give the command with a larger one to go on.
    """
    if listed:
        _list(as_json)
        return
    if not benchmarks:
        raise click.UsageError("name a benchmark; `execverify evaluate --list` shows them")
    if model is None:
        raise click.UsageError("name the model: --model M, such as mock:gold, a folder, a hub name or a server's URL")
    budget = budget_of(limits)
    if budget.is_limited and store is None:
        raise click.UsageError("--max-tokens-total and --max-cost need --store FOLDER, in which what was used is counted")
    files = _files(benchmarks, data)
    given = {"n": n, "temperature": temperature, "top_p": top_p, "max_tokens": max_tokens}
    known: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    recorded = model.startswith("replay:") and not known
    if (n or 1) > 1 and not temperature and not model.startswith(("replay:", "mock:")):
        note(f"at temperature 0 the {n} completions of an item are all the same: set --temperature", style="yellow")
    asking = partial(
        evaluate, style=style, sampling=None if recorded else Sampling(**known, seed=seed), limit=limit, seed=seed,
        store=store, budget=budget, workers=workers, imports=imports,
    )  # fmt: skip
    if out is not None:
        check_output(Path(out), benchmarks)
    with _model(model, model_options(options), len(benchmarks)) as asked:
        runs = _evaluate_each(benchmarks, files, partial(asking, **asked), out, as_json)
    if store is not None:
        note_store(store, budget)
    if len(benchmarks) > 1 and runs:
        _summarize(runs, out, as_json)
    if len(runs) < len(benchmarks):
        note(f"not evaluated: {len(benchmarks) - len(runs)} of {len(benchmarks)} benchmarks", style="red")
        sys.exit(2)
    _exit_on_failures(runs)


@contextmanager
def _model(spec: str, options: dict[str, Any], benchmarks: int) -> Iterator[dict[str, Any]]:
    """The arguments `model` and `options` of `evaluate`. Several benchmarks share a model, which is loaded once."""
    if benchmarks == 1 or spec.startswith(("replay:", "mock:")):
        yield {"model": spec, "options": options}
        return
    with closing(SharedModel(spec, options)) as shared:
        yield {"model": shared}


def _evaluate_each(
    benchmarks: tuple[str, ...], files: Mapping[str, str], asking: Callable[..., Evaluation], out: str | None, as_json: bool
) -> list[dict[str, Any]]:
    """Evaluates the benchmarks, writes and shows each; the results of those that could be made, in the order of the command."""
    runs = []
    for name in _order(benchmarks, out):
        folder = None if out is None else Path(out) if len(benchmarks) == 1 else _made(Path(out)) / name
        found = _evaluated(name, partial(asking, data=files.get(name), out=folder), is_alone=len(benchmarks) == 1)
        if found is None:
            continue
        if folder is not None:
            write_run(folder, found)
            note(f"{folder}: {', '.join(RUN_FILES)}")
        if as_json:
            echo_json(found.results)
        elif len(benchmarks) == 1:
            _print(found.results)
        runs.append(found.results)
    return sorted(runs, key=lambda results: benchmarks.index(results["benchmark"]))


def _order(benchmarks: tuple[str, ...], out: str | None) -> list[str]:
    """Those with a run in the folder first: where it is another model's, the command ends before it writes anything."""
    return sorted(benchmarks, key=lambda name: out is not None and not holds_run(Path(out) / name))


def _evaluated(name: str, asking: Callable[..., Evaluation], is_alone: bool) -> Evaluation | None:
    """One benchmark's evaluation; None where it cannot be made, which is no reason to end the other ones. A model that fails is."""
    try:
        with Progress("preparing the items") as bar:
            return asking(name, progress=lambda what, done, total: bar.update(done, what=what, total=total))
    except ModelError:
        raise
    except ExecVerifyError as error:
        if is_alone:
            raise
        note(f"{name}: {error}", style="red")
        return None


def _exit_on_failures(runs: list[dict[str, Any]]) -> None:
    """Exits with 3 where something failed on our side."""
    failed = [results for results in runs if any(results["failures"].values())]
    for results in failed:
        note(f"{results['benchmark']}: {_told_failures(results)}" if len(runs) > 1 else _told_failures(results), style="red")
    if failed:
        sys.exit(3)


def _files(benchmarks: tuple[str, ...], data: tuple[str, ...]) -> dict[str, str]:
    """The data of each benchmark that has some."""
    if len(set(benchmarks)) < len(benchmarks):
        raise click.UsageError("a benchmark is named twice: name each once")
    found: dict[str, str] = {}
    for text in data:
        name, equals, file = text.partition("=")
        if equals and name in benchmarks:
            found[name] = file
        elif len(benchmarks) == 1:
            found[benchmarks[0]] = text
        else:
            one = f"NAME=FILE (for reval NAME=FOLDER), where NAME is {', '.join(benchmarks[:-1])} or {benchmarks[-1]}"
            raise click.UsageError(f"--data {text}: with several benchmarks, write {one}")
    return found


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvaluationError(f"{folder} cannot be made: {error.strerror or error}") from None
    return folder


def _summarize(runs: list[dict[str, Any]], out: str | None, as_json: bool) -> None:
    """One table of several benchmarks, in the terminal and in the folder."""
    if out is not None:
        write_summary(Path(out), runs)
        note(f"{out}: {SUMMARY_TABLE}, {SUMMARY_PAGE}")
    if as_json:
        return
    table = Table(*HEAD)
    for cells in summary_cells(runs):
        table.add_row(*map(Text, cells))
    stdout.print(table)
    stdout.print(Text(interval_note(runs)))
    for results in runs:
        for line in _notes(results):
            stdout.print(Text(f"{results['benchmark']}: {line}"))


def _list(as_json: bool) -> None:
    abouts = [bench.about for bench in all_benchmarks().values()]
    if as_json:
        fields = ("name", "description", "size", "licence", "source_url", "official", "strict", "needs_data")
        for about in abouts:
            echo_json({name: getattr(about, name) for name in fields})
        return
    for about in abouts:
        stdout.print(Text(about.name, style="bold"), Text(about.description), sep="  ")
        facts = (
            ("size", about.size),
            ("licence", about.licence),
            ("source", about.source_url),
            ("official", about.official),
            ("strict", about.strict),
        )
        table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 1, 0, 2))
        for name, text in facts:
            table.add_row(Text(name, style="dim"), Text(text))
        stdout.print(table)


def _print(results: dict[str, Any]) -> None:
    stdout.print(Text(f"{results['benchmark']}: {results['model']['name']}"))
    stdout.print(Text(run_summary(results), style="dim"))
    columns = pass_columns(results)
    table = Table("verdict", "task", *columns, "baseline", "programs")
    for name, label in verdicts_of(results):
        for task, score in tasks_of(results[name]):
            table.add_row(
                label,
                shown(task),
                *pass_cells(score, columns),
                Text(best_baseline(results, name, task)),
                program_count(score),
            )
    stdout.print(table)
    for line in _notes(results):
        stdout.print(Text(line))


def _notes(results: dict[str, Any]) -> Iterator[str]:
    """What a table of scores leaves out, a line each: chains, a benchmark's own figures, what was left out, where the verdicts differ."""
    if chains := faithfulness_summary(results):
        yield chains
    for name, value in percent_figures(results).items():
        yield f"{name.replace('_', ' ')}, in percent: {figure_text(value)}"
    for name, value in count_figures(results).items():
        if isinstance(value, dict):
            yield from (f"{name.replace('_', ' ')}: {count}: {reason}" for reason, count in value.items())
        else:
            yield f"{name.replace('_', ' ')}: {value}"
    differing = results["disagreements"]
    if differing["count"]:
        some = ", ".join(differing["ids"][:5]) + (" ..." if differing["count"] > 5 else "")
        yield f"official and strict differ on {count_phrase(differing['count'], 'item')}: {some}"
    if results["truncated"]:
        yield f"cut off at the most tokens: {results['truncated']} of {count_phrase(results['completions'], 'completion')}"


def _told_failures(results: dict[str, Any]) -> str:
    failures = results["failures"]
    return (
        f"not complete: {count_phrase(failures['not_generated'], 'item')} not generated, "
        f"{count_phrase(failures['not_judged'], 'sample')} not judged; "
        "they count neither as right nor as wrong" + (f"; {reasons}" if (reasons := failure_reasons(results)) else "")
    )
