"""CRUXEval-X (Xu et al. 2024, arXiv 2408.13001): CRUXEval's functions in other languages, output and input prediction.

`--data` names a JSONL file of one language, called by its ending (`cpp.jsonl`, or rows with a `language`), or a folder of such.
Programs are compiled and run as `foreign.py` says. A language that cannot be run here is reported in `more`, and its items are
not judged: they count among our failures, neither as right nor as wrong.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError
from execverify.evaluation.answers import BARE, Answer, inside, wrapped
from execverify.evaluation.benchmark import About, Benchmark, Item, Mark, Record
from execverify.evaluation.data import Row, Source, load_rows
from execverify.evaluation.foreign import LANGUAGES, Ran, run_all, why_not

ORIGIN = "https://github.com/CRUXEVAL-X/cruxeval-x, or xhwl/cruxeval-x on the hub (a file for each language)"
FIELDS = ("id", "code", "input_reasoning", "output_reasoning")
HOLE = "????"

_TEXTS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.DOTALL)
_MORE_THAN_A_VALUE = re.compile(r";|\|\||&&|==|!=|\?|=>|//|/\*|\n\s*#|\bassert\b|\bor\b|\band\b")


@dataclass(frozen=True, eq=False)
class Known:
    """One question: the language, the code, the text with the hole, and what the data fill it with."""

    language: str
    kind: str
    code: str
    text: str
    gold: str


class CruxevalX(Benchmark):
    """Outputs and inputs of short functions in C++, Java, JavaScript and other languages."""

    about = About(
        "cruxeval-x",
        "outputs and inputs of calls of short functions in other languages",
        "up to 800 functions a language, two questions each",
        "none is stated; none of it is shipped",
        ORIGIN,
        "CRUXEval-X's: the answer is put into the given check, and code and check compile and run to a good end",
        "the same, and the answer is one value (for inputs: values) and no condition, comment, statement or call of the function",
    )
    template = "foreign"
    constants = ("0", "true", '""')

    def items(self, source: Source) -> list[Item]:
        """Two items for each row, the language before its id."""
        if source.path is not None and source.path.is_dir():
            files = sorted(file for file in source.path.glob("*.jsonl*") if _ending(file) in LANGUAGES)
            if not files:
                raise EvaluationError(f"{source.path} holds no files such as cpp.jsonl; the data come from {ORIGIN}")
        else:
            files = [source.path] if source.path is not None else []
        if not files:
            load_rows(source, self.about.name, ORIGIN, None, FIELDS)
        items = []
        for file in files:
            for row in load_rows(Source(file), self.about.name, ORIGIN, None, FIELDS):
                items += [self._item(file, row, kind) for kind in ("output", "input")]
        return items

    def _item(self, file: Path, row: Row, kind: str) -> Item:
        language = str(row.get("language") or row.get("lang") or _ending(file)).lower()
        text, other = str(row[f"{kind}_reasoning"]), str(row["input_reasoning" if kind == "output" else "output_reasoning"])
        if HOLE not in text or HOLE not in other:
            raise EvaluationError(f"{file}: {row['id']} has no {HOLE} in its {kind}_reasoning")
        known = Known(language, kind, str(row["code"]), text, _filling(text, other))
        name = LANGUAGES[language].name if language in LANGUAGES else language
        fields = {"language": name, "code": known.code.strip("\n"), "check": text.strip("\n"), "hole": HOLE}
        check = next(line.strip() for line in text.split("\n") if HOLE in line)
        slices = {"language": name}
        return Item(
            f"{language}/{row['id']}/{kind}", (f"{language} {kind}",), (known.gold,), known.code, check, fields, slices, known
        )

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """What is put into the hole: the text in the answer, or what stands in the hole where the line around it is repeated."""
        text, why = inside(completion, style)
        if text is None or not text.strip():
            return Answer(None, None, why or "there is no answer")
        known: Known = item.held
        filled = text.strip() if style == BARE else _in_hole(known.text, text)
        return Answer(filled, filled if _is_value(filled, known) else None, "the answer is more than values")

    def gold(self, item: Item) -> str:
        """What the data fill the hole with."""
        return str(item.held.gold)

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The filling alone."""
        return wrapped(answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Mark, ...]]:
        """One mark each. Equal programs run once."""
        wanted = [(item.held.language, _program(item.held, a.official)) for item, a in answers if a.official is not None]
        distinct = [pair for pair in dict.fromkeys(wanted) if not why_not(pair[0])]
        found = dict(zip(distinct, run_all(distinct, workers), strict=True))
        return [(_mark(item.held, answer, found),) for item, answer in answers]

    def more(self, records: Sequence[Record]) -> dict[str, Any]:
        """Languages that cannot be run here, with how many items they have."""
        missing = Counter(why for record in records if (why := why_not(record.item.held.language)))
        return {"cannot_be_judged_here": dict(missing)} if missing else {}


