"""Is a chain of thought true? Its claims are read back out of its text, one by one, and held against the trace.

Nothing here knows how the text was made. Lines, visits, states, branches, calls and questions are compared with the trace;
parts of statements are matched with the source and computed anew, in a confined process, from the trace's states.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from execverify.errors import LiteralError, ProgramError
from execverify.programs.literals import parse_expression, parse_literal, parse_untrusted
from execverify.programs.program import Program, walk
from execverify.programs.values import Value
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.question import Question
from execverify.questions.task import Task
from execverify.rewards.parse import parse_answer
from execverify.rewards.steps import claims
from execverify.rewards.steps.claims import Claim
from execverify.sandbox.result import Limits
from execverify.sandbox.retry import extended_limits
from execverify.sandbox.run import call_many
from execverify.tracing.expression_probe import evaluate_many
from execverify.tracing.expressions import expressions_many
from execverify.tracing.trace import Step, Trace, trace_many
from tests.oracles.cot.check_state import CheckState, place
from tests.oracles.cot.expression_match import same
from tests.oracles.cot.reading import READERS, Unreadable

_LIMITS = extended_limits(Limits())  # a busy machine must not make a chain wrong
_REMEMBERING = {ast.Global, ast.Nonlocal, ast.ClassDef, ast.Yield, ast.YieldFrom}
_REASONING = re.compile(r"<reasoning>\n(.*)\n</reasoning>\n<answer>\n(.*)\n</answer>", re.DOTALL)


def check_chain(text: str, task: Task, trace: Trace, *, style: str = "compact") -> list[str]:
    """What a chain says that is not so; empty where all of it is right.

    Args:
        text: the completion.
        task: the task that it answers.
        trace: the run of the task's program.
        style: how the text reads.

    Raises:
        SandboxError: its expressions could not be computed (our failure).
    """
    return check_chains([(text, task, trace)], style=style)[0]


def check_chains(chains: Iterable[tuple[str, Task, Trace]], *, style: str = "compact", workers: int = 1) -> list[list[str]]:
    """The same for many chains; the processes that compute their expressions are shared."""
    checkers = [_checked(text, task, trace, style) for text, task, trace in _with_own_runs(list(chains))]
    _check_tries(checkers, workers)
    open_ones = [one for one in checkers if one.returned or one.rounds or one.raised]
    for one, details in zip(
        open_ones, expressions_many([one.trace for one in open_ones], limits=_LIMITS, workers=workers), strict=True
    ):
        one.compare_run(details)
    _check_raising(checkers, workers)
    probes = [(one.trace.program, [probe.probe for probe in one.probes.values()]) for one in checkers]
    for one, values in zip(checkers, evaluate_many(probes, limits=_LIMITS, workers=workers), strict=True):
        one.compare(values)
    return [one.wrong for one in checkers]


def _with_own_runs(chains: list[tuple[str, Task, Trace]]) -> list[tuple[str, Task, Trace]]:
    """An input prediction is held against the run of the arguments in its answer, whatever they are."""
    programs = []
    for text, task, _ in chains:
        answer = parse_answer(text).assertion if task.kind == "input_prediction" else None
        if answer is not None:
            call = ast.parse(answer).body[0].test.left  # type: ignore[attr-defined]
            programs.append(replace(task.program, arguments=", ".join(map(ast.unparse, [*call.args, *call.keywords]))))
        else:
            programs.append(task.program)
    others = [program for program, (_, task, _) in zip(programs, chains, strict=True) if program != task.program]
    runs = dict(zip(others, trace_many(others, limits=_LIMITS), strict=True))
    return [(text, task, runs.get(program, trace)) for program, (text, task, trace) in zip(programs, chains, strict=True)]


def _check_tries(checkers: "Sequence[_Checker]", workers: int) -> None:
    """Runs every call that was tried, and compares what was claimed of it."""
    tried, programs = [], []
    for one in checkers:
        for claim in one.tried:
            arguments = ", ".join(f"{name}={value}" for name, value in claim.arguments)
            try:
                programs.append(replace(one.task.program, arguments=arguments))
                tried.append((one, claim))
            except ProgramError as error:
                one.fault(f"a try with {claim.arguments} is no call: {error}")
    for (one, claim), run in zip(tried, trace_many(programs, limits=_LIMITS, workers=workers), strict=True):
        result = run.result.value.text if run.result.value is not None and run.result.outcome == "returned" else None
        if result != claim.result or result == one.task.result.text or run.result.outcome not in ("returned", "raised"):
            one.fault(f"a try with {claim.arguments} gives {result}, not {claim.result}; {one.task.result.text} is wanted")
        last = -1
        for line, visit, names in claim.moments:
            step = run.step(line, visit)
            if step is None or step.index <= last:
                one.fault(f"a try with {claim.arguments}: line {line} visit {visit} does not run then")
                continue
            last = step.index
            one._compare_bindings(names, step.state, f"a try with {claim.arguments}")


def _check_raising(checkers: "Sequence[_Checker]", workers: int) -> None:
    """Computes what was said to raise an exception in the state before its step, and compares the exception."""
    claimed = [(one, *claim) for one in checkers for claim in one.raising]
    programs = []
    for one, step, expression, _ in claimed:
        state = {name: value.text for name, value in one.facts.before(step).items() if value.text is not None}
        source = (
            f"{one.trace.program.source.rstrip()}\n\ndef raising_({', '.join(state)}):\n    try:\n        {expression}\n"
            "    except BaseException as error:\n        return type(error).__name__, str(error)\n"
        )
        programs.append(Program(source, "raising_", ", ".join(f"{name}={text}" for name, text in state.items())))
    calls = [(program, [program.arguments]) for program in programs]
    for (one, step, expression, error), (result,) in zip(claimed, call_many(calls, limits=_LIMITS, workers=workers), strict=True):
        found = parse_literal(result.value.text or "") if result.value is not None else None
        kind, message = found if isinstance(found, tuple) else ("nothing", "")
        if error not in (kind, f"{kind}: {message}"):
            one.fault(f"{place(step)}: {expression} raises {kind}: {message}, not {error}")


def _checked(text: str, task: Task, trace: Trace, style: str) -> "_Checker":
    checker = _Checker(task, trace)
    found = _REASONING.fullmatch(text)
    if found is None:
        checker.fault("the text is not <reasoning>...</reasoning> and <answer>...</answer>")
        return checker
    try:
        for claim in READERS[style](found[1]):
            checker.hear(claim)
    except Unreadable as error:
        checker.fault(str(error))
    checker.ends()
    checker.answers(text)
    return checker


class _Checker(CheckState):
    """Follows the trace while it hears claims.

    Attributes:
        at: how many steps have been claimed, or said to be left out.
    """

    def __init__(self, task: Task, trace: Trace) -> None:
        super().__init__(trace)
        self.task = task
        self.at = 0
        self.left_frame: int | None = None  # a call that was claimed without its steps
        self.entered = False
        self.forgets = trace.program.vocabulary.kinds.isdisjoint(
            _REMEMBERING
        )  # a frame's variables change in its own steps alone
        self.answered = 0
        self.needed: int | None = None  # the step up to which was reasoned backward
        self.kinds: set[type] = set()
        self.tried: list[claims.TriedCall] = []

    def hear(self, claim: Claim) -> None:
        """Takes a claim, and notes what is wrong with it."""
        self.kinds.add(type(claim))
        getattr(self, "_check_" + type(claim).__name__.lower())(claim)

    # ---------------------------------------------------------------------------------------- the course of events

    def _check_callstarts(self, claim: claims.CallStarts) -> None:
        if self.at or not self.trace.steps:
            self.fault("the call begins twice")
        self._compare_bindings(claim.arguments, self.trace.frames[0].state, "the call begins")

    def _check_stepstarts(self, claim: claims.StepStarts) -> None:
        if self.at >= len(self.trace.steps):
            self.fault(f"line {claim.line} visit {claim.visit}: nothing runs any more")
            return
        step = self.trace.steps[self.at]
        if (step.line, step.visit) != (claim.line, claim.visit):
            self.fault(f"line {claim.line} visit {claim.visit}: what runs is line {step.line} visit {step.visit}")
        if self.facts.is_first(step) != self.entered:
            self.fault(f"line {claim.line} visit {claim.visit}: a call is claimed that is not made here, or made and not claimed")
        self._goes_to(step)
        self.at += 1
        self.entered = False

    def _check_stepresumes(self, claim: claims.StepResumes) -> None:
        step = self.trace.step(claim.line, claim.visit)
        if step is None or step.index >= self.at:
            self.fault(f"line {claim.line} visit {claim.visit} goes on, but has not begun")
        elif step.finished is not None and step.finished < self.at:
            self.fault(f"line {claim.line} visit {claim.visit} goes on, but is over")
        else:
            self._goes_to(step)

    def _goes_to(self, step: Step) -> None:
        self.step = step
        self.inner = {}
        self.left_frame = None

    def _check_functionentered(self, claim: claims.FunctionEntered) -> None:
        step = self.facts.step_at(self.at)
        if step is None or not self.facts.is_first(step):
            self.fault(f"no call of {claim.function} is made here")
            return
        frame = self.trace.frames[step.frame]
        if frame.function != claim.function:
            self.fault(f"the call is of {frame.function}, not of {claim.function}")
        self._compare_bindings(claim.arguments, frame.state, f"the call of {claim.function}")
        self.entered = claim.in_detail
        if not claim.in_detail:
            self.left_frame = step.frame
            self.at = self.facts.end_of_call(self.at)

    def _check_functionreturned(self, claim: claims.FunctionReturned) -> None:
        frame = self.left_frame if self.left_frame is not None else self.step.frame if self.step else 0
        last = self.facts.last[frame]
        if self.left_frame is None and (self.step is None or last.index != self.step.index or last.finished != self.at):
            self.fault(f"a function returns {claim.value}, but it does not return here")
            return
        if frame == 0:
            value = self.trace.result.value
            if value is None or value.text != claim.value:
                self.fault(f"the call returns {value}, not {claim.value}")
            return
        node = self._statement(last)
        if isinstance(node, ast.Return) and node.value is not None:
            if self.left_frame is None and claim.value in self._values_of(node.value):
                return
            self.returned.append((last, node.value, claim.value))
        elif claim.value != "None":
            self.fault(f"{self.trace.frames[frame].function} returns None, not {claim.value}")

    def _check_roundsskipped(self, claim: claims.RoundsSkipped) -> None:
        begun = self.facts.step_at(self.at)
        where = f"rounds {claim.first} to {claim.last} of line {claim.line}"
        if begun is None or (begun.line, begun.visit) != (claim.line, claim.first):
            self.fault(f"{where} are left out, but what runs is {place(begun)}")
            return
        last = self.trace.step(claim.line, claim.last)
        node = self._statement(begun)
        if last is None or last.frame != begun.frame or not isinstance(node, ast.For | ast.While | ast.AsyncFor):
            self.fault(f"{where} are left out, but there are not so many")
            return
        if not self.facts.goes_in(last, node):
            self.fault(f"{where}: visit {claim.last} begins no round")
        stop = self.facts.end_of_round(last, node)
        own = [step for step in self.trace.steps[self.at : stop] if step.frame == begun.frame and step.finished is not None]
        self._compare_bindings(claim.state, own[-1].state, where)
        self.at = stop
        self.step = None

    # ---------------------------------------------------------------------------------------- single steps

    def _check_valueclaim(self, claim: claims.ValueClaim) -> None:
        step = self._needed("a part is claimed")
        if step is None:
            return
        claimed = _parsed(claim.expression)
        if claimed is None:
            self.fault(f"{place(step)}: {claim.expression} is no expression")
            return
        parts = self._parts(step)
        found = [node for node in parts.nodes if same(claimed, node, self._values_of, whole=True)]
        if not found:
            self.fault(f"{place(step)}: {claim.expression} is no part of that line, with these values")
            return
        known = self.known.setdefault(step.index, {})
        for node in found:  # with values put in, parts may read alike
            known.setdefault(ast.dump(node), set()).add(claim.value)
        inner = {name: self.inner[name] for name in parts.around.get(found[0], ()) if name in self.inner}
        self._compute(step, claim.expression, claim.value, f"{claim.expression} gives {claim.value}", inner)

    def _check_comprehensionround(self, claim: claims.ComprehensionRound) -> None:
        step = self._needed("a round is claimed")
        if step is None:
            return
        parts = self._parts(step)
        names = frozenset(name for name, _ in claim.names)
        inside = [node for node in parts.nodes if names & parts.around.get(node, frozenset())]
        if not inside:
            self.fault(f"{place(step)} binds no {', '.join(names)} inside")
        for node in inside:
            self.known.get(step.index, {}).pop(ast.dump(node), None)
        self.inner.update(claim.names)
        self.rounds.setdefault(step.index, []).extend(claim.names)

    def _check_sideeffect(self, claim: claims.SideEffect) -> None:
        step = self._needed("something is done")
        if step is None:
            return
        statement = self.facts.statements.get(step.line)
        if statement is None or claim.text in statement.accepted_texts or claim.text == _header(statement.node):
            return
        try:
            (claimed,) = parse_untrusted(claim.text, "exec").body  # type: ignore[attr-defined]
        except (LiteralError, ValueError):
            self.fault(f"{place(step)}: {claim.text} is no statement")
            return
        if not self._does(claimed, statement.node):
            self.fault(f"{place(step)}: {claim.text} is not what that line does, with these values")

    def _does(self, claimed: ast.stmt, node: ast.AST) -> bool:
        """Whether a statement that was claimed is a line's own; `xs[i] += 1` may be claimed as `xs[0] = 3` where that sum was given."""
        if same(claimed, node, self._values_of):
            return True
        if not isinstance(claimed, ast.Assign) or not isinstance(node, ast.AugAssign) or len(claimed.targets) != 1:
            return False
        (operation,) = (one for one in self._parts(self.step).nodes if isinstance(one, ast.BinOp) and one.right is node.value)  # type: ignore[arg-type]
        return same(claimed.targets[0], node.target, self._values_of) and ast.unparse(claimed.value) in self._values_of(operation)

    def _check_variableset(self, claim: claims.VariableSet) -> None:
        value = self._state_after(claim.name)
        if value is not None and value.text != claim.value:
            self.fault(f"{place(self.step)}: {claim.name} is {value}, not {claim.value}")

    def _check_variablesize(self, claim: claims.VariableSize) -> None:
        value = self._state_after(claim.name)
        if value is not None and len(parse_literal(value.text or "()")) != claim.size:  # type: ignore[arg-type]
            self.fault(f"{place(self.step)}: {claim.name} has not {claim.size} items")

    def _state_after(self, name: str) -> Value | None:
        step = self._needed(f"{name} is set")
        if step is None:
            return None
        if step.finished != self.at:
            self.fault(f"{place(step)}: {name} is claimed, but the line has not finished just now")
            return None
        node = self._statement(step)
        if isinstance(node, ast.For | ast.AsyncFor) and not self.facts.goes_in(step, node):
            self.fault(f"{place(step)}: {name} is claimed, but the loop ends there")
        if name not in step.state:
            self.fault(f"{place(step)}: there is no {name}")
            return None
        return step.state[name]

    def _check_conditionvalue(self, claim: claims.ConditionValue) -> None:
        step = self._needed("a test is claimed")
        node = self._statement(step) if step else None
        if step is None or not isinstance(node, ast.If | ast.While):
            self.fault(f"{place(step)} tests nothing")
        elif self.facts.goes_in(step, node) != claim.holds:
            self.fault(f"{place(step)}: its test is not {claim.holds}")
        elif self.forgets and all(value.text is not None for value in self.facts.before(step).values()):
            self._compute(step, f"bool({ast.unparse(node.test)})", str(claim.holds), "the test", again=False)

    def _check_loopexhausted(self, claim: claims.LoopExhausted) -> None:
        step = self._needed("a loop ends")
        node = self._statement(step) if step else None
        if step is None or not isinstance(node, ast.For | ast.AsyncFor) or self.facts.goes_in(step, node):
            self.fault(f"{place(step)}: its loop does not end there")

    def _check_stepraises(self, claim: claims.StepRaises) -> None:
        step = self._needed("an error is claimed")
        if step is None or step.finished is not None:
            self.fault(f"{place(step)}: there is no error")
        elif claim.error is not None:
            self.raised.append((step, claim.error))
            if claim.expression is not None:
                claimed = _parsed(claim.expression)
                if claimed is None or not any(
                    same(claimed, node, self._values_of, whole=True) for node in self._parts(step).nodes
                ):
                    self.fault(f"{place(step)}: {claim.expression} is no part of that line, with these values")
                else:
                    self.raising.append((step, claim.expression, claim.error))

    def _check_sortkeys(self, claim: claims.SortKeys) -> None:
        """The keys are computed anew, of what stands before the argument `key=`."""
        step = self._needed("keys are claimed")
        if step is None:
            return
        for node in self._parts(step).nodes:
            if isinstance(node, ast.Call) and any(
                one.arg == "key" and ast.unparse(one.value) == claim.name for one in node.keywords
            ):
                elements = node.func.value if isinstance(node.func, ast.Attribute) else ast.Tuple(node.args)
                of = ast.unparse(elements.elts[0] if isinstance(elements, ast.Tuple) and len(elements.elts) == 1 else elements)
                self._compute(step, f"[{claim.name}(each_) for each_ in {of}]", claim.text, f"the keys by {claim.name}")
                return
        self.fault(f"{place(step)}: nothing is sorted by {claim.name}")

    # ---------------------------------------------------------------------------------------- questions and inputs

    def _check_nextstatementanswer(self, claim: claims.NextStatementAnswer) -> None:
        step = self._asked(claim.line, claim.visit, None)
        if step is None:
            return
        following = self.trace.steps[step.index + 1].line if step.index + 1 < len(self.trace.steps) else None
        statement = self.facts.statements.get(following) if following else None
        if claim.text is not None and (statement is None or claim.text not in statement.accepted_texts):
            self.fault(f"line {claim.next_line} is not {claim.text}")
        if following != claim.next_line:
            self.fault(f"after {place(step)} comes line {following}, not {claim.next_line}")

    def _check_stateanswer(self, claim: claims.StateAnswer) -> None:
        step = self._asked(claim.line, claim.visit, claim.name)
        if step is not None and (claim.name not in step.state or step.state[claim.name].text != claim.value):
            self.fault(f"after {place(step)}, {claim.name} is {step.state.get(claim.name)}, not {claim.value}")

    def _check_otheranswer(self, claim: claims.OtherAnswer) -> None:
        question = self._question(claim.line, claim.visit)
        if question is None:
            return
        if question.kind != claim.kind:
            self.fault(f"question {self.answered} is of kind {question.kind}, not {claim.kind}")
        elif claim.answer not in QUESTION_KINDS.get(claim.kind).answers(self.trace, question):
            self.fault(f"the answer to question {self.answered} is {question.answers[0]}, not {claim.answer}")

    def _check_neverrunsanswer(self, claim: claims.NeverRunsAnswer) -> None:
        count = len(self.trace.visits.get(claim.line, ()))
        self._question(claim.line, claim.visit)
        if count != claim.count or claim.visit <= count:
            self.fault(f"line {claim.line} runs {count} times, not {claim.count}")

    def _asked(self, line: int, visit: int, name: str | None) -> Step | None:
        question = self._question(line, visit)
        if question is not None and question.variable != name:
            self.fault(f"question {self.answered} is about {question.variable}, not {name}")
        step = self.trace.step(line, visit)
        if step is None:
            self.fault(f"line {line} has no visit {visit}")
        return step

    def _question(self, line: int, visit: int) -> Question | None:
        self.answered += 1
        if self.answered > len(self.task.questions):
            self.fault(f"there is no question {self.answered}")
            return None
        question = self.task.questions[self.answered - 1]
        if (question.line, question.visit) != (line, visit):
            self.fault(f"question {self.answered} is about line {question.line} visit {question.visit}")
        return question

    def _check_triedcall(self, claim: claims.TriedCall) -> None:
        if self.at or self.needed is not None or claims.WantedResult not in self.kinds or len(self.tried) > 2:
            self.fault("a try stands at another place, or there are more than three")
        self.tried.append(claim)

    def _check_wantedresult(self, claim: claims.WantedResult) -> None:
        if claim.value != self.task.result.text:
            self.fault(f"the wanted result is {self.task.result.text}, not {claim.value}")

    def _check_resultconfirmed(self, claim: claims.ResultConfirmed) -> None:
        if claim.value != self.task.result.text or self.at < len(self.trace.steps):
            self.fault(f"the run has not given {claim.value}")

    def _check_requirement(self, claim: claims.Requirement) -> None:
        step = self.trace.step(claim.line, claim.visit)
        if step is None:
            self.fault(f"line {claim.line} has no visit {claim.visit}")
            return
        where = f"before {place(step)}"
        if self.needed is not None and step.index >= self.needed:
            self.fault(f"{where}: that is not further back")
        self.needed = step.index
        self._compare_bindings(claim.names, self.facts.before(step), where)
        read = {node.id for node in walk(self._statement(step) or ast.Pass()) if isinstance(node, ast.Name)}
        for name in {name for name, _ in claim.names} - read:
            self.fault(f"{where}: that line does not read {name}")

    # ---------------------------------------------------------------------------------------- the end

    def ends(self) -> None:
        """All has been heard: is anything missing?"""
        if self.at < len(self.trace.steps):
            self.fault(f"{len(self.trace.steps) - self.at} steps are not claimed, from {place(self.trace.steps[self.at])} on")
        if self.answered and self.answered < len(self.task.questions):
            self.fault(f"{len(self.task.questions) - self.answered} questions are not answered")
        if self.task.kind == "input_prediction" and not {claims.WantedResult, claims.ResultConfirmed} <= self.kinds:
            self.fault("the wanted result is not claimed, or not confirmed")

    def answers(self, text: str) -> None:
        """The answer block against the task's own; an input prediction may have other arguments, whose run is the trace."""
        own = replace(self.task, program=self.trace.program)
        given, gold = parse_answer(text), parse_answer(own.gold)
        if (given.assertion, given.question_lines) != (gold.assertion, gold.question_lines):
            self.fault("the answers are not the task's")


def _parsed(expression: str) -> ast.expr | None:
    try:
        return parse_expression(expression)
    except LiteralError:
        return None


def _header(node: ast.AST) -> str:
    """A statement's header on one line."""
    return ast.unparse(node).split("\n")[0]
