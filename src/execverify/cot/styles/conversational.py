"""The voice `talk`: somebody follows the program and thinks aloud. The words vary, by chance that the caller seeds.

Let me follow the call with `nums` = `[5, 7]` and `n` = `0`. Line 2 comes first: `len(nums)` is `2`, so I set `right` to
`2 - 1`, that is `1`.
On to line 3: `0 < 1` holds, so I go round the loop. Now line 4: this calls `g` with `a` = `1`, so I go in there.
"""

from collections.abc import Iterable, Sequence
from random import Random

from execverify.cot import claims
from execverify.cot.claims import Bindings, Claim
from execverify.cot.styles.grouping import ClaimGroup, SourceInfo, grouping
from execverify.cot.styles.text import capital, code, how_often, line_of, listed, named
from execverify.questions.question import ordinal

_STARTS = ("Let me follow the call", "I start the call", "Let me run the call in my head", "The call begins")
_TRIALS = ("Let me try the call", "So I try the call", "Let me see what happens in the call")
_HEADS = ("On {}: ", "Now {}: ", "Next is {}: ", "On to {}: ", "{}: ", "{} is next: ", "Then {}: ")
_FIRST_HEADS = ("{} comes first: ", "I begin with {}: ", "First {}: ")
_AGAIN = ("Back in {}: ", "That brings me back to {}: ", "So I am back in {}: ")
_GIVES = ("{} is {}", "{} gives {}", "{} comes out as {}", "{} works out to {}")
_SETS = ("{} becomes {}", "{} is now {}", "I set {} to {}", "that makes {} {}")
_COMPUTED = ("{} becomes {}, that is {}", "{} is now {}, which makes {}", "I set {} to {}, so {}")
_RUNS = ("I run {}", "{} happens here", "I carry out {}")
_HOLDS = ("{} holds", "{} is true")
_FAILS = ("{} does not hold", "{} is false")
_IN = {
    (True, True): ("so I go round the loop", "so the loop goes on", "so I stay in the loop"),
    (True, False): ("so the loop is over", "so I leave the loop", "so I am done with the loop"),
    (False, True): ("so I go into this branch", "so this branch runs", "so I take this branch"),
    (False, False): ("so I skip this branch", "so this branch does not run", "so I pass this branch by"),
}
_RETURNS = ("so it returns {}", "this returns {}", "I hand back {}")
_RETURNS_COMPUTED = ("this returns {}, that is {}", "I hand back {}, which makes {}")
_CALLS = ("this calls {}", "here {} is called", "I have to call {}")
_SHORT = "I only note what comes out"
_OVER = ("nothing is left to go through, so the loop is over", "there are no more items, so I leave the loop")
_ERRORS = ("this fails with an error", "here an error comes up")
_EACH = ("with {}", "for {}", "taking {}")
_SKIPS = ("I take {} of {} together: {}.", "I go quickly through {} of {}: {}.")
_WANTS = ("The result has to be {}.", "I am looking for arguments that give {}.", "I need the call to return {}.")
_NEEDS = ("Working backward, {} does it with {}.", "Before that, {} could have {}.", "For this, {} can work with {}.")
_CONFIRMS = ("The call returns {}, just as wanted.", "That is {}, the result I need.", "It gives {}, so these arguments work.")
_QUESTIONS = ("Question {}: ", "For question {}: ", "As for question {}: ")


def render(claims: Iterable[Claim], sheet: SourceInfo, rng: Random) -> str:
    """The claims as text."""
    return _Talk(sheet, rng).text(claims)


