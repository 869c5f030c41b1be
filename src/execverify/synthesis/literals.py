"""Literals in programs, and the arguments of their calls."""

import random
from ast import literal_eval
from collections.abc import Sequence
from typing import Any, Protocol

from execverify.programs.type_expr import arguments, type_head
from execverify.synthesis.domains import STRINGS, Domain

LITERALS: dict[str, Sequence[str]] = {
    "char": ("'a'", "'e'", "'o'", "'s'", "'t'", "'r'", "'n'", "'-'", "','", "' '", "'l'"),
    "sep": ("','", "'-'", "':'", "' '", "', '", "'='", "'/'", "';'", "'_'"),
    "letter": ("'a'", "'k'", "'Z'", "'q'", "'m'", "'B'", "'7'"),
    "pad": ("'*'", "'-'", "'.'", "'0'", "'#'"),
    "strip": ("'.'", "'!'", "'-'", "' .'", "'#'", "'*'", "'0'"),
    "start": ("'un'", "'re'", "'a'", "'s'", "'b'", "'pre'", "'#'"),
    "ending": ("'s'", "'ed'", "'e'", "'ing'", "'er'", "'!'", "'y'"),
    "part": ("'!'", "'-'", "'s'", "'.'", "'?'", "'ed'", "'er'", "', '"),
    "other": ("'*'", "'_'", "''", "'x'", "'--'", "'+'", "'u'"),
    "chars": ("'abc'", "'xyz'", "'aei'", "'rst'"),
    "str": ("''",),
    "small": ("1", "2", "3", "1", "2"),
    "two": ("2", "2", "3"),
    "modulus": ("3", "4", "5", "7", "10"),
    "power": ("2", "3", "2"),
    "nat": ("5", "6", "4", "8"),
    "step": ("2", "3"),
    "width": ("8", "10", "6", "12", "5"),
    "nonzero": ("2", "3", "4", "5", "7", "10"),
    "index": ("0", "-1", "1", "0", "-1"),
    "mask": ("1", "3", "5", "6", "7", "12"),
    "code": ("97", "101", "115", "65", "116", "100"),
    "size": ("2", "3", "2", "4", "1"),
    "many": ("3", "4", "5", "4", "5", "2", "6"),
    "length": ("3", "4", "5", "6", "5", "4", "8"),
    "threshold": ("0", "3", "5", "10", "4", "7", "12", "2"),
    "int": ("1", "2", "3", "5", "7", "10", "4", "0"),
    "float": ("0.5", "1.5", "2.0", "2.5", "0.25"),
    "bool": ("True", "False"),
}
"""Literals by role; the types themselves are roles too. Words come from the program's domain instead."""

WORD_ROLES = frozenset(("", "word", "key", "str"))
"""Roles of texts that are words of the program's domain."""


class _Wanted(Protocol):
    name: str
    kind: str
    role: str
    value_hints: list[str]


def arguments_for(rng: random.Random, params: Sequence[_Wanted], domain: Domain = STRINGS) -> list[object]:
    """Values for a call, which go with each other: a separator that occurs, a key that is there, a limit within the values."""
    values: dict[str, object] = {}
    for param in sorted(params, key=lambda p: not p.role):  # what others must hold comes first
        value_hints = [_resolved(hint, values) for hint in param.value_hints]
        values[param.name] = _value(rng, domain, param.kind, param.role, value_hints)
        same_kind = [other for other in params if other.kind == param.kind and other.name in values and other is not param]
        if same_kind and rng.random() < 0.2:  # what is compared should agree now and then
            values[param.name] = _similar_value(rng, values[rng.choice(same_kind).name])
    return [values[param.name] for param in params]


def _similar_value(rng: random.Random, value: object) -> object:
    """The same value, or one that shares much with it."""
    if isinstance(value, list) and len(value) > 1 and rng.random() < 0.6:
        return rng.choice((value[:-1], value[1:], value[::-1]))
    if isinstance(value, int) and not isinstance(value, bool) and rng.random() < 0.6:
        return value + rng.choice((1, 2, -1, 3))
    return value


def _resolved(value_hint: str, values: dict[str, object]) -> str:
    role, colon, mark = value_hint.partition(":")
    if mark[:1] == "\2":
        given = values.get(mark[1:])
        if isinstance(given, list | dict | set | tuple) or given is None:
            return ""
        return f"{role}:{given!r}" if role == "has" else f"{role}:{given}"
    return role + colon + mark


