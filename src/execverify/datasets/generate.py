"""Items become tasks: programs are made, checked, run on several inputs, traced and asked about, many items at once.

What an item gives depends on the recipe and on its number alone. An attempt that comes to nothing is counted with its reason,
and the item is tried again; an item gives rows of one program, or none.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from execverify.datasets.chunks import GeneratedItem, ItemResult
from execverify.datasets.code_tasks import CodeTaskPlan as CodingPlan
from execverify.datasets.code_tasks import CodeTaskSpec, coding_of, plan, rejection_of, reproducible
from execverify.datasets.config import KIND_WEIGHTS, DatasetConfig
from execverify.datasets.decontaminate import Decontaminator
from execverify.datasets.dedup import stable_hash
from execverify.datasets.sources import Candidate, Source, source_of
from execverify.datasets.timing import StageTimer
from execverify.errors import QuestionError
from execverify.programs.ablate_builtin import BUILTINS_WITHOUT_EFFECT, without_builtin
from execverify.programs.fingerprint import structure_hash
from execverify.programs.input_mutation import mutate_inputs
from execverify.programs.lint import find_unneeded_code
from execverify.programs.literal_types import literal_types
from execverify.programs.program import Program
from execverify.questions.code_generation import code_task
from execverify.questions.task import CODE_GENERATION, Task, task
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.retry import extended_limits, retry_inconclusive
from execverify.tracing.branch_coverage import CoverageReport, select_inputs, survey_many
from execverify.tracing.branch_coverage import CoverageRequest as Surveyed
from execverify.tracing.trace import Trace, trace_many

INPUTS_PER_PROGRAM = 8
"""How many other inputs a synthesized program is run on."""

NO_QUESTIONS = "there is nothing to ask about it"
_LARGE_NUMBER = "it has a larger number"
_NOTHING = frozenset(("''", "[]", "{}", "()", "set()", "0", "0.0", "None"))
"""Results that a run gives which does nothing, most of the time."""
_DIGITS = re.compile(r"(?<![\w.])\d+")

STRICT_ATTEMPTS = 4
"""Attempts at an item that insist: on its kind (one statement leaves nothing to ask about), and on a method under test that
matters to a result (`copy` and its like never do, and still belong into a dataset). The attempts after them take what there is."""


@dataclass
class _ItemState:
    """What has become of an item so far."""

    refused: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)
    item: GeneratedItem | None = None
    open: bool = False
    """Whether a run has left it open: then there is neither an item nor another attempt."""


@dataclass(frozen=True, slots=True)
class _Selected:
    """A candidate with the inputs that it gets rows on; for a code-generation row, what that is made of."""

    index: int
    attempt: int
    candidate: Candidate
    programs: tuple[Program, ...]
    coding: CodeTaskSpec | None = None


class ProgramRunner(Protocol):
    """What runs programs."""

    def surveys(self, plans: Sequence["CoverageRequest"]) -> Sequence[CoverageReport | None]:
        """What programs do on their inputs; None where that is left open. Raises SandboxError where they cannot be run here."""

    def traces(self, programs: Sequence[Program]) -> Sequence[Trace | None]:
        """What their runs are, step by step; None where that is left open. Raises SandboxError where they cannot be run here."""


class ItemGenerator:
    """Makes the items of a recipe.

    Args:
        recipe: what to make.
        runs: what runs the programs; the sandbox, each program in a message of its own, by default.
        benchmarks: what they must not be near to; read from the recipe's files by default.
        source: where the programs come from; the one that the recipe names by default.

    Attributes:
        recipe: as given.
        runs: as given.
        source: where the programs come from.
        benchmarks: as given.
        clock: where the time went.

    Raises:
        DatasetError, RowError, ProgramError: a file of the recipe is not what it should be.
    """

    def __init__(
        self,
        recipe: DatasetConfig,
        runs: ProgramRunner | None = None,
        benchmarks: Decontaminator | None = None,
        source: Source | None = None,
    ) -> None:
        self.recipe = recipe
        self.runs = SandboxRunner(recipe) if runs is None else runs
        self.source = source_of(recipe) if source is None else source
        self.benchmarks = Decontaminator(recipe.decontaminate) if benchmarks is None else benchmarks
        self._types = frozenset(recipe.value_types)
        self.clock = StageTimer()

    def items(self, indexes: Iterable[int]) -> list[GeneratedItem]:
        """The items of some numbers, in their order.

        Raises:
            SandboxError: programs cannot be run here (our failure).
        """
        made = self.generate_or_inconclusive(indexes)
        assert all(made), "runs in the sandbox leave nothing open"
        return list(filter(None, made))

    def generate_or_inconclusive(self, indexes: Iterable[int]) -> list[GeneratedItem | None]:
        """The items of some numbers, in their order; None for each that a run has left open.

        Raises:
            SandboxError: programs cannot be run here (our failure).
        """
        works = {index: _ItemState() for index in indexes}
        for attempt in range(self.source.attempts):
            pending = [index for index, work in works.items() if work.item is None and not work.open]
            if not pending:
                break
            self._attempt(pending, attempt, works)
        return [None if work.open else work.item or self._given_up(index, work) for index, work in works.items()]

    def _given_up(self, index: int, work: _ItemState) -> GeneratedItem:
        if self.source.attempts == 1:
            return GeneratedItem(ItemResult(index, excluded=dict(work.excluded), dropped=next(iter(work.refused))))
        why = f"none of its {self.source.attempts} attempts gave a program"
        return GeneratedItem(ItemResult(index, refused=dict(work.refused), excluded=dict(work.excluded), dropped=why))

    def _attempt(self, pending: Sequence[int], attempt: int, works: dict[int, _ItemState]) -> None:
        with self.clock.stage("synthesis"):
            made = [(index, self.source.candidate(index, attempt)) for index in pending]
        for index, why in made:
            if isinstance(why, str):  # there is none
                works[index].refused[why] += 1
        with self.clock.stage("check"):
            candidates = [(i, one) for i, one in made if isinstance(one, Candidate) and self._passes(i, attempt, one, works[i])]
        if self.source.is_trusted:
            chosen = [_Selected(index, attempt, one, self._as_given(one)) for index, one in candidates if not one.round]
            chosen += self._select_new_inputs([pair for pair in candidates if pair[1].round], works)
        else:
            to_write = {index for index, _ in candidates if self._kind(index, attempt) == CODE_GENERATION}
            chosen = self._select_traceable([pair for pair in candidates if pair[0] not in to_write], attempt, works)
            chosen += self._select_code_tasks([pair for pair in candidates if pair[0] in to_write], attempt, works)
        with self.clock.stage("trace"):
            traces = self.runs.traces([program for one in chosen for program in one.programs])
        place = 0
        for one in chosen:
            own = traces[place : place + len(one.programs)]
            known = [trace for trace in own if trace is not None]
            if len(known) == len(own):
                self._finish(one, known, works[one.index])
            else:
                works[one.index].open = True
            place += len(own)

    def _as_given(self, candidate: Candidate) -> tuple[Program, ...]:
        """A trusted program on its own arguments, and on those that were proposed."""
        program, others = candidate.program, candidate.inputs[: self.recipe.inputs_per_program - 1]
        return (program, *(replace(program, arguments=text) for text in others))

    def _passes(self, index: int, attempt: int, candidate: Candidate, work: _ItemState) -> bool:
        """Whether a candidate is one by its text; counts why not."""
        why = self._why_not(candidate, work)
        if why is None and self._kind(index, attempt) == "white_box" and _is_one_statement(candidate.program):
            why = NO_QUESTIONS
        if why is not None:
            work.refused[why] += 1
        return why is None

    def _why_not(self, candidate: Candidate, work: _ItemState) -> str | None:
        program = candidate.program
        if not f"{program.source}{program.arguments}".isascii() and not _can_be_stored(program):
            return "its text cannot be stored"
        if self._types and not literal_types(program) <= self._types:
            return "it has values of other types"
        if self._has_large_number(program.source, program.arguments):
            return _LARGE_NUMBER
        if (why := self.source.rejection_of(candidate)) is not None:
            return why
        if not self.source.is_trusted and find_unneeded_code(program):
            return "it has what it does not need"
        if (name := self.benchmarks.match(program)) is not None:
            work.excluded[name] += 1
            return "it is too near to a benchmark's program"
        return None

    def _has_large_number(self, *texts: str | None) -> bool:
        """Whether one of the texts has a number beyond the recipe's `max_integer`."""
        most = self.recipe.max_integer
        return bool(most) and any(
            len(digits) > 18 or int(digits) > most for text in texts if text for digits in _DIGITS.findall(text)
        )

    def _select_new_inputs(self, candidates: Sequence[tuple[int, Candidate]], works: dict[int, _ItemState]) -> list[_Selected]:
        """Those candidates of later turns that have arguments left which go a new way or give a new result, with these.

        Each `INPUTS` turns draw arguments anew.
        """
        plans, places = [], []
        for _, candidate in candidates:
            drawn, place = divmod(candidate.round - 1, INPUTS_PER_PROGRAM)
            plans.append(CoverageRequest(candidate.program, (), f"{self.recipe.seed}:{drawn}"))
            places.append(place)
        with self.clock.stage("run"):
            surveys = self.runs.surveys(plans)
        chosen = []
        for (index, candidate), place, survey in zip(candidates, places, surveys, strict=True):
            if survey is None:
                works[index].open = True
                continue
            others = [survey.inputs[number] for number in select_inputs(survey, INPUTS_PER_PROGRAM + 1) if number]
            if place < len(others):
                program = replace(candidate.program, arguments=others[place])
                chosen.append(_Selected(index, 0, replace(candidate, program=program), (program,)))
            else:
                works[index].refused["it has no other arguments that show anything new"] += 1
        return chosen

    def _select_traceable(
        self, candidates: Sequence[tuple[int, Candidate]], attempt: int, works: dict[int, _ItemState]
    ) -> list[_Selected]:
        """Those candidates that run, depend on their arguments and use all of themselves, with their inputs."""
        with self.clock.stage("check"):
            plans = [_plan(candidate, attempt) for _, candidate in candidates]
        with self.clock.stage("run"):
            surveys = self.runs.surveys(plans)
        chosen = []
        for (index, candidate), survey in zip(candidates, surveys, strict=True):
            if survey is None:
                works[index].open = True
                continue
            why = _rejection_reason(survey)
            if why is not None:
                works[index].refused[why] += 1
                continue
            program = candidate.program
            first = _telling_input(survey)
            others = [number for number in select_inputs(survey, self.recipe.inputs_per_program) if number != first]
            inputs = [survey.inputs[number] for number in (first, *others)][: self.recipe.inputs_per_program]
            programs = [
                program if text == program.arguments else Program(program.source, program.entry_point, text) for text in inputs
            ]
            chosen.append(_Selected(index, attempt, candidate, tuple(programs)))
        return chosen

    def _select_code_tasks(
        self, asked: Sequence[tuple[int, Candidate]], attempt: int, works: dict[int, _ItemState]
    ) -> list[_Selected]:
        """Those candidates that make code-generation rows, with what these are made of."""
        with self.clock.stage("check"):
            plans = [(index, candidate, plan(candidate, attempt < STRICT_ATTEMPTS)) for index, candidate in asked]
        usable = [(index, candidate, found) for index, candidate, found in plans if isinstance(found, CodingPlan)]
        with self.clock.stage("run"):
            surveys = _surveyed([found.first for *_, found in usable], self.recipe.limits, brief=False, place=-1)
            judged = [
                (index, one, rejection_of(survey) or found) for (index, one, found), survey in zip(usable, surveys, strict=True)
            ]
            usable = [(index, candidate, found) for index, candidate, found in judged if isinstance(found, CodingPlan)]
            surveys = _surveyed([found.second for *_, found in usable], self.recipe.limits, brief=False, place=-1)
        with self.clock.stage("check"):
            made = [(index, one, coding_of(found, survey)) for (index, one, found), survey in zip(usable, surveys, strict=True)]
        chosen = []
        for index, candidate, coding in made:
            if isinstance(coding, CodeTaskSpec):
                first = replace(candidate.program, arguments=coding.tests[0][0])
                chosen.append(_Selected(index, attempt, candidate, (first,), coding))
        with self.clock.stage("run"):
            kept = _confirmed(chosen, self.recipe.limits)
        for index, _, why in (*plans, *judged, *made):
            if isinstance(why, str):
                works[index].refused[why] += 1
        for index in {one.index for one in chosen} - {one.index for one in kept}:
            works[index].refused["its tests do not come out again"] += 1
        return kept

    def _finish(self, chosen: _Selected, traces: Sequence[Trace], work: _ItemState) -> None:
        """The tasks of a candidate's runs."""
        with self.clock.stage("check"):
            shape = structure_hash(chosen.candidate.program)
            split = self.recipe.splits.of(str(shape))
            keys = self.source.keys(chosen.candidate.program, shape)
        with self.clock.stage("ask"):
            made = [self._task(chosen, number, trace, split) for number, trace in enumerate(traces)]
        tasks = tuple(one for one in made if isinstance(one, Task))
        if not tasks:
            work.refused[str(made[0])] += 1
            return
        result = ItemResult(chosen.index, len(tasks), split, keys, dict(work.refused), dict(work.excluded))
        work.item = GeneratedItem(result, tasks)

    def _task(self, chosen: _Selected, number: int, trace: Trace, split: str) -> Task | str:
        """The task of one input, or why there is none."""
        if trace.result.outcome != Outcome.RETURNED:
            return _run_reason(trace.result)
        if (why := self.source.trace_mismatch(chosen.index, trace)) is not None:
            return why
        recipe, constraint = self.recipe, chosen.candidate.constraint
        if recipe.max_integer and self._has_large_number(trace.program.arguments, *_value_texts(trace)):
            return _LARGE_NUMBER
        kind = self._kind(chosen.index, chosen.attempt, number)
        common: dict[str, Any] = {
            "seed": recipe.seed,
            "id": f"{recipe.seed}-{chosen.index:08d}" + (f"/{number}" if number else ""),
            "template": recipe.prompt_template,
            "level": None if constraint is None else constraint.level,
            "constraint": None if constraint is None else str(constraint),
            "split": split,
            "generator": chosen.candidate.generator,
        }
        try:
            if chosen.coding is not None:
                return code_task(trace, chosen.coding.brief, chosen.coding.tests, **common)
            made = task(trace, kind=kind, kinds=recipe.question_kinds, limit=recipe.max_questions, **common)
        except QuestionError as error:
            return "its result has no literal" if trace.result.value is None or trace.result.value.text is None else str(error)
        if kind == "white_box" and not made.questions and recipe.max_questions:
            return NO_QUESTIONS
        return made

    def _kind(self, index: int, attempt: int, number: int = 0) -> str:
        """The kind of a row. A program that is to be written gives one row; of others, further rows ask about runs."""
        kinds = [kind for kind in self.recipe.kinds if number == 0 or kind != CODE_GENERATION]
        drawn = stable_hash("kind", f"{self.recipe.seed} {index} {max(0, attempt + 1 - STRICT_ATTEMPTS)} {number}")
        place = drawn % sum(KIND_WEIGHTS[kind] for kind in kinds)
        for kind in kinds:
            place -= KIND_WEIGHTS[kind]
            if place < 0:
                return kind
        raise AssertionError("shares add up")


