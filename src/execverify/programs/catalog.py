"""The catalogue: built-in methods, operators and functions that a program can be about, each with its typed signature.

An entry is named as people name it: `str.split`, `list +`, `dict []=` (item assignment), `str [:]` (slice), `int neg` (unary
minus), `str f` (f-string), `sorted`. Types are written as in `execverify.programs.type_expr`; `?` marks what may be left out.

>>> entry("str.split").signatures
('str.split(str?, int?) -> list[str]',)
>>> nests(entry("str.upper")), nests(entry("list.append")), nests(entry("str.split"))
(True, False, True)
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

from execverify.errors import ProgramError
from execverify.programs.type_expr import ANY, arguments, is_variable, matches, type_head
from execverify.utils.messages import suggestion

EXCLUDED_BUILTINS: Mapping[str, str] = {
    "str.encode": "its result is bytes, which is no type of the catalogue",
    "int.to_bytes": "its result is bytes, which is no type of the catalogue",
    "int.from_bytes": "it takes bytes, which are no type of the catalogue",
    "int.is_integer": "new in Python 3.12",
    "float.fromhex": "nobody writes it in programs of this kind",
    "float.from_number": "new in Python 3.14",
    **{f"{owner}.{name}": "an attribute, no method" for owner in ("int", "float") for name in ("real", "imag")},
    "int.numerator": "an attribute, no method",
    "int.denominator": "an attribute, no method",
    "range.count": "it is the list's, and nobody asks a range",
    "range.index": "it is the list's, and nobody asks a range",
    **dict.fromkeys(
        (f"frozenset.{name}" for name in dir(frozenset) if not name.startswith("_")), "it is the set's of the same name"
    ),
    "is": "of values it says what an implementation shares; with None it is ==",
    "is not": "of values it says what an implementation shares; with None it is !=",
    "int pos": "unary + changes nothing",
    "float pos": "unary + changes nothing",
    **{f"bool {sign}": "truth values are numbers there: see the int's" for sign in ("<", "<=", ">", ">=")},
    **{
        f"{owner} {sign}=": f"it is {owner} {sign}, with an assignment"
        for owner, sign in (("dict", "|"), ("list", "+"), ("list", "*"))
    },
    **{f"set {sign}=": f"it is set {sign}, with an assignment" for sign in ("|", "&", "-", "^")},
    "set.pop": "which element it takes is not determined",
    "bytes": "bytes are no type of the catalogue",
    "complex": "complex numbers are no type of the catalogue",
    "hash": "of text, it changes from run to run",
    "id": "an address changes from run to run",
    "object": "its instances have no literal",
    "type": "a type has no literal",
    "callable": "functions are no values of the catalogue",
    "slice": "a slice has no literal",
    "input": "it reads from outside",
    "open": "it reaches outside",
    "print": "it gives nothing",
    "eval": "it runs text",
    "exec": "it runs text",
    "compile": "it runs text",
    "bytearray": "bytes are no type of the catalogue",
    "memoryview": "bytes are no type of the catalogue",
    **dict.fromkeys(("getattr", "setattr", "hasattr", "delattr", "vars", "dir"), "it looks into objects, and there are none"),
    **dict.fromkeys(("globals", "locals", "breakpoint", "help"), "it looks into the interpreter"),
    **dict.fromkeys(
        ("issubclass", "super", "property", "staticmethod", "classmethod"), "it belongs to classes, and there are none"
    ),
    **dict.fromkeys(("aiter", "anext"), "it belongs to async functions, and there are none"),
}
"""Built-ins that are left out, with the reason."""

_TABLE = """
str.capitalize() -> str ; str.casefold() -> str ; str.center(int, str?) -> str ; str.count(str, int?, int?) -> int
str.endswith(str, int?, int?) -> bool ; str.expandtabs(int?) -> str ; str.find(str, int?, int?) -> int ; str.format(any*) -> str
str.format_map(dict[str, any]) -> str ; str.index(str, int?, int?) -> int ; str.isalnum() -> bool ; str.isalpha() -> bool
str.isascii() -> bool ; str.isdecimal() -> bool ; str.isdigit() -> bool ; str.isidentifier() -> bool ; str.islower() -> bool
str.isnumeric() -> bool ; str.isprintable() -> bool ; str.isspace() -> bool ; str.istitle() -> bool ; str.isupper() -> bool
str.join(iterable[str]) -> str ; str.ljust(int, str?) -> str ; str.lower() -> str ; str.lstrip(str?) -> str
str.maketrans(str, str) -> dict[int, int] ; str.partition(str) -> tuple[str, str, str] ; str.removeprefix(str) -> str
str.removesuffix(str) -> str ; str.replace(str, str, int?) -> str ; str.rfind(str, int?, int?) -> int
str.rindex(str, int?, int?) -> int ; str.rjust(int, str?) -> str ; str.rpartition(str) -> tuple[str, str, str]
str.rsplit(str?, int?) -> list[str] ; str.rstrip(str?) -> str ; str.split(str?, int?) -> list[str] ; str.splitlines(bool?) -> list[str]
str.startswith(str, int?, int?) -> bool ; str.strip(str?) -> str ; str.swapcase() -> str ; str.title() -> str
str.translate(dict[int, any]) -> str ; str.upper() -> str ; str.zfill(int) -> str
list[T].append(T) -> none ; list[T].clear() -> none ; list[T].copy() -> list[T] ; list[T].count(T) -> int
list[T].extend(iterable[T]) -> none ; list[T].index(T, int?, int?) -> int ; list[T].insert(int, T) -> none ; list[T].pop(int?) -> T
list[T].remove(T) -> none ; list[T].reverse() -> none ; list[T].sort(key=any?, reverse=bool?) -> none
tuple.count(any) -> int ; tuple.index(any, int?, int?) -> int
dict[K, V].clear() -> none ; dict[K, V].copy() -> dict[K, V] ; dict.fromkeys(iterable[K], V) -> dict[K, V]
dict[K, V].get(K, V?) -> V ; dict[K, V].items() -> items[tuple[K, V]] ; dict[K, V].keys() -> keys[K] ; dict[K, V].pop(K, V?) -> V
dict[K, V].popitem() -> tuple[K, V] ; dict[K, V].setdefault(K, V?) -> V ; dict[K, V].update(dict[K, V]) -> none
dict[K, V].values() -> values[V]
set[T].add(T) -> none ; set[T].clear() -> none ; set[T].copy() -> set[T] ; set[T].difference(iterable[T]) -> set[T]
set[T].difference_update(iterable[T]) -> none ; set[T].discard(T) -> none ; set[T].intersection(iterable[T]) -> set[T]
set[T].intersection_update(iterable[T]) -> none ; set[T].isdisjoint(iterable[T]) -> bool ; set[T].issubset(iterable[T]) -> bool
set[T].issuperset(iterable[T]) -> bool ; set[T].remove(T) -> none ; set[T].symmetric_difference(iterable[T]) -> set[T]
set[T].symmetric_difference_update(iterable[T]) -> none ; set[T].union(iterable[T]) -> set[T] ; set[T].update(iterable[T]) -> none
int.as_integer_ratio() -> tuple[int, int] ; int.bit_count() -> int ; int.bit_length() -> int ; int.conjugate() -> int
float.as_integer_ratio() -> tuple[int, int] ; float.conjugate() -> float ; float.hex() -> str ; float.is_integer() -> bool
range(int, int?, int?) -> range ; enumerate(iterable[T], int?) -> iterator[tuple[int, T]]
zip(iterable[T], iterable[U]) -> iterator[tuple[T, U]]
filter(T -> bool, iterable[T]) -> iterator[T] ; map(T -> U, iterable[T]) -> iterator[U] ; reversed(iterable[T]) -> iterator[T]
sorted(iterable[T], key=any?, reverse=bool?) -> list[T] ; sum(iterable[T], T?) -> T ; min(iterable[T], key=any?) -> T
max(iterable[T], key=any?) -> T ; any(iterable[T]) -> bool ; all(iterable[T]) -> bool ; divmod(int, int) -> tuple[int, int]
round(float, int) -> float ; abs(T) -> T ; len(iterable[T]) -> int ; pow(int, int, int?) -> int ; chr(int) -> str ; ord(str) -> int
bin(int) -> str ; hex(int) -> str ; oct(int) -> str ; int(any?) -> int ; float(any?) -> float ; str(any?) -> str ; bool(any?) -> bool
list(iterable[T]?) -> list[T] ; tuple(iterable[T]?) -> tuple[T, ...]
dict(iterable[tuple[K, V]]?) -> dict[K, V] ; set(iterable[T]?) -> set[T]
frozenset(iterable[T]?) -> frozenset[T] ; repr(any) -> str ; ascii(any) -> str ; format(any, str?) -> str ; isinstance(any, type) -> bool
iter(iterable[T]) -> iterator[T] ; next(iterator[T], T?) -> T
dict.fromkeys(iterable[K]) -> dict[K, none] ; divmod(float, float) -> tuple[float, float] ; round(float) -> int ; round(int, int?) -> int
pow(float, int) -> float ; min(T, T) -> T ; max(T, T) -> T ; zip(iterable[T]) -> iterator[tuple[T]]
enumerate(str) -> iterator[tuple[int, str]]
map((T, U) -> T, iterable[T], iterable[U]) -> iterator[T] ; str.startswith(tuple) -> bool ; str.endswith(tuple) -> bool
str.maketrans(dict[str, str]) -> dict[int, str] ; sum(iterable[bool]) -> int
"""

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_OPERATORS = {
    "str": ("+  *  %  in  not in  []  [:]  f", _COMPARISONS),
    "list": ("+  *  in  not in  []  [:]  []=  [:]=  del", _COMPARISONS),
    "tuple": ("+  *  in  not in  []  [:]", _COMPARISONS),
    "dict": ("in  not in  []  []=  del  |", _COMPARISONS[:2]),
    "set": ("&  |  -  ^  in  not in", _COMPARISONS),
    "int": ("+  -  *  /  //  %  **  &  |  ^  <<  >>  neg  ~", _COMPARISONS),
    "float": ("+  -  *  /  //  %  **  neg", _COMPARISONS),
    "bool": ("and  or  not  &  |  ^", _COMPARISONS[:2]),
}
_PARAMETRIC = {"list": "list[T]", "dict": "dict[K, V]", "set": "set[T]"}


@dataclass(frozen=True, slots=True)
class Builtin:
    """A built-in.

    Attributes:
        name: as `str.split`, `list +` or `sorted`.
        owner: the type whose method or operator it is; "builtins" for functions.
        kind: "method", "operator" or "function".
        signatures: as text, the usual one first.
        result: the type that the first gives, with its variables; "none" for nothing.
        takes: types of its receiver or operands, and of the arguments that it must have, by the first.
    """

    name: str
    owner: str
    kind: str
    signatures: tuple[str, ...]
    result: str
    takes: tuple[str, ...]


def get_builtin(name: str) -> Builtin:
    """The entry of a name; raises ProgramError, with close names, where there is none."""
    found = CATALOG.get(name)
    if found is None:
        reason = EXCLUDED_BUILTINS.get(name) or suggestion(name, CATALOG)
        raise ProgramError(f"{name!r} is not in the catalogue: {reason}")
    return found


@functools.cache
def is_self_composable(given: Builtin) -> bool:
    """Whether what an entry gives, or an element of it, is of a type that it must be given: its receiver's, an operand's.

    (Operands of any type do not count: `bool(bool(x))` is possible, and nobody writes it.)
    """
    results = [given.result, *arguments(given.result)]
    if type_head(given.result) in ("iterator", "range"):
        results.append("list[any]")
    wanted = [kind for kind in given.takes if kind != ANY and not is_variable(kind)]
    given_kinds = [kind for kind in results if kind not in (ANY, "none", "...") and not is_variable(kind)]
    return any(matches(_open(want), _open(kind), {}) for want in wanted for kind in given_kinds)


def _open(kind: str) -> str:
    """A type whose inner types are left open."""
    parts = arguments(kind)
    return f"{type_head(kind)}[{', '.join(ANY if is_variable(part) else _open(part) for part in parts)}]" if parts else kind


def _build() -> dict[str, Builtin]:
    entries: dict[str, Builtin] = {}
    for signature in _TABLE.replace("\n", " ; ").split(" ; "):
        if signature.strip():
            made = _called(signature.strip())
            known = entries.get(made.name)  # the first signature is the one that counts; the others are listed beside it
            entries[made.name] = made if known is None else replace(known, signatures=known.signatures + made.signatures)
    for owner, (listed, comparisons) in _OPERATORS.items():
        for operator in (*listed.split("  "), *comparisons):
            made = _operator(owner, operator)
            entries[made.name] = made
    return entries


def _called(signature: str) -> Builtin:
    left, _, result = signature.rpartition(" -> ")
    receiver, dot, rest = _split_receiver(left)
    name, _, inside = rest.partition("(")
    given = [part for part in arguments(f"x[{inside[:-1]}]") if part and part[-1] not in "?*" and "->" not in part]
    if not dot:
        return Builtin(name, "builtins", "function", (signature,), result, tuple(given))
    owner = type_head(receiver)
    return Builtin(f"{owner}.{name}", owner, "method", (signature,), result, (receiver, *given))


def _split_receiver(left: str) -> tuple[str, str, str]:
    before = left.partition("(")[0]
    receiver, dot, _ = before.rpartition(".")
    return receiver, dot, left[len(receiver) + len(dot) :] if dot else left


def _operator(owner: str, operator: str) -> Builtin:
    me = _PARAMETRIC.get(owner, owner)
    inner = {"str": "str", "list": "T", "tuple": ANY, "dict": "V"}.get(owner, ANY)
    key = "K" if owner == "dict" else "int"
    member = {"str": "str", "list": "T", "set": "T", "dict": "K", "tuple": ANY}.get(owner, ANY)
    special = {
        "[]": (f"{me}[{key}]", inner, (me, key)),
        "[:]": (f"{me}[int?:int?:int?]", me, (me, "int", "int")),
        "[]=": (f"{me}[{key}] = {inner}", "none", (me, key)),
        "[:]=": (f"{me}[int?:int?] = iterable[T]", "none", (me,)),
        "del": (f"del {me}[{key}]", "none", (me, key)),
        "in": (f"{member} in {me}", "bool", (member, me) if member != ANY else (me,)),
        "not in": (f"{member} not in {me}", "bool", (member, me) if member != ANY else (me,)),
        "neg": (f"-{me}", me, (me,)),
        "~": (f"~{me}", me, (me,)),
        "not": ("not any", "bool", ("bool",)),
        "f": ("f'{any}'", "str", ("str",)),
    }
    if operator in special:
        text, result, takes = special[operator]
    else:
        right = {("str", "*"): "int", ("list", "*"): "int", ("tuple", "*"): "int", ("str", "%"): ANY}.get((owner, operator), me)
        result = "bool" if operator in _COMPARISONS else "float" if (owner, operator) == ("int", "/") else me
        text, takes = f"{me} {operator} {right}", (me, right) if right != ANY else (me,)
    return Builtin(f"{owner} {operator}", owner, "operator", (f"{text} -> {result}",), result, takes)


CATALOG: Mapping[str, Builtin] = _build()
"""All entries, by name."""
