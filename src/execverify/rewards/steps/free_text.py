"""Grades reasoning in free words against the run of the task's program: any model, any style.

The claims that can be found with confidence (`execverify.rewards.steps.free_claims`) are compared with the run's record. A claim is
`wrong` only if it holds at no moment of the run, in no frame; `right` if it holds at the moment that the text is about, as far as the
text names one (a round of a loop), and else at some moment; all else is `unread`. Nothing of a completion runs.

>>> import execverify as ev
>>> task = ev.task(ev.trace(ev.Program("def f(n):\\n    n += 1\\n    return n * 2", arguments="3")), limit=0)
>>> steps = ev.grade_steps(task, "First n is 3. Then `n += 1` makes it 4, so n = 5. It returns 8.", style="free")
>>> [(step.text, str(step.verdict)) for step in steps]
[('n is 3', 'right'), ('n = 5', 'wrong'), ('returns 8', 'right')]
"""

import ast
import logging
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from execverify.errors import LiteralError
from execverify.programs.literals import parse_literal
from execverify.programs.program import split_lines, truncate
from execverify.programs.values import Value, to_value
from execverify.questions.question import ANSWER_OPEN
from execverify.rewards.steps.chain import GradedStep, StepVerdict
from execverify.rewards.steps.free_claims import (
    Found,
    LineFound,
    ResultFound,
    RoundsFound,
    Sentence,
    ValueFound,
    Vocabulary,
    sentences,
)
from execverify.rewards.steps.matching import literal_text, matches, parsed
from execverify.rewards.steps.reference import Loop, RunReference
from execverify.tracing.trace import Step
from execverify.utils.messages import count_phrase, encodable

_log = logging.getLogger(__name__)
_MAX_TEXT, _MAX_CLAIMS, _MAX_STEPS, _MAX_VALUES = 40_000, 300, 2_000, 200
"""Characters of a text that are read, claims of a text that are decided, steps of a run in which expressions are looked for,
and values of a variable whose items are."""
_CORRECTED = 6
"""How many sentences before a correction may be those that it takes back."""

Moments = list[tuple[int, str | None]]
"""Values with the indices of the steps at which they hold; None where a value has no literal."""


@dataclass(frozen=True, slots=True)
class GradedText:
    """Graded reasoning in free words.

    Attributes:
        steps: in order, each claim that was found, and each sentence without one (with the verdict `unread`).
        sentences: how many sentences, lines and table rows there are.
        read: how many of these have a claim that is right or wrong.
    """

    steps: tuple[GradedStep, ...]
    sentences: int
    read: int

    @property
    def right(self) -> int:
        """How many claims are right."""
        return sum(step.verdict == StepVerdict.RIGHT for step in self.steps)

    @property
    def wrong(self) -> int:
        """How many claims are wrong."""
        return sum(step.verdict == StepVerdict.WRONG for step in self.steps)

    @property
    def first_wrong(self) -> GradedStep | None:
        """The first wrong claim; None where none is."""
        return next((step for step in self.steps if step.verdict == StepVerdict.WRONG), None)

    @property
    def unread(self) -> float:
        """Share of sentences without a claim that is right or wrong, 0 to 1."""
        return 1 - self.read / self.sentences if self.sentences else 0.0


def reasoning_of(completion: str) -> str:
    """The part of a completion before its answer's tag; `[ANSWER]` is CRUXEval's."""
    end = max(completion.rfind(ANSWER_OPEN), completion.rfind("[ANSWER]"))
    return completion[:end] if end >= 0 else completion


def grade_text_against(run: RunReference, completion: str) -> GradedText:
    """Grades the reasoning of a completion against a given run; its answer in tags is left out."""
    text = reasoning_of(completion)[:_MAX_TEXT]
    try:
        facts = run.memo.get(("free",)) or _Facts(run)
        run.memo["free",] = facts
        return _Reader(facts, text).graded()
    except Exception as error:  # a mistake of ours, which must not end a batch
        _log.warning("a text could not be graded", exc_info=error)
        return GradedText((GradedStep(encodable(text), (0, len(text)), StepVerdict.UNREAD, "it cannot be graded"),), 1, 0)


# ---------------------------------------------------------------------------------------------------------------- the run


