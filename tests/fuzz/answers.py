"""Fuzzes the whole way of a completion: `python tests/fuzz/answers.py --count 1000000 --seed 0 --workers 2`.

Half of the cases are answers about a run (white box, input prediction), half are code (`fuzz_code`). Completions are random text,
right answers that were damaged, spliced, stuffed or respelled, and the known attacks. Every one is scored, and the score is held
against a second judge, written here in another way: it finds the tags by a regular expression, and evaluates what CPython's own
parser and `eval` make of the literals, once a list of node types has let them pass. What must hold:

- `score` raises nothing, takes less than a second, and does not bring the interpreter down;
- no completion earns more than the second judge can justify; a right answer in another spelling earns everything;
- for input prediction, what would be run is our source with exactly the literals that were written (one in 400 runs);
- no part "could not be read", which is how an exception that nobody foresaw ends;
- every score can be logged: each chunk of scores is written to Parquet and JSON, and read back.

Case i is made from (seed, i) alone: `--first i --count 1` repeats it. Workers are processes that note the number of the
case they are at, so that a crash or a hang can be told by its case.
"""

import argparse
import ast
import json
import math
import mmap
import queue
import random
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

import execverify as ev
from execverify.cli.score import score_as_json
from execverify.rewards import Verdict
from execverify.rewards.score import grade_input, score
from execverify.rewards.trl import format_score
from tests.fuzz import code as fuzz_code
from tests.fuzz.completions import DAMAGE, respelled, tasks

SLOW = 1.0  # seconds that no call may take
SLOW_CODE = 2.0  # processor seconds that reading and judging code may take: of 100,000 characters, `bench/parsing.py`
HANGS = 30.0  # seconds after which a worker that does not move on is given up

# ------------------------------------------------------------------------------------------------------ the second judge

_TAG = re.compile(r"<(/?)answer>")
_BLANKS = "".join(map(chr, (9, 13, 32, 0xA0, 0x1680, *range(0x2000, 0x200E), 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF)))
_TICKS = re.compile(r"\A(``?)([^`]+)\1\Z")
_FENCE = re.compile(r"```|~~~+[ \t]*(?:\{?\.?py[\w.]*\}?|te?xt|plaintext|output)?[ \t]*\Z", re.IGNORECASE)
_NODES = (
    *(ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.Call, ast.Name, ast.Load),
    *(ast.USub, ast.UAdd, ast.Add, ast.Sub),
)
_BUILDERS = (set, frozenset, float, complex, range, bytearray, bytes)
_NAMES: dict[str, Any] = {"Ellipsis": ..., **{builder.__name__: builder for builder in _BUILDERS}}
_TAKES = {"set": (set, frozenset, list, tuple), "float": (str,), "complex": (int, float), "range": (int,), "bytes": (bytes,)}
_TAKES |= {"frozenset": _TAKES["set"], "bytearray": _TAKES["bytes"]}
_DEEPEST = 100


class Unreadable(Exception):
    """The second judge finds no literal there."""


class Call(NamedTuple):
    """`assert name(arguments) == result`, as the second judge reads it."""

    name: str
    positional: list[object]
    named: dict[str, object]
    result: object


def answer_lines(completion: str) -> list[str]:
    """The lines of the last answer."""
    start, inside = None, ""
    for tag in _TAG.finditer(completion):
        if not tag[1]:
            start = tag.end()
        elif start is not None:
            inside = completion[start : tag.start()]
    lines = (line.strip(_BLANKS) for line in re.split("\n", inside))
    lines = (_TICKS.sub(r"\2", line).strip(_BLANKS) for line in lines)
    return [line for line in lines if line and not _FENCE.match(line)]


def parsed(text: str, mode: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode=mode)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise Unreadable from None


def evaluated(node: ast.expr) -> object:
    """The value of a literal, by `eval`, after every node of it has been looked at."""
    _let_pass(node, 0)
    return _run(node)


