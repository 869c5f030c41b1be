"""The conditions of the ablation: what is trained on what. A condition starts from another's model, so that shared stages run once.

The paper's claim (sections 4.2 and 4.4) is: white-box RL > RL by the output alone > SFT. The control is SFT extended to the time that
white-box RL takes: on the same chains of thought (`repeated-sft`), which is the fair one, as chains cost a teacher; and with new chains for
the prompts of RL too (`extended-sft`), which is an upper bound.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from execverify.errors import TrainingError

BASE, SFT, WHITE_BOX = "base", "sft", "white-box"
EXTENDED_SFT, REPEATED_SFT = "extended-sft", "repeated-sft"
AS_LONG_AS_RL = (EXTENDED_SFT, REPEATED_SFT)
"""Conditions of SFT that take as long as white-box RL."""


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        name: in tables and of its folder.
        starts_from: the condition whose model it starts from; None for the base model.
        stage: the stage whose settings it trains with: "sft", "rl_whitebox" or "rl_unit_tests"; None where nothing is trained.
        reward: instead of the stage's own; None keeps it.
        description: for readers.
        curriculum: whether RL draws its prompts by a curriculum, whatever the preset sets.
        compared_with: the conditions that it is compared with.
    """

    name: str
    starts_from: str | None
    stage: str | None
    reward: str | None = None
    description: str = ""
    compared_with: tuple[str, ...] = ()
    curriculum: bool = False


def _rl_whitebox(name: str, reward: str, description: str, *compared_with: str) -> Condition:
    return Condition(name, SFT, "rl_whitebox", reward, description, (SFT, REPEATED_SFT, EXTENDED_SFT, *compared_with))


CONDITIONS = (
    Condition(BASE, None, None, description="the model that training starts from"),
    Condition(SFT, BASE, "sft", description="SFT on chains of thought", compared_with=(BASE,)),
    _rl_whitebox("output-only", "output_only", "SFT, then RL by the output alone"),
    _rl_whitebox(WHITE_BOX, "white_box", "SFT, then the paper's white-box RL", "output-only"),
    _rl_whitebox(
        "per-component",
        "per_component",
        "the same, each component a reward of its own, normalized separately (GDPO)",
        "output-only",
        WHITE_BOX,
    ),
    _rl_whitebox("control-flow", "control_flow", "white-box RL with next-statement questions only", "output-only", WHITE_BOX),
    _rl_whitebox("data-flow", "data_flow", "white-box RL with variable-state questions only", "output-only", WHITE_BOX),
    _rl_whitebox(
        "verified", "verified", "SFT, then RL by the white-box reward where the chain is true", "output-only", WHITE_BOX
    ),
    _rl_whitebox("progress", "progress", "SFT, then RL by how far the chain follows the run", "output-only", WHITE_BOX),
    _rl_whitebox("step", "step", "SFT, then RL with credit for each line of the chain", "output-only", WHITE_BOX),
    Condition(
        "curriculum",
        SFT,
        "rl_whitebox",
        "white_box",
        "SFT, then white-box RL on as many prompts, drawn by a curriculum",
        (SFT, WHITE_BOX),
        curriculum=True,
    ),
    Condition(
        "step-curriculum",
        SFT,
        "rl_whitebox",
        "step",
        "SFT, then RL with credit for each line, on as many prompts, drawn by a curriculum",
        (SFT, "step"),
        curriculum=True,
    ),
    _rl_whitebox("bilevel", "bilevel", "SFT, then RL with credit for each line and for the answer", "output-only", WHITE_BOX),
    _rl_whitebox(
        "first-divergence", "first_divergence", "SFT, then RL that blames the first divergence", "output-only", WHITE_BOX
    ),
    Condition(
        REPEATED_SFT,
        SFT,
        "sft",
        description="SFT, then more of it for as long as white-box RL took, on the same chains of thought",
        compared_with=(SFT,),
    ),
    Condition(
        EXTENDED_SFT,
        SFT,
        "sft",
        description="SFT, then more of it for as long as white-box RL took, with chains of thought for RL's prompts too",
        compared_with=(SFT,),
    ),
    Condition("unit-tests", SFT, "rl_unit_tests", description="SFT, then RL by unit tests alone", compared_with=(SFT,)),
    Condition(
        "white-box+unit-tests",
        WHITE_BOX,
        "rl_unit_tests",
        description="SFT, white-box RL, then RL by unit tests",
        compared_with=(SFT, WHITE_BOX, "unit-tests"),
    ),
)


def select_conditions(names: Iterable[str], rl_unit_tests: bool) -> list[Condition]:
    """Conditions by name, with those that they need, in the order of `CONDITIONS`.

    Args:
        names: empty means all.
        rl_unit_tests: whether the preset has rows for RL by unit tests; else "all" is without its conditions.

    Raises:
        TrainingError: no such condition.
    """
    known = {condition.name: condition for condition in CONDITIONS}
    wanted = list(names) or [one.name for one in CONDITIONS if rl_unit_tests or one.stage != "rl_unit_tests"]
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in known:
            raise TrainingError(f"there is no condition {name!r}: the conditions are {', '.join(known)}")
        needed.add(name)
        if name in AS_LONG_AS_RL and WHITE_BOX not in needed:
            wanted.append(WHITE_BOX)  # it takes as long
        if (before := known[name].starts_from) is not None and before not in needed:
            wanted.append(before)
    return [condition for condition in CONDITIONS if condition.name in needed]
