"""The style `plain`: short sentences, always the same words for the same thing.

The call starts with `nums` = `[5, 7]` and `n` = `0`.
Line 2: `len(nums)` is `2`. `right` becomes `2 - 1`, which is `1`.
Line 3: `0 < 1` is true, so the loop goes on.
Line 4: It calls `g` with `a` = `1`.
Line 9: It returns `1 + 1`, which is `2`.
Back in line 4: `g(1)` is `2`. `n` becomes `0 + 2`, which is `2`.
"""

from collections.abc import Iterable
from random import Random

from execverify.cot.styles.grouping import ClaimGroup, SourceInfo, grouping
from execverify.cot.styles.text import capital, code, how_often, line_of, named
from execverify.questions.question import ordinal
from execverify.rewards.steps import claims as claim_types
from execverify.rewards.steps.claims import Claim


def render(claims: Iterable[Claim], source_info: SourceInfo, rng: Random) -> str:
    """The claims as text; nothing is left to chance."""
    lines: list[str] = []
    loop = False
    trial = False
    asked = 0
    for clause in grouping(claims):
        match clause.claim:
            case claim_types.StepStarts(line=line, visit=visit):
                loop = line in source_info.loops
                lines.append(capital(line_of(line, visit)) + ":")
            case claim_types.StepResumes(line=line, visit=visit):
                lines.append(f"Back in {line_of(line, visit)}:")
            case claim_types.CallStarts(arguments=arguments):
                begin = "I try the call" if trial else "The call starts"
                lines.append(f"{begin} with {named(arguments)}." if arguments else f"{begin}.")
            case (
                claim_types.NextStatementAnswer()
                | claim_types.StateAnswer()
                | claim_types.OtherAnswer()
                | claim_types.NeverRunsAnswer()
            ):
                asked += 1
                lines.append(f"Question {asked}: {_answer(clause.claim, source_info)}")
            case (
                claim_types.WantedResult()
                | claim_types.TriedCall()
                | claim_types.Requirement()
                | claim_types.ResultConfirmed()
                | claim_types.RoundsSkipped()
            ):
                trial = True
                lines.append(_alone(clause.claim))
            case _:
                lines[-1] += " " + _sentence(clause, loop)
    return "\n".join(lines)


def _sentence(clause: ClaimGroup, loop: bool) -> str:
    given = code(clause.given.expression) if clause.given else None
    match clause.claim:
        case claim_types.ValueClaim(expression=expression, value=value):
            return f"{code(expression)} is {code(value)}."
        case claim_types.VariableSet(name=name, value=value):
            return f"{code(name)} becomes {given}, which is {code(value)}." if given else f"{code(name)} becomes {code(value)}."
        case claim_types.ConditionValue(holds=holds):
            return f"{given or 'The test'} is {'true' if holds else 'false'}, so {_outcome(holds, loop)}."
        case claim_types.FunctionReturned(value=value):
            return f"It returns {given}, which is {code(value)}." if given else f"It returns {code(value)}."
        case claim_types.ComprehensionRound(names=names):
            return f"For {named(names)}:"
        case claim_types.SideEffect(text=text):
            return f"It runs {code(text)}."
        case claim_types.VariableSize(name=name, size=size):
            return f"{code(name)} now has {size} items."
        case claim_types.LoopExhausted():
            return "Nothing is left, so the loop ends."
        case claim_types.StepRaises(error=None):
            return "It fails with an error."
        case claim_types.StepRaises(error=str(error), expression=expression):
            return f"{code(expression) if expression else 'It'} raises {code(error)}."
        case claim_types.SortKeys(name=name, text=text):
            return f"The keys by {code(name)} are {code(text)}."
        case claim_types.FunctionEntered(function=function, arguments=arguments, in_detail=in_detail):
            given_with = f" with {named(arguments)}" if arguments else ""
            return f"It calls {code(function)}{given_with}" + ("." if in_detail else ", in short.")
    raise TypeError(f"a {type(clause.claim).__name__} is no part of a step")


def _outcome(holds: bool, loop: bool) -> str:
    if loop:
        return "the loop goes on" if holds else "the loop ends"
    return "the branch is taken" if holds else "the branch is skipped"


def _alone(claim: Claim) -> str:
    match claim:
        case claim_types.RoundsSkipped(line=line, first=first, last=last, state=state):
            times = f"{ordinal(first)} time" if first == last else f"{ordinal(first)} to {ordinal(last)} time"
            after = f"afterwards {named(state, 'is')}" if state else "nothing changes"
            return f"Line {line} ({times}), in short: {after}."
        case claim_types.WantedResult(value=value):
            return f"The call must return {code(value)}."
        case claim_types.TriedCall(arguments=arguments, moments=moments, result=result):
            parts = [f"After {line_of(line, visit)}: {named(names)}." for line, visit, names in moments]
            end = "It fails with an error." if result is None else f"The call returns {code(result)}, which is not wanted."
            return " ".join([f"A try with {named(arguments)}.", *parts, end])
        case claim_types.Requirement(line=line, visit=visit, names=names):
            return f"For that, {line_of(line, visit)} can start from {named(names)}."
        case claim_types.ResultConfirmed(value=value):
            return f"The call returns {code(value)}, as it must."
    raise TypeError(f"a {type(claim).__name__} does not stand alone")


def _answer(
    claim: claim_types.NextStatementAnswer | claim_types.StateAnswer | claim_types.OtherAnswer | claim_types.NeverRunsAnswer,
    source_info: SourceInfo,
) -> str:
    where = line_of(claim.line, claim.visit)
    match claim:
        case claim_types.NextStatementAnswer(next_line=None):
            return f"after {where}, nothing runs."
        case claim_types.NextStatementAnswer(next_line=int(following)):
            return f"after {where} comes line {following}, {code(source_info.texts[following])}."
        case claim_types.StateAnswer(name=name, value=value):
            return f"after {where}, {code(name)} is {code(value)}."
        case claim_types.OtherAnswer(kind=kind, answer=answer):
            return f"for {where}, the {kind.replace('_', ' ')} is {code(answer)}."
        case claim_types.NeverRunsAnswer(line=line, visit=visit, count=count):
            return f"line {line} {how_often(count)}, so there is no {ordinal(visit)} time."
    raise TypeError(f"a {type(claim).__name__} answers nothing")
