"""Options of the verbs that ask a model, and what they report."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.table import Table

from execverify.cli.common import Finite, model_options
from execverify.cli.terminal import Text, note, stderr
from execverify.generation.asker import Asker
from execverify.generation.budget import Budget, Meter
from execverify.generation.funnel import funnel_lines
from execverify.generation.rows import beside
from execverify.generation.store import RequestStore
from execverify.models.registry import load
from execverify.utils.messages import count_phrase

Command = TypeVar("Command", bound=Callable[..., Any])

_BUDGET: tuple[Any, ...] = (
    click.option(
        "--max-tokens-total", type=click.IntRange(1), metavar="N", help="Stop before prompts and answers have more than N tokens."
    ),
    click.option("--max-cost", type=Finite(0, min_open=True), metavar="C", help="Stop before the tokens cost more than C."),
    click.option("--price-in", default=0.0, type=Finite(0), metavar="C", help="Price of a million tokens of prompts."),
    click.option("--price-out", default=0.0, type=Finite(0), metavar="C", help="Price of a million tokens of answers."),
)

_OPTIONS: tuple[Any, ...] = (
    click.option("--model", "spec", metavar="M", help="A hub name or folder, an http(s) URL, replay:FILE or mock:NAME."),
    click.option(
        "--model-arg",
        "model_args",
        multiple=True,
        metavar="NAME=VALUE",
        help="For the model, such as backend=vllm or model=NAME.",
    ),
    click.option(
        "--concurrency",
        default=16,
        show_default=True,
        type=click.IntRange(1, 1000),
        help="Requests to the model under way at once.",
    ),
    *_BUDGET,
    click.option(
        "--max-error-share",
        default=0.2,
        show_default=True,
        type=Finite(0, 1),
        help="Stop where a greater share of requests fails.",
    ),
    click.option(
        "--store",
        metavar="FOLDER",
        help="Keep requests and answers here by content; what it has is not asked again.  [default: beside the output]",
    ),
)


def max_tokens_option(default: int) -> Callable[[Command], Command]:
    """Adds how long an answer may be, as the parameter `max_tokens`."""
    option: Callable[[Command], Command] = click.option(
        "--max-tokens", default=default, show_default=True, type=click.IntRange(1), help="Most tokens of an answer."
    )
    return option


def asking_options(command: Command) -> Command:
    """Adds the options of `open_asker`, which the command takes as `**asking`."""
    return _with_options(command, _OPTIONS)


def budget_options(command: Command) -> Command:
    """Adds the options of `budget_of`, which the command takes as `**limits`."""
    return _with_options(command, _BUDGET)


def _with_options(command: Command, options: Sequence[Any]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def budget_of(limits: Mapping[str, Any]) -> Budget:
    """The budget that options name."""
    return Budget(limits["max_tokens_total"], limits["max_cost"], limits["price_in"], limits["price_out"])


def open_asker(asking: Mapping[str, Any], default_folder: str | Path) -> Asker:
    """An asker by the options; the requests are kept in the default folder where `--store` names none."""
    if not asking["spec"]:
        raise click.UsageError("--model is missing: name a model, such as --model http://localhost:8000/v1")
    folder = asking["store"] or default_folder
    if Path(folder) == beside("-", ".requests"):
        raise click.UsageError("beside standard output there is no place for the store of requests: name a folder with --store")
    budget = replace(budget_of(asking), max_error_share=asking["max_error_share"])
    options = model_options(asking["model_args"])
    if asking["spec"].startswith(("http://", "https://", "openai:")):
        options.setdefault("concurrency", asking["concurrency"])
    model = load(asking["spec"], **options)
    return Asker(model, RequestStore(folder), budget, asking["concurrency"])


def usage_text(asker: Asker) -> Callable[[], str]:
    """What an asker has used, as text for a line of progress."""

    def text() -> str:
        errors = asker.usage.errors
        return asker.meter.text() + (f", {count_phrase(errors, 'failed request')}" if errors else "")

    return text


def note_usage(asker: Asker) -> None:
    """Reports what was asked, and what it cost."""
    usage = asker.usage
    note(f"requests: {usage.sent} sent, {usage.from_store} from the store, {usage.errors} failed; {usage_text(asker)()}")


def note_store(folder: str, budget: Budget) -> None:
    """Reports what the answers of a store used."""
    with closing(RequestStore(folder)) as store:
        total = store.totals()
    note(f"{folder}: {count_phrase(total.answers, 'answer')}, {Meter(budget, total).text()}")


def print_funnel(entries: Sequence[Mapping[str, Any]], notes: Iterable[str] = ()) -> None:
    """Prints a funnel on standard error."""
    table = Table("stage", "passed", "rejected there", box=None, pad_edge=False)
    for stage, count, reasons in funnel_lines(entries):
        table.add_row(stage, count, Text(reasons))
    stderr.print(table)
    for one in notes:
        note(one)
