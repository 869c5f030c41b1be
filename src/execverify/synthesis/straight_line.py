"""Programs without control flow: nested calls of one method (level 1), and chains of several (level 2)."""

import re
from collections.abc import Sequence

from execverify.programs.type_expr import arguments, type_head
from execverify.synthesis.comprehensions import comprehension_of
from execverify.synthesis.describe import as_condition, as_noun, parenthetical
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd
from execverify.synthesis.templates import ATOM, COMPARE, Expr, ExpressionTemplate, common_phrases, fits_hole, hole_kind

_LAZY = frozenset(("iterator", "items", "keys", "values", "range"))
_JOINED = {" + ": " plus ", " - ": " minus ", " * ": " times ", " and ": " and ", " or ": " or ", " == ": " equals "}
_CONTAINERS = frozenset(("list", "dict", "set", "tuple", "str"))


def subject_for(w: ExpressionGenerator, phrase: ExpressionTemplate) -> Expr:
    """A value that a phrase can be applied to."""
    hole = phrase.holes[0]
    kind = hole_kind(hole, w.rng)
    if hole.role == "letter":
        usable = [var for var in w.scope if var.role == "letter"]
        return w.use(w.rng.choice(usable) if usable and w.chance(0.5) else w.param("str", "letter"))
    if hole.role and hole.role not in ("name", "atom"):
        if hole.role != "sep" and len(w.params) < w.most_params and w.chance(0.8):
            var = w.param(kind, hole.role)
            if hole.role == "code" and var.root is not None:
                var.root.value_hints.append("codes")
            return w.use(var)
        return w.fill(kind, hole.role, Expr("", "", ""))
    if kind == "bool":
        usable = [var for var in w.scope if var.kind != "bool"]
        if not usable or w.chance(0.3):
            value = w.use(w.param(w.rng.choice(("int", "str", "int"))))
        else:
            value = w.use(w.rng.choice(usable))
        condition = w.condition(value, plain=w.target_only)
        # `not a < b` is written `a >= b`: only what has a name or is a call is negated
        return w.assign(condition).expr if phrase.entry == "bool not" and condition.binding < ATOM else condition
    if type_head(kind) in ("set", "frozenset") and not w.target_only and w.chance(0.7):
        source = w.get_or_create(f"list[{arguments(kind)[0]}]")
        return Expr(f"{type_head(kind)}({source.text})", kind, f"the distinct elements of {parenthetical(source.description)}")
    return w.get_or_create(kind)


def apply(w: ExpressionGenerator, phrase: ExpressionTemplate, subject: Expr) -> Expr:
    """The phrase on a subject; a statement that changes it leaves the subject, changed."""
    if phrase.is_mutating and not subject.text.isidentifier():
        subject = w.assign(subject).expr
    made = w.write(phrase, subject)
    if made is None:
        raise GenerationDeadEnd
    if not phrase.is_mutating:
        return made
    w.add_line(made.text, made.description)
    return subject


def plain_value(w: ExpressionGenerator, value: Expr) -> Expr:
    """The value as something that can be returned and written down: what is lazy is drawn out."""
    name = type_head(value.kind)
    if name not in _LAZY and name != "frozenset":
        return value
    inner = arguments(value.kind) or ("int",)
    if name == "frozenset":
        return (
            Expr(
                f"{'sorted' if not w.target_only else ''}({value.text})",
                f"list[{inner[0]}]",
                f"{parenthetical(value.description)} in order",
            )
            if not w.target_only
            else value
        )
    if w.target_only:
        return Expr(f"[*{value.text}]", f"list[{inner[0]}]", f"a list of {parenthetical(value.description)}")
    maker = w.rng.choice(("list", "list", "tuple")) if name != "keys" else "sorted"
    kind = f"list[{inner[0]}]" if maker != "tuple" else f"tuple[{inner[0]}, ...]"
    said = (
        f"{parenthetical(value.description)} in order"
        if maker == "sorted"
        else f"a {maker} of {parenthetical(value.description)}"
    )
    return Expr(f"{maker}({value.text})", kind, said)


# ------------------------------------------------------------------------------------------------------------- level 1


