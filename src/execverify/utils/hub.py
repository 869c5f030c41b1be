"""Use of the Hugging Face hub that fails within seconds where the hub cannot be reached.

The hub's client tries again for a minute. So a connection is tried first. If there is none, the client is put in its offline mode:
what is in its cache still loads, and all else fails at once.

    with hub_access("owner/name") as problem:
        ...  # on an error, `problem` says why the hub cannot be reached, and is empty where it can
"""

import contextlib
import os
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

_OFFLINE = "HF_HUB_OFFLINE"
_CONFIGURED = ("huggingface_hub.constants", "datasets.config")
"""Modules that read the variable once, when they are imported."""
_SECONDS = 8.0
_PORTS = {"http": 80, "https": 443}


@contextlib.contextmanager
def hub_access(name: str) -> Iterator[str]:
    """A block that loads something from the hub; yields why the hub cannot be reached, or an empty text.

    Args:
        name: what is loaded. If it is a path that exists, the hub is not asked.
    """
    problem = "" if Path(name).expanduser().exists() else hub_problem()
    if not problem:
        yield ""
        return
    before = os.environ.get(_OFFLINE)
    os.environ[_OFFLINE] = "1"
    modules = {name: sys.modules[name].__dict__.get(_OFFLINE, False) for name in _CONFIGURED if name in sys.modules}
    _set_offline(dict.fromkeys(_CONFIGURED, True))
    try:
        yield problem
    finally:
        if before is None:
            del os.environ[_OFFLINE]
        else:
            os.environ[_OFFLINE] = before
        _set_offline(dict.fromkeys(_CONFIGURED, False) | modules)


def _set_offline(values: dict[str, bool]) -> None:
    for name, is_offline in values.items():
        if name in sys.modules:
            setattr(sys.modules[name], _OFFLINE, is_offline)


def hub_problem() -> str:
    """Why no connection to the hub, or to the proxy on the way there, can be made; empty where one can, or where none is wanted."""
    if os.environ.get(_OFFLINE, "0").upper() in ("1", "TRUE", "YES", "ON"):
        return ""
    hub = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    proxies = {} if urllib.request.proxy_bypass(hub.netloc) else urllib.request.getproxies()
    proxy = proxies.get(hub.scheme) or proxies.get("all") or ""
    way = urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else hub
    found: list[str] = []
    trying = threading.Thread(  # a thread, because looking up a name takes no timeout
        target=lambda: found.append(_connection_problem(way.hostname or "", way.port or _PORTS.get(way.scheme, 1080))),
        daemon=True,
    )
    trying.start()
    trying.join(_SECONDS)
    why = found[0] if found else f"no answer in {_SECONDS:.0f} seconds"
    return f"{way.hostname} cannot be reached: {why}" if why else ""


def _connection_problem(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), timeout=_SECONDS):
            return ""
    except (OSError, ValueError) as error:  # ValueError: a name that no host can have
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
