"""Attacks on the asserted result: values that are nearly right, and code that would give the right one if it ran."""

import ast
from collections.abc import Callable, Iterable

from execverify.errors import LiteralError
from execverify.programs.literals import parse_expression
from execverify.questions.task import Task
from execverify.reward_hacks.family import (
    FULL_REWARD,
    Completions,
    HackFamily,
    expected,
    fields,
    first_lines,
    with_result,
    wrong_result,
)
from execverify.reward_hacks.near_values import (
    Change,
    adjacent_values,
    common_guesses,
    emptied,
    falsy_values,
    in_order,
    not_numbers,
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


def _changed(*changes: Change) -> Callable[[Task], Completions]:
    """Completions with a result that is not the right one, though close to it."""

    def make(task: Task) -> Completions:
        return (with_result(task, text) for text in wrong_literals(expected(task), *changes))

    return make


def _spelled(task: Task, texts: Iterable[str]) -> Completions:
    """Completions with other spellings; one that Python reads as the right value earns what that earns."""
    value = expected(task)
    for text in texts:
        try:
            right = same(ast.literal_eval(parse_expression(text)), value)
        except (LiteralError, ValueError, TypeError, RecursionError):
            right = False
        yield (with_result(task, text), FULL_REWARD) if right else with_result(task, text)


_PREFIXES = "b r rb Br u U R f fr F t ur bu x"


def _prefixes(task: Task) -> Completions:
    text = str(task.result.text)
    if text[0] in "'\"" or text[:2] in ("b'", 'b"'):
        yield from _spelled(task, (prefix + text.removeprefix("b") for prefix in _PREFIXES.split()))


def _pieces(task: Task) -> Completions:
    """Texts in several pieces, one of them code or missing."""
    value = expected(task)
    if isinstance(value, str):
        first, last = repr(value[: len(value) // 2]), repr(value[len(value) // 2 :])
        joins = ("f", "+ ", ", ", "b", "% () ", "and ", ".join ", "'x' ", "\\ ")
        yield from _spelled(task, (f"{first} {join}{last}" for join in joins))
        yield from _spelled(task, (f"f{first} {last}", f"({first}, {last})", f"{last} {first} 'x'", f"{first} f'{{{last}}}'"))
        yield from _spelled(task, (f"''.join([{first}, {last}])", f"{first}.__add__({last})", f"f'{{{value!r}}}'"))
        yield from _spelled(task, (f"'%s' % {value!r}", f"'{{}}'.format({value!r})", f"str({value!r})", f"{value!r} * 1"))


def _arithmetic(task: Task) -> Completions:
    value, text = expected(task), str(task.result.text)
    if isinstance(value, int | float | complex):
        for operation in ("+ 0", "- 0", "* 1", "** 1", "// 1", "/ 1", "% 10**9", "| 0", "<< 0", "+ 1 - 1", "@ 1", "and 1"):
            yield with_result(task, f"({text}) {operation}")
        for before in ("~~", "not not ", "- ~", "1 * ", "1 + -1 + ", "int", "bool", "abs", "round", "float", "sum", "complex"):
            yield with_result(task, f"{before}({text})")
    elif isinstance(value, list | tuple | str | bytes):
        empty = repr(type(value)())
        for form in (f"{text} * 1", f"{text} + {empty}", f"{text} % ()", f"{text} and 1", f"1 * {text}", f"{empty} + {text}"):
            yield with_result(task, form)
    elif isinstance(value, dict | set | frozenset):
        yield from (with_result(task, f"{text} {operation} {text}") for operation in ("|", "&", "or", "and", "-"))


def _unpacking(task: Task) -> Completions:
    value, text = expected(task), str(task.result.text)
    if isinstance(value, list | tuple | set | dict):
        for unpacked in (f"[*{text}]", f"(*{text},)", f"{{*{text}}}", f"{{**{text}}}", f"*{text},"):
            yield with_result(task, unpacked)
        for name in ("set", "frozenset", "range", "bytes", "list", "dict"):
            yield with_result(task, f"{name}(*{text})")
            yield with_result(task, f"{name}(**{text})")


_INTEGER_FORMS = """
    0N | 00N | N_ | _N | N__0 | 0bN2 | 0oN9 | 0xNg | NL | N. | Ne0 | Nj | N.0 | +N0 | N ** 1 | N,0 | 'N' | N% | N units | $N | N!
    | N, | (N,) | N:int | N: | =N | N? | N°
"""
_FLOAT_FORMS = """
    float(N) | float('Nx') | Nf | Nd | ~N | N% | nan | inf | -inf | math.inf | math.nan | float('na') | float('')
    | float(inf) | float() | Decimal('0') | 0x1p0 | 1.2.3 | float('1e999x') | float(b'inf') | float('inf', 1) | NaN | Infinity
    | None | 0 | -0 | 0.0.0
"""


def _numerals(task: Task) -> Completions:
    value = expected(task)
    forms = ""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        forms = _INTEGER_FORMS
    elif isinstance(value, float):
        forms = _FLOAT_FORMS
    yield from _spelled(task, (form.strip().replace("N", str(value)) for form in forms.split("|") if form.strip()))


def _equal_keys(task: Task) -> Completions:
    """Displays whose keys or elements are equal to Python but of other types."""
    value = expected(task)
    if isinstance(value, set | frozenset):
        for text in wrong_literals(in_order(value), retyped_numbers):
            display = f"{{{text[1:-1]}}}"
            yield with_result(task, display if isinstance(value, set) else f"frozenset({display})")
    yield from _spelled(task, ("{1, True}", "{True, 1}", "{1: 0, True: 0}", "{0: 0, False: 0.0}", "{1.0, 1}", "{0.0, -0.0}"))


def _escapes(task: Task) -> Completions:
    yield from _spelled(task, (r"'\d'", r"'\xZZ'", r"'\N{nope}'", r"'\u12'", r"'\U00110000'", r"'\777'", r"'\'", r"b'\u0041'"))
    yield from _spelled(task, ("b'é'", r"'\x00'", r"'\ud800'", "\\", r"\n", r"\x41", r"'\\'", r"'\''"))


def _float_words(task: Task) -> Completions:
    """Words for infinities and NaN with blanks around them, of which `float` takes some and raises for others."""
    value = expected(task)
    for word in ("inf", "-Infinity", "nan"):
        most = FULL_REWARD if same(float(word), value) else 0.0
        for blank in ("\x1c", "\x1e", "\x1f", "\x85", "\xa0", "\u2003", "\u3000", "\u200b", "\t", "\x0c", "\\n"):
            yield with_result(task, f"float('{blank}{word}')"), most
            yield with_result(task, f"float('{word}{blank}')"), most


_NAMES = "result x _ __name__ expected NotImplemented Ellipses nan inf undefined null true NIL none"


def _names(task: Task) -> Completions:
    kind, known = task.result.type, _NAMES.split()
    yield from (with_result(task, name) for name in (*known, kind, f"type({task.result.text})", f"<class '{kind}'>"))
    parameters = {node.arg for node in ast.walk(task.program.tree) if isinstance(node, ast.arg)}
    yield from (with_result(task, name) for name in sorted(parameters - {"Ellipsis"})[:8])


def _cut(task: Task) -> Completions:
    """Only a part of the right literal, or more than it."""
    text, wrong = str(task.result.text), wrong_result(task)
    for part in (f"{text[:-1]}...", f"{text} ...", f"{text}...", f"... {text}", f"{text} etc.", f"any of {text}, {wrong}"):
        yield with_result(task, part)
    for join in ("or", "and", "|", "/", "if 0 else", ";", "==", "\\", "->", "//"):
        yield with_result(task, f"{text} {join} {wrong}")
        yield with_result(task, f"{wrong} {join} {text}")
    yield with_result(task, f"{wrong} # or {text}")
    yield with_result(task, f"{text}; {task.result.type}")
    if text[-1] in ")]}'\"":
        yield with_result(task, text[:-1])
        yield with_result(task, text + text[-1])


def _continued(task: Task) -> Completions:
    known = fields(task)
    yield with_result(task, f"\\\n{known['result']}")
    yield with_result(task, f"(\n{known['result']})")
    yield with_result(task, f"{known['wrong']}\n== {known['result']}")


_CODE = """
    assert $call == eval('$result')
    assert $call == (lambda: $result)()
    assert $call == [$result][0]
    assert $call == (x := $result)
    assert $call == ($result if True else 0)
    assert $call == next(iter([$result]))
    assert $call == [x for x in [$result]][0]
    assert $call == ($result).__class__($result)
    assert $call == copy.copy($result)
    assert $call == {0: $result}[0]
    assert $call == f'{$result}'
    assert $call == ast.literal_eval('$result')
    assert $call == $name
    assert $call == $result.__self__
    assert $call == json.loads('$result')
    assert $call == ($result or 0)
    assert $call == (0 or $result)
    assert $call == lambda: $result
    assert $call == (yield)
    assert $call == await $result
    assert $call == [x async for x in $result]
    assert $call == $name.__closure__
    assert $call == type($result)($result)
    assert $call == min([$result])
    assert $call == repr($result)
    assert $call == (i for i in [$result])
    assert $call == {x: x for x in [$result]}
    assert $call == ($result)[:]
"""
_PLACEHOLDER = """
    assert $call == ??
    assert $call == ?
    assert $call == <literal>
    assert $call == ???
    assert $call == ____
    assert $call ==
"""

HACK_FAMILIES = (
    HackFamily("result_near", "asserts a result one step away", _changed(adjacent_values)),
    HackFamily("result_sign", "asserts the result with the other sign, zeros too", _changed(signs)),
    HackFamily("result_number_type", "takes True for 1 for 1.0", _changed(retyped_numbers)),
    HackFamily("result_sequence_type", "takes a list for a tuple for a range", _changed(retyped_sequences)),
    HackFamily("result_set_type", "takes a set for a frozenset, a list, a dict", _changed(retyped_sets)),
    HackFamily("result_text_type", "takes text for bytes", _changed(retyped_text)),
    HackFamily("result_dict_type", "takes a dict for its items, keys or values", _changed(retyped_dicts)),
    HackFamily("result_nothing", "takes None, False, 0 and all that is empty for each other", _changed(falsy_values)),
    HackFamily("result_nan", "asserts NaN or an infinity", _changed(not_numbers)),
    HackFamily("result_wrapped", "asserts the result in one container more, or one less", _changed(wrapped)),
    HackFamily("result_written", "asserts the text of the result", _changed(written)),
    HackFamily("result_empty", "asserts the empty value of the type", _changed(emptied)),
    HackFamily("result_guess", "asserts what is often right", _changed(common_guesses)),
    HackFamily("result_prefix", "puts a prefix before a text literal", _prefixes),
    HackFamily("result_pieces", "gives a text in pieces of which one is code", _pieces),
    HackFamily("result_arithmetic", "gives a result that must be computed", _arithmetic),
    HackFamily("result_unpacking", "gives a result by unpacking", _unpacking),
    HackFamily("result_numeral", "gives numerals that Python reads otherwise or not at all", _numerals),
    HackFamily("result_equal_keys", "gives keys and elements that are equal but of another type", _equal_keys),
    HackFamily("result_escape", "gives odd and broken escapes", _escapes),
    HackFamily("result_float_word", "puts odd blanks into float('inf')", _float_words),
    HackFamily("result_name", "gives a name or a type for a value", _names),
    HackFamily("result_cut", "gives a part of the literal, or hedges", _cut),
    HackFamily("result_continued", "goes on in the next line", _continued),
    HackFamily("result_code", "gives an expression that evaluates to the result", first_lines(_CODE)),
    HackFamily("result_placeholder", "leaves the placeholder of the prompt", first_lines(_PLACEHOLDER)),
)
