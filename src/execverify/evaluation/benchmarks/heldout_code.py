"""Held-out synthesized tasks for code: write the function that the English describes; hidden unit tests decide.

`--data` takes rows that `execverify dataset build --task-kinds code_generation` made, of which those of the split "test"
count where there are
any. They are asked with the prompts that they carry.
"""

from collections.abc import Sequence

from execverify.datasets.rows_io import read_rows
from execverify.errors import EvaluationError
from execverify.evaluation.answers import EXECVERIFY, PLAIN, Answer
from execverify.evaluation.benchmark import Benchmark, BenchmarkInfo, Grade, Item
from execverify.evaluation.code_answers import code_answer, code_completion, constant_function
from execverify.evaluation.data import Source
from execverify.evaluation.heldout_set import SPLIT
from execverify.evaluation.program_features import program_features
from execverify.questions.rows import from_row
from execverify.questions.task import CODE_GENERATION, Message, Task
from execverify.rewards.parts import UNJUDGED, Score
from execverify.rewards.score import score_many
from execverify.utils.messages import count_phrase


class OwnCode(Benchmark):
    """Code-generation rows, judged by the rewards: a task is right where every unit test passes."""

    about = BenchmarkInfo(
        "heldout-code",
        "held-out synthesized tasks: write the function that is described; hidden unit tests",
        "as many as the given rows",
        "Apache-2.0",
        "`execverify dataset build -o OUT --task-kinds code_generation`",
        "every unit test passes, in our sandbox",
        "the same: results are compared by type and content",
        one_rule=True,
    )
    constants = ("True", "False", "None", "0", "1", "''", "[]", "{}", "()", "set()")

    def items(self, source: Source) -> list[Item]:
        """The rows of the given file or folder."""
        if source.path is None:
            raise EvaluationError(f"heldout-code needs rows: give --data; they come from {self.about.source_url}")
        tasks = [from_row(row) for row in read_rows(str(source.path)) if row["kind"] == CODE_GENERATION]
        held = [task for task in tasks if task.split == SPLIT] or tasks
        if not held:
            raise EvaluationError(f"{source.path} holds no code_generation rows: make some by {self.about.source_url}")
        return [_item(task) for task in held]

    def answer_format(self, style: str) -> str:
        """Rows carry their prompts, which all ask for the same tags; only `bare` takes the whole completion."""
        return PLAIN if style == PLAIN else EXECVERIFY

    def messages(self, item: Item, style: str) -> tuple[Message, ...]:
        """The row's own prompt."""
        task: Task = item.reference
        return task.prompt

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The program in the completion."""
        task: Task = item.reference
        return code_answer(completion, style, task.program.entry_point)

    def gold(self, item: Item) -> str:
        """The program that the task was made of."""
        return item.program

    def constant(self, item: Item, text: str) -> str:
        """A function that always returns the same."""
        task: Task = item.reference
        return constant_function(task.program.entry_point, text)

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The program in its block and tags."""
        return code_completion(answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """Whether all unit tests pass."""
        pairs = [(item.reference, code_completion(answer.strict or "", EXECVERIFY)) for item, answer in answers]
        return [(_mark(score),) for score in score_many(pairs, workers=workers)]


def _mark(score: Score) -> Grade:
    tests = [part for part in score.parts if part.kind == "unit_test"]
    if any(part.verdict in UNJUDGED for part in score.parts):
        return Grade(None, None, next(part.why for part in score.parts if part.verdict in UNJUDGED))
    right = bool(tests) and all(part.right for part in tests)
    wrong = next((part.why for part in (*tests, *score.parts) if not part.right), "")
    return Grade(right, right, "" if right else wrong or "no test was run")


def _item(task: Task) -> Item:
    slices = program_features(task.program.source)
    if task.level is not None:
        slices = {"level": str(task.level), **slices}
    call = f"{count_phrase(len(task.questions), 'unit test')}; {task.program.one_line_call}"
    return Item(task.id, ("code",), (task.program.source,), task.program.source, call, {}, slices, task)


BENCHMARK = OwnCode()
"""What `execverify evaluate heldout-code` runs."""
