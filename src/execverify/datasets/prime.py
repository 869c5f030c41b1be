"""Code problems of PRIME (Eurus-2-RL) become rows that the unit-test rewards judge.

The published shape of a record (card of `PRIME-RL/Eurus-2-RL-Data`): `data_source`, `prompt` (chat messages, of which the last
user's holds the problem), `ability` ("code" or "math"), `reward_model` {`ground_truth`, `style`} and `extra_info`. The ground truth
of a code problem is JSON text, {"inputs": [...], "outputs": [...]} with "fn_name" where a function is called. A record that is not
so is left out and counted with its reason; one of another ability is only counted.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify.datasets.files import read_parquet
from execverify.datasets.make import Drop
from execverify.datasets.seen import Seen, key_of
from execverify.errors import RowError
from execverify.questions.prompts import DEFAULT, problem_prompt_text
from execverify.questions.rows import VERSION, Row
from execverify.questions.task import CODE_GENERATION
from execverify.rewards.unit_tests import Form, UnitTests, questions_of, read_tests
from execverify.utils.reading import NotJson, read_records

HUB = "PRIME-RL/Eurus-2-RL-Data"
"""The data's public name."""

ABILITY = "code"

_REQUEST = re.compile(
    r"\s*Write Python code to solve the problem\.\s*Present the code in\s*```python\s*Your code\s*```\s*at the end\.?\s*$"
)
"""How PRIME's prompts end; the answer's form is said by our template instead."""


@dataclass
class PrimeAccount:
    """What became of the records of a source; filled while rows are made.

    Attributes:
        records: how many were read.
        others: how many of these are of another ability than code, by ability.
        rows: how many rows were made, by how a candidate is tested.
        tests: how many tests they have.
        left_out: how many tests of them cannot be judged by, by reason.
        drops: the records that gave no row.
    """

    records: int = 0
    others: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    tests: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    drops: list[Drop] = field(default_factory=list)


