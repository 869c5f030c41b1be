"""Code-generation rows: which synthesized programs make one, which calls test it, and which the prompt shows.

The prompt describes the program by the descriptions of its lines. Its calls on other arguments are its unit tests, which must
separate right from wrong. Of up to `MUTANTS` mutants (`execverify.programs.code_mutation`) at least half fail a test, one of them
with a value and not an exception. The tests detect every mutant that any of the inputs detects. No answer without work (a constant,
an argument given back) passes more than `MAX_TRIVIAL_PASS_RATE` of the tests. The calls in the prompt are not among the tests.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from execverify.datasets.sources import Candidate
from execverify.programs.ablate_builtin import BUILTINS_WITHOUT_EFFECT, without_builtin
from execverify.programs.code_mutation import mutants
from execverify.programs.input_mutation import mutate_inputs
from execverify.programs.literals import parse_literal
from execverify.programs.program import Program, read_arguments
from execverify.programs.type_annotations import annotation_for
from execverify.programs.values import equality_key
from execverify.questions.code_generation import canonical_result, trivial_solutions
from execverify.questions.prompts import Call, FunctionSpec
from execverify.sandbox.result import Limits, Result
from execverify.sandbox.run import call_many
from execverify.synthesis.task_statement import depth, task_statement, words
from execverify.tracing.branch_coverage import CoverageReport, CoverageRequest
from execverify.tracing.determinism import EXTRA_HASH_SEEDS, may_be_nondeterministic

INPUTS = 24
"""How many other inputs a program is run on."""

MAX_TESTS, LEAST_TESTS = 8, 5
"""How many unit tests a row has."""

MOST_EXAMPLES, LEAST_EXAMPLES = 3, 2
"""How many calls its prompt shows."""

MUTANTS, MIN_MUTANTS_KILLED = 12, 2
"""How many mutants are tried, and how many must fail a test whatever their number."""

MAX_TRIVIAL_PASS_RATE = 0.6
"""The largest share of the tests that an answer without work may pass."""

MOST_WORDS, MAX_NESTING = 120, 2
"""Of a statement: its words, and how deeply its brackets may stand within brackets."""

_LONGEST = 400  # characters of a call's arguments, or of its result
_SHOWN = 160  # of both together, in an example


@dataclass(frozen=True, slots=True)
class CodeTaskPlan:
    """What to run of a program before it can be a row.

    Attributes:
        program: with its own arguments.
        statement: what it does, as a task.
        inputs: arguments to call it with, its own at the end.
        ablated: the source without its method under test, where that has to matter.
        mutants: broken sources.
    """

    program: Program
    statement: str
    inputs: tuple[str, ...]
    ablated: tuple[str, ...]
    mutants: tuple[str, ...]

    @property
    def first(self) -> CoverageRequest:
        """What to survey first."""
        return self.program, self.inputs, self.ablated

    @property
    def second(self) -> CoverageRequest:
        """What to survey of a program that is worth it: mutants cost more than all the rest."""
        return self.program, self.inputs, self.mutants


@dataclass(frozen=True, slots=True)
class CodeTaskSpec:
    """What a row is made of.

    Attributes:
        brief: the description in its prompt.
        tests: its unit tests.
    """

    brief: FunctionSpec
    tests: tuple[Call, ...]


def plan(candidate: Candidate, strict: bool) -> CodeTaskPlan | str:
    """What to run of a candidate, or why it makes no row.

    Args:
        candidate: a program whose functions are described.
        strict: whether its method under test has to matter.
    """
    program, constraint = candidate.program, candidate.constraint
    if "isinstance(" in program.source:
        return "nobody would ask for it"
    statement = task_statement(candidate.functions, program.entry_point)
    if words(statement) > MOST_WORDS:
        return "it takes too many words to say"
    if depth(statement) > MAX_NESTING:
        return "its English nests too deeply"
    inputs = [text for text in mutate_inputs(program, INPUTS) if len(text) <= _LONGEST]
    made = tuple(mutant.source for mutant in mutants(program, MUTANTS))
    if len(made) < MIN_MUTANTS_KILLED:
        return "there is nothing in it to get wrong"
    matters = strict and constraint is not None and constraint.method not in BUILTINS_WITHOUT_EFFECT
    ablated = without_builtin(program, constraint.method) if constraint is not None and matters else None
    return CodeTaskPlan(program, statement, (*inputs, program.arguments), () if ablated is None else (ablated,), made)


def coding_of(plan: CodeTaskPlan, survey: CoverageReport) -> CodeTaskSpec | str:
    """The tests and examples of a program, or why it makes no row.

    Args:
        plan: what was run.
        survey: what came of it, of a program that is worth it: all inputs, and the mutants.
    """
    choice = _TestSelection(plan, survey)
    why = choice.choose()
    if why is not None:
        return why
    calls = choice.calls
    results = [parse_literal(result) for _, result in calls.values()]
    kinds = [annotation_for(values) for values in zip(*choice.arguments.values(), strict=True)]
    names = [argument.arg for argument in _definition(plan.program).args.args]
    parameters = ", ".join(f"{name}: {kind}" for name, kind in zip(names, kinds, strict=True))
    signature = f"def {plan.program.entry_point}({parameters}) -> {annotation_for(results)}:"
    shown = tuple(calls[index] for index in choice.examples)
    return CodeTaskSpec(FunctionSpec(plan.statement, signature, shown), tuple(calls[index] for index in choice.tests))


def _definition(program: Program) -> ast.FunctionDef:
    return next(node for node in program.tree.body if isinstance(node, ast.FunctionDef) and node.name == program.entry_point)


def rejection_of(survey: CoverageReport) -> str | None:
    """Why a program is not worth a row, by what it did on its inputs; None where it is."""
    own = survey.results[-1]
    if own.value is None:
        return f"its run: {own.outcome}"
    if own.value.text is None:
        return "its result has no literal"
    if survey.uncovered:
        return "a condition only goes one way" if survey.constant else "a loop is never entered"
    if survey.variants and not survey.changes_result():
        return "it gives the same without the method under test"
    return None


class _TestSelection:
    """Which inputs become tests and which are shown.

    Attributes:
        calls: what can be either: each input that gave a plain value of a bearable length, by its place.
        arguments, given_back: their arguments, and whether one of these is the result.
        tests, examples: places of the chosen ones.
    """

    def __init__(self, plan: CodeTaskPlan, survey: CoverageReport) -> None:
        self.survey = survey
        self.own = len(plan.inputs) - 1
        self.calls: dict[int, Call] = {}
        self.arguments: dict[int, tuple[object, ...]] = {}
        self.given_back: dict[int, bool] = {}
        for index in survey.ran:
            text = _text(survey.results[index])
            if len(text) <= _LONGEST:
                self.calls[index] = (plan.inputs[index], text)
                self.arguments[index], _ = read_arguments(plan.inputs[index])
                self.given_back[index] = any(equality_key(given) == canonical_result(text) for given in self.arguments[index])
        self.killers = Counter[int]()
        self.wrong_values = 0  # mutants that gave another value, and did not merely break
        self.mutants = len(plan.mutants)
        for ends in survey.variants:
            self._count(ends)
        self.tests: list[int] = []
        self.examples: list[int] = []

    def _count(self, ends: Sequence[Result]) -> None:
        """The input that distinguishes a mutant from the program: the last one that it was called with, where its end is another."""
        last = len(ends) - 1
        end, own = ends[last], self.survey.results[last]
        if last in self.calls and (key := _key(end)) != _key(own):
            self.killers[last] += 1
            self.wrong_values += key is not None

    def choose(self) -> str | None:
        """Fill tests and examples; return why that fails."""
        if len(self.calls) < LEAST_TESTS + LEAST_EXAMPLES:
            return "too few of its inputs give a value"
        needed = [index for index, _ in sorted(self.killers.items(), key=lambda entry: (-entry[1], entry[0]))][:MAX_TESTS]
        killed = sum(self.killers[index] for index in needed)
        if killed < max(MIN_MUTANTS_KILLED, self.mutants / 2) or not self.wrong_values:
            return "its tests do not detect its mutants"
        self.tests = needed
        self._show(LEAST_EXAMPLES)  # chosen before the tests take all that is worth seeing
        if len(self.examples) < LEAST_EXAMPLES:
            return "its calls are too long to be shown"
        self._fill()
        if (why := self._too_easy(needed)) is not None:
            return why
        if len(set[int]().union(*(self.survey.covered[index] for index in self.tests))) < len(self.survey.arms):
            return "its tests do not go every way"
        self._show(MOST_EXAMPLES)
        return None

    def _result(self, index: int) -> str:
        """The result of a call: the same text where two are equal."""
        return canonical_result(self.calls[index][1])

    def _fill(self) -> None:
        """Adds what goes new ways, gives new results, or results that are rare among the tests so far."""
        left = [index for index in self.calls if index not in self.tests and index not in self.examples]
        ways = set[int]().union(*(self.survey.covered[index] for index in self.tests))
        results = Counter(map(self._result, self.tests))
        while left and len(self.tests) < MAX_TESTS:
            gains = ((len(self.survey.covered[i] - ways), -results[self._result(i)], not self.given_back[i], -i) for i in left)
            best = -max(gains)[-1]
            left.remove(best)
            self.tests.append(best)
            ways |= self.survey.covered[best]
            results[self._result(best)] += 1

    def _too_easy(self, needed: Sequence[int]) -> str | None:
        """Takes out tests that an answer without work passes, as far as others are left; return why that is not enough."""
        while True:
            (answer, passed), *_ = trivial_solutions([self.calls[index] for index in self.tests]).most_common(1)
            if passed <= MAX_TRIVIAL_PASS_RATE * len(self.tests):
                return None if len(self.tests) >= LEAST_TESTS else "too few of its inputs give a value"
            spare = [index for index in self.tests if index not in needed and answer in trivial_solutions([self.calls[index]])]
            if not spare or len(self.tests) == LEAST_TESTS:
                return f"{'a constant' if answer[0] == 'constant' else 'an argument given back'} passes most of its tests"
            self.tests.remove(spare[-1])

    def _show(self, count: int) -> None:
        """Chooses examples: its own call first, then other results, the shorter the better."""
        taken = (*self.tests, *self.examples)
        left = [i for i in self.calls if i not in taken and sum(map(len, self.calls[i])) <= _SHOWN]
        while left and len(self.examples) < count:
            seen = set(map(self._result, self.examples))
            best = min(left, key=lambda i: (i != self.own, self._result(i) in seen, sum(map(len, self.calls[i])), i))
            left.remove(best)
            self.examples.append(best)


def _key(result: Result) -> str | None:
    """What a call gave, so that equal values are equal texts; None where that is no plain value."""
    return None if result.value is None or result.value.text is None else canonical_result(result.value.text)


def _text(result: Result) -> str:
    assert result.value is not None and result.value.text is not None
    return result.value.text


def reproducible(made: Iterable[tuple[Program, CodeTaskSpec]], limits: Limits) -> Iterator[bool]:
    """Whether a program gives every result of its tests and examples again, run plainly and under another hash seed.

    Under several, where it could depend on one.
    """
    programs = list(made)
    sure = [True] * len(programs)
    for seed in EXTRA_HASH_SEEDS:
        places = [
            p
            for p, (program, _) in enumerate(programs)
            if sure[p] and (seed == EXTRA_HASH_SEEDS[0] or may_be_nondeterministic(program))
        ]
        calls = [[*programs[place][1].tests, *programs[place][1].brief.examples] for place in places]
        items = [(programs[place][0], [given for given, _ in of]) for place, of in zip(places, calls, strict=True)]
        for place, of, results in zip(places, calls, call_many(items, limits=limits, hash_seed=seed), strict=True):
            sure[place] = all(
                result.value is not None and result.value.text == expected
                for result, (_, expected) in zip(results, of, strict=True)
            )
    yield from sure
