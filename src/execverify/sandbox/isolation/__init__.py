"""The layers of isolation that are applied to a process before it runs a program; each layer is a module of this package.

    once, in the fork server             namespaces, limits, no new privileges, capabilities, the broad filter
    each worker, for trusted programs    Landlock: reads the interpreter, writes to its own folder
    each untrusted process               Landlock: reads the interpreter; limits that it cannot raise; the narrow filter

Each layer reports whether it is on. A layer that the system does not have is left out and reported, and is no error: synthesized
programs may run with fewer layers. Before *untrusted* code runs, `require_layers` raises where a required layer is off.
"""

import contextlib
import os
import signal
import sys
import sysconfig
from dataclasses import asdict, dataclass
from typing import Any

from execverify.errors import InsufficientIsolationError
from execverify.sandbox import candidate_worker
from execverify.sandbox.isolation import capabilities, landlock, libc, namespaces, rlimits, seccomp

SECCOMP = "system call filter"
LANDLOCK = "landlock"
REQUIRED_LAYERS = {
    SECCOMP: "it needs Linux on x86-64 or aarch64, and a container that lets processes filter themselves (seccomp)",
    LANDLOCK: "it needs Linux 5.13 or later with Landlock among its security modules (lsm=...,landlock)",
}
"""Layers without which untrusted code is refused, and what each requires of the system."""


@dataclass(frozen=True, slots=True)
class IsolationConfig:
    """Which layers to leave out, for tests and measurements.

    Attributes:
        without: names of layers: "namespaces", "system call filter", "landlock", "capabilities".
        user: id of the user (and group) to switch to first, where the caller is root; None to keep the user.
    """

    without: tuple[str, ...] = ()
    user: int | None = None

    def plain(self) -> dict[str, Any]:
        """The fields as JSON data."""
        return asdict(self)


ALL_LAYERS = IsolationConfig()


ALLOW_WEAK = "EXECVERIFY_ALLOW_WEAK_ISOLATION"
"""An environment variable. Set to 1, it allows weaker isolation, as `allow_weak_isolation=True` does for one call."""


def require_layers(layers: dict[str, str]) -> None:
    """Raises InsufficientIsolationError where a layer is off that untrusted code needs."""
    for name, requirement in REQUIRED_LAYERS.items():
        state = layers.get(name, "off: this system has none")
        if state != "on":
            raise InsufficientIsolationError(
                f"untrusted code is refused: the {name} is {state}; {requirement}. "
                f"To run it with weaker isolation: allow_weak_isolation=True, --allow-weak-isolation, or {ALLOW_WEAK}=1"
            )


