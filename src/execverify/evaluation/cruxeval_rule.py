"""CRUXEval's rule: run the program's code and `assert {left} == {right}`, three seconds, and see whether it gets to the end.

The text that a model wrote is pasted into that line, so the rule runs any text: `9 or True` is right, and so is a text that
ends the process politely. It is run as it is, in a process of its own behind the sandbox for candidates. That is slow, and nearly
always needless: where the whole line reads as one comparison of two literals, what it does is known without a run. The verdict
is provably that of the run:

- the module code does nothing but define functions (`is_inert`), so it ends well; or it also imports from the standard library and
  has annotations (`is_quiet`), and was run once by itself and ended well. No name of it can change a literal;
- the line starts at the left margin, so its tokens are its own: code and line together parse where the line does, and as the same
  statements. A line that does not parse alone is a syntax error in the program too, and the verdict is "wrong";
- both sides are built of constants, brackets and signs alone, so their values are the same wherever they are computed, and `==` on
  values of built-in types asks nothing of anybody.

Whatever is not so plain, by kind, length or depth, is run.
"""

import ast
import functools
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from execverify.errors import LiteralError, ProgramError
from execverify.programs.literals import literal_of, parse_expression, parse_without_warnings
from execverify.programs.program import parse_source
from execverify.sandbox.candidates import Candidate, run_candidates
from execverify.sandbox.result import Limits, Outcome

LIMITS = Limits(timeout=3.0, memory=1024 * 1024 * 1024)
"""The authors' time, and more memory than any of their programs takes."""

_LONGEST = 20_000
_LITERAL = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.USub, ast.UAdd, ast.Load)
_PLAIN_NAMES = frozenset({"int", "str", "float", "bool", "list", "dict", "set", "tuple", "bytes", "object"})
_QUIET_MODULES = frozenset(sys.stdlib_module_names) - {"antigravity", "this", "__future__", "idlelib", "turtle", "tkinter"}
_ANNOTATION_NODES = (ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Constant, ast.BinOp, ast.BitOr, ast.Load)

_SOURCE = """\
TEXT = {text!r}


def check():
    exec(TEXT, {{}})
"""


@dataclass(frozen=True, slots=True)
class Assertion:
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


def verdicts(
    claims: Sequence[Assertion], *, workers: int = 1, limits: Limits = LIMITS, imports: Sequence[str] = ()
) -> list[bool | None]:
    """Whether each claim's program gets to its end; None where we failed to run it. Equal claims are decided once.

    Raises:
        InsufficientIsolationError: a claim must be run, and this system cannot confine what a model wrote.
    """
    distinct = list(dict.fromkeys(claims))
    quiet = list(
        dict.fromkeys(
            claim.code for claim in distinct if only_defines_and_imports(claim.code) and not only_defines_functions(claim.code)
        )
    )
    ends = dict(zip(quiet, run_scripts(quiet, workers=workers, limits=limits, imports=imports), strict=True))
    known = {
        claim: decide_statically(claim, ends_well=ends.get(claim.code) or only_defines_functions(claim.code))
        for claim in distinct
    }
    waiting = [claim for claim, verdict in known.items() if verdict is None]
    texts = (claim.text for claim in waiting)
    known.update(zip(waiting, run_scripts(texts, workers=workers, limits=limits, imports=imports), strict=True))
    return [known[claim] for claim in claims]


def run_scripts(
    texts: Iterable[str], *, workers: int = 1, limits: Limits = LIMITS, imports: Sequence[str] = ()
) -> list[bool | None]:
    """Runs programs as the main text of a process each, and returns which of them finished; None where we failed.

    Raises:
        InsufficientIsolationError: this system cannot confine what a model wrote.
    """
    candidates = [Candidate(_SOURCE.format(text=text), ("",), "check") for text in texts]
    found: list[bool | None] = []
    if not candidates:
        return found
    for (result,) in run_candidates(candidates, limits=limits, workers=workers, imports=imports):
        found.append(None if result.outcome == Outcome.SANDBOX_ERROR else result.outcome == Outcome.RETURNED)
    return found


def decide_statically(claim: Assertion, *, ends_well: bool) -> bool | None:
    """The verdict on a claim that needs no run; None where it needs one.

    Args:
        claim: what is claimed.
        ends_well: whether its code by itself is known to end well, and to do so every time.
    """
    if len(claim.line) > _LONGEST or not ends_well:
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
def only_defines_functions(code: str) -> bool:
    """Whether module code does nothing but define functions, so that it is sure to end well.

    Decorators, annotations and defaults run when a function is defined: none but built-in types and constants are let through.
    """
    body = _body(code)
    return body is not None and all(_defines(node, _is_plain_note) for node in body)


@functools.lru_cache(maxsize=4096)
def only_defines_and_imports(code: str) -> bool:
    """Whether module code does nothing but define functions and import from the standard library, the same every time."""
    body = _body(code)
    return body is not None and all(_imports(node) or _defines(node, _is_quiet_note) for node in body)


def _body(code: str) -> list[ast.stmt] | None:
    """The statements of code that compiles as a program: what parses may not (`return` outside of a function)."""
    try:
        body = parse_source(code).body
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "<program>", "exec", dont_inherit=True)
    except (ProgramError, SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return body


def _imports(node: ast.stmt) -> bool:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    if isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
        names = [node.module]
    return bool(names) and all(name.partition(".")[0] in _QUIET_MODULES for name in names)


def _defines(node: ast.stmt, is_note: Callable[[ast.expr], bool]) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) for target in node.targets) and isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.FunctionDef) or node.decorator_list or getattr(node, "type_params", None):
        return False
    spec = node.args
    arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *filter(None, (spec.vararg, spec.kwarg))]
    notes = [argument.annotation for argument in arguments] + [node.returns]
    defaults = [*spec.defaults, *filter(None, spec.kw_defaults)]
    plain = all(isinstance(default, ast.Constant) for default in defaults)
    return plain and all(note is None or is_note(note) for note in notes)


def _is_plain_note(note: ast.expr) -> bool:
    return isinstance(note, ast.Constant) or (isinstance(note, ast.Name) and note.id in _PLAIN_NAMES)


def _is_quiet_note(note: ast.expr) -> bool:
    return all(isinstance(node, _ANNOTATION_NODES) for node in ast.walk(note))
