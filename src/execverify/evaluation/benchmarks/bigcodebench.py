"""BigCodeBench (Zhuo et al. 2024, arXiv 2406.15877): functions that use many libraries, tested by unittest classes.

The tests patch, mock and look into objects, so they share a process with the program, as the authors have it; that process is
in the sandbox. A program could therefore forge its tests: the strict verdict refuses programs that name the machinery to do it, or that
define equality of their objects, where the reference does not. That is a list of names, and no proof.

The reference solution of an item is run first. Where its libraries are not installed, or its tests need what the sandbox
refuses (files, processes, the network), the item cannot be judged *here*: it counts neither as right nor as wrong, among our
failures, and `more` counts them by reason.
"""

import ast
import functools
import importlib.util
import re
import sys
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from execverify.evaluation.answers import Answer
from execverify.evaluation.benchmark import Benchmark, BenchmarkInfo, Grade, Item, ItemResult
from execverify.evaluation.code_answers import CODE, code_answer, code_completion, constant_function
from execverify.evaluation.data import Row, Source, load_rows
from execverify.evaluation.program_features import program_features
from execverify.programs.literals import parse_literal, parse_without_warnings
from execverify.sandbox.candidates import Candidate, run_candidates
from execverify.sandbox.result import Limits, Outcome, Result

ORIGIN = "https://github.com/bigcode-project/bigcodebench, or bigcode/bigcodebench (bigcode/bigcodebench-hard: the hard subset) on the hub"
FIELDS = ("task_id", "entry_point", "canonical_solution", "test")
LIMITS = Limits(timeout=240.0, memory=8 * 1024**3, output=20_000_000)
"""The seconds for a test class are the authors'."""

_MACHINERY_NAMES = """
    unittest mock MagicMock TestCases AssertionError _getframe f_back __subclasses__ settrace setprofile get_objects gc inspect ctypes
    builtins __builtins__ importlib __import__ modules eval exec FunctionType CodeType globals locals vars __dict__ __class__ __setattr__
    __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __getattr__ __getattribute__ __instancecheck__ __bool__ __contains__ __hash__
"""
TEST_INTERNALS = frozenset(_MACHINERY_NAMES.split())
_COMPUTED = " by a computed name"
_BY_NAME = frozenset({"getattr", "setattr", "delattr", "hasattr"})

_TESTED = """\
import os, sys, types, unittest
CODE = {code!r}
SPACE = types.ModuleType("__test__")
SPACE.__dict__.update(__file__="__test__.py", __package__=None, sys=sys, os=os, environ=os.environ)  # as the authors have it
sys.modules["__test__"] = SPACE


def check():
    exec(compile(CODE, "__test__.py", "exec"), SPACE.__dict__)
    result = unittest.TestResult()
    unittest.TestLoader().loadTestsFromTestCase(SPACE.TestCases).run(result)
    bad = [(str(test.id()).rpartition(".")[2], text.strip().split(chr(10))[-1][:300]) for test, text in result.failures + result.errors]
    return [result.testsRun, bad]
"""


