"""The grammar synthesizer: item i of a seed is a program of a level about one entry of the catalogue.

Everything follows from (seed, index, attempt): no state, no network, no model. A program may still turn out to break its
constraint, to raise, or to ignore its arguments; whoever wants programs checks them and takes the next attempt
(`execverify.datasets`).
"""

import functools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from execverify.errors import ProgramError
from execverify.programs.constraints import Constraint, check
from execverify.programs.program import Program
from execverify.synthesis import control_flow, straight_line
from execverify.synthesis.describe import as_noun, parenthetical
from execverify.synthesis.domains import choose_domain
from execverify.synthesis.expressions import ExpressionGenerator
from execverify.synthesis.function_builder import GenerationDeadEnd
from execverify.synthesis.function_names import name_function
from execverify.synthesis.literals import arguments_for
from execverify.synthesis.oddities import oddities_of
from execverify.synthesis.task_statement import Function
from execverify.synthesis.templates import Expr, ExpressionTemplate, choose_template, entries, templates_of

VERSION = 4
"""Version of the grammar: a change of it changes the programs of a seed."""

_DRAWS = 4
"""Draws of one attempt."""

_STRICT_ATTEMPTS = 5
"""Attempts whose programs hold nothing that nobody would write; what some entries need at level 1 comes after them."""

_PLAIN_SHARE = 0.25
"""How many entry points have a name that says nothing."""


@dataclass(frozen=True, slots=True)
class GeneratedProgram:
    """A program of the synthesizer, not yet run.

    Attributes:
        program: source, entry point and arguments.
        constraint: what it was made to keep.
        description: what it does, in English.
        functions: the same function by function, to be described in other words (see `task_statement`).
    """

    program: Program
    constraint: Constraint
    description: str
    functions: tuple[Function, ...]


def synthesize(
    seed: int, index: int, attempt: int = 0, *, levels: Sequence[int] = (1, 2, 3, 4, 5, 6), methods: Sequence[str] = ()
) -> GeneratedProgram | None:
    """Item `index` of a seed; None where this attempt led nowhere.

    Levels and methods take turns, so that all pairs of them come up.

    Args:
        seed, index: which item.
        attempt: which try at it; another one gives another program under the same constraint.
        levels: of 1 to 6.
        methods: names in the catalogue; all that have a template, by default.
    """
    constraint = scheduled_constraint(seed, index, levels=levels, methods=methods)
    for draw in range(_DRAWS):
        strict = attempt < _STRICT_ATTEMPTS or draw < _DRAWS - 1
        made = _drawn(random.Random(f"execverify {VERSION} {seed} {index} {attempt} {draw}"), constraint, strict)
        if made is not None:
            return made
    return None


def _drawn(rng: random.Random, constraint: Constraint, strict: bool) -> GeneratedProgram | None:
    """A program for a constraint; None where it leads nowhere, or, with `strict`, where nobody would write it so."""
    options = templates_of(constraint.method)
    template = choose_template(rng, (one for one in options if constraint.level > 1 or "calls" not in one.options))
    try:
        source, writers = _write_source(rng, constraint.level, template)
        main = writers[-1]
        program = Program.with_values(source, main.name, tuple(arguments_for(rng, main.params, main.domain)))
        if strict and (oddities_of(program.nodes) or check(program, constraint)):
            return None
    except (GenerationDeadEnd, ProgramError, IndexError):
        return None
    description = " ".join(writer.describe() for writer in writers)
    return GeneratedProgram(program, constraint, description, tuple(map(_function, writers)))


