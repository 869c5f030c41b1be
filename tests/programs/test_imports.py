"""Programs that lack the usual imports get them: they run as they are shown, and keep their lines where there is room."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import execverify as ev
from execverify.datasets.from_programs import ConversionReport, RowConfig, make_rows
from execverify.programs.imports import with_imports
from execverify.programs.program import split_lines
from execverify.programs.records import read_programs
from tests.helpers.command import jsonl, run

DEFINITION = "def f(words: List[str]) -> Dict[str, int]:\n    n = math.floor(2.5)\n    return {w: n for w in words}\n"

KEPT = {  # what stands before the definition, where no line moves
    "a blank line": "\n",
    "two blank lines": "\n\n",
    "a comment": "# words\n",
    "an indented comment": "   # words\n",
    "a shebang and a blank line": "#!/usr/bin/env python\n\n",
    "a coding line and a comment": "# -*- coding: utf-8 -*-\n# words\n",
    "a docstring": '"""Words."""\n',
    "a docstring and a comment behind it": '"""Wörter: ä."""  # words\n',
    "a docstring over several lines": '"""Words.\n\nMore.\n"""\n',
    "an import": "import re\n",
    "an import over several lines": "from re import (\n    sub,\n)\n",
    "an assignment": "LIMIT = 3\n",
    "a future import": "from __future__ import generator_stop\n",
    "a docstring and a future import": '"""Words."""\nfrom __future__ import generator_stop\n',
    "a future import and a comment behind it": "from __future__ import generator_stop  # so\n",
    "form feed": "\f\n",
}


def plain(source: str, call: str) -> str:
    """What CPython itself prints."""
    done = subprocess.run([sys.executable, "-c", f"{source}\nprint(repr({call}))"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (done.stderr, source)
    return done.stdout.strip()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", KEPT)
def test_lines_keep_their_numbers_where_there_is_room(name: str, end: str) -> None:
    before = (KEPT[name] + DEFINITION).replace("\n", end)
    after = with_imports(before)
    assert len(split_lines(after)) == len(split_lines(before))
    start = KEPT[name].count("\n")
    assert split_lines(after)[start:] == split_lines(before)[start:]
    assert plain(after, "f(['a'])") == "{'a': 2}"
    docstring = ast.get_docstring(ast.parse(before))
    assert ast.get_docstring(ast.parse(after)) == docstring
    assert with_imports(after) == after  # nothing is lacking any more


@pytest.mark.parametrize("first", ["", "@cache\n", "#!/usr/bin/python\n", "# -*- coding: utf-8 -*-\n"])
def test_where_there_is_none_each_import_gets_a_line(first: str) -> None:
    before = first + DEFINITION
    after = with_imports(before)
    added = 4 if "cache" in first else 3
    assert len(split_lines(after)) == len(split_lines(before)) + added
    assert after.endswith(DEFINITION) and plain(after, "f(('a',))") == "{'a': 2}"
    assert with_imports(before, keep_lines=True) == before


NOTHING_LACKS = {
    "its own": "class List:\n    pass\ndef f(x: List):\n    return x",
    "a parameter": "def f(math):\n    return math",
    "imported": "from typing import *\nfrom typing import List\ndef f(x: List):\n    return x",
    "built in": "def f(x: list[int]):\n    return sum(x)",
    "a name of no prelude": "def f(x):\n    return numpy.array(x)",
    "no Python": "def f(x: List:\n",
}


@pytest.mark.parametrize("name", NOTHING_LACKS)
def test_what_lacks_nothing_stays(name: str) -> None:
    assert with_imports(NOTHING_LACKS[name]) == NOTHING_LACKS[name]


def test_an_entry_point_is_never_imported(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "p.jsonl", {"code": "def g(x):\n    return reduce(x)", "input": "3", "entry_point": "reduce"})
    (record,) = read_programs(file)
    assert not record.completed and "import" not in record.source


def test_rows_of_annotated_programs(tmp_path: Path) -> None:
    """Each row's program runs as it is shown, and its questions are about the lines that it shows."""
    bare = (
        "def f(words: List[str]) -> Optional[int]:\n    best = None\n    for w in words:\n"
        "        best = max(best or 0, len(w))\n    return best"
    )
    codes = [
        bare,
        "# longest\n" + bare,
        "import re\n" + bare,
        bare.replace("List[str]", "list[str]").replace("Optional[int]", "int"),
    ]
    file = jsonl(tmp_path / "p.jsonl", *({"code": code, "input": "['a', 'bcd']", "output": "3"} for code in codes))
    account = ConversionReport()
    rows = list(make_rows(read_programs(file), RowConfig(max_questions=None), account))
    assert (account.programs, len(account.completed), account.drops) == (4, 3, [])
    for row in rows:
        program, code = row["program"], codes[int(row["id"].split(":")[1].split("/")[0]) - 1]
        assert plain(program["source"], f"f({program['arguments']})") == program["result"] == "3"
        shift = len(split_lines(program["source"])) - len(split_lines(code))
        assert shift == (2 if code is bare else 0)
        for question in row["questions"]:
            shown, own = split_lines(program["source"])[question["line"] - 1], split_lines(code)[question["line"] - shift - 1]
            assert shown == own
        assert ev.ask(ev.trace(ev.Program(program["source"], "f", program["arguments"])), limit=None)
    without = ConversionReport()
    assert len(list(make_rows(read_programs(file, prelude=""), RowConfig(), without))) == 2
    assert {drop.reason for drop in without.drops} == {"raised"} and len(without.drops) == 3


def test_the_commands_have_it_as_a_setting(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "p.jsonl", {"code": DEFINITION, "input": "['a']", "id": "one"})
    made = run("dataset", "from-programs", file, "-o", str(tmp_path / "r.jsonl"))
    assert made.returncode == 0 and "usual imports put before: 1" in made.stderr
    bare = run("dataset", "from-programs", file, "-o", str(tmp_path / "r2.jsonl"), "--no-usual-imports")
    assert bare.returncode == 2 and "1 raised" in bare.stderr
    asked = run("ask", file, "--json")
    assert json.loads(asked.stdout)["questions"]
    script = tmp_path / "script.py"
    script.write_text("\n" + DEFINITION)
    lines = [json.loads(run(verb, str(script), "--call", "f(['a'])", "--json").stdout) for verb in ("trace", "ask")]
    assert [step["line"] for step in lines[0]["steps"]] == [3, 4]  # as in the file
    assert {question["line"] for question in lines[1]["questions"]} <= {3, 4}
    script.write_text(DEFINITION)  # no room: a file's lines are never moved
    assert "name 'List' is not defined" in run("trace", str(script), "--call", "f(['a'])").stdout


def test_calls_in_a_python_file_get_them_too(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(DEFINITION + "\nassert f(['a']) == {'a': 2}\n")
    (record,) = read_programs(script)
    assert record.completed and plain(record.source, "f(['a'])") == "{'a': 2}"
