"""A code-generation task: a function described in English, a few calls with their results, and unit tests that the prompt does not show.

>>> from execverify.programs import Program
>>> from execverify.tracing import trace
>>> brief = FunctionSpec("Return `n` doubled.", "def f(n: int) -> int:", (("1", "2"),))
>>> made = code_task(trace(Program("def f(n):\\n    return n * 2", arguments="4")), brief, (("4", "8"), ("-1", "-2")))
>>> print(made.prompt[0]["content"].split("Examples:")[1].split("Rules:")[0].strip())
f(1) == 2
>>> [(question.text, question.answers) for question in made.questions]
[('4', ('8',)), ('-1', ('-2',))]
"""

import functools
from collections import Counter
from collections.abc import Sequence

from execverify.errors import QuestionError
from execverify.programs.literals import parse_literal
from execverify.programs.program import read_arguments
from execverify.programs.values import equality_key
from execverify.questions.prompts import DEFAULT, Call, FunctionSpec, code_prompt_text
from execverify.questions.question import UNIT_TEST, Question
from execverify.questions.statements import layout_of
from execverify.questions.task import CODE_GENERATION, Difficulty, Task, task_name
from execverify.tracing.trace import Trace

TrivialSolutions = tuple[str, str | int]
"""An answer without work: ("constant", its `key_of_result`), or ("argument", the place of the one that is given back)."""


def code_task(
    trace: Trace,
    brief: FunctionSpec,
    tests: Sequence[Call],
    *,
    seed: int = 0,
    id: str | None = None,
    template: str = DEFAULT,
    level: int | None = None,
    constraint: str | None = None,
    split: str = "train",
    generator: str = "file",
) -> Task:
    """A task that asks for a function.

    Args:
        trace: the run of a right answer with the arguments of the first test.
        brief: the description in the prompt.
        tests: calls that judge an answer, the first of them the trace's.
        id: name; by default made of the program.
        template: name or folder of the prompt template.
        seed, level, constraint, split, generator: written down as they are.

    Raises:
        QuestionError: no such template; no test; a run that is not the first test's.
    """
    program, value = trace.program, trace.result.value
    if not tests or value is None or tests[0] != (program.arguments, value.text):
        raise QuestionError("a code-generation task needs unit tests, and the run of the first of them")
    layout = layout_of(program)
    return Task(
        id=id or task_name(program, CODE_GENERATION),
        kind=CODE_GENERATION,
        prompt=({"role": "user", "content": code_prompt_text(program.entry_point, brief, template)},),
        program=program,
        result=value,
        questions=tuple(Question(UNIT_TEST, 0, 0, None, given, (result,)) for given, result in tests),
        difficulty=Difficulty(len(trace.steps), layout.branches, layout.depth),
        level=level,
        constraint=constraint,
        split=split,
        seed=seed,
        generator=generator,
    )


def trivial_solutions(tests: Sequence[Call]) -> Counter[TrivialSolutions]:
    """How many tests each answer without work passes.

    >>> trivial_solutions([("4", "8"), ("0", "0"), ("1", "8")]).most_common(2)
    [(('constant', '8'), 2), (('constant', '0'), 1)]
    """
    counts = Counter[TrivialSolutions](("constant", canonical_result(result)) for _, result in tests)
    counts.update(("argument", place) for given, result in tests for place in echoed_argument_positions(given, result))
    return counts


def echoed_argument_positions(given: str, result: str) -> list[int]:
    """Places of a call's arguments that are its result."""
    key = canonical_result(result)
    return [place for place, value in enumerate(read_arguments(given)[0]) if equality_key(value) == key]


@functools.lru_cache(maxsize=65536)
def canonical_result(result: str) -> str:
    """The same text for results that are equal: the order of a dict or a set does not count."""
    return equality_key(parse_literal(result)) or result
