"""A task: a program, its result, questions and prompt. What a model is asked, and all that is needed to judge it.

>>> from execverify.programs import Program
>>> from execverify.tracing import trace
>>> t = task(trace(Program("def f(n):\\n    while n > 4:\\n        n -= 3\\n    return [n]", arguments="9")), limit=2)
>>> t.result.text, len(t.questions)
('[3]', 2)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from execverify.errors import QuestionError
from execverify.programs.program import Program
from execverify.programs.values import Value
from execverify.questions.prompts import DEFAULT, prompt_text
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN, KINDS, Question, fits_on_answer_line
from execverify.questions.select import ask, check_kinds
from execverify.questions.statements import layout_of
from execverify.tracing.trace import Trace
from execverify.utils.notebook import notebook_repr
from execverify.utils.validation import expect

TASK_KINDS = ("white_box", "input_prediction")
"""The kinds of tasks that a trace gives."""

CODE_GENERATION = "code_generation"
"""The kind of tasks that ask for code (see `execverify.questions.code_generation`). A trace alone gives none: it takes
English and tests."""

NO_STEP = "runs no statement of the program"
"""The message for a run without a single step."""

ALL_KINDS = (*TASK_KINDS, CODE_GENERATION)
"""The kinds of tasks."""

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How hard a program is to follow.

    Attributes:
        steps: steps of its run.
        branches: statements that decide what runs next.
        depth: how deeply they are nested.
        pass_count: how many of a model's samples were right; None where nobody measured it.
        samples: how many samples were taken.
    """

    steps: int
    branches: int
    depth: int
    pass_count: int | None = None
    samples: int | None = None


@dataclass(frozen=True)
class Task:
    """One task; written down, it is a row.

    Attributes:
        id: name of the task.
        kind: "white_box" (complete the assertion, answer questions), "input_prediction" (find arguments), or
            "code_generation" (write the function).
        prompt: chat messages.
        program: what ran; for code generation a right answer, with the call of the first unit test.
        result: what the call returns.
        questions: white-box questions in the order of the answers; none for input prediction; for code generation the unit
            tests, each a question with the arguments as its text and the result as its answer.
        difficulty: how hard the program is.
        level: the paper's level, 1 to 6; None for programs that were not made under a constraint.
        constraint: what the program had to keep; None likewise.
        split: "train", "validation" or "test".
        seed: what chose the questions.
        generator: where the program came from.
    """

    id: str
    kind: str
    prompt: tuple[Message, ...]
    program: Program
    result: Value
    questions: tuple[Question, ...]
    difficulty: Difficulty
    level: int | None = None
    constraint: str | None = None
    split: str = "train"
    seed: int = 0
    generator: str = "file"

    @property
    def assertion(self) -> str:
        """The whole assertion, as the first line of a right answer has it."""
        return f"assert {self.program.one_line_call} == {self.result.text}"

    @property
    def gold(self) -> str:
        """A perfect completion."""
        if self.kind == CODE_GENERATION:
            return gold_completion(["```python", self.program.source.strip("\n"), "```"], "I write the function.")
        lines = [self.assertion, *(question.answers[0] for question in self.questions)]
        return gold_completion(lines)

    def _repr_html_(self) -> str:
        """The value in a notebook."""
        return notebook_repr(self)


def gold_completion(lines: Sequence[str], reasoning: str = "I follow the call statement by statement.") -> str:
    """A completion in the format that the prompts ask for."""
    return "\n".join(["<reasoning>", reasoning, "</reasoning>", ANSWER_OPEN, *lines, ANSWER_CLOSE])


def task(
    trace: Trace,
    *,
    kind: str = "white_box",
    kinds: Sequence[str] = KINDS,
    limit: int | None = 10,
    seed: int = 0,
    id: str | None = None,
    template: str = DEFAULT,
    level: int | None = None,
    constraint: str | None = None,
    split: str = "train",
    generator: str = "file",
) -> Task:
    """A task from a run.

    Args:
        trace: a run that returned a value which has a literal.
        kind: of `TASK_KINDS`.
        kinds, limit, seed: which questions to ask, see `ask`.
        id: name; by default made of the program and the kind.
        template: name or folder of the prompt template.
        level, constraint, split, generator: written down as they are.

    Raises:
        QuestionError: an unknown kind or template, a run that did not return, a result without a literal, or for a
            white-box task a run without a step.
    """
    expect(trace, Trace, QuestionError, "make one with trace(program)")
    check_kinds([kind], TASK_KINDS)
    if trace.result.outcome != "returned":
        raise QuestionError(f"a task needs a run that returned; this one: {trace.result.outcome} ({trace.result.detail})")
    result = trace.result.value
    if result is None or result.text is None:
        what = f"{result.type} ({result.opaque_reason})" if result else "nothing"
        raise QuestionError(f"a task needs a result with a literal; this one is opaque: {what}")
    if not fits_on_answer_line(f"{trace.program.one_line_call} {result.text}"):
        raise QuestionError(
            "a task needs a call and a result that can stand in an answer; these hold its tags, such as </answer>"
        )
    if kind == "white_box" and not trace.steps:
        raise QuestionError(f"a white-box task needs a run with steps; the call {trace.program.one_line_call} {NO_STEP}")
    questions = ask(trace, kinds, limit, seed) if kind == "white_box" else ()
    text = prompt_text(kind, trace.program, result.text, questions, template)
    layout = layout_of(trace.program)
    return Task(
        id=id or task_name(trace.program, kind),
        kind=kind,
        prompt=({"role": "user", "content": text},),
        program=trace.program,
        result=result,
        questions=questions,
        difficulty=Difficulty(len(trace.steps), layout.branches, layout.depth),
        level=level,
        constraint=constraint,
        split=split,
        seed=seed,
        generator=generator,
    )


def task_name(program: Program, kind: str) -> str:
    """A name made of the program and the kind."""
    text = "\0".join((program.source, program.entry_point, program.arguments, kind))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
