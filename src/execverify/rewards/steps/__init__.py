"""Step-level grading: a model's chain of thought, line by line, against the run."""

from execverify.rewards.steps.grade import GradedChain, GradedStep, StepVerdict, grade_chains, grade_steps

__all__ = ["GradedChain", "GradedStep", "StepVerdict", "grade_chains", "grade_steps"]
