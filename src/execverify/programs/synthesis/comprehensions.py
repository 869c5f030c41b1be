"""Comprehensions: what people write for a short walk in which nothing else happens."""

from execverify.programs.synthesis import names
from execverify.programs.synthesis.phrases import Expr
from execverify.programs.synthesis.writer import CannotWrite, Var, Writer
from execverify.programs.types import arguments, head

_ELEMENTS = ("int", "str")


def comprehended(w: Writer, value: Expr) -> Expr | None:
    """What a comprehension makes of a list of numbers or words: each one changed, some of them, or a table by word."""
    parts = arguments(value.kind)
    if head(value.kind) != "list" or parts[0] not in _ELEMENTS:
        return None
    kind, taken, scope = parts[0], set(w.taken), w.scope
    inner = Var(w.fresh(names.for_element(w.rng, value.text, kind)[:1]), kind, w.root(value))
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
    form = w.rng.choice(("each", "some", "some", "both", "table"))
    if form == "table" and kind == "str":
        made = w.derive(x, "int")
        said = f"a dict from each `{x.text}` of {value.say} to {made.say}"
        return Expr(f"{{{x.text}: {made.text} {around}}}", "dict[str, int]", said)
    if form == "some":
        condition = w.condition(x)
        said = f"those `{x.text}` of {value.say} for which {condition.say}"
        return Expr(f"[{x.text} {around} if {condition.text}]", value.kind, said)
    made = w.derive(x, w.rng.choice(_ELEMENTS))
    if made.text == x.text:
        made = w.operate(x)
    said = f"{made.say} for each `{x.text}` of {value.say}"
    if form == "both":
        condition = w.condition(x)
        return Expr(f"[{made.text} {around} if {condition.text}]", f"list[{made.kind}]", f"{said} for which {condition.say}")
    return Expr(f"[{made.text} {around}]", f"list[{made.kind}]", said)
