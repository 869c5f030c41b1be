"""Models by name: what a user writes, the backend that serves it, and the options that this backend takes.

    load("Qwen/Qwen2.5-0.5B-Instruct")                     transformers: a hub name, a local folder or a .gguf file
    load("Qwen/Qwen2.5-0.5B-Instruct", backend="vllm")     offline vLLM
    load("http://localhost:8000/v1", model="NAME")         any OpenAI-compatible server
    load("replay:answers.jsonl")                           recorded answers
    load("mock:empty")                                     a mock model

`register_backend("mine", "my_package.my_module:MyModel")` adds one: `load("mine:NAME")` and `load("NAME", backend="mine")` find it.
Without registering it, `backend="my_package.my_module:MyModel"` does. No backend is imported before it is used.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from execverify.errors import ModelError
from execverify.models.model import Model
from execverify.utils.registry import load_plugins

BackendFactory = Callable[..., Model]
"""Makes a model from what a spec names, and from options that are keyword-only parameters."""

BACKENDS: dict[str, str] = {
    "transformers": "execverify.models.transformers_backend:Transformers",
    "vllm": "execverify.models.vllm_backend:Vllm",
    "openai": "execverify.models.openai_compatible:OpenAICompatibleModel",
    "replay": "execverify.models.replay:ReplayModel",
    "mock": "execverify.models.mock:mock",
}
"""The factory of each backend, as "module:name"."""

_OPENAI = re.compile(r"(gpt-\d|chatgpt|o\d)[^/]*$")
_SERVED = re.compile(rf"(?:{_OPENAI.pattern}|(claude|gemini|grok)-[^/]*$)")
"""Names of models that are on no hub."""

_TYPE_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Mapping: "an object"}


def register_backend(name: str, factory: str) -> None:
    """Adds a backend, or replaces the one of that name.

    Args:
        name: what stands before the colon of a spec, and in `backend=`.
        factory: "module:name" of a class or function that takes a text and keyword-only options, and returns a `Model`.

    Raises:
        ModelError: the name is no identifier, or the factory is not written as "module:name".
    """
    module, _, attribute = factory.partition(":")
    if not name.isidentifier() or name in ("http", "https"):
        raise ModelError(f"a backend cannot be named {name!r}: give letters, digits and _, and not http or https")
    if not module or not attribute:
        raise ModelError(f"the factory of the backend {name} is {factory!r}: write 'module:Class'")
    BACKENDS[name] = factory


def load(spec: str, **options: Any) -> Model:
    """The model that a spec names.

    Args:
        spec: an http(s) URL; `BACKEND:NAME`, such as `replay:FILE` or `mock:NAME`; otherwise a hub name or local path.
        options: keyword arguments of the backend's factory; and `backend`, a registered name or "module:Class", which then takes
            the spec as it is.

    Raises:
        ModelError: there is no such model or backend, the backend takes no such option, or it is not installed.
    """
    load_plugins()
    if not spec.strip():
        raise ModelError("no model is named: give a hub name, a folder, an http(s) URL, replay:FILE or mock:NAME")
    prefix, _, rest = spec.partition(":")
    backend = options.pop("backend", None)
    if prefix in BACKENDS and backend in (None, prefix):
        backend, spec = prefix, rest
    elif backend is None:
        backend = "openai" if spec.startswith(("http://", "https://")) else "transformers"
        check_spec(spec)
    elif prefix in BACKENDS:
        raise ModelError(f"{spec} names the backend {prefix}, and backend is {backend!r}: give one of the two")
    return _construct(_factory(backend), spec, options)


def check_spec(spec: str) -> None:
    """Refuse a name that only a server has, such as "gpt-4o", before any work.

    Raises:
        ModelError: it is such a name, and no file or folder; the message has the command to give instead. Or it is a path, and nothing
            is there.
    """
    if spec.startswith((".", "/", "~")) and not Path(spec).expanduser().exists():
        raise ModelError(f"{spec}: no such file or folder; give a model's folder, its name on the hub, or a server's URL")
    if _SERVED.match(spec) and not Path(spec).exists():
        raise ModelError(f"{spec} is no name on the hub and no folder. {server_hint(spec)}")


def server_hint(name: str) -> str:
    """How to give a model that a server has.

    Args:
        name: the server's name of it, such as "gpt-4o".
    """
    url = "https://api.openai.com/v1" if _OPENAI.match(name) else "https://HOST/v1"
    return (
        f"For a model of a server, give its URL and set EXECVERIFY_API_KEY to the key: --model {url} --model-arg model={name} "
        f"(in Python: load({url!r}, model={name!r}))"
    )


def _factory(backend: Any) -> BackendFactory:
    target = BACKENDS.get(backend, backend) if isinstance(backend, str) else ""
    module, colon, attribute = target.partition(":")
    if not colon:
        raise ModelError(f"there is no backend {backend!r}: give one of {', '.join(sorted(BACKENDS))}, or module:Class")
    try:
        return cast(BackendFactory, getattr(importlib.import_module(module), attribute))
    except (ImportError, AttributeError) as error:
        raise ModelError(f"the backend {backend} could not be imported from {target}: {error}") from None


def _construct(factory: BackendFactory, what: str, options: dict[str, Any]) -> Model:
    """Calls the factory, after the names and types of the options were compared with its parameters."""
    parameters = inspect.signature(factory).parameters.values()
    accepted = [parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    accepts_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    hints = get_type_hints(cast(Any, factory).__init__ if isinstance(factory, type) else factory)
    for name, value in options.items():
        if name not in accepted and not accepts_any:
            raise ModelError(f"this model takes no option {name!r}: it takes {', '.join(accepted) or 'none'}")
        types = _accepted_types(hints.get(name, object) if name in accepted else object)
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types and object not in types):
            expected = " or ".join(_TYPE_NAMES.get(kind, kind.__name__) for kind in types if kind is not NoneType)
            raise ModelError(f"the option {name} is {value!r}: it takes {expected}")
    return factory(what, **options)


def _accepted_types(hint: Any) -> tuple[type, ...]:
    """The classes whose values an annotation accepts; `object` where it names something else than classes."""
    kind = get_origin(hint) or hint
    if kind in (UnionType, Union):
        return tuple(kind for one in get_args(hint) for kind in _accepted_types(one))
    if not isinstance(kind, type):
        return (object,)
    return (float, int) if kind is float else (kind,)
