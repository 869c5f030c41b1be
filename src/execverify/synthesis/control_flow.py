"""Programs with control flow: a walk, guards around what is done with each value, and what comes of it (levels 3 to 5)."""

import functools
from collections.abc import Callable
from contextlib import ExitStack

from execverify.programs.type_expr import arguments, element, substitute, type_head
from execverify.synthesis import idioms, loops
from execverify.synthesis.comprehensions import comprehension_of
from execverify.synthesis.conditions import else_branch, under_conditions
from execverify.synthesis.describe import as_condition, parenthetical
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd
from execverify.synthesis.straight_line import apply, plain_value, subject_for
from execverify.synthesis.templates import Expr, ExpressionTemplate, fits_hole, hole_kind

_SCALARS = frozenset(("int", "str", "float", "bool"))


def control_flow_body(w: ExpressionGenerator, phrase: ExpressionTemplate, depth: int) -> Expr:
    """The statements of a function whose control statements nest exactly `depth` deep; gives what it returns."""
    kind = hole_kind(phrase.holes[0], w.rng)
    ways = ["first", "inside", "inside", "after"]
    if (
        not loops.loops_for(kind, depth)
        or type_head(kind) in ("set", "frozenset", "range")
        or phrase.holes[0].role not in ("", "atom", "name")
    ):
        ways = ["first", "first", "after"]
    if phrase.entry == "range":
        ways = ["first"]  # over a number that a walk has gathered, it could be of any length
    if phrase.is_mutating:
        ways = ["first", "gather", "gather", "after"]
    way = w.rng.choice(ways)
    if phrase.precondition:  # a guard takes a level of depth; where there is only one, the arguments must see to it
        way = "first" if depth == 1 else "inside" if "inside" in ways else way
    if way == "first":
        return _method_first(w, phrase, depth)
    if way == "inside":
        return _method_inside(w, phrase, depth, kind)
    if way == "gather":
        return _method_gathers(w, phrase, depth)
    return _method_after(w, phrase, depth, kind)


# ------------------------------------------------------------------------------------------- where the method stands


def _method_first(w: ExpressionGenerator, phrase: ExpressionTemplate, depth: int) -> Expr:
    """The method makes what is then walked over, or decides where the walk goes."""
    subject = subject_for(w, phrase)
    value = apply(w, phrase, subject)
    kind = element(value.kind)
    lazy = type_head(value.kind) in ("iterator", "items", "keys", "values")
    if (kind is not None and kind != "any") or lazy:
        source = value
        if (len(value.text) > 28 or w.chance(0.35)) and not lazy and not value.text.isidentifier():
            source = w.assign(value).expr
        return _walked(w, depth, lambda stack: loops.loop_over(w, stack, source))
    if value.kind == "bool" and depth >= 2 and w.chance(0.7):
        return _branched(w, value, depth)
    name = w.assign(value).expr if not value.text.isidentifier() else value
    kept = w.var(name.text)
    assert kept is not None
    kept.fixed = True
    return _walked(w, depth, None, extra=name)


def _method_inside(w: ExpressionGenerator, phrase: ExpressionTemplate, depth: int, kind: str) -> Expr:
    """The method is at work on each element."""
    most = depth - bool(phrase.precondition)
    names = loops.loops_for(kind, most)
    if not names:
        raise GenerationDeadEnd
    name = w.rng.choice(names)

    def open_it(stack: ExitStack) -> Expr:
        return loops.open_loop(name, w, stack, kind)

    return _walked(w, depth, open_it, loops.depth_of(name), phrase)


def _method_after(w: ExpressionGenerator, phrase: ExpressionTemplate, depth: int, kind: str) -> Expr:
    """The method finishes what the walk has gathered."""
    gives = type_head(kind)
    element_kind = {"list[int]": "int", "list[str]": "str", "int": "int", "str": "str", "dict[str, int]": "str"}.get(kind, "")
    if not element_kind or not idioms.idioms_for(element_kind, depth - 1, gives):
        return _method_first(w, phrase, depth)
    value = _walked(w, depth, None, gives=gives, element_kind=element_kind)
    bound: dict[str, str] = {}
    if not fits_hole(phrase.holes[0].kind, value.kind, bound):
        raise GenerationDeadEnd
    if phrase.precondition:
        raise GenerationDeadEnd
    return plain_value(w, apply(w, phrase, value))


