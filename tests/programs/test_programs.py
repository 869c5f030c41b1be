"""Programs: what is refused and in which words, calls as text, and programs read from files.

A refusal is a single line that names the mistake. A program taken out of a Python file does what the whole file does.
"""

import ast
import json
import pickle
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.errors import ExecVerifyError, ProgramError, RowError
from execverify.programs import ProgramRecord, parse_call, read_programs
from execverify.programs.program import MAX_SOURCE, split_lines, without_comment

FIFTY = Path(__file__).parents[2] / "examples" / "fifty.py"


def message_of(kind: type[ExecVerifyError], action: Callable[[], object]) -> str:
    """The one line with which something is refused."""
    with pytest.raises(kind) as caught:
        action()
    message = str(caught.value)
    assert message and len(message.splitlines()) == 1
    return message


def refusal(source: Any, arguments: Any = "", entry_point: Any = "f") -> str:
    return message_of(ProgramError, lambda: ev.Program(source, entry_point, arguments))


# ----------------------------------------------------------------------------------------------- a program as it is


def test_a_program_is_its_three_texts() -> None:
    program = ev.Program("def f(a, b=1):\n    return a", arguments="3, b=[1, 2]")
    assert (program.entry_point, program.call) == ("f", "f(3, b=[1, 2])")
    assert program.call_arguments == ((3,), {"b": [1, 2]})
    assert program.lines == ("def f(a, b=1):", "    return a")
    assert isinstance(program.tree.body[0], ast.FunctionDef)
    assert {type(node) for node in program.nodes} <= {type(node) for node in ast.walk(program.tree)}


def test_programs_are_equal_where_their_texts_are() -> None:
    source = "def f(a):\n    return a"
    program, other = ev.Program(source, "f", "3"), ev.Program(source, "f", "3")
    assert program.lines and program.call_arguments  # what is kept for later is not compared
    assert program == other and hash(program) == hash(other)
    assert program != ev.Program(source, "f", "4") and program != ev.Program(source + "\n", "f", "3")
    assert program != ev.Program(source + "\ng = f", "g", "3")
    assert {program: 1}[other] == 1
    with pytest.raises(AttributeError):
        program.source = "x"  # type: ignore[misc]


def test_a_program_survives_pickling() -> None:
    program = ev.Program("def f(a):\n    return a", "f", "'é\\n'")
    assert program.nodes and program.lines
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(program, protocol)
        assert pickle.loads(data) == program
        assert len(data) < 300, "only the three texts travel"


def test_lines_are_split_as_python_counts_them() -> None:
    source = "def f():\r\n    a = '\x0c\u2028'\r    return a"
    assert split_lines(source) == ["def f():", "    a = '\x0c\u2028'", "    return a"]
    returning = ev.Program(source).tree.body[0]
    assert isinstance(returning, ast.FunctionDef) and returning.body[-1].lineno == 3