def _value(rng: random.Random, domain: Domain, kind: str, role: str, value_hints: list[str]) -> object:
    name, parts = type_head(kind), arguments(kind)
    if kind == "str":
        same = [hint[3:] for hint in value_hints if hint.startswith("is:")]
        if same and rng.random() < 0.4:
            return _parse_if_typed(same[0], "str") or ""
        if role and role in WORD_ROLES:
            return domain.word(rng)
        return _literal(rng, role) if role in LITERALS else _text(rng, domain, value_hints)
    if kind == "int":
        if "codes" in value_hints:
            return rng.randint(65, 122)
        if "some" in value_hints:
            return rng.randint(8, 40)
        if "big" in value_hints:
            return rng.choice((rng.randint(20, 400), rng.randint(100, 9999), rng.randint(10, 99)))
        return _literal(rng, role) if role in LITERALS and role != "threshold" else _number(rng, role)
    if kind == "float":
        return rng.choice((0.5, 1.25, 2.0, 3.5, 7.75, -1.5, 4.0, 10.5, 0.1, 6.25))
    if kind == "bool":
        return rng.random() < 0.5
    if name in ("list", "set"):
        size = rng.choice((4, 5, 5, 6, 6, 7)) if parts[0] in ("int", "str", "float", "bool") else rng.choice((3, 3, 4, 4))
        items = [_value(rng, domain, parts[0], "", ["element", *value_hints]) for _ in range(size)]
        for hint in dict.fromkeys(value_hints):
            if hint.startswith("has:") and rng.random() < 0.85 and (wanted := _parse_if_typed(hint[4:], parts[0])) is not None:
                items[rng.randrange(len(items))] = wanted
        if name == "set":
            return set(items)
        if len(items) > 3 and rng.random() < 0.5:
            items[rng.randrange(1, len(items))] = items[0]  # people's data repeat themselves
        return items
    if name == "tuple":
        if "places" in value_hints and rng.random() < 0.7:  # each of them a place in it
            return tuple(rng.sample(range(len(parts)), len(parts)))
        given = [_value(rng, domain, part, "", value_hints) for part in parts]
        for hint in dict.fromkeys(value_hints):
            if hint.startswith("has:") and (wanted := _parse_if_typed(hint[4:], parts[-1])) is not None:
                given[-1] = wanted
        return tuple(given)
    if name == "dict":
        keys = [hint[4:] for hint in value_hints if hint.startswith("key:")][:1]
        keys += [domain.word(rng) for _ in range(rng.choice((2, 3, 3, 4, 5)))]
        marks = [hint for hint in value_hints if not hint.startswith(("key:", "has:", "is:", "sep:"))]
        if marks and parts[1] != "str":
            keys = [_text(rng, domain, ["element", *marks]) if rng.random() < 0.5 else key for key in keys]
        return {
            key: _value(rng, domain, parts[1], "", ["element", *(marks if parts[1] == "str" else [])])
            for key in dict.fromkeys(keys)
        }
    raise ValueError(f"no argument of type {kind} can be made")


def _parse_if_typed(text: str, kind: str) -> object:
    """The value of a literal, where it has the type; else None."""
    try:
        value = literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return value if type(value).__name__ == kind else None


def _literal(rng: random.Random, role: str) -> Any:
    return literal_eval(rng.choice([text for text in LITERALS[role] if text != "''"]))


def _number(rng: random.Random, role: str) -> int:
    if role == "threshold":
        return rng.choice((2, 3, 4, 5, 6, 8, 10))
    return rng.choice((rng.randint(0, 12), rng.randint(1, 20), rng.randint(-9, 30), rng.randint(2, 60)))


def _text(rng: random.Random, domain: Domain, value_hints: list[str]) -> str:
    element = "element" in value_hints
    if "numeric" in value_hints:
        return str(rng.randint(1, 99))
    text = domain.word(rng)
    marks = [hint for hint in dict.fromkeys(value_hints) if hint and hint != "element"]
    seps = [hint[4:] for hint in marks if hint.startswith("sep:")]
    if seps:
        count = rng.choice((2, 2, 3, 1)) if element else rng.choice((3, 4, 3, 5))
        digits = rng.random() < 0.3 or "digits" in marks
        pieces = [str(rng.randint(1, 40)) if digits and rng.random() < 0.5 else domain.word(rng) for _ in range(count)]
        text = rng.choice(seps).join(pieces)
    elif not element and ("words" in marks or rng.random() < 0.45):
        text = " ".join(domain.word(rng) for _ in range(rng.choice((2, 3, 3, 4, 5))))
        if rng.random() < 0.25:
            text = text.capitalize() + rng.choice(("", ".", "!", "?"))
    rng.shuffle(marks)
    for mark in marks[:3]:
        if not element or rng.random() < 0.55:
            text = _with_features(rng, domain, text, mark, element)
    return text


def _with_features(rng: random.Random, domain: Domain, text: str, mark: str, element: bool) -> str:
    role, _, what = mark.partition(":")
    if role in ("char", "letter", "strip") and what:
        if role == "strip":
            return rng.choice((what + text, text + what, what + text + what))
        return text if what in text else _with_char(rng, domain, text, what)
    if role == "start":
        return what + text
    if role == "ending":
        return text + what
    if role == "digits":
        return rng.choice(
            (str(rng.randint(1, 999)), text + str(rng.randint(1, 99)))
            if element
            else (text + str(rng.randint(1, 99)), f"{rng.randint(1, 9)}{text}", str(rng.randint(10, 999)))
        )
    if role == "upper":
        return rng.choice((text.upper(), text.capitalize(), text.title(), text[:2] + text[2:].upper()))
    if role == "title":
        return text.title()
    if role == "blanks":
        return rng.choice((f"  {text}", f"{text} ", f" {text} ", "   "))
    if role == "tabs":
        where = max(1, len(text) // 2)
        return text[:where] + "\t" + text[where:]
    if role == "lines":
        return text.replace(" ", "\n", 2) + "\n" + domain.word(rng)
    if role == "accents":
        return rng.choice((text + "é", "ñ" + text, text.replace("e", "é")))
    return text


def _with_char(rng: random.Random, domain: Domain, text: str, char: str) -> str:
    """The text with a character in it: in another word that has it, or between two words."""
    for _ in range(4):
        other = domain.word(rng)
        if char in other:
            return f"{text} {other}" if " " in text else other
    if char.isalnum() or " " in text:
        return text + char
    return f"{text}{char}{domain.word(rng)}"
