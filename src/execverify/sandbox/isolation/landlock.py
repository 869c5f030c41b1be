"""Landlock: restricts which files a process may open; from ABI 4 on also TCP, and from ABI 6 on signals to others.

A ruleset is created once, while files can still be opened, and is applied in each worker.
"""

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable

from execverify.sandbox.isolation import libc
from execverify.sandbox.isolation.syscalls import X86_64

_CREATE, _ADD_RULE, _RESTRICT = (X86_64[f"landlock_{name}"] for name in ("create_ruleset", "add_rule", "restrict_self"))
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_NO_LOG = 1  # from ABI 7 on: refusals are not written to the machine's audit log

_READ_FILE, _READ_DIR, _WRITE_FILE, _TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 14
_RIGHTS = (13, 13, 14, 15, 15, 16)  # numbers of access rights, by ABI from 1 on; the last one holds for later ABIs
_ALL_TCP, _ALL_SCOPES = 0b11, 0b11
_OF_A_FILE = _READ_FILE | _WRITE_FILE | _TRUNCATE
_WRITING = _WRITE_FILE | _TRUNCATE | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 12  # make and remove files, folders, symbolic links


def abi() -> int:
    """The kernel's version of Landlock; 0 or a negative error number where it has none."""
    return libc.syscall(_CREATE, 0, 0, _VERSION_FLAG)


def ruleset(readable: Iterable[str], listed: Iterable[str] = (), writable: str | None = None) -> int:
    """Descriptor of a new ruleset for all kinds of access; raises OSError where the kernel refuses.

    Args:
        readable: files, and folders with everything in them. Missing ones are skipped.
        listed: folders whose entries may be listed, recursively, but not read.
        writable: a folder in which files may be created, changed and removed.
    """
    version = abi()
    handled = (1 << _RIGHTS[min(version, len(_RIGHTS)) - 1]) - 1
    attributes = struct.pack("QQQ", handled, _ALL_TCP, _ALL_SCOPES)[: 8 if version < 4 else 16 if version < 6 else 24]
    made = _checked(libc.syscall(_CREATE, _pointer(attributes), len(attributes), 0))
    for paths, access in ((readable, _READ_FILE | _READ_DIR), (listed, _READ_DIR)):
        for path in paths:
            with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
                _allow(made, path, access & handled)
    if writable is not None:
        _allow(made, writable, (_WRITING | _READ_FILE | _READ_DIR) & handled)
    return made


def restrict_writing(folder: str) -> None:
    """Lets this process write in this folder only, in addition to its other rules. Raises OSError where the kernel refuses."""
    version = abi()
    handled = _WRITING & ((1 << _RIGHTS[min(version, len(_RIGHTS)) - 1]) - 1)
    attributes = struct.pack("Q", handled)
    made = _checked(libc.syscall(_CREATE, _pointer(attributes), len(attributes), 0))
    _allow(made, folder, handled)
    restrict(made, version)
    os.close(made)


def restrict(ruleset: int, version: int) -> None:
    """Applies a ruleset to this process, permanently. Raises OSError where the kernel refuses."""
    _checked(libc.syscall(_RESTRICT, ruleset, _NO_LOG if version >= 7 else 0))


def _allow(ruleset: int, path: str, access: int) -> None:
    """Adds a rule: the kinds of access to a file, or to everything in a folder."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        access = access if os.path.isdir(path) else access & _OF_A_FILE
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, _pointer(struct.pack("=Qi", access, fd)), 0))
    finally:
        os.close(fd)


def _pointer(data: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(data, len(data))


def _checked(answer: int) -> int:
    if answer < 0:
        raise OSError(-answer, os.strerror(-answer))
    return answer
