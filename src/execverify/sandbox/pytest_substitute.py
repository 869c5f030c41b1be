"""A substitute for pytest in the confined process of the tests: a module of that name, and a function that runs a test.

It has the features that tests of single functions use: `raises`, `approx`, `mark.parametrize`, `fixture`, `param`, `fail`, `capsys`. A
test that uses any other feature has the outcome "unsupported".
"""

import contextlib
import inspect
import io
import itertools
import math
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

RUN = "__run_test__"
"""The name of `run_test` in the namespace of test code."""


class UnsupportedFeature(ImportError):
    """A test needs a feature that the substitute does not have."""


class Failed(AssertionError):
    """A test failed by `pytest.fail`, or because an expected exception was not raised."""


class CaughtException:
    """The exception that `raises` expected.

    Attributes:
        value, type: the exception and its type.
    """

    value: Any = None
    type: Any = None

    @property
    def typename(self) -> str:
        """Name of the exception's type."""
        return str(self.type.__name__)

    def match(self, pattern: str) -> bool:
        """Raises AssertionError where the exception's text has no match."""
        assert re.search(pattern, str(self.value)), f"{pattern!r} does not match {str(self.value)!r}"
        return True

    def __str__(self) -> str:
        return repr(self.value)


class _Raises:
    def __init__(self, expected: Any, match: str | None) -> None:
        self.expected = expected
        self.match = match
        self.caught = CaughtException()

    def __enter__(self) -> CaughtException:
        return self.caught

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> bool:
        if kind is None:
            raise Failed(f"{self.expected} was not raised")
        if not issubclass(kind, self.expected):
            return False
        self.caught.type, self.caught.value = kind, value
        if self.match is not None:
            self.caught.match(self.match)
        return True


def raises(expected: Any = None, *arguments: Any, match: str | None = None, **named: Any) -> Any:
    """Checks that a block, or a call, raises an exception of a type; raises `Failed` where it does not."""
    expected = named.pop("expected_exception", expected)
    if not arguments:
        return _Raises(expected, match)
    with _Raises(expected, match) as caught:
        arguments[0](*arguments[1:], **named)
    return caught


class Approximately:
    """A number, or numbers in a sequence or a dict, equal within a tolerance: 1e-6 relative, 1e-12 absolute."""

    __array_ufunc__ = None

    def __init__(self, expected: Any, rel: float | None, abs: float | None, nan_ok: bool) -> None:
        self.expected, self.rel, self.abs, self.nan_ok = expected, rel, abs, nan_ok

    def __eq__(self, actual: object) -> bool:
        return self.equal(actual, self.expected)

    def __ne__(self, actual: object) -> bool:
        return not self == actual

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"approx({self.expected!r})"

    def equal(self, actual: Any, expected: Any) -> bool:
        if isinstance(expected, Mapping):
            return (
                isinstance(actual, Mapping)
                and actual.keys() == expected.keys()
                and all(self.equal(actual[key], expected[key]) for key in expected)
            )
        if isinstance(expected, Sequence) and not isinstance(expected, str | bytes):
            return (
                isinstance(actual, Sequence)
                and len(actual) == len(expected)
                and all(self.equal(item, wanted) for item, wanted in zip(actual, expected, strict=True))
            )
        return self.close(actual, expected)

    def close(self, actual: Any, expected: Any) -> bool:
        if actual == expected:
            return True
        if isinstance(expected, bool) or expected is None or isinstance(expected, str):
            return False
        try:
            if math.isnan(abs(expected)):
                return self.nan_ok and math.isnan(abs(actual))
            if math.isinf(abs(expected)):
                return False
            absolute = 1e-12 if self.abs is None else self.abs
            relative = (
                (1e-6 if self.rel is None else self.rel) * abs(expected) if self.rel is not None or self.abs is None else 0.0
            )
            return bool(abs(expected - actual) <= max(absolute, relative))
        except TypeError:
            return False


def approx(expected: Any, rel: float | None = None, abs: float | None = None, nan_ok: bool = False) -> Approximately:
    """A value that equals numbers within a tolerance."""
    return Approximately(expected, rel, abs, nan_ok)


class _Marks:
    def __getattr__(self, name: str) -> Any:
        if name == "parametrize":
            return _parametrize
        if name == "skipif":
            return _skipif
        if name in ("skip", "xfail", "usefixtures", "asyncio"):
            raise UnsupportedFeature(f"pytest.mark.{name}")
        return lambda *arguments, **named: (
            arguments[0] if len(arguments) == 1 and callable(arguments[0]) else lambda function: function
        )


def _skipif(condition: Any, **_: Any) -> Callable[[Any], Any]:
    """A test that runs where the condition does not hold."""
    if condition is not False:
        raise UnsupportedFeature("pytest.mark.skipif whose condition holds")
    return lambda function: function


def _parametrize(argnames: Any, argvalues: Any, **_: Any) -> Callable[[Any], Any]:
    listed = [name.strip() for name in argnames.split(",")] if isinstance(argnames, str) else list(argnames)
    is_many = not isinstance(argnames, str) or len(listed) > 1

    def mark(function: Any) -> Any:
        if isinstance(function, type):
            raise UnsupportedFeature("pytest.mark.parametrize of a class")
        sets = [_by_name(listed, values, is_many) for values in argvalues]
        function.execverify_sets = [sets, *getattr(function, "execverify_sets", [])]
        return function

    return mark


