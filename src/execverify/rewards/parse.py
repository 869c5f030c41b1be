"""The one parser of completions: what a model wrote, taken apart and read, never run.

The answer is what stands in the completion's last `<answer>...</answer>`: the whole assertion on its first line, then one
line a question. A line that cannot be read costs that question alone.

What models put around a line is taken away: blanks (also no-break and zero-width ones), the backticks of a line that is
wholly in backticks. Empty lines and code fences are passed over. So there is one way to read a text, and nothing is tried.
"""

import ast
import re
from dataclasses import dataclass
from typing import Any

from execverify.errors import LiteralError
from execverify.programs.literals import literal_of, parse_untrusted
from execverify.programs.program import call_values
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN, BLANKS

MAX_ANSWER = 200_000
"""Longest answer that is read, in characters: what is written into one completion must not hold up a training step."""


_IN_BACKTICKS = re.compile(r"(`{1,2})([^`]+)\1")  # three are a fence
_FENCE = re.compile(r"`{3,}.*|~{3,}[ \t]*(?:\{?\.?(?:py|python)[\w.]*\}?|text|txt|plaintext|output)?[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """A completion's answer, cut into lines.

    Attributes:
        assertion: the first line; None where there is none.
        question_lines: the lines after it.
        reason: why there is no answer at all; empty where there is one.
    """

    assertion: str | None
    question_lines: tuple[str, ...] = ()
    reason: str = ""


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


def parse_answer(completion: str) -> ParsedAnswer:
    """The answer in a completion; its lines as `tidy` has them, empty lines and code fences left out."""
    if not isinstance(completion, str):
        return ParsedAnswer(None, reason="the completion is not text")
    end = completion.rfind(ANSWER_CLOSE)
    if end < 0:
        return ParsedAnswer(None, reason=f"there is no {ANSWER_CLOSE}")
    start = completion.rfind(ANSWER_OPEN, 0, end)
    if start < 0:
        return ParsedAnswer(None, reason=f"there is no {ANSWER_OPEN}")
    inside = completion[start + len(ANSWER_OPEN) : end]
    if len(inside) > MAX_ANSWER:
        return ParsedAnswer(None, reason=f"the answer is longer than {MAX_ANSWER} characters")
    lines = [line for line in map(tidy, inside.split("\n")) if line and not is_fence(line)]
    if not lines:
        return ParsedAnswer(None, reason="the answer is empty")
    return ParsedAnswer(lines[0], tuple(lines[1:]))


def parse_input_answer(completion: str) -> ParsedAnswer:
    """The answer in a completion to an input prediction: its first line, or the assertion of a whole test case.

    A test case is Python that holds the function and, as its last statement, the one assertion. The function is not read: the assertion
    is judged by our copy of it.
    """
    answer = parse_answer(completion)
    if answer.assertion is None or answer.assertion.startswith("assert"):
        return answer
    inside = completion[: completion.rfind(ANSWER_CLOSE)].rpartition(ANSWER_OPEN)[2]
    code = "\n".join(line for line in inside.split("\n") if not is_fence(line.strip(BLANKS)))
    try:
        return ParsedAnswer(assertion_of_test(code))
    except LiteralError:
        return answer


def assertion_of_test(code: str) -> str:
    """The assertion of a test case: source that holds functions, classes and imports, then one assertion.

    Raises:
        LiteralError: the code is something else.
    """
    tree = parse_untrusted(code, "exec")
    assert isinstance(tree, ast.Module)
    *definitions, last = tree.body or [ast.Pass()]
    if not isinstance(last, ast.Assert):
        raise LiteralError("does not end in an assertion")
    if not any(isinstance(node, ast.FunctionDef) for node in definitions):
        raise LiteralError("holds no function")
    if not all(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom) for node in definitions):
        raise LiteralError("holds more than definitions and one assertion")
    return ast.unparse(last) if last.end_lineno != last.lineno else (ast.get_source_segment(code, last) or "")


def tidy(line: str) -> str:
    """A line without the blanks around it, and without its backticks where it is wholly in backticks."""
    line = line.strip(BLANKS)
    if line[:1] == "`" and (inside := _IN_BACKTICKS.fullmatch(line)) is not None:
        return inside[2].strip(BLANKS)
    return line


def is_fence(line: str) -> bool:
    """Whether a line, without blanks around it, opens or closes a block of code. (`~~~x` is Python, `~~~python` is not.)"""
    return line[:1] in "`~" and _FENCE.fullmatch(line) is not None


def parse_assertion(text: str) -> Assertion:
    """Reads `assert f(<literals>) == <literal>`; raises LiteralError that says what else it is."""
    tree = parse_untrusted(text, "exec")
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
