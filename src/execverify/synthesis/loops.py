"""Loop patterns: each writes the loop or loops that give one element after the other."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from execverify.programs.type_expr import arguments, element, type_head
from execverify.synthesis import naming
from execverify.synthesis.describe import Line, parenthetical
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.facts import within
from execverify.synthesis.function_builder import GenerationDeadEnd, Var
from execverify.synthesis.templates import ATOM, Expr
from execverify.utils.registry import load_plugins

OpenLoop = Callable[[ExpressionGenerator, ExitStack, str], Expr]
"""Writes the header of the loop or loops for elements of a type, and gives the element."""


@dataclass(frozen=True)
class LoopPattern:
    """A registered loop pattern.

    Attributes:
        name: its function's name.
        open: writes the loop.
        depth: how many loops it nests.
        kinds: heads of the types of its elements; "any": all.
        plain: whether it is simple enough for each branch of an `if`.
        calls_helper: whether its element can be given to another function.
    """

    name: str
    open: OpenLoop
    depth: int
    kinds: tuple[str, ...]
    plain: bool = False
    calls_helper: bool = True


_PATTERNS: dict[str, LoopPattern] = {}
_POSITIONS = (0, 5)  # in the lists of most calls


def loop_pattern(depth: int, *kinds: str, plain: bool = False, calls_helper: bool = True) -> Callable[[OpenLoop], OpenLoop]:
    """Registers a function as a loop pattern; see `LoopPattern` for the arguments."""

    def register(open_loop: OpenLoop) -> OpenLoop:
        name = open_loop.__name__
        _PATTERNS[name] = LoopPattern(name, open_loop, depth, kinds, plain, calls_helper)
        return open_loop

    return register


def loops_for(kind: str, most: int) -> list[LoopPattern]:
    """The loop patterns for elements of a type, within a depth."""
    load_plugins()
    head = type_head(kind)
    return [loop for loop in _PATTERNS.values() if loop.depth <= most and (head in loop.kinds or "any" in loop.kinds)]


def loop_names() -> tuple[str, ...]:
    """The names of all loop patterns."""
    load_plugins()
    return tuple(_PATTERNS)


def loop_over(gen: ExpressionGenerator, stack: ExitStack, source: Expr) -> Expr:
    """A `for` over what an expression gives; a pair is taken apart."""
    kind = element(source.kind)
    inner = arguments(source.kind)
    if type_head(source.kind) in ("items", "iterator", "keys", "values") and inner:
        kind = inner[0]
    if type_head(source.kind) in ("set", "frozenset"):
        kind, source = (
            inner[0],
            Expr(f"sorted({source.text})", f"list[{inner[0]}]", f"{parenthetical(source.description)} in order"),
        )
    if kind is None or "any" in kind:
        raise GenerationDeadEnd
    if type_head(kind) == "tuple" and len(arguments(kind)) == 2 and "..." not in kind:
        return _pairs(gen, stack, source, kind)
    name = naming.for_element(gen.rng, _plural(source), kind) if source.kind != "range" else gen.rng.choice("ijkn")
    var = gen.bind(name, kind, source, fixed=True)
    if source.kind == "str":
        var.role = "letter"
    description = f"for each {_noun(kind, source)} `{var.name}` of {parenthetical(source.description)}"
    _block(gen, stack, f"for {var.name} in {source.text}:", description, var)
    return gen.use(var)


def _pairs(gen: ExpressionGenerator, stack: ExitStack, source: Expr, kind: str) -> Expr:
    first, second = arguments(kind)
    wanted = ("key", "value") if first == "str" else ("i", "item") if source.text.startswith("enumerate") else ("a", "b")
    left, right = gen.bind(wanted[0], first, source, fixed=True), gen.bind(wanted[1], second, source, fixed=True)
    description = f"for each pair `{left.name}`, `{right.name}` of {parenthetical(source.description)}"
    line = _block(gen, stack, f"for {left.name}, {right.name} in {source.text}:", description, left, right)

    def plain() -> None:
        if not gen.uses(left.name, line):
            line.text = f"for _, {right.name} in {source.text}:"
            gen.scope.remove(left)
            pairs = (
                source.description
                if source.description.startswith("the pairs ")
                else f"the pairs in {parenthetical(source.description)}"
            )
            line.wording = f"for each second part `{right.name}` of {pairs}"

    stack.callback(plain)
    gen.unused_pairs.append((left, right))
    return gen.use(right)


def _block(gen: ExpressionGenerator, stack: ExitStack, header: str, wording: str, *bound: Var) -> Line:
    line = gen.add_line(header, wording)
    stack.enter_context(gen.indented())
    gen.scope.extend(var for var in bound if var not in gen.scope)
    return line


def _plural(source: Expr) -> str:
    words = "".join(char if char.isalnum() or char == "_" else " " for char in source.text).split()
    return next((word for word in words if word not in ("sorted", "reversed", "list", "set", "len", "range")), "items")


def _noun(kind: str, source: Expr) -> str:
    return (
        "character" if source.kind == "str" else {"int": "number", "str": "text", "list": "list"}.get(type_head(kind), "element")
    )


def _collection(gen: ExpressionGenerator, kind: str) -> Expr:
    found = gen.get_or_create(f"list[{kind}]")
    if kind in ("int", "str") and gen.chance(0.12):
        return gen.apply_operator(found)
    return found


@loop_pattern(1, "any", plain=True)
def for_each(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    return loop_over(gen, stack, _collection(gen, kind))


@loop_pattern(1, "any")
def with_positions(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(f"list[{kind}]")
    index = gen.bind("i", "int", fixed=True)
    name = naming.for_element(gen.rng, source.text, kind)
    var = gen.bind(name, kind, source, fixed=True)
    gen.facts = [*gen.facts, within(index.name, *_POSITIONS)]
    description = f"for each position `{index.name}` and element `{var.name}` of {parenthetical(source.description)}"
    line = _block(gen, stack, f"for {index.name}, {var.name} in enumerate({source.text}):", description, index, var)

    def plain() -> None:
        if not gen.uses(index.name, line):
            line.text = f"for {var.name} in {source.text}:"
            line.wording = f"for each {_noun(kind, source)} `{var.name}` of {parenthetical(source.description)}"
            gen.scope.remove(index)

    stack.callback(plain)
    return gen.use(var)


@loop_pattern(1, "any", plain=True)
def by_index(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(f"list[{kind}]")
    index = gen.bind("i", "int", fixed=True)
    start = gen.rng.choice(("", "", "1, "))
    gen.facts = [*gen.facts, within(index.name, *_POSITIONS)]
    description = f"for each position `{index.name}` of {parenthetical(source.description)}" + (" but the first" if start else "")
    _block(gen, stack, f"for {index.name} in range({start}len({source.text})):", description, index)
    if start and kind == "int" and gen.chance(0.6):
        return Expr(
            f"{source.text}[{index.name}] - {source.text}[{index.name} - 1]",
            kind,
            f"the element of {parenthetical(source.description)} at `{index.name}` minus the one before it",
            10,
        )
    return _element(source, index, kind)


def _element(source: Expr, index: Var, kind: str) -> Expr:
    return Expr(
        f"{source.text}[{index.name}]", kind, f"the element of {parenthetical(source.description)} at `{index.name}`", ATOM
    )


@loop_pattern(1, "int", "str", "list", plain=True)
def backwards(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(f"list[{kind}]")
    text = gen.rng.choice((f"reversed({source.text})", f"{source.text}[::-1]"))
    return loop_over(gen, stack, Expr(text, source.kind, f"{parenthetical(source.description)} from the end"))


@loop_pattern(1, "int", "str", plain=True)
def in_order(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(f"list[{kind}]")
    text, description = gen.rng.choice(
        ((f"sorted({source.text})", "in order"), (f"sorted({source.text}, reverse=True)", "from the greatest down"))
    )
    if kind == "str" and gen.chance(0.4):
        text, description = f"sorted({source.text}, key=len)", "from the shortest on"
    return loop_over(gen, stack, Expr(text, source.kind, f"{parenthetical(source.description)} {description}"))


@loop_pattern(1, "str", plain=True)
def characters(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create("str")
    if gen.chance(0.2):
        source = gen.rng.choice((Expr(f"{source.text}.lower()", "str", f"{parenthetical(source.description)} in lower case"),
                               Expr(f"{source.text}[::-1]", "str", f"{parenthetical(source.description)} reversed")))  # fmt: skip
    return loop_over(gen, stack, source)


@loop_pattern(1, "str", plain=True)
def words_of_text(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create("str")
    gen.record_condition(source, "words")
    name = gen.bind(gen.rng.choice(("word", "part", "token")), "str", source, fixed=True)
    description = f"for each word `{name.name}` of {parenthetical(source.description)}"
    _block(gen, stack, f"for {name.name} in {source.text}.split():", description, name)
    return gen.use(name)


@loop_pattern(1, "str")
def parts_of_text(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create("str")
    sep = gen.fill("str", "sep", source)
    gen.record_condition(source, f"sep:\2{sep.text}" if sep.text.isidentifier() else f"sep:{sep.text.strip(chr(39))}")
    name = gen.bind(gen.rng.choice(("part", "piece", "field", "chunk")), "str", source, fixed=True)
    description = f"for each part `{name.name}` of {parenthetical(source.description)} between {sep.description}"
    _block(gen, stack, f"for {name.name} in {source.text}.split({sep.text}):", description, name)
    return gen.use(name)


@loop_pattern(1, "int")
def counting(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    stop = gen.use(gen.param("int", "nat")) if len(gen.params) < gen.most_params else gen.get_or_create("int")
    index = gen.bind(gen.rng.choice(("i", "i", "num", "k")), "int", stop, fixed=True)
    end = parenthetical(stop.description)
    form, description = gen.rng.choice(
        (
            (f"range({stop.text})", f"from 0 to below {end}"),
            (f"range(1, {stop.text} + 1)", f"from 1 to {end}"),
            (f"range({stop.text}, 0, -1)", f"from {end} down to 1"),
            (f"range(0, {stop.text}, 2)", f"from 0 to below {end} in steps of 2"),
        )
    )
    _block(gen, stack, f"for {index.name} in {form}:", f"for `{index.name}` {description}", index)
    return gen.use(index)


@loop_pattern(1, "int", "str")
def entries(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(f"dict[str, {kind}]")
    key, value = (
        gen.bind(gen.rng.choice(("key", "name", "k")), "str", source, fixed=True),
        gen.bind(gen.rng.choice(("value", "v", "count")), kind, source, fixed=True),
    )
    description = f"for each key `{key.name}` and value `{value.name}` of {parenthetical(source.description)}"
    line = _block(gen, stack, f"for {key.name}, {value.name} in {source.text}.items():", description, key, value)

    def plain() -> None:
        if not gen.uses(key.name, line):
            line.text = f"for {value.name} in {source.text}.values():"
            line.wording = f"for each value `{value.name}` of {parenthetical(source.description)}"
            gen.scope.remove(key)

    stack.callback(plain)
    gen.unused_pairs.append((key, value))
    return gen.use(value)


@loop_pattern(1, "str", calls_helper=False)
def keys_in_order(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create("dict[str, int]")
    key = gen.bind(gen.rng.choice(("key", "name")), "str", source, fixed=True)
    form, order = gen.rng.choice(((f"sorted({source.text})", ", in order"), (source.text, "")))
    _block(
        gen, stack, f"for {key.name} in {form}:", f"for each key `{key.name}` of {parenthetical(source.description)}{order}", key
    )
    extra = Var(f"{source.text}[{key.name}]", "int")
    gen.scope.append(extra)
    return gen.use(key)


@loop_pattern(1, "int", "str", "tuple")
def neighbours(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    inner = arguments(kind)[0] if type_head(kind) == "tuple" else kind
    if inner not in ("int", "str") or (type_head(kind) == "tuple" and len(arguments(kind)) != 2):
        raise GenerationDeadEnd
    source = gen.get_or_create(f"list[{inner}]")
    if type_head(kind) == "tuple":
        pair = gen.bind("pair", kind, source, fixed=True)
        description = f"for each pair `{pair.name}` of neighbours in {parenthetical(source.description)}"
        _block(gen, stack, f"for {pair.name} in zip({source.text}, {source.text}[1:]):", description, pair)
        return gen.use(pair)
    left, right = gen.rng.choice((("a", "b"), ("prev", "cur"), ("left", "right"), ("first", "second")))
    one, two = gen.bind(left, inner, source, fixed=True), gen.bind(right, inner, source, fixed=True)
    description = f"for each two neighbours `{one.name}`, `{two.name}` in {parenthetical(source.description)}"
    _block(gen, stack, f"for {one.name}, {two.name} in zip({source.text}, {source.text}[1:]):", description, one, two)
    if inner == "int":
        return Expr(f"{two.name} - {one.name}", "int", f"`{two.name}` minus `{one.name}`", 10)
    return Expr(f"{one.name} + {two.name}", "str", f"`{one.name}` followed by `{two.name}`", 10)


@loop_pattern(1, "int", "str")
def zip_two(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    other = gen.rng.choice(("int", "str"))
    first, second = (
        gen.get_or_create(f"list[{kind}]"),
        gen.use(gen.param(f"list[{other}]")) if len(gen.params) < gen.most_params else gen.get_or_create(f"list[{other}]"),
    )
    if first.text == second.text:
        raise GenerationDeadEnd
    one = gen.bind(naming.for_element(gen.rng, first.text, kind), kind, first, fixed=True)
    two = gen.bind(naming.for_element(gen.rng, second.text, other), other, second, fixed=True)
    each, other_each = (f"`{var.name}` of {parenthetical(given.description)}" for var, given in ((one, first), (two, second)))
    description = f"for each {each} and {other_each} in step"
    line = _block(gen, stack, f"for {one.name}, {two.name} in zip({first.text}, {second.text}):", description, one, two)

    def plain() -> None:
        if not gen.uses(two.name, line):
            line.text = f"for {one.name} in {first.text}:"
            line.wording = f"for each {_noun(kind, first)} `{one.name}` of {parenthetical(first.description)}"
            gen.scope.remove(two)

    stack.callback(plain)
    gen.unused_pairs.append((two, one))
    return gen.use(one)


@loop_pattern(1, "int")
def digits(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    given = gen.param("int", "") if len(gen.params) < gen.most_params else None
    if given is None:
        raise GenerationDeadEnd
    given.root.value_hints.append("big")  # type: ignore[union-attr]
    digit = gen.bind("digit", "int", given.expr, fixed=True)
    given.used, base = True, gen.rng.choice(("10", "10", "10", "2", "3"))
    _block(gen, stack, f"while {given.name} > 0:", f"as long as `{given.name}` is greater than 0", digit)
    gen.scope.remove(given)
    gen.add_line(
        f"{digit.name} = {given.name} % {base}", f"lets `{digit.name}` be the last digit of `{given.name}` in base {base}"
    )

    def shrink() -> None:
        gen.add_line(f"{given.name} //= {base}", f"divides `{given.name}` by {base}, rounded down")
        gen.scope.append(given)

    stack.callback(shrink)
    return gen.use(digit)


@loop_pattern(1, "int", "str", "list", "tuple")
def work_queue(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(f"list[{kind}]")
    if not source.text.isidentifier():
        raise GenerationDeadEnd
    item = gen.bind(naming.for_element(gen.rng, source.text, kind), kind, source, fixed=True)
    end, description = gen.rng.choice((("0", "front"), ("", "end"), ("", "end")))
    _block(gen, stack, f"while {source.text}:", f"as long as {source.description} is not empty", item)
    gen.add_line(f"{item.name} = {source.text}.pop({end})", f"takes `{item.name}` from the {description} of {source.description}")
    return gen.use(item)


@loop_pattern(1, "list")
def windows(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(kind)
    size = gen.fill("int", "size", source)
    if size.text == "1":  # a window of one is an element
        raise GenerationDeadEnd
    behind = f" - {int(size.text) - 1}" if size.text.isdigit() else f" - {size.text} + 1"
    index = gen.bind("i", "int", fixed=True)
    window = gen.bind("window", kind, source, fixed=True)
    start = f"for each position `{index.name}` of {parenthetical(source.description)}"
    description = f"{start} at which a run of {size.description} elements begins"
    _block(gen, stack, f"for {index.name} in range(len({source.text}){behind}):", description, index, window)
    gen.add_line(f"{window.name} = {source.text}[{index.name}:{index.name} + {size.text}]", f"lets `{window.name}` be that run")
    return gen.use(window)


@loop_pattern(1, "list", "str")
def chunks(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(kind)
    size = (
        gen.use(gen.param("int", "size")) if len(gen.params) < gen.most_params and gen.chance(0.6) else gen.literal("int", "two")
    )
    index = gen.bind("i", "int", fixed=True)
    chunk = gen.bind("chunk" if kind != "str" else "piece", kind, source, fixed=True)
    description = (
        f"for `{index.name}` from 0 to below the length of {parenthetical(source.description)} in steps of {size.description}"
    )
    _block(gen, stack, f"for {index.name} in range(0, len({source.text}), {size.text}):", description, index, chunk)
    parts = "characters" if kind == "str" else "elements"
    gen.add_line(
        f"{chunk.name} = {source.text}[{index.name}:{index.name} + {size.text}]",
        f"lets `{chunk.name}` be the (at most) {size.description} {parts} of {parenthetical(source.description)} from `{index.name}` on",
    )
    return gen.use(chunk)


@loop_pattern(2, "int", "str")
def rows(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(f"list[list[{kind}]]")
    row = loop_over(gen, stack, source)
    return loop_over(gen, stack, row)


@loop_pattern(2, "str")
def nested_characters(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    word = loop_over(gen, stack, gen.get_or_create("list[str]"))
    return loop_over(gen, stack, word)


@loop_pattern(1, "int", "str")
def by_while(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(f"list[{kind}]")
    index = gen.start("i" if "i" not in gen.taken else "pos", "int", "0")
    step = gen.rng.choice(("1", "1", "2"))
    description = f"as long as `{index.name}` is less than the length of {parenthetical(source.description)}"
    _block(gen, stack, f"while {index.name} < len({source.text}):", description)
    stack.callback(lambda: gen.add_line(f"{index.name} += {step}", f"adds {step} to `{index.name}`"))
    return _element(source, index, kind)


@loop_pattern(1, "int", "str", calls_helper=False)
def from_both_ends(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = gen.get_or_create(f"list[{kind}]" if kind == "int" or gen.chance(0.5) else "str")
    if not source.text.isidentifier():
        raise GenerationDeadEnd
    last = f"at the length of {source.description} minus 1"
    left, right = gen.start("left", "int", "0"), gen.start("right", "int", f"len({source.text}) - 1", last)
    description = f"as long as `{left.name}` is less than `{right.name}`"
    _block(gen, stack, f"while {left.name} < {right.name}:", description)

    def inwards() -> None:
        gen.add_line(f"{left.name} += 1", f"adds 1 to `{left.name}`")
        gen.add_line(f"{right.name} -= 1", f"takes 1 from `{right.name}`")

    stack.callback(inwards)
    thing = "element" if type_head(source.kind) == "list" else "character"
    sign, joined = ("+", "plus" if kind == "int" else "followed by")
    one, other = left.name, right.name
    if not gen.chance(0.5):
        one, other = other, one
        if kind == "int":
            sign, joined = "-", "minus"
    description = f"the {thing} of {source.description} at `{one}` {joined} the one at `{other}`"
    return Expr(f"{source.text}[{one}] {sign} {source.text}[{other}]", kind, description, 10)


@loop_pattern(1, "int")
def shrink_interval(gen: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    if len(gen.params) >= gen.most_params:
        raise GenerationDeadEnd
    given = gen.use(gen.param("int", ""))
    var = gen.var(given.text)
    assert var is not None and var.root is not None
    stop = gen.rng.choice(("0", "1", "2"))
    change, number, description = gen.rng.choice(
        (
            ("//=", "2", "divides `{}` by 2, rounded down"),
            ("-=", "3", "takes 3 from `{}`"),
            ("//=", "3", "divides `{}` by 3, rounded down"),
            ("-=", str(int(stop) + 4), "takes {number} from `{}`"),
        )
    )
    var.root.value_hints.append("big" if change == "//=" else "some")
    _block(gen, stack, f"while {given.text} > {stop}:", f"as long as `{given.text}` is greater than {stop}")
    stack.callback(lambda: gen.add_line(f"{given.text} {change} {number}", description.format(given.text, number=number)))
    return given
