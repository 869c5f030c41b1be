"""What is done with each value of a loop, under a given number of nested conditions and further loops (levels 3 to 5)."""

import functools
from collections.abc import Callable
from contextlib import ExitStack

from execverify.programs.type_expr import type_head
from execverify.synthesis import idioms, loops
from execverify.synthesis.describe import parenthetical
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd
from execverify.synthesis.templates import Expr


def under_conditions(
    gen: ExpressionGenerator, stack: ExitStack, x: Expr, room: int, act: idioms.Body, value: Callable[[], Expr]
) -> None:
    """Does it under exactly `room` nested control statements."""
    make = value
    if room <= 0:
        if room < 0:
            raise GenerationDeadEnd
        act(make())
        return
    forms = ["if", "if", "if else", "elif", "again"] if room == 1 else ["if", "if else", "again", "again"]
    if room == 1 and type_head(x.kind) in ("str", "list") and x.text.isidentifier():
        forms.append("inner")
    form = gen.rng.choice(forms)
    if form == "again":
        held = [value()]
        if inner_loop(gen, room, act, held[0]):
            return
        make = functools.partial(existing_condition_first, held, value)  # it is still to be used
    if form == "inner":
        times = gen.rng.choice(("2", "3"))
        step = gen.bind(gen.rng.choice(("j", "k", "step")), "int", fixed=True)
        with gen.block(f"for {step.name} in range({times}):", f"for `{step.name}` from 0 to below {times}"):
            act(_numbered(gen, make(), step.expr))
        return
    first = gen.condition(condition_subject(gen, x))
    begun = len(gen.lines) + 1
    with gen.if_block(first):
        under_conditions(gen, stack, x, room - 1, act, make)
    branches = [gen.texts(begun)]
    if form == "elif":
        with gen.assuming(first, truth=False):
            second = gen.condition(condition_subject(gen, x))
            if second.text == first.text:
                raise GenerationDeadEnd
            with gen.if_block(second, "elif"):
                else_branch(gen, act, make, branches)
    if form in ("if else", "elif") and (form == "if else" or gen.chance(0.5)):
        with gen.block("else:", ""):
            else_branch(gen, act, make, branches)


def existing_condition_first(held: list[Expr], value: Callable[[], Expr]) -> Expr:
    return held.pop() if held else value()


def inner_loop(gen: ExpressionGenerator, room: int, act: idioms.Body, made: Expr) -> bool:
    """Does it for each element and each of another collection; False where there is none that fits."""
    kind = made.kind
    if kind not in ("int", "str") or gen.has_inner_loop:
        return False
    sources = [
        var
        for var in gen.scope
        if var.whole and var.root is not None and var.kind in (f"list[{kind}]", "str" if kind == "str" else "")
    ]
    if len(gen.params) < gen.most_params and (not sources or gen.chance(0.6)):
        source = gen.use(gen.param(f"list[{kind}]"))
    elif sources and not any("while" in line.text for line in gen.lines):
        source = gen.use(gen.rng.choice(sources))
    else:
        return False
    gen.has_inner_loop = True
    with ExitStack() as inner:
        y = loops.loop_over(gen, inner, source)
        sign = gen.rng.choice((" + ", " * ", " - ", " + ")) if kind == "int" else " + "
        description = "followed by" if kind == "str" else "plus" if sign == " + " else "minus"
        joined = Expr(
            f"{made.parenthesized_for(10)}{sign}{y.text}",
            kind,
            f"{parenthetical(made.description)} {description} {parenthetical(y.description)}",
            10,
        )
        if sign == " * ":
            joined = Expr(
                f"{made.parenthesized_for(11)} * {y.text}",
                kind,
                f"{parenthetical(made.description)} times {parenthetical(y.description)}",
                11,
            )
        under_conditions(gen, inner, y, room - 1, act, lambda: joined)
    return True


def else_branch(gen: ExpressionGenerator, act: idioms.Body, make: Callable[[], Expr], branches: list[list[str]]) -> None:
    """Does it in another branch, in another way than in those before; where there is none, the branch goes."""
    begun = len(gen.lines)
    for _ in range(4):
        act(make())
        if gen.texts(begun) not in branches:
            branches.append(gen.texts(begun))
            return
        del gen.lines[begun:]
    del gen.lines[begun - 1]


def _numbered(gen: ExpressionGenerator, value: Expr, step: Expr) -> Expr:
    """The value changed by the number of a round."""
    if value.kind == "int":
        return Expr(
            f"{value.parenthesized_for(10)} + {step.text}", "int", f"{parenthetical(value.description)} plus `{step.text}`", 10
        )
    if value.kind == "str":
        cut = Expr(
            f"{value.parenthesized_for(14)}[{step.text}:]",
            "str",
            f"{parenthetical(value.description)} without its first `{step.text}` {'characters' if value.kind == 'str' else 'elements'}",
        )
        longer = Expr(
            f"{value.parenthesized_for(10)} + str({step.text})",
            "str",
            f"{parenthetical(value.description)} followed by `{step.text}` as text",
            10,
        )
        return gen.rng.choice((cut, longer))
    if type_head(value.kind) == "list":
        return Expr(
            f"{value.parenthesized_for(14)}[{step.text}:]",
            value.kind,
            f"{parenthetical(value.description)} without its first `{step.text}` {'characters' if value.kind == 'str' else 'elements'}",
        )
    raise GenerationDeadEnd


def condition_subject(gen: ExpressionGenerator, x: Expr) -> Expr:
    """What a condition is about: the element, or something else that changes."""
    for pair in gen.unused_pairs:
        if not pair[0].used and gen.var(pair[0].name) is pair[0]:
            return gen.use(pair[0])
    others = [var for var in gen.scope if var.fixed and not var.whole and var.kind in ("int", "str") and var.name != x.text]
    if others and gen.chance(0.3):
        return gen.use(gen.rng.choice(others))
    return x
