"""Programs whose result the sharing of equal values decides, or the sandbox's refusal; and programs that only look like it."""

import ast
import json
from pathlib import Path

import pytest

import execverify as ev
from execverify.sandbox.result import Outcome
from execverify.tracing import trace
from tests.helpers.benchmarks import CRUXEVAL

SHARED = "it depends on which equal values Python keeps as one object"
OUTSIDE = "it depends on what is outside of its folder, or what the sandbox refuses"

SHARING = {
    "a text": "def f(s, n):\n    m = s is 'ab'\n    return m",
    "is not": "def f(s, n):\n    m = 'ab' is not s\n    return m",
    "a number": "def f(s, n):\n    m = n is 3\n    return m",
    "a negative number": "def f(s, n):\n    m = n is -3\n    return m",
    "bytes": "def f(s, n):\n    m = n is b''\n    return m",
    "an empty tuple": "def f(s, n):\n    m = n is ()\n    return m",
    "a tuple": "def f(s, n):\n    m = n is (1, 2)\n    return m",
    "an f-string": "def f(s, n):\n    m = s is f'{n}'\n    return m",
    "without blanks": "def f(s, n):\n    m = [s][0]is(s)\n    return m",
    "a chain": "def f(s, n):\n    m = n is n is s\n    return m",
    "names of numbers": "def f(s, n):\n    k = 254 + n\n    m = k is 250 + n + 4\n    return m",
    "names of texts": "def f(s, n):\n    t = s[:1] + s[1:]\n    m = t is s\n    return m",
    "one text twice": "def f(s, n):\n    t = s\n    m = t is s\n    return m",
    "empty results": "def f(s, n):\n    m = s[9:] is ''.join([])\n    return m",
    "tuples of names": "def f(s, n):\n    t = tuple([])\n    m = t is tuple(s[9:])\n    return m",
    "in a comprehension": "def f(s, n):\n    m = [c for c in s if c is s[0]]\n    return m",
    "in a lambda at module level": "same = lambda a, b: a is b\ndef f(s, n):\n    m = same(n, n + 0)\n    return m",
    "while": "def f(s, n):\n    while n is not s.count('a') + 2:\n        n -= 1\n    return n",
    "id": "def f(s, n):\n    m = id(n) == id(n + 0)\n    return m",
    "id of a text, passed on": "def f(s, n):\n    m = len(set(map(id, [s, s[:1] + 'b'])))\n    return m",
    "operator": "import operator\ndef f(s, n):\n    m = operator.is_(s, 'ab')\n    return m",
    "operator by name": "from operator import is_not\ndef f(s, n):\n    m = is_not(s, 'ab')\n    return m",
}  # fmt: skip

NOT_SHARING = {
    "None": "def f(s, n):\n    m = s is None or None is not n\n    return m",
    "True": "def f(s, n):\n    m = (n > 2) is True and (n > 5) is False\n    return m",
    "Ellipsis": "def f(s, n):\n    m = n is ... or s is NotImplemented\n    return m",
    "a type": "def f(s, n):\n    m = type(n) is int and type(s) is not int\n    return m",
    "a list": "def f(s, n):\n    a = [n]\n    b = a\n    m = a is b and a is not [n]\n    return m",
    "a sentinel": "END = object()\ndef f(s, n):\n    m = next(iter([]), END) is END\n    return m",
    "an instance": "class A:\n    pass\ndef f(s, n):\n    a = A()\n    b = A()\n    m = a is a and a is not b\n    return m",
    "other values": "def f(s, n):\n    m = [x for x in [n, s] if x is not s + 'x']\n    return m",
    "a chain with None": "def f(s, n):\n    m = s is not None is not n\n    return m",
    "id of a list": "def f(s, n):\n    a = [n]\n    b = a\n    m = id(a) == id(b)\n    return m",
}


@pytest.mark.parametrize("name", SHARING)
def test_what_sharing_decides_has_no_labels(name: str) -> None:
    found = trace(ev.Program(SHARING[name], arguments="'ab', 3"))
    assert found.result.outcome == Outcome.NONDETERMINISTIC
    assert found.result.detail.startswith(SHARED)
    assert not found.steps


