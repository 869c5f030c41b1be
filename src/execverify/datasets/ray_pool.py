"""A pool of workers on a Ray cluster, in the place of processes on this machine.

Each Ray task hands its call to a worker process of the kind that `workers` starts, so that a call does the same on a cluster as here.
Ray starts a task again where its node or its Ray process is lost. Results, files and requests to models stay with this process.

Ray Data is not used: its checkpoint does the blocks that were finished again, and forgets rows that a map drops.
"""

import functools
import logging
import os
import platform
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execverify.datasets.build_run import code_version
from execverify.datasets.workers import Item, Result, WorkerCrashed, WorkerPool
from execverify.errors import SandboxError
from execverify.utils.messages import one_line

ADDRESS = "RAY_ADDRESS"
"""The environment variable that names the cluster. Without it, Ray is started on this machine."""

LOCAL = "local"
_TASK_RETRIES = 3  # times that Ray starts a task again, after its process or its node was lost
_CONNECT_TIMEOUT = 5.0  # seconds
_SPARE = 4  # a task waits in the queue for every so many CPUs, so that none of them waits for this process
_ENVIRONMENT = "EXECVERIFY_"  # variables that the workers need


@dataclass(frozen=True)
class _Caller:
    """What a worker has to have in common with this process.

    Attributes:
        version: hash of the package's sources, with the version of Python.
        folder: the working folder, for the relative paths of a command.
        environment: variables of ours.
    """

    version: str
    folder: str
    environment: tuple[tuple[str, str], ...]


class RayPool(WorkerPool):
    """Workers on the cluster that RAY_ADDRESS names, or on a Ray that is started on this machine and ends with the pool.

    Where the process is connected to a cluster already (`ray.init`), that one is used, and stays connected.

    Args:
        workers: calls at once, each of which takes one CPU; None: as many as the cluster has CPUs.

    Raises:
        SandboxError: Ray is not installed, or the cluster cannot be reached.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._ray = _ray_or_error()
        self._owns = not self._ray.is_initialized()
        if self._owns:
            _connect(self._ray, workers)
        workers = workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        super().__init__(workers + workers // _SPARE + 1)
        self.workers = workers
        variables = sorted((name, value) for name, value in os.environ.items() if name.startswith(_ENVIRONMENT))
        self._caller = _Caller(_version(), str(Path.cwd()), tuple(variables))
        self._task = self._ray.remote(num_cpus=1, max_retries=_TASK_RETRIES)(run_here)
        self._under_way: set[Any] = set()
        self._references = threading.Lock()

    def __enter__(self) -> "RayPool":
        return self

    def __exit__(self, *arguments: object) -> None:
        with self._references:
            self._closed = True
            under_way = list(self._under_way)
        self._threads.shutdown(wait=False, cancel_futures=True)
        for reference in under_way:
            self._ray.cancel(reference, force=True)
        super().__exit__(*arguments)
        if self._owns:
            self._ray.shutdown()

    def _call(self, function: Callable[[Item], Result], item: Item) -> Result:
        with self._references:
            if self._closed:
                raise CancelledError
            reference = self._task.remote(self._caller, function, item)
            self._under_way.add(reference)
        try:
            result, error = self._ray.get(reference)
        except self._ray.exceptions.RayError as failure:
            if self._closed:
                raise CancelledError from None
            raise SandboxError(_lost(failure)) from None
        finally:
            with self._references:
                self._under_way.discard(reference)
        if isinstance(error, WorkerCrashed):
            error.item = item
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]


def _ray_or_error() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to Ray's makers
    try:
        import ray
    except ImportError:
        raise SandboxError("--engine ray needs Ray: pip install 'execverify[ray]', or use --engine local") from None
    return ray


def _connect(ray: Any, workers: int | None) -> None:
    address = os.environ.get(ADDRESS) or LOCAL
    _check_reachable(ray, address)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        options |= {"num_cpus": workers or len(os.sched_getaffinity(0)), "include_dashboard": False}
    try:
        ray.init(address=address, **options)
    except Exception as error:  # Ray has no class for this
        where = "could not be started" if address == LOCAL else f"at {address} could not be reached"
        raise SandboxError(f"Ray {where} ({one_line(error, 200)}): set {ADDRESS}, or use --engine local") from None


def _check_reachable(ray: Any, address: str) -> None:
    """Ray itself waits for minutes where nobody listens, and ends the process."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not colon or not port.isdecimal():
        return
    if host in ("localhost", "127.0.0.1"):  # Ray takes this for the node's own address
        host = ray.util.get_node_ip_address()
    try:
        socket.create_connection((host, int(port)), _CONNECT_TIMEOUT).close()
    except OSError as error:
        raise SandboxError(
            f"no Ray at {address} ({error}): start it with `ray start --head`, set {ADDRESS} to its address, or use --engine local"
        ) from None


def _lost(failure: Exception) -> str:
    return (
        f"Ray could not do the work ({type(failure).__name__}: {one_line(failure, 300)}): is execverify installed on every node, "
        "and is there enough memory? What was made is kept: give the same command again"
    )


@functools.cache
def _version() -> str:
    return f"{code_version()} {platform.python_version()}"


# ------------------------------------------------------------------------------------------------- in a Ray worker


def run_here(caller: _Caller, function: Callable[[Any], Any], item: object) -> tuple[Any, Exception | None]:
    """In a Ray worker: the result of a call, or the error that it raised."""
    try:
        return _local_worker(caller).submit(function, item).result(), None
    except Exception as error:
        return None, error


@functools.lru_cache(maxsize=1)
def _local_worker(caller: _Caller) -> WorkerPool:
    """The worker process of this Ray worker."""
    if caller.version != _version():
        where = socket.gethostname()
        raise SandboxError(f"the node {where} has another version of execverify or Python: install the same one on each node")
    if Path(caller.folder).is_dir():
        os.chdir(caller.folder)
    _set(dict(caller.environment))
    return WorkerPool(1)


def _set(variables: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(_ENVIRONMENT)]:
        del os.environ[name]
    os.environ.update(variables)
