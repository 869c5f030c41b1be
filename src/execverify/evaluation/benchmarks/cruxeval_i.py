"""CRUXEval, input prediction (Gu et al. 2024, arXiv 2401.03065)."""

import ast
import functools
from collections.abc import Sequence
from dataclasses import dataclass

from execverify.errors import LiteralError, ProgramError
from execverify.evaluation.answers import PLAIN, Answer, format_answer, input_answer
from execverify.evaluation.benchmark import Benchmark, BenchmarkInfo, Grade, Item
from execverify.evaluation.benchmarks.cruxeval_o import FIELDS, HUB, ORIGIN
from execverify.evaluation.cruxeval_rule import LIMITS, Assertion, is_plain, only_defines_functions, verdicts
from execverify.evaluation.data import Source, load_rows
from execverify.evaluation.output_prediction import canonical_output, imports_of, program_or_none
from execverify.evaluation.program_features import add_steps, program_features, steps_of
from execverify.programs.literals import parse_expression, parse_literal
from execverify.programs.program import Program, arguments_text, call_values, read_arguments, truncate
from execverify.programs.values import equality_key
from execverify.sandbox.result import Outcome, Result
from execverify.sandbox.run import run_many


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an item: the code, the call of the data, and its result, as the data write them."""

    code: str
    call: str
    output: str
    imports: tuple[str, ...] = ()


class CruxevalI(Benchmark):
    """800 short functions with a result each: which arguments give it? Any that do are right."""

    about = BenchmarkInfo(
        "cruxeval-i",
        "arguments with which a short function gives a result",
        "800",
        "MIT",
        ORIGIN,
        "CRUXEval's: run the code and `assert {output} == {answer}` for 3 s; an answer without `f(` is left out; unbiased pass@k",
        "the answer is one call of f with literals, or with the data's own arguments, whose result is equal in type and content; "
        "an assertion is about this very result",
        HUB,
    )
    constants = ("f()", "f(0)", "f(1)", "f('')", "f('a')", "f([])", "f({})", "f([1, 2, 3])", "f('', '')", "f([], 0)")
    template = "input"
    takes_imports = True

    def items(self, source: Source) -> list[Item]:
        """The rows {code, input, output, id}; the function is called f."""
        rows = load_rows(source, self.about.name, ORIGIN, HUB, FIELDS)[: source.limit]
        programs = [program_or_none(row["code"], "f", f"f({row['input']})") for row in rows]
        items = []
        for row, steps in zip(rows, steps_of(programs, source.workers, source.imports), strict=True):
            known = Known(row["code"], f"f({row['input']})", row["output"], source.imports)
            fields = {"code": row["code"].strip("\n"), "entry_point": "f", "output": row["output"]}
            slices = add_steps(program_features(row["code"], parse_literal(row["output"]), has_result=True), steps)
            call_text = f"f(??) == {row['output']}"
            items.append(Item(str(row["id"]), ("input",), (known.call,), row["code"], call_text, fields, slices, known))
        return items

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The left side of the completed assertion."""
        return input_answer(completion, style, item.reference.output)

    def gold(self, item: Item) -> str:
        """The call of the data."""
        return item.expected[0]

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The whole assertion in the style's form."""
        return format_answer(answer if style == PLAIN else f"assert {answer} == {item.reference.output}", style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """One mark each. Calls with literals run as our own copy of the function does, together; all else as it is written."""
        given = [_program(item.reference, answer.official) for item, answer in answers]
        given += [_program(item.reference, answer.strict) for item, answer in answers]
        imports = imports_of(answers)
        results = _results([program for program in given if program is not None], workers, imports)
        claims = [self._claim(item.reference, answer) for item, answer in answers]
        settled = [
            _settled(item.reference, answer, program, results) for (item, answer), program in zip(answers, given, strict=False)
        ]
        waiting = [claim for claim, verdict in zip(claims, settled, strict=True) if claim is not None and verdict is None]
        run = iter(verdicts(waiting, workers=workers, imports=imports))
        marks: list[tuple[Grade, ...]] = []
        for number, ((item, answer), claim, verdict) in enumerate(zip(answers, claims, settled, strict=True)):
            strict, why = _strict(item.reference, answer, given[len(answers) + number], results)
            if claim is None:
                mark = Grade(False, strict, why or "it calls no f, so the authors' rule leaves it out", answer.official is None)
            else:
                mark = Grade(next(run) if verdict is None else verdict, strict, why)
            marks.append((mark,))
        return marks

    def _claim(self, known: Known, answer: Answer) -> Assertion | None:
        if answer.official is None or "f(" not in answer.official:
            return None
        return Assertion(known.code, known.output, answer.official)


_ENDED = (Outcome.RETURNED, Outcome.NONDETERMINISTIC)  # the latter: floats that another Python version would add otherwise

Results = dict[Program, Result]


@functools.lru_cache(maxsize=65536)
def _arguments(text: str | None) -> str | None:
    """The arguments of a text that is one call of f with literals, as canonical text; None where it is no such call."""
    if text is None:
        return None
    try:
        node = parse_expression(text)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "f":
            return None
        arguments = arguments_text(call_values(node))
        read_arguments(arguments)
    except (LiteralError, ProgramError, RecursionError):
        return None
    return arguments


@functools.lru_cache(maxsize=65536)
def _program(known: Known, text: str | None) -> Program | None:
    """The program that a text calls; None where it is not one call of f with literals that fit."""
    arguments = _arguments(text)
    try:
        return None if arguments is None else Program(known.code, "f", arguments)
    except ProgramError:
        return None


def _results(programs: Sequence[Program], workers: int, imports: Sequence[str]) -> Results:
    distinct = list(dict.fromkeys(programs))
    return dict(zip(distinct, run_many(distinct, limits=LIMITS.allowing(imports), workers=workers), strict=True))


def _settled(known: Known, answer: Answer, program: Program | None, results: Results) -> bool | None:
    """The official verdict where it is known: the run of our own copy ended well with plain data, or raised; or the call does
    not fit the parameters, which Python refuses before it runs anything."""
    if not only_defines_functions(known.code) or not is_plain(known.output):
        return None
    if program is None:
        return None if _arguments(answer.official) is None else False
    result = results[program]
    if result.outcome in (Outcome.RAISED, Outcome.TIMED_OUT):
        return False
    if result.outcome != Outcome.RETURNED or result.value is None or result.value.text is None:
        return None
    try:
        return bool(parse_literal(known.output) == parse_literal(result.value.text))
    except LiteralError:
        return None


def _strict(known: Known, answer: Answer, program: Program | None, results: Results) -> tuple[bool | None, str]:
    if answer.strict is None:
        return False, answer.why
    if _same_text(answer.strict, known.call):
        return True, ""
    if program is None:
        return False, "the answer is not one call of f with literals that fit its parameters"
    result = results[program]
    if result.outcome == Outcome.SANDBOX_ERROR:
        return None, result.detail
    if result.outcome not in _ENDED or result.value is None:
        return False, f"the call ends otherwise: {result.outcome} {result.detail}".rstrip()
    if result.value.text is not None and equality_key(parse_literal(result.value.text)) == canonical_output(known.output):
        return True, ""
    return False, f"the call returns {truncate(str(result.value))}, not {truncate(known.output)}"


def _same_text(one: str, other: str) -> bool:
    """Whether two texts are the same Python: the data's own arguments need not be literals."""
    try:
        return ast.dump(parse_expression(one)) == ast.dump(parse_expression(other))
    except (LiteralError, RecursionError):
        return False


BENCHMARK = CruxevalI()
