"""Completions to fuzz the scorer with: tasks of every type of result, right answers respelled, and right answers damaged.

`respelled` writes a right answer in other words, which must earn everything. Whatever else is in `DAMAGE` may come out
right or wrong; `fuzz_answers` judges.
"""

import math
import random
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import execverify as ev
from execverify.reward_hacks import HACK_FAMILIES

# ------------------------------------------------------------------------------------------------------------- the tasks

_SOURCE = """
def g(x):
    if x % 3:
        return [x]
    return [x, x]

def f(n, name='', flag=False):
    total = 0
    seen = set()
    words = {}
    label = name
    for i in range(n):
        if i % 2:
            total += i
            seen.add(i)
        else:
            words[i] = g(i)
            label = label + '; ' + str(i)
    half = total / 2
    pair = (total, half)
    return RESULT
"""
_ARGUMENTS = ("5, 'a'", "4, name='it\\'s; \"x\"'", "3, '<b>', flag=True")
_RESULTS_TEXT = r"""
total | flag | total > 2 | label | [total, label, seen] | words | {'a': {'b': [words, (1,)]}, 'c': None} | seen | half | pair
| -0.0 | float('inf') | float('nan') | [float('nan'), -0.0, 0.0, -float('inf')] | None | () | (label,) | label.encode() | -2j
| bytearray(b'a;b') | complex(total, -1) | frozenset({1, frozenset({2})}) | range(n) | ... | 10 ** 40 | set() | {} | [[[[total]]]]
| {True: 1, 2: False} | {(1, 2): {3}} | '\n\t\\\'"' | 'é\u202e\U0001f600' | '1' | 1 | 1.0 | '' | [] | [1, True, 1.0, '1', (1,)]
| {1.5, 'a', None, (2,)}
"""
_RESULTS = [result.strip() for result in _RESULTS_TEXT.replace("\n|", " | ").split(" | ")]


@cache
def tasks() -> tuple[ev.Task, ...]:
    """White-box tasks whose results have every type, and input-prediction tasks of the same programs."""
    programs = [
        ev.Program(_SOURCE.replace("RESULT", result), arguments=_ARGUMENTS[i % len(_ARGUMENTS)])
        for i, result in enumerate(_RESULTS)
    ]
    traces = list(ev.trace_many(programs))
    whites = [ev.task(trace, limit=i % 11, seed=i) for i, trace in enumerate(traces)]
    return (*whites, *(ev.task(trace, kind="input_prediction") for trace in traces[::3]))


# ------------------------------------------------------------------------------------------------------ what is written

_PLAIN = [*"()[]{}<>=;:,.#'\"\\/|&~-+*%@!?$^_`0123456789abfxjNR \n\t\r"]
_ODD = [
    *"\x00\x01\x0b\x0c\x1a\x1c\x1e\x7f\x85\xa0\u200b\u200d\u202e\u2028\u2029\u3000\ufeff\ufffe",
    *"\ud800\udfff\u0430\uff14\u0664\uff08\u0301\U0001f600",
]
_TOKENS_TEXT = """
<answer> </answer> <reasoning> </reasoning> assert == != is in or and not None True False Nil -1 ; int str list f g ( ) [ ] { }
lambda : = := , . # ... Ellipsis set() frozenset( float('nan') float('inf') complex( range( bytes( bytearray( b'' f'' r'' u'' ' "
\\ 0 1 -0.0 1e999 0x10 1_0 2j ``` * ** @ await yield
"""
_TOKENS = _TOKENS_TEXT.split()
_HUGE_TEXT = "( [ { - ~ 9 0 a \\ ' f( , +1 .x [0] {0: <answer> </answer> lambda: '' =="
_HUGE = [*_HUGE_TEXT.split(), "not ", "'a' ", "; ", "\n", "\ud800", "\x00", " "]
_ATOMS_TEXT = """
0 1 -1 -0.0 1.5 1e999 1e-999 2j 1_0 007 --1 1if True 0xg None ... 'a;b' b'x' '' [] {} set() nan float('nan') float('-inf') Nil
"""
_ATOMS = [*_ATOMS_TEXT.split(), "0x" + "f" * 300, "9" * 400, "9" * 4_400]
_FORMS_TEXT = """
[A] | (A,) | {A} | {A: B} | [A, B] | (A) | {A, B} | A; B | A + B | A - B | -A | set([A]) | frozenset((A, B)) | complex(A, B)
| float('A') | range(A, B, A) | bytes(A) | bytearray(b'A') | A if B else A | f'{A}' | 'A' 'B' | b'A' | A, B | *A | x=A
| [A for x in B] | A == B | (x := A) | A B | float(A) | {A, A} | {A: B, A: A} | A + 2j | A - 1j
"""
_FORMS = [form.strip() for form in _FORMS_TEXT.split(" | ")]


