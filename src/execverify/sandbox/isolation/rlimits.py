"""Resource limits, as the kernel enforces them."""

import contextlib
import os
import resource
import sys

OPEN_FILES = 64
_THREADS = 512  # of one candidate, where the kernel counts its threads separately
_THREADS_OF_USER = 4096  # of one user with everything that runs there, trainers too, otherwise; root has neither limit


def limit_always() -> dict[str, str]:
    """Sets the limits of every confined process. Returns each with "on" or the reason why it is off."""
    layers = {"core dumps": _limit(resource.RLIMIT_CORE, 0), "open files": _limit(resource.RLIMIT_NOFILE, OPEN_FILES)}
    layers["memory and file size"] = "on" if address_space() else "off: the system does not report how much memory is in use"
    return layers


def address_space() -> int:
    """Bytes of address space in use now; 0 where the system does not report it."""
    with contextlib.suppress(OSError), open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
    return 0


class AddressSpace:
    """Reads the size of this process's address space, also when files can no longer be opened."""

    def __init__(self) -> None:
        self.fd = -1
        if sys.platform != "linux":
            return
        with contextlib.suppress(OSError):
            self.fd = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    def now(self) -> int:
        """Bytes in use; 0 where the system does not report it."""
        with contextlib.suppress(OSError):
            return int(os.pread(self.fd, 64, 0).split()[0]) * resource.getpagesize()
        return 0


def limit_memory(extra: int, base: int) -> None:
    """Limits the address space of this process to `extra` bytes above `base`; does nothing where the base is 0 (unknown)."""
    if base:
        _limit(resource.RLIMIT_AS, base + extra, keep_hard=True)


def limit_file_size(size: int) -> None:
    """Limits the size of any file that this process writes, in bytes."""
    _limit(resource.RLIMIT_FSIZE, size, keep_hard=True)


def set_hard_limits(memory: int, file_size: int, seconds: float, *, alone: bool) -> None:
    """Sets the limits of an untrusted process, which it cannot raise again.

    Args:
        memory: bytes of address space; 0 for no limit.
        file_size: bytes of any file.
        alone: whether the kernel counts this process's threads separately from all others of its user.
        seconds: processor time. This is a second limit, behind the caller's.
    """
    if memory:
        _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, file_size)
    _limit(resource.RLIMIT_CPU, min(int(seconds) + 1, 1 << 30))
    if sys.platform == "linux":
        _limit(resource.RLIMIT_NPROC, _THREADS if alone else _THREADS_OF_USER)
        _limit(resource.RLIMIT_MEMLOCK, 0)
        _limit(resource.RLIMIT_MSGQUEUE, 0)
        _limit(resource.RLIMIT_SIGPENDING, 64)


def _limit(what: int, value: int, *, keep_hard: bool = False) -> str:
    hard = resource.getrlimit(what)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(what, (value, hard if keep_hard else value))
    except (OSError, ValueError) as error:
        return f"off: {error}"
    return "on"
