"""Programs that look at what no label may depend on, and programs that only look like it; each is called with `WORDS`.

Each puts what it sees into a variable and returns a constant, so that the result alone tells nothing.
"""

WORDS = "['alpha', 'beta', 'gamma']"
SEES = {  # programs that may not be asked about
    "nlocals": "def f(x):\n    n = f.__code__.co_nlocals\n    return 1",
    "nlocals getattr": "def f(x):\n    n = getattr(getattr(f, '__co' + 'de__'), 'co_nl' + 'ocals')\n    return 1",
    "format": "def f(x):\n    n = '{0.__code__.co_nlocals}'.format(f)\n    return 1",
    "attrgetter": "from operator import attrgetter\ndef f(x):\n    n = attrgetter('__code__.co_nlocals')(f)\n    return 1",
    "getframe": "import sys\ndef f(x):\n    n = len(sys._getframe().f_locals)\n    return 1",
    "getframe hidden": "import sys\ndef f(x):\n    n = len(getattr(sys, '_get' + 'frame')().f_locals)\n    return 1",
    "gi_frame": "def g():\n    yield 1\ndef f(x):\n    n = len(g().gi_frame.f_locals)\n    return 1",
    "globals": "def f(x):\n    n = len(globals())\n    return 1",
    "globals loop": "def f(x):\n    n = 0\n    for k in list(globals()):\n        n += 1\n    return 1",
    "tb": (
        "def f(x):\n    n = 0\n    try:\n        1/0\n    except Exception as e:\n        t = e.__traceback__\n"
        "        while t:\n            n += 1\n            t = t.tb_next\n    return 1"
    ),
    "settrace": "import sys\ndef f(x):\n    n = sys.gettrace() is None\n    return 1",
    "refcount": "import sys\ndef f(x):\n    n = sys.getrefcount(x)\n    return 1",
    "stack": "import inspect\ndef f(x):\n    n = len(inspect.stack())\n    return 1",
    "gc": "import gc\ndef f(x):\n    n = len(gc.get_objects())\n    return 1",
    "gc referrers via os": "import random\ndef f(x):\n    n = len(random._os.environ)\n    return 1",
    "closure": "def f(x):\n    def g():\n        return x\n    n = len(g.__closure__)\n    return 1",
    "dis": "import dis\ndef f(x):\n    n = len(list(dis.get_instructions(f)))\n    return 1",
    "today": "import datetime\ndef f(x):\n    n = datetime.date.today().year\n    return 1",
    "today hidden": "import datetime\ndef f(x):\n    n = getattr(datetime.date, 'to' + 'day')().year\n    return 1",
    "now of instance": "from datetime import datetime\ndef f(x):\n    d = datetime(2020, 1, 1)\n    n = d.now().year\n    return 1",
    "now from type": (
        "from datetime import datetime\ndef f(x):\n    d = type(datetime(2020, 1, 1))\n    n = d.now().month\n    return 1"
    ),
    "days": "import time\ndef f(x):\n    n = time.time() // 86400\n    return 1",
    "days hidden": "import time as t\ndef f(x):\n    n = t.__dict__['ti' + 'me']() // 86400\n    return 1",
    "timezone": "from datetime import datetime\ndef f(x):\n    n = datetime(2020, 1, 1).timestamp()\n    return 1",
    "version": "import sys\ndef f(x):\n    n = sys.version_info[1]\n    return 1",
    "version from": "from sys import version_info as v\ndef f(x):\n    n = v[1]\n    return 1",
    "version handed": "import sys\ndef g(m):\n    return m.version_info[1]\ndef f(x):\n    n = g(sys)\n    return 1",
    "version import": "def f(x):\n    n = __import__('sys').version_info[1]\n    return 1",
    "version importlib": "import importlib\ndef f(x):\n    n = importlib.import_module('sys').version_info[1]\n    return 1",
    "version exec": "def f(x):\n    d = {}\n    exec('import sys; n = sys.version_info[1]', d)\n    n = d['n']\n    return 1",
    "version exec split": "def f(x):\n    d = {}\n    exec('imp' + 'ort sys; n = sys.version_info[1]', d)\n    n = d['n']\n    return 1",
    "platform": "import platform\ndef f(x):\n    n = platform.python_version()\n    return 1",
    "unidata": "import unicodedata\ndef f(x):\n    n = unicodedata.unidata_version\n    return 1",
    "json version": "import json\ndef f(x):\n    n = json.__version__\n    return 1",
    "locale": "import locale\ndef f(x):\n    n = locale.getlocale()\n    return 1",
    "environ": "import os\ndef f(x):\n    n = len(os.environ)\n    return 1",
    "getpass": "import getpass\ndef f(x):\n    n = getpass.getuser()\n    return 1",
    "sysconfig": "import sysconfig\ndef f(x):\n    n = sysconfig.get_python_version()\n    return 1",
    "cpu": "import os\ndef f(x):\n    n = os.cpu_count()\n    return 1",
    "name": "def f(x):\n    n = __name__\n    return 1",
    "module": "class A:\n    pass\ndef f(x):\n    n = A.__module__\n    return 1",
    "repr class": "class A:\n    pass\ndef f(x):\n    n = str(A)\n    return 1",
    "dir": "class A:\n    pass\ndef f(x):\n    n = len(dir(A))\n    return 1",
    "vars": "class A:\n    pass\ndef f(x):\n    n = len(vars(A))\n    return 1",
    "class dict": "class A:\n    pass\ndef f(x):\n    n = len(A.__dict__)\n    return 1",
    "subclasses": "def f(x):\n    n = len(object.__subclasses__())\n    return 1",
    "subclasses hidden": "def f(x):\n    n = len(().__class__.__base__.__subclasses__())\n    return 1",
    "subclasses dyn": "def f(x):\n    n = len(getattr(object, '__subcl' + 'asses__')())\n    return 1",
    "hash": "def f(x):\n    n = hash('a') % 2\n    return 1",
    "thread": (
        "import threading\ndef f(x):\n    out = []\n    def w():\n        out.append(1)\n"
        "    t = threading.Thread(target=w)\n    t.start()\n    t.join()\n    return out"
    ),
    "thread caught": (
        "import threading\ndef f(x):\n    out = []\n    def w():\n        out.append(1)\n    try:\n"
        "        t = threading.Thread(target=w)\n        t.start()\n        t.join()\n    except Exception:\n"
        "        pass\n    return out"
    ),
    "pool": (
        "from concurrent.futures import ThreadPoolExecutor\ndef g(n):\n    m = n + 1\n    return m\ndef f(x):\n"
        "    with ThreadPoolExecutor(2) as p:\n        return list(p.map(g, [1, 2, 3]))"
    ),
    "procpool": (
        "import concurrent.futures as c\ndef g(n):\n    return n\ndef f(x):\n    with c.ProcessPoolExecutor(2) as p:\n"
        "        return list(p.map(g, [1, 2, 3]))"
    ),
    "_thread": "import _thread\ndef f(x):\n    _thread.start_new_thread(print, (1,))\n    return 1",
    "to_thread": "import asyncio\ndef g():\n    y = 1\n    return y\ndef f(x):\n    return asyncio.run(asyncio.to_thread(g))",
    "timer": "import threading\ndef f(x):\n    t = threading.Timer(0.01, print)\n    t.start()\n    return 1",
    "thread module level": (
        "import threading\nout = []\nt = threading.Thread(target=out.append, args=(1,))\nt.start()\nt.join()\n"
        "def f(x):\n    return out"
    ),
    "fork": "import os\ndef f(x):\n    return os.fork() > 0",
    "signal": "import signal\ndef f(x):\n    signal.alarm(1)\n    return 1",
    "installed": "try:\n    import numpy\n    H = True\nexcept ImportError:\n    H = False\ndef f(x):\n    n = H\n    return 1",
    "etc": "def f(x):\n    n = len(open('/etc/passwd').read())\n    return 1",
    "weakref count": "import weakref\nclass A: pass\ndef f(x):\n    a = A()\n    n = weakref.getweakrefcount(a)\n    return 1",
    "recursion": "import sys\ndef f(x):\n    n = sys.getrecursionlimit()\n    return 1",
    "branch": (
        "def f(x):\n    g = getattr(f, '__co' + 'de__')\n    k = getattr(g, 'co_nlo' + 'cals')\n    if k > 3:\n"
        "        y = 1\n    else:\n        y = 1\n    return y"
    ),
    "docstring": "def f(x):\n    '''a\n       b'''\n    n = f.__doc__\n    return 1",
    "sizeof": "import sys\ndef f(x):\n    n = sys.getsizeof(x)\n    return 1",
    "tracemalloc": (
        "import tracemalloc\ndef f(x):\n    tracemalloc.start()\n    n = tracemalloc.get_traced_memory()[0] > 0\n    return 1"
    ),
    "linecache": "import linecache\ndef f(x):\n    n = linecache.getline('<program>', 1)\n    return 1",
    "hasattr": "import itertools\ndef f(x):\n    n = hasattr(itertools, 'batched')\n    return 1",
    "removed": "try:\n    import distutils\n    H = 1\nexcept ImportError:\n    H = 0\ndef f(x):\n    n = H\n    return 1",
    "ctypes": "import ctypes\ndef f(x):\n    n = ctypes.sizeof(ctypes.c_long)\n    return 1",
    "eval frame": "def f(x):\n    n = eval('f.__code__.co_nlocals')\n    return 1",
    "match": "def f(x):\n    match f:\n        case object(__code__=c):\n            n = c.co_nlocals\n    return 1",
    "enums of later versions": "import calendar\ndef f(x):\n    n = calendar.monthrange(2020, 2)\n    return 1",
}

