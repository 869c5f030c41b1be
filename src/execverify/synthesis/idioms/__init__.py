"""Idioms: what is done with one value after the other, and what comes of it in the end. A new one is a function in one of these modules."""

import importlib

from execverify.synthesis.idioms.registry import Body, IdiomInstance, idiom_depth, idiom_names, idioms_for, instantiate

for _name in ("accumulate", "transform", "search"):  # they register themselves
    importlib.import_module(f"{__name__}.{_name}")

__all__ = ["Body", "IdiomInstance", "idiom_depth", "idiom_names", "idioms_for", "instantiate"]
