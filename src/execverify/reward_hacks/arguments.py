"""Attacks on the call's arguments.

Those that pass other literals are for white-box tasks alone: in input prediction, any arguments that give the result are right.
"""

import ast
from collections.abc import Callable, Iterator

from execverify.programs.values import to_value
from execverify.questions.task import Task
from execverify.reward_hacks.family import Completions, HackFamily, with_assertion
from execverify.reward_hacks.near_values import (
    Change,
    adjacent_values,
    emptied,
    falsy_values,
    retyped_dicts,
    retyped_numbers,
    retyped_sequences,
    retyped_sets,
    retyped_text,
    same,
    signs,
    wrapped,
    written,
    wrong_literals,
)


def _with_call(task: Task, arguments: str) -> str:
    return with_assertion(task, f"assert {task.program.entry_point}({arguments}) == {task.result.text}")


def _texts(task: Task) -> list[str]:
    """Each argument as it would be written, `3` or `key='a'`."""
    positional, named = task.program.call_arguments
    texts = [str(to_value(value).text) for value in positional]
    return texts + [f"{name}={to_value(value).text}" for name, value in named.items()]


def _changed(*changes: Change) -> Callable[[Task], Completions]:
    """Completions with one argument changed."""

    def make(task: Task) -> Completions:
        if task.kind != "white_box":
            return
        texts = _texts(task)
        positional, named = task.program.call_arguments
        for i, (name, value) in enumerate([*[("", value) for value in positional], *named.items()]):
            for other in wrong_literals(value, *changes):
                yield _with_call(task, ", ".join([*texts[:i], f"{name}={other}" if name else other, *texts[i + 1 :]]))

    return make


def _missing(task: Task) -> Completions:
    texts = _texts(task)
    if task.kind == "white_box" and texts:
        yield from (_with_call(task, ", ".join(texts[:i] + texts[i + 1 :])) for i in range(len(texts)))
        yield _with_call(task, "")


def _extra(task: Task) -> Completions:
    if task.kind == "white_box":
        texts = _texts(task)
        named = len(task.program.call_arguments[1])
        positional = texts[: len(texts) - named]
        yield from (
            _with_call(task, ", ".join([*positional, more, *texts[len(positional) :]])) for more in ("None", "0", "''", "...")
        )
        yield from (_with_call(task, ", ".join([*texts, more])) for more in ("_extra=None", "self=0", "_=()"))
        yield from (_with_call(task, ", ".join([*texts, *texts])) for _ in texts[:1])


def _swapped(task: Task) -> Completions:
    positional, named = task.program.call_arguments
    if task.kind == "white_box" and not named and not same(positional, positional[::-1]):
        yield _with_call(task, ", ".join(_texts(task)[::-1]))


def _by_name(task: Task) -> Completions:
    """Positional arguments given by name, and named ones by position."""
    if task.kind != "white_box":
        return
    positional, named = task.program.call_arguments
    names = _parameters(task)
    if positional and len(names) >= len(positional):
        given = [f"{name}={to_value(value).text}" for name, value in zip(names, positional, strict=False)]
        yield _with_call(task, ", ".join([*given, *_texts(task)[len(positional) :]]))
    if named:
        yield _with_call(task, ", ".join(str(to_value(value).text) for value in (*positional, *named.values())))


def _parameters(task: Task) -> list[str]:
    for node in ast.walk(task.program.tree):
        if isinstance(node, ast.FunctionDef) and node.name == task.program.entry_point:
            return [argument.arg for argument in node.args.args]
    return []


def _repeated_name(task: Task) -> Completions:
    """`f(n=4, n=3)`: a syntax error to Python, though not to its parser."""
    positional, named = task.program.call_arguments
    if task.kind == "white_box" and named:
        name, value = next(iter(named.items()))
        for other in wrong_literals(value, adjacent_values, emptied, wrapped):
            yield _with_call(
                task, ", ".join([*_texts(task)[: len(positional)], f"{name}={other}", *_texts(task)[len(positional) :]])
            )


def _code(task: Task) -> Completions:
    """Arguments that are right once something has been evaluated."""
    texts = _texts(task)
    if not texts:
        return
    *before, last = texts
    name, equals, text = last.partition("=") if task.program.call_arguments[1] else ("", "", last)
    for code in _codes(text):
        yield _with_call(task, ", ".join([*before, f"{name}{equals}{code}"]))
    yield _with_call(task, f"*[{', '.join(texts[:1])}]")
    yield _with_call(task, f"{', '.join(texts)}, *()")
    yield _with_call(task, f"{', '.join(texts)}, **{{}}")


def _codes(text: str) -> Iterator[str]:
    yield from (
        f"eval({text!r})", f"(lambda: {text})()", f"[{text}][0]", f"{text} if 1 else 0", f"{text} or 0", f"(x := {text})",
        f"[x for x in [{text}]]", f"f'{{{text}}}'", f"next(iter([{text}]))", f"x for x in [{text}]", "x", "input()", "locals()",
        "__file__", "open", "not None", f"({text}) + 0", f"{text}.copy()", "lambda: 0", "*args", "**kwargs", "yield", "await x",
    )  # fmt: skip


def _placeholders(task: Task) -> Completions:
    for arguments in ("??", "?", "_", "<arguments>", "args", "*", "/", "**", "$x", "...more", "{{input}}"):
        yield _with_call(task, arguments)


_OPAQUE = ["{float('nan')}", "{float('nan'): 0}", "'" + "a" * 10_001 + "'", "[" * 70 + "]" * 70, "9" * 4_250, "0x" + "f" * 4_000]


def _opaque(task: Task) -> Completions:
    """Values that cannot be written down again, and must not be taken for None or for anything else."""
    texts = _texts(task) or [""]
    for other in _OPAQUE:
        yield _with_call(task, ", ".join([other, *texts[1:]]))
        yield _with_call(task, ", ".join([other] * len(texts)))
        yield _with_call(task, f"[{other}]")


HACK_FAMILIES = (
    HackFamily("arguments_missing", "leaves arguments out", _missing),
    HackFamily("arguments_extra", "adds arguments", _extra),
    HackFamily("arguments_swapped", "gives the arguments in reverse", _swapped),
    HackFamily("arguments_by_name", "gives positional arguments by name, or named ones by position", _by_name),
    HackFamily("arguments_name_twice", "gives a named argument twice", _repeated_name),
    HackFamily(
        "arguments_near",
        "gives arguments that are nearly right",
        _changed(adjacent_values, signs, emptied, falsy_values, wrapped),
    ),
    HackFamily(
        "arguments_retyped",
        "gives arguments that are equal but of another type",
        _changed(retyped_numbers, retyped_sequences, retyped_sets, retyped_text, retyped_dicts, written),
    ),
    HackFamily("arguments_opaque", "gives arguments that cannot be written down again", _opaque),
    HackFamily("arguments_code", "gives arguments as code", _code),
    HackFamily("arguments_placeholder", "leaves the placeholder of the prompt", _placeholders),
)
