"""Other arguments for a call: each literal gives way to another of its type (the paper's input mutation, section 3.1).

Numbers stay near, texts are recombined from their own pieces, repeated or punctuated, collections grow past five, shrink or
are shuffled; and what one argument has from another (a separator that occurs in a text, a key of a dict) mostly stays so.
Now and then a value comes from the program's own constants, which its conditions ask for.

>>> from execverify.programs.program import Program
>>> program = Program("def f(xs, n):\\n    return xs[:n]", arguments="[1, 2, 3], 2")
>>> len(mutations(program, 4)), mutations(program, 4) == mutations(program, 4)
(4, True)
"""

import ast
import random

from execverify.errors import LiteralError, ProgramError
from execverify.programs.program import Program, arguments_text

_WORDS = (
    "apple",
    "kiwi",
    "stone",
    "north",
    "blue",
    "ox",
    "radar",
    "elephant",
    "code",
    "tea",
    "zoo",
    "level",
    "a",
    "Paris",
    "TODO",
    "x9",
)
_MARKS = (",", "-", ".", "!", " ", "_", ":", ";", "?")
_SEPARATORS = (", ", ",", ";", "-", ":", "=", "/", "|", "_", "\n", " ")
_TRIES = 4  # how many changes are tried for each that is wanted


def mutations(program: Program, count: int = 8, seed: str = "") -> list[str]:
    """Up to `count` other argument texts, all different; fewer where there are no more. The same ones every time."""
    positional, named = program.call_arguments
    if not positional and not named:
        return []
    rng = _Random(f"mutate {seed} {program.source} {program.arguments}")
    rng.constants = _constants(program)
    seen, found = {program.arguments}, []
    for attempt in range(count * _TRIES):
        values = _mutated(rng, [*positional, *named.values()], thorough=attempt % 3 != 0)
        split = len(positional)
        try:
            text = arguments_text((tuple(values[:split]), dict(zip(named, values[split:], strict=True))))
        except (LiteralError, ProgramError):
            continue
        if text not in seen:
            seen.add(text)
            found.append(text)
            if len(found) == count:
                break
    return found


class _Random(random.Random):
    """Chance, and the constants of the program: numbers and texts."""

    constants: tuple[list[int], list[str]] = ([], [])


def _constants(program: Program) -> tuple[list[int], list[str]]:
    numbers, texts = [], []
    for node in program.nodes:
        if isinstance(node, ast.Constant):
            value = node.value
            if type(value) is int and abs(value) < 1000:
                numbers.append(value)
            elif type(value) is str and value:
                texts.append(value)
    return numbers, texts


def _mutated(rng: _Random, values: list[object], thorough: bool) -> list[object]:
    """New values: of all arguments, or of one."""
    chosen = range(len(values)) if thorough else [rng.randrange(len(values))]
    new = list(values)
    for index in chosen:
        new[index] = _other(rng, values[index])
    for index in range(len(values)):  # what one argument had from another, it has again, mostly
        if rng.random() < 0.7:
            related = [other for other in range(len(values)) if other != index and _holds(values[other], values[index])]
            if related:
                new[index] = _drawn(rng, new[related[0]], new[index], values[index])
    return new


def _holds(whole: object, part: object) -> bool:
    if isinstance(whole, str):
        return isinstance(part, str) and 0 < len(part) < len(whole) and part in whole
    if isinstance(whole, list | tuple | set | frozenset | dict):
        return any(type(item) is type(part) and item == part for item in whole) or any(
            _holds(item, part) for item in whole if isinstance(item, str)
        )
    return False


def _drawn(rng: _Random, whole: object, fallback: object, before: object) -> object:
    """A value that the whole holds, of the kind that it was before."""
    if _holds(whole, before) and rng.random() < 0.5:
        return before
    if isinstance(whole, str) and isinstance(before, str) and whole:
        size = min(len(before), len(whole))
        start = rng.randrange(len(whole) - size + 1)
        return whole[start : start + size]
    if isinstance(whole, list | tuple | set | frozenset | dict):
        items = [item for item in sorted(whole, key=repr) if type(item) is type(before)]
        if items:
            return rng.choice(items)
    return fallback


def _other(rng: _Random, value: object) -> object:
    if isinstance(value, bool):
        return rng.random() < 0.5
    if isinstance(value, int):
        return _number(rng, value)
    if isinstance(value, float):
        return rng.choice((round(value + rng.choice((0.5, 1.0, -1.5, 2.25)), 3), round(-value, 3), round(value * 2, 3), 0.5, 2.0))
    if isinstance(value, str):
        return _text(rng, value)
    if isinstance(value, list):
        return _items(rng, value)
    if isinstance(value, tuple):
        return tuple(_other(rng, item) for item in value)
    if isinstance(value, set | frozenset):
        return type(value)(_items(rng, sorted(value, key=repr)))
    if isinstance(value, dict):
        return _pairs(rng, value)
    return value


