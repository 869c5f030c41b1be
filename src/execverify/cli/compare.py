"""The verb `compare`: runs of one benchmark, item by item."""

from pathlib import Path

import click

from execverify.cli.pages import check_page, write_page
from execverify.cli.terminal import echo_json, echo_text, note
from execverify.evaluation.compare import compare
from execverify.evaluation.run_dir import read_results
from execverify.reports.comparison_page import comparison_page
from execverify.reports.evaluation import comparison_markdown


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN ...")
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
@click.option("-o", "--output", "out", metavar="PAGE.html", help="Write the comparison as a page, too.")
def compare_command(runs: tuple[str, ...], as_json: bool, out: str | None) -> None:
    """Compare runs of one benchmark with the first of them: the difference with its interval by a bootstrap over programs, and
    McNemar's exact test, or the sign test where there are several answers about a program.

    A RUN is a folder that `execverify evaluate --output` made, or its results.json.
    """
    if out is not None:
        check_page(out)
    read = [(name, read_results(Path(name))) for name in runs]
    found = compare(read)
    for warning in found["warnings"]:
        note(warning, style="yellow")
    if out is not None:
        write_page(out, comparison_page(found, read))
        note(f"{out}: open it in a browser")
    if as_json:
        echo_json(found)
    else:
        echo_text(comparison_markdown(found))
