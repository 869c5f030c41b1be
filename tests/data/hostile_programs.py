"""The battery: what a program tries, its text, and what must become of it.

Every snippet is harmless where the sandbox fails: it aims at its own process, at a file that the test made for it, or at
a listener on the loopback interface. Signals to others are signal 0, which only asks. System calls that change a machine are not
made at all, or with arguments that mean nothing.

A snippet defines `f`, which is called with 3; or it is a program that is fed "3\\n". `{canary}` is a file with a secret,
`{port}` a listener, `{tests}` a file of this test suite.
"""

from dataclasses import dataclass

RETURNED, RAISED, TIMED_OUT, MEMORY = "returned", "raised", "timed_out", "out_of_memory"
OUTPUT, DIED, FORBIDDEN = "too_much_output", "crashed", "forbidden"


@dataclass(frozen=True)
class Snippet:
    """One attack.

    Attributes:
        id: its name.
        tries: what it tries.
        source: its text.
        outcomes: how it may end.
        program: whether it is a program that reads standard input, and not a function.
        x86: whether it speaks of x86-64 alone.
    """

    id: str
    tries: str
    source: str
    outcomes: tuple[str, ...]
    program: bool = False
    x86: bool = False


def _body(source: str) -> str:
    return "def f(x):\n" + "\n".join("    " + line for line in source.split("\n"))


def _calls(tries: str, outcomes: tuple[str, ...], bodies: dict[str, str]) -> list[Snippet]:
    """Attacks that are the body of `f`; lines that begin with `import` or `from` stand before it."""
    made = []
    for name, body in bodies.items():
        lines = body.split("\n")
        above = [line for line in lines if line.startswith(("import ", "from "))]
        inside = [line for line in lines if line not in above]
        made.append(Snippet(name, tries, "\n".join([*above, _body("\n".join(inside))]), outcomes))
    return made


def _modules(tries: str, outcomes: tuple[str, ...], sources: dict[str, str], program: bool = False) -> list[Snippet]:
    return [Snippet(name, tries, source, outcomes, program) for name, source in sources.items()]


RAW = """import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def raw(number, *arguments):
    answer = libc.syscall(number, *arguments)
    if answer == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return answer
"""


def _raw(calls: dict[str, str], outcomes: tuple[str, ...] = (FORBIDDEN,)) -> list[Snippet]:
    return [
        Snippet(f"raw {name}", "a system call by its number", RAW + _body(f"return raw({call})"), outcomes, x86=True)
        for name, call in calls.items()
    ]


LOOPS = _calls(
    "never ends",
    (TIMED_OUT,),
    {
        "while true": "while True: pass",
        "counting": "n = 0\nwhile True: n += 1",
        "iter of int": "for _ in iter(int, 1): pass",
        "catches everything": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "endless generator": "def g():\n    while True: yield 1\nreturn sum(g())",
        "cycle": "import itertools\nreturn sum(itertools.cycle([1]))",
        "sum of a huge range": "return sum(range(10**13))",
        "membership in a huge map": "return 10**13 in map(float, range(10**13))",
        "a big power": "return (3 ** 10**9) % 7",
        "a big factorial": "import math\nreturn math.factorial(10**8) % 7",
        "a bad pattern": "import re\nreturn re.match('(a+)+$', 'a' * 60 + 'b')",
        "a hash of nested tuples": "t = (1,)\nfor _ in range(64): t = (t, t)\nreturn hash(t)",
        "comparing nested lists": "a, b = [1], [1]\nfor _ in range(64): a, b = [a, a], [b, b]\nreturn a == b",
        "sleep": "import time\ntime.sleep(60)",
        "a lock": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        "an event": "import threading\nthreading.Event().wait()",
        "pause": "import signal\nsignal.pause()",
        "a pipe that nobody writes to": "import os\nreader, writer = os.pipe()\nos.read(reader, 1)",
        "the last word of an exception": "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        "stops itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        "ignores signals": "import signal\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\nwhile True: pass",
        "an alarm that goes on": "import signal\nsignal.signal(signal.SIGALRM, lambda *_: None)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)\nwhile True: signal.pause()",
        "a thread that is joined": "import threading\nt = threading.Thread(target=lambda: sum(0 for _ in iter(int, 1)))\nt.start()\nt.join()",
        "half a message": "import os, struct\n"
        "for fd in range(3, 64):\n    try: os.write(fd, struct.pack('!I', 5000) + b'x')\n    except OSError: pass\nwhile True: pass",
    },
) + _modules(
    "never ends",
    (TIMED_OUT,),
    {
        "in the module": "while True: pass\ndef f(x): pass",
        "in a decorator": "def d(f):\n    while True: pass\n@d\ndef f(x): pass",
        "in a class body": "class A:\n    while True: pass\ndef f(x): pass",
    },
)  # fmt: skip

