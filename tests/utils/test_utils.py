"""Files that are there whole or not at all, text files of every kind, and the wording of messages."""

import errno
import gzip
import io
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.datasets.authors import AuthorsReport, authors_rows, is_authors_file
from execverify.datasets.code_problems import ImportReport, problem_rows
from execverify.datasets.completions import read_completions
from execverify.datasets.published import programs_in
from execverify.datasets.rows_io import read_rows
from execverify.errors import ExecVerifyError, RowError
from execverify.evaluation.data import rows_of
from execverify.models.replay import read_recorded
from execverify.programs.records import read_programs
from execverify.utils import read_files
from execverify.utils.atomic import atomic_dir, atomic_json, atomic_text, atomic_write
from execverify.utils.messages import count_phrase, near_names, one_line, quoted, redact, redact_url, suggestion, url_secrets
from execverify.utils.read_files import BadLines, read_json_records, read_text

NOBODY = 2**22 + 1  # a number that no process has

# ------------------------------------------------------------------------------------------------------ whole or not


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic_text(path, "old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as file:
        file.write(b"half of the ne")
        assert path.read_text() == "old"
        raise KeyboardInterrupt
    assert path.read_text() == "old" and names(tmp_path) == ["a.txt"]
    atomic_json(path, {"a": "\ud800"})
    assert json.loads(path.read_text()) == {"a": "\ud800"} and names(tmp_path) == ["a.txt"]


def test_a_planted_link_is_replaced_and_never_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the place itself, and the name that the file has while it is not whole, where that can be guessed."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("execverify.utils.atomic._NUMBERS", iter([7]))
    (tmp_path / "page.html").symlink_to(victim)
    (tmp_path / f".page.html.{os.getpid()}-7.part").symlink_to(victim)
    (tmp_path / f".page.html.{NOBODY}-0.part").symlink_to(victim)
    atomic_text(tmp_path / "page.html", "new")
    assert victim.read_text() == "precious"
    assert (tmp_path / "page.html").read_text() == "new" and not (tmp_path / "page.html").is_symlink()


def test_a_link_that_is_planted_at_the_last_moment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "victim").write_text("precious")
    monkeypatch.setattr("execverify.utils.atomic._NUMBERS", iter([7]))
    unlink = Path.unlink

    def planted(self: Path, missing_ok: bool = False) -> None:
        unlink(self, missing_ok=True)
        self.symlink_to(tmp_path / "victim")

    monkeypatch.setattr(Path, "unlink", planted)
    with pytest.raises(FileExistsError):
        atomic_text(tmp_path / "a", "new")
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    atomic_text(tmp_path / "a", "old")

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        atomic_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == ["a"]


def test_what_a_killed_process_left_is_removed_and_what_others_write_is_not(tmp_path: Path) -> None:
    (tmp_path / f".a.{NOBODY}-0.part").write_text("half")
    (tmp_path / f".b.{NOBODY}-0.part").write_text("of another file")
    with atomic_write(tmp_path / "a") as first:
        first.write(b"first")
        atomic_text(tmp_path / "a", "second")
    assert names(tmp_path) == [f".b.{NOBODY}-0.part", "a"] and (tmp_path / "a").read_text() == "first"


