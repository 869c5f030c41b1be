"""The verb `push`: a dataset with its card to the Hugging Face hub."""

import click
from rich.table import Table

from execverify.cli.terminal import Text, echo_json, note, stdout
from execverify.datasets.card import UNKNOWN_LICENCE
from execverify.datasets.push import prepare_upload, send
from execverify.utils.messages import count_phrase


@click.command("push")
@click.argument("rows")
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="Make a new repository private; an existing one stays as it is.")
@click.option(
    "--license", "licence", metavar="ID", help="Licence that the card names, such as apache-2.0.  [default: the card's]"
)
@click.option("--message", metavar="TEXT", help="Message of the commit.")
@click.option("--dry-run", is_flag=True, help="List what would be uploaded, and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="JSON, for other programs.")
def dataset_push_command(
    rows: str, repository: str, private: bool, licence: str | None, message: str | None, dry_run: bool, as_json: bool
) -> None:
    """Upload ROWS to the hub's dataset OWNER/NAME in one commit, with the card as README.md.

    ROWS is a file of rows (.jsonl or .parquet), or the folder of a dataset. Log in before by `hf auth login`, or set HF_TOKEN.
    """
    upload = prepare_upload(rows, repository, licence)
    sizes = upload.sizes()
    if upload.licence == UNKNOWN_LICENCE:
        note("the card names no licence: give --license ID, the licence of the programs' source", style="yellow")
    address = None if dry_run else send(upload, private=private, message=message)
    if as_json:
        echo_json({"repository": repository, "url": address, "licence": upload.licence, "files": sizes})
        return
    if dry_run:
        table = Table("file", "bytes", show_edge=False, pad_edge=False)
        for name, size in sizes.items():
            table.add_row(Text(name), f"{size:,}")
        stdout.print(table)
        note(f"nothing was sent: {count_phrase(len(sizes), 'file')}, {sum(sizes.values()):,} bytes, for {repository}")
    else:
        note(f"{count_phrase(len(sizes), 'file')}, {sum(sizes.values()):,} bytes -> {address}")