PROCESSES = _calls(
    "starts a process",
    (FORBIDDEN,),
    {
        "fork": "import os\nif os.fork() == 0: os._exit(0)",
        "a few forks": "import os\nfor _ in range(4):\n    if os.fork() == 0: os._exit(0)",
        "double fork": "import os\nif os.fork() == 0:\n    os.setsid()\n    os.fork()\n    os._exit(0)",
        "forkpty": "import os\nif os.forkpty()[0] == 0: os._exit(0)",
        "subprocess": "import subprocess\nreturn subprocess.run(['/bin/true']).returncode",
        "popen": "import os\nreturn os.popen('true').read()",
        "posix_spawn": "import os\nreturn os.posix_spawn('/bin/true', ['true'], {})",
        "exec": "import os\nos.execv('/bin/true', ['true'])",
        "fexec": "import os\nos.execve(os.open('/dev/null', os.O_RDONLY), ['x'], {})",
        "multiprocessing": "import multiprocessing\np = multiprocessing.get_context('fork').Process(target=print)\np.start()",
    },
) + _calls(
    "starts a process",
    (RETURNED, FORBIDDEN, RAISED),
    {
        "system": "import os\nreturn os.system('true') == 0",
        "system of libc": "import ctypes\nreturn ctypes.CDLL(None).system(b'true') == 0",
        "fork of libc": "import ctypes, os\npid = ctypes.CDLL(None).fork()\nif pid == 0: os._exit(0)\nreturn pid > 0",
        "a pool": "import concurrent.futures as c\nwith c.ProcessPoolExecutor(1) as p:\n    return p.submit(len, 'a').result()",
    },
)  # fmt: skip

THREADS = _calls(
    "leaves threads behind",
    (RETURNED, RAISED),
    {
        "a thread left running": "import threading\n"
        "def g():\n    while True: pass\nthreading.Thread(target=g, daemon=True).start()\nreturn 1",
        "a thread that is no daemon": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nreturn 1",
        "many threads": "import threading, time\nfor _ in range(40):\n    threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\nreturn 1",
        "a thread that prints on": "import threading\n"
        "def g():\n    while True:\n        try: print('x')\n        except BaseException: pass\n"
        "threading.Thread(target=g, daemon=True).start()\nreturn 1",
    },
)  # fmt: skip

SIGNALS = _calls(
    "signals somebody else (with signal 0, which only asks)",
    (FORBIDDEN,),
    {
        "asks for its parent": "import os\nos.kill(os.getppid() or 2, 0)",
        "asks for everybody": "import os\nos.kill(-1, 0)",
        "asks for the first process": "import os\nos.kill(1, 0)",
        "a group that is not its own": "import os\nos.killpg(1, 0)",
        "a descriptor of a process": "import os\nos.pidfd_open(os.getpid())",
        "signals on a descriptor": "import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETOWN, os.getppid() or 2)",
        "a lease of a shared file": "import fcntl, os\nfcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)",
        "a lock of a shared file": "import fcntl, os\nfcntl.lockf(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_SH)",
        "a lock of another kind": "import fcntl, os\nfcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX)",
        "notes of changes": "import fcntl, os\nfcntl.fcntl(os.open(os.path.dirname(os.__file__), os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_ACCESS)",
        "larger pipes": "import fcntl, os\nfcntl.fcntl(os.pipe()[1], 1031, 1 << 20)",
        "a file out of the cache": "import os\nos.posix_fadvise(os.open(os.__file__, os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)",
        "a mapping paged out": "import mmap\nmmap.mmap(-1, 4096).madvise(21)",
        "the limits of its parent": "import os, resource\nresource.prlimit(os.getppid() or 2, resource.RLIMIT_CPU)",
        "another session": "import os\nos.setsid()",
        "another group": "import os\nos.setpgid(0, 0)",
        "its priority": "import os\nos.nice(1)",
        "its processors": "import os\nos.sched_setaffinity(0, [0])",
    },
)  # fmt: skip

