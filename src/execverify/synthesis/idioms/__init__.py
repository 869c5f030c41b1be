"""Idioms: what a loop does with one value after the other. A new one is a function in any module of this package."""

import importlib
import pkgutil

from execverify.synthesis.idioms.registry import Body, Idiom, IdiomInstance, idiom, idiom_names, idioms_for

for _name in sorted(module.name for module in pkgutil.iter_modules(__path__)):  # they register themselves
    importlib.import_module(f"{__name__}.{_name}")

__all__ = ["Body", "Idiom", "IdiomInstance", "idiom", "idiom_names", "idioms_for"]
