"""Programs without control flow: nested calls of one method (level 1), and chains of several (level 2)."""

import re
from collections.abc import Sequence

from execverify.programs.type_expr import arguments, type_head
from execverify.synthesis.comprehensions import comprehension_of
from execverify.synthesis.describe import as_condition, as_noun, joined_conditions, parenthetical
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd, Var
from execverify.synthesis.sequences import IDEMPOTENT, LEADING, UNUSUAL_NEXT
from execverify.synthesis.templates import (
    ATOM,
    COMPARE,
    LOWEST,
    OR_BITS,
    PLUS,
    TIMES,
    Expr,
    ExpressionTemplate,
    applicable_templates,
    choose_templates,
    fits_hole,
    general_templates,
    hole_kind,
)

_LAZY = frozenset(("iterator", "items", "keys", "values", "range"))
_JOINED = {" + ": " plus ", " - ": " minus ", " * ": " times ", " == ": " equals "}
_CONTAINERS = frozenset(("list", "dict", "set", "tuple", "str"))


def subject_for(gen: ExpressionGenerator, template: ExpressionTemplate) -> Expr:
    """A value that a phrase can be applied to."""
    hole = template.holes[0]
    kind = hole_kind(hole, gen.rng)
    if hole.role == "letter":
        usable = [var for var in gen.scope if var.role == "letter"]
        return gen.use(gen.rng.choice(usable) if usable and gen.chance(0.5) else gen.param("str", "letter"))
    if hole.role and hole.role not in ("name", "atom"):
        if hole.role != "sep" and len(gen.params) < gen.most_params and gen.chance(0.8):
            var = gen.param(kind, hole.role)
            if hole.role == "code" and var.root is not None:
                var.root.value_hints.append("codes")
            return gen.use(var)
        return gen.fill(kind, hole.role, Expr("", "", ""))
    if kind == "bool":
        usable = [var for var in gen.scope if var.kind != "bool"]
        if not usable or gen.chance(0.3):
            value = gen.use(gen.param(gen.rng.choice(("int", "str", "int"))))
        else:
            value = gen.use(gen.rng.choice(usable))
        condition = gen.condition(value, plain=gen.target_only)
        # `not a < b` is written `a >= b`: only what has a name or is a call is negated
        return gen.assign(condition).expr if template.entry == "bool not" and condition.binding < ATOM else condition
    if type_head(kind) in ("set", "frozenset") and not gen.target_only and gen.chance(0.7):
        source = gen.get_or_create(f"list[{arguments(kind)[0]}]")
        return Expr(f"{type_head(kind)}({source.text})", kind, f"the distinct elements of {parenthetical(source.description)}")
    return gen.get_or_create(kind)


def apply(gen: ExpressionGenerator, template: ExpressionTemplate, subject: Expr) -> Expr:
    """The phrase on a subject; a statement that changes it leaves the subject, changed."""
    if template.is_mutating and not subject.text.isidentifier():
        subject = gen.assign(subject).expr
    made = gen.write(template, subject)
    if made is None:
        raise GenerationDeadEnd
    if not template.is_mutating:
        return made
    gen.add_line(made.text, made.description)
    return subject


def plain_value(gen: ExpressionGenerator, value: Expr) -> Expr:
    """The value as something that can be returned and written down: what is lazy is drawn out."""
    name = type_head(value.kind)
    if name not in _LAZY and name != "frozenset":
        return value
    inner = arguments(value.kind) or ("int",)
    if name == "frozenset":
        return (
            Expr(
                f"{'sorted' if not gen.target_only else ''}({value.text})",
                f"list[{inner[0]}]",
                f"{parenthetical(value.description)} in order",
            )
            if not gen.target_only
            else value
        )
    if gen.target_only:
        return Expr(f"[*{value.text}]", f"list[{inner[0]}]", f"a list of {parenthetical(value.description)}")
    maker = gen.rng.choice(("list", "list", "tuple")) if name != "keys" else "sorted"
    kind = f"list[{inner[0]}]" if maker != "tuple" else f"tuple[{inner[0]}, ...]"
    description = (
        f"{parenthetical(value.description)} in order"
        if maker == "sorted"
        else f"a {maker} of {parenthetical(value.description)}"
    )
    return Expr(f"{maker}({value.text})", kind, description)


