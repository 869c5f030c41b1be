"""Templates: every value is escaped, unprintable characters are shown, and code keeps its lines."""

import html
import importlib.resources
import re
import subprocess
import sys

import pytest
from markupsafe import Markup

from execverify.reports.render import highlight, inline_code, visible

TEMPLATES = importlib.resources.files("execverify.reports").joinpath("templates")
HOSTILE = "</code></pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\" ' & \u202e\x00\x1b[31m\ud800 {{ 7 * 7 }} {% raw %}"


def plain(line: Markup) -> str:
    return html.unescape(re.sub("<[^>]*>", "", line))


def test_no_template_switches_escaping_off() -> None:
    for file in TEMPLATES.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape|http-equiv=.refresh", text), file.name
        assert not re.search(r"(src|href)=\"(?!#)", text), file.name
        assert "url(" not in text and "@import" not in text and "fetch(" not in text and "innerHTML" not in text, file.name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"), ("é 漢 🙂", "é 漢 🙂"), ("a\u202eb", "a\\u202eb"), ("\x00\r\x1b", "\\x00\\r\\x1b"),
        ("\ud800", "\\ud800"), ("\u200b\u00ad\u00a0", "\\u200b\\xad\\xa0"), ("\U000e0041", "\\U000e0041"),
    ],
)  # fmt: skip
def test_characters_that_nobody_sees_are_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "source",
    [
        "",
        "\n",
        "x",
        "x = 1\n",
        "\n\nx\n\n",
        '"""a\n<b>\n"""\ndef f(x):\n    return x  # & "q"',
        "def (",
        "'",
        "\t\tif\n",
        "a\x0cb\rc",
        HOSTILE,
    ],
)
def test_highlighted_code_is_the_source(source: str) -> None:
    lines = highlight(source)
    assert [plain(line) for line in lines] == visible(source).split("\n")
    assert not re.search(r"<(?!/?span)", "".join(lines))


def test_code_is_coloured() -> None:
    (line,) = highlight("return len(['a', 1, None])  # c")
    for name, text in (("k", "return"), ("nb", "len"), ("s1", "'a'"), ("mi", "1"), ("kc", "None"), ("c1", "# c")):
        assert f'<span class="{name}">{text}</span>' in line


def test_code_within_a_sentence() -> None:
    assert inline_code("a `b` c") == "a <code>b</code> c"
    assert inline_code("`<b>`<i>\u202e") == "<code>&lt;b&gt;</code>&lt;i&gt;\\u202e"


def test_without_jinja2_there_is_one_clear_line() -> None:
    """And nothing of it is loaded before a page is made."""
    code = (
        "import sys; import execverify.reports.dataset, execverify.reports.evaluation\n"
        "import execverify.reports.ablation, execverify.reports.training\n"
        "assert not {'jinja2', 'markupsafe', 'pygments', 'matplotlib'} & sys.modules.keys()\n"
        "sys.modules['jinja2'] = None\n"
        "from execverify.errors import ExecVerifyError\n"
        "from execverify.reports.render import render\n"
        "try:\n    render('dataset.html.j2')\n"
        "except ExecVerifyError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "a page needs Jinja2: pip install 'execverify[cli]'\n", done.stderr
