"""Render the description of a function's lines as a task: what a function that is to be written has to do.

The description states what each line does ("adds 1 to `i`"); here it becomes what to do ("Add 1 to `i`."), a sentence for each
statement of the function's body. A name that is given to a value and used once in a straight line gives way to the value.

>>> from execverify.synthesis.describe import Line
>>> lines = [Line("low = min(a, b)", 1, "lets `low` be the lesser of `a` and `b`"), Line("return low + 1", 1, "returns `low` plus 1")]
>>> stated(lines)
'Return (the lesser of `a` and `b`) plus 1.'
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from execverify.synthesis.describe import Line, describe_sentences, parenthetical

_IRREGULAR = {"empties": "empty", "does": "do", "goes": "go"}
_EFFECT = re.compile(
    r"\.(pop|popitem|setdefault|append|insert|extend|remove|update|add|discard|clear|sort|reverse)\(|\b(next|iter)\("
)
_LET = re.compile(r"lets `(\w+)` be (.*)", re.DOTALL)
_LONGEST = 14  # words of a value that may stand inside another sentence
_DEEPEST = 2  # brackets within brackets


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a program, as its writer leaves it.

    Attributes:
        name: its name.
        params: name and type of each parameter, in the notation of `execverify.programs.type_expr`.
        lines: the lines of its body, each with what it does.
    """

    name: str
    params: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]


def task_statement(functions: Sequence[Function], entry_point: str) -> str:
    """The task of writing the entry point. A function that it calls is described first."""
    calls = {function.name: f"`{function.name}({', '.join(name for name, _ in function.params)})`" for function in functions}
    helpers = [function for function in functions if function.name != entry_point]
    (main,) = (function for function in functions if function.name == entry_point)
    if not helpers:
        return f"Write a function {calls[entry_point]}. {imperative_sentences(main.lines)}"
    names = " and ".join(calls[function.name] for function in helpers)
    parts = [f"Write a function {calls[entry_point]} with a helper {names}."]
    parts += [f"{calls[function.name]}: {imperative_sentences(function.lines)}" for function in (*helpers, main)]
    return "\n\n".join(parts)


def imperative_sentences(lines: Sequence[Line]) -> str:
    """What to do, line by line, as sentences."""
    description = describe_sentences([replace(line, wording=_imperative(line.wording)) for line in _inlined(lines)])
    parts = [_singularize(part.removeprefix("and ")) for part in description]
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts)


def _singularize(description: str) -> str:
    """Use the singular for one of something."""
    description = re.sub(r"\b(first|last) 1 (character|element)s\b", r"\1 \2", description)
    return re.sub(r"(?<![\w.-])1 (character|element|column|decimal|bit|time)s\b", r"1 \1", description)


def _imperative(wording: str) -> str:
    """ "adds 1 to `i`" as "add 1 to `i`"; headers of blocks stay as they are."""
    word, blank, rest = wording.partition(" ")
    if word in ("", "if", "for", "as"):
        return wording
    return f"{_IRREGULAR.get(word) or word.removesuffix('s')}{blank}{rest}"


def _inlined(lines: Sequence[Line]) -> list[Line]:
    """Lines of which none only names a value that is used once, where nothing between the two could change it."""
    kept = list(lines)
    if any(line.indent > 1 or line.text.startswith(("if ", "for ", "while ")) or _EFFECT.search(line.text) for line in kept):
        return kept
    at = 0
    while at < len(kept) - 1:
        found = _LET.fullmatch(kept[at].wording)
        if found and (place := _only_use(kept, at, found[1])) is not None:
            value = found[2] if kept[place].wording == f"returns `{found[1]}`" else parenthetical(found[2])
            description = kept[place].wording.replace(f"`{found[1]}`", value)
            if len(value.split()) <= _LONGEST and depth(description) <= _DEEPEST:
                kept[place] = replace(kept[place], wording=description)
                del kept[at]
                continue
        at += 1
    return kept


def _only_use(lines: Sequence[Line], at: int, name: str) -> int | None:
    """The one line that reads a name, once, in its text and in its description; None where it is not one."""
    if lines[at].wording.startswith(f"lets `{name}` be whether "):
        return None
    texts = [re.findall(rf"\b{name}\b", re.sub(r"'[^']*'", "", line.text)) for line in lines]
    if sum(map(len, texts)) != 2 or len(texts[at]) != 1:
        return None
    place = next(place for place, found in enumerate(texts) if found and place != at)
    unchanged = all(line.wording.startswith("lets ") for line in lines[at:place])  # between the two, nothing but names is given
    return place if place > at and unchanged and lines[place].wording.count(f"`{name}`") == 1 else None


def depth(text: str) -> int:
    """How deeply brackets stand within brackets."""
    deepest = now = 0
    for char in re.sub(r"`[^`]*`|'[^']*'", "", text):
        now += (char == "(") - (char == ")")
        deepest = max(deepest, now)
    return deepest


def words(text: str) -> int:
    """How many words a text has."""
    return len(text.split())
