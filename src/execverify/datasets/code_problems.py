"""Code problems that others have published become rows that the unit-test rewards judge.

A record may be in any format of `execverify.rewards.code.record_formats`. One that is not whole is left out and counted
with its reason; one that
is not about code is only counted. Where records bring reference solutions, their tests can be checked against these.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from execverify.datasets.dedup import HashSet, stable_hash
from execverify.datasets.from_programs import SkippedProgram
from execverify.datasets.rows_io import read_parquet
from execverify.errors import RowError
from execverify.questions.prompts import DEFAULT, problem_prompt_text
from execverify.questions.rows import VERSION, Row
from execverify.questions.task import CODE_GENERATION
from execverify.rewards.code.check_tests import TestCheck, UnitTestValidity, check_tests
from execverify.rewards.code.record_formats import OtherAbility, Record, read_record
from execverify.rewards.code.test_formats import UnitTest, UnitTestFormat, UnitTests
from execverify.rewards.code.unit_tests import questions_of
from execverify.utils.hub import hub_access
from execverify.utils.read_files import BadLine, read_records

HUB = "PRIME-RL/Eurus-2-RL-Data"
"""A public name of such data."""

_REQUEST = re.compile(
    r"\s*Write Python code to solve the problem\.\s*Present the code in\s*```python\s*Your code\s*```\s*at the end\.?\s*$"
)
"""How PRIME's prompts end; our template states the answer's form instead."""


@dataclass
class ImportReport:
    """What became of the records of a source; filled while rows are made.

    Attributes:
        records: how many were read.
        not_code: how many of these are of another ability than code, by ability.
        rows: how many rows were made, by how a candidate is tested.
        tests: how many tests they have.
        left_out: how many tests of them cannot be judged by, by reason.
        drops: the records that gave no row.
        standings: how many records have tests of each standing, where they were checked.
    """

    records: int = 0
    not_code: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    tests: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    drops: list[SkippedProgram] = field(default_factory=list)
    standings: Counter[UnitTestValidity] = field(default_factory=Counter)


class _MalformedRecord(Exception):
    """A record gives no row: a reason that many share, and what exactly."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def problem_rows(
    source: str,
    account: ImportReport,
    *,
    split: str = "train",
    template: str = DEFAULT,
    keep_prompts: bool = False,
    check: bool = False,
) -> Iterator[Row]:
    """Rows of the code problems of a source, in its order, each problem once.

    Args:
        source: a file of JSON lines or one JSON array, gzipped or not, a .parquet file, a folder of Parquet files whose names begin
            with the split, or a name on the hub.
        account: filled as rows are made.
        split: which split of a folder or of the hub's data; written into the rows.
        template: what states the answer's form, in place of PRIME's own instructions.
        keep_prompts: leave chat messages as they are; they do not ask for the tags that earn the bonus for form.
        check: run the tests against the record's reference solution and against answers without work: tests that any answer passes
            are left out, and a record whose reference fails a test gives no row.

    Raises:
        RowError: no such source, or it cannot be read.
    """
    problem_prompt_text("", None, template)  # a template that is not there is reported before anything is read
    seen = HashSet()
    for where, given in _records(source, split):
        account.records += 1
        name = "?"
        try:
            record = _read(given)
            name = record.name or "?"
            tests = _judging(record, account, check)
            row = _row(record, tests, split, template, keep_prompts)
            if not seen.add(stable_hash(row["id"])):
                raise _MalformedRecord("it is a duplicate of an earlier record", "the same problem with the same tests")
        except OtherAbility as other:
            account.not_code[str(other)] += 1
            continue
        except _MalformedRecord as error:
            account.drops.append(SkippedProgram(name, where, error.reason, error.detail))
            continue
        account.rows[str(tests.format)] += 1
        account.tests += len(tests.tests)
        yield row


# ------------------------------------------------------------------------------------------------------------ one record


def _read(given: Any) -> Record:
    """A record; a mistake in it becomes a reason that many share."""
    if isinstance(given, BadLine):
        raise _MalformedRecord("it is no record", given.why)
    if not isinstance(given, Mapping):
        raise _MalformedRecord("it is no record", f"it is {type(given).__name__}, not an object")
    try:
        record = read_record(given)
    except OtherAbility:
        raise
    except RowError as error:
        reason, colon, detail = str(error).partition(": ")
        if colon and reason.startswith(("it ", "its ")):
            raise _MalformedRecord(reason, detail) from None
        raise _MalformedRecord("its tests cannot be read", str(error)) from None
    texts = [record.problem, *(message["content"] for message in record.messages)]
    texts += [text for test in record.tests.tests for text in (test.given, *test.expected)]
    if not _can_be_stored("".join(texts)):
        raise _MalformedRecord("its text cannot be stored", "the problem or a test has half a surrogate pair")
    if not _problem_of(record):
        raise _MalformedRecord("its prompt has no problem", "no field, and no message of the user, has a text")
    return record