class _Talk:
    def __init__(self, sheet: SourceInfo, rng: Random) -> None:
        self.sheet = sheet
        self.rng = rng
        self.paragraphs: list[str] = []
        self.clauses: list[str] = []
        self.head = ""
        self.loop = False
        self.begun = False
        self.trial = False
        self.asked = 0

    def text(self, claims: Iterable[Claim]) -> str:
        for clause in grouping(claims):
            self.take(clause)
        self.end_sentence()
        return "\n".join(self.paragraphs)

    def one(self, phrases: Sequence[str], *parts: str) -> str:
        return self.rng.choice(phrases).format(*parts)

    def take(self, clause: ClaimGroup) -> None:
        match clause.claim:
            case claims.StepStarts(line=line, visit=visit):
                self.end_sentence()
                self.loop = line in self.sheet.loops
                heads = _HEADS if self.begun else _FIRST_HEADS
                self.head = capital(self.one(heads, line_of(line, visit)))
                self.begun = True
            case claims.StepResumes(line=line, visit=visit):
                self.end_sentence()
                self.head = self.one(_AGAIN, line_of(line, visit))
            case claim if isinstance(claim, _ALONE):
                self.end_sentence()
                self.paragraph(self.alone(claim))
            case _:
                self.clauses.append(self.part(clause))

    def end_sentence(self) -> None:
        """What has been gathered about a step becomes a sentence, or several."""
        if not self.head:
            return
        if not self.clauses:
            sentence = self.head.rstrip(": ") + "."
        else:
            sentence = self.head + self.joined(self.clauses) + "."
        self.paragraph(sentence)
        self.head = ""
        self.clauses = []

    def joined(self, parts: Sequence[str]) -> str:
        out = parts[0]
        for place, part in enumerate(parts[1:], start=2):
            out += (self.rng.choice((", and ", "; ", ", then ")) if place == len(parts) else ", ") + part
        return out

    def paragraph(self, sentence: str) -> None:
        """A sentence goes on the paragraph before it, while that is short."""
        if self.paragraphs and len(self.paragraphs[-1]) + len(sentence) < 240 and self.rng.random() < 0.8:
            self.paragraphs[-1] += " " + sentence
        else:
            self.paragraphs.append(sentence)

    def part(self, clause: ClaimGroup) -> str:
        """What is said of a step."""
        given = code(clause.given.expression) if clause.given else None
        match clause.claim:
            case claims.ValueClaim(expression=expression, value=value):
                return self.one(_GIVES, code(expression), code(value))
            case claims.VariableSet(name=name, value=value):
                if given:
                    return self.one(_COMPUTED, code(name), given, code(value))
                return self.one(_SETS, code(name), code(value))
            case claims.ConditionValue(holds=holds):
                return f"{self.one(_HOLDS if holds else _FAILS, given or 'the test')}, {self.one(_IN[self.loop, holds])}"
            case claims.FunctionReturned(value=value):
                return self.one(_RETURNS_COMPUTED, given, code(value)) if given else self.one(_RETURNS, code(value))
            case claims.ComprehensionRound(names=names):
                return self.one(_EACH, named(names))
            case claims.SideEffect(text=text):
                return self.one(_RUNS, code(text))
            case claims.VariableSize(name=name, size=size):
                return f"{code(name)} has {size} items by now"
            case claims.LoopExhausted():
                return self.one(_OVER)
            case claims.StepRaises():
                return self.one(_ERRORS)
            case claims.FunctionEntered(function=function, arguments=arguments, told=told):
                call = self.one(_CALLS, code(function)) + self.given_with(arguments)
                return call if told else f"{call}, {_SHORT}"
        raise TypeError(f"a {type(clause.claim).__name__} is no part of a step")

    def given_with(self, arguments: Bindings) -> str:
        return f" with {named(arguments)}" if arguments else ""

    def alone(self, claim: Claim) -> str:
        """A sentence that is about no single step."""
        match claim:
            case claims.CallStarts(arguments=arguments):
                return f"{self.one(_TRIALS if self.trial else _STARTS)}{self.given_with(arguments)}."
            case claims.RoundsSkipped(line=line, first=first, last=last, state=state):
                times = f"the {ordinal(first)} round" if first == last else f"rounds {first} to {last}"
                after = (
                    listed([f"{code(name)} ends up as {code(value)}" for name, value in state]) if state else "nothing changes"
                )
                return self.one(_SKIPS, times, f"line {line}", after)
            case claims.WantedResult(value=value):
                self.trial = True
                return self.one(_WANTS, code(value))
            case claims.Requirement(line=line, visit=visit, names=names):
                return self.one(_NEEDS, line_of(line, visit), named(names))
            case claims.ResultConfirmed(value=value):
                return self.one(_CONFIRMS, code(value))
            case claims.NextStatementAnswer() | claims.StateAnswer() | claims.NeverRunsAnswer():
                self.asked += 1
                return self.one(_QUESTIONS, str(self.asked)) + self.answer(claim)
        raise TypeError(f"a {type(claim).__name__} does not stand alone")

    def answer(self, claim: claims.NextStatementAnswer | claims.StateAnswer | claims.NeverRunsAnswer) -> str:
        where = line_of(claim.line, claim.visit)
        match claim:
            case claims.NextStatementAnswer(next_line=None):
                return f"nothing more runs after {where}."
            case claims.NextStatementAnswer(next_line=int(following)):
                words = ("after {} I came to line {}, {}.", "{} was followed by line {}, {}.")
                return self.one(words, where, str(following), code(self.sheet.texts[following]))
            case claims.StateAnswer(name=name, value=value):
                return self.one(("after {}, {} was {}.", "{} left {} at {}."), where, code(name), code(value))
            case claims.NeverRunsAnswer(line=line, visit=visit, count=count):
                return f"line {line} {how_often(count)}, so a {ordinal(visit)} time never comes."
        raise TypeError(f"a {type(claim).__name__} answers nothing")


_ALONE = (
    claims.CallStarts,
    claims.RoundsSkipped,
    claims.WantedResult,
    claims.Requirement,
    claims.ResultConfirmed,
    claims.NextStatementAnswer,
    claims.StateAnswer,
    claims.NeverRunsAnswer,
)
