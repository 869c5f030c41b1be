"""The stages that make programs with a model. Each takes a batch of records and returns it; a rejected record only travels on.

    records = program_records(recipe, range(16))
    records = ask_programs(records, asker, config)
    records = check_programs(records)
    records = repair_programs(records, asker, config)       # where the configuration asks for it
    records = ask_inputs(records, asker, config)            # likewise
    records = execute_programs(records, recipe, config)

A record is a dict of plain values: `index, level, method, completion, source, entry_point, arguments, inputs, repaired, rows, keys,
split, excluded, stage, reason, detail`. `stage` is "" until the record is rejected at a stage, for a `reason`.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from execverify.datasets.chunks import canonical_line
from execverify.datasets.config import DatasetConfig
from execverify.datasets.decontaminate import Decontaminator
from execverify.datasets.generate import ItemGenerator
from execverify.datasets.sources import Candidate
from execverify.errors import DatasetError
from execverify.generation.asker import Asker
from execverify.generation.funnel import ANSWERED, CONSTRAINT, DETERMINISTIC, MAX_DETAIL, NEW, PARSED, RAN, USEFUL
from execverify.generation.parse import Unusable, parse_inputs, parse_program
from execverify.generation.prompts import describe_level, input_messages, program_messages, repair_messages
from execverify.models.model import Request, Sampling
from execverify.programs.catalog import CATALOG
from execverify.programs.constraints import LEVELS, Constraint, check
from execverify.programs.fingerprint import alpha_hash, structure_hash
from execverify.programs.program import Program, truncate
from execverify.questions.rows import to_row
from execverify.questions.task import CODE_GENERATION, Message
from execverify.sandbox.result import Outcome
from execverify.sandbox.run import sandbox
from execverify.synthesis.grammar import GeneratedProgram, scheduled_constraint, synthesize
from execverify.synthesis.templates import entries
from execverify.tracing.trace import Trace

Record = dict[str, Any]

TYPED, CHAT = "typed", "chat"
"""Where further inputs come from: mutation by type, or a model."""

FULL, RUN = "full", "run"
"""What a program has to show: all that the grammar's programs show, or that it runs and has something to ask about."""

_RUN_REASON = "its run: "
_NO_LITERAL = "its result has no literal"
_SHOWN = "it is an example of the prompt"
_TRIES = 20  # for each example
_NEAR = "it is too near to a benchmark's program"


@dataclass(frozen=True)
class SynthesisConfig:
    """How a model makes programs. The defaults are the paper's.

    Attributes:
        temperature, top_p: of the requests for programs.
        max_tokens: most tokens of an answer.
        repair: ask once more, with the reason, where an answer has no program or breaks the constraint.
        inputs: `TYPED` or `CHAT`.
        input_temperature: of the requests for inputs.
        inputs_asked: how many inputs a model is asked for.
        checks: `FULL` or `RUN`.
        examples: programs of the grammar that the prompt shows, of the same level but with other methods.

    Raises:
        DatasetError: an unknown name or a number out of range.
    """

    temperature: float = 0.8
    top_p: float = 0.9
    max_tokens: int = 1024
    repair: bool = False
    inputs: str = TYPED
    input_temperature: float = 0.4
    inputs_asked: int = 5
    checks: str = FULL
    examples: int = 0

    def __post_init__(self) -> None:
        if self.inputs not in (TYPED, CHAT):
            raise DatasetError(f"inputs come from {TYPED} or {CHAT}, not from {self.inputs!r}")
        if self.checks not in (FULL, RUN):
            raise DatasetError(f"checks are {FULL} or {RUN}, not {self.checks!r}")
        if self.inputs_asked < 1:
            raise DatasetError(f"inputs_asked is {self.inputs_asked}: give 1 or more")
        if self.examples < 0:
            raise DatasetError(f"examples is {self.examples}: give 0 or more")

    def plain(self) -> dict[str, Any]:
        """The configuration as JSON values."""
        return asdict(self)


def check_recipe(recipe: DatasetConfig) -> None:
    """Raises DatasetError for a recipe that a model's programs cannot serve."""
    if recipe.programs_file is not None:
        raise DatasetError(
            "--programs takes the programs of a file, and --synthesizer chat those of a model: give one of the two"
        )
    if CODE_GENERATION in recipe.kinds:
        raise DatasetError(f"rows of kind {CODE_GENERATION} go with the grammar: a model's programs have no checked description")


