"""Resource limits: what a process may use, as the kernel counts it."""

import contextlib
import os
import resource
import sys

OPEN_FILES = 64
_THREADS = 512  # of one candidate, where the kernel counts it by itself
_THREADS_OF_USER = 4096  # of one user with all that runs there, trainers too, where it does not; root is limited by neither


def limit_always() -> dict[str, str]:
    """The limits of every confined process. Returns each with "on" or why it is off."""
    layers = {"core dumps": _limit(resource.RLIMIT_CORE, 0), "open files": _limit(resource.RLIMIT_NOFILE, OPEN_FILES)}
    layers["memory and file size"] = "on" if address_space() else "off: the system does not say how much memory is in use"
    return layers


def address_space() -> int:
    """Bytes of address space in use now; 0 where the system does not say."""
    with contextlib.suppress(OSError), open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
    return 0


class AddressSpace:
    """Reads this process's own address space again and again, also when files can no longer be opened."""

    def __init__(self) -> None:
        self.fd = -1
        if sys.platform != "linux":
            return
        with contextlib.suppress(OSError):
            self.fd = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    def now(self) -> int:
        """Bytes in use; 0 where the system does not say."""
        with contextlib.suppress(OSError):
            return int(os.pread(self.fd, 64, 0).split()[0]) * resource.getpagesize()
        return 0


def limit_memory(extra: int, base: int) -> None:
    """Lets this process map `extra` bytes above `base`; does nothing where the base is unknown."""
    if base:
        _limit(resource.RLIMIT_AS, base + extra, keep_hard=True)


def limit_file_size(size: int) -> None:
    """Caps the size of any file that this process writes, in bytes."""
    _limit(resource.RLIMIT_FSIZE, size, keep_hard=True)


def set_hard_limits(memory: int, file_size: int, seconds: float, *, alone: bool) -> None:
    """The limits of an untrusted process, which it cannot raise again.

    Args:
        memory: bytes of address space; 0 where nothing is known.
        file_size: bytes of any file.
        alone: whether the kernel counts this process's threads by themselves, and not with all of its user's.
        seconds: processor time. Only a second line: the wall clock is watched from outside.
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
