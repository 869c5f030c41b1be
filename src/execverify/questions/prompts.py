"""How a prompt reads. Templates are text files, chosen by name, so that an ablation can swap them.

A template is a folder with a file for each kind of task, `white_box.txt`, `input_prediction.txt` and `code_generation.txt`. The
names in this package are "default" (all rules stated), "short" (rules in one line), "no_reasoning" (answers only), "minimal" (no
rules at all, for small models that learn them) and "authors" (the form of the paper's authors: a worked example, the
assertion as the last line of the numbered program, questions that quote their statement). The path of any other folder works as a name too.
In a file, `$listing` stands for the program with line numbers, `$source` for the program as it is, `$entry_point`, `$call`,
`$result`, and `$questions` for the numbered questions. `$asserted_listing` is the program with line numbers, then a blank line and the
assertion with `????` for its result; `$quoted_questions` are the questions from number 2 on, each after its line's text.
For code generation, `$statement` stands for what the function does, `$signature` for its first line, `$examples` and
`$entry_point`. Problems that somebody else has written have a file of their own, `code_problem.txt`, with `$problem` and `$tested`.
"""

import functools
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from execverify.errors import QuestionError
from execverify.programs.program import Program
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.question import Question
from execverify.utils.messages import suggestion

DEFAULT = "default"
_FOLDER = Path(__file__).parent / "templates"

Call = tuple[str, str]
"""The arguments of a call and its result, as literal text."""


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """The description of a function that is to be written.

    Attributes:
        statement: what it does, in English.
        signature: its first line, with types.
        examples: calls that the prompt shows.
    """

    statement: str
    signature: str
    examples: tuple[Call, ...]


def prompt_text(kind: str, program: Program, result: str, questions: tuple[Question, ...], template: str = DEFAULT) -> str:
    """The user message of a task.

    Args:
        kind: "white_box" or "input_prediction".
        program: the program with its call.
        result: literal text of what the call returns; shown in input prediction alone.
        questions: numbered in the prompt in this order.
        template: a template's name, or the path of a folder of templates.

    Raises:
        QuestionError: there is no such template, or it uses a name that does not exist.
    """
    fields = {
        "listing": numbered_source(program),
        "source": program.source.strip("\n"),
        "entry_point": program.entry_point,
        "call": program.one_line_call,
        "questions": "\n".join([*_rules(questions), *(f"Question {i}: {one.text}" for i, one in enumerate(questions, start=1))]),
        "asserted_listing": _numbered([*_lines(program), "", f"assert {program.one_line_call} == ????"]),
        "quoted_questions": "\n".join([*_rules(questions), *_quoted(program, questions)]),
    }
    if kind == "input_prediction":
        fields["result"] = result
    return _render(template, kind, fields)


def _quoted(program: Program, questions: tuple[Question, ...]) -> Iterator[str]:
    """The questions, numbered from 2 (the assertion is the first), each with the text of its line."""
    for number, one in enumerate(questions, start=2):
        yield f"Question {number} (line {one.line}: `{program.lines[one.line - 1].strip()}`): {one.text}"


def _rules(questions: tuple[Question, ...]) -> list[str]:
    """The rules of the kinds that are asked and have one of their own."""
    kinds = map(QUESTION_KINDS.get, dict.fromkeys(question.kind for question in questions))
    return [kind.rule for kind in kinds if kind.rule]


def code_prompt_text(entry_point: str, brief: FunctionSpec, template: str = DEFAULT) -> str:
    """The user message of a task that asks for code.

    Args:
        entry_point: name of the function.
        brief: what it does, its signature, and the calls that are shown.
        template: a template's name, or the path of a folder of templates.

    Raises:
        QuestionError: there is no such template, or it uses a name that does not exist.
    """
    examples = "\n".join(f"{entry_point}({given}) == {result}" for given, result in brief.examples)
    fields = {"statement": brief.statement, "signature": brief.signature, "examples": examples, "entry_point": entry_point}
    return _render(template, "code_generation", fields)


def problem_prompt_text(problem: str, entry_point: str | None, template: str = DEFAULT) -> str:
    """The user message of a problem that somebody else has written.

    Args:
        problem: its text.
        entry_point: the function that is called; None for a program that reads standard input.
        template: a template's name, or the path of a folder of templates.

    Raises:
        QuestionError: there is no such template, or it uses a name that does not exist.
    """
    tested = "Write a Python program that reads standard input and prints the answer."
    if entry_point is not None:
        tested = f"Write it in Python, as a function `{entry_point}` that returns the answer."
    return _render(template, "code_problem", {"problem": problem, "tested": tested})


def _render(template: str, kind: str, fields: dict[str, str]) -> str:
    try:
        return _template(template, kind).substitute(fields).strip("\n")
    except (KeyError, ValueError) as error:
        raise QuestionError(f"the template {template!r} for {kind} uses {error}; it may use ${', $'.join(fields)}") from None


def numbered_source(program: Program) -> str:
    """The program with line numbers."""
    return _numbered(_lines(program))


def _lines(program: Program) -> list[str]:
    """The lines of the program, without blank ones at its end."""
    lines = list(program.lines)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _numbered(lines: list[str]) -> str:
    width = len(str(len(lines)))
    return "\n".join(f"{number:>{width}} | {line}".rstrip() for number, line in enumerate(lines, start=1))


def template_names() -> list[str]:
    """Names of the templates in this package."""
    return sorted(path.name for path in _FOLDER.iterdir() if path.is_dir())


_template_overrides: dict[tuple[str, str], str] = {}


def template_texts(name: str, kinds: Iterable[str]) -> dict[str, str]:
    """The texts of a template, by kind; what `use_texts` takes in a process that cannot read files.

    Raises:
        QuestionError: there is no such template.
    """
    return {kind: _template(name, kind).template for kind in kinds}


def override_templates(name: str, texts: Mapping[str, str]) -> None:
    """Takes the texts of a template as given, from now on in this process."""
    for kind, text in texts.items():
        _template_overrides[name, kind] = text
    _template.cache_clear()


@functools.cache
def _template(name: str, kind: str) -> string.Template:
    if (name, kind) in _template_overrides:
        return string.Template(_template_overrides[name, kind])
    folder = _FOLDER / name if name in template_names() else Path(name)
    try:
        return string.Template((folder / f"{kind}.txt").read_text(encoding="utf-8"))
    except OSError:
        meant = suggestion(name, template_names(), "a folder")
        raise QuestionError(f"there is no template {name!r} with a file {kind}.txt: {meant}") from None
