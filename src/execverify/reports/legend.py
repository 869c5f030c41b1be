"""The words of the reports of trainings and ablations, explained where they are used."""

from collections.abc import Iterable

_MEANINGS = {
    "base": "the model before any training.",
    "sft": "the model after supervised fine-tuning (SFT) on chains of thought.",
    "rl_whitebox": "the model after reinforcement learning (RL) on questions about runs.",
    "rl_unit_tests": "the model after RL on code tasks, rewarded by unit tests.",
    "held-out": "rows whose programs have structures that no training row has.",
    "held-out-tasks": "code tasks whose programs have structures that no training row has.",
    "held-out-sampled": "the same rows, with several completions each, drawn at temperature 1.",
    "unseen-methods": "rows about built-in functions and methods that training does not have.",
    "longer-programs": "rows of levels beyond those of training.",
    "output": "the value that the call returns.",
    "input": "arguments whose call returns a given value.",
    "variable_state": "value and type of a variable just after a line has run.",
    "next_statement": "the statement that runs next.",
    "chain": "the chain of thought, which describes the run line by line before the answer. It is right if every line is true.",
    "verified": "the output is right, and every line of the chain before it is true.",
    "all": "the score of an evaluation that has one task, such as code tasks: programs that pass all their unit tests.",
    "mean of tasks": "the plain mean of the tasks' scores.",
    "guessed": "percent of right outputs whose chain is not true. Less is better.",
}


def legend(names: Iterable[str], explained: set[str]) -> list[tuple[str, str]]:
    """The names that have an explanation, as a reader sees them, each with it.

    Args:
        names: in the order of the legend.
        explained: names that the report explains already, and that are left out; those given are added.
    """
    new = [name for name in dict.fromkeys(names) if name in _MEANINGS and name not in explained]
    explained.update(new)
    return [(shown(name), _MEANINGS[name]) for name in new]


def legend_markdown(names: Iterable[str], explained: set[str]) -> list[str]:
    """The same as a list in Markdown; empty where nothing is left to explain."""
    lines = [f"- **{name}**: {meaning}" for name, meaning in legend(names, explained)]
    return ["\n".join(lines)] if lines else []


def shown(name: str) -> str:
    """The name of a task or an evaluation as a reader sees it: `variable_state` is "variable state". Models keep their names."""
    return name if name.startswith("rl_") else name.replace("_", " ").replace("-", " ")
