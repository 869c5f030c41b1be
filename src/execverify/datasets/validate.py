"""Is a dataset safe to train on? Every label is made anew from a run, gold scores full, and no attack is overpaid."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from execverify.execution.outcome import Limits, Outcome
from execverify.questions.rows import Row, from_row
from execverify.questions.select import ask
from execverify.questions.task import Task
from execverify.rewards.attacks import FAMILIES, Attack, attacks
from execverify.rewards.score import PAPER, score_many
from execverify.tracing.trace import trace_many

_CHUNK = 64
_THOROUGH_ROWS = 5  # of each kind, tried with every completion of every family
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that must not be.

    Attributes:
        id: the row's id.
        what: "label", "gold" or an attack's family.
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
        tried: how many completions of each attack family were scored.
        faults: everything that must not be; empty where all is well.
    """

    rows: Counter[str] = field(default_factory=Counter)
    questions: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)


class _Attacker:
    """Which attacks to try on a row.

    Every family has many completions, over a thousand together. The first rows of each kind get all of them; each row
    after that gets one completion of every family, the next one in turn, so that all come round many times over a file.
    """

    def __init__(self, thorough: bool) -> None:
        self.thorough = thorough
        self.rows: Counter[str] = Counter()
        self.known: Counter[str] = Counter()  # how many completions a family is known to have

    def tries(self, task: Task) -> Iterator[Attack]:
        number = self.rows[task.kind]
        self.rows[task.kind] += 1
        if self.thorough or number < _THOROUGH_ROWS:
            seen: Counter[str] = Counter()
            for attack in attacks(task):
                seen[attack.family] += 1
                yield attack
            self.known |= seen
            return
        for family in FAMILIES:
            turn = number % max(1, self.known[family.name])
            yield from islice(family.attacks(task), turn, turn + 1)


def validate(
    rows: Iterable[Row], *, thorough: bool = False, limits: Limits = _LIMITS, progress: Callable[[], None] = lambda: None
) -> Validation:
    """Checks rows: labels against a new run, gold against the full reward, attacks against what they are worth.

    Args:
        rows: what to check.
        thorough: try every completion of every attack family on every row, instead of one of each family in turn.
        limits: what a program may use.
        progress: called after each row.
    """
    found = Validation()
    attacker = _Attacker(thorough)
    chunk: list[Task] = []
    seen: set[str] = set()
    for row in rows:
        task = from_row(row)
        found.rows[task.kind] += 1
        if task.id in seen:
            found.faults.append(Fault(task.id, "label", "another row has the same id"))
        seen.add(task.id)
        chunk.append(task)
        if len(chunk) == _CHUNK:
            _check(chunk, limits, found, attacker, progress)
            chunk = []
    _check(chunk, limits, found, attacker, progress)
    return found


def _check(tasks: list[Task], limits: Limits, found: Validation, attacker: _Attacker, progress: Callable[[], None]) -> None:
    _check_labels(tasks, limits, found)
    for task, gold in zip(tasks, score_many([(task, task.gold) for task in tasks], limits=limits), strict=True):
        if gold.reward != PAPER.scale:
            whys = "; ".join(part.why for part in gold.parts if part.why)
            found.faults.append(Fault(task.id, "gold", f"gold earns {gold.reward}: {whys}"))
    for task in tasks:
        tries = list(attacker.tries(task))
        scores = score_many([(task, attack.completion) for attack in tries], limits=limits)
        for attack, score in zip(tries, scores, strict=True):
            found.tried[attack.family] += 1
            if score.reward is None or score.reward > attack.worth:
                detail = f"earns {score.reward}, is worth {attack.worth}: {attack.completion[:200]!r}"
                found.faults.append(Fault(task.id, attack.family, detail))
        progress()


def _check_labels(tasks: list[Task], limits: Limits, found: Validation) -> None:
    for task, trace in zip(tasks, trace_many([task.program for task in tasks], limits=limits), strict=True):
        value = trace.result.value
        if trace.result.outcome != Outcome.RETURNED or value is None or value.text != task.result.text:
            came = f"{trace.result.outcome} {value or trace.result.detail}"
            found.faults.append(Fault(task.id, "label", f"the row says {task.result.text}, the run: {came}"))
        elif task.questions:
            truth = {(q.kind, q.line, q.visit, q.variable): q.answers for q in ask(trace, limit=None)}
            for question in task.questions:
                found.questions += 1
                answers = truth.get((question.kind, question.line, question.visit, question.variable))
                if answers != question.answers:
                    detail = f"{question.text} The row says {question.answers}, the run {answers}"
                    found.faults.append(Fault(task.id, "label", detail))
