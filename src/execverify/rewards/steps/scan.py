"""Splitting text at marks that stand outside of quotes and brackets."""


class Unreadable(ValueError):
    """The text is not in the style; the message says where."""


_OPEN, _CLOSE = "([{", ")]}"


def is_closed(text: str) -> bool:
    """Whether every quote and bracket that opens in a text closes in it, and no backslash ends it."""
    return not text.endswith("\\") and len(split_outside(f"{text}\n", "\n")) == 2


def split_outside(text: str, mark: str, most: int = -1) -> list[str]:
    """The parts of a text between the marks that are outside of quotes and brackets; at most `most` cuts, from the left."""
    parts: list[str] = []
    start = at = depth = 0
    while at < len(text):
        if depth <= 0 and text.startswith(mark, at) and most != 0:
            parts.append(text[start:at])
            at += len(mark)
            start = at
            most -= 1
            continue
        letter = text[at]
        if letter in "'\"":
            at = _after_quotes(text, at)
            continue
        if letter in _OPEN:
            depth += 1
        elif letter in _CLOSE:
            depth -= 1
        at += 1
    parts.append(text[start:])
    return parts


def _after_quotes(text: str, at: int) -> int:
    """Where a quoted text ends that begins here; the end of the text where it does not."""
    quote = text[at] * 3 if text.startswith(text[at] * 3, at) else text[at]
    at += len(quote)
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith(quote, at):
            return at + len(quote)
        else:
            at += 1
    return len(text)
