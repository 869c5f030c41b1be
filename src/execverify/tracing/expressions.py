"""What the parts of each statement were: the values of calls, operations and comparisons while a program ran.

A trace records the effect of a statement, and not its evaluation: of `x = s.strip().split(',')` it knows `x`. A run for details is
traced like any other, with each part that computes something handed through the recorder. Its values are written down at that moment.

>>> from execverify.programs import Program
>>> from execverify.tracing import trace
>>> run = trace(Program("def f(s):\\n    return [w[1:] for w in s.strip().split('-')]", arguments="' ab-cd '"))
>>> (found,) = expressions_many([run])
>>> [(note.text, note.value.text) for note in found.of(0)][:4]
[('s.strip()', "'ab-cd'"), ("s.strip().split('-')", "['ab', 'cd']"), ('w', "'ab'"), ('w[1:]', "'b'")]
"""

import ast
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import BuiltinFunctionType, CodeType, MethodDescriptorType, TracebackType
from typing import Any

from execverify.programs.program import Program, walk
from execverify.programs.values import Value, to_fields
from execverify.sandbox.result import Limits
from execverify.sandbox.run import job_for, sandbox
from execverify.sandbox.runners import compile_and_call
from execverify.sandbox.worker import ExecutionContext
from execverify.tracing import rewrite
from execverify.tracing.determinism import EXTRA_HASH_SEEDS, expressions_may_vary
from execverify.tracing.recorder import Frame, Recorder
from execverify.tracing.runners import RECORD_EXPRESSIONS
from execverify.tracing.trace import Trace, trace_many, trace_of

_DEFAULT = Limits()
MAX_TEXT = 400
"""Longest value of a part, in characters; a longer one is opaque."""

_MOST, _MOST_OF_A_STEP = 40_000, 400  # values in one run, and of one step
_VARIES = "varies"  # why a value is opaque that differs between hash seeds


@dataclass(frozen=True, slots=True)
class ExpressionValue:
    """The value of a part at one moment.

    Attributes:
        node: the part's syntax tree, of `program.nodes`; for a variable that a comprehension or lambda binds, its name's; for a key
            that a built-in gives a sort, that of the argument `key=...`.
        value: what it was.
        time_index: how many steps had begun then.
    """

    node: ast.AST
    value: Value
    time_index: int

    @property
    def text(self) -> str:
        """The part as source text."""
        return ast.unparse(self.node)


@dataclass(frozen=True, slots=True)
class RaisedError:
    """The exception in which a step ended.

    Attributes:
        text: its type and its message, as a traceback's last line has them; the type alone where there is no plain message.
        node: the part of the statement that raised it, or whose call passed it on; None where that is no expression.
    """

    text: str
    node: ast.expr | None

    @property
    def type(self) -> str:
        """The name of its type."""
        return self.text.partition(":")[0]


@dataclass(frozen=True)
class ExpressionValues:
    """The values of the parts of a run's steps.

    Attributes:
        notes: by step, in the order in which the parts were computed.
        cut: steps of which some parts are missing, because there were too many.
        raised: by step, the exceptions that the program handled.
    """

    notes: dict[int, tuple[ExpressionValue, ...]]
    cut: frozenset[int] = frozenset()
    raised: Mapping[int, RaisedError] = field(default_factory=dict)

    def of(self, step: int) -> tuple[ExpressionValue, ...]:
        """What is known of a step."""
        return self.notes.get(step, ())


NO_VALUES = ExpressionValues({})
"""Nothing is known: the run for details went another way than the trace, or failed."""


def expressions_many(traces: Iterable[Trace], *, limits: Limits = _DEFAULT, workers: int = 1) -> Iterator[ExpressionValues]:
    """Runs traced programs once more, and yields the values of their parts, in order.

    A program whose parts may vary runs under three hash seeds, and a value that differs between them is opaque ("varies"). Where a
    run takes another way than its trace, there are no details.

    Raises:
        SandboxError: the confined process could not be started.
    """
    runs = list(traces)
    jobs = [job_for(run.program, RECORD_EXPRESSIONS, limits) for run in runs]
    found = [_details(run, reply) for run, reply in zip(runs, sandbox(0, limits.imports).run_many(jobs, workers), strict=True)]
    varying = [place for place, run in enumerate(runs) if expressions_may_vary(run.program)]
    for seed in EXTRA_HASH_SEEDS[:2]:
        others = sandbox(seed, limits.imports).run_many([jobs[place] for place in varying], workers)
        for place, reply in zip(varying, others, strict=True):
            found[place] = _agreeing(found[place], _details(runs[place], reply))
    yield from found


