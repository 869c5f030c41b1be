"""Problems of programming contests: APPS and TACO, CodeContests, open-r1's Codeforces."""

from collections.abc import Mapping
from typing import Any

from execverify.errors import RowError
from execverify.rewards.code.record_formats.record import Fields, Record, RecordFormat, has, text_of, texts_of
from execverify.rewards.code.record_formats.test_cases import case_tests
from execverify.rewards.code.test_formats import code_of, json_value, limits_of, pair_tests
from execverify.rewards.compare import TOKENS

_PYTHON_3 = 3  # as CodeContests numbers languages


def listed(value: Any, what: str) -> Any:
    """A value, or the value that its JSON text writes down."""
    return json_value(value, what) if isinstance(value, str) and value.strip() else value


def _input_output(fields: Fields) -> Record:
    truth = listed(fields["input_output"], "input_output")
    if not isinstance(truth, Mapping) or not truth:
        raise RowError("it has no tests: input_output is empty")
    tests = pair_tests(truth.get("inputs"), truth.get("outputs"), truth.get("fn_name"), **_rule(truth))
    solutions = fields.get("solutions", ())
    problem, starter = text_of(fields, "question", "problem", "prompt"), text_of(fields, "starter_code")
    return Record(
        tests,
        problem=f"{problem}\n\nBegin with:\n\n```python\n{starter.rstrip()}\n```" if starter.strip() and problem else problem,
        solutions=texts_of(listed(solutions, "solutions")),
        name=str(fields.get("problem_id", fields.get("id", fields.get("url", "")))),
        source=text_of(fields, "source"),
    )


def _rule(truth: Fields) -> dict[str, Any]:
    """Contests are judged by tokens; calls have results, and no output."""
    return {} if truth.get("fn_name") else {"compare": TOKENS}


def _code_contests(fields: Fields) -> Record:
    if text_of(fields, "input_file", "output_file").strip():
        raise RowError("its programs read and write files, and not standard input and output")
    inputs: list[Any] = []
    outputs: list[Any] = []
    for name in ("public_tests", "private_tests", "generated_tests"):
        tests = listed(fields.get(name), name)
        if isinstance(tests, Mapping):
            inputs += tests.get("input") or ()
            outputs += tests.get("output") or ()
    solutions = fields.get("solutions")
    programs: tuple[str, ...] = ()
    if isinstance(solutions, Mapping):
        pairs = zip(solutions.get("language") or (), solutions.get("solution") or (), strict=False)
        programs = tuple(text for language, text in pairs if language in (_PYTHON_3, "PYTHON3"))
    limit = fields.get("time_limit")
    seconds = limit.get("seconds", 0) + limit.get("nanos", 0) / 1e9 if isinstance(limit, Mapping) else limit
    memory = fields.get("memory_limit_bytes")
    settings = limits_of({"time_limit": seconds or None, "memory_limit": memory or None})
    tests = pair_tests(inputs, outputs, compare=TOKENS, **settings)
    return Record(tests, text_of(fields, "description"), solutions=programs, name=text_of(fields, "name"), source="codecontests")


_STATEMENT = ("description", "input_format", "output_format", "note")


def _codeforces(fields: Fields) -> Record:
    if fields.get("interaction_format"):
        raise RowError("it is interactive, and such problems are not judged")
    if fields.get("input_mode") not in (None, "", "stdio"):
        raise RowError("its programs read and write files, and not standard input and output")
    cases = [*(listed(fields.get("examples"), "examples") or ()), *(listed(fields.get("official_tests"), "official_tests") or ())]
    if not cases:
        raise RowError("it has no tests: examples and official_tests are empty")
    settings: dict[str, Any] = limits_of({name: fields.get(name) for name in ("time_limit", "memory_limit")})
    if fields.get("generated_checker"):
        settings["checker"] = code_of(fields["generated_checker"], "generated_checker")
    tests = case_tests(cases, compare=TOKENS, **settings)
    problem = "\n\n".join(text for name in _STATEMENT if (text := text_of(fields, name)))
    return Record(tests, problem, name=text_of(fields, "id"), source="codeforces")


INPUT_OUTPUT = RecordFormat("input_output", "APPS, TACO", has("input_output"), _input_output)
CODE_CONTESTS = RecordFormat("CodeContests", "deepmind/code_contests", has("public_tests", "private_tests"), _code_contests)
CODEFORCES = RecordFormat("Codeforces", "open-r1/codeforces", has("official_tests"), _codeforces)
