"""The one reader of code answers: which code a completion gives, and whether its form is the one that was asked for.

The code is the last fenced block of the *answer* that says it is Python; where none says so, the last one that says nothing. The
answer is what stands in the completion's last `<answer>...</answer>`; without such a pair behind the reasoning, it is all that
follows the reasoning. Fences are Markdown's: three or more backticks or tildes, indented or not, closed by at least as many of
the same. An opening fence may also stand behind words on its line (`Answer: ```python`).

A block that is not closed reaches to the end of the answer: a completion that was cut is judged by what it has. Where the
first fence says nothing, what stands before it is code, and no block of the answer is any, then the prompt had opened a block
already, and that fence closes it.

A *well-formed* answer (the paper's bonus, section 3, code generation) stands between the tags and holds exactly one such
block, opened and closed, whose code parses, does something, and defines what the tests call. So the bonus has to be earned: an
empty block, prose in a fence or `pass` get nothing. Nothing here runs the code, and nothing is tried: one text has one reading.
"""

import ast
import re
from dataclasses import dataclass
from typing import TypeGuard

from execverify.errors import ProgramError
from execverify.programs.program import MAX_SOURCE, module_names, parse_source
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN, BLANKS

MAX_CODE = MAX_SOURCE
"""Longest code that is read, in characters."""

MAX_CODE_ANSWER = 400_000
"""Longest answer in which code is looked for, in characters: its fences alone take 0.3 s."""

_PYTHON = re.compile(r"\{?[ \t]*\.?py(?:thon)?(?:3(?:\.\d+)*)?(?=[\s,:;}]|\Z)", re.IGNORECASE)  # also {.python} and python:f.py
_LINE = re.compile(
    rf"^(?:(?P<indent>[{BLANKS}]*)(?P<fence>`{{3,}}|~{{3,}})|(?P<words>[^\n`]+)(?P<late>`{{3,}}))(?P<info>[^\n]*)$", re.MULTILINE
)
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_FEW = 20
_ZERO_WIDTH = "\u200b\u2060\ufeff"
_REASONING = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
_SPECIAL = re.compile(
    r"(?:\s*(?:<\|[^<>|\s]{1,40}\|>|<\uff5c[^<>\uff5c\s]{1,40}\uff5c>|</s>))+\s*\Z"
)  # tokens that end a completion


@dataclass(frozen=True, slots=True)
class ExtractedCode:
    """The code of a completion.

    Attributes:
        source: the code, each line with its newline; None where the completion gives none.
        entry_point: what of it the tests call; a method of its class `Solution` where they call a function by that name
            and it defines no such function (LeetCode's way).
        follows_format: whether the answer has the form that earns the bonus.
        why: why there is no code, or why the form earns nothing; empty where the answer is well-formed.
    """

    source: str | None
    entry_point: str | None = None
    follows_format: bool = False
    why: str = ""


class _Fence:
    """A line with a fence.

    Attributes:
        start, end: where the line stands in the text.
        marks: the backticks or tildes.
        indent: blanks before them, which do not belong to the lines of the block either.
        info: what stands behind them.
        late: whether words stand before them.
    """

    __slots__ = ("end", "indent", "info", "late", "marks", "start", "words")

    def __init__(self, line: re.Match[str]) -> None:
        self.start, self.end = line.span()
        self.words = line["words"] or ""
        self.late = bool(self.words) and _LIST_ITEM.fullmatch(self.words) is None
        self.marks = line["fence"] or line["late"]
        self.indent = 0 if self.late else len(self.words) or sum(map(line["indent"].count, " \t"))
        self.info = line["info"].strip(BLANKS)

    @property
    def python(self) -> bool:
        return _PYTHON.match(self.info) is not None

    @property
    def opens(self) -> bool:
        """Whether it can open a block: behind words, only where it says Python, or the words end in a colon."""
        if self.marks[0] == "`" and "`" in self.info:
            return False
        return not self.late or self.python or (not self.info and self.words.rstrip(BLANKS).endswith(":"))

    def closes(self, opening: "_Fence") -> bool:
        """As in Markdown, a fence that stands four blanks further in than the opening one, in a docstring say, is code."""
        return not (self.info or self.words) and self.marks.startswith(opening.marks) and self.indent < opening.indent + 4


@dataclass(frozen=True, slots=True)
class _CodeBlock:
    """A block of code.

    Attributes:
        source: its code.
        python: whether it says that it is Python.
        other: whether it says that it is something else.
        opened, closed: whether a fence does so.
    """

    source: str
    python: bool
    other: bool = False
    opened: bool = True
    closed: bool = True


def extract_code(completion: str, entry_point: str | None = None) -> ExtractedCode:
    """The code in a completion.

    Args:
        completion: a model's text.
        entry_point: what the tests call, `f` or `Solution.f`; a well-formed answer defines it. None: a whole program.
    """
    if not isinstance(completion, str):
        return ExtractedCode(None, why="the completion is not text")
    inside, tagged = _answer(completion)
    if inside is None:
        return ExtractedCode(None, why="the reasoning does not end, so there is no answer")
    if len(inside) > MAX_CODE_ANSWER:
        return ExtractedCode(None, why=f"the answer is longer than {MAX_CODE_ANSWER} characters")
    blocks = [block for block in _blocks(inside) if not block.other]
    if not blocks:
        return ExtractedCode(None, why="the answer has no block of Python code")
    last = next((block for block in reversed(blocks) if block.python), blocks[-1])
    if len(last.source) > MAX_CODE:
        return ExtractedCode(None, why=f"the code is longer than {MAX_CODE} characters")
    try:
        tree = parse_source(last.source)
    except ProgramError as error:
        return ExtractedCode(last.source, entry_point, why=str(error) if last.closed else "the block is not closed")
    entry_point = _method(tree, entry_point)
    why = _why_not_well_formed(tree, last, len(blocks), tagged, entry_point)
    return ExtractedCode(last.source, entry_point, not why, why)


