"""Narrations with one thing changed: a number, a truth, a name, an operator. Each says something else than the run."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from execverify.rewards.steps.claims import Claim
from tests.oracles.cot.reading import READERS, Unreadable

_PLACES = re.compile(
    r"\d+(?:st|nd|rd|th)|\d+|True|False|\btrue\b|\bfalse\b|is true|is false|does not hold|\bholds\b|[A-Za-z_]\w*|[-+*/%<>=]=?"
)
_FLIPPED = {
    "True": "False", "False": "True", "true": "false", "false": "true", "holds": "does not hold", "does not hold": "holds",
    "is true": "is false", "is false": "is true",
}  # fmt: skip
_SIGNS = ("+", "-", "*", "<", ">", "==")


@dataclass(frozen=True)
class Mutant:
    """A completion that claims something else than the one that it was made of.

    Attributes:
        text: the whole completion.
        what: what was changed, and into what.
        where: the text around the place, before and after.
    """

    text: str
    what: tuple[str, str]
    where: tuple[str, str]


def mutants(completion: str, voice: str, count: int, rng: random.Random) -> Iterator[Mutant]:
    """Up to so many mutants of a completion, each with one change that changes its claims or makes them unreadable."""
    reasoning, answer = completion.split("\n</reasoning>")
    reasoning = reasoning.removeprefix("<reasoning>\n")
    claims = list(READERS[voice](reasoning))
    places = list(_PLACES.finditer(reasoning))
    for place in rng.sample(places, min(count, len(places))):
        new = _changed(place[0], reasoning, rng)
        text = reasoning[: place.start()] + new + reasoning[place.end() :]
        if _claims(text, voice) != claims:
            around = slice(max(0, place.start() - 60), place.end() + 40)
            yield Mutant(f"<reasoning>\n{text}\n</reasoning>{answer}", (place[0], new), (reasoning[around], text[around]))


def _claims(text: str, voice: str) -> list[Claim] | None:
    try:
        return list(READERS[voice](text))
    except Unreadable:
        return None


def _changed(old: str, text: str, rng: random.Random) -> str:
    if old in _FLIPPED:
        return _FLIPPED[old]
    if old[0].isdigit():
        suffix = old.lstrip("0123456789")
        number = int(old.removesuffix(suffix))
        return str(rng.choice([number + 1, max(0, number - 1), number * 10 + 1, number + 2])) + suffix
    if old[0].isalpha() or old[0] == "_":
        return rng.choice(sorted(_words(text) - {old}) or [old + "s"])
    return rng.choice([sign for sign in _SIGNS if sign != old])


def _words(text: str) -> set[str]:
    return {found[0] for found in re.finditer(r"[A-Za-z_]\w*", text)}
