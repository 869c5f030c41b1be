"""Installed modules that programs may import when they are named: which can be imported then, and what can be read."""

import json
from pathlib import Path

import pytest

import execverify as ev
from execverify.errors import EvaluationError, SandboxError
from execverify.evaluation import evaluate
from execverify.sandbox import Candidate, run_candidates
from execverify.sandbox.isolation import LANDLOCK
from execverify.sandbox.run import call_many
from execverify.sandbox.sandbox import sandbox_for
from execverify.tracing.expressions import expressions_many
from tests.helpers.command import run

TRY = """\
import sys

def tried(path):
    try:
        with open(path) as file:
            return len(file.read())
    except OSError as error:
        return type(error).__name__

def loaded(name):
    try:
        return __import__(name).__name__
    except ImportError:
        return 'no'

def f(folder):
    import pocket.late
    import alone
    read = [tried(folder + name) for name in ('/pocket/late.py', '/alone.py', '/beside.py', '/secret.txt', '/pocket2/__init__.py')]
    return pocket.late.VALUE, alone.VALUE, read, [loaded(name) for name in ('beside', 'pocket2', 'json')]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a package, a module, and what lies beside them."""
    for name, text in {
        "pocket/__init__.py": "", "pocket/late.py": "VALUE = 1\n", "alone.py": "VALUE = 2\n", "beside.py": "VALUE = 3\n",
        "pocket2/__init__.py": "", "secret.txt": "secret",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_local_package_grants_its_own_folder_alone(home: Path) -> None:
    program = ev.Program(TRY, "f", repr(str(home)))
    if sandbox_for(()).layers.get(LANDLOCK, "on") != "on":
        pytest.skip("this kernel has no Landlock")
    right = "(1, 2, [10, 10, 'PermissionError', 'PermissionError', 'PermissionError'], ['no', 'no', 'json'])"
    for result in (
        ev.run(program, imports=["pocket", "alone"]),
        next(run_candidates([Candidate(TRY, (program.arguments,), "f")], imports=["pocket", "alone"]))[0],
    ):
        assert result.value is not None and result.value.text == right, result
    refused = ev.trace(program, imports=["pocket", "alone"]).result  # which modules there are is the machine's doing
    assert refused.outcome == "nondeterministic" and "__import__" in refused.detail


def test_without_a_name_nothing_installed_is_there(home: Path) -> None:
    program = ev.Program("import alone\ndef f(n):\n    return alone.VALUE", arguments="1")
    assert ev.run(program).error == ev.trace(program).result.error == "ModuleNotFoundError"
    assert ev.run(program, imports=["pocket"]).error == "ModuleNotFoundError"
    limits = ev.Limits(imports=("alone",))
    trace = ev.trace(program, limits=limits)
    assert [step.line for step in trace.steps] == [3]
    assert [result.value and result.value.text for result in next(call_many([(program, ["1", "2"])], limits=limits))] == [
        "2",
        "2",
    ]
    (details,) = expressions_many([trace], limits=limits)
    assert details.notes


def test_what_is_not_installed_is_said_and_how_to_name_it(home: Path) -> None:
    program = ev.Program("def f(n):\n    return n", arguments="1")
    with pytest.raises(SandboxError, match="pip install nosuch"):
        ev.run(program, imports=["nosuch.inner"])
    for wrong in (lambda: ev.run(program, imports="alone"), lambda: ev.Limits(imports=["alone"])):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="names of modules"):
            wrong()
    with pytest.raises(EvaluationError, match="leave out imports"):
        evaluate("heldout", "mock:gold", limit=1, imports=["alone"])
    with pytest.raises(EvaluationError, match="must be names of modules"):
        evaluate("library-io", "mock:gold", limit=1, imports="alone")


def test_numpy_in_traces_questions_and_rows(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    code = "import numpy as np\n\n\ndef f(xs):\n    total = 0\n    for x in np.cumsum(xs).tolist():\n        total += x\n    return total\n"
    file, rows = tmp_path / "programs.jsonl", tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"id": "a", "code": code, "input": "[1, 2, 3]"}) + "\n")
    evaluated = [{"id": "a", "code": code, "input": "[1, 2, 3]", "output": "10"}]
    (tmp_path / "data.jsonl").write_text(json.dumps(evaluated[0]) + "\n")

    assert json.loads(run("trace", str(file), "--json", "--allow-imports", "numpy").stdout)["result"]["text"] == "10"
    assert "it needs the module 'numpy'" in run("trace", str(file)).stdout
    assert len(json.loads(run("ask", str(file), "--json", "--allow-imports", "math,numpy").stdout)["questions"]) > 3
    made = run("dataset", "from-programs", str(file), "-o", str(rows), "--allow-imports", "numpy")
    assert made.returncode == 0 and len(rows.read_text().splitlines()) == 2, made.stderr
    assert run("dataset", "validate", str(rows), "--allow-imports", "numpy").returncode == 0
    for name in ("cruxeval-o", "cruxeval-i"):
        found = evaluate(name, "mock:gold", data=tmp_path / "data.jsonl", imports=["numpy"]).results
        assert (found["official"]["pass_at_1"], found["strict"]["pass_at_1"]) == (100.0, 100.0)
