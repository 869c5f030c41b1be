"""The fork server: a preloaded, confined interpreter that never reads a program.

`connections.py` starts it. It loads the runners, gives up every privilege that a program must not have, and then serves its control
socket: it forks a process for the socket that a request brings, and ends processes. It reads no program text itself, so a process,
which shares its memory as it was at the fork, finds none there.

A request is a letter and the number that the caller gave the process:

    T  fork a worker for trusted programs, for the socket in the request; no reply
    U  fork a process for one untrusted candidate, for the socket in the request; no reply
    E  end a process; the reply is its wait status
    D  end a process; no reply
    C  the reply is the processor time of a process, in seconds

When the control socket closes, because the caller closed it or ended, the fork server ends every process, removes the working
folders and exits.
"""

import contextlib
import importlib
import os
import select
import signal
import socket
import sys
import time
from typing import Any

from execverify.sandbox import candidate_worker, isolation, worker
from execverify.sandbox.isolation import libc, rlimits
from execverify.sandbox.protocol import CONTROL_REQUEST, pack

_PROCESS_CLOCK = 2  # CPUCLOCK_SCHED: with a pid, it names the kernel's clock of that process
_REAP_AFTER = 0.02  # seconds after which processes are reaped that were ended without a reply


def main(
    control_fd: int,
    root: str,
    runners: list[tuple[str, str]],
    preload: list[str],
    imports: list[str],
    import_paths: list[str],
    runner_paths: list[str],
    isolation_config: dict[str, Any],
    untrusted: bool,
) -> None:
    """Serves requests until the control socket closes.

    Args:
        control_fd: descriptor of the control socket.
        root: an existing, empty folder in which each worker gets a folder of its own.
        runners: module and function of each runner that jobs may name; they are loaded before the first fork.
        preload: further modules of this package to load before the first fork.
        imports: modules that programs may import besides the standard library; they are loaded before the first fork.
        import_paths: folders in which those are found.
        runner_paths: folders in which the modules of runners are found.
        isolation_config: fields of `isolation.IsolationConfig`.
        untrusted: whether the processes are for candidates.
    """
    control = socket.socket(fileno=control_fd)
    sys.path += dict.fromkeys([*import_paths, *runner_paths])
    worker.load_runners(runners)
    for name in (*preload, *_PRELOADED, *imports):
        importlib.import_module(name)
    os.environ.clear()
    hidden = set(runner_paths) - set(import_paths)
    sys.path[:] = [path for path in sys.path if path not in hidden and not _is_own_folder(path)]
    os.setsid()
    os.chdir(root)
    places = _places_of_loaded() if imports else []
    confined = isolation.Isolation(root, places, isolation.IsolationConfig(**isolation_config), untrusted=untrusted)
    candidate_worker.prepare(imports)
    worker.prepare()
    server = _ForkServer(control, root, confined)
    control.sendall(pack({"layers": confined.layers, "init": confined.init}))
    try:
        server.serve()
    finally:
        server.close()


def _places_of_loaded() -> list[str]:
    """Where the loaded modules are that are neither Python's nor this package's: a package's folder, or a module's file.

    A program may read these, and nothing else that lies beside them: not the rest of `site-packages`, and not the folder that holds a
    local module. Wheels keep their shared libraries in `NAME.libs` beside the package.
    """
    found: set[str] = set()
    for name, module in list(sys.modules.items()):
        if "." in name or name in _NOT_INSTALLED:
            continue
        places = list(getattr(module, "__path__", None) or ()) or [getattr(module, "__file__", None)]
        found.update(place for place in places if isinstance(place, str))
    for folder in {os.path.dirname(place) for place in found if os.path.basename(os.path.dirname(place)) in _SITES}:
        found.update(os.path.join(folder, entry) for entry in os.listdir(folder) if entry.endswith(".libs"))
    return sorted(found)


_NOT_INSTALLED = frozenset({*sys.stdlib_module_names, *sys.builtin_module_names, "execverify", "__main__"})
_SITES = frozenset({"site-packages", "dist-packages"})


_PRELOADED = (  # what programs import most often; any more would cost every fork more than it saves some
    "abc", "bisect", "collections", "contextlib", "copy", "functools", "heapq", "itertools", "math", "operator", "re", "string",
    "typing",
)  # fmt: skip


