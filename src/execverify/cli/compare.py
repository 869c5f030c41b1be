"""The verb `compare`: runs of one benchmark, item by item."""

from pathlib import Path

import click

from execverify.cli.terminal import echo_json, echo_text
from execverify.evaluation.compare import compare
from execverify.evaluation.run_dir import read_results
from execverify.reports.evaluation import comparison_markdown


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN ...")
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
def compare_command(runs: tuple[str, ...], as_json: bool) -> None:
    """Compare runs of one benchmark with the first of them: paired, by McNemar's test and a bootstrap of the difference.

    A RUN is a folder that `execverify evaluate --output` made, or its results.json.
    """
    found = compare([(name, read_results(Path(name))) for name in runs])
    if as_json:
        echo_json(found)
    else:
        echo_text(comparison_markdown(found))
