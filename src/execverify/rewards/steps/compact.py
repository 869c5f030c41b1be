"""Parses the `compact` style of chains of thought: from a line to its claims. It knows the notation, and nothing of the run."""

import functools
import re
from collections.abc import Iterator

from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal
from execverify.rewards.steps import claims
from execverify.rewards.steps.claims import Bindings, Claim
from execverify.rewards.steps.scan import Unreadable, split_outside

_MAX_CACHED = 400  # characters
_STEP = re.compile(r"(back )?L([0-9]+)#([0-9]+)(?:: (.*))?")
_GAP = re.compile(r"L([0-9]+)#([0-9]+)~([0-9]*)(?:: (.*))?")
_NEED = re.compile(r"need L([0-9]+)#([0-9]+): (.*)")
_MOMENT = re.compile(r"L([0-9]+)#([0-9]+) (.*)")
_NEXT = re.compile(r"L([0-9]+)#([0-9]+) next: (?:L([0-9]+)|nothing)")
_WAS = re.compile(r"L([0-9]+)#([0-9]+) (\w+) = (.*)")
_OTHER = re.compile(r"L([0-9]+)#([0-9]+) answer (\w+): (.+)")
_NEVER = re.compile(r"L([0-9]+)#([0-9]+) never: ([0-9]+) times")
_SIZE = re.compile(r"len\((\w+)\) = ([0-9]+)")
_CALL = re.compile(r"call (\w+)\((.*)\)( \.\.\.)?")
_KEYS = re.compile(r"keys ([\w.]+) -> (\[.*\])")
_ERROR = re.compile(r"[^\W\d]\w*(?:: .+)?")
_EACH = re.compile(r"each ([^\W\d]\w*=.*)")
_TEST = re.compile(r"(?:if|while) (?:(.*) )?-> (True|False)")


_ANY_LINE = re.compile(r"^[ \t]*(?:call(?: with .*)?$|(?:back |need )?L[0-9]+#[0-9]+)", re.MULTILINE)


def is_compact(text: str) -> bool:
    """Whether any line of a text begins as a line of the style does; else it is free text."""
    return _ANY_LINE.search(text) is not None


def read(text: str) -> Iterator[Claim]:
    """The claims of a chain, in order.

    Raises:
        Unreadable: a line that is none of the style's.
    """
    for line in text.split("\n"):
        if line.strip():
            yield from read_line(line)


def read_line(line: str) -> tuple[Claim, ...]:
    """The claims of one line, in order. Lines come again with every completion of a group, and are cached.

    Raises:
        Unreadable: the line is not in the style.
    """
    return _cached(line) if len(line) <= _MAX_CACHED else tuple(_read(line))


@functools.lru_cache(maxsize=65_536)
def _cached(line: str) -> tuple[Claim, ...]:
    return tuple(_read(line))


def _read(line: str) -> Iterator[Claim]:
    if line == "call":
        yield claims.CallStarts(())
    elif line.startswith("call with "):
        yield claims.CallStarts(_bindings(line.removeprefix("call with ")))
    elif line.startswith("want "):
        yield claims.WantedResult(line.removeprefix("want "))
    elif line.startswith("got "):
        yield claims.ResultConfirmed(line.removeprefix("got "))
    elif line.startswith("try "):
        yield _tried(line.removeprefix("try "))
    elif found := _NEED.fullmatch(line):
        yield claims.Requirement(int(found[1]), int(found[2]), _bindings(found[3]))
    elif found := _NEXT.fullmatch(line):
        yield claims.NextStatementAnswer(int(found[1]), int(found[2]), int(found[3]) if found[3] else None)
    elif found := _OTHER.fullmatch(line):
        yield claims.OtherAnswer(int(found[1]), int(found[2]), found[3], found[4])
    elif found := _NEVER.fullmatch(line):
        yield claims.NeverRunsAnswer(int(found[1]), int(found[2]), int(found[3]))
    elif found := _GAP.fullmatch(line):
        first = int(found[2])
        sets = [_set(part) for part in split_outside(found[4], "; ")] if found[4] else []
        yield claims.RoundsSkipped(int(found[1]), first, int(found[3]) if found[3] else first, tuple(sets))
    elif found := _STEP.fullmatch(line):
        kind = claims.StepResumes if found[1] else claims.StepStarts
        yield kind(int(found[2]), int(found[3]))
        for part in split_outside(found[4], "; ") if found[4] else []:
            yield from _part(part)
    elif found := _WAS.fullmatch(line):
        yield claims.StateAnswer(int(found[1]), int(found[2]), found[3], found[4])
    else:
        raise Unreadable(f"no line of the notation: {line!r}")