STEADY = {  # programs that only look like it
    "setrecursionlimit": "import sys\nsys.setrecursionlimit(10**6)\ndef f(x):\n    n = len(x)\n    return n",
    "maxsize": "import sys\ndef f(x):\n    n = sys.maxsize\n    for w in x:\n        n = min(n, len(w))\n    return n",
    "stdin": "import sys\ndef f(x):\n    s = sys.stdin.read()\n    return s",
    "strptime": (
        "from datetime import datetime, timedelta\ndef f(x):\n"
        "    d = datetime.strptime('2020-01-31', '%Y-%m-%d') + timedelta(days=1)\n    s = d.strftime('%d %B %Y')\n"
        "    w = d.weekday()\n    return s"
    ),
    "date": (
        "import datetime\ndef f(x):\n    d = datetime.date(2020, 2, 28) + datetime.timedelta(days=2)\n"
        "    t = datetime.time(3, 4)\n    s = d.isoformat() + t.isoformat()\n    return s"
    ),
    "calendar": (
        "import calendar\ndef f(x):\n    r = calendar.monthcalendar(2020, 2)\n    n = calendar.isleap(2020)\n    return r[1]"
    ),
    "gmtime": "import time\ndef f(x):\n    s = time.strftime('%Y', time.gmtime(0))\n    return s",
    "sleep": "import time\ndef f(x):\n    time.sleep(0.001)\n    n = 1\n    return n",
    "os.path": "import os\ndef f(x):\n    p = os.path.join('a', 'b.txt')\n    e = os.path.splitext(p)[1]\n    return e",
    "signature": "import inspect\ndef f(x):\n    n = list(inspect.signature(f).parameters)\n    return n",
    "logging": "import logging\nlog = logging.getLogger(__name__)\ndef f(x):\n    log.info('x')\n    n = 1\n    return n",
    "lock": (
        "import threading\nclass A:\n    def __init__(self):\n        self.lock = threading.Lock()\n"
        "        self.n = 0\n    def inc(self):\n        with self.lock:\n            self.n += 1\n"
        "        return self.n\ndef f(x):\n    a = A()\n    n = a.inc()\n    return n"
    ),
    "globals lookup": "T = 1\ndef f(x):\n    n = globals()['T']\n    m = globals().get('T')\n    return n",
    "locals": "def f(x):\n    y = 1\n    n = sorted(locals())\n    return n",
    "own vars": "class A:\n    def __init__(self):\n        self.a = 1\ndef f(x):\n    n = vars(A())\n    return n",
    "own dir": (
        "class A:\n    def a(self): pass\ndef f(x):\n    n = [m for m in dir(A()) if not m.startswith('_')]\n    return n"
    ),
    "own subclasses": "class A: pass\nclass B(A): pass\ndef f(x):\n    n = [c.__name__ for c in A.__subclasses__()]\n    return n",
    "weakref": (
        "import weakref\nclass A: pass\ndef f(x):\n    a = A()\n    r = weakref.ref(a)\n    n = r() is a\n    del a\n"
        "    m = r() is None\n    return n, m"
    ),
    "dataclass": (
        "from dataclasses import dataclass, field, asdict\n@dataclass\nclass P:\n    a: int\n"
        "    b: list = field(default_factory=list)\ndef f(x):\n    p = P(1)\n    s = repr(p)\n    d = asdict(p)\n"
        "    return d"
    ),
    "enum": (
        "from enum import Enum\nclass C(Enum):\n    A = 1\n    B = 2\ndef f(x):\n    n = [c.name for c in C]\n"
        "    s = str(C.A)\n    return n"
    ),
    "protocol": (
        "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass Q(Protocol):\n    def q(self): ...\n"
        "class A:\n    def q(self):\n        return 1\ndef f(x):\n    n = isinstance(A(), Q)\n    return n"
    ),
    "namedtuple": (
        "from collections import namedtuple\nP = namedtuple('P', 'a b')\ndef f(x):\n    p = P(1, 2)\n"
        "    n = p._asdict()\n    return n"
    ),
    "abc": (
        "from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n    def a(self): ...\nclass B(A):\n"
        "    def a(self):\n        return 1\ndef f(x):\n    n = B().a()\n    return n"
    ),
    "metaclass": (
        "class M(type):\n    def __setattr__(cls, k, v):\n        raise TypeError\n    def __new__(m, n, b, d):\n"
        "        return super().__new__(m, n, b, d)\nclass A(metaclass=M):\n    x = 1\ndef f(x):\n    n = A.x\n"
        "    return n"
    ),
    "asyncio": (
        "import asyncio\nasync def g(n):\n    await asyncio.sleep(0)\n    m = n + 1\n    return m\nasync def h():\n"
        "    return await asyncio.gather(g(1), g(2))\ndef f(x):\n    r = asyncio.run(h())\n    return r"
    ),
    "format_exc print": (
        "import traceback\ndef f(x):\n    try:\n        n = 1 / 0\n    except ZeroDivisionError:\n"
        "        traceback.print_exc()\n        n = 0\n    return n"
    ),
    "param named time": "import time\ndef f(x, time=3):\n    n = time + 1\n    return n",
    "ast": "import ast\ndef f(x):\n    n = ast.literal_eval('[1]')\n    k = ast.keyword\n    return n",
    "partial/reduce": (
        "from functools import reduce, lru_cache\n@lru_cache(None)\ndef g(n):\n"
        "    return n if n < 2 else g(n - 1) + g(n - 2)\ndef f(x):\n"
        "    n = reduce(lambda a, b: a + b, map(g, range(10)))\n    return n"
    ),
    "eval sum": "def f(x):\n    n = eval('1 + 2')\n    return n",
    "io": "import io\ndef f(x):\n    s = io.StringIO('a\\nb')\n    n = s.readlines()\n    return n",
    "tmp file": (
        "import os\ndef f(x):\n    with open('a.txt', 'w') as h:\n        h.write('x')\n"
        "    n = os.path.exists('a.txt')\n    os.remove('a.txt')\n    return n"
    ),
    "closures no look": (
        "def f(x):\n    c = 0\n    def g():\n        nonlocal c\n        c += 1\n        return c\n    n = [g(), g()]\n"
        "    return n"
    ),
    "exc_info": (
        "import sys\ndef f(x):\n    try:\n        1 / 0\n    except Exception:\n"
        "        n = sys.exc_info()[0].__name__\n    return n"
    ),
    "id eq": "def f(x):\n    y = x\n    n = id(x) == id(y)\n    return n",
    "doc": "def f(x):\n    '''one line'''\n    n = f.__doc__\n    return n",
    "random": "import random\ndef f(x):\n    random.seed(3)\n    n = random.randint(1, 9)\n    return n",
    "typing": (
        "from typing import List, Optional\ndef f(x: List[str]) -> Optional[int]:\n    n: Optional[int] = None\n"
        "    n = 3\n    return n"
    ),
    "decimal": (
        "from decimal import Decimal, getcontext\ndef f(x):\n    getcontext().prec = 5\n"
        "    n = str(Decimal(1) / Decimal(3))\n    return n"
    ),
    "copy/json/re": (
        "import copy, json, re\ndef f(x):\n    y = copy.deepcopy(x)\n    s = json.dumps(y, indent=1)\n"
        "    m = re.findall('a.', s)\n    return m"
    ),
}