class _Facts:
    """What a run says of names, expressions, calls and loops at each moment."""

    def __init__(self, run: RunReference) -> None:
        self.run = run
        self.vocabulary = Vocabulary.of(run.program)
        self.lines = [line.strip() for line in split_lines(run.program.source)]
        self.compact_source = run.program.source.replace(" ", "")
        self.moments: dict[str, Moments] = {}
        self._expressions: dict[str, Moments] = {}
        first: dict[int, int] = {}
        for step in run.steps:
            if step.frame not in first:
                first[step.frame] = step.index
                self._note_names(step.index - 1, run.trace.frames[step.frame].state)
            self._note_names(step.index, step.state)
        for step in run.steps:
            for note in run.notes(step):
                node = note.node
                name = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else None
                if name is not None:
                    self.moments.setdefault(name, []).append((step.index, note.value.text))
            if self._is_incomplete(step):  # names of comprehensions may have had any value
                for name in frozenset().union(*run.expressions(step).bound.values()):
                    self.moments.setdefault(name, []).append((step.index, None))
        for moments in self.moments.values():
            moments.sort(key=_index)
        self.loops = {
            line: one.node for line, one in run.statements.items() if isinstance(one.node, ast.For | ast.While | ast.AsyncFor)
        }
        self.loop_targets: dict[str, set[int]] = {}
        unpacked: set[str] = set()
        for line, node in self.loops.items():
            if not isinstance(node, ast.While) and isinstance(node.target, ast.Name):
                self.loop_targets.setdefault(node.target.id, set()).add(line)
            elif not isinstance(node, ast.While):
                unpacked |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
        self.loop_targets = {name: lines for name, lines in self.loop_targets.items() if name not in unpacked}

    @cached_property
    def in_loop(self) -> list[bool]:
        """For each step, whether it is part of a round of a loop."""
        found = [False] * len(self.run.steps)
        for one in self.rounds:
            found[one.header.index : one.stop] = [True] * (one.stop - one.header.index)
        return found

    def _is_incomplete(self, step: Step) -> bool:
        """Whether values of a step's expressions may be missing from the record."""
        return step.index in self.run.values.cut or not self.run.values.notes

    def _note_names(self, index: int, state: Mapping[str, Value]) -> None:
        for name, value in state.items():
            self.moments.setdefault(name, []).append((index, value.text))

    def holds_elsewhere(self, claim: ValueFound, bound: str) -> bool:
        """Whether a claim about the first ("start") or last ("end") value of a variable of the only frame states another one."""
        moments = self.moments.get(claim.subject, []) if len(self.run.trace.frames) == 1 else []
        return bool(moments) and moments[0 if bound == "start" else -1][1] != claim.value

    def of(self, subject: str) -> Moments:
        """The moments of an expression's values."""
        if subject not in self._expressions:
            if len(self._expressions) >= _MAX_CLAIMS:
                self._expressions.clear()
            self._expressions[subject] = self._moments_of(subject)
        return self._expressions[subject]

    def _moments_of(self, subject: str) -> Moments:
        tree = parsed(subject)
        if tree is None:
            return []
        if isinstance(tree, ast.Name):
            return self.moments.get(tree.id, [])
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in self.vocabulary.functions:
            return self._calls(tree)
        if len(self.run.steps) > _MAX_STEPS:
            return []
        found = [pair for step in self.run.steps for pair in self._at_step(step, tree)]
        return sorted(found + self._items(tree), key=_index) if isinstance(tree, ast.Subscript) else found

    def _calls(self, call: ast.Call) -> Moments:
        """What calls of a function with these arguments returned."""
        given = [literal_text(argument) for argument in call.args]
        assert isinstance(call.func, ast.Name)
        found: Moments = []
        for number, frame in enumerate(self.run.trace.frames):
            if frame.function != call.func.id or number not in self.run.last or call.keywords:
                continue
            names = list(self.run.parameters(number))
            bindings = self.run.bindings(number)
            named = [argument.id for argument in call.args if isinstance(argument, ast.Name)]
            if given == [bindings.get(name) for name in names] or (named == names and len(self.run.trace.frames) == 1):
                found.append((self.run.last[number].index, self.run.returned(number)))
        return found

    def _at_step(self, step: Step, claimed: ast.expr) -> Iterator[tuple[int, str | None]]:
        """The values at a step of the statement's expressions that a claimed one can be."""
        line = self.run.expressions(step)
        nodes = {node for node in line.nodes if type(node) is type(claimed)}
        if not nodes or line.walrus:
            return
        if self._is_incomplete(step):
            yield step.index, None
        renewed = self.run.shared if self.run.ends[step.index] > step.index + 1 else frozenset()  # a call may bind them anew
        names = {name: value.text for name, value in self.run.before(step).items() if name not in renewed}
        inner: dict[str, str | None] = {}
        latest: dict[ast.AST, str | None] = {}

        def values_of(part: ast.expr) -> list[str]:
            if isinstance(part, ast.Name):
                text = inner[part.id] if part.id in line.bound.get(part, ()) and part.id in inner else names.get(part.id)
            else:
                text = latest.get(part) or literal_text(part)
            return [text] if text is not None else []

        noted = set()
        for note in self.run.notes(step):
            node = note.node
            if isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)):
                inner[node.arg if isinstance(node, ast.arg) else node.id] = note.value.text
                continue
            if node in nodes and isinstance(node, ast.expr) and matches(claimed, node, values_of, whole=True):
                noted.add(node)
                yield step.index, note.value.text
            latest[node] = note.value.text
        if line.operation in nodes and step.finished is not None and isinstance(line.target, ast.Name):
            after = step.state.get(line.target.id)
            if after is not None and line.operation is not None and matches(claimed, line.operation, values_of, whole=True):
                yield step.index, after.text
        test = self.run.node(step)
        if (
            isinstance(test, ast.If | ast.While)
            and test.test in nodes - noted
            and matches(claimed, test.test, values_of, whole=True)
        ):
            yield step.index, str(self.run.enters_body(step, test))

    def _items(self, tree: ast.Subscript) -> Moments:
        """The values of `name[key]` in the values of a name."""
        key = literal_text(tree.slice)
        if not isinstance(tree.value, ast.Name) or key is None:
            return []
        moments = self.moments.get(tree.value.id, [])
        items: dict[str | None, str | None] = {}
        for text in dict.fromkeys(text for _, text in moments):
            if len(items) > _MAX_VALUES:
                return []
            try:
                items[text] = to_value(parse_literal(text or "")[parse_literal(key)]).text  # type: ignore[index]
            except (LiteralError, LookupError, TypeError, ValueError):
                continue
        return [(index, items[text]) for index, text in moments if text in items]

    def returns(self, function: str | None) -> Moments:
        """What calls returned: of a function, of any function (""), of the entry call (None)."""
        return [
            (self.run.last[number].index, self.run.returned(number))
            for number, frame in enumerate(self.run.trace.frames)
            if number in self.run.last and (frame.function == function or function == "" or (function is None and number == 0))
        ]

    @cached_property
    def rounds(self) -> list["_Round"]:
        """All rounds of all loops."""
        found = []
        for line, node in self.loops.items():
            number = 0
            for header in self.run.trace.visits.get(line, ()):
                if not self.run.enters_body(header, node):
                    continue
                number = 1 if self.run.is_first_round(header, node) else number + 1
                before, stop = self.run.previous[header.index], self.run.end_of_round(header, node)
                last = next(index for index in range(stop - 1, -1, -1) if self.run.steps[index].frame == header.frame)
                found.append(_Round(header, number, before.index if before is not None else header.index - 1, last, stop))
        return found

    def round_counts(self) -> list[int]:
        """How many rounds the only loop ran; empty where there are several loops, or one ran several times."""
        nested = [node for node in self.run.program.nodes if isinstance(node, Loop)]
        if len(nested) != 1 or len(self.loops) != 1:
            return []
        ((line, node),) = self.loops.items()
        entries = sum(self.run.is_first_round(step, node) for step in self.run.trace.visits.get(line, ()))
        return [len(self.rounds)] if entries == 1 else []


