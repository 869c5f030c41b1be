"""The rows of a rollout as TRL holds them: a dict of tensors with one row a completion.

Prompts are padded on the left, completions on the right. The functions here choose, sort and replace rows and cut padding; they leave
the loss as it is.
"""

from collections.abc import Sequence
from typing import Any

Rows = dict[str, Any]

_ROW_MEANS = ("grpo", "sapo", "dr_grpo", "luspo")
"""Losses of TRL that are a mean over the rows of a micro-batch."""
_PROMPT = ("prompt_ids", "prompt_mask")


def loss_mask(rows: Rows) -> Any:
    """1 for the tokens that the loss counts."""
    mask = rows["completion_mask"]
    return mask * rows["tool_mask"] if "tool_mask" in rows else mask


def useful_rows(rows: Rows) -> Any:
    """Whether a row has a token in the loss whose advantage is not 0; booleans."""
    advantages = rows["advantages"]
    return ((advantages if advantages.dim() == 2 else advantages[:, None]) * loss_mask(rows) != 0).any(1)


def loss_share(loss_type: str, rows: Rows, kept: Rows) -> Any:
    """What the loss of the kept rows is multiplied by to be that of all rows, where the others contribute 0."""
    if loss_type in _ROW_MEANS:
        return len(kept["completion_ids"]) / len(rows["completion_ids"])
    if loss_type == "bnpo":
        return loss_mask(kept).sum().clamp(min=1) / loss_mask(rows).sum().clamp(min=1)
    return 1.0  # divided by the tokens of the rollout, which TRL counted before


def selected(rows: Rows, index: Any, cut_prompts: bool) -> Rows:
    """Some rows in a given order, without the columns that are padding in all of them.

    Args:
        rows: of a rollout or a part of it.
        index: numbers of rows.
        cut_prompts: whether the padding of prompts may go. It decides the positions, so not in models with absolute ones.
    """
    found = {name: each[index] if _by_row(each) else each for name, each in rows.items()}
    first = int((found["prompt_mask"].sum(0) > 0).int().argmax()) if cut_prompts else 0
    tokens = found["completion_mask"].shape[1]
    last = max(1, int(found["completion_mask"].sum(0).count_nonzero()))
    for name, each in found.items():
        if name in _PROMPT:
            found[name] = each[:, first:]
        elif _by_row(each) and each.dim() == 2 and each.shape[1] == tokens:
            found[name] = each[:, :last]
    return found


def arranged(batches: Sequence[Rows], useful: Sequence[Any]) -> list[Rows]:
    """The rows of several micro-batches dealt anew: useful ones first, completions of one prompt together, short ones first.

    Args:
        batches: of one update, equally large.
        useful: booleans, one a row.
    """
    import torch

    rows = {name: torch.cat([batch[name] for batch in batches]) if _by_row(each) else each for name, each in batches[0].items()}
    keep, lengths = torch.cat(list(useful)).tolist(), rows["completion_mask"].sum(1).tolist()
    prompts = [tuple(ids) for ids in rows["prompt_ids"].tolist()]
    longest: dict[tuple[int, ...], int] = {}
    for prompt, length, wanted in zip(prompts, lengths, keep, strict=True):
        longest[prompt] = max(longest.get(prompt, 0), length * wanted)
    order = sorted(range(len(keep)), key=lambda i: (not keep[i], longest[prompts[i]], prompts[i], lengths[i]))
    index, size = torch.tensor(order, device=rows["prompt_ids"].device), len(batches[0]["prompt_ids"])
    return [
        {name: each[index[at : at + size]] if _by_row(each) else each for name, each in rows.items()}
        for at in range(0, len(order), size)
    ]


def replaced(rows: Rows, places: Any, others: Rows, fresh: Any, padding: int) -> Rows:
    """Rows with some of them replaced by rows of another rollout; both are padded to the longer of the two.

    Args:
        rows: of the first rollout.
        places: numbers of the rows that go.
        others: the other rollout.
        fresh: as many numbers of its rows.
        padding: the token id of padding.
    """
    import torch

    found = {}
    for name, each in rows.items():
        if not _by_row(each):
            found[name] = each
            continue
        other = others[name]
        if each.dim() == 2:
            width = max(each.shape[1], other.shape[1])
            value = padding if name.endswith("_ids") else 0
            each, other = (_wider(one, width, value, left=name in _PROMPT) for one in (each, other))
        found[name] = torch.index_copy(each, 0, places, other[fresh])
    return found


def unique_prompts(ids: Any, mask: Any, completion: int) -> tuple[Any, Any, Any] | None:
    """The different prompts of a batch without their last token, their masks, and for each row the number of its prompt.

    Args:
        ids: prompts and completions.
        mask: 0 for padding.
        completion: tokens of the completions.

    Returns:
        None where there are too many different prompts for sharing to help.
    """
    import torch

    size = ids.shape[1] - completion - 1  # the last token stays with the completion, whose first token it predicts
    if size < 1:
        return None
    key = torch.cat([mask[:, :size].to(ids.dtype), ids[:, :size] * mask[:, :size]], 1)
    unique, where = torch.unique(key, dim=0, return_inverse=True)
    if 2 * len(unique) > len(ids):
        return None
    return unique[:, size:], unique[:, :size].to(mask.dtype), where


def _by_row(each: Any) -> bool:
    return each is not None and each.dim() > 0


def _wider(each: Any, width: int, value: int, *, left: bool) -> Any:
    from torch.nn.functional import pad

    more = width - each.shape[1]
    return pad(each, (more, 0) if left else (0, more), value=value)