class Param(tuple):  # type: ignore[type-arg]
    """One set of parameters."""


def param(*values: Any, **_: Any) -> Param:
    """One set of parameters; its id and marks are ignored."""
    return Param(values)


def _by_name(names: list[str], values: Any, is_many: bool) -> dict[str, Any]:
    values = values if isinstance(values, Param) or is_many else (values,)
    return dict(zip(names, values, strict=True))


def fixture(function: Any = None, **settings: Any) -> Any:
    """Marks a function that computes an argument of tests, anew for each test."""
    for unknown in ("params", "autouse"):
        if settings.get(unknown):
            raise UnsupportedFeature(f"pytest.fixture with {unknown}")

    def mark(marked: Any) -> Any:
        marked.execverify_fixture = settings.get("name") or marked.__name__
        return marked

    return mark if function is None else mark(function)


def fail(reason: str = "", **_: Any) -> None:
    """Fails the test."""
    raise Failed(reason)


def module() -> types.ModuleType:
    """The module that the tests get by `import pytest`."""
    made = types.ModuleType("pytest")
    made.__dict__.update(
        raises=raises,
        approx=approx,
        mark=_Marks(),
        param=param,
        fixture=fixture,
        fail=fail,
        main=lambda *_: 0,
        ExceptionInfo=CaughtException,
    )
    made.__dict__["__getattr__"] = _missing
    return made


def _missing(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise UnsupportedFeature(f"pytest.{name}")


# ------------------------------------------------------------------------------------------------------------ one test


class _Captured:
    """The fixture `capsys`."""

    def __init__(self) -> None:
        self.streams = io.StringIO(), io.StringIO()

    def readouterr(self) -> Any:
        texts = [stream.getvalue() for stream in self.streams]
        for stream in self.streams:
            stream.seek(0)
            stream.truncate()
        return types.SimpleNamespace(out=texts[0], err=texts[1])


_HOOKS = frozenset({"setup_function", "teardown_function", "setup_module", "teardown_module", "setUpModule", "tearDownModule"})
"""Functions that pytest calls by name, and that the substitute does not call."""


def run_test(test: Any, method: str | None = None, module: str = "tests") -> None:
    """Runs a test function, or a method of a test class of a loaded module, once for each set of its parameters.

    Raises:
        Exception: what the test raises.
        UnsupportedFeature: the test needs a feature that the substitute does not have.
    """
    for hook in _HOOKS & vars(sys.modules[module]).keys():
        raise UnsupportedFeature(f"{hook} of a test file")
    unittest = sys.modules.get("unittest")
    if method is not None and unittest is not None and issubclass(test, unittest.TestCase):
        try:
            test.setUpClass()
            test(method).debug()
            test.tearDownClass()
        except unittest.SkipTest as skipped:
            raise UnsupportedFeature(f"the condition of a skipped test: {skipped}") from None
        return
    for chosen in itertools.product(*getattr(test if method is None else getattr(test, method), "execverify_sets", [])):
        parameters = {name: value for some in chosen for name, value in some.items()}
        with contextlib.ExitStack() as stack:
            _call(_bound_test(test, method, stack), parameters, stack)


def _bound_test(test: Any, method: str | None, stack: contextlib.ExitStack) -> Any:
    if method is None:
        return test
    if hasattr(test, "setup_class"):
        test.setup_class()
    instance = test()
    for name in ("setup_method", "setup"):
        if hasattr(instance, name):
            before = getattr(instance, name)
            before(*([getattr(instance, method)] if inspect.signature(before).parameters else []))
            break
    return getattr(instance, method)


def _call(function: Any, parameters: dict[str, Any], stack: contextlib.ExitStack) -> None:
    scope = inspect.unwrap(function).__globals__
    owner = getattr(function, "__self__", None)
    made = {name: _argument(name, parameters, scope, owner, stack) for name in inspect.signature(function).parameters}
    result = function(**made)
    if inspect.iscoroutine(result):
        import asyncio

        asyncio.run(result)


def _argument(name: str, parameters: dict[str, Any], scope: dict[str, Any], owner: Any, stack: contextlib.ExitStack) -> Any:
    if name in parameters:
        return parameters[name]
    if name == "capsys":
        captured = _Captured()
        stack.enter_context(contextlib.redirect_stdout(captured.streams[0]))
        stack.enter_context(contextlib.redirect_stderr(captured.streams[1]))
        return captured
    known = (*scope.values(), *(getattr(owner, each) for each in dir(owner) if owner is not None and not each.startswith("__")))
    for made in known:
        if inspect.isroutine(made) and getattr(made, "execverify_fixture", None) == name:
            needed = {each: _argument(each, parameters, scope, owner, stack) for each in inspect.signature(made).parameters}
            value = made(**needed)
            if inspect.isgenerator(value):
                return stack.enter_context(_generated(value))
            return value
    raise UnsupportedFeature(f"the fixture {name}")


@contextlib.contextmanager
def _generated(fixture: Any) -> Iterator[Any]:
    yield next(fixture)
    next(fixture, None)
