"""Datasets: the same rows whoever makes them and however often they are killed, and a clear line for what cannot be made."""

import ast
import errno
import fcntl
import functools
import gzip
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.datasets import DatasetConfig, Splits, build, read_rows
from execverify.datasets import workers as worker_processes
from execverify.datasets.build_dir import read_manifest
from execverify.datasets.chunks import ChunkStore, ItemResult, canonical_line, pack
from execverify.datasets.collect import DUPLICATE_REASONS, SAME_FROM_FILE, NoMoreRows, RowCollector
from execverify.datasets.config import levels_of
from execverify.datasets.dedup import HashSet, stable_hash
from execverify.datasets.generate import INPUTS_PER_PROGRAM, ItemGenerator
from execverify.errors import DatasetError, ExecVerifyError, SandboxError
from execverify.programs.constraints import Constraint, check
from execverify.programs.fingerprint import alpha_hash, structure_hash
from execverify.programs.literal_types import literal_types
from execverify.programs.program import Program
from execverify.reports.dataset import write_report
from tests.helpers.command import run, run_process

SIZE = 150
FIFTY = Path(__file__).parents[2] / "examples" / "fifty.py"
HERE = {**os.environ, "COLUMNS": "200"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "execverify", "dataset", "build", *words]


def run_build(*words: str, seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Build in an interpreter of its own, under a hash seed."""
    return run_process("dataset", "build", *words, hash_seed=seed)


def manifest_of(out: Path) -> dict[str, Any]:
    manifest = read_manifest(out)
    assert manifest is not None
    return manifest


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [row for shard in manifest_of(out)["shards"] for row in read_rows(str(out / shard["file"]))]


def without_makers(manifest: dict[str, Any]) -> dict[str, Any]:
    """What two builds of the same rows must agree on: all but the versions, and the bytes that pyarrow makes."""
    shards = [{k: v for k, v in shard.items() if k not in ("sha256", "bytes")} for shard in manifest["shards"]]
    return {**{k: v for k, v in manifest.items() if k != "made_with"}, "shards": shards}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of some chunks, made by two processes without being disturbed."""
    out = tmp_path_factory.mktemp("made") / "out"
    build(out, SIZE, DatasetConfig(seed=11), workers=2, write_report=write_report)
    return out


# ------------------------------------------------------------------------------------------------------ what is made


def test_the_manifest_says_what_is_there(made: Path) -> None:
    manifest, rows = manifest_of(made), rows_of(made)
    assert manifest["rows"] == len(rows) == SIZE
    assert sorted(path.name for path in made.iterdir() if path.name != "report.html") == ["README.md", "data", "manifest.json"]
    for shard in manifest["shards"]:
        path = made / shard["file"]
        own = list(read_rows(str(path)))
        assert (len(own), {row["split"] for row in own}) == (shard["rows"], {shard["split"]})
        assert hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"]
        assert path.stat().st_size == shard["bytes"]
        assert hashlib.sha256(b"".join(map(canonical_line, own))).hexdigest() == shard["content"]
    by_id = sorted(rows, key=lambda row: row["id"])
    assert hashlib.sha256(b"".join(map(canonical_line, by_id))).hexdigest() == manifest["content_hash"]
    for column, counts in (("kind", "kinds"), ("level", "levels"), ("split", "splits")):
        for name, count in manifest[counts].items():
            assert sum(str(row[column]) == name for row in rows) == count
    assert manifest["items"] == SIZE + sum(manifest["skipped_items"].values())


def test_every_row_keeps_its_constraint_and_stands_alone(made: Path) -> None:
    rows = rows_of(made)
    programs = [ev.from_row(row).program for row in rows]
    for row, program in zip(rows, programs, strict=True):
        constraint = Constraint.parse(row["constraint"])
        assert (check(program, constraint), constraint.level) == (None, row["level"])
        assert row["kind"] == "input_prediction" or row["questions"]
        assert (row["seed"], row["id"][:3]) == (11, "11-")
    assert len(set(map(alpha_hash, programs))) == len(set(map(structure_hash, programs))) == SIZE
    assert {row["level"] for row in rows} == {1, 2, 3, 4, 5, 6}
    assert {row["kind"] for row in rows} == {"white_box", "input_prediction"}


def test_it_opens_with_datasets(made: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(made), cache_dir=str(tmp_path))
    counts = {name: rows for name, rows in manifest_of(made)["splits"].items() if rows}
    assert {name: len(split) for name, split in loaded.items()} == counts
    files = {name: str(made / "data" / f"{name}-*.parquet") for name in counts}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path))
    assert {name: len(split) for name, split in loaded.items()} == counts


