"""Local models in transformers: a hub name, a folder, or a `.gguf` file; on a GPU where there is one, else on the processor.

    model = load("HuggingFaceTB/SmolLM2-135M-Instruct", batch_size=32)
    model = load("weights/model.Q4_1.gguf")                  # dequantized

With temperature 0 each token is the most likely one; otherwise the draws depend on the run's seed, the request's id and the
sample's number. Neither depends on the other requests, their order or the batch size, except by rounding: batches of another
shape add in another order, and may decide differently where two tokens are equally likely to the last bits, or where a draw falls
between two. In bfloat16 that is common, in float32 rare.

The weights are loaded with the first request.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from execverify.errors import ModelError
from execverify.models.checkpoint import Prompts, fingerprint, name_of, sample_seed
from execverify.models.model import Generation, Request, Sampling, check_ids
from execverify.models.registry import server_hint
from execverify.models.transformers_sampling import BatchSampler, SampleState
from execverify.utils.hub import hub_access
from execverify.utils.messages import count_phrase

_DTYPES = ("auto", "float32", "bfloat16", "float16")


class Transformers:
    """A causal language model.

    Args:
        name: a hub name, a folder, or a `.gguf` file.
        batch_size: completions that are decoded at once; halved where they do not fit into memory.
        device: "cuda", "mps", "cpu" ...; "auto" takes the first of these that is available.
        dtype: "float32", "bfloat16", "float16"; "auto" takes the model's own on a GPU and float32 on the processor.
        revision: of the hub's repository.
        chat_template: "auto" takes the tokenizer's own, or "plain" where it has none; "plain" joins the texts by blank lines.
        template_options: variables of the chat template, such as {"enable_thinking": False}.
        trust_remote_code: whether code from the repository may run here.

    Raises:
        ModelError: torch or transformers is not installed, or an option has no such value.
    """

    def __init__(
        self,
        name: str,
        *,
        batch_size: int = 32,
        device: str = "auto",
        dtype: str = "auto",
        revision: str | None = None,
        chat_template: str = "auto",
        template_options: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        torch = _torch_or_error()
        if batch_size < 1:
            raise ModelError(f"batch_size is {batch_size}: give at least 1")
        self._prompts = Prompts(chat_template, template_options)
        self._local = local = Path(name)
        self.name = name_of(name)
        self._source: dict[str, Any] = {"pretrained_model_name_or_path": name, "trust_remote_code": trust_remote_code}
        if revision is not None:
            self._source["revision"] = revision
        if name.endswith(".gguf"):
            self._source |= {"pretrained_model_name_or_path": str(local.parent), "gguf_file": local.name}
        self._batch_size = batch_size
        self._device = _device(torch) if device == "auto" else device
        self._dtype = "float32" if dtype == "auto" and self._device == "cpu" else dtype
        if self._dtype not in _DTYPES:
            raise ModelError(f"dtype is {dtype!r}: give one of {', '.join(_DTYPES)}")
        self._loaded: tuple[Any, Any] | None = None
        self.settings: Mapping[str, Any] = {
            "engine": "transformers",
            "model": self.name,
            "weights": fingerprint(local),
            "revision": revision,
            "device": self._device,
            "dtype": self._dtype,
            "batch_size": batch_size,
            **self._prompts.settings,
            "transformers": version("transformers"),
            "torch": version("torch"),
        }

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Yields a generation as soon as its last sample is complete; the longest prompts are decoded first."""
        check_ids(requests)
        if not requests:
            return
        model, tokenizer = self.loaded()
        prompts = self._prompts.tokens(requests, tokenizer, self.name)
        context = _context_length(model.config)
        jobs = []
        for request, prompt in zip(requests, prompts, strict=True):
            room = min(sampling.max_tokens, context - len(prompt))
            if not prompt or room < 1:
                error = f"the prompt has {count_phrase(len(prompt), 'token')}, and the model takes 1 to {context - 1}"
                yield Generation(request.id, (), error=error)
                continue
            seeds = (sample_seed(sampling.seed, request.id, request.sample + k) for k in range(sampling.n))
            jobs.append((request, [SampleState(tuple(prompt), seed, room) for seed in seeds]))
        jobs.sort(key=lambda job: len(job[1][0].prompt), reverse=True)
        ended = _stop_condition(sampling.stop, tokenizer) if sampling.stop else None
        decoder = BatchSampler(model, _end_tokens(model, tokenizer), sampling.temperature, sampling.top_p, ended)
        owners = {id(row): job for job in jobs for row in job[1]}
        failed: dict[str, str] = {}
        for row, failure in self._decode(decoder, [row for _, rows in jobs for row in rows]):
            request, rows = owners.pop(id(row))
            if failure:
                failed[request.id] = failure
            if not any(id(other) in owners for other in rows):
                yield _generation(request, rows, failed.get(request.id), tokenizer, sampling.stop)

    def _decode(self, decoder: BatchSampler, rows: list[SampleState]) -> Iterator[tuple[SampleState, str]]:
        """Yields each sample when it is complete, with "" or an error; a batch that does not fit into memory is halved."""
        size = self._batch_size
        while rows:
            batch = rows[:size]
            try:
                for row in decoder.run(batch):
                    yield row, ""
            except RuntimeError as error:
                waiting = [row for row in batch if not row.finish]
                if "memory" in str(error) and len(waiting) > 1:
                    size = max(1, len(waiting) // 2)
                    for row in waiting:
                        row.tokens.clear()
                    self._empty_cache()
                    rows = waiting + rows[len(batch) :]
                    continue
                for row in waiting:
                    yield row, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            rows = rows[len(batch) :]

    def close(self) -> None:
        """Releases the memory of the weights."""
        self._loaded = None
        self._empty_cache()

    def _empty_cache(self) -> None:
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def loaded(self) -> tuple[Any, Any]:
        """The model and its tokenizer, which the first call loads."""
        if self._loaded is None:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            dtype = self._dtype if self._dtype == "auto" else getattr(torch, self._dtype)
            options: dict[str, Any] = {"dtype": dtype}
            if "gguf_file" in self._source:
                options |= _dequantize_options()
            with hub_access(str(self._local)) as unreachable:
                try:
                    tokenizer = AutoTokenizer.from_pretrained(**self._source)
                    model = AutoModelForCausalLM.from_pretrained(**self._source, **options)
                except Exception as error:  # wrong files may raise anything
                    why = unreachable or " ".join(str(error).split())[:400]
                    hint = "" if "/" in self.name or self._local.exists() else f" {server_hint(self.name)}"
                    raise ModelError(f"{self.name} could not be loaded: {why}{hint}") from None
            self._loaded = model.to(self._device).eval(), tokenizer
        return self._loaded


def _torch_or_error() -> Any:
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise ModelError(f"local models need {error.name}: pip install 'execverify[models-transformers]'") from None
    return torch


def _device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dequantize_options() -> dict[str, Any]:
    """The options that dequantize a GGUF file: newer versions of transformers keep its weights quantized by default."""
    import transformers

    config = getattr(transformers, "GgufConfig", None)
    return {} if config is None else {"quantization_config": config(dequantize=True)}


def _context_length(config: Any) -> int:
    """The maximum number of tokens, prompt and completion together."""
    return int(getattr(config.get_text_config(decoder=True), "max_position_embeddings", None) or 1 << 30)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    ends: set[int] = set()
    for ids in (model.generation_config.eos_token_id, model.config.eos_token_id, tokenizer.eos_token_id):
        ends.update(ids if isinstance(ids, list | tuple) else [] if ids is None else [ids])
    return frozenset(ends)


def _decode(tokens: Sequence[int], tokenizer: Any) -> str:
    text: str = tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text


def _stop_condition(stop: tuple[str, ...], tokenizer: Any) -> Any:
    """A function that checks whether tokens end in one of the texts. It decodes only as many tokens as a text can have."""
    window = max(map(len, stop)) + 8
    return lambda tokens: any(text in _decode(tokens[-window:], tokenizer) for text in stop)


def _generation(
    request: Request, rows: list[SampleState], error: str | None, tokenizer: Any, stop: tuple[str, ...]
) -> Generation:
    done = [row for row in rows if row.finish]
    texts = []
    for row in done:
        text = _decode(row.tokens, tokenizer)
        cuts = [at for mark in stop if (at := text.find(mark)) >= 0]
        texts.append(text[: min(cuts)] if cuts else text)
    return Generation(request.id, tuple(texts), error, tuple(row.finish for row in done))
