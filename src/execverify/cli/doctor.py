"""The verb `doctor`: what of the sandbox, the engines and the devices works here."""

import importlib
import importlib.metadata
import platform
import sys
from dataclasses import asdict
from typing import Any

import click
from rich.table import Table

from execverify.cli.terminal import Text, echo_json, stdout
from execverify.sandbox.isolation.report import Layer, layers, missing_layer_message

_ENGINES = ("torch", "transformers", "trl", "verl", "verifiers", "vllm", "datasets", "pyarrow", "numpy")


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
def doctor_command(as_json: bool) -> None:
    """What of the sandbox, the engines and the devices works here.

    Exits with 1 where untrusted code (what a model wrote, for unit tests) would be refused.
    """
    found = layers()
    refused = missing_layer_message(found)
    report = {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
        "layers": [asdict(layer) for layer in found],
        "untrusted code": "refused" if refused else "runs",
        "why": refused,
        "engines": {name: version_of(name) for name in _ENGINES},
        "devices": devices(),
    }
    if as_json:
        echo_json(report)
    else:
        _print(report, found)
    if refused:
        sys.exit(1)


def version_of(name: str) -> str | None:
    """The version of an installed package, which is not imported for it; None where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def devices() -> list[str]:
    """CUDA devices, as torch names them; none where there is no torch."""
    if version_of("torch") is None:
        return []
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as error:  # installed, and broken
        return [f"torch cannot be imported: {' '.join(str(error).split())[:200]}"]
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def _print(report: dict[str, Any], found: list[Layer]) -> None:
    stdout.print(f"{report['implementation']} {report['python']} on {report['platform']}")
    table = Table("layer", "", "what it sees to", "why it is off", title="sandbox", title_justify="left")
    for layer in found:
        state = Text("on", style="green") if layer.on else Text("off", style="red" if layer.needed else "yellow")
        table.add_row(Text(layer.name + (" (needed)" if layer.needed else "")), state, Text(layer.means), Text(layer.why))
    stdout.print(table)
    stdout.print(Text(report["why"] or "untrusted code runs here", style="red" if report["why"] else "green"))
    engines = ", ".join(f"{name} {version}" if version else f"{name} -" for name, version in report["engines"].items())
    stdout.print(Text(f"engines: {engines}"))
    stdout.print(Text(f"devices: {', '.join(report['devices']) or 'no CUDA device'}"))