@dataclass(frozen=True, slots=True)
class CoverageRequest:
    """What to run: a program, on its own arguments and `INPUTS` others, and the program without its method, if that is to matter.

    The seed is of the others. Inputs that were proposed come before mutations.
    """

    program: Program
    variants: tuple[str, ...]
    seed: str = ""
    proposed: tuple[str, ...] = ()

    @property
    def item(self) -> Surveyed:
        mutated = mutate_inputs(self.program, INPUTS_PER_PROGRAM, self.seed)
        others = list(dict.fromkeys((*self.proposed, *mutated)))[: max(INPUTS_PER_PROGRAM, len(self.proposed))]
        return self.program, [self.program.arguments, *others], self.variants


def _plan(candidate: Candidate, attempt: int) -> CoverageRequest:
    program, constraint = candidate.program, candidate.constraint
    matters = constraint is not None and attempt < STRICT_ATTEMPTS and constraint.method not in BUILTINS_WITHOUT_EFFECT
    ablated = without_builtin(program, constraint.method) if constraint is not None and matters else None
    return CoverageRequest(program, () if ablated is None else (ablated,), proposed=candidate.inputs)


def _is_one_statement(program: Program) -> bool:
    """Whether a run has one step: there is nothing next, and nothing changes."""
    return len(program.tree.body) == 1 and len(getattr(program.tree.body[0], "body", ())) == 1


