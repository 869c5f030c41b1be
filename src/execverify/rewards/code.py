"""The one reader of code answers: which code a completion gives, and whether its form is the one that was asked for.

The code is the last fenced block, in Python or without a language, of the *answer*. The answer is what stands in the
completion's last `<answer>...</answer>`; without such a pair behind the reasoning, it is all that follows the reasoning.
Fences are Markdown's: three or more backticks or tildes, indented or not, closed by at least as many of the same.

A block that is not closed reaches to the end of the answer: a completion that was cut is judged by what it has.

A *well-formed* answer (the paper's bonus, section 3, code generation) stands between the tags and holds exactly one such
block, closed, whose code parses, does something, and defines what the tests call. So the bonus has to be earned: an
empty block, prose in a fence or `pass` get nothing. Nothing here runs the code.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from execverify.errors import ProgramError
from execverify.programs.program import MAX_SOURCE, module_names, parse_source
from execverify.questions.question import CLOSE, OPEN

MAX_CODE = MAX_SOURCE
"""Longest code that is read, in characters."""

_LANGUAGES = frozenset({"", "python", "python3", "py", "py3"})
_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([^\r\n]*)")
_REASONING = (("<think>", "</think>"), ("<reasoning>", "</reasoning>"))


@dataclass(frozen=True, slots=True)
class Code:
    """The code of a completion.

    Attributes:
        source: the code, each line with its newline; None where the completion gives none.
        entry_point: what of it the tests call; a method of its class `Solution` where they call a function by that name
            and it defines no such function (LeetCode's way).
        well_formed: whether the answer has the form that earns the bonus.
        why: why there is no code, or why the form earns nothing; empty where the answer is well-formed.
    """

    source: str | None
    entry_point: str | None = None
    well_formed: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Block:
    source: str
    closed: bool


def read_code(completion: str, entry_point: str | None = None) -> Code:
    """The code in a completion.

    Args:
        completion: a model's text.
        entry_point: what the tests call, `f` or `Solution.f`; a well-formed answer defines it. None: a whole program.
    """
    if not isinstance(completion, str):
        return Code(None, why="the completion is not text")
    inside, tagged = _answer(completion)
    if inside is None:
        return Code(None, why="the reasoning does not end, so there is no answer")
    blocks = list(_blocks(inside))
    if not blocks:
        return Code(None, why="the answer has no block of Python code")
    last = blocks[-1]
    if len(last.source) > MAX_CODE:
        return Code(None, why=f"the code is longer than {MAX_CODE} characters")
    try:
        tree = parse_source(last.source)
    except ProgramError as error:
        return Code(last.source, entry_point, why=str(error) if last.closed else "the block is not closed")
    entry_point = _method(tree, entry_point)
    why = _why_not_well_formed(tree, blocks, tagged, entry_point)
    return Code(last.source, entry_point, not why, why)


def _answer(completion: str) -> tuple[str | None, bool]:
    """The text of the answer, and whether tags stand around it; None where the completion is all reasoning."""
    reasoned = max(completion.rfind(close) + len(close) if close in completion else 0 for _, close in _REASONING)
    end = completion.rfind(CLOSE)
    start = completion.rfind(OPEN, 0, end) if end >= reasoned else -1
    if start >= 0:
        return completion[start + len(OPEN) : end], True
    for opening, close in _REASONING:
        if completion.rfind(opening) > completion.rfind(close):
            return None, False
    rest = completion[reasoned:]
    return rest.rpartition(OPEN)[2], False


def _blocks(text: str) -> Iterator[_Block]:
    """The fenced blocks in Python or without a language, in order; the last one may not be closed."""
    opening: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        fence = _FENCE.fullmatch(line)
        if opening is None:
            if fence is not None and not (fence[2][0] == "`" and "`" in fence[3]):
                opening, lines = fence, []
        elif fence is not None and _closes(fence, opening):
            if _is_python(opening):
                yield _Block("".join(lines), True)
            opening = None
        else:
            lines.append(_without_indent(line, opening[1]) + "\n")
    if opening is not None and _is_python(opening):
        yield _Block("".join(lines), False)


def _is_python(opening: re.Match[str]) -> bool:
    words = opening[3].split(maxsplit=1)
    return (words[0].lower() if words else "") in _LANGUAGES


def _closes(fence: re.Match[str], opening: re.Match[str]) -> bool:
    """As in Markdown, a fence that stands four blanks further in than the opening one, in a docstring say, is code."""
    return not fence[3] and fence[2].startswith(opening[2]) and len(fence[1]) < len(opening[1]) + 4


def _without_indent(line: str, indent: str) -> str:
    """A line of a block without as much of its indent as the block's fence has."""
    blanks = len(line) - len(line.lstrip(" \t"))
    return line[min(blanks, len(indent)) :]


def _method(tree: ast.Module, entry_point: str | None) -> str | None:
    """What to call for a name: the function, or the method of that name of the code's class `Solution`."""
    if entry_point is None or "." in entry_point or entry_point in module_names(tree):
        return entry_point
    methods = {
        part.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "Solution"
        for part in node.body
        if isinstance(part, ast.FunctionDef)
    }
    return f"Solution.{entry_point}" if entry_point in methods else entry_point


def sole_function(source: str) -> str | None:
    """The one public method of the code's class `Solution`, or else its one public function; None where that is not one."""
    try:
        tree = parse_source(source)
    except ProgramError:
        return None
    for body, prefix in ((next((node.body for node in tree.body if _is_solution(node)), []), "Solution."), (tree.body, "")):
        names = [node.name for node in body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
        if len(names) == 1:
            return prefix + names[0]
    return None


def _is_solution(node: ast.stmt) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef) and node.name == "Solution"


def _why_not_well_formed(tree: ast.Module, blocks: list[_Block], tagged: bool, entry_point: str | None) -> str:
    if not blocks[-1].closed:
        return "the block is not closed"
    if not tagged:
        return f"the code does not stand between {OPEN} and {CLOSE}"
    if len(blocks) > 1:
        return f"the answer has {len(blocks)} blocks of code, not one"
    if all(isinstance(node, ast.Pass) or _is_constant(node) for node in tree.body):
        return "the block is empty"
    name = entry_point and entry_point.partition(".")[0]
    if name and name not in module_names(tree):
        return f"the code does not define {name!r}"
    return ""


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
