"""Batched decoding with a transformers model, for prompts and completions of different lengths.

`generate` of transformers keeps a row in its batch until the last row is complete, and pads it. Here complete rows leave the batch,
several at once, and the cache of keys and values grows in place. The model reads a prompt once for all its samples, and the common
prefix of all prompts of a batch, such as worked examples, once for all of them. The random number of each step comes from the row's
own seed, and picks a token by the cumulative probabilities. So a completion depends on its prompt and seed alone, and on the rest of
the batch only by rounding.

It works with every decoder whose cache can select rows, which are all that use the `DynamicCache` of transformers.
"""

import functools
import inspect
import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from execverify.errors import ModelError
from execverify.models.transformers_attention import ARCHITECTURES, NAME, PromptGroups, shared_layer_class, with_room

_CACHE_NAMES = ("cache", "past_key_values", "cache_params")
"""Names of the cache parameter: the first since transformers 5.24; the third is that of Mamba before."""

_MIN_SHARED_PREFIX = 32
"""Length in tokens of the shortest common prefix that is worth a reading of its own."""

_MAX_OPEN_SHARE = 0.85
"""Complete rows leave the batch when at most this share of it is incomplete, because leaving copies the cache of the others."""

_RESERVED = 64
"""Tokens that the cache has room for beyond those in it."""

_MOST_CHANCE = 1 - 2**-24
"""The largest float32 below 1: random numbers above it would be rounded to 1, and pick a token without a share."""

_TOP_P_CANDIDATES = 1024
"""Tokens that are sorted first for top-p; all are sorted only where these do not have enough probability."""


@dataclass(slots=True)
class SampleState:
    """One completion while it is decoded.

    Attributes:
        prompt: token ids.
        seed: the seed of its draws.
        max_tokens: the maximum number of tokens of the completion.
        tokens: the tokens drawn so far, without the one that ended it.
        finish: "stop" or "length" when it is complete, "" before.
        end: the token that ended it; None where there is none.
    """

    prompt: tuple[int, ...]
    seed: int | str
    max_tokens: int
    tokens: list[int] = field(default_factory=list)
    finish: str = ""
    end: int | None = None


@functools.cache
def reserved_layer_class() -> Any:
    """The class of a layer of the cache with room for more tokens; a `DynamicLayer` copies all keys and values at each token."""
    from transformers.cache_utils import DynamicLayer

    class ReservedLayer(DynamicLayer):
        def __init__(self, keys: Any, values: Any) -> None:
            super().__init__()
            self.lazy_initialization(keys, values)
            self._buffers = [keys, values]
            self._show(keys.shape[-2])

        def _show(self, length: int) -> None:
            self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            length, added = self.keys.shape[-2], key_states.shape[-2]
            if length + added > self._buffers[0].shape[-2]:
                self._buffers = [with_room(shown, added + _RESERVED) for shown in (self.keys, self.values)]
            for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
                buffer[:, :, length : length + added] = states
            self._show(length + added)
            return self.keys, self.values

        def reorder_cache(self, beam_idx: Any) -> None:
            length = self.keys.shape[-2]
            self._buffers = [buffer.index_select(0, beam_idx.to(buffer.device)) for buffer in self._buffers]
            self._show(length)

    return ReservedLayer


def cache_name(model: Any) -> str:
    """The name of the parameter that takes the cache."""
    takes = inspect.signature(model.forward).parameters
    return next((name for name in _CACHE_NAMES if name in takes), _CACHE_NAMES[0])


