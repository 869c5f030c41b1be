"""How a command ends and what it prints: lazily loaded verbs, hostile texts, wrong input of every kind, signals, progress."""

import ast
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from rich.table import Table
from rich.text import Text as PlainText

from execverify.cli import app as cli
from execverify.cli import progress, terminal
from execverify.cli.app import DATASET_VERBS, VERBS, _status, stopped
from execverify.cli.common import Seed
from execverify.cli.progress import Progress
from execverify.cli.terminal import SafeConsole, Text
from tests.helpers import reval_data

COMMANDS = Path(cli.__file__).parent
GOOD = {"code": "def f(n):\n    while n > 4:\n        n -= 3\n    return [n]", "input": "9", "output": "[3]", "id": "good"}
HOSTILE = "\x1b]0;owned\x07\x1b[2J[/x][red]:smile:\u202e\x9b31m"


def command(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "execverify", *words], capture_output=True, text=True, timeout=120, check=False, **more
    )


Ended = tuple[int, str, str]


@pytest.fixture
def end(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs a command in this process and in an empty folder; its status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal.stdout, "_width", 200)

    def ended(*words: str) -> Ended:
        capfd.readouterr()
        status = _status(list(words))
        out, err = capfd.readouterr()
        return status, out, err

    return ended


def names(folder: str | Path = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def jsonl(name: str, *rows: Any) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return name


# ---------------------------------------------------------------------------------------------------- loaded lazily


def test_the_table_of_verbs_is_what_the_verbs_are() -> None:
    for prefix, verbs in (("", VERBS), ("dataset_", DATASET_VERBS)):
        for name, (module, about) in verbs.items():
            assert about and not about.startswith(" ") and len(about) < 80
            if module:
                verb = getattr(importlib.import_module(f"execverify.cli.{module}"), f"{prefix}{name.replace('-', '_')}_command")
                assert isinstance(verb, click.Command) and verb.name == name


@pytest.mark.parametrize(
    ("environment", "words", "said"),
    [
        ({}, ["--version"], "execverify, version"),
        ({}, ["--help"], "dataset"),
        ({"_EXECVERIFY_COMPLETE": "bash_complete", "COMP_WORDS": "execverify e", "COMP_CWORD": "1"}, [], "plain,evaluate"),
    ],
)
def test_nothing_heavy_is_loaded_before_a_verb(environment: dict[str, str], words: list[str], said: str) -> None:
    """What costs time is named, since seconds depend on the machine: no room but errors and utils, no rich, no asyncio."""
    code = (
        "import sys, atexit; atexit.register(lambda: print('LOADED', *sorted(sys.modules))); sys.argv[0] = 'execverify';"
        "from execverify.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env={**os.environ, **environment}, timeout=60
    )
    assert said in done.stdout, done.stderr
    loaded = set(done.stdout.split("LOADED", 1)[1].split())
    ours = {name.split(".")[1] for name in loaded if name.startswith("execverify.")}
    assert ours == {"cli", "errors", "utils"}
    assert not {"rich", "asyncio", "pyarrow", "multiprocessing"} & loaded


def test_importing_the_library_loads_no_room() -> None:
    code = "import sys, execverify; print(*sorted(name for name in sys.modules if name.startswith('execverify')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["execverify", "execverify.errors"]


def test_alone_it_shows_its_help_on_lines_of_their_own() -> None:
    done = command()
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) > 15 and "execverify: " not in done.stderr


# ------------------------------------------------------------------------------------------------ printed in one place


