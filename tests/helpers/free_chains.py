"""Chains in free words that were labelled by hand, and the verdicts on them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import execverify as ev
from execverify.rewards import GradedStep, StepVerdict
from execverify.rewards.steps.free_text import grade_text_against
from execverify.rewards.steps.reference import references_of

CHAINS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parents[1] / "data/free_chains.jsonl").read_text(encoding="utf-8").splitlines()
]
"""Each with its author, the batch that it was labelled in, a program, a text, and its claims: start, end, "right" or "wrong"."""

DECIDED = {StepVerdict.RIGHT, StepVerdict.WRONG}


@dataclass
class Agreement:
    """Verdicts with the labels of the claims that they are on; how many labelled claims are decided, and how many there are."""

    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    decided: int = 0
    labelled: int = 0

    def precision(self, verdict: str) -> tuple[int, int]:
        """How many verdicts of a kind have that label, and how many there are."""
        return self.pairs[verdict, verdict], sum(count for (one, _), count in self.pairs.items() if one == verdict)


def label_of(step: GradedStep, claims: Sequence[tuple[int, int, str]]) -> str:
    """The label of a claim: of the one that ends where it ends, or the last that overlaps it; "none" where a reader sees no claim."""
    start, end = step.span
    overlapping = [claim for claim in claims if claim[0] < end and start < claim[1]]
    exact = [claim for claim in overlapping if abs(claim[1] - end) <= 2]
    return (exact or overlapping or [(0, 0, "none")])[-1][2]


def agreement(chains: Sequence[dict[str, Any]]) -> Agreement:
    """How far the verdicts on chains agree with their labels."""
    found = Agreement()
    programs = [ev.Program(**row["program"]) for row in chains]
    runs = references_of(programs)
    for row, program in zip(chains, programs, strict=True):
        run = runs[program]
        assert run is not None
        claims = [(start, end, label) for start, end, label in row["claims"]]
        steps = [step for step in grade_text_against(run, row["text"]).steps if step.verdict in DECIDED]
        found.pairs.update((str(step.verdict), label_of(step, claims)) for step in steps)
        found.labelled += len(claims)
        found.decided += sum(any(step.span[0] < end and start < step.span[1] for step in steps) for start, end, _ in claims)
    return found