def random_literal(rng: random.Random, depth: int = 3) -> str:
    """A literal, or something close to one."""
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(_ATOMS)
    form = rng.choice(_FORMS)
    return "".join(random_literal(rng, depth - 1) if sign in "AB" else sign for sign in form)


def spelled(rng: random.Random, value: Any) -> str:
    """A literal of the value, in one of the ways in which Python lets it be written."""
    if type(value) in _SPELLINGS:
        text = _SPELLINGS[type(value)](rng, value)
    else:
        text = "..." if value is ... and rng.random() < 0.5 else repr(value)
    return f"({text})" if rng.random() < 0.1 else text


def _spelled_int(rng: random.Random, value: int) -> str:
    return rng.choice((repr, hex, oct, bin, "{:_}".format, "{:+}".format, "{:#X}".format))(value)


def _spelled_float(rng: random.Random, value: float) -> str:
    if math.isfinite(value):
        return rng.choice((repr, "{:.17e}".format, "{:+.17e}".format))(value)
    if math.isnan(value):
        return rng.choice(("float('nan')", 'float("NaN")', "-float('nan')"))
    return rng.choice(
        ("1e999", "float('inf')", "float(' Infinity')") if value > 0 else ("-1e999", "float('-inf')", "-float('inf')")
    )


def _spelled_text(rng: random.Random, value: Any) -> str:
    cut = rng.randrange(len(value) + 1)
    prefix = "b" if isinstance(value, bytes) else ""
    escaped = "".join(f"\\x{code:02x}" for code in value) if prefix else "".join(f"\\U{ord(sign):08x}" for sign in value)
    pieces = f"{value[:cut]!r} {value[cut:]!r}"
    return rng.choice((repr(value), pieces, f"{prefix}'{escaped}'", f'{prefix}"""{escaped}"""', f"{prefix}'' {value!r}"))


def _spelled_items(rng: random.Random, value: Any) -> str:
    parts = [spelled(rng, item) for item in value]
    end = rng.choice(("", ",", " , "))
    if isinstance(value, list):
        return f"[{_joined(rng, parts)}{end if parts else ''}]"
    return f"({_joined(rng, parts)}{',' if len(parts) == 1 else end if parts else ''})"


def _spelled_set(rng: random.Random, value: Any) -> str:
    parts = [spelled(rng, item) for item in sorted(value, key=repr)]  # in an order that no hash seed changes
    parts += rng.sample(parts, len(parts) > 1)
    rng.shuffle(parts)
    inside = _joined(rng, parts)
    name = type(value).__name__
    if not parts:
        return rng.choice((f"{name}()", f"{name}([])", f"{name}(())"))
    forms = [f"{name}([{inside}])", f"{name}(({inside},))", f"{name}({{{inside}}})"]
    return rng.choice([*forms, f"{{{inside}}}"] if name == "set" else forms)


def _spelled_dict(rng: random.Random, value: Any) -> str:
    parts = [f"{spelled(rng, key)}{rng.choice((':', ' : ', ': '))}{spelled(rng, item)}" for key, item in value.items()]
    rng.shuffle(parts)
    return f"{{{_joined(rng, parts)}}}"


def _spelled_range(rng: random.Random, value: range) -> str:
    return rng.choice((repr(value), f"range({value.start}, {value.stop}, {value.step})"))


def _joined(rng: random.Random, parts: list[str]) -> str:
    return rng.choice((", ", ",", " ,  ")).join(parts)


_SPELLINGS: dict[type, Callable[[random.Random, Any], str]] = {
    int: _spelled_int, float: _spelled_float, str: _spelled_text, bytes: _spelled_text, list: _spelled_items,
    tuple: _spelled_items, set: _spelled_set, frozenset: _spelled_set, dict: _spelled_dict, range: _spelled_range,
    bytearray: lambda rng, value: f"bytearray({_spelled_text(rng, bytes(value))})",
    complex: lambda rng, value: f"complex({_spelled_float(rng, value.real)}, {_spelled_float(rng, value.imag)})",
}  # fmt: skip


def _value(literal: str) -> Any:
    return eval(literal)  # text of our own, written by Python


