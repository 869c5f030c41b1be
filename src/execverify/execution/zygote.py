"""The parent of the forks: a warm, confined interpreter that never reads a program.

Started once per hash seed by `sandbox.py`. It loads the harnesses, gives up what a program must not have, and then answers
two requests over its control socket: fork a worker for the socket that comes with the request, and end a worker. It runs
no program text itself, so a worker, which shares its memory as it was at the fork, finds nothing there to read.

When the control socket closes, because the caller closed it or died, it ends every worker, removes the working folders
and exits.
"""

import contextlib
import importlib
import os
import shutil
import signal
import socket
import sys

from execverify.execution import confine, worker
from execverify.execution.wire import pack


def main(control_fd: int, root: str, modules: list[str]) -> None:
    """Serves fork and kill requests until the control socket closes.

    Args:
        control_fd: descriptor of the control socket.
        root: an existing, empty folder in which each worker gets a folder of its own.
        modules: modules whose functions jobs may name, loaded before the first fork.
    """
    control = socket.socket(fileno=control_fd)
    for name in modules:
        importlib.import_module(name)
    os.setsid()
    confine.adopt_orphans()
    os.chdir(root)
    os.environ.clear()
    sys.path[:] = [path for path in sys.path if not _is_ours(path)]
    layers = confine.confine()
    worker.prepare()
    control.sendall(pack({"layers": layers}))
    folders: dict[int, str] = {}
    try:
        while True:
            request, fds, _, _ = socket.recv_fds(control, 64, 1)
            if not request:
                return
            if fds:
                pid = _fork(control, fds[0], root)
                folders[pid] = _folder(root, pid)
                control.sendall(pack({"pid": pid}))
            else:
                pid = int(request)
                control.sendall(pack({"status": _end(pid)}))
                shutil.rmtree(folders.pop(pid), ignore_errors=True)
                _end_strangers(set(folders))
    finally:
        for pid in folders:
            _end(pid)
        _end_strangers(set())
        shutil.rmtree(root, ignore_errors=True)


def _is_ours(path: str) -> bool:
    return os.path.isdir(os.path.join(path, "execverify"))


def _folder(root: str, pid: int) -> str:
    return os.path.join(root, str(pid))


def _fork(control: socket.socket, fd: int, root: str) -> int:
    pid = os.fork()
    if pid:
        os.close(fd)
        return pid
    try:
        control.close()
        os.setsid()
        confine.die_with_parent()
        folder = _folder(root, os.getpid())
        os.mkdir(folder, 0o700)
        os.chdir(folder)
        worker.serve(socket.socket(fileno=fd))
    finally:
        os._exit(0)


def _end_strangers(known: set[int]) -> None:
    """Ends what a program forked and hid in a session of its own: with its parent gone it has become a child of ours."""
    while strangers := confine.children() - known:
        for pid in strangers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _end(pid: int) -> int:
    """Kills a worker with all of its process group and reaps it; returns its wait status as it died."""
    done, status = os.waitpid(pid, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if done == 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return status
