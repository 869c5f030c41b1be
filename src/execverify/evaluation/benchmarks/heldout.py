"""Held-out synthesized programs, by level and kind of question: always there, offline, and never in a training row.

The fixed set is `heldout.jsonl`: 50 programs of each level whose shape belongs to the split "test" (see `heldout_set.py`). Labels are not
kept; every run makes them anew by tracing. `--data` takes rows that `execverify dataset build` made instead, of which those of the split
"test" count where there are any.

A white-box row is one prompt with several questions, and each is a mark of its own: the output assertion, next statements, variable
states. The score of a task is the share of its marks; the rewards' gate is not applied to it, and the mean reward stands beside.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from execverify.datasets.rows_io import read_rows
from execverify.errors import EvaluationError, ExecVerifyError
from execverify.evaluation.answers import EXECVERIFY, PLAIN, Answer
from execverify.evaluation.benchmark import Benchmark, BenchmarkInfo, Grade, Item, ItemResult
from execverify.evaluation.data import Row, Source, rows_of
from execverify.evaluation.heldout_set import SPLIT
from execverify.evaluation.program_features import add_steps, program_features
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program
from execverify.questions.prompts import prompt_text, template_names
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN
from execverify.questions.rows import from_row
from execverify.questions.task import TASK_KINDS, Message, Task, gold_completion, task
from execverify.rewards.parts import UNJUDGED, Score
from execverify.rewards.score import PAPER_REWARD, score_many
from execverify.sandbox.result import Limits
from execverify.tracing.trace import trace_many
from execverify.utils.messages import suggestion

FIXED_SET = Path(__file__).with_name("heldout.jsonl")
QUESTIONS = 10
"""Most questions of a row."""

_EXTENDED_LIMITS = Limits(timeout=20.0)
"""Every program of the fixed set ends, however busy the machine is."""

_TEMPLATES = {name: name for name in template_names()} | {
    EXECVERIFY: "default",
    "direct": "no_reasoning",
    "cot": "short",
    PLAIN: "no_reasoning",
}
"""Styles and their templates: each template by its own name, so that a model can be asked as it was trained."""


class Heldout(Benchmark):
    """White-box and input-prediction rows, judged by the rewards."""

    about = BenchmarkInfo(
        "heldout",
        "held-out synthesized programs: output, input, next statements and variable states, levels 1 to 6",
        "300 rows (171 white-box with 1,202 questions, 129 input prediction)",
        "Apache-2.0",
        "this package (fixed set: seed 52026, shapes of the split test, which no training row has)",
        "the rewards' own verdict on each part (nothing a model wrote is run)",
        "the same: the rewards are strict",
        needs_data=False,
        one_rule=True,
    )
    constants = ("-1", "Nil", "True", "False", "None", "0", "0; int", "[]", "[]; list", "''")

    def items(self, source: Source) -> list[Item]:
        """The fixed set, or the rows of a file."""
        tasks = _fixed(source) if source.path is None else _given(source.path)
        return [_item(one) for one in tasks]

    def answer_format(self, style: str) -> str:
        """The prompts of tasks ask for the same tags in every style; a folder of templates is a style too."""
        if style not in _TEMPLATES and not Path(style).is_dir():
            raise EvaluationError(
                f"there is no style {style!r} for heldout: {suggestion(style, _TEMPLATES, 'a folder of prompt templates')}"
            )
        return PLAIN if style == PLAIN else EXECVERIFY

    def messages(self, item: Item, style: str) -> tuple[Message, ...]:
        """The prompt of the row, by the templates of the tasks themselves; a style that is a folder of templates works too."""
        of: Task = item.reference
        template = _TEMPLATES.get(style, style)
        text = prompt_text(of.kind, of.program, of.result.text or "", of.questions, template)
        return ({"role": "user", "content": text},)

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """What stands in the answer's tags, which every style of these prompts asks for."""
        if style == PLAIN:
            return Answer(completion, completion)
        end = completion.rfind(ANSWER_CLOSE)
        start = completion.rfind(ANSWER_OPEN, 0, end) if end >= 0 else -1
        if start < 0:
            return Answer(None, None, f"there is no {ANSWER_OPEN}...{ANSWER_CLOSE}")
        text = completion[start + len(ANSWER_OPEN) : end].strip("\n")
        return Answer(text, text)

    def gold(self, item: Item) -> str:
        """The assertion and the answers."""
        of: Task = item.reference
        return "\n".join([of.assertion, *(question.answers[0] for question in of.questions)])

    def constant(self, item: Item, text: str) -> str:
        """The text for everything: as the result, as the input, and as the answer to each question."""
        of: Task = item.reference
        program = of.program
        first = f"assert {program.one_line_call} == {text}"
        if of.kind == "input_prediction":
            first = f"assert {program.entry_point}({text}) == {of.result.text}"
        return "\n".join([first, *[text] * len(of.questions)])

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The answer in its tags."""
        return answer if style == PLAIN else gold_completion(answer.split("\n"))

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """One mark for the assertion, and one for each question."""
        pairs = [(item.reference, _completion(answer)) for item, answer in answers]
        return [grades_of(score) for score in score_many(pairs, workers=workers)]

    def extra_metrics(self, records: Sequence[ItemResult]) -> dict[str, Any]:
        """The mean reward of each kind of row by level, in percent of the full reward, and the share of perfect rows."""
        rewards: dict[tuple[str, int], list[float]] = {}
        perfect: dict[str, list[bool]] = {}
        for record in records:
            of: Task = record.item.reference
            for marks in record.marks:
                if any(mark.strict is None for mark in marks):
                    continue
                rewards.setdefault((of.kind, of.level or 0), []).append(_reward(marks, record.item.tasks))
                perfect.setdefault(of.kind, []).append(all(mark.strict for mark in marks))
        return {
            "reward_by_level": {
                kind: {str(level): _percent(rewards[kind, level]) for k, level in sorted(rewards) if k == kind}
                for kind in dict.fromkeys(kind for kind, _ in rewards)
            },
            "reward": {kind: _percent([r for (k, _), all_ in rewards.items() if k == kind for r in all_]) for kind in perfect},
            "perfect_rows": {kind: _percent(list(map(float, each))) for kind, each in perfect.items()},
        }


def _percent(numbers: Sequence[float]) -> float:
    return round(100 * sum(numbers) / len(numbers), 4) if numbers else 0.0


def _reward(marks: Sequence[Grade], tasks: Sequence[str]) -> float:
    """The paper's reward as a share of the full one."""
    if not marks[0].strict:
        return 0.0
    asked = [bool(mark.strict) for mark in marks[1:]]
    return 1.0 if not asked else 1 - PAPER_REWARD.alpha + PAPER_REWARD.alpha * sum(asked) / len(asked)


