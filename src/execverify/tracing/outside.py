"""Notes what a traced program tries outside of its folder, and which of its errors the sandbox has caused.

The sandbox refuses such things with an exception, which a program may catch: its result is then true of the sandbox alone. So an
attempt is noted where Python announces it, by an audit hook, whatever becomes of the exception. What is only refused once it is too
much (a file too large, a disk that is full) is noted where an exception passes through the program (`environment_error`).

The hook cannot be taken away again. Programs that may do any of this have a worker of their own, which ends with them.
"""

import errno
import os
import sys
from typing import Any

from execverify.sandbox.worker import ExecutionContext

OUTSIDE = "it depends on what is outside of its folder, or what the sandbox refuses"

_PATHS = {  # events whose first arguments are paths, and how many
    **dict.fromkeys(
        "open os.listdir os.scandir os.walk os.fwalk os.mkdir os.rmdir os.remove os.chdir os.chmod os.chown os.utime os.truncate "
        "os.getxattr os.setxattr os.listxattr os.removexattr sqlite3.connect".split(),
        1,
    ),
    **dict.fromkeys("os.link os.rename os.symlink".split(), 2),
}
_ALWAYS = frozenset(
    "socket.connect socket.bind socket.getaddrinfo socket.gethostbyname socket.gethostbyaddr socket.gethostname socket.getnameinfo "
    "socket.sendto socket.sendmsg urllib.Request http.client.connect ftplib.connect smtplib.connect imaplib.open poplib.connect "
    "subprocess.Popen os.exec os.system os.fork os.forkpty os.posix_spawn os.spawn os.kill os.killpg pty.spawn webbrowser.open".split()
)
_IMPORT = "import"
_LIBRARY = os.path.dirname(os.__file__)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_IN_MEMORY = ("", ":memory:")
_HARMLESS = frozenset(
    (errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.EINVAL, errno.EBADF, errno.ENAMETOOLONG)
)
"""Errors of paths that are the same in every empty folder."""

_state: dict[str, Any] = {"stage": None, "hooked": False, "own": ()}


def watch(stage: ExecutionContext | None) -> None:
    """Notes attempts in a stage from now on; in none with None."""
    if stage is not None:
        folders = (os.getcwd(), _LIBRARY, *filter(os.path.isabs, sys.path))
        _state["own"] = tuple(f"{folder.rstrip('/')}/" for folder in folders)
        if not _state["hooked"]:
            _state["hooked"] = True
            sys.addaudithook(_heard)
    _state["stage"] = stage


def environment_error(error: BaseException | None) -> str | None:
    """Why an exception is no program's own: the system refused something, or a module is not installed. None for any other one."""
    if isinstance(error, ImportError) and error.name is not None:
        return _missing(error.name)
    if not isinstance(error, OSError) or error.errno is None or error.errno in _HARMLESS:
        return None
    is_systems = error.strerror == os.strerror(error.errno)  # a program that makes one gives it a text of its own
    return f"{OUTSIDE}: {error.strerror}" if is_systems else None


def _heard(event: str, given: tuple[Any, ...]) -> None:
    """The audit hook. Whatever it raised would end the program's call."""
    stage = _state["stage"]
    if stage is None or (event not in _PATHS and event not in _ALWAYS and event != _IMPORT):
        return
    try:
        what = _outside(event, given)
    except Exception:  # an argument that is no path: the call itself will say so
        return
    if what is not None:
        stage.version_dependent = what


def _outside(event: str, given: tuple[Any, ...]) -> str | None:
    """Why an event makes a run depend on the outside; None where it does not."""
    if event in _ALWAYS:
        return f"{OUTSIDE}: {event}"
    caller = sys._getframe(2).f_code.co_filename
    if event == _IMPORT:
        name = str(given[0]).partition(".")[0]
        known = name in sys.stdlib_module_names or name in sys.modules or caller.startswith((_LIBRARY, "<frozen"))
        return None if known else _missing(name)
    if caller == f"{_LIBRARY}/tempfile.py":  # it looks for a folder that it may write to
        return None
    found = next((path for path in given[: _PATHS[event]] if _is_outside(path)), None)
    return None if found is None else f"{OUTSIDE}: {event} of {os.fsdecode(found)[:60]!r}"


def _missing(module: str) -> str:
    return f"it needs the module {module[:60]!r}, which is not here: where it is installed, --allow-imports lets programs have it"


def _is_outside(path: Any) -> bool:
    if path is None or isinstance(path, int) or os.fsdecode(path) in _IN_MEMORY:
        return False
    full = os.path.abspath(os.fsdecode(path).removeprefix("file:").partition("?")[0])
    return full not in _DEVICES and not f"{full}/".startswith(_state["own"])
