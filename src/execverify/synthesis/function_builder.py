"""A function while it is written: the lines so far, and the names in scope."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from execverify.synthesis import naming
from execverify.synthesis.describe import Line, as_condition, as_noun, describe
from execverify.synthesis.domains import STRINGS, Domain
from execverify.synthesis.facts import Fact, holds
from execverify.synthesis.templates import Expr

_START = {"''": "as an empty text", "[]": "as an empty list", "{}": "as an empty dict", "set()": "as an empty set"}
"""How to describe the initial value of a variable, where it is not just a literal."""

_KEYWORDS = frozenset(
    ("in", "is", "as", "or", "and", "not", "if", "for", "def", "del", "len", "str", "int", "sum", "min", "max", "abs", "all", "any",
     "map", "set", "list", "dict", "range", "pow")
)  # fmt: skip
"""Names that no variable may have: keywords, and the built-ins that programs call."""


class GenerationDeadEnd(Exception):
    """This attempt leads nowhere: there is no value of a type that is needed. The next attempt takes another way."""


@dataclass
class Param:
    """A parameter: its name and type, its role, and what its argument's texts must hold."""

    name: str
    kind: str
    role: str
    value_hints: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Var:
    """A variable in scope; `root` is the parameter that it came from."""

    name: str
    kind: str
    root: Param | None = None
    used: bool = False
    fixed: bool = False  # a loop variable or a counter: not to be changed
    role: str = ""
    whole: bool = False  # in scope everywhere in the function

    @property
    def expr(self) -> Expr:
        return Expr(self.name, self.kind, f"`{self.name}`")


