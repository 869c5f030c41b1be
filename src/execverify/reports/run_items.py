"""The items of an evaluation as a file of its folder, so that they can be looked at later without the benchmark's data.

`items.jsonl` has a line an item: the program, the questions and accepted answers, the prompt, and for each completion of
`generations.jsonl` its verdicts, the extracted answer and the reasons.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError
from execverify.evaluation.benchmark import Grade, ItemResult
from execverify.evaluation.run import Evaluation
from execverify.questions.rows import to_row
from execverify.questions.task import Task
from execverify.utils.messages import encodable

ITEMS = "items.jsonl"
_MAX_EXTRACTED, _MAX_REASON = 2_000, 400


def run_items_text(evaluation: Evaluation) -> str:
    """The content of the file."""
    pairs = zip(evaluation.records, evaluation.prompts, strict=True)
    return "".join(json.dumps(_line(record, prompt)) + "\n" for record, prompt in pairs)


def read_run_items(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of the file.

    Raises:
        EvaluationError: there is no such file, or it has another form.
    """
    file = folder / ITEMS
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                found = json.loads(line)
                if not isinstance(found, dict) or not found.keys() >= {"id", "tasks", "expected", "samples"}:
                    raise EvaluationError(f"{file}:{number} is no item of an evaluation: evaluate again")
                yield found
    except FileNotFoundError:
        raise EvaluationError(
            f"{file}: no such file; give the `execverify evaluate` command again, which keeps the completions and writes it"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationError(f"{file} cannot be read: {error}") from None


def _line(record: ItemResult, prompt: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    item = record.item
    found: dict[str, Any] = {
        "id": item.id,
        "tasks": list(item.tasks),
        "questions": [item.question(part) for part in range(len(item.tasks))],
        "expected": list(item.expected),
        "call": item.call,
        "slices": dict(item.slices),
        "prompt": [dict(message) for message in prompt],
        "samples": [_sample(record, number) for number in range(len(record.completions))],
    }
    if isinstance(item.reference, Task):
        found["row"] = {**to_row(item.reference), "prompt": []}
    else:
        found["program"] = item.program
    return found if record.error is None else {**found, "error": record.error}


def _sample(record: ItemResult, number: int) -> dict[str, Any]:
    answer, marks = record.answers[number], record.marks[number]
    found: dict[str, Any] = {
        "extracted": None if answer.official is None else encodable(answer.official[:_MAX_EXTRACTED]),
        "official": [mark.official if mark.included else None for mark in marks],
        "strict": [mark.strict for mark in marks],
        "why": [_why(mark) for mark in marks],
    }
    if number < len(record.truncated) and record.truncated[number]:
        found["truncated"] = True
    return found


def _why(mark: Grade) -> str:
    return encodable(mark.why[:_MAX_REASON])
