"""Deeds: what is done with one value after the other, and what comes of it in the end."""

from collections.abc import Callable
from dataclasses import dataclass

from execverify.programs.synthesis.phrases import Expr
from execverify.programs.synthesis.sheet import CannotWrite, Var
from execverify.programs.synthesis.telling import aside, whether
from execverify.programs.synthesis.writer import Writer
from execverify.programs.types import arguments, head

Act = Callable[[Expr], None]


@dataclass
class Done:
    """A deed set up: what to do with each value, and what the function then has."""

    act: Act
    result: Callable[[], Expr]


Deed = Callable[[Writer, str, Expr], Done]
_DEEDS: dict[str, tuple[Deed, int, tuple[str, ...], str]] = {}


def deed(depth: int, gives: str, *kinds: str) -> Callable[[Deed], Deed]:
    """Registers a deed: the control statements that it nests, the head of its result's type, the heads of its values' types."""

    def register(function: Deed) -> Deed:
        _DEEDS[function.__name__] = (function, depth, kinds, gives)
        return function

    return register


def deeds_for(kind: str, most: int, gives: str = "") -> list[str]:
    """Names of the deeds with values of a type, within a depth."""
    return [
        name
        for name, (_, depth, kinds, given) in _DEEDS.items()
        if depth <= most and head(kind) in kinds and (not gives or given == gives)
    ]


def deed_names() -> tuple[str, ...]:
    return tuple(_DEEDS)


def deed_depth(name: str) -> int:
    return _DEEDS[name][1]


def set_up(name: str, w: Writer, kind: str, element: Expr) -> Done:
    """Sets a deed up for values of a type that come from an element."""
    return _DEEDS[name][0](w, kind, element)


_PLAIN = ("int", "str")
_ALL = ("int", "str", "float", "bool", "list", "tuple", "dict")


def _given(var: Var) -> Callable[[], Expr]:
    return lambda: var.expr


def _said(value: Expr) -> str:
    """What a value is, as an object of a verb."""
    return aside(whether(value.say, value.kind))


def _again(w: Writer, *texts: str) -> Callable[[], str]:
    """The first text, and in later branches the others."""
    left = list(texts)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


@deed(0, "int", "int", "float")
def sum_up(w: Writer, kind: str, x: Expr) -> Done:
    total = w.start(
        w.rng.choice(("total", "result", "acc", "total")), kind, w.rng.choice(("0", "0", "0", "1")) if kind == "int" else "0.0"
    )
    sign = _again(w, "+=", w.rng.choice(("-=", "-=", "+=")))

    def act(v: Expr) -> None:
        chosen = sign()
        said = ("adds {} to `{}`" if chosen == "+=" else "takes {} from `{}`").format(_said(v), total.name)
        w.emit(f"{total.name} {chosen} {v.text}", said)

    return Done(act, _given(total))


