"""Output prediction: what does this call return? Three benchmarks differ in their data alone."""

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from execverify.errors import ExecVerifyError, LiteralError, ProgramError, SandboxError
from execverify.evaluation.answers import PLAIN, Answer, format_answer, output_answer
from execverify.evaluation.benchmark import Benchmark, Grade, Item, ItemResult
from execverify.evaluation.cruxeval_rule import Assertion, verdicts
from execverify.evaluation.program_features import add_steps, program_features, steps_of
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, truncate
from execverify.programs.values import equality_key, to_value
from execverify.rewards.steps.faithfulness import text_faithfulness
from execverify.rewards.steps.free_text import grade_text_against, reasoning_of
from execverify.rewards.steps.reference import references_of
from execverify.sandbox.result import Limits

_log = logging.getLogger(__name__)

OFFICIAL_RULE = (
    "CRUXEval's: run the code and `assert {output} == {answer}` for 3 s; answers with the call are left out; unbiased pass@k"
)
STRICT = "the answer is a literal, equal in type and content to what the call returns; an assertion is about this very call"


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of an item.

    Attributes:
        code: what is run before the official assertion.
        call: as the prompt has it.
        output: the result, as the data write it.
        imports: installed modules that the code may import.
    """

    code: str
    call: str
    output: str
    imports: tuple[str, ...] = ()


class OutputPrediction(Benchmark):
    """Judges outputs by CRUXEval's rule, and strictly."""

    constants = ("True", "False", "None", "0", "1", "-1", "''", "[]", "{}", "()")
    counts = {"claims_found": "claim"}
    template = "output"
    takes_imports = True

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The right side of the completed assertion."""
        return output_answer(completion, style, item.call)

    def gold(self, item: Item) -> str:
        """The output of the data."""
        return item.expected[0]

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The whole assertion in the style's form."""
        return format_answer(answer if style == PLAIN else f"assert {item.call} == {answer}", style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """One mark each."""
        claims: list[Assertion | None] = []
        for item, answer in answers:
            known: Reference = item.reference
            asked = answer.official is not None and known.call not in answer.official
            claims.append(Assertion(known.code, known.output, answer.official or "") if asked else None)
        run = iter(verdicts([claim for claim in claims if claim is not None], workers=workers, imports=imports_of(answers)))
        marks: list[tuple[Grade, ...]] = []
        for (item, answer), claim in zip(answers, claims, strict=True):
            strict, why = strict_output(item.reference.output, answer)
            if claim is not None:
                official, counted = next(run), True
            else:
                official, counted = False, answer.official is None
                why = why if counted else "it repeats the call, so the authors' rule leaves it out"
            marks.append((Grade(official, strict, why, counted),))
        return marks

    def extra_metrics(self, records: Sequence[ItemResult]) -> dict[str, Any]:
        """How faithful the reasoning before the answers is, where it makes claims that can be found (`text_faithfulness`)."""
        return _reasoning_figures(records)


def _reasoning_figures(records: Sequence[ItemResult]) -> dict[str, Any]:
    samples = [
        (record.item, text, bool(marks[0].strict))
        for record in records
        for text, answer, marks in zip(record.completions, record.answers, record.marks, strict=True)
        if reasoning_of(text).strip() not in ("", answer.official, answer.strict)  # there is more than the answer
    ]
    programs = {item.id: program_or_none(item.reference.code, _entry_point(item.call), item.call) for item, *_ in samples}
    known = [program for program in programs.values() if program is not None]
    imports = sorted({name for item, *_ in samples for name in item.reference.imports})
    try:
        runs = references_of(known, limits=Limits().allowing(imports))
    except SandboxError as error:
        _log.warning("reasoning cannot be graded: %s", error)
        return {}
    graded = []
    for item, text, right in samples:
        program = programs[item.id]
        run = runs[program] if program is not None else None
        graded.append((None if run is None else grade_text_against(run, text), right))
    return text_faithfulness(graded).as_metrics()


def _entry_point(call: str) -> str:
    return call.split("(", 1)[0].strip()


def imports_of(answers: Sequence[tuple[Item, Answer]]) -> list[str]:
    """Every module that the code of some items may import beside Python's own."""
    return sorted({name for item, _ in answers for name in item.reference.imports})


def strict_output(output: str, answer: Answer) -> tuple[bool, str]:
    """Whether an answer is the output, typed exactly, and why not."""
    if answer.strict is None:
        return False, answer.why
    try:
        given = parse_literal(answer.strict)
    except LiteralError as error:
        return False, f"the answer {error}"
    if equality_key(given) == canonical_output(output):
        return True, ""
    return False, f"it says {truncate(str(to_value(given)))}, and the call returns {truncate(output)}"


@functools.lru_cache(maxsize=65536)
def canonical_output(literal: str) -> str:
    """The key of a known output."""
    key = equality_key(parse_literal(literal))
    if key is None:
        raise LiteralError("the output is too long or too deep to be compared")
    return key


def output_items(known: Sequence[tuple[str, str, str, Reference]], workers: int) -> list[Item]:
    """Items of output prediction.

    Args:
        known: for each, its id, the source that is shown, the entry point, and what is known.
        workers: processes that count steps.
    """
    programs = [program_or_none(source, entry_point, of.call) for _, source, entry_point, of in known]
    items = []
    imports = sorted({name for *_, of in known for name in of.imports})
    for (id, source, entry_point, of), steps in zip(known, steps_of(programs, workers, imports), strict=True):
        fields = {"code": source.strip("\n"), "call": of.call, "entry_point": entry_point}
        slices = add_steps(program_features(source, _value(of.output), has_result=True), steps)
        items.append(Item(id, ("output",), (of.output,), source, of.call, fields, slices, of))
    return items


def program_or_none(source: str, entry_point: str, call: str) -> Program | None:
    """A program to count the steps of; None where its arguments are no literals."""
    try:
        return Program(source, entry_point, call[call.index("(") + 1 : call.rindex(")")])
    except (ProgramError, ValueError):
        return None


def _value(output: str) -> object:
    try:
        return parse_literal(output)
    except ExecVerifyError:
        return None
