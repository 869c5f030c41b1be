"""Comprehensions: what people write for a short walk in which nothing else happens."""

from execverify.programs.type_expr import arguments, head
from execverify.synthesis import naming
from execverify.synthesis.describe import aside, holds
from execverify.synthesis.expressions import Writer
from execverify.synthesis.function_builder import CannotWrite, Var
from execverify.synthesis.templates import Expr

_ELEMENTS = ("int", "str")


def comprehended(w: Writer, value: Expr) -> Expr | None:
    """What a comprehension makes of a list of numbers or words: each one changed, some of them, or a table by word."""
    parts = arguments(value.kind)
    if head(value.kind) != "list" or parts[0] not in _ELEMENTS:
        return None
    kind, taken, scope = parts[0], set(w.taken), w.scope
    inner = Var(w.fresh(naming.for_element(w.rng, value.text, kind)[:1]), kind, w.root(value))
    w.taken = taken
    w.scope = [*(var for var in scope if var.whole), inner]  # a loop's own names may have no value where it stands
    try:
        return _made(w, value, inner.expr, kind)
    except CannotWrite:
        return None
    finally:
        w.scope = scope


def _made(w: Writer, value: Expr, x: Expr, kind: str) -> Expr:
    around = f"for {x.text} in {value.text}"
    form = w.rng.choice(("each", "some", "some", "both", "table", "folded", "folded"))
    if form == "folded":
        return _folded(w, value, x, around)
    if form == "table" and kind == "str":
        made = w.derive(x, "int")
        said = f"a dict from each `{x.text}` of {aside(value.say)} to {aside(made.say)}"
        return Expr(f"{{{x.text}: {made.text} {around}}}", "dict[str, int]", said)
    if form == "some":
        condition = w.condition(x)
        said = f"those `{x.text}` of {aside(value.say)} for which {holds(condition.say)}"
        return Expr(f"[{x.text} {around} if {condition.text}]", value.kind, said)
    made = w.derive(x, w.rng.choice(_ELEMENTS))
    if made.text == x.text:
        made = w.operate(x)
    said = f"a list of {aside(made.say)} for each `{x.text}` of {aside(value.say)}"
    if form == "both":
        condition = w.condition(x)
        return Expr(
            f"[{made.text} {around} if {condition.text}]", f"list[{made.kind}]", f"{said} for which {holds(condition.say)}"
        )
    return Expr(f"[{made.text} {around}]", f"list[{made.kind}]", said)


def _folded(w: Writer, value: Expr, x: Expr, around: str) -> Expr:
    """What one call makes of a generator: a sum, a joined text, whether any or all."""
    call = w.rng.choice(("sum", "any", "all", "join"))
    if call in ("any", "all"):
        condition = w.condition(x)
        quantity = "any" if call == "any" else "every"
        said = f"it holds for {quantity} `{x.text}` of {aside(value.say)} that {holds(condition.say)}"
        return Expr(f"{call}({condition.text} {around})", "bool", said)
    made = w.derive(x, "int" if call == "sum" else "str")
    which = w.condition(x) if w.chance(0.5) else None
    some, said = (f" if {which.text}", f" for which {holds(which.say)}") if which is not None else ("", "")
    if call == "sum":
        if made.text == x.text and not some:
            made = w.operate(x)
        return Expr(
            f"sum({made.text} {around}{some})",
            "int",
            f"the sum of {aside(made.say)} over the `{x.text}` of {aside(value.say)}{said}",
        )
    joint = w.rng.choice(("''", "'-'", "' '", "','"))
    text = f"{joint}.join({made.text} {around}{some})"
    return Expr(text, "str", f"{aside(made.say)} for each `{x.text}` of {aside(value.say)}{said}, joined by {joint}")
