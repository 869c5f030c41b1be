"""Rows in number: made from programs, kept in files, validated, and described."""

from execverify.datasets.files import read_rows, write_rows
from execverify.datasets.make import Account, Drop, Settings, make_rows
from execverify.datasets.stats import Stats, stats_of

__all__ = ["Account", "Drop", "Settings", "Stats", "make_rows", "read_rows", "stats_of", "write_rows"]
