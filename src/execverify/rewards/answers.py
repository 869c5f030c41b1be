"""The one parser of completions: what a model wrote, taken apart and read, never run.

The answer is what stands in the completion's last `<answer>...</answer>`: the whole assertion on its first line, then one
line a question. A line that cannot be read costs that question alone.
"""

import ast
from dataclasses import dataclass
from typing import Any

from execverify.errors import LiteralError
from execverify.programs.literals import literal_of, parse_quietly
from execverify.programs.program import call_values
from execverify.questions.question import CLOSE, OPEN

MAX_ANSWER = 200_000
"""Longest answer that is read, in characters: what is written into one completion must not hold up a training step."""

_FENCE = "```"
_BLANKS = " \t\r"


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion's answer, cut into lines.

    Attributes:
        assertion: the first line; None where there is none.
        lines: the lines after it.
        why: why there is no answer at all; empty where there is one.
    """

    assertion: str | None
    lines: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Assertion:
    """`assert name(arguments) == literal`, read.

    Attributes:
        name: the function that is called.
        arguments: positional and named values.
        result: the value on the right.
    """

    name: str
    arguments: tuple[tuple[object, ...], dict[str, object]]
    result: object


def completion_text(completion: Any) -> str | None:
    """The text of a completion: itself, or the last message's content; None where it is neither."""
    if isinstance(completion, str):
        return completion
    if isinstance(completion, list | tuple) and completion and isinstance(completion[-1], dict):
        content = completion[-1].get("content")
        if isinstance(content, list):  # a message in parts: its texts count
            parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
            content = "".join(part for part in parts if isinstance(part, str))
        return content if isinstance(content, str) else None
    return None


def read_answer(completion: str) -> Answer:
    """The answer in a completion; its lines without the blanks around them, empty lines and code fences left out."""
    if not isinstance(completion, str):
        return Answer(None, why="the completion is not text")
    end = completion.rfind(CLOSE)
    if end < 0:
        return Answer(None, why=f"there is no {CLOSE}")
    start = completion.rfind(OPEN, 0, end)
    if start < 0:
        return Answer(None, why=f"there is no {OPEN}")
    inside = completion[start + len(OPEN) : end]
    if len(inside) > MAX_ANSWER:
        return Answer(None, why=f"the answer is longer than {MAX_ANSWER} characters")
    lines = [line.strip(_BLANKS) for line in inside.split("\n")]
    lines = [line for line in lines if line and not line.startswith(_FENCE)]
    if not lines:
        return Answer(None, why="the answer is empty")
    return Answer(lines[0], tuple(lines[1:]))


def read_assertion(text: str) -> Assertion:
    """Reads `assert f(<literals>) == <literal>`; raises LiteralError that says what else it is."""
    tree = parse_quietly(text, "exec")
    assert isinstance(tree, ast.Module)
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Assert):
        raise LiteralError("is not one assert statement")
    test, message = tree.body[0].test, tree.body[0].msg
    if message is not None:
        raise LiteralError("has a message after a comma")
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        raise LiteralError("is not one comparison with ==")
    call = test.left
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise LiteralError("has no call of a function on the left")
    try:
        arguments = call_values(call)
    except LiteralError as error:
        raise LiteralError(f"has an argument that {error}") from None
    try:
        result = literal_of(test.comparators[0])
    except LiteralError as error:
        raise LiteralError(f"has on the right what {error}") from None
    return Assertion(call.func.id, arguments, result)