# ------------------------------------------------------------------------------------------------------------- level 1


def nested_calls(gen: ExpressionGenerator, template: ExpressionTemplate) -> Expr:
    """Level 1: the method under test on what it gave itself, or several times where it cannot take that."""
    gen.target_only = True
    first = subject_for(gen, template)
    if template.is_mutating:
        return _changed_often(gen, template, first)
    if gen.chance(0.1) and first.kind not in ("bool",) and template.holes[0].role not in ("name", "letter", "sep"):
        first = gen.apply_operator(first)
    value = _within_itself(gen, template, first)
    if value is None:
        return _several(gen, template, first)
    if (
        gen.chance(0.12)
        and template.entry not in IDEMPOTENT
        and (again := _within_itself(gen, template, value, once=True)) is not None
    ):
        value = again
    value = plain_value(gen, value)
    named = not gen.lines and gen.chance(0.85)
    if named:
        value = gen.assign(value).expr
    if template.holes[0].kind == "any" and value.kind == "bool":  # arguments have their types: only beside them is it news
        return Expr(f"({value.text}, {first.text})", "tuple", _pair(value, first))
    if gen.chance(0.2 if named else 0.1):
        value = gen.apply_operator(value)
    return _shown(gen, value)


def _within_itself(gen: ExpressionGenerator, template: ExpressionTemplate, subject: Expr, once: bool = False) -> Expr | None:
    begun, scope, taken = len(gen.lines), list(gen.scope), set(gen.taken)
    inner = subject if once else gen.write(template, subject)
    if inner is None:
        return None
    if not once and inner.kind != "bool" and "any" not in inner.kind and gen.chance(0.45 if gen.lines else 0.7):
        inner = gen.assign(inner).expr  # a name for what is halfway, as people give it
    for _ in range(3):
        carried = _feed_back(gen, template, inner)
        if carried is None:
            break
        outer = gen.write(template, carried)
        if outer is not None:
            return outer
    for hole in template.holes[1:]:
        if fits_hole(hole.kind, inner.kind, {}) and not hole.role:
            base = subject_for(gen, template)
            outer = gen.write(template, base, inner)
            if outer is not None and inner.text in outer.text:
                return outer
    del gen.lines[begun:]  # a name for what is halfway leads nowhere
    gen.scope, gen.taken = [var for var in gen.scope if var in scope or var.whole], taken | {param.name for param in gen.params}
    return None


def _feed_back(gen: ExpressionGenerator, template: ExpressionTemplate, inner: Expr) -> Expr | None:
    """What the method gave, or a part of it, as a value that it takes again."""
    hole = template.holes[0]
    if template.entry == "bool not":  # `not not` is nobody's
        return gen.assign(inner).expr if inner.binding < ATOM else inner
    if hole.role == "name" or hole.role == "letter":
        return gen.assign(inner, gen.rng.choice(("first", "inner", "part", "once"))).expr if hole.kind == "any" else None
    if fits_hole(hole.kind, inner.kind, {}):
        if template.entry in IDEMPOTENT and (joined := _beside_another(gen, inner)) is not None:
            return joined
        if gen.chance(0.15):
            operated = gen.apply_operator(inner)
            return operated if fits_hole(hole.kind, operated.kind, {}) else inner
        return inner
    parts = arguments(inner.kind)
    if type_head(inner.kind) in ("list", "tuple") and parts and fits_hole(hole.kind, parts[0], {}):
        index = gen.rng.choice(("0", "-1", "0")) if "..." in inner.kind or type_head(inner.kind) == "list" else "0"
        which = "first" if index == "0" else "last"
        return Expr(
            f"{inner.parenthesized_for(ATOM)}[{index}]", parts[0], f"the {which} element of {parenthetical(inner.description)}"
        )
    wanted = arguments(hole.kind)
    if type_head(inner.kind) == type_head(hole.kind) == "tuple" and parts[: len(wanted)] == wanted:
        return Expr(
            f"{inner.parenthesized_for(ATOM)}[:{len(wanted)}]",
            hole.kind,
            f"the first {len(wanted)} elements of {parenthetical(inner.description)}",
        )
    if type_head(inner.kind) in _LAZY | {"set", "frozenset", "tuple", "dict"} and type_head(hole.kind) == "list":
        listed = Expr(
            f"[*{inner.text}]", f"list[{parts[0] if parts else 'int'}]", f"a list of {parenthetical(inner.description)}"
        )
        return listed if fits_hole(hole.kind, listed.kind, {}) else None
    return None


