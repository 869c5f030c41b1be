"""The items of a run as data for the page's browser, without repetitions.

Prompts of one benchmark share most of their lines, and samples of one item are often equal. So each line is stored once, a text is a
list of numbers of lines, and equal completions of an item are one entry with a count. The first few different completions of an
item, right and wrong, are stored whole; of the others, the extracted answer and the reason why it is wrong.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from execverify.evaluation.benchmark import Grade, ItemResult
from execverify.evaluation.metrics import differs
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN
from execverify.questions.task import Task
from execverify.reports.legend import shown
from execverify.rewards.parse import parse_answer
from execverify.utils.messages import count_phrase

MAX_WHOLE = 4
"""How many different completions of an item are stored whole."""

MAX_CHARACTERS = 6_000
"""How many characters of a completion are stored."""

_MAX_EXTRACTED, _MAX_REASON = 600, 240


class Lines:
    """The lines of all texts, each stored once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._numbers: dict[str, int] = {}

    def of(self, text: str, limit: int = MAX_CHARACTERS) -> list[int]:
        """A text as numbers of its lines."""
        kept = text if len(text) <= limit else f"{text[:limit]}\n... and {count_phrase(len(text) - limit, 'more character')}"
        return [self._number(line) for line in kept.split("\n")]

    def _number(self, line: str) -> int:
        number = self._numbers.get(line)
        if number is None:
            number = self._numbers[line] = len(self.lines)
            self.lines.append(line)
        return number


def items_as_data(records: Sequence[ItemResult], prompts: Sequence[Sequence[Mapping[str, str]]]) -> dict[str, Any]:
    """Names of tasks for readers, items and lines as plain values.

    Args:
        records: the items.
        prompts: the messages of each item, in the same order.
    """
    lines = Lines()
    tasks = list(dict.fromkeys(task for record in records for task in record.item.tasks))
    items = [_item(record, prompt, lines, tasks) for record, prompt in zip(records, prompts, strict=True)]
    return {"tasks": [shown(task) for task in tasks], "items": items, "lines": lines.lines}


def _item(record: ItemResult, prompt: Sequence[Mapping[str, str]], lines: Lines, tasks: Sequence[str]) -> dict[str, Any]:
    item = record.item
    found: dict[str, Any] = {
        "id": item.id,
        "tasks": [tasks.index(task) for task in item.tasks],
        "program": lines.of(item.program.rstrip("\n"), 20_000),  # a line number needs a line
        "call": item.call,
        "expected": [lines.of(text, _MAX_EXTRACTED) for text in item.expected],
        "questions": [lines.of(item.question(part), _MAX_EXTRACTED) for part in range(len(item.tasks))],
        "slices": dict(item.slices),
        "prompt": [[message["role"], lines.of(message["content"], 20_000)] for message in prompt],
        "samples": _samples(record, lines),
    }
    if record.error is not None:
        found["error"] = record.error
    return found


def _samples(record: ItemResult, lines: Lines) -> list[dict[str, Any]]:
    groups: dict[str, list[int]] = {}
    for number, text in enumerate(record.completions):
        groups.setdefault(text, []).append(number)
    # The most frequent first; right and wrong ones have a quota each of those that are stored whole.
    ordered = sorted(groups.items(), key=lambda pair: -len(pair[1]))
    kept: dict[bool, int] = {True: 0, False: 0}
    found = []
    for text, numbers in ordered:
        answer, marks = record.answers[numbers[0]], record.marks[numbers[0]]
        right = all(mark.official and mark.strict for mark in marks)
        kept[right] += 1
        sample: dict[str, Any] = {
            "count": len(numbers),
            "official": [_verdict(mark.official if mark.included else None, mark) for mark in marks],
            "strict": [_verdict(mark.strict, mark) for mark in marks],
            "why": [mark.why if len(mark.why) <= _MAX_REASON else mark.why[:_MAX_REASON] + "..." for mark in marks],
        }
        if any(differs(mark) for mark in marks):
            sample["differs"] = 1
        if answer.official is not None:
            sample["extracted"] = lines.of(answer.official, _MAX_EXTRACTED)
            if (given := _given(record, answer.official)) is not None:
                sample["given"] = [None if text is None else lines.of(text, _MAX_EXTRACTED) for text in given]
        if answer.strict != answer.official:
            sample["strictly"] = None if answer.strict is None else lines.of(answer.strict, _MAX_EXTRACTED)
        if kept[right] <= MAX_WHOLE // 2:
            sample["text"] = lines.of(text)
        if record.truncated and any(record.truncated[number] for number in numbers if number < len(record.truncated)):
            sample["cut"] = 1
        found.append(sample)
    return found


def _given(record: ItemResult, extracted: str) -> list[str | None] | None:
    """The answer to each of several questions; None where the extracted text is the one answer, or is not cut into lines."""
    if not isinstance(record.item.reference, Task) or len(record.item.tasks) < 2:
        return None
    parsed = parse_answer(f"{ANSWER_OPEN}\n{extracted}\n{ANSWER_CLOSE}")
    found: list[str | None] = [parsed.assertion, *parsed.question_lines]
    count = len(record.item.tasks)
    return found[:count] + [None] * (count - len(found))


def _verdict(verdict: bool | None, mark: Grade) -> str:
    """A verdict as one character: 1 right, 0 wrong, x excluded from the count, ? not graded."""
    if verdict is None:
        return "?" if mark.included else "x"
    return "1" if verdict else "0"
