"""How a notebook shows a value: as a page of `execverify.reports`, or as plain text where what that needs is not installed."""

import html
import importlib

_MAX_TEXT = 4_000


def notebook_repr(value: object) -> str:
    """A trace, a task or a score as HTML.

    The page is made by `execverify.reports.viewer`, which is loaded here and needs Jinja2. Without it, or where a program cannot be
    run, the value is shown as its escaped text.
    """
    try:
        found: str = importlib.import_module("execverify.reports.viewer").notebook_html(value)
    except Exception:  # whatever is missing, a notebook must show the value
        text = repr(value)
        return f"<pre>{html.escape(text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + '...')}</pre>"
    return found