def nested_calls(w: ExpressionGenerator, phrase: ExpressionTemplate) -> Expr:
    """Level 1: the method under test on what it gave itself, or several times where it cannot take that."""
    w.target_only = True
    first = subject_for(w, phrase)
    if phrase.is_mutating:
        return _changed_often(w, phrase, first)
    if w.chance(0.4) and first.kind not in ("bool",) and phrase.holes[0].role not in ("name", "letter", "sep"):
        first = w.apply_operator(first)
    value = _within_itself(w, phrase, first)
    if value is None:
        return _several(w, phrase, first)
    if w.chance(0.35) and (again := _within_itself(w, phrase, value, once=True)) is not None:
        value = again
    value = plain_value(w, value)
    named = not w.lines and w.chance(0.85)
    if named:
        value = w.assign(value).expr
    if phrase.holes[0].kind == "any" and value.kind == "bool":  # arguments have their types: only beside them is it news
        return Expr(f"({value.text}, {first.text})", "tuple", _pair(value, first))
    if w.chance(0.85 if named else 0.55):
        value = w.apply_operator(value)
    return _shown(w, value)


def _within_itself(w: ExpressionGenerator, phrase: ExpressionTemplate, subject: Expr, once: bool = False) -> Expr | None:
    begun, scope, taken = len(w.lines), list(w.scope), set(w.taken)
    inner = subject if once else w.write(phrase, subject)
    if inner is None:
        return None
    if not once and inner.kind != "bool" and "any" not in inner.kind and w.chance(0.45 if w.lines else 0.7):
        inner = w.assign(inner).expr  # a name for what is halfway, as people give it
    for _ in range(3):
        carried = _feed_back(w, phrase, inner)
        if carried is None:
            break
        outer = w.write(phrase, carried)
        if outer is not None:
            return outer
    for hole in phrase.holes[1:]:
        if fits_hole(hole.kind, inner.kind, {}) and not hole.role:
            base = subject_for(w, phrase)
            outer = w.write(phrase, base, inner)
            if outer is not None and inner.text in outer.text:
                return outer
    del w.lines[begun:]  # a name for what is halfway leads nowhere
    w.scope, w.taken = [var for var in w.scope if var in scope or var.whole], taken | {param.name for param in w.params}
    return None


def _feed_back(w: ExpressionGenerator, phrase: ExpressionTemplate, inner: Expr) -> Expr | None:
    """What the method gave, or a part of it, as a value that it takes again."""
    hole = phrase.holes[0]
    if phrase.entry == "bool not":  # `not not` is nobody's
        return w.assign(inner).expr if inner.binding < ATOM else inner
    if hole.role == "name" or hole.role == "letter":
        return w.assign(inner, w.rng.choice(("first", "inner", "part", "once"))).expr if hole.kind == "any" else None
    if fits_hole(hole.kind, inner.kind, {}):
        if w.chance(0.5):
            operated = w.apply_operator(inner)
            return operated if fits_hole(hole.kind, operated.kind, {}) else inner
        return inner
    parts = arguments(inner.kind)
    if type_head(inner.kind) in ("list", "tuple") and parts and fits_hole(hole.kind, parts[0], {}):
        index = w.rng.choice(("0", "-1", "0")) if "..." in inner.kind or type_head(inner.kind) == "list" else "0"
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


def _several(w: ExpressionGenerator, phrase: ExpressionTemplate, first: Expr) -> Expr:
    values = []
    for index in range(w.rng.choice((2, 2, 3))):
        subject = first if index == 0 else subject_for(w, phrase)
        if index and subject.kind != "bool" and phrase.holes[0].role not in ("name", "letter", "sep") and w.chance(0.7):
            subject = w.apply_operator(subject)
        made = w.write(phrase, subject)
        if made is None:
            raise GenerationDeadEnd
        made = plain_value(w, made)
        values.append(w.assign(made).expr if w.chance(0.5 if index or w.lines else 0.85) else made)
    return _combined(w, values)


def _combined(w: ExpressionGenerator, values: list[Expr]) -> Expr:
    kinds = {value.kind for value in values}
    if len(kinds) == 1 and w.chance(0.6):
        kind = kinds.pop()
        joins = {
            "int": (" + ", " - ", " * "),
            "bool": (" and ", " or ", " == "),
            "str": (" + ",),
            "list": (" + ",),
            "float": (" + ",),
        }
        if type_head(kind) in joins:
            join = w.rng.choice(joins[type_head(kind)])
            if join == " == " and len(values) > 2:
                join = " or "
            word = " followed by " if type_head(kind) in ("str", "list") else _JOINED[join]
            said = word.join(
                parenthetical(as_condition(value.description) if join in (" and ", " or ") else value.description)
                for value in values
            )
            return Expr(join.join(value.parenthesized_for(13) for value in values), kind, said, 2)
    inside = ", ".join(value.text for value in values)
    form = w.rng.choice(("[{}]", "({})"))
    if form[0] == "[":
        return Expr(form.format(inside), "list", f"a list of {_enumerated(values)}")
    return Expr(form.format(inside), "tuple", _pair(*values))


