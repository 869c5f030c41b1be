"""Programs that explain themselves: steps, frames, states and next statements worked out by hand from the definition."""

import pytest

import execverify as ev
from tests.helpers.trace_cases import Case, load_cases

CASES = load_cases()


def traced(case: Case) -> ev.Trace:
    entry_point, arguments = case.call.split("(", 1)
    return ev.trace(ev.Program(case.source, entry_point, arguments[:-1]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    trace = traced(case)
    assert [step.line for step in trace.steps] == list(case.steps)
    if case.frames is not None:
        assert [step.frame for step in trace.steps] == list(case.frames)
    if case.raises is not None:
        assert (trace.result.outcome, trace.result.error) == ("raised", case.raises)
    elif case.result is not None:
        assert trace.result.value is not None
        assert trace.result.value.text == case.result
    for state in case.states:
        step = trace.step(state.line, state.visit)
        assert step is not None and step.finished is not None, state
        value = step.state[state.name]
        assert (value.text, value.type if value.text is not None else None) == (state.text, state.type), state
    for line, visit in case.no_states:
        step = trace.step(line, visit)
        assert step is not None and step.finished is None and not step.state
    for expected in case.nexts:
        step = trace.step(expected.line, expected.visit)
        following = trace.steps[step.index + 1 :][:1] if step is not None else ()
        assert (following[0].line if following else -1) == expected.target, expected


def test_there_are_cases() -> None:
    assert len(CASES) >= 100
