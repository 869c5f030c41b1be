"""Rows of a repository: the functions that its tests call, each with what it needs as one program, and the calls with literal arguments.

    modules as text -> tests run confined, calls recorded -> each function flattened -> the calls repeated on the real modules
    -> programs, traced as any other -> rows where the trace has the result that the real function gave

Each function of the repository ends in the report, with a row or with the reason why there is none.
"""

import ast
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from execverify.datasets.from_programs import ConversionReport, RowConfig, make_rows
from execverify.errors import ProgramError
from execverify.programs.flatten import Flattener, FlattenError
from execverify.programs.program import Program, module_names, parse_arguments, parse_source, truncate, vocabulary_of, walk
from execverify.programs.records import ProgramRecord
from execverify.programs.repository import Module, Repository, parents_of
from execverify.questions.rows import Row
from execverify.sandbox.job import Job
from execverify.sandbox.repository_calls import RECORD_CALLS, REPEAT_CALLS
from execverify.sandbox.result import Limits, Outcome
from execverify.sandbox.run import is_value
from execverify.sandbox.sandbox import Sandbox

NOT_CALLED = "not called by a test that runs"
_MOST_RECORDED = 20  # calls of one function in one test
_FILES = frozenset({"open", "input"})
_BATCH = 20  # tests of one module that one process runs
_TEST_ENDS = frozenset({"passed", "failed", "unsupported", *map(str, Outcome)})
_Key = tuple[str, str]


@dataclass(frozen=True)
class RepositoryConfig:
    """How programs are made of a repository.

    Attributes:
        calls: most calls of one function.
        max_lines: most lines of a program.
        test_timeout: seconds that one test may take.
        imports: installed packages that the repository may import.
        allow_weak_isolation: whether to run its tests where a layer of isolation is off that untrusted code needs.
        workers: how many processes are at work at once.
    """

    calls: int = 3
    max_lines: int = 150
    test_timeout: float = 10.0
    imports: tuple[str, ...] = ()
    allow_weak_isolation: bool = False
    workers: int = 1


@dataclass
class RepositoryReport:
    """What became of a repository's tests and functions; filled while rows are made.

    Attributes:
        tests: how many tests ended how: "passed", "failed", "unsupported", or a run's outcome.
        test_details: for each test that did not pass, how it ended.
        functions: for each function, by module and name: "" where it gave a row, else why not.
        details: for each function without a row, what exactly.
        programs: how many programs were made.
        conversion: what became of the programs.
    """

    tests: Counter[str] = field(default_factory=Counter)
    test_details: dict[str, str] = field(default_factory=dict)
    functions: dict[_Key, str] = field(default_factory=dict)
    details: dict[_Key, str] = field(default_factory=dict)
    programs: int = 0
    conversion: ConversionReport = field(default_factory=ConversionReport)

    @property
    def kept(self) -> int:
        """How many functions gave a row."""
        return sum(not why for why in self.functions.values())

    @property
    def reasons(self) -> Counter[str]:
        """How many functions gave no row for which reason."""
        return Counter(why for why in self.functions.values() if why)

    def drop(self, key: _Key, reason: str, detail: str = "") -> None:
        """Notes why a function gives no row."""
        self.functions[key], self.details[key] = reason, detail


def rows_of_repository(
    repository: Repository,
    config: RepositoryConfig,
    settings: RowConfig,
    report: RepositoryReport,
    progress: Callable[[int], object] = lambda done: None,
) -> Iterator[Row]:
    """Rows of the functions that a repository's tests call.

    Args:
        repository: its modules.
        config: how programs are made.
        settings: how rows are made.
        report: filled while rows are made.
        progress: called with the number of tests that have run, now and then.

    Raises:
        InsufficientIsolationError: this system cannot confine untrusted code, and `allow_weak_isolation` is not set.
        SandboxError: no confined process could be started, or a package of `imports` is not installed.
    """
    keys: dict[str, _Key] = {}
    records: list[ProgramRecord] = []
    for key, record in _records(repository, config, report, progress):
        keys[record.id] = key
        records.append(record)
    report.programs = len(records)
    yield from make_rows(records, settings, report.conversion)
    dropped = {drop.id: drop for drop in report.conversion.drops}
    for key in dict.fromkeys(keys.values()):
        drops = [dropped.get(name) for name, of in keys.items() if of == key]
        first = drops[0]
        if first is not None and all(drops):
            report.drop(key, first.reason, first.detail)
        else:
            report.functions[key] = ""