def _enumerated(values: Sequence[Expr]) -> str:
    said = [parenthetical(as_noun(value.description, value.kind)) for value in values]
    return f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0]


def _pair(*values: Expr) -> str:
    """What a tuple of several values is."""
    return f"the {'pair' if len(values) == 2 else 'tuple'} of {_enumerated(values)}"


def _changed_often(w: ExpressionGenerator, phrase: ExpressionTemplate, first: Expr) -> Expr:
    if not first.text.isidentifier():
        first = w.assign(first).expr
    elif type_head(first.kind) == "list" and w.chance(0.3):
        first = w.assign(Expr(f"{first.text}[:]", first.kind, f"a copy of {parenthetical(first.description)}")).expr
    times = w.rng.choice((2, 2, 3))
    for index in range(times):
        apply(w, phrase, first)
        if index < times - 1 and w.chance(0.45):
            _grow(w, first)
    if len(phrase.holes) == 1 or w.chance(0.25):
        _grow(w, first)
    return _shown(w, first)


def _grow(w: ExpressionGenerator, target: Expr) -> None:
    """A change by an operator, so that a second change by the method under test has something to do."""
    name = type_head(target.kind)
    if name == "list":
        more = w.get_or_create(target.kind)
        if more.text == target.text:
            more = w.create(target.kind, set())
        if w.chance(0.5):
            w.add_line(
                f"{target.text} += {more.text}",
                f"adds the elements of {parenthetical(more.description)} to the end of {target.description}",
            )
        else:
            said = f"sets {target.description} to {parenthetical(more.description)} followed by {target.description}"
            w.add_line(f"{target.text} = {more.parenthesized_for(11)} + {target.text}", said)
    elif name == "dict":
        key, value = w.fill("str", "key", target), w.fill(arguments(target.kind)[1], "", target)
        w.add_line(
            f"{target.text}[{key.text}] = {value.text}",
            f"maps {parenthetical(key.description)} to {parenthetical(value.description)} in {target.description}",
        )
    elif name == "set":
        one = w.fill(arguments(target.kind)[0], "", target)
        w.add_line(f"{target.text} |= {{{one.text}}}", f"adds {parenthetical(one.description)} to {target.description}")


def _shown(w: ExpressionGenerator, value: Expr) -> Expr:
    """The value, with an operator or a second value beside it now and then."""
    pick = w.rng.random()
    if type_head(value.kind) in ("list", "str") and pick < 0.15:
        return Expr(f"{value.parenthesized_for(ATOM)}[::-1]", value.kind, f"{parenthetical(value.description)} reversed")
    if pick < 0.3 and type_head(value.kind) in _CONTAINERS | {"int", "bool", "float"}:
        others = [var for var in w.scope if not var.used] or [var for var in w.scope if var.name not in value.text]
        if others:
            other = w.use(w.rng.choice(others))
            if type_head(other.kind) in _CONTAINERS | {"int"}:
                return Expr(f"({value.text}, {other.text})", "tuple", _pair(value, other))
    return value


# ------------------------------------------------------------------------------------------------------------- level 2


def call_chain(w: ExpressionGenerator, phrase: ExpressionTemplate, steps: int | None = None) -> Expr:
    """Level 2: a few built-ins, each at work on what the one before gave, the method under test among them."""
    steps = steps or w.rng.choice((2, 2, 3, 3, 4))
    turn = w.rng.randrange(steps)
    value = _lead_up_steps(w, phrase, turn)
    value = apply(w, phrase, value)
    done = turn + 1
    side: list[Expr] = []
    while done < steps or (done == turn + 1 and steps == 1):
        value = _bind_or_inline(w, plain_value(w, value), side, surely=not w.lines and done >= steps - 1)
        value = _next(w, value, last=done >= steps - 1)
        done += 1
    value = plain_value(w, value)
    if not _calls_another(w, phrase, value):
        if not w.lines:
            value = w.assign(value).expr
        value = plain_value(w, _next(w, value, calls=True, last=True))
    unread = [
        var.expr
        for var in w.scope
        if not w.uses(var.name, w.bound_at(var.name)) and not re.search(rf"\b{var.name}\b", value.text)
    ]
    if not unread and w.chance(0.15):
        unread = [other for other in side if other.text not in value.text][:1]
    whole = _combined(w, [value, *unread[:2]]) if unread else value
    return w.assign(whole).expr if not w.lines and w.chance(0.9 if steps > 1 else 0.3) else whole


