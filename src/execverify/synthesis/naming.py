"""Names that people give to values, by what the values are."""

import functools
import random

from execverify.programs.type_expr import arguments, element, type_head
from execverify.synthesis.domains import STRINGS, Domain, domains

_PLURALS = {
    "float": ("rates rate", "weights weight", "readings reading", "amounts amount"),
    "bool": ("flags flag", "checks check", "votes vote"),
    "list": ("rows row", "groups group", "batches batch", "lists items", "matrix row"),
    "tuple": ("pairs pair", "records record", "points point", "moves move", "entries entry"),
    "dict": ("records record", "rows row", "tables table"),
    "set": ("groups group", "sets members"),
}  # fmt: skip
_SINGLE = {
    "float": ("rate", "price", "weight", "value", "x"),
    "bool": ("flag", "strict", "active", "enabled"),
    "set": ("seen", "allowed", "members", "known", "tags", "visited", "required", "others"),
    "frozenset": ("known", "members", "unique"),
    "range": ("numbers", "indices"),
}  # fmt: skip
_NAMES_BY_ROLE = {
    "char": ("char", "c", "ch", "letter", "mark"),
    "letter": ("char", "c", "letter"),
    "sep": ("sep", "separator", "delimiter"),
    "pad": ("fill", "pad"),
    "strip": ("chars", "edge", "trim"),
    "start": ("prefix", "start", "head"),
    "ending": ("suffix", "ending", "tail"),
    "part": ("suffix", "part", "extra", "addition"),
    "word": ("word", "target", "other", "name", "label"),
    "other": ("new", "replacement", "substitute"),
    "key": ("key", "name", "target"),
    "chars": ("chars", "letters", "symbols"),
    "small": ("k", "n", "step", "count", "size", "offset"),
    "power": ("power", "shift", "k"),
    "nat": ("n", "limit", "stop", "count"),
    "width": ("width", "size"),
    "nonzero": ("divisor", "base", "step", "k"),
    "index": ("index", "i", "pos", "position"),
    "mask": ("mask", "bits", "other"),
    "step": ("step", "stride"),
    "code": ("code", "point"),
    "threshold": ("limit", "threshold", "bound", "cutoff", "target"),
}  # fmt: skip
_RESULTS = {
    "str": ("result", "res", "out", "output", "new_text", "cleaned", "label", "answer"),
    "int": ("total", "result", "count", "res", "value", "num", "answer", "current"),
    "float": ("result", "value", "ratio", "res", "scaled"),
    "bool": ("found", "ok", "flag", "matches", "valid", "is_valid", "same", "passed"),
    "list": ("result", "res", "parts", "items", "out", "values", "new_list", "temp"),
        "dict": ("table", "mapping", "result", "lookup"),
    "set": ("unique", "found", "shared", "remaining"),
    "frozenset": ("unique", "known"),
    "iterator": ("stream", "source"),
}  # fmt: skip


_TUPLES = {2: ("pair", "point", "entry", "record"), 3: ("triple", "record", "row", "color", "date")}
"""Names of tuples by the number of their elements."""

_VALUES = ("record", "values", "row", "fields")
"""Names of other tuples."""

ANY_NAMES = ("other", "item", "entry", "current", "elem")
"""Names for a value whose own name is taken."""

