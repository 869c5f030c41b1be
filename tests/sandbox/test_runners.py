"""Runners: functions that their owners register, and that jobs name. The sandbox itself names no room after it."""

import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import execverify
from execverify.errors import SandboxError
from execverify.sandbox import Job, Limits, Outcome, Runner, Sandbox, register_runner
from execverify.sandbox.job import registered_runners
from execverify.sandbox.run import RUN_CALL, sandbox

PACKAGE = Path(execverify.__file__).parent
TOY = '''
"""A runner of a user's: counts the lines of a program that runs."""
import textwrap


def count_lines(job, context):
    exec(compile(job["source"], "<program>", "exec"), context.namespace)
    return {"outcome": "returned", "lines": len(textwrap.dedent(job["source"]).splitlines()), "offset": job["offset"]}
'''
SOURCE = "a = 1\nb = a\n"


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    (tmp_path / "toy_runner.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    yield Runner("toy_runner", "count_lines")


def test_no_file_of_the_sandbox_names_a_room_after_it() -> None:
    before = {"programs", "sandbox", "utils", "errors"}
    for path in (PACKAGE / "sandbox").rglob("*.py"):
        named = set(re.findall(r"execverify[./](\w+)", path.read_text()))
        assert not (named & {each.stem for each in PACKAGE.iterdir()}) - before, path


def test_a_runner_of_the_callers_works(toy: Runner) -> None:
    jobs = [Job(toy, SOURCE, "", "", extra={"offset": 7}), Job(RUN_CALL, "def f():\n    return 3", "f", "")]
    with Sandbox(runners=[toy]) as box:
        counted, called = box.run_many(jobs, workers=2)
        assert (counted["outcome"], counted["lines"], counted["offset"]) == ("returned", 2, 7)
        assert called["value"] == ["int", "3", None]
        assert pickle.loads(pickle.dumps(box)).runners == box.runners


def test_programs_cannot_import_what_lies_beside_a_runner(toy: Runner, tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("secret = 1")
    with Sandbox(runners=[toy]) as box:
        reply = box.run(Job(RUN_CALL, "def f():\n    import neighbour", "f", "", dedicated_worker=True))
    assert (reply["outcome"], reply["error"]) == ("raised", "ModuleNotFoundError")


def test_an_unregistered_runner_is_refused(toy: Runner) -> None:
    with Sandbox() as box:
        for runner in (toy, Runner("os", "system"), Runner("execverify.sandbox.runners", "describe_exception")):
            reply = box.run(Job(runner, SOURCE, "", ""))
            assert reply["outcome"] == Outcome.SANDBOX_ERROR
            assert f"the sandbox has no runner '{runner.name}': register it before" in reply["detail"]


def test_a_jobs_data_cannot_name_another_runner() -> None:
    job = Job(RUN_CALL, "def f():\n    return 3", "f", "", extra={"runner": "os:system", "source": "def f():\n    return 4"})
    assert sandbox().run(job)["value"] == ["int", "3", None]


def test_sandboxes_for_candidates_have_no_runners(toy: Runner) -> None:
    with Sandbox(untrusted=True) as box:
        assert box.runners == ()
        assert box.run(Job(RUN_CALL, "def f():\n    return 3", "f", ""))["outcome"] == Outcome.SANDBOX_ERROR
    with pytest.raises(ValueError, match="has no runners"):
        Sandbox(untrusted=True, runners=[toy])


def test_this_processs_sandbox_has_every_runner_that_is_registered_by_now(toy: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execverify.sandbox.job._registered", dict.fromkeys(registered_runners()))
    earlier = sandbox()
    assert register_runner(toy.module, toy.function) == toy
    with sandbox() as box:
        assert box is not earlier and box is sandbox()
        assert box.run(Job(toy, SOURCE, "", "", Limits(timeout=5), extra={"offset": 0}))["lines"] == 2


@pytest.mark.parametrize("module", ["__main__", "", "a b", "os; import sys", "a..b"])
def test_what_is_no_module_is_refused(module: str) -> None:
    with pytest.raises(ValueError, match="a runner is a function of an importable module"):
        Runner(module, "run")


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(SandboxError, match="the runner no_such_module:run is in a module that cannot be imported here"):
        Sandbox(runners=[Runner("no_such_module", "run")]).run(Job(RUN_CALL, SOURCE, "", ""))