def _run(node: ast.expr) -> object:
    try:
        return eval(compile(ast.Expression(node), "<judge>", "eval"), {"__builtins__": {}, **_NAMES})
    except (TypeError, ValueError, OverflowError, SyntaxError, RecursionError, MemoryError):
        raise Unreadable from None


def _let_pass(node: ast.AST, depth: int) -> None:
    """Raises Unreadable unless the tree is a literal, or one of the few calls that make a plain value."""
    if not isinstance(node, _NODES) or depth > _DEEPEST or (isinstance(node, ast.Name) and node.id != "Ellipsis"):
        raise Unreadable
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in _TAKES or node.keywords:
            raise Unreadable
        for part in node.args:
            _let_pass(part, depth + 1)
        if any(type(_run(part)) not in _TAKES[node.func.id] for part in node.args):
            raise Unreadable
        return
    if isinstance(node, ast.Dict) and None in node.keys:
        raise Unreadable
    if isinstance(node, ast.BinOp) and not (isinstance(node.right, ast.Constant) and type(node.right.value) is complex):
        raise Unreadable
    for child in ast.iter_child_nodes(node):
        _let_pass(child, depth + 1)
    signed = node.operand if isinstance(node, ast.UnaryOp) else node.left if isinstance(node, ast.BinOp) else None
    if signed is not None and type(_run(signed)) not in (int, float, complex):
        raise Unreadable


def read_call(line: str) -> Call:
    """The assertion, or Unreadable."""
    body = parsed(line, "exec").body
    match body:
        case [ast.Assert(ast.Compare(ast.Call(ast.Name(name), positional, keywords), [ast.Eq()], [right]), None)]:
            names = [keyword.arg for keyword in keywords]
            if None in names or len(set(names)) < len(names):
                raise Unreadable
            named = {str(keyword.arg): evaluated(keyword.value) for keyword in keywords}
            return Call(name, [evaluated(part) for part in positional], named, evaluated(right))
    raise Unreadable


def alike(left: Any, right: Any) -> bool:
    """Equal by type and content, all the way down."""
    if type(left) is not type(right):
        return False
    match left:
        case float():
            return (left != left and right != right) or (left == right and math.copysign(1, left) == math.copysign(1, right))
        case complex():  # the sign of a zero part depends on how it was written, and on the version of Python
            return all(a == b or (a != a and b != b) for a, b in ((left.real, right.real), (left.imag, right.imag)))
        case list() | tuple():
            return len(left) == len(right) and all(map(alike, left, right))
        case dict():
            return alike(set(left), set(right)) and all(alike(item, right[key]) for key, item in left.items())
        case set() | frozenset():
            found = {item: item for item in right}
            return len(left) == len(right) and all(item in found and alike(item, found[item]) for item in left)
    return bool(left == right)


def same_call(call: Call, task: ev.Task) -> bool:
    """Whether the right call of the task is asserted, with the right result."""
    right = truth(task)
    return alike(call.positional, right.positional) and alike(call.named, right.named) and same_result(call, task)


def same_result(call: Call, task: ev.Task) -> bool:
    return call.name == task.program.entry_point and alike(call.result, truth(task).result)


_truths: dict[str, Call] = {}


def truth(task: ev.Task) -> Call:
    if task.id not in _truths:
        _truths[task.id] = read_call(f"assert {task.program.call} == {task.result.text}")
    return _truths[task.id]


def is_state(line: str, answer: str) -> bool:
    line = re.sub(r"[;.]\Z", "", line).rstrip(_BLANKS)
    given = re.fullmatch(r"([\s\S]*);([^;]*)", line)
    if given is None or "Nil" in (line, answer):
        return line == answer == "Nil"
    text, kind = answer.rsplit("; ", 1)
    value = evaluated(parsed(given[1].strip(), "eval").body)
    return given[2].strip() == kind == type(value).__name__ and alike(value, evaluated(parsed(text, "eval").body))