@deed(0, "list", *_ALL)
def collect(w: Writer, kind: str, x: Expr) -> Done:
    result = w.start(w.rng.choice(("result", "out", "results", "found", "kept", "output")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        w.emit(f"{result.name}.append({v.text})", f"appends {_said(v)} to `{result.name}`")

    return Done(act, _given(result))


@deed(0, "list", *_PLAIN)
def put_in_front(w: Writer, kind: str, x: Expr) -> Done:
    result = w.start(w.rng.choice(("result", "stack", "out")), f"list[{kind}]", "[]")
    form = _again(w, "insert(0, {})", "append({})")

    def act(v: Expr) -> None:
        text = form()
        where = "in front of" if "0" in text else "at the end of"
        w.emit(f"{result.name}.{text.format(v.text)}", f"puts {_said(v)} {where} `{result.name}`")

    return Done(act, _given(result))


@deed(0, "str", "str")
def build_text(w: Writer, kind: str, x: Expr) -> Done:
    out = w.start(w.rng.choice(("result", "out", "output", "new")), "str", "''")
    form = w.rng.choice(("{o} += {v}", "{o} += {v}", "{o} = {v} + {o}", "{o} += {v} + '-'"))

    def act(v: Expr) -> None:
        text = v.within(10) if "{v} +" in form else v.text
        more = " followed by '-'" if form.endswith("'-'") else ""
        said = f"adds {_said(v)}{more} to the {'front' if form.endswith('{o}') else 'end'} of `{out.name}`"
        w.emit(form.format(o=out.name, v=text), said)

    return Done(act, _given(out))


@deed(0, "dict", "str", "int", "bool")
def count_by(w: Writer, kind: str, x: Expr) -> Done:
    counts = w.start(w.rng.choice(("counts", "freq", "tally", "counter")), f"dict[{kind}, int]", "{}")

    def act(v: Expr) -> None:
        if len(v.text) > 12:
            v = w.let(v, "key").expr
        said = f"adds 1 to the count of {_said(v)} in `{counts.name}` (0 at first)"
        w.emit(f"{counts.name}[{v.text}] = {counts.name}.get({v.text}, 0) + 1", said)

    return Done(act, _given(counts))


@deed(0, "dict", "str", "int", "bool")
def group_by(w: Writer, kind: str, x: Expr) -> Done:
    groups = w.start(w.rng.choice(("groups", "buckets", "by_key")), f"dict[{kind}, list[{x.kind}]]", "{}")

    def act(v: Expr) -> None:
        said = f"appends {_said(x)} to the list under {_said(v)} in `{groups.name}` (empty at first)"
        w.emit(f"{groups.name}.setdefault({v.text}, []).append({x.text})", said)

    return Done(act, _given(groups))


@deed(1, "dict", "str", "int", "bool")
def group_with_check(w: Writer, kind: str, x: Expr) -> Done:
    groups = w.start(w.rng.choice(("groups", "buckets", "index")), f"dict[{kind}, list[{x.kind}]]", "{}")

    def act(v: Expr) -> None:
        if len(v.text) > 12:
            v = w.let(v, "key").expr
        with w.block(f"if {v.within(6)} not in {groups.name}:", f"if {_said(v)} is not in `{groups.name}`"):
            w.emit(f"{groups.name}[{v.text}] = []", f"maps {_said(v)} to an empty list in `{groups.name}`")
        w.emit(f"{groups.name}[{v.text}].append({x.text})", f"appends {_said(x)} to the list under {_said(v)} there")

    return Done(act, _given(groups))


@deed(1, "list", *_PLAIN)
def keep_distinct(w: Writer, kind: str, x: Expr) -> Done:
    seen = w.start(w.rng.choice(("seen", "unique", "result", "distinct")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        if len(v.text) > 14:
            v = w.let(v).expr
        with w.block(f"if {v.within(6)} not in {seen.name}:", f"if {_said(v)} is not in `{seen.name}`"):
            w.emit(f"{seen.name}.append({v.text})", f"appends {_said(v)} to `{seen.name}`")

    return Done(act, _given(seen))


@deed(1, "int", "int")
def find_greatest(w: Writer, kind: str, x: Expr) -> Done:
    best = w.start(w.rng.choice(("best", "largest", "top", "peak")), "int", w.rng.choice(("0", "-1", "0", "1")))
    best.role = "extreme"
    sign = w.rng.choice((">", ">", ">="))

    def act(v: Expr) -> None:
        if len(v.text) > 14:
            v = w.let(v).expr
        said = "is greater than" if sign == ">" else "is at least"
        with w.block(f"if {v.within(6)} {sign} {best.name}:", f"if {_said(v)} {said} `{best.name}`"):
            w.emit(f"{best.name} = {v.text}", f"sets `{best.name}` to {_said(v)}")

    return Done(act, _given(best))


@deed(0, "int", "int")
def greatest_so_far(w: Writer, kind: str, x: Expr) -> Done:
    best = w.start(w.rng.choice(("best", "low", "level", "bound")), "int", w.rng.choice(("0", "5", "3")))
    best.role = "extreme"
    name = w.rng.choice(("max", "max", "min"))

    def act(v: Expr) -> None:
        said = f"sets `{best.name}` to the {'greater' if name == 'max' else 'lesser'} of `{best.name}` and {_said(v)}"
        w.emit(f"{best.name} = {name}({best.name}, {v.text})", said)

    return Done(act, _given(best))


@deed(1, "str", "str")
def find_longest(w: Writer, kind: str, x: Expr) -> Done:
    best = w.start(w.rng.choice(("longest", "best", "widest")), "str", "''")
    sign = w.rng.choice((">", ">="))

    def act(v: Expr) -> None:
        if len(v.text) > 12:
            v = w.let(v).expr
        said = f"if {_said(v)} is {'longer than' if sign == '>' else 'no shorter than'} `{best.name}`"
        with w.block(f"if len({v.text}) {sign} len({best.name}):", said):
            w.emit(f"{best.name} = {v.text}", f"sets `{best.name}` to {_said(v)}")

    return Done(act, _given(best))


@deed(0, "list", "int")
def running_totals(w: Writer, kind: str, x: Expr) -> Done:
    total, sums = (
        w.start("total" if w.chance(0.5) else "running", "int", "0"),
        w.start(w.rng.choice(("sums", "totals", "history")), "list[int]", "[]"),
    )

    def act(v: Expr) -> None:
        w.emit(f"{total.name} += {v.text}", f"adds {_said(v)} to `{total.name}`")
        w.emit(f"{sums.name}.append({total.name})", f"appends `{total.name}` to `{sums.name}`")

    return Done(act, _given(sums))


@deed(0, "int", "int")
def alternate(w: Writer, kind: str, x: Expr) -> Done:
    total, sign = w.start("total" if w.chance(0.5) else "balance", "int", "0"), w.start("sign", "int", "1")

    def act(v: Expr) -> None:
        w.emit(f"{total.name} += {sign.name} * {v.within(12)}", f"adds `{sign.name}` times {_said(v)} to `{total.name}`")
        w.emit(f"{sign.name} = -{sign.name}", f"negates `{sign.name}`")

    return Done(act, _given(total))


@deed(0, "int", "int")
def fold_number(w: Writer, kind: str, x: Expr) -> Done:
    value = w.start(w.rng.choice(("value", "code", "acc", "checksum")), "int", w.rng.choice(("0", "1", "7")))
    form, say = w.rng.choice(
        (
            ("{a} = {a} * 2 + {v}", "`{a}` times 2 plus {v}"),
            ("{a} = ({a} * 3 + {v}) % 97", "(`{a}` times 3 plus {v}) modulo 97"),
            ("{a} = {a} * 10 + {v}", "`{a}` times 10 plus {v}"),
            ("{a} = ({a} + {v}) % 10", "(`{a}` plus {v}) modulo 10"),
            ("{a} = {v} - {a}", "{v} minus `{a}`"),
        )
    )

    def act(v: Expr) -> None:
        said = f"sets `{value.name}` to {say.format(a=value.name, v=_said(v))}"
        w.emit(form.format(a=value.name, v=v.within(11)), said)

    return Done(act, _given(value))


@deed(0, "list", "list")
def flatten(w: Writer, kind: str, x: Expr) -> Done:
    flat = w.start(w.rng.choice(("flat", "result", "merged", "joined")), kind, "[]")
    form = w.rng.choice(("{}.extend({})", "{} += {}"))

    def act(v: Expr) -> None:
        w.emit(form.format(flat.name, v.text), f"adds the elements of {_said(v)} to the end of `{flat.name}`")

    return Done(act, _given(flat))


@deed(0, "int", "str", "list", "tuple", "dict", "set")
def add_lengths(w: Writer, kind: str, x: Expr) -> Done:
    total = w.start(w.rng.choice(("total", "length", "size")), "int", "0")

    def act(v: Expr) -> None:
        w.emit(f"{total.name} += len({v.text})", f"adds the length of {_said(v)} to `{total.name}`")

    return Done(act, _given(total))


@deed(0, "list", *_ALL)
def pair_up(w: Writer, kind: str, x: Expr) -> Done:
    pairs = w.start(w.rng.choice(("pairs", "result", "rows")), f"list[tuple[{x.kind}, {kind}]]", "[]")

    def act(v: Expr) -> None:
        other, said = (x.text, _said(x)) if x.text != v.text else (f"len({pairs.name})", f"the length of `{pairs.name}`")
        w.emit(f"{pairs.name}.append(({other}, {v.text}))", f"appends the pair of {said} and {_said(v)} to `{pairs.name}`")

    return Done(act, _given(pairs))


@deed(0, "dict", *_ALL)
def tabulate(w: Writer, kind: str, x: Expr) -> Done:
    if x.kind not in ("int", "str"):
        raise CannotWrite
    table = w.start(w.rng.choice(("table", "mapping", "result", "lookup")), f"dict[{x.kind}, {kind}]", "{}")

    def act(v: Expr) -> None:
        value, said = (
            (v.text, _said(v)) if v.text != x.text else (f"len({table.name})", f"the length that `{table.name}` has by then")
        )
        w.emit(f"{table.name}[{x.text}] = {value}", f"maps {_said(x)} to {said} in `{table.name}`")

    return Done(act, _given(table))


@deed(0, "dict", *_PLAIN)
def last_positions(w: Writer, kind: str, x: Expr) -> Done:
    where, place = (
        w.start(w.rng.choice(("last", "where", "positions")), f"dict[{kind}, int]", "{}"),
        w.start(w.rng.choice(("pos", "step", "place")), "int", "0"),
    )

    def act(v: Expr) -> None:
        w.emit(f"{where.name}[{v.text}] = {place.name}", f"maps {_said(v)} to `{place.name}` in `{where.name}`")
        w.emit(f"{place.name} += 1", f"adds 1 to `{place.name}`")

    return Done(act, _given(where))


@deed(1, "tuple", *_PLAIN)
def part_in_two(w: Writer, kind: str, x: Expr) -> Done:
    names = w.rng.choice((("left", "right"), ("first", "rest"), ("yes", "no"), ("small", "large")))
    one, two = w.start(names[0], f"list[{kind}]", "[]"), w.start(names[1], f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.when(condition):
            w.emit(f"{one.name}.append({v.text})", f"appends {_said(v)} to `{one.name}`")
        with w.block("else:", ""):
            w.emit(f"{two.name}.append({x.text})", f"appends {_said(x)} to `{two.name}`")

    form, say = w.rng.choice((("({}, {})", "the pair of"), ("[{}, {}]", "a list of")))
    said = f"{say} `{one.name}` and `{two.name}`"
    return Done(act, lambda: Expr(form.format(one.name, two.name), "tuple[list, list]", said))


@deed(1, "int", *_PLAIN)
def count_changes(w: Writer, kind: str, x: Expr) -> Done:
    changes, last = (
        w.start(w.rng.choice(("changes", "switches", "steps")), "int", "0"),
        w.start(w.rng.choice(("last", "previous", "prev")), kind, "0" if kind == "int" else "''"),
    )

    def act(v: Expr) -> None:
        with w.block(f"if {v.within(6)} != {last.name}:", f"if {_said(v)} is not `{last.name}`"):
            w.emit(f"{changes.name} += 1", f"adds 1 to `{changes.name}`")
        w.emit(f"{last.name} = {v.text}", f"sets `{last.name}` to {_said(v)}")

    return Done(act, _given(changes))


@deed(0, "list", "int")
def differences(w: Writer, kind: str, x: Expr) -> Done:
    last, out = (
        w.start(w.rng.choice(("last", "prev", "base")), "int", "0"),
        w.start(w.rng.choice(("diffs", "gaps", "deltas")), "list[int]", "[]"),
    )

    def act(v: Expr) -> None:
        w.emit(f"{out.name}.append({v.within(10)} - {last.name})", f"appends {_said(v)} minus `{last.name}` to `{out.name}`")
        w.emit(f"{last.name} = {v.text}", f"sets `{last.name}` to {_said(v)}")

    return Done(act, _given(out))


@deed(1, "list", *_PLAIN)
def run_lengths(w: Writer, kind: str, x: Expr) -> Done:
    runs = w.start(w.rng.choice(("runs", "blocks", "streaks")), f"list[list[{kind}]]", "[]")

    def act(v: Expr) -> None:
        said = f"if `{runs.name}` is not empty and the first element of its last list is {_said(v)}"
        with w.block(f"if {runs.name} and {runs.name}[-1][0] == {v.within(6)}:", said):
            w.emit(f"{runs.name}[-1][1] += 1", "adds 1 to the second element of that list")
        with w.block("else:", ""):
            w.emit(f"{runs.name}.append([{v.text}, 1])", f"appends the list of {_said(v)} and 1 to `{runs.name}`")

    return Done(act, _given(runs))


@deed(1, "list", *_PLAIN)
def cancel_on_stack(w: Writer, kind: str, x: Expr) -> Done:
    stack = w.start("stack", f"list[{kind}]", "[]")
    sign = w.rng.choice(("==", "==", ">", "<"))

    def act(v: Expr) -> None:
        words = ("", "greater than ", "less than ") if kind == "int" else ("", "after ", "before ")
        said = f"if `{stack.name}` is not empty and its last element is {dict(zip(('==', '>', '<'), words, strict=True))[sign]}{_said(v)}"
        with w.block(f"if {stack.name} and {stack.name}[-1] {sign} {v.within(6)}:", said):
            w.emit(f"{stack.name}.pop()", f"takes the last element out of `{stack.name}`")
        with w.block("else:", ""):
            w.emit(f"{stack.name}.append({v.text})", f"appends {_said(v)} to `{stack.name}`")

    return Done(act, _given(stack))


@deed(1, "list", *_PLAIN, "float")
def until(w: Writer, kind: str, x: Expr) -> Done:
    taken = w.start(w.rng.choice(("taken", "prefix", "result")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.when(condition):
            w.emit("break", "leaves the loop")
        w.emit(f"{taken.name}.append({v.text})", f"appends {_said(v)} to `{taken.name}`")

    return Done(act, _given(taken))


@deed(1, "str", "str", "int")
def first_match(w: Writer, kind: str, x: Expr) -> Done:
    default = {"int": "-1", "str": "''"}.get(x.kind)
    if default is None:
        raise CannotWrite

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.when(condition):
            given = v if w.chance(0.5) else x
            w.emit(f"return {given.text}", f"returns {_said(given)} at once")

    def nothing() -> Expr:
        text = w.rng.choice((default, "None", default))
        return Expr(text, "none" if text == "None" else x.kind, "an empty text" if text == "''" else text)

    return Done(act, nothing)


@deed(1, "list", "int")
def clamp(w: Writer, kind: str, x: Expr) -> Done:
    result = w.start(w.rng.choice(("clipped", "result", "out")), "list[int]", "[]")

    def act(v: Expr) -> None:
        limit = w.fill("int", "threshold", v)
        name = w.let(v, "value").name
        with w.block(f"if {name} > {limit.within(9)}:", f"if `{name}` is greater than {_said(limit)}"):
            w.emit(f"{name} = {limit.text}", f"sets `{name}` to {_said(limit)}")
        w.emit(f"{result.name}.append({name})", f"appends `{name}` to `{result.name}`")

    return Done(act, _given(result))


@deed(1, "list", "int")
def classify(w: Writer, kind: str, x: Expr) -> Done:
    labels = w.rng.choice((("'low'", "'mid'", "'high'"), ("'cold'", "'warm'", "'hot'"), ("'S'", "'M'", "'L'"), ("0", "1", "2")))
    result = w.start(w.rng.choice(("labels", "grades", "kinds")), "list[str]" if labels[0][0] == "'" else "list[int]", "[]")
    low, high = w.rng.choice((("3", "8"), ("5", "12"), ("2", "6"), ("0", "10"), ("4", "15")))

    def act(v: Expr) -> None:
        text = v.within(6)
        adds = [(f"{result.name}.append({label})", f"appends {label} to `{result.name}`") for label in labels]
        with w.block(f"if {text} < {low}:", f"if {_said(v)} is less than {low}"):
            w.emit(*adds[0])
        with w.block(f"elif {text} < {high}:", f"if it is less than {high}"):
            w.emit(*adds[1])
        with w.block("else:", ""):
            w.emit(*adds[2])

    return Done(act, _given(result))


@deed(1, "list", *_PLAIN)
def cut_in_chunks(w: Writer, kind: str, x: Expr) -> Done:
    chunks, current = (
        w.start(w.rng.choice(("chunks", "batches", "pages")), f"list[list[{kind}]]", "[]"),
        w.start(w.rng.choice(("current", "batch", "page")), f"list[{kind}]", "[]"),
    )
    size = w.rng.choice(("2", "3"))

    def act(v: Expr) -> None:
        w.emit(f"{current.name}.append({v.text})", f"appends {_said(v)} to `{current.name}`")
        with w.block(f"if len({current.name}) == {size}:", f"if `{current.name}` has {size} elements"):
            w.emit(f"{chunks.name}.append({current.name})", f"appends it to `{chunks.name}`")
            w.emit(f"{current.name} = []", f"sets `{current.name}` to a new empty list")

    said = f"`{chunks.name}` with `{current.name}` at its end"
    return Done(act, lambda: Expr(f"{chunks.name} + [{current.name}]", chunks.kind, said, 10))


@deed(1, "tuple", "int")
def spend(w: Writer, kind: str, x: Expr) -> Done:
    budget = w.use(w.param("int", "")) if len(w.params) < w.most_params else w.literal("int", "nat")
    chosen = w.start(w.rng.choice(("chosen", "bought", "picked")), f"list[{x.kind}]", "[]")
    left = w.start(w.rng.choice(("left", "budget", "remaining")), "int", budget.text, f"at {budget.say}")

    def act(v: Expr) -> None:
        with w.block(f"if {v.within(6)} <= {left.name}:", f"if {_said(v)} is at most `{left.name}`"):
            w.emit(f"{left.name} -= {v.text}", f"takes {_said(v)} from `{left.name}`")
            w.emit(f"{chosen.name}.append({x.text})", f"appends {_said(x)} to `{chosen.name}`")

    said = f"the pair of `{chosen.name}` and `{left.name}`"
    return Done(act, lambda: Expr(f"({chosen.name}, {left.name})", "tuple[list, int]", said))


@deed(1, "str", "int", "float")
def best_item(w: Writer, kind: str, x: Expr) -> Done:
    if x.kind not in ("str", "int"):
        raise CannotWrite
    best, item = (
        w.start(w.rng.choice(("best", "top", "high")), kind, "0" if kind == "int" else "0.0"),
        w.start(w.rng.choice(("winner", "choice", "leader")), x.kind, "''" if x.kind == "str" else "-1"),
    )

    def act(v: Expr) -> None:
        with w.block(f"if {v.within(6)} > {best.name}:", f"if {_said(v)} is greater than `{best.name}`"):
            w.emit(f"{best.name} = {v.text}", f"sets `{best.name}` to {_said(v)}")
            w.emit(f"{item.name} = {x.text}", f"sets `{item.name}` to {_said(x)}")

    def leader() -> Expr:
        both = Expr(f"({item.name}, {best.name})", f"tuple[{x.kind}, {kind}]", f"the pair of `{item.name}` and `{best.name}`")
        return w.rng.choice((both, item.expr))

    return Done(act, leader)


@deed(0, "dict", "dict")
def merge(w: Writer, kind: str, x: Expr) -> Done:
    merged = w.start(w.rng.choice(("merged", "combined", "result")), kind, "{}")

    def act(v: Expr) -> None:
        text = w.rng.choice((f"{merged.name}.update({v.text})", f"{merged.name} = {merged.name} | {v.within(7)}"))
        w.emit(text, f"puts the pairs of {_said(v)} into `{merged.name}`, over those there")

    return Done(act, _given(merged))


@deed(1, "list", *_PLAIN)
def toggle(w: Writer, kind: str, x: Expr) -> Done:
    inside, out = (
        w.start(w.rng.choice(("inside", "active", "on")), "bool", w.rng.choice(("False", "True"))),
        w.start(w.rng.choice(("out", "result", "kept")), f"list[{kind}]", "[]"),
    )

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.when(condition):
            w.emit(f"{inside.name} = not {inside.name}", f"turns `{inside.name}` into its opposite")
        with w.block(f"elif {inside.name}:", f"if `{inside.name}` is true"):
            w.emit(f"{out.name}.append({v.text})", f"appends {_said(v)} to `{out.name}`")

    return Done(act, _given(out))


@deed(1, "int", *_PLAIN)
def longest_streak(w: Writer, kind: str, x: Expr) -> Done:
    streak, best = (
        w.start(w.rng.choice(("streak", "current", "run")), "int", "0"),
        w.start(w.rng.choice(("best", "longest", "record")), "int", "0"),
    )

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.when(condition):
            w.emit(f"{streak.name} += 1", f"adds 1 to `{streak.name}`")
            said = f"sets `{best.name}` to the greater of `{best.name}` and `{streak.name}`"
            w.emit(f"{best.name} = max({best.name}, {streak.name})", said)
        with w.block("else:", ""):
            w.emit(f"{streak.name} = 0", f"sets `{streak.name}` to 0")

    return Done(act, _given(best))


@deed(0, "list", "set", "frozenset")
def collect_sorted(w: Writer, kind: str, x: Expr) -> Done:
    result = w.start(w.rng.choice(("result", "groups", "out")), f"list[list[{arguments(kind)[0]}]]", "[]")

    def act(v: Expr) -> None:
        w.emit(
            f"{result.name}.append(sorted({v.text}))", f"appends the elements of {_said(v)}, sorted, to `{result.name}` as a list"
        )

    return Done(act, _given(result))
