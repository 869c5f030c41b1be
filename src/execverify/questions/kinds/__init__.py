"""The question kinds: one file a kind, each loaded when the first one is asked for."""

import importlib
import pkgutil


def load() -> None:
    """Imports every module of this package; each registers its kind. The paper's two come first."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    for name in sorted(names, key=lambda name: (name not in ("next_statement", "variable_state"), name)):
        importlib.import_module(f"{__name__}.{name}")
