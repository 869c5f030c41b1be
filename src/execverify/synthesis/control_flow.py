"""Programs with control flow: a loop, conditions around an idiom for each value, and its result (levels 3 to 5)."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from operator import attrgetter

from execverify.programs.type_expr import arguments, element, substitute, type_head
from execverify.synthesis import idioms, loops
from execverify.synthesis.choice import choose
from execverify.synthesis.comprehensions import comprehension_of
from execverify.synthesis.conditions import else_branch, under_conditions
from execverify.synthesis.describe import as_condition, as_noun, parenthetical
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd
from execverify.synthesis.straight_line import apply, plain_value, subject_for
from execverify.synthesis.templates import Expr, ExpressionTemplate, fits_hole, hole_kind

_SCALARS = frozenset(("int", "str", "float", "bool"))

_NEVER_NEGATIVE = frozenset(
    ("size", "length", "changes", "switches", "steps", "longest", "record", "streak", "best", "largest", "top", "peak", "high",
     "checksum", "acc")
)  # fmt: skip
"""Names that the idioms give to numbers which are not negative, or hardly ever."""

_name = attrgetter("name")


def control_flow_body(gen: ExpressionGenerator, template: ExpressionTemplate, depth: int) -> Expr:
    """The statements of a function whose control statements nest exactly `depth` deep; gives what it returns."""
    kind = hole_kind(template.holes[0], gen.rng)
    ways = ["first", "inside", "inside", "after"]
    if type_head(kind) in ("set", "frozenset", "range") or template.holes[0].role not in ("", "atom", "name"):
        ways = ["first", "first", "after"]
    if template.entry == "range":
        ways = ["first"]  # over a number that a loop has computed, it could be of any length
    if template.is_mutating:
        ways = ["first", "gather", "gather", "after"]
    way = gen.rng.choice(ways)
    if template.entry != "range" and gen.chance(0.4 if depth == 1 else 0.15):
        return _decided(gen, template, depth)
    if template.precondition:  # its condition takes a level of depth; where there is only one, the arguments must meet it
        way = "first" if depth == 1 else "inside" if "inside" in ways else way
    if way == "first" or (way == "inside" and not loops.loops_for(kind, depth)):
        return _method_first(gen, template, depth)
    if way == "inside":
        return _method_inside(gen, template, depth, kind)
    if way == "gather":
        return _method_gathers(gen, template, depth)
    return _method_after(gen, template, depth, kind)


# ------------------------------------------------------------------------------------------- where the method stands


def _method_first(gen: ExpressionGenerator, template: ExpressionTemplate, depth: int) -> Expr:
    """The method makes what the loop iterates over, or a value that the loop uses."""
    subject = subject_for(gen, template)
    value = apply(gen, template, subject)
    kind = element(value.kind)
    lazy = type_head(value.kind) in ("iterator", "items", "keys", "values")
    if (kind is not None and kind != "any") or lazy:
        source = value
        if (len(value.text) > 28 or gen.chance(0.35)) and not lazy and not value.text.isidentifier():
            source = gen.assign(value).expr
        return _loop_over_elements(gen, depth, lambda stack: loops.loop_over(gen, stack, source))
    if value.kind == "bool" and depth >= 2 and gen.chance(0.7):
        return _branched(gen, value, depth)
    name = gen.assign(value).expr if not value.text.isidentifier() else value
    kept = gen.var(name.text)
    assert kept is not None
    kept.fixed = True
    return _loop_over_elements(gen, depth, None, extra=name)


def _decided(gen: ExpressionGenerator, template: ExpressionTemplate, depth: int) -> Expr:
    """No loop: what the method gives is tested, or returned where a condition holds; else something else is returned."""
    subject = subject_for(gen, template)
    with ExitStack() as stack:
        if template.precondition:
            if template.is_mutating and not subject.text.isidentifier():
                subject = gen.assign(subject).expr
            made = gen.write(template, subject)
            if made is None:
                raise GenerationDeadEnd
            stack.enter_context(gen.if_block(_needed(gen, template, subject, made)))
            if template.is_mutating:
                gen.add_line(made.text, made.description)
            value = subject if template.is_mutating else plain_value(gen, made)
            base = subject if subject.text.isidentifier() else value
        else:
            value = plain_value(gen, apply(gen, template, subject))
            if value.kind != "bool" and not value.text.isidentifier():
                value = gen.assign(value).expr
            base = gen.any_variable({value.text}) if value.kind == "bool" else value
            stack.enter_context(gen.if_block(_test(gen, value)))
        for _ in range(depth - 1):
            with gen.if_block(_test(gen, gen.any_variable({value.text}))):
                _return(gen, _alternative(gen, base))
            base = gen.any_variable(set())
        _return(gen, value if template.precondition or (value.kind != "bool" and gen.chance(0.5)) else _alternative(gen, base))
    if template.precondition and value.kind != base.kind:
        return _NOTHING.get(type_head(value.kind)) or _alternative(gen, base)
    last = _alternative(gen, base)
    returned = [line for line in gen.texts(0) if line.startswith("return ")]
    if len({*returned, f"return {last.text}"}) <= len(returned):  # two of them would be one
        raise GenerationDeadEnd
    return last


_NOTHING = {
    "int": Expr("-1", "int", "-1"),
    "str": Expr("''", "str", "an empty text"),
    "list": Expr("[]", "list", "an empty list"),
}
"""By type: what is returned where there is nothing to return."""


def _test(gen: ExpressionGenerator, value: Expr) -> Expr:
    """A condition on a value; on something else where there is none for its type."""
    if value.kind in ("bool", "int", "str", "float") or type_head(value.kind) in ("list", "dict", "set"):
        if value.kind not in ("bool", "float") and gen.chance(0.5):  # what a parameter is varies more than what is made of it
            others = [var for var in gen.scope if var.root is not None and var.kind in ("str", "int", "list[int]", "list[str]")]
            value = gen.use(gen.rng.choice(others)) if others else value
        made = gen.condition(value, plain=type_head(value.kind) in ("list", "dict") and gen.chance(0.6))
        return gen.negated(made) if made.text == value.text and gen.chance(0.2) else made
    return gen.condition(gen.any_variable({value.text}))


def _alternative(gen: ExpressionGenerator, base: Expr) -> Expr:
    """The value itself, or what an operation makes of it."""
    if base.kind == "bool" or gen.chance(0.35):
        return base
    return gen.apply_operator(base) if gen.chance(0.4) or base.kind not in _SCALARS else gen.convert(base, base.kind)


def _return(gen: ExpressionGenerator, value: Expr) -> None:
    gen.add_line(f"return {value.text}", f"returns {as_noun(value.description, value.kind)} at once")


def _method_inside(gen: ExpressionGenerator, template: ExpressionTemplate, depth: int, kind: str) -> Expr:
    """The method is applied to each element."""
    most = depth - bool(template.precondition)
    found = loops.loops_for(kind, most)
    if not found:
        raise GenerationDeadEnd
    loop = choose(gen.rng, found, _name)

    def open_it(stack: ExitStack) -> Expr:
        return loop.open(gen, stack, kind)

    return _loop_over_elements(gen, depth, open_it, loop.depth, template)


def _method_after(gen: ExpressionGenerator, template: ExpressionTemplate, depth: int, kind: str) -> Expr:
    """The method is applied to what the loop has collected."""
    gives = type_head(kind)
    element_kind = {"list[int]": "int", "list[str]": "str", "int": "int", "str": "str", "dict[str, int]": "str"}.get(kind, "")
    if not element_kind or not idioms.idioms_for(element_kind, depth - 1, gives):
        return _method_first(gen, template, depth)
    value = _loop_over_elements(gen, depth, None, gives=gives, element_kind=element_kind)
    bound: dict[str, str] = {}
    if not fits_hole(template.holes[0].kind, value.kind, bound):
        raise GenerationDeadEnd
    if template.precondition:
        raise GenerationDeadEnd
    return plain_value(gen, apply(gen, template, value))


def _method_gathers(gen: ExpressionGenerator, template: ExpressionTemplate, depth: int) -> Expr:
    """The method changes a collection in each iteration of a loop."""
    kind = hole_kind(template.holes[0], gen.rng)
    bound: dict[str, str] = {}
    fits_hole(template.holes[0].kind, kind, bound)
    others = [substitute(hole.kind, bound) for hole in template.holes[1:]]
    own = arguments(kind)[0] if type_head(kind) in ("list", "set") and not others else "int"  # what it is filled with again
    wanted = next((other for other in reversed(others) if other in _SCALARS or type_head(other) == "list"), own)
    most = depth - bool(template.precondition)
    found = loops.loops_for(wanted, most)
    if not found or most < 1:
        raise GenerationDeadEnd
    gen.insert_points.append(len(gen.lines))
    empty = {"list": "[]", "dict": "{}", "set": "set()"}[type_head(kind)]
    copied = (
        template.precondition
        or len(template.holes) == 1
        or any(word in template.wording for word in ("takes", "keeps", "deletes", "puts", "sets the"))
    )
    if copied:
        source = gen.get_or_create(kind)
        start = f"{source.text}.copy()" if type_head(kind) != "list" or gen.chance(0.5) else f"{source.text}[:]"
        description = f"as a copy of {source.description}"
        if not source.text.isidentifier():
            start, description = source.text, f"as {source.description}"
    else:
        start, description = empty, ""
    target = gen.start(gen.rng.choice(("result", "out", "current", "state", "pool")), kind, start, description)
    loop = choose(gen.rng, found, _name)
    with ExitStack() as stack:
        x = loop.open(gen, stack, wanted)
        room = depth - loop.depth

        def act(v: Expr) -> None:
            given = v if v.kind == wanted else gen.convert(v, wanted)
            made = gen.write(template, target.expr, given)
            if made is None:
                raise GenerationDeadEnd
            if template.precondition:
                with gen.if_block(_needed(gen, template, target.expr, made)):
                    gen.add_line(made.text, made.description)
            else:
                gen.add_line(made.text, made.description)
            if len(template.holes) == 1:
                gen.add_line(*_append_back(target.expr, x))

        under_conditions(gen, stack, x, room - bool(template.precondition), act, lambda: gen.convert(x, wanted))
    gen.insert_points.pop()
    return finalize_result(gen, target.expr)


def _append_back(target: Expr, x: Expr) -> tuple[str, str]:
    """A line that puts the element into a collection, and what it does."""
    if type_head(target.kind) == "dict":
        return f"{target.text}[str({x.text})] = len({target.text})", (
            f"maps {parenthetical(x.description)} as text to the length that {target.description} has by then, in {target.description}"
        )
    if type_head(target.kind) == "set":
        return f"{target.text}.add({x.text})", f"adds {parenthetical(x.description)} to {target.description}"
    return f"{target.text}.append({x.text})", f"appends {parenthetical(x.description)} to {target.description}"


def _needed(gen: ExpressionGenerator, template: ExpressionTemplate, subject: Expr, made: Expr) -> Expr:
    """The condition under which a template may run, with its operands."""
    text = template.precondition.replace("{0}", subject.parenthesized_for(6))
    wording = {
        "{0}": f"{parenthetical(subject.description)} is not empty",
        "{0}.isdigit()": f"{parenthetical(subject.description)} is all digits",
        "{1} in {0}": f"\1 is in {parenthetical(subject.description)}",
    }[template.precondition]
    if "{1}" in text:
        pattern = template.pattern.replace("\1" + "0\2", subject.parenthesized_for(template.holes[0].binding))
        before, _, after = pattern.partition("\1" + "1\2")
        operand = made.text[len(before) : len(made.text) - len(after)] if "\1" not in after else ""
        if not operand or not made.text.startswith(before):
            raise GenerationDeadEnd
        text = text.replace("{1}", operand)
        wording = wording.replace("\1", f"`{operand}`" if gen.reads(operand) else operand)
    return Expr(text, "bool", wording)


def control_flow_with_helper(
    gen: ExpressionGenerator,
    template: ExpressionTemplate | None,
    call: Callable[[ExpressionGenerator, Expr], Expr],
    kind: str,
    depth: int,
) -> Expr:
    """A loop that gives each element to another function; the method under test, if given, is applied to the result."""
    found = [loop for loop in loops.loops_for(kind, 1) if loop.calls_helper]
    gen.insert_points.append(len(gen.lines))
    with ExitStack() as stack:
        x = choose(gen.rng, found, _name).open(gen, stack, kind)
        given = call(gen, x)
        value = Expr(given.text, _pick_type(gen, given.kind), given.description)
        if len(value.text) > 20 or gen.chance(0.5) or template is not None:
            value = gen.use(gen.assign(value))
        if template is not None and (made := gen.write(template, value)) is not None and not template.precondition:
            if template.is_mutating:
                gen.add_line(made.text, made.description)
            else:
                value, template = plain_value(gen, made), None
        result = _apply_idiom(gen, stack, x, value, depth - 1, "")
    gen.insert_points.pop()
    if template is not None:
        if template.precondition or not fits_hole(template.holes[0].kind, result.kind, {}):
            raise GenerationDeadEnd
        return plain_value(gen, apply(gen, template, result))
    return finalize_result(gen, result)


def _pick_type(gen: ExpressionGenerator, kind: str) -> str:
    if "any" in kind or kind in ("list", "tuple", "dict") or kind.startswith("tuple[list"):
        raise GenerationDeadEnd
    return kind


# -------------------------------------------------------------------------------------------------------- the loop


def _loop_over_elements(
    gen: ExpressionGenerator,
    depth: int,
    opening: "object",
    taken: int = 1,
    template: ExpressionTemplate | None = None,
    extra: Expr | None = None,
    gives: str = "",
    element_kind: str = "",
) -> Expr:
    """A loop, conditions, and an idiom; returns what the function then has."""
    if opening is None:
        kind = element_kind or gen.rng.choice(("int", "str", "int", "str", "int" if extra is not None else "list[int]"))
        loop = choose(gen.rng, loops.loops_for(kind, max(1, depth - 1) if depth > 1 else 1), _name)
        taken = loop.depth

        def opening(stack: ExitStack) -> Expr:
            return loop.open(gen, stack, kind)

    gen.insert_points.append(len(gen.lines))
    with ExitStack() as stack:
        x: Expr = opening(stack)  # type: ignore[operator]
        room = depth - taken
        if template is not None:
            made = gen.write(template, x)
            if made is None:
                raise GenerationDeadEnd
            if template.precondition:
                stack.enter_context(gen.if_block(_needed(gen, template, x, made)))
                room -= 1
            value = plain_value(gen, made)
            if type_head(value.kind) not in ("bool",) and (len(value.text) > 24 or gen.chance(0.4)):
                value = _named(gen, value)
        elif extra is not None:
            value = _joined(gen, x, extra)
        else:
            value = x if gen.chance(0.3) else gen.convert(x, x.kind if x.kind in _SCALARS else "int")
        result = _apply_idiom(gen, stack, x, value, room, gives)
    gen.insert_points.pop()
    return finalize_result(gen, result) if not gives else result


def _named(gen: ExpressionGenerator, value: Expr) -> Expr:
    if type_head(value.kind) == "tuple" and "..." not in value.kind and gen.chance(0.75):
        parts = arguments(value.kind)
        texts = {3: ("head", "mid", "tail"), 2: ("q", "r")}.get(len(parts))
        if texts and len(set(parts)) == 1:
            bound = [gen.bind(text, part, value) for text, part in zip(texts, parts, strict=True)]
            pick = gen.rng.randrange(len(bound))
            keep = [var.name if index == pick else "_" for index, var in enumerate(bound)]
            gen.scope = [var for var in gen.scope if var not in bound or var is bound[pick]]
            gen.add_line(
                f"{', '.join(keep)} = {value.text}",
                f"lets `{bound[pick].name}` be part {pick + 1} of {parenthetical(value.description)}",
            )
            return gen.use(bound[pick])
    return gen.use(gen.assign(value))


def _joined(gen: ExpressionGenerator, x: Expr, extra: Expr) -> Expr:
    """The element and a value from outside in one expression."""
    one, other = parenthetical(x.description), parenthetical(extra.description)
    if x.kind == extra.kind == "int":
        sign, description = gen.rng.choice(((" + ", "plus"), (" * ", "times"), (" - ", "minus")))
        return Expr(
            f"{x.parenthesized_for(13)}{sign}{extra.text}", "int", f"{one} {description} {other}", 10 if sign != " * " else 11
        )
    if x.kind == extra.kind == "str":
        return Expr(f"{x.parenthesized_for(11)} + {extra.text}", "str", f"{one} followed by {other}", 10)
    if x.kind == "int" and extra.kind == "bool":
        description = f"{one} if {as_condition(extra.description)}, else {one} negated"
        return Expr(f"{x.text} if {extra.text} else -{x.parenthesized_for(13)}", "int", description, 2)
    if x.kind == "str" and extra.kind == "bool":
        description = f"{one} in upper case if {as_condition(extra.description)}, else {one}"
        return Expr(f"{x.parenthesized_for(14)}.upper() if {extra.text} else {x.text}", "str", description, 2)
    if x.kind == "str" and extra.kind == "int":
        return gen.rng.choice((Expr(f"{x.parenthesized_for(14)}[:{extra.text}]", "str", f"the first {other} characters of {one}"),
                             Expr(f"len({x.text}) + {extra.text}", "int", f"the length of {one} plus {other}", 10)))  # fmt: skip
    if x.kind == "int" and extra.kind == "str":
        return Expr(f"{extra.text} + str({x.text})", "str", f"{other} followed by {one} as text", 10)
    if x.kind == "int" and extra.kind == "float":
        return Expr(f"{x.parenthesized_for(12)} * {extra.text}", "float", f"{one} times {other}", 11)
    if type_head(extra.kind) == "tuple" and x.kind == "int" and set(arguments(extra.kind)) == {"int"}:
        return Expr(f"{x.parenthesized_for(10)} + {extra.text}[0]", "int", f"{one} plus the first of {other}", 10)
    return Expr(f"({x.text}, {extra.text})", f"tuple[{x.kind}, {extra.kind}]", f"the pair of {one} and {other}")


def _apply_idiom(gen: ExpressionGenerator, stack: ExitStack, x: Expr, value: Expr, room: int, gives: str) -> Expr:
    """Starts an idiom for the value and applies it under conditions."""
    if value.kind == "bool" and room >= 1 and gen.chance(0.85):
        return _apply_idiom_if(gen, stack, x, value, room, gives)
    idiom = _chosen_idiom(gen, value.kind, room, x, gives)
    gen.operations.insert(0, idiom.name)
    done = idiom.make(gen, value.kind, x)
    first = [value]

    def other() -> Expr:
        if first:
            return first.pop()
        try:
            return gen.convert(x, value.kind)
        except GenerationDeadEnd:
            return value

    under_conditions(gen, stack, x, room - idiom.depth, done.act, other)
    return done.result()


def _chosen_idiom(gen: ExpressionGenerator, kind: str, room: int, x: Expr, gives: str) -> idioms.Idiom:
    """One of the idioms that can be applied to values of a type which are made from an element."""
    scalar = x.kind in ("int", "str")
    found = [
        idiom
        for idiom in idioms.idioms_for(kind, room, gives)
        if (scalar or not idiom.scalar_element) and (not gives or idiom.continues)
    ]
    if not found:
        raise GenerationDeadEnd
    return choose(gen.rng, found, _name)


def _apply_idiom_if(gen: ExpressionGenerator, stack: ExitStack, x: Expr, value: Expr, room: int, gives: str) -> Expr:
    """The value is a condition: it decides whether the idiom is applied to the element."""
    kind = x.kind if x.kind in ("int", "str") else "int"
    idiom = _chosen_idiom(gen, kind, room - 1, x, gives)
    gen.operations.insert(0, idiom.name)
    done = idiom.make(gen, kind, x)
    if gen.chance(0.12):
        value = gen.negated(value)
    begun = len(gen.lines) + 1
    with gen.if_block(value):
        under_conditions(gen, stack, x, room - 1 - idiom.depth, done.act, lambda: gen.convert(x, kind))
    if gen.chance(0.45):
        branches = [gen.texts(begun)]
        with gen.block("else:", ""):
            else_branch(gen, done.act, lambda: gen.convert(x, kind), branches)
    return done.result()


def _same(value: Expr) -> Expr:
    return value


def _branched(gen: ExpressionGenerator, condition: Expr, depth: int) -> Expr:
    """Two loops, one in each branch of an `if`."""
    gen.insert_points.append(len(gen.lines))
    kind = gen.rng.choice(("int", "str"))
    found = [loop for loop in loops.loops_for(kind, 1) if loop.plain]
    done = None
    for header, description in ((f"if {condition.text}:", f"if {as_condition(condition.description)}"), ("else:", "")):
        with gen.block(header, description), ExitStack() as stack:
            x = choose(gen.rng, found, _name).open(gen, stack, kind)
            value = gen.convert(x, kind)
            if done is None:
                idiom = choose(gen.rng, [idiom for idiom in idioms.idioms_for(kind, depth - 2) if idiom.in_branches], _name)
                gen.operations.insert(0, idiom.name)
                done = idiom.make(gen, kind, x)
                under_conditions(gen, stack, x, depth - 2 - idiom.depth, done.act, functools.partial(_same, value))
            else:
                done.act(value)
    gen.insert_points.pop()
    assert done is not None
    return finalize_result(gen, done.result())


# ------------------------------------------------------------------------------------------------------------ the end


def finalize_result(gen: ExpressionGenerator, value: Expr, calls: bool = False) -> Expr:
    """What the function returns: the value, now and then with a last touch; with `calls`, one that calls something."""
    if not calls and gen.chance(0.5) and (made := comprehension_of(gen, value)) is not None:
        return made
    if not calls and gen.chance(0.7):
        return value
    name, text, description = type_head(value.kind), value.parenthesized_for(14), parenthetical(value.description)
    options: list[tuple[str, str, str]] = []
    if name == "list":
        inner = (arguments(value.kind) or ("",))[0]
        options = [
            (f"{text}[::-1]", value.kind, f"{description} reversed"),
            (f"len({value.text})", "int", f"the length of {description}"),
            (f"{text}[:3]", value.kind, f"the first 3 elements of {description}"),
            (f"{text}[1:]", value.kind, f"{description} without its first element"),
        ]
        if inner in ("int", "str"):
            options += [(f"sorted({value.text})", value.kind, f"{description} in order")] * 2
        if inner == "int":
            options += [(f"sum({value.text})", "int", f"the sum of {description}")] * 2
        if inner == "str":
            options += [
                (f"{mark}.join({value.text})", "str", f"{description} joined by {mark}") for mark in ("' '", "'-'", "','")
            ]
    elif name == "dict" and len(arguments(value.kind)) == 2:
        key, item = arguments(value.kind)
        options = [
            (f"len({value.text})", "int", f"the length of {description}"),
            (f"sorted({value.text})", f"list[{key}]", f"the keys of {description} in order"),
            (f"list({text}.items())", f"list[tuple[{key}, {item}]]", f"a list of the pairs of {description}"),
            (f"list({text}.values())", f"list[{item}]", f"a list of the values of {description}"),
        ]
    elif name == "str" and value.text.isidentifier():
        options = [
            (f"{text}.upper()", "str", f"{description} in upper case"),
            (f"{text}[::-1]", "str", f"{description} reversed"),
            (f"({text}, len({text}))", "tuple[str, int]", f"the pair of {description} and its length"),
            (f"{text}.title()", "str", f"{description} in title case"),
        ]
    elif value.kind == "int" and value.text.isidentifier():
        options = [
            (f"{text} * 2", "int", f"{description} times 2"),
            *([] if value.text in _NEVER_NEGATIVE else [(f"abs({text})", "int", f"the absolute value of {description}")]),
            (f"str({text})", "str", f"{description} as text"),
            (f"{text} % 10", "int", f"{description} modulo 10"),
        ]
        others = [param.name for param in gen.params if param.kind == "int" and param.name != value.text]
        options += [(f"{text} + {other}", "int", f"{description} plus `{other}`") for other in others[:1]]
    if calls:
        options = [option for option in options if "(" in option[0]]
        options = [option for option in options if option[1] == value.kind] or options
    if not options:
        return value
    chosen, kind, description = gen.rng.choice(options)
    return Expr(chosen, kind, description, 10 if " " in chosen and not chosen.endswith((")", "]")) else 14)
