"""The card of a dataset: the README.md that the Hugging Face hub shows, and reads for its splits, columns, licence and tags.

A folder of `execverify dataset build` has it as OUT/README.md; a file of rows has it beside it, as `rows.card.md` of `rows.jsonl`.
`execverify dataset push` uploads it as README.md. `datasets.load_dataset` takes files, splits and columns from it.
"""

import itertools
import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePath
from typing import Any

from execverify import __version__
from execverify.datasets.build_dir import CARD
from execverify.datasets.config import DatasetConfig
from execverify.datasets.rows_io import Columns, parquet_schema, write_rows
from execverify.questions.rows import Row
from execverify.utils.atomic import atomic_text
from execverify.utils.messages import count_phrase

REPOSITORY = "OWNER/NAME"
"""What stands for the hub's repository until a card is pushed."""

UNKNOWN_LICENCE = "unknown"
OWN_LICENCE = "apache-2.0"
"""Of programs that the grammar of this package writes."""

_TAGS = ("code", "code-execution", "execution-trace", "reasoning", "reinforcement-learning", "execverify")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
_LARGEST = "10M<n<100M"
_SECRET = re.compile(r"(?i)^([\w.-]*(?:key|token|secret|password)[\w.-]*=).+")

_MEANINGS = {
    "version": "version of the columns",
    "id": "unique name",
    "kind": "`white_box` (output and questions about the run), `input_prediction` or `code_generation`",
    "prompt": "chat messages that ask the model",
    "completion": "chat message of the model: a chain of thought, then the answers",
    "program": "source, entry point, arguments and result, all as text",
    "questions": "questions about the run with every accepted answer, or unit tests",
    "level": "level of difficulty, 1 to 6; null where it is not defined",
    "constraint": "what the program had to keep",
    "difficulty": "steps, branches and depth of the run; pass counts where a model was measured",
    "split": "train, validation or test",
    "seed": "seed that chose the questions",
    "generator": "where the program came from",
    "style": "style of the chain of thought",
    "tokens": "tokens of the completion",
}


