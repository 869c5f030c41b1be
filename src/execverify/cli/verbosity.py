"""The options --quiet and --verbose, which every verb has, and where log messages go.

The library logs by the standard module `logging`, below the logger "execverify". The command line shows warnings and errors of it on
standard error; --verbose shows all messages. Worker processes do not log.
"""

import logging
import time
from collections.abc import Callable

import click

_LOGGER = logging.getLogger("execverify")
_given: set[str] = set()  # "quiet" or "verbose", while a command with that option runs


class _StderrHandler(logging.Handler):
    """Writes messages in one line each.

    Args:
        write: writes a line on standard error.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self.write = write

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.levelname.lower()}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        clock = time.strftime("%H:%M:%S ", time.localtime(record.created)) if _LOGGER.level <= logging.DEBUG else ""
        self.write(clock + text)


def log_to_stderr(write: Callable[[str], None]) -> None:
    """Show the library's warnings and errors; called once, when a command begins."""
    for handler in [one for one in _LOGGER.handlers if isinstance(one, _StderrHandler)]:
        _LOGGER.removeHandler(handler)
    _LOGGER.addHandler(_StderrHandler(write))
    _LOGGER.setLevel(logging.WARNING)


def is_quiet() -> bool:
    """Whether --quiet was given."""
    return "quiet" in _given


def with_verbosity(command: click.Command) -> click.Command:
    """Add --quiet and --verbose to a verb."""
    if not any(option.name == "quiet" for option in command.params):
        command.params += [
            click.Option(
                ["-q", "--quiet"],
                is_flag=True,
                expose_value=False,
                callback=_set_level,
                help="Print results and warnings alone: no progress, no notes.",
            ),
            click.Option(
                ["-v", "--verbose"],
                is_flag=True,
                expose_value=False,
                callback=_set_level,
                help="Show what is done, with the time.",
            ),
        ]
    return command


def _set_level(ctx: click.Context, option: click.Parameter, given: bool) -> None:
    if not given or ctx.resilient_parsing:
        return
    if _given - {str(option.name)}:
        raise click.UsageError("--quiet and --verbose exclude each other: give one of them")
    before = _LOGGER.level
    _given.add(str(option.name))

    def undo() -> None:
        _given.discard(str(option.name))
        _LOGGER.setLevel(before)

    ctx.find_root().call_on_close(undo)
    if option.name == "verbose":  # --quiet leaves warnings
        _LOGGER.setLevel(logging.DEBUG)
