"""Branch coverage in the confined process: rewrite a program so that it counts its branches, and call it with each input.

The other side, which asks for coverage and reads the replies, is `tracing/branch_coverage.py`.
"""

import ast
import marshal
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from itertools import chain, repeat
from types import CodeType
from typing import Any, TypeVar

from execverify.errors import ProgramError
from execverify.programs.program import argument_values, parse_arguments, walk
from execverify.sandbox.runners import StepLimitReached, compile_and_call
from execverify.sandbox.worker import ExecutionContext

_Made = TypeVar("_Made")


def cover_runner(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Harness: calls the program with each input, and each variant likewise, until it ends in another way."""
    return iter_coverage(job, stage, map(arguments_from_text, job["inputs"]))


Given = Callable[[], tuple[Sequence[Any], dict[str, Any]]]
"""Makes the values of a call anew for each call of it; raises ProgramError where there are none."""


def iter_coverage(
    job: dict[str, Any], stage: ExecutionContext, inputs: Iterable[Given], tree: ast.Module | None = None
) -> dict[str, Any]:
    """The reply of `cover_runner` for inputs that are made when they are needed; the job's own arguments are ignored.

    A tree of the source, where given, spares the parsing; it is left as it was.
    """
    program = _CoverageRun(job, job["source"], stage, tree)
    variants = [_CoverageRun(job, source, stage) for source in job["variants"]]
    for given in inputs:
        program.call(given)
        if job["brief"] and program.has_shown_itself and all(variant.follows(program) for variant in variants):
            break
    if not job["brief"] or program.has_shown_itself:
        for variant in variants:
            variant.follows(program)
    others = [variant.results for variant in variants]
    return {
        "outcome": "returned",
        "value": None,
        "arms": program.arms,
        "results": program.results,
        "taken": program.taken,
        "others": others,
    }


class _CoverageRun:
    """A source and how its calls ended so far."""

    def __init__(self, job: dict[str, Any], source: str, stage: ExecutionContext, tree: ast.Module | None = None) -> None:
        self.job = {**job, "source": source}
        self.tree = tree
        self.stage = stage
        self.calls: list[Given] = []
        self.results: list[dict[str, Any]] = []
        self.taken: list[list[int]] = []
        self.ways: set[int] = set()
        self.values: set[tuple[str, str]] = set()
        self.differs = False

    @cached_property
    def compiled(self) -> tuple[CodeType | BaseException, list[tuple[int, str, bool]]]:
        """Its code, or what hinders it; and its arms."""
        return _compiled(self.job["source"], self.tree)

    @property
    def arms(self) -> list[tuple[int, str, bool]]:
        """Every way there is."""
        return self.compiled[1]

    def call(self, given: Given) -> None:
        """Calls it once more."""
        result, ways = _called(self.compiled, given, self.job, self.stage)
        self.calls.append(given)
        self.results.append(result)
        self.taken.append(ways)
        if _is_plain(result):
            self.ways.update(ways)
            self.values.add(tuple(result["value"][:2]))

    @property
    def has_shown_itself(self) -> bool:
        """Whether it gave two results and went every way."""
        return len(self.values) > 1 and len(self.ways) == len(self.arms)

    def follows(self, program: "_CoverageRun") -> bool:
        """Makes the calls that the program made, up to one that ends in another way; whether there is one."""
        for place in range(len(self.calls), len(program.calls)):
            if self.differs:
                break
            self.call(program.calls[place])
            own = program.results[place]
            self.differs = _is_plain(own) and self.results[-1] != own
        return self.differs


def _is_plain(reply: dict[str, Any]) -> bool:
    return reply["outcome"] == "returned" and reply["value"][1] is not None


def arguments_from_text(text: str) -> Given:
    """Parse the arguments in a text."""
    try:
        call = parse_arguments(text)
    except ProgramError as error:
        return partial(_or_raise, error)
    return partial(argument_values, call)


def arguments_from_values(positional: Sequence[object], named: dict[str, object]) -> Given | None:
    """Arguments by their values, of which copies are made. None where a copy could differ: a set need not keep its order."""
    if not all(map(_is_copied, (*positional, *named.values()))):
        return None
    given: Any = positional, named
    image = marshal.dumps(given, 2)  # 2: what is there twice is two things in the copy
    return partial(marshal.loads, image)


def _is_copied(value: object) -> bool:
    kind = type(value)
    if kind is list or kind is tuple:
        return all(map(_is_copied, value))  # type: ignore[call-overload]
    if kind is dict:
        return all(map(_is_copied, value)) and all(map(_is_copied, value.values()))  # type: ignore[call-overload, attr-defined]
    return kind is str or kind is int or kind is float or kind is bool or value is None


def _called(
    compiled: tuple[CodeType | BaseException, list[Any]], make: Given, job: dict[str, Any], stage: ExecutionContext
) -> tuple[dict[str, Any], list[int]]:
    """How one call ends, on a stage that is as at the start, and which ways it went."""
    code, arms = compiled
    try:
        given = make()  # values of its own for every call
    except ProgramError as error:
        return {"outcome": "raised", "error": "ProgramError", "detail": str(error)}, []
    watch = _Watch(len(arms), job["steps"])
    stage.clear()
    stage.builtins.__dict__.update(watch.names)
    reply = stage.override_reply(_enacted(code, given, job, watch, stage))
    kept = ("outcome", "value") if reply["outcome"] == "returned" else ("outcome", "error", "detail")
    return {field: reply[field] for field in kept if field in reply}, watch.ways


def _enacted(
    code: CodeType | BaseException,
    given: tuple[Sequence[Any], dict[str, Any]],
    job: dict[str, Any],
    watch: "_Watch",
    stage: ExecutionContext,
) -> dict[str, Any]:
    reply = compile_and_call(lambda: _or_raise(code), job, stage, given=given)
    watch.ends()  # what the call leaves behind (a generator, say) goes no way of the call's
    if watch.spent and reply["outcome"] in ("returned", "raised"):  # the program caught what was to stop it
        return {"outcome": "too_many_steps", "detail": f"it took more than {job['steps']} steps"}
    return reply


def _or_raise(made: _Made | BaseException) -> _Made:
    if isinstance(made, BaseException):
        raise made
    return made


class _ExhaustedIterator(Iterator[int]):
    """What comes after the last step: the end, however often it is asked for."""

    def __init__(self, watch: "_Watch") -> None:
        self.watch = watch

    def __next__(self) -> int:
        self.watch.spent = True
        raise StepLimitReached


class _Watch:
    """What the rewritten program counts with.

    Each arm, and the body of all loops together, has an iterator of zeros, and `0 in iterator` is the program's way to
    take one out: a test that costs no call and no frame, so that a recursion ends at the depth where it would without.
    """

    def __init__(self, arms: int, limit: int) -> None:
        self.limit = limit
        self.spent = False
        self.ways: list[int] = []
        self._left = [repeat(0, limit) for _ in range(arms)]
        end = _ExhaustedIterator(self)
        self.names: dict[str, Any] = {_name(arm): chain(left, end) for arm, left in enumerate(self._left)}
        self.names[_STEP] = chain(repeat(0, limit), end)

    def ends(self) -> None:
        """Keeps the ways that were taken until now."""
        self.ways = [arm for arm, left in enumerate(self._left) if left.__length_hint__() < self.limit]


_STEP = "·"


def _name(arm: int) -> str:
    return f"·{arm}"


_Undo = list[tuple[ast.AST, str, Any]]
"""Fields of nodes that were changed, with what they were before."""


def _compiled(source: str, tree: ast.Module | None = None) -> tuple[CodeType | BaseException, list[tuple[int, str, bool]]]:
    """The rewritten program, or what hinders it; and its arms."""
    arms: list[tuple[int, str, bool]] = []
    undo: _Undo = []
    try:
        parsed = ast.parse(source, "<program>") if tree is None else tree
        _rewrite(parsed, arms, undo)
        return compile(parsed, "<program>", "exec", dont_inherit=True), arms
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error, arms
    finally:
        for node, field, value in reversed(undo):
            setattr(node, field, value)


def _rewrite(tree: ast.Module, arms: list[tuple[int, str, bool]], undo: _Undo) -> None:
    for node in walk(tree):
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            undo.append((node, "test", node.test))
            node.test = _reported(node.test, arms, undo)
        elif isinstance(node, ast.comprehension) and node.ifs:
            undo.append((node, "ifs", node.ifs))
            node.ifs = [_reported(test, arms, undo) for test in node.ifs]
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            undo.append((node, "body", node.body))
            marks = [_taken(_name(len(arms)), node.lineno), _taken(_STEP, node.lineno)]
            node.body = [*(ast.Expr(mark, **_at(node.lineno)) for mark in marks), *node.body]
            arms.append((node.lineno, "loop", True))


def _reported(test: ast.expr, arms: list[tuple[int, str, bool]], undo: _Undo) -> ast.expr:
    """`test` as `0 in held if test else 0 not in failed`: the same truth value, and the branch is recorded.

    Of `and` and `or`, each part is a test: one that never decides is as good as none.
    """
    if isinstance(test, ast.BoolOp):
        undo.append((test, "values", test.values))
        test.values = [_reported(part, arms, undo) for part in test.values]
        return test
    line, arm = test.lineno, len(arms)
    arms += [(line, "condition", True), (line, "condition", False)]
    return ast.IfExp(test, _taken(_name(arm), line), _taken(_name(arm + 1), line, ast.NotIn()), **_at(line))


def _taken(name: str, line: int, how: ast.cmpop | None = None) -> ast.expr:
    zero, iterator = ast.Constant(0, **_at(line)), ast.Name(name, ast.Load(), **_at(line))
    return ast.Compare(zero, [how or ast.In()], [iterator], **_at(line))


def _at(line: int) -> dict[str, Any]:
    return {"lineno": line, "col_offset": 0, "end_lineno": line, "end_col_offset": 0}