def _ending(file: Path) -> str:
    return re.split(r"[._-]", file.name.lower().removesuffix(".gz").removesuffix(".jsonl"))[-1]


def _program(known: Known, filling: str) -> str:
    return f"{known.code}\n{known.text.replace(HOLE, filling)}"


def _mark(known: Known, answer: Answer, found: dict[tuple[str, str], Ran]) -> Mark:
    lacking = why_not(known.language)
    if lacking:
        return Mark(None, None, f"it cannot be judged here: {lacking}")
    if answer.official is None:
        return Mark(False, False, answer.why)
    ran = found[known.language, _program(known, answer.official)]
    strict = ran.well and answer.strict is not None
    return Mark(ran.well, strict, "" if strict else answer.why if ran.well else ran.said)


def _filling(text: str, other: str) -> str:
    """What stands in the other text where this one has its hole.

    Of `check(f(????) == 6)` and `check(f(3) == ????)`: what is left of the second when what is before the hole and the longest
    end that both share with it are taken away.
    """
    here, there = text.index(HOLE), other.index(HOLE)
    before, after = text[:here], text[here + len(HOLE) :]
    if (
        here < there
    ):  # this one's hole comes first: other = before + filling + between + hole + end, after = between + result + end
        head = other[len(before) : there]
        length = next(n for n in range(min(len(head), len(after)), -1, -1) if head.endswith(after[:n]))
        return head[: len(head) - length]
    end = other[there + len(HOLE) :]  # other = start + hole + between + filling + end, before = start + result + between
    tail = end[: len(end) - len(after)] if after else end
    start = before[there:]
    length = next(n for n in range(min(len(tail), len(start)), -1, -1) if start.endswith(tail[:n]))
    return tail[length:]


def _in_hole(text: str, answer: str) -> str:
    """The filling in an answer that repeats the line with the hole, or the lines around it; else the answer."""
    line = next(line.strip() for line in text.split("\n") if HOLE in line)
    before, _, after = line.partition(HOLE)
    for given in reversed(answer.strip().split("\n")):
        given = given.strip()
        if given.startswith(before) and given.endswith(after) and len(given) >= len(before) + len(after):
            return given[len(before) : len(given) - len(after)].strip()
    return answer.strip()


def _is_value(filling: str, known: Known) -> bool:
    """Whether a filling is no more than values: brackets in pairs, no statement, condition or comment, no call of the function."""
    bare = _TEXTS.sub('""', filling)
    if _MORE_THAN_A_VALUE.search(bare) or re.search(r"\bf\s*\(|\bcandidate\s*\(", bare):
        return False
    waiting: list[str] = []
    for char in bare:
        if char in "([{":
            waiting.append(")]}"["([{".index(char)])
        elif char in ")]}" and (not waiting or waiting.pop() != char):
            return False
    return not waiting


BENCHMARK = CruxevalX()
