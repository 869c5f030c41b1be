"""What no label may depend on has no labels, by name or by the runs that are compared; and what is steady keeps its labels."""

import datetime
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import execverify as ev
from execverify.sandbox.result import Limits
from execverify.sandbox.run import job_for, sandbox
from execverify.tracing.determinism import EXTRA_HASH_SEEDS
from execverify.tracing.environments import LATER_CLOCK
from execverify.tracing.interpreter_access import interpreter_access
from execverify.tracing.runners import RECORD
from tests.data.interpreter_access_programs import SEES, STEADY, WORDS
from tests.helpers.trace_cases import load_cases
from tests.oracles.random_programs import generate

PLAIN = """
import json, sys
seen = {}
def tracer(frame, event, value):
    if frame.f_code.co_filename == "<program>":
        for name, value in frame.f_locals.items():
            if type(value) in (int, str, bool, float):
                seen.setdefault(name, set()).add(repr(value))
        return tracer
space = {"__name__": "program"}
exec(compile(sys.argv[1], "<program>", "exec"), space)
given = eval(f"({sys.argv[2]},)")
sys.settrace(tracer)
space["f"](*given)
sys.settrace(None)
print(json.dumps({name: sorted(values) for name, values in seen.items()}))
"""


def traced(source: str) -> ev.Trace:
    return ev.trace(ev.Program(source, arguments=WORDS), timeout=5)


@pytest.mark.parametrize("name", SEES)
def test_what_no_label_may_depend_on_has_none(name: str) -> None:
    trace = traced(SEES[name])
    assert trace.result.outcome == "nondeterministic" and trace.result.detail, trace.result
    assert trace.steps == ()


@pytest.mark.parametrize("name", STEADY)
def test_what_is_steady_keeps_its_labels(name: str, tmp_path: Path) -> None:
    """And the values that are asked about are those of plain CPython, in an interpreter of its own."""
    trace = traced(STEADY[name])
    assert trace.result.outcome == "returned" and trace.steps, trace.result
    command = [sys.executable, "-c", PLAIN, STEADY[name], WORDS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd=tmp_path)
    plain = json.loads(done.stdout)
    for question in ev.ask(trace, ["variable_state"], limit=None):
        text, _, kind = question.answers[0].rpartition("; ")
        if kind in ("int", "str", "bool", "float"):
            assert repr(eval(text)) in plain[question.variable], question


def test_a_door_is_told_with_its_place() -> None:
    program = ev.Program("import time\ndef f(n):\n    n = time.time()\n    return 1", arguments="3")
    assert interpreter_access(program) == "it depends on the clock, the calendar or the time zone: `time.time` at line 3"
    assert traced(SEES["version"]).result.detail == "it depends on the version of Python: `sys.version_info` at line 3"


def test_every_run_under_another_seed_is_in_another_year_month_and_hour() -> None:
    now = datetime.datetime.now()
    days = [now + datetime.timedelta(seconds=seed * LATER_CLOCK) for seed in (0, *EXTRA_HASH_SEEDS)]
    assert len({day.year for day in days}) > 3 and len({day.hour for day in days}) > 3
    assert len({day.month for day in days}) > 3 and len({day.weekday() for day in days}) > 3


@pytest.mark.parametrize("name", ["now from type", "days", "timezone", "module", "dir", "class dict"])
def test_the_surroundings_differ_and_are_put_back(name: str) -> None:
    """The runs themselves, without the doors by name: each sees something else, and the worker's next program nothing of it."""
    program = ev.Program(SEES[name], arguments=WORDS)
    after = ev.Program("class A: pass\ndef f():\n    return A.__name__, [n for n in vars(A) if 'more' in n]")
    seen = set()
    for seed in (0, *EXTRA_HASH_SEEDS):
        reply = sandbox(seed).run(job_for(program, RECORD, Limits(timeout=5), run=seed))
        assert reply["outcome"] == "returned", reply
        seen.add(str(reply["values"]))
        reply = sandbox(seed).run(job_for(after, RECORD, Limits(timeout=5)))
        assert reply["value"] == ["tuple", "('A', [])", None]
    assert len(seen) > 1


