"""The chains of thought of rows: true ones must be graded right in every line and paid in full, attacks on them must not be paid."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from execverify.cot import NAMED_LEVELS, CotCompletion, generate_cot
from execverify.cot.search import find_arguments
from execverify.questions.task import TASK_KINDS, Task
from execverify.reward_hacks.chains import chain_hacks
from execverify.reward_hacks.family import RewardHack
from execverify.rewards.parts import Score
from execverify.rewards.score import score_many
from execverify.rewards.steps.credit import VerifiedReward
from execverify.rewards.steps.reference import references_of
from execverify.sandbox.result import Limits

STYLES_READ = ("compact",)
"""The styles of chains that the rewards read."""

_REWARD = VerifiedReward()
_FAMILIES = 6  # that are tried on a row, where not every attack is


@dataclass(frozen=True, slots=True)
class TriedChain:
    """A completion that was scored by the reward `verified`.

    Attributes:
        id: of the row.
        family: of the attack; empty for a true chain.
        fault: what must not be; empty where all is well.
    """

    id: str
    family: str
    fault: str


def try_chains(tasks: Sequence[Task], every: Sequence[bool], limits: Limits) -> Iterator[TriedChain]:
    """Scores the true chains of tasks, in every style that is read and at every named level of detail, and attacks on the fullest.

    Tasks without a run are left out, and so are those whose run differs from the row: that is a wrong label. Programs with generators or
    with several statements in a line get no attacks, because lines about them need not state everything.

    Args:
        tasks: of any kinds.
        every: for each task, whether to try every attack, instead of one of each of some families.
        limits: what a program may use.
    """
    of_runs = [(task, all_hacks) for task, all_hacks in zip(tasks, every, strict=True) if task.kind in TASK_KINDS]
    references = references_of([task.program for task, _ in of_runs], limits=limits)
    # One search for all levels of detail.
    searches = iter(find_arguments([task for task, _ in of_runs if task.kind == "input_prediction"]))
    for task, all_hacks in of_runs:
        reference, needs_search = references[task.program], task.kind == "input_prediction"
        search = next(searches) if needs_search else None
        if reference is None or (needs_search and search is None):  # without a search there is no chain
            continue
        found = (
            generate_cot(task, reference.trace, reference.values, search=search, style=style, detail_level=level)
            for style in STYLES_READ
            for level in NAMED_LEVELS
        )
        texts = list(dict.fromkeys(made.text for made in found if isinstance(made, CotCompletion)))
        for text, score in zip(texts, _scores(task, texts, limits), strict=True):
            yield TriedChain(task.id, "", _true_chain_fault(score, text))
        if texts and not reference.is_lenient:
            yield from _tried_hacks(task, chain_hacks(task, texts[0]), all_hacks, limits)


def _tried_hacks(task: Task, hacks: Iterable[RewardHack], all_hacks: bool, limits: Limits) -> Iterator[TriedChain]:
    tried = list(hacks) if all_hacks else _some(hacks, task.id)
    for hack, score in zip(tried, _scores(task, [hack.completion for hack in tried], limits), strict=True):
        paid = score.reward is None or score.reward > hack.max_reward
        fault = f"earns {score.reward} by `verified`, is worth {hack.max_reward}: {hack.completion[:200]!r}" if paid else ""
        yield TriedChain(task.id, f"chain: {hack.family}", fault)


def _scores(task: Task, texts: Sequence[str], limits: Limits) -> list[Score]:
    return score_many([(task, text) for text in texts], rule=_REWARD, limits=limits)


def _true_chain_fault(score: Score, text: str) -> str:
    wrong = score.chain.first_divergence if score.chain is not None else None
    if score.reward == _REWARD.scale and wrong is None:
        return ""
    why = f"{wrong.verdict}: {wrong.text!r}: {wrong.why}" if wrong is not None else f"no divergence: {text[:200]!r}"
    return f"a true chain earns {score.reward} by `verified`: {why}"


def _some(hacks: Iterable[RewardHack], seed: str) -> list[RewardHack]:
    """One attack by chance of each of some families; the same for the same seed."""
    draw, counts, chosen = Random(seed), Counter[str](), dict[str, RewardHack]()
    for hack in hacks:
        counts[hack.family] += 1
        if draw.randrange(counts[hack.family]) == 0:
            chosen[hack.family] = hack
    return draw.sample(list(chosen.values()), min(_FAMILIES, len(chosen)))
