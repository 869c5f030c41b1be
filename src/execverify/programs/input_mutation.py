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
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from execverify.errors import LiteralError, ProgramError
from execverify.programs.program import Program, arguments_text
from execverify.programs.type_join import type_of_value

_WORDS = (
    "stone", "north", "blue", "ox", "radar", "code", "tea", "level", "a", "Paris", "TODO", "x9", "river", "table",
    "seven", "light", "zone", "hand", "ab", "ink", "open", "Total", "id", "week", "glass", "train", "yes", "paper",
    "echo", "lime", "unit", "Maria", "go", "exit", "dust",
)  # fmt: skip
_MARKS = (",", "-", ".", "!", " ", "_", ":", ";", "?")
_SEPARATORS = (", ", ",", ";", "-", ":", "=", "/", "|", "_", "\n", " ")
_MAX_TRIES = 6  # how many changes are tried for each that is wanted
_SURELY_SHORT = 2_000  # characters
_MAX_ITEMS = 10_000  # values in one change: each level of a nest may have six for one, and forty levels would never end
_CONSTANT_SHARE = {  # texts for which a method returns True; programs that call it get such texts more often
    "isdigit": "2024", "isdecimal": "37", "isnumeric": "5", "isalpha": "north", "isalnum": "x9", "isupper": "TODO", "islower": "tea",
    "istitle": "Blue Stone", "isspace": "  ", "isidentifier": "max_size", "isprintable": "a\tb", "isascii": "caf\u00e9",
}  # fmt: skip


def mutate_inputs(program: Program, count: int = 8, seed: str = "") -> list[str]:
    """Up to `count` other argument texts, all different; fewer where there are no more. The same ones every time."""
    return [arguments_text(values) for values in iter_mutated_inputs(program, count, seed)]


Values = tuple[tuple[object, ...], dict[str, object]]
"""The values of a call: positional ones, and named ones by name."""


def iter_mutated_inputs(program: Program, count: int = 8, seed: str = "") -> Iterator[Values]:
    """The values of `mutate_inputs`, each made when it is asked for. Do not change them."""
    positional, named = program.call_arguments
    if not positional and not named:
        return
    rng = _Random(f"mutate {seed} {program.source} {program.arguments}")
    rng.constants = _constants(program)
    if any(map(_asks_whether_equal, program.nodes)) or any(isinstance(value, set) for value in positional):
        rng.equal = 0.4
    seen = {_key(program.call_arguments)}
    left = count
    before = [*positional, *named.values()]
    relations = _relations(before)
    for attempt in range(count * _MAX_TRIES):
        rng.left = _MAX_ITEMS
        values = _mutated(rng, before, relations, thorough=attempt % 3 != 0)
        split = len(positional)
        new = tuple(values[:split]), dict(zip(named, values[split:], strict=True))
        try:
            key = _key(new)
        except (LiteralError, ProgramError):
            continue
        if key not in seen:
            seen.add(key)
            yield new
            left -= 1
            if not left:
                return


def _key(values: Values) -> str:
    """A text that other values do not have. Raises LiteralError for values that have no literal."""
    text = repr(values)
    if len(text) < _SURELY_SHORT and _is_plain([*values[0], *values[1].values()]):
        return text
    return arguments_text(values)


def _is_plain(items: Collection[object]) -> bool:
    """Whether all values, whose repr is short, have a literal: this is quicker than to write it."""
    for item in items:
        kind = type(item)
        if kind is list or kind is tuple:
            if not _is_plain(item):  # type: ignore[arg-type]
                return False
        elif kind is dict:
            if not (_is_plain(item) and _is_plain(item.values())):  # type: ignore[arg-type,attr-defined]
                return False
        elif kind is float:
            if item - item:  # type: ignore[operator]  # infinite, or no number
                return False
        elif kind is not str and kind is not int and kind is not bool and item is not None:
            return False
    return True


class _Random(random.Random):
    """Chance, what the program's conditions ask for (its numbers and texts, and how often arguments should be equal), and how
    many more values a change may make."""

    constants: tuple[list[int], list[str]] = ([], [])
    equal = 0.12
    left = _MAX_ITEMS


