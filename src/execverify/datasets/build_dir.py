"""The folder of a dataset, and the states that it can be in: nothing, unfinished, complete, or somebody else's.

    OUT/manifest.json           what the dataset is; written last, as the mark of a complete dataset
    OUT/data/*.parquet          the rows
    OUT/README.md               the dataset's card for the hub
    OUT/report.html             the dataset for a reader, where the build was given a writer of it
    OUT/requests/               what models were asked and answered, where models made the rows
    OUT/.unfinished/            while it is being made: `begun.json` with the settings, then spans, shards and a lock

All of the unfinished is in one folder. It and `requests` are the only things in OUT until the rows are whole.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from execverify.errors import DatasetError
from execverify.utils.atomic import atomic_json, atomic_text

MANIFEST = "manifest.json"
CARD = "README.md"
REPORT = "report.html"
REQUESTS = "requests"
IN_PROGRESS = ".unfinished"
_STATE_FILE = "begun.json"

ReportWriter = Callable[[Path, dict[str, Any]], object]
"""Writes OUT/report.html, such as `execverify.reports.dataset.write_report`. Called with OUT, whose shards are in place, and the
manifest, which is not written yet."""


class Folder:
    """A dataset's folder, claimed for a build. A context manager: nobody else builds in it meanwhile.

    Args:
        out: the folder; made where it does not exist.
        settings: what decides the rows, as plain values.
        size: how many rows the dataset is to have.
        maker: what else the unfinished work depends on, such as the version of the code.

    Raises:
        DatasetError: the folder holds something else, cannot be written, or is being built in.
    """

    def __init__(self, out: Path, settings: dict[str, Any], size: int, maker: str) -> None:
        self.out = out
        self.work = out / IN_PROGRESS
        self.settings = settings
        self.size = size
        self.maker = maker
        self._lock: int | None = None

    def __enter__(self) -> "Folder":
        try:
            self._claim()
        except OSError as error:
            self._release()
            raise DatasetError(f"{self.out} could not be written: {error.strerror or error}") from None
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest where the dataset is complete."""
        return read_manifest(self.out)

    def _claim(self) -> None:
        check_folder(self.out)
        manifest = self.manifest if self.out.exists() else None
        if manifest is not None:
            self._same(manifest.get("settings", {}), {**self.settings, "size": self.size}, "holds another dataset")
            self._whole(manifest)
            shutil.rmtree(self.work, ignore_errors=True)  # a build that was killed when all was done
            return
        if self.work.is_symlink():
            raise DatasetError(f"{self.work} is a link, and a build follows none: remove it, or name another folder")
        self.work.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._begin()

    def _whole(self, manifest: dict[str, Any]) -> None:
        """Refuses a complete dataset whose shards are no longer those that its manifest names."""
        for shard in manifest.get("shards", []):
            path = self.out / shard["file"]
            if not path.is_file():
                raise DatasetError(f"{self.out} is damaged: {shard['file']} is missing; remove the folder and build it again")
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != shard["sha256"]:
                    raise DatasetError(
                        f"{self.out} is damaged: {shard['file']} has changed; remove the folder and build it again"
                    )

    def _take_lock(self) -> None:
        self._lock = os.open(self.work / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatasetError(f"another build is at work in {self.out}: wait for it, or name another folder") from None

    def _begin(self) -> None:
        begun = self.work / _STATE_FILE
        now = {"settings": self.settings, "maker": self.maker}
        try:
            before = json.loads(begun.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError, RecursionError):
            atomic_json(begun, now, ensure_ascii=False)
            return
        if not isinstance(before, dict) or not isinstance(before.get("settings"), dict):
            raise DatasetError(f"{begun} is not of a dataset: remove {self.work}, or name another folder")
        self._same(before["settings"], self.settings, "holds an unfinished dataset of other settings")
        if before.get("maker") != self.maker:
            raise DatasetError(
                f"{self.out} holds a dataset that another version of execverify began: remove {self.work}, or name another folder"
            )

    def _same(self, before: dict[str, Any], now: dict[str, Any], what: str) -> None:
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name):
                difference = f"{name} {_shown(before.get(name))} there, {_shown(now.get(name))} asked for"
                raise DatasetError(f"{self.out} {what} ({difference}): name another folder")

    def commit(self, data: Path, manifest: dict[str, Any], card: str, write_report: ReportWriter | None) -> None:
        """Put the finished shards, the report, the card and last the manifest into their places, and remove what was unfinished."""
        target = self.out / "data"
        if target.exists():  # killed between this step and the next: the same files
            shutil.rmtree(target)
        data.rename(target)
        if write_report is not None:
            write_report(self.out, manifest)
        atomic_text(self.out / CARD, card, errors="backslashreplace", beside=self.work)
        atomic_json(self.out / MANIFEST, manifest, ensure_ascii=False, beside=self.work)
        self._release()
        shutil.rmtree(self.work, ignore_errors=True)

    def rollback(self) -> None:
        """Removes an unfinished dataset that has nothing in it, and the folder where it was made for it."""
        shutil.rmtree(self.work, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty: not ours
            self.out.rmdir()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def check_folder(out: Path) -> None:
    """Raises DatasetError where a dataset cannot be built in a folder: it is a file, has no parent, or holds other files."""
    if out.exists() and not out.is_dir():
        raise DatasetError(f"{out} is a file: name a folder, new or empty")
    if not out.parent.is_dir():
        raise DatasetError(f"{out.parent}: no such folder; make it first")
    names = sorted(path.name for path in out.iterdir()) if out.exists() else []
    strangers = [name for name in names if name != REQUESTS]
    if strangers and not {IN_PROGRESS, MANIFEST} & set(strangers):
        raise DatasetError(f"{out} holds other files, such as {strangers[0]}: name a folder that is new or empty")


def read_manifest(out: Path) -> dict[str, Any] | None:
    """The manifest of a complete dataset; None where there is none.

    Raises:
        DatasetError: there is a file of that name which is no manifest.
    """
    path = out / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is no manifest of a dataset: {error}") from None
    if (
        not isinstance(manifest, dict)
        or not _are_shards(manifest.get("shards"))
        or not isinstance(manifest.get("settings"), dict)
    ):
        raise DatasetError(f"{path} is no manifest of a dataset: it names no shards or settings")
    for shard in manifest["shards"]:
        if not _is_within(shard["file"]):
            raise DatasetError(
                f"{path} names a file outside its folder, {shard['file']!r}, which is not read: get the dataset again"
            )
    return manifest


def _are_shards(shards: Any) -> bool:
    return isinstance(shards, list) and all(
        isinstance(one, dict) and isinstance(one.get("file"), str) and isinstance(one.get("sha256"), str) for one in shards
    )


def _is_within(name: str) -> bool:
    """Whether a name is that of a file in the dataset's own folder. A link there is followed: caches of hubs are made of links."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\0" not in name


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def write_error(out: Path, error: OSError) -> str:
    """The error for a dataset's folder that cannot be written, as when the disk is full."""
    reason = os.strerror(error.errno) if error.errno else " ".join(str(error).split())  # Arrow's own words are long
    return f"{out} could not be written: {reason}; what was made is kept: make room and give the same command to go on"
