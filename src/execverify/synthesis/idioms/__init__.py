"""Deeds: what is done with one value after the other, and what comes of it in the end. A new one is a function in one of these modules."""

from execverify.synthesis.idioms import accumulate, search, transform  # noqa: F401  (they register themselves)
from execverify.synthesis.idioms.registry import Body, IdiomInstance, idiom_depth, idiom_names, idioms_for, instantiate

__all__ = ["Body", "IdiomInstance", "accumulate", "gathering", "idiom_depth", "idiom_names", "idioms_for", "instantiate"]
