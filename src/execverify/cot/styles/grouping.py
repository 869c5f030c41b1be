"""What the styles share: claims in groups that read as one, and what a program's text gives to say."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from execverify.programs.program import Program
from execverify.questions.statements import layout_of
from execverify.rewards.steps.claims import Claim, ConditionValue, FunctionReturned, ValueClaim, VariableSet


@dataclass(frozen=True)
class SourceInfo:
    """Static facts about a program that styles use.

    Attributes:
        loops: lines of `while` headers.
        texts: the statement's text of each line.
    """

    loops: frozenset[int]
    texts: dict[int, str]


def source_info(program: Program) -> SourceInfo:
    """What a style reads of a program: its lines and loops."""
    statements = layout_of(program).statements
    loops = frozenset(line for line, one in statements.items() if isinstance(one.node, ast.While))
    return SourceInfo(loops, {line: one.accepted_texts[-1] for line, one in statements.items()})


@dataclass(frozen=True, slots=True)
class ClaimGroup:
    """A claim, with the part whose value it takes up where that was given just before.

    Attributes:
        claim: the claim.
        given: the part.
    """

    claim: Claim
    given: ValueClaim | None = None


def grouping(claims: Iterable[Claim]) -> Iterator[ClaimGroup]:
    """Claims in the groups in which they are mentioned."""
    given: ValueClaim | None = None
    for claim in claims:
        if isinstance(claim, ValueClaim):
            if given is not None:
                yield ClaimGroup(given)
            given = claim
            continue
        joined = given is not None and given.whole and _value(claim) == given.value
        if given is not None and not joined:
            yield ClaimGroup(given)
        yield ClaimGroup(claim, given if joined else None)
        given = None
    if given is not None:
        yield ClaimGroup(given)


def _value(claim: Claim) -> str | None:
    """The value that a claim takes up from the part before it."""
    if isinstance(claim, VariableSet | FunctionReturned):
        return claim.value
    return str(claim.holds) if isinstance(claim, ConditionValue) else None