DEATHS = _calls(
    "ends its own process",
    (DIED,),
    {
        "exits": "import os\nos._exit(0)",
        "exits with a status": "import os\nos._exit(7)",
        "aborts": "import os\nos.abort()",
        "kills itself": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "a signal without a name": "import os\nos.kill(os.getpid(), 40)",
        "a null pointer": "import ctypes\nctypes.string_at(0)",
        "a C recursion": "i = iter([])\nfor _ in range(300_000): i = filter(None, i)\nreturn list(i)",
        "code that is no code": "def g(): pass\ng.__code__ = g.__code__.replace(co_code=b'\\xff\\xff' * 50)\nos = __import__('os')\ng()\nos._exit(1)",
        "closes all descriptors": "import os\nos.closerange(0, 64)\nreturn 1",
    },
) + _calls(
    "leaves as programs do",
    (RAISED,),
    {
        "sys.exit": "import sys\nsys.exit(0)",
        "SystemExit": "raise SystemExit(0)",
        "exit": "exit()",
        "KeyboardInterrupt": "raise KeyboardInterrupt",
        "GeneratorExit": "raise GeneratorExit",
    },
) + _modules(
    "ends before the first test",
    (DIED, RAISED),
    {
        "exits when imported": "import os\nos._exit(0)\ndef f(x): pass",
        "leaves when imported": "import sys\nsys.exit(0)\ndef f(x): pass",
        "raises when imported": "1 / 0\ndef f(x): pass",
        "has no function": "def g(x): pass",
        "deletes its function": "def f(x): pass\ndel f",
    },
)  # fmt: skip

MEMORY_HOGS = _calls(
    "takes memory",
    (MEMORY,),
    {
        "at once": "return len(bytearray(10**11))",
        "by steps": "a = []\nwhile True: a.append('a' * 10**6)",
        "doubling": "a = 'a'\nwhile True: a += a",
        "a dict": "d = {}\nwhile True: d[len(d)] = [0] * 100_000",
        "a list": "return [0] * 10**10",
        "raises MemoryError": "raise MemoryError",
    },
) + _calls(
    "takes memory",
    (MEMORY, RAISED, RETURNED, FORBIDDEN, TIMED_OUT),
    {
        "a mapping": "import mmap\nmmap.mmap(-1, 10**12)",
        "malloc": "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\nreturn libc.malloc(ctypes.c_size_t(10**12)) is None",
        "a file in memory": "import os\nfd = os.memfd_create('x')\nos.ftruncate(fd, 10**9)",
        "raises its limits": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nreturn len(bytearray(10**10))",
        "stacks": "import threading, time\nthreading.stack_size(2**28)\nts = [threading.Thread(target=time.sleep, args=(9,), daemon=True) for _ in range(4)]\nfor t in ts: t.start()",
        "an endless recursion": "import sys\nsys.setrecursionlimit(10**7)\ndef g(): return g()\ng()",
        "nested without end": "a = []\nfor _ in range(10**6): a = [a]\nreturn a",
    },
)  # fmt: skip

FLOODS = _calls(
    "floods its output",
    (OUTPUT,),
    {
        "print": "while True: print('x' * 10_000)",
        "empty lines": "while True: print()",
        "stderr": "import sys\nwhile True: sys.stderr.write('x' * 10_000)",
        "at once in one": "print('x' * 20_000_000)",
        "the first stdout": "import sys\nwhile True: sys.__stdout__.write('x' * 10_000)",
    },
) + _modules(
    "floods its output",
    (OUTPUT, RAISED),
    {
        "program: print": "while True: print('x' * 10_000)",
        "program: descriptor 1": "import os\nwhile True: os.write(1, b'x' * 10_000)",
        "program: buffer": "import sys\nwhile True: sys.stdout.buffer.write(b'x' * 10_000)",
        "program: caught": "for _ in range(100_000):\n    try: print('x' * 1000)\n    except BaseException: break",
    },
    program=True,
)  # fmt: skip

