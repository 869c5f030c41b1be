"""A plugin outside the package: one of each thing that can be added, in one file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from execverify.cot.styles import STYLES, SourceInfo
from execverify.evaluation.answers import Answer
from execverify.evaluation.benchmark import Benchmark, BenchmarkInfo, Grade, Item
from execverify.evaluation.data import Source
from execverify.evaluation.registry import register_benchmark
from execverify.models.model import Generation, Request, Sampling
from execverify.models.registry import register_backend
from execverify.programs.literals import parse_literal
from execverify.questions.kinds.base import QuestionCandidate, QuestionKind, register_kind
from execverify.questions.question import Question
from execverify.questions.statements import StatementTable
from execverify.rewards.code.record_formats import Record, RecordFormat, register_format
from execverify.rewards.code.test_formats import assert_tests
from execverify.rewards.parts import GradedPart
from execverify.rewards.registry import REWARDS
from execverify.rewards.score import RewardConfig
from execverify.rewards.steps.claims import Claim
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.idioms import IdiomInstance, idiom
from execverify.synthesis.idioms.common import variable_result
from execverify.synthesis.templates import Expr
from execverify.tracing.trace import Trace


@dataclass(frozen=True)
class VisitCount(QuestionKind):
    """How often does a line run?"""

    name = "visit_count"
    title = "visit count"
    guesses = ("1", "2")

    def candidates(self, trace: Trace, table: StatementTable) -> Iterator[QuestionCandidate]:
        for line, visits in sorted(trace.visits.items()):
            if line in table.statements and table.statements[line].is_unambiguous:
                yield QuestionCandidate(line, 1, None, (str(len(visits)),), float(len(visits)))

    def text(self, line: int, visit: int, variable: str | None) -> str:
        return f"How many times does line {line} run during the call? Answer with a whole number."

    def answers(self, trace: Trace, question: Question) -> tuple[str, ...]:
        return (str(len(trace.visits.get(question.line, ()))),)

    def reject(self, question: Question, answer: str, float_tolerance: float = 0.0) -> str:
        return "" if answer.isdigit() and int(answer) == int(question.answers[0]) else "it is another number"

    def is_well_formed(self, answer: str) -> bool:
        return isinstance(parse_literal(answer), int)


def shouting(claims: Iterable[Claim], source: SourceInfo, rng: Random) -> str:
    """A style: the names of the claims."""
    return " ".join(type(claim).__name__.upper() for claim in claims)


@dataclass(frozen=True, slots=True)
class HalfReward(RewardConfig):
    """Half of the paper's reward."""

    def white_box(self, parts: Sequence[GradedPart]) -> float:
        return RewardConfig.white_box(self, parts) / 2


class Doubles(Benchmark):
    """What is twice a number?"""

    about = BenchmarkInfo("doubles", "twice a number", "3", "MIT", "here", "equal text", "equal text", None, False)

    def items(self, source: Source) -> list[Item]:
        return [self.item(number) for number in range(3)]

    def item(self, number: int) -> Item:
        answer, fields = str(2 * number), {"code": f"n = {number}", "call": "2 * n"}
        return Item(f"doubles/{number}", ("output",), (answer,), f"n = {number}", "2 * n", fields, reference=answer)

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        return Answer(completion.strip(), completion.strip(), "")

    def gold(self, item: Item) -> str:
        return str(item.reference)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        return [
            (Grade(answer.official == item.reference, answer.official == item.reference, "", True),) for item, answer in answers
        ]


@idiom(0, "int", "int", "str")
def toy_counter(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    """An idiom: counts what comes."""
    total = gen.start("toy", "int", "0")

    def act(value: Expr) -> None:
        gen.add_line(f"{total.name} += 1", f"adds 1 to `{total.name}`")

    return IdiomInstance(act, variable_result(total))


class EchoModel:
    """A model backend: it says the same to everything."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def name(self) -> str:
        return f"echo:{self.text}"

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def close(self) -> None:
        pass

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        return (Generation(request.id, (self.text,) * sampling.n) for request in requests)


def read_quiz(fields: Any) -> Record:
    return Record(assert_tests([f"assert {fields['quiz_call']} == {fields['quiz_answer']}"]), problem=fields["quiz"])


def train_by_nothing(training: Any, stages: Sequence[str], model: str | None) -> int:
    """A trainer: it says what it would do."""
    training.logger(f"toy trainer: {', '.join(stages)}")
    return 0


def register() -> None:
    """Registers everything; imports of the plugin do so once."""
    from execverify.training.trainers import TRAINERS

    register_kind(VisitCount())
    STYLES.register("shouting", shouting)
    REWARDS.register("half", HalfReward())
    register_benchmark(Doubles())
    register_format(RecordFormat("quiz", "a toy format", lambda fields: "quiz_call" in fields, read_quiz))
    register_backend("echo", f"{__name__}:EchoModel")
    TRAINERS.register("toy", train_by_nothing)


register()
