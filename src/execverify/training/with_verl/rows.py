"""Rows as verl reads them: Parquet files of prompts with their ground truth, one for training and one for validation.

    data_source    "execverify/white_box", ".../input_prediction" or ".../code_generation"
    prompt         chat messages
    ability        "code_reasoning" or "code"
    reward_model   {style: "rule", ground_truth: the row, or its unit tests, as JSON: what `compute_score` judges by}
    extra_info     {index, split, id, level, kind, steps, pass_count, samples, generator}

verl itself is not needed to write them.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execverify.datasets.rows_io import pyarrow_or_error, read_rows
from execverify.errors import RowError
from execverify.questions.rows import ROW_KINDS, Row
from execverify.questions.select import check_kinds
from execverify.questions.task import CODE_GENERATION, Message
from execverify.rewards.adapters import ground_truth, messages_of
from execverify.utils.atomic import atomic_write

TRAIN, VALIDATION = "train", "validation"
_BATCH = 1_000

Length = Callable[[Sequence[Message]], int]


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: where the files are.
        rows: how many rows the file of each split holds; a split without rows has no file.
        kinds: how many rows of each kind.
        left_out: how many rows were not written, by the reason.
        examples: for unspecific reasons, a row's id and what is wrong with it.
    """

    folder: Path
    rows: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def file(self, split: str) -> Path:
        """The file of a split."""
        return self.folder / f"{split}.parquet"


def export(
    rows: str | Path | Iterable[Row],
    out: Path,
    *,
    kinds: Sequence[str] = (),
    limit: int | None = None,
    validation_limit: int | None = None,
    length: Length | None = None,
    longest: int | None = None,
) -> Exported:
    """Writes `train.parquet` and `validation.parquet`; each is there whole or not at all.

    Rows go to the file of their own split. Those of other splits ("test") are left out and counted, and so are rows that no
    completion could be judged by, and rows whose prompt is too long.

    Args:
        rows: a file of rows, the folder of a dataset, or rows themselves; code-generation rows may have their tests in a
            column `tests` or `ground_truth`, in any form of `read_tests`.
        out: folder to write into; made where it is not there.
        kinds: which kinds of rows; none means all.
        limit, validation_limit: most rows of either file; None takes all. Further rows are not read.
        length: tokens of a prompt; None measures none.
        longest: most tokens of a prompt.

    Raises:
        QuestionError: there is no such kind.
        RowError: rows that cannot be read, no row to train on, or files that cannot be written.
    """
    check_kinds(kinds, ROW_KINDS)
    account = Exported(out)
    limits = {TRAIN: limit, VALIDATION: validation_limit}
    entries = _entries(rows if not isinstance(rows, str | Path) else read_rows(str(rows)), account, limits, set(kinds))
    if length is not None and longest is not None:
        entries = _fitting(entries, account, length, longest)
    with _Files(out) as files:
        for split, entry in entries:
            entry["extra_info"]["index"] = account.rows[split]
            account.rows[split] += 1
            account.kinds[entry["data_source"].partition("/")[2]] += 1
            files.write(split, entry)
        if not account.rows[TRAIN]:
            why = ", ".join(f"{count} {reason}" for reason, count in account.left_out.most_common()) or "there are no rows"
            raise RowError(f"nothing to train on: no row of the split {TRAIN!r} was written ({why})")
        files.keep()
    return account


def _entries(
    rows: Iterable[Row], account: Exported, limits: Mapping[str, int | None], kinds: set[str]
) -> Iterator[tuple[str, Row]]:
    """Each row that can be trained on as verl has it, with its split, until the files are full."""

    def full(split: str) -> bool:
        return (most := limits[split]) is not None and account.rows[split] >= most

    for row in rows:
        if all(map(full, limits)):
            return
        split, kind = row.get("split") or TRAIN, row.get("kind")
        if kinds and kind not in kinds:
            account.left_out[f"of kind {kind}"] += 1
        elif split not in limits:
            account.left_out[f"of split {split}"] += 1
        elif not full(split):
            try:
                yield split, verl_row(row)
            except RowError as error:
                account.left_out["malformed"] += 1
                account.examples.setdefault("malformed", f"{row.get('id', '?')}: {error}")