def _value_texts(trace: Trace) -> Iterator[str | None]:
    """The literals of all values of a run."""
    yield trace.result.value.text if trace.result.value is not None else None
    for state in (*(frame.state for frame in trace.frames), *(step.state for step in trace.steps)):
        yield from (value.text for value in state.values())


def _can_be_stored(program: Program) -> bool:
    try:
        f"{program.source}{program.arguments}".encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _run_reason(result: Result) -> str:
    """How a run ended; of one that could end otherwise, also on what that depends, without the place."""
    depends = result.detail.partition(": ")[0] if result.outcome == Outcome.NONDETERMINISTIC else ""
    return f"its run: {result.outcome}" + (f": {depends}" if depends else "")


def _rejection_reason(survey: CoverageReport) -> str | None:
    """Why a program is not worth a row, by what it did on its inputs."""
    first = survey.results[0]
    if first.value is None:
        return _run_reason(first)
    if first.value.text is None:
        return "its result has no literal"
    if survey.distinct_results < 2:
        return "all inputs give one result"
    if survey.uncovered:
        return "a condition only goes one way" if survey.constant else "a loop is never entered"
    if survey.variants and not survey.changes_result():
        return "it gives the same without the method under test"
    return None


def _telling_input(survey: CoverageReport) -> int:
    """The index of the input that a program is shown with: its own where that gives something and goes half of all ways.

    Else the input that gives something and goes most ways.
    """
    ways = [len(covered) for covered in survey.covered]
    values = [result.value for result in survey.results]
    telling = [number for number in survey.ran if (value := values[number]) is not None and value.text not in _NOTHING]
    if not telling or (0 in telling and 2 * ways[0] >= len(survey.arms)):
        return 0
    if stable_hash("input", f"{survey.program.source} {survey.program.arguments}") % 3 == 0:
        return 0  # some runs that do nothing belong into a dataset: a model must not learn that there are none
    return max(telling, key=lambda number: (ways[number], -number))


