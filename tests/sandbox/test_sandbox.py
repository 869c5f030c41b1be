"""Running programs: every way a run can end, what programs cannot do to each other or to us, and that nothing stays behind.

The hostile programs here are harmless: each aims at its own process, at its own working folder, or at a listener that the
test opened on the loopback interface.
"""

import contextlib
import math
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.sandbox.candidates import Candidate, run_candidates
from execverify.sandbox.job import Job, Runner
from execverify.sandbox.result import Outcome
from execverify.sandbox.run import RUN_CALL, call_many, job_for, sandbox
from execverify.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes and descriptors in /proc")

SPIN = "def f():\n    while True: pass"
ONE = "def f():\n    return 1"
EXIT = "import os\ndef f():\n    os._exit(3)"
SHORT = ev.Limits(timeout=0.5)


def program(source: str, arguments: str = "") -> ev.Program:
    return ev.Program(textwrap.dedent(source), "f", arguments)


def run(source: str, arguments: str = "", **limits: Any) -> ev.Result:
    return ev.run(program(source, arguments), limits=ev.Limits(**limits))


def job(source: str, **limits: Any) -> Job:
    return job_for(program(source), RUN_CALL, ev.Limits(**limits))


def text_of(result: ev.Result) -> str | None:
    return result.value.text if result.value is not None else None


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox of the test's own."""
    with Sandbox() as own:
        yield own


# ------------------------------------------------------------------------------------------------------- it returned


@pytest.mark.parametrize(
    ("source", "arguments", "value"),
    [
        ("def f(n): return [n] * 2", "3", ev.Value("list", "[3, 3]")),
        ("def f(): pass", "", ev.Value("NoneType", "None")),
        ("def f(*a, **k): return a, k", "1, b={2}", ev.Value("tuple", "((1,), {'b': {2}})")),
        ("def f(): return f", "", ev.Value("function", None, "object")),
        ("def f(): yield 1", "", ev.Value("generator", None, "object")),
        ("def f(): return 'a' * 9998", "", ev.Value("str", repr("a" * 9998))),
        ("def f(): return 'a' * 9999", "", ev.Value("str", None, "too long")),
        ("def f(): return '\\ud800\\n'", "", ev.Value("str", "'\\ud800\\n'")),
        ("x = []\nx.append(x)\ndef f(): return x", "", ev.Value("list", None, "cycle")),
        ("class A(int): pass\ndef f(): return A(1)", "", ev.Value("A", None, "subclass")),
        ("f = sorted", "[2, 1]", ev.Value("list", "[1, 2]")),
        ("class f:\n    pass", "", ev.Value("f", None, "object")),
        ("def f():\n    return __name__, f.__name__", "", None),
    ],
)
def test_what_a_call_returns_comes_back_as_a_value(source: str, arguments: str, value: ev.Value | None) -> None:
    result = run(source, arguments)
    assert (result.outcome, result.error, result.detail) == (Outcome.RETURNED, None, "")
    assert value is None or result.value == value


def test_the_arguments_are_a_calls_own() -> None:
    mutating = program("def f(a):\n    a.append(1)\n    return a", "[]")
    assert [text_of(result) for result in ev.run_many([mutating] * 3)] == ["[1]"] * 3


def test_what_a_program_prints_is_kept() -> None:
    source = """
        import sys
        print("module")
        def f():
            print("a", 1, end=";")
            print("b", file=sys.stderr)
            sys.stdout.write("é\\ud800")
            return sys.stdout.isatty()
    """
    result = run(source)
    assert (result.stdout, text_of(result)) == ("module\na 1;b\né\ud800", "False")
    assert run("def f():\n    print('x')\n    1 / 0").stdout == "x\n"
    assert len(run("def f():\n    print('x' * 50_000)").stdout) == 10_000


@pytest.mark.parametrize("source", ["def f():\n    return 1 is 1", "def f():\n    assert (1, 'no')"])
def test_what_a_program_did_not_print_is_not_kept(source: str) -> None:
    assert run(source).stdout == ""


# ------------------------------------------------------------------------------------------------------------- it raised

STRANGE = "class E(Exception):\n    def __str__(self): raise ValueError\ndef f():\n    raise E('x')"
CHAIN = "def g():\n    {}['a']\ndef f():\n    try:\n        g()\n    finally:\n        x = 1"


