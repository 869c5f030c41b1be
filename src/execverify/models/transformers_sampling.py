"""Decoding by batches with a transformers model, for many prompts of unlike length and answers of unlike length.

`generate` keeps a row in its batch until the last row is done, and fills it with padding. Here a row leaves when it is done; a
prompt is read once for all its samples, and what all prompts of a batch begin with, such as worked examples, once for all of
them; and a draw is the row's own: the random number of step t comes from the row's seed, and picks a token by the cumulated
probabilities. So a completion depends on its prompt and seed alone, and on what else is in the
batch only by the rounding of sums, which can turn a tie.

It works with every decoder whose cache can select rows, which are all that fill transformers' `DynamicCache`.
"""

import inspect
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

_CACHE_NAMES = ("cache", "past_key_values", "cache_params")
"""What models call their cache: the first since transformers 5.24; before, the third was Mamba's."""

_MIN_SHARED_PREFIX = 32
"""Tokens that the prompts of a batch must share for them to be read once."""

_TOP_P_CANDIDATES = 1024
"""Tokens that are sorted first for top-p; all of them only where these do not hold enough of the probability."""


@dataclass(slots=True)
class Row:
    """One completion on its way.

    Attributes:
        prompt: token ids.
        seed: of its draws.
        most: the most tokens it may get.
        tokens: what was drawn, without the token that ended it.
        finish: "stop" or "length" when it is done, "" before.
    """

    prompt: tuple[int, ...]
    seed: int | str
    max_tokens: int
    tokens: list[int] = field(default_factory=list)
    finish: str = ""


class BatchSampler:
    """A model with the rules by which completions are drawn and ended.

    Args:
        model: a causal language model of transformers.
        ends: ids of tokens that end a completion.
        temperature: 0 takes the likeliest token.
        top_p: the share of probability that tokens are drawn from.
        stopped: whether a row's tokens end in a stop text; None where there are none.
    """

    def __init__(self, model: Any, ends: frozenset[int], temperature: float, top_p: float, stopped: Any = None) -> None:
        import torch
        from transformers import DynamicCache
        from transformers.cache_utils import DynamicLayer

        self._torch = torch
        self._new_cache, self._plain_layer = DynamicCache, DynamicLayer
        self._model = model
        self._takes = inspect.signature(model.forward).parameters
        self._cache_name = next((name for name in _CACHE_NAMES if name in self._takes), _CACHE_NAMES[0])
        # Mamba's kin has no look back at padding.
        self._forgets = getattr(model, "_is_stateful", False) and "position_ids" not in self._takes
        self._ends = ends
        self._temperature, self._top_p = temperature, top_p
        self._stopped = stopped

    def run(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Decodes a batch; each row is handed back when it is done.

        Args:
            rows: their prompts are not empty; those with the same prompt share its reading.
        """
        torch = self._torch
        with torch.inference_mode():
            chances = {id(row): random.Random(row.seed) for row in rows}
            alive = list(rows)
            prompts = list(dict.fromkeys(row.prompt for row in rows))
            cache = self._new_cache(config=self._model.config)
            logits, mask = self._read(prompts, cache)
            where = {prompt: index for index, prompt in enumerate(prompts)}
            keep = [where[row.prompt] for row in rows]
            if keep != list(range(len(prompts))):
                logits, mask = self._select(keep, logits, mask, cache)
        while True:
            with torch.inference_mode():
                drawn = self._draw(logits, [chances[id(row)] for row in alive])
            keep = [i for i, (row, token) in enumerate(zip(alive, drawn, strict=True)) if not self._done(row, token)]
            yield from (row for row in alive if row.finish)
            if not keep:
                return
            with torch.inference_mode():
                if len(keep) < len(alive):
                    alive, drawn = [alive[i] for i in keep], [drawn[i] for i in keep]
                    logits, mask = self._select(keep, logits, mask, cache)
                mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=1)
                logits = self._step(torch.tensor(drawn, device=mask.device)[:, None], mask, cache)

    def _read(self, prompts: list[tuple[int, ...]], cache: Any) -> tuple[Any, Any]:
        """Fills the cache with the prompts; gives the logits after each, and what of the cache is no padding."""
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
        """Whether padding may stand between a shared beginning and the rest: not where a layer counts tokens back from the end."""
        return bool(cache.layers) and all(type(layer) is self._plain_layer for layer in cache.layers)

    def _padded(self, prompts: list[tuple[int, ...]]) -> tuple[Any, Any]:
        longest = max(map(len, prompts))
        ids = [(0,) * (longest - len(prompt)) + prompt for prompt in prompts]
        mask = [(0,) * (longest - len(prompt)) + (1,) * len(prompt) for prompt in prompts]
        device = self._model.device
        return self._torch.tensor(ids, device=device), self._torch.tensor(mask, device=device)

    def _step(self, ids: Any, mask: Any, cache: Any) -> Any:
        """The logits after the last of `ids`, which follow what is in the cache."""
        inputs = {"input_ids": ids, self._cache_name: cache, "use_cache": True}
        if not self._forgets or ids.shape == mask.shape:
            inputs["attention_mask"] = mask
        if "position_ids" in self._takes:
            inputs["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        if "logits_to_keep" in self._takes:
            inputs["logits_to_keep"] = 1
        return self._model(**inputs).logits[:, -1].float()

    def _select(self, keep: list[int], logits: Any, mask: Any, cache: Any) -> tuple[Any, Any]:
        index = self._torch.tensor(keep, device=mask.device)
        cache.reorder_cache(index)
        return logits[index.to(logits.device)], mask[index]

    def _draw(self, logits: Any, chances: list[random.Random]) -> list[int]:
        """The next token of each row."""
        torch = self._torch
        if self._temperature == 0:
            tokens: list[int] = logits.argmax(-1).tolist()
            return tokens
        chance = torch.tensor([[one.random()] for one in chances], device=logits.device)
        shares = torch.softmax(logits / self._temperature, -1)
        if self._top_p == 1:
            return self._sample_token(shares.cumsum(-1), shares.new_ones(len(chances), 1), chance)
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
        """The place where the cumulated shares pass the chance's part of what is held."""
        torch = self._torch
        places = torch.searchsorted(sums.contiguous(), chance * torch.minimum(held, sums[:, -1:]), right=True)
        picked: list[int] = places[:, 0].clamp(max=sums.shape[-1] - 1).tolist()
        return picked

    def _done(self, row: Row, token: int) -> bool:
        """Adds a token to a row; whether that ends it."""
        if token in self._ends:
            row.finish = "stop"
            return True
        row.tokens.append(token)
        if self._stopped is not None and self._stopped(row.tokens):
            row.finish = "stop"
        elif len(row.tokens) >= row.max_tokens:
            row.finish = "length"
        return bool(row.finish)
