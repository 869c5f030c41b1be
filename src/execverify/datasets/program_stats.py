"""What programs are like: the figures of a dataset that are counted once for each distinct program.

`Programs` adds up; `programs_of` fills one from a few tasks, so that parts can be made by several processes and added. What
needs runs (does the result depend on the arguments, does the method under test matter, is every branch taken) takes one
survey of each program, on its own arguments and `INPUTS` mutations of them.
"""

import ast
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from execverify.datasets.dedup import HashSet
from execverify.errors import LiteralError, ProgramError
from execverify.programs.ablate_builtin import without_builtin
from execverify.programs.constraints import Constraint, check
from execverify.programs.fingerprint import alpha_hash, structure_hash
from execverify.programs.input_mutation import mutate_inputs
from execverify.programs.lint import find_unneeded_code
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program
from execverify.programs.type_inference import builtin_uses
from execverify.programs.type_join import type_of_value
from execverify.questions.question import NO_STATE
from execverify.questions.task import CODE_GENERATION, Task
from execverify.sandbox.result import Limits
from execverify.tracing.branch_coverage import CoverageReport, survey_many

INPUTS = 8
"""How many other inputs a program is run on, beside its own."""

SPREADS = ("lines", "steps", "branches", "depth", "node kinds")
"""What is measured of each program as a number; node kinds are how many different ones its syntax tree has."""

UNUSED, UNCOVERED_BRANCH, CONSTANT = (
    "an unused name or statement",
    "a branch that no input takes",
    "a condition that never changes",
)
DEFECTS = (UNUSED, UNCOVERED_BRANCH, CONSTANT)
"""What a program should not have. The last two are found by runs."""

RENAMED, ABSTRACTED = "after renaming", "after renaming and abstracting constants"
DUPLICATES = (RENAMED, ABSTRACTED)
"""In which sense a program may equal an earlier one."""

_EXAMPLES = 5


