"""Advantages of characters as advantages of tokens.

A reward function that credits parts of a completion has a method

    credits(completions: list[str], columns: dict[str, list], group: int) -> list[list[tuple[int, int, float]]]

which gives for each completion a list of (start, end, advantage). The spans count characters of the completion's text, are half-open,
in order, and do not overlap. A span with start = end = len(text) credits the end-of-sequence token. `group` completions that follow one
another have the same prompt.

    TokenCredits(tokenizer, [2]).advantages([15, 7, 2], [(4, 9, 1.0)])   # [0.0, 1.0, 0.0], where token 7 is characters 4 to 8
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from execverify.errors import TrainingError

Span = tuple[int, int, float]
"""First character, the character after the last one, and the advantage of the tokens in between."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class TokenCredits:
    """Maps spans of characters to tokens for one tokenizer.

    A token takes the advantage of the span in which its first character is. Tokens in no span, and special tokens other than the
    end of sequence, get 0.

    Args:
        tokenizer: of transformers.
        ends: ids of the tokens that end a completion.
        clean_up: whether decoding removes spaces before punctuation; None leaves it to the tokenizer's own setting.
    """

    def __init__(self, tokenizer: Any, ends: Sequence[int], *, clean_up: bool | None = False) -> None:
        self._tokenizer = tokenizer
        self._options = {} if clean_up is None else {"clean_up_tokenization_spaces": clean_up}
        self._ends = frozenset(ends)
        self._pieces: dict[int, str] = {}
        # A piece is decoded after another token, because some decoders drop the space at the begin of a text.
        self._before = next((id_ for id_ in tokenizer("a", add_special_tokens=False)["input_ids"] if self.text([id_])), None)

    def text(self, ids: Sequence[int]) -> str:
        """The text of tokens without special tokens, to which the spans refer."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, **self._options)
        return text

    def advantages(self, ids: Sequence[int], spans: Sequence[Span], name: str = "credits") -> list[float]:
        """The advantage of each token.

        Args:
            ids: the tokens of one completion, with the one that ended it.
            spans: of its text.
            name: of the reward function, for messages.

        Raises:
            TrainingError: the spans overlap, are not in order, or exceed the text.
        """
        text = self.text(ids)
        _check_spans(spans, len(text), name)
        at_end = sum(value for start, end, value in spans if start == end == len(text))
        found, places, left = [], self.starts(ids, text), list(reversed(spans))
        for index, (token, start) in enumerate(zip(ids, places, strict=True)):
            if token in self._ends and index == len(ids) - 1:
                found.append(float(at_end))
                continue
            while left and start is not None and left[-1][1] <= start:
                left.pop()
            found.append(float(left[-1][2]) if left and start is not None and left[-1][0] <= start < left[-1][1] else 0.0)
        return found

    def starts(self, ids: Sequence[int], text: str | None = None) -> list[int | None]:
        """The index of the first character of each token in the text; None for tokens without text.

        A token with the later bytes of a character starts where that character is.
        """
        text = self.text(ids) if text is None else text
        found: list[int | None] = []
        at, joined = 0, []
        for partial, run in itertools.groupby(ids, lambda token: _REPLACEMENT in self._piece(token)):
            tokens = list(run)
            pieces = [self._after(tokens)] if partial else [self._piece(token) for token in tokens]
            if partial:  # several tokens make one character
                found += [at + start for start in _prefix_lengths(tokens, pieces[0], self._after)]
                at += len(pieces[0])
            else:
                for piece in pieces:
                    found.append(at if piece else None)
                    at += len(piece)
            joined += pieces
        whole = "".join(joined)
        if whole == text:
            return found
        if whole == " " + text:  # the decoder drops a space at the begin
            return [start and max(0, start - 1) for start in found]
        silent = [not self._piece(token) for token in ids]
        starts = _prefix_lengths(ids, text, self.text)  # the tokenizer changes text where tokens meet
        return [None if quiet else start for quiet, start in zip(silent, starts, strict=True)]

    def _piece(self, token: int) -> str:
        """The text that a token adds after another one."""
        if token not in self._pieces:
            self._pieces[token] = self._after([token])
        return self._pieces[token]

    def _after(self, ids: Sequence[int]) -> str:
        if self._before is None:
            return self.text(ids)
        return self.text([self._before, *ids]).removeprefix(self.text([self._before]))


def _prefix_lengths(ids: Sequence[int], text: str, decode: Callable[[Sequence[int]], str]) -> list[int]:
    """How much of the text the tokens before each token make; slow, because it decodes each beginning."""
    return [_common(decode(ids[:count]), text) for count in range(len(ids))]


def _common(one: str, other: str) -> int:
    """The length of the common beginning."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))


def _check_spans(spans: Sequence[Span], length: int, name: str) -> None:
    last = 0
    for start, end, _ in spans:
        if not last <= start <= end <= length:
            raise TrainingError(
                f"{name} credits characters {start} to {end} of a completion of {length}: give spans in order that do not overlap"
            )
        last = end