def _calls_another(w: ExpressionGenerator, phrase: ExpressionTemplate, value: Expr) -> bool:
    """Whether there is a call of something else than the method under test."""
    text = "\n".join([*w.texts(0), value.text])
    calls = [found for found in re.findall(r"(\w+)\(", text) if found != re.sub(r".*\.", "", phrase.entry)]
    return bool(calls)


def _lead_up_steps(w: ExpressionGenerator, phrase: ExpressionTemplate, before: int) -> Expr:
    """A value that the method under test takes, after up to some other steps."""
    kind = hole_kind(phrase.holes[0], w.rng)
    if before and phrase.holes[0].role == "" and kind != "bool":
        leading = [p for p in common_phrases() if p.result == kind or (kind == "list[str]" and p.result == "list[T]")]
        w.rng.shuffle(leading)
        for option in leading[:3]:
            try:
                made = w.write(option, subject_for(w, option))
            except GenerationDeadEnd:
                continue
            if made is not None and fits_hole(phrase.holes[0].kind, made.kind, {}):
                return w.assign(made).expr if w.chance(0.8) or len(made.text) > 26 else made
    return subject_for(w, phrase)


def _bind_or_inline(w: ExpressionGenerator, value: Expr, side: list[Expr], surely: bool) -> Expr:
    if surely or len(value.text) > 22 or w.chance(0.55):
        if value.text.isidentifier():
            return value
        value = w.assign(value).expr
        side.append(value)
    return value


def _next(w: ExpressionGenerator, value: Expr, calls: bool = False, last: bool = False) -> Expr:
    if value.kind == "bool" and w.chance(0.8) and (made := _with_truth(w, value, last)) is not None:
        return made
    usable = [p for p in common_phrases() if fits_hole(p.holes[0].kind, value.kind, {}) and ("(" in p.pattern or not calls)]
    parts = arguments(value.kind)
    if type_head(value.kind) == "tuple" and parts and "..." not in parts:  # its length says nothing
        if set(parts) == {"int"}:
            return Expr(f"sum({value.text})", "int", f"the sum of {parenthetical(value.description)}")
        index = w.rng.randrange(len(parts))
        return _next(
            w,
            Expr(
                f"{value.parenthesized_for(ATOM)}[{index}]",
                parts[index],
                f"part {index + 1} of {parenthetical(value.description)}",
            ),
            calls,
            last,
        )
    if not calls and w.chance(0.4) and (made := comprehension_of(w, value)) is not None:
        return made
    w.rng.shuffle(usable)
    for option in usable[:5]:
        if option.holes[0].role not in ("", "sep"):
            continue
        made = w.write(option, value)
        if made is not None:
            return made
    if type_head(value.kind) in ("list", "tuple", "set", "frozenset", "dict"):
        return Expr(f"len({value.text})", "int", f"the length of {parenthetical(value.description)}")
    if value.kind in ("bool", "float", "int"):
        return Expr(f"str({value.text})", "str", f"{parenthetical(as_noun(value.description, value.kind))} as text")
    raise GenerationDeadEnd


def _with_truth(w: ExpressionGenerator, value: Expr, last: bool) -> Expr | None:
    """What people do with a truth value: they join it with another, return it with a number, or count it."""
    usable = [var for var in w.scope if type_head(var.kind) in ("str", "list", "dict", "set", "int", "float")]
    if not usable or w.chance(0.15):
        return Expr(f"int({value.text})", "int", f"1 if {as_condition(value.description)}, else 0")
    var = w.rng.choice(usable)
    call, said = {"int": ("abs", "the absolute value"), "float": ("round", "the rounded value")}.get(
        var.kind, ("len", "the length")
    )
    number = Expr(f"{call}({w.use(var).text})", "int", f"{said} of `{var.name}`")
    if last and w.chance(0.65):
        return Expr(f"({value.text}, {number.text})", "tuple[bool, int]", _pair(value, number))
    limit = w.literal("int", "length")
    other = Expr(
        f"{number.text} > {limit.text}",
        "bool",
        f"{parenthetical(number.description)} is greater than {limit.description}",
        COMPARE,
    )
    return w.both(value, other) if w.chance(0.4) else w.either(value, other)
