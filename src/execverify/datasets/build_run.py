"""`build`: write a dataset into a folder with all cores; a kill at any moment only delays it.

Worker processes generate chunks of items, here or on a cluster (`workers`, `ray_pool`). This process writes each chunk to a file when
it arrives (`chunks`), reads the chunks in order, leaves out duplicates (`collect`) and writes the rows to Parquet (`shards`) until there
are enough. Then shards, report and manifest are moved into place (`build_dir`). A build that is started again does the same, and finds
chunks that are already there.
"""

import functools
import hashlib
import itertools
import logging
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from execverify import __version__
from execverify.datasets.batch_generate import BatchGenerator
from execverify.datasets.build_dir import REPORT, Folder, ReportWriter, write_error
from execverify.datasets.card import card_of_build
from execverify.datasets.chunks import CHUNK_SIZE, ChunkStore, ItemResult, pack
from execverify.datasets.collect import MAX_CONSECUTIVE_MISSES, NoMoreRows, RowCollector
from execverify.datasets.config import DatasetConfig, check_size
from execverify.datasets.decontaminate import Decontaminator
from execverify.datasets.generate import ItemGenerator
from execverify.datasets.rows_io import pyarrow_or_error
from execverify.datasets.shards import Shard, Shards
from execverify.datasets.sources import source_of
from execverify.datasets.timing import StageTimer
from execverify.datasets.workers import WorkerCrashed, WorkerPool, Workers, died_at, open_pool
from execverify.errors import DatasetError, SandboxError

_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

FORMAT = 2
"""Version of the manifest's meaning."""


class ItemMaker(Protocol):
    """Makes the items of a dataset in another way than the workers of `build` do.

    Attributes:
        settings: what decides the items besides the recipe, as plain values.
        patience: consecutive items without a new row after which there are taken to be no more rows.
    """

    @property
    def settings(self) -> dict[str, Any]: ...

    @property
    def patience(self) -> int: ...

    def items(self, pool: WorkerPool, work: Path, collector: RowCollector) -> Iterator[tuple[bool, ItemResult, list[bytes]]]:
        """Whether an earlier build made an item, its result, and the lines of its rows; in order.

        Args:
            pool: processes that may be used.
            work: folder of the unfinished dataset.
            collector: what was taken so far.
        """
        ...

    def taken(self, result: ItemResult, drop: str | None) -> None:
        """Called after each item, with the reason where it gave no row."""
        ...

    def finish(self, out: Path) -> dict[str, Any]:
        """Writes what else belongs into the dataset's folder, and returns what else belongs into the manifest."""
        ...


@dataclass
class BuildResult:
    """What a build did.

    Attributes:
        manifest: of the dataset.
        was_complete: whether the dataset was complete before; then only a missing report was written.
        ready: how many of the rows an earlier, unfinished build had generated.
        seconds: wall-clock seconds.
        clock: seconds of all processes by stage.
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
    workers: Workers = 1,
    progress: Progress = lambda rows, ready: None,
    write_report: ReportWriter | None = None,
    command: str | None = None,
    maker: ItemMaker | None = None,
) -> BuildResult:
    """Writes a dataset into a folder; continues where a build with the same settings stopped.

    Args:
        out: the folder; made if it does not exist.
        size: how many rows.
        recipe: what decides the rows.
        workers: how many processes generate them, or a pool; the rows are the same for any.
        progress: called now and then with the number of rows so far, and how many of these an earlier build had generated.
        write_report: writes OUT/report.html before the manifest; `execverify.reports.dataset.write_report` does. None: no report.
        command: the shell command that OUT/README.md names; None names a call from Python.
        maker: makes the items; by default the workers do, from the recipe alone. Where its items end, so does the dataset.

    Raises:
        DatasetError: a size below 1; a folder that holds something else or cannot be written; settings that do not give so many
            rows. What was generated is kept, and the same call continues.
        SandboxError: programs cannot be run here (our failure).
    """
    begun = time.perf_counter()
    check_size(size)
    pyarrow_or_error()
    folder, settings = Path(out), {**recipe.as_json(), **({} if maker is None else maker.settings)}
    # Mistakes in the recipe's files are reported before the folder is touched.
    patience = source_of(recipe).patience if maker is None else maker.patience
    collector = RowCollector(recipe, size, patience or MAX_CONSECUTIVE_MISSES)
    benchmarks = Decontaminator(recipe.decontaminate)
    with Folder(folder, settings, size, code_version()) as claimed:
        if claimed.manifest is not None:
            if write_report is not None and not (folder / REPORT).exists():
                write_report(folder, claimed.manifest)
            return BuildResult(claimed.manifest, was_complete=True)
        workers = max(1, workers) if isinstance(workers, int) else workers
        count = workers if isinstance(workers, int) else workers.workers
        _log.info("%s: %d rows to make, %d workers, settings %s", folder, size, count, settings)
        work = _Build(claimed, recipe, collector, benchmarks, workers, progress, write_report, command, maker)
        try:
            manifest = work.run({**settings, "size": size})
        except OSError as error:
            raise DatasetError(write_error(folder, error)) from None
        except NoMoreRows:
            if collector.rows == 0:
                claimed.rollback()  # these settings give no rows: there is nothing to continue
            raise
    return BuildResult(manifest, False, work.ready, time.perf_counter() - begun, work.clock)


def _make_chunk(number: int, recipe: DatasetConfig) -> tuple[bytes, dict[str, float]]:
    """In a worker: the content of a chunk's file, and the seconds by stage."""
    generator = _generator(recipe)
    clock = generator.maker.clock
    before = dict(clock.seconds)
    lines = generator.lines(range(number * CHUNK_SIZE, (number + 1) * CHUNK_SIZE))
    with clock.stage("write"):
        data = pack(lines)
    return data, {name: seconds - before[name] for name, seconds in clock.seconds.items()}


