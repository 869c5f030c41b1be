"""Names that people give to values, by what the values are."""

import random

from execverify.programs.type_expr import arguments, element, type_head

_PLURALS = {
    "str": ("words word", "names name", "items item", "parts part", "tokens token", "tags tag", "lines line", "keys key",
            "labels label", "entries entry", "strings s", "codes code"),
    "int": ("nums num", "numbers n", "values value", "scores score", "prices price", "counts count", "levels level",
            "ages age", "points point", "sizes size", "data x", "marks mark"),
    "float": ("rates rate", "weights weight", "readings reading", "amounts amount"),
    "bool": ("flags flag", "checks check", "votes vote"),
    "list": ("rows row", "groups group", "batches batch", "lists items", "matrix row"),
    "tuple": ("pairs pair", "records record", "points point", "moves move"),
    "dict": ("records record", "rows row", "tables table"),
    "set": ("groups group", "sets members"),
}  # fmt: skip
_SINGLE = {
    "str": ("text", "s", "line", "message", "phrase", "name", "sentence", "word", "title", "string"),
    "int": ("n", "num", "value", "number", "x", "amount", "total", "score"),
    "float": ("rate", "price", "weight", "value", "x"),
    "bool": ("flag", "strict", "active", "enabled"),
    "tuple": ("pair", "record", "point", "triple"),
    "dict": ("table", "stock", "prices", "scores", "mapping", "counts", "data", "config", "ages"),
    "set": ("seen", "allowed", "members", "known", "tags"),
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
    "str": ("result", "out", "output", "text", "joined"),
    "int": ("total", "result", "count", "score", "value"),
    "float": ("result", "value", "ratio", "amount"),
    "bool": ("found", "ok", "flag", "matches", "check"),
    "list": ("result", "parts", "items", "out", "values"),
    "tuple": ("pair", "result", "triple"),
    "dict": ("table", "mapping", "result", "lookup"),
    "set": ("unique", "found", "shared", "remaining"),
    "frozenset": ("unique", "known"),
    "iterator": ("stream", "source"),
}  # fmt: skip


SIMILAR_NAMES = {
    "result": ("out", "answer", "output", "final", "collected"), "out": ("result", "answer", "output"),
    "total": ("result", "acc", "sum_", "tally"), "value": ("val", "num", "current", "amount"),
    "count": ("num", "amount", "times"), "n": ("num", "m", "number"), "x": ("y", "z", "num"), "i": ("j", "k", "pos"),
    "parts": ("pieces", "chunks", "fields"), "items": ("things", "elems", "entries"), "text": ("line", "s", "string"),
    "key": ("k", "name", "label"), "name": ("label", "title", "key"), "item": ("elem", "entry", "thing"),
    "found": ("hits", "matches", "kept"), "values": ("vals", "numbers", "data"), "ch": ("c", "char", "letter"),
    "char": ("c", "ch", "letter"), "c": ("ch", "char", "letter"), "word": ("term", "token", "w"),
    "table": ("mapping", "lookup", "data"), "score": ("points", "mark", "rating"), "flag": ("check", "ok", "state"),
    "pair": ("couple", "combo"), "unique": ("distinct", "kinds"), "pos": ("place", "where"), "last": ("previous", "prior"),
    "row": ("line", "record"), "group": ("bunch", "part"), "num": ("number", "n", "value"), "number": ("num", "n", "value"),
    "best": ("top", "peak"), "rate": ("ratio", "share"), "price": ("cost", "fee"), "amount": ("quantity", "extra"),
    "part": ("piece", "bit"), "other": ("second", "rest"), "step": ("stride", "jump"), "size": ("length", "width"),
    "limit": ("bound", "cap"), "target": ("goal", "wanted"), "letter": ("ch", "c"), "matches": ("ok", "agrees"),
    "joined": ("combined", "merged"), "output": ("out", "answer"), "mapping": ("lookup", "table"),
    "points": ("marks", "dots"), "sep": ("delim", "separator"), "mark": ("sign", "symbol"), "lines": ("rows", "texts"),
    "length": ("size", "extent"), "code": ("check", "hash_"),
}  # fmt: skip
"""Other names for the same, where one is taken."""


def for_parameter(rng: random.Random, kind: str, role: str) -> str:
    """A name for a parameter."""
    if role in _NAMES_BY_ROLE:
        return rng.choice(_NAMES_BY_ROLE[role])
    if type_head(kind) == "list":
        return rng.choice(_PLURALS[type_head(arguments(kind)[0])]).split()[0]
    return rng.choice(_SINGLE.get(type_head(kind), ("value", "data", "x")))


def for_element(rng: random.Random, of: str, kind: str) -> str:
    """A name for an element of what is called `of`."""
    for pairs in _PLURALS.values():
        for pair in pairs:
            plural, single = pair.split()
            if plural == of:
                return single
    if kind == "str":
        if element(of) == "str" or len(of) == 1 or of in _SINGLE["str"] or of in _RESULTS["str"]:
            return rng.choice(("ch", "char", "c", "letter"))
        return of[:-1] if of.endswith("s") and len(of) > 3 else rng.choice(("item", "part", "word"))
    if of.endswith("s") and len(of) > 3 and not of.endswith("ss"):
        return of[:-1]
    return rng.choice(
        {"int": ("n", "num", "value", "x"), "tuple": ("pair",), "list": ("row", "group")}.get(type_head(kind), ("item", "value"))
    )


def for_result(rng: random.Random, kind: str) -> str:
    """A name for a value that is computed on the way."""
    return rng.choice(_RESULTS.get(type_head(kind), ("value", "result")))