def test_a_comment_is_told_from_a_hash_in_a_text() -> None:
    assert without_comment("    x = '#'  # one") == "x = '#'"
    assert without_comment("x = 1") == "x = 1"
    assert without_comment("x = '''# a") == "x = '''# a"


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(:\n    pass", "not Python at line 1"),
        ("def f():\n    retur 1", "not Python at line 2: invalid syntax"),
        ("def f():\nreturn 1", "not Python at line 2: expected an indented block"),
        ("def f():\n    return 'a", "not Python at line 2: unterminated string"),
        ("def f():\n\treturn 1\n        x = 1", "not Python at line 3"),
        ("def f():\n    return '\0'", "not Python: source code string cannot contain null bytes"),
        ("def f():\n    return '\ud800'", "not Python: 'utf-8' codec can't encode"),
        ("def f(): return " + "(" * 300 + ")" * 300, "not Python at line 1: too many nested parentheses"),
        ("def f(): return " + "-" * 50_000 + "1", "not Python: "),
        ("x = 1\n" * (MAX_SOURCE // 6 + 1), f"has {MAX_SOURCE // 6 * 6 + 6} characters; the limit is {MAX_SOURCE}"),
        ("", "the source is empty"),
        (" \n\n", "the source is empty"),
        (None, "source must be text, not NoneType"),
        (b"def f(): pass", "source must be text, not bytes"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_source_that_is_no_program_is_refused(source: Any, words: str) -> None:
    assert words in refusal(source)


def test_an_entry_point_that_is_not_defined_is_refused_with_those_that_are() -> None:
    assert refusal("def g(): pass\ndef h(): pass\nx = 1") == "the source does not define 'f'; it defines g, h"
    assert refusal("x = 1") == "the source does not define 'f'; it defines no function"
    assert refusal("def g():\n    def f(): pass") == "the source does not define 'f'; it defines g"
    assert refusal("class A:\n    def f(self): pass") == "the source does not define 'f'; it defines no function"
    assert refusal("def f(): pass", entry_point="a\nb") == "the source does not define 'a\\nb'; it defines f"
    many = refusal("\n".join(f"def g{n}(): pass" for n in range(50)))
    assert "g7" in many and "g8" not in many


@pytest.mark.parametrize(
    "source",
    [
        "f = lambda: 1",
        "from math import pi as f",
        "if True:\n    def f(): pass",
        "class f: pass",
        "f: object = len",
        "f, g = len, 1",
    ],
)
def test_an_entry_point_may_be_bound_in_other_ways(source: str) -> None:
    assert ev.Program(source).entry_point == "f"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("x", "must be literals: one is not a literal: it holds the name 'x'"),
        ("g(1)", "must be literals: one is not a literal: it holds a call"),
        ("[1 + 1]", "must be literals: one is not a literal: it holds an operation"),
        ("*[1]", "must be literals: one is not a literal"),
        ("**{'a': 1}", "must be literals: one is unpacked with **"),
        ("b for b in []", "must be literals: one is not a literal"),
        ("{[]}", "must be literals: one is not a literal: unhashable type: 'list'"),
        ("{float('nan')}", "opaque (nan)"),
        ("'" + "a" * 20_000 + "'", "opaque (too long)"),
        ("[" * 90 + "]" * 90, "must be literals: one is nested too deeply"),
        ("1)(2", "the arguments (1)(2) do not form one call"),
        ("1), _(2", "the arguments (1), _(2) do not form one call"),
        ("1) + _(2", "the arguments (1) + _(2) do not form one call"),
        ("1,,2", "the arguments (1,,2) is not Python: invalid syntax"),
        ("(1", "is not Python"),
        ("1)", "is not Python"),
        ("a=1, 2", "is not Python"),
        ("\0", "is not Python"),
        ("'\n'", "is not Python"),
        ("[" + "1, " * 20_000 + "]", "is longer than"),
        (3, "arguments must be text, not int"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_arguments_that_are_no_literals_are_refused(arguments: Any, words: str) -> None:
    message = refusal("def f(a): pass", arguments)
    assert words in message and len(message) < 300


@pytest.mark.parametrize(
    ("parameters", "arguments", "message"),
    [
        ("", "1", "f() takes 0 positional arguments, but 1 are given"),
        ("a, b", "1, 2, 3", "f() takes 2 positional arguments, but 3 are given"),
        ("a, *, b", "1, 2", "f() takes 1 positional arguments, but 2 are given"),
        ("a", "", "f() is not given its argument 'a'"),
        ("a, b, *, c", "1", "f() is not given its argument 'b', 'c'"),
        ("a", "b=1", "f() takes no argument named 'b'"),
        ("a", "1, b=1", "f() takes no argument named 'b'"),
        ("a, /", "a=1", "f() takes no argument named 'a'"),
        ("a", "1, a=1", "f() is given the argument 'a' twice"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(parameters: str, arguments: str, message: str) -> None:
    assert refusal(f"def f({parameters}): pass", arguments) == message


def test_a_keyword_given_twice_is_refused() -> None:
    assert "twice" in refusal("def f(a): pass", "a=1, a=2")


def test_a_positional_only_parameter_cannot_be_given_by_name() -> None:
    assert refusal("def f(a, /, **others): pass", "a=1") == "f() is not given its argument 'a'"


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        ("a, /, b, *c, d=1, **e", "1, 2, 3, 4, d=5, f=6"),
        ("a, /, **others", "1, a=2"),
        ("*args", "1, 2, 3"),
        ("**kwargs", "x=1"),
        ("a=1, *, b=2", ""),
        ("a", "[1,\n 2],"),
        ("a", "float('nan')"),
    ],
)
def test_arguments_that_fit_run(parameters: str, arguments: str) -> None:
    assert ev.run(ev.Program(f"def f({parameters}): pass", arguments=arguments)).outcome == "returned"


def test_a_decorator_may_change_what_a_function_takes() -> None:
    source = "def twice(g):\n    return lambda a, b: g(a) + b\n@twice\ndef f(a):\n    return a"
    assert ev.run(ev.Program(source, arguments="1, 2")).value == ev.Value("int", "3")


@pytest.mark.parametrize("arguments", ["1 # one", "1, # one", "[1, # one\n2] # two", "1\\", "1, \\"])
def test_arguments_that_end_in_a_comment_or_a_backslash_are_refused(arguments: str) -> None:
    """It would swallow the bracket of the call."""
    shown = " ".join(arguments.split())
    assert refusal("def f(a): pass", arguments) == f"the arguments ({shown}) end in a comment or a backslash: leave it out"


@pytest.mark.parametrize("arguments", ["'# one'", "[1, # one\n2]", "1 # one\n", "'\\\\'", "1 + \\\n2j"])
def test_a_hash_or_a_backslash_elsewhere_leaves_the_call_of_a_program_python(arguments: str) -> None:
    program = ev.Program("def f(a): pass", arguments=arguments)
    assert isinstance(ast.parse(program.call, mode="eval").body, ast.Call)


@pytest.mark.parametrize("filters", ["error", "always"])
def test_a_source_with_an_odd_escape_is_a_program_and_warns_nobody(filters: Any) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(filters)
        ev.Program("def f():\n    return '\\d'")
    assert not caught


# ------------------------------------------------------------------------------------------------------ calls as text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f()", ("f", "")),
        ("f(3)", ("f", "3")),
        ("  f ( 3 )  ", ("f", "3")),
        ("f((1, (2,)), [3, (4)])", ("f", "(1, (2,)), [3, (4)]")),
        ("f(a=1, b=')')", ("f", "a=1, b=')'")),
        ("f('(', \")\")", ("f", "'(', \")\"")),
        ("f(len([1]), g(2))", ("f", "len([1]), g(2)")),
        ("größe('é', \"日本\")", ("größe", "'é', \"日本\"")),
        ("f('😀')", ("f", "'😀'")),
        ("(f(3))", ("f", "3")),
        ("f(3)  # c", ("f", "3")),
        ("f(1,)", ("f", "1,")),
    ],
)
def test_a_call_is_split_into_name_and_arguments(text: str, expected: tuple[str, str]) -> None:
    assert parse_call(text) == expected


@pytest.mark.parametrize("text", ["f(\n    1,\n    b=[2,\n       3],\n)", "f(1,  # one\n  b=[2, 3])", "f(1, b=[2,\n3])\n\n"])
def test_a_call_over_several_lines_keeps_its_values(text: str) -> None:
    entry_point, arguments = parse_call(text)
    program = ev.Program("def f(a, b):\n    return a, b", entry_point, arguments)
    assert program.call_arguments == ((1,), {"b": [2, 3]})
    assert "\n" not in arguments


@pytest.mark.parametrize("text", ["f", "3", "f(3) + 1", "g.f(3)", "f(3)(4)", "f[0](1)", "(lambda: 1)()", "f(1), f(2)"])
def test_what_is_no_call_of_a_name_is_refused(text: str) -> None:
    assert "is not a call of a function by its name: write it like f(3)" in message_of(ProgramError, lambda: parse_call(text))


@pytest.mark.parametrize(
    "text", ["", "f(", "f(3", "f(3);", "x = f(3)", "f(3)\ng(4)", "f(\0)", "f('\ud800')", "f(1 2)", "(" * 30_000]
)
def test_what_is_no_expression_is_no_call(text: str) -> None:
    assert "is not Python" in message_of(ProgramError, lambda: parse_call(text))


# ------------------------------------------------------------------------------------------------- programs as JSONL


def read(path: Path, text: str | bytes, call: str | None = None) -> list[ProgramRecord]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_programs(path, call))


def unreadable(path: Path, text: str | bytes, call: str | None = None) -> str:
    message = message_of(RowError, lambda: read(path, text, call))
    assert str(path) in message
    return message.replace(str(path), path.name)


def test_jsonl_rows_become_records(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"code": "def f(a):\n    return a", "input": "3", "output": "3", "id": "first", "entry_point": "f"},
        {"code": "def g(): pass", "input": "", "id": 7, "more": [1]},
        {"code": "é\u2028", "input": "'\u2028'", "output": None},
    ]
    path = tmp_path / "some.jsonl"
    text = "\r\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert read(path, text) == [
        ProgramRecord("def f(a):\n    return a", "f", "3", "3", "first", f"{path}:1"),
        ProgramRecord("def g(): pass", None, "", None, "7", f"{path}:3"),
        ProgramRecord("é\u2028", None, "'\u2028'", None, "some:5", f"{path}:5"),
    ]


ROW = {"code": "def f(): pass", "input": ""}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "p.jsonl holds no programs: write one JSON object a line"),
        ("\n \n", "p.jsonl holds no programs"),
        ("{", "p.jsonl:1 is not JSON ("),
        (json.dumps(ROW) + "\n\nnot json", "p.jsonl:3 is not JSON ("),
        ("[1]", "p.jsonl:1 is not a JSON object with code and input"),
        ("null", "p.jsonl:1 is not a JSON object"),
        ('"code"', "p.jsonl:1 is not a JSON object"),
        ('{"input": ""}', "p.jsonl:1 has no 'code': each row needs code and input, both text"),
        ('{"code": ""}', "p.jsonl:1 has no 'input': each row needs code and input, both text"),
        ('{"code": 3, "input": ""}', "p.jsonl:1 has no 'code'"),
        ('{"code": "", "input": [3]}', "p.jsonl:1 has no 'input'"),
        ('{"code": "", "input": null}', "p.jsonl:1 has no 'input'"),
        (json.dumps(ROW | {"output": 3}), "p.jsonl:1: 'output' must be text"),
        (json.dumps(ROW | {"entry_point": ["f"]}), "p.jsonl:1: 'entry_point' must be text"),
        (b"\xff\xfe{}", "p.jsonl is not UTF-8 text: name a file of programs, .jsonl or .py"),
        (b"PK\x03\x04\xe9\x00", "p.jsonl is a zip archive: unpack it"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_file_that_is_no_jsonl_of_programs_is_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    assert words in unreadable(tmp_path / "p.jsonl", text)


def test_the_rows_before_a_fault_are_read(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(ROW) + "\n{")
    records = read_programs(path)
    assert next(records).source == ROW["code"]
    with pytest.raises(RowError):
        next(records)


def test_a_line_of_brackets_is_not_json(tmp_path: Path) -> None:
    assert "p.jsonl:1 is not JSON" in unreadable(tmp_path / "p.jsonl", "[" * 100_000)


def test_a_null_id_is_no_id(tmp_path: Path) -> None:
    assert read(tmp_path / "p.jsonl", json.dumps(ROW | {"id": None}))[0].id == "p:1"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for name in ("none.py", "none.jsonl", "no/folder.py"):
        assert message_of(RowError, lambda name=name: read_programs(tmp_path / name)) == f"{tmp_path / name}: no such file"  # type: ignore[misc]
    words = f"{tmp_path} is a folder: name a file of programs, .jsonl or .py"
    assert message_of(RowError, lambda: read_programs(tmp_path)) == words
    assert message_of(RowError, lambda: read_programs(str(tmp_path))) == words


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    assert "a.py" in message_of(RowError, lambda: read_programs(tmp_path / "a.py" / "b.py"))


# -------------------------------------------------------------------------------------------------- programs as Python

CALLS = '''"""A file."""
def f(x, y=0):
    return x

def g():
    """One."""
    return None

assert f(3) == 6, "no"
assert f("é", y=[1]) == {
    "é": 1}
print(f(len("abc")))
print("no call of ours", 3)
g()
assert 6 == f(3)
assert f(3)
z = f(4)
'''


def test_calls_of_a_python_file_become_records(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    first = "def f(x, y=0):\n    return x\n"
    assert read(path, CALLS) == [
        ProgramRecord(first, "f", "3", "6", "some:f:9", f"{path}:9"),
        ProgramRecord(first, "f", '"é", y=[1]', '{\n    "é": 1}', "some:f:10", f"{path}:10"),
        ProgramRecord(first, "f", 'len("abc")', None, "some:f:12", f"{path}:12"),
        ProgramRecord('def g():\n    """One."""\n    return None\n', "g", "", None, "some:g:14", f"{path}:14"),
    ]


def test_one_call_may_be_named_instead_and_has_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    assert read(path, CALLS, "f((1, 2), y=')')") == [ProgramRecord(CALLS, "f", "(1, 2), y=')'", None, "some:f", str(path))]
    [record] = read(path, "def f():\n    return 1\n", "g(3)")
    assert "does not define 'g'; it defines f" in refusal(record.source, record.arguments, record.entry_point)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "p.py makes no call: add a line such as `assert f(3) == 6`, or say --call 'f(3)'"),
        ("def f(): pass", "p.py makes no call"),
        ("f(3)", "p.py does not define 'f'"),
        ("def f():\n    def g(): pass\ng()", "p.py does not define 'g'"),
        (b"def f(): return '\xe9'", "p.py:1 is not UTF-8 text"),
    ],
)
def test_a_python_file_without_a_call_is_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    assert words in unreadable(tmp_path / "p.py", text)


