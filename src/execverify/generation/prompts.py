"""What models are asked for: a program under a constraint, the repair of one, and other inputs for one."""

from collections.abc import Sequence

from execverify.programs.catalog import CATALOG, is_self_composable
from execverify.programs.constraints import DEPTHS, Constraint
from execverify.programs.program import Program, arguments_text, truncate
from execverify.questions.task import Message

_OPERATORS = {
    "[]": "indexing, `x[i]`",
    "[:]": "slicing, `x[a:b]`",
    "[]=": "assignment to an index or key, `x[i] = value`",
    "[:]=": "assignment to a slice, `x[a:b] = values`",
    "del": "`del x[i]`",
    "neg": "unary minus, `-x`",
    "f": "an f-string",
}
_FEEDBACK = 300  # characters of a reason

PROGRAM_RULES = (
    "Write plain functions only: no imports, classes, global variables, comments, docstrings, default values, decorators, "
    "`try`, `with`, `lambda` defaults or `yield`.",
    "Every function has at least one parameter, and its result depends on its parameters.",
    "Use what you write: no unused variable, parameter or statement, and no condition that is always true or always false.",
    "The program is deterministic, prints nothing, reads nothing from outside and ends after at most a few hundred steps.",
    "Values are plain: int, float, bool, str, None, list, tuple, dict and set.",
)


def describe_method(method: str) -> str:
    """A name of the catalogue in words, such as "`str.split`, a method of `str`"."""
    entry = CATALOG[method]
    if entry.kind == "operator":
        owner, _, sign = method.partition(" ")
        return f"{_OPERATORS.get(sign, f'the operator `{sign}`')} on values of type `{owner}`"
    return f"the built-in function `{method}`" if entry.owner == "builtins" else f"`{method}`, a method of `{entry.owner}`"


def describe_level(constraint: Constraint) -> str:
    """What a level asks for, in one or two sentences."""
    level, method = constraint.level, constraint.method
    if level == 1:
        how = (
            "Apply it to what it returned itself (nested, or through a variable)"
            if is_self_composable(CATALOG[method])
            else "Use it at least twice"
        )
        return f"{how}. Write exactly one function `f`, without any other call and without `if`, `for` or `while`."
    others = "Use it together with at least one other built-in function or method."
    if level == 2:
        return f"{others} Write exactly one function `f`, without `if`, `for` or `while`."
    if level == 6:
        return (
            f"{others} Write exactly two functions; `f` calls the other one, and neither calls itself. "
            "Control statements (`if`, `for`, `while`) nest one to three deep."
        )
    depth = {1: "one", 2: "two", 3: "three"}[DEPTHS[level][0]]
    nested = "not inside each other" if depth == "one" else f"inside each other, exactly {depth} deep at the deepest place"
    return f"{others} Write exactly one function `f` with control statements (`if`, `elif`, `for`, `while`), {nested}."


def program_messages(constraint: Constraint, examples: Sequence[tuple[Constraint, Program]] = ()) -> tuple[Message, ...]:
    """Asks for a program and one call of it. What is the same for all requests comes first, so that a server reads it once.

    Args:
        constraint: what the program has to keep.
        examples: requests with their answers, which the model sees as earlier turns.
    """
    rules = "\n".join(f"- {rule}" for rule in PROGRAM_RULES)
    intro = (
        "Write a short Python program that is interesting to execute by hand.\n\n"
        f"Rules:\n{rules}\n\n"
        "Give one ```python block with the functions, and behind them one line with a call of `f` whose arguments are literals, such as "
        '`f([3, 1, 2], "ab")`. Give nothing else.\n\n'
    )
    messages: list[Message] = []
    for asked, program in examples:
        answer = f"```python\n{program.source.rstrip()}\n\n{program.one_line_call}\n```"
        messages += [{"role": "user", "content": _wanted(asked)}, {"role": "assistant", "content": answer}]
    messages.append({"role": "user", "content": _wanted(constraint)})
    return ({"role": "user", "content": intro + messages[0]["content"]}, *messages[1:])


def _wanted(constraint: Constraint) -> str:
    owner = CATALOG[constraint.method].owner
    kind = "built-in functions" if owner == "builtins" else f"type `{owner}`"
    return (
        f"Type: {kind}\nMethod: {describe_method(constraint.method)}\n"
        f"Constraint (level {constraint.level} of 6): {describe_level(constraint)}"
    )


def repair_messages(asked: Sequence[Message], completion: str, reason: str) -> tuple[Message, ...]:
    """Asks once more, with the answer and the reason why it cannot be used."""
    feedback = (
        f"This cannot be used: {truncate(reason, _FEEDBACK)}. Keep the method, the constraint and the rules. "
        "Give the whole corrected program and its call, in one ```python block."
    )
    return (*asked, {"role": "assistant", "content": completion[:20_000]}, {"role": "user", "content": feedback})


def input_messages(program: Program, count: int) -> tuple[Message, ...]:
    """Asks for other inputs of a program; shows those that it has."""
    positional, named = program.call_arguments
    values = [*map(_canonical, positional), *(f"{name} = {_canonical(value)}" for name, value in named.items())]
    reference = "\n".join(f"- argument {number}: {value}" for number, value in enumerate(values, start=1))
    text = (
        f"Here is a Python program:\n\n```python\n{program.source.rstrip()}\n```\n\n"
        f"It was called as `{program.one_line_call}`. Reference values:\n{reference}\n\n"
        f"Write {count} other calls of `{program.entry_point}`. Keep the number and the types of the arguments. Change the values so that "
        "the calls take other branches, run loops more or less often, and return other results. Arguments are literals. "
        "Give one ```python block with one call a line, and nothing else."
    )
    return ({"role": "user", "content": text},)


def _canonical(value: object) -> str:
    """The text of a value, which is the same in each process: `repr` of a set follows the hashes of its texts."""
    return arguments_text(((value,), {}))
