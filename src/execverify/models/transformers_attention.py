"""Decoding of several samples of a prompt whose keys and values are kept once.

A cache of transformers has the prompt's keys and values in each row, and attention reads them all at each token. On a processor that
takes most of the time of a small model. Here a layer of the cache holds the prompts apart, and the queries of all samples of a prompt
are multiplied with its keys at once.

The keys that such a layer returns are those of the completion; they carry the layer as an attribute, by which the attention function
finds the prompt. So it works for models that hand the layer's keys to the attention function as they are: `ARCHITECTURES`.
"""

import functools
from typing import Any

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3")
"""Types of models that the tests compare with plain attention."""

NAME = "execverify_shared_prompts"
"""The name of the attention function in transformers."""

_ROOM = 64
"""Tokens that a layer makes room for at once."""
_MAX_LEFT = 0.85
"""Prompts without samples are dropped when at most this share of the prompts has some, because it copies those of the others."""


class PromptGroups:
    """Which prompt each row of a batch continues, for all layers of a cache.

    Args:
        where: for each row the number of its prompt.
        mask: prompts by tokens, 0 for padding.
    """

    def __init__(self, where: list[int], mask: Any) -> None:
        self.mask = mask
        self._arrange(where)

    def _arrange(self, where: list[int]) -> None:
        self._where, counts, ranks = where, [0] * len(self.mask), []
        for prompt in where:
            ranks.append(counts[prompt])
            counts[prompt] += 1
        self.size = max(counts)  # samples of a prompt at most
        slots = [prompt * self.size + rank for prompt, rank in zip(where, ranks, strict=True)]
        self._slots = self.mask.new_tensor(slots)
        self._whole = slots == list(range(len(self.mask) * self.size))

    def select(self, keep: list[int]) -> Any:
        """Keeps some rows; returns the numbers of the prompts that stay, or None where all stay."""
        where = [self._where[row] for row in keep]
        left = sorted(set(where))
        if len(left) > _MAX_LEFT * len(self.mask):
            self._arrange(where)
            return None
        index = self.mask.new_tensor(left)
        self.mask = self.mask[index]
        places = {prompt: place for place, prompt in enumerate(left)}
        self._arrange([places[prompt] for prompt in where])
        return index

    def by_prompt(self, rows: Any) -> Any:
        """Rows as prompts by samples; places without a sample hold anything."""
        if not self._whole:
            wider = rows.new_zeros(len(self.mask) * self.size, *rows.shape[1:])
            wider[self._slots] = rows
            rows = wider
        return rows.view(len(self.mask), self.size, *rows.shape[1:])

    def by_row(self, prompts: Any) -> Any:
        """The opposite of `by_prompt`."""
        rows = prompts.reshape(len(self.mask) * self.size, *prompts.shape[2:])
        return rows if self._whole else rows[self._slots]


@functools.cache
def shared_layer_class() -> Any:
    """The class of such a layer; a function, so that this module is imported without transformers."""
    from transformers import AttentionInterface
    from transformers.cache_utils import DynamicLayer

    AttentionInterface.register(NAME, attention)

    class SharedLayer(DynamicLayer):
        def __init__(self, prompts: Any, groups: PromptGroups, rows: int) -> None:
            super().__init__()
            self.lazy_initialization(prompts.keys, prompts.values)
            self.prompt_keys, self.prompt_values, self.groups = prompts.keys, prompts.values, groups
            self._buffers = [each.new_empty(rows, each.shape[1], _ROOM, each.shape[3]) for each in (prompts.keys, prompts.values)]
            self._show(0)

        def _show(self, length: int) -> None:
            self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)
            self.keys.shared_prompts = self

        def get_seq_length(self) -> int:
            return int(self.prompt_keys.shape[2] + self.keys.shape[2])

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            length, added = self.keys.shape[2], key_states.shape[2]
            if length + added > self._buffers[0].shape[2]:
                self._buffers = [with_room(buffer, _ROOM) for buffer in self._buffers]
            for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
                buffer[:, :, length : length + added] = states
            self._show(length + added)
            return self.keys, self.values

        def select(self, rows: Any, prompts: Any) -> None:
            """Keeps some rows, and of the prompts those that they continue."""
            length = self.keys.shape[2]
            self._buffers = [buffer.index_select(0, rows) for buffer in self._buffers]
            if prompts is not None:
                self.prompt_keys, self.prompt_values = (each[prompts] for each in (self.prompt_keys, self.prompt_values))
            self._show(length)

    return SharedLayer


def with_room(states: Any, added: int) -> Any:
    """A copy of keys or values with room for more tokens."""
    rows, heads, length, size = states.shape
    wider = states.new_empty(rows, heads, length + added, size)
    wider[:, :, :length] = states
    return wider


def attention(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, scaling: float | None = None, **_: Any) -> Any:
    """Attention of one token a row to the prompt of its group and to its own completion.

    Args:
        module: the attention layer.
        query: rows by heads by 1 by size.
        key: of the completions, with the layer of the cache as an attribute.
        value: of the completions.
        attention_mask: None; the groups have the prompts' mask.
        scaling: of the scores; None takes the inverse root of the size.
    """
    import torch

    layer = key.shared_prompts
    groups: PromptGroups = layer.groups
    rows, heads, _, size = query.shape
    kv, length, more = key.shape[1], key.shape[2], heads // key.shape[1]
    query = query.view(rows, kv, more, size) * (size**-0.5 if scaling is None else scaling)
    own = query @ key.transpose(2, 3)
    asked = groups.by_prompt(query).transpose(1, 2).reshape(len(groups.mask), kv, groups.size * more, size)
    scores = (asked @ layer.prompt_keys.transpose(2, 3)).float()
    scores = scores.masked_fill(groups.mask[:, None, None, :] == 0, float("-inf"))
    scores = groups.by_row(scores.view(len(groups.mask), kv, groups.size, more, -1).transpose(1, 2))
    shares = torch.softmax(torch.cat([scores, own.float()], -1), -1).to(value.dtype)
    of_prompt, of_own = shares.split([shares.shape[-1] - length, length], -1)
    asked = groups.by_prompt(of_prompt).transpose(1, 2).reshape(len(groups.mask), kv, groups.size * more, -1)
    found = (asked @ layer.prompt_values).view(len(groups.mask), kv, groups.size, more, size).transpose(1, 2)
    found = groups.by_row(found) + of_own @ value
    return found.reshape(rows, 1, heads, size), None
