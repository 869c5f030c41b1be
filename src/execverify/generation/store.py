"""Every request to a model and its answer, kept by content in SQLite files.

    OUT/requests/local.sqlite      what this machine asked; a cluster has a file for each worker

A key is a hash of the model, its settings, the messages, the sampling and the number of the sample. Reads look in all files of the
folder, writes go to one. Each answer is committed when it arrives; a killed process loses none that was committed.
"""

import contextlib
import hashlib
import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.errors import ModelError
from execverify.models.cache import IGNORED_SETTINGS
from execverify.models.model import Model, Request, Sampling

FORMAT = 1
"""Version of the tables' meaning."""

_SUFFIX = ".sqlite"
_PART = 500  # keys of one query: SQLite bounds the number of variables
_ROWS = 90  # of one statement
_TABLES = """
CREATE TABLE IF NOT EXISTS prompts (digest TEXT PRIMARY KEY, messages TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, prompt TEXT NOT NULL, sampling TEXT NOT NULL, sample INTEGER NOT NULL,
    completion TEXT NOT NULL, finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, estimated INTEGER NOT NULL
) WITHOUT ROWID;
"""
_COLUMNS = [
    "key",
    "model",
    "prompt",
    "sampling",
    "sample",
    "completion",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "estimated",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered to one request.

    Attributes:
        text: the completion.
        finish_reason: "stop", "length" or "".
        prompt_tokens, completion_tokens: counts of the server, or estimates.
        estimated: whether the counts are estimates.
    """

    text: str
    finish_reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = True


@dataclass(frozen=True, slots=True)
class Totals:
    """Answers in a store, and their tokens."""

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Tokens of prompts and completions."""
        return self.prompt_tokens + self.completion_tokens

    def plus(self, answer: Answer) -> "Totals":
        """These totals with one more answer."""
        return Totals(
            self.answers + 1,
            self.prompt_tokens + answer.prompt_tokens,
            self.completion_tokens + answer.completion_tokens,
        )


def request_key(model: Model, request: Request, sampling: Sampling) -> str:
    """The content hash of one request, 32 hexadecimal digits. The request's id is not part of it."""
    settings = {name: value for name, value in model.settings.items() if name not in IGNORED_SETTINGS}
    drawn = {name: value for name, value in sampling.plain().items() if name != "n"}
    content = [FORMAT, model.name, settings, _messages(request), drawn, request.sample]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


class RequestStore:
    """The requests of a folder. Thread-safe.

    Args:
        folder: where the files are; made where it does not exist.
        name: of the file that is written, without its ending: one for each process that writes at the same time.

    Raises:
        ModelError: the folder cannot be written, or a file in it is no store, or one of another version.
    """

    def __init__(self, folder: str | Path, name: str = "local") -> None:
        self.folder = Path(folder)
        self.path = self.folder / f"{name}{_SUFFIX}"
        self._lock = threading.Lock()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(
                f"{self.folder} is no folder that can be made or read ({error.strerror}): name another one"
            ) from None
        self._own = self._opened(self.path, f"{self.path.absolute().as_uri()}?mode=rwc")
        self._others: dict[Path, sqlite3.Connection] = {}

    def close(self) -> None:
        """Closes the files; may be called twice."""
        with self._lock:
            for file in (self._own, *self._others.values()):
                file.close()
            self._others.clear()

    def get_many(self, keys: Sequence[str]) -> dict[str, Answer]:
        """The answers that any file of the folder has, by key."""
        found: dict[str, Answer] = {}
        with self._lock:
            for path, file in self._files():
                missing = [key for key in dict.fromkeys(keys) if key not in found]
                if not missing:
                    break
                found |= self._read(path, file, missing)
        return found

    def put(self, key: str, model: str, request: Request, sampling: Sampling, answer: Answer) -> None:
        """Keeps an answer; the first one of a key stays."""
        self.put_many([(key, model, request, sampling, answer)])

    def put_many(self, entries: Sequence[tuple[str, str, Request, Sampling, Answer]]) -> None:
        """Keeps answers in one transaction; arguments of each entry as for `put`."""
        prompts: dict[str, str] = {}
        rows: list[Any] = []
        for key, model, request, sampling, answer in entries:
            messages = json.dumps(_messages(request))
            digest = hashlib.sha256(messages.encode()).hexdigest()[:32]
            prompts[digest] = messages
            rows += [
                key, model, digest, json.dumps(sampling.plain()), request.sample, json.dumps(answer.text), answer.finish_reason,
                answer.prompt_tokens, answer.completion_tokens, answer.estimated,
            ]  # fmt: skip
        with self._lock:
            try:
                with contextlib.closing(self._own.cursor()) as cursor:
                    # Few statements with many rows: each gives up the interpreter's lock, and waits to have it back.
                    cursor.execute("BEGIN IMMEDIATE")
                    _insert(cursor, "prompts", 2, [part for pair in prompts.items() for part in pair])
                    _insert(cursor, "answers", 10, rows)
                    cursor.execute("COMMIT")
            except sqlite3.Error as error:
                with contextlib.suppress(sqlite3.Error):
                    self._own.execute("ROLLBACK")
                raise self._error(self.path, error) from None

    def totals(self) -> Totals:
        """Answers and tokens of all files."""
        query = "SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0) FROM answers"
        with self._lock:
            found = [row for path, file in self._files() for row in self._rows(path, file, query)]
        return Totals(*(int(sum(numbers)) for numbers in zip((0, 0, 0), *found, strict=True)))

    def _files(self) -> list[tuple[Path, sqlite3.Connection]]:
        """Our file, and those of others that are there by now."""
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            if path != self.path and path not in self._others:
                self._others[path] = self._opened(path, f"{path.absolute().as_uri()}?mode=ro")
        return [(self.path, self._own), *self._others.items()]

    def _opened(self, path: Path, uri: str) -> sqlite3.Connection:
        with contextlib.ExitStack() as stack:
            try:
                file = sqlite3.connect(uri, uri=True, timeout=60, isolation_level=None, check_same_thread=False)
                stack.callback(file.close)
                if path == self.path:
                    file.execute("PRAGMA journal_mode=WAL")
                    file.execute("PRAGMA synchronous=NORMAL")
                    file.executescript(_TABLES)
                columns = [row[1] for row in file.execute("PRAGMA table_info(answers)")]
            except sqlite3.Error as error:
                raise self._error(path, error) from None
            if columns and columns != _COLUMNS:
                raise ModelError(f"{path} is a store of requests of another version: move it away, or name another folder")
            stack.pop_all()
            return file

    def _read(self, path: Path, file: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        for start in range(0, len(keys), _PART):
            part = keys[start : start + _PART]
            query = (
                "SELECT key, completion, finish_reason, prompt_tokens, completion_tokens, estimated FROM answers "
                f"WHERE key IN ({', '.join('?' * len(part))})"
            )
            for key, text, finish, prompt, completion, estimated in self._rows(path, file, query, part):
                try:
                    found[key] = Answer(json.loads(text), finish, int(prompt), int(completion), bool(estimated))
                except (TypeError, ValueError) as error:
                    raise self._error(path, error) from None
        return found

    def _rows(self, path: Path, file: sqlite3.Connection, query: str, values: Sequence[str] = ()) -> list[Any]:
        try:
            return file.execute(query, values).fetchall()
        except sqlite3.Error as error:
            if "no such table" in str(error) and path != self.path:  # another process has just made the file
                return []
            raise self._error(path, error) from None

    @staticmethod
    def _error(path: Path, error: Exception) -> ModelError:
        if isinstance(error, sqlite3.OperationalError):  # a full disk, no permission, a lock that stays
            return ModelError(
                f"{path} cannot be read or written ({error}): free the disk or name another folder; what was answered is kept"
            )
        return ModelError(f"{path} cannot be used as a store of requests ({error}): move it away, or name another folder")


def _insert(cursor: sqlite3.Cursor, table: str, columns: int, values: Sequence[Any]) -> None:
    """Inserts rows whose values follow one another; a row whose key is there is left out."""
    row = f"({', '.join('?' * columns)})"
    for start in range(0, len(values), columns * _ROWS):
        part = values[start : start + columns * _ROWS]
        cursor.execute(f"INSERT OR IGNORE INTO {table} VALUES {', '.join([row] * (len(part) // columns))}", part)


def _messages(request: Request) -> list[list[str]]:
    return [[message["role"], message["content"]] for message in request.messages]


def describe_settings(model: Model) -> Mapping[str, Any]:
    """The settings of a model that decide its answers, as a manifest records them."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(model.settings)))
    return {name: value for name, value in plain.items() if name not in IGNORED_SETTINGS}
