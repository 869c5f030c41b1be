"""Every example in the README and the docs is run: Python sessions by doctest, commands by the command line."""

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)[^)]*\)")
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples(page: Path) -> None:
    result = doctest.testfile(str(page), module_relative=False, encoding="utf-8", optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_name_what_is_there(page: Path) -> None:
    lost = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert not lost


def test_links_are_seen() -> None:
    text = "[a](docs/trace-semantics.md#visits), ![b](../b.svg), [c](https://c.org/d), [e](#f)"
    assert _LINK.findall(text) == ["docs/trace-semantics.md", "../b.svg"]
    assert _LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def _consoles() -> list[tuple[str, str, str]]:
    """(page, command, expected output) of each `$ execverify ...` in a console block."""
    found = []
    for page in PAGES:
        for block in _CONSOLE.findall(page.read_text(encoding="utf-8")):
            for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = session.partition("\n")
                found.append((page.name, command, output))
    return found


@pytest.mark.parametrize(("page", "command", "output"), _consoles(), ids=lambda value: value.split("\n")[0][:50])
def test_console_examples(page: str, command: str, output: str) -> None:
    words = shlex.split(command)
    assert words[0] == "execverify", f"{page}: only our own command is run: {command}"
    run = [sys.executable, "-c", "from execverify.cli import main; main()", *words[1:]]
    done = subprocess.run(
        run, capture_output=True, text=True, cwd=ROOT, env={"COLUMNS": "120", "PATH": "/usr/bin:/bin"}, timeout=60
    )
    said = [line.rstrip() for line in (done.stdout + done.stderr).strip().splitlines()]
    assert said == [line.rstrip() for line in output.strip().splitlines()]


def test_there_are_examples() -> None:
    assert len(_consoles()) >= 3


def test_module_examples() -> None:
    """The examples in the modules' own docstrings."""
    import importlib

    for name in (
        "programs.literals",
        "programs.values",
        "programs.program",
        "sandbox.run",
        "sandbox.candidates",
        "tracing.trace",
        "tracing.expression_watch",
        "evaluation.intervals",
        "questions.task",
        "rewards.score",
        "rewards.code.unit_tests",
        "rewards.code.grade",
        "training.gradient_signal",
    ):
        module = importlib.import_module(f"execverify.{name}")
        result = doctest.testmod(module)
        assert result.failed == 0, name
        assert result.attempted > 0, name
