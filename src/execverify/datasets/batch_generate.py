"""Generate items inside the sandbox: one confined process synthesizes a program, runs and traces it, makes the questions, and sends rows.

Synthesized programs are plain functions that call only a known list of built-ins. Many of them can therefore share a process with the
code that generates them, and no program has to be sent to another process and parsed there again. A program can still take too long or
too much memory. Then, and wherever a run is inconclusive (the order of a set may matter, the process died), `ItemGenerator` generates
the item again outside, and sends each program as a job of its own. The same inputs decide the item, so the rows are the same. Programs
of files are always run outside.
"""

import base64
import functools
import gc
import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from execverify.datasets.chunks import lines_of
from execverify.datasets.config import DatasetConfig
from execverify.datasets.decontaminate import Decontaminator
from execverify.datasets.generate import INPUTS_PER_PROGRAM, CoverageRequest, ItemGenerator, stops_early
from execverify.programs.input_mutation import Values, iter_mutated_inputs
from execverify.programs.program import Program, arguments_text
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.prompts import override_templates, template_texts
from execverify.questions.task import CODE_GENERATION
from execverify.sandbox.job import Job, Reply, Runner
from execverify.sandbox.result import Limits, Outcome
from execverify.sandbox.retry import INCONCLUSIVE_OUTCOMES, extended_limits
from execverify.sandbox.run import needs_dedicated_worker, sandbox
from execverify.sandbox.sandbox import Sandbox
from execverify.sandbox.worker import ExecutionContext, run_in_context
from execverify.tracing.branch_coverage import CoverageReport, survey_of
from execverify.tracing.coverage_runs import Given, arguments_from_text, arguments_from_values, iter_coverage
from execverify.tracing.determinism import EXTRA_HASH_SEEDS, may_be_nondeterministic
from execverify.tracing.recorder import record
from execverify.tracing.trace import Trace, trace_of
from execverify.utils.registry import load_plugins

_RUNNER = Runner("execverify.datasets.batch_generate", "make")
QUESTION_KINDS.names()  # loads them before the first fork: confined processes cannot list this package's folders

_BATCH = 32  # items generated together: each stage runs for all of them, which uses the processor's caches better
_IDLE_CALLS = 4
"""Calls after which unused processes outside are ended."""

_INCONCLUSIVE = INCONCLUSIVE_OUTCOMES | {Outcome.OUT_OF_MEMORY}
"""Outcomes that decide nothing here: the process does more than to run a program."""


@functools.cache
def _sandbox() -> Sandbox:
    """This process's sandbox for making items; started when first used, closed at exit."""
    return Sandbox(runners=[_RUNNER])


class BatchGenerator:
    """Makes items in confined processes, and what they leave open with a maker here.

    Args:
        maker: makes the same items.
    """

    def __init__(self, maker: ItemGenerator) -> None:
        self.maker = maker
        recipe = maker.recipe
        # Rows that ask for code are checked by runs in other processes.
        # Plugins are not installed where the confined processes look for modules.
        self._usable = recipe.programs_file is None and CODE_GENERATION not in recipe.kinds and not load_plugins()
        self._unused = 0  # calls since something was left open
        texts = template_texts(recipe.prompt_template, recipe.kinds)
        self._setup = base64.b64encode(pickle.dumps((replace(recipe, decontaminate=()), texts))).decode()

    def lines(self, indexes: Iterable[int]) -> list[bytes]:
        """The lines of some items, in order.

        Raises:
            SandboxError: programs cannot be run here (our failure).
        """
        indexes = list(indexes)
        if not self._usable:
            return [line for item in self.maker.items(indexes) for line in lines_of(item)]
        together = [indexes[at : at + _BATCH] for at in range(0, len(indexes), _BATCH)]
        replies = _sandbox().run_many(map(self._job, together))
        self._unused += 1
        lines = [line for some, reply in zip(together, replies, strict=True) for line in self._lines_in(some, reply)]
        if self._unused == _IDLE_CALLS:  # seldom needed, and 20 MB each
            for seed in (0, *EXTRA_HASH_SEEDS):
                sandbox(seed).close()
        return lines

    def _job(self, indexes: list[int]) -> Job:
        extra = {"setup": self._setup, "indexes": indexes}
        # A run that takes no longer than this altogether is one that would be taken outside, too.
        return Job(_RUNNER, "", "", "", extended_limits(self.maker.recipe.limits), extra=extra)

    def _lines_in(self, indexes: list[int], reply: Reply) -> Iterator[bytes]:
        """The lines that a reply brings, and those of the items that it leaves open."""
        made: list[list[str] | None] = [None] * len(indexes)
        if reply["outcome"] == Outcome.RETURNED:
            self.maker.clock.add(reply["seconds"])
            if not self._excluded(reply["checked"]):
                made = reply["made"]
        if None in made:
            self._unused = 0
        for index, lines in zip(indexes, made, strict=True):
            yield from lines_of(*self.maker.items([index])) if lines is None else (line.encode("ascii") for line in lines)

    def _excluded(self, checked: list[list[str]]) -> bool:
        """Whether one of the programs is too near to a benchmark's: that was not known inside."""
        if not self.maker.benchmarks.files:
            return False
        with self.maker.clock.stage("check"):
            return any(self.maker.benchmarks.match(Program(*fields)) for fields in checked)


