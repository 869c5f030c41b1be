"""Runs the tests of a repository in a confined process, and records which functions they call with which literal arguments.

The process gets the modules as text and imports them from memory: no file of the repository is read or written there. What it
replies is the repository's own account, plain data that the caller checks before it uses them.
"""

import dis
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import itertools
import sys
import types
import unittest  # loaded before the process is confined  # noqa: F401
from collections.abc import Mapping, Sequence
from typing import Any

from execverify.programs.program import read_arguments
from execverify.programs.values import to_value
from execverify.sandbox.job import register_runner
from execverify.sandbox.pytest_substitute import UnsupportedFeature, run_test
from execverify.sandbox.pytest_substitute import module as pytest_module
from execverify.sandbox.runners import describe_exception
from execverify.sandbox.worker import ExecutionContext

RECORD_CALLS = register_runner("execverify.sandbox.repository_calls", "record_calls")
"""Runs tests of one module, and replies with the calls of the repository's functions."""

REPEAT_CALLS = register_runner("execverify.sandbox.repository_calls", "repeat_calls")
"""Calls one function of the repository with literal arguments, and replies with the results."""

MAX_ARGUMENTS = 1_000
"""Longest text of a call's arguments, in characters."""

MAX_ITEMS = 1_000
"""Most items of an iterator that a function returned."""

_PREFIX = "<repository>/"


class _Modules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports modules from their text: for each name, the source and whether it is a package."""

    def __init__(self, modules: Mapping[str, Sequence[Any]]) -> None:
        self.modules = modules

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """The module's spec; None for one that the repository does not have."""
        if name not in self.modules:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=bool(self.modules[name][1]))

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """None, for a module as Python makes it."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Runs the module's text."""
        name = module.__name__
        module.__file__ = f"{_PREFIX}{name}.py"  # which is not there
        exec(compile(self.modules[name][0], _PREFIX + name, "exec", dont_inherit=True), module.__dict__)


class _Recorder:
    """Notes calls of functions at the top level of modules.

    Args:
        wanted: names of the modules.
        test: name of the test's module.
        most: how many calls of one function to keep.
    """

    def __init__(self, wanted: frozenset[str], test: str, most: int) -> None:
        self.wanted, self.most = wanted, most
        self.test_file = _PREFIX + test
        self.calls: dict[tuple[str, str], dict[str, bool]] = {}
        self.refused: dict[tuple[str, str], str] = {}
        self.left: dict[types.CodeType, int] = {}  # how many calls to look at; none of what is not wanted

    def trace(self, frame: types.FrameType, event: str, argument: object) -> None:
        """The function for `sys.settrace`. It gives None back, so that Python calls it at the start of functions alone."""
        code = frame.f_code
        left = self.left.get(code)
        if left is None:
            left = self.left[code] = self._looks(code)
        if left > 0 and frame.f_lasti <= _entry(code):
            self.left[code] = left - 1
            caller = frame.f_back
            module = code.co_filename[len(_PREFIX) :]
            if len(self.calls.get((module, code.co_name), ())) < self.most:
                self._note(module, frame, caller is not None and caller.f_code.co_filename == self.test_file)

    def _looks(self, code: types.CodeType) -> int:
        module = code.co_filename[len(_PREFIX) :] if code.co_filename.startswith(_PREFIX) else ""
        return 0 if module not in self.wanted or "." in code.co_qualname or "<" in code.co_name else 10 * self.most

    def _note(self, module: str, frame: types.FrameType, direct: bool) -> None:
        code = frame.f_code
        key = (module, code.co_name)
        function = inspect.unwrap(getattr(sys.modules.get(module), code.co_name, None))  # type: ignore[arg-type]
        if not isinstance(function, types.FunctionType) or function.__code__ is not code:
            self.refused.setdefault(key, "hidden by a decorator")
            return
        text = _arguments(function, frame.f_locals)
        if text is None:
            self.refused.setdefault(key, "non-literal arguments")
        elif len(text) > MAX_ARGUMENTS:
            self.refused.setdefault(key, "arguments too long")
        else:
            self.calls.setdefault(key, {}).setdefault(text, direct)


