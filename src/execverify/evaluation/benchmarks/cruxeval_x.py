"""CRUXEval-X (Xu et al. 2024, arXiv 2408.13001): CRUXEval's functions in other languages, output and input prediction.

`--data` names a JSONL file of one language, called by its ending (`cpp.jsonl`, or rows with a `language`), or a folder of such.
The authors' `code` is a whole program, with the check and both answers at its end: that end is cut off, as they cut it, and the check
with the gap takes its place.

Programs are compiled and run by `languages.py`, the data's own answer first. A language that cannot be run here is reported in
`extra_metrics`, and so are items whose own answer does not pass here (Java without `javatuples` on the CLASSPATH, Perl
without Test::Deep ...).
They are not judged: they count among our failures, neither as right nor as wrong.
"""

import re
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.errors import EvaluationError
from execverify.evaluation.answers import PLAIN, Answer, extract_answer_text, format_answer
from execverify.evaluation.benchmark import Benchmark, BenchmarkInfo, Grade, Item, ItemResult
from execverify.evaluation.data import Row, Source, load_rows
from execverify.evaluation.languages import LANGUAGES, RunResult, run_all, why_not

ORIGIN = "https://github.com/CRUXEVAL-X/cruxeval-x, or xhwl/cruxeval-x on the hub (a file for each language)"
FIELDS = ("id", "code", "input_reasoning", "output_reasoning")
HOLE = "????"

_TEXTS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.DOTALL)
_MORE_THAN_A_VALUE = re.compile(r";|`|[|&^]|==|!=|\?|//|/\*|\n\s*#|\$\(")
_RUNS_IN_A_TEXT = re.compile(r"(?<!\\)(?:[$@#]\{|\$\(|`|[$@]\w+\s*(?:->|[\[({]))")
_WITH_RUNNING_TEXTS = frozenset({"pl", "php", "rb", "sh"})
_WITH_ARROWS_IN_DATA = frozenset({"pl", "php", "rb"})
_NAME = re.compile(r"(?<!\w)[A-Za-z_]\w*(?!\w)(?!\s*:(?!:))")  # but for the keys of `{a: 1}` and the suffixes of `1l`
_VALUE_NAMES = """
    true false True False null NULL nullptr None nil undefined NaN Infinity INFINITY nullopt
    std string vector map set unordered_map unordered_set multiset tuple pair list deque array optional variant
    make_tuple make_pair make_optional move
    new List ArrayList LinkedList Arrays asList Map HashMap TreeMap LinkedHashMap Set HashSet TreeSet LinkedHashSet Entry
    entry ofEntries of Optional empty ofNullable Collections emptyList emptyMap emptySet singletonList
    Pair Triplet Quartet Unit with Tuple Create Dictionary Nullable KeyValuePair
    vec from collections BTreeMap HashMap Vec Some Ok to_string to_owned into String Array Object
    interface struct type any number object boolean integer table unpack
    bool char byte short int long float double void unsigned signed const size_t isize usize Int Bool s
    i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 str Long Integer Short Byte Double Float Boolean Character Char int32 int64 float64 rune
"""
_OF_VALUES = frozenset(_VALUE_NAMES.split())
"""Names of which literals and containers are made in these languages; nothing among them ends a process or calls the function."""

