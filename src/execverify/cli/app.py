"""The verbs of the command line, and how a command ends.

A verb's module is loaded when the verb is used: `execverify --version` and the completion of a shell load none. Exit statuses: 0
done; 1 a check found something wrong; 2 wrong input, or output that cannot be written; 3 our own failure, such as a sandbox that does
not start; 70 a bug in execverify; 128 and more a signal.
"""

import contextlib
import importlib
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, TextIO

import click
from click.shell_completion import CompletionItem

from execverify import __version__
from execverify.cli.completion import with_completion
from execverify.cli.verbosity import log_to_stderr, with_verbosity
from execverify.errors import ExecVerifyError, RunStopped, SandboxError
from execverify.utils.messages import near_names, one_line
from execverify.utils.registry import load_plugins

VERBS = {
    "trace": ("trace", "Run programs and show each step: its line, and what changed."),
    "ask": ("trace", "Ask questions about programs' runs, with every accepted answer."),
    "score": ("score", "Grade completions of rows."),
    "view": ("view", "Show runs, questions and graded answers as one page for a browser."),
    "dataset": ("", "Make, import, check, describe and export rows."),
    "evaluate": ("evaluate", "Run benchmarks on a model, and score them."),
    "compare": ("compare", "Compare runs of one benchmark with the first of them."),
    "train": ("train", "Train a model by a preset: SFT, white-box RL, unit-test RL."),
    "ablate": ("ablate", "Train and measure every condition of the ablation."),
    "doctor": ("doctor", "What of the sandbox, the engines and the devices works here."),
}
"""By name: the module, and one line of help."""

DATASET_VERBS = {
    "build": ("dataset_build", "Make a dataset of synthesized programs."),
    "from-programs": ("dataset_from_programs", "Make rows of programs that exist."),
    "from-repo": ("dataset_from_repo", "Make rows of the functions that a repository's tests call."),
    "import": ("dataset_import", "Make rows of published code problems with their unit tests."),
    "add-cot": ("dataset_add_cot", "Give rows chains of thought: rendered from traces, or written by a model."),
    "difficulty": ("dataset_difficulty", "Measure how many samples of a model are right, and keep rows by that."),
    "from-failures": ("dataset_from_failures", "Make rows of questions about a model's own failed programs."),
    "stats": ("dataset_stats", "Describe rows and their programs, and how far shortcuts get."),
    "validate": ("dataset_validate", "Check labels against a new run, and that no reward hack is overpaid."),
    "report": ("dataset_stats", "Write the page that describes a dataset, OUT/report.html, anew."),
    "export": ("dataset_export", "Write rows as a trainer reads them."),
    "push": ("dataset_push", "Upload a dataset with its card to the Hugging Face hub."),
}
"""The verbs of `execverify dataset`."""

