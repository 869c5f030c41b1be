"""The question kinds: one file a kind, each loaded when the first one is asked for."""

import importlib
import pkgutil

from execverify.errors import QuestionError


def load() -> None:
    """Imports every module of this package; each registers its kind. The paper's two come first."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if not names:  # in a confined process; whoever forks it loads them before
        raise QuestionError("the question kinds cannot be loaded: the folder of execverify.questions.kinds cannot be read")
    for name in sorted(names, key=lambda name: (name not in ("next_statement", "variable_state"), name)):
        importlib.import_module(f"{__name__}.{name}")
