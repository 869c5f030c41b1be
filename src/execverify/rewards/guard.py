"""One completion never ends a batch: what to do with an exception that nobody foresaw.

Judging one part of an answer is one guarded step. An exception in it is a mistake of ours, and yet a model's text brought it
about: so that part earns nothing (`Verdict.UNREADABLE`), its reason keeps the exception, and the log has the traceback. What is
wrong with a *row* is another matter: its reward is None, see `bad_row`.
"""

import functools
import logging
import traceback
from collections.abc import Callable, Sequence

from execverify.rewards.parts import GradedPart, Score, Verdict

_log = logging.getLogger(__name__)


def guarded(kind: str, expected: tuple[str, ...], given: str | None, judge: Callable[[], GradedPart]) -> GradedPart:
    """The part that `judge` gives, or one that could not be read."""
    try:
        return judge()
    except Exception as error:
        return unreadable(kind, expected, given, error)


def unreadable(kind: str, expected: tuple[str, ...], given: str | None, error: Exception) -> GradedPart:
    """A part whose judging raised what it never should."""
    _log.warning("an answer of kind %s could not be read", kind, exc_info=error)
    return GradedPart(kind, expected, given, Verdict.UNREADABLE, f"it could not be read: {described(error)}")


def described(error: Exception) -> str:
    """An exception in one line: its type, where it was raised, and its message."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}: {str(error)[:300]}"


@functools.lru_cache(maxsize=1_000)
def _warn_once(message: str) -> None:
    """Rows come again with every rollout and epoch; the log has each once."""
    _log.warning(message)


def bad_row(error: Exception, name: str = "", asked: Sequence[tuple[str, tuple[str, ...]]] = (("row", ()),)) -> Score:
    """The score of every completion of a row that cannot be used: None, with a part that says why.

    Args:
        error: what reading the row raised.
        name: which row it is.
        asked: kind and accepted answers of each part; one of kind "row" where nothing is known.
    """
    why = str(error) if type(error).__module__.startswith("execverify.") else described(error)
    why = f"{name}: {why}" if name else why
    _warn_once(f"a row cannot be used: {why}")
    return Score(None, tuple(GradedPart(kind, expected, None, Verdict.BAD_ROW, why) for kind, expected in asked))
