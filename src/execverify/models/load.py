"""From what a user names to a model.

load("Qwen/Qwen2.5-0.5B-Instruct")                     transformers, from the hub or a local folder, or a .gguf file
load("Qwen/Qwen2.5-0.5B-Instruct", engine="vllm")      offline vLLM
load("http://localhost:8000/v1", model="NAME")         any OpenAI-compatible server
load("recorded:answers.jsonl")                         what was generated before
load("scripted:empty")                                 a fake
"""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from execverify.errors import ModelError
from execverify.models.model import Model
from execverify.models.recorded import Recorded
from execverify.models.scripted import scripted

ENGINES = ("transformers", "vllm")


def load(spec: str, **options: Any) -> Model:
    """The model that a spec names.

    Args:
        spec: a hub name or local path; an http(s) URL; `recorded:FILE`; `scripted:NAME`.
        options: what that kind of model takes, see its class; for names and paths also `engine`.

    Raises:
        ModelError: no such model, an option it does not take, or an engine that is not installed.
    """
    if not spec.strip():
        raise ModelError("no model is named: give a hub name, a folder, an http(s) URL, recorded:FILE or scripted:NAME")
    if spec.startswith("scripted:"):
        return scripted(spec.removeprefix("scripted:"), **options)
    if spec.startswith("recorded:"):
        return _made(Recorded, spec.removeprefix("recorded:"), options)
    if spec.startswith(("http://", "https://")):
        return _made(importlib.import_module("execverify.models.server").Server, spec, options)
    engine = options.pop("engine", "transformers")
    if engine == "transformers":
        return _made(importlib.import_module("execverify.models.transformers").Transformers, spec, options)
    if engine == "vllm":
        return _made(importlib.import_module("execverify.models.vllm").Vllm, spec, options)
    raise ModelError(f"there is no engine {engine!r}: give one of {', '.join(ENGINES)}")


def _made(maker: Callable[..., Model], what: str, options: dict[str, Any]) -> Model:
    takes = [name for name, of in inspect.signature(maker).parameters.items() if of.kind is inspect.Parameter.KEYWORD_ONLY]
    for name in options:
        if name not in takes:
            raise ModelError(f"this model takes no option {name!r}: it takes {', '.join(takes) or 'none'}")
    return maker(what, **options)