def _surveyed(items: Sequence[Surveyed], limits: Limits, *, brief: bool, place: int = 0) -> list[CoverageReport]:
    """Surveys; `place` is that of a program's own input, whose run may be tried again."""
    return retry_inconclusive(
        survey_many(items, limits=limits, brief=brief),
        lambda at: survey_many([items[at]], limits=extended_limits(limits), brief=brief),
        lambda survey: survey.results[place],
    )


def _confirmed(chosen: Sequence[_Selected], limits: Limits) -> list[_Selected]:
    """Those whose tests come out again; a run that gives something else may have had too little time."""
    pairs = [(one.programs[0], one.coding) for one in chosen if one.coding is not None]
    sure = reproducible(pairs, limits)
    again = [one or all(reproducible([pair], extended_limits(limits))) for one, pair in zip(sure, pairs, strict=True)]
    return [one for one, kept in zip(chosen, again, strict=True) if kept]


class SandboxRunner:
    """Runs each program as a job of its own, from this process."""

    def __init__(self, recipe: DatasetConfig) -> None:
        self.limits = recipe.limits
        self.brief = stops_early(recipe)

    def surveys(self, plans: Sequence[CoverageRequest]) -> list[CoverageReport]:
        """What programs do on their inputs."""
        return _surveyed([plan.item for plan in plans], self.limits, brief=self.brief)

    def traces(self, programs: Sequence[Program]) -> list[Trace]:
        """What their runs are, step by step."""
        return retry_inconclusive(
            trace_many(programs, limits=self.limits),
            lambda at: trace_many([programs[at]], limits=extended_limits(self.limits)),
            lambda trace: trace.result,
        )


def stops_early(recipe: DatasetConfig) -> bool:
    """Whether a survey may end where nothing is left to be seen: more rows of a program are worth looking for more that it does."""
    return recipe.inputs_per_program == 1 and recipe.programs_file is None
