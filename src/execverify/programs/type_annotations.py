"""Types of values as a signature writes them.

>>> annotation([[1, 2], []]), annotation([("a", 1)]), annotation(["x", None]), annotation([(1,), (1, 2)])
('list[int]', 'tuple[str, int]', 'str | None', 'tuple[int, ...]')
"""

from collections.abc import Iterable, Sequence
from itertools import chain


def annotation_for(values: Iterable[object]) -> str:
    """The type that all values have, in Python's own notation; of what is always empty, without what it holds."""
    alike: dict[type, list[object]] = {}
    for value in values:
        alike.setdefault(type(value), []).append(value)
    none = alike.pop(type(None), None)
    names = [_of_one(kind, found) for kind, found in sorted(alike.items(), key=lambda entry: entry[0].__name__)]
    return " | ".join([*names, *(["None"] if none else [])])


def _of_one(kind: type, values: Sequence[object]) -> str:
    name = kind.__name__
    if kind in (list, set, frozenset):
        inside = annotation_for(chain.from_iterable(values))  # type: ignore[arg-type]
        return f"{name}[{inside}]" if inside else name
    if kind is dict:
        keys = annotation_for(chain.from_iterable(values))  # type: ignore[arg-type]
        items = annotation_for(chain.from_iterable(value.values() for value in values))  # type: ignore[attr-defined]
        return f"dict[{keys}, {items}]" if keys else name
    if kind is tuple:
        return _of_tuples(values)  # type: ignore[arg-type]
    return name


def _of_tuples(values: Sequence[tuple[object, ...]]) -> str:
    if len({len(value) for value in values}) == 1:
        return f"tuple[{', '.join(map(annotation_for, map(list, zip(*values, strict=True))))}]" if values[0] else "tuple"
    return f"tuple[{annotation_for(chain.from_iterable(values))}, ...]"