def _call_of(*positional: Any, **named: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return positional, named


def respelled_lines(rng: random.Random, task: ev.Task) -> list[str]:
    """The right answer in other words: every line is right."""
    right, by_name = _value(f"_call_of({task.program.arguments})")
    arguments = [spelled(rng, value) for value in right]
    named = [f"{name} = {spelled(rng, value)}" for name, value in by_name.items()]
    rng.shuffle(named)
    blank = rng.choice(("", " ", "  "))
    call = f"{task.program.entry_point}{blank}({blank}{_joined(rng, [*arguments, *named])}{blank})"
    lines = [f"assert {call}{blank}=={blank}{spelled(rng, _value(str(task.result.text)))}{rng.choice(('', '  # so', ' ;', ' '))}"]
    for question in task.questions:
        answer = rng.choice(question.answers)
        if question.kind == "variable_state" and answer != "Nil":
            text, kind = answer.rsplit("; ", 1)
            answer = f"{spelled(rng, _value(text))}{blank};{blank}{kind}"
        if question.kind == "variable_state":
            answer += rng.choice(("", "", "", ";", "."))
        lines.append(f"{blank}{answer}{blank}")
    return [_decorated(rng, line) for line in lines]


def _decorated(rng: random.Random, line: str) -> str:
    """A line as some models write it: between odd blanks, or in backticks."""
    if rng.random() < 0.1 and "`" not in line:
        ticks = rng.choice(("`", "``"))
        line = f"{ticks}{line}{ticks}"
    around = rng.choice(("\u200b", "\xa0", "\ufeff", "\u3000 \u2060")) if rng.random() < 0.1 else ""
    return f"{around}{line}{around}"


def respelled(rng: random.Random, task: ev.Task) -> str:
    """A completion that is right, and must earn everything."""
    lines = respelled_lines(rng, task)
    lines += ["and more"] * rng.randrange(2)
    lines = [*rng.choice(([], [""], ["```python"], ["```", " "], ["~~~"], ["~~~python3"])), *lines]
    lines += rng.choice(([], ["```"], ["", "\t"], ["~~~"]))
    before = rng.choice(("", "<answer>\nwrong\n</answer>\n", "<reasoning>so</reasoning>", "<answer>", "\ud800\x00", "\ufeff"))
    after = rng.choice(("", " done", "<answer>", "\n"))
    return f"{before}<answer>{rng.choice(_ENDS)}{rng.choice(_ENDS).join(lines)}\n</answer>{after}"


_ENDS = ("\n", "\r\n", "\n\n")


# ------------------------------------------------------------------------------------------------------------- the damage


def _gold(rng: random.Random, task: ev.Task) -> str:
    return task.gold if rng.random() < 0.5 else "<answer>\n" + "\n".join(respelled_lines(rng, task)) + "\n</answer>"


def noise(rng: random.Random) -> str:
    """Some characters or words."""
    sort = rng.choice((_PLAIN, _ODD, _TOKENS))
    return rng.choice(("", " ")).join(rng.choices(sort, k=rng.randrange(60)))


def _noise(rng: random.Random, task: ev.Task) -> str:
    text = noise(rng)
    return rng.choice((text, f"<answer>{text}</answer>", f"<answer>\n{task.assertion}\n{text}</answer>"))


def damaged_text(rng: random.Random, text: str) -> str:
    """Some characters changed, lines exchanged, or something huge put in."""
    sort = rng.random()
    if sort < 0.6:
        return _edited(rng, text)
    if sort < 0.8:
        lines = text.split("\n")
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[i] = rng.choice((lines[j], "", "```", "~~~", "```python", "Output:", f"Answer: {lines[j]}", f"`{lines[i]}`"))
        return "\n".join(lines)
    at = rng.randrange(len(text) + 1)
    count = rng.choice((2, 60, 200, 1_000)) if rng.random() < 0.98 else 20_000
    return text[:at] + rng.choice(_HUGE) * count + text[at:]


def _edited(rng: random.Random, text: str) -> str:
    """Some characters replaced, inserted or deleted."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(text) + 1)
        new = rng.choice(rng.choice((_PLAIN, _PLAIN, _ODD, text or " ")))
        text = text[:at] + rng.choice((new, "", new)) + text[at + rng.randrange(2) :]
    return text


def _flipped(rng: random.Random, task: ev.Task) -> str:
    return _edited(rng, _gold(rng, task))


def _bits(rng: random.Random, task: ev.Task) -> str:
    data = bytearray(_gold(rng, task).encode("utf-8", "surrogatepass"))
    for _ in range(rng.choice((1, 1, 2, 5))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    encoding, errors = rng.choice(
        (("utf-8", "replace"), ("utf-8", "surrogateescape"), ("latin-1", "strict"), ("utf-16-le", "replace"))
    )
    return data.decode(encoding, errors)


def _swapped(rng: random.Random, task: ev.Task) -> str:
    """Tokens of a right answer exchanged, doubled, dropped, or replaced."""
    tokens = re.findall(r"\w+|\s+|[^\w\s]", _gold(rng, task))
    for _ in range(rng.choice((1, 1, 2, 4))):
        i, j = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        tokens[i] = rng.choice((tokens[j], tokens[i] * 2, "", rng.choice(_TOKENS), random_literal(rng, 1)))
    return "".join(tokens)


def _spliced(rng: random.Random, task: ev.Task) -> str:
    first, second = _gold(rng, task), _gold(rng, rng.choice(tasks()))
    if rng.random() < 0.3:
        first, second = second, first
    return first[: rng.randrange(len(first) + 1)] + second[rng.randrange(len(second)) :]


def _tagged(rng: random.Random, task: ev.Task) -> str:
    """Tags put in, taken out, doubled."""
    parts = re.split("(</?answer>)", _gold(rng, task))
    for _ in range(rng.choice((1, 2, 3))):
        tag = rng.choice(
            ("<answer>", "</answer>", "<answer>", "</answer>", "<ANSWER>", "<answer >", "< answer>", "<reasoning>", "")
        )
        i = rng.randrange(len(parts))
        cut = rng.randrange(len(parts[i]) + 1)
        parts[i : i + 1] = [parts[i][:cut], tag, parts[i][cut:]] if rng.random() < 0.7 else [tag]
    return "".join(parts) + rng.choice(("", "", task.gold, "</answer>"))


def _stuffed(rng: random.Random, task: ev.Task) -> str:
    """Something deep or huge put in."""
    text = _gold(rng, task)
    at = rng.randrange(len(text) + 1)
    count = rng.choice((60, 70, 200, 1_000)) if rng.random() < 0.97 else rng.choice((5_000, 20_000, 100_000))
    return text[:at] + rng.choice(_HUGE) * count + text[at:]


def _relined(rng: random.Random, task: ev.Task) -> str:
    """Lines exchanged, doubled, dropped, or replaced by a constant or a random literal."""
    lines = respelled_lines(rng, task) if rng.random() < 0.5 else [task.assertion, *(q.answers[0] for q in task.questions)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        state = f"{random_literal(rng)}; {rng.choice(('int', 'list', 'complex', 'float', 'str'))}"
        lines[i] = rng.choice((lines[j], "", "Nil", "-1", state, f"x\n{lines[i]}"))
    return rng.choice(("<answer>\n", "<answer>")) + "\n".join(lines) + "</answer>"


def _answered(rng: random.Random, task: ev.Task) -> str:
    """Another result, or other arguments, in the right form."""
    literal = random_literal(rng) if rng.random() < 0.7 else _edited(rng, spelled(rng, _value(str(task.result.text))))
    call = (
        task.program.call
        if rng.random() < 0.8
        else f"{task.program.entry_point}({random_literal(rng)}, {random_literal(rng, 1)})"
    )
    return "\n".join(
        ["<answer>", f"assert {call} == {literal}", *(question.answers[0] for question in task.questions), "</answer>"]
    )


@lru_cache(maxsize=2_000)
def _attacks(task: int, family: int) -> list[str]:
    return [attack.completion for attack in HACK_FAMILIES[family].attacks(tasks()[task])]


def _attacked(rng: random.Random, task: ev.Task) -> str:
    """A known attack, mostly damaged; now and then one on another task."""
    number = tasks().index(task) if rng.random() < 0.9 else rng.randrange(len(tasks()))
    text = rng.choice(_attacks(number, rng.randrange(len(HACK_FAMILIES))) or [task.gold])
    return text if rng.random() < 0.2 else _edited(rng, text)


DAMAGE: tuple[Callable[[random.Random, ev.Task], str], ...] = (
    *(_noise, _bits, _swapped, _swapped, _spliced, _tagged, _stuffed, _relined, _relined),
    *(_answered, _answered, _attacked, respelled, _flipped, _flipped, _flipped),
)
"""Ways to make a completion; the commoner ones more than once."""