THREAD = (
    "import threading\nseen = []\ndef work(n):\n    for i in range(n):\n        seen.append(i)\n"
    "def f(n):\n    t = threading.Thread(target=work, args=(n,))\n    {}\n    total = len(seen)\n    return total"
)


@pytest.mark.parametrize("how", ["t.start(); t.join()", "t.start()", "t.daemon = True; t.start(); t.join()"])
def test_a_second_thread_is_refused_every_time(how: str) -> None:
    program = ev.Program(THREAD.format(how), arguments="50")
    for trace in ev.trace_many([program] * 25, limits=Limits(timeout=5)):
        assert trace.result.outcome == "nondeterministic" and "second thread" in trace.result.detail
        assert trace.steps == ()


def test_a_thread_is_run_where_nothing_is_asked() -> None:
    """`run` has no labels to give: a program may use threads."""
    result = ev.run(ev.Program(THREAD.format("t.start(); t.join()"), arguments="5"), limits=Limits(timeout=5))
    assert result.value == ev.Value("int", "5")


def test_the_fifty_have_no_door() -> None:
    for record in ev.read_programs(Path(__file__).parents[2] / "examples" / "fifty.py"):
        assert interpreter_access(ev.Program(record.source, record.entry_point or "f", record.arguments)) is None


@pytest.mark.parametrize("generated", [15, pytest.param(60, marks=pytest.mark.slow)])
def test_no_run_contradicts_a_program_that_looks_at_nothing(generated: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program as if it could vary: neither CPython's trace function nor other surroundings find anything."""
    monkeypatch.setattr(importlib.import_module("execverify.tracing.trace"), "may_be_nondeterministic", lambda program: True)
    programs = []
    for case in load_cases():
        entry_point, _, arguments = case.call.partition("(")
        programs.append(ev.Program(case.source, entry_point, arguments.rstrip()[:-1]))
    programs += [ev.Program(source, "f", arguments) for source, arguments in map(generate, [*range(generated), 148, 178, 340])]
    traces = list(ev.trace_many(programs, limits=Limits(timeout=5)))
    assert [trace.program.source for trace in traces if trace.result.outcome == "nondeterministic"] == []


UNNAMED = [
    "nlocals",
    "dis",
    "gc",
    "tracemalloc",
    "today",
    "days",
    "timezone",
    "module",
    "dir",
    "vars",
    "subclasses",
    "environ",
    "stack",
]


@pytest.mark.parametrize("name", UNNAMED)
def test_the_runs_find_it_without_the_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("execverify.tracing.trace"), "interpreter_access", lambda program: None)
    assert traced(SEES[name]).result.outcome == "nondeterministic"


@pytest.mark.parametrize(
    "body",
    [
        "x = type(sys.stdout).__name__",
        "x = sys.stdout.encoding",
        "x = hasattr(sys.stdout, 'buffer')",
        "try:\n        from itertools import batched\n    except ImportError:\n        x = 2",
        "try:\n        x = math.sumprod\n    except AttributeError:\n        x = 2",
        "try:\n        x = PythonFinalizationError\n    except NameError:\n        x = 2",
    ],
)
def test_what_an_attack_found(body: str) -> None:
    assert interpreter_access(ev.Program(f"import math, sys\ndef f(n):\n    {body}\n    return n", arguments="1")) is not None


@pytest.mark.parametrize(
    "body",
    [
        "print(n, file=sys.stderr)",
        "sys.stdout.write('a')",
        "try:\n        x = math.sqrt(n)\n    except ValueError:\n        x = 2",
    ],
)
def test_what_is_no_door(body: str) -> None:
    assert interpreter_access(ev.Program(f"import math, sys\ndef f(n):\n    {body}\n    return n", arguments="1")) is None


def test_a_comprehension_may_bind_a_name_of_an_inner_function() -> None:
    """CPython 3.13.0 dies where a trace function reads `f_locals` there, which said nothing of the program."""
    source = (
        "def f(xs):\n    x = 3\n    def add(v):\n        nonlocal x\n        x += v\n    ys = [x & 4 for x in xs]\n    add(1)\n"
        "    zs = {y for y in ys}\n    return x, list(zs)"
    )
    assert ev.trace(ev.Program(source, arguments="[1, 5]"), timeout=5).result.outcome == "returned"