@pytest.mark.parametrize("name", NOT_SHARING)
def test_what_sharing_does_not_decide_has_labels(name: str) -> None:
    found = trace(ev.Program(NOT_SHARING[name], arguments="'ab', 3"))
    assert found.result.outcome == Outcome.RETURNED, found.result.detail
    assert found.steps


def test_published_programs_with_is_are_traced_as_before() -> None:
    records = [json.loads(line) for line in CRUXEVAL.read_text().splitlines()]
    using = [record for record in records if " is " in record["code"]]
    for record in using:
        found = trace(ev.Program(record["code"], arguments=record["input"]))
        assert found.result.value is not None and found.result.value.text is not None, record["code"]
        assert ast.literal_eval(found.result.value.text) == ast.literal_eval(record["output"])


TRIES = {
    "caught": "    try:\n        {}\n    except OSError:\n        return -1\n    return n",
    "caught with all": "    try:\n        {}\n    except:\n        return -1\n    return n",
    "suppressed": "    import contextlib\n    with contextlib.suppress(OSError, ImportError):\n        {}\n        return n\n    return -1",
    "left in finally": "    try:\n        {}\n    finally:\n        return -1",
    "continued in finally": "    for _ in range(2):\n        try:\n            {}\n        finally:\n            continue\n    return -1",
}
REACHES = {
    "writes": ("", "open({place!r}, 'w').close()"),
    "reads": ("", "n = len(open({there!r}).read())"),
    "writes too much": ("", "open('big', 'w').write('x' * 3_000_000)"),
    "lists": ("import os\n", "os.listdir({folder!r})"),
    "makes a folder": ("import os\n", "os.mkdir({place!r})"),
    "removes": ("import os\n", "os.remove({there!r})"),
    "renames": ("import os\n", "os.rename({there!r}, {place!r})"),
    "by path": ("from pathlib import Path\n", "Path({place!r}).write_text('x')"),
    "copies": ("import shutil\n", "shutil.copyfile({there!r}, 'x')"),
    "logs": ("import logging\n", "logging.FileHandler({place!r})"),
    "fetches": ("import urllib.request\n", "urllib.request.urlopen('http://127.0.0.1:9/', timeout=1)"),
    "connects": ("import http.client\n", "http.client.HTTPConnection('127.0.0.1', 9, timeout=1).connect()"),
}  # fmt: skip


@pytest.mark.parametrize("how", TRIES)
@pytest.mark.parametrize("name", REACHES)
def test_a_refusal_that_is_caught_gives_no_row(name: str, how: str, tmp_path: Path) -> None:
    there = tmp_path / "there.txt"
    there.write_text("x")
    head, reach = REACHES[name]
    given = reach.format(place=str(tmp_path / "canary"), there=str(there), folder=str(tmp_path))
    found = trace(ev.Program(f"{head}def f(n):\n{TRIES[how].format(given)}", arguments="3"), timeout=10)
    assert found.result.outcome == Outcome.NONDETERMINISTIC, found.result
    assert found.result.detail.startswith(OUTSIDE)
    assert [path.name for path in tmp_path.iterdir()] == ["there.txt"]