def _method_gathers(w: ExpressionGenerator, phrase: ExpressionTemplate, depth: int) -> Expr:
    """The method changes a collection at each step of a walk."""
    kind = hole_kind(phrase.holes[0], w.rng)
    bound: dict[str, str] = {}
    fits_hole(phrase.holes[0].kind, kind, bound)
    others = [substitute(hole.kind, bound) for hole in phrase.holes[1:]]
    own = arguments(kind)[0] if type_head(kind) in ("list", "set") and not others else "int"  # what it is filled with again
    wanted = next((other for other in reversed(others) if other in _SCALARS or type_head(other) == "list"), own)
    most = depth - bool(phrase.precondition)
    names = loops.loops_for(wanted, most)
    if not names or most < 1:
        raise GenerationDeadEnd
    w.insert_points.append(len(w.lines))
    empty = {"list": "[]", "dict": "{}", "set": "set()"}[type_head(kind)]
    copied = (
        phrase.precondition
        or len(phrase.holes) == 1
        or any(word in phrase.say for word in ("takes", "keeps", "deletes", "puts", "sets the"))
    )
    if copied:
        source = w.get_or_create(kind)
        start = f"{source.text}.copy()" if type_head(kind) != "list" or w.chance(0.5) else f"{source.text}[:]"
        said = f"as a copy of {source.description}"
        if not source.text.isidentifier():
            start, said = source.text, f"as {source.description}"
    else:
        start, said = empty, ""
    target = w.start(w.rng.choice(("result", "out", "current", "state", "pool")), kind, start, said)
    name = w.rng.choice(names)
    with ExitStack() as stack:
        x = loops.open_loop(name, w, stack, wanted)
        room = depth - loops.depth_of(name)

        def act(v: Expr) -> None:
            given = v if v.kind == wanted else w.convert(v, wanted)
            made = w.write(phrase, target.expr, given)
            if made is None:
                raise GenerationDeadEnd
            if phrase.precondition:
                with w.if_block(_needed(w, phrase, target.expr, made)):
                    w.add_line(made.text, made.description)
            else:
                w.add_line(made.text, made.description)
            if len(phrase.holes) == 1:
                w.add_line(*_append_back(target.expr, x))

        under_conditions(w, stack, x, room - bool(phrase.precondition), act, lambda: w.convert(x, wanted))
    w.insert_points.pop()
    return finalize_result(w, target.expr)


def _append_back(target: Expr, x: Expr) -> tuple[str, str]:
    """A line that puts the element into a collection, and what it does."""
    if type_head(target.kind) == "dict":
        return f"{target.text}[str({x.text})] = len({target.text})", (
            f"maps {parenthetical(x.description)} as text to the length that {target.description} has by then, in {target.description}"
        )
    if type_head(target.kind) == "set":
        return f"{target.text}.add({x.text})", f"adds {parenthetical(x.description)} to {target.description}"
    return f"{target.text}.append({x.text})", f"appends {parenthetical(x.description)} to {target.description}"


def _needed(w: ExpressionGenerator, phrase: ExpressionTemplate, subject: Expr, made: Expr) -> Expr:
    """The condition under which a phrase may run, with its operands."""
    text = phrase.precondition.replace("{0}", subject.parenthesized_for(6))
    say = {
        "{0}": f"{parenthetical(subject.description)} is not empty",
        "{0}.isdigit()": f"{parenthetical(subject.description)} is all digits",
        "{1} in {0}": f"\1 is in {parenthetical(subject.description)}",
    }[phrase.precondition]
    if "{1}" in text:
        pattern = phrase.pattern.replace("\1" + "0\2", subject.parenthesized_for(phrase.holes[0].binding))
        before, _, after = pattern.partition("\1" + "1\2")
        operand = made.text[len(before) : len(made.text) - len(after)] if "\1" not in after else ""
        if not operand or not made.text.startswith(before):
            raise GenerationDeadEnd
        text = text.replace("{1}", operand)
        say = say.replace("\1", f"`{operand}`" if w.reads(operand) else operand)
    return Expr(text, "bool", say)


