"""Reads styles in words: text with code between backticks, sentence by sentence, by patterns.

What stands between backticks is taken out first, so that a pattern meets the words alone: `§` is where code was.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from execverify.questions.question import ordinal
from execverify.rewards.steps.claims import Bindings, Claim
from execverify.rewards.steps.scan import Unreadable

_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)")
SPAN = "§"
"""Stands for a span of code."""


Found = re.Match[str]
Spans = list[str]
Pattern = tuple[str, Callable[[Found, Spans], Iterator[Claim]]]
"""Words, as a regular expression in which `§` is code; and the claims in them, given the match and the codes in it."""


class Reader:
    """Reads a style.

    Args:
        patterns: tried in order at each place; the first that fits is taken.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = [(re.compile(words, re.IGNORECASE), claims) for words, claims in patterns]

    def read(self, text: str) -> Iterator[Claim]:
        """The claims of a text, in order.

        Raises:
            Unreadable: words that are none of the style's.
        """
        for paragraph in text.split("\n"):
            yield from self._paragraph(paragraph)

    def _paragraph(self, text: str) -> Iterator[Claim]:
        if SPAN in _SPAN.sub("", text):
            raise Unreadable(f"the mark {SPAN} stands outside of code: {text[:80]!r}")
        codes = [found[2] for found in _SPAN.finditer(text)]
        words = _SPAN.sub(SPAN, text)
        at = used = 0
        while at < len(words):
            for pattern, claims in self.patterns:
                found = pattern.match(words, at)
                if found is not None and found.end() > at:
                    count = found[0].count(SPAN)
                    yield from claims(found, codes[used : used + count])
                    used += count
                    at = found.end()
                    break
            else:
                raise Unreadable(f"not in the words of the style: {words[at : at + 80]!r}")


def bindings(codes: Sequence[str]) -> Bindings:
    """Names and values that come in turn."""
    return tuple(zip(codes[::2], codes[1::2], strict=True))


NAMED = rf"{SPAN} = {SPAN}(?:, {SPAN} = {SPAN})*(?: and {SPAN} = {SPAN})?"
"""`a` = `1`, `b` = `2` and `c` = `3`."""


ORDINAL = r"(\d+(?:st|nd|rd|th))"
"""`2nd`."""

LINE = rf"line (\d+)(?: \({ORDINAL} time\))?"
"""`line 3`, or `line 3 (2nd time)`."""


def place(found: Found) -> tuple[int, int]:
    """The line and visit of a pattern that begins with `LINE`."""
    return int(found[1]), number_of(found[2]) if found[2] else 1


def number_of(text: str) -> int:
    """The number of an ordinal."""
    number = int(text[:-2])
    if ordinal(number) != text.lower():
        raise Unreadable(f"{text} is no number in a row")
    return number
