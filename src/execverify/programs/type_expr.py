"""Types of values, as the catalogue's signatures write them: `list[str]`, `dict[str, int]`, `tuple[int, str]`, `T`.

A type is plain text in one canonical spelling, so that types compare and hash as text does; the functions here take it
apart. Single capital letters are type variables, `any` fits everything, `iterable[T]` and `iterator[T]` are what they say,
and `T -> U` is a function.

>>> head("dict[str, list[int]]"), arguments("dict[str, list[int]]")
('dict', ('str', 'list[int]'))
>>> element("dict[str, int]"), element("str"), element("int")
('str', 'str', None)
>>> bound = {}
>>> fits("list[T]", "list[int]", bound), bound
(True, {'T': 'int'})
>>> filled("dict[T, list[T]]", bound)
'dict[int, list[int]]'
"""

import functools

ANY = "any"


@functools.lru_cache(maxsize=4096)
def type_head(kind: str) -> str:
    """What stands before the bracket."""
    return kind.partition("[")[0]


@functools.lru_cache(maxsize=4096)
def arguments(kind: str) -> tuple[str, ...]:
    """What stands between the brackets, split at the outer commas."""
    if not kind.endswith("]"):
        return ()
    parts, depth = [""], 0
    for char in kind[kind.index("[") + 1 : -1]:
        depth += (char == "[") - (char == "]")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return tuple(part.strip() for part in parts)


def is_variable(kind: str) -> bool:
    """Whether a type is a type variable."""
    return len(kind) == 1 and kind.isupper()


@functools.lru_cache(maxsize=4096)
def element(kind: str) -> str | None:
    """The type that iteration gives; None where a value of the type cannot be iterated, `any` where it is not known."""
    name, parts = type_head(kind), arguments(kind)
    if name == "str":
        return "str"
    if name == "range":
        return "int"
    if name == "tuple":
        return parts[0] if parts and len(set(parts)) == 1 else ANY
    if name in ("list", "dict", "set", "frozenset", "iterable", "iterator"):
        return parts[0] if parts else ANY
    return ANY if name == ANY else None


def matches(pattern: str, kind: str, bound: dict[str, str]) -> bool:
    """Whether a type fits a pattern; variables of the pattern are bound as they are met, in `bound`.

    `bool` does not fit `int`: the catalogue lists operations of both under both.
    """
    if is_variable(pattern):
        return ANY in (kind, known := bound.setdefault(pattern, kind)) or known == kind
    if ANY in (pattern, kind) or pattern == kind:
        return True
    if type_head(pattern) == "iterable":
        inner = element(kind)
        return inner is not None and (not arguments(pattern) or matches(arguments(pattern)[0], inner, bound))
    if type_head(pattern) != type_head(kind):
        return False
    wanted, given = arguments(pattern), arguments(kind)
    if not wanted or not given:
        return True
    return len(wanted) == len(given) and all(matches(w, g, bound) for w, g in zip(wanted, given, strict=True))


def substitute(pattern: str, bound: dict[str, str]) -> str:
    """A pattern with its variables replaced; an unbound one becomes `any`."""
    if is_variable(pattern):
        return bound.get(pattern, ANY)
    parts = arguments(pattern)
    return f"{type_head(pattern)}[{', '.join(substitute(part, bound) for part in parts)}]" if parts else pattern
