"""Advantages of characters as advantages of tokens.

A reward function that credits parts of a completion has a method

    credits(completions: list[str], columns: dict[str, list], group: int) -> list[list[tuple[int, int, float]]]

which gives for each completion a list of (start, end, advantage). The spans count characters of the completion's text and are half-open.
Where they overlap, the last one in the list counts. A span with start = end = len(text) credits the end-of-sequence token. `group`
completions that follow one another have the same prompt.

    TokenCredits(tokenizer, [2]).advantages([15, 7, 2], [(4, 9, 1.0)])   # [0.0, 1.0, 0.0], where token 7 is characters 4 to 8
"""

import itertools
from collections.abc import Sequence
from typing import Any

from execverify.errors import TrainingError

Span = tuple[int, int, float]
"""First character, the character after the last one, and the advantage of the tokens in between."""

_MOST_BEGINNINGS, _HALVES = 32, 8
"""More tokens than the first are halved before each of their beginnings is decoded; the second is how many places are tried for it."""
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class TokenCredits:
    """Maps spans of characters to tokens for one tokenizer.

    A token takes the advantage of the last span in the list that holds one of its characters. So a token with the newline of one line and
    the begin of the next, by which a model chooses the next line, counts to the next. Tokens in no span, and special tokens other than
    the end of sequence, get 0.

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
        self._before = [id_ for id_ in tokenizer("a", add_special_tokens=False)["input_ids"] if self.text([id_])][:1]

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
            TrainingError: a span exceeds the text.
        """
        text = self.text(ids)
        _check_spans(spans, len(text), name)
        at_end = next((value for start, end, value in reversed(spans) if start == end == len(text)), 0.0)
        owner = [-1] * len(text)  # for each character, the last span that holds it
        for place, (start, end, _) in enumerate(spans):
            owner[start:end] = [place] * (end - start)
        found, starts = [], self.starts(ids, text)
        for index, (begin, stop) in enumerate(zip(starts, _stops(starts, len(text)), strict=True)):
            if ids[index] in self._ends and index == len(ids) - 1:
                found.append(float(at_end))
                continue
            last = max(owner[begin:stop], default=-1) if begin is not None else -1
            found.append(float(spans[last][2]) if last >= 0 else 0.0)
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
            pieces = [self._after(tokens, self._before)] if partial else [self._piece(token) for token in tokens]
            if partial:  # several tokens make one character
                found += [at + start for start in self._prefix_lengths(tokens, pieces[0], self._before)]
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
        starts = self._prefix_lengths(ids, text, ())  # the tokenizer changes text where tokens meet
        return [None if quiet else start for quiet, start in zip(silent, starts, strict=True)]

    def _piece(self, token: int) -> str:
        """The text that a token adds after another one."""
        if token not in self._pieces:
            self._pieces[token] = self._after([token], self._before)
        return self._pieces[token]

    def _after(self, ids: Sequence[int], before: Sequence[int]) -> str:
        """The text that tokens add after others."""
        return self.text([*before, *ids]).removeprefix(self.text(before)) if before else self.text(ids)

    def _prefix_lengths(self, ids: Sequence[int], text: str, before: Sequence[int]) -> list[int]:
        """How much of their text the tokens before each token make.

        It decodes each beginning, which takes the square of the time. So it halves the tokens first, at a place where the texts of both
        parts give the whole.

        Args:
            ids: the tokens.
            text: that they add after `before`.
            before: the token before them, if any.
        """
        half = len(ids) // 2
        for at in range(half, half + _HALVES) if len(ids) > _MOST_BEGINNINGS else ():
            left = self._after(ids[:at], before)
            for middle in (self._before, ids[at - 1 : at]):  # a byte is no context for the bytes after it
                right = self._after(ids[at:], middle)
                if left + right == text:
                    after = self._prefix_lengths(ids[at:], right, middle)
                    return [*self._prefix_lengths(ids[:at], left, before), *(len(left) + length for length in after)]
        lengths = [_common(self._after(ids[:count], before), text) for count in range(len(ids))]
        return list(itertools.accumulate(lengths, max))  # amid a character, some decoders give no character before it either


def _common(one: str, other: str) -> int:
    """The length of the common beginning."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))


def _stops(starts: Sequence[int | None], length: int) -> list[int]:
    """Where each token ends: at the next start that is greater, for the tokens of one character share its start."""
    found: list[int] = []
    stop = last = length
    for start in reversed(starts):
        if start is not None and start < last:
            stop, last = last, start
        found.append(stop)
    return found[::-1]


def _check_spans(spans: Sequence[Span], length: int, name: str) -> None:
    for start, end, _ in spans:
        if not 0 <= start <= end <= length:
            raise TrainingError(
                f"{name} credits characters {start} to {end} of a completion of {length}: "
                "give spans with 0 <= start <= end <= the length of the text"
            )
