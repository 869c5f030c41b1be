"""Output prediction on functions that lean on libraries: collections, itertools, re, datetime, json, math, numpy where it is installed.

The functions are this package's own (`library/`), and their results are made by running them, here and now.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from execverify.errors import EvaluationError, ProgramError
from execverify.evaluation.benchmark import BenchmarkInfo, Item
from execverify.evaluation.data import Source
from execverify.evaluation.output_prediction import OFFICIAL_RULE, STRICT, OutputPrediction, Reference, output_items
from execverify.programs.program import Program
from execverify.programs.records import ProgramRecord, read_programs
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.run import run_many

FOLDER = Path(__file__).parents[1] / "library"
STANDARD = tuple(FOLDER / name for name in ("containers.py", "texts_and_times.py", "numbers_and_tools.py"))
NUMPY = FOLDER / "numpy_functions.py"
_LIMITS = Limits(timeout=10.0, memory=2 * 1024**3)


class LibraryIo(OutputPrediction):
    """Calls of functions that use libraries."""

    about = BenchmarkInfo(
        "library-io",
        "the output of a call of a function that uses libraries",
        "89 calls of 80 functions (10 of them with numpy, asked where it is installed)",
        "Apache-2.0",
        "this package",
        OFFICIAL_RULE,
        STRICT,
        needs_data=False,
    )

    def items(self, source: Source) -> list[Item]:
        """The calls, in the order in which they are written. `--data` names another Python file with functions and calls."""
        numpy = ("numpy",) if importlib.util.find_spec("numpy") is not None else ()
        imports = tuple(dict.fromkeys([*numpy, *source.imports]))
        files = [source.path] if source.path is not None else [*STANDARD, *([NUMPY] if numpy else [])]
        records = [record for file in files for record in read_programs(file)][: source.limit]
        try:
            programs = [Program(record.source, record.entry_point or "f", record.arguments) for record in records]
        except ProgramError as error:
            raise EvaluationError(f"library-io: {error}") from None
        known: list[tuple[str, str, str, Reference]] = []
        for record, program, result in zip(records, programs, _results(programs, imports, source.workers), strict=True):
            value = result.value
            if result.outcome not in (Outcome.RETURNED, Outcome.NONDETERMINISTIC) or value is None or value.text is None:
                raise EvaluationError(f"library-io: {record.location} gives no plain value: {result.outcome} {result.detail}")
            known.append(
                (
                    _id(record, known),
                    program.source,
                    program.entry_point,
                    Reference(program.source, program.one_line_call, value.text, imports),
                )
            )
        items = output_items(known, source.workers)
        return [_with_library(item) for item in items]


def _results(programs: Sequence[Program], imports: Sequence[str], workers: int) -> Iterator[Result]:
    """The results of programs of ours. Those that need nothing installed run where nothing of it is loaded, which is quicker."""
    needs = [any(name in program.source for name in imports) for program in programs]
    plain, others = (
        run_many(
            [program for program, more in zip(programs, needs, strict=True) if more is wanted], limits=limits, workers=workers
        )
        for wanted, limits in ((False, _LIMITS), (True, _LIMITS.allowing(imports)))
    )
    for more in needs:
        yield next(others if more else plain)


def _id(record: ProgramRecord, before: list[tuple[str, str, str, Reference]]) -> str:
    """The function's name, with a number from its second call on."""
    name = record.entry_point or "f"
    count = sum(1 for id, *_ in before if id.partition("/")[0] == name)
    return name if not count else f"{name}/{count + 1}"


def _with_library(item: Item) -> Item:
    """An item with a slice for the library that it uses: the first that its source imports."""
    lines = [line.split() for line in item.program.split("\n") if line.startswith(("import ", "from "))]
    names = sorted({words[1].partition(".")[0] for words in lines})
    slices = {"library": names[0] if len(names) == 1 else "several" if names else "none", **item.slices}
    return Item(item.id, item.tasks, item.expected, item.program, item.call, item.fields, slices, item.reference, item.questions)


BENCHMARK = LibraryIo()
