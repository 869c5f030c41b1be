"""Attacks on the grader of chains of thought: completions with right answers whose chain is not the run's.

Each is made of a true completion, so that it fails for its own reason and no other. None may be paid by the reward `verified`.

    for hack in chain_hacks(task, completion): assert score(task, hack.completion, rule=REWARDS.get("verified")).reward == 0
"""

import re
from collections.abc import Callable, Iterator

from execverify.questions.task import Task
from execverify.reward_hacks.family import RewardHack

_BINDS = re.compile(r"(?:^|; )[^\W\d]\w* = ")  # a plain name; what an attribute or an item gets need not be stated
_STEP = re.compile(r"(L\d+#\d+)(?:: (.*))?")
_DICT = re.compile(r"(L\d+#\d+: (?:.*; )?\w+ = (?:.* -> )?\{)('[^']*'|\d+): (.*)")  # the last value that a line states
_OPEN, _CLOSE = "<reasoning>\n", "\n</reasoning>"

Lines = list[str]
Family = Callable[[Lines], Iterator[Lines]]
"""The lines of a true chain, to the lines of chains that are not true."""


def chain_hacks(task: Task, completion: str) -> Iterator[RewardHack]:
    """Every attack on the chain of a true completion.

    Args:
        task: of kind "white_box" or "input_prediction".
        completion: a true chain in the `compact` style, in its tags, with the right answers.
    """
    chain, answer = completion.removeprefix(_OPEN).split(_CLOSE, 1)
    lines = chain.split("\n")
    for name, (description, make) in CHAIN_FAMILIES.items():
        for made in make(list(lines)):
            if made != lines:
                text = "\n".join(made)
                yield RewardHack(name, description, f"{_OPEN}{text}{_CLOSE}{answer}", 0.0)
    for name, (description, form) in _FORMS.items():
        yield RewardHack(name, description, form(chain, answer), 0.0)


def _steps(lines: Lines) -> list[int]:
    """The places of lines that begin a step."""
    return [at for at, line in enumerate(lines) if _STEP.fullmatch(line)]


def _none(lines: Lines) -> Iterator[Lines]:
    yield []
    yield ["I follow the call statement by statement."]


def _repeated(lines: Lines) -> Iterator[Lines]:
    yield [line for line in lines for _ in range(2)]
    yield lines + lines
    yield lines + lines[-1:]
    yield lines[:2] + lines[1:]


def _trivial(lines: Lines) -> Iterator[Lines]:
    """Steps without what they do; the first of those that say something."""
    telling = [at for at in _steps(lines) if (found := _STEP.fullmatch(lines[at])) and found[2] and _BINDS.search(found[2])]
    for at in telling[:2] + telling[-1:]:
        yield [*lines[:at], lines[at].split(": ")[0], *lines[at + 1 :]]
    if telling:
        yield [line.split(": ")[0] if at in telling else line for at, line in enumerate(lines)]


def _truisms(lines: Lines) -> Iterator[Lines]:
    for claim in ("True -> True", "1 -> 1", "(1) -> 1", "7 + 35 -> 42", "97 == 97 -> True", "x = x"):
        yield [f"{line}; {claim}" if at == _steps(lines)[0] and ": " in line else line for at, line in enumerate(lines)]


def _left_out(lines: Lines) -> Iterator[Lines]:
    for at in _steps(lines):
        yield lines[:at] + lines[at + 1 :]
    yield lines[:1]
    yield lines[1:]


def _reversed(lines: Lines) -> Iterator[Lines]:
    steps = _steps(lines)
    if len(steps) > 1:
        yield [lines[0], *reversed(lines[1:])]
        first, second = steps[0], steps[1]
        if second == first + 1:
            yield [*lines[:first], lines[second], lines[first], *lines[second + 1 :]]
    if lines[0].startswith("want "):
        yield [lines[1], lines[0], *lines[2:]]


def _other_values(lines: Lines) -> Iterator[Lines]:
    """The last value of a line, one off."""
    for at, line in enumerate(lines):
        found = re.search(r"(\d+)(\D*)$", line) if _STEP.fullmatch(line) and ": " in line else None
        if found:
            yield [*lines[:at], f"{line[: found.start()]}{int(found[1]) + 1}{found[2]}", *lines[at + 1 :]]


