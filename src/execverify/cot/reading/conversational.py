"""Reads the voice `talk` back: from text to claims. It knows the words, and nothing of the run or of how the text was made."""

from collections.abc import Iterator

from execverify.cot import claims
from execverify.cot.claims import Claim
from execverify.cot.reading.text import (
    LINE,
    NAMED,
    ORDINAL,
    Found,
    Pattern,
    Reader,
    Spans,
    bindings,
    number_of,
    place,
)


def _nothing(found: Found, codes: Spans) -> Iterator[Claim]:
    return iter(())


def _starts(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.CallStarts(bindings(codes))


def _begins(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.StepStarts(*place(found))


def _resumes(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.StepResumes(*place(found))


def _gives(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.ValueClaim(codes[0], codes[1])


def _sets(found: Found, codes: Spans) -> Iterator[Claim]:
    name, *expression, value = codes
    if expression:
        yield claims.ValueClaim(expression[0], value)
    yield claims.VariableSet(name, value)


def _tests(found: Found, codes: Spans) -> Iterator[Claim]:
    holds = found[1] in ("holds", "is true")
    if codes:
        yield claims.ValueClaim(codes[0], str(holds))
    yield claims.ConditionValue(holds)
    if (found[2] in _WHERE_IT_HOLDS) != holds:
        yield claims.ConditionValue(not holds)  # it says two things


_WHERE_IT_HOLDS = (
    "I go round the loop", "the loop goes on", "I stay in the loop", "I go into this branch", "this branch runs", "I take this branch",
)  # fmt: skip
_WHERE_NOT = (
    "the loop is over", "I leave the loop", "I am done with the loop", "I skip this branch", "this branch does not run",
    "I pass this branch by",
)  # fmt: skip


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


def _enters(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.FunctionEntered(codes[0], bindings(codes[1:]), told=found[1] is None)


def _skips(found: Found, codes: Spans) -> Iterator[Claim]:
    first, last = (number_of(found[1]),) * 2 if found[1] else (int(found[2]), int(found[3]))
    yield claims.RoundsSkipped(int(found[4]), first, last, bindings(codes))


def _wants(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.WantedResult(codes[0])


def _needs(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.Requirement(*place(found), bindings(codes))


def _confirms(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.ResultConfirmed(codes[0])


def _next(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.NextStatementAnswer(*place(found), int(found[3]), codes[0])


def _last(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.NextStatementAnswer(*place(found), None)


def _was(found: Found, codes: Spans) -> Iterator[Claim]:
    yield claims.StateAnswer(*place(found), *codes)


def _never(found: Found, codes: Spans) -> Iterator[Claim]:
    count = 0 if found[2] == "never runs" else 1 if found[2] == "runs once" else int(found[3])
    yield claims.NeverRunsAnswer(int(found[1]), number_of(found[4]), count)


_CHANGES = r"§ ends up as §(?:, § ends up as §)*(?: and § ends up as §)?"
_TURNS = rf"(?:the {ORDINAL} round|rounds (\d+) to (\d+))"
_ENDS = "|".join((*_WHERE_IT_HOLDS, *_WHERE_NOT))
_PATTERNS: list[Pattern] = [
    (
        r"(?:(?:Let me follow|I start|Let me try|So I try|Let me see what happens in) the call|The call begins|"
        rf"Let me run the call in my head)(?: with {NAMED})?\.",
        _starts,
    ),
    (rf"I (?:take|go quickly through) {_TURNS} of line (\d+)(?: together)?: (?:nothing changes|{_CHANGES})\.", _skips),
    (rf"(?:Back in|That brings me back to|So I am back in) {LINE}(?:: |\.)", _resumes),
    (r"(?:(?:For|As for) )?question \d+: ", _nothing),
    (r"(?:The result has to be|I am looking for arguments that give|I need the call to return) §\.", _wants),
    (rf"(?:Working backward|Before that|For this), {LINE} (?:does it with|could have|can work with) {NAMED}\.", _needs),
    (r"(?:The call returns §, just as wanted|That is §, the result I need|It gives §, so these arguments work)\.", _confirms),
    (rf"after {LINE} I came to line (\d+), §\.", _next),
    (rf"{LINE} was followed by line (\d+), §\.", _next),
    (rf"nothing more runs after {LINE}\.", _last),
    (rf"(?:after {LINE}, § was §)\.", _was),
    (rf"{LINE} left § at §\.", _was),
    (rf"line (\d+) (never runs|runs once|runs (\d+) times), so a {ORDINAL} time never comes\.", _never),
    (rf"(?:(?:On|Now|Next is|On to|Then|First|I begin with) )?{LINE}(?: is next| comes first)?(?:: |\.)", _begins),
    (rf"(?:§|the test) (holds|is true|does not hold|is false), so ({_ENDS})", _tests),
    (r"(?:§ becomes §, that is §|§ is now §, which makes §|I set § to §, so §)(?!§)", _sets),
    (r"(?:§ becomes §|§ is now §|I set § to §|that makes § §)", _sets),
    (r"§ (?:is|gives|comes out as|works out to) §", _gives),
    (r"(?:this returns §, that is §|I hand back §, which makes §)", _returns),
    (r"(?:so it returns §|this returns §|I hand back §)", _returns),
    (rf"(?:this calls §|here § is called|I have to call §)(?: with {NAMED})?(, I only note what comes out)?", _enters),
    (rf"(?:with|for|taking) {NAMED}", _each),
    (r"(?:I run §|§ happens here|I carry out §)", _does),
    (r"§ has (\d+) items by now", _sized),
    (r"(?:nothing is left to go through, so the loop is over|there are no more items, so I leave the loop)", _exhausted),
    (r"(?:this fails with an error|here an error comes up)", _fails),
    (r"(?:, and |; |, then |, |\. ?| )", _nothing),
]

read = Reader(_PATTERNS).read