def answers(line: str, question: ev.Question) -> bool:
    """Whether a line answers a question."""
    if line in question.answers:
        return True
    try:
        return question.kind == "variable_state" and any(is_state(line, answer) for answer in question.answers)
    except Unreadable:
        return False


def justified(task: ev.Task, completion: str) -> float:
    """The reward of a white-box answer, by the second judge."""
    lines = answer_lines(completion)
    try:
        if not lines or not same_call(read_call(lines[0]), task):
            return 0.0
    except Unreadable:
        return 0.0
    right = sum(map(answers, lines[1:], task.questions))
    return 1.0 + right / len(task.questions) if task.questions else 2.0


# -------------------------------------------------------------------------------------------------------------- the cases


class Found(AssertionError):
    """A case that must not be."""


@dataclass
class Tally:
    """What became of the cases.

    Attributes:
        rewards: how many completions earned nothing, something, everything.
        stricter: how many earned less than the second judge allows.
        logged: how many scores were written to Parquet and read back.
        slowest: seconds that the slowest took.
    """

    rewards: Counter[str] = field(default_factory=Counter)
    stricter: int = 0
    slowest: float = 0.0
    logged: int = 0

    def add(self, other: "Tally") -> None:
        self.rewards += other.rewards
        self.stricter += other.stricter
        self.logged += other.logged
        self.slowest = max(self.slowest, other.slowest)


def case(seed: int, number: int) -> tuple[ev.Task, str, bool]:
    """A task, a completion, and whether the completion is right whatever else it is."""
    rng = random.Random(f"{seed}:{number}")
    task = rng.choice(tasks())
    damage = rng.choice(DAMAGE)
    return task, damage(rng, task), damage is respelled


