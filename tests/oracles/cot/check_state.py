"""What is known of a run while claims about it are heard: the values claimed so far, and what has to be computed to judge them."""

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from execverify.programs.values import Value, to_value
from execverify.rewards.steps.claims import Bindings
from execverify.tracing.expression_probe import Expression, ExpressionProbe
from execverify.tracing.expressions import ExpressionValues
from execverify.tracing.trace import Step, Trace
from tests.oracles.cot.expression_match import Parts, parts_of
from tests.oracles.cot.run_facts import RunFacts


@dataclass
class _StepProbe:
    """What is to be computed in the state before a step, and what was claimed of it."""

    state: dict[str, str]
    expressions: list[Expression] = field(default_factory=list)
    claimed: list[tuple[str, str]] = field(default_factory=list)  # what the value must be, and the claim

    @property
    def probe(self) -> ExpressionProbe:
        return ExpressionProbe(self.state, self.expressions)


class CheckState:
    """What was claimed of a run, and what was wrong with it.

    Attributes:
        wrong: what was not so.
        step: the step that the claims are about.
        probes: what is to be computed, by step.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.facts = RunFacts(trace)
        self.wrong: list[str] = []
        self.probes: dict[int, _StepProbe] = {}
        self.step: Step | None = None
        self.inner: dict[str, str] = {}
        self.known: dict[int, dict[str, set[str]]] = {}  # values claimed of each step's parts
        self.parts: dict[int, Parts] = {}
        self.returned: list[
            tuple[Step, ast.expr, str]
        ] = []  # what calls were said to return, and nothing mentioned before proves
        self.raised: list[tuple[Step, str]] = []  # the exceptions of steps
        self.raising: list[tuple[Step, str, str]] = []  # parts that were said to raise one, with values put in
        self.rounds: dict[int, list[tuple[str, str]]] = {}  # what comprehensions and lambdas were said to bind, by step

    def fault(self, what: str) -> None:
        self.wrong.append(what)

    def compare_run(self, details: ExpressionValues) -> None:
        """What calls have returned and rounds have bound, against a run of our own: no frame's variables show it."""
        for step, node, claimed in self.returned:
            found = [note.value.text for note in details.of(step.index) if note.node is node]
            if claimed not in found[-1:]:
                self.fault(f"{place(step)}: the call returns {found[-1] if found else 'what is not known'}, not {claimed}")
        for step, error in self.raised:
            known = details.raised.get(step.index)
            if known is None or error not in (known.text, known.type):
                self.fault(f"{place(step)}: it raises {known}, not {error}")
        for index, bindings in self.rounds.items():
            bound = iter([(_bound_name(note.node), note.value.text) for note in details.of(index)])
            for name, text in bindings:
                if (name, text) not in bound:  # which looks on from the one before
                    self.fault(f"{place(self.trace.steps[index])}: no round there has {name} = {text}")
                    break

    def compare(self, values: Sequence[Sequence[Value | None]]) -> None:
        """What the expressions have given, against what was claimed."""
        for probe, found in zip(self.probes.values(), values, strict=True):
            for (claimed, what), value in zip(probe.claimed, found, strict=True):
                if value is None or value.text != claimed:
                    self.fault(f"{what}: it is {value if value is not None else 'an error'}")

    def _needed(self, what: str) -> Step | None:
        if self.step is None:
            self.fault(f"{what} outside of any line")
        return self.step

    def _statement(self, step: Step | None) -> ast.stmt | ast.ExceptHandler | None:
        statement = self.facts.statement(step) if step else None
        return statement.node if statement else None

    def _parts(self, step: Step) -> Parts:
        if step.line not in self.parts:
            node = self._statement(step)
            self.parts[step.line] = parts_of(node) if node is not None else Parts([])
        return self.parts[step.line]

    def _values_of(self, node: ast.AST) -> Collection[str]:
        """What a part of the present step's statement is known to be; where the same text stands twice, each of the two."""
        assert self.step is not None
        known = self.known.get(self.step.index, {})
        if isinstance(node, ast.NamedExpr):
            node = node.value
        if isinstance(node, ast.Constant):
            return (to_value(node.value).text or "",)
        if not isinstance(node, ast.Name):
            return known.get(ast.dump(node), ())
        parts = self._parts(self.step)
        if node.id in parts.around.get(node, ()):
            return (self.inner[node.id],) if node.id in self.inner else ()
        found = {
            text for given in parts.given.get(node.id, ()) for text in self._values_of(given) if not isinstance(given, ast.Name)
        }
        value = self.facts.before(self.step).get(node.id)
        return found | {value.text} if value and value.text is not None else found

    def _compute(
        self, step: Step, expression: str, claimed: str, what: str, inner: dict[str, str] | None = None, again: bool = True
    ) -> None:
        """Has an expression computed in the state before a step."""
        probe = self.probes.get(step.index)
        if probe is None:
            before = {name: value.text for name, value in self.facts.before(step).items() if value.text is not None}
            probe = self.probes[step.index] = _StepProbe(before)
        if not again and probe.expressions:
            return
        probe.expressions.append((expression, inner) if inner else expression)
        probe.claimed.append((claimed, f"{place(step)}: {what}"))

    def _compare_bindings(self, claimed: Bindings, state: Mapping[str, Value], where: str) -> None:
        for name, text in claimed:
            value = state.get(name)
            if value is None or value.text != text:
                self.fault(f"{where}: {name} is {value}, not {text}")


def place(step: Step | None) -> str:
    """A step, as messages name it."""
    return f"line {step.line} visit {step.visit}" if step else "no line"


def _bound_name(node: ast.AST) -> str | None:
    return node.arg if isinstance(node, ast.arg) else node.id if isinstance(node, ast.Name) else None
