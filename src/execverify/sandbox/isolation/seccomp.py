"""Filters of system calls: a broad one for the fork server, a narrow one for each untrusted process.

The broad filter is a deny-list of what no trusted program needs and hostile code could use: networks, other programs, other
processes, privileged interfaces of the kernel, changes to the machine. The narrow filter is an allow-list of what CPython, numpy and
threads need. A refused call fails with EPERM, which Python raises as PermissionError. (`clone3` has its flags in memory, which a
filter cannot read, so it fails with ENOSYS; glibc then uses `clone`.) Calls by other conventions (32 bit, x32) end the process.

The filters look numbers up by bisection: the kernel runs a filter once for every number when it is installed, and a narrow one is
installed for every candidate.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Mapping

from execverify.sandbox.isolation import libc, syscalls

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

_MACHINES = {"x86_64": (0xC000003E, syscalls.X86_64), "aarch64": (0xC00000B7, syscalls.AARCH64)}  # audit architecture, numbers
_X32 = 0x40000000

_LD, _JA, _JEQ, _JGE, _JSET, _AND, _RET = 0x20, 0x05, 0x15, 0x35, 0x45, 0x54, 0x06
_AT_NUMBER, _AT_ARCH, _AT_ARGUMENTS = 0, 4, 16
_ALLOW, _KILL = 0x7FFF0000, 0x80000000


def _fail(number: int) -> int:
    return 0x00050000 | number


Instruction = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, operand."""
Code = tuple[Instruction, ...]

_PASS: Code = ((_RET, 0, 0, _ALLOW),)
_REFUSE: Code = ((_RET, 0, 0, _fail(errno.EPERM)),)
_UNKNOWN: Code = ((_RET, 0, 0, _fail(errno.ENOSYS)),)

_REFUSED = """
    socket connect bind listen accept accept4 execve execveat ptrace process_vm_readv process_vm_writev process_madvise
    process_mrelease kcmp pidfd_open pidfd_getfd pidfd_send_signal bpf perf_event_open userfaultfd io_uring_setup
    io_uring_enter io_uring_register keyctl add_key request_key mount umount2 move_mount open_tree fsopen fsconfig fsmount
    fspick mount_setattr unshare setns chroot pivot_root reboot init_module finit_module delete_module create_module
    query_module get_kernel_syms kexec_load kexec_file_load swapon swapoff quotactl quotactl_fd acct settimeofday
    clock_settime clock_adjtime adjtimex sethostname setdomainname iopl ioperm modify_ldt personality _sysctl syslog vhangup
    nfsservctl lookup_dcookie uselib ustat sysfs open_by_handle_at name_to_handle_at mknod mknodat fanotify_init
    fanotify_mark memfd_secret migrate_pages move_pages mbind set_mempolicy set_mempolicy_home_node setuid setgid setreuid
    setregid setresuid setresgid setfsuid setfsgid setgroups capset mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify
    mq_getsetattr shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl sched_setscheduler
    sched_setattr ioprio_set
"""

_NEEDED = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek open openat close close_range dup dup2
    dup3 stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat getdents
    getdents64 getcwd chdir fchdir umask fsync fdatasync ftruncate fallocate copy_file_range sendfile mmap
    mprotect munmap mremap mincore brk rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait
    rt_sigsuspend sigaltstack pause alarm getitimer setitimer nanosleep clock_nanosleep clock_gettime clock_getres
    gettimeofday time times timerfd_create timerfd_settime timerfd_gettime getpid gettid getppid getpgrp getpgid getsid
    getuid geteuid getgid getegid getgroups getresuid getresgid capget getrlimit setrlimit getrusage sysinfo uname
    getpriority getcpu getrandom sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min sched_rr_get_interval futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list
    set_tid_address rseq arch_prctl restart_syscall exit exit_group wait4 waitid poll ppoll select pselect6
    epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait pipe pipe2 eventfd2 shutdown getsockname getpeername
    getsockopt recvfrom
"""

_CHANGING = """
    truncate creat rename renameat renameat2 mkdir mkdirat rmdir unlink unlinkat symlink symlinkat link linkat utimensat
    utime utimes futimesat chmod fchmod fchmodat