def control_flow_with_helper(
    w: ExpressionGenerator,
    phrase: ExpressionTemplate | None,
    call: Callable[[ExpressionGenerator, Expr], Expr],
    kind: str,
    depth: int,
) -> Expr:
    """A walk that hands each element to another function; the method under test, where given, finishes what it gave."""
    names = [name for name in loops.loops_for(kind, 1) if name not in ("keys_in_order", "from_both_ends")]
    w.insert_points.append(len(w.lines))
    with ExitStack() as stack:
        x = loops.open_loop(w.rng.choice(names), w, stack, kind)
        given = call(w, x)
        value = Expr(given.text, _pick_type(w, given.kind), given.description)
        if len(value.text) > 20 or w.chance(0.5) or phrase is not None:
            value = w.use(w.assign(value))
        if phrase is not None and (made := w.write(phrase, value)) is not None and not phrase.precondition:
            if phrase.is_mutating:
                w.add_line(made.text, made.description)
            else:
                value, phrase = plain_value(w, made), None
        result = _done(w, stack, x, value, depth - 1, "")
    w.insert_points.pop()
    if phrase is not None:
        if phrase.precondition or not fits_hole(phrase.holes[0].kind, result.kind, {}):
            raise GenerationDeadEnd
        return plain_value(w, apply(w, phrase, result))
    return finalize_result(w, result)


def _pick_type(w: ExpressionGenerator, kind: str) -> str:
    if "any" in kind or kind in ("list", "tuple", "dict") or kind.startswith("tuple[list"):
        raise GenerationDeadEnd
    return kind


# -------------------------------------------------------------------------------------------------------- the walk


def _walked(
    w: ExpressionGenerator,
    depth: int,
    opening: "object",
    taken: int = 1,
    phrase: ExpressionTemplate | None = None,
    extra: Expr | None = None,
    gives: str = "",
    element_kind: str = "",
) -> Expr:
    """A walk, guards, and a deed; gives what the function then has."""
    if opening is None:
        kind = element_kind or w.rng.choice(("int", "str", "int", "str", "list[int]"))
        names = loops.loops_for(kind, max(1, depth - 1) if depth > 1 else 1)
        name = w.rng.choice(names)
        taken = loops.depth_of(name)

        def opening(stack: ExitStack) -> Expr:
            return loops.open_loop(name, w, stack, kind)

    w.insert_points.append(len(w.lines))
    with ExitStack() as stack:
        x: Expr = opening(stack)  # type: ignore[operator]
        room = depth - taken
        if phrase is not None:
            made = w.write(phrase, x)
            if made is None:
                raise GenerationDeadEnd
            if phrase.precondition:
                stack.enter_context(w.if_block(_needed(w, phrase, x, made)))
                room -= 1
            value = plain_value(w, made)
            if type_head(value.kind) not in ("bool",) and (len(value.text) > 24 or w.chance(0.4)):
                value = _named(w, value)
        elif extra is not None:
            value = _joined(w, x, extra)
        else:
            value = x if w.chance(0.3) else w.convert(x, x.kind if x.kind in _SCALARS else "int")
        result = _done(w, stack, x, value, room, gives)
    w.insert_points.pop()
    return finalize_result(w, result) if not gives else result


def _named(w: ExpressionGenerator, value: Expr) -> Expr:
    if type_head(value.kind) == "tuple" and "..." not in value.kind and w.chance(0.75):
        parts = arguments(value.kind)
        texts = {3: ("head", "mid", "tail"), 2: ("q", "r")}.get(len(parts))
        if texts and len(set(parts)) == 1:
            bound = [w.bind(text, part, value) for text, part in zip(texts, parts, strict=True)]
            pick = w.rng.randrange(len(bound))
            keep = [var.name if index == pick else "_" for index, var in enumerate(bound)]
            w.scope = [var for var in w.scope if var not in bound or var is bound[pick]]
            w.add_line(
                f"{', '.join(keep)} = {value.text}",
                f"lets `{bound[pick].name}` be part {pick + 1} of {parenthetical(value.description)}",
            )
            return w.use(bound[pick])
    return w.use(w.assign(value))