def test_tasks_are_the_rows_of_a_build(made: Path) -> None:
    rows = {row["id"]: row for row in rows_of(made)}
    tasks = list(ev.generate_tasks(size=100, seed=11))
    assert [task.id for task in tasks] == sorted(rows)[:100]
    differing = [(k, v, rows[task.id][k]) for task in tasks for k, v in ev.to_row(task).items() if rows[task.id][k] != v]
    assert differing == []


def test_tasks_need_no_pyarrow_and_have_no_end() -> None:
    script = (
        "import sys; sys.modules.update(pyarrow=None, click=None, rich=None)\n"
        "import itertools, execverify as ev\n"
        "print(*[task.id for task in itertools.islice(ev.generate_tasks(seed=11), 20)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=HERE, check=True)
    assert done.stdout.split() == [task.id for task in ev.generate_tasks(20, 11)]


def test_a_larger_dataset_begins_with_the_smaller_one(made: Path, tmp_path: Path) -> None:
    build(tmp_path / "out", 60, DatasetConfig(seed=11))
    smaller = {row["id"]: row for row in rows_of(tmp_path / "out")}
    larger = {row["id"]: row for row in rows_of(made)}
    assert sorted(smaller) == sorted(larger)[:60]
    assert all(larger[name] == row for name, row in smaller.items())


def test_levels_methods_and_kinds_are_those_that_were_asked_for() -> None:
    tasks = list(ev.generate_tasks(12, levels=(2, 3), builtins=("str.split", "len"), kinds=("white_box",)))
    assert {task.constraint for task in tasks} <= {f"level {n} with {name}" for n in (2, 3) for name in ("str.split", "len")}
    assert {task.kind for task in tasks} == {"white_box"} and all(task.questions for task in tasks)


def test_types_that_were_asked_for_are_all_that_programs_write() -> None:
    """Held against the source's tokens and the arguments' values, not against the rule's own reading of the tree."""

    def types_of(value: object) -> set[type]:
        inner = value if isinstance(value, list | tuple | set) else ()
        return {type(value)}.union(*map(types_of, inner))

    found = list(ev.generate_tasks(40, seed=3, value_types=("int", "bool", "list"), levels=(1, 2, 3)))
    for task in found:
        text = re.sub(r"'[^'\n]*'", "'", task.program.source)
        assert not re.search(r"['\"{]|\d\.|\bNone\b|\bstr\b|\bfloat\b|\bset\b|\bdict\b|\btuple\b|[^/]/[^/]", text)
        given = ast.literal_eval(f"[{task.program.arguments}]")
        assert types_of(given) <= {int, bool, list}
    everything = "".join(task.program.source for task in ev.generate_tasks(20, seed=3, levels=(1, 2, 3)))
    assert "'" in everything and "{" in everything  # which it would have otherwise
    with pytest.raises(DatasetError, match="there is no type 'string' to keep to: the types are bool, int, float"):
        DatasetConfig(value_types=("string",))
    assert DatasetConfig().as_json()["value_types"] == [] and DatasetConfig(value_types=("list", "int")).as_json()[
        "value_types"
    ] == [
        "int",
        "list",
    ]


def test_types_are_kept_to_in_a_file_too(tmp_path: Path) -> None:
    build(tmp_path / "out", 10, DatasetConfig(programs_file=str(FIFTY), value_types=("int", "bool", "list")))
    assert all("'" not in row["program"]["arguments"] for row in rows_of(tmp_path / "out"))


@pytest.mark.parametrize(
    ("source", "arguments", "types"),
    [
        ("def f(a, b):\n    x, y = b, a\n    return x", "1, True", {"int", "bool", "tuple"}),
        ("def f(a):\n    for i, x in a:\n        pass\n    return a[0]", "[(1, None)]", {"int", "list", "tuple", "NoneType"}),
        ("def f(a):\n    [x, y] = a\n    return {x for x in a}", "a=(2.5, 1j)", {"set", "tuple", "float", "complex"}),
        ("def f(a):\n    return f'{a}' + str({1: b''})", "0", {"str", "dict", "bytes", "int"}),
        ("def f(a):\n    return a / a", "-3", {"int", "float"}),
        ("def f(a):\n    return frozenset(a)", "[]", {"frozenset", "list"}),
    ],
)
def test_the_types_that_a_program_writes(source: str, arguments: str, types: set[str]) -> None:
    assert literal_types(Program(source, "f", arguments)) == types


def test_a_program_can_have_several_inputs(tmp_path: Path) -> None:
    build(tmp_path / "out", 24, DatasetConfig(seed=3, inputs_per_program=3))
    programs: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows_of(tmp_path / "out"), key=lambda row: row["id"]):
        programs.setdefault(row["id"].partition("/")[0], []).append(row)
    assert max(map(len, programs.values())) == 3
    for rows in programs.values():
        assert [row["id"].partition("/")[2] for row in rows] == ["", "1", "2"][: len(rows)]
        assert len({row["program"]["source"] for row in rows}) == 1 == len({row["split"] for row in rows})
        assert len({row["program"]["arguments"] for row in rows}) == len(rows)


