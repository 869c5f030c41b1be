"""Grades the chain of thought in a completion, line by line, against the run of the task's program.

A chain in free words is graded by `execverify.rewards.steps.free_text`. Any other is read in the `compact` style
(`docs/chain-of-thought.md`). Each line claims which step runs next, what its expressions are, and what it changes. A line is right only
if all that it claims holds in the run, if it describes the step that runs next, and if it states what a line about that step must state:
new values of variables, the outcome of a test, the value that a call returns. Rounds of a loop after its first may be skipped where the
line states what they change, and calls where the line states what they return. What a question asks about may not be skipped, nor may
what runs for the first time: each line, with the line that follows it, must have been described before.

>>> import execverify as ev
>>> task = ev.task(ev.trace(ev.Program("def f(n):\\n    n += 1\\n    return n", arguments="3")), limit=0)
>>> chain = "<reasoning>\\ncall with n=3\\nL2#1: n = 3 + 1 -> 5\\nL3#1: return 5\\n</reasoning>"
>>> [(step.text, str(step.verdict)) for step in grade_steps(task, chain)]
[('call with n=3', 'right'), ('L2#1: n = 3 + 1 -> 5', 'wrong'), ('L3#1: return 5', 'wrong')]
"""

import ast
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from execverify.errors import LiteralError, ProgramError, QuestionError, SandboxError
from execverify.programs.program import Program, arguments_text, truncate
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.question import ANSWER_CLOSE, ANSWER_OPEN, BLANKS
from execverify.questions.task import TASK_KINDS, Task
from execverify.rewards.guard import described
from execverify.rewards.parse import parse_assertion, parse_input_answer
from execverify.rewards.steps import claims
from execverify.rewards.steps.chain import GradedChain, GradedStep, StepVerdict
from execverify.rewards.steps.claims import Bindings, Claim
from execverify.rewards.steps.compact import read_line
from execverify.rewards.steps.free_text import GradedText, grade_text_against
from execverify.rewards.steps.matching import canonical
from execverify.rewards.steps.reference import SHORT, RunReference, references_of
from execverify.rewards.steps.scan import Unreadable
from execverify.rewards.steps.step_claims import PART_CLAIMS, Fault, OpenStep, StepClaims, step_name, wrong
from execverify.sandbox.result import Limits
from execverify.tracing.trace import Step
from execverify.utils.messages import count_phrase, encodable
from execverify.utils.validation import expect

_log = logging.getLogger(__name__)
_LIMITS = Limits()
_Tried = Mapping[Bindings, RunReference | None]
REASONING_OPEN, REASONING_CLOSE = "<reasoning>", "</reasoning>"
_MAX_LINE, _MAX_LINES = 20_000, 20_000
_MAX_CLAIMS, _MAX_WRONG_LINES = 1_000, 200
_STATEMENT_KINDS: dict[type[ast.AST], str] = {
    ast.Assign: "assignment", ast.AnnAssign: "assignment", ast.AugAssign: "assignment", ast.Expr: "expression",
    ast.ExceptHandler: "except",
}  # fmt: skip
MAX_TRIES = 3
"""Most calls that a chain of an input prediction may try before the one that it describes."""

_ANSWERED_KINDS: dict[type[Claim], str] = {claims.NextStatementAnswer: "next_statement", claims.StateAnswer: "variable_state"}
_CALL_LINE = re.compile(r"^[ \t]*call with (.*)$", re.MULTILINE)


STYLES = ("compact", "free")
"""The styles of reasoning that `grade_steps` reads."""


def grade_steps(task: Task, completion: str, *, style: str = "compact", limits: Limits = _LIMITS) -> tuple[GradedStep, ...]:
    """The reasoning in a completion, in parts that are graded against the run of the task's program.

    Args:
        task: of kind "white_box" or "input_prediction".
        completion: the model's text. The text inside `<answer>` is not graded here.
        style: "compact" grades each line as a line of that style, which is unreadable otherwise. "free" grades the claims that are
            found in free text; a sentence without one is unread.
        limits: what the task's program may use when it runs; its run is cached.

    Raises:
        QuestionError: a task of another kind, or no such style.
        SandboxError: the task's program could not be run (our failure).
    """
    if style not in STYLES:
        raise QuestionError(f"there is no style {style!r} to grade: give {' or '.join(STYLES)}")
    grade: Callable[..., Sequence[GradedChain | GradedText | None]] = grade_chains if style == "compact" else grade_texts
    (graded,) = grade([(task, completion)], limits=limits)
    if graded is None:
        raise SandboxError(f"the program of task {task.id!r} did not return when it was run for its chain")
    return graded.steps


