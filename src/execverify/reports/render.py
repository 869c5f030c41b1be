"""Renders HTML pages from the templates of this package.

A page is one file that loads nothing: styles and the script are inside, and its Content-Security-Policy forbids everything else.
Every value is escaped; only text that is `markupsafe.Markup` already is not. Characters that a reader cannot see, or that change
the direction of the text, are shown as escapes.
"""

import base64
import functools
import hashlib
import importlib.resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from execverify.errors import ExecVerifyError
from execverify.reports.legend import shown
from execverify.reports.markdown import format_count, format_interval, format_p_value, format_percent, format_share
from execverify.utils.messages import count_phrase

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = "templates"


def render(template: str, *, script: str | None = None, style: str = "report.css", **data: Any) -> str:
    """A page as HTML.

    Args:
        template: a file of `templates/`.
        script: a JavaScript file of `templates/` that the page runs.
        style: a style sheet of `templates/`.
        data: what the template shows.

    Raises:
        ExecVerifyError: Jinja2 is not installed.
    """
    page = _environment().get_template(template)
    text = "" if script is None else _read(script)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    from markupsafe import Markup

    return page.render(style=Markup(_read(style)), script=Markup(text), script_hash=digest, **data)


@functools.cache
def _environment() -> "Environment":
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise ExecVerifyError("a page needs Jinja2: pip install 'execverify[cli]'") from None
    environment = Environment(
        loader=PackageLoader(__package__, _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": True, "separators": (",", ":")}
    environment.filters.update(
        number=format_count, share=format_share, percent=format_percent, interval=format_interval,
        inline_code=inline_code, python=python, cut=cut, file_link=file_link, counted=counted,
        p_value=format_p_value, shown=shown,
    )  # fmt: skip
    return environment


def _read(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(_TEMPLATES, name).read_text(encoding="utf-8")


def _finalize(value: Any) -> Any:
    """What a template shows of a value, before it is escaped."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def visible(text: str) -> str:
    """A text whose unprintable characters, but for line ends and tabs, are escapes as Python writes them.

    >>> visible("a\\u202eb")
    'a\\\\u202eb'
    """
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode("ascii") for char in text
    )


def inline_code(text: str) -> "Markup":
    """A sentence as HTML, where the text between backticks is code."""
    from markupsafe import Markup

    parts = (visible(part) for part in text.split("`"))
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun; thousands have commas."""
    return count_phrase(count, noun, plural).replace(str(count), format_count(count), 1)


def file_link(path: str, text: str) -> "Markup":
    """A link to a file beside the page, by its relative path."""
    from markupsafe import Markup

    return Markup('<a href="./{}">{}</a>').format(quote(path), visible(text))


def cut(text: str, width: int) -> str:
    """The text, or so much of it that it has `width` characters with an ellipsis."""
    return text if len(text) <= width else text[: width - 1] + "…"


def python(source: str) -> "Markup":
    """Python source as HTML; see `highlight`."""
    from markupsafe import Markup

    return Markup("\n").join(highlight(source))


@functools.lru_cache(1_000)
def highlight(source: str) -> list["Markup"]:
    """The lines of a Python source as HTML with the classes of Pygments; there are as many as `\\n` in the source, and one."""
    import pygments
    from markupsafe import Markup
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    html = pygments.highlight(visible(source), PythonLexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True))
    lines = html.split("\n")
    return [Markup(line) for line in [*lines, ""][: source.count("\n") + 1]]
