"""Reads voices in words: text with code between backticks, sentence by sentence, by patterns.

What stands between backticks is taken out first, so that a pattern meets the words alone: `§` is where code was.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from execverify.datasets.chains.claims import Bindings, Claim

_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)")
SPAN = "§"
"""Stands for a span of code."""


class Unreadable(ValueError):
    """The text is not in the voice's words; the message says where."""


Found = re.Match[str]
Spans = list[str]
Pattern = tuple[str, Callable[[Found, Spans], Iterator[Claim]]]
"""Words, as a regular expression in which `§` is code; and the claims in them, given the match and the codes in it."""


class Reader:
    """Reads a voice.

    Args:
        patterns: tried in order at each place; the first that fits is taken.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = [(re.compile(words, re.IGNORECASE), claims) for words, claims in patterns]

    def read(self, text: str) -> Iterator[Claim]:
        """The claims of a text, in order.

        Raises:
            Unreadable: words that are none of the voice's.
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
                raise Unreadable(f"not in the words of the voice: {words[at : at + 80]!r}")


def bindings(codes: Sequence[str]) -> Bindings:
    """Names and values that come in turn."""
    return tuple(zip(codes[::2], codes[1::2], strict=True))


NAMED = rf"{SPAN} = {SPAN}(?:, {SPAN} = {SPAN})*(?: and {SPAN} = {SPAN})?"
"""`a` = `1`, `b` = `2` and `c` = `3`."""


def visit_of(text: str | None) -> int:
    """The visit that an ordinal tells; the first where there is none."""
    return int(re.sub(r"\D", "", text)) if text else 1
