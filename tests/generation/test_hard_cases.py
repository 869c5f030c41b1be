"""Odd characters, deep programs, programs that attack their own process, broken rows, kills in each stage, and a store in trouble."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.datasets import DatasetConfig, build, read_rows
from execverify.errors import ModelError
from execverify.generation.asker import Asker
from execverify.generation.build import build_with_model
from execverify.generation.failures import failure_records
from execverify.generation.parse import parse_program
from execverify.generation.programs import SynthesisConfig, ask_programs, check_programs, execute_programs, program_records
from execverify.generation.rows import Record, run_stages
from execverify.generation.store import Answer, RequestStore
from execverify.generation.teach import TeachingConfig, teach_rows
from execverify.models import Request, Sampling, load
from execverify.models.mock import MockModel
from execverify.programs.fingerprint import structure_hash
from execverify.programs.program import Program
from execverify.questions.rows import from_row
from tests.helpers.command import jsonl, run
from tests.helpers.faulty_openai_server import Handler, Misbehaving, misbehaving
from tests.helpers.writing_server import asked, say, scripted

BARE = "def f(s):\n    t = s.upper()\n    return t.upper()\n"
UPPER = DatasetConfig(levels=(1,), builtins=("str.upper",))
RUN = SynthesisConfig(checks="run")


def block(source: str, call: str = "f('ab')") -> str:
    return f"```python\n{source}\n{call}\n```"


def checked(*answers: str) -> list[Record]:
    records = program_records(UPPER, range(len(answers)))
    completed = [{**record, "completion": text, "cut_off": False} for record, text in zip(records, answers, strict=True)]
    return check_programs(completed)


# ------------------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    "expression",
    [
        "x" + "+x" * 900, "x" + ".a" * 900, "x" + "()" * 900, "x" + "[0]" * 900, "not " * 900 + "x", "lambda: " * 500 + "x",
        "1 if x else " * 500 + "x", "[" * 150 + "x" + "]" * 150,
    ],
)  # fmt: skip
def test_a_deep_program_ends_no_batch(expression: str) -> None:
    good, deep, after = checked(block(BARE), block(f"def f(x):\n    return {expression}", "f(1)"), block(BARE))
    assert (good["stage"], after["stage"]) == ("", "")
    assert deep["stage"] == "parsed"


def test_long_chains_of_conditions_end_no_batch() -> None:
    chain = "def f(x):\n    if x == 0:\n        return 0\n" + "".join(
        f"    elif x == {n}:\n        return {n}\n" for n in range(1, 900)
    )
    (record,) = checked(block(f"{chain}    return 1", "f(3)"))
    assert (record["stage"], record["reason"]) == ("parsed", "the program cannot be used")
    assert "nested more than" in record["detail"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (block(BARE).replace("\n", "\r\n"), ""),
        (block(BARE).replace("\n", "\r"), ""),
        (block(BARE.replace("    ", "\t")), ""),
        ("\ufeff" + block("\ufeff" + BARE), ""),
        (block(BARE, "f('a\\x00b')"), ""),
        (block(BARE, "f('a\\ud800')"), ""),
        (block(BARE, "f('a\u2028b\x85')"), ""),
        (block(BARE.replace(" = ", " = \x00")), "the code is not Python"),
        (block(BARE, "f('a\ud800')"), "the code is not Python"),
        (block(BARE.replace("    return", "\treturn")), "the code is not Python"),
        (block(BARE.replace("    ", "\u00a0")), "the code is not Python"),
        (block(BARE, f"f({'9' * 5000})"), "the code is not Python"),
        ("kept its constraint: 1 program (100%)\nnew: 1 program", "the answer has no code"),
    ],
)
def test_odd_characters(answer: str, reason: str) -> None:
    (record,) = checked(answer)
    assert (record["stage"], record["reason"]) == ("parsed" if reason else "", reason)
    if not reason:
        (made,) = execute_programs([record], UPPER, RUN, "chat:m")
        assert made["stage"] == ""
        task = from_row(json.loads(made["rows"][0]))
        assert ev.trace(task.program).result.value == task.result
        assert ev.score(task, task.gold).reward == 2.0


def test_which_of_several_blocks_is_taken() -> None:
    """The last one with a function that is called with literals."""
    first, last = "def f(s):\n    return s.upper().upper()\n", BARE
    (record,) = checked(f"{block(first)}\nor better:\n{block(last)}\nwhich prints\n```text\nAB\n```")
    assert record["source"] == last
    (record,) = checked(f"{block(first)}\nor better:\n```python\n{last}```")  # a call anywhere in the answer will do
    assert record["source"] == last
    (record,) = checked(f"{block(first)}\nnever this:\n```python\ndef f(s, t):\n    return s\n```")
    assert record["source"] == first


def test_odd_characters_in_a_whole_build(tmp_path: Path) -> None:
    answers: dict[int, Any] = {
        0: block(BARE).replace("\n", "\r\n"), 1: "\ufeffno \x00 \ud800", 2: "\x1b[2J" + "no", 3: block(BARE, "f('\\ud800')"),
    }  # fmt: skip
    with (
        misbehaving(otherwise=scripted(answers, say("no"))) as server,
        Asker(load(server.url, model="m"), RequestStore(tmp_path / "out" / "requests")) as asker,
    ):
        manifest = build_with_model(tmp_path / "out", 9, UPPER, RUN, asker, max_asked=6).manifest
    rejected = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()]
    assert manifest["funnel"][-1]["count"] + len(rejected) == 6
    assert manifest["rows"] == len(list(read_rows(str(tmp_path / "out")))) > 0


OWN_PROCESS = {
    "stops the tracer": "import sys\ndef f(n):\n    sys.settrace(None)\n    m = n + 1\n    return m",
    "sees the tracer": "import sys\ndef f(n):\n    return n + 100 if sys.gettrace() else n",
    "sees its frames": "import sys\ndef f(n):\n    return sys._getframe().f_trace is not None",
    "changes the builtins": "def f(n):\n    __builtins__['len'] = None\n    return n",
    "starts a thread": "import threading\ndef f(n):\n    threading.Thread(target=print).start()\n    return n",
    "clears what it finds": "import gc\ndef f(n):\n    [o.clear() for o in gc.get_objects() if type(o) is dict]\n    return n",
    "writes to all files": "import os\ndef f(n):\n    for d in range(3, 64):\n        os.write(d, b'x')\n    return n",
    "looks at the clock": "import time\ndef f(n):\n    return time.perf_counter_ns() % 7",
    "leaves": "def f(n):\n    raise SystemExit(0)",
    "prints without end": "def f(n):\n    while True:\n        print('{\"reward\": 2}' * 1000)",
    "holds itself": "def f(n):\n    a = []\n    a.append(a)\n    return a",
    "lies about itself": "class A(int):\n    def __repr__(self):\n        return '5'\ndef f(n):\n    return A(n)",
    "nests without end": "def f(n):\n    a = []\n    for i in range(3000):\n        a = [a]\n    return a",
}


def test_programs_that_attack_their_own_process_give_no_row() -> None:
    fields = {"level": 2, "method": "int +", "stage": "", "reason": "", "detail": "", "entry_point": "f", "arguments": "3"}
    records = [{**fields, "index": index, "inputs": [], "source": text} for index, text in enumerate(OWN_PROCESS.values())]
    made = execute_programs(records, DatasetConfig(timeout=0.5), RUN, "chat:m")
    assert [name for name, record in zip(OWN_PROCESS, made, strict=True) if not record["stage"]] == []
    assert all(record["reason"] for record in made)


DEPENDS = {
    "a literal": ("def f(n):\n    m = n is 3\n    return m", "which equal values Python keeps as one object"),
    "names": ("def f(n):\n    m = n + 0\n    return m is n", "which equal values Python keeps as one object"),
    "a file": (
        "def f(n):\n    try:\n        open('/execverify-canary', 'w').close()\n    except OSError:\n        return -1\n    return n",
        "what is outside of its folder, or what the sandbox refuses",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DEPENDS)
def test_the_funnel_says_on_what_a_program_depends(name: str) -> None:
    source, what = DEPENDS[name]
    fields = {"level": 2, "method": "int +", "stage": "", "reason": "", "detail": "", "entry_point": "f", "arguments": "3"}
    (made,) = execute_programs([{**fields, "index": 0, "inputs": [], "source": source}], DatasetConfig(), RUN, "chat:m")
    assert (made["stage"], made["reason"]) == ("deterministic", f"its run: nondeterministic: it depends on {what}")


@pytest.mark.parametrize(
    ("level", "method", "of_type"), [(1, "str.upper", 4), (1, "bool not", 2), (2, "int +", 4), (6, "len", 4)]
)
def test_the_nearest_examples_are_of_the_same_type(level: int, method: str, of_type: int, tmp_path: Path) -> None:
    seen: list[Request] = []
    record = {"index": 0, "level": level, "method": method, "stage": ""}

    def answer(request: Request) -> str:
        seen.append(request)
        return "no"

    with Asker(MockModel("m", answer), RequestStore(tmp_path)) as asker:
        ask_programs([record], asker, SynthesisConfig(examples=4))
    turns = [message["content"] for message in seen[0].messages if message["role"] == "user"]
    wanted = [turn[turn.rindex("Type: ") :].splitlines() for turn in turns]
    assert all(lines[2].startswith(f"Constraint (level {level} of 6)") for lines in wanted)
    assert len({lines[1] for lines in wanted}) == 5  # no method twice, nor the one that is asked for
    same = [lines[0] == wanted[4][0] for lines in wanted[:4]]
    assert same[4 - of_type :] == [True] * of_type


def test_examples_are_earlier_turns_and_copies_of_them_no_programs(tmp_path: Path) -> None:
    with misbehaving(otherwise=say(block(BARE))) as server:
        with Asker(load(server.url, model="m"), RequestStore(tmp_path)) as asker:
            (record,) = ask_programs(program_records(UPPER, [0]), asker, SynthesisConfig(examples=2))
        ((_, body, _),) = server.calls
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert "Rules:" in body["messages"][0]["content"]
    assert body["messages"][4]["content"].startswith("Type: type `str`\nMethod: `str.upper`")
    assert "str.upper" not in body["messages"][2]["content"]
    for message in body["messages"][1:4:2]:
        shown = parse_program(message["content"])
        assert isinstance(shown, Program)
        assert structure_hash(shown) in record["shown"]
    (kept,) = check_programs([record])
    assert kept["stage"] == ""
    renamed = Program("def f(a):\n    b = a.upper()\n    return b.upper()\n", arguments="'xy'")
    (copied,) = check_programs([{**record, "shown": [structure_hash(renamed)]}])
    assert (copied["stage"], copied["reason"]) == ("new", "it is an example of the prompt")


# ---------------------------------------------------------------------------------------------------------------- rows


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    out = tmp_path_factory.mktemp("rows") / "data"
    build(out, 5, DatasetConfig(seed=5, max_questions=2))
    return [dict(row) for row in read_rows(str(out))]


BREAKS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "no prompt": lambda row: {**row, "prompt": []},
    "a text as prompt": lambda row: {**row, "prompt": "hello"},
    "a prompt without roles": lambda row: {**row, "prompt": [{"content": 5}]},
    "a program that is none": lambda row: {**row, "program": {**row["program"], "source": "def f(:"}},
    "an unknown kind": lambda row: {**row, "kind": "nonsense", "level": "high"},
    "an unknown question": lambda row: {**row, "kind": "white_box", "questions": [{"kind": "x"}]},
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_row_ends_no_batch(name: str, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    given = [*rows[:2], BREAKS[name](rows[2]), *rows[3:]]

    def work(records: list[Record]) -> list[Record]:
        assert failure_records([record for record in records if record["stage"]])
        with Asker(load("mock:empty"), RequestStore(tmp_path)) as asker:
            return teach_rows(records, asker, TeachingConfig(tries=1), lambda pairs: [True] * len(pairs))

    records = list(run_stages(given, work, concurrency=1))
    assert [record["stage"] for record in records] == ["", "", "asked", "", ""]
    assert records[2]["reason"] in ("the row has no prompt", "the row cannot be used")


def test_a_broken_row_by_command(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    source = jsonl(tmp_path / "rows.jsonl", *rows[:2], BREAKS["a program that is none"](rows[2]), *rows[3:])
    out = tmp_path / "out.jsonl"
    done = run("dataset", "difficulty", source, "-o", str(out), "--samples", "1", "--model", "mock:empty")
    assert done.returncode == 0, done.stderr
    assert len(out.read_text().splitlines()) == 4
    (dropped,) = [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").read_text().splitlines()]
    assert (dropped["stage"], dropped["reason"]) == ("asked", "the row cannot be used")
    assert "not Python" in dropped["detail"]
    funnel = json.loads((tmp_path / "out.funnel.json").read_text())["funnel"]
    assert [one["count"] for one in funnel if one["unit"] == "rows"][-4:] == [4, 4, 4, 4]


# --------------------------------------------------------------------------------------------------------------- kills


def killed_and_resumed(command: Callable[[str], list[str]], server: Misbehaving, tmp_path: Path, kills: tuple[int, ...]) -> None:
    """Runs a command that is killed some times, and one that is not, and compares what they wrote and asked."""
    for calls in kills:
        before = len(server.calls)
        with subprocess.Popen(command("killed"), stderr=subprocess.DEVNULL, start_new_session=True) as running:
            while running.poll() is None and len(server.calls) < before + calls:
                time.sleep(0.005)
            os.killpg(running.pid, signal.SIGKILL)
        assert not (tmp_path / "killed.jsonl").exists()
    done = subprocess.run(command("killed"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sent, different = len(server.calls), len(asked(server))
    assert sent - different <= len(kills) * 4  # what was under way at a kill
    assert subprocess.run(command("whole"), capture_output=True).returncode == 0
    assert len(server.calls) - sent == different
    for ending in (".jsonl", ".rejected.jsonl", ".funnel.json"):
        assert (tmp_path / f"killed{ending}").read_bytes() == (tmp_path / f"whole{ending}").read_bytes()


def words(server: Misbehaving) -> tuple[str, ...]:
    return ("--model", server.url, "--model-arg", "model=m", "--concurrency", "4")


def test_teaching_killed_and_resumed(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    source = jsonl(tmp_path / "rows.jsonl", *rows)
    golds = {row["prompt"][0]["content"]: (at, from_row(row).gold) for at, row in enumerate(rows)}

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(0.05)
        at, gold = golds[body["messages"][0]["content"]]
        say(gold if body["seed"] >= at else "no")(handler, body)

    with misbehaving(otherwise=behave) as server:

        def command(name: str) -> list[str]:
            return [
                sys.executable, "-m", "execverify", "dataset", "add-cot", source, "-o", str(tmp_path / f"{name}.jsonl"), "--tries", "4",
                *words(server),
            ]  # fmt: skip

        killed_and_resumed(command, server, tmp_path, (2, 6))


def test_failures_killed_and_resumed(tmp_path: Path) -> None:
    right = "def double(n):\n    return n * 2"
    tests = [
        {"kind": "unit_test", "line": 0, "visit": 0, "variable": None, "text": str(n), "answers": [str(2 * n)]} for n in (0, 4, 5)
    ]
    row = {"version": 2, "kind": "code_generation", "questions": tests, "split": "train", "seed": 0}
    row["program"] = {"source": right, "entry_point": "double", "arguments": "0", "result": "0"}
    prompts = [[{"role": "user", "content": f"double, please ({n})"}] for n in range(4)]
    source = jsonl(tmp_path / "rows.jsonl", *({**row, "id": f"p{n}", "prompt": prompt} for n, prompt in enumerate(prompts)))

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(0.05)
        wrong = f"def double(n):\n    total = 0\n    for i in range(n):\n        total += i * {body['seed']}\n    return total"
        say(f"<reasoning>x</reasoning>\n<answer>\n```python\n{wrong}\n```\n</answer>")(handler, body)

    with misbehaving(otherwise=behave) as server:

        def command(name: str) -> list[str]:
            return [
                sys.executable, "-m", "execverify", "dataset", "from-failures", source, "-o", str(tmp_path / f"{name}.jsonl"),
                "--samples", "4", *words(server),
            ]  # fmt: skip

        killed_and_resumed(command, server, tmp_path, (3, 8))
    assert len((tmp_path / "whole.jsonl").read_text().splitlines()) == 4


# --------------------------------------------------------------------------------------------------------------- store

WRITER = """
import sys
from execverify.generation.store import Answer, RequestStore
from execverify.models import Request, Sampling
store = RequestStore(sys.argv[1])
for n in range(150):
    request = Request("", ({"role": "user", "content": f"{n % 7}"},), n)
    store.put(f"shared {n}", "m", request, Sampling(), Answer(f"by {sys.argv[2]}", "stop", 1, 2, False))
    store.put(f"own {sys.argv[2]} {n}", "m", request, Sampling(), Answer("x", "stop", 1, 2, False))
