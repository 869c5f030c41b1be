"""Ways to walk: each opens the loop or loops that give one element after the other."""

from collections.abc import Callable
from contextlib import ExitStack

from execverify.programs.type_expr import arguments, element, type_head
from execverify.synthesis import naming
from execverify.synthesis.describe import Line, parenthetical
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd, Var
from execverify.synthesis.templates import ATOM, Expr

LoopPattern = Callable[[ExpressionGenerator, ExitStack, str], Expr]
_WALKS: dict[str, tuple[LoopPattern, int, tuple[str, ...]]] = {}


def loop_pattern(depth: int, *kinds: str) -> Callable[[LoopPattern], LoopPattern]:
    """Registers a walk: how many loops it opens, and the heads of the element types that it gives ("any": all)."""

    def register(function: LoopPattern) -> LoopPattern:
        _WALKS[function.__name__] = (function, depth, kinds)
        return function

    return register


def loops_for(kind: str, most: int) -> list[str]:
    """Names of the walks that give elements of a type within a depth."""
    return [name for name, (_, depth, kinds) in _WALKS.items() if depth <= most and (type_head(kind) in kinds or "any" in kinds)]


def loop_names() -> tuple[str, ...]:
    """All walks."""
    return tuple(_WALKS)


def depth_of(name: str) -> int:
    return _WALKS[name][1]