def grade_chains(pairs: Sequence[tuple[Task, str]], *, limits: Limits = _LIMITS, workers: int = 1) -> list[GradedChain | None]:
    """The graded chains of completions, in order; None where a task's program did not return (our failure).

    Args:
        pairs: tasks with completions.
        limits: what the programs may use.
        workers: sandbox processes that run programs at once.

    Raises:
        QuestionError: a task of a kind without a run.
        SandboxError: programs cannot be run on this machine.
    """
    references = _references(pairs, limits, workers)
    return [
        None if reference is None else grade_against(reference, task, completion, tried)
        for (task, completion), (reference, tried) in zip(pairs, references, strict=True)
    ]


def grade_texts(pairs: Sequence[tuple[Task, str]], *, limits: Limits = _LIMITS, workers: int = 1) -> list[GradedText | None]:
    """The graded reasoning in free words of completions, in order; arguments, None and errors as for `grade_chains`."""
    references = _references(pairs, limits, workers)
    return [
        None if reference is None else grade_text_against(reference, completion)
        for (_, completion), (reference, _) in zip(pairs, references, strict=True)
    ]


def _references(pairs: Sequence[tuple[Task, str]], limits: Limits, workers: int) -> list[tuple[RunReference | None, _Tried]]:
    """The run that each completion must describe, and the runs of the calls that it tries."""
    programs = [described_program(task, completion) for task, completion in pairs]
    tried = [_tried_programs(task, completion) for task, completion in pairs]
    found = references_of([task.program for task, _ in pairs], limits=limits, workers=workers)
    all_programs = [*programs, *(program for ones in tried for program in ones.values())]
    others = [program for program in all_programs if program not in found]  # with arguments of the model's: they may be hostile
    found |= references_of(others, limits=limits, workers=workers, ours=False)
    # arguments that a chain tries may raise
    return [
        (found[program] or found[task.program], {arguments: found[one] for arguments, one in ones.items()})
        for (task, _), program, ones in zip(pairs, programs, tried, strict=True)
    ]


def _tried_programs(task: Task, completion: str) -> dict[Bindings, Program]:
    """The program with the arguments of each line of a chain that tries a call; of the first `MAX_TRIES` such lines."""
    found: dict[Bindings, Program] = {}
    if task.kind != "input_prediction":
        return found
    for line in islice((text for text, _ in split_lines(completion) if text.startswith("try ")), MAX_TRIES):
        with suppress(ProgramError, LiteralError, Unreadable, ValueError, RecursionError):
            for claim in read_line(line) if len(line) <= _MAX_LINE else ():
                if isinstance(claim, claims.TriedCall):
                    text = ", ".join(f"{name}={value}" for name, value in claim.arguments)
                    found[claim.arguments] = replace(task.program, arguments=text)
    return found


def described_program(task: Task, completion: str) -> Program:
    """The program whose run a chain must describe.

    In input prediction, it runs with the arguments of the answer; without a readable answer, with those that the chain tries.
    """
    expect(task, Task, QuestionError, "make one with task(trace), or read one with from_row(row)")
    if task.kind not in TASK_KINDS:
        raise QuestionError(f"a task of kind {task.kind!r} has no run to describe")
    if task.kind != "input_prediction":
        return task.program
    for arguments in _arguments_tried(completion):
        with suppress(ProgramError, LiteralError, ValueError, RecursionError):
            return replace(task.program, arguments=arguments)
    return task.program


def _arguments_tried(completion: str) -> Iterator[str]:
    """The arguments of an answer, then those of its chain; as far as they can be read."""
    answer, tried = parse_input_answer(completion).assertion, _CALL_LINE.search(completion)
    if answer is not None:
        with suppress(LiteralError, RecursionError):
            yield arguments_text(parse_assertion(answer).arguments)
    if tried is not None:
        yield tried[1]


