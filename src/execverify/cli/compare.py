"""The verb `compare`: runs of one benchmark, item by item."""

from pathlib import Path

import click

from execverify.cli.terminal import echo_json, echo_text, note
from execverify.errors import EvaluationError
from execverify.evaluation.compare import compare
from execverify.evaluation.run_dir import read_results
from execverify.reports.comparison_page import comparison_page
from execverify.reports.evaluation import comparison_markdown
from execverify.utils.atomic import atomic_text


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN ...")
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
@click.option("-o", "--output", "out", metavar="PAGE.html", help="Write the comparison as a page, too.")
def compare_command(runs: tuple[str, ...], as_json: bool, out: str | None) -> None:
    """Compare runs of one benchmark with the first of them: paired, by McNemar's test and a bootstrap of the difference.

    A RUN is a folder that `execverify evaluate --output` made, or its results.json.
    """
    if out is not None and not out.endswith((".html", ".htm")):
        raise click.UsageError(f"--output {out}: end the name in .html")
    read = [(name, read_results(Path(name))) for name in runs]
    found = compare(read)
    if out is not None:
        try:
            atomic_text(out, comparison_page(found, read), errors="backslashreplace")
        except OSError as error:
            raise EvaluationError(f"{out} could not be written: {error.strerror or error}") from None
        note(f"{out}: open it in a browser")
    if as_json:
        echo_json(found)
    else:
        echo_text(comparison_markdown(found))