def test_kinds_come_five_to_three_where_both_can_be_asked(made: Path) -> None:
    kinds = [row["kind"] for row in rows_of(made) if row["level"] in (3, 4, 6)]
    assert len(kinds) > 60 and 0.5 < kinds.count("white_box") / len(kinds) < 0.75


def test_programs_of_a_file_come_first_as_they_are_and_then_with_other_arguments(tmp_path: Path) -> None:
    build(tmp_path / "out", 60, DatasetConfig(programs_file=str(FIFTY)))
    rows = sorted(rows_of(tmp_path / "out"), key=lambda row: row["id"])
    records = list(ev.read_programs(FIFTY))
    first = [row for row in rows if int(row["id"][2:]) < len(records)]
    assert len(first) > 40 and len(rows) == 60
    for row in first:
        assert row["program"]["source"] == records[int(row["id"][2:])].source
    assert len({(row["program"]["source"], row["program"]["arguments"]) for row in rows}) == 60
    assert {(row["level"], row["constraint"], row["generator"]) for row in rows} == {(None, None, "file:fifty.py")}


def test_further_arguments_of_a_files_program_show_something_new(tmp_path: Path) -> None:
    """A program of few results gives no row for each of many arguments that do the same."""
    path = tmp_path / "one.py"
    path.write_text("def f(a, b, c):\n    return 'x' if a < b + c + 1000 else 'y'\n\n\nf(1, 2, 3)\n")
    made = ItemGenerator(DatasetConfig(programs_file=str(path), kinds=("input_prediction",))).items(range(1 + INPUTS_PER_PROGRAM))
    results = [row.result.text for item in made for row in item.tasks]
    assert results == ["'x'"] and "new" in str(made[-1].result.dropped)  # no mutation comes so far: nothing else to see
    path.write_text("def f(a, b, c):\n    return a + b + c\n\n\nf(1, 2, 3)\n")
    made = ItemGenerator(DatasetConfig(programs_file=str(path), kinds=("input_prediction",))).items(range(1 + INPUTS_PER_PROGRAM))
    results = [row.result.text for item in made for row in item.tasks]
    assert len(results) > 4 and len(set(results)) == len(results)