@pytest.mark.parametrize(
    ("source", "error", "detail"),
    [
        ("def f():\n    x = 1\n    return x / 0", "ZeroDivisionError", "ZeroDivisionError at line 3: division by zero"),
        (CHAIN, "KeyError", "KeyError at line 2: 'a'"),
        ("x = 1\ny = nowhere\ndef f(): pass", "NameError", "NameError at line 2: name 'nowhere' is not defined"),
        ("def f():\n    raise ValueError('a\\n  b')", "ValueError", "ValueError at line 2: a b"),
        ("def f():\n    raise ValueError", "ValueError", "ValueError at line 2"),
        ("class E(Exception): pass\ndef f():\n    raise E(3)", "E", "E at line 3: 3"),
        (STRANGE, "E", "E at line 4: (its message could not be read)"),
        ("import sys\ndef f():\n    sys.exit(3)", "SystemExit", "SystemExit at line 3: 3"),
        ("def f():\n    raise SystemExit", "SystemExit", "SystemExit at line 2"),
        ("def f():\n    raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt at line 2"),
        ("def f():\n    raise GeneratorExit", "GeneratorExit", "GeneratorExit at line 2"),
        ("def f():\n    return f()", "RecursionError", "RecursionError at line 2: maximum recursion depth exceeded"),
        ("def f():\n    assert 1 == 2, 'no'", "AssertionError", "AssertionError at line 2: no"),
        ("def f():\n    exec('1 +')", "SyntaxError", "SyntaxError at line 2: invalid syntax"),
        ("def f():\n    import nothing_such", "ModuleNotFoundError", "ModuleNotFoundError at line 2: No module named"),
        ("def f():\n    next(iter([]))", "StopIteration", "StopIteration at line 2"),
        ("def f(): pass\ndel f", "KeyError", "KeyError: 'f'"),
        ("def g(h):\n    return 3\n@g\ndef f(): pass", "TypeError", "TypeError: 'int' object is not callable"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_an_exception_that_escapes_is_named_with_its_line(source: str, error: str, detail: str) -> None:
    result = run(source)
    assert (result.outcome, result.error, result.value) == (Outcome.RAISED, error, None)
    assert result.detail.startswith(detail) and "\n" not in result.detail


def test_a_long_message_is_shortened() -> None:
    result = run("def f():\n    raise ValueError('x' * 10**6)")
    assert result.outcome == Outcome.RAISED and len(result.detail) == 300


def test_the_detail_is_one_line_whatever_the_type_is_called() -> None:
    assert "\n" not in run("def f():\n    raise type('a\\nb', (Exception,), {})").detail


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("try:\n        return f()\n    except RecursionError:\n        return 'caught'", "'caught'"),
        ("try:\n        [0] * 10**12\n    except MemoryError:\n        return 'caught'", "'caught'"),
        ("try:\n        raise SystemExit\n    except BaseException:\n        return 'caught'", "'caught'"),
    ],
)
def test_an_exception_that_is_caught_is_the_programs_own(body: str, text: str) -> None:
    result = run(f"def f():\n    {body}")
    assert (result.outcome, text_of(result)) == (Outcome.RETURNED, text)


def test_recursion_goes_as_deep_as_python_lets_it() -> None:
    source = "depth = 0\ndef g():\n    global depth\n    depth += 1\n    g()\ndef f():\n    try:\n        g()\n    except RecursionError:\n"
    source += "        return depth"
    assert [text_of(run(source)), text_of(run("import math\n" + source))] == ["999", "999"]


# -------------------------------------------------------------------------------------------------------- it timed out


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    n = 0\n    while True:\n        n += 1",
        SPIN,
        "def f():\n    while True:\n        try:\n            while True: pass\n        except BaseException:\n            pass",
        "while True: pass\ndef f(): pass",
        "def f():\n    return sum(range(10**12))",
        "def f():\n    return 10**12 in map(str, range(10**12))",
        "import re\ndef f():\n    return re.match('(a+)+$', 'a' * 40 + 'b')",
        "def f():\n    return (3 ** 10**8) % 7",
        "import time\ndef f():\n    time.sleep(60)",
        "import os, signal\ndef f():\n    os.kill(os.getpid(), signal.SIGSTOP)",
        "import signal\ndef f():\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    while True: pass",
        "class E(Exception):\n    def __str__(self):\n        while True: pass\ndef f():\n    raise E",
    ],
    ids=lambda source: source.split("\n")[-1].strip(),
)
def test_what_runs_too_long_is_ended(source: str) -> None:
    began = time.monotonic()
    result = run(source, timeout=0.2)
    assert (result.outcome, result.detail, result.value) == (Outcome.TIMED_OUT, "it ran longer than 0.2 s", None)
    assert 0.2 <= time.monotonic() - began < 5


def test_each_program_has_the_whole_time_to_itself() -> None:
    tenth = program("import time\ndef f():\n    end = time.perf_counter() + 0.1\n    while time.perf_counter() < end: pass")
    outcomes = [result.outcome for result in ev.run_many([tenth] * 16, limits=ev.Limits(timeout=1), workers=1)]
    assert outcomes == [Outcome.RETURNED] * 16  # 1.6 s together: no time is taken from one for another


# ------------------------------------------------------------------------------------------ it asked for too much


@pytest.mark.parametrize(
    "body",
    [
        "[0] * 10**9",
        "bytearray(10**10)",
        "'a' * 10**11",
        "x = []\n    while True: x.append('a' * 10**6)",
        "x = {}\n    while True: x[len(x)] = [0] * 1000",
        "x = 'a'\n    while True: x += x",
        "return list(range(10**9))",
        "raise MemoryError",
    ],
)
def test_what_takes_too_much_memory_is_out_of_memory(body: str) -> None:
    result = run(f"def f():\n    {body}", memory=50_000_000, timeout=10)
    assert (result.outcome, result.detail) == (Outcome.OUT_OF_MEMORY, "it asked for more memory than it may have")


def test_a_program_may_have_the_memory_that_its_limit_says() -> None:
    source = "def f(n):\n    return len(bytearray(n))"
    assert run(source, "40_000_000", memory=50_000_000).outcome == Outcome.RETURNED
    assert run(source, "60_000_000", memory=50_000_000).outcome == Outcome.OUT_OF_MEMORY


@pytest.mark.parametrize(
    "body",
    [
        "for _ in range(1000): print('x' * 10**6)",
        "for _ in range(10**9): print()",
        "while True:\n        try:\n            print('x' * 1000)\n        except BaseException:\n            break",
        "import sys\n    while True: sys.stderr.write('x' * 1000)",
        "print('x' * 1_000_001)",
        "print('x' * 10_000_000)",
    ],
)
def test_what_writes_too_much_is_stopped(body: str) -> None:
    result = run(f"def f():\n    {body}", timeout=10)
    assert (result.outcome, result.detail) == (Outcome.TOO_MUCH_OUTPUT, "it wrote more than 1000000 characters")
    assert len(result.stdout) <= 10_000 and result.value is None


def test_the_output_limit_counts_characters() -> None:
    source = "def f(n):\n    print('é' * n, end='')"
    assert run(source, "100", output=100).outcome == Outcome.RETURNED
    assert run(source, "101", output=100).outcome == Outcome.TOO_MUCH_OUTPUT


def test_a_gigabyte_written_past_python_goes_nowhere() -> None:
    source = "import os\ndef f():\n    for _ in range(1000):\n        os.write(1, b'x' * 10**6)\n    return 1"
    result = run(source, timeout=20)
    assert (result.outcome, result.stdout) == (Outcome.RETURNED, "")


def test_a_file_cannot_grow_beyond_its_limit() -> None:
    source = "def f():\n    with open('a', 'wb', 0) as file:\n        while True: file.write(b'x' * 1000)"
    result = run(source, timeout=10)
    assert (result.outcome, result.error) == (Outcome.RAISED, "OSError") and "File too large" in result.detail


# ------------------------------------------------------------------------------------------------------------- it died