_RESUMES = frozenset({"build", "difficulty", "train", "ablate"})
"""Verbs that resume where they were stopped; `evaluate` does with --output, and `add-cot` and `from-failures` with --model."""

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class _Verbs(click.Group):
    """A group of verbs, each loaded when it is used.

    Args:
        verbs: by name, the module and one line of help; a verb without a module is a group of `_GROUPS`.
        prefix: what the names of the verbs' functions begin with.
    """

    def __init__(self, *args: Any, verbs: Mapping[str, tuple[str, str]], prefix: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.verbs, self.prefix = verbs, prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.verbs:
            return None
        module = self.verbs[cmd_name][0]
        if not module:
            return _GROUPS[cmd_name]
        load_plugins()  # before any room is loaded: a plugin may import all of them
        found = importlib.import_module(f"execverify.cli.{module}")
        command: click.Command = getattr(found, f"{self.prefix}{cmd_name.replace('-', '_')}_command")
        return with_completion(with_verbosity(command))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.verbs and not args[0].startswith("-"):
            raise click.UsageError(f"there is no verb {args[0]!r}: {_hint(args[0], ctx.command_path, self.verbs)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in self.verbs.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        verbs = [CompletionItem(name, help=about) for name, (_, about) in self.verbs.items() if name.startswith(incomplete)]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)


def _hint(word: str, group: str, verbs: Mapping[str, tuple[str, str]]) -> str:
    """Which verb was meant, also where it belongs to another group."""
    known = {name: name for name in verbs}
    if verbs is VERBS:
        known = {name: f"dataset {name}" for name in DATASET_VERBS} | known
    near = near_names(word, known)
    if not near:
        return f"`{group} --help` lists the verbs"
    return f"did you mean {' or '.join(known[name] for name in near)}?"


@click.group(cls=_Verbs, verbs=DATASET_VERBS, prefix="dataset_", invoke_without_command=True)
@click.pass_context
def dataset(ctx: click.Context) -> None:
    """Make, import, check, describe and export rows."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


_GROUPS: dict[str, click.Command] = {"dataset": dataset}


@click.group(
    cls=_Verbs,
    verbs=VERBS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="execverify")
@click.pass_context
def execverify(ctx: click.Context) -> None:
    """Teach language models to execute code in their heads, and prove what they learned.

    Every command takes --quiet (results and warnings alone) and --verbose (also what is done).
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


class Signalled(KeyboardInterrupt):
    """A signal asked the command to end; what is unfinished is cleared up as after Ctrl-C.

    Attributes:
        number: the signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def complain(message: object) -> None:
    """Report an error in one line on standard error."""
    with contextlib.suppress(OSError):
        click.echo(f"execverify: {one_line(message)}", err=True)


def run_command_line(args: list[str] | None = None) -> NoReturn:
    """Runs a command and ends the process; what was done wrong is reported in one line."""
    words = sys.argv[1:] if args is None else args
    if "_EXECVERIFY_COMPLETE" in os.environ:
        execverify.main(words, prog_name="execverify")  # a shell asks what may come next
    sys.stderr = sys.stderr or _nowhere()  # closed by who started us
    if sys.stdout is None:
        sys.stdout = _nowhere()
        sys.exit(_complain_with("standard output is closed: send it to a file, or to /dev/null", 2))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = _warn
    with _signals_raise():
        status = _status(words)
    sys.exit(status)


def _status(words: list[str]) -> int:
    """Run a command; its exit status."""
    log_to_stderr(complain)
    try:
        try:
            with execverify.make_context("execverify", list(words), obj=tuple(words)) as ctx:
                execverify.invoke(ctx)
        finally:
            sys.stdout.flush()
        return 0
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except SystemExit as finished:
        return (
            finished.code if isinstance(finished.code, int) else 0 if finished.code is None else _complain_with(finished.code, 1)
        )
    except click.ClickException as error:
        return _complain_with(_usage(error), 2)
    except (KeyboardInterrupt, click.exceptions.Abort) as stop:
        complain(stopped(words))
        return 128 + (stop.number if isinstance(stop, Signalled) else signal.SIGINT)
    except ExecVerifyError as error:
        return _complain_with(error, 3 if isinstance(error, SandboxError | RunStopped) else 2)
    except BrokenPipeError:  # the reader of our output has gone, as in `execverify trace ... | head`
        _drop_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        _drop_output()
        where = error.filename if isinstance(error.filename, str) else "the output could not be written, or a file not be read"
        return _complain_with(f"{where}: {error.strerror or error}", 2)
    except MemoryError:
        return _complain_with("there is not enough memory: use fewer --workers, or give less at once", 3)
    except ImportError as error:
        if (error.name or "").partition(".")[0] in ("click", "rich"):
            raise
        return _report_bug(error)
    except Exception as error:
        return _report_bug(error)


def _report_bug(error: Exception) -> int:
    """Show the traceback of a bug of ours."""
    traceback.print_exception(error)
    return _complain_with(
        f"this is a bug in execverify, and no mistake of yours ({type(error).__name__}): please report it with the lines above",
        70,
    )


def _complain_with(message: object, status: int) -> int:
    complain(message)
    return status


def _usage(error: click.ClickException) -> str:
    """The message of click, with the command that shows help."""
    ctx = getattr(error, "ctx", None)
    hint = f" (`{ctx.command_path} --help` shows more)" if isinstance(error, click.UsageError) and ctx is not None else ""
    return f"{error.format_message().rstrip()}{hint}"


def stopped(words: list[str]) -> str:
    """The message for a stopped command: whether the same command resumes."""
    named = [word for word in words if not word.startswith("-")]
    verb = next((word for word in named if word != "dataset"), "")
    options = {word.split("=")[0] for word in words}
    asks = verb in ("add-cot", "from-failures") and "--model" in options
    if verb in _RESUMES or asks or (verb == "evaluate" and options & {"-o", "--output"}):
        return "stopped; what was done is kept: give the same command again to resume"
    if verb == "evaluate":
        return "stopped; nothing is kept: with --output RUN, the same command would resume"
    return "stopped; no file was left half-written"


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  (for as long as the process is there)


def _drop_output() -> None:
    """Lets the interpreter end without another try to write what cannot be written."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    complain(f"warning: {message}")


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does, so that nothing is left half-written."""
    ours = os.getpid()

    def handler(number: int, frame: object) -> None:
        if os.getpid() != ours:  # a fork of ours: it ends as it would have
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise Signalled(number)

    changed = [number for number in _SIGNALS if signal.getsignal(number) == signal.SIG_DFL]
    for number in changed:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)
