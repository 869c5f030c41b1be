"""The items of a run as data for the page's browser, with nothing said twice.

Prompts of one benchmark share most of their lines, and samples of one item are often equal. So every text is a list of numbers of
lines, each line is kept once, and equal completions of an item are one entry with a count. Of an item's different completions the
first few are kept whole (those that are right and those that are not), and of the others what was extracted and why it is wrong.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from execverify.evaluation.benchmark import Grade, ItemResult
from execverify.evaluation.metrics import differs

WHOLE = 4
"""Different completions of an item that are kept whole."""

LONGEST = 6_000
"""Characters of a completion that are kept."""

_EXTRACTED, _WHY = 600, 240


class Lines:
    """The lines of all texts, each once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._numbers: dict[str, int] = {}

    def of(self, text: str, longest: int = LONGEST) -> list[int]:
        """A text as numbers of its lines."""
        kept = text if len(text) <= longest else f"{text[:longest]}\n... and {len(text) - longest} more characters"
        return [self._number(line) for line in kept.split("\n")]

    def _number(self, line: str) -> int:
        number = self._numbers.get(line)
        if number is None:
            number = self._numbers[line] = len(self.lines)
            self.lines.append(line)
        return number


def items_as_data(records: Sequence[ItemResult], prompts: Sequence[Sequence[Mapping[str, str]]]) -> dict[str, Any]:
    """Lines and items as plain values; their names are short, as there are many."""
    lines = Lines()
    tasks = list(dict.fromkeys(task for record in records for task in record.item.tasks))
    items = [_item(record, prompt, lines, tasks) for record, prompt in zip(records, prompts, strict=True)]
    return {"tasks": tasks, "items": items, "lines": lines.lines}


def _item(record: ItemResult, prompt: Sequence[Mapping[str, str]], lines: Lines, tasks: Sequence[str]) -> dict[str, Any]:
    item = record.item
    found: dict[str, Any] = {
        "id": item.id,
        "tasks": [tasks.index(task) for task in item.tasks],
        "program": lines.of(item.program, 20_000),
        "call": item.call,
        "expected": [lines.of(text, _EXTRACTED) for text in item.expected],
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
    # The most frequent first, but so that both right and wrong ones are among those that are kept whole.
    ordered = sorted(groups.items(), key=lambda pair: -len(pair[1]))
    kept: dict[bool, int] = {True: 0, False: 0}
    found = []
    for text, numbers in ordered:
        answer, marks = record.answers[numbers[0]], record.marks[numbers[0]]
        right = all(mark.official and mark.strict for mark in marks)
        kept[right] += 1
        sample: dict[str, Any] = {
            "count": len(numbers),
            "official": [_told(mark.official if mark.included else None, mark) for mark in marks],
            "strict": [_told(mark.strict, mark) for mark in marks],
            "why": [mark.why if len(mark.why) <= _WHY else mark.why[:_WHY] + "..." for mark in marks],
        }
        if any(differs(mark) for mark in marks):
            sample["differs"] = 1
        if answer.official is not None:
            sample["extracted"] = lines.of(answer.official, _EXTRACTED)
        if answer.strict != answer.official:
            sample["strictly"] = None if answer.strict is None else lines.of(answer.strict, _EXTRACTED)
        if kept[right] <= WHOLE // 2:
            sample["text"] = lines.of(text)
        if record.truncated and any(record.truncated[number] for number in numbers if number < len(record.truncated)):
            sample["cut"] = 1
        found.append(sample)
    return found


def _told(verdict: bool | None, mark: Grade) -> str:
    if verdict is None:
        return "?" if mark.included else "x"
    return "1" if verdict else "0"