def _joined(w: ExpressionGenerator, x: Expr, extra: Expr) -> Expr:
    """The element and a value from outside in one expression."""
    one, other = parenthetical(x.description), parenthetical(extra.description)
    if x.kind == extra.kind == "int":
        sign, said = w.rng.choice(((" + ", "plus"), (" * ", "times"), (" - ", "minus")))
        return Expr(f"{x.parenthesized_for(13)}{sign}{extra.text}", "int", f"{one} {said} {other}", 10 if sign != " * " else 11)
    if x.kind == extra.kind == "str":
        return Expr(f"{x.parenthesized_for(11)} + {extra.text}", "str", f"{one} followed by {other}", 10)
    if x.kind == "int" and extra.kind == "bool":
        said = f"{one} if {as_condition(extra.description)}, else {one} negated"
        return Expr(f"{x.text} if {extra.text} else -{x.parenthesized_for(13)}", "int", said, 2)
    if x.kind == "str" and extra.kind == "bool":
        said = f"{one} in upper case if {as_condition(extra.description)}, else {one}"
        return Expr(f"{x.parenthesized_for(14)}.upper() if {extra.text} else {x.text}", "str", said, 2)
    if x.kind == "str" and extra.kind == "int":
        return w.rng.choice((Expr(f"{x.parenthesized_for(14)}[:{extra.text}]", "str", f"the first {other} characters of {one}"),
                             Expr(f"len({x.text}) + {extra.text}", "int", f"the length of {one} plus {other}", 10)))  # fmt: skip
    if x.kind == "int" and extra.kind == "str":
        return Expr(f"{extra.text} + str({x.text})", "str", f"{other} followed by {one} as text", 10)
    if x.kind == "int" and extra.kind == "float":
        return Expr(f"{x.parenthesized_for(12)} * {extra.text}", "float", f"{one} times {other}", 11)
    if type_head(extra.kind) == "tuple" and x.kind == "int" and set(arguments(extra.kind)) == {"int"}:
        return Expr(f"{x.parenthesized_for(10)} + {extra.text}[0]", "int", f"{one} plus the first of {other}", 10)
    return Expr(f"({x.text}, {extra.text})", f"tuple[{x.kind}, {extra.kind}]", f"the pair of {one} and {other}")


def _done(w: ExpressionGenerator, stack: ExitStack, x: Expr, value: Expr, room: int, gives: str) -> Expr:
    """Sets up a deed for the value and does it under guards."""
    if value.kind == "bool" and room >= 1 and w.chance(0.85):
        return _done_if(w, stack, x, value, room, gives)
    names = _possible(idioms.idioms_for(value.kind, room, gives), x, gives)
    if not names:
        raise GenerationDeadEnd
    name = w.rng.choice(names)
    done = idioms.instantiate(name, w, value.kind, x)
    first = [value]

    def other() -> Expr:
        if first:
            return first.pop()
        try:
            return w.convert(x, value.kind)
        except GenerationDeadEnd:
            return value

    under_conditions(w, stack, x, room - idioms.idiom_depth(name), done.act, other)
    return done.result()


def _possible(names: list[str], x: Expr, gives: str) -> list[str]:
    """The deeds that can be done with an element of this type."""
    out = {"first_match"} if gives else set()
    if x.kind not in ("int", "str"):
        out |= {"tabulate", "best_item", "first_match"}
    return [name for name in names if name not in out]


def _done_if(w: ExpressionGenerator, stack: ExitStack, x: Expr, value: Expr, room: int, gives: str) -> Expr:
    """The value is a condition: it decides what is done with the element."""
    kind = x.kind if x.kind in ("int", "str") else "int"
    names = _possible(idioms.idioms_for(kind, room - 1, gives), x, gives)
    if not names:
        raise GenerationDeadEnd
    name = w.rng.choice(names)
    done = idioms.instantiate(name, w, kind, x)
    if w.chance(0.12):
        value = w.negated(value)
    begun = len(w.lines) + 1
    with w.if_block(value):
        under_conditions(w, stack, x, room - 1 - idioms.idiom_depth(name), done.act, lambda: w.convert(x, kind))
    if w.chance(0.45):
        branches = [w.texts(begun)]
        with w.block("else:", ""):
            else_branch(w, done.act, lambda: w.convert(x, kind), branches)
    return done.result()


def _same(value: Expr) -> Expr:
    return value


