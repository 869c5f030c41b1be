"""Counting tokens with a model's own tokenizer."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.errors import DatasetError


@dataclass(frozen=True)
class TokenCounter:
    """Counts a text's tokens; it can be sent to other processes, and reads the tokenizer there.

    Attributes:
        folder: of a model or tokenizer, with its `tokenizer.json`; or that file.

    Raises:
        DatasetError: there is none, it cannot be read, or the package tokenizers is not installed.
    """

    folder: str

    def __post_init__(self) -> None:
        _tokenizer(self.folder)

    def __call__(self, text: str) -> int:
        """How many tokens a text has, without those that begin or end a text."""
        return len(_tokenizer(self.folder).encode(text, add_special_tokens=False).ids)


@functools.lru_cache(maxsize=4)
def _tokenizer(folder: str) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise DatasetError(
            "counting tokens needs the package tokenizers: pip install tokenizers, or leave out --tokenizer"
        ) from None
    path = Path(folder)
    path = path / "tokenizer.json" if path.is_dir() else path
    if not path.is_file():
        raise DatasetError(f"{path}: no such file; name a folder that holds a model's tokenizer.json")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises plain exceptions
        raise DatasetError(f"{path} is not a tokenizer that can be read: {' '.join(str(error).split())[:200]}") from None
