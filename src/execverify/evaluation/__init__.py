"""How good is a model? Benchmarks scored as their authors do, and strictly; statistics; tables and pages."""

from execverify.evaluation.benchmark import Benchmark, BenchmarkInfo, Grade, Item, ItemResult
from execverify.evaluation.registry import all_benchmarks, benchmark
from execverify.evaluation.run import Evaluation, evaluate

__all__ = ["Benchmark", "BenchmarkInfo", "Evaluation", "Grade", "Item", "ItemResult", "all_benchmarks", "benchmark", "evaluate"]
