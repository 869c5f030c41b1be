"""Deeds: what ends early, is bounded, classified, cut, spent, merged, switched or kept in order."""

from execverify.programs.type_expr import arguments
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd
from execverify.synthesis.idioms.common import SCALAR_TYPES, told_as, variable_result
from execverify.synthesis.idioms.registry import IdiomInstance, idiom
from execverify.synthesis.templates import Expr


@idiom(1, "list", *SCALAR_TYPES, "float")
def until(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    taken = w.start(w.rng.choice(("taken", "prefix", "result")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.if_block(condition):
            w.add_line("break", "leaves the loop")
        w.add_line(f"{taken.name}.append({v.text})", f"appends {told_as(v)} to `{taken.name}`")

    return IdiomInstance(act, variable_result(taken))


@idiom(1, "str", "str", "int")
def first_match(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    default = {"int": "-1", "str": "''"}.get(x.kind)
    if default is None:
        raise GenerationDeadEnd

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.if_block(condition):
            given = v if w.chance(0.5) else x
            w.add_line(f"return {given.text}", f"returns {told_as(given)} at once")

    def nothing() -> Expr:
        text = w.rng.choice((default, "None", default))
        return Expr(text, "none" if text == "None" else x.kind, "an empty text" if text == "''" else text)

    return IdiomInstance(act, nothing)


@idiom(1, "list", "int")
def clamp(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    result = w.start(w.rng.choice(("clipped", "result", "out")), "list[int]", "[]")

    def act(v: Expr) -> None:
        limit = w.fill("int", "threshold", v)
        name = w.assign(v, "value").name
        with w.block(f"if {name} > {limit.parenthesized_for(9)}:", f"if `{name}` is greater than {told_as(limit)}"):
            w.add_line(f"{name} = {limit.text}", f"sets `{name}` to {told_as(limit)}")
        w.add_line(f"{result.name}.append({name})", f"appends `{name}` to `{result.name}`")

    return IdiomInstance(act, variable_result(result))


@idiom(1, "list", "int")
def classify(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    labels = w.rng.choice((("'low'", "'mid'", "'high'"), ("'cold'", "'warm'", "'hot'"), ("'S'", "'M'", "'L'"), ("0", "1", "2")))
    result = w.start(w.rng.choice(("labels", "grades", "kinds")), "list[str]" if labels[0][0] == "'" else "list[int]", "[]")
    low, high = w.rng.choice((("3", "8"), ("5", "12"), ("2", "6"), ("0", "10"), ("4", "15")))

    def act(v: Expr) -> None:
        text = v.parenthesized_for(6)
        adds = [(f"{result.name}.append({label})", f"appends {label} to `{result.name}`") for label in labels]
        with w.block(f"if {text} < {low}:", f"if {told_as(v)} is less than {low}"):
            w.add_line(*adds[0])
        with w.block(f"elif {text} < {high}:", f"if it is less than {high}"):
            w.add_line(*adds[1])
        with w.block("else:", ""):
            w.add_line(*adds[2])

    return IdiomInstance(act, variable_result(result))


@idiom(1, "list", *SCALAR_TYPES)
def cut_in_chunks(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    chunks, current = (
        w.start(w.rng.choice(("chunks", "batches", "pages")), f"list[list[{kind}]]", "[]"),
        w.start(w.rng.choice(("current", "batch", "page")), f"list[{kind}]", "[]"),
    )
    size = w.rng.choice(("2", "3"))

    def act(v: Expr) -> None:
        w.add_line(f"{current.name}.append({v.text})", f"appends {told_as(v)} to `{current.name}`")
        with w.block(f"if len({current.name}) == {size}:", f"if `{current.name}` has {size} elements"):
            w.add_line(f"{chunks.name}.append({current.name})", f"appends it to `{chunks.name}`")
            w.add_line(f"{current.name} = []", f"sets `{current.name}` to a new empty list")

    said = f"`{chunks.name}` with `{current.name}` at its end"
    return IdiomInstance(act, lambda: Expr(f"{chunks.name} + [{current.name}]", chunks.kind, said, 10))


@idiom(1, "tuple", "int")
def spend(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    budget = w.use(w.param("int", "")) if len(w.params) < w.most_params else w.literal("int", "nat")
    chosen = w.start(w.rng.choice(("chosen", "bought", "picked")), f"list[{x.kind}]", "[]")
    left = w.start(w.rng.choice(("left", "budget", "remaining")), "int", budget.text, f"at {budget.description}")

    def act(v: Expr) -> None:
        with w.block(f"if {v.parenthesized_for(6)} <= {left.name}:", f"if {told_as(v)} is at most `{left.name}`"):
            w.add_line(f"{left.name} -= {v.text}", f"takes {told_as(v)} from `{left.name}`")
            w.add_line(f"{chosen.name}.append({x.text})", f"appends {told_as(x)} to `{chosen.name}`")

    said = f"the pair of `{chosen.name}` and `{left.name}`"
    return IdiomInstance(act, lambda: Expr(f"({chosen.name}, {left.name})", "tuple[list, int]", said))


@idiom(1, "str", "int", "float")
def best_item(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    if x.kind not in ("str", "int"):
        raise GenerationDeadEnd
    best, item = (
        w.start(w.rng.choice(("best", "top", "high")), kind, "0" if kind == "int" else "0.0"),
        w.start(w.rng.choice(("winner", "choice", "leader")), x.kind, "''" if x.kind == "str" else "-1"),
    )

    def act(v: Expr) -> None:
        with w.block(f"if {v.parenthesized_for(6)} > {best.name}:", f"if {told_as(v)} is greater than `{best.name}`"):
            w.add_line(f"{best.name} = {v.text}", f"sets `{best.name}` to {told_as(v)}")
            w.add_line(f"{item.name} = {x.text}", f"sets `{item.name}` to {told_as(x)}")

    def leader() -> Expr:
        both = Expr(f"({item.name}, {best.name})", f"tuple[{x.kind}, {kind}]", f"the pair of `{item.name}` and `{best.name}`")
        return w.rng.choice((both, item.expr))

    return IdiomInstance(act, leader)


@idiom(0, "dict", "dict")
def merge(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    merged = w.start(w.rng.choice(("merged", "combined", "result")), kind, "{}")

    def act(v: Expr) -> None:
        text = w.rng.choice((f"{merged.name}.update({v.text})", f"{merged.name} = {merged.name} | {v.parenthesized_for(7)}"))
        w.add_line(text, f"puts the pairs of {told_as(v)} into `{merged.name}`, over those there")

    return IdiomInstance(act, variable_result(merged))


@idiom(1, "list", *SCALAR_TYPES)
def toggle(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    inside, out = (
        w.start(w.rng.choice(("inside", "active", "on")), "bool", w.rng.choice(("False", "True"))),
        w.start(w.rng.choice(("out", "result", "kept")), f"list[{kind}]", "[]"),
    )

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.if_block(condition):
            w.add_line(f"{inside.name} = not {inside.name}", f"turns `{inside.name}` into its opposite")
        with w.block(f"elif {inside.name}:", f"if `{inside.name}` is true"):
            w.add_line(f"{out.name}.append({v.text})", f"appends {told_as(v)} to `{out.name}`")

    return IdiomInstance(act, variable_result(out))


@idiom(1, "int", *SCALAR_TYPES)
def longest_streak(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    streak, best = (
        w.start(w.rng.choice(("streak", "current", "run")), "int", "0"),
        w.start(w.rng.choice(("best", "longest", "record")), "int", "0"),
    )

    def act(v: Expr) -> None:
        condition = w.condition(v)
        with w.if_block(condition):
            w.add_line(f"{streak.name} += 1", f"adds 1 to `{streak.name}`")
            said = f"sets `{best.name}` to the greater of `{best.name}` and `{streak.name}`"
            w.add_line(f"{best.name} = max({best.name}, {streak.name})", said)
        with w.block("else:", ""):
            w.add_line(f"{streak.name} = 0", f"sets `{streak.name}` to 0")

    return IdiomInstance(act, variable_result(best))


@idiom(0, "list", "set", "frozenset")
def collect_sorted(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    result = w.start(w.rng.choice(("result", "groups", "out")), f"list[list[{arguments(kind)[0]}]]", "[]")

    def act(v: Expr) -> None:
        w.add_line(
            f"{result.name}.append(sorted({v.text}))",
            f"appends the elements of {told_as(v)}, sorted, to `{result.name}` as a list",
        )

    return IdiomInstance(act, variable_result(result))
