"""Deeds: what is flattened, paired, tabulated, parted, compared with the one before, or cancelled."""

from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd
from execverify.synthesis.idioms.common import ALL_TYPES, SCALAR_TYPES, told_as, variable_result
from execverify.synthesis.idioms.registry import IdiomInstance, idiom
from execverify.synthesis.templates import Expr


@idiom(0, "list", "list")
def flatten(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    flat = w.start(w.rng.choice(("flat", "result", "merged", "joined")), kind, "[]")
    form = w.rng.choice(("{}.extend({})", "{} += {}"))

    def act(v: Expr) -> None:
        w.add_line(form.format(flat.name, v.text), f"adds the elements of {told_as(v)} to the end of `{flat.name}`")

    return IdiomInstance(act, variable_result(flat))


@idiom(0, "int", "str", "list", "tuple", "dict", "set")
def add_lengths(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    total = w.start(w.rng.choice(("total", "length", "size")), "int", "0")

    def act(v: Expr) -> None:
        w.add_line(f"{total.name} += len({v.text})", f"adds the length of {told_as(v)} to `{total.name}`")

    return IdiomInstance(act, variable_result(total))


@idiom(0, "list", *ALL_TYPES)
def pair_up(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    pairs = w.start(w.rng.choice(("pairs", "result", "rows")), f"list[tuple[{x.kind}, {kind}]]", "[]")

    def act(v: Expr) -> None:
        other, said = (x.text, told_as(x)) if x.text != v.text else (f"len({pairs.name})", f"the length of `{pairs.name}`")
        w.add_line(f"{pairs.name}.append(({other}, {v.text}))", f"appends the pair of {said} and {told_as(v)} to `{pairs.name}`")

    return IdiomInstance(act, variable_result(pairs))


@idiom(0, "dict", *ALL_TYPES)
def tabulate(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    if x.kind not in ("int", "str"):
        raise GenerationDeadEnd
    table = w.start(w.rng.choice(("table", "mapping", "result", "lookup")), f"dict[{x.kind}, {kind}]", "{}")

    def act(v: Expr) -> None:
        value, said = (
            (v.text, told_as(v)) if v.text != x.text else (f"len({table.name})", f"the length that `{table.name}` has by then")
        )
        w.add_line(f"{table.name}[{x.text}] = {value}", f"maps {told_as(x)} to {said} in `{table.name}`")

    return IdiomInstance(act, variable_result(table))


@idiom(0, "dict", *SCALAR_TYPES)
def last_positions(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    where, place = (
        w.start(w.rng.choice(("last", "where", "positions")), f"dict[{kind}, int]", "{}"),
        w.start(w.rng.choice(("pos", "step", "place")), "int", "0"),
    )

    def act(v: Expr) -> None:
        w.add_line(f"{where.name}[{v.text}] = {place.name}", f"maps {told_as(v)} to `{place.name}` in `{where.name}`")
        w.add_line(f"{place.name} += 1", f"adds 1 to `{place.name}`")

    return IdiomInstance(act, variable_result(where))


@idiom(1, "tuple", *SCALAR_TYPES)
def part_in_two(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    names = w.rng.choice((("left", "right"), ("first", "rest"), ("yes", "no"), ("small", "large")))
    one, two = w.start(names[0], f"list[{kind}]", "[]"), w.start(names[1], f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.if_block(condition):
            w.add_line(f"{one.name}.append({v.text})", f"appends {told_as(v)} to `{one.name}`")
        with w.block("else:", ""):
            w.add_line(f"{two.name}.append({x.text})", f"appends {told_as(x)} to `{two.name}`")

    form, say = w.rng.choice((("({}, {})", "the pair of"), ("[{}, {}]", "a list of")))
    said = f"{say} `{one.name}` and `{two.name}`"
    return IdiomInstance(act, lambda: Expr(form.format(one.name, two.name), "tuple[list, list]", said))


@idiom(1, "int", *SCALAR_TYPES)
def count_changes(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    changes, last = (
        w.start(w.rng.choice(("changes", "switches", "steps")), "int", "0"),
        w.start(w.rng.choice(("last", "previous", "prev")), kind, "0" if kind == "int" else "''"),
    )

    def act(v: Expr) -> None:
        with w.block(f"if {v.parenthesized_for(6)} != {last.name}:", f"if {told_as(v)} is not `{last.name}`"):
            w.add_line(f"{changes.name} += 1", f"adds 1 to `{changes.name}`")
        w.add_line(f"{last.name} = {v.text}", f"sets `{last.name}` to {told_as(v)}")

    return IdiomInstance(act, variable_result(changes))


@idiom(0, "list", "int")
def differences(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    last, out = (
        w.start(w.rng.choice(("last", "prev", "base")), "int", "0"),
        w.start(w.rng.choice(("diffs", "gaps", "deltas")), "list[int]", "[]"),
    )

    def act(v: Expr) -> None:
        w.add_line(
            f"{out.name}.append({v.parenthesized_for(10)} - {last.name})",
            f"appends {told_as(v)} minus `{last.name}` to `{out.name}`",
        )
        w.add_line(f"{last.name} = {v.text}", f"sets `{last.name}` to {told_as(v)}")

    return IdiomInstance(act, variable_result(out))


@idiom(1, "list", *SCALAR_TYPES)
def run_lengths(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    runs = w.start(w.rng.choice(("runs", "blocks", "streaks")), f"list[list[{kind}]]", "[]")

    def act(v: Expr) -> None:
        said = f"if `{runs.name}` is not empty and the first element of its last list is {told_as(v)}"
        with w.block(f"if {runs.name} and {runs.name}[-1][0] == {v.parenthesized_for(6)}:", said):
            w.add_line(f"{runs.name}[-1][1] += 1", "adds 1 to the second element of that list")
        with w.block("else:", ""):
            w.add_line(f"{runs.name}.append([{v.text}, 1])", f"appends the list of {told_as(v)} and 1 to `{runs.name}`")

    return IdiomInstance(act, variable_result(runs))


@idiom(1, "list", *SCALAR_TYPES)
def cancel_on_stack(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    stack = w.start("stack", f"list[{kind}]", "[]")
    sign = w.rng.choice(("==", "==", ">", "<"))

    def act(v: Expr) -> None:
        words = ("", "greater than ", "less than ") if kind == "int" else ("", "after ", "before ")
        said = f"if `{stack.name}` is not empty and its last element is {dict(zip(('==', '>', '<'), words, strict=True))[sign]}{told_as(v)}"
        with w.block(f"if {stack.name} and {stack.name}[-1] {sign} {v.parenthesized_for(6)}:", said):
            w.add_line(f"{stack.name}.pop()", f"takes the last element out of `{stack.name}`")
        with w.block("else:", ""):
            w.add_line(f"{stack.name}.append({v.text})", f"appends {told_as(v)} to `{stack.name}`")

    return IdiomInstance(act, variable_result(stack))
