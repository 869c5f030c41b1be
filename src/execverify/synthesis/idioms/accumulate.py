"""Idioms: what is added up, collected, counted or kept as the greatest."""

from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.idioms.common import ALL_TYPES, SCALAR_TYPES, alternating, as_object, name_if_long, variable_result
from execverify.synthesis.idioms.registry import IdiomInstance, idiom
from execverify.synthesis.templates import Expr


@idiom(0, "int", "int", "float")
def sum_up(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    total = gen.start(
        gen.rng.choice(("total", "result", "acc", "total")),
        kind,
        gen.rng.choice(("0", "0", "0", "1")) if kind == "int" else "0.0",
    )
    sign = alternating(gen, "+=", gen.rng.choice(("-=", "-=", "+=")))

    def act(v: Expr) -> None:
        chosen = sign()
        description = ("adds {} to `{}`" if chosen == "+=" else "takes {} from `{}`").format(as_object(v), total.name)
        gen.add_line(f"{total.name} {chosen} {v.text}", description)

    return IdiomInstance(act, variable_result(total))


@idiom(0, "list", *ALL_TYPES)
def collect(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    result = gen.start(gen.rng.choice(("result", "out", "results", "found", "kept", "output")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        gen.add_line(f"{result.name}.append({v.text})", f"appends {as_object(v)} to `{result.name}`")

    return IdiomInstance(act, variable_result(result))


@idiom(0, "list", *SCALAR_TYPES)
def put_in_front(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    result = gen.start(gen.rng.choice(("result", "stack", "out")), f"list[{kind}]", "[]")
    form = alternating(gen, "insert(0, {})", "append({})")

    def act(v: Expr) -> None:
        text = form()
        where = "in front of" if "0" in text else "at the end of"
        gen.add_line(f"{result.name}.{text.format(v.text)}", f"puts {as_object(v)} {where} `{result.name}`")

    return IdiomInstance(act, variable_result(result))


@idiom(0, "str", "str")
def build_text(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    out = gen.start(gen.rng.choice(("result", "out", "output", "new")), "str", "''")
    form = gen.rng.choice(("{o} += {v}", "{o} += {v}", "{o} = {v} + {o}", "{o} += {v} + '-'"))

    def act(v: Expr) -> None:
        text = v.parenthesized_for(10) if "{v} +" in form else v.text
        more = " followed by '-'" if form.endswith("'-'") else ""
        description = f"adds {as_object(v)}{more} to the {'front' if form.endswith('{o}') else 'end'} of `{out.name}`"
        gen.add_line(form.format(o=out.name, v=text), description)

    return IdiomInstance(act, variable_result(out))


@idiom(0, "dict", "str", "int", "bool")
def count_by(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    counts = gen.start(gen.rng.choice(("counts", "freq", "tally", "counter")), f"dict[{kind}, int]", "{}")

    def act(v: Expr) -> None:
        v = name_if_long(gen, v, 12, "key")
        description = f"adds 1 to the count of {as_object(v)} in `{counts.name}` (0 at first)"
        gen.add_line(f"{counts.name}[{v.text}] = {counts.name}.get({v.text}, 0) + 1", description)

    return IdiomInstance(act, variable_result(counts))


@idiom(0, "dict", "str", "int", "bool", in_branches=False)
def group_by(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    groups = gen.start(gen.rng.choice(("groups", "buckets", "by_key")), f"dict[{kind}, list[{x.kind}]]", "{}")

    def act(v: Expr) -> None:
        v = name_if_long(gen, v, 30, "key")
        description = f"appends {as_object(x)} to the list under {as_object(v)} in `{groups.name}` (empty at first)"
        gen.add_line(f"{groups.name}.setdefault({v.text}, []).append({x.text})", description)

    return IdiomInstance(act, variable_result(groups))


@idiom(1, "dict", "str", "int", "bool", in_branches=False)
def group_with_check(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    groups = gen.start(gen.rng.choice(("groups", "buckets", "index")), f"dict[{kind}, list[{x.kind}]]", "{}")

    def act(v: Expr) -> None:
        v = name_if_long(gen, v, 12, "key")
        with gen.block(f"if {v.parenthesized_for(6)} not in {groups.name}:", f"if {as_object(v)} is not in `{groups.name}`"):
            gen.add_line(f"{groups.name}[{v.text}] = []", f"maps {as_object(v)} to an empty list in `{groups.name}`")
        gen.add_line(
            f"{groups.name}[{v.text}].append({x.text})", f"appends {as_object(x)} to the list under {as_object(v)} there"
        )

    return IdiomInstance(act, variable_result(groups))


@idiom(1, "list", *SCALAR_TYPES)
def keep_distinct(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    seen = gen.start(gen.rng.choice(("seen", "unique", "result", "distinct")), f"list[{kind}]", "[]")

    def act(v: Expr) -> None:
        v = name_if_long(gen, v, 14)
        with gen.block(f"if {v.parenthesized_for(6)} not in {seen.name}:", f"if {as_object(v)} is not in `{seen.name}`"):
            gen.add_line(f"{seen.name}.append({v.text})", f"appends {as_object(v)} to `{seen.name}`")

    return IdiomInstance(act, variable_result(seen))


@idiom(1, "int", "int")
def find_greatest(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    best = gen.start(gen.rng.choice(("best", "largest", "top", "peak")), "int", gen.rng.choice(("0", "-1", "0", "1")))
    best.role = "extreme"
    sign = gen.rng.choice((">", ">", ">="))

    def act(v: Expr) -> None:
        v = name_if_long(gen, v, 14)
        description = "is greater than" if sign == ">" else "is at least"
        with gen.block(f"if {v.parenthesized_for(6)} {sign} {best.name}:", f"if {as_object(v)} {description} `{best.name}`"):
            gen.add_line(f"{best.name} = {v.text}", f"sets `{best.name}` to {as_object(v)}")

    return IdiomInstance(act, variable_result(best))


@idiom(0, "int", "int")
def greatest_so_far(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    best = gen.start(gen.rng.choice(("best", "low", "level", "bound")), "int", gen.rng.choice(("0", "5", "3")))
    best.role = "extreme"
    name = gen.rng.choice(("max", "max", "min"))

    def act(v: Expr) -> None:
        description = f"sets `{best.name}` to the {'greater' if name == 'max' else 'lesser'} of `{best.name}` and {as_object(v)}"
        gen.add_line(f"{best.name} = {name}({best.name}, {v.text})", description)

    return IdiomInstance(act, variable_result(best))


@idiom(1, "str", "str")
def find_longest(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    best = gen.start(gen.rng.choice(("longest", "best", "widest")), "str", "''")
    sign = gen.rng.choice((">", ">="))

    def act(v: Expr) -> None:
        v = name_if_long(gen, v, 12)
        description = f"if {as_object(v)} is {'longer than' if sign == '>' else 'no shorter than'} `{best.name}`"
        with gen.block(f"if len({v.text}) {sign} len({best.name}):", description):
            gen.add_line(f"{best.name} = {v.text}", f"sets `{best.name}` to {as_object(v)}")

    return IdiomInstance(act, variable_result(best))


@idiom(0, "list", "int")
def running_totals(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    total, sums = (
        gen.start("total" if gen.chance(0.5) else "running", "int", "0"),
        gen.start(gen.rng.choice(("sums", "totals", "history")), "list[int]", "[]"),
    )

    def act(v: Expr) -> None:
        gen.add_line(f"{total.name} += {v.text}", f"adds {as_object(v)} to `{total.name}`")
        gen.add_line(f"{sums.name}.append({total.name})", f"appends `{total.name}` to `{sums.name}`")

    return IdiomInstance(act, variable_result(sums))


@idiom(0, "int", "int")
def alternate(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    total, sign = gen.start("total" if gen.chance(0.5) else "balance", "int", "0"), gen.start("sign", "int", "1")

    def act(v: Expr) -> None:
        gen.add_line(
            f"{total.name} += {sign.name} * {v.parenthesized_for(12)}",
            f"adds `{sign.name}` times {as_object(v)} to `{total.name}`",
        )
        gen.add_line(f"{sign.name} = -{sign.name}", f"negates `{sign.name}`")

    return IdiomInstance(act, variable_result(total))


@idiom(0, "int", "int")
def fold_number(gen: ExpressionGenerator, kind: str, x: Expr) -> IdiomInstance:
    value = gen.start(gen.rng.choice(("value", "code", "acc", "checksum")), "int", gen.rng.choice(("0", "1", "7")))
    form, wording = gen.rng.choice(
        (
            ("{a} = {a} * 2 + {v}", "`{a}` times 2 plus {v}"),
            ("{a} = ({a} * 3 + {v}) % 97", "(`{a}` times 3 plus {v}) modulo 97"),
            ("{a} = {a} * 10 + {v}", "`{a}` times 10 plus {v}"),
            ("{a} = ({a} + {v}) % 10", "(`{a}` plus {v}) modulo 10"),
            ("{a} = {v} - {a}", "{v} minus `{a}`"),
        )
    )

    def act(v: Expr) -> None:
        description = f"sets `{value.name}` to {wording.format(a=value.name, v=as_object(v))}"
        gen.add_line(form.format(a=value.name, v=v.parenthesized_for(11)), description)

    return IdiomInstance(act, variable_result(value))
