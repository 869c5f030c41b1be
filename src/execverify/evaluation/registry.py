"""The benchmarks by name: whatever module of `benchmarks/` defines `BENCHMARK`, and what is registered from outside."""

import importlib
import pkgutil

from execverify.errors import EvaluationError
from execverify.evaluation import benchmarks
from execverify.evaluation.benchmark import Benchmark
from execverify.utils.registry import Registry


def _load() -> None:
    for module in pkgutil.iter_modules(benchmarks.__path__):
        found = getattr(importlib.import_module(f"{benchmarks.__name__}.{module.name}"), "BENCHMARK", None)
        if isinstance(found, Benchmark):
            register_benchmark(found)


BENCHMARKS: Registry[Benchmark] = Registry("benchmark", EvaluationError, _load)
"""Every benchmark by name."""


def register_benchmark(benchmark: Benchmark) -> Benchmark:
    """Adds a benchmark, under the name of its `about`."""
    return BENCHMARKS.register(benchmark.about.name, benchmark)


def all_benchmarks() -> dict[str, Benchmark]:
    """Every benchmark, by name, in the order of names."""
    return {name: BENCHMARKS.get(name) for name in sorted(BENCHMARKS)}


def benchmark(name: str) -> Benchmark:
    """The benchmark of a name.

    Raises:
        EvaluationError: there is none; the message names the nearest.
    """
    return BENCHMARKS.get(name)
