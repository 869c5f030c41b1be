"""CRUXEval's rule: run the program's code and `assert {left} == {right}`, three seconds, and see whether it gets to the end.

The text that a model wrote is pasted into that line, so the rule runs whatever it says: `9 or True` is right, and so is a text that
ends the process politely. It is run as it is, in a process of its own behind the sandbox for candidates. That is slow, and nearly
always needless: where the whole line reads as one comparison of two literals, what it does is known without a run. The verdict
is provably that of the run:

- the module code does nothing but define functions (`is_inert`), so it ends well, and no name of it can change a literal;
- the line starts at the left margin, so its tokens are its own: code and line together parse where the line does, and as the same
  statements. A line that does not parse alone is a syntax error in the program too, and the verdict is "wrong";
- both sides are built of constants, brackets and signs alone, so their values are the same wherever they are computed, and `==` on
  values of built-in types asks nothing of anybody.

Whatever is not so plain, by kind, length or depth, is run.
"""

import ast
import functools
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from execverify.errors import LiteralError, ProgramError
from execverify.execution.candidates import Candidate, run_candidates
from execverify.execution.outcome import Limits, Outcome
from execverify.programs.literals import literal_of, parse_expression, parse_without_warnings
from execverify.programs.program import parse_source

LIMITS = Limits(timeout=3.0, memory=1024 * 1024 * 1024)
"""The authors' time, and more memory than any of their programs takes."""

_LONGEST = 20_000
_LITERAL = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.USub, ast.UAdd, ast.Load)
_PLAIN_NAMES = frozenset({"int", "str", "float", "bool", "list", "dict", "set", "tuple", "bytes", "object"})

_SOURCE = """\
TEXT = {text!r}


def check():
    exec(TEXT, {{}})
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """`assert left == right` after some code. The sides are texts, pasted as they are."""

    code: str
    left: str
    right: str

    @property
    def line(self) -> str:
        """The assertion."""
        return f"assert {self.left} == {self.right}"

    @property
    def text(self) -> str:
        """The whole program."""
        return f"{self.code}\n{self.line}"


def verdicts(claims: Sequence[Claim], *, workers: int = 1, limits: Limits = LIMITS) -> list[bool | None]:
    """Whether each claim's program gets to its end; None where we failed to run it. Equal claims are decided once.

    Raises:
        WeakSandboxError: a claim must be run, and this system cannot confine what a model wrote.
    """
    known: dict[Claim, bool | None] = {}
    for claim in claims:
        if claim not in known:
            known[claim] = decide(claim)
    waiting = [claim for claim, verdict in known.items() if verdict is None]
    known.update(zip(waiting, run_texts((claim.text for claim in waiting), workers=workers, limits=limits), strict=True))
    return [known[claim] for claim in claims]


def run_texts(texts: Iterable[str], *, workers: int = 1, limits: Limits = LIMITS) -> list[bool | None]:
    """Runs programs as the main text of a process each, and says which got to their end; None where we failed.

    Raises:
        WeakSandboxError: this system cannot confine what a model wrote.
    """
    candidates = [Candidate(_SOURCE.format(text=text), ("",), "check") for text in texts]
    found: list[bool | None] = []
    if not candidates:
        return found
    for (result,) in run_candidates(candidates, limits=limits, workers=workers):
        found.append(None if result.outcome == Outcome.FAILED else result.outcome == Outcome.RETURNED)
    return found


def decide(claim: Claim) -> bool | None:
    """The verdict on a claim that needs no run; None where it needs one."""
    if len(claim.line) > _LONGEST or not is_inert(claim.code):
        return None
    try:
        tree = parse_without_warnings(claim.line, "exec")
    except (SyntaxError, ValueError):
        return False
    except (MemoryError, RecursionError):
        return None
    assert isinstance(tree, ast.Module)
    match tree.body:
        case [ast.Assert(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]), msg=None)]:
            pass
        case _:
            return None
    if not (_is_plain(left) and _is_plain(right)):
        return None
    try:
        return bool(literal_of(left) == literal_of(right))
    except (LiteralError, RecursionError):
        return None


@functools.lru_cache(maxsize=65536)
def is_plain(text: str) -> bool:
    """Whether a text is one literal without any name in it, so that it means the same wherever it stands."""
    try:
        return _is_plain(parse_expression(text))
    except LiteralError:
        return False


def _is_plain(node: ast.expr) -> bool:
    return all(isinstance(inner, _LITERAL) for inner in ast.walk(node))


@functools.lru_cache(maxsize=4096)
def is_inert(code: str) -> bool:
    """Whether module code does nothing but define functions, so that it is sure to end well.

    Decorators, annotations and defaults run when a function is defined: none but built-in types and constants are let through.
    """
    try:
        body = parse_source(code).body
    except ProgramError:
        return False
    return all(map(_is_inert, body)) and _compiles(code)


def _compiles(code: str) -> bool:
    """Whether code compiles as a program: what parses may not (`return` outside of a function)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _is_inert(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) for target in node.targets) and isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.FunctionDef) or node.decorator_list or getattr(node, "type_params", None):
        return False
    spec = node.args
    arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *filter(None, (spec.vararg, spec.kwarg))]
    notes = [argument.annotation for argument in arguments] + [node.returns]
    defaults = [*spec.defaults, *filter(None, spec.kw_defaults)]
    plain = all(isinstance(default, ast.Constant) for default in defaults)
    return plain and all(note is None or _is_plain_note(note) for note in notes)


def _is_plain_note(note: ast.expr) -> bool:
    return isinstance(note, ast.Constant) or (isinstance(note, ast.Name) and note.id in _PLAIN_NAMES)
