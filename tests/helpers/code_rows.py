"""A row of code generation that is written by hand: a function that doubles its argument."""

from collections.abc import Mapping
from typing import Any

RIGHT = "def double(n):\n    return n * 2"


def double_row(tests: Mapping[str, str]) -> dict[str, Any]:
    """The row, with a unit test for each argument and its result."""
    question = {"kind": "unit_test", "line": 0, "visit": 0, "variable": None}
    return {
        "version": 2,
        "id": "p",
        "kind": "code_generation",
        "prompt": [{"role": "user", "content": "double"}],
        "program": {"source": RIGHT, "entry_point": "double", "arguments": "0", "result": "0"},
        "questions": [{**question, "text": text, "answers": [answer]} for text, answer in tests.items()],
        "split": "train",
        "seed": 0,
    }
