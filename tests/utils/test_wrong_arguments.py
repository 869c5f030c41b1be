"""What is wrong with the arguments of a public function is said in one line that tells what to give."""

from collections.abc import Callable

import pytest

import execverify as ev

PROGRAM = ev.Program("def f(n):\n    return n", arguments="3")
TRACE = ev.trace(PROGRAM)
SOURCE = "def f(n): return n"

WRONG: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "trace of text": (lambda: ev.trace(SOURCE), ev.ExecVerifyError, "takes a Program, not text"),  # type: ignore[arg-type]
    "run of text": (lambda: ev.run(SOURCE), ev.ExecVerifyError, "takes a Program, not text"),  # type: ignore[arg-type]
    "traces of text": (lambda: list(ev.trace_many(SOURCE)), ev.ExecVerifyError, "takes Programs, not text"),  # type: ignore[arg-type]
    "traces of one": (lambda: list(ev.trace_many(PROGRAM)), ev.ExecVerifyError, "takes Programs, not Program"),  # type: ignore[arg-type]
    "runs of one": (lambda: list(ev.run_many(PROGRAM)), ev.ExecVerifyError, "takes Programs, not Program"),  # type: ignore[arg-type]
    "questions of a program": (lambda: ev.ask(PROGRAM), ev.ExecVerifyError, "takes a Trace, not Program"),  # type: ignore[arg-type]
    "a limit in text": (lambda: ev.ask(TRACE, limit="5"), ev.ExecVerifyError, "the limit must be a whole number"),  # type: ignore[arg-type]
    "a task of a program": (lambda: ev.task(PROGRAM), ev.ExecVerifyError, "takes a Trace, not Program"),  # type: ignore[arg-type]
    "a score of text": (lambda: ev.score("x", "y"), ev.ExecVerifyError, "takes a Task, not text"),  # type: ignore[arg-type]
    "a row of text": (lambda: ev.to_row("x"), ev.ExecVerifyError, "takes a Task, not text"),  # type: ignore[arg-type]
    "a task of text": (lambda: ev.from_row("x"), ev.ExecVerifyError, "give a row as a dict"),  # type: ignore[arg-type]
    "a level alone": (lambda: ev.generate_tasks(1, levels=1), ev.ExecVerifyError, "takes levels such as"),  # type: ignore[arg-type]
    "levels in texts": (lambda: ev.generate_tasks(1, levels=["1"]), ev.ExecVerifyError, "there is no level '1'"),  # type: ignore[list-item]
    "levels out of range": (lambda: ev.generate_tasks(1, levels="1-9"), ev.ExecVerifyError, "there is no level 9"),
    "a size in text": (lambda: ev.generate_tasks("1"), ev.ExecVerifyError, "size must be a whole number"),  # type: ignore[arg-type]
    "a seed in text": (lambda: ev.generate_tasks(1, seed="a"), ev.ExecVerifyError, "seed must be a whole number"),  # type: ignore[arg-type]
    "a time in text": (lambda: ev.trace(PROGRAM, timeout="1"), ValueError, "timeout must be a number above 0"),  # type: ignore[arg-type]
    "a literal that is a number": (lambda: ev.parse_literal(3), ev.ExecVerifyError, "is int, and no text"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(case: str) -> None:
    call, kind, said = WRONG[case]
    with pytest.raises(kind) as caught:
        call()
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_meant_is_taken() -> None:
    """Levels, kinds and types as the command line has them, and a completion as chat messages."""
    assert ev.ask(TRACE, kinds="next_statement,variable_state") == ev.ask(TRACE)
    ranged = [task.id for task in ev.generate_tasks(2, levels="1-2", kinds="white_box", value_types="int,str,bool,list,tuple")]
    assert ranged == [
        task.id
        for task in ev.generate_tasks(2, levels=[1, 2], kinds=("white_box",), value_types=("int", "str", "bool", "list", "tuple"))
    ]
    task = ev.task(TRACE)
    assert ev.score(task, [{"role": "assistant", "content": task.gold}]).reward == 2.0  # type: ignore[arg-type]
