"""The run of a program as data for the viewer: its steps in columns, each value stored once.

The browser rebuilds the variables of any moment from the changes. A step's changes count from the moment in which it finishes, so
those of a statement that calls a function come after the steps of the call.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from execverify.programs.program import Program
from execverify.programs.values import Value
from execverify.questions.statements import layout_of
from execverify.rewards.steps.reference import RunReference, traced_with_expressions
from execverify.sandbox.result import Limits
from execverify.tracing.expression_watch import Watch, watch_many
from execverify.tracing.expressions import ExpressionValues
from execverify.tracing.trace import Step, Trace

MAX_STEPS = 2_000
"""How many steps of a run are stored."""

MAX_VALUE = 400
"""How many characters of a value are stored."""

_MAX_EXPRESSIONS, _MAX_PART = 14, 160  # of one step; characters of a part's source text
_MAX_WATCHES = 400  # attributes that are watched in one run, each at one line
_OBJECT = "object"

Run = tuple[Trace, ExpressionValues]


def runs_as_data(programs: Sequence[Program], limits: Limits, workers: int = 1) -> list[dict[str, Any]]:
    """Runs programs in the sandbox, and gives each run as plain values.

    Args:
        programs: with their arguments; each is run.
        limits: what a program may use.
        workers: how many processes run programs at once.

    Raises:
        SandboxError: programs cannot be run on this machine.
    """
    runs = traced_with_expressions(programs, limits, workers)
    traces = [trace for trace, _ in runs]
    attributes = _attributes(traces, limits, workers)
    return [run_as_data(trace, values, seen) for (trace, values), seen in zip(runs, attributes, strict=True)]


def run_as_data(trace: Trace, values: ExpressionValues, attributes: Mapping[int, Mapping[str, Value]]) -> dict[str, Any]:
    """One run as plain values.

    Args:
        trace: the run.
        values: the values of its expressions.
        attributes: for steps, the attributes of the frame's objects when the step had finished, such as `box.size`.
    """
    return _Encoder(trace, values, attributes).data()


class _Encoder:
    """Numbers the names, texts and values of one run."""

    def __init__(self, trace: Trace, values: ExpressionValues, attributes: Mapping[int, Mapping[str, Value]]) -> None:
        self.trace, self.values, self.attributes = trace, values, attributes
        self.steps = trace.steps[:MAX_STEPS]
        self.facts = RunReference(trace, values)
        self.texts: dict[str, int] = {}
        self.seen: dict[Value, int] = {}
        self.shown: dict[tuple[int, str], Value] = {}
        self.entry: dict[int, list[int]] = {}

    def data(self) -> dict[str, Any]:
        """The run."""
        program, result = self.trace.program, self.trace.result
        changes = [self._changes(step) for step in self.steps]
        notes = [self._notes(step) for step in self.steps]
        last = max((step.frame for step in self.steps), default=-1)
        frames = [self._frame(number) for number in range(last + 1)]
        returned = None if result.value is None else self._value(result.value)
        found = {
            "source": program.source,
            "call": program.one_line_call,
            "outcome": str(result.outcome),
            "detail": result.detail[:MAX_VALUE],
            "printed": result.stdout[:4_000],
            "result": returned,
            "total": len(self.trace.steps),
            "lines": [step.line for step in self.steps],
            "of": [step.frame for step in self.steps],
            "ends": [-1 if step.finished is None else step.finished for step in self.steps],
            "changes": changes,
            "frames": frames,
            "loops": list(_loops(program)),
            "texts": list(self.texts),
            "values": [_value_as_data(value) for value in self.seen],
        }
        return {**found, "notes": notes} if any(notes) else found

    def _text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def _value(self, value: Value) -> int:
        return self.seen.setdefault(value, len(self.seen))

    def _changes(self, step: Step) -> list[int]:
        """Numbers of names and of their new values, by turns; -1 for a name that is gone."""
        if step.finished is None:
            return []
        found = []
        for name in sorted(step.changed):
            found += [self._text(name), self._value(step.state[name]) if name in step.state else -1]
        for name, value in self.attributes.get(step.index, {}).items():
            before = self.shown.get((step.frame, name))
            self.shown[step.frame, name] = value
            if before is None and not self._sets(step, name):  # the frame began with it
                self.entry.setdefault(step.frame, []).extend((self._text(name), self._value(value)))
            elif before != value:
                found += [self._text(name), self._value(value)]
        return found

    def _sets(self, step: Step, attribute: str) -> bool:
        """Whether a step's statement sets an attribute, or binds its variable."""
        variable, _, name = attribute.partition(".")
        node = self.facts.node(step)
        return variable in step.changed or (
            node is not None
            and not isinstance(node, ast.For | ast.While | ast.If)
            and any(
                isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and each.attr == name
                for each in ast.walk(node)
            )
        )

    def _notes(self, step: Step) -> list[int]:
        """Numbers of a part's text, its value, and how many steps had begun when it was computed, by turns."""
        found: list[int] = []
        for note in self.values.of(step.index)[:_MAX_EXPRESSIONS]:
            text = note.text
            if len(text) <= _MAX_PART and not isinstance(note.node, ast.Constant):
                found += [self._text(text), self._value(note.value), note.time_index]
        return found

    def _frame(self, number: int) -> dict[str, Any]:
        frame = self.trace.frames[number]
        given = self.facts.parameters(number)
        found: dict[str, Any] = {
            "name": frame.function,
            "caller": -1 if frame.caller is None else frame.caller,
            "given": [self._text(name) for name in given if name in frame.state],
            "state": [one for name, value in frame.state.items() for one in (self._text(name), self._value(value))]
            + self.entry.get(number, []),
        }
        last = self.facts.last.get(number)
        if last is not None and last.finished is not None:
            found["last"] = last.index
            text = self.facts.returned(number)
            if text is not None:
                found["returned"] = text[:MAX_VALUE]
        return found


