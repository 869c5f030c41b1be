"""Idioms: what is flattened, paired, tabulated, parted, compared with the one before, or cancelled."""

from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd
from execverify.synthesis.idioms.common import ALL_TYPES, SCALAR_TYPES, as_object, variable_result
from execverify.synthesis.idioms.registry import IdiomInstance, idiom
from execverify.synthesis.templates import Expr


@idiom(0, "list", "list")
def flatten(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    flat = gen.start(gen.rng.choice(("flat", "result", "merged", "joined")), kind, "[]")
    form = gen.rng.choice(("{}.extend({})", "{} += {}"))

    def act(v: Expr) -> None:
        gen.add_line(form.format(flat.name, v.text), f"adds the elements of {as_object(v)} to the end of `{flat.name}`")

    return IdiomInstance(act, variable_result(flat))


@idiom(0, "int", "str", "list", "tuple", "dict", "set")
def add_lengths(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    total = gen.start(gen.rng.choice(("total", "length", "size")), "int", "0")

    def act(v: Expr) -> None:
        gen.add_line(f"{total.name} += len({v.text})", f"adds the length of {as_object(v)} to `{total.name}`")

    return IdiomInstance(act, variable_result(total))


@idiom(0, "list", *ALL_TYPES, in_branches=False)
def pair_up(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    pairs = gen.start(gen.rng.choice(("pairs", "result", "rows")), f"list[tuple[{x.kind}, {kind}]]", "[]")

    def act(v: Expr) -> None:
        other, description = (
            (x.text, as_object(x)) if x.text != v.text else (f"len({pairs.name})", f"the length of `{pairs.name}`")
        )
        gen.add_line(
            f"{pairs.name}.append(({other}, {v.text}))", f"appends the pair of {description} and {as_object(v)} to `{pairs.name}`"
        )

    return IdiomInstance(act, variable_result(pairs))


@idiom(0, "dict", *ALL_TYPES, scalar_element=True, in_branches=False)
def tabulate(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    if x.kind not in ("int", "str"):
        raise GenerationDeadEnd
    table = gen.start(gen.rng.choice(("table", "mapping", "result", "lookup")), f"dict[{x.kind}, {kind}]", "{}")

    def act(v: Expr) -> None:
        value, description = (
            (v.text, as_object(v)) if v.text != x.text else (f"len({table.name})", f"the length that `{table.name}` has by then")
        )
        gen.add_line(f"{table.name}[{x.text}] = {value}", f"maps {as_object(x)} to {description} in `{table.name}`")

    return IdiomInstance(act, variable_result(table))


@idiom(0, "dict", *SCALAR_TYPES)
def last_positions(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    where, place = (
        gen.start(gen.rng.choice(("last", "where", "positions")), f"dict[{kind}, int]", "{}"),
        gen.start(gen.rng.choice(("pos", "step", "place")), "int", "0"),
    )

    def act(v: Expr) -> None:
        gen.add_line(f"{where.name}[{v.text}] = {place.name}", f"maps {as_object(v)} to `{place.name}` in `{where.name}`")
        gen.add_line(f"{place.name} += 1", f"adds 1 to `{place.name}`")

    return IdiomInstance(act, variable_result(where))


@idiom(1, "tuple", *SCALAR_TYPES, in_branches=False)
def part_in_two(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    names = gen.rng.choice((("left", "right"), ("first", "rest"), ("yes", "no"), ("small", "large")))
    one, two = gen.start(names[0], f"list[{kind}]", "[]"), gen.start(names[1], f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        condition = gen.condition(v)
        with gen.if_block(condition):
            gen.add_line(f"{one.name}.append({v.text})", f"appends {as_object(v)} to `{one.name}`")
        with gen.block("else:", ""):
            gen.add_line(f"{two.name}.append({x.text})", f"appends {as_object(x)} to `{two.name}`")

    form, wording = gen.rng.choice((("({}, {})", "the pair of"), ("[{}, {}]", "a list of")))
    description = f"{wording} `{one.name}` and `{two.name}`"
    return IdiomInstance(act, lambda: Expr(form.format(one.name, two.name), "tuple[list, list]", description))


@idiom(1, "int", *SCALAR_TYPES)
def count_changes(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    changes, last = (
        gen.start(gen.rng.choice(("changes", "switches", "steps")), "int", "0"),
        gen.start(gen.rng.choice(("last", "previous", "prev")), kind, "0" if kind == "int" else "''"),
    )

    def act(v: Expr) -> None:
        with gen.block(f"if {v.parenthesized_for(6)} != {last.name}:", f"if {as_object(v)} is not `{last.name}`"):
            gen.add_line(f"{changes.name} += 1", f"adds 1 to `{changes.name}`")
        gen.add_line(f"{last.name} = {v.text}", f"sets `{last.name}` to {as_object(v)}")

    return IdiomInstance(act, variable_result(changes))


@idiom(0, "list", "int")
def differences(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    last, out = (
        gen.start(gen.rng.choice(("last", "prev", "base")), "int", "0"),
        gen.start(gen.rng.choice(("diffs", "gaps", "deltas")), "list[int]", "[]"),
    )

    def act(v: Expr) -> None:
        gen.add_line(
            f"{out.name}.append({v.parenthesized_for(10)} - {last.name})",
            f"appends {as_object(v)} minus `{last.name}` to `{out.name}`",
        )
        gen.add_line(f"{last.name} = {v.text}", f"sets `{last.name}` to {as_object(v)}")

    return IdiomInstance(act, variable_result(out))


@idiom(1, "list", *SCALAR_TYPES)
def run_lengths(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    runs = gen.start(gen.rng.choice(("runs", "blocks", "streaks")), f"list[list[{kind}]]", "[]")

    def act(v: Expr) -> None:
        description = f"if `{runs.name}` is not empty and the first element of its last list is {as_object(v)}"
        with gen.block(f"if {runs.name} and {runs.name}[-1][0] == {v.parenthesized_for(6)}:", description):
            gen.add_line(f"{runs.name}[-1][1] += 1", "adds 1 to the second element of that list")
        with gen.block("else:", ""):
            gen.add_line(f"{runs.name}.append([{v.text}, 1])", f"appends the list of {as_object(v)} and 1 to `{runs.name}`")

    return IdiomInstance(act, variable_result(runs))


@idiom(1, "list", *SCALAR_TYPES)
def cancel_on_stack(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    stack = gen.start("stack", f"list[{kind}]", "[]")
    sign = gen.rng.choice(("==", "==", ">", "<"))

    def act(v: Expr) -> None:
        words = ("", "greater than ", "less than ") if kind == "int" else ("", "after ", "before ")
        relation = dict(zip(("==", ">", "<"), words, strict=True))[sign]
        description = f"if `{stack.name}` is not empty and its last element is {relation}{as_object(v)}"
        with gen.block(f"if {stack.name} and {stack.name}[-1] {sign} {v.parenthesized_for(6)}:", description):
            gen.add_line(f"{stack.name}.pop()", f"takes the last element out of `{stack.name}`")
        with gen.block("else:", ""):
            gen.add_line(f"{stack.name}.append({v.text})", f"appends {as_object(v)} to `{stack.name}`")

    return IdiomInstance(act, variable_result(stack))