@dataclass(frozen=True, slots=True)
class _Round:
    """A round of a loop: its header's step, its number from 1, the step before it, its last step, and the index after that.

    `before` and `last` are steps of the frame of the header.
    """

    header: Step
    number: int
    before: int
    last: int
    stop: int


# --------------------------------------------------------------------------------------------------------------- the text


@dataclass
class _Reader:
    """Reads the sentences of a text in order.

    Attributes:
        place: ranges of steps that the text is about; None where it names none.
        reached: for each variable, the step at which the text's last claim about it in this place holds.
        claims: how many have been decided.
    """

    facts: _Facts
    text: str
    place: list[tuple[int, int]] | None = None
    reached: dict[str, int] = field(default_factory=dict)
    claims: int = 0
    counts_from_zero: bool = field(init=False)
    numbers_are_known: bool = field(init=False)

    def graded(self) -> GradedText:
        """The text, graded."""
        found = list(sentences(self.text, self.facts.vocabulary))
        self.counts_from_zero = any(one.number == 0 for sentence in found for one in sentence.rounds)
        self.numbers_are_known = self._numbers_lines_as_the_source()
        graded: list[list[GradedStep]] = []
        for sentence in found:
            if sentence.is_correction:
                graded[-_CORRECTED:] = [[_taken_back(step) for step in steps] for steps in graded[-_CORRECTED:]]
            steps = self._sentence(sentence)
            graded.append(steps or [self._step(sentence.span, StepVerdict.UNREAD)])
        decided = [any(step.verdict != StepVerdict.UNREAD for step in steps) for steps in graded]
        return GradedText(tuple(step for steps in graded for step in steps), len(graded), sum(decided))

    def _sentence(self, sentence: Sentence) -> list[GradedStep]:
        anchors = [one for one in sentence.claims if isinstance(one, ValueFound) and one.subject in self.facts.loop_targets]
        if sentence.leaves_loop and not sentence.rounds and not anchors:
            self.place = None
        if sentence.rounds:
            (first, *more) = sentence.rounds
            number = first.number + self.counts_from_zero
            rounds = [one for one in self.facts.rounds if one.number == number]
            self.place = None if more else [(one.last if first.is_end else one.before, one.stop) for one in rounds]
            self.reached = {}
        if len(anchors) == 1:
            self._go_to(anchors[0])
        values = [one for one in sentence.claims if isinstance(one, ValueFound)] if not anchors and not sentence.rounds else []
        bounded = values[0 if sentence.bound == "start" else -1] if values and sentence.bound else None
        graded = []
        for claim in sentence.claims:
            if isinstance(claim, ResultFound) and any(
                one.span[0] <= claim.span[0] and claim.span[1] == one.span[1] for one in sentence.claims if one is not claim
            ):
                continue  # `f(3)` returns 4
            if claim in anchors:
                if len(anchors) > 1:
                    self._go_to(claim)
                verdict, why = self._verdict(claim, None)
            else:
                verdict, why = self._verdict(claim, self.place)
                if verdict == StepVerdict.RIGHT and claim is bounded and self.facts.holds_elsewhere(bounded, sentence.bound):
                    verdict, why = StepVerdict.UNREAD, "it holds at another moment"
            step = self._step(claim.span, verdict, why)
            if sentence.is_correction:
                step = _taken_back(step)
            graded.append(_taken_back(step, "the sentence may deny it") if sentence.is_doubtful else step)
        if len(anchors) > 1:
            self.place = None
        return graded

    def _go_to(self, anchor: Found) -> None:
        """Moves to the rounds in which a loop's variable has a value."""
        assert isinstance(anchor, ValueFound)
        lines = self.facts.loop_targets[anchor.subject]
        self.reached = {}
        self.place = [
            (one.before, one.stop)
            for one in self.facts.rounds
            if one.header.line in lines
            and (value := one.header.state.get(anchor.subject)) is not None
            and value.text == anchor.value
        ]

    def _step(self, span: tuple[int, int], verdict: StepVerdict, why: str = "") -> GradedStep:
        start, end = span
        text = self.text[start:end]
        start += len(text) - len(text.lstrip())
        return GradedStep(encodable(text.strip()), (start, start + len(text.strip())), verdict, encodable(why))

    def _verdict(self, claim: Found, place: list[tuple[int, int]] | None) -> tuple[StepVerdict, str]:
        facts = self.facts
        self.claims += 1
        if self.claims > _MAX_CLAIMS:
            return StepVerdict.UNREAD, "too many claims were found before"
        match claim:
            case ValueFound(subject=subject, value=value):
                return self._compare(facts.of(subject), value, place, subject, f"{subject}={value}")
            case ResultFound(function=function, value=value):
                moments = facts.returns(function)
                if (
                    function == ""
                    and len(moments) > 1
                    and value != facts.returns(None)[0][1]
                    and value in [text for _, text in moments]
                ):
                    return StepVerdict.UNREAD, "it does not say which call returns"
                return self._compare(moments, value, None, "what is returned", "" if function is None else f"return{value}")
            case RoundsFound(count=count):
                return self._compare(
                    [(0, str(one)) for one in facts.round_counts()], str(count), None, "the number of rounds", ""
                )
            case LineFound(line=line, runs=runs):
                visits = len(facts.run.trace.visits.get(line, ()))
                if not self.numbers_are_known or line not in facts.run.statements or (visits and not runs):
                    return StepVerdict.UNREAD, "the line cannot be placed"
                if bool(visits) == runs:
                    return StepVerdict.RIGHT, ""
                return StepVerdict.WRONG, f"line {line} runs {count_phrase(visits, 'time')}"

    def _compare(
        self, moments: Moments, value: str, place: list[tuple[int, int]] | None, what: str, quoted: str
    ) -> tuple[StepVerdict, str]:
        """The verdict on a claim that something has a value.

        Args:
            moments: its values in the run.
            value: the claimed one.
            place: where the text is; None for anywhere.
            what: it, as messages name it.
            quoted: a claim with these characters may be a quotation of the source, which is never wrong.
        """
        holds = [index for index, text in moments if text == value]
        if place is not None and not any(self.facts.in_loop[max(0, index)] for index, _ in moments):
            place = None  # it is about what no round computes
        if place is not None:
            found = [index for first, stop in place for index in _between(holds, max(first, self.reached.get(what, first)), stop)]
            self.reached[what] = min(found, default=self.reached.get(what, -1))
        if holds and (place is None or found):
            return StepVerdict.RIGHT, ""
        if holds:
            return StepVerdict.UNREAD, "it holds at another moment"
        texts = list(dict.fromkeys(text for _, text in moments))
        if not texts or None in texts or any(_is_alike(text or "", value) for text in texts):
            return StepVerdict.UNREAD, "it cannot be compared with the run"
        if quoted and quoted.replace(" ", "") in self.facts.compact_source:
            return StepVerdict.UNREAD, "it may quote the program"
        shown = " or ".join(truncate(text or "") for text in texts[:3]) + (" ..." if len(texts) > 3 else "")
        return StepVerdict.WRONG, f"{truncate(what)} is {shown}"

    def _numbers_lines_as_the_source(self) -> bool:
        """Whether the text quotes lines by the numbers that they have in the source, and none by another."""
        agreed = 0
        lines = self.facts.lines
        for found in _QUOTED_LINE.finditer(self.text):
            number, quoted = int(found[1][:6]), found[2]
            if 1 <= number <= len(lines) and len(lines[number - 1]) > 3 and quoted.startswith(lines[number - 1].rstrip(":")):
                agreed += 1
            elif any(len(line) > 3 and quoted.startswith(line.rstrip(":")) for line in lines):
                return False
        return agreed > 0


_QUOTED_LINE = re.compile(r"\b[Ll]ine (\d+)[^\w\n]{1,6}(?=([^\n]*))")


def _index(moment: tuple[int, str | None]) -> int:
    return moment[0]


def _between(indices: Sequence[int], first: int, stop: int) -> Sequence[int]:
    return indices[bisect_left(indices, first) : bisect_left(indices, stop)]


_CONTAINERS = (list, tuple, dict, set, frozenset)


def _is_alike(text: str, value: str) -> bool:
    """Whether two literals are equal but for types, such as `2` and `2.0`, or cannot be compared, as a list and a number."""
    try:
        one, other = parse_literal(text), parse_literal(value)
        if isinstance(one, _CONTAINERS) != isinstance(other, _CONTAINERS):
            return True
        return bool(one == other) or (
            isinstance(one, list | tuple) and isinstance(other, list | tuple) and list(one) == list(other)
        )
    except (LiteralError, RecursionError):
        return True


def _taken_back(step: GradedStep, why: str = "it is corrected") -> GradedStep:
    return replace(step, verdict=StepVerdict.UNREAD, why=why) if step.verdict == StepVerdict.WRONG else step