def code_blocks(completion: str, most: int = 20) -> list[str]:
    """The texts of a completion that may be Python code, in order: the last `most` blocks that say so, or else that say nothing.

    Where the answer has no block, the whole completion is searched. Where that has none either, the answer is one where it is Python
    that does something. A completion that is longer than twice `MAX_CODE_ANSWER` has none.
    """
    inside, tagged = _answer(completion)
    if inside is None or len(completion) > 2 * MAX_CODE_ANSWER or len(inside) > MAX_CODE_ANSWER:
        return []
    blocks = [block for block in _blocks(inside) if not block.other]
    if tagged and not blocks:  # the tags may be part of the code
        blocks = [block for block in _blocks(completion[-MAX_CODE_ANSWER:]) if not block.other]
    blocks = [block for block in blocks if block.python] or blocks
    texts = [block.source for block in blocks if len(block.source) <= MAX_CODE]
    return texts[-most:] or ([inside] if not blocks and _is_code(inside) else [])


def _answer(completion: str) -> tuple[str | None, bool]:
    """The text of the answer, and whether tags stand around it; None where the completion is all reasoning."""
    if (special := _SPECIAL.search(completion[-400:])) is not None:
        completion = completion[: -len(special[0])]
    reasoned = max(completion.rfind(close) + len(close) if close in completion else 0 for _, close in _REASONING)
    end = completion.rfind(ANSWER_CLOSE)
    start = completion.rfind(ANSWER_OPEN, 0, end) if end >= reasoned else -1
    if start >= 0:
        return completion[start + len(ANSWER_OPEN) : end], True
    for opening, close in _REASONING:
        if completion.rfind(opening) > completion.rfind(close):
            return None, False
    rest = completion[reasoned:]
    return rest.rpartition(ANSWER_OPEN)[2], False


def _blocks(text: str) -> list[_CodeBlock]:
    """The fenced blocks of a text, in order; the last one may not be closed, and the first one not opened."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    fences = [_Fence(line) for line in _LINE.finditer(text)]
    blocks = _paired(text, fences)
    first = next((number for number, fence in enumerate(fences) if fence.opens), None)
    if first is None or fences[first].info or fences[first].words or len(blocks) > _FEW:
        return blocks
    before = text[: fences[first].start]
    if not _is_code(before) or any(_is_code(block.source) for block in blocks if not block.other):
        return blocks
    return [_CodeBlock(before, python=True, opened=False), *_paired(text, fences[first + 1 :])]


def _paired(text: str, fences: list[_Fence]) -> list[_CodeBlock]:
    """The blocks that fences open and close."""
    blocks: list[_CodeBlock] = []
    opening: _Fence | None = None
    for fence in fences:
        if opening is None or (opening.late and not fence.late and fence.python):  # or the words only spoke of a fence
            opening = fence if fence.opens else opening
        elif fence.closes(opening):
            blocks.append(_block(text, opening, fence.start, closed=True))
            opening = None
    if opening is not None:
        blocks.append(_block(text, opening, len(text), closed=False))
    return blocks


def _block(text: str, opening: _Fence, end: int, closed: bool) -> _CodeBlock:
    """The block from behind an opening fence's line to `end`, its lines without as much of their indent as that fence has."""
    source = text[opening.end + 1 : end].lstrip(_ZERO_WIDTH)
    if source and not source.endswith("\n"):
        source += "\n"
    if opening.indent:
        source = re.sub(rf"^[ \t]{{1,{opening.indent}}}", "", source, flags=re.MULTILINE)
    return _CodeBlock(source, opening.python, other=bool(opening.info) and not opening.python, closed=closed)


def _is_code(text: str) -> bool:
    """Whether a text is Python that does something: `Answer` and `Answer: yes` are Python too."""
    try:
        body = parse_source(text).body
    except ProgramError:
        return False
    return any(
        any(isinstance(part, ast.Call) for part in ast.walk(node))
        if isinstance(node, ast.Expr)
        else not isinstance(node, ast.Pass) and not (isinstance(node, ast.AnnAssign) and node.value is None)
        for node in body
    )


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


def _why_not_well_formed(tree: ast.Module, block: _CodeBlock, blocks: int, tagged: bool, entry_point: str | None) -> str:
    if not block.closed:
        return "the block is not closed"
    if not block.opened:
        return "the block is not opened"
    if not tagged:
        return f"the code does not stand between {ANSWER_OPEN} and {ANSWER_CLOSE}"
    if blocks > 1:
        return f"the answer has {blocks} blocks of code, not one"
    if all(isinstance(node, ast.Pass) or _is_constant(node) for node in tree.body):
        return "the block is empty"
    name = entry_point and entry_point.partition(".")[0]
    if name and name not in module_names(tree):
        return f"the code does not define {name!r}"
    return ""


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