# ------------------------------------------------------------------------------------------ in the confined process


_ready: dict[str, ItemGenerator] = {}
"""The maker of the setup that came last."""


def make(job: dict[str, Any], stage: ExecutionContext) -> dict[str, Any]:
    """Harness: the lines of some items; None for each that is left open."""
    maker = _ready.get(job["setup"])
    if maker is None:
        maker = _maker_of(job)
    assert isinstance(maker.benchmarks, _DeferredDecontamination)
    maker.benchmarks.checked.clear()
    before = dict(maker.clock.seconds)
    items = maker.generate_or_inconclusive(job["indexes"])
    with maker.clock.stage("write"):
        made = [None if item is None else [line.decode("ascii") for line in lines_of(item)] for item in items]
    seconds = {name: now - before[name] for name, now in maker.clock.seconds.items()}
    gc.collect()
    return {"outcome": "returned", "made": made, "seconds": seconds, "checked": maker.benchmarks.checked}


def _maker_of(job: dict[str, Any]) -> ItemGenerator:
    recipe, texts = pickle.loads(base64.b64decode(job["setup"]))
    override_templates(recipe.prompt_template, texts)
    gc.disable()  # one collection after each batch is cheaper: nearly all syntax trees are gone by then
    _ready.clear()
    _ready[job["setup"]] = maker = ItemGenerator(recipe, _InProcessRunner(recipe), _DeferredDecontamination())
    return maker


class _DeferredDecontamination(Decontaminator):
    """Notes what is to be compared with benchmarks: their files are elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.checked: list[tuple[str, str, str]] = []

    def match(self, program: Program) -> str | None:
        """None; the program is noted."""
        self.checked.append((program.source, program.entry_point, program.arguments))
        return None


class _InProcessRunner:
    """Runs programs in this very process, each on a stage of its own."""

    def __init__(self, recipe: DatasetConfig) -> None:
        self.limits = recipe.limits
        self.brief = stops_early(recipe)

    def surveys(self, plans: Sequence[CoverageRequest]) -> list[CoverageReport | None]:
        """What programs do on their inputs; these are made as they are needed."""
        return [self._survey(plan) for plan in plans]

    def _survey(self, plan: CoverageRequest) -> CoverageReport | None:
        if needs_dedicated_worker(plan.program.vocabulary):  # the synthesizer writes no such program; nor would one be run here
            return None
        program, used = plan.program, list[Values]()
        job = {**_job(program, self.limits), "variants": plan.variants, "brief": self.brief}
        reply = run_in_context(lambda job, stage: iter_coverage(job, stage, _inputs(plan, used), program.tree), job)
        texts = [program.arguments, *map(arguments_text, used)]
        survey = survey_of((program, texts, plan.variants), reply, self.brief)
        runs = (survey.results, *survey.variants)
        return None if any(result.outcome in _INCONCLUSIVE for results in runs for result in results) else survey

    def traces(self, programs: Sequence[Program]) -> list[Trace | None]:
        """What their runs are, step by step."""
        return [self._trace(program) for program in programs]

    def _trace(self, program: Program) -> Trace | None:
        if may_be_nondeterministic(program):  # runs in other processes decide
            return None
        given = _own_arguments(program)()
        trace = trace_of(program, run_in_context(partial(record, given=given), _job(program, self.limits)))
        return None if trace.result.outcome in _INCONCLUSIVE else trace


def _job(program: Program, limits: Limits) -> dict[str, Any]:
    return {
        "source": program.source,
        "entry_point": program.entry_point,
        "arguments": program.arguments,
        "steps": limits.steps,
        "output": limits.output,
    }


def _inputs(plan: CoverageRequest, used: list[Values]) -> Iterator[Given]:
    """The program's own arguments, and others; `used` gets each of the others that is asked for."""
    yield _own_arguments(plan.program)
    for values in iter_mutated_inputs(plan.program, INPUTS_PER_PROGRAM, plan.seed):
        used.append(values)
        yield arguments_from_values(*values) or arguments_from_text(arguments_text(values))


def _own_arguments(program: Program) -> Given:
    return arguments_from_values(*program.call_arguments) or arguments_from_text(program.arguments)
