"""Capabilities: drops the parts of root's rights from every set that a process has."""

import ctypes
import os
import platform
import struct

from execverify.sandbox.isolation import libc
from execverify.sandbox.isolation.syscalls import AARCH64, X86_64

_PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _CLEAR_ALL = 24, 47, 4
_CAPSET = (AARCH64 if platform.machine() == "aarch64" else X86_64)["capset"]
_VERSION_3 = 0x20080522
_MAX_CAPABILITIES = 64


def drop() -> str:
    """Empties the bounding, ambient, effective, permitted and inheritable sets. Returns "on" or the reason why not."""
    for capability in range(_MAX_CAPABILITIES):
        if libc.prctl(_PR_CAPBSET_DROP, capability) < 0:
            break  # there are no more, or this process may not drop them, and then may not raise them either
    libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL)
    header = ctypes.create_string_buffer(struct.pack("Ii", _VERSION_3, 0), 8)
    nothing = ctypes.create_string_buffer(24)
    answer = libc.syscall(_CAPSET, header, nothing)
    return "on" if answer == 0 else f"off: {os.strerror(-answer)}"