def trace_with_expressions(
    programs: Iterable[Program], *, limits: Limits = _DEFAULT, workers: int = 1
) -> Iterator[tuple[Trace, ExpressionValues]]:
    """Traces programs, and yields each trace with its details, in order.

    One run gives both where nothing can vary between two; else it is `trace_many` and `details_many`.

    Raises:
        SandboxError: the confined process could not be started.
    """
    listed = list(programs)
    steady = [program for program in listed if not expressions_may_vary(program)]
    others = [program for program in listed if expressions_may_vary(program)]
    jobs = (job_for(program, RECORD_EXPRESSIONS, limits, history=True) for program in steady)
    replies = sandbox(0, limits.imports).run_many(jobs, workers)
    traces = list(trace_many(others, limits=limits, workers=workers))
    pairs = zip(traces, expressions_many(traces, limits=limits, workers=workers), strict=True)
    for program in listed:
        if expressions_may_vary(program):
            yield next(pairs)
        else:
            reply = next(replies)
            trace = trace_of(program, reply)
            yield trace, _details(trace, reply) if trace.steps else NO_VALUES


def _details(run: Trace, reply: dict[str, Any]) -> ExpressionValues:
    """What a reply holds; nothing where it is not the trace's own way."""
    try:
        if reply["outcome"] != run.result.outcome or reply["lines"] != [step.line for step in run.steps]:
            return NO_VALUES
        values = [Value(*value) for value in reply["part_values"]]
        nodes = run.program.nodes
        notes: dict[int, list[ExpressionValue]] = {}
        for step, node, value, moment in zip(*reply["parts"], strict=True):
            notes.setdefault(step, []).append(ExpressionValue(nodes[node], values[value], moment))
        raised = {
            step: RaisedError(str(text), _part_of(nodes, run.steps[step].line, nodes[number] if number >= 0 else None))
            for step, number, text in reply["raised"]
        }
        return ExpressionValues({step: tuple(found) for step, found in notes.items()}, frozenset(reply["cut"]), raised)
    except (TypeError, ValueError, KeyError, IndexError):
        return NO_VALUES


def _part_of(nodes: Sequence[ast.AST], line: int, node: ast.AST | None) -> ast.expr | None:
    """An expression, where it is part of the statement that a line names.

    It is not where a bare `raise` passes an exception on: the traceback has the place that raised it first.
    """
    if not isinstance(node, ast.expr):
        return None
    named = [one for one in nodes if isinstance(one, ast.stmt) and rewrite.first_line(one) == line]
    last = max((rewrite.header_end(one) for one in named), default=line)
    return node if line <= node.lineno <= last else None


def _agreeing(one: ExpressionValues, other: ExpressionValues) -> ExpressionValues:
    """What two runs under different hash seeds agree about."""
    notes = {}
    for step, found in one.notes.items():
        also = other.of(step)
        if [note.node for note in found] == [note.node for note in also]:
            pairs = zip(found, also, strict=True)
            notes[step] = tuple(
                a if a.value == b.value else replace(a, value=Value(a.value.type, None, _VARIES)) for a, b in pairs
            )
    raised = {step: error for step, error in one.raised.items() if other.raised.get(step) == error}
    return ExpressionValues(notes, one.cut | other.cut, raised)


# ---------------------------------------------------------------------------------------- inside the confined process

