"""Splits text at marks that stand outside quotes and brackets."""

import re


class Unreadable(ValueError):
    """The text is not in the style; the message says where."""


_OPEN, _CLOSE = "([{", ")]}"


def is_closed(text: str) -> bool:
    """Whether every quote and bracket that opens in a text closes in it, and no backslash ends it."""
    return not text.endswith("\\") and len(split_outside(f"{text}\n", "\n")) == 2


_SIGNIFICANT = re.compile(r"['\"()\[\]{}]")


def split_outside(text: str, mark: str, most: int = -1) -> list[str]:
    """The parts of a text between the marks that are outside quotes and brackets; at most `most` cuts, from the left."""
    if mark not in text or most == 0:
        return [text]
    if _SIGNIFICANT.search(text) is None:
        return text.split(mark, most)
    parts: list[str] = []
    start = at = depth = 0
    signs = re.compile(rf"{re.escape(mark)}|['\"()\[\]{{}}]")
    while (found := signs.search(text, at)) is not None:
        sign = found[0]
        at = found.end()
        if sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
        elif sign in "'\"":
            at = _after_quotes(text, found.start())
        elif depth <= 0:
            parts.append(text[start : found.start()])
            start = at
            if len(parts) == most:
                break
    parts.append(text[start:])
    return parts


_QUOTED_ENDS = {quote: re.compile(rf"\\.|{quote}", re.DOTALL) for quote in ("'", '"', "'''", '"""')}


def _after_quotes(text: str, at: int) -> int:
    """Where a quoted text that begins at a place ends; the end of the text where it is not closed."""
    quote = text[at] * 3 if text.startswith(text[at] * 3, at) else text[at]
    at += len(quote)
    ends = _QUOTED_ENDS[quote]
    while (found := ends.search(text, at)) is not None:
        at = found.end()
        if found[0][0] != "\\":
            return at
    return len(text)