_unfit: "weakref.WeakKeyDictionary[Known, str]" = weakref.WeakKeyDictionary()
"""Why the data's own answer does not pass here; empty where it does."""


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

    about = BenchmarkInfo(
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
    counts = {"cannot_be_judged_here": "item"}
    together = 16

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
        known = Known(language, kind, _without_check(str(row["code"]), (text, other)), text, _filling(text, other))
        name = LANGUAGES[language].name if language in LANGUAGES else language
        fields = {"language": name, "code": known.code.strip("\n"), "check": text.strip("\n"), "hole": HOLE}
        check = next(line.strip() for line in text.split("\n") if HOLE in line)
        if check.replace(HOLE, known.gold) in known.code:
            raise EvaluationError(
                f"{file}: the code of {row['id']} tells its answer, by a check that is not its {kind}_reasoning"
            )
        slices = {"language": name}
        return Item(
            f"{language}/{row['id']}/{kind}", (f"{language} {kind}",), (known.gold,), known.code, check, fields, slices, known
        )

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """What is put into the hole: the text in the answer, or what stands in the hole where the line around it is repeated."""
        text, why = extract_answer_text(completion, style)
        if text is None or not text.strip():
            return Answer(None, None, why or "there is no answer")
        known: Known = item.reference
        filled = text.strip() if style == PLAIN else _in_hole(known.text, text)
        return Answer(filled, filled if _is_value(filled, known) else None, "the answer is more than values")

    def gold(self, item: Item) -> str:
        """What the data fill the hole with."""
        return str(item.reference.gold)

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The filling alone."""
        return format_answer(answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """One mark each. Equal programs run once."""
        problems: list[Known] = list(dict.fromkeys(item.reference for item, _ in answers if not why_not(item.reference.language)))
        _know(problems, workers)
        asked = ((item.reference, a.official) for item, a in answers if a.official is not None)
        found = _ran([(known, filling) for known, filling in asked if _unfit.get(known) == ""], workers)
        return [(_mark(item.reference, answer, found),) for item, answer in answers]

    def extra_metrics(self, records: Sequence[ItemResult]) -> dict[str, Any]:
        """What cannot be judged here, by reason, with how many items that are."""
        missing = Counter(why for record in records if (why := _lacking(record.item.reference)))
        return {"cannot_be_judged_here": dict(missing)} if missing else {}


def _ending(file: Path) -> str:
    return re.split(r"[._-]", file.name.lower().removesuffix(".gz").removesuffix(".jsonl"))[-1]


def _program(known: Known, filling: str) -> str:
    return f"{known.code}\n{known.text.replace(HOLE, filling)}"


def _without_check(code: str, texts: Sequence[str]) -> str:
    """A program up to where its own check begins, which reads like the texts up to the first of their gaps but for blanks."""
    words = min((text[: text.index(HOLE)] for text in texts), key=len).split()
    found = list(re.finditer(r"\s*".join(map(re.escape, words)), code)) if words else []
    return code[: found[-1].start()] if found else code


def _ran(fillings: Sequence[tuple[Known, str]], workers: int) -> dict[tuple[str, str], RunResult]:
    distinct = list(dict.fromkeys((known.language, _program(known, filling)) for known, filling in fillings))
    return dict(zip(distinct, run_all(distinct, workers), strict=True))


def _know(problems: Sequence[Known], workers: int) -> None:
    """Finds out whether the data's own answers pass here; the two questions of a row make one program."""
    unknown = [known for known in problems if known not in _unfit]
    found = _ran([(known, known.gold) for known in unknown], workers)
    for known in unknown:
        ran = found[known.language, _program(known, known.gold)]
        _unfit[known] = "" if ran.succeeded else ran.message or "it fails"


def _lacking(known: Known) -> str:
    """Why a question cannot be judged here; empty where it can."""
    lacking = why_not(known.language)
    if not lacking and _unfit.get(known):
        lacking = f"{LANGUAGES[known.language].name}: the data's own answer does not pass"
    return lacking


def _mark(known: Known, answer: Answer, found: dict[tuple[str, str], RunResult]) -> Grade:
    lacking = _lacking(known)
    if lacking:
        return Grade(None, None, f"it cannot be judged here: {lacking} {_unfit.get(known, '')}".rstrip())
    if answer.official is None:
        return Grade(False, False, answer.why)
    ran = found[known.language, _program(known, answer.official)]
    if ran.succeeded is None:
        # A value cannot hold a program up: then it was the machine. What is more than a value may have slept.
        return (
            Grade(None, None, f"nothing is known of it: {ran.message}")
            if answer.strict is not None
            else Grade(False, False, ran.message)
        )
    strict = ran.succeeded and answer.strict is not None
    return Grade(ran.succeeded, strict, "" if strict else answer.why if ran.succeeded else ran.message)


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
    called = re.search(r"[\w.$>-]+\($", before)  # of an input, the authors ask for the whole call
    given = answer.strip()
    if called and after.startswith(")") and given.startswith(called[0]) and given.endswith(")"):
        return given[len(called[0]) : -1].strip()
    return given


def _is_value(filling: str, known: Known) -> bool:
    """Whether a filling is no more than values: brackets in pairs, no statement, condition or comment, no text that runs
    something, and no names but those of which values are made, or of which the data's own answer is."""
    if filling == known.gold:
        return True
    if known.language in _WITH_RUNNING_TEXTS and any(_RUNS_IN_A_TEXT.search(text) for text in _TEXTS.findall(filling)):
        return False
    if "=>" in _TEXTS.sub("", filling) and known.language not in _WITH_ARROWS_IN_DATA:
        return False
    bare, own = (_TEXTS.sub('""', text) for text in (filling, known.gold))
    names = set(_NAME.findall(bare)) - _OF_VALUES - set(_NAME.findall(own))
    return not names and not _MORE_THAN_A_VALUE.search(bare) and _is_paired(bare)


def _is_paired(bare: str) -> bool:
    waiting: list[str] = []
    for char in bare:
        if char in "([{":
            waiting.append(")]}"["([{".index(char)])
        elif char in ")]}" and (not waiting or waiting.pop() != char):
            return False
    return not waiting


BENCHMARK = CruxevalX()