def _constants(program: Program) -> tuple[list[int], list[str]]:
    numbers, texts = [], []
    for node in program.nodes:
        if node.__class__ is ast.Constant:
            value = node.value
            if type(value) is int and abs(value) < 1000:
                numbers.append(value)
            elif type(value) is str and value:
                texts.append(value)
        elif node.__class__ is ast.Attribute and node.attr in _CONSTANT_SHARE:
            texts += [_CONSTANT_SHARE[node.attr]] * 2
    return numbers, texts


def _asks_whether_equal(node: ast.AST) -> bool:
    """Whether it compares values none of which is a constant, which chance alone would hardly ever make equal."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return False
    return not isinstance(node.left, ast.Constant) and not isinstance(node.comparators[0], ast.Constant)


@dataclass(frozen=True, slots=True)
class _ArgumentRelation:
    """What one argument has from another: an element or a piece, a place in it, or its length."""

    index: int
    other: int
    kind: str


def _relations(values: list[object]) -> list[_ArgumentRelation]:
    found = []
    for index, value in enumerate(values):
        for other, whole in enumerate(values):
            if other == index:
                continue
            if _holds(whole, value):
                found.append(_ArgumentRelation(index, other, "element"))
            elif type(value) is int and isinstance(whole, str | list | tuple) and 0 <= value < len(whole):
                found.append(_ArgumentRelation(index, other, "place"))
            elif index > other and type(value) is type(whole) is list and len(value) == len(whole) > 1:
                found.append(_ArgumentRelation(index, other, "length"))
            else:
                continue
            break
    return found


def _mutated(rng: _Random, values: list[object], relations: list[_ArgumentRelation], thorough: bool) -> list[object]:
    """New values: of all arguments, or of one."""
    chosen = range(len(values)) if thorough else [rng.randrange(len(values))]
    new = list(values)
    for index in chosen:
        new[index] = _other(rng, values[index])
    for relation in relations:  # what one argument had from another, it has again, mostly
        if rng.random() < 0.7:
            new[relation.index] = _related(rng, relation, new, values)
    if len(new) > 1 and rng.random() < rng.equal:
        _made_equal(rng, new)
    return new


def _related(rng: _Random, relation: _ArgumentRelation, new: list[object], values: list[object]) -> object:
    own, whole = new[relation.index], new[relation.other]
    if relation.kind == "element":
        return _drawn(rng, whole, own, values[relation.index])
    if relation.kind == "place":
        size = len(whole)  # type: ignore[arg-type]
        return own if own in range(size) else rng.randrange(size) if size else 0
    assert isinstance(own, list) and isinstance(whole, list)
    more = [_other(rng, rng.choice(own)) if own else 0 for _ in range(len(whole) - len(own))]
    return [*own[: len(whole)], *more]


def _made_equal(rng: _Random, values: list[object]) -> None:
    """Makes one argument another's equal, or an element of it, where the types allow: conditions ask for that."""
    index, other = rng.sample(range(len(values)), 2)
    own, whole = values[index], values[other]
    items = [own]
    if isinstance(own, set | frozenset) and isinstance(whole, list | set | frozenset) and _are_alike(own, whole):
        kept = sorted(whole)[rng.choice((0, 0, 0, 1)) :]  # the same, or a part of it
        items = [type(own)(kept)]
    elif isinstance(whole, list | tuple):
        items = [item for item in whole if type_of_value(item) == type_of_value(own)]
    elif type_of_value(whole) == type_of_value(own):
        items = [whole]
    if items:
        values[index] = rng.choice(items)


