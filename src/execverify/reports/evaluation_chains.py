"""The chains of thought of a run for its page: each line with its grade, in groups by what became of the output."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from execverify.evaluation.benchmark import ItemResult
from execverify.evaluation.chain_figures import FIGURES
from execverify.rewards.steps.chain import GradedChain, GradedStep
from execverify.utils.messages import count_phrase

MAX_CHAINS = 150
"""How many chains of a group are shown."""

MAX_LINES = 80
"""How many lines of a chain are shown."""

_GROUPS = {
    (True, False): "Right output by a chain that is not true",
    (False, False): "Wrong output, chain not true",
    (False, True): "Wrong output after a true chain",
    (True, True): "Right output by a true chain",
}


@dataclass(frozen=True, slots=True)
class ShownChain:
    """One chain.

    Attributes:
        id: of the item.
        call: of the item.
        summary: where it first diverges.
        lines: the first `MAX_LINES` of it.
        left_out: how many more there are.
    """

    id: str
    call: str
    summary: str
    lines: tuple[GradedStep, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class ChainGroup:
    """Chains whose output and truth are alike: how many completions there are, and the first of each item."""

    title: str
    count: int
    chains: tuple[ShownChain, ...]


def faithfulness_figures(results: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The figures of a run's chains, each with its meaning."""
    figures = results["faithfulness"]["figures"]
    for name, (meaning, _) in FIGURES.items():
        yield {"meaning": meaning, **figures[name]}


def chain_groups(records: Sequence[ItemResult]) -> list[ChainGroup]:
    """The chains of a run by group: of each item and group the first completion, of the first `MAX_CHAINS` items."""
    counts = dict.fromkeys(_GROUPS, 0)
    shown: dict[tuple[bool, bool], list[ShownChain]] = {key: [] for key in _GROUPS}
    for record in records:
        seen: set[tuple[bool, bool]] = set()
        for chain, right in record.chains():
            key = right, chain.is_true
            counts[key] += 1
            if key not in seen and len(shown[key]) < MAX_CHAINS:
                shown[key].append(_shown(record, chain))
            seen.add(key)
    return [ChainGroup(title, counts[key], tuple(shown[key])) for key, title in _GROUPS.items() if counts[key]]


def _shown(record: ItemResult, chain: GradedChain) -> ShownChain:
    wrong = chain.first_divergence
    if wrong is None:
        summary = f"{count_phrase(len(chain.steps), 'line')}, all right"
    else:
        kind = f" ({wrong.statement})" if wrong.statement else ""
        summary = f"line {chain.steps.index(wrong) + 1} is {wrong.verdict}{kind}"
    return ShownChain(record.item.id, record.item.call, summary, chain.steps[:MAX_LINES], max(0, len(chain.steps) - MAX_LINES))
