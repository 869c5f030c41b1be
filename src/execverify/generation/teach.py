"""A model writes chains of thought: the first of some tries that the verifier pays in full is kept."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from execverify.cot.generate import CotCompletion
from execverify.cot.teacher import accepted_many
from execverify.datasets.cot_rows import cot_row
from execverify.errors import DatasetError
from execverify.generation.asker import Asker
from execverify.generation.funnel import ANSWERED, ASKED, TAUGHT
from execverify.generation.rows import Record, rejected
from execverify.models.model import Request, Sampling
from execverify.questions.rows import Row, from_row
from execverify.questions.task import TASK_KINDS
from execverify.sandbox.result import Limits

TEACHING_STAGES = (ASKED, ANSWERED, TAUGHT)
"""Stages of a row that is taught."""

MODEL_STYLE = "model"
"""The style of chains that a model wrote."""

Judge = Callable[[Sequence[tuple[Row, str]]], list[bool]]
"""Whether completions of rows earn the full reward."""


@dataclass(frozen=True)
class TeachingConfig:
    """How chains are drawn. The temperature is the paper's.

    Attributes:
        tries: most completions of each row; they are asked for one after another.
        temperature, top_p, max_tokens: how they are drawn.
        seed: of the samples.

    Raises:
        DatasetError: tries below 1.
    """

    tries: int = 4
    temperature: float = 0.6
    top_p: float = 0.95
    max_tokens: int = 4096
    seed: int = 0

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise DatasetError(f"--tries is {self.tries}: give 1 or more")


def judge_completions(pairs: Sequence[tuple[Row, str]], limits: Limits) -> list[bool]:
    """Whether each completion of a row earns the full reward.

    Raises:
        SandboxError: a program could not be run (our failure).
    """
    return accepted_many([(from_row(row), text) for row, text in pairs], limits=limits)


def teach_rows(records: Sequence[Record], asker: Asker, config: TeachingConfig, judge: Judge) -> list[Record]:
    """Asks for chains, try after try, until one is right: the record gets `chain`, `tokens` and `tries`, or is rejected.

    Args:
        records: of rows of kind "white_box" or "input_prediction"; rows of other kinds are rejected.
        asker: asks the model.
        config: how chains are drawn.
        judge: decides which are right.
    """
    sampling = Sampling(config.temperature, config.top_p, config.max_tokens, seed=config.seed)
    made = [_taught_or_not(record) for record in records]
    for number in range(config.tries):
        places = [at for at, record in enumerate(made) if not record["stage"] and "chain" not in record]
        if not places:
            break
        requests = [Request("", tuple(made[at]["row"]["prompt"]), number) for at in places]
        replies = asker.ask(requests, sampling)
        answered = [(at, reply.answer) for at, reply in zip(places, replies, strict=True) if reply.answer is not None]
        for at, reply in zip(places, replies, strict=True):
            made[at] = {
                **made[at],
                "tries": number + 1,
                "error": reply.error,
                "answers": made[at]["answers"] + (reply.answer is not None),
            }
        verdicts = judge([(made[at]["row"], answer.text) for at, answer in answered])
        for (at, answer), right in zip(answered, verdicts, strict=True):
            if right:
                made[at] |= {"chain": answer.text, "tokens": answer.completion_tokens}
    return [_ended(record) for record in made]


def taught_row(record: Record) -> dict[str, Any]:
    """The row for supervised fine-tuning of a record that was taught."""
    return cot_row(from_row(record["row"]), CotCompletion(record["chain"], MODEL_STYLE, 0, record["tokens"]))


def shares_by_level(records: Mapping[Any, Counter[bool]]) -> list[tuple[str, int, int]]:
    """Level, rows kept and rows asked for, in the order of the levels."""
    named = sorted(records.items(), key=lambda pair: (pair[0] is None, pair[0] or 0))
    return [("no level" if level is None else f"level {level}", found[True], found.total()) for level, found in named]


def _taught_or_not(record: Record) -> Record:
    kind = record["row"].get("kind")
    if record["stage"]:
        return record
    if kind not in TASK_KINDS:
        return rejected(record, ASKED, f"rows of kind {kind} have no run to reason about")
    return {**record, "answers": 0}


def _ended(record: Record) -> Record:
    if record["stage"] or "chain" in record:
        return record
    if not record["answers"]:
        return rejected(record, ANSWERED, "every request failed", record["error"])
    return rejected(record, TAUGHT, f"none of {record['tries']} tries is right")
