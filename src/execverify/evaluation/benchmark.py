"""What a benchmark is to the rest of evaluation: items, prompts, answers, verdicts.

A benchmark is one file in `benchmarks/` whose name is registered by being there. It makes `Item`s of a file, defines how each is
asked in a style, takes the answer out of a completion, and judges answers twice: by its authors' rule to the letter, and
strictly. All else (sampling, storing, pass@k, intervals, floors, slices, pages) is done elsewhere, the same for every benchmark.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from execverify.evaluation.answers import Answer
from execverify.evaluation.data import Source
from execverify.evaluation.prompts import answer_format_of, render
from execverify.questions.task import Message
from execverify.rewards.steps.chain import GradedChain


@dataclass(frozen=True, slots=True)
class BenchmarkInfo:
    """What a reader wants to know before the first run.

    Attributes:
        name: as the command line has it.
        description: one line.
        size: how many items, in words.
        licence: of the data.
        source_url: where the data come from: a page, or a name on the hub.
        official: the authors' rule, in one line.
        strict: what the strict verdict asks for.
        hub: the public name of the data on the hub, and its split; None where they are not there.
        needs_data: whether the data have to be given or fetched.
        one_rule: whether both verdicts are the same by definition; tables show them once.
    """

    name: str
    description: str
    size: str
    licence: str
    source_url: str
    official: str
    strict: str
    hub: tuple[str, str] | None = None
    needs_data: bool = True
    one_rule: bool = False


@dataclass(frozen=True)
class Item:
    """One prompt's worth of a benchmark.

    Attributes:
        id: its name, unique in the benchmark.
        tasks: what is asked: one name for each mark that an answer gets ("output"; or "output", "next_statement", ...).
        expected: for each of these, the expected answer as shown to readers.
        program: the source that a reader is shown.
        call: the call that is made, or whatever else leads to the question; one line.
        fields: what the prompt templates may name.
        slices: properties by which scores are cut, such as {"loops": "2", "level": "4"}.
        reference: whatever the benchmark itself needs to judge.
        questions: for each task, the question in words, as shown to readers; empty where the task's name says it all.
    """

    id: str
    tasks: tuple[str, ...]
    expected: tuple[str, ...]
    program: str
    call: str
    fields: Mapping[str, str]
    slices: Mapping[str, str] = field(default_factory=dict)
    reference: Any = None
    questions: tuple[str, ...] = ()

    def question(self, part: int) -> str:
        """What one of the tasks asks, in words."""
        if part < len(self.questions):
            return self.questions[part]
        task = self.tasks[part]
        known = {"output": f"What does `{self.call}` return?", "input": f"Which arguments hold: `{self.call}`?"}
        return known.get(task, task.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdicts on one part of an answer.

    Attributes:
        official: right by the authors' rule; None where we failed to judge.
        strict: right strictly; None where we failed to judge.
        why: one line on why it is not right; empty where it is right both ways.
        included: False where the authors' rule leaves the sample out, as if it had not been drawn.
        chain: the graded chain of thought of the completion, where this part is about it.
    """

    official: bool | None
    strict: bool | None
    why: str = ""
    included: bool = True
    chain: GradedChain | None = None


class Benchmark(ABC):
    """A benchmark. Stateless: one object serves every run.

    Attributes:
        about: what it is.
        constants: answers that need no thought, whose scores stand beside every score as floors.
        template: name of its files in the folders of prompt templates.
        takes_imports: whether its programs may import installed modules that a user names.
        together: how many answers are judged at once, where that takes so long that a user wants to see how far it is; None: all.
        counts: which of `extra_metrics` are counts, and of what: a noun in the singular. The others are in percent.
    """

    about: BenchmarkInfo
    constants: tuple[str, ...] = ()
    template: str = "output"
    takes_imports: bool = False
    together: int | None = None
    counts: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def items(self, source: Source) -> list[Item]:
        """All items, in the order of the data.

        Raises:
            EvaluationError: the data are missing, or are not what they should be.
        """

    def located(self, source: Source) -> Source:
        """Where the items are read from; a benchmark that downloads its data names the file.

        Raises:
            EvaluationError: the data cannot be had.
        """
        return source

    def answer_format(self, style: str) -> str:
        """The known style whose answers look like those of a style: itself, unless it is a file.

        Raises:
            EvaluationError: there is no such style or file.
        """
        return answer_format_of(style)

    @abstractmethod
    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The answer in a completion."""

    @abstractmethod
    def gold(self, item: Item) -> str:
        """A right answer, as `complete` takes it."""

    @abstractmethod
    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """The marks of each answer, one for each of its item's tasks, in order. Nothing depends on the other answers."""

    def messages(self, item: Item, style: str) -> tuple[Message, ...]:
        """The chat messages that ask an item.

        Raises:
            EvaluationError: no such style, or a template that names what the item does not have.
        """
        return ({"role": "user", "content": render(style, self.template, item.fields)},)

    def constant(self, item: Item, text: str) -> str:
        """The answer of a baseline that always gives `text`."""
        return text

    def complete(self, item: Item, answer: str, style: str) -> str:
        """A completion that gives an answer in a style."""
        return answer

    def own_scores(self, records: Sequence["ItemResult"], strict: bool) -> Mapping[str, Sequence[Sequence[float]]]:
        """Scores beside pass@k that this benchmark alone has, which tables show in a row each.

        Args:
            records: what became of each item.
            strict: by which verdict.

        Returns:
            By name, values from 0 to 1 whose mean is the score, in lists of those that belong to one program; none of them empty.
        """
        return {}

    def extra_metrics(self, records: Sequence["ItemResult"]) -> dict[str, Any]:
        """Figures that this benchmark alone has: in percent, or counts, where `counts` names them."""
        return {}


@dataclass(frozen=True)
class ItemResult:
    """What became of one item.

    Attributes:
        item: what was asked.
        completions: the texts, one a sample.
        answers: what was taken out of each.
        marks: for each sample, the marks, one for each of the item's tasks.
        error: what went wrong on our side before any completion came; None where nothing did.
        truncated: for each sample, whether it was cut off at the most tokens.
    """

    item: Item
    completions: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    marks: tuple[tuple[Grade, ...], ...] = ()
    error: str | None = None
    truncated: tuple[bool, ...] = ()

    def chains(self) -> list[tuple[GradedChain, bool]]:
        """The chain of each completion whose chain was graded, and whether its first part (the output) is strictly right."""
        return [(mark.chain, bool(marks[0].strict)) for marks in self.marks for mark in marks if mark.chain is not None]

    def verdicts(self, part: int, strict: bool) -> list[bool]:
        """The verdicts on one part over the samples; what is not counted, or could not be judged, is left out."""
        marks = [sample[part] for sample in self.marks]
        return list(_decided(marks, strict))


def _decided(marks: Iterable[Grade], strict: bool) -> Iterable[bool]:
    for mark in marks:
        verdict = mark.strict if strict else mark.official
        if verdict is not None and (strict or mark.included):
            yield verdict
