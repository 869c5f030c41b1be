"""Tasks of execverify for `verifiers`: its commands find here the set of tasks, and how a model is asked by default."""

from execverify_tasks.credits import assign_advantages, load_tokens
from execverify_tasks.tasks import ExecVerifyTaskset, SingleTurnEnv, SingleTurnHarness

__all__ = ["ExecVerifyTaskset", "SingleTurnEnv", "SingleTurnHarness", "assign_advantages", "load_tokens"]