CRASH = "def f():\n    i = iter([])\n    for _ in range(300_000):\n        i = filter(None, i)\n    return list(i)"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("os._exit(0)", "the process exited with status 0"),
        ("os._exit(7)", "the process exited with status 7"),
        ("os.abort()", "the process was ended by SIGABRT"),
        ("ctypes.string_at(0)", "the process was ended by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "the process was ended by SIGTERM"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the process was ended by SIGKILL"),
        ("os.closerange(3, 64)", None),
    ],
)
def test_a_process_that_dies_is_reported_with_its_status(body: str, detail: str | None) -> None:
    result = run(f"import os, ctypes, signal\ndef f():\n    {body}")
    assert (result.outcome, result.value) == (Outcome.CRASHED, None)
    assert detail is None or result.detail == detail
    assert run(ONE).outcome == Outcome.RETURNED


def test_a_process_ended_by_a_signal_without_a_name_has_died() -> None:
    assert run("import os\ndef f():\n    os.kill(os.getpid(), 40)").outcome == Outcome.CRASHED


FORGED = [
    b'{"outcome":"nothing such"}',
    b"[1]",
    b"{}",
    b"3",
    b"null",
    b'{"outcome":"returned"}',
    b'{"outcome":"returned","value":[1]}',
    b"[" * 100_000,
    b"\xff",
    b"",
    b"no json",
    b'{"outcome":[]}',
    b'{"outcome":"returned","value":"int"}',
    b'{"outcome":"returned","value":[[],{},3]}',
    b'{"outcome":"returned","value":["int","f(1)",null]}',
    b'{"outcome":"raised","error":[1]}',
]


@pytest.mark.parametrize("body", FORGED, ids=lambda body: ascii(body)[:40])
def test_a_program_that_answers_for_itself_cannot_break_its_caller(body: bytes) -> None:
    source = f"""
        import os, struct
        def f():
            body = {body[:1] if len(body) > 1000 else body!r} * {len(body) if len(body) > 1000 else 1}
            for fd in range(3, 64):
                try:
                    os.write(fd, struct.pack("!I", len(body)) + body)
                except OSError:
                    pass
            os._exit(0)
    """
    assert run(source).outcome == Outcome.CRASHED
    results = ev.run_many([program(each) for each in (ONE, source, ONE)])
    assert [result.outcome for result in results] == [Outcome.RETURNED, Outcome.CRASHED, Outcome.RETURNED]


EXCUSE = """
    import os, struct
    def f():
        body = b'{"outcome":"sandbox_error"}'
        for fd in range(3, 64):
            try:
                os.write(fd, struct.pack("!I", len(body)) + body)
            except OSError:
                pass
        os._exit(0)
"""
MEDDLING = """
    def f():
        def above():
            yield g.gi_frame.f_back
        g = above()
        frame = next(g)
        while frame is not None:
            if "value_of" in frame.f_globals:
                frame.f_globals["value_of"] = None
            frame = frame.f_back
"""


@pytest.mark.parametrize("source", [EXCUSE, MEDDLING], ids=["says so", "breaks us"])
def test_a_program_cannot_pass_for_our_failure(source: str) -> None:
    """What a model wrote runs as a candidate, whose process is not asked whose fault it was."""
    candidate = Candidate(textwrap.dedent(source), ("",), "f")
    ((result,),) = run_candidates([candidate])
    assert result.outcome not in (Outcome.SANDBOX_ERROR, Outcome.UNSUPPORTED)


def test_a_message_that_announces_too_much_costs_no_memory() -> None:
    source = """
        import os
        def f():
            for fd in range(3, 64):
                try:
                    os.write(fd, b"\\xff\\xff\\xff\\xff" + b"x" * 1000)
                except OSError:
                    pass
            return 1
    """
    assert run(source).outcome == Outcome.CRASHED


# --------------------------------------------------------------------------------- floats that other versions add otherwise


@pytest.mark.parametrize(
    "items", ["[0.1] * 10", "[1e16, 1.0, 1.0, 1.0]", "(x / 10 for x in range(21))", "[0.1] * 9, 0.1", "[0.1j] * 10"]
)
def test_a_sum_of_floats_that_versions_round_differently_is_found(items: str) -> None:
    result = run(f"def f():\n    return sum({items})")
    assert result.outcome == Outcome.NONDETERMINISTIC and "3.12" in result.detail


@pytest.mark.parametrize(
    "items",
    [
        "[0.5, 0.25]",
        "[1, 2, 3]",
        "[]",
        "range(10)",
        "[True, 2]",
        "[[1], [2]], []",
        "[0.1]",
        "[0.1, 0.2]",
        "[1, 2], start=3",
        "{1.0, 2.0}",
    ],
)
def test_a_sum_that_every_version_makes_alike_is_as_python_makes_it(items: str) -> None:
    result = run(f"def f():\n    return sum({items})")
    assert (result.outcome, text_of(result)) == (Outcome.RETURNED, repr(eval(f"sum({items})")))


@pytest.mark.parametrize("items", ["['a'], ''", "['a', 'b']", "3", "[1, None]", "[1], []"])
def test_a_sum_that_fails_fails_as_in_python(items: str) -> None:
    with pytest.raises(TypeError) as caught:
        eval(f"sum({items})")
    assert run(f"def f():\n    return sum({items})").detail == f"TypeError at line 2: {caught.value}"


def test_a_sum_of_integers_and_floats_that_versions_round_differently_is_found() -> None:
    assert run("def f():\n    return sum([10**16, 1.0, 1.0, 1.0])").outcome == Outcome.NONDETERMINISTIC


# ----------------------------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("name", ["timeout", "memory", "steps", "output"])
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_a_limit_must_be_above_zero(name: str, value: float) -> None:
    limits: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"the limit {name} must be a number above 0, not"):
        ev.Limits(**limits)


def test_a_limit_of_file_size_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="file_size"):
        ev.Limits(file_size=-1)


@pytest.mark.parametrize("timeout", [math.inf, 1e10])
def test_a_timeout_may_be_as_long_as_one_likes(timeout: float) -> None:
    assert run(ONE, timeout=timeout).outcome == Outcome.RETURNED


# ---------------------------------------------------------------------------------------------------------------- batches


def numbered(count: int, odd: dict[int, str]) -> list[ev.Program]:
    """Programs that return their own number, but for the odd ones."""
    plain = "def f(n):\n    return n"
    return [program(odd[n]) if n in odd else program(plain, str(n)) for n in range(count)]