FILES = _calls(
    "reads or changes files",
    (FORBIDDEN,),
    {
        "reads the canary": "return open({canary!r}).read()",
        "reads it past Python": "import os\nreturn os.read(os.open({canary!r}, os.O_RDONLY), 100)",
        "appends to the canary": "open({canary!r}, 'a').write('x')",
        "removes the canary": "import os\nos.remove({canary!r})",
        "renames the canary": "import os\nos.rename({canary!r}, {canary!r} + 'x')",
        "cuts the canary": "import os\nos.truncate({canary!r}, 0)",
        "opens the canary": "import os\nos.chmod({canary!r}, 0o777)",
        "touches the canary": "import os\nos.utime({canary!r})",
        "links to the canary": "import os\nos.link({canary!r}, {canary!r} + 'x')",
        "maps the canary": "import mmap, os\nreturn bytes(mmap.mmap(os.open({canary!r}, os.O_RDONLY), 0, prot=mmap.PROT_READ))",
        "reads the tests": "return open({tests!r}).read()",
        "reads /etc/passwd": "return open('/etc/passwd').read()",
        "reads /etc/hostname": "return open('/etc/hostname').read()",
        "reads its environment": "return open('/proc/self/environ', 'rb').read()",
        "reads its memory map": "return open('/proc/self/maps').read()",
        "writes to its memory": "open('/proc/self/mem', 'r+b')",
        "reads the first process": "return open('/proc/1/cmdline').read()",
        "reads the parent's environment": "import os\nreturn open(f'/proc/{os.getppid() or 1}/environ', 'rb').read()",
        "lists the root": "import os\nreturn os.listdir('/')",
        "lists /proc": "import os\nreturn os.listdir('/proc')",
        "writes here": "open('leak', 'w')",
        "writes to /tmp": "open('/tmp/leak-of-a-candidate', 'w')",
        "a folder": "import os\nos.mkdir('/tmp/leak-of-a-candidate')",
        "a pipe with a name": "import os\nos.mkfifo('/tmp/leak-of-a-candidate')",
        "a symbolic link": "import os\nos.symlink('/etc', '/tmp/leak-of-a-candidate')",
        "a file without a name": "import os\nos.open('/tmp', os.O_TMPFILE | os.O_RDWR)",
        "the terminal": "open('/dev/tty', 'w')",
        "shared memory": "import mmap, os\nos.open('/dev/shm/leak', os.O_CREAT | os.O_RDWR)",
        "another root": "import os\nos.chroot('.')",
        "its own name for the kernel": "import os\nopen('/proc/self/comm', 'w')",
        "a file by its handle": "import os\nreturn os.open(os.path.join('/proc/self/fd', '0'), os.O_RDWR)",
    },
) + _calls(
    "reads or changes files",
    (FORBIDDEN, RAISED, RETURNED),
    {
        "a database": "import sqlite3\nsqlite3.connect('/tmp/leak-of-a-candidate').execute('create table t(x)')",
        "a temporary file": "import tempfile\ntempfile.NamedTemporaryFile(delete=False).write(b'x')",
        "walks home": "import os\nreturn [names for _, _, names in os.walk('/root')] + [names for _, _, names in os.walk('/home')]",
        "the environment": "import os\nreturn dict(os.environ), os.getenv('EXECVERIFY_CANARY')",
        "the environment of libc": "import ctypes\ng = ctypes.CDLL(None).getenv\ng.restype = ctypes.c_char_p\nreturn g(b'EXECVERIFY_CANARY')",
        "the command line": "import sys\nreturn sys.argv, sys.orig_argv[1:1]",
        "standard input": "import os, sys\nreturn sys.stdin.read(), os.read(0, 10)",
    },
)  # fmt: skip

SOCKETS = _calls(
    "reaches out",
    (FORBIDDEN,),
    {
        **{
            f"socket of {family}": f"import socket\nsocket.socket(socket.{family}, socket.{kind})"
            for family, kind in [
                ("AF_INET", "SOCK_STREAM"), ("AF_INET", "SOCK_DGRAM"), ("AF_INET6", "SOCK_STREAM"), ("AF_UNIX", "SOCK_STREAM"),
                ("AF_NETLINK", "SOCK_RAW"), ("AF_PACKET", "SOCK_RAW"), ("AF_ALG", "SOCK_SEQPACKET"), ("AF_VSOCK", "SOCK_STREAM"),
                ("AF_CAN", "SOCK_RAW"), ("AF_TIPC", "SOCK_RDM"),
            ]
        },
        "connects": "import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)",
        "a raw socket": "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        "a pair of datagram sockets": "import socket\nsocket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "asyncio": "import asyncio\nasyncio.run(asyncio.open_connection('127.0.0.1', {port}))",
    },
) + _calls(
    "reaches out",
    (FORBIDDEN, RAISED, DIED),
    {
        "urllib": "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{port}/', timeout=1)",
        "http.client": "import http.client\nhttp.client.HTTPConnection('127.0.0.1', {port}, timeout=1).request('GET', '/')",
        "a name": "import socket\nsocket.gethostbyname('localhost.invalid')",
        "passes a descriptor on": "import os, socket\n"
        "for fd in range(3, 64):\n    try: s = socket.socket(fileno=fd)\n    except OSError: continue\n"
        "    socket.send_fds(s, [b'x'], [0])",
        "options of the inherited socket": "import socket\n"
        "for fd in range(3, 64):\n    try: s = socket.socket(fileno=fd)\n    except OSError: continue\n"
        "    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)",
        "multiprocessing listener": "import multiprocessing.connection as c\nc.Client(('127.0.0.1', {port}))",
    },
)  # fmt: skip

