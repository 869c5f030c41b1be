"""Advantages of single tokens for a group of rollouts of one task.

    assign_advantages(traces, credit_reward({"reward": "step"}), load_tokens("some/model"))

Each scored trace holds the graded steps of its reply as text (`trace.info["units"]`), so the traces may come from other processes. What
is assigned is `advantages` of the message that the model wrote: one number for each sampled token, as `logprobs` has them.
"""

import functools
import logging
from collections.abc import Sequence
from typing import Any

import verifiers.v1 as vf

from execverify.rewards.steps.credit import Credit, CreditReward, GradedText
from execverify.training.token_credits import TokenCredits

logger = logging.getLogger(__name__)

UNITS = "units"
"""The key of a trace's `info` under which its graded steps are."""


@functools.lru_cache(maxsize=4)
def load_tokens(model: str) -> TokenCredits:
    """The map from characters to tokens of a model's tokenizer.

    Args:
        model: hub name or folder.
    """
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(model)
    return TokenCredits(tokenizer, tokenizer.all_special_ids)


def assign_advantages(traces: Sequence[vf.Trace], rule: CreditReward, tokens: TokenCredits) -> int:
    """Sets the advantages of the sampled tokens of each trace of a group.

    A trace without graded steps or without tokens keeps its advantages, and belongs to no group: those of rollouts that failed, of
    code generation, and of clients that return no tokens.

    Args:
        traces: of one task, scored.
        rule: the reward that gives credits.
        tokens: maps characters to tokens, for the model's tokenizer.

    Returns:
        How many traces got advantages.
    """
    found = []
    for trace in traces:
        node = next((node for node in reversed(trace.nodes) if node.sampled and any(node.mask)), None)
        if node is None or not trace.info.get(UNITS):
            continue
        ids = [token for token, sampled in zip(node.token_ids, node.mask, strict=True) if sampled]
        graded, text = GradedText.from_json(trace.info[UNITS]), tokens.text(ids)
        start = text.find(trace.last_reply)
        if start < 0 or graded.length != len(trace.last_reply):
            logger.warning("trace %s: its tokens are not its reply, which gets no advantages", trace.id)
            continue
        found.append((node, ids, graded, start, len(text)))
    credits = rule.group_credits([graded for _, _, graded, _, _ in found])
    for (node, ids, graded, start, length), spans in zip(found, credits, strict=True):
        node.advantages = tokens.advantages(ids, _shifted(spans, start, graded.length, length), "the reward")
    return len(found)


def _shifted(spans: Sequence[Credit], by: int, reply: int, length: int) -> list[Credit]:
    """Spans of a reply as spans of the whole text that was sampled, which may begin and end with blanks."""
    return [(length, length, value) if start == end == reply else (start + by, end + by, value) for start, end, value in spans]