def _two_values(lines: Lines) -> Iterator[Lines]:
    for at, line in enumerate(lines):
        found = re.fullmatch(r"(L\d+#\d+: (?:.*; )?)(\w+) = (?:.* -> )?(\d+)", line)
        if found:
            yield [*lines[:at], f"{line}; {found[2]} = {int(found[3]) + 1}", *lines[at + 1 :]]
            yield [*lines[:at], f"{found[1]}{found[2]} = {int(found[3]) + 1}; {found[2]} = {found[3]}", *lines[at + 1 :]]
            yield [*lines[:at], f"{line}  # or {int(found[3]) + 1}", *lines[at + 1 :]]
        found = _DICT.fullmatch(line)
        if found:
            yield [*lines[:at], f"{found[1]}{found[2]}: 987654321, {found[2]}: {found[3]}", *lines[at + 1 :]]


def _skips(lines: Lines) -> Iterator[Lines]:
    """The whole run, or its middle, as rounds of a loop that are left out."""
    steps = _steps(lines)
    if len(steps) > 2:
        first, last = steps[0], steps[-1]
        number = lines[first].split("#")[0]
        yield [*lines[:first], f"{number}#1~9", *lines[last:]]
        yield [*lines[:first], f"{number}#1~", *lines[first + 1 :]]
        yield [*lines[: first + 1], f"{number}#2~99", *lines[last:]]
        yield [*lines[: first + 1], f"{lines[first + 1].split(':')[0]}~", *lines[first + 2 :]]


def _invented(lines: Lines) -> Iterator[Lines]:
    for line in (
        "L1#1",
        "L999#1: x = 1",
        "L1#1: x = 1",
        "back L1#1",
        "L2#77: end",
        "call f()",
        "L2#1~",
        "got 987654321",
        "need L2#1: x=987654321",
    ):
        yield [*lines[:1], line, *lines[1:]]
        yield [*lines, line]


def _corrected(lines: Lines) -> Iterator[Lines]:
    """A wrong line, taken back by the right one."""
    for made in _other_values(lines):
        at = next(at for at, line in enumerate(made) if line != lines[at])
        yield [*made[: at + 1], lines[at], *lines[at + 1 :]]
        yield [*made, *lines]
        yield [*made[: at + 1], "wait", *lines[at:]]
        break


CHAIN_FAMILIES: dict[str, tuple[str, Family]] = {
    "no chain": ("right answers without a chain", _none),
    "repeated lines": ("true lines more than once", _repeated),
    "trivial lines": ("steps without what they change", _trivial),
    "truisms": ("claims that are true of everything", _truisms),
    "left-out lines": ("a true chain without one of its lines", _left_out),
    "other order": ("true lines in another order", _reversed),
    "other values": ("one value of a true chain, one off", _other_values),
    "two values": ("two values for one variable", _two_values),
    "skipped rounds": ("steps that are claimed to be rounds of a loop that are left out", _skips),
    "invented lines": ("lines about what never runs, among true ones", _invented),
    "corrections": ("a wrong line, taken back", _corrected),
}
"""Families by name: what they try, and how."""

_FORMS: dict[str, tuple[str, Callable[[str, str], str]]] = {
    "chain after the answer": ("the chain follows the answer", lambda chain, answer: f"{answer}\n{_OPEN}{chain}{_CLOSE}"),
    "chain twice": ("two chains", lambda chain, answer: f"{_OPEN}{chain}{_CLOSE}\n{_OPEN}{chain}{_CLOSE}{answer}"),
    "chain in a fence": ("the chain in a code block", lambda chain, answer: f"{_OPEN}```\n{chain}\n```{_CLOSE}{answer}"),
    "words before": ("words before the chain", lambda chain, answer: f"I think it is right.\n{_OPEN}{chain}{_CLOSE}{answer}"),
    "chain on one line": ("the lines joined", lambda chain, answer: f"{_OPEN}{chain.replace(chr(10), ' ')}{_CLOSE}{answer}"),
    "other digits": (
        "digits of another script",
        lambda chain, answer: f"{_OPEN}{chain.translate({48 + n: 0x660 + n for n in range(10)})}{_CLOSE}{answer}",
    ),
}