RAW_CALLS = _raw(
    {
        "fork": "57", "vfork-like clone": "56, 17, 0, 0, 0, 0", "execve": "59, b'/bin/true', 0, 0", "execveat": "322, -1, b'', 0, 0, 0",
        "socket": "41, 2, 1, 0", "socket of an unknown family": "41, 44, 3, 0", "bind": "49, 3, 0, 0", "listen": "50, 3, 1",
        "ptrace of itself": "101, 0, 0, 0, 0", "process_vm_readv": "310, 0, 0, 0, 0, 0, 0", "process_vm_writev": "311, 0, 0, 0, 0, 0, 0",
        "kill": "62, 1, 0", "tkill": "200, 1, 0", "tgkill": "234, 1, 1, 0", "rt_sigqueueinfo": "129, 1, 0, 0", "pidfd_send_signal": "424, -1, 0, 0, 0",
        "bpf": "321, -1, 0, 0", "perf_event_open": "298, 0, 0, -1, -1, 0", "userfaultfd": "323, 0", "io_uring_setup": "425, 0, 0",
        "keyctl": "250, 0, 0, 0, 0, 0", "add_key": "248, 0, 0, 0, 0, 0", "unshare": "272, 0", "setns": "308, -1, 0", "mount": "165, 0, 0, 0, 0, 0",
        "umount": "166, 0, 0", "move_mount": "429, -1, 0, -1, 0, 0", "open_tree": "428, -1, 0, 0", "pivot_root": "155, 0, 0", "name_to_handle_at": "303, -1, 0, 0, 0, 0",
        "memfd_create": "319, b'x', 0", "memfd_secret": "447, 0", "personality": "135, 0", "setuid": "105, 0", "capset": "126, 0, 0",
        "seccomp": "317, 99, 0, 0", "landlock": "444, 0, 0, 1", "shmget": "29, 0, 4096, 0", "msgget": "68, 0, 0", "mq_open": "240, 0, 0, 0, 0",
        "fanotify_init": "300, -1, -1", "inotify_init": "294, -1", "quotactl": "179, 0, 0, 0, 0", "iopl": "172, 0", "modify_ldt": "154, 99, 0, 0",
        "kcmp": "312, 0, 0, 99, 0, 0", "ioprio_set": "251, 99, 0, 0", "chown": "92, 0, -1, -1", "setxattr": "188, 0, 0, 0, 0, 0", "a number that is none": "9999",
    }
) + _raw({"clone3": "435, 0, 0"}, (RAISED,))  # fmt: skip

FOREIGN = [
    Snippet("raw x32", "a call by a foreign convention", RAW + _body("return raw(0x40000000 + 39)"), (DIED,), x86=True),
    Snippet(
        "32-bit call", "a call by a foreign convention",
        "import ctypes, mmap\n" + _body(
            "m = mmap.mmap(-1, 4096, prot=7)\n"
            "m.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))\n"
            "return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()"
        ),
        (DIED,), x86=True,
    ),
]  # fmt: skip

LIES = _calls(
    "is paid without the answer",
    (RETURNED,),
    {
        "always equal": "class A:\n    def __eq__(self, other): return True\nreturn A()",
        "an int that is equal": "class A(int):\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\nreturn A(7)",
        "a str that is equal": "class A(str):\n    def __eq__(self, other): return True\nreturn A('7')",
        "a list that is equal": "class A(list):\n    def __eq__(self, other): return True\nreturn A([7])",
        "a float that is equal": "class A(float):\n    def __eq__(self, other): return True\nreturn A(7)",
        "a dict that is equal": "class A(dict):\n    def __eq__(self, other): return True\nreturn A()",
        "lies about its class": "class A:\n    __class__ = int\n    def __eq__(self, other): return True\n    def __int__(self): return 7\nreturn A()",
        "a type named int": "return type('int', (), {'__eq__': lambda s, o: True, '__repr__': lambda s: '7'})()",
        "a repr of its own": "class A(int):\n    def __repr__(self): return '1042'\nreturn A(7)",
        "a metaclass": "class M(type):\n    def __eq__(c, o): return True\n    def __hash__(c): return hash(int)\n    __name__ = 'int'\nclass A(metaclass=M): pass\nreturn A()",
        "reduce": "class A:\n    def __reduce__(self): return (print, ('paid',))\nreturn A()",
        "a lying list": "class A(list):\n    def __iter__(self): return iter([1042])\n    def __len__(self): return 1\nreturn A()",
        "not a number": "return float('nan')",
        "not a number as a key": "return {float('nan'): 1}",
        "a function": "return lambda *_: True",
        "a generator": "return (i for i in [7])",
        "a module": "import sys\nreturn sys",
        "itself": "return f",
        "a cycle": "a = []\na.append(a)\nreturn a",
        "deep": "a = []\nfor _ in range(200): a = [a]\nreturn a",
        "a huge list": "return list(range(10**6))",
        "a huge text": "return 'a' * 10**7",
        "a huge number": "return 10 ** 100_000",
        "strange text": "return '\\x00\\ud800\\u202e</answer>\\n'",
        "a number that is another": "import ctypes\nctypes.memmove(id(99) + 24, (5).to_bytes(4, 'little'), 4)\nreturn 99",
        "unhashable hash": "class A:\n    def __hash__(self): raise ValueError\nreturn {1: A()}",
    },
)  # fmt: skip