def open_loop(name: str, w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    """Opens a walk; gives the element."""
    return _WALKS[name][0](w, stack, kind)


def loop_over(w: ExpressionGenerator, stack: ExitStack, source: Expr) -> Expr:
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
        return _pairs(w, stack, source, kind)
    name = naming.for_element(w.rng, _plural(source), kind) if source.kind != "range" else w.rng.choice("ijkn")
    var = w.bind(name, kind, source, fixed=True)
    if source.kind == "str":
        var.role = "letter"
    said = f"for each {_noun(kind, source)} `{var.name}` of {parenthetical(source.description)}"
    _block(w, stack, f"for {var.name} in {source.text}:", said, var)
    return w.use(var)


def _pairs(w: ExpressionGenerator, stack: ExitStack, source: Expr, kind: str) -> Expr:
    first, second = arguments(kind)
    wanted = ("key", "value") if first == "str" else ("i", "item") if source.text.startswith("enumerate") else ("a", "b")
    left, right = w.bind(wanted[0], first, source, fixed=True), w.bind(wanted[1], second, source, fixed=True)
    said = f"for each pair `{left.name}`, `{right.name}` of {parenthetical(source.description)}"
    line = _block(w, stack, f"for {left.name}, {right.name} in {source.text}:", said, left, right)

    def plain() -> None:
        if not w.uses(left.name, line):
            line.text = f"for _, {right.name} in {source.text}:"
            w.scope.remove(left)
            pairs = (
                source.description
                if source.description.startswith("the pairs ")
                else f"the pairs in {parenthetical(source.description)}"
            )
            line.say = f"for each second part `{right.name}` of {pairs}"

    stack.callback(plain)
    w.unused_pairs.append((left, right))
    return w.use(right)


def _block(w: ExpressionGenerator, stack: ExitStack, header: str, say: str, *bound: Var) -> Line:
    line = w.add_line(header, say)
    stack.enter_context(w.indented())
    w.scope.extend(var for var in bound if var not in w.scope)
    return line


def _plural(source: Expr) -> str:
    words = "".join(char if char.isalnum() or char == "_" else " " for char in source.text).split()
    return next((word for word in words if word not in ("sorted", "reversed", "list", "set", "len", "range")), "items")


def _noun(kind: str, source: Expr) -> str:
    return (
        "character" if source.kind == "str" else {"int": "number", "str": "text", "list": "list"}.get(type_head(kind), "element")
    )


def _collection(w: ExpressionGenerator, kind: str) -> Expr:
    found = w.get_or_create(f"list[{kind}]")
    if kind in ("int", "str") and w.chance(0.12):
        return w.apply_operator(found)
    return found


@loop_pattern(1, "any")
def for_each(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    return loop_over(w, stack, _collection(w, kind))


@loop_pattern(1, "any")
def with_positions(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(f"list[{kind}]")
    index = w.bind("i", "int", fixed=True)
    name = naming.for_element(w.rng, source.text, kind)
    var = w.bind(name, kind, source, fixed=True)
    said = f"for each position `{index.name}` and element `{var.name}` of {parenthetical(source.description)}"
    line = _block(w, stack, f"for {index.name}, {var.name} in enumerate({source.text}):", said, index, var)

    def plain() -> None:
        if not w.uses(index.name, line):
            line.text = f"for {var.name} in {source.text}:"
            line.say = f"for each {_noun(kind, source)} `{var.name}` of {parenthetical(source.description)}"
            w.scope.remove(index)

    stack.callback(plain)
    return w.use(var)


@loop_pattern(1, "any")
def by_index(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(f"list[{kind}]")
    index = w.bind("i", "int", fixed=True)
    start = w.rng.choice(("", "", "1, "))
    said = f"for each position `{index.name}` of {parenthetical(source.description)}" + (" but the first" if start else "")
    _block(w, stack, f"for {index.name} in range({start}len({source.text})):", said, index)
    if start and kind == "int" and w.chance(0.6):
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


@loop_pattern(1, "int", "str", "list")
def backwards(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(f"list[{kind}]")
    text = w.rng.choice((f"reversed({source.text})", f"{source.text}[::-1]"))
    return loop_over(w, stack, Expr(text, source.kind, f"{parenthetical(source.description)} from the end"))


@loop_pattern(1, "int", "str")
def in_order(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(f"list[{kind}]")
    text, said = w.rng.choice(
        ((f"sorted({source.text})", "in order"), (f"sorted({source.text}, reverse=True)", "from the greatest down"))
    )
    if kind == "str" and w.chance(0.4):
        text, said = f"sorted({source.text}, key=len)", "from the shortest on"
    return loop_over(w, stack, Expr(text, source.kind, f"{parenthetical(source.description)} {said}"))


@loop_pattern(1, "str")
def characters(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create("str")
    if w.chance(0.2):
        source = w.rng.choice((Expr(f"{source.text}.lower()", "str", f"{parenthetical(source.description)} in lower case"),
                               Expr(f"{source.text}[::-1]", "str", f"{parenthetical(source.description)} reversed")))  # fmt: skip
    return loop_over(w, stack, source)


@loop_pattern(1, "str")
def words_of_text(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create("str")
    w.record_condition(source, "words")
    name = w.bind(w.rng.choice(("word", "part", "token")), "str", source, fixed=True)
    said = f"for each word `{name.name}` of {parenthetical(source.description)}"
    _block(w, stack, f"for {name.name} in {source.text}.split():", said, name)
    return w.use(name)


@loop_pattern(1, "str")
def parts_of_text(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create("str")
    sep = w.fill("str", "sep", source)
    w.record_condition(source, f"sep:\2{sep.text}" if sep.text.isidentifier() else f"sep:{sep.text.strip(chr(39))}")
    name = w.bind(w.rng.choice(("part", "piece", "field", "chunk")), "str", source, fixed=True)
    said = f"for each part `{name.name}` of {parenthetical(source.description)} between {sep.description}"
    _block(w, stack, f"for {name.name} in {source.text}.split({sep.text}):", said, name)
    return w.use(name)


@loop_pattern(1, "int")
def counting(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    stop = w.use(w.param("int", "nat")) if len(w.params) < w.most_params else w.get_or_create("int")
    index = w.bind(w.rng.choice(("i", "i", "num", "k")), "int", stop, fixed=True)
    end = parenthetical(stop.description)
    form, said = w.rng.choice(
        (
            (f"range({stop.text})", f"from 0 to below {end}"),
            (f"range(1, {stop.text} + 1)", f"from 1 to {end}"),
            (f"range({stop.text}, 0, -1)", f"from {end} down to 1"),
            (f"range(0, {stop.text}, 2)", f"from 0 to below {end} in steps of 2"),
        )
    )
    _block(w, stack, f"for {index.name} in {form}:", f"for `{index.name}` {said}", index)
    return w.use(index)


@loop_pattern(1, "int", "str")
def entries(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(f"dict[str, {kind}]")
    key, value = (
        w.bind(w.rng.choice(("key", "name", "k")), "str", source, fixed=True),
        w.bind(w.rng.choice(("value", "v", "count")), kind, source, fixed=True),
    )
    said = f"for each key `{key.name}` and value `{value.name}` of {parenthetical(source.description)}"
    line = _block(w, stack, f"for {key.name}, {value.name} in {source.text}.items():", said, key, value)

    def plain() -> None:
        if not w.uses(key.name, line):
            line.text = f"for {value.name} in {source.text}.values():"
            line.say = f"for each value `{value.name}` of {parenthetical(source.description)}"
            w.scope.remove(key)

    stack.callback(plain)
    w.unused_pairs.append((key, value))
    return w.use(value)


@loop_pattern(1, "str")
def keys_in_order(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create("dict[str, int]")
    key = w.bind(w.rng.choice(("key", "name")), "str", source, fixed=True)
    form, order = w.rng.choice(((f"sorted({source.text})", ", in order"), (source.text, "")))
    _block(
        w, stack, f"for {key.name} in {form}:", f"for each key `{key.name}` of {parenthetical(source.description)}{order}", key
    )
    extra = Var(f"{source.text}[{key.name}]", "int")
    w.scope.append(extra)
    return w.use(key)


@loop_pattern(1, "int", "str", "tuple")
def neighbours(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    inner = arguments(kind)[0] if type_head(kind) == "tuple" else kind
    if inner not in ("int", "str") or (type_head(kind) == "tuple" and len(arguments(kind)) != 2):
        raise GenerationDeadEnd
    source = w.get_or_create(f"list[{inner}]")
    if type_head(kind) == "tuple":
        pair = w.bind("pair", kind, source, fixed=True)
        said = f"for each pair `{pair.name}` of neighbours in {parenthetical(source.description)}"
        _block(w, stack, f"for {pair.name} in zip({source.text}, {source.text}[1:]):", said, pair)
        return w.use(pair)
    left, right = w.rng.choice((("a", "b"), ("prev", "cur"), ("left", "right"), ("first", "second")))
    one, two = w.bind(left, inner, source, fixed=True), w.bind(right, inner, source, fixed=True)
    said = f"for each two neighbours `{one.name}`, `{two.name}` in {parenthetical(source.description)}"
    _block(w, stack, f"for {one.name}, {two.name} in zip({source.text}, {source.text}[1:]):", said, one, two)
    if inner == "int":
        return Expr(f"{two.name} - {one.name}", "int", f"`{two.name}` minus `{one.name}`", 10)
    return Expr(f"{one.name} + {two.name}", "str", f"`{one.name}` followed by `{two.name}`", 10)


@loop_pattern(1, "int", "str")
def zip_two(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    other = w.rng.choice(("int", "str"))
    first, second = (
        w.get_or_create(f"list[{kind}]"),
        w.use(w.param(f"list[{other}]")) if len(w.params) < w.most_params else w.get_or_create(f"list[{other}]"),
    )
    if first.text == second.text:
        raise GenerationDeadEnd
    one = w.bind(naming.for_element(w.rng, first.text, kind), kind, first, fixed=True)
    two = w.bind(naming.for_element(w.rng, second.text, other), other, second, fixed=True)
    said = f"for each `{one.name}` of {parenthetical(first.description)} and `{two.name}` of {parenthetical(second.description)} in step"
    line = _block(w, stack, f"for {one.name}, {two.name} in zip({first.text}, {second.text}):", said, one, two)

    def plain() -> None:
        if not w.uses(two.name, line):
            line.text = f"for {one.name} in {first.text}:"
            line.say = f"for each {_noun(kind, first)} `{one.name}` of {parenthetical(first.description)}"
            w.scope.remove(two)

    stack.callback(plain)
    w.unused_pairs.append((two, one))
    return w.use(one)


@loop_pattern(1, "int")
def digits(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    given = w.param("int", "") if len(w.params) < w.most_params else None
    if given is None:
        raise GenerationDeadEnd
    given.root.value_hints.append("big")  # type: ignore[union-attr]
    digit = w.bind("digit", "int", given.expr, fixed=True)
    given.used, base = True, w.rng.choice(("10", "10", "10", "2", "3"))
    _block(w, stack, f"while {given.name} > 0:", f"as long as `{given.name}` is greater than 0", digit)
    w.scope.remove(given)
    w.add_line(f"{digit.name} = {given.name} % {base}", f"lets `{digit.name}` be the last digit of `{given.name}` in base {base}")

    def shrink() -> None:
        w.add_line(f"{given.name} //= {base}", f"divides `{given.name}` by {base}, rounded down")
        w.scope.append(given)

    stack.callback(shrink)
    return w.use(digit)


@loop_pattern(1, "int", "str", "list", "tuple")
def work_queue(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(f"list[{kind}]")
    if not source.text.isidentifier():
        raise GenerationDeadEnd
    item = w.bind(naming.for_element(w.rng, source.text, kind), kind, source, fixed=True)
    end, said = w.rng.choice((("0", "front"), ("", "end"), ("", "end")))
    _block(w, stack, f"while {source.text}:", f"as long as {source.description} is not empty", item)
    w.add_line(f"{item.name} = {source.text}.pop({end})", f"takes `{item.name}` from the {said} of {source.description}")
    return w.use(item)


@loop_pattern(1, "list")
def windows(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(kind)
    size = w.fill("int", "size", source)
    if size.text == "1":  # a window of one is an element
        raise GenerationDeadEnd
    behind = f" - {int(size.text) - 1}" if size.text.isdigit() else f" - {size.text} + 1"
    index = w.bind("i", "int", fixed=True)
    window = w.bind("window", kind, source, fixed=True)
    said = f"for each position `{index.name}` of {parenthetical(source.description)} at which a run of {size.description} elements begins"
    _block(w, stack, f"for {index.name} in range(len({source.text}){behind}):", said, index, window)
    w.add_line(f"{window.name} = {source.text}[{index.name}:{index.name} + {size.text}]", f"lets `{window.name}` be that run")
    return w.use(window)


@loop_pattern(1, "list", "str")
def chunks(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(kind)
    size = w.use(w.param("int", "size")) if len(w.params) < w.most_params and w.chance(0.6) else w.literal("int", "two")
    index = w.bind("i", "int", fixed=True)
    chunk = w.bind("chunk" if kind != "str" else "piece", kind, source, fixed=True)
    said = f"for `{index.name}` from 0 to below the length of {parenthetical(source.description)} in steps of {size.description}"
    _block(w, stack, f"for {index.name} in range(0, len({source.text}), {size.text}):", said, index, chunk)
    parts = "characters" if kind == "str" else "elements"
    w.add_line(
        f"{chunk.name} = {source.text}[{index.name}:{index.name} + {size.text}]",
        f"lets `{chunk.name}` be the (at most) {size.description} {parts} of {parenthetical(source.description)} from `{index.name}` on",
    )
    return w.use(chunk)


@loop_pattern(2, "int", "str")
def rows(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(f"list[list[{kind}]]")
    row = loop_over(w, stack, source)
    return loop_over(w, stack, row)


@loop_pattern(2, "str")
def nested_characters(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    word = loop_over(w, stack, w.get_or_create("list[str]"))
    return loop_over(w, stack, word)


@loop_pattern(1, "int", "str")
def by_while(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(f"list[{kind}]")
    index = w.start("i" if "i" not in w.taken else "pos", "int", "0")
    step = w.rng.choice(("1", "1", "2"))
    said = f"as long as `{index.name}` is less than the length of {parenthetical(source.description)}"
    _block(w, stack, f"while {index.name} < len({source.text}):", said)
    stack.callback(lambda: w.add_line(f"{index.name} += {step}", f"adds {step} to `{index.name}`"))
    return _element(source, index, kind)


@loop_pattern(1, "int", "str")
def from_both_ends(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    source = w.get_or_create(f"list[{kind}]" if kind == "int" or w.chance(0.5) else "str")
    if not source.text.isidentifier():
        raise GenerationDeadEnd
    last = f"at the length of {source.description} minus 1"
    left, right = w.start("left", "int", "0"), w.start("right", "int", f"len({source.text}) - 1", last)
    said = f"as long as `{left.name}` is less than `{right.name}`"
    _block(w, stack, f"while {left.name} < {right.name}:", said)

    def inwards() -> None:
        w.add_line(f"{left.name} += 1", f"adds 1 to `{left.name}`")
        w.add_line(f"{right.name} -= 1", f"takes 1 from `{right.name}`")

    stack.callback(inwards)
    thing = "element" if type_head(source.kind) == "list" else "character"
    sign, joined = ("+", "plus" if kind == "int" else "followed by")
    one, other = left.name, right.name
    if not w.chance(0.5):
        one, other = other, one
        if kind == "int":
            sign, joined = "-", "minus"
    said = f"the {thing} of {source.description} at `{one}` {joined} the one at `{other}`"
    return Expr(f"{source.text}[{one}] {sign} {source.text}[{other}]", kind, said, 10)


@loop_pattern(1, "int")
def shrink_interval(w: ExpressionGenerator, stack: ExitStack, kind: str) -> Expr:
    if len(w.params) >= w.most_params:
        raise GenerationDeadEnd
    given = w.use(w.param("int", ""))
    var = w.var(given.text)
    assert var is not None and var.root is not None
    stop = w.rng.choice(("0", "1", "2"))
    change, number, said = w.rng.choice(
        (
            ("//=", "2", "divides `{}` by 2, rounded down"),
            ("-=", "3", "takes 3 from `{}`"),
            ("//=", "3", "divides `{}` by 3, rounded down"),
            ("-=", str(int(stop) + 4), "takes {number} from `{}`"),
        )
    )
    var.root.value_hints.append("big" if change == "//=" else "some")
    _block(w, stack, f"while {given.text} > {stop}:", f"as long as `{given.text}` is greater than {stop}")
    stack.callback(lambda: w.add_line(f"{given.text} {change} {number}", said.format(given.text, number=number)))
    return given
