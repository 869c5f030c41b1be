"""Deeds: what is done with one value after the other, and what comes of it in the end."""

from collections.abc import Callable
from dataclasses import dataclass

from execverify.programs.synthesis.phrases import Expr
from execverify.programs.synthesis.writer import CannotWrite, Var, Writer
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


def _given(var: Var, say: str) -> Callable[[], Expr]:
    return lambda: Expr(var.name, var.kind, say)


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
        w.emit(f"{total.name} {chosen} {v.text}")
        w.tell(f"{'adds' if chosen == '+=' else 'takes'} {v.say} {'to' if chosen == '+=' else 'from'} `{total.name}`")

    return Done(act, _given(total, "the total"))


@deed(0, "list", *_ALL)
def collect(w: Writer, kind: str, x: Expr) -> Done:
    result = w.start(w.rng.choice(("result", "out", "results", "found", "kept", "output")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        w.emit(f"{result.name}.append({v.text})")
        w.tell(f"appends {v.say} to `{result.name}`")

    return Done(act, _given(result, "the list"))


@deed(0, "list", *_PLAIN)
def put_in_front(w: Writer, kind: str, x: Expr) -> Done:
    result = w.start(w.rng.choice(("result", "stack", "out")), f"list[{kind}]", "[]")
    form = _again(w, "insert(0, {})", "append({})")

    def act(v: Expr) -> None:
        text = form()
        w.emit(f"{result.name}.{text.format(v.text)}")
        w.tell(f"puts {v.say} {'in front of' if '0' in text else 'at the end of'} `{result.name}`")

    return Done(act, _given(result, "the list"))


@deed(0, "str", "str")
def build_text(w: Writer, kind: str, x: Expr) -> Done:
    out = w.start(w.rng.choice(("result", "out", "output", "new")), "str", "''")
    form = w.rng.choice(("{o} += {v}", "{o} += {v}", "{o} = {v} + {o}", "{o} += {v} + '-'"))

    def act(v: Expr) -> None:
        text = v.within(10) if "{v} +" in form else v.text
        w.emit(form.format(o=out.name, v=text))
        w.tell(f"adds {v.say} to the {'front' if form.endswith('{o}') else 'end'} of `{out.name}`")

    return Done(act, _given(out, "the text"))


@deed(0, "dict", "str", "int", "bool")
def count_by(w: Writer, kind: str, x: Expr) -> Done:
    counts = w.start(w.rng.choice(("counts", "freq", "tally", "counter")), f"dict[{kind}, int]", "{}")

    def act(v: Expr) -> None:
        if len(v.text) > 12:
            v = w.let(v, "key").expr
        w.emit(f"{counts.name}[{v.text}] = {counts.name}.get({v.text}, 0) + 1")
        w.tell(f"counts {v.say} in `{counts.name}`")

    return Done(act, _given(counts, "the counts"))


@deed(0, "dict", "str", "int", "bool")
def group_by(w: Writer, kind: str, x: Expr) -> Done:
    groups = w.start(w.rng.choice(("groups", "buckets", "by_key")), f"dict[{kind}, list[{x.kind}]]", "{}")

    def act(v: Expr) -> None:
        w.emit(f"{groups.name}.setdefault({v.text}, []).append({x.text})")
        w.tell(f"files {x.say} under {v.say} in `{groups.name}`")

    return Done(act, _given(groups, "the groups"))


@deed(1, "dict", "str", "int", "bool")
def group_with_check(w: Writer, kind: str, x: Expr) -> Done:
    groups = w.start(w.rng.choice(("groups", "buckets", "index")), f"dict[{kind}, list[{x.kind}]]", "{}")

    def act(v: Expr) -> None:
        if len(v.text) > 12:
            v = w.let(v, "key").expr
        with w.block(f"if {v.text} not in {groups.name}:"):
            w.emit(f"{groups.name}[{v.text}] = []")
        w.emit(f"{groups.name}[{v.text}].append({x.text})")
        w.tell(f"files {x.say} under {v.say}, with a new list where there is none")

    return Done(act, _given(groups, "the groups"))


@deed(1, "list", *_PLAIN)
def keep_distinct(w: Writer, kind: str, x: Expr) -> Done:
    seen = w.start(w.rng.choice(("seen", "unique", "result", "distinct")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        if len(v.text) > 14:
            v = w.let(v).expr
        with w.block(f"if {v.within(6)} not in {seen.name}:"):
            w.emit(f"{seen.name}.append({v.text})")
        w.tell(f"keeps {v.say} where it is new")

    return Done(act, _given(seen, "what is distinct, in order"))


@deed(1, "int", "int")
def find_greatest(w: Writer, kind: str, x: Expr) -> Done:
    best = w.start(w.rng.choice(("best", "largest", "top", "peak")), "int", w.rng.choice(("0", "-1", "0", "1")))
    sign = w.rng.choice((">", ">", ">="))

    def act(v: Expr) -> None:
        if len(v.text) > 14:
            v = w.let(v).expr
        with w.block(f"if {v.within(6)} {sign} {best.name}:"):
            w.emit(f"{best.name} = {v.text}")
        w.tell(f"keeps the greatest {v.say} in `{best.name}`")

    return Done(act, _given(best, "the greatest"))


@deed(0, "int", "int")
def greatest_so_far(w: Writer, kind: str, x: Expr) -> Done:
    best = w.start(w.rng.choice(("best", "low", "level", "bound")), "int", w.rng.choice(("0", "5", "3")))
    name = w.rng.choice(("max", "max", "min"))

    def act(v: Expr) -> None:
        w.emit(f"{best.name} = {name}({best.name}, {v.text})")
        w.tell(f"keeps the {'greater' if name == 'max' else 'lesser'} of `{best.name}` and {v.say}")

    return Done(act, _given(best, "the extreme"))


@deed(1, "str", "str")
def find_longest(w: Writer, kind: str, x: Expr) -> Done:
    best = w.start(w.rng.choice(("longest", "best", "widest")), "str", "''")
    sign = w.rng.choice((">", ">="))

    def act(v: Expr) -> None:
        if len(v.text) > 12:
            v = w.let(v).expr
        with w.block(f"if len({v.text}) {sign} len({best.name}):"):
            w.emit(f"{best.name} = {v.text}")
        w.tell(f"keeps the longest {v.say} in `{best.name}`")

    return Done(act, _given(best, "the longest"))


@deed(0, "list", "int")
def running_totals(w: Writer, kind: str, x: Expr) -> Done:
    total, sums = (
        w.start("total" if w.chance(0.5) else "running", "int", "0"),
        w.start(w.rng.choice(("sums", "totals", "history")), "list[int]", "[]"),
    )

    def act(v: Expr) -> None:
        w.emit(f"{total.name} += {v.text}")
        w.emit(f"{sums.name}.append({total.name})")
        w.tell(f"adds {v.say} to a running total and notes the total")

    return Done(act, _given(sums, "the running totals"))


@deed(0, "int", "int")
def alternate(w: Writer, kind: str, x: Expr) -> Done:
    total, sign = w.start("total" if w.chance(0.5) else "balance", "int", "0"), w.start("sign", "int", "1")

    def act(v: Expr) -> None:
        w.emit(f"{total.name} += {sign.name} * {v.within(11)}")
        w.emit(f"{sign.name} = -{sign.name}")
        w.tell(f"adds and takes away {v.say} in turn")

    return Done(act, _given(total, "the total"))


@deed(0, "int", "int")
def fold_number(w: Writer, kind: str, x: Expr) -> Done:
    value = w.start(w.rng.choice(("value", "code", "acc", "checksum")), "int", w.rng.choice(("0", "1", "7")))
    form = w.rng.choice(
        ("{a} = {a} * 2 + {v}", "{a} = ({a} * 3 + {v}) % 97", "{a} = {a} * 10 + {v}", "{a} = ({a} + {v}) % 10", "{a} = {v} - {a}")
    )

    def act(v: Expr) -> None:
        w.emit(form.format(a=value.name, v=v.within(11)))
        w.tell(f"folds {v.say} into `{value.name}`")

    return Done(act, _given(value, "the folded number"))


@deed(0, "list", "list")
def flatten(w: Writer, kind: str, x: Expr) -> Done:
    flat = w.start(w.rng.choice(("flat", "result", "merged", "joined")), kind, "[]")
    form = w.rng.choice(("{}.extend({})", "{} += {}"))

    def act(v: Expr) -> None:
        w.emit(form.format(flat.name, v.text))
        w.tell(f"adds the elements of {v.say} to `{flat.name}`")

    return Done(act, _given(flat, "the flat list"))


@deed(0, "int", "str", "list", "tuple", "dict", "set")
def add_lengths(w: Writer, kind: str, x: Expr) -> Done:
    total = w.start(w.rng.choice(("total", "length", "size")), "int", "0")

    def act(v: Expr) -> None:
        w.emit(f"{total.name} += len({v.text})")
        w.tell(f"adds the length of {v.say} to `{total.name}`")

    return Done(act, _given(total, "the total length"))


@deed(0, "list", *_ALL)
def pair_up(w: Writer, kind: str, x: Expr) -> Done:
    pairs = w.start(w.rng.choice(("pairs", "result", "rows")), f"list[tuple[{x.kind}, {kind}]]", "[]")

    def act(v: Expr) -> None:
        other = x.text if x.text != v.text else f"len({pairs.name})"
        w.emit(f"{pairs.name}.append(({other}, {v.text}))")
        w.tell(f"notes {x.say} with {v.say}")

    return Done(act, _given(pairs, "the pairs"))


@deed(0, "dict", *_ALL)
def tabulate(w: Writer, kind: str, x: Expr) -> Done:
    if x.kind not in ("int", "str"):
        raise CannotWrite
    table = w.start(w.rng.choice(("table", "mapping", "result", "lookup")), f"dict[{x.kind}, {kind}]", "{}")

    def act(v: Expr) -> None:
        value = v.text if v.text != x.text else f"len({table.name})"
        w.emit(f"{table.name}[{x.text}] = {value}")
        w.tell(f"maps {x.say} to {v.say}")

    return Done(act, _given(table, "the table"))


@deed(0, "dict", *_PLAIN)
def last_positions(w: Writer, kind: str, x: Expr) -> Done:
    where, place = (
        w.start(w.rng.choice(("last", "where", "positions")), f"dict[{kind}, int]", "{}"),
        w.start(w.rng.choice(("pos", "step", "place")), "int", "0"),
    )

    def act(v: Expr) -> None:
        w.emit(f"{where.name}[{v.text}] = {place.name}")
        w.emit(f"{place.name} += 1")
        w.tell(f"notes the last position of {v.say}")

    return Done(act, _given(where, "the last positions"))


@deed(1, "tuple", *_PLAIN)
def part_in_two(w: Writer, kind: str, x: Expr) -> Done:
    names = w.rng.choice((("left", "right"), ("first", "rest"), ("yes", "no"), ("small", "large")))
    one, two = w.start(names[0], f"list[{kind}]", "[]"), w.start(names[1], f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.block(f"if {condition.text}:"):
            w.emit(f"{one.name}.append({v.text})")
        with w.block("else:"):
            w.emit(f"{two.name}.append({x.text})")
        w.tell(f"puts it into `{one.name}` if {condition.say}, else into `{two.name}`")

    form = w.rng.choice(("({}, {})", "[{}, {}]"))
    return Done(act, lambda: Expr(form.format(one.name, two.name), "tuple[list, list]", "both lists"))


@deed(1, "int", *_PLAIN)
def count_changes(w: Writer, kind: str, x: Expr) -> Done:
    changes, last = (
        w.start(w.rng.choice(("changes", "switches", "steps")), "int", "0"),
        w.start(w.rng.choice(("last", "previous", "prev")), kind, "0" if kind == "int" else "''"),
    )

    def act(v: Expr) -> None:
        with w.block(f"if {v.within(6)} != {last.name}:"):
            w.emit(f"{changes.name} += 1")
        w.emit(f"{last.name} = {v.text}")
        w.tell(f"counts how often {v.say} changes")

    return Done(act, _given(changes, "the number of changes"))


@deed(0, "list", "int")
def differences(w: Writer, kind: str, x: Expr) -> Done:
    last, out = (
        w.start(w.rng.choice(("last", "prev", "base")), "int", "0"),
        w.start(w.rng.choice(("diffs", "gaps", "deltas")), "list[int]", "[]"),
    )

    def act(v: Expr) -> None:
        w.emit(f"{out.name}.append({v.within(10)} - {last.name})")
        w.emit(f"{last.name} = {v.text}")
        w.tell(f"notes how much {v.say} differs from the one before")

    return Done(act, _given(out, "the differences"))


@deed(1, "list", *_PLAIN)
def run_lengths(w: Writer, kind: str, x: Expr) -> Done:
    runs = w.start(w.rng.choice(("runs", "blocks", "streaks")), f"list[list[{kind}]]", "[]")

    def act(v: Expr) -> None:
        with w.block(f"if {runs.name} and {runs.name}[-1][0] == {v.within(6)}:"):
            w.emit(f"{runs.name}[-1][1] += 1")
        with w.block("else:"):
            w.emit(f"{runs.name}.append([{v.text}, 1])")
        w.tell(f"counts how often {v.say} stands in a row")

    return Done(act, _given(runs, "the runs"))


@deed(1, "list", *_PLAIN)
def cancel_on_stack(w: Writer, kind: str, x: Expr) -> Done:
    stack = w.start("stack", f"list[{kind}]", "[]")
    sign = w.rng.choice(("==", "==", ">", "<"))

    def act(v: Expr) -> None:
        with w.block(f"if {stack.name} and {stack.name}[-1] {sign} {v.within(6)}:"):
            w.emit(f"{stack.name}.pop()")
        with w.block("else:"):
            w.emit(f"{stack.name}.append({v.text})")
        w.tell(f"pops the stack where its top is {sign} {v.say}, else pushes {v.say}")

    return Done(act, _given(stack, "the stack"))


@deed(1, "list", *_PLAIN, "float")
def until(w: Writer, kind: str, x: Expr) -> Done:
    taken = w.start(w.rng.choice(("taken", "prefix", "result")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.block(f"if {condition.text}:"):
            w.emit("break")
        w.emit(f"{taken.name}.append({v.text})")
        w.tell(f"stops once {condition.say}, and until then collects {v.say}")

    return Done(act, _given(taken, "what came before"))


@deed(1, "str", "str", "int")
def first_match(w: Writer, kind: str, x: Expr) -> Done:
    default = {"int": "-1", "str": "''"}.get(x.kind)
    if default is None:
        raise CannotWrite

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.block(f"if {condition.text}:"):
            w.emit(f"return {v.text if w.chance(0.5) else x.text}")
        w.tell(f"returns at once where {condition.say}")

    return Done(act, lambda: Expr(w.rng.choice((default, "None", default)), x.kind, "nothing found"))


@deed(1, "list", "int")
def clamp(w: Writer, kind: str, x: Expr) -> Done:
    result = w.start(w.rng.choice(("clipped", "result", "out")), "list[int]", "[]")

    def act(v: Expr) -> None:
        limit = w.fill("int", "threshold", v)
        name = w.let(v, "value").name
        with w.block(f"if {name} > {limit.text}:"):
            w.emit(f"{name} = {limit.text}")
        w.emit(f"{result.name}.append({name})")
        w.tell(f"collects {v.say}, at most {limit.say}")

    return Done(act, _given(result, "the clipped values"))


@deed(1, "list", "int")
def classify(w: Writer, kind: str, x: Expr) -> Done:
    labels = w.rng.choice((("'low'", "'mid'", "'high'"), ("'cold'", "'warm'", "'hot'"), ("'S'", "'M'", "'L'"), ("0", "1", "2")))
    result = w.start(w.rng.choice(("labels", "grades", "kinds")), "list[str]" if labels[0][0] == "'" else "list[int]", "[]")
    low, high = w.rng.choice((("3", "8"), ("5", "12"), ("2", "6"), ("0", "10"), ("4", "15")))

    def act(v: Expr) -> None:
        text = v.within(6)
        with w.block(f"if {text} < {low}:"):
            w.emit(f"{result.name}.append({labels[0]})")
        with w.block(f"elif {text} < {high}:"):
            w.emit(f"{result.name}.append({labels[1]})")
        with w.block("else:"):
            w.emit(f"{result.name}.append({labels[2]})")
        w.tell(f"labels {v.say}: below {low}, below {high}, or above")

    return Done(act, _given(result, "the labels"))


@deed(1, "list", *_PLAIN)
def cut_in_chunks(w: Writer, kind: str, x: Expr) -> Done:
    chunks, current = (
        w.start(w.rng.choice(("chunks", "batches", "pages")), f"list[list[{kind}]]", "[]"),
        w.start(w.rng.choice(("current", "batch", "page")), f"list[{kind}]", "[]"),
    )
    size = w.rng.choice(("2", "3"))

    def act(v: Expr) -> None:
        w.emit(f"{current.name}.append({v.text})")
        with w.block(f"if len({current.name}) == {size}:"):
            w.emit(f"{chunks.name}.append({current.name})")
            w.emit(f"{current.name} = []")
        w.tell(f"collects {v.say} in chunks of {size}")

    return Done(act, lambda: Expr(f"{chunks.name} + [{current.name}]", chunks.kind, "the chunks and the rest", 10))


@deed(1, "tuple", "int")
def spend(w: Writer, kind: str, x: Expr) -> Done:
    budget = w.use(w.param("int", "")) if len(w.params) < w.most_params else w.literal("int", "nat")
    chosen = w.start(w.rng.choice(("chosen", "bought", "picked")), f"list[{x.kind}]", "[]")
    left = w.start(w.rng.choice(("left", "budget", "remaining")), "int", budget.text)

    def act(v: Expr) -> None:
        with w.block(f"if {v.within(6)} <= {left.name}:"):
            w.emit(f"{left.name} -= {v.text}")
            w.emit(f"{chosen.name}.append({x.text})")
        w.tell(f"takes {x.say} while {v.say} can be paid from `{left.name}`")

    return Done(act, lambda: Expr(f"({chosen.name}, {left.name})", "tuple[list, int]", "what was chosen and what is left"))


@deed(1, "str", "int", "float")
def best_item(w: Writer, kind: str, x: Expr) -> Done:
    if x.kind not in ("str", "int"):
        raise CannotWrite
    best, item = (
        w.start(w.rng.choice(("best", "top", "high")), kind, "0" if kind == "int" else "0.0"),
        w.start(w.rng.choice(("winner", "choice", "leader")), x.kind, "''" if x.kind == "str" else "-1"),
    )

    def act(v: Expr) -> None:
        with w.block(f"if {v.within(6)} > {best.name}:"):
            w.emit(f"{best.name} = {v.text}")
            w.emit(f"{item.name} = {x.text}")
        w.tell(f"keeps {x.say} with the greatest {v.say}")

    return Done(act, lambda: Expr(w.rng.choice((f"({item.name}, {best.name})", item.name)), x.kind, "the best"))


@deed(0, "dict", "dict")
def merge(w: Writer, kind: str, x: Expr) -> Done:
    merged = w.start(w.rng.choice(("merged", "combined", "result")), kind, "{}")

    def act(v: Expr) -> None:
        w.emit(w.rng.choice((f"{merged.name}.update({v.text})", f"{merged.name} = {merged.name} | {v.within(7)}")))
        w.tell(f"merges {v.say} into `{merged.name}`")

    return Done(act, _given(merged, "the merged dict"))


@deed(1, "list", *_PLAIN)
def toggle(w: Writer, kind: str, x: Expr) -> Done:
    inside, out = (
        w.start(w.rng.choice(("inside", "active", "on")), "bool", w.rng.choice(("False", "True"))),
        w.start(w.rng.choice(("out", "result", "kept")), f"list[{kind}]", "[]"),
    )

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.block(f"if {condition.text}:"):
            w.emit(f"{inside.name} = not {inside.name}")
        with w.block(f"elif {inside.name}:"):
            w.emit(f"{out.name}.append({v.text})")
        w.tell(f"switches `{inside.name}` where {condition.say}, and collects {v.say} while it is on")

    return Done(act, _given(out, "what was kept"))


@deed(1, "int", *_PLAIN)
def longest_streak(w: Writer, kind: str, x: Expr) -> Done:
    streak, best = (
        w.start(w.rng.choice(("streak", "current", "run")), "int", "0"),
        w.start(w.rng.choice(("best", "longest", "record")), "int", "0"),
    )

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.block(f"if {condition.text}:"):
            w.emit(f"{streak.name} += 1")
            w.emit(f"{best.name} = max({best.name}, {streak.name})")
        with w.block("else:"):
            w.emit(f"{streak.name} = 0")
        w.tell(f"counts how long {condition.say} in a row")

    return Done(act, _given(best, "the longest streak"))


@deed(0, "list", "set", "frozenset")
def collect_sorted(w: Writer, kind: str, x: Expr) -> Done:
    result = w.start(w.rng.choice(("result", "groups", "out")), f"list[list[{arguments(kind)[0]}]]", "[]")

    def act(v: Expr) -> None:
        w.emit(f"{result.name}.append(sorted({v.text}))")
        w.tell(f"appends {v.say} in order to `{result.name}`")

    return Done(act, _given(result, "the lists"))