class Log:
    """Scores on their way to a file, as a training logs them."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, score: ev.Score) -> None:
        """Notes a score."""
        self.rows.append({**score_as_json(score), "graded": format_score(score)})

    def written(self) -> int:
        """Writes what was noted to a Parquet file and as JSON, and reads it again; how many there were."""
        rows, self.rows = self.rows, []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scores.parquet"
            pq.write_table(pa.Table.from_pylist(rows, schema=_LOGGED), path)
            if rows and pq.read_table(path).to_pylist() != rows:
                raise Found("scores are not read back as they were written")
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            path.write_text(lines, encoding="utf-8")
        return len(rows)


_PART = pa.struct(
    {"kind": pa.string(), "expected": pa.list_(pa.string()), "given": pa.string(), "verdict": pa.string(), "why": pa.string()}
)
_LOGGED = pa.schema({"reward": pa.float64(), "parts": pa.list_(_PART), "graded": pa.string()})


def check_code(seed: int, number: int, tally: Tally, log: Log) -> None:
    """Judges one code answer; raises Found where the score is not what it may be."""
    for attempt in range(4):
        rng = random.Random(f"{seed}:{number}")
        rng.random()
        score, fault, text, seconds = fuzz_code.judged(rng)
        if fault:
            raise Found(f"{fault}\n{text[:2_000]!r}")
        if seconds < SLOW_CODE:
            break
        if attempt == 3:
            raise Found(f"took {seconds:.1f} s\n{text[:2_000]!r}")
    tally.slowest = max(tally.slowest, seconds)
    log.add(score)
    sort = "everything" if (score.reward or 0) >= 1 else "something" if (score.reward or 0) > 0.05 else "nothing"
    tally.rewards[f"code earns {sort}"] += 1


def check(task: ev.Task, completion: str, right: bool, tally: Tally, log: Log | None = None) -> None:
    """Scores one completion; raises Found where the score is not what it may be."""
    reward, seconds = _scored(task, completion, log)
    for _ in range(3):
        if seconds > SLOW:
            seconds = min(seconds, _scored(task, completion)[1])
    tally.slowest = max(tally.slowest, seconds)
    if seconds > SLOW:
        raise Found(f"took {seconds:.1f} s")
    most = justified(task, completion) if task.kind == "white_box" else _justified_input(task, completion)
    if reward > most + 1e-9 or (right and reward < 2.0):
        raise Found(f"earns {reward}, and the second judge says {most}")
    tally.stricter += reward < most - 1e-9
    sort = "nothing" if reward == 0 else "everything" if reward == 2 else "something"
    tally.rewards[f"{task.kind} earns {sort}"] += 1


def _scored(task: ev.Task, completion: str, log: Log | None = None) -> tuple[float, float]:
    """The reward, and the seconds it took; for an input to be run, 0 once it is seen to be what was written."""
    start = time.perf_counter()
    judged = score(task, completion) if task.kind == "white_box" else grade_input(task, completion)
    reward = _checked_program(task, completion, judged) if isinstance(judged, ev.Program) else judged.reward
    seconds = time.perf_counter() - start
    if log is not None and isinstance(judged, ev.Program) and zlib.crc32(judged.arguments.encode()) % 400 == 0:
        judged = score(task, completion)  # runs it
        if judged.reward is None:
            raise Found("is called our failure")
    if isinstance(judged, ev.Score):
        unread = next((part.why for part in judged.parts if part.verdict == Verdict.UNREADABLE), None)
        if unread is not None:
            raise Found(unread)
        if log is not None:
            log.add(judged)
    if reward is None:
        raise Found("is called our failure")
    return reward, seconds


def _checked_program(task: ev.Task, completion: str, program: ev.Program) -> float:
    ours = (task.program.source, task.program.entry_point)
    written = read_call(answer_lines(completion)[0])
    run = read_call(f"assert {program.call} == 0")
    same = alike(written.positional, run.positional) and alike(written.named, run.named) and same_result(written, task)
    if (program.source, program.entry_point) != ours or not same:
        raise Found(f"would run {program.call}")
    return 0.0


def _justified_input(task: ev.Task, completion: str) -> float:
    lines = answer_lines(completion)
    try:
        return 2.0 if lines and same_call(read_call(lines[0]), task) else 0.0
    except Unreadable:
        return 0.0


def run_cases(
    seed: int, first: int, count: int, before: Callable[[int], None] = lambda number: None, *, code: bool = True
) -> Tally:
    """Checks cases in this process; raises Found for the first that must not be."""
    tally, log = Tally(), Log()
    for number in range(first, first + count):
        before(number)
        if number % 2 and code:
            try:
                check_code(seed, number, tally, log)
            except Exception as error:
                what = str(error) if isinstance(error, Found) else f"raises {error!r}"
                raise Found(f"case {number} of seed {seed}: code: {what}") from error
            continue
        task, completion, right = case(seed, number)
        try:
            check(task, completion, right, tally, log)
        except Exception as error:
            what = str(error) if isinstance(error, Found) else f"raises {error!r}"
            raise Found(f"case {number} of seed {seed}: task {task.assertion!r}: {what}\n{completion!r}") from error
    try:
        tally.logged += log.written()
    except (ValueError, pa.ArrowException) as error:
        raise Found(f"cases {first} to {first + count} of seed {seed} cannot be logged: {error!r}") from error
    return tally


# ------------------------------------------------------------------------------------------------------------ the workers

_CHUNK = 2_000


def work(seed: int, first: int, count: int, mark: Path) -> int:
    """A worker: notes each case in the file `mark` before it begins, and prints a line of JSON a chunk."""
    with mark.open("r+b") as file, mmap.mmap(file.fileno(), 8) as noted:
        for start in range(first, first + count, _CHUNK):
            try:
                size = min(_CHUNK, first + count - start)
                tally = run_cases(seed, start, size, lambda number: struct.pack_into("<q", noted, 0, number))
            except Found as found:
                print(json.dumps({"found": str(found)}), flush=True)
                return 1
            done = {
                "count": size,
                "rewards": tally.rewards,
                "stricter": tally.stricter,
                "slowest": tally.slowest,
                "logged": tally.logged,
            }
            print(json.dumps(done), flush=True)
    return 0


@dataclass
class Worker:
    """A worker as its parent sees it: from the number of the case that it noted last, a crash or a hang can be repeated."""

    process: "subprocess.Popen[str]"
    mark: Path
    seen: int = -1
    since: float = field(default_factory=time.monotonic)

    def at(self) -> int:
        """The case that it is at."""
        return int(struct.unpack("<q", self.mark.read_bytes())[0])

    def hangs(self) -> bool:
        """Whether it has been at the same case for too long."""
        if (at := self.at()) != self.seen:
            self.seen, self.since = at, time.monotonic()
        return time.monotonic() - self.since > HANGS


def start_worker(seed: int, first: int, count: int, folder: Path) -> Worker:
    mark = folder / f"{first}.mark"
    mark.write_bytes(struct.pack("<q", first))
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.answers",
        "--seed",
        str(seed),
        "--first",
        str(first),
        "--count",
        str(count),
        "--mark",
        str(mark),
    ]
    return Worker(subprocess.Popen(command, stdout=subprocess.PIPE, text=True), mark)


def watch(workers: list[Worker], total: int, seed: int) -> int:
    """Adds up what the workers print, until all are done or one has found something."""
    lines: queue.Queue[str] = queue.Queue()
    for worker in workers:
        threading.Thread(target=_read, args=(worker, lines), daemon=True).start()
    tally, done, began, told = Tally(), 0, time.monotonic(), 0.0
    while True:
        running = [worker for worker in workers if worker.process.poll() is None]
        try:
            said = json.loads(lines.get(timeout=1.0))
        except queue.Empty:
            said = {}
        if "found" in said:
            return _stop(workers, said["found"])
        if said:
            done += said["count"]
            tally.add(Tally(Counter(said["rewards"]), said["stricter"], said["slowest"], said["logged"]))
        for worker in workers:
            code = worker.process.poll()
            if code not in (None, 0, 1) or (code is None and worker.hangs()):
                what = "hung" if code is None else f"died ({code})"
                return _stop(workers, f"case {worker.at()} of seed {seed} {what}\n{case(seed, worker.at())[1]!r}")
        if time.monotonic() - told > 5 or not running:
            told = time.monotonic()
            print(f"{done:,} of {total:,}, {done / (told - began):,.0f}/s, slowest {tally.slowest:.3f} s", flush=True)
        if done >= total:
            break
        if not running and not said:
            return _stop(workers, "a worker ended before its time")
    _tell(tally)
    return 0


def _read(worker: Worker, lines: "queue.Queue[str]") -> None:
    assert worker.process.stdout is not None
    for line in worker.process.stdout:
        lines.put(line)


def _stop(workers: list[Worker], why: str) -> int:
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
    print(f"FOUND: {why}", flush=True)
    return 1


def _tell(tally: Tally) -> None:
    for reward, count in sorted(tally.rewards.items()):
        print(f"  {reward}: {count:,}")
    print(f"stricter than the second judge: {tally.stricter:,}; written to Parquet and read back: {tally.logged:,}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the scorer.")
    parser.add_argument("--count", type=int, default=100_000, help="how many cases")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--mark", type=Path, help=argparse.SUPPRESS)  # given to workers
    given = parser.parse_args()
    if given.mark:
        return work(given.seed, given.first, given.count, given.mark)
    share = -(-given.count // given.workers)
    starts = range(given.first, given.first + given.count, share)
    with tempfile.TemporaryDirectory() as folder:
        counts = [min(share, given.first + given.count - start) for start in starts]
        workers = [start_worker(given.seed, start, count, Path(folder)) for start, count in zip(starts, counts, strict=True)]
        return watch(workers, given.count, given.seed)


if __name__ == "__main__":
    sys.exit(main())
