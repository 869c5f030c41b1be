"""Puts the usual imports before a program that lacks them, so that it runs as it is shown.

>>> lacking = "def f(words: List[str]):\\n    return Counter(words)['a']"
>>> print(with_imports(lacking))
from typing import List
from collections import Counter
def f(words: List[str]):
    return Counter(words)['a']
>>> print(with_imports("# counts\\n" + lacking).splitlines()[0])
from typing import List; from collections import Counter  # counts

Line numbers are those of the text that comes out. It has as many lines as before where there is room: a blank line, a comment,
a simple statement or a docstring before the first definition. Where a definition stands on the first line there is none, since
Python wants it on a line of its own; then each import gets a line before it.
"""

import ast
import re
from collections.abc import Collection

from execverify.programs.program import parse_source
from execverify.programs.usual_imports import USUAL_IMPORTS, usual_imports

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_HEAD = re.compile(r"#!|#.*coding[:=]")
_COMPOUND = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try,
    ast.TryStar, ast.Match,
)  # fmt: skip


def with_imports(source: str, prelude: str = USUAL_IMPORTS, *, but: Collection[str] = (), keep_lines: bool = False) -> str:
    """A program with the imports of a prelude that it needs; as it is where it needs none, or is no Python.

    Args:
        source: the program.
        prelude: import statements, see `execverify.programs.usual_imports`; "" for none.
        but: names that the program has to define by itself.
        keep_lines: leave the program as it is where the imports would move its lines down.

    Raises:
        ProgramError: the prelude holds anything but imports by name.
    """
    needed = usual_imports(source, prelude, but=but)
    if not needed:
        return source
    body = parse_source(source).body
    lines = [line for line in _LINES.findall(source) if line]
    head = _head(body)
    first = _begin(body[head]) if head < len(body) else len(lines) + 1
    at = max((node.end_lineno or 0 for node in body[:head]), default=0)  # the last line that must come before any import
    joined = "; ".join(needed.split("\n"))
    place = _free_line(lines, at, first - 1)
    if place is not None:
        text = lines[place].lstrip(" \t\f")
        lines[place] = f"{joined}  {text}" if text.startswith("#") else joined + text
    elif head < len(body) and not isinstance(body[head], _COMPOUND):
        lines[first - 1] = f"{joined}; {lines[first - 1]}"
    elif head:
        last = body[head - 1]
        encoded = lines[at - 1].encode()
        end = last.end_col_offset or 0
        lines[at - 1] = f"{encoded[:end].decode()}; {joined}{encoded[end:].decode()}"
    elif keep_lines:
        return source
    else:
        end_of_line = "\r\n" if lines[0].endswith("\r\n") else "\n"
        lines.insert(first - 1, needed.replace("\n", end_of_line) + end_of_line)
    return "".join(lines)


def _head(body: list[ast.stmt]) -> int:
    """How many statements must stay at the top: a docstring, and what is imported from `__future__`."""
    count = 0
    for node in body:
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if not ((text and not count) or (isinstance(node, ast.ImportFrom) and node.module == "__future__")):
            break
        count += 1
    return count


def _begin(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _free_line(lines: list[str], start: int, stop: int) -> int | None:
    """Index of a line between two that holds nothing, or else a comment that may stand behind a statement."""
    between = range(start, min(stop, len(lines)))
    blank = [index for index in between if not lines[index].strip()]
    comments = [index for index in between if lines[index].lstrip().startswith("#") and not _HEAD.match(lines[index])]
    return next(iter([*blank, *comments]), None)
