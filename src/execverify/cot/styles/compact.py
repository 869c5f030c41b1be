"""The style `terse`: a line a step, in a notation of few tokens.

    call with nums=[5, 7], n=0
    L2#1: len(nums) -> 2; right = 2 - 1 -> 1
    L3#1: while 0 < 1 -> True
    L4#1: call g(a=1)
    L9#1: return 1 + 1 -> 2
    back L4#1: g(1) -> 2; n = 0 + 2 -> 2
    L3#2~7: n = 12
    L3#8: while 12 < 1 -> False

`L3#2` is line 3 for the 2nd time; `L3#2~7` are rounds of a loop that are not rendered, and what they change.
"""

from collections.abc import Iterable
from random import Random

from execverify.cot.styles.grouping import ClaimGroup, SourceInfo, grouping
from execverify.rewards.steps import claims as claim_types
from execverify.rewards.steps.claims import Bindings, Claim


def render(claims: Iterable[Claim], source_info: SourceInfo, rng: Random) -> str:
    """The claims as text; nothing is left to chance."""
    lines: list[str] = []
    keyword = "if"
    for clause in grouping(claims):
        match clause.claim:
            case claim_types.StepStarts(line=line, visit=visit):
                keyword = "while" if line in source_info.loops else "if"
                lines.append(f"L{line}#{visit}")
            case claim_types.StepResumes(line=line, visit=visit):
                lines.append(f"back L{line}#{visit}")
            case claim if isinstance(claim, _ALONE):
                lines.append(_alone(claim))
            case _:
                mark = "; " if ": " in lines[-1] else ": "
                lines[-1] += mark + _part(clause, keyword)
    return "\n".join(lines)


_ALONE = (
    claim_types.CallStarts,
    claim_types.RoundsSkipped,
    claim_types.WantedResult,
    claim_types.TriedCall,
    claim_types.Requirement,
    claim_types.ResultConfirmed,
    claim_types.NextStatementAnswer,
    claim_types.StateAnswer,
    claim_types.OtherAnswer,
    claim_types.NeverRunsAnswer,
)


def _part(clause: ClaimGroup, keyword: str) -> str:
    """A part of a step's line."""
    given = f"{clause.given.expression} " if clause.given else ""
    match clause.claim:
        case claim_types.ValueClaim(expression=expression, value=value):
            return f"{expression} -> {value}"
        case claim_types.VariableSet(name=name, value=value):
            return f"{name} = {given}-> {value}" if given else f"{name} = {value}"
        case claim_types.ConditionValue(holds=holds):
            return f"{keyword} {given}-> {holds}"
        case claim_types.FunctionReturned(value=value):
            return f"return {given}-> {value}" if given else f"return {value}"
        case claim_types.ComprehensionRound(names=names):
            return f"each {_named(names)}"
        case claim_types.SideEffect(text=text):
            return text
        case claim_types.VariableSize(name=name, size=size):
            return f"len({name}) = {size}"
        case claim_types.LoopExhausted():
            return "end"
        case claim_types.StepRaises(error=error, expression=expression):
            return "error" if error is None else f"{expression} raises {error}" if expression else f"raises {error}"
        case claim_types.SortKeys(name=name, text=text):
            return f"keys {name} -> {text}"
        case claim_types.FunctionEntered(function=function, arguments=arguments, in_detail=in_detail):
            return f"call {function}({_named(arguments)})" + ("" if in_detail else " ...")
    raise TypeError(f"a {type(clause.claim).__name__} is no part of a step")


def _alone(claim: Claim) -> str:
    """A line that is no step."""
    match claim:
        case claim_types.CallStarts(arguments=arguments):
            return f"call with {_named(arguments)}" if arguments else "call"
        case claim_types.RoundsSkipped(line=line, first=first, last=last, state=state):
            changed = "; ".join(f"{name} = {value}" for name, value in state)
            return f"L{line}#{first}~{last if last > first else ''}" + (f": {changed}" if changed else "")
        case claim_types.WantedResult(value=value):
            return f"want {value}"
        case claim_types.TriedCall(arguments=arguments, moments=moments, result=result):
            parts = [f"L{line}#{visit} {_named(names)}" for line, visit, names in moments]
            return "; ".join([f"try {_named(arguments)}", *parts, "error" if result is None else f"gives {result}"])
        case claim_types.Requirement(line=line, visit=visit, names=names):
            return f"need L{line}#{visit}: {_named(names)}"
        case claim_types.ResultConfirmed(value=value):
            return f"got {value}"
        case claim_types.NextStatementAnswer(line=line, visit=visit, next_line=following):
            return f"L{line}#{visit} next: " + ("nothing" if following is None else f"L{following}")
        case claim_types.StateAnswer(line=line, visit=visit, name=name, value=value):
            return f"L{line}#{visit} {name} = {value}"
        case claim_types.OtherAnswer(line=line, visit=visit, kind=kind, answer=answer):
            return f"L{line}#{visit} answer {kind}: {answer}"
        case claim_types.NeverRunsAnswer(line=line, visit=visit, count=count):
            return f"L{line}#{visit} never: {count} times"
    raise TypeError(f"a {type(claim).__name__} does not stand alone")


def _named(pairs: Bindings) -> str:
    return ", ".join(f"{name}={value}" for name, value in pairs)