@dataclass
class ProgramStats:
    """Figures of distinct programs.

    Attributes:
        count: how many programs.
        spread: for each of `SPREADS`, how many programs have each number.
        nodes: nodes of the syntax trees, by kind.
        types: types of results and of states that are asked about.
        kinds: the same with what is inside, as `list[int]`.
        constrained: programs that had to keep a constraint, by level.
        broken: those that do not, by reason.
        examples: some of these, with ids.
        under_test: how many programs have each entry of the catalogue under test, by level and entry.
        used: how many programs use each entry, by level (None where they have none) and entry.
        flaws: how many programs have each of `FLAWS`.
        flawed: how many of those that ran have any.
        surveyed: programs that ran, where runs were asked for.
        unsurveyed: programs that did not give a plain value on their own arguments.
        dependent: programs with two or more results over their inputs.
        ablated: programs that ran and could be run without their method under test.
        matters: those whose result is another without it.
        fails: those of them that fail without it, where first they differ.
        keys: the keys of programs not yet held against earlier ones; emptied by `settle`.
        duplicates: programs that have an earlier duplicate, in each sense of `DUPLICATES`.
    """

    count: int = 0
    spread: dict[str, Counter[int]] = field(default_factory=lambda: {name: Counter() for name in SPREADS})
    nodes: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    constrained: Counter[int] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str]] = field(default_factory=list)
    under_test: Counter[tuple[int, str]] = field(default_factory=Counter)
    used: Counter[tuple[int | None, str]] = field(default_factory=Counter)
    flaws: Counter[str] = field(default_factory=Counter)
    flawed: int = 0
    surveyed: int = 0
    unsurveyed: int = 0
    dependent: int = 0
    ablated: int = 0
    matters: int = 0
    fails: int = 0
    keys: list[tuple[int, int]] = field(default_factory=list)
    duplicates: Counter[str] = field(default_factory=Counter)

    def add(self, other: "ProgramStats") -> None:
        """Adds the figures of other programs, which come after these."""
        for name in ("count", "flawed", "surveyed", "unsurveyed", "dependent", "ablated", "matters", "fails"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("nodes", "types", "kinds", "constrained", "broken", "under_test", "used", "flaws", "duplicates"):
            getattr(self, name).update(getattr(other, name))
        for name, numbers in other.spread.items():
            self.spread[name].update(numbers)
        self.examples = (self.examples + other.examples)[:_EXAMPLES]
        self.keys += other.keys

    def finalize(self, renamed: HashSet, shapes: HashSet) -> None:
        """Holds the programs against all earlier ones, whose keys the two sets have."""
        for key, shape in self.keys:
            self.duplicates[RENAMED] += not renamed.add(key)
            self.duplicates[ABSTRACTED] += not shapes.add(shape)
        self.keys.clear()


def programs_of(tasks: Sequence[Task], *, quick: bool, limits: Limits) -> ProgramStats:
    """Figures of programs.

    Args:
        tasks: one for each distinct program.
        quick: leave out what needs runs.
        limits: what all runs of a program together may use.
    """
    found = ProgramStats()
    flawed = [_counted(found, task) for task in tasks]
    if not quick:
        plans = [_plan(task) for task in tasks]
        for survey, has_unused in zip(survey_many(plans, limits=limits), flawed, strict=True):
            _add_survey(found, survey, has_unused)
    return found


def add_values(found: ProgramStats, task: Task, with_result: bool) -> None:
    """Adds the types of a row's result and of the states that it asks about."""
    texts = [answer.rpartition("; ")[0] for q in task.questions if q.variable is not None for answer in q.answers[:1]
             if answer != NO_STATE]  # fmt: skip
    if with_result and task.result.text is not None:
        texts.append(task.result.text)
    for text in texts:
        kind = type_of_value(parse_literal(text))
        found.kinds[kind] += 1
        found.types[type(parse_literal(text)).__name__] += 1


def entropy(counts: Counter[str]) -> float:
    """How evenly counts are spread, in bits: 0 for one kind alone, log2(n) for n kinds alike."""
    whole = counts.total()
    return round(-sum(count / whole * math.log2(count / whole) for count in counts.values() if count), 3) + 0.0 if whole else 0.0


def _counted(found: ProgramStats, task: Task) -> bool:
    """Count features of a program's text; return whether it has something unused."""
    program = task.program
    kinds = Counter(node.__class__.__name__ for node in program.nodes if node.__class__ is not ast.Module)
    numbers = {
        "lines": sum(1 for line in program.lines if line.strip()),
        "steps": task.difficulty.steps,
        "branches": task.difficulty.branches,
        "depth": task.difficulty.depth,
        "node kinds": len(kinds),
    }
    found.count += 1
    for name, number in numbers.items():
        found.spread[name][number] += 1
    found.nodes.update(kinds)
    found.keys.append((alpha_hash(program), structure_hash(program)))
    constraint = _constraint_of(task)
    method = None if constraint is None else constraint.method
    entries = {use.entry for use in builtin_uses(program) if use.certain or use.entry == method}
    found.used.update((task.level, entry) for entry in entries)
    if constraint is not None:
        found.under_test[constraint.level, constraint.method] += 1
    _add_constraint(found, task, constraint)
    has_unused = bool(find_unneeded_code(program))
    found.flaws[UNUSED] += has_unused
    return has_unused


def _plan(task: Task) -> tuple[Program, list[str], list[str]]:
    """What to run of a program: its inputs, and itself without its method under test, where it has one."""
    program, constraint = task.program, _constraint_of(task)
    inputs = [program.arguments, *mutate_inputs(program, INPUTS)]
    if task.kind == CODE_GENERATION:
        inputs = [test.text for test in task.questions]
    try:
        less = None if constraint is None else without_builtin(program, constraint.method)
    except (ProgramError, LiteralError, RecursionError):
        less = None
    return program, inputs, [] if less is None else [less]


def _constraint_of(task: Task) -> Constraint | None:
    """The constraint of a row; None where it has none, or one that nobody can read."""
    try:
        return None if task.constraint is None else Constraint.parse(task.constraint)
    except ProgramError:
        return None


def _add_constraint(found: ProgramStats, task: Task, constraint: Constraint | None) -> None:
    if task.constraint is None:
        return
    found.constrained[0 if constraint is None else constraint.level] += 1
    why = f"{task.constraint!r} is no constraint" if constraint is None else check(task.program, constraint)
    if why is None:
        return
    kind = "its constraint cannot be read" if constraint is None else _in_general(why, constraint.method)
    found.broken[kind] += 1
    if len(found.examples) < _EXAMPLES:
        found.examples.append((task.id, why))


def _in_general(why: str, method: str) -> str:
    """A reason without what is this program's alone: the method under test, and lines."""
    return re.sub(r"\bline \d+", "a line", why.replace(method, "the method under test"))


def _add_survey(found: ProgramStats, survey: CoverageReport, has_unused: bool) -> None:
    """Count features of runs."""
    if 0 not in survey.ran:
        found.unsurveyed += 1
        return
    found.surveyed += 1
    found.dependent += survey.distinct_results > 1
    if survey.variants:
        found.ablated += 1
        found.matters += survey.changes_result()
        found.fails += survey.changes_result() and survey.variants[0][-1].value is None
    found.flaws[UNCOVERED_BRANCH] += bool(survey.uncovered)
    found.flaws[CONSTANT] += bool(survey.constant)
    found.flawed += has_unused or bool(survey.uncovered)  # a constant condition has an untaken branch


def as_json(programs: ProgramStats, quick: bool) -> dict[str, Any]:
    """The counts as plain values, without spreads; what needs runs is left out where there were none."""
    plain: dict[str, Any] = {
        "programs": programs.count,
        "constrained": programs.constrained.total(),
        "constraints_broken": dict(programs.broken.most_common()),
        "broken_examples": [list(example) for example in programs.examples],
        "duplicates": {name: programs.duplicates[name] for name in DUPLICATES},
        "flaws": {name: programs.flaws[name] for name in DEFECTS if not (quick and name != UNUSED)},
        "node_kinds": {"kinds": len(programs.nodes), "entropy": entropy(programs.nodes)},
        "types": {"kinds": len(programs.types), "entropy": entropy(programs.types), "counts": dict(programs.types.most_common())},
        "types_inside": {"kinds": len(programs.kinds), "entropy": entropy(programs.kinds)},
    }
    if not quick:
        plain["flawed"] = programs.flawed
        for name in ("surveyed", "unsurveyed", "dependent", "ablated", "matters", "fails"):
            plain[name] = getattr(programs, name)
    return plain
