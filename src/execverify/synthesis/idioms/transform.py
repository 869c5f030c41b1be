"""Deeds: what is flattened, paired, tabulated, parted, compared with the one before, or cancelled."""

from execverify.synthesis.expressions import Writer
from execverify.synthesis.function_builder import CannotWrite
from execverify.synthesis.idioms.common import ALL, PLAIN, given, told_as
from execverify.synthesis.idioms.registry import Done, deed
from execverify.synthesis.templates import Expr


@deed(0, "list", "list")
def flatten(w: Writer, kind: str, x: Expr) -> Done:
    flat = w.start(w.rng.choice(("flat", "result", "merged", "joined")), kind, "[]")
    form = w.rng.choice(("{}.extend({})", "{} += {}"))

    def act(v: Expr) -> None:
        w.emit(form.format(flat.name, v.text), f"adds the elements of {told_as(v)} to the end of `{flat.name}`")

    return Done(act, given(flat))


@deed(0, "int", "str", "list", "tuple", "dict", "set")
def add_lengths(w: Writer, kind: str, x: Expr) -> Done:
    total = w.start(w.rng.choice(("total", "length", "size")), "int", "0")

    def act(v: Expr) -> None:
        w.emit(f"{total.name} += len({v.text})", f"adds the length of {told_as(v)} to `{total.name}`")

    return Done(act, given(total))


@deed(0, "list", *ALL)
def pair_up(w: Writer, kind: str, x: Expr) -> Done:
    pairs = w.start(w.rng.choice(("pairs", "result", "rows")), f"list[tuple[{x.kind}, {kind}]]", "[]")

    def act(v: Expr) -> None:
        other, said = (x.text, told_as(x)) if x.text != v.text else (f"len({pairs.name})", f"the length of `{pairs.name}`")
        w.emit(f"{pairs.name}.append(({other}, {v.text}))", f"appends the pair of {said} and {told_as(v)} to `{pairs.name}`")

    return Done(act, given(pairs))


@deed(0, "dict", *ALL)
def tabulate(w: Writer, kind: str, x: Expr) -> Done:
    if x.kind not in ("int", "str"):
        raise CannotWrite
    table = w.start(w.rng.choice(("table", "mapping", "result", "lookup")), f"dict[{x.kind}, {kind}]", "{}")

    def act(v: Expr) -> None:
        value, said = (
            (v.text, told_as(v)) if v.text != x.text else (f"len({table.name})", f"the length that `{table.name}` has by then")
        )
        w.emit(f"{table.name}[{x.text}] = {value}", f"maps {told_as(x)} to {said} in `{table.name}`")

    return Done(act, given(table))


@deed(0, "dict", *PLAIN)
def last_positions(w: Writer, kind: str, x: Expr) -> Done:
    where, place = (
        w.start(w.rng.choice(("last", "where", "positions")), f"dict[{kind}, int]", "{}"),
        w.start(w.rng.choice(("pos", "step", "place")), "int", "0"),
    )

    def act(v: Expr) -> None:
        w.emit(f"{where.name}[{v.text}] = {place.name}", f"maps {told_as(v)} to `{place.name}` in `{where.name}`")
        w.emit(f"{place.name} += 1", f"adds 1 to `{place.name}`")

    return Done(act, given(where))


@deed(1, "tuple", *PLAIN)
def part_in_two(w: Writer, kind: str, x: Expr) -> Done:
    names = w.rng.choice((("left", "right"), ("first", "rest"), ("yes", "no"), ("small", "large")))
    one, two = w.start(names[0], f"list[{kind}]", "[]"), w.start(names[1], f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.when(condition):
            w.emit(f"{one.name}.append({v.text})", f"appends {told_as(v)} to `{one.name}`")
        with w.block("else:", ""):
            w.emit(f"{two.name}.append({x.text})", f"appends {told_as(x)} to `{two.name}`")

    form, say = w.rng.choice((("({}, {})", "the pair of"), ("[{}, {}]", "a list of")))
    said = f"{say} `{one.name}` and `{two.name}`"
    return Done(act, lambda: Expr(form.format(one.name, two.name), "tuple[list, list]", said))


@deed(1, "int", *PLAIN)
def count_changes(w: Writer, kind: str, x: Expr) -> Done:
    changes, last = (
        w.start(w.rng.choice(("changes", "switches", "steps")), "int", "0"),
        w.start(w.rng.choice(("last", "previous", "prev")), kind, "0" if kind == "int" else "''"),
    )

    def act(v: Expr) -> None:
        with w.block(f"if {v.within(6)} != {last.name}:", f"if {told_as(v)} is not `{last.name}`"):
            w.emit(f"{changes.name} += 1", f"adds 1 to `{changes.name}`")
        w.emit(f"{last.name} = {v.text}", f"sets `{last.name}` to {told_as(v)}")

    return Done(act, given(changes))


@deed(0, "list", "int")
def differences(w: Writer, kind: str, x: Expr) -> Done:
    last, out = (
        w.start(w.rng.choice(("last", "prev", "base")), "int", "0"),
        w.start(w.rng.choice(("diffs", "gaps", "deltas")), "list[int]", "[]"),
    )

    def act(v: Expr) -> None:
        w.emit(f"{out.name}.append({v.within(10)} - {last.name})", f"appends {told_as(v)} minus `{last.name}` to `{out.name}`")
        w.emit(f"{last.name} = {v.text}", f"sets `{last.name}` to {told_as(v)}")

    return Done(act, given(out))


@deed(1, "list", *PLAIN)
def run_lengths(w: Writer, kind: str, x: Expr) -> Done:
    runs = w.start(w.rng.choice(("runs", "blocks", "streaks")), f"list[list[{kind}]]", "[]")

    def act(v: Expr) -> None:
        said = f"if `{runs.name}` is not empty and the first element of its last list is {told_as(v)}"
        with w.block(f"if {runs.name} and {runs.name}[-1][0] == {v.within(6)}:", said):
            w.emit(f"{runs.name}[-1][1] += 1", "adds 1 to the second element of that list")
        with w.block("else:", ""):
            w.emit(f"{runs.name}.append([{v.text}, 1])", f"appends the list of {told_as(v)} and 1 to `{runs.name}`")

    return Done(act, given(runs))


@deed(1, "list", *PLAIN)
def cancel_on_stack(w: Writer, kind: str, x: Expr) -> Done:
    stack = w.start("stack", f"list[{kind}]", "[]")
    sign = w.rng.choice(("==", "==", ">", "<"))

    def act(v: Expr) -> None:
        words = ("", "greater than ", "less than ") if kind == "int" else ("", "after ", "before ")
        said = f"if `{stack.name}` is not empty and its last element is {dict(zip(('==', '>', '<'), words, strict=True))[sign]}{told_as(v)}"
        with w.block(f"if {stack.name} and {stack.name}[-1] {sign} {v.within(6)}:", said):
            w.emit(f"{stack.name}.pop()", f"takes the last element out of `{stack.name}`")
        with w.block("else:", ""):
            w.emit(f"{stack.name}.append({v.text})", f"appends {told_as(v)} to `{stack.name}`")

    return Done(act, given(stack))