def _beside_another(gen: ExpressionGenerator, value: Expr) -> Expr | None:
    """The value joined with another one of its type, so that the method has something to do again; None where there is none."""
    sign, wording, binding = {
        "str": ("+", "followed by", PLUS),
        "list": ("+", "followed by", PLUS),
        "int": gen.rng.choice((("-", "minus", PLUS), ("+", "plus", PLUS))),
        "float": gen.rng.choice((("-", "minus", PLUS), ("+", "plus", PLUS), ("*", "times", TIMES))),
        "set": ("|", "joined with", OR_BITS),
        "dict": ("|", "joined with", OR_BITS),
    }.get(type_head(value.kind), ("", "", 0))
    if not sign:
        return None
    others = [var for var in gen.scope if var.kind == value.kind and var.root is not None and var.name not in value.text]
    if others and gen.chance(0.4):
        other = gen.use(gen.rng.choice(others))
    elif len(gen.params) < gen.most_params:
        other = gen.use(gen.param(value.kind))
    else:
        return None
    text, description = value.parenthesized_for(binding), parenthetical(value.description)
    if value.kind == "str" and gen.chance(0.5):
        between = gen.rng.choice(("' '", "'-'", "', '", "'_'", "': '"))
        text, description = f"{text} {sign} {between}", f"{description} followed by {between}"
    return Expr(f"{text} {sign} {other.text}", value.kind, f"{description} {wording} {other.description}", binding)


def _several(gen: ExpressionGenerator, template: ExpressionTemplate, first: Expr) -> Expr:
    values: list[Expr] = []
    texts: set[str] = set()
    fixed = len(template.holes) == 1 and not template.choices  # on one value it would give the same again
    for index in range(gen.rng.choice((2, 2, 2, 3))):
        subject = first if index == 0 else subject_for(gen, template)
        if index and subject.kind != "bool" and template.holes[0].role not in ("name", "letter", "sep"):
            if subject.text == first.text and (fixed or gen.chance(0.4)) and len(gen.params) < gen.most_params:
                subject = gen.use(gen.param(subject.kind, template.holes[0].role))
            elif gen.chance(0.6 if fixed and subject.text == first.text else 0.1):
                subject = gen.apply_operator(subject)
        made = gen.write(template, subject)
        if made is None:
            raise GenerationDeadEnd
        if made.text in texts:  # nobody computes a thing twice
            raise GenerationDeadEnd
        texts.add(made.text)
        made = plain_value(gen, made)
        values.append(gen.assign(made).expr if gen.chance(0.5 if index or gen.lines else 0.85) else made)
    return _combined(gen, values)


