"""Models in the loop without a model: requests a second, rows a second through the funnel, and memory.

    python bench/generation.py [--requests N] [--rows N] [--concurrency N] [--workers N] [--ray] [--memory-rows N] [--json]

A null server on loopback answers at once, from a process of its own that shares the machine. Its answers are programs of the grammar,
so that nearly every one keeps its constraint. The asker writes each answer to the store before it is counted; the plain client sends
the same requests without it.

With --ray, the grammar's rows are made with local processes and on a Ray that is started here, by turns, after a first small build that
is not counted. With --memory-rows, nothing else is measured: so many rows go through a stage that asks a model in this process, half of
them are written, and the peak of the resident memory is read at a tenth of the rows and at the end. On a machine that others use,
compare the figures a second of processor time, which is this process's own.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from execverify.datasets import DatasetConfig
from execverify.datasets.build_run import build
from execverify.datasets.ray_pool import RayPool
from execverify.datasets.workers import WorkerPool
from execverify.generation.asker import Asker
from execverify.generation.build import build_with_model
from execverify.generation.difficulty import DIFFICULTY_STAGES
from execverify.generation.funnel import Funnel
from execverify.generation.programs import SynthesisConfig
from execverify.generation.rows import Record, RowOutput, ask_samples, rejected, run_stages
from execverify.generation.store import RequestStore
from execverify.models import Generation, Request, Sampling, load
from execverify.questions.rows import to_row
from execverify.questions.task import task
from execverify.synthesis import synthesize
from execverify.tracing.trace import trace

ROUNDS = 5  # builds with each engine
PROGRAMS = 512  # distinct answers; item i gets the program of item i


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ray", action="store_true", help="measure --engine ray beside local too")
    parser.add_argument("--memory-rows", type=int, help="measure the memory at so many rows, and nothing else")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.memory_rows:
        with tempfile.TemporaryDirectory() as folder:
            report(options, memory(Path(folder), options.memory_rows))
        return
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, max(PROGRAMS, 4 * options.rows)), daemon=True
    )
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = {
                **asked(url, Path(folder) / "asked", options.requests, options.concurrency),
                **built(url, Path(folder) / "built", options.rows, options.concurrency, options.workers),
                **(engines(Path(folder), options.rows, options.workers) if options.ray else {}),
            }
    finally:
        server.terminate()
    report(options, {**figures, "memory_mb": peak_mb()})


def report(options: argparse.Namespace, figures: dict[str, float]) -> None:
    """Prints the figures as a table, or as JSON."""
    if options.json:
        print(json.dumps({"settings": vars(options), "figures": figures}))
        return
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):44} {value:12,.2f}")


def peak_mb() -> float:
    """The most resident memory of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def memory(folder: Path, count: int) -> dict[str, float]:
    """Peaks of memory while rows go through a stage with a model that answers at once; half of them are kept."""
    program = next(one.program for index in range(20) if (one := synthesize(0, index)) is not None)
    row = to_row(task(trace(program), kind="input_prediction"))
    rows = (
        {**row, "id": f"row {number}", "prompt": [{"role": "user", "content": f"{number} " * 100}]} for number in range(count)
    )
    output = RowOutput(str(folder / "rows.parquet"), Funnel("rows", DIFFICULTY_STAGES), about="", command="")
    found: dict[str, float] = {"memory_mb_at_the_start": peak_mb()}
    begun = time.perf_counter()

    def counted(records: Iterator[Record]) -> Iterator[Record]:
        for number, record in enumerate(records):
            if number == count // 10:
                found[f"memory_mb_at_{number}_rows"] = peak_mb()
            yield rejected(record, "hard enough", "odd") if number % 2 else {**record, "completions": []}

    with Asker(Null(), RequestStore(folder / "requests"), None, 256) as asker:
        made = run_stages(rows, lambda records: ask_samples(records, asker, Sampling(), 1), concurrency=256)
        assert output.write(counted(made)) == (count + 1) // 2
    return {**found, f"memory_mb_at_{count}_rows": peak_mb(), "rows_a_second": count / (time.perf_counter() - begun)}


