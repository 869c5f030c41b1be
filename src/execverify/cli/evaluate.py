"""The verb `evaluate`: a benchmark on a model."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from execverify.cli.common import SEED, Finite, allow_imports, default_workers
from execverify.cli.progress import Progress
from execverify.cli.terminal import Text, echo_json, note, stdout
from execverify.evaluation.prompts import PROMPT_STYLES
from execverify.evaluation.registry import all_benchmarks
from execverify.evaluation.run import evaluate
from execverify.models import Sampling
from execverify.reports.evaluation import RUN_FILES, write_run
from execverify.reports.markdown import format_interval, format_percent
from execverify.reports.run_summary import best_baseline, run_summary, tasks_of, verdicts_of
from execverify.utils.messages import count_phrase


@click.command("evaluate")
@click.argument("benchmark", required=False)
@click.option("--list", "listed", is_flag=True, help="List the benchmarks: size, licence, source, rule.")
@click.option("--model", metavar="M", help="A hub name or folder, an http(s) URL, replay:FILE, mock:gold, mock:constant:TEXT.")
@click.option("--data", metavar="FILE", help="The benchmark's data; by default its public name on the hub.")
@click.option(
    "--prompt-template", "style", help=f"How it is asked: {', '.join(PROMPT_STYLES)}, or a template file.  [default: execverify]"
)
@click.option(
    "-n", "--num-samples", "n", type=click.IntRange(1), help="Completions for each item.  [default: 1; recorded answers: all]"
)
@click.option("--temperature", type=Finite(0), help="0 takes the likeliest token.  [default: 0]")
@click.option("--top-p", type=Finite(0, 1, min_open=True), help="Share of probability drawn from.  [default: 1]")
@click.option("--max-tokens", type=click.IntRange(1), help="Most tokens of a completion.  [default: 1024]")
@click.option("--seed", default=0, show_default=True, type=SEED, help="For sampling, and for what a benchmark draws.")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many items.")
@click.option(
    "-o", "--output", "out", metavar="RUN", help="Folder for generations, results, table and page; a stopped run goes on from it."
)
@click.option(
    "--model-arg", "options", multiple=True, metavar="NAME=VALUE", help="For the model, such as backend=vllm or model=NAME."
)
@click.option(
    "--workers", default=default_workers, show_default="all cores", type=click.IntRange(1), help="Processes that run programs."
)
@allow_imports
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
def evaluate_command(
    benchmark: str | None,
    listed: bool,
    model: str | None,
    data: str | None,
    style: str | None,
    n: int | None,
    temperature: float | None,
    top_p: float | None,
    max_tokens: int | None,
    seed: int,
    limit: int | None,
    out: str | None,
    options: tuple[str, ...],
    workers: int,
    imports: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run a benchmark on a model, and score it by its authors' rule and strictly, beside the baselines of constant answers.

    Exits with 3 where something failed on our side, and the figures are of fewer items: give the command again to go on.
    """
    if listed:
        _list(as_json)
        return
    if benchmark is None or model is None:
        raise click.UsageError("name a benchmark and --model M; `execverify evaluate --list` shows the benchmarks")
    given = {"n": n, "temperature": temperature, "top_p": top_p, "max_tokens": max_tokens}
    known: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    recorded = model.startswith("replay:") and not known
    if (n or 1) > 1 and not temperature and not model.startswith(("replay:", "mock:")):
        note(f"at temperature 0 the {n} completions of an item are all the same: set --temperature", style="yellow")
    with Progress("asking") as bar:
        found = evaluate(
            benchmark,
            model,
            data=data,
            style=style,
            sampling=None if recorded else Sampling(**known, seed=seed),
            limit=limit,
            out=out,
            seed=seed,
            workers=workers,
            imports=imports,
            options=_options(options),
            progress=lambda what, done, total: bar.update(done, what=what, total=total),
        )
    if out is not None:
        write_run(Path(out), found)
        note(f"{out}: {', '.join(RUN_FILES)}")
    if as_json:
        echo_json(found.results)
    else:
        _print(found.results)
    if any(found.results["failures"].values()):
        note(_told_failures(found.results), style="red")
        sys.exit(3)


def _options(pairs: tuple[str, ...]) -> dict[str, Any]:
    """NAME=VALUE; a value that is JSON is read as such."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise click.UsageError(f"--model-arg {pair}: write NAME=VALUE, such as backend=vllm")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


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
    ks = [key for key in results["official"] if key.startswith("pass_at_")]
    table = Table("verdict", "task", *(key.replace("_at_", "@") for key in ks), "95% interval", "baseline")
    for name, label in verdicts_of(results):
        for task, score in tasks_of(results[name]):
            table.add_row(
                label,
                task,
                *(format_percent(score.get(key)) for key in ks),
                format_interval(score.get("interval")),
                Text(best_baseline(results, name, task)),
            )
    stdout.print(table)
    for name, value in results.get("extra_metrics", {}).items():
        stdout.print(Text(f"{name.replace('_', ' ')}: {json.dumps(value)}"))
    differing = results["disagreements"]
    if differing["count"]:
        some = ", ".join(differing["ids"][:5]) + (" ..." if differing["count"] > 5 else "")
        stdout.print(Text(f"official and strict differ on {count_phrase(differing['count'], 'item')}: {some}"))
    if results["truncated"]:
        stdout.print(
            Text(f"cut off at the most tokens: {results['truncated']} of {count_phrase(results['completions'], 'completion')}")
        )


def _told_failures(results: dict[str, Any]) -> str:
    failures = results["failures"]
    return (
        f"not complete: {count_phrase(failures['not_generated'], 'item')} not generated, "
        f"{count_phrase(failures['not_judged'], 'sample')} not judged; "
        "they count neither as right nor as wrong"
    )
