"""Deeds: what is added up, collected, counted or kept as the greatest."""

from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.idioms.common import ALL_TYPES, SCALAR_TYPES, alternating, name_if_long, told_as, variable_result
from execverify.synthesis.idioms.registry import IdiomInstance, idiom
from execverify.synthesis.templates import Expr


@idiom(0, "int", "int", "float")
def sum_up(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    total = w.start(
        w.rng.choice(("total", "result", "acc", "total")), kind, w.rng.choice(("0", "0", "0", "1")) if kind == "int" else "0.0"
    )
    sign = alternating(w, "+=", w.rng.choice(("-=", "-=", "+=")))

    def act(v: Expr) -> None:
        chosen = sign()
        said = ("adds {} to `{}`" if chosen == "+=" else "takes {} from `{}`").format(told_as(v), total.name)
        w.add_line(f"{total.name} {chosen} {v.text}", said)

    return IdiomInstance(act, variable_result(total))


@idiom(0, "list", *ALL_TYPES)
def collect(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    result = w.start(w.rng.choice(("result", "out", "results", "found", "kept", "output")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        w.add_line(f"{result.name}.append({v.text})", f"appends {told_as(v)} to `{result.name}`")

    return IdiomInstance(act, variable_result(result))


@idiom(0, "list", *SCALAR_TYPES)
def put_in_front(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    result = w.start(w.rng.choice(("result", "stack", "out")), f"list[{kind}]", "[]")
    form = alternating(w, "insert(0, {})", "append({})")

    def act(v: Expr) -> None:
        text = form()
        where = "in front of" if "0" in text else "at the end of"
        w.add_line(f"{result.name}.{text.format(v.text)}", f"puts {told_as(v)} {where} `{result.name}`")

    return IdiomInstance(act, variable_result(result))


@idiom(0, "str", "str")
def build_text(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    out = w.start(w.rng.choice(("result", "out", "output", "new")), "str", "''")
    form = w.rng.choice(("{o} += {v}", "{o} += {v}", "{o} = {v} + {o}", "{o} += {v} + '-'"))

    def act(v: Expr) -> None:
        text = v.parenthesized_for(10) if "{v} +" in form else v.text
        more = " followed by '-'" if form.endswith("'-'") else ""
        said = f"adds {told_as(v)}{more} to the {'front' if form.endswith('{o}') else 'end'} of `{out.name}`"
        w.add_line(form.format(o=out.name, v=text), said)

    return IdiomInstance(act, variable_result(out))


@idiom(0, "dict", "str", "int", "bool")
def count_by(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    counts = w.start(w.rng.choice(("counts", "freq", "tally", "counter")), f"dict[{kind}, int]", "{}")

    def act(v: Expr) -> None:
        v = name_if_long(w, v, 12, "key")
        said = f"adds 1 to the count of {told_as(v)} in `{counts.name}` (0 at first)"
        w.add_line(f"{counts.name}[{v.text}] = {counts.name}.get({v.text}, 0) + 1", said)

    return IdiomInstance(act, variable_result(counts))


@idiom(0, "dict", "str", "int", "bool")
def group_by(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    groups = w.start(w.rng.choice(("groups", "buckets", "by_key")), f"dict[{kind}, list[{x.kind}]]", "{}")

    def act(v: Expr) -> None:
        said = f"appends {told_as(x)} to the list under {told_as(v)} in `{groups.name}` (empty at first)"
        w.add_line(f"{groups.name}.setdefault({v.text}, []).append({x.text})", said)

    return IdiomInstance(act, variable_result(groups))


@idiom(1, "dict", "str", "int", "bool")
def group_with_check(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    groups = w.start(w.rng.choice(("groups", "buckets", "index")), f"dict[{kind}, list[{x.kind}]]", "{}")

    def act(v: Expr) -> None:
        v = name_if_long(w, v, 12, "key")
        with w.block(f"if {v.parenthesized_for(6)} not in {groups.name}:", f"if {told_as(v)} is not in `{groups.name}`"):
            w.add_line(f"{groups.name}[{v.text}] = []", f"maps {told_as(v)} to an empty list in `{groups.name}`")
        w.add_line(f"{groups.name}[{v.text}].append({x.text})", f"appends {told_as(x)} to the list under {told_as(v)} there")

    return IdiomInstance(act, variable_result(groups))


@idiom(1, "list", *SCALAR_TYPES)
def keep_distinct(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    seen = w.start(w.rng.choice(("seen", "unique", "result", "distinct")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        v = name_if_long(w, v, 14)
        with w.block(f"if {v.parenthesized_for(6)} not in {seen.name}:", f"if {told_as(v)} is not in `{seen.name}`"):
            w.add_line(f"{seen.name}.append({v.text})", f"appends {told_as(v)} to `{seen.name}`")

    return IdiomInstance(act, variable_result(seen))


@idiom(1, "int", "int")
def find_greatest(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    best = w.start(w.rng.choice(("best", "largest", "top", "peak")), "int", w.rng.choice(("0", "-1", "0", "1")))
    best.role = "extreme"
    sign = w.rng.choice((">", ">", ">="))

    def act(v: Expr) -> None:
        v = name_if_long(w, v, 14)
        said = "is greater than" if sign == ">" else "is at least"
        with w.block(f"if {v.parenthesized_for(6)} {sign} {best.name}:", f"if {told_as(v)} {said} `{best.name}`"):
            w.add_line(f"{best.name} = {v.text}", f"sets `{best.name}` to {told_as(v)}")

    return IdiomInstance(act, variable_result(best))


@idiom(0, "int", "int")
def greatest_so_far(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    best = w.start(w.rng.choice(("best", "low", "level", "bound")), "int", w.rng.choice(("0", "5", "3")))
    best.role = "extreme"
    name = w.rng.choice(("max", "max", "min"))

    def act(v: Expr) -> None:
        said = f"sets `{best.name}` to the {'greater' if name == 'max' else 'lesser'} of `{best.name}` and {told_as(v)}"
        w.add_line(f"{best.name} = {name}({best.name}, {v.text})", said)

    return IdiomInstance(act, variable_result(best))


@idiom(1, "str", "str")
def find_longest(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    best = w.start(w.rng.choice(("longest", "best", "widest")), "str", "''")
    sign = w.rng.choice((">", ">="))

    def act(v: Expr) -> None:
        v = name_if_long(w, v, 12)
        said = f"if {told_as(v)} is {'longer than' if sign == '>' else 'no shorter than'} `{best.name}`"
        with w.block(f"if len({v.text}) {sign} len({best.name}):", said):
            w.add_line(f"{best.name} = {v.text}", f"sets `{best.name}` to {told_as(v)}")

    return IdiomInstance(act, variable_result(best))


@idiom(0, "list", "int")
def running_totals(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    total, sums = (
        w.start("total" if w.chance(0.5) else "running", "int", "0"),
        w.start(w.rng.choice(("sums", "totals", "history")), "list[int]", "[]"),
    )

    def act(v: Expr) -> None:
        w.add_line(f"{total.name} += {v.text}", f"adds {told_as(v)} to `{total.name}`")
        w.add_line(f"{sums.name}.append({total.name})", f"appends `{total.name}` to `{sums.name}`")

    return IdiomInstance(act, variable_result(sums))


@idiom(0, "int", "int")
def alternate(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    total, sign = w.start("total" if w.chance(0.5) else "balance", "int", "0"), w.start("sign", "int", "1")

    def act(v: Expr) -> None:
        w.add_line(
            f"{total.name} += {sign.name} * {v.parenthesized_for(12)}", f"adds `{sign.name}` times {told_as(v)} to `{total.name}`"
        )
        w.add_line(f"{sign.name} = -{sign.name}", f"negates `{sign.name}`")

    return IdiomInstance(act, variable_result(total))


@idiom(0, "int", "int")
def fold_number(w: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
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
        said = f"sets `{value.name}` to {say.format(a=value.name, v=told_as(v))}"
        w.add_line(form.format(a=value.name, v=v.parenthesized_for(11)), said)

    return IdiomInstance(act, variable_result(value))