def test_a_python_file_that_does_not_parse_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.py"
    message = message_of(ProgramError, lambda: read(path, "def f():\n    pass\ndef g(:"))
    assert message == f"{path}: the source is not Python at line 3: invalid syntax"


@pytest.mark.parametrize("call", ["f", "g.f(3)", "f(", "f(3) + 1", ""])
def test_a_named_call_that_is_none_is_refused(tmp_path: Path, call: str) -> None:
    message = message_of(ProgramError, lambda: read(tmp_path / "p.py", "def f(): pass", call))
    assert "is not a call" in message or "is not Python" in message


def test_a_named_call_goes_with_a_python_file_alone(tmp_path: Path) -> None:
    words = "--call goes with a Python file, and p.jsonl is not one: its name does not end in .py"
    assert unreadable(tmp_path / "p.jsonl", json.dumps(ROW), "f(3)") == words


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert read(tmp_path / "p.jsonl", b"\xef\xbb\xbf" + json.dumps(ROW).encode())[0].source == ROW["code"]
    assert read(tmp_path / "p.py", b"\xef\xbb\xbfdef f(): pass\nf()")[0].source == "def f(): pass\n"


# ------------------------------------------------------------------------------- what a called function needs comes along

UNUSED = "def unused():\n    return never_defined\n\nUNUSED = unused\n\n"
NEEDED = {
    "a constant": "K = 2\nL = K + 1\ndef f(x):\n    return x * L",
    "a helper of a helper": "def h(x):\n    return x + 1\ndef g(x):\n    return h(x)\ndef f(x):\n    return g(x)",
    "a helper defined later": "def f(x):\n    return g(x)\ndef g(x):\n    return x + 1",
    "a class and its base": "class A:\n    n = 1\nclass B(A):\n    def get(self):\n        return self.n\n"
    "def f(x):\n    return B().get() + x",
    "a decorator": "def twice(g):\n    return lambda x: 2 * g(x)\n@twice\n@twice\ndef f(x):\n    return x",
    "a decorator's argument": "K = 5\ndef add(k):\n    return lambda g: lambda x: g(x) + k\n@add(K)\ndef f(x):\n    return x",
    "a default": "K = [1]\ndef f(x, y=K):\n    return y + [x]",
    "an annotation": "from typing import Any\ndef f(x: Any) -> Any:\n    return x",
    "a future import": "from __future__ import annotations\ndef f(x: nowhere):\n    return x",
    "imports": "import math, json as j\nimport os.path\nfrom functools import reduce as r\n"
    "def f(x):\n    return [math.floor(2.5), j.dumps([x]), os.path.join('a', 'b'), r(int.__add__, [1, x])]",
    "recursion": "def f(x):\n    return 1 if x < 1 else x * f(x - 1)",
    "mutual recursion": "def even(n):\n    return n == 0 or odd(n - 1)\n"
    "def odd(n):\n    return n > 0 and even(n - 1)\ndef f(x):\n    return even(x)",
    "a global that a helper changes": "n = 10\ndef bump():\n    global n\n    n += 1\ndef f(x):\n    bump()\n    bump()\n    return n",
    "a name bound twice": "K = 1\nK = K + 1\ndef f(x):\n    return K",
    "an augmented name": "K = 1\nK += 5\ndef f(x):\n    return K",
    "a tuple of names": "A, (B, *C) = 1, (2, 3, 4)\ndef f(x):\n    return [A, B, C]",
    "a name bound by an if": "if len('a') == 1:\n    K = 1\nelse:\n    K = 2\ndef f(x):\n    return K",
    "a name bound by a loop": "for K in range(3):\n    pass\ndef f(x):\n    return K",
    "a name bound by :=": "L = [K := 3]\ndef f(x):\n    return K",
    "an annotated name": "K: int = 4\ndef f(x):\n    return K",
    "a lambda": "g = lambda x: x + 1\nf = lambda x: g(x)",
    "a redefined function": "def f(x):\n    return 1\ndef f(x):\n    return 2",
    "two statements on a line": "A = 1; B = [A]\ndef f(x):\n    return A, B",
    "lines that go on": "K = [\n    1,\n    2,\n]\ndef f(x):\n    return K",
    "a table filled by a loop": "T = {}\nfor i in range(3):\n    T[i] = i\ndef f(x):\n    return T",
    "a table filled by an assignment": "T = {}\nT['a'] = 1\ndef f(x):\n    return T",
    "a table filled by a method": "T = [3]\nT.append(4)\ndef f(x):\n    return T",
    "an attribute set later": "class A: pass\nA.n = 1\ndef f(x):\n    return A.n",
    "an import inside a try": "try:\n    from math import prod\nexcept ImportError:\n    pass\ndef f(x):\n    return prod([x])",
    "a star import": "from math import *\ndef f(x):\n    return pi > x",
    "a function inside an if": "if True:\n    def f(x):\n        return x",
    "a helper inside a try": "try:\n    def g(x):\n        return x\nfinally:\n    pass\ndef f(x):\n    return g(x)",
    "a deleted name": "K = 1\ndel K\ndef f(x):\n    try:\n        return K\n    except NameError:\n        return 'gone'",
}


