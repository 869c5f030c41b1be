"""The verbs of the command line, grouped by what they work on: programs, rows, and datasets."""

import os
import sys

import click

from execverify import __version__
from execverify.commands import (
    build,
    chains,
    compare,
    doctor,
    evaluate,
    experiment,
    export,
    problems,
    programs,
    rows,
    stats,
    train,
)
from execverify.errors import ExecVerifyError, QuestionError, SandboxError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def execverify() -> None:
    """Teach language models to execute code in their heads, and prove what they learned."""


for verb in (
    programs.trace_command,
    programs.ask_command,
    rows.rows_command,
    problems.code_rows_command,
    build.build_command,
    chains.chains_command,
    rows.score_command,
    rows.validate_command,
    stats.stats_command,
    stats.report_command,
    export.export_command,
    evaluate.evaluate_command,
    compare.compare_command,
    train.train_command,
    experiment.experiment_command,
    doctor.doctor_command,
):
    execverify.add_command(verb)


def run_command_line() -> None:
    """Runs a command; what was done wrong is told in one line."""
    try:
        execverify.main(standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"execverify: {' '.join(error.format_message().split())}", err=True)
        sys.exit(2)
    except click.exceptions.Abort:
        click.echo("execverify: stopped", err=True)
        sys.exit(130)
    except click.exceptions.Exit as finished:
        sys.exit(finished.exit_code)
    except BrokenPipeError:  # the reader of our output has gone, as in `execverify trace ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except (ExecVerifyError, QuestionError) as error:
        click.echo(f"execverify: {error}", err=True)
        sys.exit(3 if isinstance(error, SandboxError) else 2)
