"""The benchmarks by name: whatever module of `benchmarks/` defines `BENCHMARK`."""

import difflib
import functools
import importlib
import pkgutil

from execverify.errors import EvaluationError
from execverify.evaluation import benchmarks
from execverify.evaluation.benchmark import Benchmark


@functools.cache
def all_benchmarks() -> dict[str, Benchmark]:
    """Every benchmark, by name, in the order of names."""
    found: dict[str, Benchmark] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        made = getattr(importlib.import_module(f"{benchmarks.__name__}.{module.name}"), "BENCHMARK", None)
        if isinstance(made, Benchmark):
            found[made.about.name] = made
    return dict(sorted(found.items()))


def benchmark(name: str) -> Benchmark:
    """The benchmark of a name.

    Raises:
        EvaluationError: there is none; the message names the nearest.
    """
    known = all_benchmarks()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.4) or list(known)
    raise EvaluationError(f"there is no benchmark {name!r}: did you mean {' or '.join(near)}?")