PART, BINDING, KEY = "·D", "·K", "·Q"
_LOAD = ast.Load()
_RECORDED_NODES = (
    ast.Call, ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.IfExp, ast.JoinedStr, ast.Subscript, ast.NamedExpr, ast.ListComp,
    ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Attribute,
)  # fmt: skip
_RAISING_NODES = (ast.Call, ast.BinOp, ast.Compare, ast.UnaryOp, ast.Subscript)
_BUILT_IN = (BuiltinFunctionType, MethodDescriptorType)
_MAX_MESSAGE = 80
Place = tuple[int | None, int | None, int | None, int | None]
"""Where an expression stands: first and last line, first and last column (in bytes)."""


def record(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Harness: the plain reply of a run, the lines of its steps, and the values of their parts."""
    noter = _ExpressionRecorder(job["steps"], stage)
    stage.builtins.__dict__.update(noter.names())

    def rewritten() -> CodeType:
        tree = ast.parse(job["source"], "<program>")
        _Parts(tree, noter.owners, noter.places).module()
        return compile(rewrite.instrument(tree, job["source"]), "<program>", "exec", dont_inherit=True)

    reply = compile_and_call(rewritten, job, stage, noter.around)
    history = noter.reply() if job.get("history") else {"lines": noter.lines}
    parts = [noter.steps, noter.parts, noter.part_values, noter.moments]
    raised = [[step, *found] for step, found in noter.raised.items()]
    return {**reply, **history, "parts": parts, "part_values": list(noter.table), "cut": sorted(noter.cut), "raised": raised}


class _ExpressionRecorder(Recorder):
    """A recorder that also notes the values of parts, the keys of sorts, and exceptions."""

    def __init__(self, limit: int, stage: ExecutionContext) -> None:
        super().__init__(limit, stage)
        self.owners: dict[int, int] = {}  # the line of each part's statement
        self.places: dict[Place, int] = {}  # the parts that can raise an exception, by where they stand
        self.raised: dict[int, tuple[int, str]] = {}
        self.steps: list[int] = []
        self.parts: list[int] = []
        self.part_values: list[int] = []
        self.moments: list[int] = []
        self.table: dict[tuple[str, str | None, str | None], int] = {}
        self.counts: dict[int, int] = {}
        self.cut: set[int] = set()

    def names(self) -> dict[str, Any]:
        return {**super().names(), PART: self.part, BINDING: self.binding, KEY: self.key}

    def begin(self, frame: Frame, line: int) -> None:
        """A step begins; the first one in a handler is where an exception is seen."""
        super().begin(frame, line)
        error = sys.exc_info()[1]
        if self.on and error is not None:
            self.handled(error)

    def handled(self, error: BaseException) -> None:
        """Notes an exception for the steps that it has ended: from the frame that raised it outward."""
        entries = [one for one in _entries(error.__traceback__) if one.tb_frame.f_code.co_filename == "<program>"]
        step, place = len(self.lines) - 1, None
        for entry in reversed(entries):
            place = place or _place(entry)
            if entry.tb_frame.f_code.co_name.startswith("<"):
                continue  # a comprehension or lambda belongs to the statement around it
            step -= 1
            while step >= 0 and not (self.ends[step] < 0 and self.calls[self.frames[step]][0] == entry.tb_frame.f_code.co_name):
                step -= 1
            if step < 0 or step in self.raised:
                return
            self.raised[step] = (self.places.get(place, -1), _error_text(error))
            place = None

    def part(self, number: int, value: Any) -> Any:
        """A part has its value, which goes on."""
        if self.on:
            self.note(number, value)
        return value

    def binding(self, numbers: tuple[int, ...], *values: Any) -> bool:
        """A comprehension or lambda has bound names. True, always."""
        if self.on:
            for number, value in zip(numbers, values, strict=True):
                self.note(number, value)
        return True

    def key(self, number: int, function: Any) -> Any:
        """The key function of a sort: a built-in one that notes the keys it gives; any other as it is."""
        if not (isinstance(function, _BUILT_IN) or (isinstance(function, type) and function.__module__ == "builtins")):
            return function

        def noting(element: Any) -> Any:
            value = function(element)
            if self.on:
                self.note(number, value)
            return value

        return noting

    def note(self, number: int, value: Any) -> None:
        line = self.owners[number]
        step = len(self.lines) - 1
        while step >= 0 and (self.ends[step] >= 0 or self.lines[step] != line):  # the innermost step of its line under way
            step -= 1
        if step < 0 or step in self.cut:
            return
        count = self.counts[step] = self.counts.get(step, 0) + 1
        if count > _MOST_OF_A_STEP or len(self.steps) >= _MOST:
            self.cut.add(step)
            return
        self.steps.append(step)
        self.parts.append(number)
        self.moments.append(len(self.lines))
        self.part_values.append(self.table.setdefault(to_fields(value, MAX_TEXT), len(self.table)))


def _entries(entry: TracebackType | None) -> Iterator[TracebackType]:
    while entry is not None:
        yield entry
        entry = entry.tb_next


def _place(entry: TracebackType) -> Place:
    """Where the instruction stands in the source that raised an exception."""
    positions = entry.tb_frame.f_code.co_positions()
    return next(itertools.islice(positions, entry.tb_lasti // 2, None), (None, None, None, None))


def _error_text(error: BaseException) -> str:
    """An exception's type and message; the type alone where the message is long, or could be another one in the next run."""
    kind = type(error)
    plain = kind.__str__ in (BaseException.__str__, KeyError.__str__) and all(
        to_fields(value, MAX_TEXT)[1] is not None for value in error.args
    )
    message = str(error) if plain else ""
    if not message.isprintable() or len(message) > _MAX_MESSAGE or " at 0x" in message:
        message = ""
    return f"{kind.__name__}: {message}" if message else kind.__name__


class _Parts:
    """Hands the parts of a module's functions through the recorder. (Parts are numbered as `walk` finds them in the tree.)"""

    def __init__(self, tree: ast.Module, owners: dict[int, int], places: dict[Place, int]) -> None:
        self.tree = tree
        self.owners = owners
        for number, node in enumerate(walk(tree)):
            if isinstance(node, _RAISING_NODES) and _is_read(node):
                places.setdefault((node.lineno, node.end_lineno, node.col_offset, node.end_col_offset), number)
        self.numbers = {id(node): number for number, node in enumerate(walk(tree))}
        self.line = 0

    def module(self) -> None:
        """Rewrites the tree in place. What runs before the call is left as it is."""
        self.definitions(self.tree.body)

    def definitions(self, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.suite(node.body)
            else:
                for suite in rewrite.suites(node):
                    self.definitions(suite)

    def suite(self, body: list[ast.stmt]) -> None:
        for node in body:
            self.statement(node)

    def statement(self, node: ast.stmt) -> None:
        """Rewrites a statement's own parts, then the suites in it."""
        self.line = rewrite.first_line(node)
        if isinstance(node, ast.Return | ast.If | ast.While) and (
            value := getattr(node, "value", None) or getattr(node, "test", None)
        ):
            setattr(node, "value" if isinstance(node, ast.Return) else "test", self.part(self.inner(value), value))
        elif not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Delete | ast.Import | ast.ImportFrom
        ):
            old = self.old_item(node) if isinstance(node, ast.AugAssign) else None
            for name in _FIELDS:
                self.field(node, name)
            if old is not None and isinstance(node, ast.AugAssign):
                node.value = _after(old, node.value)
            for item in getattr(node, "items", ()):
                item.context_expr = self.expression(item.context_expr)
        for suite in rewrite.suites(node):
            self.suite(suite)

    def field(self, node: ast.AST, name: str) -> None:
        found = getattr(node, name, None)
        if isinstance(found, ast.expr):
            setattr(node, name, self.expression(found))
        elif isinstance(found, list):
            found[:] = [self.expression(one) if isinstance(one, ast.expr) else one for one in found]

    def expression(self, node: ast.expr) -> ast.expr:
        """An expression whose parts report themselves, and which does so itself where it computes something."""
        inside = self.inner(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
            return inside
        return self.part(inside, node) if isinstance(node, _RECORDED_NODES) and _is_read(node) else inside

    def inner(self, node: ast.expr) -> ast.expr:
        """The expression with the parts in it rewritten."""
        if isinstance(node, ast.Lambda):
            self.function(node)
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            self.comprehension(node)
        elif isinstance(node, ast.JoinedStr):
            self.text(node)
        elif isinstance(node, ast.Call):
            callee = node.func
            node.func = self.inner(callee) if isinstance(callee, ast.Attribute) else self.expression(callee)
            self.field(node, "args")
            for keyword in node.keywords:
                named = isinstance(keyword.value, ast.Name | ast.Attribute)
                self.field(keyword, "value")
                if named and keyword.arg == "key" and _sorts(callee):
                    keyword.value = self.key(keyword)
        elif isinstance(node, ast.NamedExpr):
            self.field(node, "value")
        elif not isinstance(node, ast.Constant | ast.Name):
            for name in node._fields:
                self.field(node, name)
        return node

    def part(self, made: ast.expr, node: ast.expr) -> ast.expr:
        number = self.numbers[id(node)]
        self.owners[number] = self.line
        call = ast.Call(ast.Name(PART, _LOAD), [ast.Constant(number), made], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))

    def key(self, keyword: ast.keyword) -> ast.expr:
        number = self.numbers[id(keyword)]
        self.owners[number] = self.line
        call = ast.Call(ast.Name(KEY, _LOAD), [ast.Constant(number), keyword.value], [])
        return ast.fix_missing_locations(ast.copy_location(call, keyword.value))

    def old_item(self, node: ast.AugAssign) -> ast.expr | None:
        """The report of the item that `xs[i] += 1` begins with, where to read it once more does nothing."""
        target = node.target
        if not isinstance(target, ast.Subscript) or not all(isinstance(one, _LOOKING) for one in walk(target)):
            return None
        number = self.numbers[id(target)]
        self.owners[number] = self.line
        item = ast.Subscript(target.value, target.slice, _LOAD)
        call = ast.Call(ast.Name(BINDING, _LOAD), [_tuple((number,)), item], [])
        return ast.fix_missing_locations(ast.copy_location(call, node.value))

    def bound(self, names: list[ast.Name] | list[ast.arg], near: ast.expr) -> ast.expr:
        """The report of names that were bound just now."""
        numbers = tuple(self.numbers[id(name)] for name in names)
        self.owners.update(dict.fromkeys(numbers, self.line))
        read = [ast.Name(name.id if isinstance(name, ast.Name) else name.arg, _LOAD) for name in names]
        call = ast.Call(ast.Name(BINDING, _LOAD), [_tuple(numbers), *read], [])
        return ast.fix_missing_locations(ast.copy_location(call, near))

    def function(self, node: ast.Lambda) -> None:
        names = [one for one in walk(node.args) if isinstance(one, ast.arg)]
        body = self.expression(node.body)
        node.body = _after(self.bound(names, body), body) if names else body

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        for made in node.generators:
            made.iter = self.expression(made.iter)
            made.ifs = [self.expression(test) for test in made.ifs]
            names = [one for one in walk(made.target) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
            if names:
                made.ifs.insert(0, self.bound(names, made.iter))
        for name in ("elt", "key", "value"):
            self.field(node, name)

    def text(self, node: ast.JoinedStr) -> None:
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                value.value = self.expression(value.value)
                if isinstance(value.format_spec, ast.JoinedStr):
                    self.text(value.format_spec)


_FIELDS = ("value", "targets", "target", "iter", "subject", "exc", "test", "msg")


_LOOKING = (ast.Name, ast.Constant, ast.Subscript, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)


def _tuple(numbers: tuple[int, ...]) -> ast.expr:
    return ast.Tuple([ast.Constant(number) for number in numbers], _LOAD)


def _after(report: ast.expr, value: ast.expr) -> ast.expr:
    """A value that is computed after a report, which is True."""
    return ast.fix_missing_locations(ast.copy_location(ast.IfExp(report, value, ast.Constant(None)), value))


def _sorts(callee: ast.expr) -> bool:
    """Whether a call is of `sorted`, `min`, `max` or a `sort` method, as far as its name tells."""
    if isinstance(callee, ast.Attribute):
        return callee.attr == "sort"
    return isinstance(callee, ast.Name) and callee.id in ("sorted", "min", "max")


def _is_read(node: ast.expr) -> bool:
    return isinstance(getattr(node, "ctx", _LOAD), ast.Load)
