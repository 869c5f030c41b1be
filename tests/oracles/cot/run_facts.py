"""What a trace testifies: the facts about a run that claims are held against."""

import ast
from collections.abc import Mapping

from execverify.programs.values import Value
from execverify.questions.statements import Statement, layout_of
from execverify.tracing.trace import Step, Trace

Header = ast.If | ast.While | ast.For | ast.AsyncFor
Loop = ast.For | ast.While | ast.AsyncFor


class RunFacts:
    """Answers questions about a run.

    Attributes:
        trace: the run.
        steps: its steps.
        earlier: for each step, the one before it in its frame.
        last: the last step of each frame.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.steps = trace.steps
        self.statements = layout_of(trace.program).statements
        self.earlier: list[Step | None] = []
        self.last: dict[int, Step] = {}
        self.later: dict[int, Step] = {}
        for step in trace.steps:
            before = self.last.get(step.frame)
            self.earlier.append(before)
            if before is not None:
                self.later[before.index] = step
            self.last[step.frame] = step

    def step_at(self, index: int) -> Step | None:
        """The step with a number; None past the last."""
        return self.steps[index] if index < len(self.steps) else None

    def is_first(self, step: Step) -> bool:
        """Whether a step is the first of a called function."""
        return step.frame > 0 and self.earlier[step.index] is None

    def before(self, step: Step) -> Mapping[str, Value]:
        """The variables of the step's frame before it."""
        earlier = self.earlier[step.index]
        while earlier is not None and earlier.finished is None:
            earlier = self.earlier[earlier.index]
        return earlier.state if earlier is not None else self.trace.frames[step.frame].state

    def statement(self, step: Step) -> Statement | None:
        """The statement that runs in a step."""
        return self.statements.get(step.line)

    def goes_in(self, step: Step, node: Header) -> bool:
        """Whether what runs after a header in its frame is in its body."""
        following = self.later.get(step.index)
        return following is not None and node.body[0].lineno <= following.line <= (node.body[-1].end_lineno or 0)

    def following(self, step: Step) -> Statement | None:
        """The statement whose step begins next."""
        after = self.step_at(step.index + 1)
        return self.statements.get(after.line) if after is not None else None

    def end_of_call(self, index: int) -> int:
        """The step after the last one of the frame that a step begins, and of the calls made in it."""
        inside = {self.steps[index].frame}
        for step in self.steps[index:]:
            caller = self.trace.frames[step.frame].caller
            if step.frame not in inside and caller is not None and self.steps[caller].frame in inside:
                inside.add(step.frame)
            if step.frame not in inside:
                return step.index
        return len(self.steps)

    def end_of_round(self, header: Step, node: Loop) -> int:
        """The step after the last one of the round that a loop's header begins."""
        first, last = node.body[0].lineno, node.body[-1].end_lineno or 0
        caller = self.trace.frames[header.frame].caller
        outside = self.steps[caller].frame if caller is not None else None
        for step in self.steps[header.index + 1 :]:
            if step.frame == outside or (
                step.frame == header.frame and (step.line == header.line or not first <= step.line <= last)
            ):
                return step.index
        return len(self.steps)
