"""The one place that prints. Nothing that a user, a file or a model wrote is read as markup, or acted on by a terminal.

Verbs write by `SCREEN` (standard output, for people), `NOTES` (standard error), `note` and `echo_json`; none of them calls `print` or
`click.echo`, or makes a console of its own.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text as PlainText

from execverify.cli.verbosity import is_quiet
from execverify.utils.messages import quoted


class Text(PlainText):
    """A text with a style, whose escapes are there before it is laid out, so that they count in the width of a table."""

    def __init__(self, text: str = "", style: str = "") -> None:
        super().__init__(quoted(text), style)


class SafeConsole(Console):
    """A console that prints texts as they are: no markup, no emoji codes, and an escape for what a terminal would act on."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> PlainText:
        """A text that was given without a style."""
        return super().render_str(quoted(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is to be written; its texts are made safe here, so that the console's own colours stay."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(quoted(segment.text), segment.style)


CONSOLE_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120  # a file or a pipe has no width of its own

stdout = SafeConsole(width=CONSOLE_WIDTH)
stderr = SafeConsole(stderr=True, soft_wrap=True)


def note(text: str, style: str = "") -> None:
    """Write a line for people on standard error; with --quiet, only one that has a style, which is a warning."""
    if is_quiet() and not style:
        return
    with contextlib.suppress(OSError):  # a full disk behind standard error must not end the work
        stderr.print(Text(text, style=style))


def echo_json(value: Any) -> None:
    """Writes a value as one line of JSON on standard output, in ASCII alone."""
    click.echo(json.dumps(value).replace("\x7f", "\\u007f"))


def echo_text(text: str) -> None:
    """Writes a text, such as Markdown, as it is on standard output, but for what a terminal would act on."""
    click.echo(quoted(text), nl=not text.endswith("\n"))
