"""System calls for which Python has no function.

Every function returns the kernel's result, or a negative error number, unless its docstring states otherwise. Nothing here is called on
systems other than Linux.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_SIGKILL = 9

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_KEEP_ALIVE = ctypes.PyDLL(None) if sys.platform == "linux" else None  # calls without releasing the GIL


def syscall(number: int, *arguments: object) -> int:
    """One system call by its number: integers are passed as 64 bits, ctypes objects as they are."""
    assert _LIBC is not None
    passed = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    result = int(_LIBC.syscall(ctypes.c_long(number), *passed))
    return -ctypes.get_errno() if result == -1 else result


def prctl(option: int, *arguments: int) -> int:
    """`prctl(2)` with up to four more arguments; returns its result, or a negative error number."""
    assert _LIBC is not None
    padded = [ctypes.c_ulong(item) for item in (*arguments, 0, 0, 0, 0)[:4]]
    result = int(_LIBC.prctl(option, *padded))
    return -ctypes.get_errno() if result == -1 else result


def fork() -> int:
    """A fork without Python's fork hooks, for a process with one thread that holds no lock; raises OSError where it fails.

    The hooks of `random`, `threading` and this sandbox cost as much as the fork itself, and are not needed: the child has the one
    thread that its parent had. (`random` is therefore in the same state in every child.)
    """
    if _KEEP_ALIVE is None:
        return os.fork()
    pid = int(_KEEP_ALIVE.fork())
    if pid < 0:
        raise OSError(f"no process could be forked: {os.strerror(ctypes.get_errno())}")
    return pid


def die_with_parent() -> None:
    """Makes the kernel kill this process when its parent ends (Linux; elsewhere the closed socket ends it)."""
    if sys.platform == "linux":
        prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def become_subreaper() -> None:
    """Makes this process the parent of its descendants whose own parent ends (Linux), so that it can end them."""
    if sys.platform == "linux":
        prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_no_new_privs() -> str:
    """Forbids new privileges for this process and its descendants. Returns "on" or the reason why not."""
    answer = prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return "on" if answer == 0 else f"off: {os.strerror(-answer)}"


def set_dumpable(readable: bool) -> None:
    """Sets whether processes of the same user may read this one's memory (`/proc/<pid>/mem`, ptrace)."""
    prctl(_PR_SET_DUMPABLE, int(readable))
