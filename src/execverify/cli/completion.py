"""Values in a shell's completion: kinds, benchmarks, presets, styles ... by the name of the option, and files elsewhere.

A value's names are loaded when it is completed, and not before.
"""

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

_MODELS = ("replay:", "mock:gold", "mock:empty", "mock:constant:", "http://", "https://")
_PATHS = frozenset({"FILE", "DIR", "OUT", "RUN", "FOLDER"})


def with_completion(command: click.Command) -> click.Command:
    """Give each option and argument of a verb its values."""
    for param in command.params:
        name = next((name for name in param.opts if name in _VALUES), "")
        if name:
            values, is_list = _VALUES[name]
            param.shell_complete = _completer(values, is_list)  # type: ignore[method-assign, assignment]
        elif isinstance(param.type, click.types.StringParamType) and _is_path(param):
            param.shell_complete = _files  # type: ignore[method-assign]
    return command


def _is_path(param: click.Parameter) -> bool:
    return isinstance(param, click.Argument) or param.metavar in _PATHS or "--output" in param.opts


def _files(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


def _completer(
    values: Callable[[click.Context], Iterable[str]], is_list: bool
) -> Callable[[click.Context, str], list[CompletionItem]]:
    def complete(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",") if is_list else ("", "", incomplete)
        given = set(before.split(","))
        found = [CompletionItem(before + comma + name) for name in values(ctx) if name.startswith(last) and name not in given]
        return found or _files(ctx, incomplete)

    return complete


def _benchmarks(ctx: click.Context) -> Iterable[str]:
    from execverify.evaluation.registry import all_benchmarks

    return all_benchmarks()


def _presets(ctx: click.Context) -> Iterable[str]:
    from execverify.training.presets import preset_names

    return preset_names()


def _trainers(ctx: click.Context) -> Iterable[str]:
    from execverify.training.trainers import TRAINERS

    return TRAINERS


def _conditions(ctx: click.Context) -> Iterable[str]:
    from execverify.training.ablation.conditions import CONDITIONS

    return [condition.name for condition in CONDITIONS]


def _rewards(ctx: click.Context) -> Iterable[str]:
    from execverify.rewards.registry import REWARDS

    return REWARDS


def _question_kinds(ctx: click.Context) -> Iterable[str]:
    from execverify.questions.kinds.base import QUESTION_KINDS

    return QUESTION_KINDS


def _task_kinds(ctx: click.Context) -> Iterable[str]:
    from execverify.questions.task import ALL_KINDS

    return ALL_KINDS


def _templates(ctx: click.Context) -> Iterable[str]:
    from execverify.evaluation.prompts import PROMPT_STYLES
    from execverify.questions.prompts import template_names

    return PROMPT_STYLES if ctx.info_name == "evaluate" else template_names()


def _styles(ctx: click.Context) -> Iterable[str]:
    from execverify.cot import MIXED, STYLES

    return (*STYLES, MIXED)


def _detail_levels(ctx: click.Context) -> Iterable[str]:
    from execverify.cot import NAMED_LEVELS

    return NAMED_LEVELS


def _builtins(ctx: click.Context) -> Iterable[str]:
    from execverify.programs.catalog import CATALOG

    return CATALOG


_VALUES: dict[str, tuple[Callable[[click.Context], Iterable[str]], bool]] = {
    "benchmark": (_benchmarks, False),
    "benchmarks": (_benchmarks, False),
    "--preset": (_presets, False),
    "--trainer": (_trainers, False),
    "--conditions": (_conditions, True),
    "--rewards": (_rewards, True),
    "--question-kinds": (_question_kinds, True),
    "--task-kinds": (_task_kinds, True),
    "--prompt-template": (_templates, False),
    "--style": (_styles, False),
    "--detail-level": (_detail_levels, False),
    "--builtins": (_builtins, True),
    "--model": (lambda ctx: _MODELS, False),
}
"""By option or argument: what gives the names, and whether the value is a list of them with commas."""
