"""What the local backends share: a checkpoint's name and fingerprint, prompts as token ids, and the seed of each sample.

Both backends take token ids, so that the same messages are the same prompt to either.
"""

import hashlib
import secrets
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from execverify.errors import ModelError
from execverify.models.model import Request
from execverify.questions.task import Message

_WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt")
_BLOCK, _BLOCKS = 1 << 16, 16


def name_of(spec: str) -> str:
    """A model's name in results: a hub name as it is, and the last part of a path, for results hold no paths of a machine.

    Raises:
        ModelError: the spec is a path that does not exist.
    """
    path = Path(spec)
    if path.exists():
        return path.resolve().name
    if spec.startswith((".", "/", "~")) or spec.endswith(".gguf"):
        raise ModelError(f"{spec}: no such file or folder")
    return spec


def fingerprint(path: Path) -> str | None:
    """A hash of the size and of samples of each file of weights, which changes when a checkpoint is overwritten.

    None where there is no such path.
    """
    if not path.exists():
        return None
    found = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.suffix in _WEIGHTS)
    digest = hashlib.sha256()
    for file in found:
        size = file.stat().st_size
        digest.update(f"{file.name} {size} ".encode())
        with file.open("rb") as content:
            for i in range(_BLOCKS):
                content.seek(max(0, size - _BLOCK) * i // (_BLOCKS - 1))
                digest.update(content.read(_BLOCK))
    return digest.hexdigest()[:16]


def sample_seed(seed: int | None, request: str, sample: int) -> int:
    """The seed of a sample, below 2**63, from the run's seed, the request's id and the sample's number alone.

    It is random where the run's seed is None.
    """
    if seed is None:
        return secrets.randbits(63)
    text = f"{seed}/{sample}/{request}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8]) >> 1


class Prompts:
    """Turns messages into token ids.

    Args:
        chat_template: "auto" takes the tokenizer's own, or "plain" where it has none; "plain" joins the texts by blank lines.
        options: variables of the chat template, such as {"enable_thinking": False}.

    Raises:
        ModelError: `chat_template` is something else.
    """

    def __init__(self, chat_template: str = "auto", options: Mapping[str, Any] | None = None) -> None:
        if chat_template not in ("auto", "plain"):
            raise ModelError(f"chat_template is {chat_template!r}: give auto or plain")
        self._template, self._options = chat_template, dict(options or {})
        self.settings = {"chat_template": chat_template, "template_options": self._options}

    def tokens(self, requests: Sequence[Request], tokenizer: Any, name: str) -> list[list[int]]:
        """The token ids of each request.

        Where the last message is the assistant's, the model continues it.

        Raises:
            ModelError: the chat template rejects the messages.
        """
        plain = self._template == "plain"
        if not plain and not tokenizer.chat_template:
            warnings.warn(
                f"{name} has no chat template: the messages are sent as plain text, joined by blank lines "
                "(chat_template='plain' does the same without this warning)",
                stacklevel=3,
            )
            plain = True
        if plain:
            texts = ["\n\n".join(message["content"] for message in request.messages) for request in requests]
        else:
            texts = [self._templated(request.messages, tokenizer, name) for request in requests]
        ids: list[list[int]] = tokenizer(texts, add_special_tokens=plain)["input_ids"]  # a template writes its own special tokens
        return ids

    def _templated(self, messages: tuple[Message, ...], tokenizer: Any, name: str) -> str:
        unfinished = messages[-1]["role"] == "assistant"
        how = {"continue_final_message": True} if unfinished else {"add_generation_prompt": True}
        try:
            text: str = tokenizer.apply_chat_template(list(messages), tokenize=False, **how, **self._options)
        except Exception as error:  # templates are programs, and may raise anything
            raise ModelError(f"the chat template of {name} rejects the messages: {error}") from None
        return text