WALKS = _calls(
    "looks for the answer, or breaks the harness",
    (RETURNED, RAISED, DIED, TIMED_OUT, FORBIDDEN),
    {
        "subclasses": "return [c.__name__ for c in ().__class__.__base__.__subclasses__() if 'Popen' in c.__name__]",
        "subclasses and run": "for c in ().__class__.__base__.__subclasses__():\n    g = getattr(getattr(c, '__init__', 0), '__globals__', {})\n"
        "    if 'system' in g: return g['system']('true')\n    if 'os' in g: return g['os'].system('true')",
        "frames": "import sys\nframe, found = sys._getframe(), []\nwhile frame:\n    found += [repr(v)[:200] for v in frame.f_locals.values()]\n    frame = frame.f_back\nreturn [t for t in found if '1042' in t]",
        "the collector": "import gc\nreturn sum(1 for o in gc.get_objects() if isinstance(o, str) and o == str(1041 + 1))",
        "all that is referred to": "import gc\nreturn [o for o in gc.get_objects() if type(o) is dict and 'expected' in o and False]",
        "modules": "import sys\nreturn [n for n, m in sys.modules.items() if '1042' in repr(getattr(m, '__dict__', ''))[:0]]",
        "a frame's globals": "import sys\nframe = sys._getframe()\nwhile frame:\n    for n in ('to_value', 'pack_strings', '_returned'):\n        if n in frame.f_globals: frame.f_globals[n] = None\n    frame = frame.f_back\nreturn 7",
        "a frame's locals": "import sys\nframe = sys._getframe().f_back\nframe.f_locals['tests'] = frame.f_locals['fields'] = None\nreturn 7",
        "patches the real builtins": "b = print.__self__\nb.isinstance = b.repr = lambda *_: True\nreturn 7",
        "patches builtins": "import builtins\nfor n in ('isinstance', 'repr', 'type', 'len', 'str', 'id'): setattr(builtins, n, lambda *_: 7)\nreturn 7",
        "patches os.write": "import os\nos.write = lambda *_: 0\nreturn 7",
        "patches the wire": "import sys\nw = sys.modules['execverify.sandbox.protocol']\nw.pack_strings = lambda *_: b'x' * 100\nsys.modules['execverify.sandbox.candidate_io'].pack_strings = w.pack_strings\nreturn 7",
        "patches marshal": "import marshal\nmarshal.loads = lambda *_: 1 / 0\nreturn 7",
        "patches os._exit": "import os\nos._exit = lambda *_: None\nraise SystemExit",
        "clears the modules": "import sys\nsys.modules.clear()\nreturn 7",
        "replaces modules": "import sys\nfor n in list(sys.modules): sys.modules[n] = None\nreturn 7",
        "settrace": "import sys\nsys.settrace(lambda *a: 1 / 0)\nreturn 7",
        "settrace of nothing": "import sys\nsys.settrace(None)\nsys.setprofile(None)\nreturn 7",
        "setprofile": "import sys\ndef p(*a): raise SystemExit\nsys.setprofile(p)\nreturn 7",
        "atexit": "import atexit, os\natexit.register(os._exit, 0)\nreturn 7",
        "a finalizer": "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'late')\nreturn 7",
        "a farewell": "class A:\n    def __del__(self):\n        while True: pass\na = A()\na.me = a\nreturn 7",
        "callbacks of the collector": "import gc\ngc.callbacks.append(lambda *_: 1 / 0)\ngc.collect()\nreturn 7",
        "an import hook": "import sys\nclass H:\n    def find_spec(self, *a): raise SystemExit\nsys.meta_path.insert(0, H())\nimport colorsys",
        "another __import__": "import builtins\nbuiltins.__import__ = lambda *a, **k: 1 / 0\nimport json",
        "path hooks": "import sys\nsys.path_hooks.insert(0, lambda p: 1 / 0)\nsys.path_importer_cache.clear()\nimport colorsys",
        "audit hook": "import sys\nsys.addaudithook(lambda *_: 1 / 0)\nreturn 7",
        "recursion limit": "import sys\nsys.setrecursionlimit(60)\nreturn 7",
        "excepthook": "import sys\nsys.excepthook = sys.unraisablehook = None\nraise ValueError",
        "no streams": "import sys\nsys.stdout = sys.stderr = sys.stdin = None\nprint('x')\nreturn 7",
        "an exception without traceback": "class E(Exception):\n    __traceback__ = property(lambda s: 1 / 0)\nraise E",
        "an exception that hides": "class E(BaseException):\n    def __getattribute__(self, n): raise KeyError(n)\nraise E",
        "an exception named otherwise": "raise type('a\\nb\\x00' * 1000, (Exception,), {})('x' * 10**6)",
        "a group": "raise BaseExceptionGroup('g', [SystemExit(), KeyboardInterrupt()])",
    },
)  # fmt: skip