def assert_only_these_are_lost(results: list[ev.Result], lost: dict[int, Outcome]) -> None:
    for n, result in enumerate(results):
        expected = (lost[n], None) if n in lost else (Outcome.RETURNED, str(n))
        assert (result.outcome, text_of(result)) == expected, n


@pytest.mark.parametrize("workers", [1, 3])
def test_hangs_and_deaths_cost_only_themselves(workers: int) -> None:
    out_of_memory = "def f():\n    x = []\n    while True:\n        x += [0] * 10**6"
    odd = {
        0: SPIN,
        1: EXIT,
        2: CRASH,
        9: SPIN,
        17: out_of_memory,
        20: EXIT,
        21: CRASH,
        30: "def f():\n    1 / 0",
        39: SPIN,
    }
    lost = {n: {SPIN: Outcome.TIMED_OUT, EXIT: Outcome.CRASHED, CRASH: Outcome.CRASHED}.get(source) for n, source in odd.items()}
    expected = {n: outcome or (Outcome.OUT_OF_MEMORY if n == 17 else Outcome.RAISED) for n, outcome in lost.items()}
    limits = ev.Limits(timeout=1.5, memory=100_000_000)
    assert_only_these_are_lost(list(ev.run_many(numbered(40, odd), limits=limits, workers=workers)), expected)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("source", [EXIT, CRASH], ids=["exit", "crash"])
def test_a_death_at_any_position_costs_only_itself(workers: int, source: str) -> None:
    for position in range(0, 40, 1 if source == EXIT else 5):
        results = list(ev.run_many(numbered(40, {position: source}), workers=workers))
        assert_only_these_are_lost(results, {position: Outcome.CRASHED})


@pytest.mark.parametrize("position", [0, 7, 8, 39])
def test_a_hang_at_any_position_costs_only_itself(position: int) -> None:
    results = list(ev.run_many(numbered(40, {position: SPIN}), limits=SHORT, workers=1 + position % 3))
    assert_only_these_are_lost(results, {position: Outcome.TIMED_OUT})


def test_a_batch_of_deaths_and_hangs_alone_ends() -> None:
    sources = [EXIT, SPIN] * 4
    results = ev.run_many([program(source) for source in sources], limits=SHORT, workers=2)
    assert [result.outcome for result in results] == [Outcome.CRASHED, Outcome.TIMED_OUT] * 4


def test_workers_wait_for_hanging_programs_at_the_same_time() -> None:
    began = time.monotonic()
    list(ev.run_many([program(SPIN)] * 8, limits=ev.Limits(timeout=1), workers=8))
    assert time.monotonic() - began < 6, "one after another they take eight seconds"


def test_many_calls_of_a_program_give_what_each_gives_alone() -> None:
    sources = [
        "def f(n):\n    print(n)\n    return [n] * 2",
        "seen = []\ndef f(n):\n    seen.append(n)\n    return len(seen)",
        "import math\ndef f(n):\n    math.pi = math.pi + n\n    return math.pi > 5",
        "def f(n):\n    while n == 2: pass\n    return n",
        "def f(n):\n    return 1 // (n - 2)",
        "def f(n):\n    return 'a' * 10**11 if n == 3 else n",
    ]
    inputs, limits = ["1", "2", "3"], ev.Limits(timeout=0.5, memory=50_000_000)
    items = [(program(source, "1"), inputs) for source in sources]
    for (one, _), results in zip(items, call_many(items, limits=limits, workers=2), strict=True):
        assert list(results) == list(ev.run_many([replace(one, arguments=text) for text in inputs], limits=limits)), one.source


def test_many_calls_of_nothing_are_nothing() -> None:
    assert list(call_many([])) == [] and list(call_many([(program(ONE), [])])) == [()]


def test_no_programs_give_no_results() -> None:
    assert list(ev.run_many([])) == []
    assert list(ev.run_many(iter([]), workers=3)) == []


def test_programs_are_read_as_they_are_needed() -> None:
    read = 0

    def endless() -> Iterator[ev.Program]:
        nonlocal read
        while True:
            yield program("def f(n):\n    return n", str(read))
            read += 1

    for workers in (1, 3):
        read = 0
        results = ev.run_many(endless(), workers=workers)
        assert read == 0, "nothing is read before the first result is asked for"
        for n in range(100):
            assert text_of(next(results)) == str(n)
            assert read <= n + 100 * workers
        results.close()  # type: ignore[attr-defined]


def test_an_error_of_the_programs_source_reaches_the_caller() -> None:
    def failing() -> Iterator[ev.Program]:
        yield program(ONE)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        list(ev.run_many(failing()))
    assert run(ONE).outcome == Outcome.RETURNED


def test_a_job_that_is_no_job_is_our_failure(box: Sandbox) -> None:
    good = job(ONE)
    jobs = [Job(Runner("no.such", "runner"), ONE, "f", ""), good, Job(good.runner, "def f(:", "f", ""), good]
    replies = [reply["outcome"] for reply in box.run_many(jobs)]
    assert replies == [Outcome.SANDBOX_ERROR, Outcome.RETURNED, Outcome.RAISED, Outcome.RETURNED]


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    k = ()\n    for _ in range(3000):\n        k = (k,)\n    return {k: 1}",
        "class M(type):\n    def __hash__(c): raise ValueError\nclass A(metaclass=M): pass\ndef f():\n    return A()",
        "class M(type):\n    def __hash__(c): raise ValueError\nclass A(metaclass=M): pass\ndef f():\n    return [A()]",
    ],
    ids=["a deep key", "a metaclass", "a metaclass in a list"],
)
def test_a_strange_result_is_opaque_and_not_our_failure(source: str) -> None:
    result = run(source)
    assert result.outcome == Outcome.RETURNED and result.value is not None and result.value.opaque_reason


# ------------------------------------------------------------------------------- one program never sees what another one did