def _completion(answer: Answer) -> str:
    return "" if answer.strict is None else f"{ANSWER_OPEN}\n{answer.strict}\n{ANSWER_CLOSE}"


def grades_of(score: Score) -> tuple[Grade, ...]:
    """The grade of each part of a score; None where it was not judged."""
    marks = []
    for part in score.parts:
        verdict = None if part.verdict in UNJUDGED else part.right
        marks.append(Grade(verdict, verdict, part.why))
    return tuple(marks)


def _item(of: Task) -> Item:
    first = "input" if of.kind == "input_prediction" else "output"
    tasks = (first, *(question.kind for question in of.questions))
    asked = [f"{question.answers[0]}" for question in of.questions]
    slices = add_steps(
        program_features(of.program.source, parse_literal(of.result.text or "None"), has_result=True), of.difficulty.steps
    )
    if of.level is not None:
        slices = {"level": str(of.level), **slices}
    call = of.program.one_line_call
    question = f"Which arguments make `{of.program.entry_point}` return `{of.result.text}`?"
    questions = (question if first == "input" else f"What does `{call}` return?", *(question.text for question in of.questions))
    return Item(of.id, tasks, (of.assertion, *asked), of.program.source, call, {}, slices, of, questions)


def _fixed(source: Source) -> list[Task]:
    records = [row for _, row in rows_of(FIXED_SET)][: source.limit]
    programs = [Program(row["source"], row["entry_point"], row["arguments"]) for row in records]
    traces = trace_many(programs, limits=_EXTENDED_LIMITS, workers=source.workers)
    made = []
    for row, trace in zip(records, traces, strict=True):
        try:
            made.append(_task(row, trace, source.seed))
        except ExecVerifyError as error:
            raise EvaluationError(f"own: {row['id']} could not be run here: {error}") from None
    return made


def _task(row: Row, trace: Any, seed: int) -> Task:
    return task(
        trace, kind=row["kind"], limit=QUESTIONS, seed=seed, id=row["id"], level=row["level"], constraint=row["constraint"], split=SPLIT
    )  # fmt: skip


def _given(path: Path) -> list[Task]:
    tasks = [from_row(row) for row in read_rows(str(path))]
    usable = [one for one in tasks if one.kind in TASK_KINDS[:2]]
    held = [one for one in usable if one.split == SPLIT] or usable
    if not held:
        raise EvaluationError(f"{path} holds no white-box or input-prediction rows")
    return held


BENCHMARK = Heldout()
