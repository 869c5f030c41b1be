"""A cache of generations in a file, so that an interrupted run resumes where it stopped.

    for generation in generate_cached("run/generations.jsonl", model, requests, sampling): ...

The first line records the model, its settings and the sampling. Each later line is one generation with the hash of its prompt; it
is appended as soon as it arrives, and never changed. The next run reads these lines, and sends only requests that have no
completion yet. It refuses a file of another model, other sampling or other prompts. Where nothing is missing, the model is not
used at all. `replay:FILE` reads the same file, to score again without the model.
"""

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify import __version__
from execverify.errors import ModelError
from execverify.models.model import SKIPPED_REQUEST, Generation, Model, Request, Sampling, check_ids

_log = logging.getLogger(__name__)

FORMAT = "generations"
IGNORED_SETTINGS = frozenset(
    {
        "url",
        "concurrency",
        "timeout",
        "max_retry_seconds",
        "patience",
        "retries",
        "requests_per_minute",
        "api_key_env",
        "batch_size",
    }
)
"""Settings that change speed and place only, so that a run may resume with others. (`patience` is of files of older versions.)"""


def generate_cached(
    path: str | Path, model: Model, requests: Sequence[Request], sampling: Sampling, benchmark: str | None = None
) -> Iterator[Generation]:
    """Yields the generation of every request: first those in the file, then the model's, each written before it is yielded.

    Args:
        path: the JSONL file; created where it does not exist.
        model: generates what the file does not have.
        requests: with unique ids. Lines of other requests stay in the file.
        sampling: how completions are drawn.
        benchmark: what the requests are of, where they are of one; the first line records it.

    Raises:
        ModelError: the file is of another run, is being written by another process, or cannot be written.
    """
    check_ids(requests)
    with _Store(Path(path)) as store:
        done = store.begin(_header(model, sampling, benchmark))
        waiting: list[Request] = []
        failed: list[Request] = []
        for request in requests:
            before = done.get(request.id)
            if before is None:
                waiting.append(request)
                continue
            if before.digest != request.digest:
                raise ModelError(
                    f"{path} answers {request.id!r} for another prompt: give another --output folder, or the settings it was made with"
                )
            if before.generation.error is None:
                yield before.generation
            else:  # what failed when it was sent comes last, for it may fail again and end the run
                (waiting if before.generation.error.startswith(SKIPPED_REQUEST) else failed).append(request)
        waiting += failed
        _log.info("%s: %d of %d requests are answered there", path, len(requests) - len(waiting), len(requests))
        if not waiting:
            return
        digests = {request.id: request.digest for request in waiting}
        for generation in model.generate(waiting, sampling):
            store.write(_line(generation, digests.pop(generation.id)))
            yield generation
        for name in digests:  # the model broke its protocol
            yield Generation(name, (), error=f"{model.name} returned nothing for this request")


def is_header(entry: Any) -> bool:
    """Whether a parsed line is the first line of such a file."""
    return isinstance(entry, dict) and entry.get("execverify") == FORMAT


@dataclass(frozen=True, slots=True)
class CachedGeneration:
    """A generation in the file, with the hash of its prompt."""

    generation: Generation
    digest: str


class _Store:
    """The open file, locked by this process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def __enter__(self) -> "_Store":
        if not self.path.parent.is_dir():
            raise ModelError(f"{self.path.parent}: no such folder; make it first")
        try:
            self._file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ModelError(f"{self.path} could not be written: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.__exit__()
            raise ModelError(f"another run is writing {self.path}: wait for it, or give another --output folder") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file >= 0:
            with contextlib.suppress(OSError):  # a file system without fsync; the lines are written all the same
                os.fsync(self._file)
            os.close(self._file)
            self._file = -1

    def begin(self, header: dict[str, Any]) -> dict[str, CachedGeneration]:
        """Compares or writes the header, cuts off an incomplete last line, and returns the generations in the file."""
        text = self.path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if not whole:
            if text and not b'{"execverify"'.startswith(text[:13]):
                raise ModelError(f"{self.path} holds something else: name a file that is new or empty")
            os.ftruncate(self._file, 0)
            self.write(header)
            return {}
        entries = self._entries(whole)
        before = next(entries)
        if not is_header(before):
            raise ModelError(f"{self.path} holds something else: name a file that is new or empty")
        _compare_headers(self.path, before, header)
        done = {entry["id"]: _from_line(entry) for entry in entries}
        os.ftruncate(self._file, len(whole))
        return done

    def _entries(self, whole: bytes) -> Iterator[Any]:
        for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
            try:
                yield json.loads(line)
            except ValueError:
                raise ModelError(f"{self.path}:{number} is not JSON: give another --output folder, or remove that line") from None

    def write(self, entry: dict[str, Any]) -> None:
        """Appends one line, unbuffered."""
        line = (json.dumps(entry) + "\n").encode()  # ASCII: lone surrogates of a model's text survive as escapes
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            raise ModelError(f"{self.path} could not be written: {error.strerror}") from None


def _header(model: Model, sampling: Sampling, benchmark: str | None) -> dict[str, Any]:
    plain = json.loads(json.dumps(dict(model.settings)))
    subject = {} if benchmark is None else {"benchmark": benchmark}
    known = {"execverify": FORMAT, "version": __version__, **subject, "model": model.name}
    return {**known, "settings": plain, "sampling": sampling.plain()}


def _compare_headers(path: Path, before: Mapping[str, Any], now: dict[str, Any]) -> None:
    pairs = [("model", before["model"], now["model"])]
    for part in ("sampling", "settings"):
        pairs += [(name, before[part].get(name), now[part].get(name)) for name in sorted(before[part].keys() | now[part].keys())]
    for name, there, here in pairs:
        if there != here and name not in IGNORED_SETTINGS:
            raise ModelError(
                f"{path} holds another run ({name} is {_shorten(there)} there, {_shorten(here)} now): give another --output folder"
            )


def _shorten(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _line(generation: Generation, digest: str) -> dict[str, Any]:
    line: dict[str, Any] = {"id": generation.id, "prompt": digest, "completions": list(generation.completions)}
    if generation.finish_reasons:
        line["finish_reasons"] = list(generation.finish_reasons)
    if generation.error is not None:
        line["error"] = generation.error
    return line


def _from_line(entry: Mapping[str, Any]) -> CachedGeneration:
    reasons = tuple(entry.get("finish_reasons", ()))
    return CachedGeneration(Generation(entry["id"], tuple(entry["completions"]), entry.get("error"), reasons), entry["prompt"])