OS_LOOK = "import os\ndef f():\n    return os.getcwd() == '/', os.listdir(), dict(os.environ), os.umask(0o22)"
LEN = "def f():\n    return len([])"
LATE = "def f():\n    print('a')\n    z = [[] for _ in range(10**5)]\n    print('b')\n    return len(z)"
ISOLATED = {
    "a builtin patched by import": ("import builtins\ndef f():\n    builtins.len = lambda x: 99\n    return len([])", LEN),
    "a builtin patched by name": ("def f():\n    __builtins__['len'] = lambda x: 99\n    return len([])", LEN),
    "a builtin shadowed": ("def len(x):\n    return 99\ndef f():\n    return len([])", LEN),
    "a builtin removed": ("import builtins\ndef f():\n    del builtins.repr\n    return 1", "def f():\n    return repr(1)"),
    "builtins of builtins": (
        "def f():\n    print.__self__.sorted = None\n    return sorted is None",
        "def f():\n    return sorted([2, 1])",
    ),
    "math.pi": ("import math\ndef f():\n    math.pi = 3\n    return math.pi", "import math\ndef f():\n    return math.pi"),
    "json.loads": (
        "import json\ndef f():\n    json.loads = lambda x: 'no'\n    return json.loads('1')",
        "import json\ndef f():\n    return json.loads('[1]')",
    ),
    "random.seed": (
        "import random\ndef f():\n    random.seed(0)\n    return random.random()",
        "import random\ndef f():\n    return random.random() == random.Random(0).random()",
    ),
    "a module of one's own": (
        "import sys, types\ndef f():\n    sys.modules['fake'] = types.ModuleType('fake')\n    import fake\n    return 1",
        "def f():\n    try:\n        import fake\n    except ImportError:\n        return 'no'",
    ),
    "a module replaced": (
        "import sys\nsys.modules['math'] = None\ndef f():\n    return 1",
        "import math\ndef f():\n    return math.pi",
    ),
    "sys.path": ("import sys\ndef f():\n    sys.path.clear()\n    return 1", "import sys\ndef f():\n    return len(sys.path) > 0"),
    "recursion limit": (
        "import sys\ndef f():\n    sys.setrecursionlimit(60)\n    return 1",
        "def f(n=0):\n    return n if n == 900 else f(n + 1)",
    ),
    "a tracer": (
        "import sys\ndef spy(*_):\n    print('seen')\n    return spy\n"
        "def f():\n    sys.settrace(spy)\n    sys.setprofile(spy)\n    return 1",
        "def f():\n    x = 1\n    return x",
    ),
    "environment": ("import os\ndef f():\n    os.environ['LEAK'] = os.environ['PATH'] = 'x'\n    return 1", OS_LOOK),
    "working folder": ("import os\ndef f():\n    os.chdir('/')\n    return 1", OS_LOOK),
    "files": ("def f():\n    open('leak', 'w').close()\n    return 1", OS_LOOK),
    "umask": ("import os\ndef f():\n    os.umask(0)\n    return 1", OS_LOOK),
    "an attribute of a library class": (
        "from fractions import Fraction\ndef f():\n    Fraction.__repr__ = lambda x: 'no'\n    return 1",
        "from fractions import Fraction\ndef f():\n    return repr(Fraction(1, 2))",
    ),
    "an attribute of a class": (
        "class A:\n    n = 1\ndef f():\n    A.n = 2\n    return A.n",
        "class A:\n    n = 1\ndef f():\n    return A.n",
    ),
    "globals": (
        "leak = 1\ndef f():\n    global more\n    more = 2\n    return 1",
        "def f():\n    return 'leak' in globals() or 'more' in globals()",
    ),
    "globals by name": ("def f():\n    globals()['print'] = 1\n    return 1", "def f():\n    return print()"),
    "stdout": ("import sys\ndef f():\n    sys.stdout = None\n    return 1", "def f():\n    print('here')\n    return 1"),
    "stdout closed": ("import sys\ndef f():\n    sys.stdout.close()\n    return 1", "def f():\n    print('here')\n    return 1"),
    "stdin": ("import sys, io\ndef f():\n    sys.stdin = io.StringIO('x')\n    return input()", "def f():\n    return input()"),
    "a thread that goes on": (
        "import threading, time\ndef g():\n    while True:\n        print('x')\n        time.sleep(0)\n"
        "def f():\n    threading.Thread(target=g, daemon=True).start()\n    return 1",
        "def f():\n    return sum(range(10**6))",
    ),
    "signal handlers": (
        "import signal\ndef f():\n    signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n    return 1",
        "import signal\ndef f():\n    return signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL",
    ),
    "digits limit": (
        "import sys\ndef f():\n    sys.set_int_max_str_digits(0)\n    return 1",
        "def f():\n    return len(str(10**5000))",
    ),
    "decimal context": (
        "import decimal\ndef f():\n    decimal.getcontext().prec = 2\n    return 1",
        "import decimal\ndef f():\n    return str(decimal.Decimal(1) / 3)",
    ),
    "garbage collector": ("import gc\ndef f():\n    gc.disable()\n    return 1", "import gc\ndef f():\n    return gc.isenabled()"),
    "a generator that is open": (
        "def g():\n    try:\n        yield\n    finally:\n        print('late')\ndef f():\n    x = g()\n    next(x)\n    return 1",
        "def f():\n    return len([[] for _ in range(10**5)])",
    ),
    "an object with a farewell": (
        "class A:\n    def __del__(self):\n        print('late')\ndef f():\n    a = A()\n    return 1",
        "def f():\n    return len([[] for _ in range(10**5)])",
    ),
    "a fork": ("import os\ndef f():\n    os.fork()\n    return 1", "def f():\n    return 2"),
    "a generator in a cycle, with output": (
        "def g(l):\n    try:\n        yield\n    finally:\n        print('late')\n"
        "def f():\n    l = []\n    l.append(g(l))\n    next(l[0])\n    return 1",
        LATE,
    ),
    "a generator in a cycle, that hangs": (
        "def g(l):\n    try:\n        yield\n    finally:\n        while True: pass\n"
        "def f():\n    l = []\n    l.append(g(l))\n    next(l[0])\n    return 1",
        LATE,
    ),
    "a farewell in a cycle": (
        "class A:\n    def __del__(self):\n        print('late')\ndef f():\n    a = A()\n    a.me = a\n    return 1",
        LATE,
    ),
    "memory in a cycle": (
        "def f():\n    x = [0] * 8_000_000\n    x.append(x)\n    return 1",
        "def f():\n    return len([0] * 8_000_000)",
    ),
    "an import by a subscript": (
        "names = locals()\ndef f():\n    math = names['__builtins__']['__import__']('math')\n    math.pi = 3\n    return math.pi",
        "names = locals()\ndef f():\n    return names['__builtins__']['__import__']('math').pi",
    ),
    "a pattern that reads __self__": (
        "def f():\n    match print:\n        case object(__self__=module):\n            module.repr = lambda x: '7'\n            return 1",
        "def f():\n    return 2.5",
    ),
    "frames above a generator": (
        "def f():\n    def gen():\n        yield g.gi_frame.f_back\n    g = gen()\n    frame = next(g)\n"
        "    while frame is not None:\n"
        "        if 'value_of' in frame.f_globals:\n            frame.f_globals['value_of'] = None\n"
        "        frame = frame.f_back\n    return 1",
        ONE,
    ),
}  # fmt: skip
DID_ITS_WORK = (Outcome.RETURNED, Outcome.TIMED_OUT, Outcome.SANDBOX_ERROR)  # it may have hurt itself


