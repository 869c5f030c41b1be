"""Test cases one by one, each with its input and output: LiveCodeBench's, open-r1's and SYNTHETIC-1's, rllm's."""

from collections.abc import Mapping, Sequence
from typing import Any

from execverify.errors import RowError
from execverify.rewards.code.record_formats.record import Fields, Record, RecordFormat, has, text_of, texts_of
from execverify.rewards.code.test_formats import UnitTests, assert_tests, entries_of, json_value, limits_of, pair_tests

_STDIN = frozenset({"stdin", "stdin_stdout", "stdio"})
_CALLS = frozenset({"functional", "function_call", "call"})


def case_tests(cases: Sequence[Any], fn_name: Any = None, **settings: Any) -> UnitTests:
    """The tests of a list of cases.

    Args:
        cases: mappings with `input` and `output`, and where they say so `testtype` or `type`, `fn_name`, or `metadata` with `func_name`.
        fn_name: what is called, where cases of calls do not say so themselves.
        settings: further fields of `UnitTests`.

    Raises:
        RowError: they are no such list, or not all of one kind.
    """
    kinds, names = set(), set()
    for number, case in enumerate(cases):
        if not isinstance(case, Mapping) or "input" not in case or "output" not in case:
            raise RowError(f"test case {number} has no input and output")
        kinds.add(_kind(case, number, fn_name))
        names.add(_function(case) or fn_name or None)
    if len(kinds) != 1:
        raise RowError("the test cases are some calls and some programs: give all of one kind")
    calls = kinds == {"call"}
    if calls and len(names) != 1:
        raise RowError(
            f"the test cases call {', '.join(sorted(map(str, names)))}: give one name, as fn_name or metadata.func_name"
        )
    pairs = [case["input"] for case in cases], [case["output"] for case in cases]
    return pair_tests(*pairs, names.pop() if calls else None, calls=calls, **settings)


def _kind(case: Fields, number: int, fn_name: Any) -> str:
    said = case.get("testtype") or case.get("type")
    if said is None:
        return "call" if _function(case) or fn_name else "stdin"
    if said in _STDIN:
        return "stdin"
    if said in _CALLS:
        return "call"
    raise RowError(f"test case {number} is of type {said!r}: known are {', '.join(sorted(_STDIN | _CALLS))}")


def _function(case: Fields) -> Any:
    metadata = case.get("metadata")
    return case.get("fn_name") or (metadata.get("func_name") if isinstance(metadata, Mapping) else None)


def _test_cases(fields: Fields) -> UnitTests:
    language = str(fields.get("language") or "python").lower()
    if not language.startswith("py"):
        raise RowError(f"its tests are for {language}, and only Python is judged")
    cases = entries_of(fields["test_cases"], "test_cases")
    if all(isinstance(case, str) for case in cases):
        return assert_tests(cases)
    if not all(isinstance(case, Mapping) for case in cases):
        raise RowError("test_cases must be a list of cases, or of asserts")
    return case_tests(cases, fields.get("fn_name"), **limits_of(fields))


def _verification(fields: Fields) -> Record:
    info = fields["verification_info"]
    if isinstance(info, str):
        info = json_value(info, "verification_info")
    if not isinstance(info, Mapping):
        raise RowError(f"verification_info must be an object, not {type(info).__name__}")
    found = {name: value for name, value in info.items() if value is not None}
    if "test_cases" not in found:
        raise RowError(f"verification_info has {', '.join(map(str, found)) or 'no fields'}, and no test_cases")
    return Record(
        _test_cases(found),
        problem=text_of(fields, "problem", "prompt", "problem_statement", "problem_description"),
        solutions=texts_of(fields.get("gold_standard_solution")),
        name=text_of(fields, "problem_id", "in_source_id", "id"),
        source=text_of(fields, "source"),
    )


CASES = RecordFormat(
    "test cases", "open-r1 and SYNTHETIC-1, as ground truth", has("test_cases"), lambda fields: Record(_test_cases(fields))
)
VERIFICATION = RecordFormat("verification_info", "open-r1, SYNTHETIC-1", has("verification_info"), _verification)
