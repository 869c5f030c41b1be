"""The generator of one function: expressions and conditions made from what is in scope."""

from collections.abc import Callable, Sequence

from execverify.programs.type_expr import arguments, element, substitute, type_head
from execverify.synthesis import naming
from execverify.synthesis.describe import as_condition, as_noun, joined_conditions, negated_condition, parenthetical
from execverify.synthesis.facts import is_decided
from execverify.synthesis.function_builder import FunctionBuilder, GenerationDeadEnd, Var
from execverify.synthesis.literals import LITERALS, WORD_ROLES
from execverify.synthesis.templates import (
    AND,
    ATOM,
    COMPARE,
    LOWEST,
    OR,
    PLUS,
    TIMES,
    UNARY,
    Expr,
    ExpressionTemplate,
    choose_template,
    choose_templates,
    converting_templates,
    fits_hole,
    general_templates,
)  # fmt: skip

_ZERO_IS_IDLE = frozenset(("int +", "int -", "int |", "int ^", "int <<", "int >>"))
"""Operators that change nothing where 0 is on their right."""

_LOGICAL = {"bool and": "and", "bool &": "and", "bool or": "or", "bool |": "or"}
"""Entries whose operands are conditions, and the word between them."""

_SIGNS = {">": "is greater than", "<": "is less than", ">=": "is at least", "<=": "is at most", "==": "is", "!=": "is not"}


def _sliced(value: Expr, slice_: str, description: str) -> Expr:
    """A part of a sequence, of the same type."""
    text = f"{value.parenthesized_for(ATOM)}{slice_}"
    return Expr(text, value.kind, description.format(parenthetical(value.description)))


