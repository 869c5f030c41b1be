"""Overlap with benchmarks: renamed and edited copies are found, other programs are not, and wrong files are told."""

import ast
import gzip
import json
from pathlib import Path

import pytest

import execverify as ev
from execverify.datasets import DatasetConfig, build, read_rows
from execverify.datasets.decontaminate import Benchmark, Decontaminator
from execverify.errors import DatasetError, ExecVerifyError
from execverify.programs.program import Program
from tests.helpers.benchmarks import (
    BIGCODEBENCH,
    CRUXEVAL,
    HUMANEVAL,
    HUMANEVAL_PLUS,
    MBPP_PLUS,
    benchmark_rows,
    cruxeval_programs,
)

LONG = """def f(text, width):
    words = text.split()
    lines = []
    for word in words:
        if len(word) > width:
            lines.append(word[:width])
        else:
            lines.append(word.rjust(width))
    return '|'.join(lines)
"""
RENAMED = LONG.replace("words", "a").replace("word", "b").replace("lines", "c").replace("text", "d").replace("width", "e")
EDITED = LONG.replace("rjust", "ljust").replace("'|'", "'-'")
LONGER = LONG.replace("    lines = []\n", "    lines = []\n    seen = set()\n    seen.update(words)\n")
OTHER = """def f(text, width):
    parts = []
    for start in range(0, len(text), width):
        parts.append(text[start:start + width].strip())
    return parts
"""
DOCUMENTED = LONG.replace(":\n", ':\n    """Lays words out."""\n', 1).replace(
    "(text, width)", "(text: str, width: int = 3) -> str"
)
ANOTHER = """def f(text, width):
    counts = {}
    for start in range(0, len(text), width):
        counts[text[start]] = counts.get(text[start], 0) + 1
    return max(counts.values(), default=0)
"""


def benchmark(path: Path, *rows: object) -> str:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def program(source: str) -> Program:
    return Program(source, "f", "'a b', 2")


@pytest.mark.parametrize(
    ("source", "near"),
    [(LONG, True), (RENAMED, True), (EDITED, True), (LONGER, True), (OTHER, True), (DOCUMENTED, True), (ANOTHER, False)],
    ids=["same", "renamed", "edited", "with lines added", "renamed and edited", "documented", "another"],
)
def test_what_is_too_near(source: str, near: bool, tmp_path: Path) -> None:
    known = Decontaminator(
        [benchmark(tmp_path / "one.jsonl", {"code": OTHER.replace("parts", "a").replace("strip", "lower")}, {"code": LONG})]
    )
    assert known.match(program(source)) == ("one.jsonl" if near else None)
    assert Decontaminator().match(program(source)) is None


def test_other_constants_do_not_hide_a_program_and_short_shapes_tell_nothing(tmp_path: Path) -> None:
    own = (
        "def f(text, size):\n    found = []\n    for start in range(0, len(text), size):\n"
        "        found.append(text[start:3])\n    return found[1:]"
    )
    known = Decontaminator([benchmark(tmp_path / "one.jsonl", {"code": own}, {"code": "def f(a, b):\n    return a[1:]"})])
    changed = own.replace("text", "s").replace("found", "got").replace(":3", ":7").replace("1:", "2:")
    assert known.match(program(changed)) == "one.jsonl"
    assert known.match(program("def f(a, b):\n    return b[2:]")) is None


def test_two_files_of_one_name_are_counted_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = benchmark(tmp_path / "a" / "one.jsonl", {"code": LONG})
    second = benchmark(tmp_path / "b" / "one.jsonl", {"code": OTHER})
    known = Decontaminator([first, second])
    assert [file.name for file in known.files] == ["one.jsonl", "one.jsonl (2)"]
    assert (known.match(program(LONG)), known.match(program(OTHER))) == ("one.jsonl", "one.jsonl (2)")


def test_a_function_among_others_is_found(tmp_path: Path) -> None:
    known = Decontaminator([benchmark(tmp_path / "one.jsonl", {"code": f"import re\n\n\nclass A:\n    pass\n\n\n{LONG}"})])
    assert known.match(Program(f"{RENAMED}\n\ndef g(x):\n    return f(x, 3)", "g", "'a'")) == "one.jsonl"


@pytest.mark.parametrize(
    "row",
    [
        {"code": LONG},
        {"source": LONG},
        {"program": {"source": LONG, "entry_point": "f"}},
        {"program": LONG},
        {"canonical_solution": LONG},
        {"prompt": LONG.partition("\n")[0] + '\n    """What it does."""\n', "canonical_solution": LONG.partition("\n")[2]},
        {"prompt": '"""Says what to do."""\n', "canonical_solution": LONG},
    ],
    ids=lambda row: "+".join(row),
)
@pytest.mark.parametrize("name", ["b.jsonl", "b.jsonl.gz", "b.parquet"])
def test_shapes_of_benchmarks(row: dict[str, object], name: str, tmp_path: Path) -> None:
    if name == "b.parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist([row]), tmp_path / name)
    else:
        benchmark(tmp_path / name, row)
    known = Decontaminator([str(tmp_path / name)])
    assert known.files == [Benchmark(name, 1, 0)]
    assert known.match(program(LONG)) == name


def test_a_python_file_is_a_benchmark_too(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"{LONG}\n\nassert f('a', 1) == 'a'\n")
    assert Decontaminator([str(tmp_path / "mine.py")]).match(program(RENAMED)) == "mine.py"


