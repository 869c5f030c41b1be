"""Namespaces: a network without interfaces, a process namespace of its own, and the other kinds that the kernel allows.

The fork server enters them once. It stays itself in the outer process namespace, where it started; its children are in the new one.
The first of them is the *init* of the new namespace, and only waits: when it ends, the kernel ends all other processes there, and a
process whose parent ends becomes its child.
"""

import contextlib
import os
import platform
import signal

from execverify.sandbox.isolation import libc
from execverify.sandbox.isolation.syscalls import AARCH64, X86_64

_UNSHARE = (AARCH64 if platform.machine() == "aarch64" else X86_64)["unshare"]

KINDS = {
    "user": 0x10000000,
    "network": 0x40000000,
    "process": 0x20000000,
    "mount": 0x00020000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
}
"""Names of namespaces, and the kernel's flag for each."""


def enter() -> dict[str, str]:
    """Enters as many new namespaces as the kernel allows. Returns each kind with "on" or the reason why it is off."""
    libc.set_dumpable(True)  # otherwise root owns the files that map users after a change of user
    uid, gid = os.geteuid(), os.getegid()
    everything = sum(KINDS.values())
    answer = libc.syscall(_UNSHARE, everything)
    if answer == 0:
        _map_users(uid, gid)
        return dict.fromkeys(KINDS, "on")
    entered = {}
    for kind, flag in KINDS.items():
        answer = libc.syscall(_UNSHARE, flag)
        entered[kind] = "on" if answer == 0 else f"off: the kernel refused: {os.strerror(-answer)}"
        if kind == "user" and answer == 0:
            _map_users(uid, gid)
    return entered


def enter_own_users() -> bool:
    """Enters a user namespace for this process alone, so that its limit of threads counts no others; returns whether it did.

    (Linux counts processes by user and user namespace, since 5.14. Root has no such limit.)
    """
    return libc.syscall(_UNSHARE, KINDS["user"]) == 0


def _map_users(uid: int, gid: int) -> None:
    """Maps the same user inside as outside, and no other."""
    with contextlib.suppress(OSError):
        _write("/proc/self/setgroups", "deny")
    with contextlib.suppress(OSError):
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def start_init() -> int:
    """Forks the init of the new process namespace; returns its pid as seen from here."""
    pid = libc.fork()
    if pid:
        return pid
    try:
        libc.die_with_parent()
        os.closerange(0, 64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps its adopted children
        while True:
            signal.pause()
    finally:
        os._exit(0)