_FORGE = """import os, struct
def send(*texts):
    parts = []
    for text in texts:
        data = None if text is None else text if isinstance(text, bytes) else text.encode()
        parts.append(struct.pack("!i", -1) if data is None else struct.pack("!i", len(data)) + data)
    body = b"".join(parts)
    raw(struct.pack("!I", len(body)) + body)
def raw(data):
    for fd in range(3, 64):
        try:
            os.write(fd, data)
        except OSError:
            pass
def f(x):
"""


def _forged(bodies: dict[str, str], outcomes: tuple[str, ...] = (DIED,)) -> list[Snippet]:
    return [
        Snippet(
            f"forged {name}", "answers for itself on every descriptor", _FORGE + "    " + body.replace("\n", "\n    "), outcomes
        )
        for name, body in bodies.items()
    ]


FORGERIES = _forged(
    {
        "sandbox_error": "send('result', 'sandbox_error', None, None, None, 'sorry', None, '')\nos._exit(0)",
        "refusal": "send('refused', 'sorry')\nos._exit(0)",
        "readiness": "send('ready')\nos._exit(0)",
        "unsupported": "send('result', 'unsupported', None, None, None, 'sorry', None, '')\nos._exit(0)",
        "not_run": "send('result', 'not_run', None, None, None, 'sorry', None, '')\nos._exit(0)",
        "time-out": "send('result', 'timed_out', None, None, None, '', None, '')\nos._exit(0)",
        "unloaded": "send('unloaded', 'returned', 'int', '7', None, '', None, '')\nos._exit(0)",
        "loaded": "send('loaded')\nos._exit(0)",
        "call": "send('call', 'f', '[[], {}]')\nos._exit(0)",
        "answer": "send('answer', 'returned', 'int', '7', None, '', None, '', None, None, '')\nos._exit(0)",
        "name": "send('name', 'value', '7')\nos._exit(0)",
        "nothing": "raw(struct.pack('!I', 0))\nos._exit(0)",
        "nonsense": "send('nothing such')\nos._exit(0)",
        "no texts": "raw(struct.pack('!I', 3) + b'abc')\nos._exit(0)",
        "negative length": "raw(struct.pack('!Ii', 4, -7))\nos._exit(0)",
        "length beyond": "raw(struct.pack('!Ii', 4, 2**31 - 1))\nos._exit(0)",
        "huge message": "raw(struct.pack('!I', 2**32 - 1) + b'x' * 1000)\nos._exit(0)",
        "too many texts": "send(*['x'] * 100_000)\nos._exit(0)",
        "too few texts": "send('result', 'returned')\nos._exit(0)",
        "bad encoding": "send('result', b'\\xff\\xfe', None)\nos._exit(0)",
        "a wrong type": "send('result', 'returned', 'str', '7', None, '', None, '')\nos._exit(0)",
        "code for a value": "send('result', 'returned', 'int', 'print(7)', None, '', None, '')\nos._exit(0)",
        "no value": "send('result', 'returned', None, None, None, '', None, '')\nos._exit(0)",
        "depth for a value": "send('result', 'returned', 'list', '[' * 50_000, None, '', None, '')\nos._exit(0)",
        "a long detail": "send('result', 'raised', None, None, None, 'x' * 10**5, 'E', '')\nos._exit(0)",
        "equal hashes": "v = '{' + ','.join(str(i * (2**61 - 1)) for i in range(1, 4_500)) + '}'\nsend('result', 'returned', 'set', v, None, '', None, '')\nos._exit(0)",
        "JSON": "body = b'{\"outcome\":\"returned\",\"value\":[\"int\",\"7\",null]}'\nraw(struct.pack('!I', len(body)) + body)\nos._exit(0)",
    },
    (DIED, RETURNED),
) + _forged(
    {
        "results for later": "for _ in range(50): send('result', 'returned', 'int', '7', None, '', None, '')\nreturn 7",
        "results without end": "while True: send('result', 'returned', 'int', '7', None, '', None, '')",
        "bytes without end": "while True: raw(b'\\x00' * 60_000)",
        "a slow message": "import time\nraw(struct.pack('!I', 10))\nwhile True:\n    raw(b'x')\n    time.sleep(0.05)",
        "long output": "send('result', 'raised', None, None, None, '', 'E', 'x' * 3_000_000)\nreturn 7",
    },
    (DIED, RETURNED, RAISED, TIMED_OUT),
)  # fmt: skip

