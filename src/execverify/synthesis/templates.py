"""Expression templates: how an entry of the catalogue is written with operands, in Python and in English."""

import functools
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from execverify.programs.type_expr import arguments, matches, substitute, type_head
from execverify.synthesis.choice import choose, choose_order
from execverify.synthesis.template_table import txt

ATOM, UNARY, POWER, TIMES, PLUS, SHIFT, AND_BITS, XOR_BITS, OR_BITS, COMPARE, NOT, AND, OR, LOWEST = range(14, 0, -1)
"""How tightly an expression holds together, as Python's grammar ranks it."""

_BINDING = {
    "+": PLUS, "-": PLUS, "*": TIMES, "/": TIMES, "//": TIMES, "%": TIMES, "<<": SHIFT, ">>": SHIFT, "&": AND_BITS,
    "^": XOR_BITS, "|": OR_BITS, "in": COMPARE, "not in": COMPARE, "==": COMPARE, "!=": COMPARE, "<": COMPARE, "<=": COMPARE,
    ">": COMPARE, ">=": COMPARE, "and": AND, "or": OR, "**": POWER, "not": NOT, "neg": UNARY, "~": UNARY,
}  # fmt: skip
_HOLE = re.compile(r"\{(\d):([^{}]*?)(?: (\w+))?\}")
_name = attrgetter("name")
_CHOICE = re.compile(r"\{t:((?:[^{}]|\{[^{}]*\})*)\}")


