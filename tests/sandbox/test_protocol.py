"""Whatever a candidate's process sends decides no verdict: every kind of message, with every outcome, at every moment.

The candidate finds the socket of its own process (its own alone: the descriptor is checked to be one) and writes to it what the
judge's processes write. None of its answers is right, so that it must never be paid for a test.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from execverify.rewards import UnitTestConfig, unit_test_scores
from execverify.rewards.trl import UnitTestReward
from execverify.rewards.verl import compute_score
from execverify.sandbox.connections import Connection
from execverify.sandbox.result import Outcome
from execverify.sandbox.sessions import ALLOWED_MESSAGES, CANDIDATE_ROLES, parse_result, read_message

BINARY = UnitTestConfig(binary=True)
FORMS: dict[str, dict[str, Any]] = {
    "call": {"inputs": [[1], [2]], "outputs": [7_001, 7_002], "fn_name": "f"},
    "stdin": {"inputs": ["1\n", "2\n"], "outputs": ["7001\n", "7002\n"]},
    "asserts": {"asserts": ["assert f(1) == 7001", "assert f(2) == 7002"], "entry_point": "f"},
    "setup": {"setup": "def twice(n):\n    return f(n)", "asserts": ["assert twice(1) == 7001", "f(2); assert twice(2) == 7002"]},
    "check": {
        "test": "def check(candidate):\n    assert candidate(1) == 7001\n    assert candidate(2) == 7002",
        "entry_point": "f",
    },
}
MOMENTS = {
    "load": "say()\ndef f(n):\n    return 0",
    "call": "def f(n):\n    say()\n    return 0\nif __name__ == '__main__':\n    f(0)",
    "dying call": "def f(n):\n    say()\n    os.abort()\nif __name__ == '__main__':\n    f(0)",
    "thread": (
        "import threading\ndef f(n):\n    return 0\nthreading.Thread(target=say).start()\n"
        "if __name__ != '__main__':\n    __import__('time').sleep(0.002)"
    ),
    "end": "import atexit\natexit.register(say)\ndef f(n):\n    raise SystemExit\nif __name__ == '__main__':\n    f(0)",
}
KINDS = ("ready", "refused", "loaded", "unloaded", "result", "name", "answer", "call", "passed", "")
SAY = """
import os, stat, struct
MESSAGES = {messages!r}
def say():
    data = b""
    for texts in MESSAGES:
        parts = [struct.pack("!i", -1) if t is None else struct.pack("!i", len(t.encode())) + t.encode() for t in texts]
        data += struct.pack("!I", sum(map(len, parts))) + b"".join(parts)
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.write(fd, data)
        except OSError:
            pass
"""


def messages() -> Iterator[list[tuple[str | None, ...]]]:
    """Alone, and after what an honest process would say first."""
    for kind in KINDS:
        for outcome in (*map(str, Outcome), "held", "right"):
            fields = (outcome, "NoneType", "None", None, "", None, "")
            yield [(kind, *fields)]
            yield [("loaded",), (kind, *fields)]
            yield [(kind, *fields, None, None, "", "true")]
    for kind in KINDS:
        yield [(kind,)]
        yield [("loaded",), ("name", "function", None), (kind, "returned", "bool", "True", None, "", None, "")] * 3


def attacks() -> Iterator[tuple[str, str]]:
    for said in messages():
        for moment, code in MOMENTS.items():
            yield f"{said} at {moment}", SAY.format(messages=said) + code


def answered(code: str) -> str:
    return f"<answer>\n```python\n{code}\n```\n</answer>"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("every", [29, pytest.param(1, marks=pytest.mark.slow)])
def test_no_message_of_a_candidate_is_paid(form: str, every: int) -> None:
    # 29 is prime to the numbers of moments and outcomes; each form begins elsewhere, so that together they have each with each
    given = list(attacks())[list(FORMS).index(form) % every :: every]
    scores = unit_test_scores([(FORMS[form], answered(code)) for _, code in given], workers=2)
    paid = [name for (name, _), score in zip(given, scores, strict=True) if score.reward != 0.05]
    assert not paid, paid[:5]  # 0.05 for the form, no test; and never None, which would take the row out of the batch


@pytest.mark.parametrize("form", FORMS)
def test_nor_by_any_way_to_the_judge(form: str) -> None:
    given = [answered(code) for _, code in attacks()][::37]
    tests = [FORMS[form]] * len(given)
    assert set(UnitTestReward(BINARY)(completions=given, tests=tests)) == {0.05}
    assert {compute_score("execverify/code_generation", text, FORMS[form])["score"] for text in given[:20]} == {0.05}


def test_the_table_lets_no_candidate_say_that_an_assertion_held() -> None:
    for (role, state), allowed in ALLOWED_MESSAGES.items():
        gives = {what for what, outcomes in allowed.items() if "returned" in outcomes}
        if role == "answer":  # what an assertion asks of it are values alone
            assert gives <= {"answer"}, state
            assert "result" not in allowed
        elif role in CANDIDATE_ROLES:
            assert gives <= {"result"}, state
        assert not (role in CANDIDATE_ROLES and any(str(Outcome.SANDBOX_ERROR) in outcomes for outcomes in allowed.values()))
        assert not (role in CANDIDATE_ROLES and any(str(Outcome.UNSUPPORTED) in outcomes for outcomes in allowed.values()))


@pytest.mark.parametrize("place", ALLOWED_MESSAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_table_does_not_have_is_refused(place: tuple[str, str], kind: str) -> None:
    line = Connection.__new__(Connection)
    line.role, line.state = place
    for outcome in Outcome:
        texts = [kind, str(outcome), "NoneType", "None", None, "", None, ""]
        allowed = ALLOWED_MESSAGES[place].get(kind)
        if allowed is None:
            with pytest.raises(ValueError, match="unexpected"):
                read_message(line, texts)
        elif allowed:
            _, fields, outcomes = read_message(line, texts)
            if str(outcome) in allowed:
                assert parse_result(fields, outcomes).outcome == outcome
            else:
                with pytest.raises(ValueError, match="no result"):
                    parse_result(fields, outcomes)