def _branched(w: ExpressionGenerator, condition: Expr, depth: int) -> Expr:
    """Two walks, one of which is taken."""
    w.insert_points.append(len(w.lines))
    kind = w.rng.choice(("int", "str"))
    names = [
        n
        for n in loops.loops_for(kind, 1)
        if n in ("for_each", "backwards", "in_order", "characters", "words_of_text", "by_index")
    ]
    done = None
    gives = ""
    for header, said in ((f"if {condition.text}:", f"if {as_condition(condition.description)}"), ("else:", "")):
        with w.block(header, said), ExitStack() as stack:
            x = loops.open_loop(w.rng.choice(names), w, stack, kind)
            value = w.convert(x, kind)
            if done is None:
                options = idioms.idioms_for(kind, depth - 2, gives)
                name = w.rng.choice(
                    [
                        option
                        for option in options
                        if option
                        not in (
                            "group_by",
                            "pair_up",
                            "tabulate",
                            "first_match",
                            "group_with_check",
                            "best_item",
                            "part_in_two",
                            "spend",
                        )
                    ]
                )
                done = idioms.instantiate(name, w, kind, x)
                under_conditions(w, stack, x, depth - 2 - idioms.idiom_depth(name), done.act, functools.partial(_same, value))
            else:
                done.act(value)
    w.insert_points.pop()
    assert done is not None
    return finalize_result(w, done.result())


# ------------------------------------------------------------------------------------------------------------ the end


def finalize_result(w: ExpressionGenerator, value: Expr) -> Expr:
    """What the function returns: the value, now and then with a last touch."""
    if w.chance(0.5) and (made := comprehension_of(w, value)) is not None:
        return made
    if w.chance(0.7):
        return value
    name, text, said = type_head(value.kind), value.parenthesized_for(14), parenthetical(value.description)
    options: list[tuple[str, str, str]] = []
    if name == "list":
        inner = (arguments(value.kind) or ("",))[0]
        options = [
            (f"{text}[::-1]", value.kind, f"{said} reversed"),
            (f"len({value.text})", "int", f"the length of {said}"),
            (f"{text}[:3]", value.kind, f"the first 3 elements of {said}"),
            (f"{text}[1:]", value.kind, f"{said} without its first element"),
        ]
        if inner in ("int", "str"):
            options += [(f"sorted({value.text})", value.kind, f"{said} in order")] * 2
        if inner == "int":
            options += [(f"sum({value.text})", "int", f"the sum of {said}")] * 2
        if inner == "str":
            options += [(f"{mark}.join({value.text})", "str", f"{said} joined by {mark}") for mark in ("' '", "'-'", "','")]
    elif name == "dict" and len(arguments(value.kind)) == 2:
        key, item = arguments(value.kind)
        options = [
            (f"len({value.text})", "int", f"the length of {said}"),
            (f"sorted({value.text})", f"list[{key}]", f"the keys of {said} in order"),
            (f"list({text}.items())", f"list[tuple[{key}, {item}]]", f"a list of the pairs of {said}"),
            (f"list({text}.values())", f"list[{item}]", f"a list of the values of {said}"),
        ]
    elif name == "str" and value.text.isidentifier():
        options = [
            (f"{text}.upper()", "str", f"{said} in upper case"),
            (f"{text}[::-1]", "str", f"{said} reversed"),
            (f"({text}, len({text}))", "tuple[str, int]", f"the pair of {said} and its length"),
            (f"{text}.title()", "str", f"{said} in title case"),
        ]
    elif value.kind == "int" and value.text.isidentifier():
        options = [
            (f"{text} * 2", "int", f"{said} times 2"),
            (f"abs({text})", "int", f"the absolute value of {said}"),
            (f"str({text})", "str", f"{said} as text"),
            (f"{text} % 10", "int", f"{said} modulo 10"),
        ]
        others = [param.name for param in w.params if param.kind == "int" and param.name != value.text]
        options += [(f"{text} + {other}", "int", f"{said} plus `{other}`") for other in others[:1]]
    if not options:
        return value
    chosen, kind, said = w.rng.choice(options)
    return Expr(chosen, kind, said, 10 if " " in chosen and not chosen.endswith((")", "]")) else 14)
