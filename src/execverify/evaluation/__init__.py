"""How good is a model? Benchmarks scored as their authors do, and strictly; statistics; tables and pages."""

from execverify.evaluation.benchmark import About, Benchmark, Item, Mark, Record
from execverify.evaluation.registry import all_benchmarks, benchmark
from execverify.evaluation.run import Evaluation, evaluate

__all__ = ["About", "Benchmark", "Evaluation", "Item", "Mark", "Record", "all_benchmarks", "benchmark", "evaluate"]
