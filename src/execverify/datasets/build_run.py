"""`build`: a dataset in a folder, made by all cores, that a kill at any moment only delays.

Processes make spans of items and write each to a file (`crew`, `spans`). Here they are read in their order, twins left out
(`harvest`), and their rows written to Parquet (`shards`) until there are enough; then shards, report and manifest are put
into place (`folder`). A build that is started again does the same, and finds many spans already there.
"""

import hashlib
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from execverify import __version__
from execverify.datasets.build_dir import REPORT, Folder, ReportWriter, write_error
from execverify.datasets.chunks import ChunkStore, ItemResult
from execverify.datasets.collect import MAX_CONSECUTIVE_MISSES, NoMoreRows, RowCollector
from execverify.datasets.config import DatasetConfig, check_size
from execverify.datasets.decontaminate import Decontaminator
from execverify.datasets.rows_io import pyarrow_or_error
from execverify.datasets.shards import Shard, Shards
from execverify.datasets.sources import source_of
from execverify.datasets.timing import StageTimer
from execverify.datasets.workers import WorkerPool
from execverify.errors import DatasetError

Progress = Callable[[int, int], None]

FORMAT = 2
"""Version of the manifest's meaning."""


@dataclass
class BuildResult:
    """What a build did.

    Attributes:
        manifest: of the dataset.
        already: whether it was complete before; nothing was done then, but for a report that was missing.
        ready: how many of the rows a build before had made.
        seconds: how long it took.
        clock: where the time of all processes went.
    """

    manifest: dict[str, Any]
    was_complete: bool = False
    ready: int = 0
    seconds: float = 0.0
    clock: StageTimer = field(default_factory=StageTimer)


def build(
    out: str | Path,
    size: int,
    recipe: DatasetConfig,
    *,
    workers: int = 1,
    progress: Progress = lambda rows, ready: None,
    write_report: ReportWriter | None = None,
) -> BuildResult:
    """Makes a dataset in a folder; goes on where a build of the same settings stopped.

    Args:
        out: the folder; made where it does not exist.
        size: how many rows.
        recipe: what decides the rows.
        workers: how many processes make them; it decides nothing else.
        progress: called with the number of rows so far, and how many of these a build before had made, now and then.
        write_report: writes OUT/report.html before the manifest; `execverify.reports.dataset.write_report` does. None: no report.

    Raises:
        DatasetError: a size below 1; a folder that holds something else or cannot be written; settings that so many rows
            cannot be made of. What was made is kept, and the same call goes on.
        SandboxError: programs cannot be run here (our failure).
    """
    begun = time.perf_counter()
    check_size(size)
    pyarrow_or_error()
    folder, settings = Path(out), recipe.as_json()
    # What is wrong with a file of the recipe is told before the folder is touched.
    harvest, benchmarks = (
        RowCollector(recipe, size, source_of(recipe).patience or MAX_CONSECUTIVE_MISSES),
        Decontaminator(recipe.decontaminate),
    )
    with Folder(folder, settings, size, code_version()) as claimed:
        if claimed.manifest is not None:
            if write_report is not None and not (folder / REPORT).exists():
                write_report(folder, claimed.manifest)
            return BuildResult(claimed.manifest, was_complete=True)
        work = _Build(claimed, recipe, harvest, benchmarks, max(1, workers), progress, write_report)
        try:
            manifest = work.run({**settings, "size": size})
        except OSError as error:
            raise DatasetError(write_error(folder, error)) from None
        except NoMoreRows:
            if harvest.rows == 0:
                claimed.rollback()  # nothing can be made of this: nothing to go on with
            raise
    return BuildResult(manifest, False, work.ready, time.perf_counter() - begun, work.clock)


class _Build:
    """One build at work."""

    def __init__(
        self,
        folder: Folder,
        recipe: DatasetConfig,
        harvest: RowCollector,
        benchmarks: Decontaminator,
        workers: int,
        progress: Progress,
        write_report: ReportWriter | None,
    ) -> None:
        self.folder = folder
        self.recipe = recipe
        self.harvest = harvest
        self.benchmarks = benchmarks
        self.workers = workers
        self.progress = progress
        self.write_report = write_report
        self.clock = StageTimer()
        self.spans = ChunkStore(folder.work)
        self.ready = 0

    def run(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Makes all rows, puts them into place, and returns the manifest."""
        data = self.folder.work / "data"
        self.spans.remove_partial()
        _empty(data)
        with Shards(data, self.recipe.splits.names) as shards:
            with WorkerPool(self.recipe, self.spans, self.workers) as crew:
                for number, fate, lines in self._items(crew):
                    before = self.harvest.rows
                    with self.clock.stage("write"):
                        self._add(shards, fate, lines)
                    if number in crew.ready:
                        self.ready += self.harvest.rows - before
                    if self.harvest.full:
                        break
            self.clock.add(crew.clock.seconds)
            with self.clock.stage("write"):
                files = shards.finish()
                manifest = self._manifest(settings, shards, files)
        self.folder.commit(data, manifest, self.write_report)
        return manifest

    def _items(self, crew: WorkerPool) -> Iterator[tuple[int, ItemResult, list[bytes]]]:
        for number in crew.completed():
            items = self.spans.read(number)
            if items is None:
                crew.recompute(number)
                items = self.spans.read(number)
            for fate, lines in items or ():
                yield number, fate, lines
            self.progress(self.harvest.rows, self.ready)

    def _add(self, shards: Shards, fate: ItemResult, lines: list[bytes]) -> None:
        for line in lines[: self.harvest.add(fate)]:
            shards.add(fate.split, line)

    def _manifest(self, settings: dict[str, Any], shards: Shards, files: list[Shard]) -> dict[str, Any]:
        splits, kinds, levels = Counter[str](), Counter[str](), Counter[str]()
        for (split, kind, level), rows in shards.counts.items():
            splits[split] += rows
            kinds[kind] += rows
            levels["none" if level is None else str(level)] += rows
        harvest = self.harvest
        return {
            "format": FORMAT,
            "rows": harvest.rows,
            "content_hash": shards.content.hexdigest(),
            "settings": settings,
            "splits": {name: splits[name] for name in self.recipe.splits.names},
            "kinds": dict(sorted(kinds.items())),
            "levels": dict(sorted(levels.items())),
            "items": harvest.items,
            "skipped_items": _by_count(harvest.dropped),
            "rejected_attempts": _by_count(harvest.refused),
            "decontaminated": {file.name: harvest.excluded[file.name] for file in self.benchmarks.files},
            "benchmarks": [asdict(file) for file in self.benchmarks.files],
            "shards": [asdict(shard) for shard in files],
            "made_with": {"execverify": __version__, "python": platform.python_version(), "pyarrow": _pyarrow_version()},
        }


def _by_count(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))


def _empty(folder: Path) -> None:
    """An empty folder; what a killed build left in it is removed."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()


def _pyarrow_version() -> str:
    return str(pyarrow_or_error()[0].__version__)


def code_version() -> str:
    """A hash of this package's sources: spans of one are not mixed with those of another."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