def _value_as_data(value: Value) -> list[Any]:
    """Type, literal text or null, why there is none, and the length of a text that is cut."""
    if value.text is None:
        return [value.type, None, value.opaque_reason]
    if len(value.text) <= MAX_VALUE:
        return [value.type, value.text]
    return [value.type, value.text[:MAX_VALUE], None, len(value.text)]


def _loops(program: Program) -> Iterator[list[int]]:
    """The line of each loop's header, and the first and last line of its body."""
    for line, statement in layout_of(program).statements.items():
        node = statement.node
        if isinstance(node, ast.For | ast.While | ast.AsyncFor):
            yield [line, node.body[0].lineno, node.body[-1].end_lineno or line]


# --------------------------------------------------------------------------------------------------------- attributes


def _attributes(traces: Sequence[Trace], limits: Limits, workers: int) -> list[dict[int, dict[str, Value]]]:
    """For each run, the attributes of objects of the program's own classes, by step. Runs with such objects run once more."""
    found: list[dict[int, dict[str, Value]]] = [{} for _ in traces]
    wanted = {number: watches for number, trace in enumerate(traces) if (watches := list(_watches(trace)))}
    watched = watch_many(
        [(traces[number].program, watches) for number, watches in wanted.items()], limits=limits, workers=workers
    )
    for (number, watches), seen in zip(wanted.items(), watched, strict=True):
        if seen.lines != tuple(step.line for step in traces[number].steps):
            continue  # it went another way
        for (_, text), values, places in zip(watches, seen.values, seen.places, strict=True):
            for value, place in zip(values, places, strict=True):
                if value.text is not None:
                    found[number].setdefault(place, {})[text] = value
    return found


def _watches(trace: Trace) -> Iterator[Watch]:
    """Which attributes to look at, each at a line at which its variable holds an object of a class of the program."""
    names = _attribute_names(trace.program)
    if not names:
        return
    classes = {node.name for node in trace.program.nodes if isinstance(node, ast.ClassDef)}
    objects = dict.fromkeys(
        (step.line, name)
        for step in trace.steps
        for name, value in step.state.items()
        if value.opaque_reason == _OBJECT and value.type in classes and name.isidentifier()
    )
    for line, name in list(objects)[: _MAX_WATCHES // len(names)]:
        for attribute in names:
            yield line, f"{name}.{attribute}"


def _attribute_names(program: Program) -> list[str]:
    """The attributes that a program's own code sets on objects, or declares in a class."""
    found: dict[str, None] = {}
    for node in program.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found[node.attr] = None
        elif isinstance(node, ast.ClassDef):
            found.update(
                (one.target.id, None) for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            )
    return [name for name in found if not name.startswith("__")][:20]