SIMILAR_NAMES = {
    "result": ("out", "answer", "output", "final", "collected"), "out": ("result", "answer", "output"),
    "total": ("result", "acc", "sum_", "tally"), "value": ("val", "num", "current", "amount"),
    "count": ("num", "amount", "times"), "n": ("num", "m", "number"), "x": ("y", "z", "num"), "i": ("j", "k", "pos"),
    "parts": ("pieces", "chunks", "fields"), "items": ("things", "elems", "entries"), "text": ("line", "s", "string"),
    "check": ("ok", "flag", "valid"), "ok": ("valid", "flag", "passed"), "members": ("others", "group"), "seen": ("visited", "others"),
    "res": ("result", "out", "answer"), "key": ("k", "name", "label"),
    "name": ("label", "title", "key"), "item": ("elem", "entry", "thing"),
    "found": ("hits", "matches", "kept"), "values": ("vals", "numbers", "data"), "ch": ("c", "char", "letter"),
    "char": ("c", "ch", "letter"), "c": ("ch", "char", "letter"), "word": ("term", "token", "w"),
    "table": ("mapping", "lookup", "data"), "score": ("points", "mark", "rating"), "flag": ("check", "ok", "state"),
    "pair": ("other", "entry"), "unique": ("distinct", "kinds"), "pos": ("place", "where"), "last": ("previous", "prior"),
    "row": ("line", "record"), "group": ("bunch", "part"), "num": ("number", "n", "value"), "number": ("num", "n", "value"),
    "best": ("top", "peak"), "rate": ("ratio", "share"), "price": ("cost", "fee"), "amount": ("quantity", "extra"),
    "part": ("piece", "bit"), "other": ("second", "rest"), "step": ("stride", "jump"), "size": ("length", "width"),
    "limit": ("bound", "cap"), "target": ("goal", "wanted"), "letter": ("ch", "c"), "matches": ("ok", "agrees"),
    "joined": ("combined", "merged"), "output": ("out", "answer"), "mapping": ("lookup", "table"),
    "points": ("marks", "dots"), "sep": ("delim", "separator"), "mark": ("sign", "symbol"), "lines": ("rows", "texts"),
    "length": ("size", "extent"), "code": ("check", "hash_"),
}  # fmt: skip
"""Other names for the same, where one is taken."""


def for_parameter(rng: random.Random, kind: str, role: str, domain: Domain = STRINGS) -> str:
    """A name for a parameter."""
    if role in _NAMES_BY_ROLE:
        return rng.choice(_NAMES_BY_ROLE[role])
    head = type_head(kind)
    if head == "list":
        inner = type_head(arguments(kind)[0])
        own = {"str": domain.texts, "int": domain.numbers}.get(inner)
        return rng.choice(own)[0] if own else rng.choice(_PLURALS[inner]).split()[0]
    own_names = {"str": domain.text, "int": domain.number, "dict": domain.table}.get(head)
    if head == "tuple":
        own_names = _tuple_names(kind)
    return rng.choice(own_names or _SINGLE.get(head, ("value", "data", "x")))


def _tuple_names(kind: str) -> tuple[str, ...]:
    """Names that fit the number of a tuple's elements."""
    return _VALUES if "..." in kind else _TUPLES.get(len(arguments(kind)), _VALUES)


@functools.cache
def _singles() -> dict[str, str]:
    """For the name of a list, that of an element."""
    found = {plural: single for domain in reversed(domains()) for plural, single in (*domain.texts, *domain.numbers)}
    found |= {plural: single for pairs in _PLURALS.values() for plural, single in (pair.split() for pair in pairs)}
    return {plural: single for plural, single in found.items() if plural not in _SHARED_PLURALS} | _SHARED_PLURALS


_SHARED_PLURALS = {"words": "word", "strings": "s", "species": "kind", "items": "item"}
"""Where the names of elements would differ between domains."""


@functools.cache
def _text_names() -> frozenset[str]:
    return frozenset((*_RESULTS["str"], *(name for domain in domains() for name in domain.text)))


def for_element(rng: random.Random, of: str, kind: str) -> str:
    """A name for an element of what is called `of`."""
    if of in ("array", "arr", "lst", "data"):
        return rng.choice(
            ("item", "s", "elem") if kind == "str" else ("x", "num", "i", "val") if kind == "int" else ("item", "row")
        )
    single = _singles().get(of)
    if single is not None:
        return single
    if kind == "str":
        if element(of) == "str" or len(of) == 1 or of in _text_names():
            return rng.choice(("ch", "char", "c", "letter"))
        return of[:-1] if of.endswith("s") and len(of) > 3 else rng.choice(("item", "part", "word"))
    if of.endswith("s") and len(of) > 3 and not of.endswith("ss"):
        return of[:-1]
    if type_head(kind) == "tuple":
        return rng.choice(_tuple_names(kind))
    return rng.choice({"int": ("n", "num", "value", "x"), "list": ("row", "group")}.get(type_head(kind), ("item", "value")))


def for_result(rng: random.Random, kind: str) -> str:
    """A name for a value that is computed on the way."""
    if type_head(kind) == "tuple" and arguments(kind):
        return rng.choice((*_tuple_names(kind)[:2], "result"))
    return rng.choice(_RESULTS.get(type_head(kind), ("value", "result")))
