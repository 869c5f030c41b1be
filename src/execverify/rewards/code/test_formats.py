r"""Unit tests as data, and what makes them: of inputs and outputs, and of test code.

Each record format (`execverify.rewards.code.record_formats`) reads its own fields and makes tests here. A mistake in them
is a `RowError` and never
a reward of 0.
"""

import ast
import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from execverify.errors import RowError
from execverify.programs.literals import read_integer
from execverify.programs.program import module_names
from execverify.programs.values import to_value
from execverify.rewards.code.asserts import (
    entry_point_of,
    foreign_names,
    modules_needed,
    parse_test_code,
    split_tests,
    unsupported_reason,
    with_imports,
)
from execverify.rewards.compare import EXACT_LINES, OUTPUT_RULES

MAX_RESULT = 100_000
"""Longest literal of a result that is compared, in characters: as long as one that a candidate can give back."""

_MAX_ARGUMENT = 1_000_000
_MOST_SECONDS, _MOST_MEMORY = 3_600.0, 1 << 40


class UnitTestFormat(StrEnum):
    """How a candidate is tested: by calls of a function, as a program with stdin, or by test code."""

    CALL = "call"
    STDIN = "stdin"
    ASSERT = "assert"


@dataclass(frozen=True, slots=True)
class UnitTest:
    """One test.

    Attributes:
        given: a call's arguments as literal text, the text of stdin, or test code that asserts.
        expected: accepted results as literal text, or the one text of stdout; none for test code.
        unsupported: why no candidate can be judged by it; empty where candidates can.
        needs: modules beyond the standard library that test code imports: without them no candidate can be judged by it.
    """

    given: str
    expected: tuple[str, ...] = ()
    unsupported: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitTests:
    """The tests of one problem.

    Attributes:
        format: how a candidate is tested.
        tests: one test or more, in order.
        entry_point: what is called, `f` or `Solution.f`; None for programs with stdin, and where the one function of a candidate
            is called, whatever its name.
        setup: code that test code needs before it; trusted like the tests.
        from_json: whether expected results were JSON, which has no tuples.
        names: further names that test code uses and the candidate has to make.
        context: code that the problem gives and the candidate's own begins with: imports, classes such as `ListNode`.
        compare: how outputs are compared, by name (`OUTPUT_RULES`).
        checker: a program that judges outputs instead, where one is brought: it runs confined, with the paths of three files as its
            arguments (input, expected output, output), and prints 1 for right.
        time_limit: seconds for each test, where the problem states them.
        memory_limit: bytes, where the problem states them.
    """

    format: UnitTestFormat
    tests: tuple[UnitTest, ...]
    entry_point: str | None = None
    setup: str = ""
    from_json: bool = False
    names: tuple[str, ...] = ()
    context: str = ""
    compare: str = EXACT_LINES
    checker: str = ""
    time_limit: float | None = None
    memory_limit: int | None = None


# -------------------------------------------------------------------------------------------------------------- fields


def json_value(text: str, what: str) -> Any:
    """JSON text as data; raises RowError that says what it is of."""
    try:
        return json.loads(text, parse_int=read_integer)
    except ValueError as error:
        raise RowError(f"{what} cannot be read as JSON: {error}") from None
    except RecursionError:
        raise RowError(f"{what} cannot be read as JSON: it is nested too deeply") from None


def entries_of(value: Any, name: str) -> Sequence[Any]:
    """The entries of a list, or of its JSON text; raises RowError for another thing and for none."""
    if isinstance(value, str):
        value = json_value(value, name)
    if not isinstance(value, list | tuple):
        raise RowError(f"{name} must be a list, not {type(value).__name__}")
    if not value:
        raise RowError(f"{name} are empty: a problem without tests cannot be judged")
    return value


def function_of(name: Any, field: str) -> str:
    """The name of a function or method; raises RowError for what is none."""
    written = entry_point_of(name) if isinstance(name, str) else ""
    parts = written.split(".")
    if not 1 <= len(parts) <= 2 or not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        raise RowError(f"{field} must be the name of a function, or of a method as in Solution.f, not {name!r}")
    return written


