"""How benchmarks are asked: templates by style, or a file of the user's own.

    execverify   reasoning, then the answer in tags: what this package trains
    direct       the benchmarks' own way without reasoning: worked examples, the answer after [ANSWER]
    cot          the same with reasoning before it
    bare         like `direct`, with the whole completion taken as the answer: for recorded answers that are taken out already

The texts are this package's own; to ask in an author's exact words, put them into a file and name it as the style. In a
template, `$code` stands for the program, `$call` for its call, and so on; an unknown name is an error that lists the known ones.
"""

import functools
import string
from collections.abc import Mapping
from pathlib import Path

from execverify.errors import EvaluationError
from execverify.evaluation.answers import ANSWER_TAGS, EXECVERIFY, PLAIN
from execverify.questions.question import ANSWER_OPEN
from execverify.utils.messages import suggestion

PROMPT_STYLES = (EXECVERIFY, *ANSWER_TAGS, PLAIN)
"""The styles that every benchmark has."""

_FOLDER = Path(__file__).parent / "templates"


def render(style: str, name: str, fields: Mapping[str, str]) -> str:
    """The prompt of an item.

    Args:
        style: of `STYLES`, or the path of a template file.
        name: which of a style's templates.
        fields: what they may name.

    Raises:
        EvaluationError: no such style or file, or a name in it that does not exist.
    """
    try:
        template = _template(style, name)
        if style not in PROMPT_STYLES and not set(template.get_identifiers()) & fields.keys():
            raise EvaluationError(f"the template {style} asks about nothing: it uses none of ${', $'.join(fields)}")
        return template.substitute(fields).strip("\n")
    except (KeyError, ValueError) as error:
        raise EvaluationError(f"the template {style} uses {error}; it may use ${', $'.join(fields)}") from None


def answer_format_of(style: str) -> str:
    """The style whose answers look like those of a style: itself, unless it is a file."""
    if style in PROMPT_STYLES:
        return style
    return EXECVERIFY if ANSWER_OPEN in _text(style) else ANSWER_TAGS[0]


def _template(style: str, name: str) -> string.Template:
    return _template_exists(style, name) if style in PROMPT_STYLES else string.Template(_text(style))


@functools.cache
def _template_exists(style: str, name: str) -> string.Template:
    return string.Template((_FOLDER / (ANSWER_TAGS[0] if style == PLAIN else style) / f"{name}.txt").read_text(encoding="utf-8"))


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise EvaluationError(f"there is no style {path!r}: {suggestion(path, PROMPT_STYLES, 'a template file')}") from None
