"""Deeds: what is done with one value after the other, and what comes of it in the end. A new one is a function in one of these modules."""

from execverify.synthesis.idioms import accumulate, search, transform  # noqa: F401  (they register themselves)
from execverify.synthesis.idioms.registry import Act, Done, deed_depth, deed_names, deeds_for, set_up

__all__ = ["Act", "Done", "arranging", "deciding", "deed_depth", "deed_names", "deeds_for", "gathering", "set_up"]
