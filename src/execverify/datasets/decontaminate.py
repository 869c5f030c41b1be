"""Is a program in a benchmark already? Compares its tree without names, and its runs of eight tokens.

A program is too near to a benchmark's when

- a function of it equals one of the benchmark's but for names, layout, comments, docstrings and annotations, or
- a function of some length equals one but for constants too, or
- they share runs of eight tokens, names as written: at least 5, and at least half of all that the shorter of the two has
  (so an edited copy, or one with lines added around it, is found too), or
- they share such runs with all names taken as one: at least 12, and at least three quarters (so an edited and renamed copy is).

A file of a benchmark is JSON lines (also gzipped), Parquet, or Python. In a row, the program is `code`, `source` or
`program.source`, or else `prompt` and `canonical_solution` together, or the solution alone.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.datasets.rows_io import pyarrow_or_error
from execverify.errors import DatasetError, ProgramError
from execverify.programs.fingerprint import function_hashes, token_ngrams
from execverify.programs.program import Program, parse_source
from execverify.utils.read_files import read_json_records, read_text

SIZE = 8
"""Tokens of a run."""

NAMED_RULE, NAMELESS_RULE = (True, 5, 0.5), (False, 12, 0.75)
"""Whether names count, the fewest shared runs, and their share of the shorter program's. Short programs have common phrases,
such as `for i in range(len(xs)):`, and little else; without names, more of them are common."""

MIN_STRUCTURE_TOKENS = 40
"""Words of a function's tree (nodes, names, fields) from which its shape identifies it: shorter shapes are common."""

_WHAT = "a benchmark's programs"
_FIELDS = "code, source, program.source, canonical_solution, or prompt and canonical_solution"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a file held.

    Attributes:
        name: the file's name, without its folder.
        programs: how many programs were read.
        unreadable: how many rows had a text that is not Python; their text is matched by tokens alone.
    """

    name: str
    programs: int
    unreadable: int


class Decontaminator:
    """The programs of benchmark files, ready to be compared with.

    Raises:
        DatasetError: a file that cannot be read, or is no file of programs.
    """

    def __init__(self, paths: Sequence[str] = ()) -> None:
        self.files: list[Benchmark] = []
        self._functions: dict[int, int] = {}  # renamed key, or shape key of a long one -> number of the file
        self._near = [_NgramIndex(*rule) for rule in (NAMED_RULE, NAMELESS_RULE)]
        for path in paths:
            self._read(path)

    def _read(self, path: str) -> None:
        number, unreadable, count, functions = len(self.files), 0, 0, 0
        for text in _programs(path):
            tree = _tree(text)
            count += 1
            unreadable += tree is None
            functions += tree is not None and _defines(tree)
            for key in _keys(tree) if tree is not None else ():
                self._functions.setdefault(key, number)
            for near in self._near:
                near.add(text, number)
        if count == unreadable:
            raise DatasetError(f"{path} holds no program that is Python: name a benchmark's file ({_FIELDS})")
        if not functions:
            raise DatasetError(f"{path} holds no program with a function: name a benchmark's file ({_FIELDS})")
        self.files.append(Benchmark(self._named(Path(path).name), count, unreadable))

    def _named(self, name: str) -> str:
        """A name that no file before has: two of one name are counted apart."""
        same = sum(file.name == name or file.name.startswith(f"{name} (") for file in self.files)
        return f"{name} ({same + 1})" if same else name

    def match(self, program: Program) -> str | None:
        """The name of the file that has a program too near to this one; None where there is none."""
        if not self.files:
            return None
        numbers = [self._functions[key] for key in _keys(program.tree) if key in self._functions]
        numbers = numbers or [number for near in self._near if (number := near.match(program.source)) is not None]
        return self.files[min(numbers)].name if numbers else None


class _NgramIndex:
    """The runs of eight tokens of many programs, by one rule."""

    def __init__(self, names: bool, least: int, share: float) -> None:
        self.names = names
        self.least = least
        self.share = share
        self._having: dict[int, tuple[int, ...]] = {}  # key of a run -> numbers of the programs that have it
        self._programs: list[tuple[int, int]] = []  # number of the file, and how many runs the program has

    def add(self, source: str, file: int) -> None:
        runs = token_ngrams(source, SIZE, names=self.names)
        for run in runs:
            self._having[run] = (*self._having.get(run, ()), len(self._programs))
        self._programs.append((file, len(runs)))

    def match(self, source: str) -> int | None:
        """The number of the file that has a program too near to this one."""
        runs = token_ngrams(source, SIZE, names=self.names)
        shared = Counter(number for run in runs for number in self._having.get(run, ()))
        for number in sorted(shared):
            file, size = self._programs[number]
            if shared[number] >= max(self.least, self.share * min(size, len(runs))):
                return file
        return None


def _keys(tree: ast.Module) -> frozenset[int]:
    exact, shapes = function_hashes(tree, MIN_STRUCTURE_TOKENS)
    return exact | shapes


def _tree(text: str) -> ast.Module | None:
    try:
        return parse_source(text)
    except ProgramError:
        return None


def _programs(path: str) -> Iterator[str]:
    """The source texts of a file."""
    if path.endswith(".py"):
        text = _text(path)
        if _tree(text) is None:
            raise DatasetError(f"{path} is not Python: name a benchmark's file, .jsonl, .jsonl.gz, .parquet or .py")
        yield text
        return
    found = False
    for where, row in _parquet(path) if path.endswith(".parquet") else _lines(path):
        found = True
        yield _program(where, row)
    if not found:
        raise DatasetError(f"{path} holds no programs: write one JSON object a line")


def _program(where: str, row: Any) -> str:
    """The program of a row: the first of its texts that is Python with a function, else the longest."""
    texts = list(_candidates(row)) if isinstance(row, dict) else []
    if not texts:
        raise DatasetError(f"{where} is no benchmark's program: a row has {_FIELDS}")
    for text in texts:
        tree = _tree(text)
        if tree is not None and _defines(tree):
            return text
    return max(texts, key=len)


def _defines(tree: ast.Module) -> bool:
    """Whether there is a function or a class."""
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in ast.walk(tree))


def _candidates(row: dict[str, Any]) -> Iterator[str]:
    program = row.get("program")
    prompt, solution = row.get("prompt"), row.get("canonical_solution")
    texts = [row.get("code"), row.get("source"), program.get("source") if isinstance(program, dict) else program]
    if isinstance(solution, str):
        texts += [prompt + solution if isinstance(prompt, str) else None, solution]
    yield from (text for text in texts if isinstance(text, str) and text.strip())


def _lines(path: str) -> Iterator[tuple[str, Any]]:
    return read_json_records(path, _WHAT, DatasetError, hint="name a benchmark's file, .jsonl, .jsonl.gz, .parquet or .py")


def _text(path: str) -> str:
    return read_text(path, _WHAT, DatasetError)


def _parquet(path: str) -> Iterator[tuple[str, Any]]:
    pa, pq = pyarrow_or_error()
    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(1_000):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file") from None
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path} is not a Parquet file that can be read: {str(error).splitlines()[0]}") from None
