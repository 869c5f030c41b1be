"""The arms of the ablation: what is trained on what. An arm begins where another one ended, so that what they share is done once.

The claim to test is the paper's (section 4.2 and 4.4): white-box RL > output-only RL > SFT. The control that keeps it honest is
more SFT for the same time: on the rows of the warm-up and on the prompts that RL gets, with chains of thought for them. (On those
prompts alone it would see each dozens of times, and be no control.)
"""

from collections.abc import Iterable
from dataclasses import dataclass

from execverify.errors import TrainingError

BASE, SFT, EXTENDED_SFT = "base", "sft", "more-sft"


@dataclass(frozen=True)
class Condition:
    """One arm.

    Attributes:
        name: how tables and folders call it.
        after: the arm on whose model it begins; None for the base model.
        stage: which stage's settings it has: "sft", "rl_whitebox" or "rl_unit_tests"; None where nothing is trained.
        reward: instead of the stage's own; None keeps it.
        what: for readers.
        against: the arms that it is compared with.
    """

    name: str
    after: str | None
    stage: str | None
    reward: str | None = None
    what: str = ""
    against: tuple[str, ...] = ()


def _stage1(name: str, reward: str, what: str, *against: str) -> Condition:
    return Condition(name, SFT, "rl_whitebox", reward, what, (SFT, EXTENDED_SFT, *against))


ARMS = (
    Condition(BASE, None, None, what="the model that training starts from"),
    Condition(SFT, BASE, "sft", what="the warm-up on chains of thought", against=(BASE,)),
    _stage1("output-only", "output_only", "the warm-up, then RL by the output alone"),
    _stage1("white-box", "white_box", "the warm-up, then the paper's white-box RL", "output-only"),
    _stage1("parts", "parts", "the same, its parts as rewards of their own, normalised apart (GDPO)", "output-only", "white-box"),
    _stage1("control-flow", "control_flow", "white-box RL with next-statement questions only", "output-only", "white-box"),
    _stage1("data-flow", "data_flow", "white-box RL with variable-state questions only", "output-only", "white-box"),
    Condition(
        EXTENDED_SFT,
        SFT,
        "sft",
        None,
        "the warm-up, then more of it for as long as white-box RL took, with chains for RL's prompts too",
        (SFT,),
    ),
    Condition("unit-tests", SFT, "rl_unit_tests", None, "the warm-up, then unit-test RL alone", (SFT,)),
    Condition(
        "white-box+unit-tests",
        "white-box",
        "rl_unit_tests",
        None,
        "the warm-up, white-box RL, then unit-test RL",
        (SFT, "white-box", "unit-tests"),
    ),
)


def chosen_arms(names: Iterable[str], rl_unit_tests: bool) -> list[Condition]:
    """Arms by name, with those that they begin on, in the order of `ARMS`.

    Args:
        names: none means all.
        rl_unit_tests: whether the preset has a second stage; without, its arms are left out.

    Raises:
        TrainingError: there is no such arm.
    """
    known = {arm.name: arm for arm in ARMS}
    wanted = list(names) or [arm.name for arm in ARMS if rl_unit_tests or arm.stage != "rl_unit_tests"]
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in known:
            raise TrainingError(f"there is no arm {name!r}: the arms are {', '.join(known)}")
        needed.add(name)
        if name == EXTENDED_SFT and "white-box" not in needed:
            wanted.append("white-box")  # whose time it gets
        if (after := known[name].after) is not None and after not in needed:
            wanted.append(after)
    return [arm for arm in ARMS if arm.name in needed]
