"""Programs whose behaviour could differ on another run are recognised; those that run once could not."""

import json
from pathlib import Path

import pytest

import execverify as ev
from execverify.datasets.from_programs import program_of
from execverify.errors import ProgramError
from execverify.sandbox.result import Limits
from execverify.sandbox.run import job_for, sandbox
from execverify.tracing.determinism import EXTRA_HASH_SEEDS, may_be_nondeterministic
from execverify.tracing.runners import RECORD
from tests.helpers.benchmarks import CRUXEVAL

ROOT = Path(__file__).parents[2]
WORDS = "['alpha', 'beta', 'gamma', 'delta', 'epsilon']"

VARYING = {
    "list of a set": "def f(x):\n    return list(set(x))",
    "first of a set": "def f(x):\n    return next(iter(set(x)))",
    "pop": "def f(x):\n    s = set(x)\n    return s.pop()",
    "loop over a set display": "def f(x):\n    out = ''\n    for w in {'a', 'bc', 'def', 'gh'}:\n        out += w\n    return out",
    "a step in between, though the result is the same": (
        "def f(x):\n    out = []\n    for w in set(x):\n        out.append(w)\n    return sorted(out)"
    ),
    "set comprehension": "def f(x):\n    return [w for w in {v for v in x}]",
    "frozenset": "def f(x):\n    return list(frozenset(x))",
    "unpacked": "def f(x):\n    a, *b = set(x)\n    return a",
    "joined": "def f(x):\n    return ''.join(set(x))",
    "views combined": "def f(x):\n    a = dict.fromkeys(x)\n    b = a.keys()\n    return list(b & b)",
    "views combined in place": "def f(x):\n    a = dict.fromkeys(x).keys()\n    a |= a\n    return list(a)",
    "hash": "def f(x):\n    return hash(x[0])",
    "hash by method": "def f(x):\n    return x[0].__hash__()",
    "id": "def f(x):\n    return id(x) % 1000003",
    "text of an object": "class A: pass\ndef f(x):\n    return str(A())",
    "text of a function": "def f(x):\n    return f'{f}'",
    "text of a lambda": "def f(x):\n    return '%s' % (lambda: 0)",
    "text of an iterator": "def f(x):\n    return '{}'.format(map(len, x))",
    "text of a bound method": "def f(x):\n    return repr(x.append)",
    "text of a generator": "def f(x):\n    return str(w for w in x)",
    "order by address": "def f(x):\n    return [str(o) for o in (object(), object())]",
    "time": "import time\ndef f(x):\n    return time.perf_counter()",
    "chance": "import random\ndef f(x):\n    return random.random()",
    "the system's chance": "import os\ndef f(x):\n    return os.urandom(8)",
    "process": "import os\ndef f(x):\n    return os.getpid()",
    "uuid": "import uuid\ndef f(x):\n    return str(uuid.uuid4())",
}


SWALLOWED = {
    "by finally": "try:\n        g(n)\n    finally:\n        return depth",
    "by a handler": "try:\n        g(n)\n    except Exception:\n        return depth",
    "by a manager": "with Calm():\n        g(n)\n    return depth",
    "by nobody": "return g(n)",
}


@pytest.mark.parametrize("name", SWALLOWED)
def test_recursion_without_end_has_no_labels_however_it_is_swallowed(name: str) -> None:
    source = (
        "class Calm:\n    def __enter__(self):\n        pass\n    def __exit__(self, *_):\n        return True\n"
        "depth = 0\ndef g(n):\n    global depth\n    depth = n\n    return g(n + 1)\ndef f(n):\n    " + SWALLOWED[name]
    )
    trace = ev.trace(ev.Program(source, arguments="0"), timeout=5)
    assert trace.result.outcome == "too_many_steps" and "nested more than 900 deep" in trace.result.detail
    assert trace.steps == ()


