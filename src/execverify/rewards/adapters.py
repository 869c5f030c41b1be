"""What an engine's reward worker has to know of a row, as one JSON text; and the row's prompt, checked."""

import json
from collections.abc import Mapping
from typing import Any

from execverify.errors import RowError
from execverify.questions.rows import VERSION, Row, from_row
from execverify.questions.task import CODE_GENERATION, Message
from execverify.rewards.code.unit_tests import UnitTests, parse_tests, tests_of_row

_ROLES = ("system", "user", "assistant")
_CODE_TRUTHS = ("tests", "ground_truth")


def ground_truth(row: Row) -> str:
    """What a completion of a row is judged by, as `compute_score` takes it.

    Args:
        row: of any kind; code generation may have its tests in a column `tests` or `ground_truth`, in any form of `read_tests`.

    Raises:
        RowError: no completion could be judged by it.
    """
    kind = row.get("kind")
    given = [row[name] for name in _CODE_TRUTHS if row.get(name) is not None] if kind == CODE_GENERATION else []
    if given:
        _check(parse_tests(given[0]))
        return given[0] if isinstance(given[0], str) else json.dumps(given[0])
    if kind == CODE_GENERATION:
        _check(tests_of_row(row))  # a row without a solution is no task, and can be judged by
    else:
        from_row(row)
    return json.dumps({"version": VERSION, "kind": kind, "program": row["program"], "questions": row.get("questions")})


def _check(tests: UnitTests) -> None:
    if all(test.unsupported for test in tests.tests):
        raise RowError(f"no completion can be judged by its tests: {tests.tests[0].unsupported}")


def messages_of(row: Row) -> list[Message]:
    """The prompt of a row: chat messages of texts, of which the last one is the user's.

    Raises:
        RowError: it is something else.
    """
    prompt: Any = row.get("prompt")
    messages = list(prompt) if isinstance(prompt, list | tuple) else []
    for message in messages:
        if not isinstance(message, Mapping) or message.get("role") not in _ROLES or not isinstance(message.get("content"), str):
            raise RowError(f"its prompt must be chat messages, each with a role ({', '.join(_ROLES)}) and a text")
    if not messages or messages[-1]["role"] != "user":
        raise RowError("its prompt must end in a message of the user")
    return [{"role": message["role"], "content": message["content"]} for message in messages]