store.close()
"""


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in ("a", "b")]
    assert [one.wait() for one in running] == [0, 0]
    store = RequestStore(tmp_path)
    assert store.totals().answers == 150 + 2 * 150
    store.close()


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RequestStore(tmp_path)
    request = Request("", ({"role": "user", "content": "x"},), 0)
    store.put("first", "m", request, Sampling(), Answer("kept"))

    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("execverify.generation.store._insert", full)
        with pytest.raises(ModelError, match=r"local.sqlite cannot be .* \(database or disk is full\): free the disk"):
            store.put("second", "m", request, Sampling(), Answer("lost"))
        with (
            pytest.raises(ModelError, match="disk is full"),
            Asker(load("mock:empty"), RequestStore(tmp_path)) as asker,
        ):
            asker.ask([request] * 3, Sampling())
    store.put("second", "m", request, Sampling(), Answer("kept too"))
    assert sorted(store.get_many(["first", "second"])) == ["first", "second"]
    store.close()


def test_a_store_that_was_damaged_is_one_line(tmp_path: Path) -> None:
    store = RequestStore(tmp_path)
    for n in range(300):
        request = Request("", ({"role": "user", "content": f"{n} " * 200},), n)
        store.put(f"key {n}", "m", request, Sampling(), Answer("word " * 200))
    store.close()
    path = tmp_path / "local.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(ModelError, match="cannot be used as a store of requests"):
        Asker(load("mock:empty"), RequestStore(tmp_path))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cannot be used as a store of requests"):
        Asker(load("mock:empty"), RequestStore(tmp_path))


@pytest.mark.parametrize("name", ["local", "other"])
@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT)", "is a store of requests of another version: move it away"),
        ("UPDATE answers SET completion = '{'", r"cannot be used as a store of requests \(Expecting property name"),
        ("UPDATE answers SET prompt_tokens = 'many'", r"cannot be used as a store of requests \(invalid literal"),
    ],
    ids=["another version", "no text", "no number"],
)
def test_a_store_with_other_content_is_one_line(name: str, statement: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.sqlite"
    if statement.startswith("UPDATE"):
        store = RequestStore(tmp_path, name)
        store.put("key", "m", Request("", ({"role": "user", "content": "x"},), 0), Sampling(), Answer("text"))
        store.close()
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute(statement)
    with pytest.raises(ModelError, match=rf"{name}\.sqlite {why}"), contextlib.closing(RequestStore(tmp_path)) as opened:
        opened.get_many(["key"])


def test_a_file_that_another_process_has_just_made_has_no_answers(tmp_path: Path) -> None:
    (tmp_path / "other.sqlite").touch()
    with contextlib.closing(RequestStore(tmp_path)) as store:
        assert store.totals().answers == 0 and store.get_many(["key"]) == {}


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"file is no folder that can be made or read \(File exists\): name another one"):
        RequestStore(tmp_path / "file")


def test_the_prompt_for_inputs_is_the_same_in_each_process() -> None:
    code = (
        "from execverify.generation.prompts import input_messages; from execverify.programs.program import Program; "
        "print(input_messages(Program('def f(a, b):\\n    return a', 'f', \"{'x', 'y', 'z', 'w'}, b={'p': {'q', 'r', 's'}}\"), 5))"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in "1234"
    }
    assert len(made) == 1