def program_records(recipe: DatasetConfig, indexes: Iterable[int]) -> list[Record]:
    """New records: each with its constraint."""
    records = []
    for index in indexes:
        found = scheduled_constraint(recipe.seed, index, levels=recipe.levels or LEVELS, methods=recipe.builtins)
        records.append({"index": index, "level": found.level, "method": found.method, "stage": "", "reason": "", "detail": ""})
    return records


def ask_programs(records: Sequence[Record], asker: Asker, config: SynthesisConfig, seed: int = 0) -> list[Record]:
    """Asks for the program of each record. The number of the sample is the record's index."""
    shown = [_examples(record, config.examples, seed) for record in records]
    prompts = [program_messages(_constraint(record), examples) for record, examples in zip(records, shown, strict=True)]
    records = [
        {**record, "shown": [structure_hash(program) for _, program in examples]}
        for record, examples in zip(records, shown, strict=True)
    ]
    sampling = Sampling(config.temperature, config.top_p, config.max_tokens, seed=seed)
    return _asked(records, prompts, asker, sampling, _set_completion)


def check_programs(records: Sequence[Record]) -> list[Record]:
    """Reads the program of each answer, and compares it with its constraint."""
    return [record if record["stage"] else _checked(record) for record in records]


def repair_programs(records: Sequence[Record], asker: Asker, config: SynthesisConfig, seed: int = 0) -> list[Record]:
    """Asks once more for programs that could not be read or break their constraint, with the reason; checks the new answers."""
    places = [at for at, record in enumerate(records) if record["stage"] in (PARSED, CONSTRAINT)]
    broken = [records[at] for at in places]
    prompts = [
        repair_messages(
            program_messages(_constraint(record), _examples(record, config.examples, seed)),
            record["completion"],
            record["detail"] or record["reason"],
        )
        for record in broken
    ]
    sampling = Sampling(config.temperature, config.top_p, config.max_tokens, seed=seed)
    fresh = [{**record, "stage": "", "reason": "", "detail": "", "repaired": True} for record in broken]
    repaired = check_programs(_asked(fresh, prompts, asker, sampling, _set_completion))
    made = {
        at: {**record, "repaired": True} if new["stage"] == ANSWERED else new
        for at, record, new in zip(places, broken, repaired, strict=True)
    }
    return [made.get(at, record) for at, record in enumerate(records)]


def ask_inputs(records: Sequence[Record], asker: Asker, config: SynthesisConfig, seed: int = 0) -> list[Record]:
    """Asks for other inputs of each program. An answer without any rejects nothing: typed mutation has others."""
    places = [at for at, record in enumerate(records) if not record["stage"]]
    prompts = [input_messages(program_of(records[at]), config.inputs_asked) for at in places]
    sampling = Sampling(config.input_temperature, config.top_p, config.max_tokens, seed=seed)
    requests = [Request(str(number), prompt) for number, prompt in enumerate(prompts)]
    made = list(records)
    for at, reply in zip(places, asker.ask(requests, sampling), strict=True):
        text = "" if reply.answer is None else reply.answer.text
        made[at] = {**made[at], "inputs": parse_inputs(text, program_of(made[at]), config.inputs_asked)}
    return made


def execute_programs(records: Sequence[Record], recipe: DatasetConfig, config: SynthesisConfig, generator: str) -> list[Record]:
    """Runs, traces and asks about the programs; gives the records `rows` (lines of JSON), `keys` and `split`, or a reason.

    Raises:
        SandboxError: programs cannot be run here, or a layer of isolation that untrusted code needs is off (our failure).
    """
    alive = {record["index"]: record for record in records if not record["stage"]}
    if not alive:
        return list(records)
    sandbox(0, recipe.imports).require_isolation(False)
    source = _RecordSource(alive, config, generator)
    items = ItemGenerator(recipe, benchmarks=_benchmarks(recipe.decontaminate), source=source).items(alive)
    made = {}
    for item in items:
        result, record = item.result, alive[item.result.index]
        if result.dropped is not None:
            stage = _stage_of(result.dropped)
            made[result.index] = {**rejected(record, stage, result.dropped), "excluded": dict(result.excluded)}
        else:
            rows = [canonical_line(to_row(task)).decode("ascii") for task in item.tasks]
            made[result.index] = {**record, "rows": rows, "keys": list(result.keys), "split": result.split}
    return [made.get(record["index"], record) for record in records]


def rejected(record: Record, stage: str, reason: str, detail: str = "") -> Record:
    """The record, rejected at a stage."""
    return {**record, "stage": stage, "reason": reason, "detail": truncate(detail, MAX_DETAIL)}