def test_deep_recursion_that_ends_keeps_its_labels() -> None:
    trace = ev.trace(ev.Program("def f(n):\n    if n == 0:\n        return 0\n    return 1 + f(n - 1)", arguments="890"))
    assert trace.result.value is not None and trace.result.value.text == "890"


@pytest.mark.parametrize("name", VARYING)
def test_varying_programs_have_no_labels(name: str) -> None:
    trace = ev.trace(ev.Program(VARYING[name], arguments=WORDS), timeout=5)
    assert trace.result.outcome == "nondeterministic", trace.result
    assert trace.steps == () and trace.result.value is None


FIXED = {
    "a set that is only asked": "def f(x):\n    seen = set(x)\n    return sorted(seen), len(seen), 'beta' in seen",
    "a set of integers": "def f(x):\n    return sorted({len(w) for w in x})",
    "seeded chance": "import random\ndef f(x):\n    return random.Random(7).choice(x)",
    "a lambda that is not shown": "def f(x):\n    return sorted(x, key=lambda w: (len(w), w))",
    "text of plain values": "def f(x):\n    return f'{x} {len(x)}' + str({'a': 1}) + '%d' % 3",
}


@pytest.mark.parametrize("name", FIXED)
def test_programs_that_only_look_like_it_keep_their_labels(name: str) -> None:
    trace = ev.trace(ev.Program(FIXED[name], arguments=WORDS), timeout=5)
    assert trace.result.outcome == "returned", trace.result
    assert trace.steps


IN_PLAIN_FUNCTIONS = {
    "list": "return list(set(x))",
    "sorted by length": "return sorted(set(x), key=len)",
    "the greatest by length": "return max({w for w in x}, key=len)",
    "text": "return str(set(x))",
    "text in a text": "s = set(x)\n    return f'{s}'",
    "old formatting": "return '%s' % {w for w in x}",
    "old formatting of a pair": "return '%s %s' % (1, set(x))",
    "inside a list, as text": "return str([set(x)])",
    "loop": "n = 0\n    for w in set(x):\n        n = n * 2 + len(w)\n    return n",
    "comprehension": "return [w for w in set(x) | {'a'}]",
    "dict": "return dict.fromkeys(set(x))",
    "enumerated": "return list(enumerate(set(x)))",
    "mapped": "return list(map(len, set(x)))",
    "filtered": "return list(filter(str.isalpha, frozenset(x)))",
    "each set of a list listed": "return list(map(list, [set(x)]))",
    "each set of a list joined": "return list(map(''.join, [set(x)]))",
    "starred": "return [*set(x)]",
    "starred in a call": "return max(*set(x), key=len)",
    "extended": "out = []\n    out.extend(set(x))\n    return out",
    "added in place": "out = []\n    out += set(x)\n    return out",
    "slice": "out = ['a', 'b']\n    out[:] = set(x)\n    return out",
    "unpacked": "a, b, c, d, e = set(x)\n    return a",
    "unpacked by a loop": "for a, b, c, d, e in [set(x)]:\n        n = a\n    return n",
    "a dict made in its order": "d = {w: len(w) for w in set(x)}\n    return list(d)",
    "views": "d = {w: len(w) for w in x}\n    return list(d.keys() & set(x))",
    "popped": "return set(x).pop()",
    "by a helper": "return g(set(x))\n\ndef g(s):\n    return list(s)",
    "floats added up": "return sum({len(w) / 3 for w in x} | {1e16, -1e16}) + len(list(set(x))[0])",
    "sets in order": "return sorted({frozenset([w]) for w in x}, key=len)",
    "of pairs": "return list({(w, 1) for w in x})",
    "one or the other": "s = set(x) if len(x) > 2 else x\n    return list(s)",
    "what a lambda gives": "return [list(s) for s in map(lambda w: {w, 'a', 'b'}, x)]",
    "text of what is lazy": "return str(map(len, x))",
    "old formatting of what is lazy": "return '%s' % zip(x, x)",
    "mapped to text": "return list(map(str, [reversed(x)]))",
    "next of it": "return next(iter({*x}))",
    "one or the other, popped": "s = set(x) if len(x) > 2 else x.copy()\n    return s.pop()",
    "one or the other, added in place": "s = set(x) if len(x) > 2 else 'ab'\n    out = []\n    out += s\n    return out",
    "one or the other, unpacked": "s = set(x) if len(x) > 2 else 'ab'\n    a, *b = s\n    return a",
    "one or the other, in order": "s = {frozenset([w]) for w in x} if len(x) > 2 else [frozenset()]\n    return sorted(s)",
    "one or the other, as text": "s = set(x) if len(x) > 2 else 'ab'\n    return [str(s)]",
    "one or the other, in a list": "pairs = [set(x), 1]\n    return [w for w in pairs[0]]",
}


