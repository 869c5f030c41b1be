"""Reads the style `plain` back: from text to claims. It knows the words, and nothing of the run or of how the text was made."""

import re
from collections.abc import Iterator

from execverify.rewards.steps import claims
from execverify.rewards.steps.claims import Claim
from tests.oracles.cot.reading.text import (
    LINE,
    NAMED,
    ORDINAL,
    SPAN,
    Found,
    Pattern,
    Reader,
    Spans,
    bindings,
    number_of,
    place,
)


def _begins(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.StepStarts(*place(found))


def _resumes(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.StepResumes(*place(found))


def _starts(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.CallStarts(bindings(codes))


def _computed(found: Found, codes: Spans) -> Iterator[Claim]:
    name, expression, value = codes
    yield claims.ValueClaim(expression, value)
    yield claims.VariableSet(name, value)


def _sets(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.VariableSet(*codes)


def _gives(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.ValueClaim(codes[0], codes[1])


def _tests(found: Found, codes: Spans) -> Iterator[Claim]:
    holds = found[1] == "true"
    if codes:
        yield claims.ValueClaim(codes[0], str(holds))
    yield claims.ConditionValue(holds)
    if (found[2] in ("the loop goes on", "the branch is taken")) != holds:
        yield claims.ConditionValue(not holds)  # it says two things


def _returns(found: Found, codes: Spans) -> Iterator[Claim]:
    if len(codes) == 2:
        yield claims.ValueClaim(codes[0], codes[1])
    yield claims.FunctionReturned(codes[-1])


def _each(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.ComprehensionRound(bindings(codes))


def _does(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.SideEffect(codes[0])


def _sized(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.VariableSize(codes[0], int(found[1]))


def _exhausted(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.LoopExhausted()


def _fails(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.StepRaises()


def _raises(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.StepRaises(codes[-1], codes[0] if len(codes) == 2 else None)


def _keys(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.SortKeys(codes[0], codes[1])


def _enters(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.FunctionEntered(codes[0], bindings(codes[1:]), in_detail=found[1] is None)


def _skips(found: Found, codes: Spans) -> Iterator[Claim]:
    first = number_of(found[2])
    yield claims.RoundsSkipped(int(found[1]), first, number_of(found[3]) if found[3] else first, bindings(codes))


def _wants(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.WantedResult(codes[0])


def _tries(found: Found, codes: Spans) -> Iterator[Claim]:
    names = found[1].count(f"{SPAN} = {SPAN}")
    rest, moments = list(codes[2 * names :]), []
    for one in re.finditer(rf" After {LINE}: ({NAMED})\.", found[0]):
        count = 2 * one[3].count(f"{SPAN} = {SPAN}")
        moments.append((*place(one), bindings(rest[:count])))
        rest = rest[count:]
    yield claims.TriedCall(bindings(codes[: 2 * names]), tuple(moments), rest[0] if rest else None)


def _needs(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.Requirement(*place(found), bindings(codes))


def _confirms(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.ResultConfirmed(codes[0])


def _next(found: Found, codes: Spans) -> Iterator[Claim]:
    line = int(found[3]) if found[3] else None
    yield claims.NextStatementAnswer(*place(found), line, codes[0] if codes else None)


def _was(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.StateAnswer(*place(found), *codes)


def _other(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.OtherAnswer(*place(found), found[3].replace(" ", "_"), codes[0])


def _never(found: Found, codes: Spans) -> Iterator[Claim]:
    count = 0 if found[2] == "never runs" else 1 if found[2] == "runs once" else int(found[3])
    yield claims.NeverRunsAnswer(int(found[1]), number_of(found[4]), count)


_PATTERNS: list[Pattern] = [
    (rf"(?:The call starts|I try the call)(?: with {NAMED})?\.", _starts),
    (
        rf"Line (\d+) \({ORDINAL}(?: to {ORDINAL})? time\), in short: (?:nothing changes|afterwards § is §(?:, § is §)*(?: and § is §)?)\.",
        _skips,
    ),
    (rf"{LINE}:", _begins),
    (rf"Back in {LINE}:", _resumes),
    (r"Question \d+: ", lambda found, codes: iter(())),
    (rf"after {LINE} comes line (\d+), §\.", _next),
    (rf"after {LINE}, nothing runs\.()", _next),
    (rf"after {LINE}, § is §\.", _was),
    (rf"for {LINE}, the ([a-z ]+) is §\.", _other),
    (rf"line (\d+) (never runs|runs once|runs (\d+) times), so there is no {ORDINAL} time\.", _never),
    (r"The call must return §\.", _wants),
    (
        rf"A try with ({NAMED})\.(?: After {LINE}: {NAMED}\.)*(?: It fails with an error\.| The call returns §, which is not wanted\.)",
        _tries,
    ),
    (rf"For that, {LINE} can start from {NAMED}\.", _needs),
    (r"The call returns §, as it must\.", _confirms),
    (r" § becomes §, which is §\.", _computed),
    (r" § becomes §\.", _sets),
    (r" (?:§|The test) is (true|false), so (the loop goes on|the loop ends|the branch is taken|the branch is skipped)\.", _tests),
    (r" § is §\.", _gives),
    (r" It returns §(?:, which is §)?\.", _returns),
    (rf" For {NAMED}:", _each),
    (r" It runs §\.", _does),
    (r" § now has (\d+) items\.", _sized),
    (r" Nothing is left, so the loop ends\.", _exhausted),
    (r" It fails with an error\.", _fails),
    (r" (?:§|It) raises §\.", _raises),
    (r" The keys by § are §\.", _keys),
    (rf" It calls §(?: with {NAMED})?(, in short)?\.", _enters),
]

read = Reader(_PATTERNS).read