def _number(rng: _Random, value: int) -> int:
    span = max(3, abs(value))
    if rng.constants[0] and rng.random() < 0.2:
        return rng.choice(rng.constants[0]) + rng.choice((-1, 0, 0, 1, 2))
    return rng.choice(
        (
            value + rng.choice((-3, -2, -1, 1, 2, 3)),
            value + rng.choice((-1, 1)),
            rng.randint(0, span * 2) if value >= 0 else -rng.randint(0, span * 2),
            rng.randint(max(0, value - 5), value + 5) if value >= 0 else rng.randint(value - 5, value + 5),
            -value if rng.random() < 0.4 else value + rng.randint(1, span),
            rng.randint(0, 12),
        )
    )


def _text(rng: _Random, value: str) -> str:
    if rng.constants[1] and rng.random() < 0.25:
        return _with_constant(rng, value)
    if len(value) <= 1:
        return _short(rng, value)
    separator = next((mark for mark in _SEPARATORS if mark in value), "")
    if separator and rng.random() < 0.6:
        return separator.join(_pieces(rng, value.split(separator)))
    way = rng.randrange(7)
    if way == 0:
        return _word_like(rng, value)
    if way == 1:
        return rng.choice(value) * rng.randint(1, 4) + value[: rng.randint(0, len(value))]
    if way == 2:
        at = rng.randrange(len(value) + 1)
        return value[:at] + rng.choice(_MARKS) + value[at:]
    if way == 3:
        return rng.choice((value.upper(), value.lower(), value.swapcase(), value.title()))
    if way == 4:
        return value[: rng.randint(1, len(value))]
    if way == 5:
        return "".join(rng.sample(value, len(value)))
    return (
        "".join(rng.choice("0123456789") if char.isdigit() else char for char in value)
        if any(map(str.isdigit, value))
        else value + value[::-1]
    )


def _with_constant(rng: _Random, value: str) -> str:
    """A text of the program's own, or the value with it at one end or inside."""
    text = rng.choice(rng.constants[1])
    if len(value) <= 1:
        return text[0]
    at = rng.choice((0, len(value), rng.randrange(len(value) + 1)))
    return text if rng.random() < 0.3 else value[:at] + text + value[at:]


def _word_like(rng: _Random, value: str) -> str:
    word = rng.choice(_WORDS)
    if value.isdigit():
        return str(rng.randint(0, 10 ** min(len(value), 4)))
    return word.upper() if value.isupper() else word.title() if value.istitle() else word


def _short(rng: _Random, value: str) -> str:
    if not value:
        return rng.choice(("", "a", *_WORDS[:3]))
    if value.isdigit():
        return rng.choice("0123456789")
    if value.isalpha():
        return rng.choice("aeiorstnlb").upper() if value.isupper() else rng.choice("aeiorstnlb")
    return rng.choice((value, value, rng.choice(_MARKS)))


def _pieces(rng: _Random, parts: list[str]) -> list[str]:
    new = [_word_like(rng, part) if part and rng.random() < 0.35 else part for part in parts]
    way = rng.randrange(4)
    if way == 0 and len(new) > 1:
        del new[rng.randrange(len(new))]
    elif way == 1:
        new.insert(rng.randrange(len(new) + 1), rng.choice(new))
    elif way == 2:
        rng.shuffle(new)
    return new


def _items(rng: _Random, value: list[object]) -> list[object]:
    if not value:
        return []
    way = rng.randrange(6)
    if way == 0:
        return [_other(rng, item) for item in value]
    if way == 1:  # longer than five
        return [*value, *(_other(rng, rng.choice(value)) for _ in range(max(1, 6 - len(value))))]
    if way == 2:
        return [item for item in value if rng.random() < 0.6] if rng.random() < 0.85 else []
    if way == 3:
        return rng.sample(value, len(value))
    if way == 4:
        return [_other(rng, item) if rng.random() < 0.5 else item for item in value] + [rng.choice(value)]
    return [_other(rng, rng.choice(value)) for _ in range(rng.randint(1, max(2, len(value))))]


def _pairs(rng: _Random, value: dict[object, object]) -> dict[object, object]:
    way = rng.randrange(4)
    if way == 0:
        return {key: _other(rng, item) for key, item in value.items()}
    if way == 1:
        return {key: item for key, item in value.items() if rng.random() < 0.7}
    if way == 2:
        more = {_other(rng, key): _other(rng, item) for key, item in value.items()}
        return {**value, **more}
    keys, items = list(value), list(value.values())
    rng.shuffle(items)
    return dict(zip(keys, items, strict=True))