def _combined(gen: ExpressionGenerator, values: list[Expr]) -> Expr:
    kinds = {value.kind for value in values}
    if len(kinds) == 1 and gen.chance(0.6):
        kind = kinds.pop()
        joins = {
            "int": (" + ", " - ", " * "),
            "bool": (" and ", " or ", " == "),
            "str": (" + ",),
            "list": (" + ",),
            "float": (" + ",),
        }
        if type_head(kind) in joins:
            join = gen.rng.choice(joins[type_head(kind)])
            if join == " == " and len(values) > 2:
                join = " or "
            if join in (" and ", " or "):
                description = joined_conditions(join.strip(), *(value.description for value in values))
            else:
                word = " followed by " if type_head(kind) in ("str", "list") else _JOINED[join]
                description = word.join(parenthetical(value.description) for value in values)
            return Expr(join.join(value.parenthesized_for(13) for value in values), kind, description, 2)
    inside = ", ".join(value.text for value in values)
    form = gen.rng.choice(("[{}]", "({})", "({})"))
    if form[0] == "[":
        return Expr(form.format(inside), "list", f"a list of {_enumerated(values)}")
    return Expr(form.format(inside), "tuple", _pair(*values))


def _enumerated(values: Sequence[Expr]) -> str:
    description = [parenthetical(as_noun(value.description, value.kind)) for value in values]
    return f"{', '.join(description[:-1])} and {description[-1]}" if len(description) > 1 else description[0]


def _pair(*values: Expr) -> str:
    """What a tuple of several values is."""
    return f"the {'pair' if len(values) == 2 else 'tuple'} of {_enumerated(values)}"


def _changed_often(gen: ExpressionGenerator, template: ExpressionTemplate, first: Expr) -> Expr:
    if not first.text.isidentifier():
        first = gen.assign(first).expr
    elif type_head(first.kind) == "list" and gen.chance(0.3):
        first = gen.assign(Expr(f"{first.text}[:]", first.kind, f"a copy of {parenthetical(first.description)}")).expr
    times = gen.rng.choice((2, 2, 3))
    for index in range(times):
        apply(gen, template, first)
        if index < times - 1 and gen.chance(0.45):
            _grow(gen, first)
    if len(template.holes) == 1 or gen.chance(0.25):
        _grow(gen, first)
    return _shown(gen, first)


def _grow(gen: ExpressionGenerator, target: Expr) -> None:
    """A change by an operator, so that a second change by the method under test has something to do."""
    name = type_head(target.kind)
    if name == "list":
        more = gen.get_or_create(target.kind)
        if more.text == target.text:
            more = gen.create(target.kind, set())
        if gen.chance(0.5):
            gen.add_line(
                f"{target.text} += {more.text}",
                f"adds the elements of {parenthetical(more.description)} to the end of {target.description}",
            )
        else:
            description = f"sets {target.description} to {parenthetical(more.description)} followed by {target.description}"
            gen.add_line(f"{target.text} = {more.parenthesized_for(11)} + {target.text}", description)
    elif name == "dict":
        key, value = gen.fill("str", "key", target), gen.fill(arguments(target.kind)[1], "", target)
        gen.add_line(
            f"{target.text}[{key.text}] = {value.text}",
            f"maps {parenthetical(key.description)} to {parenthetical(value.description)} in {target.description}",
        )
    elif name == "set":
        one = gen.fill(arguments(target.kind)[0], "", target)
        gen.add_line(f"{target.text} |= {{{one.text}}}", f"adds {parenthetical(one.description)} to {target.description}")


def _shown(gen: ExpressionGenerator, value: Expr) -> Expr:
    """The value, with an operator or a second value beside it now and then."""
    pick = gen.rng.random()
    if type_head(value.kind) in ("list", "str") and pick < 0.04:
        return Expr(f"{value.parenthesized_for(ATOM)}[::-1]", value.kind, f"{parenthetical(value.description)} reversed")
    if pick < 0.14 and type_head(value.kind) in _CONTAINERS | {"int", "bool", "float"}:
        others = [var for var in gen.scope if not var.used] or [var for var in gen.scope if var.name not in value.text]
        if others:
            other = gen.use(gen.rng.choice(others))
            if type_head(other.kind) in _CONTAINERS | {"int"}:
                return Expr(f"({value.text}, {other.text})", "tuple", _pair(value, other))
    return value