TEXTS = _modules(
    "a source that is none",
    (RAISED,),
    {
        "null bytes": "x = 1\x00\ndef f(x): return 7",
        "no Python": "def f(x:",
        "empty": "",
        "a lone surrogate": "# \ud800\ndef f(x): return 7",
        "a bad cookie": "# -*- coding: nothing-such -*-\nx = (\ndef f(x): return 7",
        "deep brackets": "x = " + "(" * 5000 + ")" * 5000 + "\ndef f(x): return 7",
    },
) + _modules(
    "a source that is odd",
    (RETURNED, RAISED, MEMORY, DIED, TIMED_OUT),
    {
        "a byte order mark": "\ufeffdef f(x): return 7",
        "another encoding": "# coding: utf-7\ndef f(x): return '+AGE-'",
        "long": "def f(x): return 7\n" + "x = 1\n" * 50_000,
        "deep minus": "x = " + "-" * 20_000 + "1\ndef f(x): return 7",
        "deep ifs": "\n".join(" " * n + "if 1:" for n in range(95)) + "\n" + " " * 95 + "pass\ndef f(x): return 7",
        "many constants": "x = [" + "1.5," * 100_000 + "]\ndef f(x): return 7",
        "bidi": "def f(x): return '\u202e7\u202c'",
    },
)  # fmt: skip

IMPORTS = _calls(
    "imports what is not allowed",
    (FORBIDDEN,),
    {
        "numpy": "import numpy\nreturn 7",
        "pytest by its path": "import sys\nsys.path += {paths!r}\nimport pytest\nreturn 7",
        "a package that is not there": "import nothing_such\nreturn 7",
    },
)

PROGRAMS = _modules(
    "a program that cheats",
    (RETURNED, RAISED, DIED, FORBIDDEN, TIMED_OUT, OUTPUT),
    {
        "program: exits at once": "import os\nos._exit(0)",
        "program: leaves": "import sys\nsys.exit(0)",
        "program: leaves with a message": "import sys\nsys.exit('no')",
        "program: closes stdout": "import os\nos.close(1)\nprint('x')",
        "program: stdout is stdin": "import os\nos.dup2(0, 1)\nprint(input())",
        "program: writes to every descriptor": "import os\nfor fd in range(64):\n    try: os.write(fd, b'1042')\n    except OSError: pass",
        "program: cuts its output": "import os\nprint('x', flush=True)\nos.ftruncate(1, 10**12)",
        "program: seeks": "import os\nos.lseek(1, 10**12, 0)\nos.write(1, b'x')",
        "program: reads for ever": "import sys\nwhile True: sys.stdin.read()",
        "program: not UTF-8": "import os\nos.write(1, b'\\xff\\xfe\\x00')",
        "program: a thread prints on": "import threading\ndef g():\n    while True: print(1)\nthreading.Thread(target=g, daemon=True).start()",
        "program: at exit": "import atexit\natexit.register(lambda: 1 / 0)",
        "program: its name": "import __main__, sys\nsys.modules['__main__'] = None\nprint(__main__)",
    },
    program=True,
)  # fmt: skip

ALL = (
    LOOPS + PROCESSES + THREADS + SIGNALS + DEATHS + MEMORY_HOGS + FLOODS + FILES + SOCKETS + RAW_CALLS + FOREIGN + LIES + WALKS
    + FORGERIES + TEXTS + IMPORTS + PROGRAMS
)  # fmt: skip
