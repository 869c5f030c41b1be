"""Comprehensions: written in place of a short loop without other effects."""

from execverify.programs.type_expr import arguments, type_head
from execverify.synthesis import naming
from execverify.synthesis.describe import as_condition, parenthetical
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd, Var
from execverify.synthesis.templates import Expr

_ELEMENTS = ("int", "str")


def comprehension_of(gen: ExpressionGenerator, value: Expr) -> Expr | None:
    """What a comprehension makes of a list of numbers or words: each one changed, some of them, or a table by word."""
    parts = arguments(value.kind)
    if type_head(value.kind) != "list" or parts[0] not in _ELEMENTS:
        return None
    kind, taken, scope = parts[0], set(gen.taken), gen.scope
    inner = Var(gen.fresh(naming.for_element(gen.rng, value.text, kind)[:1]), kind, gen.root(value))
    gen.taken = taken
    gen.scope = [*(var for var in scope if var.whole), inner]  # a loop's own names may have no value where it stands
    try:
        return _made(gen, value, inner.expr, kind)
    except GenerationDeadEnd:
        return None
    finally:
        gen.scope = scope


def _made(gen: ExpressionGenerator, value: Expr, x: Expr, kind: str) -> Expr:
    around = f"for {x.text} in {value.text}"
    form = gen.rng.choice(("each", "some", "some", "both", "table", "folded", "folded"))
    if form == "folded":
        return reduced_generator(gen, value, x, around)
    if form == "table" and kind == "str":
        made = gen.convert(x, "int")
        description = f"a dict from each `{x.text}` of {parenthetical(value.description)} to {parenthetical(made.description)}"
        return Expr(f"{{{x.text}: {made.text} {around}}}", "dict[str, int]", description)
    if form == "some":
        condition = gen.condition(x)
        description = f"those `{x.text}` of {parenthetical(value.description)} for which {as_condition(condition.description)}"
        return Expr(f"[{x.text} {around} if {condition.text}]", value.kind, description)
    made = gen.convert(x, gen.rng.choice(_ELEMENTS))
    if made.text == x.text:
        made = gen.apply_operator(x)
    description = f"a list of {parenthetical(made.description)} for each `{x.text}` of {parenthetical(value.description)}"
    if form == "both":
        condition = gen.condition(x)
        return Expr(
            f"[{made.text} {around} if {condition.text}]",
            f"list[{made.kind}]",
            f"{description} for which {as_condition(condition.description)}",
        )
    return Expr(f"[{made.text} {around}]", f"list[{made.kind}]", description)


def reduced_generator(gen: ExpressionGenerator, value: Expr, x: Expr, around: str) -> Expr:
    """What one call makes of a generator: a sum, a joined text, whether any or all."""
    call = gen.rng.choice(("sum", "any", "all", "join"))
    if call in ("any", "all"):
        condition = gen.condition(x)
        quantity = "any" if call == "any" else "every"
        description = (
            f"it holds for {quantity} `{x.text}` of {parenthetical(value.description)} that {as_condition(condition.description)}"
        )
        return Expr(f"{call}({condition.text} {around})", "bool", description)
    made = gen.convert(x, "int" if call == "sum" else "str")
    which = gen.condition(x) if gen.chance(0.5) else None
    some, description = (f" if {which.text}", f" for which {as_condition(which.description)}") if which is not None else ("", "")
    if call == "sum":
        if made.text == x.text and not some:
            made = gen.apply_operator(x)
        return Expr(
            f"sum({made.text} {around}{some})",
            "int",
            f"the sum of {parenthetical(made.description)} over the `{x.text}` of {parenthetical(value.description)}{description}",
        )
    joint = gen.rng.choice(("''", "'-'", "' '", "','"))
    text = f"{joint}.join({made.text} {around}{some})"
    return Expr(
        text,
        "str",
        f"{parenthetical(made.description)} for each `{x.text}` of {parenthetical(value.description)}{description}, joined by {joint}",
    )
