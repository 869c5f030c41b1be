"""Whether an answer to a probe of REval's is right: by the authors' rule, and strictly."""

import ast
import textwrap
from collections.abc import Mapping

from execverify.errors import LiteralError
from execverify.evaluation.answers import Answer
from execverify.evaluation.benchmark import Grade
from execverify.evaluation.reval.ground_truth import YES, Probe
from execverify.evaluation.reval.official_rule import is_state, is_yes, next_line, state_of
from execverify.evaluation.reval.programs import HOLE, HOLE_NAME, Run, holes, text_to_run
from execverify.programs.equality import same_value
from execverify.programs.literals import parse_literal, parse_untrusted
from execverify.programs.program import truncate
from execverify.questions.question import NO_STATE


def mark(probe: Probe, answer: Answer, known: Mapping[str, bool | None]) -> Grade:
    """The mark of an answer; `known` has the outcome of each text to run."""
    given = (answer.official or "").strip()
    if probe.task == "coverage":
        right, strict = is_yes(given) == (probe.official[0] == YES), given == probe.texts[0]
        why = "" if strict else answer.why or f"the line is {'' if probe.texts[0] == YES else 'not '}executed"
        return Grade(right, strict, why)
    if answer.official is None:
        return Grade(False, False, answer.why)
    if probe.task == "path":
        right, strict = next_line(given) in probe.official, given in probe.texts
        return Grade(right, strict, "" if right and strict else f"what follows is {' or '.join(map(repr, probe.texts))}")
    if probe.task == "state":
        return _state_mark(probe, given)
    text = text_to_run(probe.run, answer.official)
    official = False if text is None else known[text]
    holds = None if official is None else official and _is_filled(probe.run, given)
    why = "" if holds else "it does not hold" if not official else "it is not the given assertion with literals for ??"
    return Grade(official, holds, why)


def _state_mark(probe: Probe, given: str) -> Grade:
    try:
        read = state_of(given)
        official = not probe.official_values if read is None else is_state(read, probe.official_values)
    except LiteralError:
        official = False
    if given == NO_STATE or not probe.values:
        strict = given == NO_STATE and not probe.values
        why = "the line is executed, and the variable has a value" if probe.values else "it has no value there"
        return Grade(official, strict, "" if strict else why)
    text, semicolon, kind = given.rpartition(";")
    try:
        value = parse_literal(text)
    except LiteralError as error:
        return Grade(official, False, f"the value {error}" if semicolon else "it is not `value; type`")
    strict = any(same_value(value, parse_literal(one.text or "")) for one in probe.values if one.type == kind.strip())
    known_values = " or ".join(map(str, probe.values[:3])) + (" ..." if len(probe.values) > 3 else "")
    return Grade(official, strict, "" if strict else f"it is {truncate(known_values, 120)}")


def _is_filled(run: Run, given: str) -> bool:
    """Whether a text is the assertion with literals in place of `??`, none of them the data's value in another type."""
    try:
        wanted = parse_untrusted(textwrap.dedent(run.assertion).replace(HOLE, HOLE_NAME), "exec")
        found = holes(wanted, parse_untrusted(textwrap.dedent(given), "exec"))
        known = holes(wanted, parse_untrusted(textwrap.dedent(run.gold or ""), "exec"))
    except (LiteralError, RecursionError):
        return False
    return found is not None and known is not None and all(map(_fits, found, known))


def _fits(found: ast.AST, known: ast.AST) -> bool:
    """Whether what stands for a hole is what the data have there, or a literal: not 4.0 or True for 4 or 1."""
    if ast.dump(found) == ast.dump(known):
        return True
    try:
        value = parse_literal(ast.unparse(found))
    except (LiteralError, AttributeError, RecursionError):
        return False
    try:
        own = parse_literal(ast.unparse(known))
    except LiteralError:  # not a literal: nothing to compare with
        return True
    return not (value == own and not same_value(value, own))