def _fitting(entries: Iterator[tuple[str, Row]], account: Exported, length: Length, longest: int) -> Iterator[tuple[str, Row]]:
    for split, entry in entries:
        tokens = length(entry["prompt"])
        if tokens > longest:
            account.left_out["too long"] += 1
            account.examples.setdefault("too long", f"{entry['extra_info']['id']}: {tokens} tokens, more than {longest}")
        else:
            yield split, entry


def verl_row(row: Row) -> Row:
    """One row as verl has it; `extra_info.index` is 0.

    Raises:
        RowError: no completion could be judged by it, or it asks nothing.
    """
    kind, difficulty = row.get("kind"), row.get("difficulty") or {}
    return {
        "data_source": f"execverify/{kind}",
        "prompt": messages_of(row),
        "ability": "code" if kind == CODE_GENERATION else "code_reasoning",
        "reward_model": {"style": "rule", "ground_truth": ground_truth(row)},
        "extra_info": {
            "index": 0,
            "split": row.get("split") or TRAIN,
            "id": str(row.get("id", "")),
            "level": row.get("level"),
            "kind": kind,
            **{name: difficulty.get(name) for name in ("steps", "pass_count", "samples")},
            "generator": str(row.get("generator", "")),
        },
    }


class _Files:
    """A file for each split, written under other names and moved into place together."""

    def __init__(self, folder: Path) -> None:
        self._arrow, self._parquet = pyarrow_or_error()
        self._folder = folder
        self._waiting: dict[str, list[Row]] = {}
        self._writers: dict[str, Any] = {}
        self._files = contextlib.ExitStack()

    def __enter__(self) -> "_Files":
        self._is_new = not self._folder.exists()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RowError(f"{self._folder} could not be written: {error.strerror or error}") from None
        return self

    def write(self, split: str, entry: Row) -> None:
        """Adds a row to the file of a split."""
        self._waiting.setdefault(split, []).append(entry)
        if len(self._waiting[split]) == _BATCH:
            self._flush(split)

    def _flush(self, split: str) -> None:
        schema = _schema(self._arrow)
        entries = self._waiting.pop(split, [])
        try:
            if split not in self._writers:
                file = self._files.enter_context(atomic_write(self._place(split)))
                self._writers[split] = self._parquet.ParquetWriter(file, schema)
            self._writers[split].write_table(self._arrow.Table.from_pylist(entries, schema=schema))
        except (self._arrow.ArrowException, OverflowError, UnicodeError) as error:
            raise RowError(f"{self._folder}: Parquet cannot hold a row: {' '.join(str(error).split())}") from None
        except OSError as error:
            raise RowError(f"{self._folder} could not be written: {error.strerror or error}") from None

    def keep(self) -> None:
        """Puts what was written in place of what is there."""
        for split in list(self._waiting):
            self._flush(split)
        try:
            for writer in self._writers.values():
                writer.close()
            self._files.close()
            for split in {TRAIN, VALIDATION} - self._writers.keys():
                self._place(split).unlink(missing_ok=True)
        except OSError as error:
            raise RowError(f"{self._folder} could not be written: {error.strerror or error}") from None

    def __exit__(self, *_: object) -> None:
        given_up = InterruptedError()
        for writer in self._writers.values():
            with contextlib.suppress(OSError, ValueError):
                writer.close()
        self._files.__exit__(InterruptedError, given_up, None)  # what was kept is closed already; the rest is removed
        if self._is_new:
            with contextlib.suppress(OSError):  # there is something in it
                self._folder.rmdir()

    def _place(self, split: str) -> Path:
        return self._folder / f"{split}.parquet"


def _schema(pa: Any) -> Any:
    text, number = pa.string(), pa.int64()
    return pa.schema(
        [
            ("data_source", text),
            ("prompt", pa.list_(pa.struct([("role", text), ("content", text)]))),
            ("ability", text),
            ("reward_model", pa.struct([("style", text), ("ground_truth", text)])),
            (
                "extra_info",
                pa.struct(
                    [
                        *((name, number) for name in ("index", "level", "steps", "pass_count", "samples")),
                        *((name, text) for name in ("split", "id", "kind", "generator")),
                    ]
                ),
            ),
        ]
    )