def test_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    texts = [letter * 200_000 for letter in "abcdefgh"]
    threads = [threading.Thread(target=atomic_text, args=(tmp_path / "a", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "a").read_text() in texts and names(tmp_path) == ["a"]


def test_a_folder_is_whole_or_as_it_was(tmp_path: Path) -> None:
    out, victim = tmp_path / "out", tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").touch()
    (tmp_path / f".out.{os.getpid()}.unfinished").symlink_to(victim)
    (tmp_path / f".out.{NOBODY}.unfinished").mkdir()
    with atomic_dir(out) as folder:
        (folder / "one").touch()
        assert not out.exists()
    with pytest.raises(ValueError, match="stop"), atomic_dir(out) as folder:
        (folder / "two").touch()
        raise ValueError("stop")
    assert names(out) == ["one"] and names(victim) == ["precious"] and names(tmp_path) == ["out", "victim"]


# ---------------------------------------------------------------------------------------------------------- reading

PROGRAM = {"code": "def f(n):\n    return n", "input": "3", "id": "one"}


def forms(values: list[object]) -> dict[str, bytes]:
    """The same values in every form that is read."""
    lines = "\n".join(json.dumps(value) for value in values).encode()
    plain = {"lines": lines, "array": json.dumps(values).encode(), "laid out": json.dumps(values, indent=1).encode()}
    return {**plain, **{f"{name}, gzip": gzip.compress(data) for name, data in plain.items()}, "mark": b"\xef\xbb\xbf" + lines}


def _rows_counted(path: str, bad: BadLines) -> int:
    return len(list(read_rows(path, bad.add)))


def _completions_counted(path: str, bad: BadLines) -> int:
    """In the order of the rows; the bad line's row gets no completion."""
    program = ev.Program("def f(n):\n    return n", entry_point="f", arguments="3")
    return len(read_completions(path, [ev.task(ev.trace(program))] * 3, bad.add))


def _problems_counted(path: str, bad: BadLines) -> int:
    account = ImportReport()
    list(problem_rows(path, account))
    for drop in account.drops:
        bad.add(drop.detail)
    return account.not_code["math"]


def _authors_counted(path: str, bad: BadLines) -> int:
    assert is_authors_file(path)
    account = AuthorsReport()
    rows = list(authors_rows(path, account))
    for drop in account.drops:
        bad.add(drop.detail)
    return len(rows)


def _solutions_counted(path: str, bad: BadLines) -> int:
    bad.add(f"{path}:2 is not UTF-8 text: ")  # records without a solution for a call are passed over, and not counted
    return len(list(programs_in(path)))


NOT_UTF8_READERS: dict[str, tuple[dict[str, Any], Callable[[str, BadLines], int]]] = {
    "rows": ({"version": 2, "kind": "white_box", "program": {}, "id": "x"}, _rows_counted),
    "completions": ({"completion": "x"}, _completions_counted),
    "code problems": ({"ability": "math", "data_source": "m", "prompt": [], "reward_model": {"ground_truth": "2"}}, _problems_counted),
    "authors": (
        {"type": "oi", "func_str": "def f(n):\n    return n", "func_name": "f", "func_args": "3", "result": "3"},
        _authors_counted,
    ),
    "solutions": ({"code": "def g(a):\n    return a", "test_list": ["assert g(1) == 1"], "text": "x"}, _solutions_counted),
    "programs": (PROGRAM, lambda path, _: len(list(read_programs(path)))),
    "data": ({"a": 1}, lambda path, _: len(rows_of(Path(path)))),
    "recorded answers": ({"id": "1", "completion": "a"}, lambda path, _: len(read_recorded(path).generations)),
}  # fmt: skip


@pytest.mark.parametrize("form", forms([]))
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.jsonl.gz"])
def test_every_reader_reads_every_form(form: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    program = {"version": 2, "kind": "white_box", "program": {}, "id": "x"}

    def written(*values: object) -> str:
        path.write_bytes(forms(list(values))[form])
        return str(path)

    assert [record.id for record in read_programs(written(PROGRAM, {**PROGRAM, "id": None}))] == ["one", "a:2"]
    assert list(read_rows(written(program, program))) == [program, program]
    assert [row for _, row in rows_of(Path(written({"a": 1}, {"a": 2})))] == [{"a": 1}, {"a": 2}]
    assert (
        list(
            problem_rows(
                written(
                    {"ability": "math", "data_source": "math", "prompt": [], "reward_model": {"ground_truth": "2"}},
                    {"ability": "math", "data_source": "math", "prompt": [], "reward_model": {"ground_truth": "2"}},
                ),
                account := ImportReport(),
            )
        )
        == []
    )
    assert account.not_code == {"math": 2}
    assert list(read_recorded(written({"id": "1", "completion": "a"}, {"id": "2", "completion": "b"})).generations) == ["1", "2"]


@pytest.mark.parametrize("form", ["lines", "mark and CRLF", "gzip"])
@pytest.mark.parametrize("reader", NOT_UTF8_READERS)
def test_bytes_that_are_not_utf8_are_one_bad_line_for_every_reader(reader: str, form: str, tmp_path: Path) -> None:
    """A reader that goes on past lines that are not JSON gives the other lines; one that refuses such lines names this one."""
    value, read = NOT_UTF8_READERS[reader]
    path = tmp_path / "a.jsonl"
    good = json.dumps(value).encode()
    bad = good[:-1] + b', "note": "caf\xe9"}'
    data = b"\n".join([good, bad, good, b""])
    if form == "mark and CRLF":
        data = b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")
    path.write_bytes(gzip.compress(data) if form == "gzip" else data)
    bad_lines = BadLines()
    try:
        assert read(str(path), bad_lines) == 2
    except ExecVerifyError as error:
        assert reader in ("programs", "data", "recorded answers")
        bad_lines.add(str(error))
    assert bad_lines.count == 1 and f"{path}:2 is not UTF-8 text: " in bad_lines.first


def test_an_array_and_a_text_that_are_not_utf8_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"a": 1},\n{"a": "caf\xe9"}]\n')
    for read in (lambda: list(read_json_records(path, "things")), lambda: read_text(path, "things")):
        with pytest.raises(RowError, match=r"a\.json:2 is not UTF-8 text: "):
            read()


def test_lists_of_messages_are_lines_and_no_array(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    messages = [{"role": "assistant", "content": "one"}]
    for lines in (1, 2):
        path.write_text((json.dumps(messages) + "\n") * lines)
        assert [value for _, value in read_json_records(path, "completions")] == [messages] * lines
    path.write_text(json.dumps([{"completion": "one"}]))
    assert [value for _, value in read_json_records(path, "completions")] == [{"completion": "one"}]


@pytest.mark.parametrize("many", [b"\0", b"\n", b"[1]\n"], ids=["one line", "empty lines", "lines"])
def test_a_small_gzip_file_that_grows_without_bound_is_refused_early(
    many: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_files, "ALWAYS", 1 << 20)
    monkeypatch.setattr(read_files, "MAX_COMPRESSION_RATIO", 10)
    path = tmp_path / "bomb.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(300):
            file.write(many * ((1 << 20) // len(many)))
    assert path.stat().st_size < 1 << 20
    for read in (lambda: read_text(path, "things"), lambda: list(read_json_records(path, "things"))):
        with pytest.raises(RowError, match=r"bomb\.jsonl\.gz grows to more than [0-9] MiB"):
            read()


def test_a_line_and_an_array_have_a_greatest_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_files, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(read_files, "MAX_ARRAY_BYTES", 200)
    monkeypatch.setattr(read_files, "MAX_TEXT_BYTES", 200)
    path = tmp_path / "a.jsonl"
    path.write_text('"a"\n' + json.dumps("b" * 200))
    with pytest.raises(RowError, match=r"a\.jsonl:2 is a line of more than 100 characters"):
        list(read_json_records(path, "things"))
    path.write_text(json.dumps(["b" * 50] * 10, indent=1))
    with pytest.raises(RowError, match="is a JSON array of more than 200 characters"):
        list(read_json_records(path, "things"))
    with pytest.raises(RowError, match="has more than 200 characters"):
        read_text(path, "things")


WRONG = {
    "nothing there": (None, "no such file"),
    "bzip2": (b"BZh91AY", "is bzip2: unpack it, or pack it with gzip"),
    "xz": (b"\xfd7zXZ\0", "is xz: unpack it"),
    "zstd": (b"\x28\xb5\x2f\xfd\0", "is Zstandard: unpack it"),
    "zip": (b"PK\x03\x04", "is a zip archive: unpack it"),
    "parquet": (b"PAR1\0", "is a Parquet file"),
    "a torn gzip file": (gzip.compress(b"[1]\n" * 999)[:-9], "is a damaged gzip file"),
    "gzip of something else": (gzip.compress(b"\xff\xff"), "is not UTF-8 text"),
    "bytes": (bytes(range(128, 256)), "is not UTF-8 text"),
    "text": (b"hello\n", ":1 is not JSON"),
    "an array that is cut off": (b'[{"code": 1},\n{"co', " is not JSON"),
    "brackets": (b"[" * 200_000, ":1 is not JSON"),
}


@pytest.mark.parametrize("case", WRONG)
def test_every_reader_refuses_what_is_no_text_in_one_line(case: str, tmp_path: Path) -> None:
    data, said = WRONG[case]
    path = tmp_path / "a.jsonl"
    if data is not None:
        path.write_bytes(data)
    readers: tuple[Callable[[], object], ...] = (
        lambda: list(read_programs(path)),
        lambda: list(read_rows(str(path))),
        lambda: rows_of(path),
        lambda: read_recorded(str(path)),
        lambda: read_completions(str(path), []),
    )
    for reader in readers:
        with pytest.raises(ExecVerifyError) as caught:
            reader()
        assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)
        assert said in str(caught.value), (said, str(caught.value))


def test_standard_input_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(gzip.compress(b'{"code": "x"}\n'))

    monkeypatch.setattr("sys.stdin", Stdin())
    with pytest.raises(RowError, match=r"^standard input:1 has no 'input'"):
        list(read_programs("-"))


# ---------------------------------------------------------------------------------------------------------- wording


def test_counts_agree_with_their_nouns() -> None:
    assert [count_phrase(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


def test_what_a_terminal_acts_on_is_shown_as_an_escape() -> None:
    hostile = "a\x1b[2Jb\x9bc\x07\r\u202ed\x7f\ud800\u2028e"
    assert quoted(hostile) == r"a\x1b[2Jb\x9bc\x07\r\u202ed\x7f\ud800\u2028e"
    assert quoted("two\n\tlines, naïve, 日本, [/x]") == "two\n\tlines, naïve, 日本, [/x]"
    assert one_line("a\n  b\x1b") == r"a b\x1b"
    assert len(one_line("x" * 10_000)) < 2_100


def test_an_address_is_shown_without_what_is_secret() -> None:
    for url in ("https://me:w@h:8/v1?key=SECRET#f", "https://me:w@h:8/v1", "https://h:8/v1#SECRET"):
        assert redact_url(url) == "https://h:8/v1"
    secrets = url_secrets("https://h/v1?key=SEC%2FRET&api-version=2024")
    assert "SEC/RET" in secrets and "SEC%2FRET" in secrets
    assert "SEC" not in redact("it said SEC%2FRET, SEC/RET and key=SEC%2FRET&api-version=2024", secrets)


# ------------------------------------------------------------------------------------------------- names that are unknown

BENCHMARKS = ("bigcodebench", "cruxeval-i", "cruxeval-o", "heldout", "heldout-code", "humaneval+", "library-io", "mbpp+", "reval")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("cruxeval", ["cruxeval-i", "cruxeval-o"]),
        ("CRUXEval-O", ["cruxeval-o"]),
        ("humaneval", ["humaneval+"]),
        ("bigcode-bench", ["bigcodebench"]),
        ("mpp", ["mbpp+"]),
        *((far, []) for far in ("mmlu", "gsm8k", "swe-bench", "evalplus", "aime", "x", "", "lcb-exec", "arc")),
    ],
)
def test_only_close_names_are_suggested(name: str, near: list[str]) -> None:
    assert near_names(name, BENCHMARKS) == near
    if not near:
        assert suggestion(name, BENCHMARKS, "a file") == f"it must be one of {', '.join(BENCHMARKS)}, or a file"


def test_names_with_dots_are_close_by_what_follows_the_dot() -> None:
    known = ("model.base", "model.dtype", "rl_whitebox.learning_rate", "rl_whitebox.beta")
    assert suggestion("rl_whitebox.learning_rat", known) == "did you mean rl_whitebox.learning_rate?"
    assert suggestion("rl_whitebox.zzz", known) == "it must be one of rl_whitebox.learning_rate, rl_whitebox.beta"
    assert suggestion("model.base.name", known) == "did you mean model.base?"
    assert suggestion("zzz", [f"name{at}" for at in range(99)]) == "it must be one of 99 names, such as name0, name49 or name98"


def test_suggestions_are_made_in_one_place() -> None:
    package = Path(ev.__file__).parent
    users = {path.name for path in package.rglob("*.py") if "get_close_matches" in path.read_text(encoding="utf-8")}
    assert users == {"messages.py"}
