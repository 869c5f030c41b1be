"""Rows that are too long are left out, and counted: an engine would cut them, and train on half an answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from execverify.datasets.cot_rows import cot_rows
from execverify.errors import TrainingError
from execverify.questions.task import TASK_KINDS
from execverify.training.config import Preset
from execverify.utils.messages import count_phrase

_CHUNK = 512


@dataclass
class LengthFilterReport:
    """How many rows were kept, and how many were too long.

    Attributes:
        kept: rows that fit.
        too_long: rows that were left out.
        tokens: of all that were kept.
        longest: tokens of the longest that was kept.
        own_chain_too_long: prompts of RL that were left out because their own true chain does not fit a completion.
    """

    kept: int = 0
    too_long: int = 0
    tokens: int = 0
    longest: int = 0
    own_chain_too_long: int = 0


def kept_phrase(account: LengthFilterReport, noun: str, most: int) -> str:
    """How many rows there were, and how many of them were longer than `most` tokens."""
    return f"{count_phrase(account.kept + account.too_long, noun)}, {account.too_long} left out with more than {most} tokens"


def filter_by_length(
    rows: Iterable[dict[str, Any]], tokenizer: Any, most: int, account: LengthFilterReport
) -> Iterator[dict[str, Any]]:
    """The rows whose prompt (with its completion, where there is one) has at most so many tokens.

    Args:
        rows: with `prompt` and perhaps `completion`, chat messages both.
        tokenizer: with a chat template.
        most: the limit, in tokens.
        account: counts; filled while rows are taken.
    """
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield from _fitting(chunk, tokenizer, most, account)
            chunk = []
    yield from _fitting(chunk, tokenizer, most, account)


def _fitting(chunk: list[dict[str, Any]], tokenizer: Any, most: int, account: LengthFilterReport) -> Iterator[dict[str, Any]]:
    texts = [chat_text(row, tokenizer) for row in chunk]
    counts = [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]] if texts else []
    for row, count in zip(chunk, counts, strict=True):
        if count > most:
            account.too_long += 1
            continue
        account.kept += 1
        account.tokens += count
        account.longest = max(account.longest, count)
        yield row


def rows_that_fit(rows: list[dict[str, Any]], preset: Preset, tokenizer: Any, workers: int) -> tuple[list[dict[str, Any]], int]:
    """The rows whose true chain of thought, in the style of SFT, fits a completion of white-box RL; and how many were left out.

    A row that cannot be answered in full teaches to guess. Rows for which no chain can be rendered stay.

    Args:
        rows: of white-box RL.
        preset: `sft.cot_style` and `sft.cot_detail`, and `rl_whitebox.max_completion_length`.
        tokenizer: counts the tokens.
        workers: processes that run programs.
    """
    most = preset.rl_whitebox.max_completion_length
    chains = {
        row["id"]: row["completion"][0]["content"]
        for row in cot_rows(
            [row for row in rows if row["kind"] in TASK_KINDS],
            style=preset.sft.cot_style,
            detail_level=preset.sft.cot_detail,
            max_tokens=preset.sft.cot_max_tokens or preset.sft.max_length,
            seed=preset.data.seed,
            workers=workers,
        )
    }
    names = list(chains)
    counts = (
        [len(ids) for ids in tokenizer([chains[name] for name in names], add_special_tokens=False)["input_ids"]] if names else []
    )
    long = {name for name, count in zip(names, counts, strict=True) if count + 1 > most}  # one more ends it
    return [row for row in rows if row["id"] not in long], len(long)


def chat_text(row: dict[str, Any], tokenizer: Any) -> str:
    """The text that the model is given for a row."""
    answer = row.get("completion") or []
    text: str = tokenizer.apply_chat_template([*row["prompt"], *answer], tokenize=False, add_generation_prompt=not answer)
    return text


def check_template(tokenizer: Any, name: str) -> None:
    """Raises TrainingError where a tokenizer has no chat template: prompts are chat messages."""
    if not getattr(tokenizer, "chat_template", None):
        raise TrainingError(
            f"the tokenizer of {name} has no chat template, and prompts are chat messages: take an instruct model, or save one "
            "with a template (tokenizer.chat_template = ...)"
        )
