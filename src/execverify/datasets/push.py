"""Uploads a dataset with its card to the Hugging Face hub, in one commit.

    push("OUT", "owner/name", private=True)

What was there before and belongs to an earlier upload (Parquet files in `data/`) is removed in the same commit, since the card's
patterns would take it for rows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.datasets.build_dir import CARD, MANIFEST, REPORT, read_manifest
from execverify.datasets.card import REPOSITORY, Card, RowTally, card_of_build, card_of_file, card_path, with_licence
from execverify.datasets.rows_io import read_rows, shards_of
from execverify.errors import DatasetError
from execverify.utils.hub import hub_problem

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True)
class Upload:
    """What is uploaded.

    Attributes:
        repository: the hub's repository, `OWNER/NAME`.
        card: text of README.md.
        files: local files by their path in the repository.
    """

    repository: str
    card: str
    files: dict[str, Path]

    @property
    def licence(self) -> str:
        """The licence that the card names."""
        found = re.search(r'(?m)^license: "?([^"\n]*)', self.card)
        return found[1] if found else ""

    def sizes(self) -> dict[str, int]:
        """Bytes by path in the repository."""
        return {CARD: len(self.card.encode()), **{name: path.stat().st_size for name, path in self.files.items()}}


def prepare_upload(rows: str | Path, repository: str, licence: str | None = None) -> Upload:
    """Collect what would be uploaded. Nothing is sent.

    Args:
        rows: a file of rows (.jsonl or .parquet), or the folder of a dataset.
        repository: `OWNER/NAME` on the hub.
        licence: the hub's identifier of a licence, such as "mit"; None keeps the card's.

    Raises:
        DatasetError: no such file, a dataset that is not complete, a name that is no repository, or a licence that is none.
        RowError: the rows cannot be read.
    """
    path = Path(rows)
    if not _REPOSITORY.fullmatch(repository) or ".." in repository:
        raise DatasetError(f"{repository!r} names no repository of the hub: write OWNER/NAME, such as my-team/execution-tasks")
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise DatasetError(f"{licence!r} is no licence of the hub: give its identifier, such as apache-2.0, mit or cc-by-4.0")
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder")
    if path.is_file() and path.suffix not in (".jsonl", ".parquet"):
        raise DatasetError(f"{path}: the hub's viewer reads .jsonl and .parquet; name such a file, or the folder of a dataset")
    files = dict(_files(path))
    written = card_path(path)
    text = written.read_text(encoding="utf-8") if written.is_file() else _new_card(path).text()
    text = text.replace(REPOSITORY, repository)
    return Upload(repository, text if licence is None else with_licence(text, licence), files)


def push(
    rows: str | Path, repository: str, *, private: bool = False, licence: str | None = None, message: str | None = None
) -> str:
    """Upload a dataset; its address.

    The repository is made where it does not exist. The token is the one of `hf auth login`, or of the variable HF_TOKEN.

    Args:
        rows: a file of rows (.jsonl or .parquet), or the folder of a dataset.
        repository: `OWNER/NAME` on the hub.
        private: whether a new repository is private; an existing one stays as it is.
        licence: the hub's identifier of a licence, such as "mit"; None keeps the card's.
        message: of the commit.

    Raises:
        DatasetError: see `prepare_upload`; huggingface_hub is not installed, nobody is logged in, or the hub refuses.
        RowError: the rows cannot be read.
    """
    return send(prepare_upload(rows, repository, licence), private=private, message=message)


def send(upload: Upload, *, private: bool = False, message: str | None = None) -> str:
    """Upload what `prepare_upload` collected; its address. Arguments and errors are those of `push`."""
    try:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
    except ImportError:
        raise DatasetError("pushing needs huggingface_hub: pip install 'execverify[hub]'") from None
    if problem := hub_problem():
        raise DatasetError(f"{upload.repository} could not be pushed: {problem}")
    api = HfApi(library_name="execverify")
    try:
        made = api.create_repo(upload.repository, repo_type="dataset", private=private, exist_ok=True)
        there = api.list_repo_files(upload.repository, repo_type="dataset")
        operations: list[Any] = [CommitOperationAdd(CARD, upload.card.encode())]
        operations += [CommitOperationAdd(name, str(path)) for name, path in upload.files.items()]
        operations += [CommitOperationDelete(name) for name in there if _is_stale(name, upload)]
        api.create_commit(
            upload.repository, operations, commit_message=message or "Upload by execverify dataset push", repo_type="dataset"
        )
    except LocalTokenNotFoundError:
        raise DatasetError(
            "nobody is logged in to the hub: run `hf auth login`, or set HF_TOKEN to a token that can write"
        ) from None
    except HfHubHTTPError as error:
        hint = (
            ": run `hf auth login`, or set HF_TOKEN to a token that can write" if error.response.status_code in (401, 403) else ""
        )
        raise DatasetError(f"the hub refuses {upload.repository}{hint} ({_first_line(error)})") from None
    except (OSError, ValueError) as error:  # no network, a name that the hub refuses
        raise DatasetError(f"{upload.repository} could not be pushed: {_first_line(error)}") from None
    except Exception as error:
        if not type(error).__module__.startswith(("http", "requests", "huggingface_hub")):  # of the hub's HTTP library
            raise
        raise DatasetError(f"the hub cannot be reached: {_first_line(error)}") from None
    return str(made)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.name, path
        return
    manifest = read_manifest(path)
    for shard in shards_of(path, manifest):
        yield shard.relative_to(path).as_posix(), shard
    for name in (MANIFEST, REPORT):
        if (path / name).is_file():
            yield name, path / name


def _is_stale(name: str, upload: Upload) -> bool:
    return name.startswith("data/") and name.endswith(".parquet") and name not in upload.files


def _new_card(path: Path) -> Card:
    """The card of a dataset that was made without one."""
    manifest = read_manifest(path) if path.is_dir() else None
    if manifest is not None:
        return card_of_build(path, manifest)
    tally = RowTally()
    for _ in tally.counted(read_rows(str(path))):
        pass
    about = "Tasks of code execution. Every program was run confined, and its trace gave the answers."
    return card_of_file(path, tally, about, "not recorded")
