"""Options for where work runs: in processes on this machine, or on a Ray cluster."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from execverify.cli.common import default_workers
from execverify.datasets.workers import Workers

Command = TypeVar("Command", bound=Callable[..., Any])

LOCAL, RAY = "local", "ray"

_WORKERS: Any = click.option(
    "--workers",
    type=click.IntRange(1),
    show_default="all cores of the machine or the cluster",
    help="Processes at work.",
)
_ENGINE: Any = click.option(
    "--engine",
    default=LOCAL,
    show_default=True,
    type=click.Choice([LOCAL, RAY]),
    help="Where they are: on this machine, or on the Ray cluster that RAY_ADDRESS names.",
)


def engine_options(command: Command) -> Command:
    """Adds --workers and --engine; `open_workers` takes what they give."""
    with_options: Command = _WORKERS(_ENGINE(command))
    return with_options


@contextlib.contextmanager
def open_workers(engine: str, workers: int | None) -> Iterator[Workers]:
    """What the verbs take as `workers`.

    Raises:
        SandboxError: Ray is not installed, or the cluster cannot be reached.
    """
    if engine == LOCAL:
        yield workers or default_workers()
        return
    from execverify.datasets.ray_pool import RayPool

    with RayPool(workers) as pool:
        yield pool
