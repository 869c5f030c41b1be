"""What a process gives up before it runs a program: the network, core dumps, large files, new privileges.

Called in the child alone, once in the parent of the forks. Each layer says whether it is on; a layer that the system does
not have is left out and reported, never an error: the programs that run under these layers are those whose text the user
chose. (Hostile candidates need more layers; this is where they go.)
"""

import contextlib
import ctypes
import os
import platform
import resource
import struct
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9

# Audit architecture and the system calls that reach a network or leave the process, by machine.
_SECCOMP = {
    "x86_64": (0xC000003E, {"socket": 41, "connect": 42, "execve": 59, "ptrace": 101, "execveat": 322, "io_uring_setup": 425}),
    "aarch64": (
        0xC00000B7,
        {"socket": 198, "connect": 203, "execve": 221, "ptrace": 117, "execveat": 281, "io_uring_setup": 425},
    ),
}
_LD_NR, _LD_ARCH = 0, 4
_BPF_LD, _BPF_JEQ, _BPF_JGE, _BPF_RET = 0x20, 0x15, 0x35, 0x06
_ALLOW, _DENY, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # deny: EPERM
_X32 = 0x40000000


def confine() -> dict[str, str]:
    """Confines this process and all that it forks. Returns each layer's name with "on" or why it is off."""
    layers = {"core dumps": _limit(resource.RLIMIT_CORE, 0), "open files": _limit(resource.RLIMIT_NOFILE, 64)}
    if sys.platform == "linux":
        layers["no new privileges"] = "on" if _prctl(_PR_SET_NO_NEW_PRIVS, 1) == 0 else "off: prctl refused"
        layers["system call filter"] = _filter_system_calls()
    if layers.get("system call filter") != "on":
        layers["network audit hook"] = _refuse_sockets()
    return layers


def die_with_parent() -> None:
    """Asks the kernel to kill this process when its parent ends (Linux; elsewhere the closed socket ends it)."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def adopt_orphans() -> None:
    """Makes this process the parent of its descendants whose own parent ends (Linux), so that it can end them."""
    if sys.platform == "linux":
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> set[int]:
    """Pids of this single-threaded process's children; none where the system does not say."""
    with contextlib.suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:
        return set(map(int, file.read().split()))
    return set()


def address_space() -> int:
    """Bytes of address space in use now; 0 where the system does not say."""
    with contextlib.suppress(OSError), open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
    return 0


def limit_memory(extra: int, base: int) -> None:
    """Lets this process map `extra` bytes above `base`; does nothing where the base is unknown."""
    if base:
        _limit(resource.RLIMIT_AS, base + extra, keep_hard=True)


def limit_file_size(size: int) -> None:
    """Caps the size of any file that this process writes, in bytes."""
    _limit(resource.RLIMIT_FSIZE, size, keep_hard=True)


def _limit(what: int, value: int, *, keep_hard: bool = False) -> str:
    hard = resource.getrlimit(what)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(what, (value, hard if keep_hard else value))
    except (OSError, ValueError) as error:
        return f"off: {error}"
    return "on"


def _prctl(option: int, argument: int, pointer: object = 0) -> int:
    return int(ctypes.CDLL(None, use_errno=True).prctl(option, argument, pointer, 0, 0))


def _filter_system_calls() -> str:
    """Installs a seccomp filter that answers EPERM to sockets, exec and ptrace, and kills foreign call conventions."""
    known = _SECCOMP.get(platform.machine())
    if known is None or struct.calcsize("P") != 8:
        return f"off: no table for {platform.machine()}"
    arch, calls = known
    program = [(_BPF_LD, 0, 0, _LD_ARCH), (_BPF_JEQ, 1, 0, arch), (_BPF_RET, 0, 0, _KILL), (_BPF_LD, 0, 0, _LD_NR)]
    program += [(_BPF_JGE, 0, 1, _X32), (_BPF_RET, 0, 0, _KILL)]
    for number in calls.values():
        program += [(_BPF_JEQ, 0, 1, number), (_BPF_RET, 0, 0, _DENY)]
    program.append((_BPF_RET, 0, 0, _ALLOW))
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    header_buffer = ctypes.create_string_buffer(header, len(header))
    if _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(header_buffer)) != 0:
        return "off: the kernel refused the filter"
    return "on"


def _refuse_sockets() -> str:
    """Where there is no filter: Python's own sockets and processes are refused (C code is not)."""

    def hook(event: str, _: object) -> None:
        if event in ("socket.__new__", "socket.connect", "os.exec", "subprocess.Popen", "os.system", "os.posix_spawn"):
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(hook)
    return "on"
