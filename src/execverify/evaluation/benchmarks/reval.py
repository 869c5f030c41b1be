"""REval (Chen et al. 2024, arXiv 2403.16437): coverage, path, state and output of runs, and how consistent the answers are.

The data carry no licence, so none are here: `--data` names a folder with `DREval_data.jsonl` and `DREval_tasks.jsonl`.

    data    {task_id, entry_point, code, inputs, outputs, test}    functions: argument tuples; classes: bodies of unittest methods
    tasks   {task_id, idx, tasks: [{input_idx, task: [{lineno, var}], output_pred}]}

What is true is not read from anywhere: each run is made here, under watch (`tracing/expression_watch.py`). Each probe (a line, a variable)
is asked in three prompts, and each run's output in one more.

    coverage   is the line executed? YES or NO
    path       which line is executed next? The text of any true successor; -1 where there is none, or the line is not executed
    state      the variable's `value; type` at any visit; Nil where the line is not executed, or the variable has no value there
    output     the completed assertion

Steps outside of the code under test (the test's own lines) are left out of paths, so the line after a method's last is the next
one that runs in that code. How the authors read answers is in `reval/official_rule.py`. A probe on a line that continues a statement
counts as that statement's. What cannot be judged (a class whose imports are not installed, values that cannot be written down)
is left out, and `extra_metrics` counts it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from execverify.errors import EvaluationError
from execverify.evaluation.answers import Answer, extract_answer_text, format_answer
from execverify.evaluation.benchmark import Benchmark, BenchmarkInfo, Grade, Item, ItemResult
from execverify.evaluation.data import Source
from execverify.evaluation.prompts import render
from execverify.evaluation.reval.grade import mark
from execverify.evaluation.reval.ground_truth import NO, YES, Probe, outputs_held, probed
from execverify.evaluation.reval.official_rule import WEIGHTS
from execverify.evaluation.reval.programs import HOLE, ORIGIN, Run, SkipCounts, read_runs, text_to_run
from execverify.questions.question import NO_NEXT_STATEMENT, NO_STATE
from execverify.questions.task import Message

_CHAIN = ("coverage", "state", "path", "output")


class Reval(Benchmark):
    """Four questions about each run, from the authors' data."""

    about = BenchmarkInfo(
        "reval",
        "coverage, path, state and output of runs, and their consistency",
        "154 programs, 3,152 probes (9,456 prompts) and 690 outputs",
        "none given (not shipped)",
        ORIGIN,
        "the authors': YES/NO; any true successor's text; the value (floats within 1e-6) at any visit; the completed assertion runs; "
        "consistency: 1 for a probe with coverage, state, path and output right, 1/2 up to path, 1/4 up to state, 1/8 for coverage alone",
        "the same without tolerance: exact words, typed values, an output that is a literal in the given assertion",
    )
    takes_imports = True
    together = 2_000
    counts = {"left_out": "question"}
    constants = (YES, NO, NO_NEXT_STATEMENT, NO_STATE, "True", "0; int", "[]; list")

    def items(self, source: Source) -> list[Item]:
        """Every probe three times and every output, in the order of the data."""
        left = SkipCounts()
        count, asked = read_runs(source.path, left, source.imports)
        items = probed(asked, count, left, source)
        if not items:
            raise EvaluationError(f"{source.path}: no probe of it can be judged here ({_told(left.counts)})")
        return items

    def messages(self, item: Item, style: str) -> tuple[Message, ...]:
        """The prompt of the item's task."""
        name = "reval_output" if item.reference.task == "output" else item.reference.task
        return ({"role": "user", "content": render(style, name, item.fields)},)

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """What stands in the answer's tags."""
        text, why = extract_answer_text(completion, style)
        return Answer(text, text, why)

    def gold(self, item: Item) -> str:
        """A right answer; for outputs, the assertion with the output of the data."""
        return item.expected[0]

    def constant(self, item: Item, text: str) -> str:
        """The text; for outputs, the assertion with it."""
        probe: Probe = item.reference
        return probe.run.assertion.replace(HOLE, text) if probe.task == "output" else text

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The answer in the style's form."""
        return format_answer(answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """One mark each; outputs are run."""
        wanted = (text_to_run(item.reference.run, answer.official) for item, answer in answers if item.reference.task == "output")
        texts = list(dict.fromkeys(text for text in wanted if text is not None))
        imports = answers[0][0].reference.run.imports if answers else ()
        known = dict(zip(texts, outputs_held(texts, workers, imports), strict=True))
        return [(mark(item.reference, answer, known),) for item, answer in answers]

    def own_scores(self, records: Sequence[ItemResult], strict: bool) -> dict[str, list[list[float]]]:
        """Consistency; probes of one program belong together."""
        return {"consistency": consistencies(records, strict)}

    def extra_metrics(self, records: Sequence[ItemResult]) -> dict[str, Any]:
        """Consistency, what right answers get by the authors' account, and how many questions could not be judged, by reason."""
        found = {name: consistency(records, name == "strict") for name in ("official", "strict")}
        probes: list[Probe] = [record.item.reference for record in records[:1]]
        return {
            "consistency": found,
            "official_score_of_right_answers": ceilings([record.item for record in records]),
            "left_out": {why: count for of in probes for why, count in of.run.left.counts.items()},
        }


def ceilings(items: Sequence[Item]) -> dict[str, float]:
    """The official score in percent, by task, of answers that are right by our account: what no model can pass by executing code."""
    found: dict[str, list[bool]] = {}
    for item in items:
        if item.reference.task != "output":
            answer = Answer(item.expected[0], item.expected[0])
            found.setdefault(item.reference.task, []).append(bool(mark(item.reference, answer, {}).official))
    return {task: round(100 * sum(verdicts) / len(verdicts), 4) for task, verdicts in found.items()}


def consistency(records: Sequence[ItemResult], strict: bool) -> float | None:
    """The mean of `consistencies` in percent; None where no probe has all four answers."""
    scores = [score for of_program in consistencies(records, strict) for score in of_program]
    return round(100 * sum(scores) / len(scores), 4) if scores else None


def consistencies(records: Sequence[ItemResult], strict: bool) -> list[list[float]]:
    """The authors' measure of the first answers to each probe, from 0 to 1: a list for each program.

    A probe of which one of the four could not be asked or judged is left out, and so is a program without any other.
    """
    verdicts: dict[tuple[str, str], bool] = {}
    groups: dict[str, Run] = {}
    for record in records:
        probe: Probe = record.item.reference
        for verdict in record.verdicts(0, strict)[:1]:
            verdicts[probe.group, probe.task] = verdict
        if probe.task != "output":
            groups[probe.group] = probe.run
    found: dict[str, list[float]] = {}
    for group, run in groups.items():
        chain = [verdicts.get((run.name if task == "output" else group, task)) for task in _CHAIN]
        if None not in chain:
            found.setdefault(run.code, []).append(WEIGHTS.get(tuple(map(bool, chain)), 0.0))
    return list(found.values())


def _told(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{count} {why}" for why, count in counts.items()) or "it has none"


BENCHMARK = Reval()