def _tried(text: str) -> Claim:
    """`n=1; L2#1 m=2; gives 3`: a call that was tried."""
    arguments, *moments, end = split_outside(text, "; ")
    if end != "error" and not end.startswith("gives "):
        raise Unreadable(f"a try without its result: {text!r}")
    read = []
    for part in moments:
        found = _MOMENT.fullmatch(part)
        if found is None:
            raise Unreadable(f"no moment of a try: {part!r}")
        read.append((int(found[1]), int(found[2]), _bindings(found[3])))
    return claims.TriedCall(_bindings(arguments), tuple(read), None if end == "error" else end.removeprefix("gives "))


def _part(part: str) -> Iterator[Claim]:
    """The claims of one part of a line. A word of the notation may be a variable's name, too: `each = 3`."""
    left, *right = split_outside(part, " = ", 1)
    expression, *error = [None, part[7:]] if part.startswith("raises ") else split_outside(part, " raises ", 1)
    if error and _ERROR.fullmatch(error[0] or ""):
        yield claims.StepRaises(error[0], expression)
    elif right and left.isidentifier():
        yield from _valued(right[0], left, part)
    elif part == "end":
        yield claims.LoopExhausted()
    elif part == "error":
        yield claims.StepRaises()
    elif found := _KEYS.fullmatch(part):
        yield claims.SortKeys(found[1], found[2])
    elif found := _CALL.fullmatch(part):
        yield claims.FunctionEntered(found[1], _bindings(found[2]), in_detail=not found[3])
    elif found := _EACH.fullmatch(part):
        yield claims.ComprehensionRound(_bindings(found[1]))
    elif found := _SIZE.fullmatch(part):
        yield claims.VariableSize(found[1], int(found[2]))
    elif found := _TEST.fullmatch(part):
        if found[1]:
            yield claims.ValueClaim(found[1], found[2])
        yield claims.ConditionValue(found[2] == "True")
    elif part.startswith("return "):
        yield from _valued(part.removeprefix("return "), None)
    elif len(split_outside(part, " -> ")) == 2:
        expression, value = split_outside(part, " -> ")
        yield claims.ValueClaim(expression, value)
    else:
        yield claims.SideEffect(part)


def _valued(text: str, name: str | None, part: str = "") -> Iterator[Claim]:
    """`expression -> value` or a value alone, which a name is set to or a function returns."""
    *expression, value = split_outside(text, " -> ")
    if name is not None and not expression and not _is_literal(value):
        yield claims.SideEffect(part)
        return
    if expression:
        yield claims.ValueClaim(" -> ".join(expression), value)
    yield claims.FunctionReturned(value) if name is None else claims.VariableSet(name, value)


def _set(part: str) -> tuple[str, str]:
    name, mark, value = part.partition(" = ")
    if not mark or not name.isidentifier():
        raise Unreadable(f"no name with its value: {part!r}")
    return name, value


def _bindings(text: str) -> Bindings:
    pairs = []
    for part in split_outside(text, ", ") if text else []:
        name, mark, value = part.partition("=")
        if not mark or not name.isidentifier():
            raise Unreadable(f"no name with its value: {part!r}")
        pairs.append((name, value))
    return tuple(pairs)


def _is_literal(text: str) -> bool:
    try:
        parse_literal(text)
    except LiteralError:
        return False
    return True
