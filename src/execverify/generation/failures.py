"""Questions from a model's own failed programs: a candidate that fails a test is run on a test's arguments, traced and asked about.

The rows are white-box rows for the next round of training (CodeRL+'s idea). A candidate is untrusted: it runs confined, as when it is
judged, and only a run that is deterministic and returns a plain value makes a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from execverify.errors import ProgramError, QuestionError
from execverify.generation.difficulty import is_right
from execverify.generation.funnel import ANSWERED, ASKED, DETERMINISTIC, NEW, PARSED, RAN, USEFUL
from execverify.generation.rows import Record, rejected
from execverify.programs.program import Program
from execverify.questions.prompts import DEFAULT
from execverify.questions.question import KINDS
from execverify.questions.rows import to_row
from execverify.questions.task import CODE_GENERATION, task
from execverify.rewards.code.extract import extract_code
from execverify.rewards.code.test_formats import UnitTestFormat
from execverify.rewards.code.unit_tests import UnitTests, task_from_row, tests_of_row
from execverify.rewards.parts import Score, Verdict
from execverify.rewards.score import score_many
from execverify.sandbox.result import Limits, Outcome
from execverify.sandbox.run import sandbox
from execverify.tracing.trace import Trace, trace_many

FAILED = "failed a test"
FAILURE_STAGES = (ASKED, ANSWERED, FAILED, PARSED, RAN, DETERMINISTIC, USEFUL, NEW)
"""Stages of a completion whose program may be asked about."""

_INPUTS = 4
"""Most tests whose arguments are tried for one candidate."""


@dataclass(frozen=True)
class FailureConfig:
    """How rows are made of failed programs; see `execverify.questions.task`."""

    max_questions: int = 10
    question_kinds: tuple[str, ...] = KINDS
    prompt_template: str = DEFAULT
    seed: int = 0
    limits: Limits = field(default_factory=Limits)


def failure_records(records: Sequence[Record]) -> list[Record]:
    """One record for each completion of a row; rejected records stay as they are."""
    made: list[Record] = []
    for record in records:
        if record["stage"]:
            made.append(record)
        else:
            made += [
                {**record, "completions": [], "completion": text, "attempt": n} for n, text in enumerate(record["completions"])
            ]
    return made


def ask_about_failures(records: Sequence[Record], config: FailureConfig) -> list[Record]:
    """Judges each record's `completion`; where it fails, its record gets the white-box row in place of its own.

    Raises:
        InsufficientIsolationError: hostile code cannot be confined here.
        SandboxError: programs cannot be run here (our failure).
    """
    sandbox(0, config.limits.imports).require_isolation(False)
    made = [_asks_for_code(record) for record in records]
    alive = [at for at, record in enumerate(made) if not record["stage"]]
    scores = score_many([(task_from_row(made[at]["row"]), made[at]["completion"]) for at in alive], limits=config.limits)
    candidates: list[tuple[int, list[Program]]] = []
    for at, score in zip(alive, scores, strict=True):
        found = _programs(made[at], score)
        if isinstance(found, list):
            candidates.append((at, found))
        else:
            made[at] = rejected(made[at], *found)
    traces = trace_many([program for _, programs in candidates for program in programs], limits=config.limits)
    for at, programs in candidates:
        made[at] = _asked(made[at], [next(traces) for _ in programs], config)
    return made


def reject_repeated(record: Record, seen: set[str]) -> Record:
    """The record, rejected where a record before it has the same program and arguments."""
    if record["stage"]:
        return record
    key = "\0".join(record["row"]["program"][name] for name in ("source", "entry_point", "arguments"))
    if key in seen:
        return rejected(record, NEW, "an earlier candidate is the same")
    seen.add(key)
    return record


def _asks_for_code(record: Record) -> Record:
    if record["stage"] or record["row"]["kind"] == CODE_GENERATION:
        return record
    kind = record["row"]["kind"]
    return rejected(record, ASKED, f"rows of kind {kind} ask for no code")


def _programs(record: Record, score: Score) -> list[Program] | tuple[str, str, str]:
    """A failed candidate with the arguments of tests, those that it got wrong first; or the stage, the reason and a detail."""
    if score.reward is None:
        return FAILED, "it could not be judged", score.parts[0].why if score.parts else ""
    if is_right(CODE_GENERATION, score):
        return FAILED, "it passes every test", ""
    tests = tests_of_row(record["row"])
    if tests.format != UnitTestFormat.CALL:
        return PARSED, "its tests are no calls", ""
    code = extract_code(record["completion"], tests.entry_point)
    if code.source is None or code.entry_point is None:
        return PARSED, "the answer has no code", code.why
    try:
        source = f"{tests.context}\n{code.source}" if tests.context else code.source
        return [Program(source, code.entry_point, arguments) for arguments in _arguments(tests, score)]
    except (ProgramError, RecursionError) as error:
        return PARSED, "the program cannot be used", str(error)


def _arguments(tests: UnitTests, score: Score) -> list[str]:
    parts = [part for part in score.parts if part.kind == "unit_test"]
    wrong = [test.given for test, part in zip(tests.tests, parts, strict=False) if part.verdict == Verdict.WRONG]
    others = [test.given for test, part in zip(tests.tests, parts, strict=False) if part.verdict != Verdict.WRONG]
    return list(dict.fromkeys([*wrong, *others]))[:_INPUTS]


def _asked(record: Record, traces: Sequence[Trace], config: FailureConfig) -> Record:
    """The record with the row of its first run that gives one, or with the reason why the first run gives none."""
    why: tuple[str, str, str] = (RAN, "no test has arguments", "")
    if (varying := next((trace for trace in traces if trace.result.outcome == Outcome.NONDETERMINISTIC), None)) is not None:
        return rejected(record, DETERMINISTIC, "its run: nondeterministic", varying.result.detail)
    for number, trace in enumerate(traces):
        found = _row_or_reason(record, trace, config)
        if isinstance(found, dict):
            return {**record, "row": found}
        why = found if number == 0 else why
    return rejected(record, *why)


def _row_or_reason(record: Record, trace: Trace, config: FailureConfig) -> dict[str, object] | tuple[str, str, str]:
    result, row = trace.result, record["row"]
    if result.outcome != Outcome.RETURNED:
        return RAN, f"its run: {result.outcome}", result.detail
    try:
        made = task(
            trace,
            kind="white_box",
            kinds=config.question_kinds,
            limit=config.max_questions,
            seed=config.seed,
            id=f"{row['id']}/failure-{record['attempt']}",
            template=config.prompt_template,
            split=row.get("split") or "train",
            generator="failure",
        )
    except QuestionError as error:
        return USEFUL, "no question can be asked", str(error)
    if not made.questions and config.max_questions:
        return USEFUL, "there is nothing to ask about it", ""
    return to_row(made)
