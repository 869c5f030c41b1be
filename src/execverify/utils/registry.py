"""Registries: things by name, each added by one file, inside the package or outside it.

A file of the user's own registers what it defines when it is imported. Import it, or name its module in the environment variable
`EXECVERIFY_PLUGINS` (several with commas between them): the command line and worker processes then import it too.
"""

import functools
import importlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from execverify.errors import ExecVerifyError
from execverify.utils.messages import suggestion

PLUGINS = "EXECVERIFY_PLUGINS"
"""The environment variable that names modules of plugins."""

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """Entries by name, in the order in which they were registered.

    Args:
        what: what an entry is, for messages: "question kind".
        error: the error that an unknown name raises.
        load: imports the package's own entries; called once, before the first look.
    """

    def __init__(self, what: str, error: type[ExecVerifyError], load: Callable[[], object] = lambda: None) -> None:
        self.what, self.error = what, error
        self._entries: dict[str, Entry] = {}
        self._load, self._loading, self._loaded = load, False, False
        self._lock = threading.RLock()

    def register(self, name: str, entry: Entry) -> Entry:
        """Adds an entry; the same name again replaces it.

        Raises:
            ExecVerifyError: the name is no text, is empty, or has a comma.
        """
        if not isinstance(name, str) or not name.strip() or "," in name:
            raise self.error(f"{name!r} cannot name a {self.what}: give a text without commas")
        self._load_own()
        self._entries[name] = entry
        return entry

    def unregister(self, name: str) -> None:
        """Takes an entry out; nothing happens where there is none."""
        self._entries.pop(name, None)

    def get(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            ExecVerifyError: there is none; the message names the close ones, or all.
        """
        self._ready()
        if name in self._entries:
            return self._entries[name]
        raise self.error(f"there is no {self.what} {name!r}: {suggestion(str(name), self._entries)}")

    def names(self) -> tuple[str, ...]:
        """All names, in the order in which they were registered."""
        self._ready()
        return tuple(self._entries)

    def values(self) -> tuple[Entry, ...]:
        """All entries, in the order in which they were registered."""
        self._ready()
        return tuple(self._entries.values())

    def __contains__(self, name: object) -> bool:
        self._ready()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def _load_own(self) -> None:
        """Loads the package's own entries once; other threads wait until all are there."""
        if self._loaded:
            return
        with self._lock:
            if self._loaded or self._loading:  # the second: an entry registers itself
                return
            self._loading = True
            try:
                self._load()
            finally:
                self._loading = False
            self._loaded = True

    def _ready(self) -> None:
        self._load_own()
        load_plugins()


@functools.cache
def load_plugins() -> tuple[str, ...]:
    """Imports the modules that `EXECVERIFY_PLUGINS` names, once a process; their names.

    Raises:
        ExecVerifyError: one cannot be imported.
    """
    names = tuple(name.strip() for name in os.environ.get(PLUGINS, "").split(",") if name.strip())
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            hint = ": give a module's name, and put its folder on PYTHONPATH" if isinstance(error, ModuleNotFoundError) else ""
            raise ExecVerifyError(
                f"{PLUGINS} names {name}, which cannot be imported ({type(error).__name__}: {error}){hint}"
            ) from error
    return names
