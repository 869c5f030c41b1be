"""Input prediction: from the wanted result back to the arguments, along the steps that it goes back to."""

import ast
from collections.abc import Iterator

from execverify.cot.loops import TraceStructure
from execverify.programs.program import Program, cached_per_program
from execverify.questions.statements import layout_of
from execverify.rewards.steps.claims import Requirement
from execverify.tracing.trace import Trace

_BINDERS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


def requirements_of(trace: Trace, shape: TraceStructure, most: int, width: int) -> Iterator[Requirement]:
    """What each step needs on which the result depends, from the last one back; of the entry call's own frame.

    Args:
        trace: the run.
        shape: its shape.
        most: of how many lines.
        width: longest value that is rendered.
    """
    layout = layout_of(trace.program)
    around = _headers(trace.program)
    own = [step for step in trace.steps if step.frame == 0]
    if not own or own[-1].finished is None:
        return
    waiting = [own[-1].index]
    seen: set[int] = set()
    lines: set[int] = set()  # a line that runs again and again is rendered once
    while waiting and len(lines) < most:
        index = max(waiting)
        waiting.remove(index)
        if index in seen:
            continue
        seen.add(index)
        step = trace.steps[index]
        statement = layout.statements.get(step.line)
        if statement is None:
            continue
        before = shape.before[index]
        state = trace.steps[before].state if before >= 0 else trace.frames[0].state
        names = [name for name in _read(statement.node) if name in state]
        rendered = tuple((name, text) for name in names if (text := state[name].text) is not None and len(text) <= width)
        if rendered and step.line not in lines:
            yield Requirement(step.line, step.visit, rendered)
        lines.add(step.line)
        waiting += [place for name in names if (place := _last_change(trace, shape.before, index, name)) is not None]
        header = around.get(step.line)
        if header is not None and (place := _last_run(trace, shape.before, index, header)) is not None:
            waiting.append(place)


def _read(node: ast.AST) -> list[str]:
    """Names that a statement's own expressions read, in their order; not those of comprehensions and lambdas."""
    fields = [getattr(node, name, None) for name in ("value", "iter", "test", "subject")]
    if isinstance(node, ast.AugAssign):
        fields.insert(0, node.target)
    if isinstance(node, ast.Assign):
        fields += [target for target in node.targets if not isinstance(target, ast.Name)]
    names: list[str] = []
    bound: set[str] = set()
    for field in fields:
        if isinstance(field, ast.AST):
            for one in ast.walk(field):
                if isinstance(one, _BINDERS):
                    bound |= {
                        inner.id for inner in ast.walk(one) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
                    }
                    bound |= {inner.arg for inner in ast.walk(one) if isinstance(inner, ast.arg)}
                elif isinstance(one, ast.Name):
                    names.append(one.id)
    return [name for name in dict.fromkeys(names) if name not in bound]


def _last_change(trace: Trace, before: tuple[int, ...], index: int, name: str) -> int | None:
    """The step of the frame that last gave a name its value; None where it had it on entry."""
    at = before[index]
    while at >= 0:
        if name in trace.steps[at].changed:
            return at
        at = before[at]
    return None


def _last_run(trace: Trace, before: tuple[int, ...], index: int, line: int) -> int | None:
    """The step of the frame in which a line last ran."""
    at = before[index]
    while at >= 0 and trace.steps[at].line != line:
        at = before[at]
    return at if at >= 0 else None


@cached_per_program
def _headers(program: Program) -> dict[int, int]:
    """For each statement line, the test or loop that decides whether it runs: the innermost one around it."""
    found: dict[int, int] = {}
    for line, statement in layout_of(program).statements.items():
        node = statement.node
        if isinstance(node, ast.If | ast.While | ast.For):
            for inner in (*node.body, *node.orelse):
                for number in range(inner.lineno, (inner.end_lineno or inner.lineno) + 1):
                    found[number] = line  # outer ones come first, and are overwritten
    return found
