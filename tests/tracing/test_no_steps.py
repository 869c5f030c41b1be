"""A call that runs no statement of the program: nothing is asked about it, and no command ends because of it."""

import json
from pathlib import Path

import pytest

import execverify as ev
from execverify.datasets.from_programs import ConversionReport, RowConfig, make_rows
from execverify.programs.records import ProgramRecord
from tests.helpers.command import run

STEPLESS = {
    "async def": "async def f(n):\n    return n",
    "generator": "def f(n):\n    yield n",
    "async generator": "async def f(n):\n    yield n",
    "docstring": "def f(n):\n    '''nothing'''",
    "bare annotation": "def f(n):\n    x: int",
    "global alone": "def f(n):\n    global x",
    "empty try": "def f(n):\n    '''nothing'''\n    x: int\n    global y",
    "lambda": "f = lambda n: n",
    "built-in": "f = abs",
    "partial": "import functools\nf = functools.partial(max, 1)",
    "imported": "from math import factorial as f",
    "type": "f = float",
    "class without an initializer": "class f:\n    def __new__(cls, n): ...\n    __new__ = staticmethod(lambda cls, n: n)",
    "statements that never run": "def g(n):\n    x = n\n    return x\nf = str",
}


@pytest.mark.parametrize("name", STEPLESS)
def test_nothing_is_asked(name: str) -> None:
    trace = ev.trace(ev.Program(STEPLESS[name], arguments="3"))
    assert trace.result.outcome == "returned" and trace.steps == ()
    for limit in (10, 0, None):
        assert ev.ask(trace, limit=limit) == ()
    if trace.result.value is not None and trace.result.value.text is not None:
        with pytest.raises(ev.ExecVerifyError, match="a white-box task needs a run with steps; the call f"):
            ev.task(trace)


def test_rows_go_on_and_count_it() -> None:
    sources = [*STEPLESS.values(), "def f(n):\n    n += 1\n    return n"]
    account = ConversionReport()
    records = [ProgramRecord(source, "f", "3", None, str(at), f"x.jsonl:{at}") for at, source in enumerate(sources)]
    rows = list(make_rows(records, RowConfig(), account))
    assert {row["id"] for row in rows} == {f"{len(STEPLESS)}/white_box", f"{len(STEPLESS)}/input_prediction"}
    reasons = {drop.reason for drop in account.drops}
    assert reasons == {"no step", "the result has no literal"} and len(account.drops) == len(STEPLESS)
    assert any("f(3) runs no statement of the program" in drop.detail for drop in account.drops)


def test_the_commands_go_on(tmp_path: Path) -> None:
    sources = ["f = abs", "def f(n):\n    '''x'''", "def f(n):\n    n += 1\n    return n"]
    file = tmp_path / "programs.jsonl"
    file.write_text("".join(json.dumps({"code": source, "entry_point": "f", "input": "3"}) + "\n" for source in sources))
    made = run("dataset", "from-programs", str(file), "-o", str(tmp_path / "rows.jsonl"))
    assert made.returncode == 0 and "skipped: 2 no step" in made.stderr
    asked = run("ask", str(file), "--json")
    assert asked.returncode == 0, asked.stderr
    counts = [len(json.loads(line)["questions"]) for line in asked.stdout.splitlines()]
    assert counts[:2] == [0, 0] and counts[2] > 0
    traced = run("trace", str(file))
    assert traced.returncode == 0 and "returns 3; int" in traced.stdout


def test_a_byte_order_mark_is_no_part_of_a_program() -> None:
    plain = "def f(n):\n    x = n\n    return x\n"
    program = ev.Program("\ufeff" + plain, arguments="1")
    assert program == ev.Program(plain, arguments="1")
    assert ev.trace(program).steps == ev.trace(ev.Program(plain, arguments="1")).steps
    record = ProgramRecord("\ufeff" + plain, None, "[1] * 2", None, "x", "x")
    (row, _) = make_rows([record], RowConfig(), ConversionReport())
    assert row["program"] == {"source": plain, "entry_point": "f", "arguments": "[1, 1]", "result": "[1, 1]"}
    assert ev.Program("\ufeff\ufeff" + plain, arguments="1") == program  # two files were joined