def code_of(value: Any, field: str) -> str:
    """Code, or a list of its lines; raises RowError for another thing and for what does not parse."""
    if isinstance(value, list | tuple) and all(isinstance(line, str) for line in value):
        value = "\n".join(value)
    if not isinstance(value, str):
        raise RowError(f"{field} must be code, or a list of lines of it")
    parse_test_code(value, field)
    return value


def names_of(value: Any, field: str) -> tuple[str, ...]:
    """A list of names; raises RowError for another thing."""
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) and name.isidentifier() for name in value):
        raise RowError(f"{field} must be a list of names, not {value!r}")
    return tuple(value)


_AMOUNT = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(seconds?|secs?|s|megabytes?|mb)\s*", re.IGNORECASE)


def _amount(value: Any) -> Any:
    """A number of what a text says with its unit, as TACO does: "2.0 seconds", "256 megabytes"."""
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else float(found[1])


def limits_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The settings `time_limit` (seconds) and `memory_limit` (bytes; a number below a million counts megabytes) of a record.

    Raises:
        RowError: one is no number above 0.
    """
    found: dict[str, Any] = {}
    for name, most in (("time_limit", _MOST_SECONDS), ("memory_limit", _MOST_MEMORY)):
        value = _amount(fields.get(name))
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise RowError(f"{name} must be a number above 0, not {value!r}")
        found[name] = float(value) if name == "time_limit" else int(value if value >= 1_000_000 else value * 1024 * 1024)
    return found


# -------------------------------------------------------------------------------------------------- inputs and outputs


def pair_tests(inputs: Any, outputs: Any, fn_name: Any = None, *, calls: bool = False, **settings: Any) -> UnitTests:
    """Tests of inputs and outputs: calls where there is the name of a function, else runs of a program.

    Args:
        inputs, outputs: lists of one length, or their JSON texts.
        fn_name: what is called; None or "" for a program.
        calls: whether something is called though nobody says what: then it is the one function of a candidate, see `sole_function`.
        settings: further fields of `UnitTests`.

    Raises:
        RowError: they are no such lists.
    """
    inputs, outputs = entries_of(inputs, "inputs"), entries_of(outputs, "outputs")
    if len(inputs) != len(outputs):
        raise RowError(f"there are {len(inputs)} inputs and {len(outputs)} outputs: give one output for each input")
    if not fn_name and not calls:
        if settings.get("compare", EXACT_LINES) not in OUTPUT_RULES:
            raise RowError(f"compare must be one of {', '.join(OUTPUT_RULES)}, not {settings['compare']!r}")
        pairs = enumerate(zip(inputs, outputs, strict=True))
        tests = tuple(UnitTest(_text(a, f"inputs[{i}]"), (_text(b, f"outputs[{i}]"),)) for i, (a, b) in pairs)
        return UnitTests(UnitTestFormat.STDIN, tests, **settings)
    made = zip(map(_literals, _arguments(inputs)), map(_results, _outputs(inputs, outputs)), strict=True)
    tests = tuple(_call(given, expected) for given, expected in made)
    name = function_of(fn_name, "fn_name") if fn_name else None
    return UnitTests(UnitTestFormat.CALL, tests, name, from_json=True, **settings)


def _text(entry: Any, what: str) -> str:
    """A text; a number as it is written, and a list of both as lines."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, int | float) and not isinstance(entry, bool):
        return str(entry)
    if isinstance(entry, list | tuple) and not any(isinstance(line, list | tuple) for line in entry):
        return "\n".join(_text(line, what) for line in entry)
    raise RowError(f"{what} must be text, or a list of lines, and without fn_name it is {_kind(entry)}")


