"""Recorded answers, read from a file.

The format is recognized by the content of the file, which may be gzipped. All but CRUXEval's are JSONL or one JSON array:

    {"id": "7", "completion": "..."}                        also "completions": [...], and several entries with one id,
    {"id": "8", "completions": ["...", "..."]}              whose completions are joined in order
    {"task_id": "HumanEval/0", "solution": "..."}           EvalPlus's samples; also "completion", which follows the prompt
    {"question_id": "1873_A", "code_list": ["...", "..."]}  LiveCodeBench's outputs; for execution {"id": ..., "pred_list": [...]}
    {"sample_0": ["...", "..."], "sample_1": [...]}         CRUXEval's generations: one object, a list for each id

The texts of EvalPlus, LiveCodeBench and CRUXEval are answers that were extracted from completions before.

A file that `generate_cached` wrote is JSONL, too: its first line records the model, its settings and the sampling, a later line
for an id replaces an earlier one, and the name is that of the recorded model.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.errors import ModelError
from execverify.models.cache import is_header
from execverify.models.model import Generation, Request, Sampling, check_ids
from execverify.utils.messages import count_phrase
from execverify.utils.read_files import read_text

_SHOWN_IDS = 3
_ID_FIELDS = frozenset({"id", "task_id", "question_id"})


class ReplayModel:
    """A model that returns the recorded answers of a file.

    Args:
        path: the file.

    Raises:
        ModelError: there is no such file, or it has neither format.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        recorded = read_recorded(path)
        header, self._found = recorded.header, recorded.generations
        self.name: str = header.get("model") or f"replay:{Path(path).name}"
        samples = min((len(g.completions) for g, _ in self._found.values() if g.error is None), default=0)
        settings = {"engine": "replay", "file": Path(path).name, "answers": len(self._found), "samples": samples}
        if header:
            settings["recorded"] = {"model": header["model"], "settings": header["settings"], "sampling": header["sampling"]}
        self.settings: Mapping[str, Any] = settings

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that have answers, in the file's order."""
        return tuple(self._found)

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """Yields the first `sampling.n` recorded answers of each request, in order, or an error where there are fewer.

        Where the file records a hash of the prompts, another prompt is an error, too.

        Raises:
            ModelError: no request has an answer, so that the file must be of other requests.
        """
        check_ids(requests)
        missing = [request.id for request in requests if request.id not in self._found]
        if missing and len(missing) == len(requests):
            has = ", ".join(list(self._found)[:_SHOWN_IDS])
            raise ModelError(
                f"{self.path} answers none of the {count_phrase(len(requests), 'request')}: it has {has} ..., not {missing[0]}"
            )
        for request in requests:
            yield self._answer(request, request.sample, request.sample + sampling.n)

    def _answer(self, request: Request, start: int, end: int) -> Generation:
        if request.id not in self._found:
            return Generation(request.id, (), error=f"{self.path} has no answer for {request.id!r}")
        generation, digest = self._found[request.id]
        if digest and digest != request.digest:
            error = f"{self.path} has an answer for {request.id!r}, but to another prompt: evaluate with the settings it was made with"
            return Generation(request.id, (), error=error)
        texts = generation.completions[start:end]
        if generation.error is None and len(generation.completions) < end:
            error = f"{self.path} has {len(generation.completions)} of the {count_phrase(end, 'completion')} for {request.id!r}"
            return Generation(request.id, texts, error)
        return Generation(request.id, texts, generation.error, generation.finish_reasons[start:end])

    def close(self) -> None:
        """Does nothing: the file was read and closed."""


RecordedGenerations = dict[str, tuple[Generation, str]]
"""Generations by id, each with the digest of its prompt, or ""."""


@dataclass(frozen=True)
class Recorded:
    """The content of a file of recorded answers.

    Attributes:
        header: the model, its settings and the sampling; {} where the file has no header.
        generations: by id.
        extracted: whether the texts are answers that were extracted from completions before.
    """

    header: dict[str, Any]
    generations: RecordedGenerations
    extracted: bool = False


def read_recorded(path: str) -> Recorded:
    """Read a file of recorded answers.

    Raises:
        ModelError: there is no such file, or it has none of the formats.
    """
    text = read_text(path, "recorded answers", ModelError)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict) and not _ID_FIELDS & whole.keys() and not is_header(whole):
        return Recorded({}, _cruxeval(path, whole), extracted=True)
    if isinstance(whole, list):
        header: dict[str, Any] = {}
        entries = [(f"{path}:{number}", entry) for number, entry in enumerate(whole, start=1)]
    else:
        header, entries = _lines(path, text)
    extracted = bool(entries) and isinstance(entries[0][1], dict) and _published(entries[0][1]) is not None
    return Recorded(header, _collect(path, entries, bool(header)), extracted)


def _cruxeval(path: str, whole: dict[str, Any]) -> RecordedGenerations:
    found: RecordedGenerations = {}
    for name, texts in whole.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ModelError(f"{path}: the entry {name!r} is not a list of texts, as CRUXEval's generations have")
        found[name] = (Generation(name, tuple(texts)), "")
    if not found:
        raise ModelError(f"{path} has no answers")
    return found


def _lines(path: str, text: str) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    header: dict[str, Any] = {}
    entries: list[tuple[str, Any]] = []
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    for number, line in lines:
        where = f"{path}:{number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            if header and number == lines[-1][0]:  # the run that wrote it was killed in the middle of this line
                break
            raise ModelError(f"{where} is not JSON ({error}): a file of answers has one JSON object a line") from None
        if is_header(entry) and number == lines[0][0]:
            header = entry
        else:
            entries.append((where, entry))
    return header, entries


def _collect(path: str, entries: Iterable[tuple[str, Any]], replace: bool) -> RecordedGenerations:
    """The generations of entries; a later one of an id replaces an earlier one, or its completions are appended."""
    found: RecordedGenerations = {}
    for where, entry in entries:
        generation, digest = _entry(entry, where)
        if generation.id in found and not replace:
            before = found[generation.id][0]
            generation = Generation(generation.id, before.completions + generation.completions)
        found[generation.id] = (generation, digest)
    if not found:
        raise ModelError(f"{path} has no answers")
    return found


def _published(entry: dict[str, Any]) -> tuple[Any, list[Any]] | None:
    """The id and the texts of an entry as EvalPlus or LiveCodeBench writes it; None for another entry."""
    if "task_id" in entry and "id" not in entry:
        return entry["task_id"], [entry.get("solution", entry.get("completion"))]
    if "code_list" in entry and "question_id" in entry:
        return entry["question_id"], list(entry["code_list"] or ())
    if "pred_list" in entry and ("id" in entry or "question_id" in entry):
        return entry.get("id", entry.get("question_id")), list(entry["pred_list"] or ())
    return None


def _entry(entry: Any, where: str) -> tuple[Generation, str]:
    published = _published(entry) if isinstance(entry, dict) else None
    if published is not None:
        entry = {"id": published[0], "completions": published[1]}
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str | int):
        raise ModelError(f"{where} has no id: write an object with 'id' and 'completion' or 'completions'")
    failed: list[str] | None = [] if "error" in entry else None
    texts = entry.get("completions", failed) if "completion" not in entry else [entry["completion"]]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ModelError(
            f"{where} has no completion that is a text: write 'completion' (a text) or 'completions' (a list of texts)"
        )
    reasons = tuple(entry.get("finish_reasons") or ())
    return Generation(str(entry["id"]), tuple(texts), entry.get("error"), reasons), str(entry.get("prompt") or "")