def _are_alike(*collections: list[Any] | set[Any] | frozenset[Any]) -> bool:
    """Whether they hold nothing but numbers, or nothing but texts."""
    kinds = {type(item) for collection in collections for item in collection}
    return len(kinds) == 1 and kinds <= {int, str}


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
    rng.left -= 1
    if rng.left < 0:
        return value
    if isinstance(value, bool):
        return rng.random() < 0.5
    if isinstance(value, int):
        return _number(rng, value)
    if isinstance(value, float):
        return _float(rng, value)
    if isinstance(value, complex):
        return complex(_float(rng, value.real), _float(rng, value.imag))
    if isinstance(value, str):
        return _text(rng, value)
    if isinstance(value, bytes):
        return _text(rng, value.decode("latin-1")).encode("latin-1", "replace")
    if isinstance(value, list):
        return _items(rng, value)
    if isinstance(value, tuple):
        alike = len(value) != 2 and len(set(map(type, value))) <= 1
        return tuple(_items(rng, list(value)) if alike and rng.random() < 0.5 else (_other(rng, item) for item in value))
    if isinstance(value, set | frozenset):
        return type(value)(_items(rng, sorted(value, key=repr)))
    if isinstance(value, dict):
        return _pairs(rng, value)
    return value


def _float(rng: _Random, value: float) -> float:
    number = rng.choice(
        (
            value + rng.choice((0.5, 1.0, -0.5, -1.5, 2.25)),
            -value,
            value * rng.choice((2, 0.5)),
            rng.choice((0.0, 0.5, 1.0, 2.0, 10.0)),
            rng.randint(0, 40) / 4,
        )
    )
    return round(number, 3)


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
        return rng.choice(("a", *_WORDS, *_MARKS[:3]))
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
        return _filled(rng)
    if len(value) > 1 and rng.random() < 0.75 and _is_table(value):
        return _table(rng, value)  # type: ignore[arg-type]
    way = rng.randrange(6)
    if way == 0:
        return [_sibling(rng, item, value) for item in value]
    if way == 1:  # longer than five
        return [*value, *(_sibling(rng, rng.choice(value), value) for _ in range(max(1, 6 - len(value))))]
    if way == 2:
        return [item for item in value if rng.random() < 0.6] if rng.random() < 0.85 else []
    if way == 3:
        return rng.sample(value, len(value))
    if way == 4:
        return [_sibling(rng, item, value) if rng.random() < 0.5 else item for item in value] + [rng.choice(value)]
    return [_sibling(rng, rng.choice(value), value) for _ in range(rng.randint(1, max(2, len(value))))]


def _sibling(rng: _Random, item: object, items: list[object]) -> object:
    """Another item for a collection. The element type of an empty collection is unknown; a neighbouring collection may show it."""
    if isinstance(item, list | dict) and not item:
        item = next((other for other in items if type(other) is type(item) and other), item)
    return _other(rng, item)


def _filled(rng: _Random) -> list[object]:
    """Some numbers or some words, for what was empty: nobody knows of what."""
    size = rng.choice((0, 1, 2, 3, 6))
    return [rng.randint(0, 12) for _ in range(size)] if rng.random() < 0.6 else [rng.choice(_WORDS) for _ in range(size)]


def _is_table(rows: list[object]) -> bool:
    lengths = {len(row) if isinstance(row, list) else -1 for row in rows}
    return len(lengths) == 1 and lengths.isdisjoint({-1, 0})


def _table(rng: _Random, rows: list[list[object]]) -> list[object]:
    """Other rows, all of one length."""
    way = rng.randrange(5)
    if way == 0:
        return [[_other(rng, item) for item in row] for row in rows]
    if way == 1:
        return [*rows, *([_other(rng, item) for item in rng.choice(rows)] for _ in range(rng.randint(1, 2)))]
    if way == 2:
        return [row for row in rows if rng.random() < 0.7]
    if way == 3:
        return [[*row, _other(rng, rng.choice(row))] for row in rows]
    size = rng.randint(1, len(rows[0]))
    return [rng.sample(row, len(row))[:size] for row in rows]


def _pairs(rng: _Random, value: dict[object, object]) -> dict[object, object]:
    if not value:
        return {rng.choice(_WORDS): rng.randint(0, 12) for _ in range(rng.choice((0, 1, 2, 3, 6)))}
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