@functools.cache
def _entry(code: types.CodeType) -> int:
    """Where a function's own code begins: a generator that goes on is further than that."""
    return next((each.offset for each in dis.get_instructions(code) if each.opname == "RESUME"), 0)


def _arguments(function: types.FunctionType, values: Mapping[str, Any]) -> str | None:
    """A call's arguments as text, without those that are the defaults; None where one has no literal."""
    given: list[tuple[str, Any]] = []
    by_name = False
    for parameter in inspect.signature(function, follow_wrapped=False).parameters.values():
        value = values[parameter.name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            if value and by_name:
                return None
            given += [("", item) for item in value]
            by_name = True
        elif parameter.kind is parameter.VAR_KEYWORD:
            given += [(f"{name}=", item) for name, item in value.items()]
        elif value is parameter.default:
            by_name = True
        elif parameter.kind is parameter.POSITIONAL_ONLY and by_name:
            return None
        else:
            given.append((f"{parameter.name}=" if by_name or parameter.kind is parameter.KEYWORD_ONLY else "", value))
    texts = [(prefix, to_value(value, MAX_ARGUMENTS).text) for prefix, value in given]
    return None if any(text is None for _, text in texts) else ", ".join(f"{prefix}{text}" for prefix, text in texts)


def record_calls(job: dict[str, Any], context: ExecutionContext) -> dict[str, Any]:
    """Runs the tests `job["tests"]` of the module `job["module"]`, one after another.

    The reply holds "calls": module, function, arguments, and whether a test itself called; "refused": module, function, why; "tests": for
    each test "passed", or why it did not.
    """
    recorder = _Recorder(frozenset(job["wanted"]), job["module"], job["most"])
    sys.modules["pytest"] = pytest_module()
    sys.meta_path.insert(0, _Modules(job["modules"]))
    try:
        module = importlib.import_module(job["module"])
        ended = [_ended(module, test, recorder) for test in job["tests"]]
    except BaseException as error:
        ended = [_why(error)] * len(job["tests"])
    calls = [[*key, text, direct] for key, texts in recorder.calls.items() for text, direct in texts.items()]
    return {
        "outcome": "returned",
        "calls": calls,
        "refused": [[*key, why] for key, why in recorder.refused.items()],
        "tests": ended,
    }


def _ended(module: types.ModuleType, name: str, recorder: _Recorder) -> str:
    """Runs a test under the recorder."""
    class_name, _, method = name.rpartition(".")
    try:
        test = getattr(module, class_name or method)
        sys.settrace(recorder.trace)
        run_test(test, method if class_name else None, module=module.__name__)
        return "passed"
    except BaseException as error:
        return _why(error)
    finally:
        sys.settrace(None)


def _why(error: BaseException) -> str:
    if isinstance(error, UnsupportedFeature):
        return f"unsupported: {error}"
    return f"failed: {describe_exception(error)['detail']}"


def repeat_calls(job: dict[str, Any], context: ExecutionContext) -> dict[str, Any]:
    """Calls `job["module"]`'s function `job["entry_point"]` with each of `job["inputs"]`.

    The reply holds "results": for each, "value" with the fields of the result's value, "items" with those of the list of an
    iterator's items, or "raised" with the exception.
    """
    sys.modules["pytest"] = pytest_module()
    sys.meta_path.insert(0, _Modules(job["modules"]))
    try:
        function = getattr(importlib.import_module(job["module"]), job["entry_point"])
    except BaseException as error:
        return {"outcome": "returned", "results": [["raised", describe_exception(error)["detail"]]] * len(job["inputs"])}
    return {"outcome": "returned", "results": [_repeated(function, text) for text in job["inputs"]]}


def _repeated(function: Any, text: str) -> list[Any]:
    positional, named = read_arguments(text)
    try:
        result = function(*positional, **named)
        kind = "value"
        if hasattr(type(result), "__next__"):
            result, kind = list(itertools.islice(result, MAX_ITEMS + 1)), "items"
            if len(result) > MAX_ITEMS:
                return ["raised", f"it gives more than {MAX_ITEMS} items"]
    except BaseException as error:
        return ["raised", describe_exception(error)["detail"]]
    value = to_value(result)
    return [kind, [value.type, value.text, value.opaque_reason]]