@pytest.mark.parametrize("name", ISOLATED)
def test_the_next_program_does_not_notice(name: str) -> None:
    spoiler, probe = (program(source) for source in ISOLATED[name])
    limits = ev.Limits(timeout=1, memory=100_000_000)
    alone, again = ev.run_many([probe, probe], limits=limits)
    assert alone == again
    spoilt, *after = ev.run_many([spoiler, probe, probe], limits=limits)
    assert spoilt.outcome in DID_ITS_WORK
    assert after == [alone, alone]
    spoilt, *after = ev.run_many([spoiler, probe, probe], limits=limits, workers=2)
    assert after == [alone, alone]


def test_a_program_out_of_memory_takes_nothing_from_the_next() -> None:
    greedy = program("def f():\n    x = []\n    x.append(x)\n    while True:\n        x.append('a' * 10**6)")
    modest = program("def f():\n    return len([0] * 8_000_000)")
    results = list(ev.run_many([greedy, modest, modest], limits=ev.Limits(timeout=5, memory=100_000_000)))
    assert [result.outcome for result in results] == [Outcome.OUT_OF_MEMORY, Outcome.RETURNED, Outcome.RETURNED]


def test_a_program_that_patches_what_we_use_gets_its_result_all_the_same() -> None:
    result = run("import json\ndef f():\n    json.dumps = lambda *_, **__: 'no'\n    return json.dumps(1)")
    assert (result.outcome, text_of(result)) == (Outcome.RETURNED, "'no'")


# ----------------------------------------------------------------------------------------------------------- surroundings


def test_the_surroundings_are_bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXECVERIFY_TEST_SECRET", "x")
    monkeypatch.chdir(tmp_path)
    Path("here").touch()
    source = """
        import os, sys, tempfile
        def f():
            try:
                input()
            except EOFError:
                empty = True
            return dict(os.environ), os.listdir(), sys.stdin.read(), empty, os.getcwd(), sys.argv[1:]
    """
    result = run(source)
    assert result.value is not None and result.value.text is not None
    found: Any = ev.parse_literal(result.value.text)
    environment, files, stdin, empty, folder, arguments = found
    assert (environment, files, stdin, empty, arguments) == ({}, [], "", True, [])
    assert Path(folder).name.isdigit() and Path(folder).parent.name.startswith("execverify-")
    assert in_time(lambda: not Path(folder).exists()), "a program's folder goes with it"


def test_the_working_folder_can_be_written_to() -> None:
    source = (
        "import os\ndef f():\n    open('a', 'w').write('x')\n    os.mkdir('b')\n    return sorted(os.listdir()), open('a').read()"
    )
    assert text_of(run(source)) == "(['a', 'b'], 'x')"


def test_no_descriptor_of_the_caller_is_there(tmp_path: Path, box: Sandbox) -> None:
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        source = """
            import os
            def f():
                links = [f"/proc/self/fd/{n}" for n in range(64)]
                return [os.readlink(link) for link in links if os.path.exists(link)]
        """
        reply = box.run(job(source))
    links = ev.parse_literal(reply["value"][1])
    assert isinstance(links, list)
    kinds = [link.split(":")[0].rpartition("/")[2] for link in links]
    assert kinds[:3] == ["null"] * 3 and sorted(kinds[3:]) == ["socket", "statm"]


@contextlib.contextmanager
def listener(family: int, address: Any) -> Iterator[socket.socket]:
    with socket.socket(family) as listening:
        listening.bind(address)
        listening.listen()
        listening.setblocking(False)
        yield listening