def test_a_row_that_is_not_python_is_counted_and_matched_by_its_tokens(tmp_path: Path) -> None:
    known = Decontaminator([benchmark(tmp_path / "b.jsonl", {"code": LONG + "\nprint 'old'"}, {"code": OTHER})])
    assert known.files == [Benchmark("b.jsonl", 2, 1)]
    assert known.match(program(LONG)) == "b.jsonl"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.jsonl", b"", "{} holds no programs: write one JSON object a line"),
        ("a.jsonl", b"PAR1\xff\xfe", "{} is a Parquet file: its name must end in .parquet where Parquet is read"),
        (
            "a.jsonl",
            b"code,input\n",
            "{}:1 is not JSON (Expecting value: line 1 column 1 (char 0)): name a benchmark's file, .jsonl, .jsonl.gz, .parquet or .py",
        ),
        (
            "a.jsonl",
            b'{"question": "?"}\n',
            "{}:1 is no benchmark's program: a row has code, source, program.source, canonical_solution, or prompt and "
            "canonical_solution",
        ),
        (
            "a.jsonl",
            b'{"code": "no code at all"}\n',
            "{} holds no program that is Python: name a benchmark's file (code, source, program.source, canonical_solution, or "
            "prompt and canonical_solution)",
        ),
        ("a.jsonl", b'{"code": "hello"}\n', "{} holds no program with a function: name a benchmark's file (code,"),
        ("a.py", b"x = 1\n", "{} holds no program with a function: name a benchmark's file (code,"),
        ("a.jsonl.gz", b"\x1f\x8b\x08", "{} is a damaged gzip file: it is cut off"),
        ("a.parquet", b"{}", "{} is not a Parquet file that can be read: "),
        ("a.py", b"def (", "{} is not Python: name a benchmark's file, .jsonl, .jsonl.gz, .parquet or .py"),
    ],
)
def test_a_file_that_is_not_what_it_says(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DatasetError) as caught:
        Decontaminator([str(path)])
    assert str(caught.value).startswith(said.format(path)) and "\n" not in str(caught.value)
    with pytest.raises(ExecVerifyError):
        build(tmp_path / "out", 5, DatasetConfig(decontaminate=(str(path),)))
    assert not (tmp_path / "out").exists()


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "no.jsonl", "no such file"), (tmp_path, "is a folder: name a file of a benchmark's programs")):
        with pytest.raises(DatasetError, match=said):
            Decontaminator([str(path)])


def test_a_build_leaves_out_what_a_benchmark_has_and_counts_it(tmp_path: Path) -> None:
    tasks = list(ev.generate_tasks(30, seed=8))
    path = benchmark(tmp_path / "mine.jsonl", *({"code": task.program.source} for task in tasks))
    manifest = build(tmp_path / "out", 30, DatasetConfig(seed=8, decontaminate=(path,))).manifest
    rows = [row for shard in manifest["shards"] for row in read_rows(str(tmp_path / "out" / shard["file"]))]
    assert not {row["program"]["source"] for row in rows} & {task.program.source for task in tasks}
    assert manifest["decontaminated"]["mine.jsonl"] >= 20
    assert manifest["settings"]["decontaminate"][0]["name"] == "mine.jsonl"


def test_the_benchmarks_are_read_and_their_own_programs_found() -> None:
    files = (CRUXEVAL, HUMANEVAL, HUMANEVAL_PLUS, MBPP_PLUS, BIGCODEBENCH)
    known = Decontaminator(list(map(str, files)))
    assert [(file.programs, file.unreadable) for file in known.files] == [(len(benchmark_rows(file)), 0) for file in files]
    for program in cruxeval_programs()[:100]:
        renamed = ast.unparse(_Renamer().visit(ast.parse(program.source)))
        assert known.match(Program(renamed, "f", program.arguments)) == "cruxeval.jsonl"
    # Programs that nobody copied are left alone: those that are found count how often each thing comes, as CRUXEval's do.
    assert sum(known.match(task.program) is not None for task in ev.generate_tasks(400, seed=5)) <= 12


def test_programs_are_found_with_other_names_and_every_constant_changed() -> None:
    known, records = Decontaminator([str(CRUXEVAL)]), list(ev.read_programs(CRUXEVAL))
    changed: list[Program] = []
    for record in records:
        constants = _Constants()
        tree = constants.visit(_Renamer().visit(ast.parse(record.source)))
        if constants.changed:
            (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "f")
            arguments = ", ".join("1" for _ in function.args.args)  # which do not count
            changed.append(Program(ast.unparse(tree), "f", arguments))
    found = sum(known.match(one) is not None for one in changed)
    assert len(changed) > 0.65 * len(records) and found >= 0.95 * len(changed)


class _Constants(ast.NodeTransformer):
    """Other numbers and texts."""

    changed = 0

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if type(node.value) is int:
            node.value += 1
        elif isinstance(node.value, str):
            node.value += "q"
        else:
            return node
        self.changed += 1
        return node


class _Renamer(ast.NodeTransformer):
    """Other names for parameters."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.names = {arg.arg: f"other_{number}" for number, arg in enumerate(node.args.args)}
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self.names.get(node.arg, node.arg)
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = getattr(self, "names", {}).get(node.id, node.id)
        return node