class Null:
    """A model in this process that answers at once."""

    name = "null"
    settings: dict[str, Any] = {"engine": "null"}

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Generation]:
        """One short completion for each request."""
        for request in requests:
            yield Generation(request.id, ("I do not know. " * 20,), None, ("stop",))

    def close(self) -> None:
        """Nothing is open."""


def asked(url: str, folder: Path, count: int, concurrency: int) -> dict[str, float]:
    """Requests a second: sent and kept, and read from the store."""
    prompt = ({"role": "user", "content": "Write a program. " * 40},)
    requests = [Request(str(number), prompt, number) for number in range(count)]
    found = {}
    begun, used = time.perf_counter(), time.process_time()
    assert all(
        one.error is None
        for one in load(url, model="null", concurrency=concurrency).generate(requests, Sampling(temperature=0.8))
    )
    found["requests_a_second_of_the_plain_client"] = count / (time.perf_counter() - begun)
    found["plain_client_a_processor_second"] = count / (time.process_time() - used)
    for what in ("sent", "from_the_store"):
        with Asker(load(url, model="null", concurrency=concurrency), RequestStore(folder), None, concurrency) as asker:
            begun, used = time.perf_counter(), time.process_time()
            replies = asker.ask(requests, Sampling(temperature=0.8))
            found[f"requests_a_second_{what}"] = count / (time.perf_counter() - begun)
            found[f"{what}_a_processor_second"] = count / (time.process_time() - used)
            assert all(reply.answer is not None for reply in replies)
    found["bytes_of_the_store_a_request"] = sum(path.stat().st_size for path in folder.iterdir()) / count
    return found


def built(url: str, out: Path, rows: int, concurrency: int, workers: int) -> dict[str, float]:
    """Programs and rows a second through all stages."""
    with Asker(load(url, model="null", concurrency=concurrency), RequestStore(out / "requests"), None, concurrency) as asker:
        begun = time.perf_counter()
        manifest = build_with_model(out, rows, DatasetConfig(), SynthesisConfig(), asker, workers=workers).manifest
        seconds = time.perf_counter() - begun
    return {"programs_a_second_through_the_funnel": manifest["items"] / seconds, "rows_a_second": manifest["rows"] / seconds}


def engines(folder: Path, rows: int, workers: int) -> dict[str, float]:
    """Rows of the grammar a second with either engine, and the ratio: medians of `ROUNDS` builds, by turns, so that both meet one load."""
    seconds: dict[str, list[float]] = {"local": [], "ray": []}
    hashes = set()
    with WorkerPool(workers) as local, RayPool(workers) as ray:
        pools = {"local": local, "ray": ray}
        for name, pool in pools.items():
            build(folder / f"{name}-first", 8, DatasetConfig(), workers=pool)
        for number in range(ROUNDS):
            for name, pool in pools.items():
                begun = time.perf_counter()
                hashes.add(build(folder / f"{name}-{number}", rows, DatasetConfig(), workers=pool).manifest["content_hash"])
                seconds[name].append(time.perf_counter() - begun)
    assert len(hashes) == 1
    found = {f"rows_of_the_grammar_a_second_{name}": rows / statistics.median(times) for name, times in seconds.items()}
    ratios = [one / other for one, other in zip(seconds["local"], seconds["ray"], strict=True)]
    return {**found, "ray_for_each_row_of_local": statistics.median(ratios)}


def serve(started: Connection, programs: int) -> None:
    """The null server, in its own process: HTTP/1.1 with connections that stay open."""
    answers = [_answer(index) for index in range(programs)]

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = json.loads(await reader.readexactly(length))
            writer.write(answers[body["seed"] % programs])

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024)
        started.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def _answer(index: int) -> bytes:
    made = next((one for attempt in range(20) if (one := synthesize(0, index, attempt)) is not None), None)
    text = "no" if made is None else f"```python\n{made.program.source}\n{made.program.call}\n```"
    message: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = json.dumps({"choices": [message], "usage": {"prompt_tokens": 300, "completion_tokens": 100}}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


if __name__ == "__main__":
    main()
