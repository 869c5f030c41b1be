"""What a process gives up before it runs a program: the conductor of the layers, one module each.

    once, in the parent of the forks     namespaces, limits, no new privileges, capabilities, the broad filter
    each worker, for trusted programs    Landlock: reads the interpreter, writes to its own folder
    each untrusted process               Landlock: reads the interpreter; limits that it cannot raise; the narrow filter

Each layer says whether it is on. One that the system does not have is left out and reported, never an error: programs of our
own synthesizer may run with less. Whoever runs *untrusted* code asks `require`, which refuses where a needed layer is off.
"""

import contextlib
import os
import signal
import sys
import sysconfig
from dataclasses import asdict, dataclass
from typing import Any

from execverify.errors import WeakSandboxError
from execverify.sandbox import candidate_worker
from execverify.sandbox.isolation import capabilities, landlock, libc, namespaces, rlimits, seccomp

SECCOMP = "system call filter"
LANDLOCK = "landlock"
REQUIRED_LAYERS = {
    SECCOMP: "it wants Linux on x86-64 or aarch64, and a container that lets processes filter themselves (seccomp)",
    LANDLOCK: "it wants Linux 5.13 or later with Landlock among its security modules (lsm=...,landlock)",
}
"""Layers without which untrusted code is refused, and what each wants."""


@dataclass(frozen=True, slots=True)
class IsolationConfig:
    """Which layers to leave off, for tests and for measurements.

    Attributes:
        without: names of layers: "namespaces", "system call filter", "landlock", "capabilities".
        user: id of the user (and group) to become first, where we are root; None to stay who we are.
    """

    without: tuple[str, ...] = ()
    user: int | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


ALL_LAYERS = IsolationConfig()


ALLOW_WEAK = "EXECVERIFY_ALLOW_WEAK_SANDBOX"
"""Set to 1 in the environment, it says for a process and all that it starts what `allow_weak=True` says for one call."""


def require_layers(layers: dict[str, str]) -> None:
    """Raises WeakSandboxError where a layer is off that untrusted code needs."""
    for name, wanted in REQUIRED_LAYERS.items():
        state = layers.get(name, "off: this system has none")
        if state != "on":
            raise WeakSandboxError(
                f"untrusted code is refused: the {name} is {state}; {wanted}. "
                f"To run it with less all the same: allow_weak=True, --allow-weak-isolation, or {ALLOW_WEAK}=1"
            )


class Isolation:
    """The parent of the forks when it has given up what it must, and what its children still do.

    Attributes:
        layers: each layer's name with "on" or why it is off.
        init: pid of the init of the namespace of processes; None without one.
    """

    def __init__(self, root: str, paths: list[str], choice: IsolationConfig = ALL_LAYERS, *, untrusted: bool = False) -> None:
        self.untrusted = untrusted
        self.layers: dict[str, str] = {}
        self.init: int | None = None
        self.landlock = 0
        self.rulesets: tuple[int, int] = (-1, -1)
        self.narrow: seccomp.Narrow | None = None
        if sys.platform == "linux":
            if choice.user is not None:
                os.chown(root, choice.user, choice.user)
            self._make_rulesets(root, paths, choice)
            self._switch_user(choice.user)
            self._enter_namespaces(choice)
        else:
            libc.become_subreaper()
        self.layers |= rlimits.limit_always()
        if sys.platform == "linux":
            self.layers["no new privileges"] = libc.set_no_new_privs()
            self.layers["capabilities"] = "off: left off" if "capabilities" in choice.without else capabilities.drop()
            self._filter(choice)
            libc.set_dumpable(False)
        if self.layers.get(SECCOMP) != "on":
            self.layers["network audit hook"] = _refuse_sockets()

    def _make_rulesets(self, root: str, paths: list[str], choice: IsolationConfig) -> None:
        """Landlock's rules for trusted programs, and those for candidates."""
        version = landlock.abi()
        if LANDLOCK in choice.without or version < 1:
            self.layers[LANDLOCK] = "off: left off" if version >= 1 else "off: the kernel has none"
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

    def _enter_namespaces(self, choice: IsolationConfig) -> None:
        if "namespaces" in choice.without:
            entered = dict.fromkeys(namespaces.KINDS, "off: left off")
        else:
            entered = namespaces.enter()
        self.layers |= {f"{kind} namespace": state for kind, state in entered.items()}
        if entered["process"] == "on":
            self.init = namespaces.start_init()
        else:
            libc.become_subreaper()

    def _filter(self, choice: IsolationConfig) -> None:
        if SECCOMP in choice.without:
            self.layers[SECCOMP] = "off: left off"
            return
        self.layers[SECCOMP] = seccomp.install_broad(own_users=self.untrusted)
        if self.layers[SECCOMP] == "on":
            self.narrow = seccomp.Narrow()

    def confine_trusted(self, folder: str) -> None:
        """In a worker for trusted programs: files, as far as there is Landlock."""
        if self.landlock:
            landlock.restrict(self.rulesets[0], self.landlock)
            landlock.restrict_writing(folder)
            self._close_rulesets()

    def _close_rulesets(self) -> None:
        for ruleset in self.rulesets:
            os.close(ruleset)

    def separate(self) -> bool:
        """In the process of a candidate, before its limits are set: threads of other candidates do not count for it.

        Says whether that is so. (Root's are not counted at all, so it stays where it is.) Raises OSError where the power that
        comes with a new user namespace could not be given up.
        """
        if self.layers.get("user namespace") != "on" or os.getuid() == 0 or not namespaces.enter_own_users():
            return False
        if (state := capabilities.drop()) != "on":
            raise OSError(f"capabilities: {state}")
        return True

    def confine_untrusted(self) -> None:
        """In the process of a candidate: every layer that is on here; raises `trial.Unconfined` where one fails."""
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
        """Ends what a program forked and hid in a session of its own.

        With its parent gone it has become a child of the init, or without one, of ours.
        """
        if self.init is not None:
            for pid in children(self.init):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            return
        while strangers := children(os.getpid()) - known:
            for pid in strangers:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def close(self) -> None:
        """Ends the init, and with it all that is left."""
        if self.init is not None:
            os.kill(self.init, signal.SIGKILL)
            os.waitpid(self.init, 0)


def children(pid: int) -> set[int]:
    """Pids of a single-threaded process's children; none where the system does not say."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
        return set(map(int, file.read().split()))
    return set()


def _readable(paths: list[str]) -> tuple[list[str], list[str]]:
    """What the interpreter itself needs: what may be read, and folders that may be listed."""
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
    """Where there is no filter: Python's own sockets and processes are refused (C code is not)."""

    def hook(event: str, _: object) -> None:
        if event in ("socket.__new__", "socket.connect", "os.exec", "subprocess.Popen", "os.system", "os.posix_spawn"):
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(hook)
    return "on"
