"""The voice `terse`: a line a step, in a notation of few tokens.

    call f(nums=[5, 7], n=0)
    L2#1: len([5, 7]) -> 2; right = 2 - 1 -> 1
    L3#1: while 0 < 1 -> True
    L4#1: call g(a=1)
    L9#1: return 1 + 1 -> 2
    back L4#1: g(1) -> 2; n = 0 + 2 -> 2
    L3#2~7: n = 12
    L3#8: end
"""

from collections.abc import Iterable

from execverify.datasets.chains import claims as said
from execverify.datasets.chains.claims import Bindings, Claim


def worded(claims: Iterable[Claim], keyword: dict[int, str]) -> str:
    """The claims as text. `keyword` holds `if` or `while` of each line that tests."""
    lines: list[str] = []
    parts: list[str] = []
    head = ""
    line = 0
    before: Claim | None = None

    def flush() -> None:
        nonlocal head
        if head or parts:
            lines.append(f"{head}: {'; '.join(parts)}" if head and parts else head or "; ".join(parts))
        head = ""
        parts.clear()

    for claim in claims:
        match claim:
            case said.Begins(line=line, visit=visit):
                flush()
                head = f"L{line}#{visit}"
            case said.Resumes(line=line, visit=visit):
                flush()
                head = f"back L{line}#{visit}"
            case said.Skips(line=at, first=first, last=last, state=state):
                flush()
                head = f"L{at}#{first}~{last}" if last > first else f"L{at}#{first}~"
                parts.extend(f"{name} = {value}" for name, value in state)
                flush()
            case said.Starts(arguments=arguments):
                lines.append(f"call with {_named(arguments)}" if arguments else "call")
            case said.Wants(value=value):
                lines.append(f"want {value}")
            case said.Needs(line=at, visit=visit, names=names):
                lines.append(f"need L{at}#{visit}: {_named(names)}")
            case said.Confirms(value=value):
                flush()
                lines.append(f"got {value}")
            case said.Next() | said.Was() | said.Never():
                flush()
                lines.append(_answer(claim))
            case _:
                _add(parts, claim, before, keyword.get(line, "if"))
        before = claim
    flush()
    return "\n".join(lines)


def _add(parts: list[str], claim: Claim, before: Claim | None, keyword: str) -> None:
    """One more part of a line; what only repeats the value given just before joins it."""
    given = before.value if isinstance(before, said.Gives) and parts else None
    match claim:
        case said.Gives(expression=expression, value=value):
            parts.append(f"{expression} -> {value}")
        case said.Sets(name=name, value=value):
            if given == value:
                parts[-1] = f"{name} = {parts[-1]}"
            else:
                parts.append(f"{name} = {value}")
        case said.Tests(holds=holds):
            if given == str(holds):
                parts[-1] = f"{keyword} {parts[-1]}"
            else:
                parts.append(f"{keyword} -> {holds}")
        case said.Leaves(value=value):
            if given == value:
                parts[-1] = f"return {parts[-1]}"
            else:
                parts.append(f"return {value}")
        case said.Each(names=names):
            parts.append(f"each {_named(names)}")
        case said.Does(text=text):
            parts.append(text)
        case said.Sized(name=name, size=size):
            parts.append(f"len({name}) = {size}")
        case said.Exhausted():
            parts.append("end")
        case said.Fails():
            parts.append("error")
        case said.Enters(function=function, arguments=arguments, told=told):
            parts.append(f"call {function}({_named(arguments)})" + ("" if told else " ..."))


def _named(pairs: Bindings) -> str:
    return ", ".join(f"{name}={value}" for name, value in pairs)


def _answer(claim: said.Next | said.Was | said.Never) -> str:
    match claim:
        case said.Next(line=line, visit=visit, next_line=None):
            return f"L{line}#{visit} next: nothing"
        case said.Next(line=line, visit=visit, next_line=following):
            return f"L{line}#{visit} next: L{following}"
        case said.Was(line=line, visit=visit, name=name, value=value):
            return f"L{line}#{visit} {name} = {value}"
        case said.Never(line=line, visit=visit, count=count):
            return f"L{line}#{visit} never: {count} times"

