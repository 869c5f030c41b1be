"""execverify: teach language models to execute code in their heads, and prove what they learned.

    import execverify as ev
    program = ev.Program("def f(n):\\n    return n + 1", entry_point="f", arguments="3")
    trace = ev.trace(program, timeout=1.0)       # what happened, step by step
    questions = ev.ask(trace, limit=10, seed=0)  # questions about it, with every accepted answer
    task = ev.task(trace)                        # a prompt, its questions, and a perfect completion
    score = ev.score(task, task.gold)            # a verdict on any completion
    steps = ev.grade_steps(task, completion)     # the lines of its chain of thought, each right or wrong
    for task in ev.generate_tasks(size=1000, seed=0): ... # synthesized, without end where no size is given

Names are loaded when first used, so that a process which needs one room does not pay for all of them.
"""

import importlib
import logging
from typing import TYPE_CHECKING, Any

from execverify.errors import ExecVerifyError

if TYPE_CHECKING:
    from execverify.datasets import generate_tasks
    from execverify.programs import Program, Value, parse_literal, read_programs
    from execverify.questions import Question, Task, ask, from_row, task, to_row
    from execverify.rewards import PAPER_REWARD, GradedPart, GradedStep, RewardConfig, Score, grade_steps, score, score_many
    from execverify.sandbox import Limits, Outcome, Result, run, run_many
    from execverify.tracing import Step, Trace, trace, trace_many

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # the application decides where messages go

_HOMES = {
    "datasets": ("generate_tasks",),
    "sandbox": ("Limits", "Outcome", "Result", "run", "run_many"),
    "programs": ("Program", "Value", "parse_literal", "read_programs"),
    "questions": ("Question", "Task", "ask", "from_row", "task", "to_row"),
    "rewards": ("PAPER_REWARD", "GradedPart", "GradedStep", "RewardConfig", "Score", "grade_steps", "score", "score_many"),
    "tracing": ("Step", "Trace", "trace", "trace_many"),
}
_HOME_OF = {name: room for room, names in _HOMES.items() for name in names}

__all__ = [
    "PAPER_REWARD",
    "ExecVerifyError",
    "GradedPart",
    "GradedStep",
    "Limits",
    "Outcome",
    "Program",
    "Question",
    "Result",
    "RewardConfig",
    "Score",
    "Step",
    "Task",
    "Trace",
    "Value",
    "__version__",
    "ask",
    "from_row",
    "generate_tasks",
    "grade_steps",
    "parse_literal",
    "read_programs",
    "run",
    "run_many",
    "score",
    "score_many",
    "task",
    "to_row",
    "trace",
    "trace_many",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    room = _HOME_OF.get(name)
    if room is None:
        raise AttributeError(f"module 'execverify' has no attribute {name!r}")
    return getattr(importlib.import_module(f"execverify.{room}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
