"""Step-level grading: a model's chain of thought, line by line, against the run."""