def _problem_of(record: Record) -> str:
    return _REQUEST.sub("", record.problem).strip()


def _judging(record: Record, account: ImportReport, check: bool) -> UnitTests:
    """The tests of a record that can be judged by."""
    tests = record.tests
    left_out = Counter(test.unsupported for test in tests.tests if test.unsupported)
    known: dict[str, tuple[str, ...]] = {}
    for test in tests.tests:
        if (
            tests.format != UnitTestFormat.ASSERT
            and not test.unsupported
            and known.setdefault(test.given, test.expected) != test.expected
        ):
            raise _MalformedRecord("its tests contradict each other", f"two results for the input {test.given[:80]!r}")
    kept = tuple(test for test in tests.tests if not test.unsupported)
    first = next(iter(left_out), "")
    if check and kept:
        found = check_tests(_with(tests, kept), record.solutions)
        account.standings[found.validity] += 1
        if found.validity in (UnitTestValidity.NOTHING, UnitTestValidity.FAILED):
            raise _MalformedRecord(f"a test of it is {found.validity}", _first(found, found.validity))
        judging = (UnitTestValidity.SOLVED, UnitTestValidity.UNKNOWN)
        left_out.update(str(standing) for standing in found.validities if standing not in judging)
        first = first or next((why for why in found.reasons if why), "")
        kept = tuple(test for test, standing in zip(kept, found.validities, strict=True) if standing in judging)
    if not kept:
        raise _MalformedRecord("none of its tests can be judged by", first)
    account.left_out.update(left_out)
    return _with(tests, kept)


def _with(tests: UnitTests, kept: tuple[UnitTest, ...]) -> UnitTests:
    return replace(tests, tests=kept)


def _first(check: TestCheck, standing: UnitTestValidity) -> str:
    return next(why for found, why in zip(check.validities, check.reasons, strict=True) if found == standing)


def _row(record: Record, tests: UnitTests, split: str, template: str, keep_prompts: bool) -> Row:
    problem = _problem_of(record)
    if keep_prompts:
        messages = list(record.messages) or [{"role": "user", "content": problem}]
    else:
        messages = [{"role": "user", "content": problem_prompt_text(problem, tests.entry_point, template)}]
    questions = questions_of(tests)
    text = json.dumps([problem, tests.entry_point, [[entry["text"], entry["answers"]] for entry in questions]])
    return {
        "version": VERSION,
        "id": f"code-{hashlib.sha256(text.encode()).hexdigest()[:16]}",
        "kind": CODE_GENERATION,
        "prompt": messages,
        "program": {"source": None, "entry_point": tests.entry_point, "arguments": None, "result": None},
        "questions": questions,
        "level": None,
        "constraint": None,
        "difficulty": {"steps": None, "branches": None, "depth": None, "pass_count": None, "samples": None},
        "split": split,
        "seed": 0,
        "generator": f"published/{record.source or 'unknown'}",
    }


def _can_be_stored(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# -------------------------------------------------------------------------------------------------------------- sources


def _records(source: str, split: str) -> Iterator[tuple[str, Any]]:
    path = Path(source)
    if path.is_dir():
        files = sorted(path.rglob(f"{split}*.parquet"))
        if not files:
            raise RowError(f"{source} has no Parquet file whose name begins with {split}: name a file, or another --split")
        for file in files:
            yield from read_parquet(str(file))
    elif path.suffix == ".parquet":
        yield from read_parquet(source)
    elif path.suffix in (".jsonl", ".json", ".gz") or path.is_file():
        yield from read_records(source, "code problems")
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        yield from _from_hub(source, split)
    else:
        raise RowError(f"{source}: no such file; give a .jsonl or .parquet file, or a name on the hub such as {HUB}")


def _from_hub(name: str, split: str) -> Iterator[tuple[str, Any]]:
    """Records as they come over the network, so that a few of them cost no download of all."""
    try:
        from datasets import load_dataset
    except ImportError:
        raise RowError(
            f"{name} is no file here, and the hub needs datasets: pip install 'execverify[evaluate]', or name a file"
        ) from None
    with hub_access(name) as unreachable:
        try:
            for number, record in enumerate(load_dataset(name, split=split, streaming=True), start=1):
                yield f"{name}, row {number}", dict(record)
        except RowError:
            raise
        except Exception as error:  # whatever a network gives
            why = unreachable or f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise RowError(f"{name} could not be fetched from the hub ({why}): give its file") from None