@pytest.mark.parametrize("name", IN_PLAIN_FUNCTIONS)
def test_the_order_of_a_set_is_seen_in_plain_functions_too(name: str) -> None:
    program = ev.Program(f"def f(x):\n    {IN_PLAIN_FUNCTIONS[name]}", arguments=WORDS)
    assert may_be_nondeterministic(program)


STEADY = {
    "asked": "s = set(x)\n    return len(s), 'beta' in s, s == {'beta'}, s <= {'beta'}, s.isdisjoint(x)",
    "in order": "return sorted(set(x)), min({w for w in x}), max(frozenset(x))",
    "combined": "s = set(x)\n    s.update(x)\n    s |= {'beta'}\n    s.discard('beta')\n    return s.union(x) - {'alpha'}",
    "numbers": "out = []\n    for n in {len(w) for w in x}:\n        out.append(n)\n    return out",
    "remainders of numbers, and a lambda": "return sorted(x, key=lambda w: len(w) % 3)",
    "each set of a list": "n = 0\n    for s in [set(x), {'a'}]:\n        n += len(s)\n    return n",
    "by a helper": "return g(set(x))\n\ndef g(s):\n    return len(s)",
    "pairs of two types": "runs = []\n    for w in x:\n        runs.append([w, len({w})])\n        runs[-1][1] += 1\n    return runs",
    "None": "best = None\n    for w in x:\n        if best is None or len({w}) > 1:\n            best = w\n    return best",
}


@pytest.mark.parametrize("name", STEADY)
def test_a_set_whose_order_nothing_shows_is_no_reason_for_more_runs(name: str) -> None:
    program = ev.Program(f"def f(x):\n    {STEADY[name]}", arguments=WORDS)
    assert not may_be_nondeterministic(program)
    job = job_for(program, RECORD, Limits(timeout=5))
    assert len({json.dumps(sandbox(seed).run(job)) for seed in (0, *EXTRA_HASH_SEEDS)}) == 1


def test_ordinary_programs_run_once() -> None:
    source = "def f(x):\n    n = len(x) - 1\n    d = {w: i for i, w in enumerate(x)}\n    return [d[k] for k in d.keys()][n]"
    assert not may_be_nondeterministic(ev.Program(source, arguments=WORDS))
    assert may_be_nondeterministic(ev.Program(source, arguments="{'a', 'b'}"))


def test_whatever_runs_once_is_the_same_under_every_hash_seed() -> None:
    programs = []
    records = list(ev.read_programs(CRUXEVAL))
    for record in records:
        try:
            program = program_of(record, Limits())
        except ProgramError:
            continue
        if not may_be_nondeterministic(program):
            programs.append(program)
    assert len(programs) > 0.8 * len(records)
    jobs = [job_for(program, RECORD, Limits(timeout=5)) for program in programs]
    first = [json.dumps(reply) for reply in sandbox(0).run_many(jobs)]
    for seed in EXTRA_HASH_SEEDS[:3]:
        assert [json.dumps(reply) for reply in sandbox(seed).run_many(jobs)] == first
