"""Types of values and of what built-ins give for them: which type stands for several, what an element has, what a call returns."""

import functools

from execverify.programs.catalog import CATALOG
from execverify.programs.type_expr import ANY, arguments, element, is_variable, matches, substitute, type_head


def type_of_value(value: object) -> str:
    """The type of a plain value."""
    name = type(value).__name__
    if isinstance(value, list | set | frozenset):
        items = value if isinstance(value, list) else sorted(value, key=repr)
        return f"{name}[{join_types([type_of_value(item) for item in items])}]"
    if isinstance(value, tuple):
        return f"tuple[{', '.join(type_of_value(item) for item in value)}]" if value else "tuple"
    if isinstance(value, dict):
        keys, values = [type_of_value(key) for key in value], [type_of_value(item) for item in value.values()]
        return f"dict[{join_types(keys)}, {join_types(values)}]"
    return ANY if value is None else name


def join_types(kinds: list[str]) -> str:
    """The type that stands for several; `any` for none."""
    return merge_all(kinds) if kinds else ANY


def merge_all(kinds: list[str]) -> str:
    """The type that stands for several."""
    return functools.reduce(merge_types, kinds)


def merge_types(one: str, two: str) -> str:
    """The type that stands for both; what is not known of one is taken from the other."""
    if one == two or two == ANY:
        return one
    if one == ANY:
        return two
    if type_head(one) == type_head(two):
        left, right = arguments(one), arguments(two)
        if not left or not right:
            return one if left else two
        if len(left) == len(right):
            return f"{type_head(one)}[{', '.join(map(merge_types, left, right))}]"
        return type_head(one)
    return "mixed"


def element_of(kind: str) -> str:
    """The type of what a value of a type gives when it is walked over."""
    if type_head(kind) in ("iterator", "items", "keys", "values", "iterable"):
        return (arguments(kind) or (ANY,))[0]
    if kind.endswith(", ...]") and type_head(kind) == "tuple":
        return arguments(kind)[0]
    return element(kind) or ANY


def function_result(name: str, kinds: list[str]) -> str:
    """What a built-in function of the catalogue gives for arguments of these types."""
    first = kinds[0] if kinds else ANY
    if name in ("list", "set", "frozenset"):
        return f"{name}[{element_of(first)}]" if kinds else f"{name}[{ANY}]"
    if name == "sorted":
        return f"list[{element_of(first)}]"
    if name == "tuple":
        return f"tuple[{element_of(first)}, ...]" if kinds else "tuple"
    if name in ("min", "max"):
        return merge_all(kinds) if len(kinds) > 1 else element_of(first)
    if name == "sum":
        inner = element_of(first)
        return "int" if inner in ("bool", "int") else merge_types(inner, kinds[1] if len(kinds) > 1 else ANY)
    if name in ("reversed", "iter"):
        return f"iterator[{element_of(first)}]"
    if name == "next":
        return element_of(first)
    if name == "enumerate":
        return f"iterator[tuple[int, {element_of(first)}]]"
    if name == "zip":
        return f"iterator[tuple[{', '.join(element_of(kind) for kind in kinds)}]]" if kinds else f"iterator[{ANY}]"
    if name == "dict":
        pair = arguments(element_of(first)) if type_head(first) != "dict" else arguments(first)
        return f"dict[{pair[0]}, {pair[1]}]" if len(pair) == 2 else f"dict[{ANY}, {ANY}]"
    if name in ("abs", "pow"):
        return (
            "int"
            if first == "bool"
            else merge_types(first, kinds[1])
            if name == "pow" and len(kinds) > 1 and "float" in kinds
            else first
        )
    if name == "round":
        return "int" if len(kinds) == 1 or first == "int" else first
    if name == "divmod":
        kind = "float" if "float" in kinds else "int"
        return f"tuple[{kind}, {kind}]"
    result = CATALOG[name].result
    return result if not is_variable(result) else ANY


def variadic_result(name: str, kind: str) -> str:
    """What a function gives for arguments of one type, as many as there are: `zip(*rows)`, `max(*pair)`."""
    if name == "zip":
        return f"iterator[tuple[{element_of(kind)}, ...]]"
    return function_result(name, [kind, kind])


def method_result(of: str, name: str, kinds: list[str]) -> str:
    """What a method gives on a receiver of a type."""
    owner = "set" if type_head(of) == "frozenset" else type_head(of)
    entry = CATALOG.get(f"{owner}.{name}")
    if entry is None:
        return _UNAMBIGUOUS_RESULTS.get(
            name, ANY if of == ANY else "mixed"
        )  # `mixed`: it is not to be taken for what else is known
    if name in ("get", "pop", "setdefault") and owner == "dict":
        parts = arguments(of)
        value = parts[1] if len(parts) == 2 else ANY
        return merge_types(value, kinds[1]) if len(kinds) == 2 else value
    bound: dict[str, str] = {}
    matches(entry.takes[0] if entry.takes else ANY, of, bound)
    return substitute(entry.result, bound)


def _sure_results() -> dict[str, str]:
    """Results of methods that every owner agrees on."""
    found: dict[str, set[str]] = {}
    for name, entry in CATALOG.items():
        if entry.kind == "method":
            found.setdefault(name.partition(".")[2], set()).add(entry.result)
    return {
        name: next(iter(results))
        for name, results in found.items()
        if len(results) == 1
        and not any(map(is_variable, results))
        and "T" not in str(results)
        and "K" not in str(results)
        and "V" not in str(results)
    }


_UNAMBIGUOUS_RESULTS = _sure_results()
