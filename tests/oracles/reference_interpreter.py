"""A second, slow, independent account of the steps that a Python program performs.

It is the oracle that the real tracer is held against, and shares neither code nor mechanism with it: the program is
never run by CPython but interpreted, node by node, and a step is recorded where the definition (DESIGN.md, "What a
step is") says that one begins. What cannot be done faithfully raises `Unsupported`; nothing is guessed.

- A logical line is found by tokenizing. A simple statement that begins on the line its frame is already on continues
  the step there (`a = 1; b = 2`, `if x: y = 1`); a header always begins a step, so a loop on one line steps per test.
- Functions are real functions whose body hands their bound arguments to the interpreter: CPython itself judges calls.
- A generator is a real generator whose body is interpreted in a thread, which runs only while the generator does.
- Control flow out of a statement is a value (`_BREAK`, `_CONTINUE`, `_Return`), exceptions are real exceptions: so
  `finally` is plain, and exception context and bare `raise` come out as CPython's.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import io
import sys
import threading
import tokenize
import types
import warnings
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from tests.oracles.reference_interpreter_expressions import (
    BINARY,
    Channel,
    FunctionNode,
    Mangler,
    Patterns,
    Scope,
    Unsupported,
    generator,
    names_of,
    parameters,
    qualified,
)

__all__ = ["Account", "State", "Unsupported", "account", "snapshot"]

State = dict[str, object]
_TOO_DEEP = "recursion near the limit"
_DEEPEST = 900  # nested calls; CPython's own limit, 1000, is a step too near to be told apart
_MOST_GENERATORS = 400  # each unfinished generator holds a thread
_LAZY_ANNOTATIONS = sys.version_info >= (3, 14)


@dataclass(frozen=True)
class Account:
    """What a call did: `steps` holds (line, frame, state) in the order in which they began."""

    steps: list[tuple[int, int, State | None]]
    result: object
    error: BaseException | None


def account(source: str, entry_point: str, arguments: str, max_steps: int = 20000) -> Account:
    """Run `source`, then `entry_point(arguments)`, and account for every step of that call.

    Frames are numbered by their first step, from 0 on, so that one without steps (a lambda's) takes no number. An
    exception which escapes, from the module or the call, is `error`. The program's `__name__` is "program". More than
    `max_steps` steps raise `Unsupported`. The work is done in a thread of its own because a tree-walker needs a deeper
    stack than the caller has.
    """
    outcome: list[Account | BaseException] = []

    def work() -> None:
        try:
            outcome.append(_Interpreter(source, max_steps).run(entry_point, arguments))
        except BaseException as error:
            outcome.append(error)

    recursion, stack = sys.getrecursionlimit(), threading.stack_size(512 << 20)
    sys.setrecursionlimit(200_000)
    try:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        threading.stack_size(64 << 20)
        thread.join()
    finally:
        threading.stack_size(stack)
        sys.setrecursionlimit(recursion)
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


# ---- values as text ------------------------------------------------------------------------------------------------


def snapshot(value: object) -> tuple[str, str]:
    """What `value` is at this moment: (type name, canonical text) of plain data, else ("opaque", type name).

    Plain data hold nothing but plain data: a list with an object of the program's in it, or with itself, is opaque.
    """
    text = _canonical(value, ())
    return ("opaque", type(value).__name__) if text is None else (type(value).__name__, text)


def _canonical(value: object, around: tuple[int, ...]) -> str | None:
    """Text that tells plain values apart, None for any other; `around` are the containers we are inside of."""
    kind = type(value)
    if kind in (str, float, bool, type(None), complex, bytes, bytearray, type(...), range):
        return repr(value)
    if kind is int:  # repr refuses integers of more than 4300 digits
        return repr(value) if cast(int, value).bit_length() < 14000 else hex(cast(int, value))
    if kind not in (list, tuple, dict, set, frozenset) or id(value) in around:
        return None
    around = (*around, id(value))
    if isinstance(value, dict):
        pairs = [(_canonical(key, around), _canonical(item, around)) for key, item in value.items()]
        if any(key is None or item is None for key, item in pairs):
            return None
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    items = [(type(item).__name__, _canonical(item, around)) for item in cast(Iterable[object], value)]
    texts = [text for _, text in items if text is not None]
    if len(texts) < len(items):
        return None
    if isinstance(value, set | frozenset):
        inner = ", ".join(text for _, text in sorted(cast(list[tuple[str, str]], items)))
        plain = f"{{{inner}}}" if inner else "set()"
        return plain if kind is set else f"frozenset({plain if inner else ''})"
    if kind is tuple:
        return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"
    return f"[{', '.join(texts)}]"


# ---- steps ---------------------------------------------------------------------------------------------------------


class _Recorder:
    """The steps so far. It is active during the call alone: what the module does when imported is no step."""

    def __init__(self, limit: int, refuse: Callable[[str], NoReturn]) -> None:
        self.limit, self.refuse, self.active, self.frames = limit, refuse, False, 0
        self.steps: list[list[Any]] = []


class _Frame:
    """One execution of a function's or class's body, which knows the step that it is in."""

    def __init__(self, scope: Scope, recorder: _Recorder, module: MutableMapping[str, Any]) -> None:
        self.scope, self.recorder, self.module = scope, recorder, module
        self.number: int | None = None
        self.line: int | None = None
        self.guards = 0  # how many try and with statements it is inside of
        self.step: list[Any] | None = None

    def begin(self, line: int, header: bool) -> None:
        """A statement begins. It opens a step, unless it is a simple one on the line where the frame already is."""
        if not header and line == self.line:
            if self.step is not None:
                self.step[2] = None
            return
        self.line, self.step = line, None
        if not self.recorder.active:
            return
        if len(self.recorder.steps) >= self.recorder.limit:
            self.recorder.refuse(f"more than {self.recorder.limit} steps")
        if self.number is None:
            self.number, self.recorder.frames = self.recorder.frames, self.recorder.frames + 1
        self.step = [line, self.number, None]
        self.recorder.steps.append(self.step)

    def finish(self) -> None:
        """The statement has ended without an exception: this, so far, is the state after its step."""
        if self.step is not None and self.recorder.active:
            visible = self.scope.visible(self.module)
            self.step[2] = {name: snapshot(value) for name, value in visible.items()}


def _logical_lines(source: str) -> dict[int, int]:
    """Maps each physical line to the first one of its logical line."""
    first: dict[int, int] = {}
    start: int | None = None
    blank = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(source, newline=None).readline):
        if token.type in blank:
            continue
        start = token.start[0] if start is None else start
        if token.type == tokenize.NEWLINE:
            first.update((row, start) for row in range(start, token.start[0] + 1))
            start = None
    return first


# ---- statements ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Return:
    value: Any


_BREAK, _CONTINUE = object(), object()
_Signal = object | None  # how a statement ended: None, _BREAK, _CONTINUE or a _Return


class _Statements(Patterns):
    """Executes statements: simple ones by the methods s_..., each within a step, and headers by the methods h_..."""

    def __init__(self, source: str, limit: int) -> None:
        super().__init__()
        self.source = source
        self.lines: dict[int, int] = {}
        self.recorder = _Recorder(limit, self.refuse)
        self.strings_for_annotations = False
        self.running: dict[Channel, _Frame] = {}  # the generators that have begun and not ended
        self.dropping = False  # a for loop is giving its iterator up

    def block(self, body: list[ast.stmt], frame: _Frame) -> _Signal:
        for node in body:
            signal = self.statement(node, frame)
            if signal is not None:
                return signal
        return None

    def statement(self, node: ast.stmt, frame: _Frame) -> _Signal:
        name = type(node).__name__
        if (header := getattr(self, f"h_{name}", None)) is not None:
            return cast(_Signal, header(node, frame))
        declares = isinstance(node, ast.AnnAssign) and node.value is None and frame.scope.kind == "function"
        if declares or isinstance(node, ast.Global | ast.Nonlocal):
            return None
        frame.begin(self.lines[node.lineno], header=False)
        signal = getattr(self, f"s_{name}")(node, frame.scope)
        frame.finish()
        return cast(_Signal, signal)

    def header(self, node: ast.stmt | ast.ExceptHandler, frame: _Frame) -> None:
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        frame.begin(self.lines[decorators[0].lineno if decorators else node.lineno], header=True)

    def note(self, error: BaseException) -> None:
        """Keeps the program's handlers from catching what is ours."""
        if isinstance(error, RecursionError):
            self.refuse(_TOO_DEEP)
        if self.fault is not None:
            raise self.fault

    # -- simple statements

    def s_Expr(self, node: ast.Expr, scope: Scope) -> None:
        self.value(node.value, scope)

    def s_Pass(self, node: ast.Pass, scope: Scope) -> None:
        pass

    def s_Break(self, node: ast.Break, scope: Scope) -> _Signal:
        return _BREAK

    def s_Continue(self, node: ast.Continue, scope: Scope) -> _Signal:
        return _CONTINUE

    def s_Return(self, node: ast.Return, scope: Scope) -> _Signal:
        return _Return(None if node.value is None else self.value(node.value, scope))

    def s_Assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.value(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)

    def s_AugAssign(self, node: ast.AugAssign, scope: Scope) -> None:
        target, combine = node.target, BINARY[type(node.op)][1]
        if isinstance(target, ast.Name):
            old = self.load(target.id, scope)
            self.assign(target, combine(old, self.value(node.value, scope)), scope)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, scope)
            old = getattr(owner, target.attr)
            setattr(owner, target.attr, combine(old, self.value(node.value, scope)))
        else:
            container = self.value(target.value, scope)
            key = self.value(target.slice, scope)
            old = container[key]
            container[key] = combine(old, self.value(node.value, scope))

    def s_AnnAssign(self, node: ast.AnnAssign, scope: Scope) -> None:
        """In a function the annotation is not evaluated; in a class or module it is, after the assignment."""
        if node.value is not None:
            self.assign(node.target, self.value(node.value, scope), scope)
        if scope.kind == "function" or not node.simple:
            return
        if _LAZY_ANNOTATIONS and scope.kind == "class":
            self.refuse("annotations in a class body, which this Python evaluates later")
        if self.strings_for_annotations:
            annotation: object = ast.unparse(node.annotation)
        else:
            annotation = None if _LAZY_ANNOTATIONS else self.value(node.annotation, scope)
        if "__annotations__" not in scope.vars:
            scope.vars["__annotations__"] = {}
        scope.vars["__annotations__"][cast(ast.Name, node.target).id] = annotation

    def s_Delete(self, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            self.delete(target, scope)

    def delete(self, target: ast.expr, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            self.load(target.id, scope)  # for its complaint
            del self.place(target.id, scope)[target.id]
        elif isinstance(target, ast.Attribute):
            delattr(self.value(target.value, scope), target.attr)
        elif isinstance(target, ast.Subscript):
            container = self.value(target.value, scope)
            del container[self.value(target.slice, scope)]
        else:
            for one in cast(ast.Tuple, target).elts:
                self.delete(one, scope)

    def s_Assert(self, node: ast.Assert, scope: Scope) -> None:
        if not self.value(node.test, scope):
            raise AssertionError(*([] if node.msg is None else [self.value(node.msg, scope)]))

    def s_Raise(self, node: ast.Raise, scope: Scope) -> None:
        if node.exc is None:
            if self.running and sys.exc_info()[1] is None:
                self.refuse("raise of what a generator's caller handles")
            raise  # what is handled here: the handlers of the program run inside of ours
        error = self.value(node.exc, scope)
        if node.cause is None:
            raise error
        raise error from self.value(node.cause, scope)

    def s_Import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        found: dict[str, Any] = {}
        exec(compile(ast.Module([node], []), "<program>", "exec", dont_inherit=True), self.globals, found)
        for name, value in found.items():
            self.place(name, scope)[name] = value
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            self.strings_for_annotations |= "annotations" in found

    s_ImportFrom = s_Import

    # -- compound statements

    def h_If(self, node: ast.If, frame: _Frame) -> _Signal:
        self.header(node, frame)
        holds = bool(self.value(node.test, frame.scope))
        frame.finish()
        return self.block(node.body if holds else node.orelse, frame)

    def h_While(self, node: ast.While, frame: _Frame) -> _Signal:
        while True:
            self.header(node, frame)
            holds = bool(self.value(node.test, frame.scope))
            frame.finish()
            if not holds:
                return self.block(node.orelse, frame)
            signal = self.block(node.body, frame)
            if signal is _BREAK:
                return None
            if isinstance(signal, _Return):
                return signal

    def h_For(self, node: ast.For, frame: _Frame) -> _Signal:
        self.header(node, frame)
        iterator = iter(self.value(node.iter, frame.scope))
        end = object()
        try:
            while True:
                item = next(iterator, end)
                if item is not end:
                    self.assign(node.target, item, frame.scope)
                frame.finish()
                if item is end:
                    return self.block(node.orelse, frame)
                item = None  # held no longer than CPython holds it
                signal = self.block(node.body, frame)
                if signal is _BREAK:
                    return None
                if isinstance(signal, _Return):
                    return signal
                self.header(node, frame)
        finally:
            before, self.dropping = self.dropping, True
            del iterator  # now, not when a traceback lets go of it: to close a generator may be to take steps
            self.dropping = before

    def h_With(self, node: ast.With, frame: _Frame) -> _Signal:
        self.header(node, frame)
        frame.guards += 1
        try:
            return self.within(node, 0, frame)
        finally:
            frame.guards -= 1

    def within(self, node: ast.With, number: int, frame: _Frame) -> _Signal:
        """Enters the context managers from `number` on, then runs the body: each manager guards those after it."""
        if number == len(node.items):
            frame.finish()
            return self.block(node.body, frame)
        item = node.items[number]
        manager = self.value(item.context_expr, frame.scope)
        enter, leave = _special(manager, "__enter__"), _special(manager, "__exit__")
        if enter is None or leave is None:
            with manager:  # for CPython's complaint
                raise AssertionError("a context manager without its methods")
        value = enter()
        try:
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, frame.scope)
            signal = self.within(node, number + 1, frame)
        except BaseException as error:
            self.note(error)
            if leave(type(error), error, error.__traceback__):
                return None
            raise
        leave(None, None, None)
        return signal

    def h_Match(self, node: ast.Match, frame: _Frame) -> _Signal:
        self.header(node, frame)
        subject = self.value(node.subject, frame.scope)
        for case in node.cases:
            bound: dict[str, Any] = {}
            if not self.matches(case.pattern, subject, frame.scope, bound):
                continue
            for name, value in bound.items():
                self.place(name, frame.scope)[name] = value
            if case.guard is None or self.value(case.guard, frame.scope):
                frame.finish()
                return self.block(case.body, frame)
        frame.finish()
        return None

    def h_Try(self, node: ast.Try, frame: _Frame) -> _Signal:
        frame.guards += 1
        try:
            return self.concluded(node, frame)
        finally:
            frame.guards -= 1

    def concluded(self, node: ast.Try, frame: _Frame) -> _Signal:
        """A try statement with its `finally`."""
        try:
            signal = self.attempt(node, frame)
        except BaseException as error:
            self.note(error)
            signal = self.block(node.finalbody, frame)
            if signal is None:
                raise
            return signal
        overruled = self.block(node.finalbody, frame)
        return signal if overruled is None else overruled

    def attempt(self, node: ast.Try, frame: _Frame) -> _Signal:
        """A try statement but for its `finally`. The handlers run where `error` is the exception being handled."""
        try:
            signal = self.block(node.body, frame)
        except BaseException as error:
            self.note(error)
            for handler in node.handlers:
                self.header(handler, frame)
                if handler.type is None or _catches(self.value(handler.type, frame.scope), error):
                    return self.handle(handler, error, frame)
                frame.finish()
            raise
        return self.block(node.orelse, frame) if signal is None else signal

    def handle(self, handler: ast.ExceptHandler, error: BaseException, frame: _Frame) -> _Signal:
        if handler.name is None:
            frame.finish()
            return self.block(handler.body, frame)
        place = self.place(handler.name, frame.scope)
        place[handler.name] = error
        frame.finish()
        try:
            return self.block(handler.body, frame)
        finally:
            place.pop(handler.name, None)


def _special(value: object, name: str) -> Any:
    """A special method, looked up as CPython does: on the type alone, then bound."""
    for kind in type(value).__mro__:
        if name in kind.__dict__:
            found = kind.__dict__[name]
            bind = getattr(type(found), "__get__", None)
            return found if bind is None else bind(found, value, type(value))
    return None


def _catches(kinds: Any, error: BaseException) -> bool:
    """Whether `except kinds` catches `error`: by real inheritance, which no `__subclasscheck__` has a say in."""
    listed = kinds if isinstance(kinds, tuple) else (kinds,)
    for kind in listed:
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise TypeError("catching classes that do not inherit from BaseException is not allowed")
    return any(kind in type(error).__mro__ for kind in listed)


# ---- functions, classes, programs ----------------------------------------------------------------------------------


class _Interpreter(_Statements):
    """A program, ready to be run once."""

    def __init__(self, source: str, limit: int) -> None:
        super().__init__(source, limit)
        self.depth = 0
        self.shells: dict[FunctionNode, Callable[[Callable[[dict[str, Any]], Any]], types.FunctionType]] = {}

    def run(self, entry_point: str, arguments: str) -> Account:
        result, error = None, None
        silent = io.StringIO()
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a test run may make errors of warnings, which the program would meet
            try:
                scope = self.module()
                call = ast.parse(f"{entry_point}({arguments})", mode="eval").body
                function, positional, named = self.call_parts(cast(ast.Call, call), scope)
                self.recorder.active = True
                result = function(*positional, **named)
            except BaseException as caught:
                if isinstance(caught, RecursionError):
                    self.fault = self.fault or Unsupported(_TOO_DEEP)
                error = caught.with_traceback(None)
            self.recorder.active = False
            self.leftovers()
        if self.fault is not None:
            raise self.fault
        return Account([(line, frame, state) for line, frame, state in self.recorder.steps], result, error)

    def leftovers(self) -> None:
        """Had CPython already closed a generator that is left, its clean-up might have been part of the account."""
        if self.fault is None and any(frame.guards for frame in self.running.values()):
            self.fault = Unsupported("a generator left inside of a try or with statement")
        for channel in list(self.running):
            if channel in self.running:  # not ended by the end of another
                channel.end()

    def abandoned(self, channel: Channel, kind: str) -> None:
        """When exactly a generator nobody refers to is closed is faithful for the iterator of a for loop alone."""
        guarded = channel in self.running and (self.running[channel].guards or kind == "delegate")
        if guarded and not self.dropping:
            self.fault = self.fault or Unsupported("a generator abandoned inside of a try or with statement")

    def module(self) -> Scope:
        compile(self.source, "<program>", "exec", dont_inherit=True)
        self.lines = _logical_lines(self.source)
        tree = ast.parse(self.source)
        if (reason := _objection(tree)) is not None:
            self.refuse(reason)
        tree = cast(ast.Module, Mangler().visit(tree))
        scope = Scope("module", self.globals, self.names(tree), None)
        self.block(tree.body, _Frame(scope, self.recorder, self.globals))
        return scope

    # -- functions

    def h_FunctionDef(self, node: ast.FunctionDef, frame: _Frame) -> None:
        self.header(node, frame)
        decorators = [self.value(one, frame.scope) for one in node.decorator_list]
        made: Any = self.function(node, frame.scope)
        for decorator in reversed(decorators):
            made = decorator(made)
        self.place(node.name, frame.scope)[node.name] = made
        frame.finish()

    def function(self, node: FunctionNode, scope: Scope) -> types.FunctionType:
        """A function of CPython's, with this signature and these defaults, that interprets the body of `node`."""
        defaults = tuple([self.value(one, scope) for one in node.args.defaults])
        keywords = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        named = {one.arg: self.value(default, scope) for one, default in keywords if default is not None}
        name = "<lambda>" if isinstance(node, ast.Lambda) else cast(str, getattr(node, "title", node.name))
        title = qualified(scope, name)
        if node not in self.shells:
            self.shells[node] = _shell(node, name, self.globals)
        made = self.shells[node](lambda bound: self.enter(node, scope, bound, title))
        made.__defaults__, made.__kwdefaults__ = defaults or None, named or None
        made.__qualname__ = title
        if isinstance(node, ast.FunctionDef):
            self.annotate(made, node, scope)
        return made

    def annotate(self, made: types.FunctionType, node: ast.FunctionDef, scope: Scope) -> None:
        noted = [(one.arg, one.annotation) for one in parameters(node.args)] + [("return", node.returns)]
        given = [(name, annotation) for name, annotation in noted if annotation is not None]
        if self.strings_for_annotations:
            made.__annotations__ = {name: ast.unparse(annotation) for name, annotation in given}
        elif not _LAZY_ANNOTATIONS:
            made.__annotations__ = {name: self.value(annotation, scope) for name, annotation in given}

    def enter(self, node: FunctionNode, outer: Scope, bound: dict[str, Any], title: str) -> Any:
        """A call, with its arguments bound: the value that it returns, or its generator."""
        scope = Scope("function", bound, self.names(node), outer, title)
        positional = [*node.args.posonlyargs, *node.args.args]
        scope.first = positional[0].arg if positional else None
        if self.depth >= _DEEPEST:
            self.refuse(_TOO_DEEP)
        if isinstance(node, ast.FunctionDef) and scope.names.yields:
            return generator(functools.partial(self.body_of_generator, node, scope), title, self.abandoned)
        self.depth += 1
        try:
            return self.value(node.body, scope) if isinstance(node, ast.Lambda) else self.body(node, scope)
        finally:
            self.depth -= 1

    def body(self, node: ast.FunctionDef, scope: Scope) -> Any:
        frame = _Frame(scope, self.recorder, self.globals)
        if scope.channel is not None:
            self.running[scope.channel] = frame
        signal = self.block(node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body, frame)
        return signal.value if isinstance(signal, _Return) else None

    def body_of_generator(self, node: ast.FunctionDef, scope: Scope, channel: Channel) -> Any:
        if len(self.running) >= _MOST_GENERATORS:
            self.refuse("too many generators at a time")
        scope.channel = channel
        try:
            return self.body(node, scope)
        finally:
            self.running.pop(channel, None)

    # -- classes

    def h_ClassDef(self, node: ast.ClassDef, frame: _Frame) -> None:
        self.header(node, frame)
        decorators = [self.value(one, frame.scope) for one in node.decorator_list]
        bases = self.elements(node.bases, frame.scope)
        named = self.named_arguments(type, node.keywords, frame.scope)
        title = cast(str, getattr(node, "title", node.name))
        body = functools.partial(self.class_body, node, frame.scope, qualified(frame.scope, title))
        made: Any = types.new_class(title, tuple(bases), named, body)
        for decorator in reversed(decorators):
            made = decorator(made)
        self.place(node.name, frame.scope)[node.name] = made
        frame.finish()

    def class_body(self, node: ast.ClassDef, outer: Scope, title: str, space: dict[str, Any]) -> None:
        space["__module__"], space["__qualname__"] = self.globals["__name__"], title
        scope = Scope("class", space, self.names(node), outer, title)
        body = node.body
        if (text := ast.get_docstring(node, clean=sys.version_info >= (3, 13))) is not None:
            space["__doc__"], body = text, body[1:]
        self.block(body, _Frame(scope, self.recorder, self.globals))
        if scope.names.free & {"super", "__class__"}:  # type.__new__ fills the cell
            space["__classcell__"] = scope.cell


def _shell(
    node: FunctionNode, name: str, module: dict[str, Any]
) -> Callable[[Callable[[dict[str, Any]], Any]], types.FunctionType]:
    """Compiles what makes a function with the signature of `node`, which calls `run` with its bound arguments.

    `run` is spelt ".run", which no parameter can be called. The docstring stays in, for the compiler to see to.
    """
    plain = "def make(run):\n def made(): return 0\n return made"
    tree = ast.parse("def make(run):\n return lambda: 0" if isinstance(node, ast.Lambda) else plain)
    make = cast(ast.FunctionDef, tree.body[0])
    make.args.args[0].arg = ".run"
    arguments = copy.deepcopy(node.args)
    every = parameters(arguments)
    for one in every:
        one.annotation = None
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [None if one is None else ast.Constant(None) for one in arguments.kw_defaults]
    given: list[ast.expr] = [ast.Name(one.arg, ast.Load()) for one in every]
    bound = ast.Dict([ast.Constant(one.arg) for one in every], given)
    call = ast.Call(ast.Name(".run", ast.Load()), [bound], [])
    if isinstance(node, ast.Lambda):
        inner = cast(ast.Lambda, cast(ast.Return, make.body[0]).value)
        inner.args, inner.body = arguments, call
    else:
        outer, back = cast(ast.FunctionDef, make.body[0]), cast(ast.Return, make.body[1])
        outer.name, outer.args = name, arguments
        outer.body = [*(node.body[:1] if ast.get_docstring(node) is not None else []), ast.Return(call)]
        cast(ast.Name, back.value).id = name
    space: dict[str, Any] = {}
    exec(compile(ast.fix_missing_locations(tree), "<program>", "exec", dont_inherit=True), module, space)
    return cast(Callable[[Callable[[dict[str, Any]], Any]], types.FunctionType], space["make"])


_NODES = {"AsyncFunctionDef", "AsyncFor", "AsyncWith", "Await", "TryStar", "TypeAlias", "TemplateStr"}
_MODULES = {"asyncio", "concurrent", "gc", "inspect", "multiprocessing", "signal", "threading", "traceback", "weakref"}
_FRAMES = {"_getframe", "settrace", "setprofile", "setrecursionlimit", "__traceback__", "tb_lineno", "gi_frame", "gi_code"}
_FUNCTIONS = {"__code__", "__closure__", "__globals__", "__annotate__", "__del__", "getrefcount"}
_HANDLING = {"__context__", "exc_info"}  # what is being handled does not cross into a generator's thread

_LATER = {"__annotations__", "get_type_hints"}


def _objection(tree: ast.AST) -> str | None:
    """What is in the program that would need threads, or could show it that it is being interpreted."""
    nodes = list(ast.walk(tree))
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes)
    attributes = _FRAMES | _FUNCTIONS | (_HANDLING if yields else set()) | (_LATER if _LAZY_ANNOTATIONS else set())
    for node in nodes:
        name = type(node).__name__
        if name in _NODES or getattr(node, "type_params", None) or getattr(node, "is_async", False):
            return f"{name} of this kind"
        if isinstance(node, ast.Lambda) and names_of(node).yields:
            return "yield in a lambda"
        if isinstance(node, ast.AnnAssign) and not node.value and any(isinstance(one, ast.Call) for one in ast.walk(node.target)):
            return "a call in the target of an annotation"
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(module.split(".")[0] in _MODULES for module in modules):
            return f"import of {', '.join(modules)}"
        named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "name", None)
        if isinstance(named, str) and named in attributes:
            return named
    return None