class _Malformed(Exception):
    """A record is not of the published shape: a reason that many share, and what exactly."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def prime_rows(
    source: str, account: PrimeAccount, *, split: str = "train", template: str = DEFAULT, keep_prompts: bool = False
) -> Iterator[Row]:
    """Rows of the code problems of a source, in its order, each problem once.

    Args:
        source: a .jsonl or .parquet file, a folder of Parquet files whose names begin with the split, or a name on the hub.
        account: filled as rows are made.
        split: which split of a folder or of the hub's data; written into the rows.
        template: what states the answer's form, in place of PRIME's own instructions.
        keep_prompts: leave the chat messages as they are; they do not ask for the tags that earn the bonus for form.

    Raises:
        RowError: no such source, or it cannot be read.
    """
    problem_prompt_text("", None, template)  # a template that is not there is told before anything is read
    seen = Seen()
    for where, record in _records(source, split):
        account.records += 1
        try:
            row = _row(record, split, template, keep_prompts, account)
            if row is None:
                continue
            if not seen.add(key_of(row["id"])):
                raise _Malformed("it is a twin of an earlier record", "the same problem with the same tests")
        except _Malformed as error:
            name = record.get("extra_info") if isinstance(record, Mapping) else None
            index = str(name.get("index", "")) if isinstance(name, Mapping) else ""
            account.drops.append(Drop(index or "?", where, error.reason, error.detail))
            continue
        account.rows[str(Form.STDIN if row["program"]["entry_point"] is None else Form.CALL)] += 1
        account.tests += len(row["questions"])
        yield row


# ------------------------------------------------------------------------------------------------------------ one record


def _row(record: Any, split: str, template: str, keep_prompts: bool, account: PrimeAccount) -> Row | None:
    """The row of a record; None where it is not about code."""
    if not isinstance(record, Mapping):
        raise _Malformed("it is no record", f"it is {type(record).__name__}, not an object")
    ability = record.get("ability")
    if not isinstance(ability, str) or not ability:
        raise _Malformed("it names no ability", f"ability is {ability!r}")
    if ability != ABILITY:
        account.others[ability] += 1
        return None
    problem, messages = _prompt(record.get("prompt"))
    tests = _tests(record.get("reward_model"), account)
    if not keep_prompts:
        messages = [{"role": "user", "content": problem_prompt_text(problem, tests.entry_point, template)}]
    questions = questions_of(tests)
    text = json.dumps([problem, tests.entry_point, [[entry["text"], entry["answers"]] for entry in questions]])
    return {
        "version": VERSION,
        "id": f"prime-{hashlib.sha256(text.encode()).hexdigest()[:16]}",
        "kind": CODE_GENERATION,
        "prompt": messages,
        "program": {"source": None, "entry_point": tests.entry_point, "arguments": None, "result": None},
        "questions": questions,
        "level": None,
        "constraint": None,
        "difficulty": {"steps": None, "branches": None, "depth": None, "pass_count": None, "samples": None},
        "split": split,
        "seed": 0,
        "generator": f"prime/{record.get('data_source') or 'unknown'}",
    }


def _prompt(prompt: Any) -> tuple[str, list[dict[str, str]]]:
    """The problem, and the chat messages as they are."""
    messages = list(prompt) if isinstance(prompt, list | tuple) else []
    if not messages or not all(isinstance(message, Mapping) and isinstance(message.get("content"), str) for message in messages):
        raise _Malformed("its prompt is no list of chat messages", f"the prompt is {type(prompt).__name__}")
    texts = [message["content"] for message in messages if message.get("role") == "user"]
    problem = _REQUEST.sub("", texts[-1]).strip() if texts else ""
    if not problem:
        raise _Malformed("its prompt has no problem", "no message of the user has a text")
    if not _can_be_stored(problem):
        raise _Malformed("its text cannot be stored", "the problem has half a surrogate pair")
    return problem, [{"role": str(message.get("role")), "content": message["content"]} for message in messages]


def _tests(reward_model: Any, account: PrimeAccount) -> UnitTests:
    """The tests of a record that can be judged by."""
    truth = reward_model.get("ground_truth") if isinstance(reward_model, Mapping) else None
    if not isinstance(truth, str) or not truth.strip():
        raise _Malformed("it has no ground truth", "reward_model.ground_truth is no text")
    try:
        fields = json.loads(truth)
    except (ValueError, RecursionError) as error:
        raise _Malformed("its ground truth is not JSON", str(error)) from None
    _check_shape(fields)
    try:
        tests = read_tests({name: fields.get(name) for name in ("inputs", "outputs", "fn_name")})
    except RowError as error:
        raise _Malformed("its tests are not of the published form", str(error)) from None
    left_out = Counter(test.unsupported for test in tests.tests if test.unsupported)
    if left_out.total() == len(tests.tests):
        raise _Malformed("none of its tests can be judged by", next(iter(left_out)))
    _check_contents(tests)
    account.left_out.update(left_out)
    return tests


def _check_shape(fields: Any) -> None:
    """Refuses what is no pair of lists of one length, in words that many records share."""
    if not isinstance(fields, dict):
        raise _Malformed("its ground truth is no JSON object", f"it is {type(fields).__name__}")
    lists = [fields.get(name) for name in ("inputs", "outputs")]
    for name, given in zip(("inputs", "outputs"), lists, strict=True):
        if not isinstance(given, list):
            raise _Malformed("its inputs and outputs are no lists", f"{name} is {type(given).__name__}")
    inputs, outputs = lists
    if len(inputs) != len(outputs):  # type: ignore[arg-type]
        raise _Malformed("its inputs and outputs differ in number", f"{len(inputs)} and {len(outputs)}")  # type: ignore[arg-type]
    if not inputs:
        raise _Malformed("it has no tests", "inputs and outputs are empty")


def _check_contents(tests: UnitTests) -> None:
    known: dict[str, tuple[str, ...]] = {}
    for test in tests.tests:
        if not _can_be_stored("".join([test.given, *test.expected])):
            raise _Malformed("its text cannot be stored", "a test has half a surrogate pair")
        if not test.unsupported and known.setdefault(test.given, test.expected) != test.expected:
            raise _Malformed("its tests contradict each other", f"two results for the input {test.given[:80]!r}")


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
    elif path.suffix in (".jsonl", ".json") or path.is_file():
        yield from _lines(source)
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        yield from _from_hub(source, split)
    else:
        raise RowError(f"{source}: no such file; give a .jsonl or .parquet file, or a name on the hub such as {HUB}")


def _lines(path: str) -> Iterator[tuple[str, Any]]:
    """The record of each line, or of each entry of one array; a line that is not JSON is no record."""
    for where, record in read_records(path, "code problems", errors="surrogateescape"):
        yield where, record.line if isinstance(record, NotJson) else record


def _from_hub(name: str, split: str) -> Iterator[tuple[str, Any]]:
    """Records as they come over the network, so that a few of them cost no download of all."""
    try:
        from datasets import load_dataset
    except ImportError:
        raise RowError(
            f"{name} is no file here, and the hub needs datasets: pip install 'execverify[evaluate]', or name a file"
        ) from None
    try:
        for number, record in enumerate(load_dataset(name, split=split, streaming=True), start=1):
            yield f"{name}, row {number}", dict(record)
    except RowError:
        raise
    except Exception as error:  # whatever a network gives
        why = " ".join(str(error).split())[:200]
        raise RowError(f"{name} could not be fetched from the hub ({type(error).__name__}: {why}): give its file") from None