def _remove(folder: str) -> None:
    """Removes a folder and everything in it, as far as possible."""
    for place, folders, files in os.walk(folder, topdown=False):
        for path in [os.path.join(place, name) for name in (*files, *folders)]:
            with contextlib.suppress(OSError):
                os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def _is_own_folder(path: str) -> bool:
    return os.path.isdir(os.path.join(path, "execverify"))


class _ForkServer:
    """Serves requests.

    Attributes:
        workers: pids of the processes that are alive, by the caller's number.
        dying: numbers of the processes that were killed and not yet reaped, by pid.
        folders: numbers of the workers that have a working folder.
    """

    def __init__(self, control: socket.socket, root: str, confined: isolation.Isolation) -> None:
        self.control = control
        self.root = root
        self.confined = confined
        self.base = rlimits.address_space()
        self.workers: dict[int, int] = {}
        self.dying: dict[int, int] = {}
        self.folders: set[int] = set()

    def serve(self) -> None:
        while True:
            if self.dying and not select.select([self.control], [], [], _REAP_AFTER)[0]:
                self.reap()
                continue
            request, fds, _, _ = socket.recv_fds(self.control, CONTROL_REQUEST.size, 1)
            if len(request) < CONTROL_REQUEST.size:
                return
            kind, number = CONTROL_REQUEST.unpack(request)
            if kind in b"TU":
                self.fork(number, fds[0], trusted=kind == b"T")
            elif kind == b"E":
                self.control.sendall(pack({"status": self.end(number)}))
            elif kind == b"C":
                self.control.sendall(pack({"seconds": self.processor_time(number)}))
            else:
                self.drop(number)

    def processor_time(self, number: int) -> float | None:
        """Seconds of processor time of all threads of a process; None where the system does not report it."""
        pid = self.workers.get(number)
        if pid is None or sys.platform != "linux":
            return None
        with contextlib.suppress(OSError):
            return time.clock_gettime((~pid << 3) | _PROCESS_CLOCK)
        return None

    def fork(self, number: int, fd: int, trusted: bool) -> None:
        folder = os.path.join(self.root, str(number))
        if trusted:
            os.mkdir(folder, 0o700)
            self.folders.add(number)
        try:
            pid = libc.fork()
        except OSError:
            if not self.confined.alive():
                raise  # nothing can be forked any more: the caller starts another fork server
            pid = -1
        if pid == 0:
            try:
                self.control.close()
                os.setsid()
                libc.die_with_parent()
                if trusted:
                    os.chdir(folder)
                    meter = rlimits.AddressSpace()
                    self.confined.confine_trusted(folder)
                    worker.serve(socket.socket(fileno=fd), meter)
                else:
                    alone = self.confined.separate()
                    candidate_worker.serve(fd, self.base, self.confined.confine_untrusted, alone=alone)
                os._exit(0)
            finally:
                os._exit(70)  # this package's code failed, or a program has broken it
        os.close(fd)
        if pid > 0:
            self.workers[number] = pid

    def end(self, number: int) -> int | None:
        """Kills a process with all of its process group and reaps it; returns its wait status.

        Returns None where the process is unknown, or where it ended with all others because their process namespace did.
        """
        pid = self.workers.pop(number, None)
        if pid is None:
            return None
        done, status = os.waitpid(pid, os.WNOHANG)
        self.kill(pid)
        if done == 0:
            _, status = os.waitpid(pid, 0)
        self.remove_workdir(number)
        killed = done != 0 and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return None if killed and not self.can_fork() else status

    def can_fork(self) -> bool:
        """Whether processes can be forked. When the init ends, the kernel refuses that before it kills the other processes."""
        try:
            pid = libc.fork()
        except OSError:
            return False
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return True

    def drop(self, number: int) -> None:
        """Kills a process; it is reaped later."""
        pid = self.workers.pop(number, None)
        if pid is not None:
            self.kill(pid)
            self.dying[pid] = number
        self.reap()

    def kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def reap(self) -> None:
        for pid, number in list(self.dying.items()):
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self.dying[pid]
                self.remove_workdir(number)

    def remove_workdir(self, number: int) -> None:
        """Removes a worker's folder, and ends processes that a program forked into a session of their own."""
        if number not in self.folders:
            return
        self.folders.discard(number)
        _remove(os.path.join(self.root, str(number)))
        self.confined.kill_stray_processes({*self.workers.values(), *self.dying})

    def close(self) -> None:
        for number in list(self.workers):
            self.end(number)
        for pid in self.dying:
            os.waitpid(pid, 0)
        self.confined.close()
        _remove(self.root)
