"""Is a dataset safe to train on? Every label is made anew from a run, gold and true chains score full, and no attack is overpaid."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice

from execverify.datasets.dedup import HashSet, stable_hash
from execverify.datasets.validate_chains import try_chains
from execverify.datasets.workers import Workers, batched, parallel_map
from execverify.questions.question import KINDS
from execverify.questions.rows import Row, from_row
from execverify.questions.select import ask
from execverify.questions.task import CODE_GENERATION, Task
from execverify.reward_hacks import HACK_FAMILIES, RewardHack, iter_hacks
from execverify.rewards.code.grade import PAPER_UNIT_TESTS
from execverify.rewards.score import PAPER_REWARD, score_many
from execverify.sandbox.result import Limits, Outcome
from execverify.tracing.trace import trace_many

_CHUNK = 32
_THOROUGH_ROWS = 5  # of each kind, tried with every completion of every family
_LIMITS = Limits()

FULL_TESTS = 1.0 + PAPER_UNIT_TESTS.format_bonus
"""What a right function earns."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that must not be.

    Attributes:
        id: the row's id.
        what: "label", "gold", "chain" or an attack's family.
        detail: what was expected and what came.
    """

    id: str
    what: str
    detail: str


@dataclass
class Validation:
    """What a validation found.

    Attributes:
        rows: how many rows were read, by kind.
        questions: how many questions had their answers made anew.
        chains: how many true chains of thought were graded.
        tried: how many completions of each attack family were scored.
        faults: everything that must not be; empty where all is well.
    """

    rows: Counter[str] = field(default_factory=Counter)
    questions: int = 0
    chains: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to try on a row: every completion of every family, or one completion of each.

    Attributes:
        row: the row.
        turn: which completion of each family, by family; None for every one.
    """

    row: Row
    turn: Mapping[str, int] | None

    def tries(self, task: Task) -> Iterator[RewardHack]:
        """The attacks."""
        if self.turn is None:
            yield from iter_hacks(task)
        else:
            for family in HACK_FAMILIES:
                yield from islice(family.attacks(task), self.turn[family.name], self.turn[family.name] + 1)


def _planned(rows: Iterable[Row], thorough: bool) -> Iterator[_Plan]:
    """Which attacks to try on each row.

    Every family has many completions, over a thousand together. The first rows of each kind get all of them; each row
    after that gets one completion of every family, the next one in turn, so that all come round many times over a file.
    """
    numbers: Counter[str] = Counter()
    known: Counter[str] = Counter()  # how many completions a family is known to have
    for row in rows:
        kind = str(row["kind"])
        number, numbers[kind] = numbers[kind], numbers[kind] + 1
        if thorough or number < _THOROUGH_ROWS:
            if not thorough:
                known |= Counter(attack.family for attack in iter_hacks(from_row(row)))
            yield _Plan(row, None)
        else:
            yield _Plan(row, {family.name: number % max(1, known[family.name]) for family in HACK_FAMILIES})


def validate(
    rows: Iterable[Row],
    *,
    thorough: bool = False,
    limits: Limits = _LIMITS,
    workers: Workers = 1,
    progress: Callable[[int], None] = lambda rows: None,
) -> Validation:
    """Checks rows: labels against a new run, gold answers and true chains of thought against the full reward, attacks on both.

    Args:
        rows: what to check; read as they are needed.
        thorough: try every completion of every attack family on every row, instead of one of each family in turn.
        limits: what a program may use.
        workers: how many processes share the work, or a pool; what is tried is the same for any number.
        progress: called with how many more rows are done, now and then.
    """
    found = Validation()
    seen = HashSet()
    plans = _planned(_unlike(rows, seen, found), thorough)
    for part in parallel_map(partial(_checked, limits=limits), _chunks(plans), workers):
        found.rows.update(part.rows)
        found.questions += part.questions
        found.chains += part.chains
        found.tried.update(part.tried)
        found.faults += part.faults
        progress(part.rows.total())
    return found


def _chunks(plans: Iterable[_Plan]) -> Iterator[list[_Plan]]:
    """What one process checks at a time: a row that gets every completion costs as much as hundreds of others, and goes alone."""
    for every, some in groupby(plans, lambda plan: plan.turn is None):
        yield from batched(some, 1 if every else _CHUNK)


def _unlike(rows: Iterable[Row], seen: HashSet, found: Validation) -> Iterator[Row]:
    """Yield the rows; a repeated id is reported as a fault."""
    for row in rows:
        id = str(row.get("id", ""))
        if not seen.add(stable_hash(id)):
            found.faults.append(Fault(id, "label", "another row has the same id"))
        yield row


def _checked(plans: Sequence[_Plan], limits: Limits) -> Validation:
    """What is found of some rows."""
    found = Validation()
    tasks = [from_row(plan.row) for plan in plans]
    found.rows.update(task.kind for task in tasks)
    _check_labels(tasks, limits, found)
    for task, gold in zip(tasks, score_many([(task, task.gold) for task in tasks], limits=limits), strict=True):
        full = FULL_TESTS if task.kind == CODE_GENERATION else PAPER_REWARD.scale
        if gold.reward != full:
            whys = "; ".join(part.why for part in gold.parts if part.why)
            found.faults.append(Fault(task.id, "gold", f"gold earns {gold.reward}: {whys}"))
    for task, plan in zip(tasks, plans, strict=True):
        tries = list(plan.tries(task))
        scores = score_many([(task, attack.completion) for attack in tries], limits=limits)
        for attack, score in zip(tries, scores, strict=True):
            found.tried[attack.family] += 1
            if score.reward is None or score.reward > attack.max_reward:
                detail = f"earns {score.reward}, is worth {attack.max_reward}: {attack.completion[:200]!r}"
                found.faults.append(Fault(task.id, attack.family, detail))
    _check_chains(tasks, [plan.turn is None for plan in plans], limits, found)
    return found


def _check_chains(tasks: list[Task], every: list[bool], limits: Limits, found: Validation) -> None:
    for chain in try_chains(tasks, every, limits):
        if chain.family:
            found.tried[chain.family] += 1
        else:
            found.chains += 1
        if chain.fault:
            found.faults.append(Fault(chain.id, chain.family or "chain", chain.fault))


def _check_labels(tasks: list[Task], limits: Limits, found: Validation) -> None:
    for task, trace in zip(tasks, trace_many([task.program for task in tasks], limits=limits), strict=True):
        value = trace.result.value
        if trace.result.outcome != Outcome.RETURNED or value is None or value.text != task.result.text:
            came = f"{trace.result.outcome} {value or trace.result.detail}"
            found.faults.append(Fault(task.id, "label", f"the row says {task.result.text}, the run: {came}"))
        elif task.kind == CODE_GENERATION:
            found.questions += len(task.questions)  # each unit test is run anew where gold is scored
        elif task.questions:
            kinds = tuple(dict.fromkeys(question.kind for question in task.questions)) or KINDS
            truth = {(q.kind, q.line, q.visit, q.variable): q.answers for q in ask(trace, kinds=kinds, limit=None)}
            for question in task.questions:
                found.questions += 1
                answers = truth.get((question.kind, question.line, question.visit, question.variable))
                if answers != question.answers:
                    detail = f"{question.text} The row says {question.answers}, the run {answers}"
                    found.faults.append(Fault(task.id, "label", detail))
