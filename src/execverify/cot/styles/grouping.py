"""What the voices share: claims in groups that read as one, and what a program's text gives to say."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from execverify.cot.claims import Claim, Gives, Leaves, Sets, Tests
from execverify.programs.program import Program
from execverify.questions.statements import layout_of


@dataclass(frozen=True)
class Sheet:
    """What a program's text tells a voice.

    Attributes:
        loops: lines of `while` headers.
        texts: the statement's text of each line.
    """

    loops: frozenset[int]
    texts: dict[int, str]


def sheet_of(program: Program) -> Sheet:
    """The sheet of a program."""
    statements = layout_of(program).statements
    loops = frozenset(line for line, one in statements.items() if isinstance(one.node, ast.While))
    return Sheet(loops, {line: one.texts[-1] for line, one in statements.items()})


@dataclass(frozen=True, slots=True)
class Clause:
    """A claim, with the part whose value it takes up where that was given just before.

    Attributes:
        claim: the claim.
        given: the part.
    """

    claim: Claim
    given: Gives | None = None


def clauses(claims: Iterable[Claim]) -> Iterator[Clause]:
    """Claims in the groups in which they are said."""
    given: Gives | None = None
    for claim in claims:
        if isinstance(claim, Gives):
            if given is not None:
                yield Clause(given)
            given = claim
            continue
        joined = given is not None and given.whole and _value(claim) == given.value
        if given is not None and not joined:
            yield Clause(given)
        yield Clause(claim, given if joined else None)
        given = None
    if given is not None:
        yield Clause(given)


def _value(claim: Claim) -> str | None:
    """The value that a claim takes up from the part before it."""
    if isinstance(claim, Sets | Leaves):
        return claim.value
    return str(claim.holds) if isinstance(claim, Tests) else None
