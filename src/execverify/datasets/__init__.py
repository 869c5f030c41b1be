"""Rows in number: synthesized or made from programs, kept in files and folders, validated, and described.

Names are loaded when first used: a command that reads a file of rows does not load what builds a dataset.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from execverify.datasets.build_run import BuildResult, build
    from execverify.datasets.config import DatasetConfig
    from execverify.datasets.from_programs import ConversionReport, RowConfig, SkippedProgram, make_rows
    from execverify.datasets.rows_io import read_rows, write_rows
    from execverify.datasets.splits import Splits
    from execverify.datasets.stats import Stats, stats_of
    from execverify.datasets.stream import generate_tasks

_HOMES = {
    "build_run": ("BuildResult", "build"),
    "rows_io": ("read_rows", "write_rows"),
    "from_programs": ("ConversionReport", "RowConfig", "SkippedProgram", "make_rows"),
    "config": ("DatasetConfig",),
    "splits": ("Splits",),
    "stats": ("Stats", "stats_of"),
    "stream": ("generate_tasks",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BuildResult",
    "ConversionReport",
    "DatasetConfig",
    "RowConfig",
    "SkippedProgram",
    "Splits",
    "Stats",
    "build",
    "generate_tasks",
    "make_rows",
    "read_rows",
    "stats_of",
    "write_rows",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'execverify.datasets' has no attribute {name!r}")
    return getattr(importlib.import_module(f"execverify.datasets.{module}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