@dataclass(frozen=True, eq=False)
class Problem:
    """One problem."""

    entry_point: str
    stub: str
    reference: str
    test: str
    libraries: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Libraries that are not installed."""
        return tuple(name for name in self.libraries if not is_installed(name))


_unfit: "weakref.WeakKeyDictionary[Problem, str]" = weakref.WeakKeyDictionary()


class BigCodeBench(Benchmark):
    """1,140 functions, or the 148 of the hard subset where its file is given."""

    about = BenchmarkInfo(
        "bigcodebench",
        "a function that uses several libraries, from its docstring",
        "1,140 (148 in the file of the hard subset)",
        "Apache-2.0",
        ORIGIN,
        "BigCodeBench's: the program, with the stub before it, passes its whole unittest class; what cannot run here is counted apart",
        "the same, and the program does not name the tests' machinery (unittest, frames, ...), which it shares a process with",
        ("bigcode/bigcodebench", "v0.1.4"),
    )
    template = CODE
    constants = ("None", "0", "''", "[]")
    counts = {"judged_here": "item", "cannot_be_judged_here": "item"}

    def items(self, source: Source) -> list[Item]:
        """The rows of the release or of the hub."""
        return [self._item(row) for row in load_rows(source, self.about.name, ORIGIN, self.about.hub, FIELDS)]

    def _item(self, row: Row) -> Item:
        stub = str(row.get("prompt_wo_doc") or row.get("code_prompt") or "")
        prompt = str(row.get("prompt") or row.get("complete_prompt") or stub)
        reference = stub + str(row["canonical_solution"])
        libraries = _third_party(reference, str(row["test"]))
        problem = Problem(str(row["entry_point"]), stub, reference, str(row["test"]), libraries)
        fields = {"task": f"Complete this Python program.\n\n{prompt.strip()}", "prompt": prompt}
        slices = {**program_features(reference), "library": libraries[0] if libraries else "standard"}
        return Item(str(row["task_id"]), ("tests",), (reference,), prompt, "its unittest class", fields, slices, problem)

    def extract(self, item: Item, completion: str, style: str) -> Answer:
        """The program."""
        return code_answer(completion, style, item.reference.entry_point)

    def gold(self, item: Item) -> str:
        """The reference."""
        return str(item.reference.reference)

    def constant(self, item: Item, text: str) -> str:
        """A function that returns the same always."""
        return constant_function(item.reference.entry_point, text)

    def complete(self, item: Item, answer: str, style: str) -> str:
        """The program as a block."""
        return code_completion(answer, style)

    def judge(self, answers: Sequence[tuple[Item, Answer]], workers: int) -> list[tuple[Grade, ...]]:
        """One mark each; None where the reference itself cannot be judged here."""
        _know([item.reference for item, _ in answers], workers)
        wanted = [(item.reference, a.official) for item, a in answers if a.official is not None and not _unfit[item.reference]]
        found = _tested(list(dict.fromkeys(wanted)), workers)
        return [(_mark(item.reference, answer, found),) for item, answer in answers]

    def extra_metrics(self, records: Sequence[ItemResult]) -> dict[str, Any]:
        """How many items cannot be judged here, by reason."""
        reasons = Counter(_unfit.get(record.item.reference, "") for record in records)
        return {"judged_here": reasons.pop("", 0), "cannot_be_judged_here": dict(reasons.most_common())}


def _mark(problem: Problem, answer: Answer, found: dict[tuple[Problem, str], tuple[bool | None, str]]) -> Grade:
    if _unfit[problem]:
        return Grade(None, None, f"it cannot be judged here: {_unfit[problem]}")
    if answer.official is None:
        return Grade(False, False, answer.why)
    right, why = found[problem, answer.official]
    named = sorted(suspicious_names(answer.official) - suspicious_names(problem.reference)) if right else []
    if named:
        return Grade(True, False, f"the program names {', '.join(named)}, with which tests can be forged")
    return Grade(right, right, why)


def _know(problems: Sequence[Problem], workers: int) -> None:
    """Finds out which problems can be judged here, by running their references."""
    unknown = [problem for problem in dict.fromkeys(problems) if problem not in _unfit]
    lacking = {problem: problem.missing for problem in unknown}
    found = _tested([(problem, problem.reference) for problem in unknown if not lacking[problem]], workers)
    for problem in unknown:
        if lacking[problem]:
            _unfit[problem] = f"not installed: {', '.join(lacking[problem])}"
        else:
            right, why = found[problem, problem.reference]
            _unfit[problem] = "" if right else f"the reference does not pass its tests in the sandbox{_kind(why)}"


def _kind(why: str) -> str:
    """The exception that a failure names, so that like failures are counted together."""
    named = re.search(r"\b\w+(?:Error|Exception)\b", why)
    return f": {named[0]}" if named else ""


def _tested(pairs: Sequence[tuple[Problem, str]], workers: int) -> dict[tuple[Problem, str], tuple[bool | None, str]]:
    """Whether programs pass their tests, and why not."""
    found: dict[tuple[Problem, str], tuple[bool | None, str]] = {}
    installed = tuple(sorted({name for problem, _ in pairs for name in problem.libraries if is_installed(name)}))
    for imports in ((), installed):  # what needs only the standard library starts faster without the others
        some = [pair for pair in pairs if pair not in found and (imports or not pair[0].libraries)]
        candidates = [Candidate(_TESTED.format(code=f"{p.stub}    pass\n{text}\n{p.test}"), ("",), "check") for p, text in some]
        results = run_candidates(candidates, limits=LIMITS, workers=workers, imports=imports) if candidates else iter(())
        for pair, (result,) in zip(some, results, strict=True):
            found[pair] = _read(result)
    return found


def _read(result: Result) -> tuple[bool | None, str]:
    if result.outcome == Outcome.SANDBOX_ERROR:
        return None, result.detail
    if result.outcome != Outcome.RETURNED or result.value is None or result.value.text is None:
        return False, result.detail or str(result.outcome)
    match parse_literal(result.value.text, 1_000_000):
        case [int(count), list(bad)] if count and not bad:
            return True, ""
        case [int(), [(name, reason), *_]]:
            return False, f"{name}: {reason}"
    return False, "no test ran"


@functools.lru_cache(maxsize=4096)
def suspicious_names(source: str) -> frozenset[str]:
    """What a program names with which tests can be forged."""
    return frozenset(name for name in _names(source) if name in TEST_INTERNALS or name.endswith(_COMPUTED))


def _names(source: str) -> set[str]:
    """Names, attributes and modules in a program, what it defines, its texts; and `getattr` and its like where they are given no text."""
    try:
        tree = parse_without_warnings(source, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                found.add(name)
            case ast.Import(names=names):
                found.update(part for alias in names for part in alias.name.split("."))
            case ast.ImportFrom(module=str(module), names=names):
                found.update([*module.split("."), *(alias.name for alias in names)])
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Constant(value=str(text)):
                found.add(text)
            case ast.Call(func=ast.Name(id=name), args=[_, ast.Constant(), *_]) if name in _BY_NAME:
                pass
            case ast.Call(func=ast.Name(id=name)) if name in _BY_NAME:
                found.add(f"{name}{_COMPUTED}")
    return found


def _third_party(*sources: str) -> tuple[str, ...]:
    """Modules outside the standard library that programs import, in order of their names."""
    found: set[str] = set()
    for source in sources:
        try:
            tree = parse_without_warnings(source, "exec")
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return tuple(sorted(found - sys.stdlib_module_names))


@functools.cache
def is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


BENCHMARK = BigCodeBench()