@pytest.mark.parametrize("name", NEEDED)
def test_a_program_from_a_file_does_what_the_file_does(tmp_path: Path, name: str) -> None:
    text = NEEDED[name]
    [record] = read(tmp_path / "p.py", f"{text}\n\n{UNUSED}f(2)\n")
    assert "unused" not in record.source.lower()
    result = ev.run(ev.Program(record.source, record.entry_point or "", record.arguments))
    assert result.outcome == "returned" and result.value is not None, result
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    assert result.value.text == repr(namespace["f"](2))


def test_a_local_name_does_not_bring_a_global_one_along(tmp_path: Path) -> None:
    text = "def f(x):\n    y = x\n    return y\nx = f(1)\ny = never_defined\nf(2)\n"
    assert read(tmp_path / "p.py", text)[0].source == "def f(x):\n    y = x\n    return y\n"


def test_definitions_keep_their_text_and_order(tmp_path: Path) -> None:
    text = textwrap.dedent('''
        def f(x):  # the entry
            """What it does."""
            return helper(x)   # goes on
        OTHER = 1
        @staticmethod
        def helper(x):

            return x
        f(2)
    ''')
    expected = 'def f(x):  # the entry\n    """What it does."""\n    return helper(x)   # goes on\n\n'
    expected += "@staticmethod\ndef helper(x):\n\n    return x\n"
    assert read(tmp_path / "p.py", text)[0].source == expected


# ------------------------------------------------------------------------------------------------------------- the fifty


def test_the_fifty_examples_return_what_they_claim() -> None:
    records = list(read_programs(FIFTY))
    assert len(records) == 50 and len({record.id for record in records}) == 50
    programs = [ev.Program(record.source, record.entry_point or "", record.arguments) for record in records]
    for record, result in zip(records, ev.run_many(programs, workers=2), strict=True):
        assert result.outcome == "returned" and result.value is not None and record.output is not None, (record.id, result)
        claimed = ev.parse_literal(record.output)
        assert result.value.text is not None and ev.parse_literal(result.value.text) == claimed, record.id
        assert result.value.type == type(claimed).__name__
