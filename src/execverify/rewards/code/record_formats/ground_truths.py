"""Ground truths as such, without a problem: inputs and outputs, asserts, test code."""

from execverify.errors import RowError
from execverify.rewards.code.record_formats.record import Fields, Record, RecordFormat, has, refuse_others
from execverify.rewards.code.test_formats import assert_tests, code_of, code_tests, limits_of, names_of, pair_tests
from execverify.rewards.compare import EXACT_LINES

_LIMITS = frozenset({"time_limit", "memory_limit"})
_BESIDE = frozenset(
    {"testtype", "type", "language", "difficulty", "metadata", "source", "id", "name", "starter_code", "url", "remote"}
)
"""Fields that records carry beside their tests, and that change nothing in them."""

_PAIRS = frozenset({"inputs", "outputs", "fn_name", "compare", "checker"}) | _LIMITS | _BESIDE
_CODE = frozenset({"setup", "entry_point", "names", "context"}) | _LIMITS | _BESIDE


def _pairs(fields: Fields) -> Record:
    refuse_others(fields, _PAIRS)
    settings = limits_of(fields)
    if fields.get("compare", EXACT_LINES) != EXACT_LINES:
        settings["compare"] = fields["compare"]
    if fields.get("checker"):
        settings["checker"] = code_of(fields["checker"], "checker")
    return Record(pair_tests(fields["inputs"], fields["outputs"], fields.get("fn_name"), **settings))


def _columns(fields: Fields) -> Record:
    refuse_others(fields, frozenset({"input", "output"}) | _PAIRS)
    return _pairs({**{name: value for name, value in fields.items() if name not in ("input", "output")},
                   "inputs": fields["input"], "outputs": fields["output"]})  # fmt: skip


def settings_of(fields: Fields) -> dict[str, object]:
    """What all test code may have beside it."""
    found: dict[str, object] = {**limits_of(fields), "setup": code_of(fields.get("setup", ""), "the setup")}
    if fields.get("context"):
        found["context"] = code_of(fields["context"], "the context")
    if fields.get("names"):
        found["names"] = names_of(fields["names"], "names")
    return found


def _asserts(fields: Fields) -> Record:
    refuse_others(fields, frozenset({"asserts", "fn_name"}) | _CODE)
    entry_point = fields.get("entry_point") or fields.get("fn_name")
    return Record(assert_tests(fields["asserts"], entry_point=entry_point, **settings_of(fields)))  # type: ignore[arg-type]


def _test(fields: Fields) -> Record:
    refuse_others(fields, frozenset({"test"}) | _CODE)
    return Record(code_tests(fields["test"], "the test", entry_point=fields.get("entry_point"), **settings_of(fields)))  # type: ignore[arg-type]


def _functional(fields: Fields) -> Record:
    if not isinstance(fields["functional"], str):
        raise RowError("functional must be test code")
    return Record(code_tests(fields["functional"], "functional", **settings_of(fields)))  # type: ignore[arg-type]


PAIRS = RecordFormat("inputs and outputs", "PRIME, APPS, TACO, as ground truth", has("inputs", "outputs"), _pairs)
COLUMNS = RecordFormat(
    "columns",
    "CodeContests, as ground truth",
    lambda fields: set(fields) >= {"input", "output"} and isinstance(fields["input"], list | tuple),
    _columns,
)
ASSERTS = RecordFormat("asserts", "", has("asserts"), _asserts)
TEST = RecordFormat("test code", "HumanEval, LeetCode sets, pytest files, as ground truth", has("test"), _test)
FUNCTIONAL = RecordFormat("functional", "code-r1", has("functional"), _functional)