def grade_against(reference: RunReference, task: Task, completion: str, tried: _Tried | None = None) -> GradedChain:
    """The chain of a completion, graded against a given run.

    Args:
        reference: the run.
        task: what the completion answers.
        completion: the text.
        tried: the runs of the calls that the chain tries, by their arguments; None for one that does not return.
    """
    grader = _Grader(reference, task, tried or {})
    steps = tuple(grader.lines(completion))
    covered = next((step.place for step in steps if not step.right), len(reference.steps))
    return GradedChain(steps, len(reference.steps), covered)


class _Grader:
    """Follows a run while it reads the lines of a chain.

    Attributes:
        at: how many steps of the run have been described or skipped.
        current: the step that the present line is about.
        open: steps that called a function and have not been finished, the innermost last.
        entered: the call that leads to the next step has been described.
        skipped_frame: a call that was described by what it returns.
    """

    def __init__(self, reference: RunReference, task: Task, tried: Mapping[Bindings, RunReference | None]) -> None:
        self.run = reference
        self.task = task
        self.tried = tried
        self.tries: set[frozenset[tuple[str, str | None]]] = set()  # arguments of the calls that were tried, in any order
        self.step_claims = StepClaims(reference)
        self.at = 0
        self.current: OpenStep | None = None
        self.open: list[OpenStep] = []
        self.entered = False
        self.skipped_frame: int | None = None
        self.unfinished_steps: list[Step] = []  # described steps that were not over when a skip was last checked
        self.known_branches: set[tuple[int, int]] = set()  # those that a described step had taken and was over by then
        self.started = False
        self.closed = False
        self.answered: set[int] = set()  # questions that a line has answered
        self.asked = [step.index for one in task.questions if (step := reference.trace.step(one.line, one.visit)) is not None]
        self.required: set[tuple[int, int]] = set()  # steps whose requirements were stated
        self.resumed: set[tuple[int, int]] = set()  # steps that went on, each with the place
        self.returned: set[int] = set()  # skipped calls whose result was stated
        self.owed = False  # a call was skipped, and what it returned is to be stated next
        self.results: set[bool] = set()  # input prediction: whether the wanted result, and the confirmed one, were stated

    # ----------------------------------------------------------------------------------------------------------- lines

    def lines(self, completion: str) -> Iterator[GradedStep]:
        """Grades every line that is not part of the answer."""
        end = completion.rfind(ANSWER_CLOSE)
        start = completion.rfind(ANSWER_OPEN, 0, end if end >= 0 else None)  # an answer may be cut off
        before = completion[:start] if start >= 0 else completion
        count = wrong = 0
        for text, at in split_lines(before, 0):
            count += 1
            if count > _MAX_LINES:
                yield GradedStep("", (at, at), StepVerdict.UNREADABLE, f"the chain has more than {_MAX_LINES} lines", self.at)
                return
            if wrong > _MAX_WRONG_LINES:
                yield GradedStep(
                    encodable(text), (at, at + len(text)), StepVerdict.UNREADABLE, "too many lines before are not right", self.at
                )
                continue
            if text == REASONING_OPEN and count == 1:
                continue
            graded = self._line(text, at)
            wrong += not graded.right
            if text != REASONING_CLOSE or not graded.right:
                yield graded
        if not self.closed and (missing := self._rest()):
            place = (len(before), len(before))
            yield GradedStep("", place, StepVerdict.MISSING, missing, self.at, self._statement_kind(self.at))
        if start >= 0 and end >= 0:
            for text, at in islice(split_lines(completion[end + len(ANSWER_CLOSE) :], end + len(ANSWER_CLOSE)), _MAX_LINES):
                yield GradedStep(
                    encodable(text), (at, at + len(text)), StepVerdict.UNREADABLE, "it stands after the answer", self.at
                )

    def _line(self, text: str, at: int) -> GradedStep:
        place, verdict, why = self.at, StepVerdict.RIGHT, ""
        self.current = None
        try:
            self._read(text)
        except Fault as fault:
            verdict, why = fault.verdict, fault.why
        except Unreadable as error:
            verdict, why = StepVerdict.UNREADABLE, f"no style of chains has such a line: {truncate(str(error))}"
        except (LiteralError, RecursionError, ValueError) as error:
            verdict, why = StepVerdict.UNREADABLE, f"it cannot be read: {truncate(str(error))}"
        except Exception as error:  # a mistake of ours, which must not end a batch
            _log.warning("a line of a chain could not be graded", exc_info=error)
            verdict, why = StepVerdict.UNREADABLE, f"it cannot be graded: {described(error)}"
        statement = self._statement_kind(self.current.step.index if self.current is not None else place)
        return GradedStep(encodable(text), (at, at + len(text)), verdict, encodable(why), place, statement)

    def _statement_kind(self, index: int) -> str:
        """The kind of the statement of a step; empty after the last one."""
        node = self.run.node(self.run.steps[index]) if index < len(self.run.steps) else None
        return "" if node is None else _STATEMENT_KINDS.get(type(node), type(node).__name__.lower())

    def _read(self, text: str) -> None:
        if self.closed:
            raise Fault(StepVerdict.OUT_OF_ORDER, "the reasoning has ended")
        if text == REASONING_CLOSE:
            self.closed = True
            if missing := self._rest():
                raise Fault(StepVerdict.MISSING, missing)
            return
        if len(text) > _MAX_LINE:
            raise Unreadable(f"it is longer than {_MAX_LINE} characters")
        first: Fault | None = None
        self.skipped_frame, self.owed = None, False
        read = read_line(text)
        if len(read) > _MAX_CLAIMS:
            raise Unreadable(f"it makes more than {_MAX_CLAIMS} claims")
        for claim in read:
            if first is not None and isinstance(claim, claims.ValueClaim | claims.SideEffect | claims.ComprehensionRound):
                continue  # the line is not right; the rest tells only where it goes
            try:
                if self.owed:
                    self._check_owed(claim)
                self._check(claim)
            except Fault as fault:
                first = first or fault
        try:
            if self.owed:
                self._check_owed(None)
            self._finish_line()
        except Fault as fault:
            first = first or fault
        if first is not None:
            raise first

    def _check_owed(self, claim: Claim | None) -> None:
        """A skipped call must be followed by what it returned."""
        self.owed = False
        if not isinstance(claim, claims.FunctionReturned):
            raise Fault(StepVerdict.MISSING, "what the skipped call returns is not stated")

    def _rest(self) -> str:
        """What of the run is missing at the end of the reasoning; empty where nothing is."""
        if self.at < len(self.run.steps):
            return f"the run goes on: {step_name(self.run.steps[self.at])} is not described"
        if not self.started:
            return "the call is not described"
        if self.task.kind == "input_prediction" and self.results != {True, False}:
            return "the wanted result is not stated first and confirmed last"
        unfinished = self._unfinished()
        return f"{step_name(unfinished.step)} goes on, which is not described" if unfinished else ""

    def _unfinished(self) -> OpenStep | None:
        """The innermost step that should have been finished by now."""
        if self.run.is_lenient:
            return None
        return next((one for one in reversed(self.open) if self.run.ends[one.step.index] <= self.at), None)

    def _finish_line(self) -> None:
        """Checks what the line must have stated, once it is known what the step has done."""
        one = self.current
        if one is None:
            return
        caller = self.run.trace.frames[self.skipped_frame].caller if self.skipped_frame is not None else None
        skipped = caller == one.step.index or (self.run.is_lenient and self.skipped_frame is not None)
        if self.run.ends[one.step.index] > self.at or skipped:
            self.open = [other for other in self.open if other is not one] + [one]
            if self.skipped_frame is None and self.run.starts_frame(self.at) and not self.entered and not self.run.is_lenient:
                frame = self.run.trace.frames[self.run.steps[self.at].frame]
                raise Fault(StepVerdict.MISSING, f"{step_name(one.step)} calls {frame.function}, which is not described")
            return
        if self.open or self.run.is_lenient:
            self.open = [other for other in self.open if other is not one] + ([one] if self.run.is_lenient else [])
        if missing := self._missing(one):
            raise Fault(StepVerdict.MISSING, f"{step_name(one.step)} {missing}")

    def _missing(self, one: OpenStep) -> str:
        """What lines about a finished step have not stated; empty where nothing is missing."""
        step, run = one.step, self.run
        statement = run.statement(step)
        if statement is None or self.run.is_lenient_step(step):
            unstated = sorted(run.must_change(step) - one.names)
            return f"sets {', '.join(unstated)}, which is not stated" if unstated else ""
        if step.finished is None:
            return "" if "error" in one.facts else "raises an exception, which is not stated"
        node = statement.node
        if isinstance(node, ast.If | ast.While) and statement.is_unambiguous and "condition" not in one.facts:
            return "tests a condition, whose outcome is not stated"
        if isinstance(node, ast.For | ast.AsyncFor) and not run.enters_body(step, node):
            if "loop_end" not in one.facts:
                return "ends its loop, which is not stated"
        elif not isinstance(node, ast.Return):
            unstated = sorted(run.must_set(step) - one.names)
            if unstated:
                return f"sets {', '.join(unstated)}, which is not stated"
        if run.last[step.frame].index == step.index and "returned" not in one.facts and run.returned(step.frame) is not None:
            return "returns a value, which is not stated"
        return ""

    # ---------------------------------------------------------------------------------------------------------- claims

    def _check(self, claim: Claim) -> None:
        """Checks one claim; raises Fault where it does not hold."""
        if type(claim) in PART_CLAIMS:  # most are
            if self.current is None:
                raise wrong("it is about no step")
            self.step_claims.check(self.current, claim, self.at)
            return
        match claim:
            case claims.StepStarts(line=line, visit=visit):
                self._step_starts(line, visit)
            case claims.CallStarts(arguments=arguments):
                self._call_starts(arguments)
            case claims.StepResumes(line=line, visit=visit):
                self._step_resumes(line, visit)
            case claims.RoundsSkipped():
                self._rounds_skipped(claim)
            case claims.FunctionEntered():
                self._function_entered(claim)
            case claims.FunctionReturned(value=value):
                self._function_returned(value)
            case claims.WantedResult(value=value) | claims.ResultConfirmed(value=value):
                self._result(value, is_end=isinstance(claim, claims.ResultConfirmed))
            case claims.TriedCall():
                self._tried_call(claim)
            case claims.Requirement(line=line, visit=visit, names=names):
                self._requirement(line, visit, names)
            case claims.NextStatementAnswer() | claims.StateAnswer() | claims.OtherAnswer() | claims.NeverRunsAnswer():
                self._answer(claim)

    def _call_starts(self, arguments: Bindings) -> None:
        if self.started:
            raise Fault(StepVerdict.OUT_OF_ORDER, "the call has started before")
        self.started = True
        self._compare_bindings(arguments, self.run.bindings(0), "the call")
        value = self.run.trace.result.value
        if self.task.kind == "input_prediction" and (value is None or value.text != self.task.result.text):
            raise wrong(f"with these arguments, the call returns {truncate(str(value.text if value is not None else None))}")

    def _step_starts(self, line: int, visit: int) -> None:
        self._go_on()
        target = self.run.trace.step(line, visit)
        if target is None:
            count = len(self.run.trace.visits.get(line, ()))
            raise wrong(f"line {line} runs {count_phrase(count, 'time')}" if count else f"line {line} does not run")
        if target.index < self.at:
            raise Fault(StepVerdict.OUT_OF_ORDER, f"{step_name(target)} was described before")
        expected = self.run.steps[self.at]
        entered, self.entered = self.entered, False
        self.at = target.index + 1
        self.current = OpenStep(target)
        self.unfinished_steps.append(target)
        if target.index != expected.index:
            self.open = [one for one in self.open if self.run.ends[one.step.index] > self.at]
            raise Fault(StepVerdict.OUT_OF_ORDER, f"what runs next is {step_name(expected)}")
        if self.run.starts_frame(target.index) and not entered:
            raise Fault(StepVerdict.MISSING, f"the call that leads to {step_name(target)} is not described")

    def _go_on(self) -> None:
        """Checks that another step, or what is in place of steps, may follow."""
        if not self.started:
            self.started = True
            raise Fault(StepVerdict.MISSING, "the call is not described")
        unfinished = self._unfinished() if self.open else None
        if unfinished is not None:
            self.open = [one for one in self.open if one is not unfinished]
            raise Fault(StepVerdict.OUT_OF_ORDER, f"{step_name(unfinished.step)} goes on first")
        if self.at >= len(self.run.steps):
            raise Fault(StepVerdict.OUT_OF_ORDER, "nothing runs any more")

    def _step_resumes(self, line: int, visit: int) -> None:
        step = self.run.trace.step(line, visit)
        found = next((one for one in reversed(self.open) if one.step is step), None)
        after = None if step is None else self.run.following.get(step.index)
        if step is None or found is None or (after is not None and after.index < self.at):
            raise wrong(f"line {line} visit {visit} does not go on here")
        self.current = found
        if (step.index, self.at) in self.resumed or self.entered:
            raise Fault(StepVerdict.OUT_OF_ORDER, "it was stated before")
        self.resumed.add((step.index, self.at))
        inner = self._unfinished()
        if inner is not None and inner is not found:
            raise Fault(StepVerdict.OUT_OF_ORDER, f"{step_name(inner.step)} goes on first")
        if self.run.ends[step.index] > self.at and not self.run.is_lenient and self._next_caller() != step.index:
            raise wrong(f"what runs next is {step_name(self.run.steps[self.at])}")

    def _next_caller(self) -> int | None:
        """The step whose call begins with the next step; None where no call does."""
        if not self.run.starts_frame(self.at):
            return None
        return self.run.trace.frames[self.run.steps[self.at].frame].caller

    def _rounds_skipped(self, claim: claims.RoundsSkipped) -> None:
        self._go_on()
        begun = self.run.steps[self.at]
        where = f"rounds {claim.first} to {claim.last} of line {claim.line}"
        if (begun.line, begun.visit) != (claim.line, claim.first):
            raise Fault(StepVerdict.OUT_OF_ORDER, f"{where} are skipped, but what runs next is {step_name(begun)}")
        node = self.run.node(begun)
        last = self.run.trace.step(claim.line, claim.last)
        if not isinstance(node, ast.For | ast.While | ast.AsyncFor) or last is None or claim.last < claim.first:
            raise wrong(f"there are no {where}")
        if self.run.is_first_round(begun, node):
            raise Fault(StepVerdict.MISSING, f"the first round of line {claim.line} must be described")
        stop = self._end_of_known_rounds(begun, last, node, where)
        if any(self.at <= index < stop for index in self.asked):
            raise Fault(StepVerdict.MISSING, f"a question asks about one of {where}, which must be described")
        if hidden := self._new_branch(stop):
            raise Fault(StepVerdict.MISSING, f"{where} hide that {hidden}, which was not described before")
        start, self.at = self.at, stop
        own = [step for step in self.run.steps[start:stop] if step.frame == begun.frame and step.finished is not None]
        changed = {name for step in own for name in step.changed if name in own[-1].state}
        state = {name: text for name in changed if (text := own[-1].state[name].text) is not None}
        self._compare_bindings(claim.state, state, where, SHORT)

    def _new_branch(self, stop: int) -> str:
        """The first branch of the steps up to one that no described step has taken; empty where there is none, and all may be skipped."""
        ends = self.run.ends
        self.known_branches.update(self.run.branch(step) for step in self.unfinished_steps if ends[step.index] <= self.at)
        self.unfinished_steps = [step for step in self.unfinished_steps if ends[step.index] > self.at]
        for line, after in self.run.branches_between(self.at, stop):
            if (line, after) not in self.known_branches:
                return f"line {line} " + (f"goes on with line {after}" if after else "ends its function")
        return ""

    def _end_of_known_rounds(self, begun: Step, last: Step, node: ast.For | ast.While | ast.AsyncFor, where: str) -> int:
        """As `_end_of_rounds`, which may walk a long way; its outcome is kept."""
        key = ("rounds", begun.index, last.index)
        if key not in self.run.memo:
            try:
                self.run.memo[key] = self._end_of_rounds(begun, last, node, where)
            except Fault as fault:
                self.run.memo[key] = fault.why
        found = self.run.memo[key]
        if isinstance(found, str):
            raise wrong(found)
        return int(found)

    def _end_of_rounds(self, begun: Step, last: Step, node: ast.For | ast.While | ast.AsyncFor, where: str) -> int:
        """The index after the last skipped round; all of them must be whole rounds of one run of the loop."""
        at = begun
        while True:
            stop = self.run.end_of_round(at, node)
            following = self.run.steps[stop] if stop < len(self.run.steps) else None
            if not self.run.enters_body(at, node) or following is None or following.frame != begun.frame:
                raise wrong(f"{where} are not all rounds of one loop")
            if following.line != begun.line:
                raise wrong(f"{where}: the loop is left in its round {at.visit}")
            if at.index == last.index:
                return stop
            at = following

    def _function_entered(self, claim: claims.FunctionEntered) -> None:
        if not self.run.starts_frame(self.at):
            raise wrong(f"no call of {claim.function} is made here")
        if self.entered:
            raise Fault(StepVerdict.OUT_OF_ORDER, "the call was stated before")
        frame = self.run.steps[self.at].frame
        function = self.run.trace.frames[frame].function
        if function != claim.function:
            raise wrong(f"the call is of {function}, not of {claim.function}")
        if claim.in_detail:
            self.entered = True
        else:
            stop = self.run.end_of_call(self.at)
            if any(self.at <= index < stop for index in self.asked):
                raise Fault(StepVerdict.MISSING, f"a question asks about this call of {function}, which must be described")
            if hidden := self._new_branch(stop):
                raise Fault(StepVerdict.MISSING, f"this call of {function} hides that {hidden}, which was not described before")
            self.at, self.skipped_frame = stop, frame
            self.owed = self.run.returned(frame) is not None
        self._compare_bindings(claim.arguments, self.run.bindings(frame), f"the call of {function}")

    def _function_returned(self, value: str) -> None:
        one = self.current
        frame = self.skipped_frame if self.skipped_frame is not None else one.step.frame if one is not None else None
        if frame is None:
            raise wrong(f"nothing returns {truncate(value)} here")
        if self.skipped_frame is not None:
            if self.skipped_frame in self.returned:
                raise Fault(StepVerdict.OUT_OF_ORDER, "it was stated before")
            self.returned.add(self.skipped_frame)
        if self.skipped_frame is None and one is not None:
            if "returned" in one.facts:
                raise Fault(StepVerdict.OUT_OF_ORDER, "it was stated before")
            one.facts.add("returned")
            if self.run.last[frame].index != one.step.index or self.run.ends[one.step.index] > self.at:
                raise wrong(f"{step_name(one.step)} does not return here")
        expected = self.run.returned(frame)
        if expected is None:
            raise Unreadable("what is returned here is not known, and cannot be checked")
        if canonical(value) != expected:
            raise wrong(f"the call returns {truncate(expected)}")

    def _result(self, value: str, *, is_end: bool) -> None:
        if self.task.kind != "input_prediction":
            raise wrong("the task asks for no arguments")
        stated, self.results = is_end in self.results, self.results | {is_end}
        is_in_place = self.at == len(self.run.steps) if is_end else not (self.tries or self.required)
        if stated or is_end != self.started or not is_in_place:
            raise Fault(StepVerdict.OUT_OF_ORDER, "it is stated at another place, or was stated before")
        text = (self.run.trace.result.value.text if self.run.trace.result.value else None) if is_end else self.task.result.text
        if canonical(value) != text or text != self.task.result.text:
            raise wrong(f"the call {'returns' if is_end else 'must return'} {truncate(str(text))}")

    def _tried_call(self, claim: claims.TriedCall) -> None:
        """A try must be true of its own run, fail, and come before the call that is described."""
        if self.task.kind != "input_prediction":
            raise wrong("the task asks for no arguments")
        tried = frozenset((name, canonical(text)) for name, text in claim.arguments)
        if self.started or self.required or tried in self.tries or len(self.tries) >= MAX_TRIES:
            raise Fault(StepVerdict.OUT_OF_ORDER, "it is stated at another place, was stated before, or is one try too many")
        self.tries.add(tried)
        if claim.arguments not in self.tried:
            raise Unreadable("the call cannot be made")
        run = self.tried[claim.arguments]
        result = run.trace.result.value.text if run is not None and run.trace.result.value is not None else None
        if (None if claim.result is None else canonical(claim.result)) != result:
            raise wrong(f"the call {'raises an exception' if result is None else f'returns {truncate(result)}'}")
        if result == self.task.result.text:
            raise wrong("the call gives the wanted result")
        last = -1
        for line, visit, names in claim.moments:
            step = run.trace.step(line, visit) if run is not None else None
            if step is None or step.frame or any(name not in step.changed for name, _ in names):
                raise wrong(f"line {line} visit {visit} does not set that")
            if step.index <= last or _repeats_name(names):
                raise Fault(
                    StepVerdict.OUT_OF_ORDER, f"what {step_name(step)} sets is stated at another place, or was stated before"
                )
            last = step.index
            for name, text in names:
                if canonical(text) != step.state[name].text:
                    raise wrong(f"line {line} visit {visit} sets {name} to {truncate(str(step.state[name].text))}")

    def _requirement(self, line: int, visit: int, names: Bindings) -> None:
        step = self.run.trace.step(line, visit)
        if step is None:
            raise wrong(f"line {line} visit {visit} does not run")
        if self.started or self.task.kind != "input_prediction" or (line, visit) in self.required or _repeats_name(names):
            raise Fault(StepVerdict.OUT_OF_ORDER, "it is stated at another place, or was stated before")
        self.required.add((line, visit))
        state = self.run.before(step)
        for name, text in names:
            if name not in state or canonical(text) != state[name].text:
                raise wrong(
                    f"{step_name(step)} starts from {name} = {truncate(str(state[name].text if name in state else None))}"
                )

    # ------------------------------------------------------------------------------------------------------------ questions

    def _answer(
        self, claim: claims.NextStatementAnswer | claims.StateAnswer | claims.OtherAnswer | claims.NeverRunsAnswer
    ) -> None:
        """Checks a line that answers a question: after the run, each question once."""
        if self.at < len(self.run.steps):
            raise Fault(StepVerdict.OUT_OF_ORDER, f"what runs next is {step_name(self.run.steps[self.at])}")
        name = claim.name if isinstance(claim, claims.StateAnswer) else None
        kind = claim.kind if isinstance(claim, claims.OtherAnswer) else _ANSWERED_KINDS.get(type(claim))
        asked = [
            place
            for place, one in enumerate(self.task.questions)
            if (one.line, one.visit) == (claim.line, claim.visit) and name in (None, one.variable) and kind in (None, one.kind)
        ]
        if not asked:
            raise wrong("no question asks that")
        place = next((place for place in asked if place not in self.answered), None)
        if place is None:
            raise Fault(StepVerdict.OUT_OF_ORDER, "the question was answered before")
        self.answered.add(place)
        if why := self._answer_fault(claim, place):
            raise wrong(why)

    def _answer_fault(
        self, claim: claims.NextStatementAnswer | claims.StateAnswer | claims.OtherAnswer | claims.NeverRunsAnswer, place: int
    ) -> str:
        trace = self.run.trace
        step = trace.step(claim.line, claim.visit)
        if isinstance(claim, claims.NeverRunsAnswer):
            count = len(trace.visits.get(claim.line, ()))
            return "" if count == claim.count and step is None else f"line {claim.line} runs {count_phrase(count, 'time')}"
        if step is None:
            return f"line {claim.line} visit {claim.visit} does not run"
        if isinstance(claim, claims.NextStatementAnswer):
            following = trace.steps[step.index + 1].line if step.index + 1 < len(trace.steps) else None
            return (
                ""
                if following == claim.next_line
                else f"after {step_name(step)} comes {f'line {following}' if following else 'nothing'}"
            )
        if isinstance(claim, claims.StateAnswer):
            value = step.state.get(claim.name)
            known = value.text if value is not None else None
            return "" if known is not None and canonical(claim.value) == known else f"{claim.name} is {truncate(str(known))}"
        answers = QUESTION_KINDS.get(claim.kind).answers(trace, self.task.questions[place])
        return "" if claim.answer in answers else f"the answer is {truncate(str(answers[0] if answers else None))}"

    def _compare_bindings(self, claimed: Bindings, actual: dict[str, str], where: str, longest: int | None = None) -> None:
        """Names and values that a line gives must be those of the run, and all must be given; values beyond `longest` may be left out."""
        if _repeats_name(claimed):
            raise Fault(StepVerdict.OUT_OF_ORDER, f"{where}: a name is stated twice")
        for name, text in claimed:
            if name not in actual or canonical(text) != actual[name]:
                raise wrong(f"{where}: {name} is {truncate(str(actual.get(name)))}")
        given = {name for name, _ in claimed}
        unstated = sorted(
            name for name, text in actual.items() if name not in given and (longest is None or len(text) <= longest)
        )
        if unstated:
            raise Fault(StepVerdict.MISSING, f"{where}: {', '.join(unstated)} is not stated")


def _repeats_name(names: Bindings) -> bool:
    return len({name for name, _ in names}) < len(names)


def split_lines(text: str, offset: int = 0) -> Iterator[tuple[str, int]]:
    """The lines of a text that are not blank, without the blanks around them, with their places."""
    at = 0
    for line in text.split("\n"):
        inside = line.strip(BLANKS)
        if inside:
            yield inside, offset + at + line.find(inside)
        at += len(line) + 1