def test_verbs_print_through_one_place() -> None:
    """No verb calls `print` or `click.echo`, or makes a console: only so is every text made safe."""
    for path in COMMANDS.glob("*.py"):
        if path.name in ("terminal.py", "app.py", "__init__.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert name not in ("print", "click.echo", "click.secho", "Console", "sys.stdout.write"), (path, ast.unparse(node))


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_text_is_never_markup_nor_acted_on(is_terminal: bool, capsys: pytest.CaptureFixture[str]) -> None:
    screen = SafeConsole(force_terminal=is_terminal, color_system="standard" if is_terminal else None, width=200)
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(Text(HOSTILE, style="red"))
    screen.print(HOSTILE, Text(HOSTILE), PlainText(HOSTILE), table)
    screen.print(PlainText("\ud800"))
    printed = capsys.readouterr().out
    assert printed.count("[/x][red]:smile:") == 7 and r"\ud800" in printed
    left = re.sub(r"\x1b\[[\d;]*m", "", printed) if is_terminal else printed  # our own colours
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", left)


@pytest.mark.parametrize("verb", [("trace",), ("ask",), ("dataset", "from-programs", "-o", "o.jsonl")])
def test_hostile_names_and_programs_are_shown_as_they_are(verb: tuple[str, ...], end: Callable[..., Ended]) -> None:
    code = f'def f(s):\n    t = s + {HOSTILE!r}\n    return "[/x]" + t'
    row = {"code": code, "input": repr(HOSTILE), "id": HOSTILE}
    bad = {"code": "def f(:", "input": "", "id": HOSTILE + "2"}
    status, out, err = end(*verb, jsonl(f"p{HOSTILE.replace('/', '')}.jsonl", row, bad))
    assert status == (0 if verb[0] == "dataset" else 2), err
    assert "Traceback" not in err and "[/x]" in out + err
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", out + err)


# ---------------------------------------------------------------------------------------------------------- wrong input

READERS: dict[str, Callable[[str], list[str]]] = {
    "trace": lambda file: ["trace", file],
    "ask": lambda file: ["ask", file],
    "rows": lambda file: ["dataset", "from-programs", file, "-o", "out.jsonl"],
    "rows to Parquet": lambda file: ["dataset", "from-programs", file, "-o", "out.parquet"],
    "code-rows": lambda file: ["dataset", "import", file, "-o", "out.jsonl"],
    "build --from": lambda file: ["dataset", "build", "-o", "out", "--size", "3", "--programs", file, "--workers", "1"],
    "build --exclude": lambda file: ["dataset", "build", "-o", "out", "--size", "3", "--decontaminate", file, "--workers", "1"],
    "chains": lambda file: ["dataset", "add-cot", file, "-o", "out.jsonl"],
    "score": lambda file: ["score", file, file],
    "validate": lambda file: ["dataset", "validate", file],
    "stats": lambda file: ["dataset", "stats", file],
    "report": lambda file: ["dataset", "report", file],
    "export": lambda file: ["dataset", "export", file, "-o", "out"],
    "evaluate --data": lambda file: ["evaluate", "cruxeval-o", "--model", "mock:gold", "--data", file],
    "evaluate recorded": lambda file: ["evaluate", "cruxeval-o", "--model", f"replay:{file}", "--data", "good.jsonl"],
    "evaluate --style": lambda file: [
        "evaluate",
        "cruxeval-o",
        "--model",
        "mock:gold",
        "--data",
        "good.jsonl",
        "--prompt-template",
        file,
    ],
    "compare": lambda file: ["compare", file, file],
    "train": lambda file: ["train", "sft", "--preset", file],
    "experiment": lambda file: ["ablate", "--preset", file],
    "a template": lambda file: ["dataset", "from-programs", "good.jsonl", "-o", "out.jsonl", "--prompt-template", file],
}
"""Every option and argument that names a file or folder to be read."""

WRONG: dict[str, bytes | None] = {
    "missing.jsonl": None,
    "folder": None,
    "empty": b"",
    "empty.jsonl": b"",
    "empty.parquet": b"",
    "bytes.jsonl": bytes(range(256)) * 20,
    "bytes.parquet": b"PAR1" + bytes(range(256)) * 20,
    "huge.jsonl": b'{"code": "' + b"x" * 3_000_000 + b'", "input": ""}\n',
    "cut.jsonl": b'{"code": \n',
    "columns.jsonl": b'{"a": 1}\n',
    "null.jsonl": b"null\n",
    "kinds.jsonl": b'{"kind": "white_box", "program": null}\n{"kind": 5, "program": {}}\n',
    "deep.jsonl": b"[" * 100_000,
    "torn.jsonl.gz": b"\x1f\x8b\x08\x00",
    "\x1b[31m[x].jsonl": b"{",
    "n" * 300: None,
}


@pytest.mark.parametrize("reader", READERS)
def test_wrong_files_are_one_line_and_leave_nothing(reader: str, end: Callable[..., Ended]) -> None:
    jsonl("good.jsonl", GOOD)
    Path("folder").mkdir()
    for name, data in WRONG.items():
        if data is not None:
            Path(name).write_bytes(data)
    before = names()
    for name in WRONG:
        status, out, err = end(*READERS[reader](name))
        said = err.strip().splitlines()
        assert status == 2, (name, status, err)
        assert said[-1].startswith("execverify: ") and "Traceback" not in err and "\x1b" not in out + err, (name, err)
        assert len(said[-1]) < 1_500
        assert names() == before, name


@pytest.mark.parametrize(
    "words",
    [
        ["dataset", "from-programs", "good.jsonl", "-o", "o.jsonl", "--timeout", "nan"],
        ["dataset", "from-programs", "good.jsonl", "-o", "o.jsonl", "--timeout", "inf"],
        ["dataset", "from-programs", "good.jsonl", "-o", "o.jsonl", "--seed", "9" * 30],
        ["dataset", "from-programs", "good.jsonl", "-o", "no/o.jsonl"],
        ["dataset", "from-programs", "good.jsonl", "-o", "/proc/o.jsonl"],
        ["dataset", "from-programs", "good.jsonl", "-o", "good.jsonl/o.jsonl"],
        ["dataset", "add-cot", "good.jsonl", "-o", "no/o.jsonl"],
        ["dataset", "import", "good.jsonl", "-o", "no/o.jsonl"],
        ["score", "good.jsonl", "good.jsonl", "--alpha", "nan"],
        ["score", "-", "-"],
        ["dataset", "export", "good.jsonl", "-o", "good.jsonl"],
        ["dataset", "build", "-o", "good.jsonl", "--size", "3"],
        ["dataset", "build", "-o", "/proc/out", "--size", "3"],
        ["evaluate", "heldout", "--model", "mock:gold", "--output", "good.jsonl"],
        ["evaluate", "heldout", "--model", "http://127.0.0.1:1/v1?code=S3CRET"],
        ["evaluate", "heldout", "--model", "http://me:S3CRET@127.0.0.1:99999/v1"],
        ["bulid", "out"],
        ["build"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_wrong_options_and_outputs_are_one_line(words: list[str], end: Callable[..., Ended]) -> None:
    jsonl("good.jsonl", GOOD)
    status, out, err = end(*words)
    assert status == 2 and out == "" and "Traceback" not in err and "S3CRET" not in err
    assert err.strip().splitlines()[-1].startswith("execverify: ") and names() == ["good.jsonl"]


def test_an_unknown_verb_comes_with_the_nearest(end: Callable[..., Ended]) -> None:
    assert end("bulid")[2] == "execverify: there is no verb 'bulid': did you mean dataset build?\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "execverify", "evaluate", "--list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 2 and "No space left on device" in done.stderr and len(done.stderr.splitlines()) == 1


def test_closed_streams_are_one_line(tmp_path: Path) -> None:
    for redirection, said in ((">&-", "standard output is closed"), ("<&-", "standard input is closed")):
        done = subprocess.run(
            f"{sys.executable} -m execverify trace - {redirection}", shell=True, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_fault_of_ours_is_told_as_one(end: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(kinds: list[str]) -> None:
        raise KeyError(kinds[0])

    monkeypatch.setattr("execverify.cli.trace.check_kinds", fault)
    status, _, err = end("ask", jsonl("good.jsonl", GOOD))
    assert status == 70 and "Traceback" in err
    assert err.splitlines()[-1].startswith("execverify: this is a bug in execverify, and no mistake of yours (KeyError)")


def test_what_failed_in_one_verb_is_dropped_by_the_next(end: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """`ask FILE --json | rows -` where a program failed: it is named by its id, and by no temporary file."""
    status, out, _ = end("ask", jsonl("p.jsonl", GOOD, {"code": "def f(:", "input": "", "id": "broken"}), "--json")
    assert status == 2 and len(out.splitlines()) == 2
    Path("asked.jsonl").write_text(out)
    with Path("asked.jsonl").open(encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        status, _, err = end("dataset", "from-programs", "-", "-o", "rows.jsonl")
    assert status == 0 and "/tmp" not in err
    told = [line for line in err.splitlines() if "it failed before" in line]
    assert len(told) == 1 and told[0].strip().startswith("broken (standard input:1)")
    assert len(Path("rows.jsonl").read_text().splitlines()) == 2


def test_shards_outside_a_dataset_are_not_read(end: Callable[..., Ended]) -> None:
    Path("data.parquet").write_bytes(b"PAR1")
    for name in ("../data.parquet", "/etc/passwd", "data/../../data.parquet", ""):
        Path("set").mkdir(exist_ok=True)
        manifest = {"settings": {}, "shards": [{"file": name, "sha256": "0" * 64}]}
        Path("set/manifest.json").write_text(json.dumps(manifest))
        for words in (
            ["dataset", "stats", "set"],
            ["dataset", "report", "set"],
            ["dataset", "validate", "set"],
            ["dataset", "build", "-o", "set", "--size", "3"],
        ):
            status, _, err = end(*words)
            assert status == 2 and "names a file outside its folder" in err, (name, words, err)


def test_a_link_in_place_of_unfinished_work_is_refused(end: Callable[..., Ended]) -> None:
    Path("victim").mkdir()
    Path("out").mkdir()
    Path("out/.unfinished").symlink_to(Path("victim").absolute())
    status, _, err = end("dataset", "build", "-o", "out", "--size", "3")
    assert status == 2 and "is a link, and a build follows none" in err and names("victim") == []


# -------------------------------------------------------------------------------------------------------------- signals


def started(words: list[str], folder: Path) -> "subprocess.Popen[str]":
    def listening() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    return subprocess.Popen(
        [sys.executable, "-m", "execverify", *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=listening,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_file_leaves_none_of_it(number: signal.Signals, tmp_path: Path) -> None:
    code = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t"
    rows = [{"code": code, "input": str(400 + index), "id": f"p{index}"} for index in range(5_000)]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "out.jsonl").write_text("old")
    process = started(["dataset", "from-programs", "p.jsonl", "-o", "out.jsonl"], tmp_path)
    until = time.monotonic() + 60
    while not list(tmp_path.glob(".out.jsonl.*")) and time.monotonic() < until:
        time.sleep(0.05)
    assert process.poll() is None and list(tmp_path.glob(".out.jsonl.*"))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err.splitlines()[-1] == "execverify: stopped; no file was left half-written" and "Traceback" not in err
    assert names(tmp_path) == ["out.jsonl", "p.jsonl"] and (tmp_path / "out.jsonl").read_text() == "old"


def test_ctrl_c_while_the_command_line_is_loaded_is_no_traceback() -> None:
    code = (
        "import sys, builtins; real = builtins.__import__\n"
        "def stop(name, *rest, **more):\n"
        "    if name == WHERE: raise KeyboardInterrupt\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = stop\n"
        "from execverify.cli import main; main()"
    )
    for where in ("click", "execverify.cli.common", "rich.console"):
        done = subprocess.run(
            [sys.executable, "-c", code.replace("WHERE", repr(where)), "dataset", "stats", "x"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 130 and done.stderr.startswith("execverify: stopped"), done.stderr
        assert "Traceback" not in done.stderr


def test_stopped_says_whether_the_same_command_goes_on() -> None:
    for words in (["dataset", "build", "out"], ["train", "all"], ["ablate"], ["evaluate", "heldout", "--output", "run"]):
        assert "give the same command again to resume" in stopped(words)
    assert "with --output RUN" in stopped(["evaluate", "heldout"])
    assert "half-written" in stopped(["dataset", "from-programs", "p.jsonl"])


# ------------------------------------------------------------------------------------------------------------- progress


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_the_rate_counts_from_the_beginning_and_without_what_was_there(clock: Clock) -> None:
    bar = Progress("rows", 10_000)
    assert bar.line() == "0 of 10000 (0%), after 0 s"
    clock.now += 0.01
    bar.update(5_000, ready=5_000)  # a build that goes on
    assert bar.rate is None
    clock.now += 10
    bar.update(5_100, ready=5_000)  # the first hundred come at once, after ten seconds
    assert bar.line() == "5100 of 10000 (51%), 10 a second, about 8 min left"
    clock.now += 40
    assert bar.rate == pytest.approx(2, rel=0.01), "nothing came for a while, and the rate says so"
    bar.update(10_000, ready=5_000)
    assert bar.line().startswith("10000 of 10000 (100%), 98") or "100 a second" in bar.line()


def test_another_thing_that_is_counted_has_its_own_rate(clock: Clock) -> None:
    bar = Progress("asking")
    clock.now += 5
    bar.update(500, what="asking", total=500)
    bar.update(0, what="judging", total=500)
    assert bar.rate is None
    clock.now += 10
    bar.update(20, what="judging", total=500)
    assert bar.line() == "20 of 500 (4%), 2.0 a second, about 4 min left"


def test_without_a_terminal_there_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    with Progress("rows", 7) as bar:
        assert list(bar.track(range(3))) == [0, 1, 2]
        time.sleep(0.4)
    said = capsys.readouterr().err.splitlines()
    assert said and all(re.fullmatch(r"rows: [0-3] of 7 \(\d+%\), .*", line) for line in said)
    time.sleep(0.15)
    assert capsys.readouterr().err == ""


# ---------------------------------------------------------------------------------------------------- --quiet, --verbose, logging


def _verbs() -> Iterator[click.Command]:
    for group, verbs in ((cli.execverify, VERBS), (cli.dataset, DATASET_VERBS)):
        for name in verbs.keys() - {"dataset"}:
            verb = group.get_command(click.Context(group), name)
            assert verb is not None
            yield from verb.commands.values() if isinstance(verb, click.Group) else [verb]


def test_every_verb_takes_quiet_and_verbose() -> None:
    for verb in _verbs():
        assert {"quiet", "verbose"} <= {option.name for option in verb.params}, verb.name


def test_every_seed_is_of_one_type_and_its_bounds_can_be_read(end: Callable[..., Ended]) -> None:
    seeds = 0
    for verb in _verbs():
        for option in verb.params:
            if option.name in ("seed", "first_seed"):
                seeds += 1
                assert isinstance(option.type, Seed), verb.name
        assert not re.search(r"[0-9]{7}", verb.get_help(click.Context(verb))), verb.name
    assert seeds >= 10
    assert "An integer from -2^63 to 2^63-1." in " ".join(end("ask", "--help")[1].split())
    for words, reason in (
        (("ask", "f.py", "--seed", str(2**63)), f"{2**63} is no seed: give an integer from -2^63 to 2^63-1"),
        (("ablate", "--preset", "tiny", "--first-seed", "-1"), "-1 is no seed: give an integer from 0 to 2^32-1"),
        (("ask", "f.py", "--seed", "x"), "'x' is not a valid integer"),
    ):
        status, out, err = end(*words)
        assert (status, out, err.count("\n")) == (2, "", 1) and reason in err


def test_quiet_leaves_results_and_warnings_and_verbose_shows_what_is_done(end: Callable[..., Ended]) -> None:
    given = jsonl("good.jsonl", GOOD)
    status, out, err = end("dataset", "from-programs", given, "-o", "rows.jsonl", "--quiet")
    assert (status, out, err) == (0, "", "") and Path("rows.jsonl").exists()
    status, out, err = end("trace", given, "-q")
    assert status == 0 and "returns [3]; list" in out and err == ""
    status, out, err = end("dataset", "build", "-o", "D", "--size", "4", "--workers", "1", "-v")
    assert status == 0 and re.search(r"execverify: \d\d:\d\d:\d\d info: D: 4 rows to make", err)
    assert end("dataset", "from-programs", given, "-o", "again.jsonl")[2].startswith("1 program; rows:")  # nothing is left of it
    status, out, err = end("dataset", "stats", "no-such-file", "--quiet")
    assert status == 2 and err.startswith("execverify: no-such-file")
    data = str(reval_data.write(Path.cwd()))
    status, out, err = end("evaluate", "reval", "--model", "mock:gold", "--data", data, "--limit", "5", "-q")
    assert status == 0 and err.startswith("execverify: warning: reval: limit 5 keeps 5 items about 1 program;")
    assert err.count("\n") == 1
    status, out, err = end("trace", given, "-q", "-v")
    assert status == 2 and "exclude each other" in err


def test_warnings_of_the_library_are_logged_and_silent_by_default() -> None:
    code = "import logging, execverify; logging.getLogger('execverify.any').warning('unseen'); {}"
    shown = "logging.basicConfig(); logging.getLogger('execverify.any').warning('seen')"
    done = subprocess.run([sys.executable, "-c", code.format(shown)], capture_output=True, text=True, timeout=60)
    assert done.stderr == "WARNING:execverify.any:seen\n"


# ---------------------------------------------------------------------------------------------------- completion in a shell


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("evaluate crux", ["plain,cruxeval-i", "plain,cruxeval-o", "plain,cruxeval-x"]),
        ("evaluate heldout --model moc", ["plain,mock:constant:", "plain,mock:empty", "plain,mock:gold"]),
        ("evaluate heldout --prompt-template di", ["plain,direct"]),
        ("dataset build --prompt-template sh", ["plain,short"]),
        ("dataset build --task-kinds white_box,in", ["plain,white_box,input_prediction"]),
        ("ask --question-kinds next_statement,var", ["plain,next_statement,variable_state"]),
        ("dataset add-cot --style com", ["plain,compact"]),
        ("dataset export --format ver", ["plain,verl"]),
        ("train sft --preset tin", ["plain,tiny", "plain,tiny-short", "plain,tiny-steps"]),
        ("train probe --rewards white_box,outp", ["plain,white_box,output_only"]),
        ("dataset stats some", ["file,some"]),
        ("evaluate heldout --model some/folder", ["file,some/folder"]),
        ("trace file.py --qu", ["plain,--quiet"]),
    ],
)
def test_a_shell_completes_values(words: str, found: list[str]) -> None:
    words = f"execverify {words}"
    environment = {"_EXECVERIFY_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run([sys.executable, "-m", "execverify"], capture_output=True, text=True, env=os.environ | environment)
    assert sorted(done.stdout.split()) == found, done.stderr
