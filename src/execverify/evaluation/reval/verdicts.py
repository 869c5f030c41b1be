"""Whether an answer to a probe of REval's is right: by the authors' rule, and strictly."""

import ast
import textwrap
from collections.abc import Mapping
from typing import Any

from execverify.errors import LiteralError
from execverify.evaluation.answers import Answer
from execverify.evaluation.benchmark import Mark
from execverify.evaluation.reval.runs import ENTRY, HOLE, Run, method
from execverify.evaluation.reval.truth import YES, Probe
from execverify.programs.literals import parse_literal, parse_quietly
from execverify.programs.program import shorten
from execverify.questions.question import NO_STATE
from execverify.rewards.compare import same_value

TOLERANCE = 1e-6
"""How far floats may be off in states, by the authors' rule."""


def mark(probe: Probe, answer: Answer, known: Mapping[str, bool | None]) -> Mark:
    if answer.official is None:
        return Mark(False, False, answer.why)
    given = answer.official.strip()
    if probe.task == "coverage":
        right = given.upper() == probe.texts[0]
        return Mark(
            right, given == probe.texts[0], "" if right else f"the line is {'' if probe.texts[0] == YES else 'not '}executed"
        )
    if probe.task == "path":
        right = given in probe.texts
        return Mark(right, right, "" if right else f"what follows is {' or '.join(map(repr, probe.texts))}")
    if probe.task == "state":
        return _state_mark(probe, given)
    official = known[official_text(probe, answer.official)]
    strict = None if official is None else official and _is_filled(probe.run, given)
    why = "" if strict else "it does not hold" if not official else "it is not the given assertion with a literal for ??"
    return Mark(official, strict, why)


def _state_mark(probe: Probe, given: str) -> Mark:
    if given == NO_STATE or not probe.values:
        right = given == NO_STATE and not probe.values
        why = "" if right else "the line is executed, and the variable has a value" if probe.values else "it has no value there"
        return Mark(right, right, why)
    text, semicolon, kind = given.rpartition(";")
    try:
        value = parse_literal(text)
    except LiteralError as error:
        return Mark(False, False, f"the value {error}" if semicolon else "it is not `value; type`")
    matching = [parse_literal(one.text or "") for one in probe.values if one.type == kind.strip()]
    official = any(same_value(value, one, TOLERANCE) or _equal(value, one) for one in matching)
    strict = any(same_value(value, one) for one in matching)
    told = " or ".join(map(str, probe.values[:3])) + (" ..." if len(probe.values) > 3 else "")
    return Mark(official, strict, "" if strict else f"it is {shorten(told, 120)}")


def _equal(value: object, other: object) -> bool:
    try:
        return bool(value == other)
    except RecursionError:
        return False


def official_text(probe: Probe, given: str) -> str:
    """The program whose run decides on a completed assertion."""
    run = probe.run
    if run.case is None:
        return f"{run.before}\n{given}"
    return f"{run.before}{method(run.case, textwrap.dedent(given))}\n{ENTRY}()"


def _is_filled(run: Run, given: str) -> bool:
    """Whether a text is the assertion with a literal in place of `??`."""
    try:
        wanted = parse_quietly(textwrap.dedent(run.assertion).replace(HOLE, "__hole__"), "exec")
        found = parse_quietly(textwrap.dedent(given), "exec")
    except LiteralError:
        return False
    return _fits(wanted, found)


def _fits(wanted: Any, found: Any) -> bool:
    """Whether two trees are equal but for the hole, where the other has a literal."""
    if isinstance(wanted, ast.Name) and wanted.id == "__hole__":
        try:
            parse_literal(ast.unparse(found))
        except (LiteralError, AttributeError, RecursionError):
            return False
        return True
    if isinstance(wanted, ast.AST):
        return type(wanted) is type(found) and all(
            _fits(getattr(wanted, n, None), getattr(found, n, None)) for n in wanted._fields
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(wanted) == len(found) and all(map(_fits, wanted, found))
    return type(wanted) is type(found) and bool(wanted == found)