"""

_CLONE_THREAD, _CLONE_NEW = 0x00010000, 0x7E020080  # a thread; a namespace of any kind
_CLONE_NEW_USER = 0x10000000
_COMMANDS = {
    # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
    "ioctl": (1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    # F_DUPFD to F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ. Excluded: what sends signals (F_SETOWN, F_SETSIG, F_NOTIFY), leases and
    # locks of files that other candidates read, and larger pipes, whose total a user shares.
    "fcntl": (1, (0, 1, 2, 3, 4, 1030, 1032)),
    "prctl": (0, (15, 16, 0x53564D41)),  # names of threads and of memory
    # Hints about use, freed pages, huge pages, core dumps. Excluded: what merges pages, or pages out files that others use.
    "madvise": (2, (0, 1, 2, 3, 4, 8, 14, 15, 16, 17)),
    "membarrier": (0, (0, 8, 16)),  # the query, and barriers of this process alone
}
"""Calls with many commands: which argument is the command, and the commands that candidates need."""

_OWN = 0x7BADC0DE  # stands for the pid of the process that installs the filter; no pid is that large
_AF_UNIX, _SOCK_STREAM, _SOCK_KIND = 1, 1, 0xF


def install_broad(*, own_users: bool = False) -> str:
    """Installs the broad filter for this process and its descendants. Returns "on" or the reason why it is off.

    Args:
        own_users: whether the descendants may enter a user namespace (and no other kind), and drop the capabilities that it brings,
            before the narrow filter is installed.
    """
    try:
        arch, numbers = _machine()
    except OSError as error:
        return f"off: {error}"
    rules = {numbers[name]: _REFUSE for name in _REFUSED.split() if name in numbers}
    rules[numbers["clone3"]] = _UNKNOWN
    rules[numbers["clone"]] = (*_argument(0), (_JSET, 0, 1, _CLONE_NEW), *_REFUSE, *_PASS)
    if own_users:
        rules[numbers["unshare"]] = _argument(0) + _if_one_of((_CLONE_NEW_USER,))
        rules[numbers["capset"]] = _PASS
    return _Filter(_packed(_program(arch, rules, _PASS))).install()


class Narrow:
    """The narrow filter, built once and installed in each untrusted process.

    Args:
        changing: whether the process may create and remove files (where Landlock allows it).
    """

    def __init__(self, *, changing: bool = False) -> None:
        self.arch, numbers = _machine()
        names = [*_NEEDED.split(), *(_CHANGING.split() if changing else ())]
        self.rules = {numbers[name]: _PASS for name in names if name in numbers}
        self.rules[numbers["clone3"]] = _UNKNOWN
        no_thread = ((_JSET, 0, 1, _CLONE_THREAD), *_PASS, *_REFUSE)
        self.rules[numbers["clone"]] = (*_argument(0), (_JSET, 0, 1, _CLONE_NEW), *_REFUSE, *no_thread)
        for name, (place, commands) in _COMMANDS.items():
            self.rules[numbers[name]] = _argument(place) + _if_one_of(commands)
        stream = ((_AND, 0, 0, _SOCK_KIND), *_if_one_of((_SOCK_STREAM,)))
        self.rules[numbers["socketpair"]] = (*_argument(0), (_JEQ, 1, 0, _AF_UNIX), *_REFUSE, *_argument(1), *stream)
        no_address = ((_JEQ, 1, 0, 0), *_REFUSE)
        self.rules[numbers["sendto"]] = (*_argument(4), *no_address, *_argument(4, high=True), *no_address, *_PASS)
        for name in ("kill", "tgkill", "prlimit64"):
            self.rules[numbers[name]] = _argument(0) + _if_one_of((_OWN, 0))
        code = _packed(_program(self.arch, self.rules, _REFUSE))
        self.filter = _Filter(code)
        self.places = [place for place in range(4, len(code), 8) if code[place : place + 4] == struct.pack("I", _OWN)]

    def install(self) -> str:
        """Installs it for this process, which may then send signals only to itself. Returns "on" or the reason why it is off."""
        own = os.getpid()
        for place in self.places:
            struct.pack_into("I", self.filter.code, place, own)
        return self.filter.install()


def _machine() -> tuple[int, Mapping[str, int]]:
    """Audit architecture and call numbers of this machine; raises OSError where there is no table for it."""
    found = _MACHINES.get(platform.machine())
    if found is None or struct.calcsize("P") != 8:
        raise OSError(f"there is no table of system calls for {platform.machine()}")
    return found


def _argument(index: int, *, high: bool = False) -> Code:
    """Loads the lower (or higher) half of an argument."""
    return ((_LD, 0, 0, _AT_ARGUMENTS + 8 * index + 4 * high),)


def _if_one_of(values: tuple[int, ...]) -> Code:
    """Allows the call where the loaded value is one of the values, else refuses it."""
    tests = tuple((_JEQ, len(values) - place, 0, value) for place, value in enumerate(values))
    return (*tests, *_REFUSE, *_PASS)


def _program(arch: int, rules: Mapping[int, Code], otherwise: Code) -> list[Instruction]:
    """A whole filter: the code for each number, and the code for all others."""
    spans: list[tuple[int, Code]] = [(0, otherwise)]
    for number in sorted(rules):
        if rules[number] is not spans[-1][1]:
            spans.append((number, rules[number]))
        if number + 1 not in rules:
            spans.append((number + 1, otherwise))
    spans = [span for span, after in zip(spans, [*spans[1:], (-1, ())], strict=True) if span[0] != after[0]]
    program: list[Instruction] = [(_LD, 0, 0, _AT_ARCH), (_JEQ, 1, 0, arch), (_RET, 0, 0, _KILL), (_LD, 0, 0, _AT_NUMBER)]
    if arch == _MACHINES["x86_64"][0]:
        program += [(_JGE, 0, 1, _X32), (_RET, 0, 0, _KILL)]
    return program + _bisected(spans)


def _bisected(spans: list[tuple[int, Code]]) -> list[Instruction]:
    """Finds the span of a number by bisection. Each span starts at its number and ends where the next one starts."""
    if len(spans) == 1:
        return list(spans[0][1])
    middle = len(spans) // 2
    below, above = _bisected(spans[:middle]), _bisected(spans[middle:])
    if len(below) <= 255:
        return [(_JGE, len(below), 0, spans[middle][0]), *below, *above]
    return [(_JGE, 0, 1, spans[middle][0]), (_JA, 0, 0, len(below)), *below, *above]


def _packed(program: list[Instruction]) -> bytes:
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


class _Filter:
    """A filter in memory, in the kernel's format."""

    def __init__(self, code: bytes) -> None:
        self.code = ctypes.create_string_buffer(code, len(code))
        header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(self.code))
        self.header = ctypes.create_string_buffer(header, len(header))
        self.address = ctypes.addressof(self.header)

    def install(self) -> str:
        answer = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self.address)
        return "on" if answer == 0 else f"off: the kernel refused the filter: {os.strerror(-answer)}"