@pytest.mark.parametrize(
    "how", ["socket.create_connection(address)", "socket.socket().connect(address)", "urllib.request.urlopen(url)"]
)
def test_a_program_cannot_reach_the_network(how: str) -> None:
    with listener(socket.AF_INET, ("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        socket.create_connection((host, port)).close()  # it does listen
        listening.accept()[0].close()
        source = f"import socket, urllib.request\naddress = {host, port}\nurl = 'http://{host}:{port}/'\ndef f():\n    {how}"
        result = run(source, timeout=5)
        assert (result.outcome, result.error) in ((Outcome.RAISED, "PermissionError"), (Outcome.RAISED, "URLError")), result
        assert "Operation not permitted" in result.detail
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_program_cannot_reach_a_unix_socket(tmp_path: Path) -> None:
    address = str(tmp_path / "s")
    with listener(socket.AF_UNIX, address) as listening:
        for how in ("socket.socket(socket.AF_UNIX).connect(address)", "socket.socketpair()[0].connect(address)"):
            result = run(f"import socket\naddress = {address!r}\ndef f():\n    {how}")
            assert result.outcome == Outcome.RAISED, result
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize(
    "how",
    [
        "subprocess.run(['touch', marker])",
        "os.system('touch ' + marker)",
        "os.execv('/usr/bin/touch', ['touch', marker])",
        "os.posix_spawn('/usr/bin/touch', ['touch', marker], {})",
        "os.popen('touch ' + marker).read()",
        "ctypes.CDLL(None).system(('touch ' + marker).encode())",
    ],
)
def test_a_program_cannot_start_another(tmp_path: Path, how: str) -> None:
    marker = tmp_path / "marker"
    run(f"import os, subprocess, ctypes\nmarker = {str(marker)!r}\ndef f():\n    {how}", timeout=5)
    assert not marker.exists()


def test_a_death_leaves_no_core(tmp_path: Path) -> None:
    source = "import os, resource\ndef f():\n    return resource.getrlimit(resource.RLIMIT_CORE)"
    assert text_of(run(source)) == "(0, 0)"


def test_the_layers_of_confinement_are_reported(box: Sandbox) -> None:
    assert box.layers == {}
    box.run(job(ONE))
    assert set(box.layers) >= {"core dumps", "open files", "no new privileges", "system call filter"}
    assert all(box.layers.values())


def test_the_caller_is_untouched(box: Sandbox) -> None:
    before = caller_state()
    source = """
        import builtins, os, random, signal, sys, math
        def f():
            os.chdir("/"); os.environ["LEAK"] = "1"; os.umask(0); random.seed(1); sys.setrecursionlimit(50_000)
            builtins.len = None; math.pi = 3; sys.modules["fake"] = math; signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            sys.path.append("/leak"); sys.stdout = None; sys.settrace(lambda *_: None); os.nice(1)
            return 1
    """
    assert box.run(job(source))["outcome"] == Outcome.RETURNED
    box.close()
    assert caller_state() == before


def caller_state() -> tuple[Any, ...]:
    mask = os.umask(0o22)
    os.umask(mask)
    handlers = [signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE)]
    state = (Path.cwd(), dict(os.environ), mask, random.getstate(), sys.getrecursionlimit(), list(sys.path), math.pi)
    return (*state, handlers, sys.stdout, sys.gettrace(), os.nice(0), len([1]), "fake" in sys.modules)


# ------------------------------------------------------------------------------------- threads, forks, spawns, lost processes


def test_many_threads_may_run_programs_at_once(box: Sandbox) -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        for n in range(20):
            odd = {3: SPIN, 7: EXIT}.get(n + number % 3)
            source = odd or f"def f():\n    return {number * 100 + n}"
            reply = box.run(job(source, timeout=5 if odd is None else 0.1))
            expected = str(number * 100 + n) if odd is None else None
            if (reply["value"][1] if "value" in reply else None) != expected:
                wrong.append((number, n, reply))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def run_there(queue: Any, number: int) -> None:
    """In another process: runs a program, and says what came of it and whose forkserver did it."""
    result = ev.run(ev.Program("def f(n):\n    return n + 1", "f", str(number)))
    queue.put((text_of(result), forkserver_of(sandbox())))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_of_ours_runs_programs_too(method: str) -> None:
    assert text_of(run(ONE)) == "1"
    ours = forkserver_of(sandbox())
    context: Any = multiprocessing.get_context(method)
    queue = context.Queue()
    children = [context.Process(target=run_there, args=(queue, number)) for number in range(3)]
    for child in children:
        child.start()
    answers = [queue.get(timeout=30) for _ in children]
    for child in children:
        child.join(30)
    queue.close()
    assert sorted(text for text, _ in answers) == ["1", "2", "3"]
    forkservers = {pid for _, pid in answers}
    assert len(forkservers) == 3 and ours not in forkservers
    assert text_of(run(ONE)) == "1" and forkserver_of(sandbox()) == ours
    assert in_time(lambda: all(map(gone, forkservers)))


def forked(target: Callable[..., None], *arguments: object) -> Any:
    """A forked copy of this process that does something and ends."""
    child = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    child.start()
    return child


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_may_happen_while_a_thread_is_in_the_sandbox(box: Sandbox) -> None:
    def work(inbox: Any) -> None:
        inbox.send(box.run(job(ONE))["outcome"])

    box.run(job(ONE))
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        with box._lock:  # as a thread does that starts a worker at this moment
            child = forked(work, theirs)
        answered = ours.poll(20)
        child.kill()
        child.join()
        assert answered and ours.recv() == Outcome.RETURNED
    assert box.run(job(ONE))["outcome"] == Outcome.RETURNED


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_closing_does_not_wait_for_forked_copies(box: Sandbox) -> None:
    box.run(job(ONE))
    forkserver = forkserver_of(box)
    child = forked(time.sleep, 60)
    began = time.monotonic()
    box.close()
    assert time.monotonic() - began < 4 and gone(forkserver)
    child.kill()
    child.join()


def forkserver_of(box: Sandbox) -> int:
    assert box._forkserver is not None
    return box._forkserver.process.pid


def workers_of(box: Sandbox) -> set[int]:
    """The forkserver's children, but for the init of its namespace of processes."""
    assert box._forkserver is not None
    return children_of(forkserver_of(box)) - {box._forkserver.init or 0}


def end_forkserver(box: Sandbox) -> int:
    """Kills the sandbox's own forkserver, a child of this process, and waits until it is dead."""
    pid = forkserver_of(box)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def test_a_lost_forkserver_is_replaced(box: Sandbox) -> None:
    assert box.run(job(ONE))["outcome"] == Outcome.RETURNED
    workers = workers_of(box)
    lost = end_forkserver(box)
    assert box.run(job(ONE))["outcome"] == Outcome.RETURNED
    assert forkserver_of(box) != lost and in_time(lambda: all(map(gone, workers)))


def test_a_forkserver_lost_during_a_run_is_not_held_against_the_program(box: Sandbox) -> None:
    assert box.run(job(ONE))["outcome"] == Outcome.RETURNED, "a worker waits"

    def jobs() -> Iterator[Job]:
        yield job("def f():\n    for _ in range(10**7):\n        pass", timeout=10)
        end_forkserver(box)
        yield job(ONE)

    outcomes = [reply["outcome"] for reply in box.run_many(jobs())]
    assert outcomes[1] == Outcome.RETURNED
    assert outcomes[0] in (Outcome.SANDBOX_ERROR, Outcome.RETURNED)


def test_a_program_leaves_no_process_behind(box: Sandbox) -> None:
    source = """
        import os, time
        def f():
            ready, done = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.setsid()
                os.write(done, b"x")
                time.sleep(20)
                os._exit(0)
            os.read(ready, 1)
            time.sleep(0.3)
            return pid
    """
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(box.run(job(source, timeout=10))))
    thread.start()
    grandchildren: set[int] = set()

    def hidden() -> bool:
        if box._forkserver is not None:
            grandchildren.update(*map(children_of, workers_of(box)))
        return bool(grandchildren)

    assert in_time(hidden)
    thread.join()
    assert answers[0]["outcome"] == Outcome.RETURNED
    assert in_time(lambda: all(map(gone, grandchildren)), 0.5)


