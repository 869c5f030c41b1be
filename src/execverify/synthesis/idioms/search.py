"""Deeds: what ends early, is bounded, classified, cut, spent, merged, switched or kept in order."""

from execverify.programs.type_expr import arguments
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd
from execverify.synthesis.idioms.common import SCALAR_TYPES, as_object, variable_result
from execverify.synthesis.idioms.registry import IdiomInstance, idiom
from execverify.synthesis.templates import Expr


@idiom(1, "list", *SCALAR_TYPES, "float")
def until(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    taken = gen.start(gen.rng.choice(("taken", "prefix", "result")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        condition = gen.condition(v)
        with gen.if_block(condition):
            gen.add_line("break", "leaves the loop")
        gen.add_line(f"{taken.name}.append({v.text})", f"appends {as_object(v)} to `{taken.name}`")

    return IdiomInstance(act, variable_result(taken))


@idiom(1, "str", "str", "int", scalar_element=True, continues=False, in_branches=False)
def first_match(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    default = {"int": "-1", "str": "''"}.get(x.kind)
    if default is None:
        raise GenerationDeadEnd

    def act(v: Expr) -> None:
        condition = gen.condition(v)
        with gen.if_block(condition):
            given = v if gen.chance(0.5) else x
            gen.add_line(f"return {given.text}", f"returns {as_object(given)} at once")

    def nothing() -> Expr:
        text = gen.rng.choice((default, "None", default))
        return Expr(text, "none" if text == "None" else x.kind, "an empty text" if text == "''" else text)

    return IdiomInstance(act, nothing)


@idiom(1, "list", "int")
def clamp(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    result = gen.start(gen.rng.choice(("clipped", "result", "out")), "list[int]", "[]")

    def act(v: Expr) -> None:
        limit = gen.fill("int", "threshold", v)
        name = gen.assign(v, "value").name
        with gen.block(f"if {name} > {limit.parenthesized_for(9)}:", f"if `{name}` is greater than {as_object(limit)}"):
            gen.add_line(f"{name} = {limit.text}", f"sets `{name}` to {as_object(limit)}")
        gen.add_line(f"{result.name}.append({name})", f"appends `{name}` to `{result.name}`")

    return IdiomInstance(act, variable_result(result))


@idiom(1, "list", "int")
def classify(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    labels = gen.rng.choice((("'low'", "'mid'", "'high'"), ("'cold'", "'warm'", "'hot'"), ("'S'", "'M'", "'L'"), ("0", "1", "2")))
    result = gen.start(gen.rng.choice(("labels", "grades", "kinds")), "list[str]" if labels[0][0] == "'" else "list[int]", "[]")
    low, high = gen.rng.choice((("3", "8"), ("5", "12"), ("2", "6"), ("0", "10"), ("4", "15")))

    def act(v: Expr) -> None:
        text = v.parenthesized_for(6)
        adds = [(f"{result.name}.append({label})", f"appends {label} to `{result.name}`") for label in labels]
        with gen.block(f"if {text} < {low}:", f"if {as_object(v)} is less than {low}"):
            gen.add_line(*adds[0])
        with gen.block(f"elif {text} < {high}:", f"if it is less than {high}"):
            gen.add_line(*adds[1])
        with gen.block("else:", ""):
            gen.add_line(*adds[2])

    return IdiomInstance(act, variable_result(result))


@idiom(1, "list", *SCALAR_TYPES)
def cut_in_chunks(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    chunks, current = (
        gen.start(gen.rng.choice(("chunks", "batches", "pages")), f"list[list[{kind}]]", "[]"),
        gen.start(gen.rng.choice(("current", "batch", "page")), f"list[{kind}]", "[]"),
    )
    size = gen.rng.choice(("2", "3"))

    def act(v: Expr) -> None:
        gen.add_line(f"{current.name}.append({v.text})", f"appends {as_object(v)} to `{current.name}`")
        with gen.block(f"if len({current.name}) == {size}:", f"if `{current.name}` has {size} elements"):
            gen.add_line(f"{chunks.name}.append({current.name})", f"appends it to `{chunks.name}`")
            gen.add_line(f"{current.name} = []", f"sets `{current.name}` to a new empty list")

    description = f"`{chunks.name}` with `{current.name}` at its end"
    return IdiomInstance(act, lambda: Expr(f"{chunks.name} + [{current.name}]", chunks.kind, description, 10))


@idiom(1, "tuple", "int", in_branches=False)
def spend(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    budget = gen.use(gen.param("int", "")) if len(gen.params) < gen.most_params else gen.literal("int", "nat")
    chosen = gen.start(gen.rng.choice(("chosen", "bought", "picked")), f"list[{x.kind}]", "[]")
    left = gen.start(gen.rng.choice(("left", "budget", "remaining")), "int", budget.text, f"at {budget.description}")

    def act(v: Expr) -> None:
        with gen.block(f"if {v.parenthesized_for(6)} <= {left.name}:", f"if {as_object(v)} is at most `{left.name}`"):
            gen.add_line(f"{left.name} -= {v.text}", f"takes {as_object(v)} from `{left.name}`")
            gen.add_line(f"{chosen.name}.append({x.text})", f"appends {as_object(x)} to `{chosen.name}`")

    description = f"the pair of `{chosen.name}` and `{left.name}`"
    return IdiomInstance(act, lambda: Expr(f"({chosen.name}, {left.name})", "tuple[list, int]", description))


@idiom(1, "str", "int", "float", scalar_element=True, in_branches=False)
def best_item(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    if x.kind not in ("str", "int"):
        raise GenerationDeadEnd
    best, item = (
        gen.start(gen.rng.choice(("best", "top", "high")), kind, "0" if kind == "int" else "0.0"),
        gen.start(gen.rng.choice(("winner", "choice", "leader")), x.kind, "''" if x.kind == "str" else "-1"),
    )

    def act(v: Expr) -> None:
        with gen.block(f"if {v.parenthesized_for(6)} > {best.name}:", f"if {as_object(v)} is greater than `{best.name}`"):
            gen.add_line(f"{best.name} = {v.text}", f"sets `{best.name}` to {as_object(v)}")
            gen.add_line(f"{item.name} = {x.text}", f"sets `{item.name}` to {as_object(x)}")

    def leader() -> Expr:
        both = Expr(f"({item.name}, {best.name})", f"tuple[{x.kind}, {kind}]", f"the pair of `{item.name}` and `{best.name}`")
        return gen.rng.choice((both, item.expr))

    return IdiomInstance(act, leader)


@idiom(0, "dict", "dict")
def merge(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    merged = gen.start(gen.rng.choice(("merged", "combined", "result")), kind, "{}")

    def act(v: Expr) -> None:
        text = gen.rng.choice((f"{merged.name}.update({v.text})", f"{merged.name} = {merged.name} | {v.parenthesized_for(7)}"))
        gen.add_line(text, f"puts the pairs of {as_object(v)} into `{merged.name}`, over those there")

    return IdiomInstance(act, variable_result(merged))


@idiom(1, "list", *SCALAR_TYPES)
def toggle(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    inside, out = (
        gen.start(gen.rng.choice(("inside", "active", "on")), "bool", gen.rng.choice(("False", "True"))),
        gen.start(gen.rng.choice(("out", "result", "kept")), f"list[{kind}]", "[]"),
    )

    def act(v: Expr) -> None:
        condition = gen.condition(v)
        with gen.if_block(condition):
            gen.add_line(f"{inside.name} = not {inside.name}", f"turns `{inside.name}` into its opposite")
        with gen.block(f"elif {inside.name}:", f"if `{inside.name}` is true"):
            gen.add_line(f"{out.name}.append({v.text})", f"appends {as_object(v)} to `{out.name}`")

    return IdiomInstance(act, variable_result(out))


@idiom(1, "int", *SCALAR_TYPES)
def longest_streak(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    streak, best = (
        gen.start(gen.rng.choice(("streak", "current", "run")), "int", "0"),
        gen.start(gen.rng.choice(("best", "longest", "record")), "int", "0"),
    )

    def act(v: Expr) -> None:
        condition = gen.condition(v)
        with gen.if_block(condition):
            gen.add_line(f"{streak.name} += 1", f"adds 1 to `{streak.name}`")
            description = f"sets `{best.name}` to the greater of `{best.name}` and `{streak.name}`"
            gen.add_line(f"{best.name} = max({best.name}, {streak.name})", description)
        with gen.block("else:", ""):
            gen.add_line(f"{streak.name} = 0", f"sets `{streak.name}` to 0")

    return IdiomInstance(act, variable_result(best))


@idiom(0, "list", "set", "frozenset")
def collect_sorted(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    result = gen.start(gen.rng.choice(("result", "groups", "out")), f"list[list[{arguments(kind)[0]}]]", "[]")

    def act(v: Expr) -> None:
        gen.add_line(
            f"{result.name}.append(sorted({v.text}))",
            f"appends the elements of {as_object(v)}, sorted, to `{result.name}` as a list",
        )

    return IdiomInstance(act, variable_result(result))