def scheduled_constraint(
    seed: int, index: int, *, levels: Sequence[int] = (1, 2, 3, 4, 5, 6), methods: Sequence[str] = ()
) -> Constraint:
    """The constraint of item `index` of a seed. Arguments as in `synthesize`."""
    names = tuple(methods or entries())
    level = levels[index % len(levels)]
    round_number, place = divmod(index // len(levels), len(names))
    return Constraint(level, _schedule(seed, level, round_number, names)[place])


@functools.lru_cache(maxsize=64)
def _schedule(seed: int, level: int, round_number: int, names: tuple[str, ...]) -> list[str]:
    """The order in which the methods come up at a level in one round."""
    return random.Random(f"execverify {seed} {level} {round_number}").sample(sorted(names), len(names))


def _function(gen: ExpressionGenerator) -> Function:
    return Function(gen.name, tuple((param.name, param.kind) for param in gen.params), tuple(gen.lines))


def _write_source(rng: random.Random, level: int, template: ExpressionTemplate) -> tuple[str, list[ExpressionGenerator]]:
    """The source, and the writers of its functions, of which the last is the entry point's."""
    if level == 6:
        return _two_functions(rng, template)
    gen = ExpressionGenerator(rng, choose_domain(rng))
    gen.operations.append(template.entry)
    if level == 1:
        result = straight_line.nested_calls(gen, template)
    elif level == 2:
        result = straight_line.call_chain(gen, template)
    else:
        result = control_flow.control_flow_body(gen, template, level - 2)
        if not straight_line.calls_another(gen, template, result):
            result = control_flow.finalize_result(gen, result, calls=True)
    return _finish_function(gen, result), [gen]


def _finish_function(gen: ExpressionGenerator, result: Expr, plain: float = _PLAIN_SHARE) -> str:
    read = [*gen.texts(0), result.text]
    gen.params = [param for param in gen.params if any(re.search(rf"\b{param.name}\b", text) for text in read)]
    if not gen.params:
        raise GenerationDeadEnd
    gen.add_line(f"return {result.text}", f"returns {as_noun(result.description, result.kind)}")
    params = [(param.name, param.kind) for param in gen.params]
    gen.name = name_function(gen.rng, gen.operations, params, result.kind, gen.taken, plain)
    return gen.source()


def _two_functions(rng: random.Random, template: ExpressionTemplate) -> tuple[str, list[ExpressionGenerator]]:
    """A helper for one value, and a function that calls it for each."""
    domain = choose_domain(rng)
    helper, main = ExpressionGenerator(rng, domain, most_params=2), ExpressionGenerator(rng, domain)
    in_helper = (
        rng.random() < 0.7
        or template.is_mutating
        or bool(template.precondition)
        or template.holes[0].kind not in ("int", "str", "list[T]", "list[O]")
    )
    deep = rng.random() < 0.4
    own = (
        template
        if in_helper
        else choose_template(rng, templates_of(rng.choice(("int %", "str.upper", "int *", "len", "str.replace", "int +"))))
    )
    result = (
        control_flow.control_flow_body(helper, own, rng.choice((1, 1, 2)))
        if deep
        else straight_line.call_chain(helper, own, rng.choice((1, 2, 2)))
    )
    helper.operations.append(own.entry)
    helper_source = _finish_function(helper, result, plain=0.0)
    main.taken.add(helper.name)
    kind = helper.params[0].kind
    call = _Call(helper, result.kind)
    outer = control_flow.control_flow_with_helper(
        main, None if in_helper else template, call, kind, 1 if deep else rng.choice((1, 2))
    )
    main_source = _finish_function(main, outer)
    sources = [helper_source, main_source] if rng.random() < 0.75 else [main_source, helper_source]
    for param in main.params:
        if param.kind == f"list[{kind}]":
            param.value_hints.extend(hint for hint in helper.params[0].value_hints if "\2" not in hint)
    return "\n\n".join(sources), [helper, main]


class _Call:
    """Calls of a helper: its first argument is the value, the others come from where it is called."""

    def __init__(self, helper: ExpressionGenerator, kind: str) -> None:
        self.helper = helper
        self.kind = kind

    def __call__(self, gen: ExpressionGenerator, value: Expr) -> Expr:
        others = [gen.fill(param.kind, param.role, value) for param in self.helper.params[1:]]
        inside = ", ".join([value.text, *(other.text for other in others)])
        given = [parenthetical(one.description) for one in (value, *others)]
        description = f"what `{self.helper.name}` gives for {given[0]}" + (f" with {' and '.join(given[1:])}" if others else "")
        return Expr(f"{self.helper.name}({inside})", self.kind, description)