class FunctionBuilder:
    """One function as far as it is written: its lines, its parameters, and what is in scope."""

    def __init__(self, rng: random.Random, domain: Domain = STRINGS, most_params: int = 3) -> None:
        self.rng = rng
        self.domain = domain
        self.name = ""  # given when the function is written, by what it does
        self.operations: list[str] = []  # idioms and entries, the most telling one first
        self.params: list[Param] = []
        self.scope: list[Var] = []
        self.lines: list[Line] = []
        self.insert_points: list[int] = []  # where the starting values of what a loop gathers go
        self.indent = 1
        self.most_params = most_params
        self.taken: set[str] = set()
        self.unused_pairs: list[tuple[Var, Var]] = []  # two loop variables of which the first should be read too
        self.conditions: list[str] = []  # the sorts of the conditions so far
        self.facts: list[Fact] = []  # what holds where the next line goes
        self.has_inner_loop = False  # whether a second collection is walked inside the first
        self.target_only = False  # only the method under test may be called

    # ---------------------------------------------------------------------------------------------- lines and names

    def add_line(self, text: str, wording: str) -> Line:
        """A line, with what it does in English: what is taken back takes its English with it."""
        line = Line(text, self.indent, wording)
        self.lines.append(line)
        return line

    @contextmanager
    def block(self, header: str, wording: str) -> Iterator[None]:
        """An indented block; what is bound in it is not in scope behind it."""
        self.add_line(header, wording)
        with self.indented():
            yield

    @contextmanager
    def if_block(self, condition: Expr, header: str = "if") -> Iterator[None]:
        """A block for where a condition holds."""
        with self.block(f"{header} {condition.text}:", f"if {as_condition(condition.description)}"), self.assuming(condition):
            yield

    @contextmanager
    def assuming(self, condition: Expr, truth: bool = True) -> Iterator[None]:
        """Lines for where a condition holds, or does not."""
        before = self.facts
        fact = holds(condition.text, truth)
        if fact is not None:
            self.facts = [*before, fact]
        yield
        self.facts = before

    @contextmanager
    def indented(self) -> Iterator[None]:
        """The lines of a block whose header is written."""
        known = list(self.scope)
        self.indent += 1
        yield
        self.indent -= 1
        self.scope = [var for var in self.scope if var.whole or var in known]

    def start(self, name: str, kind: str, value: str, description: str = "") -> Var:
        """A variable that starts with a value before the loop that is being written."""
        var = self.bind(name, kind, fixed=True)
        var.used = var.whole = True
        wording = f"starts `{var.name}` {description or _START.get(value) or f'at {value}'}"
        if self.insert_points:
            place = self.insert_points[-1]
            self.lines.insert(
                place,
                Line(f"{var.name} = {value}", self.lines[place].indent if place < len(self.lines) else self.indent, wording),
            )
            self.insert_points[-1] += 1
        else:
            self.add_line(f"{var.name} = {value}", wording)
        return var

    def uses(self, name: str, after: Line | None) -> bool:
        """Whether a name is read in the lines after one; after None: in any line."""
        start = self.lines.index(after) + 1 if after is not None else 0
        return any(re.search(rf"\b{name}\b", line.text) for line in self.lines[start:])

    def bound_at(self, name: str) -> Line | None:
        """The line that gives a name its first value; None for parameters."""
        return next((line for line in self.lines if line.text.startswith(f"{name} = ")), None)

    def texts(self, since: int) -> list[str]:
        """The lines from a position on."""
        return [line.text for line in self.lines[since:]]

    def source(self) -> str:
        """The function's text."""
        self._join_else_if()
        header = f"def {self.name}({', '.join(param.name for param in self.params)}):"
        return "\n".join([header, *("    " * line.indent + line.text for line in self.lines)])

    def _join_else_if(self) -> None:
        """An `else:` that holds one `if` and nothing more is written `elif`."""
        at = 0
        while at < len(self.lines):
            line = self.lines[at]
            if line.text == "else:":
                end = at + 1
                while end < len(self.lines) and self.lines[end].indent > line.indent:
                    end += 1
                block = self.lines[at + 1 : end]
                heads = [inner.text for inner in block if inner.indent == line.indent + 1]
                if heads[0].startswith("if ") and all(text.startswith(("elif ", "else:")) for text in heads[1:]):
                    for inner in block:
                        inner.indent -= 1
                    block[
                        0
                    ].text = f"el{block[0].text}"  # its description begins with "if": `describe` puts "otherwise" before it
                    del self.lines[at]
                    continue
            at += 1

    def describe(self) -> str:
        """What the function does, once its lines are all there."""
        return f"`{self.name}({', '.join(param.name for param in self.params)})` {describe(self.lines)}."

    def reads(self, text: str) -> bool:
        """Whether an expression's text mentions anything that has a value only when the program runs."""
        bare = re.sub(r"'[^']*'", "", text)
        return any(re.search(rf"\b{re.escape(var.name)}\b", bare) for var in self.scope)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def fresh(self, name: str) -> str:
        """The name, or one like it that is not taken."""
        for other in (name, *naming.SIMILAR_NAMES.get(name, naming.ANY_NAMES)):
            if other not in self.taken and other not in _KEYWORDS:
                name = other
                break
        candidate, number = name, 2
        while candidate in self.taken or candidate in _KEYWORDS:
            candidate, number = f"{name}{number}", number + 1
        self.taken.add(candidate)
        return candidate

    def param(self, kind: str, role: str = "") -> Var:
        for _ in range(8):
            name = naming.for_parameter(self.rng, kind, role, self.domain)
            if name not in self.taken:
                break
        made = Param(self.fresh(name), kind, role)
        self.params.append(made)
        var = Var(made.name, kind, made, role=role, whole=True)
        self.scope.insert(len(self.params) - 1, var)
        return var

    def bind(self, name: str, kind: str, like: Expr | None = None, fixed: bool = False) -> Var:
        """A new variable in scope."""
        root = self.root(like) if like is not None else None
        var = Var(self.fresh(name), kind, root, fixed=fixed)
        self.scope.append(var)
        return var

    def assign(self, value: Expr, name: str = "") -> Var:
        """Gives an expression a name."""
        for _ in range(4):
            chosen = name or naming.for_result(self.rng, value.kind)
            if chosen not in self.taken:
                break
        var = self.bind(chosen, value.kind, value)
        self.add_line(f"{var.name} = {value.text}", f"lets `{var.name}` be {as_noun(value.description, value.kind)}")
        return var

    def var(self, name: str) -> Var | None:
        return next((var for var in self.scope if var.name == name), None)

    def root(self, value: Expr) -> Param | None:
        """The parameter that an expression's text mentions first, directly or through a variable."""
        word = ""
        for char in value.text + " ":
            if char.isalnum() or char == "_":
                word += char
                continue
            if word and (found := self.var(word)) is not None and found.root is not None:
                return found.root
            word = ""
        return None

    def use(self, var: Var) -> Expr:
        var.used = True
        return var.expr