# ------------------------------------------------------------------------------------------------------------- level 2


def call_chain(gen: ExpressionGenerator, template: ExpressionTemplate, steps: int | None = None) -> Expr:
    """Level 2: a few built-ins, each at work on what the one before gave, the method under test among them."""
    steps = steps or gen.rng.choice((2, 2, 3, 3, 4))
    turn = gen.rng.randrange(steps)
    value = _lead_up_steps(gen, template, turn)
    value = apply(gen, template, value)
    done = turn + 1
    side: list[Expr] = []
    while done < steps or (done == turn + 1 and steps == 1):
        value = _bind_or_inline(gen, plain_value(gen, value), side, surely=not gen.lines and done >= steps - 1)
        value = _next(gen, value, last=done >= steps - 1)
        done += 1
    value = plain_value(gen, value)
    if not calls_another(gen, template, value):
        if not gen.lines:
            value = gen.assign(value).expr
        value = plain_value(gen, _next(gen, value, calls=True, last=True))
    unread = [
        var.expr
        for var in gen.scope
        if not gen.uses(var.name, gen.bound_at(var.name)) and not re.search(rf"\b{var.name}\b", value.text)
    ]
    if not unread and gen.chance(0.15):
        unread = [other for other in side if other.text not in value.text][:1]
    whole = _combined(gen, [value, *unread[:2]]) if unread else value
    return gen.assign(whole).expr if not gen.lines and gen.chance(0.9 if steps > 1 else 0.3) else whole


def calls_another(gen: ExpressionGenerator, template: ExpressionTemplate, value: Expr) -> bool:
    """Whether there is a call of something else than the method under test."""
    text = "\n".join([*gen.texts(0), value.text])
    calls = [found for found in re.findall(r"(\w+)\(", text) if found != re.sub(r".*\.", "", template.entry)]
    return bool(calls)


def _lead_up_steps(gen: ExpressionGenerator, template: ExpressionTemplate, before: int) -> Expr:
    """A value that the method under test takes, after up to some other steps."""
    kind = hole_kind(template.holes[0], gen.rng)
    if before and template.holes[0].role == "" and kind != "bool":
        leading = [p for p in general_templates() if p.result == kind or (kind == "list[str]" and p.result == "list[T]")]
        leading = [p for p in leading if p.entry in LEADING and p.entry != template.entry]
        for option in choose_templates(gen.rng, leading, 3):
            try:
                made = gen.write(option, subject_for(gen, option))
            except GenerationDeadEnd:
                continue
            if made is not None and fits_hole(template.holes[0].kind, made.kind, {}):
                return gen.assign(made).expr if gen.chance(0.8) or len(made.text) > 26 else made
    return subject_for(gen, template)


def _bind_or_inline(gen: ExpressionGenerator, value: Expr, side: list[Expr], surely: bool) -> Expr:
    if surely or len(value.text) > 22 or gen.chance(0.55):
        if value.text.isidentifier():
            return value
        value = gen.assign(value).expr
        side.append(value)
    return value


def _next(gen: ExpressionGenerator, value: Expr, calls: bool = False, last: bool = False) -> Expr:
    if value.kind == "bool" and gen.chance(0.8) and (made := _with_truth(gen, value, last)) is not None:
        return made
    parts = arguments(value.kind)
    if type_head(value.kind) == "tuple" and parts and "..." not in parts:  # its length is always the same
        if set(parts) == {"int"}:
            return Expr(f"sum({value.text})", "int", f"the sum of {parenthetical(value.description)}")
        index = gen.rng.randrange(len(parts))
        return _next(
            gen,
            Expr(
                f"{value.parenthesized_for(ATOM)}[{index}]",
                parts[index],
                f"part {index + 1} of {parenthetical(value.description)}",
            ),
            calls,
            last,
        )
    if not calls and gen.chance(0.4) and (made := comprehension_of(gen, value)) is not None:
        return made
    if value.kind == "list[str]" and gen.chance(0.3):
        return _texts_joined(gen, value)
    for option in choose_templates(gen.rng, applicable_templates(value.kind, calls), 8):
        if option.holes[0].role or option.entry in UNUSUAL_NEXT:
            continue
        made = gen.write(option, value)
        if made is not None:
            return made
    if type_head(value.kind) in ("list", "tuple", "set", "frozenset", "dict"):
        return Expr(f"len({value.text})", "int", f"the length of {parenthetical(value.description)}")
    if value.kind in ("bool", "float", "int"):
        return Expr(f"str({value.text})", "str", f"{parenthetical(as_noun(value.description, value.kind))} as text")
    raise GenerationDeadEnd