OTHERS = {
    "at module level": "N = 0\ntry:\n    open({place!r}, 'w').close()\nexcept OSError:\n    N = 5\ndef f(n):\n    m = n + N\n    return m",
    "in a library": "import os\ndef f(n):\n    m = [len(names) for _, names, _ in os.walk({folder!r})]\n    return m",
    "a database": "import sqlite3\ndef f(n):\n    try:\n        sqlite3.connect({place!r}).execute('create table t(x)')\n"
    "    except sqlite3.Error:\n        return -1\n    return n",
    "a missing module": "def load():\n    import numpy\ndef f(n):\n    try:\n        load()\n    except ImportError:\n        return -1\n"
    "    return n",
    "a missing module, by all": "def f(n):\n    try:\n        import no_such_module_at_all\n    except:\n        return -1\n    return n",
    "what is typed": "def f(n):\n    try:\n        return input()\n    except EOFError:\n        return -1",
    "memory, left in finally": "import math\ndef f(n):\n    try:\n        [0] * 10 ** 11\n    finally:\n        return -1",
    "through a link": "import os\ndef f(n):\n    try:\n        os.symlink({there!r}, 'x')\n    except OSError:\n        return -1\n    return n",
    "over its folder": "def f(n):\n    try:\n        open('../../../../etc/hostname').close()\n    except OSError:\n        return -1\n    return n",
    "escapes": "def f(n):\n    open({place!r}, 'w').close()\n    return n",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_ways_out_give_no_row(name: str, tmp_path: Path) -> None:
    there = tmp_path / "there.txt"
    there.write_text("x")
    source = OTHERS[name].replace("{place!r}", repr(str(tmp_path / "canary"))).replace("{folder!r}", repr(str(tmp_path)))
    found = trace(ev.Program(source.replace("{there!r}", repr(str(there))), arguments="3"), timeout=10)
    assert found.result.outcome == Outcome.NONDETERMINISTIC, found.result
    assert [path.name for path in tmp_path.iterdir()] == ["there.txt"]


INSIDE = {
    "its own file": "def f(n):\n    with open('a.txt', 'w') as file:\n        file.write('x' * n)\n    m = open('a.txt').read()\n    return m",
    "a file that is not there": "def f(n):\n    try:\n        return open('a.txt').read()\n    except FileNotFoundError:\n        return n",
    "an error of its own": "def f(n):\n    try:\n        raise PermissionError('no')\n    except OSError:\n        return -1",
    "a numbered error of its own": "def f(n):\n    try:\n        raise OSError(13, 'mine')\n    except OSError as error:\n        return error.errno",
    "a temporary file": "import tempfile\ndef f(n):\n    with tempfile.TemporaryFile() as file:\n        file.write(b'abc')\n"
    "        file.seek(0)\n        m = file.read()\n    return m",
    "its own folder": "import os\ndef f(n):\n    os.mkdir('d')\n    m = os.listdir('.')\n    os.rename('d', 'e')\n    return m + os.listdir('.')",
    "a database in memory": "import sqlite3\ndef f(n):\n    with sqlite3.connect(':memory:') as base:\n"
    "        m = base.execute('select 1 + 2').fetchone()\n    return m",
    "the standard library": "def f(n):\n    import fractions, statistics\n    m = str(fractions.Fraction(n, 6)), statistics.mean([n, 5])\n    return m",
    "a coroutine": "import asyncio\nasync def g(n):\n    await asyncio.sleep(0)\n    return n + 1\ndef f(n):\n    m = asyncio.run(g(n))\n    return m",
    "a copy": "import copy, pickle\ndef f(n):\n    m = pickle.loads(pickle.dumps(copy.deepcopy([n])))\n    return m",
    "an error of its own import": "def f(n):\n    try:\n        raise ImportError('no')\n    except ImportError:\n        return -1",
}  # fmt: skip


@pytest.mark.parametrize("name", INSIDE)
def test_what_stays_inside_has_labels(name: str) -> None:
    found = trace(ev.Program(INSIDE[name], arguments="3"), timeout=10)
    assert found.result.outcome == Outcome.RETURNED, found.result
    assert found.steps


def test_plain_runs_end_as_before(tmp_path: Path) -> None:
    """Runs that judge answers give no labels: their outcome is the program's own."""
    source = f"def f(n):\n    try:\n        open({str(tmp_path / 'canary')!r}, 'w').close()\n    except OSError:\n        return -1\n    return n"
    result = ev.run(ev.Program(source, arguments="3"))
    assert result.value is not None
    assert (result.outcome, result.value.text) == (Outcome.RETURNED, "-1")
    result = ev.run(ev.Program(SHARING["one text twice"], arguments="'ab', 3"))
    assert result.outcome == Outcome.RETURNED