class BatchSampler:
    """A model, and how its completions are drawn and ended.

    Args:
        model: a causal language model of transformers.
        ends: ids of tokens that end a completion.
        temperature: 0 takes the most likely token.
        top_p: the share of probability that tokens are drawn from.
        stopped: checks whether a row's tokens end in a stop text; None where there are no stop texts.
    """

    def __init__(self, model: Any, ends: frozenset[int], temperature: float, top_p: float, stopped: Any = None) -> None:
        import torch
        from transformers import DynamicCache
        from transformers.cache_utils import DynamicLayer

        self._torch = torch
        self._new_cache, self._plain_layer = DynamicCache, DynamicLayer
        self._model = model
        self._takes = inspect.signature(model.forward).parameters
        self._cache_name = cache_name(model)
        # Recurrent models such as Mamba take no mask of what is in their state.
        self._stateful = getattr(model, "_is_stateful", False) and "position_ids" not in self._takes
        self._ends = ends
        self._temperature, self._top_p = temperature, top_p
        self._stopped = stopped
        self._groups: PromptGroups | None = None

    def run(self, rows: Sequence[SampleState]) -> Iterator[SampleState]:
        """Decodes a batch, and yields each row when it is complete.

        Args:
            rows: samples whose prompts are not empty; the model reads equal prompts once.
        """
        torch = self._torch
        self._groups = None
        with torch.inference_mode():
            generators = {id(row): random.Random(row.seed) for row in rows}
            active = list(rows)
            prompts = list(dict.fromkeys(row.prompt for row in rows))
            cache = self._new_cache(config=self._model.config)
            logits, mask = self._read(prompts, cache)
            where = {prompt: index for index, prompt in enumerate(prompts)}
            keep = [where[row.prompt] for row in rows]
            if 2 * len(prompts) <= len(rows) and self._may_group(cache):
                self._group(keep, mask, cache)
                logits, mask = logits[keep], mask[keep]
            else:
                if keep != list(range(len(prompts))):
                    logits, mask = self._select(keep, logits, mask, cache)
                self._reserve(cache)
        while True:
            with torch.inference_mode():
                drawn = self._draw(logits, [generators[id(row)] for row in active])
            open_rows = [not row.finish for row in active]
            keep = [
                i for i, (row, token) in enumerate(zip(active, drawn, strict=True)) if not (row.finish or self._done(row, token))
            ]
            yield from (row for row, was_open in zip(active, open_rows, strict=True) if was_open and row.finish)
            if not keep:
                return
            with torch.inference_mode():
                if len(keep) <= _MAX_OPEN_SHARE * len(active):
                    active, drawn = [active[i] for i in keep], [drawn[i] for i in keep]
                    logits, mask = self._select(keep, logits, mask, cache)
                mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
                logits = self._step(torch.tensor(drawn, device=mask.device)[:, None], mask, cache)

    def _may_group(self, cache: Any) -> bool:
        """Whether the prompts' keys and values can be kept once for all their samples."""
        config, training = self._model.config, self._model.training
        return (
            config.model_type in ARCHITECTURES
            and config._attn_implementation == "sdpa"
            and self._may_share(cache)
            and not (training and getattr(config, "attention_dropout", 0.0))
        )

    def _group(self, where: list[int], mask: Any, cache: Any) -> None:
        """Keeps the prompts apart from the completions, whose number is that of `where`."""
        groups = PromptGroups(where, mask)
        for index, layer in enumerate(cache.layers):
            cache.layers[index] = shared_layer_class()(layer, groups, len(where))
        self._groups = groups

    def _reserve(self, cache: Any) -> None:
        """Lets the cache grow in place where its layers allow it."""
        for index, layer in enumerate(cache.layers):
            if type(layer) is self._plain_layer and layer.is_initialized:
                cache.layers[index] = reserved_layer_class()(layer.keys, layer.values)

    def _read(self, prompts: list[tuple[int, ...]], cache: Any) -> tuple[Any, Any]:
        """Fills the cache with the prompts; returns the logits after each, and the mask of what is not padding."""
        alike = itertools.takewhile(lambda tokens: len(set(tokens)) == 1, zip(*prompts, strict=False))
        shared = min(sum(1 for _ in alike), min(map(len, prompts)) - 1)
        if len(prompts) == 1 or shared < _MIN_SHARED_PREFIX or not self._may_share(cache):
            ids, mask = self._padded(prompts)
            return self._step(ids, mask, cache), mask
        ids, mask = self._padded([prompts[0][:shared]])
        self._step(ids, mask, cache)
        _, mask = self._select([0] * len(prompts), mask, mask, cache)
        ids, rest = self._padded([prompt[shared:] for prompt in prompts])
        mask = self._torch.cat([mask, rest], dim=1)
        return self._step(ids, mask, cache), mask

    def _may_share(self, cache: Any) -> bool:
        """Whether padding may follow a common prefix: not where a layer counts tokens back from the end."""
        return bool(cache.layers) and all(type(layer) is self._plain_layer for layer in cache.layers)

    def _padded(self, prompts: list[tuple[int, ...]]) -> tuple[Any, Any]:
        longest = max(map(len, prompts))
        ids = [(0,) * (longest - len(prompt)) + prompt for prompt in prompts]
        mask = [(0,) * (longest - len(prompt)) + (1,) * len(prompt) for prompt in prompts]
        device = self._model.device
        return self._torch.tensor(ids, device=device), self._torch.tensor(mask, device=device)

    def _step(self, ids: Any, mask: Any, cache: Any) -> Any:
        """The logits after the last of `ids`, which follow the tokens in the cache."""
        inputs = {"input_ids": ids, self._cache_name: cache, "use_cache": True}
        with self._shared_attention():
            return self._logits(inputs, ids, mask)

    @contextmanager
    def _shared_attention(self) -> Iterator[None]:
        """The model's attention reads the prompts of groups while there are any."""
        if self._groups is None:
            yield
            return
        config = self._model.config
        before, config._attn_implementation = config._attn_implementation, NAME
        try:
            yield
        finally:
            config._attn_implementation = before

    def _logits(self, inputs: dict[str, Any], ids: Any, mask: Any) -> Any:
        if not self._stateful or ids.shape == mask.shape:
            inputs["attention_mask"] = mask
        if "position_ids" in self._takes:
            inputs["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        if "logits_to_keep" in self._takes:
            inputs["logits_to_keep"] = 1
        return self._model(**inputs).logits[:, -1].float()

    def _select(self, keep: list[int], logits: Any, mask: Any, cache: Any) -> tuple[Any, Any]:
        index = self._torch.tensor(keep, device=mask.device)
        if self._groups is None:
            cache.reorder_cache(index)
        else:
            prompts = self._groups.select(keep)
            for layer in cache.layers:
                layer.select(index, prompts)
        return logits[index.to(logits.device)], mask[index]

    def _draw(self, logits: Any, generators: list[random.Random]) -> list[int]:
        """The next token of each row."""
        torch = self._torch
        if bool(logits.isnan().any()):  # any token would be drawn as if the model had chosen it
            raise ModelError("the model's probabilities are not numbers (NaN): load it with another dtype, such as float32")
        if self._temperature == 0:
            tokens: list[int] = logits.argmax(-1).tolist()
            return tokens
        chance = torch.tensor([[min(one.random(), _MOST_CHANCE)] for one in generators], device=logits.device)
        shares = torch.softmax(logits / self._temperature, -1)
        if self._top_p == 1:
            return self._sample_token(shares.cumsum(-1), shares.new_ones(len(generators), 1), chance)
        for count in (min(_TOP_P_CANDIDATES, shares.shape[-1]), shares.shape[-1]):
            top, names = shares.topk(count, dim=-1)
            sums = top.cumsum(-1)
            if bool((sums[:, -1] >= self._top_p).all()):
                break
        wanted = sums - top < self._top_p  # the tokens before this one do not hold enough
        held = (top * wanted).sum(-1, keepdim=True)
        places = torch.tensor(self._sample_token(sums, held, chance), device=names.device)
        drawn: list[int] = names.gather(1, places[:, None])[:, 0].tolist()
        return drawn

    def _sample_token(self, sums: Any, held: Any, chance: Any) -> list[int]:
        """The index where the cumulative probability passes the random number's part of the total."""
        torch = self._torch
        places = torch.searchsorted(sums.contiguous(), chance * torch.minimum(held, sums[:, -1:]), right=True)
        picked: list[int] = places[:, 0].clamp(max=sums.shape[-1] - 1).tolist()
        return picked

    def _done(self, row: SampleState, token: int) -> bool:
        """Adds a token to a row; returns whether that completes it."""
        if token in self._ends:
            row.finish, row.end = "stop", token
            return True
        row.tokens.append(token)
        if self._stopped is not None and self._stopped(row.tokens):
            row.finish = "stop"
        elif len(row.tokens) >= row.max_tokens:
            row.finish = "length"
        return bool(row.finish)