def _texts_joined(gen: ExpressionGenerator, value: Expr) -> Expr:
    """Texts as one, with something between them."""
    mark = gen.rng.choice(("' '", "'-'", "', '", "','", "'_'", "''", "'/'"))
    between = f" joined by {mark}" if mark != "''" else " joined without anything between them"
    return Expr(f"{mark}.join({value.text})", "str", f"{parenthetical(value.description)}{between}")


_CHANGED = {
    "str": (("{}.upper()", "{} in upper case"), ("{}.lower()", "{} in lower case"), ("{}.strip()", "{} without whitespace around it"),
            ("{}.title()", "{} in title case"), ("{}.replace(' ', '_')", "{} with '_' in place of ' '")),
    "list": (("sorted({})", "{} in order"), ("list(reversed({}))", "{} reversed")),
    "int": (("abs({})", "the absolute value of {}"), ("str({})", "{} as text")),
    "dict": (("sorted({})", "the keys of {} in order"),),
}  # fmt: skip
"""By type: a changed value that can stand beside the value itself."""


def _one_or_other(gen: ExpressionGenerator, condition: Expr, var: Var) -> Expr | None:
    """The changed value where a condition holds, else the value as it is."""
    head = type_head(var.kind)
    if head not in _CHANGED or condition.text == var.name:
        return None
    form, wording = gen.rng.choice(_CHANGED[head])
    value = gen.use(var)
    text, other = form.replace("{}", value.text), "[]" if head == "dict" else value.text
    otherwise = "an empty list" if head == "dict" else value.description
    if form == "str({})":
        other, otherwise = "''", "an empty text"
    kind = "list[str]" if head == "dict" else "str" if form == "str({})" else value.kind
    description = f"{wording.replace('{}', value.description)} if {as_condition(condition.description)}, else {otherwise}"
    return Expr(f"{text} if {condition.text} else {other}", kind, description, LOWEST + 1)


def _with_truth(gen: ExpressionGenerator, value: Expr, last: bool) -> Expr | None:
    """What people do with a truth value: they join it with another, return it with a number, or count it."""
    usable = [var for var in gen.scope if type_head(var.kind) in ("str", "list", "dict", "set", "int", "float")]
    if not usable or gen.chance(0.15):
        return Expr(f"int({value.text})", "int", f"1 if {as_condition(value.description)}, else 0")
    var = gen.rng.choice(usable)
    if last and gen.chance(0.4) and (made := _one_or_other(gen, value, var)) is not None:
        return made
    call, description = {"int": ("abs", "the absolute value"), "float": ("round", "the rounded value")}.get(
        var.kind, ("len", "the length")
    )
    number = Expr(f"{call}({gen.use(var).text})", "int", f"{description} of `{var.name}`")
    if last and gen.chance(0.65):
        return Expr(f"({value.text}, {number.text})", "tuple[bool, int]", _pair(value, number))
    limit = gen.literal("int", "length")
    other = Expr(
        f"{number.text} > {limit.text}",
        "bool",
        f"{parenthetical(number.description)} is greater than {limit.description}",
        COMPARE,
    )
    return gen.both(value, other) if gen.chance(0.4) else gen.either(value, other)