@dataclass
class RowTally:
    """Counts of rows, taken while they are written.

    Attributes:
        rows: how many.
        kinds, levels, splits: how many of each; a row without a split counts as `train`.
    """

    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)

    def counted(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the rows, and count each."""
        for row in rows:
            self.rows += 1
            self.kinds[row["kind"]] += 1
            self.levels["none" if row.get("level") is None else str(row["level"])] += 1
            self.splits[row.get("split") or "train"] += 1
            yield dict(row)


@dataclass(frozen=True)
class Card:
    """What a card says.

    Attributes:
        title: name of the dataset.
        about: one paragraph on what a row is.
        command: how the dataset was made: a shell command, or Python.
        licence: identifier of the hub, such as "apache-2.0".
        splits: number of rows by split.
        files: pattern of the files by split, relative to the card.
        kinds, levels: number of rows by kind, by level.
        columns: the columns, as a function of pyarrow.
    """

    title: str
    about: str
    command: str
    licence: str
    splits: Mapping[str, int]
    files: Mapping[str, str]
    kinds: Mapping[str, int]
    levels: Mapping[str, int]
    columns: Columns = parquet_schema

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(self.splits.values())

    def metadata(self) -> dict[str, Any]:
        """The YAML part as plain values."""
        tags = [*_TAGS, *(["chain-of-thought"] if self.columns is not parquet_schema else [])]
        features = _features(self.columns)
        return {
            "pretty_name": self.title,
            "license": self.licence,
            "language": ["en"],
            "task_categories": ["text-generation"],
            "size_categories": [next((name for most, name in _SIZES if self.rows < most), _LARGEST)],
            "tags": tags,
            "configs": [
                {
                    "config_name": "default",
                    "data_files": [{"split": name, "path": self.files[name]} for name, rows in self.splits.items() if rows],
                }
            ],
            **({"dataset_info": {"features": features}} if features else {}),
        }

    def text(self) -> str:
        """The card as Markdown with a YAML head."""
        kinds = ", ".join(f"{count:,} {name}" for name, count in self.kinds.items() if count)
        levels = ", ".join(f"{name}: {count:,}" for name, count in sorted(self.levels.items()) if count and name != "none")
        features = _features(self.columns) or []
        parts = [
            f"---\n{_yaml(self.metadata())}---",
            f"# {self.title}",
            self.about,
            f"{count_phrase(self.rows, 'row')}: {kinds}." + (f" Rows by level: {levels}." if levels else ""),
            f'```python\nfrom datasets import load_dataset\n\nrows = load_dataset("{REPOSITORY}")\n```',
            _table(("split", "rows"), [(name, f"{count:,}") for name, count in self.splits.items()]),
            "## Columns",
            _table(("column", "content"), [(f"`{one['name']}`", _MEANINGS.get(one["name"], "")) for one in features]),
            f"## How it was made\n\n```\n{self.command}\n```",
            f"Made with execverify {__version__}.",
            f"## Licence\n\n{_licence_note(self.licence)}",
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


def card_path(rows: str | Path) -> Path:
    """Where the card of a dataset's folder, or of a file of rows, is."""
    path = Path(rows)
    return path / CARD if path.is_dir() else path.with_name(f"{path.stem}.card.md")


def card_of_build(folder: Path, manifest: Mapping[str, Any], command: str | None = None) -> Card:
    """The card of a folder of `execverify dataset build`.

    Args:
        folder: the dataset's folder; its name is the title.
        manifest: what `manifest.json` holds.
        command: the shell command that made it; None for a build from Python.
    """
    settings = manifest["settings"]
    own = not settings.get("programs_file") and settings.get("synthesizer", "grammar") == "grammar"
    source = "programs that a seeded grammar wrote" if own else "given programs"
    return Card(
        title=folder.resolve().name,
        about=f"Tasks of code execution about {source}: predict what a call returns, answer questions about single steps of its "
        "run, predict arguments, or write a function. Every program was run confined, and its trace gave the answers.",
        command=command or _python_call(settings),
        licence=OWN_LICENCE if own else UNKNOWN_LICENCE,
        splits=manifest["splits"],
        files={name: f"data/{name}-*.parquet" for name in manifest["splits"]},
        kinds=manifest["kinds"],
        levels=manifest["levels"],
    )


def card_of_file(path: str | Path, tally: RowTally, about: str, command: str, columns: Columns | None = None) -> Card:
    """The card of a file of rows, whose programs somebody else may own.

    Args:
        path: the file; its stem is the title.
        tally: what the file holds.
        about: one paragraph on what a row is.
        command: the shell command that made it.
        columns: those of the rows; by default, those of a task's row.
    """
    split = next(iter(tally.splits)) if len(tally.splits) == 1 else "train"
    return Card(
        title=Path(path).stem,
        about=about,
        command=command,
        licence=UNKNOWN_LICENCE,
        splits={split: tally.rows},
        files={split: Path(path).name},
        kinds=tally.kinds,
        levels=tally.levels,
        columns=columns or parquet_schema,
    )


def write_with_card(
    out: str, rows: Iterable[Row], about: str, command: str, columns: Columns | None = None, licence: str = ""
) -> bool:
    """Writes rows and their card, and nothing where there is no row: an empty file would hide the mistake.

    Args:
        out: the file, or `-` for standard output, which has no card.
        rows: what to write.
        about, command, columns: as in `card_of_file`.
        licence: of the programs; "" where nobody stated it.

    Returns:
        Whether there was a row.
    """
    tally = RowTally()
    counted = tally.counted(rows)
    first = next(counted, None)
    if first is None:
        return False
    write_rows(out, itertools.chain([first], counted), columns)
    if out != "-":
        card = card_of_file(out, tally, about, command, columns).text()
        atomic_text(card_path(out), with_licence(card, licence) if licence else card, errors="backslashreplace")
    return True


def shell_command(words: Sequence[str]) -> str:
    """A command as a shell reads it, fit for publishing: absolute paths by their last part, and no values of secrets."""
    return shlex.join(["execverify", *map(_public, words)])


def with_licence(text: str, licence: str) -> str:
    """A card with another licence."""
    head, fence, body = text.partition("\n---\n")
    head = re.sub(r"(?m)^license: .*$", f"license: {json.dumps(licence)}", head)
    return head + fence + re.sub(r"(?ms)^## Licence\n\n.*?(?=^#|\Z)", f"## Licence\n\n{_licence_note(licence)}\n", body)


def _public(word: str) -> str:
    name, equals, value = word.partition("=")
    if secret := _SECRET.match(word):
        return secret[1] + "..."
    if equals and value.startswith(("/", "~")):
        return f"{name}={PurePath(value).name}"
    return PurePath(word).name if word.startswith(("/", "~")) else re.sub(r"(?<=://)[^/@]*@", "", word)


def _python_call(settings: Mapping[str, Any]) -> str:
    """A build from Python, with the settings that differ from the defaults."""
    defaults = DatasetConfig().as_json()
    known = {one.name for one in fields(DatasetConfig)}
    changed = {name: value for name, value in settings.items() if name in known and value != defaults.get(name)}
    given = ", ".join(f"{name}={tuple(value) if isinstance(value, list) else value!r}" for name, value in changed.items())
    return f"execverify.datasets.build(OUT, {settings.get('size')}, execverify.datasets.DatasetConfig({given}))"


def _licence_note(licence: str) -> str:
    if licence == UNKNOWN_LICENCE:
        return "The programs keep the licence of their source. Name it before you publish the rows (`execverify dataset push --license`)."
    return f"`{licence}`."


def _features(columns: Columns) -> list[dict[str, Any]] | None:
    """The columns as the hub's `dataset_info` names them; None without pyarrow."""
    try:
        import pyarrow as pa
    except ImportError:
        return None
    return [_feature(pa, one) for one in columns(pa)]


def _feature(pa: Any, column: Any) -> dict[str, Any]:
    return {"name": column.name, **_type(pa, column.type)}


def _type(pa: Any, kind: Any) -> dict[str, Any]:
    if pa.types.is_list(kind):
        inner = _type(pa, kind.value_type)
        return {"list": inner.get("struct") or inner.get("dtype") or inner}
    if pa.types.is_struct(kind):
        return {"struct": [_feature(pa, kind.field(i)) for i in range(kind.num_fields)]}
    return {"dtype": str(kind)}


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {one} | {other} |" for one, other in (head, ("---", "---"), *rows)]
    return "\n".join(lines) if len(lines) > 2 else ""


def _yaml(value: Mapping[str, Any] | list[Any], indent: int = 0) -> str:
    """Plain values as block YAML; texts are quoted as JSON, which is YAML too."""
    space = "  " * indent
    lines = []
    pairs = value.items() if isinstance(value, Mapping) else ((None, one) for one in value)
    for name, one in pairs:
        head = f"{space}-" if name is None else f"{space}{name}:"
        if not isinstance(one, Mapping | list):
            lines.append(f"{head} {json.dumps(one)}\n")
        elif name is None:
            lines.append(f"{head} {_yaml(one, indent + 1).lstrip()}")
        else:
            lines.append(f"{head}\n{_yaml(one, indent + 1)}")
    return "".join(lines)