def _arguments(inputs: Sequence[Any]) -> list[Any]:
    """The arguments of each call: a list, a dict of named ones, or a text with one argument in JSON on each line."""
    found = []
    for number, entry in enumerate(inputs):
        if isinstance(entry, str):
            entry = [json_value(line, f"inputs[{number}]") for line in entry.split("\n") if line.strip()]
        if not isinstance(entry, list | tuple | dict):
            raise RowError(f"inputs[{number}] must be the list of a call's arguments, and it is {_kind(entry)}")
        if isinstance(entry, dict) and not all(name.isidentifier() and not keyword.iskeyword(name) for name in entry):
            raise RowError(f"inputs[{number}] must name the arguments of a call, and it has the keys {', '.join(entry)}")
        found.append(entry)
    return found


def _outputs(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The accepted results of each call.

    Where the inputs are JSON texts, so are the outputs. Where every output is a list of one item, nobody can tell whether
    the results were wrapped, and the item is accepted too.
    """
    if all(isinstance(entry, str) for entry in inputs):
        outputs = [json_value(out, f"outputs[{i}]") if isinstance(out, str) else out for i, out in enumerate(outputs)]
    if all(isinstance(out, list | tuple) and len(out) == 1 for out in outputs):
        return [(out, out[0]) for out in outputs]
    return [(out,) for out in outputs]


def _literals(arguments: Any) -> str | None:
    """The arguments of a call as literal text; None where one is too long or too deep to be written."""
    named = arguments if isinstance(arguments, dict) else {}
    texts = [to_value(argument, _MAX_ARGUMENT).text for argument in (named.values() if named else arguments)]
    if None in texts:
        return None
    if named:
        return ", ".join(f"{name}={text}" for name, text in zip(named, texts, strict=True))
    return ", ".join(text for text in texts if text is not None)


def _results(accepted: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(text for value in accepted if (text := to_value(value, MAX_RESULT).text) is not None)


def _call(given: str | None, expected: tuple[str, ...]) -> UnitTest:
    if given is None:
        return UnitTest("", expected, "its arguments are too long or too deep")
    return UnitTest(given, expected, "" if expected else "its result is too long or too deep to be compared")


def _kind(value: Any) -> str:
    return "null" if value is None else f"of type {type(value).__name__}"


# ----------------------------------------------------------------------------------------------------------- test code


def assert_tests(asserts: Any, *, setup: str = "", entry_point: Any = None, **settings: Any) -> UnitTests:
    """Tests of a list of texts, each with assertions, or of the text of them all.

    Args:
        asserts: the list. What asserts nothing (a helper, an import) is setup.
        setup: code before it.
        entry_point: what they test; where there is none, the one name that nobody else makes.
        settings: further fields of `UnitTests`, such as `names`.

    Raises:
        RowError: they are no such texts, or use names that nobody makes.
    """
    if isinstance(asserts, str):
        return code_tests(asserts, "asserts", setup=setup, entry_point=entry_point, **settings)
    if not isinstance(asserts, list | tuple) or not all(isinstance(entry, str) for entry in asserts):
        raise RowError("asserts must be a list of texts, each with a statement such as assert f(3) == 4")
    if not asserts:
        raise RowError("asserts are empty: a problem without tests cannot be judged")
    if _is_script(asserts):
        return code_tests("\n".join(asserts), "asserts", setup=setup, entry_point=entry_point, **settings)
    before, tests, names = [setup], [], list(settings.pop("names", ()))
    for number, entry in enumerate(asserts):
        parse_test_code(entry, f"asserts[{number}]")
        kept, found, said = _entry(entry, f"asserts[{number}]")
        before.append(kept)
        tests += found
        names += [name for name in said if name not in names]
    if not tests:
        raise RowError("asserts hold no assertion: a problem without tests cannot be judged")
    return _coded("\n".join(filter(None, before)), tests, entry_point, tuple(names), **settings)


def _is_script(asserts: Sequence[str]) -> bool:
    """Whether the texts are the lines of a script: something is done (`r = f(2)`) after an assertion, and before another one."""
    trees = [parse_test_code(entry, f"asserts[{number}]") for number, entry in enumerate(asserts)]
    asserting = [any(isinstance(part, ast.Assert) for part in ast.walk(tree)) for tree in trees]
    if True not in asserting:
        return False
    first = asserting.index(True)
    later = [tree for tree, asserts_something in zip(trees[first:], asserting[first:], strict=True) if not asserts_something]
    return any(isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr) for tree in later for node in tree.body)


def _entry(entry: str, what: str) -> tuple[str, list[tuple[str, str]], tuple[str, ...]]:
    """What of one text is setup, its tests, and the names that it takes from the solution."""
    code = split_tests(entry, what, may_lack=True)
    if not code.tests:
        return (code.setup, [], code.names) if _creates_without_setup(entry) else ("", [(entry, entry)], ())
    if code.names or any(given != looked_at for given, looked_at in code.tests):
        return code.setup, list(code.tests), code.names
    return "", [(entry, entry)], ()


_MAKERS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def _creates_without_setup(entry: str) -> bool:
    """Whether code makes names and does nothing else that could be a test."""
    return all(isinstance(node, _MAKERS) for node in parse_test_code(entry, "asserts").body)


def code_tests(source: Any, what: str, *, setup: str = "", entry_point: Any = None, **settings: Any) -> UnitTests:
    """Tests of test code in any form: `check(candidate)`, asserts, pytest's functions and classes, unittest's.

    Args:
        source: the code.
        what: what it is of, for messages.
        setup, entry_point, settings: as for `assert_tests`.

    Raises:
        RowError: it does not parse, tests nothing, or uses names that nobody makes.
    """
    if not isinstance(source, str):
        raise RowError(f"{what} must be code with a function check(candidate), with asserts, or with test functions")
    code = split_tests(source, what)
    name = function_of(entry_point or code.entry_point, "entry_point") if entry_point or code.entry_point else None
    names = tuple(dict.fromkeys((*settings.pop("names", ()), *code.names)))
    setup = f"{setup}\n{code.setup}".strip("\n")
    tests: list[tuple[str, str]] = list(code.tests)
    if code.parameter is not None:
        if name is None:
            raise RowError(f"{what} has a function check(candidate): name what it checks, as entry_point")
        tested = name.rpartition(".")[2]
        tests = [(f"{check}\ncheck({tested})", looked_at) for check, looked_at in tests]
        return _coded(setup, tests, name, names, parameter=code.parameter, **settings)
    return _coded(setup, tests, name, names, **settings)


def _coded(
    setup: str,
    tests: Sequence[tuple[str, str]],
    entry_point: Any,
    names: tuple[str, ...],
    parameter: str | None = None,
    **settings: Any,
) -> UnitTests:
    """Test code as tests, once it is known whose every name is."""
    context = settings.get("context", "")
    code = [given for given, _ in tests]
    if entry_point:
        name = function_of(entry_point, "entry_point")
    else:
        name = _only_name(setup, code, names)
    last = name.rpartition(".")[2]
    if last in module_names(parse_test_code(context, "the context")):
        raise RowError(f"the context makes {last} itself, which the candidate has to make")
    setup = with_imports(setup, code, {last, name.partition(".")[0], *names})
    nobodys = foreign_names(setup, code, name) - set(names)
    if nobodys:
        listed = ", ".join(sorted(nobodys))
        raise RowError(
            f"the tests use {listed}, which nobody makes: put it into setup, or list it under names where it is asked for"
        )
    stand_for = frozenset({last, name.partition(".")[0], *names, *([parameter] if parameter else [])})
    made = tuple(
        UnitTest(given, (), unsupported_reason(looked_at, setup, stand_for), modules_needed(given, looked_at, setup))
        for given, looked_at in tests
    )
    names = tuple(other for other in names if other not in (name, last))
    return UnitTests(UnitTestFormat.ASSERT, made, name, setup, names=names, **settings)


def _only_name(setup: str, tests: Sequence[str], names: tuple[str, ...]) -> str:
    """What is tested where nobody says so: the first name from the solution, or else the one name that nobody makes."""
    if names:
        return names[0]
    found = sorted(foreign_names(with_imports(setup, tests, names), tests))
    if len(found) != 1:
        what = f"use {', '.join(found)}" if found else "use nothing that is not defined"
        raise RowError(f"the asserts {what}: say which function is asked for, as entry_point")
    return found[0]