def test_levels_choose_among_the_programs_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    two = [
        {"code": "def f(s):\n    return s.upper().upper()", "input": "'a'"},
        {"code": "def f(s):\n    print(s)", "input": "'a'"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in two))
    build(tmp_path / "out", 3, DatasetConfig(programs_file=str(path), levels=(1,), kinds=("input_prediction",)))
    assert {row["constraint"] for row in rows_of(tmp_path / "out")} == {"level 1 with str.upper"}


# --------------------------------------------------------------------------------- the same rows, whatever happens


def test_workers_and_hash_seeds_decide_nothing(made: Path, tmp_path: Path) -> None:
    done = run_build("-o", str(tmp_path / "out"), "--size", str(SIZE), "--seed", "11", "--workers", "1", seed="77")
    assert done.returncode == 0, done.stderr
    assert without_makers(manifest_of(tmp_path / "out")) == without_makers(manifest_of(made))


def test_a_complete_dataset_is_left_alone(made: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    done = run("dataset", "build", "-o", str(made), "--size", str(SIZE), "--seed", "11")
    assert done.returncode == 0 and "is complete" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def processes_of(group: int) -> list[int]:
    """A process with all its descendants."""
    found = [group]
    for parent in found:  # grows as it goes
        for path in Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, path.read_text().split())
    return found


def wait_until_gone(pids: list[int]) -> list[int]:
    for _ in range(100):
        left = [pid for pid in pids if Path(f"/proc/{pid}").exists() and "Z" not in _state(pid)]
        if not left:
            return []
        time.sleep(0.05)
    return left


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def stopped(out: Path, chunks: int, how: signal.Signals, *words: str, python: str = sys.executable, seed: str = "0") -> str:
    """Starts a build and stops it when it has made so many chunks; nothing that it started is left. Returns what it said."""

    def there() -> int:
        return len(list((out / ".unfinished").glob("chunk-*.gz")))

    before = there()
    with subprocess.Popen(
        [python, "-m", "execverify", "dataset", "build", "-o", str(out), *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**HERE, "PYTHONHASHSEED": seed},
    ) as building:
        while building.poll() is None and there() < before + chunks:
            time.sleep(0.01)
        pids = processes_of(building.pid)
        building.send_signal(how)
        said = building.communicate(timeout=60)[1]
    assert wait_until_gone(pids) == []
    return said


def test_a_damaged_dataset_is_not_called_complete(made: Path, tmp_path: Path) -> None:
    for harm, said in ((Path.unlink, "is missing"), (lambda path: path.write_bytes(b"x"), "has changed")):
        copy = tmp_path / said.replace(" ", "-")
        shutil.copytree(made, copy)
        shard = next((copy / "data").glob("train-*.parquet"))
        harm(shard)
        with pytest.raises(DatasetError, match=f"is damaged: data/{shard.name} {said}; remove the folder"):
            build(copy, SIZE, DatasetConfig(seed=11))


def test_a_killed_build_goes_on_and_leaves_no_process_behind(made: Path, tmp_path: Path) -> None:
    words = ("--size", str(SIZE), "--seed", "11")
    out = tmp_path / "out"
    stopped(out, 1, signal.SIGKILL, *words, "--workers", "2")
    assert not (out / "manifest.json").exists()
    said = stopped(out, 1, signal.SIGINT, *words, "--workers", "1", seed="5")
    assert "Traceback" not in said and ("stopped" in said or (out / "manifest.json").exists())
    assert run_build("-o", str(out), *words, "--workers", "3").returncode == 0
    assert without_makers(manifest_of(out)) == without_makers(manifest_of(made))
    assert not (out / ".unfinished").exists()


