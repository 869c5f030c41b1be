"""Rows in number: synthesized or made from programs, kept in files and folders, validated, and described."""

from execverify.datasets.build import Built, build
from execverify.datasets.files import read_rows, write_rows
from execverify.datasets.make import Account, Drop, Settings, make_rows
from execverify.datasets.recipe import Recipe
from execverify.datasets.splits import Splits
from execverify.datasets.stats import Stats, stats_of
from execverify.datasets.stream import tasks

__all__ = [
    "Account", "Built", "Drop", "Recipe", "Settings", "Splits", "Stats", "build", "make_rows", "read_rows", "stats_of", "tasks",
    "write_rows",
]  # fmt: skip