def program_of(record: Record) -> Program:
    """The program of a checked record."""
    return Program(record["source"], record["entry_point"], record["arguments"])


def _constraint(record: Record) -> Constraint:
    return Constraint(record["level"], record["method"])


def _asked(
    records: Sequence[Record],
    prompts: Sequence[Sequence[Message]],
    asker: Asker,
    sampling: Sampling,
    take: Callable[[Record, str, str], Record],
) -> list[Record]:
    requests = [
        Request(str(at), tuple(prompt), record["index"]) for at, (record, prompt) in enumerate(zip(records, prompts, strict=True))
    ]
    made = []
    for record, reply in zip(records, asker.ask(requests, sampling), strict=True):
        answer = reply.answer
        made.append(
            rejected(record, ANSWERED, "the request failed", reply.error)
            if answer is None
            else take(record, answer.text, answer.finish_reason)
        )
    return made


def _set_completion(record: Record, text: str, finish_reason: str) -> Record:
    return {**record, "completion": text, "cut_off": finish_reason == "length"}


def _checked(record: Record) -> Record:
    found = parse_program(record["completion"])
    if isinstance(found, Unusable):
        reason = "the answer was cut off" if record["cut_off"] else found.reason
        return rejected(record, PARSED, reason, found.detail)
    record = {**record, "source": found.source, "entry_point": found.entry_point, "arguments": found.arguments, "inputs": []}
    why = check(found, _constraint(record))
    if why is not None:
        return rejected(record, CONSTRAINT, f"level {record['level']} broken", why)
    return rejected(record, NEW, _SHOWN) if structure_hash(found) in record.get("shown", ()) else record


def _examples(record: Record, count: int, seed: int) -> list[tuple[Constraint, Program]]:
    """Programs of the grammar for the prompt of a record, with their constraints: of its level, with other methods.

    The nearest ones come last: those of methods of the same type for which the level reads the same.
    """
    if not count:
        return []
    asked = _constraint(record)
    owner, wanted = CATALOG[asked.method].owner, describe_level(asked)
    near = (
        name for name in entries() if CATALOG[name].owner == owner and describe_level(Constraint(asked.level, name)) == wanted
    )
    found = _level_examples(asked.level, tuple(near), count + 1, seed) | _level_examples(asked.level, (), 2 * count + 1, seed)
    others = [(one.constraint, one.program) for method, one in found.items() if method != asked.method]
    return others[:count][::-1]


@functools.lru_cache(maxsize=256)
def _level_examples(level: int, methods: tuple[str, ...], count: int, seed: int) -> dict[str, GeneratedProgram]:
    """Programs of one level by method, the first ones of a schedule; `methods` as in `synthesize`."""
    made: dict[str, GeneratedProgram] = {}
    for index in range(_TRIES * count):
        one = synthesize(-1 - seed, index, levels=(level,), methods=methods)
        if one is not None and check(one.program, one.constraint) is None:
            made.setdefault(one.constraint.method, one)
        if len(made) in (count, len(methods)):
            break
    return made


def _stage_of(reason: str) -> str:
    """The stage at which an item of the dataset's own checks was rejected."""
    if reason.startswith(f"{_RUN_REASON}{Outcome.NONDETERMINISTIC}"):
        return DETERMINISTIC
    if reason.startswith(_RUN_REASON) or reason == _NO_LITERAL:
        return RAN
    return NEW if reason == _NEAR else USEFUL


@functools.lru_cache(maxsize=1)
def _benchmarks(paths: tuple[str, ...]) -> Decontaminator:
    return Decontaminator(paths)


class _RecordSource:
    """The programs of records, as a source of candidates."""

    attempts = 1
    patience: int | None = None

    def __init__(self, records: dict[int, Record], config: SynthesisConfig, generator: str) -> None:
        self._records = records
        self._generator = generator
        self.is_trusted = config.checks == RUN

    def candidate(self, index: int, attempt: int) -> Candidate | str:
        """The program of a record."""
        record = self._records[index]
        return Candidate(program_of(record), _constraint(record), self._generator, inputs=tuple(record["inputs"]))

    def rejection_of(self, candidate: Candidate) -> str | None:
        """None: constraints were checked before."""
        return None

    def trace_mismatch(self, index: int, trace: Trace) -> str | None:
        """None: these programs come without a result."""
        return None

    def keys(self, program: Program, shape: int) -> tuple[int, ...]:
        """The program but for names; the program but for names and constants."""
        return alpha_hash(program), shape