class ExpressionGenerator(FunctionBuilder):
    """Writes one function: expressions and conditions made from what is in scope."""

    def write(self, template: ExpressionTemplate, subject: Expr, second: Expr | None = None) -> Expr | None:
        """A phrase applied to a subject, its other holes filled; None where the subject's type does not fit."""
        bound: dict[str, str] = {}
        hole = template.holes[0]
        if not fits_hole(hole.kind, subject.kind, bound):
            return None
        known = self.var(subject.text)
        if (hole.role == "name" and known is None) or (hole.role == "letter" and (known is None or known.role != "letter")):
            return None
        filling: dict[int, Expr] = {0: subject}
        for other in template.holes[1:]:
            if other.role == "name":
                filling[other.number] = self.named(substitute(other.kind, bound), subject)
                continue
            if second is not None and second.kind == substitute(other.kind, bound):
                filling[other.number], second = second, None
                continue
            wanted = substitute(other.kind, bound)
            if wanted == "bool" and other.kind != "bool":  # one of some truth values: nobody looks for a comparison among them
                filling[other.number] = self.literal("bool", "")
                continue
            given = self.fill(wanted, other.role, subject, filling)
            if given.text == "0" and template.entry in _ZERO_IS_IDLE:
                given = self.literal("int", "two")
            filling[other.number] = given
        if not any(self.reads(value.text) for value in filling.values()):
            self._make_effective(template, filling, bound)
        self.value_hint(subject, template, filling)
        return self._assemble(template, filling, bound)

    def _make_effective(self, template: ExpressionTemplate, filling: dict[int, Expr], bound: dict[str, str]) -> None:
        """Nobody writes an operation on constants alone: one of the operands becomes something that varies."""
        for hole in template.holes:
            kind = substitute(hole.kind, bound)
            usable = [var for var in self.scope if var.kind == kind and (var.role == hole.role or not hole.role)]
            if usable or (len(self.params) < self.most_params and hole.role != "index" and kind not in ("any", "bool")):
                filling[hole.number] = self.use(self.rng.choice(usable) if usable else self.param(kind, hole.role))
                return
        raise GenerationDeadEnd

    def named(self, kind: str, avoid: Expr) -> Expr:
        usable = [var for var in self.scope if var.kind == kind and var.name != avoid.text]
        if usable:
            return self.use(self.rng.choice(usable))
        if len(self.params) < self.most_params:
            return self.use(self.param(kind))
        raise GenerationDeadEnd

    def _assemble(self, template: ExpressionTemplate, filling: dict[int, Expr], bound: dict[str, str]) -> Expr:
        text, wording = template.pattern, template.wording
        if template.choices:
            chosen = self.rng.choice(template.choices)
            text, wording = text.replace("\1t\2", chosen), wording.replace("{t}", "\3")
        for hole in template.holes:
            value = filling[hole.number]
            text = text.replace(f"\1{hole.number}\2", value.parenthesized_for(hole.binding))
            wording = wording.replace(
                f"{{{hole.number}}}",
                parenthetical(value.description if hole.kind == "bool" else as_noun(value.description, value.kind)),
            )
        if template.choices:
            wording = wording.replace("\3", chosen)
        if template.entry in _LOGICAL:
            wording = joined_conditions(_LOGICAL[template.entry], *(filling[hole.number].description for hole in template.holes))
        elif template.entry == "bool not":
            wording = negated_condition(filling[0].description)
        result = substitute(template.result, bound)
        if "{x}" in text or "lambda" in text:
            text, wording, result = self._with_lambda(template, text, wording, bound, filling[0], result)
        return Expr(text, result, wording, template.binding)

    def _with_lambda(
        self, template: ExpressionTemplate, text: str, wording: str, bound: dict[str, str], source: Expr, result: str
    ) -> tuple[str, str, str]:
        kind = bound.get("T") or element(source.kind) or "int"
        taken = set(self.taken)
        inner = Var(self.fresh(naming.for_element(self.rng, source.text, kind)[:1]), kind, self.root(source))
        self.taken = taken
        self.scope.append(inner)
        try:
            if "{c:T}" in text:
                condition = self.condition(inner.expr, plain=self.target_only)
                text, wording = text.replace("{c:T}", condition.text), wording.replace("{c}", as_condition(condition.description))
            elif "{m:T}" in text:
                made = (
                    self.apply_operator(inner.expr)
                    if self.target_only
                    else self.convert(inner.expr, self.rng.choice(("int", "str")))
                )
                text, wording, result = (
                    text.replace("{m:T}", made.text),
                    wording.replace("{m}", made.description),
                    f"iterator[{made.kind}]",
                )
        finally:
            self.scope.remove(inner)
        return text.replace("{x}", inner.name), wording.replace("{x}", f"`{inner.name}`"), result

    def value_hint(self, subject: Expr, template: ExpressionTemplate, filling: dict[int, Expr]) -> None:
        """Notes what the subject's argument must hold for the phrase to matter."""
        root = self.root(subject)
        if root is None:
            return
        if template.value_hint:
            root.value_hints.append(template.value_hint)
        if "numeric" in template.options:
            root.value_hints.append("numeric")
        for hole in template.holes[1:]:
            given = filling[hole.number]
            if type_head(template.holes[0].kind) in ("list", "set", "tuple") and hole.kind in ("T", "int") and not hole.role:
                root.value_hints.append(
                    f"has:{given.text}" if given.text[:1] in "'-" or given.text.isdigit() else f"has:\2{given.text}"
                )
            if template.entry in ("str ==", "str !=") and given.text[:1] in "'":
                root.value_hints.append(f"{'has' if type_head(root.kind) in ('list', 'tuple') else 'is'}:{given.text}")
            if hole.role == "code" and given.text.isdigit():
                root.value_hints.append(f"char:{chr(int(given.text))}")
            if hole.kind == "str" and hole.role in ("char", "sep", "strip", "start", "ending", "letter", "key"):
                # \2 marks a parameter: its own value is what the subject must hold.
                mark = given.text.strip("'\"") if given.text[:1] in "'\"" else f"\2{given.text}"
                root.value_hints.append(f"{hole.role}:{mark}")

    def fill(self, kind: str, role: str, subject: Expr, filling: dict[int, Expr] | None = None) -> Expr:
        """An operand: something in scope, a literal, or a new parameter."""
        avoid = {value.text for value in (filling or {}).values()} | {subject.text}
        roled = role and role not in ("atom",)
        anywhere = not roled or (kind == "int" and role in ("mask", "threshold"))
        usable = [
            v
            for v in self.scope
            if v.kind == kind and v.name not in avoid and (anywhere or v.role == role) and v.role != "extreme"
        ]
        room = len(self.params) < self.most_params
        if usable and self.chance(0.22):
            unused = [var for var in usable if not var.used] or usable
            return self.use(self.rng.choice(unused))
        if kind == "bool":
            return self.condition(self.any_variable(avoid), plain=self.target_only)
        if kind in ("str", "int", "float") and not (room and self.chance(0.12)):
            return self.literal(kind, role)
        if room:
            return self.use(self.param(kind, role))
        if usable:
            return self.use(self.rng.choice(usable))
        return self.create(kind, avoid)

    def literal(self, kind: str, role: str) -> Expr:
        if kind == "str" and role in WORD_ROLES:
            text = repr(self.domain.literal(self.rng))
        else:
            text = self.rng.choice(LITERALS[role if role in LITERALS else kind])
        return Expr(text, kind, text, UNARY if text.startswith("-") else ATOM)

    def any_variable(self, avoid: set[str]) -> Expr:
        usable = [var for var in self.scope if type_head(var.kind) in ("str", "int", "list", "float", "dict")]
        if not usable:
            raise GenerationDeadEnd
        unused = [var for var in usable if not var.used and var.name not in avoid] or usable
        return self.use(self.rng.choice(unused))

    def create(self, kind: str, avoid: set[str]) -> Expr:
        """A value of a collection's type where nothing is in scope: a display of what is, or literals."""
        name, parts = type_head(kind), arguments(kind)
        if name in ("list", "set") and parts:
            items = [self.fill(parts[0], "", Expr("", parts[0], "")) for _ in range(2)]
            if len({item.text for item in items}) < 2:
                items[1] = self.literal(parts[0], "") if parts[0] in LITERALS else items[1]
            inside = ", ".join(item.text for item in items)
            text = f"[{inside}]" if name == "list" else f"{{{inside}}}"
            return Expr(text, kind, f"`{text}`")
        if name == "tuple" and parts and "..." not in parts:
            items = [self.fill(part, "", Expr("", part, "")) for part in parts]
            text = f"({', '.join(item.text for item in items)})"
            return Expr(text, kind, f"`{text}`")
        if name == "dict" and len(parts) == 2 and parts[0] == "str":
            key, value = self.fill("str", "key", Expr("", "str", "")), self.fill(parts[1], "", Expr("", parts[1], ""))
            text = f"{{{key.text}: {value.text}}}"
            return Expr(text, kind, f"`{text}`")
        raise GenerationDeadEnd

    def get_or_create(self, kind: str) -> Expr:
        """A value of a type: from scope, a new parameter, or made of one."""
        usable = [var for var in self.scope if var.kind == kind]
        if usable and (self.chance(0.6) or len(self.params) >= self.most_params):
            return self.use(self.rng.choice([var for var in usable if not var.used] or usable))
        if type_head(kind) in ("range", "iterator", "frozenset") or (kind.startswith("tuple") and "..." in kind):
            raise GenerationDeadEnd
        if len(self.params) < self.most_params:
            return self.use(self.param(kind))
        if usable:
            return self.use(self.rng.choice(usable))
        made = self.create(kind, set())
        return made if self.reads(made.text) else self.use(self.param(kind))  # nobody walks over constants

    def apply_operator(self, value: Expr) -> Expr:
        """The value with an operator at work on it: no call, the same type. A literal stays as it is: nobody writes `65 * 2`."""
        if value.text[0] in "'0123456789":
            return value
        name = type_head(value.kind)
        if name in ("str", "int", "float", "list"):
            options = {
                "str": self._str_operators,
                "int": self._int_operators,
                "float": self._float_operators,
                "list": self._list_operators,
            }
            return self.rng.choice(options[name](value))()
        if name in ("set", "dict"):
            return self._glue(value, "|", self.create(value.kind, {value.text}), LOWEST + 5, "joined with")
        if name == "frozenset":
            return self._glue(value, "|", value, LOWEST + 5, "joined with")
        if name == "bool":
            return self.negated(value)
        if name == "tuple" and "..." not in value.kind:
            kind = f"tuple[{', '.join(arguments(value.kind)[::-1])}]"
            return Expr(f"{value.parenthesized_for(ATOM)}[::-1]", kind, f"{parenthetical(value.description)} reversed")
        return value

    def _str_operators(self, value: Expr) -> Sequence[Callable[[], Expr]]:
        return (
            lambda: self._glue(value, "+", self.fill("str", "part", value), PLUS, "followed by"),
            lambda: self._glue(value, "+", self.fill("str", "part", value), PLUS, "followed by"),
            lambda: _sliced(value, "[::-1]", "{} reversed"),
            lambda: _sliced(value, "[1:]", "{} without its first character"),
            lambda: _sliced(value, "[:-1]", "{} without its last character"),
            lambda: _sliced(value, "[:3]", "the first 3 characters of {}"),
        )

    def _int_operators(self, value: Expr) -> Sequence[Callable[[], Expr]]:
        return (
            lambda: self._glue(value, "+", self.fill("int", "small", value), PLUS, "plus"),
            lambda: self._glue(value, "-", self.fill("int", "small", value), PLUS, "minus"),
            lambda: self._glue(value, "*", self.literal("int", "two"), TIMES, "times"),
            lambda: self._glue(value, "%", self.literal("int", "modulus"), TIMES, "modulo"),
            lambda: self._glue(value, "//", self.literal("int", "two"), TIMES, "divided by", ", rounded down"),
        )

    def _float_operators(self, value: Expr) -> Sequence[Callable[[], Expr]]:
        return (
            lambda: self._glue(value, "+", self.literal("float", ""), PLUS, "plus"),
            lambda: self._glue(value, "*", self.literal("int", "two"), TIMES, "times"),
            lambda: self._glue(value, "-", self.literal("float", ""), PLUS, "minus"),
        )

    def _list_operators(self, value: Expr) -> Sequence[Callable[[], Expr]]:
        options: list[Callable[[], Expr]] = [
            lambda: _sliced(value, "[::-1]", "{} reversed"),
            lambda: _sliced(value, "[1:]", "{} without its first element"),
            lambda: _sliced(value, "[:-1]", "{} without its last element"),
            lambda: _sliced(value, "[-3:]", "the last 3 elements of {}"),
            lambda: self._glue(value, "+", self.get_or_create(value.kind), PLUS, "followed by"),
        ]
        if arguments(value.kind)[0] in LITERALS:
            one = self.fill(arguments(value.kind)[0], "", value)
            more = Expr(f"[{one.text}]", value.kind, f"`[{one.text}]`")
            options.append(lambda: self._glue(value, "+", more, PLUS, "followed by"))
        return options

    def negated(self, value: Expr) -> Expr:
        """The opposite of a condition; a comparison stays as it is, since an operator for the opposite exists."""
        if value.binding != ATOM:
            return value
        return Expr(f"not {value.text}", "bool", negated_condition(value.description), LOWEST + 3)

    def _glue(self, left: Expr, operator: str, right: Expr, binding: int, wording: str, after: str = "") -> Expr:
        text = f"{left.parenthesized_for(binding)} {operator} {right.parenthesized_for(binding + 1)}"
        return Expr(
            text, left.kind, f"{parenthetical(left.description)} {wording} {parenthetical(right.description)}{after}", binding
        )

    def convert(self, value: Expr, want: str) -> Expr:
        """An expression of the wanted type that depends on the value."""
        if value.kind == want and self.chance(0.25):
            return value
        if want == "bool":
            return self.condition(value)
        for template in choose_templates(self.rng, converting_templates(value.kind, want), 6):
            if (made := self.write(template, value)) is not None and made.kind == want:
                return made
        if value.kind == want:
            return self.apply_operator(value)
        if want == "str" and value.kind == "bool" and self.chance(0.7):
            yes, no = self.rng.choice((("'yes'", "'no'"), ("'on'", "'off'"), ("'ok'", "'bad'")))
            return Expr(
                f"{yes} if {value.text} else {no}", "str", f"{yes} if {as_condition(value.description)}, else {no}", LOWEST + 1
            )
        if want == "str":
            return Expr(f"str({value.text})", "str", f"{parenthetical(as_noun(value.description, value.kind))} as text")
        if want == "int" and type_head(value.kind) in ("list", "tuple", "dict", "set", "frozenset", "str"):
            return Expr(f"len({value.text})", "int", f"the length of {parenthetical(value.description)}")
        if want == "int" and value.kind == "float":
            return Expr(f"int({value.text})", "int", f"{parenthetical(value.description)} cut to a whole number")
        if want == "int" and value.kind == "bool":
            return Expr(f"int({value.text})", "int", f"1 if {as_condition(value.description)}, else 0")
        raise GenerationDeadEnd

    def condition(self, value: Expr, plain: bool = False) -> Expr:
        """A condition on a value, of another sort than the others, and not decided by them; with `plain`, one without calls."""
        made = self._new_condition(value, plain)
        if self.target_only or plain or value.kind == "bool" or made.binding < AND or not self.chance(0.18):
            return made
        other = self._new_condition(value, plain)
        if other.binding < AND or _sort_of(other.text) == _sort_of(made.text):
            return made
        return self.both(made, other) if self.chance(0.45) else self.either(made, other)

    def _new_condition(self, value: Expr, plain: bool) -> Expr:
        for _ in range(5):
            made = self._condition(value, plain)
            sort = _sort_of(made.text)
            if sort not in self.conditions and not is_decided(self.facts, made.text):
                break
        self.conditions.append(sort)
        return made

    def _condition(self, value: Expr, plain: bool) -> Expr:
        rng, name, text = self.rng, type_head(value.kind), value.parenthesized_for(ATOM)
        if value.kind == "bool":
            return value
        if value.kind == "int":
            return self._int_condition(value)
        if value.kind == "float":
            limit = self.literal("float", "") if self.chance(0.6) else self.fill("float", "threshold", value)
            sign = rng.choice("><")
            return Expr(
                f"{value.parenthesized_for(COMPARE + 1)} {sign} {limit.text}",
                "bool",
                f"{parenthetical(value.description)} {_SIGNS[sign]} {parenthetical(limit.description)}",
                COMPARE,
            )
        if name == "str":
            return self._text_condition(value, plain)
        if plain:
            if name in ("list", "tuple", "set", "frozenset") and arguments(value.kind)[0] in ("int", "str"):
                one = self.fill(arguments(value.kind)[0], "", value)
                self.record_condition(
                    value, f"has:{one.text}" if one.text[:1] in "'-" or one.text.isdigit() else f"has:\2{one.text}"
                )
                return Expr(
                    f"{one.parenthesized_for(COMPARE + 1)} in {value.text}",
                    "bool",
                    f"{parenthetical(one.description)} is in {parenthetical(value.description)}",
                    COMPARE,
                )
            if name == "dict":
                key = self.fill("str", "key", value)
                self.record_condition(value, f"key:{key.text[1:-1]}" if key.text[:1] in "'\"" else f"key:\2{key.text}")
                return Expr(
                    f"{key.text} in {text}",
                    "bool",
                    f"{parenthetical(key.description)} is a key of {parenthetical(value.description)}",
                    COMPARE,
                )
        if name in ("list", "dict", "set", "frozenset", "tuple"):
            limit = self.fill("int", "size", value) if self.chance(0.3) else self.literal("int", "many")
            sign, description = rng.choice(
                ((">", "more than"), ("<", "fewer than"), (">=", "no fewer than"), ("<=", "no more than"))
            )
            return Expr(
                f"len({value.text}) {sign} {limit.text}",
                "bool",
                f"{parenthetical(value.description)} has {description} {limit.description} element{'' if limit.text == '1' else 's'}",
                COMPARE,
            )
        raise GenerationDeadEnd

    def _int_condition(self, value: Expr) -> Expr:
        rng = self.rng
        pick = rng.random()
        text = value.parenthesized_for(COMPARE + 1)
        if pick < 0.3 and value.binding > TIMES:
            divisor, rest = rng.choice((("2", "0"), ("2", "1"), ("3", "0"), ("3", "1"), ("5", "0"), ("4", "0")))
            sign = rng.choice(("==", "==", "!="))
            return Expr(
                f"{text} % {divisor} {sign} {rest}",
                "bool",
                f"{parenthetical(value.description)} modulo {divisor} {_SIGNS[sign]} {rest}",
                COMPARE,
            )
        if pick < 0.4:
            low, high = rng.choice((("0", "10"), ("3", "12"), ("-5", "5"), ("1", "9"), ("2", "8")))
            return Expr(
                f"{low} <= {text} <= {high}",
                "bool",
                f"{parenthetical(value.description)} lies between {low} and {high}, both included",
                COMPARE,
            )
        limit = self.fill("int", "threshold", value)
        sign = rng.choice((">", "<", ">=", "<=", ">", "<"))
        return Expr(
            f"{text} {sign} {limit.parenthesized_for(COMPARE + 1)}",
            "bool",
            f"{parenthetical(value.description)} {_SIGNS[sign]} {parenthetical(limit.description)}",
            COMPARE,
        )

    def _text_condition(self, value: Expr, plain: bool) -> Expr:
        var = self.var(value.text)
        if var is not None and var.role == "letter":
            return self._letter_condition(value, plain)
        rng, text = self.rng, value.parenthesized_for(ATOM)
        pick = rng.random()
        if pick < 0.35 and not plain:
            limit = self.fill("int", "length", value) if self.chance(0.35) else self.literal("int", "length")
            sign, description = rng.choice(
                ((">", "longer than {} characters"), ("<", "shorter than {} characters"),
                 (">=", "no shorter than {} characters"), ("==", "exactly {} characters long"))
            )  # fmt: skip
            return Expr(
                f"len({value.text}) {sign} {limit.text}",
                "bool",
                f"{parenthetical(value.description)} is {description.format(parenthetical(limit.description))}",
                COMPARE,
            )
        if pick < 0.65 and not plain:
            usable = [p for p in general_templates() if p.result == "bool" and p.entry.startswith("str.")]
            made = self.write(choose_template(rng, usable), value)
            if made is not None:
                return made
        if pick < 0.8:
            char = self.fill("str", "char", value)
            self.record_condition(value, f"char:{char.text.strip(chr(39))}" if char.text[0] == "'" else f"char:\2{char.text}")
            sign = rng.choice(("in", "in", "not in"))
            return Expr(
                f"{char.text} {sign} {text}",
                "bool",
                f"{parenthetical(char.description)} is {sign} {parenthetical(value.description)}",
                COMPARE,
            )
        other = self.fill("str", "word", value)
        sign, description = rng.choice(
            (("<", "comes before"), (">", "comes after"), ("!=", "is not"), (">=", "does not come before"))
        )
        return Expr(
            f"{value.parenthesized_for(COMPARE + 1)} {sign} {other.text}",
            "bool",
            f"{parenthetical(value.description)} {description} {parenthetical(other.description)}",
            COMPARE,
        )

    def _letter_condition(self, value: Expr, plain: bool) -> Expr:
        rng, text = self.rng, value.parenthesized_for(ATOM)
        pool, description = rng.choice(
            (
                ("'aeiou'", "one of 'aeiou'"),
                ("'aeiou'", "one of 'aeiou'"),
                ("'xyz'", "one of 'xyz'"),
                ("' ,.'", "one of ' ,.'"),
            )
        )
        sign = rng.choice((" in ", " in ", " not in "))
        if self.chance(0.3) or plain:
            self.record_condition(value, "char:a")
            return Expr(
                f"{text}{sign}{pool}",
                "bool",
                f"{parenthetical(value.description)} is{'' if sign == ' in ' else ' not'} {description}",
                COMPARE,
            )
        test, description, hint = rng.choice((
            ("isdigit", "a digit", "digits"), ("isalpha", "a letter", "digits"), ("isupper", "in upper case", "upper"),
            ("islower", "in lower case", "upper"), ("isspace", "whitespace", "words"), ("isalnum", "a letter or digit", "words"),
        ))  # fmt: skip
        self.record_condition(value, hint)
        return Expr(f"{text}.{test}()", "bool", f"{parenthetical(value.description)} is {description}")

    def record_condition(self, value: Expr, hint: str) -> None:
        if (root := self.root(value)) is not None:
            root.value_hints.append(hint)

    def both(self, first: Expr, second: Expr) -> Expr:
        """Both of two conditions."""
        return Expr(
            f"{first.parenthesized_for(AND)} and {second.parenthesized_for(AND + 1)}",
            "bool",
            joined_conditions("and", first.description, second.description),
            AND,
        )

    def either(self, first: Expr, second: Expr) -> Expr:
        """One of two conditions, or both."""
        return Expr(
            f"{first.parenthesized_for(OR)} or {second.parenthesized_for(OR + 1)}",
            "bool",
            joined_conditions("or", first.description, second.description),
            OR,
        )


def _sort_of(condition: str) -> str:
    """What sort of condition it is: two of one sort about one value would decide each other."""
    for mark in ("len(", "%", ".is", ".startswith", ".endswith", " in ", " not in ", "<=", "==", "!="):
        if mark in condition:
            return mark
    return "other"