class Expr(NamedTuple):
    """An expression of a program that is being written.

    Attributes:
        text: its source text.
        kind: its type, in the notation of `execverify.programs.type_expr`.
        description: what it is, in English.
        binding: how tightly it holds together; `ATOM` needs no brackets anywhere.
    """

    text: str
    kind: str
    description: str
    binding: int = ATOM

    def parenthesized_for(self, binding: int) -> str:
        """Its text, in brackets where the place it goes to binds more tightly."""
        return self.text if self.binding >= binding else f"({self.text})"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a phrase: its number, the type that it takes, a role for literals, and how tightly its place binds."""

    number: int
    kind: str
    role: str
    binding: int


@dataclass(frozen=True)
class ExpressionTemplate:
    """One way to write an entry.

    Attributes:
        entry: name in the catalogue.
        pattern: source text with `{0}`, `{1}` ... where the operands go; `{t}` where one of `choices` goes.
        holes: the operands, by number.
        result: type of what it gives; "none" for what only changes hole 0.
        wording: English, with the same numbers.
        binding: of the whole.
        is_general: whether any program may use it, not only those that test its entry.
        precondition: a condition with operands, under which alone it may run; empty where it may always.
        value_hint: what texts must hold for it to matter.
        options: further marks.
    """

    entry: str
    pattern: str
    holes: tuple[Slot, ...]
    choices: tuple[str, ...]
    result: str
    wording: str
    binding: int
    precondition: str
    value_hint: str
    options: frozenset[str]

    @functools.cached_property
    def name(self) -> str:
        """Its unique key."""
        return f"{self.entry} {self.pattern} {self.choices} {self.wording}"

    @property
    def is_general(self) -> bool:
        """Whether any program may use it."""
        return "common" in self.options

    @property
    def is_mutating(self) -> bool:
        """Whether it is a statement that changes hole 0."""
        return self.result == "none"


@functools.cache
def templates() -> tuple[ExpressionTemplate, ...]:
    """All templates, in the order of the table."""
    return tuple(_read(line) for line in txt.splitlines() if line.strip())


@functools.cache
def templates_of(entry: str) -> tuple[ExpressionTemplate, ...]:
    """The templates of an entry."""
    return tuple(template for template in templates() if template.entry == entry)


@functools.cache
def entries() -> tuple[str, ...]:
    """Names of the entries that have a template, in the order of the table."""
    return tuple(dict.fromkeys(template.entry for template in templates()))


@functools.cache
def general_templates() -> tuple[ExpressionTemplate, ...]:
    """Templates that any program may use: expressions that always run."""
    return tuple(
        template for template in templates() if template.is_general and not template.is_mutating and not template.precondition
    )


@functools.cache
def converting_templates(kind: str, result: str) -> tuple[ExpressionTemplate, ...]:
    """The general templates that make a value of one type of a value of another."""
    return tuple(one for one in general_templates() if one.result == result and fits_hole(one.holes[0].kind, kind, {}))


@functools.cache
def applicable_templates(kind: str, calls: bool) -> tuple[ExpressionTemplate, ...]:
    """The general templates for a value of a type; with `calls`, those that call something."""
    fitting = (one for one in general_templates() if fits_hole(one.holes[0].kind, kind, {}))
    return tuple(one for one in fitting if "(" in one.pattern or not calls)


def choose_templates(rng: random.Random, found: Iterable[ExpressionTemplate], count: int) -> list[ExpressionTemplate]:
    """Some templates in a random order (see `choice`)."""
    return choose_order(rng, found, count, _name)


def choose_template(rng: random.Random, found: Iterable[ExpressionTemplate]) -> ExpressionTemplate:
    """One of some templates (see `choice`)."""
    return choose(rng, found, _name)


def _read(line: str) -> ExpressionTemplate:
    entry, pattern, result, wording, options = _cells(line)
    words = options.split()
    needs, hint = "", ""
    if "if" in words:
        needs = options[options.index("if ") + 3 :].removesuffix(" numeric").removesuffix(" calls")
        if words[-1] in ("numeric", "calls"):
            words = [*words[: words.index("if")], words[-1]]
        else:
            words = words[: words.index("if")]
    if "with" in words:
        hint = words[words.index("with") + 1]
    operator = entry.partition(" ")[2]
    binding = _BINDING.get(operator, ATOM)
    chosen = _CHOICE.search(pattern)
    choices = tuple(chosen[1].split("|")) if chosen else ()
    if chosen:
        pattern = pattern[: chosen.start()] + "\0" + pattern[chosen.end() :]
    holes: dict[int, Slot] = {}

    def place(match: re.Match[str]) -> str:
        number = int(match[1])
        before, after = pattern[: match.start()], pattern[match.end() :]
        tight = _place_binding(before, after, binding, match[3] or "")
        holes[number] = Slot(number, match[2], match[3] or "", max(tight, holes[number].binding if number in holes else 0))
        return f"\1{number}\2"

    text = _HOLE.sub(place, pattern).replace("{{", "{").replace("}}", "}")
    text = text.replace("\0", "\1t\2")
    ordered = tuple(holes[number] for number in sorted(holes))
    return ExpressionTemplate(entry, text, ordered, choices, result, wording, binding, needs, hint, frozenset(words))


def _cells(line: str) -> list[str]:
    cells = [cell.strip() for cell in line.split("¦")]
    return [*cells, "", ""][:5]


def _place_binding(before: str, after: str, binding: int, role: str) -> int:
    if after[:1] in (".", "[") or role == "atom":
        return ATOM
    if binding == ATOM or (before.endswith(("(", "[", ", ")) and after[:1] in (")", "]", ",", ":")):
        return LOWEST
    if binding in (UNARY, NOT):
        return binding
    if binding == POWER:
        return ATOM
    return binding + (binding == COMPARE or bool(before.strip()))  # chains group to the left; comparisons do not chain


def fits_hole(pattern: str, kind: str, bound: dict[str, str]) -> bool:
    """Whether a value of a type may fill a hole; `O` stands for what can be ordered."""
    if pattern == "list[O]":
        if type_head(kind) != "list" or arguments(kind)[0] not in ("int", "str", "float"):
            return False
        bound["O"] = arguments(kind)[0]
        return True
    if pattern == "any":
        return kind in ("str", "int", "float", "bool") or type_head(kind) in ("list", "dict")
    return "any" not in kind and matches(pattern, kind, bound)


def hole_kind(hole: Slot, rng: random.Random) -> str:
    """A type for hole 0 of a phrase, its variables chosen."""
    letters = {"T": rng.choice(("int", "str")), "O": rng.choice(("int", "str")), "V": rng.choice(("int", "int", "str"))}
    if hole.kind == "any":
        return rng.choice(("int", "str", "str"))
    return substitute(hole.kind, letters)