@functools.lru_cache(maxsize=1)
def _generator(recipe: DatasetConfig) -> BatchGenerator:
    return BatchGenerator(ItemGenerator(recipe))


class _Build:
    """One build at work."""

    def __init__(
        self,
        folder: Folder,
        recipe: DatasetConfig,
        collector: RowCollector,
        benchmarks: Decontaminator,
        workers: Workers,
        progress: Progress,
        write_report: ReportWriter | None,
        command: str | None,
        maker: ItemMaker | None,
    ) -> None:
        self.folder = folder
        self.recipe = recipe
        self.collector = collector
        self.benchmarks = benchmarks
        self.workers = workers
        self.progress = progress
        self.write_report = write_report
        self.command = command
        self.maker = maker
        self.clock = StageTimer()
        self.chunks = ChunkStore(folder.work)
        self.ready = 0

    def run(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Generates all rows, moves them into place, and returns the manifest."""
        data = self.folder.work / "data"
        self.chunks.remove_partial()
        _empty(data)
        with Shards(data, self.recipe.splits.names) as shards:
            with open_pool(self.workers) as pool:
                for was_ready, result, lines in self._items(pool):
                    with self.clock.stage("write"):
                        taken = lines[: self.collector.add(result)]
                        for line in taken:
                            shards.add(result.split, line)
                    self.ready += len(taken) * was_ready
                    if self.maker is not None:
                        self.maker.taken(result, self.collector.last_drop)
                        self.progress(self.collector.rows, self.ready)
                    if self.collector.full:
                        break
            with self.clock.stage("write"):
                files = shards.finish()
                manifest = self._manifest(settings, shards, files)
                if self.maker is not None:
                    manifest |= self.maker.finish(self.folder.out)
        _log.info("%d rows in %d shards are made; they are moved into place", manifest["rows"], len(files))
        card = card_of_build(self.folder.out, manifest, self.command).text()
        self.folder.commit(data, manifest, card, self.write_report)
        return manifest

    def _items(self, pool: WorkerPool) -> Iterator[tuple[bool, ItemResult, list[bytes]]]:
        """Whether an earlier build generated an item, its result, and the lines of its rows; in order."""
        if self.maker is not None:
            yield from self.maker.items(pool, self.folder.work, self.collector)
            return
        try:
            chunks = (self._chunk(pool, number) for number in itertools.count())
            for number, seconds in enumerate(pool.in_order(chunks)):
                items = self.chunks.read(number)
                if items is None:
                    self.chunks.remove(number)
                    seconds = self._chunk(pool, number).result()
                    items = self.chunks.read(number)
                self.clock.add(seconds or {})
                for result, lines in items or ():
                    yield seconds is None, result, lines
                self.progress(self.collector.rows, self.ready)
        except WorkerCrashed as error:
            first = int(str(error.item)) * CHUNK_SIZE
            work = f"items {first} to {first + CHUNK_SIZE - 1}"
            raise SandboxError(died_at(work, error.cause, "Use fewer --workers; what was generated is kept")) from None

    def _chunk(self, pool: WorkerPool, number: int) -> Future[dict[str, float] | None]:
        """Starts to make a chunk. The future has the seconds by stage, and None where the chunk is there already."""
        if self.chunks.has(number):
            there: Future[dict[str, float] | None] = Future()
            there.set_result(None)
            return there
        return pool.submit_then(partial(_make_chunk, recipe=self.recipe), number, self._keep)

    def _keep(self, number: int, made: tuple[bytes, dict[str, float]]) -> dict[str, float] | None:
        """In a thread: writes a chunk that has arrived."""
        data, seconds = made
        try:
            self.chunks.write(number, data)
        except OSError as error:
            raise DatasetError(write_error(self.folder.out, error)) from None
        return seconds

    def _manifest(self, settings: dict[str, Any], shards: Shards, files: list[Shard]) -> dict[str, Any]:
        splits, kinds, levels = Counter[str](), Counter[str](), Counter[str]()
        for (split, kind, level), rows in shards.counts.items():
            splits[split] += rows
            kinds[kind] += rows
            levels["none" if level is None else str(level)] += rows
        collector = self.collector
        return {
            "format": FORMAT,
            "rows": collector.rows,
            "content_hash": shards.content.hexdigest(),
            "settings": settings,
            "splits": {name: splits[name] for name in self.recipe.splits.names},
            "kinds": dict(sorted(kinds.items())),
            "levels": dict(sorted(levels.items())),
            "items": collector.items,
            "skipped_items": _by_count(collector.dropped),
            "rejected_attempts": _by_count(collector.refused),
            "decontaminated": {file.name: collector.excluded[file.name] for file in self.benchmarks.files},
            "benchmarks": [asdict(file) for file in self.benchmarks.files],
            "shards": [asdict(shard) for shard in files],
            "made_with": {"execverify": __version__, "python": platform.python_version(), "pyarrow": _pyarrow_version()},
        }


def _by_count(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))


def _empty(folder: Path) -> None:
    """Makes an empty folder, and removes what a killed build left in it."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()


def _pyarrow_version() -> str:
    return str(pyarrow_or_error()[0].__version__)


def code_version() -> str:
    """A hash of this package's sources: chunks of different versions are not mixed."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