class Isolation:
    """Applies the layers of the fork server when it is created; its methods apply those of the processes.

    Args:
        root: the folder that contains the working folders of workers.
        paths: files and folders that may be read besides the interpreter's.
        config: which layers to leave out.
        untrusted: whether the processes are for candidates.

    Attributes:
        layers: each layer's name with "on" or the reason why it is off.
        init: pid of the first process of the process namespace; None without one.
    """

    def __init__(self, root: str, paths: list[str], config: IsolationConfig = ALL_LAYERS, *, untrusted: bool = False) -> None:
        self.untrusted = untrusted
        self.layers: dict[str, str] = {}
        self.init: int | None = None
        self.landlock = 0
        self.rulesets: tuple[int, int] = (-1, -1)
        self.narrow: seccomp.Narrow | None = None
        if sys.platform == "linux":
            if config.user is not None:
                os.chown(root, config.user, config.user)
            self._make_rulesets(root, paths, config)
            self._switch_user(config.user)
            self._enter_namespaces(config)
        else:
            libc.become_subreaper()
        self.layers |= rlimits.limit_always()
        if sys.platform == "linux":
            self.layers["no new privileges"] = libc.set_no_new_privs()
            self.layers["capabilities"] = "off: left out" if "capabilities" in config.without else capabilities.drop()
            self._filter(config)
            libc.set_dumpable(False)
        if self.layers.get(SECCOMP) != "on":
            self.layers["network audit hook"] = _refuse_sockets()

    def _make_rulesets(self, root: str, paths: list[str], config: IsolationConfig) -> None:
        """Creates Landlock's rules for trusted programs, and those for candidates."""
        version = landlock.abi()
        if LANDLOCK in config.without or version < 1:
            self.layers[LANDLOCK] = "off: left out" if version >= 1 else "off: the kernel has none"
            return
        readable, listed = _readable(paths)
        try:
            self.rulesets = landlock.ruleset(readable, listed, root), landlock.ruleset(readable, listed)
        except OSError as error:
            self.layers[LANDLOCK] = f"off: the kernel refused: {error.strerror}"
            return
        self.landlock = version
        self.layers[LANDLOCK] = "on"

    def _switch_user(self, user: int | None) -> None:
        if user is not None:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)

    def _enter_namespaces(self, config: IsolationConfig) -> None:
        if "namespaces" in config.without:
            entered = dict.fromkeys(namespaces.KINDS, "off: left out")
        else:
            entered = namespaces.enter()
        self.layers |= {f"{kind} namespace": state for kind, state in entered.items()}
        if entered["process"] == "on":
            self.init = namespaces.start_init()
        else:
            libc.become_subreaper()

    def _filter(self, config: IsolationConfig) -> None:
        if SECCOMP in config.without:
            self.layers[SECCOMP] = "off: left out"
            return
        self.layers[SECCOMP] = seccomp.install_broad(own_users=self.untrusted)
        if self.layers[SECCOMP] == "on":
            self.narrow = seccomp.Narrow()

    def confine_trusted(self, folder: str) -> None:
        """In a worker for trusted programs: restricts files, where there is Landlock."""
        if self.landlock:
            landlock.restrict(self.rulesets[0], self.landlock)
            landlock.restrict_writing(folder)
            self._close_rulesets()

    def _close_rulesets(self) -> None:
        for ruleset in self.rulesets:
            os.close(ruleset)

    def separate(self) -> bool:
        """In the process of a candidate, before its limits are set: enters a user namespace of its own.

        Returns whether it did: then threads of other candidates do not count towards its limit. (Threads of root are not limited, so
        root stays in its namespace.) Raises OSError where the capabilities that a new user namespace brings could not be dropped.
        """
        if self.layers.get("user namespace") != "on" or os.getuid() == 0 or not namespaces.enter_own_users():
            return False
        if (state := capabilities.drop()) != "on":
            raise OSError(f"capabilities: {state}")
        return True

    def confine_untrusted(self) -> None:
        """In the process of a candidate: applies every layer that is on here; raises `IsolationFailed` where one fails."""
        if self.landlock:
            try:
                landlock.restrict(self.rulesets[1], self.landlock)
            except OSError as error:
                raise candidate_worker.IsolationFailed(f"landlock: {error.strerror}") from None
            self._close_rulesets()
        if self.narrow is not None and (state := self.narrow.install()) != "on":
            raise candidate_worker.IsolationFailed(f"{SECCOMP}: {state}")

    def alive(self) -> bool:
        """Whether processes can still be forked."""
        return self.init is None or os.waitpid(self.init, os.WNOHANG) == (0, 0)

    def kill_stray_processes(self, known: set[int]) -> None:
        """Ends processes that a program forked into a session of their own.

        When their parent has ended, they are children of the namespace's first process, or without one, of the fork server.

        Args:
            known: pids of the fork server's children that must not be ended.
        """
        if self.init is not None:
            for pid in children(self.init):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            return
        while strays := children(os.getpid()) - known:
            for pid in strays:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def close(self) -> None:
        """Ends the first process of the process namespace, and with it all that remain."""
        if self.init is not None:
            os.kill(self.init, signal.SIGKILL)
            os.waitpid(self.init, 0)


def children(pid: int) -> set[int]:
    """Pids of the children of a single-threaded process; empty where the system does not report them."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
        return set(map(int, file.read().split()))
    return set()


def _readable(paths: list[str]) -> tuple[list[str], list[str]]:
    """The files that the interpreter needs: those that may be read, and folders that may be listed."""
    library = os.path.dirname(os.__file__)
    listed = [library]
    installed = ("site-packages", "dist-packages")
    parts = [os.path.join(library, name) for name in os.listdir(library) if name not in installed]
    triplet = sysconfig.get_config_var("MULTIARCH") or "none"
    shared = [folder for place in ("/lib", "/usr/lib") if os.path.isdir(folder := os.path.join(place, triplet))]
    shared += [] if shared else ["/lib", "/usr/lib"]
    shared += ["/lib64", "/usr/lib64", os.path.join(sys.base_prefix, "lib", f"lib{_library_name()}")]
    system = [
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/usr/share/zoneinfo",
        "/dev/null",
        "/dev/zero",
        "/dev/urandom",
        "/dev/random",
    ]
    return [*parts, *shared, *system, *paths], listed


def _library_name() -> str:
    return str(sysconfig.get_config_var("INSTSONAME") or "python").removeprefix("lib")


def _refuse_sockets() -> str:
    """Where there is no filter: makes Python refuse sockets and processes (C code is not affected)."""

    def hook(event: str, _: object) -> None:
        if event in ("socket.__new__", "socket.connect", "os.exec", "subprocess.Popen", "os.system", "os.posix_spawn"):
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(hook)
    return "on"
