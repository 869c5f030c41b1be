"""Published code problems: one reader a format, in one register, for `code-rows`, the rewards and `build --from` alike.

To add a format, write a module with a `RecordFormat` and list it in `_OWN`, or register it from outside with
`register_format`, before those that fit more records.

    >>> solution = "def add(a, b):\\n    return a + b"
    >>> found = read_record({"test_list": ["assert add(1, 2) == 3"], "text": "Add two numbers.", "code": solution})
    >>> found.problem, found.tests.entry_point, found.tests.tests[0].given, len(found.solutions)
    ('Add two numbers.', 'add', 'assert add(1, 2) == 3', 1)
    >>> read_record([{"input": "1\\n", "output": "2\\n", "testtype": "stdin"}]).tests.form
    <Form.STDIN: 'stdin'>
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

from execverify.errors import RowError
from execverify.programs.literals import read_integer
from execverify.rewards.code.asserts import parse_test_code
from execverify.rewards.code.record_formats import contests, functions, ground_truths, livecodebench, test_cases, training_sets
from execverify.rewards.code.record_formats.record import Fields, OtherAbility, Record, RecordFormat
from execverify.rewards.code.test_formats import UnitTests, assert_tests, code_tests, json_value
from execverify.utils.registry import Registry

__all__ = ["FORMATS", "OtherAbility", "Record", "RecordFormat", "format_of", "read_record", "read_truth", "register_format"]

_HINT = "inputs and outputs (with fn_name for a function), asserts, or test and entry_point; or a published format: "


def read_record(record: Any) -> Record:
    """A problem out of a record, or out of a ground truth alone.

    Args:
        record: a mapping in one of the formats; a list of test cases or of asserts; or the JSON text of one, or test code. A field that
            is None counts as absent.

    Raises:
        RowError: it is in none of the formats, or not whole; the message says where.
        OtherAbility: it is not about code.
    """
    if isinstance(record, str):
        return _read_text(record)
    if isinstance(record, list | tuple):
        return Record(_listed(list(record)))
    if not isinstance(record, Mapping):
        raise RowError(f"the tests must be a JSON object, a list of test cases, or code, not {type(record).__name__}")
    fields = {name: value for name, value in record.items() if value is not None}
    found = format_of(fields)
    if found is None:
        given = ", ".join(sorted(map(str, fields))) or "no fields"
        raise RowError(f"the tests have {given}: give {_HINT}{', '.join(FORMATS)}")
    return found.read(fields)


def read_truth(truth: Any) -> UnitTests:
    """The tests of a record, or of a ground truth."""
    return read_record(truth).tests


def format_of(fields: Fields) -> RecordFormat | None:
    """The format of a record, by its fields that are not None."""
    known = FORMATS.values()
    return next((one for one in (*(one for one in known if one not in _OWN), *_OWN) if one.matches(fields)), None)


def _listed(entries: list[Any]) -> UnitTests:
    if not entries:
        raise RowError("the tests are empty: a problem without tests cannot be judged")
    if all(isinstance(entry, str) for entry in entries):
        return assert_tests(entries)
    return test_cases.case_tests(entries)


@functools.lru_cache(maxsize=1024)
def _read_text(text: str) -> Record:
    """Rollouts of one problem come in groups, so its tests are read once."""
    if text.lstrip()[:1] in ("{", "[", '"'):
        truth = json_value(text, "the tests")
        if isinstance(truth, dict | list):
            return read_record(truth)
        raise RowError(f"the tests must be a JSON object, not {type(truth).__name__}")
    if _is_code(text):
        return Record(code_tests(text, "the tests"))
    raise RowError(f"the tests cannot be read as JSON: {_json_error(text)}")


def _is_code(text: str) -> bool:
    try:
        parse_test_code(text, "the tests")
    except RowError:
        return False
    return "assert" in text or "def test" in text or "def check" in text or "unittest" in text


def _json_error(text: str) -> str:
    try:
        found = json.loads(text, parse_int=read_integer)
    except (ValueError, RecursionError) as error:
        return str(error) or "it is nested too deeply"
    return f"it is {type(found).__name__}, and no object"


_OWN: tuple[RecordFormat, ...] = (
    training_sets.prime(read_record),
    test_cases.VERIFICATION,
    livecodebench.LIVECODEBENCH,
    contests.CODE_CONTESTS,
    contests.CODEFORCES,
    functions.MBPP,
    functions.HUMANEVAL,
    functions.LEETCODE,
    contests.INPUT_OUTPUT,
    functions.KODCODE,
    training_sets.deepcoder(read_record),
    test_cases.CASES,
    ground_truths.PAIRS,
    ground_truths.COLUMNS,
    ground_truths.ASSERTS,
    ground_truths.TEST,
    ground_truths.FUNCTIONAL,
)


def _load() -> None:
    for one in _OWN:
        FORMATS.register(one.name, one)


FORMATS: Registry[RecordFormat] = Registry("record format", RowError, _load)
"""All formats by name. The first that matches reads a record; those from outside the package are tried before its own."""


def register_format(record_format: RecordFormat) -> RecordFormat:
    """Adds a record format, which `dataset import` and the rewards then read."""
    return FORMATS.register(record_format.name, record_format)