def test_a_killed_process_of_a_build_is_replaced(made: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill_one(rows: int, ready: int) -> None:
        if not killed:
            victims = [
                pid for pid in processes_of(os.getpid()) if b"datasets.workers" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]
            os.kill(victims[0], signal.SIGKILL)
            killed.append(victims[0])

    build(tmp_path / "out", SIZE, DatasetConfig(seed=11), workers=2, progress=kill_one)
    assert killed
    assert without_makers(manifest_of(tmp_path / "out")) == without_makers(manifest_of(made))


def test_a_chunk_that_costs_three_processes_is_our_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_processes, "_START", "import os; os.kill(os.getpid(), 9) #{path}{fd}{parent}")
    with pytest.raises(SandboxError, match="died 3 times at items 0 to 63, last with SIGKILL: is there enough memory"):
        build(tmp_path / "out", 10, DatasetConfig(), workers=1)


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of another size that was killed after its first two chunks; each test takes a copy."""
    out = tmp_path_factory.mktemp("unfinished") / "out"
    stopped(out, 2, signal.SIGKILL, "--size", "5000", "--seed", "11", "--workers", "2")
    assert len(list((out / ".unfinished").glob("chunk-*.gz"))) >= 2
    return out


def test_an_unfinished_dataset_can_be_given_another_size(made: Path, unfinished: Path, tmp_path: Path) -> None:
    """Also where a chunk is not whole, which is made again."""
    out = Path(shutil.copytree(unfinished, tmp_path / "out"))
    torn = min((out / ".unfinished").glob("chunk-*.gz"))
    torn.write_bytes(torn.read_bytes()[:200])
    build(out, SIZE, DatasetConfig(seed=11), workers=2)
    assert manifest_of(out)["content_hash"] == manifest_of(made)["content_hash"]


PYTHONS = sorted(
    path for minor in ("11", "12", "13", "14") for path in (Path.home() / ".pyenv" / "versions").glob(f"3.{minor}.*/bin/python")
)


@pytest.mark.slow
@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parents[1].name)
def test_other_pythons_make_the_same_rows(made: Path, python: Path) -> None:
    script = (
        "import hashlib, execverify as ev; from execverify.datasets.chunks import canonical_line\n"
        f"rows = [canonical_line(ev.to_row(task)) for task in ev.generate_tasks({SIZE}, 11)]\n"
        "print(hashlib.sha256(b''.join(rows)).hexdigest())"
    )
    environment = {**HERE, "PYTHONPATH": str(Path(ev.__file__).parents[1]), "PYTHONHASHSEED": "123"}
    done = subprocess.run([str(python), "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == manifest_of(made)["content_hash"]


@pytest.mark.slow
def test_a_build_killed_again_and_again_gives_the_same_rows(tmp_path: Path) -> None:
    words, out = ("--size", "700", "--seed", "2"), tmp_path / "out"
    for turn in range(12):
        stopped(out, turn % 2, signal.SIGKILL, *words, "--workers", str(1 + turn % 3), seed=str(turn * 31))
    run_build("-o", str(out), *words)
    build(tmp_path / "calm", 700, DatasetConfig(seed=2), workers=2)
    assert without_makers(manifest_of(out)) == without_makers(manifest_of(tmp_path / "calm"))


# ------------------------------------------------------------------------------------------------- parts by themselves


def test_a_set_of_keys() -> None:
    seen, keys = HashSet(), [stable_hash(str(number)) for number in range(20_000)]
    assert all(seen.add(key) for key in [*keys, 0])
    assert not any(seen.add(key) for key in [*keys, 0])
    assert len(seen) == 20_001 and keys[5] in seen and stable_hash("none of them") not in seen


def test_a_split_follows_from_the_shape_alone() -> None:
    splits = Splits.parse("train=0.8,validation=0.1,test=0.1")
    found = [splits.of(str(number)) for number in range(5_000)]
    assert {name: round(found.count(name) / 5_000, 1) for name in splits.names} == {"train": 0.8, "validation": 0.1, "test": 0.1}
    same = [Program(f"def {name}({arg}):\n    return {arg} + {n}", name, "1") for name, arg, n in (("f", "a", 1), ("g", "b", 20))]
    assert len({splits.of(str(structure_hash(program))) for program in same}) == 1
    assert Splits.parse(str(splits)) == splits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train=0.5", "the shares of the splits train=0.5 add up to 0.5: make it 1"),
        ("train", "'train' is no split: write them like train=0.96,validation=0.02,test=0.02"),
        ("train=0.5,train=0.5", "a split is named twice in train=0.5,train=0.5: name each one once"),
        ("train=1,test=0", "the split 'test' has the share 0: give it more than 0, or leave it out"),
        ("a-b=1", "a split cannot be called 'a-b': use letters, digits and _"),
    ],
)
def test_what_is_no_split(text: str, said: str) -> None:
    with pytest.raises(DatasetError) as caught:
        Splits.parse(text)
    assert str(caught.value) == said


def test_a_harvest_takes_no_twins_and_no_more_than_asked() -> None:
    harvest = RowCollector(DatasetConfig(), 5)
    assert harvest.add(ItemResult(0, 2, keys=(1, 2))) == 2
    assert harvest.add(ItemResult(1, 2, keys=(1, 2))) == 0
    assert harvest.add(ItemResult(2, 2, keys=(3, 2))) == 0
    assert harvest.add(ItemResult(3, 0, dropped="why", refused={"because": 8})) == 0
    assert harvest.add(ItemResult(4, 4, keys=(4, 4))) == 3 and harvest.full
    assert dict(harvest.dropped) == {DUPLICATE_REASONS[0]: 1, DUPLICATE_REASONS[1]: 1, "why": 1}
    assert (harvest.items, harvest.rows, dict(harvest.refused)) == (5, 5, {"because": 8})


def test_a_harvest_without_end_is_given_up() -> None:
    harvest = RowCollector(DatasetConfig(levels=(1,), builtins=("str.upper",)), 100, patience=3)
    harvest.add(ItemResult(0, 1, keys=(1, 1)))
    with pytest.raises(NoMoreRows) as caught:
        for index in range(1, 4):
            harvest.add(ItemResult(index, 1, keys=(1, 1)))
    assert str(caught.value) == (
        "no more than 1 row can be made with level 1 with str.upper: the last 3 items gave none, most of them because it is an earlier "
        "program with other names; ask for --size 1 or less"
    )
    assert len(SAME_FROM_FILE) == 1


def test_levels_as_people_write_them() -> None:
    assert [levels_of(text) for text in ("1-6", "3", "1, 3", "2-4,6")] == [(1, 2, 3, 4, 5, 6), (3,), (1, 3), (2, 3, 4, 6)]


def test_chunks_are_whole_or_not_there(tmp_path: Path) -> None:
    chunks = ChunkStore(tmp_path)
    assert chunks.read(0) is None and not chunks.has(0)
    chunks.write(0, pack([]))
    assert list(chunks.read(0) or [1]) == [] and chunks.has(0)
    (tmp_path / "chunk-00000001.jsonl.gz").write_bytes(gzip.compress(b"x" * 9)[:-4])
    assert chunks.read(1) is None


# --------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "0"), "a dataset has at least one row: the size is 0, give 1 or more"),
        (("--size", "-4"), "a dataset has at least one row: the size is -4, give 1 or more"),
        (("--size", "5", "--levels", "7"), "there is no level 7: the levels are 1 to 6"),
        (("--size", "5", "--levels", "one"), "there is no level 'one': the levels are 1 to 6; write them like 1-6 or 1,3"),
        (("--size", "5", "--levels", "5-2"), "the levels '5-2' run backwards: write 2-5"),
        (("--size", "5", "--levels", ","), "no level is named: the levels are 1 to 6; write them like 1-6 or 1,3"),
        (("--size", "5", "--task-kinds", "whitebox"), "there is no kind 'whitebox': did you mean white_box"),
        (("--size", "5", "--task-kinds", ","), "a dataset needs a kind of rows: white_box or input_prediction"),
        (("--size", "5", "--builtins", "str.spilt"), "str.split"),
        (("--size", "5", "--inputs-per-program", "0"), "inputs_per_program must be 1 or more; it is 0"),
        (("--size", "5", "--max-questions", "-1"), "max_questions must be 0 or more; it is -1"),
        (("--size", "5", "--seed", "9" * 20), f"'--seed': {'9' * 20} is no seed: give an integer from -2^63 to 2^63-1"),
        (("--size", "5", "--steps", "9" * 20), f"steps must be {10**9} or less; it is {'9' * 20}"),
        (("--size", "5", "--timeout", "inf"), "'--timeout': inf is not in the range 0<x<=3600"),
        (("--size", "5", "--prompt-template", "brif"), "there is no template 'brif'"),
        (("--size", "5", "--programs", "no.jsonl"), "no.jsonl: no such file"),
        (("--size", "5", "--decontaminate", "no.jsonl"), "no.jsonl: no such file"),
        (
            ("--size", "5", "--programs", str(FIFTY), "--inputs-per-program", "2"),
            "inputs_per_program goes with synthesized programs",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_told_in_one_line_and_leaves_nothing(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run("dataset", "build", "-o", str(tmp_path / "out"), *words)
    assert done.returncode == 2
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "out").exists()


def test_a_report_that_is_missing_is_made_again(tmp_path: Path) -> None:
    build(tmp_path / "out", 5, DatasetConfig(), write_report=write_report)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    (tmp_path / "out" / "report.html").unlink()
    assert build(tmp_path / "out", 5, DatasetConfig(), write_report=write_report).was_complete
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8") == page


def test_the_report_is_written_by_whoever_is_handed_in(tmp_path: Path) -> None:
    """With the rows in place, before the manifest, and not again where it is there."""
    seen: list[tuple[list[str], int]] = []

    def write(out: Path, manifest: dict[str, Any]) -> None:
        seen.append((sorted(path.name for path in out.iterdir()), manifest["rows"]))
        (out / "report.html").write_text("mine")

    for _ in range(2):
        build(tmp_path / "out", 5, DatasetConfig(), write_report=write)
    assert seen == [([".unfinished", "data"], 5)]
    build(tmp_path / "none", 5, DatasetConfig())
    assert not (tmp_path / "none" / "report.html").exists()


@pytest.mark.parametrize(
    "manifest", ['{"shards": [], "settings": []}', '{"shards": 3, "settings": {}}', '{"shards": [{}], "settings": {}}']
)
def test_a_manifest_of_something_else(manifest: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    assert refused(tmp_path, 5, DatasetConfig()).endswith("is no manifest of a dataset: it names no shards or settings")


def test_unfinished_work_of_something_else(tmp_path: Path) -> None:
    (tmp_path / ".unfinished").mkdir()
    (tmp_path / ".unfinished" / "begun.json").write_text("[]")
    assert "begun.json is not of a dataset: remove" in refused(tmp_path, 5, DatasetConfig())


def test_a_full_disk_at_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    move = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "report.html":
            raise OSError(errno.ENOSPC, "No space left on device")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DatasetError, match="what was made is kept: make room and give the same command to go on"):
        build(tmp_path / "out", 5, DatasetConfig(), write_report=write_report)
    monkeypatch.undo()
    assert build(tmp_path / "out", 5, DatasetConfig(), write_report=write_report).manifest["rows"] == 5


def test_types_are_named_where_nothing_keeps_to_them(tmp_path: Path) -> None:
    recipe = DatasetConfig(levels=(1,), builtins=("str.isdigit",), value_types=("int", "list"))
    harvest = RowCollector(recipe, 5, 3)
    with pytest.raises(NoMoreRows, match=r"level 1 with str\.isdigit and the types int, list alone"):
        for index in range(3):
            harvest.add(ItemResult(index, refused={"it has values of other types": 8}, dropped="none"))


def refused(out: Path, size: int, recipe: DatasetConfig) -> str:
    with pytest.raises(ExecVerifyError) as caught:
        build(out, size, recipe)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_with_another_dataset_is_refused(made: Path) -> None:
    assert refused(made, SIZE, DatasetConfig(seed=12)) == (
        f"{made} holds another dataset (seed 11 there, 12 asked for): name another folder"
    )
    assert refused(made, SIZE + 1, DatasetConfig(seed=11)) == (
        f"{made} holds another dataset (size 150 there, 151 asked for): name another folder"
    )


def test_a_folder_with_an_unfinished_dataset_of_other_settings_is_refused(unfinished: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(unfinished, tmp_path / "out"))
    assert refused(out, 500, DatasetConfig(seed=2)) == (
        f"{out} holds an unfinished dataset of other settings (seed 11 there, 2 asked for): name another folder"
    )
    begun = out / ".unfinished" / "begun.json"
    begun.write_text(json.dumps({**json.loads(begun.read_text()), "maker": "another"}))
    assert refused(out, 500, DatasetConfig(seed=11)) == (
        f"{out} holds a dataset that another version of execverify began: remove {out / '.unfinished'}, or name another folder"
    )


def test_folders_that_are_none_of_ours_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert (
        refused(tmp_path, 5, DatasetConfig())
        == f"{tmp_path} holds other files, such as notes.txt: name a folder that is new or empty"
    )
    file = tmp_path / "notes.txt"
    assert refused(file, 5, DatasetConfig()) == f"{file} is a file: name a folder, new or empty"
    assert refused(tmp_path / "a" / "b", 5, DatasetConfig()) == f"{tmp_path / 'a'}: no such folder; make it first"
    (tmp_path / "manifest.json").write_text("{}")
    assert (
        refused(tmp_path, 5, DatasetConfig())
        == f"{tmp_path / 'manifest.json'} is no manifest of a dataset: it names no shards or settings"
    )
    assert refused(Path("/proc/out"), 5, DatasetConfig()).startswith("/proc/out could not be written: ")


def test_two_builds_in_one_folder_are_refused(tmp_path: Path) -> None:
    work = tmp_path / "out" / ".unfinished"
    work.mkdir(parents=True)
    with (work / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert refused(tmp_path / "out", 5, DatasetConfig()) == (
            f"another build is at work in {tmp_path / 'out'}: wait for it, or name another folder"
        )


def test_a_full_disk_is_told_and_what_was_made_is_kept(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def small_files() -> Iterator[int]:
        yield from (8_000, 60_000)  # too small for a chunk; enough for chunks, too small for a shard

    for most in small_files():
        done = subprocess.run(
            command("-o", str(out), "--size", str(SIZE), "--seed", "11"),
            capture_output=True,
            text=True,
            env=HERE,
            check=False,
            preexec_fn=functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most)),
        )
        assert done.returncode == 2
        assert done.stderr.strip().splitlines()[-1] == (
            f"execverify: {out} could not be written: File too large; what was made is kept: make room and give the same command "
            "to go on"
        ), done.stderr
        assert [path.name for path in out.iterdir()] == [".unfinished"]
        assert not list((out / ".unfinished").glob("*.part"))
    assert list((out / ".unfinished").glob("chunk-*.gz"))
    build(out, SIZE, DatasetConfig(seed=11), workers=2)
    assert without_makers(manifest_of(out)) == without_makers(manifest_of(made))


def test_a_constraint_that_no_program_can_keep(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def f(a):\n    return a\n\n\nf(1)\nf(2)\n")
    out = tmp_path / "out"
    recipe = DatasetConfig(levels=(6,), programs_file=str(tmp_path / "one.py"))
    assert refused(out, 5, recipe) == (
        f"no program keeps what was asked of {tmp_path / 'one.py'} (it keeps none of the constraints): ask for other levels, "
        "methods, types or kinds"
    )
    assert not out.exists()


def test_a_file_that_has_not_so_many_programs_says_how_many(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def f():\n    return [1]\n\n\nf()\n")
    out = tmp_path / "out"
    recipe = DatasetConfig(kinds=("input_prediction",), programs_file=str(tmp_path / "one.py"))
    assert refused(out, 5, recipe).startswith(
        f"no more than 1 row can be made with what was asked of {tmp_path / 'one.py'}: the last 256"
    )
    assert build(out, 1, recipe).manifest["rows"] == 1
