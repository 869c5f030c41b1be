"""A data set in EvalPlus's form, as a benchmark."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from execverify.evaluation.answers import PLAIN, Answer
from execverify.evaluation.benchmark import Benchmark, Grade, Item, ItemResult
from execverify.evaluation.code_answers import CODE, code_answer, code_completion, constant_function
from execverify.evaluation.code_tests.problem import Problem, Rules
from execverify.evaluation.code_tests.run import Verdict, grade
from execverify.evaluation.data import Release, Row, Source, load_rows, user_cache
from execverify.evaluation.intervals import pass_at_k
from execverify.evaluation.program_features import program_features

FIELDS = ("task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol")
RULE = (
    "EvalPlus's: every base and plus input gives the reference's result by == or within the problem's tolerance, "
    "and a few problems' own rules; the score of the base inputs alone stands under `more`"
)
STRICT = "every result has the reference's very type and content, without a tolerance"


def evalplus_release(name: str, version: str, override: str) -> Release:
    """A release of EvalPlus: its address and its place in the cache are those of their package.

    Args:
        name: of the data, such as "HumanEvalPlus".
        version: of the release, such as "v0.1.10".
        override: environment variable that names a local file.
    """
    url = f"https://github.com/evalplus/{name.lower()}_release/releases/download/{version}/{name}.jsonl.gz"
    return Release(url, user_cache("evalplus") / f"{name}-{version}.jsonl", override)


class EvalPlus(Benchmark):
    """A data set in EvalPlus's form."""

    template = CODE
    constants = ("None", "True", "False", "0", "[]", "''")
    rules = Rules()
    release: Release

    def located(self, source: Source) -> Source:
        """The given file, or the release: that of the override variable, of EvalPlus's cache, or downloaded into it."""
        return source if source.path is not None else replace(source, path=self.release.path(self.about.name))

    def items(self, source: Source) -> list[Item]:
        """The rows of the release's file; base and plus inputs are what its JSON holds."""
        rows = load_rows(source, self.about.name, self.about.source_url, self.about.hub, FIELDS)
        return [self._item(row) for row in rows]

    def _item(self, row: Row) -> Item:
        base, plus = (
            tuple(map(tuple, self.rules.inputs(row["task_id"], row[name] or []))) for name in ("base_input", "plus_input")
        )
        reference = row["prompt"] + row["canonical_solution"]
        problem = Problem(
            str(row["task_id"]), row["prompt"], row["entry_point"], reference, base, plus, float(row["atol"]), self.rules
        )
        rows_of_grades = f"{len(base)} base and {len(plus)} plus inputs"
        fields = {"task": _task(row["prompt"], row["entry_point"]), "prompt": row["prompt"], "entry_point": row["entry_point"]}
        return Item(
            problem.id, ("plus",), (reference,), row["prompt"], rows_of_grades, fields, program_features(reference), problem
        )

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The program. A bare text that does not define the function is what follows the prompt."""
        problem: Problem = item.reference
        answer = code_answer(completion, style, problem.entry_point)
        if style == PLAIN and answer.official is not None and f"def {problem.entry_point}(" not in answer.official:
            whole = problem.prompt + answer.official
            return Answer(whole, whole)
        return answer

    def gold(self, item: Item) -> str:
        """The reference."""
        return item.expected[0]

    def constant(self, item: Item, text: str) -> str:
        """A function that returns the same always."""
        return constant_function(item.reference.entry_point, text)

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The program as a block."""
        return code_completion(answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """One mark each: right on base and plus. Equal programs run once."""
        found = grade([(item.reference, answer.official) for item, answer in answers], workers)
        return [(_mark(answer, verdicts),) for (_, answer), verdicts in zip(answers, found, strict=True)]

    def extra_metrics(self, records: Sequence[ItemResult]) -> dict[str, Any]:
        """The figures of the base inputs alone."""
        pairs = [(record.item.reference, answer.official) for record in records for answer in record.answers]
        verdicts = iter(grade(pairs, 1))  # known by now
        rows = [[next(verdicts) for _ in record.answers] for record in records]
        return {"base": {name: _base(rows, name) for name in ("official", "strict")}}


def _base(rows: Sequence[Sequence[tuple[Verdict, Verdict] | None]], name: str) -> dict[str, float]:
    rows_of_grades = [[False if each is None else getattr(each[0], name) for each in row] for row in rows]
    known = [[verdict for verdict in row if verdict is not None] for row in rows_of_grades]
    counted = [row for row in known if row]
    least = min(map(len, counted), default=0)
    figures = {k: [pass_at_k(len(row), sum(row), k) for row in counted] for k in (1, 5, 10) if k <= least}
    return {f"pass_at_{k}": round(100 * math.fsum(each) / len(each), 4) for k, each in figures.items()}


def _task(prompt: str, entry_point: str) -> str:
    return f"Write a Python program that does what is asked. Its function must be called {entry_point}.\n\n{prompt.strip()}"


def _mark(answer: Answer, verdicts: tuple[Verdict, Verdict] | None) -> Grade:
    if verdicts is None:
        return Grade(False, False, answer.why or "there is no program")
    base, plus = verdicts
    both = [_both(one, other) for one, other in ((base.official, plus.official), (base.strict, plus.strict))]
    why = f"base: {base.why}" if base.why else f"plus: {plus.why}" if plus.why else ""
    return Grade(both[0], both[1], why)


def _both(one: bool | None, other: bool | None) -> bool | None:
    return False if one is False or other is False else None if one is None or other is None else True