# ----------------------------------------------------------------------------------------------------- nothing stays behind


def children_of(pid: int) -> set[int]:
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if int(parent) == pid:
                    found.add(int(folder.name))
                    assert state != "Z", f"{folder.name} is a zombie"
    return found


def gone(pid: int) -> bool:
    """Whether a process has ended; one whose new parent has yet to look after it counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def in_time(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something becomes true soon."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(0.01)
    return True


def descriptors() -> set[str]:
    return {link.name for link in Path("/proc/self/fd").iterdir() if link.exists()}


def resident(pid: int | str = "self") -> int:
    """Resident memory in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_closing_leaves_nothing() -> None:
    before, processes = descriptors(), children_of(os.getpid())
    box = Sandbox()
    for _ in range(2):
        list(box.run_many([job(ONE), job(SPIN, timeout=0.05), job(EXIT), job(ONE)], workers=3))
        forkserver = forkserver_of(box)
        assert box._forkserver is not None
        folder, workers = Path(box._forkserver.root), workers_of(box)
        assert workers and folder.is_dir() and descriptors() > before
        box.close()
        assert (descriptors(), children_of(os.getpid())) == (before, processes)
        assert not folder.exists() and not any(Path(f"/proc/{pid}").exists() for pid in (forkserver, *workers))
        box.close()  # and closing again does nothing


def test_a_sandbox_that_was_never_used_starts_nothing() -> None:
    before = descriptors(), children_of(os.getpid())
    with Sandbox() as box:
        assert box._forkserver is None
    assert (descriptors(), children_of(os.getpid())) == before


@pytest.mark.parametrize("workers", [1, 3])
def test_a_batch_that_is_abandoned_leaves_nothing_running(box: Sandbox, workers: int) -> None:
    box.run(job(ONE))
    before = descriptors()
    for _ in range(3):
        replies = box.run_many([job(ONE), *[job(SPIN, timeout=60)] * 10], workers)
        assert next(replies)["outcome"] == Outcome.RETURNED
        replies.close()  # type: ignore[attr-defined]
    assert len(workers_of(box)) <= 1 and len(descriptors()) <= len(before)
    assert box.run(job(ONE))["outcome"] == Outcome.RETURNED


LEAVING = """
import os, pathlib, signal, sys, threading, time
import execverify as ev
from execverify.sandbox.run import sandbox
ev.run(ev.Program("def f(): return 1"))
busy = ev.Program("def f():\\n    while True: pass")
if {busy}:
    hang = lambda: ev.run(busy, limits=ev.Limits(timeout=60))
    threading.Thread(target=hang, daemon=True).start()
    while sandbox()._idle:
        time.sleep(0.01)
forkserver = sandbox()._forkserver
workers = pathlib.Path(f"/proc/{{forkserver.process.pid}}/task/{{forkserver.process.pid}}/children").read_text()
print(forkserver.root, forkserver.process.pid, workers, flush=True)
{ending}
"""


KILL_ITSELF = "os.kill(os.getpid(), signal.SIGKILL)"
ENDINGS = [
    *((ending, False) for ending in ("pass", "sys.exit(3)", "1 / 0", "os._exit(0)", KILL_ITSELF)),
    ("pass", True),
    (KILL_ITSELF, True),
]


@pytest.mark.parametrize(("ending", "busy"), ENDINGS)
def test_the_end_of_the_interpreter_leaves_nothing(ending: str, busy: bool) -> None:
    code = LEAVING.format(busy=busy, ending=ending)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    folder, *pids = done.stdout.split()
    assert len(pids) >= 2, done  # the forkserver, its worker, and the init of its namespace where there is one
    assert in_time(lambda: all(gone(int(pid)) for pid in pids) and not Path(folder).exists())


def strain(box: Sandbox, source: str, count: int, timeout: float, outcome: Outcome) -> tuple[int, int]:
    """Runs a bad program many times; how many bytes the caller and the forkserver grew by. Nothing else may grow at all."""
    for _ in range(5):
        box.run(job(source, timeout=timeout))
    assert box._forkserver is not None
    forkserver, folder = forkserver_of(box), Path(box._forkserver.root)
    before = descriptors()
    ours, theirs = resident(), resident(forkserver)
    for _ in range(count):
        assert box.run(job(source, timeout=timeout))["outcome"] == outcome
    assert forkserver_of(box) == forkserver
    assert descriptors() == before and workers_of(box) == set()
    assert in_time(lambda: not list(folder.iterdir()))
    return resident() - ours, resident(forkserver) - theirs


@pytest.mark.parametrize(("source", "outcome"), [(SPIN, Outcome.TIMED_OUT), (EXIT, Outcome.CRASHED)], ids=["timeouts", "deaths"])
def test_sixty_bad_programs_leave_nothing(box: Sandbox, source: str, outcome: Outcome) -> None:
    caller, forkserver = strain(box, source, 60, 0.02 if outcome == Outcome.TIMED_OUT else 5, outcome)
    assert caller < 4_000_000 and forkserver < 1_000_000


def assert_no_growth(box: Sandbox, source: str, count: int, timeout: float, outcome: Outcome, note: Callable[..., None]) -> None:
    began = time.monotonic()
    caller, forkserver = strain(box, source, count, timeout, outcome)
    seconds = round(time.monotonic() - began, 1)
    note("figures", {"runs": count, "seconds": seconds, "caller grew by": caller, "forkserver grew by": forkserver})
    print(
        f"{count} x {outcome}: {seconds} s, caller +{caller} bytes ({resident()}), "
        f"fork server +{forkserver} bytes ({resident(forkserver_of(box))})"
    )
    assert caller < 4_000_000 and forkserver < 1_000_000


@pytest.mark.slow
def test_a_thousand_timeouts_leave_nothing(box: Sandbox, record_property: Callable[..., None]) -> None:
    assert_no_growth(box, SPIN, 1_000, 0.02, Outcome.TIMED_OUT, record_property)


@pytest.mark.slow
def test_two_thousand_deaths_leave_nothing(box: Sandbox, record_property: Callable[..., None]) -> None:
    assert_no_growth(box, EXIT, 2_000, 5, Outcome.CRASHED, record_property)
