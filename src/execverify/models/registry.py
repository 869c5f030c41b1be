"""From what a user names to a model.

load("Qwen/Qwen2.5-0.5B-Instruct")                     transformers, from the hub or a local folder, or a .gguf file
load("Qwen/Qwen2.5-0.5B-Instruct", engine="vllm")      offline vLLM
load("http://localhost:8000/v1", model="NAME")         any OpenAI-compatible server
load("replay:answers.jsonl")                         what was generated before
load("mock:empty")                                 a fake
"""

import importlib
import inspect
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from execverify.errors import ModelError
from execverify.models.mock import mock
from execverify.models.model import Model
from execverify.models.replay import ReplayModel

ENGINES = ("transformers", "vllm")
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Mapping: "an object"}


def load(spec: str, **options: Any) -> Model:
    """The model that a spec names.

    Args:
        spec: a hub name or local path; an http(s) URL; `replay:FILE`; `mock:NAME`.
        options: what that kind of model takes, see its class; for names and paths also `backend`.

    Raises:
        ModelError: no such model, an option it does not take, or an engine that is not installed.
    """
    if not spec.strip():
        raise ModelError("no model is named: give a hub name, a folder, an http(s) URL, replay:FILE or mock:NAME")
    if spec.startswith("mock:"):
        return mock(spec.removeprefix("mock:"), **options)
    if spec.startswith("replay:"):
        return _construct(ReplayModel, spec.removeprefix("replay:"), options)
    if spec.startswith(("http://", "https://")):
        return _construct(importlib.import_module("execverify.models.openai_compatible").OpenAICompatibleModel, spec, options)
    engine = options.pop("backend", "transformers")
    if engine == "transformers":
        return _construct(importlib.import_module("execverify.models.transformers_backend").Transformers, spec, options)
    if engine == "vllm":
        return _construct(importlib.import_module("execverify.models.vllm_backend").Vllm, spec, options)
    raise ModelError(f"there is no engine {engine!r}: give one of {', '.join(ENGINES)}")


def _construct(maker: Callable[..., Model], what: str, options: dict[str, Any]) -> Model:
    takes = [name for name, of in inspect.signature(maker).parameters.items() if of.kind is inspect.Parameter.KEYWORD_ONLY]
    for name in options:
        if name not in takes:
            raise ModelError(f"this model takes no option {name!r}: it takes {', '.join(takes) or 'none'}")
    hints = get_type_hints(getattr(maker, "__init__", maker))
    for name, value in options.items():
        kinds = _accepted_types(hints.get(name, object))
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds and object not in kinds):
            told = " or ".join(_NAMES.get(kind, kind.__name__) for kind in kinds if kind is not NoneType)
            raise ModelError(f"the option {name} is {value!r}: it takes {told}")
    return maker(what, **options)


def _accepted_types(hint: Any) -> tuple[type, ...]:
    """The classes that a value of an annotation is of."""
    if isinstance(hint, UnionType):
        return tuple(kind for one in get_args(hint) for kind in _accepted_types(one))
    kind = get_origin(hint) or hint
    return (float, int) if kind is float else (kind,)