def _records(
    repository: Repository, config: RepositoryConfig, report: RepositoryReport, progress: Callable[[int], object]
) -> Iterator[tuple[_Key, ProgramRecord]]:
    lines = _functions(repository)
    report.functions.update(dict.fromkeys(lines, NOT_CALLED))
    with Sandbox(0, config.imports) as sandbox:
        sandbox.require_isolation(config.allow_weak_isolation)
        calls = _recorded(repository, config, report, sandbox, progress)
        programs = _flattened(repository, config, report, calls)
        found = {key: calls[key][: config.calls] for key in programs}
        results = _results(repository, config, sandbox, found)
        for key, texts in found.items():
            location = f"{repository.modules[key[0]].location}:{lines[key]}"
            refused: list[FlattenError] = []
            for number, (text, (kind, value)) in enumerate(zip(texts, results[key], strict=True)):
                try:
                    made = _program(programs[key], key[1], text, kind, value)
                except FlattenError as error:
                    refused.append(error)
                    continue
                name = f"{key[0]}.{key[1]}/{number}"
                yield key, ProgramRecord(made.source, made.entry_point, made.arguments, value[1], name, location)
            if len(refused) == len(texts):
                report.drop(key, refused[0].reason, str(refused[0]))


def _functions(repository: Repository) -> dict[_Key, int]:
    """The functions at the top level of the repository's modules, tests left out, with their lines."""
    found: dict[_Key, int] = {}
    for module in repository.modules.values():
        if module.is_of_tests:
            continue
        try:
            body = module.tree.body
        except ProgramError:
            continue
        found |= {
            (module.name, node.name): node.lineno for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
    return found


def _recorded(
    repository: Repository,
    config: RepositoryConfig,
    report: RepositoryReport,
    sandbox: Sandbox,
    progress: Callable[[int], object],
) -> dict[_Key, list[str]]:
    """Runs the tests. For each function the arguments of its calls: those by tests before those by other functions."""
    found: dict[_Key, dict[str, bool]] = {}
    ran: set[tuple[str, str]] = set()
    for again in (False, True):  # where a batch did not end well, its tests run one by one
        batches = [
            (module, names[start : start + size])
            for module, tests in itertools.groupby(repository.tests(), key=lambda test: test[0])
            for names in [[name for _, name in tests if (module.name, name) not in ran]]
            for size in [1 if again else _BATCH]
            for start in range(0, len(names), size)
        ]
        jobs = _test_jobs(repository, batches, sorted({module for module, _ in report.functions}), config)
        for (module, names), reply in zip(batches, sandbox.run_many(jobs, config.workers), strict=True):
            ends = reply.get("tests")
            if not isinstance(ends, list) or len(ends) != len(names):
                ends = [f"{reply.get('outcome')}: {reply.get('detail', '')}"] * len(names)
                if len(names) > 1:
                    continue
            for name, ended in zip(names, ends, strict=True):
                ran.add((module.name, name))
                _note_test(report, f"{module.name}.{name}", str(ended))
            progress(len(ran))
            _note_calls(report, reply, found)
    return {key: sorted(texts, key=lambda text: (not texts[text], text == "")) for key, texts in found.items()}


def _note_calls(report: RepositoryReport, reply: Mapping[str, Any], found: dict[_Key, dict[str, bool]]) -> None:
    """Takes the calls out of a reply: for each function the arguments, and whether a test itself called so."""
    for module, function, text, direct in _lists(reply, "calls", 4):
        if (module, function) in report.functions and isinstance(text, str):
            texts = found.setdefault((module, function), {})
            texts[text] = texts.get(text, False) or direct is True
    for module, function, why in _lists(reply, "refused", 3):
        if report.functions.get((module, function)) == NOT_CALLED and isinstance(why, str):
            report.drop((module, function), truncate(why))


def _lists(reply: Mapping[str, Any], name: str, length: int) -> list[list[Any]]:
    """The lists of a length in a reply, which the repository's own code may have forged."""
    given = reply.get(name)
    items = given if isinstance(given, list) else []
    return [
        item for item in items if isinstance(item, list) and len(item) == length and all(isinstance(i, str) for i in item[:2])
    ]


def _note_test(report: RepositoryReport, name: str, ended: str) -> None:
    kind = ended.partition(":")[0]
    report.tests[kind if kind in _TEST_ENDS else "failed"] += 1
    if kind != "passed":
        report.test_details[name] = truncate(ended, 200)


def _test_jobs(
    repository: Repository, batches: Iterable[tuple[Module, list[str]]], wanted: list[str], config: RepositoryConfig
) -> Iterator[Job]:
    texts: dict[str, dict[str, list[object]]] = {}
    for module, names in batches:
        if module.name not in texts:
            texts = {module.name: _texts(repository, module)}
        extra = {"modules": texts[module.name], "module": module.name, "tests": names, "wanted": wanted, "most": _MOST_RECORDED}
        yield Job(RECORD_CALLS, module.source, "", "", _limits(config), True, extra)


def _limits(config: RepositoryConfig) -> Limits:
    return Limits(timeout=config.test_timeout, imports=config.imports)


def _texts(repository: Repository, module: Module) -> dict[str, list[object]]:
    """What a process needs to import a module from memory."""
    needed = repository.imported_by(module)
    folders = {name for each in needed for name in parents_of(each) if name not in repository.modules}  # packages without a file
    return {name: ["", True] for name in folders} | {name: [each.source, each.is_package] for name, each in needed.items()}


def _flattened(
    repository: Repository, config: RepositoryConfig, report: RepositoryReport, calls: Mapping[_Key, list[str]]
) -> dict[_Key, str]:
    """The program's text of each function that can be flattened."""
    flattener = Flattener(repository.modules, config.imports)
    found: dict[_Key, str] = {}
    for key in report.functions:
        if key not in calls:
            continue
        try:
            text = flattener.flatten(key[0], [key[1]])
        except FlattenError as error:
            report.drop(key, error.reason, str(error))
            continue
        except ProgramError as error:
            report.drop(key, "not a usable program", str(error))
            continue
        lines = text.count("\n")
        used = sorted(vocabulary_of(walk(parse_source(text))).names & _FILES)
        if lines > config.max_lines:
            report.drop(key, "too long", f"{lines} lines; --max-lines is {config.max_lines}")
        elif used:
            report.drop(key, "input or output", f"it uses {used[0]}()")
        else:
            found[key] = text
    return found


def _results(
    repository: Repository, config: RepositoryConfig, sandbox: Sandbox, calls: Mapping[_Key, list[str]]
) -> dict[_Key, list[Any]]:
    """What the real functions give for the calls: for each a kind and the fields of a value, or "raised" and why."""

    texts = {name: _texts(repository, repository.modules[name]) for name in {module for module, _ in calls}}

    def job(key: _Key) -> Job:
        module = repository.modules[key[0]]
        extra = {"modules": texts[key[0]], "module": key[0], "inputs": calls[key]}
        return Job(REPEAT_CALLS, module.source, key[1], "", _limits(config), True, extra)

    found: dict[_Key, list[Any]] = {}
    for key, reply in zip(calls, sandbox.run_many(map(job, calls), config.workers), strict=True):
        results = reply.get("results")
        if isinstance(results, list) and len(results) == len(calls[key]) and all(map(_is_result, results)):
            found[key] = results
        else:
            found[key] = [[str(reply["outcome"]), str(reply.get("detail", ""))]] * len(calls[key])
    return found


def _is_result(given: Any) -> bool:
    return isinstance(given, list) and len(given) == 2 and isinstance(given[0], str)


def _program(source: str, function: str, text: str, kind: str, value: Any) -> Program:
    """The program of one call, by what the real function gave; raises FlattenError where there is none."""
    if kind not in ("value", "items"):
        raise FlattenError("the call raises" if kind == "raised" else kind, str(value))
    if not is_value(value):
        raise FlattenError("not a usable program", "the process sent an invalid reply")
    if value[1] is None:
        raise FlattenError("the result has no literal", f"{value[0]}, {value[2]}")
    try:
        program = Program(source, function, text)
        return _listed(program) if kind == "items" else program
    except ProgramError as error:
        raise FlattenError("not a usable program", str(error)) from None


def _listed(program: Program) -> Program:
    """A program whose entry point gives the list of the items of an iterator, by a function that is added."""
    taken = module_names(program.tree)
    name = f"list_{program.entry_point.lstrip('_')}"
    while name in taken:
        name += "_"
    call = parse_arguments(program.arguments)
    definitions = [node for node in program.tree.body if isinstance(node, ast.FunctionDef) and node.name == program.entry_point]
    known = [each.arg for each in (*definitions[-1].args.posonlyargs, *definitions[-1].args.args)] if definitions else []
    named = [str(keyword.arg) for keyword in call.keywords]
    reserved = {*named, program.entry_point, "list"}
    positional = [known[i] if i < len(known) and known[i] not in reserved else f"value_{i + 1}" for i in range(len(call.args))]
    given = ", ".join([*positional, *(f"{each}={each}" for each in named)])
    added = f"def {name}({', '.join([*positional, *named])}):\n    return list({program.entry_point}({given}))\n"
    return Program(f"{program.source}\n\n{added}", name, program.arguments)
