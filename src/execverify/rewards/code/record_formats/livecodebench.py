"""LiveCodeBench's records: test cases of two kinds, of which the private ones may be packed."""

import base64
import binascii
import pickletools
import zlib
from collections.abc import Mapping
from typing import Any

from execverify.errors import RowError
from execverify.rewards.code.record_formats.record import Fields, Record, RecordFormat, has, text_of
from execverify.rewards.code.record_formats.test_cases import case_tests
from execverify.rewards.code.test_formats import entries_of, json_value

MAX_UNPACKED = 256 * 1024 * 1024
"""Most bytes of packed tests after they are unpacked: a small text can unpack to gigabytes."""

_LOADS = frozenset({"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"})
_NOTHING = frozenset({"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "STOP"})


def _read(fields: Fields) -> Record:
    metadata = fields.get("metadata", {})
    if isinstance(metadata, str):
        metadata = json_value(metadata, "metadata") if metadata.strip() else {}
    fn_name = metadata.get("func_name") if isinstance(metadata, Mapping) else None
    cases = [
        *cases_of(fields.get("public_test_cases"), "public_test_cases"),
        *cases_of(fields.get("private_test_cases"), "private_test_cases"),
    ]
    tests = case_tests(entries_of(cases, "the test cases"), fn_name)
    starter = text_of(fields, "starter_code")
    problem = text_of(fields, "question_content", "question")
    return Record(
        tests,
        problem=f"{problem}\n\nBegin with:\n\n```python\n{starter.rstrip()}\n```" if starter.strip() and problem else problem,
        name=text_of(fields, "question_id", "question_title"),
        source=text_of(fields, "platform"),
    )


def cases_of(value: Any, name: str) -> list[Any]:
    """A list of cases: as it is, as JSON, or packed; raises RowError for another thing."""
    if value is None:
        return []
    if isinstance(value, str):
        value = json_value(value if value.lstrip()[:1] in ("[", "{") else unpacked(value, name), name) if value.strip() else []
    if not isinstance(value, list | tuple):
        raise RowError(f"{name} must be a list, not {type(value).__name__}")
    return list(value)


def unpacked(text: str, what: str) -> str:
    """The JSON text of packed tests: base64 of zlib of a pickled text. The pickle is read without running it.

    Args:
        text: the packed text.
        what: what it is, for messages.

    Raises:
        RowError: it is packed in another way, holds anything but one text, or unpacks to more than `MAX_UNPACKED` bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
        reader = zlib.decompressobj()
        packed = reader.decompress(data, MAX_UNPACKED)
        if not reader.eof:
            raise RowError(f"{what} unpack to more than {MAX_UNPACKED // (1024 * 1024)} MB, or are cut short")
    except (binascii.Error, ValueError, zlib.error) as error:
        raise RowError(f"{what} are neither JSON nor packed as LiveCodeBench packs them: {error}") from None
    if not packed.startswith(b"\x80"):
        return _utf8(packed, what)
    texts: list[Any] = []
    try:
        for code, argument, _ in pickletools.genops(packed):
            if code.name in _LOADS:
                texts.append(argument)
            elif code.name not in _NOTHING:
                raise RowError(f"{what} hold a pickle that does more than to hold a text ({code.name})")
    except ValueError as error:
        raise RowError(f"{what} cannot be unpacked: {error}") from None
    if len(texts) != 1:
        raise RowError(f"{what} hold a pickle of {len(texts)} texts, not one")
    return str(texts[0])


def _utf8(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RowError(f"{what} are no text after they are unpacked") from None


LIVECODEBENCH = RecordFormat("LiveCodeBench", "livecodebench/code_generation_lite", has("public_test_cases"), _read)
